//! A roadmap in YAML: epics with milestones with tasks.
//!
//! Epics and milestones become epics; an id names a task, a milestone or an epic.

use super::draft::{Draft, Harvest};
use super::fields::{Record, criteria, list, text};
use super::text::{decode, time};
use super::{ForeignFile, LossKind, yaml};
use crate::state::task::Kind;
use serde_json::Value;

const READ: [&str; 24] = [
    "id",
    "title",
    "name",
    "status",
    "domain",
    "milestones",
    "tasks",
    "epics",
    "dependencies",
    "depends_on",
    "exit_criteria",
    "acceptance_criteria",
    "description",
    "set_id",
    "estimated_complexity",
    "complexity",
    "priority",
    "type",
    "labels",
    "created_at",
    "created",
    "updated_at",
    "reason",
    "blocked_reason",
];

/// What a record is, by where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Epic,
    Milestone,
    Task,
}

/// Reads roadmaps.
pub(super) fn read(files: &[&ForeignFile]) -> Harvest {
    let mut harvest = Harvest::default();
    for file in files {
        let root = match yaml::parse(&decode(&file.bytes)) {
            Ok(Value::Object(root)) => root,
            Ok(Value::Array(epics)) => Record::from_iter([("epics".to_owned(), Value::Array(epics))]),
            Ok(_) => {
                harvest.losses.tell(LossKind::Skipped, &file.path, "neither a map nor a list");
                continue;
            }
            Err(error) => {
                let place =
                    error.line.map_or_else(|| file.path.clone(), |line| format!("{}:{line}", file.path));
                harvest.losses.tell(LossKind::Skipped, &place, error.fact);
                continue;
            }
        };
        let before = harvest.drafts.len();
        below(&root, &file.path, None, &mut harvest);
        if harvest.drafts.len() == before {
            harvest.losses.tell(LossKind::Skipped, &file.path, "no `epics`, `milestones` or `tasks` in it");
        }
    }
    harvest
}

/// Reads everything below a record, which is three levels at most.
fn below(record: &Record, place: &str, parent: Option<&str>, harvest: &mut Harvest) {
    for (key, level) in [("epics", Level::Epic), ("milestones", Level::Milestone), ("tasks", Level::Task)] {
        let entries: Vec<(Option<&String>, &Value)> = match record.get(key) {
            Some(Value::Array(values)) => values.iter().map(|value| (None, value)).collect(),
            Some(Value::Object(map)) => map.iter().map(|(id, value)| (Some(id), value)).collect(),
            _ => continue,
        };
        for (index, (id, value)) in entries.into_iter().enumerate() {
            let place = format!("{place}, {key} {}", index + 1);
            let own =
                value.as_object().map(|record| text(record, &["id"])).filter(|id| !id.trim().is_empty());
            let Some((record, id)) = value.as_object().zip(own.or_else(|| id.cloned())) else {
                harvest.losses.tell(LossKind::Skipped, &place, "not a record with an `id`");
                continue;
            };
            let draft = draft(record, id.trim(), level, place.clone(), parent, harvest);
            let key = key_of(&harvest.drafts, &draft);
            harvest.drafts.push(draft);
            if level != Level::Task {
                below(record, &place, Some(&key), harvest);
            }
        }
    }
}

/// By what name a record is found among all: its id, or that with a number where another one had it before.
fn key_of(before: &[Draft], draft: &Draft) -> String {
    let is_same = |other: &&Draft| Draft { place: draft.place.clone(), ..(*other).clone() } == *draft;
    let mut others = before.iter().filter(|other| other.key == draft.key);
    match others.next() {
        None => draft.key.clone(),
        Some(first) if is_same(&first) => draft.key.clone(),
        Some(first) => {
            let repeats = |other: &&Draft| Draft { place: first.place.clone(), ..(*other).clone() } == *first;
            format!("{}#{}", draft.key, others.filter(|other| !repeats(other)).count() + 2)
        }
    }
}

fn draft(
    record: &Record,
    id: &str,
    level: Level,
    place: String,
    parent: Option<&str>,
    harvest: &mut Harvest,
) -> Draft {
    let mut draft = Draft::new(id.to_owned(), place);
    draft.title = text(record, &["title", "name"]);
    harvest.set_status(&mut draft, &text(record, &["status"]));
    let why = text(record, &["reason", "blocked_reason"]);
    if draft.reason.is_some() && !why.trim().is_empty() {
        draft.reason = Some(why);
    }
    match level {
        Level::Epic | Level::Milestone => draft.kind = Kind::Epic,
        Level::Task => harvest.set_kind(&mut draft, &text(record, &["type"])),
    }
    harvest.set_priority(&mut draft, &text(record, &["priority"]));
    harvest
        .set_complexity(&mut draft, record.get("estimated_complexity").or_else(|| record.get("complexity")));
    draft.created = time(&text(record, &["created_at", "created"]));
    draft.parent = parent.map(str::to_owned);
    draft.depends_on = list(record, "dependencies");
    draft.depends_on.extend(list(record, "depends_on"));
    draft.acceptance = criteria(record, "exit_criteria");
    draft.acceptance.extend(criteria(record, "acceptance_criteria"));
    draft.labels = list(record, "labels");
    let domain = text(record, &["domain"]);
    let set = text(record, &["set_id"]);
    draft.labels.extend(
        [("domain", domain), ("set", set)]
            .iter()
            .filter(|(_, value)| !value.trim().is_empty())
            .map(|(name, value)| format!("{name}:{}", value.trim())),
    );
    draft.description = text(record, &["description"]);
    harvest.count_unread(record, &READ);
    draft
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_stay_below_a_milestone_that_has_the_id_of_another_record() {
        let text = "epics:\n- id: E1\n  title: epic\n  milestones:\n  - id: E1\n    title: milestone\n    tasks:\n    - {id: A, title: a}\n  - id: E1\n    title: milestone\n    tasks:\n    - {id: A, title: a}\n  - id: E1\n    title: other\n    tasks:\n    - {id: B, title: b}\n";
        let file = ForeignFile { path: "r.yaml".to_owned(), bytes: text.as_bytes().to_vec() };
        let drafts = read(&[&file]).drafts;
        let told: Vec<(&str, Option<&str>)> =
            drafts.iter().map(|draft| (draft.title.as_str(), draft.parent.as_deref())).collect();
        assert_eq!(
            told,
            [
                ("epic", None),
                ("milestone", Some("E1")),
                ("a", Some("E1#2")),
                ("milestone", Some("E1")),
                ("a", Some("E1#3")),
                ("other", Some("E1")),
                ("b", Some("E1#4")),
            ]
        );
    }
}
