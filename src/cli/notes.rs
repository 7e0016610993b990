//! `orch notes`: what was written down.

use super::context::Global;
use super::error::CliError;
use super::note::KIND;
use super::output::Answer;
use super::reading::Reading;
use crate::report::notes::{Filter, human, shape};
use crate::state::note::{NoteKind, NoteStatus};
use crate::state::notes;
use crate::state::problem::Problem;
use serde_json::json;

/// List decisions, constraints, hypotheses and learnings, the newest first
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only those about this
    #[arg(long)]
    topic: Option<String>,
    /// Only of this kind
    #[arg(long, value_parser = KIND, hide_possible_values = true)]
    kind: Option<NoteKind>,
    /// Only those that name this task
    #[arg(long, value_name = "ID")]
    task: Option<String>,
    /// Also those that no longer count: superseded, retired, refuted, expired
    #[arg(long)]
    all: bool,
    /// As of this revision, not the work tree
    #[arg(long, value_name = "REV")]
    at: Option<String>,
}

/// Lists notes.
pub(super) fn run(global: &Global, args: &Args) -> Result<Answer, CliError> {
    let mut reading = Reading::open(global, args.at.as_deref())?;
    let world = reading.context.world();
    let (notes, problems) = notes::load(world, &reading.snapshot.source)?;
    let notes = notes.all();
    if let Some(task) = &args.task {
        reading.find(task)?;
    }
    let now = reading.context.time_of(args.at.as_deref())?;
    let today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
    let filter =
        Filter { kind: args.kind, topic: args.topic.as_deref(), task: args.task.as_deref(), all: args.all };
    let found = filter.of(&notes, today);
    let data = json!({"notes": found.iter().map(|note| shape(note, today)).collect::<Vec<_>>()});
    let mut answer = Answer::ok(data, human(&found, today, global.width(), global.colour_out()));
    if found.is_empty() {
        answer = answer.hint(if notes.is_empty() && problems.iter().any(Problem::is_error) {
            "no note can be read: type `orch fsck`"
        } else if notes.is_empty() {
            "there are no notes yet: type `orch note decision \"…\"`"
        } else {
            "no note fits: type `orch notes --all`"
        });
    }
    if let Some(waits) = found.iter().find(|note| note.status == NoteStatus::Proposed) {
        answer = answer.hint(format!("type `orch note approve {}` to put it in force", waits.id));
    }
    reading.problems.extend(problems);
    answer.warnings = reading.warnings();
    Ok(answer)
}
