//! Keeping what an agent committed by itself: it is no history, but it is work.

use super::event::{Event, Reporter};
use super::journal::{self, Working};
use super::record::attempts_ref;
use crate::effects::{Behind, EffectError, Oid, Swap, WorkTree, World};

/// Keeps commits that an agent made; says where.
///
/// # Errors
/// When they cannot be kept.
pub(super) fn keep(world: World<'_>, run: &str, tip: Oid) -> Result<String, EffectError> {
    let why = "orch: commits that the agent made";
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

/// Keeps what an agent committed or stashed in the repository of its workspace, and is not in the files that it left
/// there. What cannot be had of it is told.
///
/// # Errors
/// When it cannot be kept.
pub(super) fn keep_behind(
    world: World<'_>,
    working: &Working,
    place: &dyn WorkTree,
    seen: Oid,
    reporter: &dyn Reporter,
) -> Result<(), EffectError> {
    let Behind { commits, left_out } = match world.git.take_behind(place, journal::oid(&working.base)?, seen)
    {
        Ok(behind) => behind,
        Err(error) => {
            reporter.event(&Event::Warning { text: error.to_string() });
            return Ok(());
        }
    };
    if left_out > 0 {
        let text = format!(
            "the agent's own repository names more commits than are looked at: {left_out} are not kept"
        );
        reporter.event(&Event::Warning { text });
    }
    for commit in &commits {
        let reference = keep(world, &working.run, *commit)?;
        let text = format!(
            "what the agent committed or stashed and did not leave in its files is no part of the work: type `git show {reference}` to see it"
        );
        reporter.event(&Event::Warning { text });
        reporter.event(&Event::Kept { reference });
    }
    Ok(())
}
