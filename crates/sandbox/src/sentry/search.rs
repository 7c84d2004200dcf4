//! The search language of the issue list, as far as investigations use it.
//!
//! Terms are joined by an implicit AND. `key:value`, `key:"two words"`, `key:[a,b]`, `key:>10`, `!` before a term, and
//! free text (quoted or not) that the title, the culprit or the short id must contain. A `*` in a value stands for any
//! run of characters. `OR`, `AND`, parentheses, an unknown `is:` value and an open quotation mark are errors.

use super::accounts::Account;
use super::data::{Assignee, Issue, Status};
use super::errors::ApiError;
use super::time::period_ms;

/// What `is:` may be followed by (`is_filter_translation`).
const IS_VALUES: [&str; 13] = [
    "archived",
    "archived_forever",
    "archived_until_escalating",
    "assigned",
    "escalating",
    "for_review",
    "ignored",
    "new",
    "ongoing",
    "regressed",
    "resolved",
    "unassigned",
    "unresolved",
];

/// One term. A key that is no field of an issue is the name of a tag.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Term {
    negated: bool,
    /// `None` for free text.
    key: Option<String>,
    /// Any of these.
    values: Vec<String>,
}

/// A parsed query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Search(Vec<Term>);

impl Search {
    pub(crate) fn parse(query: &str) -> Result<Search, ApiError> {
        let words = words(query)?;
        let terms = words.iter().map(|word| term(word)).collect::<Result<Vec<Term>, ApiError>>()?;
        Ok(Search(terms))
    }

    /// Whether `issue` is found when `account` searches.
    pub(crate) fn finds(&self, issue: &Issue, account: &Account) -> bool {
        self.0.iter().all(|term| {
            let found = term.values.iter().any(|value| holds(term.key.as_deref(), value, issue, account));
            found != term.negated
        })
    }
}

/// Splits at white space outside of quotation marks and brackets.
fn words(query: &str) -> Result<Vec<String>, ApiError> {
    let (mut words, mut word) = (Vec::new(), String::new());
    let (mut quoted, mut bracketed) = (false, false);
    for (index, letter) in query.chars().enumerate() {
        match letter {
            '"' => quoted = !quoted,
            '[' if !quoted => bracketed = true,
            ']' if !quoted => bracketed = false,
            '(' | ')' if !quoted => return Err(parse_error(query, index)),
            _ => {}
        }
        if letter.is_whitespace() && !quoted && !bracketed {
            words.push(std::mem::take(&mut word));
        } else {
            word.push(letter);
        }
    }
    if quoted || bracketed {
        return Err(parse_error(query, query.chars().count()));
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    Ok(words)
}

fn parse_error(query: &str, column: usize) -> ApiError {
    let near: String = query.chars().skip(column.saturating_sub(5)).take(10).collect();
    ApiError::BadRequest(format!(
        "Parse error at '{near}' (column {column}). This is commonly caused by unmatched parentheses. \
         Enclose any text in double quotes."
    ))
}

fn term(word: &str) -> Result<Term, ApiError> {
    if matches!(word, "OR" | "AND") {
        let text = "Boolean statements containing \"OR\" or \"AND\" are not supported in this search";
        return Err(ApiError::BadRequest(text.to_owned()));
    }
    let (negated, body) = word.strip_prefix('!').map_or((false, word), |rest| (true, rest));
    let keyed = body.split_once(':').filter(|(key, _)| is_key(key));
    let Some((key, value)) = keyed else {
        return Ok(Term { negated, key: None, values: vec![unquoted(body)] });
    };
    if value.trim_start_matches(['=', '!', '<', '>']).is_empty() {
        return Err(ApiError::BadRequest(format!("Empty string after '{key}:'")));
    }
    let list = value.strip_prefix('[').and_then(|value| value.strip_suffix(']'));
    let values: Vec<String> = match list {
        Some(list) => list.split(',').map(|value| unquoted(value.trim())).collect(),
        None => vec![unquoted(value)],
    };
    let unknown = values.iter().find(|value| key == "is" && !IS_VALUES.contains(&value.as_str()));
    if unknown.is_some() {
        let valid = IS_VALUES.map(|value| format!("'{value}'")).join(", ");
        let text = format!("Invalid value for \"is\" search, valid values are [{valid}]");
        return Err(ApiError::BadRequest(text));
    }
    Ok(Term { negated, key: Some(key.to_owned()), values })
}

fn is_key(text: &str) -> bool {
    let part = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-' | '[' | ']');
    !text.is_empty() && text.chars().all(part)
}

fn unquoted(text: &str) -> String {
    text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text).to_owned()
}

