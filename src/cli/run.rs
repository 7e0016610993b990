//! `orch run`: steps until nothing is runnable or a limit is reached.

use super::context::{Context, Global};
use super::error::CliError;
use super::exit::Exit;
use super::jobs;
use super::next::nothing;
use super::output::Answer;
use super::request::open;
use super::step::answer;
use super::tally::{End, Tally};
use crate::effects::os::process::OsProcess;
use crate::outcome::Outcome;
use crate::report::json;
use crate::step::crew::{Limits, Reached};
use crate::step::slot;
use crate::step::{self, Ending, Options, Plans, planning};
use std::time::Duration;

/// Take steps until nothing is runnable, or a limit is reached
///
/// The first Ctrl-C lets the steps at work come to their end, the second one ends them; what they have made
/// by then is kept.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Stop after this many steps
    #[arg(long, value_name = "N")]
    max_steps: Option<u32>,
    /// Begin no step after this time, such as `8h` or `90m`
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    period: Option<Duration>,
    /// Begin no step once the steps of this call have cost so much
    #[arg(long, value_name = "USD")]
    max_cost: Option<f64>,
    /// Use this agent profile
    #[arg(long, value_name = "NAME")]
    agent: Option<String>,
    /// Take so many steps at once, each in a workspace of its own; as many agents as `max_parallel` allows
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=i64::from(slot::MOST)))]
    jobs: u32,
    /// Work in the work tree itself, which must be clean (for disposable checkouts)
    #[arg(long, conflicts_with = "jobs")]
    in_place: bool,
    /// Land by push: the commit counts when the remote has it
    #[arg(long)]
    push: bool,
}

fn duration(text: &str) -> Result<Duration, String> {
    crate::config::duration::parse(text).map_err(|error| error.to_string())
}

/// Takes steps.
pub(super) fn run(global: &Global, args: &Args) -> Result<Answer, CliError> {
    let mut context = Context::open_with(global, OsProcess::patient()?)?;
    context.caller.push = args.push;
    let limits = Limits { max_steps: args.max_steps, max_usd: args.max_cost, period: args.period };
    if args.jobs > 1 {
        return jobs::run(global, &context, args.jobs, limits, args.agent.as_deref());
    }
    let world = context.world();
    let reporter = global.reporter();
    let began = world.clock.now();
    let mut tally = Tally::default();
    let (mut plans, mut planned_usd) = (Plans::Caller, 0.0);
    let end = loop {
        let elapsed = world.clock.now().duration_since(began).unsigned_abs();
        if let Some(reached) = limits.reached(tally.steps(), tally.usd() + planned_usd, elapsed) {
            break limit(reached);
        }
        if let Some(signal) = context.is_last() {
            break interrupted(signal);
        }
        let agent = args.agent.as_deref();
        let options = Options { agent, in_place: args.in_place, plans, ..Options::default() };
        match step::step(world, &context.caller, options, reporter.as_ref())? {
            Ending::Nothing(idle) => break nothing(&idle).into(),
            Ending::Planned(_) => break End::new("dry run", Exit::Ok),
            Ending::PlanDue(wanted) => {
                let (caller, options) = (&context.caller, Options::default());
                let plan = planning::plan(world, caller, &wanted, options, reporter.as_ref())?;
                // A planner that brings nothing is not asked again in this run.
                plans = if plan.is_empty() { Plans::Never } else { Plans::Caller };
                planned_usd += plan.cost_usd();
            }
            Ending::Ran(ran) => {
                let opened = open(&context, &ran, Answer::ok(json::ran(&ran), ""))?;
                tally.add(opened.data, &[ran.warnings.as_slice(), &opened.warnings].concat());
                tally.hint(opened.hints);
                if matches!(ran.outcome, Outcome::Deferred(_) | Outcome::NoAgent(_)) {
                    break answer(&ran, world.process.interrupted()).into();
                }
            }
        }
    };
    Ok(tally.answer(end))
}

/// The end by a limit of the run's own.
pub(super) fn limit(reached: Reached) -> End {
    match reached {
        Reached::Steps => End::new("the limit of steps is reached", Exit::Ok),
        Reached::Time => End::new("the time is over", Exit::Ok),
        Reached::Cost => End::new("the cost limit is reached", Exit::Paused),
    }
}

/// The end by a signal.
pub(super) fn interrupted(signal: i32) -> End {
    End::new("interrupted", if signal == 15 { Exit::Terminated } else { Exit::Interrupted })
}
