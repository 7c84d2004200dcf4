//! A Durable Object's SQLite and alarm.

use std::panic::AssertUnwindSafe;

use async_trait::async_trait;
use futures::future::LocalBoxFuture;
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;
use worker::Storage;
use worker::js_sys::{self, Object};

use super::bridge::exec;
use crate::crypto::{base64url, from_base64url};
use crate::ports::{self, Row, StorageError, Timestamp, Value};

/// An object's SQLite.
pub struct Sqlite {
    sql: Object,
    storage: Storage,
}

impl Sqlite {
    /// The SQLite of the object with this storage.
    pub fn new(storage: Storage) -> Sqlite {
        Sqlite { sql: storage.sql().as_ref().unchecked_ref::<Object>().clone(), storage }
    }
}

#[wasm_bindgen]
extern "C" {
    // `worker` 0.8 does not wrap this method of Cloudflare's `DurableObjectStorage`.
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
        let unreadable = |error: serde_json::Error| StorageError(error.to_string());
        let values: Vec<Cell> = parameters.into_iter().map(Cell::from).collect();
        let values = serde_json::to_string(&values).map_err(unreadable)?;
        let rows = exec(&self.sql, statement, &values).map_err(failed)?;
        let rows: Vec<Vec<Cell>> = serde_json::from_str(&rows).map_err(unreadable)?;
        rows.into_iter()
            .map(|cells| cells.into_iter().map(Value::try_from).collect::<Result<_, _>>().map(Row))
            .collect()
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
        storage.transaction_sync(&mut run).map(drop).map_err(failed)
    }

    fn delete_all(&self) -> LocalBoxFuture<'_, Result<(), StorageError>> {
        Box::pin(async { self.storage.delete_all().await.map_err(|error| StorageError(error.to_string())) })
    }
}

/// A value as it crosses.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Cell {
    /// Every number that we store is an integer within ±2^53, which JavaScript holds exactly.
    Integer(i64),
    Text(String),
    Blob {
        /// In base64url.
        blob: String,
    },
    Null,
}

impl From<Value> for Cell {
    fn from(value: Value) -> Cell {
        match value {
            Value::Null => Cell::Null,
            Value::Integer(it) => Cell::Integer(it),
            Value::Text(it) => Cell::Text(it),
            Value::Blob(it) => Cell::Blob { blob: base64url(&it) },
        }
    }
}

impl TryFrom<Cell> for Value {
    type Error = StorageError;

    fn try_from(cell: Cell) -> Result<Value, StorageError> {
        Ok(match cell {
            Cell::Null => Value::Null,
            Cell::Integer(it) => Value::Integer(it),
            Cell::Text(it) => Value::Text(it),
            Cell::Blob { blob } => {
                Value::Blob(from_base64url(&blob).ok_or_else(|| StorageError("a blob cannot be read".to_owned()))?)
            }
        })
    }
}

fn failed(error: JsValue) -> StorageError {
    StorageError(worker::Error::from(error).to_string())
}

/// An object's alarm.
pub struct Alarm {
    storage: Storage,
    /// When it is set to, as far as this instance knows: setting it to the same moment again is left out.
    set_to: std::cell::Cell<Option<Timestamp>>,
}

impl Alarm {
    /// The alarm of the object with this storage.
    pub fn new(storage: Storage) -> Alarm {
        Alarm { storage, set_to: std::cell::Cell::new(None) }
    }

    /// It went off: it is not set any more.
    pub fn fired(&self) {
        self.set_to.set(None);
    }
}

#[async_trait(?Send)]
impl ports::Alarm for Alarm {
    async fn set(&self, at: Timestamp) -> Result<(), StorageError> {
        let now = ports::Clock::now(&super::runtime::Clock);
        if at > now && self.set_to.get() == Some(at) {
            return Ok(());
        }
        // Noted before the await, in the order in which the storage gets it: another call may come in between.
        self.set_to.set(Some(at));
        // `set_alarm` takes the time from now, in milliseconds.
        let set = self.storage.set_alarm(at.0.saturating_sub(now.0).max(0)).await;
        set.map_err(|error| {
            self.set_to.set(None);
            StorageError(error.to_string())
        })
    }

    async fn clear(&self) -> Result<(), StorageError> {
        self.set_to.set(None);
        self.storage.delete_alarm().await.map_err(|error| StorageError(error.to_string()))
    }
}
