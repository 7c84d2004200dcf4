//! Buttons that do what they say: one to try again where that can help, ways on where there is no access, and none that
//! leads to a dead link.

use std::time::Duration;

use serde_json::Value;
use vedette_sandbox::{Click, Fault, FaultKind, Message, Side};

use crate::browser::{Browser, text};
use crate::world::{ADA, GRACE, INCIDENTS, Platform, full_text, link_in};

const ADAS: &str = "ada@example.com";
const QUESTION: &str = "issue list globex/checkout-api";
const DIRECT: &str = "D0ADA";

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

/// The first menu, and the value of its first option.
fn first_choice(blocks: &Value) -> Option<(String, String)> {
    match blocks {
        Value::Array(items) => items.iter().find_map(first_choice),
        Value::Object(fields) if blocks["type"] == "static_select" => {
            let value = blocks["options"][0]["value"].as_str()?;
            Some((fields["action_id"].as_str()?.to_owned(), value.to_owned()))
        }
        Value::Object(fields) => fields.values().find_map(first_choice),
        _ => None,
    }
}

fn press(platform: &Platform, message: &Message, label: &str) {
    let action = button(message, label).unwrap_or_else(|| panic!("no {label} in {message:#?}"));
    let id = if message.private_to.is_some() { &message.id } else { &message.ts };
    platform.press(ADA, id, &action);
}

/// Ada's newest message with these words.
fn with(platform: &Platform, words: &str) -> Message {
    platform.seen_by(ADA).into_iter().rfind(|message| full_text(message).contains(words)).unwrap_or_else(|| {
        panic!("no {words} in {:#?}", platform.seen_by(ADA));
    })
}

fn has_link(platform: &Platform) -> bool {
    platform.seen_by(ADA).iter().any(|message| link_in(message).is_some())
}

fn decline(platform: &Platform) {
    let browser = Browser::new(platform);
    let authorize = browser.start(&platform.link_for(ADA).unwrap()).unwrap();
    assert_eq!(browser.get(&browser.consent(&authorize, None)).status(), 400);
    platform.settle();
}

#[test]
fn what_may_pass_has_a_button_that_asks_the_same_once_more_p19() {
    for kind in [
        FaultKind::Status { code: 503, body: None, headers: Default::default() },
        FaultKind::Html { code: 200 },
        FaultKind::Hang,
        FaultKind::RateLimited { retry_after: 300 },
    ] {
        let platform = Platform::new();
        platform.slash(ADA, "connect");
        platform.connect(ADA, ADAS);
        platform.sandbox.add_fault(Fault::new(Side::Sentry, "globex/issues/", kind.clone()));
        platform.say(ADA, INCIDENTS, &format!("@vedette {QUESTION}"));
        platform.pass(Duration::from_secs(60));
        let failed = platform.seen_by(ADA).pop().unwrap();
        platform.sandbox.clear_faults();
        press(&platform, &failed, "Try again");
        assert!(platform.last_seen_by(ADA).contains("CHECKOUT-API-4F"), "{kind:?}: {}", platform.last_seen_by(ADA));
    }
}

#[test]
fn whoever_has_no_access_gets_buttons_and_nothing_to_type_p4() {
    let platform = Platform::new();
    platform.slash(ADA, "connect");
    platform.connect(ADA, ADAS);
    platform.sandbox.add_fault(Fault::new(Side::Sentry, "globex/issues/", FaultKind::Forbidden));
    platform.say(ADA, INCIDENTS, &format!("@vedette {QUESTION}"));
    let refused = with(&platform, "No access to globex/checkout-api");
    assert_eq!(refused.private_to.as_deref(), Some(ADA));
    let words = full_text(&refused);
    assert!(words.contains(ADAS) && !words.contains("/sentry"), "{words}");
    assert!(button(&refused, "List my organizations").is_some());
    press(&platform, &refused, "Use another account");
    let gone = with(&platform, "Disconnected ada@example.com");
    press(&platform, &gone, "Connect Sentry");
    assert!(has_link(&platform), "and the next account is connected from there");
}

