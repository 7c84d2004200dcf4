//! Connect tickets: how a private link becomes a grant (P12, P13, P14).
//!
//! A **ticket** is one private link: it lives 10 minutes, and while it lives every blocked turn points to it. Its id is
//! in the link, sealed; the object knows the id's hash. A **consent** is one attempt with that link: pressing the
//! button makes one, known by the hash of the nonce in its OAuth state. It goes `begun → taken → concluded`, each step once:
//!
//! 1. *begun* when the button is pressed and the browser leaves for Sentry;
//! 2. *taken* when Sentry sends the browser back: of two callbacks with one state, one gets it;
//! 3. *concluded* when the person confirms the pair, or cancels it. Only now is a grant stored, in the same transaction
//!    that uses up the ticket and puts the blocked turns back into the inbox.

use std::time::Duration;

use super::calls::{BeginConsent, Conclude, Concluded, Consent, TakeConsent, TicketFacts, TicketView, ViewTicket};
use super::decision::Decision;
use super::former::Retirement;
use super::outbox::{Became, Replacement};
use super::pending::PendingGrant;
use super::person::{Person, PersonError};
use super::request::Ask;
use super::store::{Taken, Ticket, TicketState, Turn, TurnState};
use crate::crypto::{Purpose, random_id, sha256};
use crate::grants::record::Grant;
use crate::grants::revocation::Revocation;
use crate::ports::{Level, StorageError, Timestamp};
use crate::slack::messages;
use vedette_commands::plan::Plan;

/// How long a private link works.
pub(super) const TICKET_LIFE: Duration = Duration::from_secs(10 * 60);
/// A live link with less left than this is not pointed to: the person could not follow it in time.
pub(super) const WORTH_POINTING_TO: Duration = Duration::from_secs(60);
/// How long a waiting request may be when the connect page names it.
const WAITING_TEXT: usize = 120;

/// The ticket whose link a blocked turn points to.
pub(super) struct Pointed {
    /// The id that goes into the link.
    pub id: String,
    /// The ticket.
    pub ticket: Ticket,
    /// Whether it was made just now.
    pub is_new: bool,
}

impl Person {
    /// The live ticket, or a new one.
    pub(super) fn point_to_ticket(&self) -> Result<Pointed, PersonError> {
        let now = self.now();
        if let Some(ticket) = self.store.live_ticket(now + WORTH_POINTING_TO)?
            && let Some(id) = self.open::<String>(&ticket.sealed_id)
        {
            return Ok(Pointed { id, ticket, is_new: false });
        }
        if let Some(ending) = self.store.live_ticket(now)? {
            self.end_unused(&ending, TicketState::Expired)?;
        }
        let id = random_id(&*self.world.ports.random);
        let hash = hash(&id);
        self.store.insert_ticket(&hash, self.seal_text(&id)?, now + TICKET_LIFE)?;
        let ticket = self.store.ticket(&hash)?.ok_or_else(|| StorageError("the ticket is gone".to_owned()))?;
        Ok(Pointed { id, ticket, is_new: true })
    }

    pub(super) fn view_ticket(&self, call: &ViewTicket) -> Result<TicketView, PersonError> {
        let Some(ticket) = self.store.ticket(&hash(&call.ticket))? else { return Ok(TicketView::Unknown) };
        Ok(match ticket.state {
            TicketState::Used => TicketView::Used(self.asker()?.back),
            TicketState::Declined => TicketView::Declined(self.asker()?.back),
            TicketState::Expired => TicketView::Expired(self.asker()?.back),
            TicketState::Live if ticket.expires_at <= self.now() => TicketView::Expired(self.asker()?.back),
            TicketState::Live => TicketView::Live(self.facts(&ticket)?),
        })
    }

    /// Step 1.
    pub(super) fn begin_consent(&self, call: &BeginConsent) -> Result<TicketView, PersonError> {
        let view = self.view_ticket(&ViewTicket { ticket: call.ticket.clone() })?;
        if let TicketView::Live(_) = view {
            self.store.insert_consent(&hash(&call.nonce), &hash(&call.ticket), call.expires_at)?;
        }
        Ok(view)
    }

    /// Step 2.
    pub(super) async fn take_consent(&self, call: &TakeConsent) -> Result<Consent, PersonError> {
        let ticket_hash = hash(&call.ticket);
        let taken = self.store.take_consent(&hash(&call.nonce), &ticket_hash, "begun", "taken", self.now())?;
        let Some(ticket) = self.store.ticket(&ticket_hash)? else { return Ok(Consent::Unknown) };
        let consent = match taken {
            Taken::Unknown => Consent::Unknown,
            Taken::Expired => Consent::Expired,
            Taken::Used => Consent::Used,
            Taken::Yes if ticket.state == TicketState::Used => Consent::Used,
            Taken::Yes => {
                if call.declined {
                    self.end_unused(&ticket, TicketState::Declined)?;
                }
                Consent::Taken(Box::new(self.facts(&ticket)?))
            }
        };
        self.wake(self.now()).await?;
        Ok(consent)
    }

    /// Ends the tickets that ran out.
    pub(super) fn end_expired(&self) -> Result<(), PersonError> {
        while let Some(ticket) = self.store.ticket_run_out(self.now())? {
            self.end_unused(&ticket, TicketState::Expired)?;
        }
        Ok(())
    }

