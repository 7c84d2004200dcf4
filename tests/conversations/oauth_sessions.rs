//! The Session object on its own: codes and tokens under concurrency, replay, revocation and lost answers (P16).

use std::rc::Rc;
use std::time::Duration;

use futures::future::{join, join_all};
use vedette::crypto::{KeyRing, Purpose, base64url, sha256};
use vedette::grants::record::{Grant, GrantRecord};
use vedette::ports::{Timestamp, call};
use vedette::sessions::calls::{
    Authenticate, Authenticated, Begin, Conclude, Concluded, CredentialNeed, Denied, Issued, Redeem, Refresh, Resource,
    Revoke, Take, Taken, Tokens, Wanted,
};
use vedette::sessions::terms::{Limit, Terms};
use vedette::sessions::tokens::{Kind, SessionId, Token};
use vedette::world::World;
use vedette_sentry::oauth::Account;

use crate::world::{APP, Platform, variables, wait};

const HOME: &str = "203.0.113.7";
const ELSEWHERE: &str = "198.51.100.9";
const CLIENT: &str = "the hash of the client's id";
pub const REDIRECT: &str = "http://127.0.0.1:3118/callback";
pub const VERIFIER: &str = "a-verifier-of-at-least-43-characters-0123456789";

pub struct Rig {
    pub platform: Rc<Platform>,
    pub world: World,
    pub keys: KeyRing,
    pub name: String,
    pub code: String,
}

pub fn terms() -> Terms {
    Terms {
        client: CLIENT.into(),
        client_name: "Some client".into(),
        redirect_uri: REDIRECT.into(),
        challenge: Some(base64url(&sha256(VERIFIER.as_bytes()))),
        origin: APP.into(),
        limit: Limit::from_path("/mcp/globex").unwrap(),
        skills: vec!["inspect".into(), "triage".into()],
        may_refresh: true,
        redirect_implied: false,
        asked: None,
    }
}

/// A session whose person has consented; its client has a code.
fn rig() -> Rig {
    rig_with(terms())
}

pub fn rig_with(terms: Terms) -> Rig {
    let platform = Platform::new();
    let world = platform.world();
    let keys = KeyRing::new(world.config.root_secrets.clone().unwrap());
    let name = SessionId::new(&*world.ports.random).object_name();
    let expires_at = world.ports.clock.now() + Duration::from_secs(600);
    wait(async {
        assert!(call(&*world.objects, &name, &Begin { terms, state: None, expires_at }).await.unwrap());
        assert!(matches!(call(&*world.objects, &name, &Take {}).await.unwrap(), Taken::Yes { .. }));
    });
    let code = match wait(call(&*world.objects, &name, &conclude(&world, &keys, &name, true))).unwrap() {
        Concluded::Code(code) => code,
        other => panic!("{other:?}"),
    };
    Rig { platform, world, keys, name, code }
}

fn conclude(world: &World, keys: &KeyRing, name: &str, keep: bool) -> Conclude {
    let grant = Grant {
        access_token: "sntryu_of_ada".to_owned().into(),
        refresh_token: None,
        expires_at: Some(world.ports.clock.now() + Duration::from_secs(90 * 24 * 3600)),
        scopes: vec!["event:read".into()],
        account: Account { id: "1".into(), name: None, email: None },
        origin: "https://sentry.io/".into(),
        connected_at: world.ports.clock.now(),
    };
    let sealed = keys.seal(Purpose::PendingGrant, name, &GrantRecord::from(&grant), &*world.ports.random);
    Conclude { sealed_grant: sealed.0, keep }
}

impl Rig {
    fn hash(&self, kind: Kind, token: &str) -> String {
        Token::read(&self.keys, kind, token).unwrap().hash()
    }

    fn redemption(&self) -> Redeem {
        Redeem {
            code: self.hash(Kind::Code, &self.code),
            client: CLIENT.into(),
            redirect_uri: Some(REDIRECT.into()),
            verifier: Some(VERIFIER.into()),
            wanted: Wanted::default(),
        }
    }

    async fn send(&self, redeem: Redeem) -> Result<Issued, Denied> {
        result(call(&*self.world.objects, &self.name, &redeem).await.unwrap())
    }

    fn redeem(&self) -> Result<Issued, Denied> {
        wait(self.send(self.redemption()))
    }

    async fn refreshing(&self, token: &str, wanted: Wanted) -> Result<Issued, Denied> {
        let refresh = Refresh { wanted, ..refresh_of(token) };
        result(call(&*self.world.objects, &self.name, &refresh).await.unwrap())
    }

