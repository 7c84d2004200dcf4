//! Cloudflare: the only place that names `worker::`.
//!
//! Ports implemented on Workers, one file each, and the shells of the Durable Objects. Nothing is decided here.

// The macros of `worker` and `wasm_bindgen` expand to `unsafe`, undocumented glue.
#![allow(unsafe_code, missing_docs)]

mod bridge;
mod http;
mod kv;
mod limiter;
mod objects;
mod runtime;
pub mod shell;
mod sql;
pub mod stream;
mod timer;

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use futures::future::{Either, select};

use wasm_bindgen::{JsCast, JsValue};
use worker::js_sys::{Object, Reflect};
use worker::web_sys::{Request, Response};
use worker::{Context, Env, Result};

use self::bridge::{Exchange, respond};
use self::timer::Timer;
use crate::config::Config;
use crate::ports::Ports;
use crate::reply::Reply;
use crate::router;
use crate::world::World;

/// The runtime ends what runs after a response after 30 seconds, without a word, and so without giving back its memory.
const DEFERRED: Duration = Duration::from_secs(28);
/// What is answered to a client that left, and so read by nobody.
const NOBODY: u16 = 499;

/// Answers a request: turns it into plain types, routes it, and lets deferred work run after the response. When the client
/// leaves before that, all of it is dropped.
pub async fn fetch(request: Request, env: Env, context: Context) -> Result<Response> {
    let (received, mut client) = Exchange::receive(&request, router::max_body(&path_of(&request)));
    let replied = async {
        let world = world(&env);
        Ok::<Reply, worker::Error>(router::route(&world, http::incoming(received).await?).await)
    };
    let reply = match select(pin!(replied), &mut client).await {
        Either::Left((reply, _)) => reply?,
        Either::Right(_) => return Ok(respond(NOBODY, None, &[])?),
    };
    if let Some(deferred) = reply.deferred {
        context.wait_until(async { drop(select(deferred, Timer::from(DEFERRED)).await) });
    }
    http::outgoing(&reply.response, reply.stream, client)
}

/// The path of a request's address.
fn path_of(request: &Request) -> String {
    let url = request.url();
    let after_scheme = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
    let path = after_scheme.find('/').and_then(|at| after_scheme.get(at..)).unwrap_or_default();
    path.to_owned()
}

/// The world, for one request or one object.
pub fn world(env: &Env) -> World {
    let env = Rc::new(env.clone());
    World {
        config: config(&env),
        ports: Ports {
            clock: Rc::new(runtime::Clock),
            random: Rc::new(runtime::Random),
            http: Rc::new(http::Outbound),
            log: Rc::new(runtime::Console),
        },
        kv: Rc::new(kv::Namespace(Rc::clone(&env))),
        objects: Rc::new(objects::Bindings(Rc::clone(&env))),
        limiter: Rc::new(limiter::Bindings(env)),
    }
}

thread_local! {
    /// Variables cannot change while an isolate lives: they are parsed once.
    static CONFIG: OnceCell<Rc<Config>> = const { OnceCell::new() };
}

fn config(env: &Env) -> Rc<Config> {
    CONFIG.with(|config| {
        Rc::clone(
            config.get_or_init(|| Rc::new(Config::parse(|name| env.var(name).ok().map(|value| value.to_string())))),
        )
    })
}

thread_local! {
    /// Nor can bindings: each is looked up once. What a name stands for belongs to no request.
    static BINDINGS: RefCell<BTreeMap<String, Object>> = const { RefCell::new(BTreeMap::new()) };
}

/// The binding `name` of wrangler.toml, or the sentence that there is none.
fn binding(env: &Env, name: &str) -> std::result::Result<Object, String> {
    if let Some(known) = BINDINGS.with_borrow(|known| known.get(name).cloned()) {
        return Ok(known);
    }
    let found = Reflect::get(env, &JsValue::from_str(name)).unwrap_or(JsValue::UNDEFINED);
    let found: Object = found.dyn_into().map_err(|_| format!("wrangler.toml has no binding {name}"))?;
    BINDINGS.with_borrow_mut(|known| known.insert(name.to_owned(), found.clone()));
    Ok(found)
}
