//! Sentry's refusals during a command: what the person sees, whether a private link is sent, what becomes of the grant,
//! and that nothing goes round in circles (P4, P7, P19).

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use serde_json::{Value, json};
use vedette_sandbox::{Fault, FaultKind, Side};

use crate::world::{ADA, ADA_OBJECT, GRACE, INCIDENTS, Platform, full_text, variables};

const ISSUES: &str = "api/0/organizations/globex/issues/";
const QUESTION: &str = "@vedette issue list globex/checkout-api";
/// However Sentry refuses, a question costs it no more requests than this.
const MOST_REQUESTS: usize = 5;

/// What one refusal comes to.
struct Row {
    name: &'static str,
    refusal: FaultKind,
    /// Words in the public message.
    says: &'static str,
    /// Whether a private link is sent.
    link: bool,
    /// Whether the grant is still here afterwards.
    kept: bool,
}

fn ada_connected(platform: &Platform) {
    platform.say(ADA, INCIDENTS, "@vedette whoami");
    platform.connect(ADA, "ada@example.com");
}

fn connected() -> Rc<Platform> {
    let platform = Platform::new();
    ada_connected(&platform);
    platform
}

fn status(code: u16, body: Value) -> FaultKind {
    FaultKind::Status { code, body: Some(body), headers: BTreeMap::new() }
}

fn detail(code: u16, sentence: &str) -> FaultKind {
    status(code, json!({ "detail": sentence }))
}

fn coded(code: &str) -> FaultKind {
    status(401, json!({"detail": {"code": code, "message": "Sentry's words", "extra": {}}}))
}

fn has_grant(platform: &Platform) -> bool {
    platform.look(ADA_OBJECT, "SELECT sealed IS NOT NULL FROM grant_record").as_deref() == Some("1")
}

/// The private links that Ada got after the one with which she connected first.
fn links(platform: &Platform) -> usize {
    platform.seen_by(ADA).iter().filter(|message| crate::world::link_in(message).is_some()).count() - 1
}

fn rows() -> Vec<Row> {
    const NO_LONGER: &str = "Your Sentry access is no longer valid. I've sent you a private link to reconnect.";
    let explained = |name, refusal, says| Row { name, refusal, says, link: false, kept: true };
    let reconnects = |name, refusal, says, kept| Row { name, refusal, says, link: true, kept };
    vec![
        reconnects(
            "a token that Sentry does not know, even after a refresh",
            detail(401, "Invalid token"),
            NO_LONGER,
            true,
        ),
        reconnects("a token that expires each time", FaultKind::TokenExpired, NO_LONGER, true),
        reconnects("a revoked token", FaultKind::TokenRevoked, NO_LONGER, false),
        reconnects("an inactive user", detail(401, "User inactive or deleted"), NO_LONGER, true),
        reconnects(
            "a scope that this deployment asks for and the grant has lost",
            FaultKind::MissingScope { scopes: vec!["event:read".into()] },
            "This needs more permissions at Sentry than you gave me. I've sent you a private link to add them.",
            true,
        ),
        explained(
            "sso",
            FaultKind::SsoRequired,
            "Your connection is fine, but globex/checkout-api is behind single sign-on",
        ),
        explained("two factors", FaultKind::TwoFactorRequired, "is only for accounts with two-factor"),
        explained("sudo", coded("sudo-required"), "Sentry wants your password for this"),
        explained("a paused member", coded("member-disabled-over-limit"), "Your membership is paused"),
        explained("a generic 403", FaultKind::Forbidden, "No access to globex/checkout-api"),
        explained("a plan without it", detail(402, "Payment Required"), "The plan does not include this"),
        explained(
            "nothing there",
            detail(404, "The requested resource does not exist"),
            "I can't find globex/checkout-api",
        ),
        explained("a short rate limit", FaultKind::RateLimited { retry_after: 3 }, "Try again in 3 seconds"),
        explained("a long rate limit", FaultKind::RateLimited { retry_after: 300 }, "Try again in 5 minutes"),
        explained("500", detail(500, "Internal Error"), "sentry.io answered with an error (500). Try again"),
        explained("502", detail(502, "Bad Gateway"), "answered with an error (502), also when I asked again"),
        explained("503", detail(503, "Unavailable"), "answered with an error (503), also when I asked again"),
        explained("a page with 200", FaultKind::Html { code: 200 }, "a web page instead of data"),
        explained("a proxy's 401", FaultKind::Html { code: 401 }, "a web page instead of data"),
        explained("a proxy's 403", FaultKind::Html { code: 403 }, "a web page instead of data"),
        explained("a page with 502", FaultKind::Html { code: 502 }, "Sentry is not available right now"),
        explained("a broken body", FaultKind::Truncate, "I could not reach sentry.io"),
        explained("a dropped connection", FaultKind::Drop, "I could not reach sentry.io"),
        explained("no answer", FaultKind::Hang, "Sentry took too long to answer"),
        explained("a late answer", FaultKind::Delay { ms: 20_000 }, "Sentry took too long to answer"),
        explained(
            "an answer of another kind",
            status(200, json!({"not": "a list"})),
            "I could not read Sentry's answer",
        ),
        explained("a bad search", detail(400, "Invalid search"), "It says: Invalid search"),
    ]
}

