//! The REST API under `/api/0/`: who asks, how often, what for, and whether they may.
//!
//! Each route checks, in this order: the token (401), the rate limit (429), that the organization is served at this
//! place and that the account is a member of it (404), and the token's scopes (403).

use bytes::Bytes;
use http::{Method, Request, Response};
use serde_json::{Value, json};

use super::accounts::{self, Account, SCOPES};
use super::data::{Organization, Project, world};
use super::errors::ApiError;
use super::limits::Standing;
use super::paging::Window;
use super::place::Place;
use super::{Sentry, event_json, explore, issue_json, issues};
use crate::form::{self, Pairs};
use crate::json::Put;
use crate::{Context, exchange};

/// The version that `/api/0/` tells: Sentry's API has only ever had this one.
const VERSION: &str = "0";

/// What a route has to work with.
pub(super) struct Call<'a> {
    pub(super) place: &'a Place,
    pub(super) query: Pairs,
    pub(super) path: String,
    pub(super) account: &'static Account,
    scopes: Vec<String>,
    /// Whether the token came by OAuth (and is not the operator's own).
    by_oauth: bool,
    pub(super) now_ms: i64,
}

/// A good answer: a body, and headers beside it.
pub(super) struct Answer {
    pub(super) body: Value,
    pub(super) headers: Vec<(&'static str, String)>,
}

impl From<Value> for Answer {
    fn from(body: Value) -> Answer {
        Answer { body, headers: Vec::new() }
    }
}

/// Answers a request, and says whether there is such a route.
pub(super) fn answer(
    sentry: &mut Sentry,
    request: &Request<Bytes>,
    place: &Place,
    context: &mut Context,
) -> (Response<Bytes>, bool) {
    let path = request.uri().path();
    let segments = form::segments(path);
    let route: Vec<&str> = segments.iter().skip(2).map(String::as_str).collect();
    let known = path.ends_with('/') && is_known(&route);
    if !known {
        return (ApiError::NoRoute(path.to_owned()).response(), false);
    }
    let call = match identify(sentry, request, place, context) {
        Ok(call) => call,
        Err(error) => return (error.response(), true),
    };
    let limit = context.options.sentry_requests_per_second;
    let standing = sentry.limits.count(call.account.email, &endpoint(&route), limit, context.now_ms);
    let mut response = match respond(request.method(), &route, &call, standing) {
        Ok(answer) => {
            let mut response = exchange::json(200, &answer.body);
            answer.headers.iter().for_each(|(name, value)| exchange::set_named(&mut response, name, value));
            response
        }
        Err(error) => error.response(),
    };
    standing.tell(&mut response);
    (response, true)
}

fn identify<'a>(
    sentry: &mut Sentry,
    request: &Request<Bytes>,
    place: &'a Place,
    context: &Context,
) -> Result<Call<'a>, ApiError> {
    let token = super::bearer(request).ok_or(ApiError::NoCredentials)?;
    let (account, scopes, by_oauth) = if token == context.options.operator_token {
        let operator = accounts::operator().ok_or(ApiError::InvalidToken)?;
        (operator, SCOPES.iter().map(|scope| (*scope).to_owned()).collect(), false)
    } else {
        let row = sentry.tokens.by_access(token).ok_or(ApiError::InvalidToken)?;
        if context.now_ms >= row.expires_at_ms {
            return Err(ApiError::TokenExpired);
        }
        (row.account, row.scopes.clone(), true)
    };
    Ok(Call {
        place,
        query: Pairs::of_query(request.uri()),
        path: request.uri().path().to_owned(),
        account,
        scopes,
        by_oauth,
        now_ms: context.now_ms,
    })
}

/// The route's name: what is counted together.
fn endpoint(route: &[&str]) -> String {
    let is_name = |(index, _): &(usize, &&str)| index % 2 == 0;
    route.iter().enumerate().filter(is_name).map(|(_, part)| *part).collect::<Vec<&str>>().join("/")
}

fn is_known(route: &[&str]) -> bool {
    matches!(
        route,
        [] | ["auth"]
            | ["organizations"]
            | ["users", "me"]
            | ["users", "me", "regions"]
            | ["organizations", _]
            | ["organizations", _, "projects" | "teams" | "members" | "environments" | "tags" | "releases" | "issues"]
            | ["organizations", _, "events"]
            | ["organizations", _, "releases" | "shortids" | "eventids" | "issues" | "trace" | "trace-meta", _]
            | ["organizations", _, "issues", _, "events" | "tags" | "hashes" | "activities" | "external-issues"]
            | ["organizations", _, "issues", _, "events" | "tags", _]
            | ["organizations", _, "issues", _, "tags", _, "values"]
            | ["projects", _, _]
            | ["projects", _, _, "events" | "releases", _]
    )
}

