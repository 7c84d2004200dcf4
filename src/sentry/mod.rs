//! The Sentry API: hosts and regions, requests, paging, limits, errors, types, URL parsing.

pub mod client;
pub mod error;
pub mod host;
mod lenient;
pub mod page;
mod refusal;
pub mod types;
pub mod urls;
