//! The runner: what the alarm does.
//!
//! It takes the oldest unfinished turn, brings it as far as it goes, and takes the next; between turns it empties the
//! outbox. It never relies on the platform's retries: before it works it sets the alarm a few seconds ahead, so that after
//! a crash at any instant somebody comes back; when it is through it sets the alarm to the next due thing.
//!
//! One turn goes through these steps, each recorded before the next begins:
//!
//! 1. *begun*: it gets its deadline and the target that is remembered now;
//! 2. *identified*: it is known to be this person's ([`super::identity`]); most are from the start;
//! 3. *placed*: the message that shows its progress exists, and its `ts` is known;
//! 4. *decided*: the command ran, and its rendered answer is stored; or the turn waits for consent;
//! 5. *shown*: the message was updated.
//!
//! A crash between posting and recording the `ts` leaves `posting` set; the message is then found by its metadata (P11).
//! Steps 4 and 5 may happen twice and look as if they had happened once: commands here only read, and an update
//! to the same text is the same text.

use std::time::Duration;

use super::decision::Decision;
use super::execute::Outcome;
use super::person::{Person, PersonError};
use super::refused::try_again;
use super::store::{INBOX, Turn, TurnState, Unreadable};
use crate::grants::vault::COPY_PAUSE;
use crate::ports::{Level, Timestamp};
use crate::slack::messages::{self, Reason};
use vedette_commands::answer::{Answer, Part};
use vedette_commands::plan::Plan;

/// From its beginning to its decision, a turn may take so long, waiting for consent or for Slack not counted.
const TURN_DEADLINE: Duration = Duration::from_secs(5 * 60);
/// After so many tries at Slack, about half an hour, waiting for it does count.
const PATIENCE: u32 = 60;
/// From its decision on, its answer is offered to Slack for so long.
const DELIVERY_DEADLINE: Duration = Duration::from_secs(30 * 60);
/// A turn waits so long for consent, then says so and ends.
const CONSENT_DEADLINE: Duration = Duration::from_secs(24 * 60 * 60);
/// After a crash the alarm comes back within this. It may fall due while a run still goes on: alarms of one object never
/// overlap, and the run sets or clears it at its end.
const WATCHDOG: Duration = Duration::from_secs(3);
/// One alarm works so long and then lets the next go on: the platform ends an alarm after 15 minutes.
const RUN: Duration = Duration::from_secs(10 * 60);
/// After a storage failure the alarm comes back after this.
const STORAGE_PAUSE: Duration = Duration::from_secs(5);
/// The longest pause between two tries of a turn's step.
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What a turn says that was given up.
const TIMED_OUT: &str = "This took more than 5 minutes, so I stopped. Try again, or ask for less at once.";

/// What a turn says that would be one too many to wait for consent.
const TOO_MANY_WAIT: &str = "Many of your requests wait for your Sentry access already. Use the private link, or say connect; then ask this again.";

/// How far a turn got.
pub(super) enum Step {
    /// It ended, or waits: the next turn may be taken.
    Over,
    /// It is to be tried again after a pause.
    Again(Duration),
}

/// Doubling pauses from half a second.
pub(super) fn backoff(attempts: u32, longest: Duration) -> Duration {
    Duration::from_millis(500).saturating_mul(1 << attempts.min(16)).min(longest)
}

impl Person {
    /// Does everything that is due. Called by the alarm; a second call while one runs does nothing.
    pub async fn run(&self) {
        let Some(_running) = self.running.try_lock() else { return };
        let next = match self.work().await {
            Ok(next) => next,
            Err(error) => {
                self.log(Level::Error, "run_failed", &[("error", &error.to_string())]);
                Some(self.now() + STORAGE_PAUSE)
            }
        };
        let armed = match next {
            Some(at) => self.alarm.set(at).await,
            None => self.alarm.clear().await,
        };
        if let Err(error) = armed {
            self.log(Level::Error, "alarm_failed", &[("error", &error.0)]);
        }
    }

    async fn work(&self) -> Result<Option<Timestamp>, PersonError> {
        let until = self.now() + RUN;
        self.wake(self.now() + WATCHDOG).await?;
        self.store.sweep(self.now())?;
        if self.world.config.environment_token.is_some() {
            // The deployment has become headless: nobody's consent is waited for any more (P6).
            self.store.resume_waiting(self.now())?;
        }
        while self.now() < until {
            self.end_long_waits()?;
            self.end_expired()?;
            match self.store.head()? {
                Some(Ok(turn)) if turn.due_at <= self.now() => self.step(turn).await?,
                // Kept, it would stand before all that come after it for ever.
                Some(Err(Unreadable(id))) => {
                    self.log(Level::Error, "turn_unreadable", &[]);
                    self.store.end(id, TurnState::Failed, self.now())?;
                }
                _ if self.outbox_step().await? => {}
                _ => break,
            }
        }
        // Whatever changed the grant, here or in a call that woke this alarm: its copy follows (P2).
        let copy = if self.vault.copy().await { None } else { Some(self.now() + COPY_PAUSE) };
        // Last, with nothing awaited before the alarm is set: what was accepted meanwhile set it too, and must not lose it.
        Ok(self.store.next_due()?.into_iter().chain(copy).min())
    }

