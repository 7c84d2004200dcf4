//! The Web API: `POST /api/{method}` with a bearer token and a form or JSON body. Errors are HTTP 200 with
//! `{"ok":false,"error":…}`.

use bytes::Bytes;
use http::Request;
use http::header::AUTHORIZATION;
use serde_json::{Map, Value, json};

use super::messages::{self, Content, Message};
use super::people::{self, BOT_ID, BOT_NAME, BOT_USER, CHANNELS, TEAM, TEAM_DOMAIN, TEAM_NAME, owner_of_im, person};
use super::{Slack, blocks};
use crate::Context;
use crate::form::{self, Pairs};
use crate::json::Put;
use crate::random::Random;

/// `markdown_text` and its block may be this long.
const MAX_MARKDOWN: usize = 12_000;
/// Metadata may be this long, as JSON.
const MAX_METADATA_BYTES: usize = 16 * 1024;
/// A page of a conversation, unless the call says otherwise; and the longest.
const PAGE: usize = 100;
const MAX_PAGE: usize = 999;
/// `assistant.threads.setStatus` takes this many loading messages.
const MAX_LOADING_MESSAGES: usize = 10;

/// A call's arguments, whether they came as a form or as JSON.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Args(Map<String, Value>);

/// Why a call is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) error: String,
    /// `response_metadata.messages`.
    pub(crate) messages: Vec<String>,
}

impl Refusal {
    pub(crate) fn new(error: &str) -> Refusal {
        Refusal { error: error.to_owned(), messages: Vec::new() }
    }

    pub(crate) fn json(&self) -> Value {
        let mut value = json!({"ok": false, "error": self.error});
        if !self.messages.is_empty() {
            value.put("errors", json!(self.messages));
            value.put("response_metadata", json!({"messages": self.messages}));
        }
        value
    }
}

fn refuse<T>(error: &str) -> Result<T, Refusal> {
    Err(Refusal::new(error))
}

impl Args {
    /// Reads the query and the body.
    pub(crate) fn read(request: &Request<Bytes>) -> Result<Args, Refusal> {
        let mut args = Map::new();
        add_pairs(&mut args, &Pairs::of_query(request.uri()));
        match form::media_type(request.headers()).as_str() {
            "application/json" => match serde_json::from_slice(request.body()) {
                Ok(Value::Object(body)) => args.extend(body),
                _ => return refuse("invalid_json"),
            },
            "application/x-www-form-urlencoded" => add_pairs(&mut args, &Pairs::parse(request.body())),
            _ if request.body().is_empty() => {}
            _ => return refuse("invalid_post_type"),
        }
        // Structures may come as JSON within a string.
        for name in ["blocks", "metadata", "view", "loading_messages"] {
            if let Some(Value::String(text)) = args.get(name) {
                match serde_json::from_str(text) {
                    Ok(parsed) => args.insert(name.to_owned(), parsed),
                    Err(_) => {
                        return refuse(if name == "blocks" { "invalid_blocks_format" } else { "invalid_arguments" });
                    }
                };
            }
        }
        Ok(Args(args))
    }

    /// The arguments of a JSON body that was sent for another purpose.
    pub(crate) fn of(body: Map<String, Value>) -> Args {
        Args(body)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        self.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        matches!(self.get(name), Some(Value::Bool(true))) || matches!(self.text(name), "true" | "1")
    }

    fn number(&self, name: &str) -> Option<usize> {
        let number = self.get(name)?;
        number.as_u64().and_then(|number| usize::try_from(number).ok()).or_else(|| number.as_str()?.parse().ok())
    }

    /// For the log: everything but the token.
    pub(crate) fn without_token(&self) -> Value {
        let kept = self.0.iter().filter(|(name, _)| *name != "token");
        Value::Object(kept.map(|(name, value)| (name.clone(), value.clone())).collect())
    }
}

