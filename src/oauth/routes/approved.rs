//! `GET /oauth/callback`: Sentry sends a person back who approved an MCP client.
//!
//! 1. The state is ours and not too old.
//! 2. The browser is the one that approved.
//! 3. There is a code, or an error.
//! 4. The session's consent is taken, once.
//! 5. A no at Sentry goes back to the client with `access_denied`.
//! 6. The code is exchanged, with the PKCE verifier and the redirect URI as it was sent.
//! 7. The granted scopes cover what was approved, and the account is known; else the grant is revoked, not kept.
//! 8. The session is opened with the grant, and makes the client's code. If it does not answer, the grant is revoked at once.
//! 9. The browser goes to the client, with `code`, `state` and `iss` (RFC 9207).
//!
//! Each failure but the no at Sentry is a page.

use bytes::Bytes;
use http::{Request, Response};
use url::Url;

use super::authorize::{SessionState, ended, issuer, needs, see, state_problem, unavailable, within_limits};
use super::callback::{account, lacking};
use super::way::code_verifier;
use crate::crypto::Purpose;
use crate::grants::record::{Grant, GrantRecord};
use crate::grants::revocation::Revocation;
use crate::oauth::browser::{Browser, Fields};
use crate::oauth::provider::authorize::{code_url, error_url};
use crate::oauth::state;
use crate::pages::consent::ConsentProblem;
use crate::ports::{Level, call};
use crate::sessions::calls::{Conclude, Concluded, Take, Taken};
use crate::world::World;
use vedette_sentry::oauth::{Account, SentryOAuth, TokenError, Unclear};

/// Answers the callback.
pub async fn callback(world: &World, request: &Request<Bytes>, origin: &Url) -> Response<Bytes> {
    finish(world, request, origin).await.unwrap_or_else(|problem| ended(world, problem))
}

async fn finish(world: &World, request: &Request<Bytes>, origin: &Url) -> Result<Response<Bytes>, ConsentProblem> {
    let needs = needs(world)?;
    let query = Fields::read(request.uri().query().unwrap_or_default().as_bytes());
    // (1) The state.
    let state: SessionState =
        state::verify(&needs.keys, query.get("state").unwrap_or_default(), world.ports.clock.now())
            .map_err(state_problem)?;
    // (2) The browser.
    let browser = Browser::from_headers(request.headers()).ok_or(ConsentProblem::WrongBrowser)?;
    if browser.fingerprint() != state.approver {
        return Err(ConsentProblem::WrongBrowser);
    }
    // (3) A code or an error.
    let (code, error) = (query.get("code"), query.get("error"));
    if code.is_none() && error.is_none() {
        return Err(ConsentProblem::NoCode);
    }
    // (4) Once.
    within_limits(world, request).await?;
    let taken = call(&*world.objects, &state.session, &Take {}).await.map_err(|error| unavailable(world, &error))?;
    let (terms, client_state) = match taken {
        Taken::Yes { terms, state } => (terms, state),
        Taken::Used => return Err(ConsentProblem::Used),
        Taken::Expired => return Err(ConsentProblem::Expired),
        Taken::Unknown => return Err(ConsentProblem::NotFromHere),
    };
    let (to, client_state, issuer) = (&terms.redirect_uri, client_state.as_deref(), issuer(origin));
    // (5) A no.
    if error == Some("access_denied") {
        let url = error_url(to, "access_denied", "The person declined at Sentry.", client_state, &issuer);
        return see(&url.ok_or(ConsentProblem::ForeignRedirect)?);
    }
    let code = code.filter(|_| error.is_none()).ok_or(ConsentProblem::SentryRefused)?;
    // (6) The exchange.
    let verifier = code_verifier(&needs.keys, &state.session);
    let exchange =
        SentryOAuth::new(&world.ports, needs.host, needs.app).exchange(code, &state.redirect_uri, &verifier).await;
    let issued = exchange.map_err(|error| exchange_problem(world, &error))?;
    // (7) Scopes and account.
    let scopes = terms.scopes();
    let fewer = !lacking(&scopes, &issued.scopes).is_empty();
    let account = account(world, &needs, &issued).await;
    let grant = Grant {
        scopes: if issued.scopes.is_empty() { scopes } else { issued.scopes },
        access_token: issued.access_token,
        refresh_token: issued.refresh_token,
        expires_at: issued.expires_at,
        account: account.clone().unwrap_or_else(|| Account { id: String::new(), name: None, email: None }),
        origin: needs.host.origin().as_str().to_owned(),
        connected_at: world.ports.clock.now(),
    };
    let record = GrantRecord::from(&grant);
    let sealed = needs.keys.seal(Purpose::PendingGrant, &state.session, &record, &*world.ports.random);
    // (8) The session.
    let conclude = Conclude { sealed_grant: sealed.0, keep: !fewer && account.is_some() };
    let concluded = match call(&*world.objects, &state.session, &conclude).await {
        Ok(concluded) => concluded,
        Err(error) => {
            // It may have the grant, or not: only its reply is known to be missing. Revoking is right either way. The code was
            // in that reply, so no client can ever use the session, and what it may hold is then dead.
            Revocation::of(&grant).attempt(world).await;
            return Err(unavailable(world, &error));
        }
    };
    let code = match concluded {
        Concluded::Code(code) => code,
        Concluded::Discarded if fewer => return Err(ConsentProblem::FewerScopes),
        Concluded::Discarded => return Err(ConsentProblem::SentryRefused),
        Concluded::TooLate => return Err(ConsentProblem::Expired),
    };
    // (9) To the client.
    see(&code_url(to, &code, client_state, &issuer).ok_or(ConsentProblem::ForeignRedirect)?)
}

fn exchange_problem(world: &World, error: &TokenError) -> ConsentProblem {
    world.ports.log.log(Level::Warn, "code_exchange_failed", &[("error", &error.to_string())]);
    match error {
        TokenError::Refused { error, .. } if error == "invalid_grant" => ConsentProblem::CodeRefused,
        TokenError::Refused { .. } | TokenError::Unclear(Unclear::BadBody) => ConsentProblem::SentryRefused,
        TokenError::RateLimited | TokenError::Unclear(_) => ConsentProblem::SentryDown,
    }
}
