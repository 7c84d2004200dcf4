//! From what a person types to the text that stands in an event.

use super::people::{BOT_NAME, BOT_USER};

/// What a person typed, as Slack writes it: `@vedette` becomes a mention, addresses get angle brackets, and `&`, `<` and
/// `>` are escaped. What is already so written stays.
pub(crate) fn from_typed(typed: &str) -> String {
    let mut wire = String::with_capacity(typed.len());
    let mut rest = typed;
    while let Some(letter) = rest.chars().next() {
        let (written, taken) = step(rest, letter, wire.chars().last());
        wire.push_str(&written);
        rest = rest.get(taken..).unwrap_or_default();
    }
    wire
}

/// What the beginning of `rest` becomes, and how much of it that is.
fn step(rest: &str, letter: char, before: Option<char>) -> (String, usize) {
    let at_word_start = before.is_none_or(|before| !before.is_alphanumeric());
    match letter {
        '<' => match already_written(rest) {
            Some(reference) => (reference.to_owned(), reference.len()),
            None => ("&lt;".to_owned(), 1),
        },
        '>' => ("&gt;".to_owned(), 1),
        '&' => {
            let entity = ["&amp;", "&lt;", "&gt;"].into_iter().find(|entity| rest.starts_with(entity));
            (entity.unwrap_or("&amp;").to_owned(), entity.map_or(1, str::len))
        }
        '@' if at_word_start && mentions_the_bot(rest) => (format!("<@{BOT_USER}>"), 1 + BOT_NAME.len()),
        'h' if at_word_start && (rest.starts_with("http://") || rest.starts_with("https://")) => {
            let end = rest.find(|letter: char| letter.is_whitespace() || matches!(letter, '<' | '>' | '"'));
            let address = rest.get(..end.unwrap_or(rest.len())).unwrap_or(rest);
            let address = address.trim_end_matches(['.', ',', ';', ':', '!', '?', ')']);
            (format!("<{}>", address.replace("&amp;", "&").replace('&', "&amp;")), address.len())
        }
        other => (other.to_string(), other.len_utf8()),
    }
}

/// `<@U…>`, `<#C…>`, `<!…>` or `<http…>` at the beginning.
fn already_written(rest: &str) -> Option<&str> {
    let reference = rest.get(..=rest.find('>')?)?;
    let inside = reference.get(1..)?;
    let known = ["@U", "@W", "#C", "!", "http://", "https://", "mailto:"];
    known.iter().any(|start| inside.starts_with(start)).then_some(reference)
}

fn mentions_the_bot(rest: &str) -> bool {
    let after = rest.strip_prefix('@').and_then(|rest| rest.strip_prefix(BOT_NAME));
    after.is_some_and(|after| !after.chars().next().is_some_and(|next| next.is_alphanumeric() || next == '_'))
}

/// Whether a text mentions the bot.
pub(crate) fn has_mention(wire: &str) -> bool {
    wire.contains(&format!("<@{BOT_USER}>")) || wire.contains(&format!("<@{BOT_USER}|"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typed_mention_becomes_a_reference() {
        assert_eq!(from_typed("@vedette what broke?"), "<@U0VEDETTE> what broke?");
        assert_eq!(from_typed("<@U0VEDETTE> what broke?"), "<@U0VEDETTE> what broke?");
        assert_eq!(from_typed("mail@vedette and @vedettes"), "mail@vedette and @vedettes");
    }

    #[test]
    fn addresses_get_angle_brackets_and_signs_are_escaped() {
        assert_eq!(
            from_typed("see https://globex.sentry.io/issues/1/?a=1&b=2, ok"),
            "see <https://globex.sentry.io/issues/1/?a=1&amp;b=2>, ok"
        );
        assert_eq!(from_typed("a < b && c > d"), "a &lt; b &amp;&amp; c &gt; d");
        assert_eq!(from_typed("&amp; <https://x.example|x>"), "&amp; <https://x.example|x>");
    }
}
