//! Blobs, trees and commits: reading them, building them, making them durable.

use super::{
    Change, Commit, Edit, Merge, Mode, NewCommit, Oid, OsGit, Result, TreeFile, failed, id, oid, or,
};
use crate::effects::os::files::{MANY, SYNCS_AT_ONCE, sync_file_system, sync_together};
use bstr::{BString, ByteSlice};
use gix::objs::tree::{EntryKind, EntryMode};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The mode of a directory in a tree.
pub(super) const MODE_TREE: Mode = 0o040_000;
/// From which size on a blob is remembered for it, and git itself takes in files, in bytes.
pub(super) const HUGE: usize = 32 << 20;

fn mode(mode: EntryMode) -> Mode {
    match mode.kind() {
        EntryKind::Tree => MODE_TREE,
        EntryKind::Blob => 0o100_644,
        EntryKind::BlobExecutable => 0o100_755,
        EntryKind::Link => 0o120_000,
        EntryKind::Commit => 0o160_000,
    }
}

pub(super) fn kind(mode: Mode) -> EntryKind {
    match mode {
        0o100_755 => EntryKind::BlobExecutable,
        0o120_000 => EntryKind::Link,
        0o160_000 => EntryKind::Commit,
        MODE_TREE => EntryKind::Tree,
        _ => EntryKind::Blob,
    }
}

impl OsGit {
    pub(super) fn read_commit(&self, commit: Oid) -> Result<Commit> {
        let object = or("read a commit", self.repo().find_commit(id(commit)))?;
        let decoded = or("read a commit", object.decode())?;
        let time = or("read a commit", decoded.committer())?;
        let author = or("read a commit", decoded.author())?;
        Ok(Commit {
            id: commit,
            tree: oid(decoded.tree()),
            parents: decoded.parents().map(oid).collect(),
            time: Timestamp::from_second(time.seconds()).unwrap_or_default(),
            author: format!("{} <{}>", author.name.to_str_lossy(), author.email.to_str_lossy()),
            message: decoded.message.to_str_lossy().into_owned(),
        })
    }

    pub(super) fn read_blob(&self, blob: Oid) -> Result<Vec<u8>> {
        let mut object = self.complete(|| or("read an object", self.repo().find_object(id(blob))))?;
        if object.data.len() >= HUGE {
            self.huge.borrow_mut().insert(object.id);
        }
        Ok(std::mem::take(&mut object.data))
    }

    /// A blob that is known to be huge is not read again to be found too large.
    pub(super) fn read_blob_within(&self, blob: Oid, most: usize) -> Result<Option<Vec<u8>>> {
        if most < HUGE && self.huge.borrow().contains(&id(blob)) {
            return Ok(None);
        }
        Ok(Some(self.read_blob(blob)?).filter(|content| content.len() <= most))
    }

    /// Remembers a blob that is huge. What a filter makes of a huge file may be a line.
    pub(super) fn note_if_huge(&self, blob: gix::ObjectId) {
        if self.repo().find_header(blob).is_ok_and(|header| header.size() >= HUGE as u64) {
            self.huge.borrow_mut().insert(blob);
        }
    }

