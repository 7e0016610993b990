//! Comparing folders with the entries of an index, in one walk.
//!
//! The names of a folder, sorted as git sorts them, and the entries of the index run side by side.
//! One `lstat` relative to the open folder is made for each tracked file; ignore rules are asked only
//! about what is not tracked. That is all that `git add -A` decides by, at a third of the cost of a
//! status that can also tell renames, submodules and pathspecs.
//!
//! Invariant: a link is never followed; a file is only taken for unchanged when size, inode, owner
//! and both times agree and its time is older than the index.

use super::folder::{Kind, Names};
use super::watch::Watch;
use super::{EffectError, Result};
use bstr::{BStr, BString, ByteSlice};
use gix::index::State;
use gix::index::entry::stat::{Options, Time};
use gix::index::entry::{Flags, Mode, Stat};
use rustix::fd::{AsFd as _, BorrowedFd, OwnedFd};
use rustix::fs::{AtFlags, Dir, FileType, OFlags};
use std::collections::BTreeMap;
use std::path::Path;

/// How a path differs from the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Differs {
    /// The path is gone.
    Gone,
    /// The path has to be hashed.
    Look,
}

/// How a directory differs from its index.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// Paths that are gone or have to be hashed.
    pub(super) differs: BTreeMap<BString, Differs>,
    /// Folders that are repositories of their own; and what lies at the top beside `.git` under its name in other
    /// letters.
    pub(super) nested: Vec<BString>,
    /// Folders so deep that what they hold has no name.
    pub(super) too_deep: Vec<BString>,
}

/// How the times of an index entry are compared.
pub(super) const COMPARE: Options =
    Options { trust_ctime: true, check_stat: true, use_nsec: true, use_stdev: false };

fn folder_flags() -> OFlags {
    OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC
}

/// A folder to compare with entries of the index.
pub(super) struct Job {
    pub(super) path: BString,
    pub(super) from: usize,
    pub(super) to: usize,
}

/// An index and the directory that it is compared with. It needs no repository, so that threads can use it.
#[derive(Clone, Copy)]
pub(super) struct Sight<'i> {
    pub(super) index: &'i State,
    pub(super) dir: &'i Path,
    /// Who is to hear what changes from then on.
    pub(super) watch: Option<&'i Watch>,
}

/// What walks found.
#[derive(Default)]
pub(super) struct Found {
    pub(super) scan: Scan,
    /// Paths that are not tracked, and whether they are folders.
    pub(super) unknown: Vec<(BString, bool)>,
    /// Folders that the kernel was asked to tell of.
    pub(super) asked: Vec<(i32, BString)>,
    /// Whether something may change without being told.
    pub(super) deaf: bool,
}

impl Found {
    pub(super) fn add(&mut self, other: Self) {
        self.scan.differs.extend(other.scan.differs);
        self.scan.nested.extend(other.scan.nested);
        self.scan.too_deep.extend(other.scan.too_deep);
        self.unknown.extend(other.unknown);
        self.asked.extend(other.asked);
        self.deaf |= other.deaf;
    }
}

/// A walk over what is tracked.
pub(super) struct Walk<'i> {
    sight: Sight<'i>,
    pub(super) found: Found,
    /// Folders for later, while they are collected.
    pub(super) jobs: Vec<Job>,
    pub(super) defer: bool,
}

impl<'i> Walk<'i> {
    pub(super) fn new(sight: Sight<'i>) -> Self {
        Self { sight, found: Found::default(), jobs: Vec::new(), defer: false }
    }

    pub(super) fn open(&self, path: &BStr) -> Result<OwnedFd> {
        let full = self.sight.dir.join(path.to_path_lossy());
        let opened = rustix::fs::open(&full, folder_flags(), rustix::fs::Mode::empty());
        opened.map_err(|error| self.cannot_read(path, error))
    }

