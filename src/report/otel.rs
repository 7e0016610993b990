//! Runs as traces: OTLP in its JSON form, with the attribute names that OpenTelemetry has for generative AI.
//!
//! In: run records. Out: one document. A record has the durations of sessions and gates, not when each
//! began: they are laid out one after the other, gates beside each other at the end. Invariant: the same
//! record gives the same trace, with the same ids.

use crate::state::run::{AttemptRecord, GateRecord, OutcomeKind, Run, VerdictKind};
use serde_json::{Value, json};

/// Digits of a run's id.
const DIGITS: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Kinds of a span.
const INTERNAL: u8 = 1;
const CLIENT: u8 = 3;

/// Traces of runs: one each, of spans for the step, its sessions, and its gates.
#[must_use]
pub fn document(runs: &[Run]) -> Value {
    let spans: Vec<Value> = runs.iter().flat_map(spans).collect();
    let version = env!("CARGO_PKG_VERSION");
    json!({"resourceSpans": [{
        "resource": {"attributes": attributes(&[
            ("service.name", Some(json!("orch"))), ("service.version", Some(json!(version))),
        ])},
        "scopeSpans": [{"scope": {"name": "orch", "version": version}, "spans": spans}],
    }]})
}

/// The ids of a run's spans.
struct Ids {
    trace: u128,
}

impl Ids {
    fn new(run: &Run) -> Self {
        let digit = |c: char| DIGITS.find(c.to_ascii_uppercase()).unwrap_or_default() as u128;
        let trace = run.id.as_str().chars().fold(0, |sum: u128, c| (sum << 5) | digit(c));
        Self { trace: trace.max(1) }
    }

    fn trace(&self) -> String {
        format!("{:032x}", self.trace)
    }

    /// The nth span; the first is the step.
    fn span(&self, nth: usize) -> String {
        #[expect(clippy::cast_possible_truncation, reason = "the random half of the id")]
        let low = self.trace as u64;
        format!("{:016x}", low.wrapping_add(nth as u64).max(1))
    }
}

fn spans(run: &Run) -> Vec<Value> {
    let ids = Ids::new(run);
    let (began, ended) = (nanos(run.started), nanos(run.finished));
    let passed = matches!(run.outcome, OutcomeKind::Accepted | OutcomeKind::NeedsReview);
    let error = (!passed).then_some(run.reason.as_str());
    let root = span(&ids, 0, "orch.step", INTERNAL, (began, ended), &of_step(run, passed), error);
    let mut all = vec![root];
    let mut at = began;
    // What a decision says again of the work has its spans where the work was done.
    for attempt in run.attempts.iter().filter(|attempt| run.decides.is_none() || attempt.role.is_some()) {
        let end = at + u128::from(attempt.duration_ms) * 1_000_000;
        let agent = attempt.agent.as_deref().unwrap_or(&run.agent);
        let error = attempt.failure.as_deref().or(attempt.rejected_by.as_deref());
        let name = format!("invoke_agent {agent}");
        all.push(span(&ids, all.len(), &name, CLIENT, (at, end), &of_session(run, attempt, agent), error));
        at = end;
    }
    for gate in &run.gates {
        let end = at + u128::from(gate.duration_ms) * 1_000_000;
        let failed = gate.required && matches!(gate.verdict, VerdictKind::Fail | VerdictKind::Error);
        let error = failed.then_some(gate.verdict.as_str());
        let name = format!("orch.gate {}", gate.name);
        all.push(span(&ids, all.len(), &name, INTERNAL, (at, end), &of_gate(gate), error));
    }
    all
}

fn nanos(time: jiff::Timestamp) -> u128 {
    u128::try_from(time.as_nanosecond()).unwrap_or_default()
}

fn span(
    ids: &Ids,
    nth: usize,
    name: &str,
    kind: u8,
    (began, ended): (u128, u128),
    attributes: &[(&str, Option<Value>)],
    error: Option<&str>,
) -> Value {
    let parent = if nth == 0 { String::new() } else { ids.span(0) };
    let status = error.map_or(json!({"code": 1}), |message| json!({"code": 2, "message": message}));
    json!({
        "traceId": ids.trace(), "spanId": ids.span(nth), "parentSpanId": parent, "name": name, "kind": kind,
        "startTimeUnixNano": began.to_string(), "endTimeUnixNano": ended.max(began).to_string(),
        "attributes": self::attributes(attributes), "status": status,
    })
}

