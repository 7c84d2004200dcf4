//! The shell of the Person object.

use std::rc::Rc;

use worker::{DurableObject, Env, Request, Response, Result, State, durable_object};

use super::sql::{Alarm, Sqlite};
use crate::turns::person as core;

/// One Slack person. [`core::Person`] is what it does.
#[durable_object(alarm)]
pub struct Person {
    person: std::result::Result<core::Person, String>,
    alarm: Rc<Alarm>,
}

// A panic leaves the tables as the last statement left them, which is a state that the runner goes on from; the
// instance's own memory holds nothing but a mutex.
impl std::panic::RefUnwindSafe for Person {}

impl DurableObject for Person {
    fn new(state: State, env: Env) -> Self {
        let alarm = Rc::new(Alarm::new(state.storage()));
        Person { person: open(&state, &env, Rc::clone(&alarm)).map_err(|error| error.to_string()), alarm }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let person = self.person()?;
        let body = request.bytes().await?;
        match person.handle(&request.path(), &body).await {
            Ok(reply) => Response::from_bytes(reply),
            Err(error) => {
                worker::console_error!("{}", serde_json::json!({"event": "call_failed", "error": error.to_string()}));
                Response::error("failed", 500)
            }
        }
    }

    async fn alarm(&self) -> Result<Response> {
        self.alarm.fired();
        self.person()?.run().await;
        Response::empty()
    }
}

impl Person {
    fn person(&self) -> Result<&core::Person> {
        self.person.as_ref().map_err(|error| worker::Error::RustError(error.clone()))
    }
}

fn open(state: &State, env: &Env, alarm: Rc<Alarm>) -> Result<core::Person> {
    let name = state.id().name().ok_or("the object has no name")?;
    let world = super::world(env)?;
    let sql = Rc::new(Sqlite::new(state.storage()));
    core::Person::new(&name, world, sql, alarm).map_err(|error| worker::Error::RustError(error.to_string()))
}
