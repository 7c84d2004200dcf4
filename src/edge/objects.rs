//! Calling Durable Objects, and being one: a call is a `POST` of JSON to an internal path.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::{Either, select};
use futures::{StreamExt, pin_mut};
use worker::js_sys::Uint8Array;
use worker::{Env, Method, Request, RequestInit, Response};

use super::timer::Timer;
use crate::ports::{ObjectClass, ObjectError, Objects};
use crate::reply::Stream;

/// A reply that is lost would otherwise be waited for without end. Calls take milliseconds, or for one that revokes a
/// token at Sentry as long as that exchange.
const DEADLINE: Duration = Duration::from_secs(20);

/// The bindings of the Durable Object namespaces.
pub struct Bindings(pub Env);

#[async_trait(?Send)]
impl Objects for Bindings {
    async fn call(&self, class: ObjectClass, name: &str, path: &str, body: Vec<u8>) -> Result<Vec<u8>, ObjectError> {
        let call = self.fetch(class, name, path, &body);
        pin_mut!(call);
        match select(call, Timer::from(DEADLINE)).await {
            Either::Left((reply, _)) => reply,
            Either::Right(_) => Err(ObjectError("no reply in time".to_owned())),
        }
    }

    async fn open(&self, name: &str, path: &str, body: Vec<u8>) -> Result<Stream, ObjectError> {
        let begun = self.begun(ObjectClass::Stream, name, path, &body);
        pin_mut!(begun);
        let mut response = match select(begun, Timer::from(DEADLINE)).await {
            Either::Left((response, _)) => response?,
            Either::Right(_) => return Err(ObjectError("no reply in time".to_owned())),
        };
        let stream = response.stream().map_err(failed)?;
        // An object that dies in the middle ends its stream.
        Ok(stream.scan((), |(), chunk| std::future::ready(chunk.ok().map(Bytes::from))).boxed_local())
    }
}

impl Bindings {
    async fn fetch(&self, class: ObjectClass, name: &str, path: &str, body: &[u8]) -> Result<Vec<u8>, ObjectError> {
        self.begun(class, name, path, body).await?.bytes().await.map_err(failed)
    }

    async fn begun(&self, class: ObjectClass, name: &str, path: &str, body: &[u8]) -> Result<Response, ObjectError> {
        let binding = match class {
            ObjectClass::Person => "PERSON",
            ObjectClass::Session => "SESSION",
            ObjectClass::Account => "ACCOUNT",
            ObjectClass::Stream => "STREAM",
        };
        let mut init = RequestInit::new();
        init.with_method(Method::Post).with_body(Some(Uint8Array::from(body).into()));
        let request = Request::new_with_init(&format!("https://object{path}"), &init).map_err(failed)?;
        let stub = self.0.durable_object(binding).and_then(|namespace| namespace.get_by_name(name)).map_err(failed)?;
        let response = stub.fetch_with_request(request).await.map_err(failed)?;
        match response.status_code() {
            200 => Ok(response),
            status => Err(ObjectError(format!("{path} was answered with {status}"))),
        }
    }
}

fn failed(error: worker::Error) -> ObjectError {
    ObjectError(error.to_string())
}
