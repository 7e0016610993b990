//! Removing from a private work tree what its index does not name.
//!
//! Invariant: only ever done in a work tree that is orch's own, but for what no tree can say where an agent worked
//! in place ([`flatten`]); a link is removed, never followed.

use super::place::Place;
use super::worktree::Owner;
use super::{EffectError, Result, Seen, Trouble, bring};
use bstr::{BStr, BString, ByteSlice};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// Where what is taken away from a person's work tree goes, in the directory that all work trees share.
const ASIDE: &str = "orch/repositories";
/// How much of a name is told by the one that it has there.
const LONGEST: usize = 50;

/// Removes what the index does not name, git's own directory and what is kept aside; says how much
/// that is. With `look` it is only counted.
pub(super) fn purge(place: &Place<'_>, keep: &[BString], look: bool) -> Result<usize> {
    refuse_a_persons(place)?;
    folder(place, keep, look, &BString::default())
}

/// Removes ignore files that the index does not name from the folders that it names; whether there were any.
/// To be asked when the tree of the index is what lies there: then none of these folders is a link.
pub(super) fn unhide(place: &Place<'_>) -> Result<bool> {
    refuse_a_persons(place)?;
    let above = |path: &BStr| path.rfind_byte(b'/').unwrap_or_default();
    let (mut folders, mut before) = (BTreeSet::from([BStr::new("")]), BStr::new(""));
    for entry in place.index.entries() {
        let path = entry.path(&place.index);
        let mut folder = path[..above(path)].as_bstr();
        // Most entries lie where the one before them does.
        if std::mem::replace(&mut before, folder) != folder {
            while folders.insert(folder) {
                folder = folder[..above(folder)].as_bstr();
            }
        }
    }
    let mut found = false;
    for folder in folders {
        let path = if folder.is_empty() {
            BString::from(".gitignore")
        } else {
            [folder.as_bytes(), b"/.gitignore"].concat().into()
        };
        let full = place.dir.join(path.to_path_lossy());
        if fs::symlink_metadata(&full).is_ok() && place.index.entry_by_path(path.as_bstr()).is_none() {
            remove(&full)?;
            found = true;
        }
    }
    Ok(found)
}

/// Takes away folders that are too deep, and the git directories of those that are repositories: what lies in a
/// person's work tree may have been there before, so it is moved aside. Each has one, by whatever letters, or it is an
/// error: who looks again until there is none comes to an end.
pub(super) fn flatten(place: &Place<'_>, seen: &Seen) -> Result<()> {
    let take = |path: &Path, name: &BStr, end: &str| match place.owner {
        Owner::Orch => remove(path),
        Owner::User => {
            let name = name.rsplit(|byte| *byte == b'/').next().unwrap_or_default().as_bstr().to_string();
            let name: String = name.chars().take(LONGEST).chain(end.chars()).collect();
            bring::set_aside(path, &place.repo.common_dir().join(ASIDE).join(name))
        }
    };
    for path in &seen.too_deep {
        take(&place.dir.join(path.to_path_lossy()), path.as_bstr(), "")?;
    }
    for path in &seen.nested {
        let full = place.dir.join(path.to_path_lossy());
        if path.eq_ignore_ascii_case(b".git") {
            take(&full, path.as_bstr(), "")?;
            continue;
        }
        let failed = |error: std::io::Error| EffectError::io("read", &full, &error);
        let mut removed = 0;
        for found in fs::read_dir(&full).map_err(failed)? {
            let found = found.map_err(failed)?;
            if found.file_name().eq_ignore_ascii_case(".git") {
                take(&found.path(), path.as_bstr(), ".git")?;
                removed += 1;
            }
        }
        if removed == 0 {
            let fact = format!("`{}` changed while it was looked at", full.display());
            return Err(EffectError::new(Trouble::Repository, fact));
        }
    }
    Ok(())
}

/// Makes sure that the root of a private work tree is a folder; whether it was. What an agent put in its place
/// is removed: a link would lead to a folder of somebody's, in which orch would then look, write and remove.
pub(super) fn own_root(dir: &Path) -> Result<bool> {
    match fs::symlink_metadata(dir) {
        Ok(metadata) if metadata.is_dir() => return Ok(true),
        Ok(_) => bring::remove_any(dir)?,
        Err(error) if bring::is_absent(&error) => {}
        Err(error) => return Err(EffectError::io("read", dir, &error)),
    }
    fs::create_dir_all(dir).map_err(|error| EffectError::io("make the directory", dir, &error))?;
    Ok(false)
}

/// Lets orch read and change again what was closed to it in a private work tree; whether anything was. Only
/// the owner's rights are added, and whether a file is a program stays as it is.
pub(super) fn unlock(place: &Place<'_>) -> bool {
    if place.owner != Owner::Orch {
        return false;
    }
    let (mut unlocked, mut folders) = (false, vec![place.dir.clone()]);
    while let Some(folder) = folders.pop() {
        unlocked |= open_up(&folder, 0o700);
        for found in fs::read_dir(&folder).into_iter().flatten().flatten() {
            match found.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(found.path()),
                Ok(kind) if kind.is_file() => unlocked |= open_up(&found.path(), 0o400),
                Ok(_) | Err(_) => {}
            }
        }
    }
    unlocked
}

