//! HTTP, both ways.

use ::http::{HeaderName, HeaderValue};
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::future::{Either, select};
use futures::{StreamExt, pin_mut};
use worker::js_sys::Uint8Array;
use worker::{
    AbortController, AbortSignal, ByteStream, Fetch, Headers, Method, Request, RequestInit, RequestRedirect, Response,
    Result,
};

use super::timer::Timer;
use crate::ports::{Http, HttpError, Limits};
use crate::reply::Stream;

/// Reads a request with at most one byte more than `max_body` of its body: enough for a door to say that it is too long.
pub async fn incoming(mut request: Request, max_body: usize) -> Result<::http::Request<Bytes>> {
    let mut builder = ::http::Request::builder().method(request.method().as_ref()).uri(request.url()?.as_str());
    for (name, value) in request.headers() {
        builder = builder.header(name, value);
    }
    let body = match request.method() {
        Method::Get | Method::Head | Method::Options => Bytes::new(),
        _ => match request.stream() {
            Ok(stream) => read(stream, max_body + 1).await.unwrap_or_else(|Overflow(body)| body),
            Err(_) => Bytes::new(),
        },
    };
    builder.body(body).map_err(|error| worker::Error::RustError(error.to_string()))
}

/// Gives a response to the runtime, with `stream` for a body if there is one. When the client goes away the runtime drops
/// the stream, and what it is made by with it.
pub fn outgoing(response: ::http::Response<Bytes>, stream: Option<Stream>) -> Result<Response> {
    let (parts, body) = response.into_parts();
    let headers = Headers::new();
    for (name, value) in &parts.headers {
        headers.append(name.as_str(), value.to_str().unwrap_or_default())?;
    }
    let response = match stream {
        Some(stream) => Response::from_stream(stream.map(Ok::<Bytes, worker::Error>))?,
        None if body.is_empty() => Response::empty()?,
        None => Response::from_bytes(body.to_vec())?,
    };
    Ok(response.with_status(parts.status.as_u16()).with_headers(headers))
}

/// `fetch`.
pub struct Outbound;

#[async_trait(?Send)]
impl Http for Outbound {
    async fn send(
        &self,
        request: ::http::Request<Bytes>,
        limits: Limits,
    ) -> std::result::Result<::http::Response<Bytes>, HttpError> {
        let mut abort = Abort(Some(AbortController::default()));
        let signal = abort.0.as_ref().map(AbortController::signal).unwrap_or_else(AbortSignal::abort);
        let outcome = {
            let exchange = async {
                let request = to_fetch(request).map_err(|_| HttpError::Connection)?;
                let response =
                    Fetch::Request(request).send_with_signal(&signal).await.map_err(|_| HttpError::Connection)?;
                from_fetch(response, limits.max_body).await
            };
            pin_mut!(exchange);
            match select(exchange, Timer::from(limits.deadline)).await {
                Either::Left((outcome, _)) => outcome,
                Either::Right(_) => Err(HttpError::Timeout),
            }
        };
        if outcome.is_ok() {
            abort.0 = None;
        }
        outcome
    }
}

/// Ends an exchange that fails, or that nobody waits for any more.
struct Abort(Option<AbortController>);

impl Drop for Abort {
    fn drop(&mut self) {
        if let Some(controller) = self.0.take() {
            controller.abort();
        }
    }
}

fn to_fetch(request: ::http::Request<Bytes>) -> Result<Request> {
    let (parts, body) = request.into_parts();
    let headers = Headers::new();
    for (name, value) in &parts.headers {
        headers.append(name.as_str(), value.to_str().unwrap_or_default())?;
    }
    let mut init = RequestInit::new();
    init.with_method(Method::from(parts.method.as_str().to_owned()))
        .with_headers(headers)
        .with_redirect(RequestRedirect::Manual);
    if !body.is_empty() {
        init.with_body(Some(Uint8Array::from(body.as_ref()).into()));
    }
    Request::new_with_init(&parts.uri.to_string(), &init)
}

async fn from_fetch(
    mut response: Response,
    max_body: usize,
) -> std::result::Result<::http::Response<Bytes>, HttpError> {
    let mut builder = ::http::Response::builder().status(response.status_code());
    for (name, value) in response.headers() {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            builder = builder.header(name, value);
        }
    }
    let told = declared_length(&builder);
    let body = match response.stream() {
        Ok(stream) => read(stream, max_body).await.map_err(|_| HttpError::TooLong)?,
        Err(_) => Bytes::new(),
    };
    // A connection that breaks in the middle looks to a stream like its end.
    if told.is_some_and(|length| length != body.len()) {
        return Err(HttpError::Connection);
    }
    builder.body(body).map_err(|_| HttpError::Connection)
}

/// The body's length as the server told it; not known when the runtime unpacks the body.
fn declared_length(builder: &::http::response::Builder) -> Option<usize> {
    let headers = builder.headers_ref()?;
    if headers.contains_key(::http::header::CONTENT_ENCODING) {
        return None;
    }
    headers.get(::http::header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The body is longer than allowed; this is its beginning.
struct Overflow(Bytes);

async fn read(mut stream: ByteStream, max: usize) -> std::result::Result<Bytes, Overflow> {
    let mut body = BytesMut::new();
    while let Some(Ok(chunk)) = stream.next().await {
        body.extend_from_slice(&chunk);
        if body.len() > max {
            body.truncate(max);
            return Err(Overflow(body.freeze()));
        }
    }
    Ok(body.freeze())
}
