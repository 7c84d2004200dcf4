//! Faults: what goes wrong, where, when, and how often.
//!
//! The first fault whose side and pattern fit a request applies to it; delays add up and let a later fault apply too.
//! A fault comes *before the work* (the request changes nothing) unless it is `after_work` (the work is done, and then
//! its answer is lost or replaced). [`FaultKind::Truncate`] needs an answer to cut, so its work is always done.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Which half of the outside world misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The fake Sentry.
    Sentry,
    /// The fake Slack.
    Slack,
}

/// One fault that is, or will be, in effect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// Given by the sandbox when it is empty.
    #[serde(default)]
    pub id: String,
    /// Which side it befalls.
    pub side: Side,
    /// Which requests: a substring of the path, or, with a `*` in it, a pattern for the whole path (`*` is any run of
    /// characters). The path has no leading slash; `host/path` is tried as well.
    #[serde(rename = "match")]
    pub matches: String,
    /// What goes wrong.
    #[serde(flatten)]
    pub kind: FaultKind,
    /// Whether the work is done first.
    #[serde(default)]
    pub after_work: bool,
    /// How many more requests it befalls; `None` until it is removed.
    #[serde(default)]
    pub times: Option<u32>,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FaultKind {
    /// The answer comes this much later.
    Delay {
        /// Milliseconds.
        ms: u64,
    },
    /// There is no answer.
    Hang,
    /// Another status than expected.
    Status {
        /// The HTTP status.
        code: u16,
        /// A string is sent as it is, anything else as JSON; absent, it is what that side says with such a status.
        #[serde(default)]
        body: Option<Value>,
        /// Added to the response.
        #[serde(default)]
        headers: BTreeMap<String, String>,
    },
    /// 429, as that side says it.
    RateLimited {
        /// Seconds.
        retry_after: u64,
    },
    /// A proxy's HTML page with this status.
    Html {
        /// The HTTP status.
        code: u16,
    },
    /// The connection closes in the middle of the body.
    Truncate,
    /// The connection closes without a byte.
    Drop,
    /// Slack's `{"ok":false,"error":…}`.
    SlackError {
        /// The error's name.
        error: String,
    },
    /// The presented Sentry token expires now, and for good: a refresh still works.
    TokenExpired,
    /// The presented Sentry token is revoked now, and for good, with its refresh token.
    TokenRevoked,
    /// 401 "Invalid token", although the token is a good one.
    InvalidToken,
    /// The presented Sentry token loses these scopes, for good.
    MissingScope {
        /// The scopes to take away.
        scopes: Vec<String>,
    },
    /// 403.
    Forbidden,
    /// 401 with the code `sso-required`.
    SsoRequired,
    /// 401 with the code `2fa-required`.
    TwoFactorRequired,
}

impl Fault {
    /// A fault of `kind` before the work of every request on `side` that fits `matches`.
    pub fn new(side: Side, matches: &str, kind: FaultKind) -> Fault {
        Fault { id: String::new(), side, matches: matches.to_owned(), kind, after_work: false, times: None }
    }

    /// The same fault, only `times` times.
    pub fn times(self, times: u32) -> Fault {
        Fault { times: Some(times), ..self }
    }

    /// The same fault, only once.
    pub fn once(self) -> Fault {
        self.times(1)
    }

    /// The same fault after the work.
    pub fn after_work(self) -> Fault {
        Fault { after_work: true, ..self }
    }

    fn fits(&self, side: Side, host: &str, path: &str) -> bool {
        let path = path.trim_start_matches('/');
        let pattern = self.matches.trim_start_matches('/');
        let with_host = format!("{host}/{path}");
        let fits_one = |text: &str| if pattern.contains('*') { glob(pattern, text) } else { text.contains(pattern) };
        self.side == side && (fits_one(path) || fits_one(&with_host))
    }
}

/// What the faults make of one request.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) delay_ms: u64,
    pub(crate) fault: Option<FaultKind>,
    pub(crate) after_work: bool,
}

#[derive(Default)]
pub(crate) struct Faults {
    list: Vec<Fault>,
    last_id: u64,
}

impl Faults {
    pub(crate) fn list(&self) -> &[Fault] {
        &self.list
    }

