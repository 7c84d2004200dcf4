//! The process dies at every point at which it can, once and twice in a row: each accepted request still ends in exactly one
//! visible reply (P11).

use std::rc::Rc;
use std::time::Duration;

use vedette_sandbox::{Click, Fault, FaultKind, Message, Side, Slash};

use crate::world::{ADA, ADA_OBJECT, GRACE, INCIDENTS, Platform, full_text};

const QUESTION: &str = "issue list globex/checkout-api";
const ANSWER: &str = "CHECKOUT-API-";

/// One thing that somebody asks, and how it must look afterwards.
struct Story {
    name: &'static str,
    /// What came before, without crashes.
    before: fn(&Platform),
    /// What is asked; nothing of it is worked on yet.
    ask: fn(&Platform),
    /// What must be true when all is over. `seen` is what Ada sees that she did not see before.
    after: fn(&Platform, Vec<Message>, &str),
}

fn connect(platform: &Platform) {
    platform.say(ADA, INCIDENTS, "@vedette whoami");
    platform.connect(ADA, "ada@example.com");
}

fn slash(platform: &Platform, text: &str) {
    let slash = Slash { person: ADA.into(), channel: INCIDENTS.into(), text: text.into() };
    assert_eq!(platform.deliver(&platform.sandbox.slash(platform.now.get(), &slash)).status(), 200);
}

/// Ada presses the last button of this kind.
fn more_of_the_list(platform: &Platform) {
    let list = platform.seen_by(ADA).pop().unwrap();
    let blocks = list.blocks.clone().unwrap().to_string();
    let number = blocks.split("\"more:").nth(1).unwrap().split('"').next().unwrap();
    let click = Click { person: ADA.into(), message: list.ts, action_id: format!("more:{number}"), ..Click::default() };
    assert_eq!(platform.deliver(&platform.sandbox.click(platform.now.get(), &click).unwrap()).status(), 200);
}

fn one_answer(_: &Platform, seen: Vec<Message>, at: &str) {
    assert_eq!(seen.len(), 1, "{at}: {seen:#?}");
    assert!(full_text(&seen[0]).contains(ANSWER), "{at}: {}", full_text(&seen[0]));
}

