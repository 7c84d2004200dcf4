//! `/oauth/authorize`: an MCP client sends a person here.
//!
//! `GET` shows who asks for what, always, and stores nothing.
//! 1. The request is read and validated, all of it ([`provider`]); the description of a client that has one is fetched.
//! 2. The browser gets its cookie, unless it has one.
//! 3. What was ticked for this client the last time is ticked again, if the browser remembers it ([`crate::oauth::choices`]).
//! 4. The page holds the request, and a state that is signed over it, for this browser, for ten minutes.
//!
//! `POST` is the person's decision.
//! 1. The form came from our page, in the browser that it was made for, in time, unchanged.
//! 2. The request in it is validated anew.
//! 3. *Cancel* goes back to the client with `access_denied`. It is the first that does: until a person has decided, nothing
//!    sends the browser to an address that a client registered.
//! 4. *Approve*: the session begins in its object, with the ticked skills. If the client describes itself otherwise than the
//!    page said, the page is shown anew instead.
//! 5. The browser remembers the ticks, and goes to Sentry, with a state of its own, PKCE, and the scopes that follow from the
//!    skills, never more than `SENTRY_SCOPES` (P25).

use std::collections::BTreeSet;

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use serde::{Deserialize, Serialize};
use url::Url;

use super::way::{Needs, code_challenge, code_verifier};
use crate::crypto::{base64url, sha256};
use crate::limits;
use crate::oauth::browser::{Browser, Fields, posted_from_here};
use crate::oauth::choices::Choices;
use crate::oauth::constants::{AUTHORIZE, CLIENT_CALLBACK, MAX_FORM, STATE_LIFE};
use crate::oauth::provider::authorize::{self as provider, AuthorizationRequest, Query};
use crate::oauth::provider::clients::Client;
use crate::oauth::provider::documents::{self, DocumentProblem};
use crate::oauth::state::{self, StateError};
use crate::pages::consent::{self as pages, Consent, ConsentProblem};
use crate::ports::{Level, ObjectError, call};
use crate::sessions::calls::Begin;
use crate::sessions::terms::{SkillText, Terms, offered};
use crate::sessions::tokens::SessionId;
use crate::world::World;
use vedette_sentry::oauth::SentryOAuth;

/// What the form's state says.
#[derive(Serialize, Deserialize)]
struct FormState {
    /// The hash of the request in the form.
    request: String,
    /// The browser that the page was made for.
    browser: String,
    /// The hash of what the page said of the client: its description may be another one a moment later.
    #[serde(default)]
    client: String,
}

/// What the state that goes to Sentry says.
#[derive(Serialize, Deserialize)]
pub(super) struct SessionState {
    /// The Session object's name; new for each approval, so it is the nonce as well.
    pub session: String,
    /// The browser that approved.
    pub approver: String,
    /// The redirect URI as it was sent to Sentry (RFC 6749 §4.1.3).
    pub redirect_uri: String,
}

/// `GET /oauth/authorize`.
pub async fn show(world: &World, request: &Request<Bytes>, origin: &Url) -> Response<Bytes> {
    consent_page(world, request, origin).await.unwrap_or_else(|problem| ended(world, problem))
}

/// `POST /oauth/authorize`.
pub async fn submit(world: &World, request: &Request<Bytes>, origin: &Url) -> Response<Bytes> {
    decide(world, request, origin).await.unwrap_or_else(|problem| ended(world, problem))
}

async fn consent_page(
    world: &World,
    request: &Request<Bytes>,
    origin: &Url,
) -> Result<Response<Bytes>, ConsentProblem> {
    let needs = needs(world)?;
    // (1) The request.
    let query = request.uri().query().unwrap_or_default();
    let asked = read(world, &needs, request, query, &issuer(origin)).await?;
    Ok(page(world, &needs, request, query, &asked))
}

