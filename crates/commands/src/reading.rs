//! Plain sentences: what is surely meant is run, when it only reads; what is not is said back.
//!
//! Every word of a sentence must be used up by what is run: a place, a period, an order, a filter, a search, or a word that
//! adds nothing. When one is left over (a release, a name, "not"), nothing is run, and the answer names it; what was
//! understood is a button. So nobody gets an answer to another question than theirs.

use super::answer::{Action, Answer, Does, Part};
use super::grammar::{Words, quote};
use super::help::{beginnings, examples, help_on, introduction};
use super::offer::{self, Offer};
use super::plan::{Plan, command};
use super::sentence::{is_filler, is_place, is_time, looks_like_issue, same};
use super::{say, say::split_period};

/// As many words are read as a sentence.
const MAX_WORDS: usize = 30;

/// How a sentence was read that is run.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// The command that it was read as.
    line: String,
    /// What else it could mean.
    instead: Option<Offer>,
    /// The label of the field that it asks for.
    asks: Option<&'static str>,
}

impl Reading {
    /// Adds to the answer what the sentence asked for, how it was read, and what else it could mean.
    pub fn add_to(&self, answer: &mut Answer) {
        let asked = answer.parts.iter().find_map(|part| match part {
            Part::Fields(fields) => fields.iter().find(|field| Some(field.label.as_str()) == self.asks),
            _ => None,
        });
        if let Some(field) = asked {
            let said = format!("{}: {}.", field.label, field.value);
            answer.parts.insert(0, Part::Paragraph(said));
        }
        let line = self.line.replace('`', "'");
        let other = match &self.instead {
            Some(instead) => format!("Or did you mean {}?", instead.code()),
            None => "Not what you meant? `help` shows what I can do.".to_owned(),
        };
        answer.notes.push(format!("Read as `{line}`. {other}"));
        answer.actions.extend(self.instead.clone().and_then(Offer::action));
    }
}

/// What a sentence means.
pub enum Meaning {
    /// This, surely.
    Sure(Plan),
    /// Not surely: an answer that says what was not understood, or what cannot be done.
    Unsure(Answer),
}

/// What `words` mean as a sentence; `None` when nothing in them is known.
pub fn read(words: &Words, share: bool) -> Option<Meaning> {
    let mut said = Said::new(&words.texts());
    if said.words.is_empty() || said.words.len() > MAX_WORDS {
        return None;
    }
    if let Some(answer) = said.small_talk() {
        return Some(Meaning::Sure(Plan::Say(answer)));
    }
    if said.asks_for_help() {
        return Some(Meaning::Sure(Plan::Say(help_on(&[]))));
    }
    if let Some(meaning) = said.about_the_connection() {
        return Some(meaning);
    }
    let issue = said.take_issue();
    if let Some(verb) = said.verb_of_change() {
        return Some(Meaning::Unsure(cannot_change(&verb, issue.as_deref(), said.take_place().as_deref())));
    }
    if let Some(issue) = issue {
        return Some(view(said, &issue, share));
    }
    if said.asks_for_an_event() {
        return Some(event(said, share));
    }
    if let Some(topic) = said.other_topic() {
        return Some(Meaning::Unsure(said.cannot_read(topic)));
    }
    said.list_of_projects_or_organizations(share).or_else(|| list(said, share))
}

/// A word of a sentence.
struct Word {
    text: String,
    lower: String,
    used: bool,
}

/// A sentence whose words are used up one by one.
struct Said {
    words: Vec<Word>,
}

const GREETINGS: [&str; 12] =
    ["hi", "hello", "hey", "hallo", "hola", "yo", "morning", "afternoon", "evening", "howdy", "moin", "bonjour"];
const WITH_GREETINGS: [&str; 8] = ["good", "there", "all", "everyone", "everybody", "vedette", "team", "to"];
const THANKS: [&str; 9] = ["thanks", "thank", "thx", "ty", "cheers", "merci", "danke", "gracias", "thankyou"];
const WITH_THANKS: [&str; 19] = [
    "you", "so", "much", "a", "lot", "very", "many", "for", "your", "the", "help", "that", "this", "vedette", "again",
    "great", "ok", "perfect", "nice",
];
const PRAISE: [&str; 8] = ["great", "awesome", "perfect", "nice", "cool", "ok", "okay", "bye"];

