//! The authorization server for MCP clients (OAuth 2.1, RFC 6749, 7591, 7636, 8414, 8707, 9207, 9728).

pub mod authorize;
mod client_auth;
pub mod clients;
pub mod documents;
pub mod door;
pub mod metadata;
pub mod redirect;
pub mod register;
pub mod reply;
pub mod token;

use std::collections::BTreeSet;

/// Whether a parameter stands there twice (RFC 6749 §3.1, §3.2). Only `resource` may (RFC 8707 §2).
fn has_duplicates(parameters: &[(String, String)]) -> bool {
    let mut seen = BTreeSet::new();
    parameters.iter().any(|(name, _)| name != "resource" && !seen.insert(name))
}
