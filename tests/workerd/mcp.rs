//! The MCP door over real HTTP: the SDK's types and the caches work in the built Worker.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use vedette::limits::{self, Limit};
use vedette::mcp::door::MAX_BODY;
use vedette_sandbox::OPERATOR_TOKEN;

use crate::clients::access_token;
use crate::rig::{Answer, Rig, Setup};

const BOTH: &str = "application/json, text/event-stream";
const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;

fn sentry_bearer() -> String {
    format!("Sentry-Bearer {OPERATOR_TOKEN}")
}

/// A POST of the operator's, with these headers instead of the usual ones.
fn post(rig: &Rig, changes: &[(&str, &str)], body: &str) -> Answer {
    let authorization = sentry_bearer();
    let usual = [("content-type", "application/json"), ("accept", BOTH), ("authorization", authorization.as_str())];
    let changed = |name: &str| changes.iter().any(|(known, _)| *known == name);
    let headers: Vec<(&str, &str)> =
        usual.into_iter().filter(|(name, _)| !changed(name)).chain(changes.iter().copied()).collect();
    rig.send("POST", &format!("{}/mcp", rig.app), &headers, body.as_bytes())
}

/// The status of a POST that does not say how long its body is.
fn chunked(rig: &Rig, body: &str) -> u16 {
    let host = rig.app.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(40))).unwrap();
    let head = format!(
        "POST /mcp HTTP/1.1\r\nhost: {host}\r\nauthorization: {}\r\naccept: {BOTH}\r\ncontent-type: application/json\r\n\
         transfer-encoding: chunked\r\n\r\n{:x}\r\n",
        sentry_bearer(),
        body.len()
    );
    stream.write_all([&head, body, "\r\n0\r\n\r\n"].concat().as_bytes()).unwrap();
    let mut read = Vec::new();
    let mut piece = [0; 4096];
    while !read.contains(&b'\r') {
        let length = stream.read(&mut piece).unwrap();
        assert!(length > 0, "it ended without an answer");
        read.extend_from_slice(&piece[..length]);
    }
    let line = String::from_utf8_lossy(&read).into_owned();
    line.split(' ').nth(1).unwrap().parse().unwrap_or_else(|_| panic!("{line}"))
}

fn ask(rig: &Rig, path: &str, accept: &str, message: &Value) -> Answer {
    let authorization = format!("Sentry-Bearer {OPERATOR_TOKEN}");
    let headers = [("content-type", "application/json"), ("accept", accept), ("authorization", authorization.as_str())];
    rig.send("POST", &format!("{}{path}", rig.app), &headers, message.to_string().as_bytes())
}

