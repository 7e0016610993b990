//! From an outcome to what is written: the task, the run record, notes, follow-ups, a checkpoint.

use super::attempt::Work;
use super::base::Base;
use super::error::StepError;
use super::land::FileEdit;
use crate::agent::NewNote;
use crate::config::Integration;
use crate::effects::World;
use crate::outcome::Outcome;
use crate::state::checkpoint::{Checkpoint, CheckpointReason};
use crate::state::file;
use crate::state::graph::Index;
use crate::state::id::{NoteId, RunId, TaskId, short, ulid};
use crate::state::layout;
use crate::state::note::{Gist, Note, NoteKind, NoteStatus, fades};
use crate::state::run::{AttemptRecord, OutcomeKind, Run, Tokens};
use crate::state::status::{self, Move, Status};
use crate::state::store;
use crate::state::task::Task;
use jiff::Timestamp;

/// A new run id.
///
/// # Errors
/// Never in practice: a ULID is a legal id.
pub fn new_run_id(world: World<'_>, now: Timestamp) -> Result<RunId, StepError> {
    let millis = u64::try_from(now.as_millisecond()).unwrap_or_default();
    RunId::new(ulid(millis, world.ids.random())).map_err(|error| StepError::NoAgent(error.to_string()))
}

/// The task after a step: status, reason, history.
///
/// # Errors
/// When the transition is illegal, which selection rules out.
pub fn task_after(
    base: &Base,
    task: &Task,
    outcome: &Outcome,
    quarantine: Option<&str>,
    run: &RunId,
) -> Result<(Task, Outcome), StepError> {
    let mut after = task.clone();
    let counts = outcome.kind() != OutcomeKind::Deferred;
    after.history.attempts += u32::from(counts);
    after.history.last_run = Some(run.clone());
    let limit = base.config.policy.max_steps_per_task;
    let outcome = if let Some(why) = quarantine {
        Outcome::Blocked(why.to_owned())
    } else if outcome.action() == Move::Fail && after.history.attempts >= limit {
        Outcome::Blocked(in_vain(after.history.attempts, &outcome.reason()))
    } else {
        outcome.clone()
    };
    after.status = status::apply(task.status, outcome.action())
        .map_err(|illegal| StepError::NotRunnable { id: task.id.to_string(), why: illegal.to_string() })?;
    after.reason = match after.status {
        Status::Blocked | Status::NeedsImprovement => Some(outcome.reason()),
        Status::NeedsReview if base.config.policy.integration == Integration::PullRequest => {
            Some(format!("to be merged: branch {}", branch_of(task.id.as_str())))
        }
        Status::Proposed | Status::Pending | Status::NeedsReview | Status::Done | Status::Cancelled => None,
    };
    Ok((after, outcome))
}

/// Why a task is blocked that has had all the steps that the policy gives it.
#[must_use]
pub fn in_vain(steps: u32, last: &str) -> String {
    let steps = if steps == 1 { "1 step".to_owned() } else { format!("{steps} steps") };
    format!("{steps} without success; the last: {last}")
}

/// All files that a step's commit writes below `.orchestrator/`.
///
/// # Errors
/// When a file cannot be read or written in its format.
pub fn files(
    world: World<'_>,
    base: &Base,
    index: Index,
    old_text: &str,
    after: &Task,
    run: &Run,
    work: &Work,
) -> Result<Vec<FileEdit>, StepError> {
    let path = &base.snapshot.graph.nodes()[index].path;
    let text =
        file::task::rewrite(path, old_text, after).map_err(|problem| StepError::Invalid(vec![problem]))?;
    let mut edits = vec![
        (path.to_string(), Some(text.into_bytes())),
        (layout::run(&run.id, run.started), Some(file::run::write(run).into_bytes())),
    ];
    edits.extend(note_files(world, base, &work.reply.notes, after, run)?);
    for checkpoint in checkpoints(world, base, after, run, work)? {
        let path = layout::checkpoint(&checkpoint.task, checkpoint.number);
        edits.push((path, Some(file::checkpoint::write(&checkpoint).into_bytes())));
    }
    Ok(edits)
}

