//! The shell of the Account object.

use std::rc::Rc;

use worker::{DurableObject, Env, Request, Response, Result, State, durable_object};

use super::sql::{Alarm, Sqlite};
use crate::accounts::account as core;

/// One Sentry account. [`core::Account`] is what it does.
#[durable_object(alarm)]
pub struct Account {
    account: std::result::Result<core::Account, String>,
    alarm: Rc<Alarm>,
}

// A panic leaves the tables as the last statement left them, which is a state that calls and the alarm go on from; the
// instance's own memory holds nothing but mutexes.
impl std::panic::RefUnwindSafe for Account {}

impl DurableObject for Account {
    fn new(state: State, env: Env) -> Self {
        let alarm = Rc::new(Alarm::new(state.storage()));
        Account { account: open(&state, &env, Rc::clone(&alarm)).map_err(|error| error.to_string()), alarm }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let account = self.account()?;
        let body = request.bytes().await?;
        match account.handle(&request.path(), &body).await {
            Ok(reply) => Response::from_bytes(reply),
            Err(error) => {
                worker::console_error!("{}", serde_json::json!({"event": "call_failed", "error": error.to_string()}));
                Response::error("failed", 500)
            }
        }
    }

    async fn alarm(&self) -> Result<Response> {
        self.alarm.fired();
        self.account()?.run().await;
        Response::empty()
    }
}

impl Account {
    fn account(&self) -> Result<&core::Account> {
        self.account.as_ref().map_err(|error| worker::Error::RustError(error.clone()))
    }
}

fn open(state: &State, env: &Env, alarm: Rc<Alarm>) -> Result<core::Account> {
    let name = state.id().name().ok_or("the object has no name")?;
    let world = super::world(env)?;
    let sql = Rc::new(Sqlite::new(state.storage()));
    core::Account::new(&name, world, sql, alarm).map_err(|error| worker::Error::RustError(error.to_string()))
}
