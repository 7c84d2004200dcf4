//! An MCP client's whole way over the router: discovery, registration, consent, code, tokens (P14, P15, P16, P18).

use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, header};
use serde_json::{Value, json};
use url::{Url, form_urlencoded};
use vedette::crypto::{KeyRing, base64url, sha256};
use vedette::oauth::choices::Choices;

use crate::browser::{Browser, borrowed, form, location, text};
use crate::mcp::post;
use crate::world::{APP, Platform, variables};

pub const REDIRECT: &str = "http://127.0.0.1:3118/callback";
const VERIFIER: &str = "a-verifier-of-at-least-43-characters-0123456789";
const ACCOUNT: &str = "ada@example.com";

pub struct Client {
    pub platform: Rc<Platform>,
    pub id: String,
}

pub fn client() -> Client {
    client_at(&Platform::new(), "Some <b>client</b>")
}

/// A client that calls itself `name`.
pub fn client_at(platform: &Rc<Platform>, name: &str) -> Client {
    let platform = Rc::clone(platform);
    let body = json!({
        "client_name": name, "redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
    });
    let request = Request::post(format!("{APP}/oauth/register")).body(Bytes::from(body.to_string())).unwrap();
    let response = platform.request(request);
    assert_eq!(response.status(), 201);
    let id = json(&response)["client_id"].as_str().unwrap().to_owned();
    Client { platform, id }
}

impl Client {
    pub fn authorize_url(&self, changes: &[(&str, &str)]) -> String {
        let challenge = base64url(&sha256(VERIFIER.as_bytes()));
        let resource = format!("{APP}/mcp/globex");
        let mut parameters = vec![
            ("client_id", self.id.as_str()),
            ("redirect_uri", REDIRECT),
            ("response_type", "code"),
            ("state", "s&t"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("resource", &resource),
        ];
        for (name, value) in changes {
            parameters.retain(|(known, _)| known != name);
            parameters.push((name, value));
        }
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        format!("{APP}/oauth/authorize?{query}")
    }

    /// Decides on the consent page; returns the answer.
    pub fn decide(&self, browser: &Browser<'_>, decision: &str, skills: &[&str]) -> Response<Bytes> {
        let page = browser.get(&self.authorize_url(&[]));
        assert_eq!(page.status(), 200, "{}", text(&page));
        let form = form(&page);
        let names: Vec<String> = skills.iter().map(|skill| format!("skill-{skill}")).collect();
        let mut fields = borrowed(&form.fields);
        fields.extend(names.iter().map(|name| (name.as_str(), "on")));
        fields.push(("decision", decision));
        browser.post(&format!("{APP}{}", form.action), &fields)
    }

    /// The whole way, as an obliging person goes it; returns the answer of the token endpoint.
    pub fn let_in(&self) -> Value {
        self.let_in_by(ACCOUNT)
    }

    /// The same by somebody else.
    pub fn let_in_by(&self, account: &str) -> Value {
        self.redeem(&self.code_by(account))
    }

    /// The code that the client gets when somebody lets it in.
    pub fn code_by(&self, account: &str) -> String {
        let browser = Browser::new(&self.platform);
        let to_sentry = location(&self.decide(&browser, "approve", &["inspect"])).unwrap();
        let back = location(&browser.get(&browser.consent(&to_sentry, Some(account)))).unwrap();
        parameters(&back)["code"].clone()
    }

    pub fn redeem(&self, code: &str) -> Value {
        let redeem = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ];
        json(&self.post("/oauth/token", &redeem))
    }

