//! One person's access to the Sentry API.
//!
//! Every exchange goes through `Client::exchange`, in this order:
//!
//! 1. A URL outside the host that issued the token is refused before anything is sent (P7). Redirects are not followed.
//! 2. Each exchange has a deadline and a bounded body, each call a budget over its retries (P19).
//! 3. 429, 502, 503, 504 and dropped connections are tried again, at most twice, with jitter, or when Sentry says, if
//!    that is soon. Only GET comes here, so trying again is harmless.
//! 4. What comes back is an answer in JSON or one [`SentryError`]. A 403 costs one more call, once: `GET /api/0/` tells
//!    the scopes of the grant, so that a missing scope and a missing membership are told apart (P4).
//!
//! A client lives as long as one command: what it learns of organizations and of the grant, it does not ask twice.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use url::Url;

use super::error::{SentryError, Unauthorized};
use super::host::SentryHost;
use super::page::{self, Items, Page};
use super::refusal;
use super::types::{Identity, Organization};
use crate::app::expose;
use vedette_ports::{HttpError, Level, Limits, Ports, Timestamp};

/// One exchange: Sentry's own gateway gives up after 30 s, people long before.
const EXCHANGE_DEADLINE: Duration = Duration::from_secs(15);
/// One call with its retries and waits.
const CALL_BUDGET: Duration = Duration::from_secs(30);
/// The longest body of one thing: an event with a thousand frames has 1 to 2 MB, an organization names all of its projects.
const MAX_THING: usize = 5 * 1024 * 1024;
/// The longest body of a page: a hundred issues or projects have some 500 KB.
const MAX_PAGE: usize = 2 * 1024 * 1024;
/// The longest body that says whose a credential is.
const MAX_IDENTITY: usize = 256 * 1024;
/// Tries after the first one.
const MAX_RETRIES: u32 = 2;
/// The longest wait that is chosen here.
const MAX_BACKOFF: Duration = Duration::from_secs(2);
/// The longest wait that Sentry may ask for; more is told to the person instead.
const MAX_OBEYED_WAIT: Duration = Duration::from_secs(5);
/// A longer wait than this is nonsense: Sentry's windows are seconds to minutes.
const MAX_BELIEVED_WAIT: Duration = Duration::from_secs(86_400);
/// When to try again, when Sentry limits the rate and does not say.
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(10);
/// Pages of organizations, 100 each.
const MAX_ORGANIZATION_PAGES: usize = 5;

/// HTML where JSON was expected.
pub const WEB_PAGE: &str = "a web page instead of data";
const REDIRECT: &str = "a redirect to another address";
const TOO_LONG: &str = "more data than can be read at once";
const OTHER_JSON: &str = "data in another shape than its API describes";

/// Sentry, with one credential. Cheap to make; lives as long as one command.
pub struct Client {
    ports: Ports,
    host: SentryHost,
    token: SecretString,
    needed_scopes: Cell<&'static [&'static str]>,
    organizations: RefCell<Option<Rc<[Organization]>>>,
    identity: RefCell<Option<Rc<Identity>>>,
}

impl Client {
    /// Sentry at `host`, with `token`, which `host` issued.
    pub fn new(ports: Ports, host: SentryHost, token: SecretString) -> Client {
        Client {
            ports,
            host,
            token,
            needed_scopes: Cell::new(&[]),
            organizations: RefCell::default(),
            identity: RefCell::default(),
        }
    }

    /// The Sentry that this client talks to.
    pub fn host(&self) -> &SentryHost {
        &self.host
    }

    /// The present moment, for saying how long ago something was.
    pub fn now(&self) -> Timestamp {
        self.ports.clock.now()
    }

