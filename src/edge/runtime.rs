//! The clock, randomness and the log.

use std::time::Duration;

use async_trait::async_trait;
use worker::js_sys::Date;
use worker::{console_error, console_log, console_warn};

use super::timer::Timer;
use crate::ports::{self, Level, Timestamp};

/// The runtime's clock.
pub struct Clock;

#[async_trait(?Send)]
impl ports::Clock for Clock {
    fn now(&self) -> Timestamp {
        // Whole milliseconds, which a float holds exactly for longer than there will be Workers.
        #[allow(clippy::cast_possible_truncation)]
        Timestamp(Date::now() as i64)
    }

    async fn sleep(&self, duration: Duration) {
        Timer::from(duration).await;
    }
}

/// `crypto.getRandomValues`.
pub struct Random;

impl ports::Random for Random {
    #[allow(clippy::panic)] // Without randomness nothing may go on: the request fails, and nothing else does.
    fn fill(&self, buffer: &mut [u8]) {
        if let Err(error) = getrandom::fill(buffer) {
            panic!("no randomness: {error}");
        }
    }
}

/// `console`, one JSON line an event.
pub struct Console;

impl ports::Log for Console {
    fn log(&self, level: Level, event: &str, fields: &[(&str, &str)]) {
        let mut line = serde_json::Map::new();
        line.insert("event".to_owned(), event.into());
        line.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())));
        let line = serde_json::Value::Object(line);
        match level {
            Level::Info => console_log!("{line}"),
            Level::Warn => console_warn!("{line}"),
            Level::Error => console_error!("{line}"),
        }
    }
}
