//! One operator's token for everybody: `SENTRY_AUTH_TOKEN` (P6).

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, header};
use serde_json::Value;
use vedette_sandbox::{Fault, FaultKind, OPERATOR_TOKEN, Side};

use crate::world::{ADA, ADA_OBJECT, APP, GRACE, INCIDENTS, Platform, link_in, variables};

const QUESTION: &str = "@vedette issue list globex/checkout-api";

fn with_token(token: &str) -> Vec<(&'static str, String)> {
    let mut all = variables();
    all.push(("SENTRY_AUTH_TOKEN", token.to_owned()));
    all
}

fn headless() -> Rc<Platform> {
    Platform::with(&with_token(OPERATOR_TOKEN))
}

fn status(platform: &Platform, token: Option<&str>) -> (u16, Value) {
    let mut request = Request::get(format!("{APP}/api/auth/status"));
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Sentry-Bearer {token}"));
    }
    let response = platform.request(request.body(Bytes::new()).unwrap());
    (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap())
}

fn accounts(platform: &Platform) -> Vec<String> {
    let mut all: Vec<_> =
        platform.sandbox.sentry().requests.into_iter().filter_map(|request| request.account).collect();
    all.dedup();
    all
}

#[test]
fn everybody_is_answered_at_once_with_the_operators_token_p6() {
    let platform = headless();
    platform.say(ADA, INCIDENTS, QUESTION);
    assert!(platform.last_seen_by(GRACE).contains("CHECKOUT-API-"), "{}", platform.last_seen_by(GRACE));
    platform.slash(GRACE, "issue list globex/checkout-api");
    assert!(platform.last_seen_by(GRACE).contains("CHECKOUT-API-"));
    assert_eq!(accounts(&platform), ["ci-bot@example.com"]);
    assert!(platform.seen_by(ADA).iter().all(|message| link_in(message).is_none()));
}

#[test]
fn a_padded_token_is_trimmed_and_a_blank_one_is_unset_p6() {
    let platform = Platform::with(&with_token(&format!(" \t{OPERATOR_TOKEN}\r\n")));
    platform.say(ADA, INCIDENTS, QUESTION);
    assert!(platform.last_seen_by(GRACE).contains("CHECKOUT-API-"));
    for blank in ["", " ", "\t\r\n"] {
        let platform = Platform::with(&with_token(blank));
        platform.say(ADA, INCIDENTS, QUESTION);
        assert!(platform.link_for(ADA).is_some(), "everybody connects for themselves");
        platform.connect(ADA, "ada@example.com");
        assert_eq!(accounts(&platform), ["ada@example.com"], "nothing falls back to it");
    }
}

#[test]
fn it_wins_over_grants_which_are_neither_used_nor_refreshed_nor_lost_p6() {
    let platform = Platform::new();
    platform.say(ADA, INCIDENTS, QUESTION);
    platform.connect(ADA, "ada@example.com");
    let before = platform.sandbox.sentry().requests.len();
    platform.redeploy(&with_token(OPERATOR_TOKEN));
    platform.pass(Duration::from_secs(30 * 24 * 3600 - 60));
    platform.slash(ADA, "whoami");
    assert!(platform.last_seen_by(ADA).contains("ci-bot@example.com"), "{}", platform.last_seen_by(ADA));
    let asked = platform.sandbox.sentry().requests.into_iter().skip(before).filter_map(|request| request.account);
    assert!(asked.into_iter().all(|account| account == "ci-bot@example.com"));
    assert_eq!(platform.sandbox.sentry().counters.refreshes, 0);
    platform.slash(ADA, "disconnect");
    assert!(platform.last_seen_by(ADA).contains("no account of your own"), "{}", platform.last_seen_by(ADA));

    platform.redeploy(&variables());
    platform.slash(ADA, "whoami");
    assert!(platform.last_seen_by(ADA).contains("ada@example.com"), "her connection is as it was");
}

#[test]
fn the_words_for_where_the_credential_comes_from_are_the_clis_p6() {
    let platform = headless();
    for words in ["status", "connect", "disconnect"] {
        platform.slash(ADA, words);
        let seen = platform.last_seen_by(ADA);
        assert!(seen.contains("Authenticated via SENTRY_AUTH_TOKEN environment variable"), "{words}: {seen}");
        assert!(!seen.contains(OPERATOR_TOKEN) && !seen.contains("sntryu"), "{words}: {seen}");
    }
    let platform = Platform::new();
    platform.slash(ADA, "status");
    assert!(platform.last_seen_by(ADA).contains("No Sentry account is connected"));
    platform.slash(ADA, "connect");
    platform.connect(ADA, "ada@example.com");
    platform.slash(ADA, "status");
    assert!(platform.last_seen_by(ADA).contains("Authenticated via OAuth"), "{}", platform.last_seen_by(ADA));
}

