//! A person sees and ends the MCP clients that use their Sentry account: the index, `/account`, and Slack (P5).

use std::rc::Rc;
use std::time::Duration;

use http::{Method, Response, header};
use serde_json::{Value, json};
use vedette::crypto::from_base64url;
use vedette::ports::ObjectClass;
use vedette_sandbox::{Fault, FaultKind, OPERATOR_TOKEN, Side};

use crate::browser::{Browser, location, text};
use crate::mcp::post;
use crate::oauth_flow::{Client, client_at, issued_elsewhere, json};
use crate::world::{ADA, ADA_OBJECT, APP, GRACE, INCIDENTS, Platform, variables};

const ADAS: &str = "ada@example.com";
const GRACES: &str = "grace@example.com";
const PAGE: &str = "https://vedette.example.com/account";

/// A client that somebody let in.
struct Connected {
    client: Client,
    tokens: Value,
}

fn let_in(platform: &Rc<Platform>, name: &str, account: &str) -> Connected {
    let client = client_at(platform, name);
    let tokens = client.let_in_by(account);
    platform.settle();
    Connected { client, tokens }
}

impl Connected {
    fn status(&self) -> u16 {
        let token = format!("Bearer {}", self.tokens["access_token"].as_str().unwrap());
        let platform = &self.client.platform;
        post("/mcp/globex").with("authorization", &token).ask(platform, "tools/list", json!({})).0
    }

    /// Whether its token is known. Not everybody may see the place that it is for.
    fn works(&self) -> bool {
        self.status() != 401
    }
}

fn csrf(page: &str) -> String {
    field(page, "csrf")
}

/// The value of the first hidden field called `name`.
fn field(page: &str, name: &str) -> String {
    let rest = page.split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap_or_else(|| panic!("no {name} in {page}"));
    rest.split('"').next().unwrap().to_owned()
}

/// The sessions on the page, in order.
fn sessions(page: &str) -> Vec<String> {
    page.split("name=\"session\" value=\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

/// Somebody who has signed in.
pub fn signed_in<'a>(platform: &'a Platform, account: &str) -> Browser<'a> {
    let browser = Browser::new(platform);
    let to_sentry = to_sentry(&browser);
    let answer = browser.get(&browser.consent(&to_sentry, Some(account)));
    assert_eq!(location(&answer).as_deref(), Some("/account"), "{}", text(&answer));
    platform.settle();
    browser
}

pub fn to_sentry(browser: &Browser<'_>) -> String {
    let page = text(&browser.get(PAGE));
    let answer = browser.post(PAGE, &[("csrf", &csrf(&page)), ("action", "sign-in")]);
    location(&answer).unwrap_or_else(|| panic!("{}", text(&answer)))
}

/// Presses Disconnect for the client called `name`; returns the page.
fn disconnect(browser: &Browser<'_>, name: &str) -> String {
    let page = text(&browser.get(PAGE));
    let (before, _) = page.split_once(&format!(">{name}<")).unwrap_or_else(|| panic!("no {name} in {page}"));
    let position = before.matches("<li>").count() - 1;
    let session = sessions(&page)[position].clone();
    let answer = browser.post(PAGE, &[("csrf", &csrf(&page)), ("session", &session), ("action", "disconnect")]);
    assert_eq!(answer.status(), 200);
    text(&answer)
}

fn account_objects(platform: &Platform) -> Vec<String> {
    platform.object_names().into_iter().filter(|name| name.starts_with("account:")).collect()
}

fn session_objects(platform: &Platform) -> Vec<String> {
    platform.object_names().into_iter().filter(|name| name.starts_with("session:")).collect()
}

fn indexed(platform: &Platform) -> usize {
    let count = |name: &String| platform.look(name, "SELECT count(*) FROM sessions").unwrap().parse::<usize>().unwrap();
    account_objects(platform).iter().map(count).sum()
}

/// How many tokens of the account live at Sentry.
fn live(platform: &Platform, account: &str) -> usize {
    platform.sandbox.sentry().live_tokens.iter().filter(|token| token.account == account).count()
}

