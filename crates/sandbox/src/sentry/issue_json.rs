//! An issue, as Sentry writes it.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::accounts::{self, Account};
use super::data::{Assignee, Issue, Organization, Project, Status, event_platform, release_age_ms};
use super::place::Place;
use super::{event_json, time};
use crate::json::Put;

const HOUR_MS: i64 = 3600 * 1000;

/// How an issue stands in a list.
pub(crate) fn in_list(issue: &Issue, place: &Place, now_ms: i64) -> Value {
    json!({
        "id": issue.id.to_string(),
        "shareId": null,
        "shortId": issue.short_id,
        "title": issue.title(),
        "culprit": issue.culprit,
        "permalink": place.permalink(issue.project.organization, issue.id),
        "logger": null,
        "level": issue.level,
        "status": match issue.status {
            Status::Unresolved => "unresolved",
            Status::Resolved => "resolved",
            Status::Archived => "ignored",
        },
        "statusDetails": {},
        "substatus": Some(issue.substatus).filter(|text| !text.is_empty()),
        "isPublic": false,
        "platform": issue.project.platform.map(|platform| event_platform(Some(platform))),
        "project": project_reference(issue.project),
        "type": if issue.is_error() { "error" } else { "default" },
        "metadata": metadata(issue),
        "numComments": 0,
        "assignedTo": assigned_to(issue.assignee),
        "isBookmarked": false,
        "isSubscribed": false,
        "subscriptionDetails": null,
        "hasSeen": issue.id.is_multiple_of(3),
        "annotations": [],
        "issueType": "error",
        "issueCategory": "error",
        "priority": issue.priority,
        "priorityLockedAt": null,
        "seerFixabilityScore": if issue.code.is_some() { json!(0.61) } else { Value::Null },
        "seerAutofixLastTriggered": null,
        "isUnhandled": !issue.handled,
        "count": issue.count.to_string(),
        "userCount": issue.users,
        "firstSeen": time::seconds(now_ms.saturating_sub(issue.first_seen_age_ms)),
        "lastSeen": time::seconds(now_ms.saturating_sub(issue.last_seen_age_ms)),
        "stats": {"24h": hourly(issue, now_ms)},
    })
}

/// How an issue stands alone: with its releases, tags and activity.
pub(crate) fn alone(issue: &Issue, place: &Place, now_ms: i64) -> Value {
    let mut value = in_list(issue, place, now_ms);
    let release = |version: &Option<String>| match version {
        Some(version) => release_reference(issue.project, version, now_ms),
        None => Value::Null,
    };
    let tag =
        |(key, _): &(&str, String)| json!({"key": key, "name": event_json::tag_name(key), "totalValues": issue.count});
    let first_seen = time::micros(now_ms.saturating_sub(issue.first_seen_age_ms));
    let more = json!({
        "firstRelease": release(&issue.first_release),
        "lastRelease": release(&issue.last_release),
        "tags": event_json::tags(issue).iter().map(tag).collect::<Vec<Value>>(),
        "activity": [{"id": "0", "user": null, "type": "first_seen", "data": {"priority": issue.priority},
                      "dateCreated": first_seen}],
        "seenBy": [],
        "participants": [],
        "pluginActions": [],
        "pluginIssues": [],
        "pluginContexts": [],
        "userReportCount": 0,
    });
    value.put_all(more);
    value
}

/// What stands in `project` of an issue.
pub(crate) fn project_reference(project: &Project) -> Value {
    json!({"id": project.id, "name": project.name, "slug": project.slug, "platform": project.platform})
}

/// A user, as Sentry writes assignees and members.
pub(crate) fn user(account: &Account) -> Value {
    json!({"type": "user", "id": account.id, "name": account.name, "email": account.email})
}

/// A team's id; Sentry numbers them across organizations.
pub(crate) fn team_id(organization: &Organization, team: &str) -> String {
    let at = organization.teams.iter().position(|known| *known == team).unwrap_or(0);
    format!("{}{:02}", organization.id, at + 1)
}

/// One release, as it stands in issues and in the list of releases.
pub(crate) fn release(project: &Project, version: &str, now_ms: i64) -> Value {
    let mut value = release_reference(project, version, now_ms);
    value.put("projects", json!([project_reference(project)]));
    value
}

fn release_reference(project: &Project, version: &str, now_ms: i64) -> Value {
    let steps_back = project.releases().iter().rev().position(|known| known == version).unwrap_or(0);
    let age_ms = release_age_ms(i64::try_from(steps_back).unwrap_or(0));
    let created = time::micros(now_ms.saturating_sub(age_ms));
    let commit: String = hex::encode(Sha256::digest(version)).chars().take(40).collect();
    let short = version.split_once('@').map_or(version, |(_, short)| short);
    json!({
        "id": 77_000 + steps_back,
        "version": version,
        "shortVersion": short,
        "status": "open",
        "ref": commit,
        "url": null,
        "dateReleased": created,
        "dateCreated": created,
        "newGroups": 3 + steps_back,
        "commitCount": 11 + steps_back,
        "authors": [{"name": "Ada Lovelace", "email": "ada@example.com"}],
        "lastDeploy": {"environment": "production", "dateFinished": created},
        "deployCount": 1,
        "firstEvent": created,
        "lastEvent": time::micros(now_ms.saturating_sub(HOUR_MS)),
        "versionInfo": {"package": project.slug, "version": {"raw": short}, "description": short},
    })
}

fn metadata(issue: &Issue) -> Value {
    if !issue.is_error() {
        return json!({"title": issue.title()});
    }
    json!({
        "type": issue.kind,
        "value": issue.value,
        "filename": issue.code.map(|code| code.filename),
        "function": issue.code.map(|code| code.function),
        "in_app_frame_mix": "mixed",
    })
}

fn assigned_to(assignee: Option<Assignee>) -> Value {
    match assignee {
        None => Value::Null,
        Some(Assignee::Account(email)) => accounts::by_email(email).map_or(Value::Null, user),
        Some(Assignee::Team(team)) => {
            let world = super::data::world();
            let home = world.organizations.iter().find(|organization| organization.teams.contains(&team));
            let id = home.map(|organization| team_id(organization, team)).unwrap_or_default();
            json!({"type": "team", "id": id, "name": team})
        }
    }
}

/// Events in each of the last 24 hours, as pairs of epoch seconds and a number.
fn hourly(issue: &Issue, now_ms: i64) -> Value {
    let this_hour = now_ms.div_euclid(HOUR_MS);
    let quiet_hours = issue.last_seen_age_ms / HOUR_MS;
    let in_hour = |ago: i64| {
        let noise = (issue.id + u64::try_from(ago).unwrap_or(0) * 7) % 9;
        let some = issue.count * noise / 400;
        match ago {
            ago if ago < quiet_hours || ago * HOUR_MS > issue.first_seen_age_ms => 0,
            ago if ago == quiet_hours => some.max(1),
            _ => some,
        }
    };
    let pairs = (0..24).rev().map(|ago| json!([(this_hour - ago) * 3600, in_hour(ago)]));
    Value::Array(pairs.collect())
}
