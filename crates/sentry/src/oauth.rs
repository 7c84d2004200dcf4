//! Sentry's OAuth endpoints: authorize, token, revoke, and the probe of a token.
//!
//! Sentry publishes no metadata (RFC 8414), so the paths are fixed; the trailing slash is required. The client
//! authenticates with `client_id` and `client_secret` in the body and never also with Basic, which Sentry refuses.
//! Refreshing rotates in place: the old access token and the old refresh token die the moment the new ones exist.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, header};
use jiff::Timestamp as Instant;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::{Url, form_urlencoded};

use super::client::asked_wait;
use super::host::SentryHost;
use crate::app::SentryApp;
use vedette_ports::{HttpError, Limits, Ports, Timestamp};

/// An exchange takes well under a second; a person is waiting on some of them.
const LIMITS: Limits = Limits { deadline: Duration::from_secs(10), max_body: 64 * 1024 };

/// What Sentry says when it issues tokens.
#[derive(Clone, Debug)]
pub struct Issued {
    /// The access token.
    pub access_token: SecretString,
    /// The refresh token; some installations issue none.
    pub refresh_token: Option<SecretString>,
    /// When the access token ends.
    pub expires_at: Option<Timestamp>,
    /// The granted scopes, sorted.
    pub scopes: Vec<String>,
    /// The Sentry user, when the response names one.
    pub account: Option<Account>,
}

/// The Sentry user behind a grant.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, Deserialize)]
pub struct Account {
    /// Sentry's id of the user.
    pub id: String,
    /// The display name, when there is one.
    pub name: Option<String>,
    /// The e-mail address, when there is one.
    pub email: Option<String>,
}

impl Account {
    /// What to call the account: e-mail, else name, else id.
    pub fn label(&self) -> &str {
        self.email.as_deref().or(self.name.as_deref()).unwrap_or(&self.id)
    }
}

/// Why the token endpoint issued nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// A 4xx other than 429: the code or refresh token is no good, or the client is not who it says. `error` is the
    /// OAuth error code (RFC 6749 §5.2) when the body had one.
    #[error("refused with {status} {error}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The OAuth error code, or an empty string.
        error: String,
    },
    /// 429: nothing happened.
    #[error("rate limited")]
    RateLimited,
    /// 5xx, a lost connection, or a 2xx that cannot be read: the work may or may not have been done.
    #[error("no clear answer: {0}")]
    Unclear(Unclear),
}

/// Why an answer is not clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unclear {
    /// No answer in time.
    #[error("no answer in time")]
    Timeout,
    /// The connection was lost.
    #[error("the connection was lost")]
    Connection,
    /// 5xx.
    #[error("a server error")]
    ServerError,
    /// 2xx, and a body that is not a token response.
    #[error("a body that is not a token response")]
    BadBody,
}

/// Whether a token is still alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// Sentry accepted it.
    Alive,
    /// Sentry refused it (401).
    Dead,
    /// Sentry could not say.
    Unknown,
}

/// Sentry's OAuth endpoints, for one application.
pub struct SentryOAuth<'a> {
    ports: &'a Ports,
    host: &'a SentryHost,
    app: &'a SentryApp,
}

#[derive(Deserialize)]
struct TokenBody {
    access_token: String,
    refresh_token: Option<String>,
    expires_in: Option<i64>,
    expires_at: Option<String>,
    token_type: Option<String>,
    scope: Option<String>,
    user: Option<UserBody>,
}

#[derive(Deserialize)]
struct UserBody {
    id: serde_json::Value,
    name: Option<String>,
    email: Option<String>,
}

#[derive(Deserialize)]
struct ErrorBody {
    error: String,
}

