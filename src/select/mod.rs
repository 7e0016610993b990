//! What runs next, with the reason; or why nothing does.
//!
//! In: a graph and what the policy allows. Out: a [`Selection`]. Pure; the same graph gives the
//! same answer.

pub mod mode;

use crate::state::graph::{Fault, Graph, Index, Standing};
use crate::state::id::TaskId;
use crate::state::status::Status;
use crate::state::task::Kind;
use std::cmp::Reverse;

/// What the configuration says about selection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Whether an agent takes tasks that need a review.
    pub agent_review: bool,
    /// Whether there is a profile for tasks without a command of their own.
    pub has_agent: bool,
    /// The scheduling policy in force.
    pub mode: mode::Mode,
}

/// A task that may run, and why it comes where it comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its place in the graph.
    pub index: Index,
    /// Why it is where it is in the queue, in a few words.
    pub because: String,
}

/// What runs next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// This task.
    Next(Candidate),
    /// Nothing.
    Nothing(Idle),
}

/// Why nothing runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Idle {
    /// There are no tasks at all.
    Empty,
    /// All tasks are done or cancelled.
    Done,
    /// Tasks remain, and each has a reason not to run; counts by reason, the most first.
    Waiting(Vec<(String, usize)>),
    /// Tasks could run, but no profile can take any of them.
    NoAgent(usize),
}

/// Chooses the next task.
#[must_use]
pub fn next(graph: &Graph, rules: Rules) -> Selection {
    let mut queue = queue(graph, rules, 1);
    match queue.pop() {
        Some(candidate) => Selection::Next(candidate),
        None => Selection::Nothing(idle(graph, rules)),
    }
}

/// The runnable tasks in the order in which they would run, at most `limit`.
///
/// First by the weights of the mode in force (balance: reviews 105, repairs 95, new work 60), then
/// priority, then what unblocks most, then age, then id.
#[must_use]
pub fn queue(graph: &Graph, rules: Rules, limit: usize) -> Vec<Candidate> {
    let mut runnable: Vec<Index> =
        (0..graph.nodes().len()).filter(|&index| may_run(graph, rules, index)).collect();
    let cheap = |&index: &Index| {
        let node = &graph.nodes()[index];
        (Reverse(rules.mode.weight(graph.status(index), node.kind)), node.priority)
    };
    runnable.sort_by_key(cheap);
    // What a task unblocks is only worth counting among those that are equal so far.
    let mut ordered = Vec::new();
    let mut rest = runnable.as_slice();
    while let Some(first) = rest.first().filter(|_| ordered.len() < limit) {
        let equal = rest.iter().take_while(|&index| cheap(index) == cheap(first)).count();
        let (group, after) = rest.split_at(equal);
        let unblocks = graph.unblocks_all(group);
        let mut group: Vec<(Index, usize)> = group.iter().copied().zip(unblocks).collect();
        group.sort_by(|(a, frees_a), (b, frees_b)| {
            let (left, right) = (&graph.nodes()[*a], &graph.nodes()[*b]);
            let age = |created: Option<jiff::Timestamp>| created.unwrap_or(jiff::Timestamp::MAX);
            frees_b
                .cmp(frees_a)
                .then_with(|| age(left.created).cmp(&age(right.created)))
                .then_with(|| left.id.cmp(&right.id))
        });
        ordered.extend(group);
        rest = after;
    }
    ordered.truncate(limit);
    ordered
        .into_iter()
        .map(|(index, unblocks)| Candidate { index, because: because(graph, rules.mode, index, unblocks) })
        .collect()
}

fn may_run(graph: &Graph, rules: Rules, index: Index) -> bool {
    let can_be_driven = rules.has_agent || graph.nodes()[index].run.is_some();
    can_be_driven && graph.standing(index, rules.agent_review) == Standing::Runnable
}

/// The words for a priority.
#[must_use]
pub fn priority_word(priority: u8) -> &'static str {
    match priority {
        0 => "urgent",
        1 => "high",
        2 => "normal",
        3 => "low",
        _ => "someday",
    }
}

