//! Real merges of another tool's task file, made again with orch's files and plain git.
//!
//! Each folder has the file as both sides of a merge had it, and as it was before: `base`, `ours`, `theirs`
//! (JSON lines of beads). The base is imported, each side imports its version on a branch of its own, and
//! git merges the branches. A few of them are in `fixtures/merges`; `ORCH_MERGES=DIR cargo test --test
//! replay -- --ignored --nocapture` replays all folders below a directory.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may panic, and runs real git")]

use orch::import::{ForeignFile, Format, read};
use orch::state::file::task;
use orch::state::layout::{self, FileKind};
use orch::state::task::Task;
use orch::upkeep::intake::join;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What one side has: tasks, and their files.
#[derive(Clone, Default)]
struct Side {
    tasks: BTreeMap<String, Task>,
    paths: BTreeMap<String, String>,
    texts: BTreeMap<String, String>,
}

impl Side {
    /// What an import of a file makes of what was there before.
    fn import(&self, bytes: &[u8]) -> Self {
        let file = ForeignFile { path: "issues.jsonl".to_owned(), bytes: bytes.to_vec() };
        let import = read(Format::Beads, &[file]).unwrap();
        let existing: Vec<Task> = self.tasks.values().cloned().collect();
        let paths = self.tasks.keys().map(|id| &self.paths[id]);
        let files: Vec<(&str, String)> = paths.map(|path| (&**path, self.texts[path].clone())).collect();
        let intake = join(&existing, &files, &[], import).unwrap();
        let mut side = self.clone();
        for (path, bytes) in intake.files {
            if layout::kind_of(&path) != FileKind::Task {
                continue;
            }
            let text = String::from_utf8(bytes.unwrap()).unwrap();
            let task = task::read(&path, text.as_bytes()).value.unwrap();
            side.paths.insert(task.id.to_string(), path.clone());
            side.tasks.insert(task.id.to_string(), task);
            side.texts.insert(path, text);
        }
        side
    }
}

/// A task's fields, each as a text.
fn fields(task: &Task) -> Vec<(&'static str, String)> {
    let text = |value: &dyn std::fmt::Debug| format!("{value:?}");
    vec![
        ("title", text(&task.title)),
        ("kind", text(&task.kind)),
        ("complexity", text(&task.complexity)),
        ("created", text(&task.created)),
        ("source", text(&task.source)),
        ("status", text(&task.status)),
        ("reason", text(&task.reason)),
        ("priority", text(&task.priority)),
        ("parent", text(&task.parent)),
        ("depends_on", text(&task.depends_on)),
        ("labels", text(&task.labels)),
        ("acceptance", text(&task.acceptance)),
        ("description", text(&task.description)),
    ]
}

/// Fields that both sides changed, and not to the same.
fn disagreements(base: Option<&Task>, ours: &Task, theirs: &Task) -> Vec<&'static str> {
    let (ours, theirs) = (fields(ours), fields(theirs));
    let base = base.map(fields);
    let same =
        |at: usize, side: &[(&str, String)]| base.as_ref().is_some_and(|base| base[at].1 == side[at].1);
    (0..ours.len())
        .filter(|&at| ours[at] != theirs[at] && !same(at, &ours) && !same(at, &theirs))
        .map(|at| ours[at].0)
        .collect()
}

/// The records of a file of JSON lines, by id.
fn records(bytes: &[u8]) -> BTreeMap<String, Map<String, Value>> {
    let text = String::from_utf8_lossy(bytes);
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Map<String, Value>>(line).ok());
    lines.filter_map(|record| Some((record.get("id")?.as_str()?.to_owned(), record))).collect()
}

/// Whether both sides of the other tool's own file changed one field of one record, times of change aside.
fn truly_disagree([base, ours, theirs]: [&[u8]; 3]) -> bool {
    let (base, ours, theirs) = (records(base), records(ours), records(theirs));
    ours.iter().any(|(id, our)| {
        let Some(their) = theirs.get(id) else { return false };
        let old = base.get(id);
        let keys: BTreeSet<&String> = our.keys().chain(their.keys()).collect();
        keys.into_iter().filter(|key| !matches!(key.as_str(), "updated_at" | "content_hash")).any(|key| {
            let was = old.and_then(|old| old.get(key));
            let (a, b) = (our.get(key), their.get(key));
            a != b && (old.is_none() || (a != was && b != was))
        })
    })
}

