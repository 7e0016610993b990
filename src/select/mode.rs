//! The scheduling policy in force: balance, stabilize or accelerate, from how the last runs went.
//!
//! In: the policy, and digests of the newest runs. Out: an [`InForce`] with its reason. Invariant:
//! the same runs give the same mode.
//!
//! Of the last 20 runs that were judged: fewer than 5 say nothing (balance). Three rejections in a row,
//! or fewer than 6 in 10 that passed: stabilize. At least 9 in 10 that passed, of 10 or more, and 85 in
//! 100 at the first attempt: accelerate. All else: balance.

use crate::config::ModePolicy;
use crate::state::digest::Digest;
use crate::state::status::Status;
use crate::state::task::Kind;

/// How many runs are looked at.
pub const RUNS: usize = 20;
/// With fewer judged runs, nothing can be said.
const RUNS_MIN: usize = 5;
/// With fewer judged runs, nothing so good can be said.
const RUNS_GOOD: usize = 10;
/// So many rejections in a row are enough.
const IN_A_ROW: usize = 3;

/// A scheduling policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Reviews and repairs before new work.
    #[default]
    Balance,
    /// The same, and of new work what mends and tests before what adds.
    Stabilize,
    /// New work before repairs.
    Accelerate,
}

impl Mode {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Balance, Self::Stabilize, Self::Accelerate];

    /// The word in files and output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Balance => "balance",
            Self::Stabilize => "stabilize",
            Self::Accelerate => "accelerate",
        }
    }

    /// How urgent a task is by where it stands; more is more.
    #[must_use]
    pub fn weight(self, status: Status, kind: Kind) -> u32 {
        let mends = matches!(kind, Kind::Bug | Kind::Test | Kind::Refactor);
        let (review, repair, new) = match self {
            Self::Balance => (105, 95, 60),
            Self::Stabilize if mends => (110, 105, 70),
            Self::Stabilize => (110, 105, 40),
            Self::Accelerate => (105, 60, 95),
        };
        match status {
            Status::NeedsReview => review,
            Status::NeedsImprovement => repair,
            Status::Pending => new,
            Status::Proposed | Status::Blocked | Status::Done | Status::Cancelled => 0,
        }
    }
}

/// A mode, and why it is in force.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InForce {
    /// The mode.
    pub mode: Mode,
    /// Why.
    pub because: String,
}

impl InForce {
    /// In one line.
    #[must_use]
    pub fn spell(&self) -> String {
        match self.because.as_str() {
            "" => self.mode.as_str().to_owned(),
            because => format!("{} ({because})", self.mode.as_str()),
        }
    }
}

/// The mode of a policy that does not depend on runs; none if it does.
#[must_use]
pub fn fixed(policy: ModePolicy) -> Option<InForce> {
    let mode = match policy {
        ModePolicy::Auto => return None,
        ModePolicy::Balance => Mode::Balance,
        ModePolicy::Stabilize => Mode::Stabilize,
        ModePolicy::Accelerate => Mode::Accelerate,
    };
    Some(InForce { mode, because: "the configuration says so".to_owned() })
}

/// The mode that the last runs call for; the newest come first.
#[must_use]
pub fn from_runs(runs: &[Digest]) -> InForce {
    let judged =
        runs.iter().filter(|run| !run.is_shell()).filter_map(|run| Some((run.passed()?, run.first_pass()?)));
    let judged: Vec<(bool, bool)> = judged.take(RUNS).collect();
    let all = judged.len();
    let passed = judged.iter().filter(|(passed, _)| *passed).count();
    let first = judged.iter().filter(|(_, first)| *first).count();
    let in_force = |mode, because: String| InForce { mode, because };
    if all < RUNS_MIN {
        let told = if all == 1 { "1 judged run says".to_owned() } else { format!("{all} judged runs say") };
        return in_force(Mode::Balance, format!("{told} little"));
    }
    if judged.iter().take(IN_A_ROW).all(|(passed, _)| !passed) {
        return in_force(Mode::Stabilize, format!("the last {IN_A_ROW} runs were rejected"));
    }
    let told = format!("{passed} of the last {all} runs passed, {first} at the first attempt");
    if passed * 10 < all * 6 {
        in_force(Mode::Stabilize, told)
    } else if all >= RUNS_GOOD && passed * 10 >= all * 9 && first * 100 >= all * 85 {
        in_force(Mode::Accelerate, told)
    } else {
        in_force(Mode::Balance, told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::digest::sample;
    use crate::state::run::OutcomeKind;
    use std::fmt::Write as _;

    /// Runs by a word each: passed, second attempt, rejected, deferred; the newest first.
    fn mode(of: &str) -> String {
        let run = |(n, c): (usize, char)| {
            let outcome = match c {
                'x' => OutcomeKind::Rejected,
                'd' => OutcomeKind::Deferred,
                _ => OutcomeKind::Accepted,
            };
            let attempts = if c == '2' { 2 } else { 1 };
            Digest {
                attempts,
                ..sample(&format!("2026-11-20T{:02}:{:02}:00Z", 23 - n / 60, 59 - n % 60), "a", outcome)
            }
        };
        from_runs(&of.chars().enumerate().map(run).collect::<Vec<_>>()).spell()
    }

    #[test]
    fn every_rule_has_its_case() {
        let mut table = String::new();
        for of in [
            "",
            "p",
            "pppp",
            "pppppppp",
            "pppppppppp",
            "ppppppppp2p22p",
            "xxxpppppppppppppppp",
            "pxxpxxpxxp",
            "pxpxppxpppxppp",
            "ddddddxxxppppp",
        ] {
            let _ = writeln!(table, "{of:<20} {}", mode(of));
        }
        let long = format!("{}{}", "p".repeat(20), "x".repeat(50));
        let _ = write!(table, "{:<20} {}", "20 p, then 50 x", mode(&long));
        insta::assert_snapshot!(table, @r"
                             balance (0 judged runs say little)
        p                    balance (1 judged run says little)
        pppp                 balance (4 judged runs say little)
        pppppppp             balance (8 of the last 8 runs passed, 8 at the first attempt)
        pppppppppp           accelerate (10 of the last 10 runs passed, 10 at the first attempt)
        ppppppppp2p22p       balance (14 of the last 14 runs passed, 11 at the first attempt)
        xxxpppppppppppppppp  stabilize (the last 3 runs were rejected)
        pxxpxxpxxp           stabilize (4 of the last 10 runs passed, 4 at the first attempt)
        pxpxppxpppxppp       balance (10 of the last 14 runs passed, 10 at the first attempt)
        ddddddxxxppppp       stabilize (the last 3 runs were rejected)
        20 p, then 50 x      accelerate (20 of the last 20 runs passed, 20 at the first attempt)
        ");
    }

    #[test]
    fn the_weights_are_those_that_are_written_down() {
        let mut table = String::new();
        for mode in Mode::ALL {
            let of = |status, kind| mode.weight(status, kind);
            let _ = writeln!(
                table,
                "{:<10} review {} repair {} bug {} feature {}",
                mode.as_str(),
                of(Status::NeedsReview, Kind::Feature),
                of(Status::NeedsImprovement, Kind::Feature),
                of(Status::Pending, Kind::Bug),
                of(Status::Pending, Kind::Feature)
            );
        }
        insta::assert_snapshot!(table, @r"
        balance    review 105 repair 95 bug 60 feature 60
        stabilize  review 110 repair 105 bug 70 feature 40
        accelerate review 105 repair 60 bug 95 feature 95
        ");
    }
}
