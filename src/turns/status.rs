//! `connect`, `disconnect`, `status` and `use`: what a person says about their own connection.

use super::decision::Decision;
use super::execute::{Outcome, not_configured, say, show};
use super::outbox::{EndSessions, Tried};
use super::person::{Person, PersonError};
use super::request::Place;
use super::store::{OutboxRow, Turn};
use crate::accounts::calls::Entry;
use crate::accounts::person::Mine;
use crate::grants::record::Grant;
use crate::grants::revocation::Revocation;
use crate::grants::{NoCredential, SOURCE_ENVIRONMENT, SOURCE_OAUTH};
use crate::ports::{Level, ObjectError, StorageError, Timestamp};
use crate::sessions::terms::skill_named;
use crate::slack::messages::{self, Disconnection, Reason, Sessions};
use vedette_commands::answer::{Action, Answer, Does, Field, Item, Part};
use vedette_commands::{Target, say};

impl Person {
    /// Asks for consent, unless there is a grant that works.
    pub(super) async fn connect(&self, turn: &Turn) -> Result<Outcome, PersonError> {
        if self.world.config.environment_token.is_some() {
            return Ok(say(&headless()));
        }
        let version = self.vault.version()?;
        let error = match self.vault.credential().await {
            Ok(_) => {
                let grant = self.vault.peek().await;
                let label = grant.as_ref().map(|grant| grant.account.label()).unwrap_or_default();
                return Ok(match &turn.request.place {
                    // The message with the link says so: it was one of its own.
                    Place::Thread { .. } if turn.waits > 0 => Outcome::Shown,
                    _ if turn.waits > 0 => show(Decision::for_person(messages::connected_as(label, &self.host_name()))),
                    _ => say(&already(label, &self.host_name())),
                });
            }
            Err(error) => error,
        };
        Ok(match error {
            NoCredential::NotConnected => Outcome::Wait { reason: Reason::First, version },
            NoCredential::Ended => Outcome::Wait { reason: Reason::Expired, version },
            NoCredential::Configuration(problem) => say(&not_configured(problem)),
            NoCredential::CannotRenewNow | NoCredential::Storage => say(&Answer {
                title: "Sentry could not be reached".to_owned(),
                notes: vec!["Your connection is kept. Try again in a few minutes.".to_owned()],
                actions: vec![Action { label: "Try again".to_owned(), does: Does::Connect }],
                ..Answer::default()
            }),
        })
    }

    /// Deletes the grant here, revokes it at Sentry, ends the sessions of the account's MCP clients, and says what of that is
    /// done (P5).
    ///
    /// The grant goes, its revocation and the end of the sessions are noted, and the turn's answer is decided in one
    /// transaction, so that a crash at any instant leaves nothing unrevoked, nothing open and nothing unsaid. Once Sentry and
    /// the sessions confirm, the answer is decided again.
    pub(super) async fn disconnect(&self, turn: &Turn) -> Result<Decision, PersonError> {
        if self.world.config.environment_token.is_some() {
            return Ok(Decision::from(&headless()));
        }
        let host = self.host_name();
        let said = |label: &str, revoked, sessions| {
            let disconnection = Disconnection { account: Some(label), host: &host, revoked, sessions };
            Decision::for_person(messages::disconnected(disconnection))
        };
        let mut noted: Option<(OutboxRow, OutboxRow, String)> = None;
        let mut note = |grant: &Grant| {
            let label = grant.account.label().to_owned();
            let failed = |error: &dyn std::fmt::Display| StorageError(error.to_string());
            let note = |kind: &str, sealed: Vec<u8>| {
                let id = self.store.insert_outbox(kind, sealed.clone(), self.now())?;
                Ok::<_, StorageError>(OutboxRow { id, kind: kind.to_owned(), sealed, attempts: 0 })
            };
            let revocation = note(Revocation::KIND, self.seal(&Revocation::of(grant)).map_err(|it| failed(&it))?)?;
            let sessions = note(EndSessions::KIND, self.seal(&EndSessions::of(grant)).map_err(|it| failed(&it))?)?;
            self.store.remember::<String>("last_issue", None)?;
            self.decide(turn.id, &said(&label, false, Sessions::Ending)).map_err(|it| failed(&it))?;
            noted = Some((revocation, sessions, label));
            Ok(())
        };
        match self.vault.remove(&mut note).await {
            Ok(_) => {}
            Err(NoCredential::Configuration(problem)) => return Ok(Decision::from(&not_configured(problem))),
            Err(_) => return Err(StorageError("the vault".to_owned()).into()),
        }
        let Some((revocation, sessions, label)) = noted else {
            return Ok(Decision::for_person(messages::not_connected(&account_page(turn))));
        };
        let ended = self.try_ending_sessions(&sessions).await?;
        let revoked = self.try_outbox(&revocation).await? == Tried::Done;
        Ok(said(&label, revoked, ended.map_or(Sessions::Ending, Sessions::Ended)))
    }

