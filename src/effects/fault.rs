//! A world that fails on purpose: the failing half of every effect, in turn.
//!
//! In: a world, the number of an effect, and how it is to fail. Out: the same world, which counts
//! what is asked of it and fails that one effect before it happens (nothing was done), after it
//! happened (it was done, and an error is returned all the same: an exit code is not an outcome),
//! or that one and everything after it (as if the program had been killed there). Invariant: pure
//! delegation otherwise. Time and randomness cannot fail, so they are passed on uncounted.

use super::{
    Astray, Behind, Change, Checkout, Clock, Commit, Confine, Edit, EffectError, Files, Finished, Git, Head,
    HookRun, Ids, Inside, Invocation, Lock, Merge, Mode, NewCommit, Oid, Process, Pushed, Remote, Restored,
    Result, Seen, Spot, Swap, TreeFile, Trouble, Update, Upstream, Watch, WorkFile, WorkTree, World, Zone,
};
use bstr::BString;
use jiff::Timestamp;
use std::cell::RefCell;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How an effect fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Nothing is done.
    Before,
    /// It is done, and an error is returned.
    After,
    /// Nothing is done, by this effect or any later one.
    Onwards,
}

/// The effect that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// Its number, from 1.
    pub number: usize,
    /// How it fails.
    pub when: When,
    /// The class of the error.
    pub trouble: Trouble,
}

/// An effect that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// Its name.
    pub name: &'static str,
    /// Whether it changes anything, so that failing after it differs from failing before it.
    pub writes: bool,
}

/// A world around another.
pub struct Faulty<'w> {
    inner: World<'w>,
    fault: Option<Fault>,
    asked: RefCell<Vec<Asked>>,
}

impl<'w> Faulty<'w> {
    /// A world that fails as told; without a fault it only counts.
    #[must_use]
    pub fn new(inner: World<'w>, fault: Option<Fault>) -> Self {
        Self { inner, fault, asked: RefCell::default() }
    }

    /// The world.
    #[must_use]
    pub fn world(&self) -> World<'_> {
        World { git: self, remote: self, process: self, clock: self, ids: self, files: self }
    }

    /// Everything that was asked for, in order; the first has the number 1.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.borrow().clone()
    }

    fn reads<T>(&self, name: &'static str, effect: impl FnOnce() -> Result<T>) -> Result<T> {
        self.count(Asked { name, writes: false }, effect)
    }

    fn writes<T>(&self, name: &'static str, effect: impl FnOnce() -> Result<T>) -> Result<T> {
        self.count(Asked { name, writes: true }, effect)
    }

    fn count<T>(&self, asked: Asked, effect: impl FnOnce() -> Result<T>) -> Result<T> {
        self.asked.borrow_mut().push(asked);
        let number = self.asked.borrow().len();
        let Some(fault) = self.fault else { return effect() };
        let failed = || Err(EffectError::new(fault.trouble, format!("`{}` fails on purpose", asked.name)));
        match fault.when {
            When::Before if number == fault.number => failed(),
            When::After if number == fault.number => effect().and_then(|_| failed()),
            When::Onwards if number >= fault.number => failed(),
            When::Before | When::After | When::Onwards => effect(),
        }
    }

    fn tree<'f>(&'f self, inner: Box<dyn WorkTree + 'f>) -> Box<dyn WorkTree + 'f> {
        Box::new(FaultyTree { inner, faulty: self })
    }
}

/// Passes methods on, each counted under its own name.
macro_rules! pass_on {
    ($field:ident: $($how:ident $method:ident($($argument:ident: $type:ty),*) -> $out:ty;)*) => {
        $(fn $method(&self, $($argument: $type),*) -> Result<$out> {
            self.$how(stringify!($method), || self.inner.$field.$method($($argument),*))
        })*
    };
}

