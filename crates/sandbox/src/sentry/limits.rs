//! Rate limits: so many requests in one second for each account and endpoint, told in headers on every response.

use std::collections::HashMap;

use bytes::Bytes;
use http::Response;

use crate::exchange;

/// Sentry's default concurrency limit.
const CONCURRENT: &str = "25";
const WINDOW_MS: i64 = 1000;

#[derive(Default)]
pub(crate) struct Limits {
    /// For each account and endpoint: the window's number and the requests in it.
    windows: HashMap<(String, String), (i64, u32)>,
}

/// Where a request stands in its window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
    pub(crate) exceeded: bool,
    /// Epoch seconds.
    pub(crate) reset: i64,
}

impl Limits {
    /// Counts one request of `account` to `endpoint`.
    pub(crate) fn count(&mut self, account: &str, endpoint: &str, limit: u32, now_ms: i64) -> Standing {
        let window = now_ms.div_euclid(WINDOW_MS);
        let entry = self.windows.entry((account.to_owned(), endpoint.to_owned())).or_insert((window, 0));
        if entry.0 != window {
            *entry = (window, 0);
        }
        entry.1 = entry.1.saturating_add(1);
        Standing {
            limit,
            remaining: limit.saturating_sub(entry.1),
            exceeded: entry.1 > limit,
            reset: window.saturating_add(1),
        }
    }
}

impl Standing {
    /// Tells the standing in the response's headers. There is no `Retry-After`: Sentry sends none.
    pub(crate) fn tell(self, response: &mut Response<Bytes>) {
        let mut tell = |name: &str, value: &str| exchange::set_named(response, name, value);
        tell("x-sentry-rate-limit-limit", &self.limit.to_string());
        tell("x-sentry-rate-limit-remaining", &self.remaining.to_string());
        tell("x-sentry-rate-limit-reset", &self.reset.to_string());
        tell("x-sentry-rate-limit-concurrentlimit", CONCURRENT);
        tell("x-sentry-rate-limit-concurrentremaining", "24");
    }
}
