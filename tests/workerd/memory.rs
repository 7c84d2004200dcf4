//! The module's memory, which the runtime never gives back: what strangers can make it take.

use serde_json::{Value, json};

use crate::clients::access_token;
use crate::rig::{Rig, Setup};

const MIB: i64 = 1024 * 1024;
/// An isolate has 128 MB for the module and all else.
const MOST: i64 = 64 * MIB;

fn rig() -> Rig {
    Rig::with(Setup { wasm_memory: true, ..Setup::default() })
}

/// Sends as many requests at once.
fn at_once(number: usize, send: impl Fn() -> u16 + Sync) -> Vec<u16> {
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..number).map(|_| scope.spawn(&send)).collect();
        all.into_iter().map(|it| it.join().unwrap()).collect()
    })
}

fn tiny_lists(length: usize) -> String {
    format!("[{}[]]", "[],".repeat(length / 3))
}

#[test]
fn long_bodies_and_small_json_take_little_memory() {
    let rig = rig();
    let granted = format!("Bearer {}", access_token(&rig));
    let send = |authorization: &str, path: &str, body: &str| {
        let headers =
            [("authorization", authorization), ("content-type", "application/json"), ("accept", "application/json")];
        // A server that does not want a body may close before it was sent.
        let sent = rig.try_send("POST", &format!("{}{path}", rig.app), &headers, body.as_bytes());
        sent.map_or(413, |answer| answer.status)
    };
    let with =
        |meta: &str| format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"_meta":{{"x":{meta}}}}}}}"#);
    let (long, fits) = (with(&tiny_lists(1024 * 1024)), with(&tiny_lists(60_000)));
    assert_eq!(at_once(6, || send(&granted, "/mcp", &long)), [413; 6]);
    assert_eq!(at_once(6, || send(&granted, "/mcp", &fits)), [200; 6]);
    let filler = "x".repeat(1024 * 1024);
    for path in ["/mcp", "/oauth/token", "/connect/x", "/slack/events", "/nowhere"] {
        let statuses = at_once(150, || send("", path, &filler));
        assert!(statuses.iter().all(|status| matches!(status, 400..=499)), "{path}: {statuses:?}");
    }
    let taken = rig.wasm_memory();
    assert!(taken < MOST, "{:.1} MiB", mib(taken));
}

/// Requests that are left in the middle, as `POST /leave` of `tests/worker.mjs` takes them.
struct Left<'a> {
    method: &'a str,
    path: &'a str,
    headers: Vec<(&'a str, &'a str)>,
    body: Option<String>,
}

impl Left<'_> {
    /// Sends it so often, 40 at once. How many were answered before they were left.
    fn send(&self, rig: &Rig, number: usize) -> usize {
        (0..number / 400).map(|_| self.send_some(rig, 400)).sum()
    }

    fn send_some(&self, rig: &Rig, number: usize) -> usize {
        let headers: serde_json::Map<String, Value> =
            self.headers.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        let ask = json!({"path": self.path, "method": self.method, "headers": headers, "body": self.body,
            "number": number, "atOnce": 40, "milliseconds": 20});
        let done = rig.send("POST", &format!("{}/leave", rig.app), &[], ask.to_string().as_bytes());
        let done = done.json();
        assert_eq!(done["answered"].as_u64().unwrap() + done["left"].as_u64().unwrap(), number as u64, "{done}");
        usize::try_from(done["answered"].as_u64().unwrap()).unwrap()
    }
}

const CALL: &str =
    r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"whoami","arguments":{},"_meta":{}}}"#;

