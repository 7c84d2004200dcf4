//! What the commands read of Sentry's answers: named fields only, everything else is not even kept.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use url::Url;

use super::lenient;

/// `GET /api/0/`: whose credential this is, and what it may do.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Identity {
    /// The grant.
    #[serde(deserialize_with = "lenient::field")]
    pub auth: Option<Auth>,
    /// The account; none for a token that belongs to an organization.
    #[serde(deserialize_with = "lenient::field")]
    pub user: Option<User>,
}

impl Identity {
    /// The scopes of the grant, when Sentry tells them.
    pub fn scopes(&self) -> Option<&[String]> {
        self.auth.as_ref().map(|auth| auth.scopes.as_slice())
    }
}

/// The grant, as `GET /api/0/` tells it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Auth {
    /// Its scopes.
    #[serde(deserialize_with = "lenient::page")]
    pub scopes: Vec<String>,
}

/// A Sentry user, or whoever an issue is assigned to.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct User {
    /// The id.
    #[serde(deserialize_with = "lenient::text")]
    pub id: Option<String>,
    /// The name.
    #[serde(deserialize_with = "lenient::text")]
    pub name: Option<String>,
    /// The user name.
    #[serde(deserialize_with = "lenient::text")]
    pub username: Option<String>,
    /// The email address.
    #[serde(deserialize_with = "lenient::text")]
    pub email: Option<String>,
    /// For an assignee: `user` or `team`.
    #[serde(rename = "type", deserialize_with = "lenient::text")]
    pub kind: Option<String>,
}

impl User {
    /// The best name there is.
    pub fn display_name(&self) -> Option<&str> {
        [&self.name, &self.email, &self.username, &self.id].into_iter().find_map(|name| name.as_deref())
    }
}

/// An organization.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Organization {
    /// The slug; empty when Sentry gave none.
    pub slug: String,
    /// The name.
    #[serde(deserialize_with = "lenient::text")]
    pub name: Option<String>,
    #[serde(deserialize_with = "lenient::field")]
    links: Option<Links>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Links {
    #[serde(deserialize_with = "lenient::field")]
    region_url: Option<Url>,
}

impl Organization {
    /// The origin of the region that holds it, as Sentry says; to be held against [`super::host::SentryHost::permits`].
    pub fn region_url(&self) -> Option<Url> {
        self.links.as_ref()?.region_url.clone()
    }
}

/// A project.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Project {
    /// The id.
    #[serde(deserialize_with = "lenient::text")]
    pub id: Option<String>,
    /// The slug.
    #[serde(deserialize_with = "lenient::text")]
    pub slug: Option<String>,
    /// The name.
    #[serde(deserialize_with = "lenient::text")]
    pub name: Option<String>,
    /// The platform: `python-django`.
    #[serde(deserialize_with = "lenient::text")]
    pub platform: Option<String>,
    /// Its teams.
    #[serde(deserialize_with = "lenient::list")]
    pub teams: Vec<Team>,
}

/// A team.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Team {
    /// The slug.
    #[serde(deserialize_with = "lenient::text")]
    pub slug: Option<String>,
}

/// An issue, of a list or alone.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Issue {
    /// The numeric id.
    #[serde(deserialize_with = "lenient::text")]
    pub id: Option<String>,
    /// `CHECKOUT-API-4F`.
    #[serde(deserialize_with = "lenient::text")]
    pub short_id: Option<String>,
    /// What happened.
    #[serde(deserialize_with = "lenient::text")]
    pub title: Option<String>,
    /// Where it happened.
    #[serde(deserialize_with = "lenient::text")]
    pub culprit: Option<String>,
    /// The page.
    #[serde(deserialize_with = "lenient::field")]
    pub permalink: Option<Url>,
    /// `error`.
    #[serde(deserialize_with = "lenient::text")]
    pub level: Option<String>,
    /// `unresolved`, `resolved`, `ignored`.
    #[serde(deserialize_with = "lenient::text")]
    pub status: Option<String>,
    /// `new`, `ongoing`, `escalating`, `regressed`, `archived_…`.
    #[serde(deserialize_with = "lenient::text")]
    pub substatus: Option<String>,
    /// `high`, `medium`, `low`.
    #[serde(deserialize_with = "lenient::text")]
    pub priority: Option<String>,
    /// Whether the program did not catch it.
    #[serde(deserialize_with = "lenient::field")]
    pub is_unhandled: Option<bool>,
    /// How many events; Sentry sends a string.
    #[serde(deserialize_with = "lenient::number")]
    pub count: Option<u64>,
    /// How many people.
    #[serde(deserialize_with = "lenient::number")]
    pub user_count: Option<u64>,
    /// The first event's time.
    #[serde(deserialize_with = "lenient::field")]
    pub first_seen: Option<Timestamp>,
    /// The last event's time.
    #[serde(deserialize_with = "lenient::field")]
    pub last_seen: Option<Timestamp>,
    /// Whose it is.
    #[serde(deserialize_with = "lenient::field")]
    pub assigned_to: Option<User>,
    /// The project.
    #[serde(deserialize_with = "lenient::field")]
    pub project: Option<Project>,
    /// The release of the first event.
    #[serde(deserialize_with = "lenient::field")]
    pub first_release: Option<Release>,
    /// The release of the last event.
    #[serde(deserialize_with = "lenient::field")]
    pub last_release: Option<Release>,
    /// What the title is made of.
    #[serde(deserialize_with = "lenient::field")]
    pub metadata: Option<Metadata>,
}

