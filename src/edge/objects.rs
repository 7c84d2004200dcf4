//! Calling Durable Objects, and being one: a call is a `POST` of JSON to an internal path.

use std::time::Duration;

use async_trait::async_trait;
use futures::future::{Either, select};
use futures::pin_mut;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use worker::js_sys::{self, Promise, Uint8Array};
use worker::wasm_bindgen_futures::JsFuture;
use worker::web_sys::{RequestInit, Response};
use worker::{Delay, Env};

use super::body::whole;
use crate::ports::{ObjectClass, ObjectError, Objects};

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
        match select(call, Delay::from(DEADLINE)).await {
            Either::Left((reply, _)) => reply,
            Either::Right(_) => Err(ObjectError("no reply in time".to_owned())),
        }
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
    async fn fetch(&self, class: ObjectClass, name: &str, path: &str, body: &[u8]) -> Result<Vec<u8>, ObjectError> {
        let binding = match class {
            ObjectClass::Person => "PERSON",
            ObjectClass::Session => "SESSION",
        };
        let stub = self.0.durable_object(binding).and_then(|namespace| namespace.get_by_name(name));
        let stub: Stub = stub.map_err(|error| ObjectError(error.to_string()))?.into_rpc();
        let init = RequestInit::new();
        init.set_method("POST");
        init.set_body(&Uint8Array::from(body));
        let promise = stub.fetch(&format!("https://object{path}"), &init).map_err(failed)?;
        let response: Response = JsFuture::from(promise).await.map_err(failed)?.unchecked_into();
        match response.status() {
            200 => Ok(whole(response.array_buffer()).await.map_err(failed)?.into()),
            status => Err(ObjectError(format!("{path} was answered with {status}"))),
        }
    }
}

fn failed(error: JsValue) -> ObjectError {
    ObjectError(worker::Error::from(error).to_string())
}
