//! A little of Explore: tables of errors, and traces. Only what an investigation asks for first.

use serde_json::{Map, Value, json};

use super::api::{Answer, Call};
use super::data::{Issue, Organization, world};
use super::errors::ApiError;
use super::search::Search;
use super::{event_json, time};
use crate::json::Put;

const DATASETS: [&str; 6] = ["errors", "logs", "spans", "tracemetrics", "profile_functions", "uptime_results"];
/// Sentry accepts no more fields than these.
const MAX_FIELDS: usize = 20;

/// `GET organizations/{org}/events/`: rows of errors, one for each issue; other datasets are empty.
pub(super) fn events(organization: &Organization, call: &Call) -> Result<Answer, ApiError> {
    let bad = |text: &str| Err(ApiError::BadRequest(text.to_owned()));
    let dataset = call.query.text("dataset");
    if !DATASETS.contains(&dataset) {
        return bad("dataset must be one of: errors, logs, spans, tracemetrics, profile_functions, uptime_results");
    }
    let fields: Vec<&str> = call.query.all("field").collect();
    if fields.is_empty() || fields.len() > MAX_FIELDS {
        return bad("You must specify between 1 and 20 fields");
    }
    let sort = call.query.text("sort").trim_start_matches('-').to_owned();
    if !sort.is_empty() && !fields.contains(&sort.as_str()) {
        return bad(&format!("Cannot sort by a field that is not selected: {sort}"));
    }
    let search = Search::parse(call.query.text("query"))?;
    let found =
        world().issues_of(organization.slug).filter(|issue| dataset == "errors" && search.finds(issue, call.account));
    let mut rows: Vec<&Issue> = found.collect();
    rows.sort_by_key(|issue| issue.last_seen_age_ms);
    let rows = rows.into_iter().map(|issue| row(issue, &fields, call.now_ms)).collect();
    let mut answer = call.page(rows)?;
    let types: Map<String, Value> = fields.iter().map(|field| ((*field).to_owned(), kind_of(field).into())).collect();
    let meta = json!({"fields": types, "units": {}, "isMetricsData": false, "dataset": dataset});
    answer.body = json!({"data": answer.body, "meta": meta});
    Ok(answer)
}

fn row(issue: &Issue, fields: &[&str], now_ms: i64) -> Value {
    let cell = |field: &&str| {
        let value = match *field {
            "issue" => json!(issue.short_id),
            "issue.id" => json!(issue.id),
            "id" => json!(event_json::event_id(issue, 0)),
            "title" => json!(issue.title()),
            "project" | "project.name" => json!(issue.project.slug),
            "timestamp" => json!(time::seconds(now_ms.saturating_sub(issue.last_seen_age_ms))),
            "level" => json!(issue.level),
            "message" => json!(issue.value),
            "culprit" | "transaction" => json!(issue.culprit),
            "error.type" => json!([issue.kind]),
            "release" => json!(issue.last_release),
            "environment" => json!(issue.environment),
            "count()" => json!(issue.count),
            "count_unique(user)" => json!(issue.users),
            _ => Value::Null,
        };
        ((*field).to_owned(), value)
    };
    Value::Object(fields.iter().map(cell).collect())
}

fn kind_of(field: &str) -> &'static str {
    match field {
        "timestamp" => "date",
        "issue.id" | "count()" | "count_unique(user)" => "integer",
        "error.type" => "array",
        _ => "string",
    }
}

/// `GET organizations/{org}/trace/{id}/`: the request in which the event happened, and its error.
pub(super) fn trace(organization: &Organization, id: &str, call: &Call) -> Result<Answer, ApiError> {
    let Some((issue, at_ms)) = find(organization, id, call) else { return Ok(json!([]).into()) };
    let start = |before_ms: i64| time::micros(at_ms - before_ms);
    let span = |name: &str, op: &str, description: &str, before_ms: i64, duration: f64, children: Value| {
        json!({
            "event_type": "span", "event_id": name, "project_slug": issue.project.slug, "op": op,
            "description": description, "transaction": issue.culprit, "start_timestamp": start(before_ms),
            "end_timestamp": start(before_ms - 1), "duration": duration, "children": children,
            "errors": [], "occurrences": [],
        })
    };
    let query = span("a1b2c3d4e5f60718", "db.query", "SELECT id, number FROM orders", 420, 38.2, json!([]));
    let remote =
        span("b2c3d4e5f6071829", "http.client", "POST https://api.stripe.com/v1/charges", 380, 379.0, json!([]));
    let mut root =
        span("c3d4e5f60718293a", "http.server", issue.culprit.unwrap_or("request"), 460, 462.7, json!([query, remote]));
    root.put(
        "errors",
        json!([{
            "event_type": "error", "event_id": event_json::event_id(issue, 0), "issue_id": issue.id,
            "short_id": issue.short_id, "level": issue.level, "culprit": issue.culprit, "message": issue.title(),
            "project_slug": issue.project.slug,
        }]),
    );
    Ok(json!([root]).into())
}

/// `GET organizations/{org}/trace-meta/{id}/`.
pub(super) fn trace_meta(organization: &Organization, id: &str, call: &Call) -> Result<Answer, ApiError> {
    let known = find(organization, id, call).is_some();
    let (errors, spans) = if known { (1, 3) } else { (0, 0) };
    Ok(json!({"errors": errors, "logs": 0, "performance_issues": 0, "span_count": spans, "span_count_map": {}}).into())
}

/// The issue whose latest event bears the trace id, and when that was.
fn find(organization: &Organization, id: &str, call: &Call) -> Option<(&'static Issue, i64)> {
    let bears = |issue: &&Issue| {
        let event = event_json::whole(issue, 0, None, call.now_ms);
        event.pointer("/contexts/trace/trace_id").and_then(Value::as_str) == Some(id)
    };
    let issue = world().issues_of(organization.slug).find(bears)?;
    Some((issue, call.now_ms.saturating_sub(issue.last_seen_age_ms)))
}
