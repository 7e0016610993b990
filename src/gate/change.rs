//! The change that built-in gates look at, file by file, as text.
//!
//! In: what differs between two trees, and how a blob is read. Out: [`File`]s. Invariant: every
//! blob of the change is read once, and no other; what is too large to be looked into says so.

use crate::effects::{Change, MODE_LINK, MODE_SUBMODULE, Mode, Oid};
use bstr::{BString, ByteSlice};
use std::collections::BTreeMap;

/// The most that all texts of a change may have together, in bytes.
const MAX_TEXT: usize = 64 << 20;

/// What a file holds on one side of the change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// It is not there.
    Absent,
    /// Text.
    Text(String),
    /// Something else, with its size.
    Binary(usize),
    /// More than anyone looks into.
    TooLarge,
    /// A link, with where it leads.
    Link(Vec<u8>),
    /// Another repository's commit.
    Submodule,
}

impl Content {
    /// The text, if it is text.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Absent | Self::Binary(_) | Self::TooLarge | Self::Link(_) | Self::Submodule => None,
        }
    }

    /// Its size in bytes, where it is known.
    #[must_use]
    pub fn len(&self) -> Option<usize> {
        match self {
            Self::Text(text) => Some(text.len()),
            Self::Binary(size) => Some(*size),
            Self::TooLarge => None,
            Self::Absent | Self::Link(_) | Self::Submodule => Some(0),
        }
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == Some(0)
    }
}

/// One file of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its path, as git has it.
    pub path: BString,
    /// The same, as it can be shown.
    pub shown: String,
    /// Its modes before and after, where it is there.
    pub modes: (Option<Mode>, Option<Mode>),
    /// What it held.
    pub old: Content,
    /// What it holds.
    pub new: Content,
}

impl File {
    /// Whether lines say how much it changes: they do not of what is no text, nor of its mode.
    #[must_use]
    pub fn is_counted(&self) -> bool {
        let is_text = |content: &Content| match content {
            Content::Absent | Content::Text(_) => true,
            Content::Binary(_) | Content::TooLarge | Content::Link(_) | Content::Submodule => false,
        };
        let same_mode = self.modes.0.zip(self.modes.1).is_none_or(|(old, new)| old == new);
        is_text(&self.old) && is_text(&self.new) && same_mode
    }

    /// Lines that only the new side has, numbered from 1; a line that only moved is not one of them.
    #[must_use]
    pub fn added(&self) -> Vec<(usize, &str)> {
        only_in(self.new.text(), self.old.text())
    }

    /// Lines that only the old side has, numbered from 1.
    #[must_use]
    pub fn removed(&self) -> Vec<(usize, &str)> {
        only_in(self.old.text(), self.new.text())
    }
}

fn only_in<'t>(here: Option<&'t str>, there: Option<&str>) -> Vec<(usize, &'t str)> {
    let mut known: BTreeMap<&str, usize> = BTreeMap::new();
    for line in there.unwrap_or_default().lines() {
        *known.entry(line.trim()).or_default() += 1;
    }
    let mut only = Vec::new();
    for (index, line) in here.unwrap_or_default().lines().enumerate() {
        match known.get_mut(line.trim()).filter(|count| **count > 0) {
            Some(count) => *count -= 1,
            None => only.push((index + 1, line)),
        }
    }
    only
}

/// Reads a change.
#[must_use]
pub fn load<'c>(
    changes: impl IntoIterator<Item = &'c Change>,
    read: &dyn Fn(Oid) -> Option<Vec<u8>>,
) -> Vec<File> {
    let mut left = MAX_TEXT;
    let mut side = |entry: Option<(Mode, Oid)>| match entry {
        None => Content::Absent,
        Some((MODE_SUBMODULE, _)) => Content::Submodule,
        Some((MODE_LINK, id)) => Content::Link(read(id).unwrap_or_default()),
        Some((_, id)) => match read(id) {
            Some(bytes) if bytes.len() <= left => {
                left -= bytes.len();
                content(bytes)
            }
            Some(_) | None => Content::TooLarge,
        },
    };
    let file = |change: &Change| File {
        path: change.path.clone(),
        shown: change.path.to_str_lossy().into_owned(),
        modes: (change.old.map(|(mode, _)| mode), change.new.map(|(mode, _)| mode)),
        old: side(change.old),
        new: side(change.new),
    };
    changes.into_iter().map(file).collect()
}

fn content(bytes: Vec<u8>) -> Content {
    if bytes.contains(&0) {
        return Content::Binary(bytes.len());
    }
    Content::Text(match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => error.as_bytes().to_str_lossy().into_owned(),
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::effects::MODE_FILE;

    /// A file of text that was changed.
    pub(in crate::gate) fn file(path: &str, old: Option<&str>, new: Option<&str>) -> File {
        let side = |text: Option<&str>| text.map_or(Content::Absent, |text| Content::Text(text.to_owned()));
        File {
            path: path.into(),
            shown: path.to_owned(),
            modes: (old.map(|_| MODE_FILE), new.map(|_| MODE_FILE)),
            old: side(old),
            new: side(new),
        }
    }

    #[test]
    fn a_line_that_moved_is_not_added() {
        let file = file("a", Some("one\ntwo\nthree\n"), Some("three\n  one\nfour\none\n"));
        assert_eq!(file.added(), [(3, "four"), (4, "one")]);
        assert_eq!(file.removed(), [(2, "two")]);
    }

    #[test]
    fn what_cannot_be_read_is_too_large_and_not_empty() {
        let change =
            Change { path: "a".into(), old: None, new: Some((MODE_FILE, Oid::from_bytes(&[1; 20]))) };
        let files = load([&change], &|_| None);
        assert_eq!((&files[0].old, &files[0].new), (&Content::Absent, &Content::TooLarge));
        let files = load([&change], &|_| Some(b"a\0b".to_vec()));
        assert_eq!(files[0].new, Content::Binary(3));
    }
}
