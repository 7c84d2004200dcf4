//! Block Kit's rules, as strictly as Slack has them (docs.slack.dev/reference/block-kit).
//!
//! Every violation is one line that says what is wrong and where, as in `response_metadata.messages`.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// The blocks of one message may have this many characters of text together (slackapi/bolt-js#2509).
pub(crate) const MAX_MESSAGE_CHARS: usize = 13_200;
const MAX_MARKDOWN_CHARS: usize = 12_000;

/// Where blocks are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Surface {
    Message,
    Home,
}

/// Why blocks are refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BlocksError {
    /// `invalid_blocks`, with what is wrong.
    Invalid(Vec<String>),
    /// `msg_blocks_too_long`.
    TooLong,
}

/// Checks the blocks of a message or a Home tab.
pub(crate) fn check(blocks: &Value, surface: Surface) -> Result<(), BlocksError> {
    let mut checker = Checker::default();
    checker.blocks(blocks, surface);
    if !checker.wrong.is_empty() {
        return Err(BlocksError::Invalid(checker.wrong));
    }
    if surface == Surface::Message && checker.chars > MAX_MESSAGE_CHARS {
        return Err(BlocksError::TooLong);
    }
    Ok(())
}

/// Whether elements of this type send `block_actions`.
pub(crate) fn is_interactive(kind: &str) -> bool {
    INTERACTIVE.contains(&kind)
}

const INTERACTIVE: [&str; 12] = [
    "button",
    "static_select",
    "users_select",
    "conversations_select",
    "channels_select",
    "multi_static_select",
    "overflow",
    "radio_buttons",
    "checkboxes",
    "datepicker",
    "timepicker",
    "feedback_buttons",
];

#[derive(Default)]
struct Checker {
    wrong: Vec<String>,
    /// All text characters so far.
    chars: usize,
    markdown_chars: usize,
    tables: usize,
}

type Object = Map<String, Value>;

impl Checker {
    fn fail(&mut self, at: &str, what: &str) {
        self.wrong.push(format!("[ERROR] {what} [json-pointer:{at}]"));
    }

    fn blocks(&mut self, blocks: &Value, surface: Surface) {
        let Some(list) = blocks.as_array() else { return self.fail("/blocks", "must be an array") };
        let most = if surface == Surface::Message { 50 } else { 100 };
        if list.len() > most {
            self.fail("/blocks", &format!("no more than {most} items allowed"));
        }
        let mut ids = BTreeSet::new();
        for (index, block) in list.iter().enumerate() {
            let at = format!("/blocks/{index}");
            let Some(block) = block.as_object() else {
                self.fail(&at, "must be an object");
                continue;
            };
            if let Some(id) = block.get("block_id") {
                self.id(id, &format!("{at}/block_id"));
                if !ids.insert(id.to_string()) {
                    self.fail(&at, "block_id already exists");
                }
            }
            self.block(block, &at);
        }
    }

    fn block(&mut self, block: &Object, at: &str) {
        match text_of(block, "type") {
            "section" => self.section(block, at),
            "header" => {
                self.keys(block, &["text", "level"], at);
                self.text_object(block.get("text"), &["plain_text"], 150, &format!("{at}/text"));
            }
            "divider" => self.keys(block, &[], at),
            "context" => self.context(block, at),
            "actions" => {
                self.keys(block, &["elements"], at);
                self.elements(block, 25, at);
            }
            "context_actions" => {
                self.keys(block, &["elements"], at);
                self.elements(block, 5, at);
            }
            "image" => {
                self.keys(block, &["image_url", "slack_file", "alt_text", "title"], at);
                self.image(block, at);
                if block.contains_key("title") {
                    self.text_object(block.get("title"), &["plain_text"], 2000, &format!("{at}/title"));
                }
            }
            "markdown" => {
                self.keys(block, &["text"], at);
                let text = text_of(block, "text");
                self.length(text, 1, MAX_MARKDOWN_CHARS, &format!("{at}/text"));
                self.markdown_chars += text.chars().count();
                if self.markdown_chars > MAX_MARKDOWN_CHARS {
                    self.fail(at, "markdown blocks may have 12000 characters together");
                }
            }
            "rich_text" => {
                self.keys(block, &["elements"], at);
                self.rich_text(block, at);
            }
            "table" => self.table(block, at),
            other => self.fail(at, &format!("unsupported type: {other}")),
        }
    }