    fn find_tree(&self, tree: gix::ObjectId) -> Result<gix::Tree<'_>> {
        self.complete(|| or("read a tree", self.repo().find_tree(tree)))
    }

    pub(super) fn find_entry(&self, tree: Oid, path: &str) -> Result<Option<(Mode, Oid)>> {
        let mut at = (MODE_TREE, tree);
        for name in path.split('/') {
            if at.0 != MODE_TREE {
                return Ok(None);
            }
            let data = self.find_tree(id(at.1))?;
            let decoded = or("read a tree", data.decode())?;
            let Some(entry) = decoded.entries.iter().find(|entry| entry.filename == name) else {
                return Ok(None);
            };
            at = (mode(entry.mode), oid(entry.oid));
        }
        Ok(Some(at))
    }

    pub(super) fn list_names(&self, tree: Oid, dir: &str) -> Result<Vec<BString>> {
        let found = if dir.is_empty() { Some((MODE_TREE, tree)) } else { self.find_entry(tree, dir)? };
        let Some((_, folder)) = found.filter(|(mode, _)| *mode == MODE_TREE) else { return Ok(Vec::new()) };
        let data = self.find_tree(id(folder))?;
        let decoded = or("read a tree", data.decode())?;
        Ok(decoded.entries.iter().map(|entry| entry.filename.to_owned()).collect())
    }

    pub(super) fn list_files(&self, tree: Oid, prefix: &str) -> Result<Vec<TreeFile>> {
        let mut files = Vec::new();
        let mut stack = vec![(BString::from(prefix), id(tree))];
        while let Some((dir, tree)) = stack.pop() {
            let data = self.find_tree(tree)?;
            for entry in or("read a tree", data.decode())?.entries {
                let mut path = dir.clone();
                if !path.is_empty() {
                    path.push(b'/');
                }
                path.extend_from_slice(entry.filename);
                match mode(entry.mode) {
                    MODE_TREE => stack.push((path, entry.oid.to_owned())),
                    mode => files.push(TreeFile { path, mode, id: oid(entry.oid) }),
                }
            }
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    pub(super) fn diff_trees(&self, old: Oid, new: Oid) -> Result<Vec<Change>> {
        let mut changes = Vec::new();
        self.diff_into(&BString::default(), Some(old), Some(new), &mut changes)?;
        changes.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(changes)
    }

    /// Compares two trees name by name; equal subtrees are never opened.
    fn diff_into(
        &self,
        dir: &BString,
        old: Option<Oid>,
        new: Option<Oid>,
        out: &mut Vec<Change>,
    ) -> Result<()> {
        if old == new {
            return Ok(());
        }
        let mut names: BTreeMap<BString, [Option<(Mode, Oid)>; 2]> = BTreeMap::new();
        for (side, tree) in [old, new].into_iter().enumerate() {
            let Some(tree) = tree else { continue };
            let data = self.find_tree(id(tree))?;
            for entry in or("read a tree", data.decode())?.entries {
                names.entry(entry.filename.to_owned()).or_default()[side] =
                    Some((mode(entry.mode), oid(entry.oid)));
            }
        }
        for (name, [old, new]) in names {
            if old == new {
                continue;
            }
            let mut path = dir.clone();
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(&name);
            let dir_of =
                |entry: Option<(Mode, Oid)>| entry.filter(|(mode, _)| *mode == MODE_TREE).map(|(_, id)| id);
            let leaf_of = |entry: Option<(Mode, Oid)>| entry.filter(|(mode, _)| *mode != MODE_TREE);
            if leaf_of(old) != leaf_of(new) {
                out.push(Change { path: path.clone(), old: leaf_of(old), new: leaf_of(new) });
            }
            self.diff_into(&path, dir_of(old), dir_of(new), out)?;
        }
        Ok(())
    }

    /// Looks whether all is there that a tree has and another, which is there, has not; a path where something is
    /// missing. A partial clone lacks files that its remote has.
    pub(super) fn find_lack(&self, from: Oid, to: Oid) -> Result<Option<BString>> {
        let is_whole = self.repo().config_snapshot().string("extensions.partialClone").is_none();
        self.lack_below(&BString::default(), Some(from), to, is_whole)
    }

    fn lack_below(&self, dir: &BString, from: Option<Oid>, to: Oid, files: bool) -> Result<Option<BString>> {
        if from == Some(to) {
            return Ok(None);
        }
        if !self.repo().has_object(id(to)) {
            return Ok(Some(dir.clone()));
        }
        let before = from.map_or_else(|| Ok(gix::objs::Tree::empty()), |from| self.read_tree(from))?;
        let before: BTreeMap<&BString, _> =
            before.entries.iter().map(|entry| (&entry.filename, entry)).collect();
        for entry in &self.read_tree(to)?.entries {
            let old = before.get(&entry.filename).filter(|old| old.oid != entry.oid);
            let same = before.contains_key(&entry.filename) && old.is_none();
            let path = super::scan::joined(dir.as_bstr(), entry.filename.as_bstr());
            let lack = match mode(entry.mode) {
                _ if same => None,
                MODE_TREE => {
                    let from = old.filter(|old| old.mode.is_tree()).map(|old| oid(old.oid));
                    self.lack_below(&path, from, oid(entry.oid), files)?
                }
                crate::effects::MODE_SUBMODULE => None,
                _ => (files && !self.repo().has_object(entry.oid)).then_some(path),
            };
            if lack.is_some() {
                return Ok(lack);
            }
        }
        Ok(None)
    }

    fn read_tree(&self, tree: Oid) -> Result<gix::objs::Tree> {
        if tree == super::Git::empty_tree(self) {
            return Ok(gix::objs::Tree::empty());
        }
        let data = self.find_tree(id(tree))?;
        Ok(or("read a tree", data.decode())?.into_owned())
    }

    pub(super) fn build_tree_without(&self, tree: Oid, name: &str) -> Result<Oid> {
        let mut root = self.read_tree(tree)?;
        root.entries.retain(|entry| entry.filename != name);
        let written = self.complete(|| or("write a tree", self.repo().write_object(&root)))?.detach();
        Ok(self.note_written(written))
    }

    pub(super) fn build_tree(&self, tree: Oid, edits: &[Edit]) -> Result<Oid> {
        let root = self.read_tree(tree)?;
        let mut editor = gix::objs::tree::Editor::new(root, &self.repo().objects, self.repo().object_hash());
        // What is taken out first cannot take out what is put in: a file may become a folder.
        for edit in edits.iter().filter(|edit| edit.new.is_none()) {
            or("edit a tree", editor.remove_if_leaf(components(&edit.path)))?;
        }
        for edit in edits {
            if let Some((mode, blob)) = edit.new {
                or("edit a tree", editor.upsert(components(&edit.path), kind(mode), id(blob)))?;
            }
        }
        let written = editor.write(|tree| -> Result<gix::ObjectId> {
            let id = self.complete(|| or("write a tree", self.repo().write_object(tree)))?.detach();
            self.unsettled.borrow_mut().push(id);
            Ok(id)
        })?;
        Ok(oid(written))
    }

    pub(super) fn merge_three(&self, base: Oid, ours: Oid, theirs: Oid) -> Result<Merge> {
        use gix::merge::tree::TreatAsUnresolved;
        let options = or("merge", self.repo().tree_merge_options())?;
        let labels = gix::merge::blob::builtin_driver::text::Labels::default();
        let mut outcome =
            or("merge", self.repo().merge_trees(id(base), id(ours), id(theirs), labels, options))?;
        if outcome.has_unresolved_conflicts(TreatAsUnresolved::git()) {
            let paths =
                outcome.conflicts.iter().map(|conflict| conflict.ours.location().to_owned()).collect();
            return Ok(Merge::Conflict(paths));
        }
        let merged = or("merge", outcome.tree.write())?.detach();
        // The editor does not say which trees and blobs it wrote; all that differ are made durable.
        for change in self.diff_trees(ours, oid(merged))? {
            if let Some((_, blob)) = change.new {
                self.unsettled.borrow_mut().push(id(blob));
            }
            self.note_trees_to(oid(merged), &change.path)?;
        }
        Ok(Merge::Clean(oid(merged)))
    }

    pub(super) fn merge_conflicts(&self, base: Oid, ours: Oid, theirs: Oid) -> Result<Vec<BString>> {
        use gix::merge::tree::TreatAsUnresolved;
        // What a merge writes stays in memory, and is forgotten.
        let repo = self.repo().clone().with_object_memory();
        let options = or("merge", repo.tree_merge_options())?;
        let labels = gix::merge::blob::builtin_driver::text::Labels::default();
        let outcome = or("merge", repo.merge_trees(id(base), id(ours), id(theirs), labels, options))?;
        let unresolved =
            outcome.conflicts.iter().filter(|conflict| conflict.is_unresolved(TreatAsUnresolved::git()));
        let mut paths: Vec<BString> =
            unresolved.map(|conflict| conflict.ours.location().to_owned()).collect();
        paths.sort();
        paths.dedup();
        Ok(paths)
    }

    fn note_trees_to(&self, tree: Oid, path: &BString) -> Result<()> {
        self.unsettled.borrow_mut().push(id(tree));
        let text = path.to_str_lossy();
        for (at, _) in text.match_indices('/') {
            if let Some((MODE_TREE, subtree)) = self.find_entry(tree, &text[..at])? {
                self.unsettled.borrow_mut().push(id(subtree));
            }
        }
        Ok(())
    }

    pub(super) fn build_commit(&self, commit: &NewCommit) -> Result<Oid> {
        let time = gix::date::Time { seconds: commit.time.as_second(), offset: 0 };
        let signature = match &commit.author {
            Some(identity) => gix::actor::Signature {
                name: identity.name.as_str().into(),
                email: identity.email.as_str().into(),
                time,
            },
            None => self.known("committer", time)?,
        };
        let author = match &commit.author {
            Some(_) => signature.clone(),
            None => self.known("author", time)?,
        };
        if commit.may_sign && self.signs() {
            return self.build_signed(commit, &author, &signature);
        }
        let object = gix::objs::Commit {
            tree: id(commit.tree),
            parents: commit.parents.iter().copied().map(id).collect(),
            author,
            committer: signature,
            encoding: None,
            message: commit.message.as_str().into(),
            extra_headers: Vec::new(),
        };
        let written = self.complete(|| or("write a commit", self.repo().write_object(&object)))?.detach();
        Ok(self.note_written(written))
    }

    /// Syncs every object that was written, what lies ready for a work tree, and other files, each with the
    /// directory that holds its name; many of them by one call.
    pub(super) fn sync_written(&self, with: &[PathBuf]) -> Result<()> {
        let root = self.repo().objects.store_ref().path().to_owned();
        let objects: BTreeSet<_> = self.unsettled.borrow_mut().drain(..).collect();
        let mut files: Vec<PathBuf> = self.ready.borrow_mut().drain(..).chain(with.iter().cloned()).collect();
        if SYNCS_AT_ONCE && objects.len() + files.len() >= MANY {
            return sync_file_system(&root);
        }
        let mut directories: BTreeSet<PathBuf> =
            with.iter().filter_map(|file| file.parent()).map(Path::to_owned).collect();
        for object in objects {
            let hex = object.to_string();
            let dir = root.join(&hex[..2]);
            // It is not there if it was already, in a pack or at an alternate place.
            files.push(dir.join(&hex[2..]));
            directories.extend([dir, root.clone()]);
        }
        sync_together(&files, &directories.into_iter().collect::<Vec<_>>())
    }
}

fn components(path: &BString) -> impl Iterator<Item = &bstr::BStr> {
    path.split(|byte| *byte == b'/').map(bstr::ByteSlice::as_bstr)
}

impl OsGit {
    /// The id of the tree that a commit holds, whatever names it.
    pub(super) fn tree_of(&self, commit: Oid) -> Result<Oid> {
        let object = or("read a commit", self.repo().find_commit(id(commit)))?;
        object.tree_id().map(|tree| oid(tree.detach())).map_err(|error| failed("read a commit", &error))
    }
}
