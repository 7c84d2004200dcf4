//! The shell of the Session object.

use std::rc::Rc;

use worker::{DurableObject, Env, Request, Response, Result, State, durable_object};

use super::sql::{Alarm, Sqlite};
use crate::sessions::session as core;

/// One authorization of an MCP client. [`core::Session`] is what it does.
#[durable_object(alarm)]
pub struct Session {
    session: std::result::Result<core::Session, String>,
    alarm: Rc<Alarm>,
}

// A panic leaves the tables as the last statement left them, which is a state that calls and the alarm go on from; the
// instance's own memory holds nothing but mutexes.
impl std::panic::RefUnwindSafe for Session {}

impl DurableObject for Session {
    fn new(state: State, env: Env) -> Self {
        let alarm = Rc::new(Alarm::new(state.storage()));
        Session { session: open(&state, &env, Rc::clone(&alarm)).map_err(|error| error.to_string()), alarm }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let session = self.session()?;
        let body = request.bytes().await?;
        match session.handle(&request.path(), &body).await {
            Ok(reply) => Response::from_bytes(reply),
            Err(error) => {
                worker::console_error!("{}", serde_json::json!({"event": "call_failed", "error": error.to_string()}));
                Response::error("failed", 500)
            }
        }
    }

    async fn alarm(&self) -> Result<Response> {
        self.alarm.fired();
        self.session()?.run().await;
        Response::empty()
    }
}

impl Session {
    fn session(&self) -> Result<&core::Session> {
        self.session.as_ref().map_err(|error| worker::Error::RustError(error.clone()))
    }
}

fn open(state: &State, env: &Env, alarm: Rc<Alarm>) -> Result<core::Session> {
    let name = state.id().name().ok_or("the object has no name")?;
    let world = super::world(env)?;
    let sql = Rc::new(Sqlite::new(state.storage()));
    core::Session::new(&name, world, sql, alarm).map_err(|error| worker::Error::RustError(error.to_string()))
}
