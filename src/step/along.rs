//! Moving the local branch, and bringing the work tree along in which it is checked out.
//!
//! What is in the way is found before anything moves, under git's own lock on the index; the journal is
//! written before the branch is swapped, and says what has to follow. Both locks are held for as long as
//! that takes, and for nothing else.

use super::base::branch_ref;
use super::error::StepError;
use super::event::{Event, Reporter};
use super::in_place;
use super::journal::{self, Moving};
use super::land::{Landed, OTHERS_LAND, finish_landing, landing_lock, list, refuse_in_progress};
use crate::effects::{Checkout, Edit, MODE_FILE, Oid, Swap, Trouble, WorkTree, World};
use crate::landing;
use std::cell::RefCell;

/// How often it is looked again whether a lock is free that git holds for a moment: some three seconds.
const LOCK_TRIES: u32 = 6;

/// A work tree that holds something else than the branch does.
pub struct InPlace<'p> {
    /// Which one.
    pub checkout: Checkout,
    /// As it was last looked at; taken by the first try, which spares another look.
    pub place: RefCell<Option<Box<dyn WorkTree + 'p>>>,
    /// What it holds.
    pub holds: Oid,
}

/// How the local branch stands to a commit that the remote has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stands {
    /// It is at that commit.
    With,
    /// It holds that commit and more.
    Ahead,
    /// It has commits that lead elsewhere, and stays where it is.
    Apart,
}

/// A move of the local branch, with its work tree.
pub(super) struct Move<'m, 'w> {
    pub(super) branch: &'m str,
    /// The run that this is the end of.
    pub(super) run: Option<&'m str>,
    /// The work tree that the agent worked in.
    pub(super) in_place: Option<&'m InPlace<'w>>,
}