fn respond(method: &Method, route: &[&str], call: &Call, standing: Standing) -> Result<Answer, ApiError> {
    if standing.exceeded {
        return Err(ApiError::TooMany { limit: standing.limit });
    }
    if method != Method::GET {
        return Err(ApiError::MethodNotAllowed(method.clone()));
    }
    match route {
        [] => Ok(root(call)),
        ["auth"] => call.on_control().map(|()| user(call.account).into()),
        ["users", "me"] if call.by_oauth => Err(ApiError::NotPermitted),
        ["users", "me"] => call.on_control().map(|()| user(call.account).into()),
        ["users", "me", "regions"] => regions(call),
        ["organizations"] => organizations(call),
        ["organizations", slug, rest @ ..] => {
            let organization = call.organization(slug)?;
            in_organization(organization, rest, call)
        }
        ["projects", slug, project, rest @ ..] => {
            let organization = call.organization(slug)?;
            in_project(organization, project, rest, call)
        }
        _ => Err(ApiError::NotFound),
    }
}

fn in_organization(organization: &'static Organization, rest: &[&str], call: &Call) -> Result<Answer, ApiError> {
    match rest {
        [] => call.may(&["org:read"]).map(|()| detailed_organization(organization, call).into()),
        ["projects"] => {
            call.may(&["org:read", "project:read"])?;
            call.page(projects(organization, call.query.text("query")))
        }
        ["teams"] => {
            call.may(&["org:read", "team:read"])?;
            call.page(teams(organization))
        }
        ["members"] => {
            call.may(&["member:read"])?;
            call.page(members(organization))
        }
        ["environments"] => {
            call.may(&["org:read", "project:read"])?;
            let names = ["production", "staging"];
            let environment = |(id, name): (usize, &str)| json!({"id": id.to_string(), "name": name});
            Ok(Value::Array((1..).zip(names).map(environment).collect()).into())
        }
        ["tags"] => {
            call.may(&["org:read", "event:read"])?;
            Ok(organization_tags(organization).into())
        }
        ["releases"] => {
            call.may(&["project:read", "project:releases", "org:ci"])?;
            call.page(releases(organization, call))
        }
        ["releases", version] => {
            call.may(&["project:read", "project:releases", "org:ci"])?;
            release(organization, version, call).map(Answer::from)
        }
        ["issues"] => {
            call.may(&["event:read"])?;
            issues::list(organization, call)
        }
        ["issues", id, rest @ ..] => {
            call.may(&["event:read"])?;
            issues::one(issues::find(organization, id)?, rest, call)
        }
        ["shortids", short_id] => {
            call.may(&["event:read"])?;
            let issue = issues::by_short_id(organization, short_id).ok_or(ApiError::NotFound)?;
            Ok(issues::located(organization, issue, call).into())
        }
        ["eventids", id] => {
            call.may(&["org:read", "event:read"])?;
            let (issue, nth) = issues::find_event(organization, id).ok_or(ApiError::NotFound)?;
            Ok(json!({
                "organizationSlug": organization.slug,
                "projectSlug": issue.project.slug,
                "groupId": issue.id.to_string(),
                "eventId": event_json::event_id(issue, nth),
                "event": event_json::whole(issue, nth, None, call.now_ms),
            })
            .into())
        }
        ["events"] => {
            call.may(&["org:read", "event:read"])?;
            explore::events(organization, call)
        }
        ["trace", id] => {
            call.may(&["org:read", "event:read"])?;
            explore::trace(organization, id, call)
        }
        ["trace-meta", id] => {
            call.may(&["org:read", "event:read"])?;
            explore::trace_meta(organization, id, call)
        }
        _ => Err(ApiError::NotFound),
    }
}

fn in_project(organization: &'static Organization, slug: &str, rest: &[&str], call: &Call) -> Result<Answer, ApiError> {
    call.may(&["project:read"])?;
    let project = world().projects_of(organization.slug).find(|project| project.slug == slug || project.id == slug);
    let project = project.ok_or(ApiError::NotFound)?;
    match rest {
        [] => Ok(project_json(organization, project).into()),
        ["events", id] => {
            let found = issues::find_event(organization, id).filter(|(issue, _)| issue.project == project);
            let (issue, nth) = found.ok_or(ApiError::NotFound)?;
            Ok(event_json::whole(issue, nth, None, call.now_ms).into())
        }
        ["releases", version] if project.releases().iter().any(|known| known == version) => {
            Ok(issue_json::release(project, version, call.now_ms).into())
        }
        _ => Err(ApiError::NotFound),
    }
}

