//! Importing: foreign tasks joined with the tasks that are there.
//!
//! Invariant: what an import does not change keeps its bytes, so a second import of the same files is
//! no commit.

use super::delivery::{MAX_BYTES, Refused};
use crate::effects::World;
use crate::import::{ForeignFile, Format, Import, ImportError, Loss, LossKind, place, read, reconcile};
use crate::state::estimate;
use crate::state::file;
use crate::state::layout;
use crate::state::note::Note;
use crate::state::notes;
use crate::state::problem::Problem;
use crate::state::task::Task;
use crate::step::land::FileEdit;
use crate::step::{Base, StepError};
use std::collections::{HashMap, HashSet};

/// What an import comes to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Intake {
    /// The files of its commit; none when nothing changes.
    pub files: Vec<FileEdit>,
    /// Ids of the tasks that it adds.
    pub new: Vec<String>,
    /// Ids of the tasks that it changes.
    pub changed: Vec<String>,
    /// How many tasks are as they should be.
    pub unchanged: usize,
    /// How many notes it adds.
    pub notes: usize,
    /// What could not be kept.
    pub losses: Vec<Loss>,
}

impl Intake {
    /// What it does, in words: `3 tasks`.
    #[must_use]
    pub fn what(&self) -> String {
        let plural = |count: usize, word: &str| match count {
            1 => format!("1 {word}"),
            _ => format!("{count} {word}s"),
        };
        let tasks = self.new.len() + self.changed.len();
        match (tasks, self.notes) {
            (0, notes) => plural(notes, "note"),
            (tasks, 0) => plural(tasks, "task"),
            (tasks, notes) => format!("{} and {}", plural(tasks, "task"), plural(notes, "note")),
        }
    }
}

/// Joins an import with the state at the tip.
///
/// # Errors
/// When a task that is there cannot be read, or not be changed without changing more.
pub fn plan(world: World<'_>, base: &Base, import: Import) -> Result<Intake, StepError> {
    let nodes = base.snapshot.graph.nodes();
    let mut existing = Vec::with_capacity(nodes.len());
    let mut files = Vec::with_capacity(nodes.len());
    for (index, node) in nodes.iter().enumerate() {
        let (text, task) = base.snapshot.task(world, index)?;
        files.push((&*node.path, text));
        existing.push(task);
    }
    let (notes, _) = notes::load(world, &base.snapshot.source)?;
    join(&existing, &files, &notes.all(), import).map_err(|why| StepError::Invalid(vec![why]))
}

/// Joins an import with the tasks that are there, the path and the text of each one's file, and the notes.
///
/// # Errors
/// When a task that is there cannot be changed without changing more.
pub fn join(
    existing: &[Task],
    files: &[(&str, String)],
    notes: &[Note],
    mut import: Import,
) -> Result<Intake, Problem> {
    import.losses.extend(place(existing, &mut import.tasks));
    let places: HashMap<String, usize> =
        existing.iter().enumerate().map(|(at, task)| (task.id.folded(), at)).collect();
    let sure = |task: &Task| Some((task.source.clone()?, task.estimate.as_ref()?.confidence?));
    let said: HashMap<String, f64> = import.tasks.iter().filter_map(sure).collect();
    let reconciled = reconcile(existing, import.tasks, &import.outer, &import.reopened);
    let mut intake = Intake { losses: import.losses, unchanged: reconciled.unchanged, ..Intake::default() };
    intake.losses.extend(reconciled.losses);
    for mut task in reconciled.changed {
        let Some(&at) = places.get(&task.id.folded()) else { continue };
        let (Some(old), Some((path, text))) = (existing.get(at), files.get(at)) else { continue };
        estimate::refresh(old, &mut task);
        if let Some(estimate) = &mut task.estimate {
            let said = task.source.as_ref().and_then(|source| said.get(source));
            estimate.confidence = said.copied().or(estimate.confidence);
        }
        let new = file::task::rewrite(path, text, &task)?;
        intake.changed.push(task.id.to_string());
        intake.files.push(((*path).to_owned(), Some(new.into_bytes())));
    }
    let flat = files.iter().filter(|(path, _)| layout::is_flat(path)).count();
    add(reconciled.new, flat, &mut intake);
    let known: HashSet<String> = notes.iter().map(|note| note.id.folded()).collect();
    for note in import.notes.iter().filter(|note| !known.contains(&note.id.folded())) {
        intake.notes += 1;
        intake.files.push((layout::note(&note.id), Some(file::note::write(note).into_bytes())));
    }
    Ok(intake)
}

/// What a webhook's payload comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Received {
    /// A task.
    Issue {
        /// What it has as its `source`.
        source: String,
        /// What that means for the state.
        intake: Intake,
    },
    /// It is not about an issue; why.
    Nothing(String),
    /// It cannot be read; why.
    Unreadable(String),
}

