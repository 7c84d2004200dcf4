//! The world that the fake Sentry knows: organizations, projects and issues. All times are *ages*: they are counted
//! back from the moment of the request, so the data is always fresh.

mod checkout;
mod elsewhere;
mod globex;
mod hostile;
mod system_frames;

use std::sync::LazyLock;

pub(crate) use hostile::SENSITIVE_CANARY;
pub(crate) use system_frames::{event_platform, of_platform};

const MINUTE_MS: i64 = 60 * 1000;
/// Each project has had so many releases.
const RELEASES: u32 = 4;

/// An organization.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Organization {
    pub(crate) id: &'static str,
    pub(crate) slug: &'static str,
    pub(crate) name: &'static str,
    /// `us` or `de`.
    pub(crate) region: &'static str,
    /// Slugs.
    pub(crate) teams: &'static [&'static str],
}

/// A project.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Project {
    pub(crate) id: &'static str,
    pub(crate) organization: &'static str,
    pub(crate) slug: &'static str,
    pub(crate) name: &'static str,
    /// As Sentry names SDK platforms; `None` for a project that never said.
    pub(crate) platform: Option<&'static str>,
    pub(crate) team: &'static str,
    /// The version of the oldest of its four releases; the others follow.
    pub(crate) first_release: (u32, u32),
}

/// Where an error was raised: a few lines of a source file.
#[derive(Debug)]
pub(crate) struct Code {
    pub(crate) module: &'static str,
    pub(crate) filename: &'static str,
    pub(crate) function: &'static str,
    /// The number of the line that raised.
    pub(crate) line: u32,
    pub(crate) snippet: &'static [&'static str],
    /// Which line of the snippet raised, from 0.
    pub(crate) hot: usize,
}

/// Several issues that are raised at one place.
#[derive(Debug)]
pub(crate) struct Template {
    pub(crate) kind: &'static str,
    pub(crate) code: Option<&'static Code>,
    pub(crate) level: &'static str,
    /// Whether the code caught the error and reported it.
    pub(crate) handled: bool,
    /// Each issue's value and culprit.
    pub(crate) variants: &'static [(&'static str, Option<&'static str>)],
}

/// Whether an issue needs somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Unresolved,
    Resolved,
    Archived,
}

/// Who has an issue on the desk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Assignee {
    Account(&'static str),
    Team(&'static str),
}

/// An issue.
#[derive(Debug)]
pub(crate) struct Issue {
    pub(crate) id: u64,
    pub(crate) short_id: String,
    pub(crate) project: &'static Project,
    /// The exception's type; empty for a plain message.
    pub(crate) kind: &'static str,
    pub(crate) value: String,
    pub(crate) culprit: Option<&'static str>,
    pub(crate) code: Option<&'static Code>,
    pub(crate) level: &'static str,
    pub(crate) handled: bool,
    pub(crate) status: Status,
    pub(crate) substatus: &'static str,
    pub(crate) priority: &'static str,
    pub(crate) count: u64,
    pub(crate) users: u64,
    pub(crate) first_seen_age_ms: i64,
    pub(crate) last_seen_age_ms: i64,
    pub(crate) assignee: Option<Assignee>,
    pub(crate) environment: &'static str,
    pub(crate) first_release: Option<String>,
    pub(crate) last_release: Option<String>,
}

impl Issue {
    /// As it stands in lists.
    pub(crate) fn title(&self) -> String {
        let first_line = self.value.lines().next().unwrap_or_default();
        match (self.kind, first_line) {
            ("", message) => message.to_owned(),
            (kind, "") => kind.to_owned(),
            (kind, value) => format!("{kind}: {value}"),
        }
    }

    pub(crate) fn is_error(&self) -> bool {
        !self.kind.is_empty()
    }
}

impl Project {
    /// The versions of the project's releases, oldest first.
    pub(crate) fn releases(&self) -> Vec<String> {
        let (major, minor) = self.first_release;
        (0..RELEASES).map(|step| format!("{}@{major}.{}.{}", self.slug, minor + step, step % 2)).collect()
    }

    /// The release that was the latest so long ago; before the oldest one, that one.
    fn release_at(&self, age_ms: i64) -> Option<String> {
        let mut oldest = None;
        for (version, steps_back) in self.releases().into_iter().rev().zip(0..) {
            if release_age_ms(steps_back) >= age_ms {
                return Some(version);
            }
            oldest = Some(version);
        }
        oldest
    }
}

/// How long ago a release came out, counted back from the latest one.
pub(crate) fn release_age_ms(steps_back: i64) -> i64 {
    (20 + steps_back * 19 * 24) * 60 * MINUTE_MS
}

/// Everything.
pub(crate) struct World {
    pub(crate) organizations: &'static [Organization],
    pub(crate) projects: &'static [Project],
    pub(crate) issues: Vec<Issue>,
}

impl World {
    pub(crate) fn organization(&self, slug_or_id: &str) -> Option<&'static Organization> {
        self.organizations.iter().find(|known| known.slug == slug_or_id || known.id == slug_or_id)
    }

    pub(crate) fn projects_of(&self, organization: &str) -> impl Iterator<Item = &'static Project> {
        self.projects.iter().filter(move |project| project.organization == organization)
    }

    pub(crate) fn issues_of(&self, organization: &str) -> impl Iterator<Item = &Issue> {
        self.issues.iter().filter(move |issue| issue.project.organization == organization)
    }
}