#[test]
fn a_client_with_a_sentry_token_initializes_lists_calls_and_is_limited_to_its_place() {
    let rig = Rig::start();
    let both = "application/json, text/event-stream";
    let request =
        |method: &str, params: Value| json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let hello = ask(&rig, "/mcp", both, &request("initialize", json!({ "protocolVersion": "2025-11-25" })));
    assert_eq!(hello.json()["result"]["protocolVersion"], "2025-11-25");
    let quiet = ask(&rig, "/mcp", both, &json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
    assert_eq!((quiet.status, quiet.body.as_str()), (202, ""));
    let tools = ask(&rig, "/mcp/globex", both, &request("tools/list", json!({})));
    assert_eq!(tools.json()["result"]["tools"].as_array().map(Vec::len), Some(4), "{}", tools.body);
    let search = json!({ "name": "search_issues", "arguments": { "organizationSlug": "elsewhere" } });
    let found = ask(&rig, "/mcp/globex/checkout-api", "text/event-stream", &request("tools/call", search));
    assert_eq!(found.header("content-type"), Some("text/event-stream"));
    assert!(found.body.starts_with("event: message\ndata: {") && found.body.ends_with("\n\n"), "{}", found.body);
    assert!(found.body.contains("CHECKOUT-API-4F"), "{}", found.body);

    let nobody = rig.send("POST", &format!("{}/mcp", rig.app), &[("content-type", "application/json")], b"{}");
    assert_eq!(nobody.status, 401);
    assert!(
        nobody.header("www-authenticate").is_some_and(|it| it.contains("/.well-known/oauth-protected-resource/mcp"))
    );
    let preflight = rig.send("OPTIONS", &format!("{}/mcp", rig.app), &[("origin", "http://localhost:6274")], b"");
    assert_eq!(
        (preflight.status, preflight.header("access-control-allow-origin")),
        (204, Some("http://localhost:6274"))
    );
    assert_eq!(rig.get(&format!("{}/mcp", rig.app), &[]).status, 405);
}

#[test]
fn a_body_that_is_too_long_is_a_413_whether_or_not_its_length_is_told() {
    let rig = Rig::start();
    let padded = |length: usize| format!("{PING}{}", " ".repeat(length - PING.len()));
    let (longest, longer) = (padded(MAX_BODY), padded(MAX_BODY + 1));
    assert_eq!(post(&rig, &[], &longest).status, 200);
    let refused = post(&rig, &[], &longer);
    assert_eq!((refused.status, refused.header("cache-control")), (413, Some("no-store")));
    assert!(refused.json()["error"]["code"].is_i64(), "{}", refused.body);
    assert_eq!([chunked(&rig, PING), chunked(&rig, &longest), chunked(&rig, &longer)], [200, 200, 413]);
}

#[test]
fn what_is_no_json_what_accepts_none_and_a_foreign_page_are_refused() {
    let rig = Rig::start();
    for (changes, status) in [
        (("content-type", "text/plain"), 415),
        (("content-type", "application/x-www-form-urlencoded"), 415),
        (("accept", "text/html"), 406),
        (("origin", "http://rebound.example"), 403),
        (("origin", "http://192.0.2.1"), 403),
    ] {
        let refused = post(&rig, &[changes], PING);
        assert_eq!(refused.status, status, "{changes:?}: {}", refused.body);
        assert!(refused.json()["error"]["message"].is_string(), "{}", refused.body);
        assert_eq!(refused.header("access-control-allow-origin"), None, "{changes:?}");
    }
    // A page over https, an app's page, and a frame without an origin, at a server on this machine.
    for origin in ["https://inspector.example", "tauri://localhost", "vscode-webview://panel", "null"] {
        let page = post(&rig, &[("origin", origin)], PING);
        assert_eq!((page.status, page.header("access-control-allow-origin")), (200, Some(origin)));
    }
}

#[test]
fn a_row_of_messages_is_answered_in_its_revision_and_refused_in_others() {
    let rig = Rig::start();
    let row = json!([
        { "jsonrpc": "2.0", "id": 1, "method": "ping" },
        { "jsonrpc": "2.0", "method": "notifications/initialized" },
        { "jsonrpc": "2.0", "id": "two", "method": "tools/list" },
    ])
    .to_string();
    for changes in [&[][..], &[("mcp-protocol-version", "2025-03-26")]] {
        let answers = post(&rig, changes, &row);
        assert_eq!(answers.status, 200, "{}", answers.body);
        let answers = answers.json();
        let ids: Vec<&Value> = answers.as_array().unwrap().iter().map(|answer| &answer["id"]).collect();
        assert_eq!(ids, [&json!(1), &json!("two")]);
    }
    for version in ["2025-06-18", "2025-11-25", "2026-07-28"] {
        assert_eq!(post(&rig, &[("mcp-protocol-version", version)], &row).status, 400, "{version}");
    }
}

/// Asks until it is too much, and otherwise gets `good`. The runtime's windows begin with the wall clock's: the end of one may
/// fall among these requests.
fn too_many(limit: &Limit, good: u16, ask: impl Fn() -> Answer) {
    let answers: Vec<Answer> = (0..2 * limit.number + 1).map(|_| ask()).collect();
    let refused = answers.iter().find(|answer| answer.status == 429).expect("too many");
    assert_eq!(refused.header("retry-after"), Some(limit.period.to_string().as_str()));
    assert!(refused.json()["error"]["message"].is_string(), "{}", refused.body);
    assert!(answers.iter().all(|answer| [429, good].contains(&answer.status)));
    let passed = answers.iter().filter(|answer| answer.status == good).count();
    assert!(passed >= limit.number as usize, "{passed}");
}

#[test]
fn a_session_that_asks_too_often_gets_a_429_and_other_callers_go_on() {
    let rig = Rig::with(Setup { limits: true, ..Setup::default() });
    let session = format!("Bearer {}", access_token(&rig));
    too_many(&limits::SESSION, 200, || post(&rig, &[("authorization", session.as_str())], PING));
    assert_eq!(post(&rig, &[], PING).status, 200);
    assert!(!rig.log.lock().unwrap().contains("limit_not_counted"));
}

#[test]
fn strangers_of_one_address_get_a_429_and_who_is_known_goes_on_there() {
    let rig = Rig::with(Setup { limits: true, ..Setup::default() });
    let session = format!("Bearer {}", access_token(&rig));
    let from = |address: &str, authorization: &str| {
        let headers = [("authorization", authorization), ("cf-connecting-ip", address)];
        post(&rig, &headers, PING)
    };
    too_many(&limits::STRANGERS, 401, || from("203.0.113.7", "Basic YTpi"));
    assert_eq!(from("203.0.113.8", "Basic YTpi").status, 401);
    assert_eq!(from("203.0.113.7", &session).status, 200);
}
