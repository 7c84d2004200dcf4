//! `POST /oauth/register`: dynamic client registration (RFC 7591).
//!
//! 1. The body is a JSON object of bounded size.
//! 2. A field that is `null` or blank is left out, and so is one that we do not know (§2). Every other has its type. What we do not
//!    support beside something that we do (a grant type, a response type, a method) is left out too (§3.2.1).
//! 3. What is left has the code flow in it, and the redirect URIs fit the application type.
//! 4. The client gets its id, and its secret unless it is a public one ([`super::clients`]). Nothing is stored.
//! 5. It is told what it registered (§3.2.1). That includes fields that describe it and that we have no use for
//!    ([`DESCRIBING`]): they are checked and said back, and stand neither in the id nor anywhere else.
//!
//! The same metadata again gives a public client the same id. A confidential client's id has 128 random bits, for its secret
//! follows from it: who knows the metadata, which is no secret, must not be given the secret of another.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Map, Value, json};

use super::clients::{AuthMethod, Client, Metadata};
use super::redirect::{self, Reaches};
use super::reply::{OAuthError, json_response};
use crate::crypto::{KeyRing, random_id};
use crate::ports::Random;

/// The longest accepted registration, in bytes; known clients send fewer than 2,000.
const MAX_BODY: usize = 64 * 1024;
/// How many redirect URIs a client may have.
const MAX_REDIRECTS: usize = 20;
/// The longest accepted name, in characters.
const MAX_NAME: usize = 120;
/// The longest accepted URL of a page, in bytes.
const MAX_URL: usize = 512;
/// Fields with the address of a page or picture, each perhaps with a language: `tos_uri#fr` (RFC 7591 §2.2).
const URL_FIELDS: [&str; 5] = ["client_uri", "logo_uri", "policy_uri", "tos_uri", "jwks_uri"];
/// Fields that describe a client to people and to its own developers. Those in [`TRANSLATED`] may have a language (§2.2).
const DESCRIBING: [&str; 10] = [
    "application_type",
    "client_name",
    "client_uri",
    "contacts",
    "jwks_uri",
    "logo_uri",
    "policy_uri",
    "software_id",
    "software_version",
    "tos_uri",
];
const TRANSLATED: [&str; 5] = ["client_name", "client_uri", "logo_uri", "policy_uri", "tos_uri"];
/// The longest accepted text that says which software it is, and the longest address of a contact, in characters.
const MAX_TEXT: usize = 256;
/// How many contacts.
const MAX_CONTACTS: usize = 20;
const METADATA: &str = "invalid_client_metadata";
const REDIRECT: &str = "invalid_redirect_uri";

/// Answers a registration.
pub fn register(keys: &KeyRing, random: &dyn Random, body: &[u8]) -> Response<Bytes> {
    match registered(keys, random, body) {
        Ok((client, said)) => json_response(StatusCode::CREATED, &describe(keys, &client, said)),
        Err(error) => error.into_response(),
    }
}

/// The client, and what of its description is said back.
fn registered(keys: &KeyRing, random: &dyn Random, body: &[u8]) -> Result<(Client, Map<String, Value>), OAuthError> {
    // (1) The body.
    if body.len() > MAX_BODY {
        let error = OAuthError::new("invalid_request", "The registration is longer than 64 KiB.");
        return Err(error.with_status(StatusCode::PAYLOAD_TOO_LARGE));
    }
    let body: Value =
        serde_json::from_slice(body).map_err(|_| OAuthError::new("invalid_request", "The body is not JSON."))?;
    let Value::Object(mut fields) = body else { return Err(wrong("The body is not a JSON object.")) };
    // (2) The fields.
    leave_out_blanks(&mut fields);
    let mut metadata = Metadata {
        name: name(&fields)?,
        redirect_uris: words(&fields, "redirect_uris")?
            .ok_or_else(|| OAuthError::new(REDIRECT, "redirect_uris is missing."))?,
        auth_method: auth_method(&fields)?,
        may_refresh: false,
        uri: text(&fields, "client_uri")?,
        instance: None,
    };
    check_unused(&fields)?;
    // (3) What has to fit.
    metadata.may_refresh = may_refresh(&fields)?;
    check_redirects(&metadata.redirect_uris, application_type(&fields)?)?;
    // (4) The client.
    if metadata.auth_method != AuthMethod::None {
        metadata.instance = Some(random_id(random));
    }
    let too_long = "Name, redirect URIs and client_uri are too long together.";
    let client = Client::register(keys, metadata).ok_or_else(|| wrong(too_long))?;
    // (5) What is said back.
    fields.retain(|name, _| describes(name));
    if application_type(&fields)?.is_none() {
        fields.remove("application_type");
    }
    Ok((client, fields))
}

