//! The token and revocation endpoints over HTTP: client authentication, forms, errors, junk (cases 52-65, 92-97).

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use futures::future::join_all;
use http::{Request, Response, header};
use serde_json::Value;
use url::form_urlencoded;
use vedette::oauth::provider::clients::{AuthMethod, Client, Metadata};
use vedette::oauth::provider::token;
use vedette::sessions::terms::Terms;

use crate::oauth_sessions::{REDIRECT, Rig, VERIFIER, rig_with, terms};
use crate::world::{APP, Platform, variables, wait};

const FORM: &str = "application/x-www-form-urlencoded";

struct Door {
    rig: Rig,
    client: Client,
}

fn door(auth_method: AuthMethod) -> Door {
    door_that(auth_method, true)
}

fn door_that(auth_method: AuthMethod, may_refresh: bool) -> Door {
    let keys = vedette::crypto::KeyRing::new(Platform::new().world().config.root_secrets.clone().unwrap());
    let metadata = Metadata {
        name: Some("Some client".into()),
        redirect_uris: vec![REDIRECT.into()],
        auth_method,
        may_refresh,
        uri: None,
        instance: None,
    };
    let client = Client::register(&keys, metadata).unwrap();
    Door { rig: rig_with(Terms { client: client.key(), may_refresh, ..terms() }), client }
}

impl Door {
    fn secret(&self) -> String {
        self.client.secret(&self.rig.keys).unwrap()
    }

    fn code_form(&self) -> Vec<(&'static str, String)> {
        vec![
            ("grant_type", "authorization_code".into()),
            ("code", self.rig.code.clone()),
            ("redirect_uri", REDIRECT.into()),
            ("code_verifier", VERIFIER.into()),
            ("client_id", self.client.id.clone()),
        ]
    }

    fn request(&self, form: &[(&str, String)], authorization: Option<&str>) -> Request<Bytes> {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let mut request =
            Request::builder().method("POST").uri(format!("{APP}/oauth/token")).header(header::CONTENT_TYPE, FORM);
        if let Some(value) = authorization {
            request = request.header(header::AUTHORIZATION, value);
        }
        request.body(Bytes::from(body)).unwrap()
    }

    fn post(&self, form: &[(&str, String)], authorization: Option<&str>) -> Answer {
        read(wait(token::token(&self.rig.world, &self.request(form, authorization), APP)))
    }

    fn revoke(&self, token: &str) -> Answer {
        let form = [("token", token.to_owned()), ("client_id", self.client.id.clone())];
        read(wait(token::revoke(&self.rig.world, &self.request(&form, None), APP)))
    }

    fn refresh(&self, token: &Value) -> Answer {
        let token = token.as_str().unwrap().to_owned();
        let id = self.client.id.clone();
        self.post(&[("grant_type", "refresh_token".into()), ("refresh_token", token), ("client_id", id)], None)
    }
}

struct Answer {
    status: u16,
    body: Value,
    response: Response<Bytes>,
}

/// Every answer is kept out of caches, and errors name themselves (case 64).
fn read(response: Response<Bytes>) -> Answer {
    assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    assert_eq!(response.headers()[header::PRAGMA], "no-cache");
    let body: Value = serde_json::from_slice(response.body()).unwrap_or(Value::Null);
    let status = response.status().as_u16();
    assert!(status == 200 || body["error"].is_string(), "{body}");
    Answer { status, body, response }
}

fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

fn without<'a>(form: &[(&'a str, String)], name: &str) -> Vec<(&'a str, String)> {
    form.iter().filter(|(known, _)| *known != name).cloned().collect()
}

