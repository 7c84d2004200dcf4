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
