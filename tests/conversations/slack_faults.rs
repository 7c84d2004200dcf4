//! Slack's refusals and silences: at most one visible message for each turn, answered once Slack is back, and a private link
//! that finds its person or says that it cannot (P11, P13, P19).

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use serde_json::json;
use vedette_sandbox::{Fault, FaultKind, Message, Side, Slash};

use crate::world::{ADA, ADA_OBJECT, GRACE, INCIDENTS, Platform, full_text, link_in};

const QUESTION: &str = "issue list globex/checkout-api";
const ANSWER: &str = "CHECKOUT-API-";
const DIRECT: &str = "D0ADA";
/// A channel in which the bot is not.
const GENERAL: &str = "C0GENERAL";

fn connected() -> Rc<Platform> {
    let platform = Platform::new();
    platform.say(ADA, INCIDENTS, "@vedette whoami");
    platform.connect(ADA, "ada@example.com");
    platform
}

fn mention(platform: &Platform) -> String {
    platform.say(ADA, INCIDENTS, &format!("@vedette {QUESTION}"))
}

fn slash_in(platform: &Platform, channel: &str, text: &str) {
    let slash = Slash { person: ADA.into(), channel: channel.into(), text: text.into() };
    platform.deliver(&platform.sandbox.slash(platform.now.get(), &slash));
    platform.settle();
}

/// What everybody sees of the bot in the thread of `ts`.
fn thread(platform: &Platform, ts: &str) -> Vec<Message> {
    platform.seen_by(GRACE).into_iter().filter(|message| message.thread_ts.as_deref() == Some(ts)).collect()
}

fn slack(matches: &str, kind: FaultKind) -> Fault {
    Fault::new(Side::Slack, matches, kind)
}

fn refuses(error: &str) -> FaultKind {
    FaultKind::SlackError { error: error.to_owned() }
}

fn status(code: u16) -> FaultKind {
    FaultKind::Status { code, body: None, headers: BTreeMap::new() }
}

/// Failures after which Slack may have done what was asked, or not.
fn passing() -> Vec<FaultKind> {
    vec![
        FaultKind::RateLimited { retry_after: 30 },
        refuses("ratelimited"),
        refuses("internal_error"),
        refuses("fatal_error"),
        status(500),
        status(503),
        FaultKind::Html { code: 502 },
        FaultKind::Html { code: 200 },
        FaultKind::Drop,
        FaultKind::Hang,
        FaultKind::Truncate,
        FaultKind::Delay { ms: 12_000 },
    ]
}

/// The bot's messages are deleted by somebody who may.
fn delete(platform: &Platform, message: &Message) {
    let body = json!({"channel": message.channel, "ts": message.ts}).to_string();
    let request = Request::post("https://slack.com/api/chat.delete")
        .header("authorization", format!("Bearer {}", platform.sandbox.options().bot_token))
        .header("content-type", "application/json")
        .body(Bytes::from(body))
        .unwrap();
    platform.sandbox.handle(request, platform.now.get());
}

#[test]
fn whatever_fails_at_slack_for_a_while_there_is_one_message_and_it_holds_the_answer_p11() {
    for method in ["chat.postMessage", "chat.update", "conversations.replies", "*"] {
        for kind in passing() {
            for after_work in [false, true] {
                let platform = connected();
                let fault = slack(method, kind.clone()).times(3);
                platform.sandbox.add_fault(if after_work { fault.after_work() } else { fault });
                let ts = mention(&platform);
                platform.pass(Duration::from_secs(5 * 60));
                let seen = thread(&platform, &ts);
                let at = format!("{method} {kind:?}, after the work: {after_work}");
                assert_eq!(seen.len(), 1, "{at}: {seen:#?}");
                assert!(full_text(&seen[0]).contains(ANSWER), "{at}: {}", full_text(&seen[0]));
            }
        }
    }
}

#[test]
fn whatever_fails_at_slack_for_a_while_a_direct_message_is_answered_once_p11() {
    for method in ["chat.postMessage", "chat.update", "*"] {
        for kind in passing() {
            let platform = connected();
            platform.sandbox.add_fault(slack(method, kind.clone()).times(3).after_work());
            platform.say(ADA, DIRECT, QUESTION);
            platform.pass(Duration::from_secs(5 * 60));
            let seen: Vec<_> = platform.seen_by(ADA).into_iter().filter(|message| message.channel == DIRECT).collect();
            assert_eq!(seen.len(), 1, "{method} {kind:?}: {seen:#?}");
            assert!(full_text(&seen[0]).contains(ANSWER), "{method} {kind:?}: {}", full_text(&seen[0]));
        }
    }
}

