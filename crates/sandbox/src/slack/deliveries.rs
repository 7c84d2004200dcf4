//! Signed requests to the app, what came of them, and retries.
//!
//! An event that was not acknowledged (2xx within 3 s) comes again at once, after one minute and after five minutes, with
//! `X-Slack-Retry-Num` and `X-Slack-Retry-Reason`, unless a refusal carried `X-Slack-No-Retry: 1`. Slash commands and
//! interactions come once: the person sees what went wrong.

use std::collections::BTreeMap;

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::header::{HeaderName, HeaderValue};
use http::{Method, Request, Response};
use serde::Serialize;
use serde_json::Value;
use sha2::Sha256;

use super::Slack;
use super::messages::Content;
use super::people::SLACKBOT;
use super::web_api::{self, Args};
use crate::Context;
use crate::exchange::Delivery;
use crate::options::Options;

/// What kind of thing is delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryKind {
    /// `POST /slack/events`.
    Event,
    /// `POST /slack/commands`.
    Slash,
    /// `POST /slack/interactions`.
    Interaction,
}

/// Why a delivery got no answer, as in `X-Slack-Retry-Reason`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No answer within three seconds.
    Timeout,
    /// No connection.
    Connection,
}

/// One delivery, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeliveryRecord {
    /// The delivery's id.
    pub id: u64,
    /// Its kind.
    pub kind: DeliveryKind,
    /// When it was made (or is due), in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// 0, or which retry it is.
    pub retry: u32,
    /// `event_id` of an event.
    pub event_id: Option<String>,
    /// What the app answered; `None` while it has not, or when it never did.
    pub status: Option<u16>,
    /// `http_timeout`, `connection_failed` or `http_error`, when it went wrong.
    pub failure: Option<String>,
}

/// A delivery that may have to be made again.
#[derive(Clone, Debug)]
struct Pending {
    body: Bytes,
    /// Where an immediate answer goes; `None` for events.
    response_url: Option<String>,
    /// `/sentry`, for the message of its failure.
    command: Option<String>,
}

#[derive(Default)]
pub(crate) struct Deliveries {
    pub(crate) log: Vec<DeliveryRecord>,
    pending: BTreeMap<u64, Pending>,
    last_id: u64,
}

impl Slack {
    /// Delivers an event for the first time.
    pub(crate) fn deliver_event(&mut self, envelope: &Value, context: &Context) -> Delivery {
        let event_id = envelope.get("event_id").and_then(Value::as_str).map(str::to_owned);
        let pending = Pending { body: Bytes::from(envelope.to_string()), response_url: None, command: None };
        self.deliver(DeliveryKind::Event, pending, event_id, None, context.now_ms, context.options)
    }

    /// Delivers a slash command or an interaction.
    pub(crate) fn deliver_form(
        &mut self,
        kind: DeliveryKind,
        body: String,
        (response_url, command): (Option<String>, Option<String>),
        context: &Context,
    ) -> Delivery {
        let pending = Pending { body: Bytes::from(body), response_url, command };
        self.deliver(kind, pending, None, None, context.now_ms, context.options)
    }

    fn deliver(
        &mut self,
        kind: DeliveryKind,
        pending: Pending,
        event_id: Option<String>,
        retry: Option<(u32, &str)>,
        at_ms: i64,
        options: &Options,
    ) -> Delivery {
        self.deliveries.last_id += 1;
        let id = self.deliveries.last_id;
        let request = signed(kind, &pending.body, retry, at_ms, options);
        self.deliveries.pending.insert(id, pending);
        self.deliveries.log.push(DeliveryRecord {
            id,
            kind,
            at_ms,
            retry: retry.map_or(0, |(number, _)| number),
            event_id,
            status: None,
            failure: None,
        });
        Delivery { id, request }
    }

    /// Takes what came of a delivery, and returns the retry to make, if there is one, with its due time.
    pub(crate) fn delivered(
        &mut self,
        id: u64,
        outcome: Result<&Response<Bytes>, Failure>,
        context: &mut Context,
    ) -> Vec<(i64, Delivery)> {
        let Some(pending) = self.deliveries.pending.remove(&id) else { return Vec::new() };
        let Some(record) = self.deliveries.log.iter_mut().find(|record| record.id == id) else { return Vec::new() };
        let failure = match outcome {
            Ok(response) if response.status().is_success() => None,
            Ok(_) => Some("http_error"),
            Err(Failure::Timeout) => Some("http_timeout"),
            Err(Failure::Connection) => Some("connection_failed"),
        };
        record.status = outcome.ok().map(|response| response.status().as_u16());
        record.failure = failure.map(str::to_owned);
        let (kind, retry, event_id) = (record.kind, record.retry, record.event_id.clone());
        match (kind, failure) {
            (DeliveryKind::Event, Some(reason)) => {
                let wanted = outcome.ok().is_none_or(|response| !forbids_retry(response));
                let delay = usize::try_from(retry).ok().and_then(|at| context.options.retry_delays_ms.get(at));
                let Some(delay_ms) = delay.filter(|_| wanted) else { return Vec::new() };
                let due_ms = context.now_ms.saturating_add(i64::try_from(*delay_ms).unwrap_or(i64::MAX));
                let again = self.deliver(kind, pending, event_id, Some((retry + 1, reason)), due_ms, context.options);
                vec![(due_ms, again)]
            }
            (DeliveryKind::Slash, Some(reason)) => {
                self.tell_failure(&pending, reason, context.now_ms);
                Vec::new()
            }
            (DeliveryKind::Slash, None) => {
                if let Ok(response) = outcome {
                    self.show_immediate_answer(&pending, response, context);
                }
                Vec::new()
            }
            // The body of an answer to block actions means nothing to Slack.
            (DeliveryKind::Event | DeliveryKind::Interaction, _) => Vec::new(),
        }
    }

