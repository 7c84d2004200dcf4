//! A command's result as data. Each surface renders it: Slack as Block Kit, MCP and terminals as text.
//!
//! Every `String` in here is plain text and untrusted (P20): it may hold what an event of a stranger's program said.
//! A renderer escapes it for its surface and cuts it at the surface's limits; nothing here is markup.

use serde::{Deserialize, Serialize};
use url::Url;

/// A command's result.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// What this is, in one line: `Unresolved issues in globex/checkout-api`.
    pub title: String,
    /// The same thing in Sentry's web interface.
    pub link: Option<Url>,
    /// The content, in order.
    pub parts: Vec<Part>,
    /// What was left out, when there is more: `… and 37 more`.
    pub more: Option<More>,
    /// Small print: what was assumed, what to try next.
    pub notes: Vec<String>,
    /// Buttons.
    pub actions: Vec<Action>,
    /// What the person's next commands may leave out, learned from this one.
    pub learned: Learned,
    /// Who may see it (P22).
    #[serde(default)]
    pub audience: Audience,
}

/// Who may see an answer (P22). What is about the person (account, e-mail, scopes, the list of their organizations) is for
/// that person alone, whatever led to it. It is decided where the answer is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// Everybody in the channel where it was asked.
    #[default]
    Channel,
    /// The person who asked, alone.
    Person,
}

/// A piece of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// A paragraph of prose.
    Paragraph(String),
    /// A heading over the parts that follow.
    Heading(String),
    /// Labelled values, shown side by side where there is room.
    Fields(Vec<Field>),
    /// A list of things, one below the other.
    Items(Vec<Item>),
    /// Preformatted text: a stack trace, an example.
    Code(String),
}

/// A labelled value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// Two or three words.
    pub label: String,
    /// The value.
    pub value: String,
    /// Where the value leads.
    pub link: Option<Url>,
}

/// One thing of a list.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// Its name, which carries the link: `CHECKOUT-API-4F`.
    pub name: String,
    /// Where the name leads.
    pub link: Option<Url>,
    /// What it is, in one line: the issue's title.
    pub summary: String,
    /// Small facts, in order: `error`, `1,204 events`, `311 people`, `3 minutes ago`.
    pub facts: Vec<String>,
    /// What choosing it runs (`issue view …`).
    pub open: Option<Invocation>,
}

/// What an answer left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct More {
    /// How many more there are, when Sentry said so.
    pub remaining: Option<u64>,
    /// The whole list in Sentry.
    pub link: Option<Url>,
    /// What shows the next page here.
    pub next: Option<Invocation>,
}

/// A command ready to run: what a button carries, and what a turn stores.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Invocation {
    /// A name in the catalogue: `issue list`.
    #[serde(rename = "c")]
    pub command: String,
    /// The command's parameters, by its own schema.
    #[serde(rename = "p")]
    pub parameters: serde_json::Value,
}

/// A button.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Action {
    /// What it says, at most 75 characters.
    pub label: String,
    /// What it does.
    pub does: Does,
}

/// What a button does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Does {
    /// Runs a command as a new turn of the person who presses it.
    Run(Invocation),
    /// The same, and what comes of it takes the place of this answer, which has served then: a guess, a question, a failure.
    Instead(Invocation),
    /// Opens a page.
    Open(Url),
    /// Starts connecting a Sentry account.
    Connect,
    /// Disconnects the account, after a confirmation.
    Disconnect,
}

/// What the person's next commands may leave out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Learned {
    /// The last issue seen, as `organization/SHORT-ID`, for `@latest`-like references and for follow-ups.
    pub issue: Option<String>,
    /// The slug of that issue's project, when Sentry said it.
    #[serde(default)]
    pub project: Option<String>,
}
