//! Block Kit, as far as we use it, within its limits (<https://docs.slack.dev/reference/block-kit>).
//!
//! Two rules hold by construction, so that nothing else has to think of them:
//!
//! - **No markup.** Text goes into `plain_text` objects and `rich_text` elements only, where `*`, backticks, `<!channel>`
//!   and `<https://…>` are just characters, so untrusted text cannot mention, link or format (P20). There is no `mrkdwn`
//!   object in any of our blocks; what is bold or linked is so because we said it, element by element.
//! - **No refusal.** Every constructor cuts its text at Slack's limit and leaves out what would be empty (Slack refuses
//!   the whole message for one empty text), and a [`Draft`] takes no more than a message can hold.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;

use super::interactions::{MAX_VALUE, action};
use super::mrkdwn::{clean, cut, inert, length, one_line};
use vedette_commands::answer::Invocation;

/// What Slack is given to show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// What notifications and screen readers say. Markup is read in it, so it is made by [`inert`].
    pub text: String,
    /// What is seen.
    pub blocks: Vec<Value>,
}

/// Blocks in a message: Slack takes 50, of which one is for the line that says who asked.
pub const MAX_BLOCKS: usize = 49;
/// The whole of a message's blocks, as JSON. Slack counts in a way that it does not publish and refuses from about 13,200
/// (`msg_blocks_too_long`; bolt-js issues 2509 and 2867 measured it): what we send is longer than what it counts.
pub const MAX_TOTAL: usize = 12_000;
/// A header.
pub const MAX_HEADER: usize = 150;
/// The text of one rich text block. Slack names no limit: this is a section's.
pub const MAX_RICH: usize = 3_000;
/// The text of one context element.
pub const MAX_CONTEXT: usize = 2_000;
/// Elements of an actions block.
pub const MAX_ACTIONS: usize = 25;
/// What a button says, and an option.
pub const MAX_LABEL: usize = 75;
/// A URL, of a button or of a link.
pub const MAX_URL: usize = 3_000;
/// Options of a select.
pub const MAX_OPTIONS: usize = 100;
/// The value of an option.
pub const MAX_OPTION_VALUE: usize = 150;
/// What a select says before something is chosen.
pub const MAX_PLACEHOLDER: usize = 150;
/// The fallback text. Slack advises 4,000; a notification shows far less.
pub const MAX_FALLBACK: usize = 600;

/// One block.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    value: Value,
    weight: usize,
}

impl Block {
    fn new(value: Value) -> Block {
        let weight = weight(&value);
        Block { value, weight }
    }

    /// A large, bold line. `None` when there is nothing to show.
    pub fn header(text: &str) -> Option<Block> {
        let text = plain_text(&one_line(text), MAX_HEADER)?;
        Some(Block::new(json!({"type": "header", "text": text})))
    }

    /// A paragraph of runs, cut at `limit` (at most [`MAX_RICH`]). `None` when there is nothing to show.
    pub fn rich(runs: &[Run], limit: usize) -> Option<Block> {
        let mut room = limit.min(MAX_RICH);
        let mut elements = Vec::new();
        for run in runs {
            let Some(run) = run.within(room) else { continue };
            room = room.saturating_sub(run.length());
            elements.push(run.element());
        }
        if elements.is_empty() {
            return None;
        }
        Some(Block::new(json!({
            "type": "rich_text",
            "elements": [{"type": "rich_text_section", "elements": elements}],
        })))
    }

    /// Preformatted text, cut at `limit` (at most [`MAX_RICH`]). `None` when there is nothing to show.
    pub fn code(text: &str, limit: usize) -> Option<Block> {
        let text = clean(text);
        let text = cut(text.trim_end().trim_start_matches('\n'), limit.min(MAX_RICH));
        if text.is_empty() {
            return None;
        }
        Some(Block::new(json!({
            "type": "rich_text",
            "elements": [{"type": "rich_text_preformatted", "elements": [{"type": "text", "text": text}]}],
        })))
    }

    /// Small print. `None` when there is nothing to show.
    pub fn context(text: &str) -> Option<Block> {
        let text = plain_text(clean(text).trim(), MAX_CONTEXT)?;
        Some(Block::new(json!({"type": "context", "elements": [text]})))
    }

    /// Buttons and selects in a row; beyond [`MAX_ACTIONS`] they are left out. `None` when there are none.
    pub fn actions(controls: Vec<Control>) -> Option<Block> {
        let elements: Vec<Value> = controls.into_iter().take(MAX_ACTIONS).map(|control| control.0).collect();
        (!elements.is_empty()).then(|| Block::new(json!({"type": "actions", "elements": elements})))
    }

