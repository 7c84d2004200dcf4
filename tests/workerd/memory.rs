//! The module's memory, which the runtime never gives back: what strangers can make it take.

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
    assert!(taken < MOST, "{:.1} MiB", taken as f64 / MIB as f64);
}
