//! The Events API (<https://docs.slack.dev/apis/events-api>): mentions in channels, and direct messages.
//!
//! One message can arrive several times: Slack retries an event up to three times, and a mention in a channel whose
//! messages the app is subscribed to comes as an `app_mention` and as its twin `message`. All of them give the same key,
//! `<channel>:<ts>`, and the same request, so whichever comes first is the turn and the others are not (P9).

use serde::Deserialize;
use serde_json::Value;

use super::signature::VerifiedSlackRequest;
use super::who::{Admission, EventTeams, Requester, is_id, is_ts};
use super::{Door, Malformed, Refusal, words};
use crate::turns::request::{Ask, Place, TurnRequest};

/// What an event means for us.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Slack verifies that the URL is ours: it wants this text back.
    Challenge(String),
    /// Somebody asks something.
    Ask(Box<TurnRequest>),
    /// Somebody asks whom the operator does not let in.
    Refuse(Refusal),
    /// Not for us, and why.
    Ignored(&'static str),
}

/// The longest challenge that is echoed, in bytes. Slack's have about fifty.
const MAX_CHALLENGE: usize = 1_000;

/// The subtypes of `message` that are a person's own words: with a file, and in a thread but shown in the channel too.
const SPOKEN: [&str; 2] = ["file_share", "thread_broadcast"];

#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "type")]
    kind: String,
    challenge: Option<String>,
    team_id: Option<String>,
    enterprise_id: Option<String>,
    event: Option<Value>,
    authorizations: Option<Vec<Authorization>>,
    is_ext_shared_channel: Option<bool>,
}

#[derive(Deserialize)]
struct Authorization {
    enterprise_id: Option<String>,
    team_id: Option<String>,
    user_id: Option<String>,
    is_bot: Option<bool>,
}

#[derive(Deserialize)]
struct Said {
    #[serde(rename = "type")]
    kind: String,
    subtype: Option<String>,
    channel: Option<String>,
    channel_type: Option<String>,
    user: Option<String>,
    bot_id: Option<String>,
    hidden: Option<bool>,
    edited: Option<Value>,
    text: Option<String>,
    blocks: Option<Value>,
    ts: Option<String>,
    thread_ts: Option<String>,
    team: Option<String>,
    user_team: Option<String>,
    source_team: Option<String>,
    user_profile: Option<Profile>,
}

#[derive(Deserialize)]
struct Profile {
    team: Option<String>,
}

/// Reads an event.
///
/// # Errors
/// When the body is not an event at all. An event of an unexpected form is [`Event::Ignored`]: a retry would not mend it.
pub fn parse(request: &VerifiedSlackRequest, door: &Door) -> Result<Event, Malformed> {
    let envelope: Envelope =
        serde_json::from_slice(request.body()).map_err(|_| Malformed("the body is not an event in JSON"))?;
    match envelope.kind.as_str() {
        "url_verification" => challenge(envelope),
        "event_callback" => Ok(event(envelope, door)),
        _ => Ok(Event::Ignored("unknown envelope")),
    }
}

fn challenge(envelope: Envelope) -> Result<Event, Malformed> {
    let challenge = envelope.challenge.filter(|challenge| challenge.len() <= MAX_CHALLENGE);
    challenge.map(Event::Challenge).ok_or(Malformed("the challenge is missing"))
}

fn event(mut envelope: Envelope, door: &Door) -> Event {
    let Some(event) = envelope.event.take() else { return Event::Ignored("no event") };
    let kind = event.get("type").and_then(Value::as_str).unwrap_or_default();
    if !matches!(kind, "app_mention" | "message") {
        return Event::Ignored("unhandled event");
    }
    match serde_json::from_value(event) {
        Ok(said) => heard(said, &envelope, door).unwrap_or_else(Event::Ignored),
        Err(_) => Event::Ignored("unexpected form"),
    }
}

