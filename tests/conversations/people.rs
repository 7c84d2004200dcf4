//! Several people: each with their own access, and nobody with another's (P13, P14).

use std::rc::Rc;
use std::time::Duration;

use serde_json::json;
use vedette_sandbox::{Click, Slash};

use crate::browser::{Browser, form, text};
use crate::world::{ADA, ADA_OBJECT, APP, GRACE, INCIDENTS, Platform, full_text, link_in, variables};

const EXTERNAL: &str = "U0EXT";
const SHARED: &str = "C0SHARED";
const GRACE_OBJECT: &str = "slack:T0GLOBEX:U0GRACE";
const ADAS: &str = "ada@example.com";
const GRACES: &str = "grace@example.com";

fn connect(platform: &Platform, person: &str, account: &str) {
    platform.say(person, INCIDENTS, "@vedette issue list");
    platform.connect(person, account);
}

/// The accounts whose data Sentry was asked for since the `from`-th request.
fn accounts_asked(platform: &Platform, from: usize) -> Vec<String> {
    let requests = platform.sandbox.sentry().requests;
    let mut accounts: Vec<String> = requests.into_iter().skip(from).filter_map(|request| request.account).collect();
    accounts.sort();
    accounts.dedup();
    accounts
}

fn asked(platform: &Platform) -> usize {
    platform.sandbox.sentry().requests.len()
}

#[test]
fn each_question_runs_with_the_grant_of_whoever_asks_p13() {
    let platform = Platform::new();
    connect(&platform, ADA, ADAS);
    connect(&platform, GRACE, GRACES);
    for (person, account, own, others) in
        [(ADA, ADAS, "globex", "umbrella"), (GRACE, GRACES, "umbrella", "globex"), (ADA, ADAS, "globex", "umbrella")]
    {
        let from = asked(&platform);
        platform.slash(person, "org list");
        let seen = platform.last_seen_by(person);
        assert!(seen.contains(own) && !seen.contains(others), "{person}: {seen}");
        assert_eq!(accounts_asked(&platform, from), [account]);
        platform.slash(person, &format!("issue list {others}"));
        let seen = platform.last_seen_by(person);
        assert!(seen.contains("find"), "{person}: {seen}");
        assert_eq!(accounts_asked(&platform, from), [account]);
    }
}

#[test]
fn somebody_without_an_account_never_borrows_anothers_p13() {
    let platform = Platform::new();
    connect(&platform, ADA, ADAS);
    let from = asked(&platform);
    platform.say(GRACE, INCIDENTS, "@vedette issue list globex/checkout-api");
    assert_eq!(asked(&platform), from, "Sentry is not asked");
    assert!(platform.last_seen_by(ADA).contains("I need your Sentry access"), "{}", platform.last_seen_by(ADA));
    platform.slash(GRACE, "status");
    assert!(platform.last_seen_by(GRACE).contains("No Sentry account is connected"));
    platform.slash(GRACE, "disconnect");
    assert_eq!(platform.sandbox.sentry().live_tokens.len(), 1, "Ada stays connected");
}

#[test]
fn two_people_at_once_get_each_their_own_link_and_answer_at_every_moment_p13() {
    let mut points = 1;
    loop {
        let platform = Platform::new();
        let adas = platform.say_only(ADA, INCIDENTS, "@vedette issue list");
        let mut graces = String::new();
        let paused = platform.meanwhile(ADA_OBJECT, points, || {
            graces = platform.say(GRACE, INCIDENTS, "@vedette issue list");
        });
        if !paused {
            break;
        }
        platform.settle();
        let of = |person: &str| platform.seen_by(person).iter().filter_map(link_in).collect::<Vec<_>>();
        assert_eq!((of(ADA).len(), of(GRACE).len()), (1, 1), "at {points}");
        assert_ne!(of(ADA), of(GRACE));
        let page = text(&Browser::new(&platform).get(&of(GRACE)[0]));
        assert!(page.contains("Grace Hopper") && !page.contains("Ada Lovelace"), "at {points}");

        // Grace consents in the middle of whatever Ada's object does.
        platform.say_only(ADA, SHARED, "@vedette org list");
        let connect = || drop(platform.connect(GRACE, GRACES));
        if !platform.meanwhile(ADA_OBJECT, points, connect) {
            connect();
        }
        platform.connect(ADA, ADAS);
        platform.settle();
        let in_thread = |ts: &str| {
            let seen = platform.seen_by(ADA).into_iter().filter(|it| it.thread_ts.as_deref() == Some(ts));
            seen.filter(|it| it.private_to.is_none()).map(|it| full_text(&it)).collect::<String>()
        };
        assert!(in_thread(&graces).contains("umbrella"), "at {points}: {}", in_thread(&graces));
        assert!(in_thread(&adas).contains("I answered this privately"), "at {points}: {}", in_thread(&adas));
        let asked =
            |person: &str| platform.seen_by(person).iter().any(|it| full_text(it).contains("Which organization?"));
        assert!(asked(ADA) && !asked(GRACE), "at {points}");
        assert!(!in_thread(&adas).contains("umbrella"), "at {points}");
        points += 1;
    }
    assert!(points > 6, "{points}");
}

