//! What the product itself says, besides answers. Short and kind; each says what happens next, or what to do.
//!
//! The public ones hold nothing private: no link, no account, no reason that is not everybody's to know (P13).

use url::Url;

use super::blocks::{Block, Control, Draft, MAX_RICH, Message, Run};

/// Why a person's Sentry access is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// They have not connected an account.
    First,
    /// A link was sent before, and is replaced by a new one.
    Again,
    /// Sentry no longer accepts the access they gave.
    Expired,
    /// The access they gave does not include what is asked.
    MissingScope,
    /// They connected when they were counted to another workspace.
    Moved,
}

/// What became of an account that was disconnected (P5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disconnection<'a> {
    /// The account, as people name it; `None` when it is not known.
    pub account: Option<&'a str>,
    /// The Sentry host, as people name it.
    pub host: &'a str,
    /// Whether Sentry confirmed that it revoked the access.
    pub revoked: bool,
    /// What became of the sessions of MCP clients that the account had let in.
    pub sessions: Sessions,
}

/// What became of sessions that are to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sessions {
    /// So many have ended.
    Ended(u32),
    /// They could not all be reached, and are being ended.
    Ending,
}

fn text(runs: &[Run]) -> Option<Block> {
    Block::rich(runs, MAX_RICH)
}

fn message(fallback: &str, blocks: impl IntoIterator<Item = Option<Block>>) -> Message {
    let mut draft = Draft::default();
    draft.add(blocks.into_iter().flatten());
    draft.finish(fallback)
}

/// A message of one paragraph.
fn says(words: &str) -> Message {
    message(words, [text(&[Run::plain(words)])])
}

fn connect_button() -> Option<Block> {
    Block::actions(Control::connect("Connect Sentry").into_iter().collect())
}

/// The placeholder that the answer replaces: `Looking at globex's issues…`.
pub fn progress(words: &str) -> Message {
    message(words, [text(&[Run::emoji("mag"), Run::plain("  "), Run::plain(words)])])
}

/// In public, while the turn waits for the person.
pub fn needs_access(reason: Reason) -> Message {
    let first = match reason {
        Reason::First => "I need your Sentry access to continue. I've sent you a private link.",
        Reason::Again => "I still need your Sentry access to continue. I've sent you a new private link.",
        Reason::Expired => "Your Sentry access is no longer valid. I've sent you a private link to reconnect.",
        Reason::MissingScope => {
            "This needs more permissions at Sentry than you gave me. I've sent you a private link to add them."
        }
        Reason::Moved => "I need your Sentry access once more. I've sent you a private link that says why.",
    };
    message(
        first,
        [
            text(&[Run::emoji("lock"), Run::plain("  "), Run::plain(first)]),
            Block::context("I'll carry on by myself once you're connected."),
        ],
    )
}

/// In public, when the person already has a link that works.
pub fn link_stands() -> Message {
    let words = "I still need your Sentry access to continue. The private link I sent you works.";
    message(
        words,
        [
            text(&[Run::emoji("lock"), Run::plain("  "), Run::plain(words)]),
            Block::context("I'll carry on by myself once you're connected."),
        ],
    )
}

/// To the person alone: the link. `who` is how Slack names them, blank when that is not known; `first` is whether they
/// connect for the first time.
pub fn private_link(url: &Url, who: &str, first: bool) -> Message {
    let (title, label) = if first {
        ("Connect your Sentry account", "Connect Sentry")
    } else {
        ("Reconnect your Sentry account", "Reconnect Sentry")
    };
    link_message(url, who, (title, label), None)
}

/// The same, to somebody who connected when they were counted to another workspace.
pub fn private_link_once_more(url: &Url, who: &str) -> Message {
    let why = "You connected before, when I counted you to another workspace. Connect the same account once more: the access \
               from then is deleted and revoked.";
    link_message(url, who, ("Reconnect your Sentry account", "Reconnect Sentry"), Block::context(why))
}

fn link_message(url: &Url, who: &str, (title, label): (&str, &str), why: Option<Block>) -> Message {
    let who = if who.trim().is_empty() { "you" } else { who };
    message(
        title,
        [
            text(&[
                Run::bold(title),
                Run::plain(
                    "\nI look things up with your own Sentry access, so you see what you may see there and nothing else.",
                ),
            ]),
            why,
            Block::actions(Control::connect_link(label, url).into_iter().collect()),
            Block::context(&format!(
                "This link is for {who} only. It works once, for 10 minutes. Please don't share it."
            )),
        ],
    )
}

