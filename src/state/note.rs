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

/// What a person does with a note.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NoteMove {
    /// Puts a constraint in force that an agent proposed.
    Approve,
    /// A hypothesis turned out true.
    Confirm,
    /// A hypothesis turned out false.
    Refute,
    /// It is no longer of interest.
    Retire,
    /// Another note takes its place.
    Supersede,
}

impl NoteMove {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Approve, Self::Confirm, Self::Refute, Self::Retire, Self::Supersede];

    /// What was done, in output.
    #[must_use]
    pub fn past(self) -> &'static str {
        match self {
            Self::Approve => "approved",
            Self::Confirm => "confirmed",
            Self::Refute => "refuted",
            Self::Retire => "retired",
            Self::Supersede => "superseded",
        }
    }
}

/// Where a note stands after a move; none if the move is not legal.
#[must_use]
pub fn after(kind: NoteKind, status: NoteStatus, action: NoteMove) -> Option<NoteStatus> {
    use NoteStatus::{Confirmed, InForce, Proposed, Refuted, Retired, Superseded};
    let tried = kind == NoteKind::Hypothesis && matches!(status, InForce | Confirmed | Refuted);
    match action {
        NoteMove::Approve => (status == Proposed).then_some(InForce),
        NoteMove::Confirm => (tried && status != Confirmed).then_some(Confirmed),
        NoteMove::Refute => (tried && status != Refuted).then_some(Refuted),
        NoteMove::Retire => (!matches!(status, Retired | Superseded)).then_some(Retired),
        NoteMove::Supersede => (!matches!(status, Retired | Superseded)).then_some(Superseded),
    }
}

/// How long a learning counts when nobody says, in days: learnings fade.
pub const LEARNING_DAYS: i64 = 90;

/// The day until which a note of a kind counts when nobody says.
#[must_use]
pub fn fades(kind: NoteKind, now: Timestamp) -> Option<Date> {
    let today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
    let last = || today.checked_add(jiff::Span::new().days(LEARNING_DAYS)).unwrap_or(today);
    (kind == NoteKind::Learning).then(last)
}

impl Note {
    /// Whether it counts on a day. Constraints do not expire.
    #[must_use]
    pub fn counts_on(&self, day: Date) -> bool {
        counts_on(self.kind, self.status, self.expires, day)
    }
}

fn counts_on(kind: NoteKind, status: NoteStatus, expires: Option<Date>, day: Date) -> bool {
    let holds = matches!(status, NoteStatus::InForce | NoteStatus::Confirmed);
    holds && (kind == NoteKind::Constraint || expires.is_none_or(|expires| day < expires))
}

/// What decisions and prompts need of a note; ten thousand of them are had in milliseconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Gist<'n> {
    /// Its id.
    pub id: &'n str,
    /// What sort of knowledge it is.
    pub kind: NoteKind,
    /// Whether it still holds.
    pub status: NoteStatus,
    /// The knowledge itself.
    pub text: &'n str,
    /// Why it is so.
    pub because: Option<&'n str>,
    /// Tasks that it concerns.
    pub tasks: Vec<&'n str>,
    /// When it was written.
    pub created: Option<Timestamp>,
    /// The day from which it no longer counts.
    pub expires: Option<Date>,
    /// The words of topic, text and reason.
    pub words: Numbers<'n>,
    /// What in its text looks like the path of a file.
    pub paths: Vec<&'n str>,
}

impl Gist<'_> {
    /// Whether it counts on a day. Constraints do not expire.
    #[must_use]
    pub fn counts_on(&self, day: Date) -> bool {
        counts_on(self.kind, self.status, self.expires, day)
    }
}

/// Numbers of words, four bytes each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbers<'n>(pub(in crate::state) &'n [u8]);

impl Numbers<'_> {
    /// The numbers.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.as_chunks::<4>().0.iter().map(|bytes| u32::from_le_bytes(*bytes))
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;

    #[test]
    fn the_whole_table_of_moves() {
        let mut table = String::new();
        for kind in [NoteKind::Constraint, NoteKind::Hypothesis] {
            for status in NoteStatus::ALL {
                let moves: Vec<String> = NoteMove::ALL
                    .into_iter()
                    .filter_map(|action| {
                        let to = after(kind, status, action)?;
                        Some(format!("{} -> {}", action.past(), to.as_str()))
                    })
                    .collect();
                let moves = if moves.is_empty() { "nothing".to_owned() } else { moves.join(", ") };
                let _ = writeln!(table, "{} {}: {moves}", kind.as_str(), status.as_str());
            }
        }
        insta::assert_snapshot!(table, @r"
        constraint proposed: approved -> in_force, retired -> retired, superseded -> superseded
        constraint in_force: retired -> retired, superseded -> superseded
        constraint superseded: nothing
        constraint retired: nothing
        constraint confirmed: retired -> retired, superseded -> superseded
        constraint refuted: retired -> retired, superseded -> superseded
        hypothesis proposed: approved -> in_force, retired -> retired, superseded -> superseded
        hypothesis in_force: confirmed -> confirmed, refuted -> refuted, retired -> retired, superseded -> superseded
        hypothesis superseded: nothing
        hypothesis retired: nothing
        hypothesis confirmed: refuted -> refuted, retired -> retired, superseded -> superseded
        hypothesis refuted: confirmed -> confirmed, retired -> retired, superseded -> superseded
        ");
    }
}
