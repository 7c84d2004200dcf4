//! Conversations: the whole Worker on the host, with the sandbox as the outside world.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)] // a test may fail

mod accounts;
mod belonging;
mod browser;
mod buttons;
mod connect_pages;
mod crashes;
mod errors;
mod front;
mod grants;
mod headless;
mod hostile;
mod limits;
mod mcp;
mod mcp_calls;
mod mcp_progress;
mod mcp_sessions;
mod mcp_sse;
mod oauth_callback;
mod oauth_documents;
mod oauth_flow;
mod oauth_sessions;
mod oauth_token;
mod order;
mod people;
mod personal;
mod secrets;
mod self_hosted;
mod slack_faults;
mod story;
mod world;
