//! Who calls, and what their commands run with.
//!
//! A caller proves who they are in one of two ways ([`Presented`]):
//!
//! - `Authorization: Bearer <token>`, an access token that this Worker's authorization server issued. `session` is where
//!   such a token becomes a [`Caller`]; the token holds no Sentry token, so Sentry never sees it, and the client never sees
//!   Sentry's (P18).
//! - `Authorization: Sentry-Bearer <token>`, a Sentry token of the caller's own. Sentry is asked once a minute whose it is;
//!   between two questions it is known by its hash. It is kept nowhere and goes to Sentry alone (P7).
//!
//! With `SENTRY_AUTH_TOKEN` set, commands run with the operator's token (P6), but only for who proved themselves first: the
//! operator's token never serves a request of nobody, nor of somebody who shares no organization with it. What was learned of
//! a caller serves for what needs no Sentry: before each command Sentry is asked whether it still accepts their own token.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use http::{HeaderMap, StatusCode, header};
use secrecy::SecretString;

use super::constraint::Endpoint;
use super::refusal::{Refusal, Scheme};
use super::skills::Skills;
use crate::cache::{Cache, Key};
use crate::config::expose;
use crate::crypto::{KeyRing, sha256};
use crate::grants::{Credential, NoCredential};
use crate::limits;
use crate::ports::{self, Level, ObjectError};
use crate::sessions::calls::{Access, Authenticate, Authenticated, CredentialNeed, Resource};
use crate::sessions::session::open_credential;
use crate::sessions::terms::skill_named;
use crate::sessions::tokens::{Kind, Token};
use crate::world::World;
use vedette_commands::CommandError;
use vedette_sentry::client::Client;
use vedette_sentry::error::{SentryError, Unauthorized};
use vedette_sentry::host::SentryHost;
use vedette_sentry::oauth::{Account, Unsaid, whose};

/// How long Sentry's word about a token holds.
const BELIEVED: Duration = Duration::from_secs(60);
/// How long it holds that a session's person shares an organization with the operator.
const COLLEAGUE: Duration = Duration::from_secs(15 * 60);
/// When to try again what Sentry or our storage could not do, in seconds.
const RETRY: u64 = RETRY_AFTER.as_secs();
const RETRY_AFTER: Duration = Duration::from_secs(10);
/// Sentry's tokens have 71 characters, ours some 200.
const MAX_TOKEN: usize = 4096;

const STRANGER: &str = "This server answers with its operator's Sentry access, to people of the same organizations. Your \
                        token sees none of them.";
const UNSHOWN: &str = "Sentry could not be asked which organizations you share with this server's operator.";
const NOT_ACCEPTED: &str = "Sentry does not accept this token.";
const ELSEWHERE: &str = "This access token is for another address of this server. Authorize for this one.";
const HEADLESS: &str = "This server answers with its operator's Sentry access. Come with `Authorization: Sentry-Bearer` and a \
                        Sentry token of your own.";
const UNKNOWN: &str = "This access token is not known here or has ended. Authorize again.";

/// What a request presents.
#[derive(Debug)]
pub enum Presented {
    /// An access token of ours.
    Bearer(SecretString),
    /// A token of Sentry's.
    SentryBearer(SecretString),
}

/// What is wrong with what a request presents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoAccess {
    /// Nothing that is known here.
    Nothing,
    /// Something of this scheme that can be no token.
    Malformed(Scheme),
}

impl Presented {
    /// Reads `Authorization`; the scheme's case does not matter (RFC 9110 §11.1).
    ///
    /// # Errors
    /// When there is none, more than one, or none that could be a token.
    pub fn of(headers: &HeaderMap) -> Result<Presented, NoAccess> {
        let mut all = headers.get_all(header::AUTHORIZATION).iter();
        let (Some(value), None) = (all.next(), all.next()) else { return Err(NoAccess::Nothing) };
        let value = value.to_str().map_err(|_| NoAccess::Nothing)?.trim();
        let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "bearer" => Scheme::Bearer,
            "sentry-bearer" => Scheme::SentryBearer,
            _ => return Err(NoAccess::Nothing),
        };
        let token = token.trim();
        if token.is_empty() || token.len() > MAX_TOKEN || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(NoAccess::Malformed(scheme));
        }
        Ok(match scheme {
            Scheme::Bearer => Presented::Bearer(token.into()),
            Scheme::SentryBearer => Presented::SentryBearer(token.into()),
        })
    }
}

