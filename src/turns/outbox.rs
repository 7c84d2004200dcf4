//! The outbox: effects that are no answers, done by the alarm until they succeed or are given up.
//!
//! Each is safe to do twice: revoking a revoked token is a success at Sentry (RFC 7009 §2.2), a message replaced twice looks
//! as if it were replaced once.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::person::{Person, PersonError};
use super::request::{Place, TurnRequest};
use super::runner::backoff;
use super::store::{LinkMessage, OutboxRow};
use crate::grants::record::Grant;
use crate::ports::{Level, Timestamp};
use crate::sentry::oauth::{SentryOAuth, TokenError};
use crate::slack::api::{Api, Respond, SlackError};
use crate::slack::messages;

/// After so many tries, over about half a day, it is given up.
const MAX_ATTEMPTS: u32 = 24;
/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);
/// A person whose inbox is full is told once in this time, not once per request.
const FULL_NOTICE: &str = "full";

/// Tokens to revoke at Sentry.
#[derive(Serialize, Deserialize)]
pub(super) struct Revocation {
    token: String,
    origin: String,
}

impl Revocation {
    pub(super) const KIND: &str = "revoke";

    pub(super) fn of(grant: &Grant) -> Revocation {
        Revocation { token: grant.access_token.expose_secret().to_owned(), origin: grant.origin.clone() }
    }
}

/// A message with a private link, to be replaced by what became of the link.
#[derive(Serialize, Deserialize)]
pub(super) struct Replacement {
    channel: String,
    thread: Option<String>,
    ts: Option<String>,
    /// Sealed by the object, and here a second time with the rest.
    response_url: Option<Vec<u8>>,
    /// The account that was connected; `None` when the person declined.
    account: Option<String>,
}

impl Replacement {
    pub(super) const KIND: &str = "replace_link";

    pub(super) fn of(link: &LinkMessage, account: Option<&str>) -> Replacement {
        let link = link.clone();
        Replacement {
            channel: link.channel,
            thread: link.thread,
            ts: link.ts,
            response_url: link.response_url,
            account: account.map(str::to_owned),
        }
    }
}

/// Telling a person that their inbox is full.
#[derive(Serialize, Deserialize)]
struct FullNotice {
    place: Place,
}

/// What became of one try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tried {
    /// It is done.
    Done,
    /// It is to be tried again.
    Again(Option<Duration>),
    /// It cannot be done.
    GivenUp,
}

impl Person {
    /// Does one due thing of the outbox; returns whether there was one.
    pub(super) async fn outbox_step(&self) -> Result<bool, PersonError> {
        let Some(row) = self.store.due_outbox(self.now())? else { return Ok(false) };
        self.try_outbox(&row).await?;
        Ok(true)
    }

    /// Tries one row, and keeps or deletes it accordingly.
    pub(super) async fn try_outbox(&self, row: &OutboxRow) -> Result<Tried, PersonError> {
        let tried = match row.kind.as_str() {
            Revocation::KIND => self.revoke(&row.sealed).await,
            Replacement::KIND => self.replace_link(&row.sealed).await,
            FULL_NOTICE => self.notify_full(&row.sealed).await,
            _ => Tried::GivenUp,
        };
        match tried {
            Tried::Again(pause) if row.attempts < MAX_ATTEMPTS => {
                let pause = pause.unwrap_or_else(|| backoff(row.attempts, LONGEST_PAUSE));
                self.store.outbox_later(row.id, self.now() + pause)?;
            }
            Tried::Again(_) | Tried::GivenUp => {
                self.log(Level::Warn, "outbox_given_up", &[("kind", &row.kind)]);
                self.store.delete_outbox(row.id)?;
            }
            Tried::Done => self.store.delete_outbox(row.id)?,
        }
        Ok(tried)
    }

    /// Puts a notice into the outbox unless one is there already.
    pub(super) fn say_full(&self, request: &TurnRequest, now: Timestamp) -> Result<(), PersonError> {
        // An ephemeral request's door answers by itself.
        if matches!(request.place, Place::Ephemeral { .. }) || self.store.has_outbox(FULL_NOTICE)? {
            return Ok(());
        }
        let sealed = self.seal(&FullNotice { place: request.place.clone() })?;
        self.store.insert_outbox(FULL_NOTICE, sealed, now)?;
        Ok(())
    }

    async fn revoke(&self, sealed: &[u8]) -> Tried {
        let Some(revocation) = self.open::<Revocation>(sealed) else { return Tried::GivenUp };
        let (Ok(host), Ok(app)) = (&self.world.config.sentry_host, &self.world.config.sentry_app) else {
            return Tried::Again(None);
        };
        // P7: only the host that issued it may see it.
        if host.origin().as_str() != revocation.origin {
            return Tried::GivenUp;
        }
        let token = SecretString::from(revocation.token);
        match SentryOAuth::new(&self.world, host, app).revoke(&token).await {
            Ok(()) => Tried::Done,
            Err(TokenError::Refused { .. }) => Tried::GivenUp,
            Err(TokenError::RateLimited | TokenError::Unclear(_)) => Tried::Again(None),
        }
    }

    async fn replace_link(&self, sealed: &[u8]) -> Tried {
        let Some(link) = self.open::<Replacement>(sealed) else { return Tried::GivenUp };
        let Ok(api) = Api::new(&self.world) else { return Tried::Again(None) };
        let message = match &link.account {
            Some(account) => messages::connected_as(account, &self.host_name()),
            None => messages::link_declined(),
        };
        let response_url = link.response_url.and_then(|sealed| self.open::<String>(&sealed));
        let result = match (&link.ts, response_url) {
            (Some(ts), _) => api.update(&link.channel, ts, &message, None).await,
            (None, Some(url)) => api.respond(&url.into(), &message, Respond::Replace).await,
            // The button was never reported as pressed: the ephemeral message cannot be replaced, so say it anew.
            (None, None) => api.post_ephemeral(&link.channel, &self.id.user, link.thread.as_deref(), &message).await,
        };
        slack_tried(&result)
    }

    async fn notify_full(&self, sealed: &[u8]) -> Tried {
        let Some(notice) = self.open::<FullNotice>(sealed) else { return Tried::GivenUp };
        let Ok(api) = Api::new(&self.world) else { return Tried::Again(None) };
        let (channel, thread) = (notice.place.channel(), notice.place.thread_ts());
        let message = messages::inbox_full(super::store::INBOX);
        slack_tried(&api.post_ephemeral(channel, &self.id.user, thread, &message).await)
    }
}

fn slack_tried<T>(result: &Result<T, SlackError>) -> Tried {
    match result {
        Ok(_) => Tried::Done,
        Err(SlackError::RateLimited { retry_after }) => Tried::Again(Some(*retry_after)),
        Err(error) if error.may_retry() => Tried::Again(None),
        Err(_) => Tried::GivenUp,
    }
}
