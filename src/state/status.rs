//! Where a task stands, and every legal way to move.
//!
//! Invariant: [`apply`] is the only function that turns one status into another; its one `match`
//! is the whole machine. `in_progress` and `waiting` are derived, never stored.

use thiserror::Error;

/// Where a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// Suggested by an agent or an import; a person has to approve it.
    Proposed,
    /// To be done.
    Pending,
    /// Done and gated; waits for a reviewer.
    NeedsReview,
    /// Rejected; to be done again with the evidence.
    NeedsImprovement,
    /// Somebody has to act first; the reason is in the task.
    Blocked,
    /// Accepted.
    Done,
    /// Given up.
    Cancelled,
}

impl Status {
    /// All of them, in the order of a task's life.
    pub const ALL: [Self; 7] = [
        Self::Proposed,
        Self::Pending,
        Self::NeedsReview,
        Self::NeedsImprovement,
        Self::Blocked,
        Self::Done,
        Self::Cancelled,
    ];

    /// The word in files and output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Pending => "pending",
            Self::NeedsReview => "needs_review",
            Self::NeedsImprovement => "needs_improvement",
            Self::Blocked => "blocked",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
        }
    }

    /// The status that a word names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }

    /// Whether nothing more is to happen.
    #[must_use]
    pub fn is_closed(self) -> bool {
        matches!(self, Self::Done | Self::Cancelled)
    }
}

/// A named move from one status to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Move {
    /// A step's work was accepted.
    Accept,
    /// A step's work passed the gates and waits for a reviewer.
    Submit,
    /// A step's work was rejected by a gate.
    Fail,
    /// A step cannot go on; also what a person does with `orch block`.
    Block,
    /// A step was put off; nothing changes.
    Defer,
    /// `orch approve`.
    Approve,
    /// `orch reject`.
    Reject,
    /// `orch unblock`.
    Unblock,
    /// `orch cancel`.
    Cancel,
    /// `orch reopen`.
    Reopen,
    /// `orch undo`.
    Undo,
}

impl Move {
    /// All of them: a step's first, then a person's.
    pub const ALL: [Self; 11] = [
        Self::Accept,
        Self::Submit,
        Self::Fail,
        Self::Block,
        Self::Defer,
        Self::Approve,
        Self::Reject,
        Self::Unblock,
        Self::Cancel,
        Self::Reopen,
        Self::Undo,
    ];

    /// The word in messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Submit => "submit",
            Self::Fail => "fail",
            Self::Block => "block",
            Self::Defer => "defer",
            Self::Approve => "approve",
            Self::Reject => "reject",
            Self::Unblock => "unblock",
            Self::Cancel => "cancel",
            Self::Reopen => "reopen",
            Self::Undo => "undo",
        }
    }
}

/// A move that the machine does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("cannot {} a task that is `{}`", .action.as_str(), .from.as_str())]
pub struct Illegal {
    /// Where the task stands.
    pub from: Status,
    /// What was asked for.
    pub action: Move,
}

impl Illegal {
    /// The moves that are legal from where the task stands, without those of a step.
    #[must_use]
    pub fn allowed(&self) -> Vec<Move> {
        Move::ALL
            .into_iter()
            .filter(|action| !matches!(action, Move::Accept | Move::Submit | Move::Fail | Move::Defer))
            .filter(|action| apply(self.from, *action).is_ok())
            .collect()
    }
}

/// Moves a task.
///
/// # Errors
/// When the machine has no such move.
pub fn apply(from: Status, action: Move) -> Result<Status, Illegal> {
    use Status::{Blocked, Cancelled, Done, NeedsImprovement, NeedsReview, Pending, Proposed};
    match (from, action) {
        (Pending | NeedsImprovement | NeedsReview, Move::Accept) => Ok(Done),
        (Pending | NeedsImprovement | NeedsReview, Move::Submit) => Ok(NeedsReview),
        (Pending | NeedsImprovement | NeedsReview, Move::Fail) => Ok(NeedsImprovement),
        (Pending | NeedsImprovement | NeedsReview, Move::Defer) => Ok(from),
        (Proposed | Pending | NeedsImprovement | NeedsReview, Move::Block) => Ok(Blocked),
        (Proposed, Move::Approve) => Ok(Pending),
        (NeedsReview, Move::Approve) => Ok(Done),
        (NeedsReview, Move::Reject) => Ok(NeedsImprovement),
        (Proposed, Move::Reject) => Ok(Cancelled),
        (Blocked, Move::Unblock) => Ok(Pending),
        (Proposed | Pending | NeedsReview | NeedsImprovement | Blocked, Move::Cancel) => Ok(Cancelled),
        (Done | Cancelled, Move::Reopen) => Ok(Pending),
        (Done, Move::Undo) => Ok(Blocked),
        (from, action) => Err(Illegal { from, action }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_transition_table() {
        let mut table = String::new();
        for from in Status::ALL {
            for action in Move::ALL {
                let to = apply(from, action).map_or("-", Status::as_str);
                table.push_str(&format!("{:<18} {:<8} {to}\n", from.as_str(), action.as_str()));
            }
        }
        insta::assert_snapshot!(table);
    }

    #[test]
    fn an_illegal_move_says_what_is_allowed() {
        let illegal = apply(Status::Done, Move::Approve).unwrap_err();
        assert_eq!(illegal.to_string(), "cannot approve a task that is `done`");
        assert_eq!(illegal.allowed(), [Move::Reopen, Move::Undo]);
    }
}
