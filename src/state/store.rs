//! Loading state: from a commit, or from a work tree.
//!
//! In: a [`Source`]. Out: a [`Snapshot`], and single entities where they are needed.
//! Invariant: what cannot be used is reported, all of it at once, and never guessed at.

use super::cache::{Cache, Stamp, encode};
use super::checkpoint::{Checkpoint, CheckpointReason};
use super::file::{self, Read};
use super::graph::{Graph, Index, Node};
use super::id::{RunId, TaskId};
use super::layout::{self, FileKind};
use super::news::{News, StateFile};
use super::problem::Problem;
use super::task::Task;
use crate::effects::{EffectError, Oid, Trouble, WorkFile, World};
use bstr::BString;
use std::cell::OnceCell;
use std::path::PathBuf;

/// Where state is read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The tree of a commit.
    Tree(Oid),
    /// A directory.
    Work(PathBuf),
}

/// Tasks and their graph at one moment.
#[derive(Debug)]
pub struct Snapshot {
    /// Where it was read from.
    pub source: Source,
    /// Tasks and their edges.
    pub graph: Graph,
    /// What is wrong with the files.
    pub problems: Vec<Problem>,
}

type Result<T> = std::result::Result<T, EffectError>;

impl Source {
    /// The files below a directory of the state.
    ///
    /// # Errors
    /// When the source cannot be read.
    pub fn list(&self, world: World<'_>, dir: &str) -> Result<Vec<StateFile>> {
        match self {
            Self::Tree(tree) => {
                let Some(subtree) = world.git.subtree(*tree, dir)? else { return Ok(Vec::new()) };
                let files = world.git.files(subtree, dir)?;
                world.git.gather(&files.iter().map(|file| file.id).collect::<Vec<_>>());
                Ok(files.into_iter().map(StateFile::from).collect())
            }
            Self::Work(root) => Self::whole(world, dir, world.files.work_files(root, dir)?),
        }
    }

    /// The files of a work tree below a directory, with those that a sparse checkout leaves out of it.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn whole(world: World<'_>, dir: &str, listed: Vec<WorkFile>) -> Result<Vec<StateFile>> {
        let skipped = world.git.skipped(dir)?;
        let mut files: Vec<StateFile> = listed.into_iter().map(StateFile::from).collect();
        if !skipped.is_empty() {
            world.git.gather(&skipped.iter().map(|file| file.id).collect::<Vec<_>>());
            files.extend(skipped.into_iter().map(StateFile::from));
            // What is there all the same counts.
            files.sort_by(|a, b| a.path.cmp(&b.path));
            files.dedup_by(|later, first| later.path == first.path);
        }
        Ok(files)
    }

    /// What a listed file holds, with what is wrong with it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn entity<T>(
        &self,
        world: World<'_>,
        file: &StateFile,
        read: impl FnOnce(&str, &[u8]) -> Read<T>,
    ) -> Result<Read<T>> {
        match file.odd() {
            Some(problem) => Ok(Read { value: None, problems: vec![problem] }),
            None => Ok(read(&file.path, &self.read(world, file)?)),
        }
    }

    /// The content of a listed file, which is an ordinary one.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(&self, world: World<'_>, file: &StateFile) -> Result<Vec<u8>> {
        match (self, &file.stamp) {
            (_, Stamp::Blob(blob)) => world.git.blob(*blob),
            _ => self.read_path(world, &file.path).and_then(|content| {
                let gone = || EffectError::new(Trouble::Missing, format!("`{}` has gone", file.path));
                content.ok_or_else(gone)
            }),
        }
    }

    /// The content of a file by its path; none if it is not there.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read_path(&self, world: World<'_>, path: &str) -> Result<Option<Vec<u8>>> {
        match self {
            Self::Tree(tree) => match world.git.entry(*tree, path)? {
                Some((_, blob)) => world.git.blob(blob).map(Some),
                None => Ok(None),
            },
            Self::Work(root) => {
                let there = world.files.read_work(root, path)?;
                if there.is_some() {
                    return Ok(there);
                }
                let dir = path.rsplit_once('/').map_or("", |(dir, _)| dir);
                let skipped = world.git.skipped(dir)?.into_iter().find(|file| file.path == path);
                skipped.map(|file| world.git.blob(file.id)).transpose()
            }
        }
    }

    fn cache_name(&self) -> &'static str {
        match self {
            Self::Tree(_) => "cache/tree",
            Self::Work(_) => "cache/work",
        }
    }
}

/// How many files may differ from what is kept before it is worth being kept anew: reading so few costs
/// less than writing thousands.
pub(super) const FEW: usize = 16;

