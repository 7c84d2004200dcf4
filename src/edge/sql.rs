//! A Durable Object's SQLite and alarm.

use std::panic::AssertUnwindSafe;

use async_trait::async_trait;
use wasm_bindgen::prelude::*;
use worker::{SqlStorage, SqlStorageValue, Storage};

use crate::ports::{self, Row, StorageError, Timestamp, Value};

/// An object's SQLite.
pub struct Sqlite {
    sql: SqlStorage,
    storage: Storage,
}

impl Sqlite {
    /// The SQLite of the object with this storage.
    pub fn new(storage: Storage) -> Sqlite {
        Sqlite { sql: storage.sql(), storage }
    }
}

// `worker` 0.8 does not wrap this method of Cloudflare's `DurableObjectStorage`.
#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(extends = js_sys::Object)]
    type Transactional;

    #[wasm_bindgen(method, catch, js_name = transactionSync)]
    fn transaction_sync(
        this: &Transactional,
        work: &mut dyn FnMut() -> Result<JsValue, JsValue>,
    ) -> Result<JsValue, JsValue>;
}

impl ports::Sql for Sqlite {
    fn exec(&self, statement: &str, parameters: Vec<Value>) -> Result<Vec<Row>, StorageError> {
        let parameters: Vec<SqlStorageValue> = parameters
            .into_iter()
            .map(|value| match value {
                Value::Null => SqlStorageValue::Null,
                Value::Integer(it) => it.into(),
                Value::Text(it) => it.into(),
                Value::Blob(it) => it.into(),
            })
            .collect();
        let cursor = self.sql.exec(statement, parameters).map_err(failed)?;
        cursor.raw().map(|row| row.map(|cells| Row(cells.into_iter().map(value).collect())).map_err(failed)).collect()
    }

    fn transaction(&self, work: &mut dyn FnMut() -> Result<(), StorageError>) -> Result<(), StorageError> {
        let storage = self.storage.as_raw().unchecked_ref::<Transactional>();
        // A panic in `work` undoes the transaction like an error, so nothing half-done is seen afterwards.
        let mut work = AssertUnwindSafe(work);
        let mut run = move || {
            let work = &mut work;
            match (work.0)() {
                Ok(()) => Ok(JsValue::UNDEFINED),
                Err(error) => Err(JsError::new(&error.0).into()),
            }
        };
        storage.transaction_sync(&mut run).map(drop).map_err(|error| failed(error.into()))
    }
}

fn value(cell: SqlStorageValue) -> Value {
    match cell {
        SqlStorageValue::Null => Value::Null,
        SqlStorageValue::Boolean(it) => Value::Integer(i64::from(it)),
        SqlStorageValue::Integer(it) => Value::Integer(it),
        // Every number that we store is an integer within ±2^53, which JavaScript holds exactly.
        #[allow(clippy::cast_possible_truncation)]
        SqlStorageValue::Float(it) => Value::Integer(it as i64),
        SqlStorageValue::String(it) => Value::Text(it),
        SqlStorageValue::Blob(it) => Value::Blob(it),
    }
}

fn failed(error: worker::Error) -> StorageError {
    StorageError(error.to_string())
}

/// An object's alarm.
pub struct Alarm(pub Storage);

#[async_trait(?Send)]
impl ports::Alarm for Alarm {
    async fn set(&self, at: Timestamp) -> Result<(), StorageError> {
        // `set_alarm` takes the time from now, in milliseconds.
        let now = ports::Clock::now(&super::runtime::Clock);
        self.0.set_alarm(at.0.saturating_sub(now.0).max(0)).await.map_err(failed)
    }

    async fn clear(&self) -> Result<(), StorageError> {
        self.0.delete_alarm().await.map_err(failed)
    }
}
