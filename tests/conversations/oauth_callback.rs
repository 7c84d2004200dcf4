//! `GET /oauth/callback`: Sentry sends a person back who approved an MCP client, and everything that can end it there
//! (P14, P15, P19).

use std::time::Duration;

use http::header;
use serde_json::{Value, json};
use vedette::ports::{Call, ObjectClass};
use vedette::sessions::calls::Conclude;
use vedette_sandbox::{Fault, FaultKind, Side};

use crate::accounts::signed_in;
use crate::browser::{Browser, location, text};
use crate::connect_pages::{is, status, with};
use crate::mcp::post;
use crate::oauth_flow::{client_at, issued_elsewhere};
use crate::world::{APP, LostCall, Platform};

const ACCOUNT: &str = "ada@example.com";
const TOKEN: &str = "oauth/token";
const WHOSE: &str = "api/0/auth/";

/// Lets something go wrong on the way from Sentry's consent page back to us; returns where the browser comes back to.
type Way = Box<dyn Fn(&Platform, &Browser<'_>, &str) -> String>;

/// Sentry sends the browser back with another query.
fn back(change: impl Fn(&str) -> String + 'static) -> Way {
    Box::new(move |_, browser, authorize| change(&browser.consent(authorize, Some(ACCOUNT))))
}

fn with_error(error: &'static str) -> Way {
    back(move |url| with(&with(url, "code", None), "error", Some(error)))
}

/// Sentry's token endpoint answers so.
fn exchange(kind: FaultKind) -> Way {
    Box::new(move |platform, browser, authorize| {
        platform.sandbox.add_fault(Fault::new(Side::Sentry, TOKEN, kind.clone()));
        browser.consent(authorize, Some(ACCOUNT))
    })
}

/// Sentry grants less than it is asked for.
fn fewer() -> Way {
    Box::new(|_, browser, authorize| browser.consent(&with(authorize, "scope", Some("org:read")), Some(ACCOUNT)))
}

/// Sentry issues a token and does not say whose it is, and when it is asked, answers so.
fn nobodys(user: Value, whose: FaultKind) -> Way {
    Box::new(move |platform, browser, authorize| {
        let mut issued = issued_elsewhere(platform);
        issued["user"] = user.clone();
        platform.sandbox.add_fault(Fault::new(Side::Sentry, TOKEN, status(200, issued)));
        platform.sandbox.add_fault(Fault::new(Side::Sentry, WHOSE, whose.clone()));
        browser.consent(authorize, Some(ACCOUNT))
    })
}

/// Time passes before the browser is back, and while Sentry answers.
fn late(seconds: u64, answer_ms: u64) -> Way {
    Box::new(move |platform, browser, authorize| {
        let url = browser.consent(authorize, Some(ACCOUNT));
        platform.pass(Duration::from_secs(seconds));
        platform.sandbox.add_fault(Fault::new(Side::Sentry, TOKEN, FaultKind::Delay { ms: answer_ms }));
        url
    })
}

fn broken() -> Way {
    Box::new(|platform, browser, authorize| {
        platform.objects_broken.set(Some(ObjectClass::Session));
        browser.consent(authorize, Some(ACCOUNT))
    })
}

/// The session does not answer when it is to keep the grant, or to have it revoked.
fn lost(done: bool, way: Way) -> Way {
    Box::new(move |platform, browser, authorize| {
        platform.lost_call.set(Some(LostCall { class: ObjectClass::Session, path: Conclude::PATH, done }));
        way(platform, browser, authorize)
    })
}

#[test]
fn whatever_ends_a_clients_authorization_is_a_page_that_helps_and_leaves_nothing_anywhere_p14_p15_p19() {
    let all = || back(str::to_owned);
    let refused = "Sentry did not give access";
    let not_accepted = "Sentry did not accept this sign-in";
    let down = "Sentry cannot be reached";
    let unavailable = "Something is restarting";
    let rows: Vec<(&str, Way, u16, &str)> = vec![
        ("no code", back(|url| with(url, "code", None)), 400, "Sentry's answer is not complete"),
        ("an empty code", back(|url| with(url, "code", Some(""))), 400, "Sentry's answer is not complete"),
        ("server_error", with_error("server_error"), 502, refused),
        ("temporarily_unavailable", with_error("temporarily_unavailable"), 502, refused),
        ("invalid_scope", with_error("invalid_scope"), 502, refused),
        ("unauthorized_client", with_error("unauthorized_client"), 502, refused),
        ("an error that is markup", with_error("<script>alert(1)</script>"), 502, refused),
        ("an error beside a code", back(|url| with(url, "error", Some("server_error"))), 502, refused),
        ("another's code", back(|url| with(url, "code", Some("x"))), 400, not_accepted),
        ("a refused code", exchange(status(400, json!({"error": "invalid_grant"}))), 400, not_accepted),
        ("a refused application", exchange(status(401, json!({"error": "invalid_client"}))), 502, refused),
        ("a refusal in prose", exchange(status(400, json!("no"))), 502, refused),
        ("a proxy's page", exchange(FaultKind::Html { code: 200 }), 502, refused),
        ("an empty answer", exchange(status(200, json!({}))), 502, refused),
        ("an empty token", exchange(status(200, json!({"access_token": ""}))), 502, refused),
        (
            "a token of another kind",
            exchange(status(200, json!({"access_token": "a", "token_type": "mac"}))),
            502,
            refused,
        ),
        ("a redirect", exchange(status(302, json!({}))), 502, refused),
        ("Sentry in trouble", exchange(status(500, json!({}))), 502, down),
        ("Sentry being updated", exchange(status(503, json!({}))), 502, down),
        ("a proxy without Sentry", exchange(FaultKind::Html { code: 502 }), 502, down),
        ("a lost connection", exchange(FaultKind::Drop), 502, down),
        ("Sentry hanging", exchange(FaultKind::Hang), 502, down),
        ("Sentry being asked too often", exchange(FaultKind::RateLimited { retry_after: 5 }), 502, down),
        ("fewer scopes", fewer(), 400, "Sentry gave less access than was approved"),
        ("nobody's, and Sentry hangs", nobodys(Value::Null, FaultKind::Hang), 502, refused),
        ("nobody's, and Sentry refuses it", nobodys(Value::Null, FaultKind::InvalidToken), 502, refused),
        ("of somebody without an id", nobodys(json!({"id": ""}), FaultKind::Html { code: 200 }), 502, refused),
        ("ten minutes later", late(600, 0), 400, "That took too long"),
        ("an hour later", late(3600, 0), 400, "That took too long"),
        ("ten minutes later when Sentry has answered", late(598, 5_000), 400, "That took too long"),
        ("no storage", broken(), 503, unavailable),
        ("no storage in the end", lost(false, all()), 503, unavailable),
        ("a reply that is lost in the end", lost(true, all()), 503, unavailable),
        ("no storage in the end, and fewer scopes", lost(false, fewer()), 503, unavailable),
        ("a reply that is lost in the end, and fewer scopes", lost(true, fewer()), 503, unavailable),
    ];
    for (name, way, code, words) in rows {
        let platform = Platform::new();
        let client = client_at(&platform, "Some client");
        let browser = Browser::new(&platform);
        let authorize = location(&client.decide(&browser, "approve", &["inspect"])).unwrap();
        let url = way(&platform, &browser, &authorize);
        let page = browser.get(&url);

        // The page says what happened and what to do, and the client hears nothing.
        assert_eq!((page.status().as_u16(), location(&page)), (code, None), "{name}: {}", text(&page));
        is(&page, code, words);
        is(&page, code, "What to do now");
        is(&page, code, "Go back to the application and connect it again.");
        assert!(!text(&page).contains("sntry"), "{name}");
        assert_eq!(page.headers().contains_key(header::RETRY_AFTER), code == 503, "{name}");

        // The same answer of Sentry's does not work the second time either, and is not taken to Sentry again.
        let asked = || platform.sandbox.sentry().requests.iter().filter(|it| it.path.contains(TOKEN)).count();
        let before = asked();
        let again = browser.get(&url);
        assert!(again.status().as_u16() >= 400 && location(&again).is_none(), "{name}: {}", text(&again));
        assert_eq!(asked(), before, "{name}");

        // When all works again, nothing lives at Sentry, nothing is kept here, and the person sees no client.
        platform.sandbox.clear_faults();
        platform.objects_broken.set(None);
        platform.lost_call.set(None);
        platform.settle();
        assert_eq!(platform.sandbox.sentry().live_tokens.len(), 0, "{name}");
        platform.pass(Duration::from_secs(660));
        assert!(platform.kv.borrow().is_empty() && !platform.stored().contains("sntry"), "{name}");
        let list = text(&signed_in(&platform, ACCOUNT).get(&format!("{APP}/account")));
        assert!(list.contains("No application uses"), "{name}: {list}");

        // What the page says to do does it.
        let tokens = client.let_in();
        let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
        let (error, who, _) = post("/mcp/globex").with("authorization", &bearer).call(&platform, "whoami", json!({}));
        assert!(!error && who.contains(ACCOUNT), "{name}: {who}");
        assert_eq!(platform.sandbox.sentry().live_tokens.len(), 1, "{name}");
    }
}

#[test]
fn a_grant_that_its_session_does_not_answer_for_is_revoked_at_once_p5() {
    for (done, way) in [(false, fewer()), (true, fewer()), (false, back(str::to_owned)), (true, back(str::to_owned))] {
        let platform = Platform::new();
        let client = client_at(&platform, "Some client");
        let browser = Browser::new(&platform);
        let authorize = location(&client.decide(&browser, "approve", &["inspect"])).unwrap();
        let url = lost(done, way)(&platform, &browser, &authorize);
        assert_eq!(browser.get(&url).status(), 503);
        let sentry = platform.sandbox.sentry();
        assert_eq!((sentry.counters.token_exchanges, sentry.counters.revocations), (1, 1));
        assert!(sentry.live_tokens.is_empty());
    }
}

#[test]
fn a_session_whose_reply_was_lost_has_its_grant_revoked_later_when_it_cannot_be_at_once_p5() {
    let platform = Platform::new();
    let client = client_at(&platform, "Some client");
    let browser = Browser::new(&platform);
    let authorize = location(&client.decide(&browser, "approve", &["inspect"])).unwrap();
    platform.sandbox.add_fault(Fault::new(Side::Sentry, "oauth/revoke", FaultKind::Drop).once());
    let url = lost(true, back(str::to_owned))(&platform, &browser, &authorize);
    assert_eq!(browser.get(&url).status(), 503);
    assert_eq!(platform.sandbox.sentry().live_tokens.len(), 1);
    platform.lost_call.set(None);
    // Nobody redeems its code.
    platform.pass(Duration::from_secs(660));
    assert!(platform.sandbox.sentry().live_tokens.is_empty());
}
