//! OAuth toward Sentry: the browser's way from a private link to a grant, and back.
//!
//! [`state`] signs what travels through the browser, [`browser`] binds it to one, [`choices`] remembers ticks in it, [`routes`]
//! are the steps.

pub mod browser;
pub mod choices;
pub mod constants;
pub mod provider;
pub mod routes;
pub mod signed_in;
pub mod state;
