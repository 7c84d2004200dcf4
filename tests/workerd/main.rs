//! Tests of the built Worker on workerd. They need `npm run build` and the sandbox's program; `npm test` makes both.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)] // a test may fail
#![allow(clippy::disallowed_methods)] // this side of the wire has a clock

mod browser;
mod clients;
mod crashes;
mod guards;
mod hostile;
mod mcp;
mod memory;
mod rig;
mod rmcp;
mod story;
mod streams;
