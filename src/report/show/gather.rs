//! Gathering what is to be shown of a task or a run.

use super::{Other, TaskPage};
use crate::effects::{EffectError, World};
use crate::report::graph::json::standing;
use crate::report::graph::{Look, look, word};
use crate::report::json as shape;
use crate::select::{Rules, why_not};
use crate::state::graph::Index;
use crate::state::problem::Problem;
use crate::state::run::Run;
use crate::state::store::{self, Snapshot};
use crate::state::{runs, task::Task};
use crate::step::record::attempts_ref;
use serde_json::{Value, json};

/// Gathers everything about a task, with what is wrong with the files in question.
///
/// # Errors
/// When something cannot be read.
pub fn gather(
    world: World<'_>,
    snapshot: &Snapshot,
    rules: Rules,
    running: &[Index],
    index: Index,
) -> Result<(TaskPage, Vec<Problem>), EffectError> {
    let (graph, source) = (&snapshot.graph, &snapshot.source);
    let (_, task) = snapshot.task(world, index)?;
    let (checkpoints, mut problems) = store::checkpoints(world, source, &task.id)?;
    let runs = if has_run(&task) {
        let (runs, more) = runs::of_task(world, source, &task.id, u32::MAX)?;
        problems.extend(more);
        runs
    } else {
        Vec::new()
    };
    let look = |index: Index| look(graph, index, rules.agent_review, running.contains(&index));
    let other = |&index: &Index| Other {
        id: graph.nodes()[index].id.to_string(),
        title: graph.nodes()[index].title.to_string(),
        look: look(index),
        word: word(graph, index, look(index)),
    };
    let missing = task.depends_on.iter().filter(|id| graph.find(id.as_str()).is_none());
    let page = TaskPage {
        look: look(index),
        status: if running.contains(&index) { "in_progress" } else { graph.status(index).as_str() },
        word: word(graph, index, look(index)),
        standing: if running.contains(&index) {
            "in_progress"
        } else {
            standing(&graph.standing(index, rules.agent_review))
        },
        why: why_not(graph, rules, index),
        path: graph.nodes()[index].path.to_string(),
        parent: graph.parent(index).as_ref().map(other),
        needs: graph.dependencies(index).iter().map(other).collect(),
        missing: missing.map(ToString::to_string).collect(),
        needed_by: graph.dependents(index).iter().map(other).collect(),
        children: graph.children(index).iter().map(other).collect(),
        kept: kept(world, &runs)?,
        task,
        checkpoints,
        runs,
    };
    Ok((page, problems))
}

fn has_run(task: &Task) -> bool {
    task.history.attempts > 0 || task.history.last_run.is_some()
}

/// Refs of this clone that hold work of some runs which is not on the branch.
///
/// # Errors
/// When refs cannot be read.
pub fn kept(world: World<'_>, runs: &[Run]) -> Result<Vec<String>, EffectError> {
    let mut kept = Vec::new();
    for run in runs {
        let reference = attempts_ref(run.id.as_str());
        if world.git.tip(&reference)?.is_some() {
            kept.push(reference);
        }
    }
    Ok(kept)
}

/// What an agent printed, session by session, where nothing is an answer too; none in a clone that did not
/// take the step.
///
/// # Errors
/// When it cannot be read.
pub fn transcripts(world: World<'_>, run: &str) -> Result<Option<Vec<String>>, EffectError> {
    let mut found = Vec::new();
    loop {
        let number = found.len() + 1;
        let said = world.files.read(&format!("steps/{run}/transcript-{number}.txt"))?;
        if said.is_none() && world.files.read(&format!("steps/{run}/prompt-{number}.md"))?.is_none() {
            break;
        }
        found.push(String::from_utf8_lossy(&said.unwrap_or_default()).into_owned());
    }
    Ok(Some(found).filter(|found| !found.is_empty()))
}

/// Everything about a task, for programs.
#[must_use]
pub fn document(page: &TaskPage) -> Value {
    let others = |others: &[Other]| -> Vec<Value> {
        let shape = |other: &Other| json!({"id": other.id, "title": other.title, "look": other.look.word()});
        others.iter().map(shape).collect()
    };
    json!({
        "task": shape::task(&page.task), "path": page.path, "status": page.status, "standing": page.standing,
        "runnable": page.why.is_none() && page.look != Look::Running, "why": page.why,
        "parent": page.parent.as_ref().map(|parent| parent.id.clone()),
        "dependencies": others(&page.needs), "missing": page.missing,
        "dependents": others(&page.needed_by), "children": others(&page.children),
        "checkpoints": page.checkpoints.iter().map(shape::checkpoint).collect::<Vec<_>>(),
        "runs": page.runs.iter().map(shape::run_whole).collect::<Vec<_>>(), "kept": page.kept,
    })
}
