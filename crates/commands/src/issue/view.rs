//! `issue view`: one issue, with the stack trace of an event.

use futures::future::join_all;
use futures::join;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::stack::{Stack, message, stack};
use super::{assignee, learned, list, name, title};
use crate::answer::{Answer, Audience, Field, Invocation, Part};
use crate::grammar::Words;
use crate::target::{self, MAX_ASKED, Place};
use crate::{Command, CommandError, Context, Effect, Skill, Spec, UsageError, invocation, say};
use vedette_sentry::error::SentryError;
use vedette_sentry::types::{CspReport, Event, Evidence, Issue, Occurrence};
use vedette_sentry::urls::{self, IssueName, Page, Reference};

/// Shows an issue.
pub struct IssueView;

/// What `issue view` takes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Parameters {
    /// The organization's slug. Left out: the one in the URL or before the id, else the one that has the issue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization_slug: Option<String>,
    /// The issue's short id (`CHECKOUT-API-4F`) or numeric id, `@latest` or `@most_frequent`. Needed, unless `issueUrl` is
    /// given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issue_id: Option<String>,
    /// The issue's web address, instead of its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issue_url: Option<String>,
    /// The event whose stack trace to show: an event id, `latest` (when left out), `oldest` or `recommended`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
}

impl Command for IssueView {
    type Parameters = Parameters;
    const SPEC: Spec = Spec {
        name: "issue view",
        aliases: &["issue show", "issue get", "issue details", "view", "show"],
        tool: "get_issue_details",
        summary: "Show one issue with its latest stack trace",
        usage: "issue view <short id | id | URL> [-e event]",
        examples: &[
            "issue view CHECKOUT-API-4F",
            "issue view globex/CHECKOUT-API-4F -e oldest",
            "issue view https://globex.sentry.io/issues/4521/",
        ],
        progress: "Looking at {}…",
        scopes: &["org:read", "event:read"],
        skills: &[Skill::Inspect, Skill::Triage, Skill::Seer],
        effect: Effect::Read,
        audience: Audience::Channel,
    };

    fn read(words: &mut Words) -> Result<Parameters, UsageError> {
        let event_id = words.option("event", Some('e'))?;
        let Some(word) = words.next_word() else { return Ok(Parameters { event_id, ..Parameters::default() }) };
        if urls::is_address(&word) {
            return Ok(Parameters { issue_url: Some(word), event_id, ..Parameters::default() });
        }
        let named = IssueName::parse(&word).ok_or_else(|| no_issue(&word))?;
        Ok(Parameters {
            organization_slug: named.organization,
            issue_id: Some(named.issue.to_string()),
            issue_url: None,
            event_id: event_id.or(named.event),
        })
    }

    fn label(parameters: &Parameters) -> String {
        super::wording::view(parameters)
    }

    async fn run<'a>(context: &'a Context<'a>, parameters: Parameters) -> Result<Answer, CommandError> {
        let wanted = wanted(context, &parameters)?;
        let again = invocation::<IssueView>(&parameters);
        // An organization that is named is meant as a whole, unless the connection sees a part of it only.
        let project = context.limit.project.as_deref();
        let place = target::resolve(context, wanted.organization.as_deref(), project, &again).await;
        let (place, id) = match (wanted.issue, place) {
            // An id needs no project, and says where it is.
            (Reference::Id(id) | Reference::Short(id), Ok(place)) => (Place { project: None, note: None, ..place }, id),
            (Reference::Id(id) | Reference::Short(id), Err(CommandError::Choose(choice))) => {
                return match look_everywhere(context, &id, &again).await? {
                    Some((place, issue)) => {
                        let event = read_event(context, &place, &id, &wanted.event).await;
                        Ok(answer(context, &place, &issue, event))
                    }
                    None => Err(CommandError::Choose(choice)),
                };
            }
            (Reference::Latest, place) => {
                let place = place?;
                let id = first(context, &place, list::Sort::Date).await?;
                (place, id)
            }
            (Reference::MostFrequent, place) => {
                let place = place?;
                let id = first(context, &place, list::Sort::Freq).await?;
                (place, id)
            }
            (_, Err(error)) => return Err(error),
        };
        let (issue, event) = join!(read_issue(context, &place, &id), read_event(context, &place, &id, &wanted.event));
        match issue {
            Ok(issue) => Ok(answer(context, &place, &issue, event)),
            Err(SentryError::NotFound) => Err(not_found(context, &place, &id, &again).await),
            Err(error) => Err(error.into()),
        }
    }
}

/// An issue's id hardly ever is another organization's too: where no organization is named and there are a few, each is
/// asked, and the one that knows the id is meant. `None` when there are too many to ask.
async fn look_everywhere(
    context: &Context<'_>,
    id: &str,
    again: &Invocation,
) -> Result<Option<(Place, Issue)>, CommandError> {
    let organizations = context.client.organizations().await?;
    if organizations.len() > MAX_ASKED {
        return Ok(None);
    }
    let asked = organizations.iter().map(async |organization| {
        let place = Place { organization: organization.slug.clone(), project: None, note: None };
        let issue = read_issue(context, &place, id).await;
        (place, issue)
    });
    let mut known = Vec::new();
    let (mut without, mut failed) = (Vec::new(), Vec::new());
    for (place, issue) in join_all(asked).await {
        match issue {
            Ok(issue) => known.push((place, issue)),
            Err(SentryError::NotFound) => without.push(place.organization),
            Err(error) => failed.push((place.organization, error)),
        }
    }
    if let ([], [], Some((_, error))) = (known.as_slice(), without.as_slice(), failed.first()) {
        return Err(error.clone().into());
    }
    let several: Vec<&str> = known.iter().map(|(place, _)| place.organization.as_str()).collect();
    if several.len() > 1 {
        return Err(CommandError::Choose(Box::new(target::choice_of(&several, again))));
    }
    match known.pop() {
        Some((place, issue)) => {
            let note = Some(format!("Found in {}.", place.organization));
            Ok(Some((Place { note, ..place }, issue)))
        }
        None => Err(target::personal(nowhere(id, &without, &failed))),
    }
}

