//! Letting a profile rest that has met a limit, so that no process of this clone asks it before that is over.

use super::attempt::Job;
use super::course::turned;
use super::error::StepError;
use super::next::describe;
use crate::agent::failure::Failure;
use crate::state::cooldown::{self, Cooldown};
use jiff::Timestamp;

/// Notes that a profile rests; until when.
///
/// # Errors
/// When the note cannot be read or written.
pub fn rest(job: &Job<'_>, profile: &str, failure: &Failure) -> Result<Timestamp, StepError> {
    let files = job.world.files;
    let known = cooldown::load(files)?;
    let earlier = known.iter().find(|known| known.profile == profile);
    let (now, dice) = (job.world.clock.now(), job.world.ids.random());
    let told = (failure.until, failure.wait);
    let rest = Cooldown::after(earlier, profile, &describe(failure), told, now, dice);
    cooldown::save(files, &rest)?;
    turned(job, "rested", &format!("`{}` rests until {}", rest.profile, rest.until));
    Ok(rest.until)
}
