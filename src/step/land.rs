//! Landing: the one commit point.
//!
//! Everything before the swap of the branch ref can be thrown away; everything after it rolls
//! forward. Where the branch is checked out, its work tree follows as `git merge --ff-only` would
//! make it, which is decided before the swap, under git's own lock on the index: what the user
//! changed is in the way, and then nothing is swapped.
//!
//! A landing by push moves the branch of the remote, and that is the commit point. No lock that a person
//! could meet is held while the remote is waited for: what of the user's is in the way is named before,
//! and the branch here follows afterwards, as it follows what others push.

use super::along::{InPlace, Move, Stands};
use super::base::branch_ref;
use super::error::{StepError, how_to_end};
use super::event::{Event, Reporter};
use super::in_place;
use super::journal;
use super::publish::Push;
use super::settle;
use super::upstream::{self, Apart};
use crate::effects::{Checkout, Edit, MODE_FILE, Merge, NewCommit, Oid, World};
use crate::landing;
use bstr::{BString, ByteSlice};
use std::time::Duration;

/// The lock that covers claiming and committing.
pub const LOCK: &str = "lock";
/// How long a person's command waits for it.
pub const MOMENT: Duration = Duration::from_secs(5);
/// How long a step does, whose work would be put off.
pub const OTHERS_LAND: Duration = Duration::from_secs(60);
/// The lock under which steps of one clone push one after the other, rather than lose to each other.
const PUSHING: &str = "push.lock";

/// A change that is to become the tip of a branch.
pub struct Plan<'p, 'w> {
    /// The branch.
    pub branch: &'p str,
    /// The commit that the change was made on.
    pub base: Oid,
    /// The tree that it makes.
    pub tree: Oid,
    /// The commit to write; parents and tree are filled in here.
    pub message: String,
    /// Who commits.
    pub author: Option<crate::effects::Identity>,
    /// The run that this is the end of; none for a change that a person makes.
    pub run: Option<&'p str>,
    /// The work tree that the agent worked in (in place).
    pub in_place: Option<InPlace<'w>>,
    /// Where it lands by push; none lands it here.
    pub push: Option<Push<'p>>,
    /// Judges the change again on what the branch has become.
    pub replay: &'p dyn Fn(Replay) -> Result<Judged, StepError>,
}

/// A change that is about to go on top of another tip than it was made on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replay {
    /// The new tip.
    pub tip: Oid,
    /// What is asked.
    pub ask: Ask,
}

/// What is asked about a change, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// Whether it is still wanted there, before it is known whether both can be merged.
    Wanted,
    /// Whether both together, which is this tree, may land without another look. The landing lock is held.
    AsIs(Oid),
    /// Whether both together, which is this tree, may land. Nothing is held.
    Look(Oid),
}

/// Whether a change may go on top of another tip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judged {
    /// It may.
    Fits,
    /// It may, and this is what lands: something else is said of it than before.
    As(Made),
    /// Only after another look at what both make together; or: it may, and the gates ran again.
    Gated,
    /// It may not; why.
    No(String),
}

/// What a change makes on top of a tip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The tree.
    pub tree: Oid,
    /// The message of its commit.
    pub message: String,
}

/// What landed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Landed {
    /// The new tip.
    pub commit: Oid,
    /// Its tree.
    pub tree: Oid,
}

/// Lands a change. Gates that have to run again do so without the lock: others land meanwhile, and
/// whether the branch still is what was judged is looked at again under it.
///
/// # Errors
/// When another command is landing, the change does not fit any more, or the user's work is in the
/// way. Nothing has then moved.
pub fn land<'w>(world: World<'w>, plan: &Plan<'_, 'w>, reporter: &dyn Reporter) -> Result<Landed, StepError> {
    let (mut lost, mut regated) = (0, false);
    // Where it was looked at again on a tip, it is pushed to that without another look: the push itself tells.
    let mut looked = None;
    for _ in 0..landing::REPLAYS {
        let (lock, tip) = if let Some(push) = plan.push {
            if looked.is_none() {
                push.pause(world, lost);
            }
            // Who waits for too long goes without: nothing rests on this lock.
            let lock = world.files.lock(PUSHING, OTHERS_LAND)?;
            (lock, looked.take().map_or_else(|| push.tip(world), Ok)?)
        } else {
            let lock = landing_lock(world, if plan.run.is_some() { OTHERS_LAND } else { MOMENT })?;
            finish_landing(world, plan.branch, reporter)?;
            (Some(lock), here(world, plan)?)
        };
        let made = match replay(world, plan, tip)? {
            Replayed::Fits(made) => made,
            Replayed::Gated(tree) => {
                drop(lock);
                regated |= ask(plan, Replay { tip, ask: Ask::Look(tree) })? == Judged::Gated;
                looked = Some(tip);
                continue;
            }
        };
        if tip != plan.base {
            reporter.event(&Event::Replayed { regated });
        }
        let landed = match plan.push {
            Some(push) => try_there(world, plan, push, (tip, made), reporter)?,
            None => try_here(world, plan, Some(tip), made, reporter)?,
        };
        if let Some(landed) = landed {
            return Ok(landed);
        }
        lost += 1;
    }
    let (branch, tries) = (plan.branch, landing::REPLAYS);
    Err(StepError::Busy(format!("branch `{branch}` moved {tries} times while orch tried to land")))
}