#[test]
fn a_code_becomes_tokens_that_refresh_rfc_6749_5_1_cases_66_82() {
    let door = door(AuthMethod::None);
    let Answer { status, body, .. } = door.post(&door.code_form(), None);
    assert_eq!((status, &body["token_type"], &body["expires_in"]), (200, &"Bearer".into(), &28_800.into()));
    assert_eq!(body["resource"], format!("{APP}/mcp/globex"));
    assert!(body["scope"].as_str().unwrap().contains("event:read"));
    let next = door.refresh(&body["refresh_token"]);
    assert_eq!(next.status, 200);
    assert_ne!(next.body["refresh_token"], body["refresh_token"]);
    assert_ne!(next.body["access_token"], body["access_token"]);
}

#[test]
fn only_a_posted_form_with_each_parameter_once_is_read_cases_52_to_54() {
    let door = door(AuthMethod::None);
    let mut get = door.request(&door.code_form(), None);
    *get.method_mut() = http::Method::GET;
    let answer = read(wait(token::token(&door.rig.world, &get, APP)));
    assert_eq!(answer.status, 405);
    assert_eq!(answer.response.headers()[header::ALLOW], "POST, OPTIONS");
    for kind in ["application/json", "application/json, application/x-www-form-urlencoded", ""] {
        let mut request = door.request(&door.code_form(), None);
        request.headers_mut().insert(header::CONTENT_TYPE, kind.parse().unwrap());
        assert_eq!(read(wait(token::token(&door.rig.world, &request, APP))).body["error"], "invalid_request", "{kind}");
    }
    for twice in ["grant_type", "code", "client_id", "unknown"] {
        let mut form = door.code_form();
        form.extend([(twice, "x".to_owned()), (twice, "y".to_owned())]);
        assert_eq!(door.post(&form, None).body["error"], "invalid_request", "{twice}");
    }
    let mut request = door.request(&door.code_form(), None);
    let kind = "Application/X-WWW-Form-Urlencoded; charset=utf-8";
    request.headers_mut().insert(header::CONTENT_TYPE, kind.parse().unwrap());
    assert_eq!(
        read(wait(token::token(&door.rig.world, &request, APP))).status,
        200,
        "case 53, and nothing was used up"
    );
}

#[test]
fn each_method_is_enforced_as_registered_cases_59_60_62() {
    let public = door(AuthMethod::None);
    let mut with_secret = public.code_form();
    with_secret.push(("client_secret", "vds_x".into()));
    assert_eq!(public.post(&with_secret, None).status, 401);
    let bare = without(&public.code_form(), "client_id");
    assert_eq!(public.post(&bare, Some(&basic(&public.client.id, "vds_x"))).status, 401);
    assert_eq!(public.post(&public.code_form(), None).status, 200);

    for (method, by_basic, by_post) in
        [(AuthMethod::Basic, 200, 401), (AuthMethod::Post, 401, 200), (AuthMethod::Either, 200, 200)]
    {
        for (basically, expected) in [(true, by_basic), (false, by_post)] {
            let door = door(method);
            let bare = without(&door.code_form(), "client_id");
            assert_eq!(door.post(&door.code_form(), None).status, 401, "without its secret");
            let wrong = door.post(&bare, Some(&basic(&door.client.id, "vds_wrong")));
            assert_eq!((wrong.status, &wrong.body["error"]), (401, &"invalid_client".into()));
            assert!(wrong.response.headers()[header::WWW_AUTHENTICATE].to_str().unwrap().starts_with("Basic"));
            let answer = if basically {
                door.post(&bare, Some(&basic(&door.client.id, &door.secret()).replace("Basic", "bAsIc")))
            } else {
                let mut form = door.code_form();
                form.push(("client_secret", door.secret()));
                door.post(&form, None)
            };
            assert_eq!(answer.status, expected, "{method:?} {basically}");
        }
    }
}

/// The form with another value for `name`.
fn with<'a>(form: &[(&'a str, String)], name: &'a str, value: &str) -> Vec<(&'a str, String)> {
    without(form, name).into_iter().chain([(name, value.to_owned())]).collect()
}

