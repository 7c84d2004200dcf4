//! What people see when a command gave no answer: what happened, and what to do next.
//!
//! A reconnect is offered only where it helps (P4): for a token that is dead, and for a scope that the grant lacks.

use std::time::Duration;

use super::answer::{Action, Answer, Audience, Does, Invocation, Part};
use super::{CommandError, Target, find, say, target};
use vedette_sentry::client::WEB_PAGE;
use vedette_sentry::error::{SentryError, Unauthorized};
use vedette_sentry::host::SentryHost;

/// Says `error` to people. `subject` is what was asked for ([`subject`]); `account` names the Sentry account in use.
pub fn explain(error: &CommandError, subject: &str, host: &SentryHost, account: Option<&str>) -> Answer {
    match error {
        CommandError::Explained(answer) | CommandError::Choose(answer) => answer.as_ref().clone(),
        CommandError::Sentry(error) => sentry(error, subject, host, account),
    }
}

/// What an invocation is about, for people: `CHECKOUT-API-4F`, `globex/checkout-api`, `your organization`.
pub fn subject(invocation: &Invocation, target: &Target) -> String {
    let text = |name: &str| {
        let value = invocation.parameters.get(name).and_then(|value| value.as_str()).map(str::trim);
        value.filter(|value| !value.is_empty()).map(|value| say::line(value, 120))
    };
    if let Some(issue) = text("issueId") {
        return if issue.bytes().all(|digit| digit.is_ascii_digit()) { format!("issue {issue}") } else { issue };
    }
    if let Some(url) = text("issueUrl") {
        let id = url.split("/issues/").nth(1).and_then(|rest| rest.split(['/', '?', '#']).next());
        return id.filter(|id| !id.is_empty()).map_or_else(|| "that issue".to_owned(), |id| format!("issue {id}"));
    }
    if invocation.command == "issue view" {
        return "the issue you saw last".to_owned();
    }
    let named = text("organizationSlug");
    let project = match &named {
        Some(_) => text("projectSlugOrId"),
        None => text("projectSlugOrId").or_else(|| target.project.clone()),
    };
    match (named.or_else(|| target.organization.clone()), project) {
        (Some(organization), Some(project)) => format!("{organization}/{project}"),
        (Some(organization), None) => organization,
        (None, _) => "your organization".to_owned(),
    }
}