/// Whoever proved who they are.
pub struct Caller {
    /// Tells callers apart in caches and limits: a hash, no secret.
    pub key: Key,
    /// How they proved it.
    pub scheme: Scheme,
    /// Whose Sentry account it is, if that was needed for what they ask.
    pub account: Option<Account>,
    /// What they may use.
    pub skills: Skills,
    /// Whether their commands run with the operator's token.
    pub headless: bool,
    credential: Rc<dyn CredentialSource>,
    /// Their own, where commands run with the operator's.
    own: Option<Rc<dyn CredentialSource>>,
    /// Whether Sentry accepted their own in this request.
    proven: Cell<bool>,
    /// The operator's token was found dead, so it could not be told whether the caller may use it: no command asks with it,
    /// and each says what is wrong.
    untold: bool,
}

/// A Sentry token to run a command with.
#[derive(Clone, Debug)]
pub struct Held {
    /// The token.
    pub token: SecretString,
    /// Of a grant: its version, to tell the vault when Sentry refuses the token. `None`: there is nothing to renew.
    pub version: Option<i64>,
}

/// Where a caller's Sentry token comes from.
#[async_trait(?Send)]
pub trait CredentialSource {
    /// The token to use now.
    async fn held(&self) -> Result<Held, NoCredential>;
    /// Sentry says that the token of `version` is dead: a newer one.
    async fn rejected(&self, version: i64) -> Result<Held, NoCredential>;
}

/// A token that needs no keeping: the caller's own, or the operator's.
struct Fixed(SecretString);

#[async_trait(?Send)]
impl CredentialSource for Fixed {
    async fn held(&self) -> Result<Held, NoCredential> {
        Ok(Held { token: self.0.clone(), version: None })
    }

    async fn rejected(&self, _version: i64) -> Result<Held, NoCredential> {
        Err(NoCredential::Ended)
    }
}

thread_local! {
    static KNOWN: RefCell<Cache<Account>> = const { RefCell::new(Cache::new()) };
}

/// Finds out who calls. `need` says whether what they ask will probably take Sentry: if it does after all, it is asked for
/// then.
///
/// # Errors
/// 401 with the challenge that helps, 429 when they ask too often, 503 when nobody can say.
pub async fn authenticate(
    world: &World,
    headers: &HeaderMap,
    endpoint: &Endpoint,
    need: CredentialNeed,
) -> Result<Caller, Refusal> {
    match Presented::of(headers) {
        Ok(Presented::Bearer(token)) => session(world, headers, endpoint, token, need).await,
        Ok(Presented::SentryBearer(token)) => brought(world, headers, endpoint, token).await,
        Err(NoAccess::Nothing) => {
            stranger(world, headers).await?;
            Err(Refusal::no_credential(endpoint))
        }
        Err(NoAccess::Malformed(scheme)) => Err(Refusal::invalid_token(endpoint, scheme, "This can be no token.")),
    }
}

/// Counts a request of who is not known yet.
async fn stranger(world: &World, headers: &HeaderMap) -> Result<(), Refusal> {
    limits::count(world, &limits::STRANGERS, &limits::address(headers)).await.map_err(Refusal::too_many)
}

/// Counts a request of who is known by `key`, or a further message in one.
///
/// # Errors
/// 429.
pub async fn count(world: &World, key: &Key) -> Result<(), Refusal> {
    limits::count(world, &limits::SESSION, &hex::encode(key)).await.map_err(Refusal::too_many)
}

