//! What the first page says, apart from how: [`super`] renders it for people, [`super::markdown()`] for machines.

use url::Url;

use super::clients::{self, Client};
use crate::config::{Config, Problem};
use vedette_commands::{Effect, catalogue};

pub(crate) const TITLE: &str = "Ask Sentry, from Slack and from your agent";
pub(crate) const ABOUT: &str =
    "Vedette looks up issues, events and projects in Sentry, for people in Slack and for any MCP client.";
const OWN_ACCESS: &str = "It looks with your own access: you see what you may see, and nobody sees more through you.";
const SHARED_ACCESS: &str = "On this deployment it looks with one token that the operator set, the same for everybody.";

/// Everything that the page says.
pub(crate) struct Facts<'a> {
    pub(crate) access: &'static str,
    pub(crate) slack: Slack,
    pub(crate) mcp: Mcp,
    pub(crate) data: Vec<String>,
    pub(crate) caution: &'static [&'static str],
    /// The Sentry that is asked, when its name is in order.
    pub(crate) sentry: Option<&'a vedette_sentry::host::SentryHost>,
    /// Whether people have anything here that the account page could show.
    pub(crate) accounts: bool,
}

/// Whether a door can be used.
pub(crate) enum State {
    Open,
    /// Only by who brings a Sentry token, and why: nothing is missing in a deployment with the operator's token.
    TokensOnly(Vec<Problem>),
    Closed(Vec<Problem>),
}

impl State {
    pub(crate) fn word(&self) -> &'static str {
        match self {
            State::Open => "Ready to use",
            State::TokensOnly(_) => "Ready with a token",
            State::Closed(_) => "Not set up",
        }
    }

    pub(crate) fn problems(&self) -> &[Problem] {
        match self {
            State::Open => &[],
            State::TokensOnly(problems) | State::Closed(problems) => problems,
        }
    }
}

/// The Slack door.
pub(crate) struct Slack {
    pub(crate) state: State,
    pub(crate) about: String,
    /// Lines to try, each with what it does.
    pub(crate) lines: Vec<(String, &'static str)>,
}

const SLACK_ABOUT: &str = "Mention it in a channel, write to it, or type `{command}`. It answers in the thread; `{command}` answers \
                           you alone. Your first question brings a private link to connect your Sentry account.";
const SLACK_SHARED: &str = "Mention it in a channel, write to it, or type `{command}`. It answers in the thread; `{command}` \
                            answers you alone.";

/// The MCP door.
pub(crate) struct Mcp {
    pub(crate) state: State,
    /// Its address.
    pub(crate) url: String,
    pub(crate) about: &'static str,
    pub(crate) limits: &'static str,
    pub(crate) skills: &'static str,
    pub(crate) clients: Vec<Client>,
}

const BY_CONSENT: &str = "The same commands as tools of an MCP server. Give your client this address: a browser window opens, \
                          and you choose what the client may do.";
const BY_TOKEN: &str = "The same commands as tools of an MCP server, for clients that bring a Sentry token of yours.";

/// What an address may have after the endpoint's, and what it leaves.
pub(crate) const LIMITS: [(&str, &str); 5] = [
    ("", "everything that your account sees"),
    ("/{organization}", "one organization"),
    ("/{organization}/{project}", "one project"),
    ("?skills=inspect,triage", "these skills"),
    ("?disable-skills=seer", "every skill but these"),
];
const LIMITS_ABOUT: &str = "A limit is part of the address. You see it when you consent, and no client can talk its way out of \
                            it. Slugs are those in Sentry’s own addresses.";
const LIMITS_BY_TOKEN: &str = "A limit is part of the address, and no client can talk its way out of it. Slugs are those in \
                               Sentry’s own addresses.";
const SKILLS_ABOUT: &str = "Tools come in skills. You tick them when you consent, and the permissions that are asked of Sentry follow from them.";
const SKILLS_BY_TOKEN: &str = "Tools come in skills. A client gets all of them, unless its address leaves some out.";
const READS_ONLY: &str = " So far every tool only reads.";

/// Said as long as it is true.
pub(crate) fn reads_only() -> &'static str {
    if catalogue().iter().all(|entry| entry.spec.effect == Effect::Read) { READS_ONLY } else { "" }
}

