//! Ending a session, and what the alarm does.
//!
//! Ending is one synchronous write ([`Session::end`]). What follows from it may take time and fail, so the alarm does it, from
//! what is written, as often as it takes:
//! 1. a session that ran out is ended;
//! 2. an ended session's grant is taken out of the vault, in one transaction with the note of what to revoke;
//! 3. the noted token is revoked at Sentry, with pauses, for about half a day;
//! 4. its person's account is told, so that the session is listed no more ([`super::account`]);
//! 5. whatever changed the grant, its copy in KV follows (P2);
//! 6. a day later the session is forgotten. An empty row of the vault stays, which wins over an old copy in KV (P2); where
//!    there never was a grant, as after a consent that nobody concluded, the object goes as a whole: anybody can begin one.

use super::session::{REMEMBER, Session, SessionError};
use super::store::State;
use crate::config::Problem;
use crate::crypto::Purpose;
use crate::grants::NoCredential;
use crate::grants::record::Grant;
use crate::grants::revocation::{Attempt, LONGEST_PAUSE, MAX_ATTEMPTS, Revocation, pause};
use crate::grants::vault::COPY_PAUSE;
use crate::ports::{Level, StorageError, Timestamp};

impl Session {
    /// Ends the session: from now on none of its tokens works.
    pub(super) async fn end(&self) -> Result<(), SessionError> {
        let now = self.now();
        if self.store.session()?.is_some_and(|row| row.state != State::Ended) {
            self.store.transaction(&mut || self.store.end(now + REMEMBER))?;
        }
        Ok(self.alarm.set(now).await?)
    }

    /// What the alarm runs.
    pub async fn run(&self) {
        let _turn = self.sweeping.lock().await;
        if let Err(error) = self.sweep().await {
            self.log(Level::Error, "session_sweep_failed", &[("error", &error.to_string())]);
            // A failed alarm is run again by the platform six times at most: better to come back ourselves.
            let _ = self.alarm.set(self.now() + LONGEST_PAUSE).await;
        }
    }

    async fn sweep(&self) -> Result<(), SessionError> {
        let now = self.now();
        self.store.delete_expired_access(now)?;
        let Some(row) = self.store.session()? else { return Ok(()) };
        // (1) What ran out.
        if row.state != State::Ended && row.expires_at <= now {
            self.store.transaction(&mut || self.store.end(now + REMEMBER))?;
        }
        if self.store.session()?.is_some_and(|row| row.state == State::Ended) {
            // (2) The grant.
            self.remove_grant().await?;
            // (3) Sentry.
            self.revoke_at_sentry().await?;
        }
        // (4) The account.
        self.tell_accounts().await?;
        // (5) The copy.
        let copy = if self.vault.copy().await { None } else { Some(self.now() + COPY_PAUSE) };
        // (6) The end.
        let row = self.store.session()?;
        let over =
            row.is_some_and(|row| row.state == State::Ended && row.revocation.is_none() && row.expires_at <= now);
        if over && copy.is_none() && self.store.next_membership_due()?.is_none() {
            if self.vault.version()? == 0 {
                return Ok(self.store.delete_all().await?);
            }
            self.store.forget()?;
        }
        self.wake_by(copy).await
    }

    async fn remove_grant(&self) -> Result<(), SessionError> {
        let note = &mut |grant: &Grant| {
            let sealed = self.seal_revocation(grant).map_err(|error| StorageError(error.to_string()))?;
            self.store.set_revocation(Some(sealed))
        };
        match self.vault.peek().await {
            Ok(_) => {}
            Err(NoCredential::NotConnected | NoCredential::Ended) if !self.vault.has_newer_than(0)? => return Ok(()),
            // Sealed under a secret that is gone, or another Sentry's (P7): nobody can revoke it. It goes all the same, for
            // as long as there is one the alarm comes back for it.
            Err(NoCredential::NotConnected | NoCredential::Ended) => {
                self.log(Level::Warn, "session_grant_unrevoked", &[]);
            }
            Err(error) => return Err(StorageError(error.to_string()).into()),
        }
        self.vault.remove(note).await.map(drop).map_err(|error| StorageError(error.to_string()).into())
    }

    async fn revoke_at_sentry(&self) -> Result<(), SessionError> {
        let now = self.now();
        let Some(row) = self.store.session()? else { return Ok(()) };
        let Some(sealed) = row.revocation.filter(|_| row.retry_at.is_none_or(|at| at <= now)) else { return Ok(()) };
        let name = self.id.object_name();
        let attempt = match self.keys()?.open::<Revocation>(Purpose::Session, &name, &sealed) {
            Ok(revocation) => revocation.attempt(&self.world).await,
            Err(_) => Attempt::Never,
        };
        match attempt {
            Attempt::Again if row.attempts < MAX_ATTEMPTS => {
                Ok(self.store.revocation_later(self.now() + pause(row.attempts))?)
            }
            Attempt::Done => Ok(self.store.set_revocation(None)?),
            Attempt::Again | Attempt::Never => {
                self.log(Level::Warn, "session_revocation_given_up", &[]);
                Ok(self.store.set_revocation(None)?)
            }
        }
    }

    pub(super) fn seal_revocation(&self, grant: &Grant) -> Result<Vec<u8>, Problem> {
        let (name, revocation) = (self.id.object_name(), Revocation::of(grant));
        Ok(self.keys()?.seal(Purpose::Session, &name, &revocation, &*self.world.ports.random).0)
    }

    /// Sets the alarm for the next thing that will be due.
    pub(super) async fn wake(&self) -> Result<(), SessionError> {
        self.wake_by(None).await
    }

    /// As [`Session::wake`], and at `copy` at the latest.
    async fn wake_by(&self, copy: Option<Timestamp>) -> Result<(), SessionError> {
        let Some(row) = self.store.due()? else { return Ok(self.alarm.clear().await?) };
        let pending: Option<Timestamp> = match row.state {
            State::Ended if row.revocation => Some(row.retry_at.unwrap_or_else(|| self.now())),
            // Just ended: the grant is still to be taken out.
            State::Ended if self.vault.has_newer_than(0)? => Some(self.now()),
            _ => None,
        };
        // Once it has ended and its day is over, only what is unfinished holds it.
        let over = row.state == State::Ended && row.expires_at <= self.now();
        let end = Some(row.expires_at).filter(|_| !over || (row.membership.is_none() && copy.is_none()));
        let due = [pending, row.access, row.membership, end, copy];
        match due.into_iter().flatten().min() {
            Some(at) => Ok(self.alarm.set(at).await?),
            None => Ok(()),
        }
    }
}
