//! Gemini's content generation.

use super::dialect::{Dialect, Heard, Refusal, Said, list, text_of, word};
use super::script::{Asked, Failure, Usage};
use serde_json::{Value, json};

pub(super) struct Gemini;

impl Dialect for Gemini {
    fn hear(&self, body: &Value) -> Heard {
        let offered = list(&body["tools"]).iter().flat_map(|tool| list(&tool["functionDeclarations"]));
        let mut heard = Heard { tools: offered.map(|tool| word(tool, "name")).collect(), ..Heard::default() };
        for content in list(&body["contents"]).iter().filter(|content| content["role"] != "model") {
            let parts = &content["parts"];
            let results = list(parts).iter().filter(|part| part.get("functionResponse").is_some()).count();
            if results > 0 {
                heard.results += results;
            } else {
                heard.words(text_of(parts));
            }
        }
        heard
    }

    fn is_streamed(&self, path: &str, _: &Value) -> bool {
        path.contains("streamGenerateContent")
    }

    fn whole(&self, _: &Asked, said: &Said, usage: Usage) -> Value {
        let part = match said {
            Said::Text(text) => json!({"text": text}),
            Said::Call { tool, arguments } => json!({"functionCall": {"name": tool, "args": arguments}}),
            Said::Raw { tool, input } => json!({"functionCall": {"name": tool, "args": {"input": input}}}),
        };
        let mut whole = begun(usage);
        whole["candidates"] = json!([{
            "content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0,
        }]);
        whole
    }

    fn events(&self, asked: &Asked, said: &Said, usage: Usage) -> Vec<(Option<&'static str>, Value)> {
        vec![(None, begun(usage)), (None, self.whole(asked, said, usage))]
    }

    fn refusal(&self, failure: Failure) -> Refusal {
        let kind = |kind: &str, mut detail: Value| {
            detail["@type"] = json!(format!("type.googleapis.com/google.rpc.{kind}"));
            json!([detail])
        };
        let (status, word, text, details) = match failure {
            Failure::RateLimit { retry_after_s } => (
                429,
                "RESOURCE_EXHAUSTED",
                "You exceeded your current quota.",
                kind("RetryInfo", json!({"retryDelay": format!("{retry_after_s}s")})),
            ),
            Failure::UsageLimit { .. } => (
                429,
                "RESOURCE_EXHAUSTED",
                "You have exhausted your daily quota on this model.",
                kind(
                    "QuotaFailure",
                    json!({"violations": [{
                        "quotaMetric": "generativelanguage.googleapis.com/generate_content_free_tier_requests",
                        "quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier", "quotaValue": "100",
                    }]}),
                ),
            ),
            Failure::Overloaded => (503, "UNAVAILABLE", "The model is overloaded.", json!([])),
            Failure::BadKey => (
                400,
                "INVALID_ARGUMENT",
                "API key not valid. Please pass a valid API key.",
                kind("ErrorInfo", json!({"reason": "API_KEY_INVALID", "domain": "googleapis.com"})),
            ),
            Failure::NoModel => {
                (404, "NOT_FOUND", "models/none is not found for API version v1beta", json!([]))
            }
            Failure::TooLong => (
                400,
                "INVALID_ARGUMENT",
                "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
                json!([]),
            ),
        };
        let error = json!({"code": status, "message": text, "status": word, "details": details});
        (status, Vec::new(), json!({"error": error}))
    }
}

fn begun(usage: Usage) -> Value {
    json!({
        "candidates": [{"content": {"role": "model", "parts": [{"text": ""}]}, "index": 0}],
        "usageMetadata": {
            "promptTokenCount": usage.context(), "cachedContentTokenCount": usage.cached,
            "candidatesTokenCount": usage.output, "totalTokenCount": usage.context() + usage.output,
        },
        "modelVersion": "scripted",
    })
}
