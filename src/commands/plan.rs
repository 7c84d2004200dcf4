//! What a person's words mean: a command, one of the words about the connection, or something to say back.
//!
//! The order: a word of the connection (`connect`, `status`, `use`, …); a command by its name or an alias; an issue by its
//! id or link alone. Anything else is a guess, and a guess is offered, never run: first as a typing mistake, then as a
//! sentence whose words are held against what each command is about.

use url::Url;

use super::answer::{Action, Answer, Does, Invocation, Item, Part};
use super::explain::subject;
use super::grammar::Words;
use super::nearest::nearest;
use super::sentence::{Sentence, looks_like_issue, same};
use super::{Entry, Target, UsageError, catalogue, find, say};
use crate::sentry::host::SentryHost;
use crate::sentry::urls::{self, Page, Reference, is_slug};

/// What to do about a person's words.
#[expect(clippy::large_enum_variant, reason = "one at a time, matched at once, never kept")]
#[derive(Clone, Debug, PartialEq)]
pub enum Plan {
    /// Run a command.
    Run {
        /// Which, and with what.
        invocation: Invocation,
        /// Whether everybody in the channel shall see the answer (`--share`).
        share: bool,
    },
    /// Connect a Sentry account.
    Connect,
    /// Disconnect the account.
    Disconnect,
    /// Say where the credential comes from.
    Status,
    /// Remember a target; `None` shows it; an empty target forgets it.
    Use(Option<Target>),
    /// Say this.
    Say(Answer),
}

/// A word about the connection, next to the commands.
struct Control {
    names: &'static [&'static str],
    usage: &'static str,
    summary: &'static str,
    keywords: &'static [&'static str],
}

const CONTROLS: [Control; 5] = [
    Control {
        names: &["connect", "login", "log in", "sign in", "auth", "auth login", "reconnect"],
        usage: "connect",
        summary: "Connect your Sentry account",
        keywords: &["connect", "login", "link", "authorize"],
    },
    Control {
        names: &["disconnect", "logout", "log out", "sign out", "auth logout"],
        usage: "disconnect",
        summary: "Disconnect your Sentry account and forget its access",
        keywords: &["disconnect", "logout", "unlink", "forget"],
    },
    Control {
        names: &["status", "auth status"],
        usage: "status",
        summary: "Show whether and how you are connected",
        keywords: &["status", "connected", "connection"],
    },
    Control {
        names: &["use"],
        usage: "use [org[/project] | --clear]",
        summary: "Remember an organization or project, so that commands can leave it out",
        keywords: &["remember", "default"],
    },
    Control {
        names: &["help", "commands", "?"],
        usage: "help [command]",
        summary: "Show what I can do",
        keywords: &["help", "usage"],
    },
];

/// Decides what `text` means. `host` is this deployment's Sentry, for links that people paste.
pub fn plan(text: &str, host: Option<&SentryHost>) -> Plan {
    let mut words = match Words::parse(text) {
        Ok(words) => words,
        Err(error) => return Plan::Say(usage(&error, None)),
    };
    let share = words.switch("share", None);
    if words.texts().first().is_some_and(|first| matches!(first.to_lowercase().as_str(), "sentry" | "/sentry")) {
        words.skip(1);
    }
    if words.is_empty() {
        return Plan::Say(introduction());
    }
    let help = words.switch("help", Some('h'));
    if help {
        return Plan::Say(help_on(&words.texts()));
    }
    control(&words)
        .or_else(|| command(&words, share))
        .or_else(|| issue(&words, share, host))
        .unwrap_or_else(|| Plan::Say(guess(&words)))
}

/// What to show while `invocation` runs.
pub fn progress(invocation: &Invocation, target: &Target) -> String {
    let pattern = find(&invocation.command).map_or("Asking Sentry about {}…", |entry| entry.spec.progress);
    pattern.replace("{}", &subject(invocation, target))
}

fn lower(words: &Words) -> Vec<String> {
    words.texts().iter().map(|word| word.to_lowercase()).collect()
}

/// Whether `words` begin with `name`, and with how many words.
fn begins(words: &[String], name: &str) -> Option<usize> {
    let name: Vec<&str> = name.split(' ').collect();
    let fits = words.len() >= name.len() && name.iter().zip(words).all(|(name, word)| name == word);
    fits.then_some(name.len())
}

