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
    let rest = without(&raw, layout::ROOT.as_bytes(), tree.as_bytes().len());
    Ok(if rest.len() == raw.len() { tree } else { name_tree(&rest, tree) })
}

/// A raw tree without the entry of this name. What cannot be parsed is kept.
fn without(raw: &[u8], name: &[u8], hash_len: usize) -> Vec<u8> {
    let mut kept = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while !rest.is_empty() {
        let Some((entry_name, len)) = entry(rest, hash_len) else {
            kept.extend_from_slice(rest);
            break;
        };
        if entry_name != name {
            kept.extend_from_slice(&rest[..len]);
        }
        rest = &rest[len..];
    }
    kept
}

/// The name of the first entry of a raw tree (`mode SP name NUL hash`), and how long the entry is.
fn entry(raw: &[u8], hash_len: usize) -> Option<(&[u8], usize)> {
    let space = raw.iter().position(|byte| *byte == b' ')?;
    let nul = space + raw[space..].iter().position(|byte| *byte == 0)?;
    let len = nul + 1 + hash_len;
    (len <= raw.len()).then(|| (&raw[space + 1..nul], len))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(names: &[&str]) -> Vec<u8> {
        let mut raw = Vec::new();
        for name in names {
            raw.extend_from_slice(format!("40000 {name}\0").as_bytes());
            // Hashes may hold spaces and zeroes.
            raw.extend_from_slice(&[0, b' ', 7, 0, b' ', 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
        }
        raw
    }

    #[test]
    fn one_entry_is_left_out_and_the_others_keep_their_bytes() {
        assert_eq!(without(&raw(&[".a", ".orchestrator", "z"]), b".orchestrator", 20), raw(&[".a", "z"]));
        assert_eq!(without(&raw(&["a"]), b".orchestrator", 20), raw(&["a"]));
        assert_eq!(without(&raw(&[".orchestrator"]), b".orchestrator", 20), Vec::<u8>::new());
    }

    #[test]
    fn a_damaged_tree_is_kept_as_it_is() {
        for damaged in [&b"40000 a"[..], b"40000", b"40000 a\x00123", b""] {
            assert_eq!(without(damaged, b"a", 20), damaged);
        }
    }
}
