//! Approving work that waits for a review: all gates and the repository's `pre-commit` hook run again on what the
//! branch has become, its `commit-msg` hook sees the message, then it lands like a step's.

use super::base::Base;
use super::candidate::Bench;
use super::error::{StepError, Way};
use super::event::Reporter;
use super::finish::{code_tree, identity};
use super::land::{Judged, Plan, land, list, tree_with};
use super::message::{HOOK, hooked};
use super::offered::what_to_type;
use super::publish;
use super::record::{attempts_ref, branch_of, new_run_id, said_again};
use super::room::{Furnish, Rooms};
use super::settle;
use super::site::Left;
use crate::commit::{kept_summary, step_message};
use crate::config::Integration;
use crate::effects::{Merge, Oid, World};
use crate::gate::protect::Protected;
use crate::gate::{Verdict, first_rejection};
use crate::state::file;
use crate::state::id::RunId;
use crate::state::layout;
use crate::state::run::{OutcomeKind, Run};
use crate::state::runs;
use crate::state::status::{self, Move};
use crate::state::store::Source;
use crate::state::task::Task;

/// What approving came to.
#[derive(Debug)]
pub enum Approved {
    /// The work is on the branch.
    Landed(Oid),
    /// A gate rejects it on what the branch has become.
    Rejected(Vec<Verdict>),
}

/// Work that passed the gates on what the branch has become, and all that its commit says.
#[derive(Debug)]
pub struct Ready {
    /// The task, done.
    pub task: Task,
    /// The record of its approval.
    pub run: Run,
    /// Work, state and record.
    pub tree: Oid,
    /// The message of the commit.
    pub message: String,
    /// What the agent said about it.
    pub summary: String,
}

/// Approves the work of a task that needs a review.
///
/// # Errors
/// When the work is not there, does not fit any more, or cannot land.
pub fn approve(
    world: World<'_>,
    base: &Base,
    id: &str,
    reason: Option<&str>,
    reporter: &dyn Reporter,
) -> Result<Approved, StepError> {
    if base.config.policy.integration == Integration::PullRequest {
        let (_, task) = base.snapshot.task(world, base.find(id)?)?;
        if task.history.last_run.is_none() {
            waiting(world, &base.snapshot.source, &task)?.map_err(|(why, way)| no_work(&task, why, way))?;
        }
        let path = &base.snapshot.graph.nodes()[base.find(id)?].path;
        let is_unseen = what_to_type(world, &task, path)?.1;
        let gone =
            format!("; if `git fetch` does not bring it, it is gone: `orch reject {id}`, or push it again");
        let why = format!(
            "task `{id}` lands by a pull request: merge the branch `{}`{}",
            branch_of(id),
            if is_unseen { gone.as_str() } else { "" }
        );
        return Err(StepError::NotRunnable { id: id.to_owned(), why });
    }
    let ready = match ready(world, base, id, reason, reporter)? {
        Ok(ready) => ready,
        Err(verdicts) => return Ok(Approved::Rejected(verdicts)),
    };
    let replay = |_| Ok(Judged::No("approve it again".to_owned()));
    let plan = Plan {
        branch: &base.branch,
        base: base.commit.id,
        tree: ready.tree,
        message: ready.message,
        author: identity(base),
        run: None,
        in_place: None,
        push: publish::of(base, None),
        replay: &replay,
    };
    land(world, &plan, reporter).map(|landed| Approved::Landed(landed.commit))
}