#[test]
fn each_refusal_of_sentry_is_said_once_and_costs_the_grant_only_when_the_token_is_dead_p4_p19() {
    for Row { name, refusal, says, link, kept } in rows() {
        let platform = connected();
        let asked = platform.sandbox.sentry().requests.len();
        let (public, sent) = (platform.seen_by(GRACE).len(), links(&platform));
        platform.sandbox.add_fault(Fault::new(Side::Sentry, ISSUES, refusal));
        platform.say(ADA, INCIDENTS, QUESTION);
        platform.pass(Duration::from_secs(600));

        let seen = platform.seen_by(GRACE);
        assert_eq!(seen.len(), public + 1, "{name}: one visible message");
        let text = full_text(seen.last().unwrap());
        assert!(!text.contains("ada@example.com"), "{name}: nobody else learns the account: {text}");
        let adas = platform.seen_by(ADA).iter().map(full_text).filter(|text| text.contains(says)).count();
        assert_eq!(adas, 1, "{name}: she is told once");
        assert!(text.contains(says) || text.contains("I answered this privately"), "{name}: {text}");
        assert_eq!(links(&platform) - sent, usize::from(link), "{name}: private links");
        assert_eq!(has_grant(&platform), kept, "{name}: the grant");
        let asked = platform.sandbox.sentry().requests.len() - asked;
        assert!(asked <= MOST_REQUESTS, "{name}: {asked} requests");
        assert!(platform.sandbox.sentry().counters.refreshes <= 1, "{name}");
    }
}

#[test]
fn after_any_refusal_that_keeps_the_grant_the_next_question_is_answered_p4() {
    for row in rows().into_iter().filter(|row| !row.link) {
        let platform = connected();
        platform.sandbox.add_fault(Fault::new(Side::Sentry, ISSUES, row.refusal));
        platform.say(ADA, INCIDENTS, QUESTION);
        platform.sandbox.clear_faults();
        platform.pass(Duration::from_secs(60));
        platform.say(ADA, INCIDENTS, QUESTION);
        assert!(platform.last_seen_by(GRACE).contains("CHECKOUT-API-"), "{}", row.name);
    }
}

#[test]
fn a_token_that_is_refused_once_is_refreshed_and_the_question_answered_without_a_word_p3() {
    for refusal in [detail(401, "Invalid token"), FaultKind::TokenExpired] {
        let platform = connected();
        platform.sandbox.add_fault(Fault::new(Side::Sentry, ISSUES, refusal).once());
        platform.say(ADA, INCIDENTS, QUESTION);
        assert!(platform.last_seen_by(GRACE).contains("CHECKOUT-API-"), "{}", platform.last_seen_by(GRACE));
        assert_eq!(links(&platform), 0);
        assert_eq!(platform.sandbox.sentry().counters.refreshes, 1);
    }
}

#[test]
fn an_issue_titled_unauthorized_token_expired_never_causes_a_reconnect_p4() {
    let platform = connected();
    platform.say(ADA, INCIDENTS, "@vedette issue list globex/test-lab");
    assert!(platform.last_seen_by(GRACE).contains("Unauthorized: token expired"), "{}", platform.last_seen_by(GRACE));
    platform.say(ADA, INCIDENTS, "@vedette issue view globex/TEST-LAB-8");
    assert!(platform.last_seen_by(GRACE).contains("Unauthorized: token expired"), "{}", platform.last_seen_by(GRACE));
    platform.say(ADA, INCIDENTS, "@vedette issue list globex/401-unauthorized-token-expired");
    assert_eq!(links(&platform), 0);
    assert_eq!(platform.sandbox.sentry().live_tokens.len(), 1);
    assert_eq!(platform.sandbox.sentry().counters.refreshes, 0);
    assert!(has_grant(&platform));
}

#[test]
fn a_scope_that_this_deployment_never_asks_for_is_explained_and_not_reconnected_p4() {
    let mut narrow = variables();
    narrow.push(("SENTRY_SCOPES", "org:read project:read team:read".to_owned()));
    let platform = Platform::with(&narrow);
    ada_connected(&platform);
    platform.say(ADA, INCIDENTS, QUESTION);
    assert!(platform.last_seen_by(GRACE).contains("I answered this privately"), "{}", platform.last_seen_by(GRACE));
    let text = platform.last_seen_by(ADA);
    assert!(text.contains("event:read, which this app does not ask Sentry for"), "{text}");
    assert!(text.contains("SENTRY_SCOPES"), "{text}");
    assert!(!text.contains("Connect again"), "no button that would lead back here: {text}");
    assert_eq!(links(&platform), 0);
    assert!(has_grant(&platform));
}