    /// A refresh of a client at `address`.
    fn refresh_at(&self, issued: &Issued, address: &str) -> Result<Issued, Denied> {
        let refresh = Refresh { address: address.into(), ..refresh_of(issued.refresh_token.as_ref().unwrap()) };
        result(wait(call(&*self.world.objects, &self.name, &refresh)).unwrap())
    }

    /// Whether a request from `address` with the access token is answered.
    fn works_at(&self, issued: &Issued, address: &str) -> bool {
        let token = self.hash(Kind::Access, &issued.access_token);
        let resource = Resource { origin: APP.into(), limit: Limit::from_path("/mcp/globex").unwrap() };
        let ask = Authenticate { token, resource, credential: CredentialNeed::No, address: address.into() };
        matches!(wait(call(&*self.world.objects, &self.name, &ask)).unwrap(), Authenticated::Yes(_))
    }

    fn refresh(&self, issued: &Issued) -> Result<Issued, Denied> {
        wait(self.refreshing(issued.refresh_token.as_ref().unwrap(), Wanted::default()))
    }

    fn authenticate(&self, issued: &Issued, path: &str, credential: CredentialNeed) -> Authenticated {
        let token = self.hash(Kind::Access, &issued.access_token);
        let resource = Resource { origin: APP.into(), limit: Limit::from_path(path).unwrap() };
        wait(call(
            &*self.world.objects,
            &self.name,
            &Authenticate { token, resource, credential, address: HOME.into() },
        ))
        .unwrap()
    }

    fn works(&self, issued: &Issued) -> bool {
        matches!(self.authenticate(issued, "/mcp/globex", CredentialNeed::No), Authenticated::Yes(_))
    }

    async fn revoking(&self, kind: Kind, token: &str, client: &str) {
        let revoke =
            Revoke { token: self.hash(kind, token), refresh: kind == Kind::Refresh, client: client.to_owned() };
        call(&*self.world.objects, &self.name, &revoke).await.unwrap();
    }

    fn pass(&self, seconds: u64) {
        self.platform.pass(Duration::from_secs(seconds));
    }
}

fn refresh_of(token: &str) -> Refresh {
    Refresh {
        token: token.into(),
        client: CLIENT.into(),
        confidential: false,
        address: HOME.into(),
        wanted: Wanted::default(),
    }
}

fn result(tokens: Tokens) -> Result<Issued, Denied> {
    match tokens {
        Tokens::Issued(issued) => Ok(issued),
        Tokens::Denied(denied) => Err(denied),
    }
}

fn denied(result: Result<Issued, Denied>) -> Denied {
    result.err().expect("no tokens")
}

#[test]
fn a_code_becomes_tokens_and_a_token_opens_what_was_agreed_to_case_66() {
    let rig = rig();
    let issued = rig.redeem().ok().unwrap();
    assert_eq!(issued.expires_in, 8 * 3600);
    assert!(issued.scopes.contains(&"event:write".to_owned()));
    assert_eq!(issued.resource.limit.path(), "/mcp/globex");
    let Authenticated::Yes(access) = rig.authenticate(&issued, "/mcp/globex/api", CredentialNeed::Yes) else {
        panic!()
    };
    assert_eq!(access.skills, ["inspect", "triage"]);
    assert_eq!(access.limit.project.as_deref(), Some("api"));
    let session = SessionId::from_object_name(&rig.name).unwrap();
    let sealed = access.credential.unwrap();
    assert!(!String::from_utf8_lossy(&sealed.0).contains("sntryu"), "P18");
    let credential = vedette::sessions::session::open_credential(&rig.world, &session, &sealed).unwrap();
    assert_eq!(vedette::config::expose(credential.token()), "sntryu_of_ada");
}

#[test]
fn a_token_is_no_good_at_another_resource_cases_22_24_26() {
    let rig = rig();
    let issued = rig.redeem().ok().unwrap();
    for path in ["/mcp", "/mcp/initech", "/mcp/globex2"] {
        assert_eq!(rig.authenticate(&issued, path, CredentialNeed::No), Authenticated::OtherResource, "{path}");
    }
    let resource = Resource { origin: "https://elsewhere.example".into(), limit: Limit::default() };
    let token = rig.hash(Kind::Access, &issued.access_token);
    let elsewhere = Authenticate { token, resource, credential: CredentialNeed::No, address: HOME.into() };
    let answer = wait(call(&*rig.world.objects, &rig.name, &elsewhere)).unwrap();
    assert_eq!(answer, Authenticated::OtherResource);
}

