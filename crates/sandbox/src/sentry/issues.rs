//! Issues, their events and their tags: lists that really filter, and single ones.

use serde_json::{Value, json};

use super::api::{Answer, Call};
use super::data::{Issue, Organization, Project, world};
use super::errors::ApiError;
use super::paging::Window;
use super::search::Search;
use super::{event_json, issue_json, time};
use crate::form::Pairs;

/// A page of issues, unless the request says otherwise.
const PAGE: usize = 100;

/// `GET organizations/{org}/issues/`.
pub(super) fn list(organization: &'static Organization, call: &Call) -> Result<Answer, ApiError> {
    let window = Window::read(&call.query, PAGE)?;
    let query = call.query.get("query").unwrap_or("is:unresolved");
    let direct = by_short_id(organization, query.trim()).filter(|_| call.query.get("shortIdLookup") == Some("1"));
    if let Some(issue) = direct {
        let mut answer = call.paged(window, 1, vec![issue_json::in_list(issue, call.place, call.now_ms)]);
        answer.headers.push(("x-sentry-direct-hit", "1".to_owned()));
        return Ok(answer);
    }
    let search = Search::parse(query)?;
    let projects = asked_projects(organization, &call.query)?;
    let oldest_age_ms = asked_age_ms(call)?;
    let environments: Vec<&str> = call.query.all("environment").filter(|name| !name.is_empty()).collect();
    let mut found: Vec<&Issue> = world()
        .issues_of(organization.slug)
        .filter(|issue| projects.as_ref().is_none_or(|projects| projects.contains(&issue.project)))
        .filter(|issue| environments.is_empty() || environments.contains(&issue.environment))
        .filter(|issue| oldest_age_ms.contains(&issue.last_seen_age_ms))
        .filter(|issue| search.finds(issue, call.account))
        .collect();
    sort(&mut found, call.query.get("sort").unwrap_or("date"))?;
    let total = found.len();
    let page = window.cut(found);
    Ok(call.paged(
        window,
        total,
        page.into_iter().map(|issue| issue_json::in_list(issue, call.place, call.now_ms)).collect(),
    ))
}

/// Everything at and under `organizations/{org}/issues/{id}/`.
pub(super) fn one(issue: &'static Issue, rest: &[&str], call: &Call) -> Result<Answer, ApiError> {
    match rest {
        [] => Ok(issue_json::alone(issue, call.place, call.now_ms).into()),
        ["events"] => {
            let all = 0..event_json::number_of_events(issue);
            call.page(all.map(|nth| event_json::in_list(issue, nth, call.now_ms)).collect())
        }
        ["events", name] => {
            let nth = event_json::nth_by_name(issue, name).ok_or(ApiError::NotFound)?;
            Ok(event_json::whole(issue, nth, call.query.get("llmFormat"), call.now_ms).into())
        }
        ["tags"] => {
            let all = event_json::tags(issue).into_iter().map(|(key, value)| tag(issue, key, &value, call.now_ms));
            Ok(Value::Array(all.collect()).into())
        }
        ["tags", key] => Ok(issue_tag(issue, key, call)?.into()),
        ["tags", key, "values"] => {
            let tag = issue_tag(issue, key, call)?;
            Ok(tag.get("topValues").cloned().unwrap_or_default().into())
        }
        ["activities"] => Ok(json!({"activity": []}).into()),
        ["hashes" | "external-issues"] => Ok(json!([]).into()),
        _ => Err(ApiError::NotFound),
    }
}

/// `None`: all of them.
fn asked_projects(organization: &Organization, query: &Pairs) -> Result<Option<Vec<&'static Project>>, ApiError> {
    let asked: Vec<&str> =
        query.all("project").chain(query.all("projectSlug")).filter(|text| !text.is_empty()).collect();
    if asked.is_empty() || asked.contains(&"-1") {
        return Ok(None);
    }
    let find = |asked: &str| {
        world().projects_of(organization.slug).find(|project| project.id == asked || project.slug == asked)
    };
    let found: Option<Vec<&Project>> = asked.into_iter().map(find).collect();
    found.map(Some).ok_or(ApiError::NotPermitted)
}

