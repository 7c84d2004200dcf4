//! An MCP client that a person let in: its access token at the MCP door (P3, P16, P17, P18).

use std::time::Duration;

use futures::future::join_all;
use serde_json::json;
use vedette_sandbox::{Fault, FaultKind, Side};

use crate::mcp::post;
use crate::oauth_flow::{Client, client};
use crate::world::wait;

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

#[test]
fn fifty_calls_at_once_on_a_grant_that_is_about_to_end_make_one_refresh_p3() {
    let (client, _) = let_in();
    let platform = &client.platform;
    let left = platform.sandbox.sentry().live_tokens[0].expires_at_ms - platform.now.get();
    // The access token lasts an hour, the grant 30 days: a client that refreshes comes to the grant's end.
    platform.pass(Duration::from_millis(u64::try_from(left - 60_000).unwrap()));
    let before = platform.sandbox.sentry().counters.refreshes;
    let tokens = client.let_in();
    let token = tokens["access_token"].as_str().unwrap().to_owned();
    let newest = platform.sandbox.sentry().live_tokens.last().unwrap().expires_at_ms - platform.now.get();
    assert!(newest > 0);
    platform.sandbox.add_fault(Fault::new(Side::Sentry, "api/0/*", FaultKind::TokenExpired).once());
    let calls = (0..50).map(|_| bearer(PLACE, &token).calling(platform, "whoami", json!({})));
    let answers = wait(join_all(calls));
    assert!(answers.iter().all(|text| text.contains("ada@example.com")), "{answers:?}");
    assert_eq!(platform.sandbox.sentry().counters.refreshes, before + 1);
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
