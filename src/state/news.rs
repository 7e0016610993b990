//! What has changed since tasks were kept: which of them still hold, and which files have to be read.

use super::cache::{Cache, Stamp};
use super::layout;
use super::problem::Problem;
use crate::effects::{Change, MODE_LINK, Mode, TreeFile, WorkFile};

/// A file of the state: where it is, and what tells its content.
#[derive(Debug, Clone)]
pub struct StateFile {
    /// Path from the root of the repository.
    pub path: String,
    /// What it is, as git has it; none where it can have no such thing.
    pub mode: Option<Mode>,
    /// What tells its content.
    pub stamp: Stamp,
}

impl StateFile {
    /// What is wrong with it, if it is no ordinary file: nothing of it is read then.
    #[must_use]
    pub fn odd(&self) -> Option<Problem> {
        let (fact, remedy) = match self.mode {
            Some(mode) if mode & 0o170_000 == 0o100_000 => return None,
            Some(MODE_LINK) => ("is a symlink", "put the file that it is to be in its place"),
            Some(_) | None => ("is no ordinary file", "move it out of `.orchestrator/`"),
        };
        Some(Problem::error(self.path.as_str(), None, fact).with_remedy(remedy))
    }
}

impl From<TreeFile> for StateFile {
    fn from(file: TreeFile) -> Self {
        let path = String::from_utf8_lossy(&file.path).into_owned();
        Self { path, mode: Some(file.mode), stamp: Stamp::Blob(file.id) }
    }
}

impl From<WorkFile> for StateFile {
    fn from(file: WorkFile) -> Self {
        Self { path: file.path, mode: file.mode, stamp: Stamp::Stat(file.stamp) }
    }
}

/// How files differ from what is kept.
pub(super) struct News {
    /// Which of the kept nodes still hold.
    pub(super) keep: Vec<bool>,
    /// The files that have to be read.
    pub(super) read: Vec<StateFile>,
}

impl News {
    /// Compares with all files.
    pub(super) fn of_files(files: &[StateFile], cache: &Cache) -> Self {
        let mut news = Self { keep: vec![false; cache.nodes.len()], read: Vec::new() };
        let mut known = cache.by_path.iter().map(|&place| place as usize).peekable();
        for file in files {
            // Both lists are in the order of paths.
            let path_of = |place: usize| cache.nodes[place].path.as_str();
            while known.next_if(|&place| path_of(place) < file.path.as_str()).is_some() {}
            let same = |place: &usize| path_of(*place) == file.path && cache.stamps[*place] == file.stamp;
            match known.next_if(same) {
                Some(place) => news.keep[place] = true,
                None => news.read.push(file.clone()),
            }
        }
        news
    }

    /// Takes over what changed in the tree that is kept.
    pub(super) fn of_changes(changes: &[Change], cache: &Cache) -> Self {
        let mut news = Self { keep: vec![true; cache.nodes.len()], read: Vec::new() };
        for change in changes {
            let path = format!("{}/{}", layout::TASKS, String::from_utf8_lossy(&change.path));
            let known = |&place: &u32| cache.nodes[place as usize].path.as_str().cmp(path.as_str());
            if let Ok(at) = cache.by_path.binary_search_by(known) {
                news.keep[cache.by_path[at] as usize] = false;
            }
            let file = |(mode, blob)| StateFile { path, mode: Some(mode), stamp: Stamp::Blob(blob) };
            news.read.extend(change.new.map(file));
        }
        news
    }
}
