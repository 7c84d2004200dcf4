//! Methods: what each request is answered with, in the form of its era.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use http::StatusCode;
use rmcp::model::{
    CacheScope, DiscoverResult, EmptyObject, ErrorCode, ErrorData, Implementation, InitializeResult, JsonObject,
    ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, ProtocolVersion, ResultType,
    ServerCapabilities,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::constraint::Place;
use super::era::{Era, SPOKEN, settle};
use super::message::Request;
use super::skills::Skills;
use super::{Failure, Server, call, prompts, resources, tools, words};
use vedette_commands::say;

/// How long what depends on nothing but this deployment may be kept by a client, in milliseconds.
const HOUR: u64 = 3_600_000;
/// How long what a new deployment may change may be kept.
const MINUTES: u64 = 300_000;
/// An issue changes with every event.
const NEVER: u64 = 0;

const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";

/// The result of `request`.
///
/// # Errors
/// What went wrong instead.
pub async fn dispatch(server: &Server<'_>, request: &Request, era: Era) -> Result<Value, Failure> {
    let params = &request.params;
    let (result, fresh) = match (request.method.as_str(), era) {
        ("initialize", Era::Legacy) => (value(initialize(server, params)?)?, None),
        ("ping", Era::Legacy) => (value(EmptyObject {})?, None),
        ("logging/setLevel", Era::Legacy) => (value(set_level(params)?)?, None),
        ("server/discover", Era::Modern) => (value(discover(server))?, Some(HOUR)),
        ("tools/list", _) => {
            only_page(params)?;
            (value(tools(server))?, Some(MINUTES))
        }
        ("tools/call", _) => (value(call::call(server, read(params)?).await?)?, None),
        ("prompts/list", _) => {
            only_page(params)?;
            (value(ListPromptsResult::with_all_items(prompts::list(server.place)))?, Some(HOUR))
        }
        ("prompts/get", _) => (value(prompts::get(server, read(params)?)?)?, None),
        ("resources/list", _) => {
            only_page(params)?;
            (value(ListResourcesResult::with_all_items(Vec::new()))?, Some(HOUR))
        }
        ("resources/templates/list", _) => {
            only_page(params)?;
            (value(ListResourceTemplatesResult::with_all_items(resources::templates()))?, Some(HOUR))
        }
        ("resources/read", _) => (value(resources::read(server, read(params)?, era).await?)?, Some(NEVER)),
        (other, _) => {
            let sentence = format!("There is no method `{}` here.", say::line(other, 60));
            return Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, sentence, None).into());
        }
    };
    Ok(finished(result, era, fresh))
}

/// A list of tools as it was written before, and what it depends on.
type Written = (Era, Skills, Place, Rc<str>);

/// More than the lists that one isolate is asked for within minutes.
const MOST_WRITTEN: usize = 32;

thread_local! {
    /// The tools do not change while an isolate lives, and a list of them has many times the bytes of its request.
    static WRITTEN: RefCell<VecDeque<Written>> = const { RefCell::new(VecDeque::new()) };
}

/// The result of `request`, when it is one that was written before or is to be: the list of tools.
pub fn written(server: &Server<'_>, request: &Request, era: Era) -> Option<Rc<str>> {
    if request.method != "tools/list" || only_page(&request.params).is_err() {
        return None;
    }
    let (skills, place) = (&server.caller.skills, server.place);
    let same = |it: &&Written| it.0 == era && it.1 == *skills && it.2 == *place;
    let known = WRITTEN.with_borrow(|all| all.iter().find(same).map(|it| Rc::clone(&it.3)));
    if known.is_some() {
        return known;
    }
    let result = value(tools(server)).ok()?;
    let text: Rc<str> = finished(result, era, Some(MINUTES)).to_string().into();
    WRITTEN.with_borrow_mut(|all| {
        all.truncate(MOST_WRITTEN - 1);
        all.push_front((era, skills.clone(), place.clone(), Rc::clone(&text)));
    });
    Some(text)
}

