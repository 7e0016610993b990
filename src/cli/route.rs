//! `orch route`: who would do a task.

use super::context::{Context, Global};
use super::error::CliError;
use super::exit::Exit;
use super::next::nothing;
use super::output::Answer;
use super::tip::{self, Tip};
use crate::report::route::{document, human};
use crate::route::Past;
use crate::route::choose::NoRoute;
use crate::select::{self, Selection};
use crate::state::digest::Digest;
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

/// A task and what was before it; or the answer that there is none.
pub(super) enum Asked<'b> {
    Task { index: usize, task: Box<Task>, runs: &'b [Digest], tip: Tip },
    Nothing(Answer),
}

pub(super) fn asked<'b>(context: &Context, base: &'b Base, id: Option<&str>) -> Result<Asked<'b>, CliError> {
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
            answer = answer
                .exit(Exit::NoAgent)
                .hint("add an `[[agent]]` to `.orchestrator/config.toml`: `orch help config` shows one");
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
