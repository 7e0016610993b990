//! What who reads the tip of the target branch should know beside the answer, or before it.

use super::context::Context;
use super::error::CliError;
use super::exit::Exit;
use crate::effects::{Head, Oid, World};
use crate::report::status::gather::PATHS_MAX;
use crate::report::status::not_committed;
use crate::state::graph::Fault;
use crate::state::layout;
use crate::step::Base;

/// The most tasks and notes with which a command that reads the tip compares the work tree with it.
const COMPARED_MAX: usize = 1_000;
/// How many faults of the graph are told by a command that reads the tip.
const FAULTS_MAX: usize = 3;

/// What who reads the tip should know beside the answer: what is not committed, what is wrong with
/// the graph.
///
/// # Errors
/// When the work tree cannot be read.
pub(super) fn tip_warnings(context: &Context, base: &Base) -> Result<Vec<String>, CliError> {
    let world = context.world();
    let checked_out = matches!(world.git.head()?, Head::Branch(branch, _) if branch == base.branch);
    let mut warnings = Vec::new();
    // A large state is left to `orch status`: looking at every file would cost more than the answer.
    let mut compared = checked_out && base.snapshot.graph.nodes().len() <= COMPARED_MAX;
    if compared {
        let notes = base.snapshot.source.list(world, layout::NOTES)?.len();
        compared = base.snapshot.graph.nodes().len() + notes <= COMPARED_MAX;
    }
    if let Some(root) = world.git.work_dir().filter(|_| compared) {
        let files = world.files.work_files(root, layout::ROOT)?;
        let paths = world.git.uncommitted(layout::ROOT, &files, PATHS_MAX)?;
        let paths: Vec<String> = paths.iter().map(ToString::to_string).collect();
        warnings.extend(not_committed(&paths));
    }
    let faults = base.snapshot.graph.faults();
    warnings.extend(faults.iter().take(FAULTS_MAX).map(Fault::to_string));
    if faults.len() > FAULTS_MAX {
        warnings.push(format!("{} more faults of the graph: type `orch fsck`", faults.len() - FAULTS_MAX));
    } else if let Some(last) = warnings.last_mut().filter(|_| !faults.is_empty()) {
        last.push_str("; type `orch fsck`");
    }
    Ok(warnings)
}

/// Refuses to look back where orch never was, which is not the same as having done nothing.
///
/// # Errors
/// When the commit has no state.
pub(super) fn has_project(world: World<'_>, at: Oid) -> Result<(), CliError> {
    let commit = world.git.commit(at)?;
    if world.git.subtree(commit.tree, layout::ROOT)?.is_some() {
        return Ok(());
    }
    let fact = format!("commit {} has no `{}/`", at.short(), layout::ROOT);
    Err(CliError::new(Exit::NoProject, fact).hint("type `orch init` to begin"))
}