#[test]
fn a_client_that_names_itself_beside_basic_gets_tokens_refreshes_and_revokes_rfc_6749_3_2_1() {
    for method in [AuthMethod::Basic, AuthMethod::Either] {
        let door = door(method);
        let good = basic(&door.client.id, &door.secret());
        let tokens = door.post(&door.code_form(), Some(&good));
        assert_eq!(tokens.status, 200, "{}", tokens.body);
        let refresh_token = tokens.body["refresh_token"].as_str().unwrap().to_owned();
        let form = [
            ("grant_type", "refresh_token".to_owned()),
            ("refresh_token", refresh_token),
            ("client_id", door.client.id.clone()),
        ];
        let next = door.post(&form, Some(&good));
        assert_eq!(next.status, 200, "{}", next.body);
        let newest = next.body["refresh_token"].as_str().unwrap().to_owned();
        let form = [("token", newest.clone()), ("client_id", door.client.id.clone())];
        let other = with(&form, "client_id", "another");
        let answer = read(wait(token::revoke(&door.rig.world, &door.request(&other, Some(&good)), APP)));
        assert_eq!(answer.body["error"], "invalid_request");
        let answer = read(wait(token::revoke(&door.rig.world, &door.request(&form, Some(&good)), APP)));
        assert_eq!(answer.status, 200);
        let form = [("grant_type", "refresh_token".to_owned()), ("refresh_token", newest)];
        assert_eq!(door.post(&form, Some(&good)).body["error"], "invalid_grant", "it is revoked");
    }
}

#[test]
fn two_names_two_secrets_and_broken_basic_are_refused_cases_55_to_57() {
    let door = door(AuthMethod::Basic);
    let good = basic(&door.client.id, &door.secret());
    let other = self::door_that(AuthMethod::Basic, false).client.id;
    for id in [other.as_str(), "junk", &door.client.id.to_uppercase()] {
        let answer = door.post(&with(&door.code_form(), "client_id", id), Some(&good));
        assert_eq!((answer.status, &answer.body["error"]), (400, &"invalid_request".into()), "{id}");
    }
    for secret in [door.secret(), "another".to_owned()] {
        let answer = door.post(&with(&door.code_form(), "client_secret", &secret), Some(&good));
        assert_eq!((answer.status, &answer.body["error"]), (400, &"invalid_request".into()));
    }
    let wrong = door.post(&door.code_form(), Some(&basic(&door.client.id, "vds_wrong")));
    assert_eq!(wrong.status, 401, "a name is no proof");
    assert_eq!(door.post(&door.code_form(), Some(&basic(&door.client.id, ""))).status, 401);
    let bare = without(&door.code_form(), "client_id");
    assert_eq!(door.post(&bare, None).body["error"], "invalid_client");
    for broken in ["Basic", "Basic !!!", "Basic bm9jb2xvbg==", "Bearer x", &basic("%zz", "x"), &basic("", "")] {
        let answer = door.post(&bare, Some(broken));
        assert_eq!((answer.status, &answer.body["error"]), (401, &"invalid_client".into()), "{broken}");
        assert!(answer.response.headers().contains_key(header::WWW_AUTHENTICATE));
    }
}

#[test]
fn an_empty_parameter_is_left_out_rfc_6749_3_2() {
    let confidential = door(AuthMethod::Basic);
    let good = basic(&confidential.client.id, &confidential.secret());
    let empty = with(&with(&confidential.code_form(), "client_id", ""), "client_secret", "");
    assert_eq!(confidential.post(&empty, Some(&good)).status, 200);
    let public = door(AuthMethod::None);
    let mut form = with(&public.code_form(), "client_secret", "");
    form.extend(["resource", "scope", "redirect_uri_of_mine"].map(|name| (name, String::new())));
    assert_eq!(public.post(&form, None).status, 200);
    let by_basic = door(AuthMethod::None);
    let answer = by_basic.post(&by_basic.code_form(), Some(&basic(&by_basic.client.id, "")));
    assert_eq!(answer.status, 200, "an empty password is none");
}