/// Takes out what says nothing.
pub(super) fn leave_out_blanks(fields: &mut Map<String, Value>) {
    fields.retain(|_, value| !value.is_null() && value.as_str().is_none_or(|text| !text.trim().is_empty()));
}

/// What kind of application it says that it is; a kind that we do not know is none.
pub(super) fn application_type(fields: &Map<String, Value>) -> Result<Option<ApplicationType>, OAuthError> {
    Ok(match text(fields, "application_type")?.as_deref() {
        Some("web") => Some(ApplicationType::Web),
        Some("native") => Some(ApplicationType::Native),
        _ => None,
    })
}

/// OpenID Connect Registration §2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ApplicationType {
    Web,
    Native,
}

/// Whether a field describes the client: one of [`DESCRIBING`], perhaps with a language, whose case is kept.
fn describes(name: &str) -> bool {
    match name.split_once('#') {
        None => DESCRIBING.contains(&name),
        Some((base, language)) => {
            let tag = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            TRANSLATED.contains(&base) && (1..=35).contains(&language.len()) && language.bytes().all(tag)
        }
    }
}

/// What the client is told (RFC 7591 §3.2.1).
fn describe(keys: &KeyRing, client: &Client, said: Map<String, Value>) -> Value {
    let metadata = &client.metadata;
    let mut grants = vec!["authorization_code"];
    if metadata.may_refresh {
        grants.push("refresh_token");
    }
    let mut body = json!({
        "client_id": client.id,
        "redirect_uris": metadata.redirect_uris,
        "token_endpoint_auth_method": metadata.auth_method.name(),
        "grant_types": grants,
        "response_types": ["code"],
    });
    if let Some(fields) = body.as_object_mut() {
        fields.extend(said);
        match &metadata.name {
            Some(name) => drop(fields.insert("client_name".to_owned(), name.as_str().into())),
            None => drop(fields.remove("client_name")),
        }
        if let Some(secret) = client.secret(keys) {
            fields.insert("client_secret".to_owned(), secret.into());
            fields.insert("client_secret_expires_at".to_owned(), 0.into());
        }
    }
    body
}

pub(super) fn name(fields: &Map<String, Value>) -> Result<Option<String>, OAuthError> {
    let name = text(fields, "client_name")?;
    named(name.as_deref())
}

/// A name that can be shown; a blank one is none.
fn named(name: Option<&str>) -> Result<Option<String>, OAuthError> {
    let name = name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    match &name {
        Some(name) if name.chars().count() > MAX_NAME => Err(wrong("client_name is longer than 120 characters.")),
        Some(name) if name.chars().any(char::is_control) => Err(wrong("client_name has a control character.")),
        _ => Ok(name),
    }
}

/// The method that is registered: the preferred one, or of several that the client could use, one that we support.
fn auth_method(fields: &Map<String, Value>) -> Result<AuthMethod, OAuthError> {
    let preferred = text(fields, "token_endpoint_auth_method")?;
    let choices = words(fields, "token_endpoint_auth_methods_supported")?;
    if let (Some(preferred), Some(choices)) = (&preferred, &choices)
        && !choices.contains(preferred)
    {
        return Err(wrong("token_endpoint_auth_method is not among token_endpoint_auth_methods_supported."));
    }
    let Some(preferred) = preferred else {
        return match choices {
            None => Ok(AuthMethod::Either),
            Some(choices) => first_supported(&choices),
        };
    };
    AuthMethod::named(&preferred).map_or_else(|| first_supported(&choices.unwrap_or_default()), Ok)
}

