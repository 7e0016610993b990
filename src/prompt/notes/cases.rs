//! Labelled cases: tasks of real projects, each with the one note that whoever does it has to know, among
//! the notes of all other cases and 168 that were made of the titles of other real tasks, most of them newer.

use super::*;
use crate::state::id::{NoteId, TaskId};
use crate::state::note::Note;
use crate::state::notes::Notes;
use crate::state::task::Task;
use crate::state::words::numbers;
use jiff::{Timestamp, ToSpan as _};
use std::collections::HashMap;

/// How many notes fit into what a budget of 600 leaves beside the rest.
const FITTING: usize = 6;

/// A task, and the note that matters to it.
struct Case {
    title: &'static str,
    files: &'static [&'static str],
    /// What the note says.
    note: &'static str,
    /// How far the task that it names is away, if it names one: 0 is the task itself.
    steps: Option<u8>,
    age_days: i64,
}

const fn case(
    title: &'static str,
    files: &'static [&'static str],
    note: &'static str,
    steps: Option<u8>,
    age_days: i64,
) -> Case {
    Case { title, files, note, steps, age_days }
}

const CASES: [Case; 20] = [
    case(
        "bd delete fails to find closed issues",
        &["cmd/bd/delete.go"],
        "Deletion looks issues up by status, so queries have to ask for closed ones explicitly",
        None,
        60,
    ),
    case(
        "Implement collision detection in import",
        &[],
        "Imports with the same id and other content are collisions; the content hash decides",
        None,
        90,
    ),
    case(
        "Daemon stop has race condition with SIGKILL",
        &["internal/daemon/**"],
        "Signals reach the whole process group; wait for the child before the pid file goes",
        Some(1),
        30,
    ),
    case(
        "Fix silent error handling in RPC response writing",
        &["internal/rpc/**"],
        "internal/rpc/server.go: one writer goroutine per connection, or frames interleave",
        None,
        45,
    ),
    case(
        "Extract SQLite migrations into separate files",
        &[],
        "Migrations are never edited once released; add a new one",
        None,
        200,
    ),
    case(
        "Accept an explicit empty value as a clear on task edit list flags",
        &[],
        "An empty string clears a field, null leaves it alone: decided with the owner",
        Some(1),
        14,
    ),
    case(
        "Surface duplicate task ID warning in TUI task list and detail views",
        &["src/ui/**"],
        "Warnings in the TUI go through the footer queue, which drops what is older than 15 seconds",
        None,
        10,
    ),
    case(
        "Fix Windows agent instructions file reading hang",
        &[],
        "On Windows, Bun.file().text() hangs on a closed handle: read with node:fs",
        None,
        120,
    ),
    case(
        "Add case-insensitive status filter support",
        &["src/cli.ts"],
        "Compare user input folded, but write it back as the configuration spells it",
        Some(0),
        80,
    ),
    case(
        "Refactor Nix packaging to build node_modules offline",
        &["flake.nix"],
        "The sandbox has no network: fetch in a fixed-output derivation",
        Some(2),
        40,
    ),
    case(
        "Create database migration for users table",
        &["backend/migrations/001_users.sql"],
        "Every table has created_at and updated_at in UTC, set by a trigger",
        Some(1),
        150,
    ),
    case(
        "Implement user sync/deactivation for federated providers",
        &["backend/src/services/auth_service.rs"],
        "Accounts are deactivated, never deleted: audit rows point to them",
        Some(1),
        70,
    ),
    case(
        "Add POST /api/v1/plugins/:id/disable endpoint",
        &["backend/src/api/handlers/plugins.rs"],
        "Handlers answer 409 when a plugin is busy, see backend/src/api/handlers/mod.rs",
        None,
        25,
    ),
    case(
        "Implement PluginRegistry for hot-swap storage",
        &["backend/src/services/plugin_registry.rs"],
        "Hold no lock across an await: swap the Arc and drop the old plugin after it drains",
        Some(1),
        20,
    ),
    case(
        "Port feature ticket_links to Go",
        &["go/**"],
        "The Go port keeps the order of keys that the shell script writes",
        None,
        35,
    ),
    case(
        "Migrate to Distroless Runtime Image",
        &[],
        "The container needs CA certificates at run time, which distroless/cc has and static has not",
        None,
        15,
    ),
    case(
        "Integrate External Threat Feeds",
        &[],
        "Feeds are cached for an hour and may be down: analysis must not wait for them",
        None,
        55,
    ),
    case(
        "Update Sidebar with dark navy styling per design tokens",
        &["frontend/src/components/layout/Sidebar.tsx"],
        "Colours come from tokens.ts; no hex values in components",
        None,
        65,
    ),
    case(
        "Bring Windows CI tests below three minutes",
        &[".github/**"],
        "Half of the time on Windows is process start: batch the CLI invocations",
        None,
        12,
    ),
    case(
        "Support unassigned task filtering in CLI and MCP",
        &[],
        "Filters are parsed once in core and shared by both front ends",
        Some(1),
        5,
    ),
];

const REAL: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/tasks/labelled.jsonl"));

fn task(title: &str) -> Task {
    Task::new(TaskId::new("t").unwrap(), title)
}

fn material<'m>(task: &'m Task, notes: &'m [Gist<'m>], near: &'m HashMap<TaskId, u8>) -> Material<'m> {
    Material {
        task,
        path: ".orchestrator/tasks/t.toml",
        parent: None,
        dependencies: Vec::new(),
        dependents: Vec::new(),
        near,
        notes,
        trouble: &[],
        likely: &[],
        pace: None,
        checkpoint: None,
        gates: vec![("test".to_owned(), "make test".to_owned())],
        protected: &[],
        now: now(),
        budget_tokens: 600,
    }
}

