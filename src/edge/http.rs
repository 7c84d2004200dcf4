//! HTTP, both ways.
//!
//! A request and a response each cross between wasm and JavaScript in one step ([`super::bridge`]), headers as one JSON text.

use std::cell::RefCell;
use std::collections::BTreeMap;

use ::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, LOCATION, SET_COOKIE, WWW_AUTHENTICATE};
use ::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use worker::Result;
use worker::web_sys::{self, Response};

use super::bridge::{Client, Exchange, headers_of, respond};
use crate::ports::{Http, HttpError, Limits};
use crate::reply::Stream;

/// What a request becomes.
pub async fn incoming(received: Exchange) -> Result<::http::Request<Bytes>> {
    let received = received.await.map_err(worker::Error::RustError)?;
    let (method, url, pairs): (String, String, Pairs) = serde_json::from_str(&received.text)?;
    let unreadable = |error: ::http::Error| worker::Error::RustError(error.to_string());
    let builder = ::http::Request::builder().method(method.as_str()).uri(url);
    let mut incoming = builder.body(received.bytes).map_err(unreadable)?;
    *incoming.headers_mut() = map(pairs);
    Ok(incoming)
}

/// Gives a response to the runtime, with `stream` for a body if there is one. When the client leaves, the stream is dropped,
/// and what it is made by with it.
pub fn outgoing(response: &::http::Response<Bytes>, stream: Option<Stream>, client: Client) -> Result<Response> {
    if let Some(stream) = stream {
        let all = response.headers().iter();
        let headers = all.map(|(name, value)| (name.as_str(), value.to_str().unwrap_or_default())).collect();
        let streaming = worker::Response::from_stream(client.holding(stream).map(Ok::<Bytes, worker::Error>))?;
        return Ok(streaming.with_status(response.status().as_u16()).with_headers(headers).into());
    }
    Ok(respond(response.status().as_u16(), Some(&made_of(response.headers())?), response.body())?)
}

/// Headers as they cross. What was sent several times stands there several times, or joined.
type Pairs = Vec<(String, String)>;

fn map(pairs: Pairs) -> HeaderMap {
    let known = pairs
        .into_iter()
        .filter_map(|(name, value)| Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?)));
    let mut map = HeaderMap::new();
    for (name, value) in known {
        map.append(name, value);
    }
    map
}

fn pairs(headers: &HeaderMap) -> Result<String> {
    let pairs: Vec<(&str, &str)> =
        headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap_or_default())).collect();
    Ok(serde_json::to_string(&pairs)?)
}

/// As many sets of headers are kept. Those that every answer of a door has are few; more than that are somebody's own.
const SETS: usize = 32;
/// What is of one answer alone: never kept.
const OWN: [HeaderName; 3] = [SET_COOKIE, LOCATION, WWW_AUTHENTICATE];

thread_local! {
    /// A response takes a copy of a `Headers` object in half the time in which it reads a list.
    static KEPT: RefCell<BTreeMap<String, web_sys::Headers>> = const { RefCell::new(BTreeMap::new()) };
}

/// The headers of a response.
fn made_of(headers: &HeaderMap) -> Result<web_sys::Headers> {
    let text = pairs(headers)?;
    let of_one_page = headers.get(ACCESS_CONTROL_ALLOW_ORIGIN).is_some_and(|origin| origin != "*");
    if of_one_page || OWN.iter().any(|name| headers.contains_key(name)) {
        return Ok(headers_of(&text)?);
    }
    if let Some(kept) = KEPT.with_borrow(|kept| kept.get(&text).cloned()) {
        return Ok(kept);
    }
    let made = headers_of(&text)?;
    KEPT.with_borrow_mut(|kept| {
        if kept.len() < SETS {
            kept.insert(text, made.clone());
        }
    });
    Ok(made)
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
        let headers = pairs(request.headers()).map_err(|_| HttpError::Connection)?;
        let deadline = u32::try_from(limits.deadline.as_millis()).unwrap_or(u32::MAX);
        let (url, method) = (request.uri().to_string(), request.method().as_str());
        let over = Exchange::send(&url, method, &headers, request.body(), deadline, limits.max_body).await;
        let over = over.map_err(|why| match why.as_str() {
            "timeout" => HttpError::Timeout,
            "too long" => HttpError::TooLong,
            _ => HttpError::Connection,
        })?;
        let mut response = ::http::Response::new(over.bytes);
        *response.status_mut() = StatusCode::from_u16(over.status).map_err(|_| HttpError::Connection)?;
        *response.headers_mut() = map(serde_json::from_str(&over.text).map_err(|_| HttpError::Connection)?);
        Ok(response)
    }
}
