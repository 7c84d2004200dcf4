//! The steps that a browser goes through.

pub mod callback;
pub mod connect;
mod way;
