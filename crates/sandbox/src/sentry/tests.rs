//! What an app sees of the fake Sentry, over whole HTTP exchanges.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{Fault, FaultKind, OPERATOR_TOKEN, Options, Outcome, Sandbox, Side};

const NOW: i64 = 1_790_000_000_000;
const CALLBACK: &str = "https://vedette.example/oauth/callback";
const VERIFIER: &str = "a-verifier-of-at-least-forty-three-characters-1234567890";
const ALL: &str = "org:read project:read team:read event:read";
const UTC: &str = "https://sentry.io";

struct Answer {
    status: u16,
    headers: http::HeaderMap,
    body: Value,
    text: String,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

fn sandbox() -> Sandbox {
    Sandbox::new(Options::saas("https://vedette.example").seeded(7))
}

fn send(sandbox: &Sandbox, now_ms: i64, request: Request<Bytes>) -> Answer {
    match sandbox.handle(request, now_ms).outcome {
        Outcome::Respond(response) => Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: serde_json::from_slice(response.body()).unwrap_or_default(),
            text: String::from_utf8_lossy(response.body()).into_owned(),
        },
        other => panic!("no response but {other:?}"),
    }
}

fn get(sandbox: &Sandbox, url: &str, token: &str) -> Answer {
    get_at(sandbox, NOW, url, token)
}

fn get_at(sandbox: &Sandbox, now_ms: i64, url: &str, token: &str) -> Answer {
    let request = Request::get(url).header("authorization", format!("Bearer {token}"));
    send(sandbox, now_ms, request.body(Bytes::new()).unwrap())
}

fn post(sandbox: &Sandbox, now_ms: i64, url: &str, form: &[(&str, &str)]) -> Answer {
    let body = crate::form::encode(form.iter().copied());
    let request = Request::post(url).header("content-type", "application/x-www-form-urlencoded");
    send(sandbox, now_ms, request.body(body.into()).unwrap())
}

fn authorize_url(changes: &[(&str, &str)]) -> String {
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
    let mut query: Vec<(&str, &str)> = vec![
        ("client_id", "sandbox-client-id"),
        ("response_type", "code"),
        ("redirect_uri", CALLBACK),
        ("scope", ALL),
        ("state", "s-t-a-t-e"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ];
    for (name, value) in changes {
        query.retain(|(known, _)| known != name);
        query.push((name, value));
    }
    format!("{UTC}/oauth/authorize/?{}", crate::form::encode(query))
}

/// Approves as `account`, and returns the code.
fn approve(sandbox: &Sandbox, now_ms: i64, account: &str) -> String {
    let answer = post(sandbox, now_ms, &authorize_url(&[]), &[("account", account), ("op", "approve")]);
    let location = url::Url::parse(answer.header("location")).unwrap();
    location.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned()
}

fn client<'a>(others: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut form = vec![("client_id", "sandbox-client-id"), ("client_secret", "sandbox-client-secret")];
    form.extend(others);
    form
}

fn redeem(sandbox: &Sandbox, now_ms: i64, code: &str, changes: &[(&str, &str)]) -> Answer {
    let mut form = client(&[
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ]);
    for (name, value) in changes {
        form.retain(|(known, _)| known != name);
        form.push((name, value));
    }
    post(sandbox, now_ms, "https://sentry.io/oauth/token/", &form)
}

fn refresh(sandbox: &Sandbox, now_ms: i64, refresh_token: &str) -> Answer {
    let form = client(&[("grant_type", "refresh_token"), ("refresh_token", refresh_token)]);
    post(sandbox, now_ms, "https://sentry.io/oauth/token/", &form)
}

/// A token of `account`, and its refresh token.
fn connect(sandbox: &Sandbox, account: &str) -> (String, String) {
    let code = approve(sandbox, NOW, account);
    let answer = redeem(sandbox, NOW, &code, &[]);
    let text = |name: &str| answer.body[name].as_str().unwrap().to_owned();
    (text("access_token"), text("refresh_token"))
}

fn grant_error(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.body["error"].as_str().unwrap_or_default())
}

// ---- the authorization endpoint

