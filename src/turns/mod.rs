//! The queue, the runner, the outbox: how one person's requests become answers, in order, none lost.

pub mod calls;
pub mod request;