/// The caller of an access token of ours.
///
/// 1. The token's MAC is checked before anything is looked up (P17).
/// 2. Its session does not ask too often.
/// 3. Its Session object says, in one call, whether it lives, is meant for `endpoint` (RFC 8707), and what it allows; and
///    gives the Sentry credential that is needed, renewed when that is due (P3).
async fn session(
    world: &World,
    headers: &HeaderMap,
    endpoint: &Endpoint,
    token: SecretString,
    need: CredentialNeed,
) -> Result<Caller, Refusal> {
    let refused = |why| Refusal::invalid_token(endpoint, Scheme::Bearer, why);
    let roots = world.config.root_secrets.clone().map_err(Refusal::not_configured)?;
    // (1)
    let token = Token::read(&KeyRing::new(roots), Kind::Access, expose(&token)).ok_or_else(|| refused(UNKNOWN))?;
    // (2)
    let key = sha256(token.session().object_name().as_bytes());
    count(world, &key).await?;
    // (3)
    let (resource, address) = (endpoint.resource(), limits::address(headers));
    let source = Granted { world: world.clone(), token, resource, address, first: RefCell::default() };
    if let Some(operators) = world.config.environment_token.clone() {
        return headless(world, endpoint, source, &operators).await;
    }
    let (access, granted) = source.proven(endpoint, need).await?;
    if need == CredentialNeed::Yes && granted.is_none() {
        return Err(refused(UNKNOWN));
    }
    let account = granted.map(|(held, account)| {
        source.first.replace(Some(held));
        account
    });
    Ok(Caller::new(world, key, Scheme::Bearer, account, allowed(&access), Rc::new(source)))
}

/// The caller of an access token of ours, whose commands run with the operator's token (P6).
///
/// 1. The Session object says, at each request, whether the token lives.
/// 2. Anybody at all can consent, so its own grant shows that its person shares an organization with the operator. That
///    holds for a quarter of an hour; that Sentry accepts the grant, for this request.
async fn headless(
    world: &World,
    endpoint: &Endpoint,
    source: Granted,
    operators: &SecretString,
) -> Result<Caller, Refusal> {
    if world.config.sentry_app.is_err() {
        // What let this session in is no more: its grant could be neither renewed nor revoked.
        return Err(Refusal::new(StatusCode::FORBIDDEN, HEADLESS));
    }
    let host = world.config.sentry_host.as_ref().map_err(|problem| Refusal::not_configured(*problem))?;
    let key = sha256(format!("headless {}", source.token.session().object_name()).as_bytes());
    let known = KNOWN.with_borrow(|known| known.get(&key, world.ports.clock.now()));
    // (1)
    let need = if known.is_some() { CredentialNeed::No } else { CredentialNeed::Own };
    let (access, granted) = source.proven(endpoint, need).await?;
    // (2)
    let asked_now = known.is_none();
    let (account, shared) = match (known, granted) {
        (Some(account), _) => (account, Shared::Yes),
        (None, None) => return Err(Refusal::invalid_token(endpoint, Scheme::Bearer, UNKNOWN)),
        (None, Some((held, account))) => {
            let mut shared = shares(world, host, &held.token, operators).await;
            if let (Err(SentryError::Unauthorized { reason: Unauthorized::DeadToken, .. }), Some(version)) =
                (&shared, held.version)
            {
                let (_, renewed) = source.proven(endpoint, CredentialNeed::Rejected(version)).await?;
                if let Some((renewed, _)) = renewed {
                    shared = shares(world, host, &renewed.token, operators).await;
                }
            }
            let shared = admitted(shared)?;
            if shared == Shared::Yes {
                KNOWN.with_borrow_mut(|known| known.put(key, account.clone(), world.ports.clock.now(), COLLEAGUE));
            }
            (account, shared)
        }
    };
    let caller = Caller::new(world, key, Scheme::Bearer, Some(account), allowed(&access), Rc::new(source));
    Ok(caller.sharing(shared, asked_now))
}

fn allowed(access: &Access) -> Skills {
    let granted = access.skills.iter().filter_map(|name| skill_named(name)).map(|text| text.skill);
    Skills::of(granted).with_scopes(access.scopes.clone())
}

/// A session's grant, in its object's vault.
struct Granted {
    world: World,
    token: Token,
    resource: Resource,
    /// Where the caller comes from, as limits know it.
    address: String,
    /// What came with the answer to who calls, for the first command.
    first: RefCell<Option<Held>>,
}

/// What the Session object said.
enum Answer {
    Yes(Box<Access>, Option<(Held, Account)>),
    Refused,
    OtherResource,
    TryLater,
}

