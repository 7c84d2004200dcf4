//! Sentry as an OAuth 2.0 authorization server.
//!
//! | Route | Answer |
//! |---|---|
//! | `GET /oauth/authorize/?…` | the consent page, a dead end (400, no redirect), or a redirect with `error` and `state` |
//! | `POST /oauth/authorize/?…` | the decision: see below |
//! | `POST /oauth/token/` | grants `authorization_code` and `refresh_token` |
//! | `POST /oauth/revoke/` | RFC 7009, roughly |
//! | `GET /oauth/userinfo/` | who a token with `openid` belongs to |
//!
//! **Without a browser**, post the decision to the address of the consent page, *with the same query string*:
//! `POST /oauth/authorize/?client_id=…&response_type=code&redirect_uri=…&scope=…&state=…&code_challenge=…&code_challenge_method=S256`
//! with the form `account=ada@example.com&op=approve` (or `op=deny`; then `account` is not needed). The answer is a 302
//! to the redirect URI with `code` and `state`, or with `error=access_denied` and `state`.
//!
//! Routes need their trailing slash: without it they do not exist.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CACHE_CONTROL, WWW_AUTHENTICATE};
use http::{Method, Request, Response};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::accounts::{self, Account, SCOPES};
use super::tokens::{CODE_TTL_MS, Grant, TokenRow};
use super::{Refresh, Sentry, consent_page};
use crate::Context;
use crate::exchange;
use crate::form::{self, Pairs};
use crate::json::Put;
use crate::random::fingerprint;

/// A longer `Authorization: Basic` payload is malformed.
const MAX_BASIC_PAYLOAD: usize = 4096;

/// What the token endpoint can say; the body is only the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TokenError {
    InvalidClient,
    InvalidRequest,
    InvalidGrant,
    UnsupportedGrantType,
}

