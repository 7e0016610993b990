//! beads: JSON lines, one issue each, in all eras of the format.
//!
//! Edges, labels and comments may be nested in the issue or records of their own (a backup). An issue
//! that was deleted (a tombstone, or named in `deletions.jsonl`) is left out; ephemeral issues and
//! templates are labelled, and proposed if they are open.

use super::draft::{Draft, Harvest};
use super::fields::{Record, flag, list, text};
use super::text::{decode, items, name_of, one_line, time};
use super::{ForeignFile, LossKind};
use crate::state::id::NoteId;
use crate::state::note::{Note, NoteKind, NoteStatus};
use crate::state::status::Status;
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// Keys that are read, or that only keep the other tool's books.
const READ: [&str; 44] = [
    "id",
    "title",
    "description",
    "design",
    "acceptance_criteria",
    "notes",
    "status",
    "priority",
    "issue_type",
    "type",
    "created_at",
    "updated_at",
    "started_at",
    "closed_at",
    "close_reason",
    "deleted_at",
    "delete_reason",
    "deleted_by",
    "original_type",
    "external_ref",
    "spec_id",
    "labels",
    "dependencies",
    "comments",
    "_type",
    "content_hash",
    "created_by",
    "source_repo",
    "source_repo_path",
    "source_system",
    "compaction_level",
    "compacted_at",
    "compacted_at_commit",
    "original_size",
    "dependency_count",
    "dependent_count",
    "comment_count",
    "ephemeral",
    "is_template",
    "pinned",
    "rig",
    "no_history",
    "closed_by_session",
    "last_activity",
];

/// What only an issue of beads has, of all that is written in JSON lines.
pub(super) const WORDS_OF_BEADS: [&str; 4] = ["issue_type", "dependencies", "depends_on_id", "created_by"];

/// Reads issues with what belongs to them.
pub(super) fn read(files: &[&ForeignFile]) -> Harvest {
    let mut reader = Reader::default();
    for file in chosen(files, &mut reader.harvest) {
        records(file, &mut reader.harvest, |place, record| sort_in(&mut reader.parts, place, record));
    }
    reader.finish()
}

/// The files that hold the newest state: not the backup, nor the old file, beside a current one.
fn chosen<'a>(files: &[&'a ForeignFile], harvest: &mut Harvest) -> Vec<&'a ForeignFile> {
    if files.len() == 1 {
        return files.to_vec();
    }
    let in_backup = |path: &str| format!("/{path}").contains("/backup/");
    let has_current =
        files.iter().any(|file| name_of(&file.path) == "issues.jsonl" && !in_backup(&file.path));
    let has_any = has_current
        || files.iter().any(|file| name_of(&file.path) == "beads.jsonl" && !in_backup(&file.path));
    let mut chosen = Vec::new();
    for file in files {
        let name = name_of(&file.path);
        let why_not = match name {
            "events.jsonl" | "interactions.jsonl" | "config.jsonl" => Some("it holds no tasks"),
            _ if in_backup(&file.path) && has_any => Some("it is a backup of a file that is there"),
            "beads.jsonl" if has_current => Some("`issues.jsonl` is newer"),
            _ if [".base.jsonl", ".left.jsonl", ".right.jsonl"].iter().any(|end| name.ends_with(end)) => {
                Some("it is a leftover of a merge")
            }
            _ => None,
        };
        match why_not {
            Some(why) => harvest.losses.tell(LossKind::Skipped, &file.path, why),
            None => chosen.push(*file),
        }
    }
    chosen
}

/// Hands every line of a file on as a record; a line that is none is a loss.
pub(super) fn records(file: &ForeignFile, harvest: &mut Harvest, mut take: impl FnMut(String, Record)) {
    let content = decode(&file.bytes);
    for (number, line) in content.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        let place = format!("{}:{}", file.path, number + 1);
        match serde_json::from_str(line) {
            Ok(Value::Object(record)) => take(place, record),
            Ok(_) => harvest.losses.tell(LossKind::Skipped, &place, "not a record"),
            Err(_) if is_conflict_mark(line) => {
                harvest.losses.tell(LossKind::Skipped, &place, "a mark of an unresolved merge");
            }
            Err(error) => {
                let fact = format!("not valid JSON at column {}: {}", error.column(), without_place(&error));
                harvest.losses.tell(LossKind::Skipped, &place, fact);
            }
        }
    }
}

fn is_conflict_mark(line: &str) -> bool {
    ["<<<<<<<", "=======", ">>>>>>>", "|||||||"].iter().any(|mark| line.starts_with(mark))
}

