//! The vault: the one writer of one grant (P2), and its refresh protocol (P3).
//!
//! **What it guards.** One Sentry grant, in a Durable Object's SQLite: the sealed record, a version that every write
//! raises, and how far a refresh has come. Workers KV gets a copy of the sealed record after each write. The copy is read
//! only by an object whose own storage holds no row at all (one that was moved or restored), so an older value in KV can
//! never win over what this object wrote; a disconnected grant leaves a row without a record, which wins too.
//!
//! **Why one refresh serves everyone.** Sentry rotates in place: the reply to a refresh is the only copy of the new
//! tokens, and a second refresh with the old token fails. So
//!
//! 1. whoever needs the grant reads the row; with 2 minutes of life left it is used as it is;
//! 2. else they queue on this instance's mutex, and read the row again: the one before them may have refreshed it;
//! 3. the intent is written to the row *before* the call, so that a crash in the middle is known afterwards;
//! 4. the call is made. A clear yes is written with the next version, in one statement that also clears the intent; a
//!    clear no (4xx other than 429) ends the grant: its person reconnects;
//! 5. an unclear end (no reply, 5xx, an unreadable body, or an intent left by a crash) is resolved by asking Sentry
//!    whether the *old* access token still lives (`GET /api/0/auth/`). It does: the refresh never happened, and may be
//!    made again. It does not, and had life left: the refresh happened and its reply is lost; the grant has ended. It had
//!    run out anyway: the refresh is made again, and Sentry's answer decides. Sentry cannot say: the grant is kept, and
//!    the question is asked again after a pause. Nothing here loops: each attempt either decides or waits.
//!
//! While Sentry is unreachable a grant that still has life is used, whatever the refresh said.
//!
//! The mutex is only for courtesy to Sentry; correctness rests on the version: a token that Sentry refuses is reported with
//! the version it came from, and is refreshed only if that is still the newest.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use super::record::{Grant, GrantRecord};
use super::revocation::Revocation;
use super::{Credential, NoCredential};
use crate::crypto::{KeyRing, Purpose};
use crate::ports::{Level, Sql, StorageError, Timestamp, Value};
use crate::world::World;
use futures::lock::Mutex;
use vedette_sentry::oauth::{Issued, Probe, SentryOAuth, TokenError, probe};

/// A refresh starts when less than this is left, so that a token does not run out in the middle of a command (P3).
const REFRESH_BEFORE: Duration = Duration::from_secs(2 * 60);
/// The first pause after an unclear refresh; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// The longest pause after an unclear refresh.
const LONGEST_PAUSE: Duration = Duration::from_secs(5 * 60);
/// How long the copy in KV outlives the access token: Sentry may still refresh an expired one for about 30 days.
const COPY_OUTLIVES: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// When KV did not take the copy, it is tried again after this.
pub const COPY_PAUSE: Duration = Duration::from_secs(30);
/// How long the copy of a grant without an expiry is kept without a write.
const COPY_WITHOUT_EXPIRY: Duration = Duration::from_secs(365 * 24 * 60 * 60);

const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS grant_record (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL,
    sealed BLOB,
    ended INTEGER NOT NULL DEFAULT 0,
    refresh_begun INTEGER,
    unclear INTEGER NOT NULL DEFAULT 0,
    retry_at INTEGER,
    copied INTEGER NOT NULL DEFAULT 0
)";

/// The one writer of one grant.
pub struct Vault {
    world: World,
    sql: Rc<dyn Sql>,
    record: String,
    refreshing: Mutex<()>,
    /// What was opened last, with the bytes that it was opened from: opening takes longer than reading the row does.
    opened: RefCell<Option<(Vec<u8>, Grant)>>,
}

struct Row {
    version: i64,
    sealed: Option<Vec<u8>>,
    ended: bool,
    refresh_begun: bool,
    unclear: u32,
    retry_at: Option<Timestamp>,
}

struct Held {
    grant: Grant,
    row: Row,
}

impl Vault {
    /// The vault of `owner` (the object's name) in this object's storage.
    ///
    /// # Errors
    /// When the schema cannot be made.
    pub fn new(world: World, sql: Rc<dyn Sql>, owner: &str) -> Result<Vault, StorageError> {
        sql.exec(SCHEMA, vec![])?;
        Ok(Vault {
            world,
            sql,
            record: format!("grant:{owner}"),
            refreshing: Mutex::new(()),
            opened: RefCell::default(),
        })
    }

