//! `orch verify`: whether the steps of a range are what their gates judged, from their records or by
//! running the gates again.

use super::context::{Context, Global};
use super::error::{CliError, WHOLE};
use super::exit::Exit;
use super::output::Answer;
use super::tip::has_project;
use crate::audit::again::again;
use crate::audit::history::{self, Options, Walk};
use crate::audit::{Finding, Place};
use crate::effects::Oid;
use crate::effects::os::git::tree_name;
use crate::report::plural;
use crate::report::verify::{self, Checked};
use crate::step::base::here;

/// Check that accepted work is exactly what its gates passed
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Commits, as `git log` takes them: `A..B`, `A..`, or one whose history is meant
    range: Option<String>,
    /// Run the gates again, the built-in ones and those of each step's base, on what it committed
    #[arg(long)]
    rerun: bool,
}

/// Looks at the steps of a range.
pub(super) fn run(global: &Global, args: &Args) -> Result<Answer, CliError> {
    let context = Context::open(global)?;
    let world = context.world();
    let (branch, tip) = here(world, &context.caller)?;
    let (from, to) = ends(&context, args.range.as_deref(), tip)?;
    has_project(world, to)?;
    let options = Options { limit: usize::MAX, from, name_tree: tree_name, progress: &|_, _| {} };
    let (findings, walk) = history::audit(world, to, &options)?;
    let reporter = global.reporter();
    let mut steps = Vec::new();
    // The oldest first, as they happened.
    for step in walk.accepted.iter().rev() {
        let against: Vec<&Finding> = findings
            .iter()
            .filter(|each| each.is_error() && each.place == Place::Commit(step.commit))
            .collect();
        let mut checked = Checked::of(step, &against);
        if args.rerun && against.is_empty() {
            checked.again(&again(world, &context.caller, &branch, step, reporter.as_ref())?);
        }
        steps.push(checked);
        if let Some(signal) = world.process.interrupted() {
            let exit = Exit::of_signal(signal);
            return Ok(answer(global, &steps, &walk).exit(exit));
        }
    }
    Ok(answer(global, &steps, &walk))
}

/// The commit whose history is left out, and the one whose history is meant.
fn ends(context: &Context, range: Option<&str>, tip: Oid) -> Result<(Option<Oid>, Oid), CliError> {
    let resolve = |revision: &str| -> Result<Oid, CliError> {
        if revision.is_empty() {
            return Ok(tip);
        }
        let found = context.world().git.resolve(revision)?;
        found.ok_or_else(|| CliError::usage(format!("there is no commit `{revision}`")))
    };
    match range.map(|range| range.split_once("..").ok_or(range)) {
        None => Ok((None, tip)),
        Some(Ok((from, to))) => Ok((Some(resolve(from)?), resolve(to)?)),
        Some(Err(whole)) => Ok((None, resolve(whole)?)),
    }
}

fn answer(global: &Global, steps: &[Checked], walk: &Walk) -> Answer {
    let lacking = steps.iter().filter(|step| step.lacking).count();
    let exit = match (verify::count(steps, "broken"), verify::count(steps, "rejected")) {
        (0, 0) if lacking > 0 => Exit::Git,
        (0, 0) => Exit::Ok,
        (0, _) => Exit::Rejected,
        (_, _) => Exit::Invalid,
    };
    let human = verify::human(steps, walk, global.width(), global.colour_out());
    let mut answer = Answer::ok(verify::data(steps, walk), human).exit(exit);
    // Nothing will try again by itself.
    answer.steps_left = false;
    tell_limits(answer, walk)
}

/// Says how far this clone lets one look, and what to type to see the rest.
pub(super) fn tell_limits(mut answer: Answer, walk: &Walk) -> Answer {
    if walk.cut_off > 0 {
        answer.warnings.push(format!("the clone is shallow: it has only {}", plural(walk.commits, "commit")));
        answer.hints.push("type `git fetch --unshallow` to look at all of them".to_owned());
    }
    if let Some(why) = walk.unread.first() {
        let commits = plural(walk.unread.len(), "commit");
        answer.warnings.push(format!("{commits} could not be read whole: {why}"));
        answer.hints.push(WHOLE.to_owned());
    }
    answer
}
