//! The host's world: the whole Worker in one process, with the sandbox as the outside, and time that only tests move.
//!
//! Nothing is mocked but the platform: the router, the Person objects, their SQL and the sandbox's Sentry and Slack are
//! the real code. Every exchange yields before and after it, so concurrent work interleaves, and a future can be
//! dropped at each of these points as a crash would.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::future::LocalBoxFuture;
use http::{Request, Response};
use rusqlite::types::{ToSqlOutput, ValueRef};
use vedette::accounts::account::Account;
use vedette::config::Config;
use vedette::limits::LIMITS;
use vedette::mcp::pipe::Pipe;
use vedette::ports::{
    Alarm, Clock, Http, HttpError, Kv, Level, Limiter, LimiterError, Limits, Log, ObjectClass, ObjectError, Objects,
    Ports, Random, Row, Sql, StorageError, Timestamp, Value,
};
use vedette::remember::Remembering;
use vedette::reply::{Reply, Stream};
use vedette::router;
use vedette::sessions::session::Session;
use vedette::turns::person::Person;
use vedette::world::World;
use vedette_sandbox::{Click, Delivery, Message, Options, Outcome, Sandbox, Say, Slash};

pub const APP: &str = "https://vedette.example.com";
pub const ADA: &str = "U0ADA";
pub const GRACE: &str = "U0GRACE";
pub const INCIDENTS: &str = "C0INCIDENTS";
pub const ADA_OBJECT: &str = "slack:T0GLOBEX:U0ADA";

/// Everything that the platform would keep, and the outside.
pub struct Platform {
    pub sandbox: Sandbox,
    pub now: Cell<i64>,
    pub kv: RefCell<BTreeMap<String, Vec<u8>>>,
    pub kv_broken: Cell<bool>,
    pub logged: RefCell<Vec<String>>,
    pub sent: RefCell<Vec<Sent>>,
    /// What the Worker answered: the path, and the whole response as text.
    pub answered: RefCell<Vec<(String, String)>>,
    objects: RefCell<HashMap<String, Rc<Object>>>,
    config: RefCell<Rc<Config>>,
    /// Whether rate limits hold, with their real numbers, in windows of the test's time.
    pub limits: Cell<bool>,
    /// Whether the limiter fails.
    pub limiter_broken: Cell<bool>,
    /// What was counted: the limit and the key.
    pub counted: RefCell<Vec<(String, String)>>,
    windows: RefCell<HashMap<(String, String, i64), u32>>,
    /// Objects of this class cannot be called.
    pub objects_broken: Cell<Option<ObjectClass>>,
    /// This call fails, whichever object it is for.
    pub lost_call: Cell<Option<LostCall>>,
    /// How often an object was called.
    pub object_calls: Cell<u32>,
    entropy: Cell<u64>,
    sleepers: RefCell<BTreeMap<u64, i64>>,
    next_sleeper: Cell<u64>,
    myself: Weak<Platform>,
}

/// A call of an object from which no reply comes.
#[derive(Clone, Copy, Debug)]
pub struct LostCall {
    pub class: ObjectClass,
    pub path: &'static str,
    /// Whether the object has done what it was asked for.
    pub done: bool,
}

/// One request that left the Worker.
#[derive(Clone, Debug)]
pub struct Sent {
    pub url: String,
    pub authorization: Option<String>,
    pub body: String,
}

struct Object {
    database: Rc<rusqlite::Connection>,
    alarm: Rc<Cell<Option<i64>>>,
    instance: RefCell<Option<Instance>>,
}

/// An object in memory.
#[derive(Clone)]
enum Instance {
    Person(Rc<Person>),
    Session(Rc<Session>),
    Account(Rc<Account>),
    Stream(Rc<Pipe>),
}

