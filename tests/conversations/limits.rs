//! Rate limits: who is counted where, what being over looks like at each door, and that junk costs nothing.

use bytes::Bytes;
use http::{Method, Request, Response, header};
use serde_json::{Value, json};
use vedette::limits::{self, Limit};
use vedette_sandbox::{OPERATOR_TOKEN, Page};

use crate::browser::{Browser, borrowed, form, text};
use crate::mcp::post;
use crate::oauth_flow::{Client, REDIRECT, client, json as body};
use crate::world::{ADA, APP, INCIDENTS, Platform};

const HERE: &str = "203.0.113.7";
const ELSEWHERE: &str = "2001:db8::1";

fn from(address: &str, request: Request<Bytes>) -> Request<Bytes> {
    let (mut parts, body) = request.into_parts();
    parts.headers.insert("cf-connecting-ip", address.parse().unwrap());
    Request::from_parts(parts, body)
}

/// The answer to the first request that is over the limit, which is this many.
fn over(limit: &'static Limit, mut ask: impl FnMut() -> Response<Bytes>) -> Response<Bytes> {
    for number in 0..limit.number {
        let answer = ask();
        assert_ne!(answer.status(), 429, "the {number}th of {}", limit.number);
    }
    let answer = ask();
    assert_eq!(answer.status(), 429, "{}", limit.binding);
    assert_eq!(answer.headers()[header::RETRY_AFTER], limit.period.to_string());
    answer
}

fn limited() -> std::rc::Rc<Platform> {
    let platform = Platform::new();
    platform.limits.set(true);
    platform
}

fn registration(address: &str) -> Request<Bytes> {
    let body = json!({"redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none"}).to_string();
    from(address, Request::post(format!("{APP}/oauth/register")).body(Bytes::from(body)).unwrap())
}