#[test]
fn the_consent_page_shows_both_people_and_what_is_asked() {
    let page = get(&sandbox(), &authorize_url(&[]), "");
    assert_eq!(page.status, 200);
    for text in ["ada@example.com", "grace@example.com", "event:read", "Approve", "Deny", "method=\"post\""] {
        assert!(page.text.contains(text), "{text}");
    }
}

#[test]
fn a_bad_client_redirect_or_response_type_is_a_dead_end_without_a_redirect() {
    let bad = [
        ("client_id", "another"),
        ("redirect_uri", "https://evil.example/"),
        ("redirect_uri", "https://vedette.example/oauth/callback/"),
        ("response_type", "token"),
    ];
    for change in bad {
        let page = get(&sandbox(), &authorize_url(&[change]), "");
        assert_eq!((page.status, page.header("location")), (400, ""), "{change:?}");
    }
}

#[test]
fn other_failures_go_back_with_only_error_and_state() {
    let bad = [
        (("scope", "org:read fly"), "invalid_scope"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("code_challenge", "short"), "invalid_request"),
    ];
    for (change, error) in bad {
        let answer = get(&sandbox(), &authorize_url(&[change]), "");
        let expected = format!("{CALLBACK}?error={error}&state=s-t-a-t-e");
        assert_eq!((answer.status, answer.header("location")), (302, expected.as_str()));
    }
    let denied = post(&sandbox(), NOW, &authorize_url(&[]), &[("op", "deny")]);
    assert_eq!(denied.header("location"), format!("{CALLBACK}?error=access_denied&state=s-t-a-t-e"));
}

#[test]
fn the_trailing_slash_is_needed() {
    assert_eq!(get(&sandbox(), "https://sentry.io/oauth/authorize?client_id=x", "").status, 404);
    assert_eq!(post(&sandbox(), NOW, "https://sentry.io/oauth/token", &[]).status, 404);
    assert_eq!(get(&sandbox(), "https://sentry.io/api/0/organizations", OPERATOR_TOKEN).status, 404);
}

#[test]
fn oauth_is_on_the_control_silo_only() {
    assert_eq!(post(&sandbox(), NOW, "https://us.sentry.io/oauth/token/", &[]).status, 404);
}

#[test]
fn whoever_approved_before_sees_no_page_unless_it_is_forced() {
    let sandbox = sandbox();
    sandbox.auto_approve(Some("ada@example.com"));
    let answer = get(&sandbox, &authorize_url(&[]), "");
    assert!(answer.header("location").starts_with(&format!("{CALLBACK}?code=")));
    assert_eq!(get(&sandbox, &authorize_url(&[("force_prompt", "1")]), "").status, 200);
}

// ---- the token endpoint

#[test]
fn a_code_becomes_a_token_with_exactly_these_keys() {
    let sandbox = sandbox();
    let code = approve(&sandbox, NOW, "ada@example.com");
    assert_eq!(code.len(), 64);
    let answer = redeem(&sandbox, NOW, &code, &[]);
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"));
    let keys: Vec<&String> = answer.body.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["access_token", "expires_at", "expires_in", "refresh_token", "scope", "token_type", "user"]);
    assert_eq!(answer.body["expires_in"], 2_591_999);
    assert_eq!(answer.body["expires_at"], "2026-10-21T14:13:20.000000Z");
    assert_eq!(answer.body["scope"], ALL);
    assert_eq!(answer.body["user"], json!({"id": "2201", "name": "Ada Lovelace", "email": "ada@example.com"}));
    assert!(answer.body["access_token"].as_str().unwrap().starts_with("sntrya_"));
}

#[test]
fn a_code_is_used_once() {
    let sandbox = sandbox();
    let code = approve(&sandbox, NOW, "ada@example.com");
    assert_eq!(redeem(&sandbox, NOW, &code, &[]).status, 200);
    assert_eq!(grant_error(&redeem(&sandbox, NOW, &code, &[])), (400, "invalid_grant"));
}

#[test]
fn any_failed_exchange_burns_the_code() {
    let failures =
        [("code_verifier", "another"), ("redirect_uri", "https://vedette.example/api/oauth/callback/sentry")];
    for failure in failures {
        let sandbox = sandbox();
        let code = approve(&sandbox, NOW, "ada@example.com");
        assert_eq!(grant_error(&redeem(&sandbox, NOW, &code, &[failure])), (400, "invalid_grant"));
        assert_eq!(grant_error(&redeem(&sandbox, NOW, &code, &[])), (400, "invalid_grant"), "{failure:?}");
    }
}