impl Instance {
    async fn handle(&self, path: &str, body: &[u8]) -> Result<Vec<u8>, ObjectError> {
        match self {
            Instance::Person(person) => person.handle(path, body).await.map_err(|error| ObjectError(error.to_string())),
            Instance::Session(it) => it.handle(path, body).await.map_err(|error| ObjectError(error.to_string())),
            Instance::Account(it) => it.handle(path, body).await.map_err(|error| ObjectError(error.to_string())),
            Instance::Stream(pipe) => pipe.handle(path, body).map_err(|error| ObjectError(error.to_string())),
        }
    }

    async fn run(&self) {
        match self {
            Instance::Person(person) => person.run().await,
            Instance::Session(session) => session.run().await,
            Instance::Account(account) => account.run().await,
            Instance::Stream(_) => panic!("a pipe has no alarm"),
        }
    }
}

fn class_of(name: &str) -> ObjectClass {
    match name.split_once(':') {
        Some(("session", _)) => ObjectClass::Session,
        Some(("account", _)) => ObjectClass::Account,
        Some(("stream", _)) => ObjectClass::Stream,
        _ => ObjectClass::Person,
    }
}

/// The environment of most tests.
pub fn variables() -> Vec<(&'static str, String)> {
    let options = Options::saas(APP);
    vec![
        ("BASE_URL", APP.to_owned()),
        ("SENTRY_CLIENT_ID", options.client_id),
        ("SENTRY_CLIENT_SECRET", options.client_secret),
        ("COOKIE_SECRET", "0123456789abcdef0123456789abcdef".to_owned()),
        ("SLACK_SIGNING_SECRET", options.signing_secret),
        ("SLACK_BOT_TOKEN", options.bot_token),
    ]
}

impl Platform {
    pub fn new() -> Rc<Platform> {
        Platform::with(&variables())
    }

    pub fn with(variables: &[(&str, String)]) -> Rc<Platform> {
        Platform::among(Options::saas(APP), variables)
    }

    /// A deployment in other surroundings.
    pub fn among(options: Options, variables: &[(&str, String)]) -> Rc<Platform> {
        Rc::new_cyclic(|myself| Platform {
            sandbox: Sandbox::new(options.seeded(7)),
            now: Cell::new(1_760_000_000_000),
            kv: RefCell::default(),
            kv_broken: Cell::new(false),
            logged: RefCell::default(),
            sent: RefCell::default(),
            answered: RefCell::default(),
            objects: RefCell::default(),
            config: RefCell::new(Rc::new(config(variables))),
            limits: Cell::new(false),
            limiter_broken: Cell::new(false),
            counted: RefCell::default(),
            windows: RefCell::default(),
            objects_broken: Cell::new(None),
            lost_call: Cell::new(None),
            object_calls: Cell::new(0),
            entropy: Cell::new(1),
            sleepers: RefCell::default(),
            next_sleeper: Cell::new(0),
            myself: myself.clone(),
        })
    }

    /// A new deployment: other variables, and every object starts anew from its storage.
    pub fn redeploy(&self, variables: &[(&str, String)]) {
        *self.config.borrow_mut() = Rc::new(config(variables));
        self.crash();
    }

    /// The process dies: what was only in memory is gone.
    pub fn crash(&self) {
        for object in self.objects.borrow().values() {
            object.instance.replace(None);
        }
    }

    pub fn world(&self) -> World {
        let this = self.myself.upgrade().unwrap();
        World {
            config: Rc::clone(&self.config.borrow()),
            ports: Ports { clock: this.clone(), random: this.clone(), http: this.clone(), log: this.clone() },
            kv: this.clone(),
            objects: this.clone(),
            limiter: this,
        }
    }

    fn object(&self, name: &str) -> Rc<Object> {
        let mut objects = self.objects.borrow_mut();
        let object = objects.entry(name.to_owned()).or_insert_with(|| {
            Rc::new(Object { database: Rc::new(database()), alarm: Rc::default(), instance: RefCell::default() })
        });
        Rc::clone(object)
    }

