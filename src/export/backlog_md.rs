//! Backlog.md: a folder of Markdown files, in which the folder of a file says how far it is.

use super::markdown::{boxes, page, section};
use super::yaml::Yaml;
use super::{Written, file, own_names, words};
use crate::state::id::TaskId;
use crate::state::status::Status;
use crate::state::task::{Kind, Task};

/// Writes tasks and drafts.
pub(super) fn write(tasks: &[Task]) -> Written {
    let files = tasks.iter().map(|task| file(path(task), text(task))).collect();
    Written { files, names: own_names(tasks) }
}

fn path(task: &Task) -> String {
    let (folder, _) = standing(task.status);
    let title = task.title.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let title: String = title.collect::<Vec<_>>().join("-").chars().take(60).collect();
    if title.is_empty() {
        format!("{folder}/{}.md", task.id)
    } else {
        format!("{folder}/{} - {title}.md", task.id)
    }
}

/// The folder of a task, and the word for where it stands.
fn standing(status: Status) -> (&'static str, &'static str) {
    match status {
        Status::Proposed => ("drafts", "Draft"),
        Status::Pending | Status::NeedsImprovement => ("tasks", "To Do"),
        Status::NeedsReview | Status::Blocked => ("tasks", "In Progress"),
        Status::Done => ("tasks", "Done"),
        Status::Cancelled => ("archive/tasks", "To Do"),
    }
}

fn text(task: &Task) -> String {
    let mut front = Yaml::default();
    front.text("id", task.id.as_str());
    front.text("title", &task.title);
    front.text("status", standing(task.status).1);
    front.list::<&str>("assignee", &[]);
    let created = task.created.map(|at| at.strftime("%Y-%m-%d %H:%M:%S").to_string());
    front.said("created_date", &created.unwrap_or_default());
    front.list("labels", &task.labels);
    let depends_on: Vec<&str> = task.depends_on.iter().map(TaskId::as_str).collect();
    front.list("dependencies", &depends_on);
    front.text("priority", words::priority(task.priority));
    front.said("parent_task_id", task.parent.as_ref().map(TaskId::as_str).unwrap_or_default());
    if task.kind != Kind::Feature {
        front.text("type", task.kind.as_str());
    }
    if !task.files.is_empty() {
        front.list("modified_files", &words::paths(&task.files));
    }
    let numbered: Vec<String> =
        task.acceptance.iter().enumerate().map(|(at, demand)| format!("#{} {demand}", at + 1)).collect();
    let criteria = boxes(&numbered, task.status == Status::Done);
    let marked = if criteria.is_empty() {
        String::new()
    } else {
        format!("<!-- AC:BEGIN -->\n{criteria}<!-- AC:END -->")
    };
    page(front, &[section("Description", task.description.trim()), section("Acceptance Criteria", &marked)])
}
