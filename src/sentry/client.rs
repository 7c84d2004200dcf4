//! The Sentry API client.

/// The client.
pub struct Client;
