//! Calls that tell how they go, and calls whose client goes away (MCP, "Progress" and "Cancellation").

use std::time::Duration;

use futures::StreamExt;
use serde_json::{Value, json};
use vedette::reply::Reply;
use vedette_sandbox::{Fault, FaultKind, Side};

use crate::mcp::{MODERN, Post, post};
use crate::oauth_flow::client;
use crate::world::{Platform, wait};

fn search(meta: Value) -> String {
    let params = json!({ "name": "search_issues", "arguments": { "organizationSlug": "globex" }, "_meta": meta });
    json!({ "jsonrpc": "2.0", "id": "a", "method": "tools/call", "params": params }).to_string()
}

fn with_token() -> String {
    search(json!({ "progressToken": "t-1" }))
}

/// The messages in a body of events.
fn messages(body: &[u8]) -> Vec<Value> {
    let text = String::from_utf8(body.to_vec()).unwrap();
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    data.map(|data| serde_json::from_str(data).unwrap()).collect()
}

fn steps(messages: &[Value]) -> Vec<&str> {
    let mut last = 0.0;
    let steps = messages.iter().filter(|message| message["method"] == "notifications/progress");
    steps
        .map(|message| {
            assert_eq!(message["params"]["progressToken"], "t-1");
            assert!(message["params"].get("total").is_none() && message.get("id").is_none());
            let progress = message["params"]["progress"].as_f64().unwrap();
            assert!(progress > last, "{messages:?}");
            last = progress;
            message["params"]["message"].as_str().unwrap()
        })
        .collect()
}

fn delay(path: &str, seconds: u64) -> Fault {
    Fault::new(Side::Sentry, path, FaultKind::Delay { ms: seconds * 1000 })
}

fn next(reply: &mut Reply) -> String {
    let piece = wait(reply.stream.as_mut().unwrap().next()).unwrap();
    String::from_utf8(piece.to_vec()).unwrap()
}

#[test]
fn a_call_with_a_progress_token_tells_what_it_asks_and_then_answers() {
    let platform = Platform::new();
    for post in [post("/mcp"), post("/mcp").with("accept", "text/event-stream")] {
        let response = post.send(&platform, &with_token());
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["x-accel-buffering"], "no");
        let all = messages(response.body());
        assert_eq!(steps(&all), ["Asking Sentry for your organizations", "Asking Sentry for issues"]);
        let (last, before) = all.split_last().unwrap();
        assert_eq!(before.len(), 2);
        assert!(last["id"] == "a" && last.to_string().contains("CHECKOUT-API-4F"), "{last}");
    }
}

#[test]
fn without_a_token_or_a_client_that_takes_a_stream_nothing_is_told() {
    let platform = Platform::new();
    platform.sandbox.add_fault(delay("*issues/", 12));
    let unusable = search(json!({ "progressToken": { "not": "one" } }));
    for (post, body) in [
        (post("/mcp"), search(json!({}))),
        (post("/mcp"), unusable),
        (post("/mcp").with("accept", "application/json"), with_token()),
        (post("/mcp").with("accept", "*/*"), with_token()),
        (post("/mcp").with("accept", "application/json, text/event-stream;q=0"), with_token()),
    ] {
        let reply = platform.reply(post.request(&body));
        assert!(reply.stream.is_none());
        assert_eq!(reply.response.headers()["content-type"], "application/json");
        let answer: Value = serde_json::from_slice(reply.response.body()).unwrap();
        assert!(answer["result"].is_object(), "{answer}");
    }
}

#[test]
fn a_long_call_begins_to_answer_within_a_second_and_gives_a_sign_of_life_every_five() {
    let platform = Platform::new();
    post("/mcp").ask(&platform, "ping", json!({}));
    platform.sandbox.add_fault(delay("*issues/", 12));
    let start = platform.now.get();
    let mut reply = platform.reply(post("/mcp").request(&with_token()));
    assert_eq!(platform.now.get() - start, 1_000);
    assert_eq!(reply.response.status(), 200);
    let first = next(&mut reply);
    assert!(first.contains("Asking Sentry for issues") && platform.now.get() - start == 1_000, "{first}");
    let mut told = first;
    let mut times = Vec::new();
    while let Some(piece) = wait(reply.stream.as_mut().unwrap().next()) {
        told.push_str(std::str::from_utf8(&piece).unwrap());
        times.push(platform.now.get() - start);
    }
    let all = messages(told.as_bytes());
    let waiting = "Still waiting for Sentry";
    let expected = ["Asking Sentry for your organizations", "Asking Sentry for issues", waiting, waiting];
    assert_eq!(steps(&all), expected);
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] <= 5_000), "{times:?}");
    assert_eq!(times.last(), Some(&12_000));
    assert!(all.last().unwrap()["result"].is_object());
}

#[test]
fn another_try_is_told_as_one() {
    let platform = Platform::new();
    post("/mcp").ask(&platform, "ping", json!({}));
    platform.sandbox.add_fault(Fault::new(Side::Sentry, "*issues/", FaultKind::Drop).once());
    let response = post("/mcp").send(&platform, &with_token());
    let all = messages(response.body());
    assert_eq!(steps(&all).last(), Some(&"Asking Sentry again for issues"));
}

#[test]
fn a_credential_that_is_found_dead_in_the_first_second_is_a_401_with_its_challenge() {
    let platform = Platform::new();
    post("/mcp").ask(&platform, "ping", json!({}));
    platform.sandbox.add_fault(Fault::new(Side::Sentry, "*issues/", FaultKind::InvalidToken).once());
    let response = post("/mcp").send(&platform, &with_token());
    assert_eq!(response.status(), 401);
    assert!(response.headers()["www-authenticate"].to_str().unwrap().contains("invalid_token"));
}

