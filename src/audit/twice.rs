//! Work on a task that two clones did: a person has put the one on top of the other.
//!
//! As of a rebase in which `orch doctor` settled what both say of the task: the file then says already what the
//! rebased step would have made of it, so that state and code agree although the commit does not touch it.

use super::claim::Step;
use crate::effects::{Commit, World};
use crate::state::file;
use crate::state::layout::{self, FileKind};
use crate::state::run::OutcomeKind;
use crate::state::status::Status;
use crate::step::StepError;
use bstr::ByteSlice as _;

/// Whether a task was done by a later run already where accepted work was put on top.
pub(super) fn was_done_before(world: World<'_>, commit: &Commit, step: &Step) -> Result<bool, StepError> {
    if step.outcome != OutcomeKind::Accepted {
        return Ok(false);
    }
    let Some(tasks) = world.git.subtree(commit.tree, layout::TASKS)? else { return Ok(false) };
    for entry in world.git.files(tasks, layout::TASKS)? {
        let path = entry.path.to_str_lossy();
        let is_its = layout::stem(&path).eq_ignore_ascii_case(&step.task);
        if layout::kind_of(&path) == FileKind::Task && is_its {
            let task = file::task::read(&path, &world.git.blob(entry.id)?).value;
            let later = |last: &str| last > step.run.as_str();
            return Ok(task.is_some_and(|task| {
                task.status == Status::Done && task.history.last_run.is_some_and(|last| later(last.as_str()))
            }));
        }
    }
    Ok(false)
}
