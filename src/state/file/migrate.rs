//! Older shapes of files, brought up to the newest.
//!
//! In: the text of a state file. Out: the same text in the newest schema, everything else byte for
//! byte. There has been one schema so far; a file that says none, or 0, was written by hand before it.

use super::SCHEMA;

/// What a file needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Nothing: it has the newest schema, or no schema that can be read.
    Current,
    /// To be replaced by this text.
    Upgrade(String),
    /// A newer orch; the schema that it has.
    Newer(i64),
}

/// What a TOML file needs.
#[must_use]
pub fn toml(text: &str) -> Step {
    let Ok(table) = toml::from_str::<toml::Table>(text) else { return Step::Current };
    match table.get("schema") {
        None => Step::Upgrade(prepend(text, &format!("schema = {SCHEMA}"))),
        Some(value) => match value.as_integer() {
            Some(newer) if newer > SCHEMA => Step::Newer(newer),
            Some(0) => replace_zero(text, '=').map_or(Step::Current, Step::Upgrade),
            _ => Step::Current,
        },
    }
}

/// What a YAML file needs.
#[must_use]
pub fn yaml(text: &str) -> Step {
    let value = text.lines().find_map(|line| line.strip_prefix("schema:"));
    let Some(value) = value else {
        return Step::Upgrade(prepend(text, &format!("schema: {SCHEMA}")));
    };
    let word = value.split('#').next().unwrap_or_default().trim();
    match word.parse::<i64>() {
        Ok(newer) if newer > SCHEMA => Step::Newer(newer),
        Ok(0) => replace_zero(text, ':').map_or(Step::Current, Step::Upgrade),
        _ => Step::Current,
    }
}

/// Puts a line first, after what only may come first.
fn prepend(text: &str, line: &str) -> String {
    let (mark, rest) = match text.strip_prefix('\u{feff}') {
        Some(rest) => ("\u{feff}", rest),
        None => ("", text),
    };
    let newline = if rest.contains("\r\n") { "\r\n" } else { "\n" };
    let start = match rest.split_once('\n') {
        Some((first, _)) if first.trim_end() == "---" => first.len() + 1,
        _ => 0,
    };
    format!("{mark}{}{line}{newline}{}", &rest[..start], &rest[start..])
}

/// The text with the first `schema` at the beginning of a line that is zero set to the newest.
fn replace_zero(text: &str, separator: char) -> Option<String> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let key = line.trim_start_matches(['\u{feff}', ' ', '\t']);
        let value = key
            .strip_prefix("schema")
            .map(str::trim_start)
            .and_then(|rest| rest.strip_prefix(separator))
            .map(|rest| rest.trim_start_matches([' ', '\t']));
        if let Some(value) = value.filter(|value| value.starts_with(['0', '+', '-'])) {
            let end = value.find(|c: char| !c.is_ascii_alphanumeric() && !"+-_".contains(c));
            let start = at + line.len() - value.len();
            let end = start + end.unwrap_or(value.len());
            return Some(format!("{}{SCHEMA}{}", &text[..start], &text[end..]));
        }
        at += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upgraded(step: Step) -> String {
        match step {
            Step::Upgrade(text) => text,
            other @ (Step::Current | Step::Newer(_)) => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_file_without_a_schema_gets_one_and_keeps_its_bytes() {
        assert_eq!(upgraded(toml("# hi\nid = 'a' # b\n")), "schema = 1\n# hi\nid = 'a' # b\n");
        assert_eq!(upgraded(toml("id = 'a'\r\n")), "schema = 1\r\nid = 'a'\r\n");
        assert_eq!(upgraded(yaml("---\nid: a\n")), "---\nschema: 1\nid: a\n");
    }

    #[test]
    fn a_schema_of_zero_is_replaced_where_it_stands() {
        assert_eq!(upgraded(toml("# x\nschema   = 0 # old\nid = 'a'")), "# x\nschema   = 1 # old\nid = 'a'");
        assert_eq!(upgraded(yaml("id: a\nschema: 0\n")), "id: a\nschema: 1\n");
    }

    #[test]
    fn the_newest_schema_needs_nothing_and_a_newer_one_is_named() {
        assert_eq!(toml("schema = 1\n"), Step::Current);
        assert_eq!(yaml("schema: 1\n"), Step::Current);
        assert_eq!(toml("schema = 7\n"), Step::Newer(7));
        assert_eq!(yaml("schema: 7 # later\n"), Step::Newer(7));
    }

    #[test]
    fn what_cannot_be_read_is_left_alone() {
        for text in ["schema = \"x\"", "schema = [", "= = =", "schema = -3"] {
            assert_eq!(toml(text), Step::Current, "{text}");
        }
        assert_eq!(yaml("schema: {}"), Step::Current);
    }

    #[test]
    fn an_upgraded_file_is_current() {
        for text in ["id = 'a'\n", "schema = 0\nid = 'a'\n", "\u{feff}id = 'a'\n", "schema=0x0\n"] {
            assert_eq!(toml(&upgraded(toml(text))), Step::Current, "{text:?}");
        }
    }
}