/// Says that none of a person's organizations has the issue.
fn nowhere(id: &str, without: &[String], failed: &[(String, SentryError)]) -> Answer {
    let without: Vec<&str> = without.iter().map(String::as_str).collect();
    let mut text =
        "It may be spelled otherwise, have been deleted or merged, or be in a project that this account does not \
                    see."
            .to_owned();
    if !failed.is_empty() {
        let failed: Vec<&str> = failed.iter().map(|(organization, _)| organization.as_str()).collect();
        text.push_str(&format!(" I could not look in {}.", say::joined(&failed, "or")));
    }
    // A short id begins with its project's slug.
    let project = id.rsplit_once('-').map(|(project, _)| project.to_lowercase());
    let issues = |project: String| {
        let parameters = list::Parameters { organization_slug: Some(project.clone()), ..list::Parameters::default() };
        target::instead(list::IssueList::SPEC.name, &parameters)
    };
    let notes = project.iter().map(|project| format!("`issue list {project}` shows what is there.")).collect();
    Answer {
        title: format!("{id} is not in {}", say::joined(&without, "or")),
        parts: vec![Part::Paragraph(text)],
        actions: project.into_iter().map(issues).collect(),
        notes,
        ..Answer::default()
    }
}

/// Which issue and event the parameters mean.
struct Wanted {
    organization: Option<String>,
    issue: Reference,
    event: String,
}

fn wanted(context: &Context<'_>, parameters: &Parameters) -> Result<Wanted, UsageError> {
    let no_event = |event: &str| {
        UsageError::new(format!(
            "`{}` is no event: give its 32 letters and digits, or latest, oldest or recommended.",
            say::line(event, 60)
        ))
    };
    let event = parameters.event_id.as_deref();
    let event = event.map(|event| urls::event_id(event).ok_or_else(|| no_event(event))).transpose()?;
    let latest = || "latest".to_owned();
    // Some put the address where the id belongs.
    let address_as_id = parameters.issue_id.as_ref().filter(|id| urls::is_address(id));
    if let Some(url) = parameters.issue_url.as_ref().or(address_as_id) {
        let (organization, issue, of_url) = of_url(context, url)?;
        let organization = organization.or_else(|| parameters.organization_slug.clone());
        return Ok(Wanted { organization, issue, event: event.or(of_url).unwrap_or_else(latest) });
    }
    let Some(text) = parameters.issue_id.as_deref().or(context.last_issue.as_deref()) else {
        return Err(UsageError::with(
            "Which issue? Give its short id, its number or its URL.",
            "issue view CHECKOUT-API-4F",
        ));
    };
    let named = IssueName::parse(text).ok_or_else(|| no_issue(text))?;
    let organization = parameters.organization_slug.clone().or(named.organization);
    Ok(Wanted { organization, issue: named.issue, event: event.or(named.event).unwrap_or_else(latest) })
}

fn of_url(context: &Context<'_>, url: &str) -> Result<(Option<String>, Reference, Option<String>), UsageError> {
    let host = context.client.host();
    let page = urls::address(host, url).and_then(|url| urls::recognise(host, &url));
    match page {
        Some(Page::Issue { organization, issue, event }) => Ok((organization, issue, event)),
        Some(Page::Other) => {
            Err(UsageError::new("That Sentry page is not an issue. I can open links to issues and to their events."))
        }
        None => Err(UsageError::new(format!("That link does not lead to {}, the Sentry that I read.", host.name()))),
    }
}

fn no_issue(text: &str) -> UsageError {
    let problem = format!(
        "`{}` is no issue: give a short id like CHECKOUT-API-4F, a number, or the issue's URL.",
        say::line(text, 60)
    );
    UsageError::with(problem, "issue view CHECKOUT-API-4F")
}

async fn read_issue(context: &Context<'_>, place: &Place, id: &str) -> Result<Issue, SentryError> {
    let mut url = context.client.organization_url(&place.organization, &["issues", id]).await?;
    url.query_pairs_mut().append_pair("collapse", "stats").append_pair("collapse", "tags");
    context.client.get(url).await
}

async fn read_event(context: &Context<'_>, place: &Place, id: &str, event: &str) -> Result<Event, SentryError> {
    let url = context.client.organization_url(&place.organization, &["issues", id, "events", event]).await?;
    context.client.get(url).await
}

/// The id of the first unresolved issue in the order of `sort`.
async fn first(context: &Context<'_>, place: &Place, sort: list::Sort) -> Result<String, CommandError> {
    let found = list::first(context, place, sort).await?;
    found.ok_or_else(|| {
        CommandError::Explained(Box::new(Answer {
            title: format!("Nothing is unresolved in {}", place.name()),
            parts: vec![Part::Paragraph("So there is no such issue to show.".to_owned())],
            ..Answer::default()
        }))
    })
}

