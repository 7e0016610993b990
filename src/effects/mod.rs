//! The outside world behind a few narrow traits, plain data in and out.
//!
//! Invariant: everything that can fail on a machine is one of these calls; [`fault`] fails each of
//! them in turn to see that the promises hold. Not here: any decision.

pub mod fault;
pub mod os;

use bstr::BString;
use jiff::Timestamp;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use thiserror::Error;

/// What went wrong outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The disk or a quota is full.
    Full,
    /// The file system is read-only, or permission was denied.
    Denied,
    /// Something that must be there is not, or is damaged.
    Missing,
    /// The repository uses a feature that orch does not support.
    Unsupported,
    /// Another process holds a lock.
    Locked,
    /// git knows no identity to commit with.
    Identity,
    /// A person or another program has to act on the repository first.
    Repository,
    /// Anything else.
    Other,
}

/// A failed effect: the fact, and its class.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{fact}")]
pub struct EffectError {
    /// Lower case, names in backticks.
    pub fact: String,
    /// The class.
    pub trouble: Trouble,
}

impl EffectError {
    /// A failed effect.
    pub fn new(trouble: Trouble, fact: impl Into<String>) -> Self {
        Self { fact: fact.into(), trouble }
    }

    /// An input or output error on a path.
    #[must_use]
    #[expect(clippy::wildcard_enum_match_arm, reason = "the standard library's list grows")]
    pub fn io(doing: &str, path: &Path, error: &std::io::Error) -> Self {
        use std::io::ErrorKind as Kind;
        let trouble = match error.kind() {
            Kind::StorageFull | Kind::QuotaExceeded | Kind::FileTooLarge => Trouble::Full,
            Kind::PermissionDenied | Kind::ReadOnlyFilesystem => Trouble::Denied,
            Kind::NotFound => Trouble::Missing,
            Kind::WouldBlock => Trouble::Locked,
            _ => Trouble::Other,
        };
        Self::new(trouble, format!("cannot {doing} `{}`: {error}", path.display()))
    }
}

/// The result of an effect.
pub type Result<T> = std::result::Result<T, EffectError>;

/// The name of a git object: its hash.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Oid {
    bytes: [u8; 32],
    len: u8,
}

impl Oid {
    /// The hash with these bytes (20 of SHA-1, 32 of SHA-256).
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let len = bytes.len().min(32);
        let mut oid = Self { bytes: [0; 32], len: u8::try_from(len).unwrap_or(32) };
        oid.bytes[..len].copy_from_slice(&bytes[..len]);
        oid
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    /// The hash that 40 or 64 hexadecimal digits spell.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        if !matches!(text.len(), 40 | 64) || !text.is_ascii() {
            return None;
        }
        let bytes: Option<Vec<u8>> =
            (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).ok()).collect();
        bytes.map(|bytes| Self::from_bytes(&bytes))
    }

    /// The first digits, as people read them.
    #[must_use]
    pub fn short(&self) -> String {
        self.to_string().chars().take(9).collect()
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Oid({self})")
    }
}

/// Where `HEAD` points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Head {
    /// To a branch (without `refs/heads/`), which has a tip unless it is unborn.
    Branch(String, Option<Oid>),
    /// To a commit.
    Detached(Oid),
}

/// What a commit says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its own name.
    pub id: Oid,
    /// Its tree.
    pub tree: Oid,
    /// Its parents.
    pub parents: Vec<Oid>,
    /// When it was committed.
    pub time: Timestamp,
    /// Who wrote it.
    pub author: String,
    /// Its message.
    pub message: String,
}

/// A file mode as git stores it: `100644`, `100755`, `120000` (link), `160000` (submodule).
pub type Mode = u32;
/// An ordinary file.
pub const MODE_FILE: Mode = 0o100_644;
/// A program.
pub const MODE_PROGRAM: Mode = 0o100_755;
/// A symbolic link.
pub const MODE_LINK: Mode = 0o120_000;
/// A submodule.
pub const MODE_SUBMODULE: Mode = 0o160_000;

/// A file in a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeFile {
    /// Path from the root of the tree.
    pub path: BString,
    /// Its mode.
    pub mode: Mode,
    /// Its content.
    pub id: Oid,
}

/// How one path differs between two trees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Path from the root of the tree.
    pub path: BString,
    /// Mode and content before; none if it was not there.
    pub old: Option<(Mode, Oid)>,
    /// Mode and content after; none if it is gone.
    pub new: Option<(Mode, Oid)>,
}

/// One path to put into, or take out of, a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// Path from the root of the tree.
    pub path: BString,
    /// Mode and content; none takes it out.
    pub new: Option<(Mode, Oid)>,
}

