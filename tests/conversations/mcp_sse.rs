//! The legacy transport, HTTP with SSE (MCP 2024-11-05).

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use http::{Method, Response};
use serde_json::{Value, json};
use vedette::mcp::pipe::QUEUE;
use vedette::reply::Stream;
use vedette_sandbox::{Fault, FaultKind, Side};

use crate::mcp::{Post, post};
use crate::oauth_flow::client;
use crate::world::{ADA, APP, INCIDENTS, Platform, wait};

/// A client with an open stream.
struct Open {
    platform: Rc<Platform>,
    stream: Stream,
    /// Where it sends messages.
    address: String,
    authorization: Option<String>,
}

fn get(path: &str) -> Post {
    post(path).method(Method::GET).without("content-type").with("accept", "text/event-stream")
}

impl Open {
    fn at(platform: &Rc<Platform>, path: &str) -> Open {
        Open::by(platform, path, None)
    }

    fn by(platform: &Rc<Platform>, path: &str, authorization: Option<String>) -> Open {
        let get = match &authorization {
            Some(authorization) => get(path).with("authorization", authorization),
            None => get(path),
        };
        let reply = platform.reply(get.request(""));
        assert_eq!(reply.response.status(), 200, "{:?}", reply.response);
        assert_eq!(reply.response.headers()["content-type"], "text/event-stream");
        let mut open = Open {
            platform: Rc::clone(platform),
            stream: reply.stream.unwrap(),
            address: String::new(),
            authorization,
        };
        let first = open.next().unwrap();
        let address = first.strip_prefix("event: endpoint\ndata: ").and_then(|rest| rest.strip_suffix("\n\n"));
        open.address = address.unwrap_or_else(|| panic!("{first}")).to_owned();
        open
    }

    fn next(&mut self) -> Option<String> {
        wait(self.stream.next()).map(|piece| String::from_utf8(piece.to_vec()).unwrap())
    }

    fn say(&self, message: &Value) -> Response<Bytes> {
        let post = match &self.authorization {
            Some(authorization) => post(&self.address).with("authorization", authorization),
            None => post(&self.address),
        };
        post.send(&self.platform, &message.to_string())
    }

    fn request(&self, method: &str, params: Value) -> Response<Bytes> {
        self.say(&json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params }))
    }

    fn message(&mut self) -> Value {
        let event = self.next().unwrap();
        let data = event.strip_prefix("event: message\ndata: ").and_then(|rest| rest.strip_suffix("\n\n"));
        serde_json::from_str(data.unwrap_or_else(|| panic!("{event}"))).unwrap()
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        let response = self.request(method, params);
        assert_eq!((response.status().as_u16(), response.body().len()), (202, 0));
        let message = self.message();
        assert_eq!(message["id"], 7, "{message}");
        message
    }
}

fn hello(version: &str) -> Value {
    json!({ "protocolVersion": version, "capabilities": {}, "clientInfo": { "name": "old", "version": "1" } })
}