/// Words for what an issue is.
const ISSUES: [&str; 7] = ["issue", "bug", "problem", "exception", "crash", "failure", "incident"];
const ERRORS: [&str; 1] = ["error"];
/// What is said of what does not work.
const BROKEN: [&str; 16] = [
    "broke",
    "broken",
    "break",
    "breaking",
    "fail",
    "failing",
    "failed",
    "wrong",
    "happening",
    "happened",
    "happen",
    "crashing",
    "crashed",
    "fire",
    "burning",
    "trouble",
];
const SEARCHES: [&str; 7] = ["search", "find", "grep", "containing", "contains", "mentioning", "matching"];
const AFFECTED: [&str; 6] = ["affect", "affected", "affecting", "impact", "impacted", "impacting"];
const PEOPLE: [&str; 4] = ["user", "people", "person", "customer"];
const FREQUENT: [&str; 9] =
    ["frequent", "frequently", "often", "top", "worst", "most", "noisiest", "loudest", "common"];
const NEW: [&str; 2] = ["new", "newest"];
const RESOLVED: [&str; 4] = ["resolved", "fixed", "solved", "closed"];
/// Words for filters, and what they are in a search.
const FILTERS: [(&[&str], &str); 10] = [
    (&["fatal"], "level:fatal"),
    (&["warning"], "level:warning"),
    (&["unassigned"], "is:unassigned"),
    (&["regressed", "regression"], "is:regressed"),
    (&["escalating"], "is:escalating"),
    (&["mine"], "assigned:me"),
    (&["production", "prod"], "environment:production"),
    (&["staging"], "environment:staging"),
    (&["archived", "ignored"], "is:archived"),
    (&["unresolved", "open"], "is:unresolved"),
];
const STATES: [&str; 3] = ["status", "state", "health"];
const PROJECTS: [&str; 1] = ["project"];
const ORGANIZATIONS: [&str; 3] = ["org", "organization", "organisation"];
const ORDINALS: [&str; 5] = ["oldest", "first", "latest", "last", "newest"];
/// Words about one issue that ask for nothing else than to see it.
const ABOUT_ISSUE: [&str; 32] = [
    "stack",
    "stacktrace",
    "trace",
    "traceback",
    "detail",
    "explain",
    "cause",
    "causing",
    "caused",
    "why",
    "event",
    "status",
    "state",
    "seen",
    "assigned",
    "assignee",
    "owner",
    "owns",
    "often",
    "many",
    "times",
    "much",
    "first",
    "who",
    "when",
    "where",
    "release",
    "version",
    "happen",
    "happening",
    "happened",
    "summary",
];
/// Verbs of what only changes Sentry.
const CHANGES: [&str; 26] = [
    "resolve",
    "unresolve",
    "reopen",
    "close",
    "archive",
    "unarchive",
    "ignore",
    "mute",
    "unmute",
    "snooze",
    "assign",
    "unassign",
    "reassign",
    "delete",
    "remove",
    "merge",
    "unmerge",
    "comment",
    "bookmark",
    "subscribe",
    "unsubscribe",
    "prioritize",
    "mark",
    "fix",
    "create",
    "rename",
];
/// What Sentry has besides, with the words for it.
const TOPICS: [(&[&str], &str); 9] = [
    (&["release", "version", "deploy", "deployed", "deployment", "commit"], "releases"),
    (&["trace", "span", "transaction"], "traces"),
    (&["log"], "logs"),
    (&["slow", "slower", "latency", "performance", "throughput", "fast"], "how fast something is"),
    (&["down", "outage", "uptime", "reachable", "offline"], "whether something is up"),
    (&["replay"], "replays"),
    (&["alert", "monitor", "cron"], "alerts and monitors"),
    (&["dashboard", "metric", "profile"], "dashboards, metrics and profiles"),
    (&["feedback"], "feedback"),
];

fn is_one_of(word: &str, known: &[&str]) -> bool {
    known.iter().any(|known| same(word, known))
}

