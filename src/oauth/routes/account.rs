//! `/account`: a person signs in with Sentry, sees the MCP clients that they let in, and ends them (P5).
//!
//! Signing in is a consent like the others, for the scope that only tells who somebody is.
//! 1. `GET` shows a form; the browser gets its cookie.
//! 2. `POST`: the form came from our page, in that browser. State and PKCE are made, and the browser goes to Sentry.
//! 3. `GET /oauth/callback`, the address that MCP clients' authorizations come back to: the state is ours, in time, and this
//!    browser's; the code is exchanged; the account is known.
//! 4. The token has served. It is handed to the Account object, which revokes it at Sentry, before anything else happens.
//! 5. The browser gets a sealed cookie for half an hour, and goes to the list.
//!
//! Nothing is stored for a state, so that it is taken once rests on Sentry, where a code works once, and on PKCE and the
//! browser's cookie: the only one who can present it again is the person, who then sees an error.
//!
//! Between Sentry's answer in step 3 and the write in step 4 the token exists in one request only. Should that die there, a
//! token that nobody has, and that only tells who its person is, lives at Sentry until it runs out.
//!
//! Each other `POST` is a form of the list: it came from our page, its sender is signed in, and it was made for this sign-in.

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use serde::{Deserialize, Serialize};
use url::Url;

use super::callback::account;
use super::way::{Needs, code_challenge, code_verifier};
use crate::accounts::person::Mine;
use crate::crypto::random_id;
use crate::grants::revocation::Revocation;
use crate::limits;
use crate::oauth::browser::{Browser, Fields, form_token, form_token_fits, posted_from_here};
use crate::oauth::constants::{CLIENT_CALLBACK, MAX_FORM};
use crate::oauth::signed_in::SignedIn;
use crate::oauth::state::{self, StateError};
use crate::pages::account::{self as pages, AccountProblem, Clients, Notice};
use crate::ports::{Level, ObjectError};
use crate::world::World;
use vedette_sentry::oauth::{SentryOAuth, TokenError};

/// Tells who somebody is, and nothing else: the least that Sentry can be asked for.
const SCOPE: &str = "openid";

/// What the OAuth state says of a sign-in. Its fields are named unlike those of the other ways, so that no state is taken for
/// one of another.
#[derive(Serialize, Deserialize)]
struct SignInState {
    /// The root of the PKCE verifier.
    sign_in: String,
    /// The browser that began.
    visitor: String,
    /// The redirect URI as it was sent to Sentry (RFC 6749 §4.1.3).
    redirect_uri: String,
}

/// `GET /account`.
pub async fn show(world: &World, request: &Request<Bytes>, origin: &Url) -> Response<Bytes> {
    shown(world, request, origin).await.unwrap_or_else(|problem| ended(world, problem))
}

/// `POST /account`.
pub async fn submit(world: &World, request: &Request<Bytes>, origin: &Url) -> Response<Bytes> {
    done(world, request, origin).await.unwrap_or_else(|problem| ended(world, problem))
}

/// `GET /oauth/callback`, when it is the end of a sign-in; `None` when it is another way's.
pub async fn returned(world: &World, request: &Request<Bytes>) -> Option<Response<Bytes>> {
    let needs = Needs::of(&world.config).ok()?;
    let query = Fields::read(request.uri().query().unwrap_or_default().as_bytes());
    let state = match state::verify(&needs.keys, query.get("state").unwrap_or_default(), world.ports.clock.now()) {
        Ok(state) => state,
        Err(StateError::Invalid) => return None,
        Err(StateError::Expired) => return Some(ended(world, AccountProblem::Expired)),
    };
    let signed_in = sign_in(world, &needs, request, &query, &state).await;
    Some(signed_in.unwrap_or_else(|problem| ended(world, problem)))
}

async fn shown(world: &World, request: &Request<Bytes>, origin: &Url) -> Result<Response<Bytes>, AccountProblem> {
    let needs = needs(world)?;
    match signed_in(world, &needs, request) {
        Some(who) => {
            within_limits(world, request).await?;
            list(world, &needs, &who, origin, None).await
        }
        None => Ok(sign_in_page(world, &needs, request, None)),
    }
}

