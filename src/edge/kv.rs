//! Workers KV.

use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use worker::Env;
use worker::kv::KvStore;

use crate::ports::{Kv, StorageError};

/// Workers KV refuses a shorter life.
const SHORTEST_LIFE: u64 = 60;

/// The name of the namespace's binding.
const GRANTS: &str = "GRANTS";

/// The namespace, which is looked up when it is used: few requests need it.
pub struct Namespace(pub Rc<Env>);

impl Namespace {
    fn store(&self) -> Result<KvStore, StorageError> {
        self.0.kv(GRANTS).map_err(failed)
    }
}

#[async_trait(?Send)]
impl Kv for Namespace {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StorageError> {
        self.store()?.get(key).bytes().await.map_err(failed)
    }

    async fn put(&self, key: &str, value: &[u8], ttl: Option<Duration>) -> Result<(), StorageError> {
        let mut put = self.store()?.put_bytes(key, value).map_err(failed)?;
        if let Some(ttl) = ttl {
            put = put.expiration_ttl(ttl.as_secs().max(SHORTEST_LIFE));
        }
        put.execute().await.map_err(failed)
    }

    async fn delete(&self, key: &str) -> Result<(), StorageError> {
        self.store()?.delete(key).await.map_err(failed)
    }
}

fn failed(error: impl ToString) -> StorageError {
    StorageError(error.to_string())
}
