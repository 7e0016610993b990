//! orch's tasks as the files of other tools: the mirror of `import`.
//!
//! In: tasks. Out: files as bytes, and every loss named. Invariant: what is lost is not claimed but
//! found: the files are read back by `import`, and each difference is a [`Loss`].
//! Not here: reading the state, or writing the files (`cli`).

mod read_back;
mod yaml;
mod markdown;
mod words;
mod beads;
mod forge;
mod task_master;
mod backlog_md;
mod tk;
mod weathervane;
mod ralph;
mod spec_kit;

#[cfg(test)]
mod round_trip;

pub use forge::origin;

use crate::import::{ForeignFile, Format, Loss};
use crate::state::id::TaskId;
use crate::state::task::Task;
use std::collections::{HashMap, HashSet};

/// The formats that can be written.
pub const FORMATS: [Format; 10] = [
    Format::Beads,
    Format::TaskMaster,
    Format::BacklogMd,
    Format::SpecKit,
    Format::Ralph,
    Format::Tk,
    Format::Weathervane,
    Format::Github,
    Format::Gitea,
    Format::Gitlab,
];

/// Whether a format is a folder of files, not one file.
#[must_use]
pub fn is_folder(format: Format) -> bool {
    match format {
        Format::BacklogMd | Format::Tk => true,
        Format::Beads
        | Format::TaskMaster
        | Format::SpecKit
        | Format::Ralph
        | Format::Weathervane
        | Format::Github
        | Format::Gitea
        | Format::Gitlab => false,
    }
}

/// What came of writing tasks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// The files; one, unless the format is a folder.
    pub files: Vec<ForeignFile>,
    /// What a reader of them does not get as it is here.
    pub losses: Vec<Loss>,
}

/// Files, and what the other tool calls each task in them.
struct Written {
    files: Vec<ForeignFile>,
    names: HashMap<TaskId, String>,
}

impl Written {
    /// One file in which tasks have the ids that they have here.
    fn one(path: &str, text: String, tasks: &[Task]) -> Self {
        Self { files: vec![file(path.to_owned(), text)], names: own_names(tasks) }
    }
}

fn file(path: String, text: String) -> ForeignFile {
    ForeignFile { path, bytes: text.into_bytes() }
}

fn own_names(tasks: &[Task]) -> HashMap<TaskId, String> {
    tasks.iter().map(|task| (task.id.clone(), task.id.to_string())).collect()
}

/// Writes tasks.
#[must_use]
pub fn write(format: Format, tasks: &[Task]) -> Export {
    let held = held(format, tasks);
    let written = match format {
        Format::Beads => beads::write(&held),
        Format::TaskMaster => task_master::write(&held),
        Format::BacklogMd => backlog_md::write(&held),
        Format::SpecKit => {
            // By order is how it is written there; where that would say what is not meant, all is named.
            let by_order = spec_kit::write(&held, true);
            let named = spec_kit::write(&held, false);
            let edges = |written: &Written| read_back::losses(format, tasks, written).1;
            if edges(&by_order) <= edges(&named) { by_order } else { named }
        }
        Format::Ralph => ralph::write(&held),
        Format::Tk => tk::write(&held),
        Format::Weathervane => weathervane::write(&held),
        Format::Github | Format::Gitea | Format::Gitlab => forge::write(format, &held),
    };
    let (losses, _) = read_back::losses(format, tasks, &written);
    Export { files: written.files, losses }
}

/// Parents above each other that are written; more would be deeper than readers go.
const MAX_NESTING: usize = 32;

/// The tasks that a format can hold, without edges to others, nested as deep as can be read.
fn held(format: Format, tasks: &[Task]) -> Vec<Task> {
    let can_hold = |task: &&Task| match format {
        Format::Ralph => ralph::can_hold(task),
        Format::SpecKit => spec_kit::can_hold(task),
        Format::Beads
        | Format::TaskMaster
        | Format::BacklogMd
        | Format::Tk
        | Format::Weathervane
        | Format::Github
        | Format::Gitea
        | Format::Gitlab => true,
    };
    let mut held: Vec<Task> = tasks.iter().filter(can_hold).cloned().collect();
    held.sort_by(|a, b| a.id.cmp(&b.id));
    let there: HashSet<String> = held.iter().map(|task| task.id.folded()).collect();
    for task in &mut held {
        task.depends_on.retain(|id| there.contains(&id.folded()));
        task.parent = task.parent.take().filter(|id| there.contains(&id.folded()));
    }
    let parents: HashMap<String, String> =
        held.iter().filter_map(|task| Some((task.id.folded(), task.parent.as_ref()?.folded()))).collect();
    for task in &mut held {
        let above = std::iter::successors(parents.get(&task.id.folded()), |parent| parents.get(*parent));
        // A circle has no end either.
        if above.take(MAX_NESTING + 1).count() > MAX_NESTING {
            task.parent = None;
        }
    }
    held
}

/// Children by their parents, in the order of the tasks; those without a parent under none.
type Children<'t> = HashMap<Option<String>, Vec<&'t Task>>;

fn children(tasks: &[Task]) -> Children<'_> {
    let mut children = Children::new();
    for task in tasks {
        children.entry(task.parent.as_ref().map(TaskId::folded)).or_default().push(task);
    }
    children
}
