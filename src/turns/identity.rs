//! Whose turn it is: settled before anything of it is done or shown.
//!
//! A payload does not always tell where its user belongs, and Slack must be acknowledged before it can be asked. So such a
//! request is taken into the inbox of the person who it would be if they were of home, where nothing of that person is used
//! or shown for it. The runner asks Slack (`users.info`, and `auth.test` where the payload does not tell the installation),
//! and then the turn is
//!
//! - *this person's*, and goes on;
//! - *another's*: it is handed to their object under the same key, and only then ends here, so that it is neither lost nor
//!   answered twice (P9, P11);
//! - *nobody's whom the operator lets in*, or one of whom Slack does not tell: they are told so, privately.
//!
//! While Slack cannot be reached, the turn waits at its place, as for any other step. What Slack said is remembered for
//! [`REMEMBERED`], one answer a person. The rules are asked again for each turn, since the configuration may have changed since
//! it was taken in.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::calls::{Accept, Accepted};
use super::person::{Person, PersonError};
use super::request::{Place, TurnRequest};
use super::runner::{LONGEST_PAUSE, Step, backoff};
use super::store::{INBOX, Turn, TurnState};
use crate::ports::{self, Level, Timestamp};
use crate::slack::api::{Api, Respond, SlackError};
use crate::slack::blocks::Message;
use crate::slack::messages;
use crate::slack::who::{Admission, Affiliation, Home, Membership, Policy, Requester};

/// How long Slack's answers are remembered: who leaves a company is noticed within this.
const REMEMBERED: Duration = Duration::from_secs(60 * 60);
/// Under which name they are.
const MEMORY: &str = "identity";

/// What Slack has said. The inner `None`: it does not tell.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Told {
    installation: Option<Answer<Option<Home>>>,
    membership: Option<Answer<Option<Membership>>>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Answer<T> {
    said: T,
    at: Timestamp,
}

/// Whose a turn is.
enum Whose {
    /// The person's in whose inbox it is.
    Mine,
    /// Somebody else's.
    Anothers(Box<Requester>),
    /// Nobody's who may come in.
    Nobodys,
    /// Slack has to tell where the app is installed.
    AskInstallation,
    /// Slack has to tell where the user belongs.
    AskMembership,
}

impl Person {
    /// Whether a request is known to be this person's, without asking anybody.
    pub(super) fn is_identified(&self, request: &TurnRequest) -> Result<bool, PersonError> {
        let requester = self.requester(request);
        let policy = Policy::of(&self.world.config);
        if requester.is_settled() && requester.admission(policy) == Admission::Admitted {
            return Ok(true);
        }
        Ok(matches!(self.whose(requester, &self.told()?), Whose::Mine))
    }

    /// Settles whose the turn is. `None`: this person's, who may come in.
    pub(super) async fn identify(&self, turn: &Turn) -> Result<Option<Step>, PersonError> {
        let requester = self.requester(&turn.request);
        let policy = Policy::of(&self.world.config);
        if requester.is_settled() && requester.admission(policy) == Admission::Admitted {
            return Ok(None);
        }
        let mut told = self.told()?;
        loop {
            let asked = match self.whose(requester.clone(), &told) {
                Whose::Mine => return Ok(None),
                Whose::Anothers(requester) => return self.hand_over(turn, *requester).await.map(Some),
                Whose::Nobodys => return self.turn_away(turn).await.map(Some),
                Whose::AskInstallation => self.ask_installation(turn, &mut told).await,
                Whose::AskMembership => self.ask_membership(turn, &mut told).await,
            };
            if let Err(pause) = asked {
                return Ok(Some(Step::Again(pause)));
            }
            self.store.remember(MEMORY, Some(&told))?;
        }
    }

    fn requester(&self, request: &TurnRequest) -> Requester {
        request.requester.clone().unwrap_or_else(|| Requester::of_person(&self.id))
    }

    /// What is remembered, and not too old.
    fn told(&self) -> Result<Told, PersonError> {
        let mut told: Told = self.store.recall(MEMORY)?.unwrap_or_default();
        let oldest = self.now() - REMEMBERED;
        told.installation = told.installation.filter(|answer| answer.at > oldest);
        told.membership = told.membership.filter(|answer| answer.at > oldest);
        Ok(told)
    }

