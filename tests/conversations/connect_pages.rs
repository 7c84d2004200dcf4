//! The way from a private link to a connected account, in a browser, and everything that can end it (P14, P15).

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use http::{Method, Response};
use serde_json::{Value, json};
use vedette::ports::{Call, ObjectClass};
use vedette::router;
use vedette::turns::calls::Conclude;
use vedette_sandbox::{Fault, FaultKind, OPERATOR_TOKEN, Options, Side};

use crate::browser::{Browser, borrowed, form, text};
use crate::oauth_flow::issued_elsewhere;
use crate::world::{ADA, ADA_OBJECT, APP, GRACE, INCIDENTS, LostCall, Platform, link_in, variables, wait};

const ACCOUNT: &str = "ada@example.com";
const TOKEN: &str = "oauth/token";

/// Ada has asked something, and has her link.
fn asked() -> (Rc<Platform>, String) {
    let platform = Platform::new();
    platform.say(ADA, INCIDENTS, "@vedette issue list globex/checkout-api");
    let link = platform.link_for(ADA).unwrap();
    (platform, link)
}

fn is_connected(platform: &Platform) -> bool {
    let row = platform.look(ADA_OBJECT, "SELECT count(*) FROM grant_record WHERE sealed IS NOT NULL");
    row.as_deref() == Some("1") || !platform.kv.borrow().is_empty()
}

pub fn status(code: u16, body: Value) -> FaultKind {
    FaultKind::Status { code, body: Some(body), headers: BTreeMap::new() }
}

/// The address without its query's `name`, or with another value for it.
pub fn with(url: &str, name: &str, value: Option<&str>) -> String {
    let mut url = url::Url::parse(url).unwrap();
    let mut pairs: Vec<(String, String)> = url.query_pairs().into_owned().filter(|(known, _)| known != name).collect();
    pairs.extend(value.map(|value| (name.to_owned(), value.to_owned())));
    url.query_pairs_mut().clear().extend_pairs(pairs);
    url.into()
}

fn state_of(url: &str) -> String {
    url::Url::parse(url).unwrap().query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned()
}

/// The page has this status and these words, and is guarded as every page of these ways is.
pub fn is(response: &Response<Bytes>, code: u16, words: &str) {
    assert_eq!(response.status().as_u16(), code, "{}", text(response));
    assert!(text(response).contains(words), "{words} in {}", text(response));
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert_eq!(response.headers()["referrer-policy"], "no-referrer");
    let policy = response.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("frame-ancestors 'none'") && policy.contains("default-src 'none'"), "{policy}");
    assert!(!text(response).contains("<script"), "{}", text(response));
}

#[test]
fn the_pages_name_the_slack_person_the_workspace_and_the_account_before_anything_is_kept_p14() {
    let (platform, link) = asked();
    let browser = Browser::new(&platform);
    let start = browser.get(&link);
    is(&start, 200, "Connect your Sentry account");
    for words in ["Ada Lovelace", "Globex", "issue list globex/checkout-api", "Close it"] {
        assert!(text(&start).contains(words), "{words}");
    }
    let authorize = browser.start(&link).unwrap();
    assert!(authorize.starts_with("https://sentry.io/oauth/authorize/?"), "{authorize}");
    assert!(authorize.contains("code_challenge_method=S256"));
    let confirm = browser.get(&browser.consent(&authorize, Some(ACCOUNT)));
    is(&confirm, 200, "Connect these two?");
    for words in ["Ada Lovelace", "Globex", ACCOUNT, "sentry.io", "Cancel"] {
        assert!(text(&confirm).contains(words), "{words}");
    }

    // Nothing is kept yet, not even sealed.
    assert!(!is_connected(&platform));
    let stored = platform.stored();
    for token in platform.sandbox.sentry().live_tokens {
        assert!(!stored.contains(&token.access) && !stored.contains(&token.refresh));
        assert!(!text(&confirm).contains(&token.access) && !text(&confirm).contains(&token.refresh));
    }
    platform.pass(Duration::from_secs(60));
    assert!(!platform.last_seen_by(GRACE).contains("CHECKOUT-API-"));

    is(&browser.decide(&confirm, "connect"), 200, "Sentry account connected");
    assert!(is_connected(&platform));
    platform.settle();
    assert!(platform.last_seen_by(GRACE).contains("CHECKOUT-API-"));
}

