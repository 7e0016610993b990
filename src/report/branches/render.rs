//! Other branches, for people, for programs, and as Markdown.

use super::{Branch, Branches, Differs, Outlook};
use crate::report::safe::cell;
use crate::report::table::{Cell, Table};
use crate::report::{plural, safe};
use crate::state::layout::{self, FileKind};
use crate::state::status::Status;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// How many tasks of a branch people are told.
const TASKS_MAX: usize = 10;
/// How many paths people are told.
const PATHS_MAX: usize = 5;

/// For people.
#[must_use]
pub fn human(found: &Branches, width: Option<usize>, colour: bool) -> String {
    let mut text = String::new();
    for branch in &found.branches {
        let _ = writeln!(text, "{}: {}", safe::text(&names(branch)), outlook(&branch.merge, &found.here));
        let mut table = Table::new();
        for task in branch.tasks.iter().take(TASKS_MAX) {
            table.row([
                Cell::new(format!("  {}", task.id)),
                Cell::new(format!("{} here", word(task.here))),
                Cell::new(format!("{} there", there(task))),
                Cell::new(&task.title),
            ]);
        }
        text.push_str(&table.render(width, colour));
        if branch.tasks.len() > TASKS_MAX {
            let _ = writeln!(text, "  and {} more", plural(branch.tasks.len() - TASKS_MAX, "task"));
        }
        if let Some(twice) = twice(branch) {
            let _ = writeln!(text, "  closed on both: {twice}");
        }
        if let Outlook::Conflict(paths) = &branch.merge {
            let shown: Vec<String> = paths.iter().take(PATHS_MAX).map(|path| conflict(path)).collect();
            let more = paths.len().saturating_sub(PATHS_MAX);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let _ = writeln!(text, "  conflicts in {}{more}", shown.join(", "));
        }
        text.push('\n');
    }
    for (name, why) in &found.unreadable {
        let _ = writeln!(text, "{}: cannot be read: {}\n", safe::text(name), safe::text(why));
    }
    let (own, merged) = (found.branches.len(), found.merged.len());
    let of_their_own = match own {
        0 => "no other branch has commits of its own".to_owned(),
        1 => "1 branch has commits of its own".to_owned(),
        many => format!("{} have commits of their own", branches(many)),
    };
    let nothing = match merged {
        0 => String::new(),
        1 => format!("; 1 has nothing that `{}` lacks", found.here),
        many => format!("; {many} have nothing that `{}` lacks", found.here),
    };
    let _ = writeln!(text, "{of_their_own}{nothing}");
    text
}

/// For programs.
#[must_use]
pub fn json(found: &Branches) -> Value {
    json!({
        "here": found.here, "merged": found.merged,
        "branches": found.branches.iter().map(branch).collect::<Vec<_>>(),
        "unreadable": found.unreadable.iter()
            .map(|(branch, why)| json!({"branch": branch, "why": why})).collect::<Vec<_>>(),
    })
}

/// As Markdown.
#[must_use]
pub fn markdown(found: &Branches) -> String {
    let mut md = format!("### Branches beside `{}`\n\n", cell(&found.here));
    for (name, why) in &found.unreadable {
        let _ = writeln!(md, "- {}: cannot be read: {}", cell(name), cell(why));
    }
    if !found.unreadable.is_empty() {
        md.push('\n');
    }
    if found.branches.is_empty() {
        let others = if found.unreadable.is_empty() { "None has" } else { "No other has" };
        let _ = writeln!(md, "{others} work of its own.");
        return md;
    }
    md.push_str("| branch | merge | tasks that differ (here → there) |\n|---|---|---|\n");
    for branch in &found.branches {
        let task = |task: &Differs| format!("{} {} → {}", task.id, word(task.here), there(task));
        let tasks: Vec<String> = branch.tasks.iter().take(TASKS_MAX).map(task).collect();
        let merge = match &branch.merge {
            Outlook::Conflict(paths) => {
                let paths: Vec<String> =
                    paths.iter().take(PATHS_MAX).map(|path| conflict(&cell(path))).collect();
                format!("conflicts in {}", paths.join(", "))
            }
            Outlook::FastForward | Outlook::Clean | Outlook::Unrelated => {
                outlook(&branch.merge, &cell(&found.here))
            }
        };
        let _ = writeln!(md, "| {} | {merge} | {} |", cell(&names(branch)), cell(&tasks.join(", ")));
    }
    md
}

fn branch(branch: &Branch) -> Value {
    let (word, conflicts) = match &branch.merge {
        Outlook::FastForward => ("fast_forward", [].as_slice()),
        Outlook::Clean => ("clean", [].as_slice()),
        Outlook::Conflict(paths) => ("conflict", paths.as_slice()),
        Outlook::Unrelated => ("unrelated", [].as_slice()),
    };
    let status = |status: Option<Status>| status.map(Status::as_str);
    let tasks = branch.tasks.iter().map(|task| {
        json!({
            "id": task.id, "title": task.title, "here": status(task.here), "there": status(task.there),
            "readable": task.readable, "closed_on_both": task.twice,
        })
    });
    let conflicts = conflicts.iter().map(|path| json!({"path": path, "task": task_of(path)}));
    json!({
        "branch": branch.names.first(), "also": branch.names.get(1..), "commit": branch.commit.to_string(),
        "merge": word, "tasks": tasks.collect::<Vec<_>>(), "conflicts": conflicts.collect::<Vec<_>>(),
    })
}

fn names(branch: &Branch) -> String {
    branch.names.join(", ")
}

fn word(status: Option<Status>) -> &'static str {
    status.map_or("absent", Status::as_str)
}

fn there(task: &Differs) -> &'static str {
    if task.readable { word(task.there) } else { "unreadable" }
}

fn outlook(merge: &Outlook, here: &str) -> String {
    match merge {
        Outlook::FastForward => format!("`{here}` would only move forward"),
        Outlook::Clean => "would merge cleanly".to_owned(),
        Outlook::Conflict(paths) => format!("would conflict in {}", plural(paths.len(), "file")),
        Outlook::Unrelated => format!("has no commit in common with `{here}`"),
    }
}

/// Tasks that both sides closed.
fn twice(branch: &Branch) -> Option<String> {
    let ids: Vec<&str> = branch.tasks.iter().filter(|task| task.twice).map(|task| task.id.as_str()).collect();
    (!ids.is_empty()).then(|| ids.join(", "))
}

/// A path that conflicts, by the task where it is one's.
fn conflict(path: &str) -> String {
    match task_of(path) {
        Some(task) => format!("task `{task}`"),
        None => format!("`{}`", safe::text(path)),
    }
}

fn task_of(path: &str) -> Option<&str> {
    (layout::kind_of(path) == FileKind::Task).then(|| layout::stem(path))
}

fn branches(count: usize) -> String {
    if count == 1 { "1 branch".to_owned() } else { format!("{count} branches") }
}
