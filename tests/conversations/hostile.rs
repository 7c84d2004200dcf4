//! Malformed input at every door: a 4xx in the door's own format, the security headers, and nothing stored (P15, P17, P20).

use std::rc::Rc;

use bytes::Bytes;
use http::{Method, Request, Response, header};
use serde_json::json;
use url::form_urlencoded;
use vedette::router;
use vedette::slack::routes::MAX_BODY;
use vedette_sandbox::signature;

use crate::browser::text;
use crate::world::{ADA, APP, INCIDENTS, Platform, variables};

const EVENTS: &str = "/slack/events";
const COMMANDS: &str = "/slack/commands";
const INTERACTIONS: &str = "/slack/interactions";
const SLACK: [&str; 3] = [EVENTS, COMMANDS, INTERACTIONS];
const CALLBACK: &str = "/api/oauth/callback/sentry";

/// A deployment in which something is stored already.
fn platform() -> Rc<Platform> {
    let platform = Platform::new();
    platform.say(ADA, INCIDENTS, "@vedette whoami");
    platform.connect(ADA, "ada@example.com");
    platform
}

fn post(path: &str) -> http::request::Builder {
    Request::builder().method(Method::POST).uri(format!("{APP}{path}"))
}

fn seconds(platform: &Platform) -> i64 {
    platform.now.get() / 1000
}

fn sign(secret: &str, at: i64, body: &[u8]) -> String {
    signature(secret, &at.to_string(), body)
}

/// A body that Slack signed, whatever it is.
fn signed(platform: &Platform, path: &str, body: impl Into<Bytes>) -> Request<Bytes> {
    let (body, at) = (body.into(), seconds(platform));
    let secret = platform.sandbox.options().signing_secret.clone();
    post(path)
        .header("x-slack-request-timestamp", at)
        .header("x-slack-signature", sign(&secret, at, &body))
        .body(body)
        .unwrap()
}

fn has_security_headers(response: &Response<Bytes>, at: &str) {
    let headers = response.headers();
    let value = |name: &str| headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default();
    let policy = value("content-security-policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{at}: {policy}");
    assert!(!policy.contains("unsafe"), "{at}: {policy}");
    assert_eq!(value("x-content-type-options"), "nosniff", "{at}");
    assert_eq!(value("referrer-policy"), "no-referrer", "{at}");
    assert_eq!(value("x-frame-options"), "DENY", "{at}");
    // A page that a client opens in a window of its own keeps its opener: the client waits for the window to close.
    let opener = if at == "/oauth/authorize" { "unsafe-none" } else { "same-origin" };
    assert_eq!(value("cross-origin-opener-policy"), opener, "{at}");
    assert!(value("strict-transport-security").contains("max-age="), "{at}");
    assert!(headers.contains_key(header::CONTENT_TYPE) || response.body().is_empty(), "{at}");
    if response.status() == 405 {
        assert!(!value("allow").is_empty(), "{at}");
    }
    if matches!(response.status().as_u16(), 429 | 503) {
        assert!(!value("retry-after").is_empty(), "{at}");
    }
}

/// Sends each, and asserts that each is refused as `expected` says and that nothing came of it.
fn refused(platform: &Platform, requests: Vec<(String, Request<Bytes>)>, expected: impl Fn(u16) -> bool) -> usize {
    let (stored, objects) = (platform.stored(), platform.object_names());
    let (sent, count) = (platform.sent.borrow().len(), requests.len());
    for (at, request) in requests {
        let response = platform.request(request);
        let status = response.status().as_u16();
        assert!(expected(status), "{at}: {status} {}", text(&response));
        has_security_headers(&response, &at);
        assert_eq!(platform.object_names(), objects, "{at}");
    }
    assert_eq!(platform.stored(), stored);
    assert_eq!(platform.sent.borrow().len(), sent, "nobody was called");
    count
}

