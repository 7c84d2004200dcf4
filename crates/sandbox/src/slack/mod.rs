//! The fake Slack: one workspace, its people, and one app.
//!
//! | Path | Module |
//! |---|---|
//! | `/api/{method}` | [`web_api`] |
//! | `/response/{id}` (in SaaS mode on `hooks.slack.com`) | [`response_urls`] |
//!
//! What people do comes in through [`events`] and [`interactions`], and goes out through [`deliveries`].

mod blocks;
mod deliveries;
mod events;
mod interactions;
mod messages;
pub mod people;
mod response_urls;
#[cfg(test)]
mod tests;
mod web_api;
mod wire;

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use http::{Request, Response};
use serde::Serialize;
use serde_json::{Value, json};

use self::deliveries::Deliveries;
use self::messages::{Messages, Statuses};
use self::response_urls::ResponseUrls;
use self::web_api::{Args, Refusal};
use crate::Context;
use crate::exchange::{self, Delivery, Exchange, Outcome};
use crate::faults::{FaultKind, Plan};
use crate::options::Options;

pub use self::deliveries::{DeliveryKind, DeliveryRecord, Failure, signature};
pub use self::events::Say;
pub use self::interactions::{Click, Slash};
pub use self::messages::Message;

/// One call that the fake Slack saw: of the Web API, or of a response URL.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SlackCall {
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// The method's name; `response_url` for a response URL.
    pub method: String,
    /// The arguments, without the token.
    pub body: Value,
    /// The status that was answered; `None` when the connection was dropped or left hanging.
    pub status: Option<u16>,
    /// Slack's name for what went wrong.
    pub error: Option<String>,
}

#[derive(Default)]
pub(crate) struct Slack {
    pub(crate) calls: Vec<SlackCall>,
    /// Methods and paths that the sandbox does not play.
    pub(crate) unhandled: Vec<String>,
    pub(crate) messages: Messages,
    pub(crate) deliveries: Deliveries,
    /// The Home tabs that were published, by user.
    pub(crate) homes: BTreeMap<String, Value>,
    /// The status lines, by channel and thread.
    pub(crate) statuses: Statuses,
    /// Deliveries that nobody's doing caused; see [`Slack::echo`].
    pub(crate) outbox: Vec<Delivery>,
    response_urls: ResponseUrls,
    /// What `users.info` says of a user beyond, or instead of, what there is about them; `None`: nothing at all.
    pub(crate) told: BTreeMap<String, Option<Value>>,
    members: BTreeMap<String, BTreeSet<String>>,
}

impl Slack {
    pub(crate) fn new() -> Slack {
        let members = |channel: &people::Channel| {
            let members = channel.first_members.iter().map(|member| (*member).to_owned()).collect();
            (channel.id.to_owned(), members)
        };
        Slack { members: people::CHANNELS.iter().map(members).collect(), ..Slack::default() }
    }

    /// Whether a request goes to Slack at all.
    pub(crate) fn is_at(uri: &http::Uri, options: &Options) -> bool {
        let hosted = uri.scheme_str() == Some("https") && matches!(uri.host(), Some("slack.com" | "hooks.slack.com"));
        hosted || crate::sentry::same_origin(uri, &options.slack_origin)
    }

    pub(crate) fn handle(&mut self, request: &Request<Bytes>, plan: Plan, mut context: Context) -> Exchange {
        let path = request.uri().path().trim_start_matches('/').to_owned();
        let method = match path.split_once('/') {
            Some(("api", method)) => method.trim_end_matches('/').to_owned(),
            Some(("response", _)) => "response_url".to_owned(),
            _ => format!("/{path}"),
        };
        let fault = plan.fault.as_ref();
        let truncate = matches!(fault, Some(FaultKind::Truncate));
        let replaced = fault.and_then(answer_of);
        let works = replaced.is_none() || plan.after_work;
        let mut error = None;
        let mut outcome = Outcome::Drop;
        if works {
            let (response, refusal) = self.work(&method, &path, request, &mut context);
            error = refusal;
            outcome = if truncate { Outcome::Truncate(response) } else { Outcome::Respond(response) };
        }
        if let Some((answer, name)) = replaced {
            outcome = answer;
            error = name;
        }
        let body = Args::read(request).map(|args| args.without_token()).unwrap_or_default();
        self.calls.push(SlackCall { at_ms: context.now_ms, method, body, status: outcome.status(), error });
        Exchange { delay_ms: plan.delay_ms, outcome }
    }

    /// Does what was asked for; also says what was wrong with it.
    fn work(
        &mut self,
        method: &str,
        path: &str,
        request: &Request<Bytes>,
        context: &mut Context,
    ) -> (Response<Bytes>, Option<String>) {
        if let Some(id) = path.strip_prefix("response/") {
            return self.respond(id, request, context);
        }
        if !path.starts_with("api/") {
            self.unhandled.push(method.to_owned());
            return (exchange::text(404, "not found"), Some("not_found".to_owned()));
        }
        let called = Args::read(request).and_then(|args| web_api::call(self, method, request, &args, context));
        match called {
            Ok(answer) => (exchange::json(200, &answer), None),
            Err(refusal) => {
                if refusal.error == "unknown_method" {
                    self.unhandled.push(method.to_owned());
                }
                (exchange::json(200, &refusal.json()), Some(refusal.error))
            }
        }
    }
}

/// What a fault answers in the work's place, and Slack's name for it; `None` when the work's own answer stands.
fn answer_of(fault: &FaultKind) -> Option<(Outcome, Option<String>)> {
    let slack_error =
        |error: &str| (Outcome::Respond(exchange::json(200, &Refusal::new(error).json())), Some(error.to_owned()));
    let answer = match fault {
        FaultKind::Hang => (Outcome::Hang, None),
        FaultKind::Drop => (Outcome::Drop, None),
        FaultKind::Status { code, body, headers } => {
            let mut response = match body {
                Some(Value::String(text)) => exchange::text(*code, text),
                Some(body) => exchange::json(*code, body),
                None => exchange::json(*code, &json!({"ok": false, "error": "internal_error"})),
            };
            headers.iter().for_each(|(name, value)| exchange::set_named(&mut response, name, value));
            (Outcome::Respond(response), Some(format!("http_{code}")))
        }
        FaultKind::RateLimited { retry_after } => {
            let mut response = exchange::json(429, &json!({"ok": false, "error": "ratelimited"}));
            exchange::set_named(&mut response, "retry-after", &retry_after.to_string());
            (Outcome::Respond(response), Some("ratelimited".to_owned()))
        }
        FaultKind::Html { code } => {
            (Outcome::Respond(exchange::html(*code, crate::sentry::PROXY_PAGE)), Some(format!("http_{code}")))
        }
        FaultKind::SlackError { error } => slack_error(error),
        FaultKind::TokenExpired => slack_error("token_expired"),
        FaultKind::TokenRevoked => slack_error("token_revoked"),
        FaultKind::InvalidToken => slack_error("invalid_auth"),
        FaultKind::MissingScope { .. } => slack_error("missing_scope"),
        FaultKind::Forbidden => slack_error("access_denied"),
        FaultKind::SsoRequired => slack_error("org_login_required"),
        FaultKind::TwoFactorRequired => slack_error("two_factor_setup_required"),
        FaultKind::Delay { .. } | FaultKind::Truncate => return None,
    };
    Some(answer)
}