impl Granted {
    async fn ask(&self, credential: CredentialNeed) -> Result<Answer, ObjectError> {
        let session = self.token.session();
        let call = Authenticate {
            token: self.token.hash(),
            resource: self.resource.clone(),
            credential,
            address: self.address.clone(),
        };
        Ok(match ports::call(&*self.world.objects, &session.object_name(), &call).await? {
            Authenticated::Refused => Answer::Refused,
            Authenticated::OtherResource => Answer::OtherResource,
            Authenticated::TryLater => Answer::TryLater,
            Authenticated::Yes(access) if credential == CredentialNeed::No => Answer::Yes(Box::new(access), None),
            Authenticated::Yes(access) => {
                let opened = access.credential.as_ref().and_then(|it| open_credential(&self.world, &session, it));
                let granted = match opened {
                    Some(Credential::Granted { grant, version }) => {
                        let held = Held { token: grant.access_token.clone(), version: Some(version) };
                        Some((held, grant.account))
                    }
                    Some(Credential::Environment(_)) | None => None,
                };
                Answer::Yes(Box::new(access), granted)
            }
        })
    }

    /// What the token allows, with the grant when it was needed; or what the client is told.
    async fn proven(
        &self,
        endpoint: &Endpoint,
        credential: CredentialNeed,
    ) -> Result<(Box<Access>, Option<(Held, Account)>), Refusal> {
        let refused = |why| Refusal::invalid_token(endpoint, Scheme::Bearer, why);
        match self.ask(credential).await {
            Ok(Answer::Yes(access, granted)) => Ok((access, granted)),
            Ok(Answer::Refused) => Err(refused(UNKNOWN)),
            Ok(Answer::OtherResource) => Err(refused(ELSEWHERE)),
            Ok(Answer::TryLater) => {
                Err(Refusal::unavailable("Sentry could not be reached to renew your access.", RETRY))
            }
            Err(error) => {
                self.world.ports.log.log(Level::Error, "session_unavailable", &[("error", &error.0)]);
                Err(Refusal::unavailable("This session could not be looked up.", RETRY))
            }
        }
    }

    async fn renewed(&self, credential: CredentialNeed) -> Result<Held, NoCredential> {
        match self.ask(credential).await {
            Ok(Answer::Yes(_, Some((held, _)))) => Ok(held),
            Ok(Answer::Yes(_, None) | Answer::Refused | Answer::OtherResource) => Err(NoCredential::Ended),
            Ok(Answer::TryLater) => Err(NoCredential::CannotRenewNow),
            Err(_) => Err(NoCredential::Storage),
        }
    }
}

#[async_trait(?Send)]
impl CredentialSource for Granted {
    async fn held(&self) -> Result<Held, NoCredential> {
        let first = self.first.borrow().clone();
        match first {
            Some(held) => Ok(held),
            None if self.world.config.environment_token.is_some() => self.renewed(CredentialNeed::Own).await,
            None => self.renewed(CredentialNeed::Yes).await,
        }
    }

    async fn rejected(&self, version: i64) -> Result<Held, NoCredential> {
        self.first.replace(None);
        self.renewed(CredentialNeed::Rejected(version)).await
    }
}

/// The caller of a Sentry token.
async fn brought(
    world: &World,
    headers: &HeaderMap,
    endpoint: &Endpoint,
    token: SecretString,
) -> Result<Caller, Refusal> {
    let host = world.config.sentry_host.as_ref().map_err(|problem| Refusal::not_configured(*problem))?;
    let key = sha256(format!("{} {}", host.origin(), expose(&token)).as_bytes());
    let known = KNOWN.with_borrow(|known| known.get(&key, world.ports.clock.now()));
    if known.is_none() {
        stranger(world, headers).await?;
    }
    count(world, &key).await?;
    let asked_now = known.is_none();
    let (account, shared) = match known {
        Some(account) => (account, Shared::Yes),
        None => match whose(&world.ports, host, &token).await {
            Ok(Some(account)) => {
                let shared = match &world.config.environment_token {
                    Some(operators) => admitted(shares(world, host, &token, operators).await)?,
                    None => Shared::Yes,
                };
                if shared == Shared::Yes {
                    KNOWN.with_borrow_mut(|known| known.put(key, account.clone(), world.ports.clock.now(), BELIEVED));
                }
                (account, shared)
            }
            Ok(None) => return Err(Refusal::invalid_token(endpoint, Scheme::SentryBearer, NOT_ACCEPTED)),
            Err(unsaid) => return Err(could_not_ask(unsaid)),
        },
    };
    let caller = Caller::new(world, key, Scheme::SentryBearer, Some(account), Skills::all(), Rc::new(Fixed(token)));
    Ok(caller.sharing(shared, asked_now))
}

