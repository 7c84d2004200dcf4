//! The Sentry API: hosts and regions, requests, paging, limits, errors, types, URL parsing.

pub mod app;
pub mod client;
pub mod error;
pub mod host;
pub mod invisible;
mod lenient;
pub mod oauth;
pub mod page;
pub mod refusal;
pub mod slug;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod types;
pub mod urls;

/// How Vedette names itself to Sentry and Slack.
pub const USER_AGENT: &str = concat!("vedette/", env!("CARGO_PKG_VERSION"));
