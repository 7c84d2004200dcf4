//! The Person object: one Slack person's inbox, turns, connect tickets and grant.
//!
//! **What it guards.** That this person's requests are answered in order, one at a time, each exactly once (P8-P12), and that
//! their grant has one writer (P2).
//!
//! **What it answers.** The calls of [`super::calls`], and its alarm. Calls only read, decide and write, in one synchronous
//! stretch each, so each is atomic; everything that takes time happens in the alarm, in [`Person::run`]. One instance
//! mutex keeps two alarms from running at once; what makes a turn survive a crash is that every step is a row before it
//! is an effect.
//!
//! **What it stores.** [`super::store`] and [`crate::grants::vault`]; `docs/storage.md` lists the tables.

use std::rc::Rc;

use futures::lock::Mutex;
use serde::Serialize;

use super::calls::{
    Accept, Accepted, BeginConsent, Conclude, IsConnected, LinkPressed, Retire, TakeConsent, ViewTicket,
};
use super::request::{Ask, PersonId, TurnRequest};
use super::store::{INBOX, Known, Store};
use crate::config::Problem;
use crate::crypto::{KeyRing, Purpose};
use crate::grants::vault::Vault;
use crate::ports::{Alarm, Call, Level, Sql, StorageError, Timestamp};
use crate::slack::blocks::Message;
use crate::slack::render::render;
use crate::world::World;
use vedette_commands::plan::{self, Plan};

/// What is shown while a request that is no Sentry command is worked on.
const PROGRESS: &str = "One moment…";

/// Why a call was not answered. The text is for the log.
#[derive(Debug, thiserror::Error)]
pub enum PersonError {
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A variable is missing or malformed.
    #[error(transparent)]
    Configuration(#[from] Problem),
    /// No such call, or a body that is none.
    #[error("no such call")]
    BadCall,
}

/// One Slack person.
pub struct Person {
    pub(super) id: PersonId,
    pub(super) world: World,
    pub(super) alarm: Rc<dyn Alarm>,
    pub(super) store: Store,
    pub(super) vault: Vault,
    pub(super) running: Mutex<()>,
}

impl Person {
    /// The object `name` over its own storage.
    ///
    /// # Errors
    /// When the name is not a person's, or the storage fails.
    pub fn new(name: &str, world: World, sql: Rc<dyn Sql>, alarm: Rc<dyn Alarm>) -> Result<Person, PersonError> {
        Ok(Person {
            id: PersonId::from_object_name(name).ok_or(PersonError::BadCall)?,
            store: Store::new(Rc::clone(&sql))?,
            vault: Vault::new(world.clone(), sql, name)?,
            world,
            alarm,
            running: Mutex::new(()),
        })
    }

    /// Answers the call on `path`.
    ///
    /// # Errors
    /// [`PersonError`]; the caller sees that the object failed, and nothing of why.
    pub async fn handle(&self, path: &str, body: &[u8]) -> Result<Vec<u8>, PersonError> {
        match path {
            Accept::PATH => self.accept(read(body)?).await.and_then(reply),
            LinkPressed::PATH => self.link_pressed(&read(body)?).and_then(reply),
            IsConnected::PATH => reply(self.vault.peek().await.is_ok()),
            Retire::PATH => self.retire(&read(body)?).await.and_then(reply),
            ViewTicket::PATH => self.view_ticket(&read(body)?).and_then(reply),
            BeginConsent::PATH => self.begin_consent(&read(body)?).and_then(reply),
            TakeConsent::PATH => self.take_consent(&read(body)?).await.and_then(reply),
            Conclude::PATH => self.conclude(&read(body)?).await.and_then(reply),
            _ => Err(PersonError::BadCall),
        }
    }

