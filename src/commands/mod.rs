//! The catalogue: one file a group of commands, one registration each.
//!
//! A [`Command`] says what it is called, what it takes, what it may do, and how it runs with a [`Context`]. The doors know
//! commands only as [`Entry`]s of [`catalogue`]: Slack reads words into parameters with the entry's grammar, MCP takes
//! them as JSON by the entry's schema; both run the same function and render the same [`Answer`].

pub mod answer;

use futures::future::LocalBoxFuture;
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::sentry::{client::Client, error::SentryError};
use answer::Answer;

/// Whether a command changes anything at Sentry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It only reads: running it twice is harmless.
    Read,
    /// It changes something.
    Write,
}

/// The group of permissions a person ticks when consenting for an MCP client (sentry-mcp's skills).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skill {
    /// Read-only investigation.
    Inspect,
    /// Resolve, assign, comment.
    Triage,
    /// Root cause analysis.
    Seer,
    /// Create and change projects and teams.
    ProjectManagement,
}

/// What a command is, apart from what it does.
#[derive(Debug)]
pub struct Spec {
    /// Its words: `issue list`.
    pub name: &'static str,
    /// Its name as an MCP tool: `search_issues`.
    pub tool: &'static str,
    /// One sentence, in the imperative.
    pub summary: &'static str,
    /// Its grammar: `issue list [org[/project]] [-q query] [-s sort] [-n limit] [-t period]`.
    pub usage: &'static str,
    /// Lines that work, for help and for "did you mean".
    pub examples: &'static [&'static str],
    /// What to say while it runs, `{}` standing for the target: `Looking at {}'s issues…`.
    pub progress: &'static str,
    /// The Sentry scopes it needs, any one of each inner list.
    pub scopes: &'static [&'static str],
    /// The skills that include it.
    pub skills: &'static [Skill],
    /// Whether it changes anything.
    pub effect: Effect,
}

/// The organization and project that a command without a target means.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct Target {
    /// The organization's slug.
    pub organization: Option<String>,
    /// The project's slug.
    pub project: Option<String>,
}

/// What a command runs with.
pub struct Context<'a> {
    /// Sentry, with this person's credential.
    pub client: &'a Client,
    /// The person's remembered target, else the deployment's default.
    pub target: Target,
    /// The last issue the person saw, as `organization/SHORT-ID`.
    pub last_issue: Option<String>,
}

/// Why a command gave no answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CommandError {
    /// Sentry did not give what was asked. `subject` names it for people: `globex/checkout-api`.
    #[error(transparent)]
    Sentry(#[from] SentryError),
    /// Not found or not accessible, with what was looked for, and what could be meant instead.
    #[error("{}", .0.title)]
    Explained(Box<Answer>),
    /// The command needs to know which organization; the answer's actions offer the choices.
    #[error("which organization?")]
    Choose(Box<Answer>),
}

/// The words a person typed were not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageError {
    /// What is wrong, in one sentence.
    pub problem: String,
    /// A line that would work.
    pub suggestion: Option<String>,
}

/// One Sentry operation.
pub trait Command: 'static {
    /// What it takes; the schema is what MCP clients see.
    type Parameters: Serialize + DeserializeOwned + JsonSchema;
    /// What it is.
    const SPEC: Spec;
    /// Reads the words after the command's name.
    ///
    /// # Errors
    /// When they do not make sense, with what would.
    fn read(words: &mut grammar::Words) -> Result<Self::Parameters, UsageError>;
    /// Runs it.
    ///
    /// # Errors
    /// When Sentry does not give what was asked.
    fn run<'a>(
        context: &'a Context<'a>,
        parameters: Self::Parameters,
    ) -> impl Future<Output = Result<Answer, CommandError>> + 'a;
}

type Run = for<'a> fn(&'a Context<'a>, Value) -> LocalBoxFuture<'a, Result<Answer, CommandError>>;

/// A command as the doors know it.
pub struct Entry {
    /// What it is.
    pub spec: Spec,
    /// Reads the words after its name into JSON parameters.
    pub read: fn(&mut grammar::Words) -> Result<Value, UsageError>,
    /// The JSON schema of its parameters.
    pub schema: fn() -> schemars::Schema,
    /// Runs it with JSON parameters.
    pub run: Run,
}

/// Placeholder until the grammar lands.
pub mod grammar {
    /// Words.
    pub struct Words;
}
