//! Task files.
//!
//! In: the bytes of `tasks/**/<id>.toml`. Out: a [`Task`], and back. Invariant: a file that was read
//! and is rewritten without a change keeps its bytes; with a change it keeps everything else.

use super::super::concern::check_name;
use super::super::estimate;
use super::super::id::{RunId, TaskId};
use super::super::layout;
use super::super::problem::{Problem, Severity};
use super::super::status::Status;
use super::super::task::{Estimate, History, Kind, PRIORITY_DEFAULT, PRIORITY_MAX, Task, is_unprintable};
use super::fields::{Document, Table};
use super::lex::{Kind::Comment, tokens};
use super::merge::{Field, Said, Unmerged, Version};
use super::said;
use super::splice::{Edit, Group, splice, splice_loosely};
use super::text::clean;
use super::toml_text::{self, Value};
use super::{Read, SCHEMA};

/// The groups of a task file, in their order.
const GROUPS: [Group; 7] = [
    Group {
        comment: "# what",
        table: None,
        keys: &["id", "title", "kind", "complexity", "created", "source", "source_digest"],
    },
    Group { comment: "# standing", table: None, keys: &["status", "reason", "priority", "source_standing"] },
    Group { comment: "# edges", table: None, keys: &["parent", "depends_on", "source_edges"] },
    Group {
        comment: "# scope",
        table: None,
        keys: &["labels", "files", "acceptance", "allow", "run", "source_scope"],
    },
    Group { comment: "# text", table: None, keys: &["description", "source_text"] },
    Group {
        comment: "# estimate",
        table: Some("estimate"),
        keys: &["files", "tests", "docs", "tokens", "confidence"],
    },
    Group { comment: "# history", table: Some("history"), keys: &["attempts", "last_run"] },
];

/// What an estimate says about tests.
pub const ESTIMATE_TESTS: [&str; 3] = ["low", "medium", "high"];
/// What an estimate says about documentation.
pub const ESTIMATE_DOCS: [&str; 4] = ["none", "light", "medium", "heavy"];

/// Reads a task file.
#[must_use]
pub fn read(path: &str, bytes: &[u8]) -> Read<Task> {
    let document = Document::parse(path, bytes);
    let mut root = document.root();
    root.schema();
    let task = read_root(&mut root, layout::stem(path));
    root.unknown_keys(Severity::Warning);
    document.finish(task)
}

fn read_root(root: &mut Table<'_>, stem: &str) -> Option<Task> {
    let id = read_id(root, stem);
    let title = read_title(root);
    let kind = root.word("kind", Kind::parse, &Kind::ALL.map(Kind::as_str));
    let status = root.word("status", Status::parse, &Status::ALL.map(Status::as_str));
    if root.line_of("status").is_none() {
        root.missing("status", "add `status = \"pending\"`");
    }
    let complexity = root.int("complexity", 1..=10);
    let priority = root.int("priority", 0..=i64::from(PRIORITY_MAX));
    let mut task = Task {
        kind: kind.unwrap_or(Kind::Feature),
        complexity: complexity.and_then(|number| u8::try_from(number).ok()),
        created: root.timestamp("created"),
        source: filled(root.str("source")),
        source_digest: said::read(root),
        status: status.unwrap_or(Status::Pending),
        reason: filled(root.str("reason")),
        priority: priority.and_then(|number| u8::try_from(number).ok()).unwrap_or(PRIORITY_DEFAULT),
        parent: read_parent(root, stem),
        depends_on: read_dependencies(root, stem),
        labels: root.strings("labels"),
        files: root.strings("files"),
        acceptance: root.strings("acceptance"),
        allow: read_allow(root),
        run: read_run(root),
        description: root.str("description").unwrap_or_default(),
        estimate: read_estimate(root),
        history: read_history(root),
        ..Task::new(id?, title?)
    };
    task.normalise();
    Some(task)
}