/// Joins the issue of a payload with the state at the tip.
///
/// # Errors
/// As [`plan`].
pub fn receive(
    world: World<'_>,
    base: &Base,
    forge: Option<Format>,
    payload: Vec<u8>,
) -> Result<Received, StepError> {
    if payload.len() as u64 > MAX_BYTES {
        return Ok(Received::Unreadable(Refused::TooLarge.to_string()));
    }
    if let Err(error) = serde_json::from_slice::<serde::de::IgnoredAny>(&payload) {
        return Ok(Received::Unreadable(format!("the payload is not valid JSON: {error}")));
    }
    let files = [ForeignFile { path: "payload.json".to_owned(), bytes: payload }];
    let Some(format) = forge.or_else(|| Format::detect(&files).filter(|format| format.is_forge())) else {
        return Ok(Received::Nothing("the event is not about an issue".to_owned()));
    };
    match read(format, &files) {
        Ok(import) => {
            let source = import.tasks.first().and_then(|task| task.source.clone()).unwrap_or_default();
            Ok(Received::Issue { source, intake: plan(world, base, import)? })
        }
        Err(ImportError::Unreadable { detail, .. }) => Ok(Received::Nothing(detail)),
        Err(error @ (ImportError::NoFiles(_) | ImportError::TooLarge { .. })) => {
            Ok(Received::Unreadable(error.to_string()))
        }
    }
}

/// New tasks go directly into `tasks/` while that holds few files.
fn add(tasks: Vec<Task>, mut flat: usize, intake: &mut Intake) {
    for mut task in tasks {
        estimate::put_unless_said(&mut task);
        let path = layout::new_task(&task.id, flat);
        flat += 1;
        intake.new.push(task.id.to_string());
        intake.files.push((path, Some(file::task::write(&task).into_bytes())));
    }
}

/// Losses as a report: kinds in their order, each with lines of its own; about `lines` of them in all, of which
/// kinds that have few lose none to kinds that have many.
#[must_use]
pub fn loss_report(losses: &[Loss], lines: usize) -> String {
    use std::fmt::Write as _;
    let of_kind = |kind| losses.iter().filter(|loss| loss.what == kind).collect();
    let kinds = LossKind::ALL.map(|kind| (kind, of_kind(kind)));
    let share = share(&kinds.each_ref().map(|(_, of_kind): &(LossKind, Vec<&Loss>)| of_kind.len()), lines);
    let mut text = String::new();
    for (kind, of_kind) in kinds.iter().filter(|(_, of_kind)| !of_kind.is_empty()) {
        let count = of_kind.iter().map(|loss| loss.count).sum::<usize>();
        let _ = writeln!(text, "{} ({count})", kind.as_str());
        for loss in of_kind.iter().take(share) {
            let times = if loss.count > 1 { format!(" ({} times)", loss.count) } else { String::new() };
            let _ = writeln!(text, "  {}: {}{times}", loss.item, loss.detail);
        }
        if of_kind.len() > share {
            let _ = writeln!(text, "  and {} more; `--json` lists all", of_kind.len() - share);
        }
    }
    text
}

/// The most lines, one at least, that each list may have so that all of them have no more than `lines`.
fn share(lists: &[usize], lines: usize) -> usize {
    let fits = |share: &usize| lists.iter().map(|list| list.min(share)).sum::<usize>() <= lines;
    (1..=lines).take_while(fits).last().unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::id::TaskId;

    fn loss(what: LossKind, item: &str, count: usize) -> Loss {
        Loss { what, item: item.to_owned(), detail: "a fact".to_owned(), count }
    }

    #[test]
    fn losses_are_grouped_by_kind_and_cut() {
        let losses = [
            loss(LossKind::Dropped, "x", 3),
            loss(LossKind::Skipped, "y", 1),
            loss(LossKind::Dropped, "z", 1),
        ];
        let report = loss_report(&losses, 2);
        assert_eq!(
            report,
            "skipped (1)\n  y: a fact\ndropped (4)\n  x: a fact (3 times)\n  and 1 more; `--json` lists all\n"
        );
        assert!(loss_report(&losses, 20).ends_with("  z: a fact\n"));
    }

    #[test]
    fn no_kind_of_loss_is_cut_for_the_many_of_another() {
        let mut losses = vec![loss(LossKind::Dropped, "many", 1); 30];
        losses.extend(["r1", "r2"].map(|item| loss(LossKind::Renamed, item, 1)));
        losses.push(loss(LossKind::Conflict, "c", 1));
        let report = loss_report(&losses, 8);
        assert_eq!(report.matches("  many: a fact").count(), 5, "{report}");
        assert!(report.contains("  and 25 more; `--json` lists all\nrenamed (2)\n  r1: "), "{report}");
        assert!(report.ends_with("  r2: a fact\nconflict (1)\n  c: a fact\n"), "{report}");
        assert!(loss_report(&losses, 1).ends_with("conflict (1)\n  c: a fact\n"));
    }

    #[test]
    fn new_tasks_go_into_folders_when_there_are_many() {
        let mut intake = Intake::default();
        let tasks = ["a", "b"].map(|id| Task::new(TaskId::new(id).unwrap(), "t")).to_vec();
        add(tasks, layout::TASKS_FLAT - 1, &mut intake);
        let paths: Vec<&str> = intake.files.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(paths, [".orchestrator/tasks/a.toml", ".orchestrator/tasks/3e/b.toml"]);
        let text = String::from_utf8(intake.files[0].1.clone().unwrap()).unwrap();
        assert!(text.contains("[estimate]"), "{text}");
    }

    #[test]
    fn what_an_import_does_is_said_in_words() {
        let named = |count: usize| vec!["x".to_owned(); count];
        let what = |new, changed, notes| {
            Intake { new: named(new), changed: named(changed), notes, ..Intake::default() }.what()
        };
        assert_eq!(what(1, 0, 0), "1 task");
        assert_eq!(what(2, 3, 1), "5 tasks and 1 note");
        assert_eq!(what(0, 0, 2), "2 notes");
    }
}
