//! Facts about the machine.

use std::path::Path;

/// What `git --version` prints; none when there is no git.
#[must_use]
pub fn git_version() -> Option<String> {
    duct::cmd("git", ["--version"]).stderr_null().read().ok()
}

/// How much room there is where a folder is, or would be made; none when it could not be written.
#[must_use]
pub fn room(dir: &Path) -> Option<u64> {
    let there = dir.ancestors().find(|at| at.is_dir())?;
    rustix::fs::access(there, rustix::fs::Access::WRITE_OK).ok()?;
    let stat = rustix::fs::statvfs(there).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_that_of_the_nearest_folder_that_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let below = dir.path().join("a/b/c");
        assert!(room(&below).is_some_and(|bytes| bytes > 0));
    }
}
