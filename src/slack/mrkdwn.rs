//! Untrusted text on its way to Slack (P20).
//!
//! Slack reads markup in two places: `mrkdwn` text objects, and the `text` of a message, which notifications and screen
//! readers show instead of the blocks. The blocks that we build hold no `mrkdwn` at all (see [`super::blocks`]), so this
//! file has one kind of text to make harmless: the fallback.
//!
//! Lengths are counted in UTF-16 code units: never fewer than the characters that Slack counts, whichever way it does.

use vedette_sentry::invisible::is_deceptive;

/// Where text was cut.
const ELLIPSIS: char = '…';

/// Keeps what can be shown: no control characters but line feed and tab, and none of the characters that nobody sees or
/// that reorder the text around them.
pub fn clean(text: &str) -> String {
    text.replace("\r\n", "\n").chars().filter(|it| is_shown(*it)).collect()
}

/// [`clean`], in one line, without white space around it.
pub fn one_line(text: &str) -> String {
    clean(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn is_shown(character: char) -> bool {
    !is_deceptive(character) && (!character.is_control() || matches!(character, '\n' | '\t'))
}

/// The length of `text` as we count it for Slack.
pub fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

/// `text` when it is no longer than `limit`, else as much of its start as leaves room for an ellipsis.
pub fn cut(text: &str, limit: usize) -> String {
    fit(text, limit, |_| None)
}

/// `text` for a place where Slack reads markup, at most `limit` long: escaped, and unable to mention, link, quote or
/// format.
///
/// Slack's escapes (`&amp;`, `&lt;`, `&gt;`) disarm mentions and links. For formatting there is no escape: a character
/// that could begin it (`*`, `_`, `~` or a backtick that follows no letter or digit) becomes one that looks alike; inside
/// a word, as in `snake_case`, it stays. A word joiner takes the scheme off a bare URL.
pub fn inert(text: &str, limit: usize) -> String {
    let text = clean(text).replace("://", ":\u{2060}//");
    let mut before = '\n';
    let mut quoting = true;
    fit(&text, limit, move |character| {
        let opens = !before.is_alphanumeric();
        let quotes = quoting;
        quoting = character == '\n' || (quoting && (character.is_whitespace() || character == '>'));
        before = character;
        match character {
            '&' => Some("&amp;"),
            '<' => Some("&lt;"),
            '>' if quotes => Some("›"),
            '>' => Some("&gt;"),
            '*' if opens => Some("∗"),
            '_' if opens => Some("＿"),
            '~' if opens => Some("∼"),
            '`' => Some("ˋ"),
            _ => None,
        }
    })
}

/// Writes each character, or what `instead` has for it, and stops before the result would be longer than `limit`: never
/// in the middle of what one character became.
fn fit(text: &str, limit: usize, mut instead: impl FnMut(char) -> Option<&'static str>) -> String {
    let mut fitted = String::new();
    let mut used = 0usize;
    // Where the text ends if it has to be cut: the last place that leaves room for the ellipsis.
    let mut end = 0;
    for character in text.chars() {
        let replaced = instead(character);
        used = used.saturating_add(replaced.map_or(character.len_utf16(), length));
        if used > limit {
            fitted.truncate(end);
            fitted.extend((limit > 0).then_some(ELLIPSIS));
            return fitted;
        }
        match replaced {
            Some(replaced) => fitted.push_str(replaced),
            None => fitted.push(character),
        }
        if used < limit {
            end = fitted.len();
        }
    }
    fitted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn markup_of_untrusted_text_is_disarmed_p20() {
        for (text, shown) in [
            ("<!channel> look", "&lt;!channel&gt; look"),
            ("<@U0ADMIN>", "&lt;@U0ADMIN&gt;"),
            ("<https://evil.example|Sentry>", "&lt;https:\u{2060}//evil.example|Sentry&gt;"),
            ("a && b", "a &amp;&amp; b"),
            ("&lt;!here&gt;", "&amp;lt;!here&amp;gt;"),
            ("*bold* _italic_ ~gone~ `code`", "∗bold* ＿italic_ ∼gone~ ˋcodeˋ"),
            ("snake_case_name", "snake_case_name"),
            ("> quoted\n >> too, a > b", "› quoted\n ›› too, a &gt; b"),
            ("admin\u{202E}gpj.exe\u{0007}", "admingpj.exe"),
        ] {
            assert_eq!(inert(text, 1_000), shown);
        }
    }

    #[test]
    fn a_cut_never_falls_inside_an_escape_or_a_pair() {
        assert_eq!(inert("ab<<<", 5), "ab…");
        assert_eq!(inert("ab<<<", 7), "ab&lt;…");
        assert_eq!(cut("🦀🦀🦀", 5), "🦀🦀…");
        assert_eq!(cut("🦀🦀", 4), "🦀🦀");
        assert_eq!(cut("abc", 0), "");
    }

    #[test]
    fn one_line_is_one_line() {
        assert_eq!(one_line("  a\r\n\tb \u{2028} c "), "a b c");
    }

    proptest! {
        #[test]
        fn inert_text_keeps_its_limit_and_holds_no_markup(text in ".{0,200}", limit in 0usize..150) {
            let inert = inert(&text, limit);
            prop_assert!(length(&inert) <= limit);
            prop_assert!(!inert.contains(['<', '>', '`']));
            prop_assert!(!inert.contains("://"));
        }

        #[test]
        fn a_cut_keeps_its_limit_and_the_start(text in ".{0,80}", limit in 0usize..100) {
            let cut = cut(&text, limit);
            prop_assert!(length(&cut) <= limit);
            prop_assert!(text.starts_with(cut.trim_end_matches(ELLIPSIS)) || cut == text);
        }
    }
}
