//! Keys, seals and signatures.
//!
//! Every key is derived from `COOKIE_SECRET` by HKDF-SHA256 (RFC 5869) for one [`Purpose`], so that nothing made for one
//! purpose is accepted for another. `COOKIE_SECRET_PREVIOUS` still opens and verifies, and never seals or signs: that is how
//! the secret rotates without logging anyone out (P1).

mod ring;
mod seal;
#[cfg(test)]
pub(crate) mod testing;

pub use ring::{KeyRing, Purpose};
pub use seal::{CannotOpen, Sealed};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use crate::ports::Random;

/// Base64url without padding (RFC 4648 §5).
pub fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads base64url without padding.
pub fn from_base64url(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// SHA-256 (FIPS 180-4) of `bytes`.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// `N` random bytes.
pub fn random_bytes<const N: usize>(random: &dyn Random) -> [u8; N] {
    let mut bytes = [0; N];
    random.fill(&mut bytes);
    bytes
}

/// A random identifier of 128 bits, as 22 characters of base64url.
pub fn random_id(random: &dyn Random) -> String {
    base64url(&random_bytes::<16>(random))
}
