//! Sealing: AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce, and the record's own key as additional data, so
//! that a record moved to another key does not open (P1).
//!
//! A sealed value is `1 ‖ nonce (12) ‖ ciphertext ‖ tag (16)`; the leading byte is the format's version.

use aes_gcm::{
    Aes256Gcm, KeyInit, Nonce,
    aead::{Aead, Payload},
};
use secrecy::ExposeSecret;
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::ring::{Key, KeyRing, Purpose};
use super::{base64url, from_base64url, random_bytes};
use crate::ports::Random;

const FORMAT: u8 = 1;
const NONCE: usize = 12;

/// Sealed bytes. In JSON they are text: as numbers they would be three times as long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed(pub Vec<u8>);

/// The bytes do not open: damaged, moved to another record, or sealed under another secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("sealed data does not open")]
pub struct CannotOpen;

impl KeyRing {
    /// Seals `value` as JSON for the record `record`.
    pub fn seal<T: Serialize>(&self, purpose: Purpose, record: &str, value: &T, random: &dyn Random) -> Sealed {
        let nonce = random_bytes::<NONCE>(random);
        let message = serde_json::to_vec(value).unwrap_or_default();
        let payload = Payload { msg: &message, aad: record.as_bytes() };
        // AES-GCM refuses messages over 64 GiB only.
        let ciphertext = cipher(&self.current(purpose)).encrypt(&nonce.into(), payload).unwrap_or_default();
        Sealed([&[FORMAT], nonce.as_slice(), &ciphertext].concat())
    }

    /// Opens what [`KeyRing::seal`] sealed for the same purpose and record.
    ///
    /// # Errors
    /// [`CannotOpen`], whatever the reason.
    pub fn open<T: DeserializeOwned>(&self, purpose: Purpose, record: &str, sealed: &[u8]) -> Result<T, CannotOpen> {
        let body = sealed.strip_prefix(&[FORMAT]).ok_or(CannotOpen)?;
        let (nonce, ciphertext) = body.split_first_chunk::<NONCE>().ok_or(CannotOpen)?;
        let nonce: &Nonce<_> = nonce.into();
        let message = self
            .accepted(purpose)
            .find_map(|key| cipher(&key).decrypt(nonce, Payload { msg: ciphertext, aad: record.as_bytes() }).ok())
            .ok_or(CannotOpen)?;
        serde_json::from_slice(&message).map_err(|_| CannotOpen)
    }
}

impl Sealed {
    /// For a URL or a form.
    pub fn to_text(&self) -> String {
        base64url(&self.0)
    }

    /// Reads [`Sealed::to_text`].
    pub fn from_text(text: &str) -> Option<Sealed> {
        from_base64url(text).map(Sealed)
    }
}

impl Serialize for Sealed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_text())
    }
}

impl<'de> Deserialize<'de> for Sealed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Sealed, D::Error> {
        let text = String::deserialize(deserializer)?;
        Sealed::from_text(&text).ok_or_else(|| D::Error::custom("not base64url"))
    }
}

fn cipher(key: &Key) -> Aes256Gcm {
    Aes256Gcm::new(key.expose_secret().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::RootSecrets;
    use crate::crypto::testing::Counting;

    fn ring(current: &str, previous: Option<&str>) -> KeyRing {
        KeyRing::new(RootSecrets { current: current.into(), previous: previous.map(Into::into) })
    }

    fn sealed(ring: &KeyRing) -> Vec<u8> {
        ring.seal(Purpose::Grant, "grant:a", &"token", &Counting(0.into())).0
    }

    fn opens(ring: &KeyRing, purpose: Purpose, record: &str, bytes: &[u8]) -> bool {
        ring.open::<String>(purpose, record, bytes).is_ok_and(|value| value == "token")
    }

    #[test]
    fn what_is_sealed_opens_for_its_own_record_and_purpose_only_p1() {
        let ring = ring("one", None);
        let bytes = sealed(&ring);
        assert!(opens(&ring, Purpose::Grant, "grant:a", &bytes));
        assert!(!opens(&ring, Purpose::Grant, "grant:b", &bytes));
        assert!(!opens(&ring, Purpose::Outbox, "grant:a", &bytes));
    }

    #[test]
    fn a_key_that_was_derived_before_is_the_same_however_many_secrets_came_between() {
        let signature = ring("one", None).sign(Purpose::State, b"message");
        for other in 0..200 {
            let other = ring(&format!("secret {other}"), Some("one"));
            assert_ne!(other.sign(Purpose::State, b"message"), signature);
            assert!(other.verify(Purpose::State, b"message", &signature));
        }
        assert_eq!(ring("one", None).sign(Purpose::State, b"message"), signature);
    }

    #[test]
    fn sealed_bytes_are_text_in_json() {
        let sealed = Sealed(vec![1, 0xfb, 0xff]);
        let text = serde_json::to_string(&sealed).unwrap();
        assert_eq!(text, r#""Afv_""#);
        assert_eq!(serde_json::from_str::<Sealed>(&text).unwrap(), sealed);
        assert!(serde_json::from_str::<Sealed>(r#""a+""#).is_err());
    }

    #[test]
    fn no_bit_can_be_flipped_and_no_length_cut_p1() {
        let ring = ring("one", None);
        let bytes = sealed(&ring);
        for index in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[index / 8] ^= 1 << (index % 8);
            assert!(!opens(&ring, Purpose::Grant, "grant:a", &flipped), "bit {index}");
        }
        for length in 0..bytes.len() {
            assert!(!opens(&ring, Purpose::Grant, "grant:a", &bytes[..length]), "length {length}");
        }
    }

    #[test]
    fn the_secret_rotates_without_losing_what_was_sealed_p1() {
        let bytes = sealed(&ring("one", None));
        assert!(opens(&ring("two", Some("one")), Purpose::Grant, "grant:a", &bytes));
        assert!(!opens(&ring("two", None), Purpose::Grant, "grant:a", &bytes));
        let fresh = sealed(&ring("two", Some("one")));
        assert!(!opens(&ring("one", None), Purpose::Grant, "grant:a", &fresh), "the previous secret never seals");
    }

    #[test]
    fn a_signature_is_bound_to_its_purpose_and_message() {
        let ring = ring("one", None);
        let signature = ring.sign(Purpose::State, b"message");
        assert!(ring.verify(Purpose::State, b"message", &signature));
        assert!(!ring.verify(Purpose::Form, b"message", &signature));
        assert!(!ring.verify(Purpose::State, b"Message", &signature));
        assert!(!ring.verify(Purpose::State, b"message", &signature[..31]));
        assert!(!ring.verify(Purpose::State, b"message", b""));
    }
}
