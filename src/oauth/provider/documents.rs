//! Clients whose id is the address of their own description: Client ID Metadata Documents
//! (draft-ietf-oauth-client-id-metadata-document; MCP 2025-11-25 and 2026-07-28, "Client ID Metadata Documents").
//!
//! 1. The id is an https URL of a public host, in its normal form ([`address`]). What is not is never fetched.
//! 2. It is fetched once: no redirect is followed, 5,120 bytes and 10 s at most, the body included (P19).
//! 3. The document is JSON, names that URL as its `client_id`, and describes a public client that we can serve ([`client`]).
//!
//! **What is proven by it**: that whoever controls the host says so. The host is what the consent page shows as known; the
//! name in the document is a claim like any other.
//!
//! **What is kept**: a document that was found good, in the memory of this isolate, for as long as its `Cache-Control` says
//! and a day at most. Not in Workers KV: anybody can name any number of addresses, and what they name would be written for
//! them. Not in the Cache API: it does nothing on a `workers.dev` address. A document is read again when a person comes to the
//! consent page on another isolate, which costs one small request. What failed is not kept, so a mended document is good
//! at once; how often one address on the internet can make us fetch is limited ([`crate::limits`]).
//!
//! **The token endpoint fetches nothing.** Such a client is a public one, so there is nothing to authenticate; its codes and
//! refresh tokens are tied to the hash of its id when the person agrees. A client whose document cannot be read today keeps
//! its sessions.

use std::cell::RefCell;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, header};
use serde_json::{Map, Value};
use url::{Host, Url};

use super::clients::{AuthMethod, Client, Metadata};
use super::register::{self, words};
use super::reply::OAuthError;
use crate::cache::Cache;
use crate::crypto::sha256;
use crate::ports::{HttpError, Level, Limits};
use crate::world::World;
use vedette_sentry::USER_AGENT;
use vedette_sentry::host::is_loopback;

/// The longest accepted address, in bytes.
const MAX_ADDRESS: usize = 512;
/// The longest accepted document, in bytes, and the longest wait (draft §6.6 recommends 5 KB).
const LIMITS: Limits = Limits { deadline: Duration::from_secs(10), max_body: 5_120 };
/// The longest time that a document is believed.
const MAX_LIFE: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a document is believed that says nothing about it.
const USUAL_LIFE: Duration = Duration::from_secs(5 * 60);
/// Last labels of names that are no public hosts' (RFC 6762, RFC 8375, ICANN's `.internal`, and what networks use).
const PRIVATE_NAMES: [&str; 12] = [
    "arpa",
    "corp",
    "home",
    "internal",
    "intranet",
    "invalid",
    "lan",
    "local",
    "localdomain",
    "localhost",
    "onion",
    "private",
];
/// The private members of a JSON Web Key (RFC 7518 §6).
const PRIVATE_KEY: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// Why a client that names a document is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentProblem {
    /// The address may not be fetched.
    BadAddress,
    /// The host cannot be reached, or does not answer in time.
    Unreachable,
    /// Another status than 200, a redirect for instance.
    NotThere,
    /// Longer than 5,120 bytes.
    TooLong,
    /// Not JSON, or not called so.
    NotJson,
    /// It names another `client_id` than its address.
    OtherClient,
    /// It holds a secret, which everybody can now read.
    HoldsSecret,
    /// The client can authenticate in no way that we offer to it.
    NoMethod,
    /// Name, redirect URIs, grant types or another field are not good.
    BadField,
}

