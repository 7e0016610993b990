//! Backlog.md: a folder of Markdown files: tasks, drafts, milestones, decisions.
//!
//! Milestones become epics, decisions become notes. The folder that a file lies in counts: drafts are
//! proposed, what is in the archive and not done is cancelled. References to tasks may have an older
//! prefix (`task-12` for `BACK-12`); the number decides then.

use super::draft::{Draft, Harvest};
use super::fields::{joined, list, text};
use super::markdown::{self, Page, demands, is_comment, sections};
use super::text::{decode, extension, name_of, safe_path, time};
use super::{ForeignFile, LossKind};
use crate::state::id::NoteId;
use crate::state::note::{Note, NoteKind, NoteStatus};
use crate::state::status::Status;
use crate::state::task::Kind;
use std::collections::{HashMap, HashSet};

const READ: [&str; 23] = [
    "id",
    "title",
    "status",
    "created_date",
    "updated_date",
    "labels",
    "milestone",
    "dependencies",
    "blocked_by",
    "references",
    "documentation",
    "modified_files",
    "parent_task_id",
    "parent",
    "priority",
    "type",
    "ordinal",
    "date",
    "completed_date",
    "completion_date",
    "onStatusChange",
    "subtasks",
    "reporter",
];

/// What the folder of a file says about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shelf {
    Task,
    Draft,
    Milestone,
    Decision,
    Doc,
}

/// Reads tasks, drafts, milestones and decisions.
pub(super) fn read(files: &[&ForeignFile]) -> Harvest {
    let mut harvest = Harvest::default();
    let mut wishes = Vec::new();
    // Numbers of archived tasks are given out again; the task in use keeps its id.
    let mut files = files.to_vec();
    files.sort_by_key(|file| is_archived(&file.path));
    for file in files {
        if is_config(&file.path) || is_readme(&file.path) {
            continue;
        }
        let shelf = shelf(&file.path);
        if shelf == Shelf::Doc {
            harvest.losses.count(LossKind::Dropped, "documents", "are not tasks");
            continue;
        }
        let content = decode(&file.bytes);
        let Some(page) = markdown::page(&content) else {
            harvest.losses.tell(LossKind::Skipped, &file.path, "no front matter in it");
            continue;
        };
        if page.repaired.is_some() {
            harvest.losses.count(
                LossKind::Mapped,
                "front matter that is not valid YAML",
                "was read line by line",
            );
        }
        match shelf {
            Shelf::Task | Shelf::Draft => {
                let draft = task(file, &page, shelf, &mut harvest);
                wishes.push((harvest.drafts.len(), text(&page.record, &["milestone"]).trim().to_owned()));
                harvest.drafts.push(draft);
            }
            Shelf::Milestone => {
                let draft = milestone(file, &page);
                harvest.drafts.push(draft);
            }
            Shelf::Decision => decision(file, &page, &mut harvest),
            Shelf::Doc => {}
        }
    }
    place_in_milestones(&mut harvest, wishes);
    resolve_numbers(&mut harvest);
    harvest
}

fn is_readme(path: &str) -> bool {
    name_of(path).eq_ignore_ascii_case("readme.md")
}

fn is_config(path: &str) -> bool {
    matches!(extension(path).as_str(), "yml" | "yaml")
}

fn is_archived(path: &str) -> bool {
    format!("/{path}").contains("/archive/")
}

fn shelf(path: &str) -> Shelf {
    let folder = |name: &str| path.split('/').rev().skip(1).any(|part| part == name);
    if folder("decisions") {
        Shelf::Decision
    } else if folder("docs") {
        Shelf::Doc
    } else if folder("milestones") {
        Shelf::Milestone
    } else if folder("drafts") {
        Shelf::Draft
    } else {
        Shelf::Task
    }
}

fn id_of(file: &ForeignFile, page: &Page<'_>) -> String {
    let id = text(&page.record, &["id"]).trim().to_owned();
    if id.is_empty() {
        let name = name_of(&file.path).trim_end_matches(".md");
        return name.split(" - ").next().unwrap_or(name).trim().to_owned();
    }
    id
}

fn task(file: &ForeignFile, page: &Page<'_>, shelf: Shelf, harvest: &mut Harvest) -> Draft {
    let record = &page.record;
    let mut draft = Draft::new(id_of(file, page), file.path.clone());
    draft.title = text(record, &["title"]);
    set_standing(&mut draft, &text(record, &["status"]), shelf, is_archived(&file.path), harvest);
    harvest.set_kind(&mut draft, &text(record, &["type"]));
    harvest.set_priority(&mut draft, &text(record, &["priority"]));
    draft.created = time(&text(record, &["created_date"]));
    draft.labels = list(record, "labels");
    draft.depends_on = list(record, "dependencies");
    draft.depends_on.extend(list(record, "blocked_by"));
    draft.parent =
        Some(text(record, &["parent_task_id", "parent"])).filter(|parent| !parent.trim().is_empty());
    draft.files = list(record, "modified_files").iter().filter_map(|path| safe_path(path)).collect();
    let mut references = list(record, "references");
    references.extend(list(record, "documentation"));
    let body = body(page.body, &mut draft);
    draft.description = joined(&[("", &body), ("References", &references.join("\n"))]);
    harvest.count_unread(record, &READ);
    draft
}

fn set_standing(draft: &mut Draft, word: &str, shelf: Shelf, is_archived: bool, harvest: &mut Harvest) {
    harvest.set_status(draft, word);
    if draft.status.is_closed() {
        return;
    }
    if is_archived {
        draft.status = Status::Cancelled;
        draft.reason = Some("archived".to_owned());
        harvest.losses.count(LossKind::Mapped, "archived tasks that are not done", "read as `cancelled`");
    } else if shelf == Shelf::Draft {
        draft.status = Status::Proposed;
        draft.reason = None;
    }
}

