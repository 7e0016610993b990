//! Why a profile may not take a task, and how that is told.

use jiff::Timestamp;

/// Why a profile may not take a task.
#[derive(Debug, Clone, PartialEq)]
pub enum Refusal {
    /// It runs commands of tasks, and the task has none; or the task has one, and it does not.
    NotItsSort(&'static str),
    /// Its program is not on this machine.
    Missing,
    /// It cannot work before a person has acted; why.
    Unusable(String),
    /// It rests until then.
    Cooling(Timestamp),
    /// As many of its sessions as may be are at work.
    Busy(u32),
    /// The task would need more of its window than one may.
    TooSmall(f64),
    /// The task needs more than it is trusted with.
    TooWeak,
    /// It has tried, and another one is there.
    HasTried,
    /// One as strong or stronger has tried, and another one is there.
    Outdone,
}

impl Refusal {
    /// Until when it rests.
    #[must_use]
    pub fn until(&self) -> Option<Timestamp> {
        if let Self::Cooling(until) = self { Some(*until) } else { None }
    }

    /// Why a person has to act first.
    #[must_use]
    pub fn needs_a_person(&self) -> Option<&str> {
        if let Self::Unusable(why) = self { Some(why) } else { None }
    }

    /// In a few words.
    #[must_use]
    pub fn spell(&self) -> String {
        match self {
            Self::NotItsSort(why) => (*why).to_owned(),
            Self::Missing => "not installed".to_owned(),
            Self::Unusable(why) => format!("cannot work: {why}"),
            Self::Cooling(until) => format!("rests until {until:.0}"),
            Self::Busy(most) => format!("{most} of its sessions are at work"),
            Self::TooSmall(share) => format!("the task would need {:.0} % of its window", share * 100.0),
            Self::TooWeak => "not trusted with it".to_owned(),
            Self::HasTried => "was rejected on it before, and another one is there".to_owned(),
            Self::Outdone => "no stronger than what was rejected on it before".to_owned(),
        }
    }
}
