//! `orch edit`: changes a task, by flags or in an editor.

use super::context::{Context, Global};
use super::damage::no_such_task;
use super::error::CliError;
use super::flags::{TaskFlags, no_longer};
use super::output::Answer;
use crate::effects::Head;
use crate::effects::os::foreign;
use crate::report::json;
use crate::state::graph::Graph;
use crate::state::layout::{MAX_FILE_BYTES, stem};
use crate::state::store::{Source, load};
use crate::state::task::{TITLE_CHARS, Task, whole_line};
use crate::step::base::commands;
use crate::upkeep::edit::{self, Change};
use serde_json::json;
use std::io::IsTerminal as _;
use std::path::PathBuf;

/// Change a task, with flags or in an editor
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Lists that are named replace what is there; an empty value (`--label ''`, `--depends-on ''`, `--parent ''`) takes it away.\nWithout flags the task opens in `$VISUAL` or `$EDITOR`."
)]
pub(super) struct Args {
    /// The task
    id: String,
    /// Its title
    #[arg(long)]
    title: Option<String>,
    /// Take the whole text of the task from this file
    #[arg(long, value_name = "PATH", conflicts_with = "title")]
    from: Option<PathBuf>,
    #[command(flatten)]
    flags: TaskFlags,
}

/// Edits in a commit of its own.
pub(super) fn run(global: &Global, args: &Args) -> Result<Answer, CliError> {
    let mut context = Context::open(global)?;
    let world = context.world();
    let snapshot = load(world, source(&context)?)?;
    let index = snapshot.graph.find(&args.id).ok_or_else(|| no_such_task(&snapshot, &args.id))?;
    let path = snapshot.graph.nodes()[index].path.clone();
    let (before, task) = snapshot.task(world, index)?;
    let change = if let Some(from) = &args.from {
        let from = global.path(from);
        let text = crate::effects::os::files::read(&from, MAX_FILE_BYTES)?;
        let text = text.ok_or_else(|| CliError::usage(format!("there is no `{}`", from.display())))?;
        edit::of_text(&snapshot.graph, &path, before, &text)?
    } else if args.title.is_some() || args.flags.any() {
        edit::of_task(&snapshot.graph, &path, before, &task, by_flags(args, &snapshot.graph, &task)?)?
    } else {
        edit::in_editor(world, &snapshot, &path, before, &editor(global)?, &foreign::edit)?
    };
    let put = put(global, &context, &change, &snapshot.source);
    let (commit, was_trusted) = put.map_err(|error| match &change.copy {
        Some(name) => error.kept(stem(&path), &world.files.root().join(name)),
        None => error,
    })?;
    if let Some(copy) = &change.copy {
        world.files.remove(copy)?;
    }
    let Some(commit) = commit else {
        let data = json!({"task": json::task(&change.task), "path": path, "changed": false, "commit": null});
        return Ok(Answer::ok(data, "nothing changed\n"));
    };
    if was_trusted && change.task.run != task.run && !global.no_commit {
        // Who types a command trusts it.
        let now = context.base()?;
        context.trust(&commands(&now.config, &now.snapshot))?;
    }
    let data = json!({"task": json::task(&change.task), "path": path, "changed": true, "commit": commit});
    let mut answer = Answer::ok(data, format!("{}\n", change.task.id));
    answer.warnings.extend(no_longer(&task, &change.task).filter(|_| !args.flags.depends_on.is_empty()));
    Ok(answer)
}

/// The work tree, where the target branch is checked out in it; else the branch's tip.
fn source(context: &Context) -> Result<Source, CliError> {
    let wanted = context.caller.branch.as_deref();
    match context.world().git.head()? {
        Head::Branch(branch, _) if wanted.is_none_or(|wanted| wanted == branch) => context.source(None),
        Head::Branch(..) | Head::Detached(_) => Ok(context.base()?.snapshot.source),
    }
}

/// The task with what the flags change.
fn by_flags(args: &Args, graph: &Graph, old: &Task) -> Result<Task, CliError> {
    let mut task = old.clone();
    if let Some(title) = &args.title {
        task.title = whole_line("title", title, TITLE_CHARS)?;
        if task.title.is_empty() {
            return Err(CliError::usage("a task needs a title"));
        }
    }
    args.flags.apply(&mut task, graph)?;
    Ok(task)
}

/// The user's editor.
fn editor(global: &Global) -> Result<String, CliError> {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    let editor = set("VISUAL").or_else(|| set("EDITOR"));
    let editor = editor.or_else(|| std::io::stdin().is_terminal().then(|| "vi".to_owned()));
    editor.filter(|_| !global.no_input).ok_or_else(|| {
        CliError::usage("nothing to change was named").hint("give a flag such as `--title`, or set `EDITOR`")
    })
}

/// Lands the change, or only writes it; none if there is nothing to land. Says too whether what is at the
/// tip was trusted.
fn put(
    global: &Global,
    context: &Context,
    change: &Change,
    source: &Source,
) -> Result<(Option<String>, bool), CliError> {
    let world = context.world();
    let base = context.base()?;
    let was_trusted = base.check_trust(&context.caller).is_ok();
    if global.no_commit {
        context.put_uncommitted(&[(change.path.clone(), Some(change.text.clone().into_bytes()))])?;
        return Ok((Some(String::new()).filter(|_| change.text != change.before), was_trusted));
    }
    let landed = edit::land(world, &base, change, source, global.reporter().as_ref())?;
    Ok((landed.map(|landed| landed.commit.to_string()), was_trusted))
}
