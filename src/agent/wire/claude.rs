//! What Claude Code prints with `--output-format stream-json`, one object a line.

use super::{lenient, or_default, text};
use crate::state::run::Tokens;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Any line. Its kind comes late in some, so that all of them have one shape.
#[derive(Deserialize)]
pub(in crate::agent) struct Line<'l> {
    #[serde(borrow, rename = "type")]
    pub(in crate::agent) kind: Cow<'l, str>,
    #[serde(borrow, default)]
    pub(in crate::agent) subtype: Option<Cow<'l, str>>,
    #[serde(borrow, default)]
    pub(in crate::agent) session_id: Option<Cow<'l, str>>,
    #[serde(borrow, default)]
    pub(in crate::agent) parent_tool_use_id: Option<&'l RawValue>,
    #[serde(borrow, default)]
    pub(in crate::agent) message: Option<&'l RawValue>,
    #[serde(borrow, default)]
    pub(in crate::agent) event: Option<&'l RawValue>,
    #[serde(borrow, default)]
    pub(in crate::agent) api_message_id: Option<Cow<'l, str>>,
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::agent) model: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::agent) tool_name: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::agent) fallback_model: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::agent) compact_metadata: Option<CompactMetadata>,
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::agent) rate_limit_info: Option<RateLimitInfo>,
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::agent) retry_delay_ms: Option<f64>,
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::agent) error_status: Option<u16>,
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::agent) error: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::agent) api_error: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::agent) api_error_status: Option<u16>,
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::agent) api_error_params: Option<ErrorParams>,
    #[serde(default, deserialize_with = "or_default")]
    pub(in crate::agent) is_error: bool,
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::agent) terminal_reason: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::agent) stop_reason: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::agent) result: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(in crate::agent) errors: Vec<String>,
    #[serde(default, deserialize_with = "or_default", rename = "model_usage_since_last_result")]
    pub(in crate::agent) model_usage: BTreeMap<String, ModelUsage>,
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::agent) total_cost_usd: Option<f64>,
    #[serde(default, deserialize_with = "or_default")]
    pub(in crate::agent) permission_denials: Vec<Denial>,
}

/// What a limit of the provider's is.
#[derive(Deserialize)]
pub(in crate::agent) struct RateLimitInfo {
    #[serde(default)]
    pub(in crate::agent) status: String,
    #[serde(default, rename = "resetsAt", deserialize_with = "lenient")]
    pub(in crate::agent) resets_at: Option<i64>,
}

/// More of an error.
#[derive(Deserialize)]
pub(in crate::agent) struct ErrorParams {
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::agent) cut: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::agent) rate_limit_info: Option<RateLimitInfo>,
}

/// What was made smaller.
#[derive(Deserialize)]
pub(in crate::agent) struct CompactMetadata {
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::agent) post_tokens: Option<u64>,
}

/// What one model used.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
pub(in crate::agent) struct ModelUsage {
    pub(in crate::agent) input_tokens: u64,
    pub(in crate::agent) output_tokens: u64,
    pub(in crate::agent) thinking_tokens: u64,
    pub(in crate::agent) cache_read_input_tokens: u64,
    pub(in crate::agent) cache_creation_input_tokens: u64,
    #[serde(rename = "costUSD")]
    pub(in crate::agent) cost_usd: f64,
    pub(in crate::agent) context_window: Option<u64>,
}

/// A tool that was denied.
#[derive(Deserialize)]
pub(in crate::agent) struct Denial {
    #[serde(default)]
    pub(in crate::agent) tool_name: String,
}

/// The message of an answer.
#[derive(Deserialize)]
pub(in crate::agent) struct Message<'l> {
    #[serde(borrow, default, deserialize_with = "text")]
    pub(in crate::agent) id: Cow<'l, str>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(in crate::agent) model: Cow<'l, str>,
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::agent) usage: Option<Usage>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    pub(in crate::agent) content: Vec<Block<'l>>,
}

/// A part of an answer.
#[derive(Deserialize)]
pub(in crate::agent) struct Block<'l> {
    #[serde(borrow, rename = "type", default, deserialize_with = "text")]
    pub(in crate::agent) kind: Cow<'l, str>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(in crate::agent) text: Cow<'l, str>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(in crate::agent) name: Cow<'l, str>,
    #[serde(borrow, default, deserialize_with = "lenient")]
    pub(in crate::agent) input: Option<ToolInput<'l>>,
}

/// What a tool is used on: whichever of these is there.
#[derive(Deserialize)]
pub(in crate::agent) struct ToolInput<'l> {
    #[serde(borrow, default, deserialize_with = "text")]
    pub(in crate::agent) command: Cow<'l, str>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(in crate::agent) file_path: Cow<'l, str>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(in crate::agent) pattern: Cow<'l, str>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(in crate::agent) description: Cow<'l, str>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(in crate::agent) url: Cow<'l, str>,
}

impl ToolInput<'_> {
    /// The first that says something.
    pub(in crate::agent) fn on(&self) -> &str {
        let all = [&self.command, &self.file_path, &self.pattern, &self.url, &self.description];
        all.into_iter().find(|text| !text.is_empty()).map_or("", |text| text)
    }
}

/// An event of the provider's own stream.
#[derive(Deserialize)]
pub(in crate::agent) struct Event<'l> {
    #[serde(borrow, rename = "type", default, deserialize_with = "text")]
    pub(in crate::agent) kind: Cow<'l, str>,
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::agent) usage: Option<Usage>,
}

/// What one request used.
#[derive(Deserialize, Default, Clone, Copy)]
#[serde(default)]
pub(in crate::agent) struct Usage {
    #[serde(rename = "input_tokens")]
    input: u64,
    #[serde(rename = "cache_read_input_tokens")]
    cache_read: u64,
    #[serde(rename = "cache_creation_input_tokens")]
    cache_creation: u64,
    #[serde(rename = "output_tokens")]
    output: u64,
}

impl Usage {
    /// In our words.
    pub(in crate::agent) fn tokens(self) -> Tokens {
        Tokens {
            input: self.input.saturating_add(self.cache_creation),
            cached: self.cache_read,
            output: self.output,
            reasoning: 0,
        }
    }
}

impl ModelUsage {
    /// In our words.
    pub(in crate::agent) fn tokens(&self) -> Tokens {
        Tokens {
            input: self.input_tokens.saturating_add(self.cache_creation_input_tokens),
            cached: self.cache_read_input_tokens,
            output: self.output_tokens,
            reasoning: self.thinking_tokens,
        }
    }
}