fn git(dir: &Path, arguments: &[&str], input: &[u8]) -> (i32, Vec<u8>) {
    let mut child = Command::new("git")
        .arg("-C")
        .arg(dir)
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || {
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    (output.status.code().unwrap_or(-1), output.stdout)
}

/// Whether git's text merge of the other tool's own file has a conflict.
fn text_conflicts(dir: &Path, [base, ours, theirs]: [&[u8]; 3]) -> bool {
    for (name, bytes) in [("o", ours), ("b", base), ("t", theirs)] {
        fs::write(dir.join(name), bytes).unwrap();
    }
    git(dir, &["merge-file", "-p", "o", "b", "t"], b"").0 != 0
}

/// Commits of the three as a stream for `git fast-import`.
fn stream(base: &Side, ours: &Side, theirs: &Side) -> Vec<u8> {
    let mut out = Vec::new();
    let mut commit = |name: &str, from: Option<&str>, texts: &[(&String, &String)]| {
        let _ = write!(out, "commit refs/heads/{name}\ncommitter a <a@b.c> 1700000000 +0000\ndata 0\n");
        if let Some(from) = from {
            let _ = writeln!(out, "from refs/heads/{from}");
        } else {
            let readme = "One task a file.\n";
            let _ = write!(
                out,
                "deleteall\nM 100644 inline {}\ndata {}\n{readme}\n",
                layout::TASKS_README,
                readme.len()
            );
        }
        for (path, text) in texts {
            let _ = write!(out, "M 100644 inline {path}\ndata {}\n", text.len());
            out.extend_from_slice(text.as_bytes());
            out.push(b'\n');
        }
        out.push(b'\n');
    };
    commit("base", None, &base.texts.iter().collect::<Vec<_>>());
    for (name, side) in [("ours", ours), ("theirs", theirs)] {
        let changed: Vec<_> =
            side.texts.iter().filter(|(path, text)| base.texts.get(*path) != Some(*text)).collect();
        commit(name, Some("base"), &changed);
    }
    out
}

/// What came of one merge.
#[derive(Default)]
struct Outcome {
    text_conflict: bool,
    truly_disagree: bool,
    fields_disagree: bool,
    conflict: bool,
    /// Conflicts in tasks of which no field is in dispute.
    needless: Vec<String>,
    /// Tasks that are not there any more.
    lost: Vec<String>,
    /// Changes of one side that are not in a task that merged without a conflict.
    undone: Vec<String>,
    tasks: usize,
}

fn replay(dir: &Path, files: [&[u8]; 3]) -> Outcome {
    let base = Side::default().import(files[0]);
    let (ours, theirs) = (base.import(files[1]), base.import(files[2]));
    let repository = dir.join("r.git");
    let _ = fs::remove_dir_all(&repository);
    git(dir, &["init", "-q", "--bare", "r.git"], b"");
    let (code, _) = git(&repository, &["fast-import", "--quiet", "--force"], &stream(&base, &ours, &theirs));
    assert_eq!(code, 0);
    let (code, said) =
        git(&repository, &["merge-tree", "--write-tree", "--name-only", "ours", "theirs"], b"");
    assert!(code == 0 || code == 1, "{}", String::from_utf8_lossy(&said));
    let said = String::from_utf8_lossy(&said).into_owned();
    let mut lines = said.lines();
    let tree = lines.next().unwrap().to_owned();
    let in_conflict: BTreeSet<&str> = lines.take_while(|line| !line.is_empty()).collect();
    let (_, listed) = git(&repository, &["ls-tree", "-r", "--name-only", &tree], b"");
    let listed = String::from_utf8_lossy(&listed).into_owned();
    let there: BTreeSet<&str> = listed.lines().map(layout::stem).collect();
    let mut outcome = Outcome {
        text_conflict: text_conflicts(dir, files),
        truly_disagree: truly_disagree(files),
        conflict: code == 1,
        tasks: base.tasks.len(),
        ..Outcome::default()
    };
    let ids: BTreeSet<&String> = ours.tasks.keys().chain(theirs.tasks.keys()).collect();
    for id in ids {
        if !there.contains(id.as_str()) {
            outcome.lost.push(id.clone());
        }
        let before = base.tasks.get(id);
        let (Some(our), Some(their)) = (ours.tasks.get(id), theirs.tasks.get(id)) else { continue };
        let disputed = disagreements(before, our, their);
        outcome.fields_disagree |= !disputed.is_empty();
        let path = &ours.paths[id];
        if in_conflict.contains(path.as_str()) {
            if disputed.is_empty() {
                outcome.needless.push(id.clone());
            }
        } else if Some(our) != before && Some(their) != before {
            outcome.undone.extend(undone(&repository, &tree, path, (before, our, their)));
        }
    }
    outcome
}

/// Fields of a task that both sides changed which are not as the side has them that changed them.
fn undone(
    repository: &Path,
    tree: &str,
    path: &str,
    (before, our, their): (Option<&Task>, &Task, &Task),
) -> Vec<String> {
    let (_, text) = git(repository, &["cat-file", "blob", &format!("{tree}:{path}")], b"");
    let read = task::read(path, &text);
    let Some(merged) = read.value.filter(|_| read.problems.is_empty()) else {
        return vec![format!("{path} cannot be read")];
    };
    let (our, their, merged) = (fields(our), fields(their), fields(&merged));
    let before = before.map(fields);
    let mut undone = Vec::new();
    for at in 0..our.len() {
        let is_old =
            |side: &[(&str, String)]| before.as_ref().is_some_and(|before| before[at].1 == side[at].1);
        let expected = if is_old(&our) { &their[at] } else { &our[at] };
        if merged[at] != *expected {
            undone.push(format!("{path} {}", our[at].0));
        }
    }
    undone
}

fn folders(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut pending = vec![dir.to_owned()];
    while let Some(dir) = pending.pop() {
        if dir.join("base").is_file() {
            found.push(dir);
            continue;
        }
        pending.extend(
            fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()),
        );
    }
    found.sort();
    found
}