#[test]
fn no_link_and_no_account_is_ever_shown_to_anybody_else_p13() {
    let platform = Platform::new();
    connect(&platform, ADA, ADAS);
    connect(&platform, GRACE, GRACES);
    for question in ["issue list globex/checkout-api", "issue list nowhere", "org list", "issue view globex/NOTHING-1"]
    {
        platform.say(ADA, INCIDENTS, &format!("@vedette {question}"));
        platform.slash(ADA, question);
        platform.say(ADA, "D0ADA", question);
    }
    platform.slash(ADA, "whoami");
    platform.slash(ADA, "status");
    platform.slash(ADA, "disconnect");
    platform.say(ADA, INCIDENTS, "@vedette issue list");
    for message in platform.seen_by(GRACE) {
        let text = full_text(&message);
        assert!(!text.contains(ADAS), "{text}");
        let own = message.private_to.as_deref() == Some(GRACE) || message.channel == "D0GRACE";
        assert!(link_in(&message).is_none() || own, "{text}");
    }
}

#[test]
fn a_forwarded_link_shows_whose_it_is_on_both_pages_and_needs_the_strangers_own_confirmation_p14() {
    let platform = Platform::new();
    platform.say(ADA, INCIDENTS, "@vedette issue list");
    let link = platform.link_for(ADA).unwrap();

    // Grace opens what Ada forwarded to her.
    let graces = Browser::new(&platform);
    let start = graces.get(&link);
    assert!(
        text(&start).contains("Ada Lovelace") && text(&start).contains("Did somebody send you this link?"),
        "{}",
        text(&start)
    );
    let confirm = graces.get(&graces.consent(&graces.start(&link).unwrap(), Some(GRACES)));
    for words in ["Ada Lovelace", "Grace Hopper", GRACES, "These names differ."] {
        assert!(text(&confirm).contains(words), "{words} in {}", text(&confirm));
    }
    platform.pass(Duration::from_secs(60));
    assert!(platform.kv.borrow().is_empty(), "nothing is connected by consenting alone");

    // Ada cannot confirm it for her.
    let adas = Browser::new(&platform);
    adas.start(&link).unwrap();
    assert_eq!(adas.decide(&confirm, "connect").status(), 403);
    assert_eq!(graces.decide(&confirm, "cancel").status(), 200);
    platform.settle();
    assert!(platform.sandbox.sentry().live_tokens.is_empty());
}

#[test]
fn a_callback_address_that_was_passed_on_does_not_connect_the_victims_account_p14() {
    let platform = Platform::new();
    platform.say(ADA, INCIDENTS, "@vedette issue list");
    let adas = Browser::new(&platform);
    let authorize = adas.start(&platform.link_for(ADA).unwrap()).unwrap();
    // Ada sends Grace the address of Sentry's consent page; Grace consents, and is sent back to us.
    let graces = Browser::new(&platform);
    let callback = graces.consent(&authorize, Some(GRACES));
    let page = graces.get(&callback);
    assert_eq!(page.status(), 403);
    assert!(text(&page).contains("If somebody sent you here, close this page"), "{}", text(&page));
    assert_eq!(platform.sandbox.sentry().counters.token_exchanges, 0);
}