fn filled(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

fn read_id(root: &mut Table<'_>, stem: &str) -> Option<TaskId> {
    if root.line_of("id").is_none() {
        root.missing("id", &format!("add `id = \"{stem}\"`"));
    }
    let id = root.checked("id", TaskId::new)?;
    if id.as_str() != stem {
        let remedy = format!("rename the file to `{id}.toml`, or set `id = \"{stem}\"`");
        root.error("id", format!("the id `{id}` is not the name of the file, `{stem}`"), Some(&remedy));
    }
    Some(id)
}

fn read_title(root: &mut Table<'_>) -> Option<String> {
    let Some(title) = root.str("title") else {
        if root.line_of("title").is_none() {
            root.missing("title", "add `title = \"...\"`");
        }
        return None;
    };
    if title.trim().is_empty() {
        root.error("title", "the title is empty", Some("say in one line what is to be done"));
    } else if title.contains(['\n', '\r']) {
        root.error("title", "the title has more than one line", Some("move the rest to `description`"));
    } else if title.contains(is_unprintable) {
        root.error("title", "the title has characters that cannot be printed", Some("remove them"));
    }
    Some(title)
}

fn read_parent(root: &mut Table<'_>, stem: &str) -> Option<TaskId> {
    // An empty parent is none, as an empty reason is.
    let (text, line) = root.str_at("parent").filter(|(text, _)| !text.is_empty())?;
    let new = TaskId::new(text).map_err(|error| root.error_at(line, format!("`parent`: {error}"), None));
    let parent = new.ok()?;
    if parent.as_str().eq_ignore_ascii_case(stem) {
        root.error("parent", format!("`{parent}` is its own parent"), Some("remove `parent`"));
    }
    Some(parent)
}

fn read_dependencies(root: &mut Table<'_>, stem: &str) -> Vec<TaskId> {
    let mut ids = Vec::new();
    for (text, line) in root.strings_at("depends_on") {
        match TaskId::new(text) {
            Ok(id) if id.as_str().eq_ignore_ascii_case(stem) => {
                let remedy = "remove it from `depends_on`";
                root.error_at(line, format!("`{id}` depends on itself"), Some(remedy));
            }
            Ok(id) => ids.push(id),
            Err(error) => root.error_at(line, format!("`depends_on`: {error}"), None),
        }
    }
    ids
}

fn read_allow(root: &mut Table<'_>) -> Vec<String> {
    let names = root.strings_at("allow");
    for (name, line) in &names {
        if let Err(why) = check_name(name) {
            root.error_at(*line, format!("`{}` in `allow`: {why}", clean(name)), None);
        }
    }
    names.into_iter().map(|(name, _)| name).collect()
}

fn read_run(root: &mut Table<'_>) -> Option<String> {
    let run = filled(root.str("run"))?;
    if run.contains('\0') {
        root.error("run", "`run` has a NUL character", Some("remove the character"));
    }
    Some(run)
}

fn read_estimate(root: &mut Table<'_>) -> Option<Estimate> {
    let mut table = root.table("estimate")?;
    let word = |all: &[&str], word: &str| all.contains(&word).then(|| word.to_owned());
    let files = table.int("files", 0..=i64::from(u32::MAX));
    let tokens = table.int("tokens", 0..=i64::MAX);
    let estimate = Estimate {
        files: files.and_then(|number| u32::try_from(number).ok()),
        tests: table.word("tests", |text| word(&ESTIMATE_TESTS, text), &ESTIMATE_TESTS),
        docs: table.word("docs", |text| word(&ESTIMATE_DOCS, text), &ESTIMATE_DOCS),
        tokens: tokens.and_then(|number| u64::try_from(number).ok()),
        confidence: table.float("confidence", 0.0..=1.0),
    };
    table.unknown_keys(Severity::Warning);
    Some(estimate).filter(|estimate| *estimate != Estimate::default())
}

fn read_history(root: &mut Table<'_>) -> History {
    let Some(mut table) = root.table("history") else { return History::default() };
    let attempts = table.int("attempts", 0..=i64::from(u32::MAX));
    let history = History {
        attempts: attempts.and_then(|number| u32::try_from(number).ok()).unwrap_or(0),
        last_run: table.checked("last_run", RunId::new),
    };
    table.unknown_keys(Severity::Warning);
    history
}

/// Every key of a task with its value; none where the key is left out.
fn edits(task: &Task) -> Vec<Edit> {
    let text = |text: &Option<String>| filled(text.clone()).map(|text| toml_text::string(&text));
    let list = |list: &[String]| Some(list.to_vec()).filter(|list| !list.is_empty());
    let word = |word: &str| Some(toml_text::string(word));
    let dependencies: Vec<String> = task.depends_on.iter().map(ToString::to_string).collect();
    let one = |table, key, value: Option<String>| Edit { table, key, value: value.map(Value::One) };
    let many = |key, value: Option<Vec<String>>| Edit { table: None, key, value: value.map(Value::List) };
    let estimate = task.estimate.clone().unwrap_or_default();
    let priority = Some(task.priority).filter(|priority| *priority != PRIORITY_DEFAULT);
    let attempts = Some(task.history.attempts).filter(|attempts| *attempts > 0);
    let description = Some(&task.description).filter(|text| !text.is_empty());
    let (size, past) = (Some("estimate"), Some("history"));
    vec![
        one(None, "id", word(task.id.as_str())),
        one(None, "title", word(&task.title)),
        one(None, "kind", word(task.kind.as_str())),
        one(None, "complexity", task.complexity.map(|number| number.to_string())),
        one(None, "created", task.created.and_then(toml_text::timestamp)),
        one(None, "source", text(&task.source)),
        said::under("source_digest", task),
        one(None, "status", word(task.status.as_str())),
        one(None, "reason", text(&task.reason)),
        one(None, "priority", priority.map(|number| number.to_string())),
        said::under("source_standing", task),
        one(None, "parent", task.parent.as_ref().and_then(|id| word(id.as_str()))),
        many("depends_on", list(&dependencies)),
        said::under("source_edges", task),
        many("labels", list(&task.labels)),
        many("files", list(&task.files)),
        many("acceptance", list(&task.acceptance)),
        many("allow", list(&task.allow)),
        one(None, "run", text(&task.run)),
        said::under("source_scope", task),
        one(None, "description", description.map(|text| toml_text::long_string(text))),
        said::under("source_text", task),
        one(size, "files", estimate.files.map(|number| number.to_string())),
        one(size, "tests", text(&estimate.tests)),
        one(size, "docs", text(&estimate.docs)),
        one(size, "tokens", estimate.tokens.map(toml_text::integer)),
        one(size, "confidence", estimate.confidence.and_then(toml_text::float)),
        one(past, "attempts", attempts.map(|number| number.to_string())),
        one(past, "last_run", task.history.last_run.as_ref().and_then(|id| word(id.as_str()))),
    ]
}

/// A task as a file can say it.
fn sayable(task: &Task) -> Task {
    let mut task = task.clone();
    task.normalise();
    for text in [&mut task.source, &mut task.reason, &mut task.run] {
        *text = filled(text.take());
    }
    task.source_digest = said::in_order(&task);
    task.estimate = task.estimate.filter(|estimate| *estimate != Estimate::default());
    task
}

/// Writes a new task file.
#[must_use]
pub fn write(task: &Task) -> String {
    let edits = edits(&sayable(task));
    let mut out = format!("schema = {SCHEMA}\n");
    for (index, group) in GROUPS.iter().enumerate() {
        out.push_str(if index == 0 { "" } else { "\n\n" });
        out.push_str(group.comment);
        out.push('\n');
        let inside = edits.iter().filter(|edit| edit.table == group.table && group.keys.contains(&edit.key));
        let lines: String = inside.filter_map(Edit::line).collect();
        if let Some(table) = group.table.filter(|_| !lines.is_empty()) {
            out.extend(["[", table, "]\n"]);
        }
        out.push_str(&lines);
    }
    out
}

/// Changes a task file so that it says what `task` says, and nothing else of it.
///
/// # Errors
/// When `old` is no task file, or cannot be changed without changing more.
pub fn rewrite(path: &str, old: &str, task: &Task) -> Result<String, Problem> {
    let before = read(path, old.as_bytes());
    let Some(current) = before.value else {
        let error = before.problems.into_iter().find(Problem::is_error);
        return Err(error.unwrap_or_else(|| Problem::error(path, None, "the file is not a task")));
    };
    let wanted = sayable(task);
    if current == wanted {
        return Ok(old.to_owned());
    }
    put(path, old, &edits(&current), &edits(&wanted)).ok_or_else(|| {
        Problem::error(path, None, "the file cannot be changed without changing more than was asked for")
            .with_remedy("edit the file by hand")
    })
}

/// The text of a file with other values; none where more than those would change.
fn put(path: &str, old: &str, known: &[Edit], wanted: &[Edit]) -> Option<String> {
    let says_it = |new: &String| {
        let task = read(path, new.as_bytes()).value;
        task.is_some_and(|task| edits(&task) == wanted) && unknown(new) == unknown(old)
    };
    let changes: Vec<Edit> = wanted.iter().filter(|edit| !known.contains(edit)).cloned().collect();
    let spliced = Some(splice(old, &GROUPS, &changes)).filter(says_it);
    spliced.or_else(|| splice_loosely(old, &changes).filter(says_it))
}

/// A task file, taken apart for a merge.
pub(super) fn version<'t>(path: &str, text: &'t str) -> Result<Version<'t>, Unmerged> {
    let read = read(path, text.as_bytes());
    let task = read.value.ok_or_else(|| Unmerged::why(&read.problems))?;
    let field = |edit: Edit| {
        let said = match edit.value {
            None => Said::Nothing,
            Some(Value::One(text)) => Said::One(text),
            Some(Value::List(list)) => Said::Set(list),
        };
        (edit.table.map_or(edit.key.to_owned(), |table| format!("{table}.{}", edit.key)), said)
    };
    let comments = tokens(text).filter(|token| token.kind == Comment);
    let comments: Vec<&str> = comments.filter_map(|token| text.get(token.span)).collect();
    let rest = format!("{}\n{}", comments.join("\n"), unknown(text).unwrap_or_default());
    Ok(Version { text, fields: edits(&sayable(&task)).into_iter().map(field).collect(), rest })
}

