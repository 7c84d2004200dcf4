//! What the pages share: the document around them, the emblem, and the pieces that they are made of.

use std::sync::LazyLock;

use base64::{Engine, engine::general_purpose::STANDARD};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use url::Url;

use super::scopes;

/// The one style sheet, inlined in every page: no second request, and no source for the policy to trust but its hash.
pub(crate) const STYLE: &str = include_str!("style.css");

/// The longest name, address or identifier that a page shows, in characters. Slack's and Sentry's own are shorter.
const MAX_NAME: usize = 120;

/// The longest quotation of what a person asked, in characters.
const MAX_QUOTE: usize = 280;

/// The style sheet's hash as a source of the policy, without its quotes: `sha256-…`.
pub(crate) fn style_hash() -> &'static str {
    static HASH: LazyLock<String> = LazyLock::new(|| hash(STYLE));
    &HASH
}

/// The hash of a style sheet or script, as [`style_hash`].
pub(crate) fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text.as_bytes())))
}

// The emblem is a mounted sentry: a bridled horse's head beside a lance with its pennant, on a field of 48 by 48.
const LANCE: &str = "M7.5 3.5h2.2v41H7.5z";
const PENNANT: &str = "M9.7 5l14 3.2-4.8 2.4 2.6 3.8-11.8-1.6z";
const HORSE: &str = "M14.5 44.5C13.6 33.6 16.8 25 23 19.6l.2-5.4 4.3 3.6c6.6 1 10.6 4.4 12 10.4l3.3 6.3\
                     c.7 1.3.3 2.9-.9 3.7l-1.9 1.2c-1.1.7-2.5.6-3.5-.2l-3.7-3.1c-2.5.1-4.5-.4-6.1-1.5.3 3.4 3.2 6.2 5 9.9z";
const BRIDLE: &str = "M26.5 19.5C21 24.6 18.6 31 18.8 38.5M25.2 22.3l10 7.2c.7 2.3.2 4.6-1.2 6.6";

/// The emblem's shapes; `favicon.svg` shows the same.
#[cfg(test)]
pub(crate) const EMBLEM: [&str; 4] = [LANCE, PENNANT, HORSE, BRIDLE];

/// The emblem, coloured by the style sheet.
fn emblem() -> Markup {
    html! {
        svg.emblem viewBox="0 0 48 48" width="44" height="44" aria-hidden="true" focusable="false" {
            path.pennant d=(PENNANT) {}
            path.lance d=(LANCE) {}
            path.horse d=(HORSE) {}
            path.bridle d=(BRIDLE) fill="none" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round" {}
        }
    }
}

/// The document around a page's `content`. `title` stands in the tab; the page has its own `h1`.
pub(crate) fn document(title: &str, content: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                title { (title) " · Vedette" }
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="theme-color" content="#f5f1e8" media="(prefers-color-scheme: light)";
                meta name="theme-color" content="#0e171c" media="(prefers-color-scheme: dark)";
                link rel="icon" href="/favicon.ico" sizes="48x48";
                link rel="icon" href="/favicon.svg" type="image/svg+xml";
                style { (PreEscaped(STYLE)) }
            }
            body {
                header { a.brand href="/" { (emblem()) span { "Vedette" } } }
                main { (content) }
                footer { p { "Vedette: a sentry, posted ahead." } }
            }
        }
    }
}

/// A person, an account, a workspace: plain untrusted text, its writing direction kept to itself.
pub(crate) fn name(text: &str) -> Markup {
    html! { bdi { (clip(text, MAX_NAME)) } }
}

/// A sentence of ours in which backticks mark what is typed as it stands.
pub(crate) fn prose(text: &str) -> Markup {
    html! {
        @for (index, piece) in text.split('`').enumerate() {
            @if index % 2 == 1 { code { (piece) } } @else { (piece) }
        }
    }
}

/// What a person asked, quoted.
pub(crate) fn quotation(text: &str) -> Markup {
    html! { blockquote { bdi { (clip(text, MAX_QUOTE)) } } }
}

/// `text`, or as much of it as `most` characters hold, and then an ellipsis.
fn clip(text: &str, most: usize) -> String {
    let text = text.trim();
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default().trim_end()),
        None => text.to_owned(),
    }
}

/// `one` of a thing, or the number and `many`.
pub(crate) fn counted(number: u32, one: &str, many: &str) -> String {
    if number == 1 { one.to_owned() } else { format!("{number} {many}") }
}

/// The stations of connecting an account, in order. Sentry's own page is the one between ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    Start,
    AtSentry,
    Confirm,
    Done,
}

/// Where the person is on the way.
pub(crate) fn steps(now: Step) -> Markup {
    let stations = [(Step::Start, "Check"), (Step::AtSentry, "Approve"), (Step::Confirm, "Confirm")];
    html! {
        ol.steps aria-label="Steps" {
            @for (station, label) in stations {
                li.past[station < now] aria-current=[(station == now).then_some("step")] { span { (label) } }
            }
        }
    }
}

/// The way back to the conversation in Slack, where it is known.
pub(crate) fn back_to_slack(address: Option<&Url>) -> Markup {
    html! {
        @if let Some(address) = address { p.back { a.button href=(address) { "Back to Slack" } } }
    }
}

/// The access that `scopes` stand for, each in words where there are words.
pub(crate) fn access(scopes: &[String]) -> Markup {
    html! {
        ul.access {
            @for scope in scopes {
                li {
                    @match scopes::in_words(scope) {
                        Some(words) => { span { (words) } " " code { (scope) } }
                        None => { code { (name(scope)) } }
                    }
                }
            }
        }
    }
}

/// The fields that a form sends along without showing them.
pub(crate) fn hidden(fields: &[(&str, &str)]) -> Markup {
    html! { @for (name, value) in fields { input type="hidden" name=(name) value=(value); } }
}