fn stories() -> Vec<Story> {
    vec![
        Story {
            name: "a mention in a channel",
            before: connect,
            ask: |platform| drop(platform.say_only(ADA, INCIDENTS, &format!("@vedette {QUESTION}"))),
            after: one_answer,
        },
        Story {
            name: "a direct message",
            before: connect,
            ask: |platform| drop(platform.say_only(ADA, "D0ADA", QUESTION)),
            after: one_answer,
        },
        Story {
            name: "a slash command",
            before: connect,
            ask: |platform| slash(platform, QUESTION),
            after: one_answer,
        },
        Story {
            name: "a shared slash command",
            before: connect,
            ask: |platform| slash(platform, &format!("{QUESTION} --share")),
            after: |platform, seen, at| {
                one_answer(platform, seen.clone(), at);
                assert_eq!(seen[0].private_to, None, "{at}: everybody sees it");
            },
        },
        Story {
            name: "a first question in a channel",
            before: |_| (),
            ask: |platform| drop(platform.say_only(ADA, INCIDENTS, &format!("@vedette {QUESTION}"))),
            after: |platform, seen, at| {
                assert_eq!(platform.seen_by(GRACE).len(), 1, "{at}: {seen:#?}");
                assert!(full_text(&platform.seen_by(GRACE)[0]).contains("I'll carry on by myself"), "{at}");
                platform.connect(ADA, "ada@example.com");
                one_answer(platform, platform.seen_by(GRACE), at);
            },
        },
        Story {
            name: "a first direct message",
            before: |_| (),
            ask: |platform| drop(platform.say_only(ADA, "D0ADA", QUESTION)),
            after: |platform, seen, at| {
                assert_eq!(seen.len(), 1, "{at}: {seen:#?}");
                platform.connect(ADA, "ada@example.com");
                one_answer(platform, platform.seen_by(ADA), at);
            },
        },
        Story {
            name: "a question that resumes after consent",
            before: |platform| drop(platform.say(ADA, INCIDENTS, &format!("@vedette {QUESTION}"))),
            ask: |platform| {
                let link = platform.link_for(ADA).unwrap();
                crate::browser::Browser::new(platform).connect(&link, "ada@example.com");
            },
            after: |platform, _, at| {
                one_answer(platform, platform.seen_by(GRACE), at);
                assert!(platform.seen_by(ADA).iter().any(|it| full_text(it).contains("Connected as")), "{at}");
                assert_eq!(platform.sandbox.sentry().live_tokens.len(), 1, "{at}");
            },
        },
        Story {
            name: "a slash command that resumes after consent",
            before: |platform| platform.slash(ADA, QUESTION),
            ask: |platform| {
                let link = platform.link_for(ADA).unwrap();
                crate::browser::Browser::new(platform).connect(&link, "ada@example.com");
            },
            after: |platform, _, at| one_answer(platform, platform.seen_by(ADA), at),
        },
        Story {
            name: "disconnecting",
            before: connect,
            ask: |platform| slash(platform, "disconnect"),
            after: |platform, seen, at| {
                assert_eq!(seen.len(), 1, "{at}: {seen:#?}");
                let text = full_text(&seen[0]);
                assert!(text.contains("Disconnected ada@example.com from sentry.io"), "{at}: {text}");
                assert!(platform.sandbox.sentry().live_tokens.is_empty(), "{at}: revoked at Sentry (P5)");
                assert!(platform.kv.borrow().is_empty(), "{at}: no copy is left (P5)");
            },
        },
        Story {
            name: "more of a list",
            before: |platform| {
                connect(platform);
                platform.say(ADA, "D0ADA", QUESTION);
            },
            ask: |platform| more_of_the_list(platform),
            after: |platform, seen, at| {
                assert!(seen.is_empty(), "{at}: {seen:#?}");
                assert!(platform.last_seen_by(ADA).contains("11–20 of 46"), "{at}: {}", platform.last_seen_by(ADA));
            },
        },
        Story {
            name: "more of a list whose message cannot be changed any more",
            before: |platform| {
                connect(platform);
                platform.say(ADA, "D0ADA", QUESTION);
                let gone = FaultKind::SlackError { error: "cant_update_message".to_owned() };
                platform.sandbox.add_fault(Fault::new(Side::Slack, "chat.update", gone));
            },
            ask: |platform| more_of_the_list(platform),
            after: one_answer,
        },
        Story {
            name: "a refresh on the way",
            before: |platform| {
                connect(platform);
                let left = platform.sandbox.sentry().live_tokens[0].expires_at_ms - platform.now.get();
                platform.pass(Duration::from_millis(u64::try_from(left).unwrap() + 60_000));
            },
            ask: |platform| drop(platform.say_only(ADA, INCIDENTS, &format!("@vedette {QUESTION}"))),
            after: |platform, seen, at| {
                // A refresh whose reply died with the process costs one reconnect (P3).
                if full_text(&seen[0]).contains("no longer valid") {
                    platform.connect(ADA, "ada@example.com");
                }
                let public = platform.seen_by(GRACE);
                assert!(full_text(public.last().unwrap()).contains(ANSWER), "{at}: {:#?}", public.last());
                assert!(platform.sandbox.sentry().counters.refreshes <= 1, "{at}");
            },
        },
    ]
}

/// Plays `story` with the process dying at each of `points`; returns how many of these deaths there were.
fn play(story: &Story, points: &[usize]) -> usize {
    let platform: Rc<Platform> = Platform::new();
    (story.before)(&platform);
    let before: Vec<String> = platform.seen_by(ADA).into_iter().map(|message| message.id).collect();
    (story.ask)(&platform);
    // The alarm that comes next rings at once, or when the one that died had set it for.
    let dies = |point: &&usize| {
        platform.wait_for_alarm(ADA_OBJECT);
        platform.ring_and_crash(ADA_OBJECT, **point)
    };
    let deaths = points.iter().take_while(dies).count();
    platform.pass(Duration::from_secs(3 * 60));
    let seen = platform.seen_by(ADA).into_iter().filter(|message| !before.contains(&message.id)).collect();
    (story.after)(&platform, seen, &format!("{}, dying at {points:?}", story.name));
    assert!(platform.sandbox.slack().unhandled.is_empty());
    deaths
}

#[test]
fn whenever_the_process_dies_each_request_ends_in_exactly_one_visible_reply_p11() {
    for story in stories() {
        let mut point = 1;
        while play(&story, &[point]) == 1 {
            point += 1;
        }
        assert!(point > 3, "{}: only {point}", story.name);
    }
}

#[test]
fn also_when_it_dies_again_while_it_recovers_p11() {
    for story in stories() {
        let mut point = 1;
        loop {
            let deaths: Vec<usize> = (1..=4).map(|again| play(&story, &[point, again])).collect();
            if deaths.iter().all(|deaths| *deaths < 2) {
                break;
            }
            point += 1;
        }
        assert!(point > 2, "{}: only {point}", story.name);
    }
}
