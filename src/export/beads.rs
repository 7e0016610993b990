//! beads: JSON lines, one issue each.

use super::markdown::boxes;
use super::{Written, words};
use crate::state::status::Status;
use crate::state::task::Task;
use serde_json::{Value, json};

/// Writes issues.
pub(super) fn write(tasks: &[Task]) -> Written {
    let lines: String = tasks.iter().map(|task| format!("{}\n", issue(task))).collect();
    Written::one("issues.jsonl", lines, tasks)
}

fn issue(task: &Task) -> Value {
    let edge =
        |to: &str, kind: &str| json!({"issue_id": task.id.as_str(), "depends_on_id": to, "type": kind});
    let blocks = task.depends_on.iter().map(|id| edge(id.as_str(), "blocks"));
    let parent = task.parent.iter().map(|id| edge(id.as_str(), "parent-child"));
    let mut issue = json!({
        "id": task.id.as_str(), "title": task.title, "status": status(task.status), "priority": task.priority,
        "issue_type": words::kind(task.kind),
    });
    let edges: Vec<Value> = blocks.chain(parent).collect();
    let created = task.created.map(|at| at.to_string()).unwrap_or_default();
    let why = task.reason.iter().map(|reason| format!(": {reason}"));
    let reason = if task.status == Status::Cancelled {
        format!("cancelled{}", why.collect::<String>())
    } else {
        String::new()
    };
    let criteria = boxes(&task.acceptance, task.status == Status::Done);
    for (key, text) in [
        ("description", task.description.trim()),
        ("acceptance_criteria", criteria.trim_end()),
        ("created_at", &created),
        ("close_reason", &reason),
    ] {
        if !text.is_empty() {
            issue[key] = json!(text);
        }
    }
    if !task.labels.is_empty() {
        issue["labels"] = json!(task.labels);
    }
    if !edges.is_empty() {
        issue["dependencies"] = json!(edges);
    }
    issue
}

fn status(status: Status) -> &'static str {
    match status {
        Status::Pending | Status::NeedsImprovement => "open",
        Status::NeedsReview => "in_progress",
        Status::Blocked => "blocked",
        Status::Proposed => "deferred",
        Status::Done | Status::Cancelled => "closed",
    }
}
