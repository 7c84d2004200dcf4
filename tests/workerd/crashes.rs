//! The process dies at any instant, and nothing is lost (P11).
//!
//! A few times here; `npm run torture -- --kills 200` is the longer run.

use std::collections::HashSet;
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::rig::{ADA, GRACE, INCIDENTS, Rig, until};

fn kills(unless_said: u64) -> u64 {
    std::env::var("VEDETTE_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(unless_said)
}

#[test]
fn killed_at_many_points_of_a_turn_each_ends_in_one_visible_reply_p11() {
    let rig = Rig::start();
    rig.connect(ADA, "ada@example.com");
    // Sentry and Slack take their time, so that there is something to be killed in the middle of.
    rig.fault(serde_json::json!({"side": "sentry", "match": "*", "kind": "delay", "ms": 15}));
    rig.fault(serde_json::json!({"side": "slack", "match": "api/*", "kind": "delay", "ms": 15}));
    for kill in 0..kills(20) {
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

/// Two people whose access tokens are about to run out, or have, ask at once; the process dies before Sentry has made new
/// ones, after it has and before the reply is here, or at any instant.
#[test]
fn killed_at_many_points_of_a_refresh_each_turn_is_answered_or_asks_once_to_connect_again_p3_p11() {
    let rig = Rig::start();
    set_life(&rig, Duration::from_secs(60));
    for Asker { person, account, .. } in ASKERS {
        rig.connect(person, account);
    }
    rig.fault(json!({"side": "sentry", "match": "api/*", "kind": "delay", "ms": 15}));
    rig.fault(json!({"side": "slack", "match": "api/*", "kind": "delay", "ms": 15}));

    let kills = kills(12);
    let (mut within, mut answered, mut reconnected) = (0, 0, 0);
    for kill in 0..kills {
        let moment = Moment::of(kill);
        // Of the tokens that are issued in this round, which the next one begins with.
        let next_life = if run_out(kill + 1) { RUN_OUT } else { Duration::from_secs(60) };
        set_life(&rig, next_life);
        if run_out(kill) {
            std::thread::sleep(RUN_OUT);
        }
        let asked = rig.refreshes().len();
        let fault =
            moment.fault().map(|fault| rig.control("POST", "faults", &fault)["id"].as_str().unwrap().to_owned());
        let turns = std::thread::scope(|scope| {
            let rig = &rig;
            let turns = ASKERS.map(|it| scope.spawn(move || rig.say(it.person, INCIDENTS, it.question)));
            within += u64::from(moment.wait(rig, asked, kill));
            rig.kill();
            turns.map(|it| it.join().unwrap())
        });
        if let Some(fault) = fault {
            rig.send("DELETE", &format!("{}/sandbox/faults/{fault}", rig.slack), &[], &[]);
        }
        for (Asker { person, account, answer, .. }, ts) in ASKERS.into_iter().zip(&turns) {
            let says = |text: &str| rig.replies(ts).iter().any(|it| it.to_string().contains(text));
            until(&format!("kill {kill}: {person} is answered, or asked to connect again"), || {
                says(answer) || says(CONNECT_AGAIN)
            });
            if says(CONNECT_AGAIN) {
                reconnected += 1;
                Browser::new(&rig).connect(&rig.link(person), account);
                rig.wait_for(ts, answer);
            } else {
                answered += 1;
            }
        }
        std::thread::sleep(Duration::from_millis(150));
        for ts in &turns {
            assert_eq!(rig.replies(ts).len(), 1, "kill {kill}: a turn has more than one reply: {:#?}", rig.replies(ts));
        }
        assert_no_token_is_used_twice(&rig, kill);
        assert_no_token_is_stored_plain(&rig, kill);
    }
    eprintln!(
        "{kills} kills, {within} of them while Sentry refreshed; of {} turns {answered} were answered with the renewed \
         access, and {reconnected} after their person was asked to connect again",
        2 * kills
    );
    assert!(within >= kills / 3, "too few kills fell into a refresh: {within} of {kills}");
    assert!(answered > 0 && reconnected > 0, "only one of the two outcomes was seen");
}

struct Asker {
    person: &'static str,
    account: &'static str,
    question: &'static str,
    answer: &'static str,
}

const ASKERS: [Asker; 2] = [
    Asker { person: ADA, account: "ada@example.com", question: "@vedette project list globex", answer: "checkout-api" },
    Asker {
        person: GRACE,
        account: "grace@example.com",
        question: "@vedette project list umbrella",
        answer: "patient-portal",
    },
];

const CONNECT_AGAIN: &str = "Your Sentry access is no longer valid. I've sent you a private link to reconnect.";

/// Longer than this no token of a round lives that begins with tokens that have run out.
const RUN_OUT: Duration = Duration::from_secs(3);

/// Whether the tokens have run out when the people of this round ask.
fn run_out(kill: u64) -> bool {
    kill % 6 >= 3
}

fn set_life(rig: &Rig, life: Duration) {
    rig.control("POST", "sentry/tokens", &json!({"action": "life", "seconds": life.as_secs()}));
}

/// When the process dies.
enum Moment {
    /// Sentry has got both requests, and does nothing.
    BeforeTheWork,
    /// Sentry has made new tokens for both, and the replies are under way.
    BeforeTheReply,
    AnyInstant,
}

impl Moment {
    fn of(kill: u64) -> Moment {
        match kill % 3 {
            0 => Moment::BeforeTheWork,
            1 => Moment::BeforeTheReply,
            _ => Moment::AnyInstant,
        }
    }

    fn fault(&self) -> Option<Value> {
        let delay = |ms: u64| json!({"side": "sentry", "match": "oauth/token", "kind": "delay", "ms": ms, "times": 2});
        Some(match self {
            Moment::BeforeTheWork => json!({"side": "sentry", "match": "oauth/token", "kind": "hang", "times": 2}),
            Moment::BeforeTheReply => delay(2000),
            Moment::AnyInstant => delay(60),
        })
    }

    /// Waits for it; returns whether a refresh is under way then. `asked`: how many there were before.
    fn wait(&self, rig: &Rig, asked: usize, kill: u64) -> bool {
        let under_way = || rig.refreshes().iter().skip(asked).any(|it| it["at_ms"].as_i64().unwrap() + 60 > now_ms());
        match self {
            Moment::BeforeTheWork => until("both refreshes have come to Sentry", || {
                let fault = rig.control("GET", "faults", &Value::Null);
                fault["faults"].as_array().unwrap().iter().all(|it| it["times"] != json!(2) && it["times"] != json!(1))
            }),
            Moment::BeforeTheReply => until("Sentry has refreshed both", || rig.refreshes().len() == asked + 2),
            Moment::AnyInstant => {
                std::thread::sleep(Duration::from_millis((kill * 7) % 160));
                return under_way();
            }
        }
        true
    }
}

fn now_ms() -> i64 {
    i64::try_from(SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap()
}

/// Of the uses of one refresh token at most one succeeds, and nobody insists.
fn assert_no_token_is_used_twice(rig: &Rig, kill: u64) {
    let all = rig.refreshes();
    for token in all.iter().map(|it| &it["token"]).collect::<HashSet<_>>() {
        let uses: Vec<_> = all.iter().filter(|it| it["token"] == *token).collect();
        let succeeded = uses.iter().filter(|it| it["succeeded"] == true).count();
        assert!(succeeded <= 1, "kill {kill}: Sentry renewed one refresh token twice: {uses:?}");
        assert!(uses.len() <= 2, "kill {kill}: one refresh token was presented again and again: {uses:?}");
    }
}

/// Neither a file of the Worker's storage nor its log has a token of Sentry's.
fn assert_no_token_is_stored_plain(rig: &Rig, kill: u64) {
    let secrets = rig.control("GET", "secrets", &Value::Null);
    let secrets = secrets["secrets"].as_array().unwrap().iter();
    let tokens = secrets.filter(|it| it["kind"].as_str().unwrap().ends_with("_token") && it["kind"] != "bot_token");
    // All that tells them apart is their 64 hexadecimal digits.
    let digits: HashSet<Vec<u8>> =
        tokens.filter_map(|it| it["value"].as_str()?.as_bytes().last_chunk::<64>().map(|last| last.to_vec())).collect();
    let has_one = |bytes: &[u8]| {
        let runs = bytes.split(|byte| !byte.is_ascii_hexdigit());
        runs.flat_map(|run| run.windows(64)).any(|window| digits.contains(window))
    };
    for file in files(&rig.state.join("kept")) {
        // A journal may be gone by now.
        let bytes = std::fs::read(&file).unwrap_or_default();
        assert!(!has_one(&bytes), "kill {kill}: {} has a token of Sentry's in plain", file.display());
    }
    assert!(!has_one(rig.log.lock().unwrap().as_bytes()), "kill {kill}: the log has a token of Sentry's");
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
