//! Foreign task files: what other tools wrote, read as orch's tasks and notes.
//!
//! In: the files that the user named, as bytes. Out: an [`Import`] with every loss named.
//! Invariant: the tasks of an import are closed and acyclic, their ids are legal and unique ignoring
//! case, `run` is never set, and the same bytes give the same import. A record that cannot be used is
//! a [`Loss`]; an error means that nothing could be used.
//! Not here: reading the files, or writing the tasks (`cli`).

mod text;
mod words;
mod fields;
mod yaml;
mod markdown;
mod draft;
mod cycles;
mod notes;
mod assemble;
mod beads;
mod task_master;
mod backlog_md;
mod spec_kit;
mod ralph;
mod tk;
mod weathervane;
mod references;
mod issue;
mod forge;
mod detect;
mod said;
mod project;
mod reconcile;

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod two_projects;

pub use assemble::source;
pub use draft::Losses;
pub use project::place;
pub use reconcile::{Reconciled, reconcile};
pub use words::priority;

use crate::state::id::TaskId;
use crate::state::note::Note;
use crate::state::task::Task;
use std::fmt;
use thiserror::Error;

/// The largest foreign file that is read, in bytes.
pub const MAX_FOREIGN_BYTES: usize = 256 << 20;

/// A way in which other tools keep their tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// beads: JSON lines.
    Beads,
    /// Task Master: `tasks.json`.
    TaskMaster,
    /// Backlog.md: a folder of Markdown files.
    BacklogMd,
    /// spec-kit: `tasks.md`.
    SpecKit,
    /// ralph: `prd.json`, or ralph-orchestrator's `tasks.jsonl`.
    Ralph,
    /// tk: a folder `.tickets/`.
    Tk,
    /// A roadmap in YAML: epics, milestones, tasks.
    Weathervane,
    /// Issues of GitHub: a list, one of them, or the payload of an event.
    Github,
    /// The same of Gitea and Forgejo.
    Gitea,
    /// The same of GitLab.
    Gitlab,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Beads,
        Self::TaskMaster,
        Self::BacklogMd,
        Self::SpecKit,
        Self::Ralph,
        Self::Tk,
        Self::Weathervane,
        Self::Github,
        Self::Gitea,
        Self::Gitlab,
    ];

    /// The word on the command line and in `source`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Beads => "beads",
            Self::TaskMaster => "task-master",
            Self::BacklogMd => "backlog-md",
            Self::SpecKit => "spec-kit",
            Self::Ralph => "ralph",
            Self::Tk => "tk",
            Self::Weathervane => "weathervane",
            Self::Github => "github",
            Self::Gitea => "gitea",
            Self::Gitlab => "gitlab",
        }
    }

    /// The format that a word names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        let word = match word {
            "bd" => "beads",
            "taskmaster" => "task-master",
            "backlog" | "backlog.md" => "backlog-md",
            "speckit" => "spec-kit",
            "forgejo" => "gitea",
            other => other,
        };
        Self::ALL.into_iter().find(|format| format.as_str() == word)
    }

    /// Whether what is read is a part of more, some of which may have been read before.
    #[must_use]
    pub fn is_forge(self) -> bool {
        matches!(self, Self::Github | Self::Gitea | Self::Gitlab)
    }

    /// Whether the keys of its tasks say which project or plan they are of.
    fn has_projects_in_keys(self) -> bool {
        match self {
            Self::SpecKit | Self::Ralph | Self::Github | Self::Gitea | Self::Gitlab => true,
            Self::Beads | Self::TaskMaster | Self::BacklogMd | Self::Tk | Self::Weathervane => false,
        }
    }

    /// The format that files are most likely in, by their names and then by their beginnings.
    #[must_use]
    pub fn detect(files: &[ForeignFile]) -> Option<Self> {
        detect::detect(files)
    }

    /// What else lies at a path, by the names of its files, and what to type to have that read.
    #[must_use]
    pub fn others(self, files: &[ForeignFile], path: &str) -> Vec<Loss> {
        let named = detect::named(files);
        let others = Self::ALL.into_iter().filter(|format| *format != self && named.contains(format));
        others
            .map(|other| Loss {
                what: LossKind::Skipped,
                item: other.to_string(),
                detail: format!("is here, too: type `orch import {other} {path}`"),
                count: 1,
            })
            .collect()
    }

    /// Whether a file below the folder that the user named is worth reading for this format.
    #[must_use]
    pub fn wants(self, path: &str) -> bool {
        detect::wants(self, path)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A file of another tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignFile {
    /// Its path from what the user named, with `/`; for a single file its name.
    pub path: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// What became of something that could not be kept as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LossKind {
    /// A record, or a whole file, was not read.
    Skipped,
    /// A field or an edge has no place in orch.
    Dropped,
    /// A value was read as the nearest that orch has.
    Mapped,
    /// An edge named something that is not there.
    Dangling,
    /// An edge that would close a cycle was left out.
    Cycle,
    /// An id occurred before.
    Duplicate,
    /// An id was not legal, or taken, so the task has another.
    Renamed,
    /// A text or list was cut.
    Truncated,
    /// Two facts contradict each other; orch's rule decided.
    Conflict,
}

impl LossKind {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Skipped,
        Self::Dropped,
        Self::Mapped,
        Self::Dangling,
        Self::Cycle,
        Self::Duplicate,
        Self::Renamed,
        Self::Truncated,
        Self::Conflict,
    ];

    /// The word in output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Skipped => "skipped",
            Self::Dropped => "dropped",
            Self::Mapped => "mapped",
            Self::Dangling => "dangling",
            Self::Cycle => "cycle",
            Self::Duplicate => "duplicate",
            Self::Renamed => "renamed",
            Self::Truncated => "truncated",
            Self::Conflict => "conflict",
        }
    }
}

