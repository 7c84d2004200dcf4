//! What an app sees of the fake Slack, over whole HTTP exchanges.

use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Value, json};

use super::signature;
use crate::form::Pairs;
use crate::{Click, Delivery, Fault, FaultKind, Options, Outcome, Sandbox, Say, Side, Slash};

const NOW: i64 = 1_790_000_000_000;
const TOKEN: &str = "xoxb-sandbox-bot-token";

fn sandbox() -> Sandbox {
    Sandbox::new(Options::saas("https://vedette.example").seeded(7))
}

fn call(sandbox: &Sandbox, method: &str, body: Value) -> Value {
    let request = Request::post(format!("https://slack.com/api/{method}"))
        .header("authorization", format!("Bearer {TOKEN}"))
        .header("content-type", "application/json; charset=utf-8");
    answer(sandbox, NOW, request.body(Bytes::from(body.to_string())).unwrap()).1
}

fn answer(sandbox: &Sandbox, now_ms: i64, request: Request<Bytes>) -> (u16, Value) {
    match sandbox.handle(request, now_ms).outcome {
        Outcome::Respond(response) => {
            (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap_or_default())
        }
        other => panic!("no response but {other:?}"),
    }
}

fn error(answer: &Value) -> &str {
    assert_eq!(answer["ok"], false, "{answer}");
    answer["error"].as_str().unwrap()
}

fn say(person: &str, channel: &str, text: &str) -> Say {
    Say { person: person.into(), channel: channel.into(), text: text.into(), thread_ts: None, twin: false }
}

fn event(delivery: &Delivery) -> Value {
    serde_json::from_slice(delivery.request.body()).unwrap()
}

fn payload(delivery: &Delivery) -> Value {
    let form = Pairs::parse(delivery.request.body());
    serde_json::from_str(form.text("payload")).unwrap()
}

fn status(code: u16) -> Response<Bytes> {
    Response::builder().status(code).body(Bytes::new()).unwrap()
}

fn button(action_id: &str) -> Value {
    json!({"type": "button", "text": {"type": "plain_text", "text": "More"}, "action_id": action_id, "value": "v1"})
}

fn with_button(channel: &str) -> Value {
    json!({"channel": channel, "text": "hello", "blocks": [{"type": "actions", "elements": [button("more")]}]})
}

fn respond(sandbox: &Sandbox, now_ms: i64, url: &str, body: Value) -> (u16, Value) {
    let request = Request::post(url).header("content-type", "application/json");
    answer(sandbox, now_ms, request.body(Bytes::from(body.to_string())).unwrap())
}

// ---- the Web API

#[test]
fn calls_need_the_bots_token() {
    let sandbox = sandbox();
    let request = |token: Option<&str>| {
        let request = Request::post("https://slack.com/api/auth.test");
        let request =
            token.iter().fold(request, |request, token| request.header("authorization", format!("Bearer {token}")));
        request.body(Bytes::new()).unwrap()
    };
    assert_eq!(error(&answer(&sandbox, NOW, request(None)).1), "not_authed");
    assert_eq!(error(&answer(&sandbox, NOW, request(Some("xoxb-other"))).1), "invalid_auth");
    let (status, good) = answer(&sandbox, NOW, request(Some(TOKEN)));
    assert_eq!((status, &good["user_id"], &good["team_id"]), (200, &json!("U0VEDETTE"), &json!("T0GLOBEX")));
}

#[test]
fn forms_and_json_are_both_understood() {
    let sandbox = sandbox();
    let blocks = json!([{"type": "divider"}]).to_string();
    let form = crate::form::encode([("channel", "C0INCIDENTS"), ("text", "a form"), ("blocks", &blocks)]);
    let request = Request::post("https://slack.com/api/chat.postMessage")
        .header("authorization", format!("Bearer {TOKEN}"))
        .header("content-type", "application/x-www-form-urlencoded");
    let posted = answer(&sandbox, NOW, request.body(form.into()).unwrap()).1;
    assert_eq!(posted["message"]["blocks"][0]["type"], "divider");
    assert_eq!(call(&sandbox, "chat.postMessage", json!({"channel": "#incidents", "text": "json"}))["ok"], true);
    assert_eq!(sandbox.slack().messages.len(), 2);
    assert_eq!(sandbox.slack().calls[0].body["blocks"], json!([{"type": "divider"}]), "logged as JSON");
}

