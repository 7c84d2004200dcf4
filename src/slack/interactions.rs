//! Pressed buttons and chosen options (<https://docs.slack.dev/reference/interaction-payloads/block_actions-payload>).
//!
//! A press is a request of whoever pressed, under their own grant, even when the message answers somebody else (P13).

use serde::Deserialize;
use url::form_urlencoded;

use super::signature::VerifiedSlackRequest;
use super::who::{Home, Who, is_id, is_ts};
use super::{Door, Malformed, Refusal, response_url};
use crate::commands::answer::Invocation;
use crate::turns::calls::LinkPressed;
use crate::turns::request::{Ask, Place, TurnRequest};

/// What a button does, written in its `action_id`. Where one message holds several of a kind, a number follows:
/// `run:3`.
pub mod action {
    /// Runs the command in the button's value.
    pub const RUN: &str = "run";
    /// Opens a page: Slack does that by itself, and tells us.
    pub const OPEN: &str = "open";
    /// Starts connecting a Sentry account.
    pub const CONNECT: &str = "connect";
    /// Disconnects it.
    pub const DISCONNECT: &str = "disconnect";
    /// Opens the person's private link.
    pub const CONNECT_LINK: &str = "connect_link";
}

/// The longest value of a button, in characters: Block Kit's own limit.
pub const MAX_VALUE: usize = 2_000;

/// What an interaction means for us.
#[derive(Clone, Debug)]
pub enum Interaction {
    /// Somebody asks something.
    Ask(Box<TurnRequest>),
    /// Somebody opened their private link.
    Link(LinkPressed),
    /// Somebody asks whom the operator does not let in.
    Refuse(Refusal),
    /// Nothing to do, and why.
    Ignored(&'static str),
}

#[derive(Deserialize)]
struct Payload {
    user: Option<User>,
    team: Option<Team>,
    enterprise: Option<Enterprise>,
    is_enterprise_install: Option<bool>,
    channel: Option<Channel>,
    container: Option<Container>,
    message: Option<Message>,
    actions: Option<Vec<Action>>,
    response_url: Option<String>,
}

#[derive(Deserialize)]
struct User {
    id: String,
    team_id: Option<String>,
}

#[derive(Deserialize)]
struct Team {
    id: Option<String>,
    enterprise_id: Option<String>,
}

#[derive(Deserialize)]
struct Enterprise {
    id: Option<String>,
}

#[derive(Deserialize)]
struct Channel {
    id: String,
}

#[derive(Deserialize)]
struct Container {
    message_ts: Option<String>,
    channel_id: Option<String>,
    thread_ts: Option<String>,
    is_ephemeral: Option<bool>,
}

#[derive(Deserialize)]
struct Message {
    thread_ts: Option<String>,
}

#[derive(Deserialize)]
struct Action {
    action_id: Option<String>,
    value: Option<String>,
    selected_option: Option<SelectedOption>,
    action_ts: Option<String>,
}

#[derive(Deserialize)]
struct SelectedOption {
    value: Option<String>,
}

/// What a press asks for.
enum Pressed {
    Ask(Ask),
    Link,
}

/// Reads an interaction.
///
/// # Errors
/// When the body holds no payload. A press of an unexpected form is [`Interaction::Ignored`].
pub fn parse(request: &VerifiedSlackRequest, door: &Door) -> Result<Interaction, Malformed> {
    let payload = form_urlencoded::parse(request.body()).find(|(name, _)| name == "payload");
    let (_, payload) = payload.ok_or(Malformed("payload is missing"))?;
    let kind: Kind = serde_json::from_str(&payload).map_err(|_| Malformed("payload is not JSON with a type"))?;
    if kind.kind != "block_actions" {
        return Ok(Interaction::Ignored("unhandled interaction"));
    }
    match serde_json::from_str(&payload) {
        Ok(payload) => Ok(press(payload, door).unwrap_or_else(Interaction::Ignored)),
        Err(_) => Ok(Interaction::Ignored("unexpected form")),
    }
}

#[derive(Deserialize)]
struct Kind {
    #[serde(rename = "type")]
    kind: String,
}

/// What was pressed, or why there is nothing to do.
fn press(payload: Payload, door: &Door) -> Result<Interaction, &'static str> {
    // 1. What was pressed.
    let action = payload.actions.as_deref().and_then(<[_]>::first).ok_or("no action")?;
    let pressed = pressed(action)?;

