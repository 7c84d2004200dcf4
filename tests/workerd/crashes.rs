//! The process dies at any instant, and nothing is lost (P11).
//!
//! 20 times here; `npm run torture -- --kills 200` is the longer run.

use std::time::Duration;

use crate::browser::Browser;
use crate::rig::{ADA, INCIDENTS, Rig, until};

fn kills() -> u64 {
    std::env::var("VEDETTE_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(20)
}

#[test]
fn killed_at_many_points_of_a_turn_each_ends_in_one_visible_reply_p11() {
    let rig = Rig::start();
    rig.connect(ADA, "ada@example.com");
    // Sentry and Slack take their time, so that there is something to be killed in the middle of.
    rig.fault(serde_json::json!({"side": "sentry", "match": "*", "kind": "delay", "ms": 15}));
    rig.fault(serde_json::json!({"side": "slack", "match": "api/*", "kind": "delay", "ms": 15}));
    for kill in 0..kills() {
        std::thread::scope(|scope| {
            let asked = scope.spawn(|| rig.say(ADA, INCIDENTS, "@vedette issue list globex/checkout-api -n 3"));
            std::thread::sleep(Duration::from_millis((kill * 7) % 140));
            rig.kill();
            let ts = asked.join().unwrap();
            until(&format!("turn {kill} is answered"), || {
                rig.replies(&ts).iter().any(|it| it.to_string().contains("CHECKOUT-API-"))
            });
            std::thread::sleep(Duration::from_millis(150));
            assert_eq!(rig.replies(&ts).len(), 1, "kill {kill}: {:#?}", rig.replies(&ts));
        });
    }
}

#[test]
fn killed_while_a_request_waits_for_consent_it_is_answered_after_consent_p12() {
    let rig = Rig::start();
    let ts = rig.say(ADA, INCIDENTS, "@vedette project list globex");
    rig.wait_for(&ts, "private link");
    rig.kill();
    let browser = Browser::new(&rig);
    let callback = browser.approve(&browser.start(&rig.link(ADA)), "ada@example.com");
    rig.kill();
    let page = browser.get(&callback);
    rig.kill();
    assert_eq!(browser.decide(&page, "connect").status, 200);
    rig.kill();
    rig.wait_for(&ts, "checkout-api");
    assert_eq!(rig.replies(&ts).len(), 1);
}