impl<'a> SentryOAuth<'a> {
    /// The endpoints of `host` as `app`.
    pub fn new(ports: &'a Ports, host: &'a SentryHost, app: &'a SentryApp) -> SentryOAuth<'a> {
        SentryOAuth { ports, host, app }
    }

    /// Where the browser goes to consent (RFC 6749 §4.1.1, RFC 7636 §4.3).
    pub fn authorize_url(&self, redirect_uri: &str, scopes: &[String], state: &str, code_challenge: &str) -> Url {
        let mut url = endpoint(self.host, "/oauth/authorize/");
        url.query_pairs_mut()
            .append_pair("client_id", &self.app.client_id)
            .append_pair("response_type", "code")
            .append_pair("redirect_uri", redirect_uri)
            .append_pair("scope", &scopes.join(" "))
            .append_pair("state", state)
            .append_pair("code_challenge", code_challenge)
            .append_pair("code_challenge_method", "S256");
        url
    }

    /// Exchanges an authorization code (RFC 6749 §4.1.3). Any failure burns the code.
    ///
    /// # Errors
    /// [`TokenError`].
    pub async fn exchange(&self, code: &str, redirect_uri: &str, verifier: &str) -> Result<Issued, TokenError> {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect_uri),
            ("code_verifier", verifier),
        ];
        self.token(&form).await
    }

    /// Refreshes (RFC 6749 §6), without `scope`, which Sentry refuses.
    ///
    /// # Errors
    /// [`TokenError`]. After `Unclear` the old tokens may be dead.
    pub async fn refresh(&self, refresh_token: &SecretString) -> Result<Issued, TokenError> {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", refresh_token.expose_secret())]).await
    }

    /// Revokes a token and with it its pair (RFC 7009). Sentry answers 200 for an unknown token too.
    ///
    /// # Errors
    /// [`TokenError`]; worth another try unless it is `Refused`.
    pub async fn revoke(&self, token: &SecretString) -> Result<(), TokenError> {
        self.post("/oauth/revoke/", &[("token", token.expose_secret()), ("token_type_hint", "access_token")])
            .await
            .map(drop)
    }

    async fn token(&self, form: &[(&str, &str)]) -> Result<Issued, TokenError> {
        let body = self.post("/oauth/token/", form).await?;
        read_issued(&body, self.ports.clock.now()).ok_or(TokenError::Unclear(Unclear::BadBody))
    }

    async fn post(&self, path: &str, form: &[(&str, &str)]) -> Result<Bytes, TokenError> {
        let body: String = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .append_pair("client_id", &self.app.client_id)
            .append_pair("client_secret", self.app.client_secret.expose_secret())
            .finish();
        let request = Request::builder()
            .method(Method::POST)
            .uri(endpoint(self.host, path).as_str())
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ACCEPT, "application/json")
            .header(header::USER_AGENT, super::USER_AGENT)
            .body(Bytes::from(body))
            .map_err(|_| TokenError::Unclear(Unclear::Connection))?;
        let response = self.ports.http.send(request, LIMITS).await.map_err(|error| {
            TokenError::Unclear(match error {
                HttpError::Timeout => Unclear::Timeout,
                HttpError::Connection => Unclear::Connection,
                HttpError::TooLong => Unclear::BadBody,
            })
        })?;
        match response.status().as_u16() {
            200..=299 => Ok(response.into_body()),
            429 => Err(TokenError::RateLimited),
            status @ 400..=499 => Err(TokenError::Refused {
                status,
                error: serde_json::from_slice::<ErrorBody>(response.body()).map(|body| body.error).unwrap_or_default(),
            }),
            // A redirect is no answer of a token endpoint, and is not followed: it would carry the secret elsewhere.
            300..=399 => Err(TokenError::Unclear(Unclear::BadBody)),
            _ => Err(TokenError::Unclear(Unclear::ServerError)),
        }
    }
}

/// Asks Sentry whether `token` is alive: `GET /api/0/auth/` needs no scope and always is on the control host.
pub async fn probe(ports: &Ports, host: &SentryHost, token: &SecretString) -> Probe {
    match whose(ports, host, token).await {
        Ok(Some(_)) => Probe::Alive,
        Ok(None) => Probe::Dead,
        Err(Unsaid { .. }) => Probe::Unknown,
    }
}

/// Sentry gave no clear answer about a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsaid {
    /// When to ask again, if Sentry said so.
    pub retry_after: Option<Duration>,
}

