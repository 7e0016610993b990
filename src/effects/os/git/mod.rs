//! The trusted repository: gix for reading, building and work trees; git itself for the rest (durable refs, hooks).
//!
//! Invariant: nothing here ever runs stash, reset, checkout, clean, rebase, amend or a forced push.
//! An agent's directory is only ever a work tree of the trusted repository, so no configuration,
//! hook or attribute that an agent plants in a `.git` of its own is read.

mod trouble;
mod child;
mod history;
mod objects;
mod promised;
mod refs;
mod head;
mod swap;
mod bring;
mod modules;
mod folder;
mod watch;
mod scan;
mod survey;
mod look;
mod inside;
mod uncommitted;
mod lock;
mod left;
mod cone;
mod place;
mod settings;
mod hooks;
mod worktree;
mod purge;
mod incoming;
mod filters;
mod behind;
mod users;
mod name;
mod tidy;
mod sign;
mod remote;

pub use name::tree_name;

use super::super::{
    Astray, Behind, Change, Checkout, Commit, Edit, EffectError, Git, Head, HookRun, Merge, Mode, NewCommit,
    Oid, Restored, Result, Seen, Swap, TreeFile, Trouble, Undecided, WorkFile, WorkTree,
};
use gix::ObjectId;
use std::cell::{OnceCell, RefCell};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use trouble::{failed, or};

/// A repository of this machine.
pub struct OsGit {
    /// As it was opened.
    opened: gix::Repository,
    /// As it was opened again, where what directs git had to be put right first.
    fresh: OnceCell<gix::Repository>,
    /// What directs git, while somebody works in place.
    held: RefCell<Option<settings::Held>>,
    /// Files of a work tree that were made ready since the last [`Git::settle`].
    ready: RefCell<Vec<PathBuf>>,
    /// Objects written since the last [`Git::settle`].
    unsettled: RefCell<Vec<ObjectId>>,
    /// Blobs that are known to be huge.
    huge: RefCell<HashSet<ObjectId>>,
    /// What a partial clone lacks, and could not get.
    in_vain: RefCell<promised::InVain>,
    /// A look at a work tree that has begun.
    ahead: RefCell<Option<survey::Ahead>>,
    /// Where private work trees lie.
    workspaces: PathBuf,
}

pub(super) fn oid(id: impl AsRef<gix::oid>) -> Oid {
    Oid::from_bytes(id.as_ref().as_bytes())
}

pub(super) fn id(oid: Oid) -> ObjectId {
    ObjectId::from_bytes_or_panic(oid.as_bytes())
}

/// Replaces a file of a work tree, with the permissions that git would give it.
pub(super) fn write_file(path: &Path, content: &[u8]) -> Result<()> {
    bring::write_plain(path, content, crate::effects::MODE_FILE)
}

/// Removes a file of a work tree, if it is there.
pub(super) fn remove_file(path: &Path) -> Result<()> {
    bring::remove_any(path)
}

impl OsGit {
    /// Finds the repository that a directory belongs to.
    ///
    /// `workspaces` is where private work trees are to lie.
    ///
    /// # Errors
    /// [`Trouble::Missing`] when there is none; [`Trouble::Unsupported`] when it is of a kind that
    /// orch does not work in; [`Trouble::Denied`] when it belongs to somebody else.
    pub fn discover(dir: &Path, workspaces: PathBuf) -> Result<Self> {
        // Absolute, because journals and agents outlive the directory that the command was given in.
        let whole =
            |path: &Path| std::path::absolute(path).map_err(|error| EffectError::io("find", path, &error));
        let repo = gix::discover_with_environment_overrides(whole(dir)?).map_err(|error| {
            let text = error.to_string();
            let none =
                ["Could not find a git repository", "no git repository", "not appear to be a git repository"];
            if dir.exists() && none.iter().any(|said| text.contains(said)) {
                EffectError::new(Trouble::Missing, format!("`{}` is not in a git repository", dir.display()))
            } else if dir.exists() {
                failed("open the git repository", &text)
            } else {
                EffectError::new(Trouble::Missing, format!("`{}` does not exist", dir.display()))
            }
        })?;
        let mut repo = match repo.git_dir() {
            relative if relative.is_relative() => or("open the git repository", gix::open(whole(relative)?))?,
            _ => repo,
        };
        if repo.git_dir_trust() != gix::sec::Trust::Full {
            let whose = repo.workdir().unwrap_or(repo.git_dir());
            return Err(EffectError::new(
                Trouble::Denied,
                format!("`{}` belongs to another user", whose.display()),
            ));
        }
        if repo.config_snapshot().string("extensions.refStorage").is_some_and(|kind| *kind != *b"files") {
            return Err(EffectError::new(
                Trouble::Unsupported,
                "the repository keeps its refs in a `reftable`, which orch cannot read",
            ));
        }
        repo.object_cache_size_if_unset(4 << 20);
        let repo = unreplaced(repo);
        let (ready, unsettled, ahead) = (RefCell::default(), RefCell::default(), RefCell::default());
        let (fresh, held) = (OnceCell::new(), RefCell::default());
        let (huge, in_vain) = (RefCell::default(), RefCell::default());
        Ok(Self { opened: repo, fresh, held, ready, unsettled, huge, in_vain, ahead, workspaces })
    }

