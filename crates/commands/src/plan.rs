//! What a person's words mean: a command, one of the words about the connection, or something to say back.
//!
//! The order: a word of the connection (`connect`, `status`, `use`, …); a command by its name or an alias; an issue by its
//! id or link alone; a sentence, which is run when it only reads and every word of it is understood ([`super::reading`]).
//! Anything else is a guess, and a guess is offered, never run.

use super::answer::{Answer, Audience, Invocation, Part};
use super::explain::subject;
use super::grammar::Words;
use super::guess::{about_the_connection, typing_mistake};
use super::help::{help_on, introduction, usage};
use super::reading::{self, Meaning, Reading};
use super::sentence::{Sentence, looks_like_issue};
use super::{Entry, Target, UsageError, catalogue, find, say, target};
use vedette_sentry::host::SentryHost;
use vedette_sentry::slug;
use vedette_sentry::urls::{self, IssueName, Page};

/// What to do about a person's words.
#[derive(Clone, Debug, PartialEq)]
pub enum Plan {
    /// Run a command.
    Run {
        /// Which, and with what.
        invocation: Invocation,
        /// Whether everybody in the channel shall see the answer (`--share`).
        share: bool,
        /// How it was read, when it was a sentence.
        reading: Option<Reading>,
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

impl Plan {
    /// Who may see what comes of it, as far as is known beforehand (P22): an answer may narrow it.
    pub fn audience(&self) -> Audience {
        match self {
            Plan::Run { invocation, .. } => find(&invocation.command).map_or(Audience::Channel, |it| it.spec.audience),
            Plan::Connect | Plan::Disconnect | Plan::Status | Plan::Use(_) => Audience::Person,
            Plan::Say(answer) => answer.audience,
        }
    }
}

/// A word about the connection, next to the commands.
pub(super) struct Control {
    /// What it is called, the usual name first.
    pub(super) names: &'static [&'static str],
    /// Its grammar.
    pub(super) usage: &'static str,
    /// One sentence, in the imperative.
    pub(super) summary: &'static str,
    /// What people say who want it.
    pub(super) keywords: &'static [&'static str],
}

impl Control {
    /// The usual name.
    pub(super) fn name(&self) -> Option<&'static str> {
        self.names.first().copied()
    }
}