fn holds(key: Option<&str>, value: &str, issue: &Issue, account: &Account) -> bool {
    let same = |text: &str| fits(value, text);
    match key {
        None | Some("title" | "message") => {
            let contains = |text: &str| text.to_lowercase().contains(&value.to_lowercase().replace('*', ""));
            contains(&issue.title()) || contains(issue.culprit.unwrap_or_default()) || contains(&issue.short_id)
        }
        Some("is") => is(value, issue),
        Some("assigned" | "assigned_to" | "assigned_or_suggested") => assigned(value, issue, account),
        Some("level") => same(issue.level),
        Some("issue" | "short_id") => same(&issue.short_id),
        Some("issue.priority") => same(issue.priority),
        Some("issue.category" | "issue.type") => same("error"),
        Some("project" | "project.name") => same(issue.project.slug),
        Some("platform") => same(super::data::event_platform(issue.project.platform)),
        Some("environment") => same(issue.environment),
        Some("error.type") => same(issue.kind),
        Some("error.value") => same(&issue.value),
        Some("error.handled") => same(if issue.handled { "true" } else { "false" }) || same(digit(issue.handled)),
        Some("error.unhandled") => same(if issue.handled { "false" } else { "true" }) || same(digit(!issue.handled)),
        Some("transaction" | "culprit") => same(issue.culprit.unwrap_or_default()),
        Some("release" | "firstRelease" | "lastRelease") => released(key, value, issue),
        Some("timesSeen" | "times_seen") => compares(value, issue.count),
        Some("users_seen" | "user_count") => compares(value, issue.users),
        Some("firstSeen" | "first_seen" | "age") => within(value, issue.first_seen_age_ms),
        Some("lastSeen" | "last_seen") => within(value, issue.last_seen_age_ms),
        Some("has") => has(value, issue),
        Some(tag) => super::event_json::tags(issue).iter().any(|(known, text)| *known == tag && same(text)),
    }
}

fn digit(yes: bool) -> &'static str {
    if yes { "1" } else { "0" }
}

fn is(value: &str, issue: &Issue) -> bool {
    match value {
        "unresolved" => issue.status == Status::Unresolved,
        "resolved" => issue.status == Status::Resolved,
        "archived" | "ignored" => issue.status == Status::Archived,
        "assigned" => issue.assignee.is_some(),
        "unassigned" => issue.assignee.is_none(),
        "for_review" => matches!(issue.substatus, "new" | "regressed" | "escalating"),
        substatus => issue.substatus == substatus,
    }
}

fn assigned(value: &str, issue: &Issue, account: &Account) -> bool {
    match (value, issue.assignee) {
        ("none", None) => true,
        ("me", Some(Assignee::Account(email))) => email == account.email,
        (value, Some(Assignee::Account(email))) => value.eq_ignore_ascii_case(email),
        (value, Some(Assignee::Team(team))) => value.strip_prefix('#') == Some(team),
        (_, None) => false,
    }
}

fn released(key: Option<&str>, value: &str, issue: &Issue) -> bool {
    let first = issue.first_release.as_deref();
    let last = issue.last_release.as_deref();
    let latest = issue.project.releases().pop();
    let candidates = match key {
        Some("firstRelease") => vec![first],
        Some("lastRelease") => vec![last],
        _ => vec![first, last],
    };
    let wanted = if value == "latest" { latest.as_deref().unwrap_or_default() } else { value };
    candidates.into_iter().flatten().any(|version| fits(wanted, version) || version.ends_with(&format!("@{wanted}")))
}