    /// The same repository with private work trees in another place.
    #[must_use]
    pub fn with_workspaces(mut self, workspaces: PathBuf) -> Self {
        self.workspaces = workspaces;
        self
    }

    fn repo(&self) -> &gix::Repository {
        self.fresh.get().unwrap_or(&self.opened)
    }

    pub(super) fn note_written(&self, id: ObjectId) -> Oid {
        self.unsettled.borrow_mut().push(id);
        oid(id)
    }
}

/// A repository whose objects are what they are called by. `refs/replace/` has others in their place, and who works
/// in the repository can write there. Git children are told the same.
fn unreplaced(mut repo: gix::Repository) -> gix::Repository {
    repo.objects.ignore_replacements = true;
    repo
}

impl Git for OsGit {
    fn head(&self) -> Result<Head> {
        self.read_head()
    }

    fn tip(&self, reference: &str) -> Result<Option<Oid>> {
        self.read_tip(reference)
    }

    fn resolve(&self, revision: &str) -> Result<Option<Oid>> {
        self.read_revision(revision)
    }

    fn refs(&self, prefix: &str) -> Result<Vec<(String, Oid)>> {
        self.read_refs(prefix)
    }

    fn commit(&self, id: Oid) -> Result<Commit> {
        self.read_commit(id)
    }

    fn history(&self, tip: Oid, limit: usize) -> Result<Vec<Commit>> {
        self.walk_history(tip, limit)
    }

    fn walk(&self, tip: Oid, more: &mut dyn FnMut(Commit) -> bool) -> Result<()> {
        self.walk_while(tip, more)
    }

    fn uncommitted(&self, below: &str, files: &[WorkFile], limit: usize) -> Result<Vec<bstr::BString>> {
        self.uncommitted_below(below, files, limit)
    }

    fn undecided(&self, below: &str) -> Result<Vec<Undecided>> {
        self.undecided_below(below)
    }

    fn skipped(&self, below: &str) -> Result<Vec<TreeFile>> {
        self.skipped_below(below)
    }

    fn is_ancestor(&self, ancestor: Oid, of: Oid) -> Result<bool> {
        self.reaches(ancestor, of)
    }

    fn gather(&self, objects: &[Oid]) {
        self.fetch_lacking(objects);
    }

    fn gather_history(&self, tip: Oid, below: &str) -> Result<()> {
        self.fetch_history(tip, below)
    }

    fn merge_base(&self, one: Oid, other: Oid) -> Result<Option<Oid>> {
        self.forks_at(one, other)
    }

    fn subtree(&self, tree: Oid, dir: &str) -> Result<Option<Oid>> {
        Ok(self.find_entry(tree, dir)?.filter(|(mode, _)| *mode == objects::MODE_TREE).map(|(_, id)| id))
    }

    fn files(&self, tree: Oid, prefix: &str) -> Result<Vec<TreeFile>> {
        self.list_files(tree, prefix)
    }

    fn entry(&self, tree: Oid, path: &str) -> Result<Option<(Mode, Oid)>> {
        Ok(self.find_entry(tree, path)?.filter(|(mode, _)| *mode != objects::MODE_TREE))
    }

    fn names(&self, tree: Oid, dir: &str) -> Result<Vec<bstr::BString>> {
        self.list_names(tree, dir)
    }

    fn blob(&self, id: Oid) -> Result<Vec<u8>> {
        self.read_blob(id)
    }

    fn blob_within(&self, id: Oid, most: usize) -> Result<Option<Vec<u8>>> {
        self.read_blob_within(id, most)
    }

    fn changes(&self, old: Oid, new: Oid) -> Result<Vec<Change>> {
        self.diff_trees(old, new)
    }

    fn lacks(&self, from: Oid, to: Oid) -> Result<Option<bstr::BString>> {
        self.find_lack(from, to)
    }

    fn empty_tree(&self) -> Oid {
        oid(ObjectId::empty_tree(self.repo().object_hash()))
    }

    fn write_blob(&self, content: &[u8]) -> Result<Oid> {
        let id = self.complete(|| or("write an object", self.repo().write_blob(content)))?.detach();
        Ok(self.note_written(id))
    }

