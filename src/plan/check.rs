//! Proposals made tasks, or refused with the reason.

use super::similar::Title;
use super::{FollowUp, Rules, is_roadmap};
use crate::state::estimate;
use crate::state::graph::{Graph, Index, Node};
use crate::state::id::TaskId;
use crate::state::status::Status;
use crate::state::task::{Kind, PRIORITY_MAX, Task};
use std::collections::{HashMap, HashSet};

/// A proposal that does not become a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Its title.
    pub title: String,
    /// Why.
    pub why: String,
}

/// What proposals come to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    /// The tasks, in the order in which they were proposed.
    pub tasks: Vec<Task>,
    /// The others.
    pub refused: Vec<Refusal>,
    /// Titles of tasks that are not quite as they were proposed, and in what.
    pub changed: Vec<Refusal>,
}

/// What a name in `depends_on` stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A task that is there.
    Here(TaskId),
    /// Another proposal, by its place.
    Proposed(usize),
}

/// Checks proposals; `new_id` gives ids that nobody has.
///
/// # Errors
/// When no new id can be had.
pub fn check<E>(
    proposals: &[FollowUp],
    rules: Rules<'_>,
    new_id: &mut dyn FnMut() -> Result<TaskId, E>,
) -> Result<Plan, E> {
    let mut verdicts: Vec<Option<String>> = Vec::with_capacity(proposals.len());
    let known = titles(rules);
    for (at, proposal) in proposals.iter().enumerate() {
        verdicts.push(fault(proposal, at, proposals, &known, rules));
    }
    let edges: Vec<Vec<Result<Found, &String>>> =
        proposals.iter().map(|proposal| edges(proposal, proposals, rules.graph)).collect();
    refuse_dangling(&edges, rules, &mut verdicts);
    refuse_cycles(proposals, &edges, &mut verdicts);
    refuse_dependents(proposals, &edges, rules, &mut verdicts);
    let mut ids: Vec<Option<TaskId>> = Vec::with_capacity(proposals.len());
    for verdict in &verdicts {
        ids.push(if verdict.is_none() { Some(new_id()?) } else { None });
    }
    let mut plan = Plan::default();
    for (at, (proposal, verdict)) in proposals.iter().zip(verdicts).enumerate() {
        match (verdict, &ids[at]) {
            (None, Some(id)) => {
                plan.tasks.push(task(proposal, id, &edges[at], &ids, rules));
                plan.changed.extend(dropped(proposal, &edges[at], proposals, &ids));
            }
            (why, _) => {
                plan.refused.push(Refusal { title: proposal.title.clone(), why: why.unwrap_or_default() });
            }
        }
    }
    Ok(plan)
}

/// The titles of everything that is there, given up or not; but parts that were given up may be proposed anew for what
/// they are parts of.
fn titles(rules: Rules<'_>) -> Vec<(&Node, Title)> {
    let parent = rules.parent.filter(|_| rules.is_asked).map(|parent| &rules.graph.nodes()[parent].id);
    let is_open_again = |node: &&Node| node.status == Status::Cancelled && node.parent.as_ref() == parent;
    let all = rules.graph.nodes().iter().filter(|node| parent.is_none() || !is_open_again(node));
    all.filter(|node| !is_roadmap(node)).map(|node| (node, Title::new(&node.title))).collect()
}

/// What is wrong with a proposal by itself.
fn fault(
    proposal: &FollowUp,
    at: usize,
    proposals: &[FollowUp],
    known: &[(&Node, Title)],
    rules: Rules<'_>,
) -> Option<String> {
    if at >= rules.most {
        return Some(format!("more than {} were proposed at once", rules.most));
    }
    let title = Title::new(&proposal.title);
    // What is there says more than what was given up.
    let mut alike: Vec<&Node> =
        known.iter().filter(|(_, other)| title.is_like(other)).map(|(node, _)| *node).collect();
    alike.sort_by_key(|node| node.status == Status::Cancelled);
    if let Some(Node { id, status, .. }) = alike.first() {
        let given_up = if *status == Status::Cancelled { ", and was given up" } else { "" };
        return Some(format!("`{id}` is the same work{given_up}"));
    }
    let earlier = proposals[..at].iter().find(|other| title.is_like(&Title::new(&other.title)));
    if let Some(other) = earlier {
        return Some(format!("it is proposed twice, also as `{}`", other.title));
    }
    if !rules.is_asked {
        return None;
    }
    if proposal.kind == Kind::Epic {
        return Some("a plan has tasks, not epics".to_owned());
    }
    if proposal.acceptance.is_empty() {
        return Some("it does not say when it is done: `acceptance` is empty".to_owned());
    }
    let tokens = predicted(proposal);
    let most = rules.most_tokens.filter(|most| tokens > *most)?;
    Some(format!("it is too large for one session: about {tokens} tokens, and {most} are allowed"))
}

