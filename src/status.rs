//! What machines ask: `/health`, and `/api/auth/status`.

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use serde_json::{Value, json};

use crate::grants::SOURCE_ENVIRONMENT;
use crate::limits;
use crate::mcp::caller::Presented;
use crate::reply::whole_seconds;
use crate::world::World;
use vedette_sentry::oauth::{Unsaid, whose};

/// `GET /health`: whether the Worker answers, and what its configuration lacks. Never a value, only names.
///
/// Always 200: a deployment that leaves a door closed on purpose is healthy.
pub fn health(world: &World) -> Response<Bytes> {
    let problems: Vec<Value> = world
        .config
        .problems()
        .iter()
        .map(|problem| json!({ "variable": problem.variable, "problem": problem.to_string() }))
        .collect();
    let status = if problems.is_empty() { "ok" } else { "incomplete" };
    let version = env!("CARGO_PKG_VERSION");
    respond(StatusCode::OK, &json!({ "status": status, "version": version, "problems": problems }))
}

/// `GET /api/auth/status`: where the credential of the caller's commands comes from (P6), never the token.
///
/// The caller proves who they are with `Authorization: Sentry-Bearer <token>`, which Sentry is asked about.
pub async fn auth(world: &World, request: &Request<Bytes>) -> Response<Bytes> {
    let Ok(Presented::SentryBearer(token)) = Presented::of(request.headers()) else {
        return refuse(StatusCode::UNAUTHORIZED, "missing_token", "Send `Authorization: Sentry-Bearer <token>`.");
    };
    let Ok(host) = &world.config.sentry_host else {
        return refuse(StatusCode::SERVICE_UNAVAILABLE, "not_configured", "SENTRY_HOST is malformed: see /health.");
    };
    let address = limits::address(request.headers());
    if let Err(limits::TooMany { retry_after }) = limits::count(world, &limits::STRANGERS, &address).await {
        let mut response = refuse(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", limits::SENTENCE);
        response.headers_mut().insert(header::RETRY_AFTER, retry_after.into());
        return response;
    }
    match whose(&world.ports, host, &token).await {
        Ok(Some(account)) => {
            let (source, message) = match world.config.environment_token {
                Some(_) => ("env:SENTRY_AUTH_TOKEN", SOURCE_ENVIRONMENT),
                None => ("header:Sentry-Bearer", "Authenticated via the Sentry-Bearer token of this request"),
            };
            let body = json!({
                "authenticated": true,
                "source": source,
                "message": message,
                "host": host.name(),
                "caller": { "id": account.id, "name": account.name, "email": account.email },
            });
            respond(StatusCode::OK, &body)
        }
        Ok(None) => refuse(StatusCode::UNAUTHORIZED, "invalid_token", "Sentry does not accept this token."),
        Err(Unsaid { retry_after }) => {
            let sentence = "Sentry could not be asked. Try again.";
            let mut response = refuse(StatusCode::SERVICE_UNAVAILABLE, "sentry_unavailable", sentence);
            if let Some(wait) = retry_after {
                response.headers_mut().insert(header::RETRY_AFTER, whole_seconds(wait).into());
            }
            response
        }
    }
}

fn refuse(status: StatusCode, error: &str, description: &str) -> Response<Bytes> {
    let mut response = respond(status, &json!({ "error": error, "error_description": description }));
    match status {
        StatusCode::UNAUTHORIZED => {
            let challenge = HeaderValue::from_static("Sentry-Bearer realm=\"Vedette\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        _ => {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("10"));
        }
    }
    response
}

fn respond(status: StatusCode, body: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