#[test]
fn a_person_sees_their_clients_and_ends_one_and_the_others_live_p5() {
    let platform = Platform::new();
    let claude = let_in(&platform, "Claude Code", ADAS);
    let cursor = let_in(&platform, "Cursor", ADAS);
    let graces = let_in(&platform, "Grace's editor", GRACES);
    assert_eq!((indexed(&platform), account_objects(&platform).len()), (3, 2));
    assert!(claude.works() && cursor.works());
    let browser = signed_in(&platform, ADAS);
    let page = text(&browser.get(PAGE));
    for shown in ["Claude Code", "Cursor", ADAS, "127.0.0.1:3118", "Inspect issues and events", "globex", "just now"] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    assert!(!page.contains("Grace"), "{page}");
    assert_eq!(live(&platform, ADAS), 2, "the token that served to sign in is revoked");
    let after = disconnect(&browser, "Cursor");
    assert!(after.contains("Cursor") && after.contains("was disconnected"), "{after}");
    assert_eq!(sessions(&after).len(), 1);
    assert!(!cursor.works() && claude.works() && graces.works());
    let refresh = cursor.tokens["refresh_token"].as_str().unwrap();
    let refused = cursor.client.post("/oauth/token", &[("grant_type", "refresh_token"), ("refresh_token", refresh)]);
    assert_eq!(refused.status(), 400);
    platform.settle();
    assert_eq!((live(&platform, ADAS), indexed(&platform)), (1, 2));
}

#[test]
fn ending_all_ends_also_what_is_not_listed_yet_and_nobody_elses_p5() {
    let platform = Platform::new();
    let listed = let_in(&platform, "Listed", ADAS);
    platform.objects_broken.set(Some(ObjectClass::Account));
    let unlisted = let_in(&platform, "Unlisted", ADAS);
    let graces = let_in(&platform, "Grace's", GRACES);
    assert_eq!(indexed(&platform), 1);
    platform.objects_broken.set(None);
    let browser = Browser::new(&platform);
    let answer = browser.get(&browser.consent(&to_sentry(&browser), Some(ADAS)));
    assert_eq!(location(&answer).as_deref(), Some("/account"));
    let page = text(&browser.get(PAGE));
    let after = text(&browser.post(PAGE, &[("csrf", &csrf(&page)), ("action", "disconnect-all")]));
    assert!(after.contains("One client was disconnected"), "{after}");
    assert!(!listed.works() && unlisted.works());
    platform.pass(Duration::from_secs(60));
    assert!(!unlisted.works(), "it heard it when it came to be listed");
    assert!(graces.works());
    assert_eq!((live(&platform, ADAS), live(&platform, GRACES), indexed(&platform)), (0, 1, 1));
    let again = let_in(&platform, "Again", ADAS);
    platform.pass(Duration::from_secs(60));
    assert!(again.works(), "who is let in afterwards stays");
}

#[test]
fn the_index_is_fed_and_emptied_however_often_its_object_fails() {
    let platform = Platform::new();
    platform.objects_broken.set(Some(ObjectClass::Account));
    let client = let_in(&platform, "Claude Code", ADAS);
    platform.pass(Duration::from_secs(600));
    assert_eq!(indexed(&platform), 0);
    platform.objects_broken.set(None);
    platform.pass(Duration::from_secs(2 * 3600));
    assert_eq!(indexed(&platform), 1);
    platform.objects_broken.set(Some(ObjectClass::Account));
    let refresh = client.tokens["refresh_token"].as_str().unwrap();
    assert_eq!(client.client.post("/oauth/revoke", &[("token", refresh)]).status(), 200);
    platform.pass(Duration::from_secs(600));
    assert_eq!((indexed(&platform), live(&platform, ADAS)), (1, 0), "Sentry does not wait for it");
    platform.objects_broken.set(None);
    assert_eq!(sessions(&text(&signed_in(&platform, ADAS).get(PAGE))).len(), 0, "the list is true before the index is");
    assert_eq!(indexed(&platform), 0);
    platform.pass(Duration::from_secs(26 * 3600));
    let session = &session_objects(&platform)[0];
    assert_eq!(platform.look(session, "SELECT count(*) FROM session"), Some("0".into()));
    assert_eq!(platform.look(session, "SELECT count(*) FROM membership"), Some("0".into()));
}

#[test]
fn whenever_a_session_dies_while_it_tells_its_account_the_index_comes_right() {
    for ending in [false, true] {
        for points in 1.. {
            let platform = Platform::new();
            let client = client_at(&platform, "Claude Code");
            let tokens = client.let_in_by(ADAS);
            let session = session_objects(&platform)[0].clone();
            if ending {
                platform.settle();
                client.post("/oauth/revoke", &[("token", tokens["refresh_token"].as_str().unwrap())]);
            }
            let died = platform.ring_and_crash(&session, points);
            platform.pass(Duration::from_secs(2 * 3600));
            let expected = if ending { (0, 0) } else { (1, 1) };
            assert_eq!((indexed(&platform), live(&platform, ADAS)), expected, "ending {ending}, dying at {points}");
            if !died {
                assert!(points > 1);
                break;
            }
        }
    }
}