#[test]
fn of_20_and_of_100_concurrent_redemptions_one_succeeds_and_its_token_works_c1_case_81() {
    for callers in [20, 100] {
        for _ in 0..10 {
            let rig = rig();
            let all = wait(join_all((0..callers).map(|_| rig.send(rig.redemption()))));
            let issued: Vec<Issued> = all.into_iter().flatten().collect();
            assert_eq!(issued.len(), 1);
            assert!(rig.works(&issued[0]));
            let next = rig.refresh(&issued[0]).ok().unwrap();
            assert!(rig.works(&next));
        }
    }
}

#[test]
fn a_replayed_code_revokes_its_family_p16_case_76() {
    let rig = rig();
    let issued = rig.redeem().ok().unwrap();
    assert!(rig.works(&issued));
    assert_eq!(denied(rig.redeem()), Denied::CodeUsed);
    assert!(!rig.works(&issued));
    assert_eq!(denied(rig.refresh(&issued)), Denied::NoSuchGrant);
}

#[test]
fn a_code_replayed_later_revokes_even_a_family_that_nobody_used_p16() {
    let rig = rig();
    let issued = rig.redeem().ok().unwrap();
    rig.pass(11);
    assert_eq!(denied(rig.redeem()), Denied::CodeUsed);
    assert!(!rig.works(&issued));
}

#[test]
fn a_used_code_without_its_proof_ends_nothing_so_a_browsers_history_logs_nobody_out_p16() {
    let rig = rig();
    let issued = rig.redeem().ok().unwrap();
    let without_proof = [
        (Redeem { verifier: Some(VERIFIER.replace('a', "b")), ..rig.redemption() }, Denied::WrongVerifier),
        (Redeem { verifier: None, ..rig.redemption() }, Denied::VerifierMissing),
        (Redeem { redirect_uri: Some("http://127.0.0.1:1/x".into()), ..rig.redemption() }, Denied::OtherRedirect),
        (Redeem { client: "another".into(), ..rig.redemption() }, Denied::NoSuchGrant),
    ];
    for seconds in [0, 60] {
        rig.pass(seconds);
        for (redeem, expected) in without_proof.clone() {
            assert_eq!(denied(wait(rig.send(redeem))), expected);
            assert!(rig.works(&issued));
        }
    }
    assert_eq!(denied(rig.redeem()), Denied::CodeUsed, "with its proof it ends the session");
    assert!(!rig.works(&issued));
}

#[test]
fn a_redemption_that_fails_leaves_the_code_cases_68_to_74() {
    let rig = rig();
    let good = Rig::redemption;
    let cases = [
        (Redeem { verifier: Some("x".repeat(43)), ..good(&rig) }, Denied::WrongVerifier),
        (Redeem { verifier: Some("short".into()), ..good(&rig) }, Denied::WrongVerifier),
        (Redeem { verifier: None, ..good(&rig) }, Denied::VerifierMissing),
        (Redeem { redirect_uri: Some("http://127.0.0.1:3119/callback".into()), ..good(&rig) }, Denied::OtherRedirect),
        (Redeem { client: "another".into(), ..good(&rig) }, Denied::NoSuchGrant),
        (Redeem { code: "another".into(), ..good(&rig) }, Denied::NoSuchGrant),
        (Redeem { wanted: wanted_scopes(&["project:write"]), ..good(&rig) }, Denied::OtherScopes),
        (Redeem { wanted: wanted_path("/mcp"), ..good(&rig) }, Denied::OtherResource),
    ];
    for (redeem, expected) in cases {
        assert_eq!(denied(wait(rig.send(redeem))), expected);
    }
    let without_redirect = Redeem { redirect_uri: None, ..good(&rig) };
    assert!(rig.works(&wait(rig.send(without_redirect)).ok().unwrap()));
}

fn wanted_scopes(scopes: &[&str]) -> Wanted {
    Wanted { scopes: Some(scopes.iter().map(|it| (*it).to_owned()).collect()), resource: None }
}

fn wanted_path(path: &str) -> Wanted {
    Wanted { scopes: None, resource: Some(Resource { origin: APP.into(), limit: Limit::from_path(path).unwrap() }) }
}

#[test]
fn without_a_challenge_the_redirect_uri_is_required_and_a_verifier_refused_cases_70_71() {
    let rig = rig_with(Terms { challenge: None, ..terms() });
    assert_eq!(denied(rig.redeem()), Denied::VerifierUnasked);
    let bare = Redeem { verifier: None, redirect_uri: None, ..rig.redemption() };
    assert_eq!(denied(wait(rig.send(bare))), Denied::RedirectMissing);
    let good = Redeem { verifier: None, ..rig.redemption() };
    assert!(wait(rig.send(good)).is_ok());
}

