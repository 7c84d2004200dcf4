//! What people type: cut into words, and understood as a command or not. Words that are quoted and escaped, as Slack does, are
//! read as themselves.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vedette_commands::grammar::{Words, quote};
use vedette_commands::plan::plan;
use vedette_sentry::host::SentryHost;

fuzz_target!(|text: &str| {
    let host = SentryHost::parse("sentry.io").ok();
    let _ = plan(text, host.as_ref());
    let _ = plan(text, None);
    let Ok(words) = Words::parse(text) else { return };
    let texts: Vec<String> = words.texts().into_iter().map(str::to_owned).collect();
    let line: Vec<String> = texts.iter().map(|text| escape(&quote(text))).collect();
    if let Ok(again) = Words::parse(&line.join(" ")) {
        assert_eq!(again.texts(), texts, "{line:?}");
    }
});

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
