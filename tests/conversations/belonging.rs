//! Who belongs where: shared channels from each side, Enterprise Grid, lists and the operator's own access (P6, P13).

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};
use vedette_sandbox::{Click, Delivery, Fault, FaultKind, OPERATOR_TOKEN, Say, Side, Slash, signature};

use crate::world::{ADA, ADA_OBJECT, INCIDENTS, Platform, full_text, variables};

const EXTERNAL: &str = "U0EXT";
const EXTERNAL_OBJECT: &str = "slack:T0PARTNER:U0EXT";
const SHARED: &str = "C0SHARED";
const ADAS: &str = "ada@example.com";
const GRACES: &str = "grace@example.com";
const REFUSED: &str = "I don't work for your workspace";

/// A deployment with more variables.
fn with(more: &[(&'static str, &str)]) -> Rc<Platform> {
    let mut all = variables();
    all.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
    Platform::with(&all)
}

/// The delivery with another payload, signed anew.
fn changed(platform: &Platform, delivery: Delivery, change: impl Fn(&mut Value)) -> Delivery {
    let (mut head, body) = delivery.request.into_parts();
    let is_form = !body.starts_with(b"{");
    let json = match is_form {
        true => url::form_urlencoded::parse(&body).find(|(name, _)| name == "payload").unwrap().1.into_owned(),
        false => String::from_utf8(body.to_vec()).unwrap(),
    };
    let mut payload: Value = serde_json::from_str(&json).unwrap();
    change(&mut payload);
    let body = match is_form {
        true => {
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            form.append_pair("payload", &payload.to_string()).finish()
        }
        false => payload.to_string(),
    };
    let at = (platform.now.get() / 1000).to_string();
    let signed = signature(&platform.sandbox.options().signing_secret, &at, body.as_bytes());
    head.headers.insert("x-slack-request-timestamp", at.parse().unwrap());
    head.headers.insert("x-slack-signature", signed.parse().unwrap());
    head.headers.remove("content-length");
    Delivery { id: delivery.id, request: Request::from_parts(head, Bytes::from(body)) }
}

/// Somebody says something, and the event arrives changed. Nothing is done about it yet.
fn say_changed(platform: &Platform, person: &str, channel: &str, text: &str, change: impl Fn(&mut Value)) -> String {
    let say = Say { person: person.into(), channel: channel.into(), text: text.into(), thread_ts: None, twin: false };
    let (ts, deliveries) = platform.sandbox.say(platform.now.get(), &say);
    for delivery in deliveries {
        let delivery = changed(platform, delivery, &change);
        assert_eq!(platform.deliver(&delivery).status(), 200);
    }
    ts
}

/// Somebody presses a button of a message that they see, and the payload arrives changed. Nothing is done about it yet.
fn press_changed(platform: &Platform, person: &str, change: impl Fn(&mut Value)) {
    let shown = platform.seen_by(person).into_iter().rev().find_map(|message| {
        let button = crate::people::actions(message.blocks.as_ref()?)
            .into_iter()
            .find(|it| it.starts_with("run") || it.starts_with("more"));
        Some((message.id.clone(), button?))
    });
    let (message, action_id) = shown.expect("a button");
    let click = Click { person: person.into(), message, action_id, ..Click::default() };
    let delivery = platform.sandbox.click(platform.now.get(), &click).unwrap();
    assert_eq!(platform.deliver(&changed(platform, delivery, change)).status(), 200);
}

/// An event that says nothing of its user's team.
fn silent(payload: &mut Value) {
    let event = payload["event"].as_object_mut().unwrap();
    for field in ["team", "user_team", "source_team", "user_profile"] {
        event.remove(field);
    }
}

/// The same event of an installation in Enterprise Grid.
fn of_grid(payload: &mut Value) {
    payload["authorizations"][0]["enterprise_id"] = json!("E0GLOBEX");
}

/// A press in Enterprise Grid by somebody of `team`.
fn press_of(team: &str, whole: bool) -> impl Fn(&mut Value) + use<'_> {
    move |payload| {
        payload["user"]["team_id"] = json!(team);
        payload["team"]["enterprise_id"] = json!("E0GLOBEX");
        payload["enterprise"] = json!({"id": "E0GLOBEX", "name": "Globex"});
        payload["is_enterprise_install"] = json!(whole);
        if whole {
            payload["team"] = Value::Null;
        }
    }
}

fn asked_sentry(platform: &Platform) -> usize {
    platform.sandbox.sentry().requests.len()
}

fn asked_slack(platform: &Platform, method: &str) -> usize {
    platform.sandbox.slack().calls.iter().filter(|call| call.method == method).count()
}

/// They were told once, privately, and Sentry was not asked.
fn is_turned_away(platform: &Platform, person: &str, before: usize) {
    let told = platform.seen_by(person).into_iter().filter(|it| full_text(it).contains(REFUSED));
    let told: Vec<_> = told.collect();
    assert_eq!(told.len(), 1, "{:?}", platform.seen_by(person));
    assert_eq!(told[0].private_to.as_deref(), Some(person));
    assert_eq!(asked_sentry(platform), before);
    assert!(platform.log_text().contains("slack.not_allowed"), "{}", platform.log_text());
}

#[test]
fn an_outsider_of_whom_the_payload_tells_nothing_is_not_let_in_by_a_list_of_home_p6_p13() {
    for headless in [false, true] {
        for told in [None, Some(None), Some(Some(json!({"team_id": null}))), Some(Some(json!({"team_id": ""})))] {
            let mut more = vec![("SLACK_ALLOWED_TEAMS", "T0GLOBEX")];
            if headless {
                more.push(("SENTRY_AUTH_TOKEN", OPERATOR_TOKEN));
            }
            let platform = with(&more);
            if let Some(fields) = told.clone() {
                platform.sandbox.tell_of_user(EXTERNAL, fields);
            }
            say_changed(&platform, EXTERNAL, SHARED, "@vedette issue list globex", silent);
            platform.settle();
            is_turned_away(&platform, EXTERNAL, 0);
            assert_eq!(platform.seen_by(ADA), vec![], "nobody else sees anything");
            platform.pass(Duration::from_secs(60 * 60));
            assert_eq!(platform.seen_by(EXTERNAL).len(), 1);
        }
    }
}

#[test]
fn somebody_of_home_of_whom_the_payload_tells_nothing_is_answered_once_slack_has_told_p13() {
    let platform = with(&[("SLACK_ALLOWED_TEAMS", "T0GLOBEX")]);
    platform.say(ADA, INCIDENTS, "@vedette org list");
    platform.connect(ADA, ADAS);
    for _ in 0..3 {
        say_changed(&platform, ADA, SHARED, "@vedette issue list globex/checkout-api", silent);
        platform.settle();
        assert!(platform.last_seen_by(ADA).contains("CHECKOUT-API-"), "{}", platform.last_seen_by(ADA));
    }
    assert_eq!(platform.object_names(), [ADA_OBJECT]);
    // Once for her name on the connect page, and once for all three.
    assert_eq!(asked_slack(&platform, "users.info"), 2);
    platform.pass(Duration::from_secs(60 * 60));
    say_changed(&platform, ADA, SHARED, "@vedette org list", silent);
    platform.settle();
    assert_eq!(asked_slack(&platform, "users.info"), 3, "what Slack told an hour ago is asked again");
}

#[test]
fn somebody_of_home_in_a_partners_channel_is_the_person_that_they_are_elsewhere_p13() {
    for list in [None, Some("T0GLOBEX")] {
        let list: Vec<_> = list.map(|list| ("SLACK_ALLOWED_TEAMS", list)).into_iter().collect();
        let platform = with(&list);
        platform.say(ADA, INCIDENTS, "@vedette org list");
        platform.connect(ADA, ADAS);
        let plain = |payload: &mut Value| payload["team_id"] = json!("T0PARTNER");
        let repeating = |payload: &mut Value| {
            payload["team_id"] = json!("T0PARTNER");
            payload["enterprise_id"] = json!("E0PARTNER");
            payload["event"]["team"] = json!("T0PARTNER");
            payload["event"]["user_team"] = json!("T0GLOBEX");
            payload["event"]["source_team"] = json!("T0GLOBEX");
            payload["event"]["user_profile"] = json!({"team": "T0GLOBEX"});
        };
        for change in [&plain as &dyn Fn(&mut Value), &repeating] {
            let from = asked_sentry(&platform);
            say_changed(&platform, ADA, SHARED, "@vedette org list", change);
            platform.settle();
            assert!(platform.last_seen_by(ADA).contains("globex"), "{}", platform.last_seen_by(ADA));
            assert!(asked_sentry(&platform) > from);
        }
        assert_eq!(platform.object_names(), [ADA_OBJECT]);
    }
}

#[test]
fn in_enterprise_grid_a_press_from_another_workspace_is_the_same_persons_p13() {
    let platform = Platform::new();
    let sister = json!({"team_id": "T0SISTER",
        "enterprise_user": {"id": ADA, "enterprise_id": "E0GLOBEX", "teams": ["T0GLOBEX", "T0SISTER"]}});
    platform.sandbox.tell_of_user(ADA, Some(sister));
    say_changed(&platform, ADA, INCIDENTS, "@vedette issue list globex/checkout-api", of_grid);
    platform.settle();
    platform.connect(ADA, ADAS);
    let before = asked_slack(&platform, "users.info");
    for whole in [false, true] {
        let from = asked_sentry(&platform);
        press_changed(&platform, ADA, press_of("T0SISTER", whole));
        platform.settle();
        assert!(asked_sentry(&platform) > from, "whole enterprise: {whole}: {}", platform.last_seen_by(ADA));
        assert!(!platform.last_seen_by(ADA).contains("I need your Sentry access"));
    }
    assert_eq!(platform.object_names(), ["slack:E0GLOBEX:U0ADA"]);
    assert_eq!(asked_slack(&platform, "users.info"), before + 1, "and Slack is asked once");
}

#[test]
fn a_press_of_a_partner_is_no_colleagues_whatever_it_says_of_the_installation_p6_p13() {
    for told in [None, Some(None)] {
        for (more, whole) in [
            (&[("SENTRY_AUTH_TOKEN", OPERATOR_TOKEN)][..], true),
            (&[("SENTRY_AUTH_TOKEN", OPERATOR_TOKEN)], false),
            (&[("SLACK_ALLOWED_TEAMS", "E0GLOBEX,T0GLOBEX"), ("SENTRY_AUTH_TOKEN", OPERATOR_TOKEN)], true),
        ] {
            let platform = with(more);
            say_changed(&platform, ADA, SHARED, "@vedette issue list globex/checkout-api", of_grid);
            platform.settle();
            if let Some(fields) = told.clone() {
                platform.sandbox.tell_of_user(EXTERNAL, fields);
            }
            let before = asked_sentry(&platform);
            assert!(before > 0, "{}", platform.last_seen_by(ADA));
            press_changed(&platform, EXTERNAL, press_of("T0PARTNER", whole));
            platform.settle();
            is_turned_away(&platform, EXTERNAL, before);
        }
    }
}

#[test]
fn a_partner_of_whom_the_payload_tells_nothing_is_the_person_that_they_are_elsewhere_p13() {
    let platform = Platform::new();
    platform.say(EXTERNAL, SHARED, "@vedette issue list umbrella");
    platform.connect(EXTERNAL, GRACES);
    let from = asked_sentry(&platform);
    let ts = say_changed(&platform, EXTERNAL, SHARED, "@vedette project list umbrella", silent);
    platform.settle();
    assert!(asked_sentry(&platform) > from, "with his own access");
    let in_thread = platform.seen_by(ADA).into_iter().filter(|it| it.thread_ts.as_deref() == Some(&*ts));
    assert_eq!(in_thread.map(|it| full_text(&it).contains("umbrella")).collect::<Vec<_>>(), [true], "one answer");
    let grants = "SELECT count(*) FROM grant_record WHERE sealed IS NOT NULL";
    assert_eq!(platform.look("slack:T0GLOBEX:U0EXT", grants).as_deref(), Some("0"));
    assert_eq!(platform.look(EXTERNAL_OBJECT, grants).as_deref(), Some("1"));
}

#[test]
fn whenever_the_process_dies_while_a_turn_is_handed_over_it_is_answered_once_p11() {
    let mut points = 1;
    loop {
        let platform = Platform::new();
        platform.say(EXTERNAL, SHARED, "@vedette issue list umbrella");
        platform.connect(EXTERNAL, GRACES);
        let ts = say_changed(&platform, EXTERNAL, SHARED, "@vedette project list umbrella", silent);
        let died = platform.ring_and_crash("slack:T0GLOBEX:U0EXT", points);
        platform.pass(Duration::from_secs(60));
        let in_thread = platform.seen_by(ADA).into_iter().filter(|it| it.thread_ts.as_deref() == Some(&*ts));
        let shown: Vec<_> = in_thread.map(|it| full_text(&it)).collect();
        assert_eq!(shown.len(), 1, "at {points}: {shown:?}");
        assert!(shown[0].contains("umbrella"), "at {points}: {shown:?}");
        if !died {
            break;
        }
        points += 1;
    }
    assert!(points > 3, "{points}");
}

#[test]
fn while_slack_cannot_be_asked_nothing_is_done_and_then_it_is_p11() {
    let platform = with(&[("SLACK_ALLOWED_TEAMS", "T0GLOBEX")]);
    platform.say(ADA, INCIDENTS, "@vedette org list");
    platform.connect(ADA, ADAS);
    let (from, seen) = (asked_sentry(&platform), platform.seen_by(ADA).len());
    let down = FaultKind::Status { code: 503, body: None, headers: Default::default() };
    let fault = platform.sandbox.add_fault(Fault::new(Side::Slack, "api/users.info", down));
    say_changed(&platform, ADA, SHARED, "@vedette org list", silent);
    platform.pass(Duration::from_secs(120));
    assert_eq!((asked_sentry(&platform), platform.seen_by(ADA).len()), (from, seen));
    platform.sandbox.remove_fault(&fault);
    platform.pass(Duration::from_secs(60));
    assert!(asked_sentry(&platform) > from);
    assert!(platform.last_seen_by(ADA).contains("globex"), "{}", platform.last_seen_by(ADA));
}

#[test]
fn the_operators_own_access_is_for_home_and_for_whom_the_operator_names_p6() {
    let slash = |platform: &Platform, person: &str| {
        let slash = Slash { person: person.into(), channel: SHARED.into(), text: "issue list globex".into() };
        let delivery = platform.sandbox.slash(platform.now.get(), &slash);
        assert_eq!(platform.deliver(&delivery).status(), 200);
        platform.settle();
    };
    let say = |platform: &Platform, person: &str| drop(platform.say(person, SHARED, "@vedette issue list globex"));
    for ask in [&slash as &dyn Fn(&Platform, &str), &say] {
        let platform = with(&[("SENTRY_AUTH_TOKEN", OPERATOR_TOKEN)]);
        ask(&platform, EXTERNAL);
        is_turned_away(&platform, EXTERNAL, 0);
        ask(&platform, ADA);
        assert!(platform.last_seen_by(ADA).contains("CHECKOUT-API-"), "{}", platform.last_seen_by(ADA));

        let platform = with(&[("SENTRY_AUTH_TOKEN", OPERATOR_TOKEN), ("SLACK_ALLOWED_TEAMS", "T0PARTNER")]);
        ask(&platform, EXTERNAL);
        assert!(platform.last_seen_by(EXTERNAL).contains("CHECKOUT-API-"), "{}", platform.last_seen_by(EXTERNAL));
        let before = asked_sentry(&platform);
        ask(&platform, ADA);
        is_turned_away(&platform, ADA, before);
    }
}

#[test]
fn a_partners_question_that_waited_is_not_answered_when_the_deployment_becomes_headless_p6() {
    let platform = Platform::new();
    platform.say(EXTERNAL, SHARED, "@vedette issue list globex");
    assert!(platform.link_for(EXTERNAL).is_some());
    let mut headless = variables();
    headless.push(("SENTRY_AUTH_TOKEN", OPERATOR_TOKEN.to_owned()));
    platform.redeploy(&headless);
    platform.ring(EXTERNAL_OBJECT);
    platform.settle();
    is_turned_away(&platform, EXTERNAL, 0);
}

#[test]
fn who_connected_under_a_key_that_they_have_no_more_is_told_and_the_access_from_then_ends_p13() {
    // The account that they connect, and how many tokens live after that.
    for (account, live) in [(ADAS, 1), (GRACES, 2)] {
        let platform = Platform::new();
        // As earlier versions did, in a partner's channel.
        let counted_to_partner = |payload: &mut Value| payload["event"]["team"] = json!("T0PARTNER");
        say_changed(&platform, ADA, SHARED, "@vedette issue list globex/checkout-api", counted_to_partner);
        platform.settle();
        platform.connect(ADA, ADAS);
        assert_eq!(platform.sandbox.sentry().live_tokens.len(), 1);

        let in_partners_channel = |payload: &mut Value| payload["team_id"] = json!("T0PARTNER");
        say_changed(&platform, ADA, SHARED, "@vedette issue list globex/checkout-api", in_partners_channel);
        platform.settle();
        let seen: String = platform.seen_by(ADA).iter().map(full_text).collect();
        assert!(seen.contains("You connected before, when I counted you to another workspace"), "{seen}");
        assert!(seen.contains("I need your Sentry access once more"), "{seen}");
        platform.connect(ADA, account);
        assert_eq!(platform.sandbox.sentry().live_tokens.len(), live, "{account}");

        // Told once.
        say_changed(&platform, ADA, SHARED, "@vedette issue list globex/checkout-api", in_partners_channel);
        platform.settle();
        let told = platform.seen_by(ADA).into_iter().filter(|it| full_text(it).contains("You connected before"));
        assert!(told.count() <= 1, "{account}");
        assert!(!platform.last_seen_by(ADA).contains("Reconnect"), "{}", platform.last_seen_by(ADA));
    }
}