fn control(words: &Words) -> Option<Plan> {
    let lower = lower(words);
    let (control, length) = CONTROLS
        .iter()
        .flat_map(|control| control.names.iter().map(move |name| (control, name)))
        .filter_map(|(control, name)| begins(&lower, name).map(|length| (control, length)))
        .max_by_key(|(_, length)| *length)?;
    let mut rest = words.clone();
    rest.skip(length);
    let verb = control.usage.split(' ').next().unwrap_or_default();
    match verb {
        "help" => Some(Plan::Say(help_on(&rest.texts()))),
        "use" => remember(rest),
        _ if !rest.is_empty() => None, // "status of checkout" is a sentence
        "connect" => Some(Plan::Connect),
        "disconnect" => Some(Plan::Disconnect),
        _ => Some(Plan::Status),
    }
}

fn remember(mut words: Words) -> Option<Plan> {
    if words.switch("clear", None) || words.switch("none", None) {
        return Some(Plan::Use(Some(Target::default())));
    }
    let Some(word) = words.next_word() else {
        return Some(match words.finish() {
            Ok(()) => Plan::Use(None),
            Err(error) => Plan::Say(usage(&error, None)),
        });
    };
    let (organization, project) = match word.split_once('/') {
        Some((organization, project)) => {
            (organization, Some(project.trim_end_matches('/')).filter(|it| !it.is_empty()))
        }
        None => (word.as_str(), None),
    };
    if !words.is_empty() {
        return None; // "use the force" is a sentence
    }
    if !is_slug(organization) || project.is_some_and(|project| !is_slug(project)) {
        let problem = format!("`{}` is no organization or project I could remember.", say::line(&word, 60));
        return Some(Plan::Say(usage(&UsageError::with(problem, "use globex/checkout-api"), None)));
    }
    Some(Plan::Use(Some(Target { organization: Some(organization.to_owned()), project: project.map(str::to_owned) })))
}

/// The command whose name or alias the words begin with, and the length of that.
fn named(lower: &[String]) -> Option<(&'static Entry, usize)> {
    let names = catalogue().iter().flat_map(|entry| {
        let tool = std::iter::once(&entry.spec.tool).filter(|tool| tool.contains('_'));
        std::iter::once(&entry.spec.name).chain(entry.spec.aliases).chain(tool).map(move |name| (entry, *name))
    });
    names
        .filter_map(|(entry, name)| begins(lower, name).map(|length| (entry, length)))
        .max_by_key(|(_, length)| *length)
}

fn command(words: &Words, share: bool) -> Option<Plan> {
    let lower = lower(words);
    let Some((entry, length)) = named(&lower) else { return group(words, &lower) };
    let mut rest = words.clone();
    rest.skip(length);
    let sentence = rest.texts().len() >= 2 && length == 1 && !rest.texts().iter().any(|word| word.starts_with('-'));
    match entry.invocation(&mut rest) {
        Ok(invocation) => Some(Plan::Run { invocation, share }),
        Err(_) if sentence => None, // "issues in globex from today"
        Err(error) => Some(Plan::Say(usage(&error, Some(entry)))),
    }
}

/// A group's name alone: its commands; `issue <reference>` is the issue.
fn group(words: &Words, lower: &[String]) -> Option<Plan> {
    let first = lower.first()?;
    let in_group = |entry: &&Entry| entry.spec.name.split(' ').next() == Some(first) && entry.spec.name.contains(' ');
    catalogue().iter().find(in_group)?;
    (words.texts().len() == 1).then(|| Plan::Say(help_on(&[first])))
}

