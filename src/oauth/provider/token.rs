//! `POST /oauth/token` and `POST /oauth/revoke` (RFC 6749 §3.2, RFC 7009).
//!
//! 1. The client is who it says ([`super::client_auth`]); a failure here uses nothing up.
//! 2. The code or token is ours, told by its MAC: junk of any length is refused without an object being called (P17).
//! 3. Neither the client nor where it comes from asks too often ([`crate::limits`]).
//! 4. Its Session object decides ([`crate::sessions`]); this module only translates.
//!
//! Revoking is answered with 200 for a token that is unknown, foreign or junk (RFC 7009 §2.2), so that the answer tells
//! nothing about it. The token endpoint revokes too, for clients that look for it there: a form with `token` and no
//! `grant_type`.

use bytes::Bytes;
use futures::future::join;
use http::{Request, Response, StatusCode};
use serde_json::json;

use super::authorize::read_resource;
use super::client_auth::{self, ClientRequest};
use super::reply::{self, OAuthError, json_response};
use crate::crypto::KeyRing;
use crate::limits;
use crate::ports::{Level, ObjectError, call};
use crate::sessions::calls::{Denied, Issued, Redeem, Refresh, Revoke, Tokens, Wanted};
use crate::sessions::tokens::{Kind, Token};
use crate::world::World;

/// Answers the token endpoint. `origin` has no slash at the end.
pub async fn token(world: &World, request: &Request<Bytes>, origin: &str) -> Response<Bytes> {
    let answered = async {
        let keys = keys(world)?;
        let request = client_auth::read(&keys, origin, request)?;
        match request.get("grant_type") {
            Some("authorization_code") => redeem(world, &keys, &request).await,
            Some("refresh_token") => refresh(world, &keys, &request).await,
            Some(_) => Err(OAuthError::new(
                "unsupported_grant_type",
                "grant_type must be authorization_code or refresh_token.",
            )),
            None if request.get("token").is_some() => revoked(world, &keys, &request).await,
            None => Err(OAuthError::new("invalid_request", "grant_type is missing.")),
        }
    };
    answered.await.unwrap_or_else(OAuthError::into_response)
}

/// Answers the revocation endpoint.
pub async fn revoke(world: &World, request: &Request<Bytes>, origin: &str) -> Response<Bytes> {
    let answered = async {
        let keys = keys(world)?;
        let request = client_auth::read(&keys, origin, request)?;
        revoked(world, &keys, &request).await
    };
    answered.await.unwrap_or_else(OAuthError::into_response)
}

async fn redeem(world: &World, keys: &KeyRing, request: &ClientRequest) -> Result<Response<Bytes>, OAuthError> {
    let code = request.get("code").ok_or_else(|| OAuthError::new("invalid_request", "code is missing."))?;
    let code = Token::read(keys, Kind::Code, code).ok_or_else(|| denied(Denied::NoSuchGrant))?;
    let redeem = Redeem {
        code: code.hash(),
        client: request.client.key.clone(),
        redirect_uri: request.get("redirect_uri").map(str::to_owned),
        verifier: request.get("code_verifier").map(str::to_owned),
        wanted: wanted(request)?,
    };
    within_limits(world, request).await?;
    let name = code.session().object_name();
    answer(call(&*world.objects, &name, &redeem).await.map_err(|error| unavailable(world, &error))?)
}

async fn refresh(world: &World, keys: &KeyRing, request: &ClientRequest) -> Result<Response<Bytes>, OAuthError> {
    if !request.client.may_refresh {
        let description = "The client did not register the grant type refresh_token.";
        return Err(OAuthError::new("unauthorized_client", description));
    }
    let text =
        request.get("refresh_token").ok_or_else(|| OAuthError::new("invalid_request", "refresh_token is missing."))?;
    let token = Token::read(keys, Kind::Refresh, text).ok_or_else(|| denied(Denied::NoSuchGrant))?;
    within_limits(world, request).await?;
    let refresh = Refresh {
        token: text.to_owned(),
        client: request.client.key.clone(),
        confidential: request.client.confidential,
        address: request.address.clone(),
        wanted: wanted(request)?,
    };
    let name = token.session().object_name();
    answer(call(&*world.objects, &name, &refresh).await.map_err(|error| unavailable(world, &error))?)
}