#[test]
fn each_bad_callback_is_a_page_that_says_what_to_do_and_keeps_nothing_p14() {
    type Spoil = fn(&Platform, &str) -> String;
    let rows: Vec<(&str, Spoil, u16, &str)> = vec![
        ("without a code", |_, url| with(url, "code", None), 400, "Sentry’s answer is not complete"),
        ("with an empty code", |_, url| with(url, "code", Some("")), 400, "Sentry’s answer is not complete"),
        ("with another's code", |_, url| with(url, "code", Some("x")), 400, "Sentry did not accept its own code"),
        ("without a state", |_, url| with(url, "state", None), 400, "This address was changed on its way"),
        ("with an empty state", |_, url| with(url, "state", Some("")), 400, "This address was changed on its way"),
        ("with junk for a state", |_, url| with(url, "state", Some("a.b")), 400, "This address was changed on its way"),
        (
            "with an error of Sentry's",
            |_, url| with(&with(url, "code", None), "error", Some("server_error")),
            400,
            "server_error",
        ),
        (
            "with an error that is markup",
            |_, url| with(&with(url, "code", None), "error", Some("<script>alert(1)</script>")),
            400,
            "Sentry said no",
        ),
        (
            "ten minutes later",
            |platform, url| {
                platform.pass(Duration::from_secs(600));
                url.to_owned()
            },
            400,
            "That took too long",
        ),
    ];
    for (name, spoil, code, words) in rows {
        let (platform, link) = asked();
        let browser = Browser::new(&platform);
        let callback = browser.consent(&browser.start(&link).unwrap(), Some(ACCOUNT));
        let page = browser.get(&spoil(&platform, &callback));
        is(&page, code, words);
        assert!(text(&page).contains("What to do now"), "{name}");
        assert!(!is_connected(&platform), "{name}");
        assert_eq!(platform.sandbox.sentry().counters.token_exchanges, 0, "{name}");
    }
}

#[test]
fn each_segment_of_the_state_is_protected_p14() {
    let (platform, link) = asked();
    let browser = Browser::new(&platform);
    let callback = browser.consent(&browser.start(&link).unwrap(), Some(ACCOUNT));
    let state = state_of(&callback);
    let (signature, payload) = state.split_once('.').unwrap();
    let flipped = |text: &str, at: usize| {
        let mut bytes = text.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
        String::from_utf8(bytes).unwrap()
    };
    let other = state_of(&browser.start(&link).unwrap());
    let (other_signature, other_payload) = other.split_once('.').unwrap();
    let tampered = [
        format!("{}.{payload}", flipped(signature, 0)),
        format!("{}.{payload}", flipped(signature, 63)),
        format!("{}.{payload}", signature.to_uppercase()),
        format!("{signature}.{}", flipped(payload, 0)),
        format!("{signature}.{}", flipped(payload, payload.len() / 2)),
        format!("{signature}.{payload}A"),
        format!("{signature}.{payload}=="),
        format!("{signature}.{other_payload}"),
        format!("{other_signature}.{payload}"),
        format!(".{payload}"),
        signature.to_owned(),
        format!("{signature}."),
        format!("{state}.{state}"),
        format!(" {state}"),
        "0".repeat(60_000),
    ];
    for state in tampered {
        let page = browser.get(&with(&callback, "state", Some(&state)));
        is(&page, 400, "This address was changed on its way");
    }
    is(&browser.get(&callback), 200, "Connect these two?");
}

#[test]
fn a_callback_in_another_browser_is_refused_and_costs_the_right_one_nothing_p14() {
    let (platform, link) = asked();
    let browser = Browser::new(&platform);
    let callback = browser.consent(&browser.start(&link).unwrap(), Some(ACCOUNT));
    let before = platform.stored();
    is(&Browser::new(&platform).get(&callback), 403, "This was started in another browser");
    assert_eq!(platform.stored(), before, "a link scanner changes nothing");
    let other = Browser::new(&platform);
    other.start(&link).unwrap();
    is(&other.get(&callback), 403, "This was started in another browser");
    is(&browser.get(&callback), 200, "Connect these two?");
}

