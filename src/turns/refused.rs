//! What a person sees when Sentry refused a turn, where that depends on whose access was used and on what this
//! deployment asks for. Everything else is [`explain`]'s.

use super::execute::not_configured;
use super::person::Person;
use super::request::Place;
use super::store::Turn;
use crate::grants::Credential;
use crate::ports::Level;
use vedette_commands::CommandError;
use vedette_commands::answer::{Action, Answer, Audience, Does, Invocation, Part};
use vedette_commands::explain::{explain, subject};
use vedette_commands::offer::label_of;
use vedette_sentry::error::{SentryError, Unauthorized};
use vedette_sentry::host::SentryHost;
use vedette_sentry::refusal::covers;

impl Person {
    /// The answer to a turn that came to `error`.
    pub(super) fn explained(
        &self,
        turn: &Turn,
        error: &CommandError,
        invocation: &Invocation,
        credential: &Credential,
    ) -> Answer {
        self.log(Level::Info, "command_failed", &[("command", &invocation.command)]);
        let host = match &self.world.config.sentry_host {
            Ok(host) => host,
            Err(problem) => return not_configured(*problem),
        };
        let subject = subject(invocation, &turn.target.clone().unwrap_or_default());
        let headless = matches!(credential, Credential::Environment(_));
        let mut answer = match error {
            CommandError::Sentry(SentryError::Unauthorized { reason: Unauthorized::DeadToken, .. }) if headless => {
                operators_token_is_dead()
            }
            CommandError::Sentry(SentryError::Unauthorized { reason: Unauthorized::DeadToken, .. }) => refused_again(),
            CommandError::Sentry(SentryError::MissingScope { missing }) => {
                scope_not_to_be_had(missing, headless, self.may_ask_for(missing), self.world.config.command())
            }
            CommandError::Sentry(SentryError::Forbidden) if headless => operator_has_no_access(&subject),
            _ => self.explained_to(turn, error, &subject, host, credential),
        };
        match error {
            CommandError::Sentry(error) if may_pass(error) => answer.actions.insert(0, try_again(invocation)),
            CommandError::Sentry(SentryError::Forbidden) if !headless => answer.actions.extend(other_ways()),
            _ => {}
        }
        answer
    }

    /// What is for the person alone names their account; what everybody may read does not (P22).
    fn explained_to(
        &self,
        turn: &Turn,
        error: &CommandError,
        subject: &str,
        host: &SentryHost,
        credential: &Credential,
    ) -> Answer {
        let account = match credential {
            Credential::Granted { grant, .. } => Some(grant.account.label()),
            Credential::Environment(_) => None,
        };
        let answer = explain(error, subject, host, account);
        match answer.audience {
            Audience::Person => answer,
            Audience::Channel => explain(error, subject, host, self.account_to_show(turn, credential)),
        }
    }

    /// The account behind `credential`, unless everybody in a channel would read it (P13).
    pub(super) fn account_to_show<'a>(&self, turn: &Turn, credential: &'a Credential) -> Option<&'a str> {
        let public = matches!(turn.request.place, Place::Thread { .. }) || self.is_shared(turn);
        match credential {
            Credential::Granted { grant, .. } if !public => Some(grant.account.label()),
            _ => None,
        }
    }

    /// Whether another consent could give these scopes: only what this deployment asks for is ever granted.
    pub(super) fn may_ask_for(&self, missing: &[String]) -> bool {
        missing.iter().all(|scope| covers(&self.world.config.scopes, scope))
    }
}

/// Whether the same question may be answered later, or once its person has done at Sentry what the answer says.
fn may_pass(error: &SentryError) -> bool {
    match error {
        SentryError::RateLimited { .. }
        | SentryError::Unavailable { .. }
        | SentryError::Timeout
        | SentryError::Unreadable { .. } => true,
        SentryError::Unauthorized { reason, .. } => {
            matches!(reason, Unauthorized::SsoRequired | Unauthorized::TwoFactorRequired)
        }
        _ => false,
    }
}

/// A button that asks the same once more.
pub(super) fn try_again(invocation: &Invocation) -> Action {
    Action { label: "Try again".to_owned(), does: Does::Instead(invocation.clone()) }
}

/// What somebody can do whose account has no access to a place.
fn other_ways() -> Vec<Action> {
    let organizations = Invocation { command: "org list".to_owned(), parameters: serde_json::json!({}) };
    vec![
        Action { label: label_of(&organizations), does: Does::Instead(organizations) },
        Action { label: "Use another account".to_owned(), does: Does::Disconnect },
    ]
}

/// Sentry refuses a credential each time right after its consent.
pub(super) fn refused_again() -> Answer {
    let answer = says(
        "Your Sentry account could not be used",
        "Sentry refused the access each time right after you gave it. Try to connect again later, or ask whoever runs this \
         Slack app.",
    );
    Answer { audience: Audience::Person, ..answer }
}

fn operators_token_is_dead() -> Answer {
    says(
        "Sentry does not accept this app's access any more",
        "Everybody here uses the operator's access, and it has expired or was ended at Sentry. Whoever runs this app needs \
         to set a new `SENTRY_AUTH_TOKEN`; there is nothing for you to connect.",
    )
}

fn operator_has_no_access(subject: &str) -> Answer {
    says(
        &format!("No access to {subject}"),
        &format!(
            "Everybody here uses the operator's access, and that has no access to {subject}. Whoever runs this app can let \
             it in at Sentry."
        ),
    )
}

fn scope_not_to_be_had(missing: &[String], headless: bool, asked_for: bool, command: &str) -> Answer {
    let missing = missing.join(", ");
    let text = if headless {
        format!(
            "It needs the permission {missing}, which the operator's access does not have. Whoever runs this app can set \
             a `SENTRY_AUTH_TOKEN` that has it."
        )
    } else if asked_for {
        format!(
            "It needs the permission {missing}, and Sentry does not give it although you approved it: your role there may \
             not include it. An owner of the organization can change that."
        )
    } else {
        format!(
            "It needs the permission {missing}, which this app does not ask Sentry for. Whoever runs it can add it to \
             `SENTRY_SCOPES`; after that, `{command} disconnect` and `{command} connect` give it."
        )
    };
    let audience = if headless { Audience::Channel } else { Audience::Person };
    Answer { audience, ..says("Your Sentry connection does not include this", &text) }
}

fn says(title: &str, text: &str) -> Answer {
    Answer { title: title.to_owned(), parts: vec![Part::Paragraph(text.to_owned())], ..Answer::default() }
}