/// What an issue's title is made of.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Metadata {
    /// The title, for what is no exception.
    #[serde(deserialize_with = "lenient::text")]
    pub title: Option<String>,
    /// The exception's type.
    #[serde(rename = "type", deserialize_with = "lenient::text")]
    pub kind: Option<String>,
    /// The exception's words.
    #[serde(deserialize_with = "lenient::text")]
    pub value: Option<String>,
}

/// A release.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Release {
    /// The version.
    #[serde(deserialize_with = "lenient::text")]
    pub version: Option<String>,
    /// The version as people know it.
    #[serde(deserialize_with = "lenient::text")]
    pub short_version: Option<String>,
}

impl Release {
    /// The version as people know it.
    pub fn name(&self) -> Option<&str> {
        self.short_version.as_deref().or(self.version.as_deref())
    }
}

/// An event of an issue.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Event {
    /// The id, 32 hex digits.
    #[serde(rename = "eventID", deserialize_with = "lenient::text")]
    pub event_id: Option<String>,
    /// What the program logged.
    #[serde(deserialize_with = "lenient::text")]
    pub message: Option<String>,
    /// When it happened.
    #[serde(deserialize_with = "lenient::field")]
    pub date_created: Option<Timestamp>,
    /// Exceptions, messages, threads and what else is in it.
    pub entries: Entries,
    /// The tags, in Sentry's order.
    #[serde(deserialize_with = "lenient::rows")]
    pub tags: Vec<Tag>,
    /// The release.
    #[serde(deserialize_with = "lenient::field")]
    pub release: Option<Release>,
    /// What Sentry itself found out, where no program reported an error: a slow query, a missed check-in, an outage.
    #[serde(deserialize_with = "lenient::field")]
    pub occurrence: Option<Occurrence>,
}

impl Event {
    /// The value of the tag `key`.
    pub fn tag(&self, key: &str) -> Option<&str> {
        self.tags.iter().find(|tag| tag.key.as_deref() == Some(key))?.value.as_deref()
    }
}

/// What Sentry found out by itself.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Occurrence {
    /// What happened, in one line.
    #[serde(deserialize_with = "lenient::text")]
    pub subtitle: Option<String>,
    /// What shows it, in Sentry's order.
    #[serde(deserialize_with = "lenient::list")]
    pub evidence_display: Vec<Evidence>,
}

/// A piece of evidence.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Evidence {
    /// What it is: `Offending Spans`.
    #[serde(deserialize_with = "lenient::text")]
    pub name: Option<String>,
    /// What it says.
    #[serde(deserialize_with = "lenient::text")]
    pub value: Option<String>,
    /// Whether Sentry puts it forward.
    #[serde(deserialize_with = "lenient::field")]
    pub important: Option<bool>,
}

/// A tag of an event.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Tag {
    /// The name.
    #[serde(deserialize_with = "lenient::text")]
    pub key: Option<String>,
    /// The value.
    #[serde(deserialize_with = "lenient::text")]
    pub value: Option<String>,
}

/// The parts of an event that are shown, each read by its type. Others (breadcrumbs, the request, …) are not read at all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Entries {
    /// `exception`.
    pub exceptions: Option<Exceptions>,
    /// `message`.
    pub message: Option<LogMessage>,
    /// `stacktrace`: of the event itself.
    pub stacktrace: Option<Stacktrace>,
    /// `threads`.
    pub threads: Option<Threads>,
    /// `csp`.
    pub csp: Option<CspReport>,
}

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Entries, D::Error> {
        let mut entries = Entries::default();
        lenient::each(<&RawValue>::deserialize(deserializer)?, |raw| entries.add(raw));
        Ok(entries)
    }
}

