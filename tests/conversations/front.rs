//! What people and agents find without being led: `/` and the files with well-known names (P15, P20).

use bytes::Bytes;
use http::{Method, Request, Response};
use serde_json::Value;

use crate::browser::text;
use crate::world::{APP, Platform, variables};

fn ask(platform: &Platform, method: Method, url: &str, accept: Option<&str>) -> Response<Bytes> {
    let mut request = Request::builder().method(method).uri(url);
    if let Some(accept) = accept {
        request = request.header("accept", accept);
    }
    platform.request(request.body(Bytes::new()).unwrap())
}

fn get(platform: &Platform, path: &str) -> Response<Bytes> {
    ask(platform, Method::GET, &format!("{APP}{path}"), None)
}

fn header<'a>(response: &'a Response<Bytes>, name: &str) -> &'a str {
    response.headers().get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
}

const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8";

#[test]
fn a_browser_gets_the_page_and_an_agent_the_same_as_markdown() {
    let platform = Platform::new();
    let first = |accept| ask(&platform, Method::GET, APP, accept);
    for (accept, expected) in [
        (None, "text/html; charset=utf-8"),
        (Some(BROWSER), "text/html; charset=utf-8"),
        (Some("*/*"), "text/html; charset=utf-8"),
        (Some("text/markdown;q=0.5, text/html"), "text/html; charset=utf-8"),
        (Some("text/markdown"), "text/markdown; charset=utf-8"),
        (Some("text/markdown, text/html;q=0.9, */*;q=0.1"), "text/markdown; charset=utf-8"),
    ] {
        let response = first(accept);
        assert_eq!((response.status().as_u16(), header(&response, "content-type")), (200, expected), "{accept:?}");
        assert_eq!(
            (header(&response, "vary"), header(&response, "cache-control")),
            ("Accept", "no-store"),
            "{accept:?}"
        );
    }
    assert_eq!(first(Some("text/markdown")).body(), get(&platform, "/llms.txt").body());
    assert!(text(&first(None)).contains(&format!("{APP}/mcp")));
}

#[test]
fn a_machine_finds_the_address_that_metadata_and_door_agree_on() {
    let platform = Platform::new();
    let response = get(&platform, "/mcp.json");
    let described: Value = serde_json::from_slice(response.body()).unwrap();
    let url = described["mcpServers"]["sentry"]["url"].as_str().unwrap();
    assert_eq!(described["endpoint"], url);
    assert_eq!(get(&platform, described["icon"].as_str().unwrap()).status(), 200);

    let metadata = get(&platform, "/.well-known/oauth-protected-resource/mcp");
    let metadata: Value = serde_json::from_slice(metadata.body()).unwrap();
    assert_eq!(metadata["resource"], url);
    assert_eq!(ask(&platform, Method::POST, url, None).status(), 401);
}

#[test]
fn well_known_files_have_their_types_and_may_be_kept_and_read_from_anywhere() {
    let platform = Platform::new();
    for (path, kind, open) in [
        ("/llms.txt", "text/plain; charset=utf-8", "*"),
        ("/mcp.json", "application/json", "*"),
        ("/robots.txt", "text/plain; charset=utf-8", "*"),
        ("/favicon.svg", "image/svg+xml", ""),
        ("/favicon.ico", "image/x-icon", ""),
    ] {
        for method in [Method::GET, Method::HEAD] {
            let response = ask(&platform, method, &format!("{APP}{path}"), None);
            assert_eq!((response.status().as_u16(), header(&response, "content-type")), (200, kind), "{path}");
            assert_eq!(header(&response, "access-control-allow-origin"), open, "{path}");
            assert!(header(&response, "cache-control").starts_with("public, max-age="), "{path}");
            let policy = header(&response, "content-security-policy");
            assert!(policy.starts_with("default-src 'none';") && !policy.contains("-src 'sha"), "{path}: {policy}");
        }
    }
    let page = get(&platform, "/");
    assert_eq!(header(&page, "access-control-allow-origin"), "", "the page is for people");
    assert!(header(&page, "content-security-policy").contains("script-src 'sha256-"));
    for other in ["/nothing", "/connect/x", "/oauth/authorize"] {
        assert!(!header(&get(&platform, other), "content-security-policy").contains("script-src"), "{other}");
    }
}

#[test]
fn without_base_url_the_address_is_the_one_that_was_asked_and_stays_text_p20() {
    let mut variables = variables();
    variables.retain(|(name, _)| *name != "BASE_URL");
    let platform = Platform::with(&variables);
    for host in ["vedette.example.org:8443", "a'b.example.com", "x;y$(id).example.com", "[2001:db8::1]"] {
        let page = ask(&platform, Method::GET, &format!("https://{host}/"), None);
        assert_eq!(page.status(), 200, "{host}");
        let html = text(&page);
        assert!(html.contains(&format!("<code id=\"address\">https://{host}/mcp</code>")), "{host}");
        assert_eq!(html.matches("<script>").count(), 1, "{host}");
        let described = ask(&platform, Method::GET, &format!("https://{host}/mcp.json?x=%3Cscript%3E"), None);
        let described: Value = serde_json::from_slice(described.body()).unwrap();
        assert_eq!(described["endpoint"], format!("https://{host}/mcp"));
        let markdown = text(&ask(&platform, Method::GET, &format!("https://{host}/llms.txt"), None));
        let plain = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:".contains(&byte));
        let line = format!("claude mcp add --transport http sentry https://{host}/mcp\n");
        assert_eq!(markdown.contains(&line), plain, "an address that a shell would read otherwise is quoted: {host}");
    }
}