    /// How much of [`MAX_TOTAL`] it takes.
    pub fn weight(&self) -> usize {
        self.weight
    }

    /// As Slack gets it.
    pub fn into_value(self) -> Value {
        self.value
    }
}

/// The length of `value` as JSON, with the comma after it.
fn weight(value: &Value) -> usize {
    length(&value.to_string()).saturating_add(1)
}

/// Some text in one style.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    text: String,
    style: Option<&'static str>,
    link: Option<Url>,
    emoji: Option<&'static str>,
    user: Option<String>,
}

impl Run {
    /// Text as it is.
    pub fn plain(text: &str) -> Run {
        Run { text: clean(text), style: None, link: None, emoji: None, user: None }
    }

    /// Bold text.
    pub fn bold(text: &str) -> Run {
        Run { style: Some("bold"), ..Run::plain(text) }
    }

    /// Something to type, or to read letter by letter.
    pub fn code(text: &str) -> Run {
        Run { style: Some("code"), ..Run::plain(text) }
    }

    /// Our own emoji, by its Slack name.
    pub fn emoji(name: &'static str) -> Run {
        Run { emoji: Some(name), ..Run::plain("") }
    }

    /// A person, by their Slack id, shown with their name.
    pub fn user(id: &str) -> Run {
        Run { user: Some(id.to_owned()), ..Run::plain("") }
    }

    /// The same text, leading to `url` when there is one that a link can carry.
    pub fn linked(self, url: Option<&Url>) -> Run {
        Run { link: url.filter(|url| is_link(url)).cloned(), ..self }
    }

    /// The length of its text.
    pub fn length(&self) -> usize {
        length(&self.text)
    }

    /// This run with its text cut to `room`; `None` when nothing of it would show.
    fn within(&self, room: usize) -> Option<Run> {
        let text = cut(&self.text, room);
        (self.emoji.is_some() || self.user.is_some() || !text.is_empty()).then(|| Run { text, ..self.clone() })
    }

    fn element(&self) -> Value {
        if let Some(user) = &self.user {
            return json!({"type": "user", "user_id": user});
        }
        let mut element = match (self.emoji, &self.link) {
            (Some(name), _) => return json!({"type": "emoji", "name": name}),
            (None, Some(url)) => json!({"type": "link", "url": url, "text": self.text}),
            (None, None) => json!({"type": "text", "text": self.text}),
        };
        if let (Some(style), Some(fields)) = (self.style, element.as_object_mut()) {
            fields.insert("style".to_owned(), json!({style: true}));
        }
        element
    }
}

/// A button or a select.
#[derive(Clone, Debug, PartialEq)]
pub struct Control(Value);

impl Control {
    /// A button that runs a command as `action` says. `None` when the command is longer than a button can carry.
    pub fn run(action: &str, number: usize, label: &str, invocation: &Invocation) -> Option<Control> {
        let value = value(invocation, MAX_VALUE)?;
        let mut button = button(&numbered(action, number), label)?;
        set(&mut button, "value", json!(value));
        Some(Control(button))
    }

    /// A button that opens a page. `None` when a button cannot carry the address.
    pub fn open(number: usize, label: &str, url: &Url) -> Option<Control> {
        let mut button = button(&numbered(action::OPEN, number), label)?;
        set(&mut button, "url", json!(Some(url).filter(|url| is_link(url))?));
        Some(Control(button))
    }

    /// The button that opens a private link.
    pub fn connect_link(label: &str, url: &Url) -> Option<Control> {
        let mut button = button(action::CONNECT_LINK, label)?;
        set(&mut button, "url", json!(url));
        set(&mut button, "style", json!("primary"));
        Some(Control(button))
    }

    /// The button that starts connecting.
    pub fn connect(label: &str) -> Option<Control> {
        let mut button = button(action::CONNECT, label)?;
        set(&mut button, "style", json!("primary"));
        Some(Control(button))
    }

    /// The button that disconnects, after Slack's own dialog asked whether it should.
    pub fn disconnect(label: &str) -> Option<Control> {
        let mut button = button(action::DISCONNECT, label)?;
        set(&mut button, "style", json!("danger"));
        let text = |text: &str| plain_text(text, MAX_LABEL * 4);
        let confirm = json!({
            "title": text("Disconnect Sentry?"),
            "text": text("Your access is deleted here and revoked at Sentry, and every MCP client that uses the same account is \
                          disconnected. You can connect again at any time."),
            "confirm": text("Disconnect"),
            "deny": text("Keep it"),
            "style": "danger",
        });
        set(&mut button, "confirm", confirm);
        Some(Control(button))
    }

    /// How much of [`MAX_TOTAL`] it takes.
    pub fn weight(&self) -> usize {
        weight(&self.0)
    }