impl<'w> Move<'_, 'w> {
    /// Brings the branch forward to a commit that the remote has, if that is forward. The caller holds the
    /// lock.
    ///
    /// # Errors
    /// When the user's changes are in the way; nothing has then moved.
    pub(super) fn forward(
        &self,
        world: World<'w>,
        there: Oid,
        reporter: &dyn Reporter,
    ) -> Result<Stands, StepError> {
        finish_landing(world, self.branch, reporter)?;
        let here = world.git.tip(&branch_ref(self.branch))?;
        let stands = match here {
            Some(here) if here == there => Stands::With,
            Some(here) if world.git.is_ancestor(there, here)? => Stands::Ahead,
            Some(here) if !world.git.is_ancestor(here, there)? => Stands::Apart,
            Some(_) | None => {
                let landed = Landed { commit: there, tree: world.git.commit(there)?.tree };
                if self.make(world, here, &landed, reporter)? {
                    return Ok(Stands::With);
                }
                let fact = format!("branch `{}` moved while orch brought it forward", self.branch);
                return Err(StepError::Busy(fact));
            }
        };
        journal::end_landing(world, self.run)?;
        Ok(stands)
    }

    /// Swaps the ref and brings the work tree along; whether the branch was where it was expected. The caller
    /// holds the lock.
    ///
    /// # Errors
    /// When the user's changes are in the way; nothing has then moved.
    pub(super) fn make(
        &self,
        world: World<'w>,
        here: Option<Oid>,
        landed: &Landed,
        reporter: &dyn Reporter,
    ) -> Result<bool, StepError> {
        let from = match here {
            Some(here) => world.git.commit(here)?.tree,
            None => world.git.empty_tree(),
        };
        refuse_lack(world, (from, landed.tree))?;
        let mut follower = self.follower(world, (from, landed.tree))?;
        self.begin(world, (from, landed), follower.as_ref())?;
        let what = world.git.commit(landed.commit)?.message;
        let subject = what.lines().next().unwrap_or_default();
        let why = format!("orch: {subject}");
        // An error says nothing about the ref: the journal stays, and recovery looks where it points.
        let swapped = world.git.swap(&branch_ref(self.branch), here, landed.commit, &why)?;
        if let Swap::Moved(_) = swapped {
            journal::not_landed(world, landed.commit)?;
            journal::end_landing(world, None)?;
            return Ok(false);
        }
        if follower.as_mut().is_none_or(|follower| follow(follower, landed.tree, reporter))
            && let Err(error) = journal::end_landing(world, self.run)
        {
            let text = format!("the journal stays for the next command: {error}");
            reporter.event(&Event::Warning { text });
        }
        Ok(true)
    }

    /// Names what would be in the way, without a lock: the user goes on meanwhile.
    ///
    /// # Errors
    /// When something is.
    pub(super) fn look(&self, world: World<'w>, trees: (Oid, Oid)) -> Result<(), StepError> {
        if let Some(in_place) = self.in_place {
            return refuse_in_progress(&in_place.checkout);
        }
        let Some(checkout) = self.checkout(world)? else { return Ok(()) };
        refuse_in_progress(&checkout)?;
        let mut place = world.git.open_checkout(&checkout)?;
        refuse_in_the_way(&checkout, place.as_mut(), trees)
    }

    /// The work tree that has to follow; none while it is an agent's that works in place.
    fn checkout(&self, world: World<'_>) -> Result<Option<Checkout>, StepError> {
        Ok(match in_place::at_work(world, self.branch)? {
            Some(_) => None,
            None => world.git.checkout_of(self.branch)?,
        })
    }

    /// Writes the journal, and makes it durable with all that it speaks of.
    fn begin(
        &self,
        world: World<'_>,
        (from, landed): (Oid, &Landed),
        follower: Option<&Follower<'_>>,
    ) -> Result<(), StepError> {
        let text = |path: &std::path::Path| path.to_string_lossy().into_owned();
        let moving = Moving {
            branch: self.branch.to_owned(),
            commit: landed.commit.to_string(),
            run: self.run.map(str::to_owned),
            checkout: follower
                .map(|follower| (text(&follower.checkout.dir), text(&follower.checkout.git_dir))),
            in_place: self.in_place.is_some(),
            from: follower.map_or(from, |follower| follower.holds).to_string(),
            to: landed.tree.to_string(),
        };
        // The step's own ends it, and all that is noted of it.
        let beside = in_place::at_work(world, self.branch)?.filter(|step| self.run != Some(&step.run));
        if let Some(step) = beside {
            journal::land_beside(world, &step, landed.commit)?;
        }
        Ok(journal::begin_landing(world, &moving)?)
    }

    /// The work tree that has to follow, locked, with nothing of the user's in the way, and all that it is to
    /// hold at hand.
    fn follower(&self, world: World<'w>, (from, to): (Oid, Oid)) -> Result<Option<Follower<'w>>, StepError> {
        if let Some(in_place) = self.in_place {
            refuse_in_progress(&in_place.checkout)?;
            let mut follower = in_place_follower(world, in_place)?;
            follower.place.prepare(follower.holds, to)?;
            return Ok(Some(follower));
        }
        let Some(checkout) = self.checkout(world)? else { return Ok(None) };
        refuse_in_progress(&checkout)?;
        let mut place = open_locked(world, &checkout)?;
        refuse_in_the_way(&checkout, place.as_mut(), (from, to))?;
        place.prepare(from, to)?;
        Ok(Some(Follower { checkout, place, holds: from }))
    }
}

/// A work tree that has to follow the branch.
struct Follower<'w> {
    checkout: Checkout,
    place: Box<dyn WorkTree + 'w>,
    holds: Oid,
}

/// Refuses where a part of what is to land, or to be kept, is not there any more.
///
/// # Errors
/// When something is missing.
pub(super) fn refuse_lack(world: World<'_>, (from, to): (Oid, Oid)) -> Result<(), StepError> {
    let Some(path) = world.git.lacks(from, to)? else { return Ok(()) };
    let what = if path.is_empty() { "its tree".to_owned() } else { list(&[path]) };
    let fact = format!("what the work came to is not all there: the repository lacks the object of {what}");
    Err(StepError::git(fact, "let no `git prune` run beside orch, then type the command again"))
}

fn refuse_in_the_way(
    checkout: &Checkout,
    place: &mut dyn WorkTree,
    (from, to): (Oid, Oid),
) -> Result<(), StepError> {
    let in_the_way = place.overlaps(from, to)?;
    if in_the_way.is_empty() {
        return Ok(());
    }
    let fact = format!("your changes in `{}` are in the way: {}", checkout.dir.display(), list(&in_the_way));
    Err(StepError::git(fact, "commit them or move them elsewhere, then type the command again"))
}