#[test]
fn the_bot_writes_only_where_it_is() {
    let sandbox = sandbox();
    let post = |channel: &str| call(&sandbox, "chat.postMessage", json!({"channel": channel, "text": "x"}));
    assert_eq!(error(&post("C0NOWHERE")), "channel_not_found");
    assert_eq!(error(&post("C0GENERAL")), "not_in_channel");
    assert!(sandbox.invite("C0GENERAL", "U0VEDETTE"));
    assert_eq!(post("C0GENERAL")["ok"], true);
    assert_eq!(post("U0ADA")["channel"], "D0ADA");
}

#[test]
fn a_message_needs_something_to_show_and_not_too_much_of_it() {
    let sandbox = sandbox();
    let post = |mut body: Value| {
        body["channel"] = json!("C0INCIDENTS");
        call(&sandbox, "chat.postMessage", body)
    };
    assert_eq!(error(&post(json!({}))), "no_text");
    assert_eq!(error(&post(json!({"text": "x", "blocks": [{"type": "hero"}]}))), "invalid_blocks");
    let section = json!({"type": "section", "text": {"type": "mrkdwn", "text": "x".repeat(3000)}});
    assert_eq!(error(&post(json!({"blocks": [section, section, section, section, section]}))), "msg_blocks_too_long");
    assert_eq!(error(&post(json!({"text": "x", "metadata": {"event_type": "e"}}))), "invalid_metadata_format");
    let long = post(json!({"text": "x".repeat(40_500)}));
    assert_eq!(long["message"]["text"].as_str().unwrap().len(), 40_000);
}

#[test]
fn an_ephemeral_message_is_for_a_member_and_for_nobody_else() {
    let sandbox = sandbox();
    let whisper = |user: &str| {
        call(&sandbox, "chat.postEphemeral", json!({"channel": "C0INCIDENTS", "user": user, "text": "psst"}))
    };
    assert_eq!(error(&whisper("U0EXT")), "user_not_in_channel");
    assert_eq!(whisper("U0ADA")["ok"], true);
    let seen = |person: &str| sandbox.state(Some(person))["messages"].as_array().unwrap().len();
    assert_eq!((seen("U0ADA"), seen("U0GRACE")), (1, 0));
    let ts = &sandbox.slack().messages[0].ts;
    let update = call(&sandbox, "chat.update", json!({"channel": "C0INCIDENTS", "ts": ts, "text": "louder"}));
    assert_eq!(error(&update), "message_not_found");
}

#[test]
fn only_ones_own_messages_can_be_changed() {
    let sandbox = sandbox();
    let (ts, _) = sandbox.say(NOW, &say("U0ADA", "C0INCIDENTS", "mine"));
    let change =
        |ts: &str| call(&sandbox, "chat.update", json!({"channel": "C0INCIDENTS", "ts": ts, "text": "changed"}));
    assert_eq!(error(&change(&ts)), "cant_update_message");
    assert_eq!(error(&change("1.000001")), "message_not_found");
    let posted = call(&sandbox, "chat.postMessage", with_button("C0INCIDENTS"));
    assert_eq!(change(posted["ts"].as_str().unwrap())["text"], "changed");
    let message = sandbox.slack().messages.pop().unwrap();
    assert!(message.edited && message.blocks.is_none(), "without blocks, the blocks of before go");
}

#[test]
fn a_thread_is_read_page_by_page_with_its_metadata_if_asked() {
    let sandbox = sandbox();
    let (root, _) = sandbox.say(NOW, &say("U0ADA", "C0INCIDENTS", "root"));
    for nth in 0..3 {
        let metadata = json!({"event_type": "turn", "event_payload": {"nth": nth}});
        call(
            &sandbox,
            "chat.postMessage",
            json!({"channel": "C0INCIDENTS", "thread_ts": root, "text": "reply", "metadata": metadata}),
        );
    }
    let read = |more: Value| {
        let mut body = json!({"channel": "C0INCIDENTS", "ts": root, "limit": 2});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        call(&sandbox, "conversations.replies", body)
    };
    let first = read(json!({}));
    assert_eq!((first["messages"].as_array().unwrap().len(), &first["has_more"]), (2, &json!(true)));
    assert_eq!(first["messages"][0]["reply_count"], 3);
    assert_eq!(first["messages"][1].get("metadata"), None);
    let cursor = first["response_metadata"]["next_cursor"].as_str().unwrap();
    let second = read(json!({"cursor": cursor, "include_all_metadata": true}));
    assert_eq!(second["messages"][1]["metadata"]["event_payload"]["nth"], 2);
    let history = call(&sandbox, "conversations.history", json!({"channel": "C0INCIDENTS"}));
    assert_eq!(history["messages"].as_array().unwrap().len(), 1, "replies are not in the history");
}

