//! Looking at a work tree, and bringing it from one tree to another.
//!
//! Invariant: in a user's work tree a path is only written when it holds exactly what the index and
//! the old tree say, or already what the new tree says; anything else is the user's.

use super::bring as write;
use super::filters::Filters;
use super::incoming::{Ready, make_ready, write_file};
use super::look::{Look, look};
use super::place::Place;
use super::scan::{Differs, Scan};
use super::users::is_users;
use super::{EffectError, Oid, Result, id, oid};
use crate::effects::{Change, Edit, Git as _, MODE_SUBMODULE, Mode, Seen, Unfit};
use bstr::{BStr, BString, ByteSlice};
use gix::index::entry::{Flags, Stage, Stat};
use gix::index::fs::Metadata;
use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Whose work tree it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    /// The user's: their changes come first.
    User,
    /// Orch's own: what is in the way is removed.
    Orch,
}

/// Hashes what is there and brings the index in memory up to it.
pub(super) fn snapshot(place: &mut Place<'_>, how: Look) -> Result<Seen> {
    let base = match place.index_tree {
        Some(tree) => tree,
        None => tree_of_index(place)?,
    };
    // Until the index holds what was seen, nothing counts as heard.
    let mut watch = place.watch.take();
    let early = place.early.take();
    let Scan { differs, nested, too_deep } = look(place, how, &mut watch, early)?;
    let (hashes, unfit) = hash_all(place, &differs)?;
    let mut edits = Vec::new();
    let mut entries = Vec::new();
    for (path, what) in differs {
        let hashed = hashes.get(&path).copied();
        if what == Differs::Look && hashed.is_none() && place.index.entry_by_path(path.as_bstr()).is_none() {
            // It was there a moment ago, and was never tracked.
            continue;
        }
        // Sides of a conflict are in no tree.
        let before = place.index.entry_by_path_and_stage(path.as_bstr(), Stage::Unconflicted);
        let before = before.map(|entry| (entry.mode.bits(), oid(entry.id)));
        let now = hashed.map(|(mode, id, _)| (mode, id));
        if before == now && now.is_some_and(|(mode, _)| mode == MODE_SUBMODULE) {
            // That it is where it was is nothing to note.
            continue;
        }
        if before != now {
            edits.push(Edit { path: path.clone(), new: now });
        }
        entries.push((path, hashed));
    }
    update_index(place, entries);
    look_again_at(place, &unfit);
    let tree = if edits.is_empty() { base } else { place.git.edit_tree(base, &edits)? };
    place.index_tree = Some(tree);
    place.watch = watch.filter(|_| unfit.is_empty());
    Ok(Seen { tree, nested, too_deep, unfit })
}

/// The tree that an index with staged changes stands for.
fn tree_of_index(place: &Place<'_>) -> Result<Oid> {
    let staged = place.index.entries().iter().filter(|entry| entry.stage_raw() == 0);
    let edits: Vec<Edit> = staged
        .filter(|entry| !entry.flags.contains(Flags::INTENT_TO_ADD))
        .map(|entry| Edit {
            path: entry.path(&place.index).to_owned(),
            new: Some((entry.mode.bits(), oid(entry.id))),
        })
        .collect();
    place.git.edit_tree(place.git.empty_tree(), &edits)
}

type Hashed = (Mode, Oid, Stat);

/// What is there under the paths that have to be looked at, and which of them git would not take in.
fn hash_all(
    place: &Place<'_>,
    differs: &BTreeMap<BString, Differs>,
) -> Result<(BTreeMap<BString, Hashed>, Vec<Unfit>)> {
    let wanted: Vec<&BString> =
        differs.iter().filter(|(_, what)| matches!(what, Differs::Look)).map(|(path, _)| path).collect();
    let (mut hashed, mut unfit) = (BTreeMap::new(), Vec::new());
    if wanted.is_empty() {
        return Ok((hashed, unfit));
    }
    let mut filters = Filters::of(place)?;
    for path in wanted {
        // The times are taken before the content is read: a later write then shows.
        let Ok(stat) = stat_of(&full(place, path.as_bstr())) else { continue };
        let Some(taken) = filters.take(path.as_bstr())? else { continue };
        unfit.extend(taken.unfit.map(|why| Unfit { path: path.clone(), why }));
        hashed.insert(path.clone(), (taken.mode, taken.id, stat));
    }
    Ok((hashed, unfit))
}

