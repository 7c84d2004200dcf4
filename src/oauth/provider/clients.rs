//! Clients that register. Such a client's id *is* its registration: `vdm_<base64url(JSON ‖ MAC)>`. Clients that describe
//! themselves at an address of their own are in [`super::documents`].
//!
//! **Why nothing is stored.** Registration (RFC 7591) is open to everybody, without a login, by the nature of MCP. A registry
//! would have to be limited, swept, and waited for: Workers KV shows a new entry elsewhere only after up to a minute, and
//! clients go on to the authorization endpoint at once. So the metadata that we act on stands in the id, with a MAC under a
//! key of ours, as in a signed cookie. Flooding the registration endpoint costs no storage, an id is known everywhere
//! at once, a registration that is never used leaves nothing behind to expire, and junk is refused without a look-up (P17).
//! Metadata is public, so it is not encrypted.
//!
//! **What it costs.** Ids are long: 150 to 500 characters for known clients. They travel in URLs and Basic headers, so a
//! registration whose id would exceed [`MAX_CLIENT_ID`] is refused. An id cannot be called back; sessions can, and a new
//! `COOKIE_SECRET` without a previous one ends all ids at once.
//!
//! **Secrets** are derived: HMAC of the id under a key of its own, so they too are stored nowhere, not even as hashes.
//! Registering the same metadata again gives a public client the same id. A confidential client's id has a random part, so
//! that who registers the same metadata does not get its secret.

use serde::{Deserialize, Serialize};

use super::redirect;
use crate::crypto::{KeyRing, Purpose, base64url, from_base64url, sha256};

/// The longest id that we give out, and read.
pub const MAX_CLIENT_ID: usize = 2_000;
const ID_PREFIX: &str = "vdm_";
const SECRET_PREFIX: &str = "vds_";
const MAC: usize = 16;

/// How a client authenticates at the token endpoint (RFC 7591 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AuthMethod {
    /// A public client: by nothing.
    #[serde(rename = "n")]
    None,
    /// By `Authorization: Basic`.
    #[serde(rename = "b")]
    Basic,
    /// By `client_secret` in the body.
    #[serde(rename = "p")]
    Post,
    /// By its secret in either way: it did not say which when it registered.
    #[serde(rename = "s")]
    Either,
}

impl AuthMethod {
    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            AuthMethod::None => "none",
            AuthMethod::Basic | AuthMethod::Either => "client_secret_basic",
            AuthMethod::Post => "client_secret_post",
        }
    }

    /// Reads a name.
    pub fn named(name: &str) -> Option<AuthMethod> {
        [AuthMethod::None, AuthMethod::Basic, AuthMethod::Post].into_iter().find(|method| method.name() == name)
    }
}

/// The metadata that we act on. The names are short because they stand in every id; they must never change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// What it calls itself; untrusted.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where codes may go.
    #[serde(rename = "r")]
    pub redirect_uris: Vec<String>,
    /// How it authenticates.
    #[serde(rename = "a")]
    pub auth_method: AuthMethod,
    /// Whether it registered the grant type `refresh_token`.
    #[serde(rename = "f", default)]
    pub may_refresh: bool,
    /// Its page, http or https; untrusted.
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// What tells it from another confidential client with the same metadata.
    #[serde(rename = "i", default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
}

/// A registered client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its id.
    pub id: String,
    /// What it registered.
    pub metadata: Metadata,
}

impl Client {
    /// Registers `metadata`; `None` when there is too much of it.
    pub fn register(keys: &KeyRing, metadata: Metadata) -> Option<Client> {
        let mut bytes = serde_json::to_vec(&metadata).ok()?;
        let mac = keys.sign_truncated(Purpose::ClientId, &bytes);
        bytes.extend_from_slice(&mac);
        let id = format!("{ID_PREFIX}{}", base64url(&bytes));
        (id.len() <= MAX_CLIENT_ID).then_some(Client { id, metadata })
    }

    /// The client with this id; `None` for everything that we did not give out.
    pub fn read(keys: &KeyRing, id: &str) -> Option<Client> {
        if id.len() > MAX_CLIENT_ID {
            return None;
        }
        let bytes = from_base64url(id.strip_prefix(ID_PREFIX)?)?;
        let (json, mac) = bytes.split_last_chunk::<MAC>()?;
        if !keys.verify_truncated(Purpose::ClientId, json, mac) {
            return None;
        }
        Some(Client { id: id.to_owned(), metadata: serde_json::from_slice(json).ok()? })
    }

    /// What sessions know it by.
    pub fn key(&self) -> String {
        key(&self.id)
    }

    /// The host that proves it, when its id is the address of its description ([`super::documents`]).
    pub fn proven_host(&self) -> Option<&str> {
        let (_, rest) = self.id.split_once("://")?;
        rest.split(['/', '?']).next()
    }

