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
        "id": task.id.as_str(), "title": task.title, "status": status(task), "priority": task.priority,
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
    // Open, it would be proposed again; a person has approved it.
    for (_, flag) in set_aside(task).filter(|_| status(task) != "open" || task.status == Status::Proposed) {
        issue[flag] = json!(true);
    }
    if !task.labels.is_empty() {
        issue["labels"] = json!(task.labels);
    }
    if !edges.is_empty() {
        issue["dependencies"] = json!(edges);
    }
    issue
}

/// What is no work in itself there: its label here, and its flag.
fn set_aside(task: &Task) -> impl Iterator<Item = (&'static str, &'static str)> + '_ {
    let has = |(label, _): &(&str, &str)| task.labels.iter().any(|each| each == label);
    [("ephemeral", "ephemeral"), ("template", "is_template")].into_iter().filter(has)
}

fn status(task: &Task) -> &'static str {
    match task.status {
        Status::Proposed if set_aside(task).next().is_some() => "open",
        Status::Blocked if task.reason.as_deref() == Some("deferred") => "deferred",
        Status::Blocked if task.reason.as_deref() == Some("pinned") => "pinned",
        Status::Pending | Status::NeedsImprovement => "open",
        Status::NeedsReview => "in_progress",
        Status::Blocked => "blocked",
        Status::Proposed => "deferred",
        Status::Done | Status::Cancelled => "closed",
    }
}
