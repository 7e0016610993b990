//! What of the user's is in the way of bringing their work tree from one tree to another.
//!
//! Invariant: a path is in nobody's way only when it holds exactly what the index and the old tree say, or
//! already what the new tree says, and when what lies there can be taken away.

use super::bring as write;
use super::filters::Filters;
use super::place::Place;
use super::scan::COMPARE;
use super::worktree::{full, stat_of};
use super::{EffectError, Oid, Result, oid};
use crate::effects::{Change, Git as _, MODE_SUBMODULE, Mode};
use bstr::{BStr, BString, ByteSlice};
use gix::index::entry::{Flags, Stage};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Which paths that differ between two trees hold something of the user's.
pub(super) fn overlaps(place: &mut Place<'_>, from: Oid, to: Oid) -> Result<Vec<BString>> {
    let changes = place.git.changes(from, to)?;
    let (mut users, mut folders) = (Vec::new(), BTreeSet::new());
    for change in changes {
        if is_users(place, &change)? {
            users.push(change.path);
        } else {
            folders.insert(folder_above(place, change.path.as_bstr()));
        }
    }
    folders.iter().try_for_each(|folder| refuse_closed(folder))?;
    Ok(users)
}

/// Whether a path holds something else than the old and the new tree say.
pub(super) fn is_users(place: &Place<'_>, change: &Change) -> Result<bool> {
    let path = change.path.as_bstr();
    let entry = place.index.entry_by_path_and_stage(path, Stage::Unconflicted);
    if entry.is_none() && place.index.entry_range(path).is_some() {
        return Ok(true);
    }
    if change.new.is_some() && untracked_file_on_the_way(place, path) {
        return Ok(true);
    }
    let is_yet_to_come = entry.is_some_and(|entry| entry.flags.contains(Flags::INTENT_TO_ADD));
    // What is yet to be added is judged by what lies there alone.
    let indexed = entry.filter(|_| !is_yet_to_come).map_or_else(
        || change.old.filter(|_| is_yet_to_come),
        |entry| Some((entry.mode.bits(), oid(entry.id))),
    );
    if indexed != change.old && indexed != change.new {
        return Ok(true);
    }
    if entry.is_some_and(|entry| entry.flags.contains(Flags::SKIP_WORKTREE)) {
        return Ok(false);
    }
    let submodule = [change.old, change.new].into_iter().flatten().any(|(mode, _)| mode == MODE_SUBMODULE);
    Ok(match on_disk(place, path, entry)? {
        OnDisk::Nothing => change.new.is_some() && change.old.is_some(),
        // Whoever took it out of the index and left it there wants to have it.
        OnDisk::Leaf(..) if change.new.is_none() && entry.is_none() => true,
        OnDisk::Leaf(mode, id) => {
            !submodule && Some((mode, id)) != change.new && Some((mode, id)) != change.old
        }
        OnDisk::Folder => !submodule && holds_untracked(place, path)?,
    })
}

/// The folder in which something changes when a path does.
fn folder_above(place: &Place<'_>, path: &BStr) -> PathBuf {
    let full = full(place, path);
    let is_folder = |above: &&Path| fs::symlink_metadata(above).is_ok_and(|metadata| metadata.is_dir());
    full.ancestors().skip(1).find(is_folder).unwrap_or(&place.dir).to_owned()
}

/// A folder in which nothing can be changed is told of while everything is as it was.
fn refuse_closed(folder: &Path) -> Result<()> {
    use rustix::fs::Access;
    rustix::fs::access(folder, Access::WRITE_OK | Access::EXEC_OK)
        .map_err(|error| EffectError::io("write to", folder, &error.into()))
}

/// Whether one of the folders above a path is really a file or a link that git does not track.
fn untracked_file_on_the_way(place: &Place<'_>, path: &BStr) -> bool {
    path.iter().enumerate().filter(|(_, byte)| **byte == b'/').any(|(at, _)| {
        let above = path[..at].as_bstr();
        let is_leaf = fs::symlink_metadata(full(place, above)).is_ok_and(|metadata| !metadata.is_dir());
        is_leaf && place.index.entry_by_path(above).is_none()
    })
}

/// What lies at a path.
enum OnDisk {
    /// Nothing; what is on the way to it may be a tracked file.
    Nothing,
    /// A file, program or link, with the hash of its content.
    Leaf(Mode, Oid),
    /// A folder.
    Folder,
}

fn on_disk(place: &Place<'_>, path: &BStr, entry: Option<&gix::index::Entry>) -> Result<OnDisk> {
    let full = full(place, path);
    let metadata = match fs::symlink_metadata(&full) {
        Ok(metadata) => metadata,
        // A file on the way is the user's unless it is tracked, and then it is looked at by itself.
        Err(error) if write::is_absent(&error) => return Ok(OnDisk::Nothing),
        Err(error) => return Err(EffectError::io("read", &full, &error)),
    };
    if metadata.is_dir() {
        return Ok(OnDisk::Folder);
    }
    let stat = stat_of(&full).map_err(|error| EffectError::io("read", &full, &error))?;
    if let Some(entry) = entry {
        let racy = entry.stat.is_racy(place.index.timestamp(), COMPARE);
        if !racy && entry.stat.matches(&stat, COMPARE) {
            return Ok(OnDisk::Leaf(entry.mode.bits(), oid(entry.id)));
        }
    }
    // What cannot be tracked (a pipe, a socket) is nobody's but the user's.
    let none = Oid::from_bytes(&[0; 20]);
    let taken = Filters::of(place)?.take(path)?;
    Ok(taken.map_or(OnDisk::Leaf(0, none), |taken| OnDisk::Leaf(taken.mode, taken.id)))
}

/// Whether a folder holds a file that git does not track; those that it tracks are looked at one by one.
fn holds_untracked(place: &Place<'_>, path: &BStr) -> Result<bool> {
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        let full = full(place, folder.as_bstr());
        let failed = |error: std::io::Error| EffectError::io("read", &full, &error);
        for found in fs::read_dir(&full).map_err(failed)? {
            let found = found.map_err(failed)?;
            let mut below = folder.clone();
            below.push(b'/');
            below.extend_from_slice(found.file_name().as_encoded_bytes());
            if found.file_type().map_err(failed)?.is_dir() {
                folders.push(below);
            } else if place.index.entry_by_path(below.as_bstr()).is_none() {
                return Ok(true);
            }
        }
    }
    Ok(false)
}
