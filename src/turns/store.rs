//! What a Person object keeps in its SQLite, apart from the grant (which is the vault's). `docs/storage.md` describes it.
//!
//! Only this file knows the tables. Every method is one synchronous stretch, so whatever it reads and writes together is
//! atomic with respect to everything else that the object does.

use std::rc::Rc;
use std::time::Duration;

use serde::{Serialize, de::DeserializeOwned};

use super::decision::Decision;
use super::request::TurnRequest;
use crate::ports::{Row, Sql, StorageError, Timestamp, Value};
use crate::slack::blocks::Message;
use vedette_commands::Target;

/// How many requests of one person may be unfinished, and how many more may wait for consent (P10).
pub const INBOX: usize = 20;
/// How long an ended turn's key is kept, against late retries of its event: Slack's last one comes after 6 minutes.
pub const REMEMBER: Duration = Duration::from_secs(24 * 60 * 60);

const SCHEMA: [&str; 5] = [
    "CREATE TABLE IF NOT EXISTS turns (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        key TEXT NOT NULL UNIQUE,
        state TEXT NOT NULL,
        request TEXT NOT NULL,
        response_url BLOB,
        target TEXT,
        placeholder TEXT,
        posting INTEGER NOT NULL DEFAULT 0,
        message TEXT,
        waits INTEGER NOT NULL DEFAULT 0,
        attempts INTEGER NOT NULL DEFAULT 0,
        due_at INTEGER NOT NULL,
        deadline_at INTEGER,
        ended_at INTEGER
    )",
    "CREATE INDEX IF NOT EXISTS turns_by_state ON turns (state, id)",
    "CREATE TABLE IF NOT EXISTS tickets (
        hash TEXT PRIMARY KEY,
        sealed_id BLOB NOT NULL,
        state TEXT NOT NULL,
        expires_at INTEGER NOT NULL,
        link_channel TEXT,
        link_thread TEXT,
        link_ts TEXT,
        link_response_url BLOB
    )",
    "CREATE TABLE IF NOT EXISTS consents (
        hash TEXT PRIMARY KEY,
        ticket TEXT NOT NULL,
        state TEXT NOT NULL,
        expires_at INTEGER NOT NULL
    )",
    "CREATE TABLE IF NOT EXISTS outbox (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        kind TEXT NOT NULL,
        sealed BLOB NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0,
        due_at INTEGER NOT NULL
    )",
];

const MEMORY: &str = "CREATE TABLE IF NOT EXISTS memory (name TEXT PRIMARY KEY, value TEXT NOT NULL)";

/// Where a turn stands. `docs/architecture.md` draws the transitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnState {
    /// In the inbox.
    Queued,
    /// Begun.
    Running,
    /// Blocked until its person consents.
    Waiting,
    /// Its message is decided and stored; it remains to be shown.
    Delivering,
    /// Its message is shown.
    Done,
    /// Its message could not be shown.
    Failed,
}

impl TurnState {
    fn name(self) -> &'static str {
        match self {
            TurnState::Queued => "queued",
            TurnState::Running => "running",
            TurnState::Waiting => "waiting",
            TurnState::Delivering => "delivering",
            TurnState::Done => "done",
            TurnState::Failed => "failed",
        }
    }

    fn parse(name: &str) -> Option<TurnState> {
        [Self::Queued, Self::Running, Self::Waiting, Self::Delivering, Self::Done, Self::Failed]
            .into_iter()
            .find(|state| state.name() == name)
    }
}

/// What is known of a request that came before.
#[derive(Clone, Debug, PartialEq)]
pub enum Known {
    /// It was answered at once, with this.
    Answered(Message),
    /// It went into the inbox.
    Taken,
}

/// The number of a turn that this version cannot read: another one stored it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable(pub i64);

