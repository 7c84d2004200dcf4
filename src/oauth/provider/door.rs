//! The addresses that clients call by themselves, without a browser window: metadata, registration, tokens, revocation.
//!
//! Each answers a browser's preflight, and refuses another method in JSON. A path under `/.well-known/` that describes nothing
//! of ours is no address.

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use serde_json::Value;
use url::Url;

use super::reply::{OAuthError, json_response, preflight};
use super::{metadata, register, token};
use crate::crypto::KeyRing;
use crate::limits;
use crate::sessions::terms::Limit;
use crate::world::World;

/// How long clients may keep metadata: it changes with a deployment only.
const METADATA_LIFE: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// Answers a request to one of these addresses; `None`: there is none.
pub async fn answer(world: &World, request: &Request<Bytes>, origin: &Url) -> Option<Response<Bytes>> {
    let path = request.uri().path();
    let origin = origin.origin().ascii_serialization();
    if let Some(described) = described(path, &origin) {
        return Some(match *request.method() {
            Method::GET | Method::HEAD => published(&described),
            Method::OPTIONS => preflight(request.headers()),
            _ => {
                let mut response = wrong_method("Use GET.").into_response();
                response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD, OPTIONS"));
                response
            }
        });
    }
    let known = matches!(path, "/oauth/register" | "/oauth/token" | "/oauth/revoke");
    match *request.method() {
        _ if !known => None,
        Method::OPTIONS => Some(preflight(request.headers())),
        Method::POST if path == "/oauth/token" => Some(token::token(world, request, &origin).await),
        Method::POST if path == "/oauth/revoke" => Some(token::revoke(world, request, &origin).await),
        Method::POST => Some(registered(world, request).await.unwrap_or_else(OAuthError::into_response)),
        _ => Some(wrong_method("Use POST.").into_response()),
    }
}

/// The metadata at `path`.
fn described(path: &str, origin: &str) -> Option<Value> {
    if path == "/.well-known/oauth-authorization-server" {
        return Some(metadata::authorization_server(origin));
    }
    let resource = path.strip_prefix("/.well-known/oauth-protected-resource")?;
    let limit = Limit::from_path(resource)?;
    let mut described = metadata::protected_resource(origin, &limit);
    if let Some(fields) = described.as_object_mut().filter(|_| resource.starts_with("/sse")) {
        // The resource by its other address: clients hold this against the one that they were given (RFC 9728 §3.3).
        let other = format!("{origin}{}", resource.trim_end_matches('/'));
        fields.insert("resource".to_owned(), other.into());
    }
    Some(described)
}

fn published(described: &Value) -> Response<Bytes> {
    let mut response = json_response(StatusCode::OK, described);
    response.headers_mut().remove(header::PRAGMA);
    response.headers_mut().insert(header::CACHE_CONTROL, METADATA_LIFE);
    response
}

async fn registered(world: &World, request: &Request<Bytes>) -> Result<Response<Bytes>, OAuthError> {
    let roots = world.config.root_secrets.clone().map_err(|problem| {
        OAuthError::new("temporarily_unavailable", problem.to_string()).with_status(StatusCode::SERVICE_UNAVAILABLE)
    })?;
    limits::count(world, &limits::REGISTER, &limits::address(request.headers())).await?;
    Ok(register::register(&KeyRing::new(roots), &*world.ports.random, request.body()))
}

fn wrong_method(description: &str) -> OAuthError {
    OAuthError::new("invalid_request", description).with_status(StatusCode::METHOD_NOT_ALLOWED)
}
