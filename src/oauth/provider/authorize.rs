//! Reading an authorization request (RFC 6749 §4.1.1, OAuth 2.1 §4.1.1): pure functions of the query, the client and our
//! origin, done before anything is shown, and again at each later step.
//!
//! 1. The query is of bounded size, and names one client ([`Query::read`]). Who looks it up goes on with [`read`].
//! 2. It names one redirect URI, which is that client's; a client with only one may leave it out (§3.1.2.3).
//! 3. Everything else.
//!
//! **An error is shown to the person, and sends the browser nowhere.** Registration is open, so a redirect URI is whatever
//! somebody registered, and a link with a bad request would make this host send on whoever presses it (an open redirector, RFC
//! 9700 §4.11.2). Only what a person decided goes back to a client: a code, or `access_denied`.
//!
//! No parameter may stand there twice (§3.1), except `resource`, which may, and of which we serve one at a time.

use url::Url;

use super::clients::{AuthMethod, Client};
use crate::sessions::calls::Resource;
use crate::sessions::terms::Limit;

/// The longest accepted query, in bytes: a client id of 2,000, a state of as much, and the rest.
pub const MAX_QUERY: usize = 8 * 1024;
/// The longest accepted `state`, in characters.
const MAX_STATE: usize = 2_048;
/// An S256 challenge: base64url of 32 bytes without padding (RFC 7636 §4.2).
const CHALLENGE: usize = 43;

/// A good request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationRequest {
    /// Who asks.
    pub client: Client,
    /// Where the code goes.
    pub redirect_uri: String,
    /// Whether the request left that out: it is the only one that the client has.
    pub redirect_implied: bool,
    /// Given back as it is.
    pub state: Option<String>,
    /// The PKCE challenge, S256.
    pub challenge: Option<String>,
    /// The scopes asked for; the person decides, so they only suggest.
    pub scopes: Vec<String>,
    /// What the tokens are to be for.
    pub limit: Limit,
}

/// Why a request goes no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// Longer than any request of a client.
    TooLong,
    /// No `client_id`, or several.
    NoClient,
    /// Not an id of ours.
    UnknownClient,
    /// No `redirect_uri` where the client has several, or several.
    NoRedirect,
    /// Not one of the client's.
    ForeignRedirect,
    /// Something else is wrong with it.
    Fault(Fault),
}

/// What is wrong with a request of a known client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The error code of RFC 6749 §4.1.2.1 and its relatives.
    pub code: &'static str,
    /// What is wrong, for the client's developer; none of it comes from the request.
    pub description: &'static str,
}

/// Reads the rest of an authorization request of `client`. `origin` has no slash at the end.
///
/// # Errors
/// [`Problem`].
pub fn read(query: &Query, client: Client, origin: &str) -> Result<AuthorizationRequest, Problem> {
    // (2) The redirect URI.
    let redirect_implied = !query.has("redirect_uri");
    let redirect_uri = match client.metadata.redirect_uris.as_slice() {
        [only] if redirect_implied => only.as_str(),
        _ => query.one("redirect_uri").ok_or(Problem::NoRedirect)?,
    };
    if !client.may_redirect_to(redirect_uri) {
        return Err(Problem::ForeignRedirect);
    }
    // (3) The rest.
    let rest = rest(query, &client, origin);
    let (challenge, scopes, limit) = rest.map_err(|(code, description)| Problem::Fault(Fault { code, description }))?;
    let (redirect_uri, state) = (redirect_uri.to_owned(), query.one("state").map(str::to_owned));
    Ok(AuthorizationRequest { client, redirect_uri, redirect_implied, state, challenge, scopes, limit })
}

/// The error code, and what is wrong.
type Wrong = (&'static str, &'static str);
type Rest = (Option<String>, Vec<String>, Limit);

