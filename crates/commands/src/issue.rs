//! `issue …`: finding issues and looking at one.

pub mod list;
mod stack;
pub mod view;
mod wording;

use super::answer::Learned;
use super::say;
use super::target::Place;
use vedette_sentry::types::{Issue, User};

/// What an issue is, in one line.
fn title(issue: &Issue) -> String {
    let metadata = issue.metadata.as_ref();
    let made = metadata.and_then(|metadata| match (&metadata.kind, &metadata.value) {
        (Some(kind), Some(value)) => Some(format!("{kind}: {value}")),
        (Some(only), None) | (None, Some(only)) => Some(only.clone()),
        (None, None) => metadata.title.clone(),
    });
    let title = issue.title.clone().or(made).or_else(|| issue.culprit.clone());
    say::line(title.as_deref().unwrap_or("(no title)"), 200)
}

/// The name people know it by: the short id, else the number.
fn name(issue: &Issue) -> String {
    say::line(issue.short_id.as_deref().or(issue.id.as_deref()).unwrap_or("?"), 120)
}

/// What seeing the issue teaches.
fn learned(place: &Place, issue: &Issue) -> Learned {
    let project = issue.project.as_ref().and_then(|project| project.slug.clone());
    Learned { issue: Some(format!("{}/{}", place.organization, name(issue))), project }
}

/// Whose it is: `Ada Lovelace`, `#payments`.
fn assignee(user: &User) -> Option<String> {
    let name = say::line(user.display_name()?, 80);
    Some(if user.kind.as_deref() == Some("team") { format!("#{}", name.trim_start_matches('#')) } else { name })
}
