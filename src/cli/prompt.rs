//! `orch prompt`: the exact prompt.

use super::context::{Context, Global};
use super::error::CliError;
use super::exit::Exit;
use super::next::nothing;
use super::output::Answer;
use super::tip::{self, Tip};
use crate::prompt::Prompt;
use crate::report::plural;
use crate::report::table::{Cell, Table};
use crate::select::{self, Selection};
use crate::state::runs;
use crate::state::store::Source;
use crate::step::{Base, assemble};
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
        return replay(&context, &now, run);
    }
    let base = match &args.at {
        Some(revision) => {
            let commit = world.git.resolve(revision)?;
            let commit = commit.ok_or_else(|| CliError::usage(format!("there is no commit `{revision}`")))?;
            Base::at(world, &context.caller, now.branch.clone(), commit)?
        }
        None => now,
    };
    let index = match &args.id {
        Some(id) => base.find(id)?,
        None => match select::next(&base.snapshot.graph, base.rules()) {
            Selection::Next(candidate) => candidate.index,
            Selection::Nothing(idle) => return Ok(tip.beside(nothing(&idle))),
        },
    };
    let prompt = build(&context, &base, index)?;
    let id = base.snapshot.graph.nodes()[index].id.to_string();
    // The program ends: giving back many thousand tasks and notes one by one would only take time.
    std::mem::forget(base);
    Ok(tip.beside(show(global, &id, &prompt, args.explain)))
}

fn build(context: &Context, base: &Base, index: usize) -> Result<Prompt, CliError> {
    let (_, task) = base.snapshot.task(context.world(), index)?;
    assemble::of_base(context.world(), base, index, &task)?.map_err(|too_large| {
        CliError::new(Exit::Invalid, too_large.to_string())
            .hint("shorten the task, or raise `prompt.budget_tokens` in `.orchestrator/config.toml`")
    })
}

fn show(global: &Global, id: &str, prompt: &Prompt, explain: bool) -> Answer {
    let sections = |list: &[crate::prompt::Section]| -> Vec<serde_json::Value> {
        let shape = |section: &crate::prompt::Section| {
            json!({
                "name": section.name, "tokens": section.tokens, "required": section.required,
                "score": section.score,
            })
        };
        list.iter().map(shape).collect()
    };
    let data = json!({
        "task": id, "text": prompt.text, "tokens": prompt.tokens, "budget_tokens": prompt.budget_tokens,
        "sha256": prompt.sha256(), "sections": sections(&prompt.sections), "omitted": sections(&prompt.omitted),
        "passed_over": prompt.passed_over,
    });
    if !explain {
        return Answer::ok(data, crate::report::safe::lines(&prompt.text));
    }
    let mut table = Table::with_head(&["SECTION", "TOKENS", "SCORE", ""]);
    for (list, included) in [(&prompt.sections, true), (&prompt.omitted, false)] {
        for section in list {
            let score =
                if section.required { "required".to_owned() } else { format!("{:.2}", section.score) };
            table.row([
                Cell::new(&section.name),
                Cell::right(format!("≈{}", section.tokens)),
                Cell::right(score),
                Cell::new(if included { "" } else { "left out" }),
            ]);
        }
    }
    let mut human = table.render(global.width(), global.colour_out());
    if !prompt.passed_over.is_empty() {
        let notes = plural(prompt.passed_over.len(), "note");
        human
            .push_str(&format!("passed over: {notes} with nothing of the task, or less of it than others\n"));
    }
    human.push_str(&format!(
        "≈{} of {} tokens, sha256 {}\n",
        prompt.tokens,
        prompt.budget_tokens,
        prompt.sha256()
    ));
    Answer::ok(data, human)
}

/// Rebuilds the prompt of a past run from the commit that it started from.
fn replay(context: &Context, now: &Base, run: &str) -> Result<Answer, CliError> {
    let world = context.world();
    let found = runs::one(world, &Source::Tree(now.commit.tree), run)?;
    let record = found.and_then(|(record, _)| record).ok_or_else(|| {
        CliError::usage(format!("there is no record of run `{run}`")).hint("type `orch log`")
    })?;
    let commit = world.git.resolve(&record.base)?.ok_or_else(|| {
        CliError::new(
            Exit::Git,
            format!("the commit `{}` that it started from is not in this clone", record.base),
        )
        .hint("type `git fetch --unshallow` in a shallow clone")
    })?;
    let base = Base::at(world, &context.caller, now.branch.clone(), commit)?;
    let prompt = build(context, &base, base.find(record.task.as_str())?)?;
    let same = prompt.sha256() == record.prompt_sha256;
    let data = json!({
        "run": record.id.as_str(), "task": record.task.as_str(), "text": prompt.text,
        "sha256": prompt.sha256(), "recorded_sha256": record.prompt_sha256, "same": same,
    });
    let answer = Answer::ok(data, crate::report::safe::lines(&prompt.text));
    if same {
        return Ok(answer);
    }
    let mut answer = answer.exit(Exit::Invalid);
    answer.warnings.push(format!(
        "the hash is {} and the record says {}: orch {} wrote it, and this is {}",
        prompt.sha256(),
        record.prompt_sha256,
        record.orch,
        env!("CARGO_PKG_VERSION")
    ));
    Ok(answer)
}
