//! A Sentry that answers as scripted.

// A helper of tests fails as a test does; as a feature it is not `cfg(test)`, for which clippy allows these.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use secrecy::SecretString;
use serde_json::{Value as Json, json};
use vedette_ports::{Clock, Http, HttpError, Level, Limits, Log, Ports, Random, Timestamp};

use crate::client::Client;
use crate::host::SentryHost;

/// 2026-03-04 10:15 UTC.
pub const NOW: Timestamp = Timestamp(1_772_619_300_000);

/// Runs a future whose every await is ready at once, as all scripted ones are.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    loop {
        if let std::task::Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
}

/// One scripted exchange.
type Reply = Result<http::Response<Bytes>, HttpError>;

/// What the world saw and will answer.
#[derive(Default)]
pub struct Script {
    replies: RefCell<Vec<(String, VecDeque<Reply>)>>,
    /// What was asked, in order.
    pub requests: RefCell<Vec<http::Request<Bytes>>>,
    /// The waits between tries.
    pub slept: RefCell<Vec<Duration>>,
    /// The deadline of each exchange.
    pub deadlines: RefCell<Vec<Duration>>,
    /// How long each exchange takes.
    pub takes: RefCell<Duration>,
    elapsed: RefCell<Duration>,
}

struct Fake(Rc<Script>);

#[async_trait(?Send)]
impl Http for Fake {
    async fn send(&self, request: http::Request<Bytes>, limits: Limits) -> Reply {
        self.0.deadlines.borrow_mut().push(limits.deadline);
        *self.0.elapsed.borrow_mut() += *self.0.takes.borrow();
        let url = request.uri().to_string();
        self.0.requests.borrow_mut().push(request);
        let mut replies = self.0.replies.borrow_mut();
        // The most exact of the scripted addresses that fit.
        let fitting = replies
            .iter_mut()
            .filter(|(known, left)| !left.is_empty() && (url == *known || url.starts_with(&format!("{known}?"))))
            .max_by_key(|(known, _)| known.len());
        let Some((_, left)) = fitting else { panic!("nobody scripted an answer to {url}") };
        if left.len() > 1 { left.pop_front().unwrap() } else { left.front().unwrap().clone() }
    }
}

#[async_trait(?Send)]
impl Clock for Fake {
    fn now(&self) -> Timestamp {
        NOW + *self.0.elapsed.borrow()
    }
    async fn sleep(&self, duration: Duration) {
        self.0.slept.borrow_mut().push(duration);
        *self.0.elapsed.borrow_mut() += duration;
    }
}

impl Random for Fake {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(128);
    }
}

impl Log for Fake {
    fn log(&self, _level: Level, _event: &str, fields: &[(&str, &str)]) {
        assert!(!format!("{fields:?}").contains(TOKEN), "a token was logged");
    }
}

/// The token that every client of these tests has.
pub const TOKEN: &str = "sntryu_secret-of-ada";

/// A scripted Sentry.
pub struct ScriptedSentry {
    script: Rc<Script>,
    host: SentryHost,
}

impl ScriptedSentry {
    /// sentry.io.
    pub fn saas() -> ScriptedSentry {
        ScriptedSentry::at("sentry.io")
    }

    /// A self-hosted Sentry at `https://sentry.example.com:9000`.
    pub fn self_hosted() -> ScriptedSentry {
        ScriptedSentry::at("sentry.example.com:9000")
    }

    fn at(host: &str) -> ScriptedSentry {
        ScriptedSentry { script: Rc::default(), host: SentryHost::parse(host).unwrap() }
    }

    /// Its host.
    pub fn host(&self) -> &SentryHost {
        &self.host
    }

    /// Answers `url` (with any query, when it has none) with JSON.
    pub fn answers(self, url: &str, body: Json) -> ScriptedSentry {
        self.replies(url, 200, &[], &body.to_string())
    }

    /// Answers `url` with this; more than one answer to the same URL come one after the other, and the last one stays.
    pub fn replies(self, url: &str, status: u16, headers: &[(&str, &str)], body: &str) -> ScriptedSentry {
        let mut response = http::Response::builder().status(status);
        if !headers.iter().any(|(name, _)| *name == "content-type") {
            response = response.header("content-type", "application/json");
        }
        let response = headers.iter().fold(response, |response, (name, value)| response.header(*name, *value));
        self.gives(url, Ok(response.body(Bytes::copy_from_slice(body.as_bytes())).unwrap()))
    }

    /// The exchange with `url` fails.
    pub fn fails(self, url: &str, error: HttpError) -> ScriptedSentry {
        self.gives(url, Err(error))
    }

    fn gives(self, url: &str, reply: Reply) -> ScriptedSentry {
        {
            let mut replies = self.script.replies.borrow_mut();
            match replies.iter_mut().find(|(known, _)| known == url) {
                Some((_, left)) => left.push_back(reply),
                None => replies.push((url.to_owned(), VecDeque::from([reply]))),
            }
        }
        self
    }

    /// A client of this Sentry.
    pub fn client(&self) -> Client {
        let fake = Rc::new(Fake(self.script.clone()));
        let ports = Ports { clock: fake.clone(), random: fake.clone(), http: fake.clone(), log: fake };
        Client::new(ports, self.host.clone(), SecretString::from(TOKEN))
    }

    /// What was asked and waited for.
    pub fn script(&self) -> &Script {
        &self.script
    }

    /// The URLs that were asked for, in order.
    pub fn calls(&self) -> Vec<String> {
        self.script.requests.borrow().iter().map(|request| request.uri().to_string()).collect()
    }

    /// The value of the query parameter `name` of the last call.
    pub fn asked(&self, name: &str) -> Vec<String> {
        let last = url::Url::parse(&self.calls().pop().unwrap()).unwrap();
        last.query_pairs().filter(|(known, _)| known == name).map(|(_, value)| value.into_owned()).collect()
    }
}

/// Where sentry.io lists the organizations.
pub const ORGANIZATIONS: &str = "https://sentry.io/api/0/organizations/";

/// Two organizations in two regions.
pub fn organizations() -> Json {
    json!([
        { "id": "1", "slug": "globex", "name": "Globex Corporation", "links": { "organizationUrl": "https://globex.sentry.io", "regionUrl": "https://us.sentry.io" } },
        { "id": "2", "slug": "initech", "name": "Initech", "links": { "organizationUrl": "https://initech.sentry.io", "regionUrl": "https://de.sentry.io" } },
    ])
}

/// One organization.
pub fn only_globex() -> Json {
    json!([{ "id": "1", "slug": "globex", "name": "Globex Corporation", "links": { "regionUrl": "https://us.sentry.io" } }])
}
