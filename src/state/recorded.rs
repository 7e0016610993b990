//! What commits do to run records: so a step is known by the record that it brings, whatever its message says.
//!
//! In: commits of a history. Out: [`Records`], or the [`Run`]s that a commit brought. Invariant: a merge brings
//! nothing, for what it joins has commits of its own.

use super::file;
use super::layout::{self, FileKind};
use super::run::Run;
use crate::effects::{Change, Commit, EffectError, Oid, Trouble, World};
use bstr::ByteSlice;
use jiff::{SignedDuration, Timestamp};
use std::collections::HashMap;

/// How far clocks may be apart.
const SKEW: SignedDuration = SignedDuration::from_hours(48);

type Result<T> = std::result::Result<T, EffectError>;

/// The run records that a commit added, changed and took out, by path.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Records {
    /// Those that were not there before.
    pub added: Vec<(String, Oid)>,
    /// Those that say something else than before.
    pub changed: Vec<(String, Oid)>,
    /// Those that are not there any more.
    pub gone: Vec<String>,
}

impl Records {
    /// By changes below the folder of run records.
    #[must_use]
    pub fn of(changes: &[Change]) -> Self {
        let mut records = Self::default();
        for change in changes {
            let path = format!("{}/{}", layout::RUNS, change.path.to_str_lossy());
            if layout::kind_of(&path) != FileKind::Run {
                continue;
            }
            match (change.old, change.new) {
                (None, Some((_, blob))) => records.added.push((path, blob)),
                (Some((_, old)), Some((_, new))) if old != new => records.changed.push((path, new)),
                (Some(_), None) => records.gone.push(path),
                _ => {}
            }
        }
        records
    }
}

/// A history whose records are looked at.
pub struct Recorded<'w> {
    world: World<'w>,
    /// Folders of run records, by the tree that holds them.
    folders: HashMap<Oid, Option<Oid>>,
    /// The month in which the first of its records began.
    first: Option<Timestamp>,
}

impl<'w> Recorded<'w> {
    /// The history of a commit.
    ///
    /// # Errors
    /// When its tree cannot be read.
    pub fn of(world: World<'w>, tip: Oid) -> Result<Self> {
        let months = world.git.names(world.git.commit(tip)?.tree, layout::RUNS)?;
        let begin = |month: &bstr::BString| format!("{month}-01T00:00:00Z").parse::<Timestamp>().ok();
        let first = months.iter().filter_map(begin).min();
        Ok(Self { world, folders: HashMap::new(), first })
    }

    /// The folder of run records in a tree; the empty one where it has none.
    ///
    /// # Errors
    /// When the tree cannot be read.
    pub fn folder(&mut self, tree: Oid) -> Result<Oid> {
        let known = if let Some(known) = self.folders.get(&tree) {
            *known
        } else {
            let found = self.world.git.subtree(tree, layout::RUNS)?;
            self.folders.insert(tree, found);
            found
        };
        Ok(known.unwrap_or_else(|| self.world.git.empty_tree()))
    }

    /// What became of records between two trees.
    ///
    /// # Errors
    /// When a tree cannot be read.
    pub fn between(&mut self, before: Oid, after: Oid) -> Result<Records> {
        let (old, new) = (self.folder(before)?, self.folder(after)?);
        if old == new {
            return Ok(Records::default());
        }
        Ok(Records::of(&self.world.git.changes(old, new)?))
    }

    /// Whether a commit that claims a run has anything to show for it: that it brought a record, or has this one. Which
    /// one it brought is not looked at here.
    ///
    /// # Errors
    /// When the repository is damaged.
    pub fn holds(&mut self, commit: &Commit, run: &str) -> Result<bool> {
        let folder = self.folder(commit.tree)?;
        let before = match commit.parents.first().map(|parent| self.world.git.commit(*parent)) {
            Some(Ok(parent)) => self.folder(parent.tree)?,
            Some(Err(error)) if error.trouble != Trouble::Missing => return Err(error),
            Some(Err(_)) => folder,
            None => self.world.git.empty_tree(),
        };
        // A step that is picked once more brings nothing, and its record is there.
        let is_it = |path: &bstr::BString| layout::stem(&path.to_str_lossy()) == run;
        let here = || {
            self.world.git.files(folder, layout::RUNS).map(|files| files.iter().any(|file| is_it(&file.path)))
        };
        if before == folder { here() } else { Ok(true) }
    }

    /// The runs whose records a commit brought, the newest first. One whose parent is not in this clone is not
    /// known to have brought any.
    ///
    /// # Errors
    /// When the repository is damaged.
    pub fn brought(&mut self, commit: &Commit) -> Result<Vec<Run>> {
        let [parent] = commit.parents.as_slice() else { return Ok(Vec::new()) };
        if self.first.is_none_or(|first| commit.time < first - SKEW) {
            return Ok(Vec::new());
        }
        let before = match self.world.git.commit(*parent) {
            Ok(parent) => parent.tree,
            Err(error) if error.trouble == Trouble::Missing => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut runs = Vec::new();
        for (path, blob) in self.between(before, commit.tree)?.added {
            runs.extend(file::run::read(&path, &self.world.git.blob(blob)?).value);
        }
        runs.sort_by(|a, b| b.id.as_str().cmp(a.id.as_str()));
        Ok(runs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oid(byte: u8) -> Oid {
        Oid::from_bytes(&[byte; 20])
    }

    #[test]
    fn records_are_told_by_what_became_of_them() {
        let change = |path: &str, old: u8, new: u8| {
            let entry = |byte: u8| (byte > 0).then(|| (0o100_644, oid(byte)));
            Change { path: path.into(), old: entry(old), new: entry(new) }
        };
        let changes = [
            change("2026-11/A.toml", 0, 1),
            change("2026-11/B.toml", 1, 2),
            change("2026-11/C.toml", 1, 0),
            change("notes.txt", 0, 1),
        ];
        let path = |name: &str| format!(".orchestrator/runs/2026-11/{name}.toml");
        let expected = Records {
            added: vec![(path("A"), oid(1))],
            changed: vec![(path("B"), oid(2))],
            gone: vec![path("C")],
        };
        assert_eq!(Records::of(&changes), expected);
    }
}