impl Call<'_> {
    /// The organization, if it is served here and the account is a member.
    fn organization(&self, slug: &str) -> Result<&'static Organization, ApiError> {
        let organization = world().organization(slug).ok_or(ApiError::NotFound)?;
        let member = self.account.organizations.contains(&organization.slug);
        if member && self.place.serves(organization.region) { Ok(organization) } else { Err(ApiError::NotFound) }
    }

    /// Any of these scopes will do; `x:write` and `x:admin` contain `x:read`.
    fn may(&self, scopes: &[&str]) -> Result<(), ApiError> {
        let grants = |have: &str, wanted: &str| {
            let family = |scope: &str| scope.split(':').next().unwrap_or_default().to_owned();
            let stronger = wanted.ends_with(":read") && (have.ends_with(":write") || have.ends_with(":admin"));
            have == wanted || (stronger && family(have) == family(wanted))
        };
        let may = scopes.iter().any(|wanted| self.scopes.iter().any(|have| grants(have, wanted)));
        if may { Ok(()) } else { Err(ApiError::NotPermitted) }
    }

    fn on_control(&self) -> Result<(), ApiError> {
        if self.place.has_control() { Ok(()) } else { Err(ApiError::NotFound) }
    }

    /// One page of `all`, with its `Link` header.
    pub(super) fn page(&self, all: Vec<Value>) -> Result<Answer, ApiError> {
        let window = Window::read(&self.query, 100)?;
        let total = all.len();
        Ok(self.paged(window, total, window.cut(all)))
    }

    /// A page that was already cut, with the `Link` header of the whole list.
    pub(super) fn paged(&self, window: Window, total: usize, page: Vec<Value>) -> Answer {
        let url = format!("{}{}", self.place.origin(), self.path);
        let link = window.link(&url, &self.query, total);
        let headers = vec![("link", link), ("x-hits", total.to_string()), ("x-max-hits", "1000".to_owned())];
        Answer { body: Value::Array(page), headers }
    }
}

// ---- identity and structure

fn root(call: &Call) -> Answer {
    let mut scopes = call.scopes.clone();
    scopes.sort();
    json!({"version": VERSION, "auth": {"scopes": scopes}, "user": user(call.account)}).into()
}

fn user(account: &Account) -> Value {
    json!({
        "id": account.id, "name": account.name, "username": account.email, "email": account.email, "isActive": true,
        "isManaged": false, "isStaff": false, "isSuperuser": false, "has2fa": false, "isAuthenticated": true,
        "dateJoined": "2024-03-14T09:26:53.000000Z", "avatar": {"avatarType": "letter_avatar", "avatarUuid": null},
        "emails": [{"id": account.id, "email": account.email, "is_verified": true}], "identities": [],
        "options": {"theme": "system", "language": "en", "timezone": "UTC", "clock24Hours": true},
    })
}

fn regions(call: &Call) -> Result<Answer, ApiError> {
    match call.place {
        Place::Control => Ok(json!({"regions": [
            {"name": "us", "url": "https://us.sentry.io"},
            {"name": "de", "url": "https://de.sentry.io"},
        ]})
        .into()),
        _ => Err(ApiError::NotFound),
    }
}

fn organizations(call: &Call) -> Result<Answer, ApiError> {
    call.may(&["org:read"])?;
    let here = |organization: &&Organization| call.place.has_control() || call.place.serves(organization.region);
    let member = |organization: &&Organization| call.account.organizations.contains(&organization.slug);
    let query = call.query.text("query").to_lowercase();
    let asked = |organization: &&Organization| {
        organization.slug.contains(&query) || organization.name.to_lowercase().contains(&query)
    };
    let all = world().organizations.iter().filter(here).filter(member).filter(asked);
    call.page(all.map(|organization| organization_json(organization, call)).collect())
}

fn organization_json(organization: &Organization, call: &Call) -> Value {
    json!({
        "id": organization.id,
        "slug": organization.slug,
        "name": organization.name,
        "status": {"id": "active", "name": "active"},
        "dateCreated": "2021-06-01T08:00:00.000000Z",
        "isEarlyAdopter": false,
        "require2FA": false,
        "avatar": {"avatarType": "letter_avatar", "avatarUuid": null, "avatarUrl": null},
        "links": {
            "organizationUrl": call.place.organization_url(organization.slug),
            "regionUrl": call.place.region_url(organization.region),
        },
        "features": ["event-attachments", "performance-view", "session-replay"],
        "access": call.scopes,
        "hasAuthProvider": false,
    })
}

