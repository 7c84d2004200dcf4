//! Everything that can end the way from a connect link to a connected account: one variant a case, and one place that
//! says what each means for the person.

use http::StatusCode;
use maud::{Markup, html};
use url::Url;

use crate::limits::TooMany;
use crate::{
    config::Problem,
    pages::{
        Page,
        errors::Trouble,
        layout::{self, name},
    },
};

/// How soon an unreachable object is worth another try, in seconds: it restarts on another machine in about that time.
const OBJECT_RETRY: u32 = 5;

/// How soon a missing variable may be set, in seconds: somebody has to set it and deploy.
const CONFIGURATION_RETRY: u32 = 300;

/// Why an account was not connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectProblem {
    /// The person said no at Sentry.
    Declined,
    /// The connect link is older than its lifetime.
    LinkExpired,
    /// The connect link has been used.
    LinkUsed,
    /// No such connect link: incomplete, changed, or never made.
    LinkUnknown,
    /// The state is good, but this browser did not start it.
    WrongBrowser,
    /// The state's signature is not ours, or what it signs is not a state.
    BadState,
    /// The state is older than its lifetime.
    StateExpired,
    /// The state has been taken: a reload, or a second tab.
    StateUsed,
    /// Sentry came back with neither a code nor an error.
    MissingCode,
    /// Sentry came back with an error other than `access_denied`.
    SentryError {
        /// The `error` parameter, untrusted.
        code: String,
    },
    /// Sentry could not be reached, or answered with a server error.
    SentryDown,
    /// Sentry did not answer in time.
    SentrySlow,
    /// Sentry answered the exchange with something that is not a token.
    BadTokenResponse,
    /// Sentry refused the code: too old, or used.
    CodeRefused,
    /// Sentry granted less than was asked for.
    FewerScopes {
        /// The scopes that were asked for and not granted.
        missing: Vec<String>,
    },
    /// A variable of this deployment is missing or malformed.
    ConfigurationMissing(Problem),
    /// A form that did not come from our page: cross-site, or without its CSRF value.
    NotFromHere,
    /// A form longer than ours are.
    TooLarge,
    /// The person's object could not be reached.
    ObjectUnavailable,
    /// Too many requests.
    TooMany(TooMany),
}

impl From<TooMany> for ConnectProblem {
    fn from(too_many: TooMany) -> ConnectProblem {
        ConnectProblem::TooMany(too_many)
    }
}

/// What helps in most cases.
const ASK_AGAIN: &str = "Go back to Slack and ask again: a new link comes at once.";

