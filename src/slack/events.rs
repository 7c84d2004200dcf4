//! The Events API (<https://docs.slack.dev/apis/events-api>): mentions in channels, and direct messages.
//!
//! One message can arrive several times: Slack retries an event up to three times, and a mention in a channel whose
//! messages the app is subscribed to comes as an `app_mention` and as its twin `message`. All of them give the same key,
//! `<channel>:<ts>`, and the same request, so whichever comes first is the turn and the others are not (P9).

use serde::Deserialize;
use serde_json::Value;

use super::signature::VerifiedSlackRequest;
use super::who::{Home, Who, is_id, is_ts};
use super::{Door, Malformed, Refusal};
use crate::turns::request::{Ask, Place, TurnRequest};

/// What an event means for us.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Slack verifies that the URL is ours: it wants this text back.
    Challenge(String),
    /// Somebody asks something.
    Ask(Box<TurnRequest>),
    /// Somebody asks whom the operator does not let in.
    Refuse(Refusal),
    /// Not for us, and why.
    Ignored(&'static str),
}

/// The longest challenge that is echoed, in bytes. Slack's have about fifty.
const MAX_CHALLENGE: usize = 1_000;

/// The subtypes of `message` that are a person's own words: with a file, and in a thread but shown in the channel too.
const SPOKEN: [&str; 2] = ["file_share", "thread_broadcast"];

#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "type")]
    kind: String,
    challenge: Option<String>,
    team_id: Option<String>,
    enterprise_id: Option<String>,
    event: Option<Value>,
    authorizations: Option<Vec<Authorization>>,
    is_ext_shared_channel: Option<bool>,
}

#[derive(Deserialize)]
struct Authorization {
    enterprise_id: Option<String>,
    user_id: Option<String>,
    is_bot: Option<bool>,
}

#[derive(Deserialize)]
struct Said {
    #[serde(rename = "type")]
    kind: String,
    subtype: Option<String>,
    channel: Option<String>,
    channel_type: Option<String>,
    user: Option<String>,
    bot_id: Option<String>,
    hidden: Option<bool>,
    edited: Option<Value>,
    text: Option<String>,
    ts: Option<String>,
    thread_ts: Option<String>,
    user_team: Option<String>,
    source_team: Option<String>,
}

/// Reads an event.
///
/// # Errors
/// When the body is not an event at all. An event of an unexpected form is [`Event::Ignored`]: a retry would not mend it.
pub fn parse(request: &VerifiedSlackRequest, door: &Door) -> Result<Event, Malformed> {
    let envelope: Envelope =
        serde_json::from_slice(request.body()).map_err(|_| Malformed("the body is not an event in JSON"))?;
    match envelope.kind.as_str() {
        "url_verification" => challenge(envelope),
        "event_callback" => Ok(event(envelope, door)),
        _ => Ok(Event::Ignored("unknown envelope")),
    }
}

fn challenge(envelope: Envelope) -> Result<Event, Malformed> {
    let challenge = envelope.challenge.filter(|challenge| challenge.len() <= MAX_CHALLENGE);
    challenge.map(Event::Challenge).ok_or(Malformed("the challenge is missing"))
}

fn event(mut envelope: Envelope, door: &Door) -> Event {
    let Some(event) = envelope.event.take() else { return Event::Ignored("no event") };
    let kind = event.get("type").and_then(Value::as_str).unwrap_or_default();
    if !matches!(kind, "app_mention" | "message") {
        return Event::Ignored("unhandled event");
    }
    match serde_json::from_value(event) {
        Ok(said) => heard(said, &envelope, door).unwrap_or_else(Event::Ignored),
        Err(_) => Event::Ignored("unexpected form"),
    }
}

