//! The sandbox's own controls, under `/sandbox/`.
//!
//! | Route | What it does |
//! |---|---|
//! | `GET /sandbox/health` | says that all is well |
//! | `GET /sandbox/state[?person=U…]` | what there is to show |
//! | `GET /sandbox/changes?since=V` | the version (the binary holds it back until it exceeds V) |
//! | `GET`, `POST`, `DELETE /sandbox/faults[/ID]` | lists, adds, removes faults |
//! | `POST /sandbox/sentry/tokens` | `{action:"expire_in",seconds}`, `{action:"revoke_all"}`, `{action:"narrow",scopes}`, each of which may name an `account`; `{action:"next_life",seconds}`: how long the tokens live that are issued next; `{action:"life",seconds}`: how long all live that are issued from now on |
//! | `POST /sandbox/sentry/auto_approve` | `{account}`, or null to show the consent page again |
//! | `GET /sandbox/sentry/log`, `GET /sandbox/slack/log` | what was requested |
//! | `GET`, `POST /sandbox/pages` | what was asked for beyond Sentry and Slack; `{url, page: {status, headers, body, delay_ms, fault}}` puts a page at an address, and without a page takes it away |
//! | `GET /sandbox/secrets` | every secret that was issued |
//! | `POST /sandbox/invite`, `POST /sandbox/kick` | `{channel, user}`; without a user, the bot |
//! | `POST /sandbox/reset` | begins again |
//!
//! `say`, `slash`, `click`, `open` and `event` send something to the app, so the binary answers them.

