//! Slack's Web API, as far as we use it (<https://docs.slack.dev/reference/methods>).
//!
//! One call is one attempt, within a deadline: whoever needs it to happen keeps a durable note of it and tries again, since
//! only a note survives a restart (P11, P19). What failed is told by what the caller can do about it: [`SlackError`].

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use url::{Url, form_urlencoded};

use super::blocks::Message;
use super::mrkdwn::one_line;
use super::response_url;
use crate::config::{Problem, expose};
use crate::ports::{Http, HttpError, Limits, Timestamp, World};

/// Slack usually answers within a second; a call that takes ten has most likely failed.
const DEADLINE: Duration = Duration::from_secs(10);
/// The longest answer is a page of messages.
const MAX_BODY: usize = 1024 * 1024;
/// The type of the metadata that marks our messages.
pub const MARK_TYPE: &str = "vedette_turn";
/// Messages in a page of [`Api::find_marked`]: Slack recommends no more than 200.
const PAGE: &str = "200";
/// Pages that [`Api::find_marked`] reads: a busy channel's last minutes, and a bound.
const MAX_PAGES: usize = 5;
/// How far Slack's clock and ours may be apart.
const CLOCKS_APART: Duration = Duration::from_secs(60);
/// What is waited after a 429 that does not say for how long.
const RETRY_AFTER_UNSAID: Duration = Duration::from_secs(5);
/// The most that is waited, whatever a 429 says.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// Why a call did not do what it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SlackError {
    /// Too many calls: nothing was done.
    #[error("Slack asks to wait {} s", .retry_after.as_secs())]
    RateLimited {
        /// For how long.
        retry_after: Duration,
    },
    /// Slack failed, could not be reached or did not answer in time: it may have been done.
    #[error("Slack is not available")]
    Unavailable,
    /// Slack said no: nothing was done.
    #[error("Slack refused: {error}")]
    Refused {
        /// Slack's word for it: `channel_not_found`.
        error: String,
    },
    /// The answer was too long, or not what Slack answers: it may have been done.
    #[error("Slack's answer could not be read")]
    Unreadable,
}

impl SlackError {
    /// Whether the same call may succeed later. Unless it was [`SlackError::RateLimited`], it may also have been done.
    pub fn may_retry(&self) -> bool {
        !matches!(self, SlackError::Refused { .. })
    }

    /// Whether a private message cannot reach this person here, however often it is tried.
    pub fn means_unreachable_privately(&self) -> bool {
        self.is_one_of(&[
            "access_denied",
            "cannot_dm_bot",
            "cant_dm_bot",
            "channel_not_found",
            "ekm_access_denied",
            "external_channel_migrating",
            "is_archived",
            "messages_tab_disabled",
            "method_not_supported_for_channel_type",
            "missing_scope",
            "no_permission",
            "not_in_channel",
            "restricted_action",
            "restricted_action_thread_locked",
            "team_access_not_granted",
            "user_disabled",
            "user_not_found",
            "user_not_in_channel",
            "user_not_visible",
        ])
    }

    /// Whether the message, or the way to it, is no longer there.
    pub fn is_gone(&self) -> bool {
        self.is_one_of(&[
            "cant_delete_message",
            "cant_update_message",
            "edit_window_closed",
            "expired_url",
            "http_404",
            "http_410",
            "message_not_found",
            "thread_not_found",
            "used_url",
        ])
    }

    fn is_one_of(&self, errors: &[&str]) -> bool {
        matches!(self, SlackError::Refused { error } if errors.contains(&error.as_str()))
    }
}

/// What a message sent to a `response_url` does. One URL takes five, within half an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Respond {
    /// Takes the place of the message that the URL belongs to.
    Replace,
    /// Is shown to the person alone.
    New,
    /// Is shown to the channel.
    Share,
    /// Takes the message away; what is sent is not shown.
    Delete,
}

/// The Web API, with this app's token.
pub struct Api {
    http: Rc<dyn Http>,
    base: Url,
    authorization: HeaderValue,
}

