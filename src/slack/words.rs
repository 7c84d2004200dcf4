//! The words of a message that are in its blocks alone, written as Slack writes a message's `text`.
//!
//! Messages of people are `rich_text` (<https://docs.slack.dev/reference/block-kit/blocks/rich-text-block>); what other apps post in
//! their name may have sections. What cannot be read is left out.

use serde_json::Value;

/// The longest text that is read, in bytes: longer than any question.
const MAX_TEXT: usize = 16_000;
/// Blocks within blocks.
const MAX_DEPTH: usize = 6;

/// The words of `blocks`.
pub(super) fn of_blocks(blocks: &Value) -> String {
    let mut words = String::new();
    collect(blocks, MAX_DEPTH, &mut words);
    words.trim().to_owned()
}

fn collect(value: &Value, depth: usize, words: &mut String) {
    if depth == 0 || words.len() >= MAX_TEXT {
        return;
    }
    if let Some(items) = value.as_array() {
        items.iter().for_each(|item| collect(item, depth, words));
        return;
    }
    let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
    match text("type") {
        "rich_text" => inner(value, "elements", depth, words),
        // A paragraph, an item of a list, a quotation.
        kind if kind.starts_with("rich_text_") => {
            inner(value, "elements", depth, words);
            words.push('\n');
        }
        "section" => {
            inner(value, "text", depth, words);
            inner(value, "fields", depth, words);
        }
        "header" => inner(value, "text", depth, words),
        // Here Slack has escaped what was typed, in the other texts it has not.
        "mrkdwn" => words.push_str(&format!("{}\n", text("text"))),
        "plain_text" | "markdown" => words.push_str(&format!("{}\n", escaped(text("text")))),
        "text" => words.push_str(&escaped(text("text"))),
        "user" => words.push_str(&format!("<@{}>", text("user_id"))),
        "channel" => words.push_str(&format!("<#{}>", text("channel_id"))),
        "link" => words.push_str(&format!("<{}>", escaped(text("url")))),
        "emoji" => words.push_str(&format!(":{}:", text("name"))),
        _ => {}
    }
}

fn inner(value: &Value, name: &str, depth: usize, words: &mut String) {
    if let Some(inner) = value.get(name) {
        collect(inner, depth - 1, words);
    }
}

/// As in a message's `text`, where `<` begins markup.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn words_links_mentions_and_lists_are_read_as_in_a_text() {
        let section = |elements: Value| json!({"type": "rich_text_section", "elements": elements});
        let text = |text: &str| json!({"type": "text", "text": text, "style": {"bold": true}});
        for (blocks, expected) in [
            (json!([{"type": "rich_text", "elements": [section(json!([text("issue list")]))]}]), "issue list"),
            (
                json!([{"type": "rich_text", "elements": [section(json!([
                    {"type": "user", "user_id": "U1"}, text(" see "),
                    {"type": "link", "url": "https://globex.sentry.io/issues/1/?a=1&b=2", "text": "it"},
                    {"type": "emoji", "name": "eyes"}, {"type": "channel", "channel_id": "C1"}]))]}]),
                "<@U1> see <https://globex.sentry.io/issues/1/?a=1&amp;b=2>:eyes:<#C1>",
            ),
            (
                json!([{"type": "rich_text", "elements": [
                    {"type": "rich_text_list", "style": "bullet", "elements": [section(json!([text("one")])), section(json!([text("two")]))]},
                    {"type": "rich_text_preformatted", "elements": [text("three")]}]}]),
                "one\ntwo\n\nthree",
            ),
            (json!([{"type": "section", "text": {"type": "mrkdwn", "text": "issue list &lt;3"}}]), "issue list &lt;3"),
            (json!([{"type": "section", "fields": [{"type": "plain_text", "text": "a < b"}]}]), "a &lt; b"),
            (json!([{"type": "image", "alt_text": "help"}, null, 1, {"elements": []}]), ""),
            (json!("help"), ""),
        ] {
            assert_eq!(of_blocks(&blocks), expected, "{blocks}");
        }
    }

    #[test]
    fn deep_and_endless_blocks_are_read_as_far_as_a_question_goes() {
        let mut deep = json!({"type": "text", "text": "help"});
        for _ in 0..100 {
            deep = json!({"type": "rich_text", "elements": [deep]});
        }
        assert_eq!(of_blocks(&deep), "");
        let many = json!(vec![json!({"type": "text", "text": "x".repeat(1_000)}); 1_000]);
        assert!(of_blocks(&many).len() <= MAX_TEXT + 1_000);
    }
}
