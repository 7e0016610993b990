//! How much a candidate changes: which files, how many lines.

use crate::effects::{Change, Oid, World};
use crate::gate::protect::Protected;
use crate::state::run::FILES_MAX;
use bstr::ByteSlice;

/// How much a candidate changes, without what no agent may change.
pub(super) struct Extent {
    /// How many files.
    pub(super) files_changed: u32,
    /// Their paths, in order, as many as a record has.
    pub(super) files: Vec<String>,
    /// Lines added.
    pub(super) insertions: u32,
    /// Lines removed.
    pub(super) deletions: u32,
}

impl Extent {
    pub(super) fn of(world: World<'_>, changes: &[Change], protected: &Protected) -> Self {
        let counted: Vec<&Change> = changes.iter().filter(|change| !protected.covers(&change.path)).collect();
        let mut files: Vec<String> =
            counted.iter().map(|change| String::from_utf8_lossy(&change.path).into_owned()).collect();
        files.sort();
        files.truncate(FILES_MAX);
        let (insertions, deletions) = lines(world, &counted);
        Self { files_changed: u32::try_from(counted.len()).unwrap_or(u32::MAX), files, insertions, deletions }
    }
}

/// Lines added and removed, as a line-by-line comparison of both sides counts them.
fn lines(world: World<'_>, changes: &[&Change]) -> (u32, u32) {
    let text = |entry: Option<(u32, Oid)>| {
        let content = entry.and_then(|(_, id)| world.git.blob_within(id, 1 << 20).ok().flatten());
        content.filter(|content| !content.contains(&0)).unwrap_or_default()
    };
    changes.iter().take(1_000).fold((0, 0), |(added, removed), change| {
        let (old, new) = (text(change.old), text(change.new));
        let (plus, minus) = difference(&old, &new);
        (added + plus, removed + minus)
    })
}

/// Lines that only the new side has, and lines that only the old side has, as multisets.
fn difference(old: &[u8], new: &[u8]) -> (u32, u32) {
    let mut counts: std::collections::HashMap<&[u8], i64> = std::collections::HashMap::new();
    for line in new.lines() {
        *counts.entry(line).or_default() += 1;
    }
    for line in old.lines() {
        *counts.entry(line).or_default() -= 1;
    }
    let sum = |values: i64| u32::try_from(values).unwrap_or(u32::MAX);
    let added = counts.values().filter(|count| **count > 0).sum();
    let removed = -counts.values().filter(|count| **count < 0).sum::<i64>();
    (sum(added), sum(removed))
}
