//! The graph: tasks and their `depends_on` edges, with everything that is derived from them.
//!
//! In: one [`Node`] per task. Out: who waits for whom, who unblocks how many, what is in a cycle.
//! Invariant: acyclic and closed by construction. An edge that would break that (a cycle that a
//! merge made, a dependency that is gone) is kept apart in [`Graph::faults`], and the tasks that it
//! touches are not runnable; all others are.

mod by_id;
mod edges;
mod fault;

pub use edges::Index;
pub use fault::Fault;

use super::id::TaskId;
use super::status::Status;
use super::task::{Kind, Task};
use arcstr::Substr;
use jiff::Timestamp;
use std::collections::HashMap;

use by_id::ById;
use edges::{Edges, cycles};

/// What the graph needs to know of a task. Its texts are slices of shared buffers: a hundred
/// thousand nodes from the parse cache then cost one buffer, not a million small ones.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The task's id.
    pub id: TaskId,
    /// Path of its file from the root of the repository.
    pub path: Substr,
    /// Its title.
    pub title: Substr,
    /// Its kind.
    pub kind: Kind,
    /// Its stored status.
    pub status: Status,
    /// 0..=4.
    pub priority: u8,
    /// 1..=10.
    pub complexity: Option<u8>,
    /// When it was written down.
    pub created: Option<Timestamp>,
    /// Its epic.
    pub parent: Option<TaskId>,
    /// What has to be done first.
    pub depends_on: Vec<TaskId>,
    /// Its labels.
    pub labels: Vec<Substr>,
    /// Its own command, for the built-in `shell` agent.
    pub run: Option<Substr>,
    /// Steps that ran it.
    pub attempts: u32,
}

impl Node {
    /// The node of a task that lies at `path`.
    #[must_use]
    pub fn of(task: &Task, path: impl AsRef<str>) -> Self {
        Self {
            id: task.id.clone(),
            path: Substr::from(path.as_ref()),
            title: Substr::from(task.title.as_str()),
            kind: task.kind,
            status: task.status,
            priority: task.priority,
            complexity: task.complexity,
            created: task.created,
            parent: task.parent.clone(),
            depends_on: task.depends_on.clone(),
            labels: task.labels.iter().map(|label| Substr::from(label.as_str())).collect(),
            run: task.run.as_deref().map(Substr::from),
            attempts: task.history.attempts,
        }
    }
}

/// The most dependents that are told apart when tasks are ranked.
pub const UNBLOCKS_MAX: usize = 100;

/// Where a task stands when its dependencies and children are taken into account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// A step may take it.
    Runnable,
    /// Its dependencies are not all done.
    Waiting(Vec<Index>),
    /// A dependency was cancelled.
    DependencyCancelled(Index),
    /// A dependency is not there.
    DependencyMissing(TaskId),
    /// It depends on itself by way of others.
    InCycle,
    /// An epic: its children are run, not it.
    Container,
    /// Its status says that somebody else acts first.
    Held(Status),
    /// Done or cancelled.
    Closed(Status),
}

/// Tasks and their edges.
#[derive(Debug, Default)]
pub struct Graph {
    nodes: Vec<Node>,
    by_id: ById,
    dependencies: Edges,
    dependents: Edges,
    children: Edges,
    parents: Vec<Option<Index>>,
    effective: Vec<Status>,
    in_cycle: Vec<bool>,
    missing: HashMap<Index, TaskId>,
    faults: Vec<Fault>,
}

impl Graph {
    /// Joins nodes into a graph, in the order of their ids; of two with one id the first is kept.
    #[must_use]
    pub fn new(nodes: Vec<Node>) -> Self {
        Self::new_with_duplicates(nodes).0
    }