impl Api {
    /// The API that this deployment is configured for.
    ///
    /// # Errors
    /// When the Slack app is not configured.
    pub fn new(world: &World) -> Result<Api, Problem> {
        let slack = world.config.slack.as_ref().map_err(Clone::clone)?;
        let mut authorization =
            HeaderValue::from_str(&format!("Bearer {}", expose(&slack.bot_token))).map_err(|_| Problem {
                variable: "SLACK_BOT_TOKEN",
                problem: "has characters that no token has: set it again",
            })?;
        authorization.set_sensitive(true);
        Ok(Api { http: world.http.clone(), base: slack.api_url.clone(), authorization })
    }

    /// Posts a message, marked with `mark` so that [`Api::find_marked`] finds it; returns its `ts`.
    ///
    /// # Errors
    /// As [`SlackError`] says.
    pub async fn post_message(
        &self,
        channel: &str,
        thread_ts: Option<&str>,
        message: &Message,
        mark: Option<&str>,
    ) -> Result<String, SlackError> {
        let mut body = content(message, mark);
        body.insert("channel".to_owned(), json!(channel));
        body.insert("unfurl_links".to_owned(), json!(false));
        body.insert("unfurl_media".to_owned(), json!(false));
        if let Some(thread_ts) = thread_ts {
            body.insert("thread_ts".to_owned(), json!(thread_ts));
        }
        let posted: Posted = self.write("chat.postMessage", body).await?;
        Ok(posted.ts)
    }

    /// Posts a message that only `user` sees, and that Slack does not keep.
    ///
    /// # Errors
    /// As [`SlackError`] says.
    pub async fn post_ephemeral(
        &self,
        channel: &str,
        user: &str,
        thread_ts: Option<&str>,
        message: &Message,
    ) -> Result<(), SlackError> {
        let mut body = content(message, None);
        body.insert("channel".to_owned(), json!(channel));
        body.insert("user".to_owned(), json!(user));
        if let Some(thread_ts) = thread_ts {
            body.insert("thread_ts".to_owned(), json!(thread_ts));
        }
        self.write::<Done>("chat.postEphemeral", body).await.map(drop)
    }

    /// Replaces one of our messages. Its mark is given again: Slack drops metadata that is not.
    ///
    /// # Errors
    /// As [`SlackError`] says.
    pub async fn update(
        &self,
        channel: &str,
        ts: &str,
        message: &Message,
        mark: Option<&str>,
    ) -> Result<(), SlackError> {
        let mut body = content(message, mark);
        body.insert("channel".to_owned(), json!(channel));
        body.insert("ts".to_owned(), json!(ts));
        self.write::<Done>("chat.update", body).await.map(drop)
    }

    /// The `ts` of the message marked `mark`, posted after `since` in `thread_ts`, or, without one, in the channel itself.
    ///
    /// # Errors
    /// As [`SlackError`] says.
    pub async fn find_marked(
        &self,
        channel: &str,
        thread_ts: Option<&str>,
        mark: &str,
        since: Timestamp,
    ) -> Result<Option<String>, SlackError> {
        let oldest = format!("{}.000000", (since - CLOCKS_APART).as_seconds().max(0));
        let mut fields = vec![
            ("channel", channel),
            ("oldest", oldest.as_str()),
            ("inclusive", "true"),
            ("include_all_metadata", "true"),
            ("limit", PAGE),
        ];
        fields.extend(thread_ts.map(|ts| ("ts", ts)));
        let method = if thread_ts.is_some() { "conversations.replies" } else { "conversations.history" };
        let mut cursor = String::new();
        for _ in 0..MAX_PAGES {
            let page: Page = self.read(method, fields.iter().copied().chain([("cursor", cursor.as_str())])).await?;
            if let Some(found) = page.messages.into_iter().find(|message| message.is_marked(mark)) {
                return Ok(Some(found.ts));
            }
            cursor = page.response_metadata.and_then(|it| it.next_cursor).unwrap_or_default();
            if cursor.is_empty() {
                return Ok(None);
            }
        }
        Ok(None)
    }

    /// The id of the direct conversation with `user`.
    ///
    /// # Errors
    /// As [`SlackError`] says.
    pub async fn open_direct(&self, user: &str) -> Result<String, SlackError> {
        let body = Map::from_iter([("users".to_owned(), json!(user))]);
        let opened: Opened = self.write("conversations.open", body).await?;
        Ok(opened.channel.id)
    }