    /// Says which scopes the running command needs, all of them: what a 403 is compared with.
    pub fn needs(&self, scopes: &'static [&'static str]) {
        self.needed_scopes.set(scopes);
    }

    /// An address of the API's control part: `["organizations"]` is `https://sentry.io/api/0/organizations/`.
    ///
    /// # Errors
    /// When a segment can name nothing (empty, `.` or `..`): [`SentryError::NotFound`].
    pub fn control_url(&self, segments: &[&str]) -> Result<Url, SentryError> {
        api_url(self.host.origin(), segments)
    }

    /// An address below `organizations/{organization}/`, in the region where that organization is. On sentry.io the
    /// first call of a command asks where organizations are; a self-hosted Sentry has one origin and no regions.
    ///
    /// # Errors
    /// As [`Client::control_url`], and when the organizations cannot be listed.
    pub async fn organization_url(&self, organization: &str, segments: &[&str]) -> Result<Url, SentryError> {
        let region = if self.host.is_saas() { self.region_of(organization).await? } else { None };
        let path = ["organizations", organization].iter().chain(segments).copied().collect::<Vec<_>>();
        api_url(region.as_ref().unwrap_or(self.host.origin()), &path)
    }

    async fn region_of(&self, organization: &str) -> Result<Option<Url>, SentryError> {
        let organizations = self.organizations().await?;
        let Some(url) =
            organizations.iter().find(|known| known.slug == organization).and_then(Organization::region_url)
        else {
            return Ok(None);
        };
        if self.host.permits(&url) {
            return Ok(Some(url));
        }
        self.ports.log.log(Level::Warn, "sentry.region.foreign", &[("organization", organization)]);
        Ok(None)
    }

    /// The organizations of this account, asked for once.
    ///
    /// # Errors
    /// When Sentry does not list them.
    pub async fn organizations(&self) -> Result<Rc<[Organization]>, SentryError> {
        if let Some(known) = self.organizations.borrow().clone() {
            return Ok(known);
        }
        let mut all: Vec<Organization> = Vec::new();
        let mut cursor: Option<String> = None;
        for _ in 0..MAX_ORGANIZATION_PAGES {
            let mut url = self.control_url(&["organizations"])?;
            url.query_pairs_mut().append_pair("per_page", "100");
            if let Some(cursor) = &cursor {
                url.query_pairs_mut().append_pair("cursor", cursor);
            }
            let page: Page<Organization> = self.list(url).await?;
            all.extend(page.items.into_iter().filter(|organization| !organization.slug.is_empty()));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        let all: Rc<[Organization]> = all.into();
        self.organizations.replace(Some(all.clone()));
        Ok(all)
    }

    /// Whose credential this is and what it may do (`GET /api/0/`), asked for once.
    ///
    /// # Errors
    /// When Sentry does not say.
    pub async fn identity(&self) -> Result<Rc<Identity>, SentryError> {
        if let Some(known) = self.identity.borrow().clone() {
            return Ok(known);
        }
        let response = self.exchange(&self.control_url(&[])?, MAX_IDENTITY).await?;
        let identity: Identity = match response.status() {
            StatusCode::FORBIDDEN => return Err(SentryError::Forbidden),
            _ => self.read(&self.accept(response)?)?,
        };
        let identity = Rc::new(identity);
        self.identity.replace(Some(identity.clone()));
        Ok(identity)
    }

    /// Reads one thing.
    ///
    /// # Errors
    /// Whatever Sentry answers instead.
    pub async fn get<T: DeserializeOwned>(&self, url: Url) -> Result<T, SentryError> {
        self.read(&self.fetch(&url, MAX_THING).await?)
    }

    /// Reads one page of a list; the next one is the same URL with `cursor` set to [`Page::next`].
    ///
    /// # Errors
    /// Whatever Sentry answers instead.
    pub async fn list<T: DeserializeOwned>(&self, url: Url) -> Result<Page<T>, SentryError> {
        let response = self.fetch(&url, MAX_PAGE).await?;
        let Items(items) = self.read(&response)?;
        Ok(Page { items, next: page::next_cursor(response.headers()), hits: page::hits(response.headers()) })
    }

    async fn fetch(&self, url: &Url, max_body: usize) -> Result<Response<Bytes>, SentryError> {
        let response = self.exchange(url, max_body).await?;
        match response.status() {
            StatusCode::FORBIDDEN => Err(self.forbidden(&response).await),
            _ => self.accept(response),
        }
    }

    /// Why a 403: what this account may not see, or what this grant may not do.
    async fn forbidden(&self, response: &Response<Bytes>) -> SentryError {
        if is_web_page(response) {
            return SentryError::Unreadable { problem: WEB_PAGE };
        }
        if let Some(reason) = refusal::coded(&self.host, response.body()) {
            return reason;
        }
        let Ok(identity) = self.identity().await else { return SentryError::Forbidden };
        let Some(granted) = identity.scopes() else { return SentryError::Forbidden };
        let needed = self.needed_scopes.get();
        let missing: Vec<String> =
            needed.iter().filter(|scope| !refusal::covers(granted, scope)).map(|scope| (*scope).to_owned()).collect();
        if missing.is_empty() { SentryError::Forbidden } else { SentryError::MissingScope { missing } }
    }

    /// Lets a success pass and names every other status, except 403.
    fn accept(&self, response: Response<Bytes>) -> Result<Response<Bytes>, SentryError> {
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        if status.is_redirection() {
            return Err(SentryError::Unreadable { problem: REDIRECT });
        }
        if status.is_server_error() {
            return Err(SentryError::Unavailable { status: Some(status.as_u16()) });
        }
        if is_web_page(&response) {
            // A proxy in front of Sentry speaks: its 401 or 404 says nothing about the grant.
            return Err(SentryError::Unreadable { problem: WEB_PAGE });
        }
        Err(match status {
            StatusCode::UNAUTHORIZED => refusal::unauthorized(&self.host, response.body()),
            StatusCode::PAYMENT_REQUIRED => SentryError::PaymentRequired,
            StatusCode::NOT_FOUND => SentryError::NotFound,
            _ => SentryError::Rejected { status: status.as_u16(), detail: refusal::words(response.body()) },
        })
    }

    fn read<T: DeserializeOwned>(&self, response: &Response<Bytes>) -> Result<T, SentryError> {
        if is_web_page(response) {
            return Err(SentryError::Unreadable { problem: WEB_PAGE });
        }
        serde_json::from_slice(response.body()).map_err(|_| SentryError::Unreadable { problem: OTHER_JSON })
    }

    /// Sends one GET, with retries, and returns any response that is not worth another try.
    async fn exchange(&self, url: &Url, max_body: usize) -> Result<Response<Bytes>, SentryError> {
        if !self.host.permits(url) {
            return Err(SentryError::ForeignUrl);
        }
        let give_up = self.now() + CALL_BUDGET;
        let mut retries = 0;
        loop {
            let remaining = give_up.since(self.now());
            if remaining.is_zero() {
                return Err(SentryError::Timeout);
            }
            let limits = Limits { deadline: EXCHANGE_DEADLINE.min(remaining), max_body };
            let (error, asked) = match self.ports.http.send(self.request(url)?, limits).await {
                Ok(response) => match passing_failure(&response, self.now()) {
                    None => return Ok(response),
                    Some(failure) => failure,
                },
                Err(HttpError::Connection) => (SentryError::Unavailable { status: None }, None),
                Err(HttpError::Timeout) => return Err(SentryError::Timeout),
                Err(HttpError::TooLong) => return Err(SentryError::Unreadable { problem: TOO_LONG }),
            };
            let wait = self.backoff(retries).max(asked.unwrap_or_default());
            let too_late = asked.is_some_and(|asked| asked > MAX_OBEYED_WAIT) || give_up.since(self.now()) <= wait;
            self.ports.log.log(Level::Warn, "sentry.failed", &[("error", &error.to_string())]);
            if retries == MAX_RETRIES || too_late {
                return Err(error);
            }
            retries += 1;
            self.ports.clock.sleep(wait).await;
        }
    }

    fn request(&self, url: &Url) -> Result<Request<Bytes>, SentryError> {
        // A token that is no header value was never one of Sentry's.
        let dead = |_| SentryError::Unauthorized { reason: Unauthorized::DeadToken, login_url: None };
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", expose(&self.token))).map_err(dead)?;
        bearer.set_sensitive(true);
        Request::get(url.as_str())
            .header(header::AUTHORIZATION, bearer)
            .header(header::ACCEPT, "application/json")
            .header(header::USER_AGENT, super::USER_AGENT)
            .body(Bytes::new())
            .map_err(|_| SentryError::NotFound)
    }

    /// Half of the step and a random part of the other half: 250 to 500 ms, then 500 to 1000 ms.
    fn backoff(&self, retries: u32) -> Duration {
        let step = Duration::from_millis(500).saturating_mul(1 << retries.min(4)).min(MAX_BACKOFF);
        let mut random = [0_u8];
        self.ports.random.fill(&mut random);
        let [random] = random;
        step / 2 + step.mul_f64(f64::from(random) / 255.0) / 2
    }
}

