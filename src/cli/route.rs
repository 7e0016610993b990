//! `orch route` and `orch estimate`: who would do a task, and how large it will be.

use super::context::{Context, Global};
use super::error::CliError;
use super::exit::Exit;
use super::next::nothing;
use super::output::Answer;
use super::tip::{self, Tip};
use crate::report::route::{accuracy, document, estimate, human, prediction};
use crate::route::choose::{Candidate, NoRoute, Refusal};
use crate::route::{Past, predict};
use crate::select::{self, Selection};
use crate::state::digest::Digest;
use crate::state::estimate::is_said;
use crate::state::task::Task;
use crate::step::Base;
use crate::step::past::{self, Limits};
use serde_json::json;

/// Show which profile would do a task, every candidate, and why
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The task; the next one if left out
    id: Option<String>,
    /// As if this profile was named to `orch step`
    #[arg(long, value_name = "NAME")]
    agent: Option<String>,
}

/// Show how large a task will be, and how good such predictions were
#[derive(Debug, clap::Args)]
pub(super) struct EstimateArgs {
    /// The task; the next one if left out
    id: Option<String>,
}

/// A task and what was before it; or the answer that there is none.
enum Asked<'b> {
    Task { index: usize, task: Box<Task>, runs: &'b [Digest], tip: Tip },
    Nothing(Answer),
}

fn asked<'b>(context: &Context, base: &'b Base, id: Option<&str>) -> Result<Asked<'b>, CliError> {
    let world = context.world();
    let tip = tip::look(context, base)?;
    let index = match id {
        Some(id) => tip::find(context, base, id)?,
        None => match select::next(&base.snapshot.graph, base.rules()) {
            Selection::Next(candidate) => candidate.index,
            Selection::Nothing(idle) => return Ok(Asked::Nothing(tip.beside(nothing(&idle)))),
        },
    };
    let (_, task) = base.snapshot.task(world, index)?;
    Ok(Asked::Task { index, task: Box::new(task), runs: past::recent(world, base)?, tip })
}

/// Shows every candidate.
pub(super) fn run(global: &Global, args: &Args) -> Result<Answer, CliError> {
    let context = Context::open(global)?;
    let (world, base) = (context.world(), context.base()?);
    if let Some(name) = &args.agent {
        base.profile(name)?;
    }
    let (index, task, runs, tip) = match asked(&context, &base, args.id.as_deref())? {
        Asked::Task { index, task, runs, tip } => (index, task, runs, tip),
        Asked::Nothing(answer) => return Ok(answer),
    };
    let trouble = past::trouble(world, &base, &task, runs)?;
    let facts = past::facts(&base, index, &task, &base.notes(world)?, &trouble);
    let past = Past::new(runs, past::kinds(&base));
    let limits = Limits::now(world, &base.config.agents)?;
    let (need, route) = past::route(&base, &task, &facts, &past, &limits, args.agent.as_deref());
    let ratio = past.ratio(&base.config.agents);
    let text = human(&route, &need, ratio, global.width(), global.colour_out());
    let mut answer = Answer::ok(document(task.id.as_str(), &route, &need, ratio), text);
    match &route.chosen {
        Ok(_) => {}
        Err(NoRoute::Nobody(_)) => {
            answer = answer.exit(Exit::NoAgent).hint("add an `[[agent]]` to `.orchestrator/config.toml`");
        }
        Err(NoRoute::Missing(_) | NoRoute::Unusable(..)) => {
            answer = answer.exit(Exit::NoAgent).hint("type `orch agents` to see what to do");
        }
        Err(NoRoute::Oversized(_)) => {
            answer =
                answer.exit(Exit::Waiting).hint(format!("add smaller tasks with `--parent {}`", task.id));
        }
        Err(NoRoute::Cooling(until)) => {
            answer.data["retry_after"] = json!(until.to_string());
            answer = answer.exit(Exit::Paused);
        }
        Err(NoRoute::Busy) => answer = answer.exit(Exit::Paused),
    }
    Ok(tip.beside(answer))
}

/// Shows how large a task will be.
pub(super) fn estimate_of(global: &Global, args: &EstimateArgs) -> Result<Answer, CliError> {
    let context = Context::open(global)?;
    let (world, base) = (context.world(), context.base()?);
    let (index, task, runs, tip) = match asked(&context, &base, args.id.as_deref())? {
        Asked::Task { index, task, runs, tip } => (index, task, runs, tip),
        Asked::Nothing(answer) => return Ok(answer),
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