    /// The instance of the object `name`, made from its storage when there is none.
    fn instance(&self, name: &str) -> Instance {
        let object = self.object(name);
        let mut instance = object.instance.borrow_mut();
        let made = instance.get_or_insert_with(|| {
            let sql = Rc::new(Remembering::new(Rc::new(Sqlite(Rc::clone(&object.database)))));
            let alarm = Rc::new(TestAlarm(Rc::clone(&object.alarm)));
            match class_of(name) {
                ObjectClass::Session => {
                    Instance::Session(Rc::new(Session::new(name, self.world(), sql, alarm).unwrap()))
                }
                ObjectClass::Account => {
                    Instance::Account(Rc::new(Account::new(name, self.world(), sql, alarm).unwrap()))
                }
                ObjectClass::Stream => Instance::Stream(Rc::new(Pipe::new(self.world().ports.clock))),
                ObjectClass::Person => Instance::Person(Rc::new(Person::new(name, self.world(), sql, alarm).unwrap())),
            }
        });
        made.clone()
    }

    /// The storage of the object `name`.
    pub fn sql(&self, name: &str) -> Rc<dyn Sql> {
        Rc::new(Sqlite(Rc::clone(&self.object(name).database)))
    }

    /// One value from the object's tables.
    pub fn look(&self, name: &str, query: &str) -> Option<String> {
        let object = self.object(name);
        let looked = object.database.query_row(query, [], |row| {
            Ok(match row.get_ref(0)? {
                ValueRef::Null => None,
                ValueRef::Integer(it) => Some(it.to_string()),
                ValueRef::Text(it) | ValueRef::Blob(it) => Some(String::from_utf8_lossy(it).into_owned()),
                ValueRef::Real(it) => Some(it.to_string()),
            })
        });
        looked.ok().flatten()
    }

    /// Runs a statement on the object's tables, for what a test cannot cause otherwise.
    pub fn tamper(&self, name: &str, statement: &str) {
        self.object(name).database.execute_batch(statement).unwrap();
    }

    /// Every byte that the platform stores.
    pub fn stored(&self) -> String {
        let mut all: String =
            self.kv.borrow().iter().map(|(key, value)| format!("{key}={}\n", String::from_utf8_lossy(value))).collect();
        for object in self.objects.borrow().values() {
            let sql = Sqlite(Rc::clone(&object.database));
            for table in [
                "turns",
                "tickets",
                "consents",
                "outbox",
                "memory",
                "grant_record",
                "session",
                "access",
                "membership",
                "sessions",
            ] {
                for row in sql.exec(&format!("SELECT * FROM {table}"), vec![]).unwrap_or_default() {
                    let cells = row.0.into_iter().map(|cell| match cell {
                        Value::Blob(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
                        Value::Text(text) => text,
                        other => format!("{other:?}"),
                    });
                    all.push_str(&format!("{table}: {}\n", cells.collect::<Vec<_>>().join(" | ")));
                }
            }
        }
        all
    }

    // ---- Time ----

    /// Runs every alarm that is due.
    pub fn settle(&self) {
        for _ in 0..1_000 {
            let Some(name) = self.due(self.now.get()) else { return };
            self.ring(&name);
        }
        panic!("the alarms never rest");
    }

    fn due(&self, until: i64) -> Option<String> {
        let objects = self.objects.borrow();
        let due = objects.iter().filter_map(|(name, object)| Some((object.alarm.get()?, name)));
        due.filter(|(at, _)| *at <= until).min().map(|(_, name)| name.clone())
    }

    /// Runs the alarm of one object.
    pub fn ring(&self, name: &str) {
        self.object(name).alarm.set(None);
        wait(self.instance(name).run());
    }

    /// Lets the time come for which the object has set its alarm, if it has.
    pub fn wait_for_alarm(&self, name: &str) {
        let at = self.object(name).alarm.get().unwrap_or(0);
        self.now.set(self.now.get().max(at));
    }

    /// Runs the alarm of one object up to its `points`-th pause, and lets the process die there. Returns whether it
    /// died before it was through.
    pub fn ring_and_crash(&self, name: &str, points: usize) -> bool {
        self.object(name).alarm.set(None);
        let died = {
            let instance = self.instance(name);
            let run = instance.run();
            let mut run = std::pin::pin!(run);
            let mut context = Context::from_waker(futures::task::noop_waker_ref());
            (0..points).all(|_| run.as_mut().poll(&mut context).is_pending())
        };
        self.crash();
        if died && self.object(name).alarm.get().is_none() {
            // An alarm whose handler did not return is run again by the platform.
            self.object(name).alarm.set(Some(self.now.get()));
        }
        died
    }

    /// Runs the alarm of one object, and lets `act` happen at its `points`-th pause. Returns whether there was such a pause.
    pub fn meanwhile(&self, name: &str, points: usize, act: impl FnOnce()) -> bool {
        self.object(name).alarm.set(None);
        let instance = self.instance(name);
        let run = instance.run();
        let mut run = std::pin::pin!(run);
        let mut context = Context::from_waker(futures::task::noop_waker_ref());
        for _ in 0..points {
            if run.as_mut().poll(&mut context).is_ready() {
                return false;
            }
        }
        act();
        while run.as_mut().poll(&mut context).is_pending() {}
        true
    }

    /// The names of the objects that exist.
    pub fn object_names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.objects.borrow().keys().cloned().collect();
        names.sort();
        names
    }

