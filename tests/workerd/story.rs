//! The story on the real runtime, and what only the real runtime can show of it.

use serde_json::json;

use crate::browser::Browser;
use crate::rig::{ADA, GRACE, INCIDENTS, Rig, Setup, until};

#[test]
fn a_question_gets_a_private_link_and_after_consent_one_answer_in_the_thread_p12() {
    let rig = Rig::start();
    let ts = rig.say(ADA, INCIDENTS, "@vedette issue list globex/checkout-api");
    rig.wait_for(&ts, "private link");
    let last = Browser::new(&rig).connect(&rig.link(ADA), "ada@example.com");
    assert!(last.body.contains("Sentry account connected") && last.body.contains("being answered"), "{}", last.body);
    rig.wait_for(&ts, "CHECKOUT-API-");
    assert_eq!(rig.replies(&ts).len(), 1, "exactly one reply");
    until("the link is replaced", || {
        rig.bot_messages(Some(ADA)).iter().any(|it| it.to_string().contains("Connected as"))
    });
}

#[test]
fn slacks_retries_and_the_twin_of_an_event_are_one_turn_and_equal_ts_in_two_channels_are_two_p9() {
    let rig = Rig::start();
    rig.connect(ADA, "ada@example.com");
    let event = |kind: &str, channel: &str, id: &str| {
        json!({
            "type": "event_callback", "team_id": "T0GLOBEX", "api_app_id": "A0VEDETTE", "event_id": id, "event_time": 1,
            "authorizations": [{"enterprise_id": null, "team_id": "T0GLOBEX", "user_id": "U0VEDETTE", "is_bot": true}],
            "event": {"type": kind, "user": ADA, "team": "T0GLOBEX", "channel": channel, "channel_type": "channel",
                "text": "<@U0VEDETTE> project list globex", "ts": "1700000000.000100", "event_ts": "1700000000.000100"},
        })
        .to_string()
    };
    let deliveries = [
        event("app_mention", INCIDENTS, "Ev1"),
        event("message", INCIDENTS, "Ev2"),
        event("app_mention", INCIDENTS, "Ev1"),
        event("app_mention", INCIDENTS, "Ev1"),
        event("app_mention", INCIDENTS, "Ev1"),
        event("app_mention", "C0SHARED", "Ev3"),
    ];
    std::thread::scope(|scope| {
        for body in &deliveries {
            scope.spawn(|| assert_eq!(rig.signed("/slack/events", "application/json", body).status, 200));
        }
    });
    let answers = |channel: &str| {
        let all = rig.replies("1700000000.000100");
        all.iter().filter(|it| it["channel"] == channel && it.to_string().contains("checkout-api")).count()
    };
    until("both are answered", || answers(INCIDENTS) >= 1 && answers("C0SHARED") >= 1);
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert_eq!(rig.replies("1700000000.000100").len(), 2, "one in each channel");
}

