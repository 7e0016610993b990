//! What commits do to run records: so a step is known by the record that it brings, whatever its message says.
//!
//! In: commits of a history. Out: [`Records`], or the [`Run`]s that a commit brought. Invariant: a merge brings
//! nothing, for what it joins has commits of its own.

use super::file;
use super::id::RunId;
use super::layout::{self, FileKind};
use super::run::Run;
use super::runs::began;
use crate::effects::{Change, Commit, EffectError, Oid, Trouble, World};
use bstr::{BString, ByteSlice};
use jiff::{SignedDuration, Timestamp};
use std::collections::{HashMap, HashSet};

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
    /// The tree of the tip.
    tip: Oid,
    /// The names of the records that it has, by their folder.
    months: HashMap<String, HashSet<BString>>,
    /// The state of each tree.
    states: HashMap<Oid, Option<Oid>>,
    /// The folder of run records of each state.
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
        let tip = world.git.commit(tip)?.tree;
        let months = world.git.names(tip, layout::RUNS)?;
        let begin = |month: &BString| format!("{month}-01T00:00:00Z").parse::<Timestamp>().ok();
        let first = months.iter().filter_map(begin).min();
        let (states, folders) = (HashMap::new(), HashMap::new());
        Ok(Self { world, tip, months: HashMap::new(), states, folders, first })
    }

    /// The folder of run records in a tree; the empty one where it has none.
    ///
    /// # Errors
    /// When the tree cannot be read.
    pub fn folder(&mut self, tree: Oid) -> Result<Oid> {
        let git = self.world.git;
        let Some(state) = self.state(tree)? else { return Ok(git.empty_tree()) };
        let runs = layout::RUNS.trim_start_matches(layout::ROOT).trim_start_matches('/');
        let folder = memo(&mut self.folders, state, || git.subtree(state, runs))?;
        Ok(folder.unwrap_or_else(|| git.empty_tree()))
    }

    /// The state in a tree, if it has one.
    fn state(&mut self, tree: Oid) -> Result<Option<Oid>> {
        memo(&mut self.states, tree, || self.world.git.subtree(tree, layout::ROOT))
    }

    /// What became of records between two trees.
    ///
    /// # Errors
    /// When a tree cannot be read.
    pub fn between(&mut self, before: Oid, after: Oid) -> Result<Records> {
        // Most commits change code alone, and have the state of the one before.
        if self.state(before)? == self.state(after)? {
            return Ok(Records::default());
        }
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
        // Most records are still there, and the tip is read once for all of them.
        if self.is_at_tip(run)? {
            return Ok(true);
        }
        let folder = self.folder(commit.tree)?;
        let before = match commit.parents.first().map(|parent| self.world.git.commit(*parent)) {
            Some(Ok(parent)) => self.folder(parent.tree)?,
            Some(Err(error)) if error.trouble != Trouble::Missing => return Err(error),
            Some(Err(_)) => folder,
            None => self.world.git.empty_tree(),
        };
        // A step that is picked once more brings nothing, and its record is there.
        let is_it = |path: &BString| layout::stem(&path.to_str_lossy()) == run;
        let here = || {
            self.world.git.files(folder, layout::RUNS).map(|files| files.iter().any(|file| is_it(&file.path)))
        };
        if before == folder { here() } else { Ok(true) }
    }

    /// Whether the tip has the record of a run, in the folder of the month in which the run began.
    fn is_at_tip(&mut self, run: &str) -> Result<bool> {
        let (Some(began), Ok(id)) = (began(run), RunId::new(run)) else { return Ok(false) };
        let path = layout::run(&id, began);
        let Some((month, name)) = path.rsplit_once('/') else { return Ok(false) };
        if !self.months.contains_key(month) {
            let names = self.world.git.names(self.tip, month)?.into_iter().collect();
            self.months.insert(month.to_owned(), names);
        }
        Ok(self.months.get(month).is_some_and(|names| names.contains(name.as_bytes().as_bstr())))
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

/// What is known of a tree; what is not, is found and kept.
fn memo(
    known: &mut HashMap<Oid, Option<Oid>>,
    tree: Oid,
    find: impl FnOnce() -> Result<Option<Oid>>,
) -> Result<Option<Oid>> {
    if let Some(found) = known.get(&tree) {
        return Ok(*found);
    }
    let found = find()?;
    known.insert(tree, found);
    Ok(found)
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
