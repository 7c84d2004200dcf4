//! Slash commands and clicks.

use serde::Deserialize;
use serde_json::{Value, json};

use super::deliveries::DeliveryKind;
use super::messages::Message;
use super::people::{APP_ID, BOT_USER, Person, TEAM, TEAM_DOMAIN, channel_name, person};
use super::{Slack, blocks};
use crate::exchange::Delivery;
use crate::json::Put;
use crate::{Context, form};

/// The deprecated verification token that all payloads carry.
const TOKEN: &str = "verification-token-is-deprecated";
/// The app's slash command.
const COMMAND: &str = "/sentry";

/// Somebody uses the app's slash command.
#[derive(Clone, Debug, Deserialize)]
pub struct Slash {
    /// The person's id.
    pub person: String,
    /// The conversation's id; the bot need not be in it.
    pub channel: String,
    /// What follows the command. A text that begins with `/name` is taken as another command.
    pub text: String,
}

/// Somebody clicks a button, or chooses from a menu.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Click {
    /// The person's id.
    pub person: String,
    /// The message's `ts`, an ephemeral message's id, or `home` for the person's Home tab.
    pub message: String,
    /// The element's `action_id`.
    pub action_id: String,
    /// Where, if the `action_id` is there more than once.
    #[serde(default)]
    pub block_id: Option<String>,
    /// For a menu: the chosen option's `value`.
    #[serde(default)]
    pub selected: Option<String>,
}

/// A clickable element, and the block in which it stands.
struct Target {
    element: Value,
    block_id: String,
}

impl Slack {
    /// Sends a slash command.
    pub(crate) fn slash(&mut self, slash: &Slash, context: &mut Context) -> Delivery {
        let name = person(&slash.person).map_or("unknown", |person| person.name);
        let team = person(&slash.person).map_or(TEAM, |person| person.team);
        let (command, text) = match slash.text.trim_start().starts_with('/') {
            true => slash.text.trim_start().split_once(' ').unwrap_or((slash.text.trim(), "")),
            false => (COMMAND, slash.text.as_str()),
        };
        let url = self.issue_response_url(context, (&slash.channel, None), &slash.person, None);
        let trigger_id = trigger_id(context);
        let fields = [
            ("token", TOKEN),
            ("team_id", team),
            ("team_domain", TEAM_DOMAIN),
            ("channel_id", &slash.channel),
            ("channel_name", channel_name(&slash.channel)),
            ("user_id", &slash.person),
            ("user_name", name),
            ("command", command),
            ("text", text),
            ("api_app_id", APP_ID),
            ("is_enterprise_install", "false"),
            ("response_url", &url),
            ("trigger_id", &trigger_id),
        ];
        let body = form::encode(fields);
        let answer_to = (Some(url.clone()), Some(command.to_owned()));
        self.deliver_form(DeliveryKind::Slash, body, answer_to, context)
    }

    /// Sends a click, as `block_actions`.
    pub(crate) fn click(&mut self, click: &Click, context: &mut Context) -> Result<Delivery, String> {
        let who = person(&click.person).ok_or("user_not_found")?;
        if click.message == "home" {
            return self.click_at_home(click, who, context);
        }
        let message = self.clickable(click, who)?;
        let target = target(message.blocks.as_ref(), click)?;
        let action = action(&target, click, &self.messages.next_ts(context.now_ms))?;
        let ephemeral = message.private_to.is_some();
        let thread_ts = message.thread_ts.as_deref();
        let url = self.issue_response_url(context, (&message.channel, thread_ts), who.id, Some(&message.id));
        let mut container = json!({
            "type": "message", "message_ts": message.ts, "channel_id": message.channel, "is_ephemeral": ephemeral,
        });
        if let Some(thread_ts) = thread_ts {
            container.put("thread_ts", thread_ts);
        }
        let mut payload = envelope(who, action, context);
        payload.put("container", container);
        payload.put("channel", json!({"id": message.channel, "name": channel_name(&message.channel)}));
        payload.put("response_url", url.clone());
        // Slack keeps no ephemeral message, so it cannot send it along.
        if !ephemeral {
            payload.put("message", self.message_json(&message, false));
        }
        let body = form::encode([("payload", payload.to_string().as_str())]);
        Ok(self.deliver_form(DeliveryKind::Interaction, body, (Some(url), None), context))
    }

    /// The link of the button that a click means.
    pub(crate) fn link(&self, click: &Click) -> Option<String> {
        let home = self.homes.get(&click.person).and_then(|view| view.get("blocks"));
        let shown = self.messages.find(&click.message).and_then(|message| message.blocks.as_ref());
        let target = target(if click.message == "home" { home } else { shown }, click).ok()?;
        target.element.get("url").and_then(Value::as_str).map(str::to_owned)
    }

