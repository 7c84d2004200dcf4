//! Browsers: which origins may speak to this door, and what their scripts may see.
//!
//! No cookie means anything here, so no page gets anything by being open in somebody's browser: what counts is the token that
//! a script sends, and it had to get that from its user. On https any origin may therefore call: pages, sandboxed frames
//! (`null`), and apps whose pages have a scheme of their own (`tauri://localhost`, `vscode-webview://…`).
//!
//! On plain http, which is a server on somebody's own machine, a rebound name must not reach it (MCP, Streamable HTTP,
//! "Security Warning"). A rebound page has an origin of plain http with a name of its own, and asks for that name. So https
//! and loopback origins may call there, and `null` and apps only when they ask for a loopback host. The host that a request
//! names opens nothing else.

use bytes::Bytes;
use http::uri::Scheme;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, Uri, header};
use url::Url;

use super::refusal::Refusal;
use vedette_sentry::host::is_loopback;

/// What a client may send. `*` stands for every name but `authorization` (Fetch, "CORS non-wildcard request-header name").
const REQUEST_HEADERS: HeaderValue = HeaderValue::from_static(
    "authorization, content-type, accept, mcp-protocol-version, mcp-method, mcp-name, mcp-session-id, last-event-id, *",
);
/// What a script needs to authorize, and to wait.
const RESPONSE_HEADERS: HeaderValue =
    HeaderValue::from_static("WWW-Authenticate, Retry-After, Mcp-Session-Id, Mcp-Protocol-Version");
/// A day: browsers keep it for two hours at most.
const PREFLIGHT_LIFE: HeaderValue = HeaderValue::from_static("86400");

/// The origin of a page that calls `uri`; `None` when none is named, as by every client that is no browser, and when it is
/// nothing that a browser would name.
///
/// # Errors
/// 403 for an origin that may not call.
pub fn origin(uri: &Uri, headers: &HeaderMap) -> Result<Option<HeaderValue>, Refusal> {
    let mut all = headers.get_all(header::ORIGIN).iter();
    let Some(origin) = all.next() else { return Ok(None) };
    let origin = origin.to_str().ok().filter(|_| all.next().is_none()).map(|text| (text, Kind::of(text)));
    let may_call = match origin {
        _ if uri.scheme() == Some(&Scheme::HTTPS) => true,
        Some((_, Kind::Https | Kind::Loopback)) => true,
        Some((_, Kind::App)) => Url::parse(&uri.to_string()).is_ok_and(|asked| is_loopback(&asked)),
        Some((_, Kind::Http | Kind::Other)) | None => false,
    };
    match origin {
        _ if !may_call => Err(Refusal::new(StatusCode::FORBIDDEN, "Pages of this origin may not call this server.")),
        Some((text, Kind::Https | Kind::Loopback | Kind::App | Kind::Http)) => Ok(HeaderValue::from_str(text).ok()),
        Some((_, Kind::Other)) | None => Ok(None),
    }
}

/// What an `Origin` says of its page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Https,
    /// Plain http from this machine, where MCP's own Inspector runs. `*.localhost` too, which browsers resolve to nothing else
    /// (RFC 6761 §6.3): `http://tauri.localhost`.
    Loopback,
    /// Plain http from elsewhere: perhaps a rebound name.
    Http,
    /// `null`, or a scheme of an app's or a browser's own.
    App,
    /// Nothing that a browser sends.
    Other,
}