#[test]
fn whatever_fails_at_slack_for_a_while_a_slash_command_is_answered_once_p11() {
    for kind in passing() {
        for after_work in [false, true] {
            let platform = connected();
            let before = platform.seen_by(ADA).len();
            let fault = slack("response/", kind.clone()).times(3);
            platform.sandbox.add_fault(if after_work { fault.after_work() } else { fault });
            platform.slash(ADA, QUESTION);
            platform.pass(Duration::from_secs(5 * 60));
            let seen: Vec<_> = platform.seen_by(ADA).into_iter().skip(before).collect();
            assert_eq!(seen.len(), 1, "{kind:?}: {seen:#?}");
            assert!(full_text(&seen[0]).contains(ANSWER), "{kind:?}: {}", full_text(&seen[0]));
            assert!(seen[0].private_to.is_some());
        }
    }
}

#[test]
fn a_question_is_answered_once_slack_is_back_after_ten_minutes_p11() {
    for (name, matches) in [("all of it", "*"), ("only posting", "chat.postMessage"), ("only updating", "chat.update")]
    {
        for kind in [FaultKind::Drop, FaultKind::Hang, status(503)] {
            let platform = connected();
            platform.sandbox.add_fault(slack(matches, kind));
            let ts = platform.say_only(ADA, INCIDENTS, &format!("@vedette {QUESTION}"));
            platform.pass(Duration::from_secs(10 * 60));
            platform.sandbox.clear_faults();
            platform.pass(Duration::from_secs(60));
            let seen = thread(&platform, &ts);
            assert_eq!(seen.len(), 1, "{name}: {seen:#?}");
            assert!(full_text(&seen[0]).contains(ANSWER), "{name}: {}", full_text(&seen[0]));
        }
    }
}

#[test]
fn slack_that_stays_away_ends_a_turn_and_lets_the_next_one_go_on_p10() {
    let platform = connected();
    platform.sandbox.add_fault(slack("chat.postMessage", FaultKind::Drop));
    let first = mention(&platform);
    platform.pass(Duration::from_secs(70 * 60));
    let calls = platform.sandbox.slack().calls.len();
    platform.pass(Duration::from_secs(60 * 60));
    assert_eq!(platform.sandbox.slack().calls.len(), calls, "it is given up");
    platform.sandbox.clear_faults();
    let second = mention(&platform);
    assert!(thread(&platform, &first).is_empty());
    assert!(full_text(&thread(&platform, &second)[0]).contains(ANSWER));
    assert!(platform.log_text().contains("turn_failed"));
}

#[test]
fn a_long_rate_limit_is_honoured_to_the_second_p19() {
    let platform = connected();
    platform.sandbox.add_fault(slack("chat.postMessage", FaultKind::RateLimited { retry_after: 45 }).once());
    let ts = mention(&platform);
    let calls = platform.sandbox.slack().calls.len();
    platform.pass(Duration::from_secs(44));
    assert_eq!(platform.sandbox.slack().calls.len(), calls, "nobody asks meanwhile");
    platform.pass(Duration::from_secs(2));
    assert!(full_text(&thread(&platform, &ts)[0]).contains(ANSWER));
}

#[test]
fn each_word_of_refusal_leaves_at_most_one_visible_message_and_never_a_loop_p11() {
    let errors = [
        "channel_not_found",
        "not_in_channel",
        "user_not_in_channel",
        "message_not_found",
        "invalid_blocks",
        "is_archived",
        "invalid_auth",
        "msg_too_long",
        "cant_update_message",
        "restricted_action",
        "an_error_of_tomorrow",
    ];
    for error in errors {
        for method in ["chat.postMessage", "chat.update"] {
            for times in [Some(1), None] {
                let platform = connected();
                let before = platform.seen_by(ADA).len();
                let fault = slack(method, refuses(error));
                platform.sandbox.add_fault(times.map_or(fault.clone(), |times| fault.times(times)));
                let calls = platform.sandbox.slack().calls.len();
                mention(&platform);
                platform.pass(Duration::from_secs(40 * 60));
                let at = format!("{method} {error} {times:?}");
                let seen: Vec<_> = platform.seen_by(ADA).into_iter().skip(before).collect();
                assert!(seen.len() <= 1, "{at}: {seen:#?}");
                let calls = platform.sandbox.slack().calls.len() - calls;
                assert!(calls <= 8, "{at}: {calls} calls");
                let answered = seen.first().is_some_and(|message| full_text(message).contains(ANSWER));
                assert!(answered || times.is_none(), "{at}: refused once, it still finds its way: {seen:#?}");
            }
        }
    }
}

#[test]
fn blocks_that_slack_does_not_take_become_plain_text_p11() {
    let platform = connected();
    platform.sandbox.add_fault(slack("chat.update", refuses("invalid_blocks")).once());
    let ts = mention(&platform);
    let seen = thread(&platform, &ts);
    assert_eq!(seen.len(), 1);
    assert!(seen[0].text.contains(ANSWER), "{}", seen[0].text);
}