impl Git for Faulty<'_> {
    pass_on! { git:
        reads head() -> Head;
        reads tip(reference: &str) -> Option<Oid>;
        reads resolve(revision: &str) -> Option<Oid>;
        reads refs(prefix: &str) -> Vec<(String, Oid)>;
        reads commit(id: Oid) -> Commit;
        reads history(tip: Oid, limit: usize) -> Vec<Commit>;
        reads is_ancestor(ancestor: Oid, of: Oid) -> bool;
        reads merge_base(one: Oid, other: Oid) -> Option<Oid>;
        reads conflicts(base: Oid, ours: Oid, theirs: Oid) -> Vec<BString>;
        reads subtree(tree: Oid, dir: &str) -> Option<Oid>;
        reads files(tree: Oid, prefix: &str) -> Vec<TreeFile>;
        reads entry(tree: Oid, path: &str) -> Option<(Mode, Oid)>;
        reads names(tree: Oid, dir: &str) -> Vec<BString>;
        reads blob(id: Oid) -> Vec<u8>;
        reads blob_within(id: Oid, most: usize) -> Option<Vec<u8>>;
        reads changes(old: Oid, new: Oid) -> Vec<Change>;
        reads lacks(from: Oid, to: Oid) -> Option<BString>;
        writes write_blob(content: &[u8]) -> Oid;
        writes edit_tree(tree: Oid, edits: &[Edit]) -> Oid;
        writes tree_without(tree: Oid, name: &str) -> Oid;
        writes merge(base: Oid, ours: Oid, theirs: Oid) -> Merge;
        writes write_commit(commit: &NewCommit) -> Oid;
        writes tidy() -> ();
        reads check_identity() -> ();
        writes settle(with: &[PathBuf]) -> ();
        writes swap(reference: &str, expected: Option<Oid>, new: Oid, reason: &str) -> Swap;
        writes claim(reference: &str, expected: Option<Oid>, new: Option<Oid>) -> Swap;
        writes clear_index_locks() -> ();
        writes clear_ref_lock(reference: &str, new: Oid) -> ();
        writes hold_settings(checkout: &Checkout, run: &str, base: Oid, aside: &Path) -> ();
        writes restore_settings(checkout: &Checkout, run: &str) -> Restored;
        writes release_settings(run: &str) -> ();
        reads checkout_of(branch: &str) -> Option<Checkout>;
        reads index_lock(checkout: &Checkout) -> Option<PathBuf>;
        reads astray(checkout: &Checkout, branch: &str) -> Astray;
        writes attach(checkout: &Checkout, branch: &str) -> ();
        writes disposable(tree: &dyn WorkTree, branch: &str, base: Oid) -> ();
        reads idle_hooks(base: Oid) -> Vec<String>;
        writes take_behind(tree: &dyn WorkTree, base: Oid, seen: Oid) -> Behind;
        reads hook_text(name: &str, base: Oid) -> Option<String>;
        writes hook(name: &str, base: Oid, tree: &mut dyn WorkTree, message: &str) -> HookRun;
    }

    fn look_ahead(&self, slot: u32, checkout: Option<&Checkout>) {
        self.inner.git.look_ahead(slot, checkout);
    }

    fn open_checkout(&self, checkout: &Checkout) -> Result<Box<dyn WorkTree + '_>> {
        let opened = self.reads("open_checkout", || self.inner.git.open_checkout(checkout))?;
        Ok(self.tree(opened))
    }

    fn open_workspace(&self, slot: u32) -> Result<Box<dyn WorkTree + '_>> {
        let opened = self.writes("open_workspace", || self.inner.git.open_workspace(slot))?;
        Ok(self.tree(opened))
    }

    fn empty_tree(&self) -> Oid {
        self.inner.git.empty_tree()
    }

    fn common_dir(&self) -> &Path {
        self.inner.git.common_dir()
    }

    fn in_progress(&self) -> Option<&'static str> {
        self.inner.git.in_progress()
    }

    fn work_dir(&self) -> Option<&Path> {
        self.inner.git.work_dir()
    }
}

/// A work tree around another.
struct FaultyTree<'f> {
    inner: Box<dyn WorkTree + 'f>,
    faulty: &'f Faulty<'f>,
}