fn sentry(error: &SentryError, subject: &str, host: &SentryHost, account: Option<&str>) -> Answer {
    let sentry = host.name();
    let who = match account {
        Some(account) => format!("this account ({})", say::line(account, 120)),
        None => "this account".to_owned(),
    };
    let subject = say::line(subject, 150);
    match error {
        SentryError::Unauthorized { reason, login_url } => {
            personal(unauthorized(*reason, login_url.as_ref(), &subject, host, &who))
        }
        SentryError::MissingScope { missing } => personal(answer(
            "Your Sentry connection does not include this yet",
            format!(
                "It needs one more permission: {}. Connect again to give it; nothing else changes.",
                say::line(&missing.join(", "), 200)
            ),
            vec![connect("Connect again")],
        )),
        SentryError::Forbidden => personal(answer(
            format!("No access to {subject}"),
            format!(
                "Your connection works, but {who} has no access to {subject} at {sentry}. Ask an owner to let you in, or \
                 disconnect this account and connect another one."
            ),
            vec![],
        )),
        SentryError::PaymentRequired => answer(
            format!("The plan does not include this for {subject}"),
            format!(
                "{sentry} says that this needs another plan, or that its budget is used up. An owner can change that."
            ),
            vec![],
        ),
        SentryError::NotFound => answer(
            format!("I can't find {subject}"),
            format!("It may be gone, be spelled otherwise, or be hidden from {who}."),
            find("org list")
                .map(|entry| target::instead(entry.spec.name, &serde_json::json!({})))
                .into_iter()
                .collect(),
        ),
        SentryError::Rejected { status, detail } => {
            let said = say::line(detail, 500);
            let text = if said.is_empty() {
                format!("It answered with status {status}, without a reason.")
            } else {
                format!("It says: {said}")
            };
            answer("Sentry did not accept this request", text, vec![])
        }
        SentryError::RateLimited { retry_after } => answer(
            "Sentry asks us to slow down",
            format!("Too many requests came at once. Try again in {}.", say::span(round_up(*retry_after))),
            vec![],
        ),
        SentryError::Unavailable { status } => answer(
            "Sentry is not available right now",
            match status {
                // Only what passes by itself was worth asking again.
                Some(status @ 502..=504) => format!(
                    "{sentry} answered with an error ({status}), also when I asked again. Try again in a few minutes."
                ),
                Some(status) => format!("{sentry} answered with an error ({status}). Try again in a few minutes."),
                None => format!("I could not reach {sentry}, also when I asked again. Try again in a few minutes."),
            },
            status_page(host),
        ),
        SentryError::Timeout => answer(
            "Sentry took too long to answer",
            format!("{sentry} gave no answer in time. Try again, or ask for less: a shorter period or one project."),
            status_page(host),
        ),
        SentryError::Unreadable { problem } if *problem == WEB_PAGE => answer(
            "Sentry answered with a web page instead of data",
            format!(
                "A proxy or a maintenance page may stand before {sentry}. Try again in a few minutes; if it stays so, tell \
                 whoever looks after this Sentry."
            ),
            status_page(host),
        ),
        SentryError::Unreadable { problem } => answer(
            "I could not read Sentry's answer",
            format!("{sentry} sent {problem}. Try again; if it stays so, ask for less or open it in Sentry."),
            vec![target::open("Open Sentry", host.origin())],
        ),
        SentryError::ForeignUrl => answer(
            "I did not follow a link to another host",
            format!(
                "Sentry pointed to an address outside of {sentry}. Your access goes to {sentry} only, so nothing was sent."
            ),
            vec![],
        ),
    }
}

fn unauthorized(
    reason: Unauthorized,
    login_url: Option<&url::Url>,
    subject: &str,
    host: &SentryHost,
    who: &str,
) -> Answer {
    let sentry = host.name();
    match reason {
        Unauthorized::DeadToken => answer(
            "Sentry no longer accepts your connection",
            "It has expired, or was ended at Sentry. Connect again, and ask once more.".to_owned(),
            vec![connect("Connect Sentry")],
        ),
        Unauthorized::SsoRequired => answer(
            "Sign in to your organization first",
            format!(
                "Your connection is fine, but {subject} is behind single sign-on. Sign in there once in your browser, then \
                 ask again."
            ),
            vec![target::open("Sign in", login_url.unwrap_or(host.origin()))],
        ),
        Unauthorized::TwoFactorRequired => {
            let settings = host.origin().join("settings/account/security/").unwrap_or_else(|_| host.origin().clone());
            answer(
                "Two-factor authentication is needed",
                format!(
                    "Your connection is fine, but {subject} is only for accounts with two-factor authentication. Turn it on \
                     for {who} at {sentry}, then ask again."
                ),
                vec![target::open("Security settings", &settings)],
            )
        }
        Unauthorized::SudoRequired => answer(
            "Sentry wants your password for this",
            format!("That can only be given in the browser. Do this one at {sentry}."),
            vec![target::open("Open Sentry", host.origin())],
        ),
        Unauthorized::MemberDisabled => answer(
            "Your membership is paused",
            format!(
                "{sentry} disabled {who} for {subject}: the organization has more members than its plan includes. An owner \
                 can change that in the organization's settings."
            ),
            vec![],
        ),
    }
}

fn answer(title: impl Into<String>, text: String, actions: Vec<Action>) -> Answer {
    Answer { title: title.into(), parts: vec![Part::Paragraph(text)], actions, ..Answer::default() }
}

/// The same, for the person alone: it is about their account (P22).
fn personal(answer: Answer) -> Answer {
    Answer { audience: Audience::Person, ..answer }
}