    /// Lets time pass, running the alarms that fall due meanwhile.
    pub fn pass(&self, time: Duration) {
        let until = self.now.get() + i64::try_from(time.as_millis()).unwrap();
        self.settle();
        while let Some(name) = self.due(until) {
            let at = self.object(&name).alarm.get().unwrap_or(0);
            self.now.set(self.now.get().max(at));
            self.ring(&name);
        }
        self.now.set(self.now.get().max(until));
    }

    // ---- What people do ----

    /// The Worker answers a request; a body that is a stream is still to be read.
    pub fn reply(&self, request: Request<Bytes>) -> Reply {
        wait(router::route(&self.world(), request))
    }

    /// The Worker answers a request.
    pub fn request(&self, request: Request<Bytes>) -> Response<Bytes> {
        let path = request.uri().path().to_owned();
        let response = wait(async {
            let mut reply = router::route(&self.world(), request).await;
            if let Some(stream) = reply.stream {
                *reply.response.body_mut() = Bytes::from(stream.collect::<Vec<Bytes>>().await.concat());
            }
            if let Some(deferred) = reply.deferred {
                deferred.await;
            }
            reply.response
        });
        let body = String::from_utf8_lossy(response.body());
        self.answered.borrow_mut().push((path, format!("{:?}\n{body}", response.headers())));
        response
    }

    pub fn deliver(&self, delivery: &Delivery) -> Response<Bytes> {
        let response = self.request(delivery.request.clone());
        self.sandbox.delivered(self.now.get(), delivery.id, Some(&response));
        response
    }

    /// Says something, which the app takes in; nothing is done about it yet. Returns the message's `ts`.
    pub fn say_only(&self, person: &str, channel: &str, text: &str) -> String {
        let say = Say { person: person.into(), channel: channel.into(), text: text.into(), ..say_nothing() };
        let (ts, deliveries) = self.sandbox.say(self.now.get(), &say);
        for delivery in deliveries {
            assert_eq!(self.deliver(&delivery).status(), 200);
        }
        ts
    }

    /// Says something, and lets the app do all that is due at once. Returns the message's `ts`.
    pub fn say(&self, person: &str, channel: &str, text: &str) -> String {
        let ts = self.say_only(person, channel, text);
        self.settle();
        ts
    }

