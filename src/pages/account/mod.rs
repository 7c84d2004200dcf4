//! `/account`: a person's MCP clients, and how to end them (P5).
//!
//! What a client says of itself is a stranger's claim, so beside its name stands the address that its code went to.

#[cfg(test)]
pub(super) mod examples;
mod problem;

use http::StatusCode;
use jiff::Timestamp as Moment;
use maud::{Markup, html};

use super::{
    Forms, Page,
    layout::{self, counted, name},
};
use crate::accounts::calls::Entry;
use crate::ports::Timestamp;
use crate::sessions::calls::Listed;
use crate::sessions::terms::skill_named;
use vedette_commands::say;
use vedette_sentry::host::SentryHost;

pub use problem::AccountProblem;

pub use crate::accounts::PAGE as PATH;

/// The field of each form that ties it to its browser.
pub const CSRF_FIELD: &str = "csrf";
/// The field that says what was pressed.
pub const ACTION_FIELD: &str = "action";
/// The field with the session to end.
pub const SESSION_FIELD: &str = "session";
/// Signs in.
pub const SIGN_IN: &str = "sign-in";
/// Signs out.
pub const SIGN_OUT: &str = "sign-out";
/// Ends one session.
pub const DISCONNECT: &str = "disconnect";
/// Ends all.
pub const DISCONNECT_ALL: &str = "disconnect-all";

/// What was just done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice<'a> {
    /// The client that calls itself so was disconnected.
    Disconnected(&'a str),
    /// It was not connected any more.
    WasNot,
    /// So many clients were disconnected.
    DisconnectedAll(u32),
    /// The person has signed out.
    SignedOut,
    /// The sign-in has run out, and nothing was done.
    SignInEnded,
}

impl Notice<'_> {
    fn show(self) -> Markup {
        html! {
            div.next role="status" {
                p {
                    @match self {
                        Notice::Disconnected(client) => {
                            strong { (name(client)) }
                            " was disconnected. Its tokens no longer work, and its access is being revoked at Sentry too."
                        }
                        Notice::WasNot => { "That client was not connected any more." }
                        Notice::DisconnectedAll(0) => { "No client was connected any more." }
                        Notice::DisconnectedAll(many) => {
                            (counted(many, "One client was", "clients were"))
                            " disconnected. No token of theirs works, and their access is being revoked at Sentry too."
                        }
                        Notice::SignedOut => { "You are signed out." }
                        Notice::SignInEnded => { "You were signed out after half an hour. Nothing was done." }
                    }
                }
            }
        }
    }
}

/// The page for who is not signed in.
pub fn sign_in(host: &SentryHost, csrf: &str, notice: Option<Notice<'_>>) -> Page {
    let title = "Your MCP clients";
    let content = html! {
        section.card {
            h1 { (title) }
            @if let Some(notice) = notice { (notice.show()) }
            p.lead {
                "See which applications you let in with your " (name(&host.name())) " account, and disconnect any of them."
            }
            form method="post" action=(PATH) {
                (layout::hidden(&[(CSRF_FIELD, csrf)]))
                button.primary type="submit" name=(ACTION_FIELD) value=(SIGN_IN) { "Sign in with Sentry" }
                p.small {
                    (name(&host.name())) " tells Vedette who you are. The access that it gives for this can read nothing \
                     else, and is revoked at once."
                }
            }
        }
    };
    let status = if notice == Some(Notice::SignInEnded) { StatusCode::FORBIDDEN } else { StatusCode::OK };
    Page::new(status, layout::document(title, &content), Forms::ThroughSentry(host))
}

/// What the list needs to know.
#[derive(Clone, Copy, Debug)]
pub struct Clients<'a> {
    /// The account, as people name it.
    pub account: &'a str,
    /// The Sentry that it is of.
    pub host: &'a SentryHost,
    /// The sessions, the last used first.
    pub entries: &'a [Entry],
    /// What was just done.
    pub notice: Option<Notice<'a>>,
    /// The address of the MCP endpoint.
    pub endpoint: &'a str,
    /// The value of [`CSRF_FIELD`].
    pub csrf: &'a str,
    /// The present moment.
    pub now: Timestamp,
    /// The slash command's name.
    pub command: &'a str,
}

