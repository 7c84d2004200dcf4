//! The place that a path limits its callers to: `/mcp/{organization}/{project}`.
//!
//! Before anything is done within a place, Sentry is asked whether the caller sees it, and how it is spelled; a yes holds
//! for a quarter of an hour. Anything but a yes fails closed: what cannot be checked is not opened. Afterwards the place is
//! put into every call here ([`super::tools`]), whatever the client sent, and told to the command as its limit.

use std::cell::RefCell;
use std::time::Duration;

use http::StatusCode;
use url::Url;

use super::caller::Caller;
use super::refusal::Refusal;
use crate::cache::{Cache, Key};
use crate::crypto::sha256;
use crate::sessions::calls::Resource;
use crate::sessions::terms::Limit;
use crate::world::World;
use vedette_commands::CommandError;
use vedette_commands::explain::explain;
use vedette_sentry::client::Client;
use vedette_sentry::error::SentryError;
use vedette_sentry::slug::{self, Slug};
use vedette_sentry::types::{Organization, Project};

/// How long a place that was seen is taken for seen.
const SEEN: Duration = Duration::from_secs(15 * 60);
/// When to try again what Sentry could not say, in seconds.
const RETRY: u64 = 10;

/// How messages come and go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Streamable HTTP.
    Http,
    /// HTTP with SSE, of 2024-11-05 ([`super::legacy`]).
    Legacy,
}

/// An address of this door: the resource that an access token is for (RFC 8707). Both transports lead to the same one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The transport that it has.
    pub transport: Transport,
    origin: String,
    organization: Option<String>,
    project: Option<String>,
}

impl Endpoint {
    /// Reads the segments after `/mcp`. `None` when they name no place.
    pub fn read(origin: &Url, segments: &[&str]) -> Option<Endpoint> {
        Endpoint::of(Transport::Http, origin, segments)
    }

    /// Reads the segments after `/sse`.
    pub fn legacy(origin: &Url, segments: &[&str]) -> Option<Endpoint> {
        Endpoint::of(Transport::Legacy, origin, segments)
    }

    fn of(transport: Transport, origin: &Url, segments: &[&str]) -> Option<Endpoint> {
        let segments = if let [before @ .., ""] = segments { before } else { segments };
        let origin = origin.origin().ascii_serialization();
        let (organization, project) = Slug::place(segments)?;
        Some(Endpoint {
            transport,
            origin,
            organization: organization.map(String::from),
            project: project.map(String::from),
        })
    }

    /// The canonical address, without a slash at its end.
    pub fn url(&self) -> String {
        format!("{}{}", self.origin, self.path())
    }

    /// Where its metadata is (RFC 9728 §3.1).
    pub fn metadata_url(&self) -> String {
        format!("{}/.well-known/oauth-protected-resource{}", self.origin, self.path())
    }

    /// The address that a newer transport has for the same.
    pub fn newer_url(&self) -> String {
        Endpoint { transport: Transport::Http, ..self.clone() }.url()
    }

    /// What it is limited to, as its path spells it: `globex/checkout-api`.
    pub fn place(&self) -> Option<String> {
        Place { organization: self.organization.clone(), project: self.project.clone() }.name()
    }

    /// Whether it is limited to an organization.
    pub fn limited(&self) -> bool {
        self.organization.is_some()
    }

    /// The address as the authorization server knows it.
    pub fn resource(&self) -> Resource {
        let limit = Limit { organization: self.organization.clone(), project: self.project.clone() };
        Resource { origin: self.origin.clone(), limit }
    }

    /// Its path: `/mcp/globex`.
    pub fn path(&self) -> String {
        let base = match self.transport {
            Transport::Http => "/mcp",
            Transport::Legacy => "/sse",
        };
        let slugs = [&self.organization, &self.project].into_iter().flatten();
        slugs.fold(base.to_owned(), |path, slug| format!("{path}/{slug}"))
    }
}

/// A place that the caller sees, as Sentry spells it. Empty: no limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The organization's slug.
    pub organization: Option<String>,
    /// The project's slug.
    pub project: Option<String>,
}

impl Place {
    /// `globex/checkout-api`, for people.
    pub fn name(&self) -> Option<String> {
        let organization = self.organization.as_ref()?;
        Some(match &self.project {
            Some(project) => format!("{organization}/{project}"),
            None => organization.clone(),
        })
    }
}

