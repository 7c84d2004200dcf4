//! Who calls the token or revocation endpoint (RFC 6749 §2.3, §3.2.1).
//!
//! 1. It is a form, of bounded size, with each parameter once (§3.2); only `resource` may repeat (RFC 8707 §2).
//! 2. The client authenticates in one way: by Basic, or in the body, or, a public one, by its id alone.
//! 3. The client is one of ours, and that way is the one that it registered. A client whose id is the address of its
//!    description is a public one ([`super::documents`]); nothing is fetched.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, header};
use url::form_urlencoded;

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
}

impl From<&Client> for Known {
    fn from(client: &Client) -> Known {
        Known { key: client.key(), may_refresh: client.metadata.may_refresh }
    }
}

impl ClientRequest {
    /// The value of `name`, when it is there and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.form.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
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
    let form: Vec<(String, String)> = form_urlencoded::parse(request.body()).into_owned().collect();
    if super::has_duplicates(&form) {
        return Err(invalid("A parameter stands there twice."));
    }
    Ok(form)
}

fn authenticate(
    keys: &KeyRing,
    origin: &str,
    headers: &HeaderMap,
    form: &[(String, String)],
) -> Result<Known, OAuthError> {
    let field = |name: &str| form.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        if field("client_id").is_some() || field("client_secret").is_some() {
            return Err(invalid("The client authenticates in two ways at once."));
        }
        let refused = || OAuthError { challenge: true, ..unknown() };
        let (id, secret) = value.to_str().ok().and_then(basic).ok_or_else(refused)?;
        let client = Client::read(keys, &id).ok_or_else(refused)?;
        let registered = matches!(client.metadata.auth_method, AuthMethod::Basic | AuthMethod::Either);
        return if registered && client.has_secret(keys, &secret) { Ok(Known::from(&client)) } else { Err(refused()) };
    }
    if let Some(id) = field("client_id").filter(|id| documents::address(id, origin).is_some()) {
        let public = field("client_secret").is_none();
        return if public { Ok(Known { key: key(id), may_refresh: true }) } else { Err(unknown()) };
    }
    let client = field("client_id").and_then(|id| Client::read(keys, id)).ok_or_else(unknown)?;
    let authenticated = match (client.metadata.auth_method, field("client_secret")) {
        (AuthMethod::None, None) => true,
        (AuthMethod::Post | AuthMethod::Either, Some(secret)) => client.has_secret(keys, secret),
        _ => false,
    };
    if authenticated { Ok(Known::from(&client)) } else { Err(unknown()) }
}

/// Id and secret, each form-encoded within (RFC 6749 §2.3.1). The scheme's case does not matter (RFC 9110 §11.1).
fn basic(value: &str) -> Option<(String, String)> {
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") || encoded.len() > 2 * MAX_CLIENT_ID {
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
        let client = Known { key: "key".to_owned(), may_refresh: true };
        let form = vec![("client_secret".to_owned(), "hush".to_owned()), ("code".to_owned(), "hush".to_owned())];
        let request = ClientRequest { client, address: String::new(), form };
        assert!(!format!("{request:?} {:?}", Concluded::Code("hush".to_owned())).contains("hush"));
    }
}
