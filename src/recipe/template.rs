//! Templates: text with places for values, a line at a time.

use std::collections::BTreeMap;

/// The values of each name, in their order.
pub(super) struct Values(BTreeMap<&'static str, Vec<String>>);

impl Values {
    /// These values.
    pub(super) fn new<const N: usize>(values: [(&'static str, Vec<String>); N]) -> Self {
        Self(values.into())
    }
}

/// Fills in a template. Each line has one name at most, so no value is taken for a place.
pub(super) fn fill(template: &str, values: &Values) -> String {
    let mut out = String::new();
    let mut left_out = false;
    for line in template.lines() {
        left_out &= !line.is_empty();
        if let Some(name) = line.trim_start().strip_prefix("@if ").and_then(|rest| rest.strip_suffix('@')) {
            left_out = values.0.get(name).is_none_or(Vec::is_empty);
            continue;
        }
        if left_out {
            continue;
        }
        let place = values.0.iter().find_map(|(name, list)| {
            let place = format!("@{name}@");
            line.contains(&place).then_some((place, list))
        });
        match place {
            None => out.push_str(&format!("{line}\n")),
            Some((place, list)) => {
                for value in list {
                    out.push_str(&format!("{}\n", line.replace(&place, value)));
                }
            }
        }
    }
    // What is left of a paragraph that was left out.
    while out.contains("\n\n\n") {
        out = out.replace("\n\n\n", "\n\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(template: &str) -> String {
        let values = Values::new([
            ("none", vec![]),
            ("one", vec!["1".to_owned()]),
            ("two", vec!["@one@".to_owned(), "b".to_owned()]),
        ]);
        fill(template, &values)
    }

    #[test]
    fn a_line_is_there_once_for_each_value() {
        assert_eq!(
            filled("a @one@\n  - @two@: @two@\nb @none@\nc\n"),
            "a 1\n  - @one@: @one@\n  - b: b\nc\n"
        );
    }

    #[test]
    fn a_paragraph_may_depend_on_a_value() {
        assert_eq!(filled("a\n\n  @if none@\n  b\n  c\n\nd\n"), "a\n\nd\n");
        assert_eq!(filled("a\n\n  @if one@\n  b @one@\n\nd\n"), "a\n\n  b 1\n\nd\n");
    }
}
