//! `orch step`: one step.

use super::context::{Context, Global};
use super::error::CliError;
use super::exit::exit_of;
use super::next::nothing;
use super::output::Answer;
use super::request::open;
use super::tip;
use super::worker::{Job, work};
use crate::report::{json, summary};
use crate::state::run::OutcomeKind;
use crate::step::{self, Ending, Options, Planned, Ran};
use serde_json::json;
use std::fmt::Write as _;

/// Take one step: run the next task's agent, gate the result, commit the outcome
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Take this task
    #[arg(long, value_name = "ID")]
    pub task: Option<String>,
    /// Use this agent profile
    #[arg(long, value_name = "NAME")]
    pub agent: Option<String>,
    /// Say what would be done, and the prompt
    #[arg(long)]
    pub dry_run: bool,
    /// Work in the work tree itself, which must be clean (for disposable checkouts)
    #[arg(long)]
    pub in_place: bool,
    /// Land by push: the commit counts when the remote has it
    #[arg(long, conflicts_with = "dry_run")]
    pub push: bool,
    /// What a run tells each of its workers
    #[arg(long, hide = true, value_parser = Job::parse, conflicts_with_all = ["task", "dry_run", "in_place"])]
    job: Option<Job>,
}

/// Takes one step.
pub(super) fn run(global: &Global, args: &Args) -> Result<Answer, CliError> {
    if let Some(job) = args.job {
        return work(global, (args.agent.as_deref(), args.push), job);
    }
    let mut context = Context::open(global)?;
    context.caller.push = args.push;
    let task = args.task.as_deref();
    let (base, mut tip) = tip::before(&context, task, args.in_place && !args.dry_run)?;
    let options = Options {
        task,
        agent: args.agent.as_deref(),
        dry_run: args.dry_run,
        in_place: args.in_place,
        known: base.as_ref(),
        ..Options::default()
    };
    let interrupted = || context.world().process.interrupted();
    let ending = step::step(context.world(), &context.caller, options, global.reporter().as_ref())
        .map_err(|error| CliError::of_step(error, interrupted()))?;
    if !matches!(ending, Ending::Ran(_)) {
        // Perhaps nothing was done because of what is not committed.
        tip = tip.whole(&context, base.as_ref())?;
    }
    let answer = match ending {
        Ending::Nothing(idle, requests) => open(&context, &requests, nothing(&idle))?,
        Ending::Planned(planned) => plan(&planned),
        Ending::PlanDue(_) => Answer::ok(json!(null), ""),
        Ending::Ran(ran) => open(&context, ran.requests.iter().flatten(), answer(&ran, interrupted()))?,
    };
    // The program ends: giving back many thousand tasks one by one would only take time.
    std::mem::forget(base);
    Ok(tip.beside(answer))
}

/// What a step did, as an answer.
pub(super) fn answer(ran: &Ran, signal: Option<i32>) -> Answer {
    let short = ran.commit.short();
    let human = format!("{}  {}  {}: {}\n", short, ran.task.id, ran.run.outcome.as_str(), ran.run.reason);
    let mut answer = Answer::ok(json::ran(ran), human).exit(exit_of(&ran.outcome, signal));
    answer.steps_left = ran.steps_left;
    answer.warnings.clone_from(&ran.warnings);
    answer.md = Some(summary::step(&answer.data));
    answer = super::waits::later(answer, ran.retry_after);
    if let Some(todo) = &ran.todo {
        return answer.hint(todo);
    }
    match ran.run.outcome {
        OutcomeKind::Accepted => answer.hint(format!("type `git show {short}` to see it")),
        OutcomeKind::NeedsReview => match &ran.requests {
            None => answer.hint(format!("type `orch approve {}` after a look", ran.task.id)),
            // What is to be done about its branch is told with that.
            Some(_) => answer,
        },
        OutcomeKind::Rejected | OutcomeKind::Blocked | OutcomeKind::Deferred => {
            answer.hint(format!("type `orch show {}` to see the evidence", ran.task.id))
        }
    }
}

fn plan(planned: &Planned) -> Answer {
    let mut human = format!("task     {}  {}\n", planned.task.id, planned.task.title);
    let _ = writeln!(human, "because  {}", planned.because);
    let _ = writeln!(human, "agent    {} ({})", planned.agent, planned.chosen_because);
    for (name, run) in &planned.gates {
        let _ = writeln!(human, "gate     {name}: {run}");
    }
    let _ = writeln!(human, "prompt   ≈{}/{} tokens\n", planned.prompt.tokens, planned.prompt.budget_tokens);
    human.push_str(&crate::report::safe::lines(&planned.prompt.text));
    let data = json!({
        "task": json::task(&planned.task), "because": planned.because, "agent": planned.agent,
        "chosen_because": planned.chosen_because, "dry_run": true,
        "prompt": {
            "text": planned.prompt.text, "tokens": planned.prompt.tokens, "sha256": planned.prompt.sha256(),
        },
        "gates": planned.gates.iter().map(|(name, run)| json!({"name": name, "run": run})).collect::<Vec<_>>(),
    });
    Answer::ok(data, human)
}
