//! Text of strangers on its way to Slack: within its limit, and unable to mention or to link (P20).

#![no_main]

use libfuzzer_sys::fuzz_target;
use vedette::slack::mrkdwn::{clean, cut, inert, length, one_line};

fuzz_target!(|input: (u16, &str)| {
    let (limit, text) = input;
    let limit = usize::from(limit).max(1);
    assert_eq!(clean(&clean(text)), clean(text));
    assert!(!one_line(text).contains(['\n', '\r']));
    assert!(length(&cut(text, limit)) <= limit);
    let inert = inert(text, limit);
    assert!(length(&inert) <= limit, "{inert:?}");
    assert!(!inert.contains(['<', '>']) && !inert.contains("://"), "{inert:?}");
});
