//! YAML, a line at a time: front matter, and nested lists of records.
//!
//! Invariant: a text that could be read as anything but itself is quoted, and what could steer a
//! terminal is escaped.

use crate::state::file::yaml_text::quoted;
use std::fmt::Write as _;

/// Lines of YAML.
#[derive(Debug, Default)]
pub(super) struct Yaml {
    text: String,
    depth: usize,
    /// Whether the next line begins a record of a list.
    begins: bool,
}

impl Yaml {
    fn line(&mut self, text: &str) {
        let indent = "  ".repeat(self.depth.saturating_sub(usize::from(self.begins)));
        let mark = if std::mem::take(&mut self.begins) { "- " } else { "" };
        let _ = writeln!(self.text, "{indent}{mark}{text}");
    }

    /// A key with a text.
    pub(super) fn text(&mut self, key: &str, value: &str) {
        self.line(&format!("{key}: {}", scalar(value)));
    }

    /// A key with a text, unless it is empty.
    pub(super) fn said(&mut self, key: &str, value: &str) {
        if !value.is_empty() {
            self.text(key, value);
        }
    }

    /// A key with a number.
    pub(super) fn number(&mut self, key: &str, value: u8) {
        self.line(&format!("{key}: {value}"));
    }

    /// A key with a list on one line.
    pub(super) fn list<T: AsRef<str>>(&mut self, key: &str, values: &[T]) {
        let values: Vec<String> = values.iter().map(|value| scalar(value.as_ref())).collect();
        self.line(&format!("{key}: [{}]", values.join(", ")));
    }

    /// A key with a list of records below it; `record` writes each.
    pub(super) fn records<T>(&mut self, key: &str, values: &[T], mut record: impl FnMut(&mut Self, &T)) {
        if values.is_empty() {
            return;
        }
        self.line(&format!("{key}:"));
        self.depth += 1;
        for value in values {
            self.begins = true;
            record(self, value);
            self.begins = false;
        }
        self.depth -= 1;
    }

    /// The lines.
    pub(super) fn finish(self) -> String {
        self.text
    }
}

/// A text as a scalar: plain where no reader can take it for something else, in a list on one line either.
fn scalar(text: &str) -> String {
    const WORDS: [&str; 9] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ' ');
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(legal)
        && !text.ends_with(' ')
        && !WORDS.contains(&text.to_ascii_lowercase().as_str());
    if is_plain { text.to_owned() } else { quoted(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_taken_for_something_else_is_quoted() {
        for plain in ["open", "t-1", "To Do", "v1.2"] {
            assert_eq!(scalar(plain), plain);
        }
        for (text, expected) in [
            ("", "\"\""),
            ("no", "\"no\""),
            ("5.10", "\"5.10\""),
            ("a: b", "\"a: b\""),
            ("say \"x\"\n\\", "\"say \\\"x\\\"\\n\\\\\""),
            ("\u{9b}", "\"\\x9B\""),
        ] {
            assert_eq!(scalar(text), expected);
        }
    }

    #[test]
    fn records_nest() {
        let mut yaml = Yaml::default();
        yaml.records("epics", &["a", "b"], |yaml, id| {
            yaml.text("id", id);
            yaml.records("tasks", &["c"], |yaml, id| yaml.text("id", id));
        });
        let expected = "epics:\n- id: a\n  tasks:\n  - id: c\n- id: b\n  tasks:\n  - id: c\n";
        assert_eq!(yaml.finish(), expected);
    }
}
