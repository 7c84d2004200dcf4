//! Sentry's scopes in words. <https://docs.sentry.io/api/permissions/>

use vedette_commands::say::joined;

/// What one scope allows.
struct Scope {
    name: &'static str,
    words: &'static str,
    reads_only: bool,
}

const fn reads(name: &'static str, words: &'static str) -> Scope {
    Scope { name, words, reads_only: true }
}

const fn writes(name: &'static str, words: &'static str) -> Scope {
    Scope { name, words, reads_only: false }
}

const SCOPES: &[Scope] = &[
    reads("event:read", "Read issues and events"),
    writes("event:write", "Change issues: resolve, assign, comment"),
    writes("event:admin", "Change and delete issues and events"),
    reads("org:read", "Read organizations"),
    writes("org:write", "Change organizations"),
    writes("org:admin", "Change and delete organizations"),
    writes("org:integrations", "Manage integrations"),
    writes("org:ci", "Upload releases and source maps"),
    reads("project:read", "Read projects"),
    writes("project:write", "Create and change projects"),
    writes("project:admin", "Create, change and delete projects"),
    writes("project:releases", "Read, create and change releases"),
    writes("project:distribution", "Download builds"),
    reads("team:read", "Read teams"),
    writes("team:write", "Create and change teams"),
    writes("team:admin", "Create, change and delete teams"),
    reads("member:read", "Read members"),
    writes("member:invite", "Invite members"),
    writes("member:write", "Add and change members"),
    writes("member:admin", "Add, change and remove members"),
    reads("alerts:read", "Read alerts"),
    writes("alerts:write", "Create and change alerts"),
    reads("openid", "Know who you are"),
    reads("profile", "Read your name"),
    reads("email", "Read your email address"),
];

/// How the words of a scope that only reads begin.
const READ: &str = "Read ";

fn known(name: &str) -> Option<&'static Scope> {
    SCOPES.iter().find(|scope| scope.name == name)
}

/// What `scope` allows, in words; `None` for one that is not known.
pub(crate) fn in_words(scope: &str) -> Option<&'static str> {
    known(scope).map(|scope| scope.words)
}

/// What `scopes` allow, in one line: `Reads issues, events, projects and teams.`
pub(crate) fn in_one_line(scopes: &[String]) -> String {
    let words: Vec<&str> = scopes.iter().map(|scope| in_words(scope).unwrap_or(scope)).collect();
    let (read, others): (Vec<&str>, Vec<&str>) = words.into_iter().partition(|words| words.starts_with(READ));
    let read: Vec<&str> = read.iter().flat_map(|words| words.trim_start_matches(READ).split(" and ")).collect();
    let reads = (!read.is_empty()).then(|| format!("Reads {}.", joined(&read, "and")));
    let others = others.iter().map(|words| format!("{words}."));
    reads.into_iter().chain(others).collect::<Vec<_>>().join(" ")
}

/// Whether nothing can be changed with `scopes`. One that is not known might change anything.
pub(crate) fn read_only(scopes: &[String]) -> bool {
    scopes.iter().all(|scope| known(scope).is_some_and(|scope| scope.reads_only))
}
