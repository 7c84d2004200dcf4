//! Slack's limits, read from its documentation a second time, to hold messages against in tests.

use std::collections::HashSet;

use serde_json::Value;

use super::blocks::Message;

/// What Slack would refuse in `message`, and what would let untrusted text be markup.
pub fn violations(message: &Message) -> Vec<String> {
    let mut found = Vec::new();
    let mut check = |holds: bool, what: String| {
        if !holds {
            found.push(what);
        }
    };
    check(!message.text.trim().is_empty(), "the fallback text is empty".to_owned());
    check(units(&message.text) <= 4_000, "the fallback text is too long".to_owned());
    check(!message.text.contains(['<', '>', '`']), format!("markup in the fallback text: {}", message.text));
    check(message.blocks.len() <= 50, format!("{} blocks", message.blocks.len()));
    let total = units(&serde_json::to_string(&message.blocks).unwrap());
    check(total <= 12_001, format!("{total} characters in all"));
    let mut action_ids = HashSet::new();
    for block in &message.blocks {
        match kind(block) {
            "header" => text_object(&block["text"], 150, &mut check),
            "context" => {
                for element in list(block, "elements", 1..=10, &mut check) {
                    text_object(element, 2_000, &mut check);
                }
            }
            "actions" => {
                for element in list(block, "elements", 1..=25, &mut check) {
                    control(element, &mut check);
                    let id = element["action_id"].as_str().unwrap_or_default().to_owned();
                    check(action_ids.insert(id.clone()), format!("two elements are {id}"));
                }
            }
            "rich_text" => {
                for part in list(block, "elements", 1..=1, &mut check) {
                    check(matches!(kind(part), "rich_text_section" | "rich_text_preformatted"), format!("{part}"));
                    for element in list(part, "elements", 1..=1_000, &mut check) {
                        rich_element(element, &mut check);
                    }
                }
            }
            other => check(false, format!("an unknown block: {other}")),
        }
    }
    found
}

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

fn kind(value: &Value) -> &str {
    value["type"].as_str().unwrap_or_default()
}

fn list<'a>(
    value: &'a Value,
    name: &str,
    lengths: std::ops::RangeInclusive<usize>,
    check: &mut impl FnMut(bool, String),
) -> &'a [Value] {
    let list = value[name].as_array().map(Vec::as_slice).unwrap_or_default();
    check(lengths.contains(&list.len()), format!("{} {name} in a {}", list.len(), kind(value)));
    list
}

fn text(value: &Value, limit: usize, what: &str, check: &mut impl FnMut(bool, String)) {
    let length = value.as_str().map_or(0, units);
    check((1..=limit).contains(&length), format!("{what} of {length}, where at most {limit} fit"));
}

fn text_object(object: &Value, limit: usize, check: &mut impl FnMut(bool, String)) {
    check(kind(object) == "plain_text" && object["emoji"] == false, format!("markup is read in {object}"));
    text(&object["text"], limit, "a text", check);
}

fn control(element: &Value, check: &mut impl FnMut(bool, String)) {
    text(&element["action_id"], 255, "an action id", check);
    match kind(element) {
        "button" => {
            text_object(&element["text"], 75, check);
            if element.get("value").is_some() {
                text(&element["value"], 2_000, "a value", check);
            }
            if element.get("url").is_some() {
                text(&element["url"], 3_000, "a URL", check);
            }
            if let Some(confirm) = element.get("confirm") {
                text_object(&confirm["title"], 100, check);
                text_object(&confirm["text"], 300, check);
                text_object(&confirm["confirm"], 30, check);
                text_object(&confirm["deny"], 30, check);
            }
        }
        "static_select" => {
            text_object(&element["placeholder"], 150, check);
            for option in list(element, "options", 1..=100, check) {
                text_object(&option["text"], 75, check);
                text(&option["value"], 150, "an option's value", check);
            }
        }
        other => check(false, format!("an unknown element: {other}")),
    }
}

fn rich_element(element: &Value, check: &mut impl FnMut(bool, String)) {
    match kind(element) {
        "emoji" => {}
        "user" => text(&element["user_id"], 32, "a person's id", check),
        "text" => text(&element["text"], 3_000, "a text", check),
        "link" => {
            text(&element["text"], 3_000, "a text", check);
            text(&element["url"], 3_000, "a URL", check);
            let url = element["url"].as_str().unwrap_or_default();
            check(url.starts_with("https://") || url.starts_with("http://"), format!("a link to {url}"));
        }
        other => check(false, format!("an unknown element: {other}")),
    }
}