/// What somebody said, or why it is not for us.
fn heard(said: Said, envelope: &Envelope, door: &Door) -> Result<Event, &'static str> {
    // 1. Only a person's own, new words: everything else could be an echo of ours.
    let bots = own_users(envelope);
    if said.bot_id.is_some() {
        return Err("said by a bot");
    }
    if said.subtype.as_deref().is_some_and(|subtype| !SPOKEN.contains(&subtype)) {
        return Err("subtype");
    }
    if said.hidden == Some(true) || said.edited.as_ref().is_some_and(|edited| !edited.is_null()) {
        return Err("hidden or edited");
    }
    let user = said.user.as_deref().ok_or("no user")?;
    if bots.contains(&user) || user == "USLACKBOT" {
        return Err("said by a bot");
    }

    // 2. Where it was said, and whether to us.
    let channel = said.channel.clone().filter(|id| is_id(id)).ok_or("no channel")?;
    let ts = said.ts.clone().filter(|ts| is_ts(ts)).ok_or("no time")?;
    let thread_ts = said.thread_ts.clone().filter(|ts| is_ts(ts)).unwrap_or_else(|| ts.clone());
    let text = said.text.clone().filter(|text| !text.trim().is_empty());
    // Some clients send the words in blocks alone.
    let text = text.unwrap_or_else(|| said.blocks.as_ref().map(words::of_blocks).unwrap_or_default());
    let direct = said.channel_type.as_deref() == Some("im") || channel.starts_with('D');
    let words = if said.kind == "app_mention" && bots.is_empty() {
        without_first_mention(&text)
    } else {
        let (words, mentioned) = without_mentions(&text, &bots);
        if said.kind == "message" && !direct && !mentioned {
            return Err("not said to us");
        }
        words
    };

    let words = without_command(words, door.command);

    // 3. Who said it.
    let requester = Requester::of_event(user, teams(&said, envelope)).ok_or("no team")?;
    let person = requester.person().ok_or("no team")?;
    if requester.admission(door.policy) == Admission::Refused {
        return Ok(Event::Refuse(Refusal {
            channel,
            user: person.user,
            // Slack shows an ephemeral message in a thread only once the thread has a reply.
            thread_ts: (!direct && thread_ts != ts).then_some(thread_ts),
            response_url: None,
        }));
    }

    let key = format!("{channel}:{ts}");
    let place = if direct { Place::Direct { channel, thread_ts } } else { Place::Thread { channel, thread_ts } };
    Ok(Event::Ask(Box::new(TurnRequest {
        key,
        person,
        requester: Some(requester),
        ask: Ask::Words(words),
        place,
        origin: door.origin.clone(),
        response_url: None,
        replaces: None,
        asked_at: door.now,
    })))
}

/// The user ids under which the app itself speaks.
fn own_users(envelope: &Envelope) -> Vec<&str> {
    let authorizations = envelope.authorizations.as_deref().unwrap_or_default();
    authorizations.iter().filter(|it| it.is_bot == Some(true)).filter_map(|it| it.user_id.as_deref()).collect()
}

/// `words` without the slash command that some write in a message too.
fn without_command(words: String, command: &str) -> String {
    let rest = words.strip_prefix(command).filter(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace));
    rest.map_or_else(|| words.clone(), |rest| rest.trim_start().to_owned())
}

/// All that the payload says of where its user belongs.
fn teams<'a>(said: &'a Said, envelope: &'a Envelope) -> EventTeams<'a> {
    let authorized = envelope.authorizations.as_deref().and_then(<[_]>::first);
    EventTeams {
        is_mention: said.kind == "app_mention",
        user_team: said.user_team.as_deref(),
        source_team: said.source_team.as_deref(),
        profile_team: said.user_profile.as_ref().and_then(|profile| profile.team.as_deref()),
        team: said.team.as_deref(),
        authorized: authorized.map(|it| (it.team_id.as_deref(), it.enterprise_id.as_deref())),
        envelope: (envelope.team_id.as_deref(), envelope.enterprise_id.as_deref()),
        is_externally_shared: envelope.is_ext_shared_channel,
    }
}

