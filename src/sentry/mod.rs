//! The Sentry API: hosts and regions, requests, paging, limits, errors, types, URL parsing.

pub mod client;
pub mod error;
pub mod host;
mod lenient;
pub mod oauth;
pub mod page;
pub mod refusal;
pub mod slug;
pub mod types;
pub mod urls;

/// How Vedette names itself to Sentry and Slack.
pub const USER_AGENT: &str = concat!("vedette/", env!("CARGO_PKG_VERSION"));