fn could_not_ask(Unsaid { retry_after }: Unsaid) -> Refusal {
    Refusal::waiting("Sentry could not be asked about this token.", retry_after.unwrap_or(RETRY_AFTER))
}

/// Whether a caller and the operator see one organization.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shared {
    Yes,
    No,
    /// The operator's token is dead: nothing is asked with it, and the command says what is wrong with it. This is not
    /// remembered, for the next one may be alive.
    NothingToShare,
}

/// Anybody can have an account at sentry.io, so Sentry's word alone opens nothing to the operator's token: the caller must
/// see an organization that the operator sees too.
fn admitted(shared: Result<Shared, SentryError>) -> Result<Shared, Refusal> {
    match shared {
        Ok(Shared::No) => Err(Refusal::new(StatusCode::FORBIDDEN, STRANGER)),
        Ok(shared) => Ok(shared),
        Err(SentryError::RateLimited { retry_after }) => Err(Refusal::waiting(UNSHOWN, retry_after)),
        Err(_) => Err(Refusal::unavailable(UNSHOWN, RETRY)),
    }
}

/// Asks Sentry with both tokens.
async fn shares(
    world: &World,
    host: &SentryHost,
    token: &SecretString,
    operators: &SecretString,
) -> Result<Shared, SentryError> {
    let theirs = match organizations(world, host, token).await {
        // A token that may not list them shows none.
        Err(SentryError::Forbidden | SentryError::MissingScope { .. } | SentryError::NotFound) => Vec::new(),
        theirs => theirs?,
    };
    let ours = match organizations(world, host, operators).await {
        // Any other 401 says nothing of what the token opens elsewhere.
        Err(SentryError::Unauthorized { reason: Unauthorized::DeadToken, .. }) => return Ok(Shared::NothingToShare),
        ours => ours?,
    };
    Ok(if theirs.iter().any(|slug| ours.contains(slug)) { Shared::Yes } else { Shared::No })
}

async fn organizations(world: &World, host: &SentryHost, token: &SecretString) -> Result<Vec<String>, SentryError> {
    let all = Client::new(world.ports.clone(), host.clone(), token.clone()).organizations().await?;
    Ok(all.iter().map(|organization| organization.slug.clone()).collect())
}

impl Caller {
    /// A caller whose commands run with `credential`, or with the operator's token where there is one (P6).
    pub fn new(
        world: &World,
        key: Key,
        scheme: Scheme,
        account: Option<Account>,
        skills: Skills,
        credential: Rc<dyn CredentialSource>,
    ) -> Caller {
        let operators = world.config.environment_token.clone();
        let headless = operators.is_some();
        let (credential, own): (Rc<dyn CredentialSource>, _) = match operators {
            Some(token) => (Rc::new(Fixed(token)), Some(credential)),
            None => (credential, None),
        };
        Caller { key, scheme, account, skills, headless, credential, own, proven: Cell::new(false), untold: false }
    }

    /// What is known of them and the operator, and whether Sentry was asked for it in this request.
    fn sharing(self, shared: Shared, asked_now: bool) -> Caller {
        Caller { untold: shared == Shared::NothingToShare, proven: Cell::new(asked_now), ..self }
    }

    /// Makes sure that Sentry accepts the caller's own token now, where their commands run with the operator's: Sentry would
    /// not say so of a token that it does not get to see.
    async fn prove(&self, world: &World, endpoint: &Endpoint, host: &SentryHost) -> Result<(), Refusal> {
        let Some(own) = self.own.as_ref().filter(|_| !self.proven.get()) else { return Ok(()) };
        let mut held = own.held().await.map_err(|error| self.without(endpoint, error))?;
        let mut renewed = false;
        loop {
            match (whose(&world.ports, host, &held.token).await.map_err(could_not_ask)?, held.version) {
                (Some(_), _) => break,
                (None, Some(version)) if !renewed => {
                    held = own.rejected(version).await.map_err(|error| self.without(endpoint, error))?;
                    renewed = true;
                }
                (None, _) => return Err(self.dead(endpoint)),
            }
        }
        self.proven.set(true);
        Ok(())
    }

