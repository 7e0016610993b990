//! Gathering what a prompt is made from, all of it from the base commit.

use super::base::Base;
use super::error::StepError;
use super::past;
use crate::effects::World;
use crate::gate::protect::Protected;
use crate::prompt::{Material, Neighbour, Prompt, TooLarge, Trouble, build};
use crate::state::graph::Index;
use crate::state::store;
use crate::state::task::Task;

/// Builds the prompt for a task from its base alone.
///
/// # Errors
/// When the state cannot be read. A prompt that does not fit is the inner result.
pub fn of_base(
    world: World<'_>,
    base: &Base,
    index: Index,
    task: &Task,
) -> Result<Result<Prompt, TooLarge>, StepError> {
    let runs = past::recent(world, base)?;
    let trouble = past::trouble(world, base, task, &runs)?;
    assemble(world, base, index, task, &trouble)
}

/// Builds the prompt for a task, where it is known what was rejected in its area.
///
/// # Errors
/// When the state cannot be read. A prompt that does not fit is the inner result.
pub fn assemble(
    world: World<'_>,
    base: &Base,
    index: Index,
    task: &Task,
    trouble: &[Trouble],
) -> Result<Result<Prompt, TooLarge>, StepError> {
    let graph = &base.snapshot.graph;
    let neighbour = |index: Index| {
        let node = &graph.nodes()[index];
        Neighbour {
            id: node.id.to_string(),
            title: node.title.to_string(),
            status: graph.status(index).as_str().to_owned(),
        }
    };
    let parent = match graph.parent(index) {
        Some(parent) => Some((neighbour(parent), base.snapshot.task(world, parent)?.1.description)),
        None => None,
    };
    let notes = base.notes(world)?;
    let (checkpoints, _) = store::checkpoints(world, &base.snapshot.source, &task.id)?;
    let protected = Protected::new(&base.config.policy.protect);
    Ok(build(&Material {
        task,
        path: &graph.nodes()[index].path,
        parent,
        dependencies: graph.dependencies(index).iter().copied().map(neighbour).collect(),
        dependents: graph.dependents(index).iter().copied().map(neighbour).collect(),
        notes,
        trouble,
        checkpoint: checkpoints.last().filter(|_| !task.status.is_closed()),
        gates: base.config.gates.iter().map(|gate| (gate.name.clone(), gate.run.clone())).collect(),
        protected: protected.globs(),
        now: base.commit.time,
        budget_tokens: base.config.prompt.budget_tokens,
    }))
}