fn predicted(proposal: &FollowUp) -> u64 {
    let Ok(id) = TaskId::new("t") else { return 0 };
    estimate::predict(&described(proposal, id)).tokens.unwrap_or_default()
}

fn edges<'p>(
    proposal: &'p FollowUp,
    proposals: &[FollowUp],
    graph: &Graph,
) -> Vec<Result<Found, &'p String>> {
    let find = |name: &'p String| {
        let own = proposals.iter().position(|other| other.key.as_ref() == Some(name));
        let own = own.or_else(|| proposals.iter().position(|other| other.title == *name));
        if let Some(at) = own {
            return Ok(Found::Proposed(at));
        }
        let here = graph.find(name).map(|index| Found::Here(graph.nodes()[index].id.clone()));
        here.ok_or(name)
    };
    proposal.depends_on.iter().map(find).collect()
}

/// The first proposal that depends on a name which nothing has that is there or proposed, and that name.
#[must_use]
pub fn dangling<'p>(proposals: &'p [FollowUp], graph: &Graph) -> Option<(&'p FollowUp, &'p str)> {
    proposals.iter().find_map(|proposal| {
        let missing = edges(proposal, proposals, graph).into_iter().find_map(Result::err)?;
        Some((proposal, missing.as_str()))
    })
}

fn refuse_dangling(edges: &[Vec<Result<Found, &String>>], rules: Rules<'_>, verdicts: &mut [Option<String>]) {
    let waiting = rules.parent.map(|parent| waiting_for(rules.graph, parent)).unwrap_or_default();
    for (edges, verdict) in edges.iter().zip(verdicts).filter(|_| rules.is_asked) {
        let missing = edges.iter().find_map(|edge| edge.as_ref().err());
        if let Some(name) = missing.filter(|_| verdict.is_none()) {
            *verdict = Some(format!("it depends on `{name}`, which is not there"));
        }
        let circle = edges.iter().find_map(|edge| match edge {
            Ok(Found::Here(id)) => waiting.get(id).copied(),
            Ok(Found::Proposed(_)) | Err(_) => None,
        });
        if let Some(id) = circle.filter(|_| verdict.is_none()) {
            *verdict = Some(format!("it depends on `{id}`, which waits for the task that it is a part of"));
        }
    }
}

/// A task and everything that waits for it: what becomes a part of it may not wait for those.
fn waiting_for(graph: &Graph, start: Index) -> HashSet<&TaskId> {
    let mut found = HashSet::new();
    let mut open = vec![start];
    while let Some(at) = open.pop() {
        if found.insert(&graph.nodes()[at].id) {
            open.extend(graph.dependents(at).iter().copied());
            open.extend(graph.parent(at));
        }
    }
    found
}

/// Refuses everything in a circle, the circle named.
fn refuse_cycles(
    proposals: &[FollowUp],
    edges: &[Vec<Result<Found, &String>>],
    verdicts: &mut [Option<String>],
) {
    for (start, verdict) in verdicts.iter_mut().enumerate().filter(|(_, verdict)| verdict.is_none()) {
        if let Some(circle) = circle_from(start, edges) {
            let names: Vec<String> = circle.iter().map(|at| format!("`{}`", proposals[*at].title)).collect();
            *verdict = Some(format!("dependency cycle: {}", names.join(" -> ")));
        }
    }
}

/// The way from a proposal back to itself, if there is one.
fn circle_from(start: usize, edges: &[Vec<Result<Found, &String>>]) -> Option<Vec<usize>> {
    let mut from: HashMap<usize, usize> = HashMap::new();
    let mut open = vec![start];
    while let Some(at) = open.pop() {
        for edge in &edges[at] {
            let Ok(Found::Proposed(next)) = edge else { continue };
            if *next == start {
                let mut way = vec![start, at];
                let mut last = at;
                while let Some(&before) = from.get(&last) {
                    way.push(before);
                    last = before;
                }
                way.reverse();
                return Some(way);
            }
            if !from.contains_key(next) {
                from.insert(*next, at);
                open.push(*next);
            }
        }
    }
    None
}

/// Refuses what waits for something that was refused, however far away.
fn refuse_dependents(
    proposals: &[FollowUp],
    edges: &[Vec<Result<Found, &String>>],
    rules: Rules<'_>,
    verdicts: &mut [Option<String>],
) {
    let mut changed = rules.is_asked;
    while changed {
        changed = false;
        for at in 0..proposals.len() {
            let refused = edges[at].iter().find_map(|edge| match edge {
                Ok(Found::Proposed(to)) if verdicts[*to].is_some() => Some(*to),
                Ok(Found::Proposed(_) | Found::Here(_)) | Err(_) => None,
            });
            if let Some(to) = refused.filter(|_| verdicts[at].is_none()) {
                verdicts[at] = Some(format!("it waits for `{}`, which is refused", proposals[to].title));
                changed = true;
            }
        }
    }
}

