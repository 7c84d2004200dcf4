//! Redirect URIs: what is accepted is read alike by everybody, and only a loopback host's port may differ (RFC 8252 §7.3).

#![no_main]

use libfuzzer_sys::fuzz_target;
use url::Url;
use vedette::oauth::provider::redirect::{check, matches};

fuzz_target!(|input: (&str, &str)| {
    let (registered, requested) = input;
    if check(registered).is_ok() {
        let url = Url::parse(registered).expect("accepted, so it is a URL");
        assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none(), "{registered:?}");
        assert!(matches(registered, registered));
    }
    if registered != requested && matches(registered, requested) {
        let [mut one, mut other] = [registered, requested].map(|text| Url::parse(text).expect("a URL"));
        for url in [&mut one, &mut other] {
            assert!(vedette_sentry::host::is_loopback(url), "{url}");
            url.set_port(None).expect("http has ports");
        }
        assert_eq!(one, other);
    }
});
