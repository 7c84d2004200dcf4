//! Slugs: the short names of organizations and projects, as they stand in URLs and as people type them.
//!
//! Sentry makes slugs of `a-z`, `0-9`, `-` and `_`, and never of digits alone (its `MIXED_SLUG_PATTERN`). An organization's
//! begins with a letter or a digit (`ORG_SLUG_PATTERN`); a project's may begin with `_` or `-` as well: `_internal`. People
//! type them in any case. Where a project's slug may stand, Sentry accepts its numeric id too, and older links have it there.

use std::fmt::{self, Display};

/// The longest project slug is 100 characters; an organization's is shorter.
const MAX_LENGTH: usize = 100;

/// A text that can be a slug, and so can stand in a path of Sentry's API as one segment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Slug(String);

impl Slug {
    /// Reads the slug of an organization.
    pub fn organization(text: &str) -> Option<Slug> {
        let starts_well = text.starts_with(|first: char| first.is_ascii_alphanumeric());
        (starts_well && has_slug_characters(text) && !is_number(text)).then(|| Slug(text.to_owned()))
    }

    /// Reads the slug of a project, or its numeric id.
    pub fn project(text: &str) -> Option<Slug> {
        has_slug_characters(text).then(|| Slug(text.to_owned()))
    }

    /// Reads the segments of a path: nothing, `organization`, or `organization/project`.
    pub fn place(segments: &[&str]) -> Option<(Option<Slug>, Option<Slug>)> {
        match segments {
            [] => Some((None, None)),
            [organization] => Some((Some(Slug::organization(organization)?), None)),
            [organization, project] => Some((Some(Slug::organization(organization)?), Some(Slug::project(project)?))),
            _ => None,
        }
    }

    /// The slug as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Display for Slug {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl From<Slug> for String {
    fn from(slug: Slug) -> String {
        slug.0
    }
}

/// Whether `text` can be the slug of an organization.
pub fn is_organization(text: &str) -> bool {
    Slug::organization(text).is_some()
}

/// Whether `text` can be the slug of a project, or its numeric id.
pub fn is_project(text: &str) -> bool {
    Slug::project(text).is_some()
}

fn has_slug_characters(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=MAX_LENGTH).contains(&text.len()) && text.bytes().all(allowed)
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_organization_begins_with_a_letter_or_a_digit_and_is_no_number() {
        for yes in ["globex", "Globex", "a", "4ever", "globex-2", "globex_2", &"a".repeat(100)] {
            assert!(is_organization(yes), "{yes}");
        }
        for no in ["", "_internal", "-globex", "42", ".", "..", "a.b", "a/b", "a b", "glöbex", "%2e", &"a".repeat(101)]
        {
            assert!(!is_organization(no), "{no}");
        }
    }

    #[test]
    fn a_project_may_begin_with_an_underscore_or_a_dash_and_may_be_an_id() {
        for yes in ["checkout-api", "_internal", "-web", "__init__", "4507", "Web"] {
            assert!(is_project(yes), "{yes}");
        }
        for no in ["", "..", "a.b", "web/api", "web api", "wéb", "web?", "web#1"] {
            assert!(!is_project(no), "{no}");
        }
    }

    #[test]
    fn a_path_is_a_place_or_nothing() {
        let read = |segments: &[&str]| {
            let (organization, project) = Slug::place(segments)?;
            Some((organization.map(String::from), project.map(String::from)))
        };
        let of = |slug: &str| Some(slug.to_owned());
        assert_eq!(read(&[]), Some((None, None)));
        assert_eq!(read(&["globex"]), Some((of("globex"), None)));
        assert_eq!(read(&["globex", "_internal"]), Some((of("globex"), of("_internal"))));
        for bad in [&["_internal"][..], &["42"], &["", "web"], &["globex", ""], &["globex", "web", "x"], &[".."]] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }
}
