//! Editing a task: what a person made of its file, checked before it is kept.

use crate::state::file;
use crate::state::graph::{Fault, Graph, Node};
use crate::state::problem::Problem;
use crate::state::task::Task;

/// Why an edit is not kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The text is no task, or another one.
    #[error("the text cannot be used")]
    Unusable(Vec<Problem>),
    /// The graph would have a fault that it does not have now.
    #[error("{0}")]
    Fault(Fault),
}

/// Reads what a person made of a task's file, and checks it against all other tasks.
///
/// # Errors
/// When it cannot be kept.
pub fn read(path: &str, text: &[u8], graph: &Graph) -> Result<Task, EditError> {
    let read = file::task::read(path, text);
    let Some(task) = read.value else { return Err(EditError::Unusable(read.problems)) };
    check(path, &task, graph)?;
    Ok(task)
}

/// Refuses a task that would give the graph a fault that it does not have now.
///
/// # Errors
/// The fault.
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
