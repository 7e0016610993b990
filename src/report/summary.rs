//! What steps did, as Markdown for the page of a CI job.
//!
//! In: steps as programs are told of them ([`super::json::ran`]), because some are taken by other processes.

use super::safe::cell;
use super::spell_usd;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// What a step did.
#[must_use]
pub fn step(step: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let cell = |value: &Value| cell(&text(value));
    let (task, run) = (&step["task"], &step["run"]);
    let mut md = format!("### orch: {}: {}\n\n", text(&task["id"]), cell(&run["reason"]));
    let _ = writeln!(md, "{}\n\n| gate | result | detail |\n|---|---|---|", cell(&task["title"]));
    for gate in run["gates"].as_array().into_iter().flatten() {
        let detail = match gate["metric"]["name"].as_str() {
            Some(name) => format!("{name} {}", gate["metric"]["value"].as_f64().unwrap_or_default()),
            None => cell(&json!(text(&gate["evidence"]).lines().last().unwrap_or_default())),
        };
        let _ = writeln!(md, "| {} | {} | {detail} |", text(&gate["gate"]), text(&gate["verdict"]));
    }
    let cost =
        run["cost_usd"].as_f64().map_or(String::new(), |cost| format!(" · **Cost** {}", spell_usd(cost)));
    let _ = writeln!(md, "\n**Agent** {} · **Run** `{}`{cost}", cell(&run["agent"]), text(&run["id"]));
    md
}

/// What steps did, one after the other, and why there were no more.
#[must_use]
pub fn steps(steps: &[Value], ended_because: &str) -> String {
    let all: String = steps.iter().map(|each| format!("{}\n", step(each))).collect();
    format!("{all}{}: {}\n", super::plural(steps.len(), "step"), cell(ended_because))
}
