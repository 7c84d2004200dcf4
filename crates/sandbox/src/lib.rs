//! A fake Sentry and a fake Slack, with faults: the outside world in which Vedette is tested and shown.
//!
//! The library does no I/O. [`Sandbox::handle`] takes one HTTP request that the app sends out and says what the world
//! does with it; [`Sandbox::say`], [`Sandbox::slash`] and [`Sandbox::click`] are what people do in Slack, and return the
//! signed requests that Slack then sends to the app. Time is a parameter everywhere. It is used in three ways:
//!
//! 1. in the app's host tests, in-process and without sockets;
//! 2. in tests on workerd, as a child process on loopback ports (the binary);
//! 3. as the back end of the local demo (the binary, with its page).
//!
//! | Request to | Played by |
//! |---|---|
//! | `sentry.io`, `*.sentry.io`, [`Options::sentry_origin`] | the fake Sentry |
//! | `slack.com`, `hooks.slack.com`, [`Options::slack_origin`] | the fake Slack |
//! | an address that a test has put a [`Page`] at ([`Sandbox::put_page`]) | that page |
//! | anywhere else | nobody: the connection is refused |

// A refusal is a whole response here.
#![allow(clippy::result_large_err)]

mod control;
mod elsewhere;
mod exchange;
mod faults;
mod form;
mod json;
mod options;
mod random;
mod secrets;
mod sentry;
mod slack;

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Value, json};

use self::elsewhere::Elsewhere;
use self::faults::Faults;
use self::random::Random;
use self::secrets::Ledger;
use self::sentry::Sentry;
use self::slack::Slack;

pub use self::elsewhere::{Page, PageFault, Visit};
pub use self::exchange::{Delivery, Exchange, Outcome};
pub use self::faults::{Fault, FaultKind, Side};
pub use self::options::{OPERATOR_TOKEN, Options, SENTRY_REQUESTS_PER_SECOND, SLACK_RETRY_DELAYS_MS};
pub use self::secrets::Secret;
pub use self::sentry::{Counters, LiveToken, Refresh, SentryRequest};
pub use self::slack::people;
pub use self::slack::{Click, DeliveryKind, DeliveryRecord, Failure, Message, Say, SlackCall, Slash, signature};

/// Stands in events' request cookies, headers, bodies and frame variables: nothing that the app shows may contain it.
pub const SENSITIVE_CANARY: &str = sentry::SENSITIVE_CANARY;

/// The outside world.
pub struct Sandbox {
    options: Options,
    state: Mutex<State>,
}

/// What changes.
struct State {
    version: u64,
    now_ms: i64,
    random: Random,
    secrets: Ledger,
    faults: Faults,
    sentry: Sentry,
    slack: Slack,
    elsewhere: Elsewhere,
}

/// What every handler works with.
struct Context<'a> {
    options: &'a Options,
    random: &'a mut Random,
    secrets: &'a mut Ledger,
    now_ms: i64,
}

/// What the fake Sentry has seen and issued so far.
#[derive(Clone, Debug)]
pub struct SentryView {
    /// Every request, in order.
    pub requests: Vec<SentryRequest>,
    /// Every refresh token that was presented, in order.
    pub refreshes: Vec<Refresh>,
    /// How often tokens changed.
    pub counters: Counters,
    /// The OAuth tokens that are good now.
    pub live_tokens: Vec<LiveToken>,
}

impl SentryView {
    /// The requests for which there is no route.
    pub fn unhandled(&self) -> Vec<&SentryRequest> {
        self.requests.iter().filter(|request| !request.handled).collect()
    }
}

/// What the fake Slack has seen so far.
#[derive(Clone, Debug)]
pub struct SlackView {
    /// Every call of the Web API and of response URLs, in order.
    pub calls: Vec<SlackCall>,
    /// Methods that the sandbox does not play.
    pub unhandled: Vec<String>,
    /// Every message, ephemeral and deleted ones too.
    pub messages: Vec<Message>,
    /// Every request that was made to the app.
    pub deliveries: Vec<DeliveryRecord>,
    /// The Home tab of each person for whom one was published.
    pub homes: std::collections::BTreeMap<String, Value>,
}

