//! Arguments read by a tool's schema, once: what fits here fits the command's typed parameters too. What does not fit is told
//! all at once, in words that say how to mend it: the reader is a model that will try again.
//!
//! Clients fill in what they could leave out, so:
//!
//! - `null` is left out, and so is a text without a letter in it, unless the schema says that empty is a value
//!   (`minLength: 0`, as for a search that means everything).
//! - `5.0` is the integer 5 (JSON Schema, "Numeric types").
//! - A tool without parameters ignores whatever comes: some clients send `random_string`, because their model's API takes no
//!   empty object.

use rmcp::model::JsonObject;
use serde_json::Value;

use vedette_commands::nearest::nearest;
use vedette_commands::say;

/// Longer than any query that Sentry takes.
const MAX_TEXT: usize = 4096;
/// As many mistakes as are told.
const MAX_TOLD: usize = 8;
/// Up to here every whole number is read as it was written, by every reader of JSON (RFC 8259 §6).
const MAX_WHOLE: f64 = 9_007_199_254_740_991.0;

/// The arguments as the command's parameters have them, without those that are left out.
///
/// # Errors
/// What is wrong, one sentence each.
pub fn fitting(schema: &JsonObject, arguments: JsonObject) -> Result<JsonObject, Vec<String>> {
    let Some(properties) = schema.get("properties").and_then(Value::as_object).filter(|known| !known.is_empty()) else {
        return Ok(JsonObject::new());
    };
    let given = arguments.into_iter().filter(|(name, value)| !is_left_out(properties.get(name), value));
    let mut arguments = JsonObject::new();
    let mut mistakes: Vec<String> = Vec::new();
    for (name, value) in given {
        let read = match properties.get(&name) {
            Some(property) => read(&name, property, value),
            None => Err(unknown(&name, properties)),
        };
        match read {
            Ok(value) => drop(arguments.insert(name, value)),
            Err(_) if mistakes.len() >= MAX_TOLD => {}
            Err(mistake) => mistakes.push(mistake),
        }
    }
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let missing = required.filter(|name| !arguments.contains_key(*name));
    mistakes.extend(missing.map(|name| format!("`{name}` is missing.")));
    mistakes.truncate(MAX_TOLD);
    if mistakes.is_empty() { Ok(arguments) } else { Err(mistakes) }
}

/// Whether the value says the same as none. An unknown parameter with an empty text may be a misspelt one, and is told.
fn is_left_out(property: Option<&Value>, value: &Value) -> bool {
    let may_be_empty = || property.is_none_or(|property| property.get("minLength").and_then(Value::as_u64) == Some(0));
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty() && !may_be_empty(),
        _ => false,
    }
}

fn unknown(name: &str, properties: &JsonObject) -> String {
    let shown = say::line(name, 60).replace('`', "'");
    let known: Vec<&str> = properties.keys().map(String::as_str).collect();
    match nearest(name, known.iter().copied()) {
        Some(meant) => format!("There is no parameter `{shown}`. Did you mean `{meant}`?"),
        None => format!("There is no parameter `{shown}`. There are: {}.", known.join(", ")),
    }
}

/// The value as the typed parameter has it.
fn read(name: &str, property: &Value, value: Value) -> Result<Value, String> {
    if let Some(mistake) = mistake(name, property, &value) {
        return Err(mistake);
    }
    if property.get("type").and_then(Value::as_str) != Some("integer") {
        return Ok(value);
    }
    let whole = value.as_f64().filter(|number| number.abs() <= MAX_WHOLE);
    whole.map(|number| Value::from(number as i64)).ok_or_else(|| format!("`{name}` is too large a number."))
}

