//! Which organization and project a command means, when its words leave it open or name it loosely.
//!
//! The order is: what was named; the remembered or default target; the only organization there is; else the person
//! chooses. A single name may be an organization or, as people say "in checkout", a project: then it is looked for among
//! the projects of each of a few organizations.

use futures::future::join_all;
use serde::Serialize;
use url::Url;

use super::answer::{Action, Answer, Audience, Does, Invocation, Part};
use super::nearest::nearest;
use super::offer::label_of;
use super::{CommandError, Context, UsageError, find as find_command, say};
use vedette_sentry::error::SentryError;
use vedette_sentry::page::Page;
use vedette_sentry::slug::Slug;
use vedette_sentry::types::{Organization, Project};
use vedette_sentry::urls::{self, IssueName};

/// As many buttons as Slack shows in one block.
const MAX_CHOICES: usize = 25;

/// As many organizations are asked at once: Workers hold 6 connections open at a time.
pub const MAX_ASKED: usize = 5;
/// As many near matches are offered.
const MAX_NEAR: usize = 5;
/// A shorter name is part of too many others.
const MIN_PART: usize = 3;

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
        let note = format!("Looked in {}. `use organization/project` changes where I look.", place.name());
        return Ok(Place { note: Some(note), ..place });
    }
    let organizations = context.client.organizations().await?;
    match organizations.as_ref() {
        [] => Err(personal(no_organization(context))),
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
    let name = place.organization.as_str();
    let search = match &place.project {
        None => search_projects(context, &organizations, name).await?,
        Some(_) => Search::default(),
    };
    match search.exact.as_slice() {
        [] => Err(personal(unknown(&organizations, &search, name, again))),
        [only] => {
            let note = Some(format!("Read `{name}` as the project {}.", only.name()));
            Ok(Place { note, ..only.clone() })
        }
        several => Err(personal(several_projects(several, name, again))),
    }
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

/// What a name is among the projects of a person's organizations.
#[derive(Default)]
struct Search {
    /// The projects that the name means.
    exact: Vec<Place>,
    /// Those that it nearly means.
    near: Vec<Place>,
    /// The organizations that were looked in.
    asked: Vec<String>,
}

/// Looks for a project called `name`: in every organization of a few, in the remembered one of many.
async fn search_projects(
    context: &Context<'_>,
    organizations: &[Organization],
    name: &str,
) -> Result<Search, CommandError> {
    let remembered = context.target.organization.as_deref();
    let few = organizations.len() <= MAX_ASKED;
    let asked = organizations.iter().map(|organization| organization.slug.as_str());
    let asked = asked.filter(|slug| few || remembered == Some(slug));
    let pages = join_all(asked.map(async |slug| (slug, projects_like(context, slug, name).await))).await;
    let mut search = Search::default();
    let mut failed = None;
    for (organization, page) in pages {
        let page = match page {
            Ok(page) => page,
            Err(SentryError::NotFound | SentryError::Forbidden) => continue,
            Err(error) => {
                failed.get_or_insert(error);
                continue;
            }
        };
        let place = |project: &str| Place {
            organization: organization.to_owned(),
            project: Some(project.to_owned()),
            note: None,
        };
        search.asked.push(organization.to_owned());
        match find_project(&page, name) {
            Some(project) => search.exact.push(place(project)),
            None => search.near.extend(near_projects(&page.items, name).into_iter().map(place)),
        }
    }
    if let Some(error) = failed.filter(|_| search.asked.is_empty()) {
        return Err(error.into());
    }
    // What is remembered is meant before anything else.
    if let Some(index) = search.exact.iter().position(|place| remembered == Some(place.organization.as_str())) {
        search.exact = vec![search.exact.swap_remove(index)];
    }
    search.near.truncate(MAX_NEAR);
    Ok(search)
}

/// The first projects of an organization; of one with more than these, those too that have `name` in them.
async fn projects_like(context: &Context<'_>, organization: &str, name: &str) -> Result<Page<Project>, SentryError> {
    let mut page = projects(context, organization).await?;
    if page.next.is_some() {
        let mut url = context.client.organization_url(organization, &["projects"]).await?;
        url.query_pairs_mut().append_pair("per_page", "100").append_pair("query", name);
        page.items.extend(context.client.list::<Project>(url).await?.items);
    }
    Ok(page)
}

/// The slugs that `name` is a part of, or the one that it is nearly.
fn near_projects<'p>(projects: &'p [Project], name: &str) -> Vec<&'p str> {
    let slugs = || projects.iter().filter_map(|project| project.slug.as_deref());
    let name = name.to_lowercase();
    let has_part = |slug: &&str| name.len() >= MIN_PART && slug.to_lowercase().contains(&name);
    let mut parts: Vec<&str> = slugs().filter(has_part).collect();
    parts.dedup();
    if parts.is_empty() { nearest(&name, slugs()).into_iter().collect() } else { parts }
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

/// An answer that names organizations of the person who asked, and so is for that person alone.
pub fn personal(answer: Answer) -> CommandError {
    explained(Answer { audience: Audience::Person, ..answer })
}

/// A button that runs `again` with `name` set to `value`.
fn again_with(again: &Invocation, name: &str, value: &str) -> Action {
    again_with_all(again, &[(name, value)])
}

/// The same among others, as an answer to "which one?".
fn named(name: &str, action: Action) -> Action {
    Action { label: say::cut(name, 75), ..action }
}