#[test]
fn fifty_commands_on_a_grant_that_is_about_to_end_make_one_refresh_p3() {
    let rig = Rig::start();
    // The first answer finds more than two minutes left, the commands after it less.
    rig.control("POST", "sentry/tokens", &json!({"action": "next_life", "seconds": 140}));
    rig.connect(ADA, "ada@example.com");
    assert_eq!(rig.world(None)["sentry"]["refreshes"], 0);
    std::thread::sleep(std::time::Duration::from_secs(21));
    let accepted = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..5 {
            scope.spawn(|| {
                for _ in 0..10 {
                    // A full inbox says so; the person asks again.
                    until("the inbox has room", || {
                        let answer = rig.slash(ADA, "whoami");
                        assert_eq!(answer["delivery"]["status"], 200, "{answer}");
                        let told = rig.bot_messages(Some(ADA));
                        !told.last().is_some_and(|it| it.to_string().contains("requests waiting"))
                    });
                    accepted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(accepted.into_inner(), 50);
    // With several at once, one that was told of a full inbox may look like an accepted one: it is asked again.
    let mut polls = 0;
    until("all are answered", || {
        polls += 1;
        if polls % 80 == 0 {
            rig.slash(ADA, "whoami");
        }
        rig.bot_messages(Some(ADA)).iter().filter(|it| it.to_string().contains("Ada Lovelace")).count() >= 50
    });
    let world = rig.world(None);
    assert_eq!(world["sentry"]["refreshes"], 1, "{}", world["sentry"]);
}

#[test]
fn a_refresh_whose_reply_is_lost_ends_in_one_reconnect_and_never_a_loop_p3() {
    let rig = Rig::start();
    rig.connect(ADA, "ada@example.com");
    rig.fault(json!({"side": "sentry", "match": "api/0/*", "kind": "token_expired", "times": 1}));
    rig.fault(json!({"side": "sentry", "match": "oauth/token", "kind": "drop", "after_work": true, "times": 1}));
    let ts = rig.say(ADA, INCIDENTS, "@vedette project list globex");
    until("it is answered one way or the other", || {
        rig.replies(&ts).iter().any(|it| ["private link", "kept"].iter().any(|word| it.to_string().contains(word)))
    });
    let ts = rig.say(ADA, INCIDENTS, "@vedette project list globex");
    rig.wait_for(&ts, "private link");
    let refreshes = rig.sentry_log().iter().filter(|it| it["path"] == "/oauth/token/").count();
    assert!(refreshes <= 3, "one exchange, one lost refresh, at most one more: {refreshes}");
    Browser::new(&rig).connect(&rig.link(ADA), "ada@example.com");
    rig.wait_for(&ts, "checkout-api");
}

#[test]
fn two_people_never_see_each_others_data_links_or_accounts_p13() {
    let rig = Rig::start();
    let ada = rig.say(ADA, INCIDENTS, "@vedette project list globex");
    let grace = rig.say(GRACE, INCIDENTS, "@vedette project list umbrella");
    let (adas, graces) = (rig.link(ADA), rig.link(GRACE));
    assert_ne!(adas, graces);
    let everything_grace_sees = rig.world(Some(GRACE)).to_string();
    assert!(!everything_grace_sees.contains(&adas));
    Browser::new(&rig).connect(&graces, "grace@example.com");
    rig.wait_for(&grace, "patient-portal");
    assert!(rig.replies(&ada).iter().all(|it| !it.to_string().contains("umbrella")));
    Browser::new(&rig).connect(&adas, "ada@example.com");
    rig.wait_for(&ada, "checkout-api");
    assert!(rig.replies(&grace).iter().all(|it| !it.to_string().contains("checkout-api")));
}

#[test]
fn the_hosted_sentry_is_asked_in_the_region_of_the_organization_p7() {
    let rig = Rig::with(Setup { hosted: true, ..Setup::default() });
    let ts = rig.say(ADA, INCIDENTS, "@vedette issue list initech");
    let link = rig.link(ADA);
    let browser = Browser::new(&rig);
    // A browser here cannot reach sentry.io: its consent page is asked of the sandbox by the name it has there.
    let authorize = browser.start(&link);
    assert!(authorize.starts_with("https://sentry.io/oauth/authorize/"), "{authorize}");
    let answer = rig.send(
        "POST",
        &format!("{}/oauth/authorize/", rig.slack),
        &[("x-sandbox-url", &authorize), ("content-type", "application/x-www-form-urlencoded")],
        b"account=ada%40example.com&op=approve",
    );
    let page = browser.get(answer.header("location").unwrap_or_else(|| panic!("{} {}", answer.status, answer.body)));
    assert_eq!(browser.decide(&page, "connect").status, 200);
    rig.wait_for(&ts, "Unresolved issues in initech");
    let hosts: Vec<_> = rig.sentry_log().iter().map(|it| it["host"].as_str().unwrap_or_default().to_owned()).collect();
    assert!(hosts.iter().any(|host| host == "de.sentry.io"), "{hosts:?}");
    assert!(
        hosts.iter().all(|host| ["sentry.io", "us.sentry.io", "de.sentry.io"].contains(&host.as_str())),
        "{hosts:?}"
    );
}