#[test]
fn of_two_callbacks_with_one_state_one_gets_it_also_at_the_same_moment_p14() {
    for at_once in [false, true] {
        let (platform, link) = asked();
        let browser = Browser::new(&platform);
        let callback = browser.consent(&browser.start(&link).unwrap(), Some(ACCOUNT));
        let requests = || browser.request(Method::GET, &callback, None);
        let world = platform.world();
        let pages: Vec<Response<Bytes>> = if at_once {
            let routed = wait(join_all((0..5).map(|_| router::route(&world, requests()))));
            routed.into_iter().map(|reply| reply.response).collect()
        } else {
            (0..5).map(|_| platform.request(requests())).collect()
        };
        let (good, bad): (Vec<_>, Vec<_>) = pages.iter().partition(|page| page.status() == 200);
        assert_eq!(good.len(), 1);
        bad.iter().for_each(|page| is(page, 400, "This step is already completed"));
        assert_eq!(platform.sandbox.sentry().counters.token_exchanges, 1);
        is(&browser.decide(good[0], "connect"), 200, "Sentry account connected");
    }
}

#[test]
fn a_sentry_that_does_not_complete_the_exchange_is_said_and_a_new_link_comes_at_once_p19() {
    let bearer = |body: Value| status(200, body);
    let rows = [
        (status(503, json!({})), 502, "Sentry cannot be reached"),
        (status(500, json!({})), 502, "Sentry cannot be reached"),
        (FaultKind::Drop, 502, "Sentry cannot be reached"),
        (FaultKind::Truncate, 502, "Sentry cannot be reached"),
        (FaultKind::RateLimited { retry_after: 5 }, 502, "Sentry cannot be reached"),
        (FaultKind::Hang, 504, "Sentry did not answer in time"),
        (FaultKind::Delay { ms: 30_000 }, 504, "Sentry did not answer in time"),
        (FaultKind::Html { code: 200 }, 502, "Sentry’s answer made no sense"),
        (status(200, json!("")), 502, "Sentry’s answer made no sense"),
        (status(200, json!("garbage")), 502, "Sentry’s answer made no sense"),
        (bearer(json!({})), 502, "Sentry’s answer made no sense"),
        (bearer(json!({"access_token": ""})), 502, "Sentry’s answer made no sense"),
        (bearer(json!({"access_token": 7})), 502, "Sentry’s answer made no sense"),
        (bearer(json!({"access_token": "a", "token_type": "mac"})), 502, "Sentry’s answer made no sense"),
        (status(302, json!({})), 502, "Sentry’s answer made no sense"),
        (status(400, json!({"error": "invalid_grant"})), 400, "Sentry did not accept its own code"),
        (status(401, json!({"error": "invalid_client"})), 400, "invalid_client"),
        (status(400, json!("not even JSON")), 400, "Sentry said no"),
    ];
    for (kind, code, words) in rows {
        let (platform, link) = asked();
        let browser = Browser::new(&platform);
        let callback = browser.consent(&browser.start(&link).unwrap(), Some(ACCOUNT));
        platform.sandbox.add_fault(Fault::new(Side::Sentry, TOKEN, kind));
        is(&browser.get(&callback), code, words);
        assert!(!is_connected(&platform));
        let requests = platform.sandbox.sentry().requests.len();
        is(&browser.get(&callback), 400, "This step is already completed");
        assert_eq!(platform.sandbox.sentry().requests.len(), requests, "the code is not sent twice");

        platform.sandbox.clear_faults();
        platform.say(ADA, "D0ADA", "connect");
        let page = platform.connect(ADA, ACCOUNT);
        assert!(page.contains("Sentry account connected"));
        assert!(platform.seen_by(GRACE).iter().any(|it| it.text.contains("CHECKOUT-API-")), "nothing was lost");
    }
}

#[test]
fn fewer_scopes_than_were_asked_for_are_revoked_and_not_kept_p14() {
    let (platform, link) = asked();
    let browser = Browser::new(&platform);
    let callback = browser.consent(&browser.start(&link).unwrap(), Some(ACCOUNT));
    let narrow = json!({"access_token": "sntrya_narrow", "refresh_token": "r", "token_type": "Bearer",
        "expires_in": 3600, "scope": "org:read project:read", "user": {"id": "1", "name": "Ada", "email": ACCOUNT}});
    platform.sandbox.add_fault(Fault::new(Side::Sentry, TOKEN, status(200, narrow)).once());
    let page = browser.get(&callback);
    is(&page, 400, "Sentry granted less than is needed");
    assert!(text(&page).contains("event:read") && text(&page).contains("team:read"), "{}", text(&page));
    platform.settle();
    assert!(!is_connected(&platform));
    assert!(platform.sent.borrow().iter().any(|sent| sent.url.contains("revoke") && sent.body.contains("narrow")));
    platform.say(ADA, "D0ADA", "connect");
    assert_eq!(Browser::new(&platform).get(&platform.link_for(ADA).unwrap()).status(), 200, "at once");
}

