//! What it was worth: one function of reply and verdicts.

use crate::agent::Reply;
use crate::effects::Ended;
use crate::gate::{Verdict, first_rejection};
use crate::state::run::OutcomeKind;
use crate::state::status::Move;

/// The judgement on a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The work goes on the branch.
    Accepted,
    /// The gates passed; a person has to look.
    NeedsReview,
    /// This gate rejected the work.
    Rejected(String),
    /// The agent crashed, refused or changed nothing; how.
    AgentFailed(String),
    /// The agent did not end in time.
    TimedOut(String),
    /// Somebody else has to act first; why.
    Blocked(String),
    /// Put off; why.
    Deferred(String),
    /// No agent can work before a person has acted; why.
    NoAgent(String),
}

/// How an agent ended.
#[derive(Debug, Clone, Copy)]
pub struct How<'h> {
    /// Its process.
    pub ended: &'h Ended,
    /// Its failure, where that says more.
    pub told: Option<&'h str>,
}

impl Outcome {
    /// As it is recorded.
    #[must_use]
    pub fn kind(&self) -> OutcomeKind {
        match self {
            Self::Accepted => OutcomeKind::Accepted,
            Self::NeedsReview => OutcomeKind::NeedsReview,
            Self::Rejected(_) | Self::AgentFailed(_) | Self::TimedOut(_) => OutcomeKind::Rejected,
            Self::Blocked(_) => OutcomeKind::Blocked,
            Self::Deferred(_) | Self::NoAgent(_) => OutcomeKind::Deferred,
        }
    }

    /// What it does to the task.
    #[must_use]
    pub fn action(&self) -> Move {
        match self {
            Self::Accepted => Move::Accept,
            Self::NeedsReview => Move::Submit,
            Self::Rejected(_) | Self::AgentFailed(_) | Self::TimedOut(_) => Move::Fail,
            Self::Blocked(_) => Move::Block,
            Self::Deferred(_) | Self::NoAgent(_) => Move::Defer,
        }
    }

    /// Why, in one line.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::Accepted => "all gates passed".to_owned(),
            Self::NeedsReview => "all gates passed; waits for a review".to_owned(),
            Self::Rejected(gate) => format!("gate {gate} failed"),
            Self::AgentFailed(how) => format!("agent failed: {how}"),
            Self::TimedOut(how) => format!("agent {how}"),
            Self::Blocked(why) | Self::Deferred(why) | Self::NoAgent(why) => why.clone(),
        }
    }
}

/// Judges the last attempt of a step; whoever has to look at what passed comes after this.
#[must_use]
pub fn judge(how: How<'_>, reply: &Reply, verdicts: &[Verdict]) -> Outcome {
    let How { ended, told } = how;
    if *ended == Ended::Interrupted {
        return Outcome::Deferred("interrupted".to_owned());
    }
    if let Ended::NotStarted(why) = ended {
        return Outcome::AgentFailed(format!("not started: {why}"));
    }
    if let Some(why) = &reply.blocked {
        return Outcome::Blocked(why.clone());
    }
    match first_rejection(verdicts) {
        None => Outcome::Accepted,
        Some(verdict) => match verdict.name.as_str() {
            "timeliness" => Outcome::TimedOut(ended.to_string()),
            "execution" => Outcome::AgentFailed(told.map_or_else(|| ended.to_string(), str::to_owned)),
            "reply" => Outcome::AgentFailed("its outcome file cannot be read".to_owned()),
            "change" => Outcome::AgentFailed("it changed nothing".to_owned()),
            name => Outcome::Rejected(name.to_owned()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn well(ended: &Ended) -> How<'_> {
        How { ended, told: None }
    }

    #[test]
    fn what_the_agent_says_never_makes_a_failing_gate_pass() {
        let reply = Reply { summary: "All tests pass, done!".to_owned(), ..Reply::default() };
        let verdicts = [Verdict::pass("execution"), Verdict::fail("test", "1 failed")];
        let outcome = judge(well(&Ended::Exited(0)), &reply, &verdicts);
        assert_eq!(outcome, Outcome::Rejected("test".to_owned()));
        assert_eq!(outcome.kind(), OutcomeKind::Rejected);
    }

    #[test]
    fn every_ending_has_an_outcome() {
        let judged =
            |ended: &Ended, verdicts: &[Verdict]| judge(well(ended), &Reply::default(), verdicts).reason();
        let good = [Verdict::pass("change")];
        assert_eq!(judged(&Ended::Exited(0), &good), "all gates passed");
        assert_eq!(judged(&Ended::Interrupted, &good), "interrupted");
        let late = [Verdict::fail("timeliness", "")];
        assert_eq!(judged(&Ended::TimedOut, &late), "agent timed out");
        let garbled = [Verdict::fail("reply", "")];
        assert_eq!(judged(&Ended::Exited(0), &garbled), "agent failed: its outcome file cannot be read");
        let idle = [Verdict::fail("change", "")];
        assert_eq!(judged(&Ended::Exited(0), &idle), "agent failed: it changed nothing");
    }
}