#[test]
fn a_deployment_that_asks_for_more_than_reading_asks_again_for_a_lost_scope_p4() {
    let mut wide = variables();
    wide.push(("SENTRY_SCOPES", "event:write org:read".to_owned()));
    let platform = Platform::with(&wide);
    ada_connected(&platform);
    let lost = FaultKind::MissingScope { scopes: vec!["event:write".into()] };
    platform.sandbox.add_fault(Fault::new(Side::Sentry, ISSUES, lost).once());
    platform.say(ADA, INCIDENTS, QUESTION);
    assert!(platform.last_seen_by(GRACE).contains("CHECKOUT") || links(&platform) == 1);
    platform.connect(ADA, "ada@example.com");
    assert_eq!(platform.sandbox.sentry().live_tokens.len(), 1, "the narrower grant was revoked");
}

#[test]
fn a_scope_that_is_missing_again_right_after_the_reconnect_does_not_loop_p4() {
    let platform = connected();
    let lost = FaultKind::MissingScope { scopes: vec!["event:read".into()] };
    platform.sandbox.add_fault(Fault::new(Side::Sentry, ISSUES, lost));
    platform.say(ADA, INCIDENTS, QUESTION);
    platform.connect(ADA, "ada@example.com");
    let seen = platform.seen_by(ADA);
    let told = seen.iter().filter(|it| full_text(it).contains("your role there may not include it"));
    assert_eq!(told.count(), 1);
    assert_eq!(platform.seen_by(GRACE).len(), 1, "one message, which says that she was answered");
    let asked = platform.sandbox.sentry().requests.len();
    platform.pass(Duration::from_secs(3600));
    assert_eq!(platform.sandbox.sentry().requests.len(), asked);
}

#[test]
fn a_401_right_after_each_fresh_consent_ends_after_three_waits_p4() {
    let platform = connected();
    platform.sandbox.add_fault(Fault::new(Side::Sentry, ISSUES, detail(401, "Invalid token")));
    platform.say(ADA, INCIDENTS, QUESTION);
    let mut consents = 0;
    while !platform.last_seen_by(GRACE).contains("I answered this privately") {
        consents += 1;
        assert!(consents <= 3, "{}", platform.last_seen_by(GRACE));
        platform.connect(ADA, "ada@example.com");
    }
    assert_eq!(consents, 3);
    assert!(platform.seen_by(ADA).iter().any(|message| full_text(message).contains("could not be used")));
    assert_eq!(platform.seen_by(GRACE).len(), 1);
    let asked = platform.sandbox.sentry().requests.len();
    platform.pass(Duration::from_secs(3600));
    assert_eq!(platform.sandbox.sentry().requests.len(), asked);
}

#[test]
fn an_access_that_ended_when_it_was_to_be_renewed_is_said_to_have_ended_p4() {
    let platform = connected();
    platform.sandbox.control(
        http::Request::post("https://sandbox/sandbox/sentry/tokens").body(r#"{"action":"revoke_all"}"#.into()).unwrap(),
        platform.now.get(),
    );
    platform.pass(Duration::from_secs(30 * 24 * 3600 - 60));
    platform.say(ADA, INCIDENTS, QUESTION);
    let text = platform.last_seen_by(GRACE);
    assert!(
        text.contains("Your Sentry access is no longer valid. I've sent you a private link to reconnect."),
        "{text}"
    );
    assert_eq!(links(&platform), 1, "one link, once");
    platform.connect(ADA, "ada@example.com");
    assert!(platform.last_seen_by(GRACE).contains("CHECKOUT-API-"));
}

#[test]
fn sentry_down_while_the_access_is_to_be_renewed_keeps_the_connection_p3() {
    let platform = connected();
    platform.pass(Duration::from_secs(30 * 24 * 3600 + 60));
    platform.sandbox.add_fault(Fault::new(Side::Sentry, "*", detail(503, "down")));
    platform.say(ADA, INCIDENTS, QUESTION);
    let text = platform.last_seen_by(GRACE);
    assert!(text.contains("Sentry could not be reached to renew your access"), "{text}");
    assert!(text.contains("Your connection is kept"), "{text}");
    assert_eq!(links(&platform), 0);
    platform.sandbox.clear_faults();
    platform.pass(Duration::from_secs(20 * 60));
    platform.say(ADA, INCIDENTS, QUESTION);
    assert!(platform.last_seen_by(GRACE).contains("CHECKOUT-API-"), "{}", platform.last_seen_by(GRACE));
}
