//! Looking at a work tree: how it differs from its index, and what git would be told of.
//!
//! All of it at first, shared out among threads; later only where something changed, if that was heard.

use super::place::Place;
use super::scan::{Found, Job, Scan, Walk};
use super::watch::{Heard, Watch};
use super::{EffectError, Result, Trouble, or};
use bstr::{BStr, BString, ByteSlice};
use gix::index::State;
use gix::index::entry::Mode;
use rustix::fs::AtFlags;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// How to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// At everything.
    Whole,
    /// At everything, and hear what changes from here on.
    Attending,
    /// At what was heard of since, if that is certain.
    CatchingUp,
}

/// Compares the index with the directory.
pub(super) fn look(place: &Place<'_>, how: Look, watch: &mut Option<Watch>) -> Result<Scan> {
    let heard = match (how, watch.as_mut()) {
        (Look::CatchingUp, Some(watch)) => watch.heard()?,
        (Look::Whole | Look::Attending | Look::CatchingUp, _) => None,
    };
    if heard.is_none() {
        let files = place.index.entries().len();
        *watch = match how {
            Look::Whole => None,
            Look::Attending | Look::CatchingUp => Watch::begin(&place.dir, place.repo.common_dir(), files)?,
        };
    }
    let in_part = heard.is_some();
    let walk = match (heard, &*watch) {
        (Some(heard), Some(watch)) => changed(place, watch, &heard)?,
        (_, watch) => all(place, watch.as_ref())?,
    };
    let mut walk = judge_unknown(place, walk)?;
    if in_part && walk.deaf {
        // By a second name that was made meanwhile, any file may have been changed unheard.
        drop(walk);
        *watch = None;
        return look(place, Look::Attending, watch);
    }
    let asked = std::mem::take(&mut walk.asked);
    let certain = !walk.deaf && walk.scan.nested.is_empty();
    let scan = walk.scan;
    *watch = watch.take().and_then(|mut watch| (certain && watch.note(asked)).then_some(watch));
    Ok(scan)
}

/// Compares everything: first what is tracked, shared out among threads; the rest is for later, with the
/// ignore rules in hand.
fn all<'p>(place: &'p Place<'_>, watch: Option<&'p Watch>) -> Result<Walk<'p>> {
    let all = place.index.entries().len();
    let mut walk = Walk::new(&place.index, &place.dir, watch);
    walk.defer = true;
    walk.folder(walk.open(BStr::new(""))?, BStr::new(""), 0, all)?;
    let threads = if all < THREADS_FROM { 1 } else { threads() };
    for _ in 0..LEVELS_MAX {
        // What is too large to be shared out is taken apart.
        let (large, small): (Vec<Job>, Vec<Job>) = std::mem::take(&mut walk.jobs)
            .into_iter()
            .partition(|job| threads > 1 && job.to - job.from > all / (threads * 2));
        walk.jobs = small;
        large.iter().try_for_each(|job| walk.run(job))?;
    }
    walk.defer = false;
    let jobs = std::mem::take(&mut walk.jobs);
    for part in share(&jobs, threads, &walk)? {
        walk.scan.found.extend(part.scan.found);
        walk.scan.nested.extend(part.scan.nested);
        walk.unknown.extend(part.unknown);
        walk.asked.extend(part.asked);
        walk.deaf |= part.deaf;
    }
    Ok(walk)
}

/// Compares the folders in which something changed, and those in them that are others than before.
fn changed<'p>(place: &'p Place<'_>, watch: &'p Watch, heard: &Heard) -> Result<Walk<'p>> {
    let mut walk = Walk::new(&place.index, &place.dir, Some(watch));
    let mut others = Vec::new();
    for (path, names) in heard {
        // One that is gone is missing above it, where that was heard as well.
        let Some(opened) = walk.open_below(path.as_bstr())? else { continue };
        let (from, to) = below(&place.index, path.as_bstr());
        walk.defer = true;
        walk.folder(opened, path.as_bstr(), from, to)?;
        walk.defer = false;
        let is_another = |job: &Job| {
            let name = job.path.rsplit(|byte| *byte == b'/').next().unwrap_or_default().as_bstr();
            names.contains(name) || !watch.knows(job.path.as_bstr())
        };
        others.extend(std::mem::take(&mut walk.jobs).into_iter().filter(is_another));
    }
    others.iter().try_for_each(|job| walk.run(job))?;
    Ok(walk)
}