fn first_supported(choices: &[String]) -> Result<AuthMethod, OAuthError> {
    let unsupported = "token_endpoint_auth_method must be none, client_secret_basic or client_secret_post.";
    choices.iter().find_map(|choice| AuthMethod::named(choice)).ok_or_else(|| wrong(unsupported))
}

/// Whether the client may refresh. Grant and response types that we do not have are left out; the code must be among what is
/// left.
pub(super) fn may_refresh(fields: &Map<String, Value>) -> Result<bool, OAuthError> {
    let grants = words(fields, "grant_types")?.unwrap_or_else(|| vec!["authorization_code".to_owned()]);
    if !grants.iter().any(|grant| grant == "authorization_code") {
        return Err(wrong("grant_types must hold authorization_code."));
    }
    let responses = words(fields, "response_types")?.unwrap_or_else(|| vec!["code".to_owned()]);
    if !responses.iter().any(|response| response == "code") {
        return Err(wrong("response_types must hold code."));
    }
    Ok(grants.iter().any(|grant| grant == "refresh_token"))
}

/// An application that calls itself a web application has https addresses only (OpenID Connect Registration §2). One that
/// does not say what it is may have any that can be registered.
pub(super) fn check_redirects(uris: &[String], application_type: Option<ApplicationType>) -> Result<(), OAuthError> {
    if uris.is_empty() || uris.len() > MAX_REDIRECTS {
        return Err(OAuthError::new(REDIRECT, "redirect_uris must hold 1 to 20 URIs."));
    }
    for uri in uris {
        match redirect::check(uri) {
            Err(problem) => return Err(OAuthError::new(REDIRECT, format!("A redirect URI {problem}."))),
            Ok(reaches) if application_type == Some(ApplicationType::Web) && reaches != Reaches::Web => {
                return Err(OAuthError::new(REDIRECT, "A web application's redirect URIs are https."));
            }
            Ok(_) => {}
        }
    }
    Ok(())
}

/// Checks the form of what describes the client, in whatever language.
pub(super) fn check_unused(fields: &Map<String, Value>) -> Result<(), OAuthError> {
    for (name, value) in fields {
        let base = name.split('#').next().unwrap_or_default();
        let text = value.as_str();
        if URL_FIELDS.contains(&base) && !text.is_some_and(is_page) {
            return Err(wrong(format!("{base} is not an http or https URL.")));
        }
        if ["client_name", "scope", "software_id", "software_version"].contains(&base) && text.is_none() {
            return Err(wrong(format!("{base} is not a string.")));
        }
        if base == "client_name" {
            named(text)?;
        }
        if base.starts_with("software_") && !text.is_some_and(is_short) {
            return Err(wrong(format!("{base} is longer than 256 characters, or has a control character.")));
        }
    }
    let contacts = words(fields, "contacts")?.unwrap_or_default();
    if contacts.len() > MAX_CONTACTS || !contacts.iter().all(|contact| is_short(contact)) {
        return Err(wrong("contacts may hold 20 texts of 256 characters."));
    }
    Ok(())
}

fn is_short(text: &str) -> bool {
    text.chars().count() <= MAX_TEXT && !text.chars().any(char::is_control)
}

fn is_page(text: &str) -> bool {
    let web = text.starts_with("https://") || text.starts_with("http://");
    web && text.len() <= MAX_URL && text.bytes().all(|byte| byte.is_ascii_graphic()) && url::Url::parse(text).is_ok()
}

pub(super) fn text(fields: &Map<String, Value>, name: &str) -> Result<Option<String>, OAuthError> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(wrong(format!("{name} is not a string."))),
    }
}

