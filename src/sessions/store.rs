//! What a Session object keeps in its SQLite, apart from the grant (which is the vault's). `docs/storage.md` describes it.
//!
//! Only this file knows the tables. Every method is one synchronous stretch, and atomic with what its caller does around it
//! without awaiting.

use std::rc::Rc;

use super::calls::Begin;
use super::terms::{Limit, Terms};
use crate::ports::{Row, Sql, StorageError, Timestamp, Value};

/// How many generations of access tokens work at a time: a client that refreshes without end does not fill the storage.
const GENERATIONS: i64 = 50;
/// They are looked through at each such generation.
const SWEEP: i64 = 10;
/// How many access tokens of one pair are kept.
const VARIANTS: i64 = 20;

const SCHEMA: [&str; 4] = [
    "CREATE TABLE IF NOT EXISTS session (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        state TEXT NOT NULL,
        terms TEXT NOT NULL,
        client_state TEXT,
        expires_at INTEGER NOT NULL,
        code TEXT,
        redeemed_at INTEGER,
        salt BLOB,
        generation INTEGER NOT NULL DEFAULT 0,
        refresh TEXT,
        previous TEXT,
        rotated_at INTEGER,
        in_use INTEGER NOT NULL DEFAULT 0,
        created_at INTEGER NOT NULL,
        used_at INTEGER,
        revocation BLOB,
        attempts INTEGER NOT NULL DEFAULT 0,
        retry_at INTEGER
    )",
    "CREATE TABLE IF NOT EXISTS access (
        hash TEXT PRIMARY KEY,
        generation INTEGER NOT NULL,
        scopes TEXT NOT NULL,
        path TEXT NOT NULL,
        expires_at INTEGER NOT NULL,
        revoked INTEGER NOT NULL DEFAULT 0
    )",
    "CREATE TABLE IF NOT EXISTS membership (
        account TEXT PRIMARY KEY,
        opened_at INTEGER NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0,
        due_at INTEGER
    )",
    "CREATE TABLE IF NOT EXISTS newest_pair (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        generation INTEGER NOT NULL,
        place BLOB NOT NULL,
        elsewhere INTEGER NOT NULL DEFAULT 0
    )",
];

/// Where a session stands. Each step is taken once, and none leads back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// The person approved, and is at Sentry.
    Begun,
    /// Sentry sent them back.
    Taken,
    /// The grant is here, and the code or tokens are out.
    Open,
    /// Revoked, expired or refused: no token works. What is left is to be cleaned up.
    Ended,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            State::Begun => "begun",
            State::Taken => "taken",
            State::Open => "open",
            State::Ended => "ended",
        }
    }

    fn parse(name: &str) -> Option<State> {
        [Self::Begun, Self::Taken, Self::Open, Self::Ended].into_iter().find(|state| state.name() == name)
    }
}

/// The session.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub state: State,
    pub terms: Terms,
    pub client_state: Option<String>,
    /// When it ends unless something prolongs it; once ended, when the row goes.
    pub expires_at: Timestamp,
    /// The hash of the code.
    pub code: Option<String>,
    pub redeemed_at: Option<Timestamp>,
    /// What the successors of refresh tokens are derived with.
    pub salt: Option<[u8; 32]>,
    /// How many pairs of tokens have been issued; a repeated answer counts once.
    pub generation: i64,
    /// The hash of the newest refresh token.
    pub refresh: Option<String>,
    /// The hash of the refresh token that it replaced.
    pub previous: Option<String>,
    pub rotated_at: Option<Timestamp>,
    /// Whether an access token of the newest generation was used: its client has got the pair.
    pub in_use: bool,
    pub created_at: Timestamp,
    /// When a token was last issued or used; written now and then only.
    pub used_at: Option<Timestamp>,
    /// What is to be revoked at Sentry, sealed.
    pub revocation: Option<Vec<u8>>,
    pub attempts: u32,
    pub retry_at: Option<Timestamp>,
}

