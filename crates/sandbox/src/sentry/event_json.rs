//! An event, as Sentry writes it: exceptions with frames (oldest first), the request with what must not be shown, tags.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::data::{Code, Issue, SENSITIVE_CANARY, event_platform, of_platform};
use super::time;
use crate::json::Put;

/// How many events an issue has that can be fetched.
const MAX_EVENTS: u64 = 30;
/// Events of an issue are this far apart.
const STEP_MS: i64 = 11 * 60 * 1000;

/// The number of an issue's events that can be fetched.
pub(crate) fn number_of_events(issue: &Issue) -> u64 {
    issue.count.clamp(1, MAX_EVENTS)
}

/// The id of an issue's event; 0 is the latest.
pub(crate) fn event_id(issue: &Issue, nth: u64) -> String {
    let hash = hex::encode(Sha256::digest(format!("event {} {nth}", issue.id)));
    hash.chars().take(32).collect()
}

/// Finds an event of `issue` by `latest`, `oldest`, `recommended` or its id.
pub(crate) fn nth_by_name(issue: &Issue, name: &str) -> Option<u64> {
    let count = number_of_events(issue);
    match name {
        "latest" => Some(0),
        "recommended" => Some(count / 2),
        "oldest" => Some(count - 1),
        id => (0..count).find(|nth| event_id(issue, *nth) == id.replace('-', "").to_ascii_lowercase()),
    }
}

/// An event as it stands in the list of an issue's events.
pub(crate) fn in_list(issue: &Issue, nth: u64, now_ms: i64) -> Value {
    json!({
        "id": event_id(issue, nth),
        "eventID": event_id(issue, nth),
        "groupID": issue.id.to_string(),
        "projectID": issue.project.id,
        "event.type": if issue.is_error() { "error" } else { "default" },
        "title": issue.title(),
        "message": if issue.is_error() { String::new() } else { issue.value.clone() },
        "culprit": issue.culprit,
        "platform": event_platform(issue.project.platform),
        "location": issue.code.map(|code| code.filename),
        "dateCreated": time::seconds(created_ms(issue, nth, now_ms)),
        "tags": tag_list(issue),
        "user": user(issue, nth),
        "crashFile": null,
        "metadata": null,
    })
}

/// A whole event. With `llm_format` (`markdown` or `xml`) it brings its own rendering.
pub(crate) fn whole(issue: &Issue, nth: u64, llm_format: Option<&str>, now_ms: i64) -> Value {
    let count = number_of_events(issue);
    let trace = hex::encode(Sha256::digest(format!("trace {} {nth}", issue.id)));
    let (trace_id, span_id) = (trace.get(..32).unwrap_or_default(), trace.get(32..48).unwrap_or_default());
    let older = (nth + 1 < count).then(|| event_id(issue, nth + 1));
    let newer = nth.checked_sub(1).map(|nth| event_id(issue, nth));
    let mut event = in_list(issue, nth, now_ms);
    let more = json!({
        "type": if issue.is_error() { "error" } else { "default" },
        "size": 18_211,
        "dist": null,
        "dateReceived": time::micros(created_ms(issue, nth, now_ms) + 1_312),
        "entries": entries(issue, nth, now_ms),
        "contexts": {
            "trace": {"type": "trace", "trace_id": trace_id, "span_id": span_id, "status": "internal_error"},
            "runtime": runtime(issue),
            "os": {"type": "os", "name": "Linux", "version": "6.8.0"},
            "browser": {"type": "browser", "name": "Firefox", "version": "145.0"},
        },
        "release": issue.last_release.as_ref().map(|version| json!({"version": version})),
        "sdk": {"name": format!("sentry.{}", event_platform(issue.project.platform)), "version": "2.44.0"},
        "errors": [],
        "occurrence": null,
        "resolvedWith": [],
        "nextEventID": newer,
        "previousEventID": older,
    });
    event.put_all(more);
    if let Some(format) = llm_format {
        event.put("formatted", json!({"format": format, "content": formatted(issue, format)}));
    }
    event
}

/// The tags that every event of the issue bears.
pub(crate) fn tags(issue: &Issue) -> Vec<(&'static str, String)> {
    let mut tags = vec![
        ("environment", issue.environment.to_owned()),
        ("level", issue.level.to_owned()),
        ("handled", if issue.handled { "yes" } else { "no" }.to_owned()),
        ("mechanism", if issue.handled { "logging" } else { "generic" }.to_owned()),
        ("server_name", format!("{}-{}", issue.project.slug, issue.id % 4 + 1)),
        ("region", if issue.id.is_multiple_of(2) { "eu-west-1" } else { "us-east-2" }.to_owned()),
    ];
    tags.extend(issue.culprit.map(|culprit| ("transaction", culprit.to_owned())));
    tags.extend(issue.last_release.as_ref().map(|version| ("release", version.clone())));
    if issue.users > 0 {
        tags.push(("user", format!("id:{}", 40_000 + issue.id % 997)));
        tags.push(("browser", "Firefox 145.0".to_owned()));
    }
    tags
}