/// Whether a word has a meaning of its own, and so names no place.
fn is_vocabulary(lower: &str) -> bool {
    let lists: [&[&str]; 13] = [
        &ISSUES,
        &ERRORS,
        &BROKEN,
        &SEARCHES,
        &AFFECTED,
        &PEOPLE,
        &FREQUENT,
        &NEW,
        &RESOLVED,
        &STATES,
        &PROJECTS,
        &ORGANIZATIONS,
        &ORDINALS,
    ];
    let known = lists.iter().any(|list| is_one_of(lower, list));
    known
        || FILTERS.iter().any(|(words, _)| is_one_of(lower, words))
        || TOPICS.iter().any(|(words, _)| is_one_of(lower, words))
        || ABOUT_ISSUE.contains(&lower)
        || is_filler(lower)
        || is_time(lower)
}

/// Whether a word that stands where a place could is none: "issues today".
pub fn is_no_place(word: &str) -> bool {
    is_vocabulary(&word.to_lowercase()) || split_period(word).is_some()
}

impl Said {
    fn new(texts: &[&str]) -> Said {
        let punctuation = |character: char| ".,;:!?()[]{}\"'“”‘’…".contains(character);
        let bare = texts.iter().map(|text| text.trim_matches(punctuation)).filter(|text| !text.is_empty());
        let word =
            |text: &str| Word { text: text.to_owned(), lower: text.to_lowercase().replace('’', "'"), used: false };
        Said { words: bare.map(word).collect() }
    }

    /// Uses up the words that are one of `known`; whether there were any.
    fn take(&mut self, known: &[&str]) -> bool {
        let mut any = false;
        for word in self.words.iter_mut().filter(|word| !word.used && is_one_of(&word.lower, known)) {
            word.used = true;
            any = true;
        }
        any
    }

    fn says(&self, known: &[&str]) -> bool {
        self.words.iter().any(|word| is_one_of(&word.lower, known))
    }

    fn lower(&self, index: usize) -> &str {
        self.words.get(index).map_or("", |word| word.lower.as_str())
    }

    fn is_free(&self, index: usize) -> bool {
        self.words.get(index).is_some_and(|word| !word.used)
    }

    fn use_up(&mut self, indices: impl IntoIterator<Item = usize>) {
        for index in indices {
            if let Some(word) = self.words.get_mut(index) {
                word.used = true;
            }
        }
    }

    /// What is left and means something.
    fn left(&self) -> Vec<&str> {
        let left = self.words.iter().filter(|word| !word.used && !is_filler(&word.lower));
        left.map(|word| word.text.as_str()).collect()
    }

    fn only(&self, some: &[&str], with: &[&str]) -> bool {
        let known = |word: &Word| some.contains(&word.lower.as_str()) || with.contains(&word.lower.as_str());
        self.words.len() <= 8
            && self.words.iter().all(known)
            && self.words.iter().any(|word| some.contains(&word.lower.as_str()))
    }

    fn small_talk(&self) -> Option<Answer> {
        if self.only(&GREETINGS, &WITH_GREETINGS) {
            return Some(introduction());
        }
        let thanks = self.only(&THANKS, &WITH_THANKS) || (self.words.len() == 1 && self.only(&PRAISE, &[]));
        thanks.then(|| Answer {
            title: "You're welcome".to_owned(),
            notes: vec!["Ask me about issues whenever you like; `help` shows what I can do.".to_owned()],
            ..Answer::default()
        })
    }

    fn asks_for_help(&self) -> bool {
        let words: Vec<&str> = self.words.iter().map(|word| word.lower.as_str()).collect();
        let sentence = words.join(" ");
        const QUESTIONS: [&str; 9] = [
            "what can you do",
            "what do you do",
            "what can i do",
            "what can i ask",
            "how do you work",
            "how does this work",
            "how can you help",
            "who are you",
            "what are you",
        ];
        QUESTIONS.iter().any(|question| sentence.starts_with(question)) && words.len() <= 7
    }

    fn about_the_connection(&self) -> Option<Meaning> {
        let words: Vec<&str> = self.words.iter().map(|word| word.lower.as_str()).collect();
        let leaves = matches!(words.as_slice(), [.., "log" | "sign", "me", "out"] | [.., "log" | "sign", "out"]);
        if leaves && words.len() <= 6 {
            return Some(Meaning::Unsure(Answer {
                title: "Shall I disconnect your Sentry account?".to_owned(),
                actions: vec![Action { label: "Disconnect".to_owned(), does: Does::Disconnect }],
                ..Answer::default()
            }));
        }
        let mut content = words.iter().filter(|word| !is_filler(word)).peekable();
        let asks = content.peek().is_some() && content.all(|word| matches!(*word, "connected" | "connection" | "am"));
        asks.then_some(Meaning::Sure(Plan::Status))
    }

