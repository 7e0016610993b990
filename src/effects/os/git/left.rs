//! Locks of git's that were left behind: those that are old, and where no git works that could still hold them.

use super::super::sweep;
use super::bring::remove_any;
use super::{Checkout, Result};
use crate::effects::os::files;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a lock lies there before it counts as left behind.
const OLD: Duration = Duration::from_secs(1);
/// How deep they are looked for.
const DEPTH: usize = 16;

/// The locks of git's that lie in its directories; those on orch's own refs, it puts right itself.
pub(super) fn locks(common: &Path, git_dir: &Path) -> BTreeSet<OsString> {
    let mut found = BTreeSet::new();
    for dir in BTreeSet::from([common, git_dir]) {
        add_locks(dir, 0, &mut found);
        add_locks(&dir.join("refs"), DEPTH, &mut found);
    }
    found
}

fn add_locks(dir: &Path, depth: usize, into: &mut BTreeSet<OsString>) {
    for found in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = found.path();
        match found.file_type() {
            Ok(kind) if kind.is_dir() && depth > 0 && !path.ends_with("refs/orch") => {
                add_locks(&path, depth - 1, into);
            }
            Ok(kind) if !kind.is_dir() && path.extension().is_some_and(|end| end == "lock") => {
                into.insert(path.into_os_string());
            }
            Ok(_) | Err(_) => {}
        }
    }
}

/// The folders in which a git may work that locks what all work trees share.
pub(super) fn work_trees(common: &Path) -> Vec<PathBuf> {
    let linked = fs::read_dir(common.join("worktrees")).into_iter().flatten().flatten();
    let linked = linked.filter_map(|tree| {
        let git_file = fs::read_to_string(tree.path().join("gitdir")).ok()?;
        Path::new(git_file.trim_end()).parent().map(Path::to_owned)
    });
    let main = common.parent().filter(|_| common.ends_with(".git")).map(Path::to_owned);
    linked.chain(main).chain([common.to_owned()]).collect()
}

/// Removes the locks that came since, and that are old: no git that works there still makes or holds one.
pub(super) fn remove_locks(
    common: &Path,
    checkout: &Checkout,
    before: &BTreeSet<OsString>,
) -> Result<Vec<PathBuf>> {
    let new: Vec<PathBuf> = locks(common, &checkout.git_dir).difference(before).map(PathBuf::from).collect();
    let mut removed = Vec::new();
    for lock in new {
        let mut users = vec![checkout.dir.clone(), checkout.git_dir.clone()];
        if !lock.starts_with(&checkout.git_dir) || checkout.git_dir == common {
            users.extend(work_trees(common));
            // Where others cannot be seen, only what is the agent's alone is taken away.
            if !cfg!(target_os = "linux") && !lock.ends_with("index.lock") {
                continue;
            }
        }
        if remove_left(&lock, &users)? {
            removed.push(lock);
        }
    }
    Ok(removed)
}

/// Removes a lock once it is old, unless a git works in one of these folders, which may hold it; whether it is gone.
pub(super) fn remove_left(lock: &Path, users: &[PathBuf]) -> Result<bool> {
    let which = || fs::symlink_metadata(lock).map(|lock| (lock.ino(), lock.modified().ok())).ok();
    let seen = which();
    files::wait_until_old(lock, OLD)?;
    // Whoever has made another one meanwhile is at work.
    let is_left = seen.is_some() && which() == seen && !sweep::git_works_in(users);
    if is_left {
        remove_any(lock)?;
    }
    Ok(is_left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_work_tree_may_hold_what_all_of_them_share() {
        let dir = tempfile::tempdir().expect("a directory");
        let common = dir.path().join("main/.git");
        fs::create_dir_all(common.join("worktrees/other")).expect("folders");
        let git_file = dir.path().join("other/.git");
        fs::write(common.join("worktrees/other/gitdir"), format!("{}\n", git_file.display()))
            .expect("a file");
        let expected = [dir.path().join("other"), dir.path().join("main"), common.clone()];
        assert_eq!(work_trees(&common), expected);
    }
}
