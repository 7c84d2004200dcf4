//! Randomness from a seed: a SHA-256 of a counter. Good enough to look real, and the same every time if one wants that.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

use sha2::{Digest, Sha256};

/// Slack's ids are made of these.
const ID_ALPHABET: &[u8; 36] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

pub(crate) struct Random {
    seed: u128,
    counter: u64,
}

impl Random {
    pub(crate) fn new(seed: Option<u64>) -> Random {
        let seed = seed.map_or_else(|| u128::from(from_the_system()) << 64 | u128::from(from_the_system()), u128::from);
        Random { seed, counter: 0 }
    }

    fn block(&mut self) -> [u8; 32] {
        self.counter = self.counter.wrapping_add(1);
        let mut hash = Sha256::new();
        hash.update(self.seed.to_be_bytes());
        hash.update(self.counter.to_be_bytes());
        hash.finalize().into()
    }

    /// 64 hexadecimal digits.
    pub(crate) fn hex64(&mut self) -> String {
        hex::encode(self.block())
    }

    /// `length` (at most 32) capital letters and digits.
    pub(crate) fn id(&mut self, length: usize) -> String {
        let letter = |byte: u8| char::from(ID_ALPHABET.get(usize::from(byte) % 36).copied().unwrap_or(b'A'));
        self.block().into_iter().take(length).map(letter).collect()
    }

    /// A version 4 UUID.
    pub(crate) fn uuid(&mut self) -> String {
        let bytes = self.block();
        let mut half = [0_u8; 16];
        half.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        let number = u128::from_be_bytes(half) & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
        let digits = format!("{number:032x}");
        let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default().to_owned();
        [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
    }
}

/// Each `RandomState` of the standard library carries fresh keys.
fn from_the_system() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// The first eight hexadecimal digits of the SHA-256: names a secret in a log without being one.
pub(crate) fn fingerprint(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes())).chars().take(8).collect()
}
