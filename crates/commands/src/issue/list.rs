//! `issue list`: the issues of an organization or a project.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use super::view::{self, IssueView};
use super::{assignee, learned, name, title};
use crate::answer::{Action, Answer, Audience, Item, More, Part};
use crate::grammar::Words;
use crate::target::{self, Place};
use crate::{Command, CommandError, Context, Effect, Skill, Spec, UsageError, invocation, say};
use vedette_sentry::error::SentryError;
use vedette_sentry::page::Page;
use vedette_sentry::types::Issue;
use vedette_sentry::urls;

/// Lists issues.
pub struct IssueList;

const DEFAULT_QUERY: &str = "is:unresolved";
/// Sentry's MCP server looks back as far.
const DEFAULT_PERIOD: &str = "30d";
/// A Slack message of ten issues can be read without scrolling.
const DEFAULT_LIMIT: u32 = 10;

/// The order of issues.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Sort {
    /// Last seen first.
    #[default]
    Date,
    /// Most events first.
    Freq,
    /// First seen last, first.
    New,
    /// Most people affected first.
    User,
    /// What Sentry recommends first.
    Recommended,
    /// What grows most first.
    Trends,
}

impl Sort {
    const ALL: [(&'static str, Sort); 6] = [
        ("date", Sort::Date),
        ("freq", Sort::Freq),
        ("new", Sort::New),
        ("user", Sort::User),
        ("recommended", Sort::Recommended),
        ("trends", Sort::Trends),
    ];

    fn read(word: &str) -> Result<Sort, UsageError> {
        let word = word.to_lowercase();
        let meant = match word.as_str() {
            "lastseen" | "last-seen" | "recent" => "date",
            "frequency" | "events" | "count" => "freq",
            "firstseen" | "first-seen" | "newest" => "new",
            "users" | "people" => "user",
            other => other,
        };
        Sort::ALL.iter().find(|(known, _)| *known == meant).map(|(_, sort)| *sort).ok_or_else(|| {
            let known: Vec<&str> = Sort::ALL.iter().map(|(known, _)| *known).collect();
            UsageError::new(format!("I can't sort by `{word}`. These work: {}.", known.join(", ")))
        })
    }

    fn word(self) -> &'static str {
        Sort::ALL.iter().find(|(_, sort)| *sort == self).map_or("date", |(word, _)| word)
    }
}

/// What `issue list` takes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Parameters {
    /// The organization's slug. May be left out where the account sees only one, or this server has a default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization_slug: Option<String>,
    /// The project's slug or id. Left out: all projects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_slug_or_id: Option<String>,
    /// What to look for, in Sentry's issue search syntax, taken as it is (`is:unresolved` when left out; empty for all
    /// issues). All terms must hold; OR and parentheses do not exist, so search twice instead. Terms:
    /// `is:unresolved|resolved|archived|for_review|assigned`, `assigned:me`, `assigned:#team`, `level:error`,
    /// `firstSeen:-24h`, `lastSeen:-1h`, `release:latest`, `environment:production`, `error.type:TypeError`,
    /// `user.email:ada@example.com`, `!key:value`, `key:[a,b]`, `key:*part*`, or words of the title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 0))] // empty is a value
    pub query: Option<String>,
    /// The order (`date`, which is last seen first, when left out).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort: Option<Sort>,
    /// How many to show at most (10).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub limit: Option<u32>,
    /// How far to look back: a number and `m`, `h`, `d` or `w` (`30d` when left out).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<String>,
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
    fn query(&self) -> &str {
        self.query.as_deref().map_or(DEFAULT_QUERY, str::trim)
    }

    fn period(&self) -> &str {
        self.period.as_deref().unwrap_or(DEFAULT_PERIOD)
    }

    fn check(&self) -> Result<(), UsageError> {
        match say::split_period(self.period()) {
            Some(_) => Ok(()),
            None => Err(UsageError::with(
                format!("`{}` is no period I know. Use a number with m, h, d or w.", say::line(self.period(), 40)),
                "issue list -t 24h",
            )),
        }
    }
}

impl Command for IssueList {
    type Parameters = Parameters;
    const SPEC: Spec = Spec {
        name: "issue list",
        aliases: &["issue ls", "issues", "issue search", "issue find", "list issues"],
        tool: "search_issues",
        summary: "List the issues of an organization or a project",
        usage: "issue list [org[/project]] [-q query] [-s sort] [-n limit] [-t period] [-c cursor]",
        examples: &[
            "issue list",
            "issue list globex/checkout-api -q \"is:unresolved level:error\"",
            "issue list globex -s freq -t 24h",
        ],
        progress: "Looking at {}'s issues…",
        scopes: &["org:read", "event:read"],
        skills: &[Skill::Inspect, Skill::Triage, Skill::Seer],
        effect: Effect::Read,
        audience: Audience::Channel,
    };

