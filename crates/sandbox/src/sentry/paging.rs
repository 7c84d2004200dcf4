//! Sentry's cursors (`0:OFFSET:0`) and its `Link` header, in which both relations always stand.

use super::errors::ApiError;
use crate::form::Pairs;

/// No page is longer than this.
pub(crate) const MAX_PAGE: usize = 100;

/// Which part of a list is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) offset: usize,
    pub(crate) size: usize,
}

impl Window {
    /// Reads `cursor`, and `limit` or `per_page`.
    pub(crate) fn read(query: &Pairs, default_size: usize) -> Result<Window, ApiError> {
        let size = match query.get("limit").or(query.get("per_page")).filter(|text| !text.is_empty()) {
            None => default_size,
            Some(text) => match text.parse::<usize>() {
                Ok(size @ 1..=MAX_PAGE) => size,
                _ => return Err(bad(&format!("Invalid per_page value. Must be between 1 and {MAX_PAGE}."))),
            },
        };
        let offset = match query.get("cursor").filter(|text| !text.is_empty()) {
            None => 0,
            Some(cursor) => offset_of(cursor).ok_or_else(|| bad("Invalid cursor parameter."))?,
        };
        Ok(Window { offset, size })
    }

    /// The window's part of `all`.
    pub(crate) fn cut<T>(self, all: Vec<T>) -> Vec<T> {
        all.into_iter().skip(self.offset).take(self.size).collect()
    }

    /// The `Link` header for a list of `total`; `url` is without its query.
    pub(crate) fn link(self, url: &str, query: &Pairs, total: usize) -> String {
        let previous = format!("0:{}:1", self.offset.saturating_sub(self.size));
        let next_offset = self.offset.saturating_add(self.size);
        let next = format!("0:{next_offset}:0");
        let one = |rel: &str, cursor: &str, results: bool| {
            let query = query.encoded_with("cursor", cursor);
            format!(r#"<{url}?{query}>; rel="{rel}"; results="{results}"; cursor="{cursor}""#)
        };
        format!("{}, {}", one("previous", &previous, self.offset > 0), one("next", &next, next_offset < total))
    }
}

fn offset_of(cursor: &str) -> Option<usize> {
    let mut parts = cursor.split(':');
    let (_, offset, is_previous) = (parts.next()?.parse::<u64>().ok()?, parts.next()?, parts.next()?);
    let well_formed = parts.next().is_none() && matches!(is_previous, "0" | "1");
    offset.parse().ok().filter(|_| well_formed)
}

fn bad(detail: &str) -> ApiError {
    ApiError::BadRequest(detail.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_relations_always_stand_in_the_link_header() {
        let query = Pairs::parse(b"query=is%3Aunresolved&cursor=0:0:0");
        let link = Window { offset: 0, size: 25 }.link("https://us.sentry.io/api/0/x/", &query, 30);
        let expected = [
            r#"<https://us.sentry.io/api/0/x/?query=is%3Aunresolved&cursor=0%3A0%3A1>; rel="previous"; results="false"; cursor="0:0:1""#,
            r#"<https://us.sentry.io/api/0/x/?query=is%3Aunresolved&cursor=0%3A25%3A0>; rel="next"; results="true"; cursor="0:25:0""#,
        ];
        assert_eq!(link, expected.join(", "));
    }

    #[test]
    fn a_page_is_of_one_to_a_hundred() {
        for bad in ["limit=0", "limit=101", "limit=many", "per_page=-1", "cursor=7", "cursor=0:x:0"] {
            assert!(Window::read(&Pairs::parse(bad.as_bytes()), 25).is_err(), "{bad}");
        }
        let window = Window::read(&Pairs::parse(b"limit=100&cursor=0:100:0"), 25).unwrap();
        assert_eq!(window, Window { offset: 100, size: 100 });
    }
}