#[test]
fn a_code_lives_ten_minutes() {
    let sandbox = sandbox();
    let code = approve(&sandbox, NOW, "ada@example.com");
    assert_eq!(grant_error(&redeem(&sandbox, NOW + 600_000, &code, &[])), (400, "invalid_grant"));
    let code = approve(&sandbox, NOW, "ada@example.com");
    assert_eq!(redeem(&sandbox, NOW + 599_999, &code, &[]).status, 200);
}

#[test]
fn a_client_authenticates_by_basic_or_in_the_body_and_never_by_both() {
    let sandbox = sandbox();
    let with_basic = |basic: &str, form: &[(&str, &str)]| {
        let request = Request::post("https://sentry.io/oauth/token/").header("authorization", basic);
        let body = crate::form::encode(form.iter().copied());
        send(&sandbox, NOW, request.body(body.into()).unwrap())
    };
    let good = format!("Basic {}", STANDARD.encode("sandbox-client-id:sandbox-client-secret"));
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", "unknown")];
    assert_eq!(grant_error(&with_basic(&good, &refresh)), (400, "invalid_grant"));
    assert_eq!(grant_error(&with_basic(&good, &client(&refresh))), (400, "invalid_request"));
    let malformed = with_basic("Basic ???", &refresh);
    assert_eq!(grant_error(&malformed), (401, "invalid_client"));
    assert_eq!(malformed.header("www-authenticate"), "Basic realm=\"oauth\"");
    let wrong = post(&sandbox, NOW, "https://sentry.io/oauth/token/", &[("client_id", "sandbox-client-id")]);
    assert_eq!(grant_error(&wrong), (401, "invalid_client"));
    let odd = post(&sandbox, NOW, "https://sentry.io/oauth/token/", &client(&[("grant_type", "password")]));
    assert_eq!(grant_error(&odd), (400, "unsupported_grant_type"));
}

#[test]
fn a_refresh_kills_both_old_tokens_at_once() {
    let sandbox = sandbox();
    let (access, first_refresh) = connect(&sandbox, "ada@example.com");
    let answer = refresh(&sandbox, NOW, &first_refresh);
    let renewed = answer.body["access_token"].as_str().unwrap();
    assert_eq!(get(&sandbox, "https://sentry.io/api/0/auth/", renewed).status, 200);
    let old = get(&sandbox, "https://sentry.io/api/0/auth/", &access);
    assert_eq!((old.status, &old.body), (401, &json!({"detail": "Invalid token"})));
    assert_eq!(grant_error(&refresh(&sandbox, NOW, &first_refresh)), (400, "invalid_grant"));
    assert_eq!((sandbox.sentry().counters.refreshes, sandbox.sentry().live_tokens.len()), (1, 1));
}

#[test]
fn a_refresh_with_a_scope_is_refused() {
    let sandbox = sandbox();
    let (_, token) = connect(&sandbox, "ada@example.com");
    let form = client(&[("grant_type", "refresh_token"), ("refresh_token", &token), ("scope", "org:read")]);
    assert_eq!(grant_error(&post(&sandbox, NOW, "https://sentry.io/oauth/token/", &form)), (400, "invalid_request"));
    assert_eq!(refresh(&sandbox, NOW, &token).status, 200);
}

#[test]
fn an_expired_token_still_refreshes() {
    let sandbox = sandbox();
    let (access, token) = connect(&sandbox, "ada@example.com");
    let later = NOW + 31 * 24 * 3_600_000;
    let expired = get_at(&sandbox, later, "https://sentry.io/api/0/auth/", &access);
    assert_eq!((expired.status, &expired.body), (401, &json!({"detail": "Token expired"})));
    assert_eq!(refresh(&sandbox, later, &token).status, 200);
}