#[test]
fn one_that_is_found_dead_later_is_an_error_on_the_stream_and_a_401_the_next_time() {
    let client = client();
    let platform = &client.platform;
    let token = client.let_in()["access_token"].as_str().unwrap().to_owned();
    let by = |body: &str| post("/mcp/globex").with("authorization", &format!("Bearer {token}")).send(platform, body);
    assert_eq!(by(&search(json!({}))).status(), 200);
    platform.sandbox.add_fault(delay("api/0/organizations/", 3).once());
    platform.sandbox.add_fault(Fault::new(Side::Sentry, "*issues/", FaultKind::TokenRevoked).once());
    let response = by(&with_token());
    assert_eq!(response.status(), 200);
    let all = messages(response.body());
    let last = all.last().unwrap();
    assert!(last["id"] == "a" && last["error"]["message"].as_str().unwrap().contains("Authorize again"), "{last}");
    assert_eq!(by(&search(json!({}))).status(), 401);
}

#[test]
fn a_scope_that_is_found_missing_later_is_a_challenge_the_next_time_and_tried_anew_after_p4() {
    let client = client();
    let platform = &client.platform;
    let let_in = || client.let_in()["access_token"].as_str().unwrap().to_owned();
    let (token, other) = (let_in(), let_in());
    let by = |token: &str, body: &str| {
        post("/mcp/globex").with("authorization", &format!("Bearer {token}")).send(platform, body)
    };
    assert_eq!(by(&token, &search(json!({}))).status(), 200);
    assert_eq!(by(&other, &search(json!({}))).status(), 200);
    platform.sandbox.add_fault(delay("*issues/", 2));
    let scopes = vec!["event:read".to_owned()];
    platform.sandbox.add_fault(Fault::new(Side::Sentry, "*issues/", FaultKind::MissingScope { scopes }).once());
    let late = by(&token, &with_token());
    assert_eq!(late.status(), 200);
    let all = messages(late.body());
    assert!(all.last().unwrap()["error"]["message"].as_str().unwrap().contains("event:read"), "{all:?}");

    let asked = || platform.sent.borrow().len();
    let before = asked();
    let whoami = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "whoami" } });
    assert_eq!(by(&token, &whoami.to_string()).status(), 200, "it is about one tool");
    assert_eq!(by(&other, &search(json!({}))).status(), 200, "and one caller");
    assert!(asked() > before);
    let (before, start) = (asked(), platform.now.get());
    let next = by(&token, &with_token());
    assert_eq!((next.status().as_u16(), asked(), platform.now.get()), (403, before, start), "at once");
    let challenge = next.headers()["www-authenticate"].to_str().unwrap();
    assert!(challenge.contains(r#"error="insufficient_scope""#), "{challenge}");
    assert!(challenge.contains(r#"scope="event:read org:read project:read team:read""#), "{challenge}");
    let error: Value = serde_json::from_slice(next.body()).unwrap();
    assert_eq!(error["id"], "a");
    assert_eq!(by(&token, &with_token()).status(), 200, "then it is tried again");
    platform.pass(Duration::from_secs(61));
    assert_eq!(by(&token, &with_token()).status(), 200, "and after a minute nothing is known");
}

#[test]
fn when_the_client_leaves_the_work_ends() {
    let platform = Platform::new();
    post("/mcp").ask(&platform, "ping", json!({}));
    platform.sandbox.add_fault(delay("api/0/organizations/", 8).once());
    let mut reply = platform.reply(post("/mcp").request(&with_token()));
    assert!(next(&mut reply).contains("your organizations"));
    assert!(next(&mut reply).contains("Still waiting"));
    let sent = platform.sent.borrow().len();
    drop(reply);
    platform.pass(Duration::from_secs(60));
    assert_eq!(platform.sent.borrow().len(), sent, "issues are never asked for");
    assert_eq!(post("/mcp").send(&platform, &search(json!({}))).status(), 200);
}

#[test]
fn saying_that_a_call_is_cancelled_is_taken_note_of_and_nothing_else() {
    let platform = Platform::new();
    let cancelled = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"a"}}"#;
    let response = post("/mcp").with("mcp-protocol-version", "2025-11-25").send(&platform, cancelled);
    assert_eq!((response.status().as_u16(), response.body().len()), (202, 0));
}

#[test]
fn a_client_of_2026_07_28_and_a_resource_have_progress_too() {
    let platform = Platform::new();
    let meta = json!({
        "progressToken": "t-1",
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let modern = |method: &str, name: &str| -> Post {
        let post = post("/mcp").with("mcp-protocol-version", MODERN).with("mcp-method", method);
        post.with("mcp-name", name)
    };
    let response = modern("tools/call", "search_issues").send(&platform, &search(meta.clone()));
    let all = messages(response.body());
    assert_eq!(steps(&all).len(), 2);
    assert_eq!(all.last().unwrap()["result"]["resultType"], "complete");
    let mismatch = modern("tools/call", "whoami").send(&platform, &search(meta.clone()));
    assert_eq!(mismatch.status(), 400);
    let uri = "sentry://globex/issues/CHECKOUT-API-4F";
    let read =
        json!({ "jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": { "uri": uri, "_meta": meta } });
    let all = messages(modern("resources/read", uri).send(&platform, &read.to_string()).body());
    assert!(steps(&all).contains(&"Asking Sentry for the issue's event"), "{all:?}");
}
