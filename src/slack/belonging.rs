//! Who belongs where, by every kind of payload, situation and field: tables.
//!
//! Each situation is a payload as Slack sends it. From each, every field that tells of a team is taken away and made null, one
//! at a time. Whatever is left: an outsider is never taken for home, and somebody of home is never shut out without Slack
//! being asked.

use serde_json::{Value, json};
use url::form_urlencoded;

use super::events::{self, Event};
use super::interactions::{self, Interaction};
use super::signature::tests::signed;
use super::testing::{NOW, door};
use super::who::{Admission, Affiliation, Membership, Policy, Requester};
use super::{commands, commands::Command};
use Admission::{Admitted, Refused, Undecided};
use Affiliation::{Home, Other, Unknown};

/// A kind of payload: how it is read, and its fields that tell of a team.
struct Kind {
    name: &'static str,
    fields: &'static [&'static str],
    read: fn(&Value) -> Option<Requester>,
}

const EVENT: Kind = Kind {
    name: "event",
    fields: &[
        "/event/user_team",
        "/event/source_team",
        "/event/user_profile",
        "/event/user_profile/team",
        "/event/team",
        "/authorizations",
        "/authorizations/0/team_id",
        "/authorizations/0/enterprise_id",
        "/team_id",
        "/enterprise_id",
        "/context_team_id",
        "/context_enterprise_id",
        "/is_ext_shared_channel",
    ],
    read: event,
};
const PRESS: Kind = Kind { name: "press", fields: INTERACTION, read: press };
const SHORTCUT: Kind = Kind { name: "shortcut", fields: INTERACTION, read: shortcut };
const INTERACTION: &[&str] = &[
    "/user/team_id",
    "/team",
    "/team/id",
    "/team/enterprise_id",
    "/enterprise",
    "/enterprise/id",
    "/is_enterprise_install",
    "/view",
    "/view/app_installed_team_id",
];
const COMMAND: Kind =
    Kind { name: "command", fields: &["/team_id", "/enterprise_id", "/is_enterprise_install"], read: command };

fn event(payload: &Value) -> Option<Requester> {
    match events::parse(&signed(payload.to_string(), NOW), &door()).unwrap() {
        Event::Ask(request) => request.requester,
        // Without an authorization, a message in a channel is not known to be for us.
        Event::Ignored("no team" | "not said to us") => None,
        other => panic!("{other:?}"),
    }
}

fn press(payload: &Value) -> Option<Requester> {
    let body = form_urlencoded::Serializer::new(String::new()).append_pair("payload", &payload.to_string()).finish();
    match interactions::parse(&signed(body, NOW), &door()).unwrap() {
        Interaction::Ask(request) => request.requester,
        Interaction::Ignored("no team") => None,
        other => panic!("{other:?}"),
    }
}

/// What is to come: read by the same function.
fn shortcut(payload: &Value) -> Option<Requester> {
    interactions::requester(&serde_json::from_value(payload.clone()).unwrap()).ok()
}

fn command(payload: &Value) -> Option<Requester> {
    let fields = payload.as_object().unwrap().iter();
    let fields = fields.filter(|(_, value)| !value.is_null()).map(|(name, value)| (name, value.as_str().unwrap()));
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    match commands::parse(&signed(body, NOW), &door()) {
        Ok(Command::Ask(request)) => request.requester,
        Err(_) => None,
        other => panic!("{other:?}"),
    }
}

/// Who somebody really is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Truly {
    /// Of the installation's workspace or enterprise.
    Ours,
    /// Of another company.
    Theirs,
}
use Truly::{Ours, Theirs};

struct Situation {
    name: &'static str,
    kind: &'static Kind,
    payload: Value,
    truly: Truly,
    affiliation: Affiliation,
    key: &'static str,
}

/// An `app_mention` or message; `event` and `envelope` change it.
fn said(kind: &str, channel: &str, event: Value, envelope: Value) -> Value {
    let mut payload = json!({
        "type": "event_callback", "team_id": "T100",
        "authorizations": [{"enterprise_id": null, "team_id": "T100", "user_id": "UBOT", "is_bot": true,
            "is_enterprise_install": false}],
        "is_ext_shared_channel": false,
        "event": {"type": kind, "user": "U1", "text": "<@UBOT> hi", "ts": "1760000000.000100", "channel": channel},
    });
    merge(&mut payload["event"], event);
    merge(&mut payload, envelope);
    payload
}

