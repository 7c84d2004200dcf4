//! The pages of connecting a Sentry account to a Slack person (P14).
//!
//! Whoever holds a connect link is not yet known to be the person it was made for. So the first page names the Slack
//! person before anything is asked of Sentry, and the last one names the Sentry account beside that person before
//! anything is kept. Neither page acts by being opened: each acts by a form.

mod problem;

use http::StatusCode;
use maud::{Markup, html};

use super::{
    Forms, Page,
    layout::{self, Step, counted, name},
    scopes,
};
use crate::sentry::host::SentryHost;

pub use problem::ConnectProblem;

/// The field of both forms that ties them to the browser they were made for.
pub const CSRF_FIELD: &str = "csrf";
/// The field of the confirmation that says which button was pressed.
pub const DECISION_FIELD: &str = "decision";
/// The decision to connect.
pub const CONNECT: &str = "connect";
/// The decision not to.
pub const CANCEL: &str = "cancel";

/// What the first page needs to know.
#[derive(Clone, Copy, Debug)]
pub struct ConnectStart<'a> {
    /// The Slack person's name.
    pub person_name: &'a str,
    /// The Slack workspace's name.
    pub workspace_name: &'a str,
    /// The Sentry that will be asked.
    pub host: &'a SentryHost,
    /// The scopes that will be asked for.
    pub scopes: &'a [String],
    /// Where the form posts.
    pub action: &'a str,
    /// The value of [`CSRF_FIELD`].
    pub csrf: &'a str,
    /// The request that waits for the account: `issue list globex`.
    pub waiting: Option<&'a str>,
    /// How long the link still works, in minutes, rounded down.
    pub expires_in_minutes: u32,
}

/// The first page: who is about to be connected, and what will be asked for.
pub fn start(it: ConnectStart<'_>) -> Page {
    let title = "Connect your Sentry account";
    let host = it.host.name();
    let content = html! {
        (layout::steps(Step::Start))
        section.card {
            h1 { (title) }
            p.lead {
                "You are connecting a Sentry account to " strong { (name(it.person_name)) }
                " in the Slack workspace " strong { (name(it.workspace_name)) } "."
            }
            p.warning {
                strong { "Is this not you?" }
                " Close this page: somebody may have forwarded you their link, and would then ask with your access."
            }
            @if let Some(waiting) = it.waiting {
                h2 { "Waiting for your account" }
                (layout::quotation(waiting))
                p.small { "It is answered in Slack, by itself, as soon as you are done here." }
            }
            h2 { "What " (name(&host)) " will be asked for" }
            (layout::access(it.scopes))
            h2 { "What will not happen" }
            ul.promises {
                @if scopes::read_only(it.scopes) {
                    li { "Nothing is changed in Sentry: this access can only read." }
                } @else {
                    li { "Nothing is changed in Sentry unless you ask for it." }
                }
                li { "Your Sentry token is never shown: not to Slack, not to anybody. It is stored encrypted." }
                li { "Nobody else can use your access, whatever they ask for." }
                li { "Nothing is for ever: " code { "/sentry disconnect" } " in Slack ends it at any time." }
            }
            p.small { "An answer that is posted in a channel can be read by everybody there." }
            form method="post" action=(it.action) {
                (layout::hidden(&[(CSRF_FIELD, it.csrf)]))
                button.primary type="submit" { "Continue to Sentry" }
                p.small { (lifetime(it.expires_in_minutes)) }
            }
        }
    };
    Page::new(StatusCode::OK, layout::document(title, &content), Forms::ThroughSentry(it.host))
}

fn lifetime(minutes: u32) -> String {
    let time = match minutes {
        0 => "for less than a minute".to_owned(),
        minutes => format!("for {}", counted(minutes, "one more minute", "more minutes")),
    };
    format!("This link is yours alone. It works once, {time}.")
}

/// What the confirmation needs to know.
#[derive(Clone, Copy, Debug)]
pub struct ConnectConfirm<'a> {
    /// The Slack person's name.
    pub person_name: &'a str,
    /// The Slack workspace's name.
    pub workspace_name: &'a str,
    /// The Sentry account's name; may be blank.
    pub account_name: &'a str,
    /// The Sentry account's address; may be blank.
    pub account_email: &'a str,
    /// The Sentry that the account is of.
    pub host: &'a SentryHost,
    /// The scopes that Sentry granted.
    pub scopes: &'a [String],
    /// Where the form posts.
    pub action: &'a str,
    /// The value of [`CSRF_FIELD`].
    pub csrf: &'a str,
    /// Further fields of the form.
    pub hidden: &'a [(&'a str, &'a str)],
}