    /// How `user` is shown to others. Untrusted: people choose it.
    ///
    /// # Errors
    /// As [`SlackError`] says.
    pub async fn person_name(&self, user: &str) -> Result<String, SlackError> {
        let found: Found = self.read("users.info", [("user", user)]).await?;
        let user = found.user;
        let profile = user.profile.unwrap_or_default();
        [profile.display_name, profile.real_name, user.real_name, user.name]
            .into_iter()
            .flatten()
            .map(|name| one_line(&name))
            .find(|name| !name.is_empty())
            .ok_or(SlackError::Unreadable)
    }

    /// The name of the workspace that the app is installed in.
    ///
    /// # Errors
    /// As [`SlackError`] says.
    pub async fn workspace_name(&self) -> Result<String, SlackError> {
        let tested: Tested = self.read("auth.test", []).await?;
        Ok(one_line(&tested.team))
    }

    /// Sends a message to a `response_url`. The app's token does not go with it.
    ///
    /// # Errors
    /// As [`SlackError`] says.
    pub async fn respond(
        &self,
        response_url: &SecretString,
        message: &Message,
        how: Respond,
    ) -> Result<(), SlackError> {
        let url = response_url::accepted(Some(expose(response_url)), &self.base)
            .ok_or_else(|| refused("response_url_not_allowed"))?;
        let mut body = if how == Respond::Delete { Map::new() } else { content(message, None) };
        match how {
            Respond::Delete => {
                body.insert("delete_original".to_owned(), json!(true));
            }
            Respond::Replace | Respond::New | Respond::Share => {
                let shared = how == Respond::Share;
                body.insert("response_type".to_owned(), json!(if shared { "in_channel" } else { "ephemeral" }));
                body.insert("replace_original".to_owned(), json!(how == Respond::Replace));
            }
        }
        let response = self.send(request(&url, JSON, Value::Object(body).to_string())?).await?;
        read_hook(&response)
    }

    /// A method that changes something: its parameters go as JSON.
    async fn write<T: serde::de::DeserializeOwned>(
        &self,
        method: &str,
        body: Map<String, Value>,
    ) -> Result<T, SlackError> {
        self.call(method, JSON, Value::Object(body).to_string()).await
    }

    /// A method that reads: its parameters go as a form, since some of these methods do not read JSON.
    async fn read<'a, T: serde::de::DeserializeOwned>(
        &self,
        method: &str,
        fields: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<T, SlackError> {
        let fields = fields.into_iter().filter(|(_, value)| !value.is_empty());
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.call(method, FORM, body).await
    }

    async fn call<T: serde::de::DeserializeOwned>(
        &self,
        method: &str,
        content_type: HeaderValue,
        body: String,
    ) -> Result<T, SlackError> {
        let mut url = self.base.clone();
        url.path_segments_mut().map_err(|()| SlackError::Unreadable)?.pop_if_empty().push(method);
        let mut request = request(&url, content_type, body)?;
        request.headers_mut().insert(header::AUTHORIZATION, self.authorization.clone());
        read_method(&self.send(request).await?)
    }

    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, SlackError> {
        let response = self.http.send(request, Limits { deadline: DEADLINE, max_body: MAX_BODY }).await;
        let response = response.map_err(|error| match error {
            HttpError::Timeout | HttpError::Connection => SlackError::Unavailable,
            HttpError::TooLong => SlackError::Unreadable,
        })?;
        match response.status() {
            StatusCode::TOO_MANY_REQUESTS => {
                Err(SlackError::RateLimited { retry_after: retry_after(response.headers()) })
            }
            status if status.is_server_error() => Err(SlackError::Unavailable),
            _ => Ok(response),
        }
    }
}

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");

fn request(url: &Url, content_type: HeaderValue, body: String) -> Result<Request<Bytes>, SlackError> {
    Request::builder()
        .method(Method::POST)
        .uri(url.as_str())
        .header(header::CONTENT_TYPE, content_type)
        .body(Bytes::from(body))
        .map_err(|_| refused("invalid_url"))
}

