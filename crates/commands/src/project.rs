//! `project list`: the projects of an organization.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::answer::{Answer, Audience, Item, More, Part};
use super::grammar::Words;
use super::issue::list::{self, IssueList};
use super::target::{self, Place};
use super::{Command, CommandError, Context, Effect, Skill, Spec, UsageError, invocation, say};
use vedette_sentry::error::SentryError;
use vedette_sentry::page::Page;
use vedette_sentry::types::Project;
use vedette_sentry::urls;

/// Lists projects.
pub struct ProjectList;

/// How many are shown without being told.
const DEFAULT_LIMIT: u32 = 25;

/// What `project list` takes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Parameters {
    /// The organization's slug. May be left out where the account sees only one, or this server has a default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization_slug: Option<String>,
    /// Only projects whose name or slug contains this text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// How many to show at most (25).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub limit: Option<u32>,
    /// Where to go on, from the previous answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// How many came before the cursor: what a button for the next page knows, and nobody types.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(skip)]
    pub before: Option<u64>,
}

impl Parameters {
    /// How many came before this page, when that is known.
    fn shown_before(&self) -> Option<u64> {
        if self.cursor.is_none() { Some(0) } else { self.before }
    }
}

impl Parameters {
    /// What is looked for; nothing but spaces is nothing.
    fn query(&self) -> Option<&str> {
        self.query.as_deref().map(str::trim).filter(|query| !query.is_empty())
    }
}

impl Command for ProjectList {
    type Parameters = Parameters;
    const SPEC: Spec = Spec {
        name: "project list",
        aliases: &["project ls", "projects", "list projects"],
        tool: "find_projects",
        summary: "List the projects of an organization",
        usage: "project list [org] [-q text] [-n limit] [-c cursor]",
        examples: &["project list", "project list globex", "project list globex -q checkout"],
        progress: "Looking at {}'s projects…",
        scopes: &["org:read"],
        skills: &[Skill::Inspect, Skill::Triage, Skill::Seer, Skill::ProjectManagement],
        effect: Effect::Read,
        audience: Audience::Channel,
    };

    fn read(words: &mut Words) -> Result<Parameters, UsageError> {
        Ok(Parameters {
            query: words.option("query", Some('q'))?,
            limit: words.number("limit", Some('n'))?,
            cursor: words.option("cursor", Some('c'))?,
            organization_slug: words.next_place().map(|(organization, _)| organization),
            before: None,
        })
    }

    fn label(parameters: &Parameters) -> String {
        let of = parameters.organization_slug.as_ref().map(|slug| format!(" of {slug}")).unwrap_or_default();
        let with = parameters.query().map(|query| format!(" with “{query}”")).unwrap_or_default();
        format!("List the projects{of}{with}")
    }

    async fn run<'a>(context: &'a Context<'a>, parameters: Parameters) -> Result<Answer, CommandError> {
        let again = invocation::<ProjectList>(&parameters);
        let place = target::resolve(context, parameters.organization_slug.as_deref(), None, &again).await?;
        match fetch(context, &place, &parameters).await {
            Ok(page) => Ok(answer(context, &place, &parameters, page)),
            Err(SentryError::NotFound) => {
                let place = target::correct(context, &place, &again).await?;
                let page = fetch(context, &place, &parameters).await?;
                Ok(answer(context, &place, &parameters, page))
            }
            Err(error) => Err(error.into()),
        }
    }
}

async fn fetch(context: &Context<'_>, place: &Place, parameters: &Parameters) -> Result<Page<Project>, SentryError> {
    let mut url = context.client.organization_url(&place.organization, &["projects"]).await?;
    let limit = parameters.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, 100);
    url.query_pairs_mut().append_pair("per_page", &limit.to_string());
    for (name, value) in [("query", parameters.query()), ("cursor", parameters.cursor.as_deref())] {
        if let Some(value) = value {
            url.query_pairs_mut().append_pair(name, value);
        }
    }
    context.client.list(url).await
}

fn answer(context: &Context<'_>, place: &Place, parameters: &Parameters, page: Page<Project>) -> Answer {
    let organization = &place.organization;
    let link = urls::web(context.client.host(), organization, &["projects"], &[]);
    let shown = page.items.len() as u64;
    let before = parameters.shown_before();
    let counted = before.filter(|_| page.next.is_none()).map(|before| before.saturating_add(shown));
    let total = counted.or(page.hits).filter(|_| shown > 0);
    let title = match parameters.query() {
        Some(query) => format!("Projects of {organization} with “{}”", say::line(query, 100)),
        None => format!("Projects of {organization}"),
    };
    let more = page.next.is_some();
    let title = format!("{title}{}", say::place_in_list(say::Excerpt { total, before, shown, more }));
    let part = match page.items.as_slice() {
        [] => Part::Paragraph("There is none that this account can see.".to_owned()),
        items => Part::Items(items.iter().filter_map(|project| item(context, organization, project)).collect()),
    };
    let first =
        Parameters { organization_slug: Some(organization.clone()), cursor: None, before: None, ..parameters.clone() };
    let back = before.filter(|before| *before > 0).map(|_| target::back(&invocation::<ProjectList>(&first)));
    let more = page.next.map(|cursor| More {
        remaining: total.zip(before).map(|(total, before)| total.saturating_sub(before).saturating_sub(shown)),
        link: Some(link.clone()),
        next: Some(invocation::<ProjectList>(&Parameters {
            organization_slug: Some(organization.clone()),
            cursor: Some(cursor),
            before: before.map(|before| before.saturating_add(shown)),
            ..parameters.clone()
        })),
    });
    Answer {
        title,
        link: Some(link),
        parts: vec![part],
        more,
        actions: back.into_iter().collect(),
        notes: place.note.clone().into_iter().collect(),
        ..Answer::default()
    }
}

