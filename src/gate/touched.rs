//! The lines that a change adds or edits.

use crate::effects::{Change, MODE_FILE, MODE_PROGRAM, Oid};
use bstr::ByteSlice;
use similar::{DiffOp, TextDiff};
use std::time::Duration;

/// The largest file that is compared line by line, in bytes.
const FILE_MAX: usize = 1 << 20;
/// The most files.
const FILES_MAX: usize = 2_000;
/// How long one comparison may look for the smallest difference; after that any will do.
const PATIENCE: Duration = Duration::from_secs(2);

/// Lines of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touched {
    /// The file.
    pub path: String,
    /// Its lines that are new or edited, from 1.
    pub lines: Vec<u32>,
}

/// The lines that changes add or edit, in files that are text.
#[must_use]
pub fn touched(changes: &[Change], read: &dyn Fn(Oid) -> Option<Vec<u8>>) -> Vec<Touched> {
    let text = |entry: Option<(u32, Oid)>| -> Option<Vec<u8>> {
        let (mode, id) = entry?;
        let content = Some(id).filter(|_| matches!(mode, MODE_FILE | MODE_PROGRAM)).and_then(read)?;
        (content.len() <= FILE_MAX && !content.contains(&0)).then_some(content)
    };
    let file = |change: &Change| {
        let new = text(change.new)?;
        let lines = new_lines(&text(change.old).unwrap_or_default(), &new);
        Some(Touched { path: change.path.to_str().ok()?.to_owned(), lines })
    };
    changes.iter().take(FILES_MAX).filter_map(file).filter(|file| !file.lines.is_empty()).collect()
}

/// The numbers of the lines that only the new side has.
fn new_lines(old: &[u8], new: &[u8]) -> Vec<u32> {
    let (old, new) = (old.to_str_lossy(), new.to_str_lossy());
    let diff = TextDiff::configure().timeout(PATIENCE).diff_lines(old.as_ref(), new.as_ref());
    let fresh = diff.ops().iter().flat_map(|op| match *op {
        DiffOp::Insert { new_index, new_len, .. } | DiffOp::Replace { new_index, new_len, .. } => {
            new_index..new_index + new_len
        }
        DiffOp::Equal { .. } | DiffOp::Delete { .. } => 0..0,
    });
    fresh.filter_map(|line| u32::try_from(line + 1).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_new_or_edited_is_touched() {
        assert_eq!(new_lines(b"a\nb\nc\n", b"a\nx\nc\nd\n"), [2, 4]);
        assert_eq!(new_lines(b"", b"a\nb"), [1, 2]);
        assert_eq!(new_lines(b"a\nb\n", b"b\n"), [0; 0]);
        assert_eq!(new_lines(b"a", b"a\n"), [1], "a missing end of line is a difference");
    }

    #[test]
    fn links_binaries_and_what_is_gone_have_no_lines() {
        let blobs = [b"text\n".to_vec(), b"\0\x01".to_vec()];
        let id = |n: u8| Oid::from_bytes(&[n; 20]);
        let read = |oid: Oid| blobs.get(usize::from(oid.as_bytes()[0])).cloned();
        let change = |path: &str, old, new| Change { path: path.into(), old, new };
        let changes = [
            change("a", None, Some((MODE_FILE, id(0)))),
            change("b", None, Some((MODE_FILE, id(1)))),
            change("c", None, Some((crate::effects::MODE_LINK, id(0)))),
            change("d", Some((MODE_FILE, id(0))), None),
        ];
        assert_eq!(touched(&changes, &read), [Touched { path: "a".to_owned(), lines: vec![1] }]);
    }
}
