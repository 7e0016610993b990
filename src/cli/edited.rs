//! What the work tree has of the state that is not committed: it does not count for who reads the tip.

use super::context::Context;
use super::damage::{uncommitted, unfit};
use super::error::CliError;
use crate::effects::Head;
use crate::report::status::not_committed;
use crate::state::layout;
use crate::step::{Base, in_place};

/// The most tasks and notes with which a command that reads the tip compares the work tree with it.
const COMPARED_MAX: usize = 1_000;

/// The warning about it, with what to do.
///
/// # Errors
/// When the work tree cannot be read.
pub(super) fn edited(context: &Context, base: &Base) -> Result<Option<String>, CliError> {
    let world = context.world();
    let checked_out = matches!(world.git.head()?, Head::Branch(branch, _) if branch == base.branch)
        && in_place::at_work(world, &base.branch)?.is_none();
    // A large state is left to `orch status`: looking at every file would cost more than the answer.
    let tasks = base.snapshot.graph.nodes().len();
    let notes = || base.snapshot.source.list(world, layout::NOTES).map(|notes| notes.len());
    let compared = checked_out && tasks <= COMPARED_MAX && tasks + notes()? <= COMPARED_MAX;
    let Some(root) = world.git.work_dir().filter(|_| compared) else { return Ok(None) };
    let files = world.files.work_files(root, layout::ROOT)?;
    let (paths, undecided) = uncommitted(world, &files)?;
    let unfit = unfit(world, root, (&files, &paths), undecided)?;
    Ok(not_committed(&paths, unfit))
}