/// The dependencies that a task does not get, because nothing of that name is there or will be.
fn dropped(
    proposal: &FollowUp,
    edges: &[Result<Found, &String>],
    proposals: &[FollowUp],
    ids: &[Option<TaskId>],
) -> Option<Refusal> {
    let names: Vec<String> = edges
        .iter()
        .filter_map(|edge| match edge {
            Err(name) => Some(format!("`{name}`, which is not there")),
            Ok(Found::Proposed(at)) if ids[*at].is_none() => {
                Some(format!("`{}`, which is left out", proposals[*at].title))
            }
            Ok(Found::Proposed(_) | Found::Here(_)) => None,
        })
        .collect();
    let why = format!("it does not depend on {}", names.join(" nor on "));
    (!names.is_empty()).then(|| Refusal { title: proposal.title.clone(), why })
}

fn described(proposal: &FollowUp, id: TaskId) -> Task {
    let mut task = Task::new(id, proposal.title.clone());
    task.kind = proposal.kind;
    task.complexity = proposal.complexity.map(|complexity| complexity.clamp(1, 10));
    task.priority = proposal.priority.unwrap_or(task.priority).min(PRIORITY_MAX);
    task.labels.clone_from(&proposal.labels);
    task.files.clone_from(&proposal.files);
    task.acceptance.clone_from(&proposal.acceptance);
    task.description.clone_from(&proposal.body);
    task.normalise();
    task
}

