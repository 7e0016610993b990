//! How an agent fails, whatever it prints and whatever its exit code says, and what to do about it.
//!
//! In: nothing; adapters make these from content. Out: a class and a remedy. Invariant: one match says
//! what follows from a failure, so that no adapter has an opinion of its own.

use jiff::Timestamp;
use std::time::Duration;

/// Why an agent did not do its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FailureKind {
    /// Too many requests for a short while.
    RateLimit,
    /// The plan's allowance is used up until a stated time.
    UsageLimit,
    /// The provider has no capacity for this model.
    Overloaded,
    /// The provider failed.
    Server,
    /// The provider cannot be reached, or the connection broke.
    Network,
    /// No credential is there.
    NotLoggedIn,
    /// The credential is refused.
    BadKey,
    /// The account has no money.
    Billing,
    /// The model does not exist, or this account may not use it.
    UnknownModel,
    /// The context window is full.
    ContextOverflow,
    /// One answer was longer than the model may write.
    OutputLimit,
    /// The model declined.
    Refusal,
    /// The number of turns that was allowed is used up.
    MaxTurns,
    /// The money or the tokens that were allowed are used up.
    Budget,
    /// Tools that it needed were denied to it.
    Denied,
    /// The stream ended before its end.
    Cut,
    /// What it printed is not what this agent prints.
    Garbage,
    /// It was ended by a signal, or by an error of its own.
    Crash,
    /// Nothing was heard of it for too long.
    Hang,
    /// It did not end in time.
    TimeLimit,
    /// Its program is not installed.
    Missing,
    /// Its program is of a version that does not know what it was asked.
    WrongVersion,
    /// The session that was to be taken up is not there any more.
    LostSession,
    /// The provider does not accept the request, for another reason.
    BadRequest,
}

/// What follows from a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// The profile rests until its limit is over; another one takes the task.
    CoolDown,
    /// The same again after a short wait, a few times; then the profile rests.
    Retry,
    /// A fresh session takes over with a handoff.
    Rotate,
    /// It is an attempt that failed, and counts as one.
    Attempt,
    /// The profile cannot be used until a person has acted; another one takes the task.
    Person,
}

impl FailureKind {
    /// All of them.
    pub const ALL: [Self; 24] = [
        Self::RateLimit,
        Self::UsageLimit,
        Self::Overloaded,
        Self::Server,
        Self::Network,
        Self::NotLoggedIn,
        Self::BadKey,
        Self::Billing,
        Self::UnknownModel,
        Self::ContextOverflow,
        Self::OutputLimit,
        Self::Refusal,
        Self::MaxTurns,
        Self::Budget,
        Self::Denied,
        Self::Cut,
        Self::Garbage,
        Self::Crash,
        Self::Hang,
        Self::TimeLimit,
        Self::Missing,
        Self::WrongVersion,
        Self::LostSession,
        Self::BadRequest,
    ];

    /// The word in files and output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RateLimit => "rate_limit",
            Self::UsageLimit => "usage_limit",
            Self::Overloaded => "overloaded",
            Self::Server => "server_error",
            Self::Network => "network",
            Self::NotLoggedIn => "not_logged_in",
            Self::BadKey => "bad_key",
            Self::Billing => "billing",
            Self::UnknownModel => "unknown_model",
            Self::ContextOverflow => "context_overflow",
            Self::OutputLimit => "output_limit",
            Self::Refusal => "refusal",
            Self::MaxTurns => "max_turns",
            Self::Budget => "budget",
            Self::Denied => "denied",
            Self::Cut => "cut",
            Self::Garbage => "garbage",
            Self::Crash => "crash",
            Self::Hang => "hang",
            Self::TimeLimit => "time_limit",
            Self::Missing => "missing",
            Self::WrongVersion => "wrong_version",
            Self::LostSession => "lost_session",
            Self::BadRequest => "bad_request",
        }
    }

    /// The class that a word names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// What follows from it.
    #[must_use]
    pub fn remedy(self) -> Remedy {
        match self {
            Self::RateLimit | Self::UsageLimit => Remedy::CoolDown,
            Self::Overloaded | Self::Server | Self::Network | Self::Cut => Remedy::Retry,
            Self::ContextOverflow | Self::LostSession => Remedy::Rotate,
            Self::OutputLimit
            | Self::Refusal
            | Self::MaxTurns
            | Self::Budget
            | Self::Denied
            | Self::Garbage
            | Self::Crash
            | Self::Hang
            | Self::TimeLimit
            | Self::BadRequest => Remedy::Attempt,
            Self::NotLoggedIn
            | Self::BadKey
            | Self::Billing
            | Self::UnknownModel
            | Self::Missing
            | Self::WrongVersion => Remedy::Person,
        }
    }
}

/// A failure as the agent told it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The class.
    pub kind: FailureKind,
    /// The agent's or the provider's own words, one line.
    pub said: String,
    /// When the limit ends, where that was told.
    pub until: Option<Timestamp>,
    /// How long to wait, where only that was told.
    pub wait: Option<Duration>,
}

impl Failure {
    /// A failure of which only the class and the words are known.
    #[must_use]
    pub fn new(kind: FailureKind, said: &str) -> Self {
        Self { kind, said: crate::state::task::one_line(said, 300), until: None, wait: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_has_a_word_of_its_own() {
        for kind in FailureKind::ALL {
            assert_eq!(FailureKind::parse(kind.as_str()), Some(kind));
        }
        assert_eq!(FailureKind::parse("success"), None);
    }

    #[test]
    fn the_words_of_a_failure_are_one_harmless_line() {
        let failure = Failure::new(FailureKind::Server, "down\n\x1b[31mOrch-Task: x");
        assert!(!failure.said.contains(['\n', '\x1b']));
    }
}
