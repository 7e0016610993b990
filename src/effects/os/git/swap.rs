//! Moving a branch without starting git: what `git update-ref` does in the plain case, by its protocol.
//!
//! Git's lock on a ref is the file `<ref>.lock`, which only one process can make; what is written to
//! it becomes the ref by a rename. So the value that is read while it is held is the one that counts,
//! whoever else moves refs or packs them. `HEAD` is held as well while the branch moves that it names,
//! and both get a line in their logs before the rename. A lock that a killed orch leaves looks like a
//! killed git's, and is told and removed like one.
//!
//! Not here: refs that are packed, symbolic, new or without a log, hooks that want to know, locks that
//! somebody holds. Nothing is done about those, and git itself is asked.

use super::super::signals::Moment;
use super::{EffectError, Oid, OsGit, Result};
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// A lock that was made here; dropping it removes the file.
struct Lock(PathBuf);

impl Lock {
    /// Makes it; none if it cannot be made, for whatever reason.
    fn take(of: &Path, content: &str) -> Option<Self> {
        let mut path = of.as_os_str().to_owned();
        path.push(".lock");
        let path = PathBuf::from(path);
        let mut file = OpenOptions::new().write(true).create_new(true).open(&path).ok()?;
        let lock = Self(path);
        let written = file.write_all(content.as_bytes());
        // Nothing is written to `HEAD`, and so nothing of it has to last.
        let synced = written.and_then(|()| if content.is_empty() { Ok(()) } else { file.sync_all() });
        synced.ok().map(|()| lock)
    }

    fn release(self) -> Result<()> {
        fs::remove_file(&self.0).map_err(|error| EffectError::io("remove", &self.0, &error))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // What stays is removed by the next command that finds it in its way.
        let _ = fs::remove_file(&self.0);
    }
}

impl OsGit {
    /// Moves a ref that is where it is expected. False if git has to be asked; nothing was then done.
    ///
    /// # Errors
    /// When the last move fails; the ref may have moved all the same.
    pub(super) fn move_ref(&self, name: &str, expected: Oid, new: Oid, reason: &str) -> Result<bool> {
        let Some(entry) = self.log_entry(expected, new, reason) else { return Ok(false) };
        let path = self.repo().common_dir().join(name);
        let head = self.repo().git_dir().join("HEAD");
        if !self.is_plain(name) {
            return Ok(false);
        }
        let _moment = Moment::begin();
        let Some(lock) = Lock::take(&path, &format!("{new}\n")) else { return Ok(false) };
        let head_names_it = || holds(&head, &format!("ref: {name}"));
        let head_lock = if head_names_it() { Lock::take(&head, "") } else { None };
        // Only now, that nobody else can move either.
        if head_names_it() != head_lock.is_some() || !holds(&path, &expected.to_string()) {
            return Ok(false);
        }
        let mut logs = vec![self.repo().common_dir().join("logs").join(name)];
        logs.extend(head_lock.as_ref().map(|_| self.repo().git_dir().join("logs/HEAD")));
        if !logs.iter().all(|log| log.is_file()) {
            return Ok(false);
        }
        for log in logs {
            let append = OpenOptions::new().append(true).open(&log);
            append
                .and_then(|mut file| file.write_all(&entry))
                .map_err(|error| EffectError::io("write to", &log, &error))?;
        }
        // `HEAD` need not be held any longer; a lock that stays is told of while the ref can still stay.
        head_lock.map_or(Ok(()), Lock::release)?;
        fs::rename(&lock.0, &path).map_err(|error| EffectError::io("move", &path, &error))?;
        std::mem::forget(lock);
        Ok(true)
    }

    /// Whether nobody wants to hear of moved refs, and files have the permissions that they get.
    fn is_plain(&self, name: &str) -> bool {
        let config = self.repo().config_snapshot();
        let hook = self.repo().common_dir().join("hooks/reference-transaction");
        name.starts_with("refs/heads/")
            && config.string("core.hooksPath").is_none()
            && config.string("core.sharedRepository").is_none()
            && fs::symlink_metadata(hook).is_err()
    }

    /// A line of a ref's log; none where git knows nobody to name in it.
    fn log_entry(&self, old: Oid, new: Oid, reason: &str) -> Option<Vec<u8>> {
        let mut entry = format!("{old} {new} ").into_bytes();
        self.mover()?.write_to(&mut entry).ok()?;
        let reason: Vec<&str> = reason.split_whitespace().collect();
        entry.extend_from_slice(format!("\t{}\n", reason.join(" ")).as_bytes());
        Some(entry)
    }
}

/// Whether a file holds this line and no more; a link holds none.
fn holds(path: &Path, line: &str) -> bool {
    let plain = fs::symlink_metadata(path).is_ok_and(|found| found.is_file());
    plain && fs::read(path).is_ok_and(|bytes| bytes.trim_ascii_end() == line.as_bytes())
}