fn add_pairs(args: &mut Map<String, Value>, pairs: &Pairs) {
    args.extend(pairs.iter().map(|(name, value)| (name.to_owned(), Value::String(value.to_owned()))));
}

/// The token in the header, or in the body as Slack also has it.
fn token<'a>(request: &'a Request<Bytes>, args: &'a Args) -> Option<&'a str> {
    let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    header
        .and_then(|value| value.strip_prefix("Bearer "))
        .or(Some(args.text("token")).filter(|token| !token.is_empty()))
}

/// Makes a call. `Err` with `unknown_method` is for methods that the sandbox does not play.
pub(crate) fn call(
    slack: &mut Slack,
    method: &str,
    request: &Request<Bytes>,
    args: &Args,
    context: &mut Context,
) -> Result<Value, Refusal> {
    let handler = handler_of(method).ok_or_else(|| Refusal::new("unknown_method"))?;
    match token(request, args) {
        None => return refuse("not_authed"),
        Some(token) if token != context.options.bot_token => return refuse("invalid_auth"),
        Some(_) => {}
    }
    let mut answer = handler(slack, args, context)?;
    answer.put("ok", true);
    Ok(answer)
}

type Handler = fn(&mut Slack, &Args, &mut Context) -> Result<Value, Refusal>;

fn handler_of(method: &str) -> Option<Handler> {
    Some(match method {
        "auth.test" => auth_test,
        "team.info" => team_info,
        "users.info" => users_info,
        "chat.postMessage" => post_message,
        "chat.postEphemeral" => post_ephemeral,
        "chat.update" => update,
        "chat.delete" => delete,
        "conversations.open" => open,
        "conversations.info" => conversation_info,
        "conversations.replies" => replies,
        "conversations.history" => history,
        "views.publish" => publish,
        "assistant.threads.setStatus" => set_status,
        _ => return None,
    })
}

// ---- who

fn auth_test(_: &mut Slack, _: &Args, _: &mut Context) -> Result<Value, Refusal> {
    Ok(json!({
        "url": format!("https://{TEAM_DOMAIN}.slack.com/"), "team": TEAM_NAME, "user": BOT_NAME, "team_id": TEAM,
        "user_id": BOT_USER, "bot_id": BOT_ID, "is_enterprise_install": false,
    }))
}

fn team_info(_: &mut Slack, _: &Args, _: &mut Context) -> Result<Value, Refusal> {
    Ok(json!({"team": {
        "id": TEAM, "name": TEAM_NAME, "domain": TEAM_DOMAIN, "url": format!("https://{TEAM_DOMAIN}.slack.com/"),
        "email_domain": "example.com", "icon": {"image_default": true}, "avatar_base_url": "https://ca.slack-edge.com/",
        "is_verified": false,
    }}))
}

fn users_info(slack: &mut Slack, args: &Args, context: &mut Context) -> Result<Value, Refusal> {
    let id = args.text("user");
    let mut user = match id {
        BOT_USER => people::bot_json(),
        id => match person(id) {
            Some(person) => people::user_json(person, context.options.users_read_email),
            None if slack.told.contains_key(id) => json!({"id": id, "name": id}),
            None => return refuse("user_not_found"),
        },
    };
    match slack.told.get(id) {
        Some(None) => return refuse("user_not_found"),
        Some(Some(Value::Object(told))) => told.iter().for_each(|(name, value)| user.put(name, value.clone())),
        _ => {}
    }
    Ok(json!({"user": user}))
}

// ---- writing

