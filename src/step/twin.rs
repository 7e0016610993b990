//! What others have proposed or noted meanwhile is not added again.
//!
//! In: a step's base, the tip that it lands on, and the tree that both make. Out: that tree without the new tasks and
//! notes that say what is new at the tip as well. Invariant: what waits for a task that is left out waits for its
//! twin; what is left out is told.

use super::error::StepError;
use super::event::{Event, Reporter};
use super::land::{FileEdit, tree_with};
use crate::effects::{Oid, World};
use crate::plan::is_same_work;
use crate::state::file;
use crate::state::id::TaskId;
use crate::state::layout::{self, FileKind};
use crate::state::note::Note;
use crate::state::task::Task;
use bstr::ByteSlice as _;
use std::collections::BTreeMap;

/// Tasks and notes that are new in a tree, with their paths.
#[derive(Default)]
struct New {
    tasks: Vec<(String, Task)>,
    notes: Vec<(String, Note)>,
}

/// A tree without what it adds to the tip's that the tip has added to the base's as well.
///
/// # Errors
/// When an object cannot be read or written.
pub(super) fn left_out(
    world: World<'_>,
    (base, tip): (Oid, Oid),
    merged: Oid,
    reporter: &dyn Reporter,
) -> Result<Oid, StepError> {
    let ours = added(world, tip, merged)?;
    if ours.tasks.is_empty() && ours.notes.is_empty() {
        return Ok(merged);
    }
    let theirs = added(world, base, tip)?;
    let mut edits: Vec<FileEdit> = Vec::new();
    let mut twins: BTreeMap<&TaskId, &TaskId> = BTreeMap::new();
    // What is proposed is open; what plans are runs of is closed.
    for (path, task) in ours.tasks.iter().filter(|(_, task)| !task.status.is_closed()) {
        let twin = theirs.tasks.iter().find(|(_, other)| is_same_work(&task.title, &other.title));
        if let Some((_, twin)) = twin {
            let text = format!("`{}` is left out: `{}` is the same work", task.title, twin.id);
            reporter.event(&Event::Warning { text });
            twins.insert(&task.id, &twin.id);
            edits.push((path.clone(), None));
        }
    }
    for (path, task) in ours.tasks.iter().filter(|(_, task)| !twins.contains_key(&task.id)) {
        if task.depends_on.iter().any(|id| twins.contains_key(id)) {
            let mut task = task.clone();
            for id in &mut task.depends_on {
                *id = twins.get(id).map_or_else(|| id.clone(), |twin| (*twin).clone());
            }
            task.normalise();
            edits.push((path.clone(), Some(file::task::write(&task).into_bytes())));
        }
    }
    let is_known = |note: &Note| theirs.notes.iter().any(|(_, other)| says_the_same(note, other));
    edits.extend(ours.notes.iter().filter(|(_, note)| is_known(note)).map(|(path, _)| (path.clone(), None)));
    if edits.is_empty() { Ok(merged) } else { tree_with(world, merged, &edits) }
}

fn says_the_same(note: &Note, other: &Note) -> bool {
    note.kind == other.kind && note.text.split_whitespace().eq(other.text.split_whitespace())
}

/// What one tree has of tasks and notes that another has not.
fn added(world: World<'_>, before: Oid, after: Oid) -> Result<New, StepError> {
    let mut new = New::default();
    for change in world.git.changes(before, after)? {
        let (None, Some((_, blob))) = (change.old, change.new) else { continue };
        let path = change.path.to_str_lossy().into_owned();
        match layout::kind_of(&path) {
            FileKind::Task => {
                let task = file::task::read(&path, &world.git.blob(blob)?).value;
                new.tasks.extend(task.map(|task| (path, task)));
            }
            FileKind::Note => {
                let note = file::note::read(&path, &world.git.blob(blob)?).value;
                new.notes.extend(note.map(|note| (path, note)));
            }
            FileKind::Config
            | FileKind::Checkpoint
            | FileKind::Run
            | FileKind::Readme
            | FileKind::Unknown => {}
        }
    }
    Ok(new)
}
