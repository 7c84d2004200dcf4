//! Vedette: a Cloudflare Worker that lets people investigate Sentry from Slack, and from any MCP client, with their own
//! Sentry access. `docs/architecture.md` shows the shape; [`router`] is every URL.

pub mod accounts;
pub mod cache;
pub mod config;
pub mod crypto;
#[cfg(target_arch = "wasm32")]
pub mod edge;
pub mod grants;
pub mod limits;
pub mod mcp;
pub mod oauth;
pub mod pages;
pub mod ports;
pub mod remember;
pub mod reply;
pub mod router;
pub mod sessions;
pub mod slack;
pub mod status;
pub mod turns;
pub mod world;

#[cfg(target_arch = "wasm32")]
pub use edge::{
    shell::{Account, Person, Session},
    stream::Stream,
};

#[cfg(target_arch = "wasm32")]
#[worker::event(fetch)]
async fn fetch(
    request: worker::web_sys::Request,
    env: worker::Env,
    context: worker::Context,
) -> worker::Result<worker::web_sys::Response> {
    edge::fetch(request, env, context).await
}
