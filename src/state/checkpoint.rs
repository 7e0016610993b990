//! A checkpoint: what the next session needs to continue an unfinished task.

use super::id::{RunId, TaskId};

/// Why a session ended before its task did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CheckpointReason {
    /// The context window was nearly full.
    Rotated,
    /// The step was stopped.
    Interrupted,
    /// A gate rejected the work.
    Rejected,
    /// The step was put off.
    Deferred,
    /// The work was accepted, and taken back later.
    Undone,
    /// A person wrote it.
    Manual,
}

impl CheckpointReason {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Rotated, Self::Interrupted, Self::Rejected, Self::Deferred, Self::Undone, Self::Manual];

    /// The word in files and output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rotated => "rotated",
            Self::Interrupted => "interrupted",
            Self::Rejected => "rejected",
            Self::Deferred => "deferred",
            Self::Undone => "undone",
            Self::Manual => "manual",
        }
    }

    /// The reason that a word names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }
}

/// A numbered version of what is known about an unfinished task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The task that it continues.
    pub task: TaskId,
    /// From 1; the highest is current.
    pub number: u32,
    /// The run that left it.
    pub run: Option<RunId>,
    /// Why the session ended.
    pub reason: CheckpointReason,
    /// The commit that the work started from, in hexadecimal.
    pub base: Option<String>,
    /// The ref that holds the work; a commit, where it was on the branch.
    pub work: Option<String>,
    /// What is done and what was learned.
    pub summary: String,
    /// What remains, in order.
    pub next: Vec<String>,
    /// What the gates said.
    pub evidence: String,
}
