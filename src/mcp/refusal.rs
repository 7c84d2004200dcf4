//! A request that gets no result at all: one HTTP status, one JSON-RPC error, and what a client needs to mend it.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use rmcp::model::{ErrorCode, ErrorData, JsonRpcError, RequestId};

use super::constraint::Endpoint;
use super::era::Era;
use crate::config::Problem;
use crate::limits::{self, TooMany};
use crate::reply::whole_seconds;
use crate::sessions::terms::reading_scopes;

/// JSON-RPC leaves -32000 to -32019 to servers: the request was refused before or instead of its method. 2026-07-28 keeps them
/// for what was there before it ([`Refusal::of_era`]).
const REFUSED: ErrorCode = ErrorCode(-32000);
/// When to try again what the configuration prevents, in seconds.
const RETRY_CONFIGURATION: u64 = 300;

/// The scheme of the `Authorization` that a caller used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Our own access tokens (RFC 6750).
    Bearer,
    /// A token of Sentry's.
    SentryBearer,
}

/// Why, and what to say.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The response's status.
    pub status: StatusCode,
    error: Box<ErrorData>,
    id: Option<RequestId>,
    challenge: Option<String>,
    retry_after: Option<u64>,
    allow: Option<&'static str>,
}

impl Refusal {
    /// A refusal that says `sentence`.
    pub fn new(status: StatusCode, sentence: impl Into<String>) -> Refusal {
        Refusal::with(status, ErrorData::new(REFUSED, sentence.into(), None))
    }

    /// A refusal with an error of the protocol's.
    pub fn with(status: StatusCode, error: ErrorData) -> Refusal {
        Refusal { status, error: Box::new(error), id: None, challenge: None, retry_after: None, allow: None }
    }

    /// 401: nothing was presented. One challenge, which leads to the authorization server (RFC 9728 §5.1), with the scopes to
    /// ask for there (MCP 2025-11-25, "Protected Resource Metadata Discovery Requirements"): those of the resource's metadata.
    pub fn no_credential(endpoint: &Endpoint) -> Refusal {
        let sentence =
            "Sign in first: this server takes an OAuth access token, or `Authorization: Sentry-Bearer <token>`.";
        Refusal::new(StatusCode::UNAUTHORIZED, sentence).challenging(challenge(
            endpoint,
            Scheme::Bearer,
            &[("scope", &reading_scopes().join(" "))],
        ))
    }

    /// 401: what was presented is no good (any more). Clients authorize anew by themselves when they see it, for these scopes.
    pub fn invalid_token(endpoint: &Endpoint, scheme: Scheme, sentence: &'static str) -> Refusal {
        let scopes = reading_scopes().join(" ");
        let details = [("error", "invalid_token"), ("error_description", sentence), ("scope", scopes.as_str())];
        let challenge = challenge(endpoint, scheme, &details);
        Refusal::new(StatusCode::UNAUTHORIZED, sentence).challenging(challenge)
    }

    /// 403: the credential is good, and lacks the scopes `missing` (RFC 6750 §3.1). The challenge names those that it is known
    /// to have too, so that a client that authorizes for exactly these loses nothing (MCP 2025-11-25, "Step-Up Authorization").
    pub fn insufficient_scope(endpoint: &Endpoint, scheme: Scheme, missing: &[String], held: &[String]) -> Refusal {
        let sentence = format!("This needs a permission that the credential does not have: {}.", missing.join(" "));
        let scopes: BTreeSet<&str> = missing.iter().chain(held).map(String::as_str).collect();
        let scopes = Vec::from_iter(scopes).join(" ");
        let details =
            [("error", "insufficient_scope"), ("error_description", "Not permitted yet"), ("scope", scopes.as_str())];
        let challenge = challenge(endpoint, scheme, &details);
        Refusal::new(StatusCode::FORBIDDEN, sentence).challenging(challenge)
    }

    /// 503, with the time to try again that Sentry asked for.
    pub fn waiting(sentence: impl Into<String>, wait: Duration) -> Refusal {
        Refusal::unavailable(sentence, whole_seconds(wait))
    }

