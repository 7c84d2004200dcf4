//! Bodies that are written while their work goes on, on the real runtime: progress, clients that leave, and the pipe of the
//! legacy transport.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use vedette_sandbox::OPERATOR_TOKEN;

use crate::clients::access_token;
use crate::rig::{Rig, Setup, until};

/// A connection whose answer is read as it comes.
struct Wire {
    stream: TcpStream,
    read: String,
}

impl Wire {
    fn open(rig: &Rig, method: &str, path: &str, authorization: &str, body: &str) -> Wire {
        let host = rig.app.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(host).unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: {authorization}\r\naccept: application/json, \
             text/event-stream\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(40))).unwrap();
        Wire { stream, read: String::new() }
    }

    /// Reads until `text` has come; returns all that has.
    fn until(&mut self, text: &str) -> &str {
        let mut piece = [0; 65_536];
        while !self.read.contains(text) {
            let length = self.stream.read(&mut piece).unwrap_or(0);
            assert!(length > 0, "it ended without {text:?}: {}", self.read);
            self.read.push_str(&String::from_utf8_lossy(&piece[..length]));
        }
        &self.read
    }
}

fn sentry_bearer() -> String {
    format!("Sentry-Bearer {OPERATOR_TOKEN}")
}

fn call(tool: &str, arguments: Value) -> String {
    let params = json!({ "name": tool, "arguments": arguments, "_meta": { "progressToken": "t" } });
    json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }).to_string()
}

fn ping(rig: &Rig, path: &str) -> u16 {
    let authorization = sentry_bearer();
    let headers = [
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
        ("authorization", authorization.as_str()),
    ];
    let ping = json!({ "jsonrpc": "2.0", "id": 9, "method": "ping" }).to_string();
    rig.send("POST", &format!("{}{path}", rig.app), &headers, ping.as_bytes()).status
}

#[test]
fn a_long_call_is_told_of_as_it_goes() {
    let rig = Rig::start();
    assert_eq!(ping(&rig, "/mcp"), 200);
    rig.fault(json!({ "side": "sentry", "match": "*issues/", "kind": "delay", "ms": 12_000 }));
    let start = Instant::now();
    let search = call("search_issues", json!({ "organizationSlug": "globex" }));
    let mut wire = Wire::open(&rig, "POST", "/mcp", &sentry_bearer(), &search);
    assert!(wire.until("Asking Sentry for issues").to_ascii_lowercase().contains("text/event-stream"));
    assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
    wire.until("Still waiting for Sentry");
    assert!(start.elapsed() < Duration::from_millis(11_500), "{:?}", start.elapsed());
    assert!(wire.until("CHECKOUT-API-4F").contains("\"id\":1"));
}

/// A Sentry that knows everybody and answers nothing else; what it was asked, and whether it still is.
fn silent_sentry() -> (String, Arc<Mutex<Vec<(String, bool)>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::<Mutex<Vec<(String, bool)>>>::default();
    let seen = Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let seen = Arc::clone(&seen);
            std::thread::spawn(move || answer(stream, &seen));
        }
    });
    (origin, asked)
}

fn answer(mut stream: TcpStream, seen: &Mutex<Vec<(String, bool)>>) {
    let mut piece = [0; 65_536];
    let mut open = None;
    while let Ok(length @ 1..) = stream.read(&mut piece) {
        let head = String::from_utf8_lossy(&piece[..length]).into_owned();
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        if path == "/api/0/auth/" {
            let body = json!({ "id": "1", "name": "Ada", "email": "ada@example.com", "username": "ada" }).to_string();
            let head =
                format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
            stream.write_all((head + &body).as_bytes()).unwrap();
        } else {
            let mut seen = seen.lock().unwrap();
            open = Some(seen.len());
            seen.push((path, true));
        }
    }
    if let Some(index) = open {
        seen.lock().unwrap()[index].1 = false;
    }
}

