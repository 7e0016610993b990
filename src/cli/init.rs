//! `orch init`: begins a project.

use super::context::{Context, Global};
use super::error::CliError;
use super::exit::Exit;
use super::output::Answer;
use crate::commit::state_commit;
use crate::config::detect::{Detected, OTHERS, PROGRAMS, WANTED, detect};
use crate::config::homes::name_homes;
use crate::config::render::render;
use crate::effects::os::foreign::listing;
use crate::effects::os::process::on_path;
use crate::state::layout;
use crate::step::base::commands;
use crate::step::init::begin;
use crate::upkeep::begin::left;
use serde_json::json;
use std::collections::BTreeSet;

/// Begin: write `.orchestrator/` with gates and agents that fit this project, and commit it
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Say what would be written
    #[arg(long)]
    dry_run: bool,
}

/// The file that keeps the folder of tasks.
pub(super) const README: &str = "One task a file; `orch list` shows them, `orch add` writes one.\nThis file keeps the folder from looking renamed to git when it empties.\n";

/// Writes what is missing.
pub(super) fn run(global: &Global, args: &Args) -> Result<Answer, CliError> {
    let mut context = Context::open(global)?;
    let root = context.root()?.to_owned();
    if let Some(answer) = already(&context)? {
        return Ok(answer);
    }
    let other = context.other_branch()?;
    let there = if other.is_none() { left(context.world(), &context.caller, &root)? } else { None };
    let mut detected = detect(&listing(&root, WANTED, OTHERS), &programs());
    let is_set = |name: &str| context.world().process.env(name).is_some_and(|value| !value.is_empty());
    name_homes(&mut detected, &is_set);
    let config = render(&detected);
    let fresh = vec![
        (layout::CONFIG.to_owned(), Some(config.clone().into_bytes())),
        (layout::TASKS_README.to_owned(), Some(README.as_bytes().to_vec())),
    ];
    if args.dry_run {
        return Ok(Answer::ok(json!({"config": config, "dry_run": true}), config));
    }
    let (files, answer) = match there {
        Some(_) if global.no_commit => return Ok(found(false)),
        Some(files) => (files, found(true)),
        None => (fresh.clone(), answer(&detected)),
    };
    let world = context.world();
    if global.no_commit {
        context.put_uncommitted(&files)?;
        return Ok(answer);
    }
    begin(world, &context.caller, &files, &state_commit("begin"), global.reporter().as_ref())?;
    let base = context.base()?;
    // Nobody has looked at what lay there but came from elsewhere.
    if fresh.iter().all(|file| files.contains(file)) {
        context.trust(&commands(&base.config, &base.snapshot))?;
    }
    Ok(answer)
}

/// The programs of this machine that a profile or a gate could use.
fn programs() -> BTreeSet<String> {
    PROGRAMS.iter().filter(|name| on_path(name)).map(|name| (*name).to_owned()).collect()
}

/// The answer when there is a project on the branch already.
fn already(context: &Context) -> Result<Option<Answer>, CliError> {
    let base = match context.base() {
        Err(error) if error.exit == Exit::NoProject => return Ok(None),
        base => base?,
    };
    let tasks = crate::report::plural(base.snapshot.graph.nodes().len(), "task");
    let human = format!("there is a project here already, with {tasks}\n");
    Ok(Some(Answer::ok(json!({"created": false, "branch": base.branch}), human)))
}

/// The answer about files that were written before.
fn found(committed: bool) -> Answer {
    let (root, data) = (layout::ROOT, json!({"created": false}));
    if committed {
        return Answer::ok(data, format!("committed `{root}` as it was\n"));
    }
    Answer::ok(data, format!("`{root}` is there, and not committed\n")).hint("type `orch init` to commit it")
}

fn answer(detected: &Detected) -> Answer {
    let kinds: Vec<&str> = detected.kinds.iter().map(|kind| kind.as_str()).collect();
    let gates: Vec<&str> = detected.gates.iter().map(|gate| gate.name.as_str()).collect();
    let agents: Vec<&str> = detected.agents.iter().map(|agent| agent.name.as_str()).collect();
    let named = |list: &[&str]| if list.is_empty() { "none".to_owned() } else { list.join(", ") };
    let human = format!(
        "wrote {}\nproject  {}\ngates    {}\nagents   {}, and the built-in shell\n",
        layout::CONFIG,
        named(&kinds),
        named(&gates),
        named(&agents)
    );
    let data = json!({"created": true, "project": kinds, "gates": gates, "agents": agents});
    let mut answer = Answer::ok(data, human).hint("type `orch add \"what to do\"`, then `orch step`");
    for missing in &detected.missing {
        answer.warnings.push(format!("the gates need `{missing}`, which is not on this machine"));
    }
    if gates.is_empty() {
        let fact = "no gate was found to fit, so that nothing runs what work changes";
        answer.warnings.push(format!("{fact}: add a `[[gate]]` to `{}`", layout::CONFIG));
    }
    if detected.left_out > 0 {
        let folders = crate::report::plural(detected.left_out, "more folder");
        answer.warnings.push(format!("{folders} with a package of its own got no gate: add what matters"));
    }
    answer
}
