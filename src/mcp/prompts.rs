//! Prompts: ways of working that a person can choose from a menu.

use rmcp::model::{
    ErrorData, GetPromptRequestParams, GetPromptResult, JsonObject, Prompt, PromptArgument, PromptMessage, Role,
};
use serde_json::Value;

use super::Server;
use super::constraint::Place;
use vedette_commands::say;

/// The longest argument that is put into a prompt, in characters.
const MAX_ARGUMENT: usize = 500;

struct Template {
    name: &'static str,
    title: &'static str,
    description: &'static str,
    arguments: &'static [Argument],
    text: &'static str,
}

struct Argument {
    name: &'static str,
    description: &'static str,
    required: bool,
}

const ORGANIZATION: Argument =
    Argument { name: "organization", description: "The organization's slug.", required: false };
const PROJECT: Argument = Argument { name: "project", description: "The project's slug.", required: false };

const TEMPLATES: [Template; 3] = [
    Template {
        name: "investigate_issue",
        title: "Investigate this issue",
        description: "Find out why an issue happens and what would end it",
        arguments: &[
            Argument {
                name: "issue",
                description: "Its short id, like CHECKOUT-API-4F, or its web address.",
                required: true,
            },
            ORGANIZATION,
        ],
        text: "Investigate the Sentry issue {issue}{where}.\n\n\
               1. Read it with `get_issue_details`, also with `eventId` set to `oldest`, to see what changed since it began.\n\
               2. With `search_issues`, look for issues with the same error or place that began at the same time.\n\
               3. If the source code is at hand, read what the stack trace names.\n\n\
               Then say: what fails and for whom, the most likely cause with what speaks for and against it, and the smallest \
               change that would end it. Tell what you know from what you assume.",
    },
    Template {
        name: "whats_on_fire",
        title: "What needs attention?",
        description: "Rank what is unresolved by what it does to people",
        arguments: &[ORGANIZATION, PROJECT],
        text: "Find out what needs attention in Sentry now{where}.\n\n\
               1. `search_issues` with `is:unresolved` three times: `sort` by `user`, by `freq` and by `new`, with `period` 24h.\n\
               2. Read the three that matter most with `get_issue_details`.\n\n\
               Then give a short list, worst first: what it is, whom it hits, since when, and what to do first.",
    },
    Template {
        name: "what_changed",
        title: "What changed in the last release?",
        description: "Tell what a release broke from what was broken before",
        arguments: &[
            Argument {
                name: "release",
                description: "The release's version; the latest one when left out.",
                required: false,
            },
            ORGANIZATION,
            PROJECT,
        ],
        text: "Find out what the release {release} broke{where}.\n\n\
               1. `search_issues` with `firstRelease:{release}`, and with `release:{release} is:unresolved`, sorted by `freq`.\n\
               2. Read what began with it with `get_issue_details`.\n\n\
               Then tell what is new with this release from what was there before, and say whether to roll it back.",
    },
];

/// The prompts of a connection.
pub fn list(place: &Place) -> Vec<Prompt> {
    let prompt = |template: &Template| {
        let arguments = template.arguments.iter().filter(|argument| !fixed(place, argument.name)).map(|argument| {
            PromptArgument::new(argument.name).with_description(argument.description).with_required(argument.required)
        });
        Prompt::new(template.name, Some(template.description), Some(arguments.collect())).with_title(template.title)
    };
    TEMPLATES.iter().map(prompt).collect()
}

/// A prompt with its arguments filled in.
///
/// # Errors
/// -32602 when there is no such prompt, or an argument is missing or no text.
pub fn get(server: &Server<'_>, params: GetPromptRequestParams) -> Result<GetPromptResult, ErrorData> {
    let Some(template) = TEMPLATES.iter().find(|template| template.name == params.name) else {
        let sentence = format!("There is no prompt `{}`.", say::line(&params.name, 60));
        return Err(ErrorData::invalid_params(sentence, None));
    };
    let given = params.arguments.unwrap_or_default();
    let mut text = template.text.replace("{where}", &location(server.place, &given)?);
    for argument in template.arguments {
        let value = argument_of(&given, argument.name)?;
        if argument.required && value.is_none() {
            return Err(ErrorData::invalid_params(format!("`{}` is missing.", argument.name), None));
        }
        let value = value.unwrap_or_else(|| "latest".to_owned());
        text = text.replace(&format!("{{{}}}", argument.name), &value);
    }
    let message = PromptMessage::new_text(Role::User, text);
    Ok(GetPromptResult::new(vec![message]).with_description(template.description))
}

fn fixed(place: &Place, argument: &str) -> bool {
    match argument {
        "organization" => place.organization.is_some(),
        "project" => place.project.is_some(),
        _ => false,
    }
}

/// ` in globex/checkout-api`, or nothing.
fn location(place: &Place, given: &JsonObject) -> Result<String, ErrorData> {
    let or_given = |fixed: &Option<String>, name| match fixed {
        Some(slug) => Ok(Some(slug.clone())),
        None => argument_of(given, name),
    };
    let organization = or_given(&place.organization, "organization")?;
    let project = or_given(&place.project, "project")?;
    Ok(match (organization, project) {
        (Some(organization), Some(project)) => format!(" in {organization}/{project}"),
        (Some(place), None) => format!(" in {place}"),
        (None, Some(project)) => format!(" in the project {project}"),
        (None, None) => String::new(),
    })
}

fn argument_of(given: &JsonObject, name: &str) -> Result<Option<String>, ErrorData> {
    match given.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(say::line(text, MAX_ARGUMENT)).filter(|text| !text.is_empty())),
        Some(_) => Err(ErrorData::invalid_params(format!("`{name}` must be a string."), None)),
    }
}
