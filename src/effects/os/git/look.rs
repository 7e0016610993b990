//! Looking at a work tree: how it differs from its index, and what git would be told of.
//!
//! All of it at first (`survey`); later only where something changed, if that was heard.

use super::place::Place;
use super::scan::{Differs, Found, Job, Scan, Sight, Walk};
use super::survey::{Early, survey};
use super::watch::{Heard, Watch};
use super::{Result, or};
use bstr::{BStr, BString, ByteSlice};
use gix::index::State;
use gix::index::entry::Mode;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// The longest path, in bytes, of a folder that is entered: the system lets programs name no more than 4,096, and
/// what it holds is named by up to 256 more.
const DEEPEST: usize = 3_800;

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

/// Compares the index with the directory. `early` is what was found of it a moment before, with who hears since.
pub(super) fn look(
    place: &Place<'_>,
    how: Look,
    watch: &mut Option<Watch>,
    early: Option<Early>,
) -> Result<Scan> {
    let heard = match (how, watch.as_mut()) {
        (Look::CatchingUp, Some(watch)) => watch.heard()?,
        (Look::Whole | Look::Attending | Look::CatchingUp, _) => None,
    };
    let in_part = heard.is_some();
    let is_early = !in_part && early.is_some() && how == Look::Attending;
    let found = match (heard, early, &*watch) {
        (Some(heard), _, Some(watch)) => changed(place, watch, &heard)?,
        (_, Some(early), _) if is_early => {
            *watch = early.watch;
            early.found
        }
        _ => {
            let files = place.index.entries().len();
            *watch = match how {
                Look::Whole => None,
                Look::Attending | Look::CatchingUp => {
                    Watch::begin(&place.dir, place.repo.common_dir(), files)?
                }
            };
            survey(sight(place, watch.as_ref()))?
        }
    };
    let judged = judge_unknown(place, watch.as_ref(), found);
    if judged.is_err() && is_early {
        // A folder that was found early has gone since.
        *watch = None;
        return look(place, Look::Attending, watch, None);
    }
    let mut found = judged?;
    if in_part && found.deaf {
        // By a second name that was made meanwhile, any file may have been changed unheard.
        *watch = None;
        return look(place, Look::Attending, watch, None);
    }
    let asked = std::mem::take(&mut found.asked);
    let certain = !found.deaf && found.scan.nested.is_empty() && found.scan.too_deep.is_empty();
    *watch = watch.take().and_then(|mut watch| (certain && watch.note(asked)).then_some(watch));
    Ok(found.scan)
}

fn sight<'p>(place: &'p Place<'_>, watch: Option<&'p Watch>) -> Sight<'p> {
    Sight { index: &place.index, dir: &place.dir, watch }
}

/// Compares the folders in which something changed, and those in them that are others than before.
fn changed(place: &Place<'_>, watch: &Watch, heard: &Heard) -> Result<Found> {
    let mut walk = Walk::new(sight(place, Some(watch)));
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
    Ok(walk.found)
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

/// Asks the ignore rules about what is not tracked, and enters untracked folders.
fn judge_unknown(place: &Place<'_>, watch: Option<&Watch>, found: Found) -> Result<Found> {
    if found.unknown.is_empty() {
        return Ok(found);
    }
    let source = gix::worktree::stack::state::ignore::Source::WorktreeThenIdMappingIfNotSkipped;
    let mut excludes = or("read ignore rules", place.repo.excludes(&place.index, None, source))?;
    let mut walk = Walk::new(sight(place, watch));
    walk.found = found;
    walk.found.unknown.sort();
    while let Some((path, folder)) = walk.found.unknown.pop() {
        let mode = if folder { Mode::DIR } else { Mode::FILE };
        if or("read ignore rules", excludes.at_entry(path.as_bstr(), Some(mode)))?.is_excluded() {
            continue;
        }
        if !folder {
            walk.found.deaf |= watch.is_some() && has_second_name(&place.dir, path.as_bstr());
            walk.found.scan.differs.insert(path, Differs::Look);
            continue;
        }
        if place.dir.as_os_str().len() + path.len() > DEEPEST {
            walk.found.scan.too_deep.push(path);
            continue;
        }
        walk.folder(walk.open(path.as_bstr())?, path.as_bstr(), 0, 0)?;
    }
    walk.found.scan.nested.sort();
    walk.found.scan.too_deep.sort();
    Ok(walk.found)
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
    use crate::effects::{Git as _, WorkTree as _};
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

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn a_look_that_began_early_sees_what_a_later_one_does(
            before in prop::collection::vec(deed(1), 1..12),
            meanwhile in prop::collection::vec(deed(1), 0..5),
            later in prop::collection::vec(deed(0), 0..5),
        ) {
            let (_home, git) = repository();
            let mut place = attended(&git, &before);
            place.save().expect("an index");
            let dir = place.dir().to_owned();
            drop(place);
            // What is done between two commands is seen early, what is done from then on is heard.
            for deed in &meanwhile {
                perform(&dir, deed);
            }
            git.look_ahead(0, None);
            let mut place = Place::private(&git, 0).expect("a work tree");
            prop_assert!(place.early.is_some() || place.index.entries().is_empty());
            for deed in &later {
                perform(&dir, deed);
            }
            place.attend().expect("a look");
            let heard = place.catch_up().expect("what changed");
            prop_assert_eq!(heard, place.snapshot().expect("a look at everything"));
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