impl SlackView {
    /// The messages that have not been deleted.
    pub fn shown(&self) -> Vec<&Message> {
        self.messages.iter().filter(|message| !message.deleted).collect()
    }
}

impl Sandbox {
    /// A fresh world.
    pub fn new(options: Options) -> Sandbox {
        let state = Mutex::new(State::new(&options, 0));
        Sandbox { options, state }
    }

    /// What the sandbox was told about its surroundings.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// One HTTP exchange with the outside world. `request.uri()` is absolute.
    pub fn handle(&self, request: Request<Bytes>, now_ms: i64) -> Exchange {
        let mut state = self.lock_at(now_ms);
        if let Some(exchange) = state.elsewhere.handle(&request) {
            return exchange;
        }
        let uri = request.uri();
        let side = if Sentry::is_at(uri, &self.options) {
            Side::Sentry
        } else if Slack::is_at(uri, &self.options) {
            Side::Slack
        } else {
            state.elsewhere.note(&request);
            return Exchange { delay_ms: 0, outcome: Outcome::Drop };
        };
        let plan = state.faults.plan(side, uri.host().unwrap_or_default(), uri.path());
        let (sentry, slack, context) = state.parts(&self.options);
        let exchange = match side {
            Side::Sentry => sentry.handle(&request, plan, context),
            Side::Slack => slack.handle(&request, plan, context),
        };
        state.version += 1;
        exchange
    }

    /// Somebody writes a message: its `ts`, and what the app gets to hear of it. A message that Slack would not accept
    /// (see [`Sandbox::try_say`]) gives an empty `ts` and no delivery.
    pub fn say(&self, now_ms: i64, say: &Say) -> (String, Vec<Delivery>) {
        self.try_say(now_ms, say).unwrap_or_default()
    }

    /// Somebody writes a message.
    ///
    /// # Errors
    /// `user_not_found`, `channel_not_found`, `not_in_channel`, `no_text`.
    pub fn try_say(&self, now_ms: i64, say: &Say) -> Result<(String, Vec<Delivery>), String> {
        self.in_slack(now_ms, |slack, context| slack.say(say, context))
    }

    /// Somebody uses the slash command.
    pub fn slash(&self, now_ms: i64, slash: &Slash) -> Delivery {
        self.in_slack(now_ms, |slack, context| slack.slash(slash, context))
    }

    /// Somebody clicks. A link button both opens its link ([`Sandbox::link`]) and sends this.
    ///
    /// # Errors
    /// `user_not_found`, `message_not_found`, `not_the_apps_message`, `view_not_found`, `action_not_found`,
    /// `option_not_found`.
    pub fn click(&self, now_ms: i64, click: &Click) -> Result<Delivery, String> {
        self.in_slack(now_ms, |slack, context| slack.click(click, context))
    }

    /// The link of the button that a click means, if it is a link button.
    pub fn link(&self, click: &Click) -> Option<String> {
        self.lock().slack.link(click)
    }

    /// Somebody opens the app at its Home tab (`home`) or its messages (`messages`): `app_home_opened`.
    ///
    /// # Errors
    /// `user_not_found`, `cannot_dm_user`.
    pub fn open_app(&self, now_ms: i64, person: &str, tab: &str) -> Result<Delivery, String> {
        self.in_slack(now_ms, |slack, context| slack.open_app(person, tab, context))
    }

    /// Any event, in a realistic envelope: `{"type":"app_uninstalled"}`, say.
    pub fn event(&self, now_ms: i64, event: &Value) -> Delivery {
        self.in_slack(now_ms, |slack, context| slack.event(event, context))
    }

