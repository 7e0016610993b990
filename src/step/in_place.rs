//! The branch while an agent works in its work tree.
//!
//! Until its step ends, the work tree is the agent's alone: what others land meanwhile moves the branch, the
//! work tree stays, and the step puts its own on top of that. What the agent itself commits there is no
//! history but its work: it is kept, and the branch goes back to where orch had left it. Whatever it checked out,
//! and whatever of git's it began and did not end, the branch is checked out afterwards and nothing is under way.
//! Invariant: nothing that orch landed is taken from the branch again.

use super::base::{Base, branch_ref};
use super::error::StepError;
use super::event::{Event, Reporter};
use super::journal::{self, Site, Working};
use super::land::{OTHERS_LAND, landing_lock};
use super::record::attempts_ref;
use super::slot;
use crate::effects::{Astray, Checkout, EffectError, Oid, Swap, World};

/// The living step that works in the work tree of a branch, if there is one.
///
/// # Errors
/// When its journal cannot be read.
pub fn at_work(world: World<'_>, branch: &str) -> Result<Option<Working>, EffectError> {
    let working = journal::working(world, slot::FIRST)?;
    let here = working.filter(|working| {
        working.branch == branch
            && matches!(working.site, Site::InPlace { .. })
            && slot::is_held(world, slot::FIRST)
    });
    Ok(here)
}

/// Writes the journal of a step that begins. Says whether the branch is still where the step found it: a work
/// tree that an agent is to work in follows it only until then.
///
/// # Errors
/// When the machine fails.
pub fn begin(world: World<'_>, base: &Base, slot: u32, working: &Working) -> Result<bool, StepError> {
    let in_place = matches!(working.site, Site::InPlace { .. });
    // Others land either before, or beside the step.
    let _lock = in_place.then(|| landing_lock(world, OTHERS_LAND)).transpose()?;
    if in_place && world.git.tip(&branch_ref(&base.branch))? != Some(base.commit.id) {
        return Ok(false);
    }
    journal::begin_work(world, slot, working)?;
    Ok(true)
}

/// Puts a branch back to where orch had left it, if an agent that works in place moved it. The caller holds
/// the landing lock.
///
/// # Errors
/// When the branch keeps moving, or the machine fails.
pub fn put_back(world: World<'_>, branch: &str, reporter: &dyn Reporter) -> Result<(), StepError> {
    at_work(world, branch)?.map_or(Ok(()), |working| rewind(world, &working, reporter))
}

/// Puts the branch of a step that works, or worked, in place back to where orch had left it. The caller holds the
/// landing lock.
///
/// # Errors
/// When the branch keeps moving, or the machine fails.
pub fn rewind(world: World<'_>, working: &Working, reporter: &dyn Reporter) -> Result<(), StepError> {
    let ours = journal::beside(world, working)?;
    let reference = branch_ref(&working.branch);
    let tip = world.git.tip(&reference)?;
    if tip == Some(ours) {
        return Ok(());
    }
    if let Some(tip) = tip {
        keep_beyond(world, working, tip, ours, reporter)?;
    }
    match world.git.swap(&reference, tip, ours, "orch: the agent committed by itself")? {
        Swap::Done => Ok(()),
        Swap::Moved(_) => Err(StepError::Busy(format!("branch `{}` keeps moving", working.branch))),
    }
}

/// Makes the branch of a step the one that is checked out where its agent works, or worked, with nothing of git's
/// under way; what only that named is kept. Says what there was.
///
/// # Errors
/// When the machine fails.
pub fn take_back(
    world: World<'_>,
    working: &Working,
    checkout: &Checkout,
    reporter: &dyn Reporter,
) -> Result<Astray, StepError> {
    let astray = world.git.astray(checkout, &working.branch)?;
    let ours = journal::beside(world, working)?;
    for commit in &astray.commits {
        keep_beyond(world, working, *commit, ours, reporter)?;
    }
    world.git.attach(checkout, &working.branch)?;
    if let Some(what) = astray.unfinished {
        let text = format!(
            "a {what} was begun in the work tree and not ended: it is forgotten, and its files are what counts"
        );
        reporter.event(&Event::Warning { text });
    }
    Ok(astray)
}

/// Keeps commits that an agent made beyond where orch had left the branch.
fn keep_beyond(
    world: World<'_>,
    working: &Working,
    commit: Oid,
    ours: Oid,
    reporter: &dyn Reporter,
) -> Result<(), EffectError> {
    if world.git.is_ancestor(commit, ours).unwrap_or(false) {
        return Ok(());
    }
    let reference = keep(world, &working.run, commit)?;
    reporter.event(&Event::Kept { reference });
    Ok(())
}

/// Keeps the commits that an agent made in place; says where.
fn keep(world: World<'_>, run: &str, tip: Oid) -> Result<String, EffectError> {
    let why = "orch: commits that the agent made in place";
    let kept = format!("{}-commits", attempts_ref(run));
    if let Swap::Moved(Some(there)) = world.git.swap(&kept, None, tip, why)?
        && there != tip
    {
        // It had made others before.
        let beside = format!("{kept}-{}", tip.short());
        world.git.swap(&beside, None, tip, why)?;
        return Ok(beside);
    }
    Ok(kept)
}
