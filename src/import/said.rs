//! What a source says of a task, field by field.
//!
//! A task keeps the digests of what its source said when it was last read, so that the next import tells what
//! changed there from what a person changed here.

use super::text::{hash, one_line};
use crate::state::id::{self, TaskId};
use crate::state::task::{Estimate, Task};
use std::collections::BTreeMap;

/// Characters of a digest: 25 bits.
const DIGEST: usize = 5;
/// Characters of a value that are shown.
const SHOWN: usize = 60;

/// A field of a task that a source decides about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Field {
    Title,
    Kind,
    Complexity,
    Standing,
    Priority,
    Parent,
    DependsOn,
    Labels,
    Files,
    Acceptance,
    Description,
    Estimate,
}

impl Field {
    pub(super) const ALL: [Self; 12] = [
        Self::Title,
        Self::Kind,
        Self::Complexity,
        Self::Standing,
        Self::Priority,
        Self::Parent,
        Self::DependsOn,
        Self::Labels,
        Self::Files,
        Self::Acceptance,
        Self::Description,
        Self::Estimate,
    ];

    /// Its name, as in a task file.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Kind => "kind",
            Self::Complexity => "complexity",
            Self::Standing => "status",
            Self::Priority => "priority",
            Self::Parent => "parent",
            Self::DependsOn => "depends_on",
            Self::Labels => "labels",
            Self::Files => "files",
            Self::Acceptance => "acceptance",
            Self::Description => "description",
            Self::Estimate => "estimate",
        }
    }

    /// What a task says there, in words; nothing where it says nothing.
    pub(super) fn of(self, task: &Task) -> String {
        match self {
            Self::Title => task.title.clone(),
            Self::Kind => task.kind.as_str().to_owned(),
            Self::Complexity => task.complexity.map(|number| number.to_string()).unwrap_or_default(),
            Self::Standing => {
                let reason = task.reason.as_deref().filter(|reason| !reason.is_empty());
                let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
                format!("{}{reason}", task.status.as_str())
            }
            Self::Priority => task.priority.to_string(),
            Self::Parent => task.parent.as_ref().map(|id| id.as_str().to_owned()).unwrap_or_default(),
            Self::DependsOn => task.depends_on.iter().map(TaskId::as_str).collect::<Vec<_>>().join("\n"),
            Self::Labels => task.labels.join("\n"),
            Self::Files => task.files.join("\n"),
            Self::Acceptance => task.acceptance.join("\n"),
            Self::Description => task.description.trim_end().to_owned(),
            Self::Estimate => task.estimate.as_ref().map(sizes).unwrap_or_default(),
        }
    }

    /// The same, short enough for a message.
    pub(super) fn shown(self, task: &Task) -> String {
        let whole = one_line(&self.of(task), usize::MAX);
        let short = one_line(&whole, SHOWN);
        match short.as_str() {
            "" => "nothing".to_owned(),
            _ if short == whole => format!("`{short}`"),
            _ => format!("`{short}…`"),
        }
    }
}

fn sizes(estimate: &Estimate) -> String {
    let Estimate { files, tests, docs, tokens, confidence } = estimate;
    format!("{files:?} {tests:?} {docs:?} {tokens:?} {confidence:?}")
}

/// What a source said of a task, as digests; of what is left out it said nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said(BTreeMap<String, String>);

impl Said {
    /// What a source says that was read as this task.
    pub(super) fn of(task: &Task) -> Self {
        let nothing = Task::new(task.id.clone(), "");
        let says = |field: &Field| field.of(task) != field.of(&nothing);
        let digest = |field: Field| {
            let bits = hash(&[field.name(), &field.of(task)]);
            (field.name().to_owned(), id::short(bits, DIGEST))
        };
        Self(Field::ALL.into_iter().filter(says).map(digest).collect())
    }

    /// What a task file keeps.
    pub(super) fn parse(text: &str) -> Self {
        let word =
            |word: &str| word.split_once(':').map(|(name, digest)| (name.to_owned(), digest.to_owned()));
        Self(text.split_whitespace().filter_map(word).collect())
    }

    /// As a task file keeps it.
    pub(super) fn encode(&self) -> String {
        self.0.iter().map(|(name, digest)| format!("{name}:{digest}")).collect::<Vec<_>>().join(" ")
    }

    /// The same, but of a field what another one says.
    pub(super) fn with(mut self, field: Field, other: &Self) -> Self {
        self.0.remove(field.name());
        self.0.extend(other.0.get(field.name()).map(|digest| (field.name().to_owned(), digest.clone())));
        self
    }

    /// Whether anything is said of a field.
    pub(super) fn says(&self, field: Field) -> bool {
        self.0.contains_key(field.name())
    }

    /// Whether another one says the same of a field.
    pub(super) fn agrees(&self, other: &Self, field: Field) -> bool {
        self.0.get(field.name()) == other.0.get(field.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_keeps_says_which_fields_are_others() {
        let mut task = Task::new(TaskId::new("a").unwrap(), "one");
        task.labels = vec!["x".to_owned()];
        let then = Said::parse(&Said::of(&task).encode());
        assert_eq!(then, Said::of(&task));
        task.title = "two".to_owned();
        task.labels.clear();
        let now = Said::of(&task);
        let others: Vec<Field> = Field::ALL.into_iter().filter(|field| !then.agrees(&now, *field)).collect();
        assert_eq!(others, [Field::Title, Field::Labels]);
    }

    #[test]
    fn a_value_is_shown_on_one_line() {
        let mut task = Task::new(TaskId::new("a").unwrap(), "x".repeat(70));
        assert_eq!(Field::Title.shown(&task), format!("`{}…`", "x".repeat(60)));
        task.labels = vec!["a".to_owned(), "b".to_owned()];
        assert_eq!(Field::Labels.shown(&task), "`a b`");
        assert_eq!(Field::Parent.shown(&task), "nothing");
    }
}