fn detailed_organization(organization: &'static Organization, call: &Call) -> Value {
    let mut value = organization_json(organization, call);
    if call.query.get("detailed") != Some("0") {
        value.put("projects", projects(organization, ""));
        value.put("teams", teams(organization));
    }
    value
}

fn projects(organization: &'static Organization, query: &str) -> Vec<Value> {
    let query = query.to_lowercase();
    let asked = |project: &&Project| project.slug.contains(&query) || project.name.to_lowercase().contains(&query);
    let all = world().projects_of(organization.slug).filter(asked);
    all.map(|project| project_json(organization, project)).collect()
}

fn project_json(organization: &Organization, project: &Project) -> Value {
    let team = json!({
        "id": issue_json::team_id(organization, project.team), "slug": project.team, "name": project.team,
    });
    json!({
        "id": project.id,
        "slug": project.slug,
        "name": project.name,
        "platform": project.platform,
        "platforms": project.platform.map(|platform| vec![super::data::event_platform(Some(platform))]).unwrap_or_default(),
        "team": team,
        "teams": [team],
        "environments": if project.platform.is_some() { json!(["production", "staging"]) } else { json!(["lab"]) },
        "status": "active",
        "isMember": true,
        "isBookmarked": false,
        "hasAccess": true,
        "hasReplays": false,
        "hasLogs": project.platform.is_some(),
        "firstEvent": "2022-01-09T10:11:12.000000Z",
        "dateCreated": "2022-01-08T10:11:12.000000Z",
        "latestRelease": project.releases().pop().filter(|_| project.platform.is_some()).map(|version| json!({"version": version})),
        "organization": {"id": organization.id, "slug": organization.slug, "name": organization.name},
    })
}

fn teams(organization: &'static Organization) -> Vec<Value> {
    let of_team = |team: &str| -> Vec<Value> {
        let all = world().projects_of(organization.slug).filter(|project| project.team == team);
        all.map(issue_json::project_reference).collect()
    };
    let team = |team: &&'static str| {
        json!({
            "id": issue_json::team_id(organization, team), "slug": team, "name": team, "isMember": true,
            "teamRole": "contributor", "memberCount": 4, "hasAccess": true, "isPending": false,
            "dateCreated": "2021-06-01T08:00:00.000000Z", "projects": of_team(team),
        })
    };
    organization.teams.iter().map(team).collect()
}

fn members(organization: &Organization) -> Vec<Value> {
    let of = accounts::ACCOUNTS.iter().filter(|account| account.organizations.contains(&organization.slug));
    let member = |account: &Account| {
        json!({
            "id": format!("9{}", account.id), "email": account.email, "name": account.name, "orgRole": "member",
            "pending": false, "expired": false, "dateCreated": "2022-01-08T10:11:12.000000Z", "user": user(account),
        })
    };
    of.map(member).collect()
}

fn organization_tags(organization: &Organization) -> Value {
    let mut totals: std::collections::BTreeMap<&str, u64> = std::collections::BTreeMap::new();
    for issue in world().issues_of(organization.slug) {
        for (key, _) in event_json::tags(issue) {
            *totals.entry(key).or_default() += issue.count;
        }
    }
    let tag = |(key, total): (&str, u64)| json!({"key": key, "name": event_json::tag_name(key), "totalValues": total});
    Value::Array(totals.into_iter().map(tag).collect())
}

fn releases(organization: &'static Organization, call: &Call) -> Vec<Value> {
    let asked: Vec<&str> = call.query.all("project").filter(|project| *project != "-1").collect();
    let concerned = |project: &&Project| {
        project.platform.is_some() && (asked.is_empty() || asked.contains(&project.id) || asked.contains(&project.slug))
    };
    let mut all = Vec::new();
    for project in world().projects_of(organization.slug).filter(concerned) {
        let wanted = project.releases().into_iter().rev();
        let wanted = wanted.filter(|version| version.contains(call.query.text("query")));
        all.extend(wanted.map(|version| issue_json::release(project, &version, call.now_ms)));
    }
    let created = |release: &Value| release.get("dateCreated").and_then(Value::as_str).map(str::to_owned);
    all.sort_by_key(|release| std::cmp::Reverse(created(release)));
    all
}

fn release(organization: &'static Organization, version: &str, call: &Call) -> Result<Value, ApiError> {
    let has =
        |project: &&Project| project.platform.is_some() && project.releases().iter().any(|known| known == version);
    let project = world().projects_of(organization.slug).find(has).ok_or(ApiError::NotFound)?;
    Ok(issue_json::release(project, version, call.now_ms))
}
