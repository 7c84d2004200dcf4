//! What is personal is shown to its person alone, whatever led to it and wherever it was asked (P22); and a public answer says
//! who asked, where the question itself is not to be seen.

use std::rc::Rc;
use std::time::Duration;

use serde_json::Value;
use vedette_sandbox::{Fault, FaultKind, Message, Say, Side, Slash};

use crate::world::{ADA, ADA_OBJECT, GRACE, INCIDENTS, Platform, full_text, link_in};

const ADAS: &str = "ada@example.com";
const GRACES: &str = "grace@example.com";
const ELSEWHERE: &str = "I answered this privately";

/// What Ada, who is in three organizations, asks about herself, and what she reads then.
const PERSONAL: [(&str, &str); 8] = [
    ("status", ADAS),
    ("whoami", ADAS),
    ("connect", "Already connected"),
    ("disconnect", "Disconnected ada@example.com"),
    ("org list", "initech"),
    ("issue list", "Which organization?"),
    ("project list", "Which organization?"),
    ("issue list nowhere", "initech"),
];

/// A way to ask.
type Way = (&'static str, fn(&Platform, &str));

const WAYS: [Way; 6] = [
    ("a mention", |platform, words| drop(platform.say(ADA, INCIDENTS, &format!("@vedette {words}")))),
    ("a thread", |platform, words| {
        let root = platform.sandbox.say(platform.now.get(), &say(GRACE, "something is broken", None)).0;
        in_thread(platform, GRACE, "who knows?", &root);
        in_thread(platform, ADA, &format!("@vedette {words}"), &root);
    }),
    ("a thread of the bot's", |platform, words| {
        let root = platform.say(ADA, INCIDENTS, "@vedette issue list globex/checkout-api");
        in_thread(platform, ADA, &format!("@vedette {words}"), &root);
    }),
    ("a slash command", |platform, words| platform.slash(ADA, words)),
    ("a shared slash command", |platform, words| platform.slash(ADA, &format!("{words} --share"))),
    ("a direct message", |platform, words| drop(platform.say(ADA, "D0ADA", words))),
];

fn say(person: &str, text: &str, thread_ts: Option<&str>) -> Say {
    let thread_ts = thread_ts.map(str::to_owned);
    Say { person: person.into(), channel: INCIDENTS.into(), text: text.into(), thread_ts, twin: false }
}

fn in_thread(platform: &Platform, person: &str, text: &str, root: &str) {
    for delivery in platform.sandbox.say(platform.now.get(), &say(person, text, Some(root))).1 {
        assert_eq!(platform.deliver(&delivery).status(), 200);
    }
    platform.settle();
}

fn connected() -> Rc<Platform> {
    let platform = Platform::new();
    platform.slash(ADA, "connect");
    platform.connect(ADA, ADAS);
    platform
}

fn new_for(platform: &Platform, person: &str, before: &[Message]) -> Vec<Message> {
    let known = |message: &Message| before.iter().any(|it| it.id == message.id);
    platform.seen_by(person).into_iter().filter(|message| !known(message)).collect()
}

fn with(platform: &Platform, person: &str, words: &str) -> Vec<Message> {
    platform.seen_by(person).into_iter().filter(|message| full_text(message).contains(words)).collect()
}

/// The `action_id` of the button that says `label`.
fn button(message: &Message, label: &str) -> Option<String> {
    fn find(value: &Value, label: &str) -> Option<String> {
        match value {
            Value::Array(items) => items.iter().find_map(|item| find(item, label)),
            Value::Object(fields) if value["type"] == "button" && value["text"]["text"] == label => {
                fields["action_id"].as_str().map(str::to_owned)
            }
            Value::Object(fields) => fields.values().find_map(|item| find(item, label)),
            _ => None,
        }
    }
    find(message.blocks.as_ref()?, label)
}

#[test]
fn what_is_personal_is_seen_by_its_person_alone_whichever_way_it_was_asked_p22() {
    for (question, shown) in PERSONAL {
        for (way, ask) in WAYS {
            let platform = connected();
            let at = format!("{question}, by {way}");
            let (adas, graces) = (platform.seen_by(ADA), platform.seen_by(GRACE));
            let told = || new_for(&platform, ADA, &adas).iter().filter(|it| full_text(it).contains(shown)).count();
            ask(&platform, question);
            assert_eq!(told(), 1, "{at}: {:#?}", new_for(&platform, ADA, &adas));
            let public = new_for(&platform, GRACE, &graces);
            let public: Vec<_> = public.iter().map(full_text).filter(|it| !it.contains("CHECKOUT-API-")).collect();
            let late = matches!(question, "issue list" | "project list" | "issue list nowhere");
            let in_channel = way.starts_with("a mention") || way.starts_with("a thread");
            let stub = usize::from(late && in_channel);
            assert_eq!(public.len(), stub, "{at}: {public:?}");
            assert!(public.iter().all(|text| text.contains(ELSEWHERE)), "{at}: {public:?}");
            platform.pass(Duration::from_secs(3600));
            assert_eq!(told(), 1, "{at}: once");
        }
    }
}

#[test]
fn a_button_that_leads_to_something_personal_shows_it_to_whoever_pressed_it_p22() {
    let platform = connected();
    platform.say(GRACE, "D0GRACE", "connect");
    platform.connect(GRACE, GRACES);
    platform.say(ADA, INCIDENTS, "@vedette issue list globex/checkout-api");
    let answer = platform.seen_by(GRACE).into_iter().rfind(|message| message.private_to.is_none()).unwrap();
    let more = button(&answer, "Show more").expect("a second page");
    let adas = platform.seen_by(ADA);
    platform.press(GRACE, &answer.ts, &more);
    let told = with(&platform, GRACE, "I can't find an organization");
    assert_eq!(told.len(), 1, "{told:#?}");
    assert_eq!(told[0].private_to.as_deref(), Some(GRACE));
    let public = new_for(&platform, ADA, &adas);
    assert_eq!(public.len(), 1, "{public:#?}");
    let text = full_text(&public[0]);
    assert!(text.contains(ELSEWHERE) && text.contains("Asked by"), "{text}");
    assert!(public[0].blocks.as_ref().unwrap().to_string().contains(GRACE), "it is Grace who asked");
}

#[test]
fn a_public_answer_to_a_press_says_who_pressed_and_one_to_a_mention_does_not() {
    let platform = connected();
    platform.say(GRACE, "D0GRACE", "connect");
    platform.connect(GRACE, ADAS);
    platform.say(ADA, INCIDENTS, "@vedette issue list globex/checkout-api");
    let answer = platform.seen_by(GRACE).into_iter().rfind(|message| message.private_to.is_none()).unwrap();
    assert!(!full_text(&answer).contains("Asked by"));
    platform.press(GRACE, &answer.ts, &button(&answer, "Show more").unwrap());
    let second = platform.seen_by(ADA).pop().unwrap();
    let blocks = second.blocks.as_ref().unwrap();
    let who = &blocks[0]["elements"][0]["elements"];
    assert_eq!((who[0]["text"].as_str(), who[1]["user_id"].as_str()), (Some("Asked by "), Some(GRACE)), "{blocks}");
    assert!(full_text(&second).contains("CHECKOUT-API-"));

    platform.slash(ADA, "issue list globex/checkout-api --share");
    let shared = platform.seen_by(GRACE).pop().unwrap();
    assert!(full_text(&shared).contains("Asked by"), "nobody sees what was typed");
    assert!(shared.blocks.as_ref().unwrap().to_string().contains(ADA));
}

#[test]
fn somebody_who_presses_without_an_account_is_named_where_access_is_needed_p13() {
    let platform = connected();
    platform.say(ADA, INCIDENTS, "@vedette issue list globex/checkout-api");
    let answer = platform.seen_by(GRACE).into_iter().rfind(|message| message.private_to.is_none()).unwrap();
    platform.press(GRACE, &answer.ts, &button(&answer, "Show more").unwrap());
    let public = platform.seen_by(ADA).pop().unwrap();
    assert!(full_text(&public).contains("I need your Sentry access"));
    assert!(public.blocks.as_ref().unwrap().to_string().contains(GRACE), "so that Ada does not take it for hers");
}

#[test]
fn connecting_from_a_channel_shows_nothing_in_public_and_says_once_that_it_worked_p22() {
    for words in ["connect", "whoami", "status"] {
        let platform = Platform::new();
        platform.say(ADA, INCIDENTS, &format!("@vedette {words}"));
        if words == "status" {
            assert_eq!(with(&platform, ADA, "No Sentry account is connected").len(), 1);
        } else {
            assert!(platform.seen_by(ADA).iter().any(|message| link_in(message).is_some()), "{words}");
            platform.connect(ADA, ADAS);
            assert_eq!(with(&platform, ADA, "Connected as").len(), 1, "{words}: {:#?}", platform.seen_by(ADA));
        }
        assert!(platform.seen_by(GRACE).is_empty(), "{words}: {:#?}", platform.seen_by(GRACE));
    }
}

#[test]
fn what_cannot_be_said_privately_is_not_said_in_public_either_p22() {
    let platform = connected();
    let refused = |error: &str| FaultKind::SlackError { error: error.to_owned() };
    platform.sandbox.add_fault(Fault::new(Side::Slack, "chat.postEphemeral", refused("user_not_in_channel")));
    for words in ["status", "issue list"] {
        let direct = |platform: &Platform| {
            let seen = platform.seen_by(ADA).into_iter();
            seen.filter(|message| message.channel == "D0ADA").map(|it| full_text(&it)).collect::<Vec<_>>()
        };
        let before = direct(&platform).len();
        platform.say(ADA, INCIDENTS, &format!("@vedette {words}"));
        assert_eq!(direct(&platform).len(), before + 1, "{words}: in her direct messages");
    }
    platform.sandbox.add_fault(Fault::new(Side::Slack, "conversations.open", refused("cannot_dm_bot")));
    for words in ["status", "issue list"] {
        let before = platform.seen_by(GRACE);
        platform.say(ADA, INCIDENTS, &format!("@vedette {words}"));
        let public = new_for(&platform, GRACE, &before);
        assert_eq!(public.len(), 1, "{words}: {public:#?}");
        assert!(full_text(&public[0]).contains("Open a direct message with me and ask there"), "{words}");
    }
}

#[test]
fn a_personal_answer_survives_a_crash_at_every_instant_and_ends_once_in_public_p11_p22() {
    for (question, shown, stubs) in [("issue list", "Which organization?", 1), ("status", ADAS, 0)] {
        let mut point = 1;
        loop {
            let platform = connected();
            let before = with(&platform, ADA, shown).len();
            platform.say_only(ADA, INCIDENTS, &format!("@vedette {question}"));
            let died = platform.ring_and_crash(ADA_OBJECT, point);
            platform.pass(Duration::from_secs(180));
            let private = with(&platform, ADA, shown).len() - before;
            // An ephemeral message cannot be found again: one that was sent and not recorded comes twice.
            assert!((1..=2).contains(&private), "{question} at {point}: {private}");
            let public = platform.seen_by(GRACE);
            assert_eq!(public.len(), stubs, "{question} at {point}: {public:#?}");
            assert!(public.iter().all(|message| full_text(message).contains(ELSEWHERE)), "{question} at {point}");
            if !died {
                break;
            }
            point += 1;
        }
        assert!(point > 3, "{question}: {point}");
    }
}

// ---- Answers in the acknowledgement of a slash command ----

const LOCAL: [(&str, &str); 6] = [
    ("", "Hi, I look into Sentry for you"),
    ("help", "What I can do"),
    ("hello", "Hi, I look into Sentry for you"),
    ("issue list -t forever", "is no period I know"),
    ("🦀", "I did not understand that"),
    ("use globex/checkout-api", "I'll look there from now on"),
];

#[test]
fn what_needs_no_sentry_is_answered_in_the_200_itself_and_nothing_else_is_sent_p8() {
    for (words, shown) in LOCAL {
        let platform = Platform::new();
        let slash = Slash { person: ADA.into(), channel: INCIDENTS.into(), text: words.into() };
        let response = platform.deliver(&platform.sandbox.slash(platform.now.get(), &slash));
        let body = String::from_utf8_lossy(response.body()).into_owned();
        assert!(body.contains(shown), "{words}: {body}");
        platform.pass(Duration::from_secs(3600));
        let seen = platform.seen_by(ADA);
        assert_eq!(seen.len(), 1, "{words}: no placeholder stays: {seen:#?}");
        assert!(platform.sandbox.slack().calls.is_empty(), "{words}: and Slack is not called");
        assert!(platform.seen_by(GRACE).is_empty());
    }
}

#[test]
fn a_slash_command_that_comes_again_is_answered_with_the_same_and_done_once_p9() {
    let platform = Platform::new();
    let slash = |text: &str| {
        let slash = Slash { person: ADA.into(), channel: INCIDENTS.into(), text: text.into() };
        platform.sandbox.slash(platform.now.get(), &slash)
    };
    let first = slash("use globex");
    let answer = platform.deliver(&first);
    platform.crash();
    platform.deliver(&slash("use initech"));
    let again = platform.request(first.request.clone());
    assert_eq!(again.body(), answer.body(), "Slack shows the answer of the delivery that it did not give up");
    assert!(platform.look(ADA_OBJECT, "SELECT value FROM memory WHERE name = 'target'").unwrap().contains("initech"));
    platform.pass(Duration::from_secs(25 * 3600));
    assert_eq!(platform.look(ADA_OBJECT, "SELECT count(*) FROM turns").as_deref(), Some("0"), "and then forgotten");
}

#[test]
fn a_new_target_waits_for_what_was_asked_before_it_p10() {
    let platform = connected();
    platform.slash(ADA, "use globex/checkout-api");
    platform.say_only(ADA, "D0ADA", "issue list");
    platform.slash(ADA, "use globex/storefront-web");
    let answer = full_text(&with(&platform, ADA, "in globex/checkout-api")[0]);
    assert!(answer.contains("CHECKOUT-API-") && !answer.contains("STOREFRONT-WEB-"), "{answer}");
    assert_eq!(with(&platform, ADA, "I'll look there from now on").len(), 2);
}

#[test]
fn a_response_url_is_used_only_when_the_doors_answer_has_had_time_to_arrive() {
    for words in ["connect", "issue list globex/checkout-api", "status"] {
        let platform = Platform::new();
        platform.say(ADA, "D0ADA", "connect"); // the names are known, so nothing is asked on the way
        let asked = platform.now.get();
        platform.slash(ADA, words);
        let calls = platform.sandbox.slack().calls;
        let first = calls.iter().find(|call| call.method == "response_url").expect("an answer");
        assert!(first.at_ms - asked >= 400, "{words}: after {} ms", first.at_ms - asked);
    }
}

#[test]
fn an_answer_that_is_known_at_once_is_posted_and_not_edited() {
    let platform = Platform::new();
    platform.say(ADA, INCIDENTS, "@vedette help");
    platform.say(ADA, "D0ADA", "help");
    for message in platform.seen_by(ADA) {
        assert!(full_text(&message).contains("What I can do") && !message.edited, "{message:?}");
    }
    assert_eq!(platform.seen_by(ADA).len(), 2);
}
