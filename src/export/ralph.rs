//! ralph: `prd.json` with user stories.
//!
//! ralph works on every story that does not pass: what is not to be worked on now is left out, and
//! so are epics, which are no work in themselves.

use super::{Written, file, words};
use crate::state::id::TaskId;
use crate::state::status::Status;
use crate::state::task::{Kind, Task};
use serde_json::{Value, json};

/// What the plan is called; stories of two plans may have the same ids.
const PLAN: &str = "ralph/orch";

/// Whether a task can be a story.
pub(super) fn can_hold(task: &Task) -> bool {
    words::is_to_do_or_done(task.status) && task.kind != Kind::Epic
}

/// Writes a plan.
pub(super) fn write(tasks: &[Task]) -> Written {
    let stories: Vec<Value> = tasks.iter().map(story).collect();
    let plan = json!({"project": "orch", "branchName": PLAN, "userStories": stories});
    let names = tasks.iter().map(|task| (task.id.clone(), format!("{PLAN}/{}", task.id)));
    Written { files: vec![file("prd.json".to_owned(), format!("{plan:#}\n"))], names: names.collect() }
}

fn story(task: &Task) -> Value {
    let depends_on: Vec<&str> = task.depends_on.iter().map(TaskId::as_str).collect();
    json!({
        "id": task.id.as_str(), "title": task.title, "description": task.description.trim(),
        "acceptanceCriteria": task.acceptance, "priority": task.priority,
        "passes": task.status == Status::Done, "notes": "", "dependsOn": depends_on,
    })
}
