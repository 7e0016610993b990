//! What became of work that waited for a review, or was taken back: one run for each piece of work, with what was
//! decided on it.
//!
//! In: digests of runs, and where tasks stand. Out: the same, where work that was looked at later is accepted or
//! rejected, with all that it cost. Invariant: nothing is counted twice, and what still waits is neither.

use super::digest::Digest;
use super::id::{RunId, TaskId};
use super::run::{OutcomeKind, plain_usd};
use super::status::Status;
use std::collections::{BTreeSet, HashMap};

/// The gate that work was rejected by where a person turned it down.
const REVIEW: &str = "review";

/// The same of work that was undone.
const UNDO: &str = "undo";

/// Work with what was decided on it; the newest comes first, before and after. A decision on work that is not
/// among these stands for it. `undone` says which runs of a task were undone.
#[must_use]
pub fn settled(
    runs: Vec<Digest>,
    stands: impl Fn(&TaskId) -> Option<Status>,
    undone: impl Fn(&TaskId) -> Vec<RunId>,
) -> Vec<Digest> {
    let mut work: Vec<Digest> = Vec::with_capacity(runs.len());
    let mut by_run: HashMap<String, usize> = HashMap::new();
    let mut waiting: HashMap<TaskId, usize> = HashMap::new();
    for run in runs.into_iter().rev() {
        if let Some(&at) = run.decides.as_ref().and_then(|decided| by_run.get(decided.as_str())) {
            by_run.insert(run.id.to_string(), at);
            if decide(&mut work[at], run) {
                waiting.retain(|_, waits| *waits != at);
            }
            continue;
        }
        // A task is not worked on again while its work waits: somebody turned that down.
        if run.attempts > 0 {
            waiting.remove(&run.task).into_iter().for_each(|at| turn_down(&mut work[at], REVIEW));
        }
        by_run.insert(run.id.to_string(), work.len());
        if run.outcome == OutcomeKind::NeedsReview {
            waiting.insert(run.task.clone(), work.len());
        }
        work.push(run);
    }
    for (task, at) in waiting {
        match stands(&task) {
            // Somebody closed it by hand: that is a yes.
            Some(Status::Done) => work[at].outcome = OutcomeKind::Accepted,
            // It is to be worked on again.
            Some(Status::NeedsImprovement | Status::Pending) => turn_down(&mut work[at], REVIEW),
            // It waits; or it is put off or given up with its task, which says nothing about the work.
            Some(Status::NeedsReview | Status::Blocked | Status::Cancelled | Status::Proposed) | None => {}
        }
    }
    for run in taken_back(&work, undone) {
        if let Some(&at) = by_run.get(run.as_str()) {
            turn_down(&mut work[at], UNDO);
        }
    }
    work.reverse();
    work
}

/// Accepted work that was undone.
fn taken_back(work: &[Digest], undone: impl Fn(&TaskId) -> Vec<RunId>) -> Vec<RunId> {
    let accepted = work.iter().filter(|run| run.outcome == OutcomeKind::Accepted);
    let tasks: BTreeSet<&TaskId> = accepted.map(|run| &run.task).collect();
    tasks.into_iter().flat_map(undone).collect()
}

/// Adds what a decision came to and cost; whether it was one.
fn decide(work: &mut Digest, decision: Digest) -> bool {
    work.tokens = work.tokens + decision.tokens;
    if let Some(cost_usd) = decision.cost_usd {
        work.cost_usd = Some(plain_usd(work.cost_usd.unwrap_or_default() + cost_usd));
    }
    work.parts.extend(decision.parts);
    work.flaky.extend(decision.flaky);
    let decided = match decision.outcome {
        OutcomeKind::Accepted | OutcomeKind::Rejected => true,
        OutcomeKind::Blocked => !decision.rejected_by.is_empty(),
        OutcomeKind::NeedsReview | OutcomeKind::Deferred => false,
    };
    if decided {
        work.outcome = decision.outcome;
        work.reason = decision.reason;
        work.finished = decision.finished;
        work.rejected_by.extend(decision.rejected_by);
        work.coverage = decision.coverage.or(work.coverage);
    }
    decided
}

fn turn_down(work: &mut Digest, by: &str) {
    work.outcome = OutcomeKind::Rejected;
    // What its gates said is not why.
    let why = if by == UNDO { "a person took it back" } else { "a person sent it back" };
    why.clone_into(&mut work.reason);
    work.rejected_by.push(by.to_owned());
}

