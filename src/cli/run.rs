//! `orch run`: steps until nothing is runnable or a limit is reached.

use super::context::{Context, Global};
use super::error::CliError;
use super::output::Answer;
use super::{jobs, shift};
use crate::effects::os::process::OsProcess;
use crate::step::crew::Limits;
use crate::step::slot;
use std::time::Duration;

/// Take steps until nothing is runnable, or a limit is reached
///
/// The first Ctrl-C lets the steps at work come to their end, the second one ends them; what they have made
/// by then is kept. Where nobody is at work and the run waits, the first one ends it.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Stop after this many steps
    #[arg(long, value_name = "N")]
    max_steps: Option<u32>,
    /// Begin no step after this time, such as `8h` or `90m`
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    period: Option<Duration>,
    /// Begin no step once so much is spent; a session ends once it has spent what was left when its step began (with
    /// `--jobs`, that is so for each of those at work)
    #[arg(long, value_name = "USD", value_parser = usd)]
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
    /// Wait and go on, instead of ending, where others hold what is left, agents or a budget rest until a time that
    /// was told, or the remote does not answer; at most as long as --for says
    #[arg(long)]
    wait: bool,
}

/// What a run is asked for.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) agent: Option<&'a str>,
    pub(super) in_place: bool,
    pub(super) limits: Limits,
    /// Whether it waits for what may be there later.
    pub(super) waits: bool,
    /// What to type for a run that waits, where this one does not.
    pub(super) advice: Option<&'a str>,
}

fn duration(text: &str) -> Result<Duration, String> {
    crate::config::duration::parse(text).map_err(|error| error.to_string())
}

fn usd(text: &str) -> Result<f64, String> {
    let usd = text.parse().ok().filter(|usd: &f64| usd.is_finite() && *usd >= 0.0);
    usd.ok_or_else(|| "an amount in USD, such as 2.50".to_owned())
}

impl Args {
    /// The same run, but one that waits; none if it does.
    fn advice(&self) -> Option<String> {
        let mut command = "orch run".to_owned();
        for (word, is_there) in [("--push", self.push), ("--in-place", self.in_place)] {
            if is_there {
                command = format!("{command} {word}");
            }
        }
        if self.jobs > 1 {
            command = format!("{command} --jobs {}", self.jobs);
        }
        let advice = format!("type `{command} --wait` for a run that waits, and goes on by itself");
        (!self.wait).then_some(advice)
    }
}

/// Takes steps.
pub(super) fn run(global: &Global, args: &Args) -> Result<Answer, CliError> {
    let mut context = Context::open_with(global, OsProcess::patient()?)?;
    context.caller.push = args.push;
    let limits = Limits { max_steps: args.max_steps, max_usd: args.max_cost, period: args.period };
    let agent = args.agent.as_deref();
    let advice = args.advice();
    let asked = Asked { agent, in_place: args.in_place, limits, waits: args.wait, advice: advice.as_deref() };
    if args.jobs > 1 {
        return jobs::run(global, &context, args.jobs, asked);
    }
    shift::run(global, &context, asked)
}
