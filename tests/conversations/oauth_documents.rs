//! Clients whose id is the address of their own description (Client ID Metadata Documents, cases 121 to 126).

use std::collections::BTreeMap;
use std::time::Duration;

use http::Response;
use serde_json::{Value, json};
use vedette_sandbox::{Page, PageFault};

use crate::browser::{Browser, location, text};
use crate::oauth_flow::{Client, REDIRECT, json as body};
use crate::world::Platform;

/// A client with a good document at this address; each test has its own, for an isolate remembers documents.
fn client(address: &str) -> Client {
    let platform = Platform::new();
    let client = Client { platform, id: address.to_owned() };
    client.publish(document(address, json!({})));
    client
}

fn document(address: &str, changes: Value) -> Value {
    let mut good = json!({
        "client_id": address, "client_name": "Some <b>client</b>", "redirect_uris": [REDIRECT],
        "grant_types": ["authorization_code", "refresh_token"], "token_endpoint_auth_method": "none",
    });
    good.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    good
}

fn headers(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

impl Client {
    fn publish(&self, document: Value) {
        self.put(Page { body: document, ..Page::default() });
    }

    fn put(&self, page: Page) {
        self.platform.sandbox.put_page(&self.id, Some(page));
    }

    fn fetches(&self) -> usize {
        self.platform.sandbox.visits().len()
    }

    fn page(&self) -> Response<bytes::Bytes> {
        Browser::new(&self.platform).get(&self.authorize_url(&[]))
    }
}

#[test]
fn a_client_that_describes_itself_is_let_in_refreshes_and_revokes_case_121() {
    let client = client("https://flow.example.com/mcp/client.json");
    let tokens = client.let_in();
    assert!(tokens["access_token"].as_str().unwrap().starts_with("vda_"), "{tokens}");
    let visit = client.platform.sandbox.visits().remove(0);
    assert_eq!((visit.method.as_str(), visit.url.as_str()), ("GET", client.id.as_str()));
    assert_eq!(visit.headers["accept"], "application/json");
    assert!(!visit.headers.contains_key("cookie") && !visit.headers.contains_key("authorization"));

    let refresh = [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())];
    let next = body(&client.post("/oauth/token", &refresh));
    assert!(next["refresh_token"].is_string(), "{next}");
    assert_eq!(client.post("/oauth/revoke", &[("token", next["refresh_token"].as_str().unwrap())]).status(), 200);
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", next["refresh_token"].as_str().unwrap())];
    assert_eq!(body(&client.post("/oauth/token", &refresh))["error"], "invalid_grant");
}

#[test]
fn the_page_names_the_host_as_known_and_the_name_as_a_claim_p15() {
    let client = client("https://known.example.com:8443/client.json");
    let page = client.page();
    let html = text(&page);
    assert_eq!(page.status(), 200, "{html}");
    assert!(html.contains("Its description is at") && html.contains("known.example.com:8443"), "{html}");
    assert!(html.contains("only what it says of itself") && html.contains("Some &lt;b&gt;client&lt;/b&gt;"));
}

#[test]
fn a_client_whose_document_is_gone_keeps_its_session() {
    let client = client("https://gone.example.com/client.json");
    let tokens = client.let_in();
    client.platform.sandbox.put_page(&client.id, None);
    // Longer than any isolate remembers a document, and used meanwhile: an unused session lives for a day.
    let mut refresh = tokens["refresh_token"].as_str().unwrap().to_owned();
    for _ in 0..4 {
        client.platform.pass(Duration::from_secs(20 * 3600));
        let answer =
            body(&client.post("/oauth/token", &[("grant_type", "refresh_token"), ("refresh_token", &refresh)]));
        refresh = answer["refresh_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
    }
    assert_eq!(client.page().status(), 400, "nobody is let in anew");
    assert_eq!(client.fetches(), 2, "the consent page asked, the token endpoint never did");
}

#[test]
fn another_client_with_a_document_cannot_use_its_code_or_token_cases_74_86() {
    let client = client("https://one.example.com/client.json");
    let tokens = client.let_in();
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())];
    let other = Client { platform: client.platform.clone(), id: "https://two.example.com/client.json".to_owned() };
    assert_eq!(body(&other.post("/oauth/token", &refresh))["error"], "invalid_grant");
    assert_eq!(other.post("/oauth/revoke", &[("token", tokens["refresh_token"].as_str().unwrap())]).status(), 200);
    for id in ["http://one.example.com/client.json", "https://one.example.com", "https://127.0.0.1/c"] {
        let other = Client { platform: client.platform.clone(), id: id.to_owned() };
        assert_eq!(other.post("/oauth/token", &refresh).status(), 401, "{id}");
    }
    let mut with_secret = refresh.to_vec();
    with_secret.push(("client_secret", "vds_x"));
    assert_eq!(client.post("/oauth/token", &with_secret).status(), 401);
    assert_eq!(client.post("/oauth/token", &refresh).status(), 200);
}