fn now() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

fn note(id: String, text: &str, tasks: Vec<TaskId>, age_days: i64) -> Note {
    Note {
        id: NoteId::new(id).unwrap(),
        kind: NoteKind::Decision,
        topic: None,
        text: text.to_owned(),
        because: None,
        tasks,
        supersedes: None,
        status: NoteStatus::InForce,
        author: None,
        created: now().checked_sub((age_days * 24).hours()).ok(),
        expires: None,
    }
}

/// All notes; those of the cases come first.
fn notes() -> Vec<Note> {
    let own = CASES.iter().enumerate().map(|(at, case)| {
        let tasks = case.steps.map(|_| TaskId::new(format!("about-{at}")).unwrap());
        note(format!("n-{at:03}"), case.note, tasks.into_iter().collect(), case.age_days)
    });
    let others = REAL.lines().enumerate().map(|(at, line)| {
        let read: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = format!("Done with: {}", read["title"].as_str().unwrap());
        note(format!("r-{at:03}"), &text, Vec::new(), i64::try_from(at % 40).unwrap())
    });
    // What was done about the very task is no note of another.
    own.chain(others.filter(|note| !CASES.iter().any(|case| note.text.ends_with(case.title)))).collect()
}

/// Whether a note is among those with the best scores.
fn fits(scores: &[f64], at: usize) -> bool {
    scores[at] > 0.0 && scores.iter().filter(|score| **score > scores[at]).count() < FITTING
}

#[test]
fn the_note_that_matters_is_in_more_often_than_by_words_or_age_alone() {
    let notes = notes();
    let read = Notes::of(&notes);
    let gists = read.gists();
    let all: Vec<&Gist<'_>> = gists.iter().collect();
    let (mut table, mut found) = (String::new(), [0_usize; 3]);
    for (at, case) in CASES.iter().enumerate() {
        let about = TaskId::new(format!("about-{at}")).unwrap();
        let id = if case.steps == Some(0) { about.clone() } else { TaskId::new("t").unwrap() };
        let files = case.files.iter().map(|file| (*file).to_owned()).collect();
        let task = Task { files, ..Task { id, ..task(case.title) } };
        let near: HashMap<TaskId, u8> =
            case.steps.filter(|steps| *steps > 0).map(|steps| (about, steps)).into_iter().collect();
        let material = material(&task, &gists, &near);
        let texts: Vec<&str> = notes.iter().map(|note| note.text.as_str()).collect();
        let by_age: Vec<f64> = notes
            .iter()
            .map(|note| {
                note.created.map_or(0.0, |time| time.duration_since(Timestamp::UNIX_EPOCH).as_secs_f64())
            })
            .collect();
        let ranked = [
            scores(&material, &all),
            relevance::scores(&query(&material), texts.iter().map(|text| numbers(text))),
            by_age,
        ];
        let hits = ranked.map(|scores| fits(&scores, at));
        for (found, hit) in found.iter_mut().zip(hits) {
            *found += usize::from(hit);
        }
        let mark = |hit: bool| if hit { "in" } else { "--" };
        let title: String = case.title.chars().take(50).collect();
        let _ = writeln!(table, "{} {} {} {title}", mark(hits[0]), mark(hits[1]), mark(hits[2]));
    }
    let [ours, words, age] = found;
    let _ = write!(table, "of {}: {ours} here, {words} by words alone, {age} by age alone", CASES.len());
    insta::assert_snapshot!(table, @r"
    in in -- bd delete fails to find closed issues
    in in -- Implement collision detection in import
    in -- -- Daemon stop has race condition with SIGKILL
    in in -- Fix silent error handling in RPC response writing
    -- -- -- Extract SQLite migrations into separate files
    in in -- Accept an explicit empty value as a clear on task 
    -- -- -- Surface duplicate task ID warning in TUI task list
    in in -- Fix Windows agent instructions file reading hang
    in -- -- Add case-insensitive status filter support
    -- -- -- Refactor Nix packaging to build node_modules offli
    in -- -- Create database migration for users table
    in -- -- Implement user sync/deactivation for federated pro
    in in -- Add POST /api/v1/plugins/:id/disable endpoint
    in -- -- Implement PluginRegistry for hot-swap storage
    in in -- Port feature ticket_links to Go
    in in -- Migrate to Distroless Runtime Image
    in in -- Integrate External Threat Feeds
    -- -- -- Update Sidebar with dark navy styling per design t
    in in -- Bring Windows CI tests below three minutes
    in -- -- Support unassigned task filtering in CLI and MCP
    of 20: 16 here, 10 by words alone, 0 by age alone
    ");
    assert!(ours >= words + 5 && ours >= age + 5 && ours * 4 >= CASES.len() * 3, "{table}");
}

#[test]
fn ten_thousand_notes_are_ranked_within_the_budget() {
    let some = notes();
    let many: Vec<Note> = (0..10_000)
        .map(|n| Note { id: NoteId::new(format!("n-{n:05}")).unwrap(), ..some[n % some.len()].clone() })
        .collect();
    let task = task("Support unassigned task filtering in CLI and MCP");
    let (near, read) = (HashMap::new(), Notes::of(&many));
    let prompt = crate::prompt::build(&material(&task, &read.gists(), &near)).unwrap();
    assert!(prompt.tokens <= 600 && prompt.sections.len() > 3);
    assert_eq!(
        prompt.sections.iter().filter(|each| each.name.starts_with("note ")).count()
            + prompt.omitted.len()
            + prompt.passed_over.len(),
        10_000
    );
    // A record of it does not grow with the notes.
    let (names, more) = prompt.left_out();
    assert!(
        names.len() <= 50 && names.len() + more as usize == prompt.omitted.len() + prompt.passed_over.len()
    );
}
