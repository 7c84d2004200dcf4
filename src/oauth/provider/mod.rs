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

use std::collections::BTreeMap;

use url::form_urlencoded;

/// The parameters of a query or a form. One without a value is as if it were left out (RFC 6749 §3.1, §3.2).
fn parameters(encoded: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(encoded).into_owned().filter(|(_, value)| !value.is_empty()).collect()
}

/// Whether a parameter stands there twice (RFC 6749 §3.1, §3.2). Only `resource` may (RFC 8707 §2), and `scope` as far as it
/// says the same.
fn has_duplicates(parameters: &[(String, String)]) -> bool {
    let mut seen = BTreeMap::new();
    parameters.iter().any(|(name, value)| {
        let before = seen.insert(name, value);
        match name.as_str() {
            "resource" => false,
            "scope" => before.is_some_and(|before| before != value),
            _ => before.is_some(),
        }
    })
}