/// What the JSON reader says, without its own line and column.
pub(super) fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let end = text.rfind(" at line ").unwrap_or(text.len());
    one_line(&text[..end], 200)
}

/// Everything that was read, before it is put together.
#[derive(Default)]
struct Parts {
    issues: Vec<(String, Record)>,
    edges: Vec<Record>,
    labels: Vec<(String, String)>,
    comments: Vec<(String, String)>,
    deleted: HashSet<String>,
    memories: Vec<(String, Record)>,
    others: Vec<String>,
}

#[derive(Default)]
struct Reader {
    harvest: Harvest,
    parts: Parts,
}

/// Puts a record where its keys say that it belongs.
fn sort_in(parts: &mut Parts, place: String, record: Record) {
    let kind = text(&record, &["_type"]);
    let issue = text(&record, &["issue_id"]);
    if record.contains_key("depends_on_id") {
        parts.edges.push(record);
    } else if !issue.is_empty() && record.contains_key("label") {
        parts.labels.push((issue, text(&record, &["label"])));
    } else if !issue.is_empty() && record.contains_key("text") {
        parts.comments.push((issue, comment(&record)));
    } else if kind == "memory" {
        parts.memories.push((place, record));
    } else if !(kind.is_empty() || kind == "issue") || record.contains_key("event_type") {
        parts.others.push(if kind.is_empty() { "event".to_owned() } else { kind });
    } else if record.contains_key("ts") && !record.contains_key("title") {
        parts.deleted.insert(text(&record, &["id"]));
    } else {
        parts.issues.push((place, record));
    }
}

fn comment(record: &Record) -> String {
    let author = text(record, &["author"]);
    let day: String = text(record, &["created_at"]).chars().take(10).collect();
    format!("{} {day}: {}", if author.is_empty() { "somebody" } else { &author }, text(record, &["text"]))
        .trim()
        .to_owned()
}

impl Reader {
    fn finish(mut self) -> Harvest {
        let parts = std::mem::take(&mut self.parts);
        for kind in &parts.others {
            self.harvest.losses.count(LossKind::Dropped, &format!("records `{kind}`"), "are not tasks");
        }
        for (place, record) in &parts.memories {
            self.memory(place, record);
        }
        let mut gone = parts.deleted;
        let mut comments: HashMap<String, Vec<String>> = HashMap::new();
        for (issue, comment) in parts.comments {
            comments.entry(issue).or_default().push(comment);
        }
        let mut index: HashMap<String, usize> = HashMap::new();
        let mut edges = parts.edges;
        for (place, mut record) in parts.issues {
            if let Some(Value::Array(nested)) = record.remove("dependencies") {
                edges.extend(nested.into_iter().filter_map(|value| edge_record(value, &record)));
            }
            if let Some(draft) = self.issue(place, &record, &mut gone, &mut comments) {
                index.entry(draft.key.clone()).or_insert(self.harvest.drafts.len());
                self.harvest.drafts.push(draft);
            }
        }
        for (issue, label) in parts.labels {
            if let Some(&at) = index.get(&issue) {
                self.harvest.drafts[at].labels.push(label);
            }
        }
        for record in &edges {
            self.edge(record, &index, &gone);
        }
        self.harvest
    }

    fn issue(
        &mut self,
        place: String,
        record: &Record,
        gone: &mut HashSet<String>,
        comments: &mut HashMap<String, Vec<String>>,
    ) -> Option<Draft> {
        let id = text(record, &["id"]).trim().to_owned();
        if id.is_empty() {
            self.harvest.losses.tell(LossKind::Skipped, &place, "the record has no `id`");
            return None;
        }
        let status = text(record, &["status"]);
        if let Some(why) = left_out(record, &status, gone.contains(&id)) {
            self.harvest.losses.count(LossKind::Dropped, why, "left out");
            gone.insert(id);
            return None;
        }
        let mut draft = Draft::new(id.clone(), place);
        draft.title = text(record, &["title"]);
        self.harvest.set_status(&mut draft, &status);
        if status.is_empty() && !text(record, &["closed_at"]).is_empty() {
            draft.status = Status::Done;
        }
        self.harvest.set_kind(&mut draft, &text(record, &["issue_type", "type"]));
        self.harvest.set_priority(&mut draft, &text(record, &["priority"]));
        draft.created = time(&text(record, &["created_at"]));
        draft.labels = list(record, "labels");
        set_aside(&mut draft, record, &mut self.harvest);
        draft.acceptance = items(&text(record, &["acceptance_criteria"]));
        draft.description = description(record, comments.remove(&id).unwrap_or_default());
        self.harvest.count_unread(record, &READ);
        Some(draft)
    }