impl DocumentProblem {
    /// A stable name, for the log.
    pub fn name(self) -> &'static str {
        match self {
            Self::BadAddress => "bad_address",
            Self::Unreachable => "unreachable",
            Self::NotThere => "not_there",
            Self::TooLong => "too_long",
            Self::NotJson => "not_json",
            Self::OtherClient => "other_client",
            Self::HoldsSecret => "holds_secret",
            Self::NoMethod => "no_method",
            Self::BadField => "bad_field",
        }
    }

    /// What is wrong, for the person and the application's developer.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::BadAddress => {
                "The address that the application gives as its id is not one that is looked at: it must be https, at a \
                 public host, with a path, and in its normal form."
            }
            Self::Unreachable => "The address that the application gives as its id does not answer.",
            Self::NotThere => {
                "At the address that the application gives as its id there is no description: the answer is not a plain \
                 200. Redirects are not followed."
            }
            Self::TooLong => "The application's description of itself is longer than 5,120 bytes.",
            Self::NotJson => "The application's description of itself is not JSON.",
            Self::OtherClient => "The application's description names another client_id than its own address.",
            Self::HoldsSecret => {
                "The application's description holds a secret or a private key. Everybody can read it, so it proves \
                 nothing."
            }
            Self::NoMethod => {
                "The application's description does not offer token_endpoint_auth_method \"none\", or names a method \
                 that needs a shared secret."
            }
            Self::BadField => {
                "A field of the application's description is missing or not good: client_name, redirect_uris, \
                 grant_types, response_types, or the address of a page."
            }
        }
    }
}

/// Whether `id` is meant as an address, rather than as an id that we gave out.
pub fn is_address(id: &str) -> bool {
    id.starts_with("https://") || id.starts_with("http://")
}

/// Reads a client id that is an address. `origin` is our own: documents of our own are none.
///
/// Everything is decided on the text as it was sent, and the parser must find nothing to mend in it, so that what is
/// compared, shown and fetched is one thing. `http` on a loopback host is accepted only by a Worker that is itself at such
/// an address, as in tests, and fetched only where `BASE_URL` says so.
pub fn address(id: &str, origin: &str) -> Option<Url> {
    if id.len() > MAX_ADDRESS || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    if id.contains(['\\', '#', '"', '<', '>', '^', '`', '{', '|', '}']) {
        return None;
    }
    let (_, rest) = id.split_once("://")?;
    let (authority, path) = rest.split_at_checked(rest.find(['/', '?'])?)?;
    let path = path.split('?').next().unwrap_or_default();
    if authority.contains('@') || !path.starts_with('/') || path.split('/').any(is_dots) {
        return None;
    }
    let url = Url::parse(id).ok().filter(|url| url.as_str() == id)?;
    let ours = Url::parse(origin).ok()?;
    if url.host() == ours.host() && url.port_or_known_default() == ours.port_or_known_default() {
        return None;
    }
    let local = ours.scheme() == "http" && is_loopback(&ours) && is_loopback(&url);
    match url.scheme() {
        "https" if is_public(&url) => Some(url),
        "http" if local => Some(url),
        _ => None,
    }
}

/// `.` or `..`, also in escapes.
fn is_dots(segment: &str) -> bool {
    matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..")
}

/// Whether the host is a name that the public internet could know. An address in numbers, however it is written, is not.
fn is_public(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            let last = name.rsplit('.').next().unwrap_or_default();
            let labels = name.split('.').count();
            labels > 1 && name.split('.').all(|label| !label.is_empty()) && !PRIVATE_NAMES.contains(&last)
        }
        Some(Host::Ipv4(_) | Host::Ipv6(_)) | None => false,
    }
}

thread_local! {
    static GOOD: RefCell<Cache<Client>> = const { RefCell::new(Cache::new()) };
}

/// The client that a person's browser was sent by, if its document is already known here.
pub fn known(world: &World, id: &str) -> Option<Client> {
    GOOD.with_borrow(|good| good.get(&sha256(id.as_bytes()), world.ports.clock.now()))
}

