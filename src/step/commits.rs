//! Keeping what an agent committed by itself: it is no history, but it is work.

use super::event::{Event, Reporter};
use super::journal::{self, Working};
use super::land::list;
use super::record::attempts_ref;
use crate::commit::kept_message;
use crate::effects::{Behind, EffectError, Inside, NewCommit, Oid, Swap, WorkTree, World};

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

/// Keeps what lies in the submodules of a work tree and is not what the base names: no commit of the work holds it.
///
/// # Errors
/// When it cannot be read or kept.
pub(super) fn keep_inside(
    world: World<'_>,
    working: &Working,
    place: &mut dyn WorkTree,
    reporter: &dyn Reporter,
) -> Result<(), EffectError> {
    let base = journal::oid(&working.base)?;
    let Inside { paths, kept: tree } = place.inside(world.git.commit(base)?.tree)?;
    if paths.is_empty() {
        return Ok(());
    }
    let reference = format!("{}-submodules", attempts_ref(&working.run));
    let before = world.git.tip(&reference)?;
    if before.map(|before| world.git.commit(before)).transpose()?.is_some_and(|before| before.tree == tree) {
        return Ok(());
    }
    let subject = format!("orch({}): what lies in submodules, run {}", working.task, working.run);
    let message = kept_message(&subject, &working.run, "");
    let (time, parents) = (world.clock.now(), vec![before.unwrap_or(base)]);
    let new = NewCommit { tree, parents, author: None, time, message, may_sign: false };
    let commit = world.git.write_commit(&new)?;
    world.git.swap(&reference, before, commit, "orch: kept")?;
    let text = format!(
        "what lies in a submodule is no part of the work, which names only its commit: {}; type `git show {reference}` \
         to see it",
        list(&paths)
    );
    reporter.event(&Event::Warning { text });
    reporter.event(&Event::Kept { reference });
    Ok(())
}
