//! Recording a step whose work could not land because the branch moved.
//!
//! In: what was kept, and why it does not fit. Out: a commit on the new tip that changes the state
//! only: the run record, and a checkpoint where the task is still to be done. Invariant: the task's
//! own file is not touched; it belongs to whoever moved the branch.

use super::attempt::{Job, Work};
use super::base::branch_ref;
use super::error::StepError;
use super::event::Event;
use super::finish::identity;
use super::land::{FileEdit, Judged, Plan, land, tree_with};
use super::site::Workplace;
use super::{publish, upstream};
use crate::commit::step_message;
use crate::effects::{Oid, World};
use crate::state::checkpoint::{Checkpoint, CheckpointReason};
use crate::state::file;
use crate::state::layout;
use crate::state::ledger;
use crate::state::run::{OutcomeKind, Run};
use crate::state::store::{self, Source};

/// Lands the record of a run that was put off.
///
/// # Errors
/// When it cannot land either; the work is kept all the same.
pub fn record(
    job: &Job<'_>,
    workplace: &mut Workplace<'_>,
    work: &Work,
    run: &Run,
    (why, kept): (&str, Option<&String>),
) -> Result<(), StepError> {
    let world = workplace.world;
    let reference =
        job.base.upstream.as_ref().map_or_else(|| branch_ref(&job.base.branch), upstream::seen_branch);
    let Some(tip) = world.git.tip(&reference)? else { return Ok(()) };
    let tree = world.git.commit(tip)?.tree;
    let run = Run { outcome: OutcomeKind::Deferred, reason: why.to_owned(), ..run.clone() };
    let mut files: Vec<FileEdit> =
        vec![(layout::run(&run.id, run.started), Some(file::run::write(&run).into_bytes()))];
    if job.base.task_at(world, job.task.id.as_str(), tree)?.is_some_and(|task| !task.status.is_closed()) {
        files.push(checkpoint(world, tree, job, work, &run, kept)?);
    }
    let landed = land(
        world,
        &Plan {
            branch: &job.base.branch,
            base: tip,
            tree: tree_with(world, tree, &files)?,
            message: step_message(job.task, &run, &work.reply.summary, job.base.skips_ci),
            author: identity(job.base),
            run: None,
            in_place: workplace.take_in_place(),
            push: publish::of(job.base, Some(job.run)),
            replay: &|_| Ok(Judged::Fits),
        },
        job.reporter,
    )?;
    job.reporter.event(&Event::Landed {
        outcome: run.outcome.as_str().to_owned(),
        reason: run.reason,
        commit: landed.commit.to_string(),
        branch: job.base.branch.clone(),
    });
    // The record says what was spent, and that the step came to its end.
    let _ = ledger::forget(world.files, job.run);
    Ok(())
}

fn checkpoint(
    world: World<'_>,
    tree: Oid,
    job: &Job<'_>,
    work: &Work,
    run: &Run,
    kept: Option<&String>,
) -> Result<FileEdit, StepError> {
    let checkpoint = Checkpoint {
        task: job.task.id.clone(),
        number: store::next_checkpoint(world, &Source::Tree(tree), &job.task.id)?,
        run: Some(run.id.clone()),
        reason: CheckpointReason::Deferred,
        base: Some(run.base.clone()),
        work: kept.cloned(),
        summary: work.reply.summary.clone(),
        next: Vec::new(),
        evidence: run.reason.clone(),
    };
    let path = layout::checkpoint(&checkpoint.task, checkpoint.number);
    Ok((path, Some(file::checkpoint::write(&checkpoint).into_bytes())))
}
