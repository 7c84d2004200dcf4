//! What can keep a person from their account page.

use http::StatusCode;
use maud::html;

use crate::limits::TooMany;
use crate::pages::{Page, errors::Trouble};

/// Why somebody was not signed in, or nothing was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountProblem {
    /// The deployment lacks a variable.
    NotConfigured,
    /// The form did not come from our page, or was changed.
    NotFromHere,
    /// The form is longer than ours are.
    TooLarge,
    /// Another browser than the one that began.
    WrongBrowser,
    /// More than ten minutes have passed.
    Expired,
    /// The person declined at Sentry.
    Declined,
    /// Sentry refused, or its answer names nobody.
    SentryRefused,
    /// Sentry cannot be reached.
    SentryDown,
    /// The account's object cannot be reached.
    Unavailable,
    /// Too many requests.
    TooMany(TooMany),
}

impl From<TooMany> for AccountProblem {
    fn from(too_many: TooMany) -> AccountProblem {
        AccountProblem::TooMany(too_many)
    }
}

impl AccountProblem {
    /// A stable name, for the log and for the page's reference.
    pub fn name(self) -> &'static str {
        self.facts().0
    }

    /// The page that says what happened and what to do.
    pub fn page(self) -> Page {
        let (reference, status, title, happened) = self.facts();
        let next = match self {
            Self::NotConfigured => {
                html! { "Ask whoever runs this Vedette: " code { "/health" } " names what is missing." }
            }
            _ => html! { "Open " a href=(super::PATH) { "your account" } " again." },
        };
        let page = Trouble { status, title, happened: html! { (happened) }, next, back: None, reference }.page();
        match self {
            Self::TooMany(TooMany { retry_after }) => page.retry_after(retry_after),
            _ if status == StatusCode::SERVICE_UNAVAILABLE => page.retry_after(5),
            _ => page,
        }
    }

    fn facts(self) -> (&'static str, StatusCode, &'static str, &'static str) {
        match self {
            Self::NotConfigured => (
                "sign_in_not_configured",
                StatusCode::SERVICE_UNAVAILABLE,
                "Signing in is not set up here",
                "This Vedette has no OAuth application at Sentry, so no MCP client can be let in, and nobody can sign in.",
            ),
            Self::NotFromHere => (
                "not_from_here",
                StatusCode::FORBIDDEN,
                "This did not come from Vedette's own page",
                "Nothing was done: the form was changed on its way, or another site sent it.",
            ),
            Self::TooLarge => (
                "too_large",
                StatusCode::PAYLOAD_TOO_LARGE,
                "This form is too long",
                "No page of Vedette sends so much.",
            ),
            Self::WrongBrowser => (
                "wrong_browser",
                StatusCode::FORBIDDEN,
                "This was started in another browser",
                "For your safety, signing in has to end in the browser that it began in, with cookies allowed.",
            ),
            Self::Expired => (
                "expired",
                StatusCode::BAD_REQUEST,
                "That took too long",
                "Ten minutes after it was begun, signing in is no longer accepted.",
            ),
            Self::Declined => (
                "declined",
                StatusCode::FORBIDDEN,
                "You were not signed in",
                "You said no at Sentry, so Vedette does not know who you are.",
            ),
            Self::SentryRefused => (
                "sentry_refused",
                StatusCode::BAD_GATEWAY,
                "Sentry did not say who you are",
                "It refused, or its answer names nobody. This also happens when the page is reloaded.",
            ),
            Self::SentryDown => (
                "sentry_down",
                StatusCode::BAD_GATEWAY,
                "Sentry cannot be reached",
                "Nobody can be signed in at the moment.",
            ),
            Self::TooMany(_) => (
                "too_many",
                StatusCode::TOO_MANY_REQUESTS,
                "Too many requests",
                "More came from your network than any person needs. In a minute it works again.",
            ),
            Self::Unavailable => (
                "unavailable",
                StatusCode::SERVICE_UNAVAILABLE,
                "Something is restarting",
                "Your clients cannot be reached at the moment. What you asked for may be done in part; doing it again is safe.",
            ),
        }
    }
}