    fn section(&mut self, block: &Object, at: &str) {
        self.keys(block, &["text", "fields", "accessory", "expand"], at);
        let kinds = &["plain_text", "mrkdwn"];
        if block.contains_key("text") {
            self.text_object(block.get("text"), kinds, 3000, &format!("{at}/text"));
        } else if !block.contains_key("fields") {
            self.fail(at, "missing required field: text or fields");
        }
        if let Some(fields) = block.get("fields") {
            let fields = fields.as_array().map(Vec::as_slice).unwrap_or_default();
            self.count(fields.len(), 10, &format!("{at}/fields"));
            for (index, field) in fields.iter().enumerate() {
                self.text_object(Some(field), kinds, 2000, &format!("{at}/fields/{index}"));
            }
        }
        if let Some(accessory) = block.get("accessory") {
            self.element(accessory, true, &format!("{at}/accessory"));
        }
    }

    fn context(&mut self, block: &Object, at: &str) {
        self.keys(block, &["elements"], at);
        let elements = array_of(block, "elements");
        self.count(elements.len(), 10, &format!("{at}/elements"));
        for (index, element) in elements.iter().enumerate() {
            let at = format!("{at}/elements/{index}");
            match element.as_object().map(|element| (text_of(element, "type"), element)) {
                Some(("image", image)) => self.image(image, &at),
                _ => self.text_object(Some(element), &["plain_text", "mrkdwn"], 2000, &at),
            }
        }
    }

    fn elements(&mut self, block: &Object, most: usize, at: &str) {
        let elements = array_of(block, "elements");
        self.count(elements.len(), most, &format!("{at}/elements"));
        let mut ids = BTreeSet::new();
        for (index, element) in elements.iter().enumerate() {
            let at = format!("{at}/elements/{index}");
            self.element(element, false, &at);
            if element.get("action_id").is_some_and(|id| !ids.insert(id.to_string())) {
                self.fail(&at, "action_id already exists");
            }
        }
    }

    fn element(&mut self, element: &Value, image_too: bool, at: &str) {
        let Some(element) = element.as_object() else { return self.fail(at, "must be an object") };
        if let Some(id) = element.get("action_id") {
            self.id(id, &format!("{at}/action_id"));
        }
        if let Some(confirm) = element.get("confirm") {
            self.confirm(confirm, &format!("{at}/confirm"));
        }
        match text_of(element, "type") {
            "button" => self.button(element, at),
            "image" if image_too => self.image(element, at),
            "static_select" | "multi_static_select" => {
                self.placeholder(element, at);
                if !element.contains_key("option_groups") {
                    self.options(element, 100, at);
                }
            }
            "overflow" => self.options(element, 5, at),
            "radio_buttons" | "checkboxes" => self.options(element, 10, at),
            kind if is_interactive(kind) => self.placeholder(element, at),
            other => self.fail(at, &format!("unsupported element type: {other}")),
        }
    }

    fn button(&mut self, button: &Object, at: &str) {
        let keys = ["text", "action_id", "url", "value", "style", "confirm", "accessibility_label"];
        if let Some(extra) = button.keys().find(|key| *key != "type" && !keys.contains(&key.as_str())) {
            self.fail(at, &format!("invalid additional property: {extra}"));
        }
        self.text_object(button.get("text"), &["plain_text"], 75, &format!("{at}/text"));
        if let Some(value) = button.get("value") {
            let value = value.as_str().unwrap_or_default();
            self.length(value, 1, 2000, &format!("{at}/value"));
            self.chars += value.chars().count();
        }
        if let Some(url) = button.get("url") {
            let url = url.as_str().unwrap_or_default();
            self.length(url, 1, 3000, &format!("{at}/url"));
            self.chars += url.chars().count();
            let parsed = url::Url::parse(url).ok();
            if !parsed.is_some_and(|url| matches!(url.scheme(), "http" | "https" | "mailto" | "slack")) {
                self.fail(&format!("{at}/url"), "must be a valid URL");
            }
        }
        if !matches!(button.get("style").and_then(Value::as_str), None | Some("primary" | "danger")) {
            self.fail(&format!("{at}/style"), "must be primary or danger");
        }
    }

    fn options(&mut self, element: &Object, most: usize, at: &str) {
        let options = array_of(element, "options");
        self.count(options.len(), most, &format!("{at}/options"));
        for (index, option) in options.iter().enumerate() {
            let at = format!("{at}/options/{index}");
            self.text_object(option.get("text"), &["plain_text", "mrkdwn"], 75, &format!("{at}/text"));
            let value = option.get("value").and_then(Value::as_str).unwrap_or_default();
            self.length(value, 1, 150, &format!("{at}/value"));
        }
    }

    fn placeholder(&mut self, element: &Object, at: &str) {
        if let Some(placeholder) = element.get("placeholder") {
            self.text_object(Some(placeholder), &["plain_text"], 150, &format!("{at}/placeholder"));
        }
    }

    fn confirm(&mut self, confirm: &Value, at: &str) {
        self.text_object(confirm.get("title"), &["plain_text"], 100, &format!("{at}/title"));
        self.text_object(confirm.get("text"), &["plain_text", "mrkdwn"], 300, &format!("{at}/text"));
        for name in ["confirm", "deny"] {
            if let Some(label) = confirm.get(name) {
                self.text_object(Some(label), &["plain_text"], 30, &format!("{at}/{name}"));
            }
        }
    }

