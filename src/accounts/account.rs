//! The Account object: the index of one Sentry account's sessions.
//!
//! **What it guards.** That a person sees every MCP client that uses their Sentry account and ends any of them, and nobody
//! else's (P5).
//!
//! **What it answers.** The calls of [`super::calls`], and its alarm.
//!
//! **Why the list is true.** A session tells its account that it is open, or has ended, from its own alarm, until it was heard
//! ([`crate::sessions`]). It tells a state, not an event: told twice, or late, it means the same. And whatever the index says, a
//! list asks each session that it names. What has ended is left out, and its row goes; a session that cannot be reached is
//! listed as it was when it was added.
//!
//! **Why ending all misses none.** The moment is written first. A session that was open then and is not listed yet is told,
//! when it comes to be listed, that it may not stay, and ends itself.
//!
//! **Why a guess ends nothing.** What is to be ended must be in this index, and the session ends only for an account that it
//! knows to be its own: two objects agree, neither believes the form.
//!
//! **Its bounds.** At most [`MOST`] sessions. When one more is opened, the one that was not used for the longest time ends:
//! refusing the new one would lock a person out who cannot see why, and the oldest is most likely forgotten.

use std::rc::Rc;

use futures::future::join_all;
use serde::Serialize;

use super::calls::{Add, Disconnect, DisconnectAll, Entry, List, Remove, RevokeLater};
use super::store::Store;
use crate::config::Problem;
use crate::crypto::{KeyRing, Purpose};
use crate::grants::revocation::{Attempt, LONGEST_PAUSE, MAX_ATTEMPTS, Revocation, pause};
use crate::ports::{Alarm, Call, Level, ObjectError, Sql, StorageError, call};
use crate::sessions::calls::{EndFor, View};
use crate::sessions::tokens::SessionId;
use crate::world::World;

/// How many sessions an account may have. A list asks that many objects, which is well below what a Worker may call.
pub const MOST: usize = 100;