#[test]
fn a_link_of_one_person_with_the_form_of_another_does_nothing_p14() {
    let platform = Platform::new();
    platform.say(ADA, INCIDENTS, "@vedette issue list");
    platform.say(GRACE, INCIDENTS, "@vedette issue list");
    let (adas, graces) = (platform.link_for(ADA).unwrap(), platform.link_for(GRACE).unwrap());
    let browser = Browser::new(&platform);
    let form = form(&browser.get(&graces));
    let posted = browser.post(&adas, &crate::browser::borrowed(&form.fields));
    assert_eq!(posted.status(), 403);

    let page = browser.get(&browser.consent(&browser.start(&graces).unwrap(), Some(GRACES)));
    let confirm = crate::browser::form(&page);
    let mut fields = crate::browser::borrowed(&confirm.fields);
    fields.push(("decision", "connect"));
    assert_eq!(browser.post(&adas, &fields).status(), 403, "a grant sealed for Grace's ticket is not Ada's");
    assert!(platform.kv.borrow().is_empty());
}

#[test]
fn whoever_presses_a_button_asks_with_their_own_access_p13() {
    let platform = Platform::new();
    connect(&platform, ADA, ADAS);
    connect(&platform, GRACE, GRACES);
    platform.say(ADA, INCIDENTS, "@vedette issue list globex/checkout-api");
    let answer = platform.seen_by(GRACE).into_iter().next_back().unwrap();
    let blocks = answer.blocks.clone().unwrap();
    let action = actions(&blocks).into_iter().find(|action| action.starts_with("more")).expect("a button");
    let from = asked(&platform);
    platform.press(GRACE, &answer.ts, &action);
    assert_eq!(accounts_asked(&platform, from), [GRACES], "not with Ada's grant, although it is Ada's answer");
    let replies = platform.seen_by(ADA);
    let reply = full_text(replies.last().unwrap());
    assert!(!reply.contains("GatewayTimeout"), "nothing of Globex's: {reply}");
    let from = asked(&platform);
    platform.press(ADA, &answer.ts, &action);
    assert_eq!(accounts_asked(&platform, from), [ADAS]);
}

#[test]
fn somebody_who_presses_without_an_account_gets_a_link_of_their_own_p13() {
    let platform = Platform::new();
    connect(&platform, ADA, ADAS);
    platform.say(ADA, INCIDENTS, "@vedette issue list globex/checkout-api");
    let answer = platform.seen_by(GRACE).into_iter().next_back().unwrap();
    let action = actions(answer.blocks.as_ref().unwrap()).into_iter().find(|it| it.starts_with("more")).unwrap();
    let from = asked(&platform);
    platform.press(GRACE, &answer.ts, &action);
    assert_eq!(asked(&platform), from);
    let link = platform.link_for(GRACE).expect("her own link");
    assert!(text(&Browser::new(&platform).get(&link)).contains("Grace Hopper"));
    platform.connect(GRACE, GRACES);
    assert_eq!(accounts_asked(&platform, from), [GRACES]);
}

#[test]
fn nobody_can_press_anothers_private_link_away_p13() {
    let platform = Platform::new();
    platform.say(ADA, INCIDENTS, "@vedette issue list");
    let private = platform.seen_by(ADA).into_iter().find(|message| link_in(message).is_some()).unwrap();
    let action = actions(private.blocks.as_ref().unwrap()).remove(0);
    let click = Click { person: GRACE.into(), message: private.id, action_id: action, ..Click::default() };
    assert!(platform.sandbox.click(platform.now.get(), &click).is_err(), "she does not see it");
    assert!(!platform.object_names().contains(&GRACE_OBJECT.to_owned()));
}

#[test]
fn a_person_of_another_company_is_somebody_else_even_with_the_same_id_p13() {
    let platform = Platform::new();
    platform.say(EXTERNAL, SHARED, "@vedette issue list");
    assert_eq!(platform.object_names(), ["slack:T0PARTNER:U0EXT"]);
    let link = platform.link_for(EXTERNAL).unwrap();
    let page = text(&Browser::new(&platform).get(&link));
    assert!(page.contains("Edsger Dijkstra"), "{page}");
    assert!(!page.contains("Globex"), "he is not of the workspace that installed the app: {page}");
    assert!(page.contains("T0PARTNER"), "{page}");
    platform.connect(EXTERNAL, GRACES);

    // The same user id, said to be of our own team.
    let event = json!({
        "type": "app_mention", "user": EXTERNAL, "ts": "1760000500.000100", "event_ts": "1760000500.000100",
        "channel": SHARED, "text": "<@U0VEDETTE> issue list", "team": "T0GLOBEX",
    });
    let from = asked(&platform);
    platform.deliver(&platform.sandbox.event(platform.now.get(), &event));
    platform.settle();
    assert!(platform.object_names().contains(&"slack:T0GLOBEX:U0EXT".to_owned()));
    assert_eq!(asked(&platform), from, "and has no access");
}