fn in_place_follower<'w>(world: World<'w>, in_place: &InPlace<'w>) -> Result<Follower<'w>, StepError> {
    let checkout = in_place.checkout.clone();
    let locked =
        in_place.place.borrow_mut().take().and_then(|mut place| place.lock().is_ok().then_some(place));
    if let Some(place) = locked {
        return Ok(Follower { checkout, place, holds: in_place.holds });
    }
    // Something wrote the index meanwhile: what is there has to be looked at again.
    let mut place = open_locked(world, &checkout)?;
    if place.snapshot()?.tree != in_place.holds {
        let fact = "files changed in place while orch was landing";
        return Err(StepError::git(fact, "type `git status` to see which"));
    }
    Ok(Follower { checkout, place, holds: in_place.holds })
}

/// Opens a work tree and locks its index. Git and editors hold that lock for a moment now and then.
fn open_locked<'w>(world: World<'w>, checkout: &Checkout) -> Result<Box<dyn WorkTree + 'w>, StepError> {
    let mut tries = 0;
    loop {
        let mut place = world.git.open_checkout(checkout)?;
        match place.lock() {
            Ok(()) => return Ok(place),
            Err(error) if error.trouble != Trouble::Locked => return Err(error.into()),
            Err(error) => wait_for_lock(world, &mut tries, error.fact)?,
        }
    }
}

/// Refuses where the user has changed a file, of this text in the base, that every end of a step changes too.
///
/// # Errors
/// When that is so.
pub(super) fn refuse_changed(
    world: World<'_>,
    checkout: &Checkout,
    branch: &str,
    (path, text): (&str, &str),
) -> Result<(), StepError> {
    let here = world.files.read_work(&checkout.dir, path).unwrap_or_default();
    if here.as_deref() == Some(text.as_bytes()) || in_place::at_work(world, branch)?.is_some() {
        return Ok(());
    }
    // Git may write a file otherwise than it keeps it, and others may just be landing: only a look as at the
    // landing tells.
    let _lock = landing_lock(world, OTHERS_LAND)?;
    let Some(tip) = world.git.tip(&branch_ref(branch))? else { return Ok(()) };
    let tree = world.git.commit(tip)?.tree;
    let changed = Edit { path: path.into(), new: Some((MODE_FILE, world.git.write_blob(b"")?)) };
    let trees = (tree, world.git.edit_tree(tree, &[changed])?);
    refuse_in_the_way(checkout, world.git.open_checkout(checkout)?.as_mut(), trees)
}

/// Waits until nobody holds the lock on an index that will be needed.
///
/// # Errors
/// When somebody holds it for long.
pub(super) fn refuse_locked(world: World<'_>, checkout: &Checkout) -> Result<(), StepError> {
    let mut tries = 0;
    while let Some(lock) = world.git.index_lock(checkout)? {
        let fact = format!("another git process holds `{}`", lock.display());
        wait_for_lock(world, &mut tries, fact)?;
    }
    Ok(())
}

fn wait_for_lock(world: World<'_>, tries: &mut u32, fact: String) -> Result<(), StepError> {
    *tries += 1;
    if *tries > LOCK_TRIES {
        let remedy =
            "wait for it to end, then type the command again; where no git is at work, remove that file";
        return Err(StepError::git(fact, remedy));
    }
    world.process.wait(landing::pause(*tries, world.ids.random()));
    Ok(())
}

/// Brings the work tree along. The branch has moved: from here on trouble is told, not returned,
/// and the next command continues.
fn follow(follower: &mut Follower<'_>, to: Oid, reporter: &dyn Reporter) -> bool {
    let holds = follower.holds;
    let brought = follower.place.bring(holds, to, &[]).and_then(|()| follower.place.save());
    if let Err(error) = &brought {
        let text = format!(
            "the branch has moved, but its work tree could not follow: {error}; type any orch command before you commit"
        );
        reporter.event(&Event::Warning { text });
    }
    brought.is_ok()
}
