//! Comparing an index with the directory that it stands for, in one walk.
//!
//! The names of a folder, sorted as git sorts them, and the entries of the index run side by side.
//! One `lstat` relative to the open folder is made for each tracked file; ignore rules are asked only
//! about what is not tracked. That is all that `git add -A` decides by, at a third of the cost of a
//! status that can also tell renames, submodules and pathspecs.
//!
//! Invariant: a link is never followed; a file is only taken for unchanged when size, inode, owner
//! and both times agree and its time is older than the index.

use super::folder::{Kind, Names};
use super::place::Place;
use super::{EffectError, Result, Trouble, or};
use bstr::{BStr, BString, ByteSlice};
use gix::index::State;
use gix::index::entry::stat::{Options, Time};
use gix::index::entry::{Flags, Mode, Stat};
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::fs::{AtFlags, Dir, FileType, OFlags};
use std::collections::BTreeMap;
use std::path::Path;

/// What a look at one path gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// The path is gone.
    Gone,
    /// The path has to be hashed.
    Look,
}

/// How a directory differs from its index.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// Paths that are gone or have to be hashed.
    pub(super) found: BTreeMap<BString, Found>,
    /// Folders that are repositories of their own.
    pub(super) nested: Vec<BString>,
}

/// How the times of an index entry are compared.
pub(super) const COMPARE: Options =
    Options { trust_ctime: true, check_stat: true, use_nsec: true, use_stdev: false };

/// Compares the index with the directory: first what is tracked, shared out among threads, then the
/// rest, with the ignore rules in hand.
pub(super) fn scan(place: &Place<'_>) -> Result<Scan> {
    let all = place.index.entries().len();
    let mut walk = Walk::new(&place.index, &place.dir);
    walk.defer = true;
    walk.folder(walk.open(BStr::new(""))?, BStr::new(""), 0, all)?;
    let threads = if all < THREADS_FROM { 1 } else { threads() };
    for _ in 0..LEVELS_MAX {
        // What is too large to be shared out is taken apart.
        let (large, small): (Vec<Job>, Vec<Job>) = std::mem::take(&mut walk.jobs)
            .into_iter()
            .partition(|job| threads > 1 && job.to - job.from > all / (threads * 2));
        walk.jobs = small;
        large.iter().try_for_each(|job| walk.run(job))?;
    }
    walk.defer = false;
    let jobs = std::mem::take(&mut walk.jobs);
    for part in share(&jobs, threads, &place.index, &place.dir)? {
        walk.scan.found.extend(part.scan.found);
        walk.scan.nested.extend(part.scan.nested);
        walk.unknown.extend(part.unknown);
    }
    judge_unknown(place, walk)
}

/// How many levels of folders are taken apart at the most.
const LEVELS_MAX: usize = 4;
/// The fewest entries for which threads are worth starting.
const THREADS_FROM: usize = 2_000;

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(8)
}

/// Runs jobs in as many threads, each of which gets about as many entries.
fn share<'i>(jobs: &[Job], threads: usize, index: &'i State, dir: &'i Path) -> Result<Vec<Walk<'i>>> {
    let run = |jobs: &[Job]| -> Result<Walk<'i>> {
        let mut walk = Walk::new(index, dir);
        jobs.iter().try_for_each(|job| walk.run(job))?;
        Ok(walk)
    };
    let total: usize = jobs.iter().map(|job| job.to - job.from + 1).sum();
    let mut parts: Vec<&[Job]> = Vec::new();
    let (mut begin, mut weight) = (0, 0);
    for (at, job) in jobs.iter().enumerate() {
        weight += job.to - job.from + 1;
        if weight >= total.div_ceil(threads) {
            parts.push(&jobs[begin..=at]);
            (begin, weight) = (at + 1, 0);
        }
    }
    parts.push(&jobs[begin..]);
    if threads == 1 {
        return parts.into_iter().map(run).collect();
    }
    std::thread::scope(|scope| {
        let others: Vec<_> = parts.into_iter().map(|part| scope.spawn(move || run(part))).collect();
        let died = || EffectError::new(Trouble::Other, "a thread that read the work tree died".to_owned());
        others.into_iter().map(|other| other.join().unwrap_or_else(|_| Err(died()))).collect()
    })
}