    /// Uses `/sentry`, and lets the app do all that is due at once.
    pub fn slash(&self, person: &str, text: &str) {
        let slash = Slash { person: person.into(), channel: INCIDENTS.into(), text: text.into() };
        let delivery = self.sandbox.slash(self.now.get(), &slash);
        assert_eq!(self.deliver(&delivery).status(), 200);
        self.settle();
    }

    /// Presses a button of a message.
    pub fn press(&self, person: &str, message: &str, action_id: &str) {
        let click =
            Click { person: person.into(), message: message.into(), action_id: action_id.into(), ..Click::default() };
        let delivery = self.sandbox.click(self.now.get(), &click).unwrap();
        assert_eq!(self.deliver(&delivery).status(), 200);
        self.settle();
    }

    // ---- What people see ----

    /// The bot's messages that `person` can see, in order.
    pub fn seen_by(&self, person: &str) -> Vec<Message> {
        let direct = format!("D{}", person.trim_start_matches('U'));
        let all = self.sandbox.slack().messages;
        all.into_iter()
            .filter(|message| !message.deleted && message.author == "U0VEDETTE")
            .filter(|message| message.private_to.as_deref().is_none_or(|it| it == person))
            .filter(|message| !message.channel.starts_with('D') || message.channel == direct)
            .collect()
    }

    /// The newest of them, as one text: fallback and blocks.
    pub fn last_seen_by(&self, person: &str) -> String {
        self.seen_by(person).last().map(full_text).unwrap_or_default()
    }

    /// The private link in the newest message that `person` sees and that has one.
    pub fn link_for(&self, person: &str) -> Option<String> {
        self.seen_by(person).iter().rev().find_map(link_in)
    }

    /// Connects `person` with `account` through the newest private link; returns the last page.
    pub fn connect(&self, person: &str, account: &str) -> String {
        let link = self.link_for(person).expect("a private link");
        let page = crate::browser::Browser::new(self).connect(&link, account);
        self.settle();
        page
    }

    /// What was ever sent to a channel for everybody, and holds what is for one person alone (P22): an address of an account,
    /// scopes, a list of organizations, a private link.
    pub fn private_facts_in_public(&self) -> Vec<String> {
        let personal = |text: &str| {
            let organizations =
                ["globex", "initech", "hooli", "umbrella"].iter().filter(|it| text.contains(**it)).count();
            let asks = ["Which organization?", "These are yours", "Your organizations", "Connected as", "You are "];
            let named = ["ada@example.com", "grace@example.com", "ci-bot@example.com", "event:read, ", "/connect/"];
            organizations > 1 || asks.iter().chain(&named).any(|it| text.contains(it))
        };
        let calls = self.sandbox.slack().calls.into_iter().filter(|call| {
            let body = &call.body;
            let posted = matches!(call.method.as_str(), "chat.postMessage" | "chat.update");
            let channel = body["channel"].as_str().unwrap_or_default();
            (posted && !channel.starts_with('D')) || body["response_type"] == "in_channel"
        });
        let texts = calls.map(|call| {
            let mut parts = vec![call.body["text"].as_str().unwrap_or_default().to_owned()];
            collect(&call.body["blocks"], &mut parts);
            // Who an issue is assigned to is the issue's, not the person's.
            let own = |line: &&str| !line.contains("assigned to") && !line.contains("Assigned");
            parts.join("\n").lines().filter(own).collect::<Vec<_>>().join("\n")
        });
        texts.filter(|text| personal(text)).collect()
    }

    /// What the app said of itself since the start.
    pub fn log_text(&self) -> String {
        self.logged.borrow().join("\n")
    }
}

impl Drop for Platform {
    /// What the sandbox does not play, no test may ask for.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(self.sandbox.slack().unhandled, Vec::<String>::new());
            assert_eq!(self.private_facts_in_public(), Vec::<String>::new(), "P22");
            assert!(self.sandbox.sentry().unhandled().is_empty(), "{:?}", self.sandbox.sentry().unhandled());
        }
    }
}

