//! After a long day: no secret, no link and nothing sensitive is anywhere but where it belongs (P1, P7, P13, P18).

use std::rc::Rc;
use std::time::Duration;

use vedette_sandbox::{Fault, FaultKind, SENSITIVE_CANARY, Side};

use crate::browser::Browser;
use crate::world::{ADA, ADA_OBJECT, GRACE, INCIDENTS, Platform, link_in};

const EXTERNAL: &str = "U0EXT";

/// A day on which much happened, and the private links and addresses of it.
struct Day {
    platform: Rc<Platform>,
    links: Vec<String>,
    callbacks: Vec<String>,
}

impl Day {
    fn connect(&mut self, person: &str, account: &str) {
        let link = self.platform.link_for(person).expect("a private link");
        let browser = Browser::new(&self.platform);
        let callback = browser.consent(&browser.start(&link).unwrap(), Some(account));
        let page = browser.get(&callback);
        assert_eq!(browser.decide(&page, "connect").status(), 200);
        browser.get(&callback);
        browser.get(&link);
        self.callbacks.push(callback);
        self.note_links();
        self.platform.settle();
    }

    fn note_links(&mut self) {
        for person in [ADA, GRACE, EXTERNAL] {
            self.links.extend(self.platform.seen_by(person).iter().filter_map(link_in));
        }
        self.links.sort();
        self.links.dedup();
    }
}

fn day() -> Day {
    let platform = Platform::new();
    let mut day = Day { platform: Rc::clone(&platform), links: vec![], callbacks: vec![] };
    // Declined, then connected; by mention, slash command and direct message.
    platform.say(ADA, INCIDENTS, "@vedette issue list globex/checkout-api");
    day.note_links();
    let browser = Browser::new(&platform);
    let declined = browser.consent(&browser.start(&platform.link_for(ADA).unwrap()).unwrap(), None);
    browser.get(&declined);
    day.callbacks.push(declined);
    platform.slash(ADA, "issue list globex/checkout-api --share");
    day.connect(ADA, "ada@example.com");
    platform.say(GRACE, "D0GRACE", "org list");
    day.connect(GRACE, "grace@example.com");
    platform.say(EXTERNAL, "C0SHARED", "@vedette whoami");
    day.note_links();
    // Everything that an event carries.
    for words in [
        "issue view globex/CHECKOUT-API-4F",
        "issue view globex/CHECKOUT-API-4K",
        "issue view globex/TEST-LAB-1",
        "issue list globex/test-lab",
        "status",
        "whoami",
    ] {
        platform.say(ADA, INCIDENTS, &format!("@vedette {words}"));
        platform.slash(ADA, words);
        platform.say(ADA, "D0ADA", words);
    }
    // Refusals, a refresh whose answer is lost, Slack away, a crash.
    let issues = "organizations/globex/issues/";
    for kind in [FaultKind::TokenExpired, FaultKind::Forbidden, FaultKind::Html { code: 200 }, FaultKind::Drop] {
        platform.sandbox.add_fault(Fault::new(Side::Sentry, issues, kind).once());
        platform.say(ADA, INCIDENTS, "@vedette issue list globex/checkout-api");
    }
    platform.sandbox.add_fault(Fault::new(Side::Sentry, issues, FaultKind::InvalidToken).once());
    platform.sandbox.add_fault(Fault::new(Side::Sentry, "oauth/token", FaultKind::Truncate).once());
    platform.say(ADA, INCIDENTS, "@vedette issue list globex/checkout-api");
    day.note_links();
    platform.pass(Duration::from_secs(60));
    if let Some(link) = platform.link_for(ADA) {
        Browser::new(&platform).get(&link);
    }
    platform.sandbox.add_fault(Fault::new(Side::Slack, "*", FaultKind::Drop).times(3));
    platform.say(GRACE, INCIDENTS, "@vedette org list");
    platform.pass(Duration::from_secs(60));
    platform.say_only(ADA, INCIDENTS, "@vedette connect");
    platform.ring_and_crash(ADA_OBJECT, 4);
    platform.pass(Duration::from_secs(120));
    day.note_links();
    if platform.link_for(ADA).is_some_and(|link| Browser::new(&platform).get(&link).status() == 200) {
        day.connect(ADA, "ada@example.com");
    }
    // Cancelled at the end, and disconnected with Sentry away.
    platform.slash(GRACE, "disconnect");
    platform.sandbox.add_fault(Fault::new(Side::Sentry, "oauth/revoke", FaultKind::Drop).once());
    platform.slash(ADA, "disconnect");
    platform.say(ADA, "D0ADA", "connect");
    day.note_links();
    let link = platform.link_for(ADA).unwrap();
    let browser = Browser::new(&platform);
    let page = browser.get(&browser.consent(&browser.start(&link).unwrap(), Some("ada@example.com")));
    browser.decide(&page, "cancel");
    platform.settle();
    day
}

