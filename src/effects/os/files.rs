//! Files: local ones below `.git/orch/`, and the state in a work tree.
//!
//! Invariant: a file is replaced by a rename in its own directory, so that a reader sees the old
//! content or the new, and never through a symbolic link. The lock is the kernel's: it ends with
//! the process that holds it, so no stale lock is ever left to remove by hand.

#![expect(clippy::disallowed_methods, reason = "waiting for a lock is done here")]

use crate::effects::{EffectError, Files, Lock, Result, Trouble, WorkFile};
use rustix::fs::OFlags;
use std::fs::{self, File, TryLockError};
use std::io::{Read, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The directory of local files.
#[derive(Debug)]
pub struct OsFiles {
    root: PathBuf,
}

impl OsFiles {
    /// Local files of the repository with this common directory.
    #[must_use]
    pub fn new(common_dir: &Path) -> Self {
        let root = common_dir.join("orch");
        Self { root: std::path::absolute(&root).unwrap_or(root) }
    }
}

struct Held(#[expect(dead_code, reason = "an open file holds the lock")] File);
impl Lock for Held {}

impl Files for OsFiles {
    fn root(&self) -> &Path {
        &self.root
    }

    fn read(&self, name: &str) -> Result<Option<Vec<u8>>> {
        read(&self.root.join(name), u64::MAX)
    }

    fn open(&self, name: &str) -> Result<Option<Box<dyn Read>>> {
        let file = open(&self.root.join(name))?;
        Ok(file.map(|file| Box::new(file) as Box<dyn Read>))
    }

    fn write(&self, name: &str, content: &[u8], durable: bool) -> Result<()> {
        replace(&self.root.join(name), content, durable)
    }

    fn append(&self, name: &str, content: &[u8]) -> Result<()> {
        let path = self.root.join(name);
        make_parent(&path)?;
        // A confined agent may have put a link or a pipe here: neither is followed, nor waited for.
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
        let file = File::options().create(true).append(true).mode(0o600).custom_flags(flags).open(&path);
        file.and_then(|mut file| file.write_all(content))
            .map_err(|error| EffectError::io("write to", &path, &error))
    }

    fn remove(&self, name: &str) -> Result<()> {
        let path = self.root.join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            // An agent can have put a folder where a file was.
            Err(_) if path.symlink_metadata().is_ok_and(|there| there.is_dir()) => {
                fs::remove_dir_all(&path).map_err(|error| EffectError::io("remove", &path, &error))
            }
            other => other.map_err(|error| EffectError::io("remove", &path, &error)),
        }
    }

    fn prune(&self, dir: &str, folders: usize, bytes: u64, spare: &[String]) -> Result<()> {
        let (mut left, mut room) = (folders, bytes);
        for (at, name) in self.list(dir)?.iter().rev().enumerate() {
            let folder = self.root.join(dir).join(name);
            let size = |entry: fs::DirEntry| entry.metadata().map_or(0, |metadata| metadata.len());
            let Ok(entries) = fs::read_dir(&folder) else { continue };
            let size: u64 = entries.flatten().map(size).sum();
            if at > 0 && (left == 0 || size > room) {
                (left, room) = (0, 0);
                if spare.contains(name) {
                    continue;
                }
                let removed = fs::remove_dir_all(&folder);
                removed.map_err(|error| EffectError::io("remove", &folder, &error))?;
            }
            (left, room) = (left.saturating_sub(1), room.saturating_sub(size));
        }
        Ok(())
    }

    fn list(&self, dir: &str) -> Result<Vec<String>> {
        let path = self.root.join(dir);
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(EffectError::io("read", &path, &error)),
        };
        let mut names: Vec<String> =
            entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
        names.sort();
        Ok(names)
    }

    fn work_files(&self, root: &Path, below: &str) -> Result<Vec<WorkFile>> {
        super::walk::walk(root, below)
    }

    fn read_work(&self, root: &Path, path: &str) -> Result<Option<Vec<u8>>> {
        let full = root.join(path);
        let odd = |what: &str| EffectError::new(Trouble::Other, format!("`{}` is {what}", full.display()));
        // Neither is a link followed, nor a pipe waited for.
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
        match File::options().read(true).custom_flags(flags).open(&full) {
            Ok(file) if file.metadata().is_ok_and(|there| there.is_file()) => {
                content(file, &full, u64::MAX).map(Some)
            }
            Ok(_) => Err(odd("no ordinary file")),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(_) if full.is_symlink() => Err(odd("a symlink")),
            Err(error) => Err(EffectError::io("read", &full, &error)),
        }
    }

    fn read_report(&self, root: &Path, path: &str, limit: u64) -> Result<Option<Vec<u8>>> {
        let full = root.join(path);
        // No folder on the way, and not the file, may be a link to somewhere else.
        let mut at = root.to_owned();
        for name in Path::new(path).components() {
            at.push(name);
            match fs::symlink_metadata(&at) {
                Ok(found) if at == full && found.is_file() => {}
                Ok(found) if at != full && found.is_dir() => {}
                Ok(_) => {
                    let fact = format!("`{}` is no ordinary file or folder", at.display());
                    return Err(EffectError::new(Trouble::Other, fact));
                }
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(EffectError::io("read", &at, &error)),
            }
        }
        read(&full, limit)
    }

    fn write_work(&self, root: &Path, path: &str, content: Option<&[u8]>) -> Result<()> {
        let full = root.join(path);
        match content {
            Some(content) => super::git::write_file(&full, content),
            None => super::git::remove_file(&full),
        }
    }

    fn lock(&self, name: &str, patience: Duration) -> Result<Option<Box<dyn Lock>>> {
        let deadline = Instant::now() + patience;
        let mut pause = Duration::from_millis(2);
        loop {
            let lock = self.try_lock(name)?;
            if lock.is_some() || Instant::now() + pause > deadline {
                return Ok(lock);
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(200));
        }
    }
}