/// A turn that has not ended.
#[derive(Clone, Debug)]
pub struct Turn {
    /// Its number: the order of the inbox.
    pub id: i64,
    /// Where it stands.
    pub state: TurnState,
    /// What was asked; without the response URL.
    pub request: TurnRequest,
    /// Slack's `response_url`, sealed.
    pub response_url: Option<Vec<u8>>,
    /// The target it had when it first ran (P12).
    pub target: Option<Target>,
    /// The `ts` of the message that shows its progress and then its answer.
    pub placeholder: Option<String>,
    /// Whether posting that message was begun: it may exist although its `ts` is not known (P11).
    pub posting: bool,
    /// What remains to be shown.
    pub decision: Option<Decision>,
    /// How often it has waited for consent.
    pub waits: i64,
    /// How often it was tried since it last got further.
    pub attempts: u32,
    /// When it is to be tried next.
    pub due_at: Timestamp,
    /// When it is given up.
    pub deadline_at: Option<Timestamp>,
}

const TURN: &str =
    "id, state, request, response_url, target, placeholder, posting, message, waits, attempts, due_at, deadline_at";

fn turn(row: &Row) -> Option<Turn> {
    Some(Turn {
        id: row.integer(0)?,
        state: TurnState::parse(row.text(1)?)?,
        request: serde_json::from_str(row.text(2)?).ok()?,
        response_url: row.blob(3).map(<[u8]>::to_vec),
        target: row.text(4).and_then(|json| serde_json::from_str(json).ok()),
        placeholder: row.text(5).map(str::to_owned),
        posting: row.integer(6) == Some(1),
        decision: row.text(7).and_then(|json| serde_json::from_str(json).ok()),
        waits: row.integer(8).unwrap_or(0),
        attempts: row.integer(9).and_then(|it| u32::try_from(it).ok()).unwrap_or(0),
        due_at: row.timestamp(10)?,
        deadline_at: row.timestamp(11),
    })
}

/// A connect ticket's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TicketState {
    /// Its link works.
    Live,
    /// An account was connected with it.
    Used,
    /// Its person declined; a new one comes at once.
    Declined,
    /// It ran out unused, and its messages say so.
    Expired,
}

impl TicketState {
    fn name(self) -> &'static str {
        match self {
            TicketState::Live => "live",
            TicketState::Used => "used",
            TicketState::Declined => "declined",
            TicketState::Expired => "expired",
        }
    }
}

/// A connect ticket. Its id is known only to the holder of the link; the table has its hash, and the id sealed.
#[derive(Clone, Debug)]
pub struct Ticket {
    /// SHA-256 of the id, in hex.
    pub hash: String,
    /// The id, sealed.
    pub sealed_id: Vec<u8>,
    /// Its state.
    pub state: TicketState,
    /// When its link stops working.
    pub expires_at: Timestamp,
    /// The message that carries the link, when it is one of its own.
    pub link: Option<LinkMessage>,
}

/// A message with a private link, apart from a turn's own message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkMessage {
    /// Where it is.
    pub channel: String,
    /// The thread it belongs to.
    pub thread: Option<String>,
    /// Its `ts` in direct messages; an ephemeral message has none.
    pub ts: Option<String>,
    /// The `response_url` that Slack gave when its button was pressed, sealed.
    pub response_url: Option<Vec<u8>>,
}

/// What became of taking a consent (P14).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It was there, and nobody else can take it now.
    Yes,
    /// It was taken before.
    Used,
    /// It ran out.
    Expired,
    /// It never was here.
    Unknown,
}

/// Something to do that is no turn.
#[derive(Clone, Debug)]
pub struct OutboxRow {
    /// Its number.
    pub id: i64,
    /// What to do.
    pub kind: String,
    /// With what, sealed.
    pub sealed: Vec<u8>,
    /// How often it was tried.
    pub attempts: u32,
}

/// The tables.
pub struct Store {
    sql: Rc<dyn Sql>,
}

impl Store {
    /// Opens the tables, making those that are missing.
    ///
    /// # Errors
    /// When the storage fails; so for every method.
    pub fn new(sql: Rc<dyn Sql>) -> Result<Store, StorageError> {
        for statement in SCHEMA.iter().chain([&MEMORY]) {
            sql.exec(statement, vec![])?;
        }
        Ok(Store { sql })
    }

    /// Runs `work` entirely or not at all.
    pub fn transaction(&self, work: &mut dyn FnMut() -> Result<(), StorageError>) -> Result<(), StorageError> {
        self.sql.transaction(work)
    }

