//! The shell of the Stream object.

use std::rc::Rc;

use bytes::Bytes;
use futures::StreamExt;
use wasm_bindgen::prelude::*;
use worker::Env;
use worker::web_sys::{Request, Response};
use worker::worker_sys::DurableObjectState;

use super::objects::{called, replied};
use super::runtime::Clock;
use crate::mcp::pipe::{OPEN, Pipe};

/// One open stream of the legacy MCP transport. [`Pipe`] is what it does.
#[wasm_bindgen]
pub struct Stream {
    pipe: Pipe,
}

// A panic leaves at worst a message unsent, or a queue that nobody reads: the stream ends, and its client opens another.
impl std::panic::RefUnwindSafe for Stream {}

#[wasm_bindgen(wasm_bindgen_futures = worker::wasm_bindgen_futures)]
impl Stream {
    #[wasm_bindgen(constructor)]
    pub fn new(_state: DurableObjectState, _env: Env) -> Stream {
        Stream { pipe: Pipe::new(Rc::new(Clock)) }
    }

    pub async fn fetch(&self, request: Request) -> Result<Response, JsValue> {
        let (path, body) = match called(&request).await {
            Ok(call) => call,
            Err(error) => return replied(Err(error)),
        };
        if path != OPEN {
            return replied(self.pipe.handle(&path, &body).map_err(|error| error.to_string()));
        }
        match self.pipe.open(&body) {
            Ok(stream) => Ok(worker::Response::from_stream(stream.map(Ok::<Bytes, worker::Error>))?.into()),
            Err(error) => replied(Err(error.to_string())),
        }
    }
}
