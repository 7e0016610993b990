//! Recovery: what a step that was killed left behind, put right by the next command.
//!
//! The journals say how far it came. A landing whose branch has moved is rolled forward; anything
//! before that is thrown away, after the agent's work was kept. Doing it twice does no harm.
//!
//! Where an agent worked in place and another branch is checked out there by now, a person may have gone on there: only
//! a step, which may need that work tree, makes it its branch again; whoever asks is told. A `HEAD` on no branch is put
//! right at once: nothing could go on with it.

use super::base::branch_ref;
use super::commits;
use super::error::{StepError, take_over};
use super::event::{Event, Reporter};
use super::in_place;
use super::journal::{self, Moving, Site, Working};
use super::keep::keep;
use super::land::{LOCK, OTHERS_LAND, landing_lock};
use super::publish;
use super::slot;
use crate::config::shell;
use crate::effects::{Astray, Checkout, EffectError, Oid, Trouble, WorkTree, World};
use bstr::{BString, ByteSlice as _};
use std::time::Duration;

/// Who puts things right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// A command that works in no slot.
    Anyone,
    /// Who holds the lock of this slot, and begins nothing in it.
    Look(u32),
    /// A step that is to begin in this slot, whose lock it holds.
    Step(u32),
}

impl By {
    /// Who takes a step in a slot, or looks only at what it would do.
    pub(super) fn of(slot: u32, dry_run: bool) -> Self {
        if dry_run { Self::Look(slot) } else { Self::Step(slot) }
    }

    /// The slot whose lock it holds.
    fn slot(self) -> Option<u32> {
        match self {
            Self::Anyone => None,
            Self::Look(slot) | Self::Step(slot) => Some(slot),
        }
    }
}

/// Puts right what killed commands left, if anything, in every slot that nobody works in.
///
/// # Errors
/// When the machine fails; the next command then tries again.
pub fn recover(world: World<'_>, by: By, reporter: &dyn Reporter) -> Result<(), StepError> {
    let own = by.slot();
    let mut taken = Vec::new();
    for slot in journal::slots(world)? {
        let lock = if own == Some(slot) { None } else { slot::take_idle(world, slot) };
        if own == Some(slot) || lock.is_some() {
            taken.push((slot, lock));
        }
    }
    let mut done = Vec::new();
    if own.is_some() || !taken.is_empty() {
        let _lock = landing_lock(world, OTHERS_LAND)?;
        clear_and_finish(world, &mut done)?;
    }
    for (slot, _lock) in taken {
        // What it says counts from now on only: its step may have ended before the slot was taken.
        let Some(working) = journal::working(world, slot)? else { continue };
        let landed = publish::outcome(world, &working, &mut done)?;
        let reclaimed = reclaim(world, &working, reporter);
        // With a git that somebody else directs, nobody is to work.
        let is_unsafe = reclaimed.is_err() && matches!(working.site, Site::InPlace { .. });
        let elsewhere = if matches!(by, By::Step(_)) { None } else { gone_on(world, &working)? };
        if let (Ok(()), Some(what)) = (&reclaimed, elsewhere) {
            let (run, branch) = (&working.run, &working.branch);
            let text = format!(
                "run {run} was cut off while it worked in place on `{branch}`, and {what} is checked out there now: \
                 nothing of that is touched until the next step begins, or you type `git switch {}`",
                shell::word(branch)
            );
            reporter.event(&Event::Warning { text });
            // What directs git is put back once: from now on it is a person's.
            world.git.release_settings(&working.run)?;
            continue;
        }
        let mut put_away = || put_away(world, &working, landed == Some(true), &mut done, reporter);
        match reclaimed.and_then(|()| put_away()) {
            Ok(()) => journal::end_work(world, slot)?,
            Err(error) => {
                let error = cannot(world, &journal::name(slot), error);
                if own == Some(slot) || is_unsafe {
                    return Err(error);
                }
                // What needs that place says so as well, and all else goes on.
                let remedy =
                    if let StepError::Effect(EffectError { trouble: Trouble::Foreign, fact }) = &error {
                        format!("; {}", take_over(fact))
                    } else {
                        String::new()
                    };
                let text = format!("the work of run {} waits: {error}{remedy}", working.run);
                reporter.event(&Event::Warning { text });
            }
        }
    }
    tell(&done, reporter);
    Ok(())
}

/// Puts right what a killed landing left, if anything, also while a step is at work.
///
/// # Errors
/// When the machine fails; the next command then tries again.
pub fn recover_landing(world: World<'_>, reporter: &dyn Reporter) -> Result<(), StepError> {
    // Without the lock, somebody is landing just now, or this is a place that cannot be written to.
    let Ok(Some(_lock)) = world.files.lock(LOCK, Duration::ZERO) else { return Ok(()) };
    let mut done = Vec::new();
    clear_and_finish(world, &mut done)?;
    tell(&done, reporter);
    Ok(())
}

