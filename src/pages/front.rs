//! What anybody finds here without being led: the first page, and the files that browsers, crawlers and agents ask for by
//! their well-known names.
//!
//! The same bytes for everybody, so pages of other origins may read what machines are meant to read, and caches may keep all
//! but the first page. What is said depends on the configuration and on the host that is asked; caches keep hosts apart.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, header};
use url::Url;

use super::{home, method_not_allowed};
use crate::config::Config;
use crate::mcp::media::weight;

/// The paths, without their slash.
pub const PATHS: [&str; 6] = ["", "llms.txt", "mcp.json", "robots.txt", "favicon.ico", "favicon.svg"];

/// For what a deployment changes.
const MINUTES: HeaderValue = HeaderValue::from_static("public, max-age=300");
/// For what a release changes.
const DAY: HeaderValue = HeaderValue::from_static("public, max-age=86400");

const TEXT: &str = "text/plain; charset=utf-8";
const MARKDOWN: &str = "text/markdown; charset=utf-8";

/// For crawlers (RFC 9309): every address but those that belong to somebody's errand. The longest rule that fits holds, so
/// `/mcp.json` is open although `/mcp` is not.
const ROBOTS: &str = "User-agent: *\nAllow: /mcp.json\nDisallow: /account\nDisallow: /api/\nDisallow: /connect/\n\
                      Disallow: /mcp\nDisallow: /oauth/\nDisallow: /slack/\nDisallow: /sse\n";

/// The emblem on a tile. The `.ico` holds the same in 16, 32 and 48 pixels (`scripts/favicon.mjs` makes it), for whoever
/// asks for that name without having read a page: browsers that show a text, readers of `/mcp.json`, Safari.
const ICON: &str = include_str!("favicon.svg");
const OLD_ICON: &[u8] = include_bytes!("favicon.ico");

/// Answers a request to one of [`PATHS`]; `HEAD` comes as `GET`.
pub fn answer(config: &Config, method: &Method, headers: &HeaderMap, origin: &Url, name: &str) -> Response<Bytes> {
    if *method != Method::GET {
        return method_not_allowed(&[Method::GET, Method::HEAD]).into_response();
    }
    match name {
        "llms.txt" => open(file(TEXT, home::markdown(config, origin), MINUTES)),
        "mcp.json" => open(file("application/json", format!("{:#}\n", home::mcp_json(config, origin)), MINUTES)),
        "robots.txt" => open(file(TEXT, ROBOTS, DAY)),
        "favicon.svg" => file("image/svg+xml", ICON, DAY),
        "favicon.ico" => file("image/x-icon", OLD_ICON, DAY),
        _ => first_page(config, headers, origin),
    }
}

fn first_page(config: &Config, headers: &HeaderMap, origin: &Url) -> Response<Bytes> {
    let mut response = if prefers_markdown(headers) {
        file(MARKDOWN, home::markdown(config, origin), HeaderValue::from_static("no-store"))
    } else {
        home::home(config, origin).into_response()
    };
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept"));
    response
}

fn file(content_type: &'static str, body: impl Into<Bytes>, cache: HeaderValue) -> Response<Bytes> {
    let mut response = Response::new(body.into());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, cache);
    response
}

