//! Two branches that change different groups of one task merge with plain git.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may panic, and runs real git")]

use orch::state::file::task::{read, rewrite, write};
use orch::state::id::{RunId, TaskId};
use orch::state::status::Status;
use orch::state::task::{Estimate, History, Kind, Task};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use std::fs;
use std::path::Path;
use std::process::Command;

const PATH: &str = ".orchestrator/tasks/t.toml";
const GROUPS: usize = 7;

fn text() -> impl Strategy<Value = String> {
    let piece = select(vec!["a", "b", " ", "\n", "\n\n\n", "# scope\n", "\"\"\"", "]", "é", "labels = [\n"]);
    vec(piece, 1..6).prop_map(|pieces| format!("x{}", pieces.concat()))
}

fn ids() -> impl Strategy<Value = Vec<TaskId>> {
    vec(select(vec!["a", "b", "c", "d"]), 0..4)
        .prop_map(|ids| ids.into_iter().map(|id| TaskId::new(id).unwrap()).collect())
}

prop_compose! {
    fn task()(
        title in "[a-z]{1,5}",
        kind in select(Kind::ALL.to_vec()),
        complexity in option::of(1..=10_u8),
        source in option::of(text()),
        status in select(Status::ALL.to_vec()),
        reason in option::of(text()),
        priority in 0..=4_u8,
        (parent, depends_on) in (ids(), ids()),
        (labels, files, acceptance) in (vec(text(), 0..3), vec(text(), 0..3), vec(text(), 0..3)),
        run in option::of(text()),
        description in option::of(text()),
        size in option::of((1..9_u32, option::of(0..99_u64))),
        attempts in 0..3_u32,
    ) -> Task {
        let mut task = Task {
            kind, complexity, source, status, reason, priority, depends_on, labels, files, acceptance, run,
            parent: parent.into_iter().next(),
            description: description.unwrap_or_default(),
            estimate: size.map(|(files, tokens)| Estimate { files: Some(files), tokens, ..Estimate::default() }),
            history: History {
                attempts,
                last_run: Some(attempts).filter(|n| *n > 0).map(|n| RunId::new(format!("r{n}")).unwrap()),
            },
            ..Task::new(TaskId::new("t").unwrap(), title)
        };
        task.normalise();
        task
    }
}

/// Takes one group of a task from another one.
fn take_group(task: &mut Task, group: usize, from: &Task) {
    let other = from.clone();
    match group {
        0 => {
            (task.title, task.kind) = (other.title, other.kind);
            (task.complexity, task.source) = (other.complexity, other.source);
        }
        1 => (task.status, task.reason, task.priority) = (other.status, other.reason, other.priority),
        2 => (task.parent, task.depends_on) = (other.parent, other.depends_on),
        3 => {
            (task.labels, task.files) = (other.labels, other.files);
            (task.acceptance, task.run) = (other.acceptance, other.run);
        }
        4 => task.description = other.description,
        5 => task.estimate = other.estimate,
        _ => task.history = other.history,
    }
}

fn git(dir: &Path, args: &[&str]) -> (bool, String) {
    let output = Command::new("git")
        .current_dir(dir)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .envs([("HOME", "/nonexistent"), ("GIT_CONFIG_NOSYSTEM", "1")])
        .args(["-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgSign=false"])
        .args(args)
        .output()
        .unwrap();
    (output.status.success(), String::from_utf8(output.stdout).unwrap())
}

fn parse(text: &str) -> Task {
    let read = read(PATH, text.as_bytes());
    read.value.unwrap_or_else(|| panic!("{:?}\n{text}", read.problems))
}

/// A base, two changes of it in different groups, and what both together say.
fn two_sides(base: &Task, new: &Task, first: usize, second: usize) -> ([String; 3], Task) {
    let text = write(base);
    let (mut ours, mut theirs, mut both) = (base.clone(), base.clone(), base.clone());
    take_group(&mut ours, first, new);
    take_group(&mut theirs, second, new);
    take_group(&mut both, first, new);
    take_group(&mut both, second, new);
    let (ours, theirs) = (rewrite(PATH, &text, &ours).unwrap(), rewrite(PATH, &text, &theirs).unwrap());
    ([text, ours, theirs], both)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn changes_of_different_groups_merge_as_text(
        base in prop_oneof![task(), Just(Task::new(TaskId::new("t").unwrap(), "bare"))],
        new in task(),
        first in 0..GROUPS,
        distance in 1..GROUPS,
    ) {
        let (texts, both) = two_sides(&base, &new, first, (first + distance) % GROUPS);
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in ["base", "ours", "theirs"].iter().zip(&texts) {
            fs::write(dir.path().join(name), text).unwrap();
        }
        let (clean, merged) = git(dir.path(), &["merge-file", "-p", "ours", "base", "theirs"]);
        prop_assert!(clean, "{}", merged);
        prop_assert_eq!(parse(&merged), both);
    }
}

#[test]
fn branches_that_change_every_pair_of_groups_merge() {
    let bare = Task::new(TaskId::new("t").unwrap(), "bare");
    let mut full = Task::new(TaskId::new("t").unwrap(), "full");
    full.status = Status::Blocked;
    full.reason = Some("waits".to_owned());
    full.depends_on = vec![TaskId::new("a").unwrap()];
    full.labels = vec!["api".to_owned()];
    full.description = "First.\n\n\n# scope\nLast.\n".to_owned();
    full.estimate = Some(Estimate { files: Some(3), ..Estimate::default() });
    full.history.attempts = 1;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("t.toml");
    assert!(git(dir.path(), &["init", "-q", "-b", "main"]).0);
    for (base, new) in [(&bare, &full), (&full, &bare)] {
        for first in 0..GROUPS {
            for second in first + 1..GROUPS {
                let (texts, both) = two_sides(base, new, first, second);
                for (branch, text) in ["base", "ours", "theirs"].iter().zip(&texts) {
                    let from = if *branch == "base" { "--orphan" } else { "-B" };
                    let start = if *branch == "base" { vec![] } else { vec!["base"] };
                    let _ = git(dir.path(), &["branch", "-D", branch]);
                    assert!(git(dir.path(), &[&["checkout", "-q", from, branch][..], &start].concat()).0);
                    fs::write(&file, text).unwrap();
                    assert!(git(dir.path(), &["add", "t.toml"]).0);
                    assert!(git(dir.path(), &["commit", "-q", "--allow-empty", "-m", branch]).0);
                }
                assert!(git(dir.path(), &["merge", "-q", "-m", "merge", "ours"]).0, "{first} {second}");
                assert_eq!(parse(&fs::read_to_string(&file).unwrap()), both);
                assert!(git(dir.path(), &["checkout", "-q", "--detach"]).0);
            }
        }
    }
}
