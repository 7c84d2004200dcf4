//! What the steps of connecting share: the opened link, and what is signed and sealed between them.

use bytes::Bytes;
use http::Request;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::config::{Config, SentryApp};
use crate::crypto::{KeyRing, Purpose, Sealed, base64url, sha256};
use crate::limits;
use crate::oauth::constants::{CONNECT_CALLBACK, MAX_TOKEN};
use crate::pages::Page;
use crate::pages::connect::ConnectProblem;
use crate::ports::{Level, ObjectError};
use crate::turns::link::{LINK_RECORD, LinkContent};
use crate::world::World;
use vedette_sentry::host::SentryHost;

/// What connecting needs of the configuration.
pub(super) struct Needs<'a> {
    pub keys: KeyRing,
    pub host: &'a SentryHost,
    pub app: &'a SentryApp,
}

impl<'a> Needs<'a> {
    pub(super) fn of(config: &'a Config) -> Result<Needs<'a>, ConnectProblem> {
        let missing = |problem: &crate::config::Problem| ConnectProblem::ConfigurationMissing(*problem);
        Ok(Needs {
            keys: KeyRing::new(config.root_secrets.clone().map_err(|problem| missing(&problem))?),
            host: config.sentry_host.as_ref().map_err(missing)?,
            app: config.sentry_app.as_ref().map_err(missing)?,
        })
    }
}

/// What the OAuth state says of a connection.
#[derive(Serialize, Deserialize)]
pub(super) struct ConnectState {
    /// The Person object's name.
    pub person: String,
    /// The ticket's id, which is of use only inside a sealed link.
    pub ticket: String,
    /// Single use, and the root of the PKCE verifier.
    pub nonce: String,
    /// The fingerprint of the browser that pressed the button.
    pub browser: String,
    /// The redirect URI as it was sent, for the exchange (RFC 6749 §4.1.3).
    pub redirect_uri: String,
}

/// Opens the sealed part of a link. Junk costs no storage.
pub(super) fn open_link(keys: &KeyRing, link: &str) -> Result<LinkContent, ConnectProblem> {
    if link.len() > MAX_TOKEN {
        return Err(ConnectProblem::LinkUnknown);
    }
    let sealed = Sealed::from_text(link).ok_or(ConnectProblem::LinkUnknown)?;
    keys.open(Purpose::ConnectLink, LINK_RECORD, &sealed.0).map_err(|_| ConnectProblem::LinkUnknown)
}

/// The path of a link's page, for forms.
pub(super) fn link_path(world: &World, keys: &KeyRing, content: &LinkContent) -> String {
    format!("/connect/{}", keys.seal(Purpose::ConnectLink, LINK_RECORD, content, &*world.ports.random).to_text())
}

/// The redirect URI at `origin`.
pub(super) fn redirect_uri(origin: &Url) -> String {
    let mut url = origin.clone();
    url.set_path(CONNECT_CALLBACK);
    url.into()
}

/// The PKCE code verifier (RFC 7636 §4.1) of a state: derived, so that it is stored nowhere.
pub(super) fn code_verifier(keys: &KeyRing, nonce: &str) -> String {
    base64url(&keys.sign(Purpose::CodeVerifier, nonce.as_bytes()))
}

/// Its S256 challenge (RFC 7636 §4.2).
pub(super) fn code_challenge(verifier: &str) -> String {
    base64url(&sha256(verifier.as_bytes()))
}

/// What a pending grant is sealed for: this ticket, this consent, this browser.
pub(super) fn pending_record(ticket: &str, nonce: &str, browser: &str) -> String {
    format!("pending:{ticket}:{nonce}:{browser}")
}

/// What the confirmation's form token is for.
pub(super) fn confirm_step(ticket: &str, nonce: &str, browser: &str) -> String {
    format!("confirm:{ticket}:{nonce}:{browser}")
}

/// Why an account was not connected, and where its person goes on.
pub(super) struct Ended {
    pub problem: ConnectProblem,
    /// The conversation in Slack, when the object told it.
    pub back: Option<Box<Url>>,
}

impl Ended {
    pub(super) fn page(&self) -> Page {
        self.problem.page_with(self.back.as_deref())
    }
}

impl From<ConnectProblem> for Ended {
    fn from(problem: ConnectProblem) -> Ended {
        Ended { problem, back: None }
    }
}

/// Counts what is about to call an object.
pub(super) async fn within_limits(world: &World, request: &Request<Bytes>) -> Result<(), ConnectProblem> {
    Ok(limits::count(world, &limits::CONSENT, &limits::address(request.headers())).await?)
}

/// The object could not be reached.
pub(super) fn unavailable(world: &World, error: &ObjectError) -> ConnectProblem {
    world.ports.log.log(Level::Error, "person_unavailable", &[("error", &error.0)]);
    ConnectProblem::ObjectUnavailable
}