    /// Ends a ticket with which nobody connected, and has each message that carries its link say so instead, as far as that
    /// message can still be replaced: a button that leads nowhere is not left standing. The questions go on waiting, for the
    /// next link too (P12); to connect was declined with the link.
    fn end_unused(&self, ticket: &Ticket, state: TicketState) -> Result<(), PersonError> {
        self.store.set_ticket(&ticket.hash, state)?;
        let became = if state == TicketState::Expired { Became::Expired } else { Became::Declined };
        let mut replacements: Vec<Replacement> =
            ticket.link.iter().map(|link| Replacement::of(link, became.clone())).collect();
        for mut turn in self.store.waiting_turns()? {
            let own = Replacement::of_turn(&turn, became.clone());
            let only_connects = self.plan(&turn.request.ask) == Plan::Connect;
            match own {
                Some(_) if only_connects && state == TicketState::Declined => {
                    self.decided(&mut turn, Decision::for_person(messages::link_declined(false)))?;
                }
                None if only_connects && state == TicketState::Declined => {
                    self.store.end(turn.id, TurnState::Done, self.now())?;
                }
                own => replacements.extend(own),
            }
        }
        for replacement in replacements {
            self.store.insert_outbox(Replacement::KIND, self.seal(&replacement)?, self.now())?;
        }
        Ok(())
    }

    /// Step 3.
    pub(super) async fn conclude(&self, call: &Conclude) -> Result<Concluded, PersonError> {
        let now = self.now();
        let opened = self.keys()?.open::<PendingGrant>(Purpose::PendingGrant, &call.sealed_for, &call.sealed_grant);
        let Ok(pending) = opened else { return Ok(Concluded::Unknown) };
        let ticket_hash = hash(&call.ticket);
        let Some(ticket) = self.store.ticket(&ticket_hash)? else { return Ok(Concluded::Unknown) };
        // A taken consent does not run out: the pending grant has its own, later, end. So this step too is taken once, and
        // what was cancelled cannot be connected afterwards.
        match self.store.take_consent(&hash(&call.nonce), &ticket_hash, "taken", "concluded", Timestamp(0))? {
            Taken::Unknown | Taken::Expired => return Ok(Concluded::Unknown),
            Taken::Used => return Ok(Concluded::Used),
            Taken::Yes => {}
        }
        let grant: Grant = pending.grant.into();
        let concluded = if ticket.state == TicketState::Used {
            self.revoke_later(&grant, now)?;
            Concluded::Used
        } else if pending.expires_at <= now {
            self.revoke_later(&grant, now)?;
            Concluded::Expired
        } else if call.keep {
            self.keep(&ticket, &grant, now)?
        } else {
            self.end_unused(&ticket, TicketState::Declined)?;
            self.revoke_later(&grant, now)?;
            Concluded::Cancelled { back: self.asker()?.back }
        };
        self.wake(now).await?;
        Ok(concluded)
    }

    fn keep(&self, ticket: &Ticket, grant: &Grant, now: Timestamp) -> Result<Concluded, PersonError> {
        let account = grant.account.label().to_owned();
        let link = match &ticket.link {
            Some(link) => Some(self.seal(&Replacement::of(link, Became::Connected(account.clone())))?),
            None => None,
        };
        let resumed = u32::try_from(self.waiting_questions()?.len()).unwrap_or(u32::MAX);
        let retirement = self.retirement(grant)?;
        self.store.transaction(&mut || {
            let replaced = self.vault.store(grant).map_err(|error| StorageError(error.to_string()))?;
            self.store.set_ticket(&ticket.hash, TicketState::Used)?;
            self.store.resume_waiting(now)?;
            if let Some(link) = &link {
                self.store.insert_outbox(Replacement::KIND, link.clone(), now)?;
            }
            if let Some(retirement) = &retirement {
                self.store.insert_outbox(Retirement::KIND, retirement.clone(), now)?;
            }
            if let Some(replaced) = replaced {
                let sealed = self.seal(&Revocation::of(&replaced)).map_err(|error| StorageError(error.to_string()))?;
                self.store.insert_outbox(Revocation::KIND, sealed, now)?;
            }
            Ok(())
        })?;
        self.log(Level::Info, "grant_connected", &[("resumed", &resumed.to_string())]);
        Ok(Concluded::Connected { account, asker: self.asker()?, resumed })
    }

    /// The turns that wait for consent with a question: to connect is none.
    fn waiting_questions(&self) -> Result<Vec<Turn>, StorageError> {
        let mut turns = self.store.waiting_turns()?;
        turns.retain(|turn| self.plan(&turn.request.ask) != Plan::Connect);
        Ok(turns)
    }

    /// A grant that is not kept does not stay alive at Sentry either.
    fn revoke_later(&self, grant: &Grant, now: Timestamp) -> Result<(), PersonError> {
        let sealed = self.seal(&Revocation::of(grant))?;
        self.store.insert_outbox(Revocation::KIND, sealed, now)?;
        Ok(())
    }

    fn facts(&self, ticket: &Ticket) -> Result<TicketFacts, PersonError> {
        let waiting = self.waiting_questions()?.into_iter().next().and_then(|turn| match turn.request.ask {
            Ask::Words(words) => Some(words.trim().chars().take(WAITING_TEXT).collect()),
            Ask::Run(invocation) => Some(invocation.command),
            Ask::Connect | Ask::Disconnect => None,
        });
        Ok(TicketFacts { asker: self.asker()?, waiting, expires_at: ticket.expires_at })
    }
}

fn hash(id: &str) -> String {
    hex::encode(sha256(id.as_bytes()))
}