/// A name and an address, as git writes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The name.
    pub name: String,
    /// The address.
    pub email: String,
}

/// A commit to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCommit {
    /// Its tree.
    pub tree: Oid,
    /// Its parents.
    pub parents: Vec<Oid>,
    /// Who commits; none means git's configured identity.
    pub author: Option<Identity>,
    /// When.
    pub time: Timestamp,
    /// The whole message.
    pub message: String,
}

/// What a three-way merge of trees gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Merge {
    /// Both sides fit together.
    Clean(Oid),
    /// They do not; the paths in question.
    Conflict(Vec<BString>),
}

/// What became of a compare-and-swap of a ref.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Swap {
    /// The ref has the new value.
    Done,
    /// The ref had another value than expected: this one.
    Moved(Option<Oid>),
}

/// What a look at a work tree gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The tree of everything that is there and not ignored.
    pub tree: Oid,
    /// Directories that are repositories of their own; not part of the tree.
    pub nested: Vec<BString>,
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
    /// [`Trouble::Locked`] when somebody else holds it, or wrote the index since it was opened.
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

    /// Which of the paths that differ between two trees hold something of the user's: changed
    /// against `from`, or in the way of `to`.
    ///
    /// # Errors
    /// When the work tree cannot be read.
    fn overlaps(&mut self, from: Oid, to: Oid) -> Result<Vec<BString>>;

    /// Writes the differences between two trees to the directory and the index in memory.
    /// Paths listed in `keep` are left as they are.
    ///
    /// # Errors
    /// When a file cannot be written; calling again continues.
    fn bring(&mut self, from: Oid, to: Oid, keep: &[BString]) -> Result<()>;

    /// Writes the index.
    ///
    /// # Errors
    /// When it cannot be written.
    fn save(&mut self) -> Result<()>;

    /// The git directory that programs in it see: the disposable one of a private work tree.
    fn git_dir(&self) -> PathBuf;

    /// Makes the index that programs in it see hold what the last look saw, as if it was staged.
    ///
    /// # Errors
    /// When it cannot be written.
    fn stage(&mut self) -> Result<()>;
}

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

    /// Whether a commit is reachable from another.
    ///
    /// # Errors
    /// When history cannot be read.
    fn is_ancestor(&self, ancestor: Oid, of: Oid) -> Result<bool>;

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

    /// The content of a blob.
    ///
    /// # Errors
    /// When it is not there.
    fn blob(&self, id: Oid) -> Result<Vec<u8>>;

    /// How two trees differ, in the order of paths, without renames.
    ///
    /// # Errors
    /// When a tree cannot be read.
    fn changes(&self, old: Oid, new: Oid) -> Result<Vec<Change>>;

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

    /// Merges two trees that began as `base`.
    ///
    /// # Errors
    /// When a tree cannot be read or written.
    fn merge(&self, base: Oid, ours: Oid, theirs: Oid) -> Result<Merge>;

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

    /// Makes everything written so far survive a loss of power.
    ///
    /// # Errors
    /// When the disk refuses.
    fn settle(&self) -> Result<()>;

    /// Moves a ref if it has the expected value (none: is not there). Durable when it returns.
    ///
    /// # Errors
    /// When git refuses for another reason than the ref's value.
    fn swap(&self, reference: &str, expected: Option<Oid>, new: Oid, reason: &str) -> Result<Swap>;

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

    /// The work tree in which a branch is checked out.
    ///
    /// # Errors
    /// When the repository cannot be read.
    fn checkout_of(&self, branch: &str) -> Result<Option<Checkout>>;

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

    /// Runs one of the repository's hooks, if there is one, on what a work tree holds, as if it was
    /// staged.
    ///
    /// # Errors
    /// When it cannot be run.
    fn hook(&self, name: &str, base: Oid, tree: &mut dyn WorkTree, message: &str) -> Result<HookRun>;

    /// The directory that all work trees of the repository share.
    fn common_dir(&self) -> &Path;

    /// The root of the work tree that the command was given in, if there is one.
    fn work_dir(&self) -> Option<&Path>;
}

/// What a hook did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookRun {
    /// There is none.
    Absent,
    /// It agreed; the commit message as it left it.
    Passed(String),
    /// It refused; its last lines.
    Refused(String),
}

