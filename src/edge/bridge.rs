//! Whole exchanges with the runtime, each of which leaves wasm once and comes back once.
//!
//! `bridge.js` does in JavaScript what takes a dozen steps of headers, promises and pieces. An exchange has a number; when it
//! is over, JavaScript calls [`told`] with that number, a status, a text and bytes, and whoever awaits the [`Exchange`] goes on.
//! One function of ours is known to JavaScript for the life of the isolate, in place of two new ones for each promise.
//!
//! **Requests whose client leaves.** The runtime stops such a request: no promise of it settles any more, so no exchange of it
//! is ever told. The task of the request holds its exchanges, and each exchange's waker holds the task: memory that nobody
//! would give back. But the runtime fires the request's signal first. It is told to the request's [`Client`], which ends the
//! whole task, and with it every exchange, timer and stream that the task holds.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use futures::StreamExt;
use wasm_bindgen::prelude::*;
use worker::js_sys::{Object, Promise};
use worker::web_sys::{AbortController, Headers, Request, Response};

use crate::reply::Stream;

#[wasm_bindgen(module = "/src/edge/bridge.js")]
extern "C" {
    fn connect(tell: &Closure<dyn Fn(u32, u16, String, Vec<u8>)>);

    fn receive(exchange: u32, client: u32, request: &Request, most: usize);
    /// A response with a body in one piece.
    #[wasm_bindgen(catch)]
    pub fn respond(status: u16, headers: Option<&Headers>, body: &[u8]) -> Result<Response, JsValue>;
    /// Headers of a list of pairs, in JSON.
    #[wasm_bindgen(catch, js_name = headersOf)]
    pub fn headers_of(pairs: &str) -> Result<Headers, JsValue>;
    fn send(
        exchange: u32,
        url: &str,
        method: &str,
        headers: &str,
        body: &[u8],
        milliseconds: u32,
        most: usize,
    ) -> AbortController;
    #[wasm_bindgen(catch)]
    fn call(
        exchange: u32,
        namespace: &Object,
        name: &str,
        path: &str,
        body: &[u8],
        milliseconds: u32,
    ) -> Result<(), JsValue>;
    /// Calls an object whose answer is a stream, which is promised.
    #[wasm_bindgen(catch)]
    pub fn open(namespace: &Object, name: &str, path: &str, body: &[u8]) -> Result<Promise, JsValue>;
    fn called(exchange: u32, request: &Request);
    #[wasm_bindgen(catch)]
    fn limit(exchange: u32, limiter: &Object, key: &str) -> Result<(), JsValue>;
    /// Runs a statement with values, a JSON list, and gives its rows, a JSON list of lists. A blob is `{"blob": base64url}`.
    #[wasm_bindgen(catch)]
    pub fn exec(sql: &Object, statement: &str, values: &str) -> Result<String, JsValue>;
}

/// How an exchange ended.
pub struct Over {
    /// The status of an HTTP response; 200 where there is none.
    pub status: u16,
    /// A head: what it holds is said where the exchange begins.
    pub text: String,
    /// A body.
    pub bytes: Bytes,
}

enum State {
    Begun(Option<Waker>),
    Over(Result<Over, String>),
}

/// The exchanges that somebody waits for, and the clients that may leave.
struct All {
    last: Cell<u32>,
    states: RefCell<BTreeMap<u32, State>>,
    clients: RefCell<BTreeMap<u32, Rc<Presence>>>,
}

impl All {
    fn next_number(&self) -> u32 {
        let number = self.last.get().wrapping_add(1);
        self.last.set(number);
        number
    }
}

thread_local! {
    static ALL: All = {
        let closure = Closure::new(told);
        connect(&closure);
        closure.forget();
        All { last: Cell::new(0), states: RefCell::default(), clients: RefCell::default() }
    };
}

/// What JavaScript calls when an exchange is over. Nobody may wait for it any more.
fn told(exchange: u32, status: u16, text: String, bytes: Vec<u8>) {
    let over = if status == 0 { Err(text) } else { Ok(Over { status, text, bytes: bytes.into() }) };
    let waker = ALL.with(|all| match all.states.borrow_mut().get_mut(&exchange) {
        Some(state) => match std::mem::replace(state, State::Over(over)) {
            State::Begun(waker) => waker,
            State::Over(_) => None,
        },
        None => None,
    });
    if let Some(waker) = waker {
        waker.wake();
        return;
    }
    let client = ALL.with(|all| all.clients.borrow_mut().remove(&exchange));
    if let Some(presence) = client {
        presence.end();
    }
}