fn session(row: &Row) -> Option<Session> {
    let text = |index| row.text(index).map(str::to_owned);
    Some(Session {
        state: State::parse(row.text(0)?)?,
        terms: serde_json::from_str(row.text(1)?).ok()?,
        client_state: text(2),
        expires_at: row.timestamp(3)?,
        code: text(4),
        redeemed_at: row.timestamp(5),
        salt: row.blob(6).and_then(|bytes| bytes.try_into().ok()),
        generation: row.integer(7)?,
        refresh: text(8),
        previous: text(9),
        rotated_at: row.timestamp(10),
        in_use: row.integer(11) == Some(1),
        revocation: row.blob(12).map(<[u8]>::to_vec),
        attempts: row.integer(13).and_then(|it| u32::try_from(it).ok()).unwrap_or(0),
        retry_at: row.timestamp(14),
        created_at: row.timestamp(15)?,
        used_at: row.timestamp(16),
    })
}

fn unreadable() -> StorageError {
    StorageError("the session cannot be read".to_owned())
}

/// What is due, and when.
pub(super) struct Due {
    pub state: State,
    /// Whether something is to be revoked at Sentry, and from when on.
    pub revocation: bool,
    pub retry_at: Option<Timestamp>,
    pub expires_at: Timestamp,
    /// When the next access token runs out.
    pub access: Option<Timestamp>,
    /// When the next account is to be told.
    pub membership: Option<Timestamp>,
}

/// An access token.
#[derive(Clone, Debug)]
pub(super) struct AccessRow {
    pub hash: String,
    pub generation: i64,
    pub scopes: Vec<String>,
    pub limit: Limit,
    pub expires_at: Timestamp,
}

/// A session that is open, seen with one of its access tokens.
pub(super) struct Live {
    pub terms: Terms,
    /// Of the newest pair.
    pub generation: i64,
    pub in_use: bool,
    pub used_at: Option<Timestamp>,
    /// Where the newest pair was asked for.
    pub place: Option<Vec<u8>>,
    /// Whether it was asked for or used elsewhere as well.
    pub elsewhere: bool,
    pub access: AccessRow,
}

/// An account that lists the session, or is to.
#[derive(Clone, Debug)]
pub(super) struct Membership {
    /// The Account object's name.
    pub account: String,
    pub opened_at: Timestamp,
    pub attempts: u32,
}

/// A new pair of tokens.
pub(super) struct Pair<'a> {
    pub access: &'a AccessRow,
    /// The hash of the refresh token; `None` when the client may not refresh.
    pub refresh: Option<&'a str>,
    /// When the session ends unless it is prolonged.
    pub expires_at: Timestamp,
    /// Where it is asked for.
    pub place: &'a [u8],
}

pub(super) struct Store {
    sql: Rc<dyn Sql>,
}

impl Store {
    /// Opens the tables, making those that are missing.
    pub fn new(sql: Rc<dyn Sql>) -> Result<Store, StorageError> {
        for statement in SCHEMA {
            sql.exec(statement, vec![])?;
        }
        Ok(Store { sql })
    }

    /// Runs `work` entirely or not at all.
    pub fn transaction(&self, work: &mut dyn FnMut() -> Result<(), StorageError>) -> Result<(), StorageError> {
        self.sql.transaction(work)
    }

    /// The session, if it was ever begun. One that cannot be read is an error, not an absence.
    pub fn session(&self) -> Result<Option<Session>, StorageError> {
        let rows = self.sql.exec(
            "SELECT state, terms, client_state, expires_at, code, redeemed_at, salt, generation, refresh, previous,
                    rotated_at, in_use, revocation, attempts, retry_at, created_at, used_at
             FROM session WHERE id = 1",
            vec![],
        )?;
        rows.first().map(|row| session(row).ok_or_else(unreadable)).transpose()
    }