    /// What a command is run with: the operator's token, else the grant, refreshed when that is due.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn credential(&self) -> Result<Credential, NoCredential> {
        if let Some(token) = &self.world.config.environment_token {
            return Ok(Credential::Environment(token.clone()));
        }
        self.own_credential().await
    }

    /// The grant, refreshed when that is due, also where commands run with the operator's token: it proves who its person
    /// is.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn own_credential(&self) -> Result<Credential, NoCredential> {
        let held = self.held().await?;
        if self.is_fresh(&held) {
            return Ok(held.into_credential());
        }
        let _turn = self.refreshing.lock().await;
        let held = self.held().await?;
        if self.is_fresh(&held) {
            return Ok(held.into_credential());
        }
        self.refresh(held, Why::Due).await
    }

    /// What [`Vault::credential`] gives, when it is here and fresh: no await lies between asking and having it.
    ///
    /// # Errors
    /// When the storage fails, or the keys are not configured.
    pub fn at_hand(&self) -> Result<Option<Credential>, NoCredential> {
        if let Some(token) = &self.world.config.environment_token {
            return Ok(Some(Credential::Environment(token.clone())));
        }
        let row = self.row().map_err(|error| self.storage(error))?;
        let held = row.map(|row| self.opened(&self.keys()?, row)).transpose();
        Ok(held.ok().flatten().filter(|held| self.is_fresh(held)).map(Held::into_credential))
    }

    /// Sentry refused the token of `version` with a 401 that says it is dead: gives the newer one, after a refresh if
    /// nobody else made one.
    ///
    /// # Errors
    /// Why there is none; [`NoCredential::Ended`] asks the person to reconnect.
    pub async fn rejected(&self, version: i64) -> Result<Credential, NoCredential> {
        let _turn = self.refreshing.lock().await;
        let held = self.held().await?;
        if held.row.version > version {
            return Ok(held.into_credential());
        }
        self.refresh(held, Why::Refused).await
    }

    /// The grant as it stands, without refreshing it, for `status`.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn peek(&self) -> Result<Grant, NoCredential> {
        Ok(self.held().await?.grant)
    }

    /// The version of the grant: changes whenever one is stored, refreshed, ended or removed.
    ///
    /// # Errors
    /// When the storage fails.
    pub fn version(&self) -> Result<i64, StorageError> {
        Ok(self.row()?.map_or(0, |row| row.version))
    }

    /// Whether there is a grant that is newer than `version`: somebody consented, or it was refreshed.
    ///
    /// # Errors
    /// When the storage fails.
    pub fn has_newer_than(&self, version: i64) -> Result<bool, StorageError> {
        Ok(self.row()?.is_some_and(|row| row.version > version && row.sealed.is_some()))
    }

    /// Stores a newly consented grant, in the caller's transaction, and returns the one it replaces.
    ///
    /// # Errors
    /// When the storage fails, or the keys are not configured.
    pub fn store(&self, grant: &Grant) -> Result<Option<Grant>, NoCredential> {
        let keys = self.keys()?;
        let row = self.row().map_err(|error| self.storage(error))?;
        let replaced = row.as_ref().and_then(|row| self.open(&keys, row.sealed.as_deref()));
        self.write(&keys, grant, row.map_or(0, |row| row.version) + 1).map_err(|error| self.storage(error))?;
        Ok(replaced)
    }

    /// Removes the grant, in one transaction with what `also` writes about it, its revocation above all: a crash leaves both
    /// or neither. A row without a record stays: it wins over KV (P2). Returns whether there was a grant.
    ///
    /// # Errors
    /// When the storage fails, or the keys are not configured.
    pub async fn remove(&self, also: &mut dyn FnMut(&Grant) -> Result<(), StorageError>) -> Result<bool, NoCredential> {
        let removed = {
            let _turn = self.refreshing.lock().await;
            let grant = match self.held().await {
                Ok(held) => Some(held.grant),
                Err(NoCredential::NotConnected | NoCredential::Ended) => None,
                Err(error) => return Err(error),
            };
            let remove = &mut || {
                self.forget(false)?;
                grant.as_ref().map_or(Ok(()), &mut *also)
            };
            self.sql.transaction(remove).map_err(|error| self.storage(error))?;
            grant.is_some()
        };
        self.copy().await;
        Ok(removed)
    }

    /// Brings KV up to the version in this object. Returns whether it now is; if not, call again later.
    pub async fn copy(&self) -> bool {
        let Ok(Some(CopyState { version, sealed, copied })) = self.copy_state() else { return true };
        if copied == version {
            return true;
        }
        let result = match sealed {
            Some(bytes) => self.world.kv.put(&self.record, &bytes, Some(self.copy_ttl(&bytes))).await,
            None => self.world.kv.delete(&self.record).await,
        };
        match result {
            // A write that happened meanwhile has its own copy to make.
            Ok(()) => self.sql.exec("UPDATE grant_record SET copied = ? WHERE id = 1", vec![version.into()]).is_ok(),
            Err(error) => {
                self.world.ports.log.log(Level::Warn, "grant_copy_failed", &[("error", &error.0)]);
                false
            }
        }
    }

    // ---- The refresh protocol; each caller holds the mutex. ----

    /// Steps 3 to 5 of the module's protocol.
    async fn refresh(&self, held: Held, why: Why) -> Result<Credential, NoCredential> {
        let now = self.world.ports.clock.now();
        if why == Why::Due && held.row.retry_at.is_some_and(|at| at > now) {
            return self.use_what_is_left(held);
        }
        // (5) An intent that nobody concluded: a crash, or an unclear end before.
        if held.row.refresh_begun {
            match self.fate(&held, why).await? {
                Fate::NeverHappened | Fate::Untold => {}
                Fate::ReplyLost => return self.end(&held).await,
                Fate::Unknown => return self.wait(held, why, Intent::Stands),
            }
        }
        let Some(refresh_token) = held.grant.refresh_token.clone() else {
            let usable = why == Why::Due && self.has_life(&held.grant);
            return if usable { Ok(held.into_credential()) } else { self.end(&held).await };
        };
        // (3) The intent, before the call.
        if !self.is_current(&held)? {
            return self.held().await.map(Held::into_credential);
        }
        self.exec("UPDATE grant_record SET refresh_begun = ? WHERE id = 1", vec![now.into()])?;
        // (4) The call.
        let config = Rc::clone(&self.world.config);
        let (host, app) =
            (config.sentry_host.as_ref().map_err(|it| *it)?, config.sentry_app.as_ref().map_err(|it| *it)?);
        match SentryOAuth::new(&self.world.ports, host, app).refresh(&refresh_token).await {
            Ok(issued) => self.renew(held, issued).await,
            Err(TokenError::Refused { status, error }) => {
                self.world.ports.log.log(
                    Level::Info,
                    "grant_ended",
                    &[("status", &status.to_string()), ("error", &error)],
                );
                self.end(&held).await
            }
            Err(TokenError::RateLimited) => self.wait(held, why, Intent::Concluded),
            // (5) An unclear end.
            Err(TokenError::Unclear(cause)) => {
                self.world.ports.log.log(Level::Warn, "grant_refresh_unclear", &[("cause", &cause.to_string())]);
                match self.fate(&held, why).await? {
                    Fate::NeverHappened => self.wait(held, Why::Due, Intent::Concluded),
                    Fate::ReplyLost => self.end(&held).await,
                    Fate::Untold | Fate::Unknown => self.wait(held, why, Intent::Stands),
                }
            }
        }
    }

    /// What became of a refresh without a reply, told by asking Sentry about the old access token.
    async fn fate(&self, held: &Held, why: Why) -> Result<Fate, NoCredential> {
        let config = Rc::clone(&self.world.config);
        let host = config.sentry_host.as_ref().map_err(|it| *it)?;
        let should_live = why == Why::Due && self.has_life(&held.grant);
        let fate = match probe(&self.world.ports, host, &held.grant.access_token).await {
            Probe::Alive => Fate::NeverHappened,
            Probe::Dead if should_live => Fate::ReplyLost,
            Probe::Dead => Fate::Untold,
            Probe::Unknown => Fate::Unknown,
        };
        self.world.ports.log.log(Level::Info, "grant_refresh_fate", &[("fate", fate.name())]);
        Ok(fate)
    }

    /// No refresh for a while; meanwhile what is left of the old token is used.
    fn wait(&self, held: Held, why: Why, intent: Intent) -> Result<Credential, NoCredential> {
        let pause = FIRST_PAUSE.saturating_mul(1 << held.row.unclear.min(10)).min(LONGEST_PAUSE);
        let until = self.world.ports.clock.now() + pause;
        let statement = match intent {
            Intent::Concluded => {
                "UPDATE grant_record SET retry_at = ?, unclear = unclear + 1, refresh_begun = NULL WHERE id = 1"
            }
            Intent::Stands => "UPDATE grant_record SET retry_at = ?, unclear = unclear + 1 WHERE id = 1",
        };
        self.exec(statement, vec![until.into()])?;
        match why {
            Why::Due => self.use_what_is_left(held),
            Why::Refused => Err(NoCredential::CannotRenewNow),
        }
    }

    async fn renew(&self, held: Held, issued: Issued) -> Result<Credential, NoCredential> {
        let version = held.row.version + 1;
        let current = self.is_current(&held)?;
        let grant = held.grant.renewed(issued);
        if !current {
            // Whoever replaced the grant had its old token revoked, which this refresh has ended: these are left over.
            Revocation::of(&grant).attempt(&self.world).await;
            return self.held().await.map(Held::into_credential);
        }
        self.write(&self.keys()?, &grant, version).map_err(|error| self.storage(error))?;
        self.world.ports.log.log(Level::Info, "grant_refreshed", &[]);
        self.copy().await;
        Ok(Credential::Granted { grant: Box::new(grant), version })
    }

    /// Whether the grant is still the one that the refresh began with: while a call is out its person may reconnect, and
    /// then the newer grant stands.
    fn is_current(&self, held: &Held) -> Result<bool, NoCredential> {
        let current = self.row().map_err(|error| self.storage(error))?.map_or(0, |row| row.version);
        Ok(current == held.row.version)
    }

    async fn end(&self, held: &Held) -> Result<Credential, NoCredential> {
        if !self.is_current(held)? {
            return self.held().await.map(Held::into_credential);
        }
        self.forget(true).map_err(|error| self.storage(error))?;
        self.copy().await;
        Err(NoCredential::Ended)
    }

    fn use_what_is_left(&self, held: Held) -> Result<Credential, NoCredential> {
        if self.has_life(&held.grant) { Ok(held.into_credential()) } else { Err(NoCredential::CannotRenewNow) }
    }

    fn is_fresh(&self, held: &Held) -> bool {
        let now = self.world.ports.clock.now();
        !held.row.refresh_begun && held.grant.expires_at.is_none_or(|at| at > now + REFRESH_BEFORE)
    }

    fn has_life(&self, grant: &Grant) -> bool {
        grant.expires_at.is_none_or(|at| at > self.world.ports.clock.now())
    }

    // ---- Storage. ----

    async fn held(&self) -> Result<Held, NoCredential> {
        let keys = self.keys()?;
        let row = match self.row().map_err(|error| self.storage(error))? {
            Some(row) => row,
            None => self.adopt_copy(&keys).await?,
        };
        self.opened(&keys, row)
    }

    fn opened(&self, keys: &KeyRing, row: Row) -> Result<Held, NoCredential> {
        if row.ended {
            return Err(NoCredential::Ended);
        }
        let grant = match &row.sealed {
            Some(sealed) => self.open(keys, Some(sealed)).ok_or(NoCredential::Ended)?,
            None => return Err(NoCredential::NotConnected),
        };
        // A malformed SENTRY_HOST says nothing about the grant: it must not end what its operator is about to mend.
        let host = self.world.config.sentry_host.as_ref().map_err(|problem| *problem)?;
        // P7: after SENTRY_HOST has changed, the old host's token is not sent to the new one.
        if host.origin().as_str() == grant.origin { Ok(Held { grant, row }) } else { Err(NoCredential::Ended) }
    }

    /// An object without a row of its own takes over the copy in KV.
    async fn adopt_copy(&self, keys: &KeyRing) -> Result<Row, NoCredential> {
        let copy = self.world.kv.get(&self.record).await.map_err(|error| self.storage(error))?;
        // Others may have written while KV was read: what is here wins.
        if let Some(row) = self.row().map_err(|error| self.storage(error))? {
            return Ok(row);
        }
        let sealed = copy.filter(|bytes| self.open(keys, Some(bytes)).is_some()).ok_or(NoCredential::NotConnected)?;
        self.exec("INSERT INTO grant_record (id, version, sealed, copied) VALUES (1, 1, ?, 1)", vec![sealed.into()])?;
        self.row().map_err(|error| self.storage(error))?.ok_or(NoCredential::NotConnected)
    }

    fn row(&self) -> Result<Option<Row>, StorageError> {
        let rows = self.sql.exec(
            "SELECT version, sealed, ended, refresh_begun, unclear, retry_at FROM grant_record WHERE id = 1",
            vec![],
        )?;
        Ok(rows.first().map(|row| Row {
            version: row.integer(0).unwrap_or(0),
            sealed: row.blob(1).map(<[u8]>::to_vec),
            ended: row.integer(2) == Some(1),
            refresh_begun: row.integer(3).is_some(),
            unclear: row.integer(4).and_then(|it| u32::try_from(it).ok()).unwrap_or(0),
            retry_at: row.timestamp(5),
        }))
    }

    fn write(&self, keys: &KeyRing, grant: &Grant, version: i64) -> Result<(), StorageError> {
        let sealed = keys.seal(Purpose::Grant, &self.record, &GrantRecord::from(grant), &*self.world.ports.random);
        self.sql
            .exec(
                "INSERT INTO grant_record (id, version, sealed) VALUES (1, ?1, ?2)
                 ON CONFLICT (id) DO UPDATE SET version = ?1, sealed = ?2, ended = 0,
                    refresh_begun = NULL, unclear = 0, retry_at = NULL",
                vec![version.into(), sealed.0.into()],
            )
            .map(drop)
    }

    fn forget(&self, ended: bool) -> Result<(), StorageError> {
        self.opened.replace(None);
        self.sql
            .exec(
                "INSERT INTO grant_record (id, version, sealed, ended) VALUES (1, 1, NULL, ?1)
                 ON CONFLICT (id) DO UPDATE SET version = version + 1, sealed = NULL, ended = ?1,
                    refresh_begun = NULL, unclear = 0, retry_at = NULL",
                vec![ended.into()],
            )
            .map(drop)
    }

    fn copy_state(&self) -> Result<Option<CopyState>, StorageError> {
        let rows = self.sql.exec("SELECT version, sealed, copied FROM grant_record WHERE id = 1", vec![])?;
        Ok(rows.first().map(|row| CopyState {
            version: row.integer(0).unwrap_or(0),
            sealed: row.blob(1).map(<[u8]>::to_vec),
            copied: row.integer(2).unwrap_or(0),
        }))
    }

    fn copy_ttl(&self, sealed: &[u8]) -> Duration {
        let expires_at = self.keys().ok().and_then(|keys| self.open(&keys, Some(sealed))).and_then(|it| it.expires_at);
        expires_at.map_or(COPY_WITHOUT_EXPIRY, |at| at.since(self.world.ports.clock.now()) + COPY_OUTLIVES)
    }

    fn open(&self, keys: &KeyRing, sealed: Option<&[u8]>) -> Option<Grant> {
        let sealed = sealed?;
        if let Some((_, grant)) = self.opened.borrow().as_ref().filter(|(known, _)| known == sealed) {
            return Some(grant.clone());
        }
        let record: GrantRecord = keys.open(Purpose::Grant, &self.record, sealed).ok()?;
        let grant = Grant::from(record);
        self.opened.replace(Some((sealed.to_vec(), grant.clone())));
        Some(grant)
    }

    fn exec(&self, statement: &str, parameters: Vec<Value>) -> Result<(), NoCredential> {
        self.sql.exec(statement, parameters).map(drop).map_err(|error| self.storage(error))
    }

    fn keys(&self) -> Result<KeyRing, NoCredential> {
        Ok(KeyRing::new(self.world.config.root_secrets.clone()?))
    }

    fn storage(&self, error: StorageError) -> NoCredential {
        self.world.ports.log.log(Level::Error, "grant_storage_failed", &[("error", &error.0)]);
        NoCredential::Storage
    }
}

/// What KV has, and what it is to have.
struct CopyState {
    version: i64,
    sealed: Option<Vec<u8>>,
    copied: i64,
}

impl Held {
    fn into_credential(self) -> Credential {
        Credential::Granted { version: self.row.version, grant: Box::new(self.grant) }
    }
}

/// Why a refresh is made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Why {
    /// Little life is left.
    Due,
    /// Sentry refused the token: what is left of its life is worth nothing.
    Refused,
}

/// What became of a refresh without a reply.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// The old token lives: the refresh was never made.
    NeverHappened,
    /// The old token had life left and is dead: the refresh was made, and the new tokens are lost.
    ReplyLost,
    /// The old token was dead anyway, so it does not tell; the next refresh will.
    Untold,
    /// Sentry could not say.
    Unknown,
}

impl Fate {
    fn name(self) -> &'static str {
        match self {
            Fate::NeverHappened => "never_happened",
            Fate::ReplyLost => "reply_lost",
            Fate::Untold => "untold",
            Fate::Unknown => "unknown",
        }
    }
}

/// What becomes of the recorded intent while waiting.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Intent {
    /// The call is known not to have had an effect.
    Concluded,
    /// It may have had one: ask again before the next call.
    Stands,
}