/// The text of a version with other values; none where it would not be a task.
pub(super) fn with_fields(path: &str, version: &Version<'_>, fields: &[Field]) -> Option<String> {
    let known = edits(&sayable(&read(path, version.text.as_bytes()).value?));
    let with = |(edit, (_, said)): (&Edit, &Field)| {
        let value = match said.clone() {
            Said::Nothing => None,
            Said::One(text) => Some(Value::One(text)),
            Said::Set(mut list) => {
                if edit.key != "acceptance" {
                    list.sort();
                }
                Some(Value::List(list))
            }
        };
        Edit { value, ..edit.clone() }
    };
    let wanted: Vec<Edit> = known.iter().zip(fields).map(with).collect();
    put(path, version.text, &known, &wanted)
}

/// Whether the estimates of all sides are the formula's. What git merged by itself is on both sides already, so
/// that an estimate may be that of a task as it was elsewhere.
pub(super) fn are_estimated(path: &str, sides: [&str; 2], before: Option<&str>) -> bool {
    let read = |text: &str| read(path, text.as_bytes()).value;
    let all: Vec<Task> = sides.into_iter().chain(before).filter_map(read).collect();
    let mut figures = Vec::new();
    for files in &all {
        for complexity in &all {
            for said in &all {
                let mut task = files.clone();
                task.complexity = complexity.complexity;
                task.estimate = said.estimate.clone().map(|said| Estimate { files: None, ..said });
                figures.push(estimate::predict(&task).tokens);
            }
        }
    }
    let tokens = |side: &Task| side.estimate.as_ref().and_then(|estimate| estimate.tokens);
    let is_estimated = |side: &Task| tokens(side).is_some_and(|tokens| figures.contains(&Some(tokens)));
    all.len() >= sides.len() && all[..sides.len()].iter().all(is_estimated)
}

