//! Looking for damage: in the state, and in the history that made it.
//!
//! In: state at the tip and in the work tree; commits. Out: [`Finding`]s, each with what to do about it.
//! Invariant: nothing here changes anything, and no remedy destroys work.

pub mod state;
pub mod claim;
pub mod tree;
pub mod walk;
mod rewritten;
mod twice;
mod replayed;
pub mod history;
pub mod again;
pub mod machine;
pub mod clone;
pub mod ready;
pub mod leftover;

use crate::effects::Oid;
use crate::state::problem::{Problem, Severity};

/// Where something was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In the work tree.
    Work,
    /// At the tip of the branch.
    Tip,
    /// In both.
    Both,
    /// In what this commit did.
    Commit(Oid),
}

impl Place {
    /// The word in output.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Work => "work tree",
            Self::Tip => "tip",
            Self::Both => "work tree and tip",
            Self::Commit(_) => "history",
        }
    }
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where.
    pub place: Place,
    /// What, with the file that it concerns.
    pub problem: Problem,
}

impl Finding {
    /// Whether it is damage, and not only something to look at.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.problem.severity == Severity::Error
    }
}

/// Joins what was found in the work tree and at the tip: what is in both is told once.
#[must_use]
pub fn join(work: Vec<Problem>, tip: Vec<Problem>) -> Vec<Finding> {
    let key = |problem: &Problem| (problem.path.clone(), problem.line, problem.fact.clone());
    let in_tip: std::collections::HashSet<_> = tip.iter().map(key).collect();
    let in_work: std::collections::HashSet<_> = work.iter().map(key).collect();
    let mut all: Vec<Finding> = work
        .into_iter()
        .map(|problem| {
            let place = if in_tip.contains(&key(&problem)) { Place::Both } else { Place::Work };
            Finding { place, problem }
        })
        .collect();
    let only_tip = tip.into_iter().filter(|problem| !in_work.contains(&key(problem)));
    all.extend(only_tip.map(|problem| Finding { place: Place::Tip, problem }));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_work_tree_and_tip_is_told_once() {
        let problem = |path: &str| Problem::error(path, None, "bad");
        let found = join(vec![problem("a"), problem("b")], vec![problem("b"), problem("c")]);
        let places: Vec<(&str, &str)> =
            found.iter().map(|each| (each.problem.path.as_str(), each.place.word())).collect();
        assert_eq!(places, [("a", "work tree"), ("b", "work tree and tip"), ("c", "tip")]);
    }
}