fn because(graph: &Graph, mode: mode::Mode, index: Index, unblocks: usize) -> String {
    let node = &graph.nodes()[index];
    let mut reasons = Vec::new();
    match graph.status(index) {
        Status::NeedsReview => reasons.push("waits for a review".to_owned()),
        Status::NeedsImprovement if mode == mode::Mode::Accelerate => {
            reasons.push("was rejected and comes after new work".to_owned());
        }
        Status::NeedsImprovement => reasons.push("was rejected and comes before new work".to_owned()),
        Status::Pending | Status::Proposed | Status::Blocked | Status::Done | Status::Cancelled => {}
    }
    reasons.push(format!("priority {} ({})", node.priority, priority_word(node.priority)));
    match unblocks {
        0 => {}
        1 => reasons.push("unblocks 1 task".to_owned()),
        more => reasons.push(format!("unblocks {more} tasks")),
    }
    if let Some(created) = node.created {
        reasons.push(format!("from {}", created.strftime("%Y-%m-%d")));
    }
    reasons.join(", ")
}

/// Why a task does not run now; none if it may.
#[must_use]
pub fn why_not(graph: &Graph, rules: Rules, index: Index) -> Option<String> {
    let id = |index: Index| &graph.nodes()[index].id;
    match graph.standing(index, rules.agent_review) {
        Standing::Runnable if rules.has_agent || graph.nodes()[index].run.is_some() => None,
        Standing::Runnable => Some("no agent profile can take it".to_owned()),
        Standing::Waiting(on) => {
            let names: Vec<String> = on.iter().take(3).map(|&on| format!("`{}`", id(on))).collect();
            let more = if on.len() > 3 { format!(" and {} more", on.len() - 3) } else { String::new() };
            Some(format!("waits for {}{more}", names.join(", ")))
        }
        Standing::DependencyCancelled(on) => Some(format!("its dependency `{}` was cancelled", id(on))),
        Standing::DependencyMissing(missing) => Some(format!("its dependency `{missing}` is not there")),
        Standing::InCycle => Some(match cycle_of(graph, id(index)) {
            Some(cycle) => format!("it is part of a {cycle}"),
            None => "it is part of a cycle".to_owned(),
        }),
        Standing::Container => Some("it is an epic: its children are run".to_owned()),
        Standing::Held(status) => Some(format!("it is `{}`", status.as_str())),
        Standing::Closed(status) => Some(format!("it is `{}`", status.as_str())),
    }
}

/// The cycle that a task is part of.
fn cycle_of<'g>(graph: &'g Graph, id: &TaskId) -> Option<&'g Fault> {
    graph.faults().iter().find(|fault| match fault {
        Fault::Cycle(ids) | Fault::ParentCycle(ids) => ids.contains(id),
        Fault::DanglingDependency { .. } | Fault::DanglingParent { .. } => false,
    })
}

