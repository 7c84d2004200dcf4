//! The catalogue: one file a group of commands, one registration each.
//!
//! A [`Command`] says what it is called, what it takes, what it may do, and how it runs with a [`Context`]. The doors know
//! commands only as [`Entry`]s of [`catalogue`]: Slack reads words into parameters with the entry's grammar, MCP takes
//! them as JSON by the entry's schema; both run the same function and render the same [`Answer`].
//!
//! `docs/adding-a-command.md` shows how to add one.

pub mod answer;
pub mod explain;
pub mod grammar;
mod guess;
mod help;
mod issue;
pub mod nearest;
pub mod offer;
mod org;
pub mod plan;
mod project;
pub mod reading;
pub mod say;
pub mod sentence;
mod target;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod text;
mod whoami;

use futures::future::LocalBoxFuture;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use answer::{Answer, Audience, Invocation, Part};
use vedette_sentry::{client::Client, error::SentryError};

/// Every command, in the order of `help`.
pub fn catalogue() -> &'static [Entry] {
    static CATALOGUE: [Entry; 5] = [
        Entry::of::<issue::list::IssueList>(),
        Entry::of::<issue::view::IssueView>(),
        Entry::of::<project::ProjectList>(),
        Entry::of::<org::OrgList>(),
        Entry::of::<whoami::Whoami>(),
    ];
    &CATALOGUE
}

/// The command that is called `name`: its words (`issue list`) or its name as a tool (`search_issues`).
pub fn find(name: &str) -> Option<&'static Entry> {
    catalogue().iter().find(|entry| entry.spec.name == name || entry.spec.tool == name)
}

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
    /// Other words for the same: `issues`.
    pub aliases: &'static [&'static str],
    /// Its name as an MCP tool: `search_issues`.
    pub tool: &'static str,
    /// One sentence, in the imperative.
    pub summary: &'static str,
    /// Its grammar: `issue list [org[/project]] [-q query] [-s sort] [-n limit] [-t period]`.
    pub usage: &'static str,
    /// Lines that work, for help and for "did you mean".
    pub examples: &'static [&'static str],
    /// What to say while it runs, `{}` standing for its subject: `Looking at {}'s issues…`.
    pub progress: &'static str,
    /// The Sentry scopes it needs, all of them; `event:admin` includes `event:write` includes `event:read`.
    pub scopes: &'static [&'static str],
    /// The skills that include it.
    pub skills: &'static [Skill],
    /// Whether it changes anything.
    pub effect: Effect,
    /// Who may see its answers; an answer may narrow it.
    pub audience: Audience,
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
    /// What nothing may be shown from outside of; empty when there is no limit.
    pub limit: Target,
}

impl Context<'_> {
    /// Whether something of the project with this slug may be shown. In a limit, what does not say its project may not.
    pub fn shows(&self, project: Option<&str>) -> bool {
        self.limit.project.is_none() || self.limit.project.as_deref() == project
    }
}

/// Why a command gave no answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CommandError {
    /// Sentry did not give what was asked. [`explain::explain`] says it to people.
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

impl UsageError {
    /// A problem without a better line.
    pub fn new(problem: impl Into<String>) -> UsageError {
        UsageError { problem: problem.into(), suggestion: None }
    }

    /// A problem with a line that would work.
    pub fn with(problem: impl Into<String>, suggestion: impl Into<String>) -> UsageError {
        UsageError { problem: problem.into(), suggestion: Some(suggestion.into()) }
    }
}

impl From<UsageError> for CommandError {
    /// For parameters that came as JSON and do not make sense.
    fn from(error: UsageError) -> CommandError {
        let mut answer = Answer { title: error.problem, ..Answer::default() };
        answer.parts.extend(error.suggestion.map(Part::Code));
        CommandError::Explained(Box::new(answer))
    }
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
    /// What a button says that runs it: in the imperative, in words and not as a command, and with what it is about.
    fn label(parameters: &Self::Parameters) -> String;
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
    /// What a button says that runs it with these JSON parameters; `None` when they do not fit.
    pub label: fn(&Value) -> Option<String>,
    /// The JSON schema of its parameters.
    pub schema: fn() -> schemars::Schema,
    /// Runs it with JSON parameters.
    pub run: Run,
}

impl Entry {
    const fn of<C: Command>() -> Entry {
        Entry {
            spec: C::SPEC,
            read: read::<C>,
            label: label::<C>,
            schema: || schemars::schema_for!(C::Parameters),
            run: run::<C>,
        }
    }

    /// The invocation that `words`, after the command's name, stand for.
    ///
    /// # Errors
    /// When they do not make sense, with what would.
    pub fn invocation(&self, words: &mut grammar::Words) -> Result<Invocation, UsageError> {
        let parameters = (self.read)(words)?;
        Ok(Invocation { command: self.spec.name.to_owned(), parameters })
    }
}

fn read<C: Command>(words: &mut grammar::Words) -> Result<Value, UsageError> {
    let parameters = C::read(words)?;
    words.finish()?;
    serde_json::to_value(parameters).map_err(|error| UsageError::new(error.to_string()))
}

fn label<C: Command>(parameters: &Value) -> Option<String> {
    C::Parameters::deserialize(parameters).ok().map(|parameters| C::label(&parameters))
}

fn run<'a, C: Command>(
    context: &'a Context<'a>,
    parameters: Value,
) -> LocalBoxFuture<'a, Result<Answer, CommandError>> {
    Box::pin(async move {
        let fitting = match parameters {
            Value::Null => serde_json::from_value(Value::Object(serde_json::Map::default())),
            Value::Object(_) => serde_json::from_value(parameters),
            _ => Err(serde::de::Error::custom("they must be an object")),
        };
        let fitting = fitting.map_err(|error| {
            UsageError::with(format!("The parameters of `{}` do not fit: {error}.", C::SPEC.name), C::SPEC.usage)
        })?;
        context.client.needs(C::SPEC.scopes);
        let answer = C::run(context, fitting).await?;
        Ok(Answer { audience: answer.audience.max(C::SPEC.audience), ..answer })
    })
}

/// An invocation of `C`.
fn invocation<C: Command>(parameters: &C::Parameters) -> Invocation {
    // A parameters' struct has string keys and no custom serializer, so this cannot fail.
    let parameters = serde_json::to_value(parameters).unwrap_or_default();
    Invocation { command: C::SPEC.name.to_owned(), parameters }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_guide_shows_the_code_as_it_is() {
        let guide = include_str!("../../../docs/adding-a-command.md");
        let sources = [include_str!("whoami.rs"), include_str!("project.rs"), include_str!("lib.rs")];
        let blocks: Vec<&str> = guide.split("```rust\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
        assert!(blocks.len() >= 8);
        for block in blocks {
            assert!(sources.iter().any(|source| source.contains(block)), "no longer in the source:\n{block}");
        }
        assert!(guide.contains("the_guide_shows_the_code_as_it_is"));
    }
}
