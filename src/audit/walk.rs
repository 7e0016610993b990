//! A walk through history: how far it goes, and how far it came.

use super::tree::NameTree;
use crate::effects::Oid;

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
    /// Commits of which a partial clone lacks something that its remote did not give; why, for the newest.
    pub unread: Vec<String>,
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
    /// Why its record does not prove it.
    pub doubt: Option<Doubt>,
}

/// Why accepted work is not proved to be what its gates passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doubt {
    /// A person made the commit, and it differs from its record.
    Person(String),
    /// It was replayed on a branch that had moved, and what was judged is not in this clone, or only a part of it.
    Replayed,
    /// This clone is shallow or partial, and lacks what it would be compared with.
    Lacking(String),
}