fn mention(event: Value, envelope: Value) -> Value {
    said("app_mention", "C1", event, envelope)
}

fn pressed(changes: Value) -> Value {
    let mut payload = json!({
        "type": "block_actions", "user": {"id": "U1", "team_id": "T100"}, "team": {"id": "T100", "domain": "globex"},
        "enterprise": null, "is_enterprise_install": false, "channel": {"id": "C1"},
        "container": {"type": "message", "message_ts": "1760000002.000200", "channel_id": "C1"},
        "actions": [{"type": "button", "action_id": "connect", "action_ts": "1760000003.1"}],
    });
    merge(&mut payload, changes);
    payload
}

fn typed(changes: Value) -> Value {
    let mut payload = json!({
        "team_id": "T100", "channel_id": "C1", "user_id": "U1", "command": "/sentry", "text": "hi", "trigger_id": "1.2",
        "is_enterprise_install": "false",
    });
    merge(&mut payload, changes);
    payload
}

fn merge(into: &mut Value, changes: Value) {
    for (name, value) in changes.as_object().unwrap() {
        into[name] = value.clone();
    }
}

fn situations() -> Vec<Situation> {
    let grid = json!([{"enterprise_id": "E900", "team_id": "T100", "user_id": "UBOT", "is_bot": true}]);
    let whole = json!([{"enterprise_id": "E900", "team_id": null, "user_id": "UBOT", "is_bot": true,
        "is_enterprise_install": true}]);
    let partners =
        json!({"team": "T100", "user_team": "T200", "source_team": "T200", "user_profile": {"team": "T200"}});
    let of_grid = json!({"team": "T100", "user_team": "E200", "source_team": "E200", "user_profile": {"team": "E200"}});
    let shared = json!({"is_ext_shared_channel": true});
    let guest =
        json!({"team": "T100", "user_profile": {"team": "T100", "is_restricted": true, "is_ultra_restricted": true}});
    let of = |kind: &'static Kind| {
        move |name, payload, truly, affiliation, key| Situation { name, kind, payload, truly, affiliation, key }
    };
    let (event, press, shortcut, command) = (of(&EVENT), of(&PRESS), of(&SHORTCUT), of(&COMMAND));
    vec![
        // ---- Events
        event("plain", mention(json!({"team": "T100"}), json!({})), Ours, Home, "T100"),
        event("plain and silent", mention(json!({}), json!({})), Ours, Home, "T100"),
        event("a guest", mention(guest, json!({})), Ours, Home, "T100"),
        event(
            "a direct message",
            said("message", "D1", json!({"channel_type": "im", "team": "T100"}), json!({})),
            Ours,
            Home,
            "T100",
        ),
        event(
            "a channel that we share, a colleague",
            mention(json!({"team": "T100"}), shared.clone()),
            Ours,
            Home,
            "T100",
        ),
        event(
            "a partner's channel, a colleague",
            mention(json!({"team": "T100"}), json!({"team_id": "T200", "is_ext_shared_channel": true})),
            Ours,
            Home,
            "T100",
        ),
        event(
            "a partner's channel in Enterprise Grid, a colleague's message",
            said(
                "message",
                "C1",
                json!({"team": "T100"}),
                json!({"team_id": "T200", "enterprise_id": "E200",
                "context_team_id": "T100", "context_enterprise_id": null, "is_ext_shared_channel": true}),
            ),
            Ours,
            Home,
            "T100",
        ),
        event(
            "a partner's channel, a colleague, and the mention repeats the partner's team",
            mention(
                json!({"team": "T200", "user_team": "T100", "source_team": "T100", "user_profile": {"team": "T100"}}),
                json!({"team_id": "T200", "enterprise_id": "E200", "is_ext_shared_channel": true}),
            ),
            Ours,
            Unknown,
            "T100",
        ),
        event("a channel that we share, a partner", mention(partners.clone(), shared.clone()), Theirs, Other, "T200"),
        event(
            "a channel that we share, a partner of Enterprise Grid",
            mention(of_grid.clone(), shared.clone()),
            Theirs,
            Other,
            "E200",
        ),
        event(
            "a partner's message",
            said(
                "message",
                "C1",
                json!({"team": "T200"}),
                json!({"team_id": "T200", "context_team_id": "T100",
                "is_ext_shared_channel": true}),
            ),
            Theirs,
            Other,
            "T200",
        ),
        event(
            "a partner's direct message",
            said(
                "message",
                "D1",
                json!({"channel_type": "im", "team": "T200", "user_team": "T200"}),
                json!({"is_ext_shared_channel": true}),
            ),
            Theirs,
            Other,
            "T200",
        ),
        event("a partner, and the payload is silent", mention(json!({}), shared.clone()), Theirs, Unknown, "T100"),
        event(
            "a partner, and nothing says that the channel is shared",
            mention(partners.clone(), json!({})),
            Theirs,
            Other,
            "T200",
        ),
        event(
            "Grid, one workspace",
            mention(json!({"team": "T100"}), json!({"authorizations": grid})),
            Ours,
            Home,
            "E900",
        ),
        event(
            "Grid, the enterprise named",
            mention(json!({"team": "E900", "user_team": "E900"}), json!({"authorizations": grid})),
            Ours,
            Home,
            "E900",
        ),
        event(
            "Grid, from another workspace",
            mention(
                json!({"team": "T333"}),
                json!({"authorizations": grid, "team_id": "T333", "enterprise_id": "E900"}),
            ),
            Ours,
            Home,
            "E900",
        ),
        event(
            "Grid, of another workspace",
            mention(json!({"team": "T333"}), json!({"authorizations": grid})),
            Ours,
            Unknown,
            "E900",
        ),
        event(
            "Grid, a partner",
            mention(partners, json!({"authorizations": grid, "is_ext_shared_channel": true})),
            Theirs,
            Unknown,
            "E900",
        ),
        event(
            "Grid, a partner of Grid",
            mention(of_grid, json!({"authorizations": grid, "is_ext_shared_channel": true})),
            Theirs,
            Other,
            "E200",
        ),
        event(
            "Grid, for the whole enterprise",
            mention(
                json!({"team": "T333"}),
                json!({"authorizations": whole, "team_id": "T333", "enterprise_id": "E900"}),
            ),
            Ours,
            Home,
            "E900",
        ),
        // ---- Presses
        press("plain", pressed(json!({})), Ours, Home, "T100"),
        press("a partner", pressed(json!({"user": {"id": "U1", "team_id": "T200"}})), Theirs, Other, "T200"),
        press("a partner of Grid", pressed(json!({"user": {"id": "U1", "team_id": "E200"}})), Theirs, Other, "E200"),
        press("silent", pressed(json!({"user": {"id": "U1"}})), Theirs, Unknown, "T100"),
        press(
            "Grid, one workspace",
            pressed(json!({"team": {"id": "T100", "enterprise_id": "E900"}, "enterprise": {"id": "E900"}})),
            Ours,
            Home,
            "E900",
        ),
        press(
            "Grid, from another workspace",
            pressed(json!({"user": {"id": "U1", "team_id": "T333"}, "team": {"id": "T100", "enterprise_id": "E900"},
                "enterprise": {"id": "E900"}})),
            Ours,
            Unknown,
            "E900",
        ),
        press(
            "Grid, for the whole enterprise",
            pressed(json!({"user": {"id": "U1", "team_id": "E900"}, "team": null, "enterprise": {"id": "E900"},
                "is_enterprise_install": true})),
            Ours,
            Home,
            "E900",
        ),
        press(
            "Grid, for the whole enterprise, from a workspace",
            pressed(json!({"user": {"id": "U1", "team_id": "T333"}, "team": null, "enterprise": {"id": "E900"},
                "is_enterprise_install": true})),
            Ours,
            Unknown,
            "E900",
        ),
        press(
            "Grid, for the whole enterprise, a partner",
            pressed(json!({"user": {"id": "U1", "team_id": "T200"}, "team": null, "enterprise": {"id": "E900"},
                "is_enterprise_install": true})),
            Theirs,
            Unknown,
            "E900",
        ),
        // ---- Shortcuts and views
        shortcut(
            "plain",
            json!({"user": {"id": "U1", "team_id": "T100"}, "team": {"id": "T100"}, "enterprise": null}),
            Ours,
            Unknown,
            "T100",
        ),
        shortcut(
            "a partner",
            json!({"user": {"id": "U1", "team_id": "T200"}, "team": {"id": "T100"}, "enterprise": null}),
            Theirs,
            Unknown,
            "T200",
        ),
        shortcut(
            "a view",
            json!({"user": {"id": "U1", "team_id": "T100"}, "team": {"id": "T100"}, "view": {"app_installed_team_id": "T100"}}),
            Ours,
            Home,
            "T100",
        ),
        shortcut(
            "a view that a partner opened",
            json!({"user": {"id": "U1", "team_id": "T200"}, "team": {"id": "T200"}, "view": {"app_installed_team_id": "T100"}}),
            Theirs,
            Other,
            "T200",
        ),
        shortcut(
            "Grid, from another workspace",
            json!({"type": "shortcut", "user": {"id": "U1", "team_id": "T333"}, "team": {"id": "T100"}, "enterprise": {"id": "E900"}}),
            Ours,
            Unknown,
            "T333",
        ),
        // ---- Slash commands
        command("plain", typed(json!({})), Ours, Unknown, "T100"),
        command("Grid", typed(json!({"team_id": "T333", "enterprise_id": "E900"})), Ours, Unknown, "E900"),
        command(
            "Grid, for the whole enterprise",
            typed(json!({"team_id": "T333", "enterprise_id": "E900", "is_enterprise_install": "true"})),
            Ours,
            Unknown,
            "E900",
        ),
    ]
}

