//! The Slack door.
//!
//! What Slack sends comes in through [`routes`]: [`signature`] proves that Slack sent it, [`events`], [`commands`] and
//! [`interactions`] read it into one request of one person ([`who`] says which), and the person's object stores it before
//! Slack is told that it arrived (P8).
//!
//! What people see goes out through [`api`]: [`render`] turns an answer into a [`blocks::Message`], [`messages`] holds the
//! fixed ones, [`blocks`] keeps Block Kit's limits, and [`mrkdwn`] keeps untrusted text from being markup (P20).

pub mod api;
pub mod blocks;
pub mod commands;
pub mod events;
pub mod interactions;
pub mod messages;
pub mod mrkdwn;
pub mod owner;
pub mod render;
pub mod response_url;
pub mod routes;
pub mod signature;
pub mod who;
mod words;

#[cfg(test)]
mod belonging;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod testing;

use url::Url;

use self::who::Policy;
use crate::ports::Timestamp;

/// What reading a request needs to know besides its body.
#[derive(Clone, Copy, Debug)]
pub struct Door<'a> {
    /// Whom the operator lets in.
    pub policy: Policy<'a>,
    /// `SLACK_COMMAND`: written in a message, it is no word of the question.
    pub command: &'a str,
    /// `SLACK_API_URL`: a loopback one brings its own response URLs.
    pub api_url: &'a Url,
    /// The public origin of this deployment.
    pub origin: &'a Url,
    /// When the request came.
    pub now: Timestamp,
}

/// A signed body that is not what this door takes. The text is for whoever sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub &'static str);

/// Somebody asks whom the operator does not let in: where to say so, to them alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The channel.
    pub channel: String,
    /// The user.
    pub user: String,
    /// The thread.
    pub thread_ts: Option<String>,
    /// The way to answer without being a member of the channel.
    pub response_url: Option<String>,
}
