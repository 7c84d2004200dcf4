//! Arguments held against a tool's schema. What does not fit is told all at once, in words that say how to mend it: the
//! reader is a model that will try again.

use rmcp::model::JsonObject;
use serde_json::Value;

use crate::commands::nearest::nearest;
use crate::commands::say;

/// Longer than any query that Sentry takes.
const MAX_TEXT: usize = 4096;
/// As many mistakes as are told.
const MAX_TOLD: usize = 8;

/// The arguments without those that are null, which is how some clients leave one out.
///
/// # Errors
/// What is wrong, one sentence each.
pub fn fitting(schema: &JsonObject, arguments: JsonObject) -> Result<JsonObject, Vec<String>> {
    let nothing = JsonObject::new();
    let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&nothing);
    let arguments: JsonObject = arguments.into_iter().filter(|(_, value)| !value.is_null()).collect();
    let mut mistakes: Vec<String> = Vec::new();
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    mistakes.extend(required.filter(|name| !arguments.contains_key(*name)).map(|name| format!("`{name}` is missing.")));
    for (name, value) in &arguments {
        if mistakes.len() >= MAX_TOLD {
            break;
        }
        mistakes.extend(match properties.get(name) {
            Some(property) => mistake(name, property, value),
            None => Some(unknown(name, properties)),
        });
    }
    mistakes.truncate(MAX_TOLD);
    if mistakes.is_empty() { Ok(arguments) } else { Err(mistakes) }
}

fn unknown(name: &str, properties: &JsonObject) -> String {
    let shown = say::line(name, 60).replace('`', "'");
    let known: Vec<&str> = properties.keys().map(String::as_str).collect();
    match (nearest(name, known.iter().copied()), known.as_slice()) {
        (Some(meant), _) => format!("There is no parameter `{shown}`. Did you mean `{meant}`?"),
        (None, []) => format!("There is no parameter `{shown}`: this tool takes none."),
        (None, known) => format!("There is no parameter `{shown}`. There are: {}.", known.join(", ")),
    }
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
    use serde_json::json;

    fn told(arguments: Value) -> String {
        let entry = crate::commands::find("search_issues").unwrap();
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
}
