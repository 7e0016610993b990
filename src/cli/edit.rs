//! `orch edit`: changes a task, by flags or in an editor.

use super::context::{Context, Global};
use super::error::CliError;
use super::exit::Exit;
use super::flags::TaskFlags;
use super::output::Answer;
use crate::commit::state_commit;
use crate::effects::Head;
use crate::effects::os::foreign;
use crate::report::json;
use crate::state::id::short;
use crate::state::layout::{MAX_FILE_BYTES, stem};
use crate::state::store::{Snapshot, Source, load};
use crate::state::task::{Task, one_line};
use crate::state::{estimate, file};
use crate::step::StepError;
use crate::step::base::commands;
use crate::step::person::land_files;
use crate::upkeep::edit::{EditError, check, read};
use serde_json::json;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

/// Change a task, with flags or in an editor
#[derive(Debug, clap::Args)]
#[command(after_help = "Without flags the task opens in `$VISUAL` or `$EDITOR`.")]
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

/// A task as it is, and as it is to be.
struct Change {
    path: String,
    before: String,
    text: String,
    task: Task,
    /// The local file that holds the person's text until it has landed.
    copy: Option<String>,
}

/// Edits in a commit of its own.
pub(super) fn run(global: &Global, args: &Args) -> Result<Answer, CliError> {
    let mut context = Context::open(global)?;
    let world = context.world();
    let snapshot = load(world, source(&context)?)?;
    let index = snapshot.graph.find(&args.id).ok_or_else(|| StepError::UnknownTask(args.id.clone()))?;
    let path = snapshot.graph.nodes()[index].path.clone();
    let (before, task) = snapshot.task(world, index)?;
    let change = if let Some(from) = &args.from {
        let from = global.directory().join(from);
        let text = crate::effects::os::files::read(&from, MAX_FILE_BYTES)?;
        let text = text.ok_or_else(|| CliError::usage(format!("there is no `{}`", from.display())))?;
        written(&snapshot, &path, before, &text)?
    } else if args.title.is_some() || args.flags.any() {
        by_flags(args, &snapshot, &path, before, &task)?
    } else {
        in_editor(global, &context, &snapshot, &path, before)?
    };
    let (commit, was_trusted) = land(global, &context, &change, &snapshot.source).map_err(|error| {
        let copy = change.copy.as_ref().map(|name| world.files.root().join(name));
        copy.map_or(error.clone(), |copy| keep_text(error, &change.path, &copy))
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
    Ok(Answer::ok(data, format!("{}\n", change.task.id)))
}

/// The work tree, where the target branch is checked out in it; else the branch's tip.
fn source(context: &Context) -> Result<Source, CliError> {
    let wanted = context.caller.branch.as_deref();
    match context.world().git.head()? {
        Head::Branch(branch, _) if wanted.is_none_or(|wanted| wanted == branch) => context.source(None),
        Head::Branch(..) | Head::Detached(_) => Ok(context.base()?.snapshot.source),
    }
}

fn by_flags(
    args: &Args,
    snapshot: &Snapshot,
    path: &str,
    before: String,
    old: &Task,
) -> Result<Change, CliError> {
    let mut task = old.clone();
    if let Some(title) = &args.title {
        task.title = one_line(title, 200);
        if task.title.is_empty() {
            return Err(CliError::usage("a task needs a title"));
        }
    }
    args.flags.apply(&mut task, &snapshot.graph)?;
    check(path, &task, &snapshot.graph).map_err(|error| refused(&error))?;
    if task != *old {
        estimate::refresh(old, &mut task);
    }
    let text = file::task::rewrite(path, &before, &task).map_err(|why| CliError::problems(&[why]))?;
    Ok(Change { path: path.to_owned(), before, text, task, copy: None })
}

/// A text that a person wrote.
fn written(snapshot: &Snapshot, path: &str, before: String, text: &[u8]) -> Result<Change, CliError> {
    let task = read(path, text, &snapshot.graph).map_err(|error| refused(&error))?;
    let text = String::from_utf8_lossy(text).into_owned();
    Ok(Change { path: path.to_owned(), before, text, task, copy: None })
}

/// Opens a copy in the user's editor. A text that is not kept stays where it is, and is named.
fn in_editor(
    global: &Global,
    context: &Context,
    snapshot: &Snapshot,
    path: &str,
    before: String,
) -> Result<Change, CliError> {
    let world = context.world();
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    let editor = set("VISUAL").or_else(|| set("EDITOR"));
    let editor = editor.or_else(|| std::io::stdin().is_terminal().then(|| "vi".to_owned()));
    let Some(editor) = editor.filter(|_| !global.no_input) else {
        return Err(CliError::usage("nothing to change was named")
            .hint("give a flag such as `--title`, or set `EDITOR`"));
    };
    let bits = u64::try_from(world.ids.random() & u128::from(u64::MAX)).unwrap_or_default();
    let name = format!("edit/{}-{}.toml", stem(path), short(bits, 6));
    let copy = world.files.root().join(&name);
    world.files.write(&name, before.as_bytes(), true)?;
    let ended_well = foreign::edit(&editor, &copy)?;
    let text = world.files.read(&name)?.unwrap_or_default();
    if text == before.as_bytes() {
        world.files.remove(&name)?;
        if !ended_well {
            return Err(CliError::new(Exit::Error, format!("`{editor}` did not end well; nothing changed")));
        }
    }
    let kept = |error| keep_text(error, path, &copy);
    if !ended_well {
        return Err(kept(CliError::new(Exit::Error, format!("`{editor}` did not end well"))));
    }
    if snapshot.source.read_path(world, path)?.as_deref() != Some(before.as_bytes()) {
        return Err(kept(CliError::new(Exit::Busy, format!("`{path}` changed while you edited it"))));
    }
    let change = written(snapshot, path, before, &text).map_err(kept)?;
    Ok(Change { copy: Some(name), ..change })
}

/// Lands the change; none if there is nothing to land. An edit of the user's that is not committed yet
/// goes with it: the work tree is given the new text first, so that the landing finds there what it
/// brings. Says too whether what is at the tip was trusted.
fn land(
    global: &Global,
    context: &Context,
    change: &Change,
    source: &Source,
) -> Result<(Option<String>, bool), CliError> {
    let world = context.world();
    let base = context.base()?;
    let was_trusted = base.check_trust(&context.caller).is_ok();
    let at_tip = base.snapshot.source.read_path(world, &change.path)?;
    let at_tip = at_tip.as_deref();
    let work = match source {
        Source::Work(root) => Some(root),
        Source::Tree(_) => None,
    };
    let write = |root: &Path, text: &str| world.files.write_work(root, &change.path, Some(text.as_bytes()));
    if global.no_commit {
        write(context.root()?, &change.text)?;
        return Ok((Some(String::new()).filter(|_| change.text != change.before), was_trusted));
    }
    if at_tip == Some(change.text.as_bytes()) && change.text == change.before {
        return Ok((None, was_trusted));
    }
    let first = work.filter(|_| at_tip != Some(change.before.as_bytes()));
    if let Some(root) = first {
        write(root, &change.text)?;
    }
    let subject = state_commit(&format!("edit {}", change.task.id));
    let edit = (change.path.clone(), Some(change.text.clone().into_bytes()));
    match land_files(world, &base, &[edit], &subject, global.reporter().as_ref()) {
        Ok(landed) => Ok((Some(landed.commit.to_string()), was_trusted)),
        Err(error) => {
            if let Some(root) = first {
                write(root, &change.before)?;
            }
            Err(error.into())
        }
    }
}

/// The same error, with where the person's text is kept.
fn keep_text(error: CliError, path: &str, copy: &Path) -> CliError {
    let id = stem(path);
    let again = format!("your text is kept: type `orch edit {id} --from {}`", copy.display());
    CliError { hints: std::iter::once(again).chain(error.hints).collect(), ..error }
}

fn refused(error: &EditError) -> CliError {
    match error {
        EditError::Unusable(problems) => CliError::problems(problems),
        EditError::Fault(_) => CliError::new(Exit::Invalid, error.to_string())
            .hint("remove one of these `depends_on` or `parent` entries"),
    }
}