/// The list.
pub fn clients(it: Clients<'_>) -> Page {
    let title = "Your MCP clients";
    let content = html! {
        section.card {
            h1 { (title) }
            @if let Some(notice) = it.notice { (notice.show()) }
            p.lead {
                @match it.entries.len() {
                    0 => { "No application uses " }
                    1 => { "This application uses " }
                    _ => { "These applications use " }
                }
                (name(&it.host.name())) " through Vedette as " strong { (name(it.account)) } "."
            }
            @if it.entries.is_empty() { (how_to_connect(it.endpoint)) }
            ul.sessions {
                @for (number, entry) in it.entries.iter().enumerate() { (client(number, entry, it.csrf, it.now)) }
            }
            @if it.entries.len() > 1 {
                (button(it.csrf, DISCONNECT_ALL, "Disconnect all", Some("destructive")))
            }
            h2 { "In Slack" }
            p.small {
                "Vedette in Slack has access of its own. " code { (it.command) " status" } " shows it; "
                code { (it.command) " disconnect" }
                " ends it, and disconnects all applications here as well."
            }
            (button(it.csrf, SIGN_OUT, "Sign out", None))
        }
    };
    Page::new(StatusCode::OK, layout::document(title, &content), Forms::Here)
}

fn client(number: usize, Entry { session, listed }: &Entry, csrf: &str, now: Timestamp) -> Markup {
    let (button, heading) = (format!("end-{number}"), format!("client-{number}"));
    html! {
        li {
            h2 id=(heading) { (name(&listed.client_name)) }
            p { (used(listed, now)) " · let in " (at(listed.opened_at)) }
            p.small {
                (name(&destination(&listed.redirect_uri))) " · " (limit(listed)) " · " (skills(listed))
            }
            form method="post" action=(PATH) {
                (layout::hidden(&[(CSRF_FIELD, csrf), (SESSION_FIELD, session)]))
                button type="submit" id=(button) class="destructive" aria-labelledby={ (button) " " (heading) } name=(ACTION_FIELD)
                    value=(DISCONNECT) { "Disconnect" }
            }
        }
    }
}

fn button(csrf: &str, action: &str, label: &str, class: Option<&str>) -> Markup {
    html! {
        form method="post" action=(PATH) {
            (layout::hidden(&[(CSRF_FIELD, csrf)]))
            button class=[class] type="submit" name=(ACTION_FIELD) value=(action) { (label) }
        }
    }
}

fn how_to_connect(endpoint: &str) -> Markup {
    html! {
        h2 { "Connect one" }
        p { "Add this address to any application that speaks MCP, and let it in:" }
        blockquote { (endpoint) }
        p { "In Claude Code:" }
        blockquote { "claude mcp add --transport http sentry " (endpoint) }
        p.small { a href="/" { "The first page" } " shows it for others." }
    }
}

/// Host, or scheme, of the redirect URI, in words.
fn destination(redirect_uri: &str) -> String {
    let (scheme, rest) = redirect_uri.split_once(':').unwrap_or((redirect_uri, ""));
    let host = rest.trim_start_matches('/').split(['/', '?']).next().unwrap_or_default();
    match scheme {
        "https" => host.to_owned(),
        "http" => format!("your computer ({host})"),
        _ => format!("your computer ({scheme}: links)"),
    }
}

fn skills(listed: &Listed) -> String {
    let titles = listed.skills.iter().map(|known| skill_named(known).map_or(known.as_str(), |text| text.title));
    titles.collect::<Vec<_>>().join(", ")
}

fn limit(listed: &Listed) -> Markup {
    html! {
        @match (&listed.limit.organization, &listed.limit.project) {
            (Some(organization), Some(project)) => { (name(organization)) " / " (name(project)) }
            (Some(organization), None) => { (name(organization)) }
            _ => { "all that you may see" }
        }
    }
}

fn at(moment: Timestamp) -> String {
    Moment::from_millisecond(moment.0).map(say::absolute).unwrap_or_default()
}

fn used(listed: &Listed, now: Timestamp) -> String {
    let ago = |moment: Timestamp| Moment::from_millisecond(moment.0).map(|it| say::ago(now, it)).unwrap_or_default();
    listed.used_at.map_or_else(|| "Not used yet".to_owned(), |moment| format!("Last used {}", ago(moment)))
}