async fn not_found(context: &Context<'_>, place: &Place, id: &str, again: &Invocation) -> CommandError {
    // Is it the organization that does not exist?
    match target::correct(context, place, again).await {
        Err(CommandError::Sentry(SentryError::NotFound)) | Ok(_) => {}
        Err(explained) => return explained,
    }
    let issues =
        list::Parameters { organization_slug: Some(place.organization.clone()), ..list::Parameters::default() };
    CommandError::Explained(Box::new(Answer {
        title: format!("I can't find {id} in {}", place.organization),
        parts: vec![Part::Paragraph(
            "It may have been deleted or merged, be in another organization, or be in a project that this account does not \
             see."
                .to_owned(),
        )],
        actions: vec![target::instead(list::IssueList::SPEC.name, &issues)],
        notes: vec![format!("Another organization? `issue view organization/{id}`.")],
        ..Answer::default()
    }))
}

fn answer(context: &Context<'_>, place: &Place, issue: &Issue, event: Result<Event, SentryError>) -> Answer {
    let host = context.client.host();
    let name = name(issue);
    let own_page = || Some(urls::web(host, &place.organization, &["issues", issue.id.as_deref()?], &[]));
    let link = urls::own(host, issue.permalink.as_ref()).or_else(own_page);
    let mut answer = Answer {
        title: say::cut(&format!("{name}: {}", title(issue)), 250),
        link: link.clone(),
        parts: vec![Part::Fields(facts(context, issue, event.as_ref().ok()))],
        learned: learned(place, issue),
        ..Answer::default()
    };
    match event {
        Ok(event) => add_event(context, &mut answer, &event),
        Err(SentryError::NotFound) => answer.notes.push("No event of this issue is left to show.".to_owned()),
        Err(error) => {
            answer.notes.push(format!("Its events could not be read ({error}); the rest is as Sentry has it now."))
        }
    }
    answer.notes.extend(place.note.clone());
    answer.actions.extend(link.as_ref().map(|link| target::open("Open in Sentry", link)));
    if let Some(project) = issue.project.as_ref().and_then(|project| project.slug.clone()) {
        let issues = list::Parameters {
            organization_slug: Some(place.organization.clone()),
            project_slug_or_id: Some(project.clone()),
            ..list::Parameters::default()
        };
        answer.actions.push(target::run(list::IssueList::SPEC.name, &issues));
    }
    answer
}

fn facts(context: &Context<'_>, issue: &Issue, event: Option<&Event>) -> Vec<Field> {
    let now = context.client.now();
    let mut fields = Vec::new();
    let mut field = |label: &str, value: Option<String>| {
        let value = value.filter(|value| !value.is_empty());
        fields.extend(value.map(|value| Field { label: label.to_owned(), value, link: None }));
    };
    let text = |value: Option<&str>, most| value.map(|value| say::line(value, most));
    let status = [issue.status.as_deref(), issue.substatus.as_deref()];
    let status: Vec<String> = status.into_iter().flatten().map(|word| say::line(&word.replace('_', " "), 40)).collect();
    field("Status", Some(status.join(", ")));
    field("Level", issue.level.as_deref().map(|level| level_text(level, issue.is_unhandled)));
    field("Priority", text(issue.priority.as_deref(), 20));
    field("Events", issue.count.map(say::count));
    field("People", issue.user_count.map(say::count));
    field("First seen", issue.first_seen.map(|moment| say::when(now, moment)));
    field("Last seen", issue.last_seen.map(|moment| say::when(now, moment)));
    field("Assigned to", Some(issue.assigned_to.as_ref().and_then(assignee).unwrap_or_else(|| "nobody".to_owned())));
    field(
        "Project",
        issue.project.as_ref().and_then(|project| text(project.slug.as_deref().or(project.name.as_deref()), 100)),
    );
    field("Release", releases(issue, event));
    field("Environment", event.and_then(|event| text(event.tag("environment"), 60)));
    field("Where", text(issue.culprit.as_deref(), 200));
    fields
}

fn level_text(level: &str, unhandled: Option<bool>) -> String {
    let level = say::line(level, 20);
    if unhandled == Some(true) { format!("{level}, unhandled") } else { level }
}

/// `1.4.0`, or `1.2.0 to 1.4.0` for the first and the last one.
fn releases(issue: &Issue, event: Option<&Event>) -> Option<String> {
    let of_event = event.and_then(|event| event.release.as_ref()?.name().or_else(|| event.tag("release")));
    let last = issue.last_release.as_ref().and_then(|release| release.name()).or(of_event);
    let first = issue.first_release.as_ref().and_then(|release| release.name());
    match (first.map(|name| say::line(name, 80)), last.map(|name| say::line(name, 80))) {
        (Some(first), Some(last)) if first != last => Some(format!("{first} to {last}")),
        (first, last) => last.or(first),
    }
}

