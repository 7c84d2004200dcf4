//! The fake Sentry.
//!
//! | Path | Where | Module |
//! |---|---|---|
//! | `/oauth/*` | control silo, self-hosted | [`oauth`] |
//! | `/api/0/*` | accounts on the control silo; an organization's data on its region; all of it self-hosted | [`api`] |
//! | `/issues/{id}/`, `/organizations/{org}/issues/{id}/` | an organization's own domain, self-hosted | a small page |
//!
//! A request to `sentry.io` or `*.sentry.io` finds the hosted service with its regions; a request to
//! `Options::sentry_origin` finds a self-hosted install.

mod accounts;
mod api;
mod consent_page;
mod data;
mod errors;
mod event_json;
mod explore;
mod issue_json;
mod issues;
mod limits;
mod oauth;
mod paging;
mod place;
mod search;
#[cfg(test)]
mod tests;
mod time;
mod tokens;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{Request, Response};
use serde::Serialize;
use serde_json::{Value, json};

use self::errors::ApiError;
use self::limits::{Limits, Standing};
use self::place::Place;
use self::tokens::Tokens;
use crate::Context;
use crate::exchange::{self, Exchange, Outcome};
use crate::faults::{FaultKind, Plan};
use crate::options::Options;
use crate::random::fingerprint;

pub(crate) use self::data::SENSITIVE_CANARY;
pub(crate) use self::place::same_origin;

/// One request that the fake Sentry saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SentryRequest {
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// The HTTP method.
    pub method: String,
    /// The host, with its port if it had one.
    pub host: String,
    /// The path.
    pub path: String,
    /// The query, as it was sent.
    pub query: Option<String>,
    /// The status that was answered; `None` when the connection was dropped or left hanging.
    pub status: Option<u16>,
    /// Of the bearer token: the first eight hexadecimal digits of its SHA-256.
    pub authorization: Option<String>,
    /// The e-mail address of the account that the bearer token stands for, if it stands for one.
    pub account: Option<String>,
    /// Whether there is such a route.
    pub handled: bool,
}

/// A refresh token that was presented to the fake Sentry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refresh {
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// The first eight hexadecimal digits of the token's SHA-256.
    pub token: String,
    /// Whether it was exchanged for a new pair.
    pub succeeded: bool,
}

/// How often tokens changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// Codes that became tokens.
    pub token_exchanges: u64,
    /// Successful refreshes.
    pub refreshes: u64,
    /// Requests to the revocation endpoint that were accepted.
    pub revocations: u64,
}

/// An OAuth token that the fake Sentry accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveToken {
    /// The access token.
    pub access: String,
    /// The refresh token of the same row.
    pub refresh: String,
    /// The account's e-mail address.
    pub account: String,
    /// What the token may do.
    pub scopes: Vec<String>,
    /// When it expires, in milliseconds since the Unix epoch.
    pub expires_at_ms: i64,
}

#[derive(Default)]
pub(crate) struct Sentry {
    pub(crate) tokens: Tokens,
    pub(crate) counters: Counters,
    pub(crate) log: Vec<SentryRequest>,
    pub(crate) refreshes: Vec<Refresh>,
    /// The e-mail address of an account that has already approved everything: the consent page does not show.
    pub(crate) auto_approve: Option<String>,
    limits: Limits,
}

impl Sentry {
    /// Whether a request goes to Sentry at all.
    pub(crate) fn is_at(uri: &http::Uri, options: &Options) -> bool {
        Place::of(uri, options).is_some()
    }

    pub(crate) fn handle(&mut self, request: &Request<Bytes>, plan: Plan, mut context: Context) -> Exchange {
        let Some(place) = Place::of(request.uri(), context.options) else {
            return Exchange { delay_ms: plan.delay_ms, outcome: Outcome::Drop };
        };
        let presented = bearer(request).map(str::to_owned);
        let account = presented.as_deref().and_then(|token| self.account_of(token, context.options));
        let mut handled = true;
        let outcome = match (&plan.fault, plan.after_work) {
            (Some(FaultKind::Truncate), _) => {
                let (response, known) = self.work(request, &place, &mut context);
                handled = known;
                Outcome::Truncate(response)
            }
            (Some(fault), true) => {
                let (response, known) = self.work(request, &place, &mut context);
                handled = known;
                self.change_credentials(fault, presented.as_deref(), context.now_ms);
                answer_of(fault, &place, &mut context).unwrap_or(Outcome::Respond(response))
            }
            (Some(fault), false) => {
                self.change_credentials(fault, presented.as_deref(), context.now_ms);
                match answer_of(fault, &place, &mut context) {
                    Some(outcome) => outcome,
                    None => {
                        let (response, known) = self.work(request, &place, &mut context);
                        handled = known;
                        Outcome::Respond(response)
                    }
                }
            }
            (None, _) => {
                let (response, known) = self.work(request, &place, &mut context);
                handled = known;
                Outcome::Respond(response)
            }
        };
        self.log.push(SentryRequest {
            at_ms: context.now_ms,
            method: request.method().to_string(),
            host: request.uri().authority().map(ToString::to_string).unwrap_or_default(),
            path: request.uri().path().to_owned(),
            query: request.uri().query().map(str::to_owned),
            status: outcome.status(),
            authorization: presented.as_deref().map(fingerprint),
            account: account.map(|account| account.email.to_owned()),
            handled,
        });
        Exchange { delay_ms: plan.delay_ms, outcome }
    }

