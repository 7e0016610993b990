//! What agents say by the Agent Client Protocol: JSON-RPC, one message a line.

use super::{lenient, or_default, text};
use crate::state::run::Tokens;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Any message: a request has an id and a method, a notification a method, an answer an id.
#[derive(Deserialize)]
pub(in crate::agent) struct Message<'l> {
    #[serde(borrow, default)]
    pub(in crate::agent) id: Option<&'l RawValue>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(in crate::agent) method: Cow<'l, str>,
    #[serde(borrow, default)]
    pub(in crate::agent) params: Option<&'l RawValue>,
    #[serde(borrow, default)]
    pub(in crate::agent) result: Option<&'l RawValue>,
    #[serde(borrow, default)]
    pub(in crate::agent) error: Option<&'l RawValue>,
}

/// Why a request was not done, as far as that is told as it should be.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(in crate::agent) struct Fault {
    #[serde(deserialize_with = "or_default")]
    pub(in crate::agent) code: i64,
    #[serde(deserialize_with = "or_default")]
    message: String,
    #[serde(deserialize_with = "or_default")]
    data: Details,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Details {
    #[serde(deserialize_with = "or_default")]
    details: String,
}

impl Fault {
    /// In words.
    pub(in crate::agent) fn said(&self) -> String {
        match (&*self.message, &*self.data.details) {
            ("", "") => "its error has no words".to_owned(),
            ("", words) | (words, "") => words.to_owned(),
            (message, details) => format!("{message}: {details}"),
        }
    }
}

/// The answer to `initialize`.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(in crate::agent) struct Greeting {
    #[serde(deserialize_with = "lenient")]
    protocol_version: Option<i64>,
    #[serde(deserialize_with = "or_default")]
    agent_info: AgentInfo,
    #[serde(deserialize_with = "or_default")]
    pub(in crate::agent) agent_capabilities: Capabilities,
    #[serde(deserialize_with = "or_default")]
    auth_methods: Vec<AuthMethod>,
}

impl Greeting {
    /// That it does not speak this version, in words.
    pub(in crate::agent) fn other_version(&self, own: i64) -> Option<String> {
        match self.protocol_version {
            Some(version) if version == own => None,
            Some(version) => Some(format!("it speaks version {version} of ACP, orch version {own}")),
            None => {
                Some(format!("it does not say which version of ACP it speaks, orch speaks version {own}"))
            }
        }
    }

    /// Whether it is Copilot CLI's.
    pub(in crate::agent) fn is_of_copilot(&self) -> bool {
        self.agent_info.name == "Copilot"
    }

    /// The ways to log in, in words.
    pub(in crate::agent) fn ways_in(&self) -> String {
        let names: Vec<&str> = self.auth_methods.iter().map(|method| &*method.name).collect();
        if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) }
    }
}

/// Who an agent is.
#[derive(Deserialize, Default)]
#[serde(default)]
struct AgentInfo {
    #[serde(deserialize_with = "or_default")]
    name: String,
}

/// What an agent can do beside the least.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(in crate::agent) struct Capabilities {
    #[serde(deserialize_with = "or_default")]
    pub(in crate::agent) load_session: bool,
    #[serde(deserialize_with = "or_default")]
    pub(in crate::agent) session_capabilities: SessionCapabilities,
}

/// What it can do with sessions.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(in crate::agent) struct SessionCapabilities {
    pub(in crate::agent) resume: Option<serde_json::Value>,
}

/// A way to log in.
#[derive(Deserialize, Default)]
#[serde(default)]
struct AuthMethod {
    name: String,
}

/// The answer to `session/new`, `session/load` and `session/resume`.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(in crate::agent) struct Opened {
    #[serde(deserialize_with = "or_default")]
    pub(in crate::agent) session_id: String,
    #[serde(deserialize_with = "or_default")]
    pub(in crate::agent) models: Models,
    #[serde(deserialize_with = "or_default")]
    pub(in crate::agent) config_options: Vec<ConfigOption>,
}

/// The models of an agent that lists them.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(in crate::agent) struct Models {
    #[serde(deserialize_with = "or_default")]
    pub(in crate::agent) current_model_id: String,
}

/// A setting of a session.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(in crate::agent) struct ConfigOption {
    #[serde(deserialize_with = "or_default")]
    pub(in crate::agent) id: String,
    #[serde(deserialize_with = "or_default")]
    pub(in crate::agent) category: String,
    #[serde(deserialize_with = "or_default")]
    pub(in crate::agent) current_value: String,
}