/// The entries below a folder.
fn below(index: &State, folder: &BStr) -> (usize, usize) {
    if folder.is_empty() {
        return (0, index.entries().len());
    }
    let prefix = BString::from([folder.as_bytes(), b"/"].concat());
    let prefix = prefix.as_bstr();
    let end = |is_before: &dyn Fn(&BStr) -> bool| {
        index.entries().partition_point(|entry| is_before(entry.path(index)))
    };
    let from = end(&|path| path < prefix);
    let to = end(&|path| path < prefix || path.starts_with(prefix));
    (from, to)
}

/// How many levels of folders are taken apart at the most.
const LEVELS_MAX: usize = 4;
/// The fewest entries for which threads are worth starting.
const THREADS_FROM: usize = 2_000;

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(8)
}

/// Runs jobs in as many threads, each of which gets about as many entries.
fn share<'i>(jobs: &[Job], threads: usize, like: &Walk<'i>) -> Result<Vec<Walk<'i>>> {
    let (index, dir, watch) = (like.index, like.dir, like.watch);
    let run = |jobs: &[Job]| -> Result<Walk<'i>> {
        let mut walk = Walk::new(index, dir, watch);
        jobs.iter().try_for_each(|job| walk.run(job))?;
        Ok(walk)
    };
    let total: usize = jobs.iter().map(|job| job.to - job.from + 1).sum();
    let mut parts: Vec<&[Job]> = Vec::new();
    let (mut begin, mut weight) = (0, 0);
    for (at, job) in jobs.iter().enumerate() {
        weight += job.to - job.from + 1;
        if weight >= total.div_ceil(threads) {
            parts.push(&jobs[begin..=at]);
            (begin, weight) = (at + 1, 0);
        }
    }
    parts.push(&jobs[begin..]);
    if threads == 1 {
        return parts.into_iter().map(run).collect();
    }
    std::thread::scope(|scope| {
        let others: Vec<_> = parts.into_iter().map(|part| scope.spawn(move || run(part))).collect();
        let died = || EffectError::new(Trouble::Other, "a thread that read the work tree died".to_owned());
        others.into_iter().map(|other| other.join().unwrap_or_else(|_| Err(died()))).collect()
    })
}

/// Asks the ignore rules about what is not tracked, and enters untracked folders.
fn judge_unknown<'p>(place: &Place<'_>, mut walk: Walk<'p>) -> Result<Walk<'p>> {
    if walk.unknown.is_empty() {
        return Ok(walk);
    }
    let source = gix::worktree::stack::state::ignore::Source::WorktreeThenIdMappingIfNotSkipped;
    let mut excludes = or("read ignore rules", place.repo.excludes(&place.index, None, source))?;
    walk.unknown.sort();
    while let Some((path, folder)) = walk.unknown.pop() {
        let mode = if folder { Mode::DIR } else { Mode::FILE };
        if or("read ignore rules", excludes.at_entry(path.as_bstr(), Some(mode)))?.is_excluded() {
            continue;
        }
        if !folder {
            walk.deaf |= walk.watch.is_some() && has_second_name(&place.dir, path.as_bstr());
            walk.scan.found.insert(path, Found::Look);
            continue;
        }
        let opened = walk.open(path.as_bstr())?;
        if rustix::fs::statat(&opened, ".git", AtFlags::SYMLINK_NOFOLLOW).is_ok() {
            walk.scan.nested.push(path);
        } else {
            walk.folder(opened, path.as_bstr(), 0, 0)?;
        }
    }
    walk.scan.nested.sort();
    Ok(walk)
}

/// Whether a file can be changed by another name, in a folder that nobody hears of.
fn has_second_name(dir: &Path, path: &BStr) -> bool {
    let found = std::fs::symlink_metadata(dir.join(path.to_path_lossy()));
    found.is_ok_and(|found| found.is_file() && found.nlink() > 1)
}