#[test]
fn a_grant_that_is_not_kept_is_revoked_at_once_when_its_persons_object_does_not_answer_p5() {
    for done in [false, true] {
        for nobodys in [false, true] {
            let (platform, link) = asked();
            let browser = Browser::new(&platform);
            let authorize = browser.start(&link).unwrap();
            if nobodys {
                let mut issued = issued_elsewhere(&platform);
                issued["user"] = Value::Null;
                platform.sandbox.add_fault(Fault::new(Side::Sentry, TOKEN, status(200, issued)).once());
                platform.sandbox.add_fault(Fault::new(Side::Sentry, "api/0/auth/", FaultKind::Hang).once());
            }
            let callback = browser.consent(&with(&authorize, "scope", Some("org:read")), Some(ACCOUNT));
            platform.lost_call.set(Some(LostCall { class: ObjectClass::Person, path: Conclude::PATH, done }));
            is(&browser.get(&callback), 503, "Vedette cannot look up this link right now");
            let sentry = platform.sandbox.sentry();
            assert_eq!((sentry.counters.token_exchanges, sentry.live_tokens.len()), (1, 0), "{done} {nobodys}");
            platform.lost_call.set(None);
            assert!(!is_connected(&platform));

            platform.say(ADA, "D0ADA", "connect");
            assert!(platform.connect(ADA, ACCOUNT).contains("Sentry account connected"));
            assert_eq!(platform.sandbox.sentry().live_tokens.len(), 1, "the new one is not revoked");
        }
    }
}

#[test]
fn a_token_response_without_a_user_is_asked_whose_it_is_and_one_that_is_nobodys_is_revoked_p14() {
    let anonymous = json!({"access_token": OPERATOR_TOKEN, "token_type": "bearer",
        "scope": "event:read org:read project:read team:read"});
    for (probe, code, words) in [(None, 200, "ci-bot@example.com"), (Some(FaultKind::Hang), 502, "made no sense")] {
        let (platform, link) = asked();
        let browser = Browser::new(&platform);
        let callback = browser.consent(&browser.start(&link).unwrap(), Some(ACCOUNT));
        platform.sandbox.add_fault(Fault::new(Side::Sentry, TOKEN, status(200, anonymous.clone())).once());
        let failed = probe.is_some();
        probe.map(|kind| platform.sandbox.add_fault(Fault::new(Side::Sentry, "api/0/auth/", kind)));
        is(&browser.get(&callback), code, words);
        platform.settle();
        assert!(!is_connected(&platform));
        assert_eq!(platform.sent.borrow().iter().any(|sent| sent.url.contains("revoke")), failed);
    }
}

#[test]
fn a_link_that_cannot_be_used_says_why_p12() {
    let (platform, link) = asked();
    let sealed = link.rsplit('/').next().unwrap();
    for junk in
        [format!("{link}x"), link[..link.len() - 1].to_owned(), format!("{APP}/connect/{}", sealed.to_uppercase())]
    {
        is(&Browser::new(&platform).get(&junk), 404, "This link is not complete");
        is(&Browser::new(&platform).post(&junk, &[("csrf", "x")]), 404, "This link is not complete");
    }
    let browser = Browser::new(&platform);
    browser.connect(&link, ACCOUNT);
    is(&browser.get(&link), 410, "This link has been used");
    is(&browser.get(&link), 410, "If you have just connected, you are done");

    let (platform, link) = asked();
    let browser = Browser::new(&platform);
    let form = form(&browser.get(&link));
    platform.pass(Duration::from_secs(600));
    is(&browser.get(&link), 410, "This link has expired");
    let late = browser.post(&format!("{APP}{}", form.action), &borrowed(&form.fields));
    is(&late, 410, "This link has expired");
}