#[test]
fn a_client_that_left_its_only_redirect_uri_out_may_leave_it_out_again_rfc_6749_4_1_3() {
    let rig = rig_with(Terms { challenge: None, redirect_implied: true, ..terms() });
    let other = Redeem { verifier: None, redirect_uri: Some("http://127.0.0.1:1/x".into()), ..rig.redemption() };
    assert_eq!(denied(wait(rig.send(other))), Denied::OtherRedirect);
    let bare = Redeem { verifier: None, redirect_uri: None, ..rig.redemption() };
    assert!(wait(rig.send(bare)).is_ok());
}

#[test]
fn a_clients_own_words_among_the_scopes_narrow_nothing_case_77() {
    let rig = rig();
    let own = Redeem { wanted: wanted_scopes(&["claudeai"]), ..rig.redemption() };
    let issued = wait(rig.send(own)).ok().unwrap();
    assert_eq!(issued.scopes, terms().scopes());
    let token = issued.refresh_token.clone().unwrap();
    let narrow = wait(rig.refreshing(&token, wanted_scopes(&["mcp", "offline_access", "org:read"]))).ok().unwrap();
    assert_eq!(narrow.scopes, ["org:read"]);
    let token = narrow.refresh_token.clone().unwrap();
    assert_eq!(denied(wait(rig.refreshing(&token, wanted_scopes(&["org:admin", "openid"])))), Denied::OtherScopes);
}

#[test]
fn a_code_works_for_ten_minutes_case_80() {
    let rig = rig();
    rig.pass(599);
    assert!(rig.redeem().is_ok());
    let late = self::rig();
    late.pass(600);
    assert_eq!(denied(late.redeem()), Denied::NoSuchGrant);
}

#[test]
fn a_code_that_nobody_redeems_leaves_no_grant_p16() {
    let rig = rig();
    rig.pass(660);
    let sent = rig.platform.sent.borrow();
    assert!(sent.iter().any(|it| it.url.ends_with("/oauth/revoke/") && it.body.contains("sntryu_of_ada")));
}

#[test]
fn of_20_and_of_100_concurrent_refreshes_all_get_the_same_pair_and_it_works_c2_case_84() {
    for callers in [20, 100] {
        for _ in 0..10 {
            let rig = rig();
            let issued = rig.redeem().ok().unwrap();
            let token = issued.refresh_token.clone().unwrap();
            let all = wait(join_all((0..callers).map(|_| rig.refreshing(&token, Wanted::default()))));
            let pairs: Vec<Issued> = all.into_iter().map(|it| it.ok().unwrap()).collect();
            assert!(pairs.iter().all(|pair| *pair == pairs[0]));
            assert_ne!(pairs[0].refresh_token, issued.refresh_token);
            assert!(rig.works(&pairs[0]));
            assert!(rig.refresh(&pairs[0]).is_ok());
        }
    }
}

#[test]
fn a_client_that_lost_the_answer_gets_the_same_pair_again_however_late_case_83() {
    let rig = rig();
    let issued = rig.redeem().ok().unwrap();
    assert!(rig.works(&issued));
    let lost = rig.refresh(&issued).ok().unwrap();
    rig.pass(2 * 24 * 3600);
    let again = rig.refresh(&issued).ok().unwrap();
    assert!(again == lost);
    assert!(rig.works(&again), "the access token lives anew");
    assert!(rig.refresh(&again).is_ok());
}

#[test]
fn a_superseded_refresh_token_that_comes_back_revokes_the_family_p16_case_85() {
    let rig = rig();
    let first = rig.redeem().ok().unwrap();
    let second = rig.refresh(&first).ok().unwrap();
    assert!(rig.works(&second));
    assert!(rig.refresh(&first).is_ok(), "another process of the same client, within a minute");
    rig.pass(61);
    assert_eq!(denied(rig.refresh_at(&first, ELSEWHERE)), Denied::Superseded);
    assert!(!rig.works(&second));
    assert!(rig.refresh(&second).is_err());
}