    /// Joins nodes into a graph. Of two with one id the one whose id and path come first is kept;
    /// the others are returned, each with the place of the one that was kept.
    #[must_use]
    pub fn new_with_duplicates(mut nodes: Vec<Node>) -> (Self, Vec<(Node, Index)>) {
        if !nodes.is_sorted_by(|a, b| (&a.id, &a.path) <= (&b.id, &b.path)) {
            nodes.sort_by(|a, b| (&a.id, &a.path).cmp(&(&b.id, &b.path)));
        }
        let (by_id, nodes, duplicates) = ById::new(nodes);
        let mut graph = Self { by_id, ..Self::default() };
        graph.connect(&nodes);
        graph.nodes = nodes;
        graph.mark_cycles();
        graph.derive_statuses();
        (graph, duplicates)
    }

    fn connect(&mut self, nodes: &[Node]) {
        let mut dependencies = Vec::new();
        let mut children = Vec::new();
        self.parents = vec![None; nodes.len()];
        for (index, node) in nodes.iter().enumerate() {
            for id in &node.depends_on {
                if let Some(dependency) = self.by_id.find(nodes, id.as_str()) {
                    dependencies.push((index, dependency));
                } else {
                    self.faults
                        .push(Fault::DanglingDependency { task: node.id.clone(), missing: id.clone() });
                    self.missing.entry(index).or_insert_with(|| id.clone());
                }
            }
            let Some(id) = &node.parent else { continue };
            if let Some(parent) = self.by_id.find(nodes, id.as_str()) {
                children.push((parent, index));
                self.parents[index] = Some(parent);
            } else {
                self.faults.push(Fault::DanglingParent { task: node.id.clone(), missing: id.clone() });
            }
        }
        let reversed: Vec<(Index, Index)> = dependencies.iter().map(|&(from, to)| (to, from)).collect();
        self.dependencies = Edges::new(nodes.len(), &dependencies);
        self.dependents = Edges::new(nodes.len(), &reversed);
        self.children = Edges::new(nodes.len(), &children);
    }

    fn mark_cycles(&mut self) {
        self.in_cycle = vec![false; self.nodes.len()];
        for cycle in cycles(&self.children) {
            for &index in &cycle {
                self.in_cycle[index] = true;
            }
            let mut ids = self.ids(&cycle);
            ids[1..].reverse();
            self.faults.push(Fault::ParentCycle(ids));
        }
        for cycle in cycles(&self.waits()) {
            for &index in &cycle {
                self.in_cycle[index] = true;
            }
            self.faults.push(Fault::Cycle(self.ids(&cycle)));
        }
    }

    /// Who waits for whom: dependencies, and epics for their children, so that a child that waits
    /// for its own epic is seen to wait for itself.
    fn waits(&self) -> Edges {
        let mut pairs = Vec::with_capacity(self.dependencies.len() + self.children.len());
        for index in 0..self.nodes.len() {
            pairs.extend(self.dependencies.of(index).iter().map(|&to| (index, to)));
            if self.nodes[index].kind == Kind::Epic && !self.in_cycle[index] {
                pairs.extend(self.children.of(index).iter().map(|&to| (index, to)));
            }
        }
        Edges::new(self.nodes.len(), &pairs)
    }

    fn ids(&self, indices: &[Index]) -> Vec<TaskId> {
        indices.iter().map(|&index| self.nodes[index].id.clone()).collect()
    }

    /// Derives what epics are from their children, deepest first.
    fn derive_statuses(&mut self) {
        self.effective = self.nodes.iter().map(|node| node.status).collect();
        let mut order: Vec<Index> =
            (0..self.nodes.len()).filter(|&i| !self.children.of(i).is_empty() && !self.in_cycle[i]).collect();
        let depth = self.depths();
        order.sort_by_key(|&index| std::cmp::Reverse(depth[index]));
        for index in order {
            if self.nodes[index].kind == Kind::Epic && self.nodes[index].status != Status::Cancelled {
                self.effective[index] = self.derived_epic(index);
            }
        }
    }

    /// How many epics each task lies in, one in the other.
    fn depths(&self) -> Vec<usize> {
        let mut depth: Vec<Option<usize>> = vec![None; self.nodes.len()];
        for start in 0..self.nodes.len() {
            let mut path = Vec::new();
            let mut at = Some(start);
            while let Some(index) = at.filter(|&index| depth[index].is_none() && !self.in_cycle[index]) {
                path.push(index);
                at = self.parents[index];
            }
            let above = at.map_or(0, |index| depth[index].map_or(0, |depth| depth + 1));
            for (more, &index) in path.iter().rev().enumerate() {
                depth[index] = Some(above + more);
            }
        }
        depth.into_iter().map(Option::unwrap_or_default).collect()
    }

