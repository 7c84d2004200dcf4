//! What a person does with the sessions of their account, over all names that it has.

use super::calls::{Disconnect, DisconnectAll, Entry, List, RevokeLater};
use super::object_names;
use crate::crypto::{KeyRing, Purpose};
use crate::grants::revocation::Revocation;
use crate::ports::{ObjectError, call};
use crate::world::World;

/// A Sentry account whose person is known to be here.
pub struct Mine<'a> {
    world: &'a World,
    names: Vec<String>,
}

impl<'a> Mine<'a> {
    /// The account `user` at the Sentry `origin`.
    pub fn new(world: &'a World, keys: &KeyRing, origin: &str, user: &str) -> Mine<'a> {
        Mine { world, names: object_names(keys, origin, user) }
    }

    /// The sessions, the last used first.
    ///
    /// # Errors
    /// When an object of the account cannot be reached; so for every method.
    pub async fn list(&self) -> Result<Vec<Entry>, ObjectError> {
        let mut all: Vec<Entry> = Vec::new();
        for name in &self.names {
            for entry in call(&*self.world.objects, name, &List {}).await? {
                if all.iter().all(|known| known.session != entry.session) {
                    all.push(entry);
                }
            }
        }
        all.sort_by_key(|entry| std::cmp::Reverse(entry.listed.last_sign_of_life()));
        Ok(all)
    }

    /// Ends one; returns what its client called itself, or `None` when there is no such session of this account.
    pub async fn disconnect(&self, session: &str) -> Result<Option<String>, ObjectError> {
        for name in &self.names {
            let disconnect = Disconnect { session: session.to_owned() };
            if let Some(client) = call(&*self.world.objects, name, &disconnect).await? {
                return Ok(Some(client));
            }
        }
        Ok(None)
    }

    /// Ends all; returns how many there were.
    pub async fn disconnect_all(&self) -> Result<u32, ObjectError> {
        let mut ended: u32 = 0;
        for name in &self.names {
            ended = ended.saturating_add(call(&*self.world.objects, name, &DisconnectAll {}).await?);
        }
        Ok(ended)
    }

    /// Has a token revoked at Sentry that nobody wants.
    pub async fn revoke_later(&self, keys: &KeyRing, revocation: &Revocation) -> Result<(), ObjectError> {
        let Some(name) = self.names.first() else { return Ok(()) };
        let sealed = keys.seal(Purpose::Account, name, revocation, &*self.world.ports.random).0;
        call(&*self.world.objects, name, &RevokeLater { sealed }).await
    }
}
