//! Which folders a sparse checkout has, where git keeps them as a cone.
//!
//! In: the file in which git keeps them. Out: whether a new file is left out of the work tree. Not here: files that
//! the index has, which say it themselves, and patterns that are no cone.

use super::place::Place;
use super::worktree::Owner;
use bstr::{BStr, BString, ByteSlice as _};
use gix::index::entry::Flags;
use std::collections::HashSet;

/// The folders that are there: whole, or with the files that lie directly in them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Cone {
    whole: HashSet<BString>,
    files: HashSet<BString>,
}

impl Cone {
    /// That of a repository; none where everything is there, or what is there is not said by folders.
    pub(super) fn of(repo: &gix::Repository) -> Option<Self> {
        let config = repo.config_snapshot();
        let is_set = |key: &str| config.boolean(key) == Some(true);
        if !is_set("core.sparseCheckout") || !is_set("core.sparseCheckoutCone") {
            return None;
        }
        let text = std::fs::read(repo.git_dir().join("info/sparse-checkout")).ok()?;
        Self::read(&text)
    }

    fn read(text: &[u8]) -> Option<Self> {
        let mut cone = Self::default();
        let mut is_limited = false;
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with(b"#")) {
            if line == b"!/*/" {
                is_limited = true;
            } else if let Some(folder) = line.strip_prefix(b"!/").and_then(|rest| rest.strip_suffix(b"/*/")) {
                cone.files.insert(plain(folder));
            } else if let Some(folder) = line.strip_prefix(b"/").and_then(|rest| rest.strip_suffix(b"/")) {
                cone.whole.insert(plain(folder));
            } else if line != b"/*" {
                return None;
            }
        }
        cone.whole.retain(|folder| !cone.files.contains(folder));
        is_limited.then_some(cone)
    }

    /// Whether a file is left out.
    pub(super) fn leaves_out(&self, path: &BStr) -> bool {
        let Some(end) = path.rfind_byte(b'/') else { return false };
        let folder = &path[..end];
        let is_whole = |folder: &[u8]| self.whole.contains(folder.as_bstr());
        let above = folder.find_iter("/").any(|end| is_whole(&folder[..end]));
        !(above || is_whole(folder) || self.files.contains(folder.as_bstr()))
    }
}

impl Place<'_> {
    /// Whether a sparse checkout leaves a path out of the work tree: as the index says, or where that has none, as git
    /// would say of a new one.
    pub(super) fn leaves_out(&self, path: &BStr) -> bool {
        if let Some(entry) = self.index.entry_by_path(path) {
            return entry.flags.contains(Flags::SKIP_WORKTREE);
        }
        let cone = self.cone.get_or_init(|| Cone::of(&self.repo).filter(|_| self.owner == Owner::User));
        cone.as_ref().is_some_and(|cone| cone.leaves_out(path))
    }
}

/// A folder's name as it is; git writes a `\` before what would be a pattern.
fn plain(folder: &[u8]) -> BString {
    let mut name = Vec::with_capacity(folder.len());
    let mut bytes = folder.iter();
    while let Some(byte) = bytes.next() {
        name.push(*if *byte == b'\\' { bytes.next().unwrap_or(byte) } else { byte });
    }
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cone_has_whole_folders_and_the_files_on_the_way_to_them() {
        let text = b"/*\n!/*/\n/src/\n!/src/*/\n/src/a\\*b/\n/docs/\n";
        let cone = Cone::read(text).unwrap();
        for there in ["README", "src/code", "src/a*b/x", "src/a*b/deep/x", "docs/x", "docs/deep/x"] {
            assert!(!cone.leaves_out(there.into()), "{there}");
        }
        for left_out in ["src/other/x", "srcs/x", "new/x", ".orchestrator/tasks/t-1.toml", "src/a/x"] {
            assert!(cone.leaves_out(left_out.into()), "{left_out}");
        }
    }

    #[test]
    fn what_is_no_cone_leaves_nothing_out() {
        assert_eq!(Cone::read(b"/*\n"), None);
        assert_eq!(Cone::read(b"/*\n!/*/\n*.c\n"), None);
        assert_eq!(Cone::read(b""), None);
    }
}
