//! `POST /mcp[/{organization}[/{project}]]`: an HTTP request on its way to a method, and back.
//!
//! The steps, in this order, so that nothing is read before it is known who sent it, and nobody learns anything of a place
//! before they are known to see it:
//!
//! 1. The page that calls, if one does, may, else 403. A preflight ends here.
//! 2. The path is one of this door's, else 404.
//! 3. The method is POST, else 405: there are no sessions to stream or to end.
//! 4. The body is of a bounded size, else 413.
//! 5. The caller proves who they are, else 401.
//! 6. The skills that the URL names exist, else 400.
//! 7. The body says that it is JSON, else 415, and the response may be something we send, else 406.
//! 8. It is JSON, with one message or, in 2025-03-26, several, else 400.
//! 9. The caller sees the place of the path, else 404; only asked about when a message wants an answer.
//! 10. Each request keeps its era's rules, else 400, and is answered; what wants no answer gets 202.

use bytes::Bytes;
use futures::future::join_all;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use rmcp::model::JsonRpcError;
use serde::Serialize;
use serde_json::Value;
use url::Url;

use super::caller::authenticate;
use super::constraint::{Endpoint, Place, verify};
use super::media::{Form, accepted, json as sends_json};
use super::message::{Body, Broken, Message, read};
use super::refusal::Refusal;
use super::{Failure, Server, cors, dispatch, era};
use crate::ports::World;
use crate::sessions::calls::CredentialNeed;

/// The longest body that is read, in bytes: a call has some hundred.
pub const MAX_BODY: usize = 1024 * 1024;

/// Answers a request below `/mcp`; `segments` are what follows in its path.
pub async fn answer(world: &World, request: Request<Bytes>, origin: &Url, segments: &[&str]) -> Response<Bytes> {
    let (page, mut response) = match cors::origin(request.headers(), origin) {
        Err(refusal) => (None, refusal.into_response()), // 1
        Ok(page) if request.method() == Method::OPTIONS => (page, cors::preflight()),
        Ok(page) => (page, admitted(world, request, origin, segments).await.unwrap_or_else(Refusal::into_response)),
    };
    cors::permit(&mut response, page);
    response
}

async fn admitted(
    world: &World,
    request: Request<Bytes>,
    origin: &Url,
    segments: &[&str],
) -> Result<Response<Bytes>, Refusal> {
    let nowhere = || Refusal::new(StatusCode::NOT_FOUND, "Use /mcp, /mcp/organization or /mcp/organization/project.");
    let endpoint = Endpoint::read(origin, segments).ok_or_else(nowhere)?; // 2
    if request.method() != Method::POST {
        return Err(Refusal::method_not_allowed()); // 3
    }
    if request.body().len() > MAX_BODY {
        return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "The body is longer than 1 MiB.")); // 4
    }
    let headers = request.headers();
    let need = need(&endpoint, request.body());
    let mut caller = authenticate(world, headers, &endpoint, need).await?; // 5
    caller.skills = caller.skills.narrowed(request.uri())?; // 6
    sends_json(headers)?; // 7
    let form = accepted(headers)?;
    let body = read(request.body())?; // 8
    if matches!(body, Body::Row(_)) {
        era::of_row(headers)?;
    }
    let place = if wants_answer(&body) { verify(world, &caller, &endpoint).await? } else { Place::default() }; // 9
    let server = Server { world, caller: &caller, place: &place, endpoint: &endpoint };
    match body {
        // 10
        Body::One(message) => match answered(&server, headers, message).await? {
            Some((status, text)) => Ok(respond(status, &text, form)),
            None => Ok(quiet()),
        },
        Body::Row(messages) => {
            let all = join_all(messages.into_iter().map(|message| answered_in_row(&server, headers, message))).await;
            let all: Vec<String> = all.into_iter().filter_map(Result::transpose).collect::<Result<_, Refusal>>()?;
            Ok(if all.is_empty() { quiet() } else { respond(StatusCode::OK, &format!("[{}]", all.join(",")), form) })
        }
    }
}

