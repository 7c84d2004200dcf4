//! What an Account object keeps in its SQLite. `docs/storage.md` describes it.

use std::rc::Rc;

use super::calls::Entry;
use crate::ports::{Row, Sql, StorageError, Timestamp, Value};
use crate::sessions::calls::Listed;

const SCHEMA: [&str; 3] = [
    "CREATE TABLE IF NOT EXISTS sessions (
        name TEXT PRIMARY KEY,
        listed TEXT NOT NULL,
        opened_at INTEGER NOT NULL
    )",
    "CREATE TABLE IF NOT EXISTS ended_all (id INTEGER PRIMARY KEY CHECK (id = 1), at INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS outbox (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        sealed BLOB NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0,
        due_at INTEGER NOT NULL
    )",
];

/// A token to revoke.
pub(super) struct OutboxRow {
    pub id: i64,
    pub sealed: Vec<u8>,
    pub attempts: u32,
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

    // ---- The index ----

    /// Adds a session, or says anew what it is.
    pub fn add(&self, session: &str, listed: &Listed) -> Result<(), StorageError> {
        let json = serde_json::to_string(listed).map_err(|error| StorageError(error.to_string()))?;
        self.exec(
            "INSERT INTO sessions (name, listed, opened_at) VALUES (?1, ?2, ?3)
             ON CONFLICT (name) DO UPDATE SET listed = ?2, opened_at = ?3",
            vec![session.into(), json.into(), listed.opened_at.into()],
        )
    }

    /// Takes a session out.
    pub fn remove(&self, session: &str) -> Result<(), StorageError> {
        self.exec("DELETE FROM sessions WHERE name = ?", vec![session.into()])
    }

    /// All of them, the newest first.
    pub fn all(&self) -> Result<Vec<Entry>, StorageError> {
        let rows = self.sql.exec("SELECT name, listed FROM sessions ORDER BY opened_at DESC, name", vec![])?;
        Ok(rows.iter().filter_map(entry).collect())
    }

    /// One of them.
    pub fn get(&self, session: &str) -> Result<Option<Entry>, StorageError> {
        let rows = self.sql.exec("SELECT name, listed FROM sessions WHERE name = ?", vec![session.into()])?;
        Ok(rows.first().and_then(entry))
    }

    /// How many there are.
    pub fn count(&self) -> Result<usize, StorageError> {
        let rows = self.sql.exec("SELECT count(*) FROM sessions", vec![])?;
        Ok(rows.first().and_then(|row| usize::try_from(row.integer(0)?).ok()).unwrap_or(0))
    }

    /// When all of them were ended last.
    pub fn ended_all_at(&self) -> Result<Option<Timestamp>, StorageError> {
        let rows = self.sql.exec("SELECT at FROM ended_all WHERE id = 1", vec![])?;
        Ok(rows.first().and_then(|row| row.timestamp(0)))
    }

    /// All of them are to end that were opened until now.
    pub fn end_all(&self, now: Timestamp) -> Result<(), StorageError> {
        self.exec(
            "INSERT INTO ended_all (id, at) VALUES (1, ?1) ON CONFLICT (id) DO UPDATE SET at = max(at, ?1)",
            vec![now.into()],
        )
    }

    // ---- Outbox ----

    /// Notes a token to revoke, sealed.
    pub fn insert_outbox(&self, sealed: &[u8], now: Timestamp) -> Result<(), StorageError> {
        self.exec("INSERT INTO outbox (sealed, due_at) VALUES (?, ?)", vec![sealed.to_vec().into(), now.into()])
    }

    /// The next that is due.
    pub fn due_outbox(&self, now: Timestamp) -> Result<Option<OutboxRow>, StorageError> {
        let rows = self.sql.exec(
            "SELECT id, sealed, attempts FROM outbox WHERE due_at <= ? ORDER BY due_at, id LIMIT 1",
            vec![now.into()],
        )?;
        Ok(rows.first().and_then(|row| {
            Some(OutboxRow {
                id: row.integer(0)?,
                sealed: row.blob(1)?.to_vec(),
                attempts: row.integer(2).and_then(|it| u32::try_from(it).ok()).unwrap_or(0),
            })
        }))
    }

    /// It is done, or given up.
    pub fn delete_outbox(&self, id: i64) -> Result<(), StorageError> {
        self.exec("DELETE FROM outbox WHERE id = ?", vec![id.into()])
    }

    /// Tries it again at `due_at`.
    pub fn outbox_later(&self, id: i64, due_at: Timestamp) -> Result<(), StorageError> {
        self.exec("UPDATE outbox SET attempts = attempts + 1, due_at = ? WHERE id = ?", vec![due_at.into(), id.into()])
    }

    /// When the next is due.
    pub fn next_due(&self) -> Result<Option<Timestamp>, StorageError> {
        let rows = self.sql.exec("SELECT min(due_at) FROM outbox", vec![])?;
        Ok(rows.first().and_then(|row| row.timestamp(0)))
    }

    fn exec(&self, statement: &str, parameters: Vec<Value>) -> Result<(), StorageError> {
        self.sql.exec(statement, parameters).map(drop)
    }
}

fn entry(row: &Row) -> Option<Entry> {
    Some(Entry { session: row.text(0)?.to_owned(), listed: serde_json::from_str(row.text(1)?).ok()? })
}
