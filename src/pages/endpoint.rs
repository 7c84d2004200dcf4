//! What a person sees who opens an address of the MCP door in a browser: what it is for, and how it gets there.

use http::{HeaderValue, StatusCode, header};
use maud::html;

use super::{Forms, Page, home, layout};

const TITLE: &str = "This address is for an MCP client";

/// The page at `url`. `place` is the organization, or the organization and project, that it is limited to; `older` says that
/// it is the legacy transport's, with the address that newer clients take instead.
pub fn endpoint(url: &str, place: Option<&str>, older: Option<&str>) -> Page {
    let content = html! {
        section.card {
            h1 { (TITLE) }
            p.lead {
                "Give it to Claude, Cursor, VS Code or another client, and it can read Sentry with your own access"
                @if let Some(place) = place { ", in " (layout::name(place)) " only" }
                ". A browser has nothing to open here."
            }
            p { code { (url) } }
            @if let Some(newer) = older {
                p { "It is for clients that know only the older transport. All others take " code { (newer) } "." }
            } @else if let Some(command) = home::command(url) {
                p { "In Claude Code, for instance:" }
                p { code { (command) } }
            }
            div.next {
                h2 { "What to do now" }
                p { a href="/#clients" { "See how your client takes it" } ". The client then opens the page where you let it in." }
            }
        }
    };
    let mut page = Page::new(StatusCode::OK, layout::document(TITLE, &content), Forms::None);
    page.headers.insert(header::VARY, HeaderValue::from_static("Accept"));
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_says_what_the_address_is_and_how_a_client_gets_it() {
        let url = "https://vedette.example.com/mcp/globex";
        let html = endpoint(url, Some("globex"), None).html;
        assert!(html.contains(&format!("claude mcp add --transport http sentry {url}")), "{html}");
        assert!(html.contains("in <bdi>globex</bdi> only") && html.contains(r##"href="/#clients""##), "{html}");
        let older = endpoint("https://vedette.example.com/sse", None, Some("https://vedette.example.com/mcp")).html;
        assert!(older.contains("older transport") && !older.contains("claude mcp add"), "{older}");
    }
}
