//! An MCP client that a person let in: its access token at the MCP door (P3, P16, P17, P18).

use std::rc::Rc;
use std::time::Duration;

use futures::future::join_all;
use http::Request;
use serde_json::{Value, json};
use vedette_sandbox::{Fault, FaultKind, Side};

use crate::mcp::post;
use crate::oauth_flow::{Client, client, client_at, json};
use crate::world::{Platform, wait};

const PLACE: &str = "/mcp/globex";

fn let_in() -> (Client, String) {
    let client = client();
    let token = client.let_in()["access_token"].as_str().unwrap().to_owned();
    (client, token)
}

fn bearer(path: &str, token: &str) -> crate::mcp::Post {
    post(path).with("authorization", &format!("Bearer {token}"))
}

#[test]
fn a_client_that_was_let_in_lists_and_calls_with_its_persons_own_access_p18() {
    let (client, token) = let_in();
    let (status, tools) = bearer(PLACE, &token).ask(&client.platform, "tools/list", json!({}));
    assert_eq!(status, 200, "{tools}");
    assert!(tools.to_string().contains("search_issues"));
    let (error, text, _) = bearer(PLACE, &token).call(&client.platform, "whoami", json!({}));
    assert!(!error && text.contains("ada@example.com"), "{text}");
    let (error, text, _) = bearer(PLACE, &token).call(&client.platform, "search_issues", json!({}));
    assert!(!error && text.contains("CHECKOUT-API-"), "{text}");
    let answered = client.platform.answered.borrow();
    assert!(answered.iter().all(|(_, answer)| !answer.contains("sntry")), "no Sentry token leaves us");
    assert!(
        client.platform.sent.borrow().iter().all(|sent| !sent.body.contains(&token)),
        "and none of ours reaches Sentry"
    );
}

#[test]
fn a_token_that_was_narrowed_below_what_a_tool_needs_is_told_what_it_needs() {
    let client = client();
    let refresh_token = client.let_in()["refresh_token"].as_str().unwrap().to_owned();
    let narrowed = |scope: &str, refresh_token: &str| {
        let refresh = [("grant_type", "refresh_token"), ("refresh_token", refresh_token), ("scope", scope)];
        let tokens: Value = json(&client.post("/oauth/token", &refresh));
        let text = |name: &str| tokens[name].as_str().unwrap().to_owned();
        (text("access_token"), text("refresh_token"))
    };
    let call = |token: &str, tool: &str| {
        let params = json!({ "name": tool, "arguments": {} });
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
        bearer(PLACE, token).send(&client.platform, &body.to_string())
    };
    let (token, refresh_token) = narrowed("org:read project:read", &refresh_token);
    let asked = client.platform.sent.borrow().len();
    let refused = call(&token, "search_issues");
    assert_eq!(refused.status(), 403);
    let challenge = refused.headers()["www-authenticate"].to_str().unwrap();
    for part in [
        r#"Bearer realm="Vedette", error="insufficient_scope""#,
        r#"scope="event:read org:read project:read""#,
        "/.well-known/oauth-protected-resource/mcp/globex",
    ] {
        assert!(challenge.contains(part), "{challenge}");
    }
    assert!(client.platform.sent.borrow().iter().skip(asked).all(|sent| !sent.url.contains("/issues/")));
    assert_eq!(call(&token, "find_projects").status(), 200);
    let (_, listed) = bearer(PLACE, &token).ask(&client.platform, "tools/list", json!({}));
    let listed = listed["result"]["tools"].as_array().unwrap().iter().map(|tool| tool["name"].clone());
    assert_eq!(Value::from_iter(listed), json!(["find_projects", "whoami"]));

    // What the tool needs is enough for it, though its skill has more.
    let (token, _) = narrowed("event:read org:read", &refresh_token);
    let (error, text, _) = bearer(PLACE, &token).call(&client.platform, "search_issues", json!({}));
    assert!(!error && text.contains("CHECKOUT-API-"), "{text}");
}

