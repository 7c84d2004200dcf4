//! Binding a consent to the browser that started it: a cookie, form tokens, and where a form was posted from.

use http::{HeaderMap, header};
use secrecy::{ExposeSecret, SecretString};
use url::form_urlencoded;

use super::constants::{BROWSER_COOKIE, STATE_LIFE};
use crate::crypto::{KeyRing, Purpose, base64url, from_base64url, random_bytes, sha256};
use crate::ports::Random;

/// A browser, known by the random value in its cookie.
#[derive(Clone, Debug)]
pub struct Browser(SecretString);

impl Browser {
    /// A browser that was not seen before.
    pub fn new(random: &dyn Random) -> Browser {
        Browser(base64url(&random_bytes::<32>(random)).into())
    }

    /// The browser that sent these headers, when it carries a well-formed cookie of ours.
    pub fn from_headers(headers: &HeaderMap) -> Option<Browser> {
        cookies(headers, BROWSER_COOKIE)
            .find(|value| from_base64url(value).is_some_and(|it| it.len() == 32))
            .map(|value| Browser(value.into()))
    }

    /// What may be known of the browser elsewhere: the hash of its cookie.
    pub fn fingerprint(&self) -> String {
        base64url(&sha256(self.0.expose_secret().as_bytes()))
    }

    /// The `Set-Cookie` value. `Lax`, because Sentry sends the browser back by a top-level navigation.
    pub fn cookie(&self) -> String {
        let value = self.0.expose_secret();
        format!(
            "{BROWSER_COOKIE}={value}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={}",
            2 * STATE_LIFE.as_secs()
        )
    }
}

/// The values of the cookies called `name`.
pub fn cookies<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(move |(known, _)| *known == name)
        .map(|(_, value)| value)
}

/// A token for the form of `step`, so that it cannot be posted by another site's page (P15).
pub fn form_token(keys: &KeyRing, step: &str) -> String {
    base64url(&keys.sign(Purpose::Form, step.as_bytes()))
}

/// Whether `token` is the token of `step`.
pub fn form_token_fits(keys: &KeyRing, step: &str, token: &str) -> bool {
    from_base64url(token).is_some_and(|signature| keys.verify(Purpose::Form, step.as_bytes(), &signature))
}

/// Whether the browser says that a form was posted from one of our own pages. A browser that does not say (before 2023)
/// is believed: the form's token is what counts. `Origin` cannot be asked: our pages' `no-referrer` makes it `null`.
pub fn posted_from_here(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_none_or(|value| value == "same-origin")
}

/// The fields of a form, or of a query. A repeated field counts as its first.
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads `application/x-www-form-urlencoded`.
    pub fn read(encoded: &[u8]) -> Fields {
        Fields(form_urlencoded::parse(encoded).into_owned().collect())
    }

    /// The value of `name`, when it is there and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, value)| known == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Zeros;
    impl Random for Zeros {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(0);
        }
    }

    fn headers(cookie: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::COOKIE, cookie.parse().unwrap())])
    }

    #[test]
    fn a_browser_is_known_again_among_other_cookies() {
        let browser = Browser::new(&Zeros);
        let set = browser.cookie();
        let pair = set.split(';').next().unwrap();
        let again = Browser::from_headers(&headers(&format!("a=b; {pair}; c=d"))).unwrap();
        assert_eq!(again.fingerprint(), browser.fingerprint());
        assert!(set.contains("Secure; HttpOnly; SameSite=Lax"));
    }

    #[test]
    fn a_cookie_of_another_shape_is_no_browser() {
        for bad in ["", "a=b", "__Host-vedette_browser=", "__Host-vedette_browser=short", "vedette_browser=AAAA"] {
            assert!(Browser::from_headers(&headers(bad)).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_form_posted_from_another_site_is_told() {
        let from = |site: &str| HeaderMap::from_iter([("sec-fetch-site".parse().unwrap(), site.parse().unwrap())]);
        assert!(posted_from_here(&HeaderMap::new()));
        assert!(posted_from_here(&from("same-origin")));
        for site in ["cross-site", "same-site", "none"] {
            assert!(!posted_from_here(&from(site)), "{site}");
        }
    }
}