impl TokenError {
    fn response(self) -> Response<Bytes> {
        let (status, name) = match self {
            TokenError::InvalidClient => (401, "invalid_client"),
            TokenError::InvalidRequest => (400, "invalid_request"),
            TokenError::InvalidGrant => (400, "invalid_grant"),
            TokenError::UnsupportedGrantType => (400, "unsupported_grant_type"),
        };
        let mut response = exchange::json(status, &json!({"error": name}));
        exchange::set(&mut response, CACHE_CONTROL, "no-store");
        if status == 401 {
            exchange::set(&mut response, WWW_AUTHENTICATE, r#"Basic realm="oauth""#);
        }
        response
    }
}

/// Routes `/oauth/*`; `None` when there is no such route.
pub(super) fn route(sentry: &mut Sentry, request: &Request<Bytes>, context: &mut Context) -> Option<Response<Bytes>> {
    let method = request.method();
    let response = match request.uri().path() {
        "/oauth/authorize/" if method == Method::GET || method == Method::POST => authorize(sentry, request, context),
        "/oauth/token/" if method == Method::POST => match token(sentry, request, context) {
            Ok(body) => {
                let mut response = exchange::json(200, &body);
                exchange::set(&mut response, CACHE_CONTROL, "no-store");
                response
            }
            Err(error) => error.response(),
        },
        "/oauth/revoke/" if method == Method::POST => revoke(sentry, request, context),
        "/oauth/userinfo/" if method == Method::GET => userinfo(sentry, request, context),
        "/oauth/authorize/" | "/oauth/token/" | "/oauth/revoke/" | "/oauth/userinfo/" => {
            exchange::json(405, &json!({"detail": format!("Method \"{method}\" not allowed.")}))
        }
        _ => return None,
    };
    Some(response)
}

// ---- authorize

/// A good authorization request.
struct Asked {
    redirect_uri: String,
    state: String,
    scopes: Vec<String>,
    code_challenge: Option<String>,
}

fn authorize(sentry: &mut Sentry, request: &Request<Bytes>, context: &mut Context) -> Response<Bytes> {
    let query = Pairs::of_query(request.uri());
    let asked = match asked(&query, context) {
        Ok(asked) => asked,
        Err(refusal) => return refusal,
    };
    context.secrets.note("state", &asked.state);
    if request.method() == Method::GET {
        let remembered = sentry.auto_approve.as_deref().and_then(accounts::by_email);
        return match remembered {
            Some(account) if !query.has("force_prompt") => approve(sentry, asked, account, context),
            _ => exchange::html(200, consent_page::consent(&asked.scopes, &host_of(&asked.redirect_uri))),
        };
    }
    let decision = Pairs::parse(request.body());
    match (decision.text("op"), accounts::by_email(decision.text("account"))) {
        ("approve", Some(account)) => approve(sentry, asked, account, context),
        ("approve", None) => dead_end("There is no such account."),
        ("deny", _) => send_back(&asked.redirect_uri, "error", "access_denied", &asked.state),
        _ => dead_end("The form is incomplete."),
    }
}

/// Checks the query; what is wrong with it is a dead end or a redirect, by its kind.
fn asked(query: &Pairs, context: &Context) -> Result<Asked, Response<Bytes>> {
    if query.text("client_id") != context.options.client_id {
        return Err(dead_end("Missing or invalid client_id parameter."));
    }
    let registered = context.options.registered_redirect_uris();
    let redirect_uri = query.text("redirect_uri").to_owned();
    if !registered.contains(&redirect_uri) {
        return Err(dead_end("Missing or invalid redirect_uri parameter."));
    }
    if query.text("response_type") != "code" {
        return Err(dead_end("Missing or invalid response_type parameter."));
    }
    let state = query.text("state").to_owned();
    let scopes: Vec<String> = query.text("scope").split_whitespace().map(str::to_owned).collect();
    if scopes.iter().any(|scope| !SCOPES.contains(&scope.as_str())) {
        return Err(send_back(&redirect_uri, "error", "invalid_scope", &state));
    }
    let code_challenge = query.get("code_challenge").map(str::to_owned);
    let acceptable = |challenge: &str| is_challenge(challenge) && query.text("code_challenge_method") == "S256";
    if code_challenge.as_deref().is_some_and(|challenge| !acceptable(challenge)) {
        return Err(send_back(&redirect_uri, "error", "invalid_request", &state));
    }
    Ok(Asked { redirect_uri, state, scopes, code_challenge })
}

/// RFC 7636 §4.2: 43 to 128 unreserved characters.
fn is_challenge(text: &str) -> bool {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    (43..=128).contains(&text.len()) && text.bytes().all(unreserved)
}

fn approve(sentry: &mut Sentry, asked: Asked, account: &'static Account, context: &mut Context) -> Response<Bytes> {
    let code = context.random.hex64();
    context.secrets.note("code", &code);
    let back = send_back(&asked.redirect_uri, "code", &code, &asked.state);
    sentry.tokens.add_grant(Grant {
        code,
        account,
        redirect_uri: asked.redirect_uri,
        scopes: asked.scopes,
        code_challenge: asked.code_challenge,
        expires_at_ms: context.now_ms.saturating_add(CODE_TTL_MS),
    });
    back
}

/// Only `name` and `state`: there is no `error_description` and no `iss`.
fn send_back(redirect_uri: &str, name: &str, value: &str, state: &str) -> Response<Bytes> {
    let pairs = form::encode([(name, value), ("state", state)].into_iter().filter(|(_, value)| !value.is_empty()));
    let separator = if redirect_uri.contains('?') { '&' } else { '?' };
    exchange::redirect(&format!("{redirect_uri}{separator}{pairs}"))
}

fn dead_end(message: &str) -> Response<Bytes> {
    exchange::html(400, consent_page::dead_end(message))
}

fn host_of(uri: &str) -> String {
    let url = url::Url::parse(uri).ok();
    url.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_else(|| uri.to_owned())
}

// ---- token

fn token(sentry: &mut Sentry, request: &Request<Bytes>, context: &mut Context) -> Result<Value, TokenError> {
    let form = Pairs::parse(request.body());
    authenticate(request, &form, context)?;
    match form.text("grant_type") {
        "authorization_code" => exchange_code(sentry, &form, context),
        "refresh_token" => refresh(sentry, &form, context),
        "" => Err(TokenError::InvalidRequest),
        _ => Err(TokenError::UnsupportedGrantType),
    }
}

/// The client authenticates by Basic or in the body, and never by both.
fn authenticate(request: &Request<Bytes>, form: &Pairs, context: &Context) -> Result<(), TokenError> {
    let (client_id, client_secret) = match request.headers().get(AUTHORIZATION) {
        Some(_) if form.has("client_secret") => return Err(TokenError::InvalidRequest),
        Some(header) => {
            let basic = header.to_str().ok().and_then(decode_basic).ok_or(TokenError::InvalidClient)?;
            if form.get("client_id").is_some_and(|also| also != basic.0) {
                return Err(TokenError::InvalidRequest);
            }
            basic
        }
        None => (form.text("client_id").to_owned(), form.text("client_secret").to_owned()),
    };
    let known = client_id == context.options.client_id && client_secret == context.options.client_secret;
    if known { Ok(()) } else { Err(TokenError::InvalidClient) }
}

fn decode_basic(header: &str) -> Option<(String, String)> {
    let (scheme, payload) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") || payload.len() > MAX_BASIC_PAYLOAD {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(payload.trim()).ok()?).ok()?;
    decoded.split_once(':').map(|(id, secret)| (id.to_owned(), secret.to_owned()))
}

fn exchange_code(sentry: &mut Sentry, form: &Pairs, context: &mut Context) -> Result<Value, TokenError> {
    let code = form.get("code").ok_or(TokenError::InvalidRequest)?;
    context.secrets.note("code_verifier", form.text("code_verifier"));
    // The code is burned here, whatever comes of the checks below.
    let grant = sentry.tokens.take_grant(code).ok_or(TokenError::InvalidGrant)?;
    let in_time = context.now_ms < grant.expires_at_ms;
    let same_redirect = form.text("redirect_uri") == grant.redirect_uri;
    let proven = match &grant.code_challenge {
        Some(challenge) => s256(form.text("code_verifier")) == *challenge,
        None => true,
    };
    if !(in_time && same_redirect && proven) {
        return Err(TokenError::InvalidGrant);
    }
    let mut row = TokenRow {
        access: String::new(),
        refresh: String::new(),
        account: grant.account,
        scopes: grant.scopes,
        expires_at_ms: 0,
    };
    renew(&mut row, sentry.tokens.take_life(), context);
    let body = token_response(&row, context.now_ms);
    sentry.tokens.add_row(row);
    sentry.counters.token_exchanges += 1;
    Ok(body)
}

fn s256(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()))
}

