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
use super::who::{Home, Membership};
use crate::config::{Problem, expose};
use crate::ports::{Http, HttpError, Limits, Timestamp};
use crate::world::World;

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
/// Workspaces of one person that are kept.
const MAX_TEAMS: usize = 200;
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

/// A person, as Slack tells of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlackPerson {
    /// How they are shown to others. Untrusted: people choose it.
    pub name: String,
    /// Their handle, without `@`.
    pub handle: Option<String>,
    /// Their address, when Slack has confirmed it and the app may read it (`users:read.email`).
    pub email: Option<String>,
    /// Their clock's zone.
    pub time_zone: Option<TimeZone>,
}

/// The zone of a person's clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeZone {
    /// Its name: `Central European Time`.
    pub label: String,
    /// Seconds ahead of UTC.
    pub offset_seconds: i32,
}

/// A workspace, by name and by the ids under which its people may be known: its own and, in Enterprise Grid, its
/// organization's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workspace {
    /// The name. Untrusted: people choose it.
    pub name: String,
    /// The ids.
    pub ids: Vec<String>,
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
        Ok(Api { http: world.ports.http.clone(), base: slack.api_url.clone(), authorization })
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

    /// Takes one of our messages away.
    ///
    /// # Errors
    /// As [`SlackError`] says.
    pub async fn delete(&self, channel: &str, ts: &str) -> Result<(), SlackError> {
        let body = Map::from_iter([("channel".to_owned(), json!(channel)), ("ts".to_owned(), json!(ts))]);
        self.write::<Done>("chat.delete", body).await.map(drop)
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

    /// Who `user` is.
    ///
    /// # Errors
    /// As [`SlackError`] says.
    pub async fn person(&self, user: &str) -> Result<SlackPerson, SlackError> {
        let found: Found = self.read("users.info", [("user", user)]).await?;
        let user = found.user;
        let profile = user.profile.unwrap_or_default();
        let line = |text: Option<String>| text.map(|text| one_line(&text)).filter(|text| !text.is_empty());
        let handle = line(user.name);
        let names = [line(profile.display_name), line(profile.real_name), line(user.real_name), handle.clone()];
        Ok(SlackPerson {
            name: names.into_iter().flatten().next().ok_or(SlackError::Unreadable)?,
            handle,
            email: line(profile.email).filter(|_| user.is_email_confirmed != Some(false)),
            time_zone: user
                .tz_offset
                .zip(line(user.tz_label))
                .map(|(offset_seconds, label)| TimeZone { label, offset_seconds }),
        })
    }

    /// What a channel is called, without `#`. Untrusted: people choose it. Private channels need a scope of their own.
    ///
    /// # Errors
    /// As [`SlackError`] says.
    pub async fn channel_name(&self, channel: &str) -> Result<String, SlackError> {
        let found: FoundChannel = self.read("conversations.info", [("channel", channel)]).await?;
        let name = found.channel.name.map(|name| one_line(&name)).filter(|name| !name.is_empty());
        name.ok_or(SlackError::Unreadable)
    }

    /// Where `user` belongs.
    ///
    /// # Errors
    /// As [`SlackError`] says.
    pub async fn membership(&self, user: &str) -> Result<Membership, SlackError> {
        let found: MemberFound = self.read("users.info", [("user", user)]).await?;
        let present = |id: Option<String>| id.filter(|id| !id.is_empty());
        let grid = found.user.enterprise_user.unwrap_or_default();
        Ok(Membership {
            team: present(found.user.team_id),
            enterprise: present(grid.enterprise_id),
            teams: grid.teams.unwrap_or_default().into_iter().flatten().take(MAX_TEAMS).collect(),
        })
    }

    /// Where the app is installed, as the bot token tells.
    ///
    /// # Errors
    /// As [`SlackError`] says.
    pub async fn home(&self) -> Result<Option<Home>, SlackError> {
        let tested: Installed = self.read("auth.test", []).await?;
        Ok(Home::new(tested.team_id.as_deref(), tested.enterprise_id.as_deref()))
    }

    /// The workspace that the app is installed in.
    ///
    /// # Errors
    /// As [`SlackError`] says.
    pub async fn workspace(&self) -> Result<Workspace, SlackError> {
        let tested: Tested = self.read("auth.test", []).await?;
        let ids = [tested.team_id, tested.enterprise_id].into_iter().flatten().collect();
        Ok(Workspace { name: one_line(&tested.team), ids })
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
    Err(said_no(said.error.as_deref().unwrap_or_default(), response.headers()).unwrap_or(SlackError::Unreadable))
}

/// What Slack's word for a failure means; `None` when it is no such word.
fn said_no(word: &str, headers: &HeaderMap) -> Option<SlackError> {
    Some(match error_word(word)? {
        "ratelimited" | "rate_limited" => SlackError::RateLimited { retry_after: retry_after(headers) },
        "internal_error" | "fatal_error" | "service_unavailable" | "request_timeout" => SlackError::Unavailable,
        error => refused(error),
    })
}

/// Reads the answer to a message for a `response_url`: `ok` as text or as JSON, or a status with a word for what is wrong.
fn read_hook(response: &Response<Bytes>) -> Result<(), SlackError> {
    let said: Option<Said> = serde_json::from_slice(response.body()).ok();
    let failed = said.as_ref().is_some_and(|said| !said.ok);
    if response.status().is_success() && !failed {
        // A proxy's page, whatever its status, is not Slack's word that the message was shown.
        let page = response.body().trim_ascii_start().starts_with(b"<");
        return if page { Err(SlackError::Unreadable) } else { Ok(()) };
    }
    let text = std::str::from_utf8(response.body()).unwrap_or_default().trim().to_owned();
    let word = said.and_then(|said| said.error).unwrap_or(text);
    let by_status = || refused(&format!("http_{}", response.status().as_u16()));
    Err(said_no(&word, response.headers()).unwrap_or_else(by_status))
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
    is_email_confirmed: Option<bool>,
    tz_label: Option<String>,
    tz_offset: Option<i32>,
}

#[derive(Deserialize)]
struct FoundChannel {
    channel: ChannelFacts,
}

#[derive(Deserialize)]
struct ChannelFacts {
    name: Option<String>,
}

#[derive(Default, Deserialize)]
struct Profile {
    display_name: Option<String>,
    real_name: Option<String>,
    email: Option<String>,
}

#[derive(Deserialize)]
struct MemberFound {
    user: FoundMember,
}

#[derive(Deserialize)]
struct FoundMember {
    team_id: Option<String>,
    enterprise_user: Option<EnterpriseUser>,
}

#[derive(Default, Deserialize)]
struct EnterpriseUser {
    enterprise_id: Option<String>,
    teams: Option<Vec<Option<String>>>,
}

#[derive(Deserialize)]
struct Installed {
    team_id: Option<String>,
    enterprise_id: Option<String>,
}

#[derive(Deserialize)]
struct Tested {
    team: String,
    team_id: Option<String>,
    enterprise_id: Option<String>,
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

#[cfg(test)]
mod tests {
    use super::super::messages;
    use super::super::testing::{Fake, NOW, now, world};
    use super::*;

    fn api() -> (Api, Rc<Fake>) {
        api_at(&[])
    }

    fn api_at(variables: &[(&str, &str)]) -> (Api, Rc<Fake>) {
        let (world, fake) = world(variables);
        (Api::new(&world).unwrap(), fake)
    }

    fn message() -> Message {
        messages::progress("Looking…")
    }

    /// What posting a message gives when Slack answers so.
    fn posting(status: u16, body: &str) -> Result<String, SlackError> {
        let (api, fake) = api();
        fake.answers(status, body);
        now(api.post_message("C1", None, &message(), None))
    }

    fn refused_with(error: &str) -> SlackError {
        SlackError::Refused { error: error.to_owned() }
    }

    #[test]
    fn a_message_is_posted_in_its_thread_with_its_mark_and_without_unfurling() {
        let (api, fake) = api();
        fake.answers(200, r#"{"ok":true,"channel":"C1","ts":"1760000001.000100","message":{}}"#);
        let posted = now(api.post_message("C1", Some("1760000000.000100"), &message(), Some("turn-7")));
        assert_eq!(posted.as_deref(), Ok("1760000001.000100"));
        let sent = &fake.sent.borrow()[0];
        assert_eq!(
            (sent.method().as_str(), sent.uri().to_string().as_str()),
            ("POST", "https://slack.com/api/chat.postMessage")
        );
        assert_eq!(sent.headers()["authorization"], "Bearer xoxb-the-bot-token");
        assert_eq!(sent.headers()["content-type"], "application/json; charset=utf-8");
        let body = fake.sent_json(0);
        assert_eq!(
            body,
            json!({
                "channel": "C1", "thread_ts": "1760000000.000100", "text": "Looking…", "blocks": message().blocks,
                "unfurl_links": false, "unfurl_media": false,
                "metadata": {"event_type": "vedette_turn", "event_payload": {"turn": "turn-7"}},
            })
        );
    }

    #[test]
    fn an_ephemeral_message_is_for_one_person() {
        let (api, fake) = api();
        fake.answers(200, r#"{"ok":true,"message_ts":"1.2"}"#);
        assert_eq!(now(api.post_ephemeral("C1", "U1", None, &message())), Ok(()));
        assert_eq!(fake.sent.borrow()[0].uri().path(), "/api/chat.postEphemeral");
        let body = fake.sent_json(0);
        assert_eq!((&body["channel"], &body["user"], body.get("thread_ts")), (&json!("C1"), &json!("U1"), None));
    }

    #[test]
    fn an_updated_message_keeps_its_mark_p11() {
        let (api, fake) = api();
        fake.answers(200, r#"{"ok":true}"#);
        assert_eq!(now(api.update("C1", "1.2", &message(), Some("turn-7"))), Ok(()));
        assert_eq!(fake.sent.borrow()[0].uri().path(), "/api/chat.update");
        assert_eq!(fake.sent_json(0)["ts"], "1.2");
        assert_eq!(fake.sent_json(0)["metadata"]["event_payload"]["turn"], "turn-7");
    }

    #[test]
    fn a_marked_message_is_found_again_on_a_later_page_p11() {
        let (api, fake) = api();
        fake.answers(
            200,
            r#"{"ok":true,"messages":[
                {"ts":"1.1","text":"root"},
                {"ts":"1.2","metadata":{"event_type":"task_created","event_payload":{"turn":"turn-7"}}},
                {"ts":"1.3","metadata":{"event_type":"vedette_turn","event_payload":{"turn":"turn-6"}}},
                {"ts":"1.4","metadata":{"event_type":7,"event_payload":null}},
                {"ts":"1.5","metadata":"odd"}],
             "response_metadata":{"next_cursor":"bmV4dA=="}}"#,
        );
        fake.answers(
            200,
            r#"{"ok":true,"messages":[{"ts":"1.6","metadata":{"event_type":"vedette_turn","event_payload":{"turn":"turn-7"}}}]}"#,
        );
        assert_eq!(now(api.find_marked("C1", Some("1.1"), "turn-7", NOW)), Ok(Some("1.6".to_owned())));
        assert_eq!(fake.sent.borrow()[0].uri().path(), "/api/conversations.replies");
        assert_eq!(fake.sent.borrow()[0].headers()["content-type"], "application/x-www-form-urlencoded");
        let pairs = |index: usize, name: &str| {
            fake.sent_form(index).into_iter().find(|(known, _)| known == name).map(|(_, value)| value)
        };
        for (name, value) in
            [("channel", "C1"), ("ts", "1.1"), ("oldest", "1759999940.000000"), ("include_all_metadata", "true")]
        {
            assert_eq!(pairs(0, name).as_deref(), Some(value), "{name}");
        }
        assert_eq!((pairs(0, "cursor"), pairs(1, "cursor").as_deref()), (None, Some("bmV4dA==")));
    }

    #[test]
    fn looking_for_a_marked_message_in_a_channel_is_bounded() {
        let (api, fake) = api();
        for _ in 0..MAX_PAGES {
            fake.answers(200, r#"{"ok":true,"messages":[],"response_metadata":{"next_cursor":"more"}}"#);
        }
        assert_eq!(now(api.find_marked("D1", None, "turn-7", NOW)), Ok(None));
        assert_eq!(fake.sent.borrow().len(), MAX_PAGES);
        assert_eq!(fake.sent.borrow()[0].uri().path(), "/api/conversations.history");
    }

    #[test]
    fn a_direct_conversation_a_person_and_the_workspace_are_found() {
        let (api, fake) = api();
        fake.answers(200, r#"{"ok":true,"channel":{"id":"D0ADA"}}"#);
        assert_eq!(now(api.open_direct("U1")).as_deref(), Ok("D0ADA"));
        assert_eq!(fake.sent_json(0), json!({"users": "U1"}));
        fake.answers(200, r#"{"ok":true,"team":"Globex","user":"vedette","team_id":"T1","bot_id":"B1"}"#);
        let workspace = now(api.workspace()).unwrap();
        assert_eq!((workspace.name.as_str(), workspace.ids), ("Globex", vec!["T1".to_owned()]));
        for (user, name) in [
            (r#"{"name":"ada","real_name":"Ada L","profile":{"display_name":"ada.l","real_name":"Ada L"}}"#, "ada.l"),
            (r#"{"name":"ada","profile":{"display_name":"","real_name":"Ada\nLovelace"}}"#, "Ada Lovelace"),
            (r#"{"name":"ada","profile":{"display_name":" "}}"#, "ada"),
            (r#"{"name":"ada"}"#, "ada"),
        ] {
            fake.answers(200, &format!(r#"{{"ok":true,"user":{user}}}"#));
            assert_eq!(now(api.person("U1")).unwrap().name, name);
        }
        assert_eq!(fake.sent_form(2), [("user".to_owned(), "U1".to_owned())]);
    }

    #[test]
    fn a_response_url_gets_the_message_and_never_the_token() {
        let url = SecretString::from("https://hooks.slack.com/actions/T1/2/x");
        for (how, replaces, kind) in [
            (Respond::Replace, json!(true), json!("ephemeral")),
            (Respond::New, json!(false), json!("ephemeral")),
            (Respond::Share, json!(false), json!("in_channel")),
        ] {
            let (api, fake) = api();
            fake.answers(200, "ok");
            assert_eq!(now(api.respond(&url, &message(), how)), Ok(()));
            assert_eq!(fake.sent.borrow()[0].headers().get("authorization"), None);
            let body = fake.sent_json(0);
            assert_eq!((&body["replace_original"], &body["response_type"]), (&replaces, &kind));
            assert_eq!(body["text"], "Looking…");
        }
        let (api, fake) = api();
        fake.answers(200, r#"{"ok":true}"#);
        assert_eq!(now(api.respond(&url, &message(), Respond::Delete)), Ok(()));
        assert_eq!(fake.sent_json(0), json!({"delete_original": true}));
    }

    #[test]
    fn a_response_url_elsewhere_is_not_called() {
        let (api, fake) = api();
        for bad in ["https://evil.example/", "http://127.0.0.1:8790/x", "nonsense"] {
            let said = now(api.respond(&SecretString::from(bad), &message(), Respond::New));
            assert_eq!(said, Err(refused_with("response_url_not_allowed")), "{bad}");
        }
        assert!(fake.sent.borrow().is_empty());
    }

    #[test]
    fn a_used_or_expired_response_url_is_gone() {
        for (status, body, error) in [
            (404, "used_url", "used_url"),
            (404, r#"{"ok":false,"error":"expired_url"}"#, "expired_url"),
            (200, r#"{"ok":false,"error":"used_url"}"#, "used_url"),
            (404, "<html>Not Found</html>", "http_404"),
            (410, "", "http_410"),
        ] {
            let (api, fake) = api();
            fake.answers(status, body);
            let said = now(api.respond(&SecretString::from("https://hooks.slack.com/x"), &message(), Respond::New));
            assert_eq!(said, Err(refused_with(error)), "{status} {body}");
            assert!(said.unwrap_err().is_gone());
        }
    }

    #[test]
    fn each_failure_says_what_the_caller_can_do_p19() {
        for (status, body, error) in [
            (200, r#"{"ok":false,"error":"channel_not_found"}"#, refused_with("channel_not_found")),
            (200, r#"{"ok":false,"error":"internal_error"}"#, SlackError::Unavailable),
            (200, r#"{"ok":false,"error":"<script>"}"#, SlackError::Unreadable),
            (200, r#"{"ok":false}"#, SlackError::Unreadable),
            (200, r#"{"ok":true}"#, SlackError::Unreadable),
            (200, "<html>Slack is down</html>", SlackError::Unreadable),
            (302, "", SlackError::Unreadable),
            (403, "Forbidden", SlackError::Unreadable),
            (500, "oops", SlackError::Unavailable),
            (503, r#"{"ok":true,"ts":"1.2"}"#, SlackError::Unavailable),
        ] {
            assert_eq!(posting(status, body), Err(error.clone()), "{status} {body}");
            assert_eq!(error.may_retry(), !matches!(error, SlackError::Refused { .. }));
        }
        for (failure, error) in [
            (HttpError::Timeout, SlackError::Unavailable),
            (HttpError::Connection, SlackError::Unavailable),
            (HttpError::TooLong, SlackError::Unreadable),
        ] {
            let (api, fake) = api();
            fake.answers.borrow_mut().push_back(Err(failure));
            assert_eq!(now(api.workspace()), Err(error));
        }
    }

    #[test]
    fn a_rate_limit_says_how_long_to_wait_p19() {
        for (header, seconds) in
            [(Some("30"), 30), (Some("0"), 1), (Some("999999"), 3600), (Some("soon"), 5), (None, 5)]
        {
            let (api, fake) = api();
            let mut response = Response::builder().status(429);
            if let Some(header) = header {
                response = response.header("retry-after", header);
            }
            fake.answers.borrow_mut().push_back(Ok(response.body(Bytes::new()).unwrap()));
            let error = now(api.workspace()).unwrap_err();
            assert_eq!(error, SlackError::RateLimited { retry_after: Duration::from_secs(seconds) }, "{header:?}");
            assert!(error.may_retry());
        }
        let error = posting(200, r#"{"ok":false,"error":"ratelimited"}"#).unwrap_err();
        assert_eq!(error, SlackError::RateLimited { retry_after: RETRY_AFTER_UNSAID });
    }

    #[test]
    fn errors_are_told_apart_by_what_they_mean() {
        for error in ["user_not_in_channel", "channel_not_found", "not_in_channel"] {
            assert!(refused_with(error).means_unreachable_privately(), "{error}");
        }
        for error in ["message_not_found", "cant_update_message"] {
            assert!(refused_with(error).is_gone(), "{error}");
        }
        for error in [refused_with("invalid_auth"), SlackError::Unavailable, SlackError::Unreadable] {
            assert!(!error.means_unreachable_privately() && !error.is_gone(), "{error}");
        }
    }

    #[test]
    fn the_token_goes_to_the_configured_api_and_is_never_printed() {
        let (api, fake) = api_at(&[("SLACK_API_URL", "http://127.0.0.1:8790/slack/api/")]);
        fake.answers(200, r#"{"ok":true,"team":"Globex"}"#);
        now(api.workspace()).unwrap();
        let sent = &fake.sent.borrow()[0];
        assert_eq!(sent.uri(), "http://127.0.0.1:8790/slack/api/auth.test");
        assert!(!format!("{sent:?}").contains("xoxb"));
        let (world, _) = world(&[("SLACK_BOT_TOKEN", "xoxb-\u{7}")]);
        let problem = Api::new(&world).err().unwrap();
        assert_eq!(problem.variable, "SLACK_BOT_TOKEN");
    }
}