/// Loads all tasks.
///
/// # Errors
/// When the source cannot be read. Bad files are not errors; they are in [`Snapshot::problems`].
pub fn load(world: World<'_>, source: Source) -> Result<Snapshot> {
    let Source::Tree(tree) = &source else {
        let files = source.list(world, layout::TASKS)?;
        return load_listed(world, source, &files);
    };
    let Some(now) = world.git.subtree(*tree, layout::TASKS)? else {
        return Ok(join(source, Vec::new(), Vec::new()));
    };
    let mut cache = kept(world, &source);
    if cache.tree == Some(now) {
        return Ok(join(source, cache.nodes, Vec::new()));
    }
    // A tree that git has tidied away since tells nothing any more.
    let changes = cache.tree.and_then(|kept| world.git.changes(kept, now).ok());
    let news = if let Some(changes) = changes {
        News::of_changes(&changes, &cache)
    } else {
        cache.tree = None;
        News::of_files(&source.list(world, layout::TASKS)?, &cache)
    };
    reload(world, source, cache, news, Some(now))
}

/// Loads all tasks from a work tree whose task files have been listed.
///
/// # Errors
/// As [`load`].
pub fn load_listed(world: World<'_>, source: Source, files: &[StateFile]) -> Result<Snapshot> {
    let cache = kept(world, &source);
    let news = News::of_files(files, &cache);
    reload(world, source, cache, news, None)
}

fn kept(world: World<'_>, source: &Source) -> Cache {
    // One that cannot be read is as good as none.
    let file = world.files.open(source.cache_name()).ok().flatten();
    file.and_then(Cache::decode).unwrap_or_default()
}

/// Reads what the cache does not have, and keeps it for the next time.
fn reload(world: World<'_>, source: Source, cache: Cache, news: News, now: Option<Oid>) -> Result<Snapshot> {
    let kept_tree = cache.tree;
    let mut read = refresh(world, &source, cache, news)?;
    let tree = now.filter(|_| read.problems.is_empty() && read.odd.is_empty());
    if read.changed > 0 || tree != kept_tree {
        let now = world.clock.now().as_nanosecond();
        if read.changed > FEW || (tree.is_some() && kept_tree.is_none()) {
            let entries = read.nodes.iter().zip(&read.stamps).filter(|(_, stamp)| is_settled(now, stamp));
            // A cache that cannot be written (a full or read-only disk) only costs time.
            let _ = world.files.write(source.cache_name(), &encode(tree, entries), false);
        }
    }
    read.nodes.append(&mut read.odd);
    Ok(join(source, read.nodes, read.problems))
}

/// Whether a file cannot change again within the resolution of its times.
pub(super) fn is_settled(now: i128, stamp: &Stamp) -> bool {
    match stamp {
        Stamp::Blob(_) => true,
        Stamp::Stat([_, _, modified, changed]) => now - i128::from((*modified).max(*changed)) > 2_000_000_000,
    }
}

/// What came of reading files with the help of a cache.
#[derive(Default)]
struct Refreshed {
    /// Tasks without a problem, in the order of their ids: what the next cache is made of.
    nodes: Vec<Node>,
    stamps: Vec<Stamp>,
    /// Tasks with a warning, which is to be given again the next time.
    odd: Vec<Node>,
    problems: Vec<Problem>,
    /// In how many nodes the next cache would be another one.
    changed: usize,
}

fn refresh(world: World<'_>, source: &Source, cache: Cache, news: News) -> Result<Refreshed> {
    let mut all = Refreshed { nodes: cache.nodes, stamps: cache.stamps, ..Refreshed::default() };
    let mut fresh = Vec::new();
    let now = world.clock.now().as_nanosecond();
    all.changed = news.keep.iter().filter(|keep| !**keep).count();
    for file in news.read {
        if layout::kind_of(&file.path) != FileKind::Task {
            continue;
        }
        let read = source.entity(world, &file, file::task::read)?;
        let node = read.value.map(|task| Node::of(&task, &file.path));
        match node {
            Some(node) if read.problems.is_empty() => {
                all.changed += usize::from(is_settled(now, &file.stamp));
                fresh.push((node, file.stamp));
            }
            node => all.odd.extend(node),
        }
        all.problems.extend(read.problems);
    }
    all.mix(news.keep, fresh);
    Ok(all)
}

impl Refreshed {
    /// Takes out what is not kept, puts in what is fresh.
    fn mix(&mut self, mut keep: Vec<bool>, fresh: Vec<(Node, Stamp)>) {
        let mut more = Vec::new();
        for (node, stamp) in fresh {
            // Most often it takes the place of what it was before.
            match self.nodes.binary_search_by(|known| known.id.cmp(&node.id)) {
                Ok(at) if !keep[at] => {
                    (self.nodes[at], self.stamps[at]) = (node, stamp);
                    keep[at] = true;
                }
                Ok(_) | Err(_) => more.push((node, stamp)),
            }
        }
        if more.is_empty() && !keep.contains(&false) {
            return;
        }
        let old = std::mem::take(&mut self.nodes).into_iter().zip(std::mem::take(&mut self.stamps));
        let mut all: Vec<(Node, Stamp)> =
            old.zip(keep).filter(|(_, keep)| *keep).map(|(entry, _)| entry).collect();
        all.extend(more);
        // Most are in order, which such a sort makes use of.
        all.sort_by(|(a, _), (b, _)| a.id.cmp(&b.id));
        (self.nodes, self.stamps) = all.into_iter().unzip();
    }
}

