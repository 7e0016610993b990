//! The state at one moment: every file, and how they fit together.

use crate::config::read::{Layers, read as read_config};
use crate::effects::World;
use crate::state::file;
use crate::state::graph::{Fault, Graph};
use crate::state::id::{NoteId, RunId, TaskId};
use crate::state::layout::{self, FileKind};
use crate::state::news::StateFile;
use crate::state::problem::Problem;
use crate::state::status::Status;
use crate::state::store::{Source, load};
use crate::state::task::Kind;
use crate::step::StepError;
use std::collections::{HashMap, HashSet};

/// What other files name, and where.
#[derive(Debug, Default)]
struct Named {
    /// Run records: id, task, path.
    runs: Vec<(RunId, TaskId, String)>,
    /// Notes: id, tasks, what they supersede, path.
    notes: Vec<(NoteId, Vec<TaskId>, Option<NoteId>, String)>,
    /// Checkpoints: task, path.
    checkpoints: Vec<(TaskId, String)>,
}

/// Everything that is wrong with the state.
///
/// # Errors
/// When the source cannot be read.
pub fn audit(world: World<'_>, source: &Source) -> Result<Vec<Problem>, StepError> {
    let mut problems = Vec::new();
    let mut named = Named::default();
    let files = source.list(world, layout::ROOT)?;
    let mut tasks = HashSet::new();
    for state_file in &files {
        if layout::kind_of(&state_file.path) == FileKind::Task {
            tasks.insert(state_file.path.as_str());
        } else {
            one(world, source, state_file, &mut named, &mut problems)?;
        }
    }
    missing(&files, &mut problems);
    let snapshot = load(world, source.clone())?;
    problems.extend(snapshot.problems.iter().cloned());
    problems.extend(graph(&snapshot.graph));
    // A task file that cannot be read is there all the same.
    let known: HashSet<String> = tasks.iter().map(|path| layout::stem(path).to_ascii_lowercase()).collect();
    problems.extend(named.problems(&known));
    Ok(problems)
}

/// Reads one file that is not a task.
fn one(
    world: World<'_>,
    source: &Source,
    state_file: &StateFile,
    named: &mut Named,
    problems: &mut Vec<Problem>,
) -> Result<(), StepError> {
    let path = state_file.path.as_str();
    let kind = layout::kind_of(path);
    if kind == FileKind::Unknown {
        let fact = "orch did not write this file, and does not read it";
        problems.push(Problem::warning(path, None, fact).with_remedy("move it out of `.orchestrator/`"));
        return Ok(());
    }
    if let Some(problem) = state_file.odd() {
        problems.push(problem);
        return Ok(());
    }
    let bytes = source.read(world, state_file)?;
    match kind {
        FileKind::Config => {
            problems.extend(read_config(&Layers { repository: Some(&bytes), user: None }).problems);
        }
        FileKind::Note => {
            let read = file::note::read(path, &bytes);
            problems.extend(read.problems);
            let note = read.value.map(|note| (note.id, note.tasks, note.supersedes, path.to_owned()));
            named.notes.extend(note);
        }
        FileKind::Checkpoint => {
            let read = file::checkpoint::read(path, &bytes);
            problems.extend(read.problems);
            named.checkpoints.extend(read.value.map(|checkpoint| (checkpoint.task, path.to_owned())));
        }
        FileKind::Run => {
            let read = file::run::read(path, &bytes);
            problems.extend(read.problems);
            if let Some(run) = read.value {
                let place = layout::run(&run.id, run.started);
                if place != path {
                    let fact = format!("the record belongs at `{place}`");
                    problems.push(Problem::warning(path, None, fact));
                }
                named.runs.push((run.id, run.task, path.to_owned()));
            }
        }
        FileKind::Task | FileKind::Readme | FileKind::Unknown => {}
    }
    Ok(())
}