#[test]
fn a_stale_copy_of_the_same_client_gets_the_successor_while_an_access_token_lives_p16() {
    let rig = rig();
    let first = rig.redeem().ok().unwrap();
    let second = rig.refresh(&first).ok().unwrap();
    assert!(rig.works(&second));
    rig.pass(8 * 3600 - 10);
    let again = rig.refresh(&first).ok().unwrap();
    assert!(again == Issued { expires_in: again.expires_in, ..second.clone() }, "the same pair");
    assert!(rig.works(&second) && rig.works(&again));
    let third = rig.refresh(&second).ok().unwrap();
    assert!(rig.works(&third), "both go on with one family");
    rig.pass(8 * 3600 + 1);
    assert_eq!(denied(rig.refresh(&second)), Denied::Superseded, "no longer than an access token lives");
}

#[test]
fn a_pair_that_was_used_or_asked_for_elsewhere_has_no_stale_copies_p16() {
    type Rigged = fn(&Rig, &Issued) -> Issued;
    let cases: [(&str, Rigged); 3] = [
        ("a thief uses the new pair", |rig, first| {
            let second = rig.refresh(first).ok().unwrap();
            assert!(rig.works(&second) && rig.works_at(&second, ELSEWHERE));
            second
        }),
        ("a thief refreshed first", |rig, first| {
            let second = rig.refresh_at(first, ELSEWHERE).ok().unwrap();
            assert!(rig.works_at(&second, ELSEWHERE));
            second
        }),
        ("a thief refreshed within the minute", |rig, first| {
            let second = rig.refresh(first).ok().unwrap();
            assert!(rig.works(&second));
            assert!(rig.refresh_at(first, ELSEWHERE).is_ok());
            second
        }),
    ];
    for (case, happen) in cases {
        let rig = rig();
        let first = rig.redeem().ok().unwrap();
        let second = happen(&rig, &first);
        rig.pass(61);
        assert_eq!(denied(rig.refresh(&first)), Denied::Superseded, "{case}");
        assert!(!rig.works(&second), "{case}");
    }
}

#[test]
fn a_client_with_a_secret_has_stale_copies_wherever_it_is_p16() {
    let rig = rig();
    let first = rig.redeem().ok().unwrap();
    let second = rig.refresh(&first).ok().unwrap();
    assert!(rig.works(&second) && rig.works_at(&second, ELSEWHERE));
    rig.pass(61);
    let token = first.refresh_token.as_ref().unwrap();
    let proven = Refresh { confidential: true, address: ELSEWHERE.into(), ..refresh_of(token) };
    let again = result(wait(call(&*rig.world.objects, &rig.name, &proven)).unwrap()).ok().unwrap();
    assert!(again.refresh_token == second.refresh_token && rig.works(&again));
}

#[test]
fn a_pair_of_an_earlier_time_whose_place_is_not_known_has_no_stale_copies_p16() {
    let rig = rig();
    let first = rig.redeem().ok().unwrap();
    let second = rig.refresh(&first).ok().unwrap();
    assert!(rig.works(&second));
    rig.platform.tamper(&rig.name, "DROP TABLE newest_pair");
    rig.platform.crash();
    assert!(rig.works(&second), "the session is read as it was");
    rig.pass(61);
    assert_eq!(denied(rig.refresh(&first)), Denied::Superseded);
}

#[test]
fn a_refresh_token_two_generations_old_revokes_the_family_at_once_p16_case_83() {
    let rig = rig();
    let first = rig.redeem().ok().unwrap();
    let second = rig.refresh(&first).ok().unwrap();
    let third = rig.refresh(&second).ok().unwrap();
    assert_eq!(denied(rig.refresh(&first)), Denied::Superseded);
    assert!(!rig.works(&third));
}

#[test]
fn another_clients_refresh_token_is_refused_and_stays_as_it_is_case_86() {
    let rig = rig();
    let issued = rig.redeem().ok().unwrap();
    let token = issued.refresh_token.clone().unwrap();
    let foreign = Refresh { client: "another".into(), ..refresh_of(&token) };
    assert_eq!(denied(result(wait(call(&*rig.world.objects, &rig.name, &foreign)).unwrap())), Denied::NoSuchGrant);
    assert!(rig.refresh(&issued).is_ok());
}

