//! What the platform offers to the Worker beside [`vedette_ports`], as traits: storage, alarms, objects and limiters.
//!
//! On the edge they are Workers bindings, in the tests an in-memory SQLite and maps.

use std::time::Duration;

use async_trait::async_trait;
use futures::future::LocalBoxFuture;
use serde::{Serialize, de::DeserializeOwned};
pub use vedette_ports::{Clock, Http, HttpError, Level, Limits, Log, Ports, Random, Timestamp};

use crate::reply::Stream;

/// A storage operation failed. The text is the platform's, for the log only.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("storage: {0}")]
pub struct StorageError(pub String);

/// An eventually consistent key-value store (Workers KV): reads may be a minute old, there is no compare-and-set.
#[async_trait(?Send)]
pub trait Kv {
    /// The value under `key`, perhaps an older one.
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StorageError>;
    /// Writes `value`; with `ttl` (at least 60 s) it disappears by itself.
    async fn put(&self, key: &str, value: &[u8], ttl: Option<Duration>) -> Result<(), StorageError>;
    /// Deletes `key`; deleting what is not there is no error.
    async fn delete(&self, key: &str) -> Result<(), StorageError>;
}

/// One SQLite value, in a row or as a bound parameter.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// SQL `NULL`.
    Null,
    /// An integer within ±2^53 (what a Durable Object can return exactly).
    Integer(i64),
    /// UTF-8 text.
    Text(String),
    /// Raw bytes.
    Blob(Vec<u8>),
}

macro_rules! value_from {
    ($($type:ty => |$it:ident| $make:expr),* $(,)?) => {
        $(impl From<$type> for Value { fn from($it: $type) -> Value { $make } })*
    };
}
value_from! {
    i64 => |it| Value::Integer(it),
    u32 => |it| Value::Integer(i64::from(it)),
    bool => |it| Value::Integer(i64::from(it)),
    String => |it| Value::Text(it),
    &str => |it| Value::Text(it.to_owned()),
    Vec<u8> => |it| Value::Blob(it),
    Timestamp => |it| Value::Integer(it.0),
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(it: Option<T>) -> Value {
        it.map_or(Value::Null, Into::into)
    }
}

/// A row of a result, its cells in the order of the `SELECT`.
#[derive(Clone, Debug, PartialEq)]
pub struct Row(pub Vec<Value>);

impl Row {
    /// The integer in column `index`, or `None` for NULL, another type, or no such column.
    pub fn integer(&self, index: usize) -> Option<i64> {
        match self.0.get(index) {
            Some(Value::Integer(it)) => Some(*it),
            _ => None,
        }
    }

    /// The moment in column `index`.
    pub fn timestamp(&self, index: usize) -> Option<Timestamp> {
        self.integer(index).map(Timestamp)
    }

    /// The text in column `index`.
    pub fn text(&self, index: usize) -> Option<&str> {
        match self.0.get(index) {
            Some(Value::Text(it)) => Some(it),
            _ => None,
        }
    }

    /// The bytes in column `index`.
    pub fn blob(&self, index: usize) -> Option<&[u8]> {
        match self.0.get(index) {
            Some(Value::Blob(it)) => Some(it),
            _ => None,
        }
    }
}

/// A Durable Object's private SQLite. Synchronous: nothing else of the object runs between two statements that no
/// await separates.
pub trait Sql {
    /// Runs one statement with its `?` parameters bound in order, and returns all rows.
    fn exec(&self, statement: &str, parameters: Vec<Value>) -> Result<Vec<Row>, StorageError>;
    /// Runs `work` so that either all of its statements take effect or none.
    fn transaction(&self, work: &mut dyn FnMut() -> Result<(), StorageError>) -> Result<(), StorageError>;
    /// Deletes all tables, and with them the object: what is empty is not kept. The instance is of no use afterwards.
    fn delete_all(&self) -> LocalBoxFuture<'_, Result<(), StorageError>>;
}

/// A Durable Object's one alarm. It fires at least once; setting it again moves it.
#[async_trait(?Send)]
pub trait Alarm {
    /// Sets the alarm to `at` (now, when `at` is past).
    async fn set(&self, at: Timestamp) -> Result<(), StorageError>;
    /// Takes the alarm away.
    async fn clear(&self) -> Result<(), StorageError>;
}

/// The classes of Durable Objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ObjectClass {
    /// One per Slack person: inbox, turns, connect tickets, grant.
    Person,
    /// One per authorization of an MCP client: code, token family, terms, grant.
    Session,
    /// One per Sentry account: which sessions there are.
    Account,
    /// One per open stream of the legacy MCP transport: a pipe.
    Stream,
}

/// Why a call to an object gave no reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("object: {0}")]
pub struct ObjectError(pub String);

/// Calling a Durable Object by name. Use [`call`], which types both sides.
#[async_trait(?Send)]
pub trait Objects {
    /// Delivers `body` (JSON) to `path` of the object, and returns its JSON reply.
    async fn call(&self, class: ObjectClass, name: &str, path: &str, body: Vec<u8>) -> Result<Vec<u8>, ObjectError>;
    /// Opens a Stream object: its reply to `body` (JSON) goes on until it ends or is dropped.
    async fn open(&self, _name: &str, _path: &str, _body: Vec<u8>) -> Result<Stream, ObjectError> {
        Err(ObjectError("there are no streams here".to_owned()))
    }
}

/// A call that an object answers, declared once for both sides.
pub trait Call: Serialize + DeserializeOwned {
    /// What the object replies.
    type Reply: Serialize + DeserializeOwned;
    /// The class that answers it.
    const CLASS: ObjectClass;
    /// The internal route, unique within the class.
    const PATH: &'static str;
}

/// Declares a [`Call`]: `declare_call!(Person: Accept => Accepted, "/accept")`.
macro_rules! declare_call {
    ($class:ident: $call:ty => $reply:ty, $path:literal) => {
        impl $crate::ports::Call for $call {
            type Reply = $reply;
            const CLASS: $crate::ports::ObjectClass = $crate::ports::ObjectClass::$class;
            const PATH: &'static str = $path;
        }
    };
}
pub(crate) use declare_call;

/// Calls the object `name` of `C`'s class.
///
/// # Errors
/// When the object cannot be reached, or replies with something else than `C::Reply`.
pub async fn call<C: Call>(objects: &dyn Objects, name: &str, call: &C) -> Result<C::Reply, ObjectError> {
    let body = serde_json::to_vec(call).map_err(|error| ObjectError(error.to_string()))?;
    let reply = objects.call(C::CLASS, name, C::PATH, body).await?;
    serde_json::from_slice(&reply).map_err(|error| ObjectError(format!("{}: {error}", C::PATH)))
}

/// A limiter could not be asked. The text is the platform's, for the log only.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("limiter: {0}")]
pub struct LimiterError(pub String);

/// Counting requests by key (Cloudflare's Rate Limiting bindings): approximate, in one location, not stored. Use
/// [`crate::limits::count`].
#[async_trait(?Send)]
pub trait Limiter {
    /// Counts one request of `key` under the limit `name`, and says whether it is within.
    async fn allows(&self, name: &str, key: &str) -> Result<bool, LimiterError>;
}