pub(super) fn full(place: &Place<'_>, path: &BStr) -> PathBuf {
    place.dir.join(relative(path))
}

pub(super) fn relative(path: &BStr) -> PathBuf {
    use std::os::unix::ffi::OsStrExt as _;
    PathBuf::from(std::ffi::OsStr::from_bytes(path))
}

pub(super) fn stat_of(path: &Path) -> std::io::Result<Stat> {
    let metadata = Metadata::from_path_no_follow(path)?;
    Stat::from_fs(&metadata).map_err(std::io::Error::other)
}

/// Has the index say of files that git would not take in what it says of those that are yet to be added: they
/// are looked at, and told, each time, and what was kept of them counts for nothing when they are.
fn look_again_at(place: &mut Place<'_>, unfit: &[Unfit]) {
    let nothing = gix::ObjectId::empty_blob(place.repo.object_hash());
    for file in unfit {
        if let Some(entry) = place.index.entry_mut_by_path_and_stage(file.path.as_bstr(), Stage::Unconflicted)
        {
            (entry.id, entry.stat) = (nothing, Stat::default());
            entry.flags.insert(Flags::INTENT_TO_ADD | Flags::EXTENDED);
        }
    }
}

/// Puts entries into the index in memory: changed ones in place, new ones sorted in at the end.
fn update_index(place: &mut Place<'_>, entries: Vec<(BString, Option<Hashed>)>) {
    if entries.is_empty() {
        return;
    }
    let mut gone: HashSet<BString> = HashSet::new();
    let mut new = Vec::new();
    for (path, hashed) in entries {
        let Some((mode, blob, stat)) = hashed else {
            gone.insert(path);
            continue;
        };
        let mode = gix::index::entry::Mode::from_bits_truncate(mode);
        if let Some(entry) = place.index.entry_mut_by_path_and_stage(path.as_bstr(), Stage::Unconflicted) {
            entry.stat = stat;
            entry.id = id(blob);
            entry.mode = mode;
            entry.flags.remove(Flags::INTENT_TO_ADD | Flags::ASSUME_VALID);
            continue;
        }
        if place.index.entry_range(path.as_bstr()).is_some() {
            // What lies there is what counts now, of whatever sides.
            gone.insert(path.clone());
        }
        let skipped = place.leaves_out(path.as_bstr());
        let flags = if skipped { Flags::SKIP_WORKTREE | Flags::EXTENDED } else { Flags::empty() };
        new.push((stat, id(blob), flags, mode, path));
    }
    if !gone.is_empty() {
        place.index.remove_entries(|_, path, _| gone.contains(path));
    }
    // Only now: an entry at the end of the list is one that the search above does not find.
    if !new.is_empty() {
        for (stat, blob, flags, mode, path) in new {
            place.index.dangerously_push_entry(stat, blob, flags, mode, path.as_bstr());
        }
        place.index.sort_entries();
    }
    place.dirty_index = true;
}

/// Takes paths out of the index in memory.
pub(super) fn forget(place: &mut Place<'_>, paths: &[BString]) {
    update_index(place, paths.iter().map(|path| (path.clone(), None)).collect());
    place.index_tree = None;
    place.watch = None;
}

/// What was made ready to bring a work tree from one tree to another.
pub(super) struct Prepared {
    between: (Oid, Oid),
    ready: Ready,
}

/// Makes ready what [`bring`] will put in place.
pub(super) fn prepare(place: &mut Place<'_>, from: Oid, to: Oid) -> Result<()> {
    place.prepared = None;
    // What changes from here on is orch's own doing.
    place.watch = None;
    let changes = place.git.changes(from, to)?;
    let new: Vec<&Change> = changes.iter().filter(|change| change.new.is_some()).collect();
    // Attributes say how the others are to be written, and have to be in place before.
    if place.owner == Owner::Orch || new.is_empty() || new.iter().any(|change| is_attributes(change)) {
        return Ok(());
    }
    gather(place, &new);
    let ready = make_ready(place, &new, &mut Filters::of(place)?)?;
    place.git.ready.borrow_mut().extend_from_slice(&ready.files);
    place.prepared = Some(Prepared { between: (from, to), ready });
    Ok(())
}

/// Has at once all that is to be written; what lies outside of a sparse checkout is not.
fn gather(place: &Place<'_>, changes: &[&Change]) {
    let written = |change: &&&Change| place.owner == Owner::Orch || !place.leaves_out(change.path.as_bstr());
    let new = changes.iter().filter(written).filter_map(|change| change.new);
    let blobs: Vec<Oid> = new.filter(|(mode, _)| *mode != MODE_SUBMODULE).map(|(_, blob)| blob).collect();
    place.git.gather(&blobs);
}

