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
use crate::step::crew::Limits;
use crate::step::slot;
use crate::step::{self, Ending, Options, Plans, Reporter, planning};
use serde_json::json;
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
    let mut shift = Shift { tally: Tally::default(), plans: Plans::Caller, planned_usd: 0.0 };
    let end = loop {
        let elapsed = world.clock.now().duration_since(began).unsigned_abs();
        let usd = shift.tally.usd() + shift.planned_usd;
        if let Some(reached) = limits.reached(shift.tally.steps(), usd, elapsed) {
            break End::limit(reached);
        }
        if let Some(signal) = context.is_last() {
            break End::interrupted(signal);
        }
        match shift.go_on(&context, args, reporter.as_ref()) {
            Ok(None) => {}
            Ok(Some(end)) => break end,
            Err(error) if shift.tally.steps() == 0 => return Err(error),
            // What was done before is told all the same.
            Err(error) => break error.into(),
        }
    };
    Ok(shift.tally.answer(end))
}

/// A run of one step after the other.
struct Shift {
    tally: Tally,
    plans: Plans,
    planned_usd: f64,
}

impl Shift {
    /// Takes a step, or plans where that comes first; the end of the run where there is no more to do.
    fn go_on(
        &mut self,
        context: &Context,
        args: &Args,
        reporter: &dyn Reporter,
    ) -> Result<Option<End>, CliError> {
        let (world, caller) = (context.world(), &context.caller);
        let agent = args.agent.as_deref();
        let options = Options { agent, in_place: args.in_place, plans: self.plans, ..Options::default() };
        match step::step(world, caller, options, reporter)? {
            Ending::Nothing(idle, requests) => {
                let opened = open(context, &requests, Answer::ok(json!(null), ""))?;
                self.tally.left(opened.hints, opened.warnings);
                Ok(Some(nothing(&idle).into()))
            }
            Ending::Planned(_) => Ok(Some(End::new("dry run", Exit::Ok))),
            Ending::PlanDue(wanted) => {
                let plan = planning::plan(world, caller, &wanted, Options::default(), reporter)?;
                // A planner that brings nothing is not asked again in this run.
                self.plans = if plan.is_empty() { Plans::Never } else { Plans::Caller };
                self.planned_usd += plan.cost_usd();
                Ok(None)
            }
            Ending::Ran(ran) => {
                self.tally.add(json::ran(&ran));
                self.tally.left(Vec::new(), ran.warnings.clone());
                let opened = open(context, ran.requests.iter().flatten(), Answer::ok(json!(null), ""))?;
                self.tally.left(opened.hints, opened.warnings);
                let ends = matches!(ran.outcome, Outcome::Deferred(_) | Outcome::NoAgent(_));
                Ok(ends.then(|| answer(&ran, world.process.interrupted()).into()))
            }
        }
    }
}
