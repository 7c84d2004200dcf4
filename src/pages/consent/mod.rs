//! The page where a person lets an MCP client in (P15): who asks, where the code goes, and what they may do.
//!
//! What the client says of itself is a claim of a stranger: the page says so, and shows what is known: the address that the
//! code goes to, and of a client with a description of its own the host that it is at.

mod problem;

use http::StatusCode;
use maud::{Markup, html};

use super::{
    Forms, Page,
    layout::{self, name},
    scopes,
};
use crate::sessions::terms::{Limit, SkillText};
use vedette_sentry::host::SentryHost;

pub use problem::ConsentProblem;

/// The field with the signed state of the form.
pub const STATE_FIELD: &str = "state";
/// The field with the client's own request, as it was sent.
pub const REQUEST_FIELD: &str = "request";
/// The field that says which button was pressed.
pub const DECISION_FIELD: &str = "decision";
/// The decision to let the client in.
pub const APPROVE: &str = "approve";
/// The decision not to.
pub const CANCEL: &str = "cancel";

/// The name of a skill's checkbox.
pub fn skill_field(skill: &str) -> String {
    format!("skill-{skill}")
}

/// What the page needs to know.
#[derive(Clone, Copy, Debug)]
pub struct Consent<'a> {
    /// What the client calls itself.
    pub client_name: &'a str,
    /// Its page, when it named one.
    pub client_uri: Option<&'a str>,
    /// The host that its description was fetched from, when it has one.
    pub proven_host: Option<&'a str>,
    /// Where the code goes, whole.
    pub redirect_uri: &'a str,
    /// The organization and project that the tokens are limited to.
    pub limit: &'a Limit,
    /// The skills that it can be let in for.
    pub offered: &'a [&'a SkillText],
    /// The names of the skills that are ticked at first.
    pub ticked: &'a [&'a str],
    /// The most that is ever asked of Sentry (`SENTRY_SCOPES`).
    pub allowed: &'a [String],
    /// The Sentry that will be asked.
    pub host: &'a SentryHost,
    /// Where the form posts.
    pub action: &'a str,
    /// The hidden fields.
    pub hidden: &'a [(&'a str, &'a str)],
}

/// The page.
pub fn consent(it: Consent<'_>) -> Page {
    let title = "Let this application into your Sentry account?";
    let content = html! {
        section.card.consent {
            h1 { (title) }
            p.lead {
                strong { (name(it.client_name)) } " wants to use " (name(&it.host.name())) " through Vedette, as you"
                @if let Some(organization) = &it.limit.organization {
                    ", only in " strong { (name(organization)) @if let Some(project) = &it.limit.project { "/" (name(project)) } }
                }
                "."
                @if let Some(host) = it.proven_host { " Its description is at " strong { code { (name(host)) } } "." }
            }
            p.warning {
                strong { "Your approval goes to " } (destination(it.redirect_uri))
                " Its name is only what it says of itself. If you did not start this, or do not know that address, choose Cancel."
            }
            form method="post" action=(it.action) {
                (layout::hidden(it.hidden))
                fieldset {
                    legend { "What it may do" }
                    @for skill in it.offered { (checkbox(skill, it.ticked.contains(&skill.name))) }
                }
                (details(&it))
                div.buttons {
                    button.primary type="submit" name=(DECISION_FIELD) value=(APPROVE) { "Approve" }
                    button type="submit" name=(DECISION_FIELD) value=(CANCEL) { "Cancel" }
                }
            }
            p.small {
                "You approve the same at " (name(&it.host.name())) " next. Your Sentry token is never given to it. "
                a href=(super::account::PATH) { "Your MCP clients" } " lists what you let in, and ends it at any time."
            }
            @if let Some(uri) = it.client_uri {
                p.small { "Website, as the application gives it: " (name(uri)) }
            }
        }
    };
    let forms = Forms::ThroughSentryTo { host: it.host, redirect_uri: it.redirect_uri };
    Page::new(StatusCode::OK, layout::document(title, &content), forms)
}

fn checkbox(skill: &SkillText, ticked: bool) -> Markup {
    let effect = if skill.writes() { "makes changes" } else { "only reads" };
    html! {
        label.skill {
            input type="checkbox" name=(skill_field(skill.name)) value="on" checked[ticked];
            span { strong { (skill.title) } " " span.badge.writes[skill.writes()] { (effect) } }
        }
    }
}

/// What is asked of Sentry, in one line, and what each skill is for.
fn details(it: &Consent<'_>) -> Markup {
    let scopes = |skill: &SkillText| skill.scopes_within(it.allowed).into_iter().map(str::to_owned).collect::<Vec<_>>();
    let tools = |skill: &SkillText| {
        layout::counted(u32::try_from(skill.own_tools().count()).unwrap_or(u32::MAX), "1 tool", "tools")
    };
    html! {
        details.scopes {
            summary {
                span {
                    (name(&it.host.name())) " will be asked for "
                    @match it.offered {
                        [only] => { "this: " strong { (scopes::in_one_line(&scopes(only))) } }
                        _ => { "what you tick, and nothing else." }
                    }
                }
            }
            dl.skills {
                @for skill in it.offered {
                    div {
                        dt { (skill.title) }
                        dd { (skill.description) " " span.together { (tools(skill)) "." } }
                        dd { (layout::access(&scopes(skill))) }
                    }
                }
            }
        }
    }
}

/// Host, or scheme, of the redirect URI, in words.
fn destination(redirect_uri: &str) -> Markup {
    let (scheme, rest) = redirect_uri.split_once(':').unwrap_or((redirect_uri, ""));
    let host = rest.trim_start_matches('/').split(['/', '?']).next().unwrap_or_default();
    html! {
        @match scheme {
            "https" => { code { (name(host)) } "." }
            "http" => { "an application on this computer " span.together { "(" code { (name(host)) } ")" } "." }
            _ => { "the application on this computer that opens " code { (name(scheme)) ":" } " links." }
        }
    }
}
