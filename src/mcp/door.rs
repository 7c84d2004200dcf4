//! `POST /mcp[/{organization}[/{project}]]`: an HTTP request on its way to a method, and back.
//!
//! The steps, in this order, so that nothing is read before it is known who sent it, and nobody learns anything of a place
//! before they are known to see it:
//!
//! 1. The page that calls, if one does, may, else 403. A preflight ends here.
//! 2. The path is one of this door's, else 404.
//! 3. The method is POST, else 405: there are no sessions to stream or to end. A browser gets a page instead.
//! 4. The body is of a bounded size, else 413.
//! 5. The caller proves who they are, else 401, and does not ask too often, else 429.
//! 6. The skills that the URL names exist, else 400.
//! 7. The body says that it is JSON, else 415, and the response may be something we send, else 406.
//! 8. It is JSON, with one message or, in 2025-03-26, several, else 400.
//! 9. The caller sees the place of the path, else 404; only asked about when a message wants an answer.
//! 10. Each request keeps its era's rules, else 400, and is answered; what wants no answer gets 202. A request that wants
//!     progress is answered with a stream ([`super::progress`]).

use std::fmt::Display;

use bytes::Bytes;
use futures::StreamExt;
use futures::future::{Either, join_all, select};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use rmcp::model::{JsonRpcError, JsonRpcResponse, JsonRpcVersion2_0, ProgressToken};
use serde_json::{Value, json};
use url::Url;

use super::caller::{authenticate, count};
use super::constraint::{Endpoint, Place, Transport, verify};
use super::era::Era;
use super::media::{Form, accepted, json as sends_json, names_events, names_pages};
use super::message::{Body, Broken, Message, read};
use super::progress::{self, HOLD, Outcome, Told, Work};
use super::refusal::Refusal;
use super::{Failure, Server, cors, dispatch, era};
use crate::pages::{self, Page};
use crate::reply::Reply;
use crate::sessions::calls::CredentialNeed;
use crate::world::World;

/// The longest body that is read, in bytes: a call has some hundred. Small JSON can take much memory, so this bounds both.
pub const MAX_BODY: usize = crate::router::MAX_BODY;

/// Answers a request below `/mcp`; `segments` are what follows in its path.
pub async fn answer(world: &World, request: Request<Bytes>, origin: &Url, segments: &[&str]) -> Reply {
    let era = era::of_refusal(request.headers());
    let refused = |refusal: Refusal| refusal.of_era(era).into_response().into();
    let (page, mut reply) = match cors::origin(request.uri(), request.headers()) {
        Err(refusal) => (None, refused(refusal)), // 1
        Ok(page) if request.method() == Method::OPTIONS => (page, cors::preflight().into()),
        Ok(page) if is_opened(&request) => {
            (page, Endpoint::read(origin, segments).map_or_else(pages::not_found, opened).into_response().into())
        }
        Ok(page) => {
            let reply = admitted(world, request, origin, segments).await;
            (page, reply.unwrap_or_else(refused))
        }
    };
    cors::permit(&mut reply.response, page);
    reply
}

/// Whether a person opened the address in a browser.
pub(super) fn is_opened(request: &Request<Bytes>) -> bool {
    matches!(*request.method(), Method::GET | Method::HEAD) && names_pages(request.headers())
}

/// What they see there.
pub(super) fn opened(endpoint: Endpoint) -> Page {
    let newer = (endpoint.transport == Transport::Legacy).then(|| endpoint.newer_url());
    pages::endpoint::endpoint(&endpoint.url(), endpoint.place().as_deref(), newer.as_deref())
}