/// Reads `text`, `blocks`, `markdown_text` and `metadata`, and checks them.
pub(crate) fn content(args: &Args, random: &mut Random) -> Result<Content, Refusal> {
    let text = args.text("text").to_owned();
    let mut wanted = args.get("blocks").cloned().filter(|blocks| blocks.as_array().is_none_or(|list| !list.is_empty()));
    let markdown = args.text("markdown_text");
    if !markdown.is_empty() {
        if wanted.is_some() || !text.is_empty() {
            return refuse("markdown_text_conflict");
        }
        if markdown.chars().count() > MAX_MARKDOWN {
            return refuse("msg_too_long");
        }
        wanted = Some(json!([{"type": "markdown", "text": markdown}]));
    }
    if let Some(wanted) = &wanted {
        blocks::check(wanted, blocks::Surface::Message)?;
    }
    if wanted.is_none() && text.trim().is_empty() {
        return refuse("no_text");
    }
    let metadata = args.get("metadata").cloned();
    if let Some(metadata) = &metadata {
        check_metadata(metadata)?;
    }
    let text = if markdown.is_empty() { text } else { markdown.to_owned() };
    Ok(Content { text, blocks: wanted.map(|blocks| messages::with_ids(&blocks, random)), metadata })
}

fn check_metadata(metadata: &Value) -> Result<(), Refusal> {
    let object = metadata.as_object().ok_or_else(|| Refusal::new("invalid_metadata_format"))?;
    let has_type = object.get("event_type").and_then(Value::as_str).is_some_and(|name| !name.is_empty());
    let has_payload = object.get("event_payload").is_some_and(Value::is_object);
    if !has_type || !has_payload {
        return refuse("invalid_metadata_format");
    }
    if metadata.to_string().len() > MAX_METADATA_BYTES {
        return refuse("metadata_too_large");
    }
    Ok(())
}

/// The conversation that `channel` names: an id, a `#name`, or a user for the direct message.
fn conversation(slack: &Slack, args: &Args) -> Result<String, Refusal> {
    let named = args.text("channel");
    if slack.has_conversation(named) {
        return Ok(named.to_owned());
    }
    let by_name = CHANNELS.iter().find(|channel| named.strip_prefix('#').unwrap_or(named) == channel.name);
    let id = by_name.map(|channel| channel.id).or_else(|| person(named).and_then(|person| person.im));
    id.map(str::to_owned).ok_or_else(|| Refusal::new("channel_not_found"))
}

/// The conversation, if the bot is in it.
fn own_conversation(slack: &Slack, args: &Args) -> Result<String, Refusal> {
    let id = conversation(slack, args)?;
    if slack.is_member(&id, BOT_USER) { Ok(id) } else { refuse("not_in_channel") }
}

fn thread(args: &Args) -> Result<Option<&str>, Refusal> {
    match args.get("thread_ts") {
        None => Ok(None),
        Some(ts) => ts.as_str().filter(|ts| is_ts(ts)).map(Some).ok_or_else(|| Refusal::new("invalid_thread_ts")),
    }
}

fn is_ts(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    text.split_once('.').is_some_and(|(seconds, micros)| digits(seconds) && digits(micros))
}

fn post_message(slack: &mut Slack, args: &Args, context: &mut Context) -> Result<Value, Refusal> {
    let channel = own_conversation(slack, args)?;
    let thread_ts = thread(args)?;
    let content = content(args, context.random)?;
    let message = slack.post(context.now_ms, (&channel, thread_ts), BOT_USER, None, content);
    let json = slack.message_json(&message, true);
    slack.echo(&message, None, context);
    Ok(json!({"channel": channel, "ts": message.ts, "message": json}))
}

fn post_ephemeral(slack: &mut Slack, args: &Args, context: &mut Context) -> Result<Value, Refusal> {
    let channel = own_conversation(slack, args)?;
    let user = args.text("user");
    if !slack.is_member(&channel, user) {
        return refuse("user_not_in_channel");
    }
    let thread_ts = thread(args)?;
    let content = content(args, context.random)?;
    let begun = thread_ts.is_none_or(|root| slack.messages.has_replies(&channel, root));
    let message = slack.post(context.now_ms, (&channel, thread_ts), BOT_USER, Some(user), content);
    // docs.slack.dev/reference/methods/chat.postEphemeral: "Ephemeral messages in threads are only shown if there is already
    // an active thread."
    if let Some(unseen) = slack.messages.find_mut(&message.id).filter(|_| !begun) {
        unseen.deleted = true;
    }
    Ok(json!({"message_ts": message.ts}))
}

