//! A Durable Object's SQLite and alarm.

use std::fmt;
use std::panic::AssertUnwindSafe;

use async_trait::async_trait;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use wasm_bindgen::prelude::*;
use worker::Storage;
use worker::js_sys::{self, Array, JSON, Uint8Array};

use crate::ports::{self, Row, StorageError, Timestamp, Value};

/// An object's SQLite.
pub struct Sqlite {
    sql: Sql,
    storage: Storage,
}

impl Sqlite {
    /// The SQLite of the object with this storage.
    pub fn new(storage: Storage) -> Sqlite {
        Sqlite { sql: storage.sql().as_ref().unchecked_ref::<Sql>().clone(), storage }
    }
}

#[wasm_bindgen]
extern "C" {
    /// `SqlStorage`: `worker` asks of each cell what it is, a dozen steps into JavaScript each.
    #[wasm_bindgen(extends = js_sys::Object)]
    #[derive(Clone)]
    type Sql;

    #[wasm_bindgen(method, catch, variadic)]
    fn exec(this: &Sql, statement: &str, parameters: Array) -> Result<Cursor, JsValue>;

    #[wasm_bindgen(extends = js_sys::Object)]
    type Cursor;

    #[wasm_bindgen(method, catch)]
    fn raw(this: &Cursor) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(catch, js_namespace = Array, js_name = from)]
    fn array_from(iterable: &JsValue) -> Result<Array, JsValue>;

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
        let cursor = self.sql.exec(statement, parameters.into_iter().map(parameter).collect()).map_err(failed)?;
        // A statement without rows has run when its cursor is there.
        if has_rows(statement) { rows(&cursor).map_err(failed) } else { Ok(Vec::new()) }
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
}

/// Whether a statement may give rows: all but a change that returns none.
fn has_rows(statement: &str) -> bool {
    let change = ["INSERT", "UPDATE", "DELETE", "CREATE"].iter().any(|word| statement.trim_start().starts_with(word));
    !change || statement.contains("RETURNING")
}

fn parameter(value: Value) -> JsValue {
    match value {
        Value::Null => JsValue::NULL,
        // Every number that we store is an integer within ±2^53, which JavaScript holds exactly.
        #[allow(clippy::cast_precision_loss)]
        Value::Integer(it) => JsValue::from_f64(it as f64),
        Value::Text(it) => JsValue::from_str(&it),
        Value::Blob(it) => Uint8Array::from(it.as_slice()).into(),
    }
}

/// All rows. They cross from JavaScript as one JSON text; only blobs cross one by one.
fn rows(cursor: &Cursor) -> Result<Vec<Row>, JsValue> {
    let rows = array_from(&cursor.raw()?)?;
    if rows.length() == 0 {
        return Ok(Vec::new());
    }
    let text = String::from(JSON::stringify(&rows)?);
    let read: Vec<Vec<Cell>> = serde_json::from_str(&text).map_err(|error| JsError::new(&error.to_string()))?;
    let value = |(row, column, cell)| match cell {
        Cell::Plain(value) => value,
        Cell::Blob => Value::Blob(Uint8Array::new(&Array::from(&rows.get(row)).get(column)).to_vec()),
    };
    let cells = |(row, cells): (u32, Vec<Cell>)| (0..).zip(cells).map(move |(column, cell)| (row, column, cell));
    Ok((0..).zip(read).map(|row| Row(cells(row).map(value).collect())).collect())
}

/// A cell as `JSON.stringify` writes it: an `ArrayBuffer` becomes an empty object.
enum Cell {
    Plain(Value),
    Blob,
}

impl<'de> Deserialize<'de> for Cell {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Cell, D::Error> {
        deserializer.deserialize_any(Cells)
    }
}

struct Cells;

impl<'de> Visitor<'de> for Cells {
    type Value = Cell;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a cell")
    }

    fn visit_unit<E>(self) -> Result<Cell, E> {
        Ok(Cell::Plain(Value::Null))
    }

    fn visit_i64<E>(self, it: i64) -> Result<Cell, E> {
        Ok(Cell::Plain(Value::Integer(it)))
    }

    #[allow(clippy::cast_possible_wrap)] // as in `parameter`
    fn visit_u64<E>(self, it: u64) -> Result<Cell, E> {
        Ok(Cell::Plain(Value::Integer(it as i64)))
    }

    #[allow(clippy::cast_possible_truncation)] // as in `parameter`
    fn visit_f64<E>(self, it: f64) -> Result<Cell, E> {
        Ok(Cell::Plain(Value::Integer(it as i64)))
    }

    fn visit_str<E>(self, it: &str) -> Result<Cell, E> {
        Ok(Cell::Plain(Value::Text(it.to_owned())))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Cell, A::Error> {
        while fields.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Cell::Blob)
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
