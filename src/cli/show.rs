//! `orch show`: one task or one run, whole.

use super::context::Global;
use super::error::CliError;
use super::exit::Exit;
use super::output::{Answer, Format};
use super::reading::Reading;
use crate::report::at_work::AtWork;
use crate::report::json as shape;
use crate::report::show::gather::{document, gather, kept, transcripts};
use crate::report::show::{self, Page};
use crate::report::status::not_committed;
use crate::report::{otel, safe};
use crate::state::run::Run;
use crate::state::runs;
use serde_json::json;

/// Show a task (or a run) whole: how it stands and why, its checkpoints, its runs
#[derive(Debug, clap::Args)]
#[command(after_help = "A trace for OpenTelemetry, of a run or of all of a task: orch show ID --format otlp")]
pub(super) struct Args {
    /// The id of a task or of a run
    id: String,
    /// What the agent said: of the run, or of the task's newest one
    #[arg(long)]
    transcript: bool,
    /// As of this revision, not the work tree
    #[arg(long, value_name = "REV")]
    at: Option<String>,
}

/// Shows a task or a run.
pub(super) fn run(global: &Global, args: &Args) -> Result<Answer, CliError> {
    let mut reading = Reading::open_and_compare(global, args.at.as_deref())?;
    let now = reading.context.world().clock.now();
    let page = Page { width: global.width(), colour: global.colour_out(), now };
    let mut answer = match reading.snapshot.graph.find(&args.id) {
        Some(index) => of_task(&mut reading, index, args.transcript, page, global.format())?,
        None => of_run(&mut reading, args, page, global.format())?,
    };
    answer.warnings = reading.warnings();
    answer
        .warnings
        .extend(reading.uncommitted.as_deref().and_then(|paths| not_committed(paths, reading.unfit)));
    Ok(answer)
}

fn of_task(
    reading: &mut Reading,
    index: usize,
    transcript: bool,
    page: Page,
    format: Format,
) -> Result<Answer, CliError> {
    let world = reading.context.world();
    let (mut all, problems) = gather(world, &reading.snapshot, reading.rules, &reading.running, index)?;
    let claim = reading.claims.iter().find(|claim| claim.task == all.task.id.as_str());
    all.why = claim.map(|claim| AtWork::from(claim).who()).or(all.why);
    if transcript {
        let newest = all.runs.first();
        let newest =
            newest.ok_or_else(|| CliError::usage(format!("no step has run `{}` yet", all.task.id)))?;
        return said(reading, newest.id.as_str());
    }
    reading.problems.extend(problems);
    if format == Format::Otlp {
        return Ok(trace(&all.runs));
    }
    Ok(Answer::ok(document(&all), show::task(&all, page)))
}

/// Runs as traces.
fn trace(runs: &[Run]) -> Answer {
    let document = otel::document(runs).to_string();
    Answer::ok(serde_json::Value::Null, format!("{}\n", safe::json(&document)))
}

fn of_run(reading: &mut Reading, args: &Args, page: Page, format: Format) -> Result<Answer, CliError> {
    let world = reading.context.world();
    let (run, problems) = match runs::one(world, &reading.snapshot.source, &args.id)? {
        Some((Some(run), problems)) => (run, problems),
        Some((None, problems)) => return Err(CliError::problems(&problems)),
        None if runs::began(&args.id).is_some() => {
            return Err(CliError::usage(format!("there is no record of run `{}`", args.id))
                .hint("type `orch log` to see the runs"));
        }
        None => return Err(reading.no_such_task(&args.id)),
    };
    if args.transcript {
        return said(reading, run.id.as_str());
    }
    let answer =
        if format == Format::Otlp { trace(std::slice::from_ref(&run)) } else { whole(reading, &run, page)? };
    reading.problems.extend(problems);
    Ok(answer)
}

fn whole(reading: &Reading, run: &Run, page: Page) -> Result<Answer, CliError> {
    let graph = &reading.snapshot.graph;
    let title = graph.find(run.task.as_str()).map(|index| &*graph.nodes()[index].title);
    let kept = kept(reading.context.world(), std::slice::from_ref(run))?;
    let answer =
        Answer::ok(json!({"run": shape::run_whole(run), "kept": kept}), show::run(run, title, &kept, page));
    Ok(answer.hint(format!("type `orch show {} --transcript` to see what the agent said", run.id)))
}

/// What an agent printed.
fn said(reading: &Reading, run: &str) -> Result<Answer, CliError> {
    let all = transcripts(reading.context.world(), run)?.ok_or_else(|| {
        CliError::new(Exit::Error, format!("the transcript of run `{run}` is not in this clone"))
            .hint("it is only in the clone that took the step")
    })?;
    Ok(Answer::ok(json!({"run": run, "transcripts": all}), show::transcripts(&all)))
}
