//! Proof that a request comes from Slack: the v0 signature
//! (<https://docs.slack.dev/authentication/verifying-requests-from-slack>).
//!
//! The signature is over the raw body, so it is checked before anything is parsed, and everything that parses takes a
//! [`VerifiedSlackRequest`], which only [`verify`] makes.

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use secrecy::SecretString;
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::config::expose;
use crate::ports::Timestamp;

/// How far the signed time may be from ours, in seconds, either way. Slack's own recommendation: it bounds for how long a
/// recorded request can be replayed.
pub const MAX_SKEW_SECONDS: i64 = 300;

const TIMESTAMP: &str = "x-slack-request-timestamp";
const SIGNATURE: &str = "x-slack-signature";

/// A request that Slack signed.
#[derive(Clone, Debug)]
pub struct VerifiedSlackRequest {
    body: Bytes,
    signed_at: i64,
}

impl VerifiedSlackRequest {
    /// The raw body, as it was signed.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// When Slack signed it, in seconds since the Unix epoch.
    pub fn signed_at(&self) -> i64 {
        self.signed_at
    }
}

/// Why a request was not believed. For the log: whoever sent it learns only that it was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unverified {
    /// A header is missing, repeated, or not of its form.
    #[error("malformed")]
    Malformed,
    /// It was signed more than five minutes away from now.
    #[error("out of time")]
    OutOfTime,
    /// The signature is not that of this body under our secret.
    #[error("wrong signature")]
    Wrong,
}

/// Verifies that Slack signed `body`.
///
/// # Errors
/// When a header is missing, repeated or malformed, when the time is off, when the signature is another's.
pub fn verify(
    secret: &SecretString,
    headers: &HeaderMap,
    body: Bytes,
    now: Timestamp,
) -> Result<VerifiedSlackRequest, Unverified> {
    let timestamp = only(headers, TIMESTAMP)?;
    let signature = only(headers, SIGNATURE)?;
    let signed_at = seconds(timestamp)?;
    let away = now.as_seconds().checked_sub(signed_at).ok_or(Unverified::OutOfTime)?;
    if away.unsigned_abs() > MAX_SKEW_SECONDS.unsigned_abs() {
        return Err(Unverified::OutOfTime);
    }
    let expected = sign(secret, timestamp, &body).ok_or(Unverified::Wrong)?;
    if bool::from(expected.as_bytes().ct_eq(signature.as_bytes())) {
        Ok(VerifiedSlackRequest { body, signed_at })
    } else {
        Err(Unverified::Wrong)
    }
}

/// The signature that Slack puts on `body` at `timestamp`: `v0=` and 64 lowercase hexadecimal digits.
fn sign(secret: &SecretString, timestamp: &str, body: &[u8]) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(expose(secret).as_bytes()).ok()?;
    mac.update(b"v0:");
    mac.update(timestamp.as_bytes());
    mac.update(b":");
    mac.update(body);
    Some(format!("v0={}", hex::encode(mac.finalize().into_bytes())))
}

/// The value of a header that must be there once.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str, Unverified> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().map_err(|_| Unverified::Malformed),
        _ => Err(Unverified::Malformed),
    }
}

fn seconds(timestamp: &str) -> Result<i64, Unverified> {
    if !timestamp.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Unverified::Malformed);
    }
    timestamp.parse().map_err(|_| Unverified::Malformed)
}