#[test]
fn what_is_no_good_document_ends_on_a_page_and_nothing_is_redirected_cases_122_123() {
    let address = "https://bad.example.com/client.json";
    let client = client(address);
    let good = document(address, json!({}));
    let text_of = |value: &Value| Value::String(value.to_string());
    let padded = format!("{good}{}", " ".repeat(5_121 - good.to_string().len()));
    let pages = [
        Page { body: document(address, json!({"client_id": "https://bad.example.com/other.json"})), ..Page::default() },
        Page { body: document(address, json!({"client_name": ""})), ..Page::default() },
        Page { body: document(address, json!({"redirect_uris": []})), ..Page::default() },
        Page { body: document(address, json!({"client_secret": "s"})), ..Page::default() },
        Page { body: document(address, json!({"token_endpoint_auth_method": "private_key_jwt"})), ..Page::default() },
        Page { body: json!("<html>"), ..Page::default() },
        Page { body: json!([]), ..Page::default() },
        Page { body: json!(padded), ..Page::default() },
        Page { body: text_of(&good), headers: headers(&[("content-type", "text/html")]), ..Page::default() },
        Page { status: 404, body: good.clone(), ..Page::default() },
        Page { status: 500, body: good.clone(), ..Page::default() },
        Page { status: 203, body: good.clone(), ..Page::default() },
        Page { body: good.clone(), delay_ms: 10_000, ..Page::default() },
        Page { body: good.clone(), fault: Some(PageFault::Hang), ..Page::default() },
        Page { body: good.clone(), fault: Some(PageFault::Drop), ..Page::default() },
        Page { body: good.clone(), fault: Some(PageFault::Truncate), ..Page::default() },
    ];
    for (number, page) in pages.into_iter().enumerate() {
        client.put(page.clone());
        let answer = client.page();
        assert_eq!((answer.status().as_u16(), location(&answer)), (400, None), "{page:?}");
        assert!(text(&answer).contains("client_document"), "{}", text(&answer));
        assert_eq!(client.fetches(), number + 1, "asked once, and nothing of it was kept");
    }
    let exact = format!("{good}{}", " ".repeat(5_120 - good.to_string().len()));
    client.put(Page { body: json!(exact), ..Page::default() });
    assert_eq!(client.page().status(), 200, "5,120 bytes are allowed, and a mended document is good at once");
    assert_eq!(client.platform.object_calls.get(), 0);
}

#[test]
fn a_redirect_is_not_followed_b14_case_126() {
    let client = client("https://moved.example.com/client.json");
    let target = "https://target.example.com/client.json";
    client.platform.sandbox.put_page(target, Some(Page { body: document(&client.id, json!({})), ..Page::default() }));
    for status in [301, 302, 307, 308] {
        client.put(Page { status, headers: headers(&[("location", target)]), ..Page::default() });
        let answer = client.page();
        assert_eq!((answer.status().as_u16(), location(&answer)), (400, None));
    }
    assert!(client.platform.sandbox.visits().iter().all(|visit| visit.url == client.id));
}

#[test]
fn an_address_that_may_not_be_fetched_is_not_case_124() {
    let client = client("https://never.example.com/client.json");
    for id in [
        "http://never.example.com/client.json",
        "https://never.example.com",
        "https://user@never.example.com/client.json",
        "https://never.example.com/client.json#f",
        "https://never.example.com/a/../client.json",
        "https://never.example.com?x=/y",
        "https://127.0.0.1/client.json",
        "https://[::ffff:127.0.0.1]/client.json",
        "https://0x7f000001/client.json",
        "https://169.254.169.254/latest/meta-data",
        "https://localhost/client.json",
        "https://vault.internal/client.json",
        "https://vedette.example.com/.well-known/oauth-authorization-server",
        "ftp://never.example.com/client.json",
    ] {
        let answer = Browser::new(&client.platform).get(&client.authorize_url(&[("client_id", id)]));
        assert_eq!((answer.status().as_u16(), location(&answer)), (400, None), "{id}");
    }
    assert_eq!(client.fetches(), 0);
}