async fn done(world: &World, request: &Request<Bytes>, origin: &Url) -> Result<Response<Bytes>, AccountProblem> {
    let needs = needs(world)?;
    if request.body().len() > MAX_FORM {
        return Err(AccountProblem::TooLarge);
    }
    if !posted_from_here(request.headers()) {
        return Err(AccountProblem::NotFromHere);
    }
    let fields = Fields::read(request.body());
    let csrf = fields.get(pages::CSRF_FIELD).unwrap_or_default();
    let action = fields.get(pages::ACTION_FIELD).unwrap_or_default();
    if action == pages::SIGN_IN {
        let browser = Browser::from_headers(request.headers()).ok_or(AccountProblem::WrongBrowser)?.fingerprint();
        if !form_token_fits(&needs.keys, &sign_in_step(&browser), csrf) {
            return Err(AccountProblem::NotFromHere);
        }
        return Ok(to_sentry(world, &needs, browser, origin));
    }
    let Some(who) = signed_in(world, &needs, request) else {
        return Ok(sign_in_page(world, &needs, request, Some(Notice::SignInEnded)));
    };
    if !form_token_fits(&needs.keys, &list_step(&who), csrf) {
        return Err(AccountProblem::NotFromHere);
    }
    within_limits(world, request).await?;
    let mine = Mine::new(world, &needs.keys, &who.origin, &who.user);
    let unavailable = |error: ObjectError| unavailable(world, &error);
    match action {
        pages::DISCONNECT => {
            let session = fields.get(pages::SESSION_FIELD).unwrap_or_default();
            let client = mine.disconnect(session).await.map_err(unavailable)?;
            let notice = client.as_deref().map_or(Notice::WasNot, Notice::Disconnected);
            list(world, &needs, &who, origin, Some(notice)).await
        }
        pages::DISCONNECT_ALL => {
            let ended = mine.disconnect_all().await.map_err(unavailable)?;
            list(world, &needs, &who, origin, Some(Notice::DisconnectedAll(ended))).await
        }
        pages::SIGN_OUT => {
            let mut response = sign_in_page(world, &needs, request, Some(Notice::SignedOut));
            set_cookie(&mut response, &SignedIn::removal());
            Ok(response)
        }
        _ => Err(AccountProblem::NotFromHere),
    }
}

// ---- Signing in ----

fn to_sentry(world: &World, needs: &Needs<'_>, visitor: String, origin: &Url) -> Response<Bytes> {
    let mut redirect_uri = origin.clone();
    redirect_uri.set_path(CLIENT_CALLBACK);
    let state = SignInState {
        sign_in: random_id(&*world.ports.random),
        visitor,
        redirect_uri: redirect_uri.as_str().to_owned(),
    };
    let challenge = code_challenge(&code_verifier(&needs.keys, &state.sign_in));
    let signed = state::sign(&needs.keys, &state, world.ports.clock.now());
    let scopes = [SCOPE.to_owned()];
    let oauth = SentryOAuth::new(&world.ports, needs.host, needs.app);
    see(oauth.authorize_url(redirect_uri.as_str(), &scopes, &signed, &challenge).as_str())
}

async fn sign_in(
    world: &World,
    needs: &Needs<'_>,
    request: &Request<Bytes>,
    query: &Fields,
    state: &SignInState,
) -> Result<Response<Bytes>, AccountProblem> {
    // (3) The browser, the code, the account.
    let browser = Browser::from_headers(request.headers()).ok_or(AccountProblem::WrongBrowser)?;
    if browser.fingerprint() != state.visitor {
        return Err(AccountProblem::WrongBrowser);
    }
    if query.get("error") == Some("access_denied") {
        return Err(AccountProblem::Declined);
    }
    let code = query.get("code").filter(|_| query.get("error").is_none()).ok_or(AccountProblem::SentryRefused)?;
    within_limits(world, request).await?;
    let verifier = code_verifier(&needs.keys, &state.sign_in);
    let issued = SentryOAuth::new(&world.ports, needs.host, needs.app)
        .exchange(code, &state.redirect_uri, &verifier)
        .await
        .map_err(|error| exchange_problem(world, &error))?;
    let origin = needs.host.origin().as_str();
    let revocation = Revocation::new(&issued.access_token, origin);
    let Some(account) = account(world, needs, &issued).await else {
        revocation.attempt(world).await;
        return Err(AccountProblem::SentryRefused);
    };
    // (4) The token.
    let mine = Mine::new(world, &needs.keys, origin, &account.id);
    if let Err(error) = mine.revoke_later(&needs.keys, &revocation).await {
        revocation.attempt(world).await;
        return Err(unavailable(world, &error));
    }
    // (5) The cookie.
    let who = SignedIn::new(&account, origin, &*world.ports.random, world.ports.clock.now());
    let mut response = see(pages::PATH);
    set_cookie(&mut response, &who.cookie(&needs.keys, &*world.ports.random));
    world.ports.log.log(Level::Info, "signed_in", &[]);
    Ok(response)
}

