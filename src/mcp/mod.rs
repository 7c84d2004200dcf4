//! The MCP door: the catalogue's commands as tools of a Model Context Protocol server, over Streamable HTTP.
//!
//! `POST /mcp`, `/mcp/{organization}` and `/mcp/{organization}/{project}` are one endpoint with three widths: what the
//! path names, every tool is limited to. The endpoint keeps nothing between two requests and has no sessions of its own, so
//! there is no stream to `GET` and nothing to `DELETE`: both are 405; a person's browser gets a page that says what the address
//! is for. `GET /sse`, with the same paths below it, is the
//! transport of 2024-11-05 ([`legacy`], [`pipe`]).
//!
//! # Two eras on one endpoint
//!
//! | | 2026-07-28 | 2025-11-25, 2025-06-18, 2025-03-26 |
//! | --- | --- | --- |
//! | a request is of this era when | `_meta` names its protocol version, or the header says 2026-07-28 | otherwise |
//! | it begins with | nothing; `server/discover` tells what there is | `initialize`, which settles on a version |
//! | each request carries | version and client capabilities in `_meta`, mirrored in headers ([`era`]) | at most a header |
//! | several in one body | never | 2025-03-26 only |
//! | a refusal has the code | of its status | -32000 |
//! | an unknown method | 404 with -32601 | 200 with -32601 |
//! | a result has | `resultType`, the server's name in `_meta`, lists also `ttlMs` and `cacheScope` | none of that |
//!
//! # A request's way
//!
//! [`door`] shows it as numbered steps: origin, method, size, caller ([`caller`]), skills, media types, message
//! ([`message`]), era, limit to a place ([`constraint`]), method ([`dispatch`]). A failure on the way is a [`refusal`]: an
//! HTTP status with a JSON-RPC error as its body, and a challenge when it is about the credential.
//!
//! # Whose types
//!
//! Requests, results, tools, prompts, resources, capabilities, versions and errors are those of the official SDK, `rmcp`.
//! Ours are: the envelope ([`message`]), because the SDK's refuses a whole message where JSON-RPC asks for an answer that
//! names its id; the transport, because the SDK's needs threads; and `resultType`, `ttlMs`, `cacheScope` and the server's name
//! in `_meta`, which are put on and left out by era in one place ([`dispatch`]).
//!
//! # What is not here
//!
//! What needs a session: `subscriptions/listen`, resource subscriptions, and requests to the client (sampling, elicitation,
//! roots). Nor `logging`, which 2026-07-28 ended (a level can be set before that, and filters nothing), and `completion`. None
//! is declared as a capability, so no client asks for them.
//!
//! A call tells how it goes when its client wants that, and ends when that client closes the response ([`progress`]), which is
//! how 2026-07-28 cancels. The earlier revisions' `notifications/cancelled` gets its 202 and has no effect: it comes in a
//! request of its own, perhaps at another machine, and nothing here is kept that could lead from it to the call.
//!
//! # What is stored
//!
//! Nothing (P17): a token that Sentry accepted is known by its hash for a minute, a place that was seen for a quarter of an
//! hour, both in the memory of this isolate ([`crate::cache`]).

pub mod arguments;
pub mod call;
pub mod caller;
pub mod constraint;
pub mod cors;
pub mod dispatch;
pub mod door;
pub mod era;
pub mod legacy;
pub mod media;
pub mod message;
pub mod pipe;
pub mod progress;
pub mod prompts;
pub mod refusal;
pub mod resources;
pub mod schema;
pub mod skills;
pub mod structured;
pub mod tools;
pub mod words;

use rmcp::model::ErrorData;

use crate::world::World;
use caller::Caller;
use constraint::Place;
use refusal::Refusal;

/// What a request is answered with: the world, who asks, and what they are limited to.
pub struct Server<'a> {
    /// The world.
    pub world: &'a World,
    /// Who asks.
    pub caller: &'a Caller,
    /// What the path limits them to, as Sentry spells it.
    pub place: &'a Place,
    /// Where the request came in.
    pub endpoint: &'a constraint::Endpoint,
}

/// Why a request has no result.
#[derive(Debug)]
pub enum Failure {
    /// A JSON-RPC error, in a response of its own.
    Rpc(ErrorData),
    /// The whole HTTP request is refused.
    Refused(Box<Refusal>),
}

impl From<ErrorData> for Failure {
    fn from(error: ErrorData) -> Failure {
        Failure::Rpc(error)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Failure {
        Failure::Refused(Box::new(refusal))
    }
}
