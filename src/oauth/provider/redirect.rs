//! Redirect URIs: which may be registered, and which of a request are the registered one.
//!
//! Everything is decided on the text as it was sent, before any parser makes it nicer: what browsers and `Url` repair on
//! their way (tabs, backslashes, upper case, dot segments) is how a check is got around.

use url::Url;

use vedette_sentry::host::is_loopback;

/// The longest accepted redirect URI, in bytes.
pub const MAX_REDIRECT: usize = 512;

/// Schemes without a dot of well-known MCP clients. Any other such name could be anybody's: something that runs or shows what
/// follows it, or an application that was never meant.
const KNOWN: [&str; 18] = [
    "claude",
    "code-oss",
    "cursor",
    "goose",
    "jetbrains",
    "kiro",
    "lmstudio",
    "raycast",
    "trae",
    "vscode",
    "vscode-insiders",
    "vscodium",
    "warp",
    "warppreview",
    "windsurf",
    "windsurf-next",
    "zed",
    "zed-preview",
];

/// How a client's redirect URI reaches it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaches {
    /// `https`.
    Web,
    /// `http` on a loopback host (RFC 8252 §7.3).
    Loopback,
    /// A private-use scheme (RFC 8252 §7.1): a reversed domain name, which has a dot, or the plain name of a well-known client
    /// ([`KNOWN`]), followed by `://`. What protects such a client, whose scheme any application on the computer can claim, is
    /// PKCE, which it must use, and the page, which names the scheme.
    PrivateScheme,
}

/// Reads a redirect URI; `Err` is what is wrong with it, to follow "redirect_uri".
///
/// # Errors
/// When no client may have it.
pub fn check(text: &str) -> Result<Reaches, &'static str> {
    if text.len() > MAX_REDIRECT {
        return Err("is longer than 512 bytes");
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("has a character that is not printable ASCII");
    }
    if text.contains(['*', '\\', '"', '<', '>', '^', '`', '{', '|', '}']) {
        return Err("has a wildcard or another character that a URI cannot have");
    }
    if text.contains('#') {
        return Err("has a fragment");
    }
    let Some((scheme, rest)) = text.split_once(':') else { return Err("is not absolute") };
    let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.');
    if !scheme.starts_with(|first: char| first.is_ascii_lowercase()) || !scheme.bytes().all(letters) {
        return Err("has a scheme that is not in lower case, or none");
    }
    let Ok(url) = Url::parse(text) else { return Err("is not a URI") };
    if !url.username().is_empty() || url.password().is_some() || authority(rest).is_some_and(|it| it.contains('@')) {
        return Err("has a user name");
    }
    match scheme {
        "https" | "http" if !rest.starts_with("//") => Err("has no host"),
        // What the parser repairs would be compared as one thing and visited as another.
        "https" | "http" if !same_as_sent(text, &url) => Err("is not in its normal form"),
        "https" => Ok(Reaches::Web),
        "http" if is_loopback(&url) => Ok(Reaches::Loopback),
        "http" => Err("is http beyond the loopback host: use https"),
        scheme if scheme.contains('.') || (KNOWN.contains(&scheme) && rest.starts_with("//")) => {
            Ok(Reaches::PrivateScheme)
        }
        _ => Err("has a scheme that is neither https nor an application's own, which has a dot (com.example.app)"),
    }
}

/// Whether `requested` is the registered redirect URI: the same text, but for the port of a loopback host, which such a
/// client learns only when it starts to listen (RFC 8252 §7.3).
pub fn matches(registered: &str, requested: &str) -> bool {
    if registered == requested {
        return true;
    }
    if check(registered) != Ok(Reaches::Loopback) || check(requested) != Ok(Reaches::Loopback) {
        return false;
    }
    match (without_port(registered), without_port(requested)) {
        (Some(one), Some(other)) => one == other,
        _ => false,
    }
}

fn same_as_sent(text: &str, url: &Url) -> bool {
    let normal = url.as_str();
    // A default port and a missing slash for the path are left as they are.
    let bare = |text: &str| text.strip_suffix('/').unwrap_or(text).to_owned();
    bare(text) == bare(normal) || without_port(text).zip(without_port(normal)).is_some_and(|(a, b)| a == b)
}

/// Scheme, host, path and query.
fn without_port(text: &str) -> Option<(&str, &str, &str)> {
    let (scheme, rest) = text.split_once("://")?;
    let authority = authority(text.strip_prefix(scheme)?.strip_prefix(':')?)?;
    let (_, tail) = rest.split_at_checked(authority.len())?;
    let host = match authority.rfind(']') {
        Some(end) => authority.split_at_checked(end + 1)?.0,
        None => authority.split(':').next()?,
    };
    Some((scheme, host, tail))
}

