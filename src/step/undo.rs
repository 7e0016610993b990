//! Undoing a step: its code is reverted by a new commit, its task is blocked so that no cron does
//! it again at once, and its run record stays, because what was spent is spent.

use super::base::Base;
use super::error::StepError;
use super::event::Reporter;
use super::finish::identity;
use super::land::{Judged, Landed, Plan, land, list, tree_with};
use super::person::{Change, moved};
use super::publish;
use crate::commit::{read_trailers, state_commit, trailer};
use crate::effects::{Commit, Edit, Merge, Oid, World};
use crate::gate::protect::Protected;
use crate::state::status::Move;
use crate::state::task::Task;

/// How many commits back a run is looked for.
const DEPTH: usize = 100_000;

/// Undoes a run, or the newest accepted one.
///
/// # Errors
/// When there is no such commit, the reversal conflicts, or it cannot land. Nothing has then changed.
pub fn undo(
    world: World<'_>,
    base: &Base,
    run: Option<&str>,
    reporter: &dyn Reporter,
) -> Result<(Landed, Task), StepError> {
    let (commit, run, task) = find(world, base, run)?;
    let change = Change { id: task, action: Move::Undo, reason: Some(format!("undone: run {run}")) };
    let (files, task) = moved(world, base, &change)?;
    let tree = tree_with(world, revert_code(world, base, &commit)?, &files)?;
    let subject = state_commit(&format!("undone {}, run {run}", task.id));
    let replay = |_| Ok(Judged::Fits);
    let plan = Plan {
        branch: &base.branch,
        base: base.commit.id,
        tree,
        message: format!("{subject}\n\nThis reverts the code of commit {}.\n", commit.id),
        author: identity(base),
        run: None,
        in_place: None,
        push: publish::of(base, None),
        replay: &replay,
    };
    land(world, &plan, reporter).map(|landed| (landed, task))
}

/// The commit of an accepted run, with the ids of run and task that its trailers name.
fn find(world: World<'_>, base: &Base, wanted: Option<&str>) -> Result<(Commit, String, String), StepError> {
    let graph = &base.snapshot.graph;
    for commit in world.git.history(base.commit.id, DEPTH)? {
        let trailers = read_trailers(&commit.message);
        let named = |name| trailer(&trailers, name);
        let (Some(run), Some(task), Some("accepted")) =
            (named("Orch-Run"), named("Orch-Task"), named("Orch-Outcome"))
        else {
            continue;
        };
        let done = |task: &str| {
            graph
                .find(task)
                .is_some_and(|index| graph.nodes()[index].status == crate::state::status::Status::Done)
        };
        if wanted.map_or_else(|| done(task), |wanted| run.eq_ignore_ascii_case(wanted) || task == wanted) {
            return Ok((commit.clone(), run.to_owned(), task.to_owned()));
        }
    }
    Err(StepError::UnknownStep(wanted.map(str::to_owned)))
}

/// The tip's tree without what a commit did outside the state.
fn revert_code(world: World<'_>, base: &Base, commit: &Commit) -> Result<Oid, StepError> {
    let Some(parent) = commit.parents.first() else {
        return Err(StepError::git(format!("commit {} has no parent", commit.id.short()), "type `orch log`"));
    };
    let before = world.git.commit(*parent)?.tree;
    let edits: Vec<Edit> = world
        .git
        .changes(commit.tree, before)?
        .into_iter()
        .filter(|change| !Protected::is_state(&change.path))
        .map(|change| Edit { path: change.path, new: change.new })
        .collect();
    let without = world.git.edit_tree(commit.tree, &edits)?;
    match world.git.merge(commit.tree, base.commit.tree, without)? {
        Merge::Clean(tree) => Ok(tree),
        Merge::Conflict(paths) => Err(StepError::git(
            format!("later commits changed the same lines: {}", list(&paths)),
            format!("type `git revert {}` to do it by hand", commit.id.short()),
        )),
    }
}