    fn image(&mut self, image: &Object, at: &str) {
        let url = text_of(image, "image_url");
        if url.is_empty() && !image.contains_key("slack_file") {
            self.fail(at, "missing required field: image_url");
        }
        self.length(url, 0, 3000, &format!("{at}/image_url"));
        self.length(text_of(image, "alt_text"), 1, 2000, &format!("{at}/alt_text"));
    }

    fn rich_text(&mut self, block: &Object, at: &str) {
        let elements = array_of(block, "elements");
        if elements.is_empty() {
            self.fail(&format!("{at}/elements"), "must have at least one item");
        }
        for (index, element) in elements.iter().enumerate() {
            let at = format!("{at}/elements/{index}");
            match element.get("type").and_then(Value::as_str).unwrap_or_default() {
                "rich_text_section" | "rich_text_quote" | "rich_text_preformatted" => self.inline(element, &at),
                "rich_text_list" => {
                    let style = element.get("style").and_then(Value::as_str);
                    if !matches!(style, Some("bullet" | "ordered")) {
                        self.fail(&format!("{at}/style"), "must be bullet or ordered");
                    }
                    let items = element.get("elements").and_then(Value::as_array).map(Vec::as_slice);
                    items.unwrap_or_default().iter().for_each(|item| self.inline(item, &at));
                }
                other => self.fail(&at, &format!("unsupported rich text type: {other}")),
            }
        }
    }

    fn inline(&mut self, section: &Value, at: &str) {
        let Some(elements) = section.get("elements").and_then(Value::as_array) else {
            return self.fail(at, "missing required field: elements");
        };
        for (index, element) in elements.iter().enumerate() {
            let at = format!("{at}/elements/{index}");
            let text = element.get("text").and_then(Value::as_str).unwrap_or_default();
            self.chars += text.chars().count();
            match element.get("type").and_then(Value::as_str).unwrap_or_default() {
                "text" => self.length(text, 1, MAX_MESSAGE_CHARS, &format!("{at}/text")),
                "link" => {
                    let url = element.get("url").and_then(Value::as_str).unwrap_or_default();
                    self.length(url, 1, 3000, &format!("{at}/url"));
                    self.chars += url.chars().count();
                }
                "emoji" | "user" | "channel" | "usergroup" | "broadcast" | "date" | "color" | "team" => {}
                other => self.fail(&at, &format!("unsupported rich text element: {other}")),
            }
        }
    }

    fn table(&mut self, block: &Object, at: &str) {
        self.keys(block, &["rows", "column_settings"], at);
        self.tables += 1;
        if self.tables > 1 {
            self.fail(at, "only one table is allowed in a message");
        }
        let rows = array_of(block, "rows");
        self.count(rows.len(), 100, &format!("{at}/rows"));
        for (index, row) in rows.iter().enumerate() {
            let at = format!("{at}/rows/{index}");
            let cells = row.as_array().map(Vec::as_slice).unwrap_or_default();
            self.count(cells.len(), 20, &at);
            for (index, cell) in cells.iter().enumerate() {
                let at = format!("{at}/{index}");
                match cell.as_object().map(|cell| (text_of(cell, "type"), cell)) {
                    Some(("raw_text", cell)) => self.length(text_of(cell, "text"), 1, 10_000, &format!("{at}/text")),
                    Some(("rich_text", cell)) => self.rich_text(cell, &at),
                    _ => self.fail(&at, "a cell must be raw_text or rich_text"),
                }
                self.chars += cell.get("text").and_then(Value::as_str).unwrap_or_default().chars().count();
            }
        }
    }

    fn text_object(&mut self, object: Option<&Value>, kinds: &[&str], most: usize, at: &str) {
        let Some(object) = object.and_then(Value::as_object) else {
            return self.fail(at, "missing required field: text");
        };
        let kind = text_of(object, "type");
        if !kinds.contains(&kind) {
            self.fail(at, &format!("unsupported text type: {kind}"));
        }
        let option = if kind == "mrkdwn" { "verbatim" } else { "emoji" };
        if let Some(extra) = object.keys().find(|key| !["type", "text", option].contains(&key.as_str())) {
            self.fail(at, &format!("invalid additional property: {extra}"));
        }
        let text = text_of(object, "text");
        self.length(text, 1, most, &format!("{at}/text"));
        self.chars += text.chars().count();
    }

    fn keys(&mut self, block: &Object, known: &[&str], at: &str) {
        let extra =
            block.keys().find(|key| !["type", "block_id"].contains(&key.as_str()) && !known.contains(&key.as_str()));
        if let Some(extra) = extra {
            self.fail(at, &format!("invalid additional property: {extra}"));
        }
    }

