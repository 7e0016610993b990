//! Graphs that the tests draw.

use crate::state::graph::{Graph, Node};
use crate::state::id::TaskId;
use crate::state::status::Status;
use crate::state::task::{Kind, Task};
use proptest::prelude::*;

/// A task to be done: its id, title and what it needs.
pub(in crate::report) fn task(id: &str, title: &str, needs: &[&str]) -> Task {
    let mut task = Task::new(TaskId::new(id).unwrap(), title);
    task.depends_on = needs.iter().map(|id| TaskId::new(*id).unwrap()).collect();
    task
}

pub(in crate::report) fn with(mut task: Task, status: Status, parent: &str) -> Task {
    task.status = status;
    task.parent = (!parent.is_empty()).then(|| TaskId::new(parent).unwrap());
    task
}

pub(in crate::report) fn epic(id: &str, title: &str) -> Task {
    Task { kind: Kind::Epic, ..task(id, title, &[]) }
}

pub(in crate::report) fn graph(tasks: &[Task]) -> Graph {
    Graph::new(
        tasks.iter().map(|task| Node::of(task, format!(".orchestrator/tasks/{}.toml", task.id))).collect(),
    )
}

/// Every status, an epic in an epic, a cycle, a dangling dependency, a cancelled one.
pub(in crate::report) fn small() -> Graph {
    use Status::{Blocked, Cancelled, Done, NeedsImprovement, NeedsReview, Pending, Proposed};
    graph(&[
        epic("e-api", "Public API"),
        with(task("t-schema", "Describe the schema", &[]), Done, "e-api"),
        with(task("t-routes", "Routes", &["t-schema"]), Done, "e-api"),
        with(task("t-limit", "Rate-limit the public API", &["t-routes"]), Pending, "e-api"),
        with(task("t-keys", "API keys", &["t-routes"]), NeedsImprovement, "e-api"),
        with(task("t-client", "Client library", &["t-limit", "t-keys"]), Pending, "e-api"),
        with(Task { kind: Kind::Epic, ..task("e-docs", "Documentation", &[]) }, Pending, "e-api"),
        with(task("t-guide", "Guide", &["t-client"]), Pending, "e-docs"),
        with(task("t-ref", "Reference", &["t-schema"]), NeedsReview, "e-docs"),
        task("t-launch", "Launch", &["e-api", "t-load"]),
        with(task("t-load", "Load test", &[]), Blocked, ""),
        with(task("t-idea", "A status page", &[]), Proposed, ""),
        with(task("t-old", "XML output", &[]), Cancelled, ""),
        task("t-feed", "Feed from the XML", &["t-old"]),
        task("t-ring-a", "Ring, first half", &["t-ring-b"]),
        task("t-ring-b", "Ring, second half", &["t-ring-a"]),
        task("t-lost", "Needs something that is gone", &["t-gone"]),
    ])
}

/// Titles that would like to be something else.
pub(in crate::report) const ATTACKS: [&str; 14] = [
    "say \"hello\"; x [label=\"y\"]",
    "end \\",
    "\\\" ]; evil -> x",
    "a --> b",
    "a\"] --> b[\"c",
    "<script>alert(1)</script>",
    "]]><script>x</script><![CDATA[",
    "one\ntwo\r\nclass n0 done\n```",
    "\u{1b}[2J\u{9b}31m\u{7}",
    "\u{202e}desrever\u{2028}\u{ffff}\u{0}",
    "%%{init: {\"theme\": \"dark\"}}%% `code` **bold** #quot; &quot; &lt;",
    "1. list\u{feff}",
    "--",
    "\\N \\G \\l",
];

/// Any graph of a few tasks: epics in epics, cycles of both kinds, what is missing, every status.
pub(in crate::report) fn any_graph() -> impl Strategy<Value = Graph> {
    let id = |n: usize| TaskId::new(format!("t-{n}")).unwrap();
    let task = (
        proptest::sample::select(Status::ALL.to_vec()),
        any::<bool>(),
        proptest::option::weighted(0.4, 0_usize..13),
        proptest::collection::vec(0_usize..13, 0..4),
    );
    proptest::collection::vec(task, 0..12).prop_map(move |tasks| {
        let tasks: Vec<Task> = tasks
            .into_iter()
            .enumerate()
            .map(|(n, (status, epic, parent, needs))| {
                let mut task = Task::new(id(n), format!("Task {n}"));
                task.status = status;
                task.kind = if epic { Kind::Epic } else { Kind::Bug };
                task.parent = parent.map(id);
                task.depends_on = needs.into_iter().map(id).collect();
                task
            })
            .collect();
        graph(&tasks)
    })
}
