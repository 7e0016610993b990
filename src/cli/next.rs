//! `orch next`: what the next step would take, and why.

use super::context::{Context, Global};
use super::error::CliError;
use super::exit::Exit;
use super::output::Answer;
use super::tip;
use super::waits::{all_wait, none_may, waiting};
use crate::report::at_work::AtWork;
use crate::report::{plural, queue};
use crate::select::{self, Idle};
use crate::step::choice::{self, Queue};
use crate::step::{Base, lease};
use serde_json::json;

/// Show the task that the next step would take, and why
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Rank this many
    #[arg(long, default_value_t = 1)]
    limit: usize,
    /// Ask the remote first who is at work (as by itself where this clone asked before, or took
    /// no step)
    #[arg(long)]
    fetch: bool,
}

/// Ranks the queue.
pub(super) fn run(global: &Global, args: &Args) -> Result<Answer, CliError> {
    let told = super::fleet::look(global, args.fetch)?;
    let context = Context::open(global)?;
    let base = context.base()?;
    let tip = tip::look(&context, &base)?.after(told);
    let graph = &base.snapshot.graph;
    let claims = lease::live(context.world(), &|task| graph.find(task).is_some())?;
    let at_work: Vec<AtWork> = claims.iter().map(AtWork::from).collect();
    let Queue { free, waits, error, .. } = choice::queue(context.world(), &base, args.limit.max(1))?;
    let none = match (error, waits.first()) {
        (Some(error), _) => Some(none_may(graph, &waits, error)?),
        (None, Some(first)) if free.is_empty() => Some(all_wait(graph, &waits, first, !at_work.is_empty())),
        (None, _) => None,
    };
    if let Some(mut answer) = none {
        answer.data["leases"] = json!(at_work);
        return Ok(tip.beside(answer));
    }
    if free.is_empty() {
        return Ok(tip.beside(idle(&base)?));
    }
    // No step takes a task where notes cannot be read.
    base.notes(context.world())?;
    let shown = if args.limit > 1 { &waits[..] } else { &[] };
    // Of a queue a terminal shows a line each, of one task all that there is to say.
    let width = global.width().filter(|_| args.limit > 1);
    let table = queue::rows(graph, &free, shown, width);
    let data: Vec<_> = free
        .iter()
        .map(|candidate| {
            let node = &graph.nodes()[candidate.index];
            json!({
                "id": node.id.as_str(), "title": node.title, "kind": node.kind.as_str(),
                "status": graph.status(candidate.index).as_str(), "priority": node.priority,
                "because": candidate.because,
            })
        })
        .collect();
    let mut human = table.render(width, global.colour_out());
    if args.limit > 1 {
        human.push_str(&format!("mode: {}\n", base.mode.spell()));
    }
    for each in &at_work {
        human.push_str(&format!("at work: {}\n", each.spell()));
    }
    let data = json!({
        "next": data.first(), "queue": data, "waits": waiting(graph, &waits), "leases": at_work,
        "mode": {"mode": base.mode.mode.as_str(), "because": base.mode.because},
    });
    // The program ends: giving back many thousand tasks one by one would only take time.
    std::mem::forget(base);
    Ok(tip.beside(Answer::ok(data, human)))
}

/// The answer when nothing could run.
fn idle(base: &Base) -> Result<Answer, CliError> {
    let select::Selection::Nothing(idle) = select::next(&base.snapshot.graph, base.rules()) else {
        return Err(CliError::new(Exit::Error, "the queue is empty and yet there is a next task"));
    };
    let answer = nothing(&idle);
    // Nobody was to be started: to this question, that is one more reason to wait.
    Ok(if answer.exit == Exit::NoAgent { answer.exit(Exit::Waiting) } else { answer })
}

/// The answer when nothing runs.
pub(super) fn nothing(idle: &Idle) -> Answer {
    let (exit, text, hint) = match idle {
        Idle::Empty => (Exit::Idle, "there are no tasks".to_owned(), Some("type `orch add \"what to do\"`")),
        Idle::Done => (Exit::Idle, "everything is done".to_owned(), None),
        Idle::NoAgent(count) => (
            Exit::NoAgent,
            format!(
                "{} could run, but no agent profile can take {}",
                plural(*count, "task"),
                if *count == 1 { "it" } else { "them" }
            ),
            Some("add an `[[agent]]` to `.orchestrator/config.toml`: `orch help config` shows one"),
        ),
        Idle::Waiting(counts) => {
            let all: Vec<String> = counts.iter().map(|(why, count)| format!("{count} {why}")).collect();
            (Exit::Waiting, format!("no task is runnable: {}", all.join(", ")), Some("type `orch status`"))
        }
    };
    let reasons = match idle {
        Idle::Waiting(counts) => {
            json!(counts.iter().map(|(why, count)| json!({"why": why, "count": count})).collect::<Vec<_>>())
        }
        Idle::Empty | Idle::Done | Idle::NoAgent(_) => json!([]),
    };
    let mut answer =
        Answer::ok(json!({"next": null, "queue": [], "why": text, "reasons": reasons}), format!("{text}\n"))
            .exit(exit);
    answer.hints.extend(hint.map(str::to_owned));
    answer
}
