//! A scripted Sentry, and commands run against it as a person would.

// A helper of tests fails as a test does; as a feature it is not `cfg(test)`, for which clippy allows these.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]

use std::ops::Deref;

use serde_json::Value as Json;
use vedette_ports::HttpError;
pub use vedette_sentry::testing::{NOW, ORGANIZATIONS, ScriptedSentry, TOKEN, block_on, only_globex, organizations};

use super::answer::{Answer, Invocation};
use super::plan::{Plan, plan};
use super::{CommandError, Context, Target, explain, find, text};

/// A scripted Sentry and the person who asks it.
pub struct Sentry {
    scripted: ScriptedSentry,
    target: Target,
    last_issue: Option<String>,
    limit: Target,
}

impl Sentry {
    /// sentry.io.
    pub fn saas() -> Sentry {
        Sentry::of(ScriptedSentry::saas())
    }

    /// A self-hosted Sentry at `https://sentry.example.com:9000`.
    pub fn self_hosted() -> Sentry {
        Sentry::of(ScriptedSentry::self_hosted())
    }

    fn of(scripted: ScriptedSentry) -> Sentry {
        Sentry { scripted, target: Target::default(), last_issue: None, limit: Target::default() }
    }

    /// The person remembers `target`: `globex` or `globex/checkout-api`.
    pub fn remembering(mut self, target: &str) -> Sentry {
        let mut parts = target.split('/').map(str::to_owned);
        self.target = Target { organization: parts.next(), project: parts.next() };
        self
    }

    /// The connection is limited to `place`: `globex` or `globex/web`.
    pub fn limited_to(mut self, place: &str) -> Sentry {
        self = self.remembering(place);
        self.limit = self.target.clone();
        self
    }

    /// The person saw this issue last.
    pub fn having_seen(mut self, issue: &str) -> Sentry {
        self.last_issue = Some(issue.to_owned());
        self
    }

    /// Answers `url` (with any query, when it has none) with JSON.
    pub fn answers(mut self, url: &str, body: Json) -> Sentry {
        self.scripted = self.scripted.answers(url, body);
        self
    }

    /// Answers `url` with this; more than one answer to the same URL come one after the other, and the last one stays.
    pub fn replies(mut self, url: &str, status: u16, headers: &[(&str, &str)], body: &str) -> Sentry {
        self.scripted = self.scripted.replies(url, status, headers, body);
        self
    }

    /// The exchange with `url` fails.
    pub fn fails(mut self, url: &str, error: HttpError) -> Sentry {
        self.scripted = self.scripted.fails(url, error);
        self
    }

    /// Runs an invocation.
    pub fn run(&self, invocation: &Invocation) -> Result<Answer, CommandError> {
        let client = self.client();
        let (target, limit, last_issue) = (self.target.clone(), self.limit.clone(), self.last_issue.clone());
        let context = Context { client: &client, target, last_issue, limit };
        block_on((find(&invocation.command).unwrap().run)(&context, invocation.parameters.clone()))
    }

    /// Runs what a person typed, which must be a command.
    pub fn type_in(&self, line: &str) -> Result<Answer, CommandError> {
        match plan(line, Some(self.host())) {
            Plan::Run { invocation, .. } => self.run(&invocation),
            other => panic!("{line} is no command: {other:?}"),
        }
    }

    /// Runs what a person typed and renders what they see.
    pub fn run_text(&self, line: &str) -> String {
        match self.type_in(line) {
            Ok(answer) => text::markdown(&answer),
            Err(error) => text::markdown(&explain::explain(&error, "globex", self.host(), Some("ada@globex.example"))),
        }
    }
}

impl Deref for Sentry {
    type Target = ScriptedSentry;

    fn deref(&self) -> &ScriptedSentry {
        &self.scripted
    }
}