const OWN_DATA: &[&str] = &[
    "It asks Sentry as you, with the permissions that you approve there.",
    "Your Sentry token is kept encrypted, goes to Sentry alone, and is never given to a client. A client gets a token of its \
     own, which works here only.",
    "Answers are passed on. Of what MCP clients ask nothing is kept; in Slack an answer is kept until it is shown.",
    "You can end it at any time, on the account page or with `{command} disconnect`: what is kept is deleted, and the token \
     is revoked at Sentry.",
    "There is no language model in here, and no tracking.",
];
const SHARED_DATA: &[&str] = &[
    "It asks Sentry with the operator’s token, for people who proved who they are.",
    "A Sentry token that you bring is checked with Sentry, known by its hash for a minute, and kept nowhere.",
    "Answers are passed on. Of what MCP clients ask nothing is kept; in Slack an answer is kept until it is shown.",
    "There is no language model in here, and no tracking.",
];
const OWN_CAUTION: &[&str] = &[
    "A client that you let in reads what you may read. What it does with it is between you and the client.",
    "Titles and messages of events may have been written by anybody. They are given to clients marked as data, which a model \
     should judge and never obey.",
    "Who runs this deployment holds its keys. Connect only where you trust them.",
];
const SHARED_CAUTION: &[&str] = &[
    "Everybody who can use this deployment sees what the operator’s token sees.",
    "Titles and messages of events may have been written by anybody. They are given to clients marked as data, which a model \
     should judge and never obey.",
];

impl Facts<'_> {
    /// What there is to say about this deployment at `origin`.
    pub(crate) fn of<'a>(config: &'a Config, origin: &Url) -> Facts<'a> {
        let headless = config.environment_token.is_some();
        let mcp = mcp(config, origin);
        let data = if headless { SHARED_DATA } else { OWN_DATA };
        Facts {
            access: if headless { SHARED_ACCESS } else { OWN_ACCESS },
            accounts: matches!(mcp.state, State::Open),
            slack: slack(config),
            mcp,
            data: data.iter().map(|sentence| named(sentence, config)).collect(),
            caution: if headless { SHARED_CAUTION } else { OWN_CAUTION },
            sentry: config.sentry_host.as_ref().ok(),
        }
    }
}

/// A sentence with the slash command's name in it.
fn named(sentence: &str, config: &Config) -> String {
    sentence.replace("{command}", config.command())
}

fn problems<const N: usize>(sections: [Option<&Problem>; N]) -> Vec<Problem> {
    sections.into_iter().flatten().copied().collect()
}

fn slack(config: &Config) -> Slack {
    let lacking = problems([
        config.slack.as_ref().err(),
        config.sentry_app.as_ref().err().filter(|_| config.environment_token.is_none()),
        config.sentry_host.as_ref().err(),
        config.root_secrets.as_ref().err(),
        config.base_url.as_ref().err(),
    ]);
    let command = config.command();
    let example = |name: &str| {
        let spec = catalogue().iter().map(|entry| &entry.spec).find(|spec| spec.name == name)?;
        Some((format!("{command} {}", spec.examples.first()?), spec.summary))
    };
    let own = [("status", "Show your connection"), ("help", "List every command")];
    let own = own.map(|(words, what)| (format!("{command} {words}"), what));
    Slack {
        state: if lacking.is_empty() { State::Open } else { State::Closed(lacking) },
        about: named(if config.environment_token.is_some() { SLACK_SHARED } else { SLACK_ABOUT }, config),
        lines: ["issue list", "issue view"].into_iter().filter_map(example).chain(own).collect(),
    }
}

/// The endpoint's address at `origin`.
pub(crate) fn endpoint(origin: &Url) -> String {
    format!("{}/mcp", origin.origin().ascii_serialization())
}

fn mcp(config: &Config, origin: &Url) -> Mcp {
    let url = endpoint(origin);
    let closing = problems([config.sentry_host.as_ref().err(), config.base_url.as_ref().err()]);
    let consent = problems([config.sentry_app.as_ref().err(), config.root_secrets.as_ref().err()]);
    let state = match (config.environment_token.is_some(), closing.is_empty(), consent.is_empty()) {
        (_, false, _) => State::Closed(closing),
        (true, true, _) => State::TokensOnly(Vec::new()),
        (false, true, true) => State::Open,
        (false, true, false) => State::TokensOnly(consent),
    };
    let by_token = || vec![clients::by_token(&url)];
    let clients = match state {
        State::Open => clients::by_consent(&url).into_iter().chain(by_token()).collect(),
        State::TokensOnly(_) => by_token(),
        State::Closed(_) => Vec::new(),
    };
    let (about, limits, skills) = match state {
        State::TokensOnly(_) => (BY_TOKEN, LIMITS_BY_TOKEN, SKILLS_BY_TOKEN),
        _ => (BY_CONSENT, LIMITS_ABOUT, SKILLS_ABOUT),
    };
    Mcp { state, url, about, limits, skills, clients }
}