/// Asks the ignore rules about what is not tracked, and enters untracked folders.
fn judge_unknown(place: &Place<'_>, mut walk: Walk<'_>) -> Result<Scan> {
    if walk.unknown.is_empty() {
        return Ok(walk.scan);
    }
    let source = gix::worktree::stack::state::ignore::Source::WorktreeThenIdMappingIfNotSkipped;
    let mut excludes = or("read ignore rules", place.repo.excludes(&place.index, None, source))?;
    walk.unknown.sort();
    while let Some((path, folder)) = walk.unknown.pop() {
        let mode = if folder { Mode::DIR } else { Mode::FILE };
        if or("read ignore rules", excludes.at_entry(path.as_bstr(), Some(mode)))?.is_excluded() {
            continue;
        }
        if !folder {
            walk.scan.found.insert(path, Found::Look);
            continue;
        }
        let opened = walk.open(path.as_bstr())?;
        if rustix::fs::statat(&opened, ".git", AtFlags::SYMLINK_NOFOLLOW).is_ok() {
            walk.scan.nested.push(path);
        } else {
            walk.folder(opened, path.as_bstr(), 0, 0)?;
        }
    }
    walk.scan.nested.sort();
    Ok(walk.scan)
}

fn folder_flags() -> OFlags {
    OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC
}

/// A folder to compare with entries of the index.
struct Job {
    path: BString,
    from: usize,
    to: usize,
}

/// A walk over what is tracked. It needs no repository, so that threads can do it.
struct Walk<'i> {
    index: &'i State,
    dir: &'i Path,
    scan: Scan,
    /// Paths that are not tracked, and whether they are folders.
    unknown: Vec<(BString, bool)>,
    /// Folders for later, while they are collected.
    jobs: Vec<Job>,
    defer: bool,
}

impl<'i> Walk<'i> {
    fn new(index: &'i State, dir: &'i Path) -> Self {
        Self { index, dir, scan: Scan::default(), unknown: Vec::new(), jobs: Vec::new(), defer: false }
    }

    fn open(&self, path: &BStr) -> Result<OwnedFd> {
        let full = self.dir.join(path.to_path_lossy());
        let opened = rustix::fs::open(&full, folder_flags(), rustix::fs::Mode::empty());
        opened.map_err(|error| self.cannot_read(path, error))
    }

    fn cannot_read(&self, path: &BStr, error: rustix::io::Errno) -> EffectError {
        EffectError::io("read", &self.dir.join(path.to_path_lossy()), &error.into())
    }

    fn run(&mut self, job: &Job) -> Result<()> {
        self.folder(self.open(job.path.as_bstr())?, job.path.as_bstr(), job.from, job.to)
    }

    /// Compares a folder with the entries `from..to` of the index, all of which lie below it.
    fn folder(&mut self, folder: OwnedFd, path: &BStr, from: usize, to: usize) -> Result<()> {
        let mut dir = Dir::new(folder).map_err(|error| self.cannot_read(path, error))?;
        let names = Names::of(&mut dir).map_err(|error| self.cannot_read(path, error))?;
        let folder = dir.fd().map_err(|error| self.cannot_read(path, error))?;
        if names.repository && !path.is_empty() {
            self.scan.nested.push(path.to_owned());
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
                Kind::Leaf => self.unknown.push((joined(path, sorts_as), false)),
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
        if at < to && self.path(at) == child {
            if !self.index.entries()[at].mode.is_submodule() {
                self.missing(at);
            }
            at += 1;
        }
        let entries = &self.index.entries()[at..to];
        let tracked = entries.partition_point(|entry| {
            let path = entry.path(self.index);
            path.starts_with(&prefix) || path < prefix.as_bstr()
        });
        let end = at + tracked;
        if tracked == 0 {
            if !(at > 0 && self.path(at - 1) == child) {
                self.unknown.push((child.to_owned(), true));
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

    fn path(&self, at: usize) -> &'i BStr {
        self.index.entries()[at].path(self.index)
    }

    fn missing(&mut self, at: usize) {
        let entry = &self.index.entries()[at];
        if !entry.flags.contains(Flags::SKIP_WORKTREE) {
            self.scan.found.insert(entry.path(self.index).to_owned(), Found::Gone);
        }
    }

    fn tracked(&mut self, folder: BorrowedFd<'_>, name: &BStr, at: usize) -> Result<()> {
        let entry = &self.index.entries()[at];
        let path = entry.path(self.index);
        let found = match rustix::fs::statat(folder, name.as_bytes(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(found) => found,
            Err(rustix::io::Errno::NOENT) => {
                self.missing(at);
                return Ok(());
            }
            Err(error) => return Err(self.cannot_read(path, error)),
        };
        let same_mode = mode_of(&found) == Some(entry.mode);
        let racy = entry.stat.is_racy(self.index.timestamp(), COMPARE);
        let plain = entry.stage_raw() == 0 && !entry.flags.contains(Flags::INTENT_TO_ADD);
        if !(plain && same_mode && !racy && entry.stat.matches(&stat_from(&found), COMPARE)) {
            self.scan.found.insert(path.to_owned(), Found::Look);
        }
        Ok(())
    }
}

/// The path of a name in a folder.
fn joined(folder: &BStr, name: &BStr) -> BString {
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
