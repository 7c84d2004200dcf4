//! The page that looks and works like a small Slack. It is in the program, and asks nobody else for anything.

use bytes::Bytes;
use http::{HeaderValue, Response};

use super::status;

/// Every file of `page/`, by its name; the build script lists them.
const FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/page_files.rs"));

/// Nothing from elsewhere; styles may stand in the page itself.
const POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; base-uri 'none'";

/// Slack's address for "open this conversation": to where the page shows it.
pub(super) fn app_redirect(query: Option<&str>) -> Response<Bytes> {
    let channel = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .find(|(name, _)| name == "channel")
        .map(|(_, value)| value.into_owned())
        .filter(|value| value.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    let address = format!("/#/{}", channel.unwrap_or_default());
    let mut response = status(302);
    if let Ok(value) = HeaderValue::from_str(&address) {
        response.headers_mut().insert("location", value);
    }
    response
}

/// `/`, or a file of the page under `/page/`.
pub(super) fn asset(path: &str) -> Option<Response<Bytes>> {
    let name = match path {
        "/" => "index.html",
        "/favicon.ico" => "favicon.svg",
        path => path.strip_prefix("/page/")?,
    };
    let Some((_, content)) = FILES.iter().find(|(known, _)| *known == name) else { return Some(status(404)) };
    let mut response = Response::new(Bytes::from_static(content));
    let mut set = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    };
    set("content-type", media_type(name));
    set("content-security-policy", POLICY);
    set("cache-control", "no-store");
    set("referrer-policy", "no-referrer");
    set("x-content-type-options", "nosniff");
    Some(response)
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "json" => "application/json",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}
