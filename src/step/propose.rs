//! What agents propose to do next, made files of new tasks.
//!
//! In: follow-ups, and the rules that they have to keep. Out: files for the commit; what is refused is
//! told, never dropped in silence.

use super::attempt::{Job, Work};
use super::error::StepError;
use super::land::FileEdit;
use super::record::new_task_id_in;
use crate::plan::{self, Plan, Rules};
use crate::state::file;
use crate::state::layout;
use crate::state::run::{OutcomeKind, Run};
use crate::state::status::Status;
use crate::state::task::Task;

/// The most follow-ups of one step.
const MOST: usize = 50;

/// Tasks of what the agent of a step mentioned in passing, all of them `proposed`.
///
/// # Errors
/// When a task cannot be written in its format.
pub fn mentioned(job: &Job<'_>, task: &Task, run: &Run, work: &mut Work) -> Result<Vec<FileEdit>, StepError> {
    let counts =
        matches!(run.outcome, OutcomeKind::Accepted | OutcomeKind::NeedsReview | OutcomeKind::Blocked);
    let many = work.reply.follow_ups.len();
    if !counts && many > 0 {
        let what = if many == 1 { "1 follow-up is".to_owned() } else { format!("{many} follow-ups are") };
        work.complaints.push(format!("{what} left out, as the work was not accepted"));
    }
    if !counts || many == 0 {
        return Ok(Vec::new());
    }
    let graph = &job.base.snapshot.graph;
    let parent = task.parent.as_ref().and_then(|parent| graph.find(parent.as_str()));
    let rules =
        Rules { graph, parent, status: Status::Proposed, most_tokens: None, most: MOST, is_asked: false };
    let plan = plan::check(&work.reply.follow_ups, rules, &mut || new_task_id_in(job.world, graph))?;
    let told = plan
        .refused
        .iter()
        .map(|refusal| format!("the follow-up `{}` is left out: {}", refusal.title, refusal.why));
    work.complaints.extend(told);
    let told = plan.changed.iter().map(|change| format!("the follow-up `{}`: {}", change.title, change.why));
    work.complaints.extend(told);
    Ok(files(plan, run, job.base.snapshot.flat_tasks()).1)
}

/// The tasks of a plan, and their files.
#[must_use]
pub fn files(plan: Plan, run: &Run, flat: usize) -> (Vec<Task>, Vec<FileEdit>) {
    let mut edits = Vec::with_capacity(plan.tasks.len());
    let mut tasks = plan.tasks;
    for (flat, task) in (flat..).zip(&mut tasks) {
        task.source = Some(format!("run:{}", run.id));
        task.created = Some(run.finished);
        edits.push((layout::new_task(&task.id, flat), Some(file::task::write(task).into_bytes())));
    }
    (tasks, edits)
}
