//! Looking at who works on the remote, for commands that only tell.

use super::context::{Context, Global};
use super::error::CliError;
use crate::effects::{EffectError, Trouble, Upstream, World};
use crate::state::layout;
use crate::step::{base, publish, upstream};

/// Looks at the leases on the remote, if that was asked for or others may work there. What cannot be seen is a
/// warning: the answer is then as of the last look.
pub(super) fn look(global: &Global, asked: bool) -> Result<Option<String>, CliError> {
    let context = Context::open_as_it_is(global)?;
    let world = context.world();
    let Ok(branch) = base::target_branch(world, &context.caller) else { return Ok(None) };
    let Some(there) = world.remote.upstream(&branch)? else { return Ok(None) };
    if !asked && !may_be_shared(world, &there)? {
        return Ok(None);
    }
    match upstream::fetch(world, &there, upstream::GLANCE) {
        Ok(tip) => {
            publish::settle(world, &there, tip, global.reporter().as_ref())?;
            Ok(None)
        }
        Err(EffectError { fact, trouble: Trouble::Unreachable | Trouble::Missing | Trouble::Locked }) => {
            Ok(Some(format!("who works elsewhere is told as of the last look: {fact}")))
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether others may work on a remote, as far as this clone knows: it has looked there before, as whoever lands by
/// push does; or it has the state from there and took no step of its own, as where a person only looks on.
fn may_be_shared(world: World<'_>, there: &Upstream) -> Result<bool, EffectError> {
    if world.git.tip(&upstream::seen_branch(there))?.is_some() {
        return Ok(true);
    }
    let fetched = world.git.tip(&format!("refs/remotes/{}/{}", there.remote, there.branch))?;
    let Some(fetched) = fetched.filter(|_| world.files.list("steps").is_ok_and(|steps| steps.is_empty()))
    else {
        return Ok(false);
    };
    Ok(world.git.subtree(world.git.commit(fetched)?.tree, layout::ROOT)?.is_some())
}
