//! The name of a tree without one of its folders, found without writing an object.

use crate::effects::{Oid, World};
use crate::state::layout;
use crate::step::StepError;

/// Names the tree with this content, as git would.
pub type NameTree = fn(&[u8], Oid) -> Oid;

/// The name of a commit's tree outside `.orchestrator/`.
///
/// # Errors
/// When the tree cannot be read.
pub fn code_tree(world: World<'_>, tree: Oid, name_tree: NameTree) -> Result<Oid, StepError> {
    let raw = world.git.blob(tree)?;
    let rest = layout::without_entry(&raw, layout::ROOT.as_bytes(), tree.as_bytes().len());
    Ok(if rest.len() == raw.len() { tree } else { name_tree(&rest, tree) })
}
