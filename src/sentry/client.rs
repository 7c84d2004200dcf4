//! One person's access to the Sentry API.
//!
//! Every exchange goes through [`Client::exchange`], in this order:
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
use super::page::{self, Page};
use super::refusal;
use super::types::{Identity, Organization};
use crate::config::expose;
use crate::ports::{HttpError, Level, Limits, Timestamp, World};

/// One exchange: Sentry's own gateway gives up after 30 s, people long before.
const EXCHANGE_DEADLINE: Duration = Duration::from_secs(15);
/// One call with its retries and waits.
const CALL_BUDGET: Duration = Duration::from_secs(30);
/// The longest body that is read: an event with a thousand frames has 1 to 2 MB.
const MAX_BODY: usize = 5 * 1024 * 1024;
/// Tries after the first one.
const MAX_RETRIES: u32 = 2;
/// The longest wait that is chosen here.
const MAX_BACKOFF: Duration = Duration::from_secs(2);
/// The longest wait that Sentry may ask for; more is told to the person instead.
const MAX_OBEYED_WAIT: Duration = Duration::from_secs(5);
/// When to try again, when Sentry limits the rate and does not say.
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(10);
/// Pages of organizations, 100 each.
const MAX_ORGANIZATION_PAGES: usize = 5;

/// HTML where JSON was expected.
pub const WEB_PAGE: &str = "a web page instead of data";
const REDIRECT: &str = "a redirect to another address";
const TOO_LONG: &str = "more than 5 MB of data";
const OTHER_JSON: &str = "data in another shape than its API describes";

/// Sentry, with one credential. Cheap to make; lives as long as one command.
pub struct Client {
    world: World,
    host: SentryHost,
    token: SecretString,
    needed_scopes: Cell<&'static [&'static str]>,
    organizations: RefCell<Option<Rc<[Organization]>>>,
    identity: RefCell<Option<Rc<Identity>>>,
}

impl Client {
    /// Sentry at `host`, with `token`, which `host` issued.
    pub fn new(world: &World, host: SentryHost, token: SecretString) -> Client {
        Client {
            world: world.clone(),
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
        self.world.clock.now()
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
        self.world.log.log(Level::Warn, "sentry.region.foreign", &[("organization", organization)]);
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
        let response = self.exchange(&self.control_url(&[])?).await?;
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
        self.read(&self.fetch(&url).await?)
    }

    /// Reads one page of a list; the next one is the same URL with `cursor` set to [`Page::next`].
    ///
    /// # Errors
    /// Whatever Sentry answers instead.
    pub async fn list<T: DeserializeOwned>(&self, url: Url) -> Result<Page<T>, SentryError> {
        let response = self.fetch(&url).await?;
        Ok(Page {
            items: self.read(&response)?,
            next: page::next_cursor(response.headers()),
            hits: page::hits(response.headers()),
        })
    }

    async fn fetch(&self, url: &Url) -> Result<Response<Bytes>, SentryError> {
        let response = self.exchange(url).await?;
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
    async fn exchange(&self, url: &Url) -> Result<Response<Bytes>, SentryError> {
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
            let limits = Limits { deadline: EXCHANGE_DEADLINE.min(remaining), max_body: MAX_BODY };
            let (error, asked) = match self.world.http.send(self.request(url)?, limits).await {
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
            self.world.log.log(Level::Warn, "sentry.failed", &[("error", &error.to_string())]);
            if retries == MAX_RETRIES || too_late {
                return Err(error);
            }
            retries += 1;
            self.world.clock.sleep(wait).await;
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
        self.world.random.fill(&mut random);
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
            let asked = retry_after(response.headers(), now).or_else(|| limit_reset(response.headers(), now));
            Some((SentryError::RateLimited { retry_after: asked.unwrap_or(DEFAULT_RETRY_AFTER) }, asked))
        }
        502..=504 => {
            let asked = retry_after(response.headers(), now);
            Some((SentryError::Unavailable { status: Some(status.as_u16()) }, asked))
        }
        _ => None,
    }
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