/// How long ago an issue was last seen, to be in the asked period.
fn asked_age_ms(call: &Call) -> Result<std::ops::RangeInclusive<i64>, ApiError> {
    let bad = |text: &str| ApiError::BadRequest(text.to_owned());
    let moment = |name: &str| match call.query.get(name).filter(|text| !text.is_empty()) {
        None => Ok(None),
        Some(text) => time::parse(text).map(Some).ok_or_else(|| bad(&format!("Invalid {name} parameter: {text}"))),
    };
    let (start, end) = (moment("start")?, moment("end")?);
    if start.is_some() != end.is_some() {
        return Err(bad("start and end are both required"));
    }
    if let (Some(start), Some(end)) = (start, end) {
        return Ok(call.now_ms.saturating_sub(end)..=call.now_ms.saturating_sub(start));
    }
    match call.query.get("statsPeriod").filter(|text| !text.is_empty()) {
        None => Ok(i64::MIN..=i64::MAX),
        Some(text) => {
            let period = time::period_ms(text).ok_or_else(|| bad(&format!("Invalid statsPeriod: {text:?}")))?;
            Ok(i64::MIN..=period)
        }
    }
}

fn sort(issues: &mut [&Issue], by: &str) -> Result<(), ApiError> {
    let weight = |issue: &Issue| match issue.priority {
        "high" => 0,
        "medium" => 1,
        _ => 2,
    };
    match by {
        "date" | "inbox" => issues.sort_by_key(|issue| issue.last_seen_age_ms),
        "new" => issues.sort_by_key(|issue| issue.first_seen_age_ms),
        "freq" | "trends" => issues.sort_by_key(|issue| std::cmp::Reverse(issue.count)),
        "user" => issues.sort_by_key(|issue| std::cmp::Reverse(issue.users)),
        "recommended" => issues.sort_by_key(|issue| (weight(issue), issue.last_seen_age_ms)),
        _ => return Err(ApiError::BadRequest("Invalid sort parameter".to_owned())),
    }
    Ok(())
}

/// The issue of this short id, in any case of letters.
pub(super) fn by_short_id(organization: &Organization, short_id: &str) -> Option<&'static Issue> {
    world().issues_of(organization.slug).find(|issue| issue.short_id.eq_ignore_ascii_case(short_id))
}

/// The issue of this numeric id or short id.
pub(super) fn find(organization: &Organization, id: &str) -> Result<&'static Issue, ApiError> {
    let by_id = world().issues_of(organization.slug).find(|issue| issue.id.to_string() == id);
    by_id.or_else(|| by_short_id(organization, id)).ok_or(ApiError::NotFound)
}

/// The event of this id, in any issue.
pub(super) fn find_event(organization: &Organization, id: &str) -> Option<(&'static Issue, u64)> {
    let looks_like_an_id = id.replace('-', "").len() == 32;
    let mut issues = world().issues_of(organization.slug).filter(|_| looks_like_an_id);
    issues.find_map(|issue| event_json::nth_by_name(issue, id).map(|nth| (issue, nth)))
}

/// What `shortids` answers.
pub(super) fn located(organization: &Organization, issue: &Issue, call: &Call) -> Value {
    json!({
        "organizationSlug": organization.slug,
        "projectSlug": issue.project.slug,
        "groupId": issue.id.to_string(),
        "group": issue_json::in_list(issue, call.place, call.now_ms),
        "shortId": issue.short_id,
    })
}

fn issue_tag(issue: &Issue, key: &str, call: &Call) -> Result<Value, ApiError> {
    let tags = event_json::tags(issue);
    let (key, value) = tags.iter().find(|(known, _)| *known == key).ok_or(ApiError::NotFound)?;
    Ok(tag(issue, key, value, call.now_ms))
}

fn tag(issue: &Issue, key: &str, value: &str, now_ms: i64) -> Value {
    let first_seen = time::seconds(now_ms.saturating_sub(issue.first_seen_age_ms));
    let last_seen = time::seconds(now_ms.saturating_sub(issue.last_seen_age_ms));
    json!({
        "key": key, "name": event_json::tag_name(key), "uniqueValues": 1, "totalValues": issue.count,
        "topValues": [{"key": key, "name": value, "value": value, "count": issue.count, "firstSeen": first_seen,
                       "lastSeen": last_seen, "query": null}],
    })
}
