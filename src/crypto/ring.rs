//! The derived keys, and signing with them.

use std::cell::RefCell;
use std::rc::Rc;

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretBox, SecretString};
use sha2::Sha256;

use crate::config::RootSecrets;

/// What a key is for. Its name is part of the derivation and must never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Sealing grants, in the object and in KV.
    Grant,
    /// Sealing what a Person object keeps for later calls: response URLs, tokens to revoke.
    Outbox,
    /// Sealing connect links.
    ConnectLink,
    /// Sealing a grant that its person has not confirmed yet, on its way through their browser.
    PendingGrant,
    /// Signing the OAuth state.
    State,
    /// Deriving PKCE code verifiers from state nonces.
    CodeVerifier,
    /// Signing forms.
    Form,
    /// The MAC of an MCP client's authorization codes.
    AuthorizationCode,
    /// The MAC of an MCP client's access tokens.
    AccessToken,
    /// The MAC of an MCP client's refresh tokens.
    RefreshToken,
    /// The MAC of the metadata in an MCP client's id.
    ClientId,
    /// Deriving an MCP client's secret from its id.
    ClientSecret,
    /// Signing the cookie that remembers what was ticked.
    Choices,
    /// Sealing what a Session object keeps for later, and the credential that it gives out.
    Session,
    /// The names of Account objects.
    AccountName,
    /// Sealing what an Account object keeps for later: tokens to revoke.
    Account,
    /// Sealing the cookie of somebody who signed in.
    SignedIn,
    /// The MAC in the name of a legacy MCP client's stream.
    Stream,
}

impl Purpose {
    fn label(self) -> &'static [u8] {
        match self {
            Purpose::Grant => b"vedette/v1/grant",
            Purpose::Outbox => b"vedette/v1/outbox",
            Purpose::ConnectLink => b"vedette/v1/connect-link",
            Purpose::PendingGrant => b"vedette/v1/pending-grant",
            Purpose::State => b"vedette/v1/state",
            Purpose::CodeVerifier => b"vedette/v1/code-verifier",
            Purpose::Form => b"vedette/v1/form",
            Purpose::AuthorizationCode => b"vedette/v1/authorization-code",
            Purpose::AccessToken => b"vedette/v1/access-token",
            Purpose::RefreshToken => b"vedette/v1/refresh-token",
            Purpose::ClientId => b"vedette/v1/client-id",
            Purpose::ClientSecret => b"vedette/v1/client-secret",
            Purpose::Choices => b"vedette/v1/choices",
            Purpose::Session => b"vedette/v1/session",
            Purpose::AccountName => b"vedette/v1/account-name",
            Purpose::Account => b"vedette/v1/account",
            Purpose::SignedIn => b"vedette/v1/signed-in",
            Purpose::Stream => b"vedette/v1/stream",
        }
    }
}

/// A derived key. Cannot be printed.
pub(super) type Key = SecretBox<[u8; 32]>;

/// More than the purposes of two roots.
const MOST_DERIVED: usize = 64;

/// A key that was derived before.
struct Derived {
    root: SecretString,
    purpose: Purpose,
    key: Rc<Key>,
}

thread_local! {
    /// Deriving a key costs more than using it, and the roots do not change while an isolate lives.
    static DERIVED: RefCell<Vec<Derived>> = const { RefCell::new(Vec::new()) };
}

/// The keys of a deployment, derived when they are first needed.
#[derive(Clone, Debug)]
pub struct KeyRing {
    roots: RootSecrets,
}

impl KeyRing {
    /// The ring over these roots.
    pub fn new(roots: RootSecrets) -> KeyRing {
        KeyRing { roots }
    }

    /// The key that seals and signs.
    pub(super) fn current(&self, purpose: Purpose) -> Rc<Key> {
        derived(&self.roots.current, purpose)
    }

    /// The keys that open and verify, the current one first.
    pub(super) fn accepted(&self, purpose: Purpose) -> impl Iterator<Item = Rc<Key>> + '_ {
        std::iter::once(&self.roots.current).chain(&self.roots.previous).map(move |root| derived(root, purpose))
    }

    /// HMAC-SHA256 (RFC 2104) of `message` under the current key.
    pub fn sign(&self, purpose: Purpose, message: &[u8]) -> [u8; 32] {
        mac(&self.current(purpose), message).finalize().into_bytes().into()
    }

    /// [`KeyRing::sign`] of `message` under each accepted key, the current one first.
    pub fn sign_with_all(&self, purpose: Purpose, message: &[u8]) -> Vec<[u8; 32]> {
        self.accepted(purpose).map(|key| mac(&key, message).finalize().into_bytes().into()).collect()
    }

    /// Whether `signature` is the HMAC of `message` under an accepted key, compared in constant time.
    pub fn verify(&self, purpose: Purpose, message: &[u8], signature: &[u8]) -> bool {
        self.accepted(purpose).any(|key| mac(&key, message).verify_slice(signature).is_ok())
    }

    /// The first 128 bits of [`KeyRing::sign`], for what has to stay short (RFC 2104 §5 allows half of the hash).
    pub fn sign_truncated(&self, purpose: Purpose, message: &[u8]) -> [u8; 16] {
        let whole = self.sign(purpose, message);
        let mut half = [0; 16];
        half.iter_mut().zip(whole).for_each(|(to, from)| *to = from);
        half
    }

    /// Whether `signature` is [`KeyRing::sign_truncated`] of `message` under an accepted key, compared in constant time.
    pub fn verify_truncated(&self, purpose: Purpose, message: &[u8], signature: &[u8; 16]) -> bool {
        self.accepted(purpose).any(|key| mac(&key, message).verify_truncated_left(signature).is_ok())
    }
}

fn derived(root: &SecretString, purpose: Purpose) -> Rc<Key> {
    DERIVED.with_borrow_mut(|all| {
        // Both roots are ours: how long the comparison takes tells nobody anything.
        let known = |it: &&Derived| it.purpose == purpose && it.root.expose_secret() == root.expose_secret();
        if let Some(known) = all.iter().find(known) {
            return Rc::clone(&known.key);
        }
        let key = Rc::new(derive(root.expose_secret(), purpose));
        if all.len() >= MOST_DERIVED {
            all.clear();
        }
        all.push(Derived { root: root.clone(), purpose, key: Rc::clone(&key) });
        key
    })
}

fn derive(root: &str, purpose: Purpose) -> Key {
    let mut key = Box::new([0; 32]);
    // 32 bytes are within HKDF-SHA256's 8,160: expanding cannot fail.
    let _ = Hkdf::<Sha256>::new(None, root.as_bytes()).expand(purpose.label(), key.as_mut_slice());
    SecretBox::new(key)
}

fn mac(key: &Key, message: &[u8]) -> Hmac<Sha256> {
    // HMAC pads a key with zeros to the hash's block (RFC 2104 §2): doing so here makes the length a type, not an error.
    let mut block = [0; 64];
    for (to, from) in block.iter_mut().zip(key.expose_secret()) {
        *to = *from;
    }
    let mut mac = <Hmac<Sha256> as KeyInit>::new(&block.into());
    mac.update(message);
    mac
}