impl Kind {
    fn of(text: &str) -> Kind {
        if text == "null" {
            return Kind::App;
        }
        let Ok(url) = Url::parse(text) else { return Kind::Other };
        match url.scheme() {
            "https" | "http" if url.origin().ascii_serialization() != text => Kind::Other,
            "https" => Kind::Https,
            "http" if is_loopback(&url) || url.domain().is_some_and(|name| name.ends_with(".localhost")) => {
                Kind::Loopback
            }
            "http" => Kind::Http,
            scheme => {
                let authority = text.strip_prefix(scheme).and_then(|rest| rest.strip_prefix("://"));
                let bare = authority.is_some_and(|rest| rest.bytes().all(|it| it.is_ascii_graphic() && it != b'/'));
                if bare { Kind::App } else { Kind::Other }
            }
        }
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

    const PUBLIC: &str = "https://vedette.example.com/mcp";
    const LOOPBACK: &str = "http://localhost:8787/mcp";
    const LAN: &str = "http://vedette.internal:8787/mcp";

    /// Whether it may call, and what its browser is told.
    fn called(uri: &str, origins: &[&str]) -> Option<Option<String>> {
        let mut headers = HeaderMap::new();
        for origin in origins {
            headers.append(header::ORIGIN, HeaderValue::from_bytes(origin.as_bytes()).unwrap());
        }
        let permitted = origin(&uri.parse().unwrap(), &headers).ok()?;
        Some(permitted.map(|origin| origin.to_str().unwrap().to_owned()))
    }

    #[test]
    fn pages_of_https_and_of_this_machine_may_call_everywhere() {
        for good in [
            "https://vedette.example.com",
            "https://inspector.example",
            "http://localhost:6274",
            "http://127.0.0.1:6274",
            "http://tauri.localhost",
        ] {
            for uri in [PUBLIC, LOOPBACK, LAN] {
                assert_eq!(called(uri, &[good]), Some(Some(good.to_owned())), "{good} to {uri}");
            }
        }
        for uri in [PUBLIC, LOOPBACK, LAN] {
            assert_eq!(called(uri, &[]), Some(None), "no page");
        }
    }

    #[test]
    fn apps_may_call_but_by_a_name_that_could_be_rebound() {
        for app in [
            "null",
            "tauri://localhost",
            "app://.",
            "app://obsidian.md",
            "capacitor://localhost",
            "vscode-webview://0abc1d",
            "vscode-file://vscode-app",
            "chrome-extension://abc",
            "moz-extension://0a-1b",
            "file://",
        ] {
            assert_eq!(called(PUBLIC, &[app]), Some(Some(app.to_owned())), "{app}");
            assert_eq!(called(LOOPBACK, &[app]), Some(Some(app.to_owned())), "{app}");
            assert_eq!(called(LAN, &[app]), None, "{app}");
        }
    }

    #[test]
    fn a_rebound_page_reaches_no_server_of_plain_http() {
        for rebound in [
            "http://rebound.example",
            "http://rebound.example:8787",
            "http://192.168.1.1",
            "http://localhost.rebound.example",
        ] {
            for uri in
                [LOOPBACK, LAN, "http://rebound.example:8787/mcp", "http://192.168.1.1/mcp", "http://127.0.0.1/mcp"]
            {
                assert_eq!(called(uri, &[rebound]), None, "{rebound} to {uri}");
            }
            assert_eq!(called(PUBLIC, &[rebound]), Some(Some(rebound.to_owned())));
        }
    }

    #[test]
    fn what_is_no_origin_is_told_to_no_browser() {
        for odd in [
            "",
            "https://inspector.example/",
            "https://inspector.example/path",
            "https://user@inspector.example",
            "file:///etc/passwd",
            "inspector.example",
            "localhost:6274",
            "javascript:alert(1)",
            "HTTPS://INSPECTOR.EXAMPLE",
            "https://inspector.example https://evil.example",
            "https://caf\u{e9}.example",
        ] {
            assert_eq!(called(PUBLIC, &[odd]), Some(None), "{odd}");
            assert_eq!(called(LOOPBACK, &[odd]), None, "{odd}");
        }
        assert_eq!(called(PUBLIC, &["https://a.example", "https://b.example"]), Some(None));
        assert_eq!(called(LOOPBACK, &["https://a.example", "https://b.example"]), None);
    }
}