/// `{base}/api/0/{segments}/`, each segment percent-encoded.
fn api_url(base: &Url, segments: &[&str]) -> Result<Url, SentryError> {
    if segments.iter().any(|segment| matches!(*segment, "" | "." | "..")) {
        return Err(SentryError::NotFound);
    }
    let mut url = base.clone();
    url.set_query(None);
    url.path_segments_mut()
        .map_err(|()| SentryError::ForeignUrl)?
        .clear()
        .extend(["api", "0"])
        .extend(segments)
        .push("");
    Ok(url)
}

/// A failure that may pass, with the wait that the response asks for.
fn passing_failure(response: &Response<Bytes>, now: Timestamp) -> Option<(SentryError, Option<Duration>)> {
    let status = response.status();
    match status.as_u16() {
        429 => {
            let asked = asked_wait(response.headers(), now);
            Some((SentryError::RateLimited { retry_after: asked.unwrap_or(DEFAULT_RETRY_AFTER) }, asked))
        }
        502..=504 => {
            let asked = retry_after(response.headers(), now);
            Some((SentryError::Unavailable { status: Some(status.as_u16()) }, asked))
        }
        _ => None,
    }
}

/// The wait that a 429 asks for, unless it is nonsense.
pub(super) fn asked_wait(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let asked = retry_after(headers, now).or_else(|| limit_reset(headers, now));
    asked.filter(|wait| *wait <= MAX_BELIEVED_WAIT)
}

