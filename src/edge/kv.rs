//! Workers KV.

use std::time::Duration;

use async_trait::async_trait;
use worker::kv::{KvError, KvStore};

use crate::ports::{Kv, StorageError};

/// Workers KV refuses a shorter life.
const SHORTEST_LIFE: u64 = 60;

/// A namespace.
pub struct Namespace(pub KvStore);

#[async_trait(?Send)]
impl Kv for Namespace {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StorageError> {
        self.0.get(key).bytes().await.map_err(failed)
    }

    async fn put(&self, key: &str, value: &[u8], ttl: Option<Duration>) -> Result<(), StorageError> {
        let mut put = self.0.put_bytes(key, value).map_err(failed)?;
        if let Some(ttl) = ttl {
            put = put.expiration_ttl(ttl.as_secs().max(SHORTEST_LIFE));
        }
        put.execute().await.map_err(failed)
    }

    async fn delete(&self, key: &str) -> Result<(), StorageError> {
        self.0.delete(key).await.map_err(failed)
    }
}

fn failed(error: KvError) -> StorageError {
    StorageError(error.to_string())
}