fn connect(label: &str) -> Action {
    Action { label: label.to_owned(), does: Does::Connect }
}

fn status_page(host: &SentryHost) -> Vec<Action> {
    let url = host.is_saas().then(|| url::Url::parse("https://status.sentry.io/").ok()).flatten();
    url.map(|url| target::open("Sentry's status", &url)).into_iter().collect()
}

/// A wait in words never promises less than it is.
fn round_up(wait: Duration) -> Duration {
    let seconds = wait.as_millis().div_ceil(1000).max(1);
    let seconds = u64::try_from(seconds).unwrap_or(u64::MAX);
    let unit = if seconds > 3_600 {
        3_600
    } else if seconds > 60 {
        60
    } else {
        1
    };
    Duration::from_secs(seconds.div_ceil(unit).saturating_mul(unit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::markdown;
    use url::Url;

    fn told(host: &str, account: Option<&str>, error: SentryError) -> String {
        let host = SentryHost::parse(host).unwrap();
        markdown(&explain(&CommandError::Sentry(error), "globex/checkout-api", &host, account))
    }

    fn unauthorized(reason: Unauthorized) -> SentryError {
        let login_url = Url::parse("https://sentry.io/auth/login/globex/").ok();
        SentryError::Unauthorized { reason, login_url }
    }

    /// Every error, once.
    fn every_error() -> Vec<SentryError> {
        vec![
            unauthorized(Unauthorized::DeadToken),
            unauthorized(Unauthorized::SsoRequired),
            unauthorized(Unauthorized::TwoFactorRequired),
            unauthorized(Unauthorized::SudoRequired),
            unauthorized(Unauthorized::MemberDisabled),
            SentryError::MissingScope { missing: vec!["event:read".to_owned()] },
            SentryError::Forbidden,
            SentryError::PaymentRequired,
            SentryError::NotFound,
            SentryError::Rejected { status: 400, detail: "Bad *thing* <script>".to_owned() },
            SentryError::Rejected { status: 409, detail: String::new() },
            SentryError::RateLimited { retry_after: Duration::from_millis(61_500) },
            SentryError::Unavailable { status: Some(503) },
            SentryError::Unavailable { status: None },
            SentryError::Timeout,
            SentryError::Unreadable { problem: WEB_PAGE },
            SentryError::Unreadable { problem: "more than 5 MB of data" },
            SentryError::ForeignUrl,
        ]
    }

    #[test]
    fn every_error_says_what_happened_and_what_to_do() {
        let all: Vec<String> =
            every_error().into_iter().map(|error| told("sentry.io", Some("ada@globex.example"), error)).collect();
        insta::assert_snapshot!(all.join("\n\n---\n\n"), @r#"
    # Sentry no longer accepts your connection

    It has expired, or was ended at Sentry. Connect again, and ask once more.

    - Connect Sentry

    ---

    # Sign in to your organization first

    Your connection is fine, but globex/checkout-api is behind single sign-on. Sign in there once in your browser, then ask again.

    - [Sign in](https://sentry.io/auth/login/globex/)

    ---

    # Two-factor authentication is needed

    Your connection is fine, but globex/checkout-api is only for accounts with two-factor authentication. Turn it on for this account (ada@globex.example) at sentry.io, then ask again.

    - [Security settings](https://sentry.io/settings/account/security/)

    ---

    # Sentry wants your password for this

    That can only be given in the browser. Do this one at sentry.io.

    - [Open Sentry](https://sentry.io/)

    ---

    # Your membership is paused

    sentry.io disabled this account (ada@globex.example) for globex/checkout-api: the organization has more members than its plan includes. An owner can change that in the organization's settings.

    ---

    # Your Sentry connection does not include this yet

    It needs one more permission: event:read. Connect again to give it; nothing else changes.

    - Connect again

    ---

    # No access to globex/checkout-api

    Your connection works, but this account (ada@globex.example) has no access to globex/checkout-api at sentry.io. Ask an owner to let you in, or disconnect this account and connect another one.

    ---

    # The plan does not include this for globex/checkout-api

    sentry.io says that this needs another plan, or that its budget is used up. An owner can change that.

    ---

    # I can't find globex/checkout-api

    It may be gone, be spelled otherwise, or be hidden from this account (ada@globex.example).

    - List my organizations: `find_organizations` with `{}`

    ---

    # Sentry did not accept this request

    It says: Bad \*thing\* \<script\>

    ---

    # Sentry did not accept this request

    It answered with status 409, without a reason.

    ---

    # Sentry asks us to slow down

    Too many requests came at once. Try again in 2 minutes.

    ---

    # Sentry is not available right now

    sentry.io answered with an error (503), also when I asked again. Try again in a few minutes.

    - [Sentry's status](https://status.sentry.io/)

    ---

    # Sentry is not available right now

    I could not reach sentry.io, also when I asked again. Try again in a few minutes.

    - [Sentry's status](https://status.sentry.io/)

    ---

    # Sentry took too long to answer

    sentry.io gave no answer in time. Try again, or ask for less: a shorter period or one project.

    - [Sentry's status](https://status.sentry.io/)

    ---

    # Sentry answered with a web page instead of data

    A proxy or a maintenance page may stand before sentry.io. Try again in a few minutes; if it stays so, tell whoever looks after this Sentry.

    - [Sentry's status](https://status.sentry.io/)

    ---

    # I could not read Sentry's answer

    sentry.io sent more than 5 MB of data. Try again; if it stays so, ask for less or open it in Sentry.

    - [Open Sentry](https://sentry.io/)

    ---

    # I did not follow a link to another host

    Sentry pointed to an address outside of sentry.io. Your access goes to sentry.io only, so nothing was sent.
    "#);
    }

    #[test]
    fn only_a_dead_token_and_a_missing_scope_ask_to_reconnect_p4() {
        for error in every_error() {
            let reconnects = matches!(
                error,
                SentryError::Unauthorized { reason: Unauthorized::DeadToken, .. } | SentryError::MissingScope { .. }
            );
            let host = SentryHost::parse("sentry.io").unwrap();
            let answer = explain(&CommandError::Sentry(error.clone()), "globex", &host, None);
            assert_eq!(answer.actions.iter().any(|action| action.does == Does::Connect), reconnects, "{error:?}");
        }
    }

    #[test]
    fn a_self_hosted_sentry_is_called_by_its_name() {
        let told = told("sentry.example.com:9000", None, SentryError::Unavailable { status: Some(502) });
        assert!(told.contains("sentry.example.com:9000") && !told.contains("status.sentry.io"), "{told}");
    }

    #[test]
    fn a_subject_is_what_people_asked_for() {
        let target = Target { organization: Some("globex".to_owned()), project: Some("web".to_owned()) };
        let subject = |command: &str, parameters: serde_json::Value, target: &Target| {
            subject(&Invocation { command: command.to_owned(), parameters }, target)
        };
        let none = Target::default();
        assert_eq!(subject("issue list", serde_json::json!({}), &none), "your organization");
        assert_eq!(subject("issue list", serde_json::json!({}), &target), "globex/web");
        assert_eq!(subject("issue list", serde_json::json!({ "organizationSlug": "initech" }), &target), "initech");
        assert_eq!(subject("issue view", serde_json::json!({ "issueId": "WEB-1" }), &target), "WEB-1");
        assert_eq!(subject("issue view", serde_json::json!({ "issueId": "4521" }), &target), "issue 4521");
        let url = serde_json::json!({ "issueUrl": "https://globex.sentry.io/issues/4521/?a=b" });
        assert_eq!(subject("issue view", url, &target), "issue 4521");
        assert_eq!(subject("issue view", serde_json::json!({}), &target), "the issue you saw last");
        assert_eq!(subject("issue list", serde_json::json!("x"), &none), "your organization");
    }
}