pub(super) fn words(fields: &Map<String, Value>, name: &str) -> Result<Option<Vec<String>>, OAuthError> {
    let list = match fields.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Array(list)) => list,
        Some(_) => return Err(wrong(format!("{name} is not an array."))),
    };
    let words: Option<Vec<String>> = list.iter().map(|it| it.as_str().map(str::to_owned)).collect();
    words.map(Some).ok_or_else(|| wrong(format!("{name} holds something that is not a string.")))
}

fn wrong(description: impl Into<String>) -> OAuthError {
    OAuthError::new(METADATA, description)
}

#[cfg(test)]
mod tests {
    use http::header;

    use super::*;
    use crate::config::RootSecrets;
    use crate::crypto::testing::Counting;

    fn send(random: &Counting, body: &Value) -> (u16, Value) {
        let keys = KeyRing::new(RootSecrets { current: "one".into(), previous: None });
        let response = register(&keys, random, body.to_string().as_bytes());
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
        (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap())
    }

    fn answer(body: &Value) -> (u16, Value) {
        send(&Counting(0.into()), body)
    }

    /// A registration with these fields besides a redirect URI.
    fn with(fields: Value) -> (u16, Value) {
        let mut body = json!({"redirect_uris": ["https://example.com/cb"]});
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        answer(&body)
    }

    #[test]
    fn a_public_client_gets_no_secret_and_a_confidential_one_does_case_99() {
        let (status, body) = with(json!({"token_endpoint_auth_method": "none"}));
        assert_eq!(status, 201);
        assert!(body.get("client_secret").is_none());
        let (status, body) = with(json!({"token_endpoint_auth_method": "client_secret_post"}));
        assert_eq!((status, &body["client_secret_expires_at"]), (201, &json!(0)));
        assert!(body["client_secret"].as_str().unwrap().starts_with("vds_"));
    }

    #[test]
    fn what_is_left_out_has_the_defaults_of_rfc_7591_case_100_109() {
        let (_, body) = with(json!({}));
        assert_eq!(body["token_endpoint_auth_method"], "client_secret_basic");
        assert_eq!(body["grant_types"], json!(["authorization_code"]));
        assert_eq!(body["response_types"], json!(["code"]));
        assert!(body.get("registration_client_uri").is_none());
    }

    #[test]
    fn the_same_metadata_gives_a_public_client_the_same_id_and_nobody_elses_secret() {
        let random = Counting(0.into());
        let body = |method| json!({"redirect_uris": ["https://example.com/cb"], "token_endpoint_auth_method": method});
        let ids = |method| (send(&random, &body(method)).1, send(&random, &body(method)).1);
        let (one, two) = ids("none");
        assert_eq!(one, two);
        let (one, two) = ids("client_secret_basic");
        assert_ne!(one["client_id"], two["client_id"]);
        assert_ne!(one["client_secret"], two["client_secret"]);
    }

    #[test]
    fn redirect_uris_are_required_and_good_cases_101_108_b8() {
        for uris in [
            json!(null),
            json!([]),
            json!(["https://example.com/cb#frag"]),
            json!(["https://*.example.com/"]),
            json!(["http://example.com/cb"]),
            json!(["https://example.com/cb", "javascript:x"]),
            json!((0..21).map(|it| format!("https://example.com/{it}")).collect::<Vec<_>>()),
        ] {
            let (status, body) = answer(&json!({"redirect_uris": uris}));
            assert_eq!((status, &body["error"]), (400, &json!(REDIRECT)), "{uris}");
        }
        for uris in [json!("https://example.com/cb"), json!([1])] {
            assert_eq!(answer(&json!({"redirect_uris": uris})).1["error"], METADATA);
        }
        assert_eq!(answer(&json!({})).0, 400);
    }