impl OsFiles {
    fn try_lock(&self, name: &str) -> Result<Option<Box<dyn Lock>>> {
        let path = self.root.join(name);
        make_parent(&path)?;
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|error| EffectError::io("open", &path, &error))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Box::new(Held(file)))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(EffectError::io("lock", &path, &error)),
        }
    }
}

/// A file's content; none if it is not there.
///
/// # Errors
/// When it cannot be read, or is larger than `limit` bytes.
pub fn read(path: &Path, limit: u64) -> Result<Option<Vec<u8>>> {
    open(path)?.map(|file| content(file, path, limit)).transpose()
}

fn open(path: &Path) -> Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(EffectError::io("read", path, &error)),
    }
}

/// Whether nobody else but the system's own user can have written what lies there: a file that is not there is own.
#[must_use]
pub fn is_own(path: &Path) -> bool {
    let Ok(there) = fs::symlink_metadata(path) else { return true };
    there.uid() == 0 || there.uid() == rustix::process::geteuid().as_raw()
}

fn content(file: File, path: &Path, limit: u64) -> Result<Vec<u8>> {
    let size = file.metadata().map_or(0, |metadata| metadata.len().min(limit).min(1 << 20));
    let mut content = Vec::with_capacity(usize::try_from(size).unwrap_or_default() + 1);
    file.take(limit.saturating_add(1))
        .read_to_end(&mut content)
        .map_err(|error| EffectError::io("read", path, &error))?;
    if content.len() as u64 > limit {
        return Err(EffectError::new(
            Trouble::Other,
            format!("`{}` is larger than {limit} bytes", path.display()),
        ));
    }
    Ok(content)
}

