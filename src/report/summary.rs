//! What steps did, as Markdown for the page of a CI job.

use super::safe;
use crate::step::Ran;
use std::fmt::Write as _;

/// What a step did.
#[must_use]
pub fn step(ran: &Ran) -> String {
    let cell = |text: &str| safe::text(text).replace('|', "\\|").replace('<', "&lt;");
    let mut md = format!("### orch: {}: {}\n\n", ran.task.id, cell(&ran.run.reason));
    let _ = writeln!(md, "{}\n\n| gate | result | detail |\n|---|---|---|", cell(&ran.task.title));
    for gate in &ran.run.gates {
        let detail = match &gate.metric {
            Some((name, value)) => format!("{name} {value}"),
            None => cell(gate.evidence.lines().last().unwrap_or_default()),
        };
        let _ = writeln!(md, "| {} | {} | {detail} |", gate.name, gate.verdict.as_str());
    }
    let cost = ran.run.cost_usd.map_or(String::new(), |cost| format!(" · **Cost** ${cost:.4}"));
    let _ = writeln!(md, "\n**Agent** {} · **Run** `{}`{cost}", cell(&ran.run.agent), ran.run.id);
    md
}

/// What steps did, one after the other, and why there were no more.
#[must_use]
pub fn steps(steps: &[Ran], ended_because: &str) -> String {
    let all: String = steps.iter().map(|ran| format!("{}\n", step(ran))).collect();
    format!("{all}{}: {}\n", super::plural(steps.len(), "step"), safe::text(ended_because))
}
