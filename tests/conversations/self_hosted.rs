//! A Sentry of one's own, and where tokens may go (P7).

use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::{Value, json};
use vedette_sandbox::{Fault, FaultKind, Options, Side};

use crate::browser::{Browser, text};
use crate::world::{ADA, APP, GRACE, INCIDENTS, Platform, variables};

const ORIGIN: &str = "https://sentry.corp.example:9443";
const QUESTION: &str = "@vedette issue list globex/checkout-api";

fn self_hosted() -> Rc<Platform> {
    let mut all = variables();
    all.push(("SENTRY_HOST", "sentry.corp.example:9443".to_owned()));
    Platform::among(Options { sentry_origin: ORIGIN.to_owned(), ..Options::saas(APP) }, &all)
}

fn connected(platform: Rc<Platform>) -> Rc<Platform> {
    platform.say(ADA, INCIDENTS, "@vedette whoami");
    platform.connect(ADA, "ada@example.com");
    platform
}

/// The hosts to which something was sent that carries a Sentry token.
fn hosts_with_tokens(platform: &Platform) -> Vec<String> {
    let tokens: Vec<String> = platform
        .sandbox
        .secrets()
        .into_iter()
        .filter(|secret| matches!(secret.kind, "access_token" | "refresh_token"))
        .map(|secret| secret.value)
        .collect();
    let sent = platform.sent.borrow();
    let carrying = sent.iter().filter(|sent| {
        let bearer = sent.authorization.as_deref().unwrap_or_default();
        tokens.iter().any(|token| bearer.contains(token) || sent.body.contains(token) || sent.url.contains(token))
    });
    let mut hosts: Vec<String> =
        carrying.map(|sent| url::Url::parse(&sent.url).unwrap().origin().ascii_serialization()).collect();
    hosts.sort();
    hosts.dedup();
    hosts
}

fn answer(body: Value, headers: &[(&str, &str)]) -> FaultKind {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    FaultKind::Status { code: 200, body: Some(body), headers }
}

#[test]
fn the_whole_story_on_a_self_hosted_sentry_stays_on_its_origin_p7() {
    let platform = self_hosted();
    platform.say(ADA, INCIDENTS, QUESTION);
    let link = platform.link_for(ADA).unwrap();
    let browser = Browser::new(&platform);
    let start = browser.get(&link);
    assert!(text(&start).contains("sentry.corp.example:9443"), "{}", text(&start));
    let policy = start.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.contains(&format!("form-action 'self' {ORIGIN}")), "{policy}");
    assert!(browser.start(&link).unwrap().starts_with(&format!("{ORIGIN}/oauth/authorize/?")));
    assert!(Browser::new(&platform).connect(&link, "ada@example.com").contains("Sentry account connected"));
    platform.settle();
    let answer = platform.last_seen_by(GRACE);
    assert!(answer.contains("CHECKOUT-API-"), "{answer}");
    let blocks = platform.seen_by(GRACE)[0].blocks.clone().unwrap().to_string();
    assert!(blocks.contains(&format!("{ORIGIN}/organizations/globex/issues/")), "{blocks}");
    assert!(!blocks.contains("sentry.io"), "{blocks}");

    platform.slash(ADA, "status");
    assert!(platform.last_seen_by(ADA).contains("sentry.corp.example:9443"));
    platform.pass(std::time::Duration::from_secs(30 * 24 * 3600 - 60));
    platform.slash(ADA, "org list");
    assert!(platform.last_seen_by(ADA).contains("initech"), "{}", platform.last_seen_by(ADA));
    assert_eq!(platform.sandbox.sentry().counters.refreshes, 1);
    platform.slash(ADA, "disconnect");
    assert!(platform.sandbox.sentry().live_tokens.is_empty(), "revoked there");

    assert_eq!(hosts_with_tokens(&platform), [ORIGIN]);
    assert!(platform.sandbox.sentry().unhandled().is_empty());
    assert!(platform.sandbox.sentry().requests.iter().all(|request| !request.path.contains("regions")));
}

