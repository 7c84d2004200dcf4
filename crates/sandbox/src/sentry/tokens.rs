//! Authorization codes and API tokens.
//!
//! - A code lives ten minutes and is used once: whoever presents it takes it out, and a failed exchange burns it.
//! - A token is one row with an access and a refresh token. A refresh writes a new pair and a new expiry *into the
//!   row*: both old tokens are dead at once, without a grace period.

use std::collections::BTreeSet;

use super::accounts::Account;

/// `ApiGrant.DEFAULT_EXPIRATION`: ten minutes.
pub(crate) const CODE_TTL_MS: i64 = 10 * 60 * 1000;
/// `ApiToken.DEFAULT_EXPIRATION`: thirty days.
pub(crate) const TOKEN_TTL_MS: i64 = 30 * 24 * 3600 * 1000;
/// How long after its expiry an unused row is swept (getsentry/sentry#12972): until then a refresh still finds it.
const SWEEP_MS: i64 = 30 * 24 * 3600 * 1000;

/// An authorization code that waits for its exchange.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(crate) code: String,
    pub(crate) account: &'static Account,
    pub(crate) redirect_uri: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) code_challenge: Option<String>,
    pub(crate) expires_at_ms: i64,
}

/// One row of API tokens.
#[derive(Clone, Debug)]
pub(crate) struct TokenRow {
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) account: &'static Account,
    pub(crate) scopes: Vec<String>,
    pub(crate) expires_at_ms: i64,
}

#[derive(Default)]
pub(crate) struct Tokens {
    grants: Vec<Grant>,
    rows: Vec<TokenRow>,
    life_ms: Option<i64>,
    next_life_ms: Option<i64>,
}

impl Tokens {
    /// Lets all tokens that are issued from now on live for `ms`.
    pub(crate) fn set_life(&mut self, ms: i64) {
        self.life_ms = Some(ms);
    }

    /// Lets the tokens that are issued next live for `ms`, once.
    pub(crate) fn set_next_life(&mut self, ms: i64) {
        self.next_life_ms = Some(ms);
    }

    /// How long the tokens live that are issued now.
    pub(crate) fn take_life(&mut self) -> i64 {
        self.next_life_ms.take().or(self.life_ms).unwrap_or(TOKEN_TTL_MS)
    }

    pub(crate) fn add_grant(&mut self, grant: Grant) {
        self.grants.push(grant);
    }

    /// Takes the grant out: it cannot be presented twice.
    pub(crate) fn take_grant(&mut self, code: &str) -> Option<Grant> {
        let at = self.grants.iter().position(|grant| grant.code == code)?;
        Some(self.grants.swap_remove(at))
    }

    pub(crate) fn add_row(&mut self, row: TokenRow) {
        self.rows.push(row);
    }

    pub(crate) fn rows(&self) -> &[TokenRow] {
        &self.rows
    }

    pub(crate) fn by_access(&mut self, access: &str) -> Option<&mut TokenRow> {
        self.rows.iter_mut().find(|row| row.access == access)
    }

    /// The row of this refresh token, as long as it has not been swept.
    pub(crate) fn by_refresh(&mut self, refresh: &str, now_ms: i64) -> Option<&mut TokenRow> {
        let kept = |row: &TokenRow| now_ms < row.expires_at_ms.saturating_add(SWEEP_MS);
        self.rows.iter_mut().find(|row| row.refresh == refresh && kept(row))
    }

    /// Deletes the row to which this token, of either kind, belongs.
    pub(crate) fn revoke(&mut self, token: &str) -> bool {
        let before = self.rows.len();
        self.rows.retain(|row| row.access != token && row.refresh != token);
        self.rows.len() != before
    }

    /// What "Authorized Applications → revoke" does: every token and every waiting code goes.
    pub(crate) fn revoke_all(&mut self, account: Option<&str>) -> usize {
        let concerns = |of: &Account| account.is_none_or(|email| email == of.email);
        let before = self.rows.len();
        self.rows.retain(|row| !concerns(row.account));
        self.grants.retain(|grant| !concerns(grant.account));
        before - self.rows.len()
    }

    pub(crate) fn expire_in(&mut self, account: Option<&str>, expires_at_ms: i64) -> usize {
        self.each(account, |row| row.expires_at_ms = expires_at_ms)
    }

    /// Leaves only those of the tokens' scopes that are in `scopes`.
    pub(crate) fn narrow(&mut self, account: Option<&str>, scopes: &BTreeSet<String>) -> usize {
        self.each(account, |row| row.scopes.retain(|scope| scopes.contains(scope)))
    }

    fn each(&mut self, account: Option<&str>, change: impl Fn(&mut TokenRow)) -> usize {
        let concerned = self.rows.iter_mut().filter(|row| account.is_none_or(|email| email == row.account.email));
        concerned.map(change).count()
    }
}
