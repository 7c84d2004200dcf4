//! Clients that describe themselves, and rate limits, with the runtime's own fetch and its Rate Limiting bindings.

use serde_json::{Value, json};
use url::form_urlencoded;
use vedette::crypto::{base64url, sha256};
use vedette::limits;

use crate::browser::{Browser, form};
use crate::rig::{Answer, Rig, Setup, until};

const REDIRECT: &str = "http://127.0.0.1:3118/callback";
const VERIFIER: &str = "a-verifier-of-at-least-43-characters-0123456789";

fn authorize_url(rig: &Rig, id: &str) -> String {
    let challenge = base64url(&sha256(VERIFIER.as_bytes()));
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("client_id", id),
            ("redirect_uri", REDIRECT),
            ("response_type", "code"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ])
        .finish();
    format!("{}/oauth/authorize?{query}", rig.app)
}

fn document(id: &str) -> Value {
    json!({"client_id": id, "client_name": "Described", "redirect_uris": [REDIRECT],
        "grant_types": ["authorization_code", "refresh_token"], "token_endpoint_auth_method": "none"})
}

fn publish(rig: &Rig, url: &str, page: Value) {
    rig.control("POST", "pages", &json!({"url": url, "page": page}));
}

fn visits(rig: &Rig) -> usize {
    rig.control("GET", "pages", &Value::Null)["visits"].as_array().unwrap().len()
}

fn token(rig: &Rig, fields: &[(&str, &str)]) -> Answer {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    rig.send("POST", &format!("{}/oauth/token", rig.app), &headers, body.as_bytes())
}

#[test]
fn a_client_that_describes_itself_is_let_in_and_bad_descriptions_are_not_cases_121_to_126() {
    let rig = Rig::with(Setup { hosted: true, ..Setup::default() });
    let id = "https://client.example.com/mcp.json";
    publish(&rig, id, json!({"body": document(id)}));
    let browser = Browser::new(&rig);
    let page = browser.get(&authorize_url(&rig, id));
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(page.body.contains("client.example.com"));
    let (action, mut fields) = form(&page);
    fields.extend([("skill-inspect".into(), "on".into()), ("decision".into(), "approve".into())]);
    let sent = browser.post(&format!("{}{action}", rig.app), &fields);
    assert!(sent.header("location").is_some_and(|to| to.starts_with("https://sentry.io/oauth/authorize/")));
    assert!(sent.header("set-cookie").is_some_and(|it| it.starts_with("__Host-vedette_choices=")));
    assert_eq!(visits(&rig), 1, "once for page and decision");
    let junk = [("grant_type", "authorization_code"), ("code", "x"), ("client_id", id)];
    assert_eq!(token(&rig, &junk).json()["error"], "invalid_grant", "known without a fetch");
    assert_eq!(visits(&rig), 1);

    let padded = format!("{}{}", document("https://long.example.com/c"), " ".repeat(6_000));
    let target = "https://target.example.com/c";
    publish(&rig, target, json!({"body": document("https://moved.example.com/c")}));
    for (id, page) in [
        ("https://moved.example.com/c", json!({"status": 302, "headers": {"location": target}})),
        ("https://long.example.com/c", json!({"body": padded})),
        ("https://html.example.com/c", json!({"body": "<html>", "headers": {"content-type": "text/html"}})),
        ("https://cut.example.com/c", json!({"body": document("https://cut.example.com/c"), "fault": "truncate"})),
        ("https://dropped.example.com/c", json!({"body": document("https://dropped.example.com/c"), "fault": "drop"})),
        ("https://hangs.example.com/c", json!({"body": document("https://hangs.example.com/c"), "fault": "hang"})),
    ] {
        publish(&rig, id, page);
        let before = visits(&rig);
        let answer = rig.get(&authorize_url(&rig, id), &[]);
        assert_eq!((answer.status, answer.header("location")), (400, None), "{id} {}", answer.body);
        assert_eq!(visits(&rig), before + 1, "{id}");
    }
    let before = visits(&rig);
    for id in ["https://10.0.0.1/c", "https://localhost/c", "http://client.example.com/c", "https://client.example.com"]
    {
        assert_eq!(rig.get(&authorize_url(&rig, id), &[]).status, 400, "{id}");
    }
    assert_eq!(visits(&rig), before);
}

#[test]
fn a_description_on_loopback_is_read_by_a_worker_on_loopback() {
    let rig = Rig::start();
    let id = format!("{}/described/client.json", rig.slack);
    publish(&rig, &id, json!({"body": document(&id)}));
    let page = rig.get(&authorize_url(&rig, &id), &[]);
    assert_eq!(page.status, 200, "{}", page.body);
}

#[test]
fn who_asks_too_often_gets_a_429_and_others_go_on() {
    let rig = Rig::with(Setup { limits: true, ..Setup::default() });
    let register = |address: &str| {
        let body = json!({"redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none"}).to_string();
        let headers = [("content-type", "application/json"), ("cf-connecting-ip", address)];
        rig.send("POST", &format!("{}/oauth/register", rig.app), &headers, body.as_bytes())
    };
    // The runtime's windows begin with the wall clock's minutes: the end of one may fall among these requests.
    let most = 2 * limits::REGISTER.number + 1;
    let answers: Vec<Answer> = (0..most).map(|_| register("203.0.113.7")).collect();
    let refused = answers.iter().find(|answer| answer.status == 429).expect("too many");
    assert_eq!(refused.header("retry-after"), Some("60"));
    assert_eq!(refused.json()["error"], "temporarily_unavailable");
    let good = answers.iter().filter(|answer| answer.status == 201).count();
    assert!(good >= limits::REGISTER.number as usize, "{good}");
    assert_eq!(register("203.0.113.8").status, 201);
    assert!(!rig.log.lock().unwrap().contains("limit_not_counted"));
}

#[test]
fn without_its_bindings_everything_is_let_through_and_the_log_says_so_once() {
    let rig = Rig::start();
    for _ in 0..3 {
        let body = json!({"redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none"}).to_string();
        assert_eq!(rig.send("POST", &format!("{}/oauth/register", rig.app), &[], body.as_bytes()).status, 201);
    }
    let said = || rig.log.lock().unwrap().matches("limit_not_counted").count();
    until("the log says so", || said() > 0);
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert_eq!(said(), 1);
}
