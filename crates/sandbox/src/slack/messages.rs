//! The messages of the workspace.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::Slack;
use super::people::{APP_ID, BOT_ID, BOT_USER, PARTNER_TEAM, Person, TEAM, person};
use crate::json::Put;
use crate::random::Random;

/// Slack cuts a text here.
pub(crate) const MAX_TEXT: usize = 40_000;

/// One message.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Message {
    /// The `ts`, or `e-N` for an ephemeral message.
    pub id: String,
    /// Slack's timestamp; no two messages share one.
    pub ts: String,
    /// The conversation.
    pub channel: String,
    /// The `ts` of the thread's first message, if this is an answer in a thread.
    pub thread_ts: Option<String>,
    /// A person's id, the bot's, or Slackbot's.
    pub author: String,
    /// The text, or the fallback of the blocks.
    pub text: String,
    /// The blocks, each with its `block_id`.
    pub blocks: Option<Value>,
    /// Only this person sees it.
    pub private_to: Option<String>,
    /// Whether it was changed.
    pub edited: bool,
    /// Whether it was deleted.
    pub deleted: bool,
    /// The message's metadata.
    pub metadata: Option<Value>,
}

/// What a new message, or a new version of one, consists of.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Content {
    pub(crate) text: String,
    pub(crate) blocks: Option<Value>,
    pub(crate) metadata: Option<Value>,
}

#[derive(Default)]
pub(crate) struct Messages {
    all: Vec<Message>,
    last_ts_micros: i64,
    last_ephemeral: u64,
}

impl Messages {
    pub(crate) fn all(&self) -> &[Message] {
        &self.all
    }

    /// Finds a message by its id or `ts`; deleted ones are found too.
    pub(crate) fn find(&self, id: &str) -> Option<&Message> {
        self.all.iter().find(|message| message.id == id || message.ts == id)
    }

    pub(crate) fn find_mut(&mut self, id: &str) -> Option<&mut Message> {
        self.all.iter_mut().find(|message| message.id == id || message.ts == id)
    }

    /// A timestamp that no other message has.
    pub(crate) fn next_ts(&mut self, now_ms: i64) -> String {
        self.last_ts_micros = now_ms.max(0).saturating_mul(1000).max(self.last_ts_micros.saturating_add(1));
        format!("{}.{:06}", self.last_ts_micros / 1_000_000, self.last_ts_micros % 1_000_000)
    }

    pub(crate) fn next_ephemeral_id(&mut self) -> String {
        self.last_ephemeral += 1;
        format!("e-{}", self.last_ephemeral)
    }

    pub(crate) fn add(&mut self, message: Message) {
        self.all.push(message);
    }

    /// A thread is named by its first message, whichever of its messages was pointed at.
    pub(crate) fn thread_of(&self, ts: &str) -> String {
        self.find(ts).and_then(|message| message.thread_ts.clone()).unwrap_or_else(|| ts.to_owned())
    }

    /// The public answers in a thread, oldest first.
    pub(crate) fn replies<'a>(&'a self, channel: &'a str, ts: &'a str) -> impl Iterator<Item = &'a Message> {
        self.public(channel).filter(move |message| message.thread_ts.as_deref() == Some(ts))
    }

    /// Whether the message has or had an answer in its thread.
    pub(crate) fn has_replies(&self, channel: &str, root: &str) -> bool {
        let answers = self.all.iter().filter(|message| message.channel == channel && message.private_to.is_none());
        answers.filter(|message| message.ts != root).any(|message| message.thread_ts.as_deref() == Some(root))
    }

    /// What everybody in a channel can see.
    pub(crate) fn public<'a>(&'a self, channel: &'a str) -> impl Iterator<Item = &'a Message> {
        self.all
            .iter()
            .filter(move |message| message.channel == channel && message.private_to.is_none() && !message.deleted)
    }
}

