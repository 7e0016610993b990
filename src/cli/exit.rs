//! How the program ends: one enum, whose tens digit is the class.

use crate::outcome::Outcome;

/// An exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Accepted; or the question was answered.
    Ok,
    /// Orch could not do it.
    Error,
    /// Bad flags.
    Usage,
    /// Configuration or state cannot be used.
    Invalid,
    /// Not a git repository, or no `.orchestrator`.
    NoProject,
    /// Everything is done.
    Idle,
    /// Tasks remain, none runnable.
    Waiting,
    /// Another step is at work, or the branch keeps moving.
    Busy,
    /// Agents cool down, or the budget is spent.
    Paused,
    /// A gate rejected the work.
    Rejected,
    /// The agent crashed, refused or changed nothing.
    AgentFailed,
    /// The agent did not end in time.
    AgentTimeout,
    /// The gates passed; a person has to look.
    NeedsReview,
    /// No agent is installed, logged in or trusted.
    NoAgent,
    /// The repository is not in a state to work on.
    Git,
    /// Interrupted.
    Interrupted,
    /// Terminated.
    Terminated,
}

impl Exit {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::Ok,
        Self::Error,
        Self::Usage,
        Self::Invalid,
        Self::NoProject,
        Self::Idle,
        Self::Waiting,
        Self::Busy,
        Self::Paused,
        Self::Rejected,
        Self::AgentFailed,
        Self::AgentTimeout,
        Self::NeedsReview,
        Self::NoAgent,
        Self::Git,
        Self::Interrupted,
        Self::Terminated,
    ];

    /// The number and the word.
    #[must_use]
    pub fn parts(self) -> (u8, &'static str) {
        match self {
            Self::Ok => (0, "ok"),
            Self::Error => (1, "error"),
            Self::Usage => (2, "usage"),
            Self::Invalid => (3, "invalid"),
            Self::NoProject => (4, "no_project"),
            Self::Idle => (10, "idle"),
            Self::Waiting => (11, "waiting"),
            Self::Busy => (12, "busy"),
            Self::Paused => (13, "paused"),
            Self::Rejected => (20, "rejected"),
            Self::AgentFailed => (21, "agent_failed"),
            Self::AgentTimeout => (22, "agent_timeout"),
            Self::NeedsReview => (23, "needs_review"),
            Self::NoAgent => (30, "no_agent"),
            Self::Git => (31, "git"),
            Self::Interrupted => (130, "interrupted"),
            Self::Terminated => (143, "terminated"),
        }
    }

    /// The number.
    #[must_use]
    pub fn code(self) -> u8 {
        self.parts().0
    }

    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        self.parts().1
    }

    /// The end by a signal: a person's interrupt (SIGINT, 2 everywhere), or an order from elsewhere.
    #[must_use]
    pub fn of_signal(signal: i32) -> Self {
        if signal == 2 { Self::Interrupted } else { Self::Terminated }
    }

    /// The number under `--ci`, where red means that a person is needed. `steps_left` says whether
    /// a rejected task is tried again by itself.
    #[must_use]
    pub fn ci_code(self, steps_left: bool) -> u8 {
        match self {
            Self::Idle | Self::Waiting | Self::Busy | Self::Paused | Self::NeedsReview => 0,
            Self::Rejected | Self::AgentFailed | Self::AgentTimeout if steps_left => 0,
            Self::Ok
            | Self::Error
            | Self::Usage
            | Self::Invalid
            | Self::NoProject
            | Self::Rejected
            | Self::AgentFailed
            | Self::AgentTimeout
            | Self::NoAgent
            | Self::Git
            | Self::Interrupted
            | Self::Terminated => self.code(),
        }
    }
}

/// How the program ends after a step.
pub(super) fn exit_of(outcome: &Outcome, signal: Option<i32>) -> Exit {
    match (signal, outcome) {
        (Some(signal), Outcome::Deferred(_)) => Exit::of_signal(signal),
        (_, Outcome::Accepted) => Exit::Ok,
        (_, Outcome::NeedsReview) => Exit::NeedsReview,
        (_, Outcome::Rejected(_)) => Exit::Rejected,
        (_, Outcome::AgentFailed(_)) => Exit::AgentFailed,
        (_, Outcome::TimedOut(_)) => Exit::AgentTimeout,
        (_, Outcome::Blocked(_)) => Exit::Waiting,
        (_, Outcome::Deferred(_)) => Exit::Paused,
        (_, Outcome::NoAgent(_)) => Exit::NoAgent,
    }
}

#[cfg(test)]
mod tests {
    use super::Exit;

    #[test]
    fn codes_are_stable_and_distinct() {
        let codes: Vec<u8> = Exit::ALL.iter().map(|exit| exit.code()).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4, 10, 11, 12, 13, 20, 21, 22, 23, 30, 31, 130, 143]);
    }

    #[test]
    fn in_ci_red_means_that_a_person_is_needed() {
        let red: Vec<u8> =
            Exit::ALL.iter().map(|exit| exit.ci_code(true)).filter(|code| *code != 0).collect();
        assert_eq!(red, [1, 2, 3, 4, 30, 31, 130, 143]);
        assert_eq!(Exit::Rejected.ci_code(false), 20);
    }
}
