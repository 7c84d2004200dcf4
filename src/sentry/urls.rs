//! Sentry's web addresses: recognising those that people paste, and making those that answers link to.

use percent_encoding::percent_decode_str;
use url::Url;

use super::host::SentryHost;
use super::slug;

/// What a web address of this Sentry shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Page {
    /// An issue, or one event of it.
    Issue {
        /// The organization's slug; none for an address that does not tell.
        organization: Option<String>,
        /// The issue.
        issue: Reference,
        /// The event: an id, `latest`, `recommended` or `oldest`.
        event: Option<String>,
    },
    /// Another page of this Sentry.
    Other,
}

/// How people name an issue, apart from its organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// The numeric id: `123456`.
    Id(String),
    /// The short id, in capitals: `CHECKOUT-API-4F`.
    Short(String),
    /// `@latest`: the unresolved issue that was seen last.
    Latest,
    /// `@most_frequent`: the unresolved issue with the most events.
    MostFrequent,
}

/// The longest short id: a project's slug has at most 100 characters.
const MAX_REFERENCE: usize = 120;

impl Reference {
    /// Reads `123456`, `PROJ-ABC` (in any case), `@latest` or `@most_frequent`.
    pub fn parse(text: &str) -> Option<Reference> {
        match text {
            "@latest" => return Some(Reference::Latest),
            "@most_frequent" | "@most-frequent" => return Some(Reference::MostFrequent),
            _ => {}
        }
        if text.is_empty() || text.len() > MAX_REFERENCE {
            return None;
        }
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(Reference::Id(text.to_owned()));
        }
        let (project, number) = text.rsplit_once('-')?;
        let project_fits = !project.is_empty()
            && project.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
        let number_fits = (1..=12).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_alphanumeric());
        (project_fits && number_fits).then(|| Reference::Short(text.to_ascii_uppercase()))
    }

    /// Reads a reference with an optional organization before it: `globex/PROJ-ABC`, `globex/project#PROJ-ABC`.
    pub fn parse_with_organization(text: &str) -> Option<(Option<String>, Reference)> {
        let Some((organization, rest)) = text.split_once('/') else {
            return Reference::parse(text).map(|reference| (None, reference));
        };
        let reference = rest.rsplit_once('#').map_or(rest, |(_project, reference)| reference);
        let reference = Reference::parse(reference)?;
        slug::is_organization(organization).then(|| (Some(organization.to_owned()), reference))
    }
}

/// What `url` shows, or `None` when it is not an address of this Sentry.
pub fn recognise(host: &SentryHost, url: &Url) -> Option<Page> {
    if !host.permits(url) {
        return None;
    }
    let decode = |segment: &str| percent_decode_str(segment).decode_utf8_lossy().into_owned();
    let segments: Vec<String> =
        url.path_segments().into_iter().flatten().filter(|segment| !segment.is_empty()).map(decode).collect();
    let mut segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let mut organization = if host.is_saas() { organization_of_domain(url) } else { None };
    if let ["organizations", slug, ..] = segments.as_slice() {
        organization = Some((*slug).to_owned());
        segments.drain(..2);
    }
    let (issue, event) = match segments.as_slice() {
        ["issues", issue] => (*issue, None),
        ["issues", issue, "events", event, ..] => (*issue, Some(*event)),
        ["issues", issue, ..] => (*issue, None),
        // The old form: /{organization}/{project}/issues/{id}/
        [slug, _project, "issues", issue, rest @ ..] => {
            organization = organization.or_else(|| Some((*slug).to_owned()));
            (*issue, if let ["events", event, ..] = rest { Some(*event) } else { None })
        }
        _ => return Some(Page::Other),
    };
    if organization.as_deref().is_some_and(|name| !slug::is_organization(name)) {
        return Some(Page::Other);
    }
    let reference = Reference::parse(issue).filter(|it| matches!(it, Reference::Id(_) | Reference::Short(_)));
    let Some(issue) = reference else { return Some(Page::Other) };
    let event = event.filter(|event| is_event(event)).map(str::to_owned);
    Some(Page::Issue { organization, issue, event })
}

