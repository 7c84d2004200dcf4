//! The Stream object: a pipe from the Worker to one client of the legacy transport ([`super::legacy`]).
//!
//! It has one open response, and passes on what it is given. It keeps nothing: what is on its way is in its memory, bounded
//! in number and size, and is lost with it, which loses answers that can be asked for again. The response begins with the
//! event `endpoint`, has a comment whenever nothing was sent for 25 seconds, so that what stands between does not end it,
//! and ends after an hour: clients open another by themselves. An object that is open is billed for its time.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use futures::channel::mpsc::{Receiver, Sender, channel};
use futures::future::{Either, select};
use futures::stream::unfold;
use futures::{FutureExt, StreamExt};
use serde::{Deserialize, Serialize};

use crate::ports::{Call, Clock, Timestamp, declare_call};
use crate::reply::Stream;

/// How long a stream lives.
pub const LIFE: Duration = Duration::from_secs(60 * 60);
/// The longest silence: proxies end a connection after 30 to 100 seconds of it.
pub const HEARTBEAT: Duration = Duration::from_secs(25);
/// The most messages that wait for a client that does not read.
pub const QUEUE: usize = 32;
/// The most bytes of them.
pub const QUEUE_BYTES: usize = 4 * 1024 * 1024;

/// Where the stream is opened.
pub const OPEN: &str = "/open";

/// Opens the stream; the reply is the stream itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Open {
    /// Where the client is to send its messages: a path with a query.
    pub endpoint: String,
}

/// Puts a message on the stream.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Push {
    /// The message, JSON in one line. `None` asks only whether the stream is there.
    pub message: Option<String>,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pushed {
    /// It is on its way.
    Yes,
    /// The client left, or the stream's time was over, or it never was.
    Gone,
    /// Too much waits for a client that does not read.
    Full,
}
declare_call!(Stream: Push => Pushed, "/push");

/// No such call, or a body that is none.
#[derive(Debug, thiserror::Error)]
#[error("no such call")]
pub struct BadCall;

/// A pipe.
pub struct Pipe {
    clock: Rc<dyn Clock>,
    sender: RefCell<Option<Sender<Bytes>>>,
    unread: Rc<Cell<Unread>>,
}

/// What waits for the client to read it.
#[derive(Clone, Copy, Default)]
struct Unread {
    messages: usize,
    bytes: usize,
}

impl Pipe {
    /// A pipe that is not open.
    pub fn new(clock: Rc<dyn Clock>) -> Pipe {
        Pipe { clock, sender: RefCell::default(), unread: Rc::default() }
    }

    /// Opens it. Whatever was open ends.
    ///
    /// # Errors
    /// When `body` is no [`Open`].
    pub fn open(&self, body: &[u8]) -> Result<Stream, BadCall> {
        let open: Open = serde_json::from_slice(body).map_err(|_| BadCall)?;
        let (sender, receiver) = channel(QUEUE);
        self.sender.replace(Some(sender));
        self.unread.set(Unread::default());
        let running = Running {
            clock: Rc::clone(&self.clock),
            receiver,
            unread: Rc::clone(&self.unread),
            ends_at: self.clock.now() + LIFE,
        };
        let first = Bytes::from(format!("event: endpoint\ndata: {}\n\n", open.endpoint));
        let rest = unfold(running, |mut running| async move { Some((running.next().await?, running)) });
        Ok(futures::stream::once(async { first }).chain(rest).boxed_local())
    }

    /// Answers the call on `path`.
    ///
    /// # Errors
    /// [`BadCall`].
    pub fn handle(&self, path: &str, body: &[u8]) -> Result<Vec<u8>, BadCall> {
        if path != Push::PATH {
            return Err(BadCall);
        }
        let push: Push = serde_json::from_slice(body).map_err(|_| BadCall)?;
        serde_json::to_vec(&self.push(push)).map_err(|_| BadCall)
    }

    fn push(&self, push: Push) -> Pushed {
        let mut sender = self.sender.borrow_mut();
        let Some(open) = sender.as_mut().filter(|sender| !sender.is_closed()) else {
            *sender = None;
            return Pushed::Gone;
        };
        let Unread { messages, bytes } = self.unread.get();
        let event = push.message.map(|message| Bytes::from(format!("event: message\ndata: {message}\n\n")));
        let bytes = bytes + event.as_ref().map_or(0, Bytes::len);
        if messages >= QUEUE || bytes > QUEUE_BYTES {
            return Pushed::Full;
        }
        let Some(event) = event else { return Pushed::Yes };
        match open.try_send(event) {
            Ok(()) => {
                self.unread.set(Unread { messages: messages + 1, bytes });
                Pushed::Yes
            }
            Err(error) if error.is_full() => Pushed::Full,
            Err(_) => Pushed::Gone,
        }
    }
}

/// The open side.
struct Running {
    clock: Rc<dyn Clock>,
    receiver: Receiver<Bytes>,
    unread: Rc<Cell<Unread>>,
    ends_at: Timestamp,
}

impl Running {
    async fn next(&mut self) -> Option<Bytes> {
        let left = self.ends_at.since(self.clock.now());
        if left.is_zero() {
            return None;
        }
        let silence = self.clock.sleep(HEARTBEAT.min(left)).fuse();
        match select(self.receiver.next(), silence).await {
            Either::Left((event, _)) => {
                let event = event?;
                let Unread { messages, bytes } = self.unread.get();
                let (messages, bytes) = (messages.saturating_sub(1), bytes.saturating_sub(event.len()));
                self.unread.set(Unread { messages, bytes });
                Some(event)
            }
            Either::Right(_) if self.ends_at <= self.clock.now() => None,
            Either::Right(_) => Some(Bytes::from_static(b": still here\n\n")),
        }
    }
}
