//! An agent that says that it is done with much of its budget left, while a gate says otherwise.

use super::attempt::Job;
use super::course::Course;
use crate::effects::Ended;
use crate::state::run::AttemptRecord;

/// An agent that ends with more than this share of its budget left ended early, in percent.
const EARLY: f64 = 20.0;

/// What an agent had left at least of its budget when it said that it was done, in percent, which is recorded;
/// none where it did not say so, or little was left.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share in whole percent, 0 to 100"
)]
pub(super) fn early(job: &Job<'_>, course: &mut Course) -> Option<u32> {
    let share = |used: f64, all: f64| if all > 0.0 { used / all } else { 0.0 };
    // Of whichever budget leaves the least: the step's, its task's, the day's or the month's.
    let cost = course.spent.cost_usd.zip(job.who.allowance.usd);
    let allowed = job.who.allowance.tokens;
    let all_tokens = allowed.map(|limit| share(course.spent.tokens.total() as f64, limit as f64));
    let (window, timeout) = (course.profile.context_window, course.profile.timeout.as_secs_f64());
    let last =
        last_at_work(&mut course.sessions).filter(|last| last.ended == Ended::Exited(0).to_string())?;
    let tokens = last.tokens.input + last.tokens.cached + last.tokens.output;
    let window = window.map(|window| share(tokens as f64, window as f64));
    let time = share(last.duration_ms as f64 / 1000.0, timeout);
    let used = [cost.map(|(cost, limit)| share(cost, limit)), all_tokens, window, Some(time)];
    let left = (1.0 - used.into_iter().flatten().fold(0.0, f64::max)) * 100.0;
    // In tens, so that two agents that do the same are told the same.
    last.early = (left > EARLY).then_some((((left.ceil() - 1.0) / 10.0) as u32).min(9) * 10);
    last.early
}

/// The last session that did the work.
pub(super) fn last_at_work(sessions: &mut [AttemptRecord]) -> Option<&mut AttemptRecord> {
    sessions.iter_mut().rfind(|session| session.role.is_none())
}
