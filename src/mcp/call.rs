//! `tools/call`: one command, run with the caller's credential.
//!
//! 1. The tool is one of this connection's, else -32602; or 403, when only the token's scopes are too few for it.
//! 2. The arguments fit its schema, else a tool error that says how to mend them.
//! 3. What the place fixes is put in, over whatever was sent, and a web address in the arguments leads nowhere else.
//! 4. The command runs, and knows the limit: it takes no name for another place, and leaves out of its lists what is of
//!    another project. A dead credential is 401 and a missing scope 403, each with its challenge; every other failure is a
//!    tool error for the model to read.
//! 5. In a project, an answer about something of another project is not shown.
//! 6. The answer is given as data and as text, both marked as untrusted (P20). So is the text of a failure, which may have
//!    Sentry's words in it.

use std::time::Duration;

use rmcp::model::{CallToolRequestParams, CallToolResult, ContentBlock, ErrorData, JsonObject};
use serde_json::Value;

use super::arguments::fitting;
use super::constraint::Place;
use super::refusal::Refusal;
use super::structured::Structured;
use super::tools::{self, Offered};
use super::words::{for_retries, for_tools, marked, marked_failure};
use super::{Failure, Server};
use crate::ports::{Level, Timestamp};
use crate::reply::whole_seconds;
use vedette_commands::answer::{Answer, Invocation};
use vedette_commands::explain::{explain, subject};
use vedette_commands::text::markdown;
use vedette_commands::{CommandError, Context, Target, find, say};
use vedette_sentry::client::Client;
use vedette_sentry::error::{SentryError, Unauthorized};
use vedette_sentry::oauth::Account;
use vedette_sentry::urls::{IssueName, Page, address, recognise};

/// Calls a tool.
///
/// # Errors
/// When there is no such tool, or the credential does not do.
pub async fn call(server: &Server<'_>, params: CallToolRequestParams) -> Result<CallToolResult, Failure> {
    let answer = match answer(server, &params.name, params.arguments.unwrap_or_default()).await? {
        Ok(answer) => answer,
        Err(sentence) => return Ok(CallToolResult::error(vec![ContentBlock::text(sentence)])),
    };
    let text = marked(&*server.world.ports.random, &answer);
    let mut result = CallToolResult::success(vec![ContentBlock::text(text)]);
    result.structured_content = serde_json::to_value(Structured::from(&answer)).ok();
    Ok(result)
}

/// The answer of a tool, or the words of a tool error.
///
/// # Errors
/// As [`call`].
pub async fn answer(
    server: &Server<'_>,
    name: &str,
    mut arguments: JsonObject,
) -> Result<Result<Answer, String>, Failure> {
    let Some(tool) = tools::find(&server.caller.skills, server.place, name) else {
        return Err(unoffered(server, name)); // 1
    };
    arguments.retain(|name, _| !tool.fixed.contains_key(name));
    let mut arguments = match fitting(&tool.tool.input_schema, arguments) {
        Ok(arguments) => arguments,
        Err(mistakes) => return Ok(Err(unfitting(&tool, &mistakes))), // 2
    };
    if let Some(mistake) = no_issue(&tool, &arguments) {
        return Ok(Err(unfitting(&tool, &[mistake])));
    }
    if let Some(sentence) = leads_out(server, &arguments) {
        return Ok(Err(sentence)); // 3
    }
    arguments.extend(tool.fixed.clone());
    let parameters = Value::Object(arguments);
    let invocation = Invocation { command: tool.entry.spec.name.to_owned(), parameters };
    let target = target(server);
    let Place { organization, project } = server.place.clone();
    let limit = Target { organization, project };
    let run = async |client: &Client| {
        let context = Context { client, target: target.clone(), last_issue: None, limit: limit.clone() };
        (tool.entry.run)(&context, invocation.parameters.clone()).await
    };
    let done = server.caller.with_client(server.world, server.endpoint, run).await?; // 4
    Ok(match done {
        Ok(answer) if elsewhere(&tool, &answer) => Err(outside(server)), // 5
        Ok(answer) => Ok(for_tools(answer)),
        Err(error) => Err(explained(server, &error, &invocation, &target)),
    })
}

/// Why a tool is none of this connection's.
fn unoffered(server: &Server<'_>, name: &str) -> Failure {
    let Some(entry) = find(name).filter(|entry| entry.spec.tool == name) else {
        let sentence = format!("There is no tool `{}`.", say::line(name, 60));
        return ErrorData::invalid_params(sentence, None).into();
    };
    let caller = server.caller;
    let missing = caller.skills.missing(&entry.spec);
    if missing.is_empty() {
        return ErrorData::invalid_params(format!("The tool `{name}` is not part of this connection."), None).into();
    }
    Refusal::insufficient_scope(server.endpoint, caller.scheme, &missing, caller.skills.scopes()).into()
}