/// `server_name` → `Server Name`.
pub(crate) fn tag_name(key: &str) -> String {
    let words = key.split(['_', '.']).map(|word| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
    });
    words.collect::<Vec<String>>().join(" ")
}

fn created_ms(issue: &Issue, nth: u64, now_ms: i64) -> i64 {
    let lived_ms = issue.first_seen_age_ms - issue.last_seen_age_ms;
    let back_ms = match i64::try_from(nth) {
        Ok(nth) if u64::try_from(nth).ok() == Some(number_of_events(issue) - 1) && nth > 0 => lived_ms,
        Ok(nth) => (nth * STEP_MS).min(lived_ms),
        Err(_) => lived_ms,
    };
    now_ms.saturating_sub(issue.last_seen_age_ms).saturating_sub(back_ms)
}

fn tag_list(issue: &Issue) -> Value {
    Value::Array(tags(issue).into_iter().map(|(key, value)| json!({"key": key, "value": value})).collect())
}

fn user(issue: &Issue, nth: u64) -> Value {
    if issue.users == 0 {
        return Value::Null;
    }
    let id = 40_000 + (issue.id + nth) % 997;
    json!({"id": id.to_string(), "email": format!("customer{id}@mail.example"), "username": null,
           "ip_address": "203.0.113.24", "name": null, "geo": {"country_code": "DE", "city": "Kassel"}})
}

fn runtime(issue: &Issue) -> Value {
    match event_platform(issue.project.platform) {
        "python" => json!({"type": "runtime", "name": "CPython", "version": "3.13.7"}),
        "go" => json!({"type": "runtime", "name": "go", "version": "go1.25.1"}),
        "java" => json!({"type": "runtime", "name": "OpenJDK Runtime Environment", "version": "21.0.8"}),
        "node" => json!({"type": "runtime", "name": "node", "version": "v24.8.0"}),
        "native" => json!({"type": "runtime", "name": "rustc", "version": "1.91.0"}),
        _ => Value::Null,
    }
}

fn entries(issue: &Issue, nth: u64, now_ms: i64) -> Value {
    let mut entries = Vec::new();
    if issue.is_error() {
        entries.push(json!({"type": "exception", "data": {
            "values": exceptions(issue), "hasSystemFrames": true, "excOmitted": null,
        }}));
    } else {
        entries.push(json!({"type": "message", "data": {"formatted": issue.value}}));
    }
    entries.push(breadcrumbs(issue, nth, now_ms));
    if let Some((method, path)) = issue.culprit.and_then(|culprit| culprit.split_once(' ')) {
        entries.push(request(issue, method, path));
    }
    Value::Array(entries)
}

fn exceptions(issue: &Issue) -> Value {
    let mechanism = json!({"type": if issue.handled { "logging" } else { "generic" }, "handled": issue.handled});
    let exception = json!({
        "type": issue.kind,
        "value": issue.value,
        "mechanism": mechanism,
        "threadId": null,
        "module": issue.code.map(|code| code.module.split('.').next().unwrap_or_default()),
        "stacktrace": issue.code.map(|code| json!({
            "frames": frames(issue, code), "framesOmitted": null, "registers": null, "hasSystemFrames": true,
        })),
        "rawStacktrace": null,
    });
    // What was raised "from" something else has its cause before it.
    if issue.kind != "GatewayTimeout" {
        return json!([exception]);
    }
    let cause = json!({
        "type": "ReadTimeout",
        "value": "HTTPSConnectionPool(host='api.stripe.com', port=443): Read timed out. (read timeout=10.0)",
        "mechanism": {"type": "chained", "handled": true, "source": "__cause__"},
        "threadId": null, "module": "requests.exceptions", "rawStacktrace": null,
        "stacktrace": {"framesOmitted": null, "registers": null, "hasSystemFrames": true, "frames": [
            {"filename": "requests/adapters.py", "absPath": "/app/.venv/lib/python3.13/site-packages/requests/adapters.py",
             "module": "requests.adapters", "function": "send", "lineNo": 713, "colNo": null, "inApp": false,
             "context": [[713, "                raise ReadTimeout(e, request=request)"]], "vars": null},
        ]},
    });
    json!([cause, exception])
}

