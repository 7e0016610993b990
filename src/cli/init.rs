//! `orch init`: begins a project.

use super::context::{Context, Global};
use super::error::CliError;
use super::exit::Exit;
use super::output::Answer;
use crate::config::detect::{Detected, Listing, PROGRAMS, WANTED, detect};
use crate::config::render::render;
use crate::effects::Head;
use crate::effects::os::process::on_path;
use crate::state::layout;
use crate::step::base::commands;
use crate::step::land::{FileEdit, tree_with};
use crate::step::person::land_files;
use serde_json::json;
use std::collections::BTreeSet;
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
    let detected = look(&root);
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
        commit(&context, &files, global)?;
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

fn look(root: &Path) -> Detected {
    let mut listing = Listing::new();
    for entry in std::fs::read_dir(root).into_iter().flatten().flatten() {
        let Ok(mut name) = entry.file_name().into_string() else { continue };
        if entry.path().is_dir() {
            name.push('/');
        }
        let content = if WANTED.contains(&name.as_str()) {
            std::fs::read_to_string(entry.path()).unwrap_or_default()
        } else {
            String::new()
        };
        listing.insert(name, content);
    }
    let programs: BTreeSet<String> =
        PROGRAMS.iter().filter(|name| on_path(name)).map(|name| (*name).to_owned()).collect();
    detect(&listing, &programs)
}

/// Commits the files: on top of the branch, or as its first commit.
fn commit(context: &Context, files: &[FileEdit], global: &Global) -> Result<(), CliError> {
    let world = context.world();
    let subject = crate::commit::state_commit("begin");
    let (branch, tip) = match world.git.head()? {
        Head::Branch(branch, tip) => (branch, tip),
        Head::Detached(_) => {
            return Err(CliError::new(Exit::Git, "HEAD is detached, so there is no branch to begin on")
                .hint("type `git switch main` first"));
        }
    };
    if let Some(tip) = tip {
        let base = crate::step::init::empty_base(world, branch, tip)?;
        land_files(world, &base, files, &subject, global.reporter().as_ref())?;
    } else {
        let tree = tree_with(world, world.git.empty_tree(), files)?;
        let reporter = global.reporter();
        crate::step::init::first_commit(world, &branch, tree, &subject, reporter.as_ref())?;
    }
    Ok(())
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
