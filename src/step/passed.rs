//! Tasks of the queue that are passed over, and what a step says where that is all of them.

use super::error::StepError;
use jiff::Timestamp;

/// Why a task is passed over.
pub(super) enum Pass {
    /// Nobody may take it now; why, and until when.
    Later(String, Option<Timestamp>),
    /// No profile can take it, unless a person acts.
    Nobody(StepError),
    /// It has to be changed first; why.
    Unfit(String),
}

/// What was passed over.
#[derive(Default)]
pub(super) struct Passed {
    pub(super) wait: Option<(String, Option<Timestamp>)>,
    nobody: Option<StepError>,
}

impl Pass {
    pub(super) fn spell(&self) -> String {
        match self {
            Self::Later(why, Some(until)) if !why.contains(" until ") => {
                format!("{why}, until {until:.0}")
            }
            Self::Later(why, _) => why.clone(),
            Self::Nobody(StepError::TooLarge(too_large)) => format!("{too_large}; {}", too_large.remedy()),
            Self::Nobody(error @ StepError::Invalid(problems)) => {
                problems.first().map_or_else(|| error.to_string(), ToString::to_string)
            }
            Self::Nobody(error) => error.to_string(),
            Self::Unfit(why) => format!("cannot be taken as it is: {why}"),
        }
    }
}

impl Passed {
    /// One more; others may still have somebody.
    pub(super) fn over(&mut self, why: Pass) {
        match why {
            // The first time that somebody is free again is when to come back.
            Pass::Later(why, until) => {
                let known = self.wait.as_ref().and_then(|(_, known)| *known);
                if self.wait.is_none() || known.is_none_or(|known| until.is_some_and(|until| until < known)) {
                    self.wait = Some((why, until));
                }
            }
            Pass::Nobody(error) => self.nobody = self.nobody.take().or(Some(error)),
            Pass::Unfit(_) => {}
        }
    }

    /// Why nobody takes any of them.
    pub(super) fn error(self) -> Option<StepError> {
        self.wait.map(|(fact, until)| StepError::Paused { fact, until }).or(self.nobody)
    }
}
