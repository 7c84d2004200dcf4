//! The environment, parsed and validated once into types.
//!
//! A door whose variables are missing or malformed is closed with one clear sentence; the other doors stay open. So
//! each section is a `Result`: the door that needs it shows the [`Problem`], `/health` lists them all.

use std::time::Duration;

use secrecy::SecretString;
use url::Url;
pub use vedette_sentry::app::{SentryApp, expose};
use vedette_sentry::host::{SentryHost, is_loopback};

/// What is wrong with a variable, and how to set it. Never holds the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{variable} {problem}")]
pub struct Problem {
    /// The variable's name.
    pub variable: &'static str,
    /// What is wrong and what to do, to follow the name in a sentence.
    pub problem: &'static str,
}

fn problem<T>(variable: &'static str, problem: &'static str) -> Result<T, Problem> {
    Err(Problem { variable, problem })
}

/// The Slack app.
#[derive(Clone, Debug)]
pub struct SlackApp {
    /// `SLACK_SIGNING_SECRET`: verifies what Slack sends.
    pub signing_secret: SecretString,
    /// `SLACK_BOT_TOKEN`: calls the Web API.
    pub bot_token: SecretString,
    /// `SLACK_ALLOWED_TEAMS`: team or enterprise ids; empty allows every team that can sign.
    pub allowed_teams: Vec<String>,
    /// `SLACK_API_URL`, without a trailing slash.
    pub api_url: Url,
    /// `SLACK_COMMAND`, with its slash.
    pub command: String,
}

/// `COOKIE_SECRET` and `COOKIE_SECRET_PREVIOUS`: the roots of every derived key.
#[derive(Clone, Debug)]
pub struct RootSecrets {
    /// Seals and opens.
    pub current: SecretString,
    /// Opens only.
    pub previous: Option<SecretString>,
}

/// The default target of a command that names none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DefaultTarget {
    /// `SENTRY_ORG`, a slug.
    pub organization: Option<String>,
    /// `SENTRY_PROJECT`, a slug.
    pub project: Option<String>,
}

/// The configuration of one deployment.
#[derive(Clone, Debug)]
pub struct Config {
    /// `BASE_URL`: the canonical public origin. `None`: each request's own origin.
    pub base_url: Result<Option<Url>, Problem>,
    /// `SENTRY_HOST`.
    pub sentry_host: Result<SentryHost, Problem>,
    /// `SENTRY_CLIENT_ID` and `SENTRY_CLIENT_SECRET`.
    pub sentry_app: Result<SentryApp, Problem>,
    /// `SENTRY_SCOPES`, in the order given, without duplicates.
    pub scopes: Vec<String>,
    /// `ACCESS_TOKEN_HOURS`: how long the access tokens of MCP clients work.
    pub access_token_life: Result<Duration, Problem>,
    /// `SENTRY_AUTH_TOKEN`, trimmed; blank is unset (P6).
    pub environment_token: Option<SecretString>,
    /// `SENTRY_ORG` and `SENTRY_PROJECT`.
    pub default_target: DefaultTarget,
    /// `COOKIE_SECRET` and `COOKIE_SECRET_PREVIOUS`.
    pub root_secrets: Result<RootSecrets, Problem>,
    /// The Slack app's variables.
    pub slack: Result<SlackApp, Problem>,
}

/// The least length of `COOKIE_SECRET`, in characters: 32 characters of 4 bits and more make a 128-bit root.
const MIN_ROOT_SECRET: usize = 32;

/// The slash command's name, unless `SLACK_COMMAND` gives another.
pub const DEFAULT_COMMAND: &str = "/sentry";
/// The longest name of a slash command, in characters, its slash not counted.
const MAX_COMMAND: usize = 32;

/// The scopes that the read commands need.
pub const DEFAULT_SCOPES: &str = "event:read org:read project:read team:read";

