//! Pressed buttons and chosen options (<https://docs.slack.dev/reference/interaction-payloads/block_actions-payload>).
//!
//! A press is a request of whoever pressed, under their own grant, even when the message answers somebody else (P13).

use serde::Deserialize;
use url::form_urlencoded;

use super::owner::Owner;
use super::signature::VerifiedSlackRequest;
use super::who::{Admission, InteractionTeams, Requester, is_id, is_ts};
use super::{Door, Malformed, Refusal, response_url};
use crate::turns::calls::LinkPressed;
use crate::turns::request::{Ask, Place, Replaced, TurnRequest};
use vedette_commands::answer::Invocation;

/// What a button does, written in its `action_id`. Where one message holds several of a kind, a number follows:
/// `run:3`.
pub mod action {
    /// Runs the command in the button's value.
    pub const RUN: &str = "run";
    /// The same; the answer takes the place of the message that has the button.
    pub const INSTEAD: &str = "instead";
    /// The same, for the next page of a list.
    pub const MORE: &str = "more";
    /// Opens a page: Slack does that by itself, and tells us.
    pub const OPEN: &str = "open";
    /// Starts connecting a Sentry account.
    pub const CONNECT: &str = "connect";
    /// Disconnects it.
    pub const DISCONNECT: &str = "disconnect";
    /// Opens the person's private link.
    pub const CONNECT_LINK: &str = "connect_link";
}

/// The longest value of a button, in characters: Block Kit's own limit.
pub const MAX_VALUE: usize = 2_000;

/// What an interaction means for us.
#[derive(Clone, Debug)]
pub enum Interaction {
    /// Somebody asks something.
    Ask(Box<TurnRequest>),
    /// Somebody opened their private link.
    Link(LinkPressed),
    /// Somebody asks whom the operator does not let in.
    Refuse(Refusal),
    /// Nothing to do, and why.
    Ignored(&'static str),
}

#[derive(Deserialize)]
pub(super) struct Payload {
    #[serde(rename = "type")]
    kind: Option<String>,
    user: Option<User>,
    team: Option<Team>,
    enterprise: Option<Enterprise>,
    is_enterprise_install: Option<bool>,
    view: Option<View>,
    channel: Option<Channel>,
    container: Option<Container>,
    message: Option<Message>,
    actions: Option<Vec<Action>>,
    response_url: Option<String>,
}

impl Payload {
    fn is_press(&self) -> bool {
        self.kind.as_deref() == Some("block_actions")
    }
}

#[derive(Deserialize)]
struct User {
    id: String,
    team_id: Option<String>,
}

#[derive(Deserialize)]
struct Team {
    id: Option<String>,
    enterprise_id: Option<String>,
}

#[derive(Deserialize)]
struct View {
    app_installed_team_id: Option<String>,
}

#[derive(Deserialize)]
struct Enterprise {
    id: Option<String>,
}

#[derive(Deserialize)]
struct Channel {
    id: String,
}

#[derive(Deserialize)]
struct Container {
    message_ts: Option<String>,
    channel_id: Option<String>,
    thread_ts: Option<String>,
    is_ephemeral: Option<bool>,
}

#[derive(Deserialize)]
struct Message {
    thread_ts: Option<String>,
}

#[derive(Deserialize)]
struct Action {
    action_id: Option<String>,
    block_id: Option<String>,
    value: Option<String>,
    selected_option: Option<SelectedOption>,
    action_ts: Option<String>,
}

#[derive(Deserialize)]
struct SelectedOption {
    value: Option<String>,
}

/// What a press asks for.
enum Pressed {
    Ask(Ask),
    Link,
}

/// Reads an interaction.
///
/// # Errors
/// When the body holds no payload. A press of an unexpected form is [`Interaction::Ignored`].
pub fn parse(request: &VerifiedSlackRequest, door: &Door) -> Result<Interaction, Malformed> {
    let payload = form_urlencoded::parse(request.body()).find(|(name, _)| name == "payload");
    let (_, payload) = payload.ok_or(Malformed("payload is missing"))?;
    let kind: Kind = serde_json::from_str(&payload).map_err(|_| Malformed("payload is not JSON with a type"))?;
    if kind.kind != "block_actions" {
        return Ok(Interaction::Ignored("unhandled interaction"));
    }
    match serde_json::from_str(&payload) {
        Ok(payload) => Ok(press(payload, door).unwrap_or_else(Interaction::Ignored)),
        Err(_) => Ok(Interaction::Ignored("unexpected form")),
    }
}

#[derive(Deserialize)]
struct Kind {
    #[serde(rename = "type")]
    kind: String,
}

/// What was pressed, or why there is nothing to do.
fn press(payload: Payload, door: &Door) -> Result<Interaction, &'static str> {
    // 1. What was pressed.
    let action = payload.actions.as_deref().and_then(<[_]>::first).ok_or("no action")?;
    let pressed = pressed(action)?;

