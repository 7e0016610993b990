//! A place that holds a tree: a directory with its index.

use super::{Oid, Result};
use bstr::BString;
use std::path::{Path, PathBuf};

/// What a look at a work tree gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The tree of everything that is there and not ignored.
    pub tree: Oid,
    /// Directories that are repositories of their own; what they hold is part of the tree like all else.
    pub nested: Vec<BString>,
    /// Directories so deep that the system lets no program name what they hold: that is no part of the tree.
    pub too_deep: Vec<BString>,
    /// Files that git would not take in as they are; the tree has of them what could be kept.
    pub unfit: Vec<Unfit>,
}

impl Seen {
    /// A tree, and nothing that no tree can say.
    #[must_use]
    pub fn of(tree: Oid) -> Self {
        Self { tree, nested: Vec::new(), too_deep: Vec::new(), unfit: Vec::new() }
    }

    /// Whether a tree says all of it.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.nested.is_empty() && self.too_deep.is_empty()
    }
}

/// A file that git would not take in as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    /// Where.
    pub path: BString,
    /// Why.
    pub why: String,
}

/// What lies in the submodules of a work tree and is not what a tree names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inside {
    /// The paths that differ.
    pub paths: Vec<BString>,
    /// The tree with what could be kept of them in place of the submodules that they are in.
    pub kept: Oid,
}

/// A work tree that is checked out from a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkout {
    /// Its root.
    pub dir: PathBuf,
    /// Its private git directory.
    pub git_dir: PathBuf,
    /// What is under way in it (`merge`, `rebase`, …), if anything.
    pub in_progress: Option<String>,
}

/// What somebody's git left in a checkout beside files and refs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Astray {
    /// The branch, or the commit, that is checked out instead of the one that was.
    pub checked_out: Option<String>,
    /// Whether that is a branch.
    pub is_branch: bool,
    /// What was begun and not ended (`merge`, `rebase`, …).
    pub unfinished: Option<&'static str>,
    /// Commits that perhaps nothing else names.
    pub commits: Vec<Oid>,
}

/// What had to be put right of what directs git in a checkout.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Restored {
    /// The files of its configuration and hooks that somebody changed, from the root of the checkout.
    pub settings: Vec<PathBuf>,
    /// Where that lies which they had become.
    pub aside: PathBuf,
    /// The locks that were left.
    pub locks: Vec<PathBuf>,
}

/// A path that a merge left undecided: the file of each side, where that has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undecided {
    /// Where.
    pub path: BString,
    /// As both sides began.
    pub before: Option<Oid>,
    /// As it was here.
    pub ours: Option<Oid>,
    /// As it came from elsewhere.
    pub theirs: Option<Oid>,
}

/// A directory with an index of its own. Both are brought along together.
pub trait WorkTree {
    /// Its root.
    fn dir(&self) -> &Path;

    /// The tree that the index stands for.
    fn index_tree(&self) -> Option<Oid>;

    /// Takes git's lock on the index of a user's work tree, until it is saved or dropped. A private
    /// one needs none.
    ///
    /// # Errors
    /// [`Trouble::Locked`](super::Trouble::Locked) when somebody else holds it, or wrote the index since it was opened.
    fn lock(&mut self) -> Result<()>;

    /// Reads the index again if somebody else wrote it since it was read.
    ///
    /// # Errors
    /// When it cannot be read.
    fn refresh(&mut self) -> Result<()>;

    /// Hashes everything that is there and not ignored, writing what is new as objects.
    ///
    /// # Errors
    /// When a file cannot be read, or an object cannot be written.
    fn snapshot(&mut self) -> Result<Seen>;

    /// The same; from here on it is heard what changes, where that can be.
    ///
    /// # Errors
    /// As [`Self::snapshot`].
    fn attend(&mut self) -> Result<Seen>;

    /// The same again, from what was heard since; where nothing was, all of it is looked at. What was
    /// written through a new name of a file, elsewhere, is not heard of: nothing may rest on that.
    ///
    /// # Errors
    /// As [`Self::snapshot`].
    fn catch_up(&mut self) -> Result<Seen>;

    /// Which of the paths that differ between two trees hold something of the user's: changed
    /// against `from`, or in the way of `to`.
    ///
    /// # Errors
    /// When the work tree cannot be read.
    fn overlaps(&mut self, from: Oid, to: Oid) -> Result<Vec<BString>>;

    /// Writes what [`Self::bring`] between these trees will put in place to where it only has to be moved from;
    /// the next [`Git::settle`](super::Git::settle) makes it durable. Nothing of the work tree changes.
    ///
    /// # Errors
    /// When a file cannot be written.
    fn prepare(&mut self, from: Oid, to: Oid) -> Result<()>;

    /// Writes the differences between two trees to the directory and the index in memory.
    /// Paths listed in `keep` are left as they are.
    ///
    /// # Errors
    /// When a file cannot be written; calling again continues.
    fn bring(&mut self, from: Oid, to: Oid, keep: &[BString]) -> Result<()>;

    /// Takes paths out of the index in memory; what lies there stays, and shows where no rule ignores it.
    fn forget(&mut self, paths: &[BString]);

    /// Writes the index.
    ///
    /// # Errors
    /// When it cannot be written.
    fn save(&mut self) -> Result<()>;

    /// Removes from a private work tree everything that is there and not in its index, but for these
    /// paths (or names, where one has no `/`), and says how much that was; with `look` it is only
    /// counted.
    ///
    /// # Errors
    /// When something cannot be removed, or the work tree is a person's.
    fn purge(&mut self, keep: &[BString], look: bool) -> Result<usize>;

    /// Looks at what the submodules of a tree hold that is not what it names, committed there or not.
    ///
    /// # Errors
    /// When it cannot be read, or an object cannot be written.
    fn inside(&mut self, tree: Oid) -> Result<Inside>;

    /// Empties those submodules of a private work tree that are not what a tree names, or have lost their repository;
    /// whether there were any.
    ///
    /// # Errors
    /// When something cannot be read or removed.
    fn empty_submodules(&mut self, tree: Oid) -> Result<bool>;

    /// Makes ordinary folders of those that are repositories of their own, and takes away those that are too deep: the
    /// differences between trees then take away the rest. In a user's work tree, what may have been there before is
    /// moved aside.
    ///
    /// # Errors
    /// When something cannot be removed or moved.
    fn flatten(&mut self, seen: &Seen) -> Result<()>;

    /// Removes from a private work tree the ignore files that are not in its index and lie where tracked files
    /// are; whether there were any. Such a file may hide itself, and with it whatever comes to lie there.
    ///
    /// # Errors
    /// As [`Self::purge`].
    fn unhide(&mut self) -> Result<bool>;

    /// The git directory that programs in it see: the disposable one of a private work tree.
    fn git_dir(&self) -> PathBuf;

    /// Makes the index that programs in it see hold what the last look saw, as if it was staged.
    ///
    /// # Errors
    /// When it cannot be written.
    fn stage(&mut self) -> Result<()>;
}