fn issue(words: &Words, share: bool, host: Option<&SentryHost>) -> Option<Plan> {
    let texts = words.texts();
    let of_group = texts.first().is_some_and(|first| matches!(first.to_lowercase().as_str(), "issue" | "issues"));
    let named = match texts.as_slice() {
        [only] => *only,
        [_, second, ..] if of_group => *second,
        _ => "",
    };
    if let Some(url) = texts.iter().find_map(|word| web_address(word)) {
        return Some(link(&url, share, host));
    }
    let sure = looks_like_issue(named) || (!named.is_empty() && is_number(named));
    let meant = sure
        || (of_group
            && Reference::parse_with_organization(named).is_some()
            && named.chars().any(|it| it.is_ascii_digit()));
    if !meant {
        return None;
    }
    let entry = find("issue view")?;
    let mut rest = words.clone();
    rest.skip(usize::from(of_group));
    match entry.invocation(&mut rest) {
        Ok(invocation) => Some(Plan::Run { invocation, share }),
        Err(error) => Some(Plan::Say(usage(&error, Some(entry)))),
    }
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|digit| digit.is_ascii_digit())
}

fn web_address(word: &str) -> Option<Url> {
    let word = word.trim_end_matches([',', '.', ';', '!', ')']).trim_start_matches('(');
    if !word.starts_with("https://") && !word.starts_with("http://") {
        return None;
    }
    Url::parse(word).ok()
}

fn link(url: &Url, share: bool, host: Option<&SentryHost>) -> Plan {
    let Some(host) = host else {
        return Plan::Say(say_back(
            "I don't know which Sentry to ask yet",
            "Whoever runs me has to set `SENTRY_HOST` first.",
        ));
    };
    match urls::recognise(host, url) {
        Some(Page::Issue { .. }) => {
            let parameters = serde_json::json!({ "issueUrl": url.as_str() });
            Plan::Run { invocation: Invocation { command: "issue view".to_owned(), parameters }, share }
        }
        Some(Page::Other) => {
            Plan::Say(say_back("That Sentry page is not an issue", "I can open links to issues and to their events."))
        }
        None => Plan::Say(say_back(
            "That link leads somewhere else",
            &format!("I read {}, and open links to its issues only.", host.name()),
        )),
    }
}

fn say_back(title: &str, text: &str) -> Answer {
    Answer { title: title.to_owned(), parts: vec![Part::Paragraph(text.to_owned())], ..Answer::default() }
}

/// What the words may have been meant for; nothing is run.
fn guess(words: &Words) -> Answer {
    let texts = words.texts();
    typing_mistake(&texts).or_else(|| nearest_command(&texts)).unwrap_or_else(|| Answer {
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
    let commands = catalogue().iter().flat_map(|entry| std::iter::once(&entry.spec.name).chain(entry.spec.aliases));
    let known: Vec<&str> = commands.chain(CONTROLS.iter().flat_map(|control| control.names)).copied().collect();
    // Two words first: "issu lst globex" is `issue list globex`.
    let (meant, length) = [2, 1].into_iter().filter(|length| texts.len() >= *length).find_map(|length| {
        let typed = texts.iter().take(length).copied().collect::<Vec<_>>().join(" ");
        let same_length = known.iter().copied().filter(|name| name.split(' ').count() == length);
        nearest(&typed, same_length).map(|meant| (meant, length))
    })?;
    if length == 1 && texts.len() > 3 {
        return None; // a sentence that begins with a similar word
    }
    let rest = texts.iter().skip(length).map(|word| super::grammar::quote_unless_flag(word));
    let line = std::iter::once(meant.to_owned()).chain(rest).collect::<Vec<_>>().join(" ");
    Some(did_you_mean(&line, "I don't know that one"))
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
        let name = control.usage.split(' ').next().unwrap_or_default();
        return (control_score > 0).then(|| did_you_mean(name, "I am not sure what you mean"));
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

fn usage(error: &UsageError, entry: Option<&Entry>) -> Answer {
    let mut answer = Answer { title: error.problem.clone(), ..Answer::default() };
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

fn examples() -> Vec<Item> {
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

fn introduction() -> Answer {
    let run = |label: &str, command: &str| Action {
        label: label.to_owned(),
        does: Does::Run(Invocation { command: command.to_owned(), parameters: serde_json::json!({}) }),
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
        actions: vec![run("Unresolved issues", "issue list"), run("My organizations", "org list")],
        notes: vec!["`help` shows everything; with `--share` at the end, the whole channel sees the answer.".to_owned()],
        ..Answer::default()
    }
}

/// Help on everything, on a group (`issue`), or on a command (`issue list`).
fn help_on(words: &[&str]) -> Answer {
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