fn task(
    proposal: &FollowUp,
    id: &TaskId,
    edges: &[Result<Found, &String>],
    ids: &[Option<TaskId>],
    rules: Rules<'_>,
) -> Task {
    let mut task = described(proposal, id.clone());
    task.status = rules.status;
    task.parent = rules.parent.map(|parent| rules.graph.nodes()[parent].id.clone());
    let edges = edges.iter().filter_map(|edge| match edge {
        Ok(Found::Here(id)) => Some(id.clone()),
        Ok(Found::Proposed(at)) => ids[*at].clone(),
        Err(_) => None,
    });
    task.depends_on = edges.collect();
    task.normalise();
    estimate::put(&mut task);
    task
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn proposal(key: &str, title: &str, depends_on: &[&str]) -> FollowUp {
        FollowUp {
            key: Some(key.to_owned()),
            title: title.to_owned(),
            body: String::new(),
            kind: Kind::Feature,
            depends_on: depends_on.iter().map(|name| (*name).to_owned()).collect(),
            complexity: Some(3),
            priority: None,
            labels: Vec::new(),
            files: Vec::new(),
            acceptance: vec!["it works".to_owned()],
        }
    }

    fn graph() -> Graph {
        let mut epic = Task::new(TaskId::new("epic").unwrap(), "Dates everywhere");
        epic.kind = Kind::Epic;
        let mut after = Task::new(TaskId::new("after").unwrap(), "Release it");
        after.depends_on = vec![epic.id.clone()];
        let there = Task::new(TaskId::new("there").unwrap(), "Parse dates of the log");
        Graph::new([epic, after, there].iter().map(|task| Node::of(task, "")).collect())
    }

    fn planned(proposals: &[FollowUp], is_asked: bool) -> Plan {
        let graph = graph();
        let rules = Rules {
            graph: &graph,
            parent: graph.find("epic").filter(|_| is_asked),
            status: Status::Proposed,
            most_tokens: Some(60_000),
            most: 10,
            is_asked,
        };
        let mut number = 0;
        let mut new_id = || {
            number += 1;
            TaskId::new(format!("t-{number}"))
        };
        check(proposals, rules, &mut new_id).unwrap()
    }

    fn whys(plan: &Plan) -> Vec<String> {
        plan.refused.iter().map(|refusal| format!("{}: {}", refusal.title, refusal.why)).collect()
    }

    #[test]
    fn what_was_given_up_is_not_proposed_again_unless_its_own_epic_is_split_anew() {
        let given_up = |id: &str, title: &str, parent: Option<&str>| {
            let mut task = Task::new(TaskId::new(id).unwrap(), title);
            task.status = Status::Cancelled;
            task.parent = parent.map(|id| TaskId::new(id).unwrap());
            Node::of(&task, "")
        };
        let epic = Node::of(&Task::new(TaskId::new("epic").unwrap(), "Dates everywhere"), "");
        let mut plan = given_up("old", crate::plan::ROADMAP, None);
        plan.kind = Kind::Research;
        let nodes = vec![
            epic,
            given_up("part", "Print dates", Some("epic")),
            given_up("no", "Guess zones", None),
            plan,
        ];
        let graph = Graph::new(nodes);
        let proposals =
            ["Print the dates", "Guess zones", "Plan what comes next"].map(|title| proposal("", title, &[]));
        let whys_of = |parent| {
            let rules = Rules {
                graph: &graph,
                parent,
                status: Status::Proposed,
                most_tokens: None,
                most: 10,
                is_asked: true,
            };
            whys(&check(&proposals, rules, &mut || TaskId::new("t-1")).unwrap())
        };
        let zones = "Guess zones: `no` is the same work, and was given up";
        assert_eq!(whys_of(graph.find("epic")), [zones]);
        assert_eq!(whys_of(None), ["Print the dates: `part` is the same work, and was given up", zones]);
    }

    #[test]
    fn a_sound_plan_becomes_tasks_that_know_each_other() {
        let plan = planned(
            &[
                proposal("a", "Write dates", &[]),
                proposal("b", "Compare times", &["a", "there"]),
                proposal("c", "Show weekdays", &["Compare times"]),
            ],
            true,
        );
        assert_eq!(whys(&plan), [""; 0]);
        let edges: Vec<Vec<&str>> =
            plan.tasks.iter().map(|task| task.depends_on.iter().map(TaskId::as_str).collect()).collect();
        assert_eq!(edges, [vec![], vec!["t-1", "there"], vec!["t-2"]]);
        assert!(plan.tasks.iter().all(|task| task.parent.as_ref().is_some_and(|id| id.as_str() == "epic")));
        assert!(plan.tasks.iter().all(|task| task.status == Status::Proposed && task.estimate.is_some()));
        assert!(plan.tasks.iter().all(|task| task.run.is_none()));
    }

    #[test]
    fn what_is_wrong_with_a_plan_is_said_and_what_rests_on_it_falls_too() {
        let vague = FollowUp { acceptance: Vec::new(), ..proposal("v", "Make it nice", &[]) };
        let mut large = proposal("l", "Rewrite all", &[]);
        large.files = (0..9).map(|n| format!("src/{n}.rs")).collect();
        let plan = planned(
            &[
                proposal("d", "Parse the dates of logs", &[]),
                vague,
                large,
                proposal("x", "Cut time zones", &["y"]),
                proposal("y", "Join time zones", &["x"]),
                proposal("m", "Draw a calendar", &["nowhere"]),
                proposal("w", "Print calendars", &["m"]),
                proposal("r", "Round seconds", &["after"]),
                proposal("g", "Guess formats", &[]),
                proposal("h", "guess the format", &[]),
                proposal("z", "One more", &[]),
            ],
            true,
        );
        assert_eq!(plan.tasks.len(), 1);
        insta::assert_snapshot!(whys(&plan).join("\n"));
    }

    #[test]
    fn what_an_agent_mentions_in_passing_is_kept_unless_it_is_known() {
        let mention = |title: &str| FollowUp {
            acceptance: Vec::new(),
            depends_on: vec!["nowhere".to_owned()],
            ..proposal("k", title, &[])
        };
        let plan = planned(&[mention("The cache grows for ever"), mention("parse dates of logs")], false);
        assert_eq!(plan.tasks.len(), 1);
        assert!(plan.tasks[0].depends_on.is_empty() && plan.tasks[0].parent.is_none());
        assert_eq!(whys(&plan), ["parse dates of logs: `there` is the same work"]);
    }

    proptest! {
        /// Whatever is proposed, what comes out makes a sound graph with what is there.
        #[test]
        fn no_plan_breaks_the_graph(
            edges in prop::collection::vec(prop::collection::vec(0..8_usize, 0..4), 0..8),
            is_asked in any::<bool>(),
        ) {
            let names = ["a", "b", "c", "d", "e", "there", "after", "nowhere"];
            let titles = ["alpha one", "beta two", "gamma three", "delta four", "epsilon five", "zeta", "eta", "theta"];
            let proposals: Vec<FollowUp> = edges
                .iter()
                .enumerate()
                .map(|(at, edges)| {
                    let to: Vec<&str> = edges.iter().map(|to| names[*to]).collect();
                    proposal(names[at.min(4)], titles[at], &to)
                })
                .collect();
            let plan = planned(&proposals, is_asked);
            prop_assert_eq!(plan.tasks.len() + plan.refused.len(), proposals.len());
            let graph = graph();
            let mut nodes: Vec<Node> = graph.nodes().to_vec();
            nodes.extend(plan.tasks.iter().map(|task| Node::of(task, "")));
            let whole = Graph::new(nodes);
            prop_assert_eq!(whole.faults(), []);
        }
    }
}
