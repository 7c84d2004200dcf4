//! The Session object: one MCP client's authorization.
//!
//! **What it guards.** That a code is redeemed once and a refresh token has one successor (P16), that a revocation holds
//! from the next request on, and that the session's Sentry grant has one writer (P2, P3).
//!
//! **What it answers.** The calls of [`super::calls`], and its alarm. Each call about codes and tokens reads, decides and
//! writes in one synchronous stretch, with no await between the first read and the last write: nothing else of the object
//! runs in between, so of 20 redemptions one is the first, and a refresh comes either before a revocation, whose end it
//! then shares, or after it, and is refused. Only giving out a Sentry credential awaits, in the vault; afterwards the
//! session is read again, so that one that was revoked meanwhile gets none.
//!
//! **Its states.** `begun` (the person approved and is at Sentry) → `taken` (Sentry sent them back) → `open` (the grant is
//! here, code or tokens are out) → `ended`. Each step is taken once. Ending is one write, after which no token works; the
//! alarm then takes the grant away, revokes it at Sentry, and forgets the session a day later.
//!
//! [`super::family`] tells the protocol of codes and tokens, [`super::sweep`] that of ending, [`super::account`] how its person
//! sees and ends it.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::calls::{
    Access, Authenticate, Authenticated, Begin, Conclude, Concluded, CredentialNeed, EndFor, Redeem, Refresh, Revoke,
    Take, Taken, View,
};
use super::store::{Live, State, Store};
use super::tokens::{Kind, SessionId, Token};
use crate::accounts::object_name;
use crate::config::Problem;
use crate::crypto::{KeyRing, Purpose, Sealed, random_bytes, sha256};
use crate::grants::record::{Grant, GrantRecord};
use crate::grants::vault::Vault;
use crate::grants::{Credential, NoCredential};
use crate::ports::{Alarm, Call, Level, Sql, StorageError, Timestamp};
use crate::world::World;

/// How long a code works (RFC 6749 §4.1.2 recommends 10 minutes at most).
pub const CODE_LIFE: Duration = Duration::from_secs(10 * 60);
/// How long a session lives that nobody refreshes: each refresh and each first use of a new pair begins it anew.
pub const IDLE_LIFE: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How long a session lives whose first tokens nobody uses: their client never got them, and nobody can end it.
pub const UNUSED_LIFE: Duration = Duration::from_secs(24 * 60 * 60);
/// When a session was used is written so often at most: authenticating a request is to cost no write.
const USE_IS_NOTED_EVERY: Duration = Duration::from_secs(10 * 60);
/// How long an ended session is known, so that a late answer of Sentry's finds it ended rather than unknown.
pub(super) const REMEMBER: Duration = Duration::from_secs(24 * 60 * 60);

/// Why a call was not answered. The text is for the log.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
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

/// Whether others may have run between asking for a credential and having it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Awaited {
    No,
    Perhaps,
}

/// One session.
pub struct Session {
    pub(super) id: SessionId,
    pub(super) world: World,
    pub(super) alarm: Rc<dyn Alarm>,
    pub(super) store: Store,
    pub(super) vault: Vault,
    pub(super) sweeping: futures::lock::Mutex<()>,
    /// The credential as it was last given out, with the version of the vault that it is of.
    handed_out: RefCell<Option<(i64, Sealed)>>,
}

impl Session {
    /// The object `name` over its own storage.
    ///
    /// # Errors
    /// When the name is not a session's, or the storage fails.
    pub fn new(name: &str, world: World, sql: Rc<dyn Sql>, alarm: Rc<dyn Alarm>) -> Result<Session, SessionError> {
        Ok(Session {
            id: SessionId::from_object_name(name).ok_or(SessionError::BadCall)?,
            store: Store::new(Rc::clone(&sql))?,
            vault: Vault::new(world.clone(), sql, name)?,
            world,
            alarm,
            sweeping: futures::lock::Mutex::new(()),
            handed_out: RefCell::default(),
        })
    }

