//! The steps that a browser goes through.

pub mod account;
pub mod approved;
pub mod authorize;
pub mod callback;
pub mod connect;
mod way;
