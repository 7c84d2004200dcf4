//! The three URLs that Slack calls.
//!
//! Each goes through the same steps, in this order, so that nothing is read before it is proven to be Slack's, and nothing
//! is acknowledged before it is durable (P8):
//!
//! 1. The door is configured, else 503 with the name of the variable.
//! 2. The body is of a bounded size, else 413.
//! 3. Slack signed it, else 401.
//! 4. It is what this URL takes, else 400.
//! 5. It is for us and from somebody whom the operator lets in, else it is acknowledged and dropped.
//! 6. The person's object has stored it, else 503: Slack sends an event again.
//! 7. Slack is told.
//!
//! The only thing waited for between 3 and 7 is the person's object, which stores and replies without calling anybody.
//! What takes a call to Slack (telling somebody who is refused) is returned beside the response as [`Reply::deferred`].

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode, header};
use serde_json::{Value, json};
use url::Url;

use super::api::{Api, Respond};
use super::blocks::Message;
use super::commands::{self, Command};
use super::events::{self, Event};
use super::interactions::{self, Interaction};
use super::signature::{VerifiedSlackRequest, verify};
use super::who::Policy;
use super::{Door, Malformed, Refusal, messages};
use crate::config::{Problem, SlackApp};
use crate::ports::{self, Level, ObjectError};
use crate::reply::{Deferred, Reply};
use crate::turns::calls::{Accept, Accepted, LinkPressed};
use crate::turns::request::TurnRequest;
use crate::turns::store::INBOX;
use crate::world::World;

/// The longest body that is read, in bytes: Slack's own are far below (a message has 40,000 characters at most).
pub const MAX_BODY: usize = 1024 * 1024;
/// When to try again what the configuration prevents, in seconds.
const RETRY_CONFIGURATION: u32 = 300;
/// When to try again what could not be stored, in seconds.
const RETRY_STORE: u32 = 5;

/// `POST /slack/events`: mentions and direct messages.
pub async fn events(world: &World, request: Request<Bytes>, origin: &Url) -> Reply {
    answer_event(world, request, origin).await.unwrap_or_else(|closed| closed.response().into())
}

async fn answer_event(world: &World, request: Request<Bytes>, origin: &Url) -> Result<Reply, Closed> {
    let (slack, verified) = admit(world, request)?; // 1, 2, 3
    let event = events::parse(&verified, &door(world, slack, origin))?; // 4
    Ok(match event {
        Event::Challenge(challenge) => text(StatusCode::OK, challenge).into(),
        // 5
        Event::Ignored(reason) => {
            world.ports.log.log(Level::Info, "slack.event.ignored", &[("reason", reason)]);
            empty().into()
        }
        Event::Refuse(refusal) => Reply::deferring(empty(), tell_refused(world, refusal)),
        // 6, 7. Whatever became of it, the object tells the person: an event has no answer of its own.
        Event::Ask(request) => match accept(world, *request).await {
            Ok(_) => empty().into(),
            Err(_) => return Err(Closed::NotStored),
        },
    })
}

/// `POST /slack/commands`: `/sentry …`.
pub async fn commands(world: &World, request: Request<Bytes>, origin: &Url) -> Reply {
    answer_command(world, request, origin).await.unwrap_or_else(|closed| closed.response().into())
}

async fn answer_command(world: &World, request: Request<Bytes>, origin: &Url) -> Result<Reply, Closed> {
    let (slack, verified) = admit(world, request)?; // 1, 2, 3
    let command = commands::parse(&verified, &door(world, slack, origin))?; // 4
    Ok(match command {
        // 5
        Command::Ignored(_) => empty().into(),
        Command::Refuse(refusal) => {
            log_refusal(world, &refusal);
            privately(&messages::not_allowed()).into()
        }
        // 6, 7. The response is the first thing the person sees; for an error status Slack would show words of its own.
        Command::Ask(request) => match accept(world, *request).await {
            Ok(Accepted::New(progress)) if !progress.is_empty() => privately(&messages::progress(&progress)).into(),
            Ok(Accepted::Answered(answer)) => privately(&answer).into(),
            Ok(Accepted::New(_) | Accepted::Again) => empty().into(),
            Ok(Accepted::Full) => privately(&messages::inbox_full(INBOX)).into(),
            Err(_) => privately(&messages::not_stored()).into(),
        },
    })
}