#[test]
fn a_session_that_ends_while_it_is_being_added_is_taken_out() {
    for points in 1.. {
        let platform = Platform::new();
        let client = client_at(&platform, "Claude Code");
        let tokens = client.let_in_by(ADAS);
        let session = session_objects(&platform)[0].clone();
        let happened = platform.meanwhile(&session, points, || {
            client.post("/oauth/revoke", &[("token", tokens["refresh_token"].as_str().unwrap())]);
        });
        if !happened {
            assert!(points > 1);
            break;
        }
        platform.pass(Duration::from_secs(60));
        assert_eq!((indexed(&platform), live(&platform, ADAS)), (0, 0), "{points}");
    }
}

#[test]
fn a_session_that_ran_out_or_was_replayed_is_not_listed() {
    let platform = Platform::new();
    let_in(&platform, "Claude Code", ADAS);
    assert_eq!(indexed(&platform), 1);
    platform.pass(Duration::from_secs(25 * 3600));
    assert_eq!(indexed(&platform), 0, "nobody used its first tokens");
}

#[test]
fn one_cannot_end_somebody_elses_session_by_naming_it_p5_p13() {
    let platform = Platform::new();
    let graces = let_in(&platform, "Grace's", GRACES);
    let adas = let_in(&platform, "Ada's", ADAS);
    let [of_grace, of_ada] = {
        let of = |account| sessions(&text(&signed_in(&platform, account).get(PAGE)))[0].clone();
        [of(GRACES), of(ADAS)]
    };
    let browser = signed_in(&platform, ADAS);
    let token = csrf(&text(&browser.get(PAGE)));
    for guess in [of_grace.as_str(), "", "session:", "session:AAAA", "account:x", ADA_OBJECT, &"x".repeat(10_000)] {
        let answer = browser.post(PAGE, &[("csrf", &token), ("session", guess), ("action", "disconnect")]);
        assert!(text(&answer).contains("was not connected any more"), "{guess}");
    }
    assert!(graces.works() && adas.works());
    // Nor does the session itself believe an account that it is not of.
    let accounts = account_objects(&platform);
    for account in &accounts {
        platform.tamper(
            account,
            &format!("INSERT OR REPLACE INTO sessions SELECT '{of_grace}', listed, opened_at FROM sessions LIMIT 1"),
        );
    }
    let answer = browser.post(PAGE, &[("csrf", &token), ("session", &of_grace), ("action", "disconnect")]);
    assert!(text(&answer).contains("was not connected any more"));
    assert!(graces.works());
    let answer = browser.post(PAGE, &[("csrf", &token), ("session", &of_ada), ("action", "disconnect")]);
    assert!(text(&answer).contains("was disconnected") && !adas.works());
}

#[test]
fn forms_of_other_sites_other_sign_ins_and_nobody_do_nothing_p15() {
    let platform = Platform::new();
    let client = let_in(&platform, "Claude Code", ADAS);
    let browser = signed_in(&platform, ADAS);
    let page = text(&browser.get(PAGE));
    let (token, session) = (csrf(&page), sessions(&page)[0].clone());
    let other = csrf(&text(&signed_in(&platform, ADAS).get(PAGE)));
    let form =
        |csrf: &str| [("csrf", csrf.to_owned()), ("session", session.clone()), ("action", "disconnect".to_owned())];
    let send = |browser: &Browser<'_>, csrf: &str| {
        let form = form(csrf);
        browser.post(PAGE, &form.each_ref().map(|(name, value)| (*name, value.as_str())))
    };
    for bad in ["", "x", &other] {
        assert_eq!(send(&browser, bad).status(), 403, "{bad}");
    }
    browser.posts_from.set("cross-site");
    assert_eq!(send(&browser, &token).status(), 403);
    browser.posts_from.set("same-origin");
    let nobody = send(&Browser::new(&platform), &token);
    assert_eq!(nobody.status(), 403);
    assert!(text(&nobody).contains("Nothing was done"));
    assert!(client.works());
    let unknown = browser.post(PAGE, &[("csrf", &token), ("action", "explode")]);
    assert_eq!(unknown.status(), 403);
    assert_eq!(browser.post(PAGE, &[("csrf", &"x".repeat(70_000))]).status(), 413);
    assert_eq!(browser.post(PAGE, &[("csrf", &token), ("action", "sign-in")]).status(), 403, "another form's token");
    assert!(send(&browser, &token).status() == 200 && !client.works());
}

