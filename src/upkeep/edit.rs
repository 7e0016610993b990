//! Editing a task: what a person made of its file, checked before it is kept, and landed.
//!
//! Invariant: a text that was written in an editor is in a local file until it has landed.

use crate::commit::state_commit;
use crate::effects::{EffectError, World};
use crate::state::graph::{Fault, Graph, Node};
use crate::state::id::short;
use crate::state::layout::stem;
use crate::state::problem::Problem;
use crate::state::store::{Snapshot, Source};
use crate::state::task::{Estimate, Task};
use crate::state::{estimate, file};
use crate::step::land::Landed;
use crate::step::person::land_files;
use crate::step::{Base, Reporter, StepError};
use std::borrow::Cow;
use std::path::{Path, PathBuf};

/// A task as it is, and as it is to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Its file.
    pub path: String,
    /// The text of the file as it is.
    pub before: String,
    /// The text as it is to be.
    pub text: String,
    /// The task as it is to be.
    pub task: Task,
    /// The local file that holds the person's text until it has landed.
    pub copy: Option<String>,
}

/// Why an edit is not kept.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum EditError {
    /// The text is no task, or another one.
    #[error("the text cannot be used")]
    Unusable(Vec<Problem>),
    /// The graph would have a fault that it does not have now.
    #[error("{0}")]
    Fault(Fault),
    /// The editor did not end well, and left the text as it was.
    #[error("`{0}` did not end well; nothing changed")]
    Unchanged(String),
    /// The editor did not end well.
    #[error("`{0}` did not end well")]
    Editor(String),
    /// The file is not any more what the person began with.
    #[error("`{0}` changed while you edited it")]
    Moved(String),
    /// One of these, and the person's text is kept.
    #[error("{why}")]
    Kept {
        /// Which.
        why: Box<EditError>,
        /// The task.
        id: String,
        /// The file that holds the text.
        copy: PathBuf,
    },
    /// The machine failed.
    #[error(transparent)]
    Effect(#[from] EffectError),
}

/// A task that was changed by fields; the rest of its file stays as it was written.
///
/// # Errors
/// When it cannot be kept.
pub fn of_task(
    graph: &Graph,
    path: &str,
    before: String,
    old: &Task,
    mut task: Task,
) -> Result<Change, EditError> {
    check(path, &task, graph)?;
    if task != *old {
        let said = task.estimate.clone();
        estimate::refresh(old, &mut task);
        // What two people change in different groups merges; a little more or less confidence is not worth a conflict.
        if size(said.as_ref()) == size(task.estimate.as_ref()) {
            task.estimate = said;
        }
    }
    let text =
        file::task::rewrite(path, &before, &task).map_err(|problem| EditError::Unusable(vec![problem]))?;
    Ok(Change { path: path.to_owned(), before, text, task, copy: None })
}

/// What an estimate says but how sure it is.
fn size(said: Option<&Estimate>) -> Option<Estimate> {
    said.cloned().map(|said| Estimate { confidence: None, ..said })
}

/// A text that a person wrote.
///
/// # Errors
/// When it cannot be kept.
pub fn of_text(graph: &Graph, path: &str, before: String, text: &[u8]) -> Result<Change, EditError> {
    let task = read(path, text, graph)?;
    let text = String::from_utf8_lossy(text).into_owned();
    Ok(Change { path: path.to_owned(), before, text, task, copy: None })
}

/// Has a copy of the file opened in an editor: `open` waits for it, and says whether it ended well. A text
/// that is not kept stays where it is, and is named.
///
/// # Errors
/// When there is nothing to keep, or it cannot be kept.
pub fn in_editor(
    world: World<'_>,
    snapshot: &Snapshot,
    path: &str,
    before: String,
    editor: &str,
    open: &dyn Fn(&str, &Path) -> Result<bool, EffectError>,
) -> Result<Change, EditError> {
    let bits = u64::try_from(world.ids.random() & u128::from(u64::MAX)).unwrap_or_default();
    let name = format!("edit/{}-{}.toml", stem(path), short(bits, 6));
    let copy = world.files.root().join(&name);
    world.files.write(&name, before.as_bytes(), true)?;
    let ended_well = open(editor, &copy)?;
    let text = world.files.read(&name)?.unwrap_or_default();
    if text == before.as_bytes() {
        world.files.remove(&name)?;
        if !ended_well {
            return Err(EditError::Unchanged(editor.to_owned()));
        }
    }
    let kept = |why| EditError::Kept { why: Box::new(why), id: stem(path).to_owned(), copy };
    if !ended_well {
        return Err(kept(EditError::Editor(editor.to_owned())));
    }
    if snapshot.source.read_path(world, path)?.as_deref() != Some(before.as_bytes()) {
        return Err(kept(EditError::Moved(path.to_owned())));
    }
    let change = of_text(&snapshot.graph, path, before, &text).map_err(kept)?;
    Ok(Change { copy: Some(name), ..change })
}

