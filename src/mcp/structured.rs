//! An answer as data: `structuredContent`, and the schema that every tool gives for it.
//!
//! One shape serves all commands, as one [`Answer`] does. It has no unions: what there is not is left out.

use rmcp::model::JsonObject;
use schemars::{JsonSchema, schema_for};
use serde::Serialize;
use url::Url;

use super::schema::plain;
use super::words::UNTRUSTED;
use vedette_commands::answer::{Action, Answer, Does, Invocation, Part};
use vedette_commands::find;

/// An answer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Structured {
    /// How to read the texts in here.
    notice: &'static str,
    /// What this is, in one line.
    title: String,
    /// The same in Sentry's web interface.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// The content, in order.
    parts: Vec<Piece>,
    /// What was left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    more: Option<More>,
    /// What was assumed, and what to know about it.
    notes: Vec<String>,
    /// What could be done next.
    next: Vec<Step>,
}

/// A piece of the content.
#[derive(Debug, Default, Serialize, JsonSchema)]
struct Piece {
    /// `paragraph`, `heading`, `code`, `fields` or `items`.
    kind: &'static str,
    /// Of a paragraph, a heading or code.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// Labelled values.
    #[serde(skip_serializing_if = "Option::is_none")]
    fields: Option<Vec<Field>>,
    /// Things of a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    items: Option<Vec<Item>>,
}

/// A labelled value.
#[derive(Debug, Serialize, JsonSchema)]
struct Field {
    label: String,
    value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

/// One thing of a list.
#[derive(Debug, Serialize, JsonSchema)]
struct Item {
    /// Its name or short id.
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// What it is, in one line.
    summary: String,
    /// Small facts, in order.
    facts: Vec<String>,
    /// The call that shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    open: Option<Call>,
}

/// What was left out.
#[derive(Debug, Serialize, JsonSchema)]
struct More {
    /// How many, when Sentry said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    remaining: Option<u64>,
    /// The whole list in Sentry.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// The call that shows the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Call>,
}

/// Something to do next: a call, or a page to open.
#[derive(Debug, Serialize, JsonSchema)]
struct Step {
    label: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    call: Option<Call>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

/// A tool call.
#[derive(Debug, Serialize, JsonSchema)]
struct Call {
    tool: String,
    arguments: JsonObject,
}

/// The schema of [`Structured`].
pub fn schema() -> JsonObject {
    plain(schema_for!(Structured))
}

impl From<&Answer> for Structured {
    fn from(answer: &Answer) -> Structured {
        Structured {
            notice: UNTRUSTED,
            title: answer.title.clone(),
            url: answer.link.as_ref().map(text),
            parts: answer.parts.iter().map(Piece::from).collect(),
            more: answer.more.as_ref().map(|more| More {
                remaining: more.remaining,
                url: more.link.as_ref().map(text),
                next: more.next.as_ref().map(Call::from),
            }),
            notes: answer.notes.clone(),
            next: answer.actions.iter().filter_map(step).collect(),
        }
    }
}

impl From<&Part> for Piece {
    fn from(part: &Part) -> Piece {
        let said = |kind, text: &String| Piece { kind, text: Some(text.clone()), ..Piece::default() };
        match part {
            Part::Paragraph(text) => said("paragraph", text),
            Part::Heading(text) => said("heading", text),
            Part::Code(text) => said("code", text),
            Part::Fields(fields) => {
                let fields = fields.iter().map(|field| Field {
                    label: field.label.clone(),
                    value: field.value.clone(),
                    url: field.link.as_ref().map(text),
                });
                Piece { kind: "fields", fields: Some(fields.collect()), ..Piece::default() }
            }
            Part::Items(items) => {
                let items = items.iter().map(|item| Item {
                    name: item.name.clone(),
                    url: item.link.as_ref().map(text),
                    summary: item.summary.clone(),
                    facts: item.facts.clone(),
                    open: item.open.as_ref().map(Call::from),
                });
                Piece { kind: "items", items: Some(items.collect()), ..Piece::default() }
            }
        }
    }
}

impl From<&Invocation> for Call {
    fn from(invocation: &Invocation) -> Call {
        let tool = find(&invocation.command).map_or(invocation.command.as_str(), |entry| entry.spec.tool);
        Call { tool: tool.to_owned(), arguments: invocation.parameters.as_object().cloned().unwrap_or_default() }
    }
}

fn step(action: &Action) -> Option<Step> {
    let (call, url) = match &action.does {
        Does::Run(invocation) | Does::Instead(invocation) => (Some(Call::from(invocation)), None),
        Does::Open(url) => (None, Some(text(url))),
        Does::Connect | Does::Disconnect => return None,
    };
    Some(Step { label: action.label.clone(), call, url })
}

fn text(url: &Url) -> String {
    url.to_string()
}
