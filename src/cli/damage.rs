//! What is wrong with files of the state, beside the answer or in place of it.

use super::error::CliError;
use super::reading::Reading;
use crate::effects::{EffectError, MODE_FILE, WorkFile, World};
use crate::report::status::Unfit;
use crate::report::status::gather::PATHS_MAX;
use crate::state::graph::Fault;
use crate::state::layout::{self, FileKind};
use crate::state::problem::{Problem, nearest};
use crate::state::store::Snapshot;
use crate::upkeep::migrate::unusable;
use std::collections::HashSet;
use std::path::Path;

/// How many problems are told before `orch fsck` is named instead.
const PROBLEMS_MAX: usize = 5;
/// How many faults of the graph are told by a command that reads the tip.
const FAULTS_MAX: usize = 3;

/// What speaks against committing these paths of a work tree, so many of which a merge left undecided.
///
/// # Errors
/// When one cannot be read.
pub(super) fn unfit(
    world: World<'_>,
    root: &Path,
    (files, paths): (&[WorkFile], &[String]),
    undecided: usize,
) -> Result<Unfit, EffectError> {
    let paths: HashSet<&String> = paths.iter().filter(|_| undecided == 0).collect();
    let mut damaged = 0;
    for file in files.iter().filter(|file| file.mode == Some(MODE_FILE) && paths.contains(&file.path)) {
        let bytes = world.files.read_work(root, &file.path)?.unwrap_or_default();
        damaged += usize::from(unusable(&file.path, layout::kind_of(&file.path), &bytes).is_some());
    }
    Ok(Unfit { undecided, damaged, in_progress: world.git.in_progress() })
}

/// Which files of the state are not committed, and how many of them a merge left undecided. What is there and orch
/// does not read is none of the state.
///
/// # Errors
/// When the work tree or its index cannot be read.
pub(super) fn uncommitted(world: World<'_>, files: &[WorkFile]) -> Result<(Vec<String>, usize), EffectError> {
    // What is foreign takes no place among the first of them.
    let foreign: HashSet<&str> = files
        .iter()
        .map(|file| file.path.as_str())
        .filter(|path| layout::kind_of(path) == FileKind::Unknown)
        .collect();
    let paths = world.git.uncommitted(layout::ROOT, files, PATHS_MAX.saturating_add(foreign.len()))?;
    let undecided = if paths.is_empty() { 0 } else { world.git.undecided(layout::ROOT)?.len() };
    let paths = paths.iter().map(ToString::to_string).filter(|path| !foreign.contains(path.as_str()));
    Ok((paths.take(PATHS_MAX).collect(), undecided))
}

/// What is wrong with the graph of a state, as warnings: the first of it, and how much more there is.
pub(super) fn faults(snapshot: &Snapshot) -> Vec<String> {
    let faults = snapshot.graph.faults();
    let mut warnings: Vec<String> = faults.iter().take(FAULTS_MAX).map(Fault::to_string).collect();
    let more = faults.len().saturating_sub(FAULTS_MAX);
    warnings.extend((more > 0).then(|| format!("{more} more faults of the graph")));
    warnings
}

impl Reading {
    /// What is wrong, as warnings: the first of each, and how many more there are.
    pub(super) fn warnings(&self) -> Vec<String> {
        let faults = self.snapshot.graph.faults().iter().map(Fault::to_string);
        let all: Vec<String> = self.problems.iter().map(Problem::to_string).chain(faults).collect();
        let more = all.len().saturating_sub(PROBLEMS_MAX);
        let mut warnings: Vec<String> = all.into_iter().take(PROBLEMS_MAX).collect();
        if more > 0 {
            warnings.push(format!(
                "{more} more {}: type `orch fsck`",
                if more == 1 { "problem" } else { "problems" }
            ));
        }
        warnings
    }

    /// What is wrong with the files below a folder that cannot be read.
    pub(super) fn damage_below(&self, dir: &str) -> Vec<Problem> {
        damage(&self.problems, |path| path.starts_with(dir))
    }

    /// The error about a task that is not there, or cannot be read.
    pub(super) fn no_such_task(&self, id: &str) -> CliError {
        no_such_task(&self.snapshot, id)
    }
}

fn damage(problems: &[Problem], is_its: impl Fn(&str) -> bool) -> Vec<Problem> {
    problems.iter().filter(|problem| problem.is_error() && is_its(&problem.path)).cloned().collect()
}

/// The error about a task that is not there, or cannot be read.
pub(super) fn no_such_task(snapshot: &Snapshot, id: &str) -> CliError {
    let of_file = damage(&snapshot.problems, |path| layout::is_task(path, id));
    if !of_file.is_empty() {
        return CliError::problems(&of_file);
    }
    let error = CliError::usage(format!("there is no task `{}`", crate::report::safe::text(id)));
    match nearest(id, snapshot.graph.nodes().iter().map(|node| node.id.as_str())) {
        Some(meant) => error.hint(format!("did you mean `{meant}`?")),
        None => error.hint("type `orch list` to see the tasks"),
    }
}