    // ---- Turns ----

    /// Whether a request with this key is or was here, and what it was answered with if that was at once.
    pub fn known(&self, key: &str) -> Result<Option<Known>, StorageError> {
        let rows = self.sql.exec("SELECT state, message FROM turns WHERE key = ?", vec![key.into()])?;
        Ok(rows.first().map(|row| {
            let answer = row.text(1).filter(|_| row.text(0) == Some(TurnState::Done.name()));
            answer.and_then(|json| serde_json::from_str(json).ok()).map_or(Known::Taken, Known::Answered)
        }))
    }

    /// How many turns have not ended and do not wait for consent.
    pub fn inbox_length(&self) -> Result<usize, StorageError> {
        self.count("SELECT count(*) FROM turns WHERE state IN ('queued', 'running', 'delivering')", vec![])
    }

    /// Adds a turn at the end of the inbox.
    pub fn insert_turn(
        &self,
        request: &TurnRequest,
        response_url: Option<Vec<u8>>,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        self.exec(
            "INSERT INTO turns (key, state, request, response_url, due_at) VALUES (?, 'queued', ?, ?, ?)",
            vec![request.key.as_str().into(), json(request)?, response_url.into(), now.into()],
        )
    }

    /// Adds a turn that is answered at once: its key and its answer, for later deliveries of the same request (P9).
    pub fn insert_answered(&self, key: &str, answer: &Message, now: Timestamp) -> Result<(), StorageError> {
        self.exec(
            "INSERT INTO turns (key, state, request, message, due_at, ended_at) VALUES (?, 'done', '', ?, ?, ?)",
            vec![key.into(), json(answer)?, now.into(), now.into()],
        )
    }

    /// The turn that is to be worked on: the oldest that has not ended and does not wait for consent.
    pub fn head(&self) -> Result<Option<Result<Turn, Unreadable>>, StorageError> {
        let statement =
            format!("SELECT {TURN} FROM turns WHERE state IN ('queued', 'running', 'delivering') ORDER BY id LIMIT 1");
        let rows = self.sql.exec(&statement, vec![])?;
        Ok(rows.first().map(|row| turn(row).ok_or(Unreadable(row.integer(0).unwrap_or(0)))))
    }

    /// How many turns wait for consent.
    pub fn waiting(&self) -> Result<usize, StorageError> {
        self.count("SELECT count(*) FROM turns WHERE state = 'waiting'", vec![])
    }

    /// The turns that wait for consent, the oldest first.
    pub fn waiting_turns(&self) -> Result<Vec<Turn>, StorageError> {
        let rows = self.sql.exec(&format!("SELECT {TURN} FROM turns WHERE state = 'waiting' ORDER BY id"), vec![])?;
        Ok(rows.iter().filter_map(turn).collect())
    }

    /// Whether the turn `id` waits for consent.
    pub fn waits(&self, id: i64) -> Result<bool, StorageError> {
        Ok(self.count("SELECT count(*) FROM turns WHERE id = ? AND state = 'waiting'", vec![id.into()])? > 0)
    }

    /// Whether a turn has waited for consent until its deadline.
    pub fn has_waited_too_long(&self, now: Timestamp) -> Result<bool, StorageError> {
        let statement = "SELECT count(*) FROM turns WHERE state = 'waiting' AND deadline_at <= ?";
        Ok(self.count(statement, vec![now.into()])? > 0)
    }

    /// Begins a turn.
    pub fn begin(&self, id: i64, deadline_at: Timestamp, target: &Target) -> Result<(), StorageError> {
        self.exec(
            "UPDATE turns SET state = 'running', deadline_at = ?, target = coalesce(target, ?) WHERE id = ?",
            vec![deadline_at.into(), json(target)?, id.into()],
        )
    }

    /// Records that posting the turn's message is about to begin.
    pub fn posting(&self, id: i64) -> Result<(), StorageError> {
        self.exec("UPDATE turns SET posting = 1 WHERE id = ?", vec![id.into()])
    }