#[cfg(test)]
mod tests {
    use super::super::digest::{Part, sample};
    use super::*;

    /// Runs by a letter each, the oldest first: of task, outcome, and the place of the run that it decides on.
    fn runs(of: &[(&str, OutcomeKind, Option<usize>)]) -> Vec<Digest> {
        let mut all: Vec<Digest> = Vec::new();
        for (n, (task, outcome, decides)) in of.iter().enumerate() {
            let mut run = sample(&format!("2026-11-20T10:{n:02}:00Z"), "author", *outcome);
            run.task = TaskId::new(*task).unwrap();
            if let Some(decided) = decides.map(|at| all[at].id.clone()) {
                run.decides = Some(decided);
                run.parts = vec![Part { cost_usd: Some(0.5), ..Part::new("eyes", true) }];
            }
            all.push(run);
        }
        all.reverse();
        all
    }

    fn told(of: &[(&str, OutcomeKind, Option<usize>)], stands: Status) -> Vec<String> {
        let told = |run: &Digest| format!("{} {}", run.task, run.outcome.as_str());
        settled(runs(of), |_| Some(stands), |_| Vec::new()).iter().map(told).collect()
    }

    #[test]
    fn every_piece_of_work_is_one_run_with_what_was_decided_on_it() {
        use OutcomeKind::{Accepted, Deferred, NeedsReview, Rejected};
        let approved = [("a", NeedsReview, None), ("b", Accepted, None), ("a", Accepted, Some(0))];
        assert_eq!(told(&approved, Status::Done), ["b accepted", "a accepted"]);
        let silent = [("a", NeedsReview, None), ("a", Deferred, Some(0)), ("a", Rejected, Some(0))];
        assert_eq!(told(&silent, Status::Pending), ["a rejected"]);
        assert_eq!(told(&silent[..2], Status::NeedsReview), ["a needs_review"]);
        let again = [("a", NeedsReview, None), ("a", NeedsReview, None)];
        assert_eq!(told(&again, Status::NeedsReview), ["a needs_review", "a rejected"]);
        assert_eq!(told(&again, Status::NeedsImprovement), ["a rejected", "a rejected"]);
        // A decision alone stands for the work.
        assert_eq!(settled(runs(&approved).drain(..1).collect(), |_| None, |_| Vec::new()).len(), 1);
    }

    #[test]
    fn work_that_nobody_decided_on_is_judged_by_what_became_of_its_task() {
        let waits = [("a", OutcomeKind::NeedsReview, None)];
        let all = [Status::NeedsReview, Status::Blocked, Status::Cancelled, Status::Pending, Status::Done];
        let told = all.map(|stands| told(&waits, stands).concat());
        assert_eq!(told, ["a needs_review", "a needs_review", "a needs_review", "a rejected", "a accepted"]);
    }

    #[test]
    fn what_a_reviewer_cost_is_added_and_stays_the_reviewers() {
        use OutcomeKind::{Accepted, NeedsReview};
        let all =
            settled(runs(&[("a", NeedsReview, None), ("a", Accepted, Some(0))]), |_| None, |_| Vec::new());
        assert_eq!((all[0].cost_usd, all[0].work_usd(), all[0].parts.len()), (Some(1.0), Some(0.5), 2));
    }

    #[test]
    fn work_that_was_taken_back_was_not_good() {
        use OutcomeKind::{Accepted, NeedsReview};
        let told = |of: &[(&str, OutcomeKind, Option<usize>)], undone: usize| {
            let all = runs(of);
            let undone = all[all.len() - 1 - undone].id.clone();
            let of_a = |task: &TaskId| {
                if task.as_str() == "a" { vec![undone.clone()] } else { Vec::new() }
            };
            let told =
                |run: &Digest| format!("{} {} {}", run.task, run.outcome.as_str(), run.rejected_by.join(" "));
            settled(all, |_| Some(Status::Done), of_a).iter().map(told).collect::<Vec<_>>()
        };
        let again = [("a", Accepted, None), ("b", Accepted, None), ("a", Accepted, None)];
        assert_eq!(told(&again, 0), ["a accepted ", "b accepted ", "a rejected undo"]);
        let approved = [("a", NeedsReview, None), ("a", Accepted, Some(0))];
        assert_eq!(told(&approved, 1), ["a rejected undo"]);
    }
}