    // 2. Who pressed it.
    let requester = requester(&payload)?;
    let person = requester.person().ok_or("no team")?;
    let response_url = response_url::accepted(payload.response_url.as_deref(), door.api_url).map(String::from);

    // 3. Where.
    let container = payload.container.as_ref().ok_or("no message")?;
    let channel = payload.channel.as_ref().map(|channel| channel.id.clone()).or_else(|| container.channel_id.clone());
    let channel = channel.filter(|id| is_id(id)).ok_or("no channel")?;
    let thread_ts =
        payload.message.as_ref().and_then(|it| it.thread_ts.clone()).or_else(|| container.thread_ts.clone());
    let thread_ts = thread_ts.filter(|ts| is_ts(ts));
    if requester.admission(door.policy) == Admission::Refused {
        return Ok(Interaction::Refuse(Refusal { channel, user: person.user, thread_ts, response_url }));
    }

    let ask = match pressed {
        Pressed::Ask(ask) => ask,
        Pressed::Link => {
            let response_url = response_url.ok_or("a link without a response URL")?;
            return Ok(Interaction::Link(LinkPressed { person, response_url }));
        }
    };
    let message_ts = container.message_ts.clone().filter(|ts| is_ts(ts)).ok_or("no message")?;
    let action_ts = action.action_ts.as_deref().filter(|ts| is_ts(ts)).ok_or("no action time")?;
    let key = format!("press:{channel}:{message_ts}:{action_ts}");
    let place = place(channel, message_ts.clone(), thread_ts, container.is_ephemeral == Some(true));
    Ok(Interaction::Ask(Box::new(TurnRequest {
        key,
        person,
        requester: Some(requester),
        ask,
        replaces: replaced(action, &place, message_ts),
        place,
        origin: door.origin.clone(),
        response_url,
        asked_at: door.now,
    })))
}

/// The message that the answer takes the place of. An ephemeral one is always replaced, by its `response_url`.
fn replaced(action: &Action, place: &Place, ts: String) -> Option<Replaced> {
    let serves_once = match (kind(action), place) {
        (_, Place::Ephemeral { .. }) => false,
        (action::INSTEAD | action::MORE | action::DISCONNECT, _) => true,
        // In a channel the link is sent in a message of its own, which tells what became of it.
        (action::CONNECT, place) => matches!(place, Place::Direct { .. }),
        _ => false,
    };
    let owner = action.block_id.as_deref().and_then(Owner::of_block).filter(|_| serves_once)?;
    Some(Replaced { ts, owner, stays: kind(action) == action::MORE })
}

/// What a button does, without its number.
fn kind(action: &Action) -> &str {
    let id = action.action_id.as_deref().unwrap_or_default();
    id.split_once(':').map_or(id, |(kind, _)| kind)
}

fn pressed(action: &Action) -> Result<Pressed, &'static str> {
    match kind(action) {
        action::RUN | action::INSTEAD | action::MORE => {
            let chosen = action.selected_option.as_ref().and_then(|option| option.value.as_deref());
            let value = action.value.as_deref().or(chosen).ok_or("no value")?;
            invocation(value).map(|invocation| Pressed::Ask(Ask::Run(invocation)))
        }
        action::CONNECT => Ok(Pressed::Ask(Ask::Connect)),
        action::DISCONNECT => Ok(Pressed::Ask(Ask::Disconnect)),
        action::CONNECT_LINK => Ok(Pressed::Link),
        action::OPEN => Err("a page was opened"),
        _ => Err("unknown action"),
    }
}

