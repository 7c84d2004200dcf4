//! What a refusal means, read from its status and its typed body, never by searching prose.

use serde::Deserialize;
use serde_json::Value;

use super::error::{SentryError, Unauthorized};
use super::host::SentryHost;

/// The longest piece of Sentry's own words that is kept.
const MAX_DETAIL: usize = 500;
/// A refusal that says more than this is not read.
const MAX_BODY: usize = 64 * 1024;

/// `detail`: a sentence, or an object with a code.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Detail {
    Coded {
        code: String,
        #[serde(default)]
        message: Option<String>,
        #[serde(default)]
        extra: Option<Extra>,
    },
    Sentence(String),
    Other(Value),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Extra {
    #[serde(default)]
    login_url: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Body {
    detail: Option<Detail>,
}

/// The meaning of a 401 with this JSON body.
pub fn unauthorized(host: &SentryHost, body: &[u8]) -> SentryError {
    coded(host, body).unwrap_or(SentryError::Unauthorized { reason: Unauthorized::DeadToken, login_url: None })
}

/// A refusal that names its reason, whatever its status: sign-in rules of the organization, not of the token.
pub fn coded(host: &SentryHost, body: &[u8]) -> Option<SentryError> {
    let body = body.get(..body.len().min(MAX_BODY))?;
    let body: Body = serde_json::from_slice(body).ok()?;
    let Some(Detail::Coded { code, extra, .. }) = body.detail else { return None };
    let reason = match code.as_str() {
        "sso-required" => Unauthorized::SsoRequired,
        "2fa-required" => Unauthorized::TwoFactorRequired,
        "sudo-required" => Unauthorized::SudoRequired,
        "member-disabled-over-limit" => Unauthorized::MemberDisabled,
        _ => return None,
    };
    let login_url = extra
        .and_then(|extra| extra.login_url)
        .and_then(|url| host.origin().join(&url).ok()) // Sentry names it with or without its origin
        .filter(|url| host.permits(url));
    Some(SentryError::Unauthorized { reason, login_url })
}

/// Sentry's own words about a request that it did not accept.
pub fn words(body: &[u8]) -> String {
    let body = body.get(..body.len().min(MAX_BODY)).unwrap_or_default();
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = match &value {
        Value::String(text) => text.clone(),
        Value::Object(fields) => match fields.get("detail") {
            Some(detail) => match serde_json::from_value(detail.clone()) {
                Ok(Detail::Sentence(text)) => text,
                Ok(Detail::Coded { message: Some(message), .. }) => message,
                Ok(Detail::Coded { code, .. }) => code,
                Ok(Detail::Other(other)) => prose(&other),
                Err(_) => String::new(),
            },
            None => {
                fields.iter().map(|(name, value)| format!("{name}: {}", prose(value))).collect::<Vec<_>>().join("; ")
            }
        },
        other => prose(other),
    };
    text.chars().take(MAX_DETAIL).collect()
}

/// The strings of a field map's value: `["This field is required."]`.
fn prose(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(prose).collect::<Vec<_>>().join(" "),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// Whether one of `granted` is `needed` or more of the same: `event:admin` includes `event:write` includes `event:read`.
pub fn covers(granted: &[String], needed: &str) -> bool {
    const LEVELS: [&str; 3] = ["read", "write", "admin"];
    let level = |name: &str| LEVELS.iter().position(|known| *known == name);
    granted.iter().any(|granted| {
        if granted == needed {
            return true;
        }
        let (Some((resource, have)), Some((wanted, want))) = (granted.split_once(':'), needed.split_once(':')) else {
            return false;
        };
        resource == wanted && matches!((level(have), level(want)), (Some(have), Some(want)) if have >= want)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(body: &str) -> (Unauthorized, Option<String>) {
        let host = SentryHost::parse("sentry.io").unwrap();
        match unauthorized(&host, body.as_bytes()) {
            SentryError::Unauthorized { reason, login_url } => (reason, login_url.map(String::from)),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_sentence_about_the_token_means_a_dead_token_p4() {
        for sentence in [
            "Invalid token",
            "Token expired",
            "User inactive or deleted",
            "UserApplication inactive or deleted",
            "Authentication credentials were not provided.",
        ] {
            let body = serde_json::json!({ "detail": sentence }).to_string();
            assert_eq!(reason(&body), (Unauthorized::DeadToken, None), "{sentence}");
        }
    }

    #[test]
    fn sign_in_rules_of_an_organization_are_told_by_their_code_p4() {
        let body = |code: &str| serde_json::json!({ "detail": { "code": code, "message": "no" } }).to_string();
        assert_eq!(reason(&body("sso-required")).0, Unauthorized::SsoRequired);
        assert_eq!(reason(&body("2fa-required")).0, Unauthorized::TwoFactorRequired);
        assert_eq!(reason(&body("sudo-required")).0, Unauthorized::SudoRequired);
        assert_eq!(reason(&body("member-disabled-over-limit")).0, Unauthorized::MemberDisabled);
        assert_eq!(reason(&body("something-new")).0, Unauthorized::DeadToken);
    }

    #[test]
    fn a_login_page_is_kept_only_when_it_is_sentrys_own_p7() {
        let body = |url: &str| {
            serde_json::json!({ "detail": { "code": "sso-required", "extra": { "loginUrl": url } } }).to_string()
        };
        let own = Some("https://sentry.io/auth/login/globex/".to_owned());
        assert_eq!(reason(&body("/auth/login/globex/")).1, own);
        assert_eq!(
            reason(&body("https://globex.sentry.io/auth/login/")).1.as_deref(),
            Some("https://globex.sentry.io/auth/login/")
        );
        assert_eq!(reason(&body("https://evil.example/auth/login/")).1, None);
        assert_eq!(reason(&body("//evil.example/")).1, None);
        assert_eq!(reason(&body("javascript:alert(1)")).1, None);
    }

    #[test]
    fn sentrys_words_are_found_in_each_shape_of_body() {
        assert_eq!(words(br#"{"detail":"Invalid search"}"#), "Invalid search");
        assert_eq!(words(br#"{"detail":{"code":"x","message":"Because"}}"#), "Because");
        assert_eq!(
            words(br#"{"query":["Bad one.","Bad two."],"sort":["No."]}"#),
            "query: Bad one. Bad two.; sort: No."
        );
        assert_eq!(words(br#""Too often""#), "Too often");
        assert_eq!(words(b"<html>"), "");
        assert_eq!(words(format!("{{\"detail\":\"{}\"}}", "x".repeat(2000)).as_bytes()).len(), MAX_DETAIL);
    }

    #[test]
    fn a_higher_scope_covers_a_lower_one_of_the_same_resource() {
        let granted = |scopes: &[&str]| scopes.iter().map(|scope| (*scope).to_owned()).collect::<Vec<_>>();
        assert!(covers(&granted(&["event:read"]), "event:read"));
        assert!(covers(&granted(&["event:admin"]), "event:read"));
        assert!(covers(&granted(&["event:write"]), "event:read"));
        assert!(!covers(&granted(&["event:read"]), "event:write"));
        assert!(!covers(&granted(&["org:admin"]), "event:read"));
        assert!(!covers(&granted(&["project:releases"]), "project:read"));
        assert!(!covers(&granted(&["openid"]), "project:read"));
    }
}
