//! Which organization and project a command means, when its words leave it open or name it loosely.
//!
//! The order is: what was named; the remembered or default target; the only organization there is; else the person
//! chooses. A single name may be an organization or, as people say "in checkout", a project.

use serde::Serialize;
use url::Url;

use super::answer::{Action, Answer, Does, Invocation, Item, Part};
use super::nearest::nearest;
use super::{CommandError, Context, UsageError, say};
use crate::sentry::error::SentryError;
use crate::sentry::page::Page;
use crate::sentry::slug::Slug;
use crate::sentry::types::{Organization, Project};
use crate::sentry::urls;

/// As many buttons as Slack shows in one block.
const MAX_CHOICES: usize = 25;

/// The parameter that names the organization, in every command that has one.
const ORGANIZATION: &str = "organizationSlug";
/// The parameter that names the project, in every command that has one.
const PROJECT: &str = "projectSlugOrId";

/// Where a command looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The organization's slug.
    pub organization: String,
    /// The project's slug or id.
    pub project: Option<String>,
    /// What was assumed, for the small print.
    pub note: Option<String>,
}

impl Place {
    /// `globex/checkout-api`.
    pub fn name(&self) -> String {
        match &self.project {
            Some(project) => format!("{}/{project}", self.organization),
            None => self.organization.clone(),
        }
    }
}

/// Finds the place that `organization` and `project` mean; `again` is the invocation that a choice completes.
pub async fn resolve(
    context: &Context<'_>,
    organization: Option<&str>,
    project: Option<&str>,
    again: &Invocation,
) -> Result<Place, CommandError> {
    let project = project.filter(|slug| !slug.is_empty()).map(|text| slug(text, Slug::project)).transpose()?;
    // A name that stands alone may be a project's.
    let read = if project.is_some() { Slug::organization } else { Slug::project };
    let Some(named) = organization.filter(|slug| !slug.is_empty()).map(|text| slug(text, read)).transpose()? else {
        return unnamed(context, project, again).await;
    };
    let place = Place { organization: named, project, note: None };
    // A self-hosted Sentry is asked at once, and `correct` helps when it does not know the place. On sentry.io the
    // organizations are needed anyhow, for the region.
    if context.client.host().is_saas() { known(context, place, again).await } else { Ok(place) }
}

async fn unnamed(context: &Context<'_>, project: Option<String>, again: &Invocation) -> Result<Place, CommandError> {
    if let Some(organization) = context.target.organization.clone() {
        let project = project.or_else(|| context.target.project.clone());
        let place = Place { organization, project, note: None };
        let note = format!("Looked in {}, your target. `use organization/project` changes it.", place.name());
        return Ok(Place { note: Some(note), ..place });
    }
    let organizations = context.client.organizations().await?;
    match organizations.as_ref() {
        [] => Err(explained(no_organization(context))),
        [only] => Ok(Place { organization: only.slug.clone(), project, note: None }),
        several => Err(CommandError::Choose(Box::new(choice(several, again)))),
    }
}

/// The place, with the slugs as Sentry writes them, when the organization is one that this account sees.
async fn known(context: &Context<'_>, place: Place, again: &Invocation) -> Result<Place, CommandError> {
    // What a connection is limited to was looked up before, and is no name for anything else.
    if context.limit.organization.is_some() {
        return Ok(place);
    }
    let organizations = context.client.organizations().await?;
    if let Some(organization) = find(&organizations, &place.organization) {
        return Ok(Place { organization: organization.slug.clone(), ..place });
    }
    if place.project.is_none()
        && let Some(place) = as_project(context, &organizations, &place.organization).await?
    {
        return Ok(place);
    }
    Err(explained(unknown_organization(context, &organizations, &place.organization, again)))
}

/// What a place that Sentry does not know could mean: another place to look at, else an answer that says what is there.
pub async fn correct(context: &Context<'_>, place: &Place, again: &Invocation) -> Result<Place, CommandError> {
    let better = known(context, place.clone(), again).await?;
    if better != *place {
        return Ok(better);
    }
    correct_project(context, place, again).await?.ok_or_else(|| SentryError::NotFound.into())
}

