//! Ids and addresses that people paste. An address that is recognised is this Sentry's, and one that is made is recognised again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use url::Url;
use vedette_sentry::host::SentryHost;
use vedette_sentry::urls::{IssueName, Reference, address, event_id, is_address, recognise, web};

fuzz_target!(|text: &str| {
    let _ = Reference::parse(text);
    let _ = IssueName::parse(text);
    let _ = event_id(text);
    let _ = is_address(text);
    for host in ["sentry.io", "sentry.example.com:8443"] {
        let host = SentryHost::parse(host).expect("a good host");
        let links = [address(&host, text), Url::parse(text).ok(), Some(web(&host, text, &["issues", "1"], &[]))];
        for url in links.into_iter().flatten() {
            let _ = recognise(&host, &url);
        }
        assert!(host.permits(&web(&host, text, &["issues", text], &[("query", text)])));
    }
});