    fn clickable(&self, click: &Click, who: &Person) -> Result<Message, String> {
        let message = self.messages.find(&click.message).ok_or("message_not_found")?;
        let meant = message.private_to.as_deref().is_none_or(|private_to| private_to == who.id);
        if message.deleted || !meant || !self.sees(who, &message.channel) {
            return Err("message_not_found".to_owned());
        }
        if message.author != BOT_USER {
            return Err("not_the_apps_message".to_owned());
        }
        Ok(message.clone())
    }

    fn click_at_home(&mut self, click: &Click, who: &Person, context: &mut Context) -> Result<Delivery, String> {
        let view = self.homes.get(who.id).cloned().ok_or("view_not_found")?;
        let target = target(view.get("blocks"), click)?;
        let action = action(&target, click, &self.messages.next_ts(context.now_ms))?;
        let mut payload = envelope(who, action, context);
        payload.put("container", json!({"type": "view", "view_id": view.get("id")}));
        payload.put("view", view);
        let body = form::encode([("payload", payload.to_string().as_str())]);
        Ok(self.deliver_form(DeliveryKind::Interaction, body, (None, None), context))
    }
}

fn envelope(who: &Person, action: Value, context: &mut Context) -> Value {
    json!({
        "type": "block_actions",
        "user": {"id": who.id, "username": who.name, "name": who.name, "team_id": who.team},
        "api_app_id": APP_ID,
        "token": TOKEN,
        "trigger_id": trigger_id(context),
        "team": {"id": TEAM, "domain": TEAM_DOMAIN},
        "enterprise": null,
        "is_enterprise_install": false,
        "state": {"values": {}},
        "actions": [action],
    })
}

fn trigger_id(context: &mut Context) -> String {
    let tail: String = context.random.hex64().chars().take(32).collect();
    format!("{}.4502.{tail}", context.now_ms)
}

/// Finds the element with the click's `action_id` (and `block_id`).
fn target(blocks: Option<&Value>, click: &Click) -> Result<Target, String> {
    let all = blocks.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    for block in all {
        let block_id = block.get("block_id").and_then(Value::as_str).unwrap_or_default();
        if click.block_id.as_deref().is_some_and(|wanted| wanted != block_id) {
            continue;
        }
        let elements = block.get("elements").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let mut candidates = elements.iter().chain(block.get("accessory"));
        let meant = |element: &&Value| element.get("action_id").and_then(Value::as_str) == Some(&click.action_id);
        if let Some(element) = candidates.find(meant) {
            return Ok(Target { element: element.clone(), block_id: block_id.to_owned() });
        }
    }
    Err("action_not_found".to_owned())
}

fn action(target: &Target, click: &Click, action_ts: &str) -> Result<Value, String> {
    let element = &target.element;
    let kind = element.get("type").and_then(Value::as_str).unwrap_or_default();
    if !blocks::is_interactive(kind) {
        return Err("action_not_found".to_owned());
    }
    let mut action = json!({
        "type": kind, "action_id": click.action_id, "block_id": target.block_id, "action_ts": action_ts,
    });
    let selected = click.selected.as_deref();
    match kind {
        "button" => {
            for name in ["text", "value", "url", "style"] {
                if let Some(value) = element.get(name) {
                    action.put(name, value.clone());
                }
            }
        }
        "static_select" | "overflow" | "radio_buttons" => {
            let chosen = option(element, selected.unwrap_or_default()).ok_or("option_not_found")?;
            action.put("selected_option", chosen.clone());
        }
        "multi_static_select" | "checkboxes" => {
            let values = selected.unwrap_or_default().split(',').filter(|value| !value.is_empty());
            let chosen: Option<Vec<&Value>> = values.map(|value| option(element, value)).collect();
            action.put("selected_options", json!(chosen.ok_or("option_not_found")?));
        }
        "users_select" => action.put("selected_user", json!(selected)),
        "conversations_select" => action.put("selected_conversation", json!(selected)),
        "channels_select" => action.put("selected_channel", json!(selected)),
        "datepicker" => action.put("selected_date", json!(selected)),
        "timepicker" => action.put("selected_time", json!(selected)),
        _ => action.put("value", json!(selected)),
    }
    Ok(action)
}

/// The option of a menu with this value.
fn option<'a>(element: &'a Value, value: &str) -> Option<&'a Value> {
    let direct = element.get("options").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let groups = element.get("option_groups").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let grouped = groups.iter().filter_map(|group| group.get("options").and_then(Value::as_array)).flatten();
    direct.iter().chain(grouped).find(|option| option.get("value").and_then(Value::as_str) == Some(value))
}