/// `12`, `>12`, `>=12`, `<12` or `<=12`.
fn compares(value: &str, number: u64) -> bool {
    let split = value.find(|letter: char| letter.is_ascii_digit()).unwrap_or(value.len());
    let (operator, digits) = value.split_at(split);
    let Ok(bound) = digits.parse::<u64>() else { return false };
    match operator {
        ">" => number > bound,
        ">=" => number >= bound,
        "<" => number < bound,
        "<=" => number <= bound,
        _ => number == bound,
    }
}

/// `-24h`: since then; `+24h`: before then.
fn within(value: &str, age_ms: i64) -> bool {
    let period = |text: &str| period_ms(text);
    match (value.strip_prefix('-'), value.strip_prefix('+')) {
        (Some(text), _) => period(text).is_some_and(|period| age_ms <= period),
        (_, Some(text)) => period(text).is_some_and(|period| age_ms > period),
        _ => false,
    }
}

fn has(value: &str, issue: &Issue) -> bool {
    match value {
        "assigned" | "assignee" => issue.assignee.is_some(),
        "release" => issue.last_release.is_some(),
        "user" => issue.users > 0,
        tag => super::event_json::tags(issue).iter().any(|(known, _)| *known == tag),
    }
}

/// Equal regardless of case; `*` stands for any run of characters.
fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.to_lowercase(), text.to_lowercase());
    if !pattern.contains('*') {
        return pattern == text;
    }
    crate::faults::glob(&pattern, &text)
}

#[cfg(test)]
mod tests {
    use super::super::accounts::by_email;
    use super::super::data::world;
    use super::*;

    fn found(query: &str) -> Vec<&'static Issue> {
        let (search, ada) = (Search::parse(query).unwrap(), by_email("ada@example.com").unwrap());
        world().issues_of("globex").filter(|issue| search.finds(issue, ada)).collect()
    }

    #[test]
    fn the_three_statuses_divide_the_issues() {
        let all = found("").len();
        assert_eq!(found("is:unresolved").len() + found("is:resolved").len() + found("is:archived").len(), all);
        assert_eq!(found("is:archived").len(), found("is:ignored").len());
        assert!(found("is:resolved").len() > 2);
    }

    #[test]
    fn an_exclamation_mark_turns_a_term_round() {
        let (errors, others) = (found("level:error"), found("!level:error"));
        assert!(!errors.is_empty() && !others.is_empty());
        assert_eq!(errors.len() + others.len(), found("").len());
    }

    #[test]
    fn free_text_is_looked_for_in_the_title_and_quotation_marks_keep_words_together() {
        assert!(found("stripe.com").iter().all(|issue| issue.title().contains("stripe.com")));
        assert_eq!(found("\"did not answer\" klarna").len(), 1);
        assert!(found("\"answer did not\"").is_empty());
    }

    #[test]
    fn assigned_me_is_whoever_searches() {
        assert!(found("assigned:me").iter().all(|issue| issue.assignee == Some(Assignee::Account("ada@example.com"))));
        assert!(!found("assigned:me").is_empty());
        assert!(!found("assigned:#payments").is_empty());
    }

    #[test]
    fn releases_lists_numbers_ages_and_tags_are_understood() {
        assert!(!found("release:checkout-api@2.14.1").is_empty());
        assert!(!found("release:latest").is_empty());
        assert_eq!(found("level:[error,fatal]").len(), found("level:error").len() + found("level:fatal").len());
        assert!(found("times_seen:>1000").iter().all(|issue| issue.count > 1000));
        assert!(found("lastSeen:-24h").iter().all(|issue| issue.last_seen_age_ms <= 24 * 3600 * 1000));
        assert_eq!(found("environment:stag*").len(), found("environment:staging").len());
        assert!(found("no.such.tag:x").is_empty());
    }

    #[test]
    fn what_sentry_does_not_understand_is_a_400() {
        for bad in ["is:broken", "a OR b", "(a", "\"open", "level:", "level:="] {
            assert!(matches!(Search::parse(bad), Err(ApiError::BadRequest(_))), "{bad}");
        }
    }
}
