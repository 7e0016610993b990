//! `orch run`: steps until nothing is runnable or a limit is reached.

use super::context::{Context, Global};
use super::error::CliError;
use super::exit::Exit;
use super::next::nothing;
use super::output::Answer;
use super::step::{answer, exit_of};
use crate::outcome::Outcome;
use crate::report::{json, summary};
use crate::step::{self, Ending, Options, Ran, planning};
use serde_json::json;
use std::fmt::Write as _;
use std::time::Duration;

/// Take steps until nothing is runnable, or a limit is reached
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
    /// Work in the work tree itself, which must be clean (for disposable checkouts)
    #[arg(long)]
    in_place: bool,
}

fn duration(text: &str) -> Result<Duration, String> {
    crate::config::duration::parse(text).map_err(|error| error.to_string())
}

/// Why a run ended.
enum End {
    Answer(Box<Answer>),
    Limit(&'static str, Exit),
}

/// Takes steps.
pub(super) fn run(global: &Global, args: &Args) -> Result<Answer, CliError> {
    let context = Context::open(global)?.patient();
    let world = context.world();
    let reporter = global.reporter();
    let began = world.clock.now();
    let mut steps: Vec<Ran> = Vec::new();
    let (mut stuck, mut planned_usd) = (false, 0.0);
    let end = loop {
        let cost_usd = steps.iter().filter_map(|ran| ran.run.cost_usd).sum::<f64>() + planned_usd;
        let elapsed = world.clock.now().duration_since(began).unsigned_abs();
        if let Some(limit) = limit(args, steps.len(), cost_usd, elapsed) {
            break limit;
        }
        if let Some(signal) = world.process.interrupted() {
            let exit = if signal == 15 { Exit::Terminated } else { Exit::Interrupted };
            break End::Limit("interrupted", exit);
        }
        let agent = args.agent.as_deref();
        let options = Options { agent, in_place: args.in_place, plans: !stuck, ..Options::default() };
        match step::step(world, &context.caller, options, reporter.as_ref())? {
            Ending::Nothing(idle) => break End::Answer(Box::new(nothing(&idle))),
            Ending::Planned(_) => break End::Limit("dry run", Exit::Ok),
            Ending::PlanDue(wanted) => {
                let options = Options::default();
                let plan = planning::plan(world, &context.caller, &wanted, options, reporter.as_ref())?;
                // A planner that brings nothing is not asked again in this run.
                stuck = plan.landed_usd().is_none();
                planned_usd += plan.landed_usd().unwrap_or_default();
            }
            Ending::Ran(ran) => {
                let stop = matches!(ran.outcome, Outcome::Deferred(_) | Outcome::NoAgent(_));
                let last = stop.then(|| answer(&ran, world.process.interrupted()));
                steps.push(*ran);
                if let Some(last) = last {
                    break End::Answer(Box::new(last));
                }
            }
        }
    };
    Ok(summarise(&steps, end))
}

fn limit(args: &Args, steps: usize, cost_usd: f64, elapsed: Duration) -> Option<End> {
    let count = u32::try_from(steps).unwrap_or(u32::MAX);
    if args.max_steps.is_some_and(|max| count >= max) {
        return Some(End::Limit("the limit of steps is reached", Exit::Ok));
    }
    if args.period.is_some_and(|period| elapsed >= period) {
        return Some(End::Limit("the time is over", Exit::Ok));
    }
    args.max_cost
        .filter(|max| cost_usd >= *max)
        .map(|_| End::Limit("the cost limit is reached", Exit::Paused))
}

fn summarise(steps: &[Ran], end: End) -> Answer {
    let (why, exit, hints) = match end {
        End::Limit(why, exit) => (why.to_owned(), exit, Vec::new()),
        End::Answer(answer) => {
            (answer.human.lines().next().unwrap_or_default().to_owned(), answer.exit, answer.hints)
        }
    };
    let mut human = String::new();
    for ran in steps {
        let _ = writeln!(
            human,
            "{}  {}  {}: {}",
            ran.commit.short(),
            ran.task.id,
            ran.run.outcome.as_str(),
            ran.run.reason
        );
    }
    let accepted = steps.iter().filter(|ran| exit_of(&ran.outcome, None) == Exit::Ok).count();
    let _ = writeln!(human, "{}, {accepted} accepted; {why}", crate::report::plural(steps.len(), "step"));
    let data = json!({
        "steps": steps.iter().map(json::ran).collect::<Vec<_>>(), "accepted": accepted, "ended_because": why,
    });
    let mut answer = Answer::ok(data, human).exit(exit);
    answer.hints = hints;
    answer.md = Some(summary::steps(steps, &why));
    answer.warnings = steps.iter().flat_map(|ran| ran.warnings.clone()).collect();
    answer
}
