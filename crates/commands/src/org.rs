//! `org list`: the organizations that this account is in.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::answer::{Answer, Audience, Item, More, Part};
use super::grammar::Words;
use super::issue::list::{self, IssueList};
use super::{Command, CommandError, Context, Effect, Skill, Spec, UsageError, invocation, say};
use vedette_sentry::types::Organization;
use vedette_sentry::urls;

/// Lists organizations.
pub struct OrgList;

/// How many are shown: as many as Sentry's MCP server shows.
const SHOWN: usize = 25;

/// What `org list` takes.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Parameters {
    /// Only organizations whose name or slug contains this text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
}

impl Command for OrgList {
    type Parameters = Parameters;
    const SPEC: Spec = Spec {
        name: "org list",
        aliases: &["org ls", "orgs", "organizations", "organization list", "list orgs", "list organizations"],
        tool: "find_organizations",
        summary: "List the organizations you can see in Sentry",
        usage: "org list [-q text]",
        examples: &["org list", "org list -q globex"],
        progress: "Looking at your organizations…",
        scopes: &["org:read"],
        skills: &[Skill::Inspect, Skill::Triage, Skill::Seer, Skill::ProjectManagement],
        effect: Effect::Read,
        audience: Audience::Person,
    };

    fn read(words: &mut Words) -> Result<Parameters, UsageError> {
        let query = words.option("query", Some('q'))?.or_else(|| words.next_word());
        Ok(Parameters { query })
    }

    fn label(parameters: &Parameters) -> String {
        let with = parameters.query.as_ref().map(|query| format!(" with “{query}”")).unwrap_or_default();
        format!("List my organizations{with}")
    }

    async fn run<'a>(context: &'a Context<'a>, parameters: Parameters) -> Result<Answer, CommandError> {
        let query = parameters.query.as_deref().map(str::trim).filter(|query| !query.is_empty());
        let all = context.client.organizations().await?;
        let fitting: Vec<&Organization> = all.iter().filter(|it| query.is_none_or(|query| fits(it, query))).collect();
        let shown = fitting.iter().take(SHOWN).map(|organization| item(context, organization)).collect();
        let mut answer = Answer { title: "Your organizations".to_owned(), ..Answer::default() };
        if let Some(query) = query {
            answer.title = format!("Your organizations with “{}”", say::line(query, 100));
        }
        if !fitting.is_empty() {
            answer.title.push_str(&say::place_in_list(say::Excerpt {
                total: Some(fitting.len() as u64),
                before: Some(0),
                shown: fitting.len().min(SHOWN) as u64,
                more: fitting.len() > SHOWN,
            }));
        }
        if fitting.is_empty() {
            answer.parts.push(Part::Paragraph(match query {
                Some(_) => format!(
                    "None of your {} has that in its name.",
                    say::counted(all.len() as u64, "organization", "organizations")
                ),
                None => "This account is in no organization yet.".to_owned(),
            }));
            return Ok(answer);
        }
        answer.parts.push(Part::Items(shown));
        if fitting.len() > SHOWN {
            let link = Some(context.client.host().origin().clone());
            answer.more = Some(More { remaining: Some((fitting.len() - SHOWN) as u64), link, next: None });
        }
        if fitting.len() > 1 && context.target.organization.is_none() {
            answer.notes.push("`use organization` remembers one, so that you need not say it again.".to_owned());
        }
        Ok(answer)
    }
}

fn fits(organization: &Organization, query: &str) -> bool {
    let query = query.to_lowercase();
    [Some(&organization.slug), organization.name.as_ref()]
        .into_iter()
        .flatten()
        .any(|name| name.to_lowercase().contains(&query))
}

fn item(context: &Context<'_>, organization: &Organization) -> Item {
    let name = organization.name.as_deref().filter(|name| *name != organization.slug).unwrap_or_default();
    let region =
        organization.region_url().filter(|url| context.client.host().is_saas() && context.client.host().permits(url));
    let region = region.and_then(|url| url.host_str().map(str::to_owned));
    let issues = list::Parameters { organization_slug: Some(organization.slug.clone()), ..list::Parameters::default() };
    Item {
        name: organization.slug.clone(),
        link: Some(urls::web(context.client.host(), &organization.slug, &["issues"], &[])),
        summary: say::line(name, 100),
        facts: region.into_iter().collect(),
        open: Some(invocation::<IssueList>(&issues)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{ORGANIZATIONS, Sentry, organizations};

    #[test]
    fn it_lists_the_organizations_with_their_regions() {
        let sentry = Sentry::saas().answers(ORGANIZATIONS, organizations());
        insta::assert_snapshot!(sentry.run_text("org list"), @r#"
    # Your organizations (2)

    - [globex](https://globex.sentry.io/issues/): Globex Corporation
      us.sentry.io
    - [initech](https://initech.sentry.io/issues/): Initech
      de.sentry.io

    > `use organization` remembers one, so that you need not say it again.
    "#);
    }

    #[test]
    fn an_odd_organization_costs_itself_alone() {
        let odd = json!([null, { "slug": null }, "x", [], { "slug": "globex" }, { "slug": {} }, 7]);
        let text = Sentry::saas().answers(ORGANIZATIONS, odd).run_text("org list");
        assert!(text.contains("[globex]") && text.matches("\n- ").count() == 1, "{text}");
    }

    #[test]
    fn a_query_filters_by_name_and_says_when_nothing_fits() {
        let sentry = Sentry::saas().answers(ORGANIZATIONS, organizations());
        assert!(sentry.run_text("org list initech").contains("initech"));
        let sentry = Sentry::saas().answers(ORGANIZATIONS, organizations());
        insta::assert_snapshot!(sentry.run_text("org list -q hooli"), @r#"
    # Your organizations with “hooli”

    None of your 2 organizations has that in its name.
    "#);
    }

    #[test]
    fn odd_organizations_do_not_break_the_list() {
        let odd = json!([{ "slug": "globex", "name": null, "links": "none" }, { "slug": "" }, { "name": "No slug" }, { "slug": "x", "links": { "regionUrl": "https://evil.example" } }]);
        let sentry = Sentry::saas().answers(ORGANIZATIONS, odd);
        insta::assert_snapshot!(sentry.run_text("org list"), @r#"
    # Your organizations (2)

    - [globex](https://globex.sentry.io/issues/)
    - [x](https://x.sentry.io/issues/)

    > `use organization` remembers one, so that you need not say it again.
    "#);
    }
}
