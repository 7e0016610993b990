//! Tasks that wait for what is being worked on, as they are told of.

use super::exit::Exit;
use super::output::Answer;
use crate::report::safe;
use crate::state::graph::Graph;
use crate::step::occupied::Waiting;
use serde_json::json;

/// The answer when all that could run waits for what is being worked on.
pub(super) fn all_wait(graph: &Graph, waits: &[Waiting], (first, why): &Waiting) -> Answer {
    let text = format!("no task is runnable now: `{}` {why}", graph.nodes()[*first].id);
    let human = format!("{}\n", safe::text(&text));
    let data = json!({"next": null, "queue": [], "waits": waiting(graph, waits), "why": text, "reasons": []});
    Answer::ok(data, human).exit(Exit::Waiting).hint("type `orch list --status in_progress` to see who works")
}

/// Tasks that wait for what is being worked on, for programs.
pub(super) fn waiting(graph: &Graph, waits: &[Waiting]) -> Vec<serde_json::Value> {
    let shape = |(index, why): &Waiting| {
        let node = &graph.nodes()[*index];
        json!({"id": node.id.as_str(), "title": node.title, "why": why})
    };
    waits.iter().map(shape).collect()
}
