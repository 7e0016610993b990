//! A roadmap in YAML: epics with milestones with tasks.
//!
//! An epic below an epic is a milestone. What lies deeper than a roadmap goes, or below a task that
//! is no epic, stands where it can be read, without its parent.

use super::yaml::Yaml;
use super::{Children, Written, children};
use crate::state::id::TaskId;
use crate::state::task::{Kind, Task};

/// Epics above each other; more would be deeper than YAML is read.
const MAX_LEVELS: usize = 4;

/// Where an entry of a roadmap stands.
struct Place<'t> {
    task: &'t Task,
    epics: Vec<Place<'t>>,
    tasks: Vec<&'t Task>,
}

/// Writes a roadmap.
pub(super) fn write(tasks: &[Task]) -> Written {
    let children = children(tasks);
    let mut top = Tree { later: children.get(&None).cloned().unwrap_or_default(), ..Tree::default() };
    while let Some(task) = top.later.pop() {
        match top.place(&children, task, 1) {
            Some(place) => top.epics.push(place),
            None => top.tasks.push(task),
        }
    }
    top.epics.sort_by(|a, b| a.task.id.cmp(&b.task.id));
    top.tasks.sort_by(|a, b| a.id.cmp(&b.id));
    let mut yaml = Yaml::default();
    if top.epics.is_empty() {
        yaml.list::<&str>("epics", &[]);
    }
    yaml.records("epics", &top.epics, |yaml, place| epic(yaml, place));
    yaml.records("tasks", &top.tasks, |yaml, task| entry(yaml, task));
    Written::one("roadmap.yaml", yaml.finish(), tasks)
}

/// The top of a roadmap, and what has yet to find a place in it.
#[derive(Default)]
struct Tree<'t> {
    epics: Vec<Place<'t>>,
    tasks: Vec<&'t Task>,
    later: Vec<&'t Task>,
}

impl<'t> Tree<'t> {
    /// An epic with what is below it; none for a task, whose children have to stand elsewhere.
    fn place(&mut self, children: &Children<'t>, task: &'t Task, level: usize) -> Option<Place<'t>> {
        let below = children.get(&Some(task.id.folded())).map(Vec::as_slice).unwrap_or_default();
        if task.kind != Kind::Epic {
            self.later.extend(below);
            return None;
        }
        let mut place = Place { task, epics: Vec::new(), tasks: Vec::new() };
        for child in below {
            if child.kind == Kind::Epic && level == MAX_LEVELS {
                self.later.push(child);
                continue;
            }
            match self.place(children, child, level + 1) {
                Some(epic) => place.epics.push(epic),
                None => place.tasks.push(child),
            }
        }
        Some(place)
    }
}

fn epic(yaml: &mut Yaml, place: &Place<'_>) {
    entry(yaml, place.task);
    yaml.records("milestones", &place.epics, |yaml, place| epic(yaml, place));
    yaml.records("tasks", &place.tasks, |yaml, task| entry(yaml, task));
}

fn entry(yaml: &mut Yaml, task: &Task) {
    yaml.text("id", task.id.as_str());
    yaml.text("title", &task.title);
    yaml.text("status", task.status.as_str());
    yaml.said("reason", task.reason.as_deref().unwrap_or_default());
    if task.kind != Kind::Epic {
        yaml.text("type", task.kind.as_str());
    }
    yaml.number("priority", task.priority);
    if let Some(complexity) = task.complexity {
        yaml.number("estimated_complexity", complexity);
    }
    yaml.said("created_at", &task.created.map(|at| at.to_string()).unwrap_or_default());
    for (key, list) in [("labels", &task.labels), ("exit_criteria", &task.acceptance)] {
        if !list.is_empty() {
            yaml.list(key, list);
        }
    }
    if !task.depends_on.is_empty() {
        let depends_on: Vec<&str> = task.depends_on.iter().map(TaskId::as_str).collect();
        yaml.list("dependencies", &depends_on);
    }
    yaml.said("description", task.description.trim());
}
