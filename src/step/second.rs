//! A second pair of eyes on work that passed the gates: another agent's, or a person's.
//!
//! In: a candidate. Out: an outcome. Invariant: whoever wrote the work does not review it; a reviewer that
//! cannot be had, or does not answer, has not passed anything: the work then waits.

use super::attempt::{Job, Work};
use super::base::Base;
use super::consult::{self, Question};
use super::course::Course;
use super::error::StepError;
use super::event::Event;
use super::next::describe;
use super::quarantine;
use super::review::{Submitted, submitted};
use super::site::{Left, Workplace};
use crate::agent::Reply;
use crate::config::{Integration, Profile, ReviewPolicy};
use crate::effects::{Oid, World};
use crate::gate::change::{File, load};
use crate::gate::{Verdict, first_rejection};
use crate::outcome::Outcome;
use crate::prompt::Prompt;
use crate::review::{self, Change, FileDiff, Material};
use crate::state::run::VerdictKind;
use crate::state::task::Task;

/// What a session of a reviewer is called in the run record.
pub const ROLE: &str = "review";
/// The largest file that is shown, in bytes.
const MAX_BLOB: usize = 1 << 20;

/// Lets somebody look at an accepted candidate, as the policy has it.
///
/// # Errors
/// When the machine fails.
pub fn look(
    job: &Job<'_>,
    workplace: &mut Workplace<'_>,
    course: &mut Course,
    left: &Left,
    verdicts: &mut Vec<Verdict>,
) -> Result<Outcome, StepError> {
    let outcome = ask_for_review(job, workplace, course, left, verdicts)?;
    // What changes no code has nothing to merge.
    let by_request = job.base.config.policy.integration == Integration::PullRequest
        && left.candidate != job.base.commit.tree;
    Ok(if by_request && outcome == Outcome::Accepted { Outcome::NeedsReview } else { outcome })
}

fn ask_for_review(
    job: &Job<'_>,
    workplace: &mut Workplace<'_>,
    course: &mut Course,
    left: &Left,
    verdicts: &mut Vec<Verdict>,
) -> Result<Outcome, StepError> {
    let files = changed(job.world, job.base, left.candidate)?;
    match policy(job.base, job.task, &files) {
        ReviewPolicy::None => Ok(Outcome::Accepted),
        ReviewPolicy::Human => Ok(Outcome::NeedsReview),
        ReviewPolicy::Agent => {
            if let Some((_, key)) = course.used_up() {
                let text = format!("`{key}` is spent, so nobody is asked for a review now; the work waits");
                job.reporter.event(&Event::Warning { text });
                return Ok(Outcome::NeedsReview);
            }
            let at_work = course.sessions.iter().filter(|session| session.role.is_none());
            let authors: Vec<&str> = std::iter::once(course.profile.name.as_str())
                .chain(at_work.filter_map(|session| session.agent.as_deref()))
                .chain([job.who.profile.name.as_str()])
                .collect();
            let reviewer = consult::another(job.world, &job.base.config.agents, &authors)?.cloned();
            let Some(reviewer) = reviewer else {
                let text = "no other profile can review the work now; it waits".to_owned();
                job.reporter.event(&Event::Warning { text });
                return Ok(Outcome::NeedsReview);
            };
            let prompt = match ask(job.world, job.base, job.task, &files)? {
                Ok(prompt) => prompt.text,
                Err(why) => {
                    let text = format!("nobody can be asked for a review: {why}");
                    job.reporter.event(&Event::Warning { text });
                    return Ok(Outcome::NeedsReview);
                }
            };
            let verdict = by(job, workplace, course, &reviewer, &prompt, left.candidate)?;
            let kind = verdict.kind;
            verdicts.push(verdict);
            Ok(match kind {
                VerdictKind::Pass => Outcome::Accepted,
                VerdictKind::Fail => Outcome::Rejected(review::GATE.to_owned()),
                VerdictKind::Error | VerdictKind::Skipped => Outcome::NeedsReview,
            })
        }
    }
}

/// What the policy of a base asks for a change.
fn policy(base: &Base, task: &Task, files: &[File]) -> ReviewPolicy {
    let paths: Vec<Vec<u8>> = files.iter().map(|file| file.path.to_vec()).collect();
    let lines = files.iter().map(|file| file.added().len() + file.removed().len()).sum::<usize>();
    let lines = u32::try_from(lines).unwrap_or(u32::MAX);
    let lines = files.iter().all(File::is_counted).then_some(lines);
    review::policy(&base.config, task, Change { paths: &paths, lines }).0
}

