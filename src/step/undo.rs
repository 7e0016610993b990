//! Undoing a step: its code is reverted by a new commit, its task is blocked so that no cron does
//! it again at once, and its run record stays, because what was spent is spent.

use super::base::Base;
use super::error::StepError;
use super::event::Reporter;
use super::finish::identity;
use super::land::{Ask, FileEdit, Judged, Landed, Plan, Replay, land, list, tree_with};
use super::person::{Change, moved};
use super::publish;
use crate::commit::{read_trailers, state_commit, trailer};
use crate::effects::{Commit, Edit, EffectError, Merge, Oid, World};
use crate::gate::protect::Protected;
use crate::state::checkpoint::{Checkpoint, CheckpointReason};
use crate::state::file;
use crate::state::id::RunId;
use crate::state::layout;
use crate::state::recorded::Recorded;
use crate::state::run::{OutcomeKind, Run};
use crate::state::status::{Move, Status};
use crate::state::store;
use crate::state::task::Task;

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
    let (mut files, task) = moved(world, base, &change)?;
    files.push(checkpoint(world, base, &task, (&run, &commit))?);
    let tree = tree_with(world, revert_code(world, base, &commit)?, &files)?;
    let subject = state_commit(&format!("undone {}, run {run}", task.id));
    let replay = |replay: Replay| {
        let Ask::AsIs(merged) = replay.ask else { return Ok(Judged::Fits) };
        let nothing = world.git.commit(replay.tip)?.tree == merged;
        Ok(if nothing { Judged::No(format!("run {run} is undone already")) } else { Judged::Fits })
    };
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

/// What tells the next attempt, and whoever judges how work goes, that this work was taken back.
fn checkpoint(
    world: World<'_>,
    base: &Base,
    task: &Task,
    (run, commit): (&str, &Commit),
) -> Result<FileEdit, StepError> {
    let checkpoint = Checkpoint {
        task: task.id.clone(),
        number: store::next_checkpoint(world, &base.snapshot.source, &task.id)?,
        run: RunId::new(run).ok(),
        reason: CheckpointReason::Undone,
        base: commit.parents.first().map(ToString::to_string),
        work: Some(commit.id.to_string()),
        summary: String::new(),
        next: Vec::new(),
        evidence: "The work passed its checks and landed; a person took it back: it was not what is wanted."
            .to_owned(),
    };
    let path = layout::checkpoint(&checkpoint.task, checkpoint.number);
    Ok((path, Some(file::checkpoint::write(&checkpoint).into_bytes())))
}

/// The commit of an accepted run, with the ids of run and task.
fn find(world: World<'_>, base: &Base, wanted: Option<&str>) -> Result<(Commit, String, String), StepError> {
    let graph = &base.snapshot.graph;
    let done = |task: &str| graph.find(task).is_some_and(|index| graph.status(index) == Status::Done);
    // `orch log` shows commits: whoever names one means its step, unless a task is called so.
    let named = wanted.filter(|wanted| graph.find(wanted).is_none());
    let named = named.map(|wanted| world.git.resolve(wanted)).transpose()?.flatten();
    let fits = |commit: Oid, run: &str, task: &str| match wanted {
        None => done(task),
        Some(wanted) => run.eq_ignore_ascii_case(wanted) || task == wanted || named == Some(commit),
    };
    let mut recorded = Recorded::of(world, base.commit.id)?;
    let mut found = Ok(None);
    world.git.walk(base.commit.id, &mut |commit| {
        let steps = accepted(&mut recorded, &commit);
        found = steps.map(|steps| {
            let step = steps.into_iter().find(|(run, task)| fits(commit.id, run, task));
            step.map(|(run, task)| (commit, run, task))
        });
        matches!(found, Ok(None))
    })?;
    let (commit, run, task) = found?.ok_or_else(|| StepError::UnknownStep(wanted.map(str::to_owned)))?;
    let brought = recorded.brought(&commit)?;
    if let Some(other) = brought.iter().find(|other| is_accepted(other) && other.id.as_str() != run) {
        return Err(StepError::git(
            format!("commit {} holds the work of `{task}` and of `{}` in one", commit.id.short(), other.task),
            format!("type `git revert {}` to take all of it back", commit.id.short()),
        ));
    }
    Ok((commit, run, task))
}

/// The accepted runs of a commit, with their tasks: the one that its trailers name, or those whose records it brought.
fn accepted(recorded: &mut Recorded<'_>, commit: &Commit) -> Result<Vec<(String, String)>, EffectError> {
    let trailers = read_trailers(&commit.message);
    let named = |name| trailer(&trailers, name);
    if let (Some(run), Some(task), Some(outcome)) =
        (named("Orch-Run"), named("Orch-Task"), named("Orch-Outcome"))
    {
        let accepted = outcome == OutcomeKind::Accepted.as_str();
        return Ok(accepted.then(|| (run.to_owned(), task.to_owned())).into_iter().collect());
    }
    let brought = recorded.brought(commit)?;
    Ok(brought
        .iter()
        .filter(|run| is_accepted(run))
        .map(|run| (run.id.to_string(), run.task.to_string()))
        .collect())
}

fn is_accepted(run: &Run) -> bool {
    run.outcome == OutcomeKind::Accepted
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