fn invocation(value: &str) -> Result<Invocation, &'static str> {
    if value.chars().count() > MAX_VALUE {
        return Err("the value is too long");
    }
    serde_json::from_str(value).map_err(|_| "the value is not a command")
}

/// Whose interaction it is: the same for a press, a shortcut and a view.
///
/// A press of a message tells the installation as its `team`. In whatever opens or sends a view, that may be the user's own
/// team, and only `app_installed_team_id` tells.
pub(super) fn requester(payload: &Payload) -> Result<Requester, &'static str> {
    let user = payload.user.as_ref().ok_or("no user")?;
    let present = |id: &Option<String>| id.clone().filter(|id| !id.is_empty());
    let team = payload.team.as_ref();
    let own = team.and_then(|team| present(&team.id));
    let installed = match &payload.view {
        Some(view) => present(&view.app_installed_team_id),
        None => own.clone().filter(|_| payload.is_press()),
    };
    let enterprise = payload.enterprise.as_ref().and_then(|it| present(&it.id));
    let enterprise = enterprise.or_else(|| team.and_then(|team| present(&team.enterprise_id)));
    let enterprise = enterprise.filter(|_| payload.is_press() && installed == own);
    let teams = InteractionTeams {
        user_team: user.team_id.as_deref(),
        team: installed.as_deref(),
        enterprise: enterprise.as_deref(),
        is_enterprise_install: payload.is_enterprise_install == Some(true),
    };
    Requester::of_interaction(&user.id, teams).ok_or("no team")
}

