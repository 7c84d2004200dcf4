//! An answer as Markdown: for MCP clients, terminals and tests.
//!
//! Every text of an answer is untrusted (P20): it is escaped so that it shows as it is and starts no link, image, heading,
//! HTML or code of its own. Code stands in a fence that is longer than any row of backticks in it.

use url::Url;

use super::answer::{Action, Answer, Does, Field, Item, More, Part};

/// Renders `answer`. A button that runs a command is a line with the tool and the parameters that do the same.
pub fn markdown(answer: &Answer) -> String {
    let mut blocks = vec![format!("# {}", linked(&answer.title, answer.link.as_ref()))];
    blocks.extend(answer.parts.iter().map(part));
    blocks.extend(answer.more.as_ref().map(more));
    blocks.extend((!answer.notes.is_empty()).then(|| notes(&answer.notes)));
    let actions: Vec<String> = answer.actions.iter().map(action).collect();
    blocks.extend((!actions.is_empty()).then(|| actions.join("\n")));
    blocks.retain(|block| !block.is_empty());
    blocks.join("\n\n")
}

fn part(part: &Part) -> String {
    match part {
        Part::Paragraph(text) => paragraph(text),
        Part::Heading(text) => format!("## {}", inline(text)),
        Part::Fields(fields) => fields.iter().map(field).collect::<Vec<_>>().join("\n"),
        Part::Items(items) => items.iter().map(item).collect::<Vec<_>>().join("\n"),
        Part::Code(text) => code(text),
    }
}

fn field(field: &Field) -> String {
    format!("- **{}**: {}", inline(&field.label), linked(&field.value, field.link.as_ref()))
}

fn item(item: &Item) -> String {
    let mut line = format!("- {}", linked(&item.name, item.link.as_ref()));
    if !item.summary.is_empty() {
        line.push_str(&format!(": {}", inline(&item.summary)));
    }
    if !item.facts.is_empty() {
        let facts: Vec<String> = item.facts.iter().map(|fact| inline(fact)).collect();
        line.push_str(&format!("\n  {}", facts.join(" · ")));
    }
    line
}

fn more(more: &More) -> String {
    let mut line = match more.remaining {
        Some(remaining) => format!("… and {} more", super::say::count(remaining)),
        None => "… and more".to_owned(),
    };
    if let Some(link) = &more.link {
        line.push_str(&format!(", [all of them in Sentry]({})", destination(link)));
    }
    let cursor = more.next.as_ref().and_then(|next| next.parameters.get("cursor")).and_then(|cursor| cursor.as_str());
    if let Some(cursor) = cursor {
        line.push_str(&format!("; next page: cursor `{}`", cursor.replace('`', "'")));
    }
    line
}

fn notes(notes: &[String]) -> String {
    notes.iter().map(|note| format!("> {}", prose(note))).collect::<Vec<_>>().join("\n>\n")
}

fn action(action: &Action) -> String {
    let label = inline(&action.label);
    match &action.does {
        Does::Run(invocation) | Does::Instead(invocation) => {
            let tool = super::find(&invocation.command).map_or(invocation.command.as_str(), |entry| entry.spec.tool);
            format!("- {label}: `{tool}` with `{}`", invocation.parameters.to_string().replace('`', "'"))
        }
        Does::Open(url) => format!("- [{label}]({})", destination(url)),
        Does::Connect | Does::Disconnect => format!("- {label}"),
    }
}

fn linked(text: &str, link: Option<&Url>) -> String {
    match link {
        Some(url) => format!("[{}]({})", inline(text), destination(url)),
        None => inline(text),
    }
}

/// A URL as the destination of a link: nothing in it can close the parenthesis.
fn destination(url: &Url) -> String {
    url.as_str().replace('(', "%28").replace(')', "%29")
}

fn paragraph(text: &str) -> String {
    text.lines().map(prose).collect::<Vec<_>>().join("\n")
}

/// Our own prose with what strangers said in it: pairs of backticks around plain words stay, all else is escaped.
fn prose(text: &str) -> String {
    let pieces: Vec<&str> = text.split('`').collect();
    let paired = pieces.len() % 2 == 1;
    let render = |(index, piece): (usize, &&str)| match index % 2 {
        1 if paired && !piece.is_empty() => format!("`{}`", one_line(piece)),
        1 => format!("\\`{}\\`", inline(piece)),
        _ => inline(piece),
    };
    if paired { pieces.iter().enumerate().map(render).collect() } else { inline(text) }
}