fn sign_in_page(
    world: &World,
    needs: &Needs<'_>,
    request: &Request<Bytes>,
    notice: Option<Notice<'_>>,
) -> Response<Bytes> {
    let browser = Browser::from_headers(request.headers()).unwrap_or_else(|| Browser::new(&*world.ports.random));
    let csrf = form_token(&needs.keys, &sign_in_step(&browser.fingerprint()));
    let mut response = pages::sign_in(needs.host, &csrf, notice).into_response();
    set_cookie(&mut response, &browser.cookie());
    response
}

// ---- Signed in ----

async fn list(
    world: &World,
    needs: &Needs<'_>,
    who: &SignedIn,
    origin: &Url,
    notice: Option<Notice<'_>>,
) -> Result<Response<Bytes>, AccountProblem> {
    let mine = Mine::new(world, &needs.keys, &who.origin, &who.user);
    let entries = mine.list().await.map_err(|error| unavailable(world, &error))?;
    let page = pages::clients(Clients {
        account: &who.label,
        host: needs.host,
        entries: &entries,
        notice,
        endpoint: &format!("{}/mcp", origin.origin().ascii_serialization()),
        csrf: &form_token(&needs.keys, &list_step(who)),
        now: world.ports.clock.now(),
        command: world.config.command(),
    });
    Ok(page.into_response())
}

fn signed_in(world: &World, needs: &Needs<'_>, request: &Request<Bytes>) -> Option<SignedIn> {
    SignedIn::from_headers(request.headers(), &needs.keys, needs.host.origin().as_str(), world.ports.clock.now())
}

// ---- What both use ----

/// Counts what is about to ask Sentry, or the account's object, which asks each of its sessions.
async fn within_limits(world: &World, request: &Request<Bytes>) -> Result<(), AccountProblem> {
    Ok(limits::count(world, &limits::CONSENT, &limits::address(request.headers())).await?)
}

fn needs(world: &World) -> Result<Needs<'_>, AccountProblem> {
    Needs::of(&world.config).map_err(|_| AccountProblem::NotConfigured)
}

fn sign_in_step(browser: &str) -> String {
    format!("account-sign-in:{browser}")
}

fn list_step(who: &SignedIn) -> String {
    format!("account:{}", who.visit)
}

fn exchange_problem(world: &World, error: &TokenError) -> AccountProblem {
    world.ports.log.log(Level::Warn, "code_exchange_failed", &[("error", &error.to_string())]);
    match error {
        TokenError::Refused { .. } => AccountProblem::SentryRefused,
        TokenError::RateLimited | TokenError::Unclear(_) => AccountProblem::SentryDown,
    }
}

fn unavailable(world: &World, error: &ObjectError) -> AccountProblem {
    world.ports.log.log(Level::Error, "account_unavailable", &[("error", &error.0)]);
    AccountProblem::Unavailable
}

fn ended(world: &World, problem: AccountProblem) -> Response<Bytes> {
    world.ports.log.log(Level::Info, "account_page_failed", &[("problem", problem.name())]);
    problem.page().into_response()
}

fn see(location: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::SEE_OTHER;
    if let Ok(location) = location.parse() {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn set_cookie(response: &mut Response<Bytes>, cookie: &str) {
    if let Ok(cookie) = cookie.parse() {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}
