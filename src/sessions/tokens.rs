//! Codes, access tokens and refresh tokens: opaque, and known to be ours before anything is looked up (P17).
//!
//! A token is `<prefix><base64url(session id (16) ‖ secret (32) ‖ MAC (16))>`, 90 characters in all. The MAC is HMAC-SHA256
//! under the key of the token's kind, cut to 128 bits, over session id and secret: whoever does not have `COOKIE_SECRET`
//! cannot make one, so a guess, a token of another kind, or a text of any other length is refused without a Durable Object
//! being called. The session id is random and names the object. There is no user id inside.
//!
//! Only [`Token::hash`] is stored. It covers session id and secret but not the MAC, so a token stays itself when
//! `COOKIE_SECRET` rotates.
//!
//! **The successor of a refresh token** ([`Token::next`]) is a hash of the token and of a salt that only its Session object
//! has. So the same token has the same successor however often and from wherever it is used, and nothing has to be kept in
//! the clear for a client that asks again; whoever has only the token, or only the storage, cannot tell it.

use secrecy::{ExposeSecret, SecretBox};

use crate::crypto::{KeyRing, Purpose, base64url, from_base64url, random_bytes, sha256};
use crate::ports::Random;

const ID: usize = 16;
const SECRET: usize = 32;
const MAC: usize = 16;
const PREFIX: usize = 4;
/// Base64url without padding of `ID + SECRET + MAC` bytes.
const ENCODED: usize = 86;
const OBJECT_PREFIX: &str = "session:";

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An authorization code (RFC 6749 §1.3.1).
    Code,
    /// An access token (RFC 6749 §1.4).
    Access,
    /// A refresh token (RFC 6749 §1.5).
    Refresh,
}

impl Kind {
    /// What its tokens begin with, for people and for scanners of leaked secrets.
    pub fn prefix(self) -> &'static str {
        match self {
            Kind::Code => "vdc_",
            Kind::Access => "vda_",
            Kind::Refresh => "vdr_",
        }
    }

    fn purpose(self) -> Purpose {
        match self {
            Kind::Code => Purpose::AuthorizationCode,
            Kind::Access => Purpose::AccessToken,
            Kind::Refresh => Purpose::RefreshToken,
        }
    }
}

/// Which session: 128 random bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionId([u8; ID]);

impl SessionId {
    /// A new session's id.
    pub fn new(random: &dyn Random) -> SessionId {
        SessionId(random_bytes(random))
    }

    /// The name of its object.
    pub fn object_name(&self) -> String {
        format!("{OBJECT_PREFIX}{}", base64url(&self.0))
    }

    /// Reads [`SessionId::object_name`].
    pub fn from_object_name(name: &str) -> Option<SessionId> {
        let bytes = from_base64url(name.strip_prefix(OBJECT_PREFIX)?)?;
        Some(SessionId(bytes.try_into().ok()?))
    }
}

/// A code, an access token or a refresh token that we made. Cannot be printed.
pub struct Token {
    kind: Kind,
    session: SessionId,
    secret: SecretBox<[u8; SECRET]>,
}

impl Token {
    /// A new token of `session`.
    pub fn new(kind: Kind, session: SessionId, random: &dyn Random) -> Token {
        Token { kind, session, secret: SecretBox::new(Box::new(random_bytes(random))) }
    }

    /// Reads a token of this kind; `None` for everything that we did not make, whatever its length.
    pub fn read(keys: &KeyRing, kind: Kind, text: &str) -> Option<Token> {
        if text.len() != PREFIX + ENCODED {
            return None;
        }
        let bytes = from_base64url(text.strip_prefix(kind.prefix())?)?;
        let (id, rest) = bytes.split_first_chunk::<ID>()?;
        let (secret, mac) = rest.split_first_chunk::<SECRET>()?;
        let token = Token { kind, session: SessionId(*id), secret: SecretBox::new(Box::new(*secret)) };
        keys.verify_truncated(kind.purpose(), &token.content(), mac.first_chunk::<MAC>()?).then_some(token)
    }

    /// The token as its client has it.
    pub fn to_text(&self, keys: &KeyRing) -> String {
        let content = self.content();
        let mac = keys.sign_truncated(self.kind.purpose(), &content);
        format!("{}{}", self.kind.prefix(), base64url(&[content.as_slice(), &mac].concat()))
    }

    /// The session that it is of.
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// What is stored of it.
    pub fn hash(&self) -> String {
        hex::encode(sha256(&[self.kind.prefix().as_bytes(), &self.content()].concat()))
    }