/// A program to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// The program, then its arguments.
    pub argv: Vec<String>,
    /// Where.
    pub dir: PathBuf,
    /// Everything that it sees in its environment.
    pub env: Vec<(String, String)>,
    /// What it reads on standard input.
    pub stdin: Vec<u8>,
    /// The longest that it may take.
    pub timeout: Duration,
    /// The longest that it may print nothing.
    pub idle_timeout: Option<Duration>,
    /// The most that it may print, in bytes.
    pub output_limit: u64,
}

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// By itself, with this code.
    Exited(i32),
    /// By this signal, which orch did not send.
    Signalled(i32),
    /// After its time limit.
    TimedOut,
    /// After printing nothing for too long.
    Silent,
    /// After printing too much.
    Flooded,
    /// Because orch was told to stop.
    Interrupted,
    /// It could not be started; why.
    NotStarted(String),
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(code) => write!(f, "exit {code}"),
            Self::Signalled(signal) => write!(f, "signal {signal}"),
            Self::TimedOut => f.write_str("timed out"),
            Self::Silent => f.write_str("silent for too long"),
            Self::Flooded => f.write_str("printed too much"),
            Self::Interrupted => f.write_str("interrupted"),
            Self::NotStarted(why) => write!(f, "not started: {why}"),
        }
    }
}

/// What a program did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// How it ended.
    pub ended: Ended,
    /// What it printed to standard output, the last megabyte.
    pub stdout: Vec<u8>,
    /// What it printed to standard error, the last megabyte.
    pub stderr: Vec<u8>,
    /// How long it took.
    pub duration_ms: u64,
    /// Processes that it left running, which were ended.
    pub survivors: u32,
}

/// Running programs.
pub trait Process {
    /// Runs a program in a group of its own until it ends, then ends everything that it left.
    /// A program that cannot be started is a fact ([`Ended::NotStarted`]), not an error.
    ///
    /// # Errors
    /// When the machine cannot watch it.
    fn run(&self, invocation: &Invocation) -> Result<Finished>;

    /// Ends what a run whose orch was killed left running; its prompts and outcome are in `dir`.
    /// What cannot be seen is left.
    ///
    /// # Errors
    /// When something is seen and does not end.
    fn end_strays(&self, run: &str, dir: &Path) -> Result<()>;

    /// Whether orch was told to stop.
    fn interrupted(&self) -> Option<i32>;

    /// A variable of orch's own environment.
    fn env(&self, name: &str) -> Option<String>;
}

/// The time.
pub trait Clock {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// Randomness.
pub trait Ids {
    /// Random bits.
    fn random(&self) -> u128;
}

/// A file of a work tree, with what changes when its content does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkFile {
    /// Path from the root, with `/`.
    pub path: String,
    /// Size, inode, times of modification and change in nanoseconds.
    pub stamp: [u64; 4],
}

/// A held lock; dropping it, or the end of the process, lets go.
pub trait Lock {}

/// Files that are local to this clone, below `.git/orch/`.
pub trait Files {
    /// The directory.
    fn root(&self) -> &Path;

    /// A file's content; none if it is not there.
    ///
    /// # Errors
    /// When it cannot be read.
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>>;

    /// Replaces a file at once; `durable` makes it survive a loss of power.
    ///
    /// # Errors
    /// When it cannot be written.
    fn write(&self, name: &str, content: &[u8], durable: bool) -> Result<()>;

    /// Removes a file, if it is there.
    ///
    /// # Errors
    /// When it cannot be removed.
    fn remove(&self, name: &str) -> Result<()>;

    /// Names of the files in a directory.
    ///
    /// # Errors
    /// When it cannot be read.
    fn list(&self, dir: &str) -> Result<Vec<String>>;

    /// The files below a directory of a work tree, in the order of their paths.
    ///
    /// # Errors
    /// When a directory cannot be read.
    fn work_files(&self, root: &Path, below: &str) -> Result<Vec<WorkFile>>;

    /// The content of a file of a work tree; none if it is not there.
    ///
    /// # Errors
    /// When it cannot be read.
    fn read_work(&self, root: &Path, path: &str) -> Result<Option<Vec<u8>>>;

    /// Replaces (or, without content, removes) a file of a work tree.
    ///
    /// # Errors
    /// When it cannot be written.
    fn write_work(&self, root: &Path, path: &str, content: Option<&[u8]>) -> Result<()>;

    /// Takes a lock, trying for at most `patience`; none if another process still holds it then.
    ///
    /// # Errors
    /// When the lock file cannot be made.
    fn lock(&self, name: &str, patience: Duration) -> Result<Option<Box<dyn Lock>>>;
}

/// All of the outside world.
#[derive(Clone, Copy)]
pub struct World<'w> {
    /// The trusted repository.
    pub git: &'w dyn Git,
    /// Running programs.
    pub process: &'w dyn Process,
    /// The time.
    pub clock: &'w dyn Clock,
    /// Randomness.
    pub ids: &'w dyn Ids,
    /// Local files.
    pub files: &'w dyn Files,
}