#[test]
fn narrowing_a_refresh_narrows_its_access_token_alone_cases_77_78_87_88() {
    let rig = rig();
    let issued = rig.redeem().ok().unwrap();
    let token = issued.refresh_token.clone().unwrap();
    let reading = ["event:read", "org:read", "project:read", "team:read", "foreign:scope"];
    let narrow = wait(rig.refreshing(&token, wanted_scopes(&reading))).ok().unwrap();
    assert_eq!(narrow.scopes, &reading[..4]);
    let Authenticated::Yes(access) = rig.authenticate(&narrow, "/mcp/globex", CredentialNeed::No) else { panic!() };
    assert_eq!(
        (access.scopes.as_slice(), access.skills.len()),
        (&narrow.scopes[..], 2),
        "the door tells which of their tools"
    );
    let next = rig.refresh(&narrow).ok().unwrap();
    assert_eq!(next.scopes, issued.scopes);
    let token = next.refresh_token.clone().unwrap();
    assert_eq!(denied(wait(rig.refreshing(&token, wanted_path("/mcp/initech")))), Denied::OtherResource);
    assert_eq!(denied(wait(rig.refreshing(&token, wanted_scopes(&["project:write"])))), Denied::OtherScopes);
    let project = wait(rig.refreshing(&token, wanted_path("/mcp/globex/api"))).ok().unwrap();
    assert_eq!(rig.authenticate(&project, "/mcp/globex", CredentialNeed::No), Authenticated::OtherResource);
    assert!(matches!(rig.authenticate(&project, "/mcp/globex/api", CredentialNeed::No), Authenticated::Yes(_)));
}

#[test]
fn a_revoked_access_token_ends_alone_and_a_revoked_refresh_token_ends_all_cases_92_93() {
    let rig = rig();
    let first = rig.redeem().ok().unwrap();
    wait(rig.revoking(Kind::Access, &first.access_token, CLIENT));
    assert!(!rig.works(&first));
    let second = rig.refresh(&first).ok().unwrap();
    assert!(rig.works(&second));
    let third = rig.refresh(&second).ok().unwrap();
    wait(rig.revoking(Kind::Refresh, third.refresh_token.as_ref().unwrap(), CLIENT));
    assert!(!rig.works(&second) && !rig.works(&third));
    assert!(rig.refresh(&third).is_err());
}

#[test]
fn another_client_cannot_revoke_case_96() {
    let rig = rig();
    let issued = rig.redeem().ok().unwrap();
    wait(rig.revoking(Kind::Access, &issued.access_token, "another"));
    wait(rig.revoking(Kind::Refresh, issued.refresh_token.as_ref().unwrap(), "another"));
    assert!(rig.works(&issued));
}

#[test]
fn nothing_survives_a_revocation_that_races_refreshes_c3_case_98() {
    for _ in 0..30 {
        let rig = rig();
        let issued = rig.redeem().ok().unwrap();
        let token = issued.refresh_token.clone().unwrap();
        let refreshes = join_all((0..20).map(|_| rig.refreshing(&token, Wanted::default())));
        let (all, ()) = wait(join(refreshes, rig.revoking(Kind::Refresh, &token, CLIENT)));
        for pair in all.into_iter().flatten() {
            assert!(!rig.works(&pair));
            assert!(rig.refresh(&pair).is_err());
        }
    }
}

#[test]
fn a_session_that_is_used_outlives_thirty_days_and_an_idle_one_does_not_case_89() {
    let rig = rig();
    let mut pair = rig.redeem().ok().unwrap();
    for _ in 0..3 {
        rig.pass(20 * 24 * 3600 / 30);
        assert!(!rig.works(&pair), "access tokens live for hours");
        pair = rig.refresh(&pair).ok().unwrap();
        assert!(rig.works(&pair));
        rig.pass(20 * 24 * 3600);
        pair = rig.refresh(&pair).ok().unwrap();
    }
    rig.pass(31 * 24 * 3600);
    assert!(rig.refresh(&pair).is_err());
}

#[test]
fn an_access_token_works_for_eight_hours_case_19() {
    let rig = rig();
    let issued = rig.redeem().ok().unwrap();
    rig.pass(8 * 3600 - 1);
    assert!(rig.works(&issued));
    rig.pass(1);
    assert!(!rig.works(&issued));
    assert!(rig.refresh(&issued).is_ok());
}

#[test]
fn who_repeats_a_refresh_for_ever_other_resources_keeps_twenty_tokens() {
    let rig = rig();
    let first = rig.redeem().ok().unwrap();
    let successor = rig.refresh(&first).ok().unwrap();
    let repeat = |number: u32| {
        let wanted = wanted_path(&format!("/mcp/globex/project-{number}"));
        wait(rig.refreshing(first.refresh_token.as_ref().unwrap(), wanted)).ok().unwrap()
    };
    let mut last = repeat(0);
    for number in 1..40 {
        last = repeat(number);
    }
    assert_eq!(rig.platform.look(&rig.name, "SELECT count(*) FROM access WHERE generation = 2"), Some("20".into()));
    let newest = rig.authenticate(&last, "/mcp/globex/project-39", CredentialNeed::No);
    assert!(matches!(newest, Authenticated::Yes(_)));
    assert!(rig.refresh(&successor).is_ok(), "the family is as it was");
}