#[test]
fn what_the_sandbox_does_not_play_is_recorded() {
    let sandbox = sandbox();
    assert_eq!(error(&call(&sandbox, "chat.scheduleMessage", json!({}))), "unknown_method");
    assert_eq!(sandbox.slack().unhandled, ["chat.scheduleMessage"]);
}

#[test]
fn faults_speak_as_slack_does() {
    let sandbox = sandbox();
    let body = json!({"channel": "C0INCIDENTS", "text": "x"});
    sandbox.add_fault(Fault::new(Side::Slack, "chat.postMessage", FaultKind::RateLimited { retry_after: 3 }).once());
    let request = Request::post("https://slack.com/api/chat.postMessage").body(Bytes::new()).unwrap();
    let exchange = sandbox.handle(request, NOW);
    assert_eq!(exchange.response().unwrap().headers()["retry-after"], "3");
    sandbox.add_fault(Fault::new(Side::Slack, "chat", FaultKind::SlackError { error: "fatal_error".into() }).once());
    assert_eq!(error(&call(&sandbox, "chat.postMessage", body.clone())), "fatal_error");
    assert!(sandbox.slack().messages.is_empty());
    let late = Fault::new(Side::Slack, "chat", FaultKind::SlackError { error: "internal_error".into() }).after_work();
    sandbox.add_fault(late.once());
    assert_eq!(error(&call(&sandbox, "chat.postMessage", body)), "internal_error");
    assert_eq!(sandbox.slack().messages.len(), 1, "the work was done");
}

// ---- events

#[test]
fn a_mention_is_a_signed_event_in_its_envelope() {
    let sandbox = sandbox();
    let (ts, deliveries) = sandbox.say(NOW, &say("U0ADA", "C0INCIDENTS", "@vedette what broke?"));
    let [delivery] = deliveries.as_slice() else { panic!("one delivery") };
    assert_eq!(delivery.request.uri(), "https://vedette.example/slack/events");
    let header = |name: &str| delivery.request.headers()[name].to_str().unwrap();
    let expected = signature("sandbox-signing-secret", "1790000000", delivery.request.body());
    assert_eq!((header("x-slack-request-timestamp"), header("x-slack-signature")), ("1790000000", expected.as_str()));
    let envelope = event(delivery);
    assert_eq!((&envelope["type"], &envelope["team_id"]), (&json!("event_callback"), &json!("T0GLOBEX")));
    let mention = &envelope["event"];
    assert_eq!(mention["type"], "app_mention");
    assert_eq!(mention["text"], "<@U0VEDETTE> what broke?");
    assert_eq!((&mention["ts"], mention.get("channel_type")), (&json!(ts), None));
}

#[test]
fn a_twin_tells_the_same_message_twice() {
    let sandbox = sandbox();
    let twin = Say { twin: true, ..say("U0ADA", "C0INCIDENTS", "@vedette hi") };
    let (_, deliveries) = sandbox.say(NOW, &twin);
    let events: Vec<Value> = deliveries.iter().map(event).collect();
    assert_eq!((&events[0]["event"]["type"], &events[1]["event"]["type"]), (&json!("app_mention"), &json!("message")));
    assert_eq!(events[0]["event"]["ts"], events[1]["event"]["ts"]);
    assert_ne!(events[0]["event_id"], events[1]["event_id"]);
}

#[test]
fn the_app_hears_only_what_is_meant_for_it() {
    let sandbox = sandbox();
    let heard = |say: &Say| sandbox.say(NOW, say).1.len();
    assert_eq!(heard(&say("U0ADA", "C0INCIDENTS", "just talking")), 0);
    assert_eq!(heard(&say("U0ADA", "C0GENERAL", "@vedette are you here?")), 0, "it is not a member");
    assert_eq!(heard(&say("U0ADA", "D0ADA", "in private")), 1);
    for (who, said) in [
        ("user_not_found", say("U0NOBODY", "C0INCIDENTS", "x")),
        ("channel_not_found", say("U0ADA", "C0NOWHERE", "x")),
        ("not_in_channel", say("U0EXT", "C0INCIDENTS", "x")),
        ("not_in_channel", say("U0GRACE", "D0ADA", "x")),
        ("no_text", say("U0ADA", "C0INCIDENTS", " ")),
    ] {
        assert_eq!(sandbox.try_say(NOW, &said).unwrap_err(), who);
    }
}

