//! A note: a structured context entry.

use super::id::{NoteId, TaskId};
use jiff::{Timestamp, civil::Date};

/// What sort of knowledge a note holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NoteKind {
    /// Something that was settled.
    Decision,
    /// A rule that every step has to keep; always in the prompt while in force.
    Constraint,
    /// Something believed, to be confirmed or refuted.
    Hypothesis,
    /// Something found out; fades.
    Learning,
}

impl NoteKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Decision, Self::Constraint, Self::Hypothesis, Self::Learning];

    /// The word in files and output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Decision => "decision",
            Self::Constraint => "constraint",
            Self::Hypothesis => "hypothesis",
            Self::Learning => "learning",
        }
    }

    /// The kind that a word names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// Whether a note still holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NoteStatus {
    /// Suggested by an agent; a person has to put it in force. Only constraints.
    Proposed,
    /// Holds.
    InForce,
    /// Another note took its place.
    Superseded,
    /// No longer of interest.
    Retired,
    /// A hypothesis that turned out true.
    Confirmed,
    /// A hypothesis that turned out false.
    Refuted,
}

impl NoteStatus {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Proposed, Self::InForce, Self::Superseded, Self::Retired, Self::Confirmed, Self::Refuted];

    /// The word in files and output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::InForce => "in_force",
            Self::Superseded => "superseded",
            Self::Retired => "retired",
            Self::Confirmed => "confirmed",
            Self::Refuted => "refuted",
        }
    }

    /// The status that a word names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }
}

/// A structured context entry: the content of one file under `notes/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Its id: the stem of its file.
    pub id: NoteId,
    /// What sort of knowledge it is.
    pub kind: NoteKind,
    /// What it is about, one word or two.
    pub topic: Option<String>,
    /// The knowledge itself.
    pub text: String,
    /// Why it is so.
    pub because: Option<String>,
    /// Tasks that it concerns; none means all.
    pub tasks: Vec<TaskId>,
    /// The note that it replaces.
    pub supersedes: Option<NoteId>,
    /// Whether it still holds.
    pub status: NoteStatus,
    /// A profile's name, or a person as git knows them.
    pub author: Option<String>,
    /// When it was written.
    pub created: Option<Timestamp>,
    /// The day from which it no longer counts.
    pub expires: Option<Date>,
}