    fn derived_epic(&self, index: Index) -> Status {
        let children = || self.children.of(index).iter().map(|&child| self.effective[child]);
        if children().all(Status::is_closed) {
            if children().any(|status| status == Status::Done) { Status::Done } else { Status::Cancelled }
        } else if self.nodes[index].status.is_closed() {
            Status::Pending
        } else {
            self.nodes[index].status
        }
    }

    /// All nodes, in the order of their ids.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// What keeps the graph from being whole.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// Where the task with this id is; ids that differ only in case are one id.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<Index> {
        self.by_id.find(&self.nodes, id)
    }

    /// The tasks that have to be done before this one.
    #[must_use]
    pub fn dependencies(&self, index: Index) -> &[Index] {
        self.dependencies.of(index)
    }

    /// The tasks that wait for this one.
    #[must_use]
    pub fn dependents(&self, index: Index) -> &[Index] {
        self.dependents.of(index)
    }

    /// The tasks whose parent this is.
    #[must_use]
    pub fn children(&self, index: Index) -> &[Index] {
        self.children.of(index)
    }

    /// The epic that a task belongs to.
    #[must_use]
    pub fn parent(&self, index: Index) -> Option<Index> {
        self.parents[index]
    }

    /// The status, derived for epics.
    #[must_use]
    pub fn status(&self, index: Index) -> Status {
        self.effective[index]
    }

    /// Where a task stands when everything around it is taken into account.
    ///
    /// `agent_review`: whether an agent may take tasks that need a review.
    #[must_use]
    pub fn standing(&self, index: Index, agent_review: bool) -> Standing {
        let status = self.effective[index];
        match status {
            Status::Done | Status::Cancelled => return Standing::Closed(status),
            Status::Proposed | Status::Blocked => return Standing::Held(status),
            Status::NeedsReview if !agent_review => return Standing::Held(status),
            Status::Pending | Status::NeedsImprovement | Status::NeedsReview => {}
        }
        if self.in_cycle[index] {
            return Standing::InCycle;
        }
        if self.nodes[index].kind == Kind::Epic {
            return Standing::Container;
        }
        if let Some(missing) = self.missing.get(&index) {
            return Standing::DependencyMissing(missing.clone());
        }
        let dependencies = self.dependencies.of(index);
        if let Some(&dependency) =
            dependencies.iter().find(|&&dependency| self.effective[dependency] == Status::Cancelled)
        {
            return Standing::DependencyCancelled(dependency);
        }
        let waiting: Vec<Index> =
            dependencies.iter().copied().filter(|&d| self.effective[d] != Status::Done).collect();
        if waiting.is_empty() { Standing::Runnable } else { Standing::Waiting(waiting) }
    }

    /// How many open tasks wait for each of these, directly or by way of others.
    ///
    /// Exact up to [`UNBLOCKS_MAX`] for each task, so that a graph of any size is ranked in linear time.
    #[must_use]
    pub fn unblocks_all(&self, indices: &[Index]) -> Vec<usize> {
        let mut seen = vec![usize::MAX; self.nodes.len()];
        let mut stack = Vec::new();
        let mut counts = Vec::with_capacity(indices.len());
        for (round, &index) in indices.iter().enumerate() {
            let mut count = 0;
            stack.clear();
            stack.push(index);
            while let Some(next) = stack.pop().filter(|_| count < UNBLOCKS_MAX) {
                for &dependent in self.dependents.of(next) {
                    if seen[dependent] != round && !self.effective[dependent].is_closed() {
                        seen[dependent] = round;
                        count += 1;
                        stack.push(dependent);
                    }
                }
            }
            counts.push(count.min(UNBLOCKS_MAX));
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn node(id: &str, kind: Kind, parent: Option<&str>, depends_on: &[&str]) -> Node {
        let id_of = |text: &str| TaskId::new(text).expect("a legal id");
        let mut task = Task::new(id_of(id), id);
        task.kind = kind;
        task.parent = parent.map(id_of);
        task.depends_on = depends_on.iter().map(|id| id_of(id)).collect();
        Node::of(&task, format!("{id}.toml"))
    }

    #[test]
    fn a_cycle_is_named_from_its_first_task() {
        let graph = Graph::new(vec![
            node("api", Kind::Feature, None, &["db"]),
            node("db", Kind::Feature, None, &["migrate"]),
            node("migrate", Kind::Feature, None, &["api"]),
            node("other", Kind::Feature, None, &["api"]),
        ]);
        let faults: Vec<String> = graph.faults().iter().map(ToString::to_string).collect();
        assert_eq!(faults, ["dependency cycle: `api` -> `db` -> `migrate` -> `api`"]);
        assert!(matches!(graph.standing(3, false), Standing::Waiting(_)));
    }

    #[test]
    fn a_child_that_waits_for_its_own_epic_is_a_cycle() {
        let graph = Graph::new(vec![
            node("child", Kind::Feature, Some("epic"), &["epic"]),
            node("epic", Kind::Epic, None, &[]),
        ]);
        assert_eq!(graph.faults()[0].to_string(), "dependency cycle: `child` -> `epic` -> `child`");
        assert_eq!(graph.standing(0, false), Standing::InCycle);
    }

    #[test]
    fn an_epic_is_done_when_its_children_are() {
        let mut nodes = vec![
            node("a", Kind::Feature, Some("e"), &[]),
            node("b", Kind::Feature, Some("e"), &[]),
            node("e", Kind::Epic, Some("top"), &[]),
            node("top", Kind::Epic, None, &[]),
            node("z", Kind::Feature, None, &["top"]),
        ];
        let waiting = Graph::new(nodes.clone());
        assert_eq!(waiting.status(3), Status::Pending);
        assert_eq!(waiting.standing(4, false), Standing::Waiting(vec![3]));
        nodes[0].status = Status::Done;
        nodes[1].status = Status::Cancelled;
        let done = Graph::new(nodes);
        assert_eq!((done.status(2), done.status(3)), (Status::Done, Status::Done));
        assert_eq!(done.standing(4, false), Standing::Runnable);
    }

    proptest! {
        #[test]
        fn what_is_not_in_a_cycle_can_be_put_in_an_order(
            edges in proptest::collection::vec((0..30_usize, 0..30_usize), 0..80)
        ) {
            let nodes = (0..30)
                .map(|n| {
                    let on: Vec<String> =
                        edges.iter().filter(|(from, _)| *from == n).map(|(_, to)| format!("t{to:02}")).collect();
                    let on: Vec<&str> = on.iter().map(String::as_str).collect();
                    node(&format!("t{n:02}"), Kind::Feature, None, &on)
                })
                .collect();
            let graph = Graph::new(nodes);
            // Taking away tasks whose dependencies are gone ends with nothing but cycles and what waits for them.
            let mut left: std::collections::BTreeSet<usize> = (0..30).collect();
            loop {
                let free: Vec<usize> = left
                    .iter()
                    .copied()
                    .filter(|&index| graph.dependencies(index).iter().all(|on| !left.contains(on)))
                    .collect();
                if free.is_empty() {
                    break;
                }
                left.retain(|index| !free.contains(index));
            }
            let faulty = graph.faults().iter().any(|fault| matches!(fault, Fault::Cycle(_)));
            prop_assert_eq!(faulty, !left.is_empty());
            for fault in graph.faults() {
                let Fault::Cycle(ids) = fault else { continue };
                for (n, id) in ids.iter().enumerate() {
                    let next = graph.find(ids[(n + 1) % ids.len()].as_str()).expect("it is there");
                    let at = graph.find(id.as_str()).expect("it is there");
                    prop_assert!(graph.dependencies(at).contains(&next), "{}", fault);
                }
            }
        }
    }
}
