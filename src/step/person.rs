//! Changes of the state that people make: each is one commit, landed like a step's.

use super::base::Base;
use super::error::StepError;
use super::event::Reporter;
use super::finish::identity;
use super::land::{FileEdit, Judged, Landed, Plan, land, tree_with};
use super::publish;
use super::record::{attempts_ref, in_vain};
use crate::commit::state_commit;
use crate::effects::World;
use crate::state::checkpoint::{Checkpoint, CheckpointReason};
use crate::state::file;
use crate::state::graph::Index;
use crate::state::layout;
use crate::state::status::{self, Move, Status};
use crate::state::store;
use crate::state::task::{Kind, Task};

/// A move that a person asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The task.
    pub id: String,
    /// The move.
    pub action: Move,
    /// Why.
    pub reason: Option<String>,
}

/// Lands files as one commit that changes the state only.
///
/// # Errors
/// When it cannot land.
pub fn land_files(
    world: World<'_>,
    base: &Base,
    files: &[FileEdit],
    subject: &str,
    reporter: &dyn Reporter,
) -> Result<Landed, StepError> {
    let tree = tree_with(world, base.commit.tree, files)?;
    // What merges cleanly is still what the person asked for.
    let replay = |_| Ok(Judged::Fits);
    land(
        world,
        &Plan {
            branch: &base.branch,
            base: base.commit.id,
            tree,
            message: format!("{subject}\n"),
            author: identity(base),
            run: None,
            in_place: None,
            push: publish::of(base, None),
            replay: &replay,
        },
        reporter,
    )
}

/// The files that a move changes, and the task after it.
///
/// # Errors
/// When there is no such task, or the move is illegal.
pub fn moved(world: World<'_>, base: &Base, change: &Change) -> Result<(Vec<FileEdit>, Task), StepError> {
    let index = base.find(&change.id)?;
    let (text, mut task) = base.snapshot.task(world, index)?;
    let before = stands(base, index)?;
    task.status = status::apply(before, change.action).map_err(|illegal| {
        let allowed: Vec<&str> = illegal.allowed().into_iter().map(Move::as_str).collect();
        let allowed = if allowed.is_empty() { "nothing".to_owned() } else { allowed.join(", ") };
        StepError::NotRunnable { id: task.id.to_string(), why: format!("{illegal}; allowed: {allowed}") }
    })?;
    task.reason = match task.status {
        Status::Blocked | Status::Cancelled | Status::NeedsImprovement => change.reason.clone(),
        Status::Proposed | Status::Pending | Status::NeedsReview | Status::Done => None,
    };
    let mut files = Vec::new();
    if before == Status::NeedsReview {
        files.extend(turned_down(world, base, change, &task)?);
    }
    if before == Status::Done {
        // What led to accepted work is not held against what comes after it.
        task.history.attempts = 0;
    }
    let steps = task.history.attempts;
    if task.status == Status::NeedsImprovement && steps >= base.config.policy.max_steps_per_task {
        let why = change.reason.as_deref().unwrap_or("the work was turned down");
        task.reason = Some(in_vain(steps, why));
        task.status = Status::Blocked;
    }
    let path = &base.snapshot.graph.nodes()[index].path;
    let text =
        file::task::rewrite(path, &text, &task).map_err(|problem| StepError::Invalid(vec![problem]))?;
    files.push((path.to_string(), Some(text.into_bytes())));
    Ok((files, task))
}

/// Where a task stands: an epic as its children do, whatever its file says.
fn stands(base: &Base, index: Index) -> Result<Status, StepError> {
    let graph = &base.snapshot.graph;
    let (node, status) = (&graph.nodes()[index], graph.status(index));
    let by_children = node.kind == Kind::Epic && node.status != Status::Cancelled;
    if by_children && status.is_closed() && !graph.children(index).is_empty() {
        let why = format!("`{}` is `{}` because all its children are closed", node.id, status.as_str());
        let why = format!("{why}: reopen one of them, or add one");
        return Err(StepError::NotRunnable { id: node.id.to_string(), why });
    }
    Ok(status)
}

/// The checkpoint that leads from work that waited for a review to the next attempt.
fn turned_down(
    world: World<'_>,
    base: &Base,
    change: &Change,
    task: &Task,
) -> Result<Option<FileEdit>, StepError> {
    let reason = match task.status {
        Status::NeedsImprovement => CheckpointReason::Rejected,
        Status::Blocked => CheckpointReason::Deferred,
        Status::Proposed | Status::Pending | Status::NeedsReview | Status::Done | Status::Cancelled => {
            return Ok(None);
        }
    };
    let Some(run) = task.history.last_run.clone() else { return Ok(None) };
    let work = attempts_ref(run.as_str());
    let Some(kept) = world.git.tip(&work)? else { return Ok(None) };
    let why = change.reason.as_ref().map(|reason| format!("{}: {reason}", past(change.action)));
    let checkpoint = Checkpoint {
        task: task.id.clone(),
        number: store::next_checkpoint(world, &base.snapshot.source, &task.id)?,
        run: Some(run),
        reason,
        base: world.git.commit(kept)?.parents.first().map(ToString::to_string),
        work: Some(work),
        summary: String::new(),
        next: Vec::new(),
        evidence: why.unwrap_or_default(),
    };
    let path = layout::checkpoint(&checkpoint.task, checkpoint.number);
    Ok(Some((path, Some(file::checkpoint::write(&checkpoint).into_bytes()))))
}

/// Moves a task, as one commit.
///
/// # Errors
/// When there is no such task, the move is illegal, or the commit cannot land.
pub fn land_change(
    world: World<'_>,
    base: &Base,
    change: &Change,
    reporter: &dyn Reporter,
) -> Result<(Landed, Task), StepError> {
    let (files, task) = moved(world, base, change)?;
    let why = change.reason.as_ref().map_or(String::new(), |reason| format!(": {reason}"));
    let subject = state_commit(&format!("{} {}{why}", past(change.action), task.id));
    let landed = land_files(world, base, &files, &subject, reporter)?;
    Ok((landed, task))
}

/// The word for a move that was made.
#[must_use]
pub fn past(action: Move) -> &'static str {
    match action {
        Move::Accept => "accepted",
        Move::Submit => "submitted",
        Move::Fail => "failed",
        Move::Block => "blocked",
        Move::Defer => "deferred",
        Move::Approve => "approved",
        Move::Reject => "rejected",
        Move::Unblock => "unblocked",
        Move::Cancel => "cancelled",
        Move::Reopen => "reopened",
        Move::Undo => "undone",
    }
}