/// Runs the gates on what the branch would be with the work of a task that needs a review; their verdicts
/// where one rejects it.
///
/// # Errors
/// When the work is not there, or does not fit any more.
pub fn ready(
    world: World<'_>,
    base: &Base,
    id: &str,
    reason: Option<&str>,
    reporter: &dyn Reporter,
) -> Result<Result<Ready, Vec<Verdict>>, StepError> {
    let index = base.find(id)?;
    let (text, mut task) = base.snapshot.task(world, index)?;
    task.status = status::apply(task.status, Move::Approve)
        .map_err(|illegal| StepError::NotRunnable { id: id.to_owned(), why: illegal.to_string() })?;
    task.reason = None;
    let Submitted { run: submitted, tree: merged, summary } = submitted(world, base, &task)?;
    let started = world.clock.now();
    let run_id = new_run_id(world, started)?;
    let protected = Protected::new(&base.config.policy.protect);
    let bench = Bench::new(world, base, &task, &protected, reporter);
    let mut verdicts = bench.judge_again(&Left::of(world, base.commit.tree, merged)?, None)?;
    if first_rejection(&verdicts).is_some() {
        return Ok(Err(verdicts));
    }
    let run = Run {
        id: run_id.clone(),
        base: base.commit.id.to_string(),
        started,
        finished: world.clock.now(),
        outcome: OutcomeKind::Accepted,
        reason: match reason {
            Some(reason) => format!("approved: {reason}; work of run {}", submitted.id),
            None => format!("approved; work of run {}", submitted.id),
        },
        decides: Some(submitted.id.clone()),
        attempts: said_again(&submitted),
        gates: verdicts.iter().map(Verdict::record).collect(),
        tree: Some(code_tree(world, merged)?.to_string()),
        cost_usd: None,
        ..submitted
    };
    task.history.last_run = Some(run_id);
    let path = &base.snapshot.graph.nodes()[index].path;
    let text =
        file::task::rewrite(path, &text, &task).map_err(|problem| StepError::Invalid(vec![problem]))?;
    let files = [
        (path.to_string(), Some(text.into_bytes())),
        (layout::run(&run.id, run.started), Some(file::run::write(&run).into_bytes())),
    ];
    let tree = tree_with(world, merged, &files)?;
    let message = step_message(&task, &run, &summary, base.skips_ci);
    let (config, branch) = (&base.config, base.branch.as_str());
    let rooms = Rooms::new(Furnish { world, config, branch, base: &base.commit, reporter });
    let (hook, _) = rooms.hook(HOOK, tree, &message)?;
    Ok(match hooked(message, hook, reporter) {
        Ok(message) => Ok(Ready { task, run, tree, message, summary }),
        Err(refused) => {
            verdicts.push(*refused);
            Err(verdicts)
        }
    })
}

/// Work that waits for a review, on what the branch has become.
#[derive(Debug)]
pub struct Submitted {
    /// The record of the run that made it.
    pub run: Run,
    /// What the branch would be with it; the state stays the branch's.
    pub tree: Oid,
    /// What its agent said about it.
    pub summary: String,
}

/// The work of a task that waits for a review.
///
/// # Errors
/// When it is not there, or conflicts with what the branch has become.
pub fn submitted(world: World<'_>, base: &Base, task: &Task) -> Result<Submitted, StepError> {
    let Waiting { run, kept, reference } =
        waiting(world, &base.snapshot.source, task)?.map_err(|(why, way)| no_work(task, why, way))?;
    let (tree, summary) = on_the_tip(world, base, kept, reference)?;
    Ok(Submitted { run, tree, summary })
}

fn no_work(task: &Task, why: String, way: Way) -> StepError {
    StepError::NoWork { id: task.id.to_string(), why, way }
}

/// Work that waits for a review, as it was kept.
#[derive(Debug)]
pub struct Waiting {
    /// The record of the run that made it.
    run: Run,
    /// The commit that keeps it.
    kept: Oid,
    /// What keeps that.
    reference: String,
}

/// The work of a task that waits for a review, as it was kept. The inner result says why it is not there, and what
/// a person can do.
///
/// # Errors
/// When the machine fails.
pub fn waiting(
    world: World<'_>,
    source: &Source,
    task: &Task,
) -> Result<Result<Waiting, (String, Way)>, StepError> {
    let Some(last) = &task.history.last_run else {
        return Ok(Err(("no run has made it, its status is from elsewhere".to_owned(), Way::Redo)));
    };
    let record =
        |id: &RunId| Ok::<_, StepError>(runs::one(world, source, id.as_str())?.and_then(|(run, _)| run));
    let no_record = |id: &RunId| Ok(Err((format!("there is no record of run `{id}`"), Way::Redo)));
    let Some(run) = record(last)? else { return no_record(last) };
    let reference = attempts_ref(last.as_str());
    let Some(kept) = world.git.tip(&reference)? else {
        let fetch = format!("git fetch origin {reference}:{reference}");
        return Ok(Err((format!("what run `{last}` made is not in this clone"), Way::Fetch(fetch))));
    };
    // A reviewer who gave no answer has made nothing.
    let run = match &run.decides {
        Some(work) => match record(work)? {
            Some(run) => run,
            None => return no_record(work),
        },
        None => run,
    };
    Ok(Ok(Waiting { run, kept, reference }))
}

/// Kept work, merged with what the branch has become, and what its agent said about it. The state stays the
/// branch's.
fn on_the_tip(
    world: World<'_>,
    base: &Base,
    kept: Oid,
    reference: String,
) -> Result<(Oid, String), StepError> {
    let work = world.git.commit(kept)?;
    let Some(parent) = work.parents.first() else {
        return Err(StepError::git(format!("`{reference}` has no base"), "type `orch fsck`"));
    };
    let from = world.git.commit(*parent)?.tree;
    match settle::join(world, from, base.commit.tree, work.tree)? {
        Merge::Clean(tree) => Ok((tree, kept_summary(&work.message))),
        Merge::Conflict(paths) => Err(StepError::Moved {
            fact: format!("the work conflicts with what `{}` has become in {}", base.branch, list(&paths)),
            kept: Some(reference),
        }),
    }
}
