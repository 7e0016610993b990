//! Hearing what changes in a work tree between two looks, so that the later one need not see it all.
//!
//! The kernel is asked to tell of every folder, before its names are read (inotify; elsewhere than on
//! Linux nothing is heard). It tells in the very call that changes something, so that whatever a program
//! did that has ended has been told. What is written through a mapping is told when that is gone.
//!
//! Not heard: a second name that a program makes outside of the work tree, and what it then writes by it (the
//! kernel tells that to who hears the file itself). Such a change is in no candidate, so it lands unjudged
//! nowhere; it stays where it is, and the next command that looks sees it. To see it at once would mean
//! to ask after every file again.
//!
//! Invariant: doubt means that everything is looked at again: too much to be told, ignore rules that
//! changed, a file with a second name (which can be changed by that), a file system that others write to.

use super::Result;
use super::place::{Stamp, stamp};
use bstr::{BStr, BString};
use rustix::fd::{BorrowedFd, OwnedFd};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

/// The fewest files for which hearing is worth its while.
const FEWEST: usize = if cfg!(test) { 1 } else { 2_000 };
/// The most folders: what the kernel hears for one user is limited, and there are editors.
const MOST: usize = 8_000;

/// What the kernel tells of.
pub(super) struct Watch {
    ear: Ear,
    folders: HashMap<i32, BString>,
    known: HashSet<BString>,
    /// A file of ignore rules outside of the work tree, and how it was.
    exclude: (PathBuf, Stamp),
}

/// Where the kernel's telling arrives.
struct Ear(Option<OwnedFd>);

impl Drop for Ear {
    /// The kernel lets go of many folders in its own time, up to some 20 ms, for which nobody here waits.
    fn drop(&mut self) {
        if let Some(ear) = self.0.take() {
            // Where no thread is to be had, it is closed here.
            let _ = std::thread::Builder::new().spawn(move || drop(ear));
        }
    }
}

/// Folders in which something changed, each with the folders in it that are others than before.
pub(super) type Heard = BTreeMap<BString, BTreeSet<BString>>;

/// What one event says.
#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "elsewhere nothing is told"))]
enum Told {
    /// Something in a folder, perhaps by name.
    In { folder: i32, name: BString, another_folder: bool },
    /// A folder itself went, which is told where it was as well.
    Gone(i32),
    /// More than could be told.
    Too,
}

impl Watch {
    /// Begins to hear, where it is worth it and can be relied on.
    pub(super) fn begin(dir: &Path, common_dir: &Path, files: usize) -> Result<Option<Self>> {
        if files < FEWEST || !kernel::reliable(dir) {
            return Ok(None);
        }
        let Some(ear) = kernel::open() else { return Ok(None) };
        let path = common_dir.join("info/exclude");
        let exclude = (path.clone(), stamp(&path)?);
        Ok(Some(Self { ear: Ear(Some(ear)), folders: HashMap::new(), known: HashSet::new(), exclude }))
    }

    /// Asks the kernel to tell of a folder; none if it will not.
    pub(super) fn ask(&self, folder: BorrowedFd<'_>) -> Option<i32> {
        kernel::add(self.ear.0.as_ref()?, folder)
    }

    /// Notes the folders that were asked about. False if it is too many of them.
    pub(super) fn note(&mut self, asked: Vec<(i32, BString)>) -> bool {
        for (number, path) in asked {
            if let Some(before) = self.folders.insert(number, path.clone()) {
                self.known.remove(&before);
            }
            self.known.insert(path);
        }
        self.folders.len() <= MOST
    }

    /// Whether changes in a folder would have been told.
    pub(super) fn knows(&self, path: &BStr) -> bool {
        self.known.contains(path)
    }

