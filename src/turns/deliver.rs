//! Showing a turn in Slack: its progress, its private link, its answer.
//!
//! Every function returns `Some(pause)` when Slack could not be reached and the step is to be tried again, and `None`
//! when it is done or cannot be done.

use std::time::Duration;

use secrecy::SecretString;

use super::decision::Decision;
use super::link::{LINK_RECORD, LinkContent};
use super::person::{Person, PersonError};
use super::request::{Place, Replaced};
use super::runner::{LONGEST_PAUSE, backoff};
use super::store::{LinkMessage, Turn, TurnState};
use crate::crypto::{Purpose, sha256};
use crate::ports::Level;
use crate::slack::api::{Api, Respond, SlackError};
use crate::slack::blocks::Message;
use crate::slack::messages::{self, Reason};
use crate::slack::owner::Owner;
use vedette_commands::answer::Audience;
use vedette_commands::plan::Plan;

/// The answer of the door to a slash command reaches Slack within this.
const DOORS_ANSWER: Duration = Duration::from_millis(400);

/// Slack said no for good.
struct Refused;

enum Sent<T> {
    Done(T),
    Again(Duration),
    Refused,
}

impl Person {
    /// Step 3: the message that shows the turn's progress exists. There is none where only the person sees the turn (the
    /// door answered with it), in a channel for what is the person's alone (P22), and for what is known already.
    pub(super) async fn place(&self, turn: &mut Turn) -> Result<Option<Duration>, PersonError> {
        let plan = self.plan(&turn.request.ask);
        let unseen = match turn.request.place {
            Place::Ephemeral { .. } => true,
            Place::Thread { .. } => plan.audience() == Audience::Person,
            Place::Direct { .. } => false,
        };
        let taken = self.take_place(turn)?;
        if unseen || matches!(plan, Plan::Say(_) | Plan::Use(_)) {
            return Ok(None);
        }
        let progress = messages::progress(&self.progress(&plan)?);
        if turn.placeholder.is_some() {
            // After a wait the message still says that access is needed; what was pressed has served.
            let outdated = (turn.waits > 0 && turn.attempts == 0) || (taken && !stays(turn));
            if turn.state == TurnState::Running && outdated {
                let (Ok(api), Some(ts)) = (Api::new(&self.world), &turn.placeholder) else { return Ok(None) };
                let _ = api.update(turn.request.place.channel(), ts, &progress, Some(&mark(turn))).await;
            }
            return Ok(None);
        }
        let place = turn.request.place.clone();
        match self.post_once(turn, place.channel(), place.thread_ts(), &progress).await? {
            Sent::Done(_) | Sent::Refused => Ok(None),
            Sent::Again(pause) => Ok(Some(pause)),
        }
    }

    /// Lets the turn go on in the message that was pressed, when that is one of its person's own and has served: somebody
    /// else's press leaves it as it is (P13). Whether it began to do so.
    fn take_place(&self, turn: &mut Turn) -> Result<bool, PersonError> {
        let own = turn.request.replaces.as_ref().filter(|replaced| replaced.owner.is(&self.id));
        let Some(ts) = own.map(|replaced| replaced.ts.clone()).filter(|_| turn.placeholder.is_none()) else {
            return Ok(false);
        };
        self.placed(turn, ts)?;
        Ok(true)
    }

    /// Posts the turn's message, once: if posting was begun before, looks for it first (P11).
    async fn post_once(
        &self,
        turn: &mut Turn,
        channel: &str,
        thread: Option<&str>,
        message: &Message,
    ) -> Result<Sent<String>, PersonError> {
        let Ok(api) = Api::new(&self.world) else { return Ok(Sent::Again(LONGEST_PAUSE)) };
        let mark = mark(turn);
        if turn.posting {
            match self.sent(turn, api.find_marked(channel, thread, &mark, turn.request.asked_at).await) {
                Sent::Done(Some(ts)) => return self.placed(turn, ts).map(Sent::Done),
                Sent::Done(None) => {}
                Sent::Again(pause) => return Ok(Sent::Again(pause)),
                // Without the right to read the channel, posting twice is better than never.
                Sent::Refused => self.log(Level::Warn, "message_not_searchable", &[]),
            }
        }
        self.store.posting(turn.id)?;
        turn.posting = true;
        match self.sent(turn, api.post_message(channel, thread, message, Some(&mark)).await) {
            Sent::Done(ts) => self.placed(turn, ts).map(Sent::Done),
            other => Ok(other),
        }
    }

