//! The Responses dialect, which Codex speaks.

use super::dialect::{Dialect, Heard, Refusal, Said, list, text_of, word};
use super::openai;
use super::script::{Asked, Failure, Usage};
use serde_json::{Value, json};

pub(super) struct Responses;

impl Dialect for Responses {
    fn hear(&self, body: &Value) -> Heard {
        let mut heard = Heard { tools: names(&body["tools"]), ..Heard::default() };
        for item in list(&body["input"]) {
            let kind = word(item, "type");
            if kind == "additional_tools" {
                // Newer models are told of their tools here.
                let spaces = list(&item["tools"]);
                heard.tools.extend(spaces.iter().flat_map(|space| names(&space["tools"])));
                heard.tools.extend(names(&item["tools"]));
            } else if kind.ends_with("_call_output") {
                heard.results += 1;
            } else if item["role"] == "user" {
                heard.words(text_of(&item["content"]));
            }
        }
        heard
    }

    fn is_streamed(&self, _: &str, body: &Value) -> bool {
        body["stream"] == true
    }

    fn whole(&self, asked: &Asked, said: &Said, usage: Usage) -> Value {
        let mut whole = response(asked, "completed");
        whole["output"] = json!([item(asked, said)]);
        whole["usage"] = tokens(usage);
        whole
    }

    fn events(&self, asked: &Asked, said: &Said, usage: Usage) -> Vec<(Option<&'static str>, Value)> {
        let item = item(asked, said);
        let mut begun = item.clone();
        begun["status"] = json!("in_progress");
        for (field, empty) in [("arguments", json!("")), ("input", json!("")), ("content", json!([]))] {
            if begun.get(field).is_some() {
                begun[field] = empty;
            }
        }
        let mut events = vec![
            ("response.created", json!({"response": response(asked, "in_progress")})),
            ("response.output_item.added", json!({"output_index": 0, "item": begun})),
        ];
        if let Said::Text(text) = said {
            let delta = json!({"item_id": item["id"], "output_index": 0, "content_index": 0, "delta": text});
            events.push(("response.output_text.delta", delta));
        }
        events.push(("response.output_item.done", json!({"output_index": 0, "item": item})));
        events.push(("response.completed", json!({"response": self.whole(asked, said, usage)})));
        let number = |(at, (name, mut event)): (usize, (&'static str, Value))| {
            event["type"] = json!(name);
            event["sequence_number"] = json!(at);
            (Some(name), event)
        };
        events.into_iter().enumerate().map(number).collect()
    }

    fn refusal(&self, failure: Failure) -> Refusal {
        openai::refusal(failure)
    }
}

fn names(tools: &Value) -> Vec<String> {
    let name = |tool: &Value| Some(word(tool, "name")).filter(|name| !name.is_empty());
    list(tools).iter().map(|tool| name(tool).unwrap_or_else(|| word(tool, "type"))).collect()
}

fn response(asked: &Asked, status: &str) -> Value {
    json!({
        "id": format!("resp_{:04}", asked.number), "object": "response", "created_at": 0,
        "model": asked.body["model"], "status": status, "output": [],
    })
}

fn item(asked: &Asked, said: &Said) -> Value {
    let id = format!("item_{:04}", asked.number);
    let call = format!("call_{:04}", asked.number);
    match said {
        Said::Text(text) => json!({
            "type": "message", "id": id, "role": "assistant", "status": "completed",
            "content": [{"type": "output_text", "text": text, "annotations": []}],
        }),
        Said::Call { tool, arguments } => json!({
            "type": "function_call", "id": id, "call_id": call, "name": tool,
            "arguments": arguments.to_string(), "status": "completed",
        }),
        Said::Raw { tool, input } => json!({
            "type": "custom_tool_call", "id": id, "call_id": call, "name": tool, "input": input,
            "status": "completed",
        }),
    }
}

fn tokens(usage: Usage) -> Value {
    json!({
        "input_tokens": usage.context(), "input_tokens_details": {"cached_tokens": usage.cached},
        "output_tokens": usage.output, "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": usage.context() + usage.output,
    })
}
