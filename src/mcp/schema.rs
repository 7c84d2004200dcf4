//! Schemas as every client can read them: a plain object, no unions, no references.
//!
//! The catalogue's schemas are derived from types, where "may be left out" is a union with null and an enumeration is a
//! union of constants behind a reference. Both say more simply what they mean here: a parameter that is not in `required`
//! may be left out, and an enumeration is an `enum`.

use rmcp::model::JsonObject;
use schemars::Schema;
use serde_json::{Value, json};

/// The schema of an object, without unions.
pub fn plain(schema: Schema) -> JsonObject {
    let mut schema = schema.to_value();
    let definitions = schema.as_object_mut().and_then(|fields| fields.remove("$defs")).unwrap_or_default();
    let mut plain = simple(schema, &definitions);
    for name in ["$schema", "title", "description"] {
        plain.remove(name);
    }
    plain.insert("type".to_owned(), "object".into());
    plain.entry("properties").or_insert_with(|| json!({}));
    plain
}

fn simple(schema: Value, definitions: &Value) -> JsonObject {
    let Value::Object(mut fields) = schema else { return JsonObject::new() };
    if let Some(target) =
        fields.remove("$ref").as_ref().and_then(Value::as_str).and_then(|it| it.strip_prefix("#/$defs/"))
    {
        let target = definitions.get(target).cloned().unwrap_or_default();
        fields = merged(fields, simple(target, definitions));
    }
    if let Some(Value::Array(choices)) = fields.remove("anyOf") {
        let kinds = choices.into_iter().filter(|choice| choice.get("type").and_then(Value::as_str) != Some("null"));
        fields = kinds.fold(fields, |fields, kind| merged(fields, simple(kind, definitions)));
    }
    if let Some(Value::Array(choices)) = fields.remove("oneOf") {
        enumerate(&mut fields, &choices);
    }
    if let Some(Value::Array(kinds)) = fields.get("type") {
        let kind = kinds.iter().find(|kind| kind.as_str() != Some("null")).cloned().unwrap_or_default();
        fields.insert("type".to_owned(), kind);
    }
    if let Some(Value::String(description)) = fields.get_mut("description") {
        *description = description.replace('\n', " ");
    }
    bound(&mut fields);
    fields.retain(|name, value| !(name == "format" || (name == "default" && value.is_null())));
    if let Some(Value::Object(properties)) = fields.get_mut("properties") {
        for property in properties.values_mut() {
            *property = Value::Object(simple(property.take(), definitions));
        }
        fields.insert("additionalProperties".to_owned(), false.into());
    } else if fields.get("type").and_then(Value::as_str) == Some("object")
        && !fields.contains_key("additionalProperties")
    {
        fields.insert("additionalProperties".to_owned(), false.into());
    }
    if let Some(items) = fields.get_mut("items") {
        *items = Value::Object(simple(items.take(), definitions));
    }
    fields
}

/// `of_use` says what this use of `target` says, and `target` the rest. What an enumeration's values mean is always told.
fn merged(of_use: JsonObject, mut target: JsonObject) -> JsonObject {
    let said = |fields: &JsonObject| fields.get("description").and_then(Value::as_str).map(str::to_owned);
    let values = said(&target).filter(|_| target.contains_key("enum") || !of_use.contains_key("description"));
    let descriptions: Vec<String> = [said(&of_use), values].into_iter().flatten().collect();
    target.extend(of_use);
    if !descriptions.is_empty() {
        target.insert("description".to_owned(), descriptions.join(" ").into());
    }
    target
}

/// The bounds of an integer that only its format tells.
fn bound(fields: &mut JsonObject) {
    let (least, most): (i64, i64) = match fields.get("format").and_then(Value::as_str) {
        Some("uint8") => (0, u8::MAX.into()),
        Some("uint16") => (0, u16::MAX.into()),
        Some("uint32") => (0, u32::MAX.into()),
        Some("int8") => (i8::MIN.into(), i8::MAX.into()),
        Some("int16") => (i16::MIN.into(), i16::MAX.into()),
        Some("int32") => (i32::MIN.into(), i32::MAX.into()),
        _ => return,
    };
    fields.entry("minimum").or_insert(least.into());
    fields.entry("maximum").or_insert(most.into());
}

/// Constants with descriptions become an `enum` whose description has theirs.
fn enumerate(fields: &mut JsonObject, choices: &[Value]) {
    let mut values = Vec::new();
    let mut told = Vec::new();
    for choice in choices {
        match (choice.get("const"), choice.get("enum")) {
            (Some(value), _) => {
                values.push(value.clone());
                let said = choice.get("description").and_then(Value::as_str);
                told.extend(
                    value.as_str().zip(said).map(|(value, said)| format!("`{value}`: {}", said.trim_end_matches('.'))),
                );
            }
            (None, Some(Value::Array(more))) => values.extend(more.iter().cloned()),
            _ => {}
        }
    }
    fields.insert("type".to_owned(), "string".into());
    fields.insert("enum".to_owned(), values.into());
    if !told.is_empty() {
        // What the type itself is for, its use has said.
        fields.insert("description".to_owned(), format!("{}.", told.join("; ")).into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vedette_commands::catalogue;

    fn unions(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => fields.iter().for_each(|(name, value)| {
                let union = matches!(name.as_str(), "anyOf" | "oneOf" | "allOf" | "$ref" | "$defs")
                    || (name == "type" && value.is_array());
                if union {
                    found.push(format!("{name}: {value}"));
                }
                unions(value, found);
            }),
            Value::Array(items) => items.iter().for_each(|item| unions(item, found)),
            _ => {}
        }
    }

    #[test]
    fn no_parameter_of_any_command_is_a_union_or_a_reference() {
        for entry in catalogue() {
            let schema = plain((entry.schema)());
            assert_eq!(schema["type"], "object");
            let mut found = Vec::new();
            unions(&Value::Object(schema), &mut found);
            assert_eq!(found, Vec::<String>::new(), "{}", entry.spec.tool);
        }
    }

    #[test]
    fn an_enumeration_keeps_its_values_and_what_they_mean() {
        let entry = vedette_commands::find("search_issues").unwrap();
        let schema = plain((entry.schema)());
        let sort = &schema["properties"]["sort"];
        assert_eq!(sort["enum"], json!(["date", "freq", "new", "user", "recommended", "trends"]));
        let said = sort["description"].as_str().unwrap();
        assert!(said.contains("when left out") && said.contains("`freq`: Most events first"), "{said}");
        assert_eq!(
            schema["properties"]["limit"],
            json!({
                "description": "How many to show at most (10).", "type": "integer", "minimum": 1, "maximum": 100,
            })
        );
    }
}