fn say_nothing() -> Say {
    Say { person: String::new(), channel: String::new(), text: String::new(), thread_ts: None, twin: false }
}

/// All that a message shows.
pub fn full_text(message: &Message) -> String {
    let mut parts = vec![message.text.clone()];
    if let Some(blocks) = &message.blocks {
        collect(blocks, &mut parts);
    }
    parts.join("\n")
}

fn collect(value: &serde_json::Value, parts: &mut Vec<String>) {
    match value {
        serde_json::Value::Array(items) => items.iter().for_each(|item| collect(item, parts)),
        serde_json::Value::Object(fields) => fields.iter().for_each(|(name, value)| match value {
            serde_json::Value::String(text) if name == "text" => parts.push(text.clone()),
            other => collect(other, parts),
        }),
        _ => {}
    }
}

/// The private link that a message carries.
pub fn link_in(message: &Message) -> Option<String> {
    let blocks = message.blocks.as_ref()?.to_string();
    let start = blocks.find(&format!("{APP}/connect/"))?;
    Some(blocks.get(start..)?.chars().take_while(|it| *it != '"').collect())
}

fn config(variables: &[(&str, String)]) -> Config {
    Config::parse(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone()))
}

/// Runs a future to its end on this thread.
pub fn wait<T>(future: impl Future<Output = T>) -> T {
    futures::executor::block_on(future)
}

thread_local! {
    /// How often something went on that did not sleep.
    static ACTIVITY: Cell<u64> = const { Cell::new(0) };
}

/// Waits until nothing goes on any more but sleeping, and lets the time pass to the end of the shortest sleep.
struct Sleep<'a> {
    platform: &'a Platform,
    id: u64,
    until: i64,
    seen: Option<u64>,
    idle: u32,
}

impl Future for Sleep<'_> {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let activity = ACTIVITY.get();
        let quiet = self.seen.replace(activity) == Some(activity);
        self.idle = if quiet { self.idle + 1 } else { 0 };
        let sleepers = &self.platform.sleepers;
        sleepers.borrow_mut().insert(self.id, self.until);
        // One that sleeps shorter and is not polled at all is not waited for without end.
        let next = self.idle > 100 || sleepers.borrow().values().all(|until| *until >= self.until);
        if quiet && next {
            self.platform.now.set(self.platform.now.get().max(self.until));
            ACTIVITY.set(activity + 1);
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        self.platform.sleepers.borrow_mut().remove(&self.id);
    }
}

/// A point where other work goes on, and where a crash may happen.
async fn pause() {
    struct Once(bool);
    impl Future for Once {
        type Output = ();
        fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
            ACTIVITY.set(ACTIVITY.get() + 1);
            if std::mem::replace(&mut self.0, true) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        }
    }
    Once(false).await;
}

#[async_trait(?Send)]
impl Clock for Platform {
    fn now(&self) -> Timestamp {
        Timestamp(self.now.get())
    }

    async fn sleep(&self, duration: Duration) {
        let until = self.now.get() + i64::try_from(duration.as_millis()).unwrap();
        let id = self.next_sleeper.replace(self.next_sleeper.get() + 1);
        Sleep { platform: self, id, until, seen: None, idle: 0 }.await;
    }
}

impl Random for Platform {
    // SplitMix64: good enough to be different each time, and the same in each run.
    fn fill(&self, buffer: &mut [u8]) {
        for byte in buffer {
            let mut mixed = self.entropy.get().wrapping_add(0x9E37_79B9_7F4A_7C15);
            self.entropy.set(mixed);
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            *byte = (mixed >> 32) as u8;
        }
    }
}