    /// Records the `ts` of the turn's message.
    pub fn placed(&self, id: i64, ts: &str) -> Result<(), StorageError> {
        self.exec(
            "UPDATE turns SET placeholder = ?, posting = 0, attempts = 0 WHERE id = ?",
            vec![ts.into(), id.into()],
        )
    }

    /// The turn's message is gone: it has none, and takes the place of none.
    pub fn displaced(&self, id: i64, request: &TurnRequest) -> Result<(), StorageError> {
        self.exec(
            "UPDATE turns SET placeholder = NULL, posting = 0, attempts = 0, request = ? WHERE id = ?",
            vec![json(request)?, id.into()],
        )
    }

    /// Stores what remains to be shown.
    pub fn decide(
        &self,
        id: i64,
        decision: &Decision,
        now: Timestamp,
        deadline_at: Timestamp,
    ) -> Result<(), StorageError> {
        self.exec(
            "UPDATE turns SET state = 'delivering', message = ?, attempts = 0, due_at = ?, deadline_at = ? WHERE id = ?",
            vec![json(decision)?, now.into(), deadline_at.into(), id.into()],
        )
    }

    /// Tries the turn again at `due_at`, and lets it go on until `deadline_at` at least.
    pub fn later(&self, id: i64, due_at: Timestamp, deadline_at: Option<Timestamp>) -> Result<(), StorageError> {
        self.exec(
            "UPDATE turns SET attempts = attempts + 1, due_at = ?, deadline_at = coalesce(max(deadline_at, ?), deadline_at)
             WHERE id = ?",
            vec![due_at.into(), deadline_at.into(), id.into()],
        )
    }

    /// Lets the turn wait for consent.
    pub fn wait(&self, id: i64, deadline_at: Timestamp) -> Result<(), StorageError> {
        self.exec(
            "UPDATE turns SET state = 'waiting', waits = waits + 1, attempts = 0, deadline_at = ? WHERE id = ?",
            vec![deadline_at.into(), id.into()],
        )
    }

    /// Puts the turn back into the inbox at its old place, as after a wait that ended before it began.
    pub fn requeue(&self, id: i64, now: Timestamp) -> Result<(), StorageError> {
        self.exec(
            "UPDATE turns SET state = 'queued', waits = waits + 1, attempts = 0, due_at = ? WHERE id = ?",
            vec![now.into(), id.into()],
        )
    }

    /// Puts every waiting turn back into the inbox at its old place, and returns how many (P12).
    pub fn resume_waiting(&self, now: Timestamp) -> Result<u32, StorageError> {
        let rows = self.sql.exec(
            "UPDATE turns SET state = 'queued', attempts = 0, due_at = ? WHERE state = 'waiting' RETURNING id",
            vec![now.into()],
        )?;
        Ok(u32::try_from(rows.len()).unwrap_or(u32::MAX))
    }

    /// Ends a turn. Of what was asked and answered nothing is kept; the key stays, against late retries.
    pub fn end(&self, id: i64, state: TurnState, now: Timestamp) -> Result<(), StorageError> {
        self.exec(
            "UPDATE turns SET state = ?, ended_at = ?, request = '', message = NULL, response_url = NULL, target = NULL
             WHERE id = ?",
            vec![state.name().into(), now.into(), id.into()],
        )
    }

    /// Forgets what ended long ago.
    pub fn sweep(&self, now: Timestamp) -> Result<(), StorageError> {
        self.exec("DELETE FROM turns WHERE ended_at <= ?", vec![(now - REMEMBER).into()])?;
        self.exec("DELETE FROM consents WHERE expires_at <= ?", vec![(now - REMEMBER).into()])?;
        self.exec("DELETE FROM tickets WHERE expires_at <= ?", vec![(now - REMEMBER).into()])
    }

