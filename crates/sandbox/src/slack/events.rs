//! The Events API: what people say, and what the app hears of it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::messages::{Content, Message};
use super::people::{APP_ID, BOT_ID, BOT_USER, PARTNER_TEAM, Person, TEAM, channel, owner_of_im, person};
use super::{Slack, wire};
use crate::Context;
use crate::exchange::Delivery;
use crate::json::Put;

/// Somebody writes a message.
#[derive(Clone, Debug, Deserialize)]
pub struct Say {
    /// The person's id.
    pub person: String,
    /// The conversation's id.
    pub channel: String,
    /// What is typed; `@vedette` and `<@U0VEDETTE>` both mention the bot.
    pub text: String,
    /// The thread to answer in.
    #[serde(default)]
    pub thread_ts: Option<String>,
    /// Whether a mention in a channel is sent twice, as `app_mention` and as `message`: what an app gets that subscribed
    /// to both.
    #[serde(default)]
    pub twin: bool,
}

impl Slack {
    /// Posts what a person says, and returns its `ts` with the events that the app gets.
    pub(crate) fn say(&mut self, say: &Say, context: &mut Context) -> Result<(String, Vec<Delivery>), String> {
        let author = person(&say.person).ok_or("user_not_found")?;
        if !self.has_conversation(&say.channel) {
            return Err("channel_not_found".to_owned());
        }
        if !self.is_member(&say.channel, author.id) {
            return Err("not_in_channel".to_owned());
        }
        let text = wire::from_typed(&say.text);
        if text.trim().is_empty() {
            return Err("no_text".to_owned());
        }
        let blocks = json!([rich_text(&text, &context.random.id(5))]);
        let content = Content { text, blocks: Some(blocks), metadata: None };
        let message = self.post(context.now_ms, (&say.channel, say.thread_ts.as_deref()), author.id, None, content);
        let kinds: &[&str] = match owner_of_im(&say.channel) {
            Some(_) => &["message"],
            None if !wire::has_mention(&message.text) || !self.is_member(&say.channel, BOT_USER) => &[],
            None if say.twin => &["app_mention", "message"],
            None => &["app_mention"],
        };
        let client_msg_id = context.random.uuid();
        let mut deliveries = Vec::new();
        for kind in kinds {
            let event = self.said(&message, kind, author, &client_msg_id);
            deliveries.push(self.event(&event, context));
        }
        Ok((message.ts, deliveries))
    }

    /// A person opens the app: its Home tab (`home`) or its messages (`messages`).
    pub(crate) fn open_app(&mut self, who: &str, tab: &str, context: &mut Context) -> Result<Delivery, String> {
        let im = person(who).ok_or("user_not_found")?.im.ok_or("cannot_dm_user")?;
        let mut event = json!({
            "type": "app_home_opened", "user": who, "channel": im, "tab": tab,
            "event_ts": self.messages.next_ts(context.now_ms),
        });
        if let Some(view) = self.homes.get(who).filter(|_| tab == "home") {
            event.put("view", view.clone());
        }
        Ok(self.event(&event, context))
    }

    /// Delivers any event, in its envelope.
    pub(crate) fn event(&mut self, event: &Value, context: &mut Context) -> Delivery {
        let conversation = event.get("channel").and_then(Value::as_str).unwrap_or_default();
        let shared = channel(conversation).is_some_and(|channel| channel.is_shared);
        let kind = event.get("type").and_then(Value::as_str).unwrap_or_default();
        // In a shared channel, a message arrives from its author's team.
        let sender = event.get("team").and_then(Value::as_str).filter(|_| shared && kind == "message").unwrap_or(TEAM);
        let about = json!({"et": kind, "tid": TEAM, "aid": APP_ID, "cid": conversation}).to_string();
        let envelope = json!({
            "token": "verification-token-is-deprecated",
            "team_id": sender,
            "context_team_id": TEAM,
            "context_enterprise_id": null,
            "api_app_id": APP_ID,
            "event": event,
            "type": "event_callback",
            "event_id": format!("Ev0{}", context.random.id(8)),
            "event_time": context.now_ms.div_euclid(1000),
            "authorizations": [{
                "enterprise_id": null, "team_id": TEAM, "user_id": BOT_USER, "is_bot": true,
                "is_enterprise_install": false,
            }],
            "is_ext_shared_channel": shared,
            "event_context": format!("4-{}", STANDARD_NO_PAD.encode(about)),
        });
        self.deliver_event(&envelope, context)
    }

    /// In a direct message, Slack also tells the app what the app itself wrote: an app must not answer that.
    pub(crate) fn echo(&mut self, message: &Message, before: Option<&Message>, context: &mut Context) {
        if owner_of_im(&message.channel).is_none() {
            return;
        }
        let mut event = self.message_json(message, false);
        event.put("bot_id", BOT_ID);
        if let Some(before) = before {
            event = json!({
                "type": "message", "subtype": "message_changed", "message": event, "hidden": true,
                "previous_message": self.message_json(before, false), "ts": self.messages.next_ts(context.now_ms),
            });
        }
        event.put("channel", message.channel.clone());
        event.put("channel_type", "im");
        event.put("event_ts", event.get("ts").cloned().unwrap_or_default());
        let delivery = self.event(&event, context);
        self.outbox.push(delivery);
    }