/// Files that are always there.
fn missing(files: &[StateFile], problems: &mut Vec<Problem>) {
    let is_there = |path: &str| files.iter().any(|file| file.path == path);
    if !is_there(layout::CONFIG) {
        let problem = Problem::error(layout::CONFIG, None, "the configuration is not there");
        let remedy = format!("type `git log -- {}` to find the commit that took it out", layout::CONFIG);
        problems.push(problem.with_remedy(remedy));
    }
    if !is_there(layout::TASKS_README) {
        let fact = "the file is not there: without it git takes an emptied folder for a renamed one";
        let remedy = "write a line into it, and commit it";
        problems.push(Problem::warning(layout::TASKS_README, None, fact).with_remedy(remedy));
    }
}

/// What is wrong with how tasks fit together.
#[must_use]
pub fn graph(graph: &Graph) -> Vec<Problem> {
    let path_of = |id: &TaskId| {
        graph.find(id.as_str()).map_or_else(String::new, |index| graph.nodes()[index].path.to_string())
    };
    let fault = |fault: &Fault| {
        let (task, remedy) = match fault {
            Fault::Cycle(ids) => (ids.first(), "remove one of these `depends_on` entries"),
            Fault::ParentCycle(ids) => (ids.first(), "remove one of these `parent` entries"),
            Fault::DanglingDependency { task, .. } => {
                (Some(task), "remove it from `depends_on`, or bring the task back")
            }
            Fault::DanglingParent { task, .. } => (Some(task), "remove `parent`, or bring the task back"),
        };
        Problem::error(task.map_or_else(String::new, path_of), None, fault.to_string()).with_remedy(remedy)
    };
    let mut problems: Vec<Problem> = graph.faults().iter().map(fault).collect();
    for (index, node) in graph.nodes().iter().enumerate() {
        if node.kind == Kind::Epic && node.status == Status::Done && graph.status(index) != Status::Done {
            let fact = format!("epic `{}` says `done`, but not all of its tasks are closed", node.id);
            problems.push(
                Problem::warning(node.path.as_str(), None, fact).with_remedy("what counts is its tasks"),
            );
            continue;
        }
        if graph.status(index) != Status::Done {
            continue;
        }
        for &dependency in graph.dependencies(index) {
            let before = &graph.nodes()[dependency];
            if graph.status(dependency) != Status::Done {
                let status = graph.status(dependency).as_str();
                let fact =
                    format!("`{}` is done, but depends on `{}`, which is `{status}`", node.id, before.id);
                let remedy = format!("look at both: `orch show {}`, `orch show {}`", node.id, before.id);
                problems.push(Problem::warning(node.path.as_str(), None, fact).with_remedy(remedy));
            }
        }
    }
    problems
}