/// `Retry-After`: seconds, or a date.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let value = header_text(headers, "retry-after")?;
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(value).ok()?;
    Some(Timestamp(date.timestamp().as_millisecond()).since(now))
}

/// `X-Sentry-Rate-Limit-Reset`: seconds since the epoch. It comes with every answer, and matters with a 429.
fn limit_reset(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let reset: f64 = header_text(headers, "x-sentry-rate-limit-reset")?.parse().ok()?;
    Some(Timestamp((reset * 1000.0) as i64).since(now))
}

fn header_text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// Whether a response is no JSON: by its type, else by how it begins.
fn is_web_page(response: &Response<Bytes>) -> bool {
    match response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) {
        Some(kind) => !kind.to_ascii_lowercase().contains("json"),
        None => response.body().trim_ascii_start().starts_with(b"<"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{NOW, ORGANIZATIONS, ScriptedSentry, TOKEN, block_on, organizations};
    use serde_json::{Value, json};

    const API: &str = "https://sentry.io/api/0/";
    const THING: &str = "https://us.sentry.io/api/0/thing/";

    fn get(sentry: &ScriptedSentry, url: &str) -> Result<Value, SentryError> {
        block_on(sentry.client().get(Url::parse(url).unwrap()))
    }

    /// What a status with a body means, when it is answered to every try.
    fn meaning(status: u16, headers: &[(&str, &str)], body: &str) -> SentryError {
        get(&ScriptedSentry::saas().replies(THING, status, headers, body), THING).unwrap_err()
    }

    #[test]
    fn a_request_carries_the_token_and_says_who_asks() {
        let sentry = ScriptedSentry::saas().answers(THING, json!({ "a": 1 }));
        assert_eq!(get(&sentry, THING), Ok(json!({ "a": 1 })));
        let requests = sentry.script().requests.borrow();
        let header = |name: &str| requests[0].headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("authorization"), format!("Bearer {TOKEN}"));
        assert!(header("user-agent").starts_with("vedette/"));
        assert_eq!(header("accept"), "application/json");
        assert!(!format!("{:?}", requests[0]).contains(TOKEN), "the token shows in Debug");
    }

    #[test]
    fn nothing_is_sent_to_another_host_p7() {
        for url in [
            "https://evil.example/api/0/",
            "http://sentry.io/api/0/",
            "https://sentry.io:444/",
            "https://sentry.io@evil.example/",
        ] {
            let sentry = ScriptedSentry::saas();
            assert_eq!(get(&sentry, url), Err(SentryError::ForeignUrl), "{url}");
            assert!(sentry.calls().is_empty(), "{url}");
        }
        let sentry = ScriptedSentry::self_hosted();
        assert_eq!(get(&sentry, "https://sentry.io/api/0/"), Err(SentryError::ForeignUrl));
        assert!(sentry.calls().is_empty());
    }

    #[test]
    fn a_redirect_is_not_followed_p7() {
        let error = meaning(302, &[("location", "https://evil.example/")], "");
        assert_eq!(error, SentryError::Unreadable { problem: REDIRECT });
    }

    #[test]
    fn a_link_to_another_host_has_no_effect_p7() {
        let link = r#"<https://evil.example/?cursor=0:1:0>; rel="next"; results="true"; cursor="0:1:0""#;
        let first = format!("{ORGANIZATIONS}?per_page=100");
        let second = format!("{ORGANIZATIONS}?per_page=100&cursor=0%3A1%3A0");
        let sentry = ScriptedSentry::saas()
            .replies(&first, 200, &[("link", link)], r#"[{"slug":"a"}]"#)
            .answers(&second, json!([{ "slug": "b" }]));
        let all = block_on(sentry.client().organizations()).unwrap();
        assert_eq!(all.iter().map(|it| it.slug.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(sentry.calls(), [first, second]);
    }

    #[test]
    fn an_organization_is_asked_in_its_region_and_looked_up_once() {
        let sentry = ScriptedSentry::saas().answers(ORGANIZATIONS, organizations());
        let client = sentry.client();
        let url = |slug: &str| block_on(client.organization_url(slug, &["issues", "1"])).unwrap().to_string();
        assert_eq!(url("globex"), "https://us.sentry.io/api/0/organizations/globex/issues/1/");
        assert_eq!(url("initech"), "https://de.sentry.io/api/0/organizations/initech/issues/1/");
        assert_eq!(url("unknown"), "https://sentry.io/api/0/organizations/unknown/issues/1/");
        assert_eq!(sentry.calls().len(), 1);
    }

    #[test]
    fn a_region_outside_of_the_host_is_not_used_p7() {
        for region in ["https://evil.example", "http://us.sentry.io", "https://us.sentry.io:8443", "nonsense", ""] {
            let list = json!([{ "slug": "globex", "links": { "regionUrl": region } }]);
            let sentry = ScriptedSentry::saas().answers(ORGANIZATIONS, list);
            let url = block_on(sentry.client().organization_url("globex", &["issues"])).unwrap();
            assert_eq!(url.as_str(), "https://sentry.io/api/0/organizations/globex/issues/", "{region}");
        }
    }

    #[test]
    fn a_self_hosted_sentry_has_no_regions_and_costs_no_look_up() {
        let sentry = ScriptedSentry::self_hosted();
        let url = block_on(sentry.client().organization_url("globex", &["issues"])).unwrap();
        assert_eq!(url.as_str(), "https://sentry.example.com:9000/api/0/organizations/globex/issues/");
        assert!(sentry.calls().is_empty());
    }

    #[test]
    fn path_segments_are_encoded_and_cannot_climb() {
        let client = ScriptedSentry::saas().client();
        let url = |segment: &str| client.control_url(&["x", segment]).map(String::from);
        assert_eq!(url("a/b?c#d e%2f"), Ok(format!("{API}x/a%2Fb%3Fc%23d%20e%252f/")));
        assert_eq!(url("a\\..\\b"), Ok(format!("{API}x/a%5C..%5Cb/")));
        for climbing in ["", ".", ".."] {
            assert_eq!(url(climbing), Err(SentryError::NotFound));
        }
    }

    #[test]
    fn a_list_has_its_cursor_and_its_number_of_hits() {
        let link = r#"<https://us.sentry.io/x>; rel="next"; results="true"; cursor="0:10:0""#;
        let sentry = ScriptedSentry::saas().replies(THING, 200, &[("link", link), ("x-hits", "47")], "[1,2]");
        let page: Page<u8> = block_on(sentry.client().list(Url::parse(THING).unwrap())).unwrap();
        assert_eq!(page, Page { items: vec![1, 2], next: Some("0:10:0".to_owned()), hits: Some(47) });
    }

    #[test]
    fn each_status_has_its_meaning() {
        let rejected = |status, detail: &str| SentryError::Rejected { status, detail: detail.to_owned() };
        assert_eq!(meaning(402, &[], r#"{"detail":"x"}"#), SentryError::PaymentRequired);
        assert_eq!(meaning(404, &[], r#"{"detail":"The requested resource does not exist"}"#), SentryError::NotFound);
        assert_eq!(meaning(400, &[], r#"{"detail":"Invalid search"}"#), rejected(400, "Invalid search"));
        assert_eq!(meaning(400, &[], r#"{"query":["Bad."]}"#), rejected(400, "query: Bad."));
        assert_eq!(meaning(409, &[], "{}"), rejected(409, ""));
        assert_eq!(meaning(500, &[], "{}"), SentryError::Unavailable { status: Some(500) });
        let dead = SentryError::Unauthorized { reason: Unauthorized::DeadToken, login_url: None };
        assert_eq!(meaning(401, &[], r#"{"detail":"Token expired"}"#), dead);
    }

    #[test]
    fn html_is_a_web_page_whatever_its_status_and_kills_no_grant_p19() {
        let html = [("content-type", "text/html; charset=utf-8")];
        for status in [200, 400, 401, 403, 404] {
            assert_eq!(
                meaning(status, &html, "<!doctype html>"),
                SentryError::Unreadable { problem: WEB_PAGE },
                "{status}"
            );
        }
        assert_eq!(meaning(502, &html, "<html>"), SentryError::Unavailable { status: Some(502) });
        assert_eq!(meaning(200, &[], "not json"), SentryError::Unreadable { problem: OTHER_JSON });
        assert_eq!(meaning(200, &[], r#"{"a":"#), SentryError::Unreadable { problem: OTHER_JSON });
        let long = ScriptedSentry::saas().fails(THING, HttpError::TooLong);
        assert_eq!(get(&long, THING), Err(SentryError::Unreadable { problem: TOO_LONG }));
    }

    #[test]
    fn what_may_pass_is_tried_twice_more_with_growing_waits_p19() {
        for status in [429, 502, 503, 504] {
            let sentry = ScriptedSentry::saas().replies(THING, status, &[], "\"no\"");
            assert!(get(&sentry, THING).is_err());
            assert_eq!(sentry.calls().len(), 3, "{status}");
            let slept = sentry.script().slept.borrow();
            assert!(slept[0] < slept[1] && slept[1] <= MAX_BACKOFF, "{slept:?}");
        }
        let sentry = ScriptedSentry::saas().fails(THING, HttpError::Connection).answers(THING, json!(1));
        assert_eq!(get(&sentry, THING), Ok(json!(1)));
        assert_eq!(sentry.calls().len(), 2);
    }

    #[test]
    fn what_will_not_pass_is_not_tried_again() {
        for status in [400, 401, 402, 404, 500] {
            let sentry = ScriptedSentry::saas().replies(THING, status, &[], "{}");
            assert!(get(&sentry, THING).is_err());
            assert_eq!(sentry.calls().len(), 1, "{status}");
        }
        let sentry = ScriptedSentry::saas().fails(THING, HttpError::Timeout);
        assert_eq!(get(&sentry, THING), Err(SentryError::Timeout));
        assert_eq!(sentry.calls().len(), 1);
    }

    #[test]
    fn sentrys_own_wait_is_obeyed_when_it_is_short_and_told_when_it_is_long_p19() {
        let reset = |seconds: i64| (NOW.as_seconds() + seconds).to_string();
        let limited = |name: &str, value: &str| {
            let sentry =
                ScriptedSentry::saas().replies(THING, 429, &[(name, value)], "\"slow\"").answers(THING, json!(1));
            let result = get(&sentry, THING);
            let slept = sentry.script().slept.borrow().clone();
            (result, slept)
        };
        let seconds = Duration::from_secs;
        assert_eq!(limited("retry-after", "3"), (Ok(json!(1)), vec![seconds(3)]));
        assert_eq!(limited("x-sentry-rate-limit-reset", &reset(4)), (Ok(json!(1)), vec![seconds(4)]));
        let told = |after| (Err(SentryError::RateLimited { retry_after: seconds(after) }), vec![]);
        assert_eq!(limited("retry-after", "60"), told(60));
        assert_eq!(limited("retry-after", "Wed, 04 Mar 2026 10:17:00 GMT"), told(120));
        assert_eq!(limited("x-sentry-rate-limit-reset", &reset(90)), told(90));
        // A window that is over already, or nonsense: the own backoff.
        for odd in [&reset(-5), "soon", "-1", "NaN", "1e300"] {
            let (result, slept) = limited("x-sentry-rate-limit-reset", odd);
            assert!(result == Ok(json!(1)) && slept[0] <= MAX_BACKOFF, "{odd}: {result:?} {slept:?}");
        }
    }

    fn forbidden(identity: Value, needed: &'static [&'static str]) -> (SentryError, usize) {
        let sentry = ScriptedSentry::saas()
            .replies(THING, 403, &[], r#"{"detail":"You do not have permission to perform this action."}"#)
            .answers(API, identity);
        let client = sentry.client();
        client.needs(needed);
        let url = Url::parse(THING).unwrap();
        let error = block_on(client.get::<Value>(url.clone())).unwrap_err();
        assert_eq!(block_on(client.get::<Value>(url)).unwrap_err(), error);
        (error, sentry.calls().iter().filter(|call| *call == API).count())
    }

    #[test]
    fn a_403_is_a_missing_scope_only_when_the_grants_scopes_say_so_p4() {
        let scopes = |scopes: &[&str]| json!({ "version": "0", "auth": { "scopes": scopes }, "user": null });
        let missing = |scope: &str| SentryError::MissingScope { missing: vec![scope.to_owned()] };
        assert_eq!(forbidden(scopes(&["org:read"]), &["org:read", "event:read"]), (missing("event:read"), 1));
        assert_eq!(
            forbidden(scopes(&["org:read", "event:admin"]), &["org:read", "event:read"]),
            (SentryError::Forbidden, 1)
        );
        assert_eq!(forbidden(scopes(&[]), &["event:write"]), (missing("event:write"), 1));
        assert_eq!(forbidden(scopes(&["x"]), &[]), (SentryError::Forbidden, 1));
        assert_eq!(forbidden(json!({ "version": "0", "auth": null }), &["event:read"]), (SentryError::Forbidden, 1));
    }

    #[test]
    fn a_403_stays_one_when_the_scopes_cannot_be_read_p4() {
        for (status, body) in [(403, "{}"), (401, r#"{"detail":"Invalid token"}"#), (500, "{}"), (200, "[]")] {
            let sentry = ScriptedSentry::saas().replies(THING, 403, &[], "{}").replies(API, status, &[], body);
            let client = sentry.client();
            client.needs(&["event:read"]);
            assert_eq!(
                block_on(client.get::<Value>(Url::parse(THING).unwrap())),
                Err(SentryError::Forbidden),
                "{status}"
            );
        }
    }

    #[test]
    fn a_sign_in_rule_is_told_as_one_whatever_its_status_p4() {
        for status in [401, 403] {
            let error = meaning(
                status,
                &[],
                r#"{"detail":{"code":"sso-required","extra":{"loginUrl":"/auth/login/globex/"}}}"#,
            );
            let login_url = Url::parse("https://sentry.io/auth/login/globex/").ok();
            assert_eq!(error, SentryError::Unauthorized { reason: Unauthorized::SsoRequired, login_url });
        }
    }

    #[test]
    fn a_call_has_a_budget_over_all_of_its_tries_p19() {
        let sentry = ScriptedSentry::saas().replies(THING, 503, &[], "{}");
        *sentry.script().takes.borrow_mut() = Duration::from_secs(14);
        assert_eq!(get(&sentry, THING), Err(SentryError::Unavailable { status: Some(503) }));
        let deadlines = sentry.script().deadlines.borrow().clone();
        assert_eq!(deadlines[..2], [EXCHANGE_DEADLINE, EXCHANGE_DEADLINE]);
        assert!(deadlines[2] < Duration::from_secs(2), "{deadlines:?}");
    }
}
