//! The first page: what Vedette is, and which of its doors are open. No secret, and nothing that depends on who looks.

use http::StatusCode;
use maud::{Markup, html};

use super::{Forms, Page, layout};
use crate::config::{Config, Problem};

/// One way in.
struct Door {
    name: &'static str,
    about: &'static str,
    example: &'static str,
    state: State,
}

/// Whether a door can be used.
enum State {
    Open,
    Closed(Vec<Problem>),
    Off(&'static str),
}

impl State {
    fn of<const N: usize>(needs: [Option<&Problem>; N]) -> State {
        let problems: Vec<Problem> = needs.into_iter().flatten().cloned().collect();
        if problems.is_empty() { State::Open } else { State::Closed(problems) }
    }

    fn word(&self) -> &'static str {
        match self {
            State::Open => "Open",
            State::Closed(_) => "Closed",
            State::Off(_) => "Off",
        }
    }
}

fn doors(config: &Config) -> [Door; 3] {
    let headless = config.environment_token.is_some();
    let app = config.sentry_app.as_ref().err().filter(|_| !headless);
    [
        Door {
            name: "Slack",
            about: "Mention Vedette, write to it, or use its command. It answers in the thread.",
            example: "/sentry issue list globex",
            state: State::of([
                config.slack.as_ref().err(),
                app,
                config.sentry_host.as_ref().err(),
                config.root_secrets.as_ref().err(),
                config.base_url.as_ref().err(),
            ]),
        },
        Door {
            name: "Your own tools",
            about: "The same commands as tools of an MCP server, for editors and agents.",
            example: "/mcp",
            state: State::of([config.sentry_host.as_ref().err(), config.base_url.as_ref().err()]),
        },
        Door {
            name: "Headless",
            about: "For demonstrations and automation: one Sentry token, set by the operator, answers everybody.",
            example: "SENTRY_AUTH_TOKEN",
            state: if headless {
                State::of([config.sentry_host.as_ref().err()])
            } else {
                State::Off("Not in use: everybody asks with their own Sentry account.")
            },
        },
    ]
}

const TITLE: &str = "Sentry, asked from Slack";
const ABOUT: &str = "A vedette is a mounted sentry, posted ahead of the army. This one stands in your Slack: ask it \
                     about issues, events and traces, and it looks them up in Sentry.";
const OWN_ACCESS: &str = "It looks with your own access: you see what you may see, and nobody sees more through you.";
const SHARED_ACCESS: &str = "On this deployment it looks with one token that the operator set, the same for everybody.";

/// Whose access the answers come from.
fn access(config: &Config) -> &'static str {
    if config.environment_token.is_some() { SHARED_ACCESS } else { OWN_ACCESS }
}

/// `/`, for people.
pub fn home(config: &Config) -> Page {
    let content = html! {
        section.hero {
            h1 { (TITLE) }
            p.lead { (ABOUT) " " (access(config)) }
        }
        section aria-labelledby="doors" {
            h2 #doors { "Its doors" }
            div.doors { @for door in doors(config) { (card(&door)) } }
        }
        nav aria-label="More" {
            ul.links {
                @if let Ok(host) = &config.sentry_host {
                    li { "Asks " a href=(host.origin()) { (layout::name(&host.name())) } }
                }
                li { a href="/health" { "Health" } }
                li { a href="/llms.txt" { "This page for machines" } }
            }
        }
    };
    Page::new(StatusCode::OK, layout::document(TITLE, &content), Forms::None)
}

fn card(door: &Door) -> Markup {
    html! {
        article.card.door {
            h3 { (door.name) " " span.state.(door.state.word().to_lowercase()) { (door.state.word()) } }
            p { (door.about) }
            p { code { (door.example) } }
            @match &door.state {
                State::Open => {}
                State::Off(why) => { p.small { (why) } }
                State::Closed(problems) => {
                    ul.problems {
                        @for problem in problems {
                            li { code { (problem.variable) } " " (layout::prose(problem.problem)) "." }
                        }
                    }
                }
            }
        }
    }
}

/// `/`, for machines: the same page as Markdown.
pub fn markdown(config: &Config) -> String {
    let mut text = format!("# Vedette: {TITLE}\n\n{ABOUT} {}\n\n## Its doors\n", access(config));
    for door in doors(config) {
        text.push_str(&format!("\n### {}: {}\n\n{}\n\n`{}`\n", door.name, door.state.word(), door.about, door.example));
        match &door.state {
            State::Open => {}
            State::Off(why) => text.push_str(&format!("\n{why}\n")),
            State::Closed(problems) => {
                text.push('\n');
                for problem in problems {
                    text.push_str(&format!("- `{}` {}.\n", problem.variable, problem.problem));
                }
            }
        }
    }
    if let Ok(host) = &config.sentry_host {
        text.push_str(&format!("\nAsks <{}>. [Health](/health)\n", host.origin()));
    }
    text
}