#[test]
fn a_partner_keeps_their_access_by_mention_and_by_button_p13() {
    let platform = Platform::new();
    platform.say(EXTERNAL, SHARED, "@vedette issue list umbrella");
    platform.connect(EXTERNAL, GRACES);
    let answer = platform.seen_by(EXTERNAL).into_iter().rfind(|it| it.private_to.is_none()).unwrap();
    let action = actions(answer.blocks.as_ref().unwrap()).into_iter().find(|it| it.starts_with("run")).unwrap();
    let from = asked(&platform);
    platform.press(EXTERNAL, &answer.ts, &action);
    assert_eq!(accounts_asked(&platform, from), [GRACES]);
    assert_eq!(platform.object_names(), ["slack:T0PARTNER:U0EXT"]);
}

#[test]
fn teams_that_the_operator_does_not_let_in_are_told_and_nothing_is_stored() {
    let mut only_globex = variables();
    only_globex.push(("SLACK_ALLOWED_TEAMS", "T0GLOBEX".to_owned()));
    let platform: Rc<Platform> = Platform::with(&only_globex);
    platform.say(EXTERNAL, SHARED, "@vedette issue list");
    assert!(platform.last_seen_by(EXTERNAL).contains("I don't work for your workspace"), "told");
    assert_eq!(platform.seen_by(EXTERNAL).len(), 1);
    assert!(platform.seen_by(ADA).is_empty(), "and nobody else");
    assert!(platform.object_names().is_empty());
    platform.say(ADA, SHARED, "@vedette issue list");
    assert!(platform.link_for(ADA).unwrap().starts_with(APP));

    let mut only_partner = variables();
    only_partner.push(("SLACK_ALLOWED_TEAMS", "T0PARTNER".to_owned()));
    let platform = Platform::with(&only_partner);
    let slash = Slash { person: ADA.into(), channel: INCIDENTS.into(), text: "issue list".into() };
    platform.deliver(&platform.sandbox.slash(platform.now.get(), &slash));
    assert!(platform.last_seen_by(ADA).contains("I don't work for your workspace"));
    assert!(platform.object_names().is_empty());
}

#[test]
fn another_name_of_the_slash_command_is_what_messages_and_pages_say() {
    let mut named = variables();
    named.push(("SLACK_COMMAND", "/vedette".to_owned()));
    let platform = Platform::with(&named);
    // Whatever Slack was told to call it arrives at the same address.
    platform.slash(ADA, "/vedette org list");
    let link = platform.link_for(ADA).unwrap();
    let browser = Browser::new(&platform);
    let pages = [text(&browser.get(&link)), platform.connect(ADA, ADAS), text(&browser.get(&format!("{APP}/")))];
    platform.say(ADA, INCIDENTS, "@vedette /vedette status");
    let messages: String = platform.seen_by(ADA).iter().map(full_text).collect();
    assert!(pages.iter().all(|page| page.contains("/vedette ")), "{pages:?}");
    for shown in pages.iter().chain([&messages]) {
        let known = shown.replace("/api/oauth/callback/sentry", "").replace("//sentry.io", "");
        assert!(!known.contains("/sentry"), "{shown}");
    }
}

/// The `action_id`s of a message's buttons.
pub fn actions(blocks: &serde_json::Value) -> Vec<String> {
    match blocks {
        serde_json::Value::Array(items) => items.iter().flat_map(actions).collect(),
        serde_json::Value::Object(fields) if blocks["type"] == "button" => {
            fields["action_id"].as_str().map(str::to_owned).into_iter().collect()
        }
        serde_json::Value::Object(fields) => fields.values().flat_map(actions).collect(),
        _ => Vec::new(),
    }
}