/// What somebody said, or why it is not for us.
fn heard(said: Said, envelope: &Envelope, door: &Door) -> Result<Event, &'static str> {
    // 1. Only a person's own, new words: everything else could be an echo of ours.
    let bots = own_users(envelope);
    if said.bot_id.is_some() {
        return Err("said by a bot");
    }
    if said.subtype.as_deref().is_some_and(|subtype| !SPOKEN.contains(&subtype)) {
        return Err("subtype");
    }
    if said.hidden == Some(true) || said.edited.as_ref().is_some_and(|edited| !edited.is_null()) {
        return Err("hidden or edited");
    }
    let user = said.user.as_deref().ok_or("no user")?;
    if bots.contains(&user) || user == "USLACKBOT" {
        return Err("said by a bot");
    }

    // 2. Where it was said, and whether to us.
    let channel = said.channel.filter(|id| is_id(id)).ok_or("no channel")?;
    let ts = said.ts.filter(|ts| is_ts(ts)).ok_or("no time")?;
    let thread_ts = said.thread_ts.filter(|ts| is_ts(ts)).unwrap_or_else(|| ts.clone());
    let text = said.text.unwrap_or_default();
    let direct = said.channel_type.as_deref() == Some("im") || channel.starts_with('D');
    let words = if said.kind == "app_mention" && bots.is_empty() {
        without_first_mention(&text)
    } else {
        let (words, mentioned) = without_mentions(&text, &bots);
        if said.kind == "message" && !direct && !mentioned {
            return Err("not said to us");
        }
        words
    };

    // 3. Who said it.
    let stated = said.user_team.as_deref().filter(|team| !team.is_empty()).or(said.source_team.as_deref());
    let who =
        Who::new(&home(envelope), stated, envelope.is_ext_shared_channel == Some(false), user).ok_or("no team")?;
    if !who.is_allowed(door.allowed_teams) {
        return Ok(Event::Refuse(Refusal {
            channel,
            user: who.person.user,
            thread_ts: (!direct).then_some(thread_ts),
            response_url: None,
        }));
    }

    let key = format!("{channel}:{ts}");
    let place = if direct { Place::Direct { channel, thread_ts } } else { Place::Thread { channel, thread_ts } };
    Ok(Event::Ask(Box::new(TurnRequest {
        key,
        person: who.person,
        ask: Ask::Words(words),
        place,
        origin: door.origin.clone(),
        response_url: None,
        asked_at: door.now,
    })))
}

/// The user ids under which the app itself speaks.
fn own_users(envelope: &Envelope) -> Vec<&str> {
    let authorizations = envelope.authorizations.as_deref().unwrap_or_default();
    authorizations.iter().filter(|it| it.is_bot == Some(true)).filter_map(|it| it.user_id.as_deref()).collect()
}

fn home(envelope: &Envelope) -> Home {
    let authorized = envelope.authorizations.as_deref().and_then(<[_]>::first).and_then(|it| it.enterprise_id.clone());
    Home::new(envelope.team_id.clone(), authorized.filter(|id| !id.is_empty()).or(envelope.enterprise_id.clone()))
}

/// `text` without the mentions of `users`, and whether there was one. The rest stays as Slack wrote it.
fn without_mentions(text: &str, users: &[&str]) -> (String, bool) {
    let mut kept = String::new();
    let mut mentioned = false;
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("<@") {
        match mention(after).filter(|(user, _)| users.contains(user)) {
            Some((_, after)) => {
                mentioned = true;
                kept.push_str(before);
                // The white space on one side of the mention goes with it.
                let joined = kept.is_empty() || kept.ends_with(char::is_whitespace);
                rest = if joined { after.trim_start() } else { after };
            }
            None => {
                kept.push_str(before);
                kept.push_str("<@");
                rest = after;
            }
        }
    }
    kept.push_str(rest);
    (kept.trim().to_owned(), mentioned)
}

/// `text` without the mention it starts with: for an `app_mention` that does not say which user we are.
fn without_first_mention(text: &str) -> String {
    let text = text.trim();
    let rest = text.strip_prefix("<@").and_then(mention).map(|(_, after)| after);
    rest.unwrap_or(text).trim().to_owned()
}

/// Reads the rest of `<@U0BOT>` or `<@U0BOT|name>`, after its `<@`: the user, and what follows.
fn mention(after: &str) -> Option<(&str, &str)> {
    let (inside, after) = after.split_once('>')?;
    let user = inside.split_once('|').map_or(inside, |(user, _)| user);
    is_id(user).then_some((user, after))
}