pub(super) const CONTROLS: [Control; 5] = [
    Control {
        names: &["connect", "login", "log in", "sign in", "auth", "auth login", "reconnect"],
        usage: "connect",
        summary: "Connect your Sentry account",
        keywords: &["connect", "login", "link", "account", "authorize"],
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
    let mut words = match Words::of_message(text) {
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
    let plan = control(&words)
        .or_else(|| command(&words, share))
        .or_else(|| issue(&words, share, host))
        .unwrap_or_else(|| sentence(&words, share));
    with_own_address(plan, host)
}

/// A sentence that is surely understood; else what may be a typing mistake; else what a sentence says in part.
fn sentence(words: &Words, share: bool) -> Plan {
    let meaning = reading::read(words, share);
    if let Some(Meaning::Sure(plan)) = meaning {
        return plan;
    }
    Plan::Say(match (typing_mistake(words), meaning) {
        (Some(mistake), _) => mistake,
        (None, Some(Meaning::Unsure(answer))) => answer,
        _ => about_the_connection(words).unwrap_or_else(|| reading::not_understood(words)),
    })
}

/// What to show while `invocation` runs.
pub fn progress(invocation: &Invocation, target: &Target) -> String {
    let pattern = find(&invocation.command).map_or("Asking Sentry about {}…", |entry| entry.spec.progress);
    pattern.replace("{}", &subject(invocation, target))
}

pub(super) fn lower(words: &Words) -> Vec<String> {
    words.texts().iter().map(|word| word.to_lowercase()).collect()
}

/// Whether `words` begin with `name`, and with how many words.
pub(super) fn begins(words: &[String], name: &str) -> Option<usize> {
    let name: Vec<&str> = name.split(' ').collect();
    let fits = words.len() >= name.len() && name.iter().zip(words).all(|(name, word)| name == word);
    fits.then_some(name.len())
}

pub(super) fn control(words: &Words) -> Option<Plan> {
    let lower = lower(words);
    let (control, length) = CONTROLS
        .iter()
        .flat_map(|control| control.names.iter().map(move |name| (control, name)))
        .filter_map(|(control, name)| begins(&lower, name).map(|length| (control, length)))
        .max_by_key(|(_, length)| *length)?;
    let mut rest = words.clone();
    rest.skip(length);
    match control.name()? {
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
    let word = words.peek().unwrap_or_default().to_owned();
    let Some((organization, project)) = words.next_place() else {
        return Some(match words.finish() {
            Ok(()) => Plan::Use(None),
            Err(error) => Plan::Say(usage(&error, None)),
        });
    };
    if !words.is_empty() {
        return None; // "use the force" is a sentence
    }
    if !slug::is_organization(&organization) || project.as_deref().is_some_and(|project| !slug::is_project(project)) {
        let problem = format!("`{}` is no organization or project I could remember.", say::line(&word, 60));
        return Some(Plan::Say(usage(&UsageError::with(problem, "use globex/checkout-api"), None)));
    }
    Some(Plan::Use(Some(Target { organization: Some(organization), project })))
}

/// The command whose name or alias the words begin with, and the length of that.
pub(super) fn named(lower: &[String]) -> Option<(&'static Entry, usize)> {
    let names = catalogue().iter().flat_map(|entry| {
        let tool = std::iter::once(&entry.spec.tool).filter(|tool| tool.contains('_'));
        std::iter::once(&entry.spec.name).chain(entry.spec.aliases).chain(tool).map(move |name| (entry, *name))
    });
    names
        .filter_map(|(entry, name)| begins(lower, name).map(|length| (entry, length)))
        .max_by_key(|(_, length)| *length)
}

pub(super) fn command(words: &Words, share: bool) -> Option<Plan> {
    let lower = lower(words);
    let Some((entry, length)) = named(&lower) else { return group(words, &lower) };
    let mut rest = words.clone();
    rest.skip(length);
    if entry.spec.name == "issue list"
        && let Some(found) = rest.peek().and_then(issue_as_place)
    {
        return found;
    }
    let texts_of: Vec<String> = rest.texts().into_iter().map(str::to_owned).collect();
    let texts: Vec<&str> = texts_of.iter().map(String::as_str).collect();
    let flags = texts.iter().any(|word| word.starts_with('-'));
    let told = length == 1 || Sentence::new(texts.iter().copied()).is_prose();
    let sentence = texts.len() >= 2 && told && !flags;
    match entry.invocation(&mut rest) {
        // "issues today"
        Ok(_) if length == 1 && rest_is_told(entry, &texts) => None,
        Ok(invocation) => Some(Plan::Run { invocation, share, reading: None }),
        Err(_) if sentence => None, // "issues in globex from today"
        Err(error) => Some(Plan::Say(usage(&error, Some(entry)))),
    }
}

/// Whether a word where a place would stand is none.
fn rest_is_told(entry: &Entry, texts: &[&str]) -> bool {
    entry.spec.name == "issue list" && texts.first().is_some_and(|first| reading::is_no_place(first))
}

/// What `issue list X` means where X is an issue: it is offered, or for a link to it nothing is said here.
fn issue_as_place(word: &str) -> Option<Option<Plan>> {
    if urls::is_address(word) {
        return Some(None);
    }
    // A project's slug has no capitals.
    let named = IssueName::parse(word).filter(|_| word.chars().any(char::is_uppercase) && looks_like_issue(word))?;
    let parameters = serde_json::json!({ "organizationSlug": named.organization, "issueId": named.issue.to_string() });
    let answer = Answer {
        title: format!("{} is an issue, not a project", named.issue),
        parts: vec![Part::Paragraph(format!("`issue view {word}` shows it.", word = say::line(word, 120)))],
        actions: vec![target::instead("issue view", &parameters)],
        ..Answer::default()
    };
    Some(Some(Plan::Say(answer)))
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
        [first, flag, ..] if flag.starts_with('-') => *first,
        [_, second, ..] if of_group => *second,
        _ => "",
    };
    if let Some(url) = texts.iter().find(|word| is_link(word, host)) {
        let parameters = serde_json::json!({ "issueUrl": url });
        let invocation = Invocation { command: "issue view".to_owned(), parameters };
        return Some(Plan::Run { invocation, share, reading: None });
    }
    let sure = looks_like_issue(named) || (!named.is_empty() && is_number(named));
    let meant = sure || (of_group && IssueName::parse(named).is_some() && named.chars().any(|it| it.is_ascii_digit()));
    if !meant {
        return None;
    }
    let entry = find("issue view")?;
    let mut rest = words.clone();
    rest.skip(usize::from(of_group));
    match entry.invocation(&mut rest) {
        Ok(invocation) => Some(Plan::Run { invocation, share, reading: None }),
        Err(error) => Some(Plan::Say(usage(&error, Some(entry)))),
    }
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|digit| digit.is_ascii_digit())
}

/// Whether `word` is a link: with a scheme, or to this Sentry.
fn is_link(word: &str, host: Option<&SentryHost>) -> bool {
    let is_own = |host| urls::address(host, word).is_some_and(|url| urls::recognise(host, &url).is_some());
    word.contains("://") || (urls::is_address(word) && host.is_some_and(is_own))
}

/// Says at once that a link is none to an issue of this Sentry: nobody needs to connect for that.
fn with_own_address(plan: Plan, host: Option<&SentryHost>) -> Plan {
    let Plan::Run { mut invocation, share, reading } = plan else { return plan };
    let Some(text) = invocation.parameters.get("issueUrl").and_then(|url| url.as_str()) else {
        return Plan::Run { invocation, share, reading };
    };
    let Some(host) = host else {
        return Plan::Say(say_back(
            "I don't know which Sentry to ask yet",
            "Whoever runs me has to set `SENTRY_HOST` first.",
        ));
    };
    let url = urls::address(host, text);
    match url.as_ref().and_then(|url| urls::recognise(host, url)) {
        Some(Page::Issue { .. }) => {
            if let (Some(fields), Some(url)) = (invocation.parameters.as_object_mut(), url) {
                fields.insert("issueUrl".to_owned(), url.as_str().into());
            }
            Plan::Run { invocation, share, reading }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::help::examples;
    use crate::text::markdown;
    use proptest::prelude::*;

    fn planned(text: &str) -> Plan {
        plan(text, Some(&SentryHost::parse("sentry.io").unwrap()))
    }

    /// A plan in one line.
    fn short(text: &str) -> String {
        match planned(text) {
            Plan::Run { invocation, share, reading: None } => {
                format!("run {} {}{}", invocation.command, invocation.parameters, if share { " shared" } else { "" })
            }
            Plan::Run { invocation, reading: Some(reading), .. } => {
                let mut answer = Answer::default();
                reading.add_to(&mut answer);
                let line = answer.notes[0].split('`').nth(1).unwrap().to_owned();
                let words = Words::parse(&line).unwrap();
                let Some(Plan::Run { invocation: same, .. }) = command(&words, false) else { panic!("{line}") };
                assert_eq!(same, invocation, "what is said is what is run");
                let else_: Vec<String> = answer.actions.iter().map(|action| action.label.clone()).collect();
                format!("read as {line} [{}]", else_.join(", "))
            }
            Plan::Connect => "connect".to_owned(),
            Plan::Disconnect => "disconnect".to_owned(),
            Plan::Status => "status".to_owned(),
            Plan::Use(None) => "use?".to_owned(),
            Plan::Use(Some(target)) => format!("use {:?} {:?}", target.organization, target.project),
            Plan::Say(answer) => {
                let offers: Vec<String> = answer.actions.iter().map(|action| action.label.clone()).collect();
                format!("say {} [{}]", answer.title, offers.join(", "))
            }
        }
    }

    #[test]
    fn words_are_understood_as_people_type_them() {
        for (text, expected) in [
            ("issue list", "run issue list {}"),
            ("sentry issue list", "run issue list {}"),
            ("/sentry Issue List", "run issue list {}"),
            ("issues globex", r#"run issue list {"organizationSlug":"globex"}"#),
            (
                "issue ls globex/web -n 5",
                r#"run issue list {"limit":5,"organizationSlug":"globex","projectSlugOrId":"web"}"#,
            ),
            ("issues —query “is:unresolved” –share", r#"run issue list {"query":"is:unresolved"} shared"#),
            ("--share issue list", "run issue list {} shared"),
            ("search_issues globex", r#"run issue list {"organizationSlug":"globex"}"#),
            ("issue view WEB-1", r#"run issue view {"issueId":"WEB-1"}"#),
            ("issue web-1", r#"run issue view {"issueId":"WEB-1"}"#),
            ("issue 12", r#"run issue view {"issueId":"12"}"#),
            ("WEB-1", r#"run issue view {"issueId":"WEB-1"}"#),
            ("web-1 --share", r#"run issue view {"issueId":"WEB-1"} shared"#),
            ("globex/WEB-1", r#"run issue view {"issueId":"WEB-1","organizationSlug":"globex"}"#),
            ("4521", r#"run issue view {"issueId":"4521"}"#),
            ("@latest", r#"run issue view {"issueId":"@latest"}"#),
            (
                "<https://globex.sentry.io/issues/1/|x>",
                r#"run issue view {"issueUrl":"https://globex.sentry.io/issues/1/"}"#,
            ),
            (
                "can you look at https://globex.sentry.io/issues/1/?",
                r#"run issue view {"issueUrl":"https://globex.sentry.io/issues/1/"}"#,
            ),
            ("projects", "run project list {}"),
            ("project list globex -q web", r#"run project list {"organizationSlug":"globex","query":"web"}"#),
            ("orgs", "run org list {}"),
            ("org ls", "run org list {}"),
            ("whoami", "run whoami {}"),
            ("connect", "connect"),
            ("Login", "connect"),
            ("auth login", "connect"),
            ("disconnect", "disconnect"),
            ("log out", "disconnect"),
            ("status", "status"),
            ("auth status", "status"),
            ("use", "use?"),
            ("use globex", r#"use Some("globex") None"#),
            ("use globex/web", r#"use Some("globex") Some("web")"#),
            ("use globex/_internal", r#"use Some("globex") Some("_internal")"#),
            ("use globex/4507", r#"use Some("globex") Some("4507")"#),
            ("use --clear", "use None None"),
            (
                "issue list globex/_internal",
                r#"run issue list {"organizationSlug":"globex","projectSlugOrId":"_internal"}"#,
            ),
        ] {
            assert_eq!(short(text), expected, "{text}");
        }
    }

    #[test]
    fn formatting_lists_quotes_and_invisible_characters_change_nothing() {
        let list = r#"run issue list {"organizationSlug":"globex"}"#;
        let view = r#"run issue view {"issueId":"CHECKOUT-API-4F"}"#;
        let link = r#"run issue view {"issueUrl":"https://globex.sentry.io/issues/4521/"}"#;
        for (texts, expected) in [
            (
                &[
                    "`issue list globex`",
                    "```issue list globex```",
                    "```\nissue list globex\n```",
                    "*issue list globex*",
                    "_issue list globex_",
                    "~issue list globex~",
                    "*_~`issue list globex`~_*",
                    "**issue list globex**",
                    "issue list *globex*",
                    "issue *list* `globex`",
                    "issue list _globex_.",
                    "* issue list globex*",
                    "• issue list globex",
                    "- issue list globex",
                    "* issue list globex",
                    "1. issue list globex",
                    "12) `issue list globex`",
                    "&gt; issue list globex",
                    "> > - *issue list globex*",
                    "$ issue list globex",
                    "\"issue list globex\"",
                    "“issue list globex”",
                    "\"issue list globex",
                    "(issue list globex)",
                    "\u{200e}issue list globex",
                    "issue\u{a0}list glo\u{ad}bex\u{feff}",
                ][..],
                list,
            ),
            (
                &[
                    "`CHECKOUT-API-4F`",
                    "*CHECKOUT-API-4F*",
                    "issue view `CHECKOUT-API-4F`",
                    "\u{202a}CHECKOUT-API-4F\u{202c}",
                    "\u{2068}CHECKOUT-API-4F\u{2069}",
                    "CHECKOUT-API-4F\u{200c}",
                    "CHECKOUT-API-\u{200b}4F",
                    "issue view \u{202a}CHECKOUT-API-4F\u{202c}",
                    "issue view #CHECKOUT-API-4F",
                    "#CHECKOUT-API-4F",
                    "checkout-api#CHECKOUT-API-4F",
                    "“CHECKOUT-API-4F”",
                    "CHECKOUT-API-4F.",
                    "(CHECKOUT-API-4F)",
                    "issue view 'CHECKOUT-API-4F'?",
                ],
                view,
            ),
            (
                &[
                    "`<https://globex.sentry.io/issues/4521/>`",
                    "*<https://globex.sentry.io/issues/4521/>*",
                    "\u{200e}<https://globex.sentry.io/issues/4521/>",
                    "<http://globex.sentry.io/issues/4521/|globex.sentry.io/issues/4521/>",
                    "issue view <http://globex.sentry.io/issues/4521/|globex.sentry.io/issues/4521/>",
                    "<http://globex.sentry.io/issues/4521/>",
                    "globex.sentry.io/issues/4521/",
                    "issue list <https://globex.sentry.io/issues/4521/>",
                    "look at globex.sentry.io/issues/4521/, please",
                ],
                link,
            ),
            (
                &["globex/checkout-api/CHECKOUT-API-4F", "issue view globex/checkout-api#CHECKOUT-API-4F"],
                r#"run issue view {"issueId":"CHECKOUT-API-4F","organizationSlug":"globex"}"#,
            ),
            (
                &["issue view globex/checkout-api/991001"],
                r#"run issue view {"issueId":"991001","organizationSlug":"globex"}"#,
            ),
            (
                &["CHECKOUT-API-4F/oldest", "issue view CHECKOUT-API-4F/oldest", "CHECKOUT-API-4F -e oldest"],
                r#"run issue view {"eventId":"oldest","issueId":"CHECKOUT-API-4F"}"#,
            ),
        ] {
            for text in texts {
                assert_eq!(short(text), expected, "{text:?}");
            }
        }
    }

    #[test]
    fn what_belongs_to_a_search_stays_as_it_is() {
        for (text, expected) in [
            (r#"issue list -q "title:*time_out* `x` ~y~""#, "title:*time_out* `x` ~y~"),
            ("issue list -q “*a* _b_”", "*a* _b_"),
            ("*issue list -q \"level:error*\"*", "level:error*"),
            ("issue list title:*timeout* url:/api/*/charge/*", "title:*timeout* url:/api/*/charge/*"),
            ("issue list -q 'snake_case_name'", "snake_case_name"),
            ("issue list release:my_app@1.0", "release:my_app@1.0"),
            ("issue list -q \"می\u{200c}خواهم\u{200b}\"", "می\u{200c}خواهم"),
        ] {
            let Plan::Run { invocation, .. } = planned(text) else { panic!("{text}: {}", short(text)) };
            assert_eq!(invocation.parameters["query"], expected, "{text}");
        }
        assert_eq!(short("use globex/_internal"), r#"use Some("globex") Some("_internal")"#);
        assert_eq!(
            short("issue list globex/__init__"),
            r#"run issue list {"organizationSlug":"globex","projectSlugOrId":"__init__"}"#
        );
    }

    #[test]
    fn a_page_that_is_no_issue_is_told_and_nobody_is_asked_to_connect() {
        for text in [
            "https://globex.sentry.io/issues/errors-outages/?project=1",
            "issue view https://globex.sentry.io/issues/breached-metrics/",
            "http://globex.sentry.io/issues/errors-outages/",
            "issue view globex.sentry.io/dashboard/1/",
        ] {
            assert_eq!(short(text), "say That Sentry page is not an issue []", "{text}");
        }
        let own = SentryHost::parse("sentry.example.com").unwrap();
        let text = "https://sentry.example.com/organizations/globex/issues/errors-outages/";
        assert!(
            matches!(plan(text, Some(&own)), Plan::Say(answer) if answer.title == "That Sentry page is not an issue")
        );
        assert_eq!(short("issue view https://evil.example/issues/1/"), "say That link leads somewhere else []");
        assert_eq!(
            short("issue list CHECKOUT-API-4F"),
            "say CHECKOUT-API-4F is an issue, not a project [Show CHECKOUT-API-4F]"
        );
    }

    /// What people ask, and what becomes of it: run where all of it is understood and it only reads, else said back.
    #[test]
    fn a_plain_question_is_run_when_it_is_understood_and_no_word_of_it_is_dropped() {
        for (text, expected) in [
            (r#"what's broken in checkout?"#, r#"read as issue list checkout [Show issues with “checkout”]"#),
            (
                r#"show me the newest errors in globex from last hour"#,
                r#"read as issue list globex -q "is:unresolved level:[error,fatal]" -s new -t 1h [Show the newest unresolved issues in globex from the last hour]"#,
            ),
            (r#"who is assigned CHECKOUT-API-4F?"#, r#"read as issue view CHECKOUT-API-4F []"#),
            (
                r#"resolve CHECKOUT-API-4F"#,
                r#"say I can't resolve CHECKOUT-API-4F from here yet [Show CHECKOUT-API-4F]"#,
            ),
            (
                r#"why is checkout slow?"#,
                r#"say I can't tell how fast something is yet [Show unresolved issues in checkout]"#,
            ),
            (r#"show trace a1b2c3d4"#, r#"say I can't read traces yet [Show unresolved issues]"#),
            (
                r#"any new issues since the last release?"#,
                r#"say I can't read releases yet [Show issues new in the latest release, Show unresolved issues]"#,
            ),
            (r#"what can you do?"#, r#"say What I can do []"#),
            (r#"thanks!"#, r#"say You're welcome []"#),
            (
                r#"good morning"#,
                r#"say Hi, I look into Sentry for you [Show unresolved issues, List my organizations]"#,
            ),
            (r#"globex"#, r#"say What about globex? [Show unresolved issues in globex, Show issues with “globex”]"#),
            (
                r#"checkout-api"#,
                r#"say What about checkout-api? [Show unresolved issues in checkout-api, Show issues with “checkout-api”]"#,
            ),
            (r#"GatewayTimeout"#, r#"say What about GatewayTimeout? [Show issues with “GatewayTimeout”]"#),
            (
                r#"is globex down?"#,
                r#"say I can't tell whether something is up yet [Show unresolved issues in globex]"#,
            ),
            (r#"log me out"#, r#"say Shall I disconnect your Sentry account? [Disconnect]"#),
            (
                r#"what changed in release 2.14.1?"#,
                r#"say I can't read releases yet [Show issues of release 2.14.1, Show unresolved issues]"#,
            ),
            (r#"show logs for checkout-api"#, r#"say I can't read logs yet [Show unresolved issues in checkout-api]"#),
            (r#"which issues affect the most users?"#, r#"read as issue list -s user [Show unresolved issues]"#),
            (
                r#"search timeout in globex"#,
                r#"read as issue list globex -q "is:unresolved timeout" [Show unresolved issues in globex]"#,
            ),
            (
                r#"what did release 2.14.1 break in globex?"#,
                r#"say I can't read releases yet [Show issues of release 2.14.1 in globex, Show unresolved issues in globex]"#,
            ),
            (r#"status of checkout"#, r#"read as issue list checkout [Show issues with “checkout”]"#),
            (
                r#"assign CHECKOUT-API-4F to me"#,
                r#"say I can't assign CHECKOUT-API-4F from here yet [Show CHECKOUT-API-4F]"#,
            ),
            (
                r#"archive CHECKOUT-API-4F"#,
                r#"say I can't archive CHECKOUT-API-4F from here yet [Show CHECKOUT-API-4F]"#,
            ),
            (
                r#"show me fatal errors in globex"#,
                r#"read as issue list globex -q "is:unresolved level:fatal" [Show fatal issues with “globex”]"#,
            ),
            (
                r#"who else is affected?"#,
                r#"say I did not understand that [Show unresolved issues, List my organizations]"#,
            ),
            (r#"oldest event"#, r#"read as issue view -e oldest []"#),
            (
                r#"and the previous one?"#,
                r#"say I did not understand that [Show unresolved issues, List my organizations]"#,
            ),
            (
                r#"what broke in checkout today?"#,
                r#"read as issue list checkout -t 24h [Show issues with “checkout” from the last 24 hours]"#,
            ),
            (
                r#"issues in globex from this week"#,
                r#"read as issue list globex -t 7d [Show issues with “globex” from the last 7 days]"#,
            ),
            (
                r#"which projects are there in globex"#,
                r#"read as project list globex [Show unresolved issues in globex]"#,
            ),
            (r#"what are my organizations"#, r#"read as org list []"#),
            (r#"explain WEB-1 to me"#, r#"read as issue view WEB-1 []"#),
            (
                r#"any fatal errors in production assigned to me?"#,
                r#"read as issue list -q "is:unresolved assigned:me level:fatal environment:production" [Show unresolved issues]"#,
            ),
            (
                r#"the most frequent errors of the last 3 days"#,
                r#"read as issue list -q "is:unresolved level:[error,fatal]" -s freq -t 3d [Show the most frequent unresolved issues from the last 3 days]"#,
            ),
            (r#"please link my account to sentry"#, r#"say I am not sure what you mean [Connect Sentry]"#),
            (r#"org view globex"#, r#"say I don't know what to do with “globex” [List my organizations]"#),
            (
                r#"use the force, luke"#,
                r#"say I did not understand that [Show unresolved issues, List my organizations]"#,
            ),
            (r#"🦀"#, r#"say I did not understand that [Show unresolved issues, List my organizations]"#),
            (r#"issu lst"#, r#"say I don't know that one [Show unresolved issues]"#),
            (r#"issu lst globex -n 5"#, r#"say I don't know that one [Show 5 unresolved issues in globex]"#),
            (r#"isues"#, r#"say I don't know that one [Show unresolved issues]"#),
            (r#"conect"#, r#"say I don't know that one [Connect Sentry]"#),
            (r#"disconect"#, r#"say I don't know that one [Disconnect]"#),
            (r#"stauts"#, r#"say I don't know that one []"#),
            (r#"issue lits"#, r#"say I don't know that one [Show unresolved issues]"#),
            (r#"is anything on fire?"#, r#"read as issue list []"#),
            (r#"list issues in globex"#, r#"read as issue list globex [Show issues with “globex”]"#),
            (
                r#"hello there!"#,
                r#"say Hi, I look into Sentry for you [Show unresolved issues, List my organizations]"#,
            ),
            (r#"hi list issues"#, r#"read as issue list []"#),
            (r#"issues today"#, r#"read as issue list -t 24h [Show unresolved issues]"#),
            (
                r#"top 5 issues in globex"#,
                r#"read as issue list globex -s freq -n 5 [Show the 5 most frequent issues with “globex”]"#,
            ),
            (
                r#"errors in globex but not in production"#,
                r#"say I don't know what to do with “but” and “not” [Show production errors in globex, Show production issues in globex]"#,
            ),
            (r#"am i connected?"#, r#"status"#),
            (r#"is CHECKOUT-API-4F resolved?"#, r#"read as issue view CHECKOUT-API-4F []"#),
            (
                r#"who else saw CHECKOUT-API-4F yesterday"#,
                r#"say I don't know what to do with “else”, “saw” and “yesterday” [Show CHECKOUT-API-4F]"#,
            ),
            (
                r#"mark CHECKOUT-API-4F as resolved"#,
                r#"say I can't mark CHECKOUT-API-4F from here yet [Show CHECKOUT-API-4F]"#,
            ),
            (
                r#"show me checkout-api errors"#,
                r#"say I don't know what to do with “checkout-api” [Show errors, Show unresolved issues]"#,
            ),
            (
                r#"which errors in globex affect the most people?"#,
                r#"read as issue list globex -q "is:unresolved level:[error,fatal]" -s user [Show unresolved issues that affect most people in globex]"#,
            ),
            (r#"my issues"#, r#"read as issue list -q "is:unresolved assigned:me" [Show unresolved issues]"#),
            (r#"stack trace"#, r#"read as issue view []"#),
            (
                r#"issues in globex and initech"#,
                r#"say I don't know what to do with “initech” [Show unresolved issues in globex, Show issues with “globex”]"#,
            ),
        ] {
            assert_eq!(short(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_is_answered_and_nothing_is_run() {
        for (text, expected) in [
            ("issue list --qurey x", "say I don't know “--qurey” here. Did you mean “--query”? []"),
            ("issue list -q", "say “-q” needs a value after it. []"),
            (
                "issue list -q \"x",
                "say There is an opening \" without a closing one. Add it at the end of the value. []",
            ),
            ("issue list -t forever", "say “forever” is no period I know. Use a number with m, h, d or w. []"),
            ("use globex/a.b", "say “globex/a.b” is no organization or project I could remember. []"),
            ("use a/b/c", "say “a/b/c” is no organization or project I could remember. []"),
            ("https://evil.example/issues/1/", "say That link leads somewhere else []"),
            ("https://globex.sentry.io/dashboard/1/", "say That Sentry page is not an issue []"),
            ("help", "say What I can do []"),
            ("help issue list", "say issue list []"),
            ("issue list --help", "say issue list []"),
            ("help issue", "say What I can do with issue []"),
            ("issue", "say What I can do with issue []"),
            ("help connect", "say connect []"),
            ("issue list globex web", "say I don't know what to do with “web”. []"),
            ("help frobnicate", "say I have no help on that; this is what I can do []"),
            ("", "say Hi, I look into Sentry for you [Show unresolved issues, List my organizations]"),
            ("sentry", "say Hi, I look into Sentry for you [Show unresolved issues, List my organizations]"),
        ] {
            assert_eq!(short(text), expected, "{text}");
        }
    }

    #[test]
    fn a_reading_says_what_was_asked_and_what_else_it_could_mean() {
        let Plan::Run { reading: Some(reading), .. } = planned("who is assigned CHECKOUT-API-4F?") else { panic!() };
        let field = crate::answer::Field { label: "Assigned to".to_owned(), value: "nobody".to_owned(), link: None };
        let mut answer = Answer { parts: vec![Part::Fields(vec![field])], ..Answer::default() };
        reading.add_to(&mut answer);
        assert_eq!(answer.parts[0], Part::Paragraph("Assigned to: nobody.".to_owned()));
        assert_eq!(
            answer.notes,
            ["Read as `issue view CHECKOUT-API-4F`. Not what you meant? `help` shows what I can do."]
        );
    }

    #[test]
    fn help_shows_everything_and_each_command() {
        let Plan::Say(all) = planned("help") else { panic!() };
        insta::assert_snapshot!(markdown(&all), @r#"
    # What I can do

    - issue list \[org\[/project\]\] \[-q query\] \[-s sort\] \[-n limit\] \[-t period\] \[-c cursor\]: List the issues of an organization or a project
    - issue view \<short id \| id \| URL\> \[-e event\]: Show one issue with its latest stack trace
    - project list \[org\] \[-q text\] \[-n limit\] \[-c cursor\]: List the projects of an organization
    - org list \[-q text\]: List the organizations you can see in Sentry
    - whoami: Show the Sentry account and permissions in use
    - connect: Connect your Sentry account
    - disconnect: Disconnect your Sentry account and forget its access
    - status: Show whether and how you are connected
    - use \[org\[/project\] \| --clear\]: Remember an organization or project, so that commands can leave it out
    - help \[command\]: Show what I can do

    > `help issue list` shows one command with examples.
    >
    > An issue's id or a link to it works without any command.
    >
    > With `--share`, the whole channel sees the answer.
    "#);
        let Plan::Say(one) = planned("help issue list") else { panic!() };
        insta::assert_snapshot!(markdown(&one), @r#"
    # issue list

    List the issues of an organization or a project.

    ```
    issue list [org[/project]] [-q query] [-s sort] [-n limit] [-t period] [-c cursor]
    ```

    For example:

    ```
    issue list
    issue list globex/checkout-api -q "is:unresolved level:error"
    issue list globex -s freq -t 24h
    ```

    > Also: `issue ls`, `issues`, `issue search`, `issue find`, `list issues`.
    "#);
        let Plan::Say(hello) = planned("") else { panic!() };
        insta::assert_snapshot!(markdown(&hello), @r#"
    # Hi, I look into Sentry for you

    I answer with what your own Sentry account may see. The first time, I send you a private link to connect it. Try:

    - issue list: what is unresolved
    - issue view CHECKOUT-API-4F: one issue with its stack trace; its id or its link alone works too
    - issue list globex/checkout-api -q "level:error" -t 24h: a search in one project
    - use globex/checkout-api: remember where to look

    > `help` shows everything; with `--share` at the end, the whole channel sees the answer.

    - Show unresolved issues: `search_issues` with `{}`
    - List my organizations: `find_organizations` with `{}`
    "#);
    }

    #[test]
    fn every_name_alias_tool_and_example_of_the_catalogue_works() {
        for entry in catalogue() {
            let spec = &entry.spec;
            assert_eq!(find(spec.name).unwrap().spec.name, spec.name);
            assert_eq!(find(spec.tool).unwrap().spec.name, spec.name);
            for example in spec.examples {
                assert!(
                    matches!(planned(example), Plan::Run { invocation, .. } if invocation.command == spec.name),
                    "{example}"
                );
            }
            for alias in spec.aliases {
                let (found, _) = named(&alias.split(' ').map(str::to_owned).collect::<Vec<_>>()).unwrap();
                assert_eq!(found.spec.name, spec.name, "{alias}");
            }
            assert!(spec.usage.starts_with(spec.name) && !spec.summary.ends_with('.'), "{}", spec.name);
        }
        for (title, text) in examples().iter().map(|item| (&item.summary, &item.name)) {
            assert!(!short(text).starts_with("say"), "{title}: {text}");
        }
    }

    #[test]
    fn every_schema_describes_each_parameter() {
        let schemas: Vec<String> = catalogue()
            .iter()
            .map(|entry| {
                let schema = (entry.schema)().to_value();
                for (name, property) in schema["properties"].as_object().unwrap_or(&serde_json::Map::new()) {
                    assert!(property["description"].is_string(), "{}: {name} has no description", entry.spec.name);
                }
                format!("{}: {}", entry.spec.tool, serde_json::to_string_pretty(&schema["properties"]).unwrap())
            })
            .collect();
        insta::assert_snapshot!(schemas.join("\n"), @r##"
    search_issues: {
      "cursor": {
        "description": "Where to go on, from the previous answer.",
        "type": [
          "string",
          "null"
        ]
      },
      "limit": {
        "description": "How many to show at most (10).",
        "format": "uint32",
        "maximum": 100,
        "minimum": 1,
        "type": [
          "integer",
          "null"
        ]
      },
      "organizationSlug": {
        "description": "The organization's slug. May be left out where the account sees only one, or this server has a default.",
        "type": [
          "string",
          "null"
        ]
      },
      "period": {
        "description": "How far to look back: a number and `m`, `h`, `d` or `w` (`30d` when left out).",
        "type": [
          "string",
          "null"
        ]
      },
      "projectSlugOrId": {
        "description": "The project's slug or id. Left out: all projects.",
        "type": [
          "string",
          "null"
        ]
      },
      "query": {
        "description": "What to look for, in Sentry's issue search syntax, taken as it is (`is:unresolved` when left out; empty for all\nissues). All terms must hold; OR and parentheses do not exist, so search twice instead. Terms:\n`is:unresolved|resolved|archived|for_review|assigned`, `assigned:me`, `assigned:#team`, `level:error`,\n`firstSeen:-24h`, `lastSeen:-1h`, `release:latest`, `environment:production`, `error.type:TypeError`,\n`user.email:ada@example.com`, `!key:value`, `key:[a,b]`, `key:*part*`, or words of the title.",
        "minLength": 0,
        "type": [
          "string",
          "null"
        ]
      },
      "sort": {
        "anyOf": [
          {
            "$ref": "#/$defs/Sort"
          },
          {
            "type": "null"
          }
        ],
        "description": "The order (`date`, which is last seen first, when left out)."
      }
    }
    get_issue_details: {
      "eventId": {
        "description": "The event whose stack trace to show: an event id, `latest` (when left out), `oldest` or `recommended`.",
        "type": [
          "string",
          "null"
        ]
      },
      "issueId": {
        "description": "The issue's short id (`CHECKOUT-API-4F`) or numeric id, `@latest` or `@most_frequent`. Needed, unless `issueUrl` is\ngiven.",
        "type": [
          "string",
          "null"
        ]
      },
      "issueUrl": {
        "description": "The issue's web address, instead of its id.",
        "type": [
          "string",
          "null"
        ]
      },
      "organizationSlug": {
        "description": "The organization's slug. Left out: the one in the URL or before the id, else the one that has the issue.",
        "type": [
          "string",
          "null"
        ]
      }
    }
    find_projects: {
      "cursor": {
        "description": "Where to go on, from the previous answer.",
        "type": [
          "string",
          "null"
        ]
      },
      "limit": {
        "description": "How many to show at most (25).",
        "format": "uint32",
        "maximum": 100,
        "minimum": 1,
        "type": [
          "integer",
          "null"
        ]
      },
      "organizationSlug": {
        "description": "The organization's slug. May be left out where the account sees only one, or this server has a default.",
        "type": [
          "string",
          "null"
        ]
      },
      "query": {
        "description": "Only projects whose name or slug contains this text.",
        "type": [
          "string",
          "null"
        ]
      }
    }
    find_organizations: {
      "query": {
        "description": "Only organizations whose name or slug contains this text.",
        "type": [
          "string",
          "null"
        ]
      }
    }
    whoami: null
    "##);
    }

    #[test]
    fn progress_names_what_is_looked_at() {
        let progress = |text: &str, target: Option<&str>| {
            let Plan::Run { invocation, .. } = planned(text) else { panic!("{text}") };
            super::progress(&invocation, &Target { organization: target.map(str::to_owned), project: None })
        };
        assert_eq!(progress("issues globex", None), "Looking at globex's issues…");
        assert_eq!(progress("issues", Some("initech")), "Looking at initech's issues…");
        assert_eq!(progress("issues", None), "Looking at your organization's issues…");
        assert_eq!(progress("CHECKOUT-API-4F", None), "Looking at CHECKOUT-API-4F…");
        assert_eq!(progress("https://globex.sentry.io/issues/7/", None), "Looking at issue 7…");
        assert_eq!(progress("orgs", None), "Looking at your organizations…");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn marks_and_invisible_characters_around_a_line_change_nothing(
            line in prop::sample::select(vec![
                "issue list globex", "issue view CHECKOUT-API-4F", "CHECKOUT-API-4F", "globex/CHECKOUT-API-4F", "4521",
                "https://globex.sentry.io/issues/4521/", "use globex/_internal", "project list globex", "org list", "whoami",
                "issue list globex/checkout-api -q level:fatal -s freq -n 5", "issue view globex/4521 -e oldest",
                "project list globex -q checkout", "org list -q globex", "show me fatal errors in globex",
                "resolve CHECKOUT-API-4F", "connect", "disconnect", "status", "use globex/checkout-api", "use --clear", "help",
                "help issue list", "@latest", "globex/@most_frequent", "globex/4521", "#CHECKOUT-API-4F", "checkout-api-4f",
                "globex/checkout-api/CHECKOUT-API-4F", "globex/checkout-api/4521", "checkout-api#4521",
                "CHECKOUT-API-4F/9999aaaaca8b46d797c23c6077c6ff01", "globex.sentry.io/issues/4521/",
                "http://globex.sentry.io/issues/4521/", "<https://globex.sentry.io/issues/4521/>",
                "https://globex.sentry.io/issues/4521/events/9999aaaaca8b46d797c23c6077c6ff01/?project=9",
                "https://sentry.io/organizations/globex/issues/4521/", "https://globex.sentry.io/issues/CHECKOUT-API-4F/",
            ]),
            marks in prop::sample::subsequence(vec!["*", "_", "~", "`"], 0..=4),
            wrapper in prop::sample::select(vec![("", ""), ("“", "”"), ("(", ")"), ("\"", "\""), ("«", "»")]),
            lead in prop::sample::select(vec!["", "• ", "- ", "1. ", "&gt; ", "> "]),
            hidden in prop::collection::vec(
                (0usize..40, prop::sample::select(vec!['\u{200b}', '\u{200e}', '\u{202a}', '\u{2069}', '\u{ad}', '\u{feff}'])),
                0..6,
            ),
        ) {
            let plain = short(line);
            let (before, after) = (marks.concat(), marks.iter().rev().copied().collect::<String>());
            let mut inner: Vec<char> = format!("{}{line}{}", wrapper.0, wrapper.1).chars().collect();
            for (index, character) in hidden {
                inner.insert(index.min(inner.len()), character);
            }
            let text = format!("{lead}{before}{}{after}", inner.into_iter().collect::<String>());
            prop_assert_eq!(short(&text), plain, "{:?}", text);
        }
    }

    proptest! {
        #[test]
        fn whatever_quotes_a_phone_makes_hold_a_value_together(
            (before, after) in prop::sample::select(vec![
                ("issue list globex -q ", ""), ("issue list globex/checkout-api --query=", " -s freq"),
                ("project list globex -q ", " -n 5"), ("org list -q ", ""),
            ]),
            (open, close) in prop::sample::select(vec![("“", "”"), ("„", "“"), ("”", "”"), ("'", "'"), ("‘", "’"), ("“", "\"")]),
            mark in prop::sample::select(vec!["", "*", "_", "~", "`", "```"]),
            lead in prop::sample::select(vec!["", "• ", "&gt; ", "1. "]),
        ) {
            let plain = short(&format!("{before}\"pool exhausted\"{after}"));
            prop_assert!(plain.contains("pool exhausted"), "{plain}");
            let text = format!("{lead}{mark}{before}{open}pool exhausted{close}{after}{mark}");
            prop_assert_eq!(short(&text), plain, "{:?}", text);
        }
    }

    proptest! {
        #[test]
        fn no_words_make_it_panic_or_run_a_guess(text in "\\PC{0,80}") {
            let _ = planned(&text);
        }

        #[test]
        fn no_mix_of_known_words_makes_it_panic(
            words in proptest::collection::vec(prop::sample::select(vec![
                "issue", "list", "view", "use", "help", "--share", "-q", "\"", "in", "globex", "WEB-1", "@latest", "12",
                "https://globex.sentry.io/issues/1/", "auth", "status", "—", "--", "-", "org", "last", "days", "<", ">",
            ]), 0..8),
        ) {
            let _ = planned(&words.join(" "));
        }
    }
}
