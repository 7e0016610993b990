//! A task that fails the same way again and again is not run again by itself.
//!
//! In: the failure of a step, and the records of those before it; or steps that left no record. Out: a diagnosis,
//! when the same work was given three times and failed in the same way each time, or three steps never came to an
//! end; and whether it is the agent's failure rather than the task's, as it is the same on others.

use super::attempt::Job;
use super::base::Base;
use super::error::StepError;
use super::event::{Event, Reporter};
use super::past;
use super::person;
use crate::agent::failure::{Failure, FailureKind, Remedy};
use crate::config::{Adapter, Profile};
use crate::effects::World;
use crate::outcome::Outcome;
use crate::state::digest::Digest;
use crate::state::ledger;
use crate::state::run::{OutcomeKind, Run};
use crate::state::runs;
use crate::state::status::Move;
use crate::state::task::Task;

/// How many steps on the same work that fail in the same way are enough.
pub const SAME: u32 = 3;

/// Why a task is not to be run again by itself, if it is not.
///
/// # Errors
/// When the records cannot be read.
pub fn diagnosis(
    job: &Job<'_>,
    outcome: &Outcome,
    failure: Option<&Failure>,
) -> Result<Option<String>, StepError> {
    let failed = outcome.action() == Move::Fail && job.task.history.attempts + 1 >= SAME;
    let Some(failed) = Failed::of(outcome, failure).filter(|_| failed) else { return Ok(None) };
    let (before, _) = runs::of_task(job.world, &job.base.snapshot.source, &job.task.id, SAME - 1)?;
    Ok(same(&before, &failed, &job.prompt.input_sha256()))
}

/// How an agent fails now, if it failed in the same words on another task right before, and as often as is enough
/// on all of them.
///
/// # Errors
/// When the records cannot be read.
pub fn everywhere(
    job: &Job<'_>,
    profile: &Profile,
    outcome: &Outcome,
    failure: Option<&Failure>,
) -> Result<Option<String>, StepError> {
    let Outcome::AgentFailed(how) = outcome else { return Ok(None) };
    // A command of the task's own is not the agent's; nor is what a task is too large or too delicate for, or where
    // nothing is to be changed.
    let is_own = failure.is_some_and(|failure| {
        matches!(failure.kind, FailureKind::Crash | FailureKind::Garbage | FailureKind::BadRequest)
    });
    if profile.adapter == Adapter::Shell || !is_own {
        return Ok(None);
    }
    let said = failure.map_or("", |failure| failure.said.as_str());
    // A record has how it ended, or what it said.
    let words: Vec<String> =
        [how, said].into_iter().map(unnumbered).filter(|words| !words.is_empty()).collect();
    let before: Vec<&Digest> = past::recent(job.world, job.base)?
        .iter()
        .filter(|run| run.agent == profile.name && run.outcome != OutcomeKind::Deferred)
        .take_while(|run| words.iter().any(|words| unnumbered(&run.reason).contains(words)))
        .collect();
    let is_everywhere = before.len() + 1 >= SAME as usize && before.iter().any(|run| run.task != job.task.id);
    Ok(is_everywhere.then(|| how.clone()))
}

/// Words without the numbers in them: identifiers of requests, times.
fn unnumbered(words: &str) -> String {
    words.chars().filter(|character| !character.is_ascii_digit()).collect()
}

/// Why a task is not to be run again by itself whose steps are killed, or whose work cannot land; none if they are
/// fewer.
#[must_use]
pub fn cut_off(noted: &[ledger::Entry], task: &Task) -> Option<String> {
    let cut_off = ledger::cut_off(noted, &task.id, task.history.last_run.as_ref());
    let times = cut_off.len();
    cut_off.last().filter(|_| times >= SAME as usize).map(|last| {
        format!(
            "{times} steps on it never came to an end: they were killed, or what they made could not land; \
             the last is run {}",
            last.run
        )
    })
}

/// Whether a failure, by its word in a record, says nothing about what was asked: whoever failed so rests, and
/// is asked again when that is over.
#[must_use]
pub fn is_passing(failure: Option<&String>) -> bool {
    let kind = failure.and_then(|word| FailureKind::parse(word));
    kind.is_some_and(|kind| matches!(kind.remedy(), Remedy::CoolDown | Remedy::Retry))
}

/// How a step failed, as a record tells it.
struct Failed {
    /// The word of the agent's failure; none where it ended well, and did not do its work all the same.
    kind: Option<&'static str>,
    /// Why, in one line.
    reason: String,
    /// The agent's own words, or the reason.
    said: String,
}

impl Failed {
    fn of(outcome: &Outcome, failure: Option<&Failure>) -> Option<Self> {
        let reason = outcome.reason();
        match (failure, outcome) {
            (Some(failure), _) => {
                Some(Self { kind: Some(failure.kind.as_str()), reason, said: failure.said.clone() })
            }
            (None, Outcome::AgentFailed(said)) => Some(Self { kind: None, reason, said: said.clone() }),
            // What a gate says of work depends on the work, which is another one each time.
            (
                None,
                Outcome::Accepted
                | Outcome::NeedsReview
                | Outcome::Rejected(_)
                | Outcome::TimedOut(_)
                | Outcome::Blocked(_)
                | Outcome::Deferred(_)
                | Outcome::NoAgent(_),
            ) => None,
        }
    }

    fn is_of(&self, run: &Run) -> bool {
        run.failure.as_deref() == self.kind && (self.kind.is_some() || run.reason == self.reason)
    }
}

fn same(before: &[Run], failed: &Failed, input: &str) -> Option<String> {
    let alike = before
        .iter()
        .take_while(|run| failed.is_of(run) && run.input_sha256.as_deref() == Some(input))
        .count();
    let word = failed.kind.map_or_else(String::new, |kind| format!(" ({})", kind.replace('_', " ")));
    (alike + 1 >= SAME as usize)
        .then(|| format!("the same work failed the same way {SAME} times{word}: {}", failed.said))
}

/// Blocks a task that cannot be run as it is.
///
/// # Errors
/// When that cannot land.
pub fn hold(
    world: World<'_>,
    base: &Base,
    task: &Task,
    why: &str,
    reporter: &dyn Reporter,
) -> Result<(), StepError> {
    let change =
        person::Change { id: task.id.to_string(), action: Move::Block, reason: Some(why.to_owned()) };
    reporter.event(&Event::Warning { text: format!("task `{}` is blocked: {why}", task.id) });
    person::land_change(world, base, &change, reporter)?;
    Ok(ledger::settle(world.files, |entry| entry.task == task.id.as_str())?)
}
