//! Sentry accounts: which MCP clients were let in with one, so that its person can see them and end them (P5).
//!
//! [`account`] is the object, [`calls`] what it answers, [`person`] what a person does with it. The truth about a session is in its Session object; an account's
//! object is an index of names, fed by the sessions themselves. Nothing is ever searched for.

pub mod account;
pub mod calls;
pub mod person;
mod store;

use crate::crypto::{KeyRing, Purpose, base64url};

/// The names of the objects of the account `user` at the Sentry `origin`, the one under the current secret first.
///
/// A name is a keyed hash: who sees it, in a binding's list of objects for instance, learns neither the user nor the Sentry,
/// and cannot tell whether somebody is here. While `COOKIE_SECRET` rotates there are two: a session that was listed under
/// the previous secret's is found there, until it lists itself anew under the current one's.
fn object_names(keys: &KeyRing, origin: &str, user: &str) -> Vec<String> {
    let message = format!("{origin}\n{user}");
    let all = keys.sign_with_all(Purpose::AccountName, message.as_bytes());
    all.iter().map(|hash| format!("{OBJECT_PREFIX}{}", base64url(hash))).collect()
}

/// The first of [`object_names`]: where sessions are listed from now on.
pub fn object_name(keys: &KeyRing, origin: &str, user: &str) -> String {
    object_names(keys, origin, user).into_iter().next().unwrap_or_default()
}

/// The address of the page where a person sees and ends them.
pub const PAGE: &str = "/account";
const OBJECT_PREFIX: &str = "account:";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::RootSecrets;

    #[test]
    fn a_name_tells_nothing_and_differs_by_user_sentry_and_secret() {
        let keys = KeyRing::new(RootSecrets { current: "one".into(), previous: None });
        let name = object_name(&keys, "https://sentry.io/", "4711");
        assert!(name.starts_with("account:") && !name.contains("4711"), "{name}");
        assert_eq!(name, object_name(&keys, "https://sentry.io/", "4711"));
        assert_ne!(name, object_name(&keys, "https://sentry.io/", "471"));
        assert_ne!(name, object_name(&keys, "https://sentry.example/", "4711"));
        let rotated = KeyRing::new(RootSecrets { current: "two".into(), previous: Some("one".into()) });
        let names = object_names(&rotated, "https://sentry.io/", "4711");
        assert_eq!((names.len(), &names[1]), (2, &name));
        assert_ne!(names[0], name);
    }
}
