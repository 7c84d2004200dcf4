//! Sentry's web addresses: recognising those that people paste, and making those that answers link to.

use std::fmt::{self, Display};

use percent_encoding::percent_decode_str;
use url::Url;

use super::host::SentryHost;
use super::slug::{self, Slug};
use crate::invisible::is_invisible;

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

/// The number in a short id is written with these: base 32 without `I`, `L`, `O` and `U`. So `errors-outages` is none.
const BASE_32: &[u8] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// The longest number that fits into 63 bits.
const MAX_NUMBER: usize = 13;

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
        let number_fits = (1..=MAX_NUMBER).contains(&number.len())
            && number.bytes().all(|byte| BASE_32.contains(&byte.to_ascii_uppercase()));
        (project_fits && number_fits).then(|| Reference::Short(text.to_ascii_uppercase()))
    }
}

impl Display for Reference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Reference::Id(id) | Reference::Short(id) => id,
            Reference::Latest => "@latest",
            Reference::MostFrequent => "@most_frequent",
        })
    }
}

/// An issue as people and other tools write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssueName {
    /// The organization's slug, when it is said.
    pub organization: Option<String>,
    /// The issue.
    pub issue: Reference,
    /// One of its events, when it is said: an id, `latest`, `recommended` or `oldest`.
    pub event: Option<String>,
}

impl IssueName {
    /// Reads `ID`, `#ID` or `project#ID`, with `organization/` or `organization/project/` before it and `/event` behind it
    /// or not. An id says its project, so the project's name is not kept.
    pub fn parse(text: &str) -> Option<IssueName> {
        // Editors make other dashes of some, so that a line does not break there.
        let text = bare(text).replace(['\u{2010}', '\u{2011}', '\u{2012}', '\u{2013}', '\u{2212}'], "-");
        let text = text.trim_end_matches('/');
        if let Some((issue, event)) = text.rsplit_once('/')
            && let Some(event) = event_id(event)
            && let Some(named) = IssueName::without_event(issue)
        {
            return Some(IssueName { event: Some(event), ..named });
        }
        IssueName::without_event(text)
    }

    fn without_event(text: &str) -> Option<IssueName> {
        let (place, name) = match text.rsplit_once('/') {
            Some((place, name)) => (Some(place), name),
            None => (None, text),
        };
        let organization = match place.map(|place| place.split_once('/').unwrap_or((place, ""))) {
            Some((organization, project)) if project.is_empty() || slug::is_project(project) => {
                Some(Slug::organization(organization)?.into())
            }
            Some(_) => return None,
            None => None,
        };
        let id = match name.rsplit_once('#') {
            Some((project, id)) if project.is_empty() || slug::is_project(project) => id,
            Some(_) => return None,
            None => name,
        };
        Some(IssueName { organization, issue: Reference::parse(id)?, event: None })
    }
}

/// A word without what comes along with it when it is copied or formatted: invisible characters, marks, quotes, brackets,
/// and the end of a sentence.
fn bare(text: &str) -> String {
    let seen: String = text.chars().filter(|character| !is_invisible(*character)).collect();
    let before = |character: char| character.is_whitespace() || "*~`\"'“”„‘’«»‹›([{<".contains(character);
    let after = |character: char| character.is_whitespace() || "*~`\"'“”„‘’«»‹›)]}>.,;:!?…".contains(character);
    let mut text = seen.as_str();
    loop {
        let inner = text.trim_start_matches(before).trim_end_matches(after);
        // A project's slug may begin with an underscore, so only a pair of them is italics.
        let inner = inner.strip_prefix('_').and_then(|inner| inner.strip_suffix('_')).unwrap_or(inner);
        if inner.len() == text.len() {
            return inner.to_owned();
        }
        text = inner;
    }
}

/// Whether `text` is written like a web address, with or without a scheme: `globex.sentry.io/issues/4521/`. No slug has a
/// dot.
pub fn is_address(text: &str) -> bool {
    let text = bare(text);
    let host = text.split_once('/').map(|(host, _)| host);
    text.contains("://") || host.is_some_and(|host| host.contains(['.', ':']) && !host.starts_with(['.', ':']))
}

