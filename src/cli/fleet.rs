//! Looking at who works on the remote, for commands that only tell.

use super::context::{Context, Global};
use super::error::CliError;
use crate::effects::{EffectError, Trouble};
use crate::step::{base, publish, upstream};

/// Looks at the leases on the remote, if that was asked for or this clone has landed by push before.
/// What cannot be seen is a warning: the answer is then as of the last look.
pub(super) fn look(global: &Global, asked: bool) -> Result<Option<String>, CliError> {
    let context = Context::open_as_it_is(global)?;
    let world = context.world();
    let Ok(branch) = base::target_branch(world, &context.caller) else { return Ok(None) };
    let Some(there) = world.remote.upstream(&branch)? else { return Ok(None) };
    if !asked && world.git.tip(&upstream::seen_branch(&there))?.is_none() {
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