    pub fn post(&self, path: &str, form: &[(&str, &str)]) -> Response<Bytes> {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .append_pair("client_id", &self.id)
            .finish();
        let request = Request::post(format!("{APP}{path}"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Bytes::from(body))
            .unwrap();
        self.platform.request(request)
    }
}

/// What Sentry's token endpoint says to the same application elsewhere: with it a test can let Sentry say to us what the
/// sandbox's would not, of a token that is a good one.
pub fn issued_elsewhere(platform: &Platform) -> Value {
    let options = platform.sandbox.options();
    let redirect_uri = format!("{APP}/oauth/callback");
    let app = [("client_id", options.client_id.as_str()), ("redirect_uri", &redirect_uri)];
    let encode = |pairs: &[(&str, &str)]| {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(app).extend_pairs(pairs).finish()
    };
    let asked = [("response_type", "code"), ("scope", "event:read org:read project:read team:read")];
    let authorize = format!("https://sentry.io/oauth/authorize/?{}", encode(&asked));
    let code = parameters(&Browser::new(platform).consent(&authorize, Some(ACCOUNT)))["code"].clone();
    let secret = options.client_secret.as_str();
    let form = encode(&[("grant_type", "authorization_code"), ("code", &code), ("client_secret", secret)]);
    let request = Request::post("https://sentry.io/oauth/token/").body(Bytes::from(form)).unwrap();
    json(platform.sandbox.handle(request, platform.now.get()).response().unwrap())
}

pub fn json(response: &Response<Bytes>) -> Value {
    serde_json::from_slice(response.body()).unwrap()
}

pub fn parameters(url: &str) -> HashMap<String, String> {
    Url::parse(url).unwrap().query_pairs().into_owned().collect()
}

#[test]
fn a_client_is_let_in_and_gets_tokens_that_are_ours_alone_cases_47_66_p18() {
    let client = client();
    let browser = Browser::new(&client.platform);
    let to_sentry = location(&client.decide(&browser, "approve", &["inspect"])).unwrap();
    assert_eq!(parameters(&to_sentry)["scope"], "event:read org:read project:read team:read");
    assert_eq!(parameters(&to_sentry)["code_challenge_method"], "S256");
    let back = location(&browser.get(&browser.consent(&to_sentry, Some(ACCOUNT)))).unwrap();
    assert!(back.starts_with(&format!("{REDIRECT}?")), "{back}");
    let answer = parameters(&back);
    assert_eq!((answer["state"].as_str(), answer["iss"].as_str()), ("s&t", APP));
    assert!(!answer.contains_key("error"));
    let redeem = [
        ("grant_type", "authorization_code"),
        ("code", answer["code"].as_str()),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    let tokens = json(&client.post("/oauth/token", &redeem));
    assert!(tokens["access_token"].as_str().unwrap().starts_with("vda_"));
    assert_eq!(tokens["resource"], format!("{APP}/mcp/globex"));
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())];
    assert_eq!(client.post("/oauth/token", &refresh).status(), 200);
    let answered = client.platform.answered.borrow();
    assert!(answered.iter().all(|(_, answer)| !answer.contains("sntry")), "no Sentry token leaves us");
    let revoke = [("token", tokens["refresh_token"].as_str().unwrap())];
    drop(answered);
    assert_eq!(client.post("/oauth/revoke", &revoke).status(), 200);
    assert_eq!(json(&client.post("/oauth/token", &refresh))["error"], "invalid_grant");
    client.platform.pass(Duration::from_secs(60));
    assert!(client.platform.sent.borrow().iter().any(|sent| sent.url.ends_with("/oauth/revoke/")));
}

#[test]
fn the_page_shows_who_asks_for_what_and_stores_nothing_p15() {
    let client = client();
    let page = Browser::new(&client.platform).get(&client.authorize_url(&[]));
    let html = text(&page);
    assert!(html.contains("Some &lt;b&gt;client&lt;/b&gt;") && html.contains("127.0.0.1:3118"), "{html}");
    assert!(html.contains("only in ") && html.contains("globex"));
    assert!(html.contains("skill-inspect"));
    for skill in ["seer", "triage", "project-management"] {
        assert!(!html.contains(skill), "P25: it has no tool of its own");
    }
    let policy = page.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(
        policy.contains("form-action 'self' https://sentry.io https://*.sentry.io http://127.0.0.1:3118;"),
        "{policy}"
    );
    assert_eq!(page.headers()[header::CACHE_CONTROL], "no-store");
    assert_eq!(client.platform.object_calls.get(), 0);
}

#[test]
fn a_client_in_a_web_page_may_do_it_in_a_popup_without_losing_it_p15() {
    let client = client();
    let browser = Browser::new(&client.platform);
    let shown = browser.get(&client.authorize_url(&[]));
    let approved = client.decide(&browser, "approve", &["inspect"]);
    let back = browser.get(&browser.consent(&location(&approved).unwrap(), Some(ACCOUNT)));
    for response in [shown, approved, back, browser.get(&client.authorize_url(&[("client_id", "junk")]))] {
        assert_eq!(response.headers()["cross-origin-opener-policy"], "unsafe-none");
    }
    let elsewhere = browser.get(&format!("{APP}/"));
    assert_eq!(elsewhere.headers()["cross-origin-opener-policy"], "same-origin");
}

#[test]
fn cancel_and_a_no_at_sentry_go_back_with_access_denied_case_48_p15() {
    let client = client();
    let browser = Browser::new(&client.platform);
    let cancelled = location(&client.decide(&browser, "cancel", &["inspect"])).unwrap();
    let to_sentry = location(&client.decide(&browser, "approve", &["inspect"])).unwrap();
    let declined = location(&browser.get(&browser.consent(&to_sentry, None))).unwrap();
    for back in [cancelled, declined] {
        let answer = parameters(&back);
        assert_eq!((answer["error"].as_str(), answer["state"].as_str()), ("access_denied", "s&t"));
        assert_eq!(answer["iss"], APP);
        assert!(!answer.contains_key("code"));
    }
}

