//! Codes, access tokens and refresh tokens of one session (P16).
//!
//! **The code** is redeemed once: the first redemption that proves itself (its client, its redirect URI, its PKCE verifier)
//! writes `redeemed_at`, and every later one finds it. A failure before that leaves the code as it was, so a client that made a
//! mistake may correct it. A later use that proves itself as well ends the session (RFC 6749 §4.1.2), with one exception: within
//! 10 seconds, while nobody has used the first token. That is a doubled request, whose other half must not lose its tokens; it
//! is refused and nothing ends. A use without the proof ends nothing: a code stands in the browser's history, its verifier does
//! not, and whoever has the code alone could never have redeemed it.
//!
//! **The refresh token** rotates with each use, and the newest two are known.
//! - The *newest*: is replaced by its successor ([`Token::next`]), which is the same whenever it is asked for.
//! - The *previous*: its client asks again, because the answer was lost or two of its processes refresh at once. As long as the
//!   newest pair was not used, or for a minute after it was made, it gets that same pair. So does a stale copy of the same
//!   client: another window or process of it, which kept the token that the first replaced. For as long as an access token lives,
//!   it gets that pair if the client proved itself with its secret, which a thief of the token alone has not; or, a public one, if
//!   the newest pair was asked for and used at one network address only, the one that this request comes from. Otherwise two
//!   parties hold the family, and it is not known which is the thief: the session ends (RFC 9700 §4.14.2).
//! - An *older* one, which we know to be ours by its MAC alone: the session ends.
//!
//! Another client's code or token is refused and changes nothing: who holds a stolen one cannot end the session with it.

use std::time::Duration;

use super::calls::{Denied, Issued, Redeem, Refresh, Resource, Revoke, Tokens, Wanted};
use super::session::{IDLE_LIFE, REMEMBER, Session, SessionError, UNUSED_LIFE};
use super::store::{AccessRow, Pair, Session as Row, State};
use super::terms::{Limit, Terms};
use super::tokens::{Kind, Token};
use crate::crypto::{base64url, sha256};
use crate::ports::Level;

/// Within this, a repeated redemption with the same proof may be the same request sent twice.
const DOUBLED: Duration = Duration::from_secs(10);
/// Within this, a repeated refresh may be another process of the same client.
const CONCURRENT: Duration = Duration::from_secs(60);

impl Session {
    pub(super) async fn redeem(&self, call: &Redeem) -> Result<Tokens, SessionError> {
        let decided = self.try_redeem(call)?;
        self.concluded(decided).await
    }

    pub(super) async fn refresh(&self, call: &Refresh) -> Result<Tokens, SessionError> {
        let decided = self.try_refresh(call)?;
        self.concluded(decided).await
    }

    /// RFC 7009: an access token ends alone, a refresh token ends the session (§2.1).
    pub(super) async fn revoke(&self, call: &Revoke) -> Result<(), SessionError> {
        let row = self.store.session()?.filter(|row| row.state == State::Open && row.terms.client == call.client);
        match row {
            None => Ok(()),
            // Any refresh token of this family that is ours by its MAC ends it, an older one as well.
            Some(_) if call.refresh => self.end().await,
            Some(_) => Ok(self.store.revoke_access(&call.token, self.now() + IDLE_LIFE)?),
        }
    }

