//! Commands that are offered: a button says in words what it does, and the text beside it shows the line that does the same, so
//! that people learn it.

use super::answer::{Action, Does, Invocation};
use super::grammar::Words;
use super::plan::{Plan, command, control};
use super::{find, say};

/// The longest that a button says.
const MAX_LABEL: usize = 75;

/// What a button says that does `plan`.
pub fn label(plan: &Plan) -> String {
    let label = match plan {
        Plan::Run { invocation, .. } => find(&invocation.command)
            .and_then(|entry| (entry.label)(&invocation.parameters))
            .unwrap_or_else(|| invocation.command.clone()),
        Plan::Connect => "Connect Sentry".to_owned(),
        Plan::Disconnect => "Disconnect".to_owned(),
        Plan::Status => "Show how I am connected".to_owned(),
        Plan::Use(_) => "Show where you look for me".to_owned(),
        Plan::Say(_) => "Show help".to_owned(),
    };
    say::cut(&label, MAX_LABEL)
}

/// What a button says that runs `invocation`.
pub fn label_of(invocation: &Invocation) -> String {
    label(&Plan::Run { invocation: invocation.clone(), share: false, reading: None })
}

/// A line that is offered instead of the answer that offers it.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    /// The line, as it would be typed.
    line: String,
    /// The button; some lines have to be typed.
    action: Option<Action>,
}

impl Offer {
    /// `line`, when it would be understood.
    pub fn new(line: &str) -> Option<Offer> {
        let words = Words::parse(line).ok()?;
        let plan = control(&words).or_else(|| command(&words, false))?;
        let does = match &plan {
            Plan::Run { invocation, .. } => Some(Does::Instead(invocation.clone())),
            Plan::Connect => Some(Does::Connect),
            Plan::Disconnect => Some(Does::Disconnect),
            Plan::Status | Plan::Use(_) | Plan::Say(_) => None,
        };
        let action = does.map(|does| Action { label: label(&plan), does });
        Some(Offer { line: line.to_owned(), action })
    }

    /// The line, marked as something to type.
    pub fn code(&self) -> String {
        format!("`{}`", self.line.replace('`', "'"))
    }

    /// The button.
    pub fn action(self) -> Option<Action> {
        self.action
    }
}

/// The lines of `offers`, as one reads them: `a`, `b` or `c`.
pub fn lines(offers: &[Offer]) -> String {
    let lines: Vec<String> = offers.iter().map(Offer::code).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    say::joined(&lines, "or")
}

/// The buttons of `offers`.
pub fn actions(offers: Vec<Offer>) -> Vec<Action> {
    offers.into_iter().filter_map(Offer::action).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(line: &str) -> String {
        Offer::new(line).unwrap().action().unwrap().label
    }

    #[test]
    fn a_button_says_in_words_what_it_does() {
        for (line, expected) in [
            ("issue list", "Show unresolved issues"),
            ("issue list globex", "Show unresolved issues in globex"),
            ("issue list globex -q \"is:unresolved level:fatal\"", "Show fatal issues in globex"),
            ("issue list globex -q \"level:[error,fatal]\" -t 1h", "Show errors in globex from the last hour"),
            ("issue list globex -q level:warning -t 24h", "Show warning issues in globex from the last 24 hours"),
            ("issue list globex -q \"\"", "Show all issues in globex"),
            (
                "issue list globex/checkout-api -s freq -n 5",
                "Show the 5 most frequent unresolved issues in globex/checkout-api",
            ),
            ("issue list -s new", "Show the newest unresolved issues"),
            ("issue list globex -s user", "Show unresolved issues that affect most people in globex"),
            ("issue list -q \"assigned:me is:unresolved\"", "Show my issues"),
            ("issue list -s new -q assigned:me", "Show my newest issues"),
            ("issue list -q \"is:resolved environment:production\"", "Show resolved production issues"),
            ("issue list -q \"release:*2.14.1\"", "Show issues of release 2.14.1"),
            ("issue list -q firstRelease:latest", "Show issues new in the latest release"),
            (
                "issue list -q \"assigned:#payments browser:Safari\"",
                "Show issues assigned to #payments with browser:Safari",
            ),
            ("issue list -q '\"pool exhausted\" timeout'", "Show issues with “pool exhausted” and “timeout”"),
            ("issue view CHECKOUT-API-4F", "Show CHECKOUT-API-4F"),
            ("issue view globex/4521 -e oldest", "Show the oldest event of 4521"),
            ("issue view @latest", "Show the latest issue"),
            ("issue view", "Show the issue that was seen last"),
            ("issue view https://globex.sentry.io/issues/4521/", "Show that issue"),
            ("project list globex -q web", "List the projects of globex with “web”"),
            ("org list", "List my organizations"),
            ("whoami", "Show my Sentry account"),
            ("connect", "Connect Sentry"),
            ("log out", "Disconnect"),
        ] {
            assert_eq!(said(line), expected, "{line}");
        }
    }

    #[test]
    fn a_label_keeps_slacks_limit_and_names_no_command() {
        let long = said(&format!("issue list globex -q {}", "timeout".repeat(40)));
        assert_eq!(long.chars().count(), MAX_LABEL);
        for entry in crate::catalogue() {
            for example in entry.spec.examples {
                let said = said(example);
                assert!(!said.contains(entry.spec.name) && !said.contains(" -"), "{example}: {said}");
            }
        }
    }
}
