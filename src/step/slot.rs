//! Slots: several steps may be at work in a clone at a time, each in a slot of its own.
//!
//! A slot is a lock, a journal and a workspace of one number. Whoever works in it holds its lock from
//! before the journal is looked at until the step has ended, and the lock goes with the process. So a
//! journal whose lock is free is of a step that was cut off, which any command puts right; one whose lock
//! is held is of a living step, which nobody else touches. What all slots share (the branch, its work
//! tree, the ledger, the rooms of gates) is guarded by the landing's lock, or by locks of its own.

use super::error::StepError;
use crate::effects::{Lock, Result, World};
use std::time::Duration;

/// The slot of a step that was not given another; the only one that works in place.
pub const FIRST: u32 = 0;
/// The most slots that a clone has.
pub const MOST: u32 = 64;
/// The folder of what belongs to all other slots.
pub const DIR: &str = "slots";
/// How long the first slot is waited for: others may be looking at it.
const GLANCE: Duration = Duration::from_millis(200);
/// How long a slot is waited for that was given to this step alone.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long others are waited for that claim a task, which may have to be told to a remote.
const CLAIMING: Duration = Duration::from_secs(120);

/// The name of a slot's lock.
#[must_use]
pub fn lock_name(slot: u32) -> String {
    if slot == FIRST { "step.lock".to_owned() } else { format!("{DIR}/{slot}.lock") }
}

/// The slots that some step has used, by their files with this ending; the first one is not told.
///
/// # Errors
/// When the folder cannot be read.
pub fn used(world: World<'_>, ending: &str) -> Result<Vec<u32>> {
    let names = world.files.list(DIR)?;
    let mut slots: Vec<u32> =
        names.iter().filter_map(|name| name.strip_suffix(ending)?.parse().ok()).collect();
    slots.sort_unstable();
    Ok(slots)
}

/// Takes a slot.
///
/// # Errors
/// When another step is at work in it.
pub fn take(world: World<'_>, slot: u32) -> std::result::Result<Box<dyn Lock>, StepError> {
    // Whoever looks whether somebody works in a slot holds its lock for a moment. Other slots are given out
    // one by one: there, no other step can be met, but a command that puts right what a step left.
    let patience = if slot == FIRST { GLANCE } else { PATIENCE };
    let lock = world.files.lock(&lock_name(slot), patience)?;
    lock.ok_or_else(|| StepError::Busy("another step is at work in this clone".to_owned()))
}

/// Takes a slot that nobody works in; none where somebody does, or where nothing can be written.
#[must_use]
pub fn take_idle(world: World<'_>, slot: u32) -> Option<Box<dyn Lock>> {
    world.files.lock(&lock_name(slot), Duration::ZERO).ok().flatten()
}

/// The lock that covers claiming: from the last look at what others do to the claim.
///
/// # Errors
/// When others claim for too long.
pub fn claiming(world: World<'_>) -> std::result::Result<Box<dyn Lock>, StepError> {
    let lock = world.files.lock("claim.lock", CLAIMING)?;
    lock.ok_or_else(|| StepError::Busy("other steps of this clone are claiming their tasks".to_owned()))
}

/// Whether somebody works in a slot.
#[must_use]
pub fn is_held(world: World<'_>, slot: u32) -> bool {
    matches!(world.files.lock(&lock_name(slot), Duration::ZERO), Ok(None))
}
