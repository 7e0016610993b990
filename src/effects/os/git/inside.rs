//! What lies in the submodules of a work tree and in no commit that the work names.
//!
//! Invariant: their repositories are data. Nothing that these say is run, no link is followed, and a file is only taken
//! for unchanged by what it holds, or by what their index noted of it.

use super::bring::{is_folder, remove_any};
use super::place::{Place, load_index};
use super::scan::{Differs, Sight, Walk, joined};
use super::survey::survey;
use super::worktree::relative;
use super::{EffectError, Oid, Result, id, oid, or};
use crate::effects::os::files;
use crate::effects::{Edit, Git as _, Inside, MODE_FILE, MODE_LINK, MODE_PROGRAM, MODE_SUBMODULE, Mode};
use bstr::{BStr, BString, ByteSlice as _};
use gix::index::entry::Flags;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The most files that are kept.
const MOST_FILES: usize = 1_000;
/// The most bytes of a file that are kept.
const LARGEST: u64 = 64 << 20;
/// How deep submodules lie in each other.
const DEPTH: usize = 8;

/// The files in the submodules of a tree that are not what it names; the tree with those in place of the submodules.
pub(super) fn inside(place: &Place<'_>, tree: Oid) -> Result<Inside> {
    let (mut paths, mut edits) = (Vec::new(), Vec::new());
    for (path, commit) in submodules(place, tree)? {
        let found = differs(place, &path, commit, DEPTH)?;
        if found.is_empty() {
            continue;
        }
        edits.push(Edit { path, new: None });
        for path in found {
            let kept = if paths.len() < MOST_FILES { keep(place, path.as_bstr())? } else { None };
            edits.extend(kept.map(|new| Edit { path: path.clone(), new: Some(new) }));
            paths.push(path);
        }
    }
    let kept = if edits.is_empty() { tree } else { place.git.edit_tree(tree, &edits)? };
    Ok(Inside { paths, kept })
}

/// Empties the submodules of a private work tree in which something is not what the tree names; whether there were any.
pub(super) fn empty(place: &Place<'_>, tree: Oid) -> Result<bool> {
    let mut emptied = false;
    for (path, commit) in submodules(place, tree)? {
        let dir = place.dir.join(relative(path.as_bstr()));
        // One whose repository is gone lets no git look at the work tree.
        let is_lost = fs::symlink_metadata(dir.join(".git")).is_ok() && git_dir_of(&dir).is_none();
        if is_lost || !differs(place, &path, commit, DEPTH)?.is_empty() {
            remove_any(&dir)?;
            fs::create_dir(&dir).map_err(|error| EffectError::io("make the directory", &dir, &error))?;
            emptied = true;
        }
    }
    Ok(emptied)
}

/// The submodules of a tree that have a repository in the work tree, with the commits that it names.
fn submodules(place: &Place<'_>, tree: Oid) -> Result<Vec<(BString, Oid)>> {
    let walk = Walk::new(Sight { index: &place.index, dir: &place.dir, watch: None });
    let mut found = Vec::new();
    for entry in place.index.entries().iter().filter(|entry| entry.mode.is_submodule()) {
        let path = entry.path(&place.index);
        let named = place.git.entry(tree, &path.to_str_lossy())?;
        if let Some((MODE_SUBMODULE, commit)) = named
            && walk.open_below(path)?.is_some()
        {
            found.push((path.to_owned(), commit));
        }
    }
    Ok(found)
}

/// The paths below a submodule that are not what a commit says.
fn differs(place: &Place<'_>, at: &BString, commit: Oid, depth: usize) -> Result<BTreeSet<BString>> {
    let dir = place.dir.join(relative(at.as_bstr()));
    let Some(git_dir) = git_dir_of(&dir) else { return Ok(BTreeSet::new()) };
    let hash = place.repo.object_hash();
    let index = git_dir.join("index");
    let is_file = fs::symlink_metadata(&index).map_or(true, |metadata| metadata.is_file());
    // An index that cannot be read says nothing of what lies there.
    let Some(index) = is_file.then(|| load_index(hash, &index).ok()).flatten() else {
        return Ok(BTreeSet::from([at.clone()]));
    };
    let sight = Sight { index: &index, dir: &dir, watch: None };
    let mut found = survey(sight)?;
    let mut paths: BTreeSet<BString> = staged(&git_dir, &index, commit).into_iter().collect();
    for (path, how) in std::mem::take(&mut found.scan.differs) {
        let entry = index.entry_by_path(path.as_bstr());
        let is_same = how == Differs::Look
            && entry.is_some_and(|entry| {
                entry.mode.is_submodule() || holds(&dir, path.as_bstr(), entry.mode.bits(), oid(entry.id))
            });
        if !is_same {
            paths.insert(path);
        }
    }
    let mut below = BTreeSet::new();
    for entry in index.entries().iter().filter(|entry| entry.mode.is_submodule() && depth > 0) {
        let path = joined(at.as_bstr(), entry.path(&index));
        if Walk::new(sight).open_below(entry.path(&index))?.is_some() {
            below.extend(differs(place, &path, oid(entry.id), depth - 1)?);
        }
    }
    paths.extend(untracked(place, at, sight, found.unknown)?);
    Ok(paths.into_iter().map(|path| joined(at.as_bstr(), path.as_bstr())).chain(below).collect())
}