fn rest(query: &Query, client: &Client, origin: &str) -> Result<Rest, Wrong> {
    if super::has_duplicates(&query.0) {
        return Err(("invalid_request", "A parameter stands there twice."));
    }
    if query.one("state").is_some_and(|state| state.len() > MAX_STATE) {
        return Err(("invalid_request", "state is longer than 2048 characters."));
    }
    if query.has("request") {
        return Err(("request_not_supported", "request is not supported."));
    }
    if query.has("request_uri") {
        return Err(("request_uri_not_supported", "request_uri is not supported."));
    }
    match query.one("response_type") {
        Some("code") => {}
        None => return Err(("invalid_request", "response_type is missing.")),
        Some(_) => return Err(("unsupported_response_type", "response_type must be code.")),
    }
    if query.one("response_mode").is_some_and(|mode| mode != "query") {
        return Err(("invalid_request", "response_mode must be query."));
    }
    if query.one("prompt") == Some("none") {
        return Err(("interaction_required", "The person is always asked."));
    }
    Ok((challenge(query, client)?, scopes(query), resource(query, origin)?))
}

/// RFC 7636 §4.3, with S256 only. A public client must send a challenge (OAuth 2.1 §7.5.2). A confidential one may leave it
/// out (case 44, which is what a drop-in's clients rely on): its secret then ties the code to it, and it must name its redirect
/// URI again (case 71). If it sends one, it is held to it.
fn challenge(query: &Query, client: &Client) -> Result<Option<String>, Wrong> {
    let base64url = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    match (query.one("code_challenge"), query.one("code_challenge_method")) {
        (Some(challenge), Some("S256")) if challenge.len() == CHALLENGE && challenge.bytes().all(base64url) => {
            Ok(Some(challenge.to_owned()))
        }
        (Some(_), Some("S256")) => Err(("invalid_request", "code_challenge is not the S256 of a verifier.")),
        (Some(_), _) => Err(("invalid_request", "code_challenge_method must be S256 (PKCE).")),
        (None, Some(_)) => Err(("invalid_request", "code_challenge_method without code_challenge (PKCE).")),
        (None, None) if client.metadata.auth_method == AuthMethod::None => {
            Err(("invalid_request", "A public client must use PKCE: code_challenge is missing."))
        }
        (None, None) => Ok(None),
    }
}

fn scopes(query: &Query) -> Vec<String> {
    query.one("scope").unwrap_or_default().split(' ').filter(|it| !it.is_empty()).map(str::to_owned).collect()
}

/// RFC 8707 §2. Without `resource` the tokens are for the whole endpoint.
fn resource(query: &Query, origin: &str) -> Result<Limit, Wrong> {
    let mut all = query.all("resource");
    let Some(first) = all.next() else { return Ok(Limit::default()) };
    if all.any(|other| other != first) {
        return Err(("invalid_target", "Only one resource can be asked for at a time."));
    }
    read_resource(first)
        .filter(|resource| resource.origin == origin)
        .map(|resource| resource.limit)
        .ok_or(("invalid_target", "resource is not a resource of this server."))
}

/// Reads the URI of a protected resource, whatever its origin. Neither a query nor a fragment nor an escape belongs to one.
pub fn read_resource(text: &str) -> Option<Resource> {
    if text.len() > 1_024 || text.contains(['?', '#', '%', '@', '\\']) || !text.bytes().all(|it| it.is_ascii_graphic())
    {
        return None;
    }
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    // What the parser mends (`/a/../mcp`) was not said.
    let (_, rest) = text.split_once("://")?;
    if rest.find('/').and_then(|at| rest.get(at..)) != Some(url.path()) {
        return None;
    }
    Some(Resource { origin: url.origin().ascii_serialization(), limit: Limit::from_path(url.path())? })
}

/// Where the client gets its code (RFC 6749 §4.1.2, RFC 9207 §2).
pub fn code_url(redirect_uri: &str, code: &str, state: Option<&str>, origin: &str) -> Option<Url> {
    back(redirect_uri, &[("code", code)], state, origin)
}