#[test]
fn revoking_either_token_ends_both_and_an_unknown_one_is_no_error() {
    let sandbox = sandbox();
    let (access, token) = connect(&sandbox, "ada@example.com");
    let revoke = |form: &[(&str, &str)]| post(&sandbox, NOW, "https://sentry.io/oauth/revoke/", form);
    assert_eq!(revoke(&client(&[("token", &token), ("token_type_hint", "refresh_token")])).status, 200);
    assert_eq!(get(&sandbox, "https://sentry.io/api/0/auth/", &access).status, 401);
    assert_eq!(revoke(&client(&[("token", "unknown")])).status, 200);
    assert_eq!(
        grant_error(&revoke(&client(&[("token", "x"), ("token_type_hint", "id_token")]))).1,
        "unsupported_token_type"
    );
    assert_eq!(grant_error(&revoke(&[("token", "x")])), (400, "invalid_client"));
}

#[test]
fn every_secret_that_was_issued_is_on_the_ledger() {
    let sandbox = sandbox();
    let (access, token) = connect(&sandbox, "ada@example.com");
    let values: Vec<String> = sandbox.secrets().into_iter().map(|secret| secret.value).collect();
    for secret in [&access, &token, "s-t-a-t-e", VERIFIER, "sandbox-client-secret", "xoxb-sandbox-bot-token"] {
        assert!(values.iter().any(|value| value == secret), "{secret}");
    }
}

// ---- the API

#[test]
fn each_account_sees_its_own_organizations_with_their_regions() {
    let sandbox = sandbox();
    let seen = |account: &str| {
        let (access, _) = connect(&sandbox, account);
        let answer = get(&sandbox, "https://sentry.io/api/0/organizations/", &access);
        let pair = |one: &Value| format!("{} {}", one["slug"], one["links"]["regionUrl"]).replace('"', "");
        answer.body.as_array().unwrap().iter().map(pair).collect::<Vec<String>>()
    };
    let of_ada = ["globex https://us.sentry.io", "initech https://de.sentry.io", "hooli https://us.sentry.io"];
    assert_eq!(seen("ada@example.com"), of_ada);
    assert_eq!(seen("grace@example.com"), ["umbrella https://us.sentry.io"]);
}

#[test]
fn an_organization_is_on_its_region_and_for_its_members_only() {
    let sandbox = sandbox();
    let (ada, _) = connect(&sandbox, "ada@example.com");
    let (grace, _) = connect(&sandbox, "grace@example.com");
    let not_there = json!({"detail": "The requested resource does not exist"});
    assert_eq!(get(&sandbox, "https://us.sentry.io/api/0/organizations/globex/projects/", &ada).status, 200);
    assert_eq!(get(&sandbox, "https://de.sentry.io/api/0/organizations/initech/issues/", &ada).status, 200);
    for (url, token) in [
        ("https://sentry.io/api/0/organizations/globex/projects/", &ada),
        ("https://de.sentry.io/api/0/organizations/globex/projects/", &ada),
        ("https://us.sentry.io/api/0/organizations/umbrella/issues/", &ada),
        ("https://us.sentry.io/api/0/organizations/globex/issues/", &grace),
        ("https://us.sentry.io/api/0/organizations/nowhere/", &ada),
    ] {
        let answer = get(&sandbox, url, token);
        assert_eq!((answer.status, &answer.body), (404, &not_there), "{url}");
    }
}

#[test]
fn a_self_hosted_install_has_everything_on_one_origin() {
    let sandbox = Sandbox::new(Options::local());
    let base = "http://127.0.0.1:8789/api/0";
    let organizations = get(&sandbox, &format!("{base}/organizations/"), OPERATOR_TOKEN);
    assert_eq!(organizations.body[0]["links"]["regionUrl"], "http://127.0.0.1:8789");
    let issues = get(&sandbox, &format!("{base}/organizations/initech/issues/"), OPERATOR_TOKEN);
    let permalink = issues.body[0]["permalink"].as_str().unwrap();
    assert!(permalink.starts_with("http://127.0.0.1:8789/organizations/initech/issues/"));
    assert_eq!(get(&sandbox, permalink, "").status, 200);
    assert_eq!(get(&sandbox, &format!("{base}/users/me/regions/"), OPERATOR_TOKEN).status, 404);
    assert!(matches!(
        sandbox.handle(Request::get("http://127.0.0.1:9999/").body(Bytes::new()).unwrap(), NOW).outcome,
        Outcome::Drop
    ));
}