async fn admitted(world: &World, request: Request<Bytes>, origin: &Url, segments: &[&str]) -> Result<Reply, Refusal> {
    let nowhere = || Refusal::new(StatusCode::NOT_FOUND, "Use /mcp, /mcp/organization or /mcp/organization/project.");
    let endpoint = Endpoint::read(origin, segments).ok_or_else(nowhere)?; // 2
    if request.method() != Method::POST {
        return Err(Refusal::method_not_allowed()); // 3
    }
    if request.body().len() > MAX_BODY {
        return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "The body is longer than 64 KiB.")); // 4
    }
    let headers = request.headers();
    let need = need(&endpoint, headers);
    let mut caller = authenticate(world, headers, &endpoint, need).await?; // 5
    caller.skills = caller.skills.narrowed(request.uri())?; // 6
    sends_json(headers)?; // 7
    let form = accepted(headers)?;
    let body = read(request.body())?; // 8
    if matches!(body, Body::Row(_)) {
        era::of_row(headers)?;
    }
    let place = if wants_answer(&body) { verify(world, &caller, &endpoint).await? } else { Place::default() }; // 9
    // 10
    if let Body::One(Ok(Message::Request(request))) = &body
        && let Some(token) = progress::token(request).filter(|_| names_events(headers))
    {
        let (request, world) = (request.clone(), world.clone());
        let era = era::of(headers, &request).map_err(|refusal| refusal.answering(request.id.clone()))?;
        return told(Work { world, caller, place, endpoint, request, era }, token, form).await;
    }
    let server = Server { world, caller: &caller, place: &place, endpoint: &endpoint };
    if let Body::One(Ok(Message::Request(request))) = &body
        && let Some(text) = written(&server, headers, request)
    {
        return Ok(respond(StatusCode::OK, &text, form).into());
    }
    match body {
        Body::One(message) => match answered_one(&server, headers, message).await? {
            Some((status, body)) => Ok(respond(status, &body, form).into()),
            None => Ok(quiet().into()),
        },
        Body::Row(messages) => {
            // The first message is counted with its request.
            let further = messages.iter().skip(1).map(|_| count(world, &caller.key));
            join_all(further).await.into_iter().collect::<Result<(), Refusal>>()?;
            let all = join_all(messages.into_iter().map(|message| answered_in_row(&server, headers, message))).await;
            let all: Vec<Value> = all.into_iter().filter_map(Result::transpose).collect::<Result<_, Refusal>>()?;
            let response = if all.is_empty() { quiet() } else { respond(StatusCode::OK, &Value::Array(all), form) };
            Ok(response.into())
        }
    }
}

/// Does what wants progress. What ends while its status can still be told is sent whole; the rest is a stream.
async fn told(work: Work, token: ProgressToken, form: Form) -> Result<Reply, Refusal> {
    let (clock, id, era) = (work.world.ports.clock.clone(), work.request.id.clone(), work.era);
    let key = progress::key(&work.caller, &work.endpoint, &work.request);
    let mut told = work.told(token);
    let mut so_far = String::new();
    let mut hold = clock.sleep(HOLD);
    loop {
        match select(told.next(), &mut hold).await {
            Either::Left((Some(Told::Step(step)), _)) => so_far.push_str(&event(&step)),
            Either::Left((Some(Told::Done(outcome)), _)) => {
                let (status, body) = outcome?;
                if so_far.is_empty() {
                    return Ok(respond(status, &body, form).into());
                }
                let mut response = start_of_events();
                *response.body_mut() = Bytes::from(so_far + &event(&body));
                return Ok(response.into());
            }
            Either::Left((None, _)) => return Err(Refusal::unavailable("The work ended without an answer.", 1)),
            Either::Right(_) => break,
        }
    }
    drop(hold);
    let rest = told.map(move |told| match told {
        Told::Step(step) => Bytes::from(event(&step)),
        Told::Done(Ok((_, body))) => Bytes::from(event(&body)),
        Told::Done(Err(refusal)) => {
            progress::too_late(key, &refusal, clock.now());
            Bytes::from(event(&refusal.of_era(era).answering(id.clone()).into_message()))
        }
    });
    let begun = futures::stream::once(async { Bytes::from(so_far + ": waiting\n\n") });
    Ok(Reply::streaming(start_of_events(), begun.chain(rest).boxed_local()))
}

/// Whether Sentry will be asked, as far as the address and the headers tell: the body is not read before it is known who
/// sent it, and a wrong guess costs one more call of the session.
fn need(endpoint: &Endpoint, headers: &HeaderMap) -> CredentialNeed {
    match era::named_method(headers) {
        _ if endpoint.limited() => CredentialNeed::Yes,
        Some("tools/call" | "resources/read") => CredentialNeed::Yes,
        Some(_) => CredentialNeed::No,
        None => CredentialNeed::Perhaps,
    }
}