    fn placed(&self, turn: &mut Turn, ts: String) -> Result<String, PersonError> {
        self.store.placed(turn.id, &ts)?;
        turn.placeholder = Some(ts.clone());
        turn.posting = false;
        turn.attempts = 0;
        Ok(ts)
    }

    /// Step 5: the turn's message is shown, and the turn is over.
    pub(super) async fn show(&self, turn: &mut Turn) -> Result<Option<Duration>, PersonError> {
        let Some(Decision { message, audience }) = turn.decision.clone() else {
            return self.over(turn, TurnState::Failed);
        };
        let Ok(api) = Api::new(&self.world) else { return Ok(Some(LONGEST_PAUSE)) };
        let shown = match turn.request.place.clone() {
            Place::Ephemeral { channel, thread_ts } => {
                let response_url = self.response_url(turn);
                if audience == Audience::Channel && self.is_shared(turn) {
                    self.show_shared(&api, turn, &channel, response_url, &message).await?
                } else {
                    self.show_privately(&api, turn, &channel, thread_ts.as_deref(), &message).await?
                }
            }
            Place::Thread { channel, thread_ts } if audience == Audience::Person => {
                self.show_to_person(&api, turn, &channel, &thread_ts, &message).await?
            }
            Place::Thread { channel, thread_ts } | Place::Direct { channel, thread_ts } => {
                self.show_publicly(&api, turn, &channel, &thread_ts, &message).await?
            }
        };
        match shown {
            Sent::Done(()) => self.over(turn, TurnState::Done),
            Sent::Again(pause) => Ok(Some(pause)),
            Sent::Refused => {
                self.log(Level::Error, "turn_failed", &[("reason", "refused by Slack")]);
                self.over(turn, TurnState::Failed)
            }
        }
    }

    fn over(&self, turn: &Turn, state: TurnState) -> Result<Option<Duration>, PersonError> {
        self.store.end(turn.id, state, self.now())?;
        Ok(None)
    }

    async fn show_publicly(
        &self,
        api: &Api,
        turn: &mut Turn,
        channel: &str,
        thread: &str,
        message: &Message,
    ) -> Result<Sent<()>, PersonError> {
        let message = &signed(turn, message);
        if let Some(ts) = turn.placeholder.clone() {
            let mark = mark(turn);
            let result = api.update(channel, &ts, message, Some(&mark)).await;
            match result {
                // Show the answer in a new one.
                Err(error) if error.is_gone() => self.give_up_message(api, turn, channel, &ts).await?,
                Err(SlackError::Refused { ref error }) => {
                    self.log(Level::Error, "message_refused", &[("error", error)]);
                    let plain = Message { text: message.text.clone(), blocks: Vec::new() };
                    return Ok(self.sent(turn, api.update(channel, &ts, &plain, Some(&mark)).await));
                }
                result => return Ok(self.sent(turn, result)),
            }
        }
        match self.post_once(turn, channel, Some(thread), message).await? {
            Sent::Done(_) => Ok(Sent::Done(())),
            Sent::Again(pause) => Ok(Sent::Again(pause)),
            Sent::Refused => self.show_in_direct(api, turn, message).await,
        }
    }

    /// What a channel's question came to, to the person alone (P22); the channel's message, when there is one, says that.
    async fn show_to_person(
        &self,
        api: &Api,
        turn: &mut Turn,
        channel: &str,
        thread: &str,
        message: &Message,
    ) -> Result<Sent<()>, PersonError> {
        let private = match api.post_ephemeral(channel, &self.id.user, thread_shown(turn), message).await {
            Err(error) if error.means_unreachable_privately() => self.send_direct(api, turn, message).await,
            result => self.sent(turn, result),
        };
        let note = match private {
            Sent::Again(pause) => return Ok(Sent::Again(pause)),
            Sent::Done(()) if turn.placeholder.is_none() || stays(turn) => return Ok(Sent::Done(())),
            Sent::Done(()) => messages::answered_privately(),
            Sent::Refused => messages::cannot_answer_privately(),
        };
        // From here on only the note remains to be shown: an ephemeral message cannot be found again, and would be doubled.
        let decision = Decision::for_channel(note);
        self.decide(turn.id, &decision)?;
        turn.decision = Some(decision.clone());
        self.show_publicly(api, turn, channel, thread, &decision.message).await
    }

