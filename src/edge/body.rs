//! Bodies.

use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use wasm_bindgen::JsValue;
use worker::js_sys::{Promise, Uint8Array};
use worker::wasm_bindgen_futures::JsFuture;
use worker::{ByteStream, web_sys::ReadableStream};

/// A body in one piece: what `arrayBuffer()` promised.
///
/// # Errors
/// When the body ends too early.
pub async fn whole(promised: Result<Promise, JsValue>) -> Result<Bytes, JsValue> {
    let buffer = JsFuture::from(promised?).await?;
    Ok(Uint8Array::new(&buffer).to_vec().into())
}

/// The body is longer than allowed; this is its beginning.
pub struct Overflow(pub Bytes);

/// A body piece by piece, of which no more than `max` bytes are kept.
///
/// # Errors
/// When it is longer than `max`.
pub async fn stream(body: ReadableStream, max: usize) -> Result<Bytes, Overflow> {
    let mut stream = ByteStream::from(body);
    let mut body = BytesMut::new();
    while let Some(Ok(chunk)) = stream.next().await {
        body.extend_from_slice(&chunk);
        if body.len() > max {
            body.truncate(max);
            return Err(Overflow(body.freeze()));
        }
    }
    Ok(body.freeze())
}