#[async_trait(?Send)]
impl Http for Platform {
    async fn send(&self, request: Request<Bytes>, limits: Limits) -> Result<Response<Bytes>, HttpError> {
        pause().await;
        self.sent.borrow_mut().push(Sent {
            url: request.uri().to_string(),
            authorization: request
                .headers()
                .get(http::header::AUTHORIZATION)
                .map(|value| value.to_str().unwrap().to_owned()),
            body: String::from_utf8_lossy(request.body()).into_owned(),
        });
        let exchange = self.sandbox.handle(request, self.now.get());
        let delay = Duration::from_millis(exchange.delay_ms).min(limits.deadline);
        match delay.is_zero() {
            true => pause().await,
            false => self.sleep(delay).await,
        }
        if delay == limits.deadline {
            return Err(HttpError::Timeout);
        }
        match exchange.outcome {
            Outcome::Respond(response) if response.body().len() > limits.max_body => Err(HttpError::TooLong),
            Outcome::Respond(response) => Ok(response),
            Outcome::Truncate(_) | Outcome::Drop => Err(HttpError::Connection),
            Outcome::Hang => {
                self.sleep(limits.deadline).await;
                Err(HttpError::Timeout)
            }
        }
    }
}

#[async_trait(?Send)]
impl Kv for Platform {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StorageError> {
        pause().await;
        self.kv_works()?;
        Ok(self.kv.borrow().get(key).cloned())
    }

    async fn put(&self, key: &str, value: &[u8], _ttl: Option<Duration>) -> Result<(), StorageError> {
        pause().await;
        self.kv_works()?;
        self.kv.borrow_mut().insert(key.to_owned(), value.to_vec());
        Ok(())
    }

    async fn delete(&self, key: &str) -> Result<(), StorageError> {
        pause().await;
        self.kv_works()?;
        self.kv.borrow_mut().remove(key);
        Ok(())
    }
}

impl Platform {
    fn kv_works(&self) -> Result<(), StorageError> {
        if self.kv_broken.get() { Err(StorageError("KV is down".to_owned())) } else { Ok(()) }
    }
}

#[async_trait(?Send)]
impl Objects for Platform {
    async fn call(&self, class: ObjectClass, name: &str, path: &str, body: Vec<u8>) -> Result<Vec<u8>, ObjectError> {
        pause().await;
        assert_eq!(class, class_of(name));
        self.object_calls.set(self.object_calls.get() + 1);
        if self.objects_broken.get() == Some(class) {
            return Err(ObjectError("the objects are down".to_owned()));
        }
        let lost = self.lost_call.get().filter(|lost| (lost.class, lost.path) == (class, path));
        if lost.is_some_and(|lost| !lost.done) {
            return Err(ObjectError("the call was lost".to_owned()));
        }
        let reply = self.instance(name).handle(path, &body).await;
        lost.map_or(reply, |_| Err(ObjectError("the reply was lost".to_owned())))
    }

    async fn open(&self, name: &str, path: &str, body: Vec<u8>) -> Result<Stream, ObjectError> {
        pause().await;
        assert_eq!(path, vedette::mcp::pipe::OPEN);
        self.object_calls.set(self.object_calls.get() + 1);
        match self.instance(name) {
            Instance::Stream(pipe) => pipe.open(&body).map_err(|error| ObjectError(error.to_string())),
            _ => panic!("{name} is no stream"),
        }
    }
}

#[async_trait(?Send)]
impl Limiter for Platform {
    async fn allows(&self, name: &str, key: &str) -> Result<bool, LimiterError> {
        pause().await;
        self.counted.borrow_mut().push((name.to_owned(), key.to_owned()));
        if self.limiter_broken.get() {
            return Err(LimiterError("the limiter is down".to_owned()));
        }
        if !self.limits.get() {
            return Ok(true);
        }
        let limit = LIMITS.iter().find(|limit| limit.binding == name).unwrap();
        let window = self.now.get() / (i64::from(limit.period) * 1000);
        let mut windows = self.windows.borrow_mut();
        let count = windows.entry((name.to_owned(), key.to_owned(), window)).or_insert(0);
        *count += 1;
        Ok(*count <= limit.number)
    }
}

