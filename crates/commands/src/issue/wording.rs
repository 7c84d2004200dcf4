//! What a button says that lists issues or shows one: `Show fatal issues in globex`.

use super::list::{self, Sort};
use super::{say, view};
use vedette_sentry::urls::{IssueName, Reference};

/// What a button says that lists issues.
pub(super) fn list(parameters: &list::Parameters) -> String {
    let query = parameters.query.as_deref().map(str::trim);
    let search = Search::read(query.unwrap_or_default());
    let mut kinds = search.kinds.clone();
    if search.is_plain() {
        kinds.push(if query == Some("") { "all" } else { "unresolved" }.to_owned());
    }
    let order = match parameters.sort {
        Some(Sort::Freq) => "most frequent",
        Some(Sort::New) => "newest",
        Some(Sort::Recommended) => "recommended",
        Some(Sort::Trends) => "trending",
        Some(Sort::Date | Sort::User) | None => "",
    };
    let number = parameters.limit.map(|limit| limit.to_string()).unwrap_or_default();
    let by_people = if parameters.sort == Some(Sort::User) { "that affect most people" } else { "" };
    let place: Vec<&str> = [&parameters.organization_slug, &parameters.project_slug_or_id]
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect();
    let place = if place.is_empty() { String::new() } else { format!("in {}", place.join("/")) };
    let period = parameters.period.as_deref().map(since).unwrap_or_default();
    let words = ["Show", if order.is_empty() || search.mine { "" } else { "the" }, if search.mine { "my" } else { "" }];
    let words = words.into_iter().chain([number.as_str(), order]).chain(kinds.iter().map(String::as_str));
    let words = words.chain([search.noun()]).chain(search.limits.iter().map(String::as_str));
    let with = search.with();
    let words: Vec<&str> =
        words.chain([with.as_str(), by_people, &place, &period]).filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

/// `from the last 24 hours`, `from the last hour`.
fn since(period: &str) -> String {
    let words = say::period(period);
    format!("from the last {}", words.strip_prefix("1 ").unwrap_or(&words))
}

/// A search in the words of people.
#[derive(Default)]
struct Search {
    mine: bool,
    /// Before the noun: `fatal`, `archived`.
    kinds: Vec<String>,
    levels: Vec<String>,
    /// After the noun: `of the latest release`.
    limits: Vec<String>,
    /// Whatever else is searched for.
    rest: Vec<String>,
}

impl Search {
    fn read(query: &str) -> Search {
        let mut search = Search::default();
        terms(query).into_iter().for_each(|term| search.take(term));
        if !search.are_errors() {
            let levels: Vec<&str> = search.levels.iter().map(String::as_str).collect();
            search.kinds.extend((!levels.is_empty()).then(|| say::joined(&levels, "and")));
        }
        search
    }

    fn take(&mut self, term: &str) {
        let (key, value) = term.split_once(':').unwrap_or(("", term));
        match (key, value) {
            ("is", "unresolved") => {}
            ("is", "ignored") => self.kinds.push("archived".to_owned()),
            ("is", "for_review") => self.limits.push("for review".to_owned()),
            ("is", state) => self.kinds.push(state.replace('_', " ")),
            ("level", level) => {
                let levels = level.trim_matches(['[', ']']).split(',').map(|level| level.trim().to_owned());
                self.levels.extend(levels.filter(|level| !level.is_empty()));
            }
            ("environment", name) if !name.starts_with('[') => self.kinds.push(bare(name)),
            ("assigned", "me") => self.mine = true,
            ("assigned", whom) => self.limits.push(format!("assigned to {}", bare(whom))),
            ("release", "latest") => self.limits.push("of the latest release".to_owned()),
            ("release", release) => self.limits.push(format!("of release {}", bare(release))),
            ("firstRelease", "latest") => self.limits.push("new in the latest release".to_owned()),
            ("firstRelease", release) => self.limits.push(format!("new in release {}", bare(release))),
            ("", word) => self.rest.push(format!("“{}”", bare(word))),
            _ => self.rest.push(term.to_owned()),
        }
    }

    /// Whether nothing but the unresolved ones are asked for.
    fn is_plain(&self) -> bool {
        let all = [&self.kinds, &self.levels, &self.limits, &self.rest];
        !self.mine && all.into_iter().all(Vec::is_empty)
    }

    fn are_errors(&self) -> bool {
        let has = |level: &str| self.levels.iter().any(|it| it == level);
        has("error") && self.levels.iter().all(|level| level == "error" || level == "fatal")
    }

    fn noun(&self) -> &'static str {
        if self.are_errors() { "errors" } else { "issues" }
    }

    fn with(&self) -> String {
        let rest: Vec<&str> = self.rest.iter().map(String::as_str).collect();
        if rest.is_empty() { String::new() } else { format!("with {}", say::joined(&rest, "and")) }
    }
}

fn bare(value: &str) -> String {
    value.trim_matches(['"', '*']).to_owned()
}

/// The terms of a search: words, of which quotation marks hold several together.
fn terms(query: &str) -> Vec<&str> {
    let mut quoted = false;
    let separates = move |character: char| {
        quoted ^= character == '"';
        character.is_whitespace() && !quoted
    };
    query.split(separates).filter(|term| !term.is_empty()).collect()
}

/// What a button says that shows one issue.
pub(super) fn view(parameters: &view::Parameters) -> String {
    let named = parameters.issue_id.as_deref();
    let place = parameters.organization_slug.as_ref().map(|slug| format!(" in {slug}")).unwrap_or_default();
    let issue = match named.map(|id| IssueName::parse(id).map(|name| name.issue).ok_or(id)) {
        Some(Ok(Reference::Latest)) => format!("the latest issue{place}"),
        Some(Ok(Reference::MostFrequent)) => format!("the most frequent issue{place}"),
        Some(Ok(issue)) => issue.to_string(),
        Some(Err(id)) => id.to_owned(),
        None if parameters.issue_url.is_some() => "that issue".to_owned(),
        None => "the issue that was seen last".to_owned(),
    };
    match parameters.event_id.as_deref() {
        Some("oldest") => format!("Show the oldest event of {issue}"),
        None | Some("latest" | "recommended") => format!("Show {issue}"),
        Some(_) => format!("Show that event of {issue}"),
    }
}
