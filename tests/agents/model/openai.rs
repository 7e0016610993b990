//! How the provider of the two dialects, responses and chat completions, refuses.

use super::dialect::Refusal;
use super::script::Failure;
use serde_json::json;

pub(super) fn refusal(failure: Failure) -> Refusal {
    let (status, kind, code, text) = match failure {
        Failure::RateLimit { .. } => {
            (429, "tokens", "rate_limit_exceeded", "Rate limit reached on tokens per min (TPM).")
        }
        Failure::UsageLimit { .. } => (429, "usage_limit_reached", "", "The usage limit has been reached"),
        Failure::Overloaded => {
            (503, "server_error", "server_is_overloaded", "The server is overloaded or not ready yet.")
        }
        Failure::BadKey => {
            (401, "invalid_request_error", "invalid_api_key", "Incorrect API key provided: dummy.")
        }
        Failure::NoModel => (404, "invalid_request_error", "model_not_found", "The model does not exist."),
        Failure::TooLong => (
            400,
            "invalid_request_error",
            "context_length_exceeded",
            "Your input exceeds the context window of this model. Please adjust your input and try again.",
        ),
    };
    let mut error = json!({"message": text, "type": kind, "param": null, "code": code});
    if code.is_empty() {
        error["code"] = serde_json::Value::Null;
    }
    let mut headers = Vec::new();
    match failure {
        Failure::RateLimit { retry_after_s } => headers.push(("retry-after", retry_after_s.to_string())),
        Failure::UsageLimit { resets_at } => {
            error["plan_type"] = json!("plus");
            error["resets_at"] = json!(resets_at);
            headers.extend([
                ("x-codex-primary-used-percent", "100.0".to_owned()),
                ("x-codex-primary-window-minutes", "300".to_owned()),
                ("x-codex-primary-reset-at", resets_at.to_string()),
            ]);
        }
        Failure::Overloaded | Failure::BadKey | Failure::NoModel | Failure::TooLong => {}
    }
    (status, headers, json!({"error": error}))
}