/// Fetches and reads the document at `address`.
///
/// # Errors
/// [`DocumentProblem`]; nothing of it is remembered.
pub async fn fetch(world: &World, address: &Url) -> Result<Client, DocumentProblem> {
    let fetched = fetched(world, address).await;
    if let Err(problem) = &fetched {
        let host = address.host_str().unwrap_or_default();
        world.ports.log.log(Level::Info, "client_document_refused", &[("host", host), ("problem", problem.name())]);
    }
    fetched
}

async fn fetched(world: &World, address: &Url) -> Result<Client, DocumentProblem> {
    let request = Request::get(address.as_str())
        .header(header::ACCEPT, "application/json")
        .header(header::USER_AGENT, USER_AGENT)
        .body(Bytes::new())
        .map_err(|_| DocumentProblem::BadAddress)?;
    let response = world.ports.http.send(request, LIMITS).await.map_err(|error| match error {
        HttpError::TooLong => DocumentProblem::TooLong,
        HttpError::Timeout | HttpError::Connection => DocumentProblem::Unreachable,
    })?;
    if response.status() != StatusCode::OK {
        return Err(DocumentProblem::NotThere);
    }
    if !is_json(response.headers()) {
        return Err(DocumentProblem::NotJson);
    }
    let client = client(address.as_str(), response.body())?;
    let life = life(response.headers());
    if !life.is_zero() {
        let key = sha256(address.as_str().as_bytes());
        GOOD.with_borrow_mut(|good| good.put(key, client.clone(), world.ports.clock.now(), life));
    }
    Ok(client)
}

/// `application/json`, or a type that is JSON within (RFC 6839 §3.1).
fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

/// For how long the document may be believed (RFC 9111 §5.2.2). `s-maxage` goes before `max-age`.
fn life(headers: &HeaderMap) -> Duration {
    let values = headers.get_all(header::CACHE_CONTROL);
    let text = values.iter().filter_map(|value| value.to_str().ok()).collect::<Vec<_>>().join(",").to_ascii_lowercase();
    let directives: Vec<(&str, &str)> =
        text.split(',').map(|it| it.trim()).map(|it| it.split_once('=').unwrap_or((it, ""))).collect();
    let find = |name: &str| directives.iter().find(|(known, _)| known.trim() == name).map(|(_, value)| *value);
    if ["no-store", "no-cache", "private"].iter().any(|name| find(name).is_some()) {
        return Duration::ZERO;
    }
    match find("s-maxage").or_else(|| find("max-age")) {
        Some(seconds) => {
            seconds.trim().trim_matches('"').parse().map_or(Duration::ZERO, Duration::from_secs).min(MAX_LIFE)
        }
        None => USUAL_LIFE,
    }
}

/// Reads the document that was found at `address`.
///
/// # Errors
/// What is wrong with it.
pub fn client(address: &str, document: &[u8]) -> Result<Client, DocumentProblem> {
    let document: Value = serde_json::from_slice(document).map_err(|_| DocumentProblem::NotJson)?;
    let Value::Object(mut fields) = document else { return Err(DocumentProblem::NotJson) };
    if fields.get("client_id").and_then(Value::as_str) != Some(address) {
        return Err(DocumentProblem::OtherClient);
    }
    if fields.contains_key("client_secret")
        || fields.contains_key("client_secret_expires_at")
        || has_private_key(&fields)
    {
        return Err(DocumentProblem::HoldsSecret);
    }
    register::leave_out_blanks(&mut fields);
    if !may_be_public(&fields)? {
        return Err(DocumentProblem::NoMethod);
    }
    let bad = |_: OAuthError| DocumentProblem::BadField;
    let name = register::name(&fields).map_err(bad)?.ok_or(DocumentProblem::BadField)?;
    let redirect_uris = words(&fields, "redirect_uris").map_err(bad)?.unwrap_or_default();
    let application_type = register::application_type(&fields).map_err(bad)?;
    register::check_redirects(&redirect_uris, application_type).map_err(bad)?;
    register::check_unused(&fields).map_err(bad)?;
    let metadata = Metadata {
        name: Some(name),
        redirect_uris,
        auth_method: AuthMethod::None,
        may_refresh: register::may_refresh(&fields).map_err(bad)?,
        uri: register::text(&fields, "client_uri").map_err(bad)?,
        instance: None,
    };
    Ok(Client { id: address.to_owned(), metadata })
}

