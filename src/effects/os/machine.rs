//! Facts about the machine.

use crate::effects::{EffectError, Result};
use std::path::Path;

/// What `git --version` prints; none when there is no git.
#[must_use]
pub fn git_version() -> Option<String> {
    duct::cmd("git", ["--version"]).stderr_null().read().ok()
}

/// How much room there is where a folder is, or would be made.
///
/// # Errors
/// When it could not be written.
pub fn room(dir: &Path) -> Result<u64> {
    let there = dir.ancestors().find(|at| at.is_dir()).unwrap_or(dir);
    let failed = |error: rustix::io::Errno| EffectError::io("write to", there, &error.into());
    rustix::fs::access(there, rustix::fs::Access::WRITE_OK).map_err(failed)?;
    let stat = rustix::fs::statvfs(there).map_err(failed)?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_that_of_the_nearest_folder_that_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let below = dir.path().join("a/b/c");
        assert!(room(&below).is_ok_and(|bytes| bytes > 0));
    }
}
