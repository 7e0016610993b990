//! Run records that a later commit changed: each is to say for ever what it said first.
//!
//! In: what commits did to records, the newest first. Out: findings. Invariant: who puts a record back as it was
//! written has changed nothing, and of a change that was put back only the commit is left to tell of.

use super::{Finding, Place};
use crate::effects::{EffectError, Oid, World};
use crate::state::problem::Problem;
use std::collections::HashMap;

/// Changes of records.
#[derive(Debug, Default)]
pub(super) struct Rewritten {
    /// The commit, the path and what it made of it; the newest first.
    changes: Vec<(Oid, String, Oid)>,
    /// The oldest commit that is known to have a record, and how.
    first: HashMap<String, (Oid, Oid)>,
}

impl Rewritten {
    /// A commit changed a record, which its parent had otherwise.
    pub(super) fn changed(&mut self, path: &str, new: (Oid, Oid), old: (Oid, Oid)) {
        self.first.insert(path.to_owned(), old);
        self.changes.push((new.0, path.to_owned(), new.1));
    }

    /// A commit brought a record.
    pub(super) fn added(&mut self, path: &str, new: (Oid, Oid)) {
        if let Some(first) = self.first.get_mut(path) {
            *first = new;
        }
    }

    /// What is wrong, as the tree of the newest commit has it.
    ///
    /// # Errors
    /// When that cannot be read.
    pub(super) fn findings(self, world: World<'_>, tree: Oid) -> Result<Vec<Finding>, EffectError> {
        let mut found = Vec::new();
        for (commit, path, new) in self.changes {
            let Some((by, first)) = self.first.get(&path).copied().filter(|(_, first)| *first != new) else {
                continue;
            };
            let is_back = world.git.entry(tree, &path)?.is_some_and(|(_, now)| now == first);
            let (by, at) = (by.short(), commit.short());
            let problem = if is_back {
                let fact = "changed the record of an earlier run, which was put back since";
                Problem::warning(path, None, fact).with_remedy(format!("type `git show {at}` to see it"))
            } else {
                let remedy = format!(
                    "type `git show {by}:{path}` to see it as it was written, `git revert {at}` to put it back"
                );
                Problem::error(path, None, "changes the record of an earlier run").with_remedy(remedy)
            };
            found.push(Finding { place: Place::Commit(commit), problem });
        }
        Ok(found)
    }
}