/// Whether Sentry will be asked, judged by the body as it came: it is not read before it is known who sent it, and a wrong
/// guess costs one more call of the session.
fn need(endpoint: &Endpoint, body: &[u8]) -> CredentialNeed {
    let names = |method: &str| body.windows(method.len()).any(|part| part == method.as_bytes());
    match endpoint.limited() || names("tools/call") || names("resources/read") {
        true => CredentialNeed::Yes,
        false => CredentialNeed::No,
    }
}

fn wants_answer(body: &Body) -> bool {
    let wants = |message: &Result<Message, Broken>| matches!(message, Ok(Message::Request(_)));
    match body {
        Body::One(message) => wants(message),
        Body::Row(messages) => messages.iter().any(wants),
    }
}

/// The answer to one message, as JSON, and the status of a response that has nothing else.
async fn answered(
    server: &Server<'_>,
    headers: &HeaderMap,
    message: Result<Message, Broken>,
) -> Result<Option<(StatusCode, String)>, Refusal> {
    let request = match message {
        Ok(Message::Request(request)) => request,
        Ok(Message::Quiet) => return era::of_quiet(headers).map(|()| None),
        Err(Broken { id, error }) => return Ok(Some((StatusCode::BAD_REQUEST, text(&JsonRpcError::new(id, error))))),
    };
    let id = request.id.clone();
    let era = era::of(headers, &request).map_err(|refusal| refusal.answering(id.clone()))?;
    match dispatch::dispatch(server, &request, era).await {
        Ok(result) => {
            let response = format!(r#"{{"id":{},"jsonrpc":"2.0","result":{result}}}"#, text(&id));
            Ok(Some((StatusCode::OK, response)))
        }
        Err(Failure::Rpc(error)) => {
            let status = dispatch::status(&error, era);
            Ok(Some((status, text(&JsonRpcError::new(Some(id), error)))))
        }
        Err(Failure::Refused(refusal)) => Err(refusal.answering(id)),
    }
}

async fn answered_in_row(
    server: &Server<'_>,
    headers: &HeaderMap,
    message: Result<Message, Broken>,
) -> Result<Option<String>, Refusal> {
    if let Ok(Message::Request(request)) = &message
        && (request.method == "initialize" || request.params.get("_meta").is_some_and(has_version))
    {
        let sentence = "This cannot be part of a row of messages.";
        let error = rmcp::model::ErrorData::invalid_request(sentence, None);
        return Ok(Some(text(&JsonRpcError::new(Some(request.id.clone()), error))));
    }
    Ok(answered(server, headers, message).await?.map(|(_, text)| text))
}

fn has_version(meta: &Value) -> bool {
    meta.get("io.modelcontextprotocol/protocolVersion").is_some()
}

/// JSON of what has no form that could not be written.
fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn respond(status: StatusCode, body: &str, form: Form) -> Response<Bytes> {
    let events = form == Form::Events && status == StatusCode::OK;
    let text = if events { format!("event: message\ndata: {body}\n\n") } else { body.to_owned() };
    let mut response = Response::new(Bytes::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let kind = if events { "text/event-stream" } else { "application/json" };
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if events {
        headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    }
    response
}

fn quiet() -> Response<Bytes> {
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
        let of = |segments: &[&str], body: &str| need(&Endpoint::read(&origin, segments).unwrap(), body.as_bytes());
        for quiet in ["", "{}", r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#, r#"{"method":"initialize"}"#] {
            assert_eq!(of(&[], quiet), CredentialNeed::No, "{quiet}");
            assert_eq!(of(&["globex"], quiet), CredentialNeed::Yes, "a place is asked about");
        }
        for asking in [r#"{"method":"tools/call"}"#, r#"[{"method":"ping"},{"method":"resources/read"}]"#] {
            assert_eq!(of(&[], asking), CredentialNeed::Yes, "{asking}");
        }
    }
}
