//! Sessions: one MCP client's authorization by one person, from consent to revocation.
//!
//! [`session`] is the object and its protocol, [`calls`] what it answers, [`tokens`] what its clients hold, [`terms`] what
//! was agreed to.

mod account;
pub mod calls;
mod family;
pub mod session;
mod store;
mod sweep;
pub mod terms;
pub mod tokens;
