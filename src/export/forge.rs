//! Issues as GitHub, Gitea and GitLab list them.
//!
//! A task that came from an issue is that issue again; others get the next free numbers. What an
//! issue has no field for stands in its text, as lines that `import` reads.

use super::markdown::{boxes, section};
use super::{Written, file, words};
use crate::import::Format;
use crate::state::id::TaskId;
use crate::state::status::Status;
use crate::state::task::Task;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};

/// The repository of tasks that came from none.
const REPOSITORY: &str = "local/tasks";

/// What an issue is called: its repository and its number there.
struct Name {
    repository: String,
    number: u64,
}

/// Writes issues.
pub(super) fn write(format: Format, tasks: &[Task]) -> Written {
    let names = names(format, tasks);
    let issues: Vec<Value> =
        tasks.iter().filter_map(|task| Some(issue(format, task, names.get(&task.id)?, &names))).collect();
    let text = format!("{:#}\n", Value::Array(issues));
    let names = names.into_iter().map(|(id, name)| (id, format!("{}#{}", name.repository, name.number)));
    Written { files: vec![file("issues.json".to_owned(), text)], names: names.collect() }
}

fn names(format: Format, tasks: &[Task]) -> HashMap<TaskId, Name> {
    let mut names = HashMap::new();
    let mut taken = HashSet::new();
    for task in tasks {
        if let Some((repository, number)) = origin(format, task)
            && taken.insert((repository.clone(), number))
        {
            names.insert(task.id.clone(), Name { repository, number });
        }
    }
    // A number in somebody's repository is, or will be, another issue.
    let mut next = taken.iter().map(|(_, number)| number + 1).max().unwrap_or(1);
    for task in tasks {
        names.entry(task.id.clone()).or_insert_with(|| {
            let number = next;
            next += 1;
            Name { repository: REPOSITORY.to_owned(), number }
        });
    }
    names
}

/// The issue of this forge that a task came from: its repository and its number.
#[must_use]
pub fn origin(format: Format, task: &Task) -> Option<(String, u64)> {
    let key = task.source.as_ref()?.strip_prefix(format.as_str())?.strip_prefix(':')?;
    let (repository, number) = key.rsplit_once('#')?;
    let number = number.parse().ok().filter(|number| (1..=u64::from(u32::MAX)).contains(number))?;
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-');
    (repository.contains('/') && repository.chars().all(legal)).then(|| (repository.to_owned(), number))
}

fn issue(format: Format, task: &Task, name: &Name, names: &HashMap<TaskId, Name>) -> Value {
    let Name { repository, number } = name;
    let labels: Vec<Value> = task.labels.iter().map(|label| json!({"name": label})).collect();
    let body = body(task, name, names);
    let created = task.created.map(|at| at.to_string());
    if format == Format::Gitlab {
        let state = if task.status.is_closed() { "closed" } else { "opened" };
        return json!({
            "iid": number, "title": task.title, "description": body, "state": state, "labels": task.labels,
            "created_at": created, "references": {"full": format!("{repository}#{number}")},
        });
    }
    let is_known = format == Format::Github && repository != REPOSITORY;
    let host = if is_known { "github.com" } else { "localhost" };
    let reason = match task.status {
        Status::Done => Some("completed"),
        Status::Cancelled => Some("not_planned"),
        Status::Proposed
        | Status::Pending
        | Status::NeedsReview
        | Status::NeedsImprovement
        | Status::Blocked => None,
    };
    let mut issue = json!({
        "number": number, "title": task.title, "body": body, "labels": labels, "created_at": created,
        "state": if task.status.is_closed() { "closed" } else { "open" }, "state_reason": reason,
        "html_url": format!("https://{host}/{repository}/issues/{number}"),
    });
    if format == Format::Github {
        issue["author_association"] = json!("OWNER");
    }
    issue
}

fn body(task: &Task, name: &Name, names: &HashMap<TaskId, Name>) -> String {
    let reference = |id: &TaskId| {
        let other = names.get(id)?;
        let repository = if other.repository == name.repository { "" } else { &other.repository };
        Some(format!("{repository}#{}", other.number))
    };
    let depends_on: Vec<String> = task.depends_on.iter().filter_map(reference).collect();
    let complexity = task.complexity.map(|complexity| complexity.to_string()).unwrap_or_default();
    let lines: String = [
        ("Kind", task.kind.as_str().to_owned()),
        ("Priority", format!("P{}", task.priority)),
        ("Complexity", complexity),
        ("Depends on", depends_on.join(", ")),
        ("Parent", task.parent.as_ref().and_then(reference).unwrap_or_default()),
        ("Files", words::paths(&task.files).join(", ")),
    ]
    .iter()
    .filter(|(_, value)| !value.is_empty())
    .map(|(key, value)| format!("**{key}:** {value}\n"))
    .collect();
    let criteria = boxes(&task.acceptance, task.status == Status::Done);
    let parts = [lines, task.description.trim().to_owned(), section("Acceptance criteria", &criteria)];
    let parts: Vec<&str> = parts.iter().map(|part| part.trim_end()).filter(|part| !part.is_empty()).collect();
    parts.join("\n\n")
}
