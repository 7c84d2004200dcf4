//! A grant, and its form at rest.

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::ports::Timestamp;
use vedette_sentry::oauth::{Account, Issued};

/// Sentry's permission for one person.
#[derive(Clone, Debug)]
pub struct Grant {
    /// The access token.
    pub access_token: SecretString,
    /// The refresh token; some installations issue none.
    pub refresh_token: Option<SecretString>,
    /// When the access token ends; `None` when Sentry did not say.
    pub expires_at: Option<Timestamp>,
    /// The granted scopes, sorted.
    pub scopes: Vec<String>,
    /// The Sentry user.
    pub account: Account,
    /// The origin that issued it, the only one it may be sent to (P7).
    pub origin: String,
    /// When the person connected it.
    pub connected_at: Timestamp,
}

impl Grant {
    /// This grant with the tokens that a refresh issued. What Sentry left out stays as it was.
    pub fn renewed(&self, issued: Issued) -> Grant {
        Grant {
            access_token: issued.access_token,
            refresh_token: issued.refresh_token.or_else(|| self.refresh_token.clone()),
            expires_at: issued.expires_at,
            scopes: if issued.scopes.is_empty() { self.scopes.clone() } else { issued.scopes },
            account: issued.account.unwrap_or_else(|| self.account.clone()),
            origin: self.origin.clone(),
            connected_at: self.connected_at,
        }
    }
}

/// A grant in plain JSON: exists only between [`Grant`] and the seal.
#[derive(Serialize, Deserialize)]
pub struct GrantRecord {
    access_token: String,
    refresh_token: Option<String>,
    expires_at: Option<Timestamp>,
    scopes: Vec<String>,
    account: Account,
    origin: String,
    connected_at: Timestamp,
}

impl From<&Grant> for GrantRecord {
    fn from(grant: &Grant) -> GrantRecord {
        GrantRecord {
            access_token: grant.access_token.expose_secret().to_owned(),
            refresh_token: grant.refresh_token.as_ref().map(|token| token.expose_secret().to_owned()),
            expires_at: grant.expires_at,
            scopes: grant.scopes.clone(),
            account: grant.account.clone(),
            origin: grant.origin.clone(),
            connected_at: grant.connected_at,
        }
    }
}

impl From<GrantRecord> for Grant {
    fn from(record: GrantRecord) -> Grant {
        Grant {
            access_token: record.access_token.into(),
            refresh_token: record.refresh_token.map(Into::into),
            expires_at: record.expires_at,
            scopes: record.scopes,
            account: record.account,
            origin: record.origin,
            connected_at: record.connected_at,
        }
    }
}
