//! Writing single files into directories that others can write to as well.
//!
//! Invariant: nothing is ever written through a symbolic or a hard link: what is in the way is
//! unlinked, and a folder on the way that is a link is not entered.

use crate::effects::{EffectError, Mode, Result, Trouble};
use std::fs;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Removes whatever is at a path, without following a link.
pub(super) fn remove_any(path: &Path) -> Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if !is_absent(&error) => Err(EffectError::io("remove", path, &error)),
        _ => Ok(()),
    }
}

/// Moves whatever is at a path to another, with a number where that is taken; nothing is ever written over.
pub(super) fn set_aside(path: &Path, to: &Path) -> Result<()> {
    crate::effects::os::files::make_parent(to)?;
    let numbered = |number: u32| {
        let mut name = to.as_os_str().to_owned();
        name.push(format!(".{number}"));
        PathBuf::from(name)
    };
    let mut names = std::iter::once(to.to_owned()).chain((1..).map(numbered));
    let free = names.find(|to| fs::symlink_metadata(to).is_err_and(|error| is_absent(&error)));
    let to = free.unwrap_or_else(|| to.to_owned());
    // A folder that nobody may write to is not moved either.
    if fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir()) {
        super::purge::open_up(path, 0o200);
    }
    match fs::rename(path, &to) {
        Err(error) if error.kind() == std::io::ErrorKind::CrossesDevices => {
            copy(path, &to)?;
            remove_any(path)
        }
        moved => moved.map_err(|error| EffectError::io("move aside", path, &error)),
    }
}

/// Copies a file, a link or a folder with what it holds, to where nothing is. What is none of these holds nothing.
fn copy(path: &Path, to: &Path) -> Result<()> {
    let failed = |error: std::io::Error| EffectError::io("copy", path, &error);
    let metadata = fs::symlink_metadata(path).map_err(failed)?;
    if metadata.is_symlink() {
        let target = fs::read_link(path).map_err(failed)?;
        return std::os::unix::fs::symlink(target, to).map_err(failed);
    }
    if metadata.is_file() {
        super::purge::open_up(path, 0o400);
        return fs::copy(path, to).map(drop).map_err(failed);
    }
    if !metadata.is_dir() {
        return Ok(());
    }
    super::purge::open_up(path, 0o700);
    fs::create_dir(to).map_err(failed)?;
    for found in fs::read_dir(path).map_err(failed)? {
        let found = found.map_err(failed)?;
        copy(&found.path(), &to.join(found.file_name()))?;
    }
    Ok(())
}

/// Takes away a folder in which there is nothing but folders, as git does where a file is to be; whether nothing
/// is in the way of that file any more.
pub(super) fn make_way(path: &Path) -> Result<bool> {
    if !fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir()) {
        return Ok(true);
    }
    let mut folders = vec![path.to_owned()];
    let mut at = 0;
    while let Some(folder) = folders.get(at).cloned() {
        let failed = |error: std::io::Error| EffectError::io("read", &folder, &error);
        for found in fs::read_dir(&folder).map_err(failed)? {
            let found = found.map_err(failed)?;
            if !found.file_type().map_err(failed)?.is_dir() {
                return Ok(false);
            }
            folders.push(found.path());
        }
        at += 1;
    }
    for folder in folders.iter().rev() {
        fs::remove_dir(folder).map_err(|error| EffectError::io("remove", folder, &error))?;
    }
    Ok(true)
}

/// Whether an error says that nothing is at the path.
pub(super) fn is_absent(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory)
}

/// Whether a folder is there, and no link to one.
pub(super) fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir())
}

/// Makes the folders between `root` and a file below it. With `replace`, what is in the way is
/// removed; without, it is an error.
pub(super) fn make_folders(root: &Path, below: &Path, replace: bool) -> Result<()> {
    let mut at = root.to_owned();
    let Some(folders) = below.parent() else { return Ok(()) };
    for name in folders.components() {
        at.push(name);
        match fs::symlink_metadata(&at) {
            Ok(metadata) if metadata.is_dir() => continue,
            Ok(_) if replace => remove_any(&at)?,
            Ok(_) => {
                return Err(EffectError::new(
                    Trouble::Repository,
                    format!("`{}` is not a directory", at.display()),
                ));
            }
            Err(error) if is_absent(&error) => {}
            Err(error) => return Err(EffectError::io("read", &at, &error)),
        }
        match fs::create_dir(&at) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
                return Err(EffectError::io("make the directory", &at, &error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Writes a new file, link or program at a path where nothing is.
pub(super) fn create(path: &Path, content: &[u8], mode: Mode, durable: bool) -> Result<()> {
    let failed = |error: std::io::Error| EffectError::io("write", path, &error);
    if mode == crate::effects::MODE_LINK {
        let target = std::ffi::OsStr::from_bytes(content);
        return std::os::unix::fs::symlink(target, path).map_err(failed);
    }
    let permissions = if mode == crate::effects::MODE_PROGRAM { 0o777 } else { 0o666 };
    let mut file =
        fs::OpenOptions::new().write(true).create_new(true).mode(permissions).open(path).map_err(failed)?;
    file.write_all(content).map_err(failed)?;
    if durable { file.sync_all().map_err(failed) } else { Ok(()) }
}

/// Writes a file in a directory of orch's own, in place of whatever is there.
pub(super) fn write_plain(path: &Path, content: &[u8], mode: Mode) -> Result<()> {
    crate::effects::os::files::make_parent(path)?;
    remove_any(path)?;
    create(path, content, mode, false)
}

/// Removes folders that became empty, from a file's folder upwards to `root`.
pub(super) fn remove_empty_folders(root: &Path, below: &Path) {
    let mut at = below.parent();
    while let Some(folder) = at.filter(|folder| !folder.as_os_str().is_empty()) {
        // A folder that holds something refuses, which is the point.
        if fs::remove_dir(root.join(folder)).is_err() {
            return;
        }
        at = folder.parent();
    }
}
