//! Grants: the record, the vault, the refresh protocol, where a credential comes from.

pub mod record;
pub mod revocation;
pub mod vault;

use secrecy::SecretString;

use record::Grant;

/// What a command is run with. Nothing below it knows which.
#[derive(Clone, Debug)]
pub enum Credential {
    /// The operator's `SENTRY_AUTH_TOKEN` (P6): wins over every grant, is never refreshed, stored or shown.
    Environment(SecretString),
    /// A person's own grant, as of a version of their vault.
    Granted {
        /// The grant.
        grant: Box<Grant>,
        /// The vault's version, to tell it when Sentry refuses the token.
        version: i64,
    },
}

impl Credential {
    /// The token to send to Sentry.
    pub fn token(&self) -> &SecretString {
        match self {
            Credential::Environment(token) => token,
            Credential::Granted { grant, .. } => &grant.access_token,
        }
    }

    /// Where it comes from, in the words of the `sentry` CLI (P6).
    pub fn source(&self) -> &'static str {
        match self {
            Credential::Environment(_) => SOURCE_ENVIRONMENT,
            Credential::Granted { .. } => SOURCE_OAUTH,
        }
    }
}

/// What `status` says of an operator's token.
pub const SOURCE_ENVIRONMENT: &str = "Authenticated via SENTRY_AUTH_TOKEN environment variable";
/// What `status` says of a grant.
pub const SOURCE_OAUTH: &str = "Authenticated via OAuth";

/// Why there is no credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoCredential {
    /// Nothing was ever connected, or it was disconnected.
    #[error("not connected")]
    NotConnected,
    /// There was a grant, and Sentry does not accept it any more.
    #[error("the grant has ended")]
    Ended,
    /// The grant ran out and Sentry could not be reached to renew it: it is kept.
    #[error("the grant cannot be renewed now")]
    CannotRenewNow,
    /// A variable is missing or malformed.
    #[error(transparent)]
    Configuration(#[from] crate::config::Problem),
    /// The storage failed.
    #[error("storage failed")]
    Storage,
}