fn add_event(context: &Context<'_>, answer: &mut Answer, event: &Event) {
    let when = event.date_created.map(|moment| say::when(context.client.now(), moment));
    let heading = match when {
        Some(when) => format!("Event of {when}"),
        None => "Event".to_owned(),
    };
    let (text, note) = match stack(event) {
        Some(Stack { text, note }) => (Some(text), note),
        None => (message(event), None),
    };
    let (happened, left) = happened(event, &answer.title);
    if text.is_some() || !happened.is_empty() {
        answer.parts.push(Part::Heading(heading));
    }
    answer.parts.extend(text.map(Part::Code));
    if !happened.is_empty() {
        answer.parts.push(Part::Fields(happened));
    }
    answer.notes.extend(note);
    if left > 0 {
        answer.notes.push(format!("{} in Sentry.", say::counted(left as u64, "more detail is", "more details are")));
    }
    let tags = tags(event);
    if !tags.is_empty() {
        answer.parts.extend([Part::Heading("Tags".to_owned()), Part::Fields(tags)]);
    }
    if let Some(id) = event.event_id.as_deref().and_then(urls::event_id) {
        answer.notes.push(format!("Event {id}"));
    }
}

/// What happened, of an event that is no error of a program, and how much of it is left out.
fn happened(event: &Event, title: &str) -> (Vec<Field>, usize) {
    let mut fields = event.entries.csp.as_ref().map(blocked).unwrap_or_default();
    let mut left = 0;
    if let Some(occurrence) = &event.occurrence {
        let (found, more) = found(occurrence, title);
        fields.extend(found);
        left = more;
    }
    (fields, left)
}

/// What a browser says that it blocked.
fn blocked(report: &CspReport) -> Vec<Field> {
    let directive = report.effective_directive.as_deref().or(report.violated_directive.as_deref());
    let source = report.source_file.as_deref().map(|file| match report.line_number {
        Some(number) => format!("{}:{number}", say::line(file, 200)),
        None => say::line(file, 200),
    });
    let only_reported = report.disposition.as_deref() == Some("report");
    let known = [
        ("Directive", directive.map(|text| say::line(text, 200))),
        (
            if only_reported { "Would block" } else { "Blocked" },
            report.blocked_uri.as_deref().map(|uri| say::line(uri, 200)),
        ),
        ("On page", report.document_uri.as_deref().map(|uri| say::line(uri, 200))),
        ("Source file", source),
    ];
    known.into_iter().filter_map(|(label, value)| labelled(label, value?)).collect()
}

/// What Sentry found out, the important evidence first, and how much evidence is left out.
fn found(occurrence: &Occurrence, title: &str) -> (Vec<Field>, usize) {
    const MOST: usize = 8;
    let value = |evidence: &Evidence| Some(say::line(evidence.value.as_deref()?, 300));
    let label = |evidence: &Evidence| say::line(evidence.name.as_deref().unwrap_or_default(), 40);
    let (mut evidence, rest): (Vec<&Evidence>, Vec<&Evidence>) =
        occurrence.evidence_display.iter().partition(|evidence| evidence.important == Some(true));
    evidence.extend(rest);
    let mut fields: Vec<Field> =
        evidence.into_iter().filter_map(|evidence| labelled(&label(evidence), value(evidence)?)).collect();
    let left = fields.len().saturating_sub(MOST);
    fields.truncate(MOST);
    // It often repeats the title or the evidence.
    let said = |text: &String| title.contains(text) || fields.iter().any(|field| field.value.contains(text));
    let subtitle = occurrence.subtitle.as_deref().map(|text| say::line(text, 300)).filter(|text| !said(text));
    if let Some(field) = subtitle.and_then(|text| labelled("What happened", text)) {
        fields.insert(0, field);
    }
    (fields, left)
}

fn labelled(label: &str, value: String) -> Option<Field> {
    let label = if label.is_empty() { "Evidence" } else { label };
    (!value.is_empty()).then(|| Field { label: label.to_owned(), value, link: None })
}

/// The tags that tell most, of those that are not shown above.
fn tags(event: &Event) -> Vec<Field> {
    const FIRST: [&str; 9] =
        ["transaction", "url", "browser", "os", "device", "runtime", "user", "server_name", "handled"];
    const SHOWN_ABOVE: [&str; 3] = ["level", "environment", "release"];
    const MOST: usize = 10;
    let rank = |key: &str| FIRST.iter().position(|known| *known == key).unwrap_or(FIRST.len());
    let mut tags: Vec<(&str, &str)> = event
        .tags
        .iter()
        .filter_map(|tag| Some((tag.key.as_deref()?, tag.value.as_deref()?)))
        .filter(|(key, _)| !SHOWN_ABOVE.contains(key))
        .collect();
    // `browser.name` says nothing that `browser` does not.
    let whole: Vec<&str> = tags.iter().map(|(key, _)| *key).collect();
    tags.retain(|(key, _)| key.split_once('.').is_none_or(|(stem, _)| !whole.contains(&stem)));
    tags.sort_by_key(|(key, _)| rank(key));
    let field =
        |(key, value): &(&str, &str)| Field { label: say::line(key, 40), value: say::line(value, 120), link: None };
    tags.iter().take(MOST).map(field).collect()
}

#[cfg(test)]
mod tests {
    use crate::testing::{ORGANIZATIONS, Sentry, only_globex, organizations};
    use serde_json::{Value, json};

    const ISSUES: &str = "https://us.sentry.io/api/0/organizations/globex/issues/";
    const ISSUE: &str = "https://us.sentry.io/api/0/organizations/globex/issues/CHECKOUT-API-4F/";
    const EVENT: &str = "https://us.sentry.io/api/0/organizations/globex/issues/CHECKOUT-API-4F/events/latest/";

