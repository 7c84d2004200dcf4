//! How often what may be asked, in one table.
//!
//! Counted by Cloudflare's Rate Limiting bindings ([`crate::ports::Limiter`]): in each location on its own, approximately, and
//! without storage. They keep a flood off our objects, off Sentry, and off the addresses that strangers name; they are no
//! accounting. `wrangler.toml` holds the same numbers (a test compares the two): an operator who wants others changes them
//! there.
//!
//! - What is refused by its MAC, seal or signature is refused before anything is counted: it costs nothing to refuse.
//! - What is counted is counted before an object is called, and before Sentry or anybody else is asked.
//! - A `tools/call` is counted once; with a Sentry token that is not known yet, twice.
//! - Where a binding is missing or fails, requests go through, and the log says so once in the life of an isolate.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::net::IpAddr;

use http::HeaderMap;

use crate::ports::Level;
use crate::world::World;

/// At most `number` requests of one key in `period` seconds.
#[derive(Debug, PartialEq, Eq)]
pub struct Limit {
    /// The name of the binding.
    pub binding: &'static str,
    /// How many.
    pub number: u32,
    /// In how long, in seconds: 10 or 60, which is what Cloudflare has.
    pub period: u32,
}

/// Per address: registrations.
pub static REGISTER: Limit = Limit { binding: "LIMIT_REGISTER", number: 60, period: 60 };
/// Per address: decisions on the consent page, connect and account pages and their forms, and Sentry's answers.
pub static CONSENT: Limit = Limit { binding: "LIMIT_CONSENT", number: 60, period: 60 };
/// Per address: fetches of clients' descriptions.
pub static DOCUMENTS: Limit = Limit { binding: "LIMIT_DOCUMENTS", number: 30, period: 60 };
/// Per address: codes and tokens at the token and revocation endpoints.
pub static TOKEN: Limit = Limit { binding: "LIMIT_TOKEN", number: 300, period: 60 };
/// Per client id, at the same endpoints. Everybody who uses the same application shares its id, so this is far above what one
/// address may do: one stranger cannot lock out an application.
pub static CLIENT: Limit = Limit { binding: "LIMIT_CLIENT", number: 3000, period: 60 };
/// Per address: `/mcp` without a credential or with a Sentry token that is not known yet, and `/api/auth/status`.
pub static STRANGERS: Limit = Limit { binding: "LIMIT_STRANGERS", number: 300, period: 60 };
/// Per session, or per Sentry token: requests at `/mcp`, and each further message in one body.
pub static SESSION: Limit = Limit { binding: "LIMIT_SESSION", number: 100, period: 10 };
/// Per session, or per Sentry token: streams of the legacy transport. An open one is billed for its time, for an hour at most,
/// and a client opens one for each of its windows.
pub static STREAMS: Limit = Limit { binding: "LIMIT_STREAMS", number: 20, period: 60 };

/// All of them.
pub static LIMITS: [&Limit; 8] = [&REGISTER, &CONSENT, &DOCUMENTS, &TOKEN, &CLIENT, &STRANGERS, &SESSION, &STREAMS];

/// More than the limit allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany {
    /// In how many seconds another try helps: the limit's whole period, for the binding does not tell what is left of it.
    pub retry_after: u32,
}

/// Said when there is too much.
pub const SENTENCE: &str = "Too many requests. Wait, and try again.";

thread_local! {
    static COMPLAINED: RefCell<BTreeSet<&'static str>> = const { RefCell::new(BTreeSet::new()) };
}

/// Counts one request of `key`.
///
/// # Errors
/// When there were too many.
pub async fn count(world: &World, limit: &'static Limit, key: &str) -> Result<(), TooMany> {
    match world.limiter.allows(limit.binding, key).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(TooMany { retry_after: limit.period }),
        Err(error) => {
            if COMPLAINED.with_borrow_mut(|complained| complained.insert(limit.binding)) {
                world.ports.log.log(Level::Warn, "limit_not_counted", &[("limit", limit.binding), ("error", &error.0)]);
            }
            Ok(())
        }
    }
}

/// The address that a request comes from, as limits know it: an IPv6 network of 64 bits counts as one, for a household has
/// one. Cloudflare sets the header itself; where there is none (local development), everybody is one.
pub fn address(headers: &HeaderMap) -> String {
    let value = headers.get("cf-connecting-ip").and_then(|value| value.to_str().ok()).unwrap_or_default();
    match value.trim().parse::<IpAddr>().map(|it| it.to_canonical()) {
        Ok(IpAddr::V4(address)) => address.to_string(),
        Ok(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        Err(_) => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(value: &str) -> String {
        address(&HeaderMap::from_iter([("cf-connecting-ip".parse().unwrap(), value.parse().unwrap())]))
    }

    #[test]
    fn an_address_is_an_ipv4_address_or_an_ipv6_network() {
        assert_eq!(of("203.0.113.7"), "203.0.113.7");
        assert_eq!(of("::ffff:203.0.113.7"), "203.0.113.7");
        assert_eq!(of("2001:db8:1:2:aaaa::1"), "2001:db8:1:2::/64");
        assert_eq!(of("2001:db8:1:2:bbbb::2"), of("2001:db8:1:2:aaaa::1"));
        for junk in ["", "localhost", "203.0.113.7, 10.0.0.1", &"1".repeat(10_000)] {
            assert_eq!(of(junk), "unknown");
        }
        assert_eq!(address(&HeaderMap::new()), "unknown");
    }

    #[test]
    fn every_limit_is_one_that_cloudflare_has() {
        let names: BTreeSet<_> = LIMITS.iter().map(|limit| limit.binding).collect();
        assert_eq!(names.len(), LIMITS.len());
        assert!(LIMITS.iter().all(|limit| matches!(limit.period, 10 | 60) && limit.number > 0));
        let shared = CLIENT.number > 5 * TOKEN.number;
        assert!(shared, "one address cannot use up what all users of an application share");
    }
}
