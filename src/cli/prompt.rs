//! `orch prompt`: the exact prompt.

use super::context::{Context, Global};
use super::error::CliError;
use super::exit::Exit;
use super::next::nothing;
use super::output::Answer;
use super::tip::{self, Tip, has_project};
use crate::prompt::Prompt;
use crate::report::prompt::{document, human};
use crate::select::{self, Selection};
use crate::step::{Base, assemble, rebuild};
use serde_json::json;

/// Show the exact prompt that an agent would be given
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The task; the next one if left out
    id: Option<String>,
    /// List sections, scores and sizes, and what was left out
    #[arg(long)]
    explain: bool,
    /// As of this revision
    #[arg(long, value_name = "REV")]
    at: Option<String>,
    /// Rebuild the prompt of a past run, and check its hash
    #[arg(long, value_name = "RUN", conflicts_with_all = ["at", "id"])]
    run: Option<String>,
}

/// Builds a prompt and shows it.
pub(super) fn run(global: &Global, args: &Args) -> Result<Answer, CliError> {
    let context = Context::open(global)?;
    let world = context.world();
    let now = context.base()?;
    let tip = if args.at.is_none() { tip::look(&context, &now)? } else { Tip::default() };
    if let Some(run) = &args.run {
        return replay(&context, &now, run, &|prompt| show(global, args, prompt));
    }
    let base = match &args.at {
        Some(revision) => {
            let commit = world.git.resolve(revision)?;
            let commit = commit.ok_or_else(|| CliError::usage(format!("there is no commit `{revision}`")))?;
            has_project(world, commit)?;
            Base::at(world, &context.caller, now.branch.clone(), commit)?
        }
        None => now,
    };
    let index = match &args.id {
        Some(id) => tip::find(&context, &base, id)?,
        None => match select::next(&base.snapshot.graph, base.rules()) {
            Selection::Next(candidate) => candidate.index,
            Selection::Nothing(idle) => return Ok(tip.beside(nothing(&idle))),
        },
    };
    let (_, task) = base.snapshot.task(world, index)?;
    let prompt = assemble::of_base(world, &base, index, &task)??;
    // The program ends: giving back many thousand tasks and notes one by one would only take time.
    std::mem::forget(base);
    Ok(tip.beside(Answer::ok(document(task.id.as_str(), &prompt), show(global, args, &prompt))))
}

/// The prompt itself, or what is in it.
fn show(global: &Global, args: &Args, prompt: &Prompt) -> String {
    if args.explain {
        human(prompt, global.width(), global.colour_out())
    } else {
        crate::report::safe::lines(&prompt.text)
    }
}

/// Shows the prompt of a past run, and whether it still comes out as it was recorded.
fn replay(
    context: &Context,
    now: &Base,
    run: &str,
    show: &dyn Fn(&Prompt) -> String,
) -> Result<Answer, CliError> {
    let (record, prompt) = rebuild::of_run(context.world(), &context.caller, now, run)?;
    let prompt = prompt?;
    let same = prompt.sha256() == record.prompt_sha256;
    let mut data = document(record.task.as_str(), &prompt);
    data["run"] = json!(record.id.as_str());
    data["recorded_sha256"] = json!(record.prompt_sha256);
    data["same"] = json!(same);
    let answer = Answer::ok(data, show(&prompt));
    if same {
        return Ok(answer);
    }
    let mut answer = answer.exit(Exit::Invalid);
    let (here, there) = (env!("CARGO_PKG_VERSION"), &record.orch);
    let why = if here == there {
        "your own configuration may differ".to_owned()
    } else {
        format!("orch {there} wrote it, and this is {here}")
    };
    answer.warnings.push(format!(
        "the hash is {} and the record says {}: {why}",
        prompt.sha256(),
        record.prompt_sha256
    ));
    Ok(answer)
}