#[test]
fn a_bot_that_was_put_out_of_the_channel_answers_in_a_direct_message_p11() {
    let platform = connected();
    let ts = platform.say_only(ADA, INCIDENTS, &format!("@vedette {QUESTION}"));
    let kick = Request::post("https://sandbox/sandbox/kick").body(json!({"channel": INCIDENTS}).to_string().into());
    platform.sandbox.control(kick.unwrap(), platform.now.get());
    platform.settle();
    assert!(thread(&platform, &ts).is_empty());
    let direct: Vec<_> = platform.seen_by(ADA).into_iter().filter(|message| message.channel == DIRECT).collect();
    assert_eq!(direct.len(), 1);
    assert!(full_text(&direct[0]).contains(ANSWER));
}

#[test]
fn a_private_link_goes_to_the_thread_else_to_a_direct_message_else_a_public_note_says_what_to_do_p13() {
    for error in ["user_not_in_channel", "channel_not_found", "not_in_channel", "restricted_action", "a_new_error"] {
        let platform = Platform::new();
        platform.sandbox.add_fault(slack("chat.postEphemeral", refuses(error)));
        mention(&platform);
        let direct: Vec<_> = platform.seen_by(ADA).into_iter().filter(|it| it.channel == DIRECT).collect();
        assert_eq!(direct.len(), 1, "{error}");
        assert!(link_in(&direct[0]).is_some(), "{error}");
        assert!(platform.last_seen_by(GRACE).contains("I've sent you a private link"), "{error}");
        platform.connect(ADA, "ada@example.com");
        assert!(full_text(&platform.seen_by(GRACE)[0]).contains(ANSWER), "{error}");
        let direct: Vec<_> = platform.seen_by(ADA).into_iter().filter(|it| it.channel == DIRECT).collect();
        assert!(full_text(&direct[0]).contains("Connected as ada@example.com"), "the used link is gone: {direct:#?}");
        assert_eq!(direct.len(), 1, "{error}");

        let platform = Platform::new();
        platform.sandbox.add_fault(slack("chat.postEphemeral", refuses(error)));
        platform.sandbox.add_fault(slack("conversations.open", refuses("cannot_dm_bot")));
        mention(&platform);
        assert_eq!(platform.seen_by(ADA).len(), 1, "{error}");
        let note = platform.last_seen_by(GRACE);
        assert!(note.contains("I can't send you a private message here"), "{error}: {note}");
        assert!(note.contains("Open a direct message with me and say"), "{error}: {note}");
        assert!(!note.contains("/connect/"), "{error}: {note}");

        // She does what the note says; the blocked question is answered too.
        platform.sandbox.clear_faults();
        platform.say(ADA, DIRECT, "connect");
        platform.connect(ADA, "ada@example.com");
        assert!(full_text(&platform.seen_by(GRACE)[0]).contains(ANSWER), "{error}");
    }
}

#[test]
fn a_private_link_arrives_once_slack_is_back_p11() {
    for method in ["chat.postEphemeral", "chat.update", "users.info", "auth.test", "*"] {
        for kind in passing() {
            let platform = Platform::new();
            platform.sandbox.add_fault(slack(method, kind.clone()).times(3));
            let ts = mention(&platform);
            platform.pass(Duration::from_secs(3 * 60));
            let at = format!("{method} {kind:?}");
            assert!(platform.link_for(ADA).is_some(), "{at}");
            assert!(platform.link_for(GRACE).is_none(), "{at}");
            assert_eq!(thread(&platform, &ts).len(), 1, "{at}");
            assert!(full_text(&thread(&platform, &ts)[0]).contains("I'll carry on by myself"), "{at}");
            platform.connect(ADA, "ada@example.com");
            assert!(full_text(&thread(&platform, &ts)[0]).contains(ANSWER), "{at}");
        }
    }
}

#[test]
fn a_message_that_somebody_deleted_while_it_waited_is_shown_anew_p11() {
    let platform = Platform::new();
    let ts = mention(&platform);
    delete(&platform, &thread(&platform, &ts)[0]);
    assert!(thread(&platform, &ts).is_empty());
    platform.connect(ADA, "ada@example.com");
    let seen = thread(&platform, &ts);
    assert_eq!(seen.len(), 1);
    assert!(full_text(&seen[0]).contains(ANSWER), "{}", full_text(&seen[0]));
}