#[test]
fn a_good_document_is_fetched_once_for_as_long_as_it_says_case_126() {
    let client = client("https://kept.example.com/client.json");
    let page = Page { body: document(&client.id, json!({})), ..Page::default() };
    client.put(Page { headers: headers(&[("cache-control", "max-age=60")]), ..page.clone() });
    assert_eq!((client.page().status(), client.page().status()), (200.try_into().unwrap(), 200.try_into().unwrap()));
    assert_eq!(client.fetches(), 1);
    client.platform.pass(Duration::from_secs(60));
    assert_eq!((client.page().status().as_u16(), client.fetches()), (200, 2));
    client.platform.pass(Duration::from_secs(60));
    client.put(Page { headers: headers(&[("cache-control", "no-store")]), ..page });
    client.page();
    client.page();
    assert_eq!(client.fetches(), 4, "no-store is obeyed");
}

#[test]
fn a_redirect_uri_that_the_document_does_not_name_is_refused_case_32() {
    let client = client("https://strict.example.com/client.json");
    for uri in ["https://evil.example/", "http://127.0.0.1:1/other", "/cb"] {
        let answer = Browser::new(&client.platform).get(&client.authorize_url(&[("redirect_uri", uri)]));
        assert_eq!((answer.status().as_u16(), location(&answer)), (400, None), "{uri}");
    }
}

#[test]
fn a_document_that_changes_under_the_page_is_read_anew_at_the_decision() {
    let client = client("https://changing.example.com/client.json");
    let page = Page { headers: headers(&[("cache-control", "no-store")]), ..Page::default() };
    client.put(Page { body: document(&client.id, json!({})), ..page.clone() });
    let browser = Browser::new(&client.platform);
    let shown = browser.get(&client.authorize_url(&[]));
    client.put(Page { body: document(&client.id, json!({"redirect_uris": ["https://evil.example/cb"]})), ..page });
    let form = crate::browser::form(&shown);
    let mut fields = crate::browser::borrowed(&form.fields);
    fields.extend([("skill-inspect", "on"), ("decision", "approve")]);
    let answer = browser.post(&format!("{}{}", crate::world::APP, form.action), &fields);
    assert_eq!((answer.status().as_u16(), location(&answer)), (400, None));
    assert_eq!(client.platform.object_calls.get(), 0);
}

#[test]
fn a_description_that_changes_under_the_page_is_shown_before_anything_is_agreed_to_p15() {
    let client = client("https://two-faced.example.com/client.json");
    let page = Page { headers: headers(&[("cache-control", "no-store")]), ..Page::default() };
    client.put(Page { body: document(&client.id, json!({"client_name": "Some tool"})), ..page.clone() });
    let browser = Browser::new(&client.platform);
    let shown = browser.get(&client.authorize_url(&[]));
    client.put(Page { body: document(&client.id, json!({"client_name": "Claude Code"})), ..page });
    let decide = |shown: &Response<bytes::Bytes>| {
        let form = crate::browser::form(shown);
        let mut fields = crate::browser::borrowed(&form.fields);
        fields.extend([("skill-inspect", "on"), ("decision", "approve")]);
        browser.post(&format!("{}{}", crate::world::APP, form.action), &fields)
    };
    assert!(text(&shown).contains("Some tool"));
    let again = decide(&shown);
    assert_eq!((again.status().as_u16(), location(&again)), (200, None));
    assert!(text(&again).contains("Claude Code"));
    assert_eq!(client.platform.object_calls.get(), 0, "nothing has begun");
    assert!(location(&decide(&again)).unwrap().starts_with("https://sentry.io/oauth/authorize/"));
}

#[test]
fn without_a_base_url_nobody_makes_a_loopback_host_of_us_case_124() {
    let local = "http://127.0.0.1:9/client.json";
    for (base, fetched) in [(None, 0), (Some("http://127.0.0.1:8787"), 1)] {
        let mut variables = crate::world::variables();
        variables.retain(|(name, _)| *name != "BASE_URL");
        variables.extend(base.map(|base| ("BASE_URL", base.to_owned())));
        let platform = Platform::with(&variables);
        platform.sandbox.put_page(local, Some(Page { body: document(local, json!({})), ..Page::default() }));
        let client = Client { platform, id: local.to_owned() };
        let url = client.authorize_url(&[]).replace(crate::world::APP, "http://127.0.0.1:8787");
        let request = http::Request::get(url).body(bytes::Bytes::new()).unwrap();
        client.platform.request(request);
        assert_eq!(client.fetches(), fetched, "{base:?}");
    }
}