    // 2. Who pressed it.
    let user = payload.user.as_ref().ok_or("no user")?;
    let who = Who::new(&home(&payload), user.team_id.as_deref(), payload.is_enterprise_install == Some(true), &user.id)
        .ok_or("no team")?;
    let response_url = response_url::accepted(payload.response_url.as_deref(), door.api_url).map(String::from);

    // 3. Where.
    let container = payload.container.as_ref().ok_or("no message")?;
    let channel = payload.channel.as_ref().map(|channel| channel.id.clone()).or_else(|| container.channel_id.clone());
    let channel = channel.filter(|id| is_id(id)).ok_or("no channel")?;
    let thread_ts =
        payload.message.as_ref().and_then(|it| it.thread_ts.clone()).or_else(|| container.thread_ts.clone());
    let thread_ts = thread_ts.filter(|ts| is_ts(ts));
    if !who.is_allowed(door.allowed_teams) {
        return Ok(Interaction::Refuse(Refusal { channel, user: who.person.user, thread_ts, response_url }));
    }

    let ask = match pressed {
        Pressed::Ask(ask) => ask,
        Pressed::Link => {
            let response_url = response_url.ok_or("a link without a response URL")?;
            return Ok(Interaction::Link(LinkPressed { person: who.person, response_url }));
        }
    };
    let message_ts = container.message_ts.clone().filter(|ts| is_ts(ts)).ok_or("no message")?;
    let action_ts = action.action_ts.as_deref().filter(|ts| is_ts(ts)).ok_or("no action time")?;
    Ok(Interaction::Ask(Box::new(TurnRequest {
        key: format!("press:{channel}:{message_ts}:{action_ts}"),
        person: who.person,
        ask,
        place: place(channel, message_ts, thread_ts, container.is_ephemeral == Some(true)),
        origin: door.origin.clone(),
        response_url,
        asked_at: door.now,
    })))
}

fn pressed(action: &Action) -> Result<Pressed, &'static str> {
    let id = action.action_id.as_deref().unwrap_or_default();
    match id.split_once(':').map_or(id, |(kind, _)| kind) {
        action::RUN => {
            let chosen = action.selected_option.as_ref().and_then(|option| option.value.as_deref());
            let value = action.value.as_deref().or(chosen).ok_or("no value")?;
            invocation(value).map(|invocation| Pressed::Ask(Ask::Run(invocation)))
        }
        action::CONNECT => Ok(Pressed::Ask(Ask::Connect)),
        action::DISCONNECT => Ok(Pressed::Ask(Ask::Disconnect)),
        action::CONNECT_LINK => Ok(Pressed::Link),
        action::OPEN => Err("a page was opened"),
        _ => Err("unknown action"),
    }
}

fn invocation(value: &str) -> Result<Invocation, &'static str> {
    if value.chars().count() > MAX_VALUE {
        return Err("the value is too long");
    }
    serde_json::from_str(value).map_err(|_| "the value is not a command")
}

fn home(payload: &Payload) -> Home {
    let team = payload.team.as_ref();
    let enterprise = payload.enterprise.as_ref().and_then(|it| it.id.clone());
    Home::new(
        team.and_then(|team| team.id.clone()),
        enterprise.or_else(|| team.and_then(|team| team.enterprise_id.clone())),
    )
}

fn place(channel: String, message_ts: String, thread_ts: Option<String>, ephemeral: bool) -> Place {
    if ephemeral {
        Place::Ephemeral { channel, thread_ts }
    } else if channel.starts_with('D') {
        Place::Direct { channel, thread_ts: thread_ts.unwrap_or(message_ts) }
    } else {
        Place::Thread { channel, thread_ts: thread_ts.unwrap_or(message_ts) }
    }
}