    /// Whether Slack would tell presses of the two apart by nothing.
    pub fn has_id_of(&self, other: &Control) -> bool {
        self.0.get("action_id") == other.0.get("action_id")
    }

    /// A menu that runs, as `action` says, one of as many of `choices`, in order, as there can be, and as weigh no more than `allowed` together with the
    /// menu itself; and how many that are. `None` when there would be none.
    pub fn menu(
        action: &str,
        number: usize,
        placeholder: &str,
        choices: &[Choice],
        allowed: usize,
    ) -> Option<(Control, usize)> {
        let mut menu = json!({
            "type": "static_select",
            "action_id": numbered(action, number),
            "placeholder": plain_text(placeholder, MAX_PLACEHOLDER)?,
            "options": [],
        });
        let mut total = weight(&menu);
        let mut options = Vec::new();
        for choice in choices.iter().take(MAX_OPTIONS) {
            // The first one has no comma before it.
            total = total.saturating_add(weight(&choice.0)).saturating_sub(usize::from(options.is_empty()));
            if total > allowed {
                break;
            }
            options.push(choice.0.clone());
        }
        let count = options.len();
        set(&mut menu, "options", Value::Array(options));
        (count > 0).then_some((Control(menu), count))
    }
}

/// One option of a select.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice(Value);

impl Choice {
    /// An option that runs a command. `None` when the command is longer than an option can carry.
    pub fn new(label: &str, invocation: &Invocation) -> Option<Choice> {
        let value = value(invocation, MAX_OPTION_VALUE)?;
        Some(Choice(json!({"text": plain_text(&one_line(label), MAX_LABEL)?, "value": value})))
    }
}

/// A message in the making: blocks that together keep the limits.
#[derive(Debug, Default)]
pub struct Draft {
    blocks: Vec<Block>,
    weight: usize,
}

impl Draft {
    /// How much weight is left, `reserved` set aside.
    pub fn room(&self, reserved: Reserve) -> usize {
        MAX_TOTAL.saturating_sub(self.weight).saturating_sub(reserved.weight)
    }

    /// Whether all of `blocks` fit, `reserved` set aside.
    pub fn fits(&self, blocks: &[Block], reserved: Reserve) -> bool {
        let needed = Reserve::of(blocks);
        self.blocks.len().saturating_add(needed.blocks).saturating_add(reserved.blocks) <= MAX_BLOCKS
            && needed.weight <= self.room(reserved)
    }

    /// Adds those of `blocks` that fit.
    pub fn add(&mut self, blocks: impl IntoIterator<Item = Block>) {
        for block in blocks {
            if self.fits(std::slice::from_ref(&block), Reserve::default()) {
                self.weight = self.weight.saturating_add(Reserve::of(std::slice::from_ref(&block)).weight);
                self.blocks.push(block);
            }
        }
    }

    /// The message, with `text`, which may be untrusted, as its fallback.
    pub fn finish(self, text: &str) -> Message {
        let text = inert(text.trim(), MAX_FALLBACK);
        let text = if text.is_empty() { "Sentry".to_owned() } else { text };
        Message { text, blocks: self.blocks.into_iter().map(|block| block.value).collect() }
    }
}

/// Room set aside for blocks that come later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reserve {
    blocks: usize,
    weight: usize,
}

impl Reserve {
    /// What `blocks` take, with their commas.
    pub fn of(blocks: &[Block]) -> Reserve {
        let weight = blocks.iter().map(Block::weight).sum();
        Reserve { blocks: blocks.len(), weight }
    }

    /// The weight.
    pub fn weight(self) -> usize {
        self.weight
    }
}

/// Whether a link or a button can lead to `url`.
fn is_link(url: &Url) -> bool {
    matches!(url.scheme(), "https" | "http") && length(url.as_str()) <= MAX_URL
}

fn numbered(action: &str, number: usize) -> String {
    format!("{action}:{number}")
}

fn value(invocation: &Invocation, limit: usize) -> Option<String> {
    serde_json::to_string(invocation).ok().filter(|value| length(value) <= limit)
}

fn button(action_id: &str, label: &str) -> Option<Value> {
    Some(json!({"type": "button", "action_id": action_id, "text": plain_text(&one_line(label), MAX_LABEL)?}))
}

/// Without `emoji: false`, `:boom:` in somebody's text would become a picture.
fn plain_text(text: &str, limit: usize) -> Option<Value> {
    let text = cut(text, limit);
    (!text.is_empty()).then(|| json!({"type": "plain_text", "text": text, "emoji": false}))
}

fn set(element: &mut Value, name: &str, value: Value) {
    if let Some(fields) = element.as_object_mut() {
        fields.insert(name.to_owned(), value);
    }
}
