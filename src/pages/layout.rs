//! What the pages share: the document around them, the emblem, and the pieces that they are made of.

use std::sync::LazyLock;

use base64::{Engine, engine::general_purpose::STANDARD};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest, Sha256};

use super::scopes;

/// The one style sheet, inlined in every page: no second request, and no source for the policy to trust but its hash.
pub(crate) const STYLE: &str = include_str!("style.css");

/// The longest name, address or identifier that a page shows, in characters. Slack's and Sentry's own are shorter.
const MAX_NAME: usize = 120;

/// The longest quotation of what a person asked, in characters.
const MAX_QUOTE: usize = 280;

/// The style sheet's hash as a source of the policy, without its quotes: `sha256-…`.
pub(crate) fn style_hash() -> &'static str {
    static HASH: LazyLock<String> =
        LazyLock::new(|| format!("sha256-{}", STANDARD.encode(Sha256::digest(STYLE.as_bytes()))));
    &HASH
}

// The emblem is a mounted sentry: a horse's head before a lance with its pennant, on a field of 48 by 48.
const LANCE: &str = "M10 5h2.4v39H10z";
const PENNANT: &str = "M12.4 6.5 26 10.2l-5.2 2.3 3 4.4-11.4-1.8z";
const HORSE: &str = "M17.5 44c-.6-8.2 1.4-13.4 5.6-18.2-2.6.3-4.6 1.6-6 3.8.2-5.2 3-9.6 8-11.6l-.6-4.6 4.4 3.1c8 1.2 \
                     11 6.3 11.6 13.4l2.4 5.2c.5 1.2 0 2.5-1.1 3.1l-1.7.9c-1 .5-2.2.3-3-.5l-3.5-3.4c-2.6-.3-4.6-1-6.2-2.3\
                     .9 3.9 4.3 6.4 6.2 11.1z";

fn emblem() -> Markup {
    html! {
        svg.emblem viewBox="0 0 48 48" width="40" height="40" aria-hidden="true" focusable="false" {
            path.lance d=(LANCE) {}
            path.pennant d=(PENNANT) {}
            path.horse d=(HORSE) {}
        }
    }
}

fn icon() -> &'static str {
    static ICON: LazyLock<String> = LazyLock::new(|| {
        let svg = format!(
            "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 48 48'><rect width='48' height='48' rx='11' \
             fill='#12313a'/><g transform='translate(5 4) scale(.8)'><path fill='#f6f1e7' d='{LANCE}'/><path \
             fill='#f0a83c' d='{PENNANT}'/><path fill='#f6f1e7' d='{HORSE}'/></g></svg>"
        );
        format!("data:image/svg+xml,{}", utf8_percent_encode(&svg, NON_ALPHANUMERIC))
    });
    &ICON
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
                link rel="icon" href=(icon());
                style { (PreEscaped(STYLE)) }
            }
            body {
                header { a.brand href="/" { (emblem()) span { "Vedette" } } }
                main { (content) }
                footer { p { "Sentry, asked from Slack, with your own access." } }
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
    let stations = [(Step::Start, "Check"), (Step::AtSentry, "Approve at Sentry"), (Step::Confirm, "Confirm")];
    html! {
        ol.steps aria-label="Steps" {
            @for (station, label) in stations {
                li.past[station < now] aria-current=[(station == now).then_some("step")] { span { (label) } }
            }
        }
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
