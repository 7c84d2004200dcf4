//! What a door gives back: a response, perhaps with a body that is still being written, perhaps with work for afterwards.

use std::time::Duration;

use bytes::Bytes;
use futures::future::LocalBoxFuture;
use futures::stream::LocalBoxStream;
use http::Response;

/// Work for after the response: the edge runs it with `waitUntil`, for 30 s at most. Losing it loses an answer that can be
/// asked for again, or a courtesy, and nothing else.
pub type Deferred = LocalBoxFuture<'static, ()>;

/// A wait as `Retry-After` has it (RFC 9110 §10.2.3): never less than it is, and never none.
pub fn whole_seconds(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u64::MAX).max(1)
}

/// A body, piece by piece. Dropping it is how work ends whose client went away.
pub type Stream = LocalBoxStream<'static, Bytes>;

/// A response, and what is left to do after it.
pub struct Reply {
    /// The response.
    pub response: Response<Bytes>,
    /// The body instead of the response's own, which is empty then.
    pub stream: Option<Stream>,
    /// What is left to do.
    pub deferred: Option<Deferred>,
}

impl Reply {
    /// A response with something left to do after it.
    pub fn deferring(response: Response<Bytes>, deferred: Option<Deferred>) -> Reply {
        Reply { deferred, ..Reply::from(response) }
    }

    /// A response whose body is `stream`.
    pub fn streaming(response: Response<Bytes>, stream: Stream) -> Reply {
        Reply { stream: Some(stream), ..Reply::from(response) }
    }
}

impl From<Response<Bytes>> for Reply {
    fn from(response: Response<Bytes>) -> Reply {
        Reply { response, stream: None, deferred: None }
    }
}
