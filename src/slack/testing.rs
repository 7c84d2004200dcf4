//! What the door's tests share.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use url::Url;

use super::Door;
use super::who::Policy;
use crate::config::Config;
use crate::ports::*;
use crate::world::World;

/// When the tests take place.
pub const NOW: Timestamp = Timestamp(1_760_000_000_000);
/// The app's signing secret.
pub const SIGNING_SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";

thread_local! {
    static ORIGIN: &'static Url = Box::leak(Box::new(Url::parse("https://vedette.example.com").unwrap()));
    static API: &'static Url = Box::leak(Box::new(Url::parse("https://slack.com/api").unwrap()));
}

/// The public origin of the deployment under test.
pub fn origin() -> &'static Url {
    ORIGIN.with(|it| *it)
}

/// A door that lets everybody in.
pub fn door() -> Door<'static> {
    Door {
        policy: Policy { allowed: &[], headless: false },
        command: "/sentry",
        api_url: API.with(|it| *it),
        origin: origin(),
        now: NOW,
    }
}

/// A world that records what is asked of it, and answers what a test has prepared.
#[derive(Default)]
pub struct Fake {
    /// What is sent out.
    pub sent: RefCell<Vec<http::Request<Bytes>>>,
    /// What is answered to that, in order.
    pub answers: RefCell<VecDeque<Result<http::Response<Bytes>, HttpError>>>,
    /// What objects are called with: name, path, body.
    pub called: RefCell<Vec<(String, String, serde_json::Value)>>,
    /// What they reply, in order.
    pub replies: RefCell<VecDeque<Result<String, ObjectError>>>,
    /// What is logged.
    pub logged: RefCell<Vec<String>>,
}

impl Fake {
    /// Prepares the answer to one outbound request.
    pub fn answers(&self, status: u16, body: &str) {
        let response = http::Response::builder().status(status).body(Bytes::from(body.to_owned())).unwrap();
        self.answers.borrow_mut().push_back(Ok(response));
    }

    /// The body of the outbound request `index`, as JSON.
    pub fn sent_json(&self, index: usize) -> serde_json::Value {
        serde_json::from_slice(self.sent.borrow()[index].body()).unwrap()
    }

    /// The body of the outbound request `index`, as a form.
    pub fn sent_form(&self, index: usize) -> Vec<(String, String)> {
        url::form_urlencoded::parse(self.sent.borrow()[index].body()).into_owned().collect()
    }
}

#[async_trait(?Send)]
impl Http for Fake {
    async fn send(&self, request: http::Request<Bytes>, limits: Limits) -> Result<http::Response<Bytes>, HttpError> {
        assert!(limits.deadline <= Duration::from_secs(10) && limits.max_body <= 1024 * 1024);
        self.sent.borrow_mut().push(request);
        self.answers.borrow_mut().pop_front().expect("an answer was prepared")
    }
}

#[async_trait(?Send)]
impl Objects for Fake {
    async fn call(&self, class: ObjectClass, name: &str, path: &str, body: Vec<u8>) -> Result<Vec<u8>, ObjectError> {
        assert_eq!(class, ObjectClass::Person);
        self.called.borrow_mut().push((name.to_owned(), path.to_owned(), serde_json::from_slice(&body).unwrap()));
        self.replies.borrow_mut().pop_front().expect("a reply was prepared").map(String::into_bytes)
    }
}

#[async_trait(?Send)]
impl Clock for Fake {
    fn now(&self) -> Timestamp {
        NOW
    }
    async fn sleep(&self, _: Duration) {}
}

impl Random for Fake {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(7);
    }
}

#[async_trait(?Send)]
impl Kv for Fake {
    async fn get(&self, _: &str) -> Result<Option<Vec<u8>>, StorageError> {
        Ok(None)
    }
    async fn put(&self, _: &str, _: &[u8], _: Option<Duration>) -> Result<(), StorageError> {
        Ok(())
    }
    async fn delete(&self, _: &str) -> Result<(), StorageError> {
        Ok(())
    }
}

#[async_trait(?Send)]
impl Limiter for Fake {
    async fn allows(&self, _: &str, _: &str) -> Result<bool, LimiterError> {
        Ok(true)
    }
}

impl Log for Fake {
    fn log(&self, _: Level, event: &str, fields: &[(&str, &str)]) {
        self.logged.borrow_mut().push(format!("{event} {fields:?}"));
    }
}

/// A world on a new [`Fake`], configured with a Slack app and with `variables` besides.
pub fn world(variables: &[(&str, &str)]) -> (World, Rc<Fake>) {
    let fake = Rc::new(Fake::default());
    let mut all = vec![("SLACK_SIGNING_SECRET", SIGNING_SECRET), ("SLACK_BOT_TOKEN", "xoxb-the-bot-token")];
    all.extend(variables);
    let get = |name: &str| all.iter().rev().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    let world = World {
        config: Rc::new(Config::parse(get)),
        ports: Ports { clock: fake.clone(), random: fake.clone(), http: fake.clone(), log: fake.clone() },
        kv: fake.clone(),
        objects: fake.clone(),
        limiter: fake.clone(),
    };
    (world, fake)
}

/// The result of a future that the fakes never keep waiting.
pub fn now<T>(future: impl Future<Output = T>) -> T {
    futures::FutureExt::now_or_never(future).expect("nothing here waits")
}