#[test]
fn a_message_that_somebody_deletes_at_any_moment_takes_neither_link_nor_answer_away_p12() {
    for (place, question) in [(DIRECT, QUESTION.to_owned()), (INCIDENTS, format!("@vedette {QUESTION}"))] {
        let mut points = 1;
        loop {
            let platform = Platform::new();
            platform.say_only(ADA, place, &question);
            let mut deleted = Vec::new();
            let paused = platform.meanwhile(ADA_OBJECT, points, || {
                deleted = platform.seen_by(ADA).into_iter().filter(|message| message.private_to.is_none()).collect();
                deleted.iter().for_each(|message| delete(&platform, message));
            });
            platform.pass(Duration::from_secs(60));
            if deleted.iter().any(|message| link_in(message).is_some()) {
                // It was the link that was deleted: whoever did so asks for another.
                platform.say(ADA, DIRECT, "connect");
            }
            assert!(platform.link_for(ADA).is_some(), "{place} at {points}: no link to be seen");
            platform.connect(ADA, "ada@example.com");
            let shown: Vec<_> = platform.seen_by(ADA).into_iter().filter(|it| full_text(it).contains(ANSWER)).collect();
            assert_eq!(shown.len(), 1, "{place} at {points}");
            if !paused {
                break;
            }
            points += 1;
        }
    }
}

#[test]
fn a_response_url_that_has_expired_gives_way_to_an_ephemeral_message_p11() {
    let platform = Platform::new();
    platform.slash(ADA, QUESTION);
    let link = platform.link_for(ADA).unwrap();
    platform.pass(Duration::from_secs(31 * 60));
    assert_eq!(crate::browser::Browser::new(&platform).get(&link).status(), 410);
    platform.slash(ADA, "connect");
    platform.connect(ADA, "ada@example.com");
    let answers: Vec<_> = platform.seen_by(ADA).into_iter().filter(|it| full_text(it).contains(ANSWER)).collect();
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0].private_to.as_deref(), Some(ADA), "for her alone");
    assert!(platform.seen_by(GRACE).is_empty());
}

#[test]
fn a_response_url_that_is_used_up_gives_way_to_an_ephemeral_message_or_a_direct_one_p11() {
    let used = FaultKind::Status {
        code: 404,
        body: Some(json!({"ok": false, "error": "used_url"})),
        headers: BTreeMap::new(),
    };
    for (channel, place) in [(INCIDENTS, INCIDENTS), (GENERAL, DIRECT)] {
        let platform = connected();
        let before = platform.seen_by(ADA).len();
        platform.sandbox.add_fault(slack("response/", used.clone()));
        slash_in(&platform, channel, QUESTION);
        let seen: Vec<_> = platform.seen_by(ADA).into_iter().skip(before).collect();
        let answers: Vec<_> = seen.iter().filter(|message| full_text(message).contains(ANSWER)).collect();
        assert_eq!(answers.len(), 1, "{channel}: {seen:#?}");
        assert_eq!(answers[0].channel, place, "{channel}");
    }
}

#[test]
fn where_the_bot_is_not_a_slash_command_still_connects_and_answers_privately_p13() {
    let platform = Platform::new();
    slash_in(&platform, GENERAL, QUESTION);
    assert!(platform.link_for(ADA).is_some());
    platform.connect(ADA, "ada@example.com");
    let seen = platform.seen_by(ADA);
    assert_eq!(seen.len(), 1, "{seen:#?}");
    assert!(full_text(&seen[0]).contains(ANSWER));
    assert!(platform.seen_by(GRACE).is_empty());
}

#[test]
fn share_shows_the_answer_to_everybody_also_where_the_bot_is_not() {
    for channel in [INCIDENTS, GENERAL] {
        let platform = Platform::new();
        slash_in(&platform, channel, &format!("{QUESTION} --share"));
        assert!(platform.seen_by(GRACE).is_empty(), "{channel}: nothing about access is shared");
        platform.connect(ADA, "ada@example.com");
        let seen = platform.seen_by(GRACE);
        assert_eq!(seen.len(), 1, "{channel}: {seen:#?}");
        let text = full_text(&seen[0]);
        assert!(text.contains(ANSWER) && !text.contains("ada@example.com"), "{channel}: {text}");
    }
}

#[test]
fn share_survives_what_fails_for_a_while_p11() {
    for kind in passing() {
        let platform = connected();
        let before = platform.seen_by(GRACE).len();
        platform.sandbox.add_fault(slack("chat.postMessage", kind.clone()).times(2).after_work());
        platform.slash(ADA, &format!("{QUESTION} --share"));
        platform.pass(Duration::from_secs(5 * 60));
        let seen: Vec<_> = platform.seen_by(GRACE).into_iter().skip(before).collect();
        assert_eq!(seen.len(), 1, "{kind:?}: {seen:#?}");
        assert!(full_text(&seen[0]).contains(ANSWER), "{kind:?}");
    }
}