    /// The body of a 200 to a slash command is a message: JSON, or plain text.
    fn show_immediate_answer(&mut self, pending: &Pending, response: &Response<Bytes>, context: &mut Context) {
        let target = pending.response_url.as_deref().and_then(|url| self.response_target(url));
        let Some((id, target)) = target.filter(|_| !response.body().is_empty()) else { return };
        let args = match serde_json::from_slice(response.body()) {
            Ok(Value::Object(body)) => Args::of(body),
            _ => {
                let text = String::from_utf8_lossy(response.body()).into_owned();
                Args::of([("text".to_owned(), Value::String(text))].into_iter().collect())
            }
        };
        match web_api::content(&args, context.random) {
            Ok(content) => self.answer_interaction(&id, &target, &args, content, context.now_ms),
            // `{}` and `{"response_type":"in_channel"}` only acknowledge.
            Err(error) if error.error == "no_text" => {}
            Err(_) => self.tell_failure(pending, "invalid_command_response", context.now_ms),
        }
    }

    /// What Slackbot whispers when a slash command failed.
    fn tell_failure(&mut self, pending: &Pending, reason: &str, now_ms: i64) {
        let error = match reason {
            "http_timeout" => "operation_timeout",
            "http_error" | "connection_failed" => "dispatch_failed",
            other => other,
        };
        let target = pending.response_url.as_deref().and_then(|url| self.response_target(url));
        if let (Some((_, target)), Some(command)) = (target, &pending.command) {
            let text = format!("{command} failed with the error \"{error}\"");
            let content = Content { text, ..Content::default() };
            self.post(now_ms, (&target.channel, None), SLACKBOT, Some(&target.person), content);
        }
    }
}

fn forbids_retry(response: &Response<Bytes>) -> bool {
    response.headers().get("x-slack-no-retry").is_some_and(|value| value == "1")
}

/// A request with `X-Slack-Signature`: `v0=` and the HMAC-SHA256 of `v0:{timestamp}:{body}`.
fn signed(
    kind: DeliveryKind,
    body: &Bytes,
    retry: Option<(u32, &str)>,
    at_ms: i64,
    options: &Options,
) -> Request<Bytes> {
    let (path, content_type) = match kind {
        DeliveryKind::Event => ("events", "application/json"),
        DeliveryKind::Slash => ("commands", "application/x-www-form-urlencoded"),
        DeliveryKind::Interaction => ("interactions", "application/x-www-form-urlencoded"),
    };
    let timestamp = at_ms.div_euclid(1000).to_string();
    let signature = signature(&options.signing_secret, &timestamp, body);
    let mut request = Request::new(body.clone());
    *request.method_mut() = Method::POST;
    let address = format!("{}/slack/{path}", options.app_url.trim_end_matches('/'));
    if let Ok(uri) = address.parse() {
        *request.uri_mut() = uri;
    }
    let mut set = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            request.headers_mut().insert(HeaderName::from_static(name), value);
        }
    };
    set("content-type", content_type);
    set("user-agent", "Slackbot 1.0 (+https://api.slack.com/robots)");
    set("accept", "*/*");
    set("x-slack-request-timestamp", &timestamp);
    set("x-slack-signature", &signature);
    if let Some((number, reason)) = retry {
        set("x-slack-retry-num", &number.to_string());
        set("x-slack-retry-reason", reason);
    }
    request
}

/// Slack's signature of a body, as in `X-Slack-Signature`.
pub fn signature(signing_secret: &str, timestamp: &str, body: &[u8]) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(signing_secret.as_bytes()) else { return String::new() };
    mac.update(format!("v0:{timestamp}:").as_bytes());
    mac.update(body);
    format!("v0={}", hex::encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_slacks_own_example() {
        let body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V\
            &channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=\
            &response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN\
            &trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
        let signature = signature("8f742231b10e8888abcd99yyyzzz85a5", "1531420618", body.as_bytes());
        assert_eq!(signature, "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503");
    }
}