#[test]
fn an_ended_session_leaves_no_grant_and_no_token() {
    let rig = rig();
    let issued = rig.redeem().ok().unwrap();
    wait(rig.revoking(Kind::Refresh, issued.refresh_token.as_ref().unwrap(), CLIENT));
    rig.pass(60);
    assert_eq!(
        rig.platform.look(&rig.name, "SELECT count(*) FROM grant_record WHERE sealed IS NOT NULL"),
        Some("0".into())
    );
    assert_eq!(rig.platform.look(&rig.name, "SELECT count(*) FROM access"), Some("0".into()));
    assert!(rig.platform.kv.borrow().is_empty());
    let sent = rig.platform.sent.borrow();
    assert!(sent.iter().any(|it| it.url.ends_with("/oauth/revoke/") && it.body.contains("sntryu_of_ada")));
    drop(sent);
    rig.pass(25 * 3600);
    assert_eq!(rig.platform.look(&rig.name, "SELECT count(*) FROM session"), Some("0".into()));
}

#[test]
fn a_copy_that_kv_could_not_delete_is_deleted_later_and_nothing_spins_meanwhile_p2() {
    let rig = rig();
    let issued = rig.redeem().ok().unwrap();
    rig.platform.kv_broken.set(true);
    wait(rig.revoking(Kind::Refresh, issued.refresh_token.as_ref().unwrap(), CLIENT));
    rig.pass(60);
    assert_eq!(rig.platform.kv.borrow().len(), 1);
    let complaints = || rig.platform.log_text().matches("grant_copy_failed").count();
    let before = complaints();
    rig.pass(30 * 3600);
    let each_half_minute = 30 * 3600 / 30;
    assert!((each_half_minute / 2..=each_half_minute + 2).contains(&(complaints() - before)), "{}", complaints());
    rig.platform.kv_broken.set(false);
    rig.pass(60);
    assert!(rig.platform.kv.borrow().is_empty());
    assert_eq!(rig.platform.look(&rig.name, "SELECT count(*) FROM session"), Some("0".into()));
}

#[test]
fn first_tokens_that_nobody_ever_used_do_not_keep_a_grant_for_a_month() {
    let rig = rig();
    let issued = rig.redeem().ok().unwrap();
    rig.pass(25 * 3600);
    assert!(rig.refresh(&issued).is_err());
    let sent = rig.platform.sent.borrow();
    assert!(sent.iter().any(|it| it.url.ends_with("/oauth/revoke/") && it.body.contains("sntryu_of_ada")));
    assert_eq!(
        rig.platform.look(&rig.name, "SELECT count(*) FROM grant_record WHERE sealed IS NOT NULL"),
        Some("0".into())
    );
}

#[test]
fn a_client_that_did_not_register_for_it_gets_no_refresh_token_case_91_b3() {
    let rig = rig_with(Terms { may_refresh: false, ..terms() });
    let issued = rig.redeem().ok().unwrap();
    assert!(issued.refresh_token.is_none());
    assert!(rig.works(&issued));
    rig.pass(8 * 3600);
    assert!(!rig.works(&issued));
}

#[test]
fn a_consent_is_taken_once_and_in_time_p14() {
    let platform = Platform::new();
    let world = platform.world();
    let keys = KeyRing::new(world.config.root_secrets.clone().unwrap());
    let name = SessionId::new(&*world.ports.random).object_name();
    let take = || wait(call(&*world.objects, &name, &Take {})).unwrap();
    assert_eq!(take(), Taken::Unknown);
    let expires_at = world.ports.clock.now() + Duration::from_secs(600);
    let begin = Begin { terms: terms(), state: Some("xyz".into()), expires_at };
    assert!(wait(call(&*world.objects, &name, &begin)).unwrap());
    assert!(!wait(call(&*world.objects, &name, &begin)).unwrap(), "begun once");
    assert_eq!(take(), Taken::Yes { terms: Box::new(terms()), state: Some("xyz".into()) });
    assert_eq!(take(), Taken::Used);
    let discard = conclude(&world, &keys, &name, false);
    assert_eq!(wait(call(&*world.objects, &name, &discard)).unwrap(), Concluded::Discarded);
    let keep = conclude(&world, &keys, &name, true);
    assert_eq!(wait(call(&*world.objects, &name, &keep)).unwrap(), Concluded::TooLate);
    platform.pass(Duration::from_secs(60));
    assert!(platform.sent.borrow().iter().any(|it| it.url.ends_with("/oauth/revoke/")));
    let late = SessionId::new(&*world.ports.random).object_name();
    let begin = Begin { expires_at: Timestamp(world.ports.clock.now().0 + 1), ..begin };
    assert!(wait(call(&*world.objects, &late, &begin)).unwrap());
    platform.now.set(platform.now.get() + 2);
    assert_eq!(wait(call(&*world.objects, &late, &Take {})).unwrap(), Taken::Expired);
    platform.pass(Duration::from_secs(2 * 24 * 3600));
    for name in [name, late] {
        let tables = platform.look(&name, "SELECT count(*) FROM sqlite_schema WHERE type = 'table'");
        assert_eq!(tables, Some("0".into()), "who only began leaves nothing");
    }
}