fn idle(graph: &Graph, rules: Rules) -> Idle {
    if graph.nodes().is_empty() {
        return Idle::Empty;
    }
    let mut counts: std::collections::BTreeMap<String, usize> = std::collections::BTreeMap::new();
    let mut without_agent = 0;
    for (index, node) in graph.nodes().iter().enumerate() {
        let word = match graph.standing(index, rules.agent_review) {
            Standing::Closed(_) => continue,
            // An epic with children says nothing that its children don't.
            Standing::Container if node.kind == Kind::Epic && !graph.children(index).is_empty() => continue,
            Standing::Container => "of kind epic without children".to_owned(),
            Standing::Runnable => {
                without_agent += 1;
                continue;
            }
            Standing::Waiting(_) => "waiting for a dependency".to_owned(),
            Standing::DependencyCancelled(_) => "with a cancelled dependency".to_owned(),
            Standing::DependencyMissing(_) => "with a dependency that is not there".to_owned(),
            Standing::InCycle => "in a cycle".to_owned(),
            Standing::Held(status) => status.as_str().to_owned(),
        };
        *counts.entry(word).or_default() += 1;
    }
    if without_agent > 0 {
        return Idle::NoAgent(without_agent);
    }
    if counts.is_empty() {
        return Idle::Done;
    }
    let mut counts: Vec<(String, usize)> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    Idle::Waiting(counts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::graph::Node;
    use crate::state::task::Task;

    const RULES: Rules = Rules { agent_review: false, has_agent: true, mode: mode::Mode::Balance };

    fn node(id: &str, status: Status, priority: u8, depends_on: &[&str]) -> Node {
        let mut task = Task::new(TaskId::new(id).unwrap(), id);
        task.status = status;
        task.priority = priority;
        task.depends_on = depends_on.iter().map(|id| TaskId::new(*id).unwrap()).collect();
        Node::of(&task, format!(".orchestrator/tasks/{id}.toml"))
    }

    fn order(nodes: Vec<Node>) -> Vec<String> {
        let graph = Graph::new(nodes);
        queue(&graph, RULES, 100).iter().map(|c| graph.nodes()[c.index].id.to_string()).collect()
    }

    #[test]
    fn repairs_come_before_new_work_then_priority_then_what_unblocks_most() {
        let ids = order(vec![
            node("new-urgent", Status::Pending, 0, &[]),
            node("repair-low", Status::NeedsImprovement, 3, &[]),
            node("lonely", Status::Pending, 2, &[]),
            node("hub", Status::Pending, 2, &[]),
            node("spoke", Status::Pending, 0, &["hub"]),
            node("rim", Status::Pending, 0, &["spoke"]),
        ]);
        assert_eq!(ids, ["repair-low", "new-urgent", "hub", "lonely"]);
    }

    #[test]
    fn the_mode_in_force_decides_what_comes_first() {
        let mut bug = node("bug", Status::Pending, 3, &[]);
        bug.kind = Kind::Bug;
        let graph = Graph::new(vec![
            node("new", Status::Pending, 0, &[]),
            node("repair", Status::NeedsImprovement, 2, &[]),
            bug,
        ]);
        let order = |mode| -> Vec<String> {
            let queue = queue(&graph, Rules { mode, ..RULES }, 10);
            queue.iter().map(|each| graph.nodes()[each.index].id.to_string()).collect()
        };
        assert_eq!(order(mode::Mode::Balance), ["repair", "new", "bug"]);
        assert_eq!(order(mode::Mode::Stabilize), ["repair", "bug", "new"]);
        assert_eq!(order(mode::Mode::Accelerate), ["new", "bug", "repair"]);
    }

    #[test]
    fn a_cancelled_or_missing_dependency_and_a_cycle_hold_only_their_own_tasks() {
        let graph = Graph::new(vec![
            node("a", Status::Pending, 2, &["b"]),
            node("b", Status::Pending, 2, &["a"]),
            node("c", Status::Pending, 2, &["gone"]),
            node("d", Status::Cancelled, 2, &[]),
            node("e", Status::Pending, 2, &["d"]),
            node("f", Status::Pending, 2, &[]),
        ]);
        let Selection::Next(candidate) = next(&graph, RULES) else { panic!("nothing runs") };
        assert_eq!(graph.nodes()[candidate.index].id.as_str(), "f");
        assert_eq!(queue(&graph, RULES, 10).len(), 1);
        assert_eq!(graph.faults()[1].to_string(), "dependency cycle: `a` -> `b` -> `a`");
        let why = why_not(&graph, RULES, graph.find("b").unwrap());
        assert_eq!(why.as_deref(), Some("it is part of a dependency cycle: `a` -> `b` -> `a`"));
    }

    #[test]
    fn nothing_to_do_says_why() {
        assert_eq!(next(&Graph::new(vec![]), RULES), Selection::Nothing(Idle::Empty));
        let done = Graph::new(vec![node("a", Status::Done, 2, &[]), node("b", Status::Cancelled, 2, &[])]);
        assert_eq!(next(&done, RULES), Selection::Nothing(Idle::Done));
        let held =
            Graph::new(vec![node("a", Status::Blocked, 2, &[]), node("b", Status::Pending, 2, &["a"])]);
        let Selection::Nothing(Idle::Waiting(counts)) = next(&held, RULES) else { panic!("something runs") };
        assert_eq!(counts, [("blocked".to_owned(), 1), ("waiting for a dependency".to_owned(), 1)]);
        let nobody = Rules { has_agent: false, ..RULES };
        let open = Graph::new(vec![node("a", Status::Pending, 2, &[])]);
        assert_eq!(next(&open, nobody), Selection::Nothing(Idle::NoAgent(1)));
    }
}
