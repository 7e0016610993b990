//! The graph for programs.
//!
//! Invariant: keys are only ever added. A title arrives as it is stored; whoever shows it makes it
//! safe. The text itself is safe to show and to embed in a page.

use super::{Look, View};
use crate::report::safe;
use crate::state::graph::{Fault, Index, Standing};
use serde::Serialize;

/// The document: tasks, the arrows between them, and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Document {
    /// The tasks that are shown, in the order of their ids.
    pub nodes: Vec<Node>,
    /// The arrows between them.
    pub edges: Vec<Edge>,
    /// What is wrong with the graph, as far as it touches them.
    pub faults: Vec<FaultRecord>,
}

/// A task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Node {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its kind.
    pub kind: &'static str,
    /// Its status; an epic's is derived.
    pub status: &'static str,
    /// Where it stands when everything around it is taken into account.
    pub standing: &'static str,
    /// 0..=4.
    pub priority: u8,
    /// What has to be done first, as its file says.
    pub depends_on: Vec<String>,
    /// Its epic, as its file says.
    pub parent: Option<String>,
    /// Its labels.
    pub labels: Vec<String>,
}

/// An arrow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Edge {
    /// What has to be done first.
    pub from: String,
    /// What waits for it.
    pub to: String,
}

/// Something that keeps the graph from being whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FaultRecord {
    /// `cycle`, `parent_cycle`, `dangling_dependency` or `dangling_parent`.
    pub kind: &'static str,
    /// The tasks that are touched.
    pub tasks: Vec<String>,
    /// What is named and not there.
    pub missing: Option<String>,
    /// The same in words.
    pub message: String,
}

/// A view as data.
#[must_use]
pub fn document(view: &View) -> Document {
    let id = |index: Index| view.id(index).to_owned();
    Document {
        nodes: view.picked().iter().map(|&index| node(view, index)).collect(),
        edges: view.edges().iter().map(|edge| Edge { from: id(edge.from), to: id(edge.to) }).collect(),
        faults: view.faults().map(fault).collect(),
    }
}

/// Draws a view.
#[must_use]
pub fn render(view: &View) -> String {
    // Strings, numbers and lists always serialise.
    safe::json(&serde_json::to_string_pretty(&document(view)).unwrap_or_default()) + "\n"
}

fn node(view: &View, index: Index) -> Node {
    let node = &view.graph().nodes()[index];
    let running = view.look(index) == Look::Running;
    Node {
        id: node.id.to_string(),
        title: node.title.to_string(),
        kind: node.kind.as_str(),
        status: if running { "in_progress" } else { view.graph().status(index).as_str() },
        standing: if running { "in_progress" } else { standing(&view.standing(index)) },
        priority: node.priority,
        depends_on: node.depends_on.iter().map(ToString::to_string).collect(),
        parent: node.parent.as_ref().map(ToString::to_string),
        labels: node.labels.iter().map(ToString::to_string).collect(),
    }
}

/// One word for where a task stands.
#[must_use]
pub fn standing(standing: &Standing) -> &'static str {
    match standing {
        Standing::Runnable => "runnable",
        Standing::Waiting(_) => "waiting",
        Standing::DependencyCancelled(_) => "dependency_cancelled",
        Standing::DependencyMissing(_) => "dependency_missing",
        Standing::InCycle => "in_cycle",
        Standing::Container => "container",
        Standing::Held(_) => "held",
        Standing::Closed(_) => "closed",
    }
}

fn fault(fault: &Fault) -> FaultRecord {
    let (kind, tasks, missing) = match fault {
        Fault::Cycle(ids) => ("cycle", ids.clone(), None),
        Fault::ParentCycle(ids) => ("parent_cycle", ids.clone(), None),
        Fault::DanglingDependency { task, missing } => {
            ("dangling_dependency", vec![task.clone()], Some(missing))
        }
        Fault::DanglingParent { task, missing } => ("dangling_parent", vec![task.clone()], Some(missing)),
    };
    FaultRecord {
        kind,
        tasks: tasks.iter().map(ToString::to_string).collect(),
        missing: missing.map(ToString::to_string),
        message: fault.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{ATTACKS, graph, small, task};
    use super::*;

    #[test]
    fn the_whole_of_a_small_graph() {
        insta::assert_snapshot!(render(&View::new(&small(), &super::super::Options::default())));
    }

    #[test]
    fn a_title_arrives_unchanged_in_a_document_that_is_safe_to_show() {
        for attack in ATTACKS {
            let out =
                render(&View::new(&graph(&[task("t", attack, &[])]), &super::super::Options::default()));
            let value: serde_json::Value = serde_json::from_str(&out).unwrap();
            assert_eq!(value["nodes"][0]["title"].as_str(), Some(attack));
            assert!(!out.contains('<') && !out.chars().any(|c| c != '\n' && safe::is_dangerous(c)), "{out}");
        }
    }

    #[test]
    fn a_task_that_somebody_works_on_is_in_progress() {
        let graph = graph(&[task("a", "A", &[])]);
        let options = super::super::Options { running: vec![0], ..Default::default() };
        let node = document(&View::new(&graph, &options)).nodes.remove(0);
        assert_eq!((node.status, node.standing), ("in_progress", "in_progress"));
    }
}