/// Where the client is told what a person decided (RFC 6749 §4.1.2.1).
pub fn error_url(redirect_uri: &str, code: &str, description: &str, state: Option<&str>, origin: &str) -> Option<Url> {
    back(redirect_uri, &[("error", code), ("error_description", description)], state, origin)
}

fn back(redirect_uri: &str, pairs: &[(&str, &str)], state: Option<&str>, origin: &str) -> Option<Url> {
    let mut url = Url::parse(redirect_uri).ok()?;
    url.query_pairs_mut().extend_pairs(pairs).extend_pairs(state.map(|it| ("state", it))).append_pair("iss", origin);
    Some(url)
}

/// The parameters of an authorization request that have a value.
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads a query.
    ///
    /// # Errors
    /// [`Problem`], when it is too long.
    pub fn read(query: &str) -> Result<Query, Problem> {
        if query.len() > MAX_QUERY {
            return Err(Problem::TooLong);
        }
        Ok(Query(super::parameters(query.as_bytes())))
    }

    /// The id of the client.
    ///
    /// # Errors
    /// [`Problem`], when there is none, or several.
    pub fn client_id(&self) -> Result<&str, Problem> {
        self.one("client_id").ok_or(Problem::NoClient)
    }

    /// The value of `name`, when it stands there once.
    fn one(&self, name: &str) -> Option<&str> {
        let mut all = self.all(name);
        all.next().filter(|_| all.next().is_none())
    }

    fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn has(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }
}

#[cfg(test)]
mod tests {
    use url::form_urlencoded;

    use super::super::clients::Metadata;
    use super::*;
    use crate::config::RootSecrets;
    use crate::crypto::KeyRing;

    const ORIGIN: &str = "https://vedette.example.com";
    const REDIRECT: &str = "http://127.0.0.1:1/cb?a=b";
    const GOOD: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn keys() -> KeyRing {
        KeyRing::new(RootSecrets { current: "one".into(), previous: None })
    }

    fn client(auth_method: AuthMethod) -> String {
        let metadata = Metadata {
            name: None,
            redirect_uris: vec![REDIRECT.into(), "cursor://x/cb".into()],
            auth_method,
            may_refresh: true,
            uri: None,
            instance: None,
        };
        Client::register(&keys(), metadata).unwrap().id
    }

    /// A good request with some parameters replaced (`None`: left out), and some added.
    fn ask(changes: &[(&str, Option<&str>)], added: &[(&str, &str)]) -> Result<AuthorizationRequest, Problem> {
        let id = client(AuthMethod::None);
        let good = [
            ("client_id", id.as_str()),
            ("redirect_uri", REDIRECT),
            ("response_type", "code"),
            ("state", "s t"),
            ("code_challenge", GOOD),
            ("code_challenge_method", "S256"),
        ];
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in good {
            match changes.iter().find(|(changed, _)| *changed == name) {
                Some((_, Some(other))) => query.append_pair(name, other),
                Some((_, None)) => &mut query,
                None => query.append_pair(name, value),
            };
        }
        query.extend_pairs(added);
        let query = Query::read(&query.finish())?;
        let client = Client::read(&keys(), query.client_id()?).ok_or(Problem::UnknownClient)?;
        read(&query, client, ORIGIN)
    }

