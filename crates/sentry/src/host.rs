//! Which Sentry this deployment talks to, and where its tokens may go (P7).
//!
//! A token goes only to the host that issued it: for SaaS that is `sentry.io` and `*.sentry.io` over https on the default
//! port, for a self-hosted Sentry the exact configured origin. Region URLs and `Link` headers come from responses, so
//! each is held against the same rule before it is used.

use url::{Host, Url};

/// The configured Sentry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentryHost {
    origin: Url,
    saas: bool,
}

impl SentryHost {
    /// Parses `SENTRY_HOST`: `sentry.io`, a `host[:port]` (https), an `https://` origin, or for a loopback host an
    /// `http://` origin.
    ///
    /// # Errors
    /// A sentence that follows the variable's name.
    pub fn parse(value: &str) -> Result<SentryHost, &'static str> {
        const SHAPE: &str = "must be a host name with an optional port, like sentry.example.com:9000";
        let value = value.trim().trim_end_matches('/');
        let text = if value.contains("://") { value.to_owned() } else { format!("https://{value}") };
        let origin = Url::parse(&text).map_err(|_| SHAPE)?;
        let bare = origin.path() == "/"
            && origin.query().is_none()
            && origin.fragment().is_none()
            && origin.username().is_empty()
            && origin.password().is_none();
        if !bare || origin.host_str().is_none() {
            return Err(SHAPE);
        }
        match origin.scheme() {
            "https" => {}
            "http" if is_loopback(&origin) => {}
            _ => return Err("must use https (http is accepted for a loopback host only)"),
        }
        let saas = is_saas(&origin);
        if saas && origin.host_str() != Some("sentry.io") {
            return Err("must be sentry.io for the hosted Sentry: regions and organizations are found from there");
        }
        Ok(SentryHost { origin, saas })
    }

    /// Whether this is sentry.io (which has regions) rather than a self-hosted Sentry.
    pub fn is_saas(&self) -> bool {
        self.saas
    }

    /// The origin of the web interface, of OAuth, and of the API's control part: `https://sentry.io/`.
    pub fn origin(&self) -> &Url {
        &self.origin
    }

    /// The host as people name it: `sentry.io`, `sentry.example.com:9000`.
    pub fn name(&self) -> String {
        let host = self.origin.host_str().unwrap_or_default();
        match self.origin.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }

    /// Whether a token of this host may be sent to `url`.
    pub fn permits(&self, url: &Url) -> bool {
        if !url.username().is_empty() || url.password().is_some() {
            return false;
        }
        if self.saas { is_saas(url) } else { url.origin() == self.origin.origin() }
    }
}

fn is_saas(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    url.scheme() == "https" && url.port().is_none() && (host == "sentry.io" || host.ends_with(".sentry.io"))
}

/// Whether `url`'s host is this machine: `localhost`, `127.0.0.0/8` or `[::1]`.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permits(host: &str, url: &str) -> bool {
        SentryHost::parse(host).unwrap().permits(&Url::parse(url).unwrap())
    }

    #[test]
    fn a_saas_token_goes_to_sentry_io_and_its_regions_only_p7() {
        for good in ["https://sentry.io/api/0/", "https://us.sentry.io/api/0/", "https://de.sentry.io:443/x"] {
            assert!(permits("sentry.io", good), "{good}");
        }
        for bad in [
            "http://sentry.io/api/0/",
            "https://sentry.io:8443/",
            "https://sentry.io.evil.com/",
            "https://evilsentry.io/",
            "https://sentry.io@evil.com/",
            "https://user@us.sentry.io/",
            "https://us.sentry.io.:443/",
            "https://127.0.0.1/",
        ] {
            assert!(!permits("sentry.io", bad), "{bad}");
        }
    }

    #[test]
    fn a_self_hosted_token_goes_to_the_exact_origin_only_p7() {
        assert!(permits("sentry.example.com:9000", "https://sentry.example.com:9000/api/0/"));
        for bad in [
            "https://sentry.example.com/",
            "http://sentry.example.com:9000/",
            "https://us.sentry.example.com:9000/",
            "https://sentry.io/",
        ] {
            assert!(!permits("sentry.example.com:9000", bad), "{bad}");
        }
    }

    #[test]
    fn plain_http_is_for_loopback_hosts_only() {
        assert!(SentryHost::parse("http://127.0.0.1:8789").is_ok());
        assert!(SentryHost::parse("http://localhost:9000").is_ok());
        assert!(SentryHost::parse("http://sentry.example.com").is_err());
        assert!(SentryHost::parse("ftp://127.0.0.1").is_err());
    }

    #[test]
    fn a_host_with_a_path_or_a_user_is_refused() {
        for bad in [
            "sentry.example.com/path",
            "https://a:b@sentry.example.com",
            "https://sentry.example.com?x=1",
            "us.sentry.io",
            "",
        ] {
            assert!(SentryHost::parse(bad).is_err(), "{bad}");
        }
    }
}