    /// Says which account a command would use, where the credential comes from, the default target, and which MCP clients use
    /// the same account; never the token.
    pub(super) async fn status(&self, turn: &Turn) -> Result<Answer, PersonError> {
        let mut answer = self.connection().await?;
        // The grant has told whose account it is, and its person has confirmed that it is theirs (P14).
        let grant = self.vault.peek().await.ok().filter(|_| self.world.config.environment_token.is_none());
        if let Some(grant) = grant {
            match self.clients(&grant).await {
                Ok(entries) => answer.parts.extend(listed(&entries, self.now())),
                Err(error) => {
                    self.log(Level::Warn, "account_unavailable", &[("error", &error.0)]);
                    answer.notes.push("Your MCP clients could not be listed just now.".to_owned());
                }
            }
        }
        if self.world.config.sentry_app.is_ok() {
            answer
                .notes
                .push(format!("MCP clients that you let in: see and disconnect them at {}", account_page(turn)));
        }
        Ok(answer)
    }

    /// The sessions of MCP clients with the same account.
    async fn clients(&self, grant: &Grant) -> Result<Vec<Entry>, ObjectError> {
        let keys = self.keys().map_err(|problem| ObjectError(problem.to_string()))?;
        Mine::new(&self.world, &keys, &grant.origin, &grant.account.id).list().await
    }

    async fn connection(&self) -> Result<Answer, PersonError> {
        let target = target_field(&self.remembered_target()?);
        if self.world.config.environment_token.is_some() {
            return Ok(Answer {
                title: SOURCE_ENVIRONMENT.to_owned(),
                parts: vec![Part::Fields(vec![field("Sentry", &self.host_name()), target])],
                notes: vec!["Everybody here uses the operator's access; it is never shown.".to_owned()],
                ..Answer::default()
            });
        }
        match self.vault.peek().await {
            Ok(grant) => Ok(self.connected(&grant, target)),
            Err(NoCredential::Configuration(problem)) => Ok(not_configured(problem)),
            Err(NoCredential::Storage) => Err(StorageError("the vault".to_owned()).into()),
            Err(error) => Ok(Answer {
                title: match error {
                    NoCredential::Ended => "Your Sentry access has ended".to_owned(),
                    _ => "No Sentry account is connected".to_owned(),
                },
                parts: vec![Part::Fields(vec![field("Sentry", &self.host_name()), target])],
                actions: vec![Action { label: "Connect Sentry".to_owned(), does: Does::Connect }],
                ..Answer::default()
            }),
        }
    }

    fn connected(&self, grant: &Grant, target: Field) -> Answer {
        let name = grant.account.name.as_deref().unwrap_or(grant.account.label());
        let renewal = if grant.refresh_token.is_some() { ", renewed automatically" } else { "" };
        let expiry = match grant.expires_at {
            Some(at) => format!("{}{renewal}", date(at)),
            None => "not told by Sentry".to_owned(),
        };
        Answer {
            title: format!("Connected as {name}"),
            parts: vec![
                Part::Paragraph(format!("I can {} for you.", powers(&grant.scopes))),
                Part::Fields(vec![
                    field("Account", grant.account.label()),
                    field("Sentry", &self.host_name()),
                    field("Connected", &date(grant.connected_at)),
                    field("Access until", &expiry),
                    target,
                ]),
            ],
            notes: vec![format!("{SOURCE_OAUTH}.")],
            actions: vec![Action { label: "Disconnect".to_owned(), does: Does::Disconnect }],
            ..Answer::default()
        }
    }

    /// Remembers the target of commands that name none, forgets it, or shows it.
    pub(super) fn use_target(&self, target: Option<&Target>) -> Result<Answer, PersonError> {
        let title = match target {
            None => "Where I look when you name no organization".to_owned(),
            Some(target) if target.organization.is_none() => {
                self.store.remember::<Target>("target", None)?;
                "The remembered target is forgotten".to_owned()
            }
            Some(target) => {
                self.store.remember("target", Some(target))?;
                "I'll look there from now on".to_owned()
            }
        };
        Ok(Answer {
            title,
            parts: vec![Part::Fields(vec![target_field(&self.remembered_target()?)])],
            notes: vec!["`use org/project` changes it, `use --clear` forgets it.".to_owned()],
            ..Answer::default()
        })
    }