thread_local! {
    static KNOWN: RefCell<Cache<Place>> = const { RefCell::new(Cache::new()) };
}

/// The place of `endpoint`, if the caller sees it.
///
/// # Errors
/// 404 when they do not, 503 when Sentry cannot say, and whatever is wrong with the credential.
pub async fn verify(world: &World, caller: &Caller, endpoint: &Endpoint) -> Result<Place, Refusal> {
    let Some(organization) = endpoint.organization.as_deref() else { return Ok(Place::default()) };
    let project = endpoint.project.as_deref();
    let key: Key = sha256(&[&caller.key, endpoint.path().as_bytes()].concat());
    if let Some(place) = KNOWN.with_borrow(|known| known.get(&key, world.ports.clock.now())) {
        return Ok(place);
    }
    let look = async |client: &Client| look(client, organization, project).await.map_err(CommandError::from);
    let place = match caller.with_client(world, endpoint, look).await? {
        Ok(place) => place,
        Err(error) => return Err(closed(world, endpoint, &error)),
    };
    KNOWN.with_borrow_mut(|known| known.put(key, place.clone(), world.ports.clock.now(), SEEN));
    Ok(place)
}

async fn look(client: &Client, organization: &str, project: Option<&str>) -> Result<Place, SentryError> {
    client.needs(&["org:read", "project:read"]);
    let url = client.organization_url(organization, &[]).await?;
    let known: Organization = client.get(url.clone()).await?;
    let mut place = Place { organization: Some(spelled(Some(known.slug), organization)), project: None };
    if let Some(project) = project {
        let mut url = url; // of the same region
        url.path_segments_mut().map_err(|()| SentryError::ForeignUrl)?.clear().extend([
            "api",
            "0",
            "projects",
            organization,
            project,
            "",
        ]);
        let known: Project = client.get(url).await?;
        place.project = Some(spelled(known.slug, project));
    }
    Ok(place)
}

fn spelled(by_sentry: Option<String>, asked: &str) -> String {
    by_sentry.filter(|slug| slug::is_project(slug)).unwrap_or_else(|| asked.to_owned())
}

fn closed(world: &World, endpoint: &Endpoint, error: &CommandError) -> Refusal {
    let slugs = [endpoint.organization.as_deref(), endpoint.project.as_deref()];
    let place = slugs.into_iter().flatten().collect::<Vec<_>>().join("/");
    match error {
        CommandError::Sentry(SentryError::NotFound | SentryError::Forbidden) => {
            let sentence =
                format!("Sentry shows no `{place}` to this account: look at the organization and project in the URL.");
            Refusal::new(StatusCode::NOT_FOUND, sentence)
        }
        CommandError::Sentry(SentryError::RateLimited { retry_after }) => {
            Refusal::waiting("Sentry asks us to slow down.", *retry_after)
        }
        CommandError::Sentry(SentryError::Unauthorized { .. }) => match &world.config.sentry_host {
            Ok(host) => Refusal::new(StatusCode::FORBIDDEN, explain(error, &place, host, None).title),
            Err(problem) => Refusal::not_configured(*problem),
        },
        _ => Refusal::unavailable(format!("Whether `{place}` is there could not be checked."), RETRY),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_an_address_with_its_metadata_or_nothing() {
        let origin = Url::parse("https://vedette.example.com").unwrap();
        let urls = |segments: &[&str]| Endpoint::read(&origin, segments).map(|it| (it.url(), it.metadata_url()));
        let found = |path: &str| {
            let of = |middle: &str| format!("https://vedette.example.com{middle}/mcp{path}");
            Some((of(""), of("/.well-known/oauth-protected-resource")))
        };
        assert_eq!(urls(&[]), found(""));
        assert_eq!(urls(&[""]), found(""));
        assert_eq!(urls(&["globex"]), found("/globex"));
        assert_eq!(urls(&["globex", "checkout-api", ""]), found("/globex/checkout-api"));
        assert_eq!(urls(&["globex", "_internal"]), found("/globex/_internal"));
        for bad in [
            &["", "x"][..],
            &["a", "b", "c"],
            &[".."],
            &["%2e%2e"],
            &["a b"],
            &["a", "\u{e9}"],
            &["", ""],
            &["_internal"],
        ] {
            assert_eq!(urls(bad), None, "{bad:?}");
        }
    }
}
