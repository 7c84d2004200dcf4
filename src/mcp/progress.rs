//! Progress notifications, and ending with the client (MCP, "Progress" and "Cancellation").
//!
//! A request that works with Sentry and has a `progressToken` is answered with a stream, if its client takes one: what is
//! being asked of Sentry, as it is asked, and a sign of life every five seconds, so that neither the client nor what stands
//! between gives up. `progress` counts these messages; there is no `total`, because a command does not know it.
//!
//! **Where it comes from.** The work runs in a [`World`] whose [`Http`] port tells of each exchange that begins. Neither the
//! Sentry client nor a command knows of it, and without a token nothing of this exists.
//!
//! **When the response begins.** A status cannot be taken back. So the work has a second ([`HOLD`]) in which a dead
//! credential is still a 401 with its challenge; after it, or once the work is done, everything so far is sent at once.
//! Later a refusal can only be a JSON-RPC error, and the client's next request gets the status: of a dead credential because
//! that stays dead; of a missing scope, which only the same call would find again, as late as before, because this isolate
//! remembers it for a minute ([`too_late`], [`known_refusal`]). Who authorizes anew comes as another session, of which
//! nothing is known.
//!
//! **When the client goes away** the platform drops the stream, and with it the work and its exchange with Sentry. workerd
//! notices that when it writes: within five seconds.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures::future::{Either, LocalBoxFuture, select};
use futures::stream::{LocalBoxStream, unfold};
use futures::{FutureExt, StreamExt};
use http::StatusCode;
use rmcp::model::{ProgressNotificationParam, ProgressToken};
use serde_json::{Value, json};
use url::Url;

use super::caller::Caller;
use super::constraint::{Endpoint, Place};
use super::era::Era;
use super::message::Request;
use super::refusal::Refusal;
use super::{Server, door, resources};
use crate::cache::{Cache, Key};
use crate::crypto::sha256;
use crate::ports::{Http, HttpError, Limits, Timestamp};
use crate::world::World;

/// How long a status is held back.
pub const HOLD: Duration = Duration::from_secs(1);
/// The longest silence.
pub const PULSE: Duration = Duration::from_secs(5);

/// How long a refusal is kept that came too late for its status: a model calls again in seconds.
const KEPT: Duration = Duration::from_secs(60);

thread_local! {
    static REFUSED: RefCell<Cache<Refusal>> = const { RefCell::new(Cache::new()) };
}

/// Keeps a refusal that the client can mend by authorizing for more, for the next call with the same `key`.
pub fn too_late(key: Option<Key>, refusal: &Refusal, now: Timestamp) {
    if let (Some(key), Some(refusal)) = (key, refusal.of_missing_scope()) {
        REFUSED.with_borrow_mut(|refused| refused.put(key, refusal, now, KEPT));
    }
}

/// The refusal that came too late for the call before this one, once.
pub fn known_refusal(key: Option<Key>, now: Timestamp) -> Option<Refusal> {
    let key = key?;
    REFUSED.with_borrow_mut(|refused| {
        let known = refused.get(&key, now);
        refused.forget(&key);
        known
    })
}

/// What calls of the same tool by the same caller have in common; `None` for what calls no tool.
pub fn key(caller: &Caller, endpoint: &Endpoint, request: &Request) -> Option<Key> {
    let tool = match request.method.as_str() {
        "tools/call" => request.params.get("name")?.as_str()?,
        "resources/read" => resources::TOOL,
        _ => return None,
    };
    Some(sha256(&[&caller.key, endpoint.path().as_bytes(), b" ", tool.as_bytes()].concat()))
}

/// A response's status and body, or why there is none.
pub type Outcome = Result<(StatusCode, Value), Refusal>;

/// What watched work gives.
pub enum Told {
    /// A notification.
    Step(Value),
    /// Its outcome, last.
    Done(Outcome),
}

/// The token that a request wants progress under, if it does and can have any.
pub fn token(request: &Request) -> Option<ProgressToken> {
    if !matches!(request.method.as_str(), "tools/call" | "resources/read") {
        return None;
    }
    let token = request.params.get("_meta")?.get("progressToken")?;
    serde_json::from_value(token.clone()).ok()
}

/// A request with all that it takes to answer it.
pub struct Work {
    /// The world.
    pub world: World,
    /// Who asks.
    pub caller: Caller,
    /// What they are limited to.
    pub place: Place,
    /// Where the request came in.
    pub endpoint: Endpoint,
    /// The request.
    pub request: Request,
    /// How it is answered.
    pub era: Era,
}

