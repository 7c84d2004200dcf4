//! The pages of what went wrong outside any flow, and the shape that all error pages share.

use http::{HeaderValue, Method, StatusCode, header};
use maud::{Markup, html};
use url::Url;

use super::{Forms, Page, layout};

/// What an error page says.
pub(crate) struct Trouble<'a> {
    /// The response's status.
    pub(crate) status: StatusCode,
    /// The heading.
    pub(crate) title: &'a str,
    /// One or two sentences.
    pub(crate) happened: Markup,
    /// What the reader does now.
    pub(crate) next: Markup,
    /// Where the conversation goes on, when that is known.
    pub(crate) back: Option<&'a Url>,
    /// What somebody who is asked for help can look up.
    pub(crate) reference: &'a str,
}

impl Trouble<'_> {
    /// The page that says it.
    pub(crate) fn page(&self) -> Page {
        let content = html! {
            section.card.trouble {
                h1 { (self.title) }
                div.lead { (self.happened) }
                div.next {
                    h2 { "What to do now" }
                    p { (self.next) }
                }
                (layout::back_to_slack(self.back))
                p.small { "Reference: " code { (layout::name(self.reference)) } " (" (self.status.as_str()) ")" }
            }
        };
        Page::new(self.status, layout::document(self.title, &content), Forms::None)
    }
}

/// 404: no page here.
pub fn not_found() -> Page {
    Trouble {
        status: StatusCode::NOT_FOUND,
        title: "There is no page here",
        happened: html! { "The address may have been cut short when it was copied." },
        next: html! {
            "If it came from Slack, open it there again. Otherwise, start at " a href="/" { "the first page" } "."
        },
        back: None,
        reference: "not_found",
    }
    .page()
}

/// 405: a known path, asked in a way that it does not answer. `allowed` becomes `Allow`.
pub fn method_not_allowed(allowed: &[Method]) -> Page {
    let mut page = Trouble {
        status: StatusCode::METHOD_NOT_ALLOWED,
        title: "This address cannot be used like that",
        happened: html! { "It exists, but it does not answer this kind of request." },
        next: html! { "Start at " a href="/" { "the first page" } ", or open the link in Slack again." },
        back: None,
        reference: "method_not_allowed",
    }
    .page();
    let allowed: Vec<&str> = allowed.iter().map(Method::as_str).collect();
    if let Ok(value) = HeaderValue::try_from(allowed.join(", ")) {
        page.headers.insert(header::ALLOW, value);
    }
    page
}

/// 500: a fault of ours. `reference` finds its line in the log.
pub fn server_error(reference: &str) -> Page {
    Trouble {
        status: StatusCode::INTERNAL_SERVER_ERROR,
        title: "Something broke here",
        happened: html! { "It is Vedette’s fault, not yours, and it has been logged." },
        next: html! {
            "Try again in a minute. If it happens again, give the reference below to the person who runs this Vedette."
        },
        back: None,
        reference,
    }
    .page()
}