    #[test]
    fn a_body_that_is_no_object_or_too_long_is_refused_case_102() {
        let keys = KeyRing::new(RootSecrets { current: "one".into(), previous: None });
        let status = |body: &[u8]| register(&keys, &Counting(0.into()), body).status().as_u16();
        assert_eq!(status(b"{"), 400);
        assert_eq!(status(b""), 400);
        assert_eq!(answer(&json!([])).1["error"], METADATA);
        assert_eq!(status(&vec![b' '; MAX_BODY + 1]), 413);
    }

    #[test]
    fn what_is_not_supported_or_does_not_fit_is_refused_cases_103_105_106_108() {
        for fields in [
            json!({"grant_types": ["password"]}),
            json!({"grant_types": ["refresh_token", "implicit"]}),
            json!({"grant_types": []}),
            json!({"grant_types": ["authorization_code", 1]}),
            json!({"response_types": ["id_token", "token"]}),
            json!({"response_types": []}),
            json!({"token_endpoint_auth_method": "private_key_jwt"}),
            json!({"token_endpoint_auth_method": "none", "token_endpoint_auth_methods_supported": ["client_secret_post"]}),
            json!({"token_endpoint_auth_methods_supported": ["private_key_jwt"]}),
            json!({"client_name": 1}),
            json!({"client_name": "a\u{0}b"}),
            json!({"client_name": "a".repeat(121)}),
            json!({"client_name#ja": 1}),
            json!({"client_name#ja": "a\u{0}b"}),
            json!({"client_name#ja": "a".repeat(121)}),
            json!({"contacts": [1]}),
            json!({"contacts": vec!["a"; 21]}),
            json!({"contacts": ["a".repeat(257)]}),
            json!({"software_id": "a".repeat(257)}),
            json!({"software_version": "1\u{7}"}),
            json!({"logo_uri": "javascript:alert(1)"}),
            json!({"client_uri": "data:text/html,x"}),
            json!({"tos_uri#fr": "javascript:x"}),
            json!({"policy_uri": "/relative"}),
            json!({"jwks_uri": "ftp://example.com/"}),
            json!({"scope": 1}),
        ] {
            let (status, body) = with(fields.clone());
            assert_eq!((status, &body["error"]), (400, &json!(METADATA)), "{fields}");
        }
    }

    #[test]
    fn what_describes_a_client_is_said_back_and_stands_nowhere_else_case_107() {
        let described = json!({
            "client_name": "A client", "client_uri": "https://example.com", "logo_uri": "https://example.com/logo.png",
            "tos_uri": "https://example.com/tos", "tos_uri#fr": "https://example.com/cgu", "contacts": ["a@example.com"],
            "policy_uri": "https://example.com/privacy", "software_id": "4b1d", "software_version": "1.2.3",
            "client_name#ja": "\u{30af}\u{30e9}\u{30a4}\u{30a2}\u{30f3}\u{30c8}", "client_name#zh-Hant-TW": "x",
            "client_name#JA-jpan": "y", "application_type": "web",
        });
        let (status, body) = with(described.clone());
        assert_eq!(status, 201, "{body}");
        for (name, value) in described.as_object().unwrap() {
            assert_eq!(body[name], *value, "{name}");
        }
        let bare = with(json!({"client_name": "A client", "client_uri": "https://example.com"})).1;
        assert_eq!(body["client_id"].as_str().unwrap().len(), bare["client_id"].as_str().unwrap().len());
        let unknown = json!({
            "foo": "x", "foo#ja": "x", "contacts#ja": ["a"], "client_name#": "x", "client_name#a b": "x",
            "client_name#<script>": "x", "scope": "mcp", "client_secret": "chosen", "client_id": "chosen",
            "registration_client_uri": "https://evil.example/", "client_name": "  ", "logo_uri": null,
            "application_type": "desktop",
        });
        let (status, body) = with(unknown.clone());
        assert_eq!(status, 201, "{body}");
        for name in
            unknown.as_object().unwrap().keys().filter(|name| !["client_id", "client_secret"].contains(&name.as_str()))
        {
            assert!(body.get(name).is_none(), "{name}");
        }
        assert!(body["client_id"].as_str().unwrap().starts_with("vdm_"));
        assert!(body["client_secret"].as_str().unwrap().starts_with("vds_"));
    }