fn authority(rest: &str) -> Option<&str> {
    rest.strip_prefix("//")?.split(['/', '?']).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn web_loopback_and_private_schemes_may_be_registered_case_37() {
        for (text, reaches) in [
            ("https://claude.ai/api/mcp/auth_callback", Reaches::Web),
            ("https://example.com", Reaches::Web),
            ("https://example.com:8443/cb?a=b", Reaches::Web),
            ("http://localhost/callback", Reaches::Loopback),
            ("http://localhost:80/callback", Reaches::Loopback),
            ("http://127.0.0.1:33418", Reaches::Loopback),
            ("http://127.0.0.1:33418/", Reaches::Loopback),
            ("http://[::1]:1/cb", Reaches::Loopback),
            ("cursor://anysphere.cursor-mcp/oauth/user-agent/callback", Reaches::PrivateScheme),
            ("com.example.app:/cb", Reaches::PrivateScheme),
        ] {
            assert_eq!(check(text), Ok(reaches), "{text}");
        }
    }

    #[test]
    fn what_well_known_clients_register_may_be_registered() {
        for text in [
            "https://claude.ai/api/mcp/auth_callback",
            "https://claude.com/api/mcp/auth_callback",
            "https://chatgpt.com/connector_platform_oauth_redirect",
            "https://chatgpt.com/connector/oauth/abc-DEF_123",
            "https://vscode.dev/redirect",
            "https://insiders.vscode.dev/redirect",
            "http://127.0.0.1/",
            "http://127.0.0.1:33418",
            "http://localhost:3118/callback",
            "http://localhost:1455/auth/callback",
            "http://localhost:6274/oauth/callback/debug",
            "http://127.0.0.1:19876/mcp/oauth/callback",
            "cursor://anysphere.cursor-mcp/oauth/callback",
            "cursor://anysphere.cursor-retrieval/oauth/user-sentry/callback",
            "vscode://vscode.github-authentication/did-authenticate",
            "vscode-insiders://vscode.microsoft-authentication",
            "vscodium://host/path",
            "windsurf://codeium.windsurf/oauth/callback",
            "claude://oauth/callback",
            "warp://mcp/oauth2callback",
            "zed://mcp/oauth",
            "com.raycast:/oauth?package_name=Extension",
            "raycast://oauth?package_name=Extension",
        ] {
            assert!(check(text).is_ok(), "{text}: {:?}", check(text));
        }
    }

    #[test]
    fn fragments_wildcards_user_names_and_plain_http_may_not_b8_b13() {
        for text in [
            "https://example.com/cb#frag",
            "https://*.example.com/cb",
            "https://user@example.com/cb",
            "https://user:pass@example.com/cb",
            "https://@example.com/cb",
            "http://example.com/cb",
            "http://127.0.0.1.example.com/cb",
            "http://localhost.example.com/cb",
            "http://evil@127.0.0.1:9/cb",
            "http://127.0.0.1:9/cb#frag",
            "app://user@host/cb",
            "app:cb",
            "/cb",
            "",
            "cb",
            "//example.com/cb",
            "https:example.com",
            "https:///example.com",
            "https://",
            "https://example.com/a/../cb",
            "https://EXAMPLE.com/cb",
            "https://example.com\\cb",
            "https://exämple.com/cb",
            &format!("https://example.com/{}", "a".repeat(600)),
        ] {
            assert!(check(text).is_err(), "{text}");
        }
    }

    #[test]
    fn schemes_that_run_or_show_something_may_not_cases_34_35() {
        assert!(KNOWN.is_sorted());
        for scheme in [
            "javascript",
            "data",
            "vbscript",
            "file",
            "blob",
            "about",
            "mailto",
            "tel",
            "sms",
            "intent",
            "ms-msdt",
            "view-source",
            "chrome-extension",
            "ws",
            "ssh",
            "search-ms",
            "urn",
            "myapp",
            "x",
            "anything",
            "cursors",
        ] {
            for text in [format!("{scheme}:x"), format!("{scheme}://x/y"), format!("{}:x", scheme.to_uppercase())] {
                assert!(check(&text).is_err(), "{text}");
            }
        }
        for text in ["JaVaScRiPt:alert(1)", " javascript:x", "\tjavascript:x", "\njavascript:x", "java\nscript:x"] {
            assert!(check(text).is_err(), "{text:?}");
        }
        for text in ["https://a.example/\0cb", "https://a.example/\u{85}cb", "https://a.example/c\tb"] {
            assert!(check(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_loopback_client_may_listen_on_any_port_case_49() {
        for host in ["127.0.0.1", "localhost", "[::1]"] {
            let registered = format!("http://{host}:1/cb");
            for requested in [format!("http://{host}:9/cb"), format!("http://{host}/cb")] {
                assert!(matches(&registered, &requested), "{requested}");
                assert!(matches(&requested, &registered), "{requested}");
            }
        }
    }

    #[test]
    fn everything_else_must_be_the_registered_text_cases_33_50_51() {
        let loopback = "http://127.0.0.1:1/cb?a=b";
        for other in [
            "http://127.0.0.1:1/cc?a=b",
            "http://127.0.0.1:1/cb?a=c",
            "http://127.0.0.1:1/cb",
            "http://127.0.0.2:1/cb?a=b",
            "http://localhost:1/cb?a=b",
            "http://[::1]:1/cb?a=b",
            "https://127.0.0.1:1/cb?a=b",
            "http://x@127.0.0.1:9/cb?a=b",
            "http://127.0.0.1:9/cb?a=b#x",
            "http://127.0.0.1:1/CB?a=b",
        ] {
            assert!(!matches(loopback, other), "{other}");
        }
        let web = "https://example.com/cb";
        for other in [
            "https://example.com:444/cb",
            "https://example.com/cb/",
            "https://example.com/Cb",
            "https://example.com/cb?a",
        ] {
            assert!(!matches(web, other), "{other}");
        }
        assert!(matches(web, web));
    }
}