#[test]
fn a_deployment_that_is_not_set_up_names_the_variable_on_the_page() {
    for variable in ["SENTRY_CLIENT_ID", "SENTRY_CLIENT_SECRET", "COOKIE_SECRET"] {
        let (platform, link) = asked();
        let mut lacking = variables();
        lacking.retain(|(name, _)| *name != variable);
        platform.redeploy(&lacking);
        for page in [Browser::new(&platform).get(&link), Browser::new(&platform).post(&link, &[("csrf", "x")])] {
            is(&page, 503, "Vedette is not set up yet");
            assert!(text(&page).contains(variable), "{}", text(&page));
            assert!(page.headers().contains_key("retry-after"));
        }
    }
}

#[test]
fn a_confirmation_with_any_field_changed_does_nothing_and_the_right_one_still_works_p15() {
    let (platform, link) = asked();
    let browser = Browser::new(&platform);
    let page = browser.get(&browser.consent(&browser.start(&link).unwrap(), Some(ACCOUNT)));
    let good = form(&page);
    let action = format!("{APP}{}", good.action);
    let names: Vec<String> = good.fields.iter().map(|(name, _)| name.clone()).collect();
    assert_eq!(names.len(), 3, "{names:?}");
    for name in &names {
        for value in [None, Some(String::new()), Some("junk".to_owned()), Some("changed".to_owned())] {
            let fields: Vec<(String, String)> = good
                .fields
                .iter()
                .filter(|(known, _)| known != name || value.is_some())
                .map(|(known, old)| {
                    let new = match &value {
                        Some(value) if known == name && value == "changed" => format!("A{}", &old[1..]),
                        Some(value) if known == name => value.clone(),
                        _ => old.clone(),
                    };
                    (known.clone(), new)
                })
                .collect();
            if fields == good.fields {
                continue;
            }
            let mut fields = borrowed(&fields);
            fields.push(("decision", "connect"));
            is(&browser.post(&action, &fields), 403, "That did not come from this page");
            assert!(!is_connected(&platform), "{name}");
        }
    }
    is(&browser.decide(&page, "connect"), 200, "Sentry account connected");
}

#[test]
fn forms_posted_from_another_site_or_another_browser_do_nothing_p15() {
    for site in ["cross-site", "same-site", "none"] {
        let (platform, link) = asked();
        let browser = Browser::new(&platform);
        let start = form(&browser.get(&link));
        let before = platform.stored();
        browser.posts_from.set(site);
        let posted = browser.post(&format!("{APP}{}", start.action), &borrowed(&start.fields));
        is(&posted, 403, "That did not come from this page");
        assert_eq!(platform.stored(), before);
        browser.posts_from.set("same-origin");
        let page = browser.get(&browser.consent(&browser.start(&link).unwrap(), Some(ACCOUNT)));
        browser.posts_from.set(site);
        is(&browser.decide(&page, "connect"), 403, "That did not come from this page");

        let other = Browser::new(&platform);
        is(&other.decide(&page, "connect"), 403, "This was started in another browser");
        other.start(&link).unwrap();
        is(&other.decide(&page, "connect"), 403, "That did not come from this page");
        assert!(!is_connected(&platform));
    }
}

#[test]
fn cancelling_keeps_nothing_revokes_at_sentry_and_lets_ask_again_at_once_p14() {
    let (platform, link) = asked();
    let browser = Browser::new(&platform);
    let page = browser.get(&browser.consent(&browser.start(&link).unwrap(), Some(ACCOUNT)));
    assert_eq!(platform.sandbox.sentry().live_tokens.len(), 1);
    is(&browser.decide(&page, "cancel"), 200, "Nothing was connected");
    platform.settle();
    assert!(!is_connected(&platform));
    assert!(platform.sandbox.sentry().live_tokens.is_empty());

    // Going back and pressing the other button does not bring the cancelled grant to life, however late.
    is(&browser.decide(&page, "connect"), 410, "This link has been used");
    platform.pass(Duration::from_secs(540));
    is(&browser.decide(&page, "connect"), 410, "This link has been used");
    assert!(!is_connected(&platform));

    platform.say(ADA, INCIDENTS, "@vedette org list");
    platform.connect(ADA, ACCOUNT);
    assert!(platform.seen_by(GRACE).iter().any(|it| it.text.contains("CHECKOUT-API-")));
}

