//! Help: on everything, on one command, on a line that did not make sense, and for those who are new.

use super::answer::{Action, Answer, Does, Item, Part};
use super::offer::{self, Offer};
use super::plan::{CONTROLS, named};
use super::{Entry, UsageError, catalogue};

/// Says what is wrong with a line, and shows what works.
pub fn usage(error: &UsageError, entry: Option<&Entry>) -> Answer {
    // A title knows no code: what is quoted stands in quotation marks.
    let quoted = |(index, piece): (usize, &str)| match index {
        0 => piece.to_owned(),
        odd if odd % 2 == 1 => format!("“{piece}"),
        _ => format!("”{piece}"),
    };
    let title = error.problem.split('`').enumerate().map(quoted).collect();
    let mut answer = Answer { title, ..Answer::default() };
    let lines: Vec<&str> = match (&error.suggestion, entry) {
        (Some(suggestion), _) => vec![suggestion],
        (None, Some(entry)) => std::iter::once(entry.spec.usage).chain(entry.spec.examples.iter().copied()).collect(),
        (None, None) => vec![],
    };
    if !lines.is_empty() {
        answer.parts = vec![Part::Paragraph("This would work:".to_owned()), Part::Code(lines.join("\n"))];
        if entry.is_some() && error.suggestion.is_none() {
            answer.parts = vec![Part::Paragraph("It goes like this:".to_owned()), Part::Code(lines.join("\n"))];
        }
    }
    answer
}

/// Lines that work, for those who see this for the first time.
pub fn examples() -> Vec<Item> {
    let examples = [
        ("issue list", "what is unresolved"),
        ("issue view CHECKOUT-API-4F", "one issue with its stack trace; its id or its link alone works too"),
        ("issue list globex/checkout-api -q \"level:error\" -t 24h", "a search in one project"),
        ("use globex/checkout-api", "remember where to look"),
    ];
    let item =
        |(line, summary): (&str, &str)| Item { name: line.to_owned(), summary: summary.to_owned(), ..Item::default() };
    examples.into_iter().map(item).collect()
}

/// What to begin with.
pub fn beginnings() -> Vec<Offer> {
    ["issue list", "org list"].into_iter().filter_map(Offer::new).collect()
}

/// What somebody sees who says nothing.
pub fn introduction() -> Answer {
    // It stays to be looked at, so what a button runs is shown beside it.
    let beside = |action: Action| match action.does {
        Does::Instead(invocation) => Action { does: Does::Run(invocation), ..action },
        _ => action,
    };
    Answer {
        title: "Hi, I look into Sentry for you".to_owned(),
        parts: vec![
            Part::Paragraph(
                "I answer with what your own Sentry account may see. The first time, I send you a private link to connect \
                 it. Try:"
                    .to_owned(),
            ),
            Part::Items(examples()),
        ],
        actions: offer::actions(beginnings()).into_iter().map(beside).collect(),
        notes: vec!["`help` shows everything; with `--share` at the end, the whole channel sees the answer.".to_owned()],
        ..Answer::default()
    }
}

/// Help on everything, on a group (`issue`), or on a command (`issue list`).
pub fn help_on(words: &[&str]) -> Answer {
    let lower: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
    if let Some((entry, _)) = named(&lower) {
        return help_on_command(entry);
    }
    let first = lower.first().map(String::as_str);
    if let Some(control) = CONTROLS.iter().find(|control| first.is_some_and(|first| control.names.contains(&first))) {
        return Answer {
            title: control.usage.to_owned(),
            parts: vec![Part::Paragraph(format!("{}.", control.summary))],
            ..Answer::default()
        };
    }
    let of_group = |entry: &&Entry| first.is_none_or(|first| entry.spec.name.split(' ').next() == Some(first));
    let mut items: Vec<Item> = catalogue().iter().filter(of_group).map(help_item).collect();
    let (title, all) = match (first, items.is_empty()) {
        (Some(group), false) => (format!("What I can do with `{group}`").replace('`', ""), false),
        (Some(_), true) => {
            items = catalogue().iter().map(help_item).collect();
            ("I have no help on that; this is what I can do".to_owned(), true)
        }
        (None, _) => ("What I can do".to_owned(), true),
    };
    let mut notes = vec!["`help issue list` shows one command with examples.".to_owned()];
    if all {
        items.extend(CONTROLS.iter().map(|control| Item {
            name: control.usage.to_owned(),
            summary: control.summary.to_owned(),
            ..Item::default()
        }));
        notes.push("An issue's id or a link to it works without any command.".to_owned());
        notes.push("With `--share`, the whole channel sees the answer.".to_owned());
    }
    Answer { title, parts: vec![Part::Items(items)], notes, ..Answer::default() }
}

fn help_item(entry: &Entry) -> Item {
    Item { name: entry.spec.usage.to_owned(), summary: entry.spec.summary.to_owned(), ..Item::default() }
}

fn help_on_command(entry: &Entry) -> Answer {
    let spec = &entry.spec;
    let mut notes = Vec::new();
    if !spec.aliases.is_empty() {
        notes.push(format!(
            "Also: {}.",
            spec.aliases.iter().map(|alias| format!("`{alias}`")).collect::<Vec<_>>().join(", ")
        ));
    }
    Answer {
        title: spec.name.to_owned(),
        parts: vec![
            Part::Paragraph(format!("{}.", spec.summary)),
            Part::Code(spec.usage.to_owned()),
            Part::Paragraph("For example:".to_owned()),
            Part::Code(spec.examples.join("\n")),
        ],
        notes,
        ..Answer::default()
    }
}
