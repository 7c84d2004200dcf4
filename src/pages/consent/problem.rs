//! What can end an MCP client's authorization, and what each means for the person.

use http::StatusCode;
use maud::html;

use crate::limits::TooMany;
use crate::oauth::provider::authorize::{Fault, Problem};
use crate::oauth::provider::documents::DocumentProblem;
use crate::pages::{Page, errors::Trouble, layout};

/// Why nobody was let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsentProblem {
    /// The request names no client, or one that we did not register.
    UnknownClient,
    /// The client's description of itself cannot be had, or is not good.
    ClientDocument(DocumentProblem),
    /// The request's redirect URI is not the client's.
    ForeignRedirect,
    /// The request asks for something that is not done here, or is not well-formed.
    BadRequest(Fault),
    /// The request or form is longer than any of a client.
    TooLarge,
    /// No skill was ticked.
    NothingTicked,
    /// The form did not come from our page, or state or form were changed.
    NotFromHere,
    /// Another browser than the one that began.
    WrongBrowser,
    /// More than ten minutes have passed.
    Expired,
    /// This answer of Sentry's was taken before.
    Used,
    /// Sentry came back with neither a code nor a word of refusal.
    NoCode,
    /// Sentry does not accept the code that it sent the browser with: it was used, or is too old.
    CodeRefused,
    /// Sentry refused, or its answer cannot be read.
    SentryRefused,
    /// Sentry granted less than was approved.
    FewerScopes,
    /// Sentry cannot be reached.
    SentryDown,
    /// The deployment lacks a variable.
    NotConfigured,
    /// The deployment answers with its operator's access, and has no OAuth application to sign in with.
    NoSignIn,
    /// The session cannot be reached.
    Unavailable,
    /// Too many requests.
    TooMany(TooMany),
}

impl From<DocumentProblem> for ConsentProblem {
    fn from(problem: DocumentProblem) -> ConsentProblem {
        ConsentProblem::ClientDocument(problem)
    }
}

impl From<Problem> for ConsentProblem {
    fn from(problem: Problem) -> ConsentProblem {
        match problem {
            Problem::TooLong => ConsentProblem::TooLarge,
            Problem::NoClient | Problem::UnknownClient => ConsentProblem::UnknownClient,
            Problem::NoRedirect | Problem::ForeignRedirect => ConsentProblem::ForeignRedirect,
            Problem::Fault(fault) => ConsentProblem::BadRequest(fault),
        }
    }
}

impl From<TooMany> for ConsentProblem {
    fn from(too_many: TooMany) -> ConsentProblem {
        ConsentProblem::TooMany(too_many)
    }
}

impl ConsentProblem {
    /// A stable name, for the log and for the page's reference.
    pub fn name(self) -> &'static str {
        self.facts().0
    }

    /// The page that says what happened and what to do.
    pub fn page(self) -> Page {
        let (reference, status, title, happened) = self.facts();
        let next = match self {
            Self::NoSignIn => html! { "Ask whoever runs this Vedette." },
            Self::BadRequest(Fault { code, .. }) => html! {
                "If you did not start this, close this page. Otherwise go back to the application and connect it again; if it \
                 ends here again, tell its makers " code { (code) } "."
            },
            _ => html! { "Go back to the application and connect it again." },
        };
        let happened = match self {
            Self::BadRequest(_) => {
                html! { "The application asked for something that is not done here: " (happened) " Nothing was sent to it." }
            }
            _ => layout::prose(happened),
        };
        let page = Trouble { status, title, happened, next, back: None, reference }.page();
        match self {
            Self::TooMany(TooMany { retry_after }) => page.retry_after(retry_after),
            _ if status == StatusCode::SERVICE_UNAVAILABLE => page.retry_after(5),
            _ => page,
        }
    }

    fn facts(self) -> (&'static str, StatusCode, &'static str, &'static str) {
        const BAD: StatusCode = StatusCode::BAD_REQUEST;
        match self {
            Self::UnknownClient => (
                "unknown_client",
                BAD,
                "This application is not known here",
                "It did not register with this Vedette, or its registration is of an earlier time. Most applications \
                 register anew when they are removed and added again.",
            ),
            Self::ClientDocument(problem) => {
                ("client_document", BAD, "This application's description cannot be used", problem.sentence())
            }
            Self::ForeignRedirect => (
                "foreign_redirect",
                BAD,
                "This request leads elsewhere",
                "The address that your approval would go to is not one that the application registered, so nothing is \
                 sent there. Somebody may be trying to get at your access.",
            ),
            Self::BadRequest(Fault { description, .. }) => {
                ("bad_request", BAD, "This application's request cannot be answered", description)
            }
            Self::TooLarge => (
                "too_large",
                StatusCode::PAYLOAD_TOO_LARGE,
                "This request is too long",
                "No application sends so much.",
            ),
            Self::NothingTicked => {
                ("nothing_ticked", BAD, "Nothing was ticked", "An application that may do nothing cannot be connected.")
            }
            Self::NotFromHere => (
                "not_from_here",
                StatusCode::FORBIDDEN,
                "This did not come from Vedette's own page",
                "Nothing was approved: the form or the address was changed on its way, or another site sent it.",
            ),
            Self::WrongBrowser => (
                "wrong_browser",
                StatusCode::FORBIDDEN,
                "This was started in another browser",
                "For your safety, it has to end in the browser that it began in, with cookies allowed.",
            ),
            Self::Expired => (
                "expired",
                BAD,
                "That took too long",
                "Ten minutes after it was begun, an approval is no longer accepted.",
            ),
            Self::Used => (
                "used",
                BAD,
                "This step is already completed",
                "Sentry's answer was taken before: this page may have been reloaded, or opened twice.",
            ),
            Self::NoCode => ("no_code", BAD, "Sentry's answer is not complete", "It holds neither a yes nor a no."),
            Self::CodeRefused => (
                "code_refused",
                BAD,
                "Sentry did not accept this sign-in",
                "What Sentry sent you back with was used before, or is too old. Nothing was kept.",
            ),
            Self::SentryRefused => (
                "sentry_refused",
                StatusCode::BAD_GATEWAY,
                "Sentry did not give access",
                "It refused, or answered with something that is not a token. Nothing was kept.",
            ),
            Self::FewerScopes => (
                "fewer_scopes",
                BAD,
                "Sentry gave less access than was approved",
                "Your account may lack a permission that you ticked. What Sentry gave was not kept. Tick less, and try \
                 again.",
            ),
            Self::SentryDown => {
                ("sentry_down", StatusCode::BAD_GATEWAY, "Sentry cannot be reached", "Nothing was kept.")
            }
            Self::TooMany(_) => (
                "too_many",
                StatusCode::TOO_MANY_REQUESTS,
                "Too many requests",
                "More came from your network than any person needs. In a minute it works again.",
            ),
            Self::NotConfigured => (
                "not_configured",
                StatusCode::SERVICE_UNAVAILABLE,
                "This Vedette is not set up yet",
                "A variable is missing. Its operator finds which one at /health.",
            ),
            Self::NoSignIn => (
                "no_sign_in",
                StatusCode::NOT_IMPLEMENTED,
                "Signing in is not set up here",
                "This Vedette answers with its operator's Sentry access, and has no OAuth application that you could sign in \
                 with. An application can come with `Authorization: Sentry-Bearer` and a Sentry token of your own.",
            ),
            Self::Unavailable => (
                "unavailable",
                StatusCode::SERVICE_UNAVAILABLE,
                "Something is restarting",
                "The approval cannot be kept at the moment.",
            ),
        }
    }
}