/// Replays all, and tells how it went.
fn all(dir: &Path) -> (String, Vec<(String, Outcome)>) {
    let place = tempfile::tempdir().unwrap();
    let mut outcomes = Vec::new();
    for folder in folders(dir) {
        let files = ["base", "ours", "theirs"].map(|name| fs::read(folder.join(name)).unwrap());
        let outcome = replay(place.path(), [&files[0], &files[1], &files[2]]);
        outcomes.push((folder.file_name().unwrap().to_string_lossy().into_owned(), outcome));
    }
    let count = |is: fn(&Outcome) -> bool| outcomes.iter().filter(|(_, outcome)| is(outcome)).count();
    let sum = |of: fn(&Outcome) -> usize| outcomes.iter().map(|(_, outcome)| of(outcome)).sum::<usize>();
    let mut told = format!("{} merges, {} tasks before them\n", outcomes.len(), sum(|each| each.tasks));
    for (what, count) in [
        ("conflicts of git in the other tool's file", count(|each| each.text_conflict)),
        ("both sides changed a field of a record there", count(|each| each.truly_disagree)),
        ("both sides changed a field that orch keeps", count(|each| each.fields_disagree)),
        ("conflicts of git in orch's files", count(|each| each.conflict)),
        ("conflicts where no field is in dispute", count(|each| each.conflict && !each.fields_disagree)),
        ("tasks in conflict where no field is in dispute", sum(|each| each.needless.len())),
        ("tasks lost", sum(|each| each.lost.len())),
        ("changes undone", sum(|each| each.undone.len())),
    ] {
        let _ = writeln!(told, "{count:>5}  {what}");
    }
    (told, outcomes)
}

fn nothing_is_lost(outcomes: &[(String, Outcome)]) {
    for (name, outcome) in outcomes {
        assert!(
            outcome.lost.is_empty() && outcome.undone.is_empty(),
            "{name}: {:?} {:?}",
            outcome.lost,
            outcome.undone
        );
    }
}

#[test]
fn real_merges_lose_nothing_and_conflict_only_where_people_disagreed() {
    let (told, outcomes) = all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/merges"));
    nothing_is_lost(&outcomes);
    insta::assert_snapshot!(told);
}

#[test]
#[ignore = "reads the merges below `ORCH_MERGES`"]
fn all_merges_below_a_directory_lose_nothing() {
    let (told, outcomes) = all(Path::new(&std::env::var("ORCH_MERGES").unwrap()));
    println!("{told}");
    for (name, outcome) in outcomes.iter().filter(|(_, outcome)| !outcome.needless.is_empty()) {
        println!("{name}: {}", outcome.needless.join(" "));
    }
    nothing_is_lost(&outcomes);
}