/// Why work that was accepted may not land on another base, whose policy asks for more than was done; none if it may.
/// Each base is told with the task as it has it, and the tree that the work makes there.
///
/// # Errors
/// When the machine fails.
pub fn asks_for_more(
    world: World<'_>,
    was: (&Base, &Task, Oid),
    now: (&Base, &Task, Oid),
) -> Result<Option<&'static str>, StepError> {
    let by = |(base, task, tree): (&Base, &Task, Oid)| -> Result<ReviewPolicy, StepError> {
        Ok(policy(base, task, &changed(world, base, tree)?))
    };
    let integration = |(base, _, _): (&Base, &Task, Oid)| base.config.policy.integration;
    if integration(now) == Integration::PullRequest && integration(was) != Integration::PullRequest {
        return Ok(Some("its work lands by pull requests now"));
    }
    let asked = by(now)?;
    Ok((asked != ReviewPolicy::None && asked != by(was)?)
        .then_some("its policy asks for a review of the work now"))
}

/// The verdict of a reviewer on a tree.
fn by(
    job: &Job<'_>,
    workplace: &mut Workplace<'_>,
    course: &mut Course,
    reviewer: &Profile,
    prompt: &str,
    tree: Oid,
) -> Result<Verdict, StepError> {
    job.reporter.event(&Event::GateStarted { gate: review::GATE.to_owned() });
    let question = Question { profile: reviewer, role: ROLE, text: prompt, tree };
    let heard = consult::ask(job, course, workplace, question)?;
    let judged = review::judge(&reviewer.name, heard.reply.review.as_ref(), &job.task.acceptance);
    let judged = match heard.failure() {
        // It may have found more by its end, so this is no pass; what it turned down by then it would not take back.
        Some(failure) if judged.kind != VerdictKind::Fail => review::none(&reviewer.name, &describe(failure)),
        Some(_) | None => judged,
    };
    let verdict = Verdict { duration_ms: heard.finished.duration_ms, ..judged };
    job.reporter.event(&Event::GateFinished { verdict: verdict.clone() });
    Ok(verdict)
}

/// What a reviewer reads of a change.
fn ask(
    world: World<'_>,
    base: &Base,
    task: &Task,
    files: &[File],
) -> Result<Result<Prompt, crate::prompt::TooLarge>, StepError> {
    let diffs: Vec<FileDiff> = files.iter().map(FileDiff::of).collect();
    let notes = base.notes(world)?;
    let budget_tokens = base.config.prompt.review_tokens;
    Ok(review::prompt(&Material { task, files: &diffs, notes: &notes, budget_tokens }))
}

/// What a candidate changes outside of the state.
fn changed(world: World<'_>, base: &Base, candidate: Oid) -> Result<Vec<File>, StepError> {
    let changes = world.git.changes(base.commit.tree, candidate)?;
    let read = |id: Oid| world.git.blob_within(id, MAX_BLOB).ok().flatten();
    let is_state = |path: &[u8]| crate::gate::protect::Protected::is_state(path);
    Ok(load(changes.iter().filter(|change| !is_state(&change.path)), &read))
}

/// What the reviewer of a task reads whose work waits for a review.
///
/// # Errors
/// When the work is not there, or does not fit any more.
pub fn prompt(
    world: World<'_>,
    base: &Base,
    task: &Task,
) -> Result<Result<Prompt, crate::prompt::TooLarge>, StepError> {
    let work = submitted(world, base, task)?;
    ask(world, base, task, &changed(world, base, work.tree)?)
}

/// Reviews work that waits: the gates run on what the branch has become, then the reviewer looks.
///
/// # Errors
/// When the work is not there, or does not fit any more.
pub fn only(job: &Job<'_>, workplace: &mut Workplace<'_>) -> Result<Work, StepError> {
    let Submitted { run, tree, summary } = submitted(job.world, job.base, job.task)?;
    let who = job.who;
    let mut course = Course::new(who, job.confinement, job.started);
    workplace.restore(tree)?;
    let left = workplace.look(job.base.commit.tree, job.protected, job.is_gated(), job.reporter)?;
    let mut verdicts = job.bench().judge(&left, Some(workplace))?;
    let mut outcome = Outcome::Accepted;
    if let Some(verdict) = first_rejection(&verdicts) {
        outcome = Outcome::Rejected(verdict.name.clone());
    } else {
        let verdict = by(job, workplace, &mut course, &who.profile, &job.prompt.text, left.candidate)?;
        match verdict.kind {
            VerdictKind::Pass => {}
            VerdictKind::Fail => outcome = Outcome::Rejected(review::GATE.to_owned()),
            VerdictKind::Error | VerdictKind::Skipped => {
                let session = course.sessions.last().and_then(|session| session.failure.as_deref());
                let why = session.map_or(String::new(), |kind| format!(": {}", kind.replace('_', " ")));
                outcome = Outcome::Deferred(format!("`{}` gave no review{why}", who.profile.name));
            }
        }
        verdicts.push(verdict);
    }
    let quarantine = quarantine::diagnosis(job, &outcome, None)?;
    Ok(Work {
        outcome,
        reply: Reply { summary, ..Reply::default() },
        left,
        verdicts,
        failure: None,
        course,
        complaints: Vec::new(),
        claims: Vec::new(),
        quarantine,
        todo: None,
        looked_at: Some(run),
    })
}
