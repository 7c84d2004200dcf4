//! The pages of connecting a Sentry account to a Slack person (P14).
//!
//! Whoever holds a connect link is not yet known to be the person it was made for. So the first page names the Slack
//! person before anything is asked of Sentry, and the last one names the Sentry account beside that person before
//! anything is kept. Neither page acts by being opened: each acts by a form.

mod problem;

use http::StatusCode;
use maud::{Markup, html};
use url::Url;

use super::{
    Forms, Page,
    layout::{self, Step, counted, name},
    scopes,
};
use crate::turns::calls::Asker;
use vedette_sentry::host::SentryHost;

pub use problem::ConnectProblem;

/// The field of both forms that ties them to the browser they were made for.
pub const CSRF_FIELD: &str = "csrf";
/// The field of the confirmation that says which button was pressed.
pub const DECISION_FIELD: &str = "decision";
/// The decision to connect.
pub const CONNECT: &str = "connect";
/// The decision not to.
pub const CANCEL: &str = "cancel";

/// What the first page needs to know.
#[derive(Clone, Copy, Debug)]
pub struct ConnectStart<'a> {
    /// Who asked for the link, and where.
    pub asker: &'a Asker,
    /// The Sentry that will be asked.
    pub host: &'a SentryHost,
    /// The scopes that will be asked for.
    pub scopes: &'a [String],
    /// Where the form posts.
    pub action: &'a str,
    /// The value of [`CSRF_FIELD`].
    pub csrf: &'a str,
    /// The request that waits for the account: `issue list globex`.
    pub waiting: Option<&'a str>,
    /// How long the link still works, in minutes, rounded down.
    pub expires_in_minutes: u32,
    /// The slash command's name.
    pub command: &'a str,
}

/// The first page: who is about to be connected, and what will be asked for. Its one button is within the first screen.
pub fn start(it: ConnectStart<'_>) -> Page {
    let title = "Connect your Sentry account";
    let host = it.host.name();
    let content = html! {
        (layout::steps(Step::Start))
        section.card.start {
            h1 { (title) }
            p.warning { strong { "Did somebody send you this link?" } " Close it: they would ask with your access." }
            div.party {
                h2 { "Only if this is you in Slack" }
                p.who { (name(&it.asker.name)) }
                p { (unchosen(it.asker)) " · " (name(&it.asker.workspace)) }
                @if let Some(asked) = &it.asker.asked { p { "Asked " (name(asked)) } }
                @if let Some(waiting) = it.waiting { (layout::quotation(waiting)) }
            }
            details.scopes {
                summary { span { (name(&host)) " will be asked for this: " strong { (scopes::in_one_line(it.scopes)) } } }
                (layout::access(it.scopes))
                ul.promises {
                    @if scopes::read_only(it.scopes) {
                        li { "Nothing is changed in Sentry: this access can only read." }
                    } @else {
                        li { "Nothing is changed in Sentry unless you ask for it." }
                    }
                    li { "Your Sentry token is never shown: not to Slack, not to anybody. It is stored encrypted." }
                    li { "Nobody else can use your access, whatever they ask for." }
                    li { "Nothing is for ever: " code { (it.command) " disconnect" } " in Slack ends it at any time." }
                }
                p.small { "An answer that is posted in a channel can be read by everybody there." }
            }
            form method="post" action=(it.action) {
                (layout::hidden(&[(CSRF_FIELD, it.csrf)]))
                button.primary type="submit" { "Continue to Sentry" }
                p.small { (lifetime(it.expires_in_minutes)) }
            }
        }
    };
    Page::new(StatusCode::OK, layout::document(title, &content), Forms::ThroughSentry(it.host))
}

/// What the person cannot choose: the address that Slack confirmed, else the handle and the member id.
fn unchosen(asker: &Asker) -> Markup {
    html! {
        @if let Some(email) = &asker.email {
            (name(email))
        } @else {
            @if let Some(handle) = &asker.handle { "@" (name(handle)) ", " }
            "member " code { (name(&asker.member)) }
        }
    }
}

fn lifetime(minutes: u32) -> String {
    let time = match minutes {
        0 => "for less than a minute".to_owned(),
        minutes => format!("for {}", counted(minutes, "one more minute", "more minutes")),
    };
    format!("This link is yours alone. It works once, {time}.")
}