impl Config {
    /// Parses the environment that `get` reads by variable name. Values are trimmed; a blank one counts as unset.
    pub fn parse(get: impl Fn(&str) -> Option<String>) -> Config {
        let get = |name: &str| get(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let scopes = get("SENTRY_SCOPES").unwrap_or_else(|| DEFAULT_SCOPES.to_owned());
        Config {
            base_url: parse_base_url(get("BASE_URL")),
            sentry_host: SentryHost::parse(get("SENTRY_HOST").as_deref().unwrap_or("sentry.io"))
                .map_err(|sentence| Problem { variable: "SENTRY_HOST", problem: sentence }),
            sentry_app: parse_sentry_app(get("SENTRY_CLIENT_ID"), get("SENTRY_CLIENT_SECRET")),
            scopes: unique_words(&scopes),
            access_token_life: parse_access_token_life(get("ACCESS_TOKEN_HOURS")),
            environment_token: get("SENTRY_AUTH_TOKEN").map(SecretString::from),
            default_target: DefaultTarget { organization: get("SENTRY_ORG"), project: get("SENTRY_PROJECT") },
            root_secrets: parse_root_secrets(get("COOKIE_SECRET"), get("COOKIE_SECRET_PREVIOUS")),
            slack: parse_slack(&get),
        }
    }

    /// The slash command's name, as people type it.
    pub fn command(&self) -> &str {
        self.slack.as_ref().map_or(DEFAULT_COMMAND, |slack| &slack.command)
    }

    /// Every problem, in the order of the documentation's table. A deployment with `SENTRY_AUTH_TOKEN` needs no OAuth
    /// application, so its absence is then no problem.
    pub fn problems(&self) -> Vec<Problem> {
        let app = self.sentry_app.as_ref().err().filter(|_| self.environment_token.is_none());
        [
            app,
            self.sentry_host.as_ref().err(),
            self.root_secrets.as_ref().err(),
            self.slack.as_ref().err(),
            self.access_token_life.as_ref().err(),
            self.base_url.as_ref().err(),
        ]
        .into_iter()
        .flatten()
        .copied()
        .collect()
    }
}

/// Eight hours by default: clients refresh badly, and a session is looked up at each request anyway, so that a long life keeps
/// no revoked token alive.
fn parse_access_token_life(value: Option<String>) -> Result<Duration, Problem> {
    let hours = value.map_or(Ok(8), |value| value.parse::<u64>());
    match hours {
        Ok(hours @ 1..=24) => Ok(Duration::from_secs(hours * 60 * 60)),
        _ => problem(
            "ACCESS_TOKEN_HOURS",
            "is not a whole number from 1 to 24: set it to how many hours an MCP client's access token is to work, or leave \
             it out for 8",
        ),
    }
}

fn unique_words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text.split([' ', ',']).filter(|word| !word.is_empty()) {
        if !words.iter().any(|known| known == word) {
            words.push(word.to_owned());
        }
    }
    words
}

fn parse_base_url(value: Option<String>) -> Result<Option<Url>, Problem> {
    const NAME: &str = "BASE_URL";
    let Some(value) = value else { return Ok(None) };
    let Ok(url) = Url::parse(&value) else {
        return problem(
            NAME,
            "is not a URL: set it to the Worker's public origin, like https://vedette.example.workers.dev",
        );
    };
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    let secure = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
    match (bare, secure) {
        (true, true) => Ok(Some(url)),
        (false, _) => problem(NAME, "must be an origin alone, without a path, query or user name"),
        (_, false) => problem(NAME, "must start with https:// (http:// is accepted for a loopback host only)"),
    }
}

fn parse_sentry_app(id: Option<String>, secret: Option<String>) -> Result<SentryApp, Problem> {
    const HOW: &str = "is not set: create an OAuth application at Sentry (Settings, API, Applications) and run \
                       `npx wrangler secret put` with its name";
    let Some(client_id) = id else { return problem("SENTRY_CLIENT_ID", HOW) };
    let Some(client_secret) = secret else { return problem("SENTRY_CLIENT_SECRET", HOW) };
    Ok(SentryApp { client_id, client_secret: client_secret.into() })
}

fn parse_root_secrets(current: Option<String>, previous: Option<String>) -> Result<RootSecrets, Problem> {
    const NAME: &str = "COOKIE_SECRET";
    const SHORT: &str = "is too short: at least 32 random characters are needed (`openssl rand -hex 32` makes some)";
    let Some(current) = current else {
        return problem(NAME, "is not set: `openssl rand -hex 32 | npx wrangler secret put COOKIE_SECRET` sets it");
    };
    let long_enough = |secret: &str| secret.chars().count() >= MIN_ROOT_SECRET;
    if !long_enough(&current) {
        return problem(NAME, SHORT);
    }
    if previous.as_deref().is_some_and(|secret| !long_enough(secret)) {
        return problem("COOKIE_SECRET_PREVIOUS", SHORT);
    }
    Ok(RootSecrets { current: current.into(), previous: previous.map(Into::into) })
}

fn parse_slack(get: &impl Fn(&str) -> Option<String>) -> Result<SlackApp, Problem> {
    let Some(signing_secret) = get("SLACK_SIGNING_SECRET") else {
        return problem("SLACK_SIGNING_SECRET", "is not set: copy it from the Slack app's Basic Information page");
    };
    let Some(bot_token) = get("SLACK_BOT_TOKEN") else {
        return problem("SLACK_BOT_TOKEN", "is not set: copy the xoxb- token from the Slack app's OAuth page");
    };
    let api_url = get("SLACK_API_URL").unwrap_or_else(|| "https://slack.com/api".to_owned());
    let api_url = match Url::parse(api_url.trim_end_matches('/')) {
        Ok(url) if url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url)) => url,
        _ => return problem("SLACK_API_URL", "must be an https URL (http is accepted for a loopback host only)"),
    };
    let command = get("SLACK_COMMAND").unwrap_or_else(|| DEFAULT_COMMAND.to_owned());
    if !is_command(&command) {
        return problem(
            "SLACK_COMMAND",
            "must be a slash and 1 to 32 of a-z, 0-9, _ and -, as the Slack app's manifest has it",
        );
    }
    Ok(SlackApp {
        command,
        signing_secret: signing_secret.into(),
        bot_token: bot_token.into(),
        allowed_teams: unique_words(&get("SLACK_ALLOWED_TEAMS").unwrap_or_default()),
        api_url,
    })
}