/// The account of `token`; `None` when Sentry refuses the token, `Err` when Sentry could not say.
///
/// # Errors
/// When Sentry gave no clear answer.
pub async fn whose(ports: &Ports, host: &SentryHost, token: &SecretString) -> Result<Option<Account>, Unsaid> {
    const SILENT: Unsaid = Unsaid { retry_after: None };
    let request = Request::builder()
        .uri(endpoint(host, "/api/0/auth/").as_str())
        .header(header::AUTHORIZATION, format!("Bearer {}", token.expose_secret()))
        .header(header::ACCEPT, "application/json")
        .header(header::USER_AGENT, super::USER_AGENT)
        .body(Bytes::new())
        .map_err(|_| SILENT)?;
    let response = ports.http.send(request, LIMITS).await.map_err(|_| SILENT)?;
    match response.status().as_u16() {
        200 => serde_json::from_slice(response.body()).ok().and_then(read_account).map(Some).ok_or(SILENT),
        401 => Ok(None),
        429 => Err(Unsaid { retry_after: asked_wait(response.headers(), ports.clock.now()) }),
        _ => Err(SILENT),
    }
}

fn endpoint(host: &SentryHost, path: &str) -> Url {
    let mut url = host.origin().clone();
    url.set_path(path);
    url
}

fn read_issued(body: &[u8], now: Timestamp) -> Option<Issued> {
    let body: TokenBody = serde_json::from_slice(body).ok()?;
    let bearer = body.token_type.is_none_or(|kind| kind.eq_ignore_ascii_case("bearer"));
    if !bearer || body.access_token.is_empty() {
        return None;
    }
    let from_date =
        body.expires_at.and_then(|date| date.parse::<Instant>().ok()).map(|it| Timestamp(it.as_millisecond()));
    let from_seconds = body
        .expires_in
        .and_then(|seconds| u64::try_from(seconds).ok())
        .map(|seconds| now + Duration::from_secs(seconds));
    let mut scopes: Vec<String> = body.scope.unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    scopes.sort();
    scopes.dedup();
    Some(Issued {
        access_token: body.access_token.into(),
        refresh_token: body.refresh_token.filter(|token| !token.is_empty()).map(Into::into),
        // Relative first: it does not depend on both clocks agreeing.
        expires_at: from_seconds.or(from_date),
        scopes,
        account: body.user.and_then(read_account),
    })
}

/// `None` for a user without an id: two of those would be taken for one.
fn read_account(user: UserBody) -> Option<Account> {
    let id = match user.id {
        serde_json::Value::String(id) if !id.is_empty() => id,
        serde_json::Value::Number(id) => id.to_string(),
        _ => return None,
    };
    let present = |text: Option<String>| text.filter(|text| !text.is_empty());
    Some(Account { id, name: present(user.name), email: present(user.email) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_response_is_read_with_and_without_its_optional_parts() {
        let now = Timestamp(1_000);
        let full = r#"{"access_token":"a","refresh_token":"r","expires_in":60,"expires_at":"2024-11-27T23:20:21.054320Z",
            "token_type":"bearer","scope":"project:read org:read","user":{"id":123,"name":null,"email":"j@x.io"}}"#;
        let issued = read_issued(full.as_bytes(), now).unwrap();
        assert_eq!(issued.expires_at, Some(Timestamp(61_000)));
        assert_eq!(issued.scopes, ["org:read", "project:read"]);
        let account = issued.account.unwrap();
        assert_eq!((account.id.as_str(), account.label()), ("123", "j@x.io"));
        for nobody in ["null", "\"\"", "{}", "[]"] {
            let body = format!(r#"{{"access_token":"a","user":{{"id":{nobody}}}}}"#);
            assert!(read_issued(body.as_bytes(), now).unwrap().account.is_none(), "{nobody}");
        }
        let bare = read_issued(br#"{"access_token":"a"}"#, now).unwrap();
        assert!(bare.refresh_token.is_none() && bare.expires_at.is_none() && bare.account.is_none());
    }

    #[test]
    fn what_is_no_bearer_token_is_refused() {
        for bad in [r#"{"access_token":""}"#, r#"{"access_token":"a","token_type":"mac"}"#, "<html>", "{}", "null"] {
            assert!(read_issued(bad.as_bytes(), Timestamp(0)).is_none(), "{bad}");
        }
    }
}