#[test]
fn what_was_cancelled_after_its_state_ran_out_stays_cancelled_p14() {
    let (platform, link) = asked();
    let browser = Browser::new(&platform);
    let callback = browser.consent(&browser.start(&link).unwrap(), Some(ACCOUNT));
    platform.pass(Duration::from_secs(590));
    let page = browser.get(&callback);
    is(&page, 200, "Connect these two?");
    platform.pass(Duration::from_secs(60));
    is(&browser.decide(&page, "cancel"), 200, "Nothing was connected");
    is(&browser.decide(&page, "connect"), 410, "This link has been used");
    assert!(!is_connected(&platform));
    platform.settle();
    assert!(platform.sandbox.sentry().live_tokens.is_empty());
}

#[test]
fn a_confirmation_that_comes_too_late_is_refused_and_its_grant_revoked_p14() {
    let (platform, link) = asked();
    let browser = Browser::new(&platform);
    let page = browser.get(&browser.consent(&browser.start(&link).unwrap(), Some(ACCOUNT)));
    platform.pass(Duration::from_secs(600));
    is(&browser.decide(&page, "connect"), 400, "That took too long");
    platform.settle();
    assert!(!is_connected(&platform));
    assert!(platform.sandbox.sentry().live_tokens.is_empty());
}

#[test]
fn a_double_submit_connects_once_p14() {
    let (platform, link) = asked();
    let browser = Browser::new(&platform);
    let page = browser.get(&browser.consent(&browser.start(&link).unwrap(), Some(ACCOUNT)));
    is(&browser.decide(&page, "connect"), 200, "Sentry account connected");
    is(&browser.decide(&page, "connect"), 410, "If you have just connected, you are done");
    is(&browser.decide(&page, "cancel"), 410, "If you have just connected, you are done");
    platform.settle();
    assert!(is_connected(&platform));
    assert_eq!(platform.sandbox.sentry().live_tokens.len(), 1);
    assert_eq!(platform.seen_by(GRACE).len(), 1);
}

#[test]
fn of_two_tabs_that_both_consented_one_connects_and_the_others_grant_is_revoked_p14() {
    let (platform, link) = asked();
    let browser = Browser::new(&platform);
    let [first, second] = [0, 1].map(|_| browser.get(&browser.consent(&browser.start(&link).unwrap(), Some(ACCOUNT))));
    assert_eq!(platform.sandbox.sentry().live_tokens.len(), 2);
    is(&browser.decide(&second, "connect"), 200, "Sentry account connected");
    is(&browser.decide(&first, "connect"), 410, "This link has been used");
    platform.settle();
    assert_eq!(platform.sandbox.sentry().live_tokens.len(), 1);
    platform.slash(ADA, "whoami");
    assert!(platform.last_seen_by(ADA).contains(ACCOUNT), "the one that is kept lives");
}

#[test]
fn opening_a_link_changes_nothing_however_often_and_whoever_does_p14() {
    let (platform, link) = asked();
    let before = platform.stored();
    for method in [Method::GET, Method::HEAD] {
        for _ in 0..5 {
            let scanner = Browser::new(&platform);
            let response = platform.request(scanner.request(method.clone(), &link, None));
            assert_eq!(response.status(), 200);
            assert!(!response.headers().contains_key("set-cookie"), "a cookie only once the button is pressed");
        }
    }
    assert_eq!(platform.stored(), before);
    assert!(Browser::new(&platform).connect(&link, ACCOUNT).contains("Sentry account connected"));
}

#[test]
fn an_object_that_cannot_be_reached_is_a_page_with_a_time_to_try_again() {
    let (platform, link) = asked();
    platform.tamper(ADA_OBJECT, "DROP TABLE tickets");
    let page = Browser::new(&platform).get(&link);
    is(&page, 503, "Vedette cannot look up this link right now");
    assert!(page.headers().contains_key("retry-after"));
}

#[test]
fn what_people_type_is_only_text_on_the_page_p20() {
    let platform = Platform::new();
    platform.say(ADA, INCIDENTS, "@vedette issue list globex \"<script>alert(1)</script><b>\"");
    let link = platform.seen_by(ADA).iter().find_map(link_in);
    let Some(link) = link else { return };
    let page = Browser::new(&platform).get(&link);
    is(&page, 200, "Connect your Sentry account");
    assert!(!text(&page).contains("<b>"), "{}", text(&page));
}

