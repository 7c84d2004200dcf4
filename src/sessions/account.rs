//! The session and its person: which account it is of, and what that account's person sees and does.
//!
//! A session belongs to the Sentry account that let it in, whose object lists it ([`crate::accounts`]). The table `membership`
//! holds the account's name, and when that is to be told how the session stands. What is told is a state, read at the moment
//! of telling: a late "open" cannot undo an "ended". It is told by the alarm, with pauses, until the account has heard it.
//!
//! A session that was opened before there were lists, or under a `COOKIE_SECRET` that has been replaced since, lists itself when
//! its alarm next comes, which is within an hour of its last token.

use super::calls::{EndFor, Listed, View};
use super::session::{REMEMBER, Session, SessionError};
use super::store::{Session as Row, State};
use crate::accounts::calls::{Add, Remove};
use crate::accounts::object_name;
use crate::grants::revocation::{MAX_ATTEMPTS, pause};
use crate::ports::{Level, Timestamp, call};

impl Session {
    pub(super) fn view(&self, call: &View) -> Result<Option<Listed>, SessionError> {
        let Some(opened_at) = self.store.member(&call.account)? else { return Ok(None) };
        let row = self.store.session()?.filter(|row| row.state == State::Open && row.expires_at > self.now());
        Ok(row.map(|row| listed(row, opened_at)))
    }

    pub(super) async fn end_for(&self, call: &EndFor) -> Result<bool, SessionError> {
        let open = self.view(&View { account: call.account.clone() })?.is_some();
        if open {
            self.log(Level::Info, "session_disconnected", &[]);
            self.end().await?;
        }
        Ok(open)
    }

    /// Tells every account that is to be told. An account that cannot be reached is told later.
    pub(super) async fn tell_accounts(&self) -> Result<(), SessionError> {
        self.join_present_account().await?;
        let session = self.id.object_name();
        while let Some(due) = self.store.due_membership(self.now())? {
            let open = self.store.session()?.filter(|row| row.state == State::Open);
            let ended = open.is_none();
            let told = match open {
                Some(row) => {
                    let add = Add { session: session.clone(), listed: listed(row, due.opened_at) };
                    call(&*self.world.objects, &due.account, &add).await
                }
                None => {
                    call(&*self.world.objects, &due.account, &Remove { session: session.clone() }).await.map(|()| true)
                }
            };
            match told {
                Ok(_) if ended => self.store.leave(&due.account)?,
                Ok(true) => self.store.told(&due.account)?,
                // Its person ended all of theirs before this one was listed.
                Ok(false) => self.store.transaction(&mut || self.store.end(self.now() + REMEMBER))?,
                // The account's lists will find out by themselves.
                Err(_) if ended && due.attempts >= MAX_ATTEMPTS => self.store.leave(&due.account)?,
                Err(error) => {
                    self.log(Level::Warn, "account_unavailable", &[("error", &error.0)]);
                    self.store.tell_later(&due.account, self.now() + pause(due.attempts))?;
                }
            }
        }
        Ok(())
    }

    /// An open session is listed under its account's present name.
    async fn join_present_account(&self) -> Result<(), SessionError> {
        let Some(row) = self.store.session()?.filter(|row| row.state == State::Open) else { return Ok(()) };
        let Ok(grant) = self.vault.peek().await else { return Ok(()) };
        Ok(self.store.join(&object_name(&self.keys()?, &grant.origin, &grant.account.id), row.created_at)?)
    }
}

fn listed(row: Row, opened_at: Timestamp) -> Listed {
    Listed {
        client_name: row.terms.client_name,
        redirect_uri: row.terms.redirect_uri,
        skills: row.terms.skills,
        limit: row.terms.limit,
        opened_at,
        used_at: row.used_at.filter(|_| row.redeemed_at.is_some()),
    }
}