/// Lets pages of any origin read it.
fn open(mut response: Response<Bytes>) -> Response<Bytes> {
    response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

/// Whether `Accept` names Markdown and likes it at least as well as HTML (RFC 9110 §12.5.1). No browser names it, and
/// `*/*` alone is a browser's or a tool's way to say nothing.
fn prefers_markdown(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let ranges: Vec<(String, u16)> = lines
        .flat_map(|line| line.split(','))
        .map(|range| {
            let (kind, parameters) = range.split_once(';').unwrap_or((range, ""));
            (kind.trim().to_ascii_lowercase(), weight(parameters))
        })
        .collect();
    let liking = |kind: &str| ranges.iter().filter(|(range, _)| range == kind).map(|(_, weight)| *weight).max();
    let Some(markdown) = liking("text/markdown") else { return false };
    let html = ["text/html", "text/*", "*/*"].into_iter().find_map(liking).unwrap_or_default();
    markdown > 0 && markdown >= html
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefers(accept: &[&'static str]) -> bool {
        let mut headers = HeaderMap::new();
        for value in accept {
            headers.append(header::ACCEPT, HeaderValue::from_static(value));
        }
        prefers_markdown(&headers)
    }

    #[test]
    fn who_names_markdown_gets_it_unless_html_is_liked_better() {
        for yes in [
            "text/markdown",
            "Text/Markdown; charset=utf-8",
            "text/markdown, text/html, */*",
            "text/html, text/markdown",
            "text/markdown;q=1.0, text/x-markdown;q=0.9, text/plain;q=0.8, text/html;q=0.7, */*;q=0.1",
            "text/html;q=0.5, text/markdown;q=0.6",
            "text/markdown;q=0.2, text/html;q=0",
        ] {
            assert!(prefers(&[yes]), "{yes}");
        }
        for no in [
            "",
            "*/*",
            "text/*",
            "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8",
            "text/markdown;q=0",
            "text/markdown;q=0, */*",
            "text/markdown;q=0.5, text/html",
            "text/markdown;q=0.5, text/html;q=0.501",
            "text/markdown;q=0.5, */*",
            "text/markdownish",
            "application/json",
        ] {
            assert!(!prefers(&[no]), "{no}");
        }
        assert!(!prefers(&[]));
        assert!(prefers(&["text/html;q=0.1", "text/markdown"]));
        assert!(!prefers(&["text/markdown;q=0.1", "text/html"]));
    }

    /// What RFC 9309 §2.2.2 makes of [`ROBOTS`].
    fn may_crawl(path: &str) -> bool {
        let rules = ROBOTS.lines().filter_map(|line| line.split_once(": ")).filter(|(name, _)| *name != "User-agent");
        let fitting = rules.filter(|(_, prefix)| path.starts_with(prefix));
        fitting.max_by_key(|(name, prefix)| (prefix.len(), *name == "Allow")).is_none_or(|(name, _)| name == "Allow")
    }

    #[test]
    fn crawlers_may_read_what_is_for_everybody_and_nothing_else() {
        for open in ["/", "/llms.txt", "/mcp.json", "/robots.txt", "/favicon.ico", "/favicon.svg", "/health"] {
            assert!(may_crawl(open), "{open}");
        }
        assert!(may_crawl("/.well-known/oauth-protected-resource/mcp"));
        for closed in [
            "/mcp",
            "/mcp/globex/checkout-api",
            "/mcp?skills=inspect",
            "/sse",
            "/account",
            "/connect/7Qm1",
            "/oauth/authorize",
            "/oauth/callback",
            "/api/auth/status",
            "/api/oauth/callback/sentry",
            "/slack/events",
        ] {
            assert!(!may_crawl(closed), "{closed}");
        }
    }

    #[test]
    fn both_icons_are_what_they_say() {
        assert!(ICON.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\"") && !ICON.contains("script"));
        for shape in super::super::layout::EMBLEM {
            assert!(ICON.contains(shape), "the tile shows another emblem than the pages: {shape}");
        }
        // ICONDIR: reserved, type, count; then 16 bytes an entry, whose last two words are size and offset.
        assert_eq!(OLD_ICON[..6], [0, 0, 1, 0, 3, 0]);
        for (index, pixels) in [16, 32, 48].into_iter().enumerate() {
            let entry = &OLD_ICON[6 + 16 * index..][..16];
            let word = |at: usize| u32::from_le_bytes(entry[at..at + 4].try_into().unwrap()) as usize;
            assert_eq!(entry[..2], [pixels, pixels]);
            let image = &OLD_ICON[word(12)..word(12) + word(8)];
            assert!(image.starts_with(b"\x89PNG\r\n\x1a\n"));
            assert_eq!(image[16..24], [0, 0, 0, pixels, 0, 0, 0, pixels]);
        }
        assert!(OLD_ICON.len() < 6_000, "{}", OLD_ICON.len());
    }
}