fn tools(server: &Server<'_>) -> ListToolsResult {
    let tools = tools::offered(&server.caller.skills, server.place).into_iter().map(|offered| offered.tool);
    ListToolsResult::with_all_items(tools.collect())
}

/// The status of a response that is this error alone.
pub fn status(error: &ErrorData, era: Era) -> StatusCode {
    match (era, error.code) {
        (Era::Modern, ErrorCode::METHOD_NOT_FOUND) => StatusCode::NOT_FOUND,
        _ => StatusCode::OK,
    }
}

/// Puts on what 2026-07-28 has in every result, and takes off what earlier revisions do not know.
fn finished(mut result: Value, era: Era, fresh: Option<u64>) -> Value {
    let Some(fields) = result.as_object_mut() else { return result };
    match era {
        Era::Legacy => {
            for name in ["resultType", "ttlMs", "cacheScope"] {
                fields.remove(name);
            }
        }
        Era::Modern => {
            fields.insert("resultType".to_owned(), json!(ResultType::COMPLETE));
            if let Some(ttl) = fresh {
                fields.insert("ttlMs".to_owned(), ttl.into());
                fields.insert("cacheScope".to_owned(), json!(CacheScope::Private)); // it depends on who asks
            }
            if let Some(meta) = fields.entry("_meta").or_insert_with(|| json!({})).as_object_mut() {
                meta.insert(SERVER_INFO.to_owned(), json!(implementation()));
            }
        }
    }
    result
}

fn initialize(server: &Server<'_>, params: &JsonObject) -> Result<InitializeResult, ErrorData> {
    let wanted =
        params.get("protocolVersion").cloned().and_then(|it| serde_json::from_value::<ProtocolVersion>(it).ok());
    let wanted = wanted.ok_or_else(|| ErrorData::invalid_params("`protocolVersion` must be a string.", None))?;
    Ok(InitializeResult::new(capabilities())
        .with_protocol_version(settle(&wanted, server.endpoint.transport))
        .with_server_info(implementation())
        .with_instructions(words::instructions(server)))
}

fn discover(server: &Server<'_>) -> DiscoverResult {
    let mut result = DiscoverResult::new(SPOKEN.to_vec(), capabilities());
    result.instructions = Some(words::instructions(server));
    result
}

/// Nothing is ever logged to a client, so every level is kept without being remembered. `logging` is therefore not declared:
/// this answers those clients, and conformance suites, that set a level without asking whether there is anything to filter.
fn set_level(params: &JsonObject) -> Result<EmptyObject, ErrorData> {
    const LEVELS: [&str; 8] = ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"];
    match params.get("level").and_then(Value::as_str) {
        Some(level) if LEVELS.contains(&level) => Ok(EmptyObject {}),
        _ => Err(ErrorData::invalid_params(format!("`level` must be one of {}.", LEVELS.join(", ")), None)),
    }
}

fn capabilities() -> ServerCapabilities {
    ServerCapabilities::builder().enable_tools().enable_prompts().enable_resources().build()
}

fn implementation() -> Implementation {
    Implementation::new("vedette", env!("CARGO_PKG_VERSION")).with_title("Vedette: Sentry")
}

/// Every list here is one page, so no cursor was ever given out. An empty one is how some clients ask for the first page.
fn only_page(params: &JsonObject) -> Result<(), ErrorData> {
    match params.get("cursor") {
        None => Ok(()),
        Some(Value::String(cursor)) if cursor.trim().is_empty() => Ok(()),
        Some(_) => Err(ErrorData::invalid_params("This `cursor` was not given out here.", None)),
    }
}

fn read<T: DeserializeOwned>(params: &JsonObject) -> Result<T, ErrorData> {
    serde_json::from_value(Value::Object(params.clone())).map_err(|error| {
        ErrorData::invalid_params(format!("`params` do not fit: {}.", say::line(&error.to_string(), 200)), None)
    })
}

fn value(result: impl Serialize) -> Result<Value, ErrorData> {
    serde_json::to_value(result).map_err(|_| ErrorData::internal_error("The result could not be written.", None))
}
