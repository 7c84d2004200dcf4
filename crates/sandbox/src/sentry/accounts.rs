//! Who has a Sentry account, and what they may see.

/// A Sentry account.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) email: &'static str,
    /// The slugs of the organizations of which the account is a member.
    pub(crate) organizations: &'static [&'static str],
    /// Whether the account stands on the consent page.
    pub(crate) is_person: bool,
}

pub(crate) static ACCOUNTS: [Account; 3] = [
    Account {
        id: "2201",
        name: "Ada Lovelace",
        email: "ada@example.com",
        organizations: &["globex", "initech", "hooli"],
        is_person: true,
    },
    Account {
        id: "2202",
        name: "Grace Hopper",
        email: "grace@example.com",
        organizations: &["umbrella"],
        is_person: true,
    },
    Account {
        id: "2299",
        name: "CI bot",
        email: "ci-bot@example.com",
        organizations: &["globex", "initech", "hooli", "umbrella"],
        is_person: false,
    },
];

/// The account of the operator's own token.
pub(crate) fn operator() -> Option<&'static Account> {
    by_email("ci-bot@example.com")
}

pub(crate) fn by_email(email: &str) -> Option<&'static Account> {
    ACCOUNTS.iter().find(|account| account.email.eq_ignore_ascii_case(email))
}

/// Every scope that Sentry knows (`SENTRY_SCOPES`).
pub(crate) const SCOPES: &[&str] = &[
    "org:read",
    "org:write",
    "org:admin",
    "org:integrations",
    "org:ci",
    "member:invite",
    "member:read",
    "member:write",
    "member:admin",
    "team:read",
    "team:write",
    "team:admin",
    "project:read",
    "project:write",
    "project:admin",
    "project:releases",
    "project:distribution",
    "event:read",
    "event:write",
    "event:admin",
    "alerts:read",
    "alerts:write",
    "openid",
    "profile",
    "email",
];