#[test]
fn a_headless_session_whose_grant_ended_at_sentry_runs_no_command_p6() {
    let (client, token) = let_in();
    let mut headless = crate::world::variables();
    headless.push(("SENTRY_AUTH_TOKEN", vedette_sandbox::OPERATOR_TOKEN.to_owned()));
    client.platform.redeploy(&headless);
    for _ in 0..2 {
        let (error, text, _) = bearer(PLACE, &token).call(&client.platform, "whoami", json!({}));
        assert!(!error && text.contains("ci-bot@example.com"), "{text}");
    }
    let revoked = Fault::new(Side::Sentry, "api/0/auth/", FaultKind::TokenRevoked).once();
    client.platform.sandbox.add_fault(revoked);
    let (status, body) = bearer(PLACE, &token).ask(&client.platform, "tools/call", json!({ "name": "whoami" }));
    assert_eq!(status, 401, "{body}");
}

#[test]
fn a_token_opens_its_own_address_only_and_junk_reaches_no_object_p17() {
    let (client, token) = let_in();
    for elsewhere in ["/mcp", "/mcp/initech", "/mcp/umbrella/x"] {
        let (status, _) = bearer(elsewhere, &token).ask(&client.platform, "tools/list", json!({}));
        assert_eq!(status, 401, "{elsewhere}");
    }
    let calls = client.platform.object_calls.get();
    let changed = token.replace(token.chars().nth(20).unwrap(), "0");
    for junk in ["x", "vda_", &changed, &"vda_A".repeat(800)] {
        let response = bearer(PLACE, junk).send(&client.platform, "{}");
        assert_eq!(response.status(), 401);
        let challenge = response.headers()["www-authenticate"].to_str().unwrap();
        assert!(challenge.contains("/.well-known/oauth-protected-resource/mcp/globex"), "{challenge}");
    }
    assert_eq!(client.platform.object_calls.get(), calls);
}

#[test]
fn a_revoked_client_is_refused_on_its_next_request_p16() {
    let (client, _) = let_in();
    let tokens = client.let_in();
    let token = tokens["access_token"].as_str().unwrap();
    assert_eq!(bearer(PLACE, token).ask(&client.platform, "tools/list", json!({})).0, 200);
    client.post("/oauth/revoke", &[("token", tokens["refresh_token"].as_str().unwrap())]);
    assert_eq!(bearer(PLACE, token).ask(&client.platform, "tools/list", json!({})).0, 401);
}

/// Lets the tokens that Sentry issues next live for so long; all others live 30 days.
fn next_life(platform: &Platform, seconds: u32) {
    let body = json!({ "action": "next_life", "seconds": seconds }).to_string();
    let request = Request::post("https://sandbox/sandbox/sentry/tokens").body(body.into()).unwrap();
    assert_eq!(platform.sandbox.control(request, platform.now.get()).status(), 200);
}

fn fifty_calls_at_once(platform: &Platform, token: &str) -> Vec<String> {
    wait(join_all((0..50).map(|_| bearer(PLACE, token).calling(platform, "whoami", json!({})))))
}

/// How often Sentry was asked for tokens, how often it refreshed, and how often it refused a token.
fn at_sentry(platform: &Platform) -> (usize, u64, usize) {
    let sentry = platform.sandbox.sentry();
    let asked = sentry.requests.iter().filter(|it| it.path.contains("oauth/token")).count();
    let refused = sentry.requests.iter().filter(|it| it.status == Some(401)).count();
    (asked, sentry.counters.refreshes, refused)
}

#[test]
fn fifty_calls_at_once_on_a_grant_that_is_about_to_end_make_one_refresh_p3() {
    let client = client();
    next_life(&client.platform, 60);
    let token = client.let_in()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(at_sentry(&client.platform), (1, 0, 0));
    let answers = fifty_calls_at_once(&client.platform, &token);
    assert!(answers.iter().all(|text| text.contains("ada@example.com")), "{answers:?}");
    assert_eq!(at_sentry(&client.platform), (2, 1, 0), "one refresh, before any token was refused");
}