#[test]
fn a_request_without_a_token_or_with_an_unknown_one_is_a_401() {
    let sandbox = sandbox();
    let request = Request::get("https://sentry.io/api/0/organizations/").body(Bytes::new()).unwrap();
    let answer = send(&sandbox, NOW, request);
    assert_eq!(answer.body, json!({"detail": "Authentication credentials were not provided."}));
    assert_eq!(
        get(&sandbox, "https://sentry.io/api/0/auth/", "sntrya_nothing").body,
        json!({"detail": "Invalid token"})
    );
}

#[test]
fn forty_requests_in_a_second_are_enough() {
    let sandbox = sandbox();
    let url = "https://sentry.io/api/0/organizations/";
    for nth in 1..=40 {
        let answer = get(&sandbox, url, OPERATOR_TOKEN);
        assert_eq!(
            (answer.status, answer.header("x-sentry-rate-limit-remaining")),
            (200, (40 - nth).to_string().as_str())
        );
    }
    let answer = get(&sandbox, url, OPERATOR_TOKEN);
    assert_eq!(answer.status, 429);
    let text = "You are attempting to use this endpoint too frequently. Limit is 40 requests in 1 seconds";
    assert_eq!(answer.body, json!(text));
    assert_eq!((answer.header("retry-after"), answer.header("x-sentry-rate-limit-reset")), ("", "1790000001"));
    assert_eq!(get(&sandbox, "https://sentry.io/api/0/auth/", OPERATOR_TOKEN).status, 200, "another endpoint");
    assert_eq!(get_at(&sandbox, NOW + 1000, url, OPERATOR_TOKEN).status, 200, "the next second");
}

#[test]
fn following_the_links_finds_every_issue_once() {
    let sandbox = sandbox();
    let base = "https://us.sentry.io/api/0/organizations/globex/issues/";
    let mut url = format!("{base}?project=checkout-api&limit=20&statsPeriod=90d");
    let (mut seen, mut pages) = (Vec::new(), 0);
    loop {
        let answer = get(&sandbox, &url, OPERATOR_TOKEN);
        let page = answer.body.as_array().unwrap().clone();
        seen.extend(page.iter().map(|issue| issue["shortId"].as_str().unwrap().to_owned()));
        pages += 1;
        let link = answer.header("link").to_owned();
        let next = link.split(", ").find(|link| link.contains("rel=\"next\"")).unwrap();
        if next.contains("results=\"false\"") {
            assert_eq!(answer.header("x-hits"), seen.len().to_string());
            break;
        }
        url = next.split(['<', '>']).nth(1).unwrap().to_owned();
    }
    let total = seen.len();
    seen.sort();
    seen.dedup();
    assert!(pages == 3 && total == seen.len() && total > 40, "{pages} pages, {total} issues");
}

#[test]
fn issues_are_filtered_and_sorted() {
    let sandbox = sandbox();
    let list = |query: &str| {
        get(&sandbox, &format!("https://us.sentry.io/api/0/organizations/globex/issues/?{query}"), OPERATOR_TOKEN)
    };
    let all = |query: &str, field: &str| -> Vec<Value> {
        list(query).body.as_array().unwrap().iter().map(|issue| issue[field].clone()).collect()
    };
    assert!(all("query=is:resolved", "status").iter().all(|status| status == "resolved"));
    assert!(all("", "status").iter().all(|status| status == "unresolved"), "the default is is:unresolved");
    assert!(all("query=level:fatal", "level").len() > 1);
    assert!(all("statsPeriod=24h", "id").len() < all("", "id").len());
    let counts: Vec<u64> =
        all("sort=freq", "count").iter().map(|count| count.as_str().unwrap().parse().unwrap()).collect();
    assert!(counts.is_sorted_by(|a, b| a >= b));
    let seen: Vec<String> = all("sort=date", "lastSeen").iter().map(ToString::to_string).collect();
    assert!(seen.is_sorted_by(|a, b| a >= b));
    for bad in ["query=is:broken", "sort=colour", "limit=101", "statsPeriod=soon", "cursor=x", "query=(a"] {
        let answer = list(bad);
        assert!(answer.status == 400 && answer.body["detail"].is_string(), "{bad}");
    }
    assert_eq!(list("project=unknown").status, 403);
}

