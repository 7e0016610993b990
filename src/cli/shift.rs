//! `orch run` without `--jobs`: one step after the other, in this process.

use super::context::{Context, Global};
use super::end::End;
use super::error::CliError;
use super::exit::Exit;
use super::next::nothing;
use super::output::Answer;
use super::planned::Planning;
use super::request::open;
use super::run::Asked;
use super::step::answer;
use super::tally::Tally;
use crate::outcome::Outcome;
use crate::report::json;
use crate::step::crew::{LOSSES, Reached};
use crate::step::meter::Meter;
use crate::step::wait::{Cause, Patience};
use crate::step::{self, Ending, Options};
use serde_json::json;

/// Takes steps.
pub(super) fn run(global: &Global, context: &Context, asked: Asked<'_>) -> Result<Answer, CliError> {
    let (world, limits) = (context.world(), asked.limits);
    let reporter = Meter::new(global.reporter());
    let began = world.clock.now();
    let mut patience = Patience::new(began, limits.period);
    let mut shift = Shift::default();
    // A remote that was away when it was looked for last.
    let mut away = None;
    let end = loop {
        let elapsed = world.clock.now().duration_since(began).unsigned_abs();
        if let Some(reached) = limits.reached(shift.steps(), shift.usd(), elapsed) {
            break away.filter(|_| reached == Reached::Time).unwrap_or_else(|| End::limit(reached));
        }
        if let Some(signal) = context.is_last() {
            break End::interrupted(signal);
        }
        let lost = shift.lost;
        let (end, error) = match shift.go_on(context, asked, &reporter) {
            Ok(None) => {
                patience.worked();
                away = None;
                continue;
            }
            Ok(Some(end)) => (end, None),
            Err(error) => (End::from(error.clone()), Some(error)),
        };
        let cause = end.cause().filter(|_| asked.waits && shift.losses <= LOSSES);
        let is_over = || context.is_last().is_some();
        if cause.is_some_and(|cause| patience.wait(world, (cause, &end.why), &reporter, &is_over)) {
            if shift.lost > lost {
                shift.tally.left(end.hints.clone(), vec![end.why.clone()]);
            }
            away = Some(end).filter(|_| cause == Some(Cause::Remote));
            continue;
        }
        match error {
            Some(error) if shift.tally.steps() == 0 => return Err(end.advise(asked.advice, error)),
            // What was done before is told all the same.
            Some(_) | None => break end.advised(asked.advice),
        }
    };
    Ok(shift.tally.answer(end))
}

/// What was done so far.
#[derive(Default)]
struct Shift {
    tally: Tally,
    planning: Planning,
    /// Steps whose work could not land: all of them, what they cost, and how many in a row.
    lost: usize,
    lost_usd: f64,
    losses: u32,
}

impl Shift {
    fn steps(&self) -> usize {
        self.tally.steps() + self.lost
    }

    fn usd(&self) -> f64 {
        self.tally.usd() + self.planning.usd + self.lost_usd
    }

    /// Takes a step, or plans where that comes first; the end of the run where there is no more to do.
    fn go_on(&mut self, context: &Context, asked: Asked<'_>, meter: &Meter) -> Result<Option<End>, CliError> {
        let (world, Asked { agent, in_place, .. }) = (context.world(), asked);
        let (plans, most_usd) = (self.planning.plans, asked.limits.left(self.usd()));
        let options = Options { agent, in_place, plans, most_usd, ..Options::default() };
        meter.begin();
        let interrupted = || world.process.interrupted();
        let after = |error| CliError::of_step(error, interrupted());
        match step::step(world, &context.caller, options, meter).map_err(after) {
            Ok(Ending::Nothing(idle, requests)) => {
                let opened = open(context, &requests, Answer::ok(json!(null), ""))?;
                self.tally.left(opened.hints, opened.warnings);
                self.planning.end(nothing(&idle).into()).map(Some)
            }
            Ok(Ending::Planned(_)) => Ok(Some(End::new("dry run", Exit::Ok))),
            Ok(Ending::PlanDue(wanted)) => {
                let planned = self.planning.plan(context, (&wanted, most_usd), meter);
                planned.map(|()| None).inspect_err(|_| self.losses += u32::from(meter.usd().is_some()))
            }
            Ok(Ending::Ran(ran)) => {
                self.losses = 0;
                self.tally.add(json::ran(&ran));
                self.tally.left(Vec::new(), ran.warnings.clone());
                let opened = open(context, ran.requests.iter().flatten(), Answer::ok(json!(null), ""))?;
                self.tally.left(opened.hints, opened.warnings);
                let ends = matches!(ran.outcome, Outcome::Deferred(_) | Outcome::NoAgent(_));
                // Who waits looks for what others may take meanwhile.
                let ends = ends && !(asked.waits && ran.retry_after.is_some());
                Ok(ends.then(|| answer(&ran, interrupted()).into()))
            }
            Err(error) => {
                if let Some(usd) = meter.usd().filter(|_| error.exit == Exit::Busy || error.is_away) {
                    self.lost += 1;
                    self.lost_usd += usd;
                    self.losses += 1;
                }
                if error.exit == Exit::Paused {
                    self.planning.end(End::from(error.clone()))?;
                }
                Err(error)
            }
        }
    }
}
