//! A past prompt, built again from the commit that its run started from.
//!
//! Invariant: which of the prompts it was follows from the record alone: that of a planner, of a reviewer, or
//! of whoever did the work; an approval has the prompt of the work that it approves.

use super::base::{Base, Caller};
use super::error::StepError;
use super::planner;
use super::planning::{self, Wanted};
use super::subject::Subject;
use super::{assemble, second};
use crate::effects::World;
use crate::plan::is_roadmap;
use crate::prompt::{Prompt, TooLarge};
use crate::state::run::Run;
use crate::state::runs;

/// The record of a past run, and its prompt built again.
///
/// # Errors
/// When there is no record, its commit or its task is not there, or the state cannot be read.
pub fn of_run(
    world: World<'_>,
    caller: &Caller,
    now: &Base,
    run: &str,
) -> Result<(Run, Result<Prompt, TooLarge>), StepError> {
    let record = find(world, now, run)?;
    let asked = record.attempts.iter().find_map(|session| session.role.clone());
    let prompt = match (&record.decides, asked.as_deref()) {
        (Some(_), Some(second::ROLE)) => {
            let base = base_of(world, caller, now, &record)?;
            let (_, task) = base.snapshot.task(world, base.find(record.task.as_str())?)?;
            second::prompt(world, &base, &task)?
        }
        (Some(work), _) => of_work(world, caller, now, &find(world, now, work.as_str())?)?,
        (None, Some(planner::ROLE)) => {
            let base = base_of(world, caller, now, &record)?;
            planning::ask(world, &base, &Subject::new(world, &base, &wanted(&base, &record))?)?
        }
        (None, _) => of_work(world, caller, now, &record)?,
    };
    Ok((record, prompt))
}

fn find(world: World<'_>, now: &Base, run: &str) -> Result<Run, StepError> {
    match runs::one(world, &now.snapshot.source, run)? {
        Some((Some(record), _)) => Ok(record),
        Some((None, problems)) => Err(StepError::Invalid(problems)),
        None => Err(StepError::UnknownRun(run.to_owned())),
    }
}

fn base_of(world: World<'_>, caller: &Caller, now: &Base, record: &Run) -> Result<Base, StepError> {
    let commit = world.git.resolve(&record.base)?.ok_or_else(|| {
        StepError::git(
            format!("the commit `{}` that it started from is not in this clone", record.base),
            "type `git fetch --unshallow` in a shallow clone",
        )
    })?;
    Base::at(world, caller, now.branch.clone(), commit)
}

fn of_work(
    world: World<'_>,
    caller: &Caller,
    now: &Base,
    record: &Run,
) -> Result<Result<Prompt, TooLarge>, StepError> {
    let base = base_of(world, caller, now, record)?;
    let index = base.find(record.task.as_str())?;
    let (_, task) = base.snapshot.task(world, index)?;
    assemble::of_base(world, &base, index, &task)
}

/// What was planned: plans of the roadmap are runs of a task of their own, which the first of them added.
fn wanted(base: &Base, record: &Run) -> Wanted {
    let graph = &base.snapshot.graph;
    match graph.find(record.task.as_str()) {
        Some(index) if !is_roadmap(&graph.nodes()[index]) => Wanted::Split(record.task.to_string()),
        Some(_) | None => Wanted::Extend,
    }
}
