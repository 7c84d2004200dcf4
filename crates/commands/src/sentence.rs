//! The words of a plain sentence: which of them name nothing, a time, a place, an issue.

use vedette_sentry::slug;
use vedette_sentry::urls::{IssueName, Reference};

/// Words that name nothing.
const FILLERS: [&str; 60] = [
    "a", "about", "all", "an", "and", "any", "are", "at", "been", "can", "could", "did", "do", "does", "doing", "for",
    "from", "get", "give", "has", "have", "how", "i", "in", "is", "it", "last", "latest", "look", "me", "my", "need",
    "now", "of", "on", "our", "past", "please", "right", "see", "should", "show", "some", "tell", "that", "the",
    "there", "these", "this", "to", "us", "want", "was", "we", "were", "what", "which", "with", "would", "you",
];

/// More words that name nothing, in sentences that are run: each could be left out.
const MORE_FILLERS: [&str; 41] = [
    "am",
    "anything",
    "be",
    "came",
    "check",
    "come",
    "currently",
    "display",
    "everything",
    "going",
    "got",
    "here",
    "hey",
    "hi",
    "i'd",
    "i'm",
    "it's",
    "its",
    "just",
    "kindly",
    "know",
    "let",
    "let's",
    "list",
    "moment",
    "open",
    "recent",
    "recently",
    "sentry",
    "since",
    "so",
    "something",
    "thanks",
    "then",
    "there's",
    "vedette",
    "view",
    "what's",
    "whats",
    "who",
    "within",
];

/// Whether a word adds nothing to what a sentence asks.
pub fn is_filler(lower: &str) -> bool {
    FILLERS.contains(&lower) || MORE_FILLERS.contains(&lower)
}

/// Whether a word is about time.
pub fn is_time(lower: &str) -> bool {
    TIMES.iter().any(|time| same(lower, time))
}

/// Words about time, which are no place.
const TIMES: [&str; 16] = [
    "today",
    "yesterday",
    "hour",
    "hours",
    "day",
    "days",
    "week",
    "weeks",
    "month",
    "months",
    "morning",
    "afternoon",
    "evening",
    "night",
    "tonight",
    "minutes",
];

/// A sentence, by its words: in lower case, without punctuation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    words: Vec<String>,
}

impl Sentence {
    /// The sentence that `words` make.
    pub fn new<'w>(words: impl IntoIterator<Item = &'w str>) -> Sentence {
        let punctuation = |character: char| ".,;:!?()[]{}\"'“”‘’…".contains(character);
        let words = words.into_iter().map(|word| word.trim_matches(punctuation)).filter(|word| !word.is_empty());
        Sentence { words: words.map(str::to_lowercase).collect() }
    }

    /// The words that may mean something, in lower case.
    pub fn content(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(String::as_str).filter(|word| !FILLERS.contains(word))
    }

    /// Whether it is told like a sentence: with words that name nothing.
    pub fn is_prose(&self) -> bool {
        self.words.iter().any(|word| FILLERS.contains(&word.as_str()))
    }
}

/// Whether `text` is surely meant as an issue: a reference that no ordinary word can be.
pub fn looks_like_issue(text: &str) -> bool {
    let Some(IssueName { organization, issue, event }) = IssueName::parse(text) else { return false };
    let said = event.is_some() || text.contains('#');
    match issue {
        Reference::Latest | Reference::MostFrequent => true,
        Reference::Id(id) => said || organization.is_some() || id.len() >= 5,
        Reference::Short(id) => {
            let name = text.rsplit('/').next().unwrap_or(text);
            let capitals = !name.chars().any(char::is_lowercase) && name.chars().any(char::is_alphabetic);
            let number = id.rsplit('-').next().unwrap_or_default();
            let numbered = number.chars().any(|digit| digit.is_ascii_digit()) && number.len() <= 6;
            said || capitals || numbered
        }
    }
}

/// Whether `word` is `known` or its plural.
pub fn same(word: &str, known: &str) -> bool {
    word == known
        || word.strip_suffix("es").or_else(|| word.strip_suffix('s')).is_some_and(|stem| stem == known)
        || word.strip_suffix('s') == Some(known)
}

/// Whether `lower` can be the name of an organization or a project, or `organization/project`.
pub fn is_place(lower: &str) -> bool {
    let slugs = lower.split_once('/').map_or(slug::is_organization(lower), |(organization, project)| {
        slug::is_organization(organization) && slug::is_project(project)
    });
    let number = lower.chars().all(|character| character.is_ascii_digit());
    let thing = ["project", "organization", "issue", "error", "production", "prod", "staging", "fire"]
        .iter()
        .any(|word| same(lower, word));
    slugs && !number && !thing && !FILLERS.contains(&lower) && !TIMES.contains(&lower) && !looks_like_issue(lower)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issue_is_told_from_ordinary_words() {
        for yes in ["CHECKOUT-API-4F", "checkout-api-4f", "globex/CHECKOUT-API-4F", "123456", "@latest", "FRONTEND-A"] {
            assert!(looks_like_issue(yes), "{yes}");
        }
        for no in ["checkout-api", "issue-list", "42", "opt-out", "globex/checkout", "hello", "well-known"] {
            assert!(!looks_like_issue(no), "{no}");
        }
    }
}
