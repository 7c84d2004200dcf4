//! The grant: one refresh for everyone, lost replies, the copy in KV, rotation of the secret (P1-P3, P5, P7).

use std::rc::Rc;
use std::time::Duration;

use futures::future::join_all;
use vedette::grants::vault::Vault;
use vedette::grants::{Credential, NoCredential};
use vedette_sandbox::{Fault, FaultKind, Side};

use crate::world::{ADA, ADA_OBJECT, INCIDENTS, Platform, variables, wait};

const TOKEN: &str = "oauth/token";
const PROBE: &str = "api/0/auth/";

/// Ada, connected, with a token that has `seconds` left.
fn connected(seconds: i64) -> Rc<Platform> {
    let platform = Platform::new();
    platform.say(ADA, INCIDENTS, "@vedette whoami");
    platform.connect(ADA, "ada@example.com");
    let left = platform.sandbox.sentry().live_tokens[0].expires_at_ms - platform.now.get();
    platform.pass(Duration::from_millis(u64::try_from(left - seconds * 1_000).unwrap()));
    platform
}

fn vault(platform: &Platform) -> Vault {
    Vault::new(platform.world(), platform.sql(ADA_OBJECT), ADA_OBJECT).unwrap()
}

fn refreshes(platform: &Platform) -> u64 {
    platform.sandbox.sentry().counters.refreshes
}

fn token_requests(platform: &Platform) -> usize {
    platform.sandbox.sentry().requests.iter().filter(|request| request.path.contains(TOKEN)).count()
}

fn fault(platform: &Platform, matches: &str, kind: FaultKind) {
    platform.sandbox.add_fault(Fault::new(Side::Sentry, matches, kind).once());
}

fn fault_after_work(platform: &Platform, matches: &str, kind: FaultKind) {
    platform.sandbox.add_fault(Fault::new(Side::Sentry, matches, kind).once().after_work());
}

fn token_of(credential: &Credential) -> String {
    vedette::config::expose(credential.token()).to_owned()
}

fn live(platform: &Platform, credential: &Credential) -> bool {
    platform.sandbox.sentry().live_tokens.iter().any(|token| token.access == token_of(credential))
}

#[test]
fn fifty_commands_at_once_on_a_grant_with_one_minute_left_make_one_refresh_p3() {
    let platform = connected(60);
    let vault = vault(&platform);
    let credentials = wait(join_all((0..50).map(|_| vault.credential())));
    for credential in &credentials {
        assert!(live(&platform, credential.as_ref().unwrap()));
    }
    assert_eq!(refreshes(&platform), 1);
    assert_eq!(token_requests(&platform), 2, "one exchange and one refresh");
}

#[test]
fn fifty_refusals_of_one_token_make_one_refresh_p3() {
    let platform = connected(20 * 24 * 60 * 60);
    let vault = vault(&platform);
    let Credential::Granted { version, .. } = wait(vault.credential()).unwrap() else { panic!("granted") };
    let credentials = wait(join_all((0..50).map(|_| vault.rejected(version))));
    assert!(credentials.iter().all(|credential| live(&platform, credential.as_ref().unwrap())));
    assert_eq!(refreshes(&platform), 1);
}

#[test]
fn a_grant_with_more_than_two_minutes_left_is_used_as_it_is_p3() {
    let platform = connected(125);
    wait(vault(&platform).credential()).unwrap();
    assert_eq!(refreshes(&platform), 0);
}

#[test]
fn a_refresh_that_never_reached_sentry_is_told_by_the_probe_and_made_again_later_p3() {
    let platform = connected(60);
    let vault = vault(&platform);
    fault(&platform, TOKEN, FaultKind::Drop);
    let old = wait(vault.credential()).unwrap();
    assert!(live(&platform, &old), "what is left of it is used");
    assert_eq!(refreshes(&platform), 0);
    platform.pass(Duration::from_secs(6));
    let new = wait(vault.credential()).unwrap();
    assert!(live(&platform, &new));
    assert_ne!(token_of(&old), token_of(&new));
    assert_eq!(refreshes(&platform), 1);
}

#[test]
fn a_refresh_whose_reply_was_lost_ends_in_one_reconnect_and_never_a_loop_p3() {
    for lost in [
        FaultKind::Drop,
        FaultKind::Hang,
        FaultKind::Truncate,
        FaultKind::Html { code: 200 },
        FaultKind::Status { code: 502, body: None, headers: Default::default() },
    ] {
        let platform = connected(60);
        let vault = vault(&platform);
        fault_after_work(&platform, TOKEN, lost.clone());
        let before = token_requests(&platform);
        for _ in 0..5 {
            assert_eq!(wait(vault.credential()).map(drop), Err(NoCredential::Ended), "{lost:?}");
        }
        assert_eq!(refreshes(&platform), 1);
        assert_eq!(token_requests(&platform), before + 1, "{lost:?}");
    }
}

