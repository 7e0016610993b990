//! Tasks that wait for what is being worked on, for whoever may take them, or to be changed, as they are told of.

use super::error::CliError;
use super::exit::Exit;
use super::output::Answer;
use crate::report::safe;
use crate::state::graph::Graph;
use crate::step::StepError;
use crate::step::occupied::Waiting;
use jiff::Timestamp;
use serde_json::json;

/// The answer when all that could run waits for what is being worked on, or has to be changed first.
pub(super) fn all_wait(graph: &Graph, waits: &[Waiting], (first, why): &Waiting, is_at_work: bool) -> Answer {
    let id = &graph.nodes()[*first].id;
    let hint = if is_at_work {
        "type `orch list --status in_progress` to see who works".to_owned()
    } else {
        format!("type `orch split {id}`, or `orch edit {id}`")
    };
    let text = format!("no task is runnable now: `{id}` {why}");
    none(graph, waits, &text).exit(Exit::Waiting).hint(hint)
}

/// The answer when nobody may take any: what a step would say.
pub(super) fn none_may(graph: &Graph, waits: &[Waiting], error: StepError) -> Result<Answer, CliError> {
    if let StepError::Unreviewed { .. } = error {
        let fact = error.to_string();
        let CliError { exit, hints, .. } = error.into();
        return Ok(Answer { hints, ..none(graph, waits, &fact).exit(exit) });
    }
    let StepError::Paused { fact, until } = error else { return Err(error.into()) };
    Ok(later(none(graph, waits, &fact).exit(Exit::Paused), until))
}

/// The answer that no step takes any task now, and why.
fn none(graph: &Graph, waits: &[Waiting], why: &str) -> Answer {
    let data = json!({"next": null, "queue": [], "waits": waiting(graph, waits), "why": why, "reasons": []});
    Answer::ok(data, format!("{}\n", safe::text(why)))
}

/// Tasks that have to wait, for programs.
pub(super) fn waiting(graph: &Graph, waits: &[Waiting]) -> Vec<serde_json::Value> {
    let shape = |(index, why): &Waiting| {
        let node = &graph.nodes()[*index];
        json!({"id": node.id.as_str(), "title": node.title, "why": why})
    };
    waits.iter().map(shape).collect()
}

/// An answer that says when another try is worth it.
pub(super) fn later(mut answer: Answer, retry_after: Option<Timestamp>) -> Answer {
    let Some(until) = retry_after else { return answer };
    answer.data["retry_after"] = json!(until.to_string());
    answer.hint(format!("type `orch step` again after {until:.0}"))
}