/// Waits until a file has not been written for this long, or is gone.
///
/// # Errors
/// When it cannot be looked at.
pub fn wait_until_old(path: &Path, age: Duration) -> Result<()> {
    let deadline = Instant::now() + age * 2;
    while Instant::now() < deadline {
        let written = match fs::symlink_metadata(path).and_then(|metadata| metadata.modified()) {
            Ok(written) => written,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(EffectError::io("read", path, &error)),
        };
        // A time in the future says nothing: then the deadline counts.
        match written.elapsed() {
            Ok(elapsed) if elapsed >= age => return Ok(()),
            Ok(_) | Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
    Ok(())
}

/// Makes the directory that a file is to lie in.
///
/// # Errors
/// When it cannot be made.
pub fn make_parent(path: &Path) -> Result<()> {
    let Some(parent) = path.parent() else { return Ok(()) };
    fs::create_dir_all(parent).map_err(|error| EffectError::io("make the directory", parent, &error))
}

/// Replaces a file at once.
///
/// # Errors
/// When it cannot be written; the old content is then still there.
pub fn replace(path: &Path, content: &[u8], durable: bool) -> Result<()> {
    make_parent(path)?;
    let failed = |error: std::io::Error| EffectError::io("write", path, &error);
    let dir = path.parent().unwrap_or_else(|| Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(dir).map_err(failed)?;
    file.write_all(content).map_err(failed)?;
    if durable {
        file.as_file().sync_all().map_err(failed)?;
    }
    file.persist(path).map_err(|error| failed(error.error))?;
    if durable {
        sync_dir(dir)?;
    }
    Ok(())
}

/// Writes a file that somebody asked for by name, readable as the system's usage has it; what is no file, such
/// as a pipe, is written to.
///
/// # Errors
/// When it cannot be written.
pub fn publish(path: &Path, content: &[u8]) -> Result<()> {
    let failed = |error: std::io::Error| EffectError::io("write", path, &error);
    if fs::symlink_metadata(path).is_ok_and(|there| !there.is_file()) {
        return fs::write(path, content).map_err(failed);
    }
    make_parent(path)?;
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(path.parent().unwrap_or_else(|| Path::new("."))).map_err(failed)?;
    file.write_all(content).map_err(failed)?;
    file.persist(path).map(drop).map_err(|error| failed(error.error))
}

/// From this many files on, syncing the file system once is faster than syncing each of them.
pub const MANY: usize = 64;

/// Whether the file system of a directory can be synced as a whole.
pub const SYNCS_AT_ONCE: bool = cfg!(target_os = "linux");

/// Makes everything on the file system of a directory survive a loss of power.
///
/// # Errors
/// When the disk refuses, or the system cannot do this.
pub fn sync_file_system(dir: &Path) -> Result<()> {
    let failed = |error: std::io::Error| EffectError::io("sync", dir, &error);
    let dir = File::open(dir).map_err(failed)?;
    #[cfg(target_os = "linux")]
    return rustix::fs::syncfs(&dir).map_err(|error| failed(error.into()));
    #[cfg(not(target_os = "linux"))]
    dir.sync_all().map_err(failed)
}

/// Makes the names in a directory survive a loss of power.
///
/// # Errors
/// When the disk refuses.
pub fn sync_dir(dir: &Path) -> Result<()> {
    let failed = |error: std::io::Error| EffectError::io("sync", dir, &error);
    File::open(dir).map_err(failed)?.sync_all().map_err(failed)
}

/// The most threads that sync at the same time.
const SYNC_THREADS: usize = 8;
/// How many files one of them has at least: to start one costs as much as to sync a directory.
const SYNC_SHARE: usize = 3;

/// Makes files survive a loss of power, all at the same time, and then directories: each file waits for the
/// file system's journal, and one wait is enough for all (a twentieth of the time on a busy disk). What
/// happened to a directory before is by then in that journal as well, and nothing is waited for; without
/// a journal, each directory waits for the disk once more, which they do at the same time, too.
/// What is not there is passed over.
///
/// # Errors
/// When the disk refuses.
pub fn sync_together(files: &[PathBuf], directories: &[PathBuf]) -> Result<()> {
    let sync = |path: &PathBuf| match File::open(path).and_then(|file| file.sync_all()) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(EffectError::io("sync", path, &error))
        }
        _ => Ok(()),
    };
    begin_writing(files);
    let threads = files.len().max(directories.len()).div_ceil(SYNC_SHARE).clamp(1, SYNC_THREADS);
    let sync_share = move |of: usize| {
        let share = |paths: &'_ [PathBuf]| paths.iter().skip(of).step_by(threads).try_for_each(sync);
        share(files).and_then(|()| share(directories))
    };
    std::thread::scope(|scope| {
        let mut others = Vec::new();
        for of in 1..threads {
            // Where no more threads are to be had, the others' work is done here.
            match std::thread::Builder::new().spawn_scoped(scope, move || sync_share(of)) {
                Ok(other) => others.push(other),
                Err(_) => sync_share(of)?,
            }
        }
        sync_share(0)?;
        let died = || EffectError::new(Trouble::Other, "a thread that synced files died".to_owned());
        others.into_iter().try_for_each(|other| other.join().unwrap_or_else(|_| Err(died())))
    })
}

/// Asks the system to begin writing files out, without waiting for it: where a file comes to lie is decided
/// only then, and what is decided before the first sync goes into the journal with it (half the time for
/// twenty files). What fails here is told by the sync that follows.
#[cfg(target_os = "linux")]
fn begin_writing(files: &[PathBuf]) {
    for file in files.iter().filter_map(|path| File::open(path).ok()) {
        // Advice that the content will not be read again makes Linux start to write it.
        let _ = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed);
    }
}

/// Elsewhere nothing is known that would be faster.
#[cfg(not(target_os = "linux"))]
fn begin_writing(_: &[PathBuf]) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_appended_through_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let files = OsFiles::new(dir.path());
        files.append("plain", b"one\n").unwrap();
        files.append("plain", b"two\n").unwrap();
        assert_eq!(files.read("plain").unwrap().unwrap(), b"one\ntwo\n");
        let outside = dir.path().join("outside");
        fs::write(&outside, "mine").unwrap();
        std::os::unix::fs::symlink(&outside, dir.path().join("orch/link")).unwrap();
        assert!(files.append("link", b"theirs").is_err());
        assert_eq!(fs::read_to_string(&outside).unwrap(), "mine");
    }

    #[test]
    fn the_newest_folders_stay_as_far_as_there_is_room() {
        let dir = tempfile::tempdir().unwrap();
        let files = OsFiles::new(dir.path());
        for name in ["a", "b", "c", "d"] {
            files.write(&format!("steps/{name}/transcript"), &[b'x'; 100], false).unwrap();
        }
        files.prune("steps", 3, 1_000, &[]).unwrap();
        assert_eq!(files.list("steps").unwrap(), ["b", "c", "d"]);
        files.prune("steps", 3, 250, &[]).unwrap();
        assert_eq!(files.list("steps").unwrap(), ["c", "d"]);
        files.prune("steps", 0, 0, &[]).unwrap();
        assert_eq!(files.list("steps").unwrap(), ["d"]);
        files.prune("nowhere", 0, 0, &[]).unwrap();
    }
}