    /// Sends what the turn came to in the person's direct messages, once, apart from the turn's own message.
    async fn send_direct(&self, api: &Api, turn: &Turn, message: &Message) -> Sent<()> {
        let channel = match self.sent(turn, api.open_direct(&self.id.user).await) {
            Sent::Done(channel) => channel,
            Sent::Again(pause) => return Sent::Again(pause),
            Sent::Refused => return Sent::Refused,
        };
        let mark = format!("{}-private", mark(turn));
        match self.sent(turn, api.find_marked(&channel, None, &mark, turn.request.asked_at).await) {
            Sent::Done(Some(_)) => return Sent::Done(()),
            Sent::Again(pause) => return Sent::Again(pause),
            // Without the right to read the conversation, sending twice is better than never.
            Sent::Done(None) | Sent::Refused => {}
        }
        let message = Owner::new(&self.id, false).sign(message.clone(), &mark);
        let sent = api.post_message(&channel, None, &message, Some(&mark)).await;
        self.sent(turn, sent.map(drop))
    }

    /// The turn's message was deleted, or cannot be changed any more: whatever is left of it goes, and the turn has none.
    async fn give_up_message(&self, api: &Api, turn: &mut Turn, channel: &str, ts: &str) -> Result<(), PersonError> {
        let _ = api.delete(channel, ts).await;
        turn.request.replaces = None;
        self.store.displaced(turn.id, &turn.request)?;
        turn.placeholder = None;
        Ok(())
    }

    async fn show_privately(
        &self,
        api: &Api,
        turn: &mut Turn,
        channel: &str,
        thread: Option<&str>,
        message: &Message,
    ) -> Result<Sent<()>, PersonError> {
        if let Some(url) = self.response_url(turn) {
            self.let_the_door_answer(turn).await;
            match api.respond(&url, message, Respond::Replace).await {
                // It works 5 times within 30 minutes.
                Err(SlackError::Refused { error }) => self.log(Level::Info, "response_url_ended", &[("error", &error)]),
                result => return Ok(self.sent(turn, result)),
            }
        }
        match api.post_ephemeral(channel, &self.id.user, thread, message).await {
            Err(error) if error.means_unreachable_privately() => self.show_in_direct(api, turn, message).await,
            result => Ok(self.sent(turn, result)),
        }
    }

    /// `--share`: in the channel for everybody; by the bot, so that it can be found again after a crash, else, where
    /// the bot is no member, by the response URL.
    async fn show_shared(
        &self,
        api: &Api,
        turn: &mut Turn,
        channel: &str,
        response_url: Option<SecretString>,
        message: &Message,
    ) -> Result<Sent<()>, PersonError> {
        let message = &signed(turn, message);
        let posted = match turn.placeholder {
            Some(_) => Sent::Done(()),
            None => match self.post_once(turn, channel, None, message).await? {
                Sent::Done(_) => Sent::Done(()),
                Sent::Again(pause) => Sent::Again(pause),
                Sent::Refused => match &response_url {
                    Some(url) => return Ok(self.sent(turn, api.respond(url, message, Respond::Share).await)),
                    None => Sent::Refused,
                },
            },
        };
        if let (Sent::Done(()), Some(url)) = (&posted, &response_url) {
            // The person's own "Looking at …" has served; if it stays, no harm is done.
            let _ = api.respond(url, message, Respond::Delete).await;
        }
        Ok(posted)
    }

    async fn show_in_direct(&self, api: &Api, turn: &mut Turn, message: &Message) -> Result<Sent<()>, PersonError> {
        let channel = match self.sent(turn, api.open_direct(&self.id.user).await) {
            Sent::Done(channel) => channel,
            Sent::Again(pause) => return Ok(Sent::Again(pause)),
            Sent::Refused => return Ok(Sent::Refused),
        };
        Ok(match self.post_once(turn, &channel, None, message).await? {
            Sent::Done(_) => Sent::Done(()),
            Sent::Again(pause) => Sent::Again(pause),
            Sent::Refused => Sent::Refused,
        })
    }

