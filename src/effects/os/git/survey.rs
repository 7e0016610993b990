//! Comparing all of a directory with its index, by as many threads as there are processors.
//!
//! It can begin before anybody asks: while the state is read and a task is chosen, the work tree in which
//! that will be done is looked at already. Whoever opens it then lends a hand and takes what was found.
//!
//! Invariant: what was found early is what a look would have found then, and who hears has heard since.

use super::place::{Stamp, load_index, stamp};
use super::scan::{Found, Job, Sight, Walk};
use super::watch::Watch;
use super::{EffectError, Result, Trouble};
use crate::effects::os::walk::threads;
use bstr::BStr;
use gix::hash::Kind as Hash;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;

/// How many levels of folders are taken apart at the most.
const LEVELS_MAX: usize = 4;
/// The fewest entries for which threads are worth starting.
const THREADS_FROM: usize = if cfg!(test) { 1 } else { 2_000 };
/// The smallest index, in bytes, that has so many.
const AHEAD_FROM: u64 = if cfg!(test) { 1 } else { 80 * THREADS_FROM as u64 };

/// Folders that are to be compared, of which each thread takes the next.
struct Jobs {
    all: Vec<Job>,
    next: AtomicUsize,
}

impl Jobs {
    /// Looks at the top, and tells which folders are left to look at.
    fn plan(sight: Sight<'_>) -> Result<(Found, Self)> {
        let entries = sight.index.entries().len();
        let mut walk = Walk::new(sight);
        walk.defer = true;
        walk.folder(walk.open(BStr::new(""))?, BStr::new(""), 0, entries)?;
        let most = if entries < THREADS_FROM { entries } else { entries / (threads() * 8) };
        for _ in 0..LEVELS_MAX {
            // What is too large to be shared out is taken apart, where that is possible.
            let is_large = |job: &Job| job.to - job.from > most && has_folders(sight, job);
            let (large, small): (Vec<Job>, Vec<Job>) =
                std::mem::take(&mut walk.jobs).into_iter().partition(is_large);
            walk.jobs = small;
            large.iter().try_for_each(|job| walk.run(job))?;
        }
        Ok((walk.found, Self { all: walk.jobs, next: AtomicUsize::new(0) }))
    }

    /// Does what nobody else has begun, until nothing is left.
    fn work(&self, sight: Sight<'_>) -> Result<Found> {
        let mut walk = Walk::new(sight);
        while let Some(job) = self.all.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            walk.run(job)?;
        }
        Ok(walk.found)
    }

    /// The same by so many threads, of which the caller is one.
    fn work_together(&self, sight: Sight<'_>, threads: usize) -> Result<Found> {
        std::thread::scope(|scope| {
            let others: Vec<_> = (1..threads).map(|_| scope.spawn(|| self.work(sight))).collect();
            let mut found = self.work(sight)?;
            for other in others {
                let died =
                    |_| EffectError::new(Trouble::Other, "a thread that read the work tree died".to_owned());
                found.add(other.join().map_err(died)??);
            }
            Ok(found)
        })
    }
}

/// Whether something tracked lies in folders of a folder.
fn has_folders(sight: Sight<'_>, job: &Job) -> bool {
    let below = job.path.len() + 1;
    let is_deeper = |entry: &gix::index::Entry| entry.path(sight.index)[below..].contains(&b'/');
    sight.index.entries()[job.from..job.to].iter().any(is_deeper)
}

/// Compares everything that is tracked, and tells what is not.
pub(super) fn survey(sight: Sight<'_>) -> Result<Found> {
    let (mut found, jobs) = Jobs::plan(sight)?;
    let threads = if sight.index.entries().len() < THREADS_FROM { 1 } else { threads() };
    found.add(jobs.work_together(sight, threads)?);
    Ok(found)
}

/// What was found before anybody asked, and who hears since.
pub(super) struct Early {
    pub(super) found: Found,
    pub(super) watch: Option<Watch>,
}

/// What is compared, for a thread that outlives the call that started it.
struct Ground {
    dir: PathBuf,
    index: gix::index::File,
    stamp: Stamp,
    watch: Option<Watch>,
    jobs: Jobs,
}

impl Ground {
    /// Reads the index and looks at the top.
    fn enter(dir: PathBuf, index_path: &Path, hash: Hash, common_dir: &Path) -> Result<(Found, Self)> {
        let stamp = stamp(index_path)?;
        let index = load_index(hash, index_path)?;
        let watch = Watch::begin(&dir, common_dir, index.entries().len())?;
        let (found, jobs) = Jobs::plan(Sight { index: &index, dir: &dir, watch: watch.as_ref() })?;
        Ok((found, Self { dir, index, stamp, watch, jobs }))
    }

    fn sight(&self) -> Sight<'_> {
        Sight { index: &self.index, dir: &self.dir, watch: self.watch.as_ref() }
    }
}

/// A look that has begun.
pub(super) struct Ahead {
    dir: PathBuf,
    index_path: PathBuf,
    ground: Receiver<Arc<Ground>>,
    looking: JoinHandle<Result<Found>>,
}

impl Ahead {
    /// Begins to look at a work tree, unless it is so small that it is not worth it.
    pub(super) fn begin(dir: PathBuf, index_path: PathBuf, hash: Hash, common_dir: PathBuf) -> Option<Self> {
        let size = std::fs::symlink_metadata(&index_path).ok()?.len();
        if size < AHEAD_FROM || threads() < 2 {
            return None;
        }
        let (send, ground) = channel();
        let (at, index) = (dir.clone(), index_path.clone());
        let look = move || -> Result<Found> {
            let (mut found, ground) = Ground::enter(at, &index, hash, &common_dir)?;
            let ground = Arc::new(ground);
            // Nobody may be there any more to lend a hand.
            let _ = send.send(Arc::clone(&ground));
            found.add(ground.jobs.work_together(ground.sight(), threads() - 1)?);
            Ok(found)
        };
        let looking = std::thread::Builder::new().spawn(look).ok()?;
        Some(Self { dir, index_path, ground, looking })
    }

    /// Whether it is a look at this work tree.
    pub(super) fn is_of(&self, dir: &Path, index_path: &Path) -> bool {
        (self.dir.as_path(), self.index_path.as_path()) == (dir, index_path)
    }

    /// Ends the look, together with who looks; the index, how it was, and what was found. None if it failed:
    /// whoever looks again will tell why.
    pub(super) fn end(self) -> Option<(gix::index::File, Stamp, Early)> {
        let ground = self.ground.recv().ok()?;
        let here = ground.jobs.work(ground.sight()).ok()?;
        let mut found = self.looking.join().ok()?.ok()?;
        found.add(here);
        let Ground { index, stamp, watch, .. } = Arc::into_inner(ground)?;
        Some((index, stamp, Early { found, watch }))
    }
}
