//! Each request once, in order, and never lost: retries and twins, a full inbox, questions that meet, consents that come at
//! the worst moment, links that are asked for again (P8-P12).

use std::rc::Rc;
use std::time::Duration;

use serde_json::json;
use vedette_sandbox::{Delivery, Failure, Fault, FaultKind, Say, Side};

use crate::browser::{Browser, text};
use crate::world::{ADA, ADA_OBJECT, GRACE, INCIDENTS, Platform, full_text, link_in};

const QUESTION: &str = "@vedette issue list globex/checkout-api";
const SHARED: &str = "C0SHARED";

fn connected() -> Rc<Platform> {
    let platform = Platform::new();
    platform.say(ADA, INCIDENTS, "@vedette whoami");
    platform.connect(ADA, "ada@example.com");
    platform
}

/// What the bot says in the thread of `ts`, to everybody.
fn thread(platform: &Platform, ts: &str) -> Vec<String> {
    let seen = platform.seen_by(GRACE);
    seen.iter().filter(|message| message.thread_ts.as_deref() == Some(ts)).map(full_text).collect()
}

/// Everybody's newest link that was sent to Ada, and all before it.
fn links(platform: &Platform) -> Vec<String> {
    platform.seen_by(ADA).iter().filter_map(link_in).collect()
}

/// Delivers without Slack hearing the answer, and then all that Slack therefore sends again.
fn deliver_unheard(platform: &Platform, delivery: &Delivery) -> usize {
    let mut sent = 1;
    platform.request(delivery.request.clone());
    let mut again = platform.sandbox.undelivered(platform.now.get(), delivery.id, Failure::Timeout);
    while let Some((due, delivery)) = again.pop() {
        platform.now.set(platform.now.get().max(due));
        assert_eq!(platform.request(delivery.request.clone()).status(), 200);
        platform.settle();
        sent += 1;
        again = platform.sandbox.undelivered(platform.now.get(), delivery.id, Failure::Timeout);
    }
    sent
}

#[test]
fn three_retries_and_a_twin_event_are_one_turn_p9() {
    let platform = connected();
    let say = Say { person: ADA.into(), channel: INCIDENTS.into(), text: QUESTION.into(), thread_ts: None, twin: true };
    let (ts, deliveries) = platform.sandbox.say(platform.now.get(), &say);
    assert_eq!(deliveries.len(), 2, "the mention and its twin");
    let sent: usize = deliveries.iter().map(|delivery| deliver_unheard(&platform, delivery)).sum();
    assert_eq!(sent, 8, "each once and three times again");
    platform.settle();
    let answers = thread(&platform, &ts);
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert!(answers[0].contains("CHECKOUT-API-"), "{}", answers[0]);
}

#[test]
fn a_retry_a_day_later_is_still_the_same_turn_and_after_that_its_key_is_forgotten_p9() {
    let platform = connected();
    let say = Say { person: ADA.into(), channel: INCIDENTS.into(), text: QUESTION.into(), thread_ts: None, twin: true };
    let (ts, deliveries) = platform.sandbox.say(platform.now.get(), &say);
    platform.deliver(&deliveries[0]);
    platform.settle();
    platform.pass(Duration::from_secs(6 * 60));
    let late = platform.sandbox.undelivered(platform.now.get(), deliveries[1].id, Failure::Timeout).remove(0);
    platform.request(late.1.request);
    platform.settle();
    assert_eq!(thread(&platform, &ts).len(), 1);
    platform.pass(Duration::from_secs(25 * 60 * 60));
    assert_eq!(
        platform.look(ADA_OBJECT, "SELECT count(*) FROM turns").as_deref(),
        Some("0"),
        "nothing is kept for ever"
    );
}

#[test]
fn the_same_moment_in_two_channels_is_two_turns_p9() {
    let platform = connected();
    for channel in [INCIDENTS, SHARED] {
        let event = json!({
            "type": "app_mention", "user": ADA, "ts": "1760000500.000100", "event_ts": "1760000500.000100",
            "channel": channel, "text": "<@U0VEDETTE> issue list globex/checkout-api",
        });
        platform.deliver(&platform.sandbox.event(platform.now.get(), &event));
    }
    platform.settle();
    assert_eq!(thread(&platform, "1760000500.000100").len(), 2);
}