/// The one world.
pub(crate) fn world() -> &'static World {
    static WORLD: LazyLock<World> = LazyLock::new(|| {
        let mut issues = checkout::issues();
        issues.extend(globex::issues());
        issues.extend(elsewhere::issues());
        issues.extend(hostile::issues());
        World { organizations: &elsewhere::ORGANIZATIONS, projects: &elsewhere::PROJECTS, issues }
    });
    &WORLD
}

fn project(slug: &str) -> Option<&'static Project> {
    elsewhere::PROJECTS.iter().find(|project| project.slug == slug)
}

/// Makes the issues of one project from its templates, taking the first variant of each, then the second of each, …
/// Numbers and ages come from the issue's number, so they are the same in every run.
fn issues_from(slug: &str, first_number: u32, templates: &[Template]) -> Vec<Issue> {
    let Some(project) = project(slug) else { return Vec::new() };
    let rounds = templates.iter().map(|template| template.variants.len()).max().unwrap_or(0);
    let in_turn = (0..rounds).flat_map(|round| {
        templates.iter().filter_map(move |template| template.variants.get(round).map(|variant| (template, variant)))
    });
    let numbered = in_turn.zip(0_u32..);
    numbered.map(|((template, variant), index)| issue(project, first_number, index, template, variant)).collect()
}

fn issue(
    project: &'static Project,
    first_number: u32,
    index: u32,
    template: &Template,
    (value, culprit): &(&str, Option<&'static str>),
) -> Issue {
    // Steps that are prime to the range wander through it without a visible order.
    let number = first_number + index * 3 + index % 2;
    let wander = |step: u64, range: u64| (u64::from(number) * step + u64::from(index) * 13) % range;
    let status = match index % 11 {
        6 => Status::Resolved,
        9 => Status::Archived,
        _ => Status::Unresolved,
    };
    let last_seen_age_ms = i64::from(2 + index * index * 7 + index * 5 % 7) * MINUTE_MS;
    let fresh = index % 8 == 3;
    let lived_minutes = 30 + wander(7919, if fresh { 60 * 9 } else { 60 * 24 * 40 });
    let first_seen_age_ms = last_seen_age_ms + i64::try_from(lived_minutes).unwrap_or(0) * MINUTE_MS;
    let count = 1 + wander(97, 61) * wander(31, 89);
    let assignee = match index % 5 {
        1 => Some(Assignee::Account("ada@example.com")),
        3 => Some(Assignee::Team(project.team)),
        _ => None,
    };
    Issue {
        id: 5_512_000_000 + u64::from(crc(project.slug)) * 10_000 + u64::from(number),
        short_id: format!("{}-{}", project.slug.to_ascii_uppercase(), base32(number)),
        project,
        kind: template.kind,
        value: (*value).to_owned(),
        culprit: *culprit,
        code: template.code,
        level: template.level,
        handled: template.handled,
        status,
        substatus: match (status, fresh, index % 7) {
            (Status::Resolved, ..) => "",
            (Status::Archived, ..) => "archived_until_escalating",
            (_, true, _) => "new",
            (_, _, 2) => "regressed",
            (_, _, 4) => "escalating",
            _ => "ongoing",
        },
        priority: match template.level {
            "fatal" => "high",
            "error" if template.handled || index % 4 == 2 => "medium",
            "error" => "high",
            _ => "low",
        },
        count,
        users: count.min(1 + wander(41, 53) * wander(11, 19)),
        first_seen_age_ms,
        last_seen_age_ms,
        assignee,
        environment: if index % 6 == 5 { "staging" } else { "production" },
        first_release: project.release_at(first_seen_age_ms),
        last_release: project.release_at(last_seen_age_ms),
    }
}

/// A small number that tells projects apart.
fn crc(slug: &str) -> u16 {
    slug.bytes().fold(7_u16, |sum, byte| (sum * 31 + u16::from(byte)) % 997)
}

/// Crockford's base 32, in which Sentry writes the numbers of short ids.
fn base32(mut number: u32) -> String {
    let mut digits = Vec::new();
    loop {
        let digit = usize::try_from(number % 32).unwrap_or(0);
        digits.push("0123456789ABCDEFGHJKMNPQRSTVWXYZ".chars().nth(digit).unwrap_or('0'));
        number /= 32;
        if number == 0 {
            return digits.into_iter().rev().collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_issue_has_its_own_id_and_short_id() {
        let issues = &world().issues;
        assert_eq!(issues.iter().map(|issue| issue.id).collect::<BTreeSet<_>>().len(), issues.len());
        assert_eq!(issues.iter().map(|issue| &issue.short_id).collect::<BTreeSet<_>>().len(), issues.len());
    }

    #[test]
    fn checkout_api_has_more_issues_than_fit_on_a_page_of_forty() {
        let open = |issue: &&Issue| issue.project.slug == "checkout-api" && issue.status == Status::Unresolved;
        assert!(world().issues.iter().filter(open).count() > 40, "as many as that are unresolved");
    }

    #[test]
    fn the_issue_of_the_documentation_exists() {
        let star = world().issues.iter().find(|issue| issue.short_id == "CHECKOUT-API-4F").unwrap();
        assert_eq!(star.title(), "GatewayTimeout: stripe.com did not answer within 10.0 s");
    }

    #[test]
    fn short_ids_are_written_in_crockfords_base_32() {
        assert_eq!((base32(143), base32(0), base32(1024)), ("4F".into(), "0".into(), "100".into()));
    }
}
