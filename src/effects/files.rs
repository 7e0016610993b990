//! Files that are local to a clone, and those of a work tree.

use super::{Mode, Result};
use std::io::Read;
use std::path::Path;
use std::time::Duration;

/// A file of a work tree, with what changes when its content does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkFile {
    /// Path from the root, with `/`.
    pub path: String,
    /// A file or a link, as git tells them apart; none where it is neither (a pipe, a socket).
    pub mode: Option<Mode>,
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

    /// A file, to be read piece by piece; none if it is not there.
    ///
    /// # Errors
    /// When it cannot be opened.
    fn open(&self, name: &str) -> Result<Option<Box<dyn Read>>>;

    /// Replaces a file at once; `durable` makes it survive a loss of power.
    ///
    /// # Errors
    /// When it cannot be written.
    fn write(&self, name: &str, content: &[u8], durable: bool) -> Result<()>;

    /// Writes to the end of a file, which is made if it is not there.
    ///
    /// # Errors
    /// When it cannot be written.
    fn append(&self, name: &str, content: &[u8]) -> Result<()>;

    /// Removes a file, if it is there.
    ///
    /// # Errors
    /// When it cannot be removed.
    fn remove(&self, name: &str) -> Result<()>;

    /// Removes folders of a directory, the first by name first, until at most so many are left and they
    /// hold at most so many bytes. The last one stays, and those to be spared.
    ///
    /// # Errors
    /// When one cannot be removed.
    fn prune(&self, dir: &str, folders: usize, bytes: u64, spare: &[String]) -> Result<()>;

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

    /// The content of a file of a work tree, if it is an ordinary one of at most `limit` bytes to
    /// which no link leads; none if it is not there.
    ///
    /// # Errors
    /// When it is something else, larger, or cannot be read.
    fn read_report(&self, root: &Path, path: &str, limit: u64) -> Result<Option<Vec<u8>>>;

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
