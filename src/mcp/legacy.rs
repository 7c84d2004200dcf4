//! `GET /sse[/{organization}[/{project}]]`: HTTP with SSE, the transport of 2024-11-05, for clients that know no other.
//!
//! A client opens a stream, is told on it where to send its messages, and reads their answers on it. The stream is held by a
//! Stream object ([`super::pipe`]); everything else is as on `/mcp`: each message proves anew who sends it, and is answered
//! by the same methods with the same limits, in the Worker that took it.
//!
//! The address of messages is the stream's own with `?stream=<name>`. The name is `base64url(id (16) ‖ MAC (16))`; the MAC is
//! over the id, who opened the stream and at which path. So a name that is guessed, made up, or somebody else's is refused
//! before an object is called (P17).
//!
//! Opening: (1) the page that calls may; (2) the path is one of this door's; (3) the caller proves who they are; (4) the
//! skills exist, a stream may be sent, and they do not open too many; (5) the caller sees the place; (6) the object opens.
//!
//! A message: (1) to (4) as above, with a body of a bounded size, in JSON; (5) the stream is the caller's and is there, else
//! 404; (6) 202, and the answer comes on the stream, within 25 seconds. A POST that names no stream gets 405, on which
//! clients that tried Streamable HTTP first go on to GET (2025-03-26, "Backwards Compatibility").

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use futures::future::{Either, select};
use http::{HeaderValue, Method, Request, StatusCode, header};
use rmcp::model::{ErrorData, JsonRpcError};
use serde_json::{Value, json};
use url::{Url, form_urlencoded};

use super::caller::{Caller, authenticate};
use super::constraint::{Endpoint, Place, verify};
use super::cors;
use super::door::{MAX_BODY, is_opened, opened, quiet, start_of_events};
use super::era::Era;
use super::media;
use super::message::{Body, Broken, Message, read};
use super::pipe::{OPEN, Open, Push, Pushed};
use super::progress::{self, Outcome, Told, Work};
use super::refusal::Refusal;
use crate::crypto::{KeyRing, Purpose, base64url, from_base64url, random_bytes};
use crate::limits;
use crate::pages;
use crate::ports::{self, Level};
use crate::reply::Reply;
use crate::sessions::calls::CredentialNeed;
use crate::world::World;

/// The platform ends what goes on after a response when 30 s are over; the answer that says so must come before.
const DEADLINE: Duration = Duration::from_secs(25);
/// When to try again what an object could not do, in seconds.
const RETRY: u64 = 5;
/// The parameter with the stream's name.
const STREAM: &str = "stream";
const ID: usize = 16;

/// Answers a request below `/sse`; `segments` are what follows in its path.
pub async fn answer(world: &World, request: Request<Bytes>, origin: &Url, segments: &[&str]) -> Reply {
    let (page, mut reply) = match cors::origin(request.uri(), request.headers()) {
        Err(refusal) => (None, refusal.into_response().into()),
        Ok(page) if request.method() == Method::OPTIONS => {
            let mut response = cors::preflight();
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, POST, OPTIONS"));
            (page, response.into())
        }
        Ok(page) if is_opened(&request) && parameter(&request).is_none() => {
            let shown = Endpoint::legacy(origin, segments).map_or_else(pages::not_found, opened);
            (page, shown.into_response().into())
        }
        Ok(page) => {
            let reply = admitted(world, request, origin, segments).await;
            (page, reply.unwrap_or_else(|refusal| refusal.into_response().into()))
        }
    };
    cors::permit(&mut reply.response, page);
    reply
}

async fn admitted(world: &World, request: Request<Bytes>, origin: &Url, segments: &[&str]) -> Result<Reply, Refusal> {
    let nowhere = || Refusal::new(StatusCode::NOT_FOUND, "Use /sse, /sse/organization or /sse/organization/project.");
    let endpoint = Endpoint::legacy(origin, segments).ok_or_else(nowhere)?; // 2
    let stream = parameter(&request);
    match (request.method(), stream) {
        (&Method::GET, None) => open(world, &request, endpoint).await,
        (&Method::POST, Some(stream)) => message(world, &request, endpoint, &stream).await,
        _ => Err(Refusal::only_a_stream()),
    }
}

async fn open(world: &World, request: &Request<Bytes>, endpoint: Endpoint) -> Result<Reply, Refusal> {
    let caller = admit(world, request, &endpoint).await?; // 3, 4
    if !media::takes_events(request.headers()) {
        return Err(Refusal::new(StatusCode::NOT_ACCEPTABLE, "Accept `text/event-stream`."));
    }
    limits::count(world, &limits::STREAMS, &hex::encode(caller.key)).await.map_err(Refusal::too_many)?;
    verify(world, &caller, &endpoint).await?; // 5
    let keys = keys(world)?;
    let id = random_bytes::<ID>(&*world.ports.random);
    let mac = keys.sign_truncated(Purpose::Stream, &content(&id, &caller, &endpoint));
    let name = base64url(&[id, mac].concat());
    let open = Open { endpoint: format!("{}?{}{STREAM}={name}", endpoint.path(), kept(request)) };
    let body = serde_json::to_vec(&open).unwrap_or_default();
    let stream =
        world.objects.open(&object_name(&id), OPEN, body).await.map_err(|error| unavailable(world, &error.0))?; // 6
    Ok(Reply::streaming(start_of_events(), stream))
}