/// What the confirmation needs to know.
#[derive(Clone, Copy, Debug)]
pub struct ConnectConfirm<'a> {
    /// The Slack person.
    pub asker: &'a Asker,
    /// The Sentry account's name; may be blank.
    pub account_name: &'a str,
    /// The Sentry account's address; may be blank.
    pub account_email: &'a str,
    /// The Sentry that the account is of.
    pub host: &'a SentryHost,
    /// Where the form posts.
    pub action: &'a str,
    /// The value of [`CSRF_FIELD`].
    pub csrf: &'a str,
    /// Further fields of the form.
    pub hidden: &'a [(&'a str, &'a str)],
}

/// The confirmation: the person and the account side by side, before anything is kept.
pub fn confirm(it: ConnectConfirm<'_>) -> Page {
    let title = "Connect these two?";
    let host = it.host.name();
    let (account, address) = named(it.account_name, it.account_email);
    let likeness = Likeness::of(it.asker, it.account_name, it.account_email);
    // Pressing the button that stands out is a habit: where something differs, none does.
    let usual = likeness.differs().is_none();
    let content = html! {
        (layout::steps(Step::Confirm))
        section.card {
            h1 { (title) }
            p.lead { "Sentry has agreed. Nothing is connected until you say so." }
            div.pair {
                (party("In Slack", "slack", &it.asker.name, &html! { p { (unchosen(it.asker)) } p { (name(&it.asker.workspace)) } }))
                span.link aria-hidden="true" {}
                (party("In Sentry", "sentry", account, &html! {
                    @for line in [address, &host].into_iter().filter(|line| !line.is_empty()) { p { (name(line)) } }
                }))
            }
            (likeness.show())
            form method="post" action=(it.action) {
                (layout::hidden(&[(CSRF_FIELD, it.csrf)]))
                (layout::hidden(it.hidden))
                div.buttons {
                    button.primary[usual] type="submit" name=(DECISION_FIELD) value=(CONNECT) { "Connect" }
                    button type="submit" name=(DECISION_FIELD) value=(CANCEL) { "Cancel" }
                }
            }
        }
    };
    Page::new(StatusCode::OK, layout::document(title, &content), Forms::Here)
}

/// How alike the two sides are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Likeness {
    /// Both have the same address.
    SameAddress,
    /// Each has an address, and they differ: a name can be taken, an address cannot.
    OtherAddress,
    /// The names have nothing in common.
    OtherName,
    /// Nothing speaks for or against.
    Unclear,
}

impl Likeness {
    fn of(asker: &Asker, account_name: &str, account_email: &str) -> Likeness {
        let email = account_email.trim();
        match &asker.email {
            Some(own) if own.eq_ignore_ascii_case(email) => return Likeness::SameAddress,
            Some(_) if !email.is_empty() => return Likeness::OtherAddress,
            _ => {}
        }
        let account = comparable(account_name);
        let own = [Some(&asker.name), asker.handle.as_ref()];
        if account.is_empty() || account_name.trim() == email {
            return Likeness::Unclear;
        }
        let alike = own.into_iter().flatten().any(|name| comparable(name) == account);
        if alike { Likeness::Unclear } else { Likeness::OtherName }
    }

    /// What differs, in words.
    fn differs(self) -> Option<&'static str> {
        match self {
            Likeness::OtherAddress => Some("These e-mail addresses differ."),
            Likeness::OtherName => Some("These names differ."),
            Likeness::SameAddress | Likeness::Unclear => None,
        }
    }

    fn show(self) -> Markup {
        html! {
            @match (self, self.differs()) {
                (_, Some(differs)) => {
                    p.warning.differs {
                        strong { (differs) }
                        " Connect only if both are you. If not, choose Cancel: the person in Slack would ask with the \
                         account’s access."
                    }
                }
                (Likeness::SameAddress, _) => {
                    p.next { "Both have the same e-mail address. If either is not you, choose Cancel." }
                }
                _ => {
                    p.warning {
                        strong { "Are both of these you?" }
                        " If either is not, choose Cancel: the person in Slack would ask with the account’s access."
                    }
                }
            }
        }
    }
}

/// The words of a name, whatever their case, order and marks.
fn comparable(name: &str) -> Vec<String> {
    let lower = name.to_lowercase();
    let mut words: Vec<String> =
        lower.split(|letter: char| !letter.is_alphanumeric()).filter(|it| !it.is_empty()).map(str::to_owned).collect();
    words.sort();
    words
}

