//! `orch add`: writes a task down.

use super::context::{Context, Global};
use super::error::CliError;
use super::flags::TaskFlags;
use super::output::Answer;
use crate::state::file;
use crate::state::id::TaskId;
use crate::state::layout;
use crate::state::task::{TITLE_CHARS, Task, whole_line};
use crate::step::base::commands;
use crate::step::record::new_task_id;
use crate::upkeep::edit::check;
use serde_json::json;

/// Write a task down
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: orch add \"Rate-limit the public API\" --kind feature --accept \"101 requests a minute get a 429\""
)]
pub(super) struct Args {
    /// What is to be done, in one line
    title: String,
    /// Its id; a short random one if left out
    #[arg(long)]
    id: Option<String>,
    #[command(flatten)]
    flags: TaskFlags,
}

/// Adds a task in a commit of its own.
pub(super) fn run(global: &Global, args: &Args) -> Result<Answer, CliError> {
    let mut context = Context::open(global)?;
    let world = context.world();
    let base = context.base()?;
    let title = whole_line("title", &args.title, TITLE_CHARS)?;
    if title.is_empty() {
        return Err(CliError::usage("a task needs a title"));
    }
    let id = match &args.id {
        Some(id) => TaskId::new(id.as_str()).map_err(|error| CliError::usage(error.to_string()))?,
        None => new_task_id(world, &base)?,
    };
    if let Some(index) = base.snapshot.graph.find(id.as_str()) {
        let there = &base.snapshot.graph.nodes()[index].id;
        return Err(CliError::usage(format!("there is a task `{there}` already"))
            .hint(format!("type `orch show {there}`")));
    }
    let mut task = Task::new(id, title);
    task.created = Some(whole_second(world.clock.now()));
    args.flags.apply(&mut task, &base.snapshot.graph)?;
    crate::state::estimate::put(&mut task);
    let path = layout::new_task(&task.id, base.snapshot.flat_tasks());
    // Only its epic, and who names its id before it is there, can wait for a new task: only then a cycle can be.
    if (task.parent.is_some() || args.id.is_some()) && !task.depends_on.is_empty() {
        check(&path, &task, &base.snapshot.graph)?;
    }
    let text = file::task::write(&task);
    let was_trusted = base.check_trust(&context.caller).is_ok();
    let what = format!("add {} {}", task.id, task.title);
    context.put(global, &base, &[(path.clone(), Some(text.into_bytes()))], &what)?;
    if was_trusted && task.run.is_some() && !global.no_commit {
        // Who types a command trusts it.
        let now = context.base()?;
        context.trust(&commands(&now.config, &now.snapshot))?;
    }
    let data = json!({"task": crate::report::json::task(&task), "path": path});
    Ok(Answer::ok(data, format!("{}\n", task.id)))
}

/// Times in files have whole seconds.
pub(super) fn whole_second(time: jiff::Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_second(time.as_second()).unwrap_or(time)
}
