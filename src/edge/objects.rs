//! Calling Durable Objects, and being one: a call is a `POST` of JSON to an internal path.

use std::time::Duration;

use async_trait::async_trait;
use futures::future::{Either, select};
use futures::pin_mut;
use worker::js_sys::Uint8Array;
use worker::{Delay, Env, Method, Request, RequestInit};

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

impl Bindings {
    async fn fetch(&self, class: ObjectClass, name: &str, path: &str, body: &[u8]) -> Result<Vec<u8>, ObjectError> {
        let binding = match class {
            ObjectClass::Person => "PERSON",
            ObjectClass::Session => "SESSION",
            ObjectClass::Account => "ACCOUNT",
        };
        let mut init = RequestInit::new();
        init.with_method(Method::Post).with_body(Some(Uint8Array::from(body).into()));
        let request = Request::new_with_init(&format!("https://object{path}"), &init).map_err(failed)?;
        let stub = self.0.durable_object(binding).and_then(|namespace| namespace.get_by_name(name)).map_err(failed)?;
        let mut response = stub.fetch_with_request(request).await.map_err(failed)?;
        match response.status_code() {
            200 => response.bytes().await.map_err(failed),
            status => Err(ObjectError(format!("{path} was answered with {status}"))),
        }
    }
}

fn failed(error: worker::Error) -> ObjectError {
    ObjectError(error.to_string())
}