/// The files of a submodule that its index does not name, and no rule ignores.
fn untracked(
    place: &Place<'_>,
    at: &BString,
    sight: Sight<'_>,
    unknown: Vec<(BString, bool)>,
) -> Result<Vec<BString>> {
    if unknown.is_empty() {
        return Ok(Vec::new());
    }
    let source = gix::worktree::stack::state::ignore::Source::WorktreeThenIdMappingIfNotSkipped;
    let doing = "read ignore rules";
    let mut excludes = or(doing, place.repo.excludes(&place.index, None, source))?;
    let (mut walk, mut files) = (Walk::new(sight), Vec::new());
    walk.found.unknown = unknown;
    while let Some((path, is_folder)) = walk.found.unknown.pop() {
        let mode = if is_folder { gix::index::entry::Mode::DIR } else { gix::index::entry::Mode::FILE };
        let full = joined(at.as_bstr(), path.as_bstr());
        if or(doing, excludes.at_entry(full.as_bstr(), Some(mode)))?.is_excluded() {
            continue;
        }
        if !is_folder {
            files.push(path);
        } else if files.len() < MOST_FILES {
            walk.folder(walk.open(path.as_bstr())?, path.as_bstr(), 0, 0)?;
        }
    }
    Ok(files)
}

/// Where an index says otherwise than a commit, or than `HEAD` where that commit is not there.
fn staged(git_dir: &Path, index: &gix::index::File, commit: Oid) -> Vec<BString> {
    let options = gix::open::Options::isolated().open_path_as_is(true);
    let Ok(repo) = gix::open_opts(git_dir, options) else { return Vec::new() };
    let named = repo.find_commit(id(commit)).ok().and_then(|commit| commit.tree_id().ok());
    let Some(tree) = named.or_else(|| repo.head_tree_id().ok()) else { return Vec::new() };
    let is_whole = |cached: &&gix::index::extension::Tree| cached.num_entries.is_some();
    if index.tree().filter(is_whole).is_some_and(|cached| cached.id == tree.detach()) {
        return Vec::new();
    }
    let Ok(before) = repo.index_from_tree(&tree) else { return Vec::new() };
    let is_known = |entry: &gix::index::Entry, path: &BStr| {
        let other = before.entry_by_path(path);
        other.is_some_and(|other| (other.id, other.mode) == (entry.id, entry.mode))
    };
    let added = index.entries().iter().filter(|entry| !entry.flags.contains(Flags::INTENT_TO_ADD));
    let added = added.map(|entry| (entry, entry.path(index))).filter(|(entry, path)| !is_known(entry, path));
    let gone = before.entries().iter().map(|entry| entry.path(&before));
    let gone = gone.filter(|path| index.entry_by_path(path).is_none());
    added.map(|(_, path)| path).chain(gone).map(ToOwned::to_owned).collect()
}

/// The repository of a submodule; none where it has none.
fn git_dir_of(dir: &Path) -> Option<PathBuf> {
    let path = dir.join(".git");
    let git_dir = if is_folder(&path) {
        path
    } else {
        let is_file = fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_file());
        let text = is_file.then(|| files::read(&path, 1 << 16).ok().flatten()).flatten()?;
        dir.join(String::from_utf8_lossy(&text).strip_prefix("gitdir: ")?.trim_end())
    };
    git_dir.join("HEAD").is_file().then_some(git_dir)
}

/// Whether a file or link holds what git has of it, by whatever line ends.
fn holds(dir: &Path, path: &BStr, mode: Mode, blob: Oid) -> bool {
    let Some((found, content)) = read(&dir.join(relative(path))) else { return false };
    let is = |content: &[u8]| {
        gix::objs::compute_hash(id(blob).kind(), gix::objs::Kind::Blob, content)
            .is_ok_and(|hash| oid(hash) == blob)
    };
    found == mode && (is(&content) || is(&content.replace("\r\n", "\n")))
}

/// Takes in a file or link; none where there is none, or too much of it.
fn keep(place: &Place<'_>, path: &BStr) -> Result<Option<(Mode, Oid)>> {
    let mut folders = path.split(|byte| *byte == b'/').collect::<Vec<_>>();
    let is_plain = folders
        .iter()
        .all(|name| !matches!(*name, b"" | b"." | b"..") && !name.eq_ignore_ascii_case(b".git"));
    folders.pop();
    let folder = BString::from(folders.join(&b'/'));
    let walk = Walk::new(Sight { index: &place.index, dir: &place.dir, watch: None });
    if !is_plain || walk.open_below(folder.as_bstr())?.is_none() {
        return Ok(None);
    }
    let Some((mode, content)) = read(&place.dir.join(relative(path))) else { return Ok(None) };
    Ok(Some((mode, place.git.write_blob(&content)?)))
}

/// A file or link as git would have it.
fn read(path: &Path) -> Option<(Mode, Vec<u8>)> {
    use std::os::unix::ffi::OsStringExt as _;
    use std::os::unix::fs::MetadataExt as _;
    let metadata = fs::symlink_metadata(path).ok()?;
    if metadata.is_symlink() {
        return Some((MODE_LINK, fs::read_link(path).ok()?.into_os_string().into_vec()));
    }
    let mode = if metadata.mode() & 0o100 == 0 { MODE_FILE } else { MODE_PROGRAM };
    let content = if metadata.is_file() { files::read(path, LARGEST).ok()? } else { None };
    Some((mode, content?))
}
