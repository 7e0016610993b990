//! The outside world behind a few narrow traits, plain data in and out.
//!
//! Invariant: everything that can fail on a machine is one of these calls; [`fault`] fails each of
//! them in turn to see that the promises hold. Not here: any decision.

mod chance;
mod data;
pub mod confine;
mod files;
mod program;
mod place;
mod remote;
pub mod fault;
pub mod os;

pub use chance::{Clock, Ids, Zone};
pub use confine::{Confine, Spot};
pub use data::*;
pub use files::{Files, Lock, WorkFile};
pub use place::{Astray, Checkout, Inside, Restored, Seen, Undecided, Unfit, WorkTree};
pub use program::{Input, Pool, Process, Unwatched, Watch};
pub use remote::{Pushed, Remote, Update, Upstream};

use bstr::BString;
use std::path::{Path, PathBuf};

/// The variable that holds the token by which git pushes. Neither an agent nor a gate or a hook sees it.
pub const PUSH_TOKEN: &str = "ORCH_PUSH_TOKEN";

/// The trusted repository.
pub trait Git {
    /// Where `HEAD` points.
    ///
    /// # Errors
    /// When the repository cannot be read.
    fn head(&self) -> Result<Head>;

    /// The commit at a full ref name.
    ///
    /// # Errors
    /// When the repository cannot be read.
    fn tip(&self, reference: &str) -> Result<Option<Oid>>;

    /// The commit that a revision names.
    ///
    /// # Errors
    /// When the repository cannot be read.
    fn resolve(&self, revision: &str) -> Result<Option<Oid>>;

    /// Refs below a prefix, with what they point to.
    ///
    /// # Errors
    /// When the repository cannot be read.
    fn refs(&self, prefix: &str) -> Result<Vec<(String, Oid)>>;

    /// What a commit says.
    ///
    /// # Errors
    /// When it is not there.
    fn commit(&self, id: Oid) -> Result<Commit>;

    /// Commits from a tip backwards, newest first, at most `limit`.
    ///
    /// # Errors
    /// When history cannot be read (a shallow boundary is an end, not an error).
    fn history(&self, tip: Oid, limit: usize) -> Result<Vec<Commit>>;

    /// Tells commits from a tip backwards, newest first, for as long as `more` says to go on.
    ///
    /// # Errors
    /// When history cannot be read (a shallow boundary is an end, not an error).
    fn walk(&self, tip: Oid, more: &mut dyn FnMut(Commit) -> bool) -> Result<()> {
        for commit in self.history(tip, usize::MAX)? {
            if !more(commit) {
                break;
            }
        }
        Ok(())
    }

    /// Paths below a directory that differ between the tip that is checked out and the work tree (in
    /// any way: staged, changed, new, gone), in order, at most `limit`. `files` is what lies there.
    ///
    /// # Errors
    /// When the work tree cannot be read.
    fn uncommitted(&self, below: &str, files: &[WorkFile], limit: usize) -> Result<Vec<BString>> {
        let _ = (below, files, limit);
        Ok(Vec::new())
    }

    /// Paths below a directory whose versions a merge left undecided in the index, in order.
    ///
    /// # Errors
    /// When the index cannot be read.
    fn undecided(&self, below: &str) -> Result<Vec<Undecided>> {
        let _ = below;
        Ok(Vec::new())
    }

    /// The files below a directory that a sparse checkout leaves out of the work tree, as the index has them, in the
    /// order of their paths.
    ///
    /// # Errors
    /// When the index cannot be read.
    fn skipped(&self, below: &str) -> Result<Vec<TreeFile>> {
        let _ = below;
        Ok(Vec::new())
    }

    /// Whether a commit is reachable from another; one that is not here is reachable from none.
    ///
    /// # Errors
    /// When history cannot be read.
    fn is_ancestor(&self, ancestor: Oid, of: Oid) -> Result<bool>;

    /// Fetches at once those of these objects that a partial clone lacks. One that cannot be had is told of when it is
    /// read.
    fn gather(&self, objects: &[Oid]) {
        let _ = objects;
    }

    /// Fetches at once what a partial clone lacks of the history of a folder, as [`Git::gather`] does.
    ///
    /// # Errors
    /// When git cannot be run.
    fn gather_history(&self, tip: Oid, below: &str) -> Result<()> {
        let _ = (tip, below);
        Ok(())
    }

    /// The commit at which the histories of two commits parted; none if they have none in common.
    ///
    /// # Errors
    /// When history cannot be read.
    fn merge_base(&self, one: Oid, other: Oid) -> Result<Option<Oid>>;

    /// The id of a directory's tree.
    ///
    /// # Errors
    /// When the tree cannot be read.
    fn subtree(&self, tree: Oid, dir: &str) -> Result<Option<Oid>>;