    fn try_redeem(&self, call: &Redeem) -> Result<Decided, SessionError> {
        let now = self.now();
        // (1) The code is this session's, and this client's.
        let row = self.store.session()?;
        let row = row.filter(|row| row.code.as_ref() == Some(&call.code) && row.terms.client == call.client);
        let Some(row) = row.filter(|row| row.state == State::Open) else { return Ok(Err(Denied::NoSuchGrant)) };
        // (2) Who redeems it can prove it.
        if let Err(denied) = prove(&row.terms, call) {
            return Ok(Err(denied));
        }
        // (3) It was not redeemed before.
        if let Some(redeemed_at) = row.redeemed_at {
            let doubled = row.generation == 1 && !row.in_use && now.since(redeemed_at) <= DOUBLED;
            if !doubled {
                self.log(Level::Warn, "code_replayed", &[]);
                self.store.end(now + REMEMBER)?;
            }
            return Ok(Err(Denied::CodeUsed));
        }
        if row.expires_at <= now {
            return Ok(Err(Denied::Expired));
        }
        // (4) What it asks for was agreed to.
        let (scopes, limit) = match narrowed(&row.terms, &call.wanted) {
            Ok(narrowed) => narrowed,
            Err(denied) => return Ok(Err(denied)),
        };
        // (5) The first pair.
        let access = Token::new(Kind::Access, self.id, &*self.world.ports.random);
        let refresh = row.terms.may_refresh.then(|| Token::new(Kind::Refresh, self.id, &*self.world.ports.random));
        let expires_at = now + self.world.config.access_token_life?;
        let access_row = AccessRow { hash: access.hash(), generation: 1, scopes, limit, expires_at };
        let hash = refresh.as_ref().map(Token::hash);
        let expires_at = if refresh.is_some() { now + UNUSED_LIFE } else { access_row.expires_at };
        let pair = Pair { access: &access_row, refresh: hash.as_deref(), expires_at, place: &[] };
        self.store.transaction(&mut || self.store.redeem(&pair, now))?;
        Ok(Ok(self.issued(&row.terms, access_row, &access, refresh.as_ref())?))
    }

    fn try_refresh(&self, call: &Refresh) -> Result<Decided, SessionError> {
        let now = self.now();
        let keys = self.keys()?;
        // (1) The token is this session's, and this client's.
        let token = Token::read(&keys, Kind::Refresh, &call.token).filter(|token| token.session() == self.id);
        let row = self.store.session()?.filter(|row| row.state == State::Open && row.terms.client == call.client);
        let (Some(token), Some(row)) = (token, row) else { return Ok(Err(Denied::NoSuchGrant)) };
        if row.expires_at <= now {
            return Ok(Err(Denied::Expired));
        }
        // (2) It is the newest, or the one before and may be asked for again.
        let hash = Some(token.hash());
        let place = self.place(&call.address);
        let newest = row.refresh == hash;
        let again = row.previous == hash && self.may_ask_again(&row, call, &place)?;
        if !newest && !again {
            self.log(Level::Warn, "refresh_token_reused", &[]);
            self.store.end(now + REMEMBER)?;
            return Ok(Err(Denied::Superseded));
        }
        // (3) What it asks for was agreed to.
        let (scopes, limit) = match narrowed(&row.terms, &call.wanted) {
            Ok(narrowed) => narrowed,
            Err(denied) => return Ok(Err(denied)),
        };
        // (4) The successors, the same ones each time.
        let Some(salt) = row.salt else { return Ok(Err(Denied::NoSuchGrant)) };
        let refresh = token.next(Kind::Refresh, &salt, "");
        let access = token.next(Kind::Access, &salt, &format!("{} {}", limit.path(), scopes.join(" ")));
        let generation = if newest { row.generation + 1 } else { row.generation };
        let expires_at = now + self.world.config.access_token_life?;
        let access_row = AccessRow { hash: access.hash(), generation, scopes, limit, expires_at };
        let hash = refresh.hash();
        let pair = Pair { access: &access_row, refresh: Some(&hash), expires_at: now + IDLE_LIFE, place: &place };
        let elsewhere = !newest && !self.store.was_only_at(&place, generation)?;
        self.store.transaction(&mut || {
            if newest {
                return self.store.rotate(&pair, now);
            }
            if elsewhere {
                self.store.used_elsewhere()?;
            }
            self.store.repeat(&access_row)
        })?;
        Ok(Ok(self.issued(&row.terms, access_row, &access, Some(&refresh))?))
    }

