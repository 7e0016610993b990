//! What Gemini CLI prints with `--output-format stream-json`, one object a line.

use super::{lenient, text};
use serde::Deserialize;
use std::borrow::Cow;

/// Any line.
#[derive(Deserialize)]
pub(in crate::agent) struct Line<'l> {
    #[serde(borrow, rename = "type")]
    pub(in crate::agent) kind: Cow<'l, str>,
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::agent) session_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::agent) model: Option<String>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(in crate::agent) role: Cow<'l, str>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(in crate::agent) content: Cow<'l, str>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(in crate::agent) tool_name: Cow<'l, str>,
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::agent) parameters: Option<Parameters>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(in crate::agent) status: Cow<'l, str>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(in crate::agent) severity: Cow<'l, str>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(in crate::agent) message: Cow<'l, str>,
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::agent) error: Option<Fault>,
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::agent) stats: Option<Stats>,
}

/// What a tool is used on.
#[derive(Deserialize)]
pub(in crate::agent) struct Parameters {
    #[serde(default)]
    command: String,
    #[serde(default)]
    file_path: String,
    #[serde(default)]
    pattern: String,
}

impl Parameters {
    /// The first that says something.
    pub(in crate::agent) fn on(&self) -> &str {
        let all = [&self.command, &self.file_path, &self.pattern];
        all.into_iter().find(|text| !text.is_empty()).map_or("", |text| text)
    }
}

/// Why something failed.
#[derive(Deserialize)]
pub(in crate::agent) struct Fault {
    #[serde(default, rename = "type")]
    pub(in crate::agent) kind: String,
    #[serde(default)]
    pub(in crate::agent) message: String,
}

/// What the process used.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(in crate::agent) struct Stats {
    pub(in crate::agent) input_tokens: u64,
    pub(in crate::agent) cached: u64,
    pub(in crate::agent) output_tokens: u64,
}