fn clear_and_finish(world: World<'_>, done: &mut Vec<String>) -> Result<bool, StepError> {
    world.git.clear_index_locks()?;
    finish_landing(world, done).map_err(|error| cannot(world, journal::LANDING, error))
}

/// An error of recovery, with the journal that it is about.
fn cannot(world: World<'_>, name: &str, error: StepError) -> StepError {
    let StepError::Effect(EffectError { fact, trouble }) = error else { return error };
    if fact.contains(name) || trouble == Trouble::Foreign {
        return StepError::Effect(EffectError { fact, trouble });
    }
    let path = world.files.root().join(name);
    let remedy =
        if trouble == Trouble::Missing { " (move it aside, and orch goes on without it)" } else { "" };
    let what = format!("what the journal `{}` says was cut off cannot be put right{remedy}", path.display());
    StepError::Effect(EffectError::new(trouble, format!("{what}: {fact}")))
}

/// Ends a landing of this very step whose outcome is unknown. Says whether it had landed.
///
/// # Errors
/// When the machine fails; the next command then tries again.
pub fn end_cut_off_landing(world: World<'_>, reporter: &dyn Reporter) -> Result<bool, StepError> {
    let mut done = Vec::new();
    let _lock = landing_lock(world, OTHERS_LAND)?;
    let landed = finish_landing(world, &mut done)?;
    tell(&done, reporter);
    Ok(landed)
}

fn tell(done: &[String], reporter: &dyn Reporter) {
    if !done.is_empty() {
        reporter.event(&Event::Recovered { what: done.join("; ") });
    }
}

/// Ends a landing that was cut off, if there is one: rolled forward when its branch has moved. Says
/// whether it had. The caller holds the landing lock.
///
/// # Errors
/// When the machine fails; the journal then stays.
pub fn finish_landing(world: World<'_>, done: &mut Vec<String>) -> Result<bool, StepError> {
    let Some(moving) = journal::landing(world)? else { return Ok(false) };
    let reference = branch_ref(&moving.branch);
    let commit = journal::oid(&moving.commit)?;
    world.git.clear_ref_lock(&reference, commit)?;
    let landed = match world.git.tip(&reference)? {
        Some(tip) if world.git.is_ancestor(commit, tip)? => {
            done.push(format!("commit {} had landed", commit.short()));
            if tip == commit {
                roll_forward(world, &moving, done)?;
            }
            true
        }
        Some(_) | None => {
            journal::not_landed(world, commit)?;
            false
        }
    };
    journal::end_landing(world, moving.run.as_deref().filter(|_| landed))?;
    Ok(landed)
}

/// Brings a work tree along whose branch has moved.
fn roll_forward(world: World<'_>, moving: &Moving, done: &mut Vec<String>) -> Result<(), StepError> {
    let Some((dir, git_dir)) = &moving.checkout else { return Ok(()) };
    if !is_at(world, &moving.branch, git_dir)? {
        return Ok(());
    }
    let mut place = world.git.open_checkout(&journal::checkout(dir, git_dir))?;
    place.lock()?;
    let (from, to) = (journal::oid(&moving.from)?, journal::oid(&moving.to)?);
    let users = if moving.in_place {
        let seen = place.snapshot()?.tree;
        let users = changed_since(world, seen, from, to)?;
        place.bring(seen, to, &users)?;
        users
    } else {
        let users = place.overlaps(from, to)?;
        place.bring(from, to, &users)?;
        users
    };
    place.save()?;
    done.push(format!("its work tree `{dir}` was brought along"));
    if !users.is_empty() {
        done.push(format!("left as you changed them: {}", super::land::list(&users)));
    }
    Ok(())
}

/// Paths of a work tree that hold neither what it held nor what it is to hold.
fn changed_since(world: World<'_>, seen: Oid, from: Oid, to: Oid) -> Result<Vec<BString>, StepError> {
    let mut users = Vec::new();
    for change in world.git.changes(seen, to)? {
        let before = world.git.entry(from, &change.path.to_str_lossy())?;
        if before != change.old {
            users.push(change.path);
        }
    }
    Ok(users)
}

/// Whether a branch is (still) checked out where a journal says, and nothing else is under way there.
fn is_at(world: World<'_>, branch: &str, git_dir: &str) -> Result<bool, StepError> {
    let now = world.git.checkout_of(branch)?;
    Ok(now.is_some_and(|now| now.git_dir == std::path::Path::new(git_dir) && now.in_progress.is_none()))
}