#[test]
fn an_issue_is_found_by_its_id_and_by_its_short_id() {
    let sandbox = sandbox();
    let base = "https://us.sentry.io/api/0/organizations/globex";
    let found = get(&sandbox, &format!("{base}/shortids/CHECKOUT-API-4F/"), OPERATOR_TOKEN).body;
    let id = found["groupId"].as_str().unwrap();
    assert_eq!((&found["projectSlug"], &found["organizationSlug"]), (&json!("checkout-api"), &json!("globex")));
    let issue = get(&sandbox, &format!("{base}/issues/{id}/"), OPERATOR_TOKEN).body;
    assert_eq!(issue["permalink"], format!("https://globex.sentry.io/issues/{id}/"));
    assert!(issue["count"].is_string() && issue["userCount"].is_u64());
    assert_eq!(get(&sandbox, &format!("{base}/issues/CHECKOUT-API-4F/"), OPERATOR_TOKEN).body, issue);
    let direct = get(&sandbox, &format!("{base}/issues/?query=checkout-api-4f&shortIdLookup=1"), OPERATOR_TOKEN);
    assert_eq!((direct.body[0]["id"].as_str(), direct.header("x-sentry-direct-hit")), (Some(id), "1"));
}

#[test]
fn an_event_has_its_frames_oldest_first_and_what_must_not_be_shown() {
    let sandbox = sandbox();
    let base = "https://us.sentry.io/api/0/organizations/globex/issues/CHECKOUT-API-4F/events";
    let event = get(&sandbox, &format!("{base}/latest/"), OPERATOR_TOKEN).body;
    let values = event["entries"][0]["data"]["values"].as_array().unwrap();
    let frames = values.last().unwrap()["stacktrace"]["frames"].as_array().unwrap();
    assert_eq!(frames[0]["filename"], Value::Null);
    assert_eq!(frames[1]["module"], "django.core.handlers.exception");
    let last = frames.last().unwrap();
    assert_eq!((&last["function"], &last["inApp"], &last["lineNo"]), (&json!("charge"), &json!(true), &json!(88)));
    assert!(event.to_string().contains(crate::SENSITIVE_CANARY));
    let previous = event["previousEventID"].as_str().unwrap();
    let previous = get(&sandbox, &format!("{base}/{previous}/"), OPERATOR_TOKEN).body;
    assert_eq!(previous["nextEventID"], event["eventID"]);
    let oldest = get(&sandbox, &format!("{base}/oldest/"), OPERATOR_TOKEN).body;
    assert_eq!(oldest["previousEventID"], Value::Null);
    let formatted = get(&sandbox, &format!("{base}/recommended/?llmFormat=markdown"), OPERATOR_TOKEN).body;
    assert!(formatted["formatted"]["content"].as_str().unwrap().starts_with("# GatewayTimeout"));
}

#[test]
fn hostile_issues_are_in_the_test_lab() {
    let url = "https://us.sentry.io/api/0/organizations/globex/issues/?project=test-lab";
    let issues = get(&sandbox(), url, OPERATOR_TOKEN).body.to_string();
    for text in ["<!channel>", "<script>", "Unauthorized: token expired", "\u{202e}", &"x".repeat(5000)] {
        assert!(issues.contains(text), "{text:.20}");
    }
}

// ---- faults

#[test]
fn a_lost_answer_to_a_refresh_has_rotated_the_tokens() {
    let sandbox = sandbox();
    let (access, token) = connect(&sandbox, "ada@example.com");
    sandbox.add_fault(Fault::new(Side::Sentry, "oauth/token", FaultKind::Drop).after_work().once());
    let form = crate::form::encode(client(&[("grant_type", "refresh_token"), ("refresh_token", &token)]));
    let request = || Request::post("https://sentry.io/oauth/token/").body(Bytes::from(form.clone())).unwrap();
    assert!(matches!(sandbox.handle(request(), NOW).outcome, Outcome::Drop));
    assert_eq!(get(&sandbox, "https://sentry.io/api/0/auth/", &access).status, 401);
    assert_eq!(grant_error(&send(&sandbox, NOW, request())), (400, "invalid_grant"));
}