/// `POST /slack/interactions`: pressed buttons and chosen options.
pub async fn interactions(world: &World, request: Request<Bytes>, origin: &Url) -> Reply {
    answer_interaction(world, request, origin).await.unwrap_or_else(|closed| closed.response().into())
}

async fn answer_interaction(world: &World, request: Request<Bytes>, origin: &Url) -> Result<Reply, Closed> {
    let (slack, verified) = admit(world, request)?; // 1, 2, 3
    let interaction = interactions::parse(&verified, &door(world, slack, origin))?; // 4
    Ok(match interaction {
        // 5
        Interaction::Ignored(reason) => {
            world.ports.log.log(Level::Info, "slack.interaction.ignored", &[("reason", reason)]);
            empty().into()
        }
        Interaction::Refuse(refusal) => Reply::deferring(empty(), tell_refused(world, refusal)),
        // 6, 7. A press is not sent again, so a person whose press was lost is told, where there is a way to.
        Interaction::Link(pressed) => {
            link_pressed(world, pressed).await;
            empty().into()
        }
        Interaction::Ask(request) => {
            let response_url = request.response_url.clone();
            let failure = match (accept(world, *request).await, &response_url) {
                (Ok(Accepted::New(_) | Accepted::Answered(_) | Accepted::Again), _) => return Ok(empty().into()),
                (Ok(Accepted::Full), _) => messages::inbox_full(INBOX),
                (Err(_), Some(_)) => messages::not_stored(),
                (Err(_), None) => return Err(Closed::NotStored),
            };
            let deferred = response_url.and_then(|response_url| tell(world, response_url, failure));
            Reply::deferring(empty(), deferred)
        }
    })
}

/// Why a request went no further: one variant for each thing that Slack can be told.
enum Closed {
    /// Step 1.
    NotConfigured(Problem),
    /// Step 2.
    TooLong,
    /// Step 3.
    Unverified,
    /// Step 4.
    Malformed(Malformed),
    /// Step 6.
    NotStored,
}

impl From<Malformed> for Closed {
    fn from(malformed: Malformed) -> Closed {
        Closed::Malformed(malformed)
    }
}

impl Closed {
    fn response(self) -> Response<Bytes> {
        match self {
            Closed::NotConfigured(problem) => unavailable(RETRY_CONFIGURATION, problem.to_string()),
            Closed::TooLong => refused(StatusCode::PAYLOAD_TOO_LARGE, "The body is too long."),
            Closed::Unverified => refused(StatusCode::UNAUTHORIZED, "The request is not signed by Slack for this app."),
            Closed::Malformed(Malformed(what)) => refused(StatusCode::BAD_REQUEST, what),
            Closed::NotStored => unavailable(RETRY_STORE, "The request could not be stored."),
        }
    }
}

/// Steps 1 to 3: the door's configuration, and a body that Slack signed.
fn admit(world: &World, request: Request<Bytes>) -> Result<(&SlackApp, VerifiedSlackRequest), Closed> {
    let slack = world.config.slack.as_ref().map_err(|problem| {
        world.ports.log.log(Level::Error, "slack.not_configured", &[("variable", problem.variable)]);
        Closed::NotConfigured(*problem)
    })?;
    let (head, body) = request.into_parts();
    if body.len() > MAX_BODY {
        return Err(Closed::TooLong);
    }
    let verified = verify(&slack.signing_secret, &head.headers, body, world.ports.clock.now()).map_err(|reason| {
        world.ports.log.log(Level::Warn, "slack.unverified", &[("reason", &reason.to_string())]);
        Closed::Unverified
    })?;
    Ok((slack, verified))
}