impl Work {
    /// Does it.
    pub async fn done(self) -> Outcome {
        let Work { world, caller, place, endpoint, request, era } = &self;
        door::answered(&Server { world, caller, place, endpoint }, request, *era).await
    }

    /// Does it, and tells how it goes.
    pub fn told(mut self, token: ProgressToken) -> LocalBoxStream<'static, Told> {
        let (told, steps) = unbounded();
        let http = Watched { inner: Rc::clone(&self.world.ports.http), told, last: RefCell::default() };
        self.world.ports.http = Rc::new(http);
        let world = self.world.clone();
        let telling = Telling { work: Some(self.done().boxed_local()), steps, ready: VecDeque::new(), token, count: 0 };
        unfold((telling, world), |(mut telling, world)| async move {
            let told = telling.next(&world).await?;
            Some((told, (telling, world)))
        })
        .boxed_local()
    }
}

struct Telling {
    /// `None` once it is done.
    work: Option<LocalBoxFuture<'static, Outcome>>,
    steps: UnboundedReceiver<String>,
    ready: VecDeque<Told>,
    token: ProgressToken,
    count: u32,
}

impl Telling {
    async fn next(&mut self, world: &World) -> Option<Told> {
        if let Some(ready) = self.ready.pop_front() {
            return Some(ready);
        }
        let work = self.work.as_mut()?;
        let silence = pin!(world.ports.clock.sleep(PULSE));
        let step = match select(work, select(self.steps.next(), silence)).await {
            Either::Left((outcome, _)) => {
                self.work = None;
                while let Ok(step) = self.steps.try_recv() {
                    let step = self.step(step);
                    self.ready.push_back(step);
                }
                self.ready.push_back(Told::Done(outcome));
                return self.ready.pop_front();
            }
            Either::Right((Either::Left((step, _)), _)) => step.unwrap_or_default(),
            Either::Right((Either::Right(_), _)) => "Still waiting for Sentry".to_owned(),
        };
        Some(self.step(step))
    }

    fn step(&mut self, message: String) -> Told {
        self.count += 1;
        let params = ProgressNotificationParam::new(self.token.clone(), f64::from(self.count)).with_message(message);
        Told::Step(json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": params }))
    }
}

/// Exchanges, told of as they begin.
struct Watched {
    inner: Rc<dyn Http>,
    told: UnboundedSender<String>,
    last: RefCell<String>,
}

#[async_trait(?Send)]
impl Http for Watched {
    async fn send(&self, request: http::Request<Bytes>, limits: Limits) -> Result<http::Response<Bytes>, HttpError> {
        let url = request.uri().to_string();
        let again = self.last.replace(url.clone()) == url;
        let about = Url::parse(&url).ok().and_then(|url| about(&url));
        let words = ["Asking Sentry", if again { " again" } else { "" }, about.map_or("", |_| " for ")].concat();
        // Nobody listens any more only once this work is being dropped.
        let _ = self.told.unbounded_send(words + about.unwrap_or_default());
        self.inner.send(request, limits).await
    }
}

/// What an address of Sentry's API is about, in words of ours.
fn about(url: &Url) -> Option<&'static str> {
    let segments: Vec<&str> = url.path_segments()?.skip(2).filter(|segment| !segment.is_empty()).collect();
    Some(match segments.as_slice() {
        [] => "what this access may do",
        ["auth"] => "your account",
        ["organizations"] => "your organizations",
        ["organizations", _] => "the organization",
        ["organizations", _, "projects"] => "projects",
        ["projects", _, _] => "the project",
        ["organizations", _, "issues"] => "issues",
        ["organizations", _, "shortids", _] | ["organizations", _, "issues", _] => "the issue",
        ["organizations", _, "issues", _, "events", ..] => "the issue's event",
        ["organizations", _, "events", ..] => "events",
        ["organizations", _, "releases", ..] => "releases",
        ["organizations", _, "teams", ..] => "teams",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_told_in_words_of_ours_and_never_as_it_is_p20() {
        let about = |path: &str| about(&Url::parse(&format!("https://sentry.io/api/0{path}")).unwrap());
        assert_eq!(about("/"), Some("what this access may do"));
        assert_eq!(about("/organizations/globex/issues/?query=hush"), Some("issues"));
        assert_eq!(about("/organizations/globex/issues/42/events/latest/"), Some("the issue's event"));
        assert_eq!(about("/projects/globex/api/"), Some("the project"));
        assert_eq!(about("/something/new/"), None);
    }
}
