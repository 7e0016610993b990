//! What a task looks like: its status as a person sees it, with a sign, a word and colours.

use crate::state::graph::{Graph, Index, Standing};
use crate::state::status::Status;

/// What a task looks like: its status as a person sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Look {
    /// Accepted.
    Done,
    /// Somebody works on it.
    Running,
    /// A step may take it.
    Ready,
    /// Waits for a review.
    Person,
    /// Something has to be put right first.
    Blocked,
    /// Waits for other tasks.
    Waiting,
    /// A person has to approve it.
    Proposed,
    /// An epic with open children.
    Epic,
    /// Given up.
    Cancelled,
}

impl Look {
    /// All of them, in the order of a legend.
    pub const ALL: [Self; 9] = [
        Self::Done,
        Self::Running,
        Self::Ready,
        Self::Person,
        Self::Blocked,
        Self::Waiting,
        Self::Proposed,
        Self::Epic,
        Self::Cancelled,
    ];

    /// The sign for it, with one for terminals that have only ASCII.
    #[must_use]
    pub fn glyph(self, ascii: bool) -> &'static str {
        let (sign, plain) = match self {
            Self::Done => ("✔", "x"),
            Self::Running => ("▶", ">"),
            Self::Ready => ("●", "*"),
            Self::Person => ("?", "?"),
            Self::Blocked => ("■", "!"),
            Self::Waiting => ("○", "o"),
            Self::Proposed => ("◌", "~"),
            Self::Epic => ("◆", "#"),
            Self::Cancelled => ("✖", "-"),
        };
        if ascii { plain } else { sign }
    }

    /// One word, usable as the name of a style.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Running => "running",
            Self::Ready => "ready",
            Self::Person => "review",
            Self::Blocked => "blocked",
            Self::Waiting => "waiting",
            Self::Proposed => "proposed",
            Self::Epic => "epic",
            Self::Cancelled => "cancelled",
        }
    }

    /// What a legend says: of `count` tasks.
    #[must_use]
    pub fn legend(self, count: usize) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Running => "in progress",
            Self::Ready => "ready",
            Self::Person if count == 1 => "needs a person",
            Self::Person => "need a person",
            Self::Blocked => "blocked",
            Self::Waiting => "waiting",
            Self::Proposed => "proposed",
            Self::Epic if count == 1 => "open epic",
            Self::Epic => "open epics",
            Self::Cancelled => "cancelled",
        }
    }

    /// Fill, border and text of a light picture; the formats without a dark one use it too.
    #[must_use]
    pub fn colours(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Done => ("#e6f4ea", "#7fb693", "#24533a"),
            Self::Running => ("#dbeafe", "#2563eb", "#153a8a"),
            Self::Ready => ("#ffffff", "#0f9d58", "#14231b"),
            Self::Person => ("#fff3d6", "#d99a14", "#5c3f00"),
            Self::Blocked => ("#fde7e7", "#d64545", "#6d1a1a"),
            Self::Waiting => ("#f4f5f7", "#b3bac5", "#3d4654"),
            Self::Proposed => ("#f6f0fe", "#9a78d6", "#46307a"),
            Self::Epic => ("#eceff6", "#6b7a99", "#28324a"),
            Self::Cancelled => ("#f1f1f1", "#c9c9c9", "#8a8a8a"),
        }
    }
}

/// What a task looks like, going by where it stands.
#[must_use]
pub fn look(graph: &Graph, index: Index, agent_review: bool, at_work: bool) -> Look {
    if at_work && !graph.status(index).is_closed() {
        return Look::Running;
    }
    match graph.standing(index, agent_review) {
        Standing::Runnable => Look::Ready,
        Standing::Waiting(_) => Look::Waiting,
        Standing::DependencyCancelled(_) | Standing::DependencyMissing(_) | Standing::InCycle => {
            Look::Blocked
        }
        Standing::Container => Look::Epic,
        Standing::Held(status) | Standing::Closed(status) => match status {
            Status::Proposed => Look::Proposed,
            Status::NeedsReview => Look::Person,
            Status::Blocked => Look::Blocked,
            Status::Done => Look::Done,
            Status::Cancelled => Look::Cancelled,
            Status::Pending | Status::NeedsImprovement => Look::Waiting,
        },
    }
}

/// The word that people read for where a task stands: its status, but for what is derived from others.
#[must_use]
pub fn word(graph: &Graph, index: Index, look: Look) -> String {
    let status = graph.status(index);
    let children = graph.children(index);
    match look {
        Look::Running => "in_progress".to_owned(),
        Look::Ready if status == Status::Pending => "ready".to_owned(),
        Look::Waiting | Look::Blocked => look.word().to_owned(),
        Look::Epic if !children.is_empty() => {
            let count = |status| children.iter().filter(|&&child| graph.status(child) == status).count();
            let (done, given_up) = (count(Status::Done), count(Status::Cancelled));
            format!("{done}/{} done", children.len() - given_up)
        }
        Look::Ready | Look::Epic | Look::Done | Look::Person | Look::Proposed | Look::Cancelled => {
            status.as_str().to_owned()
        }
    }
}
