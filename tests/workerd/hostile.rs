//! Hostile input on the real runtime: malformed requests, misused links, and secrets that must not lie about.

use std::path::Path;

use serde_json::json;

use crate::browser::Browser;
use crate::rig::{ADA, GRACE, INCIDENTS, Rig, until};

#[test]
fn malformed_requests_are_refused_in_the_doors_own_format_and_store_nothing() {
    let rig = Rig::start();
    let long = "x".repeat(100_000);
    let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
    let huge = "a".repeat(1_100_000);
    let before = files(&rig.state.join("kept"));
    let mut tried = 0;
    let mut refused = |answer: crate::rig::Answer, what: &str| {
        tried += 1;
        assert!((400..500).contains(&answer.status), "{what}: {} {}", answer.status, answer.body);
        assert!(answer.header("content-security-policy").is_some(), "{what} has no security headers");
        assert!(answer.status != 405 || answer.header("allow").is_some(), "{what} has no Allow");
    };
    for path in ["/slack/events", "/slack/commands", "/slack/interactions"] {
        let url = format!("{}{path}", rig.app);
        for body in ["", "{}", "payload=", "\0\0", &deep, &huge] {
            refused(rig.send("POST", &url, &[], body.as_bytes()), &format!("{path} unsigned"));
        }
        for (at, signature) in
            [("", "v0="), ("0", "v0=00"), ("1e9", "v0=zz"), ("99999999999999999999", "v0=aa"), ("-1", "v1=aa")]
        {
            let headers = [("x-slack-request-timestamp", at), ("x-slack-signature", signature)];
            refused(rig.send("POST", &url, &headers, b"{}"), &format!("{path} {at} {signature}"));
        }
        for method in ["GET", "PUT", "DELETE", "PATCH"] {
            refused(rig.send(method, &url, &[], b""), &format!("{method} {path}"));
        }
    }
    for body in ["", "null", "[]", "{", "\"text\"", "{\"type\":1}", &deep] {
        refused(rig.signed("/slack/events", "application/json", body), &format!("event {:.40}", body));
    }
    for body in ["", "a=b", "command=%2Fsentry", "command=%2Fsentry&user_id=<@U>&team_id=T&channel_id=C&text=x", "%%%"]
    {
        refused(rig.signed("/slack/commands", "application/x-www-form-urlencoded", body), &format!("command {body}"));
    }
    for body in ["", "payload=", "payload=null", "payload=%7B", "payload=[]", "other=1"] {
        refused(rig.signed("/slack/interactions", "application/x-www-form-urlencoded", body), &format!("press {body}"));
    }
    for ticket in ["x", "AAAA", "..%2f..", "%00", "%F0%9F%98%80", &long[..8_000]] {
        refused(rig.get(&format!("{}/connect/{ticket}", rig.app), &[]), &format!("connect {:.20}", ticket));
        refused(
            rig.send("POST", &format!("{}/connect/{ticket}", rig.app), &[], b"csrf=1"),
            &format!("post connect {:.20}", ticket),
        );
    }
    for query in [
        "",
        "?state=",
        "?state=a.b&code=c",
        "?code=c",
        "?error=access_denied",
        "?state=%00",
        &format!("?state={}", &long[..8_000]),
    ] {
        refused(
            rig.get(&format!("{}/api/oauth/callback/sentry{query}", rig.app), &[]),
            &format!("callback {:.30}", query),
        );
    }
    for path in [
        "/nothing",
        "//slack/events",
        "/slack",
        "/slack/events/",
        "/.env",
        "/connect",
        "/connect/a/b",
        "/api/auth/status",
    ] {
        refused(rig.get(&format!("{}{path}", rig.app), &[]), path);
    }
    assert!(tried >= 60, "{tried}");
    assert_eq!(files(&rig.state.join("kept")), before, "nothing is stored");
}

