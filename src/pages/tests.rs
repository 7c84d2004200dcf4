//! What people see, as snapshots, and what holds for every page.
//!
//! `VEDETTE_PAGES=/some/folder cargo test --lib pages` also writes each page there, to be looked at in a browser.

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{Method, header};
use sha2::{Digest, Sha256};
use url::Url;

use super::{
    Page,
    connect::{self, ConnectConfirm, ConnectProblem, ConnectStart, Connected},
    consent::{self, Consent, ConsentProblem},
    home, layout, method_not_allowed, not_found, server_error,
};
use crate::limits::TooMany;
use crate::oauth::provider::authorize::Fault;
use crate::oauth::provider::documents::DocumentProblem;
use vedette_sentry::host::SentryHost;

use crate::{
    config::{Config, DEFAULT_SCOPES, Problem},
    sessions::terms::{Limit, SKILLS, SkillText, offered},
    turns::calls::Asker,
};

fn sentry() -> SentryHost {
    SentryHost::parse("sentry.io").unwrap()
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn asker(name: &str) -> Asker {
    Asker {
        name: name.to_owned(),
        email: Some("ada@globex.example".to_owned()),
        handle: Some("ada".to_owned()),
        member: "U0ADA".to_owned(),
        workspace: "Globex".to_owned(),
        asked: Some("in #incidents at 14:02 (Central European Time)".to_owned()),
        back: Url::parse("https://slack.com/app_redirect?channel=C0INCIDENTS&team=T0GLOBEX").ok(),
    }
}

fn start(name: &str, scopes: &[String], waiting: Option<&str>) -> Page {
    start_of(&asker(name), scopes, waiting)
}

fn start_of(asker: &Asker, scopes: &[String], waiting: Option<&str>) -> Page {
    connect::start(ConnectStart {
        asker,
        host: &sentry(),
        scopes,
        action: "/connect/7Qm1",
        csrf: "csrf-value",
        waiting,
        expires_in_minutes: 9,
        command: "/sentry",
    })
}

fn confirm(account_name: &str, account_email: &str) -> Page {
    connect::confirm(ConnectConfirm {
        asker: &asker("Ada Lovelace"),
        account_name,
        account_email,
        host: &sentry(),
        action: "/api/oauth/callback/sentry",
        csrf: "csrf-value",
        hidden: &[("state", "state-value")],
    })
}

fn consent(client_name: &str, redirect_uri: &str, path: &str) -> Page {
    consent_of(None, client_name, redirect_uri, path)
}

fn consent_of(proven_host: Option<&str>, client_name: &str, redirect_uri: &str, path: &str) -> Page {
    consent_for(&offered(&words(DEFAULT_SCOPES)), proven_host, client_name, redirect_uri, path)
}

/// A deployment that has tools for every skill.
fn consent_for_all() -> Page {
    let all: Vec<&SkillText> = SKILLS.iter().collect();
    consent_for(&all, None, "Claude Code", "http://localhost:3118/callback", "/mcp")
}

fn consent_for(
    offered: &[&SkillText],
    proven_host: Option<&str>,
    client_name: &str,
    redirect_uri: &str,
    path: &str,
) -> Page {
    consent::consent(Consent {
        client_name,
        client_uri: Some("https://client.example"),
        proven_host,
        redirect_uri,
        limit: &Limit::from_path(path).unwrap(),
        offered,
        ticked: &["inspect"],
        allowed: &crate::sessions::terms::all_scopes(),
        host: &sentry(),
        action: "/oauth/authorize",
        hidden: &[("state", "state-value"), ("request", "client_id=x")],
    })
}

fn connected(resuming: u32) -> Page {
    connect::connected(Connected {
        account: "ada@globex.example",
        asker: &asker("Ada Lovelace"),
        host: &sentry(),
        resuming,
        command: "/sentry",
    })
}

fn problems() -> Vec<ConnectProblem> {
    vec![
        ConnectProblem::Declined,
        ConnectProblem::LinkExpired,
        ConnectProblem::LinkUsed,
        ConnectProblem::LinkUnknown,
        ConnectProblem::WrongBrowser,
        ConnectProblem::BadState,
        ConnectProblem::StateExpired,
        ConnectProblem::StateUsed,
        ConnectProblem::MissingCode,
        ConnectProblem::SentryError { code: "invalid_scope".to_owned() },
        ConnectProblem::SentryDown,
        ConnectProblem::SentrySlow,
        ConnectProblem::BadTokenResponse,
        ConnectProblem::CodeRefused,
        ConnectProblem::FewerScopes { missing: words("org:read team:read") },
        ConnectProblem::ConfigurationMissing(Problem {
            variable: "COOKIE_SECRET",
            problem: "is too short: at least 32 random characters are needed (`openssl rand -hex 32` makes some)",
        }),
        ConnectProblem::NotFromHere,
        ConnectProblem::TooLarge,
        ConnectProblem::ObjectUnavailable,
        ConnectProblem::TooMany(TooMany { retry_after: 60 }),
    ]
}

const BAD_REQUEST: Fault = Fault { code: "unsupported_response_type", description: "response_type must be code." };

fn consent_problems() -> Vec<ConsentProblem> {
    vec![
        ConsentProblem::UnknownClient,
        ConsentProblem::ClientDocument(DocumentProblem::OtherClient),
        ConsentProblem::ForeignRedirect,
        ConsentProblem::BadRequest(BAD_REQUEST),
        ConsentProblem::TooLarge,
        ConsentProblem::NothingTicked,
        ConsentProblem::NotFromHere,
        ConsentProblem::WrongBrowser,
        ConsentProblem::Expired,
        ConsentProblem::Used,
        ConsentProblem::NoCode,
        ConsentProblem::CodeRefused,
        ConsentProblem::SentryRefused,
        ConsentProblem::FewerScopes,
        ConsentProblem::SentryDown,
        ConsentProblem::NotConfigured,
        ConsentProblem::NoSignIn,
        ConsentProblem::Unavailable,
        ConsentProblem::TooMany(TooMany { retry_after: 60 }),
    ]
}

fn config(variables: &'static [(&'static str, &'static str)]) -> Config {
    Config::parse(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
}

const COMPLETE: &[(&str, &str)] = &[
    ("SENTRY_CLIENT_ID", "client-id-value"),
    ("SENTRY_CLIENT_SECRET", "client-secret-value"),
    ("COOKIE_SECRET", "cookie-secret-value-cookie-secret-value"),
    ("SLACK_SIGNING_SECRET", "signing-secret-value"),
    ("SLACK_BOT_TOKEN", "bot-token-value"),
];

const TOKENS_ONLY: &[(&str, &str)] = &[("SLACK_SIGNING_SECRET", "signing-secret-value")];

const HEADLESS: &[(&str, &str)] = &[("SENTRY_AUTH_TOKEN", "operator-token-value")];

fn origin() -> Url {
    Url::parse("https://vedette.example.workers.dev").unwrap()
}

/// Every page, by the name of its snapshot.
fn gallery() -> Vec<(String, Page)> {
    let reading = words("event:read org:read project:read team:read");
    let writing = words("event:read event:write org:read telescope:aim");
    let unknown = Asker { email: None, asked: None, back: None, ..asker("U0ADA") };
    let mut pages: Vec<(String, Page)> = [
        ("home", home::home(&config(COMPLETE), &origin())),
        ("home_unconfigured", home::home(&config(TOKENS_ONLY), &origin())),
        ("home_headless", home::home(&config(HEADLESS), &origin())),
        ("home_closed", home::home(&config(&[("SENTRY_HOST", "no host")]), &origin())),
        ("connect_start", start("Ada Lovelace", &reading, Some("issue list globex"))),
        ("connect_start_writing", start("Ada Lovelace", &writing, None)),
        ("connect_confirm", confirm("Ada King", "ada@globex.example")),
        ("connect_confirm_differs", confirm("Grace Hopper", "grace@globex.example")),
        ("connect_confirm_nameless", confirm("ada@globex.example", "ada@globex.example")),
        ("connect_connected", connected(0)),
        ("connect_connected_one", connected(1)),
        ("connect_connected_many", connected(3)),
        ("connect_cancelled", connect::cancelled(asker("").back.as_ref())),
        ("connect_start_nameless", start_of(&unknown, &reading, None)),
        ("consent", consent("Claude Code", "http://localhost:3118/callback", "/mcp/globex/checkout-api")),
        ("consent_private_scheme", consent("Cursor", "cursor://anysphere.cursor-mcp/oauth/callback", "/mcp")),
        (
            "consent_described",
            consent_of(Some("claude.ai"), "Claude", "https://claude.ai/api/mcp/auth_callback", "/mcp/globex"),
        ),
        ("consent_all_skills", consent_for_all()),
        ("consent_problem_bad_request", ConsentProblem::BadRequest(BAD_REQUEST).page()),
        ("consent_problem_document", ConsentProblem::ClientDocument(DocumentProblem::OtherClient).page()),
        ("consent_problem_too_many", ConsentProblem::TooMany(TooMany { retry_after: 60 }).page()),
        ("consent_problem_fewer_scopes", ConsentProblem::FewerScopes.page()),
        ("not_found", not_found()),
        ("method_not_allowed", method_not_allowed(&[Method::GET, Method::POST])),
        ("server_error", server_error("8f3a-11")),
    ]
    .into_iter()
    .map(|(name, page)| (name.to_owned(), page))
    .collect();
    let back = asker("").back;
    pages.extend(problems().iter().map(|problem| {
        let known =
            matches!(problem, ConnectProblem::Declined | ConnectProblem::LinkExpired | ConnectProblem::LinkUsed);
        (format!("connect_problem_{}", problem.name()), problem.page_with(back.as_ref().filter(|_| known)))
    }));
    pages.extend(super::account::examples::examples());
    pages
}

/// The `main` of a document, one tag a line: what differs from page to page.
fn body(html: &str) -> String {
    let (_, rest) = html.split_once("<main>").unwrap();
    let (main, _) = rest.split_once("</main>").unwrap();
    main.replace(home::SCRIPT, "/* copy.js */").replace("><", ">\n<")
}

#[test]
fn every_page_reads_as_it_should() {
    for (name, page) in gallery() {
        insta::assert_snapshot!(name, format!("{}\n{}", page.status, body(&page.html)));
    }
}

#[test]
fn the_document_around_every_page_reads_as_it_should() {
    let html = not_found().html.replace(layout::STYLE, "/* style.css */").replace("><", ">\n<");
    let (head, rest) = html.split_once("<main>").unwrap();
    let (_, foot) = rest.split_once("</main>").unwrap();
    insta::assert_snapshot!("document", format!("{head}<main>…</main>{foot}"));
}

#[test]
fn the_first_page_is_markdown_too() {
    insta::assert_snapshot!("home_markdown", home::markdown(&config(COMPLETE), &origin()));
    insta::assert_snapshot!("home_markdown_unconfigured", home::markdown(&config(&[]), &origin()));
    insta::assert_snapshot!("home_markdown_headless", home::markdown(&config(HEADLESS), &origin()));
}

/// What a page shows of each `<code id="…">`.
fn shown(html: &str) -> Vec<String> {
    let unescaped =
        |text: &str| text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
    let pieces = html.split("<code id=\"").skip(1).filter_map(|rest| rest.split_once('>')?.1.split_once("</code>"));
    pieces.map(|(text, _)| unescaped(text)).collect()
}

#[test]
fn people_and_machines_are_told_the_same() {
    for variables in [COMPLETE, TOKENS_ONLY, HEADLESS, &[]] {
        let (config, origin) = (config(variables), origin());
        let (page, markdown) = (home::home(&config, &origin).html, home::markdown(&config, &origin));
        let texts = shown(&page);
        assert!(texts.len() >= 3);
        for text in texts {
            assert!(markdown.contains(&text), "{text}");
        }
        for (open, close) in [("<summary><span>", "</span>"), ("<li><code>", "</code>"), ("<dt><code>", "</code>")] {
            for piece in page.split(open).skip(1) {
                let text = piece.split_once(close).unwrap().0.replace("&quot;", "\"");
                assert!(markdown.contains(&text), "{text}");
            }
        }
        assert_eq!(page.matches("<summary>").count(), markdown.matches("\n### ").count());
        for link in ["cursor://", "vscode:", "https://claude.ai/"] {
            assert_eq!(page.matches(link).count(), markdown.matches(link).count(), "{link}");
        }
    }
}

#[test]
fn a_copy_button_copies_a_text_that_is_there_and_waits_for_the_script() {
    let page = home::home(&config(COMPLETE), &origin()).html;
    let buttons: Vec<&str> = page.split("<button").skip(1).collect();
    assert!(buttons.len() > 12, "{}", buttons.len());
    for button in buttons {
        let (tag, _) = button.split_once('>').unwrap();
        let (_, rest) = tag.split_once("data-copy=\"").unwrap();
        let (id, _) = rest.split_once('"').unwrap();
        assert_eq!(page.matches(&format!("<code id=\"{id}\">")).count(), 1, "{id}");
        assert!(tag.contains("type=\"button\"") && tag.ends_with(" hidden"), "{tag}");
    }
}

#[test]
fn every_address_on_the_first_page_is_of_the_origin_that_is_asked() {
    let elsewhere = Url::parse("https://other.example:8443/").unwrap();
    let page = home::home(&config(COMPLETE), &elsewhere).html;
    assert!(!page.contains("vedette.example"));
    assert!(page.contains("https://other.example:8443/mcp"));
    let json = home::mcp_json(&config(COMPLETE), &elsewhere);
    assert_eq!(json["endpoint"], "https://other.example:8443/mcp");
    assert_eq!(json["mcpServers"]["sentry"]["url"], json["endpoint"]);
    assert_eq!(json["mcpServers"]["sentry"]["type"], "http");
}

#[test]
fn a_hostile_origin_stays_text_p20() {
    for host in ["a'b;c.example", "$(id).example", "`id`.example", "a&b\"c.example", "x.example"] {
        let Ok(origin) = Url::parse(&format!("https://{host}")) else { continue };
        let page = home::home(&config(COMPLETE), &origin).html;
        assert_eq!(page.matches("<script").count(), 1);
        for tag in page.split('<').filter_map(|rest| rest.split('>').next()) {
            assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        }
        let address = home::mcp_json(&config(COMPLETE), &origin)["endpoint"].as_str().unwrap().to_owned();
        assert!(shown(&page).contains(&address), "{address}");
    }
}

#[test]
fn each_problem_has_its_status_and_a_429_or_503_says_when_to_retry() {
    let connecting = problems().into_iter().map(|problem| ("connect", problem.name(), problem.page()));
    let consenting = consent_problems().into_iter().map(|problem| ("consent", problem.name(), problem.page()));
    let table: String = connecting
        .chain(consenting)
        .map(|(way, name, page)| {
            let response = page.into_response();
            let retry = response.headers().get(header::RETRY_AFTER).map(|value| value.to_str().unwrap().to_owned());
            assert_eq!(retry.is_some(), matches!(response.status().as_u16(), 429 | 503), "{way} {name}");
            format!("{} {way} {name} {}\n", response.status().as_u16(), retry.unwrap_or_default())
        })
        .collect();
    insta::assert_snapshot!("problem_statuses", table);
}

#[test]
fn a_hostile_string_stays_text_in_every_field_p20() {
    const HOSTILE: &str = r#""><script>alert('1')</script><img src=x onerror=alert(1)>&amp;</style></title>"#;
    let scopes = vec![HOSTILE.to_owned()];
    let hostile = Asker {
        email: None,
        handle: Some(HOSTILE.to_owned()),
        member: HOSTILE.to_owned(),
        workspace: HOSTILE.to_owned(),
        asked: Some(HOSTILE.to_owned()),
        ..asker(HOSTILE)
    };
    let pages = [
        connect::start(ConnectStart {
            asker: &hostile,
            host: &sentry(),
            scopes: &scopes,
            action: HOSTILE,
            csrf: HOSTILE,
            waiting: Some(HOSTILE),
            expires_in_minutes: 9,
            command: "/sentry",
        }),
        connect::confirm(ConnectConfirm {
            asker: &hostile,
            account_name: HOSTILE,
            account_email: "x",
            host: &sentry(),
            action: HOSTILE,
            csrf: HOSTILE,
            hidden: &[(HOSTILE, HOSTILE)],
        }),
        confirm("x", HOSTILE),
        connect::connected(Connected {
            account: HOSTILE,
            asker: &hostile,
            host: &sentry(),
            resuming: 0,
            command: "/sentry",
        }),
        ConnectProblem::SentryError { code: HOSTILE.to_owned() }.page(),
        ConnectProblem::FewerScopes { missing: scopes.clone() }.page(),
        server_error(HOSTILE),
    ];
    for page in pages {
        assert!(page.html.contains("&lt;script&gt;"), "{}", page.html);
        for active in ["<script", "<img", "&amp;</style>"] {
            assert!(!page.html.contains(active), "{}", page.html);
        }
        assert_eq!(page.html.matches("</style>").count(), 1);
        assert_eq!(page.html.matches("</title>").count(), 1);
    }
}

#[test]
fn a_name_that_turns_the_writing_direction_turns_only_itself_p20() {
    let html = start("\u{202e}ecilA", &[], None).html;
    assert!(html.contains("<bdi>\u{202e}ecilA</bdi>"));
}

#[test]
fn a_long_name_and_a_long_request_are_cut_p20() {
    let long = "é".repeat(4000);
    let html = start(&long, &[], Some(&long)).html;
    assert!(html.contains(&format!("<bdi>{}…</bdi>", "é".repeat(120))));
    assert!(html.contains(&format!("<bdi>{}…</bdi>", "é".repeat(280))));
}

#[test]
fn only_a_request_for_reading_promises_that_nothing_is_changed() {
    const PROMISE: &str = "this access can only read";
    assert!(start("Ada", &words("event:read org:read"), None).html.contains(PROMISE));
    assert!(!start("Ada", &words("event:read event:write"), None).html.contains(PROMISE));
    assert!(!start("Ada", &words("event:read telescope:read"), None).html.contains(PROMISE));
}

#[test]
fn the_policy_allows_no_script_but_the_first_pages_and_no_other_style_than_ours_p15() {
    for (name, page) in gallery() {
        // The first page alone has a script, and its policy names that one.
        let scripts = usize::from(name.starts_with("home"));
        assert_eq!(page.html.matches("<script").count(), scripts, "{name}");
        assert!(!page.html.contains("javascript:"), "{name}");
        let allowed = page.html.split_once("<script>").map_or_else(String::new, |(_, rest)| {
            let (script, _) = rest.split_once("</script>").unwrap();
            format!(" script-src 'sha256-{}';", STANDARD.encode(Sha256::digest(script)))
        });
        for tag in page.html.split('<').filter_map(|rest| rest.split('>').next()) {
            assert!(!tag.contains(" style=") && !tag.contains(" on"), "{name}: {tag}");
        }
        assert_eq!(page.html.matches("<style>").count(), 1, "{name}");

        let (_, rest) = page.html.split_once("<style>").unwrap();
        let (style, _) = rest.split_once("</style>").unwrap();
        let hash = STANDARD.encode(Sha256::digest(style));

        let has_form = page.html.contains("<form");
        let response = page.into_response();
        let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
        assert!(
            policy.starts_with(&format!("default-src 'none'; style-src 'sha256-{hash}';{allowed} img-src 'self'; ")),
            "{name}: {policy}"
        );
        // The consent page's form ends at the client: this one address, on the person's own computer.
        let others = policy.replace(" http://localhost:3118;", ";").replacen(&allowed, "", 1);
        for bad in ["unsafe", "script-src", "*;", " * ", "http:"] {
            assert!(!others.contains(bad), "{name}: {policy}");
        }
        for good in ["base-uri 'none'", "frame-ancestors 'none'"] {
            assert!(policy.contains(good), "{name}: {policy}");
        }
        assert_eq!(policy.contains("form-action 'none'"), !has_form, "{name}: {policy}");
    }
}

#[test]
fn every_page_is_kept_out_of_caches_frames_and_referrers_p15() {
    for (name, page) in gallery() {
        let response = page.into_response();
        for (header, value) in [
            ("content-type", "text/html; charset=utf-8"),
            ("cache-control", "no-store"),
            ("referrer-policy", "no-referrer"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("cross-origin-opener-policy", "same-origin"),
        ] {
            assert_eq!(response.headers()[header], value, "{name}");
        }
    }
}

#[test]
fn the_form_that_ends_at_sentry_names_sentry_and_no_other_host() {
    let policy = |host: &str| {
        let page = connect::start(ConnectStart {
            asker: &asker("Ada"),
            host: &SentryHost::parse(host).unwrap(),
            scopes: &[],
            action: "/connect/7Qm1",
            csrf: "csrf-value",
            waiting: None,
            expires_in_minutes: 0,
            command: "/sentry",
        });
        page.into_response().headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned()
    };
    assert!(policy("sentry.io").contains("form-action 'self' https://sentry.io https://*.sentry.io;"));
    assert!(policy("sentry.example.com:9000").contains("form-action 'self' https://sentry.example.com:9000;"));
    assert!(policy("http://127.0.0.1:8789").contains("form-action 'self' http://127.0.0.1:8789;"));
}

#[test]
fn other_responses_get_the_strictest_policy_and_keep_their_own_headers() {
    let mut headers = http::HeaderMap::new();
    headers.insert(header::REFERRER_POLICY, http::HeaderValue::from_static("same-origin"));
    super::security_headers(&mut headers);
    assert_eq!(headers[header::REFERRER_POLICY], "same-origin");
    assert_eq!(
        headers[header::CONTENT_SECURITY_POLICY],
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
}

#[test]
fn a_wrong_method_is_told_the_right_ones() {
    let response = method_not_allowed(&[Method::GET, Method::POST]).into_response();
    assert_eq!(response.status(), 405);
    assert_eq!(response.headers()[header::ALLOW], "GET, POST");
}

#[test]
fn the_style_sheet_is_hashed_as_the_browser_reads_it() {
    assert!(!layout::STYLE.contains(['\r', '\0']), "a browser would read other bytes than were hashed");
    assert!(!layout::STYLE.contains('<'), "it stands inside a style element");
    assert!(!layout::STYLE.contains("url(") && !layout::STYLE.contains("@import"), "it loads nothing");
    assert!(!home::SCRIPT.contains(['\r', '\0', '<']), "nor may the script");
}

#[test]
fn every_page_has_one_heading_landmarks_a_language_and_a_title() {
    for (name, page) in gallery() {
        for (piece, count) in [("<h1>", 1), ("<main>", 1), ("<header>", 1), ("<footer>", 1), ("<title>", 1)] {
            assert_eq!(page.html.matches(piece).count(), count, "{name}: {piece}");
        }
        assert!(page.html.starts_with("<!DOCTYPE html><html lang=\"en\">"), "{name}");
        assert!(page.html.contains("width=device-width"), "{name}");
    }
}

#[test]
fn no_secret_of_the_configuration_is_on_the_first_page() {
    for variables in [COMPLETE, HEADLESS] {
        let config = config(variables);
        assert!(!home::home(&config, &origin()).html.contains("-value"));
        assert!(!home::markdown(&config, &origin()).contains("-value"));
        assert!(!home::mcp_json(&config, &origin()).to_string().contains("-value"));
    }
}

#[test]
fn the_pages_can_be_written_to_a_folder_and_looked_at() {
    let Ok(folder) = std::env::var("VEDETTE_PAGES") else { return };
    for (name, page) in gallery() {
        std::fs::write(format!("{folder}/{name}.html"), page.html).unwrap();
    }
}