#[test]
fn a_guest_from_another_workspace_is_marked_as_one() {
    let (_, deliveries) = sandbox().say(NOW, &say("U0EXT", "C0SHARED", "@vedette hi"));
    let envelope = event(&deliveries[0]);
    assert_eq!((&envelope["is_ext_shared_channel"], &envelope["team_id"]), (&json!(true), &json!("T0GLOBEX")));
    assert_eq!(envelope["event"]["user_team"], "T0PARTNER");
}

#[test]
fn in_a_direct_message_the_app_is_told_what_it_wrote_itself() {
    let sandbox = sandbox();
    call(&sandbox, "chat.postMessage", json!({"channel": "D0ADA", "text": "hello"}));
    let echoes = sandbox.take_echoes();
    assert_eq!(event(&echoes[0])["event"]["bot_id"], "B0VEDETTE");
    assert!(sandbox.take_echoes().is_empty());
}

// ---- retries

#[test]
fn an_event_comes_again_at_once_after_a_minute_and_after_five() {
    let sandbox = sandbox();
    let (_, mut deliveries) = sandbox.say(NOW, &say("U0ADA", "D0ADA", "hello"));
    let mut delivery = deliveries.remove(0);
    let first_id = event(&delivery)["event_id"].clone();
    let mut now_ms = NOW;
    for (number, delay_ms, reason) in
        [("1", 0, "http_timeout"), ("2", 60_000, "http_error"), ("3", 300_000, "http_timeout")]
    {
        let failed = status(500);
        let answer = (reason == "http_error").then_some(&failed);
        let mut retries = sandbox.delivered(now_ms, delivery.id, answer);
        let (due_ms, retry) = retries.remove(0);
        assert_eq!(due_ms, now_ms + delay_ms);
        let header = |name: &str| retry.request.headers()[name].to_str().unwrap();
        assert_eq!((header("x-slack-retry-num"), header("x-slack-retry-reason")), (number, reason));
        assert_eq!(event(&retry)["event_id"], first_id);
        now_ms = due_ms;
        delivery = retry;
    }
    assert!(sandbox.delivered(now_ms, delivery.id, None).is_empty(), "three retries are all");
}

#[test]
fn an_event_that_is_acknowledged_or_refused_for_good_does_not_come_again() {
    let sandbox = sandbox();
    let deliver = || sandbox.say(NOW, &say("U0ADA", "D0ADA", "hello")).1.remove(0).id;
    assert!(sandbox.delivered(NOW, deliver(), Some(&status(200))).is_empty());
    let mut refused = status(401);
    refused.headers_mut().insert("x-slack-no-retry", http::HeaderValue::from_static("1"));
    assert!(sandbox.delivered(NOW, deliver(), Some(&refused)).is_empty());
    let id = deliver();
    assert_eq!(sandbox.delivered(NOW, id, None).len(), 1);
    assert!(sandbox.delivered(NOW, id, None).is_empty(), "one outcome for each delivery");
}

// ---- slash commands, clicks and response URLs

#[test]
fn a_slash_command_is_a_form_whose_answer_shows_at_once() {
    let sandbox = sandbox();
    let slash = Slash { person: "U0ADA".into(), channel: "C0GENERAL".into(), text: "status".into() };
    let delivery = sandbox.slash(NOW, &slash);
    let form = Pairs::parse(delivery.request.body());
    let expected = [
        ("command", "/sentry"),
        ("text", "status"),
        ("channel_name", "general"),
        ("user_name", "ada"),
        ("is_enterprise_install", "false"),
    ];
    for (name, value) in expected {
        assert_eq!(form.text(name), value);
    }
    assert!(form.text("response_url").starts_with("https://hooks.slack.com/response/"));
    let answer = Response::new(Bytes::from(json!({"text": "Not connected."}).to_string()));
    assert!(sandbox.delivered(NOW, delivery.id, Some(&answer)).is_empty());
    let message = sandbox.slack().messages.pop().unwrap();
    assert_eq!((message.text.as_str(), message.private_to.as_deref()), ("Not connected.", Some("U0ADA")));
    let replaced =
        respond(&sandbox, NOW, form.text("response_url"), json!({"text": "Connected.", "replace_original": true}));
    assert_eq!(replaced.0, 200);
    assert_eq!(sandbox.slack().messages.len(), 1, "the first answer is the original");
}