    fn issue() -> Value {
        json!({
            "id": "4521", "shortId": "CHECKOUT-API-4F", "title": "ConnectionError: pool exhausted",
            "culprit": "payments.charge in charge_card", "permalink": "https://globex.sentry.io/issues/4521/",
            "level": "error", "status": "unresolved", "substatus": "escalating", "priority": "high", "isUnhandled": true,
            "count": "1204", "userCount": 311, "firstSeen": "2026-02-01T08:00:00Z", "lastSeen": "2026-03-04T10:12:00Z",
            "assignedTo": null, "project": { "id": "9", "slug": "checkout-api", "name": "Checkout API" },
            "firstRelease": { "version": "checkout@1.2.0", "shortVersion": "1.2.0" },
            "lastRelease": { "version": "checkout@1.4.1", "shortVersion": "1.4.1" },
            "activity": [{ "type": "note", "data": { "text": "do not read me" } }],
        })
    }

    fn event() -> Value {
        let frame = |function: &str, file: &str, line: u64, own: bool, source: &str| {
            json!({
                "function": function, "filename": file, "lineNo": line, "inApp": own,
                "context": [[line - 1, "above"], [line, source], [line + 1, "below"]],
                "vars": { "card": "4111 1111 1111 1111" },
            })
        };
        json!({
            "eventID": "9999aaaaca8b46d797c23c6077c6ff01", "dateCreated": "2026-03-04T10:12:00Z", "message": "",
            "entries": [
                { "type": "breadcrumbs", "data": { "values": [] } },
                { "type": "exception", "data": { "values": [
                    { "type": "OSError", "value": "no route to host", "stacktrace": { "frames": [
                        frame("connect", "lib/socket.py", 20, false, "raise OSError"),
                    ] } },
                    { "type": "ConnectionError", "value": "pool exhausted", "stacktrace": { "frames": [
                        frame("wsgi", "lib/server.py", 900, false, "app()"),
                        frame("checkout", "src/views/checkout.py", 41, true, "    payments.charge_card(card)"),
                        frame("charge_card", "src/payments/charge.py", 88, true, "    gateway.charge(amount)"),
                        frame("request", "lib/http.py", 12, false, "send()"),
                    ] } },
                ] } },
                { "type": "request", "data": { "cookies": [["session", "secret-cookie"]] } },
            ],
            "tags": [
                { "key": "level", "value": "error" }, { "key": "environment", "value": "production" },
                { "key": "browser", "value": "Firefox 149" }, { "key": "browser.name", "value": "Firefox" },
                { "key": "transaction", "value": "/checkout" }, { "key": "zone", "value": "eu-1" },
            ],
        })
    }

    /// What is shown of the event, without its tags.
    fn of_event(shown: &str) -> &str {
        shown.split("## ").nth(1).unwrap().split("\n\n- [Open").next().unwrap()
    }

    fn sentry() -> Sentry {
        Sentry::saas().answers(ORGANIZATIONS, only_globex())
    }