    /// All files of a tree, in the order of their paths, each path below `prefix`.
    ///
    /// # Errors
    /// When the tree cannot be read.
    fn files(&self, tree: Oid, prefix: &str) -> Result<Vec<TreeFile>>;

    /// Mode and content of one path in a tree.
    ///
    /// # Errors
    /// When the tree cannot be read.
    fn entry(&self, tree: Oid, path: &str) -> Result<Option<(Mode, Oid)>>;

    /// The names in one folder of a tree, files and folders; none where there is no such folder.
    ///
    /// # Errors
    /// When the tree cannot be read.
    fn names(&self, tree: Oid, dir: &str) -> Result<Vec<BString>>;

    /// The content of a blob.
    ///
    /// # Errors
    /// When it is not there.
    fn blob(&self, id: Oid) -> Result<Vec<u8>>;

    /// The content of a blob that has at most so many bytes; none of one that has more.
    ///
    /// # Errors
    /// When it is not there.
    fn blob_within(&self, id: Oid, most: usize) -> Result<Option<Vec<u8>>>;

    /// How two trees differ, in the order of paths, without renames.
    ///
    /// # Errors
    /// When a tree cannot be read.
    fn changes(&self, old: Oid, new: Oid) -> Result<Vec<Change>>;

    /// Whether everything is there that a tree has and another has not; a path (empty for all of it) of what is
    /// missing.
    ///
    /// # Errors
    /// When a tree cannot be read.
    fn lacks(&self, from: Oid, to: Oid) -> Result<Option<BString>>;

    /// The tree without files.
    fn empty_tree(&self) -> Oid;

    /// Writes a blob.
    ///
    /// # Errors
    /// When it cannot be written.
    fn write_blob(&self, content: &[u8]) -> Result<Oid>;

    /// Writes a tree that differs from another in some paths.
    ///
    /// # Errors
    /// When a tree cannot be read or written.
    fn edit_tree(&self, tree: Oid, edits: &[Edit]) -> Result<Oid>;

    /// Writes a tree that lacks an entry of another's root.
    ///
    /// # Errors
    /// When a tree cannot be read or written.
    fn tree_without(&self, tree: Oid, name: &str) -> Result<Oid>;

    /// Merges two trees that began as `base`.
    ///
    /// # Errors
    /// When a tree cannot be read or written.
    fn merge(&self, base: Oid, ours: Oid, theirs: Oid) -> Result<Merge>;

    /// The paths that would conflict if two trees were merged that began as `base`, in order. Nothing is written.
    ///
    /// # Errors
    /// When a tree cannot be read.
    fn conflicts(&self, base: Oid, ours: Oid, theirs: Oid) -> Result<Vec<BString>>;

    /// Writes a commit.
    ///
    /// # Errors
    /// When it cannot be written, or git knows no identity.
    fn write_commit(&self, commit: &NewCommit) -> Result<Oid>;

    /// Whether git knows an identity to commit with.
    ///
    /// # Errors
    /// [`Trouble::Identity`] when it does not.
    fn check_identity(&self) -> Result<()>;

    /// Makes everything written so far survive a loss of power, and these files with their names, all at once.
    ///
    /// # Errors
    /// When the disk refuses.
    fn settle(&self, with: &[PathBuf]) -> Result<()>;

    /// Moves a ref if it has the expected value (none: is not there). Durable when it returns.
    ///
    /// # Errors
    /// When git refuses for another reason than the ref's value.
    fn swap(&self, reference: &str, expected: Option<Oid>, new: Oid, reason: &str) -> Result<Swap>;

    /// Moves or (without a new value) removes a ref that nothing but saving work rests on: as
    /// [`Git::swap`], but it may be undone by a loss of power, and no other program is run for it.
    /// Whatever it does, a lock that a killed command left on the ref is gone afterwards.
    ///
    /// # Errors
    /// When the repository refuses for another reason than the ref's value.
    fn claim(&self, reference: &str, expected: Option<Oid>, new: Option<Oid>) -> Result<Swap>;

    /// Lets git tidy its objects, if there are many, and waits for it.
    ///
    /// # Errors
    /// When git cannot be run.
    fn tidy(&self) -> Result<()>;

    /// Removes the locks on indexes that a killed orch left, and no other. The caller holds the lock
    /// that covers landing, so that none of them is in use.
    ///
    /// # Errors
    /// When one cannot be removed.
    fn clear_index_locks(&self) -> Result<()>;

    /// Removes git's lock on a ref when it was left by a move of this ref to `new` that was killed.
    /// A git that is still about to make that move then fails.
    ///
    /// # Errors
    /// When it cannot be removed.
    fn clear_ref_lock(&self, reference: &str, new: Oid) -> Result<()>;

