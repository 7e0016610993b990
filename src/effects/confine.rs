//! What confining a program needs of the machine: which means it has, and what lies where.

use super::Result;
use std::path::{Path, PathBuf};

/// How bubblewrap is called, before anything that belongs to one program: everything read-only, own
/// users, processes and devices, nothing survives its parent. `/proc/sys` stays read-only also for root.
pub const BWRAP_BASE: [&str; 19] = [
    "--ro-bind",
    "/",
    "/",
    "--dev",
    "/dev",
    "--proc",
    "/proc",
    "--ro-bind",
    "/proc/sys",
    "/proc/sys",
    "--unshare-user",
    "--unshare-pid",
    "--unshare-ipc",
    "--unshare-uts",
    "--unshare-cgroup-try",
    "--die-with-parent",
    "--new-session",
    "--cap-drop",
    "ALL",
];

/// What lies at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    /// The same place without symbolic links.
    pub real: PathBuf,
    /// Whether it is a directory.
    pub is_dir: bool,
    /// The size of a plain file; none for everything else.
    pub size: Option<u64>,
    /// Whether the path itself is a symbolic link.
    pub is_link: bool,
}

/// Confining programs.
pub trait Confine {
    /// The program of bubblewrap, tried once; why it cannot be used here.
    ///
    /// # Errors
    /// When it is not there, or the machine does not let it work.
    fn bwrap(&self) -> std::result::Result<PathBuf, String>;

    /// The program that restricts itself by landlock and becomes another (orch's own, with its hidden
    /// command); why it cannot be used here.
    ///
    /// # Errors
    /// When the kernel does not have it.
    fn landlock(&self) -> std::result::Result<PathBuf, String>;

    /// What lies at a path; none if nothing does, or it cannot be looked at.
    fn spot(&self, path: &Path) -> Option<Spot>;

    /// Makes a directory, and those above it.
    ///
    /// # Errors
    /// When it cannot be made.
    fn make_dir(&self, path: &Path) -> Result<()>;

    /// Removes what confining left where nothing was: empty files, empty directories. The deepest
    /// comes last.
    ///
    /// # Errors
    /// When one cannot be removed.
    fn clear(&self, places: &[PathBuf]) -> Result<()>;
}