/// Lands the first commit of an unborn branch; the plan's base is not looked at.
///
/// # Errors
/// As [`land`], and when the branch was born meanwhile.
pub fn land_first<'w>(
    world: World<'w>,
    plan: &Plan<'_, 'w>,
    reporter: &dyn Reporter,
) -> Result<Landed, StepError> {
    let _lock = landing_lock(world, MOMENT)?;
    finish_landing(world, plan.branch, reporter)?;
    let landed = try_here(world, plan, None, plan.made(plan.tree), reporter)?;
    landed.ok_or_else(|| StepError::Busy(format!("branch `{}` was born meanwhile", plan.branch)))
}

/// Where the local branch is.
fn here(world: World<'_>, plan: &Plan<'_, '_>) -> Result<Oid, StepError> {
    world.git.tip(&branch_ref(plan.branch))?.ok_or_else(|| {
        StepError::git(format!("branch `{}` is gone", plan.branch), "type `git reflog` to find it")
    })
}

/// A landing that was cut off comes to its end first: its work tree may still have to follow. And what an
/// agent that works in place has committed by itself is no part of the branch.
pub(super) fn finish_landing(
    world: World<'_>,
    branch: &str,
    reporter: &dyn Reporter,
) -> Result<(), StepError> {
    super::recover::finish_landing(world, &mut Vec::new())?;
    in_place::put_back(world, branch, reporter)
}

/// The lock that covers claiming and committing: held for milliseconds.
///
/// # Errors
/// When another command holds it for longer than this.
pub fn landing_lock(
    world: World<'_>,
    patience: Duration,
) -> Result<Box<dyn crate::effects::Lock>, StepError> {
    let lock = world.files.lock(LOCK, patience)?;
    lock.ok_or_else(|| StepError::Busy("another orch command is committing in this repository".to_owned()))
}

/// Whether what a change makes on top of a tip may land.
enum Replayed {
    /// It may.
    Fits(Made),
    /// This tree has to be looked at first.
    Gated(Oid),
}

fn replay(world: World<'_>, plan: &Plan<'_, '_>, tip: Oid) -> Result<Replayed, StepError> {
    if tip == plan.base {
        return Ok(Replayed::Fits(plan.made(plan.tree)));
    }
    // A task that is gone or settled says more than the conflict that it makes.
    ask(plan, Replay { tip, ask: Ask::Wanted })?;
    let base = world.git.commit(plan.base)?.tree;
    let now = world.git.commit(tip)?.tree;
    let merged = match settle::join(world, base, now, plan.tree)? {
        Merge::Clean(tree) => tree,
        Merge::Conflict(paths) => {
            let fact =
                format!("branch `{}` moved, and the change conflicts in {}", plan.branch, list(&paths));
            return Err(StepError::Moved { fact, kept: None });
        }
    };
    Ok(match ask(plan, Replay { tip, ask: Ask::AsIs(merged) })? {
        Judged::Gated => Replayed::Gated(merged),
        Judged::As(made) => Replayed::Fits(made),
        Judged::Fits | Judged::No(_) => Replayed::Fits(plan.made(merged)),
    })
}

/// Asks; a change that may not land is an error.
fn ask(plan: &Plan<'_, '_>, replay: Replay) -> Result<Judged, StepError> {
    match (plan.replay)(replay)? {
        Judged::No(why) => {
            Err(StepError::Moved { fact: format!("branch `{}` moved: {why}", plan.branch), kept: None })
        }
        judged @ (Judged::Fits | Judged::As(_) | Judged::Gated) => Ok(judged),
    }
}

/// Lands on the local branch; none if it moved away from where it was. The caller holds the lock.
fn try_here<'w>(
    world: World<'w>,
    plan: &Plan<'_, 'w>,
    tip: Option<Oid>,
    made: Made,
    reporter: &dyn Reporter,
) -> Result<Option<Landed>, StepError> {
    let landed = write(world, plan, tip, made)?;
    Ok(plan.moves_here().make(world, tip, &landed, reporter)?.then_some(landed))
}

