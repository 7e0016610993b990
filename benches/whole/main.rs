//! Whole commands of the release build, against plain git in the same run.
//!
//! `cargo bench --bench whole` prints a table in Markdown; `ORCH_BENCH=all` adds 100 000 tasks.
//! What it measures, and what came of it, is in `benches/README.md`.

#![expect(clippy::disallowed_methods, reason = "a benchmark runs programs")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints what it measured")]

mod measure;
mod place;

use measure::{Goal, Room, Row, alone, in_turn, median, peak_mb};
use place::{GIT_COMMIT, OTHER_FILES, Place};
use std::process::Command;

/// Runs of a command that changes something.
const STEPS: usize = 15;
/// Runs of a command that only reads.
const READS: usize = 31;

fn main() {
    // `cargo test --benches` runs this, too, and there is nothing to test.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let all = std::env::var("ORCH_BENCH").is_ok_and(|value| value == "all");
    println!("Measured on: {}\n", measure::machine());
    let mut rows = small();
    let little = Place::new(100, 100);
    for notes in [100, 1_000, 10_000] {
        rows.extend(prompts(&little, 100, notes));
    }
    drop(little);
    let middle = Place::new(10_000, OTHER_FILES);
    rows.extend(reading(&middle, 10_000));
    rows.extend(steps(&middle, 10_000));
    rows.extend(history(&middle));
    rows.extend(prompts(&middle, 10_000, 10_000));
    drop(middle);
    rows.push(import(10_000));
    if all {
        eprintln!("100 000 tasks …");
        let large = Place::new(100_000, OTHER_FILES);
        rows.extend(reading(&large, 100_000));
        rows.extend(steps(&large, 100_000));
        rows.extend(prompts(&large, 100_000, 10_000));
        drop(large);
        rows.push(import(100_000));
    }
    println!("{}", measure::table(&rows));
    println!("{}", measure::memory(&rows));
    println!("{}", growth(&rows));
    println!("Load at the end: {}", measure::machine().rsplit("load ").next().unwrap_or_default());
}

/// A command against git, with its memory.
fn against(
    what: &str,
    goal: Goal,
    rounds: usize,
    orch: &dyn Fn() -> Command,
    git: (&str, &dyn Fn() -> Command),
) -> Row {
    eprintln!("{what} …");
    measure::finish(orch());
    measure::finish(git.1());
    let (times, git_times) = in_turn(rounds, orch, git.1);
    let row = Row {
        what: what.to_owned(),
        orch: times,
        git: Some((git.0.to_owned(), git_times)),
        goal: Some(goal),
        peak_mb: peak_mb(&orch()),
        git_peak_mb: peak_mb(&git.1()),
        room: match goal {
            Goal::Ratio(_) if what.starts_with("`step") => Some(Room::MoreThanGit(50.0)),
            Goal::Millis(_) if what == "`next`, 10000 tasks" => Some(Room::Most(25.0)),
            Goal::Ratio(_) | Goal::Millis(_) => None,
        },
    };
    // A run is long, and may be cut off.
    eprintln!("{}", row.line());
    row
}

/// What is expected to be there at once.
fn small() -> Vec<Row> {
    let place = Place::new(100, 100);
    let version = Row {
        what: "`--version`".to_owned(),
        orch: alone(READS, || place.orch(&["--version"])),
        git: None,
        goal: Some(Goal::Millis(5.0)),
        peak_mb: peak_mb(&place.orch(&["--version"])),
        git_peak_mb: None,
        room: None,
    };
    let commit = || place.command("sh", &["-c", GIT_COMMIT]);
    let step = || place.orch(&["-q", "step", "--in-place"]);
    let step = against(
        "`step --in-place`, 100 tasks, 100 other files",
        Goal::Millis(15.0),
        STEPS,
        &step,
        ("add, commit", &commit),
    );
    vec![version, step]
}

/// Questions, in the same repository as git's own.
fn reading(place: &Place, tasks: usize) -> Vec<Row> {
    let large = tasks > 10_000;
    let status = || place.command("git", &["status", "--porcelain"]);
    let mut rows = Vec::new();
    let goals = [
        ("next", if large { 80.0 } else { 10.0 }),
        ("status", if large { 80.0 } else { 10.0 }),
        ("list", if large { 80.0 } else { 40.0 }),
    ];
    // Entries of files that were only just written are not trusted, by orch as by git.
    std::thread::sleep(std::time::Duration::from_secs(3));
    for (name, most) in goals {
        let orch = || place.orch(&[name]);
        measure::finish(orch());
        let what = format!("`{name}`, {tasks} tasks");
        rows.push(against(&what, Goal::Millis(most), READS, &orch, ("status", &status)));
        let cold = || {
            place.cool();
            place.orch(&[name])
        };
        let what = format!("`{name}` without a cache, {tasks} tasks");
        let most = if large { 2_000.0 } else { 200.0 };
        rows.push(against(&what, Goal::Millis(most), 7, &cold, ("status", &status)));
        measure::finish(orch());
    }
    rows
}

