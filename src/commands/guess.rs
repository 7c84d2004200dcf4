//! Guessing what somebody meant. A guess is offered as a line and a button, and never run by itself.

use super::answer::{Action, Answer, Does, Part};
use super::grammar::{self, Words};
use super::help::examples;
use super::nearest::nearest;
use super::plan::{CONTROLS, Control, Plan, begins, command, control, lower, named};
use super::sentence::{Sentence, same};
use super::{catalogue, find, say};

/// What the words may have been meant for; nothing is run.
pub fn guess(words: &Words) -> Answer {
    let texts = words.texts();
    let lower = lower(words);
    let control = || CONTROLS.iter().flat_map(|control| control.names).any(|name| begins(&lower, name).is_some());
    let begins_well = named(&lower).is_some() || control();
    let mistake = if begins_well { None } else { typing_mistake(&texts) };
    mistake.or_else(|| nearest_command(&texts)).unwrap_or_else(|| Answer {
        title: "I did not understand that".to_owned(),
        parts: vec![
            Part::Paragraph("I read commands, issue ids and Sentry links. For example:".to_owned()),
            Part::Items(examples()),
        ],
        notes: vec!["`help` shows everything I can do.".to_owned()],
        ..Answer::default()
    })
}

fn typing_mistake(texts: &[&str]) -> Option<Answer> {
    let names = catalogue().iter().map(|entry| entry.spec.name).chain(CONTROLS.iter().filter_map(Control::name));
    let aliases = catalogue().iter().flat_map(|entry| entry.spec.aliases);
    let aliases = aliases.chain(CONTROLS.iter().flat_map(|control| control.names)).copied();
    // The names first, for an alias of the same command may be as near; and two words before one: "issu lst globex".
    let known = [names.collect::<Vec<_>>(), aliases.collect()];
    let (meant, length) = [2, 1].into_iter().filter(|length| texts.len() >= *length).find_map(|length| {
        let typed = texts.iter().take(length).copied().collect::<Vec<_>>().join(" ");
        let same_length = |names: &[&'static str]| {
            let fitting: Vec<&'static str> =
                names.iter().copied().filter(|name| name.split(' ').count() == length).collect();
            nearest(&typed, fitting)
        };
        known.iter().find_map(|names| same_length(names)).map(|meant| (meant, length))
    })?;
    if length == 1 && texts.len() > 3 {
        return None; // a sentence that begins with a similar word
    }
    let rest = texts.iter().skip(length).map(|word| grammar::quote_unless_flag(word));
    let line = std::iter::once(meant.to_owned()).chain(rest).collect::<Vec<_>>().join(" ");
    makes_sense(&line).then(|| did_you_mean(&line, "I don't know that one"))
}

/// Whether `line` would be understood: "orgs view globex" for "org view globex" helps nobody.
fn makes_sense(line: &str) -> bool {
    let understood =
        |words: &Words| control(words).is_some() || matches!(command(words, false), Some(Plan::Run { .. }));
    Words::parse(line).is_ok_and(|words| understood(&words))
}

/// The command whose words are nearest to the sentence's.
fn nearest_command(texts: &[&str]) -> Option<Answer> {
    let sentence = Sentence::new(texts.iter().copied());
    let issue = sentence.issue().and(find("issue view"));
    let scored = |keywords: &[&str], name: &str| -> usize {
        sentence
            .content()
            .map(|word| {
                let in_name = name.split(' ').any(|part| same(word, part));
                let known = keywords.iter().any(|keyword| same(word, keyword));
                2 * usize::from(in_name) + 3 * usize::from(known)
            })
            .sum()
    };
    let commands = catalogue().iter().map(|entry| (scored(entry.spec.keywords, entry.spec.name), entry));
    let (score, entry) =
        commands.fold((0, None), |best, (score, entry)| if score > best.0 { (score, Some(entry)) } else { best });
    let controls =
        CONTROLS.iter().map(|control| (scored(control.keywords, ""), control)).max_by_key(|(score, _)| *score);
    if let Some((control_score, control)) = controls.filter(|(control_score, _)| *control_score > score)
        && issue.is_none()
    {
        return (control_score > 0)
            .then(|| did_you_mean(control.name().unwrap_or_default(), "I am not sure what you mean"));
    }
    let entry = issue.or(entry)?;
    Some(did_you_mean(&(entry.line_for)(&sentence), "I read commands rather than sentences"))
}

/// Offers `line`, with a button when it can be run.
fn did_you_mean(line: &str, title: &str) -> Answer {
    let mut actions = Vec::new();
    if let Ok(words) = Words::parse(line) {
        match (control(&words), command(&words, false)) {
            (Some(Plan::Connect), _) => {
                actions.push(Action { label: "Connect Sentry".to_owned(), does: Does::Connect })
            }
            (Some(Plan::Disconnect), _) => {
                actions.push(Action { label: "Disconnect".to_owned(), does: Does::Disconnect })
            }
            (None, Some(Plan::Run { invocation, .. })) => {
                actions.push(Action { label: say::cut(&format!("Run {line}"), 75), does: Does::Run(invocation) });
            }
            _ => {}
        }
    }
    Answer {
        title: title.to_owned(),
        parts: vec![Part::Paragraph(format!("Did you mean `{}`?", line.replace('`', "'")))],
        actions,
        notes: vec!["`help` shows everything I can do.".to_owned()],
        ..Answer::default()
    }
}