#[test]
fn a_dead_operators_token_is_explained_and_nobody_is_told_to_connect_p6() {
    for (token, fault) in [
        ("sntryu_dead", None),
        (OPERATOR_TOKEN, Some(FaultKind::InvalidToken)),
        (OPERATOR_TOKEN, Some(FaultKind::TokenExpired)),
    ] {
        let platform = Platform::with(&with_token(token));
        let dead = fault.is_none() || matches!(fault, Some(FaultKind::InvalidToken));
        fault.map(|kind| platform.sandbox.add_fault(Fault::new(Side::Sentry, "*", kind)));
        platform.say(ADA, INCIDENTS, QUESTION);
        platform.pass(Duration::from_secs(600));
        let seen = platform.last_seen_by(GRACE);
        if dead {
            assert!(seen.contains("Sentry does not accept this app's access any more"), "{seen}");
            assert!(seen.contains("SENTRY_AUTH_TOKEN"), "{seen}");
        }
        assert!(!seen.contains("Connect Sentry") && !seen.contains("private link"), "{seen}");
        assert!(platform.seen_by(ADA).iter().all(|message| link_in(message).is_none()));
        assert_eq!(platform.seen_by(GRACE).len(), 1);
        assert!(platform.sandbox.sentry().requests.len() <= 3);
        assert!(platform.sandbox.sentry().requests.iter().all(|request| !request.path.contains("oauth")));
    }
}

#[test]
fn what_the_operator_may_not_see_is_said_to_be_so_p4_p6() {
    let platform = headless();
    platform.sandbox.add_fault(Fault::new(Side::Sentry, "globex/issues", FaultKind::Forbidden));
    platform.say(ADA, INCIDENTS, QUESTION);
    let seen = platform.last_seen_by(GRACE);
    assert!(seen.contains("No access to globex/checkout-api"), "{seen}");
    assert!(seen.contains("the operator's access"), "{seen}");
    assert!(!seen.contains("/sentry connect"), "{seen}");
}

#[test]
fn the_operators_token_is_never_stored_logged_or_shown_p6() {
    let platform = headless();
    for words in
        ["status", "whoami", "connect", "disconnect", "issue list globex/checkout-api", "issue view CHECKOUT-API-4F"]
    {
        platform.say(ADA, INCIDENTS, &format!("@vedette {words}"));
        platform.slash(ADA, words);
    }
    status(&platform, Some(OPERATOR_TOKEN));
    assert!(!platform.stored().contains(OPERATOR_TOKEN));
    assert!(!platform.log_text().contains(OPERATOR_TOKEN));
    assert!(platform.answered.borrow().iter().all(|(_, text)| !text.contains(OPERATOR_TOKEN)));
    assert!(platform.sandbox.slack().calls.iter().all(|call| !call.body.to_string().contains(OPERATOR_TOKEN)));
    assert!(platform.kv.borrow().is_empty());
    assert_eq!(platform.look(ADA_OBJECT, "SELECT count(*) FROM grant_record WHERE sealed IS NOT NULL").unwrap(), "0");
}

#[test]
fn the_status_of_the_credential_is_told_to_whoever_has_one_p6() {
    let platform = Platform::new();
    platform.say(ADA, INCIDENTS, QUESTION);
    platform.connect(ADA, "ada@example.com");
    let token = platform.sandbox.sentry().live_tokens[0].access.clone();
    assert_eq!(status(&platform, None).0, 401);
    assert_eq!(status(&platform, Some("sntrya_junk")).0, 401);
    let (code, body) = status(&platform, Some(&token));
    assert_eq!(
        (code, &body["source"], &body["caller"]["email"]),
        (200, &Value::from("header:Sentry-Bearer"), &Value::from("ada@example.com"))
    );
    assert!(!body.to_string().contains(&token));

    platform.redeploy(&with_token(OPERATOR_TOKEN));
    assert_eq!(status(&platform, None).0, 401, "the operator's account is nobody else's to know");
    let (code, body) = status(&platform, Some(&token));
    assert_eq!((code, &body["source"]), (200, &Value::from("env:SENTRY_AUTH_TOKEN")));
    assert_eq!(body["message"], "Authenticated via SENTRY_AUTH_TOKEN environment variable");
    assert_eq!(body["caller"]["email"], "ada@example.com", "the caller's account, not the operator's");
    assert!(!body.to_string().contains("ci-bot"));

    for kind in
        [FaultKind::Drop, FaultKind::Hang, FaultKind::Html { code: 200 }, FaultKind::RateLimited { retry_after: 9 }]
    {
        platform.sandbox.clear_faults();
        platform.sandbox.add_fault(Fault::new(Side::Sentry, "api/0/auth/", kind));
        assert_eq!(status(&platform, Some(&token)).0, 503);
    }
}

#[test]
fn what_waits_for_consent_is_answered_once_the_deployment_has_become_headless_p6() {
    let platform = Platform::new();
    let waiting = platform.say(ADA, INCIDENTS, QUESTION);
    platform.redeploy(&with_token(OPERATOR_TOKEN));
    platform.say(ADA, INCIDENTS, "@vedette org list");
    let all = platform.seen_by(GRACE);
    let answer = all.iter().find(|message| message.thread_ts.as_deref() == Some(&waiting)).unwrap();
    assert!(crate::world::full_text(answer).contains("CHECKOUT-API-"), "{answer:?}");
}