/// The files of what an agent has noted in a run of a task, as far as it is new.
///
/// # Errors
/// When the notes that are there cannot be read.
pub fn note_files(
    world: World<'_>,
    base: &Base,
    new: &[NewNote],
    task: &Task,
    run: &Run,
) -> Result<Vec<FileEdit>, StepError> {
    let known = base.notes(world)?;
    let new = unknown(&known, new, run.finished);
    let write = |note: &NewNote| {
        let note = new_note(world, note, task, run)?;
        Ok((layout::note(&note.id), Some(file::note::write(&note).into_bytes())))
    };
    new.into_iter().map(write).collect()
}

/// What nobody has noted before: attempts that fail alike learn alike. What has faded may be learned again,
/// what a person has retired may not.
fn unknown<'n>(known: &[Gist<'_>], new: &'n [NewNote], now: Timestamp) -> Vec<&'n NewNote> {
    let today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
    let same = |one: &str, other: &str| one.split_whitespace().eq(other.split_whitespace());
    let is_known = |note: &NewNote| {
        let mut lasting = known.iter().filter(|known| known.expires.is_none_or(|day| today < day));
        lasting.any(|known| known.kind == note.kind && same(known.text, &note.text))
    };
    let mut unknown: Vec<&NewNote> = Vec::new();
    for note in new.iter().filter(|note| !is_known(note)) {
        if !unknown.iter().any(|other| other.kind == note.kind && same(&other.text, &note.text)) {
            unknown.push(note);
        }
    }
    unknown
}

fn new_note(world: World<'_>, note: &NewNote, task: &Task, run: &Run) -> Result<Note, StepError> {
    let bits = u64::try_from(world.ids.random() & u128::from(u64::MAX)).unwrap_or_default();
    let id = NoteId::new(format!("n-{}", short(bits, 8)))
        .map_err(|error| StepError::NoAgent(error.to_string()))?;
    Ok(Note {
        id,
        kind: note.kind,
        topic: note.topic.clone(),
        text: note.text.clone(),
        because: None,
        tasks: vec![task.id.clone()],
        supersedes: None,
        // A rule for all later steps is for a person to put in force.
        status: if note.kind == NoteKind::Constraint { NoteStatus::Proposed } else { NoteStatus::InForce },
        author: Some(run.agent.clone()),
        created: Some(run.finished),
        expires: fades(note.kind, run.finished),
    })
}

/// The attempts that made some work: that they were made is said again, what they took is not.
#[must_use]
pub fn said_again(work: &Run) -> Vec<AttemptRecord> {
    let again = |attempt: &AttemptRecord| AttemptRecord {
        duration_ms: 0,
        tokens: Tokens::default(),
        cost_usd: None,
        rejected_by: None,
        ..attempt.clone()
    };
    work.attempts.iter().filter(|attempt| attempt.role.is_none()).map(again).collect()
}

/// The record of a run that only looked at work, and rejected it by a gate or not: it says who made the work.
#[must_use]
pub fn of_review(review: Run, work: &Run, rejected_by: Option<String>) -> Run {
    let mut attempts = said_again(work);
    if let Some(last) = attempts.last_mut() {
        last.rejected_by = rejected_by;
    }
    attempts.extend(review.attempts);
    Run {
        decides: Some(work.id.clone()),
        agent: work.agent.clone(),
        adapter: work.adapter.clone(),
        model: work.model.clone(),
        chosen_because: work.chosen_because.clone(),
        attempts,
        ..review
    }
}

/// A new short task id that no task has; longer when the graph is crowded.
///
/// # Errors
/// Never in practice: generated ids are legal.
pub fn new_task_id(world: World<'_>, base: &Base) -> Result<TaskId, StepError> {
    new_task_id_in(world, &base.snapshot.graph)
}