#[test]
fn a_forwarded_used_tampered_or_stolen_link_is_refused_p14() {
    let rig = Rig::start();
    let ts = rig.say(ADA, INCIDENTS, "@vedette project list globex");
    let link = rig.link(ADA);
    // Whoever opens it sees whose it is.
    assert!(rig.get(&link, &[]).body.contains("Ada Lovelace"));
    // Another browser's callback, a tampered state, a second use of one state.
    let (ada, other) = (Browser::new(&rig), Browser::new(&rig));
    let callback = ada.approve(&ada.start(&link), "ada@example.com");
    assert_eq!(other.get(&callback).status, 403);
    let tampered = callback.replacen("state=", "state=0", 1);
    assert_eq!(ada.get(&tampered).status, 400);
    let page = ada.get(&callback);
    assert_eq!(page.status, 200, "{}", page.body);
    assert_eq!(ada.get(&callback).status, 400, "a state works once");
    // The confirmation in another browser; then in the right one, twice.
    assert!((400..500).contains(&other.decide(&page, "connect").status));
    assert_eq!(ada.decide(&page, "connect").status, 200);
    assert!((400..500).contains(&ada.decide(&page, "connect").status));
    assert_eq!(rig.get(&link, &[]).status, 410, "the link is used up");
    rig.wait_for(&ts, "checkout-api");
}

#[test]
fn no_secret_lies_in_a_log_a_message_a_page_or_a_file_p1_p13() {
    let rig = Rig::start();
    let ts = rig.say(ADA, INCIDENTS, "@vedette issue list globex");
    let link = rig.link(ADA);
    let browser = Browser::new(&rig);
    let authorize = browser.start(&link);
    let callback = browser.approve(&authorize, "ada@example.com");
    let confirm = browser.get(&callback);
    let last = browser.decide(&confirm, "connect");
    rig.wait_for(&ts, "CHECKOUT");
    rig.fault(json!({"side": "sentry", "match": "api/0/*", "kind": "token_expired", "times": 1}));
    rig.slash(ADA, "whoami");
    rig.slash(GRACE, "whoami");
    rig.slash(ADA, "status");
    until("Ada is answered", || {
        rig.bot_messages(Some(ADA)).iter().any(|it| it.to_string().contains("Authenticated via OAuth"))
    });
    until("a refresh was made", || rig.world(None)["sentry"]["refreshes"] == 1);

    let mut secrets: Vec<String> = rig.control("GET", "secrets", &serde_json::Value::Null)["values"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it.as_str().unwrap().to_owned())
        .collect();
    secrets.push(link.rsplit('/').next().unwrap().to_owned());
    secrets.push("a-cookie-secret-for-tests-0123456789".to_owned());
    assert!(secrets.len() > 8, "{secrets:?}");

    let stored = files(&rig.state.join("kept")).into_iter().map(|(_, bytes)| bytes).collect::<Vec<_>>();
    let log = rig.log.lock().unwrap().clone();
    let pages =
        [&rig.get(&rig.app, &[]).body, &rig.get(&format!("{}/health", rig.app), &[]).body, &confirm.body, &last.body]
            .map(Clone::clone);
    let seen_by_others = rig.world(Some(GRACE))["messages"].to_string();
    let public: String =
        rig.bot_messages(None).iter().filter(|it| it["private_to"].is_null()).map(ToString::to_string).collect();
    for secret in &secrets {
        assert!(!log.contains(secret), "a log line has {secret}");
        assert!(!public.contains(secret), "a public message has {secret}");
        assert!(pages.iter().all(|page| !page.contains(secret)), "a page has {secret}");
        assert!(stored.iter().all(|bytes| !contains(bytes, secret.as_bytes())), "a file has {secret}");
    }
    assert!(!seen_by_others.contains(&link), "Grace sees Ada's link");
    assert!(!log.contains("/connect/") && !log.contains("state="), "{log}");
}

/// Every file under a folder, with its content.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else { return all };
    for entry in entries.flatten() {
        if entry.path().is_dir() {
            all.extend(files(&entry.path()));
        } else {
            all.push((entry.path().display().to_string(), std::fs::read(entry.path()).unwrap_or_default()));
        }
    }
    all.sort();
    all
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}