    fn whose(&self, mut requester: Requester, told: &Told) -> Whose {
        let policy = Policy::of(&self.world.config);
        if requester.lacks_home() && requester.admission(policy) != Admission::Refused {
            let Some(answer) = &told.installation else { return Whose::AskInstallation };
            requester = requester.at(answer.said.clone());
        }
        match requester.admission(policy) {
            Admission::Refused => return Whose::Nobodys,
            Admission::Admitted if requester.is_settled() => return Whose::Mine,
            Admission::Admitted | Admission::Undecided => {}
        }
        let Some(answer) = &told.membership else { return Whose::AskMembership };
        match answer.said.as_ref().and_then(|membership| requester.told(membership)) {
            Some(told) if told.admission(policy) != Admission::Admitted => Whose::Nobodys,
            Some(told) if told.person().as_ref() == Some(&self.id) => Whose::Mine,
            Some(told) => Whose::Anothers(Box::new(told)),
            // The payload names another company's team, which is let in: that much is known.
            None if requester.affiliation() == Affiliation::Other
                && requester.admission(policy) == Admission::Admitted =>
            {
                Whose::Mine
            }
            None => Whose::Nobodys,
        }
    }

    async fn ask_installation(&self, turn: &Turn, told: &mut Told) -> Result<(), Duration> {
        let api = Api::new(&self.world).map_err(|_| LONGEST_PAUSE)?;
        let said = self.answered_by_slack(turn, api.home().await)?.flatten();
        told.installation = Some(Answer { said, at: self.now() });
        Ok(())
    }

    async fn ask_membership(&self, turn: &Turn, told: &mut Told) -> Result<(), Duration> {
        let api = Api::new(&self.world).map_err(|_| LONGEST_PAUSE)?;
        let said = self.answered_by_slack(turn, api.membership(&self.id.user).await)?;
        told.membership = Some(Answer { said, at: self.now() });
        Ok(())
    }

    /// `None` when Slack does not tell; an error when it is to be asked again after a pause.
    fn answered_by_slack<T>(&self, turn: &Turn, result: Result<T, SlackError>) -> Result<Option<T>, Duration> {
        match result {
            Ok(answer) => Ok(Some(answer)),
            Err(SlackError::RateLimited { retry_after }) => Err(retry_after),
            Err(error) if error.may_retry() => Err(backoff(turn.attempts, LONGEST_PAUSE)),
            Err(error) => {
                self.log(Level::Warn, "slack.membership_unknown", &[("error", &error.to_string())]);
                Ok(None)
            }
        }
    }

    /// Gives the turn to whose it is. The other object knows its key, should the process die before it ends here.
    async fn hand_over(&self, turn: &Turn, requester: Requester) -> Result<Step, PersonError> {
        let Some(person) = requester.person() else { return self.turn_away(turn).await };
        let name = person.object_name();
        let response_url = turn.response_url.as_deref().and_then(|sealed| self.open::<String>(sealed));
        let request = TurnRequest { person, requester: Some(requester), response_url, ..turn.request.clone() };
        match ports::call(&*self.world.objects, &name, &Accept { request }).await {
            // An ephemeral request's door was to tell, and did not know.
            Ok(Accepted::Full) if matches!(turn.request.place, Place::Ephemeral { .. }) => {
                self.end_privately(turn, &messages::inbox_full(INBOX)).await
            }
            Ok(_) => {
                self.store.end(turn.id, TurnState::Done, self.now())?;
                Ok(Step::Over)
            }
            Err(error) => {
                self.log(Level::Warn, "turn_not_handed_over", &[("error", &error.0)]);
                Ok(Step::Again(backoff(turn.attempts, LONGEST_PAUSE)))
            }
        }
    }

    async fn turn_away(&self, turn: &Turn) -> Result<Step, PersonError> {
        let fields = [("user", self.id.user.as_str()), ("channel", turn.request.place.channel())];
        self.log(Level::Info, "slack.not_allowed", &fields);
        self.end_privately(turn, &messages::not_allowed()).await
    }

    /// Ends the turn with a message to whoever asked, and to nobody else.
    async fn end_privately(&self, turn: &Turn, message: &Message) -> Result<Step, PersonError> {
        let Ok(api) = Api::new(&self.world) else { return Ok(Step::Again(LONGEST_PAUSE)) };
        let place = &turn.request.place;
        let how = if matches!(place, Place::Ephemeral { .. }) { Respond::Replace } else { Respond::New };
        let sent = match turn.response_url.as_deref().and_then(|sealed| self.open::<String>(sealed)) {
            Some(url) => api.respond(&url.into(), message, how).await,
            None => {
                // A direct conversation shows it best outside of a thread.
                let thread = turn.request.begun_thread().filter(|_| !matches!(place, Place::Direct { .. }));
                api.post_ephemeral(place.channel(), &self.id.user, thread, message).await
            }
        };
        match sent {
            Err(SlackError::RateLimited { retry_after }) => return Ok(Step::Again(retry_after)),
            Err(error) if error.may_retry() => return Ok(Step::Again(backoff(turn.attempts, LONGEST_PAUSE))),
            Err(error) => self.log(Level::Warn, "slack.not_told", &[("error", &error.to_string())]),
            Ok(()) => {}
        }
        self.store.end(turn.id, TurnState::Done, self.now())?;
        Ok(Step::Over)
    }
}