/// The confirmation: the person and the account side by side, before anything is kept.
pub fn confirm(it: ConnectConfirm<'_>) -> Page {
    let title = "Connect these two?";
    let host = it.host.name();
    let (account, address) = named(it.account_name, it.account_email);
    let content = html! {
        (layout::steps(Step::Confirm))
        section.card {
            h1 { (title) }
            p.lead { "Sentry has agreed. Nothing is connected until you say so." }
            div.pair {
                (party("In Slack", "slack", it.person_name, it.workspace_name, ""))
                span.link aria-hidden="true" {}
                (party("In Sentry", "sentry", account, address, &host))
            }
            p.warning {
                strong { "Are both of these you?" }
                " If either is not, choose Cancel: the person in Slack would ask with the account’s access."
            }
            @if !it.scopes.is_empty() {
                h2 { "What Vedette may do with it" }
                (layout::access(it.scopes))
            }
            form method="post" action=(it.action) {
                (layout::hidden(&[(CSRF_FIELD, it.csrf)]))
                (layout::hidden(it.hidden))
                div.buttons {
                    button.primary type="submit" name=(DECISION_FIELD) value=(CONNECT) { "Connect" }
                    button type="submit" name=(DECISION_FIELD) value=(CANCEL) { "Cancel" }
                }
            }
        }
    };
    Page::new(StatusCode::OK, layout::document(title, &content), Forms::Here)
}

/// What an account is called, and its address where that says more.
fn named<'a>(account: &'a str, email: &'a str) -> (&'a str, &'a str) {
    match (account.trim(), email.trim()) {
        ("", "") => ("An account without a name", ""),
        ("", email) => (email, ""),
        (account, email) if account == email => (account, ""),
        both => both,
    }
}

fn party(place: &str, class: &str, who: &str, detail: &str, host: &str) -> Markup {
    html! {
        div.party.(class) {
            h2 { (place) }
            p.who { (name(who)) }
            @for line in [detail, host].into_iter().filter(|line| !line.is_empty()) { p { (name(line)) } }
        }
    }
}

/// What the last page needs to know.
#[derive(Clone, Copy, Debug)]
pub struct Connected<'a> {
    /// The Sentry account, as people name it.
    pub account: &'a str,
    /// The Slack person's name.
    pub person_name: &'a str,
    /// The Slack workspace's name.
    pub workspace_name: &'a str,
    /// The Sentry that the account is of.
    pub host: &'a SentryHost,
    /// How many requests were waiting and now go on.
    pub resuming: u32,
}

/// The last page: connected, and what happens to the requests that waited.
pub fn connected(it: Connected<'_>) -> Page {
    let title = "Sentry account connected";
    let content = html! {
        (layout::steps(Step::Done))
        section.card.done {
            h1 { (title) }
            p.lead {
                strong { (name(it.person_name)) } " in " strong { (name(it.workspace_name)) } " now asks "
                (name(&it.host.name())) " as " strong { (name(it.account)) } "."
            }
            div.next {
                @match it.resuming {
                    0 => { p { "You can close this tab and ask in Slack." } }
                    1 => { p { "Your request is being answered in Slack now. You can close this tab." } }
                    many => {
                        p { "Your " (many) " requests are being answered in Slack now. You can close this tab." }
                    }
                }
            }
            p.small { code { "/sentry disconnect" } " in Slack ends this at any time." }
        }
    };
    Page::new(StatusCode::OK, layout::document(title, &content), Forms::None)
}

/// The person chose Cancel.
pub fn cancelled() -> Page {
    let title = "Nothing was connected";
    let content = html! {
        section.card {
            h1 { (title) }
            p.lead { "You cancelled. Nothing was kept, here or in Slack." }
            div.next {
                p { "You can close this tab. If you change your mind, ask again in Slack: a new link comes at once." }
            }
        }
    };
    Page::new(StatusCode::OK, layout::document(title, &content), Forms::None)
}