/// Something that an import could not keep as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// What became of it.
    pub what: LossKind,
    /// What it concerns: a place (`path:line`), an id, a field, a type.
    pub item: String,
    /// The fact, lower case, names in backticks.
    pub detail: String,
    /// How many times it happened.
    pub count: usize,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.what.as_str(), self.item, self.detail)?;
        if self.count > 1 { write!(f, " ({} times)", self.count) } else { Ok(()) }
    }
}

/// What came of reading foreign files.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Import {
    /// The tasks, in the order of their ids.
    pub tasks: Vec<Task>,
    /// The notes, in the order of their ids.
    pub notes: Vec<Note>,
    /// Edges to what is not in this import, but may be here.
    pub outer: Vec<OuterEdge>,
    /// What those tasks have as their `source` that somebody opened again, as an event tells.
    pub reopened: Vec<String>,
    /// Everything that could not be kept as it was.
    pub losses: Vec<Loss>,
}

/// An edge to a task that came, or did not come, with an earlier import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OuterEdge {
    /// The task that has it.
    pub from: TaskId,
    /// What the other task has as its `source`.
    pub to: String,
    /// Whether the other one is its parent; else it depends on it.
    pub is_parent: bool,
}

/// Why foreign files could not be read at all.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ImportError {
    /// No file looks like one of this format.
    #[error("no file of the format `{0}` is there")]
    NoFiles(Format),
    /// A file is larger than orch reads.
    #[error("`{path}` is larger than {} MiB", MAX_FOREIGN_BYTES >> 20)]
    TooLarge {
        /// The file.
        path: String,
    },
    /// No file could be read; this is what is wrong with the first.
    #[error("{item}: {detail}")]
    Unreadable {
        /// The place.
        item: String,
        /// The fact.
        detail: String,
    },
}

/// Reads foreign files.
///
/// # Errors
/// When nothing of them could be used; a bad record among good ones is a loss.
pub fn read(format: Format, files: &[ForeignFile]) -> Result<Import, ImportError> {
    let wanted = wanted(format, files)?;
    let harvest = match format {
        Format::Beads => beads::read(&wanted),
        Format::TaskMaster => task_master::read(&wanted),
        Format::BacklogMd => backlog_md::read(&wanted),
        Format::SpecKit => spec_kit::read(&wanted),
        Format::Ralph => ralph::read(&wanted),
        Format::Tk => tk::read(&wanted),
        Format::Weathervane => weathervane::read(&wanted),
        Format::Github | Format::Gitea | Format::Gitlab => forge::read(format, &wanted),
    };
    let nothing = harvest.drafts.is_empty() && harvest.notes.is_empty();
    let import = assemble::assemble(format, harvest);
    match import.losses.iter().find(|loss| loss.what == LossKind::Skipped) {
        Some(loss) if nothing => {
            Err(ImportError::Unreadable { item: loss.item.clone(), detail: loss.detail.clone() })
        }
        _ => Ok(import),
    }
}

/// The files that a format reads, sorted by path; a single file is read whatever its name.
fn wanted(format: Format, files: &[ForeignFile]) -> Result<Vec<&ForeignFile>, ImportError> {
    let mut wanted: Vec<&ForeignFile> =
        files.iter().filter(|file| files.len() == 1 || format.wants(&file.path)).collect();
    if wanted.is_empty() {
        return Err(ImportError::NoFiles(format));
    }
    if let Some(file) = wanted.iter().find(|file| file.bytes.len() > MAX_FOREIGN_BYTES) {
        return Err(ImportError::TooLarge { path: text::one_line(&file.path, 200) });
    }
    wanted.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(wanted)
}