fn has_private_key(fields: &Map<String, Value>) -> bool {
    let keys = fields.get("jwks").and_then(|set| set.get("keys")).and_then(Value::as_array);
    keys.into_iter().flatten().any(|key| PRIVATE_KEY.iter().any(|member| key.get(member).is_some()))
}

/// Whether the client can authenticate by nothing: the only way that a document can offer us. A method of a shared secret
/// has no place in a public document (draft §4.1).
fn may_be_public(fields: &Map<String, Value>) -> Result<bool, DocumentProblem> {
    let bad = |_| DocumentProblem::BadField;
    let preferred = register::text(fields, "token_endpoint_auth_method").map_err(bad)?;
    let choices = words(fields, "token_endpoint_auth_methods_supported").map_err(bad)?;
    let all = preferred.iter().chain(choices.iter().flatten());
    if all.clone().any(|method| method.starts_with("client_secret")) {
        return Ok(false);
    }
    let consistent = match (&preferred, &choices) {
        (Some(preferred), Some(choices)) => choices.contains(preferred),
        _ => true,
    };
    let silent = preferred.is_none() && choices.is_none();
    Ok(consistent && (silent || all.clone().any(|method| method == "none")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ORIGIN: &str = "https://vedette.example.com";
    const ADDRESS: &str = "https://client.example.com/mcp/client.json";

    #[test]
    fn a_public_https_url_with_a_path_may_be_fetched_case_121() {
        for good in [
            ADDRESS,
            "https://client.example.com/",
            "https://client.example.com:8443/c",
            "https://client.example.com/c?version=2",
            "https://claude.ai/oauth/mcp-oauth-client-metadata",
            "https://xn--bcher-kva.example/client.json",
        ] {
            assert!(address(good, ORIGIN).is_some(), "{good}");
        }
    }

    #[test]
    fn anything_else_is_never_fetched_case_124() {
        let long = format!("https://client.example.com/{}", "a".repeat(600));
        for bad in [
            "http://client.example.com/c",
            "HTTPS://client.example.com/c",
            "https://CLIENT.example.com/c",
            "https://client.example.com",
            "https://client.example.com?x=/y",
            "https://user@client.example.com/c",
            "https://user:pass@client.example.com/c",
            "https://@client.example.com/c",
            "https://client.example.com/c#f",
            "https://client.example.com/c#",
            "https://client.example.com/a/../c",
            "https://client.example.com/./c",
            "https://client.example.com/a/%2e%2E/c",
            "https://client.example.com/a/.%2e",
            "https://client.example.com\\c",
            "https:\\\\client.example.com/c",
            "https:///client.example.com/c",
            "https:/client.example.com/c",
            "https://client.example.com:443/c",
            "https://client.example.com:99999/c",
            "https://client.example.com./c",
            "https://cl ient.example.com/c",
            " https://client.example.com/c",
            "https://client.example.com/c\n",
            "https://client.example.com/c\0",
            "https://client.ex\u{e4}mple.com/c",
            "https://%63lient.example.com/c",
            "https://",
            "https:///",
            "ftp://client.example.com/c",
            "file:///etc/passwd",
            "javascript://client.example.com/%0aalert(1)",
            "https://vedette.example.com/c",
            &long,
        ] {
            assert!(address(bad, ORIGIN).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn no_address_in_numbers_and_no_private_name_is_fetched() {
        for host in [
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0x7f.1",
            "0177.0.0.1",
            "0",
            "0.0.0.0",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "8.8.8.8",
            "127.0.0.1.",
            "[::1]",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[fe80::1]",
            "[fc00::1]",
            "[2001:db8::1]",
            "[::127.0.0.1]",
            "[64:ff9b::7f00:1]",
            "localhost",
            "LOCALHOST",
            "localhost.",
            "a.localhost",
            "printer.local",
            "db.internal",
            "metadata.google.internal",
            "router.lan",
            "router.home.arpa",
            "intranet",
            "x.corp",
            "x.onion",
            "a.b.local.",
            "1.0.0.127.in-addr.arpa",
            ".example.com",
            "\u{ff11}\u{ff12}\u{ff17}.0.0.1",
            "127\u{3002}0\u{3002}0\u{3002}1",
        ] {
            for scheme in ["https", "http"] {
                assert!(address(&format!("{scheme}://{host}/c"), ORIGIN).is_none(), "{scheme}://{host}");
            }
        }
    }

    #[test]
    fn a_worker_on_loopback_reads_documents_on_loopback_and_no_other_does() {
        let (document, local) = ("http://127.0.0.1:9/c", "http://127.0.0.1:8787");
        assert!(address(document, local).is_some());
        assert!(address(ADDRESS, local).is_some());
        for (document, origin) in [
            (document, ORIGIN),
            (document, "https://127.0.0.1:8787"),
            (document, "http://192.168.1.1"),
            ("http://127.0.0.1:8787/c", local),
            ("https://127.0.0.1:9/c", local),
            ("http://192.168.1.1/c", local),
            ("http://client.example.com/c", local),
        ] {
            assert!(address(document, origin).is_none(), "{document} {origin}");
        }
    }

    /// A good document with other fields; `null` takes one away.
    fn document(changes: Value) -> Vec<u8> {
        let mut good = json!({
            "client_id": ADDRESS, "client_name": "A client", "redirect_uris": ["http://127.0.0.1/cb"],
            "grant_types": ["authorization_code", "refresh_token"], "token_endpoint_auth_method": "none",
        });
        let fields = good.as_object_mut().unwrap();
        for (name, value) in changes.as_object().unwrap() {
            match value {
                Value::Null => drop(fields.remove(name)),
                value => drop(fields.insert(name.clone(), value.clone())),
            }
        }
        good.to_string().into_bytes()
    }

    fn problem(changes: Value) -> Option<DocumentProblem> {
        client(ADDRESS, &document(changes)).err()
    }

    #[test]
    fn a_good_document_is_a_public_client_case_121() {
        let client = client(ADDRESS, &document(json!({"client_uri": "https://client.example.com"}))).unwrap();
        assert_eq!((client.name(), client.id.as_str()), ("A client", ADDRESS));
        assert!(client.metadata.may_refresh && client.metadata.auth_method == AuthMethod::None);
        assert!(client.may_redirect_to("http://127.0.0.1:3118/cb"));
        assert!(!client.may_redirect_to("https://client.example.com/cb"));
        assert_eq!(problem(json!({"token_endpoint_auth_method": null, "grant_types": null})), None);
    }

    #[test]
    fn a_document_that_is_not_the_clients_or_not_whole_is_refused_case_122() {
        for id in [json!(null), json!("https://client.example.com/mcp/client.json/"), json!(1), json!([ADDRESS])] {
            assert_eq!(problem(json!({ "client_id": id })), Some(DocumentProblem::OtherClient), "{id}");
        }
        for changes in [
            json!({"client_name": null}),
            json!({"client_name": " "}),
            json!({"client_name": 1}),
            json!({"client_name": "a\u{0}b"}),
            json!({"client_name": "a".repeat(121)}),
            json!({"redirect_uris": null}),
            json!({"redirect_uris": []}),
            json!({"redirect_uris": "https://client.example.com/cb"}),
            json!({"redirect_uris": ["https://client.example.com/cb#f"]}),
            json!({"redirect_uris": ["http://client.example.com/cb"]}),
            json!({"redirect_uris": ["javascript:alert(1)"]}),
            json!({"redirect_uris": (0..21).map(|it| format!("https://a.example/{it}")).collect::<Vec<_>>()}),
            json!({"application_type": "web"}),
            json!({"logo_uri": "javascript:alert(1)"}),
            json!({"grant_types": ["urn:ietf:params:oauth:grant-type:jwt-bearer"]}),
            json!({"grant_types": []}),
            json!({"response_types": ["token"]}),
        ] {
            assert_eq!(problem(changes.clone()), Some(DocumentProblem::BadField), "{changes}");
        }
        for text in [&b""[..], b"[]", b"null", b"<html>", b"{\"client_id\": \"\xff\"}", b"{} {}"] {
            assert_eq!(client(ADDRESS, text).err(), Some(DocumentProblem::NotJson));
        }
    }

    #[test]
    fn secrets_private_keys_and_methods_with_a_secret_are_refused_case_123() {
        for changes in [
            json!({"client_secret": "x"}),
            json!({"client_secret": ""}),
            json!({"client_secret_expires_at": 0}),
            json!({"jwks": {"keys": [{"kty": "EC", "x": "a"}, {"kty": "EC", "d": "a"}]}}),
            json!({"jwks": {"keys": [{"kty": "oct", "k": "a"}]}}),
        ] {
            assert_eq!(problem(changes.clone()), Some(DocumentProblem::HoldsSecret), "{changes}");
        }
        for changes in [
            json!({"token_endpoint_auth_method": "client_secret_basic"}),
            json!({"token_endpoint_auth_method": "client_secret_jwt"}),
            json!({"token_endpoint_auth_method": "private_key_jwt"}),
            json!({"token_endpoint_auth_methods_supported": ["none", "client_secret_post"]}),
            json!({"token_endpoint_auth_methods_supported": ["private_key_jwt"]}),
            json!({"token_endpoint_auth_method": null, "token_endpoint_auth_methods_supported": ["private_key_jwt"]}),
            json!({"token_endpoint_auth_method": null, "token_endpoint_auth_methods_supported": []}),
        ] {
            assert_eq!(problem(changes.clone()), Some(DocumentProblem::NoMethod), "{changes}");
        }
        assert_eq!(problem(json!({"jwks": {"keys": [{"kty": "EC", "x": "a", "y": "b"}]}})), None);
    }

    #[test]
    fn the_shapes_of_known_clients_are_accepted_case_125() {
        let claude = json!({
            "client_uri": "https://claude.ai", "redirect_uris": ["https://claude.ai/api/mcp/auth_callback"],
            "grant_types": ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:jwt-bearer"],
            "response_types": ["code"],
        });
        let chatgpt = json!({
            "redirect_uris": ["https://chatgpt.com/connector_platform_oauth_redirect"],
            "token_endpoint_auth_method": "private_key_jwt",
            "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
            "jwks_uri": "https://chatgpt.com/oauth/jwks.json", "token_endpoint_auth_signing_alg": "RS256",
        });
        assert_eq!((problem(claude), problem(chatgpt)), (None, None));
    }

    #[test]
    fn a_document_is_believed_as_long_as_it_says_and_a_day_at_most() {
        let life =
            |value: &str| life(&HeaderMap::from_iter([(header::CACHE_CONTROL, value.parse().unwrap())])).as_secs();
        for (value, seconds) in [
            ("max-age=60", 60),
            ("public, Max-Age=60, s-maxage=120", 120),
            ("max-age=99999999999", 86_400),
            ("max-age=-1", 0),
            ("max-age=junk", 0),
            ("max-age=0", 0),
            ("no-store", 0),
            ("max-age=60, no-cache", 0),
            ("private", 0),
            ("", 300),
        ] {
            assert_eq!(life(value), seconds, "{value}");
        }
        assert_eq!(super::life(&HeaderMap::new()), USUAL_LIFE);
    }
}
