//! `/connect/{ticket}`: the page behind a private link.
//!
//! `GET` names the Slack person and workspace and what access is asked for, and changes nothing, so that a link scanner
//! cannot use a link up. `POST` is one of two forms:
//!
//! *Continue to Sentry*
//! 1. the form came from our page;
//! 2. the browser gets its cookie, unless it has one;
//! 3. state and PKCE are made, and the consent is begun in the Person object;
//! 4. the browser goes to Sentry.
//!
//! *Connect* or *Cancel*, on the page that shows both sides after consent
//! 1. the form came from our page, in the browser that started;
//! 2. the Person object opens the sealed grant, and keeps it or has it revoked;
//! 3. a page says what happened.

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use url::Url;

use super::way::{
    ConnectState, Ended, Needs, code_challenge, code_verifier, confirm_step, link_path, open_link, pending_record,
    redirect_uri, unavailable, within_limits,
};
use crate::crypto::{Sealed, random_id};
use crate::oauth::browser::{Browser, Fields, form_token, form_token_fits, posted_from_here};
use crate::oauth::constants::{MAX_FORM, STATE_LIFE};
use crate::oauth::state;
use crate::pages::Page;
use crate::pages::connect::{self as pages, ConnectProblem, ConnectStart, Connected};
use crate::ports::call;
use crate::turns::calls::{BeginConsent, Conclude, Concluded, TicketFacts, TicketView, ViewTicket};
use crate::turns::link::LinkContent;
use crate::world::World;
use vedette_sentry::oauth::SentryOAuth;

/// The hidden field with the sealed grant.
pub(super) const PENDING_FIELD: &str = "pending";
/// The hidden field with the consent's nonce.
pub(super) const NONCE_FIELD: &str = "consent";

/// `GET /connect/{ticket}`.
pub async fn show(world: &World, link: &str, request: &Request<Bytes>) -> Page {
    start_page(world, link, request).await.unwrap_or_else(|ended| ended.page())
}

/// `POST /connect/{ticket}`.
pub async fn submit(world: &World, link: &str, request: &Request<Bytes>, origin: &Url) -> Response<Bytes> {
    if request.body().len() > MAX_FORM {
        return ConnectProblem::TooLarge.page().into_response();
    }
    let fields = Fields::read(request.body());
    let result = if fields.get(pages::DECISION_FIELD).is_some() {
        conclude(world, link, request, &fields).await.map(Page::into_response)
    } else {
        go_to_sentry(world, link, request, &fields, origin).await
    };
    result.unwrap_or_else(|ended| ended.page().into_response())
}

async fn start_page(world: &World, link: &str, request: &Request<Bytes>) -> Result<Page, Ended> {
    let needs = Needs::of(&world.config)?;
    let content = open_link(&needs.keys, link)?;
    within_limits(world, request).await?;
    let view = call(&*world.objects, &content.person, &ViewTicket { ticket: content.ticket.clone() })
        .await
        .map_err(|error| unavailable(world, &error))?;
    let facts = live(view)?;
    let left = facts.expires_at.since(world.ports.clock.now()).as_secs().div_ceil(60);
    Ok(pages::start(ConnectStart {
        asker: &facts.asker,
        host: needs.host,
        scopes: &world.config.scopes,
        action: &link_path(world, &needs.keys, &content),
        csrf: &form_token(&needs.keys, &start_step(&content)),
        waiting: facts.waiting.as_deref(),
        expires_in_minutes: u32::try_from(left).unwrap_or(u32::MAX),
        command: world.config.command(),
    }))
}