    fn dead(&self, endpoint: &Endpoint) -> Refusal {
        KNOWN.with_borrow_mut(|known| known.forget(&self.key));
        Refusal::invalid_token(endpoint, self.scheme, NOT_ACCEPTED)
    }

    /// Does `work` with the caller's credential; once more, renewed, when Sentry says that it is dead.
    ///
    /// # Errors
    /// What the client can mend by authorizing anew is a refusal: 401 for a dead credential, 403 for one that lacks a
    /// scope. The operator's credential is not theirs to mend, so what is wrong with it stays an error of the command.
    pub async fn with_client<T>(
        &self,
        world: &World,
        endpoint: &Endpoint,
        work: impl AsyncFn(&Client) -> Result<T, CommandError>,
    ) -> Result<Result<T, CommandError>, Refusal> {
        if self.untold {
            return Ok(Err(SentryError::Unauthorized { reason: Unauthorized::DeadToken, login_url: None }.into()));
        }
        let host = world.config.sentry_host.as_ref().map_err(|problem| Refusal::not_configured(*problem))?;
        self.prove(world, endpoint, host).await?;
        let mut held = self.credential.held().await.map_err(|error| self.without(endpoint, error))?;
        let mut renewed = false;
        loop {
            let client = Client::new(world.ports.clone(), host.clone(), held.token.clone());
            let error = match work(&client).await {
                Err(CommandError::Sentry(error)) if !self.headless => error,
                other => return Ok(other),
            };
            match (error, held.version) {
                (SentryError::Unauthorized { reason: Unauthorized::DeadToken, .. }, Some(version)) if !renewed => {
                    held = self.credential.rejected(version).await.map_err(|error| self.without(endpoint, error))?;
                    renewed = true;
                }
                (SentryError::Unauthorized { reason: Unauthorized::DeadToken, .. }, _) => {
                    return Err(self.dead(endpoint));
                }
                (SentryError::MissingScope { missing }, _) => {
                    return Err(Refusal::insufficient_scope(endpoint, self.scheme, &missing, self.skills.scopes()));
                }
                (error, _) => return Ok(Err(error.into())),
            }
        }
    }

    fn without(&self, endpoint: &Endpoint, error: NoCredential) -> Refusal {
        match error {
            NoCredential::NotConnected | NoCredential::Ended => {
                Refusal::invalid_token(endpoint, self.scheme, "The access to Sentry has ended. Authorize again.")
            }
            NoCredential::CannotRenewNow => {
                Refusal::unavailable("Sentry could not be reached to renew the access.", RETRY)
            }
            NoCredential::Configuration(problem) => Refusal::not_configured(problem),
            NoCredential::Storage => Refusal::unavailable("The access could not be read.", RETRY),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn read(values: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        match Presented::of(&headers) {
            Ok(Presented::Bearer(token)) => format!("ours {}", expose(&token)),
            Ok(Presented::SentryBearer(token)) => format!("sentry's {}", expose(&token)),
            Err(error) => format!("{error:?}"),
        }
    }

    #[test]
    fn one_token_of_a_known_scheme_is_read_and_nothing_else_p17() {
        assert_eq!(read(&["Bearer abc"]), "ours abc");
        assert_eq!(read(&["sentry-bearer  sntryu_1 "]), "sentry's sntryu_1");
        for nothing in [&[][..], &[""], &["Basic YTpi"], &["Bearer a", "Bearer b"], &["Token x"], &["Bearer caf\u{e9}"]]
        {
            assert_eq!(read(nothing), "Nothing", "{nothing:?}");
        }
        let long = format!("Bearer {}", "x".repeat(MAX_TOKEN + 1));
        for malformed in ["Bearer", "Bearer ", "bearer a b", long.as_str()] {
            assert_eq!(read(&[malformed]), "Malformed(Bearer)");
        }
        assert_eq!(read(&["Sentry-Bearer"]), "Malformed(SentryBearer)");
    }

    #[test]
    fn a_token_is_not_printed() {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static("Bearer hush-hush"));
        assert!(!format!("{:?}", Presented::of(&headers)).contains("hush"));
    }
}
