//! Response URLs: five uses within thirty minutes, also where the bot is not a member.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Method, Request, Response};
use serde_json::{Value, json};

use super::messages::Content;
use super::people::BOT_USER;
use super::web_api::{self, Args};
use super::{Slack, blocks};
use crate::{Context, exchange};

/// docs.slack.dev/interactivity/handling-user-interaction: five times within thirty minutes.
const USES: u32 = 5;
const TTL_MS: i64 = 30 * 60 * 1000;

/// Where answers to one interaction go.
#[derive(Clone, Debug)]
pub(crate) struct ResponseUrl {
    pub(crate) channel: String,
    pub(crate) thread_ts: Option<String>,
    pub(crate) person: String,
    /// The id of the message that `replace_original` and `delete_original` mean. A slash command has none until it was
    /// answered.
    pub(crate) original: Option<String>,
    uses_left: u32,
    expires_at_ms: i64,
}

#[derive(Default)]
pub(crate) struct ResponseUrls(BTreeMap<String, ResponseUrl>);

impl ResponseUrls {
    fn take_use(&mut self, id: &str, now_ms: i64) -> Result<ResponseUrl, &'static str> {
        let known = self.0.get_mut(id).ok_or("invalid_url")?;
        if now_ms >= known.expires_at_ms {
            return Err("expired_url");
        }
        known.uses_left = known.uses_left.checked_sub(1).ok_or("used_url")?;
        Ok(known.clone())
    }
}

impl Slack {
    /// Issues a response URL.
    pub(crate) fn issue_response_url(
        &mut self,
        context: &mut Context,
        (channel, thread_ts): (&str, Option<&str>),
        person: &str,
        original: Option<&str>,
    ) -> String {
        let id = context.random.hex64();
        let origin = context.options.slack_origin.trim_end_matches('/');
        let origin = if origin == "https://slack.com" { "https://hooks.slack.com" } else { origin };
        let url = format!("{origin}/response/{id}");
        context.secrets.note("response_url", &url);
        let entry = ResponseUrl {
            channel: channel.to_owned(),
            thread_ts: thread_ts.map(str::to_owned),
            person: person.to_owned(),
            original: original.map(str::to_owned),
            uses_left: USES,
            expires_at_ms: context.now_ms.saturating_add(TTL_MS),
        };
        self.response_urls.0.insert(id, entry);
        url
    }

    /// Takes what the app posts to `/response/{id}`; also says what was wrong with it.
    pub(crate) fn respond(
        &mut self,
        id: &str,
        request: &Request<Bytes>,
        context: &mut Context,
    ) -> (Response<Bytes>, Option<String>) {
        let refuse = |status: u16, error: &str| {
            (exchange::json(status, &json!({"ok": false, "error": error})), Some(error.to_owned()))
        };
        if request.method() != Method::POST {
            return refuse(405, "method_not_allowed");
        }
        let Ok(args) = Args::read(request) else { return refuse(400, "invalid_payload") };
        let content = match web_api::content(&args, context.random) {
            Ok(content) => content,
            Err(error) if error.error == "no_text" && args.flag("delete_original") => Content::default(),
            Err(error) => return refuse(400, &error.error),
        };
        match self.response_urls.take_use(id, context.now_ms) {
            Ok(to) => {
                self.answer_interaction(id, &to, &args, content, context.now_ms);
                (exchange::json(200, &json!({"ok": true})), None)
            }
            Err(error) => refuse(404, error),
        }
    }

    /// Shows what came by a response URL (or at once, in the body of the answer to a slash command).
    pub(crate) fn answer_interaction(
        &mut self,
        id: &str,
        to: &ResponseUrl,
        args: &Args,
        content: Content,
        now_ms: i64,
    ) {
        let original = to.original.as_deref();
        if args.flag("delete_original") {
            if let Some(message) = original.and_then(|original| self.messages.find_mut(original)) {
                message.deleted = true;
            }
            return;
        }
        let replaced = original.filter(|_| args.flag("replace_original"));
        if let Some(message) = replaced.and_then(|original| self.messages.find_mut(original)) {
            message.text = content.text;
            message.blocks = content.blocks;
            message.edited = true;
            message.deleted = false;
            return;
        }
        let private_to = (args.text("response_type") != "in_channel").then_some(to.person.as_str());
        let thread_ts = args.get("thread_ts").and_then(Value::as_str).or(to.thread_ts.as_deref());
        let posted = self.post(now_ms, (&to.channel, thread_ts), BOT_USER, private_to, content);
        if let Some(known) = self.response_urls.0.get_mut(id).filter(|known| known.original.is_none()) {
            known.original = Some(posted.id);
        }
    }

    /// The entry behind a response URL.
    pub(crate) fn response_target(&self, url: &str) -> Option<(String, ResponseUrl)> {
        let id = url.rsplit_once("/response/")?.1;
        self.response_urls.0.get(id).map(|entry| (id.to_owned(), entry.clone()))
    }
}

/// `invalid_blocks` and its like, as the Web API says it.
impl From<blocks::BlocksError> for web_api::Refusal {
    fn from(error: blocks::BlocksError) -> web_api::Refusal {
        match error {
            blocks::BlocksError::TooLong => web_api::Refusal::new("msg_blocks_too_long"),
            blocks::BlocksError::Invalid(messages) => web_api::Refusal { error: "invalid_blocks".to_owned(), messages },
        }
    }
}
