//! Gathering what a prompt is made from, all of it from the base commit.

use super::base::Base;
use super::error::StepError;
use super::past;
use crate::effects::World;
use crate::gate::protect::Protected;
use crate::prompt::{Material, Neighbour, Prompt, TooLarge, Trouble, build};
use crate::state::graph::{Graph, Index};
use crate::state::id::TaskId;
use crate::state::store;
use crate::state::task::Task;
use std::collections::HashMap;

/// How many neighbours of a task are looked at.
const NEAR_MAX: usize = 200;

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
    let near = near(graph, index);
    let (checkpoints, _) = store::checkpoints(world, &base.snapshot.source, &task.id)?;
    let protected = Protected::new(&base.config.policy.protect);
    Ok(build(&Material {
        task,
        path: &graph.nodes()[index].path,
        parent,
        dependencies: graph.dependencies(index).iter().copied().map(neighbour).collect(),
        dependents: graph.dependents(index).iter().copied().map(neighbour).collect(),
        near: &near,
        notes,
        trouble,
        checkpoint: checkpoints.last().filter(|_| !task.status.is_closed()),
        gates: base.config.gates.iter().map(|gate| (gate.name.clone(), gate.run.clone())).collect(),
        protected: protected.globs(),
        now: base.commit.time,
        budget_tokens: base.config.prompt.budget_tokens,
    }))
}

/// Tasks in the neighbourhood of a task: its epic, what it builds upon, what builds upon it and the
/// other children of its epic are one step away, and what is next to these is two.
fn near(graph: &Graph, index: Index) -> HashMap<TaskId, u8> {
    let next = |index: Index| {
        let own = graph.dependencies(index).iter().chain(graph.dependents(index));
        let siblings = graph.parent(index).into_iter().flat_map(|parent| graph.children(parent));
        own.chain(siblings).chain(graph.children(index)).copied().chain(graph.parent(index)).take(NEAR_MAX)
    };
    let mut near = HashMap::new();
    let first: Vec<Index> = next(index).collect();
    let second = first.iter().flat_map(|&one| next(one)).map(|two| (two, 2)).take(NEAR_MAX);
    for (other, steps) in first.iter().map(|&one| (one, 1)).chain(second).filter(|(other, _)| *other != index)
    {
        near.entry(graph.nodes()[other].id.clone()).or_insert(steps);
    }
    near
}