#[test]
fn sentrys_answer_is_taken_once_and_in_the_browser_that_approved_p14() {
    let client = client();
    let browser = Browser::new(&client.platform);
    let to_sentry = location(&client.decide(&browser, "approve", &["inspect"])).unwrap();
    let callback = browser.consent(&to_sentry, Some(ACCOUNT));
    assert_eq!(Browser::new(&client.platform).get(&callback).status(), 403);
    assert!(location(&browser.get(&callback)).is_some());
    let again = browser.get(&callback);
    assert_eq!((again.status().as_u16(), location(&again)), (400, None));
    let changed = callback.replace("state=", "state=0");
    assert_eq!(browser.get(&changed).status(), 403);
}

#[test]
fn a_form_of_another_browser_site_or_request_is_refused_p15() {
    let client = client();
    let browser = Browser::new(&client.platform);
    let page = browser.get(&client.authorize_url(&[]));
    let form = form(&page);
    let mut fields = borrowed(&form.fields);
    fields.extend([("skill-inspect", "on"), ("decision", "approve")]);
    let url = format!("{APP}/oauth/authorize");
    assert_eq!(Browser::new(&client.platform).post(&url, &fields).status(), 403);
    browser.posts_from.set("cross-site");
    assert_eq!(browser.post(&url, &fields).status(), 403);
    browser.posts_from.set("same-origin");
    let other = client.authorize_url(&[("resource", &format!("{APP}/mcp"))]);
    let other = other.split_once('?').unwrap().1;
    let changed: Vec<_> =
        fields.iter().map(|(name, value)| (*name, if *name == "request" { other } else { value })).collect();
    assert_eq!(browser.post(&url, &changed).status(), 403);
    let nothing: Vec<_> = fields.iter().filter(|(name, _)| !name.starts_with("skill")).copied().collect();
    assert_eq!(browser.post(&url, &nothing).status(), 400);
    client.platform.pass(Duration::from_secs(600));
    assert_eq!(browser.post(&url, &fields).status(), 400, "after ten minutes");
    assert_eq!(client.platform.object_calls.get(), 0);
}

#[test]
fn an_unproven_address_is_not_redirected_to_cases_30_to_32() {
    let client = client();
    let browser = Browser::new(&client.platform);
    for change in [("client_id", "junk"), ("redirect_uri", "https://evil.example/"), ("redirect_uri", "/cb")] {
        let answer = browser.get(&client.authorize_url(&[change]));
        assert_eq!((answer.status().as_u16(), location(&answer)), (400, None), "{change:?}");
    }
}

#[test]
fn a_bad_request_is_a_page_and_sends_nobody_anywhere_rfc_9700_4_11_2() {
    let platform = Platform::new();
    let addresses =
        [REDIRECT, "https://app.example/cb", "cursor://anysphere.cursor-mcp/oauth/callback", "com.example.app:/cb"];
    let body = json!({"client_name": "x", "redirect_uris": addresses, "token_endpoint_auth_method": "none"});
    let request = Request::post(format!("{APP}/oauth/register")).body(Bytes::from(body.to_string())).unwrap();
    let id = json(&platform.request(request))["client_id"].as_str().unwrap().to_owned();
    let client = Client { platform: Rc::clone(&platform), id };
    let browser = Browser::new(&platform);
    for address in addresses {
        for (name, value, code) in [
            ("response_type", "token", "unsupported_response_type"),
            ("response_type", "", "invalid_request"),
            ("prompt", "none", "interaction_required"),
            ("code_challenge_method", "plain", "invalid_request"),
            ("code_challenge", "", "invalid_request"),
            ("response_mode", "fragment", "invalid_request"),
            ("request", "x", "request_not_supported"),
            ("resource", "https://evil.example/mcp", "invalid_target"),
        ] {
            let answer = browser.get(&client.authorize_url(&[("redirect_uri", address), (name, value)]));
            assert_eq!((answer.status().as_u16(), location(&answer)), (400, None), "{address} {name}");
            let html = text(&answer);
            assert!(html.contains(code) && html.contains("close this page"), "{html}");
            assert!(!html.contains(address), "nor does it offer the address as a link");
        }
    }
    assert_eq!(platform.object_calls.get(), 0);
}

