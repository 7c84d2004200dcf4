//! `GET /api/oauth/callback/sentry`: Sentry sends the browser back.
//!
//! 1. The state is ours and not too old.
//! 2. The browser is the one that started.
//! 3. There is a code, or an error.
//! 4. The state's nonce is taken, once; a refusal at Sentry ends the link, so that the next one comes at once.
//! 5. The code is exchanged, with the PKCE verifier and the redirect URI as it was sent.
//! 6. The granted scopes are all that were asked for; fewer are revoked, not kept.
//! 7. The account is known.
//! 8. The page shows the Slack person and the Sentry account, and asks once more. The grant travels in that page's form,
//!    sealed for this ticket, this consent and this browser; nothing is stored before the answer.

use bytes::Bytes;
use http::Request;

use super::connect::{NONCE_FIELD, PENDING_FIELD};
use super::way::{
    ConnectState, Ended, Needs, code_verifier, confirm_step, link_path, pending_record, unavailable, within_limits,
};
use crate::crypto::Purpose;
use crate::grants::record::{Grant, GrantRecord};
use crate::grants::revocation::Revocation;
use crate::oauth::browser::{Browser, Fields, form_token};
use crate::oauth::constants::PENDING_LIFE;
use crate::oauth::state::{self, StateError};
use crate::pages::Page;
use crate::pages::connect::{self as pages, ConnectConfirm, ConnectProblem};
use crate::ports::{Level, call};
use crate::turns::calls::{Conclude, Consent, TakeConsent, TicketFacts};
use crate::turns::link::LinkContent;
use crate::turns::pending::PendingGrant;
use crate::world::World;
use vedette_sentry::oauth::{Account, Issued, SentryOAuth, TokenError, Unclear, whose};
use vedette_sentry::refusal::covers;

/// Answers the callback.
pub async fn callback(world: &World, request: &Request<Bytes>) -> Page {
    confirm_page(world, request).await.unwrap_or_else(|ended| {
        world.ports.log.log(Level::Info, "connect_failed", &[("problem", ended.problem.name())]);
        ended.page()
    })
}

async fn confirm_page(world: &World, request: &Request<Bytes>) -> Result<Page, Ended> {
    let needs = Needs::of(&world.config)?;
    let query = Fields::read(request.uri().query().unwrap_or_default().as_bytes());
    // (1) The state.
    let state: ConnectState =
        state::verify(&needs.keys, query.get("state").unwrap_or_default(), world.ports.clock.now()).map_err(
            |error| match error {
                StateError::Invalid => ConnectProblem::BadState,
                StateError::Expired => ConnectProblem::StateExpired,
            },
        )?;
    // (2) The browser.
    let browser = Browser::from_headers(request.headers()).ok_or(ConnectProblem::WrongBrowser)?.fingerprint();
    if browser != state.browser {
        return Err(ConnectProblem::WrongBrowser.into());
    }
    // (3) A code or an error.
    let (code, error) = (query.get("code"), query.get("error"));
    if code.is_none() && error.is_none() {
        return Err(ConnectProblem::MissingCode.into());
    }
    // (4) Once.
    within_limits(world, request).await?;
    let declined = error == Some("access_denied");
    let facts = take(world, &state, declined).await?;
    let ended = |problem| Ended { problem, back: facts.asker.back.clone().map(Box::new) };
    if declined {
        return Err(ended(ConnectProblem::Declined));
    }
    if let Some(error) = error {
        return Err(ended(ConnectProblem::SentryError { code: error.chars().take(60).collect() }));
    }
    // (5) The exchange.
    let verifier = code_verifier(&needs.keys, &state.nonce);
    let issued = SentryOAuth::new(&world.ports, needs.host, needs.app)
        .exchange(code.unwrap_or_default(), &state.redirect_uri, &verifier)
        .await
        .map_err(|error| ended(exchange_problem(world, &error)))?;
    // (6) The scopes.
    let lacking = lacking(&world.config.scopes, &issued.scopes);
    // (7) The account.
    let account = account(world, &needs, &issued).await;
    let revocation = Revocation::new(&issued.access_token, needs.host.origin().as_str());
    let pending = pending(world, &needs, issued, account.as_ref());
    let record = pending_record(&state.ticket, &state.nonce, &browser);
    let sealed = needs.keys.seal(Purpose::PendingGrant, &record, &pending, &*world.ports.random);
    if !lacking.is_empty() || account.is_none() {
        let revoke = Conclude {
            ticket: state.ticket.clone(),
            nonce: state.nonce.clone(),
            sealed_grant: sealed.0,
            sealed_for: record,
            keep: false,
        };
        if let Err(error) = call(&*world.objects, &state.person, &revoke).await {
            // The object may not have heard of the grant, which nobody else has. If it did, it revokes once more.
            revocation.attempt(world).await;
            return Err(ended(unavailable(world, &error)));
        }
        return Err(ended(if lacking.is_empty() {
            ConnectProblem::BadTokenResponse
        } else {
            ConnectProblem::FewerScopes { missing: lacking }
        }));
    }
    // (8) Both sides.
    let account = account.unwrap_or_else(|| Account { id: String::new(), name: None, email: None });
    Ok(ask_once_more(world, &needs, &state, &browser, &facts, &account, &sealed.to_text()))
}