#[cfg(test)]
pub(super) mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    /// The vector that Slack publishes.
    const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
    const AT: &str = "1531420618";
    const BODY: &str = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V\
                        &channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=\
                        &response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmib\
                        IGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    const SIGNED: &str = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";

    /// The headers that Slack would send with `body`.
    pub fn signed_headers(secret: &str, at: Timestamp, body: &[u8]) -> HeaderMap {
        let timestamp = at.as_seconds().to_string();
        let signature = sign(&secret.into(), &timestamp, body).unwrap();
        headers(&timestamp, &signature)
    }

    /// A request that Slack signed, as parsers take it.
    pub fn signed(body: impl Into<Bytes>, at: Timestamp) -> VerifiedSlackRequest {
        VerifiedSlackRequest { body: body.into(), signed_at: at.as_seconds() }
    }

    fn headers(timestamp: &str, signature: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(TIMESTAMP, HeaderValue::from_str(timestamp).unwrap());
        headers.insert(SIGNATURE, HeaderValue::from_str(signature).unwrap());
        headers
    }

    fn check(headers: &HeaderMap, body: &str, now: i64) -> Result<VerifiedSlackRequest, Unverified> {
        verify(&SECRET.into(), headers, Bytes::from(body.to_owned()), Timestamp(now * 1000))
    }

    #[test]
    fn slacks_published_vector_is_accepted() {
        let verified = check(&headers(AT, SIGNED), BODY, 1_531_420_618).unwrap();
        assert_eq!(verified.body(), BODY.as_bytes());
        assert_eq!(verified.signed_at(), 1_531_420_618);
    }

    #[test]
    fn five_minutes_away_is_near_enough_and_a_second_more_is_not() {
        let headers = headers(AT, SIGNED);
        for now in [1_531_420_618 - 300, 1_531_420_618 + 300] {
            assert!(check(&headers, BODY, now).is_ok(), "{now}");
        }
        for now in [1_531_420_618 - 301, 1_531_420_618 + 301, 0, i64::MAX / 1000, i64::MIN / 1000] {
            assert_eq!(check(&headers, BODY, now).unwrap_err(), Unverified::OutOfTime, "{now}");
        }
    }

    #[test]
    fn a_missing_header_is_refused() {
        for name in [TIMESTAMP, SIGNATURE] {
            let mut headers = headers(AT, SIGNED);
            headers.remove(name);
            assert_eq!(check(&headers, BODY, 1_531_420_618).unwrap_err(), Unverified::Malformed, "{name}");
        }
    }

    #[test]
    fn a_repeated_header_is_refused_even_when_both_values_are_good() {
        for (name, value) in [(TIMESTAMP, AT), (SIGNATURE, SIGNED)] {
            let mut headers = headers(AT, SIGNED);
            headers.append(name, HeaderValue::from_static(value));
            assert_eq!(check(&headers, BODY, 1_531_420_618).unwrap_err(), Unverified::Malformed, "{name}");
        }
    }

    #[test]
    fn a_malformed_time_is_refused() {
        for bad in ["", "-1531420618", "+1531420618", "1531420618.5", "15314206180000000000000", "now", " 1531420618"] {
            assert!(check(&headers(bad, SIGNED), BODY, 1_531_420_618).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_malformed_signature_is_refused() {
        let upper = SIGNED.to_uppercase();
        let other_version = SIGNED.replace("v0=", "v1=");
        let bare = SIGNED.trim_start_matches("v0=");
        for bad in ["", "v0=", "v0=00", upper.as_str(), other_version.as_str(), bare, &format!("{SIGNED}0")] {
            assert_eq!(check(&headers(AT, bad), BODY, 1_531_420_618).unwrap_err(), Unverified::Wrong, "{bad:?}");
        }
    }

    #[test]
    fn another_secret_is_refused() {
        let headers = signed_headers("another", Timestamp(1_531_420_618_000), BODY.as_bytes());
        assert_eq!(check(&headers, BODY, 1_531_420_618).unwrap_err(), Unverified::Wrong);
    }

    proptest! {
        #[test]
        fn any_flipped_bit_of_the_body_is_refused(at in 0usize..BODY.len(), bit in 0u8..8) {
            let mut body = BODY.as_bytes().to_vec();
            body[at] ^= 1 << bit;
            let refused = verify(&SECRET.into(), &headers(AT, SIGNED), body.into(), Timestamp(1_531_420_618_000));
            prop_assert_eq!(refused.unwrap_err(), Unverified::Wrong);
        }

        #[test]
        fn any_other_character_in_the_signature_is_refused(at in 0usize..SIGNED.len(), other in "[0-9a-zA-Z=]") {
            let mut signature = SIGNED.to_owned();
            signature.replace_range(at..=at, &other);
            prop_assume!(signature != SIGNED);
            prop_assert!(check(&headers(AT, &signature), BODY, 1_531_420_618).is_err());
        }

        #[test]
        fn any_other_time_is_refused(other in 1_531_420_318i64..1_531_420_918) {
            prop_assume!(other != 1_531_420_618);
            prop_assert!(check(&headers(&other.to_string(), SIGNED), BODY, 1_531_420_618).is_err());
        }
    }
}