#[test]
fn a_region_elsewhere_is_not_followed_p7() {
    let foreign = [
        "https://evil.example",
        "https://sentry.io.evil.example",
        "http://us.sentry.io",
        "https://us.sentry.io:8443",
        "https://us.sentry.io@evil.example",
        "https://evilsentry.io",
        "//evil.example",
        "javascript:alert(1)",
    ];
    for (platform, own) in [(Platform::new as fn() -> Rc<Platform>, "sentry.io"), (self_hosted, "corp.example:9443")] {
        for region in foreign {
            let platform = connected(platform());
            let organizations = json!([{"id": "1", "slug": "globex", "name": "Globex", "status": {"id": "active"},
                "links": {"organizationUrl": "https://evil.example/o", "regionUrl": region}}]);
            platform
                .sandbox
                .add_fault(Fault::new(Side::Sentry, "api/0/organizations/", answer(organizations, &[])).once());
            platform.say(ADA, INCIDENTS, QUESTION);
            for host in hosts_with_tokens(&platform) {
                assert!(host.ends_with(own), "{region}: {host}");
            }
            assert!(platform.sent.borrow().iter().all(|sent| !sent.url.contains("evil")), "{region}");
        }
    }
}

#[test]
fn a_next_page_elsewhere_is_asked_for_at_home_p7() {
    let next =
        r#"<https://evil.example/api/0/organizations/?cursor=0:100:0>; rel="next"; results="true"; cursor="0:100:0""#;
    for platform in [Platform::new as fn() -> Rc<Platform>, self_hosted] {
        let platform = connected(platform());
        let one = json!([{"id": "1", "slug": "globex", "name": "Globex"}]);
        platform
            .sandbox
            .add_fault(Fault::new(Side::Sentry, "api/0/organizations/", answer(one, &[("link", next)])).once());
        platform.slash(ADA, "org list");
        assert!(platform.sent.borrow().iter().all(|sent| !sent.url.contains("evil")));
        assert!(hosts_with_tokens(&platform).iter().all(|host| !host.contains("evil")));
    }
}

#[test]
fn a_redirect_is_not_followed_and_is_said_p7() {
    for to in ["https://evil.example/", "http://sentry.io/", "/auth/login/"] {
        let platform = connected(Platform::new());
        let kind = FaultKind::Status {
            code: 302,
            body: None,
            headers: BTreeMap::from([("location".to_owned(), to.to_owned())]),
        };
        platform.sandbox.add_fault(Fault::new(Side::Sentry, "globex/issues/", kind));
        platform.say(ADA, INCIDENTS, QUESTION);
        let seen = platform.last_seen_by(GRACE);
        assert!(seen.contains("a redirect to another address"), "{seen}");
        assert!(platform.sent.borrow().iter().all(|sent| !sent.url.contains("evil") && !sent.url.contains("login")));
    }
}

#[test]
fn a_login_page_elsewhere_is_not_offered_p7() {
    let platform = connected(Platform::new());
    let body =
        json!({"detail": {"code": "sso-required", "message": "x", "extra": {"loginUrl": "https://evil.example/"}}});
    let kind = FaultKind::Status { code: 401, body: Some(body), headers: BTreeMap::new() };
    platform.sandbox.add_fault(Fault::new(Side::Sentry, "globex/issues/", kind));
    platform.say(ADA, INCIDENTS, QUESTION);
    let blocks = platform.seen_by(ADA).pop().unwrap().blocks.unwrap().to_string();
    assert!(blocks.contains("single sign-on") && !blocks.contains("evil.example"), "{blocks}");
}

#[test]
fn a_link_that_somebody_pastes_is_never_fetched_p7() {
    for platform in [Platform::new as fn() -> Rc<Platform>, self_hosted] {
        let platform = connected(platform());
        for link in [
            "https://evil.example/organizations/globex/issues/5519720143/",
            "https://globex.sentry.io.evil.example/issues/5519720143/",
            "https://sentry.io@evil.example/issues/5519720143/",
            "http://169.254.169.254/latest/meta-data/",
        ] {
            platform.say(ADA, INCIDENTS, &format!("@vedette issue view {link}"));
            platform.say(ADA, INCIDENTS, &format!("@vedette {link}"));
        }
        let hosts = |sent: &crate::world::Sent| url::Url::parse(&sent.url).unwrap().host_str().unwrap().to_owned();
        for sent in platform.sent.borrow().iter() {
            let host = hosts(sent);
            assert!(!host.contains("evil") && !host.starts_with("169."), "{host}");
        }
    }
}
