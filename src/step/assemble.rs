//! Gathering what a prompt is made from, all of it from the base commit.

use super::base::Base;
use super::error::StepError;
use super::past;
use crate::effects::World;
use crate::gate::protect::Protected;
use crate::prompt::likely::{self, Done, Likely};
use crate::prompt::{Material, Neighbour, Pace, Prompt, TooLarge, Trouble, build, words_of};
use crate::state::checkpoint::{Checkpoint, CheckpointReason};
use crate::state::digest::Digest;
use crate::state::file;
use crate::state::graph::{Graph, Index};
use crate::state::id::TaskId;
use crate::state::layout::{self, FileKind};
use crate::state::note::Gist;
use crate::state::run::OutcomeKind;
use crate::state::status::Status;
use crate::state::task::Task;
use jiff::Timestamp;
use std::collections::{HashMap, HashSet};

/// How many neighbours of a task are looked at.
const NEAR_MAX: usize = 200;
/// How many files a task is told that it will likely change, and of how many it is looked whether they are
/// still there.
const LIKELY_MAX: usize = 5;
const LIKELY_LOOKED_AT: usize = 20;
/// How long a step counts for the pace, in seconds: a week.
const WEEK: i64 = 7 * 86_400;
/// How many steps have to be judged before they say something of the pace, and how many are looked at.
const PACE_STEPS: (usize, usize) = (5, 10);

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
    let trouble = past::trouble(world, base, task, runs)?;
    let notes = base.notes(world)?;
    assemble(world, base, index, task, Known { trouble: &trouble, runs, notes: &notes })
}

/// What is known already where a prompt is built.
#[derive(Debug, Clone, Copy)]
pub struct Known<'k> {
    /// What was rejected in the area of the task.
    pub trouble: &'k [Trouble],
    /// What ran lately.
    pub runs: &'k [Digest],
    /// All notes.
    pub notes: &'k [Gist<'k>],
}

/// Builds the prompt for a task, with what is known already.
///
/// # Errors
/// When the state cannot be read, or the newest checkpoint of the task. A prompt that does not fit is the inner result.
pub fn assemble(
    world: World<'_>,
    base: &Base,
    index: Index,
    task: &Task,
    known: Known<'_>,
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
    let near = near(graph, index);
    let likely = likely(world, base, task, &near, known.runs)?;
    let checkpoint = newest_checkpoint(world, base, task)?;
    let protected = Protected::new(&base.config.policy.protect);
    let waits = |index: &Index| !matches!(graph.status(*index), Status::Done | Status::Cancelled);
    Ok(build(&Material {
        task,
        path: &graph.nodes()[index].path,
        parent,
        dependencies: graph.dependencies(index).iter().copied().map(neighbour).collect(),
        dependents: graph.dependents(index).iter().copied().filter(waits).map(neighbour).collect(),
        near: &near,
        notes: known.notes,
        trouble: known.trouble,
        likely: &likely,
        pace: pace(known.runs, base.commit.time),
        checkpoint: checkpoint.as_ref().filter(|last| is_current(last, task)),
        gates: base.config.gates.iter().map(|gate| (gate.name.clone(), gate.run.clone())).collect(),
        protected: protected.globs(),
        now: base.commit.time,
        budget_tokens: base.config.prompt.budget_tokens,
    }))
}

/// The newest checkpoint of a task, by the names of what is there; none if it has none.
///
/// # Errors
/// When it cannot be read: what the last step left for this one is not passed over in silence.
fn newest_checkpoint(world: World<'_>, base: &Base, task: &Task) -> Result<Option<Checkpoint>, StepError> {
    let source = &base.snapshot.source;
    let mut files = source.list(world, &format!("{}/{}", layout::CHECKPOINTS, task.id))?;
    files.retain(|file| layout::kind_of(&file.path) == FileKind::Checkpoint);
    let Some(newest) = files.iter().max_by_key(|file| layout::stem(&file.path).parse::<u32>().ok()) else {
        return Ok(None);
    };
    let read = source.entity(world, newest, file::checkpoint::read)?;
    read.value.map(Some).ok_or(StepError::Invalid(read.problems))
}

/// Whether a checkpoint tells of the last step of a task that is not finished: neither of one before work that
/// was accepted, nor of a session on the way to it.
fn is_current(checkpoint: &Checkpoint, task: &Task) -> bool {
    // Ids of runs are in the order of time. What could not land has a later one than the task knows of.
    let newest = checkpoint.run.is_none() || checkpoint.run >= task.history.last_run;
    newest && checkpoint.reason != CheckpointReason::Rotated && !task.status.is_closed()
}

/// How work has gone within a week before a time; none where few steps were judged.
fn pace(runs: &[Digest], now: Timestamp) -> Option<Pace> {
    let fresh = |run: &&Digest| now.as_second() - run.finished.as_second() <= WEEK;
    let judged: Vec<&Digest> = runs.iter().filter(fresh).filter(|run| run.passed().is_some()).collect();
    let accepted = judged.iter().filter(|run| run.outcome == OutcomeKind::Accepted);
    let accepted: HashSet<&TaskId> = accepted.map(|run| &run.task).collect();
    let newest = &judged[..judged.len().min(PACE_STEPS.1)];
    let passed = newest.iter().filter(|run| run.passed() == Some(true)).count();
    let pace = Pace { accepted: accepted.len(), judged: newest.len(), passed };
    (judged.len() >= PACE_STEPS.0).then_some(pace)
}

/// Files that tasks like this one changed and that are still there; none where it says what it changes.
fn likely(
    world: World<'_>,
    base: &Base,
    task: &Task,
    near: &HashMap<TaskId, u8>,
    runs: &[Digest],
) -> Result<Vec<Likely>, StepError> {
    if !task.files.is_empty() {
        return Ok(Vec::new());
    }
    let mut seen = HashSet::new();
    let mut done = Vec::new();
    for run in runs.iter().filter(|run| run.passed() == Some(true) && run.task != task.id) {
        let Some(index) = base.snapshot.graph.find(run.task.as_str()) else { continue };
        let node = &base.snapshot.graph.nodes()[index];
        let labelled = node.labels.iter().any(|label| task.labels.iter().any(|own| *own == **label));
        if seen.insert(index) {
            done.push(Done {
                task: node.id.as_str(),
                title: &node.title,
                is_near: labelled || near.contains_key(&node.id),
                files: &run.files,
            });
        }
    }
    let mut found = Vec::new();
    for likely in likely::files(&words_of(task), &done).into_iter().take(LIKELY_LOOKED_AT) {
        if found.len() < LIKELY_MAX && world.git.entry(base.commit.tree, &likely.file)?.is_some() {
            found.push(likely);
        }
    }
    Ok(found)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::digest::sample;

    #[test]
    fn the_pace_is_that_of_a_week_and_needs_some_steps() {
        let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        let run = |day: u32, outcome| sample(&format!("2026-11-{day:02}T10:00:00Z"), "a", outcome);
        let mut runs: Vec<Digest> = (14..=19).rev().map(|day| run(day, OutcomeKind::Accepted)).collect();
        runs[1].task = TaskId::new("t-2").unwrap();
        runs.insert(0, run(20, OutcomeKind::Rejected));
        runs.insert(0, run(20, OutcomeKind::Deferred));
        runs.push(run(12, OutcomeKind::Accepted));
        assert_eq!(pace(&runs, now), Some(Pace { accepted: 2, judged: 7, passed: 6 }));
        assert_eq!(pace(&runs[..4], now), None);
    }
}
