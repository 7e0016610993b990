//! Holding what a step has made until it is on the branch, or kept: git may tidy away what nothing refers to.
//!
//! One ref for each slot, moved under the slot's lock. It need not survive a loss of power: what it holds does not.

use crate::effects::{EffectError, Oid, Result, Swap, Trouble, World};

/// How often a ref is moved that somebody else moves as well.
const TRIES: usize = 4;

/// Holds a tree instead of the one before.
///
/// # Errors
/// When the ref cannot be written.
pub(super) fn hold(world: World<'_>, slot: u32, tree: Oid) -> Result<()> {
    point(world, slot, Some(tree))
}

/// Holds nothing any more.
///
/// # Errors
/// When the ref cannot be removed.
pub(super) fn release(world: World<'_>, slot: u32) -> Result<()> {
    point(world, slot, None)
}

fn point(world: World<'_>, slot: u32, to: Option<Oid>) -> Result<()> {
    let reference = format!("refs/orch/held/{slot}");
    let mut now = world.git.tip(&reference)?;
    for _ in 0..TRIES {
        if now == to {
            return Ok(());
        }
        match world.git.claim(&reference, now, to)? {
            Swap::Done => return Ok(()),
            Swap::Moved(there) => now = there,
        }
    }
    Err(EffectError::new(Trouble::Locked, format!("`{reference}` keeps moving")))
}