fn join(source: Source, nodes: Vec<Node>, mut problems: Vec<Problem>) -> Snapshot {
    let (graph, duplicates) = Graph::new_with_duplicates(nodes);
    for (node, kept) in duplicates {
        let fact = format!("the id `{}` is also that of `{}`", node.id, graph.nodes()[kept].path);
        problems.push(
            Problem::error(node.path.as_str(), None, fact)
                .with_remedy("remove one of the two files if they are one task; else give it another name and the same `id` inside"),
        );
    }
    Snapshot { source, graph, problems }
}

impl Snapshot {
    /// The text of a task's file, and the task.
    ///
    /// # Errors
    /// When it cannot be read any more.
    pub fn task(&self, world: World<'_>, index: Index) -> Result<(String, Task)> {
        let path = &self.graph.nodes()[index].path;
        let Some(content) = self.source.read_path(world, path)? else {
            return Err(EffectError::new(Trouble::Missing, format!("`{path}` has gone")));
        };
        let read = file::task::read(path, &content);
        let Some(task) = read.value else {
            let why = read.problems.first().map_or_else(|| path.to_string(), ToString::to_string);
            return Err(EffectError::new(Trouble::Repository, why));
        };
        Ok((String::from_utf8_lossy(&content).into_owned(), task))
    }

    /// Files that lie directly in `tasks/`.
    #[must_use]
    pub fn flat_tasks(&self) -> usize {
        self.graph.nodes().iter().filter(|node| layout::is_flat(&node.path)).count()
    }
}

/// A task's checkpoints, the newest last, with what is wrong with the others.
///
/// # Errors
/// When the source cannot be read.
pub fn checkpoints(
    world: World<'_>,
    source: &Source,
    task: &TaskId,
) -> Result<(Vec<Checkpoint>, Vec<Problem>)> {
    let dir = format!("{}/{task}", layout::CHECKPOINTS);
    let (mut all, problems) = entities(world, source, &dir, FileKind::Checkpoint, file::checkpoint::read)?;
    all.sort_by_key(|checkpoint| checkpoint.number);
    Ok((all, problems))
}

/// The number of a task's next checkpoint, by the names of what is there: nothing is written over, not even what cannot be
/// read.
///
/// # Errors
/// When the source cannot be read.
pub fn next_checkpoint(world: World<'_>, source: &Source, task: &TaskId) -> Result<u32> {
    let dir = format!("{}/{task}", layout::CHECKPOINTS);
    let files = source.list(world, &dir)?;
    let names = files.iter().filter_map(|file| file.path[dir.len()..].split('/').nth(1));
    let numbers = names.filter_map(|name| layout::stem(name).parse::<u32>().ok());
    Ok(numbers.max().unwrap_or(0).saturating_add(1))
}

/// Tells the runs of a task whose accepted work was taken back; most tasks have no checkpoints, which is looked up for
/// all of them at once. What cannot be read says nothing.
pub fn undone<'w>(world: World<'w>, source: &Source) -> impl Fn(&TaskId) -> Vec<RunId> + use<'w> {
    let (source, names) = (source.clone(), OnceCell::new());
    move |task| {
        let names: &Option<Vec<BString>> = names.get_or_init(|| match &source {
            Source::Tree(tree) => world.git.names(*tree, layout::CHECKPOINTS).ok(),
            Source::Work(_) => None,
        });
        if names.as_ref().is_some_and(|names| !names.iter().any(|name| name == task.as_str())) {
            return Vec::new();
        }
        let all = checkpoints(world, &source, task).map(|(all, _)| all).unwrap_or_default();
        let undone = all.into_iter().filter(|checkpoint| checkpoint.reason == CheckpointReason::Undone);
        undone.filter_map(|checkpoint| checkpoint.run).collect()
    }
}

/// All checkpoints, by task and number, with what is wrong with the others.
///
/// # Errors
/// When the source cannot be read.
pub fn all_checkpoints(world: World<'_>, source: &Source) -> Result<(Vec<Checkpoint>, Vec<Problem>)> {
    let (mut all, problems) =
        entities(world, source, layout::CHECKPOINTS, FileKind::Checkpoint, file::checkpoint::read)?;
    all.sort_by(|a, b| (&a.task, a.number).cmp(&(&b.task, b.number)));
    Ok((all, problems))
}

fn entities<T>(
    world: World<'_>,
    source: &Source,
    dir: &str,
    kind: FileKind,
    read: fn(&str, &[u8]) -> Read<T>,
) -> Result<(Vec<T>, Vec<Problem>)> {
    let mut files = source.list(world, dir)?;
    files.retain(|file| layout::kind_of(&file.path) == kind);
    read_all(world, source, files, read)
}

fn read_all<T>(
    world: World<'_>,
    source: &Source,
    files: Vec<StateFile>,
    read: fn(&str, &[u8]) -> Read<T>,
) -> Result<(Vec<T>, Vec<Problem>)> {
    let mut values = Vec::with_capacity(files.len());
    let mut problems = Vec::new();
    for file in files {
        let read = source.entity(world, &file, read)?;
        values.extend(read.value);
        problems.extend(read.problems);
    }
    Ok((values, problems))
}
