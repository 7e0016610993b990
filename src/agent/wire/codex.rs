//! What Codex prints with `exec --json`, and what it writes to the file of its thread.

use super::{Usage, lenient, or_default, text};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Any line of standard output.
#[derive(Deserialize)]
pub(in crate::agent) struct Line<'l> {
    #[serde(borrow, rename = "type")]
    pub(in crate::agent) kind: Cow<'l, str>,
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::agent) thread_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::agent) message: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::agent) error: Option<Message>,
    #[serde(borrow, default)]
    pub(in crate::agent) item: Option<&'l RawValue>,
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::agent) usage: Option<Usage>,
}

/// The words of an error.
#[derive(Deserialize)]
pub(in crate::agent) struct Message {
    #[serde(default)]
    pub(in crate::agent) message: String,
}

/// Something that was done or said.
#[derive(Deserialize)]
pub(in crate::agent) struct Item<'l> {
    #[serde(borrow, rename = "type", default, deserialize_with = "text")]
    pub(in crate::agent) kind: Cow<'l, str>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(in crate::agent) command: Cow<'l, str>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(in crate::agent) text: Cow<'l, str>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(in crate::agent) query: Cow<'l, str>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(in crate::agent) tool: Cow<'l, str>,
    #[serde(default, deserialize_with = "or_default")]
    pub(in crate::agent) changes: Vec<Change>,
}

/// A file that was changed.
#[derive(Deserialize)]
pub(in crate::agent) struct Change {
    #[serde(default)]
    pub(in crate::agent) path: String,
}

/// A line of the thread's file.
#[derive(Deserialize)]
pub(in crate::agent) struct SideLine<'l> {
    #[serde(borrow, rename = "type")]
    pub(in crate::agent) kind: Cow<'l, str>,
    #[serde(borrow, default)]
    pub(in crate::agent) payload: Option<&'l RawValue>,
}

/// What such a line is about.
#[derive(Deserialize)]
pub(in crate::agent) struct Payload<'l> {
    #[serde(borrow, rename = "type", default, deserialize_with = "text")]
    pub(in crate::agent) kind: Cow<'l, str>,
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::agent) model: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::agent) model_context_window: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::agent) info: Option<Counted>,
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::agent) rate_limits: Option<RateLimits>,
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::agent) error: Option<Fault>,
}

/// Why a turn failed.
#[derive(Deserialize)]
pub(in crate::agent) struct Fault {
    #[serde(default, deserialize_with = "lenient")]
    codex_error_info: Option<serde_json::Value>,
}

impl Fault {
    /// The word for it; where there is more to say, it is the key to that.
    pub(in crate::agent) fn word(&self) -> Option<&str> {
        let info = self.codex_error_info.as_ref()?;
        info.as_str().or_else(|| info.as_object()?.keys().next().map(String::as_str))
    }
}

/// Tokens, counted after each request.
#[derive(Deserialize)]
pub(in crate::agent) struct Counted {
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::agent) total_token_usage: Option<Usage>,
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::agent) last_token_usage: Option<Usage>,
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::agent) model_context_window: Option<u64>,
}

/// The windows of a plan.
#[derive(Deserialize)]
pub(in crate::agent) struct RateLimits {
    #[serde(default, deserialize_with = "lenient")]
    primary: Option<Window>,
    #[serde(default, deserialize_with = "lenient")]
    secondary: Option<Window>,
}

#[derive(Deserialize)]
struct Window {
    #[serde(default)]
    used_percent: f64,
    #[serde(default, deserialize_with = "lenient")]
    resets_at: Option<i64>,
}

impl RateLimits {
    /// When the last of those that are used up begins again, in seconds since 1970.
    pub(in crate::agent) fn resets_at(&self) -> Option<i64> {
        let windows = [&self.primary, &self.secondary];
        windows
            .into_iter()
            .flatten()
            .filter(|window| window.used_percent >= 100.0)
            .filter_map(|window| window.resets_at)
            .max()
    }
}