#[test]
fn a_slash_command_that_fails_is_told_to_the_person_and_not_sent_again() {
    let sandbox = sandbox();
    let slash = Slash { person: "U0ADA".into(), channel: "C0GENERAL".into(), text: "status".into() };
    let delivery = sandbox.slash(NOW, &slash);
    assert!(sandbox.delivered(NOW, delivery.id, None).is_empty());
    let message = sandbox.slack().messages.pop().unwrap();
    assert_eq!(message.text, "/sentry failed with the error \"operation_timeout\"");
}

#[test]
fn a_response_url_is_good_for_five_uses_and_thirty_minutes() {
    let sandbox = sandbox();
    let slash = Slash { person: "U0ADA".into(), channel: "C0GENERAL".into(), text: String::new() };
    let url = || Pairs::parse(sandbox.slash(NOW, &slash).request.body()).text("response_url").to_owned();
    let (used, expired) = (url(), url());
    for _ in 0..5 {
        assert_eq!(respond(&sandbox, NOW, &used, json!({"text": "x"})).0, 200);
    }
    assert_eq!(respond(&sandbox, NOW, &used, json!({"text": "x"})), (404, json!({"ok": false, "error": "used_url"})));
    let late = NOW + 30 * 60 * 1000;
    assert_eq!(respond(&sandbox, late, &expired, json!({"text": "x"})).1["error"], "expired_url");
    assert_eq!(
        respond(&sandbox, NOW, "https://hooks.slack.com/response/no", json!({"text": "x"})).1["error"],
        "invalid_url"
    );
}

#[test]
fn a_click_tells_where_what_and_who() {
    let sandbox = sandbox();
    let posted = call(&sandbox, "chat.postMessage", with_button("C0INCIDENTS"));
    let ts = posted["ts"].as_str().unwrap();
    let click = Click { person: "U0GRACE".into(), message: ts.into(), action_id: "more".into(), ..Click::default() };
    let delivery = sandbox.click(NOW, &click).unwrap();
    assert_eq!(delivery.request.uri().path(), "/slack/interactions");
    let payload = payload(&delivery);
    assert_eq!((&payload["type"], &payload["user"]["id"]), (&json!("block_actions"), &json!("U0GRACE")));
    assert_eq!((&payload["actions"][0]["action_id"], &payload["actions"][0]["value"]), (&json!("more"), &json!("v1")));
    assert_eq!(payload["actions"][0]["block_id"], payload["message"]["blocks"][0]["block_id"]);
    assert_eq!(
        (&payload["container"]["message_ts"], &payload["container"]["is_ephemeral"]),
        (&json!(ts), &json!(false))
    );
    let url = payload["response_url"].as_str().unwrap();
    respond(&sandbox, NOW, url, json!({"text": "replaced", "replace_original": true}));
    assert_eq!(sandbox.slack().messages[0].text, "replaced");
    respond(&sandbox, NOW, url, json!({"delete_original": true}));
    assert!(sandbox.slack().shown().is_empty());
}

#[test]
fn an_ephemeral_message_is_clicked_by_its_person_only() {
    let sandbox = sandbox();
    let mut body = with_button("C0INCIDENTS");
    body["user"] = json!("U0ADA");
    call(&sandbox, "chat.postEphemeral", body);
    let click = |person: &str| Click {
        person: person.into(),
        message: "e-1".into(),
        action_id: "more".into(),
        ..Click::default()
    };
    assert_eq!(sandbox.click(NOW, &click("U0GRACE")).unwrap_err(), "message_not_found");
    let payload = payload(&sandbox.click(NOW, &click("U0ADA")).unwrap());
    assert_eq!((&payload["container"]["is_ephemeral"], payload.get("message")), (&json!(true), None));
    let unknown = Click { action_id: "other".into(), ..click("U0ADA") };
    assert_eq!(sandbox.click(NOW, &unknown).unwrap_err(), "action_not_found");
}