    pub(crate) fn add(&mut self, mut fault: Fault) -> String {
        if fault.id.is_empty() {
            self.last_id += 1;
            fault.id = format!("fault-{}", self.last_id);
        }
        let id = fault.id.clone();
        self.list.retain(|known| known.id != id);
        self.list.push(fault);
        id
    }

    pub(crate) fn remove(&mut self, id: &str) -> bool {
        let before = self.list.len();
        self.list.retain(|fault| fault.id != id);
        self.list.len() != before
    }

    pub(crate) fn clear(&mut self) {
        self.list.clear();
    }

    /// Decides what befalls this request, and counts it.
    pub(crate) fn plan(&mut self, side: Side, host: &str, path: &str) -> Plan {
        let mut plan = Plan::default();
        for fault in &mut self.list {
            if fault.times == Some(0) || !fault.fits(side, host, path) {
                continue;
            }
            fault.times = fault.times.map(|times| times.saturating_sub(1));
            if let FaultKind::Delay { ms } = fault.kind {
                plan.delay_ms = plan.delay_ms.saturating_add(ms);
                continue;
            }
            plan.fault = Some(fault.kind.clone());
            plan.after_work = fault.after_work;
            break;
        }
        self.list.retain(|fault| fault.times != Some(0));
        plan
    }
}

/// Whether `text` as a whole fits `pattern`, in which `*` stands for any run of characters.
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_without_a_star_is_a_substring() {
        let fault = Fault::new(Side::Sentry, "oauth/token", FaultKind::Drop);
        assert!(fault.fits(Side::Sentry, "sentry.io", "/oauth/token/"));
        assert!(!fault.fits(Side::Sentry, "sentry.io", "/oauth/revoke/"));
        assert!(!fault.fits(Side::Slack, "slack.com", "/oauth/token/"));
    }

    #[test]
    fn a_pattern_with_a_star_is_for_the_whole_path() {
        let fault = Fault::new(Side::Sentry, "api/0/organizations/*/issues/", FaultKind::Hang);
        assert!(fault.fits(Side::Sentry, "us.sentry.io", "/api/0/organizations/globex/issues/"));
        assert!(!fault.fits(Side::Sentry, "us.sentry.io", "/api/0/organizations/globex/issues/12/"));
        assert!(Fault::new(Side::Sentry, "*", FaultKind::Hang).fits(Side::Sentry, "sentry.io", "/"));
    }

    #[test]
    fn a_pattern_may_name_the_host() {
        let fault = Fault::new(Side::Sentry, "de.sentry.io/*", FaultKind::Drop);
        assert!(fault.fits(Side::Sentry, "de.sentry.io", "/api/0/"));
        assert!(!fault.fits(Side::Sentry, "us.sentry.io", "/api/0/"));
    }

    #[test]
    fn a_fault_with_times_goes_away_by_itself() {
        let mut faults = Faults::default();
        faults.add(Fault::new(Side::Slack, "chat", FaultKind::Drop).times(2));
        assert!(faults.plan(Side::Slack, "slack.com", "/api/chat.update").fault.is_some());
        assert!(faults.plan(Side::Slack, "slack.com", "/api/chat.update").fault.is_some());
        assert!(faults.plan(Side::Slack, "slack.com", "/api/chat.update").fault.is_none());
        assert!(faults.list().is_empty());
    }

    #[test]
    fn delays_add_up_and_let_another_fault_apply() {
        let mut faults = Faults::default();
        faults.add(Fault::new(Side::Slack, "*", FaultKind::Delay { ms: 200 }));
        faults.add(Fault::new(Side::Slack, "*", FaultKind::Delay { ms: 300 }));
        faults.add(Fault::new(Side::Slack, "*", FaultKind::Forbidden));
        let plan = faults.plan(Side::Slack, "slack.com", "/api/chat.update");
        assert_eq!((plan.delay_ms, plan.fault), (500, Some(FaultKind::Forbidden)));
    }

    #[test]
    fn a_fault_reads_the_contracts_json() {
        let json = r#"{"side":"sentry","match":"oauth/token","kind":"status","code":503,"times":2}"#;
        let fault: Fault = serde_json::from_str(json).unwrap();
        let kind = FaultKind::Status { code: 503, body: None, headers: BTreeMap::new() };
        assert_eq!(fault, Fault::new(Side::Sentry, "oauth/token", kind).times(2));
    }
}