fn door<'a>(world: &'a World, slack: &'a SlackApp, origin: &'a Url) -> Door<'a> {
    Door {
        policy: Policy::of(&world.config),
        command: &slack.command,
        api_url: &slack.api_url,
        origin,
        now: world.ports.clock.now(),
    }
}

/// Step 6.
async fn accept(world: &World, request: TurnRequest) -> Result<Accepted, ObjectError> {
    let name = request.person.object_name();
    let accepted = ports::call(&*world.objects, &name, &Accept { request }).await;
    if let Err(error) = &accepted {
        world.ports.log.log(Level::Error, "slack.not_stored", &[("person", &name), ("error", &error.0)]);
    }
    accepted
}

/// Best effort: without it, the message with the link stays until Slack takes it away.
async fn link_pressed(world: &World, pressed: LinkPressed) {
    let name = pressed.person.object_name();
    if let Err(error) = ports::call(&*world.objects, &name, &pressed).await {
        world.ports.log.log(Level::Warn, "slack.link_press.not_stored", &[("person", &name), ("error", &error.0)]);
    }
}

fn log_refusal(world: &World, refusal: &Refusal) {
    world.ports.log.log(Level::Info, "slack.not_allowed", &[("user", &refusal.user), ("channel", &refusal.channel)]);
}

fn tell_refused(world: &World, refusal: Refusal) -> Option<Deferred> {
    log_refusal(world, &refusal);
    if let Some(response_url) = refusal.response_url {
        return tell(world, response_url, messages::not_allowed());
    }
    let api = Api::new(world).ok()?;
    let log = world.ports.log.clone();
    Some(Box::pin(async move {
        let Refusal { channel, user, thread_ts, .. } = refusal;
        let told = api.post_ephemeral(&channel, &user, thread_ts.as_deref(), &messages::not_allowed()).await;
        if let Err(error) = told {
            log.log(Level::Warn, "slack.not_told", &[("error", &error.to_string())]);
        }
    }))
}

fn tell(world: &World, response_url: String, message: Message) -> Option<Deferred> {
    let api = Api::new(world).ok()?;
    let log = world.ports.log.clone();
    Some(Box::pin(async move {
        if let Err(error) = api.respond(&response_url.into(), &message, Respond::New).await {
            log.log(Level::Warn, "slack.not_told", &[("error", &error.to_string())]);
        }
    }))
}

fn empty() -> Response<Bytes> {
    Response::new(Bytes::new())
}

/// A response in plain text.
fn text(status: StatusCode, body: impl Into<Bytes>) -> Response<Bytes> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// A refusal that no retry would change: Slack is asked not to.
fn refused(status: StatusCode, sentence: &'static str) -> Response<Bytes> {
    let mut response = text(status, sentence);
    response.headers_mut().insert(HeaderName::from_static("x-slack-no-retry"), HeaderValue::from_static("1"));
    response
}

fn unavailable(retry_after: u32, sentence: impl Into<Bytes>) -> Response<Bytes> {
    let mut response = text(StatusCode::SERVICE_UNAVAILABLE, sentence);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry_after));
    response
}