/// Steps, and as many changed files committed by git.
fn steps(place: &Place, tasks: usize) -> Vec<Row> {
    let (rounds, runs) = if tasks > 10_000 { (7, 1) } else { (STEPS, 5) };
    let commit = || place.command("sh", &["-c", GIT_COMMIT]);
    let in_place = || place.orch(&["-q", "step", "--in-place"]);
    let apart = || place.orch(&["-q", "step"]);
    let what = format!("`step --in-place`, {tasks} tasks");
    let first = against(&what, Goal::Ratio(0.8), rounds, &in_place, ("add, commit", &commit));
    let what = format!("`step`, {tasks} tasks");
    let second = against(&what, Goal::Ratio(1.2), rounds, &apart, ("add, commit", &commit));
    eprintln!("`run` …");
    let run = || place.orch(&["-q", "run", "--max-steps", "20"]);
    let each = alone(runs, run).into_iter().map(|time| time / 20.0).collect();
    let third = Row {
        what: format!("one step of `run --max-steps 20`, {tasks} tasks"),
        orch: each,
        git: None,
        goal: (tasks <= 10_000).then_some(Goal::Millis(100.0)),
        peak_mb: peak_mb(&run()),
        git_peak_mb: None,
        room: None,
    };
    vec![first, second, third]
}

/// A prompt out of so many tasks and notes: how long it takes, and for how long of that a processor is at work.
fn prompts(place: &Place, tasks: usize, notes: usize) -> Vec<Row> {
    place.note(notes);
    // Entries of files that were only just written are not trusted, by orch as by git.
    std::thread::sleep(std::time::Duration::from_secs(3));
    place.git(&["update-index", "-q", "--refresh"]);
    let what = format!("`prompt`, {tasks} tasks, {notes} notes");
    eprintln!("{what} …");
    let orch = || place.orch(&["prompt"]);
    measure::finish(orch());
    let goal = (tasks <= 10_000).then_some(Goal::Millis(20.0));
    let row = |what: String, orch_ms| Row {
        what,
        orch: orch_ms,
        git: None,
        goal,
        peak_mb: peak_mb(&orch()),
        git_peak_mb: None,
        room: None,
    };
    let busy = measure::processor_ms(READS, orch);
    let rows =
        vec![row(what.clone(), alone(READS, orch)), row(format!("{what}: of a processor"), vec![busy])];
    for row in &rows {
        eprintln!("{}", row.line());
    }
    rows
}

/// The last hundred steps, which the measurements before have made.
fn history(place: &Place) -> Vec<Row> {
    let orch = || place.orch(&["log", "-100"]);
    let git = || place.command("git", &["log", "-100"]);
    vec![against("`log -100`", Goal::Ratio(2.0), READS, &orch, ("log -100", &git))]
}

/// Another tool's tasks, from a file to a commit.
fn import(tasks: usize) -> Row {
    let place = Place::new(0, OTHER_FILES);
    place.write("../issues.jsonl", &place::foreign(tasks));
    let again = || {
        place.git(&["reset", "-q", "--hard", "HEAD"]);
        place.git(&["update-ref", "refs/heads/main", "begin"]);
        place.git(&["reset", "-q", "--hard"]);
        place.cool();
        place.orch(&["-q", "import", "beads", "../issues.jsonl"])
    };
    place.git(&["tag", "begin"]);
    eprintln!("`import`, {tasks} tasks …");
    let orch = alone(3, again);
    let goal = Goal::Millis(if tasks > 10_000 { 60_000.0 } else { 5_000.0 });
    let peak_mb = peak_mb(&again());
    let what = format!("`import`, {tasks} tasks");
    Row { what, orch, git: None, goal: Some(goal), peak_mb, git_peak_mb: None, room: None }
}

/// How much longer ten times as many tasks take.
fn growth(rows: &[Row]) -> String {
    let mut out = String::new();
    for row in rows {
        let Some(name) = row.what.strip_suffix(", 100000 tasks") else { continue };
        let small = rows.iter().find(|other| other.what == format!("{name}, 10000 tasks"));
        let Some(small) = small else { continue };
        let times = median(&row.orch) / median(&small.orch);
        let met = if times <= 12.0 { "yes" } else { "**no**" };
        out.push_str(&format!("| {name}, 100000 / 10000 | {times:.1} | 12 | {met} |\n"));
    }
    if out.is_empty() { out } else { format!("| growth | times | goal | met |\n|---|---|---|---|\n{out}") }
}