/// The app's own message that `channel` and `ts` name.
fn own_message(slack: &Slack, args: &Args, refusal: &str) -> Result<Message, Refusal> {
    let channel = conversation(slack, args)?;
    let ts = args.text("ts");
    let mut public = slack.messages.public(&channel);
    let message = public.find(|message| message.ts == ts).ok_or_else(|| Refusal::new("message_not_found"))?;
    if message.author == BOT_USER { Ok(message.clone()) } else { refuse(refusal) }
}

fn update(slack: &mut Slack, args: &Args, context: &mut Context) -> Result<Value, Refusal> {
    let before = own_message(slack, args, "cant_update_message")?;
    let content = content(args, context.random)?;
    let Some(message) = slack.messages.find_mut(&before.id) else { return refuse("message_not_found") };
    message.text = content.text;
    // Without `blocks`, and with a text, the blocks of before go.
    message.blocks = content.blocks;
    message.metadata = content.metadata.or(message.metadata.take());
    message.edited = true;
    let after = message.clone();
    let json = slack.message_json(&after, true);
    slack.echo(&after, Some(&before), context);
    Ok(json!({"channel": after.channel, "ts": after.ts, "text": after.text, "message": json}))
}

fn delete(slack: &mut Slack, args: &Args, _: &mut Context) -> Result<Value, Refusal> {
    let message = own_message(slack, args, "cant_delete_message")?;
    if let Some(message) = slack.messages.find_mut(&message.id) {
        message.deleted = true;
    }
    Ok(json!({"channel": message.channel, "ts": message.ts}))
}

// ---- conversations

fn open(_: &mut Slack, args: &Args, _: &mut Context) -> Result<Value, Refusal> {
    let users = args.text("users");
    let given = args.text("channel");
    let owner = if users.is_empty() { owner_of_im(given) } else { person(users) };
    match owner.and_then(|owner| owner.im) {
        Some(im) => Ok(json!({"no_op": true, "already_open": true, "channel": {"id": im}})),
        None if users.is_empty() && given.is_empty() => refuse("users_list_not_supplied"),
        None if owner.is_some() => refuse("cannot_dm_user"),
        None if users.is_empty() => refuse("channel_not_found"),
        None => refuse("user_not_found"),
    }
}

fn conversation_info(slack: &mut Slack, args: &Args, _: &mut Context) -> Result<Value, Refusal> {
    let id = conversation(slack, args)?;
    let is_im = owner_of_im(&id).is_some();
    let mut channel =
        json!({"id": id, "is_im": is_im, "is_channel": !is_im, "is_private": is_im, "is_archived": false});
    if !is_im {
        channel.put("name", people::channel_name(&id));
    }
    Ok(json!({"channel": channel}))
}

fn replies(slack: &mut Slack, args: &Args, _: &mut Context) -> Result<Value, Refusal> {
    let channel = own_conversation(slack, args)?;
    let ts = slack.messages.thread_of(args.text("ts"));
    let root = slack.messages.public(&channel).find(|message| message.ts == ts);
    let Some(root) = root else { return refuse("thread_not_found") };
    let thread: Vec<&Message> = std::iter::once(root).chain(slack.messages.replies(&channel, &ts)).collect();
    Ok(page(slack, args, thread))
}

fn history(slack: &mut Slack, args: &Args, _: &mut Context) -> Result<Value, Refusal> {
    let channel = own_conversation(slack, args)?;
    let mut roots: Vec<&Message> =
        slack.messages.public(&channel).filter(|message| message.thread_ts.is_none()).collect();
    roots.reverse();
    Ok(page(slack, args, roots))
}

