//! What follows when a session of an agent has ended: one match, pure.
//!
//! Invariant: whatever is tried again is tried a bounded number of times.

use crate::agent::failure::{Failure, FailureKind, Remedy};
use crate::agent::watch::{Decision, Tally};
use crate::config::Profile;

/// How often one step hands over to a fresh session.
pub const ROTATIONS: u32 = 5;
/// How often the same is tried again after a wait.
const RETRIES: u32 = 2;

/// What follows when a session has ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// What it left is judged.
    Judge,
    /// It is made smaller, and goes on.
    Compact,
    /// A fresh session takes over.
    Rotate,
    /// The same again after a wait.
    Again(Failure),
    /// The profile rests, or a person has to act on it; another one takes over.
    Another(Failure),
    /// The profile rests, and no other one is spare.
    Rest(Failure),
    /// A person has to act on the profile, and no other one is spare.
    Person(Failure),
}

/// What decides what follows, beside the session itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spare {
    /// Whether another profile can take over.
    pub others: bool,
    /// How often the same was tried again.
    pub retries: u32,
    /// How often a fresh session took over.
    pub rotations: u32,
    /// Whether a budget is spent: then no further session begins.
    pub is_spent: bool,
}

/// What follows.
#[must_use]
pub fn next(decision: &Decision, failure: Option<&Failure>, spare: Spare) -> Next {
    let rotate = if spare.rotations < ROTATIONS && !spare.is_spent { Next::Rotate } else { Next::Judge };
    let failure = match (decision, failure) {
        (Decision::Compact, _) => return if spare.is_spent { Next::Judge } else { Next::Compact },
        (Decision::Rotate, _) => return rotate,
        (Decision::Stop(failure), _) | (Decision::GoOn | Decision::Dismiss, Some(failure)) => failure.clone(),
        (Decision::GoOn | Decision::Dismiss, None) => return Next::Judge,
    };
    match failure.kind.remedy() {
        Remedy::Attempt => Next::Judge,
        Remedy::Rotate => rotate,
        Remedy::Retry if spare.retries < RETRIES && !spare.is_spent => Next::Again(failure),
        Remedy::Retry | Remedy::CoolDown | Remedy::Person if spare.others && !spare.is_spent => {
            Next::Another(failure)
        }
        Remedy::Retry | Remedy::CoolDown => Next::Rest(failure),
        Remedy::Person => Next::Person(failure),
    }
}

/// A failure in words.
#[must_use]
pub fn describe(failure: &Failure) -> String {
    let word = failure.kind.as_str().replace('_', " ");
    if failure.said.is_empty() { word } else { format!("{word}: {}", failure.said) }
}

/// Why a session does not go on as it is.
#[must_use]
pub fn cause(tally: &Tally) -> String {
    if let Some(failure) = &tally.failure {
        return describe(failure);
    }
    match tally.context.or(tally.peak) {
        Some(share) => format!("the context is {:.0} % full", share * 100.0),
        None => "the context is full".to_owned(),
    }
}

/// The failure of one fresh session after another that is full before it gets anywhere.
#[must_use]
pub fn pointless(tally: &Tally, profile: &Profile) -> Failure {
    let window = profile.context_window.map_or(String::new(), |window| format!(" of {window} tokens"));
    let overflow = tally.failure.as_ref().filter(|failure| failure.kind == FailureKind::ContextOverflow);
    let cause = overflow.map_or_else(|| cause(tally), |failure| failure.said.clone());
    let name = &profile.name;
    let said = format!(
        "the task is too large for the window{window} of `{name}`: nothing came of it again: {cause}"
    );
    Failure::new(FailureKind::ContextOverflow, &said)
}

/// Whether the same task would fail for the same reason in the next attempt.
#[must_use]
pub fn is_final(kind: FailureKind) -> bool {
    match kind {
        FailureKind::Budget
        | FailureKind::Denied
        | FailureKind::BadRequest
        | FailureKind::TimeLimit
        | FailureKind::Hang
        | FailureKind::Missing
        | FailureKind::ContextOverflow
        | FailureKind::LostSession => true,
        FailureKind::RateLimit
        | FailureKind::UsageLimit
        | FailureKind::Overloaded
        | FailureKind::Server
        | FailureKind::Network
        | FailureKind::NotLoggedIn
        | FailureKind::BadKey
        | FailureKind::Billing
        | FailureKind::UnknownModel
        | FailureKind::OutputLimit
        | FailureKind::Refusal
        | FailureKind::MaxTurns
        | FailureKind::Cut
        | FailureKind::Garbage
        | FailureKind::Crash
        | FailureKind::WrongVersion => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(kind: FailureKind, others: bool, retries: u32) -> Next {
        let failure = Failure::new(kind, "x");
        next(&Decision::GoOn, Some(&failure), Spare { others, retries, rotations: 0, is_spent: false })
    }

    #[test]
    fn no_session_begins_when_a_budget_is_spent() {
        let spare = Spare { others: true, retries: 0, rotations: 0, is_spent: true };
        let mut seen = vec![
            next(&Decision::Compact, None, spare),
            next(&Decision::Rotate, None, spare),
            next(&Decision::GoOn, None, spare),
        ];
        seen.extend(
            FailureKind::ALL.map(|kind| next(&Decision::GoOn, Some(&Failure::new(kind, "x")), spare)),
        );
        for next in seen {
            assert!(matches!(next, Next::Judge | Next::Rest(_) | Next::Person(_)), "{next:?}");
        }
    }

    #[test]
    fn every_failure_has_what_follows_with_and_without_another_profile() {
        for kind in FailureKind::ALL {
            let failure = Failure::new(kind, "x");
            let (with, without) = match kind.remedy() {
                Remedy::Attempt => (Next::Judge, Next::Judge),
                Remedy::Rotate => (Next::Rotate, Next::Rotate),
                Remedy::Retry => (Next::Again(failure.clone()), Next::Again(failure.clone())),
                Remedy::CoolDown => (Next::Another(failure.clone()), Next::Rest(failure.clone())),
                Remedy::Person => (Next::Another(failure.clone()), Next::Person(failure.clone())),
            };
            assert_eq!((ended(kind, true, 0), ended(kind, false, 0)), (with, without), "{kind:?}");
        }
    }

    #[test]
    fn nothing_is_tried_for_ever() {
        for kind in FailureKind::ALL.into_iter().filter(|kind| kind.remedy() == Remedy::Retry) {
            let failure = Failure::new(kind, "x");
            assert_eq!(ended(kind, true, RETRIES), Next::Another(failure.clone()));
            assert_eq!(ended(kind, false, RETRIES), Next::Rest(failure));
        }
        let worn = Spare { others: true, retries: 0, rotations: ROTATIONS, is_spent: false };
        let overflow = Failure::new(FailureKind::ContextOverflow, "x");
        assert_eq!(next(&Decision::GoOn, Some(&overflow), worn), Next::Judge);
        assert_eq!(next(&Decision::Rotate, None, worn), Next::Judge);
    }

    #[test]
    fn what_was_decided_while_it_ran_goes_before_what_its_end_says() {
        let crash = Failure::new(FailureKind::Crash, "x");
        let limit = Failure::new(FailureKind::RateLimit, "x");
        let left = Spare { others: false, retries: 0, rotations: 0, is_spent: false };
        assert_eq!(next(&Decision::Stop(limit.clone()), Some(&crash), left), Next::Rest(limit));
        assert_eq!(next(&Decision::Compact, Some(&crash), left), Next::Compact);
        assert_eq!(next(&Decision::Dismiss, None, left), Next::Judge);
    }
}
