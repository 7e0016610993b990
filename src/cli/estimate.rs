//! `orch estimate`: how large a task will be.

use super::context::{Context, Global};
use super::error::CliError;
use super::output::Answer;
use super::route::{Asked, asked};
use crate::report::route::{accuracy, estimate, prediction, so_far};
use crate::route::choose::{Candidate, Refusal};
use crate::route::{Past, predict};
use crate::state::estimate::is_said;
use crate::step::past::{self, Limits};
use serde_json::json;

/// Show how large a task will be, and how good such predictions were
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The task; the next one if left out
    id: Option<String>,
}

/// Shows how large a task will be.
pub(super) fn run(global: &Global, args: &Args) -> Result<Answer, CliError> {
    let context = Context::open(global)?;
    let (world, base) = (context.world(), context.base()?);
    let (index, task, runs, tip) = match asked(&context, &base, args.id.as_deref())? {
        Asked::Task { index, task, runs, tip } => (index, task, runs, tip),
        Asked::Nothing(mut answer) => {
            // How good predictions were needs no task.
            let past = Past::new(past::recent(world, &base)?, past::kinds(&base));
            let of = predict::accuracy(&past.samples);
            answer.data["accuracy"] = accuracy(&of);
            answer.human.push_str(&so_far(&of));
            return Ok(answer);
        }
    };
    let facts = past::facts(&base, index, &task, &base.notes(world)?, &[]);
    let past = Past::new(runs, past::kinds(&base));
    let limits = Limits::now(world, &base.config.agents)?;
    let (_, route) = past::route(&base, &task, &facts, &past, &limits, None);
    let chosen = route.chosen.as_ref().ok().copied();
    let told = predict::accuracy(&past.samples);
    let first = route.candidates.get(chosen.unwrap_or_default());
    let duration = first.and_then(|each| predict::duration_ms(&each.prediction, &each.name, runs));
    let profile = |each: &Candidate| {
        json!({
            "profile": each.name, "estimate": prediction(&each.prediction), "context_window": each.window,
            "window_share": each.share,
            "may": each.refusal.is_none(), "why_not": each.refusal.as_ref().map(Refusal::spell),
        })
    };
    let profiles: Vec<_> = route.candidates.iter().map(profile).collect();
    let data = json!({
        "task": task.id.as_str(), "profile": chosen.map(|at| route.candidates[at].name.clone()),
        "estimate": first.map(|each| prediction(&each.prediction)), "duration_ms": duration,
        "profiles": profiles, "task_share": base.config.context.task_share, "accuracy": accuracy(&told),
    });
    let human = estimate(&route.candidates, chosen, &told, (duration, is_said(&task)));
    Ok(tip.beside(Answer::ok(data, human)))
}