    /// Takes note of what directs git in a checkout (configuration, hooks) and of the locks that are there, before
    /// a run works there that could change them. Hooks run as they are now until that is released. `aside` is for
    /// what others make of them.
    ///
    /// # Errors
    /// [`Trouble::Locked`] when a git works there; or when it cannot be read or copied.
    fn hold_settings(&self, checkout: &Checkout, run: &str, base: Oid, aside: &Path) -> Result<()>;

    /// Makes what directs git in a checkout what it was when a run began, and removes the locks that were left
    /// there since. Nothing is done where nothing is held for that run.
    ///
    /// # Errors
    /// When it cannot be read or written.
    fn restore_settings(&self, checkout: &Checkout, run: &str) -> Result<Restored>;

    /// Forgets what was held for a run.
    ///
    /// # Errors
    /// When it cannot be removed.
    fn release_settings(&self, run: &str) -> Result<()>;

    /// The work tree in which a branch is checked out.
    ///
    /// # Errors
    /// When the repository cannot be read.
    fn checkout_of(&self, branch: &str) -> Result<Option<Checkout>>;

    /// What there is in a checkout that is not its branch, or not at rest.
    ///
    /// # Errors
    /// When the repository cannot be read.
    fn astray(&self, checkout: &Checkout, branch: &str) -> Result<Astray>;

    /// Makes a branch the one that is checked out there, whatever `HEAD` says now, and forgets what was begun there
    /// and not ended (a merge, a rebase); no file of the work tree is touched.
    ///
    /// # Errors
    /// When git refuses.
    fn attach(&self, checkout: &Checkout, branch: &str) -> Result<()>;

    /// The lock that somebody holds on the index of a checkout, if there is one.
    ///
    /// # Errors
    /// When that cannot be seen.
    fn index_lock(&self, checkout: &Checkout) -> Result<Option<PathBuf>>;

    /// Begins to look at a work tree that is about to be opened: that of a checkout, or else the private one
    /// number `slot`. Opening it may then be quicker, and nothing else is different.
    fn look_ahead(&self, slot: u32, checkout: Option<&Checkout>);

    /// Opens the work tree of a checkout, for looking; changing it takes its lock.
    ///
    /// # Errors
    /// When its index cannot be read.
    fn open_checkout(&self, checkout: &Checkout) -> Result<Box<dyn WorkTree + '_>>;

    /// Opens (or makes) the private work tree number `slot`.
    ///
    /// # Errors
    /// When it cannot be made.
    fn open_workspace(&self, slot: u32) -> Result<Box<dyn WorkTree + '_>>;

    /// Gives a private work tree a disposable repository, on a branch at `base`.
    ///
    /// # Errors
    /// When it cannot be written.
    fn disposable(&self, tree: &dyn WorkTree, branch: &str, base: Oid) -> Result<()>;

    /// Takes in the commits that an agent left in the disposable repository of a private work tree and that have
    /// something else than the commit `base` and the tree `seen` of its files; says which, without those that others
    /// of them contain.
    ///
    /// # Errors
    /// When they cannot be had.
    fn take_behind(&self, tree: &dyn WorkTree, base: Oid, seen: Oid) -> Result<Behind>;

    /// The text of the hook that would run on work on top of `base`, if the repository has it.
    ///
    /// # Errors
    /// When that cannot be seen.
    fn hook_text(&self, name: &str, base: Oid) -> Result<Option<String>>;

    /// Why hooks that the repository is set up to have do not run, in words.
    ///
    /// # Errors
    /// When that cannot be seen.
    fn idle_hooks(&self, base: Oid) -> Result<Vec<String>>;

    /// Runs one of the repository's hooks, if there is one, on what a work tree holds, as if it was
    /// staged.
    ///
    /// # Errors
    /// When it cannot be run.
    fn hook(&self, name: &str, base: Oid, tree: &mut dyn WorkTree, message: &str) -> Result<HookRun>;

    /// The directory that all work trees of the repository share.
    fn common_dir(&self) -> &Path;

    /// What git has in progress in the work tree that the command was given in (`merge`, `rebase`, …), if anything.
    fn in_progress(&self) -> Option<&'static str> {
        None
    }

    /// The root of the work tree that the command was given in, if there is one.
    fn work_dir(&self) -> Option<&Path>;
}

/// All of the outside world.
#[derive(Clone, Copy)]
pub struct World<'w> {
    /// The trusted repository.
    pub git: &'w dyn Git,
    /// The repository that several clones share.
    pub remote: &'w dyn Remote,
    /// Running programs.
    pub process: &'w dyn Process,
    /// The time.
    pub clock: &'w dyn Clock,
    /// Randomness.
    pub ids: &'w dyn Ids,
    /// Local files.
    pub files: &'w dyn Files,
}
