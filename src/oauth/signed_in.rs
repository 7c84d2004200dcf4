//! Somebody who signed in to `/account`: a cookie that says who, and no session on our side.
//!
//! The cookie is sealed, so its holder can neither read nor make one. It ends after half an hour by what stands in it. Signing
//! out takes it away from this browser; who has copied it before could go on until then, and see and end this account's
//! MCP clients, nothing more.

use std::time::Duration;

use http::HeaderMap;
use serde::{Deserialize, Serialize};

use super::browser::cookies;
use super::constants::MAX_TOKEN;
use crate::crypto::{KeyRing, Purpose, Sealed, random_id};
use crate::ports::{Random, Timestamp};
use vedette_sentry::oauth::Account;

/// `__Host-` makes browsers refuse it from other hosts and over http.
const COOKIE: &str = "__Host-vedette_account";
/// How long somebody stays signed in.
pub const SIGNED_IN_LIFE: Duration = Duration::from_secs(30 * 60);

/// Who signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedIn {
    /// The user's id at Sentry.
    pub user: String,
    /// What to call the account.
    pub label: String,
    /// The Sentry that it is of.
    pub origin: String,
    /// This sign-in, for its forms.
    pub visit: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl SignedIn {
    /// `account` of the Sentry at `origin` has just signed in.
    pub fn new(account: &Account, origin: &str, random: &dyn Random, now: Timestamp) -> SignedIn {
        SignedIn {
            user: account.id.clone(),
            label: account.label().chars().take(200).collect(),
            origin: origin.to_owned(),
            visit: random_id(random),
            expires_at: now + SIGNED_IN_LIFE,
        }
    }

    /// Who sent these headers, if they are signed in with the Sentry at `origin`.
    pub fn from_headers(headers: &HeaderMap, keys: &KeyRing, origin: &str, now: Timestamp) -> Option<SignedIn> {
        cookies(headers, COOKIE)
            .filter(|value| value.len() <= MAX_TOKEN)
            .filter_map(Sealed::from_text)
            .filter_map(|sealed| keys.open::<SignedIn>(Purpose::SignedIn, COOKIE, &sealed.0).ok())
            .find(|it| it.expires_at > now && it.origin == origin)
    }

    /// The `Set-Cookie` value. `Lax`, because it is set on the way back from Sentry.
    pub fn cookie(&self, keys: &KeyRing, random: &dyn Random) -> String {
        let value = keys.seal(Purpose::SignedIn, COOKIE, self, random).to_text();
        let life = SIGNED_IN_LIFE.as_secs();
        format!("{COOKIE}={value}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={life}")
    }

    /// The `Set-Cookie` value that takes it away.
    pub fn removal() -> String {
        format!("{COOKIE}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0")
    }
}

#[cfg(test)]
mod tests {
    use http::header;

    use super::*;
    use crate::config::RootSecrets;

    struct Zeros;
    impl Random for Zeros {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(0);
        }
    }

    fn ring(current: &str, previous: Option<&str>) -> KeyRing {
        KeyRing::new(RootSecrets { current: current.into(), previous: previous.map(Into::into) })
    }

    fn headers(set: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::COOKIE, set.split(';').next().unwrap().parse().unwrap())])
    }

    #[test]
    fn a_sign_in_holds_half_an_hour_at_its_own_sentry_and_cannot_be_made_or_changed() {
        let keys = ring("one", None);
        let account = Account { id: "4711".into(), name: None, email: Some("ada@example.com".into()) };
        let signed_in = SignedIn::new(&account, "https://sentry.io/", &Zeros, Timestamp(0));
        let set = signed_in.cookie(&keys, &Zeros);
        assert!(set.ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=1800"), "{set}");
        assert!(!set.contains("4711"));
        let read = |set: &str, keys: &KeyRing, origin: &str, now| {
            SignedIn::from_headers(&headers(set), keys, origin, Timestamp(now))
        };
        assert_eq!(read(&set, &keys, "https://sentry.io/", 1_799_999), Some(signed_in.clone()));
        assert_eq!(read(&set, &ring("two", Some("one")), "https://sentry.io/", 0), Some(signed_in));
        assert_eq!(read(&set, &keys, "https://sentry.io/", 1_800_000), None);
        assert_eq!(read(&set, &keys, "https://sentry.example/", 0), None);
        assert_eq!(read(&set, &ring("two", None), "https://sentry.io/", 0), None);
        let value = set.split(['=', ';']).nth(1).unwrap();
        for index in 0..value.len() {
            let mut changed = value.as_bytes().to_vec();
            changed[index] = if changed[index] == b'A' { b'B' } else { b'A' };
            let changed = format!("{COOKIE}={}", String::from_utf8(changed).unwrap());
            // The last character may differ in bits that are no part of the value.
            assert!(index + 1 == value.len() || read(&changed, &keys, "https://sentry.io/", 0).is_none(), "{index}");
        }
        for junk in ["", "x", &"A".repeat(100_000)] {
            assert_eq!(read(&format!("{COOKIE}={junk}"), &keys, "https://sentry.io/", 0), None);
        }
    }
}
