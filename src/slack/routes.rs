//! The three URLs that Slack calls.
//!
//! Each goes through the same steps, in this order, so that nothing is read before it is proven to be Slack's, and nothing
//! is acknowledged before it is durable (P8):
//!
//! 1. The door is configured, else 503 with the name of the variable.
//! 2. The body is of a bounded size, else 413.
//! 3. Slack signed it, else 401.
//! 4. It is what this URL takes, else 400.
//! 5. It is for us and from somebody whom the operator lets in, else it is acknowledged and dropped.
//! 6. The person's object has stored it, else 503: Slack sends an event again.
//! 7. Slack is told.
//!
//! The only thing waited for between 3 and 7 is the person's object, which stores and replies without calling anybody.
//! What takes a call to Slack (telling somebody who is refused) is returned beside the response as [`Reply::deferred`].

use bytes::Bytes;
use futures::future::LocalBoxFuture;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode, header};
use serde_json::{Value, json};
use url::Url;

use super::api::{Api, Respond};
use super::blocks::Message;
use super::commands::{self, Command};
use super::events::{self, Event};
use super::interactions::{self, Interaction};
use super::signature::{VerifiedSlackRequest, verify};
use super::{Door, Malformed, Refusal, messages};
use crate::config::{Problem, SlackApp};
use crate::ports::{self, Level, ObjectError, World};
use crate::turns::calls::{Accept, Accepted, LinkPressed};
use crate::turns::request::TurnRequest;

/// The longest body that is read, in bytes: Slack's own are far below (a message has 40,000 characters at most).
pub const MAX_BODY: usize = 1024 * 1024;
/// How many requests of one person can wait, for the sentence that says so.
pub const INBOX_SIZE: usize = 20;
/// When to try again what the configuration prevents, in seconds.
const RETRY_CONFIGURATION: u32 = 300;
/// When to try again what could not be stored, in seconds.
const RETRY_STORE: u32 = 5;

/// Work for after the response: the edge runs it with `waitUntil`. Losing it loses a courtesy and nothing else.
pub type Deferred = LocalBoxFuture<'static, ()>;

/// A response, and what is left to do after it.
pub struct Reply {
    /// The response.
    pub response: Response<Bytes>,
    /// What is left to do.
    pub deferred: Option<Deferred>,
}

impl From<Response<Bytes>> for Reply {
    fn from(response: Response<Bytes>) -> Reply {
        Reply { response, deferred: None }
    }
}

/// `POST /slack/events`: mentions and direct messages.
pub async fn events(world: &World, request: Request<Bytes>, origin: &Url) -> Reply {
    answer_event(world, request, origin).await.unwrap_or_else(|closed| closed.response().into())
}

async fn answer_event(world: &World, request: Request<Bytes>, origin: &Url) -> Result<Reply, Closed> {
    let (slack, verified) = admit(world, request)?; // 1, 2, 3
    let event = events::parse(&verified, &door(world, slack, origin))?; // 4
    Ok(match event {
        Event::Challenge(challenge) => text(StatusCode::OK, challenge).into(),
        // 5
        Event::Ignored(reason) => {
            world.log.log(Level::Info, "slack.event.ignored", &[("reason", reason)]);
            empty().into()
        }
        Event::Refuse(refusal) => Reply { response: empty(), deferred: tell_refused(world, refusal) },
        // 6, 7. Whatever became of it, the object tells the person: an event has no answer of its own.
        Event::Ask(request) => match accept(world, *request).await {
            Ok(_) => empty().into(),
            Err(_) => return Err(Closed::NotStored),
        },
    })
}

/// `POST /slack/commands`: `/sentry …`.
pub async fn commands(world: &World, request: Request<Bytes>, origin: &Url) -> Reply {
    answer_command(world, request, origin).await.unwrap_or_else(|closed| closed.response().into())
}

