//! What lies below a directory of the work tree and is not committed.
//!
//! The caller has listed the directory; that list, the index and the tree of `HEAD` run side by
//! side. Most often all three agree, which costs no further look at the disk. Paths about which they
//! do not are handed to the full comparison, which knows filters, modes and ignore rules.
//!
//! Invariant: a file only counts as unchanged when size, inode and both times are those in the
//! index, and its time is older than the index.

use super::place::{Place, is_blank, load_index};
use super::scan::COMPARE;
use super::{Checkout, Oid, OsGit, Result, TreeFile, oid};
use crate::effects::{Git as _, Trouble, Undecided, WorkFile};
use bstr::{BString, ByteSlice as _};
use gix::index::Entry;
use gix::index::entry::Flags;
use std::cmp::Ordering;

/// The most paths that are looked at one by one; for more, the whole directory is.
const SUSPECTS_MAX: usize = 50;

impl OsGit {
    /// Paths below a directory at which `HEAD`, index and work tree are not all the same.
    pub(super) fn uncommitted_below(
        &self,
        below: &str,
        files: &[WorkFile],
        limit: usize,
    ) -> Result<Vec<BString>> {
        let Some(dir) = self.repo().workdir() else { return Ok(Vec::new()) };
        let checkout =
            Checkout { dir: dir.to_owned(), git_dir: self.repo().git_dir().to_owned(), in_progress: None };
        if is_blank(&checkout.git_dir.join("index"))? {
            // Nobody can say of any of it that it is as it was committed.
            return Ok(vec![below.into()]);
        }
        let suspects = match Place::of_user(self, &checkout) {
            Ok(place) if self.is_staged_free(&place, below)? => suspects(&place, below, files),
            Err(error) if error.trouble == Trouble::Unsupported => return Err(error),
            Ok(_) | Err(_) => vec![below.into()],
        };
        if suspects.is_empty() {
            return Ok(Vec::new());
        }
        let whole = vec![below.into()];
        self.differences(if suspects.len() > SUSPECTS_MAX { whole } else { suspects }, limit)
    }

    /// Paths below a directory that have stages in the index.
    pub(super) fn undecided_below(&self, below: &str) -> Result<Vec<Undecided>> {
        let Some(dir) = self.repo().workdir() else { return Ok(Vec::new()) };
        let checkout =
            Checkout { dir: dir.to_owned(), git_dir: self.repo().git_dir().to_owned(), in_progress: None };
        let place = Place::of_user(self, &checkout)?;
        let prefix = BString::from(format!("{below}/"));
        let range = place.index.prefixed_entries_range(prefix.as_bstr()).unwrap_or_default();
        let mut found: Vec<Undecided> = Vec::new();
        for entry in place.index.entries()[range].iter().filter(|entry| entry.stage_raw() > 0) {
            let path = entry.path(&place.index);
            if found.last().is_none_or(|last| last.path != path) {
                found.push(Undecided { path: path.to_owned(), before: None, ours: None, theirs: None });
            }
            if let Some(last) = found.last_mut() {
                let side = match entry.stage_raw() {
                    1 => &mut last.before,
                    2 => &mut last.ours,
                    _ => &mut last.theirs,
                };
                *side = Some(oid(entry.id));
            }
        }
        Ok(found)
    }

    /// Files below a directory that are left out of a sparse checkout.
    pub(super) fn skipped_below(&self, below: &str) -> Result<Vec<TreeFile>> {
        if self.repo().config_snapshot().boolean("core.sparseCheckout") != Some(true) {
            return Ok(Vec::new());
        }
        let index = load_index(self.repo().object_hash(), &self.repo().git_dir().join("index"))?;
        let mut files = Vec::new();
        for entry in index.entries().iter().filter(|entry| entry.flags.contains(Flags::SKIP_WORKTREE)) {
            let path = entry.path(&index);
            let folder = path.strip_suffix(b"/").unwrap_or(path);
            let is_below = |path: &[u8]| {
                path.strip_prefix(below.as_bytes()).is_some_and(|rest| rest.first() == Some(&b'/'))
            };
            if entry.mode.is_sparse() && (folder == below.as_bytes() || is_below(folder)) {
                // A sparse index names a whole folder.
                files.extend(self.list_files(oid(entry.id), &folder.to_str_lossy())?);
            } else if is_below(path) {
                files.push(TreeFile { path: path.to_owned(), mode: entry.mode.bits(), id: oid(entry.id) });
            }
        }
        Ok(files)
    }

    /// Whether the index holds below a directory what `HEAD` does.
    fn is_staged_free(&self, place: &Place<'_>, below: &str) -> Result<bool> {
        let head = self.repo().head_tree_id().ok().map(|id| oid(id.detach()));
        let subtree = |tree: Oid| self.subtree(tree, below);
        Ok(match (head, place.index_tree) {
            (Some(head), Some(indexed)) => head == indexed || subtree(head)? == subtree(indexed)?,
            (None, _) | (_, None) => false,
        })
    }
}

/// Paths at which the index and the list of files do not agree for certain.
fn suspects(place: &Place<'_>, below: &str, files: &[WorkFile]) -> Vec<BString> {
    let prefix = BString::from(format!("{below}/"));
    let range = place.index.prefixed_entries_range(prefix.as_bstr()).unwrap_or_default();
    let mut suspects = Vec::new();
    let mut entries = place.index.entries()[range].iter().peekable();
    let mut files = files.iter().peekable();
    loop {
        let order = match (entries.peek(), files.peek()) {
            (None, None) => return suspects,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(entry), Some(file)) => (**entry.path(&place.index)).cmp(file.path.as_bytes()),
        };
        let entry = entries.next_if(|_| order.is_le());
        let file = files.next_if(|_| order.is_ge());
        let path = match (entry, file) {
            (Some(entry), Some(file)) if is_same(place, entry, file) => continue,
            (Some(entry), _) => entry.path(&place.index).to_owned(),
            (None, Some(file)) => file.path.as_str().into(),
            (None, None) => continue,
        };
        // Stages of a conflict share a path.
        if suspects.last() != Some(&path) {
            suspects.push(path);
        }
    }
}

