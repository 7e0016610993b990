//! `orch import`: reads another tool's tasks.

use super::context::{Context, Global};
use super::error::CliError;
use super::exit::Exit;
use super::one_of::OneOf;
use super::output::Answer;
use crate::config::shell;
use crate::effects::os::foreign::read_files;
use crate::import::{ForeignFile, Format, Import, ImportError, Loss, LossKind, MAX_FOREIGN_BYTES, read};
use crate::upkeep::intake::{Intake, loss_report, plan};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Read another tool's tasks
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Importing the same files again changes nothing, and keeps what was edited here.\nExample: orch import auto .beads/issues.jsonl"
)]
pub(super) struct Args {
    /// auto, beads, task-master, backlog-md, spec-kit, ralph, tk, weathervane, github, gitea, gitlab
    #[arg(id = "source_format", value_name = "FORMAT", value_parser = FORMAT, hide_possible_values = true)]
    format: Choice,
    /// A file or a folder
    path: PathBuf,
    /// Say what would be done
    #[arg(long)]
    dry_run: bool,
}

/// A format, or the one that fits best.
#[derive(Debug, Clone, Copy)]
struct Choice(Option<Format>);

const FORMAT: OneOf<Choice> = OneOf {
    words: || std::iter::once("auto").chain(Format::ALL.map(Format::as_str)).collect(),
    read: |word| {
        if word == "auto" { Some(Choice(None)) } else { Format::parse(word).map(|one| Choice(Some(one))) }
    },
};

/// How many lines of losses people see.
pub(super) const LOSS_LINES: usize = 20;

/// Imports in a commit of its own.
pub(super) fn run(global: &Global, args: &Args) -> Result<Answer, CliError> {
    let context = Context::open(global)?;
    let (format, import) = foreign(&global.path(&args.path), args)?;
    let base = context.base()?;
    let intake = plan(context.world(), &base, import)?;
    let mut landed = None;
    if !args.dry_run && !intake.files.is_empty() {
        let subject = format!("import {} from {format}", intake.what());
        landed = context.put(global, &base, &intake.files, &subject)?;
    }
    let mut answer = answer(format, &intake, args.dry_run);
    answer.data["commit"] = json!(landed.map(|commit| commit.to_string()));
    Ok(answer)
}

/// Reads what lies at the path.
fn foreign(path: &Path, args: &Args) -> Result<(Format, Import), CliError> {
    if !path.exists() {
        return Err(CliError::usage(format!("there is no `{}`", args.path.display())));
    }
    let wants = |path: &str| match args.format.0 {
        Some(format) => format.wants(path),
        None => Format::ALL.into_iter().any(|format| format.wants(path)),
    };
    let (files, odd) = read_files(path, MAX_FOREIGN_BYTES as u64, &wants)?;
    let files: Vec<ForeignFile> =
        files.into_iter().map(|(path, bytes)| ForeignFile { path, bytes }).collect();
    let format = args.format.0.or_else(|| Format::detect(&files)).ok_or_else(|| {
        CliError::usage(format!("`{}` is in none of the formats that orch knows", args.path.display()))
            .hint("name the format; `orch import --help` lists them")
    })?;
    let mut import = read(format, &files).map_err(|error| match error {
        ImportError::NoFiles(_) => {
            CliError::usage(error.to_string()).hint("type `orch import auto PATH` to have the format guessed")
        }
        ImportError::TooLarge { .. } | ImportError::Unreadable { .. } => {
            CliError::new(Exit::Invalid, error.to_string())
        }
    })?;
    let not_read = odd.into_iter().filter(|path| format.wants(path)).map(|item| Loss {
        what: LossKind::Skipped,
        item,
        detail: "a link or no ordinary file, not read".to_owned(),
        count: 1,
    });
    import.losses.splice(..0, not_read);
    if args.format.0.is_none() {
        import.losses.splice(..0, format.others(&files, &shell::word(&args.path.to_string_lossy())));
    }
    Ok((format, import))
}

/// Losses for programs: all of them.
pub(super) fn losses_data(losses: &[Loss]) -> Vec<Value> {
    let data = |loss: &Loss| json!({"what": loss.what.as_str(), "item": loss.item, "detail": loss.detail, "count": loss.count});
    losses.iter().map(data).collect()
}

fn answer(format: Format, intake: &Intake, dry_run: bool) -> Answer {
    let mut human = if intake.files.is_empty() {
        format!("nothing changed: {} as it should be\n", crate::report::plural(intake.unchanged, "task"))
    } else {
        format!(
            "{} {} from {format}: {} new, {} changed, {} as they were\n",
            if dry_run { "would import" } else { "imported" },
            intake.what(),
            intake.new.len(),
            intake.changed.len(),
            intake.unchanged
        )
    };
    let losses: usize = intake.losses.iter().map(|loss| loss.count).sum();
    if losses > 0 {
        human.push_str(&format!("\nnot kept as it was ({losses}):\n"));
        human.push_str(&crate::report::safe::lines(&loss_report(&intake.losses, LOSS_LINES)));
    }
    let data = json!({
        "format": format.as_str(), "dry_run": dry_run, "new": intake.new, "changed": intake.changed,
        "unchanged": intake.unchanged, "notes": intake.notes, "losses": losses_data(&intake.losses),
    });
    Answer::ok(data, human)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        global: super::Global,
        #[command(flatten)]
        args: super::Args,
    }

    #[test]
    fn the_format_of_the_files_is_not_the_format_of_the_answer() {
        let line = Line::try_parse_from(["import", "auto", "x", "--format", "json"]).unwrap();
        assert!(line.args.format.0.is_none());
        assert_eq!(line.global.format(), crate::cli::output::Format::Json);
        let refused = Line::try_parse_from(["import", "jira", "x"]);
        assert!(refused.is_err_and(|error| error.to_string().contains("one of auto, beads")));
    }
}