    /// Opens a folder, through no link on the way; none if it is none any more.
    pub(super) fn open_below(&self, path: &BStr) -> Result<Option<OwnedFd>> {
        let mut at = self.open(BStr::new(""))?;
        for name in path.split(|byte| *byte == b'/').filter(|name| !name.is_empty()) {
            at = match rustix::fs::openat(&at, name, folder_flags(), rustix::fs::Mode::empty()) {
                Ok(opened) => opened,
                Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR | rustix::io::Errno::LOOP) => {
                    return Ok(None);
                }
                Err(error) => return Err(self.cannot_read(path, error)),
            };
        }
        Ok(Some(at))
    }

    /// From here on the kernel tells what changes in a folder.
    fn hear(&mut self, folder: BorrowedFd<'_>, path: &BStr) {
        match self.sight.watch.filter(|_| !self.found.deaf).map(|watch| watch.ask(folder)) {
            Some(Some(number)) => self.found.asked.push((number, path.to_owned())),
            Some(None) => self.found.deaf = true,
            None => {}
        }
    }

    fn cannot_read(&self, path: &BStr, error: rustix::io::Errno) -> EffectError {
        EffectError::io("read", &self.sight.dir.join(path.to_path_lossy()), &error.into())
    }

    pub(super) fn run(&mut self, job: &Job) -> Result<()> {
        self.folder(self.open(job.path.as_bstr())?, job.path.as_bstr(), job.from, job.to)
    }

    /// Compares a folder with the entries `from..to` of the index, all of which lie below it.
    pub(super) fn folder(&mut self, folder: OwnedFd, path: &BStr, from: usize, to: usize) -> Result<()> {
        // Before it is read, so that nothing happens in between.
        self.hear(folder.as_fd(), path);
        let mut dir = Dir::new(folder).map_err(|error| self.cannot_read(path, error))?;
        let names = Names::of(&mut dir).map_err(|error| self.cannot_read(path, error))?;
        let folder = dir.fd().map_err(|error| self.cannot_read(path, error))?;
        if names.repository && !path.is_empty() {
            self.found.scan.nested.push(path.to_owned());
        } else if names.repository {
            self.found.scan.nested.extend(names.beside_git().cloned());
        }
        let below = if path.is_empty() { 0 } else { path.len() + 1 };
        let mut at = from;
        for (sorts_as, kind) in names.iter() {
            at = self.pass_missing(at, to, below, sorts_as, kind);
            match kind {
                Kind::Folder => at = self.child_folder(folder, sorts_as, path, at, to)?,
                Kind::Leaf if at < to && self.path(at)[below..] == **sorts_as => {
                    self.tracked(folder, sorts_as, at)?;
                    at += 1;
                    // Other stages of a conflict.
                    while at < to && self.path(at)[below..] == **sorts_as {
                        at += 1;
                    }
                }
                Kind::Leaf => self.found.unknown.push((joined(path, sorts_as), false)),
                Kind::Other => {}
            }
        }
        while at < to {
            self.missing(at);
            at += 1;
        }
        Ok(())
    }

    /// Goes past entries that sort before a name: nothing on the disk is theirs any more.
    fn pass_missing(&mut self, mut at: usize, to: usize, below: usize, sorts_as: &BStr, kind: Kind) -> usize {
        while at < to && self.path(at)[below..] < **sorts_as {
            // A submodule's entry has the folder's name, without the slash.
            if kind == Kind::Folder && sorts_as.strip_suffix(b"/") == Some(self.path(at)[below..].as_bytes())
            {
                break;
            }
            self.missing(at);
            at += 1;
        }
        at
    }

    fn child_folder(
        &mut self,
        folder: BorrowedFd<'_>,
        sorts_as: &BStr,
        path: &BStr,
        mut at: usize,
        to: usize,
    ) -> Result<usize> {
        let prefix = joined(path, sorts_as);
        let child = prefix[..prefix.len() - 1].as_bstr();
        let mut submodule = false;
        if at < to && self.path(at) == child {
            submodule = self.sight.index.entries()[at].mode.is_submodule();
            if !submodule {
                self.missing(at);
            }
            at += 1;
        }
        let entries = &self.sight.index.entries()[at..to];
        let tracked = entries.partition_point(|entry| {
            let path = entry.path(self.sight.index);
            path.starts_with(&prefix) || path < prefix.as_bstr()
        });
        let end = at + tracked;
        if tracked == 0 {
            if submodule {
                self.submodule(child)?;
            } else {
                self.found.unknown.push((child.to_owned(), true));
            }
            return Ok(end);
        }
        if self.defer {
            self.jobs.push(Job { path: child.to_owned(), from: at, to: end });
            return Ok(end);
        }
        let name = sorts_as.trim_end_with(|end| end == '/');
        let opened = match rustix::fs::openat(folder, name, folder_flags(), rustix::fs::Mode::empty()) {
            Ok(opened) => opened,
            Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR | rustix::io::Errno::LOOP) => {
                return Ok(end);
            }
            Err(error) => return Err(self.cannot_read(child, error)),
        };
        self.folder(opened, child, at, end)?;
        Ok(end)
    }

    /// Looks at the folder of a submodule: nothing, a repository whose commit counts, or files that somebody put
    /// there, which are no submodule.
    fn submodule(&mut self, child: &BStr) -> Result<()> {
        let Some(opened) = self.open_below(child)? else { return Ok(()) };
        self.hear(opened.as_fd(), child);
        let mut dir = Dir::new(opened).map_err(|error| self.cannot_read(child, error))?;
        let names = Names::of(&mut dir).map_err(|error| self.cannot_read(child, error))?;
        if names.repository {
            // What its repository does is not heard here.
            self.found.deaf |= self.sight.watch.is_some();
            if !has_lost_its_repository(&self.sight.dir.join(child.to_path_lossy())) {
                self.found.scan.differs.insert(child.to_owned(), Differs::Look);
            }
        } else if names.iter().next().is_some() {
            self.found.scan.differs.insert(child.to_owned(), Differs::Gone);
            self.found.unknown.push((child.to_owned(), true));
        }
        Ok(())
    }

    fn path(&self, at: usize) -> &'i BStr {
        self.sight.index.entries()[at].path(self.sight.index)
    }

    fn missing(&mut self, at: usize) {
        let entry = &self.sight.index.entries()[at];
        if !entry.flags.contains(Flags::SKIP_WORKTREE) {
            self.found.scan.differs.insert(entry.path(self.sight.index).to_owned(), Differs::Gone);
        }
    }

    fn tracked(&mut self, folder: BorrowedFd<'_>, name: &BStr, at: usize) -> Result<()> {
        let entry = &self.sight.index.entries()[at];
        let path = entry.path(self.sight.index);
        let found = match rustix::fs::statat(folder, name.as_bytes(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(found) => found,
            Err(rustix::io::Errno::NOENT) => {
                self.missing(at);
                return Ok(());
            }
            Err(error) => return Err(self.cannot_read(path, error)),
        };
        // What has a second name can be changed by it, in a folder that nobody hears of.
        self.found.deaf |=
            found.st_nlink > 1 && FileType::from_raw_mode(found.st_mode) == FileType::RegularFile;
        let same_mode = mode_of(&found) == Some(entry.mode);
        let racy = entry.stat.is_racy(self.sight.index.timestamp(), COMPARE);
        let plain = entry.stage_raw() == 0 && !entry.flags.contains(Flags::INTENT_TO_ADD);
        if !(plain && same_mode && !racy && entry.stat.matches(&stat_from(&found), COMPARE)) {
            self.found.scan.differs.insert(path.to_owned(), Differs::Look);
        }
        Ok(())
    }
}

