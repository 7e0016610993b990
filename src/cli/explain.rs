//! `orch gate --explain`: what would run, in which order, and what is known already.

use super::context::Global;
use super::error::CliError;
use super::output::Answer;
use super::topics;
use crate::config::GateConfig;
use crate::gate::queue::in_order;
use crate::report::safe;
use crate::report::table::{Cell, Table};
use crate::step::judge::Case;
use crate::step::recall::Recall;
use serde_json::{Value, json};

/// Explains what [`crate::step::judge::judge`] would do.
pub(super) fn explain(global: &Global, case: &Case<'_>) -> Result<Answer, CliError> {
    let recall = Recall::new(case)?;
    let ordered = in_order(case.gates);
    let mut table = Table::new();
    let mut list: Vec<Value> = Vec::new();
    for (at, gate) in ordered.iter().enumerate() {
        let known = case.recall && recall.verdict(gate)?.is_some();
        let state = if known { "cached" } else { "runs" };
        let mut words = traits(gate);
        if !gate.needs.is_empty() {
            words.insert(0, format!("needs {}", gate.needs.join(", ")));
        }
        table.row([
            Cell::new((at + 1).to_string()),
            Cell::new(&gate.name),
            Cell::new(state),
            Cell::new(safe::text(&gate.run)),
            Cell::new(words.join("; ")),
        ]);
        list.push(json!({
            "gate": gate.name, "run": gate.run, "needs": gate.needs, "required": gate.required,
            "cached": known, "clean": gate.clean, "asks": traits(gate),
        }));
    }
    let from = format!("{} at {}", case.branch, case.base.id.short());
    let jobs = case.config.policy.gate_jobs;
    let mut human = format!("gates of {from}, at most {jobs} at one time\n\n");
    human.push_str(&table.render(global.width(), global.colour_out()));
    if ordered.is_empty() {
        human.push_str("there are none\n");
    }
    human.push_str(&format!("\n{}\n", topics::GATES));
    let data = json!({
        "gates": list, "branch": case.branch, "commit": case.base.id.to_string(), "jobs": jobs,
        "keep": case.config.workspace.keep, "setup": case.config.workspace.setup, "built_in": topics::GATES,
    });
    Ok(Answer::ok(data, human))
}

/// What a gate asks beside its exit status.
fn traits(gate: &GateConfig) -> Vec<String> {
    let mut words = Vec::new();
    let mut say = |is: bool, word: &str| words.extend(is.then(|| word.to_owned()));
    say(!gate.required, "optional");
    say(gate.clean, "fresh checkout");
    say(gate.red_green, "red-green");
    say(!gate.cache, "always runs");
    if gate.retries > 0 {
        words.push(format!("up to {} tries", gate.retries + 1));
    }
    words.extend(gate.metric.as_ref().map(|metric| format!("metric {}", metric.name)));
    words.extend(gate.junit.as_ref().map(|file| format!("tests in {file}")));
    words.extend(gate.coverage.as_ref().map(|coverage| format!("coverage in {}", coverage.file)));
    words
}
