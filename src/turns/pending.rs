//! A consented grant that its person has not confirmed yet.

use serde::{Deserialize, Serialize};

use crate::grants::record::GrantRecord;
use crate::ports::Timestamp;

/// A grant on its way through its person's browser, sealed.
#[derive(Serialize, Deserialize)]
pub struct PendingGrant {
    /// The grant.
    pub grant: GrantRecord,
    /// When it is too late to confirm it.
    pub expires_at: Timestamp,
}