/// Whether a submodule's repository lay in one around it that was made anew since: which commit it was at is then
/// told by nobody.
fn has_lost_its_repository(dir: &Path) -> bool {
    let link = std::fs::read_to_string(dir.join(".git"));
    link.is_ok_and(|link| {
        link.strip_prefix("gitdir: ").is_some_and(|to| !dir.join(to.trim_end()).join("HEAD").exists())
    })
}

/// The path of a name in a folder.
pub(super) fn joined(folder: &BStr, name: &BStr) -> BString {
    let mut path = Vec::with_capacity(folder.len() + 1 + name.len());
    path.extend_from_slice(folder);
    if !folder.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(name);
    path.into()
}

/// The mode that git would give to what was found.
fn mode_of(found: &rustix::fs::Stat) -> Option<Mode> {
    match FileType::from_raw_mode(found.st_mode) {
        FileType::Symlink => Some(Mode::SYMLINK),
        FileType::RegularFile if found.st_mode & 0o100 != 0 => Some(Mode::FILE_EXECUTABLE),
        FileType::RegularFile => Some(Mode::FILE),
        FileType::Directory
        | FileType::Fifo
        | FileType::Socket
        | FileType::CharacterDevice
        | FileType::BlockDevice
        | FileType::Unknown => None,
    }
}

/// What the index keeps of what was found; git, too, keeps the low bits of large numbers.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the index has 32 bits for each")]
fn stat_from(found: &rustix::fs::Stat) -> Stat {
    Stat {
        mtime: Time { secs: found.st_mtime as u32, nsecs: found.st_mtime_nsec as u32 },
        ctime: Time { secs: found.st_ctime as u32, nsecs: found.st_ctime_nsec as u32 },
        dev: found.st_dev as u32,
        ino: found.st_ino as u32,
        uid: found.st_uid,
        gid: found.st_gid,
        size: found.st_size as u32,
    }
}
