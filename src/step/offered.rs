//! Work that waits to be merged, as it lies on branches: what is on one, and what to type for it.
//!
//! In: a task, and the branches of its name, here and as last seen on remotes. Out: [`There`], and a command.
//! Invariant: what is proposed to be merged is what waits now, and no earlier work, and no branch that is not there.

use super::base::branch_ref;
use super::error::StepError;
use super::record::branch_of;
use crate::commit::{read_trailers, trailer};
use crate::config::shell;
use crate::effects::{Commit, Oid, World};
use crate::state::file;
use crate::state::task::Task;

/// Where git keeps what it has seen of remotes' branches.
const SEEN: &str = "refs/remotes/";
/// How far down a branch orch looks for its own commit.
const DEPTH: usize = 100;

/// What there is on a task's branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum There {
    /// Nothing.
    Nothing,
    /// This very submission, whatever others have added to it.
    Same,
    /// An earlier one, as orch left it.
    Earlier(Oid),
    /// Commits that are not orch's.
    Others,
}

/// What a person types about a task that waits to be merged; `path` is that of its file. And whether its branch is
/// nowhere to be seen, although there are remotes: it was not fetched, or is gone there.
///
/// # Errors
/// When the repository cannot be read.
pub fn what_to_type(world: World<'_>, task: &Task, path: &str) -> Result<(String, bool), StepError> {
    let branch = branch_of(task.id.as_str());
    let seen = world.git.refs(SEEN)?;
    let mut found = Vec::new();
    found.extend(world.git.tip(&branch_ref(&branch))?.map(|tip| (branch.clone(), None, tip)));
    found.extend(seen.iter().filter_map(|(reference, tip)| {
        let name = reference.strip_prefix(SEEN)?;
        let remote = name.strip_suffix(&branch)?.strip_suffix('/')?;
        Some((name.to_owned(), Some(remote), *tip))
    }));
    let (mut same, mut occupied) = (None, None);
    for (name, remote, tip) in found {
        match look(world, Some(tip), path, task)? {
            // Others may have added to it since.
            There::Same => match &same {
                Some((_, known)) if *known == tip || !world.git.is_ancestor(*known, tip)? => {}
                Some(_) | None => same = Some((name, tip)),
            },
            There::Others => occupied = Some(move_aside(&branch, remote, tip)),
            There::Nothing | There::Earlier(_) => {}
        }
    }
    if let Some((name, _)) = same {
        return Ok((format!("git merge {}", shell::word(&name)), false));
    }
    Ok(match occupied {
        Some(aside) => (aside, false),
        None if seen.is_empty() => ("orch step".to_owned(), false),
        None => ("git fetch".to_owned(), true),
    })
}

/// What a person types to keep what others did on a task's branch under another name, here or on a remote.
#[must_use]
pub fn move_aside(branch: &str, remote: Option<&str>, tip: Oid) -> String {
    let branch = shell::word(branch);
    match remote.map(shell::word) {
        Some(remote) => {
            let tip = tip.short();
            format!("git push {remote} {tip}:refs/heads/NAME && git push {remote} --delete {branch}")
        }
        None => format!("git branch --move {branch} NAME"),
    }
}

/// Looks for orch's own commit on a task's branch, and whether it holds what waits now; `path` is that of the task's
/// file.
///
/// # Errors
/// When history cannot be read.
pub fn look(world: World<'_>, tip: Option<Oid>, path: &str, task: &Task) -> Result<There, StepError> {
    let Some(tip) = tip else { return Ok(There::Nothing) };
    for commit in world.git.history(tip, DEPTH)? {
        if !is_work_of(&commit, task.id.as_str()) {
            continue;
        }
        let parent = commit.parents.first().and_then(|parent| world.git.commit(*parent).ok());
        let before = match parent {
            Some(parent) => task_in(world, parent.tree, path)?,
            None => None,
        };
        let same = before.is_some_and(|before| before.history.last_run == task.history.last_run);
        return Ok(match (same, commit.id == tip) {
            (true, _) => There::Same,
            (false, true) => There::Earlier(tip),
            (false, false) => There::Others,
        });
    }
    Ok(There::Others)
}

/// Whether a commit is one that orch made of a task's accepted work.
#[must_use]
pub fn is_work_of(commit: &Commit, task: &str) -> bool {
    let trailers = read_trailers(&commit.message);
    trailer(&trailers, "Orch-Task") == Some(task) && trailer(&trailers, "Orch-Outcome") == Some("accepted")
}

fn task_in(world: World<'_>, tree: Oid, path: &str) -> Result<Option<Task>, StepError> {
    let Some((_, blob)) = world.git.entry(tree, path)? else { return Ok(None) };
    Ok(file::task::read(path, &world.git.blob(blob)?).value)
}