    /// 503, with the time to try again.
    pub fn unavailable(sentence: impl Into<String>, retry_after: u64) -> Refusal {
        Refusal { retry_after: Some(retry_after), ..Refusal::new(StatusCode::SERVICE_UNAVAILABLE, sentence) }
    }

    /// 429: too many requests.
    pub fn too_many(TooMany { retry_after }: TooMany) -> Refusal {
        let refusal = Refusal::new(StatusCode::TOO_MANY_REQUESTS, limits::SENTENCE);
        Refusal { retry_after: Some(retry_after.into()), ..refusal }
    }

    /// 503: a variable is missing or malformed.
    pub fn not_configured(problem: Problem) -> Refusal {
        Refusal::unavailable(format!("This server is not set up completely: {problem}."), RETRY_CONFIGURATION)
    }

    /// 405: nothing is kept here that could be streamed or deleted.
    pub fn method_not_allowed() -> Refusal {
        let sentence = "Send each message with POST. There are no sessions at this address, so there is no stream to open and \
                        nothing to delete; a client that begins with a stream finds one at /sse.";
        Refusal { allow: Some("POST, OPTIONS"), ..Refusal::new(StatusCode::METHOD_NOT_ALLOWED, sentence) }
    }

    /// 405 of the legacy transport: a stream is opened here, and nothing else done without one.
    pub fn only_a_stream() -> Refusal {
        let sentence = "Open a stream with GET; it says where to POST messages. Newer clients use /mcp.";
        Refusal { allow: Some("GET, OPTIONS"), ..Refusal::new(StatusCode::METHOD_NOT_ALLOWED, sentence) }
    }

    /// The same, as the answer to the request with this id.
    pub fn answering(mut self, id: RequestId) -> Refusal {
        self.id.get_or_insert(id);
        self
    }

    /// The same with the code that its era has for it: in 2026-07-28 the status, which is outside of all reserved ranges.
    pub fn of_era(mut self, era: Era) -> Refusal {
        if era == Era::Modern && self.error.code == REFUSED {
            self.error.code = ErrorCode(self.status.as_u16().into());
        }
        self
    }

    /// The same for another request, if it is about a scope that the credential lacks.
    pub fn of_missing_scope(&self) -> Option<Refusal> {
        let about_scope = self.status == StatusCode::FORBIDDEN && self.challenge.is_some();
        about_scope.then(|| Refusal { id: None, ..self.clone() })
    }

    /// The same as a message, for where no response can be sent any more.
    pub fn into_message(self) -> serde_json::Value {
        serde_json::json!(JsonRpcError::new(self.id, *self.error))
    }

    fn challenging(self, challenge: String) -> Refusal {
        Refusal { challenge: Some(challenge), ..self }
    }

    /// The response.
    pub fn into_response(self) -> Response<Bytes> {
        let body = serde_json::to_vec(&JsonRpcError::new(self.id, *self.error)).unwrap_or_default();
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(challenge) = self.challenge.and_then(|challenge| HeaderValue::try_from(challenge).ok()) {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(allow) = self.allow {
            headers.insert(header::ALLOW, HeaderValue::from_static(allow));
        }
        response
    }
}

/// `Scheme realm="Vedette", name="value", …`: quoted strings (RFC 9110 §11.6.1), so nothing may close them. The last one leads
/// to the resource's metadata, whatever the scheme (RFC 9728 §5.1).
fn challenge(endpoint: &Endpoint, scheme: Scheme, details: &[(&str, &str)]) -> String {
    let scheme = match scheme {
        Scheme::Bearer => "Bearer",
        Scheme::SentryBearer => "Sentry-Bearer",
    };
    let metadata = endpoint.metadata_url();
    let mut text = format!("{scheme} realm=\"Vedette\"");
    for (name, value) in details.iter().copied().chain([("resource_metadata", metadata.as_str())]) {
        let plain: String = value.chars().filter(|it| (' '..='~').contains(it) && !matches!(it, '"' | '\\')).collect();
        text.push_str(&format!(", {name}=\"{plain}\""));
    }
    text
}