/// One page of messages, bounded by `oldest` and `latest`.
fn page(slack: &Slack, args: &Args, all: Vec<&Message>) -> Value {
    let inclusive = args.flag("inclusive");
    let (oldest, latest) = (args.text("oldest"), args.text("latest"));
    let after = |ts: &str| oldest.is_empty() || ts_key(ts) > ts_key(oldest) || (inclusive && ts == oldest);
    let before = |ts: &str| latest.is_empty() || ts_key(ts) < ts_key(latest) || (inclusive && ts == latest);
    let bounded: Vec<&Message> = all.into_iter().filter(|message| after(&message.ts) && before(&message.ts)).collect();
    let size = args.number("limit").unwrap_or(PAGE).clamp(1, MAX_PAGE);
    let start = args.text("cursor").strip_prefix("offset:").and_then(|offset| offset.parse().ok()).unwrap_or(0_usize);
    let with_metadata = args.flag("include_all_metadata");
    let has_more = bounded.len() > start.saturating_add(size);
    let next = if has_more { format!("offset:{}", start + size) } else { String::new() };
    let shown = bounded.iter().skip(start).take(size).map(|message| slack.message_json(message, with_metadata));
    json!({
        "messages": shown.collect::<Vec<Value>>(), "has_more": has_more,
        "response_metadata": {"next_cursor": next},
    })
}

fn ts_key(ts: &str) -> (u64, u64) {
    let (seconds, micros) = ts.split_once('.').unwrap_or((ts, "0"));
    (seconds.parse().unwrap_or(0), micros.parse().unwrap_or(0))
}

// ---- Home and the agent surface

fn publish(slack: &mut Slack, args: &Args, context: &mut Context) -> Result<Value, Refusal> {
    let user = args.text("user_id");
    if person(user).is_none() {
        return refuse("user_not_found");
    }
    let view = args.get("view").cloned().ok_or_else(|| Refusal::new("invalid_arguments"))?;
    if view.get("type").and_then(Value::as_str) != Some("home") {
        return refuse("invalid_arguments");
    }
    let wanted = view.get("blocks").cloned().unwrap_or_else(|| json!([]));
    blocks::check(&wanted, blocks::Surface::Home)?;
    let known = slack.homes.get(user);
    let (hash, current) = (args.text("hash"), known.and_then(|view| view.get("hash")).and_then(Value::as_str));
    if !hash.is_empty() && current.is_some_and(|current| current != hash) {
        return refuse("hash_conflict");
    }
    let id = known.and_then(|view| view.get("id")).and_then(Value::as_str).map(str::to_owned);
    let mut view = view;
    view.put("id", id.unwrap_or_else(|| format!("V0{}", context.random.id(9))));
    view.put("hash", format!("{}.{}", context.now_ms.div_euclid(1000), context.random.id(8)));
    view.put("team_id", TEAM);
    view.put("app_id", people::APP_ID);
    view.put("bot_id", BOT_ID);
    view.put("blocks", messages::with_ids(&wanted, context.random));
    slack.homes.insert(user.to_owned(), view.clone());
    Ok(json!({"view": view}))
}

fn set_status(slack: &mut Slack, args: &Args, _: &mut Context) -> Result<Value, Refusal> {
    let id = args.text("channel_id");
    if !slack.has_conversation(id) {
        return refuse("channel_not_found");
    }
    if !slack.is_member(id, BOT_USER) {
        return refuse("not_in_channel");
    }
    if args.get("status").is_none() || args.text("thread_ts").is_empty() {
        return refuse("invalid_arguments");
    }
    let loading = args.get("loading_messages").and_then(Value::as_array).map_or(0, Vec::len);
    if loading > MAX_LOADING_MESSAGES {
        return refuse("invalid_arguments");
    }
    let thread = slack.messages.thread_of(args.text("thread_ts"));
    let key = (id.to_owned(), thread);
    match args.text("status") {
        "" => slack.statuses.remove(&key),
        status => slack.statuses.insert(key, status.to_owned()),
    };
    Ok(json!({}))
}