async fn answer_command(world: &World, request: Request<Bytes>, origin: &Url) -> Result<Reply, Closed> {
    let (slack, verified) = admit(world, request)?; // 1, 2, 3
    let command = commands::parse(&verified, &door(world, slack, origin))?; // 4
    Ok(match command {
        // 5
        Command::Ignored(_) => empty().into(),
        Command::Refuse(refusal) => {
            log_refusal(world, &refusal);
            privately(&messages::not_allowed()).into()
        }
        // 6, 7. The response is the first thing the person sees; for an error status Slack would show words of its own.
        Command::Ask(request) => match accept(world, *request).await {
            Ok(Accepted::New(progress)) => privately(&messages::progress(&progress)).into(),
            Ok(Accepted::Again) => empty().into(),
            Ok(Accepted::Full) => privately(&messages::inbox_full(INBOX_SIZE)).into(),
            Err(_) => privately(&messages::not_stored()).into(),
        },
    })
}

/// `POST /slack/interactions`: pressed buttons and chosen options.
pub async fn interactions(world: &World, request: Request<Bytes>, origin: &Url) -> Reply {
    answer_interaction(world, request, origin).await.unwrap_or_else(|closed| closed.response().into())
}

async fn answer_interaction(world: &World, request: Request<Bytes>, origin: &Url) -> Result<Reply, Closed> {
    let (slack, verified) = admit(world, request)?; // 1, 2, 3
    let interaction = interactions::parse(&verified, &door(world, slack, origin))?; // 4
    Ok(match interaction {
        // 5
        Interaction::Ignored(reason) => {
            world.log.log(Level::Info, "slack.interaction.ignored", &[("reason", reason)]);
            empty().into()
        }
        Interaction::Refuse(refusal) => Reply { response: empty(), deferred: tell_refused(world, refusal) },
        // 6, 7. A press is not sent again, so a person whose press was lost is told, where there is a way to.
        Interaction::Link(pressed) => {
            link_pressed(world, pressed).await;
            empty().into()
        }
        Interaction::Ask(request) => {
            let response_url = request.response_url.clone();
            let failure = match (accept(world, *request).await, &response_url) {
                (Ok(Accepted::New(_) | Accepted::Again), _) => return Ok(empty().into()),
                (Ok(Accepted::Full), _) => messages::inbox_full(INBOX_SIZE),
                (Err(_), Some(_)) => messages::not_stored(),
                (Err(_), None) => return Err(Closed::NotStored),
            };
            let deferred = response_url.and_then(|response_url| tell(world, response_url, failure));
            Reply { response: empty(), deferred }
        }
    })
}

/// Why a request went no further: one variant for each thing that Slack can be told.
enum Closed {
    /// Step 1.
    NotConfigured(Problem),
    /// Step 2.
    TooLong,
    /// Step 3.
    Unverified,
    /// Step 4.
    Malformed(Malformed),
    /// Step 6.
    NotStored,
}

impl From<Malformed> for Closed {
    fn from(malformed: Malformed) -> Closed {
        Closed::Malformed(malformed)
    }
}

impl Closed {
    fn response(self) -> Response<Bytes> {
        match self {
            Closed::NotConfigured(problem) => unavailable(RETRY_CONFIGURATION, problem.to_string()),
            Closed::TooLong => refused(StatusCode::PAYLOAD_TOO_LARGE, "The body is too long."),
            Closed::Unverified => refused(StatusCode::UNAUTHORIZED, "The request is not signed by Slack for this app."),
            Closed::Malformed(Malformed(what)) => refused(StatusCode::BAD_REQUEST, what),
            Closed::NotStored => unavailable(RETRY_STORE, "The request could not be stored."),
        }
    }
}