#[test]
fn an_authorization_that_is_not_basic_authenticates_nobody_and_is_ignored() {
    for other in ["Bearer x", "bearer", "DPoP x", "Negotiate YII="] {
        let door = door(AuthMethod::None);
        assert_eq!(door.post(&door.code_form(), Some(other)).status, 200, "{other}");
        let confidential = self::door(AuthMethod::Post);
        assert_eq!(confidential.post(&confidential.code_form(), Some(other)).status, 401, "{other}");
        let form = with(&confidential.code_form(), "client_secret", &confidential.secret());
        assert_eq!(confidential.post(&form, Some(other)).status, 200, "{other}");
    }
}

#[test]
fn a_scope_of_the_clients_own_may_be_said_again_at_the_token_endpoint() {
    let door = door(AuthMethod::None);
    let mut form = door.code_form();
    form.extend([("scope", "claudeai".to_owned()), ("scope", "claudeai".to_owned())]);
    let answer = door.post(&form, None);
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(answer.body["scope"].as_str().unwrap().contains("event:read"), "it says what there is");
}

#[test]
fn the_operator_says_how_long_access_tokens_work() {
    for (hours, seconds) in [("1", 3_600), ("24", 86_400)] {
        let mut door = door(AuthMethod::None);
        let hours = variables().into_iter().chain([("ACCESS_TOKEN_HOURS", hours.to_owned())]);
        door.rig.platform.redeploy(&hours.collect::<Vec<_>>());
        door.rig.world = door.rig.platform.world();
        assert_eq!(door.post(&door.code_form(), None).body["expires_in"], seconds);
    }
    let mut door = door(AuthMethod::None);
    door.rig
        .platform
        .redeploy(&variables().into_iter().chain([("ACCESS_TOKEN_HOURS", "x".to_owned())]).collect::<Vec<_>>());
    door.rig.world = door.rig.platform.world();
    let answer = door.post(&door.code_form(), None);
    assert_eq!((answer.status, &answer.body["error"]), (503, &"temporarily_unavailable".into()));
    assert!(answer.body["error_description"].as_str().unwrap().starts_with("ACCESS_TOKEN_HOURS is not"));
}

#[test]
fn grant_types_are_named_and_known_cases_63_67_91() {
    let door = door(AuthMethod::None);
    let with_grant = |grant: &str| {
        let mut form = without(&door.code_form(), "grant_type");
        form.push(("grant_type", grant.to_owned()));
        door.post(&form, None).body["error"].clone()
    };
    assert_eq!(with_grant("password"), "unsupported_grant_type");
    assert_eq!(with_grant("client_credentials"), "unsupported_grant_type");
    assert_eq!(with_grant(""), "invalid_request");
    assert_eq!(door.post(&without(&door.code_form(), "code"), None).body["error"], "invalid_request");
    let door = door_that(AuthMethod::None, false);
    let tokens = door.post(&door.code_form(), None).body;
    assert!(tokens.get("refresh_token").is_none());
    assert_eq!(door.refresh(&"vdr_x".into()).body["error"], "unauthorized_client");
}

#[test]
fn junk_of_any_length_is_a_4xx_and_reaches_no_object_p17_case_65_b1() {
    let door = door(AuthMethod::None);
    let before = door.rig.platform.object_calls.get();
    for length in [0, 1, 3, 85, 86, 90, 91, 512, 600, 4_096, 15_000, 100_000] {
        for name in ["code", "client_id"] {
            let mut form = without(&door.code_form(), name);
            form.push((name, "a".repeat(length)));
            let status = door.post(&form, None).status;
            assert!((400..500).contains(&status), "{name} {length}");
        }
        let status = door.refresh(&"a:".repeat(length).into()).status;
        assert!((400..500).contains(&status));
        assert!(door.revoke(&"x".repeat(length)).status < 500);
    }
    let names: Vec<String> = (0..4000).map(|number| number.to_string()).collect();
    let many: Vec<(&str, String)> = names.iter().map(|name| (name.as_str(), String::new())).collect();
    assert_eq!(door.post(&many, None).status, 413, "too long");
    assert_eq!(door.post(&many[..2500], None).body["error"], "invalid_client", "long, and each name once");
    assert_eq!(door.rig.platform.object_calls.get(), before);
}

