//! Answers to clients: JSON, never cached, open to browser-based clients of any origin.
//!
//! These endpoints know a client by what it sends, never by a cookie, so `Access-Control-Allow-Origin: *` gives no page
//! anything that it could not ask for itself; and an answer that is the same for every origin needs no `Vary` (B10).

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use crate::limits::{self, TooMany};

/// An error of RFC 6749 §5.2 and its relatives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OAuthError {
    /// The status.
    pub status: StatusCode,
    /// The error code.
    pub code: &'static str,
    /// For the client's developer; none of it comes from the request.
    pub description: String,
    /// Whether the client tried Basic, and is told to (RFC 6749 §5.2).
    pub challenge: bool,
    /// In how many seconds another try helps.
    pub retry_after: Option<u32>,
}

impl From<TooMany> for OAuthError {
    fn from(TooMany { retry_after }: TooMany) -> OAuthError {
        let error = OAuthError::new("temporarily_unavailable", limits::SENTENCE);
        OAuthError { retry_after: Some(retry_after), ..error.with_status(StatusCode::TOO_MANY_REQUESTS) }
    }
}

impl OAuthError {
    /// A 400.
    pub fn new(code: &'static str, description: impl Into<String>) -> OAuthError {
        OAuthError {
            status: StatusCode::BAD_REQUEST,
            code,
            description: description.into(),
            challenge: false,
            retry_after: None,
        }
    }

    /// The same with another status.
    #[must_use]
    pub fn with_status(self, status: StatusCode) -> OAuthError {
        let retry_after = (status == StatusCode::SERVICE_UNAVAILABLE).then_some(5);
        OAuthError { status, retry_after, ..self }
    }

    /// The response.
    pub fn into_response(self) -> Response<Bytes> {
        let mut response =
            json_response(self.status, &json!({"error": self.code, "error_description": self.description}));
        let headers = response.headers_mut();
        if self.challenge {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"Vedette\""));
        }
        if self.status == StatusCode::METHOD_NOT_ALLOWED {
            headers.insert(header::ALLOW, HeaderValue::from_static("POST, OPTIONS"));
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// A JSON answer that is not cached (RFC 6749 §5.1).
pub fn json_response(status: StatusCode, body: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    not_cached(headers);
    open_to_browsers(headers);
    response
}

/// An empty 200 (RFC 7009 §2.2).
pub fn empty() -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    not_cached(response.headers_mut());
    open_to_browsers(response.headers_mut());
    response
}

/// The longest list of headers that a preflight is given back, in bytes: Cloudflare lets a request have 128 KiB of headers.
const MAX_REQUESTED_HEADERS: usize = 2_048;

/// The answer to a browser that asks whether it may (CORS preflight). Any header may be sent, such as those that tracing adds:
/// what these endpoints do not read changes nothing. The names are given back, because `*` does not stand for `Authorization`.
pub fn preflight(asked: &HeaderMap) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    open_to_browsers(headers);
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, OPTIONS"));
    let usual = HeaderValue::from_static("Authorization, Content-Type, MCP-Protocol-Version");
    let allowed = asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS).filter(|list| are_header_names(list));
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, allowed.cloned().unwrap_or(usual));
    headers.insert(header::VARY, HeaderValue::from_static("Access-Control-Request-Headers"));
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    response
}

/// Whether this is a list of header names that can be given back.
fn are_header_names(list: &HeaderValue) -> bool {
    let name = |name: &str| HeaderName::from_bytes(name.trim().as_bytes()).is_ok();
    list.len() <= MAX_REQUESTED_HEADERS && list.to_str().is_ok_and(|list| list.split(',').all(name))
}

/// Lets scripts of any origin read the answer.
pub fn open_to_browsers(headers: &mut HeaderMap) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("WWW-Authenticate, Retry-After"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("cross-origin"));
}

fn not_cached(headers: &mut HeaderMap) {
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
}