#[test]
fn a_sign_in_ends_after_half_an_hour_and_by_signing_out() {
    let platform = Platform::new();
    let client = let_in(&platform, "Claude Code", ADAS);
    let browser = signed_in(&platform, ADAS);
    let page = text(&browser.get(PAGE));
    platform.now.set(platform.now.get() + 30 * 60 * 1000);
    assert!(text(&browser.get(PAGE)).contains("Sign in with Sentry"));
    let late =
        browser.post(PAGE, &[("csrf", &csrf(&page)), ("session", &sessions(&page)[0]), ("action", "disconnect")]);
    assert_eq!(late.status(), 403);
    assert!(text(&late).contains("signed out after half an hour"));
    assert!(client.works());

    let browser = signed_in(&platform, ADAS);
    let token = csrf(&text(&browser.get(PAGE)));
    let out = browser.post(PAGE, &[("csrf", &token), ("action", "sign-out")]);
    assert!(text(&out).contains("You are signed out"));
    let removed = out.headers().get_all(header::SET_COOKIE).iter().any(|it| {
        let it = it.to_str().unwrap();
        it.starts_with("__Host-vedette_account=;") && it.ends_with("Max-Age=0")
    });
    assert!(removed);
    assert!(text(&browser.get(PAGE)).contains("Sign in with Sentry"));
}

#[test]
fn signing_in_asks_for_the_least_keeps_nothing_and_is_bound_to_its_browser_p14() {
    let platform = Platform::new();
    let browser = Browser::new(&platform);
    let authorize = to_sentry(&browser);
    assert!(authorize.contains("scope=openid&") && authorize.contains("code_challenge_method=S256"), "{authorize}");
    assert!(authorize.contains("redirect_uri=https%3A%2F%2Fvedette.example.com%2Foauth%2Fcallback&"), "{authorize}");
    let back = browser.consent(&authorize, Some(ADAS));
    assert_eq!(Browser::new(&platform).get(&back).status(), 403, "another browser");
    let other = Browser::new(&platform);
    other.get(PAGE);
    assert_eq!(other.get(&back).status(), 403, "another browser that was here");
    assert_eq!(live(&platform, ADAS), 0);
    assert_eq!(browser.get(&back).status(), 303);
    assert_eq!(live(&platform, ADAS), 1);
    assert_eq!(browser.get(&back).status(), 502, "a code works once");
    platform.settle();
    assert_eq!(live(&platform, ADAS), 0, "the token has served");
    assert!(platform.kv.borrow().is_empty());
    let stored = platform.stored();
    assert!(!stored.contains("sntry") && !stored.contains(ADAS), "{stored}");

    let late = browser.consent(&to_sentry_anew(&platform, &browser), Some(ADAS));
    platform.now.set(platform.now.get() + 10 * 60 * 1000);
    let expired = browser.get(&late);
    assert_eq!(expired.status(), 400);
    assert!(text(&expired).contains("That took too long"));
    let declined = browser.get(&browser.consent(&to_sentry(&browser), None));
    assert!(text(&declined).contains("You were not signed in"));
    let junk = browser.get(&format!("{APP}/oauth/callback?state=junk&code=x"));
    assert!(junk.status().is_client_error());
}

#[test]
fn the_token_that_served_to_sign_in_is_revoked_whatever_sentry_and_our_objects_do() {
    let platform = Platform::new();
    platform.sandbox.add_fault(Fault::new(Side::Sentry, "oauth/revoke", FaultKind::Drop));
    let browser = signed_in(&platform, ADAS);
    assert_eq!(live(&platform, ADAS), 1);
    assert!(!platform.stored().contains("sntry"));
    platform.crash();
    platform.pass(Duration::from_secs(60));
    platform.sandbox.clear_faults();
    platform.pass(Duration::from_secs(3600));
    assert_eq!(live(&platform, ADAS), 0);
    platform.objects_broken.set(Some(ObjectClass::Account));
    let answer = browser.get(&browser.consent(&to_sentry_anew(&platform, &browser), Some(ADAS)));
    assert_eq!(answer.status(), 503);
    assert_eq!(live(&platform, ADAS), 0, "without its object it is revoked at once");
    for (kind, status) in
        [(FaultKind::Drop, 502), (FaultKind::Html { code: 200 }, 502), (FaultKind::Html { code: 500 }, 502)]
    {
        platform.objects_broken.set(None);
        let authorize = to_sentry_anew(&platform, &browser);
        let back = browser.consent(&authorize, Some(ADAS));
        platform.sandbox.add_fault(Fault::new(Side::Sentry, "oauth/token", kind).once());
        assert_eq!(browser.get(&back).status(), status);
        platform.sandbox.clear_faults();
    }
}

