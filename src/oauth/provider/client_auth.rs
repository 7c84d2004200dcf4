//! Who calls the token or revocation endpoint (RFC 6749 §2.3, §3.2.1).
//!
//! 1. It is a form, of bounded size, with each parameter once (§3.2); only `resource` may repeat (RFC 8707 §2). A parameter
//!    without a value is left out (§3.2).
//! 2. The request says who its client is, and perhaps proves it with a secret: by Basic, or in the body. An identifier is not an
//!    authentication, so `client_id` may stand in the body beside Basic when it names the same client; a secret stands in one
//!    place. An `Authorization` of another scheme authenticates no client, and is ignored.
//! 3. The client is one of ours, and it proves itself as it registered: a public one by no secret, another by its own, where
//!    it said that it would send it. A client whose id is the address of its description is a public one
//!    ([`super::documents`]); nothing is fetched.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, header};

use super::clients::{AuthMethod, Client, MAX_CLIENT_ID, key};
use super::documents;
use super::reply::OAuthError;
use crate::crypto::KeyRing;
use crate::limits;

/// The longest accepted form, in bytes.
const MAX_FORM: usize = 16 * 1024;

/// A form of an authenticated client.
pub struct ClientRequest {
    /// The client.
    pub client: Known,
    /// Where the request comes from, as limits know it.
    pub address: String,
    form: Vec<(String, String)>,
}

impl fmt::Debug for ClientRequest {
    /// Without the form: secrets, codes and tokens stand in it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ClientRequest").field("client", &self.client).finish_non_exhaustive()
    }
}

/// What is known of an authenticated client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// What sessions know it by: the hash of its id.
    pub key: String,
    /// Whether it registered the grant type `refresh_token`. Of a client with a document the session knows that: where it
    /// may not, no refresh token was made.
    pub may_refresh: bool,
    /// Whether it proved itself with a secret.
    pub confidential: bool,
}

impl From<&Client> for Known {
    fn from(client: &Client) -> Known {
        let confidential = client.metadata.auth_method != AuthMethod::None;
        Known { key: client.key(), may_refresh: client.metadata.may_refresh, confidential }
    }
}

impl ClientRequest {
    /// The value of `name`, when it is there.
    pub fn get(&self, name: &str) -> Option<&str> {
        field(&self.form, name)
    }

    /// Every value of `resource`, the one parameter that may repeat.
    pub fn resources(&self) -> impl Iterator<Item = &str> {
        self.form.iter().filter(|(known, _)| known == "resource").map(|(_, value)| value.as_str())
    }
}

/// Reads the form and authenticates the client.
///
/// # Errors
/// What the client is told.
pub fn read(keys: &KeyRing, origin: &str, request: &Request<Bytes>) -> Result<ClientRequest, OAuthError> {
    let form = form(request)?;
    let client = authenticate(keys, origin, request.headers(), &form)?;
    Ok(ClientRequest { client, address: limits::address(request.headers()), form })
}

fn form(request: &Request<Bytes>) -> Result<Vec<(String, String)>, OAuthError> {
    if request.method() != Method::POST {
        return Err(invalid("Use POST.").with_status(StatusCode::METHOD_NOT_ALLOWED));
    }
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(invalid("The body must be application/x-www-form-urlencoded."));
    }
    if request.body().len() > MAX_FORM {
        return Err(invalid("The form is longer than 16 KiB.").with_status(StatusCode::PAYLOAD_TOO_LARGE));
    }
    let form = super::parameters(request.body());
    if super::has_duplicates(&form) {
        return Err(invalid("A parameter stands there twice."));
    }
    Ok(form)
}

fn field<'a>(form: &'a [(String, String)], name: &str) -> Option<&'a str> {
    form.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// Where a secret stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Header,
    Body,
}

/// What a request says of its client.
struct Credentials {
    id: String,
    /// Not empty.
    secret: Option<(Place, String)>,
}

fn authenticate(
    keys: &KeyRing,
    origin: &str,
    headers: &HeaderMap,
    form: &[(String, String)],
) -> Result<Known, OAuthError> {
    // Who tried it in the header is told how (RFC 6749 §5.2).
    let refused = || OAuthError { challenge: headers.contains_key(header::AUTHORIZATION), ..unknown() };
    let Credentials { id, secret } = credentials(headers, form)?.ok_or_else(refused)?;
    if documents::address(&id, origin).is_some() {
        return if secret.is_none() {
            Ok(Known { key: key(&id), may_refresh: true, confidential: false })
        } else {
            Err(refused())
        };
    }
    let client = Client::read(keys, &id).ok_or_else(refused)?;
    let authenticated = match (client.metadata.auth_method, &secret) {
        (AuthMethod::None, None) => true,
        (AuthMethod::Basic | AuthMethod::Either, Some((Place::Header, secret)))
        | (AuthMethod::Post | AuthMethod::Either, Some((Place::Body, secret))) => client.has_secret(keys, secret),
        _ => false,
    };
    if authenticated { Ok(Known::from(&client)) } else { Err(refused()) }
}

/// Reads what the request says of its client; `None` when it names none, or its Basic is broken.
fn credentials(headers: &HeaderMap, form: &[(String, String)]) -> Result<Option<Credentials>, OAuthError> {
    let (id, secret) = (field(form, "client_id"), field(form, "client_secret"));
    let Some(encoded) = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(is_basic)
    else {
        let secret = secret.map(|secret| (Place::Body, secret.to_owned()));
        return Ok(id.map(|id| Credentials { id: id.to_owned(), secret }));
    };
    let Some((named, password)) = basic(encoded) else { return Ok(None) };
    if secret.is_some() {
        return Err(invalid("The client authenticates in two ways at once: by Basic and by client_secret."));
    }
    if id.is_some_and(|id| id != named) {
        return Err(invalid("client_id is another one than Basic names."));
    }
    let secret = Some(password).filter(|it| !it.is_empty()).map(|it| (Place::Header, it));
    Ok(Some(Credentials { id: named, secret }))
}

/// What follows the scheme, when it is Basic; its case does not matter (RFC 9110 §11.1).
fn is_basic(value: &str) -> Option<&str> {
    let (scheme, encoded) = value.split_once(' ').unwrap_or((value, ""));
    scheme.eq_ignore_ascii_case("basic").then_some(encoded)
}

/// Id and secret, each form-encoded within (RFC 6749 §2.3.1).
fn basic(encoded: &str) -> Option<(String, String)> {
    if encoded.len() > 2 * MAX_CLIENT_ID {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    let decode = |text: &str| {
        percent_encoding::percent_decode_str(&text.replace('+', " ")).decode_utf8().ok().map(|it| it.into_owned())
    };
    Some((decode(id)?, decode(secret)?))
}

fn invalid(description: &'static str) -> OAuthError {
    OAuthError::new("invalid_request", description)
}

fn unknown() -> OAuthError {
    OAuthError::new("invalid_client", "The client is not known, or did not authenticate as it registered.")
        .with_status(StatusCode::UNAUTHORIZED)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sessions::calls::Concluded;

    #[test]
    fn neither_a_form_nor_a_code_is_printed() {
        let client = Known { key: "key".to_owned(), may_refresh: true, confidential: false };
        let form = vec![("client_secret".to_owned(), "hush".to_owned()), ("code".to_owned(), "hush".to_owned())];
        let request = ClientRequest { client, address: String::new(), form };
        assert!(!format!("{request:?} {:?}", Concluded::Code("hush".to_owned())).contains("hush"));
    }
}