impl Entries {
    /// Reads an entry, unless there was one of its type.
    fn add(&mut self, raw: &RawValue) {
        #[derive(Deserialize)]
        struct Entry<'a> {
            #[serde(rename = "type")]
            kind: &'a str,
            #[serde(borrow)]
            data: &'a RawValue,
        }
        let Ok(Entry { kind, data }) = serde_json::from_str(raw.get()) else { return };
        fn fill<T: serde::de::DeserializeOwned>(slot: &mut Option<T>, data: &RawValue) {
            if slot.is_none() {
                *slot = lenient::one(data);
            }
        }
        match kind {
            "exception" => fill(&mut self.exceptions, data),
            "message" => fill(&mut self.message, data),
            "stacktrace" => fill(&mut self.stacktrace, data),
            "threads" => fill(&mut self.threads, data),
            "csp" => fill(&mut self.csp, data),
            _ => {}
        }
    }
}

/// The `data` of a `message` entry.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct LogMessage {
    /// The message with its parameters filled in.
    #[serde(deserialize_with = "lenient::text")]
    pub formatted: Option<String>,
    /// The message as the program has it.
    #[serde(deserialize_with = "lenient::text")]
    pub message: Option<String>,
}

/// The `data` of a `csp` entry: what a browser did not load for a page, or would not have loaded.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct CspReport {
    /// The directive that was broken: `script-src-elem`.
    #[serde(deserialize_with = "lenient::text")]
    pub effective_directive: Option<String>,
    /// The directive as the policy has it, with its sources.
    #[serde(deserialize_with = "lenient::text")]
    pub violated_directive: Option<String>,
    /// What was blocked: an address, `inline`, `eval`.
    #[serde(deserialize_with = "lenient::text")]
    pub blocked_uri: Option<String>,
    /// The page.
    #[serde(deserialize_with = "lenient::text")]
    pub document_uri: Option<String>,
    /// The file that asked for it.
    #[serde(deserialize_with = "lenient::text")]
    pub source_file: Option<String>,
    /// The line of that file.
    #[serde(deserialize_with = "lenient::number")]
    pub line_number: Option<u64>,
    /// `enforce`, or `report` where nothing was blocked.
    #[serde(deserialize_with = "lenient::text")]
    pub disposition: Option<String>,
}

/// The `data` of an `exception` entry.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Exceptions {
    /// The chain: the cause first, what was finally raised last.
    #[serde(deserialize_with = "lenient::end_of_list")]
    pub values: Vec<Exception>,
}

/// An exception.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Exception {
    /// `ConnectionError`.
    #[serde(rename = "type", deserialize_with = "lenient::text")]
    pub kind: Option<String>,
    /// Its words.
    #[serde(deserialize_with = "lenient::text")]
    pub value: Option<String>,
    /// Where it was raised; null where the frames are those of a thread.
    #[serde(deserialize_with = "lenient::field")]
    pub stacktrace: Option<Stacktrace>,
    /// The id of the thread that raised it.
    #[serde(rename = "threadId", deserialize_with = "lenient::text")]
    pub thread_id: Option<String>,
}

/// The `data` of a `threads` entry.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Threads {
    /// The threads.
    #[serde(deserialize_with = "lenient::list")]
    pub values: Vec<Thread>,
}

/// A thread.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Thread {
    /// The id.
    #[serde(deserialize_with = "lenient::text")]
    pub id: Option<String>,
    /// Whether it is the one that crashed.
    #[serde(deserialize_with = "lenient::field")]
    pub crashed: Option<bool>,
    /// Whether it is the one that made the event.
    #[serde(deserialize_with = "lenient::field")]
    pub current: Option<bool>,
    /// Where it was.
    #[serde(deserialize_with = "lenient::field")]
    pub stacktrace: Option<Stacktrace>,
}

/// A stack trace.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Stacktrace {
    /// The frames: the outermost call first, where it happened last.
    #[serde(deserialize_with = "lenient::end_of_list")]
    pub frames: Vec<Frame>,
}

/// A stack frame.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Frame {
    /// The file, shortened.
    #[serde(deserialize_with = "lenient::text")]
    pub filename: Option<String>,
    /// The whole path or URL of the file.
    #[serde(deserialize_with = "lenient::text")]
    pub abs_path: Option<String>,
    /// The module or class.
    #[serde(deserialize_with = "lenient::text")]
    pub module: Option<String>,
    /// The function.
    #[serde(deserialize_with = "lenient::text")]
    pub function: Option<String>,
    /// The line.
    #[serde(deserialize_with = "lenient::number")]
    pub line_no: Option<u64>,
    /// Whether it is of the application itself, not of a library.
    #[serde(deserialize_with = "lenient::field")]
    pub in_app: Option<bool>,
    /// Lines of the source, with their numbers.
    #[serde(deserialize_with = "lenient::rows")]
    pub context: Vec<(u64, Option<String>)>,
}

impl Frame {
    /// The line of source where it stands.
    pub fn source_line(&self) -> Option<&str> {
        let number = self.line_no?;
        self.context.iter().find(|(line, _)| *line == number)?.1.as_deref()
    }
}
