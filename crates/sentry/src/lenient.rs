//! Reading Sentry's JSON without believing in it: installs differ by years, and one odd field must not cost the answer.
//!
//! A field that is missing, null or of another type is `None`; an element of a list that cannot be read is left out.
//!
//! What is not read takes no memory: a value is looked at as the text that it is (`RawValue`), never as a tree, and of a list
//! at most [`MOST`] elements are kept. A tree of small JSON is thirty times as long as its text.

use std::collections::VecDeque;
use std::fmt;

use serde::de::{DeserializeOwned, Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// As many elements of a list are kept: pages have 100, and Sentry itself cuts a stack trace at 250 frames.
pub const MOST: usize = 250;

/// `T`, or `None` for anything else.
pub fn field<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Option<T>, D::Error> {
    Ok(one(<&RawValue>::deserialize(deserializer)?))
}

/// The first elements that are a `T`; nothing for anything but a list.
pub fn list<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let mut items = Vec::new();
    each(<&RawValue>::deserialize(deserializer)?, |raw| keep_first(&mut items, one(raw)));
    Ok(items)
}

/// The last elements that are a `T`; nothing for anything but a list.
pub fn end_of_list<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let mut items = VecDeque::new();
    each(<&RawValue>::deserialize(deserializer)?, |raw| {
        let Some(item) = one(raw) else { return };
        if items.len() >= MOST {
            items.pop_front();
        }
        items.push_back(item);
    });
    Ok(items.into())
}

/// As [`list`], for elements that may be lists themselves, with a value for each field: `["environment", "production"]`.
pub fn rows<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let mut items = Vec::new();
    each(<&RawValue>::deserialize(deserializer)?, |raw| keep_first(&mut items, serde_json::from_str(raw.get()).ok()));
    Ok(items)
}

/// As [`list`], where anything but a list is an error.
pub fn page<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let raw = <&RawValue>::deserialize(deserializer)?;
    if !raw.get().starts_with('[') {
        return Err(D::Error::custom("this is no list"));
    }
    let mut items = Vec::new();
    each(raw, |raw| keep_first(&mut items, one(raw)));
    Ok(items)
}

/// A string, or a number or a truth value as one; blank is `None`.
pub fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let raw = <&RawValue>::deserialize(deserializer)?.get();
    Ok(match raw.as_bytes().first() {
        Some(b'"') => serde_json::from_str(raw).ok().filter(|text: &String| !text.trim().is_empty()),
        Some(b'-' | b'0'..=b'9' | b't' | b'f') => Some(raw.to_owned()),
        _ => None,
    })
}

/// A whole number, or a string that holds one (`count` is a string).
pub fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    Ok(text(deserializer)?.and_then(|text| text.trim().parse().ok()))
}

/// Calls `element` with each element of a list; not at all for anything else.
pub fn each(raw: &RawValue, element: impl FnMut(&RawValue)) {
    struct Each<F>(F);

    impl<'de, F: FnMut(&'de RawValue)> Visitor<'de> for Each<F> {
        type Value = ();

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("a list")
        }

        fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<(), A::Error> {
            while let Some(raw) = elements.next_element()? {
                (self.0)(raw);
            }
            Ok(())
        }
    }

    if raw.get().starts_with('[') {
        // It is JSON, for it was read as `RawValue`: there is no error.
        let _ = serde_json::Deserializer::from_str(raw.get()).deserialize_seq(Each(element));
    }
}

/// One value. A list is none, for serde would read a struct from it, field by field.
pub fn one<T: DeserializeOwned>(raw: &RawValue) -> Option<T> {
    let text = raw.get();
    if text.starts_with('[') { None } else { serde_json::from_str(text).ok() }
}

fn keep_first<T>(items: &mut Vec<T>, item: Option<T>) {
    items.extend(item.filter(|_| items.len() < MOST));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default)]
    struct Thing {
        #[serde(deserialize_with = "text")]
        name: Option<String>,
        #[serde(deserialize_with = "number")]
        count: Option<u64>,
        #[serde(deserialize_with = "field")]
        inner: Option<Box<Thing>>,
        #[serde(deserialize_with = "list")]
        things: Vec<Thing>,
        #[serde(deserialize_with = "rows")]
        rows: Vec<(u64, Option<String>)>,
    }

    fn thing(json: &str) -> Thing {
        serde_json::from_str(json).unwrap()
    }

    fn named(name: &str) -> Thing {
        Thing { name: Some(name.to_owned()), ..Thing::default() }
    }

    #[test]
    fn an_odd_element_costs_itself_alone() {
        let json = r#"{"things": [null, {"name":"a"}, 1, "x", [], [{"name":"b"}], true, {"name":[{}]}, {"name":"c"}]}"#;
        assert_eq!(thing(json).things, [named("a"), Thing::default(), named("c")]);
        assert_eq!(thing(r#"{"rows": [null, [1, "x"], [], [2, null], {}, ["3", "y"]]}"#).rows.len(), 2);
    }

    #[test]
    fn a_field_of_another_type_is_left_out() {
        for odd in ["null", "[]", "[1]", "{}", r#"{"name":{}}"#] {
            let json = format!(r#"{{"name":{odd},"count":{odd},"things":{odd},"inner":{{"name":"a"}}}}"#);
            let read = thing(&json);
            assert_eq!((read.name, read.count, read.inner), (None, None, Some(Box::new(named("a")))), "{odd}");
        }
        let read = thing(r#"{"name": 12, "count": "12", "inner": []}"#);
        assert_eq!((read.name.as_deref(), read.count, read.inner), (Some("12"), Some(12), None));
        assert_eq!(thing(r#"{"name": "  ", "count": 1.5}"#), Thing::default());
    }

    #[test]
    fn a_list_is_cut_and_what_is_kept_of_it_is_its_beginning_or_its_end() {
        #[derive(Deserialize)]
        struct Ends {
            #[serde(deserialize_with = "list")]
            first: Vec<u32>,
            #[serde(deserialize_with = "end_of_list")]
            last: Vec<u32>,
        }
        let all: Vec<usize> = (0..2 * MOST).collect();
        let ends: Ends = serde_json::from_str(&format!(r#"{{"first":{all:?},"last":{all:?}}}"#)).unwrap();
        assert_eq!((ends.first.len(), ends.first.first()), (MOST, Some(&0)));
        assert_eq!((ends.last.len(), ends.last.last().map(|it| *it as usize)), (MOST, Some(2 * MOST - 1)));
    }
}
