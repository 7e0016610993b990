//! Records of any shape: what a key holds, if it can be understood at all.

#![expect(clippy::wildcard_enum_match_arm, reason = "JSON values are a foreign enum")]

use serde_json::{Map, Value};

/// A record: keys and values of any shape.
pub(super) type Record = Map<String, Value>;

/// A scalar as text; `None` for null, lists and records.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The text under the first of these keys that holds one; a list of texts is joined by lines.
pub(super) fn text(record: &Record, keys: &[&str]) -> String {
    let found = |value: &Value| match value {
        Value::Array(values) => Some(values.iter().filter_map(scalar).collect::<Vec<_>>().join("\n")),
        other => scalar(other),
    };
    keys.iter()
        .filter_map(|key| record.get(*key))
        .filter_map(found)
        .find(|text| !text.trim().is_empty())
        .unwrap_or_default()
}

/// The texts in a value: of a list, its scalars and the names of its records; of a text, what commas part.
pub(super) fn texts(value: &Value) -> Vec<String> {
    let texts: Vec<String> = match value {
        Value::Array(values) => values.iter().filter_map(named).collect(),
        Value::String(text) => text.split(',').map(str::to_owned).collect(),
        other => scalar(other).into_iter().collect(),
    };
    texts.into_iter().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()).collect()
}

/// The texts under a key.
pub(super) fn list(record: &Record, key: &str) -> Vec<String> {
    record.get(key).map(texts).unwrap_or_default()
}

/// The criteria under a key: of a list its elements, of a text its items.
pub(super) fn criteria(record: &Record, key: &str) -> Vec<String> {
    let criteria: Vec<String> = match record.get(key) {
        Some(Value::Array(values)) => values.iter().map(criterion).collect(),
        Some(Value::String(text)) => super::text::items(text),
        Some(value @ Value::Object(_)) => vec![spelled(value)],
        Some(value) => scalar(value).into_iter().collect(),
        None => Vec::new(),
    };
    criteria.into_iter().filter(|criterion| !criterion.trim().is_empty()).collect()
}

/// A criterion: of a record its text, else all that it holds.
fn criterion(value: &Value) -> String {
    let text = value.as_object().map(|record| text(record, &["text", "description", "title", "name"]));
    text.filter(|text| !text.is_empty()).unwrap_or_else(|| spelled(value))
}

/// A value in words; YAML takes a text with a colon for a record, and one in brackets for a list.
fn spelled(value: &Value) -> String {
    let joined = |parts: Vec<String>, between| {
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(between)
    };
    match value {
        Value::Array(values) => joined(values.iter().map(spelled).collect(), ", "),
        Value::Object(record) => {
            let entry =
                |(key, value): (&String, &Value)| format!("{key}: {}", spelled(value)).trim_end().to_owned();
            joined(record.iter().map(entry).collect(), "; ")
        }
        other => scalar(other).unwrap_or_default(),
    }
}

fn named(value: &Value) -> Option<String> {
    match value {
        Value::Object(record) => Some(text(record, &["id", "name", "title", "text", "description"]))
            .filter(|text| !text.is_empty()),
        other => scalar(other),
    }
}

/// The whole number under a key.
pub(super) fn number(record: &Record, key: &str) -> Option<i64> {
    match record.get(key)? {
        Value::Number(number) => number.as_i64().or_else(|| {
            let rounded = number.as_f64()?.round();
            // Both ends are exact as floats, so the text of a float in between is a whole number.
            (rounded.abs() < 1e15).then(|| format!("{rounded:.0}").parse().ok()).flatten()
        }),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// Whether a key holds something that means yes.
pub(super) fn flag(record: &Record, key: &str) -> bool {
    match record.get(key) {
        Some(Value::Bool(flag)) => *flag,
        Some(Value::Number(number)) => number.as_i64() != Some(0),
        Some(Value::String(text)) => {
            matches!(text.trim().to_ascii_lowercase().as_str(), "true" | "yes" | "1")
        }
        _ => false,
    }
}

/// Whether a value says anything: not null, not empty, not zero, not no.
pub(super) fn says_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !matches!(text.trim(), "" | "{}" | "[]"),
        Value::Array(values) => !values.is_empty(),
        Value::Object(map) => !map.is_empty(),
    }
}

/// One text from several parts, each but the first under a heading; empty parts are left out.
pub(super) fn joined(parts: &[(&str, &str)]) -> String {
    let mut joined = String::new();
    for (heading, part) in parts.iter().filter(|(_, part)| !part.trim().is_empty()) {
        if !joined.is_empty() {
            joined.push_str("\n\n");
        }
        if !heading.is_empty() {
            joined.push_str("## ");
            joined.push_str(heading);
            joined.push_str("\n\n");
        }
        joined.push_str(part.trim_matches('\n'));
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn record(value: &Value) -> Record {
        value.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn a_value_is_understood_whatever_its_shape() {
        let r = record(
            &json!({"a": 5, "b": "6", "c": [1, "x", {"id": "y"}, null], "d": "p, q", "e": 29.1, "f": {"z": 1}}),
        );
        assert_eq!(number(&r, "a"), Some(5));
        assert_eq!(number(&r, "b"), Some(6));
        assert_eq!(number(&r, "e"), Some(29));
        assert_eq!(list(&r, "c"), ["1", "x", "y"]);
        assert_eq!(list(&r, "d"), ["p", "q"]);
        assert_eq!(text(&r, &["f", "missing", "e"]), "29.1");
    }

    #[test]
    fn a_criterion_keeps_its_words_whatever_yaml_took_it_for() {
        let r = record(&json!({"a": [
            {"Documentation": "the README says how"}, {"test": "cargo test", "also": null}, ["a", "b"], 5,
            {"id": "AC1", "text": "it works"}, null, "plain"
        ], "b": "one\ntwo", "c": {"test": "make"}, "d": 7}));
        let expected = [
            "Documentation: the README says how",
            "also:; test: cargo test",
            "a, b",
            "5",
            "it works",
            "plain",
        ];
        assert_eq!(criteria(&r, "a"), expected);
        assert_eq!(["b", "c", "d", "e"].map(|key| criteria(&r, key).len()), [2, 1, 1, 0]);
    }

    #[test]
    fn a_flag_is_one_in_every_era() {
        let r = record(&json!({"a": true, "b": 1, "c": "yes", "d": 0, "e": null, "f": "no"}));
        assert_eq!(
            ["a", "b", "c", "d", "e", "f", "g"].map(|key| flag(&r, key)),
            [true, true, true, false, false, false, false]
        );
    }

    #[test]
    fn parts_are_joined_under_headings() {
        assert_eq!(joined(&[("", "a"), ("Notes", ""), ("Design", "b\n")]), "a\n\n## Design\n\nb");
    }
}