fn item(context: &Context<'_>, organization: &str, project: &Project) -> Option<Item> {
    let slug = project.slug.as_deref()?;
    let teams: Vec<&str> = project.teams.iter().filter_map(|team| team.slug.as_deref()).collect();
    let platform = project.platform.as_deref().filter(|platform| *platform != "other");
    let mut facts: Vec<String> = platform.map(|platform| say::line(platform, 50)).into_iter().collect();
    facts.extend(teams.iter().take(3).map(|team| format!("#{}", say::line(team, 50))));
    let issues = list::Parameters {
        organization_slug: Some(organization.to_owned()),
        project_slug_or_id: Some(slug.to_owned()),
        ..list::Parameters::default()
    };
    Some(Item {
        name: say::line(slug, 100),
        link: Some(urls::web(context.client.host(), organization, &["projects", slug], &[])),
        summary: say::line(project.name.as_deref().filter(|name| *name != slug).unwrap_or_default(), 100),
        facts,
        open: Some(invocation::<IssueList>(&issues)),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{ORGANIZATIONS, Sentry, organizations};

    const PROJECTS: &str = "https://us.sentry.io/api/0/organizations/globex/projects/";

    #[test]
    fn it_lists_the_projects_with_their_platforms_and_teams() {
        let link = r#"<https://us.sentry.io/x>; rel="next"; results="true"; cursor="0:2:0""#;
        let projects = json!([
            { "id": "9", "slug": "checkout-api", "name": "Checkout API", "platform": "python-django", "teams": [{ "slug": "payments" }] },
            { "id": "10", "slug": "storefront", "name": "storefront", "platform": null, "teams": null },
            { "id": "11", "slug": null },
        ]);
        let sentry = Sentry::saas().answers(ORGANIZATIONS, organizations()).replies(
            PROJECTS,
            200,
            &[("link", link)],
            &projects.to_string(),
        );
        insta::assert_snapshot!(sentry.run_text("project list globex -n 2"), @r#"
    # [Projects of globex (1–3, and more)](https://globex.sentry.io/projects/)

    - [checkout-api](https://globex.sentry.io/projects/checkout-api/): Checkout API
      python-django · \#payments
    - [storefront](https://globex.sentry.io/projects/storefront/)

    … and more, [all of them in Sentry](https://globex.sentry.io/projects/); next page: cursor `0:2:0`
    "#);
        assert_eq!(sentry.asked("per_page"), ["2"]);
        sentry.type_in("projects globex -q check").unwrap();
        assert_eq!(sentry.asked("query"), ["check"]);
        let all = sentry.type_in("projects globex -q ''").unwrap();
        assert_eq!((all.title.as_str(), sentry.asked("query")), ("Projects of globex (1–3, and more)", vec![]));
    }

    #[test]
    fn an_odd_project_costs_itself_alone() {
        let odd = json!([null, [], "x", { "slug": "checkout-api", "teams": [null, 7, { "slug": "payments" }] }]);
        let text = Sentry::saas().answers(ORGANIZATIONS, organizations()).answers(PROJECTS, odd);
        let text = text.run_text("project list globex");
        assert!(text.contains("checkout-api") && text.contains("payments"), "{text}");
    }

    #[test]
    fn an_organization_without_projects_is_told() {
        let sentry = Sentry::saas().answers(ORGANIZATIONS, organizations()).answers(PROJECTS, json!([]));
        assert!(sentry.remembering("globex").run_text("projects").contains("There is none that this account can see."));
    }

    #[test]
    fn a_place_without_access_is_told_as_that_p4() {
        let sentry = Sentry::saas()
            .answers(ORGANIZATIONS, organizations())
            .replies(PROJECTS, 403, &[], r#"{"detail":"You do not have permission to perform this action."}"#)
            .answers("https://sentry.io/api/0/", json!({ "auth": { "scopes": ["org:read"] } }));
        let told = sentry.run_text("project list globex");
        assert!(told.contains("No access to globex"), "{told}");
    }
}