impl Log for Platform {
    fn log(&self, level: Level, event: &str, fields: &[(&str, &str)]) {
        self.logged.borrow_mut().push(format!("{level:?} {event} {fields:?}"));
    }
}

/// An empty database with the limits of a Durable Object's (workerd, `src/workerd/util/sqlite.c++`).
fn database() -> rusqlite::Connection {
    use rusqlite::limits::Limit;
    let database = rusqlite::Connection::open_in_memory().unwrap();
    let limits = [
        (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 5),
        (Limit::SQLITE_LIMIT_COLUMN, 100),
        (Limit::SQLITE_LIMIT_EXPR_DEPTH, 100),
        (Limit::SQLITE_LIMIT_VARIABLE_NUMBER, 100),
        (Limit::SQLITE_LIMIT_SQL_LENGTH, 100_000),
        (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 50),
        (Limit::SQLITE_LIMIT_LENGTH, 2_200_000),
    ];
    for (limit, value) in limits {
        database.set_limit(limit, value).unwrap();
    }
    database
}

struct TestAlarm(Rc<Cell<Option<i64>>>);

#[async_trait(?Send)]
impl Alarm for TestAlarm {
    async fn set(&self, at: Timestamp) -> Result<(), StorageError> {
        self.0.set(Some(at.0));
        Ok(())
    }

    async fn clear(&self) -> Result<(), StorageError> {
        self.0.set(None);
        Ok(())
    }
}

struct Sqlite(Rc<rusqlite::Connection>);

struct Bound(Value);

impl rusqlite::ToSql for Bound {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match &self.0 {
            Value::Null => ValueRef::Null,
            Value::Integer(it) => ValueRef::Integer(*it),
            Value::Text(it) => ValueRef::Text(it.as_bytes()),
            Value::Blob(it) => ValueRef::Blob(it),
        }))
    }
}

impl Sql for Sqlite {
    fn exec(&self, statement: &str, parameters: Vec<Value>) -> Result<Vec<Row>, StorageError> {
        let run = || {
            let mut prepared = self.0.prepare_cached(statement)?;
            let columns = prepared.column_count();
            let bound: Vec<Bound> = parameters.into_iter().map(Bound).collect();
            let mut rows = prepared.query(rusqlite::params_from_iter(bound.iter()))?;
            let mut all = Vec::new();
            while let Some(row) = rows.next()? {
                let cells = (0..columns).map(|index| {
                    Ok(match row.get_ref(index)? {
                        ValueRef::Null => Value::Null,
                        ValueRef::Integer(it) => Value::Integer(it),
                        ValueRef::Real(it) => Value::Integer(it as i64),
                        ValueRef::Text(it) => Value::Text(String::from_utf8_lossy(it).into_owned()),
                        ValueRef::Blob(it) => Value::Blob(it.to_vec()),
                    })
                });
                all.push(Row(cells.collect::<rusqlite::Result<_>>()?));
            }
            Ok(all)
        };
        run().map_err(|error: rusqlite::Error| StorageError(error.to_string()))
    }

    fn transaction(&self, work: &mut dyn FnMut() -> Result<(), StorageError>) -> Result<(), StorageError> {
        let execute = |statement| self.0.execute_batch(statement).map_err(|error| StorageError(error.to_string()));
        execute("SAVEPOINT work")?;
        match work() {
            Ok(()) => execute("RELEASE work"),
            Err(error) => {
                execute("ROLLBACK TO work; RELEASE work")?;
                Err(error)
            }
        }
    }

    fn delete_all(&self) -> LocalBoxFuture<'_, Result<(), StorageError>> {
        let tables = self.exec("SELECT name FROM sqlite_schema WHERE type = 'table'", vec![]);
        let dropped = tables.and_then(|tables| {
            let mut names = tables.iter().filter_map(|row| row.text(0));
            names.try_for_each(|name| self.exec(&format!("DROP TABLE {name}"), vec![]).map(drop))
        });
        Box::pin(std::future::ready(dropped))
    }
}