/// Reads what people paste: an address with or without a scheme. Browsers and Slack put `http://` before what has none.
pub fn address(host: &SentryHost, text: &str) -> Option<Url> {
    let text = bare(text);
    if text.contains("://") {
        return Url::parse(&text).ok().map(|url| secure(host, url));
    }
    Url::parse(&format!("{}://{text}", host.origin().scheme())).ok()
}

/// `url` with `https`, where this Sentry has it: `http://` leads to the same page. Only what an address says is read; no
/// request goes to it.
fn secure(host: &SentryHost, mut url: Url) -> Url {
    if url.scheme() == "http" && host.origin().scheme() == "https" {
        // Only a scheme of another kind is refused.
        let _ = url.set_scheme("https");
    }
    url
}

/// What `url` shows, or `None` when it is not an address of this Sentry.
pub fn recognise(host: &SentryHost, url: &Url) -> Option<Page> {
    let url = &secure(host, url.clone());
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
    let Some(reference) = reference.filter(|_| !is_page_name(issue)) else { return Some(Page::Other) };
    let event = event.and_then(event_id);
    Some(Page::Issue { organization, issue: reference, event })
}

/// Whether the segment after `/issues/` names a page, like `my-teams`: words in lower case, while Sentry writes a short id
/// in capitals, or with a digit.
fn is_page_name(segment: &str) -> bool {
    segment.bytes().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'-' | b'_'))
}

/// `globex` of `globex.sentry.io`; regions and Sentry's own names are no organizations.
fn organization_of_domain(url: &Url) -> Option<String> {
    const RESERVED: [&str; 8] = ["us", "de", "eu", "www", "docs", "blog", "status", "help"];
    let slug = url.host_str()?.strip_suffix(".sentry.io")?;
    let region = slug.starts_with("us") && slug.len() <= 4 && slug.chars().skip(2).all(|digit| digit.is_ascii_digit());
    (!slug.contains('.') && !region && !RESERVED.contains(&slug)).then(|| slug.to_owned())
}