#[test]
fn fifty_calls_at_once_on_a_grant_that_sentry_calls_expired_make_one_refresh_p3() {
    let (client, token) = let_in();
    client.platform.sandbox.add_fault(Fault::new(Side::Sentry, "api/0/*", FaultKind::TokenExpired).once());
    let answers = fifty_calls_at_once(&client.platform, &token);
    assert!(answers.iter().all(|text| text.contains("ada@example.com")), "{answers:?}");
    let (asked, refreshes, refused) = at_sentry(&client.platform);
    assert_eq!((asked, refreshes), (2, 1));
    assert!(refused >= 1);
}

/// A client that is used every day: it renews our tokens, and calls.
struct Daily {
    client: Client,
    tokens: Value,
}

impl Daily {
    fn let_in(platform: &Rc<Platform>, name: &str) -> Daily {
        let client = client_at(platform, name);
        let tokens = client.let_in();
        Daily { client, tokens }
    }

    fn calls(&self, when: &str) {
        let token = self.tokens["access_token"].as_str().unwrap();
        let (error, text, _) = bearer(PLACE, token).call(&self.client.platform, "whoami", json!({}));
        assert!(!error && text.contains("ada@example.com"), "{when}: {text}");
    }

    fn renews(&mut self, when: &str) {
        let refresh = self.tokens["refresh_token"].as_str().unwrap();
        let answer = self.client.post("/oauth/token", &[("grant_type", "refresh_token"), ("refresh_token", refresh)]);
        assert_eq!(answer.status(), 200, "{when}: {:?}", answer.body());
        self.tokens = json(&answer);
    }
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[test]
fn a_client_that_is_used_every_day_logs_in_once_in_two_months_p3() {
    let platform = Platform::new();
    let mut client = Daily::let_in(&platform, "Some client");
    client.calls("at once");
    for day in 1..=61 {
        platform.pass(DAY);
        client.renews(&format!("on day {day}"));
        client.calls(&format!("on day {day}"));
    }
    assert_eq!(at_sentry(&platform), (3, 2, 0), "consent once, a refresh each month, and no token refused");
    assert_eq!(platform.sandbox.sentry().live_tokens.len(), 1);
}

#[test]
fn two_clients_of_one_account_do_not_end_each_others_access_p3() {
    let platform = Platform::new();
    // The first one's grant is due at once, the second one's in 30 days.
    next_life(&platform, 60);
    let mut first = Daily::let_in(&platform, "First");
    let mut second = Daily::let_in(&platform, "Second");
    second.calls("before the first one's refresh");
    assert_eq!(at_sentry(&platform), (2, 0, 0));
    first.calls("with its own refresh");
    assert_eq!(at_sentry(&platform), (3, 1, 0));
    second.calls("after the first one's refresh");
    first.calls("with what it refreshed");
    // Both come to the end of their tokens at Sentry, and go on, one before the other and the other way round.
    for day in 1..=61 {
        platform.pass(DAY);
        let when = format!("on day {day}");
        for client in if day < 31 { [&mut first, &mut second] } else { [&mut second, &mut first] } {
            client.renews(&when);
            client.calls(&when);
        }
        first.calls(&when);
        second.calls(&when);
    }
    assert_eq!(at_sentry(&platform), (7, 5, 0), "no token was refused");
    assert_eq!(platform.sandbox.sentry().live_tokens.len(), 2);
}

#[test]
fn a_grant_that_sentry_ended_ends_the_session_and_asks_the_client_to_authorize_anew_p16() {
    let (client, token) = let_in();
    client.platform.sandbox.add_fault(Fault::new(Side::Sentry, "api/0/*", FaultKind::TokenRevoked).once());
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "whoami" } });
    let response = bearer(PLACE, &token).send(&client.platform, &body.to_string());
    assert_eq!(response.status(), 401);
    let challenge = response.headers()["www-authenticate"].to_str().unwrap();
    assert!(challenge.contains("invalid_token"), "{challenge}");
    assert_eq!(bearer(PLACE, &token).ask(&client.platform, "tools/list", json!({})).0, 401);
}