/// Lands a change; none if there is nothing to land. An edit of the user's that is not committed yet
/// goes with it: the work tree it was read from is given the new text first, so that the landing finds
/// there what it brings.
///
/// # Errors
/// When it cannot land; that work tree is then as it was.
pub fn land(
    world: World<'_>,
    base: &Base,
    change: &Change,
    source: &Source,
    reporter: &dyn Reporter,
) -> Result<Option<Landed>, StepError> {
    let at_tip = base.snapshot.source.read_path(world, &change.path)?;
    let at_tip = at_tip.as_deref();
    let (before, text) = (as_committed(&change.before, at_tip), as_committed(&change.text, at_tip));
    if at_tip == Some(text.as_bytes()) && text == before {
        return Ok(None);
    }
    let work = match source {
        Source::Work(root) => Some(root).filter(|_| at_tip != Some(before.as_bytes())),
        Source::Tree(_) => None,
    };
    let write = |text: &str| match work {
        Some(root) => world.files.write_work(root, &change.path, Some(text.as_bytes())),
        None => Ok(()),
    };
    write(&change.text)?;
    let subject = state_commit(&format!("edit {}", change.task.id));
    let edit = (change.path.clone(), Some(text.into_owned().into_bytes()));
    match land_files(world, base, &[edit], &subject, reporter) {
        Ok(landed) => Ok(Some(landed)),
        Err(error) => {
            write(&change.before)?;
            Err(error)
        }
    }
}

/// A text as git keeps it: a checkout may have other line ends than what is committed.
fn as_committed<'t>(text: &'t str, at_tip: Option<&[u8]>) -> Cow<'t, str> {
    let has_carriage_returns = at_tip.is_some_and(|bytes| bytes.contains(&b'\r'));
    if has_carriage_returns { Cow::Borrowed(text) } else { Cow::Owned(text.replace("\r\n", "\n")) }
}

/// Reads what a person made of a task's file, and checks it against all other tasks.
fn read(path: &str, text: &[u8], graph: &Graph) -> Result<Task, EditError> {
    let read = file::task::read(path, text);
    let Some(task) = read.value else { return Err(EditError::Unusable(read.problems)) };
    check(path, &task, graph)?;
    Ok(task)
}

/// Whether a task that is new or changed leaves the graph as whole as it was.
///
/// # Errors
/// When it closes a cycle, or names a task that is not there.
pub fn check(path: &str, task: &Task, graph: &Graph) -> Result<(), EditError> {
    let mut nodes: Vec<Node> = graph.nodes().to_vec();
    let node = Node::of(task, path);
    match graph.find(task.id.as_str()) {
        Some(index) => nodes[index] = node,
        None => nodes.push(node),
    }
    let after = Graph::new(nodes);
    let new = after.faults().iter().find(|fault| !graph.faults().contains(fault));
    new.map_or(Ok(()), |fault| Err(EditError::Fault(fault.clone())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::id::TaskId;

    fn id(text: &str) -> TaskId {
        TaskId::new(text).unwrap()
    }

    fn task(name: &str, after: &[&str]) -> Task {
        let mut task = Task::new(id(name), format!("title of {name}"));
        task.depends_on = after.iter().map(|name| id(name)).collect();
        task
    }

    fn graph(tasks: &[Task]) -> Graph {
        Graph::new(tasks.iter().map(|task| Node::of(task, "p")).collect())
    }

    #[test]
    fn a_cycle_is_refused_and_named() {
        let graph = graph(&[task("a", &[]), task("b", &["a"]), task("c", &["b"])]);
        let error = check("p", &task("a", &["c"]), &graph).unwrap_err();
        assert_eq!(error.to_string(), "dependency cycle: `a` -> `c` -> `b` -> `a`");
    }

    #[test]
    fn a_parent_cycle_is_refused_too() {
        let child = Task { parent: Some(id("a")), ..task("b", &[]) };
        let graph = graph(&[task("a", &[]), child]);
        let error = check("p", &Task { parent: Some(id("b")), ..task("a", &[]) }, &graph).unwrap_err();
        assert!(matches!(error, EditError::Fault(Fault::ParentCycle(_))), "{error}");
    }

    #[test]
    fn a_task_that_is_not_there_is_refused() {
        let graph = graph(&[task("a", &[])]);
        let error = check("p", &task("a", &["gone"]), &graph).unwrap_err();
        assert_eq!(error.to_string(), "`a` depends on `gone`, which is not there");
    }

    #[test]
    fn a_fault_that_is_there_already_does_not_stop_another_edit() {
        let graph = graph(&[task("a", &["gone"]), task("b", &[])]);
        assert_eq!(check("p", &task("b", &["a"]), &graph), Ok(()));
        assert_eq!(check("p", &task("a", &["b"]), &graph), Ok(()));
    }

    #[test]
    fn a_text_that_is_another_task_is_refused() {
        let graph = graph(&[task("a", &[])]);
        let text = file::task::write(&task("b", &[]));
        let error = read(".orchestrator/tasks/a.toml", text.as_bytes(), &graph).unwrap_err();
        let EditError::Unusable(problems) = error else { panic!("{error}") };
        assert!(problems[0].fact.contains("not the name of the file"), "{problems:?}");
    }
}