/// A slash command's answer, for the person alone.
fn privately(message: &Message) -> Response<Bytes> {
    let body: Value = json!({"response_type": "ephemeral", "text": message.text, "blocks": message.blocks});
    let mut response = Response::new(Bytes::from(body.to_string()));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    response
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use serde_json::json;
    use url::form_urlencoded;

    use super::super::signature::tests::signed_headers;
    use super::super::testing::{Fake, NOW, SIGNING_SECRET, now, origin, world};
    use super::*;
    use crate::ports::ObjectError;

    fn request(body: &str) -> Request<Bytes> {
        let mut request = Request::new(Bytes::from(body.to_owned()));
        *request.headers_mut() = signed_headers(SIGNING_SECRET, NOW, body.as_bytes());
        request
    }

    fn mention() -> Request<Bytes> {
        mention_by("T0GLOBEX1")
    }

    fn mention_by(team: &str) -> Request<Bytes> {
        let event = json!({"type": "app_mention", "user": "U0ADA0001", "text": "<@U0VEDETTE> issue list",
            "user_team": team, "ts": "1760000000.000100", "channel": "C0INCIDENT"});
        request(&json!({"type": "event_callback", "team_id": "T0GLOBEX1", "event": event}).to_string())
    }

    fn slash() -> Request<Bytes> {
        request(
            "team_id=T0GLOBEX1&channel_id=C0INCIDENT&user_id=U0ADA0001&command=%2Fsentry&text=issue+list&trigger_id=1.2\
             &response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2Fx",
        )
    }

    fn press(response_url: Option<&str>, action_id: &str) -> Request<Bytes> {
        let payload = json!({
            "type": "block_actions", "user": {"id": "U0ADA0001", "team_id": "T0GLOBEX1"}, "team": {"id": "T0GLOBEX1"},
            "channel": {"id": "C0INCIDENT"}, "container": {"message_ts": "1760000002.000200"},
            "response_url": response_url,
            "actions": [{"action_id": action_id, "value": r#"{"c":"issue list","p":{}}"#, "action_ts": "1760000003.1"}],
        });
        let body =
            form_urlencoded::Serializer::new(String::new()).append_pair("payload", &payload.to_string()).finish();
        request(&body)
    }

    fn replies(fake: &Fake, reply: Result<Accepted, &str>) {
        let reply = reply.map(|accepted| serde_json::to_string(&accepted).unwrap());
        fake.replies.borrow_mut().push_back(reply.map_err(|error| ObjectError(error.to_owned())));
    }

    fn body(reply: &Reply) -> &str {
        std::str::from_utf8(reply.response.body()).unwrap()
    }

    fn shown(reply: &Reply) -> String {
        let body: Value = serde_json::from_slice(reply.response.body()).unwrap();
        assert_eq!(body["response_type"], "ephemeral");
        assert_eq!(reply.response.headers()["content-type"], "application/json; charset=utf-8");
        body["text"].as_str().unwrap().to_owned()
    }

    fn status(reply: &Reply) -> u16 {
        reply.response.status().as_u16()
    }

    /// Every route, with a request that it takes.
    fn each(world: &World, change: impl Fn(Request<Bytes>) -> Request<Bytes>) -> [Reply; 3] {
        let press = press(Some("https://hooks.slack.com/actions/x"), "run:1");
        [
            now(events(world, change(mention()), origin())),
            now(commands(world, change(slash()), origin())),
            now(interactions(world, change(press), origin())),
        ]
    }

    #[test]
    fn an_event_is_acknowledged_after_it_is_stored_p8() {
        let (world, fake) = world(&[]);
        replies(&fake, Ok(Accepted::New("Looking…".to_owned())));
        let reply = now(events(&world, mention(), origin()));
        assert_eq!((status(&reply), body(&reply)), (200, ""));
        let called = fake.called.borrow();
        let (name, path, body) = &called[0];
        assert_eq!((name.as_str(), path.as_str()), ("slack:T0GLOBEX1:U0ADA0001", "/accept"));
        assert_eq!(body["request"]["key"], "C0INCIDENT:1760000000.000100");
        assert!(fake.sent.borrow().is_empty(), "Slack's API is not called before the acknowledgement");
    }

    #[test]
    fn an_event_that_is_not_stored_is_not_acknowledged_so_slack_sends_it_again_p8() {
        let (world, fake) = world(&[]);
        replies(&fake, Err("the object is gone"));
        let reply = now(events(&world, mention(), origin()));
        assert_eq!(status(&reply), 503);
        assert!(reply.response.headers().contains_key("retry-after"));
        assert!(!reply.response.headers().contains_key("x-slack-no-retry"));
        assert!(!body(&reply).contains("gone"), "what the platform says is for the log");
    }

    #[test]
    fn an_event_for_a_full_inbox_and_one_again_are_acknowledged() {
        for accepted in [Accepted::Again, Accepted::Full] {
            let (world, fake) = world(&[]);
            replies(&fake, Ok(accepted));
            let reply = now(events(&world, mention(), origin()));
            assert_eq!((status(&reply), body(&reply)), (200, ""));
            assert!(reply.deferred.is_none(), "the object tells the person");
        }
    }

    #[test]
    fn a_slash_command_answers_at_once_what_is_being_done() {
        for (accepted, expected) in [
            (Ok(Accepted::New("Looking at globex's issues…".to_owned())), "Looking at globex's issues…"),
            (Ok(Accepted::Full), "You already have 20 requests waiting. Let me finish some of them, then ask again."),
            (Err("gone"), "I couldn't take your request just now. Nothing was done: please try again in a moment."),
        ] {
            let (world, fake) = world(&[]);
            replies(&fake, accepted);
            let reply = now(commands(&world, slash(), origin()));
            assert_eq!(status(&reply), 200);
            assert_eq!(shown(&reply), expected);
        }
        let (world, fake) = world(&[]);
        replies(&fake, Ok(Accepted::Again));
        let reply = now(commands(&world, slash(), origin()));
        assert_eq!((status(&reply), body(&reply)), (200, ""));
    }

    #[test]
    fn a_press_is_acknowledged_and_a_lost_one_is_told_to_the_person() {
        let url = "https://hooks.slack.com/actions/x";
        let (world, fake) = world(&[]);
        replies(&fake, Ok(Accepted::New(String::new())));
        let reply = now(interactions(&world, press(Some(url), "run:1"), origin()));
        assert_eq!((status(&reply), body(&reply), reply.deferred.is_none()), (200, "", true));
        for (reply, told) in [(Err("gone"), "please try again"), (Ok(Accepted::Full), "20 requests waiting")] {
            replies(&fake, reply);
            let reply = now(interactions(&world, press(Some(url), "run:1"), origin()));
            assert_eq!((status(&reply), body(&reply)), (200, ""));
            fake.answers(200, "ok");
            now(reply.deferred.unwrap());
            let sent = fake.sent.borrow().len() - 1;
            assert_eq!(fake.sent.borrow()[sent].uri(), url);
            assert_eq!(fake.sent_json(sent)["replace_original"], false);
            assert!(fake.sent_json(sent)["text"].as_str().unwrap().contains(told));
        }
        replies(&fake, Err("gone"));
        assert_eq!(status(&now(interactions(&world, press(None, "run:1"), origin()))), 503);
    }

    #[test]
    fn an_opened_private_link_is_noted_and_acknowledged_even_when_it_cannot_be() {
        for reply in [Ok("null".to_owned()), Err(ObjectError("gone".to_owned()))] {
            let (world, fake) = world(&[]);
            fake.replies.borrow_mut().push_back(reply);
            let press = press(Some("https://hooks.slack.com/actions/x"), "connect_link");
            assert_eq!(status(&now(interactions(&world, press, origin()))), 200);
            let called = fake.called.borrow();
            assert_eq!(called[0].1, "/link-pressed");
            assert_eq!(called[0].2["response_url"], "https://hooks.slack.com/actions/x");
        }
    }

    #[test]
    fn what_is_ignored_reaches_no_object() {
        let (world, fake) = world(&[]);
        let challenge = request(r#"{"type":"url_verification","challenge":"3eZbrw1aB"}"#);
        let reply = now(events(&world, challenge, origin()));
        assert_eq!((status(&reply), body(&reply)), (200, "3eZbrw1aB"));
        let reply = now(events(&world, request(r#"{"type":"event_callback","event":{"type":"team_join"}}"#), origin()));
        assert_eq!((status(&reply), body(&reply)), (200, ""));
        let reply = now(interactions(&world, press(None, "open:1"), origin()));
        assert_eq!((status(&reply), body(&reply)), (200, ""));
        let reply = now(commands(&world, request("ssl_check=1"), origin()));
        assert_eq!((status(&reply), body(&reply)), (200, ""));
        assert!(fake.called.borrow().is_empty());
    }

    #[test]
    fn somebody_of_a_team_that_is_not_allowed_is_told_so_and_nothing_is_stored() {
        let (world, fake) = world(&[("SLACK_ALLOWED_TEAMS", "T0OTHER")]);
        let sentence = "Sorry, I don't work for your workspace here. The people who run me can allow it.";

        let reply = now(events(&world, mention_by("T0HOOLI01"), origin()));
        assert_eq!((status(&reply), body(&reply)), (200, ""));
        assert!(fake.sent.borrow().is_empty(), "the acknowledgement does not wait for it");
        fake.answers(200, r#"{"ok":true}"#);
        now(reply.deferred.unwrap());
        assert_eq!(fake.sent.borrow()[0].uri(), "https://slack.com/api/chat.postEphemeral");
        assert_eq!(fake.sent_json(0)["user"], "U0ADA0001");
        assert_eq!(fake.sent_json(0)["text"], sentence);

        assert_eq!(shown(&now(commands(&world, slash(), origin()))), sentence);

        let press = press(Some("https://hooks.slack.com/actions/x"), "run:1");
        let reply = now(interactions(&world, press, origin()));
        fake.answers(200, "ok");
        now(reply.deferred.unwrap());
        assert_eq!(fake.sent_json(1)["text"], sentence);
        assert!(fake.called.borrow().is_empty());
    }

    #[test]
    fn a_door_that_is_not_configured_names_the_variable_and_reads_nothing() {
        for (variable, variables) in
            [("SLACK_SIGNING_SECRET", [("SLACK_SIGNING_SECRET", "")]), ("SLACK_BOT_TOKEN", [("SLACK_BOT_TOKEN", " ")])]
        {
            let (world, fake) = world(&variables);
            for reply in each(&world, |request| request) {
                assert_eq!(status(&reply), 503);
                assert!(body(&reply).starts_with(variable), "{}", body(&reply));
                assert_eq!(reply.response.headers()["retry-after"], "300");
            }
            assert!(fake.called.borrow().is_empty());
        }
    }

    #[test]
    fn a_body_that_is_too_long_is_refused_before_it_is_verified() {
        let (world, _) = world(&[]);
        let long = |mut request: Request<Bytes>| {
            *request.body_mut() = Bytes::from(vec![b'a'; MAX_BODY + 1]);
            request
        };
        for reply in each(&world, long) {
            assert_eq!(status(&reply), 413);
        }
    }

    #[test]
    fn what_slack_did_not_sign_is_refused_before_it_is_parsed() {
        let (world, fake): (World, Rc<Fake>) = world(&[]);
        let forged = |mut request: Request<Bytes>| {
            *request.body_mut() = Bytes::from_static(b"{ not even JSON");
            request
        };
        let unsigned = |mut request: Request<Bytes>| {
            request.headers_mut().clear();
            request
        };
        for reply in each(&world, forged).into_iter().chain(each(&world, unsigned)) {
            assert_eq!(status(&reply), 401);
            assert_eq!(reply.response.headers()["x-slack-no-retry"], "1");
        }
        assert!(fake.called.borrow().is_empty());
        assert!(fake.logged.borrow().iter().all(|line| !line.contains("JSON")));
    }

    #[test]
    fn what_slack_signed_and_this_url_does_not_take_is_a_bad_request() {
        let (world, _) = world(&[]);
        let reply = now(events(&world, slash(), origin()));
        assert_eq!((status(&reply), body(&reply)), (400, "the body is not an event in JSON"));
        let reply = now(commands(&world, mention(), origin()));
        assert_eq!((status(&reply), body(&reply)), (400, "user_id is missing"));
        let reply = now(interactions(&world, slash(), origin()));
        assert_eq!((status(&reply), body(&reply)), (400, "payload is missing"));
    }

    #[test]
    fn no_secret_and_no_response_url_is_logged() {
        let (world, fake) = world(&[("SLACK_ALLOWED_TEAMS", "T0OTHER")]);
        each(&world, |request| request);
        let logged = fake.logged.borrow().join("\n");
        for secret in ["hooks.slack.com", "xoxb", SIGNING_SECRET, "issue list"] {
            assert!(!logged.contains(secret), "{logged}");
        }
    }
}