#[test]
fn an_old_client_opens_a_stream_shakes_hands_lists_and_calls_p17() {
    let platform = Platform::new();
    let mut open = Open::at(&platform, "/sse");
    assert!(open.address.starts_with("/sse?stream="), "{}", open.address);
    assert_eq!(open.ask("initialize", hello("2024-11-05"))["result"]["protocolVersion"], "2024-11-05");
    let said = open.say(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
    assert_eq!(said.status(), 202);
    let tools = open.ask("tools/list", json!({}));
    assert!(tools.to_string().contains("search_issues"), "{tools}");
    let whoami = open.ask("tools/call", json!({ "name": "whoami", "arguments": {} }));
    assert!(whoami["result"]["content"][0]["text"].is_string(), "{whoami}");
    assert_eq!(open.ask("no/such", json!({}))["error"]["code"], -32601);
    assert_eq!(open.say(&json!({ "id": 7, "method": "ping" })).status(), 202);
    assert_eq!(open.message()["error"]["code"], -32600);
    assert_eq!(open.say(&json!([])).status(), 400);
    assert_eq!(platform.stored(), "", "a pipe keeps nothing");
}

#[test]
fn other_versions_are_settled_as_on_mcp() {
    let platform = Platform::new();
    let mut open = Open::at(&platform, "/sse");
    for (wanted, settled) in [("2025-06-18", "2025-06-18"), ("2026-07-28", "2025-11-25"), ("x", "2025-11-25")] {
        assert_eq!(open.ask("initialize", hello(wanted))["result"]["protocolVersion"], settled);
    }
}

#[test]
fn a_place_and_skills_in_the_address_limit_every_message() {
    let platform = Platform::new();
    let mut open = Open::at(&platform, "/sse/globex/checkout-api?skills=inspect");
    assert!(open.address.starts_with("/sse/globex/checkout-api?skills=inspect&stream="), "{}", open.address);
    let found = open.ask("tools/call", json!({ "name": "search_issues", "arguments": { "organizationSlug": "x" } }));
    assert!(found.to_string().contains("CHECKOUT-API-4F"), "{found}");
    assert_eq!(platform.reply(get("/sse/nobodys-org").request("")).response.status(), 404);
    assert_eq!(platform.reply(get("/sse?skills=nonsense").request("")).response.status(), 400);
    let mut none = Open::at(&platform, "/sse?disable-skills=inspect,triage,seer,project-management");
    let tools = none.ask("tools/list", json!({}));
    assert!(!tools.to_string().contains("search_issues"), "{tools}");
}

#[test]
fn another_callers_stream_and_junk_are_refused_and_reach_no_object_p17() {
    let platform = Platform::new();
    platform.say(ADA, INCIDENTS, "@vedette whoami");
    platform.connect(ADA, "ada@example.com");
    let adas = platform.sandbox.sentry().live_tokens[0].access.clone();
    let open = Open::at(&platform, "/sse");
    let list = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" }).to_string();
    let calls = platform.object_calls.get();
    let name = open.address.split_once('=').unwrap().1;
    assert_eq!(post(&open.address).by(&adas).send(&platform, &list).status(), 404);
    let flipped = name.replace(name.chars().next().unwrap(), "-");
    for path in [
        format!("/sse/globex?stream={name}"),
        format!("/sse?stream={flipped}"),
        format!("/sse?stream={name}A"),
        "/sse?stream=".to_owned(),
        "/sse?stream=x".to_owned(),
        format!("/sse?stream={}", "A".repeat(10_000)),
    ] {
        assert_eq!(post(&path).send(&platform, &list).status(), 404, "{path}");
    }
    assert_eq!(platform.object_calls.get(), calls);
    assert_eq!(post(&open.address).without("authorization").send(&platform, &list).status(), 401);
    assert_eq!(post(&open.address).send(&platform, &list).status(), 202, "its own caller still may");
}

#[test]
fn a_message_for_a_stream_that_is_gone_gets_404_with_a_sentence() {
    let platform = Platform::new();
    let mut open = Open::at(&platform, "/sse");
    open.stream = futures::stream::empty().boxed_local();
    for message in [
        json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" }),
        json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }),
    ] {
        let response = open.say(&message);
        assert_eq!(response.status(), 404);
        assert!(String::from_utf8_lossy(response.body()).contains("Open another with GET"));
    }
    let crashed = Open::at(&platform, "/sse");
    platform.crash();
    assert_eq!(crashed.request("tools/list", json!({})).status(), 404);
}

#[test]
fn a_stream_is_kept_alive_and_ends_after_an_hour_p19() {
    let platform = Platform::new();
    let mut open = Open::at(&platform, "/sse");
    let start = platform.now.get();
    let mut last = start;
    let mut beats = 0;
    while let Some(piece) = open.next() {
        assert!(piece.starts_with(':') && piece.ends_with("\n\n"), "{piece}");
        assert!(platform.now.get() - last <= 25_000);
        last = platform.now.get();
        beats += 1;
    }
    assert_eq!(platform.now.get() - start, 3_600_000);
    assert_eq!(beats, 143);
    assert_eq!(open.request("ping", json!({})).status(), 404);
}

#[test]
fn a_client_that_does_not_read_is_told_to_p19() {
    let platform = Platform::new();
    let mut open = Open::at(&platform, "/sse");
    let mut taken = 0;
    let full = loop {
        let response = open.request("ping", json!({}));
        if response.status() != 202 || taken > 2 * QUEUE {
            break response;
        }
        taken += 1;
    };
    assert_eq!(taken, QUEUE);
    assert_eq!(full.status(), 503);
    assert!(full.headers().contains_key("retry-after"));
    assert_eq!(open.message()["id"], 7);
    assert_eq!(open.request("ping", json!({})).status(), 202);
}

