//! `orch checkpoint`: what the next session needs to continue an unfinished task.

use super::context::Global;
use super::error::CliError;
use super::output::Answer;
use super::reading::Reading;
use crate::report::checkpoints::{changes, document, human, human_changes, whole};
use crate::report::json as shape;
use crate::state::checkpoint::Checkpoint;
use crate::state::{layout, store};
use serde_json::json;

/// List, show and compare checkpoints of unfinished tasks
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    /// As of this revision, not the work tree
    #[arg(long, value_name = "REV", global = true)]
    at: Option<String>,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// All checkpoints, or those of a task
    List {
        /// The task
        task: Option<String>,
    },
    /// One checkpoint, whole
    Show {
        /// The task
        task: String,
        /// Its number; the newest if left out
        number: Option<u32>,
    },
    /// What changed from one checkpoint to another
    Diff {
        /// The task
        task: String,
        /// From this number; the one before the newest if left out
        from: Option<u32>,
        /// To this number; the newest if left out
        to: Option<u32>,
    },
}

/// Lists, shows or compares.
pub(super) fn run(global: &Global, args: &Args) -> Result<Answer, CliError> {
    let mut reading = Reading::open(global, args.at.as_deref())?;
    let mut answer = match args.action.as_ref().unwrap_or(&Action::List { task: None }) {
        Action::List { task } => list(global, &mut reading, task.as_deref())?,
        Action::Show { task, number } => {
            let all = of_task(&mut reading, task)?;
            let found = numbered(&all, (task, &reading), *number, all.len().checked_sub(1))?;
            Answer::ok(
                json!({"task": found.task.as_str(), "checkpoint": shape::checkpoint(found)}),
                whole(found),
            )
        }
        Action::Diff { task, from, to } => {
            let all = of_task(&mut reading, task)?;
            let old = numbered(&all, (task, &reading), *from, all.len().checked_sub(2))?;
            let new = numbered(&all, (task, &reading), *to, all.len().checked_sub(1))?;
            compare(global, old, new)
        }
    };
    answer.warnings = reading.warnings();
    Ok(answer)
}

fn list(global: &Global, reading: &mut Reading, task: Option<&str>) -> Result<Answer, CliError> {
    let all = if let Some(task) = task {
        of_task(reading, task)?
    } else {
        let (all, problems) = store::all_checkpoints(reading.context.world(), &reading.snapshot.source)?;
        reading.problems.extend(problems);
        all
    };
    let one = |each: &Checkpoint| json!({"task": each.task.as_str(), "checkpoint": shape::checkpoint(each)});
    let shapes: Vec<_> = all.iter().map(one).collect();
    let answer = Answer::ok(json!({"checkpoints": shapes}), human(&all, global.width(), global.colour_out()));
    let none = match reading.damage_below(layout::CHECKPOINTS).as_slice() {
        [] => "a step that does not finish its task leaves one",
        [..] => "no checkpoint can be read: type `orch fsck`",
    };
    Ok(if all.is_empty() { answer.hint(none) } else { answer })
}

fn of_task(reading: &mut Reading, task: &str) -> Result<Vec<Checkpoint>, CliError> {
    let index = reading.find(task)?;
    let id = &reading.snapshot.graph.nodes()[index].id;
    let (all, problems) = store::checkpoints(reading.context.world(), &reading.snapshot.source, id)?;
    reading.problems.extend(problems);
    Ok(all)
}

/// One of a task's checkpoints; where it is not there, what is wrong with those that cannot be read.
fn numbered<'c>(
    all: &'c [Checkpoint],
    (task, reading): (&str, &Reading),
    number: Option<u32>,
    otherwise: Option<usize>,
) -> Result<&'c Checkpoint, CliError> {
    let found = match number {
        Some(number) => all.iter().find(|checkpoint| checkpoint.number == number),
        None => otherwise.and_then(|at| all.get(at)),
    };
    let damage = reading.damage_below(&format!("{}/{task}/", layout::CHECKPOINTS));
    found.ok_or_else(|| match (number, all.len()) {
        (Some(_) | None, _) if !damage.is_empty() => CliError::problems(&damage),
        (Some(number), _) => CliError::usage(format!("`{task}` has no checkpoint {number}"))
            .hint(format!("type `orch checkpoint list {task}`")),
        (None, 0) => CliError::usage(format!("`{task}` has no checkpoint")),
        (None, _) => CliError::usage(format!("`{task}` has only one checkpoint")),
    })
}

fn compare(global: &Global, old: &Checkpoint, new: &Checkpoint) -> Answer {
    let changes = changes(old, new);
    let same = changes.is_empty().then(|| "nothing changed but the number\n".to_owned());
    let human = same.unwrap_or_else(|| human_changes(&changes, global.colour_out()));
    let data = json!({
        "task": old.task.as_str(), "from": old.number, "to": new.number, "changes": document(&changes),
    });
    let work = old.work.as_ref().zip(new.work.as_ref()).filter(|(before, now)| before != now);
    let hint = work.map(|(before, now)| format!("type `git diff {before} {now}` to compare the work"));
    Answer { hints: hint.into_iter().collect(), ..Answer::ok(data, human) }
}
