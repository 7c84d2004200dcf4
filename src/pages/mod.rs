//! HTML pages.
//!
//! A page is a function of typed inputs. Every string in them is untrusted (P20): maud escapes it, `<bdi>` keeps its
//! direction to itself, and a long one is cut. The pages have one style sheet that the policy names by its hash, no script
//! (but for the first page's copy buttons, whose policy names it in the same way), and one place that says what the browser
//! may do with them ([`Page::into_response`], P15).

pub mod account;
pub mod connect;
pub mod consent;
pub mod endpoint;
mod errors;
pub mod front;
pub mod home;
mod layout;
mod scopes;

#[cfg(test)]
mod tests;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};

use vedette_sentry::host::SentryHost;

pub use errors::{method_not_allowed, not_found, server_error};

/// The policy of every response that is not a page: it may load, run, frame and submit nothing.
const STRICTEST_POLICY: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

/// A page, ready to become a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The response's status.
    pub status: StatusCode,
    /// The whole document.
    pub html: String,
    /// Headers beyond those of every page: `Retry-After`, `Allow`.
    pub headers: HeaderMap,
    /// The sources of `form-action`, space-separated.
    form_action: String,
    /// The one script that may run.
    script: Option<&'static str>,
}

/// Where a page's form may lead.
///
/// Browsers hold the redirects that follow a submission against `form-action` too, so a form that ends at Sentry has to
/// name Sentry although it posts to us.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Forms<'a> {
    /// The page has no form.
    None,
    /// To this Worker.
    Here,
    /// To this Worker, which redirects to Sentry, which may redirect to an organization's own sign-in or back to us.
    ThroughSentry(&'a SentryHost),
    /// The same, and at the end to an MCP client, whose address was checked when it registered.
    ThroughSentryTo {
        /// The Sentry on the way.
        host: &'a SentryHost,
        /// The client's redirect URI.
        redirect_uri: &'a str,
    },
}

/// The source that stands for a redirect URI. A host in brackets cannot stand in a policy: its scheme has to do.
fn source(redirect_uri: &str) -> String {
    let (scheme, rest) = redirect_uri.split_once(':').unwrap_or((redirect_uri, ""));
    let host = rest.strip_prefix("//").and_then(|rest| rest.split(['/', '?']).next()).unwrap_or_default();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':');
    match scheme {
        "http" | "https" if !host.is_empty() && host.bytes().all(plain) => format!("{scheme}://{host}"),
        scheme => format!("{scheme}:"),
    }
}

impl Forms<'_> {
    fn sources(self) -> String {
        match self {
            Forms::None => "'none'".to_owned(),
            Forms::Here => "'self'".to_owned(),
            Forms::ThroughSentry(host) if host.is_saas() => "'self' https://sentry.io https://*.sentry.io".to_owned(),
            Forms::ThroughSentry(host) => format!("'self' {}", host.origin().origin().ascii_serialization()),
            Forms::ThroughSentryTo { host, redirect_uri } => {
                format!("{} {}", Forms::ThroughSentry(host).sources(), source(redirect_uri))
            }
        }
    }
}

impl Page {
    /// A page whose document is `html` and whose form leads where `forms` says.
    pub(crate) fn new(status: StatusCode, html: maud::Markup, forms: Forms<'_>) -> Page {
        Page { status, html: html.into_string(), headers: HeaderMap::new(), form_action: forms.sources(), script: None }
    }

    /// Allows the script `script`, which stands in the document as it is.
    pub(crate) fn with_script(mut self, script: &'static str) -> Page {
        self.script = Some(script);
        self
    }

    /// Adds `Retry-After`, which every 503 carries.
    pub(crate) fn retry_after(mut self, seconds: u32) -> Page {
        self.headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        self
    }

    /// The response, with the headers that keep the page out of caches, frames and other origins' hands.
    ///
    /// `Referrer-Policy: no-referrer` also makes browsers send `Origin: null` with the page's own form, so a route that
    /// takes the form tells its own pages by the CSRF field and by `Sec-Fetch-Site`, not by `Origin`.
    pub fn into_response(self) -> Response<Bytes> {
        let script = self.script.map(|script| format!("script-src '{}'; ", layout::hash(script))).unwrap_or_default();
        let policy = format!(
            "default-src 'none'; style-src '{}'; {script}img-src 'self'; form-action {}; base-uri 'none'; \
             frame-ancestors 'none'",
            layout::style_hash(),
            self.form_action,
        );
        let policy = HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static(STRICTEST_POLICY));

        let mut response = Response::new(Bytes::from(self.html));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.extend(self.headers);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        security_headers(headers);
        response
    }
}

impl From<Page> for Response<Bytes> {
    fn from(page: Page) -> Response<Bytes> {
        page.into_response()
    }
}

/// Keeps a window connected with the page that opened it. A client in a web page opens the authorization in a popup, and
/// waits for it to come back to the client's own origin and say so (`window.opener.postMessage`); one response on the way with
/// `same-origin` would cut the two apart for good. What an opener can do to the window without that is to close it, and to send
/// it elsewhere: neither reads nor presses anything.
pub fn keep_opener(headers: &mut HeaderMap) {
    headers.insert(OPENER_POLICY, HeaderValue::from_static("unsafe-none"));
}

/// Adds the security headers of every response, each unless the response has its own. `Strict-Transport-Security` is
/// not among them: the router adds it where the request came over https.
pub fn security_headers(headers: &mut HeaderMap) {
    const HEADERS: [(HeaderName, &str); 5] = [
        (header::CONTENT_SECURITY_POLICY, STRICTEST_POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (OPENER_POLICY, "same-origin"),
    ];
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}