/// A new short task id that no task of a graph has.
///
/// # Errors
/// Never in practice: generated ids are legal.
pub fn new_task_id_in(world: World<'_>, graph: &crate::state::graph::Graph) -> Result<TaskId, StepError> {
    let mut length = if graph.nodes().len() > 5_000 { 7 } else { 5 };
    loop {
        let bits = u64::try_from(world.ids.random() & u128::from(u64::MAX)).unwrap_or_default();
        let text = format!("t-{}", short(bits, length));
        if graph.find(&text).is_none() {
            return TaskId::new(text).map_err(|error| StepError::NoAgent(error.to_string()));
        }
        length = (length + 1).min(12);
    }
}

/// What sessions handed over to each other, and what the next one needs when the task is not finished.
fn checkpoints(
    world: World<'_>,
    base: &Base,
    task: &Task,
    run: &Run,
    work: &Work,
) -> Result<Vec<Checkpoint>, StepError> {
    let last = checkpoint(world, base, task, run, work)?;
    if work.course.handoffs.is_empty() {
        return Ok(last.into_iter().collect());
    }
    let first = store::next_checkpoint(world, &base.snapshot.source, &task.id)?;
    let rotated = work.course.handoffs.iter().map(|handoff| Checkpoint {
        task: task.id.clone(),
        number: 0,
        run: Some(run.id.clone()),
        reason: CheckpointReason::Rotated,
        base: Some(run.base.clone()),
        work: None,
        summary: handoff.summary.clone(),
        next: handoff.next.clone(),
        evidence: String::new(),
    });
    let all = rotated.chain(last).zip(first..);
    Ok(all.map(|(checkpoint, number)| Checkpoint { number, ..checkpoint }).collect())
}

/// What the next session needs, when the task is not finished.
fn checkpoint(
    world: World<'_>,
    base: &Base,
    task: &Task,
    run: &Run,
    work: &Work,
) -> Result<Option<Checkpoint>, StepError> {
    // The judgement, also where it was the last step that the policy gives the task.
    let reason = match &work.outcome {
        Outcome::Accepted | Outcome::NeedsReview => return Ok(None),
        Outcome::Rejected(_) | Outcome::AgentFailed(_) | Outcome::TimedOut(_) => CheckpointReason::Rejected,
        Outcome::Deferred(why) if why == "interrupted" => CheckpointReason::Interrupted,
        Outcome::Deferred(_) | Outcome::NoAgent(_) | Outcome::Blocked(_) => CheckpointReason::Deferred,
    };
    let evidence: Vec<String> = match &work.outcome {
        Outcome::Blocked(why) => vec![format!("blocked: {why}")],
        // What was not finished is not held to what finished work has to pass.
        Outcome::Accepted | Outcome::NeedsReview | Outcome::Deferred(_) | Outcome::NoAgent(_) => Vec::new(),
        Outcome::Rejected(_) | Outcome::AgentFailed(_) | Outcome::TimedOut(_) => work
            .verdicts
            .iter()
            .filter(|verdict| verdict.rejects() && !verdict.evidence.is_empty())
            .map(|verdict| format!("gate `{}`: {}", verdict.name, verdict.evidence))
            .collect(),
    };
    Ok(Some(Checkpoint {
        task: task.id.clone(),
        number: store::next_checkpoint(world, &base.snapshot.source, &task.id)?,
        run: Some(run.id.clone()),
        reason,
        base: Some(run.base.clone()),
        work: (work.left.seen.tree != base.commit.tree).then(|| attempts_ref(run.id.as_str())),
        summary: work.reply.summary.clone(),
        next: Vec::new(),
        evidence: evidence.join("\n"),
    }))
}

/// The branch on which the work of a task waits to be merged, where it lands by a pull request.
#[must_use]
pub fn branch_of(task: &str) -> String {
    format!("orch/{task}")
}

/// Where work is kept that did not land.
pub const ATTEMPTS: &str = "refs/orch/attempts/";

/// Where the work of a run that did not land is kept.
#[must_use]
pub fn attempts_ref(run: &str) -> String {
    format!("{ATTEMPTS}{run}")
}