/// In public, when no private message could be delivered. It holds no link.
pub fn cannot_reach_privately() -> Message {
    let fallback = "I need your Sentry access, but I can't send you a private message here. Open a direct message with me \
                    and say connect.";
    message(
        fallback,
        [text(&[
            Run::emoji("lock"),
            Run::plain(
                "  I need your Sentry access, but I can't send you a private message here. Open a direct message with me and say ",
            ),
            Run::code("connect"),
            Run::plain("."),
        ])],
    )
}

/// In public, when what came of the question is for the person alone.
pub fn answered_privately() -> Message {
    let words = "I answered this privately: it is for the person who asked.";
    message(words, [text(&[Run::emoji("lock"), Run::plain("  "), Run::plain(words)])])
}

/// In public, when the answer is for the person alone and could not reach them.
pub fn cannot_answer_privately() -> Message {
    let words = "The answer is for you alone, but I can't send you a private message here. Open a direct message with me and \
                 ask there.";
    message(words, [text(&[Run::emoji("lock"), Run::plain("  "), Run::plain(words)])])
}

/// `message` under a line that says who asked. The mention is in a block: where it is put in by an update, it notifies nobody.
pub fn asked_by(user: &str, message: &Message) -> Message {
    let line = text(&[Run::plain("Asked by "), Run::user(user)]);
    let blocks = line.into_iter().map(Block::into_value).chain(message.blocks.iter().cloned());
    Message { text: message.text.clone(), blocks: blocks.collect() }
}

/// To the person alone: it worked.
pub fn connected_as(account: &str, host: &str) -> Message {
    message(
        &format!("Connected as {account} on {host}."),
        [
            text(&[
                Run::emoji("white_check_mark"),
                Run::plain("  Connected as "),
                Run::bold(account),
                Run::plain(&format!(" on {host}.")),
            ]),
            text(&[Run::plain("Say "), Run::code("disconnect"), Run::plain(" at any time to take the access away.")]),
        ],
    )
}

/// To the person alone: the link's page was left with Cancel, here or at Sentry. `own`: in place of a question that still waits
/// and will be answered there, so that nothing else may be shown there meanwhile.
pub fn link_declined(own: bool) -> Message {
    unused_link("You didn't give me access at Sentry, so nothing was connected. Changed your mind?", own)
}

/// To the person alone: the link was not used while it worked. `own` as for [`link_declined`].
pub fn link_expired(own: bool) -> Message {
    unused_link("The private link has run out: it works for 10 minutes. Do you want a new one?", own)
}

fn unused_link(words: &str, own: bool) -> Message {
    if !own {
        return message(words, [text(&[Run::plain(words)]), connect_button()]);
    }
    let said =
        [Run::plain(words), Run::plain(" Say "), Run::code("connect"), Run::plain(": what you asked still waits.")];
    message(words, [text(&said)])
}

/// The turn waited for access that never came.
pub fn waiting_expired() -> Message {
    let words = "I waited for your Sentry access, but the link wasn't used in time. Connect now and ask again.";
    message(words, [text(&[Run::plain(words)]), connect_button()])
}

/// The account was disconnected: what was done, and what was not.
pub fn disconnected(what: Disconnection) -> Message {
    let account = what.account.map(|account| format!(" {account}")).unwrap_or_default();
    let mut done = format!("Disconnected{account} from {}. Your access is deleted here", what.host);
    done.push_str(if what.revoked { " and revoked at Sentry." } else { "." });
    match what.sessions {
        Sessions::Ended(0) => {}
        Sessions::Ended(1) => done.push_str(" One MCP client that used the account was disconnected too."),
        Sessions::Ended(more) => {
            done.push_str(&format!(" {more} MCP clients that used the account were disconnected too."));
        }
        Sessions::Ending => done.push_str(" MCP clients that use the account are being disconnected too."),
    }
    let remains = "Sentry didn't confirm that it revoked the access. You can do it yourself in Sentry: User settings, \
                   Authorized Applications.";
    let remains = if what.revoked { None } else { Block::context(remains) };
    message(&done, [text(&[Run::plain(&done)]), remains, connect_button()])
}

/// There was nothing to disconnect. `clients` is the page where MCP clients are.
pub fn not_connected(clients: &Url) -> Message {
    let words = "You have no Sentry account connected here, so there is nothing to disconnect.";
    let elsewhere = Block::context(&format!("MCP clients that you let in are disconnected at {clients}"));
    message(words, [text(&[Run::plain(words)]), elsewhere, connect_button()])
}

