//! The outbox: effects that are no answers, done by the alarm until they succeed or are given up.
//!
//! Each is safe to do twice: revoking a revoked token is a success at Sentry (RFC 7009 §2.2), a message replaced twice looks
//! as if it were replaced once.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::former::Retirement;
use super::person::{Person, PersonError};
use super::request::{Place, TurnRequest};
use super::runner::backoff;
use super::store::{LinkMessage, OutboxRow, Turn};
use crate::accounts::person::Mine;
use crate::grants::record::Grant;
use crate::grants::revocation::{Attempt, Revocation};
use crate::ports::{Level, Timestamp};
use crate::slack::api::{Api, Respond, SlackError};
use crate::slack::messages;

/// After so many tries, over about half a day, it is given up.
const MAX_ATTEMPTS: u32 = 24;
/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);
/// A person whose inbox is full is told once in this time, not once per request.
const FULL_NOTICE: &str = "full";

/// A message with a private link, to be replaced by what became of the link.
#[derive(Serialize, Deserialize)]
pub(super) struct Replacement {
    channel: String,
    thread: Option<String>,
    ts: Option<String>,
    /// Sealed by the object, and here a second time with the rest.
    response_url: Option<Vec<u8>>,
    /// The account that was connected; `None` when there is none.
    account: Option<String>,
    /// Whether the link ran out, when nothing was connected.
    #[serde(default)]
    expired: bool,
    /// The turn whose own message it is: replaced only while that turn waits.
    #[serde(default)]
    turn: Option<i64>,
}

/// What became of a link.
#[derive(Clone)]
pub(super) enum Became {
    /// This account was connected with it.
    Connected(String),
    /// Its person declined.
    Declined,
    /// It ran out.
    Expired,
}

impl Replacement {
    pub(super) const KIND: &str = "replace_link";

    pub(super) fn of(link: &LinkMessage, became: Became) -> Replacement {
        let link = link.clone();
        Replacement {
            channel: link.channel,
            thread: link.thread,
            ts: link.ts,
            response_url: link.response_url,
            expired: matches!(became, Became::Expired),
            account: match became {
                Became::Connected(account) => Some(account),
                Became::Declined | Became::Expired => None,
            },
            turn: None,
        }
    }

    /// A waiting turn's own message, when that carries the link and can be replaced.
    pub(super) fn of_turn(turn: &Turn, became: Became) -> Option<Replacement> {
        let (ts, response_url) = match &turn.request.place {
            Place::Direct { .. } => (Some(turn.placeholder.clone()?), None),
            Place::Ephemeral { .. } => (None, Some(turn.response_url.clone()?)),
            Place::Thread { .. } => return None,
        };
        let place = &turn.request.place;
        let thread = place.thread_ts().map(str::to_owned);
        let link = LinkMessage { channel: place.channel().to_owned(), thread, ts, response_url };
        Some(Replacement { turn: Some(turn.id), ..Replacement::of(&link, became) })
    }
}

/// The sessions of MCP clients that a disconnected account let in, to be ended.
#[derive(Serialize, Deserialize)]
pub(super) struct EndSessions {
    /// The account's user id at Sentry.
    user: String,
    origin: String,
}

impl EndSessions {
    pub(super) const KIND: &str = "end_sessions";

    pub(super) fn of(grant: &Grant) -> EndSessions {
        EndSessions { user: grant.account.id.clone(), origin: grant.origin.clone() }
    }
}

/// Telling a person that their inbox is full.
#[derive(Serialize, Deserialize)]
struct FullNotice {
    place: Place,
    /// The thread, once it is one in which the person would see the notice.
    #[serde(default)]
    thread: Option<String>,
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
            EndSessions::KIND => self.end_sessions(&row.sealed).await.map_or_else(|tried| tried, |_| Tried::Done),
            Replacement::KIND => self.replace_link(&row.sealed).await,
            Retirement::KIND => self.retire_former(&row.sealed).await,
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
        let sealed =
            self.seal(&FullNotice { place: request.place.clone(), thread: request.begun_thread().map(str::to_owned) })?;
        self.store.insert_outbox(FULL_NOTICE, sealed, now)?;
        Ok(())
    }

    async fn revoke(&self, sealed: &[u8]) -> Tried {
        let Some(revocation) = self.open::<Revocation>(sealed) else { return Tried::GivenUp };
        match revocation.attempt(&self.world).await {
            Attempt::Done => Tried::Done,
            Attempt::Again => Tried::Again(None),
            Attempt::Never => Tried::GivenUp,
        }
    }

    /// Ends the sessions; returns how many were open.
    async fn end_sessions(&self, sealed: &[u8]) -> Result<u32, Tried> {
        let Some(whose) = self.open::<EndSessions>(sealed) else { return Err(Tried::GivenUp) };
        let keys = self.keys().map_err(|_| Tried::Again(None))?;
        Mine::new(&self.world, &keys, &whose.origin, &whose.user).disconnect_all().await.map_err(|error| {
            self.log(Level::Warn, "account_unavailable", &[("error", &error.0)]);
            Tried::Again(None)
        })
    }

    /// Tries at once to end the sessions that are noted in `row`; `None`: the alarm goes on trying.
    pub(super) async fn try_ending_sessions(&self, row: &OutboxRow) -> Result<Option<u32>, PersonError> {
        match self.end_sessions(&row.sealed).await {
            Ok(ended) => {
                self.store.delete_outbox(row.id)?;
                Ok(Some(ended))
            }
            Err(_) => {
                self.store.outbox_later(row.id, self.now() + backoff(row.attempts, LONGEST_PAUSE))?;
                Ok(None)
            }
        }
    }

    async fn replace_link(&self, sealed: &[u8]) -> Tried {
        let Some(link) = self.open::<Replacement>(sealed) else { return Tried::GivenUp };
        if link.turn.is_some_and(|turn| !self.store.waits(turn).unwrap_or(false)) {
            return Tried::Done;
        }
        let Ok(api) = Api::new(&self.world) else { return Tried::Again(None) };
        // A button there would show its link and its outcome in the same place as the question's answer.
        let own = link.turn.is_some() && link.ts.is_none();
        let message = match &link.account {
            Some(account) => messages::connected_as(account, &self.host_name()),
            None if link.expired => messages::link_expired(own),
            None => messages::link_declined(own),
        };
        let response_url = link.response_url.and_then(|sealed| self.open::<String>(&sealed));
        let result = match (&link.ts, response_url) {
            (Some(ts), _) => api.update(&link.channel, ts, &message, None).await,
            (None, Some(url)) => api.respond(&url.into(), &message, Respond::Replace).await,
            (None, None) if link.expired => return Tried::Done, // it cannot be replaced, and there is nothing new to say
            // The button was never reported as pressed: the ephemeral message cannot be replaced, so say it anew.
            (None, None) => api.post_ephemeral(&link.channel, &self.id.user, link.thread.as_deref(), &message).await,
        };
        slack_tried(&result)
    }

    async fn notify_full(&self, sealed: &[u8]) -> Tried {
        let Some(notice) = self.open::<FullNotice>(sealed) else { return Tried::GivenUp };
        let Ok(api) = Api::new(&self.world) else { return Tried::Again(None) };
        let (channel, thread) = (notice.place.channel(), notice.thread.as_deref());
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