/// The text with an estimate by the formula.
pub(super) fn estimated_anew(path: &str, text: &str) -> Option<String> {
    let mut task = read(path, text.as_bytes()).value?;
    estimate::put(&mut task);
    rewrite(path, text, &task).ok()
}

/// The keys that are not ours, and their values, in a form that can be compared.
fn unknown(text: &str) -> Option<String> {
    let mut root: toml::Table = toml::from_str(text).ok()?;
    root.remove("schema");
    for group in &GROUPS {
        match group.table {
            None => root.retain(|key, _| !group.keys.contains(&key)),
            Some(name) => {
                let Some(toml::Value::Table(mut table)) = root.remove(name) else { continue };
                table.retain(|key, _| !group.keys.contains(&key));
                if !table.is_empty() {
                    root.insert(name.to_owned(), toml::Value::Table(table));
                }
            }
        }
    }
    Some(format!("{root:?}"))
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;
    use proptest::prelude::*;

    const PATH: &str = ".orchestrator/tasks/t.toml";

    fn parse(text: &str) -> Task {
        let read = read(PATH, text.as_bytes());
        assert!(!read.problems.iter().any(Problem::is_error), "{:?}\n{text}", read.problems);
        read.value.unwrap()
    }

    fn problems(lines: &str) -> String {
        let read = read(PATH, format!("schema = 1\n{lines}").as_bytes());
        let told = read.problems.iter().map(|problem| {
            let remedy = problem.remedy.as_deref().unwrap_or("-");
            format!("{}: {} ({remedy})\n", problem.line.unwrap_or(0), problem.fact)
        });
        told.collect()
    }

    #[test]
    fn a_new_file_has_every_group() {
        let mut task = Task::new(TaskId::new("t").unwrap(), "Rate-limit");
        assert_eq!(
            write(&task),
            "schema = 1\n# what\nid = \"t\"\ntitle = \"Rate-limit\"\nkind = \"feature\"\n\n\n# standing\n\
             status = \"pending\"\n\n\n# edges\n\n\n# scope\n\n\n# text\n\n\n# estimate\n\n\n# history\n"
        );
        task.depends_on = vec![TaskId::new("b").unwrap(), TaskId::new("a").unwrap()];
        task.priority = 1;
        task.description = "Free text.\n".to_owned();
        task.estimate = Some(Estimate { files: Some(3), confidence: Some(0.95), ..Estimate::default() });
        task.history.attempts = 1;
        let text = write(&task);
        assert!(text.contains("# edges\ndepends_on = [\n  \"a\",\n  \"b\",\n]\n\n\n# scope\n"), "{text}");
        assert!(
            text.contains("priority = 1\n") && text.contains("description = \"\"\"\nFree text.\n\"\"\"\n")
        );
        assert!(text.ends_with(
            "# estimate\n[estimate]\nfiles = 3\nconfidence = 0.95\n\n\n# history\n[history]\nattempts = 1\n"
        ));
    }

    #[test]
    fn what_is_wrong_is_told_with_a_remedy() {
        assert_eq!(
            problems(
                "id = \"x\"\ntitle = \"\"\nstatus = \"finished\"\nprioriti = 1\ndepends_on = [\n\"T\",\n\"a b\",\n]\n"
            ),
            "2: the id `x` is not the name of the file, `t` (rename the file to `x.toml`, or set `id = \"t\"`)\n\
             3: the title is empty (say in one line what is to be done)\n\
             4: unknown status `finished` (one of proposed, pending, needs_review, needs_improvement, blocked, \
             done, cancelled)\n\
             5: unknown key `prioriti` (did you mean `priority`?)\n\
             7: `T` depends on itself (remove it from `depends_on`)\n\
             8: `depends_on`: id `a b` has characters other than letters, digits, `.`, `_`, `-`, or does not \
             begin with a letter or digit (-)\n"
        );
        assert_eq!(
            problems("run = \"a\\u0000\"\n[history]\nattemps = 1\n"),
            "0: `id` is missing (add `id = \"t\"`)\n0: `title` is missing (add `title = \"...\"`)\n\
             0: `status` is missing (add `status = \"pending\"`)\n\
             2: `run` has a NUL character (remove the character)\n\
             4: unknown key `history.attemps` (did you mean `attempts`?)\n"
        );
    }

    #[test]
    fn a_file_of_another_schema_is_refused() {
        for (line, fact) in [
            ("schema = 7", "schema 7 is newer than this orch knows (1)"),
            ("schema = 0", "schema 0 is older than 1"),
            ("", "`schema` is missing"),
        ] {
            let text = write(&Task::new(TaskId::new("t").unwrap(), "x")).replace("schema = 1", line);
            let read = read(PATH, text.as_bytes());
            assert_eq!((read.value, read.problems[0].fact.as_str()), (None, fact));
        }
    }

    const BY_HAND: &str = "\
# The licence.
schema = 1
# what
id = 't'   # the id
title = \"Rate-limit\"  # short
kind = \"bug\"
x-team = 'core'


# standing
status = \"pending\"   # was blocked
reason = \"\"          # why
priority = 1           # 0 urgent


# edges
depends_on = [   # first
    # the schema
    'a',
    \"c\"  # the last
]


# scope
labels = [\"api\"]


# text
description = 'one'


# estimate
[estimate]  # guessed
files = 3
mood = 'good'  # mine


# history

[custom]
attempts = 9
";

    #[test]
    fn a_file_that_a_person_edited_keeps_all_that_was_not_asked_for() {
        let mut task = parse(BY_HAND);
        assert_eq!(rewrite(PATH, BY_HAND, &task).as_deref(), Ok(BY_HAND));
        task.title = "Limit".to_owned();
        task.status = Status::Done;
        task.reason = Some("why not".to_owned());
        task.priority = 2;
        task.depends_on = ["b", "c", "d"].map(|id| TaskId::new(id).unwrap()).to_vec();
        task.parent = Some(TaskId::new("e").unwrap());
        task.labels = vec!["api".to_owned(), "db".to_owned()];
        task.estimate = Some(Estimate { tests: Some("low".to_owned()), ..Estimate::default() });
        task.history = History { attempts: 1, last_run: None };
        let new = rewrite(PATH, BY_HAND, &task).unwrap();
        let expected = BY_HAND
            .replace("\"Rate-limit\"", "\"Limit\"")
            .replace("\"pending\"", "\"done\"")
            .replace("\"\"          # why", "\"why not\"          # why")
            .replace("priority = 1           # 0 urgent", "# 0 urgent")
            .replace("    'a',\n    \"c\"  #", "  \"b\",\n    \"c\",  #")
            .replace("# the last\n", "# the last\n  \"d\",\n")
            .replace("# edges\n", "# edges\nparent = \"e\"\n")
            .replace("[\"api\"]", "[\n  \"api\",\n  \"db\",\n]")
            .replace("[estimate]  # guessed\nfiles = 3\n", "[estimate]  # guessed\ntests = \"low\"\n")
            .replace("# history\n", "# history\n[history]\nattempts = 1\n");
        assert_eq!(new, expected);
        assert_eq!(parse(&new), task);
    }

    #[test]
    fn a_file_without_group_comments_gets_its_keys_in_order() {
        let old = "schema = 1\nid = 't'\ntitle = 'x'\nstatus = 'pending'\nfiles = ['a']\n[x]\ny = 1";
        let mut task = parse(old);
        task.priority = 0;
        task.labels = vec!["l".to_owned()];
        task.history.attempts = 1;
        assert_eq!(
            rewrite(PATH, old, &task).unwrap(),
            "schema = 1\nid = 't'\ntitle = 'x'\nstatus = 'pending'\npriority = 0\nlabels = [\n  \"l\",\n]\n\
             files = ['a']\n[x]\ny = 1\n\n\n# history\n[history]\nattempts = 1\n"
        );
    }

    #[test]
    fn a_table_goes_with_its_last_key() {
        let mut task = Task::new(TaskId::new("t").unwrap(), "x");
        let bare = write(&task);
        task.estimate = Some(Estimate { files: Some(1), ..Estimate::default() });
        let sized = rewrite(PATH, &bare, &task).unwrap();
        assert_eq!(sized, write(&task));
        task.estimate = None;
        assert_eq!(rewrite(PATH, &sized, &task).unwrap(), bare);
    }

    #[test]
    fn unusual_toml_is_changed_all_the_same() {
        let old = "schema = 1\nid = 't'\n\"\\u0074itle\" = 'x' # c\nstatus = 'pending'\nhistory.attempts = 1\n\
                   estimate = { files = 3, other = 1 }\n";
        let mut task = parse(old);
        task.title = "y".to_owned();
        task.history.attempts = 2;
        task.estimate = Some(Estimate { files: Some(4), tokens: Some(7), ..Estimate::default() });
        let new = rewrite(PATH, old, &task).unwrap();
        assert_eq!(parse(&new), task);
        assert!(new.contains("other = 1") && new.contains("# c"), "{new}");
    }

    #[test]
    fn windows_line_ends_and_a_mark_at_the_start_stay() {
        let old =
            format!("\u{feff}{}", write(&Task::new(TaskId::new("t").unwrap(), "x"))).replace('\n', "\r\n");
        let mut task = parse(&old);
        task.labels = vec!["l".to_owned()];
        let new = rewrite(PATH, &old, &task).unwrap();
        assert_eq!(parse(&new), task);
        assert_eq!(new.matches('\n').count(), new.matches("\r\n").count());
    }

    #[test]
    fn a_broken_file_is_not_rewritten() {
        let task = Task::new(TaskId::new("t").unwrap(), "x");
        let problem = rewrite(PATH, "schema = 1\nid = \n", &task).unwrap_err();
        assert_eq!(problem.line, Some(2));
    }

    fn notes(text: &str) -> Vec<String> {
        let notes = text.lines().filter_map(|line| line.split_once("# note "));
        let mut lines: Vec<String> = notes.map(|(_, note)| note.to_owned()).collect();
        lines.sort();
        lines
    }

    /// The file of a task with comments wherever TOML allows them, and unknown keys.
    fn commented(task: &Task, seed: u64) -> String {
        use super::super::lex::{Kind, tokens};
        let text = write(task);
        let (mut out, mut at_start, mut depth) = (String::new(), false, 0);
        for (index, token) in tokens(&text).enumerate() {
            let dice = (seed >> (index % 60)) & 3;
            if at_start && dice == 1 {
                out.push_str(&format!("  # note {index}\n"));
            }
            if at_start && depth == 0 && dice == 2 && token.kind == Kind::Comment {
                out.push_str(&format!("x{index} = [1, 2] # mine\n"));
            }
            match token.kind {
                Kind::Mark(b'[') => depth += 1,
                Kind::Mark(b']') => depth -= 1,
                Kind::Newline if dice == 3 => out.push_str(&format!(" # note {index}")),
                Kind::Mark(_) | Kind::Blank | Kind::Newline | Kind::Comment | Kind::Text | Kind::Atom => {}
            }
            at_start = token.kind == Kind::Newline;
            out.push_str(&text[token.span]);
        }
        out
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn what_is_written_reads_back(task in samples::task()) {
            let text = write(&task);
            let read = read(PATH, text.as_bytes());
            prop_assert_eq!(&read.problems, &[]);
            prop_assert_eq!(read.value.as_ref(), Some(&task));
            prop_assert_eq!(rewrite(PATH, &text, &task).unwrap(), text);
        }

        #[test]
        fn a_canonical_file_that_is_rewritten_is_canonical(old in samples::task(), new in samples::task()) {
            let text = rewrite(PATH, &write(&old), &new).unwrap();
            let read = parse(&text);
            prop_assert_eq!(&read, &new);
            prop_assert_eq!(text, write(&new));
        }

        #[test]
        fn a_rewrite_keeps_comments_and_unknown_keys(
            old in samples::task(), new in samples::task(), seed: u64,
        ) {
            let before = commented(&old, seed);
            prop_assert_eq!(parse(&before), old);
            let after = rewrite(PATH, &before, &new).unwrap();
            prop_assert_eq!(parse(&after), new.clone());
            prop_assert_eq!(notes(&after), notes(&before), "{}\n=>\n{}", before, after);
            prop_assert_eq!(unknown(&after), unknown(&before));
            prop_assert_eq!(rewrite(PATH, &after, &new).unwrap(), after);
        }

        #[test]
        fn no_text_panics(text in "(\\PC|[\\[\\]{}=.\"'#\r\n\t ae0-9:T-]|title = |id = \"t\"\n|\\[history\\]\n){0,60}") {
            let _ = read(PATH, text.as_bytes());
            let _ = rewrite(PATH, &text, &Task::new(TaskId::new("t").unwrap(), "x"));
            let _ = splice(&text, &GROUPS, &edits(&Task::new(TaskId::new("t").unwrap(), "x")));
        }
    }
}
