//! Tasks on other branches, and what would conflict if they were merged into this one.
//!
//! In: the commit that is looked from. Out: [`Branches`]. Nothing is checked out and nothing is written.
//! Branches at one commit are told once; of each only what changed there since the fork is read, and its
//! state not at all where that is the same tree.

mod render;

pub use render::{human, json, markdown};

use crate::effects::{Change, Commit, EffectError, Oid, World};
use crate::state::file;
use crate::state::graph::Graph;
use crate::state::layout::{self, FileKind};
use crate::state::status::Status;
use crate::state::task::Task;
use bstr::ByteSlice as _;
use std::collections::BTreeMap;

type Result<T> = std::result::Result<T, EffectError>;

/// Where branches are looked for.
const PREFIXES: [&str; 2] = ["refs/heads/", "refs/remotes/"];

/// What is on other branches.
#[derive(Debug, Default, PartialEq)]
pub struct Branches {
    /// From where that was looked at.
    pub here: String,
    /// Those that have something of their own.
    pub branches: Vec<Branch>,
    /// Names of those that have nothing of their own: all of it is here.
    pub merged: Vec<String>,
    /// Names of those that cannot be read, and why.
    pub unreadable: Vec<(String, String)>,
}

/// One commit that branches are at.
#[derive(Debug, PartialEq)]
pub struct Branch {
    /// Their names; the first is that of a local one, if there is any.
    pub names: Vec<String>,
    /// The commit.
    pub commit: Oid,
    /// Tasks that its own commits added, changed or removed, and that stand otherwise here.
    pub tasks: Vec<Differs>,
    /// How a merge would end.
    pub merge: Outlook,
}

/// A task that stands otherwise there than here.
#[derive(Debug, PartialEq)]
pub struct Differs {
    /// Its id.
    pub id: String,
    /// Its title there, or here where it is gone there.
    pub title: String,
    /// How it stands here; none where it is not here.
    pub here: Option<Status>,
    /// How it stands there; none where it was removed there, or cannot be read.
    pub there: Option<Status>,
    /// Whether its file there can be read, if there is one.
    pub readable: bool,
    /// Whether both sides closed it since they parted: the same work twice, perhaps.
    pub twice: bool,
}

/// How a merge of a branch into this one would end.
#[derive(Debug, PartialEq)]
pub enum Outlook {
    /// This branch has nothing of its own: it would only move.
    FastForward,
    /// Everything fits.
    Clean,
    /// These paths conflict.
    Conflict(Vec<String>),
    /// They have no commit in common.
    Unrelated,
}

/// Looks at all branches but the one at `here`.
///
/// # Errors
/// When this branch or the list of branches cannot be read.
pub fn gather(world: World<'_>, here: &str, tip: Oid, graph: &Graph) -> Result<Branches> {
    let own = world.git.commit(tip)?;
    let mut found = Branches { here: here.to_owned(), ..Branches::default() };
    for (commit, names) in by_commit(world, here)? {
        match look(world, &own, commit, graph) {
            Ok(Some((tasks, merge))) => found.branches.push(Branch { names, commit, tasks, merge }),
            Ok(None) => found.merged.extend(names),
            Err(error) => found.unreadable.extend(names.into_iter().map(|name| (name, error.fact.clone()))),
        }
    }
    found.branches.sort_by(|a, b| a.names.cmp(&b.names));
    found.merged.sort();
    Ok(found)
}

/// The commits that other branches are at, with the names of each; local ones first.
fn by_commit(world: World<'_>, here: &str) -> Result<Vec<(Oid, Vec<String>)>> {
    let mut all: Vec<(Oid, Vec<String>)> = Vec::new();
    let mut known: BTreeMap<Oid, usize> = BTreeMap::new();
    for prefix in PREFIXES {
        for (reference, commit) in world.git.refs(prefix)? {
            let name = reference.trim_start_matches(prefix).to_owned();
            // What a remote calls its own default is one of its branches.
            if name == here && prefix == PREFIXES[0] || prefix == PREFIXES[1] && name.ends_with("/HEAD") {
                continue;
            }
            let at = *known.entry(commit).or_insert_with(|| {
                all.push((commit, Vec::new()));
                all.len() - 1
            });
            all[at].1.push(name);
        }
    }
    Ok(all)
}

/// What a branch has of its own; none where it has nothing.
fn look(world: World<'_>, own: &Commit, at: Oid, graph: &Graph) -> Result<Option<(Vec<Differs>, Outlook)>> {
    let there = world.git.commit(at)?;
    let Some(base) = world.git.merge_base(own.id, at)? else {
        return Ok(Some((Vec::new(), Outlook::Unrelated)));
    };
    if base == at {
        return Ok(None);
    }
    let base = world.git.commit(base)?;
    let tasks = tasks(world, base.tree, there.tree, graph)?;
    if base.id == own.id {
        return Ok(Some((tasks, Outlook::FastForward)));
    }
    let paths = world.git.conflicts(base.tree, own.tree, there.tree)?;
    let paths: Vec<String> = paths.iter().map(|path| path.to_str_lossy().into_owned()).collect();
    Ok(Some((tasks, if paths.is_empty() { Outlook::Clean } else { Outlook::Conflict(paths) })))
}

/// Tasks that changed between two trees and stand otherwise here.
fn tasks(world: World<'_>, base: Oid, there: Oid, graph: &Graph) -> Result<Vec<Differs>> {
    let state = |tree| world.git.subtree(tree, layout::TASKS);
    let (before, after) = (state(base)?, state(there)?);
    if before == after {
        return Ok(Vec::new());
    }
    let empty = world.git.empty_tree();
    let mut found: BTreeMap<String, Differs> = BTreeMap::new();
    for change in world.git.changes(before.unwrap_or(empty), after.unwrap_or(empty))? {
        let path = format!("{}/{}", layout::TASKS, change.path.to_str_lossy());
        if layout::kind_of(&path) != FileKind::Task {
            continue;
        }
        if let Some(differs) = differs(world, &path, &change, graph)? {
            // A task that moved is gone from one path and new at another.
            let moved = found.get(&differs.id).is_some_and(|known| known.there.is_some());
            if !(moved && differs.there.is_none()) {
                found.insert(differs.id.clone(), differs);
            }
        }
    }
    Ok(found.into_values().filter(|each| each.here != each.there || each.twice || !each.readable).collect())
}

fn differs(world: World<'_>, path: &str, change: &Change, graph: &Graph) -> Result<Option<Differs>> {
    let read = |entry: Option<(u32, Oid)>| -> Result<Option<Task>> {
        let Some((_, blob)) = entry else { return Ok(None) };
        Ok(file::task::read(path, &world.git.blob(blob)?).value)
    };
    let (before, after) = (read(change.old)?, read(change.new)?);
    let readable = after.is_some() || change.new.is_none();
    let here = graph.find(layout::stem(path));
    let title = match (&after, here) {
        (Some(task), _) => task.title.clone(),
        (None, Some(index)) => graph.nodes()[index].title.to_string(),
        (None, None) if readable => return Ok(None),
        (None, None) => String::new(),
    };
    let (here, there) = (here.map(|index| graph.nodes()[index].status), after.map(|task| task.status));
    let closed = |status: Option<Status>| status.is_some_and(Status::is_closed);
    let was_open = before.is_none_or(|task| !task.status.is_closed());
    let twice = was_open && closed(here) && closed(there);
    Ok(Some(Differs { id: layout::stem(path).to_owned(), title, here, there, readable, twice }))
}