fn key(requester: &Requester) -> String {
    requester.person().unwrap().team
}

#[test]
fn each_situation_has_its_affiliation_and_its_key_p13() {
    for Situation { name, kind, payload, affiliation, key: expected, .. } in situations() {
        let requester = (kind.read)(&payload).unwrap_or_else(|| panic!("{} {name}", kind.name));
        assert_eq!(
            (requester.affiliation(), key(&requester).as_str()),
            (affiliation, expected),
            "{} {name}",
            kind.name
        );
    }
}

#[test]
fn whichever_field_is_missing_or_null_an_outsider_is_never_taken_for_home_and_a_colleague_never_shut_out_p13() {
    let mut tried = 0;
    for Situation { name, kind, payload, truly, .. } in situations() {
        for field in kind.fields {
            let Some((parent, child)) = field.rsplit_once('/') else { continue };
            let mut nulled = payload.clone();
            let Some(value) = nulled.pointer_mut(field) else { continue };
            *value = Value::Null;
            let mut missing = payload.clone();
            missing.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(child);
            let (nulled, missing) = ((kind.read)(&nulled), (kind.read)(&missing));
            let said = |it: &Option<Requester>| it.as_ref().map(|it| (it.person(), it.affiliation(), it.is_settled()));
            assert_eq!(said(&nulled), said(&missing), "{} {name} without {field}", kind.name);
            tried += 1;
            // Without a team at all there is nobody to answer.
            let Some(requester) = missing else { continue };
            let forbidden = if truly == Theirs { Home } else { Other };
            // Without its enterprise, an installation has no other workspaces; and a mention that names a partner's team
            // without saying where it arrived is taken at its word. Both are closed.
            let without: &[&str] = match name {
                "a partner's channel, a colleague, and the mention repeats the partner's team" => &["/team_id"],
                _ => &["/enterprise", "/enterprise/id", "/authorizations", "/authorizations/0/enterprise_id"],
            };
            let closed = truly == Ours && without.contains(field);
            if !closed {
                assert_ne!(requester.affiliation(), forbidden, "{} {name} without {field}: {requester:?}", kind.name);
            }
        }
    }
    assert!(tried > 150, "{tried}");
}

