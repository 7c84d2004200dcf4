//! Where a request came in: the hosted control silo, one of its regions, an organization's own domain, or a
//! self-hosted install.

use crate::options::Options;

/// Where a request came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// `https://sentry.io`.
    Control,
    /// `https://us.sentry.io`, `https://de.sentry.io`.
    Region(&'static str),
    /// `https://{organization}.sentry.io`: web pages only.
    Customer(String),
    /// The sandbox's own origin, as a self-hosted install: everything is there.
    Local(String),
}

impl Place {
    /// `None`: this is not Sentry.
    pub(crate) fn of(uri: &http::Uri, options: &Options) -> Option<Place> {
        let host = uri.host()?.to_ascii_lowercase();
        let hosted = uri.scheme_str() == Some("https") && uri.port_u16().is_none_or(|port| port == 443);
        match host.strip_suffix(".sentry.io") {
            _ if hosted && host == "sentry.io" => Some(Place::Control),
            Some("us") if hosted => Some(Place::Region("us")),
            Some("de") if hosted => Some(Place::Region("de")),
            Some(organization) if hosted => Some(Place::Customer(organization.to_owned())),
            _ => same_origin(uri, &options.sentry_origin).then(|| Place::Local(trimmed(&options.sentry_origin))),
        }
    }

    /// Whether organizations of `region` are served here.
    pub(crate) fn serves(&self, region: &str) -> bool {
        match self {
            Place::Region(here) => *here == region,
            Place::Local(_) => true,
            Place::Control | Place::Customer(_) => false,
        }
    }

    /// Whether accounts, organizations' list and OAuth are served here.
    pub(crate) fn has_control(&self) -> bool {
        matches!(self, Place::Control | Place::Local(_))
    }

    /// The origin of this place.
    pub(crate) fn origin(&self) -> String {
        match self {
            Place::Control => "https://sentry.io".to_owned(),
            Place::Region(region) => region_url(region),
            Place::Customer(organization) => format!("https://{organization}.sentry.io"),
            Place::Local(origin) => origin.clone(),
        }
    }

    /// Where API calls about an organization of `region` go.
    pub(crate) fn region_url(&self, region: &str) -> String {
        match self {
            Place::Local(origin) => origin.clone(),
            _ => region_url(region),
        }
    }

    /// Where an organization's web pages are.
    pub(crate) fn organization_url(&self, organization: &str) -> String {
        match self {
            Place::Local(origin) => format!("{origin}/organizations/{organization}"),
            _ => format!("https://{organization}.sentry.io"),
        }
    }

    /// Where an issue's web page is.
    pub(crate) fn permalink(&self, organization: &str, issue: u64) -> String {
        format!("{}/issues/{issue}/", self.organization_url(organization))
    }
}

fn region_url(region: &str) -> String {
    format!("https://{region}.sentry.io")
}

fn trimmed(origin: &str) -> String {
    origin.trim_end_matches('/').to_owned()
}

/// Whether `uri` has the scheme, host and port of `origin`.
pub(crate) fn same_origin(uri: &http::Uri, origin: &str) -> bool {
    match (url::Url::parse(&uri.to_string()), url::Url::parse(origin)) {
        (Ok(url), Ok(origin)) => url.origin() == origin.origin(),
        _ => false,
    }
}
