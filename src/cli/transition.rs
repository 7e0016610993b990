//! `orch approve`, `reject`, `block`, `unblock`, `cancel`, `reopen`: the moves that a person makes.

use super::context::{Context, Global};
use super::error::CliError;
use super::exit::Exit;
use super::output::Answer;
use super::tip::find;
use crate::report::json;
use crate::state::status::{Move, Status};
use crate::state::task::{REASON_CHARS, TooLong, whole_line};
use crate::step::StepError;
use crate::step::person::{Change, land_change, moved, past};
use crate::step::review::{Approved, approve as approve_work};
use crate::step::slot;
use serde_json::json;

/// Move a task
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The task
    id: String,
    /// Why
    #[arg(long)]
    reason: Option<String>,
}

/// Approve a proposed task, or work that waits for a review
#[derive(Debug, clap::Args)]
pub(super) struct ApproveArgs {
    /// The task
    id: String,
    /// Why
    #[arg(long)]
    reason: Option<String>,
}

/// A reason, as it is kept.
fn whole(reason: Option<&str>) -> Result<Option<String>, TooLong> {
    reason.map(|reason| whole_line("reason", reason, REASON_CHARS)).transpose()
}

/// Makes a move in a commit of its own.
pub(super) fn run(global: &Global, args: &Args, action: Move) -> Result<Answer, CliError> {
    let context = Context::open(global)?;
    let world = context.world();
    let base = context.base()?;
    find(&context, &base, &args.id)?;
    let reason = whole(args.reason.as_deref())?;
    let change = Change { id: args.id.clone(), action, reason };
    let result = if global.no_commit {
        let moved = moved(world, &base, &change);
        if let Ok((files, _)) = &moved {
            context.put_uncommitted(files)?;
        }
        moved.map(|(_, task)| task)
    } else {
        land_change(world, &base, &change, global.reporter().as_ref()).map(|(_, task)| task)
    };
    let task = result.map_err(usage)?;
    let human = format!("{} is now {}\n", task.id, task.status.as_str());
    Ok(Answer::ok(json!({"task": json::task(&task), "move": past(action)}), human))
}

/// A move that is not legal is a wrong argument.
pub(super) fn usage(error: StepError) -> CliError {
    if let StepError::NotRunnable { why, .. } = error {
        return CliError::usage(why);
    }
    error.into()
}

/// Approves; work that waits for a review lands after the gates ran again.
pub(super) fn approve(global: &Global, args: &ApproveArgs) -> Result<Answer, CliError> {
    let context = Context::open(global)?;
    let world = context.world();
    let base = context.base()?;
    let index = find(&context, &base, &args.id)?;
    if base.snapshot.graph.nodes()[index].status != Status::NeedsReview {
        let args = Args { id: args.id.clone(), reason: args.reason.clone() };
        return run(global, &args, Move::Approve);
    }
    if global.no_commit {
        let why = "work, record and state are one commit or nothing";
        return Err(CliError::usage(format!("approving work takes no `--no-commit`: {why}")));
    }
    base.check_commands(&context.caller)?;
    let _lock = slot::take(world, slot::FIRST)?;
    let reason = whole(args.reason.as_deref())?;
    match approve_work(world, &base, &args.id, reason.as_deref(), global.reporter().as_ref())
        .map_err(usage)?
    {
        Approved::Landed(commit) => {
            let human = format!("{} is now done  [{} {}]\n", args.id, base.branch, commit.short());
            Ok(Answer::ok(json!({"task": args.id, "status": "done", "commit": commit.to_string()}), human))
        }
        Approved::Rejected(verdicts) => {
            let failed: Vec<&str> = verdicts
                .iter()
                .filter(|verdict| verdict.rejects())
                .map(|verdict| verdict.name.as_str())
                .collect();
            let data =
                json!({"task": args.id, "gates": verdicts.iter().map(json::verdict).collect::<Vec<_>>()});
            if let Some(signal) = world.process.interrupted() {
                let human = format!("{} stays as it is: interrupted\n", args.id);
                return Ok(Answer::ok(data, human).exit(Exit::of_signal(signal)));
            }
            let human =
                format!("{} stays as it is: {} failed on the current tip\n", args.id, failed.join(", "));
            Ok(Answer::ok(data, human)
                .exit(Exit::Rejected)
                .hint(format!("type `orch reject {} --reason …` to have it improved", args.id)))
        }
    }
}