impl Named {
    /// Names of things that are not there, and ids that are there twice.
    fn problems(&self, tasks: &HashSet<String>) -> Vec<Problem> {
        let mut problems = Vec::new();
        let gone = |id: &TaskId| !tasks.contains(&id.folded());
        let mut first: HashMap<String, &str> = HashMap::new();
        for (id, task, path) in &self.runs {
            if gone(task) {
                let fact = format!("the record names the task `{task}`, which is not there");
                let remedy = format!("type `git log --all -- '*/{task}.toml'` to find it");
                problems.push(Problem::warning(path, None, fact).with_remedy(remedy));
            }
            if let Some(other) = first.insert(id.folded(), path) {
                let fact = format!("the run `{id}` is also recorded in `{other}`");
                let remedy = "type `git log` on both files to see which is the copy";
                problems.push(Problem::error(path, None, fact).with_remedy(remedy));
            }
        }
        let notes: HashSet<String> = self.notes.iter().map(|(id, ..)| id.folded()).collect();
        for (id, concerned, supersedes, path) in &self.notes {
            for task in concerned.iter().filter(|task| gone(task)) {
                let fact = format!("note `{id}` names the task `{task}`, which is not there");
                problems.push(Problem::warning(path, None, fact).with_remedy("remove it from `tasks`"));
            }
            if let Some(old) = supersedes.as_ref().filter(|old| !notes.contains(&old.folded())) {
                let fact = format!("note `{id}` supersedes `{old}`, which is not there");
                problems.push(Problem::warning(path, None, fact).with_remedy("remove `supersedes`"));
            }
        }
        for (task, path) in self.checkpoints.iter().filter(|(task, _)| gone(task)) {
            let fact = format!("the checkpoint is of the task `{task}`, which is not there");
            problems.push(Problem::warning(path, None, fact));
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::graph::Node;
    use crate::state::task::Task;

    fn id(text: &str) -> TaskId {
        TaskId::new(text).unwrap()
    }

    fn node(name: &str, status: Status, after: &[&str]) -> Node {
        let mut task = Task { status, ..Task::new(id(name), "t") };
        task.depends_on = after.iter().map(|name| id(name)).collect();
        Node::of(&task, format!("{name}.toml"))
    }

    fn told(problems: &[Problem]) -> Vec<String> {
        let word = |problem: &Problem| if problem.is_error() { "error" } else { "warning" };
        problems.iter().map(|problem| format!("{}: {problem}", word(problem))).collect()
    }

    #[test]
    fn a_cycle_and_a_dangling_dependency_are_damage() {
        let nodes = vec![node("a", Status::Pending, &["b"]), node("b", Status::Pending, &["a", "gone"])];
        assert_eq!(
            told(&graph(&Graph::new(nodes))),
            [
                "error: b.toml: `b` depends on `gone`, which is not there",
                "error: a.toml: dependency cycle: `a` -> `b` -> `a`"
            ]
        );
    }

    #[test]
    fn a_done_task_with_an_undone_dependency_is_a_warning() {
        let nodes = vec![node("a", Status::Done, &["b"]), node("b", Status::Blocked, &[])];
        assert_eq!(
            told(&graph(&Graph::new(nodes))),
            ["warning: a.toml: `a` is done, but depends on `b`, which is `blocked`"]
        );
    }

    #[test]
    fn an_epic_that_says_done_too_early_is_a_warning() {
        let mut epic = node("e", Status::Done, &[]);
        epic.kind = Kind::Epic;
        let mut child = node("c", Status::Pending, &[]);
        child.parent = Some(id("e"));
        assert_eq!(
            told(&graph(&Graph::new(vec![epic, child]))),
            ["warning: e.toml: epic `e` says `done`, but not all of its tasks are closed"]
        );
    }

    #[test]
    fn names_of_what_is_not_there_are_told() {
        let named = Named {
            runs: vec![
                (RunId::new("R1").unwrap(), id("a"), "1.toml".to_owned()),
                (RunId::new("R2").unwrap(), id("gone"), "2.toml".to_owned()),
                (RunId::new("R1").unwrap(), id("a"), "3.toml".to_owned()),
            ],
            notes: vec![(
                NoteId::new("n").unwrap(),
                vec![id("A"), id("gone")],
                NoteId::new("old").ok(),
                "n.yaml".to_owned(),
            )],
            checkpoints: vec![(id("gone"), "c.yaml".to_owned())],
        };
        let known = HashSet::from(["a".to_owned()]);
        assert_eq!(
            told(&named.problems(&known)),
            [
                "warning: 2.toml: the record names the task `gone`, which is not there",
                "error: 3.toml: the run `R1` is also recorded in `1.toml`",
                "warning: n.yaml: note `n` names the task `gone`, which is not there",
                "warning: n.yaml: note `n` supersedes `old`, which is not there",
                "warning: c.yaml: the checkpoint is of the task `gone`, which is not there",
            ]
        );
    }

    #[test]
    fn a_file_that_always_has_to_be_there_is_missed() {
        let mut problems = Vec::new();
        missing(&[], &mut problems);
        let paths: Vec<&str> = problems.iter().map(|problem| problem.path.as_str()).collect();
        assert_eq!(paths, [layout::CONFIG, layout::TASKS_README]);
    }
}
