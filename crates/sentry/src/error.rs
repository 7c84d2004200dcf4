//! What can go wrong with a call to Sentry, told by typed status and body, never by searching text.

use std::time::Duration;

/// Why Sentry says that a credential does not work (401).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unauthorized {
    /// The token is unknown, expired or revoked, or its user or application is inactive: reconnect (P4).
    DeadToken,
    /// The organization wants a login through its SSO first; the grant is still good.
    SsoRequired,
    /// The organization wants two-factor authentication; the grant is still good.
    TwoFactorRequired,
    /// Sentry wants a fresh password check (`sudo-required`), which no token can give.
    SudoRequired,
    /// The member is disabled because the organization is over its limit of members.
    MemberDisabled,
}

/// One failed call to Sentry. Texts come from Sentry and are data: bounded, and escaped where they are shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SentryError {
    /// 401.
    #[error("Sentry refused the credential")]
    Unauthorized {
        /// Told by `detail`.
        reason: Unauthorized,
        /// For SSO: the organization's login page, when Sentry named one that is its own.
        login_url: Option<url::Url>,
    },
    /// 403, and the grant lacks a scope that the call needs (told by comparing `auth.scopes`): reconnect (P4).
    #[error("the grant lacks {missing:?}")]
    MissingScope {
        /// The scopes that would be needed.
        missing: Vec<String>,
    },
    /// 403 otherwise: this account has no access. Never a reason to reconnect (P4).
    #[error("this account has no access")]
    Forbidden,
    /// 402: a feature that this organization has no budget for.
    #[error("not included in this organization's plan")]
    PaymentRequired,
    /// 404: missing, in another region, or not visible to this account.
    #[error("not found")]
    NotFound,
    /// 400 and other 4xx: Sentry did not accept the request.
    #[error("Sentry did not accept the request: {detail}")]
    Rejected {
        /// The HTTP status.
        status: u16,
        /// Sentry's words, at most 500 characters.
        detail: String,
    },
    /// 429 after the bounded retries.
    #[error("rate limited by Sentry")]
    RateLimited {
        /// When to try again, from `Retry-After` or `X-Sentry-Rate-Limit-Reset`.
        retry_after: Duration,
    },
    /// 5xx, a dropped connection or a truncated body, after the bounded retries.
    #[error("Sentry is not available")]
    Unavailable {
        /// The HTTP status, when there was one.
        status: Option<u16>,
    },
    /// No answer in time.
    #[error("no answer from Sentry in time")]
    Timeout,
    /// A response that is not what the API documents: HTML, other JSON, or too long.
    #[error("Sentry's answer could not be read: {problem}")]
    Unreadable {
        /// What was wrong with it, for people.
        problem: &'static str,
    },
    /// A URL outside the host that issued the token (P7); nothing was sent.
    #[error("refused to follow a URL to another host")]
    ForeignUrl,
}