#[test]
fn what_slack_did_not_sign_is_a_401_at_each_of_its_doors_p17() {
    let platform = platform();
    let secret = platform.sandbox.options().signing_secret.clone();
    let body = br#"{"type":"event_callback"}"#.to_vec();
    let now = seconds(&platform);
    let good = sign(&secret, now, &body);
    let mut requests = Vec::new();
    for path in SLACK {
        let mut add = |name: &str, headers: &[(&str, String)]| {
            let mut builder = post(path);
            for (name, value) in headers {
                builder = builder.header(*name, value.as_str());
            }
            requests.push((format!("{path} {name}"), builder.body(Bytes::from(body.clone())).unwrap()));
        };
        let (ts, sig) = ("x-slack-request-timestamp", "x-slack-signature");
        let at = |offset: i64| vec![(ts, (now + offset).to_string()), (sig, sign(&secret, now + offset, &body))];
        add("nothing", &[]);
        add("no timestamp", &[(sig, good.clone())]);
        add("no signature", &[(ts, now.to_string())]);
        add("two timestamps", &[(ts, now.to_string()), (ts, now.to_string()), (sig, good.clone())]);
        add("two signatures", &[(ts, now.to_string()), (sig, good.clone()), (sig, good.clone())]);
        add("too old", &at(-301));
        add("too new", &at(301));
        add("a word for a timestamp", &[(ts, "now".into()), (sig, good.clone())]);
        add("a signed timestamp", &[(ts, format!("+{now}")), (sig, good.clone())]);
        add("a timestamp beyond all", &[(ts, "9".repeat(40)), (sig, good.clone())]);
        add("a blank timestamp", &[(ts, String::new()), (sig, good.clone())]);
        add("an empty signature", &[(ts, now.to_string()), (sig, String::new())]);
        add("a short signature", &[(ts, now.to_string()), (sig, good[..20].to_owned())]);
        add("a long signature", &[(ts, now.to_string()), (sig, format!("{good}00"))]);
        add("an uppercase signature", &[(ts, now.to_string()), (sig, good.to_uppercase())]);
        add("another version", &[(ts, now.to_string()), (sig, good.replacen("v0=", "v1=", 1))]);
        add("another secret", &[(ts, now.to_string()), (sig, sign("another", now, &body))]);
        add("another body's", &[(ts, now.to_string()), (sig, sign(&secret, now, b"{}"))]);
        add("another moment's", &[(ts, now.to_string()), (sig, sign(&secret, now - 1, &body))]);
    }
    assert_eq!(refused(&platform, requests, |status| status == 401), 57);
}

