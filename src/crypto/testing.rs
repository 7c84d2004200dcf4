//! Randomness for tests.

use std::cell::Cell;

use crate::ports::Random;

/// Bytes that count up: each draw differs from the one before, and each run of a test is the same.
pub struct Counting(pub Cell<u8>);

impl Random for Counting {
    fn fill(&self, buffer: &mut [u8]) {
        for byte in buffer {
            *byte = self.0.get();
            self.0.set(self.0.get().wrapping_add(1));
        }
    }
}
