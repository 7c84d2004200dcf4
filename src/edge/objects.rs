//! Calling Durable Objects, and being one: a call is a `POST` of JSON to an internal path.

use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::future::{Either, select};
use wasm_bindgen::{JsCast, JsValue};
use worker::js_sys::Object;
use worker::wasm_bindgen_futures::JsFuture;
use worker::web_sys::{ReadableStream, Request, Response};
use worker::{ByteStream, Env, console_error};

use super::binding;
use super::bridge::{Exchange, open, respond};
use super::timer::Timer;
use crate::ports::{ObjectClass, ObjectError, Objects};
use crate::reply::Stream;

/// A reply that is lost would otherwise be waited for without end. Calls take milliseconds, or for one that revokes a
/// token at Sentry as long as that exchange.
const DEADLINE: Duration = Duration::from_secs(20);

/// The origin of objects, as bridge.js has it: of a call's address only the path matters.
const OBJECT: &str = "https://object";

/// The bindings of the Durable Object namespaces.
pub struct Bindings(pub Rc<Env>);

impl Bindings {
    fn namespace(&self, class: ObjectClass) -> Result<Object, ObjectError> {
        let name = match class {
            ObjectClass::Person => "PERSON",
            ObjectClass::Session => "SESSION",
            ObjectClass::Account => "ACCOUNT",
            ObjectClass::Stream => "STREAM",
        };
        binding(&self.0, name).map_err(ObjectError)
    }
}

#[async_trait(?Send)]
impl Objects for Bindings {
    async fn call(&self, class: ObjectClass, name: &str, path: &str, body: Vec<u8>) -> Result<Vec<u8>, ObjectError> {
        let deadline = u32::try_from(DEADLINE.as_millis()).unwrap_or(u32::MAX);
        let over = Exchange::call(&self.namespace(class)?, name, path, &body, deadline).await;
        Ok(over.map_err(ObjectError)?.bytes.into())
    }

    async fn open(&self, name: &str, path: &str, body: Vec<u8>) -> Result<Stream, ObjectError> {
        let namespace = self.namespace(ObjectClass::Stream)?;
        let failed = |error: JsValue| ObjectError(worker::Error::from(error).to_string());
        let opened = JsFuture::from(open(&namespace, name, path, &body).map_err(failed)?);
        let body = match select(opened, Timer::from(DEADLINE)).await {
            Either::Left((body, _)) => body.map_err(failed)?,
            Either::Right(_) => return Err(ObjectError("no reply in time".to_owned())),
        };
        let stream = ByteStream::from(body.unchecked_into::<ReadableStream>());
        // An object that dies in the middle ends its stream.
        Ok(stream.scan((), |(), chunk| std::future::ready(chunk.ok().map(Bytes::from))).boxed_local())
    }
}

/// Where a call comes in: its path and its body.
///
/// # Errors
/// When the caller is gone before it was read.
pub async fn called(request: &Request) -> Result<(String, Bytes), String> {
    let over = Exchange::called(request).await?;
    let path = over.text.strip_prefix(OBJECT).ok_or("this is no call of an object")?;
    Ok((path.to_owned(), over.bytes))
}

/// The answer to a call. Why there is none is for the log.
pub fn replied(reply: Result<Vec<u8>, String>) -> Result<Response, JsValue> {
    match reply {
        Ok(body) => respond(200, None, &body),
        Err(error) => {
            console_error!("{}", serde_json::json!({ "event": "call_failed", "error": error }));
            respond(500, None, b"failed")
        }
    }
}
