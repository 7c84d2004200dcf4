//! Times, names and bounds.

use std::time::Duration;

/// How long a state works: as long as Sentry's own consent page and code (10 minutes each).
pub const STATE_LIFE: Duration = Duration::from_secs(10 * 60);
/// How long a consented grant waits for its person's confirmation.
pub const PENDING_LIFE: Duration = Duration::from_secs(10 * 60);
/// The longest accepted form: a sealed grant is about 2 KiB.
pub const MAX_FORM: usize = 64 * 1024;
/// The longest accepted state or link, in characters; ours have fewer than 1,000.
pub const MAX_TOKEN: usize = 4 * 1024;
/// The cookie that binds a consent to a browser. `__Host-` makes browsers refuse it from other hosts and over http.
pub const BROWSER_COOKIE: &str = "__Host-vedette_browser";
/// The cookie that remembers what was ticked on the consent page.
pub const CHOICES_COOKIE: &str = "__Host-vedette_choices";
/// Where Sentry sends the browser back to, for a Slack person's connection.
pub const CONNECT_CALLBACK: &str = "/api/oauth/callback/sentry";
/// Where Sentry sends the browser back to, for an MCP client's authorization.
pub const CLIENT_CALLBACK: &str = "/oauth/callback";
/// Where MCP clients send the browser to.
pub const AUTHORIZE: &str = "/oauth/authorize";
