//! Letting a profile rest that has met a limit, so that no process of this clone asks it before that is over; or that
//! cannot work before a person has acted, so that others go first.

use super::attempt::Job;
use super::course::turned;
use super::error::StepError;
use super::next::describe;
use crate::agent::failure::{Failure, Remedy};
use crate::agent::todo::todo;
use crate::config::Profile;
use crate::state::cooldown::{self, Cooldown};
use jiff::Timestamp;
use std::time::Duration;

fn rest(
    job: &Job<'_>,
    profile: &str,
    why: &str,
    told: (Option<Timestamp>, Option<Duration>),
) -> Result<Cooldown, StepError> {
    let files = job.world.files;
    let known = cooldown::load(files)?;
    let earlier = known.iter().find(|known| known.profile == profile);
    let (now, dice) = (job.world.clock.now(), job.world.ids.random());
    let rest = Cooldown::after(earlier, profile, why, told, now, dice);
    cooldown::save(files, &rest)?;
    Ok(rest)
}

/// Lets a profile rest that failed so: until a limit is over, or until a person has acted. Until when, where time is
/// enough.
///
/// # Errors
/// When the note cannot be read or written.
pub fn after(job: &Job<'_>, profile: &Profile, failure: &Failure) -> Result<Option<Timestamp>, StepError> {
    match failure.kind.remedy() {
        Remedy::CoolDown | Remedy::Retry => {
            let rest = rest(job, &profile.name, &describe(failure), (failure.until, failure.wait))?;
            turned(job, "rested", &format!("`{}` rests until {}", rest.profile, rest.until));
            Ok(Some(rest.until))
        }
        Remedy::Person => {
            let (why, todo) = (describe(failure), todo(profile, failure.kind));
            let rest = Cooldown::until_somebody_acts(&profile.name, &why, todo, job.world.clock.now());
            cooldown::save(job.world.files, &rest)?;
            Ok(None)
        }
        Remedy::Attempt | Remedy::Rotate => Ok(None),
    }
}

/// Lets a profile rest that fails in the same way on one task after the other, each time for longer, so that it does
/// not go through all of them.
///
/// # Errors
/// When the note cannot be read or written.
pub fn everywhere(job: &Job<'_>, profile: &Profile, how: &str) -> Result<(), StepError> {
    let why = format!("it fails the same way on one task after the other: {how}");
    let rest = rest(job, &profile.name, &why, (None, None))?;
    turned(job, "rested", &format!("`{}` rests until {}: {why}", rest.profile, rest.until));
    Ok(())
}
