//! What a source said last of a task, in the groups of the task's file.
//!
//! In: one line of words such as `title:fs660`, one for each field. Out: a key in the group of the field, so that it
//! conflicts in a merge only where the field does.

use super::super::task::Task;
use super::fields::Table;
use super::splice::Edit;
use super::toml_text::{self, Value};
use std::collections::BTreeSet;

/// The keys, each with the fields that it is about; what is about none of them stands under the first.
const SAID: [(&str, &[&str]); 5] = [
    ("source_digest", &[]),
    ("source_standing", &["status", "priority"]),
    ("source_edges", &["parent", "depends_on"]),
    ("source_scope", &["labels", "files", "acceptance"]),
    ("source_text", &["description"]),
];

/// What the source said, of all groups.
pub(super) fn read(root: &mut Table<'_>) -> Option<String> {
    let all: Vec<String> = SAID.iter().filter_map(|(key, _)| root.str(key)).collect();
    sorted(all.iter().flat_map(|text| text.split_whitespace()))
}

/// What the source said of the fields of one key.
pub(super) fn under(key: &'static str, task: &Task) -> Edit {
    let of = |word: &str| {
        let field = word.split_once(':').map_or(word, |(field, _)| field);
        SAID.iter().find(|(_, fields)| fields.contains(&field)).unwrap_or(&SAID[0]).0
    };
    let words = task.source_digest.iter().flat_map(|text| text.split_whitespace());
    let value = sorted(words.filter(|word| of(word) == key)).map(|text| Value::One(toml_text::string(&text)));
    Edit { table: None, key, value }
}

fn sorted<'w>(words: impl Iterator<Item = &'w str>) -> Option<String> {
    let words: BTreeSet<&str> = words.collect();
    Some(words.into_iter().collect::<Vec<_>>().join(" ")).filter(|text| !text.is_empty())
}

/// What the source said of a task, as a file can say it.
pub(super) fn in_order(task: &Task) -> Option<String> {
    sorted(task.source_digest.iter().flat_map(|text| text.split_whitespace()))
}