    /// When the next thing is due: a turn, the end of a wait, an outbox row, or the sweep.
    pub fn next_due(&self) -> Result<Option<Timestamp>, StorageError> {
        // One row of minima: a Durable Object's SQLite takes no more than five terms in a UNION.
        let rows = self.sql.exec(
            "SELECT
                (SELECT due_at FROM turns WHERE state IN ('queued', 'running', 'delivering') ORDER BY id LIMIT 1),
                (SELECT min(deadline_at) FROM turns WHERE state = 'waiting'),
                (SELECT min(due_at) FROM outbox),
                (SELECT min(ended_at) + ?1 FROM turns),
                (SELECT min(expires_at) FROM tickets WHERE state = 'live'),
                (SELECT min(expires_at) + ?1 FROM tickets),
                (SELECT min(expires_at) + ?1 FROM consents)",
            vec![i64::try_from(REMEMBER.as_millis()).unwrap_or(i64::MAX).into()],
        )?;
        Ok(rows.first().and_then(|row| (0..row.0.len()).filter_map(|index| row.timestamp(index)).min()))
    }

    // ---- Tickets and consents ----

    /// Adds a ticket; the links of all others stop working.
    pub fn insert_ticket(&self, hash: &str, sealed_id: Vec<u8>, expires_at: Timestamp) -> Result<(), StorageError> {
        self.exec("UPDATE tickets SET state = 'declined' WHERE state = 'live'", vec![])?;
        self.exec(
            "INSERT INTO tickets (hash, sealed_id, state, expires_at) VALUES (?, ?, 'live', ?)",
            vec![hash.into(), sealed_id.into(), expires_at.into()],
        )
    }

    /// The ticket with this hash.
    pub fn ticket(&self, hash: &str) -> Result<Option<Ticket>, StorageError> {
        self.one_ticket("hash = ?", vec![hash.into()])
    }

    /// The ticket whose link works.
    pub fn live_ticket(&self, now: Timestamp) -> Result<Option<Ticket>, StorageError> {
        self.one_ticket("state = 'live' AND expires_at > ? ORDER BY expires_at DESC", vec![now.into()])
    }

    /// A ticket that ran out, of which its messages do not say so yet.
    pub fn ticket_run_out(&self, now: Timestamp) -> Result<Option<Ticket>, StorageError> {
        self.one_ticket("state = 'live' AND expires_at <= ?", vec![now.into()])
    }

    fn one_ticket(&self, condition: &str, parameters: Vec<Value>) -> Result<Option<Ticket>, StorageError> {
        let statement = format!(
            "SELECT hash, sealed_id, state, expires_at, link_channel, link_thread, link_ts, link_response_url
             FROM tickets WHERE {condition} LIMIT 1"
        );
        let rows = self.sql.exec(&statement, parameters)?;
        Ok(rows.first().and_then(|row| {
            Some(Ticket {
                hash: row.text(0)?.to_owned(),
                sealed_id: row.blob(1)?.to_vec(),
                state: match row.text(2)? {
                    "live" => TicketState::Live,
                    "used" => TicketState::Used,
                    "expired" => TicketState::Expired,
                    _ => TicketState::Declined,
                },
                expires_at: row.timestamp(3)?,
                link: row.text(4).map(|channel| LinkMessage {
                    channel: channel.to_owned(),
                    thread: row.text(5).map(str::to_owned),
                    ts: row.text(6).map(str::to_owned),
                    response_url: row.blob(7).map(<[u8]>::to_vec),
                }),
            })
        }))
    }

    /// Sets a ticket's state.
    pub fn set_ticket(&self, hash: &str, state: TicketState) -> Result<(), StorageError> {
        self.exec("UPDATE tickets SET state = ? WHERE hash = ?", vec![state.name().into(), hash.into()])
    }

    /// Records which message carries the ticket's link.
    pub fn link_sent(&self, hash: &str, link: &LinkMessage) -> Result<(), StorageError> {
        self.exec(
            "UPDATE tickets SET link_channel = ?, link_thread = ?, link_ts = ?, link_response_url = NULL WHERE hash = ?",
            vec![
                link.channel.as_str().into(),
                link.thread.as_deref().into(),
                link.ts.as_deref().into(),
                hash.into(),
            ],
        )
    }

    /// Records how the message with the live link can be replaced.
    pub fn link_pressed(&self, sealed_response_url: Vec<u8>) -> Result<(), StorageError> {
        self.exec(
            "UPDATE tickets SET link_response_url = ? WHERE state = 'live' AND link_channel IS NOT NULL",
            vec![sealed_response_url.into()],
        )
    }