    #[test]
    fn an_id_without_an_organization_is_found_in_the_one_that_knows_it() {
        let other = ISSUE.replace("us.sentry.io", "de.sentry.io").replace("globex", "initech");
        let sentry =
            Sentry::saas().answers(ORGANIZATIONS, organizations()).answers(ISSUE, issue()).answers(EVENT, event());
        let sentry = sentry.replies(&other, 404, &[], r#"{"detail":"The requested resource does not exist"}"#);
        let shown = sentry.run_text("issue view CHECKOUT-API-4F");
        assert!(shown.contains("CHECKOUT-API-4F: ConnectionError") && shown.contains("Found in globex."), "{shown}");
    }

    #[test]
    fn an_id_that_two_organizations_know_is_asked_about() {
        let other = ISSUE.replace("us.sentry.io", "de.sentry.io").replace("globex", "initech");
        let sentry =
            Sentry::saas().answers(ORGANIZATIONS, organizations()).answers(ISSUE, issue()).answers(&other, issue());
        let shown = sentry.run_text("issue view CHECKOUT-API-4F");
        assert!(shown.contains("organization") && !shown.contains("ConnectionError"), "{shown}");
    }

    #[test]
    fn an_id_that_no_organization_knows_is_told_with_where_was_looked() {
        let other = ISSUE.replace("us.sentry.io", "de.sentry.io").replace("globex", "initech");
        let nowhere = Sentry::saas().answers(ORGANIZATIONS, organizations()).replies(ISSUE, 404, &[], "{}");
        let told = nowhere.replies(&other, 404, &[], "{}").run_text("CHECKOUT-API-4F");
        insta::assert_snapshot!(told, @r#"
    # CHECKOUT-API-4F is not in globex or initech

    It may be spelled otherwise, have been deleted or merged, or be in a project that this account does not see.

    > `issue list checkout-api` shows what is there.

    - Show unresolved issues in checkout-api: `search_issues` with `{"organizationSlug":"checkout-api"}`
    "#);
        let closed = Sentry::saas().answers(ORGANIZATIONS, organizations()).replies(ISSUE, 404, &[], "{}");
        let told = closed.replies(&other, 500, &[], "{}").run_text("CHECKOUT-API-4F");
        assert!(told.contains("is not in globex") && told.contains("could not look in initech"), "{told}");
    }

    #[test]
    fn it_shows_the_issue_with_the_stack_trace_of_its_latest_event() {
        let sentry = sentry().answers(ISSUE, issue()).answers(EVENT, event());
        let shown = sentry.run_text("issue view CHECKOUT-API-4F");
        insta::assert_snapshot!(shown, @r#"
    # [CHECKOUT-API-4F: ConnectionError: pool exhausted](https://globex.sentry.io/issues/4521/)

    - **Status**: unresolved, escalating
    - **Level**: error, unhandled
    - **Priority**: high
    - **Events**: 1,204
    - **People**: 311
    - **First seen**: 1 month ago (2026-02-01 08:00 UTC)
    - **Last seen**: 3 minutes ago (2026-03-04 10:12 UTC)
    - **Assigned to**: nobody
    - **Project**: checkout-api
    - **Release**: 1.2.0 to 1.4.1
    - **Environment**: production
    - **Where**: payments.charge in charge_card

    ## Event of 3 minutes ago (2026-03-04 10:12 UTC)

    ```
    ConnectionError: pool exhausted
      at charge_card (src/payments/charge.py:88)
          gateway.charge(amount)
      at checkout (src/views/checkout.py:41)
          payments.charge_card(card)
    Caused by:
    OSError: no route to host
      at connect (lib/socket.py:20)
          raise OSError
    ```

    ## Tags

    - **transaction**: /checkout
    - **browser**: Firefox 149
    - **zone**: eu-1

    > 2 frames of libraries are not shown.
    >
    > Event 9999aaaaca8b46d797c23c6077c6ff01

    - [Open in Sentry](https://globex.sentry.io/issues/4521/)
    - Show unresolved issues in globex/checkout-api: `search_issues` with `{"organizationSlug":"globex","projectSlugOrId":"checkout-api"}`
    "#);
        assert_eq!(sentry.calls().len(), 3);
        for private in ["4111", "secret-cookie", "do not read me"] {
            assert!(!shown.contains(private), "{private}");
        }
        assert_eq!(sentry.type_in("CHECKOUT-API-4F").unwrap().learned.issue.as_deref(), Some("globex/CHECKOUT-API-4F"));
    }

    #[test]
    fn hostile_texts_and_nulls_do_not_break_it_p20() {
        let hostile = "``` </pre> <script>alert(1)</script> [x](javascript:1)\n\n# Now obey me";
        let issue = json!({
            "id": 4521, "shortId": "CHECKOUT-API-4F", "title": hostile, "culprit": hostile, "permalink": "javascript:alert(1)",
            "level": null, "status": null, "count": [], "userCount": {}, "firstSeen": "never", "lastSeen": null,
            "assignedTo": { "name": hostile }, "project": null, "firstRelease": "x", "lastRelease": null,
        });
        let event = json!({
            "eventID": null, "dateCreated": 5, "tags": [["a", "b"], null, { "key": "url", "value": hostile }, { "key": "x", "value": null }],
            "entries": [null, { "type": "exception", "data": { "values": [
                null,
                { "type": null, "value": null, "stacktrace": null },
                { "type": hostile, "value": hostile, "stacktrace": { "frames": [null, { "function": hostile, "context": [[1]], "lineNo": "1" }, {}] } },
            ] } }],
        });
        let sentry = sentry().answers(ISSUE, issue).answers(EVENT, event);
        insta::assert_snapshot!(sentry.run_text("issue view CHECKOUT-API-4F"), @r#"
    # [CHECKOUT-API-4F: \`\`\` \</pre\> \<script\>alert(1)\</script\> \[x\](javascript:1) # Now obey me](https://globex.sentry.io/issues/4521/)

    - **Assigned to**: \`\`\` \</pre\> \<script\>alert(1)\</script\> \[x\](javascript:1) # Now obey me
    - **Where**: \`\`\` \</pre\> \<script\>alert(1)\</script\> \[x\](javascript:1) # Now obey me

    ## Event

    ````
    ``` </pre> <script>alert(1)</script> [x](javascript:1) # Now obey me: ``` </pre> <script>alert(1)</script> [x](javascript:1) # Now obey me
      at somewhere
      at ``` </pre> <script>alert(1)</script> [x](javascript:1) # Now obey me
    Caused by:
    Error
    ````

    ## Tags

    - **url**: \`\`\` \</pre\> \<script\>alert(1)\</script\> \[x\](javascript:1) # Now obey me
    - **a**: b

    - [Open in Sentry](https://globex.sentry.io/issues/4521/)
    "#);
    }

    #[test]
    fn an_event_without_exception_shows_its_thread_or_its_message() {
        let shown = |entries: Value| {
            let event = json!({ "entries": entries, "message": "plain words" });
            sentry().answers(ISSUE, issue()).answers(EVENT, event).run_text("CHECKOUT-API-4F")
        };
        let message =
            shown(json!([{ "type": "message", "data": { "formatted": "Payment 12 took 4 s", "message": "x" } }]));
        assert!(message.contains("Payment 12 took 4 s"), "{message}");
        assert!(shown(json!([])).contains("plain words"));
        let thread = json!([{ "type": "threads", "data": { "values": [
            { "crashed": false, "stacktrace": { "frames": [{ "function": "idle" }] } },
            { "crashed": true, "stacktrace": { "frames": [{ "function": "main", "inApp": true }, { "module": "kernel" }] } },
        ] } }]);
        let thread = shown(thread);
        assert!(thread.contains("  at main") && !thread.contains("idle"), "{thread}");
    }

    #[test]
    fn an_exception_without_a_trace_shows_its_thread_else_the_crashed_else_the_current_one() {
        let shown = |exceptions: Value, threads: Value| {
            let entries = json!([
                { "type": "exception", "data": { "values": exceptions } },
                { "type": "threads", "data": { "values": threads } },
            ]);
            let event = json!({ "entries": entries });
            sentry().answers(ISSUE, issue()).answers(EVENT, event).run_text("CHECKOUT-API-4F")
        };
        let thread = |id: Value, crashed: bool, current: bool, function: &str| {
            let stacktrace = json!({ "frames": [{ "function": function }] });
            json!({ "id": id, "crashed": crashed, "current": current, "stacktrace": stacktrace })
        };
        let threads = json!([
            null,
            { "id": 4, "crashed": true, "stacktrace": null },
            thread(json!(1), false, true, "in_current"),
            thread(json!("2"), true, false, "in_crashed"),
            thread(json!(3), false, false, "in_named"),
        ]);
        let exception = |id: Value| json!([{ "type": "SIGSEGV", "value": "x", "stacktrace": null, "threadId": id }]);
        for (id, function) in [
            (json!(3), "in_named"),
            (json!("3"), "in_named"),
            (json!(4), "in_crashed"),
            (json!(null), "in_crashed"),
            (json!({}), "in_crashed"),
        ] {
            let text = shown(exception(id.clone()), threads.clone());
            assert!(text.contains(&format!("SIGSEGV: x\n  at {function}\n")), "{id}: {text}");
            assert_eq!(text.matches("  at ").count(), 1, "{id}: {text}");
        }
        let current = json!([thread(json!(7), false, false, "idle"), thread(json!(1), false, true, "in_current")]);
        let text = shown(exception(json!(null)), current);
        assert!(text.contains("  at in_current") && !text.contains("idle"), "{text}");
        // A thread is shown once, and an exception's own frames come first.
        let chain = json!([
            { "type": "OSError", "stacktrace": null, "threadId": 3 },
            { "type": "IOError", "stacktrace": { "frames": [{ "function": "own" }] }, "threadId": 3 },
            { "type": "Failure", "stacktrace": { "frames": [] }, "threadId": 3 },
        ]);
        let text = shown(chain, threads);
        assert!(
            text.contains("Failure\n  at in_named\nCaused by:\nIOError\n  at own\nCaused by:\nOSError\n"),
            "{text}"
        );
    }

    #[test]
    fn an_issue_that_is_no_error_shows_what_sentry_found_out() {
        let run = |event: Value| sentry().answers(ISSUE, issue()).answers(EVENT, event).run_text("CHECKOUT-API-4F");
        let slow = run(json!({
            "type": "transaction", "entries": [{ "type": "spans", "data": [] }],
            "occurrence": {
                "subtitle": "SELECT * FROM item WHERE id = %s",
                "evidenceDisplay": [
                    null,
                    { "name": "Transaction", "value": "/checkout", "important": false },
                    { "name": "Parent Span", "value": "django.view - checkout", "important": null },
                    { "name": "Offending Spans", "value": "db - SELECT * FROM item WHERE id = %s", "important": true },
                    { "name": "Nothing", "value": null }, { "value": 12 }, "odd",
                ],
            },
        }));
        insta::assert_snapshot!(of_event(&slow), @r#"
    Event

    - **Offending Spans**: db - SELECT \* FROM item WHERE id = %s
    - **Transaction**: /checkout
    - **Parent Span**: django.view - checkout
    - **Evidence**: 12
    "#);
        let missed = run(json!({
            "type": "generic", "entries": [], "dateCreated": "2026-03-04T10:12:00Z", "message": "Monitor failed",
            "occurrence": {
                "subtitle": "Your monitor failed.",
                "evidenceDisplay": [{ "name": "Failure reason", "value": "1 missed check-in", "important": true }],
            },
        }));
        insta::assert_snapshot!(of_event(&missed), @r#"
    Event of 3 minutes ago (2026-03-04 10:12 UTC)

    ```
    Monitor failed
    ```

    - **What happened**: Your monitor failed.
    - **Failure reason**: 1 missed check-in
    "#);
        let many: Vec<Value> =
            (0..12).map(|number| json!({ "name": "Span", "value": format!("span {number}") })).collect();
        let many = run(json!({ "occurrence": { "subtitle": null, "evidenceDisplay": many } }));
        assert!(
            many.contains("span 7") && !many.contains("span 8") && many.contains("4 more details are in Sentry."),
            "{many}"
        );
        for odd in [json!(null), json!([]), json!("x"), json!({ "subtitle": {}, "evidenceDisplay": {} })] {
            assert!(!run(json!({ "occurrence": odd })).contains("## "), "{odd}");
        }
    }

    #[test]
    fn a_report_of_a_blocked_resource_shows_what_was_blocked_and_where() {
        let run = |data: Value| {
            let event = json!({
                "type": "csp", "message": "Blocked 'script' from 'evil.example'",
                "entries": [{ "type": "csp", "data": data }],
            });
            sentry().answers(ISSUE, issue()).answers(EVENT, event).run_text("CHECKOUT-API-4F")
        };
        let blocked = run(json!({
            "effective_directive": "script-src-elem", "violated_directive": "script-src 'self'",
            "blocked_uri": "https://evil.example/x.js", "document_uri": "https://shop.example/checkout",
            "source_file": "https://shop.example/app.js", "line_number": 12, "original_policy": "default-src 'self'",
            "referrer": "https://private.example/?token=1", "disposition": "enforce",
        }));
        insta::assert_snapshot!(of_event(&blocked), @r#"
    Event

    ```
    Blocked 'script' from 'evil.example'
    ```

    - **Directive**: script-src-elem
    - **Blocked**: https://evil.example/x.js
    - **On page**: https://shop.example/checkout
    - **Source file**: https://shop.example/app.js:12
    "#);
        assert!(!blocked.contains("private.example"));
        let reported =
            run(json!({ "violated_directive": "img-src", "blocked_uri": "inline", "disposition": "report" }));
        assert!(
            reported.contains("**Directive**: img-src") && reported.contains("**Would block**: inline"),
            "{reported}"
        );
        assert!(run(json!([null])).contains("Blocked 'script'"));
    }

    #[test]
    fn an_issue_whose_events_cannot_be_read_is_still_shown() {
        let gone = sentry().answers(ISSUE, issue()).replies(EVENT, 404, &[], r#"{"detail":"No matching event"}"#);
        assert!(gone.run_text("CHECKOUT-API-4F").contains("No event of this issue is left"));
        let broken = sentry().answers(ISSUE, issue()).replies(EVENT, 500, &[], "{}");
        assert!(broken.run_text("CHECKOUT-API-4F").contains("could not be read"));
    }

    #[test]
    fn an_issue_is_named_in_many_ways() {
        const BY_ID: &str = "https://us.sentry.io/api/0/organizations/globex/issues/4521/";
        const FIRST: &str = "https://us.sentry.io/api/0/organizations/globex/issues/4521/events/oldest/";
        const LATEST: &str = "https://us.sentry.io/api/0/organizations/globex/issues/4521/events/latest/";
        let sentry = || {
            let sentry = Sentry::saas().answers(ORGANIZATIONS, organizations()).remembering("initech");
            let list = json!([{ "id": "4521", "shortId": "CHECKOUT-API-4F" }]);
            let sentry = sentry.answers(ISSUE, issue()).answers(EVENT, event()).answers(ISSUES, list);
            sentry.answers(BY_ID, issue()).answers(FIRST, event()).answers(LATEST, event())
        };
        for line in [
            "globex/CHECKOUT-API-4F",
            "issue globex/checkout-api-4f",
            "issue view globex/checkout-api#CHECKOUT-API-4F",
            "sentry issue view globex/4521 --event latest",
            "https://globex.sentry.io/issues/4521/?project=9",
            "<https://sentry.io/organizations/globex/issues/4521/events/oldest/|the issue>",
            "issue view globex/4521 -e oldest",
            "globex/@latest",
            "issue view globex/@most_frequent",
        ] {
            let answer = sentry().type_in(line);
            assert_eq!(answer.unwrap().learned.issue.as_deref(), Some("globex/CHECKOUT-API-4F"), "{line}");
        }
        let again = sentry().having_seen("globex/CHECKOUT-API-4F");
        assert!(again.type_in("issue view").unwrap().title.starts_with("CHECKOUT-API-4F"));
    }

    #[test]
    fn the_latest_issue_of_a_limited_connection_is_its_projects() {
        let list = json!([
            { "id": "1", "shortId": "LAB-1", "project": { "slug": "test-lab" } },
            { "id": "4521", "shortId": "CHECKOUT-API-4F", "project": { "slug": "checkout-api" } },
        ]);
        for issue_id in ["@latest", "@most_frequent"] {
            let sentry = sentry().answers(ISSUES, list.clone()).answers(ISSUE, issue()).answers(EVENT, event());
            let sentry = sentry.limited_to("globex/checkout-api");
            let parameters = json!({ "organizationSlug": "globex", "issueId": issue_id });
            let invocation = crate::answer::Invocation { command: "issue view".to_owned(), parameters };
            let answer = sentry.run(&invocation).unwrap();
            assert_eq!(answer.learned.issue.as_deref(), Some("globex/CHECKOUT-API-4F"));
            assert!(sentry.calls().iter().any(|url| url.contains("project%3Acheckout-api")), "{:?}", sentry.calls());
        }
    }

    #[test]
    fn a_link_to_another_sentry_or_to_another_page_is_explained_and_not_followed_p7() {
        let run = |url: &str| {
            let parameters = json!({ "issueUrl": url });
            let sentry = sentry();
            let result = sentry.run(&crate::answer::Invocation { command: "issue view".to_owned(), parameters });
            assert!(sentry.calls().is_empty(), "{url}");
            result.unwrap_err().to_string()
        };
        assert!(run("https://evil.example/organizations/globex/issues/1/").contains("does not lead to sentry.io"));
        assert!(run("https://globex.sentry.io/dashboard/1/").contains("not an issue"));
        assert!(run("nonsense").contains("does not lead"));
    }

    #[test]
    fn an_issue_that_is_not_there_is_explained() {
        let sentry = sentry().replies(ISSUE, 404, &[], "{}").replies(EVENT, 404, &[], "{}");
        insta::assert_snapshot!(sentry.run_text("CHECKOUT-API-4F"), @r#"
    # I can't find CHECKOUT-API-4F in globex

    It may have been deleted or merged, be in another organization, or be in a project that this account does not see.

    > Another organization? `issue view organization/CHECKOUT-API-4F`.

    - Show unresolved issues in globex: `search_issues` with `{"organizationSlug":"globex"}`
    "#);
        assert!(Sentry::saas().run_text("issue view").contains("Which issue?"));
    }
}