#[test]
fn a_crash_in_the_middle_of_a_refresh_is_known_afterwards_p3() {
    for (point, expected) in [(1, Ok(1)), (2, Err(NoCredential::Ended))] {
        let platform = connected(60);
        {
            // The process dies at the `point`-th pause: before the request left, or after Sentry did the work.
            let vault = vault(&platform);
            let refresh = vault.credential();
            let mut refresh = std::pin::pin!(refresh);
            let mut context = std::task::Context::from_waker(futures::task::noop_waker_ref());
            for _ in 0..point {
                assert!(refresh.as_mut().poll(&mut context).is_pending());
            }
        }
        let outcome = wait(vault(&platform).credential());
        assert_eq!(
            outcome.as_ref().map(|credential| u64::from(live(&platform, credential))).map_err(|it| *it),
            expected
        );
        assert_eq!(refreshes(&platform), 1, "at {point}");
    }
}

#[test]
fn a_refresh_that_a_reconnect_overtook_leaves_no_token_at_sentry_p5() {
    let platform = connected(300);
    fault(&platform, "api/0/*", FaultKind::MissingScope { scopes: vec!["event:read".to_owned()] });
    platform.say(ADA, INCIDENTS, "@vedette issue list globex/checkout-api");
    platform.pass(Duration::from_secs(240));
    let new = {
        let vault = vault(&platform);
        let refresh = vault.credential();
        let mut refresh = std::pin::pin!(refresh);
        let mut context = std::task::Context::from_waker(futures::task::noop_waker_ref());
        while refreshes(&platform) == 0 {
            assert!(refresh.as_mut().poll(&mut context).is_pending());
        }
        // Sentry has made the new tokens, and its reply is on its way.
        platform.connect(ADA, "ada@example.com");
        assert_eq!(platform.sandbox.sentry().live_tokens.len(), 2);
        wait(refresh).unwrap()
    };
    assert!(live(&platform, &new), "the grant of the reconnect is used");
    assert_eq!(platform.sandbox.sentry().live_tokens.len(), 1);
}

#[test]
fn while_sentry_is_down_what_is_left_is_used_and_after_that_the_grant_is_kept_p3() {
    let platform = connected(60);
    let vault = vault(&platform);
    let down = platform.sandbox.add_fault(Fault::new(
        Side::Sentry,
        "*",
        FaultKind::Status { code: 503, body: None, headers: Default::default() },
    ));
    assert!(wait(vault.credential()).is_ok());
    platform.pass(Duration::from_secs(70));
    assert_eq!(wait(vault.credential()).map(drop), Err(NoCredential::CannotRenewNow));
    platform.sandbox.remove_fault(&down);
    platform.pass(Duration::from_secs(10 * 60));
    assert!(live(&platform, &wait(vault.credential()).unwrap()));
    assert_eq!(refreshes(&platform), 1);
}

#[test]
fn a_rate_limited_refresh_waits_and_does_not_reconnect_p3() {
    let platform = connected(60);
    let vault = vault(&platform);
    fault(&platform, TOKEN, FaultKind::RateLimited { retry_after: 1 });
    assert!(wait(vault.credential()).is_ok());
    assert!(wait(vault.credential()).is_ok());
    assert_eq!(token_requests(&platform), 2, "one exchange, one refused refresh, and a pause");
    platform.pass(Duration::from_secs(6));
    assert!(live(&platform, &wait(vault.credential()).unwrap()));
}

#[test]
fn sentry_that_cannot_be_probed_leaves_the_question_open_p3() {
    let platform = connected(60);
    let vault = vault(&platform);
    fault(&platform, TOKEN, FaultKind::Drop);
    fault(&platform, PROBE, FaultKind::Hang);
    platform.pass(Duration::from_secs(0));
    assert!(wait(vault.credential()).is_ok());
    assert_eq!(platform.look(ADA_OBJECT, "SELECT refresh_begun IS NOT NULL FROM grant_record").as_deref(), Some("1"));
    platform.pass(Duration::from_secs(6));
    assert!(live(&platform, &wait(vault.credential()).unwrap()));
    assert_eq!(refreshes(&platform), 1);
}