#[test]
fn a_list_and_the_operators_own_access_let_in_whom_they_are_for_and_ask_where_nothing_is_told_p6() {
    let admission = |payload: &Situation, allowed: &[&str], headless: bool| {
        let allowed: Vec<String> = allowed.iter().map(|id| (*id).to_owned()).collect();
        (payload.kind.read)(&payload.payload).unwrap().admission(Policy { allowed: &allowed, headless })
    };
    for it in situations() {
        let name = format!("{} {}", it.kind.name, it.name);
        assert_eq!(admission(&it, &[], false), Admitted, "{name}");
        let headless = match it.affiliation {
            Home => Admitted,
            Other => Refused,
            Unknown => Undecided,
        };
        assert_eq!(admission(&it, &[], true), headless, "{name}");
        for headless in [false, true] {
            let ours = admission(&it, &["T100", "E900"], headless);
            let theirs = admission(&it, &["T200", "E200"], headless);
            match (it.truly, it.affiliation) {
                (Ours, Home) => assert_eq!(ours, Admitted, "{name}"),
                (Theirs, Other) => assert_eq!((ours == Admitted, theirs), (false, Admitted), "{name}"),
                (Theirs, _) => assert_eq!(ours, Undecided, "{name}"),
                (Ours, _) => assert_ne!(ours, Refused, "{name}"),
            }
            assert_ne!(admission(&it, &["T999"], headless), Admitted, "{name}");
        }
    }
}