#[test]
fn slack_is_acknowledged_at_once_whatever_the_outside_is_doing_p8() {
    let platform = connected();
    for side in [Side::Sentry, Side::Slack] {
        platform.sandbox.add_fault(Fault::new(side, "*", FaultKind::Hang));
    }
    let before = (platform.now.get(), platform.sent.borrow().len());
    let ts = platform.say_only(ADA, INCIDENTS, QUESTION);
    assert_eq!((platform.now.get(), platform.sent.borrow().len()), before, "nobody was called and no time passed");
    platform.sandbox.clear_faults();
    platform.settle();
    assert_eq!(thread(&platform, &ts).len(), 1);
}

#[test]
fn of_25_quick_requests_20_are_answered_in_order_and_the_person_is_told_of_the_rest_p10() {
    let platform = connected();
    let asked: Vec<String> = (0..25).map(|_| platform.say_only(ADA, INCIDENTS, QUESTION)).collect();
    let before = platform.seen_by(GRACE).len();
    platform.settle();
    let answered: Vec<String> =
        platform.seen_by(GRACE).into_iter().skip(before).filter_map(|message| message.thread_ts).collect();
    assert_eq!(answered, asked[..20], "in order, each in its own thread");
    let told: Vec<_> = platform
        .seen_by(ADA)
        .into_iter()
        .filter(|message| full_text(message).contains("You already have 20 requests waiting"))
        .collect();
    assert_eq!(told.len(), 1, "once, and not five times");
    assert_eq!(told[0].private_to.as_deref(), Some(ADA));
    let ts = platform.say(ADA, INCIDENTS, QUESTION);
    assert!(thread(&platform, &ts)[0].contains("CHECKOUT-API-"), "there is room again");
}

#[test]
fn a_full_inbox_says_so_to_a_slash_command_and_to_a_direct_message_p10() {
    let platform = connected();
    (0..20).for_each(|_| drop(platform.say_only(ADA, INCIDENTS, "@vedette whoami")));
    platform.say_only(ADA, "D0ADA", "whoami");
    let slash = vedette_sandbox::Slash { person: ADA.into(), channel: INCIDENTS.into(), text: "whoami".into() };
    platform.deliver(&platform.sandbox.slash(platform.now.get(), &slash));
    assert!(platform.last_seen_by(ADA).contains("You already have 20 requests waiting"));
    platform.settle();
    let direct = platform.seen_by(ADA).into_iter().filter(|message| message.channel == "D0ADA").collect::<Vec<_>>();
    assert_eq!(direct.len(), 1);
    assert!(full_text(&direct[0]).contains("Let me finish some of them"), "{direct:?}");
}

#[test]
fn nobody_waits_for_another_persons_turn_wherever_that_stands_p10() {
    let mut points = 1;
    loop {
        let platform = connected();
        platform.say(GRACE, INCIDENTS, "@vedette whoami");
        platform.connect(GRACE, "grace@example.com");
        let adas = platform.say_only(ADA, INCIDENTS, QUESTION);
        let paused = platform.meanwhile(ADA_OBJECT, points, || {
            let ts = platform.say(GRACE, INCIDENTS, "@vedette issue list umbrella");
            assert!(!thread(&platform, &ts)[0].contains("Looking"), "at {points}: {:?}", thread(&platform, &ts));
        });
        platform.settle();
        assert!(thread(&platform, &adas)[0].contains("CHECKOUT-API-"));
        if !paused {
            break;
        }
        points += 1;
    }
    assert!(points > 6, "{points}");
}