#[test]
fn a_client_with_one_address_may_leave_it_out_the_whole_way_rfc_6749_3_1_2_3() {
    let client = client();
    let browser = Browser::new(&client.platform);
    let page = browser.get(&client.authorize_url(&[("redirect_uri", "")]));
    let form = form(&page);
    let mut fields = borrowed(&form.fields);
    fields.extend([("skill-inspect", "on"), ("decision", "approve")]);
    let to_sentry = location(&browser.post(&format!("{APP}{}", form.action), &fields)).unwrap();
    let back = location(&browser.get(&browser.consent(&to_sentry, Some(ACCOUNT)))).unwrap();
    assert!(back.starts_with(&format!("{REDIRECT}?code=")), "{back}");
    let code = parameters(&back)["code"].clone();
    let redeem = [("grant_type", "authorization_code"), ("code", code.as_str()), ("code_verifier", VERIFIER)];
    assert!(json(&client.post("/oauth/token", &redeem))["access_token"].is_string());
}

#[test]
fn a_skill_that_is_not_offered_is_not_granted_by_ticking_it_p25() {
    let client = client();
    let browser = Browser::new(&client.platform);
    assert_eq!(client.decide(&browser, "approve", &["triage"]).status(), 400, "nothing was ticked");
    let to_sentry =
        location(&client.decide(&browser, "approve", &["inspect", "triage", "project-management"])).unwrap();
    assert_eq!(parameters(&to_sentry)["scope"], "event:read org:read project:read team:read");
}

