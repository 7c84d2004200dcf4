//! One HTTP exchange, and all the ways in which it can end.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, LOCATION};
use http::{Response, StatusCode};
use serde_json::Value;

/// What the outside world does with one request.
#[derive(Debug)]
pub struct Exchange {
    /// How long the caller waits before the outcome shows, in milliseconds.
    pub delay_ms: u64,
    /// What then happens.
    pub outcome: Outcome,
}

/// How an exchange ends.
#[derive(Debug)]
pub enum Outcome {
    /// A whole response.
    Respond(Response<Bytes>),
    /// Headers with the full `Content-Length`, half of the body, and then the connection closes.
    Truncate(Response<Bytes>),
    /// The connection closes without a byte; also what a host that the sandbox does not play gives.
    Drop,
    /// No answer, ever.
    Hang,
}

impl Exchange {
    /// A response at once.
    pub fn respond(response: Response<Bytes>) -> Exchange {
        Exchange { delay_ms: 0, outcome: Outcome::Respond(response) }
    }

    /// The response, if there is a whole one.
    pub fn response(&self) -> Option<&Response<Bytes>> {
        match &self.outcome {
            Outcome::Respond(response) => Some(response),
            Outcome::Truncate(_) | Outcome::Drop | Outcome::Hang => None,
        }
    }
}

impl Outcome {
    /// The status line that the caller gets to see, if any.
    pub fn status(&self) -> Option<u16> {
        match self {
            Outcome::Respond(response) | Outcome::Truncate(response) => Some(response.status().as_u16()),
            Outcome::Drop | Outcome::Hang => None,
        }
    }
}

/// A signed request that Slack now sends to the app. What came of it goes to [`crate::Sandbox::delivered`].
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Names this delivery; each retry has its own.
    pub id: u64,
    /// `POST {app_url}/slack/{events,commands,interactions}` with a `v0` signature.
    pub request: http::Request<Bytes>,
}

/// A response with a JSON body.
pub(crate) fn json(status: u16, body: &Value) -> Response<Bytes> {
    with_body(status, "application/json", body.to_string().into())
}

/// A response with an HTML page.
pub(crate) fn html(status: u16, page: impl Into<Bytes>) -> Response<Bytes> {
    with_body(status, "text/html; charset=utf-8", page.into())
}

/// A response with plain text.
pub(crate) fn text(status: u16, body: &str) -> Response<Bytes> {
    with_body(status, "text/plain; charset=utf-8", Bytes::copy_from_slice(body.as_bytes()))
}

/// A 302 to `location`.
pub(crate) fn redirect(location: &str) -> Response<Bytes> {
    let mut response = with_body(302, "text/html; charset=utf-8", Bytes::new());
    set(&mut response, LOCATION, location);
    response
}

/// Sets a header; a value that cannot stand in one is left out.
pub(crate) fn set(response: &mut Response<Bytes>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// Sets a header by its lower-case name; what cannot stand in a header is left out.
pub(crate) fn set_named(response: &mut Response<Bytes>, name: &str, value: &str) {
    if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
        set(response, name, value);
    }
}

fn with_body(status: u16, content_type: &'static str, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
