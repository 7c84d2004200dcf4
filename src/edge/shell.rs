//! The shells of the Durable Objects that keep something: each a state machine of the core, with this object's storage.
//!
//! They are classes for JavaScript, as `#[durable_object]` of `worker` would declare them; its requests and responses take two
//! dozen steps into JavaScript more for each call, and turn every answer into a stream.

use std::panic::AssertUnwindSafe;
use std::rc::Rc;

use wasm_bindgen::prelude::*;
use worker::web_sys::{Request, Response};
use worker::worker_sys::DurableObjectState;
use worker::{Env, State};

use super::objects::{called, replied};
use super::sql::{Alarm, Sqlite};
use crate::remember::Remembering;

/// Declares a Durable Object around a state machine with `new(name, world, sql, alarm)`, `handle(path, body)` and `run()`.
macro_rules! shell {
    ($(#[$about:meta])* $name:ident: $core:ty) => {
        $(#[$about])*
        #[wasm_bindgen]
        pub struct $name {
            core: std::result::Result<$core, String>,
            alarm: Rc<Alarm>,
        }

        // A panic leaves the tables as the last statement left them, which is a state that calls and the alarm go on from;
        // the instance's own memory holds nothing but mutexes, and copies of what the tables say.
        impl std::panic::RefUnwindSafe for $name {}

        #[wasm_bindgen(wasm_bindgen_futures = worker::wasm_bindgen_futures)]
        impl $name {
            #[wasm_bindgen(constructor)]
            pub fn new(state: DurableObjectState, env: Env) -> $name {
                let state = State::from(state);
                let alarm = Rc::new(Alarm::new(state.storage()));
                let open = || {
                    let name = state.id().name().ok_or("the object has no name")?;
                    let sql = Rc::new(Remembering::new(Rc::new(Sqlite::new(state.storage()))));
                    let core = <$core>::new(&name, super::world(&env), sql, Rc::clone(&alarm) as _);
                    core.map_err(|error| error.to_string())
                };
                $name { core: open(), alarm }
            }

            pub async fn fetch(&self, request: Request) -> Result<Response, JsValue> {
                let answered = async {
                    let core = self.core.as_ref().map_err(String::clone)?;
                    let (path, body) = called(&request).await?;
                    core.handle(&path, &body).await.map_err(|error| error.to_string())
                };
                replied(AssertUnwindSafe(answered).await)
            }

            pub async fn alarm(&self) -> Result<(), JsValue> {
                self.alarm.fired();
                let core = self.core.as_ref().map_err(|error| JsError::new(error))?;
                AssertUnwindSafe(core.run()).await;
                Ok(())
            }
        }
    };
}

shell! {
    /// One Slack person: inbox, turns, connect links, grant.
    Person: crate::turns::person::Person
}
shell! {
    /// One authorization of an MCP client: code, token family, terms, grant.
    Session: crate::sessions::session::Session
}
shell! {
    /// One Sentry account: which sessions there are.
    Account: crate::accounts::account::Account
}