    /// From now on, `users.info` says these fields of a user, as of somebody in Enterprise Grid:
    /// `{"team_id": "T0GLOBEX2", "enterprise_user": {"enterprise_id": "E0GLOBEX", "teams": […]}}`. `None`: it does not find them.
    pub fn tell_of_user(&self, user: &str, fields: Option<Value>) {
        let mut state = self.lock();
        state.version += 1;
        state.slack.told.insert(user.to_owned(), fields);
    }

    /// Lets the bot (or a person) into a channel; false when there is no such channel or user.
    pub fn invite(&self, channel: &str, user: &str) -> bool {
        let mut state = self.lock();
        state.version += 1;
        state.slack.invite(channel, user)
    }

    /// What the app answered to a delivery (`None`: nothing within three seconds). Returns the retry to make, if there is
    /// one, with the time when it is due. The answer to a slash command may carry a message, which then shows.
    pub fn delivered(&self, now_ms: i64, id: u64, answer: Option<&Response<Bytes>>) -> Vec<(i64, Delivery)> {
        self.in_slack(now_ms, |slack, context| slack.delivered(id, answer.ok_or(Failure::Timeout), context))
    }

    /// A delivery got no answer, for this reason. Otherwise as [`Sandbox::delivered`].
    pub fn undelivered(&self, now_ms: i64, id: u64, failure: Failure) -> Vec<(i64, Delivery)> {
        self.in_slack(now_ms, |slack, context| slack.delivered(id, Err(failure), context))
    }

    /// Takes the deliveries that the app's own doing caused: in a direct message, Slack tells the app what the app wrote.
    pub fn take_echoes(&self) -> Vec<Delivery> {
        std::mem::take(&mut self.lock().slack.outbox)
    }

    /// Adds a fault, and returns its id.
    pub fn add_fault(&self, fault: Fault) -> String {
        let mut state = self.lock();
        state.version += 1;
        state.faults.add(fault)
    }

    /// Removes a fault; false when there was none of this id.
    pub fn remove_fault(&self, id: &str) -> bool {
        let mut state = self.lock();
        state.version += 1;
        state.faults.remove(id)
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        let mut state = self.lock();
        state.version += 1;
        state.faults.clear();
    }

    /// Puts a page at `url`, its whole address, instead of what was there; `None` takes it away.
    pub fn put_page(&self, url: &str, page: Option<Page>) {
        let mut state = self.lock();
        state.version += 1;
        state.elsewhere.put(url, page);
    }

    /// What was asked for at pages' addresses, and at hosts that nobody plays, in order.
    pub fn visits(&self) -> Vec<Visit> {
        self.lock().elsewhere.visits.clone()
    }

    /// From now on, the consent page does not show: this account (an e-mail address) has approved everything before.
    /// `None` shows it again.
    pub fn auto_approve(&self, account: Option<&str>) {
        self.lock().sentry.auto_approve = account.map(str::to_owned);
    }

    /// What the fake Sentry has seen and issued so far. Whether a token is live is judged by the latest `now_ms`.
    pub fn sentry(&self) -> SentryView {
        let state = self.lock();
        SentryView {
            requests: state.sentry.log.clone(),
            refreshes: state.sentry.refreshes.clone(),
            counters: state.sentry.counters,
            live_tokens: state.sentry.live_tokens(state.now_ms),
        }
    }

    /// What the fake Slack has seen so far.
    pub fn slack(&self) -> SlackView {
        let state = self.lock();
        SlackView {
            calls: state.slack.calls.clone(),
            unhandled: state.slack.unhandled.clone(),
            messages: state.slack.messages.all().to_vec(),
            deliveries: state.slack.deliveries.log.clone(),
            homes: state.slack.homes.clone(),
        }
    }

    /// Every secret that was issued so far.
    pub fn secrets(&self) -> Vec<Secret> {
        self.lock().secrets.all().to_vec()
    }