#[test]
fn registrations_are_counted_by_address_for_a_minute() {
    let platform = limited();
    let answer = over(&limits::REGISTER, || platform.request(registration(HERE)));
    assert_eq!(body(&answer)["error"], "temporarily_unavailable");
    assert_eq!(answer.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*", "a browser's client can read it");
    assert_eq!(platform.request(registration(ELSEWHERE)).status(), 201, "others go on");
    platform.pass(std::time::Duration::from_secs(60));
    assert_eq!(platform.request(registration(HERE)).status(), 201);
}

#[test]
fn a_limiter_that_fails_lets_requests_through_and_says_so_once() {
    let platform = Platform::new();
    platform.limiter_broken.set(true);
    for _ in 0..3 {
        assert_eq!(platform.request(registration(HERE)).status(), 201);
    }
    assert_eq!(platform.log_text().matches("limit_not_counted").count(), 1, "{}", platform.log_text());
}

#[test]
fn redemptions_refreshes_and_revocations_are_counted_before_an_object_is_called() {
    let client = client();
    let tokens = client.let_in();
    client.platform.limits.set(true);
    let refresh = tokens["refresh_token"].as_str().unwrap().to_owned();
    let mut newest = refresh.clone();
    let answer = over(&limits::TOKEN, || {
        let answer = client.post("/oauth/token", &[("grant_type", "refresh_token"), ("refresh_token", &newest)]);
        newest = body(&answer)["refresh_token"].as_str().map_or(newest.clone(), str::to_owned);
        answer
    });
    assert_eq!(body(&answer)["error"], "temporarily_unavailable");
    let calls = client.platform.object_calls.get();
    assert_eq!(client.post("/oauth/revoke", &[("token", &newest)]).status(), 429);
    assert_eq!(client.platform.object_calls.get(), calls);
    let counted = client.platform.counted.borrow();
    let by_client = counted.iter().rev().find(|(limit, _)| limit == limits::CLIENT.binding).unwrap();
    assert_eq!(by_client.1.len(), 64, "the client is counted by the hash of its id");
}

#[test]
fn junk_is_refused_without_being_counted_p17() {
    let client = client();
    client.let_in();
    let platform = &client.platform;
    platform.counted.borrow_mut().clear();
    for junk in ["x", "vdr_", &"vda_A".repeat(2_000)] {
        client.post("/oauth/token", &[("grant_type", "refresh_token"), ("refresh_token", junk)]);
        client.post("/oauth/token", &[("grant_type", "authorization_code"), ("code", junk)]);
        client.post("/oauth/revoke", &[("token", junk)]);
        post("/mcp").with("authorization", &format!("Bearer {junk}")).send(platform, "{}");
        Browser::new(platform).get(&format!("{APP}/connect/{junk}"));
        Browser::new(platform).get(&format!("{APP}/oauth/callback?code=x&state={junk}"));
        Browser::new(platform).post(&format!("{APP}/oauth/authorize"), &[("state", junk), ("decision", "approve")]);
    }
    let other = Client { platform: platform.clone(), id: "https://127.0.0.1/client.json".to_owned() };
    other.post("/oauth/token", &[("grant_type", "refresh_token"), ("refresh_token", "x")]);
    Browser::new(platform).get(&other.authorize_url(&[]));
    assert_eq!(*platform.counted.borrow(), []);
}

#[test]
fn decisions_on_the_consent_page_are_counted_before_a_session_begins() {
    let client = client();
    client.platform.limits.set(true);
    let browser = Browser::new(&client.platform);
    let form = form(&browser.get(&client.authorize_url(&[])));
    let mut fields = borrowed(&form.fields);
    fields.extend([("skill-inspect", "on"), ("decision", "approve")]);
    let answer = over(&limits::CONSENT, || browser.post(&format!("{APP}{}", form.action), &fields));
    assert!(text(&answer).contains("Too many requests"));
    assert_eq!(client.platform.object_calls.get(), limits::CONSENT.number);
}

#[test]
fn lists_of_clients_and_sign_ins_are_counted_before_an_object_or_sentry_is_asked() {
    let platform = Platform::new();
    let page = format!("{APP}/account");
    let browser = crate::accounts::signed_in(&platform, "ada@example.com");
    let before = platform.object_calls.get();
    platform.limits.set(true);
    let answer = over(&limits::CONSENT, || browser.get(&page));
    assert!(text(&answer).contains("Too many requests"));
    assert_eq!(platform.object_calls.get() - before, limits::CONSENT.number);

    platform.pass(std::time::Duration::from_secs(60));
    let other = Browser::new(&platform);
    let to_sentry = crate::accounts::to_sentry(&other);
    let state = to_sentry.split("&state=").nth(1).unwrap().split('&').next().unwrap();
    let before = platform.sent.borrow().len();
    over(&limits::CONSENT, || other.get(&format!("{APP}/oauth/callback?code=junk&state={state}")));
    assert_eq!(platform.sent.borrow().len() - before, limits::CONSENT.number as usize);
}

#[test]
fn connect_pages_are_counted_before_a_person_is_asked() {
    let platform = Platform::new();
    platform.say(ADA, INCIDENTS, "@vedette whoami");
    let link = platform.link_for(ADA).unwrap();
    platform.limits.set(true);
    let browser = Browser::new(&platform);
    let answer = over(&limits::CONSENT, || browser.get(&link));
    assert!(text(&answer).contains("Nothing is lost"));
}

#[test]
fn fetches_of_descriptions_are_counted_and_what_is_known_is_not() {
    let platform = limited();
    let address = |number: u32| format!("https://n{number}.limits.example.com/client.json");
    let mut number = 0;
    let answer = over(&limits::DOCUMENTS, || {
        number += 1;
        let client = Client { platform: platform.clone(), id: address(number) };
        let document = json!({"client_id": client.id, "client_name": "N", "redirect_uris": [REDIRECT]});
        platform.sandbox.put_page(&client.id, Some(Page { body: document, ..Page::default() }));
        Browser::new(&platform).get(&client.authorize_url(&[]))
    });
    assert!(text(&answer).contains("Too many requests"));
    assert_eq!(platform.sandbox.visits().len(), limits::DOCUMENTS.number as usize);
    let known = Client { platform: platform.clone(), id: address(1) };
    assert_eq!(Browser::new(&platform).get(&known.authorize_url(&[])).status(), 200);
}

#[test]
fn a_failing_description_can_be_asked_for_only_so_often() {
    let client = Client { platform: limited(), id: "https://fails.limits.example.com/client.json".to_owned() };
    over(&limits::DOCUMENTS, || Browser::new(&client.platform).get(&client.authorize_url(&[])));
    assert_eq!(client.platform.sandbox.visits().len(), limits::DOCUMENTS.number as usize);
}

#[test]
fn who_brings_nothing_or_an_unknown_token_to_the_mcp_door_is_counted_by_address() {
    let platform = limited();
    let answer = over(&limits::STRANGERS, || {
        post("/mcp").without("authorization").with("cf-connecting-ip", HERE).send(&platform, "{}")
    });
    let error: Value = body(&answer);
    assert_eq!((&error["jsonrpc"], &error["error"]["code"]), (&json!("2.0"), &json!(-32_000)));
    let asked = platform.sandbox.sentry().requests.len();
    let unknown = post("/mcp").by("sntryu_unknown").with("cf-connecting-ip", HERE).send(&platform, "{}");
    assert_eq!((unknown.status().as_u16(), platform.sandbox.sentry().requests.len()), (429, asked));
    let request = || {
        Request::get(format!("{APP}/api/auth/status"))
            .header(header::AUTHORIZATION, format!("Sentry-Bearer {OPERATOR_TOKEN}"))
            .body(Bytes::new())
            .unwrap()
    };
    let status = platform.request(from(HERE, request()));
    assert_eq!((status.status().as_u16(), &body(&status)["error"]), (429, &json!("too_many_requests")));
    assert!(status.headers().contains_key(header::RETRY_AFTER));
    assert_eq!(platform.request(from(ELSEWHERE, request())).status(), 200);
}

#[test]
fn a_session_is_counted_at_the_mcp_door_before_its_object_is_called() {
    let client = client();
    let one = client.let_in()["access_token"].as_str().unwrap().to_owned();
    let two = client.let_in()["access_token"].as_str().unwrap().to_owned();
    let platform = &client.platform;
    platform.limits.set(true);
    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).to_string();
    let bearer = |token: &str| post("/mcp/globex").with("authorization", &format!("Bearer {token}"));
    let answer = over(&limits::SESSION, || bearer(&one).send(platform, &list));
    assert_eq!(body(&answer)["error"]["code"], -32_000);
    let calls = platform.object_calls.get();
    assert_eq!(bearer(&one).send(platform, &list).status(), 429);
    assert_eq!(platform.object_calls.get(), calls);
    assert_eq!(bearer(&two).send(platform, &list).status(), 200, "another session of the same client goes on");
}