fn mistake(name: &str, property: &Value, value: &Value) -> Option<String> {
    let kind = property.get("type").and_then(Value::as_str).unwrap_or_default();
    let fits = match kind {
        "string" => value.is_string(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => true,
    };
    if !fits {
        let article = if kind.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
        return Some(format!("`{name}` must be {article} {kind}, not {}.", say::line(&value.to_string(), 60)));
    }
    if value.as_str().is_some_and(|text| text.chars().count() > MAX_TEXT) {
        return Some(format!("`{name}` is longer than {MAX_TEXT} characters."));
    }
    if let Some(choices) = property.get("enum").and_then(Value::as_array)
        && !choices.contains(value)
    {
        let choices: Vec<&str> = choices.iter().filter_map(Value::as_str).collect();
        return Some(format!("`{name}` must be one of: {}.", choices.join(", ")));
    }
    let bound = |name: &str| property.get(name).and_then(Value::as_f64);
    let number = value.as_f64()?;
    let below = bound("minimum").is_some_and(|least| number < least);
    let above = bound("maximum").is_some_and(|most| number > most);
    (below || above).then(|| match (bound("minimum"), bound("maximum")) {
        (Some(least), Some(most)) => format!("`{name}` must be from {least} to {most}."),
        (Some(least), None) => format!("`{name}` must be at least {least}."),
        (_, most) => format!("`{name}` must be at most {}.", most.unwrap_or_default()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::sample::select;
    use serde_json::json;

    use vedette_commands::answer::Invocation;
    use vedette_commands::testing::{ORGANIZATIONS, Sentry};
    use vedette_commands::{CommandError, catalogue};

    fn told(arguments: Value) -> String {
        told_by("search_issues", arguments)
    }

    fn told_by(tool: &str, arguments: Value) -> String {
        let entry = vedette_commands::find(tool).unwrap();
        let schema = crate::mcp::schema::plain((entry.schema)());
        match fitting(&schema, arguments.as_object().unwrap().clone()) {
            Ok(fitting) => Value::Object(fitting).to_string(),
            Err(mistakes) => mistakes.join(" "),
        }
    }

    #[test]
    fn every_mistake_is_told_with_what_would_be_right() {
        assert_eq!(told(json!({ "query": "x", "limit": 5, "cursor": null })), r#"{"limit":5,"query":"x"}"#);
        assert_eq!(told(json!({ "qery": "x" })), "There is no parameter `qery`. Did you mean `query`?");
        assert_eq!(told(json!({ "limit": "5" })), "`limit` must be an integer, not \"5\".");
        assert_eq!(told(json!({ "limit": 0 })), "`limit` must be from 1 to 100.");
        assert_eq!(told(json!({ "limit": 1e300 })), "`limit` must be from 1 to 100.");
        assert_eq!(told(json!({ "query": ["x"] })), "`query` must be a string, not [\"x\"].");
        assert_eq!(
            told(json!({ "sort": "worst" })),
            "`sort` must be one of: date, freq, new, user, recommended, trends."
        );
        assert_eq!(told(json!({ "query": "x".repeat(5000) })), "`query` is longer than 4096 characters.");
        assert!(told(json!({ "limit": 0, "sort": 1 })).contains("`limit` must be from 1 to 100. `sort` must be"));
        assert!(told(json!({ "zzzzzzz": 1 })).contains("There are: cursor, limit,"));
    }

    #[test]
    fn a_whole_number_is_an_integer_however_it_is_written() {
        for written in ["5", "5.0", "5e0", "0.5e1", "50.00E-1"] {
            let limit: Value = serde_json::from_str(written).unwrap();
            assert_eq!(told(json!({ "limit": limit })), r#"{"limit":5}"#, "{written}");
        }
        assert_eq!(told(json!({ "limit": 5.5 })), "`limit` must be an integer, not 5.5.");
    }

    #[test]
    fn an_empty_text_is_left_out_unless_it_is_a_value() {
        for empty in ["", " ", "\n\t "] {
            let all = json!({ "organizationSlug": empty, "projectSlugOrId": empty, "sort": empty, "period": empty,
                "cursor": empty, "limit": null });
            assert_eq!(told(all), "{}", "{empty:?}");
            let view = json!({ "issueId": "WEB-1", "issueUrl": empty, "eventId": empty });
            assert_eq!(told_by("get_issue_details", view), r#"{"issueId":"WEB-1"}"#);
            assert_eq!(told_by("find_projects", json!({ "query": empty })), "{}");
        }
        assert_eq!(told(json!({ "query": "" })), r#"{"query":""}"#, "all issues");
        assert_eq!(told(json!({ "limit": "" })), "{}");
        assert_eq!(told(json!({ "qery": "" })), "There is no parameter `qery`. Did you mean `query`?");
    }

    #[test]
    fn a_tool_without_parameters_ignores_what_comes() {
        assert_eq!(told_by("whoami", json!({ "random_string": "dummy", "limit": 5.5 })), "{}");
        assert!(told(json!({ "random_string": "dummy" })).starts_with("There is no parameter `random_string`."));
    }

    #[test]
    fn a_required_parameter_that_is_empty_is_missing() {
        let schema = json!({ "properties": { "id": { "type": "string" } }, "required": ["id"] });
        let schema = schema.as_object().unwrap();
        for empty in [json!({}), json!({ "id": "" }), json!({ "id": null })] {
            assert_eq!(fitting(schema, empty.as_object().unwrap().clone()).unwrap_err(), ["`id` is missing."]);
        }
    }

    /// What a client may send for any parameter.
    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            (-3..200).prop_map(Value::from),
            (-3..200).prop_map(|whole| Value::from(f64::from(whole))),
            "\\PC{0,12}".prop_map(Value::from),
            select(vec!["", " ", "date", "freq", "24h", "globex", "WEB-1", "5", "@latest", "oldest"])
                .prop_map(Value::from),
            Just(json!([])),
            Just(json!({ "a": 1 })),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]
        #[test]
        fn what_fits_a_schema_fits_the_typed_parameters_of_its_command(values in proptest::collection::vec(value(), 8)) {
            for entry in catalogue() {
                let schema = crate::mcp::schema::plain((entry.schema)());
                let properties = schema["properties"].as_object().unwrap();
                prop_assert!(properties.len() <= values.len());
                let sent: JsonObject = properties.keys().cloned().zip(values.iter().cloned()).collect();
                // One alone too: next to others, a misfit would hide it.
                let alone = sent.iter().map(|(name, value)| JsonObject::from_iter([(name.clone(), value.clone())]));
                for arguments in alone.chain([sent.clone()]) {
                    let Ok(fitting) = fitting(&schema, arguments) else { continue };
                    let invocation =
                        Invocation { command: entry.spec.name.to_owned(), parameters: Value::Object(fitting.clone()) };
                    let sentry = Sentry::saas()
                        .answers(ORGANIZATIONS, json!([]))
                        .answers("https://sentry.io/api/0/", json!({}))
                        .answers("https://sentry.io/api/0/auth/", json!({}));
                    if let Err(CommandError::Explained(answer)) = sentry.run(&invocation) {
                        prop_assert!(!answer.title.contains("do not fit"), "{fitting:?}: {}", answer.title);
                    }
                }
            }
        }
    }
}
