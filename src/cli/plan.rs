//! `orch plan` and `orch split`: a planner proposes tasks.

use super::context::{Context, Global};
use super::error::CliError;
use super::exit::Exit;
use super::output::Answer;
use crate::report::{json, safe};
use crate::step::planning::{self, Ending, Planned, Wanted};
use crate::step::{Options, StepError};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Have a planner extend the roadmap
///
/// A planner profile looks at the repository and proposes tasks. They are checked (size, cycles, duplicates,
/// criteria) and committed as `proposed`, or `pending` where `plan.land` says so.
#[derive(Debug, clap::Args)]
pub(super) struct PlanArgs {
    /// Use this agent profile
    #[arg(long, value_name = "NAME")]
    agent: Option<String>,
    /// Say what the planner would read
    #[arg(long)]
    dry_run: bool,
}

/// Have a planner break a task down
///
/// The task becomes an epic whose parts a planner profile proposes: each small enough for one session, each
/// with criteria of its own.
#[derive(Debug, clap::Args)]
pub(super) struct SplitArgs {
    /// The epic, or the task that is too large
    id: String,
    #[command(flatten)]
    plan: PlanArgs,
}

/// Extends the roadmap.
pub(super) fn plan(global: &Global, args: &PlanArgs) -> Result<Answer, CliError> {
    run(global, args, &Wanted::Extend)
}

/// Breaks a task down.
pub(super) fn split(global: &Global, args: &SplitArgs) -> Result<Answer, CliError> {
    run(global, &args.plan, &Wanted::Split(args.id.clone()))
}

fn run(global: &Global, args: &PlanArgs, wanted: &Wanted) -> Result<Answer, CliError> {
    let context = Context::open(global)?;
    let options = Options { agent: args.agent.as_deref(), dry_run: args.dry_run, ..Options::default() };
    let reporter = global.reporter();
    let ending = planning::plan(context.world(), &context.caller, wanted, options, reporter.as_ref());
    // No command of a task's own plans.
    if let Err(StepError::NoAgent(fact)) = ending {
        return Err(CliError::new(Exit::NoAgent, fact)
            .hint("add an `[[agent]]` to `.orchestrator/config.toml`: `orch help config` shows one"));
    }
    Ok(match ending? {
        Ending::Would { agent, prompt } => {
            let human = format!(
                "agent    {agent}\nprompt   ≈{}/{} tokens\n\n{}",
                prompt.tokens,
                prompt.budget_tokens,
                safe::lines(&prompt.text)
            );
            Answer::ok(json!({"agent": agent, "prompt": prompt.text, "tokens": prompt.tokens}), human)
        }
        Ending::Planned(planned) => answer(&planned, context.world().process.interrupted()),
    })
}

fn refusal(refusal: &crate::plan::Refusal) -> Value {
    json!({"title": refusal.title, "why": refusal.why})
}

fn answer(planned: &Planned, signal: Option<i32>) -> Answer {
    let mut human = String::new();
    for task in &planned.tasks {
        let line = format!("{}  {}  {}", task.id, task.status.as_str(), task.title);
        let _ = writeln!(human, "{}", safe::text(&line));
    }
    let tasks: Vec<Value> = planned.tasks.iter().map(json::task).collect();
    let refused: Vec<Value> = planned.refused.iter().map(refusal).collect();
    let data = json!({
        "tasks": tasks, "refused": refused, "run": planned.run.id.as_str(), "branch": planned.branch,
        "commit": planned.commit.to_string(), "cost_usd": planned.run.cost_usd, "reason": planned.run.reason,
    });
    if planned.tasks.is_empty() {
        let human = format!("{}\n", safe::text(&planned.run.reason));
        return Answer::ok(data, human).exit(signal.map_or(Exit::AgentFailed, Exit::of_signal));
    }
    let proposed = planned.tasks.iter().find(|task| task.status == crate::state::status::Status::Proposed);
    match proposed {
        Some(task) => {
            Answer::ok(data, human).hint(format!("type `orch approve {}` for each that you want", task.id))
        }
        None => Answer::ok(data, human).hint("type `orch next`"),
    }
}