/// Steps 1 to 3: the door's configuration, and a body that Slack signed.
fn admit(world: &World, request: Request<Bytes>) -> Result<(&SlackApp, VerifiedSlackRequest), Closed> {
    let slack = world.config.slack.as_ref().map_err(|problem| {
        world.log.log(Level::Error, "slack.not_configured", &[("variable", problem.variable)]);
        Closed::NotConfigured(problem.clone())
    })?;
    let (head, body) = request.into_parts();
    if body.len() > MAX_BODY {
        return Err(Closed::TooLong);
    }
    let verified = verify(&slack.signing_secret, &head.headers, body, world.clock.now()).map_err(|reason| {
        world.log.log(Level::Warn, "slack.unverified", &[("reason", &reason.to_string())]);
        Closed::Unverified
    })?;
    Ok((slack, verified))
}

fn door<'a>(world: &World, slack: &'a SlackApp, origin: &'a Url) -> Door<'a> {
    Door { allowed_teams: &slack.allowed_teams, api_url: &slack.api_url, origin, now: world.clock.now() }
}

/// Step 6.
async fn accept(world: &World, request: TurnRequest) -> Result<Accepted, ObjectError> {
    let name = request.person.object_name();
    let accepted = ports::call(&*world.objects, &name, &Accept { request }).await;
    if let Err(error) = &accepted {
        world.log.log(Level::Error, "slack.not_stored", &[("person", &name), ("error", &error.0)]);
    }
    accepted
}

/// Best effort: without it, the message with the link stays until Slack takes it away.
async fn link_pressed(world: &World, pressed: LinkPressed) {
    let name = pressed.person.object_name();
    if let Err(error) = ports::call(&*world.objects, &name, &pressed).await {
        world.log.log(Level::Warn, "slack.link_press.not_stored", &[("person", &name), ("error", &error.0)]);
    }
}

fn log_refusal(world: &World, refusal: &Refusal) {
    world.log.log(Level::Info, "slack.not_allowed", &[("user", &refusal.user), ("channel", &refusal.channel)]);
}

fn tell_refused(world: &World, refusal: Refusal) -> Option<Deferred> {
    log_refusal(world, &refusal);
    if let Some(response_url) = refusal.response_url {
        return tell(world, response_url, messages::not_allowed());
    }
    let api = Api::new(world).ok()?;
    let log = world.log.clone();
    Some(Box::pin(async move {
        let Refusal { channel, user, thread_ts, .. } = refusal;
        let told = api.post_ephemeral(&channel, &user, thread_ts.as_deref(), &messages::not_allowed()).await;
        if let Err(error) = told {
            log.log(Level::Warn, "slack.not_told", &[("error", &error.to_string())]);
        }
    }))
}

fn tell(world: &World, response_url: String, message: Message) -> Option<Deferred> {
    let api = Api::new(world).ok()?;
    let log = world.log.clone();
    Some(Box::pin(async move {
        if let Err(error) = api.respond(&response_url.into(), &message, Respond::New).await {
            log.log(Level::Warn, "slack.not_told", &[("error", &error.to_string())]);
        }
    }))
}

fn empty() -> Response<Bytes> {
    Response::new(Bytes::new())
}

/// A response in plain text.
fn text(status: StatusCode, body: impl Into<Bytes>) -> Response<Bytes> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// A refusal that no retry would change: Slack is asked not to.
fn refused(status: StatusCode, sentence: &'static str) -> Response<Bytes> {
    let mut response = text(status, sentence);
    response.headers_mut().insert(HeaderName::from_static("x-slack-no-retry"), HeaderValue::from_static("1"));
    response
}

fn unavailable(retry_after: u32, sentence: impl Into<Bytes>) -> Response<Bytes> {
    let mut response = text(StatusCode::SERVICE_UNAVAILABLE, sentence);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry_after));
    response
}

/// A slash command's answer, for the person alone.
fn privately(message: &Message) -> Response<Bytes> {
    let body: Value = json!({"response_type": "ephemeral", "text": message.text, "blocks": message.blocks});
    let mut response = Response::new(Bytes::from(body.to_string()));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    response
}