async fn message(world: &World, request: &Request<Bytes>, endpoint: Endpoint, stream: &str) -> Result<Reply, Refusal> {
    if request.body().len() > MAX_BODY {
        return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "The body is longer than 64 KiB."));
    }
    let caller = admit(world, request, &endpoint).await?; // 3, 4
    media::json(request.headers())?;
    let object = stream_of(world, stream, &caller, &endpoint)?; // 5
    let message = match read(request.body())? {
        Body::One(message) => message,
        Body::Row(_) => {
            let error = ErrorData::invalid_request("One message in a body, not a row of them.", None);
            return Err(Refusal::with(StatusCode::BAD_REQUEST, error));
        }
    };
    match push(world, &object, None).await? {
        Pushed::Yes => {}
        Pushed::Full => return Err(Refusal::unavailable("Too many answers wait on this stream: read them.", RETRY)),
        Pushed::Gone => return Err(gone()),
    }
    let request = match message {
        Ok(Message::Request(request)) => request,
        Ok(Message::Quiet) => return Ok(quiet().into()),
        Err(Broken { id, error }) => {
            let broken = json!(JsonRpcError::new(id, error));
            push(world, &object, Some(broken)).await?;
            return Ok(quiet().into());
        }
    };
    let world = world.clone();
    let deferred = async move {
        let answered = answered(&world, caller, endpoint, request, &object).await;
        if let Err(lost) = push(&world, &object, Some(answered)).await.and_then(arrived) {
            world.ports.log.log(Level::Info, "mcp.stream.lost", &[("status", lost.status.as_str())]);
        }
    };
    Ok(Reply::deferring(quiet(), Some(Box::pin(deferred)))) // 6
}

/// The answer to one request, with its progress on the stream before it.
async fn answered(
    world: &World,
    caller: Caller,
    endpoint: Endpoint,
    request: super::message::Request,
    object: &str,
) -> Value {
    let id = request.id.clone();
    let work = async {
        let place: Place = verify(world, &caller, &endpoint).await?;
        let token = progress::token(&request);
        let work = Work { world: world.clone(), caller, place, endpoint, request, era: Era::Legacy };
        let Some(token) = token else { return work.done().await };
        let mut told = work.told(token);
        let mut outcome: Outcome = Err(Refusal::unavailable("The work ended without an answer.", RETRY));
        while let Some(told) = told.next().await {
            match told {
                Told::Step(step) => push(world, object, Some(step)).await.and_then(arrived)?,
                Told::Done(done) => outcome = done,
            }
        }
        outcome
    };
    let outcome = match select(pin!(work), pin!(world.ports.clock.sleep(DEADLINE))).await {
        Either::Left((outcome, _)) => outcome,
        Either::Right(_) => Err(Refusal::unavailable("This took longer than 25 seconds. Ask for less at once.", RETRY)),
    };
    match outcome {
        Ok((_, body)) => body,
        Err(refusal) => refusal.answering(id).into_message(),
    }
}

/// Who calls, with the skills that the address leaves them.
async fn admit(world: &World, request: &Request<Bytes>, endpoint: &Endpoint) -> Result<Caller, Refusal> {
    let mut caller = authenticate(world, request.headers(), endpoint, CredentialNeed::Yes).await?;
    caller.skills = caller.skills.narrowed(request.uri())?;
    Ok(caller)
}

async fn push(world: &World, object: &str, message: Option<Value>) -> Result<Pushed, Refusal> {
    let push = Push { message: message.map(|message| message.to_string()) };
    ports::call(&*world.objects, object, &push).await.map_err(|error| unavailable(world, &error.0))
}

fn arrived(pushed: Pushed) -> Result<(), Refusal> {
    match pushed {
        Pushed::Yes => Ok(()),
        Pushed::Gone | Pushed::Full => Err(gone()),
    }
}

fn gone() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "This stream has ended or is not yours. Open another with GET.")
}

fn unavailable(world: &World, error: &str) -> Refusal {
    world.ports.log.log(Level::Error, "stream_unavailable", &[("error", error)]);
    Refusal::unavailable("The stream could not be reached.", RETRY)
}

fn keys(world: &World) -> Result<KeyRing, Refusal> {
    Ok(KeyRing::new(world.config.root_secrets.clone().map_err(Refusal::not_configured)?))
}

/// What the MAC is over: two parts of fixed length, then the path.
fn content(id: &[u8; ID], caller: &Caller, endpoint: &Endpoint) -> Vec<u8> {
    [id.as_slice(), &caller.key, endpoint.path().as_bytes()].concat()
}

fn object_name(id: &[u8; ID]) -> String {
    format!("stream:{}", base64url(id))
}

/// The object of the stream called `name`, if this caller opened it here.
fn stream_of(world: &World, name: &str, caller: &Caller, endpoint: &Endpoint) -> Result<String, Refusal> {
    let read = || {
        let bytes: [u8; 2 * ID] = from_base64url(name).filter(|_| name.len() <= 64)?.try_into().ok()?;
        let (id, mac) = bytes.split_first_chunk::<ID>()?;
        Some((*id, *mac.first_chunk::<ID>()?))
    };
    let (id, mac) = read().ok_or_else(gone)?;
    let ours = keys(world)?.verify_truncated(Purpose::Stream, &content(&id, caller, endpoint), &mac);
    if ours { Ok(object_name(&id)) } else { Err(gone()) }
}

fn parameter(request: &Request<Bytes>) -> Option<String> {
    let query = request.uri().query().unwrap_or_default();
    form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == STREAM).map(|(_, value)| value.into_owned())
}

/// The rest of the address that was opened (`?skills=…`), for its messages to carry.
fn kept(request: &Request<Bytes>) -> String {
    request.uri().query().filter(|query| !query.is_empty()).map(|query| format!("{query}&")).unwrap_or_default()
}