#[test]
fn streams_are_counted_by_who_opens_them_before_an_object_is_called() {
    let client = client();
    let [one, two] = [(), ()].map(|()| client.let_in()["access_token"].as_str().unwrap().to_owned());
    let platform = &client.platform;
    let open = |token: &str| {
        let get = post("/sse/globex").method(Method::GET).with("accept", "text/event-stream");
        platform.reply(get.with("authorization", &format!("Bearer {token}")).request("")).response
    };
    assert_eq!(open(&one).status(), 200, "the place is known from here on");
    platform.limits.set(true);
    over(&limits::STREAMS, || open(&one));
    let calls = platform.object_calls.get();
    assert_eq!(open(&one).status(), 429);
    assert_eq!(platform.object_calls.get() - calls, 1, "its session alone");
    assert_eq!(open(&two).status(), 200);
}

#[test]
fn a_call_is_counted_once_and_a_row_of_calls_by_its_length() {
    let client = client();
    let token = client.let_in()["access_token"].as_str().unwrap().to_owned();
    let platform = &client.platform;
    let counted = |act: &dyn Fn()| {
        platform.counted.borrow_mut().clear();
        act();
        platform.counted.borrow().len()
    };
    let bearer = || post("/mcp/globex").with("authorization", &format!("Bearer {token}"));
    let call = |id: u32| json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": "whoami"}});
    assert_eq!(counted(&|| drop(bearer().send(platform, &call(1).to_string()))), 1);
    let brought = || post("/mcp/globex").by(OPERATOR_TOKEN);
    assert_eq!(counted(&|| drop(brought().send(platform, &call(1).to_string()))), 2, "a token that is not known yet");
    assert_eq!(counted(&|| drop(brought().send(platform, &call(1).to_string()))), 1, "and when it is");
    let row = Value::Array((0..5).map(call).collect()).to_string();
    let in_row = bearer().with("mcp-protocol-version", "2025-03-26");
    assert_eq!(counted(&|| drop(in_row.send(platform, &row))), 5);
}
