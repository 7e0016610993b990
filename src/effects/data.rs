//! What goes through the traits: plain data, in the words of git and of the operating system.

use super::Input;
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
    /// Permission was denied.
    Denied,
    /// A file or folder where orch works is another user's; the fact names it first.
    Foreign,
    /// The file system is read-only.
    ReadOnly,
    /// Something that must be there is not, or is damaged.
    Missing,
    /// A partial clone lacks it, and its remote did not give it.
    Promised,
    /// The repository uses a feature that orch does not support.
    Unsupported,
    /// Another process holds a lock.
    Locked,
    /// git knows no identity to commit with.
    Identity,
    /// A commit could not be signed.
    Signing,
    /// A remote does not answer, or what became of a request is not known.
    Unreachable,
    /// A person or another program has to act on the repository first.
    Repository,
    /// Anything else.
    Other,
}

impl Trouble {
    /// Whether nothing can be written there.
    #[must_use]
    pub fn forbids_writing(self) -> bool {
        matches!(self, Self::Full | Self::Denied | Self::ReadOnly)
    }
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

    /// An input or output error on a path, without the number and the other file that some of them name.
    #[must_use]
    #[expect(clippy::wildcard_enum_match_arm, reason = "the standard library's list grows")]
    pub fn io(doing: &str, path: &Path, error: &std::io::Error) -> Self {
        use std::io::ErrorKind as Kind;
        let trouble = match error.kind() {
            Kind::StorageFull | Kind::QuotaExceeded | Kind::FileTooLarge => Trouble::Full,
            Kind::PermissionDenied => Trouble::Denied,
            Kind::ReadOnlyFilesystem => Trouble::ReadOnly,
            Kind::NotFound => Trouble::Missing,
            Kind::WouldBlock => Trouble::Locked,
            _ => Trouble::Other,
        };
        let text = error.to_string();
        let (why, _) = text.split_once(" (os error ").unwrap_or((&text, ""));
        Self::new(trouble, format!("cannot {doing} `{}`: {why}", path.display()))
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
    /// Whether git's settings decide if it is signed; what only keeps work never is.
    pub may_sign: bool,
}

/// What a three-way merge of trees gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Merge {
    /// Both sides fit together.
    Clean(Oid),
    /// They do not; the paths in question.
    Conflict(Vec<BString>),
}

/// What an agent left in the disposable repository of a private work tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behind {
    /// The commits that were taken in.
    pub commits: Vec<Oid>,
    /// How many names of others were not looked at, as there were too many.
    pub left_out: usize,
}

/// What became of a compare-and-swap of a ref.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Swap {
    /// The ref has the new value.
    Done,
    /// The ref had another value than expected: this one.
    Moved(Option<Oid>),
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
    pub stdin: Input,
    /// The longest that it may take.
    pub timeout: Duration,
    /// The longest that it may print nothing.
    pub idle_timeout: Option<Duration>,
    /// The most that it may print, in bytes.
    pub output_limit: u64,
    /// How it is asked to end.
    pub stop: Stop,
}

/// How a program is asked to end, before it is made to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stop {
    /// By SIGTERM.
    #[default]
    Terminate,
    /// By SIGINT, which some programs clean up after, and after SIGTERM not.
    Interrupt,
    /// By SIGINT, and then it has the time that an orch needs to end its own programs and keep the work.
    Settle,
}

/// A file that a program writes beside its output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Follow {
    /// The folder that it lies in, at any depth.
    pub below: PathBuf,
    /// The end of its path.
    pub ends: String,
}

/// What whoever watches a program says about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// It may go on.
    GoOn,
    /// It is to be ended, which is then how it ended.
    End(Ended),
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
    /// Because whoever watched it had a reason; which.
    Stopped(String),
    /// It had done what it was asked, and would not have ended by itself.
    Dismissed,
    /// It could not be started; why.
    NotStarted(String),
}

impl Ended {
    /// Whether it ended by itself, and was not ended.
    #[must_use]
    pub fn is_its_own(&self) -> bool {
        match self {
            Self::Exited(_) | Self::Signalled(_) | Self::NotStarted(_) => true,
            Self::TimedOut
            | Self::Silent
            | Self::Flooded
            | Self::Interrupted
            | Self::Stopped(_)
            | Self::Dismissed => false,
        }
    }
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
            Self::Stopped(why) => write!(f, "stopped: {why}"),
            Self::Dismissed => f.write_str("done, then ended"),
            Self::NotStarted(why) => write!(f, "not started: {why}"),
        }
    }
}

/// How much of what a program prints is kept, in bytes: the end.
pub const KEPT_OUTPUT: usize = 1 << 20;

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
