//! What real files of every format become, seen whole.

use super::*;
use crate::state::graph::{Graph, Node};
use std::fmt::Write as _;
use std::path::Path;

fn files(format: Format, root: &str) -> Vec<ForeignFile> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/imports").join(root);
    if root.is_file() {
        let path = root.file_name().unwrap().to_string_lossy().into_owned();
        return vec![ForeignFile { path, bytes: std::fs::read(&root).unwrap() }];
    }
    let entries = walkdir::WalkDir::new(&root).sort_by_file_name();
    let paths = entries.into_iter().map(Result::unwrap).filter(|entry| entry.file_type().is_file());
    let read = paths.map(|entry| ForeignFile {
        path: entry.path().strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/"),
        bytes: std::fs::read(entry.path()).unwrap(),
    });
    read.filter(|file| format.wants(&file.path)).collect()
}

fn seen(import: &Import) -> String {
    let mut text = String::new();
    for task in &import.tasks {
        let ids = |ids: &[crate::state::id::TaskId]| {
            ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        };
        let reason = task.reason.as_deref().map(|reason| format!(" ({reason})")).unwrap_or_default();
        let (kind, status) = (task.kind.as_str(), task.status.as_str());
        writeln!(text, "{} {kind} p{} {status}{reason}: {}", task.id, task.priority, task.title).unwrap();
        let created = task.created.map(|at| at.to_string()).unwrap_or_default();
        writeln!(text, "    from {} {created} {:?}", task.source.as_deref().unwrap_or("-"), task.complexity)
            .unwrap();
        if let Some(parent) = &task.parent {
            writeln!(text, "    in {parent}").unwrap();
        }
        if !task.depends_on.is_empty() {
            writeln!(text, "    after {}", ids(&task.depends_on)).unwrap();
        }
        for (name, list) in [("labels", &task.labels), ("files", &task.files), ("accept", &task.acceptance)] {
            if !list.is_empty() {
                writeln!(text, "    {name} {list:?}").unwrap();
            }
        }
        let headings: Vec<&str> = task.description.lines().filter(|line| line.starts_with("## ")).collect();
        writeln!(text, "    text {} bytes {headings:?}", task.description.len()).unwrap();
    }
    for note in &import.notes {
        let created = note.created.map(|at| at.to_string()).unwrap_or_default();
        let because = note.because.as_deref().unwrap_or_default().len();
        let (kind, status) = (note.kind.as_str(), note.status.as_str());
        writeln!(
            text,
            "note {} {kind} {status} {created} {} bytes, because {because} bytes",
            note.id,
            note.text.len()
        )
        .unwrap();
    }
    for loss in &import.losses {
        writeln!(text, "LOSS {loss}").unwrap();
    }
    text
}

/// Reads a fixture, checks what holds for every import, and shows it.
fn check(format: Format, root: &str) -> String {
    let files = files(format, root);
    assert_eq!(Format::detect(&files), Some(format), "detected by itself");
    let import = read(format, &files).unwrap();
    let graph = Graph::new(import.tasks.iter().map(|task| Node::of(task, "")).collect());
    assert_eq!(graph.faults(), [], "closed and acyclic");
    assert_eq!(graph.nodes().len(), import.tasks.len(), "ids are unique ignoring case");
    assert!(import.tasks.iter().all(|task| task.run.is_none()), "no import sets `run`");
    let here = reconcile(&[], import.tasks.clone(), &[], &[]).new;
    let again = reconcile(&here, read(format, &files).unwrap().tasks, &[], &[]);
    assert_eq!((again.new.len(), again.changed.len()), (0, 0), "a second import changes nothing");
    assert_eq!(again.unchanged, import.tasks.len());
    seen(&import)
}

#[test]
fn beads_of_the_first_era() {
    insta::assert_snapshot!(check(Format::Beads, "beads/2025.jsonl"));
}

#[test]
fn beads_with_tombstones() {
    insta::assert_snapshot!(check(Format::Beads, "beads/2026.jsonl"));
}

#[test]
fn beads_from_a_backup() {
    insta::assert_snapshot!(check(Format::Beads, "beads/backup.jsonl"));
}

#[test]
fn task_master_with_a_tag() {
    insta::assert_snapshot!(check(Format::TaskMaster, "task-master/tagged.tasks.json"));
}

#[test]
fn task_master_with_dotted_subtask_ids() {
    insta::assert_snapshot!(check(Format::TaskMaster, "task-master/dotted.tasks.json"));
}

#[test]
fn backlog_md_folder() {
    insta::assert_snapshot!(check(Format::BacklogMd, "backlog-md"));
}

#[test]
fn spec_kit_tasks() {
    insta::assert_snapshot!(check(Format::SpecKit, "spec-kit/tasks.md"));
}

#[test]
fn ralph_plans() {
    insta::assert_snapshot!(check(Format::Ralph, "ralph"));
}

#[test]
fn tk_tickets() {
    insta::assert_snapshot!(check(Format::Tk, "tk"));
}

#[test]
fn weathervane_roadmap() {
    insta::assert_snapshot!(check(Format::Weathervane, "weathervane/roadmap.yaml"));
}

#[test]
fn issues_of_github() {
    insta::assert_snapshot!(check(Format::Github, "forge/issues.json"));
}

#[test]
fn an_event_of_gitlab() {
    insta::assert_snapshot!(check(Format::Gitlab, "forge/gitlab.json"));
}

#[test]
fn an_event_of_gitea() {
    insta::assert_snapshot!(check(Format::Gitea, "forge/gitea.json"));
}