#[test]
fn a_grant_that_sentry_ended_ends_the_session() {
    let rig = rig();
    let issued = rig.redeem().ok().unwrap();
    // There is no refresh token, so a refused access token cannot be replaced.
    let refused = rig.authenticate(&issued, "/mcp/globex", CredentialNeed::Rejected(1));
    assert_eq!(refused, Authenticated::Refused);
    assert!(!rig.works(&issued));
}

#[test]
fn what_a_session_stores_shows_no_token_p1_p17() {
    let rig = rig();
    let issued = rig.redeem().ok().unwrap();
    let next = rig.refresh(&issued).ok().unwrap();
    let stored = rig.platform.stored();
    for secret in [&rig.code, &issued.access_token, &next.access_token, &"sntryu_of_ada".to_owned()] {
        assert!(!stored.contains(secret.as_str()));
    }
    assert!(!stored.contains(next.refresh_token.as_ref().unwrap().as_str()));
}

fn with(name: &'static str, value: &str) -> Vec<(&'static str, String)> {
    let others = variables().into_iter().filter(|(known, _)| *known != name);
    others.chain([(name, value.to_owned())]).collect()
}

#[test]
fn a_grant_that_opens_no_more_goes_with_its_session_and_the_alarm_rests() {
    for deployment in
        [with("COOKIE_SECRET", "another secret of 32 characters ."), with("SENTRY_HOST", "sentry.example.com")]
    {
        let rig = rig();
        rig.redeem().ok().unwrap();
        rig.platform.redeploy(&deployment);
        rig.platform.now.set(rig.platform.now.get() + 25 * 3600 * 1000);
        rig.platform.settle();
        let held = rig.platform.look(&rig.name, "SELECT count(*) FROM grant_record WHERE sealed IS NOT NULL");
        assert_eq!(held, Some("0".into()));
        assert!(rig.platform.log_text().contains("session_grant_unrevoked"));
        let sent = rig.platform.sent.borrow();
        assert!(sent.iter().all(|it| !it.body.contains("sntryu_of_ada")), "P7");
    }
}

#[test]
fn a_malformed_sentry_host_ends_no_session() {
    let rig = rig();
    let issued = rig.redeem().ok().unwrap();
    rig.platform.redeploy(&with("SENTRY_HOST", "not a host"));
    let token = rig.hash(Kind::Access, &issued.access_token);
    let resource = Resource { origin: APP.into(), limit: Limit::from_path("/mcp/globex").unwrap() };
    let ask = Authenticate { token, resource, credential: CredentialNeed::Yes, address: HOME.into() };
    assert!(wait(call(&*rig.platform.world().objects, &rig.name, &ask)).is_err());
    rig.platform.settle();
    rig.platform.redeploy(&variables());
    assert!(matches!(rig.authenticate(&issued, "/mcp/globex", CredentialNeed::Yes), Authenticated::Yes(_)));
}

#[test]
fn a_revoked_access_token_does_not_live_again_when_its_refresh_is_repeated_p16() {
    for used in [true, false] {
        let rig = rig();
        let first = rig.redeem().ok().unwrap();
        let second = rig.refresh(&first).ok().unwrap();
        if used {
            assert!(rig.works(&second));
        }
        wait(rig.revoking(Kind::Access, &second.access_token, CLIENT));
        assert!(!rig.works(&second));
        if !used {
            rig.pass(9 * 60 * 60); // it has run out as well, and what has run out is swept
        }
        let repeated = rig.refresh(&first).ok().unwrap();
        assert_eq!(repeated.access_token, second.access_token, "the same successor");
        assert!(!rig.works(&repeated), "used before: {used}");
        let third = rig.refresh(&second).ok().unwrap();
        assert!(rig.works(&third), "the session goes on");
    }
}
