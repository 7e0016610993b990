//! A tree as the commands of gates see it: files by path, links followed.

use crate::effects::{MODE_LINK, MODE_SUBMODULE, Mode};
use crate::gate::content::names::List;
use bstr::ByteSlice as _;

/// How many links are followed.
const LINKS: usize = 8;
/// The largest file that is read, in bytes. One that an agent makes larger than that counts as gone.
pub const LARGEST: usize = 256 << 10;

/// Reads mode and content of a path; none where there is no file.
pub type Entry<'t> = &'t dyn Fn(&str) -> Option<(Mode, Vec<u8>)>;

/// A tree.
#[derive(Clone, Copy)]
pub struct Tree<'t> {
    /// Its files.
    pub entry: Entry<'t>,
    /// The names in a folder.
    pub list: List<'t>,
}

impl Tree<'_> {
    /// The text of a file, or of the one that a link leads to; none of one that is too large.
    #[must_use]
    pub fn text(&self, path: &str) -> Option<String> {
        let mut path = path.to_owned();
        for _ in 0..LINKS {
            let (mode, content) = (self.entry)(&path)?;
            match mode {
                MODE_SUBMODULE => return None,
                MODE_LINK => path = joined(parent(&path), content.to_str().ok()?)?,
                _ if content.len() > LARGEST => return None,
                _ => return Some(content.to_str_lossy().into_owned()),
            }
        }
        None
    }

    /// Whether a file or a folder is there.
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        self.has_file(path) || !(self.list)(path.as_bytes()).is_empty()
    }

    /// Whether a file is there.
    #[must_use]
    pub fn has_file(&self, path: &str) -> bool {
        (self.entry)(path).is_some()
    }
}

/// The folder of a path; empty for the root.
#[must_use]
pub fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(dir, _)| dir)
}

/// A path as seen from a folder; none where it leaves the tree.
#[must_use]
pub fn joined(dir: &str, path: &str) -> Option<String> {
    if path.starts_with(['/', '~']) {
        return None;
    }
    let mut parts: Vec<&str> = dir.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_in_the_tree() {
        assert_eq!(joined("a/b", "../c/./d").as_deref(), Some("a/c/d"));
        assert_eq!(joined("", "./x").as_deref(), Some("x"));
        assert_eq!(joined("a", "../../x"), None);
        assert_eq!(joined("a", "/x"), None);
    }
}