/// Adds rights to a file or folder; whether some were missing and are there now.
pub(super) fn open_up(path: &Path, rights: u32) -> bool {
    let Ok(metadata) = fs::symlink_metadata(path) else { return false };
    let mode = metadata.permissions().mode() & 0o7777;
    mode & rights != rights && fs::set_permissions(path, fs::Permissions::from_mode(mode | rights)).is_ok()
}

/// An error that is due to somebody else's files (a container's, which runs as another user), as one that names the
/// first of them.
pub(super) fn blame(place: &Place<'_>, error: EffectError) -> EffectError {
    if error.trouble != Trouble::Denied {
        return error;
    }
    match foreign(&place.dir, rustix::process::geteuid().as_raw()) {
        Some((path, user)) => {
            let path = path.display();
            let fact =
                format!("`{path}` belongs to user {user}, so that orch cannot read or remove what is there");
            EffectError::new(Trouble::Foreign, fact)
        }
        None => error,
    }
}

/// What belongs to another user than this one below a folder, with everything in it; and to whom.
fn foreign(dir: &Path, own: u32) -> Option<(PathBuf, u32)> {
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for found in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let Ok(metadata) = found.metadata() else { continue };
            if metadata.uid() != own {
                return Some((found.path(), metadata.uid()));
            }
            if metadata.is_dir() {
                folders.push(found.path());
            }
        }
    }
    None
}

fn refuse_a_persons(place: &Place<'_>) -> Result<()> {
    if place.owner == Owner::Orch {
        return own_root(&place.dir).map(|_| ());
    }
    let fact = format!("`{}` is a person's, and nothing is removed there", place.dir.display());
    Err(EffectError::new(Trouble::Repository, fact))
}

fn folder(place: &Place<'_>, keep: &[BString], look: bool, path: &BString) -> Result<usize> {
    let full = place.dir.join(path.to_path_lossy());
    let failed = |error: std::io::Error| EffectError::io("read", &full, &error);
    let mut removed = 0;
    for found in fs::read_dir(&full).map_err(failed)? {
        let found = found.map_err(failed)?;
        let kind = found.file_type().map_err(failed)?;
        let mut child = path.clone();
        if !child.is_empty() {
            child.push(b'/');
        }
        child.extend_from_slice(found.file_name().as_encoded_bytes());
        let own_git = path.is_empty() && child.eq_ignore_ascii_case(b".git");
        if own_git || (!kind.is_symlink() && is_kept(keep, &child)) {
            continue;
        }
        let mut below = child.clone();
        below.push(b'/');
        let entered = kind.is_dir()
            && (place.index.prefixed_entries_range(below.as_bstr()).is_some()
                || keep.iter().any(|kept| kept.starts_with(&below)));
        if entered {
            removed += folder(place, keep, look, &child)?;
        } else if kind.is_dir() || place.index.entry_by_path(child.as_bstr()).is_none() {
            removed += 1;
            if !look {
                remove(&found.path())?;
            }
        }
    }
    Ok(removed)
}

/// Whether a path is kept: it is one of these paths, or has one of these names.
fn is_kept(keep: &[BString], path: &BString) -> bool {
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    keep.iter().any(|kept| {
        let kept = kept.trim_end_with(|c| c == '/');
        if kept.contains(&b'/') { kept == path.as_slice() } else { kept == name }
    })
}

/// Removes a file or folder, also where it was made to refuse that.
fn remove(path: &Path) -> Result<()> {
    if bring::remove_any(path).is_ok() {
        return Ok(());
    }
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(metadata) = fs::symlink_metadata(&folder) else { continue };
        if !metadata.is_dir() {
            continue;
        }
        // What cannot be changed fails below, with its name.
        let _ = fs::set_permissions(&folder, fs::Permissions::from_mode(0o700));
        folders.extend(fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path()));
    }
    bring::remove_any(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_closed_is_opened_and_nothing_else_changes() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("program");
        fs::write(&file, "x").unwrap();
        for (before, after, changes) in [(0o111, 0o511, true), (0o444, 0o444, false)] {
            fs::set_permissions(&file, fs::Permissions::from_mode(before)).unwrap();
            assert_eq!(open_up(&file, 0o400), changes);
            assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7777, after);
        }
        assert!(!open_up(&dir.path().join("gone"), 0o700));
    }

    #[test]
    fn the_whole_folder_of_another_user_is_named() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("a/b")).unwrap();
        let own = rustix::process::geteuid().as_raw();
        assert_eq!(foreign(dir.path(), own), None);
        assert_eq!(foreign(dir.path(), own + 1), Some((dir.path().join("a"), own)));
    }

    #[test]
    fn a_name_is_kept_at_any_depth_and_a_path_where_it_is() {
        let keep = ["target".into(), "web/node_modules/".into()];
        for path in ["target", "crates/a/target", "web/node_modules"] {
            assert!(is_kept(&keep, &path.into()), "{path}");
        }
        for path in ["targets", "target/debug", "node_modules", "a/web/node_modules", "web"] {
            assert!(!is_kept(&keep, &path.into()), "{path}");
        }
    }
}