    fn read(words: &mut Words) -> Result<Parameters, UsageError> {
        let mut parameters = Parameters {
            query: words.option("query", Some('q'))?,
            sort: words.option("sort", Some('s'))?.as_deref().map(Sort::read).transpose()?,
            limit: words.number("limit", Some('n'))?,
            period: words.option("period", Some('t'))?,
            cursor: words.option("cursor", Some('c'))?,
            ..Parameters::default()
        };
        if words.peek().is_some_and(|word| !is_search_term(word)) {
            let (organization, project) = words.next_place().unwrap_or_default();
            parameters.organization_slug = Some(organization).filter(|slug| !slug.is_empty());
            parameters.project_slug_or_id = project;
        }
        let mut terms: Vec<String> = parameters.query.take().into_iter().collect();
        let said = !terms.is_empty();
        while words.peek().is_some_and(is_search_term) {
            terms.extend(words.next_word().map(|term| requote(&term)));
        }
        parameters.query = (said || !terms.is_empty()).then(|| terms.join(" "));
        parameters.check()?;
        Ok(parameters)
    }

    fn label(parameters: &Parameters) -> String {
        super::wording::list(parameters)
    }

    async fn run<'a>(context: &'a Context<'a>, parameters: Parameters) -> Result<Answer, CommandError> {
        parameters.check()?;
        let again = invocation::<IssueList>(&parameters);
        let organization = parameters.organization_slug.as_deref();
        let mut place =
            target::resolve(context, organization, parameters.project_slug_or_id.as_deref(), &again).await?;
        let mut result = fetch(context, &place, &parameters).await;
        let better = match &result {
            Err(SentryError::NotFound) => Some(target::correct(context, &place, &again).await?),
            Err(error) if is_about_project(error, &place) => target::correct_project(context, &place, &again).await?,
            // Nothing may be found because the project's name has a mistake.
            Ok(page) if page.items.is_empty() && parameters.cursor.is_none() => {
                target::correct_project(context, &place, &again).await?
            }
            _ => None,
        };
        if let Some(better) = better {
            place = better;
            result = fetch(context, &place, &parameters).await;
        }
        let page = result.map_err(|error| refused(error, &parameters))?;
        Ok(answer(context, &place, &parameters, page))
    }
}

/// Whether Sentry says that the project does not exist. It is a 400, because the project is a term of the search: slugs
/// work there in every version of Sentry, while the `project` parameter takes only ids in some.
fn is_about_project(error: &SentryError, place: &Place) -> bool {
    let SentryError::Rejected { status: 400, detail } = error else { return false };
    place.project.as_deref().is_some_and(|project| detail.contains("roject") && detail.contains(project))
}

fn refused(error: SentryError, parameters: &Parameters) -> CommandError {
    let SentryError::Rejected { status: 400, detail } = error else { return error.into() };
    let answer = Answer {
        title: "Sentry did not understand this search".to_owned(),
        parts: vec![
            Part::Code(say::line(parameters.query(), 500)),
            Part::Paragraph(format!("It says: {}", say::line(&detail, 500))),
        ],
        notes: vec![
            "Terms look like `is:unresolved`, `level:error`, `assigned:me`, `release:latest`, `!browser:Safari`; words \
             without a colon are looked for in the title. OR and parentheses do not work for issues."
                .to_owned(),
        ],
        ..Answer::default()
    };
    CommandError::Explained(Box::new(answer))
}

async fn fetch(context: &Context<'_>, place: &Place, parameters: &Parameters) -> Result<Page<Issue>, SentryError> {
    let mut url = context.client.organization_url(&place.organization, &["issues"]).await?;
    let mut query = parameters.query().to_owned();
    {
        let mut pairs = url.query_pairs_mut();
        match place.project.as_deref() {
            Some(id) if is_number(id) => {
                pairs.append_pair("project", id);
            }
            Some(slug) => {
                query = format!("project:{slug} {query}").trim_end().to_owned();
                pairs.append_pair("project", "-1"); // older versions look only in the person's own projects without it
            }
            None => {}
        }
        pairs
            .append_pair("query", &query)
            .append_pair("sort", parameters.sort.unwrap_or_default().word())
            .append_pair("statsPeriod", parameters.period())
            .append_pair("limit", &parameters.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, 100).to_string())
            .append_pair("collapse", "stats");
        if let Some(cursor) = &parameters.cursor {
            pairs.append_pair("cursor", cursor);
        }
    }
    context.client.list(url).await
}

/// The id of the first unresolved issue in the order of `sort`.
pub async fn first(context: &Context<'_>, place: &Place, sort: Sort) -> Result<Option<String>, SentryError> {
    let parameters =
        Parameters { sort: Some(sort), limit: Some(1), period: Some("90d".to_owned()), ..Parameters::default() };
    let page = fetch(context, place, &parameters).await?;
    Ok(page.items.into_iter().find(|issue| shown(context, issue)).and_then(|issue| issue.short_id.or(issue.id)))
}

/// Whether the issue may be shown: its project is a term of the search, which other terms can widen or turn around.
fn shown(context: &Context<'_>, issue: &Issue) -> bool {
    context.shows(issue.project.as_ref().and_then(|project| project.slug.as_deref()))
}