/// Why a call was not answered. The text is for the log.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A session could not be reached.
    #[error(transparent)]
    Session(#[from] ObjectError),
    /// A variable is missing or malformed.
    #[error(transparent)]
    Configuration(#[from] Problem),
    /// No such call, or a body that is none.
    #[error("no such call")]
    BadCall,
}

/// One Sentry account.
pub struct Account {
    name: String,
    world: World,
    alarm: Rc<dyn Alarm>,
    store: Store,
    running: futures::lock::Mutex<()>,
}

impl Account {
    /// The object `name` over its own storage.
    ///
    /// # Errors
    /// When the name is not an account's, or the storage fails.
    pub fn new(name: &str, world: World, sql: Rc<dyn Sql>, alarm: Rc<dyn Alarm>) -> Result<Account, AccountError> {
        if !name.starts_with(super::OBJECT_PREFIX) {
            return Err(AccountError::BadCall);
        }
        Ok(Account { name: name.to_owned(), world, alarm, store: Store::new(sql)?, running: Default::default() })
    }

    /// Answers the call on `path`.
    ///
    /// # Errors
    /// [`AccountError`]; the caller sees that the object failed, and nothing of why.
    pub async fn handle(&self, path: &str, body: &[u8]) -> Result<Vec<u8>, AccountError> {
        match path {
            Add::PATH => self.add(&read(body)?).await.and_then(reply),
            Remove::PATH => self.remove(&read(body)?).and_then(reply),
            List::PATH => self.list().await.and_then(reply),
            Disconnect::PATH => self.disconnect(&read(body)?).await.and_then(reply),
            DisconnectAll::PATH => self.disconnect_all().await.and_then(reply),
            RevokeLater::PATH => self.revoke_later(&read(body)?).await.and_then(reply),
            _ => Err(AccountError::BadCall),
        }
    }

    async fn add(&self, call: &Add) -> Result<bool, AccountError> {
        if SessionId::from_object_name(&call.session).is_none() {
            return Err(AccountError::BadCall);
        }
        if self.store.ended_all_at()?.is_some_and(|at| call.listed.opened_at <= at) {
            self.store.remove(&call.session)?;
            return Ok(false);
        }
        self.store.add(&call.session, &call.listed)?;
        if self.store.count()? > MOST {
            self.make_room().await?;
        }
        Ok(true)
    }

    fn remove(&self, call: &Remove) -> Result<(), AccountError> {
        Ok(self.store.remove(&call.session)?)
    }

    async fn list(&self) -> Result<Vec<Entry>, AccountError> {
        let asked = join_all(self.store.all()?.into_iter().map(|entry| self.ask(entry))).await;
        let mut live: Vec<Entry> = asked.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
        live.sort_by_key(|entry| std::cmp::Reverse(entry.listed.last_sign_of_life()));
        Ok(live)
    }

    /// The entry as its session tells it; `None` when that has ended.
    async fn ask(&self, entry: Entry) -> Result<Option<Entry>, AccountError> {
        let view = View { account: self.name.clone() };
        match call(&*self.world.objects, &entry.session, &view).await {
            Ok(Some(listed)) => Ok(Some(Entry { listed, ..entry })),
            Ok(None) => {
                self.store.remove(&entry.session)?;
                Ok(None)
            }
            Err(error) => {
                self.log(Level::Warn, "session_unavailable", &[("error", &error.0)]);
                Ok(Some(entry))
            }
        }
    }

    /// Ends what was not used for the longest time, until there is room.
    async fn make_room(&self) -> Result<(), AccountError> {
        let live = self.list().await?;
        for entry in live.iter().skip(MOST) {
            self.end(&entry.session).await?;
            self.log(Level::Info, "session_crowded_out", &[]);
        }
        Ok(())
    }

    async fn disconnect(&self, call: &Disconnect) -> Result<Option<String>, AccountError> {
        let Some(entry) = self.store.get(&call.session)? else { return Ok(None) };
        let ended = self.end(&entry.session).await?;
        Ok(ended.then_some(entry.listed.client_name))
    }

    async fn disconnect_all(&self) -> Result<u32, AccountError> {
        self.store.end_all(self.world.ports.clock.now())?;
        let all = self.store.all()?;
        let ended = join_all(all.iter().map(|entry| self.end(&entry.session))).await;
        // Each was tried; whoever asked comes again for those that could not be reached.
        let ended = ended.into_iter().collect::<Result<Vec<bool>, _>>()?;
        Ok(u32::try_from(ended.into_iter().filter(|ended| *ended).count()).unwrap_or(u32::MAX))
    }

    /// Ends a session that is listed here; returns whether it was open.
    async fn end(&self, session: &str) -> Result<bool, AccountError> {
        let ended = call(&*self.world.objects, session, &EndFor { account: self.name.clone() }).await?;
        self.store.remove(session)?;
        Ok(ended)
    }

    // ---- Tokens to revoke ----

    async fn revoke_later(&self, call: &RevokeLater) -> Result<(), AccountError> {
        let now = self.world.ports.clock.now();
        self.store.insert_outbox(&call.sealed, now)?;
        Ok(self.alarm.set(now).await?)
    }

    /// What the alarm runs.
    pub async fn run(&self) {
        let _turn = self.running.lock().await;
        let worked = self.work().await;
        let next = match worked.and_then(|()| Ok(self.store.next_due()?)) {
            Ok(next) => next,
            Err(error) => {
                self.log(Level::Error, "account_run_failed", &[("error", &error.to_string())]);
                // A failed alarm is run again by the platform six times at most: better to come back ourselves.
                Some(self.world.ports.clock.now() + LONGEST_PAUSE)
            }
        };
        let _ = match next {
            Some(at) => self.alarm.set(at).await,
            None => self.alarm.clear().await,
        };
    }

    async fn work(&self) -> Result<(), AccountError> {
        // Whatever happens in here, somebody comes back for what is left.
        self.alarm.set(self.world.ports.clock.now() + pause(0)).await?;
        while let Some(row) = self.store.due_outbox(self.world.ports.clock.now())? {
            let keys = KeyRing::new(self.world.config.root_secrets.clone()?);
            let attempt = match keys.open::<Revocation>(Purpose::Account, &self.name, &row.sealed) {
                Ok(revocation) => revocation.attempt(&self.world).await,
                Err(_) => Attempt::Never,
            };
            match attempt {
                Attempt::Again if row.attempts < MAX_ATTEMPTS => {
                    self.store.outbox_later(row.id, self.world.ports.clock.now() + pause(row.attempts))?;
                }
                Attempt::Done => self.store.delete_outbox(row.id)?,
                Attempt::Again | Attempt::Never => {
                    self.log(Level::Warn, "sign_in_revocation_given_up", &[]);
                    self.store.delete_outbox(row.id)?;
                }
            }
        }
        Ok(())
    }

    fn log(&self, level: Level, event: &str, fields: &[(&str, &str)]) {
        self.world.ports.log.log(level, event, fields);
    }
}

fn read<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, AccountError> {
    serde_json::from_slice(body).map_err(|_| AccountError::BadCall)
}

fn reply<T: Serialize>(value: T) -> Result<Vec<u8>, AccountError> {
    serde_json::to_vec(&value).map_err(|_| AccountError::BadCall)
}