/// Reads the name of an event: 32 hex digits, the same as a UUID with its dashes, or one of Sentry's words.
pub fn event_id(text: &str) -> Option<String> {
    let text = bare(text).to_ascii_lowercase();
    if matches!(text.as_str(), "latest" | "recommended" | "oldest") {
        return Some(text);
    }
    let groups: Vec<usize> = text.split('-').map(str::len).collect();
    let digits = text.replace('-', "");
    let fits = matches!(groups.as_slice(), [32] | [8, 4, 4, 4, 12]) && digits.bytes().all(|it| it.is_ascii_hexdigit());
    fits.then_some(digits)
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
            ("http://globex.sentry.io/issues/4521/", "globex/4521"),
            ("http://sentry.io:80/organizations/globex/issues/4521/", "globex/4521"),
            (
                "https://globex.sentry.io/issues/4521/events/9999AAAA-ca8b-46d7-97c2-3c6077c6ff01/",
                &format!("globex/4521@{EVENT}"),
            ),
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
            "ftp://sentry.io/organizations/globex/issues/1/",
            "http://sentry.io:8080/organizations/globex/issues/1/",
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
            "https://globex.sentry.io/issues/errors-outages/?project=1",
            "https://globex.sentry.io/issues/breached-metrics/",
            "https://globex.sentry.io/issues/my-teams/",
            "https://globex.sentry.io/issues/recent-views/12/",
            "https://globex.sentry.io/dashboard/12/",
            "https://sentry.io/organizations/glo%2Fbex/issues/1/",
            "https://sentry.io/organizations/globex/issues/..%2F..%2Fauth/",
            "https://sentry.io/organizations/globex/issues/@latest/",
        ] {
            assert_eq!(read(&saas(), url).as_deref(), Some("other"), "{url}");
        }
    }

    #[test]
    fn issues_are_read_as_people_and_other_tools_write_them() {
        const EVENT: &str = "9999aaaaca8b46d797c23c6077c6ff01";
        let with_event = |name: &str| format!("{name}@{EVENT}");
        for (text, expected) in [
            ("123456", "?/123456"),
            ("CHECKOUT-API-4F", "?/CHECKOUT-API-4F"),
            ("checkout-api-4f", "?/CHECKOUT-API-4F"),
            ("globex/CHECKOUT-API-4F", "globex/CHECKOUT-API-4F"),
            ("globex/checkout-api#CHECKOUT-API-4F", "globex/CHECKOUT-API-4F"),
            ("globex/checkout-api/CHECKOUT-API-4F", "globex/CHECKOUT-API-4F"),
            ("globex/checkout-api/4521", "globex/4521"),
            ("globex/_internal/_INTERNAL-1", "globex/_INTERNAL-1"),
            ("checkout-api#CHECKOUT-API-4F", "?/CHECKOUT-API-4F"),
            ("#CHECKOUT-API-4F", "?/CHECKOUT-API-4F"),
            ("#4521", "?/4521"),
            ("globex/123", "globex/123"),
            ("@latest", "?/@latest"),
            ("globex/@most_frequent", "globex/@most_frequent"),
            (&format!("CHECKOUT-API-4F/{EVENT}"), &with_event("?/CHECKOUT-API-4F")),
            (&format!("globex/checkout-api/CHECKOUT-API-4F/{EVENT}"), &with_event("globex/CHECKOUT-API-4F")),
            ("4521/9999aaaa-ca8b-46d7-97c2-3c6077c6ff01", &with_event("?/4521")),
            ("CHECKOUT-API-4F/oldest", "?/CHECKOUT-API-4F@oldest"),
            ("\u{202a}CHECKOUT-API-4F\u{202c}", "?/CHECKOUT-API-4F"),
            ("CHECKOUT-API-\u{200b}4F", "?/CHECKOUT-API-4F"),
            ("CHECKOUT\u{2011}API\u{2013}4F", "?/CHECKOUT-API-4F"),
            ("*_`CHECKOUT-API-4F`_*,", "?/CHECKOUT-API-4F"),
            ("“CHECKOUT-API-4F”", "?/CHECKOUT-API-4F"),
            ("_INTERNAL-1", "?/_INTERNAL-1"),
        ] {
            let read = IssueName::parse(text).map(|named| {
                let organization = named.organization.unwrap_or_else(|| "?".to_owned());
                let event = named.event.map(|event| format!("@{event}")).unwrap_or_default();
                format!("{organization}/{}{event}", named.issue)
            });
            assert_eq!(read.as_deref(), Some(expected), "{text}");
        }
        for text in [
            "",
            "checkout",
            "-4F",
            "CHECKOUT-",
            "CHECKOUT-API",
            "errors-outages",
            "a/b/c/C-1",
            "../C-1",
            "C-1?x=1",
            "/C-1",
            "a b#C-1",
            "_internal/C-1",
            "globex/",
            "#",
            "checkout/9999a",
            "breached-metrics",
        ] {
            assert_eq!(IssueName::parse(text), None, "{text}");
        }
    }

    #[test]
    fn an_address_may_lack_its_scheme() {
        let page = |text: &str| address(&saas(), text).and_then(|url| recognise(&saas(), &url));
        for text in [
            "globex.sentry.io/issues/4521/",
            "http://globex.sentry.io/issues/4521/",
            "HTTPS://globex.sentry.io/issues/4521",
            "sentry.io/organizations/globex/issues/4521/",
            "\u{200e}(https://globex.sentry.io/issues/4521/).",
        ] {
            assert!(is_address(text), "{text}");
            let Some(Page::Issue { organization, issue, .. }) = page(text) else { panic!("{text}") };
            assert_eq!((organization.as_deref(), issue.to_string().as_str()), (Some("globex"), "4521"), "{text}");
        }
        for text in ["evil.example/issues/4521/", "sentry.io.evil.example/organizations/globex/issues/1/"] {
            assert!(is_address(text) && page(text).is_none(), "{text}");
        }
        for text in ["globex/checkout-api", "globex/CHECKOUT-API-4F", "4521", "a.b", "../x", "level:error"] {
            assert!(!is_address(text), "{text}");
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
