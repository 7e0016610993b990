//! `orch undo`: reverts a step by a new commit.

use super::context::{Context, Global};
use super::error::CliError;
use super::output::Answer;
use serde_json::json;

/// Revert a step's code by a new commit, and block its task
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The run, its task or its commit; the newest accepted step if left out
    run: Option<String>,
}

/// Undoes a step.
pub(super) fn run(global: &Global, args: &Args) -> Result<Answer, CliError> {
    let context = Context::open(global)?;
    let base = context.base()?;
    let reporter = global.reporter();
    let (landed, task) =
        crate::step::undo::undo(context.world(), &base, args.run.as_deref(), reporter.as_ref())
            .map_err(super::transition::usage)?;
    let human = format!("{}  {} is now {}\n", landed.commit.short(), task.id, task.status.as_str());
    let data = json!({"task": crate::report::json::task(&task), "commit": landed.commit.to_string()});
    Ok(Answer::ok(data, human).hint(format!("type `orch unblock {}` to have it done again", task.id)))
}
