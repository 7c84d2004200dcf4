//! The first page for machines: the same facts as Markdown, in the order that <https://llmstxt.org> has them.

use std::fmt::Write;

use super::clients::Client;
use super::facts::{self, Facts, State};
use crate::config::Problem;
use crate::sessions::terms::SKILLS;
use vedette_commands::catalogue;

/// The page.
pub(crate) fn render(facts: &Facts<'_>) -> String {
    let mut text = format!("# Vedette\n\n> {} {}\n", facts::ABOUT, facts.access);
    let _ = write!(text, "\n## Slack: {}\n\n{}\n\n", facts.slack.state.word(), facts.slack.about);
    for (line, what) in &facts.slack.lines {
        let _ = writeln!(text, "- {}: {what}", code(line));
    }
    text.push_str(&problems(facts.slack.state.problems()));

    let mcp = &facts.mcp;
    let _ = write!(text, "\n## MCP: {}\n\n{}\n\n", mcp.state.word(), mcp.about);
    let _ = write!(text, "- Address: {}\n- Transport: Streamable HTTP\n", code(&mcp.url));
    let credential = match mcp.state {
        State::Open => "OAuth 2.1 with PKCE and dynamic client registration; or a Sentry token as `Sentry-Bearer`",
        State::TokensOnly(_) => "a Sentry token as `Sentry-Bearer`",
        State::Closed(_) => "none is taken now",
    };
    let _ = writeln!(text, "- Authorization: {credential}");
    text.push_str(&problems(mcp.state.problems()));

    if !mcp.clients.is_empty() {
        text.push_str("\n## Add it to your client\n");
        mcp.clients.iter().for_each(|it| client(&mut text, it));
    }
    let _ = write!(text, "\n## Limits\n\n{}\n\n", facts.mcp.limits);
    for (suffix, leaves) in facts::LIMITS {
        let _ = writeln!(text, "- {}: {leaves}", code(&format!("{}{suffix}", mcp.url)));
    }
    let _ = writeln!(text, "\n## Skills\n\n{}{}\n", facts.mcp.skills, facts::reads_only());
    for skill in &SKILLS {
        let _ = writeln!(text, "- {} (`{}`): {}", skill.title, skill.name, skill.description);
    }
    text.push_str("\n## Tools\n\n");
    for entry in catalogue() {
        let _ = writeln!(text, "- {}: {}", code(entry.spec.tool), entry.spec.summary);
    }
    text.push_str("\n## Your data\n\n");
    for sentence in facts.data.iter().map(String::as_str).chain(facts.caution.iter().copied()) {
        let _ = writeln!(text, "- {sentence}");
    }
    text.push_str("\n## More\n\n");
    if facts.accounts {
        text.push_str("- [Account](/account): the clients that you let in, and how to end each\n");
    }
    text.push_str(
        "- [Health](/health): what the configuration lacks\n- [mcp.json](/mcp.json): the address for machines\n",
    );
    if let Some(host) = facts.sentry {
        let _ = writeln!(text, "- Asks <{}>", host.origin());
    }
    text
}

fn client(text: &mut String, client: &Client) {
    let _ = writeln!(text, "\n### {}", client.name);
    if !client.how.is_empty() {
        let _ = writeln!(text, "\n{}", client.how);
    }
    if let Some(link) = &client.link {
        let _ = writeln!(text, "\n[{}]({})", link.label, link.href);
    }
    for snippet in &client.snippets {
        let _ = writeln!(text, "\n{}:\n\n```{}\n{}\n```", snippet.place, snippet.language, snippet.text);
    }
    if !client.then.is_empty() {
        let _ = writeln!(text, "\n{}", client.then);
    }
    let _ = writeln!(text, "\n[Documentation]({})", client.docs);
}

fn problems(problems: &[Problem]) -> String {
    let lines = problems.iter().map(|problem| format!("- `{}` {}.\n", problem.variable, problem.problem));
    let lines: String = lines.collect();
    if lines.is_empty() { lines } else { format!("\nLacking:\n\n{lines}") }
}

/// `text` as a code span, whatever it holds.
fn code(text: &str) -> String {
    let longest = text.split(|character| character != '`').map(str::len).max().unwrap_or_default();
    match longest {
        0 => format!("`{text}`"),
        longest => {
            let fence = "`".repeat(longest + 1);
            format!("{fence} {text} {fence}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::code;

    #[test]
    fn a_code_span_cannot_be_ended_from_within() {
        assert_eq!(code("https://vedette.example/mcp"), "`https://vedette.example/mcp`");
        assert_eq!(code("a`b``c"), "``` a`b``c ```");
    }
}
