//! Browsers: which origins may speak to this door, and what their scripts may see.
//!
//! No cookie means anything here, so no page gets anything by being open in somebody's browser: what counts is the token that
//! a script sends, and it had to get that from its user. Any https origin may therefore call, and a loopback one, where MCP's
//! own Inspector runs. Refused is what no honest client sends: `null`, an origin that is none, and plain http from elsewhere,
//! which is how a rebound name reaches a server on somebody's own machine (MCP, Streamable HTTP, "Security Warning"). The
//! host that a request names opens nothing: a rebound page names its own. Our own pages are https ones or loopback ones.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use url::Url;

use super::refusal::Refusal;
use crate::sentry::host::is_loopback;

/// What a client may send. `*` stands for every name but `authorization` (Fetch, "CORS non-wildcard request-header name").
const REQUEST_HEADERS: HeaderValue = HeaderValue::from_static(
    "authorization, content-type, accept, mcp-protocol-version, mcp-method, mcp-name, mcp-session-id, last-event-id, *",
);
/// What a script needs to authorize, and to wait.
const RESPONSE_HEADERS: HeaderValue =
    HeaderValue::from_static("WWW-Authenticate, Retry-After, Mcp-Session-Id, Mcp-Protocol-Version");
/// A day: browsers keep it for two hours at most.
const PREFLIGHT_LIFE: HeaderValue = HeaderValue::from_static("86400");

/// The origin of a page that calls; `None` when none is named, as by every client that is no browser.
///
/// # Errors
/// 403 for an origin that may not call.
pub fn origin(headers: &HeaderMap) -> Result<Option<HeaderValue>, Refusal> {
    let mut all = headers.get_all(header::ORIGIN).iter();
    let Some(origin) = all.next() else { return Ok(None) };
    let url = origin.to_str().ok().and_then(|text| Url::parse(text).ok().map(|url| (text, url)));
    let permitted = url.is_some_and(|(text, url)| {
        let itself = url.origin().ascii_serialization() == text;
        itself && (url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url)))
    });
    if permitted && all.next().is_none() {
        Ok(Some(origin.clone()))
    } else {
        Err(Refusal::new(StatusCode::FORBIDDEN, "Pages of this origin may not call this server."))
    }
}

/// The answer to a preflight.
pub fn preflight() -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    // GET and DELETE get their 405 rather than an error without a status.
    let methods = HeaderValue::from_static("POST, GET, DELETE");
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT_LIFE);
    headers.insert(header::ALLOW, HeaderValue::from_static("POST, OPTIONS"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Lets the page at `origin` read the response.
pub fn permit(response: &mut Response<Bytes>, origin: Option<HeaderValue>) {
    let headers = response.headers_mut();
    const VARY: (HeaderName, HeaderValue) = (header::VARY, HeaderValue::from_static("Origin"));
    headers.append(VARY.0, VARY.1);
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, RESPONSE_HEADERS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may_call(origins: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        for origin in origins {
            headers.append(header::ORIGIN, HeaderValue::from_bytes(origin.as_bytes()).unwrap());
        }
        origin(&headers).is_ok()
    }

    #[test]
    fn https_and_loopback_pages_may_call_and_no_others() {
        for good in [
            "https://vedette.example.com",
            "https://inspector.example",
            "http://localhost:6274",
            "http://127.0.0.1:6274",
        ] {
            assert!(may_call(&[good]), "{good}");
        }
        for bad in [
            "null",
            "",
            "http://rebound.example",
            "http://vedette.internal:8787",
            "http://localhost.rebound.example",
            "http://192.168.1.1",
            "https://inspector.example/",
            "https://inspector.example/path",
            "https://user@inspector.example",
            "file:///etc/passwd",
            "chrome-extension://abc",
            "inspector.example",
            "HTTPS://INSPECTOR.EXAMPLE",
            "https://inspector.example https://evil.example",
            "https://caf\u{e9}.example",
        ] {
            assert!(!may_call(&[bad]), "{bad}");
        }
        assert!(!may_call(&["https://a.example", "https://b.example"]));
        assert!(may_call(&[]));
    }
}