    /// What changed since it was asked last; none where that is not certain.
    pub(super) fn heard(&mut self) -> Result<Option<Heard>> {
        let mut heard = Heard::new();
        if stamp(&self.exclude.0)? != self.exclude.1 {
            return Ok(None);
        }
        let Some(ear) = &self.ear.0 else { return Ok(None) };
        let certain = kernel::read(ear, &mut |told| match told {
            Told::In { folder, name, another_folder } => {
                let Some(path) = self.folders.get(&folder) else { return false };
                let changed = heard.entry(path.clone()).or_default();
                let rules = name == ".gitignore";
                if another_folder {
                    changed.insert(name);
                }
                !rules
            }
            Told::Gone(folder) => self.folders.get(&folder).is_none_or(|path| !path.is_empty()),
            Told::Too => false,
        });
        Ok(certain.then_some(heard))
    }
}

#[cfg(target_os = "linux")]
mod kernel {
    use super::Told;
    use rustix::fd::{AsRawFd as _, BorrowedFd, OwnedFd};
    use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
    use std::mem::MaybeUninit;
    use std::path::Path;

    /// File systems that only this kernel writes to: ext, XFS, btrfs, tmpfs, F2FS, bcachefs, ZFS.
    const LOCAL: [u64; 7] =
        [0xEF53, 0x5846_5342, 0x9123_683E, 0x0102_1994, 0xF2F5_2010, 0xCA45_1A4E, 0x2FC1_2FC1];

    pub(super) fn reliable(dir: &Path) -> bool {
        let kind = rustix::fs::statfs(dir).map(|found| found.f_type);
        kind.is_ok_and(|kind| LOCAL.contains(&u64::try_from(kind).unwrap_or_default()))
    }

    pub(super) fn open() -> Option<OwnedFd> {
        inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).ok()
    }

    pub(super) fn add(ear: &OwnedFd, folder: BorrowedFd<'_>) -> Option<i32> {
        let what = WatchFlags::MODIFY
            | WatchFlags::ATTRIB
            | WatchFlags::CLOSE_WRITE
            | WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::MOVE
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE_SELF
            | WatchFlags::ONLYDIR;
        // By what is open, not by its name, which may be another's by now.
        inotify::add_watch(ear, format!("/proc/self/fd/{}", folder.as_raw_fd()), what).ok()
    }

    /// Reads all that was told, until `take` says that it is enough. Whether it never did.
    pub(super) fn read(ear: &OwnedFd, take: &mut dyn FnMut(Told) -> bool) -> bool {
        let mut buffer = vec![MaybeUninit::uninit(); 1 << 16];
        let mut reader = inotify::Reader::new(ear, &mut buffer);
        loop {
            let event = match reader.next() {
                Ok(event) => event,
                Err(rustix::io::Errno::INTR) => continue,
                Err(error) => return error == rustix::io::Errno::AGAIN,
            };
            let flags = event.events();
            let told = if flags.intersects(ReadFlags::QUEUE_OVERFLOW | ReadFlags::UNMOUNT) {
                Told::Too
            } else if flags.intersects(ReadFlags::DELETE_SELF | ReadFlags::MOVE_SELF) {
                Told::Gone(event.wd())
            } else if flags.contains(ReadFlags::IGNORED) {
                continue;
            } else {
                let named =
                    ReadFlags::CREATE | ReadFlags::DELETE | ReadFlags::MOVED_FROM | ReadFlags::MOVED_TO;
                let another_folder = flags.contains(ReadFlags::ISDIR) && flags.intersects(named);
                let name = event.file_name().map_or_else(Default::default, |name| name.to_bytes().into());
                Told::In { folder: event.wd(), name, another_folder }
            };
            if !take(told) {
                return false;
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod kernel {
    use super::Told;
    use rustix::fd::{BorrowedFd, OwnedFd};
    use std::path::Path;

    pub(super) fn reliable(_: &Path) -> bool {
        false
    }

    pub(super) fn open() -> Option<OwnedFd> {
        None
    }

    pub(super) fn add(_: &OwnedFd, _: BorrowedFd<'_>) -> Option<i32> {
        None
    }

    pub(super) fn read(_: &OwnedFd, _: &mut dyn FnMut(Told) -> bool) -> bool {
        false
    }
}
