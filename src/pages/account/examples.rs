//! The pages as the tests look at them.

use super::*;
use crate::ports::Timestamp;
use crate::sessions::terms::Limit;

const NOW: Timestamp = Timestamp(1_760_000_000_000);
const HOSTILE: &str = r#""><script>alert('1')</script><img src=x onerror=alert(1)>&amp;</style></title>"#;

fn entry(number: u8, client_name: &str, redirect_uri: &str, path: &str, used: Option<i64>) -> Entry {
    Entry {
        session: format!("session:{number}"),
        listed: Listed {
            client_name: client_name.to_owned(),
            redirect_uri: redirect_uri.to_owned(),
            skills: vec!["inspect".to_owned(), "triage".to_owned()],
            limit: Limit::from_path(path).unwrap(),
            opened_at: Timestamp(NOW.0 - 3 * 86_400_000),
            used_at: used.map(|minutes| Timestamp(NOW.0 - minutes * 60_000)),
        },
    }
}

fn clients_of(account: &str, entries: &[Entry], notice: Option<Notice<'_>>) -> Page {
    let host = SentryHost::parse("sentry.io").unwrap();
    let endpoint = "https://vedette.example.com/mcp";
    clients(Clients {
        account,
        host: &host,
        entries,
        notice,
        endpoint,
        csrf: "csrf-value",
        now: NOW,
        command: "/sentry",
    })
}

pub(crate) fn examples() -> Vec<(String, Page)> {
    let host = SentryHost::parse("sentry.io").unwrap();
    let three = [
        entry(1, "Claude Code", "http://localhost:3118/callback", "/mcp/globex/checkout-api", Some(3)),
        entry(2, "Cursor", "cursor://anysphere.cursor-mcp/oauth/callback", "/mcp", Some(60 * 24)),
        entry(3, "An assistant on the web", "https://assistant.example/oauth", "/mcp/globex", None),
    ];
    let problems = [AccountProblem::NotConfigured, AccountProblem::Declined, AccountProblem::Unavailable];
    let pages = [
        ("account_sign_in", sign_in(&host, "csrf-value", None)),
        ("account_sign_in_ended", sign_in(&host, "csrf-value", Some(Notice::SignInEnded))),
        ("account_clients", clients_of("ada@globex.example", &three, None)),
        ("account_disconnected", clients_of("ada@globex.example", &three[..1], Some(Notice::Disconnected("Cursor")))),
        ("account_none", clients_of("ada@globex.example", &[], Some(Notice::DisconnectedAll(3)))),
    ];
    let problems = problems.map(|it| (format!("account_problem_{}", it.name()), it.page()));
    pages.into_iter().map(|(name, page)| (name.to_owned(), page)).chain(problems).collect()
}

#[test]
fn what_a_client_says_of_itself_stays_text_p20() {
    let entries = [entry(1, HOSTILE, HOSTILE, "/mcp", None)];
    let html = clients_of(HOSTILE, &entries, Some(Notice::Disconnected(HOSTILE))).html;
    assert!(!html.contains("<script") && !html.contains("<img") && !html.contains("onerror=\""), "{html}");
}