/// The response to a request whose result is known in writing.
fn written(server: &Server<'_>, headers: &HeaderMap, request: &super::message::Request) -> Option<String> {
    let result = dispatch::written(server, request, era::of(headers, request).ok()?)?;
    Some(format!(r#"{{"id":{},"jsonrpc":"2.0","result":{result}}}"#, json!(request.id)))
}

fn wants_answer(body: &Body) -> bool {
    let wants = |message: &Result<Message, Broken>| matches!(message, Ok(Message::Request(_)));
    match body {
        Body::One(message) => wants(message),
        Body::Row(messages) => messages.iter().any(wants),
    }
}

/// The answer to one message, and the status of a response that has nothing else.
async fn answered_one(
    server: &Server<'_>,
    headers: &HeaderMap,
    message: Result<Message, Broken>,
) -> Result<Option<(StatusCode, Value)>, Refusal> {
    let request = match message {
        Ok(Message::Request(request)) => request,
        Ok(Message::Quiet) => return era::of_quiet(headers).map(|()| None),
        Err(Broken { id, error }) => return Ok(Some((StatusCode::BAD_REQUEST, json!(JsonRpcError::new(id, error))))),
    };
    let era = era::of(headers, &request).map_err(|refusal| refusal.answering(request.id.clone()))?;
    answered(server, &request, era).await.map(Some)
}

/// The answer to one request.
pub(super) async fn answered(server: &Server<'_>, request: &super::message::Request, era: Era) -> Outcome {
    let id = request.id.clone();
    let key = progress::key(server.caller, server.endpoint, request);
    if let Some(refusal) = progress::known_refusal(key, server.world.ports.clock.now()) {
        return Err(refusal.answering(id));
    }
    match dispatch::dispatch(server, request, era).await {
        Ok(result) => {
            let response = JsonRpcResponse { jsonrpc: JsonRpcVersion2_0, id, result };
            Ok((StatusCode::OK, json!(response)))
        }
        Err(Failure::Rpc(error)) => {
            let status = dispatch::status(&error, era);
            Ok((status, json!(JsonRpcError::new(Some(id), error))))
        }
        Err(Failure::Refused(refusal)) => Err(refusal.answering(id)),
    }
}

async fn answered_in_row(
    server: &Server<'_>,
    headers: &HeaderMap,
    message: Result<Message, Broken>,
) -> Result<Option<Value>, Refusal> {
    if let Ok(Message::Request(request)) = &message
        && (request.method == "initialize" || request.params.get("_meta").is_some_and(has_version))
    {
        let sentence = "This cannot be part of a row of messages.";
        let error = rmcp::model::ErrorData::invalid_request(sentence, None);
        return Ok(Some(json!(JsonRpcError::new(Some(request.id.clone()), error))));
    }
    Ok(answered_one(server, headers, message).await?.map(|(_, body)| body))
}

fn has_version(meta: &Value) -> bool {
    meta.get("io.modelcontextprotocol/protocolVersion").is_some()
}

fn respond(status: StatusCode, body: &impl Display, form: Form) -> Response<Bytes> {
    if form == Form::Events && status == StatusCode::OK {
        let mut response = start_of_events();
        *response.body_mut() = Bytes::from(event(body));
        return response;
    }
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A message as an event.
fn event(message: &impl Display) -> String {
    format!("event: message\ndata: {message}\n\n")
}

/// A response whose body is events.
pub(super) fn start_of_events() -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response
}

pub(super) fn quiet() -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::ACCEPTED;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_comes_with_what_asks_sentry_and_with_nothing_else() {
        let origin = Url::parse("https://vedette.example.com").unwrap();
        let of = |segments: &[&str], method: Option<&'static str>| {
            let named = method.map(|method| (HeaderName::from_static("mcp-method"), HeaderValue::from_static(method)));
            need(&Endpoint::read(&origin, segments).unwrap(), &named.into_iter().collect())
        };
        assert_eq!(of(&[], None), CredentialNeed::Perhaps, "earlier revisions name no method");
        for quiet in ["tools/list", "server/discover", "prompts/get"] {
            assert_eq!(of(&[], Some(quiet)), CredentialNeed::No, "{quiet}");
            assert_eq!(of(&["globex"], Some(quiet)), CredentialNeed::Yes, "a place is asked about");
        }
        for asking in ["tools/call", "resources/read"] {
            assert_eq!(of(&[], Some(asking)), CredentialNeed::Yes, "{asking}");
        }
    }
}