#[test]
fn a_declined_link_leaves_no_button_that_leads_nowhere_p12() {
    for ask in [(|platform| drop(platform.say(ADA, DIRECT, QUESTION))) as fn(&Platform), |platform| {
        platform.slash(ADA, QUESTION)
    }] {
        let platform = Platform::new();
        ask(&platform);
        decline(&platform);
        assert!(!has_link(&platform), "{:#?}", platform.seen_by(ADA));
        let declined = with(&platform, "Changed your mind?");
        match declined.private_to {
            None => press(&platform, &declined, "Connect Sentry"),
            Some(_) => platform.slash(ADA, "connect"), // the answer comes in this place
        }
        platform.connect(ADA, ADAS);
        assert!(platform.seen_by(ADA).iter().any(|it| full_text(it).contains("CHECKOUT-API-4F")), "it went on waiting");
    }
}

#[test]
fn a_link_that_ran_out_says_so_wherever_its_message_can_be_replaced_p12() {
    for ask in [
        (|platform| drop(platform.say(ADA, DIRECT, QUESTION))) as fn(&Platform),
        |platform| platform.slash(ADA, QUESTION),
        |platform| drop(platform.say(ADA, DIRECT, "connect")),
    ] {
        let platform = Platform::new();
        ask(&platform);
        assert!(has_link(&platform));
        platform.pass(Duration::from_secs(10 * 60 + 1));
        assert!(!has_link(&platform), "{:#?}", platform.seen_by(ADA));
        let expired = with(&platform, "has run out");
        match expired.private_to {
            None => press(&platform, &expired, "Connect Sentry"),
            Some(_) => platform.slash(ADA, "connect"), // the answer comes in this place
        }
        platform.connect(ADA, ADAS);
        assert!(platform.seen_by(ADA).iter().any(|it| full_text(it).contains("Connected as")));
        assert!(!has_link(&platform));
    }
}

#[test]
fn to_connect_alone_is_no_question_that_waits() {
    let platform = Platform::new();
    platform.say(ADA, INCIDENTS, "@vedette connect");
    platform.slash(ADA, "connect");
    let link = platform.link_for(ADA).unwrap();
    let page = text(&Browser::new(&platform).get(&link));
    assert!(!page.contains("Waiting for your account"), "{page}");
    let page = platform.connect(ADA, ADAS);
    assert!(page.contains("Sentry account connected") && !page.contains("being answered"), "{page}");

    let platform = Platform::new();
    platform.slash(ADA, "connect");
    platform.slash(ADA, QUESTION);
    let page = text(&Browser::new(&platform).get(&platform.link_for(ADA).unwrap()));
    assert!(page.contains(QUESTION), "the question is named, though connecting waits before it: {page}");
}

#[test]
fn a_declined_connect_ends_where_it_was_asked() {
    let platform = Platform::new();
    platform.say(ADA, DIRECT, "connect");
    decline(&platform);
    assert!(platform.last_seen_by(ADA).contains("Changed your mind?"));
    let seen = platform.seen_by(ADA).len();
    platform.pass(Duration::from_secs(25 * 60 * 60));
    assert_eq!(platform.seen_by(ADA).len(), seen, "nothing is said a day later");
    assert!(!platform.last_seen_by(ADA).contains("I waited"));
}

#[test]
fn a_second_page_says_where_it_stands_and_how_many_remain() {
    let platform = Platform::new();
    platform.say(ADA, DIRECT, QUESTION);
    platform.connect(ADA, ADAS);
    let first = platform.seen_by(ADA).pop().unwrap();
    let words = full_text(&first);
    assert!(
        words.contains("Unresolved issues in globex/checkout-api (1–10 of 46)") && words.contains("… and 36 more"),
        "{words}"
    );
    press(&platform, &first, "Show more");
    let words = platform.last_seen_by(ADA);
    assert!(words.contains("Unresolved issues in globex/checkout-api (11–20 of 46)"), "{words}");
    assert!(words.contains("… and 26 more"), "{words}");
}