    /// Its secret; `None` for a public client.
    pub fn secret(&self, keys: &KeyRing) -> Option<String> {
        (self.metadata.auth_method != AuthMethod::None)
            .then(|| format!("{SECRET_PREFIX}{}", base64url(&keys.sign(Purpose::ClientSecret, self.id.as_bytes()))))
    }

    /// Whether `secret` is its secret, compared in constant time.
    pub fn has_secret(&self, keys: &KeyRing, secret: &str) -> bool {
        let Some(encoded) = secret.strip_prefix(SECRET_PREFIX).filter(|it| it.len() == 43) else { return false };
        self.metadata.auth_method != AuthMethod::None
            && from_base64url(encoded).is_some_and(|it| keys.verify(Purpose::ClientSecret, self.id.as_bytes(), &it))
    }

    /// Whether codes may go to `redirect_uri`.
    pub fn may_redirect_to(&self, redirect_uri: &str) -> bool {
        redirect::check(redirect_uri).is_ok()
            && self.metadata.redirect_uris.iter().any(|registered| redirect::matches(registered, redirect_uri))
    }

    /// What to call it where people read it.
    pub fn name(&self) -> &str {
        self.metadata.name.as_deref().unwrap_or("An application without a name")
    }
}

/// What sessions know the client with this id by.
pub fn key(id: &str) -> String {
    hex::encode(sha256(id.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::RootSecrets;

    fn ring(current: &str, previous: Option<&str>) -> KeyRing {
        KeyRing::new(RootSecrets { current: current.into(), previous: previous.map(Into::into) })
    }

    fn metadata(auth_method: AuthMethod) -> Metadata {
        Metadata {
            name: Some("Claude Code".into()),
            redirect_uris: vec!["http://localhost:3118/callback".into()],
            auth_method,
            may_refresh: true,
            uri: None,
            instance: None,
        }
    }

    #[test]
    fn an_id_holds_the_registration_and_is_the_same_for_the_same_metadata() {
        let keys = ring("one", None);
        let client = Client::register(&keys, metadata(AuthMethod::None)).unwrap();
        assert_eq!(Client::read(&keys, &client.id), Some(client.clone()));
        assert_eq!(Client::register(&keys, metadata(AuthMethod::None)), Some(client.clone()));
        assert!(client.id.len() < 250, "{}", client.id.len());
        assert!(client.may_redirect_to("http://localhost:9/callback"));
        assert!(!client.may_redirect_to("http://localhost:9/other"));
    }

    #[test]
    fn an_id_that_was_changed_or_made_elsewhere_is_none_p17() {
        let keys = ring("one", None);
        let id = Client::register(&keys, metadata(AuthMethod::None)).unwrap().id;
        for index in 0..id.len() {
            let mut changed: Vec<char> = id.chars().collect();
            changed[index] = if changed[index] == 'A' { 'B' } else { 'A' };
            assert!(Client::read(&keys, &changed.into_iter().collect::<String>()).is_none(), "{index}");
        }
        assert!(Client::read(&ring("two", None), &id).is_none());
        assert!(Client::read(&ring("two", Some("one")), &id).is_some());
        for junk in ["", "vdm_", "é", "a:b:c", &"a".repeat(600), &format!("vdm_{}", "A".repeat(100_000))] {
            assert!(Client::read(&keys, junk).is_none());
        }
    }

    #[test]
    fn a_secret_is_of_one_client_and_outlives_one_rotation() {
        let keys = ring("one", None);
        let client = Client::register(&keys, metadata(AuthMethod::Post)).unwrap();
        let other = Client::register(&keys, metadata(AuthMethod::Basic)).unwrap();
        let secret = client.secret(&keys).unwrap();
        assert!(client.has_secret(&keys, &secret));
        assert!(client.has_secret(&ring("two", Some("one")), &secret));
        assert!(!other.has_secret(&keys, &secret));
        for wrong in ["", "vds_", &secret.replace("vds_", "vds"), &format!("{secret}A"), &"x".repeat(100_000)] {
            assert!(!client.has_secret(&keys, wrong));
        }
        let public = Client::register(&keys, metadata(AuthMethod::None)).unwrap();
        assert!(public.secret(&keys).is_none() && !public.has_secret(&keys, &secret));
    }

    #[test]
    fn too_much_metadata_is_refused() {
        let many = (0..10).map(|it| format!("https://example.com/{it}/{}", "a".repeat(200))).collect();
        let metadata = Metadata { redirect_uris: many, ..metadata(AuthMethod::None) };
        assert!(Client::register(&ring("one", None), metadata).is_none());
    }
}
