//! Waiting.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::task::{ArcWake, AtomicWaker, waker_ref};
use worker::Delay;

/// A [`Delay`] that wakes whoever polled it last. The plain one wakes the task that polled it first, which may have ended:
/// work that began in a request's handler goes on in its response's stream.
pub struct Timer {
    delay: Pin<Box<Delay>>,
    relay: Arc<Relay>,
}

struct Relay(AtomicWaker);

impl ArcWake for Relay {
    fn wake_by_ref(relay: &Arc<Relay>) {
        relay.0.wake();
    }
}

impl From<Duration> for Timer {
    fn from(duration: Duration) -> Timer {
        Timer { delay: Box::pin(Delay::from(duration)), relay: Arc::new(Relay(AtomicWaker::new())) }
    }
}

impl Future for Timer {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let relay = Arc::clone(&self.relay);
        relay.0.register(context.waker());
        self.delay.as_mut().poll(&mut Context::from_waker(&waker_ref(&relay)))
    }
}
