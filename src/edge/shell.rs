//! The shells of the Durable Objects that keep something: each a state machine of the core, with this object's storage.

use std::rc::Rc;

use worker::{DurableObject, Env, Request, Response, Result, State, durable_object};

use super::sql::{Alarm, Sqlite};

/// Declares a Durable Object around a state machine with `new(name, world, sql, alarm)`, `handle(path, body)` and `run()`.
macro_rules! shell {
    ($(#[$about:meta])* $name:ident: $core:ty) => {
        $(#[$about])*
        #[durable_object(alarm)]
        pub struct $name {
            core: std::result::Result<$core, String>,
            alarm: Rc<Alarm>,
        }

        // A panic leaves the tables as the last statement left them, which is a state that calls and the alarm go on from;
        // the instance's own memory holds nothing but mutexes, and copies of what the tables say.
        impl std::panic::RefUnwindSafe for $name {}

        impl DurableObject for $name {
            fn new(state: State, env: Env) -> Self {
                let alarm = Rc::new(Alarm::new(state.storage()));
                let open = || {
                    let name = state.id().name().ok_or("the object has no name")?;
                    let sql = Rc::new(Sqlite::new(state.storage()));
                    <$core>::new(&name, super::world(&env), sql, Rc::clone(&alarm) as _).map_err(failed)
                };
                $name { core: open().map_err(|error| error.to_string()), alarm }
            }

            async fn fetch(&self, mut request: Request) -> Result<Response> {
                let core = self.core.as_ref().map_err(failed)?;
                let body = request.bytes().await?;
                match core.handle(&request.path(), &body).await {
                    Ok(reply) => Response::from_bytes(reply),
                    Err(error) => {
                        worker::console_error!("{}", serde_json::json!({"event": "call_failed", "error": error.to_string()}));
                        Response::error("failed", 500)
                    }
                }
            }

            async fn alarm(&self) -> Result<Response> {
                self.alarm.fired();
                self.core.as_ref().map_err(failed)?.run().await;
                Response::empty()
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

fn failed(error: impl ToString) -> worker::Error {
    worker::Error::RustError(error.to_string())
}