    /// Grows with every change: what `GET /sandbox/changes` waits for.
    pub fn version(&self) -> u64 {
        self.lock().version
    }

    /// Everything there is to show; with a person, only what that person can see.
    pub fn state(&self, person: Option<&str>) -> Value {
        self.lock().json(person)
    }

    /// Begins again: no messages, no tokens, no faults.
    pub fn reset(&self) {
        let mut state = self.lock();
        *state = State::new(&self.options, state.version + 1);
    }

    /// Answers everything under `/sandbox/` that sends nothing to the app; the table is in the module `control`.
    pub fn control(&self, request: Request<Bytes>, now_ms: i64) -> Response<Bytes> {
        control::answer(self, &request, now_ms)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_at(&self, now_ms: i64) -> MutexGuard<'_, State> {
        let mut state = self.lock();
        state.now_ms = now_ms;
        state
    }

    fn in_slack<T>(&self, now_ms: i64, act: impl FnOnce(&mut Slack, &mut Context) -> T) -> T {
        let mut state = self.lock_at(now_ms);
        let (_, slack, mut context) = state.parts(&self.options);
        let done = act(slack, &mut context);
        state.version += 1;
        done
    }
}

impl State {
    fn new(options: &Options, version: u64) -> State {
        let mut secrets = Ledger::default();
        secrets.note("client_secret", &options.client_secret);
        secrets.note("bot_token", &options.bot_token);
        secrets.note("signing_secret", &options.signing_secret);
        secrets.note("operator_token", &options.operator_token);
        State {
            version,
            now_ms: 0,
            // After a reset, a seed must not give the same tokens again.
            random: Random::new(options.random_seed.map(|seed| seed.wrapping_add(version))),
            secrets,
            faults: Faults::default(),
            sentry: Sentry::default(),
            slack: Slack::new(),
            elsewhere: Elsewhere::default(),
        }
    }

    fn parts<'a>(&'a mut self, options: &'a Options) -> (&'a mut Sentry, &'a mut Slack, Context<'a>) {
        let State { sentry, slack, random, secrets, now_ms, .. } = self;
        (sentry, slack, Context { options, random, secrets, now_ms: *now_ms })
    }

    fn json(&self, person: Option<&str>) -> Value {
        let viewer = person.and_then(slack::people::person);
        let sees = |channel: &str| viewer.is_none_or(|viewer| self.slack.sees(viewer, channel));
        let statuses = self.slack.statuses.iter().filter(|((channel, _), _)| sees(channel));
        let statuses = statuses.map(
            |((channel, thread_ts), status)| json!({"channel": channel, "thread_ts": thread_ts, "status": status}),
        );
        let homes = self.slack.homes.iter().filter(|(owner, _)| viewer.is_none_or(|viewer| viewer.id == *owner));
        let homes: serde_json::Map<String, Value> = homes.map(|(owner, view)| (owner.clone(), view.clone())).collect();
        let counters = self.sentry.counters;
        json!({
            "version": self.version,
            "people": slack::people::people_json(),
            "team": {"id": people::TEAM, "name": people::TEAM_NAME, "domain": people::TEAM_DOMAIN},
            "bot": {"id": people::BOT_USER, "name": people::BOT_NAME},
            "conversations": self.slack.conversations(viewer),
            "messages": self.slack.messages_json(viewer),
            "homes": homes,
            "statuses": statuses.collect::<Vec<Value>>(),
            "faults": self.faults.list(),
            "sentry": {
                "requests": self.sentry.log.len(),
                "refreshes": counters.refreshes,
                "token_exchanges": counters.token_exchanges,
                "revocations": counters.revocations,
                "live_tokens": self.sentry.live_tokens(self.now_ms).len(),
            },
            "slack": {"calls": self.slack.calls.len(), "deliveries": self.slack.deliveries.log.len()},
        })
    }
}
