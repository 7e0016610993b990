//! A walk through history: how far it goes, how far it came, and what each commit does to run records.

use super::tree::NameTree;
use crate::effects::{Change, Oid};
use crate::state::layout::{self, FileKind};
use bstr::ByteSlice;

/// How far a look at history goes, and what it needs.
pub struct Options<'o> {
    /// At most this many commits.
    pub limit: usize,
    /// Only those that are not in the history of this one.
    pub from: Option<Oid>,
    /// Names trees.
    pub name_tree: NameTree,
    /// Is told how many of how many commits have been looked at.
    pub progress: &'o dyn Fn(usize, usize),
}

/// How far a look at history came.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Walk {
    /// Commits.
    pub commits: usize,
    /// Commits that record a step.
    pub steps: usize,
    /// Commits in which a person combined steps.
    pub combined: usize,
    /// Steps whose code cannot be compared, because what was judged is not in this clone.
    pub unproven: usize,
    /// Commits whose parent is not in this clone.
    pub cut_off: usize,
    /// Steps whose work was accepted, the newest first.
    pub accepted: Vec<Accepted>,
}

/// A commit with accepted work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The commit.
    pub commit: Oid,
    /// The task.
    pub task: String,
    /// Its file.
    pub task_path: String,
    /// How many gates answered, and passed.
    pub passed: usize,
}

/// The run records that a commit added, changed and took out, by path.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Records {
    pub(super) added: Vec<(String, Oid)>,
    pub(super) changed: Vec<(String, Oid)>,
    pub(super) gone: Vec<String>,
}

impl Records {
    pub(super) fn of(changes: &[Change]) -> Self {
        let mut records = Self::default();
        for change in changes {
            let path = format!("{}/{}", layout::RUNS, change.path.to_str_lossy());
            if layout::kind_of(&path) != FileKind::Run {
                continue;
            }
            match (change.old, change.new) {
                (None, Some((_, blob))) => records.added.push((path, blob)),
                (Some((_, old)), Some((_, new))) if old != new => records.changed.push((path, new)),
                (Some(_), None) => records.gone.push(path),
                _ => {}
            }
        }
        records
    }
}