fn is_attributes(change: &Change) -> bool {
    change.path.ends_with(b".gitattributes")
}

/// Writes the differences between two trees.
pub(super) fn bring(place: &mut Place<'_>, from: Oid, to: Oid, keep: &[BString]) -> Result<()> {
    let keep: HashSet<&BString> = keep.iter().collect();
    let changes: Vec<Change> =
        place.git.changes(from, to)?.into_iter().filter(|change| !keep.contains(&change.path)).collect();
    let mut entries = Vec::new();
    for change in changes.iter().filter(|change| change.new.is_none()) {
        entries.extend(take_out(place, change)?);
    }
    // Attributes come first: they say how the other files are to be written.
    let (attributes, others): (Vec<&Change>, Vec<&Change>) =
        changes.iter().filter(|change| change.new.is_some()).partition(|change| is_attributes(change));
    let prepared = place.prepared.take().filter(|it| it.between == (from, to) && keep.is_empty());
    let mut ready = prepared.map(|prepared| prepared.ready);
    for group in [attributes, others] {
        if group.is_empty() {
            continue;
        }
        gather(place, &group);
        let mut filters = Filters::of(place)?;
        if ready.is_none() && place.owner == Owner::User && group.len() > 1 {
            let made = make_ready(place, &group, &mut filters)?;
            made.sync()?;
            ready = Some(made);
        }
        let ready = ready.take();
        for (at, change) in group.into_iter().enumerate() {
            let ready = ready.as_ref().map(|ready| ready.at(at));
            entries.extend(put_in(place, change, &mut filters, ready.as_deref())?);
        }
    }
    update_index(place, entries);
    let moved = place.index_tree == Some(from) && keep.is_empty();
    place.index_tree = if moved { Some(to) } else { None };
    place.dirty_index |= from != to;
    Ok(())
}

type Entry = (BString, Option<Hashed>);

fn take_out(place: &Place<'_>, change: &Change) -> Result<Option<Entry>> {
    let full = full(place, change.path.as_bstr());
    let submodule = change.old.is_some_and(|(mode, _)| mode == MODE_SUBMODULE);
    match place.owner {
        Owner::Orch => write::remove_any(&full)?,
        Owner::User if submodule => {}
        // The user changed it a moment ago: it stays, and shows as theirs.
        Owner::User if is_users(place, change)? => return Ok(Some((change.path.clone(), None))),
        Owner::User => {
            if !place.leaves_out(change.path.as_bstr()) {
                write::remove_any(&full)?;
            }
        }
    }
    write::remove_empty_folders(&place.dir, &relative(change.path.as_bstr()));
    Ok(Some((change.path.clone(), None)))
}

fn put_in(
    place: &Place<'_>,
    change: &Change,
    filters: &mut Filters<'_>,
    ready: Option<&Path>,
) -> Result<Option<Entry>> {
    let Some((mode, blob)) = change.new else { return Ok(None) };
    let path = change.path.as_bstr();
    let full = full(place, path);
    let nothing_to_write = place.owner == Owner::User
        && (place.leaves_out(path) || mode == MODE_SUBMODULE || is_users(place, change)?);
    if nothing_to_write || (place.owner == Owner::User && !write::make_way(&full)?) {
        if mode == MODE_SUBMODULE && fs::symlink_metadata(&full).is_err() {
            // Without its folder it would be missing.
            write::make_folders(&place.dir, &relative(path), false)?;
            fs::create_dir(&full).map_err(|error| EffectError::io("make the directory", &full, &error))?;
        }
        return Ok(Some((change.path.clone(), Some((mode, blob, Stat::default())))));
    }
    write::make_folders(&place.dir, &relative(path), place.owner == Owner::Orch)?;
    if mode == MODE_SUBMODULE {
        write::remove_any(&full)?;
        fs::create_dir(&full).map_err(|error| EffectError::io("make the directory", &full, &error))?;
    } else if ready.is_none_or(|ready| fs::rename(ready, &full).is_err()) {
        write_file(place, &full, mode, &filters.content(path, mode, blob)?)?;
    }
    let stat = stat_of(&full).map_err(|error| EffectError::io("read", &full, &error))?;
    Ok(Some((change.path.clone(), Some((mode, blob, stat)))))
}