#[test]
fn requests_whose_client_leaves_give_their_memory_back() {
    let rig = rig();
    let granted = format!("Bearer {}", access_token(&rig));
    rig.fault(json!({"side": "sentry", "match": "api/0/*", "kind": "hang"}));
    let mcp =
        |authorization: &'static str| vec![("authorization", authorization), ("content-type", "application/json")];
    let both = ("accept", "application/json, text/event-stream");
    let called = |body: &str| Left {
        method: "POST",
        path: "/mcp",
        headers: vec![("authorization", &granted), ("content-type", "application/json"), both],
        body: Some(body.to_owned()),
    };
    let all = [
        (
            "junk",
            Left { method: "POST", path: "/mcp", headers: mcp("Sentry-Bearer junk"), body: Some(CALL.to_owned()) },
        ),
        ("a call", called(CALL)),
        ("a call with progress", called(&CALL.replace(r#""_meta":{}"#, r#""_meta":{"progressToken":1}"#))),
        (
            "a stream",
            Left {
                method: "GET",
                path: "/sse",
                headers: vec![("authorization", &granted), ("accept", "text/event-stream")],
                body: None,
            },
        ),
    ];
    for (what, left) in &all {
        left.send(&rig, 400);
        let before = rig.wasm_memory();
        let answered = left.send(&rig, 2_400);
        let grown = rig.wasm_memory() - before;
        assert!(answered < 1_200, "{what}: {answered} of 2,400 were not left");
        assert!(grown < 2 * MIB, "{what}: {:.1} MiB", mib(grown));
    }
    // What others ask goes on.
    rig.control("DELETE", "faults", &Value::Null);
    let headers = [("authorization", granted.as_str()), ("content-type", "application/json"), both];
    let answer = rig.send("POST", &format!("{}/mcp", rig.app), &headers, CALL.as_bytes());
    assert!(answer.status == 200 && answer.body.contains("ada@example.com"), "{} {}", answer.status, answer.body);
}

fn mib(bytes: i64) -> f64 {
    bytes as f64 / MIB as f64
}

/// A body that a Sentry could send for the newest event, of about `length` bytes, most of them empty lists where `at` says.
fn event_of_tiny_lists(at: &str, length: usize) -> String {
    let lists = tiny_lists(length);
    let (extra, frames, tags, crumbs) = match at {
        "a field that is not read" => (lists.as_str(), "[]", "[]", "[]"),
        "frames" => ("{}", lists.as_str(), "[]", "[]"),
        "tags" => ("{}", "[]", lists.as_str(), "[]"),
        _ => ("{}", "[]", "[]", lists.as_str()),
    };
    format!(
        r#"{{"id":"1","eventID":"{}","title":"x","dateCreated":"2026-11-27T00:00:00Z","extra":{extra},"tags":{tags},
        "entries":[{{"type":"exception","data":{{"values":[{{"type":"E","value":"v","stacktrace":{{"frames":{frames}}}}}]}}}},
        {{"type":"breadcrumbs","data":{{"values":{crumbs}}}}}]}}"#,
        "e".repeat(32)
    )
}

#[test]
fn long_events_of_small_json_take_little_memory() {
    let rig = rig();
    let granted = format!("Bearer {}", access_token(&rig));
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_issue_details",
        "arguments":{"organizationSlug":"globex","issueId":"CHECKOUT-API-4F"}}}"#;
    let headers = [
        ("authorization", granted.as_str()),
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
    ];
    for at in ["a field that is not read", "frames", "tags", "breadcrumbs"] {
        for length in [1_000_000, 4_900_000] {
            rig.control("DELETE", "faults", &Value::Null);
            let event = event_of_tiny_lists(at, length);
            rig.fault(json!({"side": "sentry", "match": "*events/*", "kind": "status", "code": 200, "body": event,
                "headers": {"content-type": "application/json"}}));
            let answers = at_once(4, || {
                let answer = rig.send("POST", &format!("{}/mcp", rig.app), &headers, call.as_bytes());
                assert!(answer.body.contains(&"e".repeat(32)), "{at}, {length}: {}", answer.body);
                answer.status
            });
            assert_eq!(answers, [200; 4], "{at}, {length}");
            let taken = rig.wasm_memory();
            assert!(taken < MOST, "{at}, {length} bytes: {:.1} MiB", mib(taken));
        }
    }
}
