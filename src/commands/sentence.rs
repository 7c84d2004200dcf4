//! A plain sentence, and what it says that a command could use: where, since when, which issue.

use crate::sentry::slug;
use crate::sentry::urls::{IssueName, Reference};

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

/// Words after which people name an organization or a project.
const PREPOSITIONS: [&str; 7] = ["in", "for", "from", "of", "on", "at", "within"];

/// A sentence, by its words: without punctuation, and once more in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    words: Vec<(String, String)>,
}

impl Sentence {
    /// The sentence that `words` make.
    pub fn new<'w>(words: impl IntoIterator<Item = &'w str>) -> Sentence {
        let punctuation = |character: char| ".,;:!?()[]{}\"'“”‘’…".contains(character);
        let words = words.into_iter().map(|word| word.trim_matches(punctuation)).filter(|word| !word.is_empty());
        Sentence { words: words.map(|word| (word.to_owned(), word.to_lowercase())).collect() }
    }

    /// The words that may mean something, in lower case.
    pub fn content(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(|(_, lower)| lower.as_str()).filter(|word| !FILLERS.contains(word))
    }

    /// Whether it is told like a sentence: with words that name nothing.
    pub fn is_prose(&self) -> bool {
        self.words.iter().any(|(_, lower)| FILLERS.contains(&lower.as_str()))
    }

    /// Whether it only greets.
    pub fn greets(&self) -> bool {
        const GREETINGS: [&str; 6] = ["hi", "hello", "hey", "hallo", "hola", "yo"];
        self.words.len() <= 3 && self.words.first().is_some_and(|(_, first)| GREETINGS.contains(&first.as_str()))
    }

    /// Whether one of `words` is said, in the singular or the plural.
    pub fn says(&self, words: &[&str]) -> bool {
        self.words.iter().any(|(_, lower)| words.iter().any(|word| same(lower, word)))
    }

    /// The organization, project or `organization/project` that is named after a preposition.
    pub fn place(&self) -> Option<&str> {
        let pairs = self.words.iter().zip(self.words.iter().skip(1));
        let named = pairs.filter(|((_, before), _)| PREPOSITIONS.contains(&before.as_str())).map(|(_, word)| word);
        // "in the checkout project": an article may stand between.
        let after_article = self.words.iter().zip(self.words.iter().skip(1)).zip(self.words.iter().skip(2));
        let after_article = after_article
            .filter(|(((_, before), (_, article)), _)| {
                PREPOSITIONS.contains(&before.as_str()) && matches!(article.as_str(), "the" | "our" | "my")
            })
            .map(|(_, word)| word);
        named.chain(after_article).find(|(_, lower)| is_place(lower)).map(|(word, _)| word.as_str())
    }

    /// The period that is named, as Sentry writes it: `24h`.
    pub fn period(&self) -> Option<String> {
        let lower: Vec<&str> = self.words.iter().map(|(_, lower)| lower.as_str()).collect();
        let numbered = lower.windows(2).find_map(|pair| {
            let [number, unit] = pair else { return None };
            let number: u64 = number.parse().ok().filter(|number| (1..1000).contains(number))?;
            let unit = ["minute", "hour", "day", "week", "month"].into_iter().find(|known| same(unit, known))?;
            Some(match unit {
                "minute" => format!("{number}m"),
                "hour" => format!("{number}h"),
                "day" => format!("{number}d"),
                "week" => format!("{number}w"),
                _ => format!("{}d", number * 30),
            })
        });
        numbered.or_else(|| {
            let named: &[(&[&str], &str)] = &[
                (&["today", "tonight", "morning", "afternoon", "evening"], "24h"),
                (&["yesterday", "night"], "48h"),
                (&["hour"], "1h"),
                (&["day"], "24h"),
                (&["week"], "7d"),
                (&["month"], "30d"),
            ];
            named.iter().find(|(words, _)| self.says(words)).map(|(_, period)| (*period).to_owned())
        })
    }

    /// The issue that is named by its short id, as it stands: `CHECKOUT-API-4F`, `globex/CHECKOUT-API-4F`.
    pub fn issue(&self) -> Option<&str> {
        self.words.iter().map(|(word, _)| word.as_str()).find(|word| looks_like_issue(word))
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

    fn sentence(text: &str) -> Sentence {
        Sentence::new(text.split_whitespace())
    }

    #[test]
    fn a_place_follows_a_preposition() {
        for (text, expected) in [
            ("what broke in checkout today?", Some("checkout")),
            ("show me unresolved errors in globex", Some("globex")),
            ("errors for globex/checkout-api, please", Some("globex/checkout-api")),
            ("what is new in the storefront project?", Some("storefront")),
            ("what happened in the last week", None),
            ("errors in production", None),
            ("anything on fire", None),
            ("", None),
        ] {
            assert_eq!(sentence(text).place(), expected, "{text}");
        }
    }

    #[test]
    fn a_period_is_read_from_words() {
        for (text, expected) in [
            ("what broke today?", Some("24h")),
            ("errors of the last 3 days", Some("3d")),
            ("the last 2 months", Some("60d")),
            ("this week", Some("7d")),
            ("in the past hour", Some("1h")),
            ("errors", None),
        ] {
            assert_eq!(sentence(text).period().as_deref(), expected, "{text}");
        }
    }

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