fn answer(context: &Context<'_>, place: &Place, parameters: &Parameters, mut page: Page<Issue>) -> Answer {
    let found = page.items.len();
    page.items.retain(|issue| shown(context, issue));
    if page.items.len() < found {
        page.hits = None; // of elsewhere too
    }
    let link = web_link(context, place, parameters);
    let what = match parameters.query() {
        DEFAULT_QUERY => "Unresolved issues",
        "" => "All issues",
        _ => "Issues",
    };
    let searched = match parameters.query() {
        DEFAULT_QUERY | "" => String::new(),
        query => format!(" with {}", say::line(query, 150)),
    };
    let mut answer = Answer {
        title: format!("{what} in {}{searched}", place.name()),
        link: Some(link.clone()),
        notes: place.note.clone().into_iter().collect(),
        ..Answer::default()
    };
    if page.items.is_empty() && (found == 0 || page.next.is_none()) {
        nothing(context, &mut answer, place, parameters);
        return answer;
    }
    let shown = page.items.len() as u64;
    let (total, before) = in_all(&page, parameters.shown_before(), found == page.items.len());
    let more = page.next.is_some();
    answer.title.push_str(&say::place_in_list(say::Excerpt { total, before, shown, more }));
    answer.actions.extend(back(place, parameters));
    if shown > 0 {
        answer.parts.push(Part::Items(page.items.iter().map(|issue| item(context, place, issue)).collect()));
    }
    if let [only] = page.items.as_slice() {
        answer.learned = learned(place, only);
    }
    answer.more = page.next.map(|cursor| More {
        remaining: total.zip(before).map(|(total, before)| total.saturating_sub(before).saturating_sub(shown)),
        link: Some(link),
        next: Some(invocation::<IssueList>(&Parameters {
            cursor: Some(cursor),
            before: before.map(|before| before.saturating_add(shown)),
            ..located(place, parameters)
        })),
    });
    answer
}

/// The way back from a later page, which has taken the place of the first one.
fn back(place: &Place, parameters: &Parameters) -> Option<Action> {
    parameters.before.filter(|before| *before > 0)?;
    let first = Parameters { cursor: None, before: None, ..located(place, parameters) };
    Some(target::back(&invocation::<IssueList>(&first)))
}

/// How many there are in all, and how many came before this page, as far as that is known: of a list of which not all may
/// be shown, neither is told.
fn in_all(page: &Page<Issue>, before: Option<u64>, whole: bool) -> (Option<u64>, Option<u64>) {
    if !whole {
        return (None, before.filter(|before| *before == 0));
    }
    // The last page tells it, whatever Sentry counted.
    let counted = before.filter(|_| page.next.is_none()).map(|before| before.saturating_add(page.items.len() as u64));
    (counted.or(page.hits), before)
}

/// The same parameters with the place that was found.
fn located(place: &Place, parameters: &Parameters) -> Parameters {
    Parameters {
        organization_slug: Some(place.organization.clone()),
        project_slug_or_id: place.project.clone(),
        ..parameters.clone()
    }
}

fn item(context: &Context<'_>, place: &Place, issue: &Issue) -> Item {
    let mut facts = Vec::new();
    facts.extend(issue.level.as_deref().map(|level| say::line(level, 20)));
    facts.extend(issue.count.map(|count| say::counted(count, "event", "events")));
    facts.extend(issue.user_count.filter(|people| *people > 0).map(|people| say::counted(people, "person", "people")));
    facts.extend(issue.last_seen.map(|moment| say::ago(context.client.now(), moment)));
    facts.extend(issue.assigned_to.as_ref().and_then(assignee).map(|name| format!("assigned to {name}")));
    let id = issue.short_id.clone().or_else(|| issue.id.clone());
    let host = context.client.host();
    let open = id.clone().map(|id| {
        invocation::<IssueView>(&view::Parameters {
            organization_slug: Some(place.organization.clone()),
            issue_id: Some(id),
            ..view::Parameters::default()
        })
    });
    let own_page = || Some(urls::web(host, &place.organization, &["issues", issue.id.as_deref()?], &[]));
    Item {
        name: name(issue),
        link: urls::own(host, issue.permalink.as_ref()).or_else(own_page),
        summary: title(issue),
        facts,
        open,
    }
}

/// Says kindly that there is nothing, where that was, and what else to try.
fn nothing(context: &Context<'_>, answer: &mut Answer, place: &Place, parameters: &Parameters) {
    let period = say::period(parameters.period());
    if parameters.cursor.is_some() {
        answer.parts.push(Part::Paragraph("That was all: there are no more issues on this list.".to_owned()));
        answer.actions.extend(back(place, parameters));
        return;
    }
    let text = match parameters.query() {
        DEFAULT_QUERY => format!("Nothing is unresolved in {} from the last {period}.", place.name()),
        "" => format!("There are no issues in {} from the last {period}.", place.name()),
        query => format!("No issue in {} from the last {period} fits {}.", place.name(), say::line(query, 200)),
    };
    answer.parts.push(Part::Paragraph(text));
    let mut offer = |parameters: Parameters| {
        answer.actions.push(target::instead(IssueList::SPEC.name, &parameters));
    };
    let here = || located(place, parameters);
    if say::split_period(parameters.period()).is_some_and(|(number, unit)| unit != 'd' || number < 90) {
        offer(Parameters { period: Some("90d".to_owned()), ..here() });
    }
    if !parameters.query().is_empty() {
        offer(Parameters { query: Some(String::new()), ..here() });
    }
    if place.project.is_some() && context.limit.project.is_none() {
        offer(Parameters {
            project_slug_or_id: None,
            organization_slug: Some(place.organization.clone()),
            ..parameters.clone()
        });
    }
}

