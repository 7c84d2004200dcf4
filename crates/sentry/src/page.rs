//! Paging: Sentry puts the next cursor into `Link`, and the number of all matches into `X-Hits`.
//!
//! Only the cursor is taken from a `Link`, never its URL: the next page is asked for at the address that the client
//! already holds, so a `Link` to another host has no effect (P7).

use http::HeaderMap;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::lenient;

/// The body of a page: what cannot be read of it is left out.
#[derive(Deserialize)]
#[serde(transparent, bound = "T: DeserializeOwned")]
pub struct Items<T>(#[serde(deserialize_with = "lenient::page")] pub Vec<T>);

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The things on this page, in Sentry's order.
    pub items: Vec<T>,
    /// The cursor of the next page, when there is one.
    pub next: Option<String>,
    /// How many things there are on all pages, when Sentry said so.
    pub hits: Option<u64>,
}

/// The cursor of the next page: `rel="next"` with `results="true"`.
pub fn next_cursor(headers: &HeaderMap) -> Option<String> {
    headers.get_all(http::header::LINK).iter().filter_map(|value| value.to_str().ok()).find_map(next_of)
}

/// `X-Hits`.
pub fn hits(headers: &HeaderMap) -> Option<u64> {
    headers.get("x-hits")?.to_str().ok()?.trim().parse().ok()
}

fn next_of(header: &str) -> Option<String> {
    header.split('<').skip(1).find_map(|link| {
        let (url, parameters) = link.split_once('>')?;
        let is = |wanted: &str| parameters.split([';', ',']).any(|parameter| parameter.trim() == wanted);
        if !is("rel=\"next\"") || !is("results=\"true\"") {
            return None;
        }
        cursor_parameter(parameters).or_else(|| cursor_of_url(url))
    })
}

fn cursor_parameter(parameters: &str) -> Option<String> {
    let (_, rest) = parameters.split_once("cursor=\"")?;
    let (cursor, _) = rest.split_once('"')?;
    (!cursor.is_empty()).then(|| cursor.to_owned())
}

fn cursor_of_url(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    url.query_pairs().find(|(name, _)| name == "cursor").map(|(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(link: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(http::header::LINK, link.parse().unwrap());
        next_cursor(&headers)
    }

    #[test]
    fn the_next_cursor_is_the_one_that_has_results() {
        let link = r#"<https://us.sentry.io/api/0/x/?&cursor=0:0:1>; rel="previous"; results="false"; cursor="0:0:1", <https://us.sentry.io/api/0/x/?&cursor=0:100:0>; rel="next"; results="true"; cursor="0:100:0""#;
        assert_eq!(next(link).as_deref(), Some("0:100:0"));
    }

    #[test]
    fn the_last_page_has_no_next_cursor() {
        let link = r#"<https://us.sentry.io/x>; rel="previous"; results="true"; cursor="0:0:1", <https://us.sentry.io/x>; rel="next"; results="false"; cursor="0:200:0""#;
        assert_eq!(next(link), None);
    }

    #[test]
    fn a_link_without_a_cursor_parameter_is_read_from_its_url() {
        let link = r#"<https://us.sentry.io/x?a=1,2&cursor=0%3A100%3A0>; rel="next"; results="true""#;
        assert_eq!(next(link).as_deref(), Some("0:100:0"));
    }

    #[test]
    fn a_broken_link_header_ends_the_list() {
        for broken in ["", "<", "rel=\"next\"", "<x>; rel=\"next\"; results=\"true\"; cursor=\"", "<>;;;,,,"] {
            assert_eq!(next(broken), None, "{broken}");
        }
    }
}