    pub(super) fn host_name(&self) -> String {
        self.world.config.sentry_host.as_ref().map(vedette_sentry::host::SentryHost::name).unwrap_or_default()
    }
}

fn headless() -> Answer {
    Answer {
        title: SOURCE_ENVIRONMENT.to_owned(),
        parts: vec![Part::Paragraph(
            "This app uses the operator's Sentry access for everybody, so there is no account of your own to connect or \
             disconnect."
                .to_owned(),
        )],
        ..Answer::default()
    }
}

fn already(label: &str, host: &str) -> Answer {
    Answer {
        title: format!("Already connected as {label}"),
        parts: vec![Part::Paragraph(format!(
            "Your questions are answered with this account's access to {host}. To use another account, disconnect first."
        ))],
        actions: vec![Action { label: "Disconnect".to_owned(), does: Does::Disconnect }],
        ..Answer::default()
    }
}

fn account_page(turn: &Turn) -> url::Url {
    let mut url = turn.request.origin.clone();
    url.set_path(crate::accounts::PAGE);
    url
}

/// The clients, as far as a message has room.
fn listed(entries: &[Entry], now: Timestamp) -> Vec<Part> {
    const SHOWN: usize = 8;
    if entries.is_empty() {
        return vec![];
    }
    let item = |Entry { listed, .. }: &Entry| {
        let skills: Vec<&str> = listed.skills.iter().filter_map(|name| skill_named(name)).map(|it| it.title).collect();
        let used = listed.used_at.map_or_else(|| "never used".to_owned(), |at| format!("used {}", ago(now, at)));
        Item { name: listed.client_name.clone(), facts: vec![skills.join(", "), used], ..Item::default() }
    };
    let more = entries.len().saturating_sub(SHOWN);
    let more = (more > 0).then(|| Part::Paragraph(format!("… and {more} more")));
    [Part::Heading("MCP clients with this account".to_owned())]
        .into_iter()
        .chain([Part::Items(entries.iter().take(SHOWN).map(item).collect())])
        .chain(more)
        .collect()
}

fn ago(now: Timestamp, at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.0).map_or_else(|_| "at some time".to_owned(), |moment| say::ago(now, moment))
}

/// What scopes give, in words: `read issues, projects and teams`.
fn powers(scopes: &[String]) -> String {
    const THINGS: [(&str, &str); 6] = [
        ("event", "issues"),
        ("project", "projects"),
        ("team", "teams"),
        ("org", "organizations"),
        ("member", "members"),
        ("alerts", "alerts"),
    ];
    let with = |levels: &[&str]| {
        let has = |thing: &str| {
            scopes.iter().filter_map(|it| it.split_once(':')).any(|(a, b)| a == thing && levels.contains(&b))
        };
        THINGS.iter().filter(|(scope, _)| has(scope)).map(|(_, thing)| *thing).collect::<Vec<_>>()
    };
    let said: Vec<String> = [("read", with(&["read", "write", "admin"])), ("change", with(&["write", "admin"]))]
        .into_iter()
        .filter(|(_, things)| !things.is_empty())
        .map(|(verb, things)| format!("{verb} {}", say::joined(&things, "and")))
        .collect();
    if said.is_empty() { "do nothing at Sentry".to_owned() } else { said.join(", and ") }
}

fn field(label: &str, value: &str) -> Field {
    Field { label: label.to_owned(), value: value.to_owned(), link: None }
}

fn target_field(target: &Target) -> Field {
    let value = match (&target.organization, &target.project) {
        (Some(organization), Some(project)) => format!("{organization}/{project}"),
        (Some(organization), None) => organization.clone(),
        _ => "none: I look in your only organization, or ask".to_owned(),
    };
    field("Default target", &value)
}

fn date(at: Timestamp) -> String {
    match jiff::Timestamp::from_millisecond(at.0) {
        Ok(moment) => moment.strftime("%-d %B %Y, %H:%M UTC").to_string(),
        Err(_) => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_scopes_give_is_said_in_words() {
        let powers = |scopes: &str| powers(&scopes.split(' ').map(str::to_owned).collect::<Vec<_>>());
        for (scopes, words) in [
            ("event:read org:read project:read team:read", "read issues, projects, teams and organizations"),
            ("org:read event:write", "read issues and organizations, and change issues"),
            ("openid", "do nothing at Sentry"),
        ] {
            assert_eq!(powers(scopes), words);
        }
    }

    #[test]
    fn a_date_is_written_for_people() {
        assert_eq!(date(Timestamp(0)), "1 January 1970, 00:00 UTC");
        assert_eq!(date(Timestamp(i64::MAX)), "unknown");
    }
}