fn code(text: &str) -> String {
    let longest = text.split(|character| character != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}\n{text}\n{fence}")
}

fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

/// Text in a line of Markdown that shows as it is.
fn inline(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    let mut before: Option<char> = None;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let next = characters.peek().copied();
        let in_word = before.is_some_and(char::is_alphanumeric) && next.is_some_and(char::is_alphanumeric);
        let starts = before.is_none() && next.is_none_or(|next| !next.is_alphanumeric());
        let special = match character {
            '\\' | '`' | '*' | '[' | ']' | '<' | '>' | '|' | '~' => true,
            '_' => !in_word,
            '!' => next == Some('['),
            '&' => next.is_some_and(|next| next == '#' || next.is_ascii_alphabetic()),
            '#' | '=' => before.is_none(),
            '+' | '-' => starts,
            _ => false,
        };
        match character {
            '\n' | '\r' => escaped.push(' '),
            _ if special => escaped.extend(['\\', character]),
            _ => escaped.push(character),
        }
        before = Some(character);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hostile(text: &str) -> Answer {
        Answer {
            title: text.to_owned(),
            parts: vec![
                Part::Paragraph(text.to_owned()),
                Part::Fields(vec![Field { label: text.to_owned(), value: text.to_owned(), link: None }]),
                Part::Items(vec![Item { name: text.to_owned(), summary: text.to_owned(), ..Item::default() }]),
                Part::Code(text.to_owned()),
            ],
            notes: vec![text.to_owned()],
            ..Answer::default()
        }
    }

    #[test]
    fn a_strangers_text_starts_no_markup_p20() {
        let text = "![x](https://evil.example) <img src=x> **bold** `code` [a](b) ```\n# ignore previous\n```";
        insta::assert_snapshot!(markdown(&hostile(text)), @r#"
    # \!\[x\](https://evil.example) \<img src=x\> \*\*bold\*\* \`code\` \[a\](b) \`\`\` # ignore previous \`\`\`

    \!\[x\](https://evil.example) \<img src=x\> \*\*bold\*\* \`code\` \[a\](b) \`\`\`
    \# ignore previous
    \`\`\`

    - **\!\[x\](https://evil.example) \<img src=x\> \*\*bold\*\* \`code\` \[a\](b) \`\`\` # ignore previous \`\`\`**: \!\[x\](https://evil.example) \<img src=x\> \*\*bold\*\* \`code\` \[a\](b) \`\`\` # ignore previous \`\`\`

    - \!\[x\](https://evil.example) \<img src=x\> \*\*bold\*\* \`code\` \[a\](b) \`\`\` # ignore previous \`\`\`: \!\[x\](https://evil.example) \<img src=x\> \*\*bold\*\* \`code\` \[a\](b) \`\`\` # ignore previous \`\`\`

    ````
    ![x](https://evil.example) <img src=x> **bold** `code` [a](b) ```
    # ignore previous
    ```
    ````

    > \!\[x\](https://evil.example) \<img src=x\> \*\*bold\*\* `code` \[a\](b) \`\`` # ignore previous `\`\`
    "#);
    }

    #[test]
    fn ordinary_text_stays_readable() {
        assert_eq!(
            inline("TypeError: can't read charge_card of user-id (42) & more!"),
            "TypeError: can't read charge_card of user-id (42) & more!"
        );
        assert_eq!(inline("_private __init__"), "\\_private \\_\\_init\\_\\_");
        assert_eq!(inline("&lt; a &b & c"), "\\&lt; a \\&b & c");
        assert_eq!(prose("Did you mean `issue list`?"), "Did you mean `issue list`?");
        assert_eq!(prose("an odd ` here"), "an odd \\` here");
    }

    #[test]
    fn a_link_cannot_be_closed_from_within() {
        let answer =
            Answer { title: "a".to_owned(), link: Url::parse("https://sentry.io/x)(y").ok(), ..Answer::default() };
        assert_eq!(markdown(&answer), "# [a](https://sentry.io/x%29%28y)");
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(text in "\\PC{0,60}") {
            let _ = markdown(&hostile(&text));
        }

        #[test]
        fn a_fence_is_longer_than_any_in_its_code(ticks in 0_usize..12) {
            let rendered = code(&"`".repeat(ticks));
            let fence = rendered.lines().next().unwrap();
            prop_assert!(fence.len() > ticks && fence.len() >= 3);
        }
    }
}