    fn fault(result: Result<AuthorizationRequest, Problem>) -> &'static str {
        match result {
            Err(Problem::Fault(fault)) => fault.code,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_good_request_is_read_rfc_6749_4_1_1() {
        let request = ask(&[], &[("scope", "event:read nonsense"), ("unknown", "x")]).unwrap();
        assert_eq!(request.redirect_uri, REDIRECT);
        assert_eq!(request.state.as_deref(), Some("s t"));
        assert_eq!(request.challenge.as_deref(), Some(GOOD));
        assert_eq!(request.limit, Limit::default());
        assert_eq!(request.scopes, ["event:read", "nonsense"]);
    }

    #[test]
    fn without_a_known_client_and_its_redirect_uri_nothing_is_redirected_cases_30_to_36() {
        let here = |result: Result<AuthorizationRequest, Problem>| result.unwrap_err();
        assert_eq!(here(ask(&[("client_id", None)], &[])), Problem::NoClient);
        assert_eq!(here(ask(&[("client_id", Some("junk"))], &[])), Problem::UnknownClient);
        assert_eq!(here(ask(&[("client_id", Some(&"a".repeat(600)))], &[])), Problem::UnknownClient);
        assert_eq!(here(ask(&[], &[("client_id", "x")])), Problem::NoClient);
        assert_eq!(here(ask(&[("redirect_uri", None)], &[])), Problem::NoRedirect);
        assert_eq!(here(ask(&[("redirect_uri", Some(""))], &[])), Problem::NoRedirect);
        assert_eq!(here(ask(&[], &[("redirect_uri", REDIRECT)])), Problem::NoRedirect);
        for uri in [
            "https://evil.example/cb",
            "http://127.0.0.1:1/CB?a=b",
            "http://127.0.0.1:1/cb/?a=b",
            "http://evil@127.0.0.1:1/cb?a=b",
            "http://127.0.0.1:1/cb?a=b#x",
            "javascript:alert(1)",
            "/cb",
        ] {
            assert_eq!(
                here(ask(&[("redirect_uri", Some(uri)), ("response_type", None)], &[])),
                Problem::ForeignRedirect
            );
        }
        assert_eq!(here(ask(&[("state", Some(&"s".repeat(9_000)))], &[])), Problem::TooLong);
    }

    #[test]
    fn a_registered_private_scheme_and_any_loopback_port_are_good_cases_37_49() {
        for uri in ["cursor://x/cb", "http://127.0.0.1:9/cb?a=b", "http://127.0.0.1/cb?a=b"] {
            assert_eq!(ask(&[("redirect_uri", Some(uri))], &[]).unwrap().redirect_uri, uri);
        }
    }

    #[test]
    fn whatever_else_is_wrong_is_told_by_its_code_cases_38_to_45_b11() {
        let long = "s".repeat(2_049);
        for (changes, added, expected) in [
            (vec![("response_type", None)], vec![], "invalid_request"),
            (vec![("response_type", Some("token"))], vec![], "unsupported_response_type"),
            (vec![("response_type", Some("code token"))], vec![], "unsupported_response_type"),
            (vec![("code_challenge", None), ("code_challenge_method", None)], vec![], "invalid_request"),
            (vec![("code_challenge_method", None)], vec![], "invalid_request"),
            (vec![("code_challenge_method", Some("plain"))], vec![], "invalid_request"),
            (vec![("code_challenge_method", Some("S512"))], vec![], "invalid_request"),
            (vec![("code_challenge", None)], vec![], "invalid_request"),
            (vec![("code_challenge", Some("x"))], vec![], "invalid_request"),
            (vec![("code_challenge", Some(&GOOD.replace('-', "+")))], vec![], "invalid_request"),
            (vec![("state", Some(long.as_str()))], vec![], "invalid_request"),
            (vec![], vec![("scope", "a"), ("scope", "b")], "invalid_request"),
            (vec![], vec![("state", "twice")], "invalid_request"),
            (vec![], vec![("unknown", "a"), ("unknown", "b")], "invalid_request"),
            (vec![], vec![("response_mode", "fragment")], "invalid_request"),
            (vec![], vec![("request", "x")], "request_not_supported"),
            (vec![], vec![("request_uri", "https://x")], "request_uri_not_supported"),
            (vec![], vec![("prompt", "none")], "interaction_required"),
        ] {
            assert_eq!(fault(ask(&changes, &added)), expected, "{changes:?} {added:?}");
        }
    }

    #[test]
    fn a_parameter_without_a_value_is_left_out_rfc_6749_3_1() {
        let empty = ["resource", "request", "request_uri", "response_mode", "prompt", "scope", "login_hint"];
        let request = ask(&[], &empty.map(|name| (name, ""))).unwrap();
        assert_eq!(request, ask(&[], &[]).unwrap());
        let blank = [("code_challenge", Some("")), ("code_challenge_method", Some(""))];
        assert_eq!(fault(ask(&blank, &[])), "invalid_request", "a public client needs one");
        let id = client(AuthMethod::Post);
        let confidential = [("client_id", Some(id.as_str())), blank[0], blank[1]];
        assert_eq!(ask(&confidential, &[]).unwrap().challenge, None);
    }

    #[test]
    fn a_client_with_one_address_may_leave_it_out_rfc_6749_3_1_2_3() {
        let metadata = |redirect_uris: &[&str]| Metadata {
            name: None,
            redirect_uris: redirect_uris.iter().map(|it| (*it).to_owned()).collect(),
            auth_method: AuthMethod::None,
            may_refresh: true,
            uri: None,
            instance: None,
        };
        let id = Client::register(&keys(), metadata(&["https://app.example/cb"])).unwrap().id;
        for left_out in [None, Some("")] {
            let request = ask(&[("client_id", Some(&id)), ("redirect_uri", left_out)], &[]).unwrap();
            assert_eq!((request.redirect_uri.as_str(), request.redirect_implied), ("https://app.example/cb", true));
        }
        let named = ask(&[("client_id", Some(&id)), ("redirect_uri", Some("https://app.example/cb"))], &[]).unwrap();
        assert!(!named.redirect_implied);
        let twice = [("redirect_uri", "https://app.example/cb")];
        assert_eq!(
            ask(&[("client_id", Some(&id)), ("redirect_uri", Some(REDIRECT))], &twice),
            Err(Problem::NoRedirect)
        );
    }

    #[test]
    fn a_resource_must_be_one_of_ours_cases_45_46() {
        for (resource, path) in [
            ("https://vedette.example.com/mcp", "/mcp"),
            ("https://vedette.example.com/mcp/", "/mcp"),
            ("https://vedette.example.com:443/mcp/globex", "/mcp/globex"),
            ("https://vedette.example.com/mcp/globex/api", "/mcp/globex/api"),
        ] {
            assert_eq!(ask(&[], &[("resource", resource)]).unwrap().limit.path(), path);
        }
        let twice = ("resource", "https://vedette.example.com/mcp");
        assert!(ask(&[], &[twice, twice]).is_ok());
        for resource in [
            "/mcp",
            "javascript:x",
            "https://vedette.example.com",
            "https://vedette.example.com/mcpfoo",
            "https://vedette.example.com/mcp#x",
            "https://vedette.example.com/mcp#",
            "https://vedette.example.com/mcp?x=1",
            "https://vedette.example.com/a/../mcp",
            "https://vedette.example.com/mcp/%67lobex",
            "https://u@vedette.example.com/mcp",
            "http://vedette.example.com/mcp",
            "https://vedette.example.com:8443/mcp",
            "https://other.example.com/mcp",
        ] {
            assert_eq!(fault(ask(&[], &[("resource", resource)])), "invalid_target", "{resource}");
        }
        let other = ("resource", "https://vedette.example.com/mcp/globex");
        assert_eq!(fault(ask(&[], &[twice, other])), "invalid_target");
    }

    #[test]
    fn a_confidential_client_may_go_without_pkce_case_44() {
        let id = client(AuthMethod::Basic);
        let none = [("client_id", Some(id.as_str())), ("code_challenge", None), ("code_challenge_method", None)];
        assert_eq!(ask(&none, &[]).unwrap().challenge, None);
    }
}