    /// Gives the person their private link, and shows in the turn's place that access is needed (P12, P13).
    pub(super) async fn ask_for_access(
        &self,
        turn: &mut Turn,
        reason: &Reason,
    ) -> Result<Option<Duration>, PersonError> {
        let Ok(api) = Api::new(&self.world) else { return Ok(Some(LONGEST_PAUSE)) };
        self.learn_asker(&api, &turn.request).await?;
        let pointed = self.point_to_ticket()?;
        // Others wait already, and their link has run out.
        let renewed = pointed.is_new && *reason == Reason::First && self.store.waiting()? > 0;
        let link = self.link(turn, &pointed.id)?;
        let private = match reason {
            Reason::Moved => messages::private_link_once_more(&link, &self.person_name()?),
            reason => messages::private_link(&link, &self.person_name()?, *reason == Reason::First),
        };
        match &turn.request.place.clone() {
            // A direct conversation is private: the turn's own message carries the link.
            Place::Direct { channel, thread_ts } => {
                if let Some(ts) = turn.placeholder.clone() {
                    match api.update(channel, &ts, &private, Some(&mark(turn))).await {
                        Err(error) if error.is_gone() => self.give_up_message(&api, turn, channel, &ts).await?,
                        result => return Ok(self.sent(turn, result).pause()),
                    }
                }
                Ok(self.post_once(turn, channel, Some(thread_ts), &private).await?.pause())
            }
            Place::Ephemeral { channel, thread_ts } => {
                if let Some(url) = self.response_url(turn) {
                    self.let_the_door_answer(turn).await;
                    match api.respond(&url, &private, Respond::Replace).await {
                        Err(SlackError::Refused { .. }) => {}
                        result => return Ok(self.sent(turn, result).pause()),
                    }
                }
                match self.send_link(&api, turn, &pointed.ticket.hash, channel, thread_ts.as_deref(), &private).await? {
                    Ok(pause) => Ok(pause),
                    Err(Refused) => Ok(None),
                }
            }
            Place::Thread { channel, thread_ts } => {
                // Where nothing is said in public, the link is all that the person sees.
                let already = turn.placeholder.is_some()
                    && pointed.ticket.link.as_ref().is_some_and(|link| {
                        link.ts.is_some() || (link.channel == *channel && link.thread.as_deref() == Some(thread_ts))
                    });
                let note = if already {
                    messages::link_stands()
                } else {
                    let thread = thread_shown(turn).map(str::to_owned);
                    let sent =
                        self.send_link(&api, turn, &pointed.ticket.hash, channel, thread.as_deref(), &private).await?;
                    match sent {
                        Ok(Some(pause)) => return Ok(Some(pause)),
                        Ok(None) => messages::needs_access(if renewed { Reason::Again } else { *reason }),
                        Err(Refused) if turn.placeholder.is_none() => {
                            let note = signed(turn, &messages::cannot_reach_privately());
                            return Ok(self.post_once(turn, channel, Some(thread_ts), &note).await?.pause());
                        }
                        Err(Refused) => messages::cannot_reach_privately(),
                    }
                };
                let Some(ts) = &turn.placeholder else { return Ok(None) };
                let result = api.update(channel, ts, &signed(turn, &note), Some(&mark(turn))).await;
                Ok(self.sent(turn, result).pause())
            }
        }
    }

    /// Sends the private link in a message of its own: where only the person sees it, else in their direct messages.
    async fn send_link(
        &self,
        api: &Api,
        turn: &Turn,
        ticket: &str,
        channel: &str,
        thread: Option<&str>,
        private: &Message,
    ) -> Result<Result<Option<Duration>, Refused>, PersonError> {
        match api.post_ephemeral(channel, &self.id.user, thread, private).await {
            Ok(()) => {
                let link = LinkMessage {
                    channel: channel.to_owned(),
                    thread: thread.map(str::to_owned),
                    ts: None,
                    response_url: None,
                };
                self.store.link_sent(ticket, &link)?;
                return Ok(Ok(None));
            }
            Err(SlackError::Refused { error }) => self.log(Level::Info, "ephemeral_refused", &[("error", &error)]),
            result => return Ok(Ok(self.sent(turn, result).pause())),
        }
        let direct = match self.sent(turn, api.open_direct(&self.id.user).await) {
            Sent::Done(direct) => direct,
            Sent::Again(pause) => return Ok(Ok(Some(pause))),
            Sent::Refused => return Ok(Err(Refused)),
        };
        match self.sent(turn, api.post_message(&direct, None, private, None).await) {
            Sent::Done(ts) => {
                let link = LinkMessage { channel: direct, thread: None, ts: Some(ts), response_url: None };
                self.store.link_sent(ticket, &link)?;
                Ok(Ok(None))
            }
            Sent::Again(pause) => Ok(Ok(Some(pause))),
            Sent::Refused => Ok(Err(Refused)),
        }
    }