fn web_link(context: &Context<'_>, place: &Place, parameters: &Parameters) -> Url {
    let mut query = parameters.query().to_owned();
    let mut pairs: Vec<(&str, &str)> = Vec::new();
    match place.project.as_deref() {
        Some(id) if is_number(id) => pairs.push(("project", id)),
        Some(slug) => query = format!("project:{slug} {query}").trim_end().to_owned(),
        None => {}
    }
    pairs.push(("query", &query));
    pairs.push(("statsPeriod", parameters.period()));
    pairs.push(("sort", parameters.sort.unwrap_or_default().word()));
    urls::web(context.client.host(), &place.organization, &["issues"], &pairs)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit())
}

/// Whether a word is a term of a search (`level:error`, `!is:resolved`) rather than a place.
fn is_search_term(word: &str) -> bool {
    word.contains(':') && !word.contains("://")
}

/// A term whose value lost its quotes when the line was cut into words.
fn requote(term: &str) -> String {
    match term.split_once(':') {
        Some((key, value)) if value.contains(char::is_whitespace) && !value.contains('"') => {
            format!("{key}:\"{value}\"")
        }
        _ => term.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::Does;
    use crate::testing::{ORGANIZATIONS, Sentry, only_globex, organizations};
    use serde_json::{Value, json};

    const GLOBEX: &str = "https://us.sentry.io/api/0/organizations/globex/issues/";
    const PROJECTS: &str = "https://us.sentry.io/api/0/organizations/globex/projects/";

    fn issues() -> Value {
        json!([
            {
                "id": "4521", "shortId": "CHECKOUT-API-4F", "title": "ConnectionError: pool exhausted", "culprit": "charge",
                "permalink": "https://globex.sentry.io/issues/4521/", "level": "error", "status": "unresolved",
                "count": "1204", "userCount": 311, "firstSeen": "2026-02-01T08:00:00Z", "lastSeen": "2026-03-04T10:12:00.054320Z",
                "assignedTo": { "type": "user", "id": "7", "name": "Ada Lovelace" },
                "project": { "id": "9", "slug": "checkout-api", "name": "Checkout API" },
            },
            {
                "id": "4522", "shortId": "CHECKOUT-API-4G", "title": "<!channel> *pwned* [click](https://evil.example)\n# \u{202e}gnp.exe",
                "permalink": "https://evil.example/issues/4522/", "level": "warning", "count": "1", "userCount": 1,
                "lastSeen": "2026-03-03T10:12:00Z", "assignedTo": { "type": "team", "id": "3", "name": "payments" },
            },
            {
                "id": 4523, "shortId": null, "title": null, "culprit": null, "permalink": null, "level": null, "count": null,
                "userCount": null, "lastSeen": "yesterday", "assignedTo": "ada", "project": null, "metadata": { "type": "Oops" },
            },
        ])
    }

    fn sentry() -> Sentry {
        Sentry::saas().answers(ORGANIZATIONS, organizations())
    }

    #[test]
    fn an_odd_issue_costs_itself_alone() {
        let issue = json!({ "id": "1", "shortId": "CHECKOUT-API-4F", "title": "x" });
        let text = sentry().answers(GLOBEX, json!([null, issue, "x", [], 7])).run_text("issue list globex");
        assert!(text.contains("CHECKOUT-API-4F") && !text.contains("could not"), "{text}");
        assert_eq!(text.matches("\n- ").count(), 1, "{text}");
    }

    #[test]
    fn it_shows_what_is_unresolved_with_hostile_titles_and_nulls_p20() {
        let link = r#"<https://us.sentry.io/x>; rel="next"; results="true"; cursor="0:3:0""#;
        let sentry = sentry().replies(GLOBEX, 200, &[("link", link), ("x-hits", "40")], &issues().to_string());
        insta::assert_snapshot!(sentry.run_text("issue list globex/checkout-api -n 3"), @r#"
    # [Unresolved issues in globex/checkout-api (1–3 of 40)](https://globex.sentry.io/issues/?query=project%3Acheckout-api+is%3Aunresolved&statsPeriod=30d&sort=date)

    - [CHECKOUT-API-4F](https://globex.sentry.io/issues/4521/): ConnectionError: pool exhausted
      error · 1,204 events · 311 people · 2 minutes ago · assigned to Ada Lovelace
    - [CHECKOUT-API-4G](https://globex.sentry.io/issues/4522/): \<!channel\> \*pwned\* \[click\](https://evil.example) # gnp.exe
      warning · 1 event · 1 person · 1 day ago · assigned to #payments
    - [4523](https://globex.sentry.io/issues/4523/): Oops

    … and 37 more, [all of them in Sentry](https://globex.sentry.io/issues/?query=project%3Acheckout-api+is%3Aunresolved&statsPeriod=30d&sort=date); next page: cursor `0:3:0`
    "#);
        assert_eq!(sentry.calls().len(), 2);
        assert_eq!(sentry.asked("query"), ["project:checkout-api is:unresolved"]);
        assert_eq!(sentry.asked("statsPeriod"), ["30d"]);
        assert_eq!(sentry.asked("limit"), ["3"]);
    }

    #[test]
    fn more_issues_are_one_press_away() {
        let link = r#"<https://us.sentry.io/x>; rel="next"; results="true"; cursor="0:3:0""#;
        let sentry = sentry().replies(GLOBEX, 200, &[("link", link), ("x-hits", "40")], &issues().to_string());
        let more = sentry.type_in("issue list globex -s freq").unwrap().more.unwrap();
        assert_eq!(more.remaining, Some(37));
        let next = more.next.unwrap();
        assert_eq!(
            next.parameters,
            json!({ "organizationSlug": "globex", "sort": "freq", "cursor": "0:3:0", "before": 3 })
        );
        let second = sentry.run(&next).unwrap();
        assert_eq!(second.title, "Unresolved issues in globex (4–6 of 40)");
        assert_eq!(second.more.unwrap().remaining, Some(34));
        // A cursor that somebody typed does not tell how many came before it.
        let typed = sentry.type_in("issue list globex -s freq -c 0:3:0").unwrap();
        assert_eq!(
            (typed.title.as_str(), typed.more.unwrap().remaining),
            ("Unresolved issues in globex (continued)", None)
        );
        assert_eq!(sentry.asked("cursor"), ["0:3:0"]);
        assert_eq!(sentry.asked("sort"), ["freq"]);
    }

    #[test]
    fn nothing_is_told_kindly_with_what_else_to_try() {
        let sentry = sentry().answers(GLOBEX, json!([])).answers(PROJECTS, json!([{ "slug": "checkout-api" }]));
        insta::assert_snapshot!(sentry.run_text("issue list globex/checkout-api -q level:fatal -t 24h"), @r#"
    # [Issues in globex/checkout-api with level:fatal](https://globex.sentry.io/issues/?query=project%3Acheckout-api+level%3Afatal&statsPeriod=24h&sort=date)

    No issue in globex/checkout-api from the last 24 hours fits level:fatal.

    - Show fatal issues in globex/checkout-api from the last 90 days: `search_issues` with `{"organizationSlug":"globex","period":"90d","projectSlugOrId":"checkout-api","query":"level:fatal"}`
    - Show all issues in globex/checkout-api from the last 24 hours: `search_issues` with `{"organizationSlug":"globex","period":"24h","projectSlugOrId":"checkout-api","query":""}`
    - Show fatal issues in globex from the last 24 hours: `search_issues` with `{"organizationSlug":"globex","period":"24h","query":"level:fatal"}`
    "#);
        let answer = sentry.type_in("issue list globex").unwrap();
        assert_eq!(
            answer.parts,
            [Part::Paragraph("Nothing is unresolved in globex from the last 30 days.".to_owned())]
        );
    }

    #[test]
    fn the_words_of_a_search_need_no_flag() {
        let sentry = sentry().answers(GLOBEX, json!([]));
        sentry.type_in("issues globex is:unresolved level:error title:\"pool exhausted\"").unwrap();
        assert_eq!(sentry.asked("query"), ["is:unresolved level:error title:\"pool exhausted\""]);
        sentry.type_in("issues globex -q \"\"").unwrap();
        assert_eq!(sentry.asked("query"), [""]);
    }

    #[test]
    fn a_project_may_be_named_by_its_id() {
        let sentry = sentry().answers(GLOBEX, json!([{ "id": "1" }]));
        sentry.type_in("issues globex/12345").unwrap();
        assert_eq!(sentry.asked("project"), ["12345"]);
        assert_eq!(sentry.asked("query"), ["is:unresolved"]);
    }

    #[test]
    fn several_organizations_are_a_choice_and_each_choice_is_the_same_command() {
        let sentry = sentry().answers(GLOBEX, json!([]));
        let Err(CommandError::Choose(answer)) = sentry.type_in("issue list -q level:error") else { panic!() };
        let labels: Vec<&str> = answer.actions.iter().map(|action| action.label.as_str()).collect();
        assert_eq!(labels, ["globex", "initech"]);
        let Does::Instead(invocation) = &answer.actions[0].does else { panic!() };
        assert_eq!(invocation.parameters, json!({ "organizationSlug": "globex", "query": "level:error" }));
        assert!(sentry.run(invocation).is_ok());
    }

    #[test]
    fn more_choices_than_buttons_are_noted() {
        let many: Vec<Value> = (0..40).map(|number| json!({ "slug": format!("org-{number}") })).collect();
        let sentry = Sentry::saas().answers(ORGANIZATIONS, json!(many));
        let Err(CommandError::Choose(answer)) = sentry.type_in("issue list") else { panic!() };
        assert_eq!(answer.actions.len(), 25);
        assert!(answer.notes[0].contains("15 more"), "{:?}", answer.notes);
    }

    #[test]
    fn a_target_is_remembered_else_the_only_one_there_is() {
        let only = Sentry::saas().answers(ORGANIZATIONS, only_globex()).answers(GLOBEX, json!([]));
        assert!(only.type_in("issue list").unwrap().title.contains("globex"));
        let remembered = sentry().answers(GLOBEX, json!([{ "id": "1" }])).remembering("globex/checkout-api");
        let answer = remembered.type_in("issue list").unwrap();
        assert_eq!(answer.title, "Unresolved issues in globex/checkout-api (1)");
        assert!(answer.notes[0].contains("Looked in globex/checkout-api."));
        // An organization that is named is meant as a whole.
        assert_eq!(remembered.type_in("issue list globex").unwrap().title, "Unresolved issues in globex (1)");
    }

    #[test]
    fn no_organization_at_all_is_explained() {
        let sentry = Sentry::saas().answers(ORGANIZATIONS, json!([]));
        insta::assert_snapshot!(sentry.run_text("issue list"), @r#"
    # This account is in no organization yet

    I asked sentry.io for your organizations, and there are none. Join or create one there, or connect with another account: `disconnect`, then `connect`.

    - [Open Sentry](https://sentry.io/)
    "#);
    }

    #[test]
    fn a_name_may_be_a_project_of_the_organization_that_is_likely() {
        let sentry = Sentry::saas()
            .answers(ORGANIZATIONS, only_globex())
            .answers(PROJECTS, json!([{ "id": "9", "slug": "checkout", "name": "Checkout" }]))
            .answers(GLOBEX, json!([]));
        let answer = sentry.type_in("issue list Checkout").unwrap();
        assert_eq!(answer.title, "Unresolved issues in globex/checkout");
        assert_eq!(answer.notes, ["Read `Checkout` as the project globex/checkout."]);
    }

    const OTHERS_PROJECTS: &str = "https://de.sentry.io/api/0/organizations/initech/projects/";

    /// Two organizations with these projects.
    fn with_projects(globex: Value, initech: Value) -> Sentry {
        let sentry = sentry().answers(GLOBEX, json!([{ "id": "1" }])).answers(PROJECTS, globex);
        sentry.answers(OTHERS_PROJECTS, initech)
    }

    #[test]
    fn a_projects_name_alone_is_looked_for_in_each_organization() {
        let sentry = with_projects(json!([{ "slug": "checkout-api" }]), json!([{ "slug": "printer" }]));
        let answer = sentry.type_in("issue list checkout-api").unwrap();
        assert_eq!(answer.title, "Unresolved issues in globex/checkout-api (1)");
        assert_eq!(answer.notes, ["Read `checkout-api` as the project globex/checkout-api."]);
        assert_eq!(sentry.calls().len(), 4, "the organizations, the projects of each, and the issues");
        // One that may not be looked into does not stand in the way.
        let closed = sentry_with_closed_initech(json!([{ "slug": "_internal" }]));
        assert_eq!(closed.type_in("issue list _internal").unwrap().title, "Unresolved issues in globex/_internal");
    }

    fn sentry_with_closed_initech(globex: Value) -> Sentry {
        let sentry = sentry().answers(GLOBEX, json!([])).answers(PROJECTS, globex);
        let scopes = json!({ "auth": { "scopes": ["org:read", "project:read", "event:read"] } });
        let sentry = sentry.answers("https://sentry.io/api/0/", scopes);
        sentry.replies(OTHERS_PROJECTS, 403, &[], r#"{"detail":"no"}"#)
    }

    #[test]
    fn a_projects_name_that_two_organizations_have_is_asked_about() {
        let both = || json!([{ "slug": "web" }]);
        let told = with_projects(both(), both()).run_text("issue list web");
        assert!(told.contains("# Which web?") && told.contains("globex/web") && told.contains("initech/web"), "{told}");
        let remembering = with_projects(both(), both()).remembering("initech");
        let sentry = remembering.answers("https://de.sentry.io/api/0/organizations/initech/issues/", json!([]));
        assert_eq!(sentry.type_in("issue list web").unwrap().title, "Unresolved issues in initech/web");
    }

    #[test]
    fn what_a_name_is_a_part_of_is_offered_and_each_button_runs_the_command_again() {
        let sentry = with_projects(json!([{ "slug": "checkout-api" }]), json!([{ "slug": "printer" }]));
        insta::assert_snapshot!(sentry.run_text("issue list checkout -q level:fatal"), @r#"
    # I can't find an organization or project called checkout

    Did you mean `globex/checkout-api`?

    - Show fatal issues in globex/checkout-api: `search_issues` with `{"organizationSlug":"globex","projectSlugOrId":"checkout-api","query":"level:fatal"}`
    "#);
        let Err(CommandError::Explained(answer)) = sentry.type_in("issue list checkout") else { panic!() };
        let Does::Instead(invocation) = &answer.actions[0].does else { panic!() };
        assert_eq!(sentry.run(invocation).unwrap().title, "Unresolved issues in globex/checkout-api (1)");
        let told = sentry.run_text("project list checkout");
        assert!(told.contains(r#"`find_projects` with `{"organizationSlug":"globex"}`"#), "{told}");
    }

    #[test]
    fn an_id_where_a_place_should_be_is_offered_as_an_issue() {
        let sentry = with_projects(json!([{ "slug": "web-2" }]), json!([]));
        assert_eq!(sentry.type_in("issue list web-2").unwrap().title, "Unresolved issues in globex/web-2 (1)");
        let told = sentry.run_text("issue list printer-7");
        assert!(told.contains(r#"`get_issue_details` with `{"issueId":"PRINTER-7"}`"#), "{told}");
    }

    #[test]
    fn of_many_organizations_only_the_remembered_one_is_looked_into() {
        let mut many = organizations().as_array().cloned().unwrap();
        many.extend((0..9).map(|number| json!({ "slug": format!("org-{number}") })));
        let sentry = Sentry::saas().answers(ORGANIZATIONS, json!(many));
        let told = sentry.run_text("issue list checkout-api");
        assert!(told.contains("can't find an organization called checkout-api"), "{told}");
        assert!(told.contains("`issue list organization/checkout-api`") && sentry.calls().len() == 1, "{told}");
        let sentry = Sentry::saas().answers(ORGANIZATIONS, json!(many)).answers(GLOBEX, json!([]));
        let sentry = sentry.answers(PROJECTS, json!([{ "slug": "checkout-api" }])).remembering("globex");
        assert_eq!(
            sentry.type_in("issue list checkout-api").unwrap().title,
            "Unresolved issues in globex/checkout-api"
        );
    }

    #[test]
    fn an_organization_is_found_by_its_name_and_an_unknown_one_is_explained() {
        let sentry = with_projects(json!([]), json!([]));
        assert_eq!(sentry.type_in("issue list GLOBEX").unwrap().title, "Unresolved issues in globex (1)");
        insta::assert_snapshot!(sentry.run_text("issue list globx"), @r#"
    # I can't find an organization or project called globx

    Did you mean `globex`?

    - Show unresolved issues in globex: `search_issues` with `{"organizationSlug":"globex"}`
    "#);
        insta::assert_snapshot!(sentry.run_text("issue list umbrella"), @r#"
    # I can't find an organization or project called umbrella

    It may be spelled otherwise, or this account does not see it. There is no such project in globex or initech either. Where shall I look instead?

    - globex: `search_issues` with `{"organizationSlug":"globex"}`
    - initech: `search_issues` with `{"organizationSlug":"initech"}`
    "#);
    }

    const NO_PROJECT: &str =
        r#"{"detail":"Invalid query. Project(s) chekout-api do not exist or are not actively selected."}"#;

    #[test]
    fn an_unknown_project_is_answered_with_the_nearest() {
        let sentry = sentry()
            .replies(GLOBEX, 400, &[], NO_PROJECT)
            .answers(PROJECTS, json!([{ "slug": "checkout-api" }, { "slug": "storefront" }]));
        insta::assert_snapshot!(sentry.run_text("issue list globex/chekout-api"), @r#"
    # [I can't find the project chekout-api in globex](https://globex.sentry.io/projects/)

    Did you mean `globex/checkout-api`?

    > `project list globex` shows all of them.

    - Show unresolved issues in globex/checkout-api: `search_issues` with `{"organizationSlug":"globex","projectSlugOrId":"checkout-api"}`
    "#);
    }

    #[test]
    fn nothing_in_a_project_that_does_not_exist_is_a_mistake_in_its_name() {
        let projects = json!([{ "id": "9", "slug": "checkout-api" }]);
        let sentry = sentry().answers(GLOBEX, json!([])).answers(PROJECTS, projects);
        assert!(sentry.run_text("issue list globex/chekout-api").contains("Did you mean `globex/checkout-api`?"));
        assert!(
            sentry.run_text("issue list globex/Checkout-API").contains("Nothing is unresolved in globex/checkout-api")
        );
        assert!(sentry.run_text("issue list globex/9").contains("Nothing is unresolved in globex/checkout-api"));
    }

    /// A project whose name is the slug of the one after it.
    fn namesakes() -> Value {
        json!([{ "id": "9", "slug": "a-web", "name": "Web" }, { "id": "10", "slug": "web", "name": "Storefront" }])
    }

    #[test]
    fn a_projects_slug_wins_over_anothers_name() {
        let shop = json!([{ "id": "1", "shortId": "SHOP-1", "project": { "slug": "a-web" } }]);
        let sentry = sentry().replies(GLOBEX, 200, &[], "[]").answers(GLOBEX, shop).answers(PROJECTS, namesakes());
        let told = sentry.run_text("issue list globex/web");
        assert!(told.contains("Nothing is unresolved in globex/web") && !told.contains("SHOP-1"), "{told}");
    }

    #[test]
    fn a_name_is_no_project_while_its_slug_may_be_on_a_further_page() {
        let link = r#"<https://us.sentry.io/x>; rel="next"; results="true"; cursor="0:100:0""#;
        let named = json!([{ "id": "9", "slug": "a-web", "name": "Web" }]).to_string();
        let sentry = sentry().answers(GLOBEX, json!([])).replies(PROJECTS, 200, &[("link", link)], &named);
        assert!(sentry.run_text("issue list globex/web").contains("Nothing is unresolved in globex/web"));
    }

    fn search_in_web(query: &str) -> crate::answer::Invocation {
        let parameters = json!({ "organizationSlug": "globex", "projectSlugOrId": "web", "query": query });
        crate::answer::Invocation { command: "issue list".to_owned(), parameters }
    }

    #[test]
    fn in_a_project_that_a_connection_is_limited_to_nothing_stands_for_another_place() {
        let gone = json!([{ "slug": "globex-2", "name": "Globex" }]);
        for (status, body) in [(200, "[]"), (400, r#"{"detail":"Project(s) web do not exist"}"#), (404, "{}")] {
            let sentry = Sentry::saas().answers(ORGANIZATIONS, gone.clone());
            let sentry = sentry.replies("https://sentry.io/api/0/organizations/globex/issues/", status, &[], body);
            let sentry = sentry.limited_to("globex/web");
            let _ = sentry.run(&search_in_web(""));
            assert!(sentry.calls().iter().all(|url| !url.contains("globex-2") && !url.contains("projects")));
        }
        let sentry = sentry().answers(GLOBEX, json!([])).limited_to("globex/web");
        let answer = sentry.run(&search_in_web("level:fatal")).unwrap();
        assert!(answer.title.starts_with("Issues in globex/web"), "{}", answer.title);
        assert!(answer.actions.iter().all(|action| action.label != "All of globex"));
    }

    #[test]
    fn in_a_project_that_a_connection_is_limited_to_issues_of_no_other_are_listed() {
        let mixed = json!([
            { "id": "1", "shortId": "WEB-1", "project": { "slug": "web" } },
            { "id": "2", "shortId": "LAB-1", "project": { "slug": "test-lab" } },
            { "id": "3", "shortId": "LAB-2", "project": { "slug": null } },
            { "id": "4", "shortId": "LAB-3" },
        ]);
        let link = r#"<https://us.sentry.io/x>; rel="next"; results="true"; cursor="0:4:0""#;
        let headers = [("link", link), ("x-hits", "40")];
        let sentry = || sentry().replies(GLOBEX, 200, &headers, &mixed.to_string());
        let answer = sentry().limited_to("globex/web").run(&search_in_web("project:test-lab")).unwrap();
        let told = crate::text::markdown(&answer);
        assert!(told.contains("WEB-1") && !told.contains("LAB-"), "{told}");
        assert_eq!(answer.more.unwrap().remaining, None, "the number counts the others too");
        assert_eq!(answer.learned.issue.as_deref(), Some("globex/WEB-1"));
        let answer = sentry().limited_to("globex/api").run(&search_in_web("project:test-lab")).unwrap();
        assert_eq!(answer.parts, [], "and what may be on the next page can be asked for");
        assert!(answer.more.unwrap().next.is_some());
        assert!(sentry().run_text("issue list globex/web").contains("LAB-3"), "without a limit all are");
    }

    #[test]
    fn a_self_hosted_sentry_is_asked_once_and_an_unknown_place_is_explained_after() {
        const ISSUES: &str = "https://sentry.example.com:9000/api/0/organizations/globx/issues/";
        const LIST: &str = "https://sentry.example.com:9000/api/0/organizations/";
        let known = Sentry::self_hosted()
            .answers("https://sentry.example.com:9000/api/0/organizations/globex/issues/", json!([]));
        assert!(known.type_in("issue list globex").is_ok());
        assert_eq!(known.calls().len(), 1);
        let unknown =
            Sentry::self_hosted().replies(ISSUES, 404, &[], r#"{"detail":"no"}"#).answers(LIST, organizations());
        let unknown =
            unknown.answers("https://sentry.example.com:9000/api/0/organizations/globex/projects/", json!([]));
        let unknown =
            unknown.answers("https://sentry.example.com:9000/api/0/organizations/initech/projects/", json!([]));
        assert!(unknown.run_text("issue list globx").contains("Did you mean `globex`?"));
    }

    #[test]
    fn a_search_that_sentry_does_not_understand_is_explained() {
        let sentry = sentry().replies(
            GLOBEX,
            400,
            &[],
            r#"{"detail":"Boolean statements containing \"OR\" or \"AND\" are not supported in this search"}"#,
        );
        insta::assert_snapshot!(sentry.run_text("issue list globex -q \"a OR b\""), @r#"
    # Sentry did not understand this search

    ```
    a OR b
    ```

    It says: Boolean statements containing "OR" or "AND" are not supported in this search

    > Terms look like `is:unresolved`, `level:error`, `assigned:me`, `release:latest`, `!browser:Safari`; words without a colon are looked for in the title. OR and parentheses do not work for issues.
    "#);
    }

    #[test]
    fn parameters_from_a_client_are_held_to_the_same_rules() {
        let run = |parameters: Value| {
            let invocation = crate::answer::Invocation { command: "issue list".to_owned(), parameters };
            sentry().answers(GLOBEX, json!([])).run(&invocation)
        };
        assert!(
            run(json!({ "organizationSlug": "globex", "regionUrl": "https://evil.example", "limit": 1000 })).is_ok()
        );
        for odd in [
            json!({ "organizationSlug": "globex/../x" }),
            json!({ "organizationSlug": "globex", "projectSlugOrId": "a b" }),
            json!({ "organizationSlug": "globex", "period": "1 fortnight" }),
            json!({ "organizationSlug": "globex", "sort": "sideways" }),
            json!({ "organizationSlug": 7 }),
            json!([]),
        ] {
            assert!(matches!(run(odd.clone()), Err(CommandError::Explained(_))), "{odd}");
        }
    }

    #[test]
    fn the_only_issue_of_a_list_is_the_one_that_was_seen() {
        let sentry = sentry().answers(GLOBEX, json!([{ "id": "1", "shortId": "WEB-1" }]));
        assert_eq!(sentry.type_in("issues globex").unwrap().learned.issue.as_deref(), Some("globex/WEB-1"));
        let open = sentry.type_in("issues globex").unwrap();
        let [Part::Items(items)] = open.parts.as_slice() else { panic!() };
        let open = items[0].open.clone().unwrap();
        assert_eq!(open.parameters, json!({ "organizationSlug": "globex", "issueId": "WEB-1" }));
    }
}
