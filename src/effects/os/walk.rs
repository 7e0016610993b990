//! Listing the files below a directory, with what changes when their content does.
//!
//! One `stat` relative to the open folder is made for each file: that is the whole cost of asking a
//! work tree a question, so many folders are shared out among threads.
//! Invariant: links below the directory are not followed.

use crate::effects::{EffectError, MODE_FILE, MODE_LINK, Result, Trouble, WorkFile};
use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use std::path::Path;
use std::sync::{Arc, LazyLock};

/// The fewest folders for which threads are worth starting.
const SHARED_FROM: usize = 16;
/// How deep they are looked for.
const DEPTH_SHARED: usize = 2;
const THREADS_MAX: usize = 4;
/// How deep folders may lie in folders.
const DEPTH_MAX: usize = 64;

/// How many threads may look at the same time. It is asked once: the answer takes twenty calls of the system.
pub(super) fn threads() -> usize {
    static THREADS: LazyLock<usize> =
        LazyLock::new(|| std::thread::available_parallelism().map_or(1, usize::from).min(8));
    *THREADS
}

/// All files below a directory of a work tree, in the order of their paths.
///
/// # Errors
/// When a folder cannot be read.
pub(super) fn walk(root: &Path, below: &str) -> Result<Vec<WorkFile>> {
    let top = root.join(below);
    if !top.is_dir() {
        return Ok(Vec::new());
    }
    let failed = |error: rustix::io::Errno| EffectError::io("read", &top, &error.into());
    let open = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = rustix::fs::open(&top, open, Mode::empty()).map_err(failed)?;
    let mut files = Vec::new();
    let mut folders = inside(folder, below, &mut files).map_err(failed)?;
    let threads = threads().min(THREADS_MAX);
    // A few folders may have many below them.
    for depth in 0..DEPTH_SHARED {
        if folders.is_empty() || folders.len() >= SHARED_FROM || threads == 1 {
            break;
        }
        for folder in std::mem::take(&mut folders) {
            folders.extend(folder.open(depth, &mut files)?);
        }
    }
    if folders.len() < SHARED_FROM || threads == 1 {
        folders.iter().try_for_each(|folder| folder.enter(0, &mut files))?;
    } else {
        share(below, &folders, threads, &mut files)?;
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn share(below: &str, folders: &[Folder], threads: usize, files: &mut Vec<WorkFile>) -> Result<()> {
    let part = |share: &[Folder]| -> Result<Vec<WorkFile>> {
        let mut found = Vec::new();
        share.iter().try_for_each(|folder| folder.enter(0, &mut found))?;
        Ok(found)
    };
    std::thread::scope(|scope| {
        let mut shares = folders.chunks(folders.len().div_ceil(threads));
        let own = shares.next().unwrap_or_default();
        let others: Vec<_> = shares.map(|share| scope.spawn(move || part(share))).collect();
        files.extend(part(own)?);
        for other in others {
            let ended = other.join();
            let panicked = |_| EffectError::new(Trouble::Other, format!("reading `{below}` was given up"));
            files.extend(ended.map_err(panicked)??);
        }
        Ok(())
    })
}

/// A folder that has not been looked into.
struct Folder {
    parent: Arc<OwnedFd>,
    name: String,
    /// Its path from the root.
    path: String,
}

impl Folder {
    /// Adds the files that lie in it, and tells the folders.
    fn open(&self, depth: usize, files: &mut Vec<WorkFile>) -> Result<Vec<Self>> {
        let path = &self.path;
        let failed = |error: rustix::io::Errno| EffectError::io("read", Path::new(path), &error.into());
        if depth == DEPTH_MAX {
            return Err(EffectError::new(Trouble::Other, format!("`{path}` lies too deep")));
        }
        let open = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match rustix::fs::openat(&self.parent, &self.name, open, Mode::empty()) {
            Ok(folder) => inside(folder, path, files).map_err(failed),
            // It has gone meanwhile.
            Err(rustix::io::Errno::NOENT) => Ok(Vec::new()),
            Err(error) => Err(failed(error)),
        }
    }

    /// Adds all files below it.
    fn enter(&self, depth: usize, files: &mut Vec<WorkFile>) -> Result<()> {
        self.open(depth, files)?.iter().try_for_each(|folder| folder.enter(depth + 1, files))
    }
}

/// Adds the files of a folder, and says which folders are in it.
fn inside(folder: OwnedFd, path: &str, files: &mut Vec<WorkFile>) -> rustix::io::Result<Vec<Folder>> {
    let mut dir = Dir::new(folder)?;
    let mut names = Vec::new();
    while let Some(entry) = dir.read() {
        let entry = entry?;
        if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
            names.push((entry.file_name().to_owned(), entry.file_type()));
        }
    }
    // So that all of them together are nearly in order.
    names.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    let mut folders = Vec::new();
    for (name, kind) in names {
        // A name that is no UTF-8 is nobody's id; it is listed so that it can be complained about.
        let text = name.to_string_lossy();
        let below = [path, &text].join("/");
        if kind == FileType::Directory {
            folders.push((text.into_owned(), below));
            continue;
        }
        let found = match rustix::fs::statat(dir.fd()?, &name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(found) => found,
            Err(rustix::io::Errno::NOENT) => continue,
            Err(error) => return Err(error),
        };
        // Some file systems do not say what a name is.
        let mode = match FileType::from_raw_mode(found.st_mode) {
            FileType::Directory => {
                folders.push((text.into_owned(), below));
                continue;
            }
            FileType::RegularFile => Some(MODE_FILE),
            FileType::Symlink => Some(MODE_LINK),
            FileType::Fifo
            | FileType::Socket
            | FileType::CharacterDevice
            | FileType::BlockDevice
            | FileType::Unknown => None,
        };
        files.push(WorkFile { path: below, mode, stamp: stamp(&found) });
    }
    if folders.is_empty() {
        return Ok(Vec::new());
    }
    let parent = Arc::new(rustix::io::fcntl_dupfd_cloexec(dir.fd()?, 0)?);
    Ok(folders.into_iter().map(|(name, path)| Folder { parent: Arc::clone(&parent), name, path }).collect())
}

#[expect(
    clippy::cast_sign_loss,
    clippy::cast_possible_truncation,
    reason = "numbers are compared by their low bits"
)]
fn stamp(found: &rustix::fs::Stat) -> [u64; 4] {
    // What these numbers are differs from system to system.
    let nanoseconds = |seconds: i128, rest: i128| (seconds * 1_000_000_000 + rest) as u64;
    [
        found.st_size as u64,
        found.st_ino,
        nanoseconds(found.st_mtime.into(), found.st_mtime_nsec.into()),
        nanoseconds(found.st_ctime.into(), found.st_ctime_nsec.into()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn every_file_is_found_in_order_with_few_folders_and_with_many() {
        for folders in [0, 3, SHARED_FROM, 100] {
            let root = tempfile::tempdir().unwrap();
            let top = root.path().join("a/b");
            fs::create_dir_all(&top).unwrap();
            let mut wanted = vec!["a/b/x.toml".to_owned()];
            for n in 0..folders {
                fs::create_dir_all(top.join(format!("{n}/deep"))).unwrap();
                wanted.extend([format!("a/b/{n}/1.toml"), format!("a/b/{n}/deep/2.toml")]);
            }
            for path in &wanted {
                fs::write(root.path().join(path), path).unwrap();
            }
            wanted.sort();
            let found: Vec<String> = walk(root.path(), "a/b").unwrap().into_iter().map(|f| f.path).collect();
            assert_eq!(found, wanted);
        }
    }

    #[test]
    fn many_folders_below_a_few_are_all_found() {
        let root = tempfile::tempdir().unwrap();
        let mut wanted = Vec::new();
        for n in 0..SHARED_FROM * 3 {
            let dir = format!("a/{}/{n:02}/deep", n % 2);
            fs::create_dir_all(root.path().join(&dir)).unwrap();
            wanted.extend([format!("a/{}/{n:02}.toml", n % 2), format!("{dir}/x.toml")]);
        }
        for path in &wanted {
            fs::write(root.path().join(path), path).unwrap();
        }
        wanted.sort();
        let found: Vec<String> = walk(root.path(), "a").unwrap().into_iter().map(|f| f.path).collect();
        assert_eq!(found, wanted);
    }

    #[test]
    fn a_directory_that_is_not_there_is_empty() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(walk(root.path(), "a/b").unwrap(), []);
    }

    #[test]
    fn links_are_listed_and_not_followed() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("a")).unwrap();
        std::os::unix::fs::symlink("..", root.path().join("a/up")).unwrap();
        let found = walk(root.path(), "a").unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].path, "a/up");
    }

    #[test]
    fn what_is_written_has_another_stamp() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("a")).unwrap();
        fs::write(root.path().join("a/x"), "1").unwrap();
        let before = walk(root.path(), "a").unwrap();
        assert_eq!(before, walk(root.path(), "a").unwrap());
        fs::write(root.path().join("a/x"), "12").unwrap();
        assert_ne!(before, walk(root.path(), "a").unwrap());
    }
}
