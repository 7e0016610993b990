//! The branch as all clones share it: looked at, and followed by the local one.
//!
//! What was seen of a remote lies under `refs/orch/remotes/<remote>/`, so that nobody's own settings of
//! what a fetch brings are touched. Invariant: the local branch only ever moves forward; commits of its
//! own are for a person to push or merge.

use super::along::{Move, Stands};
use super::base::{self, Base, Caller, branch_ref};
use super::error::StepError;
use super::event::Reporter;
use super::land;
use super::publish;
use super::record::{ATTEMPTS, attempts_ref};
use crate::effects::{EffectError, Oid, Result, Trouble, Upstream, World};
use crate::landing;
use crate::lease;
use crate::state::store;
use crate::state::task::Task;
use std::time::Duration;

/// Where everything lies that was seen of remotes.
pub const SEEN: &str = "refs/orch/remotes/";
/// How long a remote is waited for.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// The same by a command that was not about the remote.
pub const IMPATIENCE: Duration = Duration::from_secs(10);
/// The same where only somebody looks.
pub const GLANCE: Duration = Duration::from_secs(3);
/// How often another fetch of this clone is waited for.
const TRIES: u32 = 20;
/// How often a line is tried that breaks at once.
const BROKEN_TRIES: u32 = 4;

/// Where a branch is pushed to.
///
/// # Errors
/// When there is no remote, or none that stands out.
pub fn of(world: World<'_>, branch: &str) -> std::result::Result<Upstream, StepError> {
    world.remote.upstream(branch)?.ok_or_else(|| {
        StepError::git(
            format!("it is not known where to push `{branch}` to"),
            format!("type `git push --set-upstream REMOTE {branch}` once, with the remote's name"),
        )
    })
}

/// The ref here that says where the branch was there.
#[must_use]
pub fn seen_branch(upstream: &Upstream) -> String {
    seen(upstream, &upstream.branch)
}

/// The ref here that says where another branch of the same remote was there.
#[must_use]
pub fn seen(upstream: &Upstream, branch: &str) -> String {
    format!("{SEEN}{}/heads/{branch}", upstream.remote)
}

/// Where the leases lie here that were seen there.
#[must_use]
pub fn seen_leases(remote: &str) -> String {
    format!("{SEEN}{remote}/leases/")
}

/// Looks at the branch and the leases there; says where the branch is.
///
/// # Errors
/// When the remote does not answer in time, or does not have the branch.
pub fn fetch(world: World<'_>, upstream: &Upstream, patience: Duration) -> Result<Oid> {
    let seen = seen_branch(upstream);
    let refs = [
        (branch_ref(&upstream.branch), seen.clone()),
        (format!("{}*", lease::REFS), format!("{}*", seen_leases(&upstream.remote))),
    ];
    fetch_refs(world, &upstream.remote, &refs, patience)?;
    world.git.tip(&seen)?.ok_or_else(|| {
        EffectError::new(
            Trouble::Missing,
            format!("`{}` has no branch `{}`", upstream.remote, upstream.branch),
        )
    })
}

/// Fetches refs, and waits where another fetch of this clone is at work. Whoever is about to work tries again
/// where a line broke at once; who only looks does not.
///
/// # Errors
/// When one is not there, or the remote does not answer in time.
pub fn fetch_refs(
    world: World<'_>,
    remote: &str,
    refs: &[(String, String)],
    patience: Duration,
) -> Result<()> {
    let began = world.clock.elapsed();
    for tries in 1.. {
        let said = world.remote.fetch(remote, refs, patience);
        let again = match said.as_ref().map_err(|error| error.trouble) {
            Err(Trouble::Locked) => tries < TRIES,
            Err(Trouble::Unreachable) => {
                let soon = world.clock.elapsed().saturating_sub(began) < IMPATIENCE;
                patience >= PATIENCE && tries < BROKEN_TRIES && soon
            }
            Ok(()) | Err(_) => false,
        };
        if !again {
            return said;
        }
        world.process.wait(landing::pause(tries.min(3), world.ids.random()));
    }
    Ok(())
}

/// Brings work that was kept by another clone, if it is not here.
///
/// # Errors
/// When the remote does not answer in time. That it does not have it either is none.
pub fn bring_kept(world: World<'_>, upstream: &Upstream, reference: &str) -> Result<()> {
    if world.git.tip(reference)?.is_some() {
        return Ok(());
    }
    let refs = [(reference.to_owned(), reference.to_owned())];
    match fetch_refs(world, &upstream.remote, &refs, PATIENCE) {
        Err(error) if error.trouble == Trouble::Missing => Ok(()),
        said => said,
    }
}