/// What `session/update` is about, as far as `T` tells it.
#[derive(Deserialize)]
pub(in crate::agent) struct News<T> {
    pub(in crate::agent) update: T,
}

/// One piece of news: whichever of these is there.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::agent) struct Update<'l> {
    #[serde(borrow, rename = "sessionUpdate")]
    pub(in crate::agent) kind: Cow<'l, str>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(in crate::agent) message_id: Cow<'l, str>,
    #[serde(borrow, default)]
    pub(in crate::agent) content: Option<&'l RawValue>,
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::agent) used: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::agent) size: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::agent) cost: Option<Cost>,
}

/// What a session has cost.
#[derive(Deserialize)]
pub(in crate::agent) struct Cost {
    amount: f64,
    currency: String,
}

impl Cost {
    /// In USD, where it is told in them and is not nothing.
    pub(in crate::agent) fn usd(&self) -> Option<f64> {
        (self.currency == "USD" && self.amount.is_finite() && self.amount > 0.0).then_some(self.amount)
    }
}

/// A piece of a message.
#[derive(Deserialize)]
pub(in crate::agent) struct Content<'l> {
    #[serde(borrow, default, deserialize_with = "text")]
    pub(in crate::agent) text: Cow<'l, str>,
}

/// A tool that is used, as far as this piece of news tells it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::agent) struct ToolCall<'l> {
    #[serde(borrow, rename = "toolCallId", default, deserialize_with = "text")]
    pub(in crate::agent) id: Cow<'l, str>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(in crate::agent) title: Cow<'l, str>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(in crate::agent) kind: Cow<'l, str>,
}

/// Asks whether a tool may be used.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::agent) struct Permission<'l> {
    #[serde(borrow, default, deserialize_with = "lenient")]
    pub(in crate::agent) tool_call: Option<ToolCall<'l>>,
    #[serde(default, deserialize_with = "or_default")]
    pub(in crate::agent) options: Vec<Choice>,
}

/// One answer that can be given.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(in crate::agent) struct Choice {
    pub(in crate::agent) option_id: String,
    pub(in crate::agent) kind: String,
}

/// The answer to `session/prompt`.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(in crate::agent) struct Ended {
    #[serde(deserialize_with = "or_default")]
    pub(in crate::agent) stop_reason: String,
    #[serde(deserialize_with = "lenient")]
    usage: Option<Usage>,
    #[serde(rename = "_meta", deserialize_with = "or_default")]
    meta: Meta,
}

impl Ended {
    /// What the turn used, where that is told.
    pub(in crate::agent) fn tokens(&self) -> Option<Tokens> {
        self.usage.map(Usage::tokens).or_else(|| self.meta.quota.token_count.map(CountedTokens::tokens))
    }
}

/// What a turn used. Whether the cached tokens are a part of the input and the thoughts one of the output
/// differs between agents; the total tells.
#[derive(Deserialize, Default, Clone, Copy)]
#[serde(default)]
struct Usage {
    #[serde(rename = "inputTokens")]
    input: u64,
    #[serde(rename = "outputTokens")]
    output: u64,
    #[serde(rename = "totalTokens")]
    total: u64,
    #[serde(rename = "thoughtTokens", deserialize_with = "or_default")]
    thought: u64,
    #[serde(rename = "cachedReadTokens", deserialize_with = "or_default")]
    cached_read: u64,
    #[serde(rename = "cachedWriteTokens", deserialize_with = "or_default")]
    cached_write: u64,
}

impl Usage {
    fn tokens(self) -> Tokens {
        let parts_are_in = self.input.saturating_add(self.output) >= self.total;
        let (input, output) = if parts_are_in {
            (self.input.saturating_sub(self.cached_read), self.output)
        } else {
            (self.input.saturating_add(self.cached_write), self.output.saturating_add(self.thought))
        };
        Tokens { input, cached: self.cached_read, output, reasoning: self.thought }
    }
}

/// Where Gemini CLI tells what a turn used.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Meta {
    #[serde(deserialize_with = "or_default")]
    quota: Quota,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Quota {
    #[serde(deserialize_with = "lenient")]
    token_count: Option<CountedTokens>,
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(default)]
struct CountedTokens {
    input_tokens: u64,
    output_tokens: u64,
}

impl CountedTokens {
    fn tokens(self) -> Tokens {
        Tokens { input: self.input_tokens, output: self.output_tokens, ..Tokens::default() }
    }
}
