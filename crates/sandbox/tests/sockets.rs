//! The program on real sockets: what a client sees of each outcome, and how Slack's deliveries reach an app.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(10);

/// A running sandbox, which ends with the test.
struct Program {
    child: Child,
    slack: String,
    sentry: String,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vedette-sandbox"));
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn start(app: &str) -> Program {
    let arguments = ["--port", "0", "--sentry-port", "0", "--app", app, "--retry-delays", "0,50,100", "--with-parent"];
    let mut child = command(&arguments).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let origin = |name: &str| {
        let word = line.split_whitespace().find_map(|word| word.strip_prefix(name));
        word.and_then(|origin| origin.strip_prefix("http://")).unwrap().to_owned()
    };
    Program { slack: origin("slack="), sentry: origin("sentry="), child }
}

/// Everything that comes back before the other side closes.
fn exchange(address: &str, method: &str, path: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let length = body.len();
    let head =
        format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body.as_bytes()).unwrap();
    let mut seen = Vec::new();
    let _cut = stream.read_to_end(&mut seen);
    String::from_utf8_lossy(&seen).into_owned()
}

fn body_of(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

fn json_of(answer: &str) -> Value {
    serde_json::from_str(body_of(answer)).unwrap()
}

fn add_fault(program: &Program, fault: &Value) {
    let answer = exchange(&program.slack, "POST", "/sandbox/faults", &fault.to_string());
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

/// An app that answers its n-th request with the n-th status (and every later one with 200), and passes on what came.
fn app(statuses: &'static [u16]) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for (nth, stream) in listener.incoming().enumerate() {
            let mut stream = stream.unwrap();
            stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
            let mut seen = Vec::new();
            let _timeout = stream.read_to_end(&mut seen);
            let status = statuses.get(nth).copied().unwrap_or(200);
            write!(stream, "HTTP/1.1 {status} Status\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
            if sender.send(String::from_utf8_lossy(&seen).into_owned()).is_err() {
                return;
            }
        }
    });
    (address, receiver)
}

#[test]
fn the_page_and_the_health_are_served() {
    let program = start("http://127.0.0.1:9");
    let page = exchange(&program.slack, "GET", "/", "");
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("content-security-policy: default-src 'self'"), "{page}");
    assert!(exchange(&program.slack, "GET", "/page/app.js", "").contains("text/javascript"));
    assert!(exchange(&program.slack, "GET", "/page/../Cargo.toml", "").starts_with("HTTP/1.1 404"));
    for address in [&program.slack, &program.sentry] {
        assert_eq!(json_of(&exchange(address, "GET", "/sandbox/health", ""))["ok"], true);
    }
}

#[test]
fn a_truncated_answer_promises_its_whole_length_and_stops_in_the_middle() {
    let program = start("http://127.0.0.1:9");
    let whole = exchange(&program.sentry, "GET", "/api/0/", "");
    add_fault(&program, &json!({"side": "sentry", "match": "api/0/", "kind": "truncate", "times": 1}));
    let cut = exchange(&program.sentry, "GET", "/api/0/", "");
    let length = body_of(&whole).len();
    assert!(cut.contains(&format!("content-length: {length}\r\n")), "{cut}");
    assert_eq!(body_of(&cut), body_of(&whole).get(..length / 2).unwrap());
}

#[test]
fn a_dropped_connection_closes_without_a_byte() {
    let program = start("http://127.0.0.1:9");
    add_fault(&program, &json!({"side": "sentry", "match": "*", "kind": "drop", "times": 1}));
    assert_eq!(exchange(&program.sentry, "GET", "/api/0/", ""), "");
    assert!(exchange(&program.sentry, "GET", "/api/0/", "").starts_with("HTTP/1.1 401"));
}

#[test]
fn a_hanging_connection_says_nothing_and_stays() {
    let program = start("http://127.0.0.1:9");
    add_fault(&program, &json!({"side": "sentry", "match": "*", "kind": "hang", "times": 1}));
    let mut stream = TcpStream::connect(&program.sentry).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    stream.write_all(b"GET /api/0/ HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    let error = stream.read(&mut [0]).unwrap_err();
    assert!(matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut));
}

#[test]
fn an_event_that_fails_is_delivered_again_until_it_is_acknowledged() {
    let (address, received) = app(&[500, 503]);
    let program = start(&address);
    let say = json!({"person": "U0ADA", "channel": "C0INCIDENTS", "text": "@vedette hi"}).to_string();
    let answer = json_of(&exchange(&program.slack, "POST", "/sandbox/say", &say));
    assert_eq!((&answer["ok"], &answer["delivery"]["status"]), (&json!(true), &json!(500)));
    let requests: Vec<String> = (0..3).map(|_| received.recv_timeout(PATIENCE).unwrap()).collect();
    assert!(
        requests.iter().all(|request| request.starts_with("POST /slack/events") && request.contains("app_mention"))
    );
    assert!(!requests[0].contains("x-slack-retry-num"));
    assert!(
        requests[1].contains("x-slack-retry-num: 1\r\n") && requests[1].contains("x-slack-retry-reason: http_error")
    );
    assert!(requests[2].contains("x-slack-retry-num: 2\r\n"));
    assert!(received.recv_timeout(Duration::from_millis(400)).is_err(), "the third was acknowledged");
}

#[test]
fn an_app_that_is_not_there_is_told_as_a_failed_delivery() {
    let program = start("http://127.0.0.1:9");
    let slash = json!({"person": "U0ADA", "channel": "C0GENERAL", "text": "status"}).to_string();
    let answer = json_of(&exchange(&program.slack, "POST", "/sandbox/slash", &slash));
    assert_eq!((&answer["ok"], &answer["delivery"]["status"]), (&json!(true), &Value::Null));
    let unknown = json!({"person": "U0NOBODY", "channel": "C0GENERAL", "text": ""}).to_string();
    assert!(exchange(&program.slack, "POST", "/sandbox/slash", &unknown).starts_with("HTTP/1.1 400"));
}

#[test]
fn a_change_ends_the_wait_for_it() {
    let program = start("http://127.0.0.1:9");
    let version = json_of(&exchange(&program.slack, "GET", "/sandbox/state", ""))["version"].as_u64().unwrap();
    let address = program.slack.clone();
    let waiting =
        std::thread::spawn(move || exchange(&address, "GET", &format!("/sandbox/changes?since={version}"), ""));
    exchange(&program.slack, "POST", "/sandbox/invite", r#"{"channel":"C0GENERAL"}"#);
    let answer = json_of(&waiting.join().unwrap());
    assert!(answer["version"].as_u64().unwrap() > version);
}

#[test]
fn a_busy_port_is_told_in_one_sentence() {
    let busy = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = busy.local_addr().unwrap().port().to_string();
    let output = command(&["--port", &port, "--sentry-port", "0"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        format!("Port {port} is in use: choose another with --port.\n")
    );
}

#[test]
fn it_ends_with_its_parent() {
    let mut program = start("http://127.0.0.1:9");
    drop(program.child.stdin.take());
    assert_eq!(program.child.wait().unwrap().code(), Some(0));
}
