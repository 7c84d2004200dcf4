//! Cloudflare: the only place that names `worker::`.
//!
//! Ports implemented on Workers, one file each, and the shells of the Durable Objects. Nothing is decided here.

// The macros of `worker` and `wasm_bindgen` expand to `unsafe`, undocumented glue.
#![allow(unsafe_code, missing_docs)]

mod body;
mod http;
mod kv;
mod limiter;
mod objects;
mod runtime;
pub mod shell;
mod sql;
pub mod stream;
mod timer;

use std::cell::OnceCell;
use std::rc::Rc;

use worker::web_sys::{Request, Response};
use worker::{Context, Env, Result};

use crate::config::Config;
use crate::ports::World;
use crate::router;

/// Answers a request: turns it into plain types, routes it, and lets deferred work run after the response.
pub async fn fetch(request: Request, env: Env, context: Context) -> Result<Response> {
    let world = world(&env);
    let request = http::incoming(&request, router::MAX_BODY).await?;
    let reply = router::route(&world, request).await;
    if let Some(deferred) = reply.deferred {
        context.wait_until(deferred);
    }
    http::outgoing(&reply.response, reply.stream)
}

/// The world, for one request or one object.
pub fn world(env: &Env) -> World {
    World {
        config: config(env),
        clock: Rc::new(runtime::Clock),
        random: Rc::new(runtime::Random),
        http: Rc::new(http::Outbound),
        kv: Rc::new(kv::Namespace(env.clone())),
        objects: Rc::new(objects::Bindings(env.clone())),
        limiter: Rc::new(limiter::Bindings(env.clone())),
        log: Rc::new(runtime::Console),
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
