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

use crate::state::run::Tokens;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// What was used, where cached input is a part of the input, and reasoning one of the output.
#[derive(Deserialize, Default, Clone, Copy)]
#[serde(default)]
pub(super) struct Usage {
    #[serde(alias = "input_tokens", alias = "inputTokens")]
    input: u64,
    #[serde(alias = "cached_input_tokens", alias = "cacheReadTokens")]
    cached: u64,
    #[serde(alias = "output_tokens", alias = "outputTokens")]
    output: u64,
    #[serde(alias = "reasoning_output_tokens", alias = "reasoningTokens")]
    reasoning: u64,
    /// How large the window is, where that is told.
    #[serde(alias = "maxPromptTokens")]
    pub(super) window: Option<u64>,
}

impl Usage {
    /// In our words.
    pub(super) fn tokens(self) -> Tokens {
        Tokens {
            input: self.input.saturating_sub(self.cached),
            cached: self.cached,
            output: self.output,
            reasoning: self.reasoning,
        }
    }

    /// All of it.
    pub(super) fn all(self) -> u64 {
        self.input.saturating_add(self.output)
    }
}

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
