//! What a Person object answers, declared once for both sides.

use serde::{Deserialize, Serialize};

use super::request::{PersonId, TurnRequest};
use crate::ports::{Call, ObjectClass};

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
    /// It was there already: a retry or a twin of an event (P9).
    Again,
    /// The inbox is full (P10); the person is told, by the door when it can answer, else by the object.
    Full,
}

impl Call for Accept {
    type Reply = Accepted;
    const CLASS: ObjectClass = ObjectClass::Person;
    const PATH: &'static str = "/accept";
}

/// The person pressed the button with their private link, whose message can from now on be replaced (P12): Slack gives
/// a `response_url` for it only now.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LinkPressed {
    /// Who pressed it.
    pub person: PersonId,
    /// Slack's `response_url` of the message with the link. Stored sealed.
    pub response_url: String,
}

impl Call for LinkPressed {
    type Reply = ();
    const CLASS: ObjectClass = ObjectClass::Person;
    const PATH: &'static str = "/link-pressed";
}