    /// Puts a request into the inbox, once (P8, P9, P10).
    async fn accept(&self, call: Accept) -> Result<Accepted, PersonError> {
        let mut request = call.request;
        if request.person != self.id {
            return Err(PersonError::BadCall);
        }
        let now = self.now();
        let plan = self.plan(&request.ask);
        match self.store.known(&request.key)? {
            // Slack shows the answer of the delivery that it did not give up.
            Some(Known::Answered(message)) => return Ok(Accepted::Answered(message)),
            Some(Known::Taken) => {
                // The alarm may have been lost with the process that was to set it.
                self.wake(now).await?;
                return Ok(Accepted::Again);
            }
            None => {}
        }
        if let Some(message) = self.answer_at_once(&request, &plan)? {
            self.store.insert_answered(&request.key, &message, now)?;
            self.wake(now).await?;
            return Ok(Accepted::Answered(message));
        }
        if self.store.inbox_length()? >= INBOX {
            self.say_full(&request, now)?;
            self.wake(now).await?;
            return Ok(Accepted::Full);
        }
        // A deployment that cannot seal says so in its answer, which then finds another way than this URL.
        let response_url = request.response_url.take().and_then(|url| self.seal_text(&url).ok());
        self.store.insert_turn(&request, response_url, now)?;
        self.wake(now).await?;
        // What is remembered of this person is not shown to somebody else.
        let progress = if self.is_identified(&request)? { self.progress(&plan)? } else { PROGRESS.to_owned() };
        Ok(Accepted::New(progress))
    }

    fn link_pressed(&self, call: &LinkPressed) -> Result<(), PersonError> {
        let sealed = self.seal_text(&call.response_url)?;
        Ok(self.store.link_pressed(sealed)?)
    }

    /// What to show while `ask` is worked on.
    pub(super) fn progress(&self, plan: &Plan) -> Result<String, PersonError> {
        match plan {
            Plan::Run { invocation, .. } => Ok(plan::progress(invocation, &self.remembered_target()?)),
            _ => Ok(PROGRESS.to_owned()),
        }
    }

    /// What `ask` means.
    pub(super) fn plan(&self, ask: &Ask) -> Plan {
        match ask {
            Ask::Words(words) => plan::plan(words, self.world.config.sentry_host.as_ref().ok()),
            Ask::Run(invocation) => Plan::Run { invocation: invocation.clone(), share: false, reading: None },
            Ask::Connect => Plan::Connect,
            Ask::Disconnect => Plan::Disconnect,
        }
    }

    /// The answer that the door itself gives to a slash command, when nobody has to be asked for it: a message by the
    /// `response_url` could overtake the door's own "One moment…", which would then stay for ever. `None` for everything
    /// else, and for a new target while something waits in the inbox: what was asked before it runs before it (P10).
    fn answer_at_once(&self, request: &TurnRequest, plan: &Plan) -> Result<Option<Message>, PersonError> {
        if !request.is_slash() || !self.is_identified(request)? {
            return Ok(None);
        }
        Ok(match plan {
            Plan::Say(answer) => Some(render(answer)),
            Plan::Use(target) if self.store.inbox_length()? == 0 => Some(render(&self.use_target(target.as_ref())?)),
            _ => None,
        })
    }

    pub(super) fn now(&self) -> Timestamp {
        self.world.ports.clock.now()
    }

    pub(super) async fn wake(&self, at: Timestamp) -> Result<(), StorageError> {
        self.alarm.set(at).await
    }

    pub(super) fn keys(&self) -> Result<KeyRing, Problem> {
        Ok(KeyRing::new(self.world.config.root_secrets.clone()?))
    }

    /// Seals a text that this object keeps for later.
    pub(super) fn seal_text(&self, text: &str) -> Result<Vec<u8>, Problem> {
        self.seal(&text)
    }

    /// Seals a value that this object keeps for later.
    pub(super) fn seal<T: Serialize>(&self, value: &T) -> Result<Vec<u8>, Problem> {
        Ok(self.keys()?.seal(Purpose::Outbox, &self.id.object_name(), value, &*self.world.ports.random).0)
    }

    /// Opens what [`Person::seal`] sealed.
    pub(super) fn open<T: serde::de::DeserializeOwned>(&self, sealed: &[u8]) -> Option<T> {
        self.keys().ok()?.open(Purpose::Outbox, &self.id.object_name(), sealed).ok()
    }

    pub(super) fn log(&self, level: Level, event: &str, fields: &[(&str, &str)]) {
        self.world.ports.log.log(level, event, fields);
    }
}

fn read<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, PersonError> {
    serde_json::from_slice(body).map_err(|_| PersonError::BadCall)
}

fn reply<T: Serialize>(value: T) -> Result<Vec<u8>, PersonError> {
    serde_json::to_vec(&value).map_err(|_| PersonError::BadCall)
}