    fn edit_tree(&self, tree: Oid, edits: &[Edit]) -> Result<Oid> {
        self.complete(|| self.build_tree(tree, edits))
    }

    fn tree_without(&self, tree: Oid, name: &str) -> Result<Oid> {
        self.build_tree_without(tree, name)
    }

    fn merge(&self, base: Oid, ours: Oid, theirs: Oid) -> Result<Merge> {
        self.complete(|| self.merge_three(base, ours, theirs))
    }

    fn conflicts(&self, base: Oid, ours: Oid, theirs: Oid) -> Result<Vec<bstr::BString>> {
        self.complete(|| self.merge_conflicts(base, ours, theirs))
    }

    fn write_commit(&self, commit: &NewCommit) -> Result<Oid> {
        self.build_commit(commit)
    }

    fn check_identity(&self) -> Result<()> {
        ["committer", "author"]
            .iter()
            .try_for_each(|role| self.known(role, gix::date::Time::default()).map(drop))
    }

    fn settle(&self, with: &[PathBuf]) -> Result<()> {
        self.sync_written(with)
    }

    fn swap(&self, reference: &str, expected: Option<Oid>, new: Oid, reason: &str) -> Result<Swap> {
        self.update_ref(reference, expected, new, reason)
    }

    fn claim(&self, reference: &str, expected: Option<Oid>, new: Option<Oid>) -> Result<Swap> {
        self.edit_ref(reference, expected, new)
    }

    fn tidy(&self) -> Result<()> {
        self.tidy_objects()
    }

    fn clear_index_locks(&self) -> Result<()> {
        self.remove_index_locks()
    }

    fn clear_ref_lock(&self, reference: &str, new: Oid) -> Result<()> {
        self.remove_ref_lock(reference, new)
    }

    fn hold_settings(&self, checkout: &Checkout, run: &str, base: Oid, aside: &Path) -> Result<()> {
        self.hold(checkout, run, base, aside)
    }

    fn restore_settings(&self, checkout: &Checkout, run: &str) -> Result<Restored> {
        self.restore(checkout, run)
    }

    fn release_settings(&self, run: &str) -> Result<()> {
        self.let_go(run)
    }

    fn checkout_of(&self, branch: &str) -> Result<Option<Checkout>> {
        self.find_checkout(branch)
    }

    fn index_lock(&self, checkout: &Checkout) -> Result<Option<PathBuf>> {
        lock::IndexLock::held(&checkout.git_dir)
    }

    fn astray(&self, checkout: &Checkout, branch: &str) -> Result<Astray> {
        head::astray(&checkout.git_dir, branch)
    }

    fn attach(&self, checkout: &Checkout, branch: &str) -> Result<()> {
        self.attach_head(&checkout.git_dir, branch)
    }

    fn open_checkout(&self, checkout: &Checkout) -> Result<Box<dyn WorkTree + '_>> {
        Ok(Box::new(place::Place::of_user(self, checkout)?))
    }

    fn look_ahead(&self, slot: u32, checkout: Option<&Checkout>) {
        let (dir, index_path) = match checkout {
            Some(checkout) => (checkout.dir.clone(), checkout.git_dir.join("index")),
            None => self.private_paths(slot),
        };
        let (hash, common_dir) = (self.repo().object_hash(), self.repo().common_dir().to_owned());
        *self.ahead.borrow_mut() = survey::Ahead::begin(dir, index_path, hash, common_dir);
    }

    fn open_workspace(&self, slot: u32) -> Result<Box<dyn WorkTree + '_>> {
        Ok(Box::new(place::Place::private(self, slot)?))
    }

    fn disposable(&self, tree: &dyn WorkTree, branch: &str, base: Oid) -> Result<()> {
        self.write_disposable(tree.dir(), branch, base)
    }

    fn take_behind(&self, tree: &dyn WorkTree, base: Oid, seen: Oid) -> Result<Behind> {
        OsGit::take_behind(self, tree.dir(), base, seen)
    }

    fn hook_text(&self, name: &str, base: Oid) -> Result<Option<String>> {
        self.read_hook(name, base)
    }

    fn idle_hooks(&self, base: Oid) -> Result<Vec<String>> {
        self.hooks_that_cannot_run(base)
    }

    fn hook(&self, name: &str, base: Oid, tree: &mut dyn WorkTree, message: &str) -> Result<HookRun> {
        self.run_hook(name, base, tree, message)
    }

    fn common_dir(&self) -> &Path {
        self.repo().common_dir()
    }

    fn in_progress(&self) -> Option<&'static str> {
        self.repo().state().as_ref().map(head::in_progress)
    }

    fn work_dir(&self) -> Option<&Path> {
        self.repo().workdir()
    }
}