/// The way to Sentry of somebody who is signed in, or was.
fn to_sentry_anew(platform: &Platform, browser: &Browser<'_>) -> String {
    platform.now.set(platform.now.get() + 31 * 60 * 1000);
    to_sentry(browser)
}

#[test]
fn when_a_client_was_used_is_known_to_ten_minutes_and_costs_no_write_each_time() {
    let platform = Platform::new();
    let client = let_in(&platform, "Claude Code", ADAS);
    let session = session_objects(&platform)[0].clone();
    let used = || platform.look(&session, "SELECT used_at FROM session").unwrap();
    assert!(client.works());
    let first = used();
    platform.pass(Duration::from_secs(599));
    assert!(client.works());
    assert_eq!(used(), first);
    platform.pass(Duration::from_secs(1));
    assert!(client.works());
    assert_ne!(used(), first);
    platform.pass(Duration::from_secs(1200));
    let page = text(&signed_in(&platform, ADAS).get(PAGE));
    assert!(page.contains("20 minutes ago"), "{page}");
}

#[test]
fn who_has_a_hundred_clients_loses_the_one_that_they_used_least() {
    let platform = Platform::new();
    let first = let_in(&platform, "First", ADAS);
    let second = let_in(&platform, "Second", ADAS);
    for number in 0..98 {
        platform.pass(Duration::from_secs(1));
        let_in(&platform, &format!("Client {number}"), ADAS);
    }
    platform.pass(Duration::from_secs(600));
    assert!(first.works());
    assert_eq!(indexed(&platform), 100);
    let newest = let_in(&platform, "Newest", ADAS);
    platform.settle();
    assert_eq!(indexed(&platform), 100);
    assert!(first.works() && newest.works() && !second.works());
}

#[test]
fn a_list_outlives_a_rotation_of_the_secret_and_moves_to_the_new_one_p1() {
    let platform = Platform::new();
    let client = let_in(&platform, "Claude Code", ADAS);
    assert!(client.works());
    let with = |current: &str, previous: Option<&str>| {
        let mut all = variables();
        all.retain(|(name, _)| *name != "COOKIE_SECRET");
        all.push(("COOKIE_SECRET", current.to_owned()));
        all.extend(previous.map(|it| ("COOKIE_SECRET_PREVIOUS", it.to_owned())));
        all
    };
    let (old, new) = ("0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210");
    platform.redeploy(&with(new, Some(old)));
    assert_eq!(sessions(&text(&signed_in(&platform, ADAS).get(PAGE))).len(), 1);
    // Its grant is sealed anew at the next refresh, and it lists itself anew when its alarm comes.
    platform.pass(Duration::from_secs(3700));
    assert_eq!(account_objects(&platform).len(), 2);
    let browser = signed_in(&platform, ADAS);
    assert_eq!(sessions(&text(&browser.get(PAGE))).len(), 1, "listed twice, shown once");
    assert!(disconnect(&browser, "Claude Code").contains("was disconnected"));
    platform.pass(Duration::from_secs(60));
    assert_eq!(indexed(&platform), 0);
}

#[test]
fn what_an_account_stores_names_nobody_p1() {
    let platform = Platform::new();
    let_in(&platform, "Claude Code", ADAS);
    signed_in(&platform, ADAS);
    let stored = platform.stored();
    let id = platform.sandbox.sentry().live_tokens[0].account.clone();
    assert!(!stored.contains(&id) && !stored.contains("sntry"), "{stored}");
    assert!(account_objects(&platform).iter().all(|name| name.len() == "account:".len() + 43));
}

/// The next time that Sentry issues a token, it says that it is of the account with this id.
fn next_is_of(platform: &Platform, id: &str) {
    let mut issued = issued_elsewhere(platform);
    issued["user"]["id"] = id.into();
    let kind = FaultKind::Status { code: 200, body: Some(issued), headers: Default::default() };
    platform.sandbox.add_fault(Fault::new(Side::Sentry, "oauth/token", kind).once());
}

