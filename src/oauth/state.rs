//! The OAuth `state`: `hex(HMAC-SHA256(payload)).base64url(payload)`, 10 minutes (P14, RFC 6749 §10.12).
//!
//! The signature says that we made it and when; that it is used once is the Person object's part, that it is used by the
//! browser that started is the cookie's. The payload is readable by whoever sees the URL, so it holds no secret.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::constants::{MAX_TOKEN, STATE_LIFE};
use crate::crypto::{KeyRing, Purpose, base64url, from_base64url};
use crate::ports::Timestamp;

/// Why a state is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// Not made by us, or changed on the way.
    #[error("the state is not ours")]
    Invalid,
    /// Ours, and too old.
    #[error("the state has run out")]
    Expired,
}

#[derive(Serialize, Deserialize)]
struct Signed<T> {
    req: T,
    iat: Timestamp,
    exp: Timestamp,
}

/// Signs `content`; it works until `now` plus [`STATE_LIFE`].
pub fn sign<T: Serialize>(keys: &KeyRing, content: &T, now: Timestamp) -> String {
    let payload = serde_json::to_vec(&Signed { req: content, iat: now, exp: now + STATE_LIFE }).unwrap_or_default();
    format!("{}.{}", hex::encode(keys.sign(Purpose::State, &payload)), base64url(&payload))
}

/// Gives back what [`sign`] signed.
///
/// # Errors
/// [`StateError`].
pub fn verify<T: DeserializeOwned>(keys: &KeyRing, state: &str, now: Timestamp) -> Result<T, StateError> {
    if state.len() > MAX_TOKEN {
        return Err(StateError::Invalid);
    }
    let (signature, payload) = state.split_once('.').ok_or(StateError::Invalid)?;
    // One state is one string: the other case of a hexadecimal digit is a change as well.
    let lowercase = !signature.bytes().any(|byte| byte.is_ascii_uppercase());
    let signature = hex::decode(signature).ok().filter(|_| lowercase).ok_or(StateError::Invalid)?;
    let payload = from_base64url(payload).ok_or(StateError::Invalid)?;
    if !keys.verify(Purpose::State, &payload, &signature) {
        return Err(StateError::Invalid);
    }
    let signed: Signed<T> = serde_json::from_slice(&payload).map_err(|_| StateError::Invalid)?;
    if signed.exp <= now { Err(StateError::Expired) } else { Ok(signed.req) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::RootSecrets;

    fn ring(secret: &str) -> KeyRing {
        KeyRing::new(RootSecrets { current: secret.into(), previous: None })
    }

    #[test]
    fn a_state_works_for_ten_minutes_p14() {
        let keys = ring("one");
        let state = sign(&keys, &"content", Timestamp(0));
        assert_eq!(verify::<String>(&keys, &state, Timestamp(599_999)), Ok("content".to_owned()));
        assert_eq!(verify::<String>(&keys, &state, Timestamp(600_000)), Err(StateError::Expired));
    }

    #[test]
    fn a_state_that_was_changed_or_made_elsewhere_is_refused_p14() {
        let keys = ring("one");
        let state = sign(&keys, &"content", Timestamp(0));
        for index in 0..state.len() {
            let mut changed = state.clone().into_bytes();
            changed[index] = if changed[index] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(verify::<String>(&keys, &changed, Timestamp(1)).is_err(), "{index}");
        }
        assert_eq!(verify::<String>(&ring("two"), &state, Timestamp(1)), Err(StateError::Invalid));
        for junk in ["", ".", "a.b", "é.é", &"x".repeat(100_000)] {
            assert_eq!(verify::<String>(&keys, junk, Timestamp(1)), Err(StateError::Invalid));
        }
    }
}