/// What is missing where one of two parameters is needed, which a schema without unions cannot say.
fn no_issue(tool: &Offered, arguments: &JsonObject) -> Option<String> {
    const EITHER: [&str; 2] = ["issueId", "issueUrl"];
    let properties = tool.tool.input_schema.get("properties").and_then(Value::as_object)?;
    let takes = EITHER.iter().all(|name| properties.contains_key(*name));
    let given = EITHER.iter().any(|name| arguments.contains_key(*name));
    let example = format!(r#"{} {{"issueId":"CHECKOUT-API-4F"}}"#, tool.tool.name);
    (takes && !given).then(|| format!("`issueId` or `issueUrl` is missing: give one of them, as in `{example}`."))
}

fn unfitting(tool: &Offered, mistakes: &[String]) -> String {
    let list: String = mistakes.iter().map(|mistake| format!("\n- {mistake}")).collect();
    format!("**Input error**: the arguments of `{}` do not fit. Change them and call again.\n{list}", tool.tool.name)
}

/// `Call again in 60 seconds, at 2026-03-04T10:16:00Z.`: as exact as Sentry was, for a program that waits.
fn when_again(now: Timestamp, wait: Duration) -> String {
    let seconds = whole_seconds(wait);
    let moment = jiff::Timestamp::from_second((now + Duration::from_secs(seconds)).as_seconds());
    format!("Call again in {seconds} seconds{}.", moment.map(|it| format!(", at {it}")).unwrap_or_default())
}

/// Where a call looks that names no organization: the place, else what the operator set.
fn target(server: &Server<'_>) -> Target {
    let default = &server.world.config.default_target;
    match &server.place.organization {
        Some(organization) => {
            Target { organization: Some(organization.clone()), project: server.place.project.clone() }
        }
        None => Target { organization: default.organization.clone(), project: default.project.clone() },
    }
}

/// Why the web address in the arguments is none of this place's.
fn leads_out(server: &Server<'_>, arguments: &JsonObject) -> Option<String> {
    let limit = server.place.organization.as_ref()?;
    let host = server.world.config.sentry_host.as_ref().ok()?;
    let urls = arguments.values().filter_map(Value::as_str).filter_map(|text| address(host, text));
    let mut places = urls.filter_map(|url| match recognise(host, &url) {
        Some(Page::Issue { organization, .. }) => organization,
        _ => None,
    });
    let named = arguments.get("issueId").and_then(Value::as_str).and_then(IssueName::parse);
    let named = named.and_then(|named| named.organization);
    let other = places.find(|place| place != limit).or_else(|| named.filter(|place| place != limit));
    other.map(|_| outside(server))
}

fn outside(server: &Server<'_>) -> String {
    let place = server.place.name().unwrap_or_default();
    format!("**Not here**: this connection is limited to {place}, and that is not part of it.")
}

/// Whether the answer is about something of another project, or does not say of which.
fn elsewhere(tool: &Offered, answer: &Answer) -> bool {
    tool.project_of_answer.is_some() && answer.learned.project != tool.project_of_answer
}

fn explained(server: &Server<'_>, error: &CommandError, invocation: &Invocation, target: &Target) -> String {
    server.world.ports.log.log(Level::Info, "mcp.tool.failed", &[("command", &invocation.command)]);
    let Ok(host) = &server.world.config.sentry_host else { return "This server is not set up completely.".to_owned() };
    let marked = |markdown: &str| marked_failure(&*server.world.ports.random, markdown);
    let subject = subject(invocation, target);
    let headless = server.caller.headless;
    match error {
        CommandError::Sentry(SentryError::Unauthorized { reason: Unauthorized::DeadToken, .. }) if headless => {
            "**Sentry does not accept this server's access any more.** Everybody here uses the operator's token; whoever \
             runs this server needs to set a new `SENTRY_AUTH_TOKEN`."
                .to_owned()
        }
        CommandError::Sentry(SentryError::MissingScope { missing }) if headless => format!(
            "**The operator's token lacks a permission**: {}. Whoever runs this server can set one that has it.",
            missing.join(", ")
        ),
        CommandError::Sentry(SentryError::Forbidden) => {
            let whose = if headless { "The operator's access, which everybody here uses," } else { "This account" };
            let subject = say::line(&subject, 150);
            marked(&format!("**No access to {subject}.** {whose} may not see it. An owner at {} can change that.", host.name()))
        }
        CommandError::Sentry(SentryError::RateLimited { retry_after }) => {
            format!("**Sentry asks us to slow down.** {}", when_again(server.world.ports.clock.now(), *retry_after))
        }
        _ => {
            let account = server.caller.account.as_ref().filter(|_| !headless).map(Account::label);
            marked(&markdown(&for_retries(explain(error, &subject, host, account))))
        }
    }
}