/// What a project that Sentry does not know, or in which it finds nothing, could mean; `None` when it is there.
pub async fn correct_project(
    context: &Context<'_>,
    place: &Place,
    again: &Invocation,
) -> Result<Option<Place>, CommandError> {
    let Some(project) = &place.project else { return Ok(None) };
    if context.limit.project.is_some() {
        return Ok(None);
    }
    // This is help on the way to another answer: when it fails, that answer stands.
    let Ok(page) = projects(context, &place.organization).await else { return Ok(None) };
    match find_project(&page, project) {
        Some(found) if found != project => Ok(Some(Place { project: Some(found.to_owned()), ..place.clone() })),
        Some(_) => Ok(None),
        None if page.next.is_some() => Ok(None), // it may be on another page
        None => Err(explained(unknown_project(context, place, project, &page.items, again))),
    }
}

/// Reads `name` as a project of the one organization that is likely.
async fn as_project(
    context: &Context<'_>,
    organizations: &[Organization],
    name: &str,
) -> Result<Option<Place>, CommandError> {
    let only = if let [only] = organizations { Some(only.slug.clone()) } else { None };
    let Some(organization) = context.target.organization.clone().or(only) else { return Ok(None) };
    let projects = match projects(context, &organization).await {
        Ok(page) => page,
        Err(SentryError::NotFound | SentryError::Forbidden) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let Some(project) = find_project(&projects, name).map(str::to_owned) else { return Ok(None) };
    let note = Some(format!("Read `{name}` as the project {organization}/{project}."));
    Ok(Some(Place { organization, project: Some(project), note }))
}

async fn projects(context: &Context<'_>, organization: &str) -> Result<Page<Project>, SentryError> {
    let mut url = context.client.organization_url(organization, &["projects"]).await?;
    url.query_pairs_mut().append_pair("per_page", "100");
    context.client.list(url).await
}

fn find<'o>(organizations: &'o [Organization], name: &str) -> Option<&'o Organization> {
    let exactly = organizations.iter().find(|organization| organization.slug == name);
    exactly.or_else(|| {
        organizations.iter().find(|organization| {
            let names = [Some(&organization.slug), organization.name.as_ref()];
            names.into_iter().flatten().any(|known| known.eq_ignore_ascii_case(name))
        })
    })
}

/// The slug of the project that `name` means. A slug and an id are one project's; a name may be another one's slug, so it
/// counts only after them, and only when the page shows all projects.
fn find_project<'p>(page: &'p Page<Project>, name: &str) -> Option<&'p str> {
    let by = |fits: &dyn Fn(&Project) -> bool| page.items.iter().find(|project| fits(project));
    let is = |known: &Option<String>| known.as_deref().is_some_and(|known| known.eq_ignore_ascii_case(name));
    let exactly = by(&|project| project.slug.as_deref() == Some(name));
    let found = exactly.or_else(|| by(&|project| is(&project.slug))).or_else(|| by(&|project| is(&project.id)));
    let found = found.or_else(|| by(&|project| page.next.is_none() && is(&project.name)));
    found.and_then(|project| project.slug.as_deref())
}

/// A slug as it may stand in a URL.
fn slug(text: &str, read: fn(&str) -> Option<Slug>) -> Result<String, UsageError> {
    let refused = || {
        UsageError::new(format!(
            "`{}` can't be an organization or a project: their short names have letters, digits, `-` and `_` only.",
            say::line(text, 60)
        ))
    };
    read(text).map(String::from).ok_or_else(refused)
}

fn explained(answer: Answer) -> CommandError {
    CommandError::Explained(Box::new(answer))
}

/// A button that runs `again` with `name` set to `value`.
fn again_with(again: &Invocation, name: &str, value: &str) -> Action {
    let mut invocation = again.clone();
    if let Some(fields) = invocation.parameters.as_object_mut() {
        fields.insert(name.to_owned(), value.into());
    }
    Action { label: say::cut(value, 75), does: Does::Run(invocation) }
}

