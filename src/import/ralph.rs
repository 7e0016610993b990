//! ralph: `prd.json` with user stories; also ralph-orchestrator's `tasks.jsonl`.
//!
//! Stories of two plans have the same ids (`US-001`), so a story's name has its plan's before it.

use super::beads::{self, WORDS_OF_BEADS};
use super::draft::{Draft, Harvest};
use super::fields::{Record, criteria, flag, joined, list, number, text};
use super::text::{decode, extension, name_of, time};
use super::{ForeignFile, LossKind};
use crate::state::status::Status;
use serde_json::Value;

const STORY: [&str; 16] = [
    "id",
    "title",
    "description",
    "acceptanceCriteria",
    "priority",
    "passes",
    "notes",
    "dependsOn",
    "completionNotes",
    "labels",
    "status",
    "type",
    "complexity",
    "createdAt",
    "updatedAt",
    "dependencies",
];
const TASK: [&str; 12] = [
    "id",
    "title",
    "description",
    "key",
    "status",
    "priority",
    "blocked_by",
    "created",
    "started",
    "closed",
    "loop_id",
    "labels",
];

/// Reads stories and tasks.
pub(super) fn read(files: &[&ForeignFile]) -> Harvest {
    let mut harvest = Harvest::default();
    for file in files {
        if extension(&file.path) == "jsonl" {
            let mut found = Vec::new();
            beads::records(file, &mut harvest, |place, record| found.push((place, record)));
            for (place, record) in found {
                if record.keys().any(|key| WORDS_OF_BEADS.contains(&key.as_str())) {
                    harvest.losses.tell(LossKind::Skipped, &place, "an issue of beads, not a task of ralph");
                } else {
                    task(place, &record, &mut harvest);
                }
            }
            continue;
        }
        match serde_json::from_str::<Value>(&decode(&file.bytes)) {
            Ok(Value::Object(root)) => plan(file, &root, &mut harvest),
            Ok(_) => harvest.losses.tell(LossKind::Skipped, &file.path, "not a record"),
            Err(error) => {
                let place = format!("{}:{}", file.path, error.line());
                let fact = format!("not valid JSON: {}", beads::without_place(&error));
                harvest.losses.tell(LossKind::Skipped, &place, fact);
            }
        }
    }
    harvest
}

fn plan(file: &ForeignFile, root: &Record, harvest: &mut Harvest) {
    let Some(stories) = root.get("userStories").or_else(|| root.get("stories")).and_then(Value::as_array)
    else {
        harvest.losses.tell(LossKind::Skipped, &file.path, "no list `userStories` in it");
        return;
    };
    let name = text(root, &["branchName", "project", "name"]);
    let name = if name.is_empty() { name_of(&file.path).to_owned() } else { name };
    let created = root.get("metadata").and_then(Value::as_object).map(|meta| text(meta, &["createdAt"]));
    for (index, story) in stories.iter().enumerate() {
        let place = format!("{}: story {}", file.path, index + 1);
        let record = story.as_object();
        let id = record.map(|record| text(record, &["id"]).trim().to_owned()).unwrap_or_default();
        let Some(record) = record.filter(|_| !id.is_empty()) else {
            harvest.losses.tell(LossKind::Skipped, &place, "not a record with an `id`");
            continue;
        };
        let mut draft = Draft::new(format!("{name}/{id}"), place);
        draft.id = id;
        let key = |other: &String| format!("{name}/{other}");
        draft.depends_on =
            list(record, "dependsOn").iter().chain(&list(record, "dependencies")).map(key).collect();
        draft.created = time(created.as_deref().unwrap_or_default());
        read_story(&mut draft, record, harvest);
        harvest.drafts.push(draft);
    }
    for key in ["description", "branchName"] {
        if !text(root, &[key]).is_empty() {
            harvest.losses.count(
                LossKind::Dropped,
                &format!("field `{key}` of the plan"),
                "has no place in a task",
            );
        }
    }
}

fn read_story(draft: &mut Draft, record: &Record, harvest: &mut Harvest) {
    draft.title = text(record, &["title"]);
    harvest.set_status(draft, &text(record, &["status"]));
    if flag(record, "passes") {
        draft.status = Status::Done;
        draft.reason = None;
    }
    harvest.set_kind(draft, &text(record, &["type"]));
    // ralph counts from 1 without an end; the order of later ones stays that of their ids.
    if let Some(priority) = number(record, "priority") {
        draft.priority = u8::try_from(priority.clamp(0, 4)).unwrap_or(draft.priority);
        if !(0..=4).contains(&priority) {
            harvest.losses.count(LossKind::Mapped, "priorities after 4", "read as 4");
        }
    } else {
        harvest.set_priority(draft, &text(record, &["priority"]));
    }
    harvest.set_complexity(draft, record.get("complexity"));
    draft.labels = list(record, "labels");
    draft.acceptance = criteria(record, "acceptanceCriteria");
    draft.description = joined(&[
        ("", &text(record, &["description"])),
        ("Notes", &text(record, &["notes"])),
        ("Completion notes", &text(record, &["completionNotes"])),
    ]);
    harvest.count_unread(record, &STORY);
}

fn task(place: String, record: &Record, harvest: &mut Harvest) {
    let id = text(record, &["id"]).trim().to_owned();
    if id.is_empty() {
        harvest.losses.tell(LossKind::Skipped, &place, "the record has no `id`");
        return;
    }
    let mut draft = Draft::new(id, place);
    draft.title = text(record, &["title"]);
    harvest.set_status(&mut draft, &text(record, &["status"]));
    if let Some(priority) = number(record, "priority") {
        draft.priority = u8::try_from((priority - 1).clamp(0, 4)).unwrap_or(draft.priority);
    }
    draft.created = time(&text(record, &["created"]));
    draft.depends_on = list(record, "blocked_by");
    draft.labels = list(record, "labels");
    draft.description = text(record, &["description"]);
    harvest.count_unread(record, &TASK);
    harvest.drafts.push(draft);
}