    /// The tokens that are neither expired nor revoked, without the operator's.
    pub(crate) fn live_tokens(&self, now_ms: i64) -> Vec<LiveToken> {
        let live = self.tokens.rows().iter().filter(|row| now_ms < row.expires_at_ms);
        let live = live.map(|row| LiveToken {
            access: row.access.clone(),
            refresh: row.refresh.clone(),
            account: row.account.email.to_owned(),
            scopes: row.scopes.clone(),
            expires_at_ms: row.expires_at_ms,
        });
        live.collect()
    }

    fn account_of(&mut self, token: &str, options: &Options) -> Option<&'static accounts::Account> {
        if token == options.operator_token {
            return accounts::operator();
        }
        self.tokens.by_access(token).map(|row| row.account)
    }

    /// Does what was asked for, and says whether there is such a route.
    fn work(&mut self, request: &Request<Bytes>, place: &Place, context: &mut Context) -> (Response<Bytes>, bool) {
        let path = request.uri().path();
        if path.starts_with("/oauth/") && place.has_control() {
            if let Some(response) = oauth::route(self, request, context) {
                return (response, true);
            }
        } else if path.starts_with("/api/0/") && !matches!(place, Place::Customer(_)) {
            return api::answer(self, request, place, context);
        } else if let Some(page) = issue_page(path, place) {
            return (exchange::html(200, page), true);
        }
        (exchange::html(404, consent_page::dead_end("The page you are looking for does not exist.")), false)
    }

    /// Faults that really change the presented token.
    fn change_credentials(&mut self, fault: &FaultKind, presented: Option<&str>, now_ms: i64) {
        let Some(token) = presented else { return };
        match fault {
            FaultKind::TokenExpired => {
                if let Some(row) = self.tokens.by_access(token) {
                    row.expires_at_ms = now_ms.min(row.expires_at_ms);
                }
            }
            FaultKind::TokenRevoked => {
                self.tokens.revoke(token);
            }
            FaultKind::MissingScope { scopes } => {
                if let Some(row) = self.tokens.by_access(token) {
                    row.scopes.retain(|scope| !scopes.contains(scope));
                }
            }
            _ => {}
        }
    }
}

/// The token in `Authorization: Bearer …`.
pub(crate) fn bearer(request: &Request<Bytes>) -> Option<&str> {
    let (scheme, token) = request.headers().get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// What a fault answers in the work's place; `None` when the work's own answer stands.
fn answer_of(fault: &FaultKind, place: &Place, context: &mut Context) -> Option<Outcome> {
    let limit = context.options.sentry_requests_per_second;
    let response = match fault {
        FaultKind::Hang => return Some(Outcome::Hang),
        FaultKind::Drop => return Some(Outcome::Drop),
        FaultKind::Status { code, body, headers } => {
            let mut response = match body {
                Some(Value::String(text)) => exchange::text(*code, text),
                Some(body) => exchange::json(*code, body),
                None => exchange::json(*code, &json!({"detail": "Internal Error", "errorId": context.random.uuid()})),
            };
            headers.iter().for_each(|(name, value)| exchange::set_named(&mut response, name, value));
            response
        }
        FaultKind::RateLimited { retry_after } => {
            let reset = context.now_ms.div_euclid(1000).saturating_add(i64::try_from(*retry_after).unwrap_or(i64::MAX));
            let mut response = ApiError::TooMany { limit }.response();
            Standing { limit, remaining: 0, exceeded: true, reset }.tell(&mut response);
            response
        }
        FaultKind::Html { code } => exchange::html(*code, PROXY_PAGE),
        FaultKind::InvalidToken => ApiError::InvalidToken.response(),
        FaultKind::Forbidden => ApiError::NotPermitted.response(),
        FaultKind::SsoRequired => {
            ApiError::SsoRequired { login_url: format!("{}/auth/login/globex/", place.origin()) }.response()
        }
        FaultKind::TwoFactorRequired => ApiError::TwoFactorRequired.response(),
        FaultKind::SlackError { .. }
        | FaultKind::Delay { .. }
        | FaultKind::Truncate
        | FaultKind::TokenExpired
        | FaultKind::TokenRevoked
        | FaultKind::MissingScope { .. } => return None,
    };
    Some(Outcome::Respond(response))
}

/// What a gateway in between says.
pub(crate) const PROXY_PAGE: &str = "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head>\
    <body><center><h1>502 Bad Gateway</h1></center><hr><center>nginx</center></body></html>";

/// The page behind a permalink.
fn issue_page(path: &str, place: &Place) -> Option<String> {
    let segments = crate::form::segments(path);
    let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
    let (organization, id) = match (place, parts.as_slice()) {
        (Place::Customer(organization), ["issues", id, ..]) => (organization.as_str(), *id),
        (Place::Local(_) | Place::Control, ["organizations", organization, "issues", id, ..]) => (*organization, *id),
        _ => return None,
    };
    let issue = data::world().issues_of(organization).find(|issue| issue.id.to_string() == id)?;
    Some(consent_page::issue(&issue.short_id, &issue.title(), issue.culprit.unwrap_or_default()))
}
