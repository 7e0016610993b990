//! `orch status`: the state of affairs.

use super::context::Global;
use super::error::CliError;
use super::output::{Answer, Format};
use super::reading::{Reading, for_programs};
use crate::report::status::gather::{Given, gather};
use crate::report::status::{NAMED_MAX, Status, human, markdown, openmetrics};
use crate::state::graph::Graph;
use crate::state::store::Snapshot;
use crate::step::base::target;
use crate::step::choice::{self, Queue};
use crate::step::{Base, StepError};
use std::path::Path;

/// Show what stands where, what is next, who is needed, and how it goes
#[derive(Debug, clap::Args)]
#[command(after_help = "Metrics, for what scrapes or collects them: orch status --format openmetrics")]
pub(super) struct Args {
    /// As of this revision, not the work tree
    #[arg(long, value_name = "REV")]
    at: Option<String>,
    /// Ask the remote first who is at work (as by itself where this clone asked before, or took
    /// no step)
    #[arg(long, conflicts_with = "at")]
    fetch: bool,
}

/// Gathers the state of affairs; what is wrong with run records is told with the rest.
pub(super) fn gathered(reading: &mut Reading, at: Option<&str>) -> Result<Status, CliError> {
    let queue = if at.is_none() { queue(reading)? } else { None };
    let world = reading.context.world();
    let at = match at {
        Some(revision) => world.git.resolve(revision)?,
        None => None,
    };
    let branch = match reading.context.other_branch()? {
        Some(branch) => Some((branch, target(world, &reading.context.caller)?.1)),
        None => None,
    };
    let root = world.git.work_dir().and_then(|dir| std::fs::canonicalize(dir).ok());
    let project = root.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy());
    let given = Given {
        project: project.as_deref().unwrap_or_default(),
        snapshot: &reading.snapshot,
        config: reading.config.as_ref(),
        rules: reading.rules,
        mode: &reading.mode,
        queue: queue.as_ref(),
        running: &reading.running,
        claims: &reading.claims,
        uncommitted: reading.uncommitted.as_deref(),
        unfit: reading.unfit,
        at,
        branch,
    };
    let (status, problems) = gather(world, given)?;
    reading.problems.extend(problems);
    Ok(status)
}

/// What a step could take now, where it could begin at all: to show how things stand, less will do.
fn queue(reading: &mut Reading) -> Result<Option<Queue>, CliError> {
    let (world, caller) = (reading.context.world(), &reading.context.caller);
    let Some(config) = reading.config.clone().filter(|_| reading.rules.has_agent) else { return Ok(None) };
    let Ok((branch, tip)) = target(world, caller) else { return Ok(None) };
    let commit = world.git.commit(tip)?;
    let (source, graph) = (reading.snapshot.source.clone(), Graph::default());
    let nothing = Snapshot { source, graph, problems: Vec::new() };
    let snapshot = std::mem::replace(&mut reading.snapshot, nothing);
    let base = Base::of(caller, (branch, commit), (config, snapshot), reading.mode.clone());
    let queue = choice::queue(world, &base, NAMED_MAX).ok();
    reading.snapshot = base.snapshot;
    // What nobody can do until a person acts has warnings of its own.
    let is_told = |error: &StepError| {
        matches!(error, StepError::Paused { .. } | StepError::Unreviewed { .. } | StepError::TooLarge(_))
    };
    Ok(queue.filter(|queue| queue.error.as_ref().is_none_or(is_told)))
}

/// Shows the state of affairs.
pub(super) fn run(global: &Global, args: &Args) -> Result<Answer, CliError> {
    // What was so then, no remote knows better.
    let told = if args.at.is_some() { None } else { super::fleet::look(global, args.fetch)? };
    let mut reading = Reading::open_and_compare(global, args.at.as_deref())?;
    let status = gathered(&mut reading, args.at.as_deref())?;
    let mut answer = if for_programs(global) {
        // Strings, numbers and lists always serialise.
        Answer::written(serde_json::to_string(&status).unwrap_or_default())
    } else if global.format() == Format::Openmetrics {
        Answer::ok(serde_json::Value::Null, openmetrics(&status))
    } else {
        Answer::ok(serde_json::Value::Null, human(&status, global.width(), global.colour_out()))
    };
    answer.md = Some(markdown(&status));
    answer.warnings = told.into_iter().chain(reading.warnings()).collect();
    answer.warnings.extend(status.warnings());
    answer.alerts = status.alerts.iter().map(|alert| alert.text.clone()).collect();
    // The program ends: giving back many thousand tasks one by one would only take time.
    std::mem::forget(reading);
    Ok(answer)
}
