//! `orch init`: begins a project.

use super::context::{Context, Global};
use super::error::CliError;
use super::exit::Exit;
use super::output::Answer;
use crate::commit::state_commit;
use crate::config::detect::{Detected, PROGRAMS, WANTED, detect};
use crate::config::render::render;
use crate::effects::os::foreign::listing;
use crate::effects::os::process::on_path;
use crate::state::layout;
use crate::step::base::commands;
use crate::step::init::begin;
use crate::step::land::FileEdit;
use serde_json::json;
use std::path::Path;

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
    if let Some(answer) = already(&context, &root)? {
        return Ok(answer);
    }
    let programs = PROGRAMS.iter().filter(|name| on_path(name)).map(|name| (*name).to_owned()).collect();
    let detected = detect(&listing(&root, WANTED), &programs);
    let config = render(&detected);
    let files: Vec<FileEdit> = vec![
        (layout::CONFIG.to_owned(), Some(config.clone().into_bytes())),
        (layout::TASKS_README.to_owned(), Some(README.as_bytes().to_vec())),
    ];
    if args.dry_run {
        return Ok(Answer::ok(json!({"config": config, "dry_run": true}), config));
    }
    let world = context.world();
    if global.no_commit {
        for (path, content) in &files {
            world.files.write_work(&root, path, content.as_deref())?;
        }
    } else {
        begin(world, &files, &state_commit("begin"), global.reporter().as_ref())?;
        let base = context.base()?;
        context.trust(&commands(&base.config, &base.snapshot))?;
    }
    Ok(answer(&detected))
}

/// The answer when there is a project here already.
fn already(context: &Context, root: &Path) -> Result<Option<Answer>, CliError> {
    let dir = root.join(layout::ROOT);
    if !dir.exists() {
        return Ok(None);
    }
    if !root.join(layout::CONFIG).is_file() {
        return Err(CliError::new(
            Exit::Invalid,
            format!("`{}` is there, but orch did not write it", layout::ROOT),
        )
        .hint(format!("move it elsewhere, or add a `{}`", layout::CONFIG)));
    }
    let base = context.base().map_err(|error| {
        if error.exit != Exit::NoProject {
            return error;
        }
        CliError::new(Exit::NoProject, format!("`{}` is not committed yet", layout::ROOT))
            .hint(format!("type `git add {0} && git commit {0}`", layout::ROOT))
    })?;
    let human = format!(
        "there is a project here already, with {}\n",
        crate::report::plural(base.snapshot.graph.nodes().len(), "task")
    );
    Ok(Some(Answer::ok(json!({"created": false, "branch": base.branch}), human)))
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
    answer
}
