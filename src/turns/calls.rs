//! What a Person object answers, declared once for both sides.

use serde::{Deserialize, Serialize};
use url::Url;

pub use super::asker::Asker;
use super::request::{PersonId, TurnRequest};
use crate::ports::{Timestamp, declare_call};
use crate::slack::blocks::Message;

/// Puts a request into the person's inbox. The reply comes after the turn is durable (P8).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Accept {
    /// The request.
    pub request: TurnRequest,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Accepted {
    /// It is in the inbox. The text is what to show while it is worked on: `Looking at globex's issues…`.
    New(String),
    /// It is answered: with this, by the door itself.
    Answered(Message),
    /// It was there already: a retry or a twin of an event (P9).
    Again,
    /// The inbox is full (P10); the person is told, by the door when it can answer, else by the object.
    Full,
}
declare_call!(Person: Accept => Accepted, "/accept");

/// Asks whether there is a grant, for whose person this key was once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct IsConnected {}
declare_call!(Person: IsConnected => bool, "/is-connected");

/// The person has connected the same account under the key that they have now: the grant here is deleted, and revoked at
/// Sentry. The reply comes after that is noted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Retire {
    /// The account's user id at Sentry. The grant of another one stays.
    pub account: String,
    /// The Sentry that issued the grant.
    pub origin: String,
}
declare_call!(Person: Retire => (), "/retire");

/// The person pressed the button with their private link, whose message can from now on be replaced (P12): Slack gives
/// a `response_url` for it only now.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LinkPressed {
    /// Who pressed it.
    pub person: PersonId,
    /// Slack's `response_url` of the message with the link. Stored sealed.
    pub response_url: String,
}
declare_call!(Person: LinkPressed => (), "/link-pressed");

/// Asks what a connect link is for, and whether it still works.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ViewTicket {
    /// The ticket's id, from the opened link.
    pub ticket: String,
}

/// What the connect page names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketFacts {
    /// Who asked for the link, and where.
    pub asker: Asker,
    /// What the oldest blocked request asks.
    pub waiting: Option<String>,
    /// When the link stops working.
    pub expires_at: Timestamp,
}

/// A connect ticket as the page sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TicketView {
    /// The link works.
    Live(TicketFacts),
    /// An account was connected with it. The address leads back to Slack; so below.
    Used(Option<Url>),
    /// It was declined, or replaced by a newer one.
    Declined(Option<Url>),
    /// It ran out.
    Expired(Option<Url>),
    /// It never was here.
    Unknown,
}
declare_call!(Person: ViewTicket => TicketView, "/ticket/view");

/// The button on the connect page was pressed: a consent begins.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BeginConsent {
    /// The ticket's id.
    pub ticket: String,
    /// The nonce in the OAuth state that goes to Sentry.
    pub nonce: String,
    /// When the state runs out.
    pub expires_at: Timestamp,
}
declare_call!(Person: BeginConsent => TicketView, "/consent/begin");

/// Sentry sent the browser back: takes the state's nonce, once, whoever comes (P14).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TakeConsent {
    /// The ticket's id.
    pub ticket: String,
    /// The nonce in the OAuth state.
    pub nonce: String,
    /// Whether the person declined at Sentry, which ends the ticket.
    pub declined: bool,
}

/// What became of a step of a consent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consent {
    /// This caller took the step; nobody else can.
    Taken(Box<TicketFacts>),
    /// Somebody took it before.
    Used,
    /// It ran out.
    Expired,
    /// It never was here.
    Unknown,
}
declare_call!(Person: TakeConsent => Consent, "/consent/take");

/// The person confirmed, or cancelled, the pair of Slack person and Sentry account.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Conclude {
    /// The ticket's id.
    pub ticket: String,
    /// The nonce in the OAuth state.
    pub nonce: String,
    /// The grant, still sealed as it came back from the browser; the object opens it.
    pub sealed_grant: Vec<u8>,
    /// What the grant is sealed for, besides its purpose.
    pub sealed_for: String,
    /// Whether to keep it. If not, it is revoked at Sentry.
    pub keep: bool,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Concluded {
    /// The grant is stored, and so many requests resume.
    Connected {
        /// The account's label.
        account: String,
        /// The Slack person.
        asker: Asker,
        /// How many blocked questions are answered now.
        resumed: u32,
    },
    /// Nothing is stored; the grant is being revoked.
    Cancelled {
        /// The address that leads back to Slack.
        back: Option<Url>,
    },
    /// This consent was concluded before, or another one of the same ticket was.
    Used,
    /// It ran out.
    Expired,
    /// It never was here, or the sealed grant does not open.
    Unknown,
}
declare_call!(Person: Conclude => Concluded, "/consent/conclude");