async fn revoked(world: &World, keys: &KeyRing, request: &ClientRequest) -> Result<Response<Bytes>, OAuthError> {
    let text = request.get("token").ok_or_else(|| OAuthError::new("invalid_request", "token is missing."))?;
    // `token_type_hint` is not needed: a token says itself what it is.
    for kind in [Kind::Access, Kind::Refresh] {
        if let Some(token) = Token::read(keys, kind, text) {
            within_limits(world, request).await?;
            let revoke =
                Revoke { token: token.hash(), refresh: kind == Kind::Refresh, client: request.client.key.clone() };
            let name = token.session().object_name();
            call(&*world.objects, &name, &revoke).await.map_err(|error| unavailable(world, &error))?;
        }
    }
    Ok(reply::empty())
}

/// Counts what is about to call an object, for where it comes from and for its client at once.
async fn within_limits(world: &World, request: &ClientRequest) -> Result<(), OAuthError> {
    let address = limits::count(world, &limits::TOKEN, &request.address);
    let client = limits::count(world, &limits::CLIENT, &request.client.key);
    let (address, client) = join(address, client).await;
    Ok(address.and(client)?)
}

fn wanted(request: &ClientRequest) -> Result<Wanted, OAuthError> {
    let scopes = request.get("scope").map(|text| text.split_whitespace().map(str::to_owned).collect());
    let mut all = request.resources();
    let Some(first) = all.next() else { return Ok(Wanted { scopes, resource: None }) };
    if all.any(|other| other != first) {
        return Err(OAuthError::new("invalid_target", "Only one resource can be asked for at a time."));
    }
    let resource = read_resource(first).ok_or_else(|| denied(Denied::OtherResource))?;
    Ok(Wanted { scopes, resource: Some(resource) })
}

fn answer(tokens: Tokens) -> Result<Response<Bytes>, OAuthError> {
    match tokens {
        Tokens::Issued(issued) => Ok(json_response(StatusCode::OK, &describe(&issued))),
        Tokens::Denied(why) => Err(denied(why)),
    }
}

/// RFC 6749 §5.1.
fn describe(issued: &Issued) -> serde_json::Value {
    let mut body = json!({
        "access_token": issued.access_token,
        "token_type": "Bearer",
        "expires_in": issued.expires_in,
        "scope": issued.scopes.join(" "),
        "resource": format!("{}{}", issued.resource.origin, issued.resource.limit.path()),
    });
    if let (Some(refresh), Some(fields)) = (&issued.refresh_token, body.as_object_mut()) {
        fields.insert("refresh_token".to_owned(), refresh.as_str().into());
    }
    body
}

fn denied(why: Denied) -> OAuthError {
    OAuthError::new(why.code(), why.description())
}

fn keys(world: &World) -> Result<KeyRing, OAuthError> {
    let roots = world.config.access_token_life.and_then(|_| world.config.root_secrets.clone());
    roots.map(KeyRing::new).map_err(|problem| {
        OAuthError::new("temporarily_unavailable", problem.to_string()).with_status(StatusCode::SERVICE_UNAVAILABLE)
    })
}

/// The object could not be reached; whether it decided is not known, and asking again is safe (P16).
fn unavailable(world: &World, error: &ObjectError) -> OAuthError {
    world.ports.log.log(Level::Error, "session_unavailable", &[("error", &error.0)]);
    OAuthError::new("temporarily_unavailable", "The session cannot be reached at the moment. Try again.")
        .with_status(StatusCode::SERVICE_UNAVAILABLE)
}
