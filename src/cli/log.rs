//! `orch log`: the history by step.

use super::context::{Context, Global};
use super::error::CliError;
use super::output::Answer;
use super::question::tip;
use super::reading::for_programs;
use super::tip::has_project;
use crate::config::shell;
use crate::report::log::{Entry, Steps, Wanted, human};
use crate::report::plural;
use crate::step::base::Base;

/// How many steps are shown when nobody says.
const LIMIT: u32 = 20;

/// Show the history by step, the newest first, from git alone
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples: orch log -100\n          orch log --task t-7k3fm --all")]
pub(super) struct Args {
    /// The last so many: `-100` (default 20)
    #[arg(value_name = "-N", allow_negative_numbers = true, conflicts_with = "limit")]
    last: Option<i64>,
    /// The last so many
    #[arg(long, short = 'n', value_name = "N")]
    limit: Option<u32>,
    /// Only steps of this task
    #[arg(long, value_name = "ID")]
    task: Option<String>,
    /// Commits of orch that are no steps, too
    #[arg(long)]
    all: bool,
    /// From this revision backwards, not the tip of the target branch
    #[arg(long, value_name = "REV")]
    at: Option<String>,
}

impl Args {
    fn count(&self) -> usize {
        let last = self.last.map(|last| u32::try_from(last.unsigned_abs()).unwrap_or(u32::MAX));
        last.or(self.limit).unwrap_or(LIMIT) as usize
    }

    /// The same question about the last so many.
    fn with(&self, limit: usize) -> String {
        let mut again = format!("orch log -{limit}");
        for (flag, value) in [("--task", &self.task), ("--at", &self.at)] {
            again.extend(value.iter().map(|value| format!(" {flag} {}", shell::word(value))));
        }
        again.push_str(if self.all { " --all" } else { "" });
        again
    }
}

/// Shows the history.
pub(super) fn run(global: &Global, args: &Args) -> Result<Answer, CliError> {
    let context = Context::open(global)?;
    let world = context.world();
    let tip = tip(&context, args.at.as_deref())?;
    let limit = args.count();
    let wanted = Wanted { task: args.task.clone(), all: args.all };
    let mut entries: Vec<Entry> = Vec::new();
    let mut more = false;
    if limit > 0 {
        let mut steps = Steps::of(world, tip, wanted)?;
        let (mut beyond, mut failed) = (0, None);
        // One more than asked for tells whether there are older ones, but only where it is near.
        world.git.walk(tip, &mut |commit| {
            beyond += usize::from(entries.len() == limit);
            match steps.at(&commit) {
                Ok(found) => entries.extend(found),
                Err(error) => failed = Some(error),
            }
            failed.is_none() && entries.len() <= limit && beyond < 50
        })?;
        failed.map_or(Ok(()), Err)?;
        more = entries.len() > limit;
        entries.truncate(limit);
    }
    let mut answer = if for_programs(global) {
        // Strings, numbers and lists always serialise.
        Answer::written(serde_json::to_string(&Document { steps: &entries, more }).unwrap_or_default())
    } else {
        let human = human(&entries, world.clock.now(), global.width(), global.colour_out());
        Answer::ok(serde_json::Value::Null, human)
    };
    if more {
        answer = answer.hint(format!("type `{}` to see older ones", args.with(limit.saturating_mul(5))));
    }
    if entries.is_empty() && limit > 0 {
        has_project(world, tip)?;
        if let Some(task) = args.task.as_deref().filter(|_| args.at.is_none()) {
            Base::load(world, &context.caller)?.find(task)?;
        }
        answer = answer.hint(match &args.task {
            Some(task) => format!("no step of `{task}` is on this branch"),
            None => "no step is on this branch yet: type `orch step`".to_owned(),
        });
    }
    let claimed = entries.iter().filter(|entry| entry.is_only_claimed()).count();
    if claimed > 0 {
        let steps = plural(claimed, "commit");
        answer
            .warnings
            .push(format!("{steps} only claimed to be a step, without a record: type `orch fsck`"));
    }
    if world.git.common_dir().join("shallow").is_file() {
        answer.warnings.push("this clone is shallow: older steps are not in it".to_owned());
    }
    Ok(answer)
}

#[derive(serde::Serialize)]
struct Document<'e> {
    steps: &'e [Entry],
    more: bool,
}
