//! The tools of a connection: the catalogue's commands, those that its skills and its place leave.
//!
//! - A skill that was not granted hides its tools.
//! - In an organization, nothing asks for an organization: the parameter goes out of the schemas, and its value is put into
//!   every call, over whatever the client sent. Listing organizations is hidden.
//! - In a project, the same with the project. A tool that can take no project is hidden too, unless what it shows says which
//!   project it is from, so that it can be held against the limit ([`super::call`]).
//! - What an organization's projects are capable of (traces, replays, profiles, logs) hides nothing yet: sentry-mcp hides by it
//!   the tools for single traces, spans, replays and profiles, and no tool here shows one.

use std::cell::OnceCell;
use std::rc::Rc;
use std::sync::Arc;

use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use serde_json::Value;

use super::constraint::Place;
use super::skills::Skills;
use super::{schema, structured, words};
use vedette_commands::{Effect, Entry, catalogue};

/// The parameters that name an organization.
const ORGANIZATION: [&str; 1] = ["organizationSlug"];
/// The parameters that name a project.
const PROJECT: [&str; 2] = ["projectSlugOrId", "projectSlug"];
/// The parameter of the tools that show one issue, which says its project.
const ISSUE: &str = "issueId";

/// A tool of a connection.
#[derive(Clone)]
pub struct Offered {
    /// The command.
    pub entry: &'static Entry,
    /// As it is listed.
    pub tool: Tool,
    /// What the place fixes, to be put into every call.
    pub fixed: JsonObject,
    /// The project that an answer must be from: its parameters cannot be limited to it.
    pub project_of_answer: Option<String>,
}

thread_local! {
    /// Schemas do not change while an isolate lives.
    static ALL: OnceCell<Rc<[(&'static Entry, Tool)]>> = const { OnceCell::new() };
}

/// The tools of a connection, in the catalogue's order.
pub fn offered(skills: &Skills, place: &Place) -> Vec<Offered> {
    let all = all();
    let granted = all.iter().filter(|(entry, _)| skills.include(&entry.spec));
    granted.filter_map(|(entry, tool)| within(entry, tool, place)).collect()
}

/// The tool `name` of a connection.
pub fn find(skills: &Skills, place: &Place, name: &str) -> Option<Offered> {
    let all = all();
    let (entry, tool) = all.iter().find(|(entry, _)| entry.spec.tool == name)?;
    skills.include(&entry.spec).then(|| within(entry, tool, place))?
}

fn all() -> Rc<[(&'static Entry, Tool)]> {
    ALL.with(|all| Rc::clone(all.get_or_init(|| catalogue().iter().map(listed).collect())))
}

fn listed(entry: &'static Entry) -> (&'static Entry, Tool) {
    let spec = &entry.spec;
    let reads = spec.effect == Effect::Read;
    let annotations = ToolAnnotations::new().read_only(reads).destructive(false).idempotent(reads).open_world(true);
    let tool = Tool::new(spec.tool, words::description(spec), Arc::new(schema::plain((entry.schema)())))
        .with_title(words::title(spec.tool))
        .with_raw_output_schema(Arc::new(structured::schema()))
        .with_annotations(annotations);
    (entry, tool)
}

fn within(entry: &'static Entry, tool: &Tool, place: &Place) -> Option<Offered> {
    let mut tool = tool.clone();
    let mut fixed = JsonObject::new();
    let mut project_of_answer = None;
    if let Some(organization) = &place.organization {
        let takes = fix(&mut tool, &mut fixed, &ORGANIZATION, organization);
        if tool.name == "find_organizations" {
            return None;
        }
        if let Some(project) = &place.project
            && !fix(&mut tool, &mut fixed, &PROJECT, project)
            && takes
        {
            if !properties(&tool.input_schema).contains_key(ISSUE) {
                return None;
            }
            project_of_answer = Some(project.clone());
        }
    }
    Some(Offered { entry, tool, fixed, project_of_answer })
}

/// Takes the parameters `names` out of the schema and fixes them to `value`. Returns whether there was one.
fn fix(tool: &mut Tool, fixed: &mut JsonObject, names: &[&str], value: &str) -> bool {
    let present: Vec<&str> =
        names.iter().copied().filter(|name| properties(&tool.input_schema).contains_key(*name)).collect();
    for name in &present {
        let schema = Arc::make_mut(&mut tool.input_schema);
        if let Some(Value::Object(properties)) = schema.get_mut("properties") {
            properties.remove(*name);
        }
        if let Some(Value::Array(required)) = schema.get_mut("required") {
            required.retain(|required| required.as_str() != Some(name));
        }
        fixed.insert((*name).to_owned(), value.into());
    }
    !present.is_empty()
}

fn properties(schema: &JsonObject) -> JsonObject {
    schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use vedette_commands::Skill;

    fn names(skills: &Skills, organization: Option<&str>, project: Option<&str>) -> Vec<String> {
        let place = Place { organization: organization.map(str::to_owned), project: project.map(str::to_owned) };
        offered(skills, &place).into_iter().map(|it| it.tool.name.into_owned()).collect()
    }

    #[test]
    fn a_place_hides_what_leads_out_of_it() {
        let all = Skills::all();
        let everything = ["search_issues", "get_issue_details", "find_projects", "find_organizations", "whoami"];
        assert_eq!(names(&all, None, None), everything);
        assert_eq!(
            names(&all, Some("globex"), None),
            ["search_issues", "get_issue_details", "find_projects", "whoami"]
        );
        assert_eq!(names(&all, Some("globex"), Some("web")), ["search_issues", "get_issue_details", "whoami"]);
        let managing = Skills::of([Skill::ProjectManagement]);
        assert_eq!(names(&managing, None, None), ["find_projects", "find_organizations", "whoami"]);
        assert!(names(&Skills::of([]), None, None).is_empty());
    }

    #[test]
    fn a_tool_is_found_where_it_is_listed_and_nowhere_else() {
        let places = [(None, None), (Some("globex"), None), (Some("globex"), Some("web"))];
        for skills in [Skills::all(), Skills::of([Skill::ProjectManagement]), Skills::of([])] {
            for (organization, project) in places {
                let place =
                    Place { organization: organization.map(str::to_owned), project: project.map(str::to_owned) };
                for entry in catalogue() {
                    let listed = offered(&skills, &place).into_iter().find(|it| it.tool.name == entry.spec.tool);
                    let found = find(&skills, &place, entry.spec.tool);
                    assert_eq!(found.map(|it| (it.tool, it.fixed)), listed.map(|it| (it.tool, it.fixed)));
                }
            }
        }
        assert!(find(&Skills::all(), &Place::default(), "no_such_tool").is_none());
    }

    #[test]
    fn what_a_place_fixes_is_no_parameter_any_more() {
        let place = Place { organization: Some("globex".to_owned()), project: Some("web".to_owned()) };
        for offered in offered(&Skills::all(), &place) {
            let left = properties(&offered.tool.input_schema);
            assert!(ORGANIZATION.iter().chain(&PROJECT).all(|name| !left.contains_key(*name)));
        }
    }

    #[test]
    fn every_description_is_short_enough_for_every_client() {
        for offered in offered(&Skills::all(), &Place::default()) {
            let description = offered.tool.description.unwrap_or_default();
            assert!((20..2048).contains(&description.chars().count()), "{}", offered.tool.name);
        }
    }
}
