//! Reading an authorization request (RFC 6749 §4.1.1, OAuth 2.1 §4.1.1): pure functions of the query, the client and our
//! origin, done before anything is shown, and again at each later step.
//!
//! 1. The query is of bounded size, and names one client ([`Query::read`]). Who looks it up goes on with [`read`].
//! 2. It names one redirect URI, which is that client's. Until here an error is shown to the person and leads nowhere: an
//!    address that nobody has proven is not redirected to (RFC 6749 §4.1.2.1).
//! 3. Everything else. From here on an error goes back to the client, with its `state` and our `iss` (RFC 9207).
//!
//! No parameter may stand there twice (§3.1), except `resource`, which may, and of which we serve one at a time.

use url::{Url, form_urlencoded};

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
    /// Given back as it is.
    pub state: Option<String>,
    /// The PKCE challenge, S256.
    pub challenge: Option<String>,
    /// The scopes asked for; the person decides, so they only suggest.
    pub scopes: Vec<String>,
    /// What the tokens are to be for.
    pub limit: Limit,
}

/// A request that goes no further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Shown to the person.
    Here(Problem),
    /// Sent to the client, by this address.
    Back(Box<Url>),
}

/// Why a request leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// Longer than any request of a client.
    TooLong,
    /// No `client_id`, or several.
    NoClient,
    /// Not an id of ours.
    UnknownClient,
    /// No `redirect_uri`, or several.
    NoRedirect,
    /// Not one of the client's.
    ForeignRedirect,
}

/// Reads the rest of an authorization request of `client`. `origin` has no slash at the end.
///
/// # Errors
/// [`Refusal`].
pub fn read(query: &Query, client: Client, origin: &str) -> Result<AuthorizationRequest, Refusal> {
    // (2) The redirect URI.
    let redirect_uri = query.one("redirect_uri").ok_or(Refusal::Here(Problem::NoRedirect))?.to_owned();
    if !client.may_redirect_to(&redirect_uri) {
        return Err(Refusal::Here(Problem::ForeignRedirect));
    }
    // (3) The rest.
    let state = query.one("state").map(str::to_owned);
    match rest(query, &client, origin) {
        Ok((challenge, scopes, limit)) => {
            Ok(AuthorizationRequest { client, redirect_uri, state, challenge, scopes, limit })
        }
        Err((code, description)) => {
            // A state that stood there twice, or is too long, is not given back.
            let state = state.filter(|state| state.len() <= MAX_STATE);
            Err(match error_url(&redirect_uri, code, description, state.as_deref(), origin) {
                Some(url) => Refusal::Back(Box::new(url)),
                None => Refusal::Here(Problem::ForeignRedirect),
            })
        }
    }
}

type Fault = (&'static str, &'static str);

fn rest(query: &Query, client: &Client, origin: &str) -> Result<(Option<String>, Vec<String>, Limit), Fault> {
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
fn challenge(query: &Query, client: &Client) -> Result<Option<String>, Fault> {
    let base64url = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    match (query.one("code_challenge"), query.one("code_challenge_method")) {
        (Some(challenge), Some("S256")) if challenge.len() == CHALLENGE && challenge.bytes().all(base64url) => {
            Ok(Some(challenge.to_owned()))
        }
        (Some(_), Some("S256")) => Err(("invalid_request", "code_challenge is not the S256 of a verifier.")),
        (Some(_), _) => Err(("invalid_request", "code_challenge_method must be S256 (PKCE).")),
        (None, Some(_)) => Err(("invalid_request", "code_challenge_method without code_challenge (PKCE).")),
        (None, None) if query.has("code_challenge") || query.has("code_challenge_method") => {
            Err(("invalid_request", "code_challenge is empty (PKCE)."))
        }
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
fn resource(query: &Query, origin: &str) -> Result<Limit, Fault> {
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

/// Where the client gets an error (RFC 6749 §4.1.2.1).
pub fn error_url(redirect_uri: &str, code: &str, description: &str, state: Option<&str>, origin: &str) -> Option<Url> {
    back(redirect_uri, &[("error", code), ("error_description", description)], state, origin)
}

fn back(redirect_uri: &str, pairs: &[(&str, &str)], state: Option<&str>, origin: &str) -> Option<Url> {
    let mut url = Url::parse(redirect_uri).ok()?;
    url.query_pairs_mut().extend_pairs(pairs).extend_pairs(state.map(|it| ("state", it))).append_pair("iss", origin);
    Some(url)
}

/// The parameters of an authorization request.
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads a query.
    ///
    /// # Errors
    /// [`Refusal::Here`], when it is too long.
    pub fn read(query: &str) -> Result<Query, Refusal> {
        if query.len() > MAX_QUERY {
            return Err(Refusal::Here(Problem::TooLong));
        }
        Ok(Query(form_urlencoded::parse(query.as_bytes()).into_owned().collect()))
    }

    /// The id of the client.
    ///
    /// # Errors
    /// [`Refusal::Here`], when there is none, or several.
    pub fn client_id(&self) -> Result<&str, Refusal> {
        self.one("client_id").ok_or(Refusal::Here(Problem::NoClient))
    }

    /// The value of `name`, when it stands there once and is not empty.
    fn one(&self, name: &str) -> Option<&str> {
        let mut all = self.all(name);
        all.next().filter(|value| !value.is_empty() && all.next().is_none())
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
    fn ask(changes: &[(&str, Option<&str>)], added: &[(&str, &str)]) -> Result<AuthorizationRequest, Refusal> {
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
        let client = Client::read(&keys(), query.client_id()?).ok_or(Refusal::Here(Problem::UnknownClient))?;
        read(&query, client, ORIGIN)
    }

    fn back_with(result: Result<AuthorizationRequest, Refusal>) -> String {
        let Err(Refusal::Back(url)) = result else { panic!("{result:?}") };
        let pairs: std::collections::HashMap<_, _> = url.query_pairs().into_owned().collect();
        assert!(url.as_str().starts_with("http://127.0.0.1:1/cb?a=b&error="), "{url}");
        assert_eq!(pairs["iss"], ORIGIN);
        assert!(!pairs.contains_key("code"));
        pairs["error"].clone()
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
        let here = |result| match result {
            Err(Refusal::Here(problem)) => problem,
            other => panic!("{other:?}"),
        };
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
    fn other_errors_go_back_to_the_client_cases_38_to_45_b11() {
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
            assert_eq!(back_with(ask(&changes, &added)), expected, "{changes:?} {added:?}");
        }
    }

    #[test]
    fn the_state_comes_back_with_an_error_rfc_6749_4_1_2_1() {
        let Err(Refusal::Back(url)) = ask(&[("response_type", None)], &[]) else { panic!() };
        assert!(url.query_pairs().any(|(name, value)| name == "state" && value == "s t"));
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
            "",
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
            assert_eq!(back_with(ask(&[], &[("resource", resource)])), "invalid_target", "{resource}");
        }
        let other = ("resource", "https://vedette.example.com/mcp/globex");
        assert_eq!(back_with(ask(&[], &[twice, other])), "invalid_target");
    }

    #[test]
    fn a_confidential_client_may_go_without_pkce_case_44() {
        let id = client(AuthMethod::Basic);
        let none = [("client_id", Some(id.as_str())), ("code_challenge", None), ("code_challenge_method", None)];
        assert_eq!(ask(&none, &[]).unwrap().challenge, None);
    }
}