fn is_command(text: &str) -> bool {
    let name = text.strip_prefix('/').unwrap_or_default();
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-');
    (1..=MAX_COMMAND).contains(&name.len()) && name.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(variables: &[(&str, &str)]) -> Config {
        let variables: Vec<(String, String)> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Config::parse(move |name| variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()))
    }

    #[test]
    fn an_empty_environment_names_each_missing_variable_once() {
        let names: Vec<_> = config(&[]).problems().iter().map(|problem| problem.variable).collect();
        assert_eq!(names, ["SENTRY_CLIENT_ID", "COOKIE_SECRET", "SLACK_SIGNING_SECRET"]);
    }

    #[test]
    fn a_blank_operator_token_is_unset_and_a_padded_one_is_trimmed_p6() {
        assert!(config(&[("SENTRY_AUTH_TOKEN", "  \n")]).environment_token.is_none());
        let token = config(&[("SENTRY_AUTH_TOKEN", " sntryu_1 \n")]).environment_token.unwrap();
        assert_eq!(expose(&token), "sntryu_1");
    }

    #[test]
    fn a_headless_deployment_needs_no_oauth_application() {
        let problems = config(&[("SENTRY_AUTH_TOKEN", "sntryu_1")]).problems();
        assert!(problems.iter().all(|problem| problem.variable != "SENTRY_CLIENT_ID"));
    }

    #[test]
    fn a_short_cookie_secret_is_refused_without_being_shown() {
        let problem = config(&[("COOKIE_SECRET", "hunter2")]).root_secrets.unwrap_err();
        assert_eq!(problem.variable, "COOKIE_SECRET");
        assert!(!problem.to_string().contains("hunter2"));
    }

    #[test]
    fn a_base_url_is_an_origin_over_https_or_on_loopback() {
        let base = |value| config(&[("BASE_URL", value)]).base_url.map(|url| url.is_some());
        assert_eq!(base("https://vedette.example.com"), Ok(true));
        assert_eq!(base("http://127.0.0.1:8787"), Ok(true));
        for bad in
            ["vedette.example.com", "http://vedette.example.com", "https://vedette.example.com/path", "https://a@b.com"]
        {
            assert!(base(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn access_tokens_live_eight_hours_or_one_to_twenty_four() {
        let hours =
            |value| config(&[("ACCESS_TOKEN_HOURS", value)]).access_token_life.map(|life| life.as_secs() / 3600);
        assert_eq!((hours(""), hours("1"), hours(" 24 ")), (Ok(8), Ok(1), Ok(24)));
        for bad in ["0", "25", "-1", "8h", "1.5", "99999999999999999999"] {
            assert_eq!(hours(bad).unwrap_err().variable, "ACCESS_TOKEN_HOURS", "{bad}");
        }
        let problems = config(&[("ACCESS_TOKEN_HOURS", "soon")]).problems();
        assert!(
            problems
                .iter()
                .any(|it| it.to_string().starts_with("ACCESS_TOKEN_HOURS is not a whole number from 1 to 24"))
        );
    }

    #[test]
    fn the_slash_command_is_sentry_or_a_name_that_slack_takes() {
        let slack = [("SLACK_SIGNING_SECRET", "s"), ("SLACK_BOT_TOKEN", "xoxb-1")];
        let command = |value| config(&[&slack[..], &[("SLACK_COMMAND", value)]].concat());
        assert_eq!(config(&slack).command(), "/sentry");
        assert_eq!(config(&[]).command(), "/sentry");
        let long = format!("/{}", "x".repeat(32));
        for good in ["/vedette", "/obs-2_x", "/1", &long, " /vedette "] {
            assert_eq!(command(good).command(), good.trim(), "{good}");
        }
        assert_eq!(command(" ").command(), "/sentry", "blank is unset");
        let longer = format!("/{}", "x".repeat(33));
        for bad in ["vedette", "/", "//x", "/Vedette", "/a b", "/a/b", "/é", &longer] {
            let problem = command(bad).slack.unwrap_err();
            assert_eq!(problem.variable, "SLACK_COMMAND", "{bad}");
            assert!(command(bad).problems().contains(&problem));
        }
    }

    #[test]
    fn no_secret_appears_in_debug() {
        let config = config(&[
            ("SENTRY_CLIENT_ID", "id"),
            ("SENTRY_CLIENT_SECRET", "client-secret-value"),
            ("SENTRY_AUTH_TOKEN", "operator-token-value"),
            ("COOKIE_SECRET", "cookie-secret-value-cookie-secret-value"),
            ("SLACK_SIGNING_SECRET", "signing-secret-value"),
            ("SLACK_BOT_TOKEN", "bot-token-value"),
        ]);
        let printed = format!("{config:?}");
        assert!(!printed.contains("-value"), "{printed}");
    }
}
