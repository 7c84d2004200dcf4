//! Guessing what somebody meant who made a typing mistake. A guess is offered as a line and a button, and never run by
//! itself.

use super::answer::{Answer, Part};
use super::catalogue;
use super::grammar::{self, Words};
use super::nearest::nearest;
use super::offer::Offer;
use super::plan::{CONTROLS, Control, Plan, begins, command, control, lower, named};
use super::sentence::{Sentence, is_filler, same};

/// A command or a word of the connection that the words nearly begin with.
pub fn typing_mistake(words: &Words) -> Option<Answer> {
    let texts = words.texts();
    let lower = lower(words);
    let control = || CONTROLS.iter().flat_map(|control| control.names).any(|name| begins(&lower, name).is_some());
    if named(&lower).is_some() || control() {
        return None;
    }
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

/// What people say who want `whoami`.
const WHOAMI: [&str; 6] = ["account", "whoami", "permission", "scope", "who", "user"];

/// The word of the connection, or the command without parameters, that a sentence is about.
pub fn about_the_connection(words: &Words) -> Option<Answer> {
    let sentence = Sentence::new(words.texts());
    let scored = |keywords: &[&str]| {
        sentence
            .content()
            .filter(|word| !is_filler(word))
            .filter(|word| keywords.iter().any(|keyword| same(word, keyword)))
            .count()
    };
    let controls = CONTROLS.iter().filter_map(|control| Some((scored(control.keywords), control.name()?)));
    let whoami = std::iter::once((scored(&WHOAMI), "whoami"));
    let (_, name) = controls.chain(whoami).filter(|(score, _)| *score > 0).max_by_key(|(score, _)| *score)?;
    Some(did_you_mean(name, "I am not sure what you mean"))
}

/// Offers `line`, with a button when it can be run.
fn did_you_mean(line: &str, title: &str) -> Answer {
    Answer {
        title: title.to_owned(),
        parts: vec![Part::Paragraph(format!("Did you mean `{}`?", line.replace('`', "'")))],
        actions: Offer::new(line).and_then(Offer::action).into_iter().collect(),
        notes: vec!["`help` shows everything I can do.".to_owned()],
        ..Answer::default()
    }
}