#[test]
fn more_of_a_list_takes_the_place_of_what_was_shown() {
    for (channel, ask) in [(DIRECT, QUESTION.to_owned()), (INCIDENTS, format!("@vedette {QUESTION}"))] {
        let platform = Platform::new();
        platform.slash(ADA, "connect");
        platform.connect(ADA, ADAS);
        platform.say(ADA, channel, &ask);
        let first = with(&platform, "1–10 of 46");
        let messages = platform.seen_by(ADA).len();
        press(&platform, &first, "Show more");
        assert_eq!(platform.seen_by(ADA).len(), messages, "{channel}: no second card");
        let second = with(&platform, "11–20 of 46");
        assert_eq!(second.ts, first.ts, "{channel}");
        assert!(!full_text(&second).contains("Asked by"), "{channel}: the question stands above it");
        press(&platform, &second, "Show more");
        let third = with(&platform, "21–30 of 46");
        press(&platform, &third, "Back to the first");
        assert_eq!(with(&platform, "1–10 of 46").ts, first.ts, "{channel}");
        // What is chosen from a list is shown beside it, and the list stays.
        let list = with(&platform, "1–10 of 46");
        let (menu, choice) = first_choice(list.blocks.as_ref().unwrap()).unwrap();
        let click = Click {
            person: ADA.into(),
            message: list.ts.clone(),
            action_id: menu,
            selected: Some(choice),
            ..Click::default()
        };
        platform.deliver(&platform.sandbox.click(platform.now.get(), &click).unwrap());
        platform.settle();
        assert_eq!(platform.seen_by(ADA).len(), messages + 1, "{channel}");
        assert_eq!(with(&platform, "1–10 of 46").ts, first.ts, "{channel}");
    }
}

#[test]
fn more_of_a_list_that_only_its_person_sees_takes_its_place_too() {
    let platform = Platform::new();
    platform.slash(ADA, "connect");
    platform.connect(ADA, ADAS);
    platform.slash(ADA, QUESTION);
    let first = with(&platform, "1–10 of 46");
    let messages = platform.seen_by(ADA).len();
    press(&platform, &first, "Show more");
    assert_eq!(with(&platform, "11–20 of 46").id, first.id);
    assert_eq!(platform.seen_by(ADA).len(), messages);
}

#[test]
fn what_somebody_else_presses_leaves_the_askers_message_as_it_is_p13() {
    let platform = Platform::new();
    platform.slash(ADA, "connect");
    platform.connect(ADA, ADAS);
    platform.say(GRACE, "D0GRACE", "connect");
    platform.connect(GRACE, ADAS);
    platform.say(ADA, INCIDENTS, &format!("@vedette {QUESTION}"));
    let first = with(&platform, "1–10 of 46");
    platform.press(GRACE, &first.ts, &button(&first, "Show more").unwrap());
    assert_eq!(with(&platform, "1–10 of 46").ts, first.ts, "Ada goes on reading");
    let graces = with(&platform, "11–20 of 46");
    assert!(graces.ts != first.ts && full_text(&graces).contains("Asked by"), "{}", full_text(&graces));
    // The answer to Grace is Grace's, and goes on saying so.
    platform.press(GRACE, &graces.ts, &button(&graces, "Show more").unwrap());
    let on = with(&platform, "21–30 of 46");
    assert!(on.ts == graces.ts && full_text(&on).contains("Asked by"), "{}", full_text(&on));
}

