//! Archiving: closed tasks that nothing open needs, moved out of the way.

use crate::effects::World;
use crate::state::graph::{Graph, Index};
use crate::state::id::{CROCKFORD, RunId, TaskId};
use crate::state::layout;
use crate::state::task::Task;
use crate::step::land::FileEdit;
use crate::step::{Base, StepError};
use jiff::Timestamp;
use std::time::Duration;

/// What archiving does.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Archive {
    /// The files of its commit; none when nothing moves.
    pub files: Vec<FileEdit>,
    /// What moves: the task, from where, to where.
    pub moved: Vec<(TaskId, String, String)>,
    /// Closed tasks that stay because something open needs them.
    pub needed: usize,
    /// Closed tasks that stay because they are not old enough, or nothing says how old they are.
    pub young: usize,
}

/// Decides which tasks move. `older_than`: none means all closed ones.
///
/// # Errors
/// When a task's file cannot be read.
pub fn plan(
    world: World<'_>,
    base: &Base,
    older_than: Option<Duration>,
    now: Timestamp,
) -> Result<Archive, StepError> {
    let graph = &base.snapshot.graph;
    let mut archive = Archive::default();
    for index in closed(graph) {
        if is_needed(graph, index) {
            archive.needed += 1;
            continue;
        }
        let (text, task) = base.snapshot.task(world, index)?;
        if !older_than.is_none_or(|limit| is_older(&task, limit, now)) {
            archive.young += 1;
            continue;
        }
        let from = graph.nodes()[index].path.clone();
        let to = layout::archived_task(&task.id);
        archive.files.push((from.to_string(), None));
        archive.files.push((to.clone(), Some(text.into_bytes())));
        archive.moved.push((task.id, from.to_string(), to));
    }
    Ok(archive)
}

/// Closed tasks that are not in the archive yet.
fn closed(graph: &Graph) -> Vec<Index> {
    let archive = format!("{}/archive/", layout::TASKS);
    let all = 0..graph.nodes().len();
    all.filter(|&index| graph.status(index).is_closed() && !graph.nodes()[index].path.starts_with(&archive))
        .collect()
}

/// Whether an open task waits for it, or belongs to it.
fn is_needed(graph: &Graph, index: Index) -> bool {
    let around = graph.dependents(index).iter().chain(graph.children(index));
    around.into_iter().any(|&other| !graph.status(other).is_closed())
}

/// When a task was last worked on, as far as its file says.
fn last_touched(task: &Task) -> Option<Timestamp> {
    task.history.last_run.as_ref().and_then(run_time).or(task.created)
}

fn is_older(task: &Task, limit: Duration, now: Timestamp) -> bool {
    let seconds = i64::try_from(limit.as_secs()).unwrap_or(i64::MAX);
    last_touched(task).is_some_and(|then| now.as_second().saturating_sub(then.as_second()) >= seconds)
}

/// The time at which a run began: the first ten characters of its ULID, in milliseconds.
#[must_use]
pub fn run_time(run: &RunId) -> Option<Timestamp> {
    let text = run.as_str().as_bytes();
    if text.len() != 26 {
        return None;
    }
    let mut millis: i64 = 0;
    for byte in &text[..10] {
        let digit = CROCKFORD.iter().position(|each| *each == byte.to_ascii_lowercase())?;
        millis = millis.checked_mul(32)?.checked_add(i64::try_from(digit).ok()?)?;
    }
    Timestamp::from_millisecond(millis).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::graph::Node;
    use crate::state::id::ulid;
    use crate::state::status::Status;
    use crate::state::task::Kind;

    fn id(text: &str) -> TaskId {
        TaskId::new(text).unwrap()
    }

    fn task(name: &str, status: Status) -> Task {
        Task { status, ..Task::new(id(name), "t") }
    }

    fn names(graph: &Graph, indices: &[Index]) -> Vec<String> {
        indices.iter().map(|&index| graph.nodes()[index].id.to_string()).collect()
    }

    #[test]
    fn only_closed_tasks_that_nothing_open_needs_move() {
        let needed = task("needed", Status::Done);
        let open = Task { depends_on: vec![id("needed")], ..task("open", Status::Pending) };
        let epic = Task { kind: Kind::Epic, ..task("epic", Status::Pending) };
        let child = Task { parent: Some(id("epic")), ..task("child", Status::Done) };
        let free = Task { depends_on: vec![id("needed")], ..task("free", Status::Cancelled) };
        let nodes = [needed, open, epic, child, free].map(|task| Node::of(&task, "p"));
        let graph = Graph::new(nodes.to_vec());
        let closed = closed(&graph);
        assert_eq!(names(&graph, &closed), ["child", "epic", "free", "needed"]);
        let free: Vec<Index> = closed.into_iter().filter(|&index| !is_needed(&graph, index)).collect();
        assert_eq!(names(&graph, &free), ["child", "epic", "free"]);
    }

    #[test]
    fn what_is_in_the_archive_stays_there() {
        let done = task("a", Status::Done);
        let graph = Graph::new(vec![Node::of(&done, layout::archived_task(&done.id))]);
        assert_eq!(closed(&graph), Vec::<Index>::new());
    }

    #[test]
    fn the_time_of_a_run_is_in_its_id() {
        let time: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        let millis = u64::try_from(time.as_millisecond()).unwrap();
        assert_eq!(run_time(&RunId::new(ulid(millis, 7)).unwrap()), Some(time));
        assert_eq!(run_time(&RunId::new("01JD").unwrap()), None);
        assert_eq!(run_time(&RunId::new("UUUUUUUUUUUUUUUUUUUUUUUUUU").unwrap()), None);
    }

    #[test]
    fn age_is_that_of_the_last_run_and_unknown_ages_are_not_old() {
        let now: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        let day = Duration::from_secs(86_400);
        let mut old = task("a", Status::Done);
        assert!(!is_older(&old, day, now));
        old.created = Some("2026-11-01T10:00:00Z".parse().unwrap());
        assert!(is_older(&old, day, now));
        let millis = u64::try_from(now.as_millisecond()).unwrap() - 1_000;
        old.history.last_run = RunId::new(ulid(millis, 7)).ok();
        assert!(!is_older(&old, day, now));
    }
}
