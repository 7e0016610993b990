//! Anthropic's Messages.

use super::dialect::{Dialect, Heard, Refusal, Said, list, text_of, word};
use super::script::{Asked, Failure, Usage};
use serde_json::{Value, json};

pub(super) struct Anthropic;

impl Dialect for Anthropic {
    fn hear(&self, body: &Value) -> Heard {
        let tools = list(&body["tools"]).iter().map(|tool| word(tool, "name")).collect();
        let mut heard = Heard { tools, ..Heard::default() };
        for message in list(&body["messages"]).iter().filter(|message| message["role"] == "user") {
            let content = &message["content"];
            let results = list(content).iter().filter(|block| block["type"] == "tool_result").count();
            if results > 0 {
                heard.results += results;
            } else {
                heard.words(text_of(content));
            }
        }
        heard
    }

    fn is_streamed(&self, _: &str, body: &Value) -> bool {
        body["stream"] == true
    }

    fn whole(&self, asked: &Asked, said: &Said, usage: Usage) -> Value {
        let (block, stop) = (block(asked, said, true), stop(said));
        message(asked, &json!([block]), &json!(stop), &tokens(usage, usage.output))
    }

    fn events(&self, asked: &Asked, said: &Said, usage: Usage) -> Vec<(Option<&'static str>, Value)> {
        // The real count of what was put out comes with the end alone.
        let start = message(asked, &json!([]), &Value::Null, &tokens(usage, 1));
        let delta = match said {
            Said::Text(text) => json!({"type": "text_delta", "text": text}),
            Said::Call { arguments, .. } => {
                json!({"type": "input_json_delta", "partial_json": arguments.to_string()})
            }
            Said::Raw { input, .. } => json!({"type": "input_json_delta", "partial_json": input}),
        };
        let end = json!({"stop_reason": stop(said), "stop_sequence": null});
        [
            json!({"type": "message_start", "message": start}),
            json!({"type": "content_block_start", "index": 0, "content_block": block(asked, said, false)}),
            json!({"type": "content_block_delta", "index": 0, "delta": delta}),
            json!({"type": "content_block_stop", "index": 0}),
            json!({"type": "message_delta", "delta": end, "usage": tokens(usage, usage.output)}),
            json!({"type": "message_stop"}),
        ]
        .into_iter()
        .zip([
            "message_start",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop",
        ])
        .map(|(event, name)| (Some(name), event))
        .collect()
    }

    fn refusal(&self, failure: Failure) -> Refusal {
        let (status, kind, text, headers) = match failure {
            Failure::RateLimit { retry_after_s } => (
                429,
                "rate_limit_error",
                "This request would exceed your organization's rate limit.",
                vec![("retry-after", retry_after_s.to_string())],
            ),
            Failure::UsageLimit { resets_at } => (
                429,
                "rate_limit_error",
                "This request would exceed your account's rate limit. Please try again later.",
                limits(resets_at),
            ),
            Failure::Overloaded => (529, "overloaded_error", "Overloaded", Vec::new()),
            Failure::BadKey => (401, "authentication_error", "invalid x-api-key", Vec::new()),
            Failure::NoModel => (404, "not_found_error", "model: no such model", Vec::new()),
            Failure::TooLong => (
                400,
                "invalid_request_error",
                "prompt is too long: 1215000 tokens > 1000000 maximum",
                Vec::new(),
            ),
        };
        (status, headers, json!({"type": "error", "error": {"type": kind, "message": text}}))
    }
}

fn limits(resets_at: i64) -> Vec<(&'static str, String)> {
    let five_hours = ["anthropic-ratelimit-unified-reset", "anthropic-ratelimit-unified-5h-reset"];
    let rejected = ["anthropic-ratelimit-unified-status", "anthropic-ratelimit-unified-5h-status"];
    let mut headers: Vec<_> = five_hours.map(|name| (name, resets_at.to_string())).into();
    headers.extend(rejected.map(|name| (name, "rejected".to_owned())));
    headers.extend([
        ("anthropic-ratelimit-unified-representative-claim", "five_hour".to_owned()),
        ("anthropic-ratelimit-unified-5h-utilization", "1.0".to_owned()),
        ("anthropic-ratelimit-unified-7d-status", "allowed".to_owned()),
        ("anthropic-ratelimit-unified-7d-utilization", "0.4".to_owned()),
        ("anthropic-ratelimit-unified-7d-reset", (resets_at + 400_000).to_string()),
        ("anthropic-ratelimit-unified-overage-status", "rejected".to_owned()),
        ("anthropic-ratelimit-unified-overage-disabled-reason", "org_level_disabled".to_owned()),
        ("retry-after", "3600".to_owned()),
    ]);
    headers
}

fn message(asked: &Asked, content: &Value, stop: &Value, usage: &Value) -> Value {
    json!({
        "id": format!("msg_{:04}", asked.number), "type": "message", "role": "assistant",
        "model": asked.body["model"], "content": content, "stop_reason": stop, "stop_sequence": null,
        "usage": usage,
    })
}

fn tokens(usage: Usage, output: u64) -> Value {
    json!({
        "input_tokens": usage.input, "cache_read_input_tokens": usage.cached,
        "cache_creation_input_tokens": 0, "output_tokens": output, "service_tier": "standard",
    })
}

fn block(asked: &Asked, said: &Said, whole: bool) -> Value {
    match said {
        Said::Text(text) => json!({"type": "text", "text": if whole { text } else { "" }}),
        Said::Call { tool, arguments } => json!({
            "type": "tool_use", "id": format!("toolu_{:04}", asked.number), "name": tool,
            "input": if whole { arguments.clone() } else { json!({}) },
        }),
        Said::Raw { tool, .. } => {
            json!({"type": "tool_use", "id": format!("toolu_{:04}", asked.number), "name": tool, "input": {}})
        }
    }
}

fn stop(said: &Said) -> &'static str {
    if matches!(said, Said::Text(_)) { "end_turn" } else { "tool_use" }
}