#[test]
fn what_slack_says_settles_it_and_what_contradicts_the_payload_does_not() {
    let membership = |team: &str, enterprise: &str, teams: &[&str]| Membership {
        team: (!team.is_empty()).then(|| team.to_owned()),
        enterprise: (!enterprise.is_empty()).then(|| enterprise.to_owned()),
        teams: teams.iter().map(|team| (*team).to_owned()).collect(),
    };
    let silent = mention(json!({}), json!({"is_ext_shared_channel": true}));
    let sister =
        pressed(json!({"user": {"id": "U1", "team_id": "T333"}, "team": {"id": "T100", "enterprise_id": "E900"}}));
    let repeated = mention(
        json!({"team": "T200", "user_team": "T100"}),
        json!({"team_id": "T200", "is_ext_shared_channel": true}),
    );
    let partner = pressed(json!({"user": {"id": "U1", "team_id": "T200"}}));
    for (requester, told, expected) in [
        (event(&silent), membership("T100", "", &[]), Some((Home, "T100"))),
        (event(&silent), membership("T200", "", &[]), Some((Other, "T200"))),
        (event(&silent), membership("T200", "E200", &["T200"]), Some((Other, "E200"))),
        (event(&silent), membership("T200", "E200", &[]), Some((Other, "E200"))),
        (event(&silent), membership("", "", &[]), None),
        (event(&silent), membership("T1/00", "", &[]), None),
        (event(&repeated), membership("T100", "", &[]), Some((Home, "T100"))),
        (event(&repeated), membership("T200", "", &[]), None),
        (press(&sister), membership("T333", "E900", &["T100", "T333"]), Some((Home, "E900"))),
        (press(&sister), membership("T100", "E900", &["T100", "T333"]), Some((Home, "E900"))),
        (press(&sister), membership("T333", "E900", &[]), Some((Home, "E900"))),
        (press(&sister), membership("T333", "E200", &[]), Some((Other, "E200"))),
        (press(&sister), membership("T333", "", &[]), Some((Other, "T333"))),
        // Somebody of home has the same user id.
        (press(&sister), membership("T100", "", &[]), None),
        (press(&sister), membership("T100", "E900", &["T100"]), None),
        (press(&partner), membership("T200", "E200", &["T200"]), Some((Other, "E200"))),
        (press(&partner), membership("T100", "", &[]), None),
    ] {
        let requester = requester.unwrap();
        let settled = requester.told(&told);
        let found = settled.as_ref().map(|it| (it.affiliation(), key(it)));
        assert_eq!(found, expected.map(|(affiliation, key)| (affiliation, key.to_owned())), "{requester:?} {told:?}");
        assert!(settled.is_none_or(|it| it.is_settled()));
    }
}

#[test]
fn what_slack_says_decides_whom_a_list_lets_in() {
    let sister =
        pressed(json!({"user": {"id": "U1", "team_id": "T333"}, "team": {"id": "T100", "enterprise_id": "E900"}}));
    let told = Membership {
        team: Some("T333".into()),
        enterprise: Some("E900".into()),
        teams: vec!["T100".into(), "T333".into()],
    };
    let settled = press(&sister).unwrap().told(&told).unwrap();
    for (allowed, expected) in
        [("T100", Admitted), ("T333", Admitted), ("E900", Admitted), ("T200", Refused), ("E200", Refused)]
    {
        for headless in [false, true] {
            let allowed = [allowed.to_owned()];
            assert_eq!(settled.admission(Policy { allowed: &allowed, headless }), expected, "{allowed:?}");
        }
    }
    assert_eq!(settled.admission(Policy { allowed: &[], headless: true }), Admitted);
}

#[test]
fn an_id_that_could_not_be_one_names_nobody() {
    let long = "U".repeat(33);
    for user in ["", "U1:U2", "U 1", "../x", &long] {
        assert_eq!(Requester::of_command(user, Some("T1"), None), None, "{user}");
    }
    for team in ["T:1", "../T1", ""] {
        assert_eq!(Requester::of_command("U1", Some(team), None), None, "{team}");
        if !team.is_empty() {
            assert_eq!(press(&pressed(json!({"user": {"id": "U1", "team_id": team}}))), None, "{team}");
        }
    }
}
