//! The whole story: question, private link, consent, answer.

use std::time::Duration;

use crate::world::{ADA, GRACE, INCIDENTS, Platform, full_text};

#[test]
fn a_question_gets_a_private_link_and_after_consent_its_answer_in_the_thread_p12() {
    let platform = Platform::new();
    let ts = platform.say(ADA, INCIDENTS, "@vedette issue list globex/checkout-api");

    let public: Vec<_> = platform.seen_by(GRACE);
    assert_eq!(public.len(), 1, "everybody sees one message");
    assert_eq!(public[0].thread_ts.as_deref(), Some(ts.as_str()));
    assert!(full_text(&public[0]).contains("private link"), "{}", full_text(&public[0]));
    assert!(platform.link_for(GRACE).is_none(), "only Ada gets the link");

    let page = platform.connect(ADA, "ada@example.com");
    assert!(page.contains("Sentry account connected"), "{page}");
    assert!(page.contains("being answered"), "{page}");

    let public = platform.seen_by(GRACE);
    assert_eq!(public.len(), 1, "the same message now holds the answer");
    let answer = full_text(&public[0]);
    assert!(answer.contains("CHECKOUT-API-"), "{answer}");
    assert_eq!(platform.sandbox.sentry().counters.token_exchanges, 1);
    assert!(platform.sandbox.slack().unhandled.is_empty());
    assert!(platform.sandbox.sentry().unhandled().is_empty());
}

#[test]
fn the_next_question_is_answered_at_once() {
    let platform = Platform::new();
    platform.say(ADA, INCIDENTS, "@vedette whoami");
    platform.connect(ADA, "ada@example.com");
    platform.slash(ADA, "whoami");
    assert!(platform.last_seen_by(ADA).contains("ada@example.com"), "{}", platform.last_seen_by(ADA));
    assert_eq!(platform.sandbox.sentry().counters.token_exchanges, 1);
}

#[test]
fn a_direct_message_is_answered_where_it_was_asked() {
    let platform = Platform::new();
    platform.say(ADA, "D0ADA", "issue list globex");
    platform.connect(ADA, "ada@example.com");
    let seen = platform.seen_by(ADA);
    assert_eq!(seen.len(), 1, "link and answer are one message: {seen:?}");
    assert!(full_text(&seen[0]).contains("CHECKOUT"), "{}", full_text(&seen[0]));
}

#[test]
fn a_request_that_waits_a_day_for_consent_says_so_once_and_ends() {
    let platform = Platform::new();
    platform.say(ADA, INCIDENTS, "@vedette issue list globex");
    platform.pass(Duration::from_secs(25 * 60 * 60));
    assert!(
        platform.last_seen_by(GRACE).contains("I waited for your Sentry access"),
        "{}",
        platform.last_seen_by(GRACE)
    );
    let calls = platform.sandbox.slack().calls.len();
    platform.pass(Duration::from_secs(50 * 60 * 60));
    assert_eq!(platform.sandbox.slack().calls.len(), calls, "once");
}

#[test]
fn a_projects_name_alone_is_enough_and_a_part_of_it_is_offered() {
    let platform = Platform::new();
    platform.say(ADA, "D0ADA", "issue list checkout-api");
    platform.connect(ADA, "ada@example.com");
    let answer = platform.last_seen_by(ADA);
    assert!(answer.contains("Unresolved issues in globex/checkout-api"), "{answer}");
    assert!(answer.contains("globex/checkout-api."), "says how it was read: {answer}");
    platform.say(ADA, "D0ADA", "issue list checkout");
    let answer = platform.last_seen_by(ADA);
    assert!(answer.contains("Did you mean") && answer.contains("globex/checkout-api"), "{answer}");
}

#[test]
fn an_id_that_is_nowhere_is_told_with_where_was_looked() {
    let platform = Platform::new();
    platform.say(ADA, "D0ADA", "CHECKOUT-API-ZZ");
    platform.connect(ADA, "ada@example.com");
    let answer = platform.last_seen_by(ADA);
    assert!(answer.contains("CHECKOUT-API-ZZ is not in globex, initech or hooli"), "{answer}");
    assert!(!answer.contains("Which organization?"), "{answer}");
}

#[test]
fn what_is_formatted_or_copied_is_understood_and_a_page_that_is_no_issue_asks_nobody_to_connect() {
    let platform = Platform::new();
    platform.say(ADA, INCIDENTS, "@vedette https://globex.sentry.io/issues/errors-outages/?project=1");
    assert!(platform.link_for(ADA).is_none());
    platform.say(ADA, "D0ADA", "\u{200e}*`issue list globex/checkout-api`*");
    platform.connect(ADA, "ada@example.com");
    assert!(platform.last_seen_by(ADA).contains("Unresolved issues in globex/checkout-api"));
    for text in ["\u{202a}CHECKOUT-API-4F\u{202c}", "globex/checkout-api/CHECKOUT-API-4F", "• #CHECKOUT-API-4F"] {
        platform.say(ADA, "D0ADA", text);
        let answer = platform.last_seen_by(ADA);
        assert!(answer.contains("CHECKOUT-API-4F:"), "{text}: {answer}");
    }
}

#[test]
fn a_plain_question_is_run_and_says_how_it_was_read() {
    let platform = Platform::new();
    platform.say(ADA, INCIDENTS, "@vedette show me fatal errors in globex");
    platform.connect(ADA, "ada@example.com");
    let answer = platform.last_seen_by(GRACE);
    assert!(answer.contains("globex") && answer.contains("fatal"), "{answer}");
    assert!(answer.contains("Read as") && answer.contains("issue list globex"), "{answer}");
    assert!(!answer.contains("(error"), "{answer}");
}

#[test]
fn what_would_change_an_issue_is_not_run_and_says_so() {
    let platform = Platform::new();
    platform.say(ADA, "D0ADA", "whoami");
    platform.connect(ADA, "ada@example.com");
    let calls = platform.sandbox.sentry().requests.len();
    platform.say(ADA, "D0ADA", "resolve CHECKOUT-API-4F");
    let answer = platform.last_seen_by(ADA);
    assert!(answer.contains("I can't resolve CHECKOUT-API-4F from here yet"), "{answer}");
    assert!(!answer.contains("Read as"), "{answer}");
    assert_eq!(platform.sandbox.sentry().requests.len(), calls, "Sentry was not asked");
}