fn place(channel: String, message_ts: String, thread_ts: Option<String>, ephemeral: bool) -> Place {
    if ephemeral {
        Place::Ephemeral { channel, thread_ts }
    } else if channel.starts_with('D') {
        Place::Direct { channel, thread_ts: thread_ts.unwrap_or(message_ts) }
    } else {
        Place::Thread { channel, thread_ts: thread_ts.unwrap_or(message_ts) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::signature::tests::signed;
    use super::super::testing::{NOW, door};
    use super::super::who::Policy;
    use super::*;
    use crate::turns::request::PersonId;

    const RESPONSE_URL: &str = "https://hooks.slack.com/actions/T0GLOBEX1/2/x";

    fn parsed(payload: &Value, door: &Door) -> Result<Interaction, Malformed> {
        let body =
            form_urlencoded::Serializer::new(String::new()).append_pair("payload", &payload.to_string()).finish();
        parse(&signed(body, NOW), door)
    }

    /// A pressed button in a thread, with changes to the payload and to its action.
    fn payload(changes: Value, action: Value) -> Value {
        let mut payload = json!({
            "type": "block_actions",
            "user": {"id": "U0GRACE1", "username": "grace", "team_id": "T0GLOBEX1"},
            "api_app_id": "A0VEDETTE", "token": "x", "trigger_id": "1.2.3",
            "team": {"id": "T0GLOBEX1", "domain": "globex"}, "enterprise": null, "is_enterprise_install": false,
            "channel": {"id": "C0INCIDENT", "name": "incident"},
            "container": {"type": "message", "message_ts": "1760000002.000200", "channel_id": "C0INCIDENT",
                "is_ephemeral": false},
            "message": {"ts": "1760000002.000200", "thread_ts": "1760000000.000100", "text": "…"},
            "state": {"values": {}},
            "response_url": RESPONSE_URL,
            "actions": [{"type": "button", "action_id": "run:1", "block_id": "x", "action_ts": "1760000003.123456",
                "value": r#"{"c":"issue view","p":{"issue":"CHECKOUT-API-4F"}}"#}],
        });
        for (name, value) in changes.as_object().unwrap() {
            payload[name] = value.clone();
        }
        for (name, value) in action.as_object().unwrap() {
            payload["actions"][0][name] = value.clone();
        }
        payload
    }

    fn pressed(changes: Value, action: Value) -> Interaction {
        parsed(&payload(changes, action), &door()).unwrap()
    }

    fn asked(changes: Value, action: Value) -> TurnRequest {
        match pressed(changes, action) {
            Interaction::Ask(request) => *request,
            other => panic!("{other:?}"),
        }
    }

    fn ignored(changes: Value, action: Value) -> &'static str {
        match pressed(changes, action) {
            Interaction::Ignored(reason) => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_pressed_button_is_a_request_of_whoever_pressed_it_p13() {
        let request = asked(json!({}), json!({}));
        assert_eq!(request.key, "press:C0INCIDENT:1760000002.000200:1760000003.123456");
        assert_eq!(request.person, PersonId { team: "T0GLOBEX1".to_owned(), user: "U0GRACE1".to_owned() });
        let invocation =
            Invocation { command: "issue view".to_owned(), parameters: json!({"issue": "CHECKOUT-API-4F"}) };
        assert_eq!(request.ask, Ask::Run(invocation));
        let (channel, thread_ts) = ("C0INCIDENT".to_owned(), "1760000000.000100".to_owned());
        assert_eq!(request.place, Place::Thread { channel, thread_ts });
        assert_eq!(request.response_url.as_deref(), Some(RESPONSE_URL));
    }

    #[test]
    fn a_chosen_option_is_like_a_pressed_button() {
        let option = json!({"text": {"type": "plain_text", "text": "globex"},
            "value": r#"{"c":"issue list","p":{"organization":"globex"}}"#});
        let request = asked(json!({}), json!({"type": "static_select", "value": null, "selected_option": option}));
        assert!(matches!(request.ask, Ask::Run(invocation) if invocation.command == "issue list"));
    }

    #[test]
    fn connecting_and_disconnecting_are_requests() {
        let ask = |id: &str| asked(json!({}), json!({"action_id": id, "value": null})).ask;
        assert_eq!(ask("connect"), Ask::Connect);
        assert_eq!(ask("disconnect"), Ask::Disconnect);
    }

    #[test]
    fn the_place_is_the_thread_the_direct_conversation_or_the_persons_own_view() {
        let place = |changes: Value| asked(changes, json!({})).place;
        let text = str::to_owned;
        let unthreaded = json!({"message": {"ts": "1760000002.000200"}});
        assert_eq!(
            place(unthreaded),
            Place::Thread { channel: text("C0INCIDENT"), thread_ts: text("1760000002.000200") }
        );
        let direct = json!({"channel": {"id": "D0GRACE"}, "container": {"message_ts": "1760000002.000200"}});
        assert_eq!(place(direct), Place::Direct { channel: text("D0GRACE"), thread_ts: text("1760000000.000100") });
        let ephemeral = json!({"message": null, "container": {"type": "message", "is_ephemeral": true,
            "message_ts": "1760000002.000200", "channel_id": "C0INCIDENT"}});
        assert_eq!(place(ephemeral), Place::Ephemeral { channel: text("C0INCIDENT"), thread_ts: None });
        let in_thread = json!({"message": null, "channel": null, "container": {"type": "message", "is_ephemeral": true,
            "message_ts": "1760000002.000200", "channel_id": "C0INCIDENT", "thread_ts": "1760000000.000100"}});
        assert_eq!(
            place(in_thread),
            Place::Ephemeral { channel: text("C0INCIDENT"), thread_ts: Some(text("1760000000.000100")) }
        );
    }

    #[test]
    fn an_opened_private_link_brings_the_way_to_replace_its_message_p12() {
        let link = pressed(json!({}), json!({"action_id": "connect_link", "value": null}));
        let Interaction::Link(pressed) = link else { panic!("{link:?}") };
        assert_eq!((pressed.person.user.as_str(), pressed.response_url.as_str()), ("U0GRACE1", RESPONSE_URL));
        let elsewhere = json!({"response_url": "https://evil.example/"});
        assert_eq!(ignored(elsewhere, json!({"action_id": "connect_link"})), "a link without a response URL");
    }

    #[test]
    fn what_asks_for_nothing_is_ignored() {
        for (changes, action, reason) in [
            (json!({"type": "view_submission"}), json!({}), "unhandled interaction"),
            (json!({"type": "view_closed"}), json!({}), "unhandled interaction"),
            (json!({"type": "shortcut"}), json!({}), "unhandled interaction"),
            (json!({}), json!({"action_id": "open:2", "value": null}), "a page was opened"),
            (json!({}), json!({"action_id": "runner"}), "unknown action"),
            (json!({}), json!({"action_id": "somebody_elses"}), "unknown action"),
            (json!({}), json!({"action_id": null}), "unknown action"),
            (json!({}), json!({"value": null}), "no value"),
            (json!({}), json!({"value": "issue view"}), "the value is not a command"),
            (json!({}), json!({"value": "{}"}), "the value is not a command"),
            (json!({}), json!({"value": format!("{:2001}", 1)}), "the value is too long"),
            (json!({}), json!({"action_ts": null}), "no action time"),
            (json!({"user": null}), json!({}), "no user"),
            (json!({"user": {"id": "U1/../2"}}), json!({}), "no team"),
            (json!({"user": "U1"}), json!({}), "unexpected form"),
            (json!({"container": null}), json!({}), "no message"),
            (json!({"container": {"type": "view"}}), json!({}), "no message"),
            (json!({"container": {"type": "view"}, "channel": null}), json!({}), "no channel"),
        ] {
            assert_eq!(ignored(changes.clone(), action.clone()), reason, "{changes} {action}");
        }
        assert_eq!(pressed_nothing(), "no action");
    }

    fn pressed_nothing() -> &'static str {
        let mut payload = payload(json!({}), json!({}));
        payload["actions"] = json!([]);
        match parsed(&payload, &door()).unwrap() {
            Interaction::Ignored(reason) => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_person_is_keyed_by_their_own_team_p13() {
        for (changes, expected) in [
            (json!({}), "slack:T0GLOBEX1:U0GRACE1"),
            (json!({"user": {"id": "U0GAVIN01", "team_id": "T0HOOLI01"}}), "slack:T0HOOLI01:U0GAVIN01"),
            (json!({"enterprise": {"id": "E0GLOBEX", "name": "Globex"}}), "slack:E0GLOBEX:U0GRACE1"),
            (json!({"team": {"id": "T0GLOBEX1", "enterprise_id": "E0GLOBEX"}}), "slack:E0GLOBEX:U0GRACE1"),
            (
                json!({"team": null, "enterprise": {"id": "E0GLOBEX"}, "is_enterprise_install": true}),
                "slack:E0GLOBEX:U0GRACE1",
            ),
            (json!({"team": null}), "slack:T0GLOBEX1:U0GRACE1"),
        ] {
            assert_eq!(asked(changes.clone(), json!({})).person.object_name(), expected, "{changes}");
        }
    }

    #[test]
    fn a_response_url_elsewhere_is_dropped() {
        assert_eq!(
            asked(json!({"response_url": "https://hooks.slack.com.evil.example/"}), json!({})).response_url,
            None
        );
    }

    #[test]
    fn somebody_of_a_team_that_is_not_allowed_is_refused() {
        let allowed = ["T0OTHER".to_owned()];
        let refused = parsed(
            &payload(json!({}), json!({})),
            &Door { policy: Policy { allowed: &allowed, headless: false }, ..door() },
        )
        .unwrap();
        assert!(
            matches!(refused, Interaction::Refuse(refusal) if refusal.response_url.as_deref() == Some(RESPONSE_URL))
        );
    }

    #[test]
    fn a_body_without_a_payload_is_malformed() {
        for body in ["", "payload=", "payload=1", "payload=%7B%7D", "{\"type\":\"block_actions\"}"] {
            assert!(parse(&signed(body, NOW), &door()).is_err(), "{body}");
        }
    }
}