    /// The issue that is named, as it stands.
    fn take_issue(&mut self) -> Option<String> {
        let word = self.words.iter_mut().find(|word| looks_like_issue(&word.text))?;
        word.used = true;
        Some(word.text.clone())
    }

    /// The verb that a sentence begins with, when it is one of change: "please resolve …".
    fn verb_of_change(&self) -> Option<String> {
        let content =
            self.words.iter().find(|word| !is_filler(&word.lower) && !GREETINGS.contains(&word.lower.as_str()));
        content.map(|word| word.lower.clone()).filter(|verb| CHANGES.contains(&verb.as_str()))
    }

    /// `organization/project`, or a name after a preposition ("in the checkout project") or before "project".
    fn take_place(&mut self) -> Option<String> {
        const PREPOSITIONS: [&str; 7] = ["in", "for", "from", "of", "on", "at", "within"];
        let names = |said: &Said, index: usize| {
            said.is_free(index) && is_place(said.lower(index)) && !is_vocabulary(said.lower(index))
        };
        let count = self.words.len();
        let with_slash = (0..count).find(|index| self.lower(*index).contains('/') && names(self, *index));
        let after_preposition = || {
            (0..count).filter(|index| PREPOSITIONS.contains(&self.lower(*index))).find_map(|index| {
                let article = matches!(self.lower(index + 1), "the" | "our" | "my");
                let name = index + 1 + usize::from(article);
                names(self, name).then_some(name)
            })
        };
        let before_noun = || {
            let is_noun = |index: usize| is_one_of(self.lower(index), &["project", "org", "organization"]);
            (0..count).find(|index| names(self, *index) && is_noun(index + 1))
        };
        let found = with_slash.or_else(after_preposition).or_else(before_noun)?;
        self.use_up([found]);
        if matches!(self.lower(found + 1), "project" | "org" | "organization") {
            self.use_up([found + 1]);
        }
        self.words.get(found).map(|word| word.text.clone())
    }

    /// The period that is named, as Sentry writes it: `24h`.
    fn take_period(&mut self) -> Option<String> {
        const UNITS: [(&str, &str, u64); 5] =
            [("minute", "m", 1), ("hour", "h", 1), ("day", "d", 1), ("week", "w", 1), ("month", "d", 30)];
        const NAMED: [(&[&str], &str); 6] = [
            (&["today", "tonight", "morning", "afternoon", "evening"], "24h"),
            (&["yesterday", "night"], "48h"),
            (&["hour"], "1h"),
            (&["day"], "24h"),
            (&["week"], "7d"),
            (&["month"], "30d"),
        ];
        let unit = |word: &str| UNITS.iter().find(|(name, _, _)| same(word, name));
        let count = self.words.len();
        if let Some(index) = (0..count).find(|index| split_period(self.lower(*index)).is_some()) {
            self.use_up([index]);
            return Some(self.lower(index).to_owned());
        }
        let numbered = (0..count).find_map(|index| {
            let number: u64 = self.lower(index).parse().ok().filter(|number| (1..1000).contains(number))?;
            let (_, letter, factor) = unit(self.lower(index + 1))?;
            Some((index, format!("{}{letter}", number * factor)))
        });
        if let Some((index, period)) = numbered {
            self.use_up([index, index + 1]);
            return Some(period);
        }
        NAMED.iter().find(|(words, _)| self.take(words)).map(|(_, period)| (*period).to_owned())
    }

    /// How many are asked for: "top 5", "5 newest".
    fn take_limit(&mut self) -> Option<u32> {
        let (index, limit) = (0..self.words.len()).find_map(|index| {
            let limit: u32 =
                self.lower(index).parse().ok().filter(|limit| (1..=100).contains(limit) && self.is_free(index))?;
            let after =
                [ISSUES.as_slice(), &ERRORS, &NEW, &FREQUENT].iter().any(|list| is_one_of(self.lower(index + 1), list));
            let before = index > 0 && matches!(self.lower(index - 1), "top" | "first" | "last" | "latest");
            (after || before).then_some((index, limit))
        })?;
        self.use_up([index]);
        Some(limit)
    }

    fn asks_for_an_event(&self) -> bool {
        let stack = self.says(&["stack", "stacktrace", "traceback"]);
        stack || (self.says(&["event"]) && self.says(&ORDINALS))
    }