#[test]
fn a_request_that_comes_at_any_moment_of_another_ones_turn_is_answered_p10() {
    let mut points = 1;
    loop {
        // With a consent, so that the run also copies the grant at its end.
        let platform = Platform::new();
        let first = platform.say(ADA, INCIDENTS, QUESTION);
        Browser::new(&platform).connect(&platform.link_for(ADA).unwrap(), "ada@example.com");
        let mut second = None;
        let paused = platform.meanwhile(ADA_OBJECT, points, || {
            second = Some(platform.say_only(ADA, INCIDENTS, "@vedette project list initech"));
        });
        platform.settle();
        for ts in second.iter().chain([&first]) {
            let answers = thread(&platform, ts);
            assert_eq!(answers.len(), 1, "at {points}: {answers:?}");
            assert!(answers[0].contains("CHECKOUT-API-") || answers[0].contains("initech"), "at {points}: {answers:?}");
        }
        if !paused {
            break;
        }
        points += 1;
    }
    assert!(points > 8, "{points}");
}

#[test]
fn questions_asked_while_one_waits_for_consent_are_all_answered_in_their_threads_p12() {
    let platform = Platform::new();
    let first = platform.say(ADA, INCIDENTS, QUESTION);
    let second = platform.say(ADA, SHARED, "@vedette issue list globex/storefront-web");
    // Others may talk in the thread meanwhile.
    let say = Say {
        person: GRACE.into(),
        channel: INCIDENTS.into(),
        text: "any news?".into(),
        thread_ts: Some(first.clone()),
        twin: false,
    };
    platform.sandbox.say(platform.now.get(), &say);
    let page = platform.connect(ADA, "ada@example.com");
    assert!(page.contains('2'), "the page says how many are answered now: {page}");
    assert!(thread(&platform, &first)[0].contains("CHECKOUT-API-"), "{:?}", thread(&platform, &first));
    assert!(thread(&platform, &second)[0].contains("STOREFRONT-WEB-"), "{:?}", thread(&platform, &second));
    assert_eq!(thread(&platform, &first).len() + thread(&platform, &second).len(), 2);
}

#[test]
fn a_waiting_question_keeps_the_target_it_was_asked_with_p12() {
    let platform = Platform::new();
    platform.say(ADA, INCIDENTS, "@vedette use globex/checkout-api");
    let asked = platform.say(ADA, INCIDENTS, "@vedette issue list");
    platform.say(ADA, INCIDENTS, "@vedette use globex/storefront-web");
    platform.connect(ADA, "ada@example.com");
    let answer = &thread(&platform, &asked)[0];
    assert!(answer.contains("CHECKOUT-API-") && !answer.contains("STOREFRONT-WEB-"), "{answer}");
}

#[test]
fn a_consent_that_comes_at_any_moment_of_a_turn_about_to_wait_is_never_lost_p12() {
    let mut points = 1;
    loop {
        let platform = Platform::new();
        let first = platform.say(ADA, INCIDENTS, QUESTION);
        let link = platform.link_for(ADA).unwrap();
        let second = platform.say_only(ADA, INCIDENTS, "@vedette project list initech");
        let paused = platform.meanwhile(ADA_OBJECT, points, || {
            Browser::new(&platform).connect(&link, "ada@example.com");
        });
        if paused {
            platform.settle();
        } else {
            platform.connect(ADA, "ada@example.com");
        }
        assert!(thread(&platform, &first)[0].contains("CHECKOUT-API-"), "at {points}: {:?}", thread(&platform, &first));
        assert!(thread(&platform, &second)[0].contains("initech"), "at {points}: {:?}", thread(&platform, &second));
        assert_eq!(platform.seen_by(GRACE).len(), 2, "at {points}");
        if !paused {
            break;
        }
        points += 1;
    }
    assert!(points > 6, "{points}");
}

