//! What Copilot CLI prints with `--output-format json`, one object a line.

use super::{Usage, lenient, text};
use serde::Deserialize;
use std::borrow::Cow;

/// Any line.
#[derive(Deserialize)]
pub(in crate::agent) struct Line<'l> {
    #[serde(borrow, rename = "type")]
    pub(in crate::agent) kind: Cow<'l, str>,
    #[serde(borrow, default, deserialize_with = "lenient")]
    pub(in crate::agent) data: Option<Data<'l>>,
    #[serde(default, rename = "sessionId", deserialize_with = "lenient")]
    pub(in crate::agent) session_id: Option<String>,
    #[serde(default, rename = "exitCode", deserialize_with = "lenient")]
    pub(in crate::agent) exit_code: Option<i32>,
}

/// What it is about: whichever of these is there.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::agent) struct Data<'l> {
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::agent) model: Option<String>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(in crate::agent) content: Cow<'l, str>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(in crate::agent) tool_name: Cow<'l, str>,
    #[serde(borrow, default, deserialize_with = "lenient")]
    pub(in crate::agent) arguments: Option<Arguments<'l>>,
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::agent) error: Option<Fault>,
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::agent) tool_telemetry: Option<Telemetry>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(in crate::agent) reason: Cow<'l, str>,
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::agent) error_type: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::agent) error_message: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::agent) message: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::agent) status_code: Option<u16>,
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::agent) usage: Option<Usage>,
}

/// What a tool is used on.
#[derive(Deserialize)]
pub(in crate::agent) struct Arguments<'l> {
    #[serde(borrow, default, deserialize_with = "text")]
    command: Cow<'l, str>,
    #[serde(borrow, default, deserialize_with = "text")]
    path: Cow<'l, str>,
    #[serde(borrow, default, deserialize_with = "text")]
    pattern: Cow<'l, str>,
}

impl Arguments<'_> {
    /// The first that says something.
    pub(in crate::agent) fn on(&self) -> &str {
        let all = [&self.command, &self.path, &self.pattern];
        all.into_iter().find(|text| !text.is_empty()).map_or("", |text| text)
    }
}

/// Why a tool failed.
#[derive(Deserialize)]
pub(in crate::agent) struct Fault {
    #[serde(default)]
    pub(in crate::agent) code: String,
}

/// What is measured at a tool.
#[derive(Deserialize)]
pub(in crate::agent) struct Telemetry {
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::agent) metrics: Option<Metrics>,
}

/// The context.
#[derive(Deserialize)]
pub(in crate::agent) struct Metrics {
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::agent) context_token_limit: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::agent) context_current_tokens: Option<u64>,
}