    fn other_topic(&self) -> Option<&'static str> {
        let said = |words: &[&str]| self.says(words);
        TOPICS.iter().find(|(words, _)| said(words)).map(|(_, topic)| *topic)
    }

    /// Says that something else than issues is asked for, and what comes near.
    fn cannot_read(&mut self, topic: &str) -> Answer {
        let place = self.take_place().or_else(|| self.take_subject());
        let version = self.words.iter().map(|word| word.text.as_str()).find(|text| is_version(text)).map(str::to_owned);
        let listed = List { place: place.clone(), ..List::default() };
        let mut offers = Vec::new();
        if topic == "releases" {
            let new = self.says(&NEW);
            let latest = self.says(&["last", "latest", "newest", "current"]);
            let key = if new { "firstRelease" } else { "release" };
            let value = version.map(|version| format!("*{version}")).or_else(|| latest.then(|| "latest".to_owned()));
            let asked = value.map(|value| List { terms: vec![format!("{key}:{value}")], ..listed.clone() });
            offers.extend(asked.and_then(|list| Offer::new(&list.line())));
        }
        offers.extend(Offer::new(&listed.line()));
        Answer {
            title: format!("I can't read {topic} yet")
                .replace("read how", "tell how")
                .replace("read whether", "tell whether"),
            parts: vec![Part::Paragraph(format!(
                "I read issues with their stack traces, projects and organizations. This comes near: {}",
                offer::lines(&offers)
            ))],
            actions: offer::actions(offers),
            notes: vec!["`help` shows what I can do.".to_owned()],
            ..Answer::default()
        }
    }

    /// What a question is about: "is globex down".
    fn take_subject(&mut self) -> Option<String> {
        let after_is = (1..self.words.len()).find(|index| {
            matches!(self.lower(index - 1), "is" | "are")
                && self.is_free(*index)
                && is_place(self.lower(*index))
                && !is_vocabulary(self.lower(*index))
        })?;
        self.use_up([after_is]);
        self.words.get(after_is).map(|word| word.text.clone())
    }

    fn list_of_projects_or_organizations(&mut self, share: bool) -> Option<Meaning> {
        if self.says(&ISSUES) || self.says(&ERRORS) || self.says(&BROKEN) || self.says(&SEARCHES) {
            return None;
        }
        let (line, instead) = if self.says(&ORGANIZATIONS) && !self.says(&PROJECTS) {
            self.take(&ORGANIZATIONS);
            ("org list".to_owned(), None)
        } else {
            let place = self.take_place();
            if !self.take(&PROJECTS) {
                self.give_back(place.as_deref());
                return None;
            }
            let organization = place.as_deref().and_then(|place| place.split('/').next());
            let listed = List { place: place.clone(), ..List::default() };
            let instead = place.is_some().then(|| Offer::new(&listed.line())).flatten();
            (
                organization
                    .map_or_else(|| "project list".to_owned(), |organization| format!("project list {organization}")),
                instead,
            )
        };
        Some(self.decide(&line, instead, None, share))
    }

    /// A place that was taken too early.
    fn give_back(&mut self, place: Option<&str>) {
        for word in &mut self.words {
            word.used &= Some(word.text.as_str()) != place;
        }
    }

    /// Runs `line` when every word is used up, else offers it.
    fn decide(&self, line: &str, instead: Option<Offer>, asks: Option<&'static str>, share: bool) -> Meaning {
        let left = self.left();
        if left.is_empty()
            && let Ok(words) = Words::parse(line)
            && let Some(Plan::Run { invocation, .. }) = command(&words, share)
        {
            let reading = Some(Reading { line: line.to_owned(), instead, asks });
            return Meaning::Sure(Plan::Run { invocation, share, reading });
        }
        Meaning::Unsure(unsure(&left, Offer::new(line).into_iter().chain(instead).collect()))
    }
}

/// What a sentence says about a list of issues.
#[derive(Clone, Debug, Default)]
struct List {
    place: Option<String>,
    terms: Vec<String>,
    resolved: bool,
    sort: Option<&'static str>,
    period: Option<String>,
    limit: Option<u32>,
}

