//! What keeps a graph from being whole, in words.

use crate::state::id::TaskId;
use std::fmt;

/// Something that keeps the graph from being closed or acyclic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Tasks that depend on each other; the first is not repeated at the end.
    Cycle(Vec<TaskId>),
    /// A dependency that is not there.
    DanglingDependency {
        /// The task that names it.
        task: TaskId,
        /// What it names.
        missing: TaskId,
    },
    /// A parent that is not there.
    DanglingParent {
        /// The task that names it.
        task: TaskId,
        /// What it names.
        missing: TaskId,
    },
    /// Epics that contain each other.
    ParentCycle(Vec<TaskId>),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cycle(ids) => write!(f, "dependency cycle: {}", arrows(ids)),
            Self::ParentCycle(ids) => write!(f, "parent cycle: {}", arrows(ids)),
            Self::DanglingDependency { task, missing } => {
                write!(f, "`{task}` depends on `{missing}`, which is not there")
            }
            Self::DanglingParent { task, missing } => {
                write!(f, "`{task}` has the parent `{missing}`, which is not there")
            }
        }
    }
}

fn arrows(ids: &[TaskId]) -> String {
    let mut names: Vec<String> = ids.iter().map(|id| format!("`{id}`")).collect();
    names.extend(names.first().cloned());
    names.join(" -> ")
}
