//! Access that was given under a key which its person has no more.
//!
//! Earlier versions counted some people to another team than they are of: somebody of home in a partner's channel to the
//! partner's, somebody of another workspace of our own enterprise to that workspace. Their grant is in the object of that
//! key. It is not moved here: two companies may have people of one user id, so nothing proves that both keys are one person
//! (P13). Instead the person is told to connect once more, and why; when they do so with the same Sentry account, that is the
//! proof, and the grant there is deleted and revoked.

use serde::{Deserialize, Serialize};

use super::calls::{IsConnected, Retire};
use super::outbox::Tried;
use super::person::{Person, PersonError};
use super::request::PersonId;
use super::store::Turn;
use crate::grants::NoCredential;
use crate::grants::record::Grant;
use crate::grants::revocation::Revocation;
use crate::ports::{self, Level, StorageError};

/// Under which name the former person is remembered until this one is connected.
const FORMER: &str = "former";

/// Deleting and revoking the grant of a former key.
#[derive(Serialize, Deserialize)]
pub(super) struct Retirement {
    person: PersonId,
    account: String,
    origin: String,
}

impl Retirement {
    pub(super) const KIND: &str = "retire_former";
}

impl Person {
    /// Whether there is a grant under the key that an earlier version gave whoever sent `turn`. Best effort: if the object does
    /// not answer, they connect as if for the first time.
    pub(super) async fn was_connected_formerly(&self, turn: &Turn) -> Result<bool, PersonError> {
        let former = turn.request.requester.as_ref().and_then(|requester| requester.former());
        let Some(former) = former.filter(|former| *former != self.id) else { return Ok(false) };
        match ports::call(&*self.world.objects, &former.object_name(), &IsConnected {}).await {
            Ok(true) => {
                self.store.remember(FORMER, Some(&former))?;
                Ok(true)
            }
            Ok(false) => Ok(false),
            Err(error) => {
                self.log(Level::Warn, "former_person_unavailable", &[("error", &error.0)]);
                Ok(false)
            }
        }
    }

    /// What is to be done about a former key once `grant` is stored, sealed.
    pub(super) fn retirement(&self, grant: &Grant) -> Result<Option<Vec<u8>>, PersonError> {
        let Some(person) = self.store.recall::<PersonId>(FORMER)? else { return Ok(None) };
        let (account, origin) = (grant.account.id.clone(), grant.origin.clone());
        Ok(Some(self.seal(&Retirement { person, account, origin })?))
    }

    pub(super) async fn retire_former(&self, sealed: &[u8]) -> Tried {
        let Some(Retirement { person, account, origin }) = self.open(sealed) else { return Tried::GivenUp };
        match ports::call(&*self.world.objects, &person.object_name(), &Retire { account, origin }).await {
            // Forgotten at last: done twice, it is done.
            Ok(()) => self.store.remember::<PersonId>(FORMER, None).map_or(Tried::Again(None), |()| Tried::Done),
            Err(error) => {
                self.log(Level::Warn, "former_person_unavailable", &[("error", &error.0)]);
                Tried::Again(None)
            }
        }
    }

    /// The other side of it.
    pub(super) async fn retire(&self, call: &Retire) -> Result<(), PersonError> {
        let grant = match self.vault.peek().await {
            Ok(grant) if grant.account.id == call.account && grant.origin == call.origin => grant,
            Ok(_) | Err(NoCredential::NotConnected | NoCredential::Ended) => return Ok(()),
            Err(_) => return Err(StorageError("the vault".to_owned()).into()),
        };
        let sealed = self.seal(&Revocation::of(&grant))?;
        let now = self.now();
        let mut note = |_: &Grant| self.store.insert_outbox(Revocation::KIND, sealed.clone(), now).map(drop);
        self.vault.remove(&mut note).await.map_err(|_| StorageError("the vault".to_owned()))?;
        self.log(Level::Info, "grant_retired", &[]);
        Ok(self.wake(now).await?)
    }
}