#[test]
fn ids_with_a_colon_break_no_code_mix_no_accounts_and_are_in_no_token_p17_b5() {
    let platform = Platform::new();
    let ids = ["acct:42", "acct", "42", "acct:42:", ":", "acct%3A42"];
    let mut clients = Vec::new();
    for id in ids {
        let client = client_at(&platform, &format!("The client of {id}."));
        next_is_of(&platform, id);
        let code = client.code_by(ADAS);
        let first = client.redeem(&code);
        let refresh = first["refresh_token"].as_str().unwrap();
        let renewed =
            json(&client.post("/oauth/token", &[("grant_type", "refresh_token"), ("refresh_token", refresh)]));
        for tokens in [&first, &renewed] {
            for token in [&code, tokens["access_token"].as_str().unwrap(), tokens["refresh_token"].as_str().unwrap()] {
                // `vdc_`, `vda_` or `vdr_`, then 64 bytes, none of which is of the account.
                let (prefix, rest) = token.split_at(4);
                let bytes = from_base64url(rest).unwrap();
                assert!(prefix.starts_with("vd") && bytes.len() == 64, "{token}");
                for of_the_account in ["acct", ADAS, "2201"] {
                    let within =
                        |text: &[u8]| text.windows(of_the_account.len()).any(|it| it == of_the_account.as_bytes());
                    assert!(!within(&bytes) && !within(token.as_bytes()), "{of_the_account} in {token}");
                }
            }
        }
        clients.push(Connected { client, tokens: renewed });
    }
    platform.settle();
    assert_eq!(account_objects(&platform).len(), ids.len());
    for names in [platform.object_names(), platform.kv.borrow().keys().cloned().collect()] {
        assert!(names.iter().all(|name| !name.contains("acct") && !name.contains(ADAS)), "{names:?}");
    }
    for (id, connected) in ids.iter().zip(&clients) {
        assert!(!call(connected, "whoami").0, "{id}");
        next_is_of(&platform, id);
        let browser = signed_in(&platform, ADAS);
        let page = text(&browser.get(PAGE));
        assert_eq!(sessions(&page).len(), 1, "{id}: {page}");
        assert!(disconnect(&browser, &format!("The client of {id}.")).contains("was disconnected"));
    }
    assert!(clients.iter().all(|client| !client.works()));
    platform.settle();
    assert_eq!(live(&platform, ADAS), 0);
}

// ---- Slack ----

fn in_slack(platform: &Platform) {
    platform.say(ADA, INCIDENTS, "@vedette whoami");
    platform.connect(ADA, ADAS);
}

#[test]
fn status_lists_the_clients_to_their_person_alone_p5() {
    let platform = Platform::new();
    in_slack(&platform);
    let client = let_in(&platform, "Claude Code", ADAS);
    let_in(&platform, "Grace's editor", GRACES);
    assert!(client.works());
    platform.slash(ADA, "status");
    let seen = platform.last_seen_by(ADA);
    for shown in ["Claude Code", "Inspect issues and events", "used just now", PAGE] {
        assert!(seen.contains(shown), "{shown}: {seen}");
    }
    assert!(!seen.contains("Grace's editor"), "{seen}");
    platform.say(ADA, INCIDENTS, "@vedette status");
    assert!(platform.last_seen_by(ADA).contains("Claude Code"), "{}", platform.last_seen_by(ADA));
    assert!(platform.seen_by(GRACE).is_empty(), "nothing of it is public (P22)");
    platform.objects_broken.set(Some(ObjectClass::Account));
    platform.slash(ADA, "status");
    let seen = platform.last_seen_by(ADA);
    assert!(seen.contains(ADAS) && seen.contains("could not be listed just now"), "{seen}");
}

#[test]
fn disconnecting_in_slack_ends_the_accounts_clients_and_says_how_many_p5() {
    let platform = Platform::new();
    in_slack(&platform);
    let clients = [let_in(&platform, "Claude Code", ADAS), let_in(&platform, "Cursor", ADAS)];
    let graces = let_in(&platform, "Grace's editor", GRACES);
    platform.slash(ADA, "disconnect");
    let seen = platform.last_seen_by(ADA);
    assert!(seen.contains("revoked at Sentry. 2 MCP clients that used the account were disconnected too."), "{seen}");
    assert!(clients.iter().all(|client| !client.works()) && graces.works());
    assert_eq!((live(&platform, ADAS), live(&platform, GRACES)), (0, 1));
}