/// `text` without the mentions of `users`, and whether there was one. The rest stays as Slack wrote it.
fn without_mentions(text: &str, users: &[&str]) -> (String, bool) {
    let mut kept = String::new();
    let mut mentioned = false;
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("<@") {
        match mention(after).filter(|(user, _)| users.contains(user)) {
            Some((_, after)) => {
                mentioned = true;
                kept.push_str(before);
                // The white space on one side of the mention goes with it.
                let joined = kept.is_empty() || kept.ends_with(char::is_whitespace);
                rest = if joined { after.trim_start() } else { after };
            }
            None => {
                kept.push_str(before);
                kept.push_str("<@");
                rest = after;
            }
        }
    }
    kept.push_str(rest);
    (kept.trim().to_owned(), mentioned)
}

/// `text` without the mention it starts with: for an `app_mention` that does not say which user we are.
fn without_first_mention(text: &str) -> String {
    let text = text.trim();
    let rest = text.strip_prefix("<@").and_then(mention).map(|(_, after)| after);
    rest.unwrap_or(text).trim().to_owned()
}

/// Reads the rest of `<@U0BOT>` or `<@U0BOT|name>`, after its `<@`: the user, and what follows.
fn mention(after: &str) -> Option<(&str, &str)> {
    let (inside, after) = after.split_once('>')?;
    let user = inside.split_once('|').map_or(inside, |(user, _)| user);
    is_id(user).then_some((user, after))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::signature::tests::signed;
    use super::super::testing::{NOW, door};
    use super::super::who::Policy;
    use super::*;
    use crate::turns::request::PersonId;

    fn merge(into: &mut Value, changes: Value) {
        for (name, value) in changes.as_object().unwrap() {
            into[name] = value.clone();
        }
    }

    /// An `app_mention`, with changes to its envelope and to its event.
    fn mention(envelope: Value, event: Value) -> Event {
        let mut body = json!({
            "type": "event_callback", "token": "x", "team_id": "T0GLOBEX1", "api_app_id": "A0VEDETTE",
            "event_id": "Ev1", "event_time": 1_760_000_000, "is_ext_shared_channel": false,
            "authorizations": [{"enterprise_id": null, "team_id": "T0GLOBEX1", "user_id": "U0VEDETTE", "is_bot": true}],
            "event": {
                "type": "app_mention", "user": "U0ADA0001", "text": "<@U0VEDETTE> issue list", "team": "T0GLOBEX1",
                "ts": "1760000000.000100", "channel": "C0INCIDENT", "event_ts": "1760000000.000100",
                "blocks": [{"type": "rich_text"}],
            },
        });
        merge(&mut body["event"], event);
        merge(&mut body, envelope);
        parse(&signed(body.to_string(), NOW), &door()).unwrap()
    }

    /// The same for a direct message.
    fn direct(event: Value) -> Event {
        let mut message = json!({
            "type": "message", "channel": "D0ADA", "channel_type": "im", "text": "issue list",
        });
        merge(&mut message, event);
        mention(json!({}), message)
    }

    fn asked(event: Event) -> TurnRequest {
        match event {
            Event::Ask(request) => *request,
            other => panic!("{other:?}"),
        }
    }

    fn words(text: &str) -> String {
        match asked(mention(json!({}), json!({"text": text}))).ask {
            Ask::Words(words) => words,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_mention_is_a_request_in_the_thread_it_opens() {
        let request = asked(mention(json!({}), json!({})));
        assert_eq!(request.key, "C0INCIDENT:1760000000.000100");
        assert_eq!(request.person, PersonId { team: "T0GLOBEX1".to_owned(), user: "U0ADA0001".to_owned() });
        assert_eq!(request.ask, Ask::Words("issue list".to_owned()));
        let (channel, thread_ts) = ("C0INCIDENT".to_owned(), "1760000000.000100".to_owned());
        assert_eq!(request.place, Place::Thread { channel, thread_ts });
        assert_eq!((request.response_url, request.asked_at), (None, NOW));
    }

    #[test]
    fn a_mention_in_a_thread_is_answered_in_that_thread() {
        let request = asked(mention(json!({}), json!({"thread_ts": "1759999999.000001"})));
        assert_eq!(request.key, "C0INCIDENT:1760000000.000100");
        assert_eq!(request.place.thread_ts(), Some("1759999999.000001"));
    }

    #[test]
    fn a_direct_message_needs_no_mention_and_opens_a_thread_of_its_own() {
        let request = asked(direct(json!({})));
        let (channel, thread_ts) = ("D0ADA".to_owned(), "1760000000.000100".to_owned());
        assert_eq!(request.place, Place::Direct { channel, thread_ts });
        assert_eq!(request.key, "D0ADA:1760000000.000100");
        let request = asked(direct(json!({"thread_ts": "1759999999.000001", "text": "<@U0VEDETTE> help"})));
        assert_eq!(request.place.thread_ts(), Some("1759999999.000001"));
        assert_eq!(request.ask, Ask::Words("help".to_owned()));
    }

    #[test]
    fn an_event_its_retries_and_its_twin_are_one_request_p9() {
        let first = asked(mention(json!({}), json!({})));
        let retry = asked(mention(json!({"event_id": "Ev1"}), json!({})));
        let twin = json!({"type": "message", "channel_type": "channel", "client_msg_id": "x"});
        let twin = asked(mention(json!({"event_id": "Ev2"}), twin));
        assert_eq!(first, retry);
        assert_eq!(first, twin);
    }

    #[test]
    fn equal_times_in_two_channels_are_two_requests_p9() {
        let elsewhere = asked(mention(json!({}), json!({"channel": "C0OTHER"})));
        assert_ne!(asked(mention(json!({}), json!({}))).key, elsewhere.key);
    }

    #[test]
    fn only_our_own_mention_is_taken_off_and_the_text_stays_as_slack_wrote_it() {
        for (text, expected) in [
            ("<@U0VEDETTE> issue list", "issue list"),
            ("<@U0VEDETTE|vedette>   issue list ", "issue list"),
            ("hey <@U0VEDETTE> issue list", "hey issue list"),
            ("hey <@U0VEDETTE>, issue list", "hey , issue list"),
            ("issue list <@U0VEDETTE>", "issue list"),
            ("<@U0VEDETTE> <@U0VEDETTE> help", "help"),
            ("<@U0VEDETTE> assign X-1 to <@U0GRACE1>", "assign X-1 to <@U0GRACE1>"),
            (
                "<@U0VEDETTE> <https://globex.sentry.io/issues/1/?a=1&amp;b=2>",
                "<https://globex.sentry.io/issues/1/?a=1&amp;b=2>",
            ),
            ("<@U0VEDETTE> is:unresolved &lt;3  two  spaces", "is:unresolved &lt;3  two  spaces"),
            ("<@U0VEDETTE", "<@U0VEDETTE"),
            ("<@", "<@"),
            ("<@U0VEDETTE>", ""),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
    }

    #[test]
    fn a_mention_that_does_not_say_who_we_are_loses_its_first_mention() {
        let unknown = |text: &str| asked(mention(json!({"authorizations": null}), json!({"text": text}))).ask;
        assert_eq!(unknown("<@U0VEDETTE> ask <@U0GRACE1>"), Ask::Words("ask <@U0GRACE1>".to_owned()));
        assert_eq!(unknown("ask <@U0VEDETTE>"), Ask::Words("ask <@U0VEDETTE>".to_owned()));
    }

    #[test]
    fn what_is_not_a_persons_new_words_to_us_is_ignored() {
        for (event, reason) in [
            (json!({"bot_id": "B0OTHER"}), "said by a bot"),
            (json!({"user": "U0VEDETTE"}), "said by a bot"),
            (json!({"user": "USLACKBOT"}), "said by a bot"),
            (json!({"user": null}), "no user"),
            (json!({"subtype": "message_changed", "hidden": true}), "subtype"),
            (json!({"subtype": "message_deleted"}), "subtype"),
            (json!({"subtype": "bot_message"}), "subtype"),
            (json!({"subtype": "channel_join"}), "subtype"),
            (json!({"subtype": "me_message"}), "subtype"),
            (json!({"hidden": true}), "hidden or edited"),
            (json!({"edited": {"user": "U0ADA0001", "ts": "1760000001.000000"}}), "hidden or edited"),
            (json!({"type": "message", "channel_type": "channel", "text": "lunch?"}), "not said to us"),
            (json!({"type": "message", "channel_type": "group", "text": "<@U0GRACE1> lunch?"}), "not said to us"),
            (json!({"type": "message", "channel_type": "mpim", "text": "lunch?"}), "not said to us"),
            (json!({"type": "reaction_added", "user": {"an": "object"}}), "unhandled event"),
            (json!({"type": "app_home_opened"}), "unhandled event"),
            (json!({"channel": null}), "no channel"),
            (json!({"channel": "C1:2"}), "no channel"),
            (json!({"ts": "soon"}), "no time"),
            (json!({"user": {"an": "object"}}), "unexpected form"),
            (json!({"user": "U1:U2"}), "no team"),
        ] {
            assert_eq!(mention(json!({}), event.clone()), Event::Ignored(reason), "{event}");
        }
        assert_eq!(direct(json!({"bot_id": "B0VEDETTE"})), Event::Ignored("said by a bot"));
        assert_eq!(direct(json!({"subtype": "message_changed"})), Event::Ignored("subtype"));
        assert_eq!(mention(json!({"event": null}), json!({})), Event::Ignored("no event"));
        assert_eq!(mention(json!({"type": "app_rate_limited"}), json!({})), Event::Ignored("unknown envelope"));
        let nowhere = json!({"team_id": null, "authorizations": null});
        assert_eq!(mention(nowhere, json!({"team": null})), Event::Ignored("no team"));
    }

    #[test]
    fn words_with_a_file_and_words_also_sent_to_the_channel_are_words() {
        for subtype in ["file_share", "thread_broadcast"] {
            assert_eq!(asked(mention(json!({}), json!({"subtype": subtype}))).ask, Ask::Words("issue list".to_owned()));
        }
        let file_alone = asked(direct(json!({"subtype": "file_share", "text": null, "files": [{"id": "F1"}]})));
        assert_eq!(file_alone.ask, Ask::Words(String::new()));
    }

    #[test]
    fn a_partner_in_a_shared_channel_is_keyed_by_their_own_team_p13() {
        for stated in [
            json!({"user_team": "T0HOOLI01"}),
            json!({"source_team": "T0HOOLI01"}),
            json!({"user_team": "T0HOOLI01", "source_team": "T0GLOBEX1"}),
        ] {
            let request = asked(mention(json!({"is_ext_shared_channel": true}), stated));
            assert_eq!(request.person.object_name(), "slack:T0HOOLI01:U0ADA0001");
        }
        let own = asked(mention(json!({"is_ext_shared_channel": true}), json!({"user_team": "T0GLOBEX1"})));
        assert_eq!(own.person.object_name(), "slack:T0GLOBEX1:U0ADA0001");
    }

    #[test]
    fn on_enterprise_grid_a_person_is_one_across_workspaces() {
        let bot = |enterprise: Value| json!([{"enterprise_id": enterprise, "team_id": null, "user_id": "U0VEDETTE", "is_bot": true}]);
        for envelope in [
            json!({"authorizations": bot(json!("E0GLOBEX"))}),
            json!({"authorizations": bot(json!(null)), "enterprise_id": "E0GLOBEX"}),
            json!({"authorizations": bot(json!("E0GLOBEX")), "team_id": null}),
        ] {
            for team in ["T0GLOBEX1", "T0GLOBEX2", "E0GLOBEX"] {
                let request = asked(mention(envelope.clone(), json!({"user_team": team})));
                assert_eq!(request.person.object_name(), "slack:E0GLOBEX:U0ADA0001", "{envelope} {team}");
            }
        }
    }

    #[test]
    fn somebody_of_a_team_that_is_not_allowed_is_refused_where_they_asked() {
        let allowed = ["T0GLOBEX1".to_owned()];
        let body = json!({
            "type": "event_callback", "team_id": "T0GLOBEX1", "is_ext_shared_channel": true,
            "event": {"type": "app_mention", "user": "U0GAVIN01", "user_team": "T0HOOLI01", "text": "<@U0VEDETTE> hi",
                "ts": "1760000000.000100", "channel": "C0INCIDENT"},
        });
        let event = parse(
            &signed(body.to_string(), NOW),
            &Door { policy: Policy { allowed: &allowed, headless: false }, ..door() },
        )
        .unwrap();
        assert_eq!(
            event,
            Event::Refuse(Refusal {
                channel: "C0INCIDENT".to_owned(),
                user: "U0GAVIN01".to_owned(),
                thread_ts: None,
                response_url: None,
            })
        );
    }

    #[test]
    fn words_that_are_in_blocks_alone_are_read_and_those_beside_a_text_are_not() {
        let section = |elements: Value| json!([{"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": elements}]}]);
        let blocks = section(
            json!([{"type": "user", "user_id": "U0VEDETTE"}, {"type": "text", "text": " issue list <globex>"}]),
        );
        for text in [json!(null), json!(""), json!("  ")] {
            let request = asked(mention(json!({}), json!({"text": text, "blocks": blocks})));
            assert_eq!(request.ask, Ask::Words("issue list &lt;globex&gt;".to_owned()), "{text}");
        }
        let twice = asked(mention(json!({}), json!({"blocks": blocks})));
        assert_eq!(twice.ask, Ask::Words("issue list".to_owned()));
        let direct = asked(direct(json!({"text": "", "blocks": section(json!([{"type": "text", "text": "help"}]))})));
        assert_eq!(direct.ask, Ask::Words("help".to_owned()));
        let spoken = json!({"type": "message", "channel_type": "channel", "text": "", "blocks": blocks});
        assert_eq!(asked(mention(json!({}), spoken)).ask, Ask::Words("issue list &lt;globex&gt;".to_owned()));
    }

    #[test]
    fn the_slash_command_written_in_a_message_is_no_word_of_the_question() {
        let door = Door { command: "/vedette", ..door() };
        for (text, expected) in [
            ("<@U0VEDETTE> /vedette issue list", "issue list"),
            ("<@U0VEDETTE> /vedette", ""),
            ("<@U0VEDETTE> /vedettes issue list", "/vedettes issue list"),
            ("<@U0VEDETTE> issue /vedette", "issue /vedette"),
        ] {
            let body = json!({
                "type": "event_callback", "team_id": "T1", "is_ext_shared_channel": false,
                "authorizations": [{"team_id": "T1", "user_id": "U0VEDETTE", "is_bot": true}],
                "event": {"type": "app_mention", "user": "U1", "text": text, "ts": "1.1", "channel": "C1"},
            });
            let event = parse(&signed(body.to_string(), NOW), &door).unwrap();
            assert_eq!(asked(event).ask, Ask::Words(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn the_url_is_verified_by_echoing_the_challenge() {
        let parsed = |body: &'static str| parse(&signed(body, NOW), &door());
        let body = r#"{"type":"url_verification","token":"x","challenge":"3eZbrw1aB"}"#;
        assert_eq!(parsed(body), Ok(Event::Challenge("3eZbrw1aB".to_owned())));
        assert!(parsed(r#"{"type":"url_verification"}"#).is_err());
    }

    #[test]
    fn what_is_not_an_event_is_malformed() {
        for body in
            ["", "{}", "[]", "null", "payload=%7B%7D", "{\"type\":1}", "\u{feff}{", "{\"type\":\"event_callback\""]
        {
            assert!(parse(&signed(body, NOW), &door()).is_err(), "{body}");
        }
    }
}
