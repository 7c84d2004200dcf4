//! The JSON-RPC 2.0 envelope: requests, notifications, responses, and rows of them.

use http::StatusCode;
use rmcp::model::{ErrorData, JsonObject, RequestId};
use serde_json::Value;

use super::refusal::Refusal;

/// The most messages in one body: each may take as long as a request of its own.
const MOST: usize = 20;

/// What a body holds.
#[derive(Debug)]
pub enum Body {
    /// One message.
    One(Result<Message, Broken>),
    /// A row of messages, as 2025-03-26 alone allows.
    Row(Vec<Result<Message, Broken>>),
}

/// One message.
#[derive(Debug)]
pub enum Message {
    /// It wants an answer.
    Request(Request),
    /// It wants none: a notification, or a response to a request (and this server makes none).
    Quiet,
}

/// A request.
#[derive(Clone, Debug)]
pub struct Request {
    /// What its answer names.
    pub id: RequestId,
    /// What it asks for.
    pub method: String,
    /// With what. A parameter that is null, which many clients send for one that they leave out, is not among them.
    pub params: JsonObject,
}

/// A message that is none.
#[derive(Debug)]
pub struct Broken {
    /// Its id, as far as it has one.
    pub id: Option<RequestId>,
    /// What is wrong.
    pub error: ErrorData,
}

/// Reads a body.
///
/// # Errors
/// 400 when it is no JSON, or no row that can be taken.
pub fn read(body: &[u8]) -> Result<Body, Refusal> {
    let refuse = |error| Refusal::with(StatusCode::BAD_REQUEST, error);
    let value: Value =
        serde_json::from_slice(body).map_err(|_| refuse(ErrorData::parse_error("The body is not JSON.", None)))?;
    match value {
        Value::Array(all) if all.is_empty() => Err(refuse(ErrorData::invalid_request("The row is empty.", None))),
        Value::Array(all) if all.len() > MOST => {
            Err(refuse(ErrorData::invalid_request(format!("At most {MOST} messages in one body."), None)))
        }
        Value::Array(all) => Ok(Body::Row(all.into_iter().map(one).collect())),
        value => Ok(Body::One(one(value))),
    }
}

fn one(value: Value) -> Result<Message, Broken> {
    let Value::Object(mut fields) = value else { return Err(broken(None, "A message is an object.")) };
    let id = fields.remove("id");
    let readable = id.clone().and_then(|id| serde_json::from_value::<RequestId>(id).ok());
    if fields.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        return Err(broken(readable, "`jsonrpc` must be \"2.0\"."));
    }
    let method = match fields.remove("method") {
        Some(Value::String(method)) => method,
        Some(_) => return Err(broken(readable, "`method` must be a string.")),
        None if fields.contains_key("result") || fields.contains_key("error") => return Ok(Message::Quiet),
        None => return Err(broken(readable, "There is no `method`.")),
    };
    let params = match fields.remove("params") {
        None | Some(Value::Null) => JsonObject::new(),
        Some(Value::Object(params)) => params.into_iter().filter(|(_, value)| !value.is_null()).collect(),
        Some(_) => {
            let error = ErrorData::invalid_params("`params` must be an object.", None);
            return Err(Broken { id: readable, error });
        }
    };
    match (id, readable) {
        (None, _) => Ok(Message::Quiet),
        (Some(_), Some(id)) => Ok(Message::Request(Request { id, method, params })),
        (Some(_), None) => Err(broken(None, "`id` must be a string or an integer.")),
    }
}

fn broken(id: Option<RequestId>, sentence: &'static str) -> Broken {
    Broken { id, error: ErrorData::invalid_request(sentence, None) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn kind(body: &str) -> String {
        match read(body.as_bytes()) {
            Err(_) => "refused".to_owned(),
            Ok(Body::Row(all)) => format!("row of {}", all.len()),
            Ok(Body::One(Ok(Message::Request(request)))) => format!("{} {}", request.id, request.method),
            Ok(Body::One(Ok(Message::Quiet))) => "quiet".to_owned(),
            Ok(Body::One(Err(broken))) => format!("broken {}", broken.error.code.0),
        }
    }

    #[test]
    fn each_kind_of_message_is_told_from_the_others() {
        for (body, expected) in [
            (r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#, "1 ping"),
            (r#"{"jsonrpc":"2.0","id":"a","method":"ping","params":{}}"#, "a ping"),
            (r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":null}"#, "1 ping"),
            (r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#, "quiet"),
            (r#"{"jsonrpc":"2.0","method":"notifications/initialized","params":null}"#, "quiet"),
            (r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, "quiet"),
            (r#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":""}}"#, "quiet"),
            (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, "broken -32600"),
            (r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, "broken -32600"),
            (r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, "broken -32600"),
            (r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, "broken -32600"),
            (r#"{"id":1,"method":"ping"}"#, "broken -32600"),
            (r#"{"jsonrpc":"2.0","id":1}"#, "broken -32600"),
            (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, "broken -32600"),
            (r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[1]}"#, "broken -32602"),
            (r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":""}"#, "broken -32602"),
            ("7", "broken -32600"),
            ("null", "broken -32600"),
            ("[]", "refused"),
            ("[1]", "row of 1"),
            ("", "refused"),
            ("{", "refused"),
            ("<html>", "refused"),
        ] {
            assert_eq!(kind(body), expected, "{body}");
        }
        assert_eq!(kind(&"[".repeat(100_000)), "refused");
        assert_eq!(kind(&format!("[{}]", vec!["1"; MOST + 1].join(","))), "refused");
    }

    proptest! {
        #[test]
        fn no_body_makes_it_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&body);
        }
    }
}