impl List {
    fn line(&self) -> String {
        let mut line = "issue list".to_owned();
        line.extend(self.place.as_ref().map(|place| format!(" {}", quote(place))));
        if self.resolved || !self.terms.is_empty() {
            let state = if self.resolved { "is:resolved" } else { "is:unresolved" };
            let terms: Vec<&str> = std::iter::once(state).chain(self.terms.iter().map(String::as_str)).collect();
            line.push_str(&format!(" -q {}", quote(&terms.join(" "))));
        }
        line.extend(self.sort.map(|sort| format!(" -s {sort}")));
        line.extend(self.period.as_ref().map(|period| format!(" -t {period}")));
        line.extend(self.limit.map(|limit| format!(" -n {limit}")));
        line
    }
}

fn list(mut said: Said, share: bool) -> Option<Meaning> {
    let place = said.take_place();
    let period = said.take_period();
    let limit = said.take_limit();
    let mut known = said.take(&ISSUES) | said.take(&BROKEN) | (place.is_some() && said.take(&STATES));
    let mut terms: Vec<String> = Vec::new();
    let searches = said.take(&SEARCHES);
    let resolved = said.take(&RESOLVED);
    for (words, term) in FILTERS {
        if said.take(words) {
            terms.extend((term != "is:unresolved").then(|| term.to_owned()));
            known = true;
        }
    }
    if said.says(&["assigned"]) && said.says(&["me"]) {
        said.take(&["assigned"]);
        terms.insert(0, "assigned:me".to_owned());
    } else if said.says(&["my"]) && !terms.iter().any(|term| term == "assigned:me") {
        terms.insert(0, "assigned:me".to_owned());
    }
    let errors = said.take(&ERRORS);
    let of_errors = errors && !terms.iter().any(|term| term.starts_with("level:"));
    known |= errors | resolved;
    let sort = said.take_sort();
    known |= sort.is_some();
    let mut listed = List { place, terms, resolved, sort, period, limit };
    let mut instead = None;
    if searches {
        let wanted: Vec<String> = said.left().iter().map(|word| (*word).to_owned()).collect();
        if !wanted.is_empty() {
            said.use_up(0..said.words.len());
            listed.terms.extend(wanted);
            let all = List { place: listed.place.clone(), ..List::default() };
            instead = Offer::new(&all.line());
        } else if !known {
            return None;
        }
    } else if !known {
        return None;
    }
    if of_errors {
        let all = listed.clone();
        listed.terms.push("level:[error,fatal]".to_owned());
        instead = instead.or_else(|| Offer::new(&all.line()));
    }
    // "in checkout" may be what the issues are about, not where they are.
    let about = listed.place.as_ref().filter(|place| !place.contains('/')).map(|place| {
        let terms = listed.terms.iter().cloned().chain([place.clone()]).collect();
        List { place: None, terms, ..listed.clone() }
    });
    instead = instead.or_else(|| about.and_then(|list| Offer::new(&list.line())));
    let plain = listed.sort.is_none() && listed.period.is_none() && listed.terms.is_empty() && !listed.resolved;
    if instead.is_none() && !plain {
        let all = List { place: listed.place.clone(), ..List::default() };
        instead = Offer::new(&all.line());
    }
    Some(said.decide(&listed.line(), instead, None, share))
}

impl Said {
    fn take_sort(&mut self) -> Option<&'static str> {
        let by_people = self.says(&PEOPLE) && (self.says(&AFFECTED) || self.says(&["most"]));
        if by_people {
            for words in [AFFECTED.as_slice(), &PEOPLE, &["most"]] {
                self.take(words);
            }
            return Some("user");
        }
        if self.take(&FREQUENT) {
            return Some("freq");
        }
        self.take(&NEW).then_some("new")
    }
}

fn view(mut said: Said, issue: &str, share: bool) -> Meaning {
    let asks = asked_field(&said);
    let oldest = said.take(&["oldest"]) || (said.says(&["first"]) && said.says(&["event"]));
    for words in [ABOUT_ISSUE.as_slice(), &ISSUES, &ERRORS, &AFFECTED, &PEOPLE, &RESOLVED] {
        said.take(words);
    }
    let line = format!("issue view {}{}", quote(issue), if oldest { " -e oldest" } else { "" });
    said.decide(&line, None, asks, share)
}