    /// Answers the call on `path`.
    ///
    /// # Errors
    /// [`SessionError`]; the caller sees that the object failed, and nothing of why.
    pub async fn handle(&self, path: &str, body: &[u8]) -> Result<Vec<u8>, SessionError> {
        match path {
            Begin::PATH => self.begin(&read(body)?).await.and_then(reply),
            Take::PATH => self.take().and_then(reply),
            Conclude::PATH => self.conclude(&read(body)?).await.and_then(reply),
            Redeem::PATH => self.redeem(&read(body)?).await.and_then(reply),
            Refresh::PATH => self.refresh(&read(body)?).await.and_then(reply),
            Revoke::PATH => self.revoke(&read(body)?).await.and_then(reply),
            EndFor::PATH => self.end_for(&read(body)?).await.and_then(reply),
            View::PATH => self.view(&read(body)?).and_then(reply),
            Authenticate::PATH => self.authenticate(&read(body)?).await.and_then(reply),
            _ => Err(SessionError::BadCall),
        }
    }

    // ---- Consent ----

    async fn begin(&self, begin: &Begin) -> Result<bool, SessionError> {
        let begun = self.store.begin(begin, self.now())?;
        self.alarm.set(begin.expires_at).await?;
        Ok(begun)
    }

    fn take(&self) -> Result<Taken, SessionError> {
        let Some(row) = self.store.session()? else { return Ok(Taken::Unknown) };
        if row.state != State::Begun {
            return Ok(Taken::Used);
        }
        if row.expires_at <= self.now() {
            return Ok(Taken::Expired);
        }
        self.store.set_state(State::Taken)?;
        Ok(Taken::Yes { terms: Box::new(row.terms), state: row.client_state })
    }

    /// Stores the grant and makes the code, in one transaction; or notes that the grant is to be revoked.
    async fn conclude(&self, call: &Conclude) -> Result<Concluded, SessionError> {
        let now = self.now();
        let keys = self.keys()?;
        let name = self.id.object_name();
        let opened = keys.open::<GrantRecord>(Purpose::PendingGrant, &name, &call.sealed_grant);
        let grant: Grant = opened.map_err(|_| SessionError::BadCall)?.into();
        let row = self.store.session()?;
        let in_time = row.as_ref().is_some_and(|row| row.state == State::Taken && row.expires_at > now);
        if !in_time || !call.keep {
            // A session that this consent opened before stays as it is: it has this grant.
            if row.is_some_and(|row| row.state != State::Open && row.revocation.is_none()) {
                let sealed = self.seal_revocation(&grant)?;
                self.store.transaction(&mut || {
                    self.store.end(now + REMEMBER)?;
                    self.store.set_revocation(Some(sealed.clone()))
                })?;
                self.alarm.set(now).await?;
            }
            return Ok(if call.keep { Concluded::TooLate } else { Concluded::Discarded });
        }
        let code = Token::new(Kind::Code, self.id, &*self.world.ports.random);
        let salt = random_bytes::<32>(&*self.world.ports.random);
        self.store.transaction(&mut || {
            self.vault.store(&grant).map_err(|error| StorageError(error.to_string()))?;
            self.store.open(&code.hash(), &salt, now + CODE_LIFE)?;
            self.store.join(&object_name(&keys, &grant.origin, &grant.account.id), now)
        })?;
        self.wake().await?;
        self.vault.copy().await;
        self.log(Level::Info, "session_opened", &[]);
        Ok(Concluded::Code(code.to_text(&keys)))
    }

    // ---- The MCP door ----

    async fn authenticate(&self, call: &Authenticate) -> Result<Authenticated, SessionError> {
        let Some(live) = self.store.live(&call.token, self.now())? else { return Ok(Authenticated::Refused) };
        let Live { terms, access, .. } = &live;
        if call.resource.origin != terms.origin || !access.limit.contains(&call.resource.limit) {
            return Ok(Authenticated::OtherResource);
        }
        if !live.in_use && access.generation == live.generation {
            let now = self.now();
            let expires_at = if terms.may_refresh { now + IDLE_LIFE } else { access.expires_at };
            self.store.in_use(expires_at, now)?;
        } else if live.used_at.is_none_or(|at| self.now().since(at) >= USE_IS_NOTED_EVERY) {
            self.store.used(self.now())?;
        }
        let newest = access.generation == live.generation;
        if newest && live.place.as_ref().is_some_and(|place| *place != self.place(&call.address)) && !live.elsewhere {
            self.store.used_elsewhere()?;
        }
        let credential = match self.credential(call.credential).await {
            // The vault may have awaited Sentry: whoever was revoked meanwhile gets nothing.
            (_, Awaited::Perhaps) if !self.store.is_live(&call.token, self.now())? => {
                return Ok(Authenticated::Refused);
            }
            (Ok(credential), _) => credential.map(|it| self.seal_credential(&it)).transpose()?,
            (Err(NoCredential::NotConnected | NoCredential::Ended), _) => {
                self.end().await?;
                return Ok(Authenticated::Refused);
            }
            (Err(NoCredential::CannotRenewNow), _) => return Ok(Authenticated::TryLater),
            (Err(NoCredential::Configuration(problem)), _) => return Err(problem.into()),
            (Err(NoCredential::Storage), _) => return Err(StorageError("the vault failed".to_owned()).into()),
        };
        Ok(Authenticated::Yes(Access {
            skills: live.terms.skills.clone(),
            scopes: live.access.scopes,
            limit: call.resource.limit.clone(),
            client_name: live.terms.client_name,
            credential,
        }))
    }