#[test]
fn an_answer_that_takes_too_long_is_an_error_in_time_and_progress_comes_before_it() {
    let platform = Platform::new();
    let mut open = Open::at(&platform, "/sse");
    open.ask("ping", json!({}));
    platform.sandbox.add_fault(Fault::new(Side::Sentry, "api/0/*", FaultKind::Delay { ms: 14_000 }));
    let arguments = json!({ "organizationSlug": "globex" });
    let params = json!({ "name": "search_issues", "arguments": arguments, "_meta": { "progressToken": 3 } });
    let start = platform.now.get();
    assert_eq!(open.request("tools/call", params).status(), 202);
    assert_eq!(platform.now.get() - start, 25_000);
    let mut steps = 0;
    let last = loop {
        let message = open.message();
        if message["method"] != "notifications/progress" {
            break message;
        }
        assert_eq!(message["params"]["progressToken"], 3);
        steps += 1;
    };
    assert!(steps >= 4, "{steps}");
    assert!(last["id"] == 7 && last["error"]["message"].as_str().unwrap().contains("25 seconds"), "{last}");
}

#[test]
fn the_door_challenges_describes_itself_and_sends_newer_clients_on() {
    let platform = Platform::new();
    let nobody = platform.reply(get("/sse/globex").without("authorization").request("")).response;
    assert_eq!(nobody.status(), 401);
    let metadata = "/.well-known/oauth-protected-resource/sse/globex";
    assert!(nobody.headers()["www-authenticate"].to_str().unwrap().contains(&format!("{APP}{metadata}")));
    let described = platform.reply(get(metadata).request("")).response;
    let described: Value = serde_json::from_slice(described.body()).unwrap();
    assert_eq!(described["resource"], format!("{APP}/sse/globex"));
    let probe = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello("2025-11-25") });
    let refused = post("/sse").send(&platform, &probe.to_string());
    assert_eq!((refused.status().as_u16(), refused.headers()["allow"].to_str().unwrap()), (405, "GET, OPTIONS"));
    assert_eq!(post("/sse").method(Method::DELETE).send(&platform, "").status(), 405);
    assert_eq!(post("/sse/a/b/c").send(&platform, "").status(), 404);
    assert_eq!(get("/sse").with("accept", "application/json").send(&platform, "").status(), 406);
    let mut rebound = get("/sse").with("origin", "http://rebound.example").request("");
    *rebound.uri_mut() = "http://rebound.example/sse".parse().unwrap();
    assert_eq!(platform.reply(rebound).response.status(), 403);
    let preflight = post("/sse").method(Method::OPTIONS).with("origin", "http://localhost:6274").send(&platform, "");
    assert_eq!(preflight.headers()["access-control-allow-origin"], "http://localhost:6274");
    assert_eq!(preflight.headers()["allow"], "GET, POST, OPTIONS");
    assert_eq!(get("/mcp").send(&platform, "").status(), 405);
}

#[test]
fn a_client_that_a_person_let_in_uses_its_stream_until_it_is_revoked_p16_p18() {
    let client = client();
    let platform = &client.platform;
    let tokens = client.let_in();
    let bearer = |tokens: &Value| Some(format!("Bearer {}", tokens["access_token"].as_str().unwrap()));
    let mut open = Open::by(platform, "/sse/globex", bearer(&tokens));
    let whoami = json!({ "name": "whoami", "arguments": {} });
    assert!(open.ask("tools/call", whoami.clone()).to_string().contains("ada@example.com"));
    platform.pass(Duration::from_secs(3000));
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())];
    let newer: Value = serde_json::from_slice(client.post("/oauth/token", &refresh).body()).unwrap();
    open.authorization = bearer(&newer);
    assert!(open.ask("tools/call", whoami).to_string().contains("ada@example.com"), "the same caller, a newer token");
    let other = Open::by(platform, "/sse/globex", bearer(&client.let_in()));
    open.address = other.address.clone();
    assert_eq!(open.request("ping", json!({})).status(), 404, "another session's stream");
    client.post("/oauth/revoke", &[("token", newer["refresh_token"].as_str().unwrap())]);
    assert_eq!(open.request("ping", json!({})).status(), 401);
    assert_eq!(
        platform.reply(get("/sse").with("authorization", &bearer(&newer).unwrap()).request("")).response.status(),
        401
    );
}