/// Frameworks outside, one's own code inside, and one frame of which nothing is known.
fn frames(issue: &Issue, code: &Code) -> Value {
    let platform = issue.project.platform;
    let mut frames: Vec<Value> = vec![json!({
        "filename": null, "absPath": null, "module": null, "package": null, "function": null,
        "lineNo": null, "colNo": null, "inApp": false, "context": [], "vars": null,
    })];
    frames.extend(of_platform(platform).iter().map(|frame| {
        let context = if frame.source.is_empty() { json!([]) } else { json!([[frame.line, frame.source]]) };
        json!({
            "filename": frame.filename, "absPath": format!("/usr/lib/{}", frame.filename), "module": frame.module,
            "package": null, "function": frame.function, "lineNo": frame.line, "colNo": null, "inApp": false,
            "context": context, "vars": null,
        })
    }));
    frames.push(caller(issue, code));
    frames.push(in_app_frame(code));
    Value::Array(frames)
}

/// The caller in one's own code.
fn caller(issue: &Issue, code: &Code) -> Value {
    let (folder, file) = code.filename.rsplit_once('/').unwrap_or(("", code.filename));
    let extension = file.rsplit_once('.').map_or("", |(_, extension)| extension);
    let filename = format!("{folder}/handlers.{extension}");
    let line = 20 + issue.id % 60;
    json!({
        "filename": filename, "absPath": format!("/app/{}", filename.trim_start_matches("./")),
        "module": code.module.rsplit_once('.').map(|(parent, _)| format!("{parent}.handlers")),
        "package": null, "function": "handle", "lineNo": line, "colNo": 9, "inApp": true,
        "context": [
            [line - 1, "        logger.debug(\"handling\", extra=context)"],
            [line, format!("        return self.service.{}(*arguments)", code.function)],
            [line + 1, ""],
        ],
        "vars": {"self": "<Handler>", "arguments": "[Filtered]", "api_key": SENSITIVE_CANARY},
    })
}

fn in_app_frame(code: &Code) -> Value {
    let first = i64::from(code.line) - i64::try_from(code.hot).unwrap_or(0);
    let context: Vec<Value> = (first..).zip(code.snippet).map(|(number, source)| json!([number, source])).collect();
    json!({
        "filename": code.filename, "absPath": format!("/app/{}", code.filename.trim_start_matches("./")),
        "module": code.module, "package": null, "function": code.function, "lineNo": code.line, "colNo": null,
        "inApp": true, "context": context, "vars": {"timeout": "10.0", "session_cookie": SENSITIVE_CANARY},
    })
}

fn breadcrumbs(issue: &Issue, nth: u64, now_ms: i64) -> Value {
    let at = |before_ms: i64| time::micros(created_ms(issue, nth, now_ms) - before_ms);
    json!({"type": "breadcrumbs", "data": {"values": [
        {"type": "http", "category": "httplib", "level": "info", "message": null, "timestamp": at(8_400),
         "data": {"method": "GET", "url": "http://carts.internal/v2/carts/8812", "status_code": 200}, "event_id": null},
        {"type": "query", "category": "query", "level": "info", "timestamp": at(5_100), "data": {}, "event_id": null,
         "message": "SELECT id, number FROM orders WHERE customer_id = %s LIMIT 1"},
        {"type": "default", "category": "checkout", "level": "warning", "timestamp": at(90), "data": null,
         "message": "second attempt", "event_id": null},
    ]}})
}

/// The request as the SDK sent it: much of it is nobody's business.
fn request(issue: &Issue, method: &str, path: &str) -> Value {
    json!({"type": "request", "data": {
        "method": method,
        "url": format!("https://api.{}.example{}", issue.project.organization, path.replace("{id}", "8812")),
        "query": [["page", "2"]],
        "fragment": null,
        "headers": [["Authorization", format!("Bearer {SENSITIVE_CANARY}")], ["Cookie", format!("sid={SENSITIVE_CANARY}")],
                    ["User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"]],
        "cookies": [["sid", SENSITIVE_CANARY]],
        "env": {"REMOTE_ADDR": "203.0.113.24"},
        "data": {"card_number": SENSITIVE_CANARY},
        "inferredContentType": "application/json",
        "apiTarget": null,
    }})
}

fn formatted(issue: &Issue, format: &str) -> String {
    let place = issue.code.map(|code| {
        format!("{} in {} (line {})\n{}", code.filename, code.function, code.line, code.snippet.join("\n"))
    });
    let place = place.unwrap_or_else(|| "no stack trace".to_owned());
    match format {
        "xml" => format!("<event><title>{}</title><stacktrace>{place}</stacktrace></event>", issue.title()),
        _ => format!("# {}\n\n**Level:** {}\n\n## Stack trace\n\n```\n{place}\n```\n", issue.title(), issue.level),
    }
}
