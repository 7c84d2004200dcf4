//! Revoking a token at Sentry: what is kept for it, and one attempt.
//!
//! Each object that holds a grant, or was handed a token that nobody wants, notes a [`Revocation`] in its storage, sealed, and its
//! alarm attempts it until it is done. Revoking twice is a success at Sentry too (RFC 7009 §2.2).

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::record::Grant;
use crate::world::World;
use vedette_sentry::oauth::{SentryOAuth, TokenError};

/// After so many tries, over about half a day, it is given up: the token runs out by itself.
pub const MAX_ATTEMPTS: u32 = 24;
/// The first pause between two tries; it doubles.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause between two tries.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);

/// A token to revoke. It exists in plain only between storage and Sentry, so it cannot be printed.
#[derive(Serialize, Deserialize)]
pub struct Revocation {
    token: String,
    origin: String,
}

/// What became of one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// The token is dead.
    Done,
    /// Nobody knows; another attempt may tell.
    Again,
    /// Sentry refused for good, or it is another Sentry's token (P7).
    Never,
}

impl Revocation {
    /// What an outbox calls it.
    pub const KIND: &str = "revoke";

    /// The revocation of `grant`.
    pub fn of(grant: &Grant) -> Revocation {
        Revocation::new(&grant.access_token, &grant.origin)
    }

    /// The revocation of `token`, which `origin` issued.
    pub fn new(token: &SecretString, origin: &str) -> Revocation {
        Revocation { token: token.expose_secret().to_owned(), origin: origin.to_owned() }
    }

    /// Asks Sentry to revoke it.
    pub async fn attempt(&self, world: &World) -> Attempt {
        let (Ok(host), Ok(app)) = (&world.config.sentry_host, &world.config.sentry_app) else { return Attempt::Again };
        // P7: only the host that issued it may see it.
        if host.origin().as_str() != self.origin {
            return Attempt::Never;
        }
        match SentryOAuth::new(&world.ports, host, app).revoke(&SecretString::from(self.token.as_str())).await {
            Ok(()) => Attempt::Done,
            Err(TokenError::Refused { .. }) => Attempt::Never,
            Err(TokenError::RateLimited | TokenError::Unclear(_)) => Attempt::Again,
        }
    }
}

/// The pause after `attempts` tries.
pub fn pause(attempts: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(attempts.min(16))).min(LONGEST_PAUSE)
}
