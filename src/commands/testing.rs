//! A Sentry that answers as scripted, and commands run against it as a person would.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use secrecy::SecretString;
use serde_json::{Value as Json, json};

use super::answer::{Answer, Invocation};
use super::plan::{Plan, plan};
use super::{CommandError, Context, Target, explain, find, text};
use crate::config::Config;
use crate::ports::{
    Clock, Http, HttpError, Kv, Level, Limiter, LimiterError, Limits, Log, ObjectClass, ObjectError, Objects, Random,
    StorageError, Timestamp, World,
};
use crate::sentry::client::Client;
use crate::sentry::host::SentryHost;

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
    pub requests: RefCell<Vec<http::Request<Bytes>>>,
    pub slept: RefCell<Vec<Duration>>,
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

#[async_trait(?Send)]
impl Kv for Fake {
    async fn get(&self, _key: &str) -> Result<Option<Vec<u8>>, StorageError> {
        Ok(None)
    }
    async fn put(&self, _key: &str, _value: &[u8], _ttl: Option<Duration>) -> Result<(), StorageError> {
        Ok(())
    }
    async fn delete(&self, _key: &str) -> Result<(), StorageError> {
        Ok(())
    }
}

#[async_trait(?Send)]
impl Objects for Fake {
    async fn call(&self, _: ObjectClass, _: &str, _: &str, _: Vec<u8>) -> Result<Vec<u8>, ObjectError> {
        Err(ObjectError("no objects here".to_owned()))
    }
}

#[async_trait(?Send)]
impl Limiter for Fake {
    async fn allows(&self, _: &str, _: &str) -> Result<bool, LimiterError> {
        Ok(true)
    }
}

impl Log for Fake {
    fn log(&self, _level: Level, _event: &str, fields: &[(&str, &str)]) {
        assert!(!format!("{fields:?}").contains(TOKEN), "a token was logged");
    }
}

/// The token that every client of these tests has.
pub const TOKEN: &str = "sntryu_secret-of-ada";

/// A scripted Sentry and the person who asks it.
pub struct Sentry {
    script: Rc<Script>,
    host: SentryHost,
    target: Target,
    last_issue: Option<String>,
    limit: Target,
}

impl Sentry {
    /// sentry.io.
    pub fn saas() -> Sentry {
        Sentry::at("sentry.io")
    }

    /// A self-hosted Sentry at `https://sentry.example.com:9000`.
    pub fn self_hosted() -> Sentry {
        Sentry::at("sentry.example.com:9000")
    }

    fn at(host: &str) -> Sentry {
        let host = SentryHost::parse(host).unwrap();
        Sentry { script: Rc::default(), host, target: Target::default(), last_issue: None, limit: Target::default() }
    }

    /// The person remembers `target`: `globex` or `globex/checkout-api`.
    pub fn remembering(mut self, target: &str) -> Sentry {
        let mut parts = target.split('/').map(str::to_owned);
        self.target = Target { organization: parts.next(), project: parts.next() };
        self
    }

    /// The connection is limited to `place`: `globex` or `globex/web`.
    pub fn limited_to(mut self, place: &str) -> Sentry {
        self = self.remembering(place);
        self.limit = self.target.clone();
        self
    }

    /// The person saw this issue last.
    pub fn having_seen(mut self, issue: &str) -> Sentry {
        self.last_issue = Some(issue.to_owned());
        self
    }

    /// Answers `url` (with any query, when it has none) with JSON.
    pub fn answers(self, url: &str, body: Json) -> Sentry {
        self.replies(url, 200, &[], &body.to_string())
    }

    /// Answers `url` with this; more than one answer to the same URL come one after the other, and the last one stays.
    pub fn replies(self, url: &str, status: u16, headers: &[(&str, &str)], body: &str) -> Sentry {
        let mut response = http::Response::builder().status(status);
        if !headers.iter().any(|(name, _)| *name == "content-type") {
            response = response.header("content-type", "application/json");
        }
        let response = headers.iter().fold(response, |response, (name, value)| response.header(*name, *value));
        self.gives(url, Ok(response.body(Bytes::copy_from_slice(body.as_bytes())).unwrap()))
    }

    /// The exchange with `url` fails.
    pub fn fails(self, url: &str, error: HttpError) -> Sentry {
        self.gives(url, Err(error))
    }

    fn gives(self, url: &str, reply: Reply) -> Sentry {
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
        let world = World {
            config: Rc::new(Config::parse(|_| None)),
            clock: fake.clone(),
            random: fake.clone(),
            http: fake.clone(),
            kv: fake.clone(),
            objects: fake.clone(),
            limiter: fake.clone(),
            log: fake,
        };
        Client::new(&world, self.host.clone(), SecretString::from(TOKEN))
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

    /// Runs an invocation.
    pub fn run(&self, invocation: &Invocation) -> Result<Answer, CommandError> {
        let client = self.client();
        let (target, limit, last_issue) = (self.target.clone(), self.limit.clone(), self.last_issue.clone());
        let context = Context { client: &client, target, last_issue, limit };
        block_on((find(&invocation.command).unwrap().run)(&context, invocation.parameters.clone()))
    }

    /// Runs what a person typed, which must be a command.
    pub fn type_in(&self, line: &str) -> Result<Answer, CommandError> {
        match plan(line, Some(&self.host)) {
            Plan::Run { invocation, .. } => self.run(&invocation),
            other => panic!("{line} is no command: {other:?}"),
        }
    }

    /// Runs what a person typed and renders what they see.
    pub fn run_text(&self, line: &str) -> String {
        match self.type_in(line) {
            Ok(answer) => text::markdown(&answer),
            Err(error) => text::markdown(&explain::explain(&error, "globex", &self.host, Some("ada@globex.example"))),
        }
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
