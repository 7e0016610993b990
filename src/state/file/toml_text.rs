//! Values and their spelling in TOML.
//!
//! In: values. Out: text that every TOML 1.0 parser reads as the same values. Invariant: what is
//! unprintable is escaped, so that a diff shows it; no text gets a line that looks like one of git's
//! conflict markers.

use super::super::task::is_unprintable;
use jiff::{Timestamp, tz};
use std::fmt::Write as _;
use toml::value::{Datetime, Offset};

/// A value of a key, as it is to be spelt.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// One value, already spelt.
    One(String),
    /// An array of strings.
    List(Vec<String>),
}

impl Value {
    /// The value's text.
    #[must_use]
    pub fn spell(&self) -> String {
        match self {
            Self::One(text) => text.clone(),
            Self::List(elements) => array(elements),
        }
    }
}

/// A string on one line.
#[must_use]
pub fn string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            _ => push_escaped(&mut out, c),
        }
    }
    out.push('"');
    out
}

/// A string that begins on a line of its own and keeps its lines.
#[must_use]
pub fn long_string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    out.push_str("\"\"\"\n");
    for line in text.split_inclusive('\n') {
        let marker = line.starts_with("<<<<<<<") || line.starts_with(">>>>>>>");
        let mut previous = ' ';
        for (index, c) in line.chars().enumerate() {
            match c {
                '<' | '>' if marker && index == 0 => push_unicode(&mut out, c),
                '"' if previous == '"' => out.push_str("\\\""),
                '\t' | '\n' | '"' => out.push(c),
                _ => push_escaped(&mut out, c),
            }
            previous = c;
        }
    }
    if text.ends_with('"') && !out.ends_with("\\\"") {
        out.truncate(out.len() - 1);
        out.push_str("\\\"");
    }
    out.push_str("\"\"\"");
    out
}

fn push_escaped(out: &mut String, c: char) {
    match c {
        '\\' => out.push_str("\\\\"),
        '\r' => out.push_str("\\r"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        c if is_unprintable(c) => push_unicode(out, c),
        c => out.push(c),
    }
}

fn push_unicode(out: &mut String, c: char) {
    let code = u32::from(c);
    // Writing to a `String` cannot fail.
    let _ = if code <= 0xffff { write!(out, "\\u{code:04X}") } else { write!(out, "\\U{code:08X}") };
}

/// An array of strings, one on each line.
#[must_use]
pub fn array(elements: &[String]) -> String {
    if elements.is_empty() {
        return "[]".to_owned();
    }
    let mut out = "[\n".to_owned();
    for element in elements {
        out.push_str(&array_line(element));
    }
    out.push(']');
    out
}

/// The line of one element of an array.
#[must_use]
pub fn array_line(element: &str) -> String {
    format!("  {},\n", string(element))
}

/// A float; none for what is not finite.
#[must_use]
pub fn float(number: f64) -> Option<String> {
    number.is_finite().then(|| format!("{number:?}"))
}

/// An integer; what TOML cannot hold becomes the largest that it can.
#[must_use]
pub fn integer(number: u64) -> String {
    number.min(i64::MAX.unsigned_abs()).to_string()
}

/// A date and time in UTC; none for years that TOML cannot hold.
#[must_use]
pub fn timestamp(time: Timestamp) -> Option<String> {
    let year = tz::Offset::UTC.to_datetime(time).year();
    (0..=9999).contains(&year).then(|| time.to_string())
}

/// The moment that a date and time means; none without an offset, or for a day that no month has.
#[must_use]
pub fn timestamp_of(datetime: &Datetime) -> Option<Timestamp> {
    let (date, time) = (datetime.date?, datetime.time?);
    let minutes = match datetime.offset? {
        Offset::Z => 0,
        Offset::Custom { minutes } => i32::from(minutes),
    };
    let civil = jiff::civil::DateTime::new(
        i16::try_from(date.year).ok()?,
        i8::try_from(date.month).ok()?,
        i8::try_from(date.day).ok()?,
        i8::try_from(time.hour).ok()?,
        i8::try_from(time.minute).ok()?,
        i8::try_from(time.second.unwrap_or(0)).ok()?.min(59),
        i32::try_from(time.nanosecond.unwrap_or(0)).ok()?,
    );
    jiff::tz::Offset::from_seconds(minutes * 60).ok()?.to_timestamp(civil.ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(spelt: &str) -> String {
        let text = format!("k = {spelt}\n");
        let table: toml::Table = toml::from_str(&text).unwrap();
        table["k"].as_str().unwrap().to_owned()
    }

    #[test]
    fn prose_stays_readable() {
        assert_eq!(long_string("Say \"hi\".\n\tC:\\x\n"), "\"\"\"\nSay \"hi\".\n\tC:\\\\x\n\"\"\"");
        assert_eq!(long_string("\"\"\"\""), "\"\"\"\n\"\\\"\\\"\\\"\"\"\"");
        assert_eq!(long_string("x\""), "\"\"\"\nx\\\"\"\"\"");
        assert_eq!(string("a\u{202e}\u{e0001}b"), "\"a\\u202E\\U000E0001b\"");
        assert_eq!(array(&["a".into(), "b".into()]), "[\n  \"a\",\n  \"b\",\n]");
    }

    #[test]
    fn no_line_looks_like_a_conflict_marker() {
        let text = "<<<<<<< HEAD\n=======\n>>>>>>> x\n";
        let spelt = long_string(text);
        assert!(!spelt.contains("\n<") && !spelt.contains("\n>"));
        assert_eq!(read(&spelt), text);
    }

    #[test]
    fn years_beyond_toml_are_left_out() {
        assert_eq!(timestamp(Timestamp::MIN), None);
        assert_eq!(timestamp(Timestamp::UNIX_EPOCH).as_deref(), Some("1970-01-01T00:00:00Z"));
    }

    proptest! {
        #[test]
        fn strings_come_back(text in "(\\PC|[\"\\\\\r\n\t \0\u{1b}\u{7f}<>'a]|<<<<<<< |\"\"\"){0,40}") {
            prop_assert_eq!(read(&string(&text)), text.as_str());
            prop_assert_eq!(read(&long_string(&text)), text.as_str());
            prop_assert!(!string(&text).contains('\n'));
        }

        #[test]
        fn floats_come_back(number: f64) {
            if let Some(spelt) = float(number) {
                let table: toml::Table = toml::from_str(&format!("k = {spelt}")).unwrap();
                prop_assert_eq!(table["k"].as_float().unwrap().to_bits(), number.to_bits());
            } else {
                prop_assert!(!number.is_finite());
            }
        }

        #[test]
        fn times_come_back(nanos in -62_000_000_000_000_000_000_i128..250_000_000_000_000_000_000) {
            let time = Timestamp::from_nanosecond(nanos).unwrap();
            prop_assert_eq!(timestamp(time).unwrap().parse::<Timestamp>().unwrap(), time);
        }
    }
}
