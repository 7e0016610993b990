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

fn rest(job: &Job<'_>, profile: &str, failure: &Failure) -> Result<Timestamp, StepError> {
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

/// Lets a profile rest that failed so: until a limit is over, or until a person has acted. Until when, where time is
/// enough.
///
/// # Errors
/// When the note cannot be read or written.
pub fn after(job: &Job<'_>, profile: &Profile, failure: &Failure) -> Result<Option<Timestamp>, StepError> {
    match failure.kind.remedy() {
        Remedy::CoolDown | Remedy::Retry => rest(job, &profile.name, failure).map(Some),
        Remedy::Person => {
            let (why, todo) = (describe(failure), todo(profile, failure.kind));
            let rest = Cooldown::until_somebody_acts(&profile.name, &why, todo, job.world.clock.now());
            cooldown::save(job.world.files, &rest)?;
            Ok(None)
        }
        Remedy::Attempt | Remedy::Rotate => Ok(None),
    }
}