    fn id(&mut self, id: &Value, at: &str) {
        self.length(id.as_str().unwrap_or_default(), 1, 255, at);
    }

    fn count(&mut self, count: usize, most: usize, at: &str) {
        if count == 0 {
            self.fail(at, "must have at least one item");
        }
        if count > most {
            self.fail(at, &format!("no more than {most} items allowed"));
        }
    }

    fn length(&mut self, text: &str, least: usize, most: usize, at: &str) {
        let length = text.chars().count();
        if length < least {
            self.fail(at, "must be more than 0 characters");
        }
        if length > most {
            self.fail(at, &format!("must be less than {} characters", most + 1));
        }
    }
}

fn text_of<'a>(object: &'a Object, name: &str) -> &'a str {
    object.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn array_of<'a>(object: &'a Object, name: &str) -> &'a [Value] {
    object.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn section(text: &str) -> Value {
        json!({"type": "section", "text": {"type": "mrkdwn", "text": text}})
    }

    fn button(text: &str, action_id: &str) -> Value {
        json!({"type": "button", "text": {"type": "plain_text", "text": text}, "action_id": action_id, "value": "v"})
    }

    fn is_invalid(blocks: Value) -> bool {
        matches!(check(&blocks, Surface::Message), Err(BlocksError::Invalid(_)))
    }

    #[test]
    fn ordinary_blocks_pass() {
        let blocks = json!([
            {"type": "header", "text": {"type": "plain_text", "text": "Three issues", "emoji": true}},
            section("*bold*"),
            {"type": "section", "fields": [{"type": "mrkdwn", "text": "a"}], "accessory": button("Open", "open")},
            {"type": "divider"},
            {"type": "context", "elements": [{"type": "mrkdwn", "text": "now"}]},
            {"type": "actions", "block_id": "b", "elements": [button("One", "a"), button("Two", "b")]},
            {"type": "markdown", "text": "# Title"},
            {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "x"}]}]},
            {"type": "table", "rows": [[{"type": "raw_text", "text": "a"}]]},
        ]);
        assert_eq!(check(&blocks, Surface::Message), Ok(()));
    }

    #[test]
    fn lengths_are_limited() {
        assert!(!is_invalid(json!([section(&"x".repeat(3000))])));
        assert!(is_invalid(json!([section(&"x".repeat(3001))])));
        assert!(is_invalid(json!([section("")])));
        assert!(is_invalid(json!([{"type": "header", "text": {"type": "plain_text", "text": "x".repeat(151)}}])));
        assert!(is_invalid(json!([{"type": "actions", "elements": [button(&"x".repeat(76), "a")]}])));
    }

    #[test]
    fn counts_are_limited() {
        assert!(!is_invalid(Value::Array(vec![json!({"type": "divider"}); 50])));
        assert!(is_invalid(Value::Array(vec![json!({"type": "divider"}); 51])));
        assert_eq!(check(&Value::Array(vec![json!({"type": "divider"}); 100]), Surface::Home), Ok(()));
        let buttons: Vec<Value> = (0..26).map(|n| button("x", &n.to_string())).collect();
        assert!(is_invalid(json!([{"type": "actions", "elements": buttons}])));
        assert!(is_invalid(json!([{"type": "actions", "elements": []}])));
    }

    #[test]
    fn ids_are_unique() {
        assert!(is_invalid(json!([{"type": "actions", "elements": [button("x", "same"), button("y", "same")]}])));
        assert!(is_invalid(json!([{"type": "divider", "block_id": "b"}, {"type": "divider", "block_id": "b"}])));
    }

    #[test]
    fn unknown_types_and_properties_are_refused() {
        assert!(is_invalid(json!([{"type": "hero"}])));
        assert!(is_invalid(json!([{"type": "divider", "colour": "red"}])));
        assert!(is_invalid(json!({"type": "divider"})));
        assert!(is_invalid(
            json!([{"type": "section", "text": {"type": "plain_text", "text": "x", "verbatim": true}}])
        ));
    }

    #[test]
    fn all_blocks_together_may_not_be_too_long() {
        let long = vec![section(&"x".repeat(2900)); 5];
        assert_eq!(check(&Value::Array(long), Surface::Message), Err(BlocksError::TooLong));
    }

    #[test]
    fn links_of_buttons_are_addresses() {
        let link = |url: &str| {
            json!([{"type": "actions", "elements": [
            {"type": "button", "text": {"type": "plain_text", "text": "Open"}, "url": url}]}])
        };
        assert!(!is_invalid(link("https://globex.sentry.io/issues/1/")));
        assert!(is_invalid(link("/issues/1/")));
        assert!(is_invalid(link("javascript:alert(1)")));
        assert!(is_invalid(link(&format!("https://x.example/{}", "a".repeat(3000)))));
    }
}