impl WorkTree for FaultyTree<'_> {
    fn dir(&self) -> &Path {
        self.inner.dir()
    }

    fn index_tree(&self) -> Option<Oid> {
        self.inner.index_tree()
    }

    fn lock(&mut self) -> Result<()> {
        self.faulty.writes("WorkTree::lock", || self.inner.lock())
    }

    fn refresh(&mut self) -> Result<()> {
        self.faulty.reads("WorkTree::refresh", || self.inner.refresh())
    }

    fn snapshot(&mut self) -> Result<Seen> {
        self.faulty.writes("WorkTree::snapshot", || self.inner.snapshot())
    }

    fn attend(&mut self) -> Result<Seen> {
        self.faulty.writes("WorkTree::attend", || self.inner.attend())
    }

    fn catch_up(&mut self) -> Result<Seen> {
        self.faulty.writes("WorkTree::catch_up", || self.inner.catch_up())
    }

    fn overlaps(&mut self, from: Oid, to: Oid) -> Result<Vec<BString>> {
        self.faulty.reads("WorkTree::overlaps", || self.inner.overlaps(from, to))
    }

    fn prepare(&mut self, from: Oid, to: Oid) -> Result<()> {
        self.faulty.writes("WorkTree::prepare", || self.inner.prepare(from, to))
    }

    fn bring(&mut self, from: Oid, to: Oid, keep: &[BString]) -> Result<()> {
        self.faulty.writes("WorkTree::bring", || self.inner.bring(from, to, keep))
    }

    fn forget(&mut self, paths: &[BString]) {
        self.inner.forget(paths);
    }

    fn save(&mut self) -> Result<()> {
        self.faulty.writes("WorkTree::save", || self.inner.save())
    }

    fn git_dir(&self) -> PathBuf {
        self.inner.git_dir()
    }

    fn purge(&mut self, keep: &[BString], look: bool) -> Result<usize> {
        self.faulty.writes("WorkTree::purge", || self.inner.purge(keep, look))
    }

    fn unhide(&mut self) -> Result<bool> {
        self.faulty.writes("WorkTree::unhide", || self.inner.unhide())
    }

    fn inside(&mut self, tree: Oid) -> Result<Inside> {
        self.faulty.writes("WorkTree::inside", || self.inner.inside(tree))
    }

    fn empty_submodules(&mut self, tree: Oid) -> Result<bool> {
        self.faulty.writes("WorkTree::empty_submodules", || self.inner.empty_submodules(tree))
    }

    fn flatten(&mut self, seen: &Seen) -> Result<()> {
        self.faulty.writes("WorkTree::flatten", || self.inner.flatten(seen))
    }

    fn stage(&mut self) -> Result<()> {
        self.faulty.writes("WorkTree::stage", || self.inner.stage())
    }
}

impl Remote for Faulty<'_> {
    pass_on! { remote:
        reads upstream(branch: &str) -> Option<Upstream>;
        reads was(upstream: &Upstream) -> Vec<Oid>;
        reads url(remote: &str) -> Option<String>;
        writes fetch(remote: &str, refs: &[(String, String)], patience: Duration) -> ();
        writes push(remote: &str, updates: &[Update], patience: Duration, hook: bool) -> Pushed;
    }
}

impl Process for Faulty<'_> {
    pass_on! { process:
        reads check_temporary() -> ();
        writes watch(invocation: &Invocation, watch: &mut dyn Watch) -> Finished;
        writes end_strays(run: &str, dir: &Path) -> ();
        writes end_left_in(dir: &Path) -> ();
    }

    fn wait(&self, duration: Duration) {
        self.inner.process.wait(duration);
    }

    fn interrupted(&self) -> Option<i32> {
        self.inner.process.interrupted()
    }

    fn env(&self, name: &str) -> Option<String> {
        self.inner.process.env(name)
    }

    fn has_program(&self, name: &str) -> bool {
        self.inner.process.has_program(name)
    }

    fn host(&self) -> String {
        self.inner.process.host()
    }
}

impl Confine for Faulty<'_> {
    pass_on! { process:
        writes make_dir(path: &Path) -> ();
        writes clear(places: &[PathBuf]) -> ();
    }

    fn bwrap(&self) -> std::result::Result<PathBuf, String> {
        self.inner.process.bwrap()
    }

    fn landlock(&self) -> std::result::Result<PathBuf, String> {
        self.inner.process.landlock()
    }

    fn spot(&self, path: &Path) -> Option<Spot> {
        self.inner.process.spot(path)
    }
}

impl Clock for Faulty<'_> {
    fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    fn elapsed(&self) -> Duration {
        self.inner.clock.elapsed()
    }

    fn zone(&self) -> Zone {
        self.inner.clock.zone()
    }
}

impl Ids for Faulty<'_> {
    fn random(&self) -> u128 {
        self.inner.ids.random()
    }
}

impl Files for Faulty<'_> {
    pass_on! { files:
        reads read(name: &str) -> Option<Vec<u8>>;
        reads open(name: &str) -> Option<Box<dyn Read>>;
        writes write(name: &str, content: &[u8], durable: bool) -> ();
        writes append(name: &str, content: &[u8]) -> ();
        writes remove(name: &str) -> ();
        writes prune(dir: &str, folders: usize, bytes: u64, spare: &[String]) -> ();
        reads list(dir: &str) -> Vec<String>;
        reads work_files(root: &Path, below: &str) -> Vec<WorkFile>;
        reads read_work(root: &Path, path: &str) -> Option<Vec<u8>>;
        reads read_report(root: &Path, path: &str, limit: u64) -> Option<Vec<u8>>;
        writes write_work(root: &Path, path: &str, content: Option<&[u8]>) -> ();
        writes lock(name: &str, patience: Duration) -> Option<Box<dyn Lock>>;
    }

    fn root(&self) -> &Path {
        self.inner.files.root()
    }
}