impl Slack {
    /// Posts a message; `private_to` makes it ephemeral.
    pub(crate) fn post(
        &mut self,
        now_ms: i64,
        (channel, thread_ts): (&str, Option<&str>),
        author: &str,
        private_to: Option<&str>,
        content: Content,
    ) -> Message {
        let ts = self.messages.next_ts(now_ms);
        let id = if private_to.is_some() { self.messages.next_ephemeral_id() } else { ts.clone() };
        let message = Message {
            id,
            ts,
            channel: channel.to_owned(),
            thread_ts: thread_ts.map(|ts| self.messages.thread_of(ts)),
            author: author.to_owned(),
            text: cut(content.text),
            blocks: content.blocks,
            private_to: private_to.map(str::to_owned),
            edited: false,
            deleted: false,
            metadata: content.metadata,
        };
        self.messages.add(message.clone());
        // A reply takes the status line away (changelog 2026-03-05).
        if author == BOT_USER && private_to.is_none() {
            self.statuses.remove(&(message.channel.clone(), message.thread_ts.clone().unwrap_or_default()));
        }
        message
    }

    /// The messages, as the page shows them.
    pub(crate) fn messages_json(&self, viewer: Option<&Person>) -> Value {
        let seen = |message: &&Message| match viewer {
            None => true,
            Some(viewer) => {
                let meant = message.private_to.as_deref().is_none_or(|private_to| private_to == viewer.id);
                meant && self.sees(viewer, &message.channel)
            }
        };
        let one = |message: &Message| {
            let mut value = serde_json::to_value(message).unwrap_or_default();
            value.put("reply_count", self.messages.replies(&message.channel, &message.ts).count());
            value
        };
        Value::Array(self.messages.all().iter().filter(seen).map(one).collect())
    }

    /// A message, as the Web API and the payloads write it.
    pub(crate) fn message_json(&self, message: &Message, with_metadata: bool) -> Value {
        let mut value = json!({"type": "message", "user": message.author, "ts": message.ts, "text": message.text});
        let team = person(&message.author).map_or(TEAM, |person| person.team);
        value.put("team", team);
        if team == PARTNER_TEAM {
            value.put("user_team", team);
            value.put("source_team", team);
        }
        if message.author == BOT_USER {
            value.put("bot_id", BOT_ID);
            value.put("app_id", APP_ID);
        }
        if let Some(blocks) = &message.blocks {
            value.put("blocks", blocks.clone());
        }
        if let Some(metadata) = message.metadata.as_ref().filter(|_| with_metadata) {
            value.put("metadata", metadata.clone());
        }
        if message.edited {
            value.put("edited", json!({"user": message.author, "ts": message.ts}));
        }
        let replies: Vec<&Message> = self.messages.replies(&message.channel, &message.ts).collect();
        if let Some(last) = replies.last() {
            let mut repliers: Vec<&str> = replies.iter().map(|reply| reply.author.as_str()).collect();
            repliers.sort_unstable();
            repliers.dedup();
            value.put("reply_count", replies.len());
            value.put("reply_users", json!(repliers));
            value.put("reply_users_count", repliers.len());
            value.put("latest_reply", last.ts.clone());
            value.put("thread_ts", message.ts.clone());
        }
        if let Some(thread_ts) = &message.thread_ts {
            value.put("thread_ts", thread_ts.clone());
        }
        value
    }
}

fn cut(text: String) -> String {
    if text.chars().count() <= MAX_TEXT { text } else { text.chars().take(MAX_TEXT).collect() }
}

/// Gives every block and every interactive element an id, as Slack does with those that have none.
pub(crate) fn with_ids(blocks: &Value, random: &mut Random) -> Value {
    let mut blocks = blocks.clone();
    for block in blocks.as_array_mut().into_iter().flatten() {
        ensure(block, "block_id", random);
        let elements = block.get_mut("elements").and_then(Value::as_array_mut).into_iter().flatten();
        elements.for_each(|element| ensure_action_id(element, random));
        if let Some(accessory) = block.get_mut("accessory") {
            ensure_action_id(accessory, random);
        }
    }
    blocks
}

fn ensure_action_id(element: &mut Value, random: &mut Random) {
    let kind = element.get("type").and_then(Value::as_str).unwrap_or_default();
    if super::blocks::is_interactive(kind) {
        ensure(element, "action_id", random);
    }
}

fn ensure(value: &mut Value, name: &str, random: &mut Random) {
    if let Some(object) = value.as_object_mut() {
        object.entry(name).or_insert_with(|| random.id(5).into());
    }
}

/// A status line under a thread's name: who is doing what.
pub(crate) type Statuses = BTreeMap<(String, String), String>;