async fn take(world: &World, state: &ConnectState, declined: bool) -> Result<TicketFacts, ConnectProblem> {
    let take = TakeConsent { ticket: state.ticket.clone(), nonce: state.nonce.clone(), declined };
    match call(&*world.objects, &state.person, &take).await.map_err(|error| unavailable(world, &error))? {
        Consent::Taken(facts) => Ok(*facts),
        Consent::Used => Err(ConnectProblem::StateUsed),
        Consent::Expired => Err(ConnectProblem::StateExpired),
        Consent::Unknown => Err(ConnectProblem::BadState),
    }
}

fn exchange_problem(world: &World, error: &TokenError) -> ConnectProblem {
    world.ports.log.log(Level::Warn, "code_exchange_failed", &[("error", &error.to_string())]);
    match error {
        TokenError::Refused { error, .. } if error == "invalid_grant" => ConnectProblem::CodeRefused,
        TokenError::Refused { error, .. } => ConnectProblem::SentryError { code: error.chars().take(60).collect() },
        TokenError::RateLimited => ConnectProblem::SentryDown,
        TokenError::Unclear(Unclear::Timeout) => ConnectProblem::SentrySlow,
        TokenError::Unclear(Unclear::Connection | Unclear::ServerError) => ConnectProblem::SentryDown,
        TokenError::Unclear(Unclear::BadBody) => ConnectProblem::BadTokenResponse,
    }
}

/// The scopes that were asked for and not granted. An installation that names none granted what was asked (RFC 6749 §5.1).
pub(super) fn lacking(asked: &[String], granted: &[String]) -> Vec<String> {
    if granted.is_empty() {
        return Vec::new();
    }
    asked.iter().filter(|scope| !covers(granted, scope)).cloned().collect()
}

pub(super) async fn account(world: &World, needs: &Needs<'_>, issued: &Issued) -> Option<Account> {
    match &issued.account {
        Some(account) => Some(account.clone()),
        None => whose(&world.ports, needs.host, &issued.access_token).await.ok().flatten(),
    }
}

fn pending(world: &World, needs: &Needs<'_>, issued: Issued, account: Option<&Account>) -> PendingGrant {
    let now = world.ports.clock.now();
    let grant = Grant {
        scopes: if issued.scopes.is_empty() { world.config.scopes.clone() } else { issued.scopes },
        access_token: issued.access_token,
        refresh_token: issued.refresh_token,
        expires_at: issued.expires_at,
        account: account.cloned().unwrap_or_else(|| Account { id: String::new(), name: None, email: None }),
        origin: needs.host.origin().as_str().to_owned(),
        connected_at: now,
    };
    PendingGrant { grant: GrantRecord::from(&grant), expires_at: now + PENDING_LIFE }
}

fn ask_once_more(
    world: &World,
    needs: &Needs<'_>,
    state: &ConnectState,
    browser: &str,
    facts: &TicketFacts,
    account: &Account,
    sealed: &str,
) -> Page {
    let content = LinkContent { person: state.person.clone(), ticket: state.ticket.clone() };
    pages::confirm(ConnectConfirm {
        asker: &facts.asker,
        account_name: account.name.as_deref().unwrap_or_default(),
        account_email: account.email.as_deref().unwrap_or_default(),
        host: needs.host,
        action: &link_path(world, &needs.keys, &content),
        csrf: &form_token(&needs.keys, &confirm_step(&state.ticket, &state.nonce, browser)),
        hidden: &[(NONCE_FIELD, &state.nonce), (PENDING_FIELD, sealed)],
    })
}