#[test]
fn an_older_value_in_kv_never_wins_p2() {
    let platform = connected(60);
    let key = format!("grant:{ADA_OBJECT}");
    let old = platform.kv.borrow().get(&key).cloned().unwrap();
    let new = wait(vault(&platform).credential()).unwrap();
    platform.kv.borrow_mut().insert(key.clone(), old.clone());
    platform.crash();
    assert_eq!(token_of(&wait(vault(&platform).credential()).unwrap()), token_of(&new));
    platform.slash(ADA, "disconnect");
    platform.kv.borrow_mut().insert(key, old);
    assert_eq!(wait(vault(&platform).credential()).map(drop), Err(NoCredential::NotConnected));
}

#[test]
fn an_object_without_storage_of_its_own_takes_over_the_copy_in_kv_p2() {
    let platform = connected(1_000);
    platform.tamper(ADA_OBJECT, "DELETE FROM grant_record");
    assert!(live(&platform, &wait(vault(&platform).credential()).unwrap()));
}

#[test]
fn a_copy_that_kv_did_not_take_is_made_up_for_p2() {
    let platform = connected(60);
    platform.kv_broken.set(true);
    wait(vault(&platform).credential()).unwrap();
    platform.kv_broken.set(false);
    assert!(wait(vault(&platform).copy()));
    let copied = platform.look(ADA_OBJECT, "SELECT copied = version FROM grant_record");
    assert_eq!(copied.as_deref(), Some("1"));
}

#[test]
fn what_is_stored_shows_no_token_and_does_not_move_to_another_person_p1() {
    let platform = connected(1_000);
    let stored = platform.stored();
    for token in platform.sandbox.sentry().live_tokens {
        assert!(!stored.contains(&token.access) && !stored.contains(&token.refresh));
    }
    let record = platform.kv.borrow().get(&format!("grant:{ADA_OBJECT}")).cloned().unwrap();
    let grace = "slack:T0GLOBEX:U0GRACE";
    platform.kv.borrow_mut().insert(format!("grant:{grace}"), record);
    let moved = Vault::new(platform.world(), platform.sql(grace), grace).unwrap();
    assert_eq!(wait(moved.credential()).map(drop), Err(NoCredential::NotConnected));
}

#[test]
fn the_secret_rotates_without_logging_anyone_out_p1() {
    let platform = connected(1_000);
    let mut rotated = variables();
    let old = rotated.iter().find(|(name, _)| *name == "COOKIE_SECRET").unwrap().1.clone();
    rotated.retain(|(name, _)| *name != "COOKIE_SECRET");
    rotated.push(("COOKIE_SECRET", "another-secret-of-32-characters-and-more".to_owned()));
    let without = rotated.clone();
    rotated.push(("COOKIE_SECRET_PREVIOUS", old));
    platform.redeploy(&rotated);
    assert!(wait(vault(&platform).credential()).is_ok());
    platform.redeploy(&without);
    assert_eq!(wait(vault(&platform).credential()).map(drop), Err(NoCredential::Ended), "it fails closed");
}

#[test]
fn a_grant_of_another_sentry_is_not_sent_to_this_one_p7() {
    let platform = connected(1_000);
    let mut moved = variables();
    moved.push(("SENTRY_HOST", "sentry.example.com".to_owned()));
    platform.redeploy(&moved);
    assert_eq!(wait(vault(&platform).credential()).map(drop), Err(NoCredential::Ended));
}

#[test]
fn disconnecting_deletes_here_and_revokes_at_sentry_p5() {
    let platform = connected(1_000);
    platform.slash(ADA, "disconnect");
    assert!(platform.last_seen_by(ADA).contains("revoked at Sentry"), "{}", platform.last_seen_by(ADA));
    assert!(platform.sandbox.sentry().live_tokens.is_empty());
    assert!(platform.kv.borrow().is_empty());
    platform.slash(ADA, "whoami");
    assert!(platform.link_for(ADA).is_some());
}

#[test]
fn a_revocation_that_sentry_missed_is_made_up_for_p5() {
    let platform = connected(1_000);
    fault(&platform, "oauth/revoke", FaultKind::Status { code: 503, body: None, headers: Default::default() });
    platform.slash(ADA, "disconnect");
    assert!(platform.last_seen_by(ADA).contains("didn't confirm"), "{}", platform.last_seen_by(ADA));
    platform.pass(Duration::from_secs(60));
    assert!(platform.sandbox.sentry().live_tokens.is_empty());
}
