//! What an isolate remembers for a moment: bounded in number and in time, keyed by hashes, never written anywhere.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::ports::Timestamp;

/// A SHA-256, of a token with what it is for.
pub type Key = [u8; 32];

/// At most this many entries: some 100 KB.
const MOST: usize = 512;

/// Values with a time to live.
pub struct Cache<V> {
    entries: BTreeMap<Key, (Timestamp, V)>,
}

impl<V: Clone> Cache<V> {
    /// An empty one.
    pub const fn new() -> Cache<V> {
        Cache { entries: BTreeMap::new() }
    }

    /// What is known under `key` at `now`.
    pub fn get(&self, key: &Key, now: Timestamp) -> Option<V> {
        self.entries.get(key).filter(|(until, _)| now < *until).map(|(_, value)| value.clone())
    }

    /// Keeps `value` for `life` from `now`. When there is no room, what ends first goes.
    pub fn put(&mut self, key: Key, value: V, now: Timestamp, life: Duration) {
        if self.entries.len() >= MOST {
            self.entries.retain(|_, (until, _)| now < *until);
        }
        if self.entries.len() >= MOST
            && let Some(first) = self.entries.iter().min_by_key(|(_, (until, _))| *until).map(|(key, _)| *key)
        {
            self.entries.remove(&first);
        }
        self.entries.insert(key, (now + life, value));
    }

    /// Forgets what is known under `key`.
    pub fn forget(&mut self, key: &Key) {
        self.entries.remove(key);
    }
}

impl<V: Clone> Default for Cache<V> {
    fn default() -> Cache<V> {
        Cache::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::sha256;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn an_entry_lives_as_long_as_it_was_given_and_not_a_moment_longer() {
        let mut cache = Cache::new();
        cache.put([1; 32], "ada", Timestamp(0), MINUTE);
        assert_eq!(cache.get(&[1; 32], Timestamp(59_999)), Some("ada"));
        assert_eq!(cache.get(&[1; 32], Timestamp(60_000)), None);
        assert_eq!(cache.get(&[2; 32], Timestamp(0)), None);
        cache.forget(&[1; 32]);
        assert_eq!(cache.get(&[1; 32], Timestamp(0)), None);
    }

    #[test]
    fn it_never_grows_beyond_its_bound() {
        let mut cache = Cache::new();
        for number in 0..3 * MOST as i64 {
            cache.put(sha256(&number.to_le_bytes()), number, Timestamp(number), MINUTE);
        }
        assert_eq!(cache.entries.len(), MOST);
        let newest = 3 * MOST as i64 - 1;
        assert_eq!(cache.get(&sha256(&newest.to_le_bytes()), Timestamp(newest)), Some(newest));
    }
}