    async fn credential(&self, need: CredentialNeed) -> (Result<Option<Credential>, NoCredential>, Awaited) {
        match need {
            CredentialNeed::No => (Ok(None), Awaited::No),
            CredentialNeed::Perhaps => (Ok(self.vault.at_hand().ok().flatten()), Awaited::No),
            CredentialNeed::Yes => match self.vault.at_hand() {
                Ok(None) => (self.vault.credential().await.map(Some), Awaited::Perhaps),
                at_hand => (at_hand, Awaited::No),
            },
            CredentialNeed::Own => (self.vault.own_credential().await.map(Some), Awaited::Perhaps),
            CredentialNeed::Rejected(version) => (self.vault.rejected(version).await.map(Some), Awaited::Perhaps),
        }
    }

    fn seal_credential(&self, credential: &Credential) -> Result<Sealed, SessionError> {
        let version = match credential {
            Credential::Environment(_) => None,
            Credential::Granted { version, .. } => Some(*version),
        };
        // What was sealed for one request does for the next: it opens for this session's door alone, and nobody else sees it.
        let known = self.handed_out.borrow().clone().filter(|(known, _)| Some(*known) == version);
        if let Some((_, sealed)) = known {
            return Ok(sealed);
        }
        let record = match credential {
            Credential::Environment(_) => CredentialRecord::Environment,
            Credential::Granted { grant, version } => {
                CredentialRecord::Granted { grant: GrantRecord::from(&**grant), version: *version }
            }
        };
        let sealed =
            self.keys()?.seal(Purpose::Session, &credential_record(&self.id), &record, &*self.world.ports.random);
        self.handed_out.replace(version.map(|version| (version, sealed.clone())));
        Ok(sealed)
    }

    // ---- What all parts use ----

    /// A network address as it is stored: told apart from others, and not written down.
    pub(super) fn place(&self, address: &str) -> Vec<u8> {
        let hash = sha256(format!("vedette/v1/place/{}/{address}", self.id.object_name()).as_bytes());
        hash.into_iter().take(16).collect()
    }

    pub(super) fn now(&self) -> Timestamp {
        self.world.ports.clock.now()
    }

    pub(super) fn keys(&self) -> Result<KeyRing, Problem> {
        Ok(KeyRing::new(self.world.config.root_secrets.clone()?))
    }

    pub(super) fn log(&self, level: Level, event: &str, fields: &[(&str, &str)]) {
        self.world.ports.log.log(level, event, fields);
    }
}

/// A credential on its way from the object to the door: sealed, so that no token stands in the plain text of a call.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum CredentialRecord {
    Environment,
    Granted { grant: GrantRecord, version: i64 },
}

fn credential_record(session: &SessionId) -> String {
    format!("credential:{}", session.object_name())
}

/// Opens what [`Access::credential`] carries.
pub fn open_credential(world: &World, session: &SessionId, sealed: &Sealed) -> Option<Credential> {
    let keys = KeyRing::new(world.config.root_secrets.clone().ok()?);
    match keys.open(Purpose::Session, &credential_record(session), &sealed.0).ok()? {
        CredentialRecord::Environment => world.config.environment_token.clone().map(Credential::Environment),
        CredentialRecord::Granted { grant, version } => {
            Some(Credential::Granted { grant: Box::new(grant.into()), version })
        }
    }
}

fn read<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, SessionError> {
    serde_json::from_slice(body).map_err(|_| SessionError::BadCall)
}

fn reply<T: Serialize>(value: T) -> Result<Vec<u8>, SessionError> {
    serde_json::to_vec(&value).map_err(|_| SessionError::BadCall)
}
