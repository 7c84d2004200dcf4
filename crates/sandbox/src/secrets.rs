//! The ledger of every secret that was issued: tests search the app's storage, logs and answers for these bytes.

use serde::Serialize;

/// One secret that the sandbox issued, or that passed through it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Secret {
    /// `access_token`, `refresh_token`, `code`, `state`, `code_verifier`, `client_secret`, `bot_token`,
    /// `signing_secret`, `operator_token` or `response_url`.
    pub kind: &'static str,
    /// The secret itself.
    pub value: String,
}

#[derive(Default)]
pub(crate) struct Ledger(Vec<Secret>);

impl Ledger {
    pub(crate) fn note(&mut self, kind: &'static str, value: &str) {
        if !value.is_empty() && !self.0.iter().any(|known| known.value == value) {
            self.0.push(Secret { kind, value: value.to_owned() });
        }
    }

    pub(crate) fn all(&self) -> &[Secret] {
        &self.0
    }
}
