//! Which `response_url`s are believed.
//!
//! The URL comes in a signed body, and is a capability to write as the app. It is still held against the hosts that Slack
//! hands out, so that no body, however it came to be signed, makes this Worker post somewhere else.

use url::Url;

use vedette_sentry::host::is_loopback;

/// Where Slack's response URLs are (<https://docs.slack.dev/interactivity/handling-user-interaction>), and GovSlack's.
const HOSTS: [&str; 2] = ["hooks.slack.com", "hooks.slack-gov.com"];

/// `response_url` when it leads to Slack, or, when `api_url` is a loopback (tests, the local demo), to the same origin as
/// that; else `None`: the request is then treated as one that came without it.
pub fn accepted(response_url: Option<&str>, api_url: &Url) -> Option<Url> {
    let url = Url::parse(response_url?).ok()?;
    if !url.username().is_empty() || url.password().is_some() {
        return None;
    }
    let slack = url.scheme() == "https" && url.port().is_none() && HOSTS.contains(&url.host_str()?);
    let local = is_loopback(api_url) && url.origin() == api_url.origin();
    (slack || local).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_accepted(response_url: &str, api_url: &str) -> bool {
        accepted(Some(response_url), &Url::parse(api_url).unwrap()).is_some()
    }

    #[test]
    fn slacks_hook_hosts_are_accepted_and_nothing_else() {
        for good in ["https://hooks.slack.com/commands/T1/2/x", "https://hooks.slack-gov.com/actions/T1/2/x"] {
            assert!(is_accepted(good, "https://slack.com/api"), "{good}");
        }
        for bad in [
            "http://hooks.slack.com/commands/T1",
            "https://hooks.slack.com:8443/commands/T1",
            "https://hooks.slack.com.evil.example/",
            "https://evilhooks.slack.com/",
            "https://slack.com/api",
            "https://hooks.slack.com@evil.example/",
            "https://user:pass@hooks.slack.com/",
            "https://127.0.0.1/",
            "http://127.0.0.1:8790/response/1",
            "file:///etc/passwd",
            "hooks.slack.com/commands",
            "",
        ] {
            assert!(!is_accepted(bad, "https://slack.com/api"), "{bad}");
        }
    }

    #[test]
    fn a_loopback_api_brings_its_own_origin_and_no_other() {
        assert!(is_accepted("http://127.0.0.1:8790/response/1", "http://127.0.0.1:8790/api"));
        assert!(is_accepted("https://hooks.slack.com/x", "http://127.0.0.1:8790/api"));
        for bad in ["http://127.0.0.1:8791/response/1", "http://localhost:8790/", "https://127.0.0.1:8790/"] {
            assert!(!is_accepted(bad, "http://127.0.0.1:8790/api"), "{bad}");
        }
    }
}