/// A button that runs `again` in `place`; the project only where the command takes one.
fn again_in(again: &Invocation, place: &Place) -> Action {
    let takes_project = find_command(&again.command).is_some_and(|entry| {
        (entry.schema)().get("properties").is_some_and(|properties| properties.get(PROJECT).is_some())
    });
    let project = place.project.as_deref().filter(|_| takes_project).map(|project| (PROJECT, project));
    let values: Vec<(&str, &str)> = [(ORGANIZATION, place.organization.as_str())].into_iter().chain(project).collect();
    again_with_all(again, &values)
}

fn again_with_all(again: &Invocation, values: &[(&str, &str)]) -> Action {
    let mut invocation = again.clone();
    if let Some(fields) = invocation.parameters.as_object_mut() {
        fields.extend(values.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())));
    }
    Action { label: label_of(&invocation), does: Does::Instead(invocation) }
}

/// "Which organization?", with one button for each that runs `again` there.
fn choice(organizations: &[Organization], again: &Invocation) -> Answer {
    let slugs: Vec<&str> = organizations.iter().map(|organization| organization.slug.as_str()).collect();
    choice_of(&slugs, again)
}

/// [`choice`], for the slugs of some organizations.
pub fn choice_of(organizations: &[&str], again: &Invocation) -> Answer {
    let run = |organization: &&str| named(organization, again_with(again, ORGANIZATION, organization));
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
        audience: Audience::Person,
        ..Answer::default()
    }
}

fn no_organization(context: &Context<'_>) -> Answer {
    let host = context.client.host();
    Answer {
        title: "This account is in no organization yet".to_owned(),
        parts: vec![Part::Paragraph(format!(
            "I asked {} for your organizations, and there are none. Join or create one there, or connect with another \
             account: `disconnect`, then `connect`.",
            host.name()
        ))],
        actions: vec![open("Open Sentry", host.origin())],
        ..Answer::default()
    }
}

/// Says that nothing is called `name`, where was looked, and what could be meant.
fn unknown(organizations: &[Organization], search: &Search, name: &str, again: &Invocation) -> Answer {
    let meant = nearest(name, organizations.iter().map(|organization| organization.slug.as_str()));
    let organization = meant.map(|meant| (meant.to_owned(), again_with(again, ORGANIZATION, meant)));
    let projects = search.near.iter().map(|place| (place.name(), again_in(again, place)));
    let near: Vec<(String, Action)> = organization.into_iter().chain(projects).collect();
    let several = near.len() > 1;
    let mut actions: Vec<Action> =
        near.into_iter().map(|(name, action)| if several { named(&name, action) } else { action }).collect();
    actions.extend(as_issue(name, again));
    let everywhere = search.asked.len() == organizations.len();
    let what = if everywhere { "organization or project" } else { "organization" };
    let text = match (meant, search.near.as_slice()) {
        (Some(meant), []) => format!("Did you mean `{meant}`?"),
        (None, [only]) => format!("Did you mean `{}`?", only.name()),
        (_, [_, ..]) => "Did you mean one of these?".to_owned(),
        (None, []) => {
            actions.extend(
                organizations
                    .iter()
                    .take(MAX_CHOICES)
                    .map(|organization| organization.slug.as_str())
                    .map(|slug| named(slug, again_with(again, ORGANIZATION, slug))),
            );
            let looked = if everywhere && again.command != "project list" {
                let slugs: Vec<&str> = search.asked.iter().map(String::as_str).collect();
                format!("There is no such project in {} either.", say::joined(&slugs, "or"))
            } else {
                format!("If it is a project, say where: `{} organization/{name}`.", again.command)
            };
            format!(
                "It may be spelled otherwise, or this account does not see it. {looked} Where shall I look instead?"
            )
        }
    };
    Answer {
        title: format!("I can't find an {what} called {name}"),
        parts: vec![Part::Paragraph(text)],
        actions,
        ..Answer::default()
    }
}

/// A button that shows the issue which `name` may be the id of.
fn as_issue(name: &str, again: &Invocation) -> Option<Action> {
    let issue = IssueName::parse(name).filter(|_| again.command == "issue list")?.issue;
    let numbered = name.bytes().any(|byte| byte.is_ascii_digit());
    let parameters = serde_json::json!({ "issueId": issue.to_string() });
    numbered.then(|| instead("issue view", &parameters))
}

fn several_projects(places: &[Place], name: &str, again: &Invocation) -> Answer {
    Answer {
        title: format!("Which {name}?"),
        parts: vec![Part::Paragraph("More than one of your organizations has a project of that name.".to_owned())],
        actions: places.iter().map(|place| named(&place.name(), again_in(again, place))).collect(),
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

/// A button that goes back to the beginning of a list.
pub fn back(first: &Invocation) -> Action {
    Action { label: "Back to the first".to_owned(), does: Does::Instead(first.clone()) }
}

/// A button that opens a page.
pub fn open(label: &str, url: &Url) -> Action {
    Action { label: label.to_owned(), does: Does::Open(url.clone()) }
}

/// A button that runs a command beside the answer that has it.
pub fn run<P: Serialize>(command: &str, parameters: &P) -> Action {
    let invocation = invocation_of(command, parameters);
    Action { label: label_of(&invocation), does: Does::Run(invocation) }
}

/// A button that runs a command instead of the answer that has it.
pub fn instead<P: Serialize>(command: &str, parameters: &P) -> Action {
    let invocation = invocation_of(command, parameters);
    Action { label: label_of(&invocation), does: Does::Instead(invocation) }
}

fn invocation_of<P: Serialize>(command: &str, parameters: &P) -> Invocation {
    Invocation { command: command.to_owned(), parameters: serde_json::to_value(parameters).unwrap_or_default() }
}
