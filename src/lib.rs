//! Vedette: a Cloudflare Worker that lets people investigate Sentry from Slack, and from any MCP client, with their own
//! Sentry access. `docs/architecture.md` shows the shape.

pub mod commands;
pub mod config;
pub mod crypto;
pub mod grants;
pub mod pages;
pub mod ports;
pub mod sentry;
pub mod slack;
pub mod turns;