/// Lands by push, on a tip that was seen there; none if the branch there moved away from it.
fn try_there<'w>(
    world: World<'w>,
    plan: &Plan<'_, 'w>,
    push: Push<'_>,
    (tip, made): (Oid, Made),
    reporter: &dyn Reporter,
) -> Result<Option<Landed>, StepError> {
    look_here(world, plan, (tip, made.tree), reporter)?;
    let landed = write(world, plan, Some(tip), made)?;
    world.git.settle(&[])?;
    if !push.push(world, (tip, landed.commit), reporter)? {
        return Ok(None);
    }
    // From here on trouble is told, not returned, and the next command continues.
    if let Err(error) = follow_here(world, plan, push, landed.commit, reporter) {
        // In place, the journal says what the work tree holds. Elsewhere nothing is left of the step.
        if let Some(run) = plan.run.filter(|_| plan.in_place.is_none()) {
            let _ = journal::end_run(world, run);
        }
        let text = format!(
            "it has landed on `{}`, and branch `{}` here follows with the next command: {error}",
            push.upstream.remote, plan.branch
        );
        reporter.event(&Event::Warning { text });
    }
    Ok(Some(landed))
}

fn write(world: World<'_>, plan: &Plan<'_, '_>, tip: Option<Oid>, made: Made) -> Result<Landed, StepError> {
    let Made { tree, message } = made;
    let commit = world.git.write_commit(&NewCommit {
        tree,
        parents: tip.into_iter().collect(),
        author: plan.author.clone(),
        time: world.clock.now(),
        message,
        may_sign: true,
    })?;
    Ok(Landed { commit, tree })
}

/// Names, before anything moves there, what keeps the local branch and its work tree from following.
fn look_here<'w>(
    world: World<'w>,
    plan: &Plan<'_, 'w>,
    (tip, tree): (Oid, Oid),
    reporter: &dyn Reporter,
) -> Result<(), StepError> {
    // Another step of this clone may be bringing the work tree along.
    let _lock = landing_lock(world, OTHERS_LAND)?;
    finish_landing(world, plan.branch, reporter)?;
    let here = here(world, plan)?;
    if here == tip || world.git.is_ancestor(here, tip)? {
        return plan.moves_here().look(world, (world.git.commit(here)?.tree, tree));
    }
    if plan.in_place.is_some() {
        let fact = format!("branch `{}` here has commits of its own", plan.branch);
        return Err(StepError::git(fact, "push or merge them first, then type the command again"));
    }
    Ok(())
}

/// Lets the local branch follow what has landed by push.
fn follow_here<'w>(
    world: World<'w>,
    plan: &Plan<'_, 'w>,
    push: Push<'_>,
    landed: Oid,
    reporter: &dyn Reporter,
) -> Result<(), StepError> {
    let _lock = landing_lock(world, OTHERS_LAND)?;
    match plan.moves_here().forward(world, landed, reporter)? {
        Stands::With | Stands::Ahead => {}
        Stands::Apart => {
            let (why, typed) = match upstream::how_apart(world, plan.branch, push.upstream, landed)? {
                Apart::Rewritten(typed) => ("has commits that were taken out there", typed),
                Apart::OwnOnRewritten(typed) | Apart::Both(typed) => ("has commits of its own", typed),
            };
            let text = format!("branch `{}` here {why} and stays where it is: type `{typed}`", plan.branch);
            reporter.event(&Event::Warning { text });
        }
    }
    Ok(())
}

impl<'w> Plan<'_, 'w> {
    /// A tree that lands with the message of the plan.
    fn made(&self, tree: Oid) -> Made {
        Made { tree, message: self.message.clone() }
    }

    /// The move of the local branch that this comes to.
    fn moves_here(&self) -> Move<'_, 'w> {
        Move { branch: self.branch, run: self.run, in_place: self.in_place.as_ref() }
    }
}

/// Refuses while git itself is in the middle of something there.
///
/// # Errors
/// When it is.
pub fn refuse_in_progress(checkout: &Checkout) -> Result<(), StepError> {
    let Some(what) = &checkout.in_progress else { return Ok(()) };
    Err(StepError::git(format!("a {what} is in progress in `{}`", checkout.dir.display()), how_to_end(what)))
}

/// At most five paths, as people read them.
#[must_use]
pub fn list(paths: &[BString]) -> String {
    let mut shown: Vec<String> =
        paths.iter().take(5).map(|path| format!("`{}`", path.to_str_lossy())).collect();
    if paths.len() > 5 {
        shown.push(format!("and {} more", paths.len() - 5));
    }
    shown.join(", ")
}

/// A file to write (or, without content, to take out) below `.orchestrator/`.
pub type FileEdit = (String, Option<Vec<u8>>);

/// The tree that differs from another in some files.
///
/// # Errors
/// When an object cannot be written.
pub fn tree_with(world: World<'_>, tree: Oid, files: &[FileEdit]) -> Result<Oid, StepError> {
    let mut edits = Vec::with_capacity(files.len());
    for (path, content) in files {
        let new = match content {
            Some(content) => Some((MODE_FILE, world.git.write_blob(content)?)),
            None => None,
        };
        edits.push(Edit { path: path.as_str().into(), new });
    }
    Ok(world.git.edit_tree(tree, &edits)?)
}
