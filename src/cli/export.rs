//! `orch export`: writes tasks as another tool's files.

use super::context::Global;
use super::error::CliError;
use super::export_place::put;
use super::flags::Wanted;
use super::import::{LOSS_LINES, losses_data};
use super::one_of::OneOf;
use super::output::{self, Answer};
use super::reading::{Reading, for_programs};
use crate::export::{Export, FORMATS, is_folder, write};
use crate::import::{ForeignFile, Format};
use crate::report::list::Listing;
use crate::report::{plural, safe};
use crate::state::task::Task;
use serde_json::{Value, json};
use std::path::PathBuf;

/// Write tasks as another tool's files
///
/// All tasks, closed ones too, unless something else is asked for; no notes and no run records. What the
/// format cannot hold is told on standard error.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples: orch export beads -o issues.jsonl\n          orch export tk -o .tickets --status pending\n          orch export --close --task gh-42 | sh"
)]
pub(super) struct Args {
    /// beads, task-master, backlog-md, spec-kit, ralph, tk, weathervane, github, gitea, gitlab
    #[arg(id = "target_format", value_name = "FORMAT", value_parser = FORMAT, hide_possible_values = true, required_unless_present = "close")]
    format: Option<Format>,
    /// Print the commands that close the issues which done tasks came from (github, gitea, gitlab; all of them
    /// if none is named), each with a comment
    #[arg(long, conflicts_with = "output")]
    close: bool,
    /// Only this task (may be repeated)
    #[arg(long = "task", value_name = "ID")]
    tasks: Vec<String>,
    /// Write to this file, or into this folder for backlog-md and tk, which are folders; `-` is standard
    /// output
    #[arg(short, long, value_name = "FILE|DIR")]
    output: Option<PathBuf>,
    #[command(flatten)]
    wanted: Wanted,
    /// As of this revision, not the work tree
    #[arg(long, value_name = "REV")]
    at: Option<String>,
}

const FORMAT: OneOf<Format> = OneOf {
    words: || FORMATS.map(Format::as_str).to_vec(),
    read: |word| Format::parse(word).filter(|format| FORMATS.contains(format)),
};

/// Writes them.
pub(super) fn run(global: &Global, args: &Args) -> Result<Answer, CliError> {
    let reading = Reading::open(global, args.at.as_deref())?;
    let tasks = tasks(&reading, args)?;
    let Some(format) = args.format.filter(|_| !args.close) else {
        return super::close::run(global, &reading, (args.format, args.at.as_deref()), &tasks);
    };
    let export = write(format, &tasks);
    let mut data =
        json!({"format": format.as_str(), "tasks": tasks.len(), "losses": losses_data(&export.losses)});
    let human = match output::file(args.output.as_ref()) {
        Some(output) => {
            let paths = put(&global.path(output), format, &export.files)?;
            data["files"] = json!(paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>());
            format!("wrote {} to {}\n", plural(tasks.len(), "task"), output.display())
        }
        None if for_programs(global) => {
            data["files"] = export.files.iter().map(shown).collect();
            String::new()
        }
        None if is_folder(format) => {
            return Err(CliError::usage(format!("{format} is a folder of files"))
                .hint(format!("say which with `orch export {format} -o DIR`")));
        }
        None => export.files.iter().map(|file| safe::json(&String::from_utf8_lossy(&file.bytes))).collect(),
    };
    let mut answer = Answer::ok(data, human);
    answer.warnings = reading.warnings();
    if !for_programs(global) {
        answer.warnings.extend(told(&export));
    }
    Ok(answer)
}

/// The tasks that are wanted; epics stand where their children do.
fn tasks(reading: &Reading, args: &Args) -> Result<Vec<Task>, CliError> {
    let filter = args.wanted.filter(true);
    let graph = &reading.snapshot.graph;
    let only = args.tasks.iter().map(|id| reading.find(id)).collect::<Result<Vec<_>, _>>()?;
    let mut tasks = Vec::new();
    for row in Listing::new(graph, reading.rules, &reading.running, &filter, None).rows {
        if !only.is_empty() && !only.contains(&row.index) {
            continue;
        }
        let (_, task) = reading.snapshot.task(reading.context.world(), row.index)?;
        tasks.push(Task { status: graph.status(row.index), ..task });
    }
    tasks.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(tasks)
}

fn shown(file: &ForeignFile) -> Value {
    json!({"path": file.path, "content": String::from_utf8_lossy(&file.bytes)})
}

/// Losses for people, a line each.
fn told(export: &Export) -> Vec<String> {
    let mut lines: Vec<String> = export.losses.iter().take(LOSS_LINES).map(ToString::to_string).collect();
    if export.losses.len() > LOSS_LINES {
        lines.push(format!("and {} more; `--json` lists all", export.losses.len() - LOSS_LINES));
    }
    lines
}