/// The field of an issue that a question about it asks for.
fn asked_field(said: &Said) -> Option<&'static str> {
    let asks: [(bool, &'static str); 7] = [
        (said.says(&["assigned", "assignee", "owner", "owns"]), "Assigned to"),
        (said.says(&PEOPLE), "People"),
        (said.says(&["often", "many"]), "Events"),
        (said.says(&["when"]) && said.says(&["first", "start", "started"]), "First seen"),
        (said.says(&["when"]), "Last seen"),
        (said.says(&["release", "version"]), "Release"),
        (said.says(&STATES) || said.says(&RESOLVED), "Status"),
    ];
    asks.iter().find(|(asked, _)| *asked).map(|(_, label)| *label)
}

/// An event, or the stack trace, of the issue that was seen last.
fn event(mut said: Said, share: bool) -> Meaning {
    let oldest = said.says(&["oldest", "first"]);
    for words in [["stack", "stacktrace", "traceback", "trace", "event"].as_slice(), &ORDINALS] {
        said.take(words);
    }
    let line = if oldest { "issue view -e oldest" } else { "issue view" };
    said.decide(line, None, None, share)
}

fn cannot_change(verb: &str, issue: Option<&str>, place: Option<&str>) -> Answer {
    let listed = List { place: place.map(str::to_owned), ..List::default() };
    let (what, line) = match issue {
        Some(issue) => (issue.to_owned(), format!("issue view {}", quote(issue))),
        None => ("issues".to_owned(), listed.line()),
    };
    let offers: Vec<Offer> = Offer::new(&line).into_iter().collect();
    let shown = if issue.is_some() { "it" } else { "them" };
    Answer {
        title: format!("I can't {verb} {} from here yet", say::line(&what, 100)),
        parts: vec![Part::Paragraph(format!(
            "I only read so far. I can show {shown}, with a link to Sentry, where that is done: {}",
            offer::lines(&offers)
        ))],
        actions: offer::actions(offers),
        ..Answer::default()
    }
}

/// Says which words were not understood, and offers what was.
fn unsure(left: &[&str], offers: Vec<Offer>) -> Answer {
    let words: Vec<String> = left.iter().take(5).map(|word| format!("“{}”", say::line(word, 40))).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    Answer {
        title: format!("I don't know what to do with {}", say::joined(&words, "and")),
        parts: vec![Part::Paragraph(format!("Without that, I could do this: {}", offer::lines(&offers)))],
        actions: offer::actions(offers),
        notes: vec!["`help` shows what I can do.".to_owned()],
        ..Answer::default()
    }
}

/// Says that nothing of it was understood. A word alone may be a place, or something to search for.
pub fn not_understood(words: &Words) -> Answer {
    let texts = words.texts();
    let alone = if let [only] = texts.as_slice() { Some(*only) } else { None };
    let alone = alone.filter(|word| word.chars().any(char::is_alphabetic) && !word.starts_with('-'));
    let mut offers = Vec::new();
    if let Some(word) = alone {
        let place = List { place: Some(word.to_owned()), ..List::default() };
        let is_slug = is_place(word) && !word.chars().any(char::is_uppercase);
        offers.extend(is_slug.then(|| Offer::new(&place.line())).flatten());
        let found = List { terms: vec![quote(word)], ..List::default() };
        let plain = !word.contains(['"', '\\', '(', ')', ':']);
        offers.extend(plain.then(|| Offer::new(&found.line())).flatten());
    }
    if !offers.is_empty() {
        return Answer {
            title: format!("What about {}?", say::line(alone.unwrap_or_default(), 60)),
            parts: vec![Part::Paragraph(format!("I could do this: {}", offer::lines(&offers)))],
            actions: offer::actions(offers),
            notes: vec!["`help` shows what I can do.".to_owned()],
            ..Answer::default()
        };
    }
    Answer {
        title: "I did not understand that".to_owned(),
        parts: vec![
            Part::Paragraph(
                "I find issues, show one with its stack trace, and list projects and organizations. For example:"
                    .to_owned(),
            ),
            Part::Items(examples()),
        ],
        actions: offer::actions(beginnings()),
        notes: vec!["`help` shows everything I can do.".to_owned()],
        ..Answer::default()
    }
}

/// `2.14.1`, `checkout@2.14.1`.
fn is_version(text: &str) -> bool {
    text.contains('.')
        && text.chars().any(|character| character.is_ascii_digit())
        && text.chars().all(|character| character.is_ascii_alphanumeric() || "@.+-_".contains(character))
}
