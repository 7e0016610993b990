//! Task Master: `tasks.json`, in the tag `master`.
//!
//! What has a parent is its subtask. Numbers are given out once in the whole file, so that the
//! number of a task is never taken for that of a subtask; an id that is one already is kept. What a subtask has from
//! its parent is not written again: where a sibling has that number, it would name the sibling.

use super::{Children, Written, children, file, words};
use crate::state::id::TaskId;
use crate::state::status::Status;
use crate::state::task::Task;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};

/// Writes tasks and their subtasks.
pub(super) fn write(tasks: &[Task]) -> Written {
    let children = children(tasks);
    let mut addresses = Addresses::new(tasks);
    addresses.give(&children, None, "");
    let list = records(&children, None, &addresses.given);
    let text =
        format!("{:#}\n", json!({"master": {"tasks": list, "metadata": {"description": "from orch"}}}));
    Written { files: vec![file("tasks.json".to_owned(), text)], names: addresses.given }
}

/// The addresses of tasks: `5`, and of what is below it `5.2`.
struct Addresses {
    given: HashMap<TaskId, String>,
    taken: HashSet<u32>,
    next: u32,
}

impl Addresses {
    fn new(tasks: &[Task]) -> Self {
        let last = |task: &Task| number(task.id.as_str().rsplit('.').next().unwrap_or_default());
        Self { given: HashMap::new(), taken: tasks.iter().filter_map(last).collect(), next: 1 }
    }

    fn give(&mut self, children: &Children<'_>, parent: Option<&TaskId>, prefix: &str) {
        for task in children.get(&parent.map(TaskId::folded)).into_iter().flatten() {
            let own = task.id.as_str().strip_prefix(prefix).and_then(number);
            let address = format!("{prefix}{}", own.unwrap_or_else(|| self.free()));
            self.give(children, Some(&task.id), &format!("{address}."));
            self.given.insert(task.id.clone(), address);
        }
    }

    fn free(&mut self) -> u32 {
        while !self.taken.insert(self.next) {
            self.next = self.next.saturating_add(1);
        }
        self.next
    }
}

/// The number that a text is.
fn number(text: &str) -> Option<u32> {
    let number: u32 = text.parse().ok().filter(|number| (1..=1_000_000).contains(number))?;
    (number.to_string() == text).then_some(number)
}

fn records(
    children: &Children<'_>,
    parent: Option<&Task>,
    addresses: &HashMap<TaskId, String>,
) -> Vec<Value> {
    let siblings = children.get(&parent.map(|task| task.id.folded())).map_or(&[][..], Vec::as_slice);
    siblings.iter().map(|task| record(task, parent, siblings, (children, addresses))).collect()
}

fn record(
    task: &Task,
    parent: Option<&Task>,
    siblings: &[&Task],
    (children, addresses): (&Children<'_>, &HashMap<TaskId, String>),
) -> Value {
    let address = |id: &TaskId| addresses.get(id).map(String::as_str).unwrap_or_default();
    let number = |text: &str| number(text).map_or_else(|| json!(text), |number| json!(number));
    let last = |id: &TaskId| address(id).rsplit('.').next().unwrap_or_default();
    let is_sibling = |id: &TaskId| siblings.iter().any(|sibling| sibling.id == *id);
    let waits_for_a_sibling = task.depends_on.iter().any(is_sibling);
    let is_written = |id: &&TaskId| {
        let is_inherited = parent.is_some_and(|parent| parent.depends_on.contains(id));
        let would_be_a_sibling = siblings.iter().any(|sibling| last(&sibling.id) == address(id));
        parent.is_none() || is_sibling(id) || !(would_be_a_sibling || is_inherited && !waits_for_a_sibling)
    };
    let depends_on: Vec<Value> =
        task.depends_on.iter().filter(is_written).map(|id| number(address(id))).collect();
    let mut record = json!({
        "id": number(last(&task.id)), "title": task.title,
        "description": task.description.trim(), "details": "", "testStrategy": "",
        "status": status(task.status), "priority": words::priority(task.priority), "dependencies": depends_on,
        "subtasks": records(children, Some(task), addresses),
    });
    if let Some(complexity) = task.complexity {
        record["complexity"] = json!(complexity);
    }
    if let Some(created) = task.created {
        record["createdAt"] = json!(created.to_string());
    }
    if !task.files.is_empty() {
        record["relevantFiles"] = json!(words::paths(&task.files));
    }
    for (key, list) in [("acceptanceCriteria", &task.acceptance), ("tags", &task.labels)] {
        if !list.is_empty() {
            record[key] = json!(list);
        }
    }
    record
}

fn status(status: Status) -> &'static str {
    match status {
        Status::Pending | Status::NeedsImprovement => "pending",
        Status::Proposed => "deferred",
        Status::Blocked => "blocked",
        Status::NeedsReview => "review",
        Status::Done => "done",
        Status::Cancelled => "cancelled",
    }
}