#[test]
fn sessions_that_could_not_be_reached_are_ended_later_p5() {
    let platform = Platform::new();
    in_slack(&platform);
    let client = let_in(&platform, "Claude Code", ADAS);
    for down in [ObjectClass::Account, ObjectClass::Session] {
        platform.objects_broken.set(Some(down));
        platform.slash(ADA, "disconnect");
        if down == ObjectClass::Account {
            let seen = platform.last_seen_by(ADA);
            assert!(seen.contains("are being disconnected too"), "{seen}");
        }
        platform.pass(Duration::from_secs(600));
        assert_eq!(client.status(), if down == ObjectClass::Account { 200 } else { 503 });
    }
    platform.objects_broken.set(None);
    platform.pass(Duration::from_secs(2 * 3600));
    assert!(!client.works());
    assert_eq!(live(&platform, ADAS), 0);
}

#[test]
fn whenever_the_process_dies_while_disconnecting_no_client_survives_p5_p11() {
    for points in 1.. {
        let platform = Platform::new();
        in_slack(&platform);
        let client = let_in(&platform, "Claude Code", ADAS);
        let slash = vedette_sandbox::Slash { person: ADA.into(), channel: INCIDENTS.into(), text: "disconnect".into() };
        assert_eq!(platform.deliver(&platform.sandbox.slash(platform.now.get(), &slash)).status(), 200);
        let died = platform.ring_and_crash(ADA_OBJECT, points);
        platform.pass(Duration::from_secs(3 * 60));
        assert!(!client.works(), "dying at {points}");
        assert_eq!(live(&platform, ADAS), 0, "dying at {points}");
        assert!(platform.last_seen_by(ADA).contains("Disconnected ada@example.com"), "dying at {points}");
        if !died {
            assert!(points > 4, "only {points}");
            break;
        }
    }
}

// ---- Headless ----

fn with_token(token: &str) -> Vec<(&'static str, String)> {
    let mut all = variables();
    all.push(("SENTRY_AUTH_TOKEN", token.to_owned()));
    all
}

fn call(client: &Connected, tool: &str) -> (bool, String) {
    let token = format!("Bearer {}", client.tokens["access_token"].as_str().unwrap());
    let (error, text, _) =
        post("/mcp/globex").with("authorization", &token).call(&client.client.platform, tool, json!({}));
    (error, text)
}

/// The accounts that asked Sentry for issues.
fn who_asked(platform: &Platform, path: &str) -> Vec<String> {
    let asked = platform.sandbox.sentry().requests.into_iter().filter(|it| it.path.contains(path));
    asked.filter_map(|request| request.account).collect()
}

#[test]
fn in_a_headless_deployment_a_session_proves_who_it_is_and_commands_run_with_the_operators_token_p6() {
    let platform = Platform::with(&with_token(OPERATOR_TOKEN));
    let client = let_in(&platform, "Claude Code", ADAS);
    let (error, text) = call(&client, "search_issues");
    assert!(!error && text.contains("CHECKOUT-API-"), "{text}");
    assert!(who_asked(&platform, "issues").iter().all(|account| account == "ci-bot@example.com"));
    let proofs = || who_asked(&platform, "/organizations/").iter().filter(|account| *account == ADAS).count();
    let first = proofs();
    assert!(first >= 1);
    platform.pass(Duration::from_secs(14 * 60));
    assert!(client.works());
    assert_eq!(proofs(), first, "for a quarter of an hour");
    platform.pass(Duration::from_secs(2 * 60));
    assert!(client.works());
    assert!(proofs() > first);
    let refresh = client.tokens["refresh_token"].as_str().unwrap();
    client.client.post("/oauth/revoke", &[("token", refresh)]);
    assert_eq!(client.status(), 401, "a revocation is heard at once");
}

#[test]
fn a_session_of_a_stranger_gets_nothing_of_the_operators_p6() {
    let platform = Platform::with(&with_token(OPERATOR_TOKEN));
    let stranger = let_in(&platform, "Some client", GRACES);
    // Grace's account may not list organizations, so for all that is known it sees none.
    platform.sandbox.add_fault(Fault::new(Side::Sentry, "api/0/organizations/", FaultKind::Forbidden).once());
    assert_eq!(stranger.status(), 403);
    assert!(who_asked(&platform, "issues").is_empty());
    let friend = let_in(&platform, "Some client", ADAS);
    platform.sandbox.add_fault(Fault::new(Side::Sentry, "api/0/organizations", FaultKind::Html { code: 503 }));
    assert_eq!(friend.status(), 503, "who cannot be asked about gets nothing either");
}