#[cfg(test)]
mod tests {
    use super::super::OsGit;
    use super::*;
    use crate::effects::WorkTree as _;
    use proptest::prelude::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    /// Something that a program does in a work tree.
    #[derive(Debug, Clone)]
    enum Deed {
        Write(&'static str, u8),
        Remove(&'static str),
        Move(&'static str, &'static str),
        Link(&'static str, &'static str),
        SecondName(&'static str),
        Allow(&'static str),
    }

    const PLACES: [&str; 12] = [
        "a",
        "b",
        "d",
        "d/a",
        "d/b",
        "d/e",
        "d/e/a",
        "d/e/f/a",
        "x/y/z",
        "x",
        "keep/.gitignore",
        ".gitignore",
    ];

    /// A deed; by a second name only where everything is looked at afterwards.
    fn deed(by_second_name: u32) -> impl Strategy<Value = Deed> {
        let place = || prop::sample::select(&PLACES[..]);
        prop_oneof![
            4 => (place(), 0..3_u8).prop_map(|(at, what)| Deed::Write(at, what)),
            2 => place().prop_map(Deed::Remove),
            2 => (place(), place()).prop_map(|(from, to)| Deed::Move(from, to)),
            1 => (place(), place()).prop_map(|(at, to)| Deed::Link(at, to)),
            1 => place().prop_map(Deed::Allow),
            by_second_name => place().prop_map(Deed::SecondName),
        ]
    }

    /// Does it, if it can be done; ignore rules name files that are there.
    fn perform(dir: &Path, deed: &Deed) {
        let _ = match deed {
            Deed::Write(at, what) => {
                let path = dir.join(at);
                let _ = fs::create_dir_all(path.parent().expect("a folder"));
                fs::write(path, ["", "a\n", "a\nb\nx\n"][usize::from(*what)])
            }
            Deed::Remove(at) if dir.join(at).is_dir() => fs::remove_dir_all(dir.join(at)),
            Deed::Remove(at) => fs::remove_file(dir.join(at)),
            Deed::Move(from, to) => fs::rename(dir.join(from), dir.join(to)),
            Deed::Link(at, to) => std::os::unix::fs::symlink(dir.join(to), dir.join(at)),
            Deed::SecondName(at) => fs::hard_link(dir.join(at), dir.join("e")),
            Deed::Allow(at) if dir.join(at).is_file() => {
                fs::set_permissions(dir.join(at), fs::Permissions::from_mode(0o755))
            }
            Deed::Allow(_) => Ok(()),
        };
    }

    /// A repository, and the folder that it is removed with.
    fn repository() -> (tempfile::TempDir, OsGit) {
        let home = tempfile::tempdir().expect("a directory");
        gix::init(home.path()).expect("a repository");
        let git = OsGit::discover(home.path(), home.path().join("workspaces")).expect("a repository");
        (home, git)
    }

    /// A work tree in which something was done, and from then on is heard.
    fn attended<'g>(git: &'g OsGit, before: &[Deed]) -> Place<'g> {
        let mut place = Place::private(git, 0).expect("a work tree");
        let dir = place.dir().to_owned();
        for deed in before {
            perform(&dir, deed);
        }
        place.snapshot().expect("a look");
        place.attend().expect("another");
        place
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn what_was_heard_is_what_a_look_at_everything_sees(
            before in prop::collection::vec(deed(1), 0..12),
            later in prop::collection::vec(prop::collection::vec(deed(0), 0..5), 1..4),
        ) {
            let (_home, git) = repository();
            let mut place = attended(&git, &before);
            let dir = place.dir().to_owned();
            for deeds in &later {
                for deed in deeds {
                    perform(&dir, deed);
                }
                let heard = place.catch_up().expect("a look at what changed");
                let hears = place.watch.take();
                let seen = place.snapshot().expect("a look at everything");
                prop_assert_eq!(heard, seen);
                place.watch = hears;
            }
        }
    }

    #[test]
    fn what_was_changed_by_a_name_made_later_is_seen() {
        let (_home, git) = repository();
        let mut place = attended(&git, &[Deed::Write("d/a", 1), Deed::Write("x/y/z", 1)]);
        let dir = place.dir().to_owned();
        perform(&dir, &Deed::SecondName("d/a"));
        perform(&dir, &Deed::Write("e", 2));
        let heard = place.catch_up().expect("a look at what changed");
        assert_eq!(heard, place.snapshot().expect("a look at everything"));
    }

    #[test]
    fn only_folders_in_which_something_changed_are_looked_at() {
        let (_home, git) = repository();
        let mut place = attended(&git, &[Deed::Write("d/a", 1), Deed::Write("x/y/z", 1)]);
        let dir = place.dir().to_owned();
        // Where nothing can be heard there is nothing to show.
        let Some(watch) = &mut place.watch else { return };
        assert!(watch.heard().expect("an answer").expect("certainty").is_empty());
        perform(&dir, &Deed::Write("d/a", 2));
        perform(&dir, &Deed::Write("d/new/file", 2));
        let heard = watch.heard().expect("an answer").expect("certainty");
        let spelled: Vec<String> = heard.iter().map(|(at, others)| format!("{at} {others:?}")).collect();
        assert_eq!(spelled, ["d {\"new\"}"]);
    }
}