/// `globex` of `globex.sentry.io`; regions and Sentry's own names are no organizations.
fn organization_of_domain(url: &Url) -> Option<String> {
    const RESERVED: [&str; 8] = ["us", "de", "eu", "www", "docs", "blog", "status", "help"];
    let slug = url.host_str()?.strip_suffix(".sentry.io")?;
    let region = slug.starts_with("us") && slug.len() <= 4 && slug.chars().skip(2).all(|digit| digit.is_ascii_digit());
    (!slug.contains('.') && !region && !RESERVED.contains(&slug)).then(|| slug.to_owned())
}

/// Whether `text` names an event of an issue: 32 hex digits, or one of Sentry's words.
pub fn is_event(text: &str) -> bool {
    matches!(text, "latest" | "recommended" | "oldest")
        || (text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// The address of a page of `organization`'s: `https://globex.sentry.io/issues/…`, or on a self-hosted Sentry
/// `https://sentry.example.com/organizations/globex/issues/…`.
pub fn web(host: &SentryHost, organization: &str, path: &[&str], query: &[(&str, &str)]) -> Url {
    let own_domain = host
        .is_saas()
        .then(|| Url::parse(&format!("https://{}.sentry.io/", organization.to_ascii_lowercase())).ok())
        .flatten()
        .filter(|url| {
            slug::is_organization(organization) && host.permits(url) && organization_of_domain(url).is_some()
        });
    let (mut url, prefix) = match own_domain {
        Some(url) => (url, Vec::new()),
        None => (host.origin().clone(), vec!["organizations", organization]),
    };
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.clear().extend(prefix).extend(path).push("");
    }
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    url
}

/// An address that Sentry named, when it is this Sentry's own; others are not linked to.
pub fn own(host: &SentryHost, url: Option<&Url>) -> Option<Url> {
    url.filter(|url| host.permits(url)).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saas() -> SentryHost {
        SentryHost::parse("sentry.io").unwrap()
    }

    fn own_sentry() -> SentryHost {
        SentryHost::parse("sentry.example.com:9000").unwrap()
    }

    fn read(host: &SentryHost, url: &str) -> Option<String> {
        Some(match recognise(host, &Url::parse(url).unwrap())? {
            Page::Other => "other".to_owned(),
            Page::Issue { organization, issue, event } => format!(
                "{}/{}{}",
                organization.unwrap_or_else(|| "?".to_owned()),
                match issue {
                    Reference::Id(id) => id,
                    Reference::Short(id) => id,
                    other => format!("{other:?}"),
                },
                event.map(|event| format!("@{event}")).unwrap_or_default()
            ),
        })
    }

    #[test]
    fn issue_addresses_are_read_in_each_of_their_forms() {
        const EVENT: &str = "9999aaaaca8b46d797c23c6077c6ff01";
        for (url, expected) in [
            ("https://sentry.io/organizations/globex/issues/4521/", "globex/4521"),
            ("https://sentry.io/organizations/globex/issues/4521", "globex/4521"),
            ("https://globex.sentry.io/issues/4521/?project=1&query=is%3Aunresolved#top", "globex/4521"),
            ("https://globex.sentry.io/issues/checkout-api-4f/", "globex/CHECKOUT-API-4F"),
            (&format!("https://globex.sentry.io/issues/4521/events/{EVENT}/"), &format!("globex/4521@{EVENT}")),
            ("https://globex.sentry.io/issues/4521/events/latest/", "globex/4521@latest"),
            ("https://globex.sentry.io/issues/4521/events/", "globex/4521"),
            ("https://globex.sentry.io/issues/4521/tags/", "globex/4521"),
            ("https://us.sentry.io/organizations/globex/issues/4521/", "globex/4521"),
            ("https://us.sentry.io/issues/4521/", "?/4521"),
            ("https://sentry.io/issues/4521/", "?/4521"),
            ("https://sentry.io/globex/checkout-api/issues/4521/", "globex/4521"),
        ] {
            assert_eq!(read(&saas(), url).as_deref(), Some(expected), "{url}");
        }
        let url = "https://sentry.example.com:9000/organizations/globex/issues/7/events/oldest/";
        assert_eq!(read(&own_sentry(), url).as_deref(), Some("globex/7@oldest"));
        // The first label of a self-hosted Sentry's name is no organization.
        assert_eq!(read(&own_sentry(), "https://sentry.example.com:9000/issues/7/").as_deref(), Some("?/7"));
    }

    #[test]
    fn an_address_of_another_host_is_none_of_ours_p7() {
        for url in [
            "https://sentry.io.evil.example/organizations/globex/issues/1/",
            "http://sentry.io/organizations/globex/issues/1/",
            "https://sentry.example.com:9000/organizations/globex/issues/1/",
            "https://sentry.io@evil.example/organizations/globex/issues/1/",
        ] {
            assert_eq!(read(&saas(), url), None, "{url}");
        }
        assert_eq!(read(&own_sentry(), "https://globex.sentry.io/issues/1/"), None);
        assert_eq!(read(&own_sentry(), "https://sentry.example.com/organizations/globex/issues/1/"), None);
    }

    #[test]
    fn other_pages_and_odd_paths_are_not_issues() {
        for url in [
            "https://globex.sentry.io/",
            "https://globex.sentry.io/issues/",
            "https://globex.sentry.io/issues/views/",
            "https://globex.sentry.io/dashboard/12/",
            "https://sentry.io/organizations/glo%2Fbex/issues/1/",
            "https://sentry.io/organizations/globex/issues/..%2F..%2Fauth/",
            "https://sentry.io/organizations/globex/issues/@latest/",
        ] {
            assert_eq!(read(&saas(), url).as_deref(), Some("other"), "{url}");
        }
    }

    #[test]
    fn references_are_read_as_people_write_them() {
        use Reference::{Id, Latest, MostFrequent, Short};
        let short = |text: &str| Short(text.to_owned());
        let globex = Some("globex".to_owned());
        for (text, expected) in [
            ("123456", Some((None, Id("123456".to_owned())))),
            ("CHECKOUT-API-4F", Some((None, short("CHECKOUT-API-4F")))),
            ("checkout-api-4f", Some((None, short("CHECKOUT-API-4F")))),
            ("globex/CHECKOUT-API-4F", Some((globex.clone(), short("CHECKOUT-API-4F")))),
            ("globex/checkout-api#CHECKOUT-API-4F", Some((globex.clone(), short("CHECKOUT-API-4F")))),
            ("globex/123", Some((globex.clone(), Id("123".to_owned())))),
            ("@latest", Some((None, Latest))),
            ("globex/@most_frequent", Some((globex, MostFrequent))),
            ("", None),
            ("checkout", None),
            ("-4F", None),
            ("CHECKOUT-", None),
            ("a/b/C-1", None),
            ("../C-1", None),
            ("C-1?x=1", None),
        ] {
            assert_eq!(Reference::parse_with_organization(text), expected, "{text}");
        }
    }

    #[test]
    fn links_lead_to_the_organizations_own_domain_or_to_the_self_hosted_path() {
        let path = ["issues", "12"];
        assert_eq!(
            web(&saas(), "globex", &path, &[("query", "a b")]).as_str(),
            "https://globex.sentry.io/issues/12/?query=a+b"
        );
        assert_eq!(
            web(&own_sentry(), "globex", &path, &[]).as_str(),
            "https://sentry.example.com:9000/organizations/globex/issues/12/"
        );
        for odd in ["evil.example/x", "a b", "us", "x@evil.example", "a.b"] {
            let url = web(&saas(), odd, &path, &[]);
            assert_eq!(url.host_str(), Some("sentry.io"), "{odd}: {url}");
        }
    }
}