fn page(
    world: &World,
    needs: &Needs<'_>,
    request: &Request<Bytes>,
    query: &str,
    asked: &AuthorizationRequest,
) -> Response<Bytes> {
    // (2) The browser.
    let browser = Browser::from_headers(request.headers()).unwrap_or_else(|| Browser::new(&*world.ports.random));
    // (3) The ticks.
    let offered = offered(&world.config.scopes);
    let ticked = ticked_first(needs, request, asked, &offered);
    // (4) The page.
    let form = FormState { request: hash(query), browser: browser.fingerprint(), client: said(&asked.client) };
    let page = pages::consent(Consent {
        client_name: asked.client.name(),
        client_uri: asked.client.metadata.uri.as_deref(),
        proven_host: asked.client.proven_host(),
        redirect_uri: &asked.redirect_uri,
        limit: &asked.limit,
        offered: &offered,
        ticked: &ticked,
        allowed: &world.config.scopes,
        host: needs.host,
        action: AUTHORIZE,
        hidden: &[
            (pages::STATE_FIELD, &state::sign(&needs.keys, &form, world.ports.clock.now())),
            (pages::REQUEST_FIELD, query),
        ],
    });
    let mut response = page.into_response();
    if let Ok(cookie) = browser.cookie().parse() {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

async fn decide(world: &World, request: &Request<Bytes>, origin: &Url) -> Result<Response<Bytes>, ConsentProblem> {
    let needs = needs(world)?;
    // (1) The form.
    if request.body().len() > MAX_FORM {
        return Err(ConsentProblem::TooLarge);
    }
    let fields = Fields::read(request.body());
    let form: FormState =
        state::verify(&needs.keys, fields.get(pages::STATE_FIELD).unwrap_or_default(), world.ports.clock.now())
            .map_err(state_problem)?;
    let query = fields.get(pages::REQUEST_FIELD).unwrap_or_default();
    if !posted_from_here(request.headers()) || hash(query) != form.request {
        return Err(ConsentProblem::NotFromHere);
    }
    let browser = Browser::from_headers(request.headers()).ok_or(ConsentProblem::WrongBrowser)?;
    if browser.fingerprint() != form.browser {
        return Err(ConsentProblem::WrongBrowser);
    }
    // (2) The request.
    let issuer = issuer(origin);
    let asked = read(world, &needs, request, query, &issuer).await?;
    // (3) Cancel.
    if fields.get(pages::DECISION_FIELD) != Some(pages::APPROVE) {
        let (uri, state) = (&asked.redirect_uri, asked.state.as_deref());
        let url = provider::error_url(uri, "access_denied", "The person chose Cancel.", state, &issuer);
        return see(&url.ok_or(ConsentProblem::ForeignRedirect)?);
    }
    // (4) Approve.
    if form.client != said(&asked.client) {
        // Nobody agreed to what the description says now.
        world.ports.log.log(Level::Info, "client_description_changed", &[]);
        return Ok(page(world, &needs, request, query, &asked));
    }
    let ticked = |skill: &&SkillText| fields.get(&pages::skill_field(skill.name)).is_some();
    let ticked: Vec<&SkillText> = offered(&world.config.scopes).into_iter().filter(ticked).collect();
    let skills: Vec<String> = ticked.iter().map(|skill| skill.name.to_owned()).collect();
    if skills.is_empty() {
        return Err(ConsentProblem::NothingTicked);
    }
    let choices = Choices::from_headers(&needs.keys, request.headers()).with(&asked.client.key(), &skills);
    let scopes = scopes_within(&ticked, &world.config.scopes);
    within_limits(world, request).await?;
    let session = SessionId::new(&*world.ports.random).object_name();
    let now = world.ports.clock.now();
    let (client_state, terms) = terms(asked, issuer, skills, &scopes);
    let begin = Begin { terms, state: client_state, expires_at: now + STATE_LIFE };
    call(&*world.objects, &session, &begin).await.map_err(|error| unavailable(world, &error))?;
    // (5) To Sentry.
    let mut redirect_uri = origin.clone();
    redirect_uri.set_path(CLIENT_CALLBACK);
    let challenge = code_challenge(&code_verifier(&needs.keys, &session));
    let state =
        SessionState { session, approver: browser.fingerprint(), redirect_uri: redirect_uri.as_str().to_owned() };
    let state = state::sign(&needs.keys, &state, now);
    let to = SentryOAuth::new(&world.ports, needs.host, needs.app).authorize_url(
        redirect_uri.as_str(),
        &scopes,
        &state,
        &challenge,
    );
    let mut response = see(&to)?;
    if let Ok(cookie) = choices.cookie(&needs.keys).parse() {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// Reads a request: one of a client that registered, or that describes itself.
async fn read(
    world: &World,
    needs: &Needs<'_>,
    request: &Request<Bytes>,
    query: &str,
    issuer: &str,
) -> Result<AuthorizationRequest, ConsentProblem> {
    let query = Query::read(query)?;
    let id = query.client_id()?;
    let client = match documents::is_address(id) {
        true => described(world, request, id, issuer).await?,
        false => Client::read(&needs.keys, id).ok_or(ConsentProblem::UnknownClient)?,
    };
    Ok(provider::read(&query, client, issuer)?)
}

async fn described(world: &World, request: &Request<Bytes>, id: &str, issuer: &str) -> Result<Client, ConsentProblem> {
    // Without BASE_URL our origin is what the request says, and whoever reaches us can say that it is a loopback host.
    let named = matches!(&world.config.base_url, Ok(Some(_)));
    let address = documents::address(id, issuer).filter(|address| named || address.scheme() == "https");
    let address = address.ok_or(DocumentProblem::BadAddress)?;
    if let Some(client) = documents::known(world, id) {
        return Ok(client);
    }
    limits::count(world, &limits::DOCUMENTS, &limits::address(request.headers())).await?;
    Ok(documents::fetch(world, &address).await?)
}

fn terms(
    asked: AuthorizationRequest,
    origin: String,
    skills: Vec<String>,
    scopes: &[String],
) -> (Option<String>, Terms) {
    let terms = Terms {
        client: asked.client.key(),
        client_name: asked.client.name().to_owned(),
        redirect_uri: asked.redirect_uri,
        redirect_implied: asked.redirect_implied,
        challenge: asked.challenge,
        origin,
        limit: asked.limit,
        skills,
        may_refresh: asked.client.metadata.may_refresh,
        asked: Some(scopes.to_vec()),
    };
    (asked.state, terms)
}

/// The skills that are ticked at first: as the last time for this client, else as its scopes suggest.
fn ticked_first(
    needs: &Needs<'_>,
    request: &Request<Bytes>,
    asked: &AuthorizationRequest,
    offered: &[&'static SkillText],
) -> Vec<&'static str> {
    let remembered = Choices::from_headers(&needs.keys, request.headers()).of(&asked.client.key()).unwrap_or_default();
    let still: Vec<&str> = remembered.into_iter().filter(|name| offered.iter().any(|it| it.name == *name)).collect();
    if still.is_empty() { suggested(&asked.scopes, offered) } else { still }
}

/// Those whose scopes the client asked for. Reading is what every client may be for; what changes something is ticked for one
/// that asked for all that it needs to (P25).
fn suggested(scopes: &[String], offered: &[&'static SkillText]) -> Vec<&'static str> {
    let asked = |scope: &&str| scope.ends_with(":read") || scopes.iter().any(|it| it == *scope);
    offered.iter().filter(|skill| !skill.writes() || skill.scopes.iter().all(asked)).map(|it| it.name).collect()
}

/// The scopes that these skills need, of those that the deployment asks for at all, sorted.
fn scopes_within(skills: &[&SkillText], allowed: &[String]) -> Vec<String> {
    let all: BTreeSet<&str> = skills.iter().flat_map(|skill| skill.scopes_within(allowed)).collect();
    all.into_iter().map(str::to_owned).collect()
}

// ---- What both hops use ----

/// The page for a request that does not go on.
pub(super) fn ended(world: &World, problem: ConsentProblem) -> Response<Bytes> {
    world.ports.log.log(Level::Info, "authorization_failed", &[("problem", problem.name())]);
    problem.page().into_response()
}

/// Counts what is about to call an object.
pub(super) async fn within_limits(world: &World, request: &Request<Bytes>) -> Result<(), ConsentProblem> {
    Ok(limits::count(world, &limits::CONSENT, &limits::address(request.headers())).await?)
}

pub(super) fn needs(world: &World) -> Result<Needs<'_>, ConsentProblem> {
    if world.config.access_token_life.is_err() {
        return Err(ConsentProblem::NotConfigured);
    }
    let operators = world.config.environment_token.is_some() && world.config.sentry_app.is_err();
    Needs::of(&world.config).map_err(|_| match operators {
        true => ConsentProblem::NoSignIn,
        false => ConsentProblem::NotConfigured,
    })
}

/// Our origin as issuer: without a slash at the end.
pub(super) fn issuer(origin: &Url) -> String {
    origin.origin().ascii_serialization()
}

pub(super) fn state_problem(error: StateError) -> ConsentProblem {
    match error {
        StateError::Invalid => ConsentProblem::NotFromHere,
        StateError::Expired => ConsentProblem::Expired,
    }
}

pub(super) fn unavailable(world: &World, error: &ObjectError) -> ConsentProblem {
    world.ports.log.log(Level::Error, "session_unavailable", &[("error", &error.0)]);
    ConsentProblem::Unavailable
}

/// Sends the browser on, by `GET`.
pub(super) fn see(url: &Url) -> Result<Response<Bytes>, ConsentProblem> {
    let location = url.as_str().parse().map_err(|_| ConsentProblem::ForeignRedirect)?;
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(header::LOCATION, location);
    response.headers_mut().insert(header::CACHE_CONTROL, http::HeaderValue::from_static("no-store"));
    Ok(response)
}

/// What the page says of a client, and what follows from its description.
fn said(client: &Client) -> String {
    let uri = client.metadata.uri.as_deref().unwrap_or_default();
    hash(&format!("{}\n{uri}\n{}", client.name(), client.metadata.may_refresh))
}

fn hash(text: &str) -> String {
    base64url(&sha256(text.as_bytes()))
}
