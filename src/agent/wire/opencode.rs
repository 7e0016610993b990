//! What opencode prints with `run --format json`, one object a line.

use super::{lenient, or_default, text};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Any line.
#[derive(Deserialize)]
pub(in crate::agent) struct Line<'l> {
    #[serde(borrow, rename = "type")]
    pub(in crate::agent) kind: Cow<'l, str>,
    #[serde(borrow, default, rename = "sessionID", deserialize_with = "text")]
    pub(in crate::agent) session_id: Cow<'l, str>,
    #[serde(borrow, default, deserialize_with = "lenient")]
    pub(in crate::agent) part: Option<Part<'l>>,
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::agent) error: Option<Fault>,
}

/// What a line is about.
#[derive(Deserialize)]
pub(in crate::agent) struct Part<'l> {
    #[serde(borrow, default, deserialize_with = "text")]
    pub(in crate::agent) id: Cow<'l, str>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(in crate::agent) tool: Cow<'l, str>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(in crate::agent) text: Cow<'l, str>,
    #[serde(borrow, default, deserialize_with = "text")]
    pub(in crate::agent) reason: Cow<'l, str>,
    #[serde(default, deserialize_with = "or_default")]
    pub(in crate::agent) cost: f64,
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::agent) tokens: Option<Counted>,
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::agent) state: Option<State>,
}

/// What a request used; the input is without its cached part.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(in crate::agent) struct Counted {
    pub(in crate::agent) input: u64,
    pub(in crate::agent) output: u64,
    pub(in crate::agent) reasoning: u64,
    pub(in crate::agent) cache: Cache,
}

/// Of the cache.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(in crate::agent) struct Cache {
    pub(in crate::agent) read: u64,
    pub(in crate::agent) write: u64,
}

/// How a tool stands.
#[derive(Deserialize)]
pub(in crate::agent) struct State {
    #[serde(default)]
    pub(in crate::agent) title: String,
    #[serde(default, deserialize_with = "lenient")]
    pub(in crate::agent) error: Option<String>,
}

/// Why it failed.
#[derive(Deserialize)]
pub(in crate::agent) struct Fault {
    #[serde(default)]
    pub(in crate::agent) name: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(in crate::agent) data: Data,
}

/// More of it.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(in crate::agent) struct Data {
    pub(in crate::agent) message: String,
    pub(in crate::agent) status_code: Option<u16>,
    #[serde(deserialize_with = "or_default")]
    pub(in crate::agent) response_headers: BTreeMap<String, String>,
}
