//! The queue, the runner, the outbox: how one person's requests become answers, in order, none lost.

mod asker;
pub mod calls;
mod decision;
mod deliver;
mod execute;
mod former;
mod identity;
pub mod link;
mod outbox;
pub mod pending;
pub mod person;
mod refused;
pub mod request;
mod runner;
mod status;
pub mod store;
mod tickets;