/// The body without marks; what is demanded goes into the draft's criteria.
fn body(body: &str, draft: &mut Draft) -> String {
    let mut kept: Vec<String> = Vec::new();
    for section in sections(body, 2) {
        let heading = section.heading.to_ascii_lowercase();
        if matches!(heading.as_str(), "acceptance criteria" | "definition of done") {
            draft.acceptance.extend(demands(&section.lines));
            continue;
        }
        let is_first = kept.iter().all(|line| line.trim().is_empty());
        if !(heading.is_empty() || (heading == "description" && is_first)) {
            kept.push(format!("## {}", section.heading));
        }
        kept.extend(section.lines.iter().filter(|line| !is_comment(line)).map(|line| (*line).to_owned()));
    }
    super::text::lines(&kept.join("\n"))
}

fn milestone(file: &ForeignFile, page: &Page<'_>) -> Draft {
    let mut draft = Draft::new(id_of(file, page), file.path.clone());
    draft.title = text(&page.record, &["title"]);
    draft.kind = Kind::Epic;
    if is_archived(&file.path) {
        draft.status = Status::Done;
    }
    draft.description = body(page.body, &mut draft);
    draft
}

fn decision(file: &ForeignFile, page: &Page<'_>, harvest: &mut Harvest) {
    let record = &page.record;
    let id = id_of(file, page);
    // A placeholder that is always legal; the real id is chosen when all notes are known.
    let Ok(placeholder) = NoteId::new("n") else { return };
    let word = text(record, &["status"]).trim().to_ascii_lowercase();
    let (kind, status) = match word.as_str() {
        "proposed" => (NoteKind::Hypothesis, NoteStatus::InForce),
        "rejected" | "deprecated" => (NoteKind::Decision, NoteStatus::Retired),
        "superseded" => (NoteKind::Decision, NoteStatus::Superseded),
        _ => (NoteKind::Decision, NoteStatus::InForce),
    };
    if kind == NoteKind::Hypothesis {
        harvest.losses.tell(
            LossKind::Mapped,
            &id,
            "the decision is only proposed, so it is a hypothesis here",
        );
    }
    let title = text(record, &["title"]);
    let (mut said, mut because) = (vec![title.clone()], Vec::new());
    for section in sections(page.body, 2) {
        let lines = section.lines.join("\n");
        match section.heading.to_ascii_lowercase().as_str() {
            "context" => because.push(lines),
            "decision" | "" => said.push(lines),
            _ => said.push(format!("## {}\n{lines}", section.heading)),
        }
    }
    let said: Vec<String> =
        said.iter().map(|part| super::text::lines(part)).filter(|part| !part.is_empty()).collect();
    let note = Note {
        id: placeholder,
        kind,
        topic: Some(title),
        text: said.join("\n\n"),
        because: Some(because.join("\n\n")),
        tasks: Vec::new(),
        supersedes: None,
        status,
        author: None,
        created: time(&text(record, &["date", "created_date"])),
        expires: None,
    };
    harvest.notes.push((id, note));
}

/// Puts tasks without a parent below the milestone that they name; else the milestone is a label.
fn place_in_milestones(harvest: &mut Harvest, wishes: Vec<(usize, String)>) {
    let mut known: HashMap<String, String> = HashMap::new();
    for draft in
        harvest.drafts.iter().filter(|draft| draft.kind == Kind::Epic && draft.place.contains("milestones/"))
    {
        for name in [&draft.key, &draft.title] {
            known.entry(name.trim().to_lowercase()).or_insert_with(|| draft.key.clone());
        }
    }
    for (index, name) in wishes.into_iter().filter(|(_, name)| !name.is_empty()) {
        let draft = &mut harvest.drafts[index];
        match known.get(&name.to_lowercase()) {
            Some(key) if draft.parent.is_none() => draft.parent = Some(key.clone()),
            _ => draft.labels.push(format!("milestone:{name}")),
        }
    }
}

/// Rewrites references whose prefix is not that of any task, by their number.
fn resolve_numbers(harvest: &mut Harvest) {
    let mut by_number: HashMap<String, String> = HashMap::new();
    let mut known: HashSet<String> = HashSet::new();
    for draft in harvest.drafts.iter().filter(|draft| draft.kind != Kind::Epic) {
        known.insert(draft.key.to_lowercase());
        if shelf(&draft.place) == Shelf::Task
            && let Some(number) = number_of(&draft.key)
        {
            by_number.entry(number).or_insert_with(|| draft.key.clone());
        }
    }
    let epics: Vec<String> =
        harvest.drafts.iter().filter(|d| d.kind == Kind::Epic).map(|d| d.key.to_lowercase()).collect();
    known.extend(epics);
    let Harvest { drafts, losses, .. } = harvest;
    for draft in drafts {
        for name in draft.parent.iter_mut().chain(&mut draft.depends_on) {
            if known.contains(&name.trim().to_lowercase()) {
                continue;
            }
            if let Some(key) = number_of(name).and_then(|number| by_number.get(&number)) {
                losses.count(
                    LossKind::Mapped,
                    "references with another prefix",
                    "were resolved by their number",
                );
                key.clone_into(name);
            }
        }
    }
}

/// The number of an id such as `BACK-355.01`, without leading zeros: `355.1`.
fn number_of(id: &str) -> Option<String> {
    let number = id.trim().rsplit('-').next()?;
    let parts: Vec<&str> = number.split('.').map(|part| part.trim_start_matches('0')).collect();
    let is_number = number.starts_with(|c: char| c.is_ascii_digit())
        && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    is_number.then(|| parts.join("."))
}