    /// Records that a consent was begun for a ticket.
    pub fn insert_consent(&self, hash: &str, ticket: &str, expires_at: Timestamp) -> Result<(), StorageError> {
        self.exec(
            "INSERT INTO consents (hash, ticket, state, expires_at) VALUES (?, ?, 'begun', ?)",
            vec![hash.into(), ticket.into(), expires_at.into()],
        )
    }

    /// Moves a consent of this ticket from one state to the next, once (P14).
    pub fn take_consent(
        &self,
        hash: &str,
        ticket: &str,
        from: &str,
        to: &str,
        now: Timestamp,
    ) -> Result<Taken, StorageError> {
        let rows = self.sql.exec(
            "SELECT state, expires_at FROM consents WHERE hash = ? AND ticket = ?",
            vec![hash.into(), ticket.into()],
        )?;
        let Some(row) = rows.first() else { return Ok(Taken::Unknown) };
        if row.text(0) != Some(from) {
            return Ok(Taken::Used);
        }
        if row.timestamp(1).is_none_or(|at| at <= now) {
            return Ok(Taken::Expired);
        }
        self.exec("UPDATE consents SET state = ? WHERE hash = ?", vec![to.into(), hash.into()])?;
        Ok(Taken::Yes)
    }

    // ---- Outbox ----

    /// Adds something to do now.
    pub fn insert_outbox(&self, kind: &str, sealed: Vec<u8>, now: Timestamp) -> Result<i64, StorageError> {
        let rows = self.sql.exec(
            "INSERT INTO outbox (kind, sealed, due_at) VALUES (?, ?, ?) RETURNING id",
            vec![kind.into(), sealed.into(), now.into()],
        )?;
        Ok(rows.first().and_then(|row| row.integer(0)).unwrap_or(0))
    }

    /// Whether something of this kind is still to be done.
    pub fn has_outbox(&self, kind: &str) -> Result<bool, StorageError> {
        Ok(!self.sql.exec("SELECT 1 FROM outbox WHERE kind = ? LIMIT 1", vec![kind.into()])?.is_empty())
    }

    /// The next thing to do that is due.
    pub fn due_outbox(&self, now: Timestamp) -> Result<Option<OutboxRow>, StorageError> {
        let rows = self.sql.exec(
            "SELECT id, kind, sealed, attempts FROM outbox WHERE due_at <= ? ORDER BY due_at, id LIMIT 1",
            vec![now.into()],
        )?;
        Ok(rows.first().and_then(|row| {
            Some(OutboxRow {
                id: row.integer(0)?,
                kind: row.text(1)?.to_owned(),
                sealed: row.blob(2)?.to_vec(),
                attempts: row.integer(3).and_then(|it| u32::try_from(it).ok()).unwrap_or(0),
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

    // ---- Memory ----

    /// What is remembered under `name`.
    pub fn recall<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, StorageError> {
        let rows = self.sql.exec("SELECT value FROM memory WHERE name = ?", vec![name.into()])?;
        Ok(rows.first().and_then(|row| serde_json::from_str(row.text(0)?).ok()))
    }

    /// Remembers `value` under `name`; `None` forgets it.
    pub fn remember<T: Serialize>(&self, name: &str, value: Option<&T>) -> Result<(), StorageError> {
        match value {
            Some(value) => self.exec(
                "INSERT INTO memory (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2",
                vec![name.into(), json(value)?],
            ),
            None => self.exec("DELETE FROM memory WHERE name = ?", vec![name.into()]),
        }
    }

    fn exec(&self, statement: &str, parameters: Vec<Value>) -> Result<(), StorageError> {
        self.sql.exec(statement, parameters).map(drop)
    }

    fn count(&self, statement: &str, parameters: Vec<Value>) -> Result<usize, StorageError> {
        let rows = self.sql.exec(statement, parameters)?;
        Ok(rows.first().and_then(|row| usize::try_from(row.integer(0)?).ok()).unwrap_or(0))
    }
}

fn json<T: Serialize>(value: &T) -> Result<Value, StorageError> {
    serde_json::to_string(value).map(Value::Text).map_err(|error| StorageError(error.to_string()))
}