use bytes::Bytes;
use http::{Method, Request, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::faults::Fault;
use crate::form::{self, Pairs};
use crate::slack::people::{self, BOT_USER};
use crate::{Sandbox, exchange};

/// What can be done to the Sentry tokens that were issued.
#[derive(Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
enum TokenAction {
    ExpireIn { seconds: i64, account: Option<String> },
    RevokeAll { account: Option<String> },
    Narrow { scopes: std::collections::BTreeSet<String>, account: Option<String> },
    NextLife { seconds: i64 },
    Life { seconds: i64 },
}

#[derive(Deserialize)]
struct Membership {
    channel: String,
    user: Option<String>,
}

/// What stands at an address; without `page`, nothing any more.
#[derive(Deserialize)]
struct PutPage {
    url: String,
    page: Option<crate::Page>,
}

#[derive(Deserialize)]
struct AutoApprove {
    account: Option<String>,
}

type Refused = Response<Bytes>;

/// Answers one request.
pub(crate) fn answer(sandbox: &Sandbox, request: &Request<Bytes>, now_ms: i64) -> Response<Bytes> {
    sandbox.lock().now_ms = now_ms;
    match route(sandbox, request, now_ms) {
        Ok(body) => exchange::json(200, &body),
        Err(refused) => refused,
    }
}

fn route(sandbox: &Sandbox, request: &Request<Bytes>, now_ms: i64) -> Result<Value, Refused> {
    let segments = form::segments(request.uri().path());
    let path: Vec<&str> = segments.iter().skip(1).map(String::as_str).collect();
    let (get, post, delete) = (&Method::GET, &Method::POST, &Method::DELETE);
    match (request.method(), path.as_slice()) {
        (method, ["health"]) if method == get => Ok(json!({"ok": true, "version": sandbox.version()})),
        (method, ["state"]) if method == get => state(sandbox, request),
        (method, ["changes"]) if method == get => Ok(json!({"version": sandbox.version()})),
        (method, ["faults"]) if method == get => Ok(json!({"faults": sandbox.lock().faults.list()})),
        (method, ["faults"]) if method == post => {
            let fault: Fault = body(request)?;
            Ok(json!({"ok": true, "id": sandbox.add_fault(fault)}))
        }
        (method, ["faults"]) if method == delete => {
            sandbox.clear_faults();
            Ok(json!({"ok": true}))
        }
        (method, ["faults", id]) if method == get => {
            let state = sandbox.lock();
            let fault = state.faults.list().iter().find(|fault| fault.id == *id);
            fault.map(|fault| json!(fault)).ok_or_else(|| refused(404, "fault_not_found"))
        }
        (method, ["faults", id]) if method == delete => match sandbox.remove_fault(id) {
            true => Ok(json!({"ok": true})),
            false => Err(refused(404, "fault_not_found")),
        },
        (method, ["sentry", "tokens"]) if method == post => tokens(sandbox, body(request)?, now_ms),
        (method, ["sentry", "auto_approve"]) if method == post => {
            let wanted: AutoApprove = body(request)?;
            sandbox.auto_approve(wanted.account.as_deref());
            Ok(json!({"ok": true}))
        }
        (method, ["sentry", "log"]) if method == get => {
            let view = sandbox.sentry();
            Ok(json!({
                "requests": view.requests, "refreshes": view.refreshes, "counters": view.counters,
                "unhandled": view.unhandled(),
            }))
        }
        (method, ["slack", "log"]) if method == get => {
            let view = sandbox.slack();
            Ok(json!({"calls": view.calls, "unhandled": view.unhandled, "deliveries": view.deliveries}))
        }
        (method, ["pages"]) if method == post => {
            let wanted: PutPage = body(request)?;
            sandbox.put_page(&wanted.url, wanted.page);
            Ok(json!({"ok": true}))
        }
        (method, ["pages"]) if method == get => Ok(json!({"visits": sandbox.visits()})),
        (method, ["secrets"]) if method == get => {
            let secrets = sandbox.secrets();
            let values: Vec<&str> = secrets.iter().map(|secret| secret.value.as_str()).collect();
            Ok(json!({"secrets": secrets, "values": values}))
        }
        (method, ["invite"]) if method == post => membership(sandbox, &body(request)?, true),
        (method, ["kick"]) if method == post => membership(sandbox, &body(request)?, false),
        (method, ["reset"]) if method == post => {
            sandbox.reset();
            Ok(json!({"ok": true, "version": sandbox.version()}))
        }
        (_, ["health" | "state" | "changes" | "faults" | "pages" | "secrets" | "invite" | "kick" | "reset", ..])
        | (_, ["sentry", "tokens" | "auto_approve" | "log"] | ["slack", "log"]) => {
            Err(refused(405, "method_not_allowed"))
        }
        (_, ["say" | "slash" | "click" | "open" | "event"]) => Err(refused(501, "only_the_binary_sends")),
        _ => Err(refused(404, "no_such_control")),
    }
}

fn refused(status: u16, error: &str) -> Refused {
    exchange::json(status, &json!({"ok": false, "error": error}))
}

fn body<T: for<'a> Deserialize<'a>>(request: &Request<Bytes>) -> Result<T, Refused> {
    serde_json::from_slice(request.body()).map_err(|error| refused(400, &error.to_string()))
}

fn state(sandbox: &Sandbox, request: &Request<Bytes>) -> Result<Value, Refused> {
    let query = Pairs::of_query(request.uri());
    match query.get("person").filter(|person| !person.is_empty()) {
        Some(person) if people::person(person).is_none() => Err(refused(404, "user_not_found")),
        person => Ok(sandbox.state(person)),
    }
}

fn tokens(sandbox: &Sandbox, action: TokenAction, now_ms: i64) -> Result<Value, Refused> {
    let mut state = sandbox.lock();
    state.version += 1;
    let tokens = &mut state.sentry.tokens;
    let concerned = match action {
        TokenAction::ExpireIn { seconds, account } => {
            tokens.expire_in(account.as_deref(), now_ms.saturating_add(seconds.saturating_mul(1000)))
        }
        TokenAction::RevokeAll { account } => tokens.revoke_all(account.as_deref()),
        TokenAction::Narrow { scopes, account } => tokens.narrow(account.as_deref(), &scopes),
        TokenAction::NextLife { seconds } => {
            tokens.set_next_life(seconds.saturating_mul(1000));
            0
        }
        TokenAction::Life { seconds } => {
            tokens.set_life(seconds.saturating_mul(1000));
            0
        }
    };
    Ok(json!({"ok": true, "tokens": concerned}))
}

fn membership(sandbox: &Sandbox, wanted: &Membership, inside: bool) -> Result<Value, Refused> {
    let user = wanted.user.as_deref().unwrap_or(BOT_USER);
    let done = match inside {
        true => sandbox.invite(&wanted.channel, user),
        false => sandbox.lock().slack.kick(&wanted.channel, user),
    };
    if done { Ok(json!({"ok": true})) } else { Err(refused(404, "channel_or_user_not_found")) }
}
