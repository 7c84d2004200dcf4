//! The first page: what Vedette is, which of its doors are open, and how to come in. No secret, and nothing that depends on
//! who looks; only the address under which it is looked at.
//!
//! [`facts`] and [`clients`] hold what is said, once; this file says it to people, [`markdown()`] to machines.
//!
//! The page works without its script, which only copies: the buttons are hidden until it runs.

mod clients;
mod facts;
mod markdown;

use http::StatusCode;
use maud::{Markup, PreEscaped, html};
use serde_json::{Value, json};
use url::Url;

use super::layout::{self, prose};
use super::{Forms, Page};
use crate::config::{Config, Problem};
use crate::sessions::terms::SKILLS;
use clients::{Client, Snippet};
use facts::{Facts, Mcp, Slack, State, TITLE};
use vedette_commands::catalogue;

/// The one script of the one page that has any; the policy names it by its hash.
pub(crate) const SCRIPT: &str = include_str!("copy.js");

/// `/`, for people. `origin` is the public one.
pub fn home(config: &Config, origin: &Url) -> Page {
    let facts = Facts::of(config, origin);
    let content = html! {
        section.hero {
            h1 { (TITLE) }
            p.lead { (facts::ABOUT) " " (facts.access) }
        }
        div.doors {
            (mcp_door(&facts.mcp))
            (slack_door(&facts.slack))
        }
        @if !facts.mcp.clients.is_empty() {
            section.part aria-labelledby="clients" {
                h2 #clients { "Add it to your client" }
                div.clients { @for it in &facts.mcp.clients { (client(it, facts.mcp.clients.len() == 1)) } }
            }
        }
        section.part aria-labelledby="data" {
            h2 #data { "Your data" }
            ul.promises { @for sentence in &facts.data { li { (prose(sentence)) } } }
            h3 { "And what to know" }
            ul.cautions { @for sentence in facts.caution { li { (sentence) } } }
        }
        section.part aria-labelledby="limits" {
            h2 #limits { "Limit it" }
            p { (prose(facts.mcp.limits)) }
            dl.limits {
                @for (suffix, leaves) in facts::LIMITS {
                    div { dt { code { "/mcp" (suffix) } } dd { (leaves) } }
                }
            }
        }
        section.part aria-labelledby="skills" {
            h2 #skills { "What a client can be let do" }
            p { (facts.mcp.skills) (facts::reads_only()) }
            dl.skills {
                @for skill in &SKILLS {
                    div { dt { (skill.title) " " code { (skill.name) } } dd { (skill.description) } }
                }
            }
            h3 { "The tools" }
            dl.lines {
                @for entry in catalogue() {
                    div { dt { code { (entry.spec.tool) } } dd { (entry.spec.summary) } }
                }
            }
        }
        nav aria-label="More" {
            ul.links {
                @if facts.accounts { li { a href="/account" { "Your account" } } }
                @if let Some(host) = facts.sentry {
                    li { "Asks " a href=(host.origin()) { (layout::name(&host.name())) } }
                }
                li { a href="/health" { "Health" } }
                li { a href="/llms.txt" { "This page for machines" } }
                li { a href="/mcp.json" { "mcp.json" } }
            }
        }
        p.unseen #said role="status" {}
        script { (PreEscaped(SCRIPT)) }
    };
    Page::new(StatusCode::OK, layout::document(TITLE, &content), Forms::None).with_script(SCRIPT)
}

/// The line that adds the server at `url` to the client that most people have.
pub(crate) fn command(url: &str) -> Option<String> {
    let client = clients::by_consent(url).into_iter().next()?;
    client.snippets.into_iter().next().map(|snippet| snippet.text)
}

fn heading(name: &str, state: &State) -> Markup {
    let class = match state {
        State::Open => "open",
        State::TokensOnly(problems) if problems.is_empty() => "open",
        State::TokensOnly(_) => "",
        State::Closed(_) => "closed",
    };
    html! { h2 { (name) " " span.state.(class) { (state.word()) } } }
}

fn lacking(problems: &[Problem]) -> Markup {
    html! {
        @if !problems.is_empty() {
            ul.problems {
                @for problem in problems { li { code { (problem.variable) } " " (prose(problem.problem)) "." } }
            }
        }
    }
}

fn mcp_door(mcp: &Mcp) -> Markup {
    html! {
        section.card.door {
            (heading("Editors and agents", &mcp.state))
            p { (mcp.about) }
            div.address {
                code #address { (mcp.url) }
                (copy("address", "the address"))
            }
            @if let State::TokensOnly(problems) = &mcp.state
                && !problems.is_empty()
            {
                p.small { "Clients that ask for consent in a browser cannot come in yet:" }
            }
            (lacking(mcp.state.problems()))
        }
    }
}

fn slack_door(slack: &Slack) -> Markup {
    html! {
        section.card.door {
            (heading("Slack", &slack.state))
            p { (prose(&slack.about)) }
            dl.lines {
                @for (line, what) in &slack.lines {
                    div { dt { code { (line) } } dd { (what) } }
                }
            }
            (lacking(slack.state.problems()))
        }
    }
}

fn client(client: &Client, open: bool) -> Markup {
    html! {
        details.client #(client.id) open[open] {
            summary { span { (client.name) } }
            div.within {
                @if let Some(link) = &client.link { p { a.button href=(link.href) { (link.label) } } }
                @if !client.how.is_empty() { p { (prose(client.how)) } }
                @for (index, it) in client.snippets.iter().enumerate() { (snippet(client, index, it)) }
                @if !client.then.is_empty() { p { (prose(client.then)) } }
                p.small { a href=(client.docs) { "Documentation" span.unseen { ": " (client.name) } } }
            }
        }
    }
}

fn snippet(client: &Client, index: usize, snippet: &Snippet) -> Markup {
    let id = format!("{}-{index}", client.id);
    html! {
        figure.snippet {
            figcaption {
                span { (snippet.place) }
                (copy(&id, &format!("for {}: {}", client.name, snippet.place)))
            }
            pre { code #(id) { (snippet.text) } }
        }
    }
}

/// The button that copies the text of the element `id`; nothing without the script. `about` follows "Copy".
fn copy(id: &str, about: &str) -> Markup {
    html! {
        button.copy type="button" data-copy=(id) hidden { span { "Copy" } " " span.unseen { (about) } }
    }
}

/// `/`, for machines: the same as Markdown.
pub fn markdown(config: &Config, origin: &Url) -> String {
    markdown::render(&Facts::of(config, origin))
}

/// `/mcp.json`: sentry-mcp's description of itself, and what a client's configuration needs.
pub fn mcp_json(config: &Config, origin: &Url) -> Value {
    let facts = Facts::of(config, origin);
    json!({
        "name": "Vedette",
        "description": format!("{} {}", facts::ABOUT, facts.access),
        "icon": "/favicon.ico",
        "endpoint": facts.mcp.url,
        "mcpServers": clients::configuration(&facts.mcp.url),
    })
}
