//! tk: a folder of tickets, each a Markdown file with front matter.

use super::markdown::{boxes, page, section};
use super::yaml::Yaml;
use super::{Written, file, own_names, words};
use crate::state::id::TaskId;
use crate::state::status::Status;
use crate::state::task::Task;

/// Writes tickets.
pub(super) fn write(tasks: &[Task]) -> Written {
    let files = tasks.iter().map(|task| file(format!("{}.md", task.id), ticket(task))).collect();
    Written { files, names: own_names(tasks) }
}

fn ticket(task: &Task) -> String {
    let mut front = Yaml::default();
    front.text("id", task.id.as_str());
    front.text("status", words::three(task.status));
    let depends_on: Vec<&str> = task.depends_on.iter().map(TaskId::as_str).collect();
    front.list("deps", &depends_on);
    front.list::<&str>("links", &[]);
    front.said("created", &task.created.map(|at| at.to_string()).unwrap_or_default());
    front.text("type", words::kind(task.kind));
    front.number("priority", task.priority);
    front.said("parent", task.parent.as_ref().map(TaskId::as_str).unwrap_or_default());
    if !task.labels.is_empty() {
        front.list("tags", &task.labels);
    }
    let criteria = boxes(&task.acceptance, task.status == Status::Done);
    let parts = [
        format!("# {}", task.title),
        task.description.trim().to_owned(),
        section("Acceptance Criteria", &criteria),
    ];
    page(front, &parts)
}