    fn edge(&mut self, record: &Record, index: &HashMap<String, usize>, gone: &HashSet<String>) {
        let (from, to) = (text(record, &["issue_id"]), text(record, &["depends_on_id"]));
        let kind = text(record, &["type"]);
        let Some(&at) = index.get(from.trim()) else {
            let whose = if gone.contains(from.trim()) {
                "of tasks that were left out"
            } else {
                "of tasks that are not there"
            };
            self.harvest.losses.count(LossKind::Dropped, "edges", whose);
            return;
        };
        if gone.contains(to.trim()) {
            self.harvest.losses.count(LossKind::Dropped, "edges", "to tasks that were left out");
            return;
        }
        let draft = &mut self.harvest.drafts[at];
        match super::words::plain(&kind).as_str() {
            "" | "blocks" | "blocked_by" | "depends_on" | "conditional_blocks" | "waits_for" => {
                draft.depends_on.push(to);
            }
            "parent_child" | "child" | "parent" if draft.parent.is_none() => draft.parent = Some(to),
            "parent_child" | "child" | "parent" => {
                self.harvest.losses.tell(LossKind::Dropped, &from, format!("a second parent, `{to}`"));
            }
            _ => self.harvest.losses.count(
                LossKind::Dropped,
                &format!("edges `{}`", kind.trim()),
                "have no meaning here",
            ),
        }
    }

    fn memory(&mut self, place: &str, record: &Record) {
        let said = text(record, &["value", "content", "text"]);
        if said.trim().is_empty() {
            self.harvest.losses.tell(LossKind::Skipped, place, "a memory without text");
            return;
        }
        let topic = text(record, &["key", "topic"]);
        let wish = if topic.is_empty() { place.to_owned() } else { topic.clone() };
        // A placeholder that is always legal; the real id is chosen when all notes are known.
        let Ok(id) = NoteId::new("n") else { return };
        let created = time(&text(record, &["created_at"]));
        self.harvest.notes.push((
            wish,
            Note {
                id,
                kind: NoteKind::Learning,
                topic: Some(topic),
                text: said,
                because: None,
                tasks: Vec::new(),
                supersedes: None,
                status: NoteStatus::InForce,
                author: None,
                created,
                expires: None,
            },
        ));
    }
}

/// A nested edge as a record of its own; older files name only the other end.
fn edge_record(value: Value, issue: &Record) -> Option<Record> {
    let mut edge = match value {
        Value::Object(edge) => edge,
        Value::String(id) => Record::from_iter([("depends_on_id".to_owned(), Value::String(id))]),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => return None,
    };
    if text(&edge, &["issue_id"]).is_empty() {
        edge.insert("issue_id".to_owned(), issue.get("id").cloned().unwrap_or_default());
    }
    Some(edge)
}

fn left_out(record: &Record, status: &str, is_deleted: bool) -> Option<&'static str> {
    if status == "tombstone" || !text(record, &["deleted_at"]).is_empty() {
        Some("tombstones")
    } else if is_deleted {
        Some("issues named in `deletions.jsonl`")
    } else {
        None
    }
}

/// Marks what is no work in itself by a label; if it is open, a person has to approve it.
fn set_aside(draft: &mut Draft, record: &Record, harvest: &mut Harvest) {
    for (key, label, item) in
        [("ephemeral", "ephemeral", "ephemeral issues"), ("is_template", "template", "templates")]
    {
        if flag(record, key) {
            draft.labels.push(label.to_owned());
            if draft.status == Status::Pending {
                draft.status = Status::Proposed;
                harvest.losses.count(
                    LossKind::Mapped,
                    item,
                    "that are open are `proposed`, so that no step takes them unasked",
                );
            }
        }
    }
}

fn description(record: &Record, mut comments: Vec<String>) -> String {
    if let Some(Value::Array(nested)) = record.get("comments") {
        comments.extend(nested.iter().filter_map(Value::as_object).map(comment));
    }
    let field = |key| text(record, &[key]);
    let reason = field("close_reason");
    let says_nothing = matches!(reason.trim(), "Closed" | "closed" | "Done" | "done");
    super::fields::joined(&[
        ("", &field("description")),
        ("Design", &field("design")),
        ("Notes", &field("notes")),
        ("References", &text(record, &["external_ref", "spec_id"])),
        ("Comments", &comments.join("\n\n")),
        ("Closed because", if says_nothing { "" } else { &reason }),
    ])
}
