//! Which revision of the protocol a request speaks, and whether it keeps that revision's rules.
//!
//! A request of 2026-07-28 says everything of itself: `_meta` has the version and the client's capabilities, and headers
//! repeat the version, the method and the name of what is called, so that what stands between need not read the body. The
//! steps, each with the error that the specification gives it (Streamable HTTP, "Server Validation"):
//!
//! 1. The header `MCP-Protocol-Version` says the same as `_meta`, else 400 with -32020.
//! 2. That version is spoken here, else 400 with -32022, which lists those that are.
//! 3. `_meta` has what it must, else 400 with -32602.
//! 4. `Mcp-Method` and, where something is named, `Mcp-Name` say the same as the body, else 400 with -32020.
//!
//! Earlier revisions have the header only, and may leave it out: 2025-03-26 is assumed then (2025-06-18, Transports).

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, StatusCode};
use rmcp::model::{ErrorData, ProtocolVersion, RequestMetaObject};
use serde_json::Value;

use super::constraint::Transport;
use super::message::Request;
use super::refusal::Refusal;

/// What is spoken here, newest first.
pub const SPOKEN: [ProtocolVersion; 4] = [
    ProtocolVersion::V_2026_07_28,
    ProtocolVersion::V_2025_11_25,
    ProtocolVersion::V_2025_06_18,
    ProtocolVersion::V_2025_03_26,
];

const VERSION_HEADER: &str = "mcp-protocol-version";
const METHOD_HEADER: &str = "mcp-method";
const NAME_HEADER: &str = "mcp-name";
const VERSION_IN_META: &str = "io.modelcontextprotocol/protocolVersion";

/// How a request is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Era {
    /// 2026-07-28: each request for itself.
    Modern,
    /// With an `initialize` before it.
    Legacy,
}

/// The version that `initialize` settles on: the client's when it is spoken here, else the newest that has an
/// `initialize`. The legacy transport also speaks the revision that it is of.
pub fn settle(wanted: &ProtocolVersion, transport: Transport) -> ProtocolVersion {
    if transport == Transport::Legacy && *wanted == ProtocolVersion::V_2024_11_05 {
        return wanted.clone();
    }
    let spoken = SPOKEN.iter().find(|version| *version == wanted && version.has_initialize());
    spoken.unwrap_or(&ProtocolVersion::LATEST_WITH_INITIALIZE).clone()
}

/// The era of a request, with its rules kept.
///
/// # Errors
/// 400, as the module's documentation says.
pub fn of(headers: &HeaderMap, request: &Request) -> Result<Era, Refusal> {
    let header = text(headers, VERSION_HEADER);
    let meta = request.params.get("_meta");
    let in_body = match meta.and_then(|meta| meta.get(VERSION_IN_META)) {
        Some(Value::String(version)) => Some(version.as_str()),
        Some(_) => return Err(bad_meta(&[VERSION_IN_META])),
        None => None,
    };
    let Some(in_body) = in_body else { return without_meta(header, request) };
    let legacy = SPOKEN.iter().any(|version| version.as_str() == in_body && version.has_initialize());
    if header.is_none() && legacy {
        return Ok(Era::Legacy);
    }
    same("MCP-Protocol-Version", header, in_body)?; // 1
    known(in_body)?; // 2
    if legacy {
        return Ok(Era::Legacy);
    }
    let meta: RequestMetaObject = meta.cloned().and_then(|meta| serde_json::from_value(meta).ok()).unwrap_or_default();
    let missing = meta.missing_required_keys(&ProtocolVersion::V_2026_07_28);
    if !missing.is_empty() {
        return Err(bad_meta(&missing)); // 3
    }
    same("Mcp-Method", text(headers, METHOD_HEADER), &request.method)?; // 4
    if let Some(name) = named(request) {
        let header = text(headers, NAME_HEADER).map(decoded);
        same("Mcp-Name", header.as_deref(), name)?;
    }
    Ok(Era::Modern)
}

/// The method that the headers name. [`of`] checks later that the body says the same.
pub fn named_method(headers: &HeaderMap) -> Option<&str> {
    text(headers, METHOD_HEADER)
}

/// The era of a response that no message is read for: what the header says.
pub fn of_refusal(headers: &HeaderMap) -> Era {
    let modern = text(headers, VERSION_HEADER) == Some(ProtocolVersion::V_2026_07_28.as_str());
    if modern { Era::Modern } else { Era::Legacy }
}