impl ConnectProblem {
    /// A stable name, for the log and for the page's reference.
    pub fn name(&self) -> &'static str {
        match self {
            ConnectProblem::Declined => "declined",
            ConnectProblem::LinkExpired => "link_expired",
            ConnectProblem::LinkUsed => "link_used",
            ConnectProblem::LinkUnknown => "link_unknown",
            ConnectProblem::WrongBrowser => "wrong_browser",
            ConnectProblem::BadState => "bad_state",
            ConnectProblem::StateExpired => "state_expired",
            ConnectProblem::StateUsed => "state_used",
            ConnectProblem::MissingCode => "missing_code",
            ConnectProblem::SentryError { .. } => "sentry_error",
            ConnectProblem::SentryDown => "sentry_down",
            ConnectProblem::SentrySlow => "sentry_slow",
            ConnectProblem::BadTokenResponse => "bad_token_response",
            ConnectProblem::CodeRefused => "code_refused",
            ConnectProblem::FewerScopes { .. } => "fewer_scopes",
            ConnectProblem::ConfigurationMissing(_) => "configuration_missing",
            ConnectProblem::NotFromHere => "not_from_here",
            ConnectProblem::TooLarge => "too_large",
            ConnectProblem::ObjectUnavailable => "object_unavailable",
            ConnectProblem::TooMany(_) => "too_many",
        }
    }

    /// The page's status.
    pub fn status(&self) -> StatusCode {
        match self {
            ConnectProblem::Declined
            | ConnectProblem::BadState
            | ConnectProblem::StateExpired
            | ConnectProblem::StateUsed
            | ConnectProblem::MissingCode
            | ConnectProblem::SentryError { .. }
            | ConnectProblem::CodeRefused
            | ConnectProblem::FewerScopes { .. } => StatusCode::BAD_REQUEST,
            ConnectProblem::WrongBrowser | ConnectProblem::NotFromHere => StatusCode::FORBIDDEN,
            ConnectProblem::LinkUnknown => StatusCode::NOT_FOUND,
            ConnectProblem::LinkExpired | ConnectProblem::LinkUsed => StatusCode::GONE,
            ConnectProblem::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            ConnectProblem::SentryDown | ConnectProblem::BadTokenResponse => StatusCode::BAD_GATEWAY,
            ConnectProblem::ConfigurationMissing(_) | ConnectProblem::ObjectUnavailable => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            ConnectProblem::SentrySlow => StatusCode::GATEWAY_TIMEOUT,
            ConnectProblem::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
        }
    }

    /// How soon another try may help, in seconds.
    fn retry_after(&self) -> Option<u32> {
        match self {
            ConnectProblem::ObjectUnavailable => Some(OBJECT_RETRY),
            ConnectProblem::TooMany(TooMany { retry_after }) => Some(*retry_after),
            ConnectProblem::ConfigurationMissing(_) => Some(CONFIGURATION_RETRY),
            _ => None,
        }
    }

    /// The page that says what happened and what to do.
    pub fn page(&self) -> Page {
        self.page_with(None)
    }

    /// The same, with the way back to Slack where it is known.
    pub fn page_with(&self, back: Option<&Url>) -> Page {
        let (title, happened, next) = self.text();
        let page = Trouble { status: self.status(), title, happened, next, back, reference: self.name() }.page();
        match self.retry_after() {
            Some(seconds) => page.retry_after(seconds),
            None => page,
        }
    }

    fn text(&self) -> (&'static str, Markup, Markup) {
        let ask_again = html! { (ASK_AGAIN) };
        match self {
            ConnectProblem::Declined => (
                "You declined at Sentry",
                html! { "Nothing was connected, and nothing was kept." },
                html! { "If you change your mind, go back to Slack and ask again: a new link comes at once." },
            ),
            ConnectProblem::LinkExpired => (
                "This link has expired",
                html! {
                    "Links to connect an account work for a few minutes only, so that an old one is of no use to \
                     others."
                },
                ask_again,
            ),
            ConnectProblem::LinkUsed => (
                "This link has been used",
                html! { "Each link connects one account, once." },
                html! {
                    "If you have just connected, you are done: close this tab. If not, go back to Slack and ask \
                     again: a new link comes at once."
                },
            ),
            ConnectProblem::LinkUnknown => (
                "This link is not complete",
                html! { "There is no such link. A part of it may be missing, or it was changed on its way." },
                html! {
                    "Open it from Slack’s own message rather than from a copy. If that does not help, ask again in \
                     Slack: a new link comes at once."
                },
            ),
            ConnectProblem::WrongBrowser => (
                "This was started in another browser",
                html! {
                    "For your safety, connecting has to end in the browser that it began in, with cookies allowed."
                },
                html! {
                    "Go back to Slack and ask again, then stay in the browser that opens. If somebody sent you here, \
                     close this page."
                },
            ),
            ConnectProblem::BadState => (
                "This address was changed on its way",
                html! { "What came back is not what Vedette sent to Sentry, so nothing was connected." },
                ask_again,
            ),
            ConnectProblem::StateExpired => (
                "That took too long",
                html! {
                    "Ten minutes after you continue to Sentry, an answer is no longer accepted. Nothing was connected."
                },
                ask_again,
            ),
            ConnectProblem::StateUsed => (
                "This step is already completed",
                html! { "Sentry’s answer was taken before: this page may have been reloaded, or opened twice." },
                html! {
                    "Look at the other tab, or at Slack. If nothing happens there, ask again: a new link comes at once."
                },
            ),
            ConnectProblem::MissingCode => (
                "Sentry’s answer is not complete",
                html! { "You came back from Sentry without the code that an approval carries. Nothing was connected." },
                ask_again,
            ),
            ConnectProblem::SentryError { code } => (
                "Sentry said no",
                html! { "Its reason was " code { (name(code)) } ". Nothing was connected." },
                html! {
                    (ASK_AGAIN) " If Sentry says the same once more, show this page to the person who runs this \
                     Vedette."
                },
            ),
            ConnectProblem::SentryDown => (
                "Sentry cannot be reached",
                html! {
                    "You approved, but Sentry did not complete it: it is down, or in trouble. Nothing was connected."
                },
                html! { "Wait a minute, then go back to Slack and ask again: a new link comes at once." },
            ),
            ConnectProblem::SentrySlow => (
                "Sentry did not answer in time",
                html! { "You approved, but Sentry took too long to complete it. Nothing was connected." },
                html! { "Wait a minute, then go back to Slack and ask again: a new link comes at once." },
            ),
            ConnectProblem::BadTokenResponse => (
                "Sentry’s answer made no sense",
                html! { "You approved, but what Sentry sent is not an access token. Nothing was connected." },
                html! { (ASK_AGAIN) " If it stays like this, show this page to the person who runs this Vedette." },
            ),
            ConnectProblem::CodeRefused => (
                "Sentry did not accept its own code",
                html! { "The code that you came back with is too old, or was used before. Nothing was connected." },
                ask_again,
            ),
            ConnectProblem::FewerScopes { missing } => (
                "Sentry granted less than is needed",
                html! { "Nothing was connected, because this is missing:" (layout::access(missing)) },
                html! {
                    (ASK_AGAIN) " Approve everything that is listed. If Sentry does not offer it, your role there may \
                     not include it."
                },
            ),
            ConnectProblem::ConfigurationMissing(problem) => (
                "Vedette is not set up yet",
                html! {
                    "Accounts cannot be connected until this is mended: "
                    code { (problem.variable) } " " (layout::prose(problem.problem)) "."
                },
                html! { "Show this page to the person who runs this Vedette, and ask again in Slack when it is done." },
            ),
            ConnectProblem::NotFromHere => (
                "That did not come from this page",
                html! { "A form arrived that Vedette did not give to this browser, so nothing was done." },
                html! {
                    "If another site sent you here, close this page. If not, allow cookies, go back to Slack and ask \
                     again: a new link comes at once."
                },
            ),
            ConnectProblem::TooLarge => (
                "That was too much",
                html! { "A form arrived that is longer than any of Vedette’s, so it was not read." },
                ask_again,
            ),
            ConnectProblem::TooMany(_) => (
                "Too many requests",
                html! { "More came from your network than any person needs. Nothing is lost." },
                html! { "Wait a minute, then reload this page." },
            ),
            ConnectProblem::ObjectUnavailable => (
                "One moment",
                html! { "Vedette cannot look up this link right now. Nothing is lost." },
                html! {
                    "Wait a few seconds, then reload this page. If that does not help, ask again in Slack: a new link \
                     comes at once."
                },
            ),
        }
    }
}
