//! What a private connect link carries.

use serde::{Deserialize, Serialize};

/// What the seal of a link is for, besides its purpose.
pub const LINK_RECORD: &str = "connect-link";

/// The sealed content of a link: whose it is, and which ticket.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LinkContent {
    /// The Person object's name.
    pub person: String,
    /// The ticket's id.
    pub ticket: String,
}
