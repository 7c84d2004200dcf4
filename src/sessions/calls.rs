//! What a Session object answers, declared once for both sides.

use serde::{Deserialize, Serialize};

use super::terms::{Limit, Terms};
use crate::crypto::Sealed;
use crate::ports::{Timestamp, declare_call};

/// The person pressed *Approve*, and the browser leaves for Sentry.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Begin {
    /// What they agreed to.
    pub terms: Terms,
    /// The client's `state`, given back to it at the end.
    pub state: Option<String>,
    /// When Sentry's answer comes too late.
    pub expires_at: Timestamp,
}
declare_call!(Session: Begin => bool, "/begin");

/// Sentry sent the browser back: takes the consent, once, whoever comes (P14).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Take {}
declare_call!(Session: Take => Taken, "/take");

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Taken {
    /// This caller took it; nobody else can.
    Yes {
        /// What was agreed to.
        terms: Box<Terms>,
        /// The client's `state`.
        state: Option<String>,
    },
    /// Somebody took it before.
    Used,
    /// It ran out.
    Expired,
    /// It never was here.
    Unknown,
}

/// Sentry's grant is there, or is not wanted after all.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Conclude {
    /// A [`crate::grants::record::GrantRecord`], sealed for the object's name (`Purpose::PendingGrant`).
    pub sealed_grant: Vec<u8>,
    /// Whether to keep it. If not, it is revoked at Sentry.
    pub keep: bool,
}
declare_call!(Session: Conclude => Concluded, "/conclude");

/// What became of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Concluded {
    /// The grant is stored; this is the client's authorization code.
    Code(String),
    /// The grant is being revoked.
    Discarded,
    /// It was concluded before, never taken, or has run out; the grant is being revoked.
    TooLate,
}

impl std::fmt::Debug for Concluded {
    /// Without the code.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Concluded::Code(_) => "Code",
            Concluded::Discarded => "Discarded",
            Concluded::TooLate => "TooLate",
        })
    }
}

/// A client redeems its code (RFC 6749 §4.1.3). The client is authenticated already.
#[derive(Clone, Serialize, Deserialize)]
pub struct Redeem {
    /// The hash of the code.
    pub code: String,
    /// The hash of the client's id.
    pub client: String,
    /// `redirect_uri`, when it was sent.
    pub redirect_uri: Option<String>,
    /// `code_verifier`, when it was sent.
    pub verifier: Option<String>,
    /// What it asks for.
    pub wanted: Wanted,
}
declare_call!(Session: Redeem => Tokens, "/redeem");

/// A client refreshes (RFC 6749 §6). The client is authenticated already.
#[derive(Clone, Serialize, Deserialize)]
pub struct Refresh {
    /// The refresh token, whole: its successor is made of it.
    pub token: String,
    /// The hash of the client's id.
    pub client: String,
    /// Whether the client proved itself with a secret.
    #[serde(default)]
    pub confidential: bool,
    /// The network address that it comes from, as limits know it.
    #[serde(default)]
    pub address: String,
    /// What it asks for.
    pub wanted: Wanted,
}
declare_call!(Session: Refresh => Tokens, "/refresh");

/// What a token request may narrow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// `scope`; `None` is all that there is.
    pub scopes: Option<Vec<String>>,
    /// `resource` (RFC 8707 §2.2); `None` is the whole session's.
    pub resource: Option<Resource>,
}

/// A protected resource of ours, named by its URI.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// Its origin, without a slash at the end.
    pub origin: String,
    /// Its path.
    pub limit: Limit,
}

/// The answer to a token request.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tokens {
    /// Tokens.
    Issued(Issued),
    /// None, and why.
    Denied(Denied),
}

/// Issued tokens (RFC 6749 §5.1).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issued {
    /// The access token.
    pub access_token: String,
    /// The refresh token, when the client registered for it.
    pub refresh_token: Option<String>,
    /// The access token's life in seconds.
    pub expires_in: u64,
    /// The access token's scopes.
    pub scopes: Vec<String>,
    /// The access token's audience.
    pub resource: Resource,
}

/// Why a token request is denied: an error code and a sentence for the client's developer (RFC 6749 §5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Denied {
    /// No such code or refresh token, or another client's, or it has ended.
    NoSuchGrant,
    /// It ran out.
    Expired,
    /// The code was redeemed before.
    CodeUsed,
    /// The refresh token was replaced by a newer one, which was in use: the session is ended.
    Superseded,
    /// Another redirect URI than the one that the code was sent to.
    OtherRedirect,
    /// Without PKCE the redirect URI must be sent.
    RedirectMissing,
    /// The verifier does not fit the challenge.
    WrongVerifier,
    /// The challenge asks for a verifier.
    VerifierMissing,
    /// There was no challenge.
    VerifierUnasked,
    /// Not within the session's resource.
    OtherResource,
    /// None of the scopes is within the session's.
    OtherScopes,
}

