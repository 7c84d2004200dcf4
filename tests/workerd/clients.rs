//! MCP clients and the authorization server on the real runtime: Session objects, their storage, and real concurrency.

use serde_json::{Value, json};
use url::{Url, form_urlencoded};

use crate::browser::{Browser, form};
use crate::rig::{Answer, Rig, until};

const REDIRECT: &str = "http://127.0.0.1:3118/callback";
// The example of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// Registers a client and lets it in; returns its id and its code.
fn let_in(rig: &Rig) -> (String, String) {
    let_in_as(rig, "Some client")
}

fn let_in_as(rig: &Rig, name: &str) -> (String, String) {
    let body = json!({"client_name": name, "redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"]});
    let url = format!("{}/oauth/register", rig.app);
    let registered = rig.send("POST", &url, &[("content-type", "application/json")], body.to_string().as_bytes());
    assert_eq!(registered.status, 201, "{}", registered.body);
    let registered: Value = serde_json::from_str(&registered.body).unwrap();
    let id = registered["client_id"].as_str().unwrap().to_owned();
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("client_id", id.as_str()), ("redirect_uri", REDIRECT), ("response_type", "code")])
        .extend_pairs([("state", "xyz"), ("code_challenge", CHALLENGE), ("code_challenge_method", "S256")])
        .finish();
    let authorize = format!("{}/oauth/authorize?{query}", rig.app);
    let back = Browser::new(rig).let_in(&authorize, "ada@example.com", &["inspect"]);
    let parameters: Vec<(String, String)> = Url::parse(&back).unwrap().query_pairs().into_owned().collect();
    let get = |name: &str| parameters.iter().find(|(known, _)| known == name).unwrap().1.clone();
    assert_eq!((get("state").as_str(), get("iss")), ("xyz", rig.app.clone()));
    (id, get("code"))
}

/// The access token of a client that was let in.
pub fn access_token(rig: &Rig) -> String {
    let (id, code) = let_in(rig);
    let redeem = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
        ("client_id", &id),
    ];
    post(rig, "/oauth/token", &redeem).json()["access_token"].as_str().unwrap().to_owned()
}

fn post(rig: &Rig, path: &str, fields: &[(&str, &str)]) -> Answer {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    rig.send("POST", &format!("{}{path}", rig.app), &headers, body.as_bytes())
}

/// A client that was let in; returns its access token.
fn connected(rig: &Rig, name: &str) -> String {
    let (id, code) = let_in_as(rig, name);
    let redeem = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
        ("client_id", id.as_str()),
    ];
    post(rig, "/oauth/token", &redeem).json()["access_token"].as_str().unwrap().to_owned()
}

fn status(rig: &Rig, token: &str) -> u16 {
    let bearer = format!("Bearer {token}");
    let headers =
        [("authorization", bearer.as_str()), ("content-type", "application/json"), ("accept", "application/json")];
    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}});
    rig.send("POST", &format!("{}/mcp", rig.app), &headers, list.to_string().as_bytes()).status
}

#[test]
fn a_person_signs_in_and_ends_a_client_and_it_stays_ended_when_workerd_is_killed_p5() {
    let rig = Rig::start();
    let (claude, cursor) = (connected(&rig, "Claude Code"), connected(&rig, "Cursor"));
    assert_eq!((status(&rig, &claude), status(&rig, &cursor)), (200, 200));
    let page = format!("{}/account", rig.app);
    let browser = Browser::new(&rig);
    let (_, mut fields) = form(&browser.get(&page));
    fields.push(("action".into(), "sign-in".into()));
    let to_sentry = browser.post(&page, &fields);
    let to_sentry = to_sentry.header("location").unwrap_or_else(|| panic!("{}", to_sentry.body)).to_owned();
    let signed_in = browser.get(&browser.approve(&to_sentry, "ada@example.com"));
    assert_eq!((signed_in.status, signed_in.header("location")), (303, Some("/account")), "{}", signed_in.body);
    let live = || rig.world(None)["sentry"]["live_tokens"].as_u64().unwrap();
    until("the token that served to sign in is revoked", || live() == 2);
    let mut list = browser.get(&page);
    until("both are listed", || {
        list = browser.get(&page);
        list.body.contains("Claude Code") && list.body.contains("Cursor")
    });
    // The last used comes first.
    let session = list.body.split("name=\"session\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let csrf = list.body.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let first = if list.body.find("Claude Code") < list.body.find("Cursor") { &claude } else { &cursor };
    let fields = [("csrf", csrf), ("session", session), ("action", "disconnect".to_owned())];
    let done = browser.post(&page, &fields.map(|(name, value)| (name.to_owned(), value)));
    assert!(done.body.contains("was disconnected"), "{}", done.body);
    rig.kill();
    assert_eq!(status(&rig, first), 401);
    assert_eq!([&claude, &cursor].iter().filter(|token| status(&rig, token) == 200).count(), 1);
    until("its access is revoked at Sentry", || live() == 1);
    assert_eq!(browser.get(&page).body.matches("name=\"session\"").count(), 1);
}

/// The same request from 20 clients at once.
fn at_once(rig: &Rig, fields: &[(&str, &str)]) -> Vec<Answer> {
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..20).map(|_| scope.spawn(|| post(rig, "/oauth/token", fields))).collect();
        all.into_iter().map(|it| it.join().unwrap()).collect()
    })
}

#[test]
fn of_20_redemptions_one_succeeds_and_20_refreshes_get_the_same_pair_which_works_c1_c2_p16() {
    let rig = Rig::start();
    let (id, code) = let_in(&rig);
    let redeem = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
        ("client_id", &id),
    ];
    let good: Vec<Answer> = at_once(&rig, &redeem).into_iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(good.len(), 1);
    let first: Value = serde_json::from_str(&good[0].body).unwrap();
    let refresh = |token: &Value| {
        vec![
            ("grant_type".to_owned(), "refresh_token".to_owned()),
            ("refresh_token".to_owned(), token.as_str().unwrap().to_owned()),
            ("client_id".to_owned(), id.clone()),
        ]
    };
    let fields = refresh(&first["refresh_token"]);
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let pairs: Vec<Value> =
        at_once(&rig, &fields).iter().map(|answer| serde_json::from_str(&answer.body).unwrap()).collect();
    assert!(pairs.iter().all(|pair| pair["refresh_token"] == pairs[0]["refresh_token"]), "{pairs:?}");
    assert!(pairs.iter().all(|pair| pair["access_token"].is_string()));
    let fields = refresh(&pairs[0]["refresh_token"]);
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let next = post(&rig, "/oauth/token", &fields);
    assert_eq!(next.status, 200, "{}", next.body);
    let next: Value = serde_json::from_str(&next.body).unwrap();
    let token = next["refresh_token"].as_str().unwrap();
    assert_eq!(post(&rig, "/oauth/revoke", &[("token", token), ("client_id", &id)]).status, 200);
    let refused =
        post(&rig, "/oauth/token", &[("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", &id)]);
    assert_eq!(refused.status, 400, "{}", refused.body);
}
