//! `orch list`: tasks, one a line.

use super::branches;
use super::context::Global;
use super::error::CliError;
use super::flags::Wanted;
use super::output::Answer;
use super::reading::{Reading, for_programs};
use crate::report::at_work::AtWork;
use crate::report::list::{Listing, Word};
use crate::report::status::not_committed;
use crate::state::problem::Problem;

/// List tasks: what is open, unless something else is asked for
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples: orch list --ready --limit 5\n          orch list --status blocked,needs_review\n          orch list --all --search login"
)]
pub(super) struct Args {
    #[command(flatten)]
    wanted: Wanted,
    /// Only what a step may take; short for `--status ready`
    #[arg(long)]
    ready: bool,
    /// Closed tasks, too
    #[arg(long)]
    all: bool,
    /// At most so many
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// As of this revision, not the work tree
    #[arg(long, value_name = "REV")]
    at: Option<String>,
    /// Tasks that other branches have or have otherwise, local ones and those of remotes as last fetched; and
    /// what would conflict
    #[arg(long, conflicts_with_all = ["statuses", "kinds", "labels", "priorities", "parent", "texts", "ready", "all", "limit", "at"])]
    branches: bool,
}

/// Lists tasks.
pub(super) fn run(global: &Global, args: &Args) -> Result<Answer, CliError> {
    if args.branches {
        return branches::run(global);
    }
    let reading = Reading::open_and_compare(global, args.at.as_deref())?;
    let mut filter = args.wanted.filter(args.all);
    filter.words.extend(args.ready.then_some(Word::Ready));
    let graph = &reading.snapshot.graph;
    let mut listing = Listing::new(graph, reading.rules, &reading.running, &filter, args.limit);
    listing.has_unreadable = reading.snapshot.problems.iter().any(Problem::is_error);
    listing.at_work = reading.claims.iter().map(AtWork::from).collect();
    let mut answer = if for_programs(global) {
        Answer::written(listing.json())
    } else {
        Answer::ok(serde_json::Value::Null, listing.human(global.width(), global.colour_out()))
    };
    answer.warnings = reading.warnings();
    answer
        .warnings
        .extend(reading.uncommitted.as_deref().and_then(|paths| not_committed(paths, reading.unfit)));
    // The program ends: giving back many thousand tasks one by one would only take time.
    std::mem::forget(reading);
    Ok(answer)
}
