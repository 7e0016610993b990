//! The shapes of the lines that agents print, read without a copy where that matters.
//!
//! Invariant: what a shape does not name is skipped; what it names and has another type is absent, so
//! that a new version of an agent loses one figure and not the line.

pub(super) mod acp;
pub(super) mod claude;
pub(super) mod codex;
pub(super) mod gemini;
pub(super) mod opencode;
pub(super) mod copilot;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// A line as this shape; nothing where it is another one.
pub(super) fn parse<'l, T: Deserialize<'l>>(line: &'l [u8]) -> Option<T> {
    serde_json::from_slice(line).ok()
}

/// A part of a line that was left as text.
pub(super) fn part<'l, T: Deserialize<'l>>(raw: Option<&'l RawValue>) -> Option<T> {
    serde_json::from_str(raw?.get()).ok()
}

/// A value that may have another type than is expected.
fn lenient<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    let raw = <&'de RawValue>::deserialize(deserializer)?;
    Ok(serde_json::from_str(raw.get()).ok())
}

/// A value that is absent where it has another type.
fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    lenient(deserializer).map(Option::unwrap_or_default)
}

/// A text, borrowed where it has no escapes.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Cow<'de, str>, D::Error> {
    #[derive(Deserialize, Default)]
    struct Text<'t>(#[serde(borrow)] Cow<'t, str>);
    or_default(deserializer).map(|Text(text)| text)
}
