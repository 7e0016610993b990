//! What who reads the tip of the target branch should know beside the answer, or before it.

use super::context::Context;
use super::damage::faults;
use super::edited::edited;
use super::error::CliError;
use super::exit::Exit;
use super::output::Answer;
use crate::config::shell;
use crate::effects::{Oid, World};
use crate::state::graph::Index;
use crate::state::layout;
use crate::step::Base;

/// What who reads the tip should know beside the answer, and what to type about it.
#[derive(Default)]
pub(super) struct Tip {
    warnings: Vec<String>,
    hint: Option<&'static str>,
    /// Whether the work tree was left out.
    in_part: bool,
}

impl Tip {
    /// An answer, with this beside it: warnings before its own, the hint after them.
    pub(super) fn beside(self, mut answer: Answer) -> Answer {
        answer.warnings.splice(..0, self.warnings);
        answer.hints.extend(self.hint.map(str::to_owned));
        answer
    }

    /// The same, with what was told before it.
    pub(super) fn after(mut self, told: impl IntoIterator<Item = String>) -> Self {
        self.warnings.splice(..0, told);
        self
    }

    /// The same, with what the work tree has to say; an error where it cannot be read.
    pub(super) fn whole(self, context: &Context, base: Option<&Base>) -> Result<Self, CliError> {
        base.filter(|_| self.in_part).map_or(Ok(self), |base| compare(context, base))
    }
}

/// Looks at the tip for a question: also at what its files, and the user's own, say that does not count.
///
/// # Errors
/// When the work tree cannot be read.
pub(super) fn look(context: &Context, base: &Base) -> Result<Tip, CliError> {
    Ok(compare(context, base)?.after(base.warnings.iter().map(ToString::to_string)))
}

fn compare(context: &Context, base: &Base) -> Result<Tip, CliError> {
    let edited = edited(context, base)?;
    Ok(Tip { in_part: false, ..of_graph(base).after(edited) })
}

/// What is wrong with the graph.
fn of_graph(base: &Base) -> Tip {
    let warnings = faults(&base.snapshot);
    let hint = (!warnings.is_empty()).then_some("type `orch fsck` to see what is wrong with the tasks");
    Tip { warnings, hint, in_part: true }
}

/// Looks at the tip before a step on it, of this task if one was named; not where it is the remote's tip that
/// counts. A step in place refuses a work tree with changes, and names them, so that they are not told here.
///
/// # Errors
/// When the tip cannot be used, or there is no such task.
pub(super) fn before(
    context: &Context,
    task: Option<&str>,
    in_place: bool,
) -> Result<(Option<Base>, Tip), CliError> {
    if context.caller.push {
        return Ok((None, Tip::default()));
    }
    let base = context.base()?;
    if let Some(id) = task {
        find(context, &base, id)?;
    }
    let tip = if in_place { of_graph(&base) } else { compare(context, &base)? };
    Ok((Some(base), tip))
}

/// Where a task is in the graph of the tip.
///
/// # Errors
/// When there is none; one that lies in the work tree alone is told so.
pub(super) fn find(context: &Context, base: &Base, id: &str) -> Result<Index, CliError> {
    base.find(id).map_err(|error| {
        let in_work = context.snapshot(None).ok().and_then(|work| {
            let index = work.graph.find(id)?;
            Some(work.graph.nodes()[index].path.to_string())
        });
        match in_work {
            Some(path) => CliError::usage(format!("task `{id}` is not committed, so no step sees it"))
                .hint(format!("type `git add {0} && git commit -m \"orch: add\" {0}`", shell::word(&path))),
            None => error.into(),
        }
    })
}

/// Refuses to look back where orch never was, which is not the same as having done nothing.
///
/// # Errors
/// When the commit has no state.
pub(super) fn has_project(world: World<'_>, at: Oid) -> Result<(), CliError> {
    let commit = world.git.commit(at)?;
    if world.git.subtree(commit.tree, layout::ROOT)?.is_some() {
        return Ok(());
    }
    let fact = format!("commit {} has no `{}/`", at.short(), layout::ROOT);
    Err(CliError::new(Exit::NoProject, fact).hint("type `orch init` to begin"))
}
