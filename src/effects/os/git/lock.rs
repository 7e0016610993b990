//! The lock on a user's index: git's own `index.lock`, so that git and orch exclude each other.
//!
//! It is made as a second name (a hard link) of `index.orch` beside it: after a crash, an
//! `index.lock` that is the same file as `index.orch` is known to be orch's and is removed at the
//! next opening; any other is somebody else's and is left alone.

use super::super::signals::Moment;
use super::{EffectError, OsGit, Result, Trouble, bring};
use std::fs;
use std::path::{Path, PathBuf};

/// The held lock of a user's index.
pub(super) struct IndexLock {
    lock: PathBuf,
    own: PathBuf,
    /// While it is held, for git waits for it meanwhile.
    moment: Option<Moment>,
}

impl OsGit {
    /// Removes the index locks that a killed orch left in any work tree.
    pub(super) fn remove_index_locks(&self) -> Result<()> {
        let common = self.repo().common_dir();
        let linked = fs::read_dir(common.join("worktrees")).into_iter().flatten().flatten();
        let all = std::iter::once(common.to_owned()).chain(linked.map(|entry| entry.path()));
        for git_dir in all {
            // Nothing is dropped here: dropping is for a lock that was taken.
            std::mem::ManuallyDrop::new(IndexLock::of(&git_dir)).recover()?;
        }
        Ok(())
    }
}

impl IndexLock {
    fn of(git_dir: &Path) -> Self {
        Self { lock: git_dir.join("index.lock"), own: git_dir.join("index.orch"), moment: None }
    }

    pub(super) fn take(git_dir: &Path) -> Result<Self> {
        let mut this = Self::of(git_dir);
        this.recover()?;
        this.moment = Some(Moment::begin());
        bring::create(&this.own, b"", crate::effects::MODE_FILE, false)?;
        match fs::hard_link(&this.own, &this.lock) {
            Ok(()) => Ok(this),
            Err(error) => {
                this.moment = None;
                let _ = fs::remove_file(&this.own);
                if error.kind() == std::io::ErrorKind::AlreadyExists {
                    let fact = format!("another git process holds `{}`", this.lock.display());
                    std::mem::forget(this);
                    return Err(EffectError::new(Trouble::Locked, fact));
                }
                let failed = EffectError::io("make", &this.lock, &error);
                std::mem::forget(this);
                Err(failed)
            }
        }
    }

    /// The lock of a git directory that somebody holds; what a killed orch left is none.
    pub(super) fn held(git_dir: &Path) -> Result<Option<PathBuf>> {
        let this = std::mem::ManuallyDrop::new(Self::of(git_dir));
        if this.is_own() {
            return Ok(None);
        }
        match fs::symlink_metadata(&this.lock) {
            Ok(_) => Ok(Some(this.lock.clone())),
            Err(error) if bring::is_absent(&error) => Ok(None),
            Err(error) => Err(EffectError::io("read", &this.lock, &error)),
        }
    }

    /// Whether the lock is one that orch made.
    fn is_own(&self) -> bool {
        use std::os::unix::fs::MetadataExt as _;
        let number = |path: &Path| fs::symlink_metadata(path).map(|file| (file.dev(), file.ino())).ok();
        number(&self.own).is_some_and(|own| number(&self.lock) == Some(own))
    }

    /// Removes what a crash left, and nothing else.
    fn recover(&self) -> Result<()> {
        if fs::symlink_metadata(&self.own).is_err() {
            return Ok(());
        }
        if self.is_own() {
            bring::remove_any(&self.lock)?;
        }
        bring::remove_any(&self.own)
    }

    /// The file that becomes the index.
    pub(super) fn path(&self) -> &Path {
        &self.lock
    }

    /// Makes what was written the index.
    pub(super) fn commit(&self, index: &Path) -> Result<()> {
        fs::rename(&self.lock, index).map_err(|error| EffectError::io("write", index, &error))?;
        bring::remove_any(&self.own)
    }
}

impl Drop for IndexLock {
    fn drop(&mut self) {
        // Failing leaves two names of one file, which the next opening recognises.
        let _ = self.recover();
    }
}
