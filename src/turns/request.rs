//! What a door hands to a person's inbox.

use serde::{Deserialize, Serialize};
use url::Url;

use crate::ports::Timestamp;
use crate::slack::owner::Owner;
use crate::slack::who::Requester;
use vedette_commands::answer::Invocation;

/// Who asks: a Slack user, keyed by the team of the USER (never of the channel), so that people of partner workspaces in
/// a shared channel are themselves. `slack:<enterprise or team id>:<user id>`. Also the name of the Person object.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PersonId {
    /// The user's enterprise id on Enterprise Grid, else their team id.
    pub team: String,
    /// The user's id.
    pub user: String,
}

impl PersonId {
    /// The object's name.
    pub fn object_name(&self) -> String {
        format!("slack:{}:{}", self.team, self.user)
    }

    /// The person of an object's name.
    pub fn from_object_name(name: &str) -> Option<PersonId> {
        let (team, user) = name.strip_prefix("slack:")?.split_once(':')?;
        Some(PersonId { team: team.to_owned(), user: user.to_owned() })
    }
}

/// One request of one person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TurnRequest {
    /// Equal for every delivery of the same act of the person, and for its twin events (P9): `<channel>:<ts>` for a
    /// message, `slash:<trigger id>`, `press:<channel>:<message ts>:<action ts>`.
    pub key: String,
    /// Who asks: settled, or until Slack has said otherwise.
    pub person: PersonId,
    /// What the payload says of where they belong; `None` in what a version stored that did not write it down.
    #[serde(default)]
    pub requester: Option<Requester>,
    /// What they ask.
    pub ask: Ask,
    /// Where the answer goes.
    pub place: Place,
    /// The public origin of this deployment, for links.
    pub origin: Url,
    /// Slack's `response_url`, when the door got one. It is a capability: the inbox stores it sealed.
    pub response_url: Option<String>,
    /// The message of ours whose place the answer takes, when it is the person's own.
    #[serde(default)]
    pub replaces: Option<Replaced>,
    /// When the door received it.
    pub asked_at: Timestamp,
}

/// A message of ours that has served when the answer to what was pressed in it is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replaced {
    /// Its `ts`.
    pub ts: String,
    /// Who asked for it.
    pub owner: Owner,
    /// Whether it is worth reading until then: a page of a list stays until the next one is there.
    pub stays: bool,
}

impl TurnRequest {
    /// Whether it is a slash command, which the door answers with the first thing that the person sees.
    pub fn is_slash(&self) -> bool {
        self.key.starts_with("slash:")
    }

    /// Whether it is a press of a button or a choice from a menu.
    pub fn is_press(&self) -> bool {
        self.key.starts_with("press:")
    }

    /// The thread that people see: Slack shows an ephemeral message in a thread only once the thread has a reply
    /// (<https://docs.slack.dev/reference/methods/chat.postEphemeral>), so there is none yet under the message that asks.
    pub fn begun_thread(&self) -> Option<&str> {
        let thread = self.place.thread_ts()?;
        let root = format!("{}:{thread}", self.place.channel());
        let begins = self.key == root || self.key.starts_with(&format!("press:{root}:"));
        (!begins).then_some(thread)
    }
}

/// What a person asks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// Words, with the mention of the bot taken off.
    Words(String),
    /// A pressed button or a chosen option that carries a command.
    Run(Invocation),
    /// The Connect button.
    Connect,
    /// The Disconnect button, already confirmed in Slack's own dialog.
    Disconnect,
}

/// Where an answer goes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Place {
    /// A thread of a channel: everybody there sees the answer.
    Thread {
        /// The channel's id.
        channel: String,
        /// The thread's root.
        thread_ts: String,
    },
    /// The person's direct messages with the app.
    Direct {
        /// The direct conversation's id.
        channel: String,
        /// The root of the thread the person wrote in, or of the one that the answer opens.
        thread_ts: String,
    },
    /// Only the person sees the answer, in the channel where they typed the command or pressed a button of a message
    /// that only they see. Delivered to the request's `response_url`.
    Ephemeral {
        /// The channel's id.
        channel: String,
        /// The thread, when there is one.
        thread_ts: Option<String>,
    },
}

impl Place {
    /// The channel's or direct conversation's id.
    pub fn channel(&self) -> &str {
        match self {
            Place::Thread { channel, .. } | Place::Direct { channel, .. } | Place::Ephemeral { channel, .. } => channel,
        }
    }

    /// The thread, when there is one.
    pub fn thread_ts(&self) -> Option<&str> {
        match self {
            Place::Thread { thread_ts, .. } | Place::Direct { thread_ts, .. } => Some(thread_ts),
            Place::Ephemeral { thread_ts, .. } => thread_ts.as_deref(),
        }
    }
}
