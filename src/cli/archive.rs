//! `orch archive`: moves closed tasks out of the way.

use super::context::{Context, Global};
use super::error::CliError;
use super::output::Answer;
use crate::config::duration;
use crate::upkeep::archive::plan;
use serde_json::json;
use std::fmt::Write as _;
use std::time::Duration;

/// Move closed tasks to `tasks/archive/`, unless something open needs them
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only those that nothing has happened to for this long, such as `30d`
    #[arg(long, value_name = "AGE", value_parser = duration::age)]
    older_than: Option<Duration>,
    /// Say what would be done
    #[arg(long)]
    dry_run: bool,
}

/// Archives in a commit of its own.
pub(super) fn run(global: &Global, args: &Args) -> Result<Answer, CliError> {
    let context = Context::open(global)?;
    let world = context.world();
    let base = context.base()?;
    let archive = plan(world, &base, args.older_than, world.clock.now())?;
    let count = archive.moved.len();
    let what = crate::report::plural(count, "task");
    let mut commit = None;
    if !args.dry_run && count > 0 {
        commit = context.put(global, &base, &archive.files, &format!("archive {what}"))?;
    }
    let verb = if args.dry_run { "would archive" } else { "archived" };
    let mut human = if count == 0 { "nothing to archive\n".to_owned() } else { format!("{verb} {what}\n") };
    if archive.needed > 0 {
        let _ = writeln!(human, "{}: something open needs it", staying(archive.needed));
    }
    if archive.young > 0 {
        let _ = writeln!(human, "{}: not old enough", staying(archive.young));
    }
    let moved: Vec<_> = archive
        .moved
        .iter()
        .map(|(id, from, to)| json!({"id": id.as_str(), "from": from, "to": to}))
        .collect();
    let data = json!({
        "archived": moved, "needed": archive.needed, "young": archive.young, "dry_run": args.dry_run,
        "commit": commit.map(|commit| commit.to_string()),
    });
    Ok(Answer::ok(data, human))
}

fn staying(count: usize) -> String {
    format!("{} {}", crate::report::plural(count, "closed task"), if count == 1 { "stays" } else { "stay" })
}