#[test]
fn after_declining_a_new_link_comes_at_once_and_answers_both_questions_p12() {
    let platform = Platform::new();
    let first = platform.say(ADA, INCIDENTS, QUESTION);
    let declined = platform.link_for(ADA).unwrap();
    let browser = Browser::new(&platform);
    let authorize = browser.start(&declined).unwrap();
    let page = browser.get(&browser.consent(&authorize, None));
    assert_eq!(page.status(), 400);
    assert!(text(&page).contains("You declined at Sentry"), "{}", text(&page));
    assert_eq!(Browser::new(&platform).get(&declined).status(), 410, "the link is dead");

    let second = platform.say(ADA, INCIDENTS, "@vedette project list initech");
    assert!(
        thread(&platform, &second)[0].contains("I've sent you a new private link"),
        "{:?}",
        thread(&platform, &second)
    );
    platform.connect(ADA, "ada@example.com");
    assert!(thread(&platform, &first)[0].contains("CHECKOUT-API-"));
    assert!(thread(&platform, &second)[0].contains("initech"));
}

#[test]
fn asking_again_within_ten_minutes_points_to_the_same_live_link_p12() {
    let platform = Platform::new();
    platform.say(ADA, INCIDENTS, QUESTION);
    platform.pass(Duration::from_secs(8 * 60));
    platform.say(ADA, SHARED, QUESTION);
    let links = links(&platform);
    assert_eq!(links.len(), 2, "each where she asked");
    assert_ne!(links[0], links[1], "sealed anew");
    for link in &links {
        assert_eq!(Browser::new(&platform).get(link).status(), 200);
    }
    Browser::new(&platform).connect(&links[0], "ada@example.com");
    for link in &links {
        let page = Browser::new(&platform).get(link);
        assert_eq!(page.status(), 410, "they die together");
        assert!(text(&page).contains("This link has been used"));
    }
}

#[test]
fn asking_again_in_the_same_thread_says_that_the_link_stands_p12() {
    let platform = Platform::new();
    let ts = platform.say(ADA, INCIDENTS, QUESTION);
    let say = Say {
        person: ADA.into(),
        channel: INCIDENTS.into(),
        text: "@vedette project list initech".into(),
        thread_ts: Some(ts.clone()),
        twin: false,
    };
    let (_, deliveries) = platform.sandbox.say(platform.now.get(), &say);
    deliveries.iter().for_each(|delivery| drop(platform.deliver(delivery)));
    platform.settle();
    assert_eq!(links(&platform).len(), 1);
    assert!(thread(&platform, &ts)[1].contains("The private link I sent you works"), "{:?}", thread(&platform, &ts));
}

#[test]
fn asking_again_after_the_link_has_expired_gives_a_new_one_p12() {
    let platform = Platform::new();
    platform.say(ADA, INCIDENTS, QUESTION);
    platform.pass(Duration::from_secs(10 * 60));
    let old = links(&platform).remove(0);
    let page = Browser::new(&platform).get(&old);
    assert_eq!(page.status(), 410);
    assert!(text(&page).contains("This link has expired"), "{}", text(&page));
    platform.say(ADA, INCIDENTS, "@vedette org list");
    let new = platform.link_for(ADA).unwrap();
    assert_ne!(old, new);
    assert_eq!(Browser::new(&platform).get(&new).status(), 200);
    assert_eq!(Browser::new(&platform).get(&old).status(), 410);
}

#[test]
fn a_link_that_is_about_to_expire_is_not_pointed_to_p12() {
    let platform = Platform::new();
    platform.say(ADA, INCIDENTS, QUESTION);
    platform.pass(Duration::from_secs(9 * 60 + 30));
    platform.say(ADA, INCIDENTS, "@vedette org list");
    let links = links(&platform);
    assert_eq!(Browser::new(&platform).get(&links[0]).status(), 410);
    assert_eq!(Browser::new(&platform).get(&links[1]).status(), 200);
}

#[test]
fn a_request_that_an_older_version_stored_differently_does_not_block_the_inbox_p10() {
    let platform = connected();
    platform.say_only(ADA, INCIDENTS, QUESTION);
    platform.tamper(ADA_OBJECT, "UPDATE turns SET request = '{\"of\":\"another version\"}' WHERE state = 'queued'");
    let ts = platform.say(ADA, INCIDENTS, QUESTION);
    assert!(thread(&platform, &ts)[0].contains("CHECKOUT-API-"), "{:?}", thread(&platform, &ts));
    assert!(platform.log_text().contains("turn_unreadable"), "{}", platform.log_text());
}
