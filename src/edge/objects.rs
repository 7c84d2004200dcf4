//! Calling Durable Objects, and being one: a call is a `POST` of JSON to an internal path.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::{Either, select};
use futures::{StreamExt, pin_mut};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use worker::js_sys::{self, Promise, Uint8Array};
use worker::wasm_bindgen_futures::JsFuture;
use worker::web_sys::{AbortSignal, RequestInit, Response};
use worker::{ByteStream, Env};

use super::body::whole;
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
        let response = self.begun(class, name, path, &body, Some(&within(DEADLINE))).await?;
        Ok(whole(response.array_buffer()).await.map_err(failed)?.into())
    }

    async fn open(&self, name: &str, path: &str, body: Vec<u8>) -> Result<Stream, ObjectError> {
        let begun = self.begun(ObjectClass::Stream, name, path, &body, None);
        pin_mut!(begun);
        let response = match select(begun, Timer::from(DEADLINE)).await {
            Either::Left((response, _)) => response?,
            Either::Right(_) => return Err(ObjectError("no reply in time".to_owned())),
        };
        let body = response.body().ok_or_else(|| ObjectError("no stream".to_owned()))?;
        let stream = ByteStream::from(body);
        // An object that dies in the middle ends its stream.
        Ok(stream.scan((), |(), chunk| std::future::ready(chunk.ok().map(Bytes::from))).boxed_local())
    }
}

#[wasm_bindgen]
extern "C" {
    /// A stub, without the wrapping of `worker`, whose response bodies are streams only.
    #[wasm_bindgen(extends = js_sys::Object)]
    type Stub;

    #[wasm_bindgen(method, catch)]
    fn fetch(this: &Stub, url: &str, init: &RequestInit) -> Result<Promise, JsValue>;
}

impl Bindings {
    async fn begun(
        &self,
        class: ObjectClass,
        name: &str,
        path: &str,
        body: &[u8],
        signal: Option<&AbortSignal>,
    ) -> Result<Response, ObjectError> {
        let binding = match class {
            ObjectClass::Person => "PERSON",
            ObjectClass::Session => "SESSION",
            ObjectClass::Account => "ACCOUNT",
            ObjectClass::Stream => "STREAM",
        };
        let stub = self.0.durable_object(binding).and_then(|namespace| namespace.get_by_name(name));
        let stub: Stub = stub.map_err(|error| ObjectError(error.to_string()))?.into_rpc();
        let init = RequestInit::new();
        init.set_method("POST");
        init.set_signal(signal);
        init.set_body(&Uint8Array::from(body));
        let promise = stub.fetch(&format!("https://object{path}"), &init).map_err(failed)?;
        let response: Response = JsFuture::from(promise).await.map_err(failed)?.unchecked_into();
        match response.status() {
            200 => Ok(response),
            status => Err(ObjectError(format!("{path} was answered with {status}"))),
        }
    }
}

/// Ends what takes longer, its answer's body included.
fn within(deadline: Duration) -> AbortSignal {
    AbortSignal::timeout_with_u32(u32::try_from(deadline.as_millis()).unwrap_or(u32::MAX))
}

fn failed(error: JsValue) -> ObjectError {
    ObjectError(worker::Error::from(error).to_string())
}