async fn go_to_sentry(
    world: &World,
    link: &str,
    request: &Request<Bytes>,
    fields: &Fields,
    origin: &Url,
) -> Result<Response<Bytes>, Ended> {
    let needs = Needs::of(&world.config)?;
    let content = open_link(&needs.keys, link)?;
    // (1) The form came from our page.
    let token = fields.get(pages::CSRF_FIELD).unwrap_or_default();
    if !posted_from_here(request.headers()) || !form_token_fits(&needs.keys, &start_step(&content), token) {
        return Err(ConnectProblem::NotFromHere.into());
    }
    // (2) The browser's cookie.
    let browser = Browser::from_headers(request.headers()).unwrap_or_else(|| Browser::new(&*world.ports.random));
    // (3) State, PKCE, consent.
    let now = world.ports.clock.now();
    let nonce = random_id(&*world.ports.random);
    let begin = BeginConsent { ticket: content.ticket.clone(), nonce: nonce.clone(), expires_at: now + STATE_LIFE };
    within_limits(world, request).await?;
    let view = call(&*world.objects, &content.person, &begin).await.map_err(|error| unavailable(world, &error))?;
    live(view)?;
    let challenge = code_challenge(&code_verifier(&needs.keys, &nonce));
    let redirect_uri = redirect_uri(origin);
    let state = ConnectState {
        person: content.person,
        ticket: content.ticket,
        nonce,
        browser: browser.fingerprint(),
        redirect_uri: redirect_uri.clone(),
    };
    let state = state::sign(&needs.keys, &state, now);
    // (4) To Sentry.
    let to = SentryOAuth::new(&world.ports, needs.host, needs.app).authorize_url(
        &redirect_uri,
        &world.config.scopes,
        &state,
        &challenge,
    );
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::SEE_OTHER;
    for (name, value) in
        [(header::LOCATION, to.as_str()), (header::SET_COOKIE, &browser.cookie()), (header::CACHE_CONTROL, "no-store")]
    {
        if let Ok(value) = value.parse() {
            response.headers_mut().append(name, value);
        }
    }
    Ok(response)
}

async fn conclude(world: &World, link: &str, request: &Request<Bytes>, fields: &Fields) -> Result<Page, Ended> {
    let needs = Needs::of(&world.config)?;
    let content = open_link(&needs.keys, link)?;
    // (1) The form came from our page, in the browser that started.
    if !posted_from_here(request.headers()) {
        return Err(ConnectProblem::NotFromHere.into());
    }
    let browser = Browser::from_headers(request.headers()).ok_or(ConnectProblem::WrongBrowser)?.fingerprint();
    let nonce = fields.get(NONCE_FIELD).ok_or(ConnectProblem::NotFromHere)?;
    let step = confirm_step(&content.ticket, nonce, &browser);
    if !form_token_fits(&needs.keys, &step, fields.get(pages::CSRF_FIELD).unwrap_or_default()) {
        return Err(ConnectProblem::NotFromHere.into());
    }
    // (2) The Person object decides.
    let sealed_grant = fields.get(PENDING_FIELD).and_then(Sealed::from_text).ok_or(ConnectProblem::NotFromHere)?.0;
    let conclude = Conclude {
        sealed_for: pending_record(&content.ticket, nonce, &browser),
        ticket: content.ticket,
        nonce: nonce.to_owned(),
        sealed_grant,
        keep: fields.get(pages::DECISION_FIELD) == Some(pages::CONNECT),
    };
    within_limits(world, request).await?;
    let concluded =
        call(&*world.objects, &content.person, &conclude).await.map_err(|error| unavailable(world, &error))?;
    // (3) What happened.
    match concluded {
        Concluded::Connected { account, asker, resumed } => Ok(pages::connected(Connected {
            account: &account,
            asker: &asker,
            host: needs.host,
            resuming: resumed,
            command: world.config.command(),
        })),
        Concluded::Cancelled { back } => Ok(pages::cancelled(back.as_ref())),
        Concluded::Used => Err(ConnectProblem::LinkUsed.into()),
        Concluded::Expired => Err(ConnectProblem::StateExpired.into()),
        Concluded::Unknown => Err(ConnectProblem::NotFromHere.into()),
    }
}

fn live(view: TicketView) -> Result<TicketFacts, Ended> {
    let (problem, back) = match view {
        TicketView::Live(facts) => return Ok(facts),
        TicketView::Used(back) => (ConnectProblem::LinkUsed, back),
        TicketView::Declined(back) | TicketView::Expired(back) => (ConnectProblem::LinkExpired, back),
        TicketView::Unknown => (ConnectProblem::LinkUnknown, None),
    };
    Err(Ended { problem, back: back.map(Box::new) })
}

fn start_step(content: &LinkContent) -> String {
    format!("start:{}:{}", content.person, content.ticket)
}