#[test]
fn a_signed_body_that_is_not_what_the_door_takes_is_a_400_p20() {
    let platform = platform();
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(10_000), close.repeat(10_000));
    let form = |pairs: &[(&str, &str)]| form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let mut bodies: Vec<(&str, &str, Vec<u8>)> = vec![
        (EVENTS, "empty", vec![]),
        (EVENTS, "junk", b"junk".to_vec()),
        (EVENTS, "half of it", br#"{"type":"event_callback","#.to_vec()),
        (EVENTS, "invalid UTF-8", b"{\"type\":\"\xff\xfe\"}".to_vec()),
        (EVENTS, "NULs", vec![0; 100]),
        (EVENTS, "a list", b"[]".to_vec()),
        (EVENTS, "a number", b"1e999".to_vec()),
        (EVENTS, "null", b"null".to_vec()),
        (EVENTS, "no type", b"{}".to_vec()),
        (EVENTS, "a type that is a number", br#"{"type":1}"#.to_vec()),
        (EVENTS, "a type twice", br#"{"type":"event_callback","type":"url_verification","challenge":"x"}"#.to_vec()),
        (EVENTS, "a challenge without its text", br#"{"type":"url_verification"}"#.to_vec()),
        (
            EVENTS,
            "a challenge beyond all",
            json!({"type": "url_verification", "challenge": "x".repeat(5000)}).to_string().into(),
        ),
        (EVENTS, "a team that is a list", br#"{"type":"event_callback","team_id":[]}"#.to_vec()),
        (EVENTS, "a deep list", deep("[", "]").into()),
        (
            EVENTS,
            "a deep event",
            format!(r#"{{"type":"event_callback","event":{}}}"#, deep("{\"a\":", "}").replace(":}", ":1}")).into(),
        ),
        (
            EVENTS,
            "a deep list as an event",
            format!(r#"{{"type":"event_callback","event":{}}}"#, deep("[", "]")).into(),
        ),
        (EVENTS, "a form", form(&[("user_id", ADA)]).into()),
        (COMMANDS, "empty", vec![]),
        (COMMANDS, "JSON", b"{}".to_vec()),
        (COMMANDS, "nobody", form(&[("team_id", "T0GLOBEX"), ("channel_id", INCIDENTS)]).into()),
        (COMMANDS, "nowhere", form(&[("team_id", "T0GLOBEX"), ("user_id", ADA)]).into()),
        (COMMANDS, "of no team", form(&[("user_id", ADA), ("channel_id", INCIDENTS)]).into()),
        (
            COMMANDS,
            "a user that is a path",
            form(&[("team_id", "T0GLOBEX"), ("user_id", "../U0ADA"), ("channel_id", INCIDENTS)]).into(),
        ),
        (
            COMMANDS,
            "a user with a colon",
            form(&[("team_id", "T0GLOBEX"), ("user_id", "U:1"), ("channel_id", INCIDENTS)]).into(),
        ),
        (
            COMMANDS,
            "a team with a colon",
            form(&[("team_id", "T:1"), ("user_id", ADA), ("channel_id", INCIDENTS)]).into(),
        ),
        (
            COMMANDS,
            "a channel that is markup",
            form(&[("team_id", "T0GLOBEX"), ("user_id", ADA), ("channel_id", "<C>")]).into(),
        ),
        (
            COMMANDS,
            "a user with a NUL",
            form(&[("team_id", "T0GLOBEX"), ("user_id", "U\0"), ("channel_id", INCIDENTS)]).into(),
        ),
        (
            COMMANDS,
            "a user beyond all",
            form(&[("team_id", "T0GLOBEX"), ("user_id", &"U".repeat(500_000)), ("channel_id", INCIDENTS)]).into(),
        ),
        (COMMANDS, "invalid UTF-8", b"user_id=%ff%fe&team_id=%ff&channel_id=%ff".to_vec()),
        (INTERACTIONS, "empty", vec![]),
        (INTERACTIONS, "no payload", form(&[("a", "b")]).into()),
        (INTERACTIONS, "an empty payload", form(&[("payload", "")]).into()),
        (INTERACTIONS, "junk", form(&[("payload", "junk")]).into()),
        (INTERACTIONS, "no type", form(&[("payload", "{}")]).into()),
        (INTERACTIONS, "a list", form(&[("payload", "[]")]).into()),
        (INTERACTIONS, "a deep payload", form(&[("payload", &deep("[", "]"))]).into()),
        (INTERACTIONS, "the payload as JSON", br#"{"type":"block_actions"}"#.to_vec()),
    ];
    for path in SLACK {
        bodies.push((path, "only ampersands", vec![b'&'; 10_000]));
        bodies.push((path, "only percents", vec![b'%'; 10_000]));
    }
    let requests: Vec<_> = bodies
        .into_iter()
        .map(|(path, name, body)| (format!("{path} {name}"), signed(&platform, path, body)))
        .collect();
    let count = refused(&platform, requests, |status| status == 400);
    assert!(count >= 44, "{count}");
    assert!(!platform.log_text().contains("junk"), "what was sent is not repeated in the log");
}

#[test]
fn a_signed_body_of_an_unexpected_form_is_acknowledged_and_dropped_since_a_retry_would_not_mend_it() {
    let platform = platform();
    let event = |event: serde_json::Value| json!({"type": "event_callback", "team_id": "T0GLOBEX", "event": event});
    let say = |changes: serde_json::Value| {
        let mut said = json!({"type": "message", "channel_type": "im", "channel": "D0ADA", "user": ADA,
            "ts": "1760000500.000100", "text": "whoami"});
        changes.as_object().unwrap().iter().for_each(|(name, value)| said[name] = value.clone());
        event(said).to_string()
    };
    let press = |changes: serde_json::Value| {
        let mut payload = json!({"type": "block_actions", "user": {"id": ADA}, "team": {"id": "T0GLOBEX"},
            "channel": {"id": INCIDENTS}, "container": {"message_ts": "1.1"},
            "actions": [{"action_id": "run:1", "action_ts": "1.1", "value": "{\"c\":\"whoami\",\"p\":{}}"}]});
        changes.as_object().unwrap().iter().for_each(|(name, value)| payload[name] = value.clone());
        form_urlencoded::Serializer::new(String::new()).append_pair("payload", &payload.to_string()).finish()
    };
    let action = |action: serde_json::Value| press(json!({ "actions": [action] }));
    let bodies: Vec<(&str, String)> = vec![
        (EVENTS, json!({"type": "event_callback"}).to_string()),
        (EVENTS, json!({"type": "app_rate_limited"}).to_string()),
        (EVENTS, event(json!(null)).to_string()),
        (EVENTS, event(json!([])).to_string()),
        (EVENTS, event(json!({"type": "message"})).to_string()),
        (EVENTS, event(json!({"type": 7})).to_string()),
        (EVENTS, say(json!({"user": null}))),
        (EVENTS, say(json!({"user": "U0\u{0}ADA"}))),
        (EVENTS, say(json!({"user": "U:0"}))),
        (EVENTS, say(json!({"user": {"id": ADA}}))),
        (EVENTS, say(json!({"user": "USLACKBOT"}))),
        (EVENTS, say(json!({"channel": "D0ADA/../x"}))),
        (EVENTS, say(json!({"channel": 5}))),
        (EVENTS, say(json!({"ts": "yesterday"}))),
        (EVENTS, say(json!({"ts": ""}))),
        (EVENTS, say(json!({"ts": 1760000500.5}))),
        (EVENTS, say(json!({"text": ["whoami"]}))),
        (EVENTS, say(json!({"bot_id": "B0"}))),
        (EVENTS, say(json!({"subtype": "message_changed"}))),
        (EVENTS, say(json!({"subtype": "bot_message"}))),
        (EVENTS, say(json!({"hidden": true}))),
        (EVENTS, say(json!({"edited": {"user": ADA}}))),
        (COMMANDS, "ssl_check=1".to_owned()),
        (INTERACTIONS, press(json!({"type": "view_submission"}))),
        (INTERACTIONS, press(json!({"user": null}))),
        (INTERACTIONS, press(json!({"user": {"id": "../x"}}))),
        (INTERACTIONS, press(json!({"team": null}))),
        (INTERACTIONS, press(json!({"channel": {"id": "<!channel>"}}))),
        (INTERACTIONS, press(json!({"container": null}))),
        (INTERACTIONS, press(json!({"actions": []}))),
        (INTERACTIONS, press(json!({"actions": "run"}))),
        (INTERACTIONS, action(json!({}))),
        (INTERACTIONS, action(json!({"action_id": "unknown:1", "action_ts": "1.1"}))),
        (INTERACTIONS, action(json!({"action_id": "run:1", "action_ts": "1.1"}))),
        (INTERACTIONS, action(json!({"action_id": "run:1", "action_ts": "1.1", "value": "junk"}))),
        (INTERACTIONS, action(json!({"action_id": "run:1", "action_ts": "1.1", "value": "[".repeat(2_001)}))),
        (INTERACTIONS, action(json!({"action_id": "connect", "action_ts": "x"}))),
        (INTERACTIONS, action(json!({"action_id": "connect_link", "action_ts": "1.1"}))),
    ];
    let requests: Vec<_> =
        bodies.into_iter().map(|(path, body)| (format!("{path} {body}"), signed(&platform, path, body))).collect();
    assert_eq!(refused(&platform, requests, |status| status == 200), 38);
}

#[test]
fn odd_words_that_slack_did_sign_are_answered_and_break_nothing_p20() {
    let platform = platform();
    let long = "x".repeat(40_000);
    let words = [
        "\u{0}\u{0}",
        "whoami\u{0}",
        "\u{202e}imaohw",
        "issue list \u{feff}",
        "issue list --query",
        "issue list ' unclosed \" quotes",
        "issue list ../../etc/passwd",
        "issue list globex/..%2f..",
        "issue list globex/checkout-api --limit -1",
        "issue list globex/checkout-api --limit 99999999999999999999999",
        "issue view https://evil.example/issues/1/",
        "issue view https://sentry.io@evil.example/issues/1/",
        "issue view 0",
        "'; DROP TABLE turns; --",
        "<script>alert(1)</script>",
        "<!channel> <@U0GRACE>",
        "--share",
        "-h -h -h",
        "use ../x",
        long.as_str(),
    ];
    for text in words {
        let before = platform.seen_by(ADA).len();
        platform.slash(ADA, text);
        let seen = platform.seen_by(ADA);
        assert_eq!(seen.len(), before + 1, "{text:.40}");
        let answer = crate::world::full_text(seen.last().unwrap());
        assert!(!answer.contains("Looking"), "{text:.40}: {answer:.200}");
        assert!(!answer.contains("<!channel>") && !answer.contains("<@U0GRACE>"), "{text:.40}: {answer:.200}");
    }
    assert!(platform.sandbox.slack().calls.iter().all(|call| call.error.is_none()), "Slack took every message");
    assert!(platform.sent.borrow().iter().all(|sent| !sent.url.contains("evil")));
}

#[test]
fn a_body_that_is_too_long_is_a_413_at_each_door_and_one_that_just_fits_is_read() {
    let platform = platform();
    let mut requests = Vec::new();
    for path in SLACK {
        requests.push((path.to_owned(), signed(&platform, path, vec![b'x'; MAX_BODY + 1])));
        requests.push((path.to_owned(), post(path).body(vec![b'x'; MAX_BODY + 1].into()).unwrap()));
    }
    for path in
        ["/connect/x", "/account", "/oauth/authorize", "/oauth/register", "/oauth/token", "/oauth/revoke", "/mcp"]
    {
        requests.push((path.to_owned(), post(path).body(vec![b'x'; router::MAX_BODY + 1].into()).unwrap()));
    }
    refused(&platform, requests, |status| status == 413);
    let fits = SLACK.map(|path| (path.to_owned(), signed(&platform, path, vec![b'x'; MAX_BODY])));
    refused(&platform, fits.into(), |status| status == 400);
}

#[test]
fn another_content_type_is_still_judged_by_the_body() {
    let platform = platform();
    let mut requests = Vec::new();
    for path in SLACK {
        for kind in ["", "text/html", "multipart/form-data; boundary=x", "application/json; charset=utf-16"] {
            let mut request = signed(&platform, path, "junk=1");
            request.headers_mut().insert(header::CONTENT_TYPE, kind.parse().unwrap());
            requests.push((format!("{path} {kind}"), request));
        }
    }
    refused(&platform, requests, |status| status == 400);
}

#[test]
fn a_path_that_is_none_is_a_404_page_with_no_echo_p15() {
    let platform = platform();
    let long = format!("/{}", "x".repeat(60_000));
    let paths = [
        "/nothing",
        "/slack",
        "/slack/",
        "/slack/events/",
        "//slack/events",
        "/slack//events",
        "/slack%2fevents",
        "/slack/events%00",
        "/SLACK/EVENTS",
        "/connect",
        "/connect/a/b",
        "/connect//",
        "/api",
        "/api/oauth/callback",
        "/api/oauth/callback/github",
        "/api/oauth/callback/sentry/",
        "/api/auth/status/..",
        "/../etc/passwd",
        "/..%2f..%2fetc/passwd",
        "/%2e%2e/%2e%2e",
        "/.env",
        "/.git/config",
        "/wp-admin",
        "/health/",
        "/<script>alert(1)</script>",
        "/%3Cscript%3Ealert(1)%3C%2Fscript%3E",
        long.as_str(),
    ];
    let mut requests = Vec::new();
    for path in paths {
        for method in [Method::GET, Method::POST] {
            let Ok(request) = Request::builder().method(&method).uri(format!("{APP}{path}")).body(Bytes::new()) else {
                continue; // No such request reaches a Worker.
            };
            requests.push((format!("{method} {path:.60}"), request));
        }
    }
    let count = refused(&platform, requests, |status| status == 404);
    assert!(count >= 48, "{count}");
    let page = platform.request(Request::get(format!("{APP}/%3Cb%3Emark%3C%2Fb%3E")).body(Bytes::new()).unwrap());
    assert!(!text(&page).contains("mark"), "{}", text(&page));
}

#[test]
fn a_method_that_a_path_does_not_answer_is_a_405_that_says_which_it_does() {
    let platform = platform();
    let methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "GETS", "x"];
    let routes: [(&str, &[&str]); 13] = [
        (EVENTS, &["POST"]),
        (COMMANDS, &["POST"]),
        (INTERACTIONS, &["POST"]),
        ("/connect/x", &["GET", "POST"]),
        (CALLBACK, &["GET"]),
        ("/api/auth/status", &["GET"]),
        ("/", &["GET"]),
        ("/health", &["GET"]),
        ("/llms.txt", &["GET"]),
        ("/robots.txt", &["GET"]),
        ("/mcp.json", &["GET"]),
        ("/favicon.ico", &["GET"]),
        ("/favicon.svg", &["GET"]),
    ];
    let mut requests = Vec::new();
    for (path, answered) in routes {
        for method in methods.iter().filter(|method| !answered.contains(method)) {
            let request = Request::builder().method(*method).uri(format!("{APP}{path}")).body(Bytes::new()).unwrap();
            let response = platform.request(request.clone());
            let allow = response.headers()["allow"].to_str().unwrap().to_owned();
            answered.iter().for_each(|method| assert!(allow.contains(method), "{path}: {allow}"));
            assert_eq!(allow.contains("HEAD"), answered.contains(&"GET"), "{path}: {allow}");
            let format = response.headers()["content-type"].to_str().unwrap().to_owned();
            let expected = match path {
                "/api/auth/status" => "application/json",
                path if path.starts_with("/slack/") => "text/plain",
                _ => "text/html",
            };
            assert!(format.starts_with(expected), "{path}: {format}");
            requests.push((format!("{method} {path}"), request));
        }
    }
    let count = refused(&platform, requests, |status| status == 405);
    assert!(count >= 90, "{count}");
}

#[test]
fn a_junk_ticket_of_any_length_costs_no_lookup_p17() {
    let platform = platform();
    let mut requests = Vec::new();
    for length in [0, 1, 2, 3, 22, 100, 1_000, 4_095, 4_096, 4_097, 10_000, 60_000] {
        for letter in ['A', '-', '_', '0', '~', '.', '!'] {
            for method in [Method::GET, Method::POST] {
                let ticket = letter.to_string().repeat(length);
                let builder = Request::builder().method(&method).uri(format!("{APP}/connect/{ticket}"));
                let Ok(request) = builder.body(Bytes::from_static(b"csrf=x&decision=connect")) else { continue };
                requests.push((format!("{method} {length} x {letter}"), request));
            }
        }
    }
    for ticket in
        ["%00", "%ff%fe", "%2e%2e", "a%20b", "a?b=c", "é".escape_unicode().to_string().as_str(), "AAAA%2FAAAA"]
    {
        let uri = format!("{APP}/connect/{ticket}");
        if let Ok(request) = Request::get(uri).body(Bytes::new()) {
            requests.push((ticket.to_owned(), request));
        }
    }
    let count = refused(&platform, requests, |status| (400..500).contains(&status));
    assert!(count > 150, "{count}");
}

#[test]
fn a_junk_callback_is_a_page_and_costs_no_lookup_p17() {
    let platform = platform();
    let long = format!("?state={}", "a".repeat(60_000));
    let queries = [
        "",
        "?",
        "?state",
        "?state=",
        "?state=.",
        "?state=a.b",
        "?state=%ff%00",
        "?state=a&state=b&code=c",
        "?code=x",
        "?code[]=x&state[]=y",
        "?error=access_denied",
        "?error=access_denied&state=a.b",
        "?error=%3Cscript%3E",
        "?%",
        "?&&&&&&&",
        "?state=null&code=undefined",
        long.as_str(),
    ];
    let requests = queries
        .iter()
        .map(|query| {
            let request = Request::get(format!("{APP}{CALLBACK}{query}"))
                .header(header::COOKIE, "__Host-vedette_browser=AAAA; =; ;;; a=b=c")
                .body(Bytes::new());
            ((*query).to_owned(), request.unwrap())
        })
        .collect();
    refused(&platform, requests, |status| status == 400);
}

#[test]
fn a_bad_credential_is_a_401_in_json_without_asking_sentry() {
    let platform = platform();
    let values = [
        "",
        "Sentry-Bearer",
        "Sentry-Bearer ",
        "Bearer x",
        "Basic eDp5",
        "Sentry-Bearer a b",
        "Sentry-Bearer\tx",
        "sentry-bearer,x",
    ];
    let long = format!("Sentry-Bearer {}", "x".repeat(5_000));
    let requests: Vec<_> = values
        .into_iter()
        .chain([long.as_str()])
        .map(|value| {
            let request = Request::get(format!("{APP}/api/auth/status")).header(header::AUTHORIZATION, value);
            (format!("{value:.40}"), request.body(Bytes::new()).unwrap())
        })
        .collect();
    for (at, request) in &requests {
        let response = platform.request(request.clone());
        assert_eq!(response.headers()["content-type"], "application/json", "{at}");
        let body: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
        assert!(body["error"].is_string() && body["error_description"].is_string(), "{at}");
        assert!(response.headers().contains_key("www-authenticate"), "{at}");
    }
    refused(&platform, requests, |status| status == 401);
}

#[test]
fn doors_that_are_not_configured_say_so_and_the_others_still_work() {
    let mut lacking = variables();
    lacking.retain(|(name, _)| !name.starts_with("SLACK_"));
    let platform = Platform::with(&lacking);
    let requests = SLACK.map(|path| (path.to_owned(), signed(&platform, path, "x"))).into();
    refused(&platform, requests, |status| status == 503);
    for path in ["/", "/health", "/robots.txt", "/llms.txt", "/mcp.json", "/favicon.ico", "/favicon.svg"] {
        let response = platform.request(Request::get(format!("{APP}{path}")).body(Bytes::new()).unwrap());
        assert_eq!(response.status(), 200, "{path}");
        has_security_headers(&response, path);
    }
}

#[test]
fn without_a_secret_to_seal_with_a_person_is_told_what_is_missing() {
    let mut lacking = variables();
    lacking.retain(|(name, _)| *name != "COOKIE_SECRET");
    let platform = Platform::with(&lacking);
    platform.slash(ADA, "issue list globex");
    assert!(platform.last_seen_by(ADA).contains("COOKIE_SECRET"), "{}", platform.last_seen_by(ADA));
    platform.say(ADA, "D0ADA", "issue list globex");
    assert!(platform.last_seen_by(ADA).contains("COOKIE_SECRET"), "{}", platform.last_seen_by(ADA));
}
