//! Work that waits to be merged, as it lies in this clone: what to type for it.
//!
//! In: a task, and the branches of its name, here and as last seen on remotes. Out: a command. Invariant: what is
//! proposed to be merged is what waits now, and no earlier work, and no branch that is not there.

use super::base::branch_ref;
use super::error::StepError;
use super::record::branch_of;
use super::request::{There, look, move_aside};
use crate::config::shell;
use crate::effects::World;
use crate::state::task::Task;

/// Where git keeps what it has seen of remotes' branches.
const SEEN: &str = "refs/remotes/";

/// What a person types about a task that waits to be merged; `path` is that of its file.
///
/// # Errors
/// When the repository cannot be read.
pub fn what_to_type(world: World<'_>, task: &Task, path: &str) -> Result<String, StepError> {
    let branch = branch_of(task.id.as_str());
    let seen = world.git.refs(SEEN)?;
    let mut found = Vec::new();
    found.extend(world.git.tip(&branch_ref(&branch))?.map(|tip| (branch.clone(), None, tip)));
    found.extend(seen.iter().filter_map(|(reference, tip)| {
        let name = reference.strip_prefix(SEEN)?;
        let remote = name.strip_suffix(&branch)?.strip_suffix('/')?;
        Some((name.to_owned(), Some(remote), *tip))
    }));
    let mut occupied = None;
    for (name, remote, tip) in found {
        match look(world, Some(tip), path, task)? {
            There::Same => return Ok(format!("git merge {}", shell::word(&name))),
            There::Others => occupied = Some(move_aside(&branch, remote, tip)),
            There::Nothing | There::Earlier(_) => {}
        }
    }
    let make = if seen.is_empty() { "orch step" } else { "git fetch" };
    Ok(occupied.unwrap_or_else(|| make.to_owned()))
}