/// Whether a client is there, and what is made for it alone.
#[derive(Default)]
struct Presence {
    left: Cell<bool>,
    waker: RefCell<Option<Waker>>,
    body: RefCell<Option<Stream>>,
}

impl Presence {
    fn end(&self) {
        self.left.set(true);
        // Also when nobody asks for its next piece, as for a client that reads no more.
        let body = self.body.take();
        drop(body);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

/// The client of a request. As a future, it ends when the client leaves.
pub struct Client {
    number: u32,
    presence: Rc<Presence>,
}

impl Client {
    fn new() -> Client {
        let presence = Rc::<Presence>::default();
        let number = ALL.with(|all| {
            let number = all.next_number();
            all.clients.borrow_mut().insert(number, Rc::clone(&presence));
            number
        });
        Client { number, presence }
    }

    /// `body`, which ends, and is dropped, when the client leaves.
    pub fn holding(self, body: Stream) -> impl futures::Stream<Item = Bytes> {
        self.presence.body.replace(Some(body));
        futures::stream::poll_fn(move |context| {
            let Some(mut body) = self.presence.body.take() else { return Poll::Ready(None) };
            let next = body.poll_next_unpin(context);
            if next.is_pending() {
                self.presence.waker.replace(Some(context.waker().clone()));
            }
            if !matches!(next, Poll::Ready(None)) && !self.presence.left.get() {
                self.presence.body.replace(Some(body));
            }
            next
        })
    }
}

impl Future for Client {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.presence.left.get() {
            return Poll::Ready(());
        }
        self.presence.waker.replace(Some(context.waker().clone()));
        Poll::Pending
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        ALL.with(|all| all.clients.borrow_mut().remove(&self.number));
    }
}

/// An exchange that was begun. It ends with why it failed, in words for the log, or as [`Over`] says. Dropping it aborts a
/// `fetch`; what others were asked goes on.
pub struct Exchange {
    number: u32,
    abort: Option<AbortController>,
}

impl Exchange {
    fn begin(begin: impl FnOnce(u32) -> Result<Option<AbortController>, JsValue>) -> Exchange {
        let number = ALL.with(|all| {
            let number = all.next_number();
            all.states.borrow_mut().insert(number, State::Begun(None));
            number
        });
        let abort = begin(number).unwrap_or_else(|error| {
            told(number, 0, worker::Error::from(error).to_string(), Vec::new());
            None
        });
        Exchange { number, abort }
    }

    /// Reads a request: the text is `[method, url, [[name, value], …]]`, the bytes at most one more than `most`. The client
    /// is who sent it.
    pub fn receive(request: &Request, most: usize) -> (Exchange, Client) {
        let client = Client::new();
        let exchange = Exchange::begin(|number| {
            receive(number, client.number, request, most);
            Ok(None)
        });
        (exchange, client)
    }

    /// `fetch`, without following a redirect: the text is `[[name, value], …]`. `headers` is such a list as well. It fails
    /// with `timeout`, with `too long` when the body has more than `most` bytes, or with `connection`.
    pub fn send(url: &str, method: &str, headers: &str, body: &[u8], milliseconds: u32, most: usize) -> Exchange {
        Exchange::begin(|number| Ok(Some(send(number, url, method, headers, body, milliseconds, most))))
    }

    /// Calls an object: there is no text. Another status than 200 is a failure.
    pub fn call(namespace: &Object, name: &str, path: &str, body: &[u8], milliseconds: u32) -> Exchange {
        Exchange::begin(|number| call(number, namespace, name, path, body, milliseconds).map(|()| None))
    }

    /// Reads such a call: the text is its address.
    pub fn called(request: &Request) -> Exchange {
        Exchange::begin(|number| {
            called(number, request);
            Ok(None)
        })
    }

    /// Counts `key` at a rate limiter: the status is 200 or 429.
    pub fn limit(limiter: &Object, key: &str) -> Exchange {
        Exchange::begin(|number| limit(number, limiter, key).map(|()| None))
    }
}

impl Future for Exchange {
    type Output = Result<Over, String>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<Over, String>> {
        ALL.with(|all| {
            let mut states = all.states.borrow_mut();
            if let Some(State::Begun(waker)) = states.get_mut(&self.number) {
                *waker = Some(context.waker().clone());
                return Poll::Pending;
            }
            Poll::Ready(match states.remove(&self.number) {
                Some(State::Over(over)) => over,
                _ => Err("it was given up".to_owned()),
            })
        })
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let state = ALL.with(|all| all.states.borrow_mut().remove(&self.number));
        if let (Some(State::Begun(_)), Some(controller)) = (state, &self.abort) {
            controller.abort();
        }
    }
}
