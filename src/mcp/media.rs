//! Media types: what a body must be, and what the response may be.
//!
//! The specification has clients accept both `application/json` and `text/event-stream`, and lets the server choose. One
//! message is best sent as JSON, so that is chosen unless the client puts the stream first or takes nothing else; a client
//! that forgot one of the two is served with the other.

use http::{HeaderMap, StatusCode, header};

use super::refusal::Refusal;

/// The form of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One JSON document.
    Json,
    /// A stream with one event.
    Events,
}

/// Whether a person's browser asks: no client of MCP takes a page, and no browser takes messages.
pub fn names_pages(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let kinds = lines.flat_map(|line| line.split(',')).map(|range| range.split(';').next().unwrap_or_default().trim());
    let kinds: Vec<String> = kinds.map(str::to_ascii_lowercase).collect();
    let names = |kind: &str| kinds.iter().any(|it| it == kind);
    names("text/html") && !names("text/event-stream") && !names("application/json")
}

/// The form that the client prefers.
///
/// # Errors
/// 406 when it accepts neither.
pub fn accepted(headers: &HeaderMap) -> Result<Form, Refusal> {
    let lines: Vec<&str> = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    if lines.is_empty() {
        return Ok(Form::Json); // no preference (RFC 9110 §12.5.1)
    }
    let mut best: Option<(u16, Form)> = None;
    for range in lines.iter().flat_map(|line| line.split(',')) {
        let (kind, parameters) = range.split_once(';').unwrap_or((range, ""));
        let form = match kind.trim().to_ascii_lowercase().as_str() {
            "application/json" | "application/*" | "*/*" => Form::Json,
            "text/event-stream" | "text/*" => Form::Events,
            _ => continue,
        };
        let weight = weight(parameters);
        // Of two that are liked alike, the first.
        if weight > 0 && best.is_none_or(|(known, _)| weight > known) {
            best = Some((weight, form));
        }
    }
    let sentence = "Accept `application/json` and `text/event-stream`.";
    best.map(|(_, form)| form).ok_or_else(|| Refusal::new(StatusCode::NOT_ACCEPTABLE, sentence))
}

/// Whether the client names the stream among what it accepts, and does not rule it out: one that asks for progress gets it
/// so, whichever of the two it prefers for a single answer.
pub fn names_events(headers: &HeaderMap) -> bool {
    ranges(headers).any(|(kind, weight)| weight > 0 && matches!(kind.as_str(), "text/event-stream" | "text/*"))
}

/// Whether a client takes a stream: every one does that does not say otherwise (RFC 9110 §12.5.1).
pub fn takes_events(headers: &HeaderMap) -> bool {
    let takes = |kind: &str| matches!(kind, "text/event-stream" | "text/*" | "*/*");
    !headers.contains_key(header::ACCEPT) || ranges(headers).any(|(kind, weight)| weight > 0 && takes(&kind))
}

fn ranges(headers: &HeaderMap) -> impl Iterator<Item = (String, u16)> + '_ {
    let lines = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(|range| {
        let (kind, parameters) = range.split_once(';').unwrap_or((range, ""));
        (kind.trim().to_ascii_lowercase(), weight(parameters))
    })
}

/// `q` in thousandths; 1000 when it is not said or cannot be read.
pub(crate) fn weight(parameters: &str) -> u16 {
    let of = |parameter: &str| {
        let (name, value) = parameter.split_once('=')?;
        let q: f32 = name.trim().eq_ignore_ascii_case("q").then(|| value.trim().parse().ok()).flatten()?;
        Some((q.clamp(0.0, 1.0) * 1000.0) as u16)
    };
    parameters.split(';').find_map(of).unwrap_or(1000)
}

/// Lets only JSON pass.
///
/// # Errors
/// 415.
pub fn json(headers: &HeaderMap) -> Result<(), Refusal> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Send `Content-Type: application/json`."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn form(accept: &str) -> Option<Form> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::try_from(accept).unwrap());
        accepted(&headers).ok()
    }

    #[test]
    fn json_is_sent_unless_the_stream_comes_first_or_alone() {
        for (accept, expected) in [
            ("application/json, text/event-stream", Some(Form::Json)),
            ("text/event-stream, application/json", Some(Form::Events)),
            ("text/event-stream", Some(Form::Events)),
            ("application/json", Some(Form::Json)),
            ("*/*", Some(Form::Json)),
            ("Application/JSON;charset=utf-8, text/event-stream", Some(Form::Json)),
            ("text/event-stream;q=0.5, application/json", Some(Form::Json)),
            ("application/json;q=0, text/event-stream", Some(Form::Events)),
            ("text/html, */*;q=0.1", Some(Form::Json)),
            ("text/html", None),
            ("application/json;q=0", None),
            ("", None),
        ] {
            assert_eq!(form(accept), expected, "{accept}");
        }
        assert_eq!(accepted(&HeaderMap::new()).unwrap(), Form::Json);
    }

    #[test]
    fn a_stream_is_for_who_names_it_and_for_who_asks_for_nothing_else() {
        let of = |accept: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::try_from(accept).unwrap());
            (names_events(&headers), takes_events(&headers))
        };
        assert_eq!(of("application/json, text/event-stream"), (true, true));
        assert_eq!(of("application/json, Text/Event-Stream;q=0.1"), (true, true));
        assert_eq!(of("*/*"), (false, true));
        assert_eq!(of("application/json, text/event-stream;q=0"), (false, false));
        assert_eq!(of("application/json"), (false, false));
        assert!(takes_events(&HeaderMap::new()));
    }

    #[test]
    fn a_body_must_say_that_it_is_json() {
        let sent = |kind: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::try_from(kind).unwrap());
            json(&headers).is_ok()
        };
        assert!(sent("application/json") && sent("Application/Json; charset=utf-8"));
        assert!(!sent("text/plain") && !sent("application/x-www-form-urlencoded") && !sent("application/jsonp"));
        assert!(json(&HeaderMap::new()).is_err());
    }
}