#[test]
fn a_connection_that_fails_before_the_work_changes_nothing() {
    let sandbox = sandbox();
    let (access, token) = connect(&sandbox, "ada@example.com");
    sandbox.add_fault(Fault::new(Side::Sentry, "oauth/token", FaultKind::Drop).once());
    let form = crate::form::encode(client(&[("grant_type", "refresh_token"), ("refresh_token", &token)]));
    let request = Request::post("https://sentry.io/oauth/token/").body(form.into()).unwrap();
    assert!(matches!(sandbox.handle(request, NOW).outcome, Outcome::Drop));
    assert_eq!(get(&sandbox, "https://sentry.io/api/0/auth/", &access).status, 200);
    assert_eq!(refresh(&sandbox, NOW, &token).status, 200);
}

#[test]
fn a_scope_that_goes_missing_is_missing_for_good() {
    let sandbox = sandbox();
    let (access, _) = connect(&sandbox, "ada@example.com");
    let kind = FaultKind::MissingScope { scopes: vec!["event:read".into()] };
    sandbox.add_fault(Fault::new(Side::Sentry, "issues", kind).once());
    let url = "https://us.sentry.io/api/0/organizations/globex/issues/";
    for _ in 0..2 {
        let answer = get(&sandbox, url, &access);
        assert_eq!(answer.body, json!({"detail": "You do not have permission to perform this action."}));
    }
    let root = get(&sandbox, "https://sentry.io/api/0/", &access).body;
    assert_eq!(root["auth"]["scopes"], json!(["org:read", "project:read", "team:read"]));
}

#[test]
fn a_token_that_expires_by_a_fault_is_really_expired() {
    let sandbox = sandbox();
    let (access, token) = connect(&sandbox, "ada@example.com");
    sandbox.add_fault(Fault::new(Side::Sentry, "api/0/", FaultKind::TokenExpired).once());
    let url = "https://sentry.io/api/0/organizations/";
    assert_eq!(get(&sandbox, url, &access).body, json!({"detail": "Token expired"}));
    assert_eq!(get(&sandbox, url, &access).body, json!({"detail": "Token expired"}));
    assert_eq!(refresh(&sandbox, NOW, &token).status, 200);
}

#[test]
fn every_other_fault_says_what_sentry_would_say() {
    let sandbox = sandbox();
    let (access, _) = connect(&sandbox, "ada@example.com");
    let under = |kind: FaultKind| {
        sandbox.add_fault(Fault::new(Side::Sentry, "*", kind).once());
        get(&sandbox, "https://sentry.io/api/0/organizations/", &access)
    };
    assert_eq!(under(FaultKind::SsoRequired).body["detail"]["code"], "sso-required");
    assert_eq!(under(FaultKind::TwoFactorRequired).body["detail"]["code"], "2fa-required");
    assert_eq!(under(FaultKind::Forbidden).status, 403);
    assert_eq!(under(FaultKind::InvalidToken).body, json!({"detail": "Invalid token"}));
    let limited = under(FaultKind::RateLimited { retry_after: 9 });
    assert_eq!((limited.status, limited.header("x-sentry-rate-limit-reset")), (429, "1790000009"));
    assert!(limited.body.is_string());
    let html = under(FaultKind::Html { code: 502 });
    assert_eq!((html.status, html.header("content-type")), (502, "text/html; charset=utf-8"));
    assert_eq!(under(FaultKind::TokenRevoked).body, json!({"detail": "Invalid token"}));
    assert!(sandbox.sentry().live_tokens.is_empty());
}

#[test]
fn the_log_names_tokens_by_their_fingerprint_only() {
    let sandbox = sandbox();
    let (access, _) = connect(&sandbox, "ada@example.com");
    get(&sandbox, "https://sentry.io/api/0/auth/", &access);
    let last = sandbox.sentry().requests.pop().unwrap();
    assert_eq!(last.account.as_deref(), Some("ada@example.com"));
    assert_eq!(last.authorization.as_deref(), Some(crate::random::fingerprint(&access).as_str()));
    assert_eq!((last.host.as_str(), last.path.as_str(), last.status), ("sentry.io", "/api/0/auth/", Some(200)));
}
