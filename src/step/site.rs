//! Where the agent works: a private workspace, or the work tree itself.

use super::along::InPlace;
use super::base::branch_ref;
use super::commits;
use super::error::StepError;
use super::event::{Event, Reporter};
use super::hold;
use super::in_place;
use super::journal::{self, Site, Working};
use super::land::{OTHERS_LAND, finish_landing, landing_lock, list, refuse_in_progress};
use super::{Options, slot};
use crate::effects::{Change, Checkout, Edit, HookRun, MODE_SUBMODULE, Oid, Seen, WorkTree, World};
use crate::gate::protect::Protected;
use bstr::{BString, ByteSlice as _};
use std::cell::RefCell;
use std::path::PathBuf;

/// A prepared place to work in.
pub struct Workplace<'w> {
    /// The outside world.
    pub world: World<'w>,
    slot: u32,
    place: Option<Box<dyn WorkTree + 'w>>,
    dir: PathBuf,
    branch: String,
    /// The checkout, when the agent works in place.
    pub checkout: Option<Checkout>,
    /// What it holds now.
    holds: Oid,
}

/// What an agent left.
#[derive(Debug, Clone)]
pub struct Left {
    /// Everything that is there.
    pub seen: Seen,
    /// How that differs from the base.
    pub changes: Vec<Change>,
    /// The tree without changes to protected paths: what is judged and committed.
    pub candidate: Oid,
}

impl Left {
    /// What work makes of a base, where both are trees; of the state it makes nothing.
    ///
    /// # Errors
    /// When a tree cannot be read.
    pub fn of(world: World<'_>, base: Oid, tree: Oid) -> Result<Self, StepError> {
        let mut changes = world.git.changes(base, tree)?;
        changes.retain(|change| !Protected::is_state(&change.path));
        Ok(Self { seen: Seen::of(tree), changes, candidate: tree })
    }
}

/// Begins to look at where a step will work, while it is decided at what.
///
/// # Errors
/// When the repository cannot be read.
pub fn look_ahead(world: World<'_>, branch: &str, options: Options<'_>) -> Result<(), StepError> {
    let checkout = if options.in_place { world.git.checkout_of(branch)? } else { None };
    if checkout.is_some() || !options.in_place {
        world.git.look_ahead(options.slot, checkout.as_ref());
    }
    Ok(())
}

/// The name of the file that says by what a workspace was prepared.
#[must_use]
pub fn set_up_marker(slot: u32) -> String {
    format!("workspaces/{slot}.setup")
}

/// Whether a tree has submodules that another does not have, or has at other commits.
fn moves_submodules(world: World<'_>, from: Oid, to: Oid) -> Result<bool, StepError> {
    if world.git.entry(to, ".gitmodules")?.is_none() {
        // Without it nothing fills them.
        return Ok(false);
    }
    let changes = world.git.changes(from, to)?;
    Ok(changes.iter().any(|change| change.new.is_some_and(|(mode, _)| mode == MODE_SUBMODULE)))
}

/// That a work tree has changes, and what to type about them.
fn not_clean(checkout: &Checkout, changes: &[Change]) -> StepError {
    let is_moved = |change: &&Change| {
        [change.old, change.new].iter().all(|side| side.is_some_and(|(mode, _)| mode == MODE_SUBMODULE))
    };
    let moved: Vec<BString> = changes.iter().filter(is_moved).map(|change| change.path.clone()).collect();
    let dir = checkout.dir.display();
    if moved.is_empty() || moved.len() < changes.len() {
        let fact = format!("`--in-place` needs a clean work tree, and `{dir}` has changes");
        return StepError::git(fact, "commit them first, or leave out `--in-place`");
    }
    let fact = format!(
        "`--in-place` needs a clean work tree, and in `{dir}` submodules are at other commits than it names: {}",
        list(&moved)
    );
    StepError::git(fact, format!("type `git submodule update {}` to put them back", in_place::words(&moved)))
}