/// Mallory, who is Grace in the workspace, takes Ada's name, asks, and forwards the private link to Ada.
#[test]
fn a_link_from_somebody_who_took_ones_name_shows_what_cannot_be_taken_and_that_the_two_differ_p14() {
    for readable in [true, false] {
        let options = Options { users_read_email: readable, ..Options::saas(APP) };
        let platform = Platform::among(options, &variables());
        let taken = json!({"ok": true, "user": {"id": GRACE, "name": "mallory", "tz_label": "Central European Time",
            "tz_offset": 3600, "is_email_confirmed": true, "profile": {"display_name": "Ada Lovelace",
            "email": readable.then_some("mallory@example.com")}}});
        platform.sandbox.add_fault(Fault::new(Side::Slack, "users.info", status(200, taken)));
        platform.say(GRACE, INCIDENTS, "@vedette issue list globex");
        let browser = Browser::new(&platform);
        let link = platform.link_for(GRACE).unwrap();
        let start = browser.get(&link);
        let page = text(&start);
        let unchosen = if readable { "mallory@example.com" } else { "@<bdi>mallory</bdi>" };
        for words in ["Did somebody send you this link?", unchosen, "in #incidents at 09:53 (Central European Time)"] {
            assert!(page.contains(words), "{words} in {page}");
        }
        assert!(readable || page.contains(GRACE), "{page}");

        let confirm = browser.get(&browser.consent(&browser.start(&link).unwrap(), Some(ACCOUNT)));
        let page = text(&confirm);
        assert!(page.contains(unchosen) && page.contains(ACCOUNT), "{page}");
        if readable {
            assert!(page.contains("These e-mail addresses differ."), "{page}");
            assert!(!page.contains("class=\"primary\""), "no button stands out: {page}");
        }
    }
}

#[test]
fn names_are_asked_anew_for_each_link_and_once_for_one_p14() {
    let (platform, link) = asked();
    let asked_for = |what: &str| platform.sent.borrow().iter().filter(|sent| sent.url.ends_with(what)).count();
    platform.say(ADA, INCIDENTS, "@vedette issue list globex");
    assert_eq!(asked_for("users.info"), 1, "one link, one call");
    assert!(text(&Browser::new(&platform).get(&link)).contains("Ada Lovelace"));
    platform.pass(Duration::from_secs(700));
    let renamed = json!({"ok": true, "user": {"id": ADA, "name": "ada", "profile": {"display_name": "Countess"}}});
    platform.sandbox.add_fault(Fault::new(Side::Slack, "users.info", status(200, renamed)));
    platform.say(ADA, INCIDENTS, "@vedette issue list globex");
    assert_eq!(asked_for("users.info"), 2);
    assert!(text(&Browser::new(&platform).get(&platform.link_for(ADA).unwrap())).contains("Countess"));
}

#[test]
fn connect_alone_waits_for_no_answer_and_every_end_leads_back_to_slack() {
    let platform = Platform::new();
    platform.say(ADA, "D0ADA", "connect");
    let link = platform.link_for(ADA).unwrap();
    let browser = Browser::new(&platform);
    let start = text(&browser.get(&link));
    assert!(start.contains("in a direct message at ") && !start.contains("<blockquote"), "{start}");
    const BACK: &str = "https://slack.com/app_redirect?channel=D0ADA&amp;team=T0GLOBEX";
    let page = browser.connect(&link, ACCOUNT);
    assert!(page.contains("You can close this tab and ask in Slack.") && page.contains(BACK), "{page}");
    assert!(text(&browser.get(&link)).contains(BACK), "a used link");

    let back = "https://slack.com/app_redirect?channel=C0INCIDENTS&amp;team=T0GLOBEX";
    let (platform, link) = asked();
    let browser = Browser::new(&platform);
    let declined = browser.get(&browser.consent(&browser.start(&link).unwrap(), None));
    is(&declined, 400, "You declined at Sentry");
    assert!(text(&declined).contains(back), "{}", text(&declined));
    let (platform, link) = asked();
    let browser = Browser::new(&platform);
    let confirm = browser.get(&browser.consent(&browser.start(&link).unwrap(), Some(ACCOUNT)));
    assert!(text(&browser.decide(&confirm, "cancel")).contains(back));
    let (platform, link) = asked();
    platform.pass(Duration::from_secs(700));
    assert!(text(&Browser::new(&platform).get(&link)).contains(back), "an expired link");
}
