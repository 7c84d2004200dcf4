//! The slash command (<https://docs.slack.dev/interactivity/implementing-slash-commands>): `/sentry …`.

use std::collections::HashMap;

use sha2::{Digest, Sha256};
use url::form_urlencoded;

use super::signature::VerifiedSlackRequest;
use super::who::{Admission, Requester, is_id};
use super::{Door, Malformed, Refusal, response_url};
use crate::turns::request::{Ask, Place, TurnRequest};

/// What a slash command means for us.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Somebody asks something.
    Ask(Box<TurnRequest>),
    /// Somebody asks whom the operator does not let in.
    Refuse(Refusal),
    /// Slack checks our certificate.
    Ignored(&'static str),
}

/// Reads a slash command.
///
/// # Errors
/// When the body does not say who used it, or where.
pub fn parse(request: &VerifiedSlackRequest, door: &Door) -> Result<Command, Malformed> {
    let fields: HashMap<_, _> = form_urlencoded::parse(request.body()).into_owned().collect();
    let field = |name: &str| fields.get(name).filter(|value| !value.is_empty()).cloned();
    if field("ssl_check").as_deref() == Some("1") {
        return Ok(Command::Ignored("ssl check"));
    }

    let user = field("user_id").ok_or(Malformed("user_id is missing"))?;
    let channel = field("channel_id").filter(|id| is_id(id)).ok_or(Malformed("channel_id is missing or malformed"))?;
    let requester = Requester::of_command(&user, field("team_id").as_deref(), field("enterprise_id").as_deref());
    let requester = requester.ok_or(Malformed("user_id or team_id is missing or malformed"))?;
    let person = requester.person().ok_or(Malformed("team_id is missing"))?;
    let response_url = response_url::accepted(field("response_url").as_deref(), door.api_url).map(String::from);
    if requester.admission(door.policy) == Admission::Refused {
        return Ok(Command::Refuse(Refusal { channel, user, thread_ts: None, response_url }));
    }

    let words = field("text").unwrap_or_default().trim().to_owned();
    Ok(Command::Ask(Box::new(TurnRequest {
        key: key(field("trigger_id"), request, &channel, &user, &words),
        person,
        requester: Some(requester),
        ask: Ask::Words(words),
        place: Place::Ephemeral { channel, thread_ts: None },
        origin: door.origin.clone(),
        response_url,
        replaces: None,
        asked_at: door.now,
    })))
}

/// `slash:<trigger id>`. Slack sends one with each use; if it ever does not, what was typed where and when stands in.
fn key(trigger: Option<String>, request: &VerifiedSlackRequest, channel: &str, user: &str, words: &str) -> String {
    match trigger.filter(|trigger| trigger.len() <= 255) {
        Some(trigger) => format!("slash:{trigger}"),
        None => {
            let words = hex::encode(Sha256::digest(words.as_bytes()));
            format!("slash:{channel}:{user}:{}:{words}", request.signed_at())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::signature::tests::signed;
    use super::super::testing::{NOW, door};
    use super::super::who::Policy;
    use super::*;
    use crate::turns::request::PersonId;

    const FIELDS: [(&str, &str); 9] = [
        ("team_id", "T0GLOBEX1"),
        ("enterprise_id", ""),
        ("channel_id", "C0INCIDENT"),
        ("user_id", "U0ADA0001"),
        ("command", "/sentry"),
        ("text", "issue list globex/checkout-api &lt;3"),
        ("response_url", "https://hooks.slack.com/commands/T1/2/x"),
        ("trigger_id", "398738663015.47445629121.803a0bc8"),
        ("a_field_of_tomorrow", "1"),
    ];

    fn with(changes: &[(&str, &str)]) -> Result<Command, Malformed> {
        let mut fields: HashMap<&str, &str> = FIELDS.into_iter().collect();
        fields.extend(changes.iter().copied());
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        parse(&signed(body, NOW), &door())
    }

    fn asked(changes: &[(&str, &str)]) -> TurnRequest {
        match with(changes).unwrap() {
            Command::Ask(request) => *request,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_slash_command_is_a_private_request_with_its_words_as_typed() {
        let request = asked(&[]);
        assert_eq!(request.key, "slash:398738663015.47445629121.803a0bc8");
        assert_eq!(request.person, PersonId { team: "T0GLOBEX1".to_owned(), user: "U0ADA0001".to_owned() });
        assert_eq!(request.ask, Ask::Words("issue list globex/checkout-api &lt;3".to_owned()));
        assert_eq!(request.place, Place::Ephemeral { channel: "C0INCIDENT".to_owned(), thread_ts: None });
        assert_eq!(request.response_url.as_deref(), Some("https://hooks.slack.com/commands/T1/2/x"));
        assert_eq!(request.asked_at, NOW);
        assert_eq!(request.origin.as_str(), "https://vedette.example.com/");
    }

    #[test]
    fn on_enterprise_grid_the_person_is_the_organizations() {
        assert_eq!(asked(&[("enterprise_id", "E0GLOBEX")]).person.team, "E0GLOBEX");
        assert_eq!(asked(&[("enterprise_id", "E0GLOBEX"), ("team_id", "")]).person.team, "E0GLOBEX");
    }

    #[test]
    fn a_response_url_elsewhere_is_dropped() {
        for bad in ["https://evil.example/", "http://hooks.slack.com/x", "", "not a url"] {
            assert_eq!(asked(&[("response_url", bad)]).response_url, None, "{bad}");
        }
    }

    #[test]
    fn without_a_trigger_the_same_words_at_the_same_time_are_the_same_request_p9() {
        let key = |text: &str| asked(&[("trigger_id", ""), ("text", text)]).key;
        assert_eq!(key("issue list"), key("issue list"));
        assert_ne!(key("issue list"), key("issue view X-1"));
        assert!(key("issue list").starts_with("slash:C0INCIDENT:U0ADA0001:"));
    }

    #[test]
    fn a_command_without_user_team_or_channel_is_malformed() {
        for missing in ["user_id", "team_id", "channel_id"] {
            assert!(with(&[(missing, "")]).is_err(), "{missing}");
        }
        assert!(parse(&signed("", NOW), &door()).is_err());
        assert!(parse(&signed(&b"\xff\xfe&&&==="[..], NOW), &door()).is_err());
    }

    #[test]
    fn slacks_certificate_check_is_nobodys_request() {
        assert_eq!(parse(&signed("ssl_check=1&token=x", NOW), &door()), Ok(Command::Ignored("ssl check")));
    }

    #[test]
    fn somebody_of_a_team_that_is_not_allowed_is_refused() {
        let allowed = ["T0OTHER".to_owned()];
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(FIELDS).finish();
        let command =
            parse(&signed(body, NOW), &Door { policy: Policy { allowed: &allowed, headless: false }, ..door() })
                .unwrap();
        assert!(matches!(command, Command::Refuse(refusal) if refusal.user == "U0ADA0001"));
    }
}
