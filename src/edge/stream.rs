//! The shell of the Stream object.

use std::rc::Rc;

use bytes::Bytes;
use futures::StreamExt;
use worker::{DurableObject, Env, Request, Response, Result, State, durable_object};

use super::runtime::Clock;
use crate::mcp::pipe::{BadCall, OPEN, Pipe};

/// One open stream of the legacy MCP transport. [`Pipe`] is what it does.
#[durable_object(fetch)]
pub struct Stream {
    pipe: Pipe,
}

// A panic leaves at worst a message unsent, or a queue that nobody reads: the stream ends, and its client opens another.
impl std::panic::RefUnwindSafe for Stream {}

impl DurableObject for Stream {
    fn new(_state: State, _env: Env) -> Self {
        Stream { pipe: Pipe::new(Rc::new(Clock)) }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let body = request.bytes().await?;
        if request.path() == OPEN {
            let Ok(stream) = self.pipe.open(&body) else { return Response::error(BadCall.to_string(), 500) };
            return Response::from_stream(stream.map(Ok::<Bytes, worker::Error>));
        }
        match self.pipe.handle(&request.path(), &body) {
            Ok(reply) => Response::from_bytes(reply),
            Err(error) => Response::error(error.to_string(), 500),
        }
    }
}