fn refresh(sentry: &mut Sentry, form: &Pairs, context: &mut Context) -> Result<Value, TokenError> {
    if form.has("scope") {
        return Err(TokenError::InvalidRequest);
    }
    let presented = form.get("refresh_token").ok_or(TokenError::InvalidRequest)?;
    let life = sentry.tokens.take_life();
    let found = sentry.tokens.by_refresh(presented, context.now_ms);
    sentry.refreshes.push(Refresh { at_ms: context.now_ms, token: fingerprint(presented), succeeded: found.is_some() });
    let row = found.ok_or(TokenError::InvalidGrant)?;
    renew(row, life, context);
    let body = token_response(row, context.now_ms);
    sentry.counters.refreshes += 1;
    Ok(body)
}

/// Writes a new pair into the row: whatever stood there is dead.
fn renew(row: &mut TokenRow, life_ms: i64, context: &mut Context) {
    row.access = format!("sntrya_{}", context.random.hex64());
    row.refresh = context.random.hex64(); // only access tokens have a prefix
    row.expires_at_ms = context.now_ms.saturating_add(life_ms);
    context.secrets.note("access_token", &row.access);
    context.secrets.note("refresh_token", &row.refresh);
}

fn token_response(row: &TokenRow, now_ms: i64) -> Value {
    json!({
        "access_token": row.access,
        "refresh_token": row.refresh,
        // A moment passes between writing the row and telling its rest of life: 2591999 and not 2592000.
        "expires_in": row.expires_at_ms.saturating_sub(now_ms) / 1000 - 1,
        "expires_at": super::time::micros(row.expires_at_ms),
        "token_type": "Bearer",
        "scope": row.scopes.join(" "),
        "user": {"id": row.account.id, "name": row.account.name, "email": row.account.email},
    })
}

// ---- revoke, userinfo

fn revoke(sentry: &mut Sentry, request: &Request<Bytes>, context: &Context) -> Response<Bytes> {
    let refuse = |status: u16, error: &str, description: &str| {
        exchange::json(status, &json!({"error": error, "error_description": description}))
    };
    let form = Pairs::parse(request.body());
    if form.text("client_id").is_empty() || form.text("client_secret").is_empty() {
        return refuse(400, "invalid_client", "client_id and client_secret are required");
    }
    if form.text("client_id") != context.options.client_id
        || form.text("client_secret") != context.options.client_secret
    {
        return refuse(401, "invalid_credentials", "Invalid client_id or client_secret");
    }
    let Some(token) = form.get("token").filter(|token| !token.is_empty()) else {
        return refuse(400, "invalid_request", "token is required");
    };
    if !matches!(form.get("token_type_hint"), None | Some("access_token" | "refresh_token")) {
        return refuse(400, "unsupported_token_type", "Unsupported token type");
    }
    sentry.counters.revocations += 1;
    sentry.tokens.revoke(token);
    exchange::text(200, "")
}

fn userinfo(sentry: &mut Sentry, request: &Request<Bytes>, context: &Context) -> Response<Bytes> {
    let presented = super::bearer(request).unwrap_or_default();
    let found = sentry.tokens.by_access(presented).filter(|row| context.now_ms < row.expires_at_ms);
    let Some(row) = found else {
        let body = json!({"error": "invalid_token", "error_description": "Access token not found"});
        return exchange::json(401, &body);
    };
    let has = |scope: &str| row.scopes.iter().any(|known| known == scope);
    if !has("openid") {
        let body = json!({"error": "insufficient_scope", "error_description": "openid scope is required"});
        return exchange::json(403, &body);
    }
    let mut body = json!({"sub": row.account.id});
    if has("profile") {
        body.put("name", row.account.name);
        body.put("avatar_type", 0);
        body.put("avatar_url", Value::Null);
        body.put("date_joined", "2024-03-14T09:26:53.000000Z");
    }
    if has("email") {
        body.put("email", row.account.email);
        body.put("email_verified", true);
    }
    exchange::json(200, &body)
}