    #[test]
    fn an_unsupported_extra_is_left_out_and_the_answer_says_what_was_registered_rfc_7591_3_2_1() {
        let device = "urn:ietf:params:oauth:grant-type:device_code";
        let code_and_more = json!({
            "grant_types": ["authorization_code", "refresh_token", device, "implicit"],
            "response_types": ["id_token", "code", "code token"],
            "application_type": "mobile",
        });
        let (status, body) = with(code_and_more);
        assert_eq!((status, &body["grant_types"]), (201, &json!(["authorization_code", "refresh_token"])));
        assert_eq!((&body["response_types"], body.get("application_type")), (&json!(["code"]), None));
        let (status, body) = with(json!({"grant_types": ["authorization_code", device]}));
        assert_eq!((status, &body["grant_types"]), (201, &json!(["authorization_code"])));
    }

    #[test]
    fn a_blank_field_is_left_out() {
        let names = URL_FIELDS.iter().chain(&DESCRIBING).chain(&["scope", "token_endpoint_auth_method", "tos_uri#fr"]);
        let names: Vec<&str> = names.copied().collect();
        for blank in [json!(""), json!(" \n"), json!(null)] {
            let blanks: Map<String, Value> = names.iter().map(|name| ((*name).to_owned(), blank.clone())).collect();
            let lists =
                json!({"grant_types": blank, "response_types": blank, "token_endpoint_auth_methods_supported": blank});
            let (status, body) =
                with(Value::Object(blanks.into_iter().chain(lists.as_object().unwrap().clone()).collect()));
            assert_eq!((status, &body["token_endpoint_auth_method"]), (201, &json!("client_secret_basic")), "{body}");
            assert!(DESCRIBING.iter().all(|name| body.get(name).is_none()), "{body}");
        }
    }

    #[test]
    fn of_several_methods_one_that_we_support_is_taken_case_104() {
        let (status, body) = with(json!({
            "token_endpoint_auth_method": "private_key_jwt",
            "token_endpoint_auth_methods_supported": ["private_key_jwt", "none"],
        }));
        assert_eq!((status, &body["token_endpoint_auth_method"]), (201, &json!("none")));
    }

    #[test]
    fn a_web_application_has_https_addresses_only() {
        let kind = |kind: &str, uri: &str| answer(&json!({"redirect_uris": [uri], "application_type": kind})).0;
        assert_eq!(kind("web", "https://example.com/cb"), 201);
        assert_eq!(kind("web", "http://localhost/cb"), 400);
        assert_eq!(kind("web", "cursor://x/cb"), 400);
        assert_eq!(kind("native", "http://localhost/cb"), 201);
        assert_eq!(kind("native", "https://example.com/cb"), 201);
    }

    #[test]
    fn what_known_clients_send_is_accepted() {
        for body in [
            json!({"client_name": "Visual Studio Code", "client_uri": "https://code.visualstudio.com",
                "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
                "redirect_uris": ["https://insiders.vscode.dev/redirect", "https://vscode.dev/redirect",
                    "http://127.0.0.1/", "http://127.0.0.1:33418/"],
                "token_endpoint_auth_method": "none", "application_type": "native"}),
            json!({"client_name": "Visual Studio Code",
                "grant_types": ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
                "redirect_uris": ["https://vscode.dev/redirect", "http://127.0.0.1:33418/"],
                "response_types": ["code"], "token_endpoint_auth_method": "none", "application_type": "native"}),
            json!({"client_name": "Cursor", "redirect_uris": ["cursor://anysphere.cursor-mcp/oauth/callback"],
                "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
                "token_endpoint_auth_method": "none", "client_uri": "https://cursor.com", "scope": "mcp"}),
        ] {
            let (status, answer) = answer(&body);
            assert_eq!(status, 201, "{answer}");
            assert!(answer["client_id"].as_str().unwrap().len() < 600);
        }
    }
}
