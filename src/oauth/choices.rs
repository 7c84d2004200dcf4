//! What a person ticked last for each client, remembered by their browser: the next consent page for the same client shows
//! the same ticks. It is always shown all the same, so this saves clicks and gives nothing.
//!
//! The cookie is `base64url(JSON).base64url(HMAC-SHA256)`, under a key of its own; the JSON is a list of
//! `[client, [skill, …]]`, the newest first. The client is 128 bits of its id's hash. No name, no token, no account stands in
//! it. Junk, a changed cookie, and one that is too long are as good as none.

use http::{HeaderMap, header};

use super::constants::CHOICES_COOKIE;
use crate::crypto::{KeyRing, Purpose, base64url, from_base64url};
use crate::sessions::terms::skill_named;

/// How many clients are remembered; with every skill, that is some 2,500 bytes of the 4,096 that browsers keep.
const MOST: usize = 16;
/// The longest accepted value, in characters.
const MAX_VALUE: usize = 3_500;
/// How much of the hash of a client's id is kept, in hex digits.
const CLIENT: usize = 32;
/// For how long browsers keep it after the last consent, in seconds: 180 days.
const LIFE: u64 = 180 * 24 * 60 * 60;

/// The ticks of the clients that a browser let in last, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choices(Vec<(String, Vec<String>)>);

impl Choices {
    /// What the browser that sent these headers remembers.
    pub fn from_headers(keys: &KeyRing, headers: &HeaderMap) -> Choices {
        let all = headers.get_all(header::COOKIE).iter();
        let mut values = all
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(name, _)| *name == CHOICES_COOKIE);
        values.find_map(|(_, value)| read(keys, value)).unwrap_or_default()
    }

    /// The names of the skills that were ticked last for `client` (the hash of its id), as far as there still are such.
    pub fn of(&self, client: &str) -> Option<Vec<&'static str>> {
        let (_, skills) = self.0.iter().find(|(known, _)| Some(known.as_str()) == client.get(..CLIENT))?;
        let skills: Vec<_> = skills.iter().filter_map(|name| skill_named(name)).map(|skill| skill.name).collect();
        (!skills.is_empty()).then_some(skills)
    }

    /// The same with these skills for `client`; what was remembered first is forgotten first.
    #[must_use]
    pub fn with(mut self, client: &str, skills: &[String]) -> Choices {
        let client = client.get(..CLIENT).unwrap_or(client).to_owned();
        self.0.retain(|(known, _)| *known != client);
        self.0.insert(0, (client, skills.to_vec()));
        self.0.truncate(MOST);
        self
    }

    /// The `Set-Cookie` value.
    pub fn cookie(&self, keys: &KeyRing) -> String {
        let json = serde_json::to_vec(&self.0).unwrap_or_default();
        let signature = base64url(&keys.sign(Purpose::Choices, &json));
        let value = format!("{}.{signature}", base64url(&json));
        format!("{CHOICES_COOKIE}={value}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={LIFE}")
    }
}

fn read(keys: &KeyRing, value: &str) -> Option<Choices> {
    if value.len() > MAX_VALUE {
        return None;
    }
    let (json, signature) = value.split_once('.')?;
    let json = from_base64url(json)?;
    if !keys.verify(Purpose::Choices, &json, &from_base64url(signature)?) {
        return None;
    }
    let all: Vec<(String, Vec<String>)> = serde_json::from_slice(&json).ok()?;
    (all.len() <= MOST).then_some(Choices(all))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::RootSecrets;
    use crate::crypto::sha256;
    use crate::sessions::terms::SKILLS;

    fn ring(current: &str, previous: Option<&str>) -> KeyRing {
        KeyRing::new(RootSecrets { current: current.into(), previous: previous.map(Into::into) })
    }

    fn headers(cookie: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::COOKIE, cookie.parse().unwrap())])
    }

    fn client(number: usize) -> String {
        hex::encode(sha256(&number.to_le_bytes()))
    }

    fn pair(cookie: &str) -> &str {
        cookie.split(';').next().unwrap()
    }

    #[test]
    fn ticks_are_known_again_for_their_client_alone_and_outlive_one_rotation() {
        let keys = ring("one", None);
        let cookie = Choices::default().with(&client(1), &["triage".into(), "gone".into()]).cookie(&keys);
        assert!(cookie.starts_with("__Host-") && cookie.contains("; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age="));
        for keys in [keys, ring("two", Some("one"))] {
            let choices = Choices::from_headers(&keys, &headers(&format!("a=b; {}; c=d", pair(&cookie))));
            assert_eq!(choices.of(&client(1)), Some(vec!["triage"]));
            assert_eq!(choices.of(&client(2)), None);
        }
    }

    #[test]
    fn junk_and_what_was_changed_is_as_good_as_none() {
        let keys = ring("one", None);
        let cookie = Choices::default().with(&client(1), &["triage".into()]).cookie(&keys);
        let good = pair(&cookie);
        let (name, value) = good.split_once('=').unwrap();
        for index in 0..value.len() {
            let mut changed: Vec<char> = value.chars().collect();
            changed[index] = if changed[index] == 'A' { 'B' } else { 'A' };
            let changed: String = changed.into_iter().collect();
            assert_eq!(Choices::from_headers(&keys, &headers(&format!("{name}={changed}"))), Choices::default());
        }
        assert_eq!(Choices::from_headers(&ring("two", None), &headers(good)), Choices::default());
        for junk in ["", ".", "a.b", "W10.", &"A".repeat(100_000)] {
            assert_eq!(Choices::from_headers(&keys, &headers(&format!("{name}={junk}"))), Choices::default());
        }
        // Signed for another purpose.
        let json = b"[]";
        let other = format!("{name}={}.{}", base64url(json), base64url(&keys.sign(Purpose::State, json)));
        assert_eq!(Choices::from_headers(&keys, &headers(&other)), Choices::default());
    }

    #[test]
    fn it_is_bounded_and_the_oldest_is_forgotten_first() {
        let keys = ring("one", None);
        let every: Vec<String> = SKILLS.iter().map(|skill| skill.name.to_owned()).collect();
        let choices = (0..MOST + 3).fold(Choices::default(), |all, number| all.with(&client(number), &every));
        let cookie = choices.cookie(&keys);
        assert!(cookie.len() < 4_096 && pair(&cookie).len() <= MAX_VALUE, "{}", cookie.len());
        let again = Choices::from_headers(&keys, &headers(pair(&cookie)));
        assert_eq!(again, choices);
        assert_eq!((again.of(&client(2)), again.of(&client(3)).map(|it| it.len())), (None, Some(4)));
        let changed = again.with(&client(3), &["inspect".into()]);
        assert_eq!((changed.of(&client(3)), changed.0.len()), (Some(vec!["inspect"]), MOST));
    }
}