/// The inbox already holds `n` requests of this person (P10).
pub fn inbox_full(n: usize) -> Message {
    says(&format!("You already have {n} requests waiting. Let me finish some of them, then ask again."))
}

/// A turn that ended without an answer. `words` say why, and what to do.
pub fn failed(words: &str) -> Message {
    message(words, [text(&[Run::emoji("warning"), Run::plain("  "), Run::plain(words)])])
}

/// The request could not be stored, so nothing will come of it.
pub fn not_stored() -> Message {
    failed("I couldn't take your request just now. Nothing was done: please try again in a moment.")
}

/// The operator does not let this person's team in.
pub fn not_allowed() -> Message {
    says("Sorry, I don't work for your workspace here. The people who run me can allow it.")
}

#[cfg(test)]
mod tests {
    use super::super::limits::violations;
    use super::*;

    fn link() -> Url {
        Url::parse("https://vedette.example.com/connect/3q2-7wAAAAB").unwrap()
    }

    /// Every message there is, by name.
    fn all() -> Vec<(&'static str, Message)> {
        let disconnection = Disconnection {
            account: Some("ada@globex.example"),
            host: "sentry.io",
            revoked: true,
            sessions: Sessions::Ended(2),
        };
        vec![
            ("progress", progress("Looking at globex's issues…")),
            ("needs_access_first", needs_access(Reason::First)),
            ("needs_access_again", needs_access(Reason::Again)),
            ("needs_access_expired", needs_access(Reason::Expired)),
            ("needs_access_missing_scope", needs_access(Reason::MissingScope)),
            ("needs_access_moved", needs_access(Reason::Moved)),
            ("private_link_first", private_link(&link(), "Ada Lovelace", true)),
            ("private_link_again", private_link(&link(), "Ada Lovelace", false)),
            ("private_link_once_more", private_link_once_more(&link(), "Ada Lovelace")),
            ("cannot_reach_privately", cannot_reach_privately()),
            ("answered_privately", answered_privately()),
            ("cannot_answer_privately", cannot_answer_privately()),
            ("asked_by", asked_by("U0GRACE", &failed("Sentry did not answer in time."))),
            ("connected_as", connected_as("ada@globex.example", "sentry.io")),
            ("link_declined", link_declined(false)),
            ("link_declined_own", link_declined(true)),
            ("link_expired", link_expired(false)),
            ("waiting_expired", waiting_expired()),
            ("disconnected", disconnected(disconnection)),
            (
                "disconnected_without_revocation",
                disconnected(Disconnection {
                    account: None,
                    revoked: false,
                    sessions: Sessions::Ending,
                    ..disconnection
                }),
            ),
            ("not_connected", not_connected(&Url::parse("https://vedette.example.com/account").unwrap())),
            ("inbox_full", inbox_full(20)),
            ("failed", failed("Sentry did not answer in time. Please ask again in a minute.")),
            ("not_stored", not_stored()),
            ("not_allowed", not_allowed()),
        ]
    }

    #[test]
    fn every_message_is_as_reviewed_and_within_slacks_limits() {
        for (name, message) in all() {
            assert_eq!(violations(&message), Vec::<String>::new(), "{name}");
            insta::assert_snapshot!(name, serde_json::to_string_pretty(&message).unwrap());
        }
    }

    #[test]
    fn the_private_link_is_in_the_private_message_alone_and_not_in_its_notification_p13() {
        for (name, message) in all() {
            let holds = serde_json::to_string(&message.blocks).unwrap().contains("/connect/");
            assert_eq!(holds, name.starts_with("private_link"), "{name}");
            assert!(!message.text.contains("://"), "{name}");
        }
    }

    #[test]
    fn hostile_names_are_just_characters_p20() {
        let hostile = "<!channel> *@here* <https://evil.example|Sentry>\u{202E}\n> `x`".repeat(200);
        let disconnection =
            Disconnection { account: Some(&hostile), host: &hostile, revoked: true, sessions: Sessions::Ended(0) };
        for message in [
            progress(&hostile),
            failed(&hostile),
            private_link(&link(), &hostile, true),
            connected_as(&hostile, &hostile),
            disconnected(disconnection),
        ] {
            assert_eq!(violations(&message), Vec::<String>::new());
        }
    }
}
