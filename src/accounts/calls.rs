//! What an Account object answers, declared once for both sides.

use serde::{Deserialize, Serialize};

use crate::ports::declare_call;
use crate::sessions::calls::Listed;

/// A session is open. Safe to say twice.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Add {
    /// The Session object's name.
    pub session: String,
    /// What a list shows of it.
    pub listed: Listed,
}
// Whether it may stay: one that was opened before its person ended them all may not.
declare_call!(Account: Add => bool, "/add");

/// A session has ended. Safe to say twice, and of one that was never added.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Remove {
    /// The Session object's name.
    pub session: String,
}
declare_call!(Account: Remove => (), "/remove");

/// Which sessions there are: each is asked, so what has ended is not listed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct List {}
declare_call!(Account: List => Vec<Entry>, "/list");

/// A session of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The Session object's name.
    pub session: String,
    /// What to show of it.
    pub listed: Listed,
}

/// Ends one session, if it is this account's.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Disconnect {
    /// The Session object's name, as somebody sent it.
    pub session: String,
}
// What the client called itself; `None` when there is no such session of this account (any more).
declare_call!(Account: Disconnect => Option<String>, "/disconnect");

/// Ends every session, also those that are open and not listed yet. Safe to say twice.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DisconnectAll {}
// How many were ended now.
declare_call!(Account: DisconnectAll => u32, "/disconnect-all");

/// Takes over a token that served to sign in and is to be revoked at Sentry.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RevokeLater {
    /// A [`crate::grants::revocation::Revocation`], sealed for the object's name (`Purpose::Account`).
    pub sealed: Vec<u8>,
}
declare_call!(Account: RevokeLater => (), "/revoke-later");
