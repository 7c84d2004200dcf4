//! What the outside offers to a client of Sentry, as traits: HTTP, time, randomness and the log.
//!
//! On the edge they are Workers' own, in a terminal the operating system's, in the tests a map and the sandbox's fakes called
//! without a socket.
//!
//! All traits are single-threaded (`?Send`): a Worker isolate has one thread, and so has each test.

use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// A moment, in milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The whole seconds since the Unix epoch.
    pub fn as_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// How long after `earlier` this moment is; zero when it is not after it.
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl std::ops::Add<Duration> for Timestamp {
    type Output = Timestamp;
    fn add(self, duration: Duration) -> Timestamp {
        Timestamp(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl std::ops::Sub<Duration> for Timestamp {
    type Output = Timestamp;
    fn sub(self, duration: Duration) -> Timestamp {
        Timestamp(self.0.saturating_sub(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }
}

/// The wall clock, and waiting on it.
#[async_trait(?Send)]
pub trait Clock {
    /// The present moment. On Workers it stands still between two I/O operations.
    fn now(&self) -> Timestamp;
    /// Waits for `duration`.
    async fn sleep(&self, duration: Duration);
}

/// Cryptographically secure randomness.
pub trait Random {
    /// Fills `buffer` with random bytes.
    fn fill(&self, buffer: &mut [u8]);
}

/// Why an outbound HTTP exchange gave no usable response.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// The deadline passed. The other side may or may not have done the work.
    #[error("no answer in time")]
    Timeout,
    /// The connection failed. The other side may or may not have done the work.
    #[error("the connection failed")]
    Connection,
    /// The response body was longer than `Limits::max_body`.
    #[error("the response was too long")]
    TooLong,
}

/// The bounds of one outbound exchange (P19).
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The time from sending to the last byte of the body.
    pub deadline: Duration,
    /// The longest accepted response body, in bytes.
    pub max_body: usize,
}

/// Outbound HTTP. Redirects are never followed: a 3xx comes back as it is, so that no credential goes to a second host.
#[async_trait(?Send)]
pub trait Http {
    /// Sends one request and reads the whole, bounded response.
    async fn send(&self, request: http::Request<Bytes>, limits: Limits) -> Result<http::Response<Bytes>, HttpError>;
}

/// How grave a log line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// What an operator counts.
    Info,
    /// Something failed and was handled.
    Warn,
    /// Something failed that needs a person.
    Error,
}

/// Structured logging. No secret, code, state or link may be passed in.
pub trait Log {
    /// Writes one line: a stable event name, and fields.
    fn log(&self, level: Level, event: &str, fields: &[(&str, &str)]);
}

/// All of them, as one value.
#[derive(Clone)]
pub struct Ports {
    /// The wall clock.
    pub clock: Rc<dyn Clock>,
    /// Randomness.
    pub random: Rc<dyn Random>,
    /// Outbound HTTP.
    pub http: Rc<dyn Http>,
    /// The log.
    pub log: Rc<dyn Log>,
}