#[test]
fn when_a_client_leaves_its_exchange_with_sentry_ends_and_the_worker_goes_on() {
    let (sentry, asked) = silent_sentry();
    let rig = Rig::with(Setup { variables: vec![("SENTRY_HOST", sentry)], ..Setup::default() });
    let mut wire = Wire::open(
        &rig,
        "POST",
        "/mcp",
        &sentry_bearer(),
        &call("search_issues", json!({ "organizationSlug": "globex" })),
    );
    wire.until("Asking Sentry");
    until("Sentry is asked", || !asked.lock().unwrap().is_empty());
    let asking = asked.lock().unwrap().clone();
    assert!(matches!(asking.as_slice(), [(path, true)] if path.contains("globex")), "{asking:?}");
    let left = Instant::now();
    drop(wire);
    until("the exchange has ended", || asked.lock().unwrap().iter().all(|(_, open)| !open));
    // An exchange is given up after 15 seconds anyway, and then tried again or told of.
    assert!(left.elapsed() < Duration::from_secs(11), "{:?}", left.elapsed());
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(asked.lock().unwrap().len(), 1, "nothing more is asked");
    assert_eq!(ping(&rig, "/mcp"), 200);
}

#[test]
fn a_client_that_leaves_during_a_refresh_leaves_a_session_that_works_p3() {
    let rig = Rig::start();
    let authorization = format!("Bearer {}", access_token(&rig));
    let whoami = call("whoami", json!({}));
    Wire::open(&rig, "POST", "/mcp", &authorization, &whoami).until("ada@example.com");
    let refreshes = || rig.control("GET", "sentry/log", &Value::Null)["counters"]["refreshes"].as_u64().unwrap();
    let before = refreshes();
    rig.fault(json!({ "side": "sentry", "match": "api/0/*", "kind": "token_expired", "times": 1 }));
    rig.fault(json!({ "side": "sentry", "match": "oauth/token", "kind": "delay", "ms": 6000, "after_work": true }));
    let mut wire = Wire::open(&rig, "POST", "/mcp", &authorization, &whoami);
    wire.until("Asking Sentry");
    until("the refresh is under way", || refreshes() == before + 1);
    drop(wire);
    // It goes on in the session's object, with nobody waiting for it, and its result is kept: the next call has it. Without
    // it that call would find a refresh whose end is not known, and the tokens dead.
    std::thread::sleep(Duration::from_secs(8));
    let mut next = Wire::open(&rig, "POST", "/mcp", &authorization, &whoami);
    next.until("ada@example.com");
    assert_eq!(refreshes(), before + 1);
}

#[test]
fn an_old_client_has_its_answers_on_its_stream_until_it_leaves() {
    let rig = Rig::start();
    let authorization = sentry_bearer();
    let mut wire = Wire::open(&rig, "GET", "/sse/globex", &authorization, "");
    let first = wire.until("stream=").to_owned();
    wire.until("\n\n");
    let address = first.split("data: ").nth(1).unwrap_or_else(|| panic!("{first}")).lines().next().unwrap().to_owned();
    assert!(address.starts_with("/sse/globex?stream="), "{first}");
    assert!(first.to_ascii_lowercase().contains("content-type: text/event-stream"), "{first}");
    let say = |message: Value| {
        let headers = [("content-type", "application/json"), ("authorization", authorization.as_str())];
        rig.send("POST", &format!("{}{address}", rig.app), &headers, message.to_string().as_bytes()).status
    };
    let hello =
        json!({ "protocolVersion": "2024-11-05", "capabilities": {}, "clientInfo": { "name": "o", "version": "1" } });
    assert_eq!(say(json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello })), 202);
    wire.until("\"protocolVersion\":\"2024-11-05\"");
    assert_eq!(say(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })), 202);
    assert_eq!(say(serde_json::from_str(&call("search_issues", json!({}))).unwrap()), 202);
    assert!(wire.until("CHECKOUT-API-4F").contains("notifications/progress"));
    wire.until(": still here");
    drop(wire);
    until("the stream is gone", || ping(&rig, &address) == 404);
    assert_eq!(ping(&rig, "/mcp"), 200);
}