#[test]
fn no_secret_is_logged_stored_shown_or_sent_where_it_does_not_belong_p1_p7_p13() {
    let Day { platform, links, callbacks } = day();
    let secrets = platform.sandbox.secrets();
    let kinds: Vec<_> = secrets.iter().map(|secret| secret.kind).collect();
    for kind in ["access_token", "refresh_token", "code", "state", "code_verifier", "client_secret", "response_url"] {
        assert!(kinds.contains(&kind), "the day had no {kind}");
    }
    assert!(links.len() >= 5, "{links:?}");
    assert!(platform.sandbox.sentry().counters.refreshes >= 1);

    let (logged, stored) = (platform.log_text(), platform.stored());
    let answered = platform.answered.borrow();
    for secret in &secrets {
        let (kind, value) = (secret.kind, secret.value.as_str());
        assert!(!logged.contains(value), "a {kind} is logged");
        assert!(!stored.contains(value), "a {kind} is stored");
        for (path, text) in answered.iter() {
            let goes_to_sentry = kind == "state" && text.contains("\"location\": \"https://sentry.io/oauth/authorize/");
            assert!(!text.contains(value) || goes_to_sentry, "a {kind} is on the page of {path}");
        }
        for call in platform.sandbox.slack().calls {
            assert!(!call.body.to_string().contains(value), "a {kind} is in {}", call.method);
        }
    }
    for capability in links.iter().chain(&callbacks) {
        assert!(!logged.contains(capability) && !stored.contains(capability), "a link is logged or stored");
        assert!(answered.iter().all(|(_, text)| !text.contains(capability)), "a link is on a page");
    }
    assert!(!logged.contains("/connect/") && !stored.contains("/connect/"));
}

#[test]
fn each_secret_is_sent_only_where_it_belongs_p7_p18() {
    let Day { platform, .. } = day();
    let secrets = platform.sandbox.secrets();
    for sent in platform.sent.borrow().iter() {
        let url = url::Url::parse(&sent.url).unwrap();
        let host = url.host_str().unwrap();
        let sentry = host == "sentry.io" || host.ends_with(".sentry.io");
        let (token, revoke) = (url.path() == "/oauth/token/", url.path() == "/oauth/revoke/");
        let bearer = sent.authorization.as_deref().unwrap_or_default();
        for secret in &secrets {
            let value = secret.value.as_str();
            let encoded: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
            let in_body = sent.body.contains(value) || sent.body.contains(&encoded);
            let (in_url, in_bearer) = (sent.url.contains(value), bearer.contains(value));
            let fits = match secret.kind {
                "access_token" => !in_url && (!in_bearer || sentry) && (!in_body || (sentry && revoke)),
                "refresh_token" | "code" | "code_verifier" => !in_url && !in_bearer && (!in_body || (sentry && token)),
                "client_secret" => !in_url && !in_bearer && (!in_body || (sentry && (token || revoke))),
                "bot_token" => !in_url && !in_body && (!in_bearer || (host == "slack.com")),
                "response_url" => !in_body && !in_bearer && (!in_url || sent.url == value),
                _ => !in_url && !in_body && !in_bearer,
            };
            assert!(fits, "a {} in a request to {host}{}", secret.kind, url.path());
        }
        assert!(sentry || matches!(host, "slack.com" | "hooks.slack.com"), "{host}");
    }
}

#[test]
fn a_private_link_is_only_in_a_private_message_to_its_own_person_p13() {
    let Day { platform, .. } = day();
    let mut found = 0;
    for call in platform.sandbox.slack().calls {
        let body = call.body.to_string();
        if !body.contains("/connect/") {
            continue;
        }
        found += 1;
        let channel = call.body["channel"].as_str().unwrap_or_default();
        match call.method.as_str() {
            "chat.postEphemeral" => assert!(call.body["user"].is_string()),
            "chat.postMessage" | "chat.update" => assert!(channel.starts_with('D'), "{channel}"),
            "response_url" => assert_eq!(call.body["response_type"], "ephemeral"),
            other => panic!("a link in {other}"),
        }
        assert!(!call.body["text"].as_str().unwrap().contains("/connect/"), "not in what a notification shows");
    }
    assert!(found >= 5, "{found}");
    for message in platform.sandbox.slack().messages {
        let Some(link) = link_in(&message) else { continue };
        let owner = message.private_to.clone().unwrap_or_else(|| message.channel.replacen('D', "U", 1));
        let page = crate::browser::text(&Browser::new(&platform).get(&link));
        let names = [(ADA, "Ada Lovelace"), (GRACE, "Grace Hopper"), (EXTERNAL, "Edsger Dijkstra")];
        for (person, name) in names {
            assert!(!page.contains(name) || person == owner, "{owner} has the link of {name}");
        }
    }
}

#[test]
fn what_is_sensitive_in_an_event_is_never_shown_logged_or_kept_p20() {
    let Day { platform, .. } = day();
    let shown: String = platform.sandbox.slack().calls.iter().map(|call| call.body.to_string()).collect();
    assert!(shown.contains("GatewayTimeout"), "events were shown");
    assert!(!shown.contains(SENSITIVE_CANARY), "in Slack");
    assert!(!platform.log_text().contains(SENSITIVE_CANARY), "in the log");
    assert!(!platform.stored().contains(SENSITIVE_CANARY), "in the storage");
    assert!(platform.answered.borrow().iter().all(|(_, text)| !text.contains(SENSITIVE_CANARY)), "on a page");
}
