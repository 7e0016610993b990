//! Spelling values in YAML, and changing keys of YAML text in place.
//!
//! In: values. Out: text that readers of YAML 1.1 and 1.2 take for the same texts. Invariant: what
//! could be read as anything but a text is quoted; what is unprintable is escaped; a change of one
//! key leaves the lines of all others as they are.

use super::super::task::is_unprintable;
use std::fmt::Write as _;
use std::ops::Range;

/// A value of a key.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Spelt already: a number, a date, a word.
    Plain(String),
    /// A text.
    Text(String),
    /// A list of texts.
    List(Vec<String>),
}

/// A key and its value; none where the key is left out.
pub type Entry = (&'static str, Option<Value>);

/// The lines of a key.
#[must_use]
pub fn entry(key: &str, value: &Value) -> String {
    format!("{key}:{}", spell(value, None, &[]))
}

/// What follows the colon of a key, to the end of its last line.
fn spell(value: &Value, comment: Option<&str>, inner_comments: &[&str]) -> String {
    let comment = comment.map(|comment| format!("  {comment}")).unwrap_or_default();
    let inner: String = inner_comments.iter().flat_map(|comment| ["  ", comment, "\n"]).collect();
    match value {
        Value::Plain(text) => format!(" {text}{comment}\n"),
        Value::Text(text) => match block(text, "  ") {
            Some((mark, lines)) => format!(" {mark}{comment}\n{lines}"),
            None => format!(" {}{comment}\n", scalar(text)),
        },
        Value::List(texts) => {
            let items = texts.iter().map(|text| match block(text, "    ") {
                Some((mark, lines)) => format!("  - {mark}\n{lines}"),
                None => format!("  - {}\n", scalar(text)),
            });
            format!("{comment}\n{inner}{}", items.collect::<String>())
        }
    }
}

/// A text on one line, quoted where it has to be.
#[must_use]
pub fn scalar(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { quoted(text) }
}

/// A text on one line, in quotes.
#[must_use]
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if is_strange(c) => push_code(&mut out, u32::from(c)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Whether a character has to be escaped: it cannot be seen, or is none that YAML allows.
fn is_strange(c: char) -> bool {
    is_unprintable(c) || matches!(c, '\u{fff0}'..='\u{ffff}') || u32::from(c) & 0xfffe == 0xfffe
}

fn push_code(out: &mut String, code: u32) {
    // Writing to a `String` cannot fail.
    let _ = match code {
        0..=0xff => write!(out, "\\x{code:02X}"),
        0x100..=0xffff => write!(out, "\\u{code:04X}"),
        _ => write!(out, "\\U{code:08X}"),
    };
}

/// Whether a text can stand without quotes: it begins with a letter or digit, is no word or number
/// that some reader takes for something else, and has nothing that ends a plain scalar.
fn is_plain(text: &str) -> bool {
    const WORDS: [&str; 11] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan", "inf"];
    let Some(first) = text.chars().next() else { return false };
    let numeric = first.is_ascii_digit()
        && !text
            .chars()
            .any(|c| matches!(c.to_ascii_lowercase(), 'g'..='h' | 'j'..='m' | 'p'..='s' | 'u'..='w' | 'y'));
    first.is_ascii_alphanumeric()
        && !numeric
        && !WORDS.contains(&text.to_ascii_lowercase().as_str())
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.ends_with([':', ' '])
        && !text.chars().any(is_strange)
}

/// The mark and the lines of a text of many lines; none where only quotes bring it back.
fn block(text: &str, indent: &str) -> Option<(&'static str, String)> {
    let body = text.strip_suffix('\n').unwrap_or(text);
    let fits = text.contains('\n')
        && !body.ends_with('\n')
        && !body.starts_with([' ', '\t', '\n'])
        && !body.is_empty()
        && body.split('\n').all(|line| line.is_empty() || !line.trim_matches([' ', '\t']).is_empty())
        && !text.chars().any(|c| is_strange(c) && c != '\n' && c != '\t');
    if !fits {
        return None;
    }
    let lines = body.split('\n').map(|line| match line {
        "" => "\n".to_owned(),
        line => format!("{indent}{line}\n"),
    });
    Some((if body.len() < text.len() { "|" } else { "|-" }, lines.collect()))
}

/// Where a key and its value lie.
struct Place {
    key: String,
    span: Range<usize>,
    /// The end of the first line, without its line end.
    first_end: usize,
}

/// Changes keys; `order` is the order of all keys.
#[must_use]
pub fn splice(text: &str, order: &[&str], changes: &[Entry]) -> String {
    let places = places(text);
    let find = |key: &str| places.iter().find(|place| place.key == key);
    let mut splices: Vec<(Range<usize>, String)> = Vec::new();
    for (key, value) in changes {
        if let Some(place) = find(key) {
            splices.push((place.span.clone(), replaced(text, place, value.as_ref())));
        } else if let Some(value) = value {
            let before = order.iter().take_while(|other| *other != key);
            let neighbour = before.filter_map(|other| find(other)).last();
            let at = neighbour.map_or(places.first().map_or(text.len(), |p| p.span.start), |p| p.span.end);
            splices.push((at..at, entry(key, value)));
        }
    }
    splices.sort_by_key(|(span, _)| (span.start, span.end));
    let mut out = String::with_capacity(text.len() + 256);
    let mut at = 0;
    for (span, new) in splices {
        out.push_str(text.get(at..span.start).unwrap_or_default());
        if !out.is_empty() && !out.ends_with('\n') {
            out.push('\n');
        }
        out.push_str(&new);
        at = at.max(span.end);
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

/// The lines of a key with another value, or what stays of them without one: the comments.
fn replaced(text: &str, place: &Place, value: Option<&Value>) -> String {
    let lines = text.get(place.span.clone()).unwrap_or_default();
    let first = text.get(place.span.start..place.first_end).unwrap_or_default();
    let old = first.split_once(':').map_or("", |(_, old)| old).trim();
    let comment = trailing_comment(old);
    let listed = old.is_empty() || old.starts_with(['#', '[']);
    let inner: Vec<&str> =
        lines.lines().skip(1).map(str::trim).filter(|line| listed && line.starts_with('#')).collect();
    match value {
        Some(value @ Value::List(_)) => format!("{}:{}", place.key, spell(value, comment, &inner)),
        Some(value) => format!("{}:{}", place.key, spell(value, comment, &[])),
        None => comment.into_iter().chain(inner).flat_map(|comment| [comment, "\n"]).collect(),
    }
}

/// The comment behind a value on its first line.
fn trailing_comment(value: &str) -> Option<&str> {
    if value.starts_with('#') {
        return Some(value);
    }
    let mut from = 0;
    if let Some(quote) = value.chars().next().filter(|c| matches!(c, '"' | '\'')) {
        let mut escaped = false;
        let close = value.char_indices().skip(1).find(|(_, c)| {
            let closes = *c == quote && !escaped;
            escaped = quote == '"' && *c == '\\' && !escaped;
            closes
        });
        from = close?.0;
    }
    let rest = value.get(from..)?;
    let at = rest.find(" #").or_else(|| rest.find("\t#"))?;
    rest.get(at + 1..).map(str::trim_end)
}

/// The keys at the left edge, each with the lines that belong to it.
fn places(text: &str) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let end = at + line.len();
        // White space as YAML knows it: a line of another is text.
        let content = line.trim_end_matches([' ', '\t', '\r', '\n']);
        let continues = line.starts_with([' ', '\t', '-', ']', '}']) && !content.starts_with("---");
        if continues && !content.is_empty() {
            if let Some(place) = places.last_mut() {
                place.span.end = end;
            }
        } else if let Some((key, _)) = content.split_once(':').filter(|_| !content.starts_with('#')) {
            let key = key.trim().trim_matches(['"', '\'']).to_owned();
            places.push(Place { key, span: at..end, first_end: at + content.len() });
        }
        at = end;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_some_reader_takes_for_something_else_is_quoted() {
        for text in [
            "no",
            "Yes",
            "ON",
            "null",
            "~",
            "",
            "1",
            "1e3",
            "0x1F",
            "0o7",
            "1_000",
            "12:30",
            "2020-01-01",
            ".5",
            "-",
            "- a",
            "a: b",
            "a #b",
            "a:",
            "a ",
            "#a",
            "&a",
            "*a",
            "!a",
            "|",
            ">",
            "%a",
            "@a",
            "`a",
            "[a",
            "{a",
            "'a",
            "\"a",
            "? a",
            "4e10",
            "2026-11-20T10:00:00Z",
            "a\tb",
            "\u{feff}a",
            "---",
        ] {
            assert!(scalar(text).starts_with('"'), "{text}");
        }
        for text in ["sonnet", "t-7k3fm", "01JDX", "refs/orch/x", "a:b", "a#b", "Run records: no", "5k lines"]
        {
            assert_eq!(scalar(text) == text, !text.contains(": "), "{text}");
        }
    }

    #[test]
    fn prose_of_many_lines_stays_readable() {
        let value = Value::Text("One.\n\n  Two.\n".to_owned());
        assert_eq!(entry("text", &value), "text: |\n  One.\n\n    Two.\n");
        let list = Value::List(vec!["a\nb".to_owned(), "no".to_owned()]);
        assert_eq!(entry("next", &list), "next:\n  - |-\n    a\n    b\n  - \"no\"\n");
    }
}