/// Brings what other clones kept of a task's work: what waits for a review, and what is to be continued.
///
/// # Errors
/// When the remote does not answer in time, or the state cannot be read.
pub fn bring_work_of(world: World<'_>, base: &Base, task: &Task) -> std::result::Result<(), StepError> {
    let Some(upstream) = &base.upstream else { return Ok(()) };
    let Some(run) = &task.history.last_run else { return Ok(()) };
    let mut wanted = vec![attempts_ref(run.as_str())];
    let (checkpoints, _) = store::checkpoints(world, &base.snapshot.source, &task.id)?;
    let work = checkpoints.last().and_then(|checkpoint| checkpoint.work.clone());
    wanted.extend(work.filter(|work| work.starts_with(ATTEMPTS) && !wanted.contains(work)));
    for reference in wanted {
        bring_kept(world, upstream, &reference)?;
    }
    Ok(())
}

/// Where the caller lands by push: looks at the branch there, and brings the local one forward to it.
///
/// # Errors
/// When the remote cannot be reached, the local branch has commits of its own, or the user's changes
/// are in the way.
pub fn follow(
    world: World<'_>,
    caller: &Caller,
    reporter: &dyn Reporter,
) -> std::result::Result<(), StepError> {
    if !caller.push {
        return Ok(());
    }
    let branch = base::target_branch(world, caller)?;
    let upstream = of(world, &branch)?;
    let step = Move { branch: &branch, run: None, in_place: None };
    let mut looks = 0;
    loop {
        let there = fetch(world, &upstream, PATIENCE).map_err(|error| no_branch(&upstream, error))?;
        publish::settle(world, &upstream, there, reporter)?;
        looks += 1;
        let _lock = land::landing_lock(world, land::OTHERS_LAND)?;
        match step.forward(world, there, reporter)? {
            Stands::With => return Ok(()),
            // Another step of this clone may have pushed since, and moved the branch here.
            Stands::Ahead if looks == 1 => {}
            stands @ (Stands::Ahead | Stands::Apart) => {
                return Err(own_commits(world, (&branch, &upstream), there, stands)?);
            }
        }
    }
}

/// The error of a remote that may not have the branch.
#[must_use]
pub fn no_branch(upstream: &Upstream, error: EffectError) -> StepError {
    let Upstream { remote, branch } = upstream;
    if error.trouble == Trouble::Missing {
        return StepError::git(
            format!("`{remote}` has no branch `{branch}`"),
            format!("type `git push --set-upstream {remote} {branch}` to begin it there"),
        );
    }
    StepError::Effect(error)
}

fn own_commits(
    world: World<'_>,
    (branch, upstream): (&str, &Upstream),
    there: Oid,
    stands: Stands,
) -> Result<StepError> {
    let Upstream { remote, branch: there_branch } = upstream;
    let fact = format!("branch `{branch}` has commits that `{remote}` does not have");
    let place = if branch == there_branch { branch.to_owned() } else { format!("{branch}:{there_branch}") };
    let push = format!("git push {remote} {place}");
    Ok(match how_apart(world, branch, upstream, there)? {
        Apart::Rewritten(follow) => StepError::git(
            format!(
                "the history of `{there_branch}` was rewritten on `{remote}`; nothing in `{branch}` here is only yours"
            ),
            format!("type `{follow}` to follow it: nothing is brought back"),
        ),
        Apart::OwnOnRewritten(pull) => StepError::git(
            format!("{fact}, and the history of `{there_branch}` was rewritten there"),
            format!("type `{pull}`, which brings along your own commits only, then `{push}`"),
        ),
        Apart::Both(_) if stands == Stands::Ahead => {
            StepError::git(fact, format!("type `{push}`, then the command again"))
        }
        Apart::Both(pull) => StepError::git(
            format!("{fact}, and the other way round"),
            format!("type `{pull}`, then `{push}`"),
        ),
    })
}

/// How two branches came apart, with what to type first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Apart {
    /// What is only here is what was taken out there.
    Rewritten(String),
    /// The same, and commits of somebody's own on it.
    OwnOnRewritten(String),
    /// There are new commits here, and maybe there as well.
    Both(String),
}

/// How the branch here, which has commits that are not there, came apart from the one there.
///
/// # Errors
/// When the branch here cannot be read.
pub fn how_apart(world: World<'_>, branch: &str, upstream: &Upstream, there: Oid) -> Result<Apart> {
    let Upstream { remote, branch: there_branch } = upstream;
    let pull = |how| format!("git pull {how} {remote} {there_branch}");
    // What git logged of it may be gone since; it says nothing then.
    let is_in = |commit, tip| world.git.is_ancestor(commit, tip).unwrap_or(false);
    let mut was = world.remote.was(upstream)?;
    was.retain(|was| !is_in(*was, there));
    let Some(here) = world.git.tip(&branch_ref(branch))?.filter(|_| !was.is_empty()) else {
        return Ok(Apart::Both(pull("--no-rebase")));
    };
    if !was.iter().any(|was| is_in(here, *was)) {
        return Ok(Apart::OwnOnRewritten(pull("--rebase")));
    }
    Ok(Apart::Rewritten(pull("--rebase")))
}