    /// The token of `kind` that follows this one in the family with `salt`. `variant` tells apart what one token is
    /// exchanged for at different requests.
    pub fn next(&self, kind: Kind, salt: &[u8; 32], variant: &str) -> Token {
        // Every part but the last has a fixed length, so no two inputs are the same bytes.
        let variant = sha256(variant.as_bytes());
        let input = [b"vedette/v1/next/", kind.prefix().as_bytes(), salt, &self.content(), &variant].concat();
        Token { kind, session: self.session, secret: SecretBox::new(Box::new(sha256(&input))) }
    }

    fn content(&self) -> Vec<u8> {
        [self.session.0.as_slice(), self.secret.expose_secret()].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::RootSecrets;
    use crate::crypto::testing::Counting;

    fn ring(current: &str, previous: Option<&str>) -> KeyRing {
        KeyRing::new(RootSecrets { current: current.into(), previous: previous.map(Into::into) })
    }

    fn token(kind: Kind) -> Token {
        let random = Counting(0.into());
        Token::new(kind, SessionId::new(&random), &random)
    }

    #[test]
    fn a_token_is_known_again_and_names_its_session_p17() {
        let keys = ring("one", None);
        for kind in [Kind::Code, Kind::Access, Kind::Refresh] {
            let token = token(kind);
            let text = token.to_text(&keys);
            assert_eq!(text.len(), PREFIX + ENCODED);
            let again = Token::read(&keys, kind, &text).unwrap();
            assert_eq!((again.hash(), again.session()), (token.hash(), token.session()));
        }
    }

    #[test]
    fn a_token_of_one_kind_is_none_of_another_p17() {
        let keys = ring("one", None);
        let text = token(Kind::Access).to_text(&keys);
        for (kind, prefix) in [(Kind::Code, "vdc_"), (Kind::Refresh, "vdr_")] {
            assert!(Token::read(&keys, kind, &text).is_none());
            assert!(Token::read(&keys, kind, &text.replace("vda_", prefix)).is_none());
        }
        assert_ne!(token(Kind::Access).hash(), token(Kind::Refresh).hash());
    }

    #[test]
    fn no_character_of_a_token_can_be_changed_p17() {
        let keys = ring("one", None);
        let text = token(Kind::Refresh).to_text(&keys);
        for index in 0..text.len() {
            for other in ['A', 'B', '_', '='] {
                let mut changed: Vec<char> = text.chars().collect();
                if changed[index] != other {
                    changed[index] = other;
                    let changed: String = changed.into_iter().collect();
                    assert!(Token::read(&keys, Kind::Refresh, &changed).is_none(), "{changed}");
                }
            }
        }
        assert!(Token::read(&ring("two", None), Kind::Refresh, &text).is_none());
    }

    #[test]
    fn junk_of_any_length_is_no_token_p17() {
        let keys = ring("one", None);
        for length in (0..200).chain([512, 600, 4_096, 100_000]) {
            for prefix in ["", "vda_", "vdc_", "é", "a:b:"] {
                let junk = format!("{prefix}{}", "A".repeat(length));
                assert!(Token::read(&keys, Kind::Access, &junk).is_none());
            }
        }
    }

    #[test]
    fn a_token_outlives_one_rotation_of_the_secret_and_keeps_its_hash_p1() {
        let token = token(Kind::Access);
        let text = token.to_text(&ring("one", None));
        let rotated = ring("two", Some("one"));
        assert_eq!(Token::read(&rotated, Kind::Access, &text).unwrap().hash(), token.hash());
        let anew = token.to_text(&rotated);
        assert_ne!(anew, text);
        assert_eq!(Token::read(&rotated, Kind::Access, &anew).unwrap().hash(), token.hash());
    }

    #[test]
    fn a_refresh_token_has_one_successor_for_each_salt_and_variant_p16() {
        let token = token(Kind::Refresh);
        let (one, two) = ([1; 32], [2; 32]);
        let next = token.next(Kind::Refresh, &one, "").hash();
        assert_eq!(token.next(Kind::Refresh, &one, "").hash(), next);
        assert_ne!(token.next(Kind::Refresh, &two, "").hash(), next);
        assert_ne!(token.next(Kind::Access, &one, "a").hash(), token.next(Kind::Access, &one, "b").hash());
        assert_ne!(token.hash(), next);
    }

    #[test]
    fn a_session_is_known_by_the_name_of_its_object() {
        let id = SessionId([7; 16]);
        assert_eq!(SessionId::from_object_name(&id.object_name()), Some(id));
        for other in ["", "session:", "slack:T1:U1", "session:AAAA"] {
            assert!(SessionId::from_object_name(other).is_none(), "{other}");
        }
    }
}