    async fn step(&self, turn: Turn) -> Result<(), PersonError> {
        let (id, attempts) = (turn.id, turn.attempts);
        let patient = turn.state != TurnState::Delivering && attempts < PATIENCE;
        match self.advance(turn).await? {
            Step::Over => {}
            Step::Again(pause) => {
                self.log(Level::Info, "turn_retry", &[("attempts", &attempts.to_string())]);
                // Slack was not to be reached: that time is not the turn's.
                let deadline = patient.then(|| self.now() + pause + TURN_DEADLINE);
                self.store.later(id, self.now() + pause, deadline)?;
            }
        }
        Ok(())
    }

    async fn advance(&self, mut turn: Turn) -> Result<Step, PersonError> {
        // (1) Begin.
        if turn.state == TurnState::Queued {
            let deadline = self.now() + TURN_DEADLINE;
            let target = self.remembered_target()?;
            self.store.begin(turn.id, deadline, &target)?;
            turn.state = TurnState::Running;
            turn.deadline_at = Some(deadline);
            turn.target.get_or_insert(target);
        }
        let overdue = turn.deadline_at.is_some_and(|at| at <= self.now());
        if turn.state == TurnState::Running && overdue {
            let timed_out = self.timed_out(&turn);
            self.decided(&mut turn, timed_out)?;
        } else if turn.state == TurnState::Delivering && overdue {
            self.log(Level::Error, "turn_failed", &[("reason", "not deliverable in time")]);
            self.store.end(turn.id, TurnState::Failed, self.now())?;
            return Ok(Step::Over);
        }
        // (2) Identify.
        if turn.state == TurnState::Running
            && let Some(step) = self.identify(&turn).await?
        {
            return Ok(step);
        }
        // (3) Place.
        if let Some(pause) = self.place(&mut turn).await? {
            return Ok(Step::Again(pause));
        }
        // (4) Decide.
        if turn.state == TurnState::Running {
            match self.execute(&turn).await? {
                Outcome::Show(decision) => self.decided(&mut turn, *decision)?,
                Outcome::Shown => {
                    self.store.end(turn.id, TurnState::Done, self.now())?;
                    return Ok(Step::Over);
                }
                Outcome::Wait { reason, version } => return self.wait_for_consent(&mut turn, reason, version).await,
            }
        }
        // (5) Show.
        let shown = self.show(&mut turn).await?;
        Ok(match shown {
            Some(pause) => Step::Again(pause),
            None => Step::Over,
        })
    }

    pub(super) fn decide(&self, id: i64, decision: &Decision) -> Result<(), PersonError> {
        let now = self.now();
        Ok(self.store.decide(id, decision, now, now + DELIVERY_DEADLINE)?)
    }

    /// Decides the turn: for no more people than may see what comes of such a question (P22).
    pub(super) fn decided(&self, turn: &mut Turn, decision: Decision) -> Result<(), PersonError> {
        let decision = decision.within(self.plan(&turn.request.ask).audience());
        self.decide(turn.id, &decision)?;
        turn.decision = Some(decision);
        turn.state = TurnState::Delivering;
        Ok(())
    }

    fn timed_out(&self, turn: &Turn) -> Decision {
        Decision::from(&Answer {
            title: "This took too long".to_owned(),
            parts: vec![Part::Paragraph(TIMED_OUT.to_owned())],
            actions: match self.plan(&turn.request.ask) {
                Plan::Run { invocation, .. } => vec![try_again(&invocation)],
                _ => vec![],
            },
            ..Answer::default()
        })
    }

    fn end_long_waits(&self) -> Result<(), PersonError> {
        if !self.store.has_waited_too_long(self.now())? {
            return Ok(());
        }
        for mut turn in self.store.waiting_turns()? {
            if turn.deadline_at.is_some_and(|at| at <= self.now()) {
                self.decided(&mut turn, Decision::for_channel(messages::waiting_expired()))?;
            }
        }
        Ok(())
    }

    /// Sends the private link, shows that access is needed, and lets the turn wait; unless consent came meanwhile.
    async fn wait_for_consent(&self, turn: &mut Turn, reason: Reason, version: i64) -> Result<Step, PersonError> {
        let reason =
            if reason == Reason::First && self.was_connected_formerly(turn).await? { Reason::Moved } else { reason };
        if let Some(pause) = self.ask_for_access(turn, &reason).await? {
            return Ok(Step::Again(pause));
        }
        // Nothing is awaited from here on: a consent came either before, and the vault tells, or will find the row. That
        // the version alone has changed says nothing: an access that ends raises it too.
        if self.vault.has_newer_than(version)? {
            self.store.requeue(turn.id, self.now())?;
        } else if self.store.waiting()? >= INBOX {
            self.decided(turn, Decision::for_channel(messages::failed(TOO_MANY_WAIT)))?;
        } else {
            self.store.wait(turn.id, self.now() + CONSENT_DEADLINE)?;
        }
        Ok(Step::Over)
    }
}
