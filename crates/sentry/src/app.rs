//! The OAuth application that a deployment has at Sentry.

use secrecy::{ExposeSecret, SecretString};

/// The OAuth application registered at Sentry.
#[derive(Clone, Debug)]
pub struct SentryApp {
    /// `SENTRY_CLIENT_ID`.
    pub client_id: String,
    /// `SENTRY_CLIENT_SECRET`.
    pub client_secret: SecretString,
}

/// The value of a secret, for the one place that puts it on the wire.
pub fn expose(secret: &SecretString) -> &str {
    secret.expose_secret()
}