#[test]
fn a_headless_sessions_grant_that_sentry_ended_ends_the_session_p6_p16() {
    let platform = Platform::with(&with_token(OPERATOR_TOKEN));
    let client = let_in(&platform, "Claude Code", ADAS);
    assert!(client.works());
    let token = platform.sandbox.sentry().live_tokens.iter().find(|it| it.account == ADAS).unwrap().access.clone();
    platform.pass(Duration::from_secs(16 * 60));
    platform.sandbox.add_fault(Fault::new(Side::Sentry, "api/0/*", FaultKind::TokenRevoked).once());
    assert_eq!(client.status(), 401);
    assert!(platform.sandbox.sentry().live_tokens.iter().all(|it| it.access != token));
    assert_eq!(client.status(), 401);
}

#[test]
fn without_an_oauth_application_nobody_is_let_in_and_the_pages_say_so_p6() {
    let platform = Platform::with(&with_token(OPERATOR_TOKEN));
    let client = let_in(&platform, "Claude Code", ADAS);
    let mut alone = with_token(OPERATOR_TOKEN);
    alone.retain(|(name, _)| !name.starts_with("SENTRY_CLIENT"));
    platform.redeploy(&alone);
    assert_eq!(client.status(), 403);
    let browser = Browser::new(&platform);
    let answers: Vec<Response<_>> =
        [format!("{APP}/oauth/authorize?client_id=x"), PAGE.to_owned()].iter().map(|url| browser.get(url)).collect();
    assert_eq!(answers.iter().map(|it| it.status().as_u16()).collect::<Vec<_>>(), [501, 503]);
    assert!(answers.iter().all(|answer| text(answer).contains("Signing in is not set up here")));
}

#[test]
fn other_methods_are_told_which_there_are() {
    let platform = Platform::new();
    let request = Browser::new(&platform).request(Method::PUT, PAGE, None);
    let answer = platform.request(request);
    assert_eq!(answer.status(), 405);
    assert_eq!(answer.headers()[header::ALLOW], "GET, HEAD, POST");
}

/// Sends a request and lets the Worker die at its `points`-th pause; returns whether it died before it answered.
fn request_and_die(platform: &Platform, request: http::Request<bytes::Bytes>, points: usize) -> bool {
    use std::task::Context;
    let world = platform.world();
    let answer = vedette::router::route(&world, request);
    let mut answer = std::pin::pin!(answer);
    let mut context = Context::from_waker(futures::task::noop_waker_ref());
    (0..points).all(|_| answer.as_mut().poll(&mut context).is_pending())
}

#[test]
fn a_sign_in_that_dies_leaves_a_token_only_between_sentrys_answer_and_the_next_write() {
    let mut leaks = 0;
    for points in 1.. {
        let platform = Platform::new();
        let browser = Browser::new(&platform);
        let back = browser.consent(&to_sentry(&browser), Some(ADAS));
        let died = request_and_die(&platform, browser.request(Method::GET, &back, None), points);
        platform.crash();
        platform.pass(Duration::from_secs(3600));
        leaks += live(&platform, ADAS);
        if !died {
            assert!(points > 3, "only {points}");
            break;
        }
    }
    // After the exchange and before the object is called.
    assert!(leaks <= 2, "{leaks}");
}

#[test]
fn disconnecting_on_the_page_can_die_anywhere_and_be_done_again_p5() {
    for action in ["disconnect", "disconnect-all"] {
        for points in 1.. {
            let platform = Platform::new();
            let clients = [let_in(&platform, "Claude Code", ADAS), let_in(&platform, "Cursor", ADAS)];
            let browser = signed_in(&platform, ADAS);
            let page = text(&browser.get(PAGE));
            let (csrf, session) = (csrf(&page), sessions(&page)[0].clone());
            let body = format!("csrf={csrf}&session={session}&action={action}");
            let died = request_and_die(&platform, browser.request(Method::POST, PAGE, Some(body.clone())), points);
            platform.crash();
            assert_eq!(platform.request(browser.request(Method::POST, PAGE, Some(body))).status(), 200);
            platform.pass(Duration::from_secs(60));
            let left = if action == "disconnect" { 1 } else { 0 };
            let works = clients.iter().filter(|client| client.works()).count();
            assert_eq!((works, live(&platform, ADAS), indexed(&platform)), (left, left, left), "{action}, {points}");
            if !died {
                assert!(points > 2, "only {points}");
                break;
            }
        }
    }
}
