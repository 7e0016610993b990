//! The chat completions, which many other servers speak too.

use super::dialect::{Dialect, Heard, Refusal, Said, list, text_of, word};
use super::openai;
use super::script::{Asked, Failure, Usage};
use serde_json::{Value, json};

pub(super) struct Chat;

impl Dialect for Chat {
    fn hear(&self, body: &Value) -> Heard {
        let tools = list(&body["tools"]).iter().map(|tool| word(&tool["function"], "name")).collect();
        let mut heard = Heard { tools, ..Heard::default() };
        for message in list(&body["messages"]) {
            match message["role"].as_str() {
                Some("tool") => heard.results += 1,
                Some("user") => heard.words(text_of(&message["content"])),
                _ => {}
            }
        }
        heard
    }

    fn is_streamed(&self, _: &str, body: &Value) -> bool {
        body["stream"] == true
    }

    fn whole(&self, asked: &Asked, said: &Said, usage: Usage) -> Value {
        let mut message = delta(asked, said);
        message["role"] = json!("assistant");
        let choice = json!({"index": 0, "message": message, "finish_reason": finish(said)});
        completion(asked, "chat.completion", &json!([choice]), &tokens(usage))
    }

    fn events(&self, asked: &Asked, said: &Said, usage: Usage) -> Vec<(Option<&'static str>, Value)> {
        let chunk = |delta: Value, finish: Value, usage: Value| {
            let choices = if delta.is_null() {
                json!([])
            } else {
                json!([{"index": 0, "delta": delta, "finish_reason": finish}])
            };
            completion(asked, "chat.completion.chunk", &choices, &usage)
        };
        let none = Value::Null;
        [
            chunk(json!({"role": "assistant", "content": ""}), none.clone(), none.clone()),
            chunk(delta(asked, said), none.clone(), none.clone()),
            chunk(json!({}), json!(finish(said)), none.clone()),
            chunk(none.clone(), none, tokens(usage)),
            json!("[DONE]"),
        ]
        .into_iter()
        .map(|event| (None, event))
        .collect()
    }

    fn refusal(&self, failure: Failure) -> Refusal {
        openai::refusal(failure)
    }
}

fn completion(asked: &Asked, object: &str, choices: &Value, usage: &Value) -> Value {
    json!({
        "id": format!("chatcmpl-{:04}", asked.number), "object": object, "created": 0,
        "model": asked.body["model"], "choices": choices, "usage": usage,
    })
}

fn delta(asked: &Asked, said: &Said) -> Value {
    let call = |name: &str, arguments: String| {
        json!({"tool_calls": [{
            "index": 0, "id": format!("call_{:04}", asked.number), "type": "function",
            "function": {"name": name, "arguments": arguments},
        }]})
    };
    match said {
        Said::Text(text) => json!({"content": text}),
        Said::Call { tool, arguments } => call(tool, arguments.to_string()),
        Said::Raw { tool, input } => call(tool, json!({"input": input}).to_string()),
    }
}

fn finish(said: &Said) -> &'static str {
    if matches!(said, Said::Text(_)) { "stop" } else { "tool_calls" }
}

fn tokens(usage: Usage) -> Value {
    json!({
        "prompt_tokens": usage.context(), "completion_tokens": usage.output,
        "total_tokens": usage.context() + usage.output,
        "prompt_tokens_details": {"cached_tokens": usage.cached},
    })
}
