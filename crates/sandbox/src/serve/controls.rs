//! The controls that send something to the app, or wait.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use vedette_sandbox::{Click, Delivery, Say, Slash};

use super::{Server, now_ms, status};

/// `GET /sandbox/changes` answers after this long at the latest.
const LONGEST_WAIT: Duration = Duration::from_secs(25);
/// How often it looks.
const GLANCE: Duration = Duration::from_millis(40);

#[derive(Deserialize)]
struct Open {
    person: String,
    tab: Option<String>,
}

#[derive(Deserialize)]
struct AnyEvent {
    event: Value,
}

/// Answers everything under `/sandbox/`.
pub(super) async fn answer(server: &Arc<Server>, request: Request<Bytes>) -> Response<Bytes> {
    let path = request.uri().path().trim_end_matches('/').to_owned();
    let done = match (request.method(), path.as_str()) {
        (&Method::POST, "/sandbox/say") => say(server, &request).await,
        (&Method::POST, "/sandbox/slash") => slash(server, &request).await,
        (&Method::POST, "/sandbox/click") => click(server, &request).await,
        (&Method::POST, "/sandbox/open") => open(server, &request).await,
        (&Method::POST, "/sandbox/event") => event(server, &request).await,
        (&Method::GET, "/sandbox/changes") => {
            wait_for_change(server, &request).await;
            return server.sandbox.control(request, now_ms());
        }
        _ => return server.sandbox.control(request, now_ms()),
    };
    match done {
        Ok(body) => json_response(200, &body),
        Err(error) => json_response(400, &json!({"ok": false, "error": error})),
    }
}

async fn say(server: &Arc<Server>, request: &Request<Bytes>) -> Result<Value, String> {
    let say: Say = read(request)?;
    let (ts, deliveries) = server.sandbox.try_say(now_ms(), &say)?;
    let mut deliveries = deliveries.into_iter();
    let first = deliveries.next();
    for twin in deliveries {
        Arc::clone(server).deliver_later(twin, now_ms());
    }
    Ok(json!({"ok": true, "ts": ts, "delivery": report(server, first).await}))
}

async fn slash(server: &Arc<Server>, request: &Request<Bytes>) -> Result<Value, String> {
    let slash: Slash = read(request)?;
    let state = server.sandbox.state(None);
    let known = |list: &str, id: &str| {
        let list = state.get(list).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        list.iter().any(|one| one.get("id").and_then(Value::as_str) == Some(id))
    };
    if !known("people", &slash.person) {
        return Err("user_not_found".to_owned());
    }
    if !known("conversations", &slash.channel) {
        return Err("channel_not_found".to_owned());
    }
    let delivery = server.sandbox.slash(now_ms(), &slash);
    Ok(json!({"ok": true, "delivery": report(server, Some(delivery)).await}))
}

async fn click(server: &Arc<Server>, request: &Request<Bytes>) -> Result<Value, String> {
    let click: Click = read(request)?;
    let delivery = server.sandbox.click(now_ms(), &click)?;
    let link = server.sandbox.link(&click);
    let mut done = json!({"ok": true, "delivery": report(server, Some(delivery)).await});
    if let (Some(done), Some(link)) = (done.as_object_mut(), link) {
        done.insert("url".to_owned(), link.into());
    }
    Ok(done)
}

async fn open(server: &Arc<Server>, request: &Request<Bytes>) -> Result<Value, String> {
    let open: Open = read(request)?;
    let delivery = server.sandbox.open_app(now_ms(), &open.person, open.tab.as_deref().unwrap_or("home"))?;
    Ok(json!({"ok": true, "delivery": report(server, Some(delivery)).await}))
}

async fn event(server: &Arc<Server>, request: &Request<Bytes>) -> Result<Value, String> {
    let any: AnyEvent = read(request)?;
    let delivery = server.sandbox.event(now_ms(), &any.event);
    Ok(json!({"ok": true, "delivery": report(server, Some(delivery)).await}))
}

async fn report(server: &Arc<Server>, delivery: Option<Delivery>) -> Value {
    match delivery {
        Some(delivery) => Arc::clone(server).deliver(delivery).await.json(),
        None => Value::Null,
    }
}

async fn wait_for_change(server: &Server, request: &Request<Bytes>) {
    let query = request.uri().query().unwrap_or_default();
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    let since = pairs.find(|(name, _)| name == "since").and_then(|(_, value)| value.parse().ok()).unwrap_or(0_u64);
    let began = Instant::now();
    while server.sandbox.version() <= since && began.elapsed() < LONGEST_WAIT {
        sleep(GLANCE).await;
    }
}

fn read<T: for<'a> Deserialize<'a>>(request: &Request<Bytes>) -> Result<T, String> {
    serde_json::from_slice(request.body()).map_err(|error| error.to_string())
}

fn json_response(code: u16, body: &Value) -> Response<Bytes> {
    let mut response = status(code).map(|_| Bytes::from(body.to_string()));
    response.headers_mut().insert("content-type", http::HeaderValue::from_static("application/json"));
    response
}
