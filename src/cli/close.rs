//! `orch export --close`: how the issues are closed that done tasks came from.

use super::context::Global;
use super::error::CliError;
use super::output::Answer;
use super::question::tip;
use super::reading::Reading;
use crate::import::Format;
use crate::report::closing::{Closing, FORGES, issue, markdown};
use crate::report::log::{Steps, Wanted};
use crate::state::status::Status;
use crate::state::task::Task;
use serde_json::json;
use std::collections::BTreeMap;

/// Tells what to run; nothing is sent.
pub(super) fn run(
    global: &Global,
    reading: &Reading,
    (forge, at): (Option<Format>, Option<&str>),
    tasks: &[Task],
) -> Result<Answer, CliError> {
    if let Some(other) = forge.filter(|forge| !FORGES.contains(forge)) {
        return Err(CliError::usage(format!("{other} has no issues to close"))
            .hint("one of github, gitea, gitlab, or none of them for all"));
    }
    let is_settled = |task: &&Task| task.status == Status::Done && issue(task, forge).is_some();
    let mut open: BTreeMap<String, &Task> =
        tasks.iter().filter(is_settled).map(|task| (task.id.folded(), task)).collect();
    let mut closings: Vec<Closing> = Vec::new();
    if !open.is_empty() {
        let (world, tip) = (reading.context.world(), tip(&reading.context, at)?);
        let mut steps = Steps::of(world, tip, Wanted::default())?;
        let mut failed = None;
        world.git.walk(tip, &mut |commit| {
            match steps.at(&commit) {
                Ok(found) => closings.extend(found.iter().filter_map(|step| {
                    let task = open.remove(&step.accepted()?.to_ascii_lowercase())?;
                    Closing::of(task, &commit, forge)
                })),
                Err(error) => failed = Some(error),
            }
            failed.is_none() && !open.is_empty()
        })?;
        failed.map_or(Ok(()), Err)?;
    }
    closings.sort_by(|a, b| a.task.cmp(&b.task));
    let human: String = closings.iter().map(|closing| format!("{}\n", closing.line())).collect();
    let mut answer = Answer::ok(json!({"issues": closings}), human);
    answer.md = Some(markdown(&closings));
    let others = open.values().map(|task| format!("`{}` is done, but by no step in this history", task.id));
    answer.warnings = reading.warnings().into_iter().chain(others).collect();
    if global.format() == super::output::Format::Human && !closings.is_empty() {
        answer = answer.hint("nothing was sent: add `| sh` to run these commands");
    }
    Ok(answer)
}