    fn said(&self, message: &Message, kind: &str, author: &Person, client_msg_id: &str) -> Value {
        let mut event = json!({
            "type": kind,
            "user": author.id,
            "ts": message.ts,
            "client_msg_id": client_msg_id,
            "text": message.text,
            "team": author.team,
            "blocks": message.blocks,
            "channel": message.channel,
            "event_ts": message.ts,
        });
        if kind == "message" {
            let im = owner_of_im(&message.channel).is_some();
            event.put("channel_type", if im { "im" } else { "channel" });
        }
        if let Some(thread_ts) = &message.thread_ts {
            event.put("thread_ts", thread_ts.clone());
            if let Some(parent) = self.messages.find(thread_ts) {
                event.put("parent_user_id", parent.author.clone());
            }
        }
        // Of a partner, a mention repeats the team where it arrived; a message tells theirs, and no more.
        if author.team == PARTNER_TEAM && kind == "app_mention" {
            event.put("team", TEAM);
            event.put("user_team", author.team);
            event.put("source_team", author.team);
            event.put("user_profile", json!({
                "name": author.name, "first_name": author.real_name.split(' ').next(), "real_name": author.real_name,
                "display_name": author.real_name, "team": author.team, "is_restricted": false,
                "is_ultra_restricted": false,
            }));
        }
        event
    }
}

/// A typed message as Slack's clients send it: text, code, mentions and links.
fn rich_text(text: &str, block_id: &str) -> Value {
    let mut elements = Vec::new();
    let mut rest = text;
    while let Some((before, inside, after)) = next_entity(rest) {
        elements.extend(words(before));
        elements.push(entity(inside));
        rest = after;
    }
    elements.extend(words(rest));
    json!({"type": "rich_text", "block_id": block_id, "elements": [{"type": "rich_text_section", "elements": elements}]})
}

/// What stands before, within and after the first angle brackets: what somebody typed of them is escaped.
fn next_entity(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('<')?;
    let (inside, after) = rest.split_once('>')?;
    Some((before, inside, after))
}

fn entity(inside: &str) -> Value {
    let (target, label) = inside.split_once('|').map_or((inside, None), |(target, label)| (target, Some(label)));
    match (target.strip_prefix('@'), target.strip_prefix('#'), target.strip_prefix('!')) {
        (Some(user), _, _) => json!({"type": "user", "user_id": user}),
        (_, Some(channel), _) => json!({"type": "channel", "channel_id": channel}),
        (_, _, Some(range)) => json!({"type": "broadcast", "range": range}),
        _ => {
            let mut link = json!({"type": "link", "url": unescaped(target)});
            if let Some(label) = label {
                link.put("text", unescaped(label));
            }
            link
        }
    }
}

/// Plain words, and between pairs of backticks code.
fn words(text: &str) -> Vec<Value> {
    let pieces: Vec<&str> = text.split('`').collect();
    let paired = pieces.len() % 2 == 1;
    let pieces = if paired { pieces } else { vec![text] };
    let element = |(index, piece): (usize, &str)| match index % 2 {
        0 => json!({"type": "text", "text": unescaped(piece)}),
        _ => json!({"type": "text", "text": unescaped(piece), "style": {"code": true}}),
    };
    let shown = pieces.into_iter().enumerate().filter(|(_, piece)| !piece.is_empty());
    shown.map(element).collect()
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::rich_text;

    #[test]
    fn what_is_typed_becomes_the_elements_that_slack_makes_of_it() {
        let elements = |text: &str| rich_text(text, "b")["elements"][0]["elements"].clone();
        assert_eq!(
            elements(
                "<@U0VEDETTE> see <https://globex.sentry.io/issues/1/?a=1&amp;b=2> in <#C0INCIDENTS|incidents> &lt;now&gt;"
            ),
            json!([
                {"type": "user", "user_id": "U0VEDETTE"},
                {"type": "text", "text": " see "},
                {"type": "link", "url": "https://globex.sentry.io/issues/1/?a=1&b=2"},
                {"type": "text", "text": " in "},
                {"type": "channel", "channel_id": "C0INCIDENTS"},
                {"type": "text", "text": " <now>"},
            ])
        );
        assert_eq!(
            elements("`issue list` of <http://globex.sentry.io|globex.sentry.io>, one ` more"),
            json!([
                {"type": "text", "text": "issue list", "style": {"code": true}},
                {"type": "text", "text": " of "},
                {"type": "link", "url": "http://globex.sentry.io", "text": "globex.sentry.io"},
                {"type": "text", "text": ", one ` more"},
            ])
        );
    }
}