fn content(message: &Message, mark: Option<&str>) -> Map<String, Value> {
    let mut body =
        Map::from_iter([("text".to_owned(), json!(message.text)), ("blocks".to_owned(), json!(message.blocks))]);
    if let Some(mark) = mark {
        let metadata = json!({"event_type": MARK_TYPE, "event_payload": {"turn": mark}});
        body.insert("metadata".to_owned(), metadata);
    }
    body
}

fn refused(error: &str) -> SlackError {
    SlackError::Refused { error: error.to_owned() }
}

/// The seconds of `Retry-After`, at least one.
fn retry_after(headers: &HeaderMap) -> Duration {
    let seconds = headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    seconds.map_or(RETRY_AFTER_UNSAID, |seconds| {
        Duration::from_secs(seconds).clamp(Duration::from_secs(1), MAX_RETRY_AFTER)
    })
}

/// Reads a method's answer: JSON that says whether it is `ok`, with status 200 even when it is not.
fn read_method<T: serde::de::DeserializeOwned>(response: &Response<Bytes>) -> Result<T, SlackError> {
    let said: Said = serde_json::from_slice(response.body()).map_err(|_| SlackError::Unreadable)?;
    if said.ok {
        return serde_json::from_slice(response.body()).map_err(|_| SlackError::Unreadable);
    }
    Err(match said.error.as_deref().and_then(error_word) {
        Some("ratelimited" | "rate_limited") => {
            SlackError::RateLimited { retry_after: retry_after(response.headers()) }
        }
        Some("internal_error" | "fatal_error" | "service_unavailable" | "request_timeout") => SlackError::Unavailable,
        Some(error) => refused(error),
        None => SlackError::Unreadable,
    })
}

/// Reads the answer to a message for a `response_url`: `ok` as text or as JSON, or a status with a word for what is wrong.
fn read_hook(response: &Response<Bytes>) -> Result<(), SlackError> {
    let said: Option<Said> = serde_json::from_slice(response.body()).ok();
    let failed = said.as_ref().is_some_and(|said| !said.ok);
    if response.status().is_success() && !failed {
        return Ok(());
    }
    let text = std::str::from_utf8(response.body()).unwrap_or_default().trim().to_owned();
    let word = said.and_then(|said| said.error).unwrap_or(text);
    match error_word(&word) {
        Some(error) => Err(refused(error)),
        None => Err(refused(&format!("http_{}", response.status().as_u16()))),
    }
}

/// `text` when it has the form of Slack's words for errors: it goes into logs.
fn error_word(text: &str) -> Option<&str> {
    let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    ((1..=80).contains(&text.len()) && text.bytes().all(word)).then_some(text)
}

#[derive(Deserialize)]
struct Said {
    ok: bool,
    error: Option<String>,
}

#[derive(Deserialize)]
struct Done {}

#[derive(Deserialize)]
struct Posted {
    ts: String,
}

#[derive(Deserialize)]
struct Page {
    messages: Vec<Listed>,
    response_metadata: Option<Next>,
}

#[derive(Deserialize)]
struct Next {
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
struct Opened {
    channel: OpenedChannel,
}

#[derive(Deserialize)]
struct OpenedChannel {
    id: String,
}

#[derive(Deserialize)]
struct Found {
    user: FoundUser,
}

#[derive(Deserialize)]
struct FoundUser {
    name: Option<String>,
    real_name: Option<String>,
    profile: Option<Profile>,
}

#[derive(Default, Deserialize)]
struct Profile {
    display_name: Option<String>,
    real_name: Option<String>,
}

#[derive(Deserialize)]
struct Tested {
    team: String,
}

/// A message of a page, of which we read the mark alone: metadata of other apps may be anything.
#[derive(Deserialize)]
struct Listed {
    #[serde(default)]
    ts: String,
    #[serde(default)]
    metadata: Value,
}

impl Listed {
    fn is_marked(&self, mark: &str) -> bool {
        let text = |pointer: &str| self.metadata.pointer(pointer).and_then(Value::as_str);
        text("/event_type") == Some(MARK_TYPE) && text("/event_payload/turn") == Some(mark) && !self.ts.is_empty()
    }
}