/// What an account is called, and its address where that says more.
fn named<'a>(account: &'a str, email: &'a str) -> (&'a str, &'a str) {
    match (account.trim(), email.trim()) {
        ("", "") => ("An account without a name", ""),
        ("", email) => (email, ""),
        (account, email) if account == email => (account, ""),
        both => both,
    }
}

fn party(place: &str, class: &str, who: &str, details: &Markup) -> Markup {
    html! {
        div.party.(class) {
            h2 { (place) }
            p.who { (name(who)) }
            (details)
        }
    }
}

/// What the last page needs to know.
#[derive(Clone, Copy, Debug)]
pub struct Connected<'a> {
    /// The Sentry account, as people name it.
    pub account: &'a str,
    /// The Slack person.
    pub asker: &'a Asker,
    /// The Sentry that the account is of.
    pub host: &'a SentryHost,
    /// How many questions were waiting and now go on.
    pub resuming: u32,
    /// The slash command's name.
    pub command: &'a str,
}

/// The last page: connected, and what happens to the questions that waited.
pub fn connected(it: Connected<'_>) -> Page {
    let title = "Sentry account connected";
    let content = html! {
        (layout::steps(Step::Done))
        section.card.done {
            h1 { (title) }
            p.lead {
                strong { (name(&it.asker.name)) } " in " strong { (name(&it.asker.workspace)) } " now asks "
                (name(&it.host.name())) " as " strong { (name(it.account)) } "."
            }
            div.next {
                @match it.resuming {
                    0 => { p { "You can close this tab and ask in Slack." } }
                    1 => { p { "Your question is being answered in Slack now. You can close this tab." } }
                    many => {
                        p { "Your " (many) " questions are being answered in Slack now. You can close this tab." }
                    }
                }
            }
            (layout::back_to_slack(it.asker.back.as_ref()))
            p.small { code { (it.command) " disconnect" } " in Slack ends this at any time." }
        }
    };
    Page::new(StatusCode::OK, layout::document(title, &content), Forms::None)
}

/// The person chose Cancel. `back` leads to the conversation in Slack.
pub fn cancelled(back: Option<&Url>) -> Page {
    let title = "Nothing was connected";
    let content = html! {
        section.card {
            h1 { (title) }
            p.lead { "You cancelled. Nothing was kept, here or in Slack." }
            div.next {
                p { "You can close this tab. If you change your mind, ask again in Slack: a new link comes at once." }
            }
            (layout::back_to_slack(back))
        }
    };
    Page::new(StatusCode::OK, layout::document(title, &content), Forms::None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asker(name: &str, email: Option<&str>) -> Asker {
        Asker {
            name: name.to_owned(),
            email: email.map(str::to_owned),
            handle: Some("ada".to_owned()),
            member: "U0ADA".to_owned(),
            workspace: "Globex".to_owned(),
            asked: None,
            back: None,
        }
    }

    #[test]
    fn what_differs_between_the_two_sides_is_noticed_p14() {
        let address = Some("ada@globex.example");
        for (own, email, account, account_email, likeness) in [
            ("Ada Lovelace", address, "Ada Lovelace", "ADA@globex.example", Likeness::SameAddress),
            ("al", address, "Somebody", "ada@globex.example", Likeness::SameAddress),
            // Who took the victim's name has not their address.
            ("Grace Hopper", address, "Grace Hopper", "grace@globex.example", Likeness::OtherAddress),
            ("Ada Lovelace", None, "Grace Hopper", "grace@globex.example", Likeness::OtherName),
            ("Ada Lovelace", None, "Lovelace, Ada", "ada@globex.example", Likeness::Unclear),
            ("Countess", None, "ada", "", Likeness::Unclear),
            ("Ada Lovelace", None, "", "grace@globex.example", Likeness::Unclear),
            ("Ada Lovelace", None, "ci@globex.example", "ci@globex.example", Likeness::Unclear),
            ("Ada Lovelace", address, "Ada Lovelace", "", Likeness::Unclear),
            ("Ada Lovelace", address, "Grace Hopper", " ", Likeness::OtherName),
        ] {
            assert_eq!(Likeness::of(&asker(own, email), account, account_email), likeness, "{own} {account}");
        }
    }
}
