//! The names in one folder of a work tree, in the order in which git sorts them.

use bstr::{BStr, BString, ByteSlice};
use rustix::fs::{AtFlags, Dir, FileType};
use std::ops::Range;

/// What a name is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A folder.
    Folder,
    /// A file or a link.
    Leaf,
    /// A pipe, a socket or a device, which git cannot track.
    Other,
}

/// The names in a folder, in git's order.
#[derive(Default)]
pub(super) struct Names {
    /// All of them, one after the other; a slash follows each folder's.
    bytes: Vec<u8>,
    places: Vec<(Range<usize>, Kind)>,
    /// Whether there is a `.git`, which is nobody's and not among them.
    pub(super) repository: bool,
    /// All that is called so, by whatever letters.
    gits: Vec<BString>,
}

impl Names {
    pub(super) fn of(dir: &mut Dir) -> rustix::io::Result<Self> {
        let mut names = Self::default();
        while let Some(entry) = dir.read() {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name == b"." || name == b".." {
                continue;
            }
            if name.eq_ignore_ascii_case(b".git") {
                names.repository = true;
                names.gits.push(name.into());
                continue;
            }
            let mut kind = entry.file_type();
            if kind == FileType::Unknown {
                let found = rustix::fs::statat(dir.fd()?, name, AtFlags::SYMLINK_NOFOLLOW)?;
                kind = FileType::from_raw_mode(found.st_mode);
            }
            let kind = match kind {
                FileType::Directory => Kind::Folder,
                FileType::RegularFile | FileType::Symlink => Kind::Leaf,
                FileType::Fifo
                | FileType::Socket
                | FileType::CharacterDevice
                | FileType::BlockDevice
                | FileType::Unknown => Kind::Other,
            };
            names.push(name, kind);
        }
        names.sort();
        Ok(names)
    }

    /// What is called `.git` by other letters, beside the one that is called just so. Where that is not there, it is
    /// what the others are, on a file system that does not tell them apart.
    pub(super) fn beside_git(&self) -> impl Iterator<Item = &BString> {
        let has_own = self.gits.iter().any(|name| name == ".git");
        self.gits.iter().filter(move |name| has_own && *name != ".git")
    }

    fn push(&mut self, name: &[u8], kind: Kind) {
        let from = self.bytes.len();
        self.bytes.extend_from_slice(name);
        if kind == Kind::Folder {
            self.bytes.push(b'/');
        }
        self.places.push((from..self.bytes.len(), kind));
    }

    fn sort(&mut self) {
        let bytes = &self.bytes;
        self.places.sort_unstable_by(|(a, _), (b, _)| bytes[a.clone()].cmp(&bytes[b.clone()]));
    }

    /// Each with what it sorts as.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&BStr, Kind)> {
        self.places.iter().map(|(place, kind)| (self.bytes[place.clone()].as_bstr(), *kind))
    }
}