/// Ends what is left running of a step, and puts right what directs git where it worked.
fn reclaim(world: World<'_>, working: &Working, reporter: &dyn Reporter) -> Result<(), StepError> {
    world.process.end_strays(&working.run, &world.files.root().join(format!("steps/{}", working.run)))?;
    if let Site::InPlace { dir, git_dir } = &working.site {
        in_place::restore_settings(world, working, &journal::checkout(dir, git_dir), reporter)?;
    }
    Ok(())
}

/// Keeps what an agent had made so far, and makes the place ready for the next step.
fn put_away(
    world: World<'_>,
    working: &Working,
    landed: bool,
    done: &mut Vec<String>,
    reporter: &dyn Reporter,
) -> Result<(), StepError> {
    if is_gone(world, &working.site) {
        let _lock = landing_lock(world, OTHERS_LAND)?;
        world.git.clear_ref_lock(&branch_ref(&working.branch), journal::beside(world, working)?)?;
        in_place::rewind(world, working, reporter)?;
        done.push(format!(
            "run {} was cut off, and the work tree that it was at work in is gone",
            working.run
        ));
        return Ok(());
    }
    let base = journal::oid(&working.base)?;
    let mut place = match &working.site {
        Site::Workspace(slot) => world.git.open_workspace(*slot)?,
        Site::InPlace { dir, git_dir } => world.git.open_checkout(&journal::checkout(dir, git_dir))?,
    };
    place.lock()?;
    let seen = place.snapshot()?.tree;
    let subject = format!("orch({}): work of run {}, which was cut off", working.task, working.run);
    let in_workspace = matches!(working.site, Site::Workspace(_));
    // What is on the remote need not be kept here as well.
    let work = if landed && in_workspace {
        world.git.commit(base)?.tree
    } else {
        work_of(world, working, seen, base)?
    };
    let kept = keep(world, &working.run, base, work, (&subject, ""), None, reporter)?;
    commits::keep_inside(world, working, place.as_mut(), reporter)?;
    if in_workspace && work == seen {
        commits::keep_behind(world, working, place.as_ref(), seen, reporter)?;
    }
    let astray = match &working.site {
        Site::InPlace { dir, git_dir } => {
            let checkout = journal::checkout(dir, git_dir);
            put_back(world, working, &checkout, (place.as_mut(), seen), reporter)?
        }
        Site::Workspace(_) => Astray::default(),
    };
    place.save()?;
    done.push(match kept {
        Some(reference) => format!("run {} was cut off; its work is kept at `{reference}`", working.run),
        None if landed => format!("run {} was cut off after that", working.run),
        None => format!("run {} was cut off before it had made anything", working.run),
    });
    if let Some(other) = astray.checked_out {
        done.push(format!("{other} was checked out, and `{}` is again", working.branch));
    }
    Ok(())
}

/// The other branch that is checked out where a step was at work in place.
fn gone_on(world: World<'_>, working: &Working) -> Result<Option<String>, StepError> {
    let Site::InPlace { dir, git_dir } = &working.site else { return Ok(None) };
    if is_gone(world, &working.site) {
        return Ok(None);
    }
    let Astray { checked_out, is_branch, .. } =
        world.git.astray(&journal::checkout(dir, git_dir), &working.branch)?;
    Ok(checked_out.filter(|_| is_branch))
}

/// Whether a person has removed the work tree in which a step was at work.
fn is_gone(world: World<'_>, site: &Site) -> bool {
    match site {
        Site::Workspace(_) => false,
        Site::InPlace { dir, git_dir } => {
            [dir, git_dir].iter().any(|folder| world.process.spot(std::path::Path::new(folder)).is_none())
        }
    }
}

/// What there is to keep. A workspace that was cut off while it was being prepared still holds what
/// the step before left, which is kept elsewhere.
fn work_of(world: World<'_>, working: &Working, seen: Oid, base: Oid) -> Result<Oid, StepError> {
    let started = !world.files.list(&format!("steps/{}", working.run))?.is_empty();
    Ok(if started { seen } else { world.git.commit(base)?.tree })
}

/// Makes of a work tree in which an agent was at work its branch again, where orch had left that; says what there was.
fn put_back(
    world: World<'_>,
    working: &Working,
    checkout: &Checkout,
    (place, seen): (&mut dyn WorkTree, Oid),
    reporter: &dyn Reporter,
) -> Result<Astray, StepError> {
    let reference = branch_ref(&working.branch);
    world.git.clear_ref_lock(&reference, journal::beside(world, working)?)?;
    let _lock = landing_lock(world, OTHERS_LAND)?;
    in_place::rewind(world, working, reporter)?;
    let astray = in_place::take_back(world, working, checkout, reporter)?;
    if let Some(tip) = world.git.tip(&reference)? {
        in_place::clear(world, working, place, (seen, world.git.commit(tip)?.tree), reporter)?;
    }
    Ok(astray)
}