/// Whether a file is certainly what the index says.
#[expect(clippy::cast_possible_truncation, reason = "the index keeps the low 32 bits of each number")]
fn is_same(place: &Place<'_>, entry: &Entry, file: &WorkFile) -> bool {
    const SECOND: u64 = 1_000_000_000;
    let [size, inode, modified, changed] = file.stamp;
    let is_at = |time: u64, at: gix::index::entry::stat::Time| {
        ((time / SECOND) as u32, (time % SECOND) as u32) == (at.secs, at.nsecs)
    };
    let stat = &entry.stat;
    entry.stage_raw() == 0
        && !entry.flags.contains(Flags::INTENT_TO_ADD)
        && (size as u32, inode as u32) == (stat.size, stat.ino)
        && is_at(modified, stat.mtime)
        && is_at(changed, stat.ctime)
        && !stat.is_racy(place.index.timestamp(), COMPARE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effects::os::walk::walk;
    use std::fs;
    use std::path::Path;
    use std::process::Command;

    #[expect(clippy::disallowed_methods, reason = "a test makes its own repository")]
    fn git(dir: &Path, arguments: &[&str]) {
        let mut command = Command::new("git");
        command.args(["-c", "user.name=A", "-c", "user.email=a@b"]).args(arguments).current_dir(dir);
        let output = command.env("GIT_CONFIG_GLOBAL", "/dev/null").output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// A repository with three committed files whose times are older than the index.
    fn repository() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        git(root.path(), &["init", "-q", "-b", "main"]);
        for path in ["x/a", "x/b/c", "y"] {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "1\n").unwrap();
            let old = std::time::SystemTime::now() - std::time::Duration::from_secs(60);
            fs::File::options().write(true).open(&path).unwrap().set_modified(old).unwrap();
        }
        fs::write(root.path().join(".gitignore"), "*.swp\n").unwrap();
        git(root.path(), &["add", "-A"]);
        git(root.path(), &["commit", "-q", "-m", "begin"]);
        root
    }

    fn uncommitted(root: &Path) -> Vec<String> {
        let git = OsGit::discover(root, root.join("w")).unwrap();
        let found = git.uncommitted("x", &walk(root, "x").unwrap(), 10).unwrap();
        found.iter().map(ToString::to_string).collect()
    }

    fn suspected(root: &Path) -> usize {
        let git = OsGit::discover(root, root.join("w")).unwrap();
        let (dir, git_dir) = (root.to_owned(), root.join(".git"));
        let place = Place::of_user(&git, &Checkout { dir, git_dir, in_progress: None }).unwrap();
        suspects(&place, "x", &walk(root, "x").unwrap()).len()
    }

    #[test]
    fn what_is_committed_is_not_looked_at_again() {
        let root = repository();
        assert_eq!((suspected(root.path()), uncommitted(root.path()).len()), (0, 0));
        // The same content at another time is looked at, and is the same.
        fs::write(root.path().join("x/a"), "1\n").unwrap();
        assert_eq!((suspected(root.path()), uncommitted(root.path()).len()), (1, 0));
    }

    #[test]
    fn what_is_changed_new_gone_or_staged_is_told_and_what_is_ignored_or_elsewhere_is_not() {
        let root = repository();
        fs::write(root.path().join("x/a"), "2\n").unwrap();
        fs::write(root.path().join("x/new"), "1\n").unwrap();
        fs::write(root.path().join("x/ignored.swp"), "1\n").unwrap();
        fs::write(root.path().join("y"), "2\n").unwrap();
        fs::remove_file(root.path().join("x/b/c")).unwrap();
        assert_eq!(uncommitted(root.path()), ["x/a", "x/b/c", "x/new"]);
        git(root.path(), &["add", "-A"]);
        assert_eq!(uncommitted(root.path()), ["x/a", "x/b/c", "x/new"]);
        git(root.path(), &["commit", "-q", "-m", "more"]);
        assert_eq!(uncommitted(root.path()), [""; 0]);
    }

    #[test]
    fn a_file_that_was_staged_and_changed_back_is_told() {
        let root = repository();
        fs::write(root.path().join("x/a"), "2\n").unwrap();
        git(root.path(), &["add", "x/a"]);
        fs::write(root.path().join("x/a"), "1\n").unwrap();
        assert_eq!(uncommitted(root.path()), ["x/a"]);
    }

    #[test]
    fn a_mode_counts_and_so_does_a_repository_without_a_commit() {
        use std::os::unix::fs::PermissionsExt as _;
        let root = repository();
        fs::set_permissions(root.path().join("x/a"), fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(uncommitted(root.path()), ["x/a"]);
        let unborn = tempfile::tempdir().unwrap();
        git(unborn.path(), &["init", "-q"]);
        fs::create_dir(unborn.path().join("x")).unwrap();
        fs::write(unborn.path().join("x/a"), "1\n").unwrap();
        assert_eq!(uncommitted(unborn.path()), ["x/a"]);
    }

    #[test]
    fn more_than_can_be_looked_at_one_by_one_are_found_as_well() {
        let root = repository();
        for n in 0..=SUSPECTS_MAX {
            fs::write(root.path().join(format!("x/{n:03}")), "1\n").unwrap();
        }
        assert_eq!(uncommitted(root.path()).len(), 10);
    }
}