#[test]
fn a_resource_may_repeat_but_must_be_within_what_was_authorized_cases_54_78() {
    let door = door(AuthMethod::None);
    let with = |resources: &[&str]| {
        let mut form = door.code_form();
        form.extend(resources.iter().map(|it| ("resource", format!("{APP}{it}"))));
        door.post(&form, None).body
    };
    assert_eq!(with(&["/mcp"])["error"], "invalid_target");
    assert_eq!(with(&["/mcp/globex", "/mcp/globex/api"])["error"], "invalid_target");
    assert_eq!(with(&["/elsewhere"])["error"], "invalid_target");
    assert_eq!(with(&["/mcp/globex/api", "/mcp/globex/api"])["resource"], format!("{APP}/mcp/globex/api"));
}

#[test]
fn revoking_is_always_a_200_and_ends_what_it_names_cases_92_93_95_96() {
    let door = door(AuthMethod::None);
    let tokens = door.post(&door.code_form(), None).body;
    assert_eq!(door.revoke("junk").status, 200);
    let other = door_that(AuthMethod::None, false);
    let foreign =
        [("token", tokens["refresh_token"].as_str().unwrap().to_owned()), ("client_id", other.client.id.clone())];
    let answer = read(wait(token::revoke(&door.rig.world, &door.request(&foreign, None), APP)));
    assert_eq!(answer.status, 200);
    let next = door.refresh(&tokens["refresh_token"]).body;
    let revoked = door.revoke(next["refresh_token"].as_str().unwrap());
    assert_eq!((revoked.status, revoked.response.body().len()), (200, 0));
    assert_eq!(door.refresh(&next["refresh_token"]).body["error"], "invalid_grant");
}

#[test]
fn the_token_endpoint_revokes_too() {
    let door = door(AuthMethod::None);
    let tokens = door.post(&door.code_form(), None).body;
    let form = [
        ("token", tokens["refresh_token"].as_str().unwrap().to_owned()),
        ("token_type_hint", "nonsense".to_owned()),
        ("client_id", door.client.id.clone()),
    ];
    assert_eq!(door.post(&form, None).status, 200);
    assert_eq!(door.refresh(&tokens["refresh_token"]).body["error"], "invalid_grant");
}

#[test]
fn twenty_posts_of_one_code_give_one_pair_and_twenty_refreshes_the_same_one_c1_c2() {
    let door = door(AuthMethod::None);
    let request = door.request(&door.code_form(), None);
    let all = wait(join_all((0..20).map(|_| token::token(&door.rig.world, &request, APP))));
    let good: Vec<Answer> = all.into_iter().map(read).filter(|answer| answer.status == 200).collect();
    assert_eq!(good.len(), 1);
    let form = [
        ("grant_type", "refresh_token".to_owned()),
        ("refresh_token", good[0].body["refresh_token"].as_str().unwrap().to_owned()),
        ("client_id", door.client.id.clone()),
    ];
    let request = door.request(&form, None);
    let all: Vec<Value> = wait(join_all((0..20).map(|_| token::token(&door.rig.world, &request, APP))))
        .into_iter()
        .map(|it| read(it).body)
        .collect();
    assert!(all.iter().all(|body| *body == all[0] && body["access_token"].is_string()));
    assert_eq!(door.refresh(&all[0]["refresh_token"]).status, 200);
}