#[test]
fn a_link_button_opens_its_link_and_also_tells_the_app() {
    let sandbox = sandbox();
    let mut body = with_button("D0ADA");
    body["blocks"][0]["elements"][0]["url"] = json!("https://vedette.example/connect");
    let posted = call(&sandbox, "chat.postMessage", body);
    let message = posted["ts"].as_str().unwrap().to_owned();
    let click = Click { person: "U0ADA".into(), message, action_id: "more".into(), ..Click::default() };
    assert_eq!(sandbox.link(&click).as_deref(), Some("https://vedette.example/connect"));
    assert!(sandbox.click(NOW, &click).is_ok());
}

#[test]
fn a_menu_sends_the_chosen_option() {
    let sandbox = sandbox();
    let option = |value: &str| json!({"text": {"type": "plain_text", "text": value}, "value": value});
    let menu = json!({"type": "static_select", "action_id": "org", "options": [option("globex"), option("initech")]});
    call(
        &sandbox,
        "chat.postMessage",
        json!({"channel": "D0ADA", "text": "x", "blocks": [{"type": "actions", "elements": [menu]}]}),
    );
    let message = sandbox.slack().messages[0].id.clone();
    let choose = |selected: &str| Click {
        person: "U0ADA".into(),
        message: message.clone(),
        action_id: "org".into(),
        block_id: None,
        selected: Some(selected.into()),
    };
    let payload = payload(&sandbox.click(NOW, &choose("initech")).unwrap());
    assert_eq!(payload["actions"][0]["selected_option"]["value"], "initech");
    assert_eq!(sandbox.click(NOW, &choose("acme")).unwrap_err(), "option_not_found");
}

#[test]
fn a_home_tab_is_published_and_clicked() {
    let sandbox = sandbox();
    let view = json!({"type": "home", "blocks": [{"type": "actions", "elements": [button("disconnect")]}]});
    assert_eq!(call(&sandbox, "views.publish", json!({"user_id": "U0ADA", "view": view}))["ok"], true);
    let click =
        Click { person: "U0ADA".into(), message: "home".into(), action_id: "disconnect".into(), ..Click::default() };
    let payload = payload(&sandbox.click(NOW, &click).unwrap());
    assert_eq!((&payload["container"]["type"], payload.get("response_url")), (&json!("view"), None));
    let opened = event(&sandbox.open_app(NOW, "U0ADA", "home").unwrap());
    assert_eq!((&opened["event"]["type"], &opened["event"]["tab"]), (&json!("app_home_opened"), &json!("home")));
}

// ---- the controls

#[test]
fn the_controls_speak_the_documented_json() {
    let sandbox = sandbox();
    let control = |method: &str, path: &str, body: Value| {
        let request = Request::builder().method(method).uri(format!("http://127.0.0.1:8788/sandbox/{path}"));
        let response = sandbox.control(request.body(Bytes::from(body.to_string())).unwrap(), NOW);
        (response.status().as_u16(), serde_json::from_slice::<Value>(response.body()).unwrap())
    };
    let fault = json!({"side": "slack", "match": "chat.update", "kind": "slack_error", "error": "fatal_error"});
    let (_, added) = control("POST", "faults", fault);
    let id = added["id"].as_str().unwrap().to_owned();
    assert_eq!(control("GET", "faults", Value::Null).1["faults"][0]["kind"], "slack_error");
    assert_eq!(control("DELETE", &format!("faults/{id}"), Value::Null).0, 200);
    assert_eq!(control("DELETE", &format!("faults/{id}"), Value::Null).0, 404);
    assert_eq!(control("POST", "faults", json!({"side": "moon"})).0, 400);
    assert_eq!(control("POST", "invite", json!({"channel": "C0GENERAL"})).0, 200);
    assert_eq!(control("POST", "sentry/tokens", json!({"action": "revoke_all"})).1["tokens"], 0);
    assert_eq!(control("GET", "state?person=U0NOBODY", Value::Null).0, 404);
    assert_eq!(control("PUT", "state", Value::Null).0, 405);
    assert_eq!(control("GET", "nothing", Value::Null).0, 404);
    assert_eq!(control("GET", "health", Value::Null).1["ok"], true);
    let state = control("GET", "state?person=U0GRACE", Value::Null).1;
    let ids: Vec<&str> =
        state["conversations"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["C0INCIDENTS", "C0GENERAL", "C0SHARED", "D0GRACE"]);
    let before = sandbox.version();
    assert_eq!(control("POST", "reset", Value::Null).0, 200);
    assert!(sandbox.version() > before && !sandbox.slack().calls.iter().any(|_| true));
}