#[test]
fn a_suggestion_that_was_used_is_gone_and_its_answer_stands_in_its_place() {
    for (channel, ask) in
        [(DIRECT, "issu lst globex/checkout-api"), (INCIDENTS, "@vedette issu lst globex/checkout-api")]
    {
        let platform = Platform::new();
        platform.slash(ADA, "connect");
        platform.connect(ADA, ADAS);
        platform.say(ADA, channel, ask);
        let guess = with(&platform, "Did you mean");
        assert!(full_text(&guess).contains("issue list globex/checkout-api"), "the line is there to be learned");
        let messages = platform.seen_by(ADA).len();
        press(&platform, &guess, "Show unresolved issues in globex/checkout-api");
        let answer = with(&platform, "1–10 of 46");
        assert_eq!((answer.ts, platform.seen_by(ADA).len()), (guess.ts, messages), "{channel}");
        assert!(!platform.seen_by(ADA).iter().any(|it| full_text(it).contains("Did you mean")), "{channel}");
    }
}

#[test]
fn a_suggestion_that_leads_to_something_personal_is_used_up_in_public_p22() {
    let platform = Platform::new();
    platform.slash(ADA, "connect");
    platform.connect(ADA, ADAS);
    platform.say(ADA, INCIDENTS, "@vedette which account is it, whoamy?");
    platform.say(ADA, INCIDENTS, "@vedette whoamii");
    let guess = with(&platform, "Did you mean");
    press(&platform, &guess, "Show my Sentry account");
    assert_eq!(with(&platform, ADAS).private_to.as_deref(), Some(ADA));
    let used = platform.seen_by(GRACE).into_iter().find(|it| it.ts == guess.ts).unwrap();
    assert!(
        full_text(&used).contains("I answered this privately") && button(&used, "Show my Sentry account").is_none()
    );
}

#[test]
fn a_pressed_message_that_is_gone_meanwhile_is_answered_anew() {
    let platform = Platform::new();
    platform.slash(ADA, "connect");
    platform.connect(ADA, ADAS);
    platform.say(ADA, DIRECT, QUESTION);
    let first = with(&platform, "1–10 of 46");
    let gone = FaultKind::SlackError { error: "message_not_found".to_owned() };
    platform.sandbox.add_fault(Fault::new(Side::Slack, "chat.update", gone));
    press(&platform, &first, "Show more");
    assert_ne!(with(&platform, "11–20 of 46").ts, first.ts);
}

#[test]
fn disconnecting_in_a_direct_message_leaves_no_button_to_do_it_again_p5() {
    let platform = Platform::new();
    platform.say(ADA, DIRECT, "connect");
    platform.connect(ADA, ADAS);
    platform.say(ADA, DIRECT, "status");
    let status = with(&platform, "I can read");
    press(&platform, &status, "Disconnect");
    assert_eq!(with(&platform, "Disconnected ada@example.com").ts, status.ts);
    assert!(platform.seen_by(ADA).iter().all(|it| button(it, "Disconnect").is_none()));
}

#[test]
fn a_list_of_organizations_leads_to_their_issues() {
    let platform = Platform::new();
    platform.say(ADA, DIRECT, "org list");
    platform.connect(ADA, ADAS);
    let list = platform.seen_by(ADA).pop().unwrap();
    assert!(full_text(&list).contains("Your organizations (3)"), "{}", full_text(&list));
    press(&platform, &list, "Issues of globex");
    assert!(platform.last_seen_by(ADA).contains("Unresolved issues in globex"), "{}", platform.last_seen_by(ADA));
}

#[test]
fn status_says_what_the_connection_can_do_in_words_p6() {
    let platform = Platform::new();
    platform.say(ADA, DIRECT, "connect");
    platform.connect(ADA, ADAS);
    platform.say(ADA, DIRECT, "status");
    let words = platform.last_seen_by(ADA);
    for shown in
        ["Connected as Ada Lovelace", "I can read issues, projects, teams and organizations", "Authenticated via OAuth"]
    {
        assert!(words.contains(shown), "{shown}: {words}");
    }
    assert!(!words.contains("event:read"), "{words}");
    assert_eq!(words.matches("MCP clients").count(), 1, "{words}");
}