fn choice(organizations: &[Organization], again: &Invocation) -> Answer {
    let run = |organization: &Organization| again_with(again, ORGANIZATION, &organization.slug);
    let mut notes = Vec::new();
    if organizations.len() > MAX_CHOICES {
        let more = say::count((organizations.len() - MAX_CHOICES) as u64);
        notes.push(format!("… and {more} more: name the one you mean, like `{} my-organization`.", again.command));
    }
    notes.push("`use organization` remembers one, so that you need not say it again.".to_owned());
    Answer {
        title: "Which organization?".to_owned(),
        parts: vec![Part::Paragraph("Your Sentry account sees several. Where shall I look?".to_owned())],
        actions: organizations.iter().take(MAX_CHOICES).map(run).collect(),
        notes,
        ..Answer::default()
    }
}

fn no_organization(context: &Context<'_>) -> Answer {
    let host = context.client.host();
    Answer {
        title: "This account is in no organization yet".to_owned(),
        parts: vec![Part::Paragraph(format!(
            "I asked {} for your organizations, and there are none. Join or create one there, or connect with another \
             account: `/sentry disconnect` then `/sentry connect`.",
            host.name()
        ))],
        actions: vec![open("Open Sentry", host.origin())],
        ..Answer::default()
    }
}

fn unknown_organization(
    context: &Context<'_>,
    organizations: &[Organization],
    name: &str,
    again: &Invocation,
) -> Answer {
    let meant = nearest(name, organizations.iter().map(|organization| organization.slug.as_str()));
    let mut parts = vec![Part::Paragraph(match meant {
        Some(meant) => format!("Did you mean `{meant}`?"),
        None => "It may be spelled otherwise, or this account is not a member of it. These are yours:".to_owned(),
    })];
    if meant.is_none() {
        let item = |organization: &Organization| Item {
            name: organization.slug.clone(),
            link: Some(urls::web(context.client.host(), &organization.slug, &["issues"], &[])),
            summary: say::line(organization.name.as_deref().unwrap_or_default(), 100),
            ..Item::default()
        };
        parts.push(Part::Items(organizations.iter().take(10).map(item).collect()));
    }
    Answer {
        title: format!("I can't find an organization or project called {name}"),
        parts,
        actions: meant.map(|meant| again_with(again, ORGANIZATION, meant)).into_iter().collect(),
        ..Answer::default()
    }
}

fn unknown_project(
    context: &Context<'_>,
    place: &Place,
    project: &str,
    projects: &[Project],
    again: &Invocation,
) -> Answer {
    let slugs: Vec<&str> = projects.iter().filter_map(|project| project.slug.as_deref()).collect();
    let meant = nearest(project, slugs.iter().copied());
    let text = match meant {
        Some(meant) => format!("Did you mean `{}/{meant}`?", place.organization),
        None if slugs.is_empty() => "This account sees no project there at all.".to_owned(),
        None => {
            let shown: Vec<String> = slugs.iter().take(10).map(|slug| format!("`{slug}`")).collect();
            let rest = if slugs.len() > shown.len() { ", …" } else { "" };
            format!(
                "It may be spelled otherwise, or not shared with this account. There are {}{rest}.",
                shown.join(", ")
            )
        }
    };
    let host = context.client.host();
    Answer {
        title: format!("I can't find the project {project} in {}", place.organization),
        link: Some(urls::web(host, &place.organization, &["projects"], &[])),
        parts: vec![Part::Paragraph(text)],
        actions: meant.map(|meant| again_with(again, PROJECT, meant)).into_iter().collect(),
        notes: vec![format!("`project list {}` shows all of them.", place.organization)],
        ..Answer::default()
    }
}

/// A button that opens a page.
pub fn open(label: &str, url: &Url) -> Action {
    Action { label: label.to_owned(), does: Does::Open(url.clone()) }
}

/// A button that runs a command.
pub fn run<P: Serialize>(label: impl Into<String>, command: &str, parameters: &P) -> Action {
    let parameters = serde_json::to_value(parameters).unwrap_or_default();
    Action {
        label: say::cut(&label.into(), 75),
        does: Does::Run(Invocation { command: command.to_owned(), parameters }),
    }
}
