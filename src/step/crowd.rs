//! The place of a session among those of its profile: `max_parallel` of them at one time in a clone.
//!
//! Leases count who works on tasks. Who reviews, plans or takes over has none, so each session holds a lock as
//! long as it lasts, which goes with the process; one that finds no place waits for its turn.

use super::attempt::Job;
use super::course::turned;
use super::error::StepError;
use crate::config::{Adapter, Profile};
use crate::effects::Lock;
use std::time::Duration;

/// How long one that waits does so before it looks again.
const PAUSE: Duration = Duration::from_millis(500);

/// Takes a place for a session, as soon as there is one; none is needed for who has no limit, or where the step was
/// told to end.
///
/// # Errors
/// When a lock cannot be taken.
pub fn place(job: &Job<'_>, profile: &Profile) -> Result<Option<Box<dyn Lock>>, StepError> {
    if profile.adapter == Adapter::Shell {
        return Ok(None);
    }
    let mut told = false;
    while job.world.process.interrupted().is_none() {
        for place in 0..profile.max_parallel {
            let name = format!("sessions/{}.{place}.lock", profile.name);
            if let Some(lock) = job.world.files.lock(&name, Duration::ZERO)? {
                return Ok(Some(lock));
            }
        }
        if !std::mem::replace(&mut told, true) {
            let name = &profile.name;
            turned(job, "waits", &format!("`{name}` is at work for other steps: its turn is waited for"));
        }
        job.renew();
        job.world.process.wait(PAUSE);
    }
    Ok(None)
}
