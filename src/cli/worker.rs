//! One of several workers of a run: a process that takes one step, or plans, in the slot that it was given.
//!
//! It is `orch step` with a flag that only a run gives it, and tells of itself as programs are told
//! (`--format jsonl`).

use super::context::{Context, Global};
use super::error::CliError;
use super::exit::Exit;
use super::next::nothing;
use super::output::Answer;
use super::planned;
use super::request::open;
use super::step::answer;
use crate::effects::os::process::{OsProcess, variables};
use crate::effects::{Input, Invocation, Stop};
use crate::step::request::Request;
use crate::step::{self, Ending, Options, Plans};
use serde_json::json;
use std::time::Duration;

/// What a worker is told by its run: its slot, the run's process, who plans, and what is left to spend, in USD.
#[derive(Debug, Clone, Copy)]
pub(super) struct Job {
    pub(super) slot: u32,
    pub(super) parent: u32,
    pub(super) plans: Plans,
    pub(super) most_usd: Option<f64>,
}

impl Job {
    /// Reads what [`invocation`] wrote.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split(':').collect();
        let number = |text: &str| text.parse().map_err(|_| format!("`{text}` is no number"));
        let [slot, parent, plans, usd] = parts.as_slice() else {
            return Err("four parts are needed".to_owned());
        };
        let usd = (!usd.is_empty()).then(|| usd.parse().map_err(|_| format!("`{usd}` is no amount")));
        let most_usd = usd.transpose()?;
        let plans = match *plans {
            "never" => Plans::Never,
            "caller" => Plans::Caller,
            "others" => Plans::Others,
            other => return Err(format!("`{other}` says nothing about planning")),
        };
        Ok(Self { slot: number(slot)?, parent: number(parent)?, plans, most_usd })
    }
}

/// The command line of a worker.
pub(super) fn invocation(
    global: &Global,
    (agent, push): (Option<&str>, bool),
    job: Job,
    nth: usize,
) -> Result<Invocation, CliError> {
    let program = std::env::current_exe()
        .map_err(|error| CliError::new(Exit::Error, format!("orch does not find itself: {error}")))?;
    let plans = match job.plans {
        Plans::Never => "never",
        Plans::Caller => "caller",
        Plans::Others => "others",
    };
    let usd = job.most_usd.map(|usd| usd.to_string()).unwrap_or_default();
    let flag = format!("--job={}:{}:{plans}:{usd}", job.slot, job.parent);
    let mut argv = vec![program.to_string_lossy().into_owned()];
    argv.extend(["--format=jsonl", "--color=never", "--no-input", "step", &flag].map(str::to_owned));
    let named = [("--agent", agent), ("--branch", global.branch.as_deref())];
    argv.extend(named.into_iter().filter_map(|(flag, value)| Some(format!("{flag}={}", value?))));
    argv.extend(push.then(|| "--push".to_owned()));
    argv.extend(global.trust.then(|| "--trust".to_owned()));
    let mut env = variables();
    // Where tests say which numbers are drawn, each worker draws its own.
    for (_, seed) in env.iter_mut().filter(|(name, _)| name == "ORCH_TEST_SEED") {
        *seed = seed.parse::<usize>().map_or_else(|_| seed.clone(), |first| (first + nth).to_string());
    }
    Ok(Invocation {
        argv,
        dir: global.directory(),
        env,
        stdin: Input::Text(Vec::new()),
        timeout: Duration::MAX,
        idle_timeout: None,
        output_limit: u64::MAX,
        stop: Stop::Settle,
    })
}

/// Takes one step, or plans where that comes first.
pub(super) fn work(
    global: &Global,
    (agent, push): (Option<&str>, bool),
    job: Job,
) -> Result<Answer, CliError> {
    let mut context = Context::open_with(global, OsProcess::of_child(job.parent)?)?;
    context.caller.push = push;
    if context.is_last().is_some() {
        return Err(CliError::new(Exit::Terminated, "the run that this step belonged to has ended"));
    }
    let (world, reporter) = (context.world(), global.reporter());
    let Job { slot, plans, most_usd, .. } = job;
    let options = Options { agent, plans, slot, most_usd, ..Options::default() };
    let after = |error| CliError::of_step(error, world.process.interrupted());
    match step::step(world, &context.caller, options, reporter.as_ref()).map_err(after)? {
        Ending::Nothing(idle, requests) => tell(&context, &requests, nothing(&idle)),
        Ending::Planned(_) => Ok(Answer::ok(json!(null), "")),
        Ending::Ran(ran) => {
            let answer = answer(&ran, world.process.interrupted());
            tell(&context, ran.requests.iter().flatten(), answer)
        }
        Ending::PlanDue(wanted) => {
            let options = Options { slot, most_usd, ..Options::default() };
            planned::work(&context, &wanted, options, reporter.as_ref())
        }
    }
}

/// Opens requests, and tells the run what that leaves to be done, and what there is to do if it ends here.
fn tell<'r>(
    context: &Context,
    requests: impl IntoIterator<Item = &'r Request>,
    mut answer: Answer,
) -> Result<Answer, CliError> {
    let opened = open(context, requests, Answer::ok(json!(null), ""))?;
    answer.data["hints"] = json!(answer.hints);
    answer.data["left"] = json!(opened.hints);
    answer.warnings.extend(opened.warnings);
    Ok(answer)
}
