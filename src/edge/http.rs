//! HTTP, both ways.
//!
//! Each step from wasm into JavaScript costs up to a microsecond, and a stream takes dozens of them. So headers cross as one
//! JSON text, and a body whose length is known and allowed comes in one piece ([`super::body`]).

use std::cell::RefCell;
use std::collections::BTreeMap;

use ::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CONTENT_ENCODING, CONTENT_LENGTH, LOCATION, SET_COOKIE, WWW_AUTHENTICATE,
};
use ::http::{HeaderMap, HeaderName, HeaderValue, Method};
use async_trait::async_trait;
use bytes::Bytes;
use futures::future::{Either, select};
use futures::{StreamExt, pin_mut};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use worker::js_sys::{JSON, Object, Promise, Uint8Array};
use worker::wasm_bindgen_futures::JsFuture;
use worker::web_sys::{self, Request, RequestInit, RequestRedirect, Response, ResponseInit};
use worker::{AbortController, AbortSignal, Result};

use super::body::{Overflow, stream, whole};
use super::timer::Timer;
use crate::ports::{Http, HttpError, Limits};
use crate::reply::Stream;

/// Reads a request with at most one byte more than `max_body` of its body: enough for a door to say that it is too long.
pub async fn incoming(request: &Request, max_body: usize) -> Result<::http::Request<Bytes>> {
    let unreadable = |error: ::http::Error| worker::Error::RustError(error.to_string());
    let builder = ::http::Request::builder().method(request.method().as_str()).uri(request.url());
    let mut incoming = builder.body(Bytes::new()).map_err(unreadable)?;
    *incoming.headers_mut() = headers(&request.headers())?;
    let body = match *incoming.method() {
        Method::GET | Method::HEAD | Method::OPTIONS => Bytes::new(),
        _ if length(incoming.headers()).is_some_and(|length| length <= max_body) => {
            // A client that goes away in the middle reads no answer.
            whole(request.array_buffer()).await.unwrap_or_default()
        }
        _ => match request.body() {
            Some(body) => stream(body, max_body + 1).await.unwrap_or_else(|Overflow(body)| body),
            None => Bytes::new(),
        },
    };
    *incoming.body_mut() = body;
    Ok(incoming)
}

/// Gives a response to the runtime, with `stream` for a body if there is one. When the client goes away the runtime drops
/// the stream, and what it is made by with it.
pub fn outgoing(response: &::http::Response<Bytes>, stream: Option<Stream>) -> Result<Response> {
    if let Some(stream) = stream {
        let all = response.headers().iter();
        let headers = all.map(|(name, value)| (name.as_str(), value.to_str().unwrap_or_default())).collect();
        let streaming = worker::Response::from_stream(stream.map(Ok::<Bytes, worker::Error>))?;
        return Ok(streaming.with_status(response.status().as_u16()).with_headers(headers).into());
    }
    let init = ResponseInit::new();
    init.set_status(response.status().as_u16());
    init.set_headers(&kept_headers(response.headers())?);
    Ok(match response.body().as_ref() {
        [] => Response::new_with_opt_str_and_init(None, &init)?,
        body => Response::new_with_opt_buffer_source_and_init(Some(&Uint8Array::from(body)), &init)?,
    })
}

/// The headers as one value, each name once: what was sent several times comes joined, as `Headers` gives it.
fn headers(headers: &web_sys::Headers) -> Result<HeaderMap> {
    let text = JSON::stringify(&Object::from_entries(headers)?.into())?;
    let all: BTreeMap<String, String> = serde_json::from_str(&String::from(text))?;
    let known = all
        .into_iter()
        .filter_map(|(name, value)| Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?)));
    Ok(known.collect())
}

/// A list of pairs, which `fetch` and `Response` take as headers.
fn to_headers(headers: &HeaderMap) -> Result<JsValue> {
    Ok(JSON::parse(&pairs(headers)?)?)
}

fn pairs(headers: &HeaderMap) -> Result<String> {
    let pairs: Vec<(&str, &str)> =
        headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap_or_default())).collect();
    Ok(serde_json::to_string(&pairs)?)
}

/// As many sets of headers are kept. Those that every answer of a door has are few; more than that are somebody's own.
const SETS: usize = 32;
/// What is of one answer alone: never kept.
const OWN: [HeaderName; 4] = [SET_COOKIE, LOCATION, ACCESS_CONTROL_ALLOW_ORIGIN, WWW_AUTHENTICATE];

thread_local! {
    /// A response takes a copy of a `Headers` object in half the time in which it reads a list.
    static KEPT: RefCell<BTreeMap<String, web_sys::Headers>> = const { RefCell::new(BTreeMap::new()) };
}

/// The headers of a response.
fn kept_headers(headers: &HeaderMap) -> Result<JsValue> {
    if OWN.iter().any(|name| headers.contains_key(name)) {
        return to_headers(headers);
    }
    let text = pairs(headers)?;
    if let Some(kept) = KEPT.with_borrow(|kept| kept.get(&text).cloned()) {
        return Ok(kept.into());
    }
    let made = web_sys::Headers::new_with_str_sequence_sequence(&JSON::parse(&text)?)?;
    KEPT.with_borrow_mut(|kept| {
        if kept.len() < SETS {
            kept.insert(text, made.clone());
        }
    });
    Ok(made.into())
}

fn length(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch)]
    fn fetch(url: &str, init: &RequestInit) -> std::result::Result<Promise, JsValue>;
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
                let init = to_init(&request).map_err(|_| HttpError::Connection)?;
                init.set_signal(Some(&signal));
                let promise = fetch(&request.uri().to_string(), &init).map_err(|_| HttpError::Connection)?;
                let response = JsFuture::from(promise).await.map_err(|_| HttpError::Connection)?;
                from_fetch(&response.unchecked_into(), limits.max_body).await
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

fn to_init(request: &::http::Request<Bytes>) -> Result<RequestInit> {
    let init = RequestInit::new();
    init.set_method(request.method().as_str());
    init.set_headers(&to_headers(request.headers())?);
    init.set_redirect(RequestRedirect::Manual);
    if !request.body().is_empty() {
        init.set_body(&Uint8Array::from(request.body().as_ref()));
    }
    Ok(init)
}

async fn from_fetch(response: &Response, max_body: usize) -> std::result::Result<::http::Response<Bytes>, HttpError> {
    let mut built = ::http::Response::new(Bytes::new());
    *built.status_mut() = ::http::StatusCode::from_u16(response.status()).map_err(|_| HttpError::Connection)?;
    *built.headers_mut() = headers(&response.headers()).map_err(|_| HttpError::Connection)?;
    // The length as the server told it is not the body's when the runtime unpacks the body.
    let told = length(built.headers()).filter(|_| !built.headers().contains_key(CONTENT_ENCODING));
    let body = match (response.body(), told) {
        (None, _) => Bytes::new(),
        (Some(_), Some(length)) if length <= max_body => {
            whole(response.array_buffer()).await.map_err(|_| HttpError::Connection)?
        }
        (Some(body), _) => stream(body, max_body).await.map_err(|_| HttpError::TooLong)?,
    };
    // A connection that breaks in the middle may look like its end.
    if told.is_some_and(|length| length != body.len()) {
        return Err(HttpError::Connection);
    }
    *built.body_mut() = body;
    Ok(built)
}