    /// Begins the session; returns whether there was none.
    pub fn begin(&self, begin: &Begin, now: Timestamp) -> Result<bool, StorageError> {
        let terms = serde_json::to_string(&begin.terms).map_err(|error| StorageError(error.to_string()))?;
        let rows = self.sql.exec(
            "INSERT INTO session (id, state, terms, client_state, expires_at, created_at)
             VALUES (1, 'begun', ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id",
            vec![terms.into(), begin.state.as_deref().into(), begin.expires_at.into(), now.into()],
        )?;
        Ok(!rows.is_empty())
    }

    /// Moves on to `state`.
    pub fn set_state(&self, state: State) -> Result<(), StorageError> {
        self.exec("UPDATE session SET state = ? WHERE id = 1", vec![state.name().into()])
    }

    /// The grant is here, and the code goes out.
    pub fn open(&self, code: &str, salt: &[u8; 32], expires_at: Timestamp) -> Result<(), StorageError> {
        self.exec(
            "UPDATE session SET state = 'open', code = ?, salt = ?, expires_at = ?, client_state = NULL WHERE id = 1",
            vec![code.into(), salt.to_vec().into(), expires_at.into()],
        )
    }

    /// The code is redeemed for the first pair.
    pub fn redeem(&self, pair: &Pair<'_>, now: Timestamp) -> Result<(), StorageError> {
        self.insert_access(pair.access)?;
        self.exec(
            "UPDATE session SET redeemed_at = ?1, generation = 1, refresh = ?2, rotated_at = ?1, used_at = ?1, in_use = 0,
                    expires_at = ?3 WHERE id = 1",
            vec![now.into(), pair.refresh.into(), pair.expires_at.into()],
        )
    }

    /// The newest refresh token is replaced.
    pub fn rotate(&self, pair: &Pair<'_>, now: Timestamp) -> Result<(), StorageError> {
        self.insert_access(pair.access)?;
        if pair.access.generation % SWEEP == 0 {
            let oldest = pair.access.generation.saturating_sub(GENERATIONS);
            self.exec("DELETE FROM access WHERE generation <= ?", vec![Value::Integer(oldest)])?;
        }
        self.exec(
            "UPDATE session SET generation = generation + 1, previous = refresh, refresh = ?2, rotated_at = ?1,
                    used_at = ?1, in_use = 0, expires_at = ?3 WHERE id = 1",
            vec![now.into(), pair.refresh.into(), pair.expires_at.into()],
        )?;
        self.exec(
            "INSERT INTO newest_pair (id, generation, place) VALUES (1, ?1, ?2)
             ON CONFLICT (id) DO UPDATE SET generation = ?1, place = ?2, elsewhere = 0",
            vec![Value::Integer(pair.access.generation), pair.place.to_vec().into()],
        )
    }

    /// Whether the pair of this generation was asked for and used at `place` alone; of one from before that was noted, it is not
    /// known to be.
    pub fn was_only_at(&self, place: &[u8], generation: i64) -> Result<bool, StorageError> {
        let rows = self.sql.exec(
            "SELECT place FROM newest_pair WHERE generation = ? AND elsewhere = 0",
            vec![Value::Integer(generation)],
        )?;
        Ok(rows.first().and_then(|row| row.blob(0)) == Some(place))
    }

    /// The newest pair is in use elsewhere than where it was asked for.
    pub fn used_elsewhere(&self) -> Result<(), StorageError> {
        self.exec("UPDATE newest_pair SET elsewhere = 1", vec![])
    }

    /// An access token for who repeats a refresh: the same again, or one that is narrowed in another way. Of one pair the newest
    /// [`VARIANTS`] are kept.
    pub fn repeat(&self, access: &AccessRow) -> Result<(), StorageError> {
        self.insert_access(access)?;
        self.exec(
            "DELETE FROM access WHERE generation = ?1 AND hash NOT IN
                 (SELECT hash FROM access WHERE generation = ?1 ORDER BY rowid DESC LIMIT ?2)",
            vec![Value::Integer(access.generation), Value::Integer(VARIANTS)],
        )
    }

    /// Adds an access token, or prolongs it. One that was revoked stays so.
    fn insert_access(&self, access: &AccessRow) -> Result<(), StorageError> {
        self.exec(
            "INSERT INTO access (hash, generation, scopes, path, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (hash) DO UPDATE SET expires_at = ?5 WHERE revoked = 0",
            vec![
                access.hash.as_str().into(),
                Value::Integer(access.generation),
                access.scopes.join(" ").into(),
                access.limit.path().into(),
                access.expires_at.into(),
            ],
        )
    }

    /// The access token with this hash, if it lives at `now` and the session is open. Every request at the MCP door asks this:
    /// one statement, which does not hold the time, so that its rows can be remembered.
    pub fn live(&self, hash: &str, now: Timestamp) -> Result<Option<Live>, StorageError> {
        let rows = self.sql.exec(
            "SELECT access.generation, scopes, path, access.expires_at, terms, session.generation, in_use, used_at, place, elsewhere
             FROM access JOIN session LEFT JOIN newest_pair ON newest_pair.generation = session.generation
             WHERE access.hash = ? AND revoked = 0 AND session.id = 1 AND state = 'open'",
            vec![hash.into()],
        )?;
        let live = |row: &Row| {
            let access = AccessRow {
                hash: hash.to_owned(),
                generation: row.integer(0)?,
                scopes: row.text(1)?.split_whitespace().map(str::to_owned).collect(),
                limit: Limit::from_path(row.text(2)?)?,
                expires_at: row.timestamp(3)?,
            };
            let terms = serde_json::from_str(row.text(4)?).ok()?;
            Some(Live {
                terms,
                generation: row.integer(5)?,
                in_use: row.integer(6) == Some(1),
                used_at: row.timestamp(7),
                place: row.blob(8).map(<[u8]>::to_vec),
                elsewhere: row.integer(9) == Some(1),
                access,
            })
        };
        let unreadable = || StorageError("the access token cannot be read".to_owned());
        let live = rows.first().map(|row| live(row).ok_or_else(unreadable)).transpose()?;
        Ok(live.filter(|live| live.access.expires_at > now))
    }

    /// Whether [`Store::live`] would find something.
    pub fn is_live(&self, hash: &str, now: Timestamp) -> Result<bool, StorageError> {
        Ok(self.live(hash, now)?.is_some())
    }

    /// Revokes one access token. Its row stays until `forget_at`: whoever repeats the refresh that it came of gets the same
    /// token, which must not live again.
    pub fn revoke_access(&self, hash: &str, forget_at: Timestamp) -> Result<(), StorageError> {
        self.exec("UPDATE access SET revoked = 1, expires_at = ? WHERE hash = ?", vec![forget_at.into(), hash.into()])
    }

    /// An access token of the newest generation was used.
    pub fn in_use(&self, expires_at: Timestamp, now: Timestamp) -> Result<(), StorageError> {
        self.exec(
            "UPDATE session SET in_use = 1, expires_at = ?, used_at = ? WHERE id = 1",
            vec![expires_at.into(), now.into()],
        )
    }

    /// A token was used.
    pub fn used(&self, now: Timestamp) -> Result<(), StorageError> {
        self.exec("UPDATE session SET used_at = ? WHERE id = 1", vec![now.into()])
    }

    /// Ends the session and every token of it; its accounts are to be told.
    pub fn end(&self, forget_at: Timestamp) -> Result<(), StorageError> {
        self.exec("DELETE FROM access", vec![])?;
        self.exec("DELETE FROM newest_pair", vec![])?;
        self.exec("UPDATE membership SET due_at = 0, attempts = 0", vec![])?;
        self.exec(
            "UPDATE session SET state = 'ended', expires_at = ?, client_state = NULL, refresh = NULL, previous = NULL,
                    salt = NULL WHERE id = 1",
            vec![forget_at.into()],
        )
    }

    // ---- Accounts ----

    /// The session is of `account`, which is to be told. Nothing changes when that was known.
    pub fn join(&self, account: &str, opened_at: Timestamp) -> Result<(), StorageError> {
        self.exec(
            "INSERT INTO membership (account, opened_at, due_at) VALUES (?, ?, 0) ON CONFLICT DO NOTHING",
            vec![account.into(), opened_at.into()],
        )
    }

    /// When the session was opened, if it is of `account`.
    pub fn member(&self, account: &str) -> Result<Option<Timestamp>, StorageError> {
        let rows = self.sql.exec("SELECT opened_at FROM membership WHERE account = ?", vec![account.into()])?;
        Ok(rows.first().and_then(|row| row.timestamp(0)))
    }

    /// An account that is to be told now how the session stands.
    pub fn due_membership(&self, now: Timestamp) -> Result<Option<Membership>, StorageError> {
        let rows = self.sql.exec(
            "SELECT account, opened_at, attempts FROM membership WHERE due_at <= ? ORDER BY due_at LIMIT 1",
            vec![now.into()],
        )?;
        Ok(rows.first().and_then(|row| {
            Some(Membership {
                account: row.text(0)?.to_owned(),
                opened_at: row.timestamp(1)?,
                attempts: row.integer(2).and_then(|it| u32::try_from(it).ok()).unwrap_or(0),
            })
        }))
    }

    /// The account knows that the session is open; unless that has ended meanwhile, there is no more to tell.
    pub fn told(&self, account: &str) -> Result<(), StorageError> {
        self.exec(
            "UPDATE membership SET due_at = NULL, attempts = 0
             WHERE account = ? AND EXISTS (SELECT 1 FROM session WHERE state = 'open')",
            vec![account.into()],
        )
    }

    /// The account knows that the session has ended, or was never heard.
    pub fn leave(&self, account: &str) -> Result<(), StorageError> {
        self.exec("DELETE FROM membership WHERE account = ?", vec![account.into()])
    }

    /// Tells the account at `at`.
    pub fn tell_later(&self, account: &str, at: Timestamp) -> Result<(), StorageError> {
        self.exec(
            "UPDATE membership SET attempts = attempts + 1, due_at = ? WHERE account = ?",
            vec![at.into(), account.into()],
        )
    }

    /// When the next account is to be told something.
    pub fn next_membership_due(&self) -> Result<Option<Timestamp>, StorageError> {
        let rows = self.sql.exec("SELECT min(due_at) FROM membership", vec![])?;
        Ok(rows.first().and_then(|row| row.timestamp(0)))
    }

    // ---- Cleaning up ----

    /// Deletes what has run out.
    pub fn delete_expired_access(&self, now: Timestamp) -> Result<(), StorageError> {
        self.exec("DELETE FROM access WHERE expires_at <= ?", vec![now.into()])
    }

    /// What the alarm is set by; `None`: there is no session. One statement: it is asked after each change.
    pub fn due(&self) -> Result<Option<Due>, StorageError> {
        let rows = self.sql.exec(
            "SELECT state, revocation IS NOT NULL, retry_at, expires_at, (SELECT min(expires_at) FROM access),
                    (SELECT min(due_at) FROM membership)
             FROM session WHERE id = 1",
            vec![],
        )?;
        let due = |row: &Row| {
            Some(Due {
                state: State::parse(row.text(0)?)?,
                revocation: row.integer(1) == Some(1),
                retry_at: row.timestamp(2),
                expires_at: row.timestamp(3)?,
                access: row.timestamp(4),
                membership: row.timestamp(5),
            })
        };
        rows.first().map(|row| due(row).ok_or_else(unreadable)).transpose()
    }

    /// Notes what is to be revoked at Sentry; `None`: it is done.
    pub fn set_revocation(&self, sealed: Option<Vec<u8>>) -> Result<(), StorageError> {
        self.exec("UPDATE session SET revocation = ?, attempts = 0, retry_at = NULL WHERE id = 1", vec![sealed.into()])
    }

    /// Tries the revocation again at `at`.
    pub fn revocation_later(&self, at: Timestamp) -> Result<(), StorageError> {
        self.exec("UPDATE session SET attempts = attempts + 1, retry_at = ? WHERE id = 1", vec![at.into()])
    }

    /// Forgets that there was a session.
    pub fn forget(&self) -> Result<(), StorageError> {
        self.exec("DELETE FROM session", vec![])
    }

    /// Deletes the object.
    pub async fn delete_all(&self) -> Result<(), StorageError> {
        self.sql.delete_all().await
    }

    fn exec(&self, statement: &str, parameters: Vec<Value>) -> Result<(), StorageError> {
        self.sql.exec(statement, parameters).map(drop)
    }
}