impl Denied {
    /// The error code.
    pub fn code(self) -> &'static str {
        match self {
            Denied::RedirectMissing | Denied::VerifierMissing | Denied::VerifierUnasked => "invalid_request",
            Denied::OtherResource => "invalid_target",
            Denied::OtherScopes => "invalid_scope",
            _ => "invalid_grant",
        }
    }

    /// The sentence.
    pub fn description(self) -> &'static str {
        match self {
            Denied::NoSuchGrant => "This code or token is not valid, or not this client's.",
            Denied::Expired => "It has expired. Authorize again.",
            Denied::CodeUsed => "This code has been redeemed.",
            Denied::Superseded => "This refresh token was replaced, and the new one is in use. Authorize again.",
            Denied::OtherRedirect => "redirect_uri is not the one that the code was sent to.",
            Denied::RedirectMissing => "redirect_uri is required when the authorization had no code_challenge.",
            Denied::WrongVerifier => "code_verifier does not fit the code_challenge.",
            Denied::VerifierMissing => "code_verifier is required: the authorization had a code_challenge.",
            Denied::VerifierUnasked => "code_verifier was sent, but the authorization had no code_challenge.",
            Denied::OtherResource => "resource is not within what was authorized.",
            Denied::OtherScopes => "None of the scopes is within what was authorized.",
        }
    }
}

/// A client revokes a token (RFC 7009). The client is authenticated already.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Revoke {
    /// The token's hash.
    pub token: String,
    /// Whether it is a refresh token, which ends the session; an access token ends alone.
    pub refresh: bool,
    /// The hash of the client's id.
    pub client: String,
}
declare_call!(Session: Revoke => (), "/revoke");

/// Its person ends the session. It ends only for an account that it is listed under; replies whether it was open.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EndFor {
    /// The Account object's name.
    pub account: String,
}
declare_call!(Session: EndFor => bool, "/end-for");

/// Its person wants to see the session: told only to an account that it is listed under, while it is open.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct View {
    /// The Account object's name.
    pub account: String,
}
declare_call!(Session: View => Option<Listed>, "/view");

/// What a person sees of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// What the client calls itself; untrusted.
    pub client_name: String,
    /// Where its code went.
    pub redirect_uri: String,
    /// The names of the skills.
    pub skills: Vec<String>,
    /// The organization and project that it is limited to.
    pub limit: Limit,
    /// When it was let in.
    pub opened_at: Timestamp,
    /// When it came last, to within ten minutes; `None`: it has not come yet.
    pub used_at: Option<Timestamp>,
}

impl Listed {
    /// When it was used, or else let in.
    pub fn last_sign_of_life(&self) -> Timestamp {
        self.used_at.unwrap_or(self.opened_at)
    }
}

/// Somebody comes to the MCP door with an access token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Authenticate {
    /// The token's hash.
    pub token: String,
    /// The resource that they ask for.
    pub resource: Resource,
    /// Whether a Sentry credential is needed for what they ask.
    pub credential: CredentialNeed,
    /// The network address that they come from, as limits know it.
    #[serde(default)]
    pub address: String,
}
declare_call!(Session: Authenticate => Authenticated, "/authenticate");

/// Whether a call needs Sentry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialNeed {
    /// It does not: listing tools, for instance.
    No,
    /// Nobody can say yet: the credential comes if it is at hand, without a refresh, and its lack is no failure.
    Perhaps,
    /// It does.
    Yes,
    /// It does, and with the session's own grant also where there is an operator's token: as a proof of who comes.
    Own,
    /// Sentry refused the token of this version with a 401 that says that it is dead.
    Rejected(i64),
}

/// Who came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Authenticated {
    /// A client with a live access token.
    Yes(Access),
    /// The token is unknown, has run out, or was revoked; or Sentry ended the grant: 401, `invalid_token`.
    Refused,
    /// The token is for another resource of ours: 401, `invalid_token`.
    OtherResource,
    /// The grant cannot be renewed at the moment: 503.
    TryLater,
}

/// What the token allows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// The names of the skills that its person granted; its scopes may allow only some of their tools.
    pub skills: Vec<String>,
    /// Its scopes.
    pub scopes: Vec<String>,
    /// The organization and project that it is limited to, by token and requested path together.
    pub limit: Limit,
    /// What the client calls itself; untrusted.
    pub client_name: String,
    /// The Sentry credential, when one was asked for: open it with [`super::session::open_credential`].
    pub credential: Option<Sealed>,
}