/// Attributes that are there, each with the type of its value.
fn attributes(of: &[(&str, Option<Value>)]) -> Vec<Value> {
    let typed = |value: &Value| match value {
        Value::Bool(flag) => json!({"boolValue": flag}),
        // A whole number is as many digits as 64 bits have, so it is spelled.
        Value::Number(number) if number.is_u64() => json!({"intValue": number.to_string()}),
        Value::Number(number) => json!({"doubleValue": number}),
        Value::String(text) => json!({"stringValue": text}),
        Value::Null | Value::Array(_) | Value::Object(_) => Value::Null,
    };
    of.iter().filter_map(|(key, value)| Some(json!({"key": key, "value": typed(value.as_ref()?)}))).collect()
}

fn of_step(run: &Run, passed: bool) -> Vec<(&'static str, Option<Value>)> {
    let kind = run.failure.as_deref().unwrap_or_else(|| run.outcome.as_str());
    vec![
        ("orch.task", Some(json!(run.task.as_str()))),
        ("orch.run", Some(json!(run.id.as_str()))),
        ("orch.outcome", Some(json!(run.outcome.as_str()))),
        ("orch.reason", Some(json!(run.reason))),
        ("orch.base", Some(json!(run.base))),
        ("orch.agent", Some(json!(run.agent))),
        ("orch.cost_usd", run.cost_usd.map(|usd| json!(usd))),
        ("orch.files_changed", Some(json!(run.files_changed))),
        ("orch.prompt.tokens", Some(json!(run.prompt_tokens))),
        ("error.type", (!passed).then(|| json!(kind))),
    ]
}

/// Who provides the models of an adapter, by the names that OpenTelemetry has.
fn provider(adapter: &str) -> &str {
    match adapter {
        "claude" => "anthropic",
        "codex" => "openai",
        "gemini" => "gcp.gemini",
        other => other,
    }
}

fn of_session(run: &Run, session: &AttemptRecord, agent: &str) -> Vec<(&'static str, Option<Value>)> {
    let tokens = session.tokens;
    // Of another profile the record has the name alone.
    let own = session.agent.is_none();
    vec![
        ("gen_ai.operation.name", Some(json!("invoke_agent"))),
        ("gen_ai.agent.name", Some(json!(agent))),
        ("gen_ai.provider.name", own.then(|| json!(provider(&run.adapter)))),
        ("gen_ai.request.model", run.model.as_deref().filter(|_| own).map(|model| json!(model))),
        ("gen_ai.conversation.id", session.session.as_deref().map(|id| json!(id))),
        // All that was read, as the convention has it, and the part of it that was cached.
        ("gen_ai.usage.input_tokens", Some(json!(tokens.input.saturating_add(tokens.cached)))),
        ("gen_ai.usage.cache_read.input_tokens", Some(json!(tokens.cached))),
        ("gen_ai.usage.output_tokens", Some(json!(tokens.output))),
        ("orch.session.ended", Some(json!(session.ended))),
        ("orch.session.role", session.role.as_deref().map(|role| json!(role))),
        ("orch.session.rejected_by", session.rejected_by.as_deref().map(|gate| json!(gate))),
        ("error.type", session.failure.as_deref().map(|failure| json!(failure))),
    ]
}

fn of_gate(gate: &GateRecord) -> Vec<(&'static str, Option<Value>)> {
    vec![
        ("orch.gate.name", Some(json!(gate.name))),
        ("orch.gate.verdict", Some(json!(gate.verdict.as_str()))),
        ("orch.gate.required", Some(json!(gate.required))),
        ("orch.gate.cached", Some(json!(gate.cached))),
        ("orch.gate.tries", Some(json!(gate.tries))),
        ("orch.gate.tests", gate.tests.map(|tests| json!(tests))),
        ("orch.gate.coverage", gate.coverage.map(|coverage| json!(coverage))),
        ("orch.gate.metric", gate.metric.as_ref().map(|(_, value)| json!(value))),
    ]
}
