//! Task Master: `tasks.json`, by tag or, in older files, without tags.
//!
//! A task with subtasks becomes an epic, because it is done when they are. What it waits for, those
//! of its subtasks wait for that wait for none of their siblings. Addresses are Task Master's own:
//! `5`, `5.2`; in a tag other than `master` with the tag before them: `next-5.2`.

use super::draft::{Draft, Harvest};
use super::fields::{Record, criteria, joined, list, scalar, text};
use super::text::{decode, safe_path, time};
use super::{ForeignFile, LossKind, beads};
use crate::state::task::Kind;
use serde_json::Value;
use std::collections::HashSet;

const READ: [&str; 21] = [
    "id",
    "title",
    "description",
    "status",
    "dependencies",
    "priority",
    "details",
    "testStrategy",
    "subtasks",
    "previousStatus",
    "complexity",
    "createdAt",
    "updatedAt",
    "acceptanceCriteria",
    "relevantFiles",
    "tags",
    "parentTaskId",
    "parentTask",
    "isSubtask",
    "expansionPrompt",
    "recommendedSubtasks",
];

/// Reads the tasks of all tags.
pub(super) fn read(files: &[&ForeignFile]) -> Harvest {
    let mut harvest = Harvest::default();
    for file in files {
        let content = decode(&file.bytes);
        match serde_json::from_str::<Value>(&content) {
            Ok(Value::Object(root)) => read_root(file, &root, &mut harvest),
            Ok(Value::Array(tasks)) => Tag { path: &file.path, prefix: "" }.read(&tasks, &mut harvest),
            Ok(_) => harvest.losses.tell(LossKind::Skipped, &file.path, "neither a record nor a list"),
            Err(error) => {
                let place = format!("{}:{}", file.path, error.line());
                let fact = format!("not valid JSON: {}", beads::without_place(&error));
                harvest.losses.tell(LossKind::Skipped, &place, fact);
            }
        }
    }
    harvest
}

fn read_root(file: &ForeignFile, root: &Record, harvest: &mut Harvest) {
    let mut found = false;
    for (name, value) in root {
        let (prefix, tasks) = match (name.as_str(), value) {
            ("tasks", Value::Array(tasks)) => (String::new(), tasks),
            (tag, Value::Object(content)) => match content.get("tasks") {
                Some(Value::Array(tasks)) if tag == "master" => (String::new(), tasks),
                Some(Value::Array(tasks)) => (format!("{tag}-"), tasks),
                _ => continue,
            },
            _ => continue,
        };
        found = true;
        Tag { path: &file.path, prefix: &prefix }.read(tasks, harvest);
    }
    if !found {
        harvest.losses.tell(LossKind::Skipped, &file.path, "no list `tasks` in it");
    }
}

struct Tag<'a> {
    path: &'a str,
    prefix: &'a str,
}

impl Tag<'_> {
    fn read(&self, tasks: &[Value], harvest: &mut Harvest) {
        let top: HashSet<String> = tasks.iter().filter_map(id_of).collect();
        for (number, task) in tasks.iter().enumerate() {
            let place = format!("{}: {}task {}", self.path, self.prefix, number + 1);
            let Some(record) = task.as_object() else {
                harvest.losses.tell(LossKind::Skipped, &place, "not a record");
                continue;
            };
            let Some(address) = id_of(task) else {
                harvest.losses.tell(LossKind::Skipped, &place, "the record has no `id`");
                continue;
            };
            let mut draft = self.draft(&address, place, record, harvest);
            draft.depends_on = list(record, "dependencies").iter().map(|name| self.key(name)).collect();
            self.with_subtasks(draft, &address, record, &top, harvest);
        }
    }

    fn key(&self, address: &str) -> String {
        format!("{}{}", self.prefix, address.trim())
    }

    fn draft(&self, address: &str, place: String, record: &Record, harvest: &mut Harvest) -> Draft {
        let mut draft = Draft::new(self.key(address), place);
        let description = text(record, &["description"]);
        draft.title = text(record, &["title"]);
        if draft.title.trim().is_empty() {
            let first = description.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
            if !first.is_empty() {
                harvest.losses.count(
                    LossKind::Mapped,
                    "tasks without a title",
                    "are called by their description",
                );
            }
            first.clone_into(&mut draft.title);
        }
        harvest.set_status(&mut draft, &text(record, &["status"]));
        harvest.set_priority(&mut draft, &text(record, &["priority"]));
        harvest.set_complexity(&mut draft, record.get("complexity"));
        draft.created = time(&text(record, &["createdAt"]));
        draft.labels = list(record, "tags");
        draft.acceptance = criteria(record, "acceptanceCriteria");
        draft.files = list(record, "relevantFiles").iter().filter_map(|path| safe_path(path)).collect();
        draft.description = joined(&[
            ("", &description),
            ("Details", &text(record, &["details"])),
            ("Test strategy", &text(record, &["testStrategy"])),
        ]);
        harvest.count_unread(record, &READ);
        draft
    }

    /// Adds a draft and the drafts of its subtasks.
    fn with_subtasks(
        &self,
        mut draft: Draft,
        address: &str,
        record: &Record,
        top: &HashSet<String>,
        harvest: &mut Harvest,
    ) {
        let empty = Vec::new();
        let subtasks = record.get("subtasks").and_then(Value::as_array).unwrap_or(&empty);
        let siblings: HashSet<String> =
            subtasks.iter().filter_map(id_of).map(|id| below(address, &id)).collect();
        if !siblings.is_empty() {
            draft.kind = Kind::Epic;
        }
        let (parent, inherited, place) = (draft.key.clone(), draft.depends_on.clone(), draft.place.clone());
        let priority = draft.priority;
        harvest.drafts.push(draft);
        let mut roots = Vec::new();
        for (number, subtask) in subtasks.iter().enumerate() {
            let place = format!("{place}, subtask {}", number + 1);
            let (Some(record), Some(id)) = (subtask.as_object(), id_of(subtask)) else {
                harvest.losses.tell(LossKind::Skipped, &place, "not a record with an `id`");
                continue;
            };
            let own = below(address, &id);
            let mut draft = self.draft(&own, place, record, harvest);
            if text(record, &["priority"]).is_empty() {
                draft.priority = priority;
            }
            draft.parent = Some(parent.clone());
            let targets = list(record, "dependencies");
            let targets: Vec<String> =
                targets.iter().map(|name| target(address, name, &siblings, top)).collect();
            if !targets.iter().any(|target| siblings.contains(target)) {
                roots.push(harvest.drafts.len());
            }
            draft.depends_on = targets.iter().map(|target| self.key(target)).collect();
            self.with_subtasks(draft, &own, record, top, harvest);
        }
        if !inherited.is_empty() {
            harvest.chain(&roots, &inherited, &place);
        }
    }
}

fn id_of(value: &Value) -> Option<String> {
    let id = scalar(value.get("id")?)?.trim().to_owned();
    (!id.is_empty()).then_some(id)
}

/// The address of a subtask; some files have the whole address as its id.
fn below(parent: &str, id: &str) -> String {
    let is_whole = id.strip_prefix(parent).is_some_and(|rest| rest.starts_with('.'));
    if is_whole { id.to_owned() } else { format!("{parent}.{id}") }
}

/// What a subtask's dependency names: a sibling first, then an address, then a task.
fn target(parent: &str, name: &str, siblings: &HashSet<String>, top: &HashSet<String>) -> String {
    let sibling = below(parent, name);
    if siblings.contains(&sibling) || !(name.contains('.') || top.contains(name)) {
        sibling
    } else {
        name.to_owned()
    }
}