impl<'w> Workplace<'w> {
    /// Prepares the private workspace of a slot: the base tree, whatever was there before.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn workspace(
        world: World<'w>,
        slot: u32,
        branch: &str,
        base: Oid,
        tree: Oid,
    ) -> Result<Self, StepError> {
        let mut place = world.git.open_workspace(slot)?;
        let mut held = place.attend()?;
        while !held.is_plain() {
            // What an earlier agent left and no tree can say, no difference would take away.
            place.flatten(&held)?;
            held = place.attend()?;
        }
        if moves_submodules(world, held.tree, tree)? {
            // What prepares a workspace fills them.
            world.files.remove(&set_up_marker(slot))?;
        }
        place.bring(held.tree, tree, &[])?;
        let emptied = place.empty_submodules(tree)?;
        if emptied {
            world.files.remove(&set_up_marker(slot))?;
        }
        if place.unhide()? || emptied {
            let held = place.attend()?;
            place.bring(held.tree, tree, &[])?;
        }
        world.git.disposable(place.as_ref(), branch, base)?;
        place.stage()?;
        let dir = place.dir().to_owned();
        let branch = branch.to_owned();
        Ok(Self { world, slot, place: Some(place), dir, branch, checkout: None, holds: tree })
    }

    /// Takes the work tree in which the branch is checked out; it has to be clean.
    ///
    /// # Errors
    /// When it is not, or git is in the middle of something.
    pub fn in_place(world: World<'w>, branch: &str, tree: Oid) -> Result<Self, StepError> {
        let Some(checkout) = world.git.checkout_of(branch)? else {
            let fact =
                format!("`--in-place` works in the work tree of `{branch}`, which is checked out nowhere");
            return Err(StepError::git(
                fact,
                format!("type `git switch {branch}` first, or leave out `--in-place`"),
            ));
        };
        refuse_in_progress(&checkout)?;
        let mut place = world.git.open_checkout(&checkout)?;
        let clean = place.index_tree() == Some(tree) && {
            let seen = place.attend()?;
            seen == Seen::of(tree)
        };
        if !clean {
            let seen = place.snapshot()?.tree;
            return Err(not_clean(&checkout, &world.git.changes(tree, seen)?));
        }
        let dir = place.dir().to_owned();
        Ok(Self {
            world,
            slot: slot::FIRST,
            place: Some(place),
            dir,
            branch: branch.to_owned(),
            checkout: Some(checkout),
            holds: tree,
        })
    }

    /// The slot that the step is in.
    #[must_use]
    pub fn slot(&self) -> u32 {
        self.slot
    }

    /// As the journal names it.
    #[must_use]
    pub fn site(&self) -> Site {
        match &self.checkout {
            None => Site::Workspace(self.slot),
            Some(checkout) => Site::InPlace {
                dir: checkout.dir.to_string_lossy().into_owned(),
                git_dir: checkout.git_dir.to_string_lossy().into_owned(),
            },
        }
    }

    /// Its directory.
    #[must_use]
    pub fn dir(&self) -> PathBuf {
        self.dir.clone()
    }

    /// Runs one of the repository's hooks on what is there, as if it was staged.
    ///
    /// # Errors
    /// When it cannot be run.
    pub fn hook(
        &mut self,
        (name, message): (&str, &str),
        base: Oid,
        reporter: &dyn Reporter,
    ) -> Result<HookRun, StepError> {
        self.restore_settings(reporter)?;
        let (git, branch) = (self.world.git, self.branch.clone());
        if git.hook_text(name, base)?.is_none() {
            return Ok(HookRun::Absent);
        }
        let private = self.checkout.is_none();
        let place = self.place()?;
        if private {
            // The hook's own git must not obey what the agent wrote into its repository.
            git.disposable(place, &branch, base)?;
        }
        Ok(git.hook(name, base, place, message)?)
    }

    /// The work tree, for landing in place. A workspace has no part in that, and is closed: a large one takes
    /// as much memory as the work tree that is opened next. Either is opened again when it is used again.
    pub fn take_in_place(&mut self) -> Option<InPlace<'w>> {
        let place = self.place.take();
        let checkout = self.checkout.clone()?;
        Some(InPlace { checkout, place: RefCell::new(place), holds: self.holds })
    }

    fn place(&mut self) -> Result<&mut (dyn WorkTree + 'w), StepError> {
        if self.place.is_none() {
            self.place = Some(match &self.checkout {
                Some(checkout) => self.world.git.open_checkout(checkout)?,
                None => self.world.git.open_workspace(self.slot)?,
            });
        }
        let Some(place) = &mut self.place else {
            return Err(StepError::Busy("the work tree cannot be opened".to_owned()));
        };
        Ok(place.as_mut())
    }

    /// What it holds, by the last look or the last change.
    #[must_use]
    pub fn holds(&self) -> Oid {
        self.holds
    }

    /// Looks at what is there now; `judged_here` where gates will look at the same files.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn look(
        &mut self,
        base: Oid,
        protected: &Protected,
        judged_here: bool,
        reporter: &dyn Reporter,
    ) -> Result<Left, StepError> {
        let whole = judged_here && self.checkout.is_some();
        // The agent may have checked out something else.
        self.take_back(reporter)?;
        let place = self.place()?;
        // The agent may have used git in place, which writes the index.
        place.refresh()?;
        let seen = if whole { place.snapshot()? } else { place.catch_up()? };
        self.holds = seen.tree;
        self.hold(base, reporter);
        self.keep_behind(reporter)?;
        let mut changes = self.world.git.changes(base, seen.tree)?;
        let nested = self.new_folders(base, &seen.nested)?;
        let left_out = changes.extract_if(.., |change| nested.iter().any(|dir| change.path.starts_with(dir)));
        let mut restored: Vec<Edit> =
            left_out.map(|change| Edit { path: change.path, new: change.old }).collect();
        let violations = protected.violations(&changes).into_iter();
        restored.extend(violations.map(|change| Edit { path: change.path.clone(), new: change.old }));
        let candidate =
            if restored.is_empty() { seen.tree } else { self.world.git.edit_tree(seen.tree, &restored)? };
        Ok(Left { seen, changes, candidate })
    }

    /// Has git keep what is there, where that is more than the base. It is there without that as well.
    fn hold(&self, base: Oid, reporter: &dyn Reporter) {
        if self.holds != base
            && let Err(error) = hold::hold(self.world, self.slot, self.holds)
        {
            reporter.event(&Event::Warning { text: format!("nothing keeps git from tidying up: {error}") });
        }
    }

    /// Keeps what the agent left in submodules, and what it committed in the repository of its workspace and did not
    /// leave among its files.
    fn keep_behind(&mut self, reporter: &dyn Reporter) -> Result<(), StepError> {
        let (world, seen, in_place) = (self.world, self.holds, self.checkout.is_some());
        let Some(working) = journal::working(world, self.slot)? else { return Ok(()) };
        let place = self.place()?;
        commits::keep_inside(world, &working, place, reporter)?;
        if in_place {
            return Ok(());
        }
        Ok(commits::keep_behind(world, &working, place, seen, reporter)?)
    }

    /// Those of these folders that the base does not have, each with a slash behind.
    fn new_folders(&self, base: Oid, folders: &[BString]) -> Result<Vec<BString>, StepError> {
        let mut new = Vec::new();
        for folder in folders {
            if self.world.git.subtree(base, &folder.to_str_lossy())?.is_none() {
                new.push([folder.as_slice(), b"/"].concat().into());
            }
        }
        Ok(new)
    }

    /// Ends the work here. Where the agent worked in place, the work tree is at the tip of its branch then,
    /// wherever that is.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn leave(&mut self, reporter: &dyn Reporter) -> Result<(), StepError> {
        let world = self.world;
        let _lock = self.checkout.is_some().then(|| landing_lock(world, OTHERS_LAND)).transpose()?;
        if self.checkout.is_some() {
            finish_landing(world, &self.branch, reporter)?;
            self.go_home(reporter)?;
        }
        Ok(journal::end_work(world, self.slot)?)
    }

    /// Brings a work tree in which the agent worked to the tip of its branch.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn go_home(&mut self, reporter: &dyn Reporter) -> Result<(), StepError> {
        if self.checkout.is_none() {
            return Ok(());
        }
        self.take_back(reporter)?;
        let (world, kept) = (self.world, self.holds);
        let Some(tip) = world.git.tip(&branch_ref(&self.branch))? else { return Ok(()) };
        let tree = world.git.commit(tip)?.tree;
        if let Some((_, working)) = self.at_work()? {
            let place = self.place()?;
            place.refresh()?;
            self.holds = in_place::clear(world, &working, place, (kept, tree), reporter)?;
        }
        Ok(())
    }

    fn take_back(&self, reporter: &dyn Reporter) -> Result<(), StepError> {
        let Some((checkout, working)) = self.at_work()? else { return Ok(()) };
        in_place::restore_settings(self.world, &working, checkout, reporter)?;
        in_place::take_back(self.world, &working, checkout, reporter).map(|_| ())
    }

    /// Puts right what directs git, where an agent (or a gate) could have changed that.
    ///
    /// # Errors
    /// When the machine fails.
    pub fn restore_settings(&self, reporter: &dyn Reporter) -> Result<(), StepError> {
        let Some((checkout, working)) = self.at_work()? else { return Ok(()) };
        Ok(in_place::restore_settings(self.world, &working, checkout, reporter)?)
    }

    /// The step that works here, where that is in place.
    fn at_work(&self) -> Result<Option<(&Checkout, Working)>, StepError> {
        let Some(checkout) = &self.checkout else { return Ok(None) };
        Ok(in_place::at_work(self.world, &self.branch)?.map(|working| (checkout, working)))
    }

    /// Makes it hold exactly this tree, whatever was done to it meanwhile.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn restore(&mut self, tree: Oid) -> Result<(), StepError> {
        let place = self.place()?;
        let seen = place.snapshot()?;
        if seen != Seen::of(tree) {
            place.lock()?;
            place.flatten(&seen)?;
            place.bring(seen.tree, tree, &[])?;
            place.save()?;
        }
        self.holds = tree;
        Ok(())
    }
}
