//! What a turn asks, done with its person's credential.

use super::decision::Decision;
use super::person::{Person, PersonError};
use super::refused::{refused_again, try_again};
use super::store::Turn;
use crate::config::Problem;
use crate::grants::{Credential, NoCredential};
use crate::slack::messages::Reason;
use vedette_commands::answer::{Answer, Invocation};
use vedette_commands::plan::Plan;
use vedette_commands::reading::Reading;
use vedette_commands::{CommandError, Context, Target};
use vedette_sentry::client::Client;
use vedette_sentry::error::{SentryError, Unauthorized};

/// A turn asks for consent at most so often: a credential that is refused right after its consent would make a loop.
const MAX_WAITS: i64 = 3;

/// What a turn came to.
pub(super) enum Outcome {
    /// It has something to show.
    Show(Box<Decision>),
    /// What there is to say stands in another message already.
    Shown,
    /// It waits for consent. `version` is the vault's when that was found.
    Wait {
        /// Why.
        reason: Reason,
        /// The vault's version.
        version: i64,
    },
}

impl Person {
    /// Step 4 of a turn.
    pub(super) async fn execute(&self, turn: &Turn) -> Result<Outcome, PersonError> {
        match self.plan(&turn.request.ask) {
            Plan::Run { invocation, reading, .. } => self.run_command(turn, &invocation, reading.as_ref()).await,
            Plan::Connect => self.connect(turn).await,
            Plan::Disconnect => Ok(show(self.disconnect(turn).await?)),
            Plan::Status => Ok(say(&self.status(turn).await?)),
            Plan::Use(target) => Ok(say(&self.use_target(target.as_ref())?)),
            Plan::Say(answer) => Ok(say(&answer)),
        }
    }

    /// Whether the person wants the answer to be for everybody in the channel.
    pub(super) fn is_shared(&self, turn: &Turn) -> bool {
        matches!(self.plan(&turn.request.ask), Plan::Run { share: true, .. })
    }

    /// Runs a command: with the credential there is; after a 401 that says it is dead once more with a refreshed one.
    async fn run_command(
        &self,
        turn: &Turn,
        invocation: &Invocation,
        reading: Option<&Reading>,
    ) -> Result<Outcome, PersonError> {
        let Some(entry) = vedette_commands::find(&invocation.command) else {
            return Ok(say(&not_here(self.world.config.command())));
        };
        let version = self.vault.version()?;
        let mut credential = match self.vault.credential().await {
            Ok(credential) => credential,
            Err(error) => return self.without_credential(turn, invocation, error, version),
        };
        let mut refreshed = false;
        loop {
            let error = match self.call(entry, &credential, turn, invocation).await? {
                Ok(answer) => return Ok(say(&read_as(self.answered(turn, answer, &credential)?, reading))),
                Err(error) => error,
            };
            // A consent that came while the command ran is newer than the version that the command used (P12).
            match (&error, &credential) {
                (
                    CommandError::Sentry(SentryError::Unauthorized { reason: Unauthorized::DeadToken, .. }),
                    Credential::Granted { version, .. },
                ) if !refreshed => {
                    refreshed = true;
                    let version = *version;
                    match self.vault.rejected(version).await {
                        Ok(newer) => credential = newer,
                        Err(error) => return self.without_credential(turn, invocation, error, version),
                    }
                }
                (
                    CommandError::Sentry(SentryError::Unauthorized { reason: Unauthorized::DeadToken, .. }),
                    Credential::Granted { version, .. },
                ) if turn.waits < MAX_WAITS => {
                    return Ok(Outcome::Wait { reason: Reason::Expired, version: *version });
                }
                (CommandError::Sentry(SentryError::MissingScope { missing }), Credential::Granted { version, .. })
                    // Missing again after a consent that was to give it: another one would not either.
                    if turn.waits == 0 && self.may_ask_for(missing) =>
                {
                    return Ok(Outcome::Wait { reason: Reason::MissingScope, version: *version });
                }
                _ => {
                    let answer = self.explained(turn, &error, invocation, &credential);
                    return Ok(say(&read_as(answer, reading)));
                }
            }
        }
    }

    async fn call(
        &self,
        entry: &'static vedette_commands::Entry,
        credential: &Credential,
        turn: &Turn,
        invocation: &Invocation,
    ) -> Result<Result<Answer, CommandError>, PersonError> {
        let host = self.world.config.sentry_host.clone()?;
        let client = Client::new(self.world.ports.clone(), host, credential.token().clone());
        let context = Context {
            client: &client,
            target: turn.target.clone().unwrap_or_default(),
            last_issue: self.store.recall("last_issue")?,
            limit: Target::default(),
        };
        Ok((entry.run)(&context, invocation.parameters.clone()).await)
    }

    fn answered(&self, turn: &Turn, mut answer: Answer, credential: &Credential) -> Result<Answer, PersonError> {
        if let Some(issue) = &answer.learned.issue {
            self.store.remember("last_issue", Some(issue))?;
        }
        if turn.waits > 0
            && let Some(account) = self.account_to_show(turn, credential)
        {
            answer.notes.push(format!("Connected as {account}"));
        }
        Ok(answer)
    }

    fn without_credential(
        &self,
        turn: &Turn,
        invocation: &Invocation,
        error: NoCredential,
        version: i64,
    ) -> Result<Outcome, PersonError> {
        Ok(match error {
            NoCredential::NotConnected | NoCredential::Ended if turn.waits >= MAX_WAITS => say(&refused_again()),
            NoCredential::NotConnected => Outcome::Wait { reason: Reason::First, version },
            NoCredential::Ended => Outcome::Wait { reason: Reason::Expired, version },
            NoCredential::CannotRenewNow => say(&Answer {
                title: "Sentry could not be reached to renew your access".to_owned(),
                notes: vec!["Your connection is kept. Try again in a few minutes.".to_owned()],
                actions: vec![try_again(invocation)],
                ..Answer::default()
            }),
            NoCredential::Configuration(problem) => say(&not_configured(problem)),
            NoCredential::Storage => return Err(crate::ports::StorageError("the vault".to_owned()).into()),
        })
    }

    pub(super) fn remembered_target(&self) -> Result<Target, PersonError> {
        let default = &self.world.config.default_target;
        Ok(self
            .store
            .recall("target")?
            .unwrap_or_else(|| Target { organization: default.organization.clone(), project: default.project.clone() }))
    }
}

/// Says how a sentence was read.
fn read_as(mut answer: Answer, reading: Option<&Reading>) -> Answer {
    if let Some(reading) = reading {
        reading.add_to(&mut answer);
    }
    answer
}

pub(super) fn say(answer: &Answer) -> Outcome {
    show(Decision::from(answer))
}

pub(super) fn show(decision: Decision) -> Outcome {
    Outcome::Show(Box::new(decision))
}

fn not_here(command: &str) -> Answer {
    Answer {
        title: "This button belongs to a command that is not here any more".to_owned(),
        notes: vec![format!("`{command} help` shows what there is.")],
        ..Answer::default()
    }
}

pub(super) fn not_configured(problem: Problem) -> Answer {
    Answer {
        title: "This app is not set up completely".to_owned(),
        notes: vec![format!("Whoever runs it needs to know: {problem}.")],
        ..Answer::default()
    }
}
