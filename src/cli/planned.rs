//! Planning inside of a run: where it cannot be done, other tasks are none the worse for it.

use super::context::Context;
use super::end::End;
use super::error::CliError;
use super::exit::Exit;
use super::output::Answer;
use crate::step::meter::Meter;
use crate::step::planning::{self, Wanted};
use crate::step::{Event, Options, Plans, Reporter, StepError};
use serde_json::json;

/// What became of planning that was due.
enum Came {
    /// A planner was asked: what becomes of planning after it, and what it cost.
    Asked(Plans, f64),
    /// None can be asked just now; what it cost to find that out.
    Nobody(CliError, f64),
    /// Others plan it, or have settled it meanwhile; why.
    Settled(String),
}

fn ask(
    context: &Context,
    wanted: &Wanted,
    options: Options<'_>,
    reporter: &dyn Reporter,
) -> Result<Came, CliError> {
    match planning::plan(context.world(), &context.caller, wanted, options, reporter) {
        Ok(plan) => Ok(match plan.leaves() {
            Ok(plans) => Came::Asked(plans, plan.cost_usd()),
            Err(rests) => Came::Nobody(rests.into(), plan.cost_usd()),
        }),
        Err(error @ (StepError::Moved { .. } | StepError::Taken(_))) => Ok(Came::Settled(error.to_string())),
        Err(error) if error.is_of_planner() => Ok(Came::Nobody(error.into(), 0.0)),
        Err(error) => Err(CliError::of_step(error, context.world().process.interrupted())),
    }
}

/// The planning of a run that takes one step after the other.
pub(super) struct Planning {
    /// What becomes of it.
    pub(super) plans: Plans,
    /// What it has cost.
    pub(super) usd: f64,
    /// Why a planner could not be asked: it is asked again when nothing else is left.
    unplanned: Option<CliError>,
}

impl Default for Planning {
    fn default() -> Self {
        Self { plans: Plans::Caller, usd: 0.0, unplanned: None }
    }
}

impl Planning {
    /// Plans, where that can be done, for no more than what is left, in USD.
    pub(super) fn plan(
        &mut self,
        context: &Context,
        (wanted, most_usd): (&Wanted, Option<f64>),
        meter: &Meter,
    ) -> Result<(), CliError> {
        let warn = |why: &str| meter.event(&Event::Warning { text: format!("nothing is planned: {why}") });
        let options = Options { most_usd, ..Options::default() };
        // A plan that could not land is paid for all the same.
        let paid = |_: &CliError| self.usd += meter.usd().unwrap_or_default();
        match ask(context, wanted, options, meter).inspect_err(paid)? {
            Came::Asked(plans, usd) => {
                self.plans = plans;
                self.usd += usd;
            }
            Came::Nobody(error, usd) => {
                warn(&error.facts.join("; "));
                self.usd += usd;
                self.plans = Plans::Others;
                self.unplanned = Some(error);
            }
            Came::Settled(why) => {
                warn(&why);
                self.usd += meter.usd().unwrap_or_default();
            }
        }
        Ok(())
    }

    /// How a run ends that has found nothing: that nobody plans is all that is left, unless something else comes by
    /// itself. From here on a planner is asked again.
    pub(super) fn end(&mut self, end: End) -> Result<End, CliError> {
        let Some(unplanned) = self.unplanned.take() else { return Ok(end) };
        self.plans = Plans::Caller;
        if end.cause().is_none() { Err(unplanned) } else { Ok(end) }
    }
}

/// Plans as one of several workers, and tells the run what came of it.
pub(super) fn work(
    context: &Context,
    wanted: &Wanted,
    options: Options<'_>,
    reporter: &dyn Reporter,
) -> Result<Answer, CliError> {
    let (data, exit) = match ask(context, wanted, options, reporter)? {
        Came::Asked(Plans::Caller, usd) => (json!({"planned": true, "planned_usd": usd}), Exit::Ok),
        Came::Asked(Plans::Never | Plans::Others, _) => {
            (json!({"planned": true, "planned_usd": null}), Exit::Ok)
        }
        Came::Settled(why) => (json!({"planned": true, "planned_usd": 0.0, "why": why}), Exit::Ok),
        Came::Nobody(error, usd) => {
            let End { why, exit, hints, retry_after, .. } = End::from(error);
            let data = json!({
                "unplanned": true, "planned_usd": usd, "why": why, "hints": hints, "retry_after": retry_after,
            });
            (data, exit)
        }
    };
    Ok(Answer::ok(data, "").exit(exit))
}