    /// Whether the token that the newest replaced may be exchanged again, by `call`, which comes from `place`.
    fn may_ask_again(&self, row: &Row, call: &Refresh, place: &[u8]) -> Result<bool, SessionError> {
        let Some(age) = row.rotated_at.map(|at| self.now().since(at)) else { return Ok(false) };
        if !row.in_use || age <= CONCURRENT {
            return Ok(true);
        }
        let stale = age <= self.world.config.access_token_life?;
        Ok(stale && (call.confidential || self.store.was_only_at(place, row.generation)?))
    }

    /// The alarm is set after the decision is written: what it is for holds without it.
    async fn concluded(&self, decided: Decided) -> Result<Tokens, SessionError> {
        self.wake().await?;
        Ok(match decided {
            Ok(issued) => Tokens::Issued(issued),
            Err(denied) => Tokens::Denied(denied),
        })
    }

    fn issued(
        &self,
        terms: &Terms,
        row: AccessRow,
        access: &Token,
        refresh: Option<&Token>,
    ) -> Result<Issued, SessionError> {
        let keys = self.keys()?;
        Ok(Issued {
            access_token: access.to_text(&keys),
            refresh_token: refresh.map(|token| token.to_text(&keys)),
            expires_in: row.expires_at.since(self.now()).as_secs(),
            scopes: row.scopes,
            resource: Resource { origin: terms.origin.clone(), limit: row.limit },
        })
    }
}

type Decided = Result<Issued, Denied>;

/// RFC 6749 §4.1.3 and RFC 7636 §4.6. OAuth 2.1 lets a client with PKCE leave the redirect URI out, and so may one that left it
/// out before; one that sends it must send the same.
fn prove(terms: &Terms, call: &Redeem) -> Result<(), Denied> {
    match &call.redirect_uri {
        Some(uri) if *uri != terms.redirect_uri => return Err(Denied::OtherRedirect),
        None if terms.challenge.is_none() && !terms.redirect_implied => return Err(Denied::RedirectMissing),
        _ => {}
    }
    match (&terms.challenge, &call.verifier) {
        (Some(challenge), Some(verifier)) if fits(challenge, verifier) => Ok(()),
        (Some(_), Some(_)) => Err(Denied::WrongVerifier),
        (Some(_), None) => Err(Denied::VerifierMissing),
        (None, Some(_)) => Err(Denied::VerifierUnasked),
        (None, None) => Ok(()),
    }
}

/// The challenge is public, so how long the comparison takes tells nothing.
fn fits(challenge: &str, verifier: &str) -> bool {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    (43..=128).contains(&verifier.len())
        && verifier.bytes().all(unreserved)
        && base64url(&sha256(verifier.as_bytes())) == challenge
}

/// Whether it is of the form that the permissions at Sentry have. <https://docs.sentry.io/api/permissions/>
fn is_of_sentry(scope: &str) -> bool {
    const RESOURCES: [&str; 6] = ["alerts", "event", "member", "org", "project", "team"];
    scope.split_once(':').is_some_and(|(resource, _)| RESOURCES.contains(&resource))
}

/// The scopes and the limit of the new access token. What was not agreed to is left out of the scopes (RFC 6749 §3.3),
/// unless nothing is left. A word that names no permission at Sentry (`mcp`, `claudeai`, `offline_access`) is one of the client's
/// own: alone it asks for nothing in particular, and the answer says what there is.
fn narrowed(terms: &Terms, wanted: &Wanted) -> Result<(Vec<String>, Limit), Denied> {
    let limit = match &wanted.resource {
        None => terms.limit.clone(),
        Some(resource) if resource.origin == terms.origin && terms.limit.contains(&resource.limit) => {
            resource.limit.clone()
        }
        Some(_) => return Err(Denied::OtherResource),
    };
    let mut scopes = terms.scopes();
    let asked: Vec<&String> = wanted.scopes.iter().flatten().filter(|scope| is_of_sentry(scope)).collect();
    if !asked.is_empty() {
        scopes.retain(|scope| asked.contains(&scope));
        if scopes.is_empty() {
            return Err(Denied::OtherScopes);
        }
    }
    Ok((scopes, limit))
}