/// Lets what wants no answer pass, as long as the version it names is spoken here.
///
/// # Errors
/// 400 when it is not.
pub fn of_quiet(headers: &HeaderMap) -> Result<(), Refusal> {
    text(headers, VERSION_HEADER).map_or(Ok(()), |version| known(version).map(|_| ()))
}

/// Lets a row of messages pass where its revision allows one.
///
/// # Errors
/// 400 for every revision but 2025-03-26.
pub fn of_row(headers: &HeaderMap) -> Result<(), Refusal> {
    match text(headers, VERSION_HEADER) {
        None => Ok(()),
        Some(version) if version == ProtocolVersion::V_2025_03_26.as_str() => Ok(()),
        Some(version) => {
            known(version)?;
            let sentence = format!("{version} has one message in a body, not a row of them.");
            Err(Refusal::with(StatusCode::BAD_REQUEST, ErrorData::invalid_request(sentence, None)))
        }
    }
}

fn without_meta(header: Option<&str>, request: &Request) -> Result<Era, Refusal> {
    match header {
        None => Ok(Era::Legacy),
        Some(_) if request.method == "initialize" => Ok(Era::Legacy), // its body says what it speaks
        Some(version) => {
            let version = known(version)?;
            if version.has_initialize() { Ok(Era::Legacy) } else { Err(bad_meta(&[VERSION_IN_META])) }
        }
    }
}

fn known(version: &str) -> Result<&'static ProtocolVersion, Refusal> {
    const ALL: &[ProtocolVersion] = &SPOKEN;
    ALL.iter().find(|spoken| spoken.as_str() == version).ok_or_else(|| {
        let requested = serde_json::from_value(Value::from(version)).unwrap_or_default();
        let error = ErrorData::unsupported_protocol_version(requested, &SPOKEN);
        Refusal::with(StatusCode::BAD_REQUEST, error)
    })
}

fn bad_meta(missing: &[&str]) -> Refusal {
    let sentence = format!("`params._meta` must have: {}.", missing.join(", "));
    Refusal::with(StatusCode::BAD_REQUEST, ErrorData::invalid_params(sentence, None))
}

fn same(name: &str, header: Option<&str>, body: &str) -> Result<(), Refusal> {
    let sentence = match header {
        Some(header) if header == body => return Ok(()),
        Some(_) => format!("The header {name} says something else than the body."),
        None => format!("The header {name} is missing."),
    };
    Err(Refusal::with(StatusCode::BAD_REQUEST, ErrorData::header_mismatch(sentence, None)))
}

/// What the request names, for the methods that name something.
fn named(request: &Request) -> Option<&str> {
    let parameter = match request.method.as_str() {
        "tools/call" | "prompts/get" => "name",
        "resources/read" => "uri",
        _ => return None,
    };
    request.params.get(parameter)?.as_str()
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).map(|value| value.to_str().unwrap_or_default().trim())
}

/// A header's value, unwrapped where it could not stand in a header as it is: `=?base64?…?=`.
fn decoded(value: &str) -> String {
    let wrapped = value.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?="));
    let bytes = wrapped.and_then(|wrapped| STANDARD.decode(wrapped).ok());
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_else(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initialize_settles_on_the_clients_version_or_the_newest_that_has_an_initialize() {
        let on = |transport: Transport, wanted: &str| {
            settle(&serde_json::from_value(Value::from(wanted)).unwrap(), transport).to_string()
        };
        let settled = |wanted: &str| on(Transport::Http, wanted);
        assert_eq!(on(Transport::Legacy, "2024-11-05"), "2024-11-05");
        assert_eq!(on(Transport::Legacy, "2025-06-18"), "2025-06-18");
        assert_eq!(on(Transport::Legacy, "2026-07-28"), "2025-11-25");
        for version in ["2025-11-25", "2025-06-18", "2025-03-26"] {
            assert_eq!(settled(version), version);
        }
        for other in ["2026-07-28", "2024-11-05", "1999-01-01", "", "latest"] {
            assert_eq!(settled(other), "2025-11-25");
        }
    }

    #[test]
    fn a_name_outside_of_ascii_travels_in_base64() {
        assert_eq!(decoded("=?base64?c2VudHJ5Oi8vw6k=?="), "sentry://é");
        assert_eq!(decoded("search_issues"), "search_issues");
        assert_eq!(decoded("=?base64?!!?="), "=?base64?!!?=");
    }
}
