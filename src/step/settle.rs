//! A change of the state on top of another one: what a text merge cannot join, the fields of the files do.
//!
//! In: three trees, and the paths that conflict. Out: the tree that says what both changed. Invariant: only state
//! files whose fields do not disagree are settled; with any other path the change conflicts.

use super::error::StepError;
use super::land::tree_with;
use crate::effects::{Merge, Oid, World};
use crate::state::file::merge::{Before, merge};
use bstr::{BString, ByteSlice as _};

/// Merges two trees that began as `base`; what their text does not allow is tried by fields.
///
/// # Errors
/// When a tree cannot be read or written.
pub(super) fn join(world: World<'_>, base: Oid, ours: Oid, theirs: Oid) -> Result<Merge, StepError> {
    let merged = world.git.merge(base, ours, theirs)?;
    let Merge::Conflict(paths) = &merged else { return Ok(merged) };
    let mut settled = Vec::with_capacity(paths.len());
    for path in paths {
        let Some(text) = by_fields(world, path, [base, ours, theirs])? else { return Ok(merged) };
        settled.push((path.to_str_lossy().into_owned(), Some(text.into_bytes())));
    }
    // Where both sides say the same there is nothing left to conflict.
    let (ours, theirs) = (tree_with(world, ours, &settled)?, tree_with(world, theirs, &settled)?);
    Ok(world.git.merge(base, ours, theirs)?)
}

fn by_fields(world: World<'_>, path: &BString, trees: [Oid; 3]) -> Result<Option<String>, StepError> {
    let path = path.to_str_lossy();
    let mut versions = Vec::with_capacity(3);
    for tree in trees {
        let Some((_, blob)) = world.git.entry(tree, &path)? else { return Ok(None) };
        versions.push(String::from_utf8_lossy(&world.git.blob(blob)?).into_owned());
    }
    let [before, ours, theirs] = versions.as_slice() else { return Ok(None) };
    Ok(merge(&path, Before::Text(before), ours, theirs).ok())
}
