//! What a sandbox is told about its surroundings.

/// The operator's own Sentry token, as it would stand in the Worker's `SENTRY_AUTH_TOKEN`: it sees every organization.
pub const OPERATOR_TOKEN: &str = "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";

/// Sentry's default limit: 40 requests in one second, for each account and endpoint (`crates/sentry/src/ratelimits/config.py`).
pub const SENTRY_REQUESTS_PER_SECOND: u32 = 40;

/// When Slack sends an event again: at once, after one minute, after five minutes (in milliseconds).
pub const SLACK_RETRY_DELAYS_MS: [u64; 3] = [0, 60_000, 300_000];

/// Where the sandbox's two halves and the app are, and which secrets they share.
#[derive(Clone, Debug)]
pub struct Options {
    /// The origin under which the fake Sentry is reached. `https://sentry.io` (and its regions) always answers too.
    pub sentry_origin: String,
    /// The origin under which the fake Slack is reached. `https://slack.com` always answers too. When this *is*
    /// `https://slack.com`, response URLs are on `https://hooks.slack.com`.
    pub slack_origin: String,
    /// The Worker, as Slack's deliveries reach it.
    pub app_url: String,
    /// The Worker, as browsers reach it: its OAuth callbacks are registered under this origin.
    pub app_public_url: String,
    /// Redirect URIs that are registered with the Sentry application beyond the two under `app_public_url`.
    pub redirect_uris: Vec<String>,
    /// What Slack signs its requests with.
    pub signing_secret: String,
    /// The bot token that the Web API accepts.
    pub bot_token: String,
    /// The Sentry application's client id.
    pub client_id: String,
    /// The Sentry application's client secret.
    pub client_secret: String,
    /// A Sentry user token that was not issued by OAuth; it never expires, and is not counted among the live tokens.
    pub operator_token: String,
    /// Requests per second for each Sentry account and endpoint, after which 429 is answered.
    pub sentry_requests_per_second: u32,
    /// The pauses before the first, second and third retry of an event, in milliseconds.
    pub retry_delays_ms: [u64; 3],
    /// Whether `users.info` shows e-mail addresses (scope `users:read.email`).
    pub users_read_email: bool,
    /// The same seed gives the same tokens and ids; `None` takes a random one.
    pub random_seed: Option<u64>,
}

impl Options {
    /// The local demo: everything on loopback ports.
    pub fn local() -> Options {
        Options {
            sentry_origin: "http://127.0.0.1:8789".into(),
            slack_origin: "http://127.0.0.1:8788".into(),
            app_url: "http://127.0.0.1:8787".into(),
            app_public_url: "http://127.0.0.1:8787".into(),
            redirect_uris: Vec::new(),
            signing_secret: "sandbox-signing-secret".into(),
            bot_token: "xoxb-sandbox-bot-token".into(),
            client_id: "sandbox-client-id".into(),
            client_secret: "sandbox-client-secret".into(),
            operator_token: OPERATOR_TOKEN.into(),
            sentry_requests_per_second: SENTRY_REQUESTS_PER_SECOND,
            retry_delays_ms: SLACK_RETRY_DELAYS_MS,
            users_read_email: false,
            random_seed: None,
        }
    }

    /// The hosted services under their real names, with `app` (an origin) as the Worker.
    pub fn saas(app: &str) -> Options {
        Options {
            sentry_origin: "https://sentry.io".into(),
            slack_origin: "https://slack.com".into(),
            app_url: app.trim_end_matches('/').into(),
            app_public_url: app.trim_end_matches('/').into(),
            ..Options::local()
        }
    }

    /// The same sandbox with reproducible ids and tokens.
    pub fn seeded(self, seed: u64) -> Options {
        Options { random_seed: Some(seed), ..self }
    }

    /// Every redirect URI that the Sentry application has registered.
    pub fn registered_redirect_uris(&self) -> Vec<String> {
        let app = self.app_public_url.trim_end_matches('/');
        let mut uris = vec![format!("{app}/api/oauth/callback/sentry"), format!("{app}/oauth/callback")];
        uris.extend(self.redirect_uris.iter().cloned());
        uris
    }
}

impl Default for Options {
    fn default() -> Options {
        Options::local()
    }
}