    fn link(&self, turn: &Turn, ticket: &str) -> Result<url::Url, PersonError> {
        let content = LinkContent { person: self.id.object_name(), ticket: ticket.to_owned() };
        let sealed = self.keys()?.seal(Purpose::ConnectLink, LINK_RECORD, &content, &*self.world.ports.random);
        let mut url = turn.request.origin.clone();
        url.set_path(&format!("/connect/{}", sealed.to_text()));
        Ok(url)
    }

    fn person_name(&self) -> Result<String, PersonError> {
        let asker = self.asker()?;
        Ok(if asker.name == asker.member { "you".to_owned() } else { asker.name })
    }

    /// Waits until the door's answer to a slash command, "Looking at …", has had the time to reach Slack: what a
    /// `response_url` replaces has to be there.
    async fn let_the_door_answer(&self, turn: &Turn) {
        let elapsed = self.now().since(turn.request.asked_at);
        if turn.request.is_slash() && elapsed < DOORS_ANSWER {
            self.world.ports.clock.sleep(DOORS_ANSWER.saturating_sub(elapsed)).await;
        }
    }

    fn response_url(&self, turn: &Turn) -> Option<SecretString> {
        self.open::<String>(turn.response_url.as_deref()?).map(Into::into)
    }

    fn sent<T>(&self, turn: &Turn, result: Result<T, SlackError>) -> Sent<T> {
        match result {
            Ok(value) => Sent::Done(value),
            Err(SlackError::RateLimited { retry_after }) => Sent::Again(retry_after),
            Err(error) if error.may_retry() => Sent::Again(backoff(turn.attempts, LONGEST_PAUSE)),
            Err(error) => {
                self.log(Level::Warn, "slack_refused", &[("error", &error.to_string())]);
                Sent::Refused
            }
        }
    }
}

impl<T> Sent<T> {
    /// The pause, when there is to be another try.
    fn pause(self) -> Option<Duration> {
        match self {
            Sent::Again(pause) => Some(pause),
            Sent::Done(_) | Sent::Refused => None,
        }
    }
}

/// The thread in which the person sees a message that is theirs alone, if they would see it in one.
fn thread_shown(turn: &Turn) -> Option<&str> {
    let thread = turn.request.place.thread_ts();
    let replies = turn.placeholder.as_deref().is_some_and(|ts| Some(ts) != thread);
    if replies { thread } else { turn.request.begun_thread() }
}

/// The pressed message whose place the turn takes.
fn replaced(turn: &Turn) -> Option<&Replaced> {
    turn.request.replaces.as_ref().filter(|replaced| turn.placeholder.as_ref() == Some(&replaced.ts))
}

/// Whether that message still shows what was pressed in it, and goes on doing so until there is something better.
fn stays(turn: &Turn) -> bool {
    turn.waits == 0 && replaced(turn).is_some_and(|replaced| replaced.stays)
}

/// `message` as others than its asker see it too: with who asked, where the question itself is not to be seen. Its controls
/// say whose it is.
fn signed(turn: &Turn, message: &Message) -> Message {
    let unseen = match (&turn.request.place, replaced(turn)) {
        (Place::Direct { .. }, _) => false,
        (Place::Ephemeral { .. }, _) => true,
        (Place::Thread { .. }, Some(replaced)) => replaced.owner.signed,
        (Place::Thread { .. }, None) => turn.request.is_press(),
    };
    let person = &turn.request.person;
    let message = if unseen { messages::asked_by(&person.user, message) } else { message.clone() };
    Owner::new(person, unseen).sign(message, &mark(turn))
}

/// What a turn's message carries in its metadata, to be found again by: the same for each attempt, and telling nothing.
fn mark(turn: &Turn) -> String {
    let key = format!("{}\n{}", turn.request.person.object_name(), turn.request.key);
    hex::encode(sha256(key.as_bytes())).chars().take(32).collect()
}