#[test]
fn a_consent_never_asks_for_more_than_the_deployment_does_p25() {
    let scopes = [("SENTRY_SCOPES", "org:read event:read member:read".to_owned())];
    let platform = Platform::with(&variables().into_iter().chain(scopes).collect::<Vec<_>>());
    let client = client_at(&platform, "Some client");
    let browser = Browser::new(&platform);
    let to_sentry = location(&client.decide(&browser, "approve", &["inspect"])).unwrap();
    assert_eq!(parameters(&to_sentry)["scope"], "event:read org:read");
    let back = location(&browser.get(&browser.consent(&to_sentry, Some(ACCOUNT)))).unwrap();
    let tokens = client.redeem(&parameters(&back)["code"]);
    assert_eq!(tokens["scope"], "event:read org:read");
    let token = tokens["access_token"].as_str().unwrap();
    let listed = post("/mcp/globex").with("authorization", &format!("Bearer {token}"));
    let listed = listed.send(&platform, r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#);
    assert!(text(&listed).contains("search_issues"), "{}", text(&listed));
}

#[test]
fn a_preflight_of_what_clients_call_allows_any_header() {
    let platform = Platform::new();
    let ask = |path: &str, headers: &str| {
        let request = Request::options(format!("{APP}{path}"))
            .header(header::ORIGIN, "https://inspector.example")
            .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
            .header(header::ACCESS_CONTROL_REQUEST_HEADERS, headers);
        let response = platform.request(request.body(Bytes::new()).unwrap());
        assert_eq!(response.status(), 204);
        response.headers()[header::ACCESS_CONTROL_ALLOW_HEADERS].to_str().unwrap().to_owned()
    };
    let tracing = "authorization,baggage,sentry-trace,traceparent,x-datadog-origin";
    for path in [
        "/oauth/token",
        "/oauth/register",
        "/oauth/revoke",
        "/.well-known/oauth-authorization-server",
        "/.well-known/oauth-protected-resource/mcp",
    ] {
        assert_eq!(ask(path, tracing), tracing, "{path}");
        for junk in ["", "a b", "x\u{e9}", "a,,b", &"x-long,".repeat(1_000)] {
            let usual = ask(path, junk);
            assert!(usual.starts_with("Authorization, Content-Type"), "{usual}");
        }
    }
}

#[test]
fn metadata_is_where_clients_look_and_nowhere_else_cases_1_7_11_12() {
    let platform = Platform::new();
    let ask = |method: Method, path: &str| {
        platform.request(Request::builder().method(method).uri(format!("{APP}{path}")).body(Bytes::new()).unwrap())
    };
    let response = ask(Method::GET, "/.well-known/oauth-authorization-server");
    assert_eq!((response.status().as_u16(), &json(&response)["issuer"]), (200, &APP.into()));
    assert_eq!(response.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
    for path in ["/mcp", "/mcp/globex", "/mcp/globex/api", "/"] {
        // An issuer with a path would have to be named there (RFC 8414 §3.3), and there is none.
        assert_eq!(ask(Method::GET, &format!("/.well-known/oauth-authorization-server{path}")).status(), 404, "{path}");
    }
    for path in ["/mcp", "/mcp/globex"] {
        let response = ask(Method::GET, &format!("/.well-known/oauth-protected-resource{path}"));
        assert_eq!(json(&response)["resource"], format!("{APP}{path}"));
    }
    for path in
        ["oauth-protected-resource", "oauth-protected-resource/elsewhere", "oauth-authorization-server/x", "openid"]
    {
        assert_eq!(ask(Method::GET, &format!("/.well-known/{path}")).status(), 404, "{path}");
    }
    for path in ["/oauth/token", "/oauth/register", "/oauth/revoke", "/.well-known/oauth-authorization-server"] {
        let preflight = ask(Method::OPTIONS, path);
        assert_eq!(preflight.status(), 204);
        assert_eq!(preflight.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        assert_eq!(ask(Method::DELETE, path).status(), 405);
    }
    assert!(!ask(Method::GET, "/oauth/authorize").headers().contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN));
}

#[test]
fn a_connect_state_is_no_session_state_and_junk_is_neither_p14() {
    let client = client();
    let browser = Browser::new(&client.platform);
    let to_sentry = location(&client.decide(&browser, "approve", &["inspect"])).unwrap();
    let state = parameters(&to_sentry)["state"].clone();
    let elsewhere = browser.get(&format!("{APP}/api/oauth/callback/sentry?code=x&state={state}"));
    assert_eq!(elsewhere.status(), 400);
    for junk in ["", "x", &"x".repeat(50_000)] {
        assert_eq!(browser.get(&format!("{APP}/oauth/callback?code=x&state={junk}")).status(), 403);
    }
}

/// The skills that are ticked on a page.
fn ticked(page: &Response<Bytes>) -> Vec<String> {
    let html = text(page);
    let boxes = html.split("<input").skip(1).filter_map(|tag| tag.split_once('>')).map(|(tag, _)| tag.to_owned());
    let ticked = boxes.filter(|tag| tag.contains("checkbox") && tag.contains("checked"));
    ticked.map(|tag| tag.split("skill-").nth(1).unwrap().split('"').next().unwrap().to_owned()).collect()
}

#[test]
fn the_scopes_that_a_client_asks_for_tick_no_more_than_they_need_p25() {
    let client = client();
    let response = post("/mcp").without("authorization").send(&client.platform, "{}");
    let challenge = response.headers()[header::WWW_AUTHENTICATE].to_str().unwrap();
    let scope = challenge.split("scope=\"").nth(1).unwrap().split('"').next().unwrap();
    let page = |changes: &[(&str, &str)]| ticked(&Browser::new(&client.platform).get(&client.authorize_url(changes)));
    assert_eq!(page(&[("scope", scope)]), page(&[]));
    for scope in ["event:read", "claudeai", "event:write project:write team:write", "openid offline_access"] {
        assert_eq!(page(&[("scope", scope)]), ["inspect"], "{scope}");
    }
    let metadata = Request::get(format!("{APP}/.well-known/oauth-protected-resource/mcp")).body(Bytes::new()).unwrap();
    let supported = json(&client.platform.request(metadata))["scopes_supported"].clone();
    assert_eq!(supported, json!(scope.split(' ').collect::<Vec<_>>()));
}

#[test]
fn the_page_is_always_shown_and_ticks_what_was_ticked_last_for_this_client_p15() {
    let client = client();
    let browser = Browser::new(&client.platform);
    assert_eq!(ticked(&browser.get(&client.authorize_url(&[]))), ["inspect"]);
    client.decide(&browser, "approve", &["inspect"]);
    let page = browser.get(&client.authorize_url(&[]));
    assert_eq!((page.status().as_u16(), ticked(&page)), (200, vec!["inspect".to_owned()]));
}

#[test]
fn what_was_ticked_in_an_earlier_time_and_is_offered_no_more_is_passed_over_p25() {
    let client = client();
    let keys = KeyRing::new(client.platform.world().config.root_secrets.clone().unwrap());
    let key = hex::encode(sha256(client.id.as_bytes()));
    let page = |skills: &[&str]| {
        let skills: Vec<String> = skills.iter().map(|it| (*it).to_owned()).collect();
        let cookie = Choices::default().with(&key, &skills).cookie(&keys);
        let pair = cookie.split(';').next().unwrap();
        let request = Request::get(client.authorize_url(&[])).header(header::COOKIE, pair).body(Bytes::new()).unwrap();
        ticked(&client.platform.request(request))
    };
    assert_eq!(page(&["triage", "seer"]), ["inspect"], "as if nothing were remembered");
    assert_eq!(page(&["triage", "inspect"]), ["inspect"]);
}
