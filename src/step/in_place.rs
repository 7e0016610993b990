//! The branch while an agent works in its work tree.
//!
//! Until its step ends, the work tree is the agent's alone: what others land meanwhile moves the branch, the
//! work tree stays, and the step puts its own on top of that. What the agent itself commits there is no
//! history but its work: it is kept, and the branch goes back to where orch had left it. Whatever it checked out,
//! and whatever of git's it began and did not end, the branch is checked out afterwards and nothing is under way.
//! Invariant: nothing that orch landed is taken from the branch again.

use super::base::{Base, branch_ref};
use super::commits;
use super::error::StepError;
use super::event::{Event, Reporter};
use super::journal::{self, Site, Working};
use super::keep;
use super::land::{OTHERS_LAND, landing_lock, list};
use super::slot;
use crate::config::shell;
use crate::effects::{
    Astray, Change, Checkout, EffectError, MODE_SUBMODULE, Mode, Oid, Restored, Seen, Swap, WorkTree, World,
};
use bstr::{BString, ByteSlice as _};
use std::path::PathBuf;

/// The folder of a step for what was made of what directs git.
const ASIDE: &str = "settings";
/// How often it is looked at what shows when something is gone.
const LOOKS: usize = 8;

/// The step that works in the work tree of a branch, if there is one; also one that was cut off and that nobody has
/// put right yet: the work tree is not the person's before that.
///
/// # Errors
/// When its journal cannot be read.
pub fn at_work(world: World<'_>, branch: &str) -> Result<Option<Working>, EffectError> {
    let working = journal::working(world, slot::FIRST)?;
    Ok(working.filter(|working| working.branch == branch && matches!(working.site, Site::InPlace { .. })))
}

/// Writes the journal of a step that begins. Says whether the branch is still where the step found it: a work
/// tree that an agent is to work in follows it only until then.
///
/// # Errors
/// When the machine fails.
pub fn begin(world: World<'_>, base: &Base, slot: u32, working: &Working) -> Result<bool, StepError> {
    let in_place = matches!(working.site, Site::InPlace { .. });
    // Others land either before, or beside the step.
    let _lock = in_place.then(|| landing_lock(world, OTHERS_LAND)).transpose()?;
    if in_place && world.git.tip(&branch_ref(&base.branch))? != Some(base.commit.id) {
        return Ok(false);
    }
    if let Site::InPlace { dir, git_dir } = &working.site {
        let aside = world.files.root().join(format!("steps/{}/{ASIDE}", working.run));
        let checkout = journal::checkout(dir, git_dir);
        world.git.hold_settings(&checkout, &working.run, base.commit.id, &aside)?;
    }
    journal::begin_work(world, slot, working)?;
    Ok(true)
}

/// Puts right what directs git where an agent works, or worked, in place: neither its configuration nor its hooks are
/// the agent's to change, and what the agent's git left locked is open again. Says what there was to do.
///
/// # Errors
/// When the machine fails.
pub fn restore_settings(
    world: World<'_>,
    working: &Working,
    checkout: &Checkout,
    reporter: &dyn Reporter,
) -> Result<(), EffectError> {
    let Restored { settings, aside, locks } = world.git.restore_settings(checkout, &working.run)?;
    let list = |paths: &[PathBuf]| {
        let names: Vec<BString> = paths.iter().map(|path| path.to_string_lossy().as_ref().into()).collect();
        list(&names)
    };
    if !settings.is_empty() {
        let text = format!(
            "while the agent worked, what directs git here was changed: {}; it is as it was before, and what it had \
             become is in `{}`",
            list(&settings),
            aside.display()
        );
        reporter.event(&Event::Warning { text });
    }
    if !locks.is_empty() {
        let text = format!("what a git of the agent left locked is open again: {}", list(&locks));
        reporter.event(&Event::Warning { text });
    }
    Ok(())
}

/// Puts a branch back to where orch had left it, if an agent that works in place moved it. The caller holds
/// the landing lock.
///
/// # Errors
/// When the branch keeps moving, or the machine fails.
pub fn put_back(world: World<'_>, branch: &str, reporter: &dyn Reporter) -> Result<(), StepError> {
    // Since a step that was cut off, it may have been a person who moved it.
    let living = at_work(world, branch)?.filter(|_| slot::is_held(world, slot::FIRST));
    living.map_or(Ok(()), |working| rewind(world, &working, reporter))
}

/// Puts the branch of a step that works, or worked, in place back to where orch had left it. The caller holds the
/// landing lock.
///
/// # Errors
/// When the branch keeps moving, or the machine fails.
pub fn rewind(world: World<'_>, working: &Working, reporter: &dyn Reporter) -> Result<(), StepError> {
    let ours = journal::beside(world, working)?;
    let reference = branch_ref(&working.branch);
    let tip = world.git.tip(&reference)?;
    if tip == Some(ours) {
        return Ok(());
    }
    if let Some(tip) = tip {
        keep_beyond(world, working, tip, ours, reporter)?;
    }
    match world.git.swap(&reference, tip, ours, "orch: the agent committed by itself")? {
        Swap::Done => Ok(()),
        Swap::Moved(_) => Err(StepError::Busy(format!("branch `{}` keeps moving", working.branch))),
    }
}

/// Makes the branch of a step the one that is checked out where its agent works, or worked, with nothing of git's
/// under way; what only that named is kept. Says what there was.
///
/// # Errors
/// When the machine fails.
pub fn take_back(
    world: World<'_>,
    working: &Working,
    checkout: &Checkout,
    reporter: &dyn Reporter,
) -> Result<Astray, StepError> {
    let astray = world.git.astray(checkout, &working.branch)?;
    let ours = journal::beside(world, working)?;
    for commit in &astray.commits {
        keep_beyond(world, working, *commit, ours, reporter)?;
    }
    world.git.attach(checkout, &working.branch)?;
    if let Some(what) = astray.unfinished {
        let text = format!(
            "a {what} was begun in the work tree and not ended: it is forgotten, and its files are what counts"
        );
        reporter.event(&Event::Warning { text });
    }
    Ok(astray)
}

/// Makes a work tree in which an agent works, or worked, hold exactly this tree. What it holds is kept already where
/// that is `kept`; what shows only when that is gone, because ignore rules of the agent's hid it, is kept now. Says
/// what it holds then: a submodule stays where the agent moved it to, for its repository is not orch's to change.
///
/// # Errors
/// When it keeps changing, or the machine fails.
pub fn clear(
    world: World<'_>,
    working: &Working,
    place: &mut dyn WorkTree,
    (kept, tree): (Oid, Oid),
    reporter: &dyn Reporter,
) -> Result<Oid, StepError> {
    let is_submodule = |side: Option<(Mode, Oid)>| side.is_some_and(|(mode, _)| mode == MODE_SUBMODULE);
    let mut kept = kept;
    for look in 0..LOOKS {
        let seen = place.snapshot()?;
        let mut differs = world.git.changes(seen.tree, tree)?;
        let is_moved = |change: &mut Change| is_submodule(change.old) && is_submodule(change.new);
        let moved: Vec<BString> = differs.extract_if(.., is_moved).map(|change| change.path).collect();
        if seen.is_plain() && differs.is_empty() {
            tell_of_submodules(&moved, reporter);
            return Ok(seen.tree);
        }
        if holds_more(world, &differs, kept)? {
            let subject =
                format!("orch({}): what was hidden beside the work of run {}", working.task, working.run);
            let base = journal::oid(&working.base)?;
            keep::keep(world, &working.run, base, seen.tree, (&subject, ""), None, reporter)?;
            kept = seen.tree;
        }
        place.lock()?;
        let rules = if look < LOOKS / 2 { ignore_rules(&differs, &seen) } else { Vec::new() };
        if rules.is_empty() {
            place.flatten(&seen)?;
            tell_of_repositories(&seen, reporter);
            place.bring(seen.tree, tree, &[])?;
        } else {
            differs.retain(|change| !rules.contains(&change.path));
            let paths = |rest: Vec<Change>| rest.into_iter().map(|change| change.path).collect::<Vec<_>>();
            place.bring(seen.tree, tree, &paths(differs.clone()))?;
            differs.retain(|change| change.new.is_none());
            place.forget(&paths(differs));
        }
        place.save()?;
    }
    Err(StepError::Busy(format!("the work tree of `{}` keeps changing", working.branch)))
}

/// Whether a work tree holds something that is neither kept nor what it is to hold.
fn holds_more(world: World<'_>, differs: &[Change], kept: Oid) -> Result<bool, EffectError> {
    for change in differs {
        if change.old.is_some() && world.git.entry(kept, &change.path.to_str_lossy())? != change.old {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The uppermost ignore files that differ: they are put back before anything else is, because what is not the agent's
/// may only show for what it made of them.
fn ignore_rules(differs: &[Change], seen: &Seen) -> Vec<BString> {
    let is_inside = |path: &BString, dir: &BString| {
        path.strip_prefix(dir.as_slice()).is_some_and(|below| below.starts_with(b"/"))
    };
    let depth = |path: &BString| path.split(|byte| *byte == b'/').count();
    let mut rules: Vec<BString> = differs
        .iter()
        .map(|change| change.path.clone())
        .filter(|path| path.rsplit(|byte| *byte == b'/').next() == Some(b".gitignore"))
        .filter(|path| !seen.nested.iter().any(|dir| is_inside(path, dir)))
        .collect();
    let uppermost = rules.iter().map(depth).min();
    rules.retain(|path| Some(depth(path)) == uppermost);
    rules
}

fn tell_of_repositories(seen: &Seen, reporter: &dyn Reporter) {
    if !seen.nested.is_empty() {
        let text = format!(
            "there were repositories of their own in the work tree: {}; the `.git` of each is in \
             `.git/orch/repositories`",
            list(&seen.nested)
        );
        reporter.event(&Event::Warning { text });
    }
}

/// Paths as they are typed for git, after what says that they are no options.
#[must_use]
pub fn words(paths: &[BString]) -> String {
    let words = paths.iter().map(|path| shell::word(&path.to_str_lossy()));
    std::iter::once("--".to_owned()).chain(words).collect::<Vec<_>>().join(" ")
}

fn tell_of_submodules(moved: &[BString], reporter: &dyn Reporter) {
    if !moved.is_empty() {
        let text = format!(
            "submodules stay where the agent moved them to: {}; type `git submodule update {}` to put them back",
            list(moved),
            words(moved)
        );
        reporter.event(&Event::Warning { text });
    }
}

/// Keeps commits that an agent made beyond where orch had left the branch.
fn keep_beyond(
    world: World<'_>,
    working: &Working,
    commit: Oid,
    ours: Oid,
    reporter: &dyn Reporter,
) -> Result<(), EffectError> {
    if world.git.is_ancestor(commit, ours).unwrap_or(false) {
        return Ok(());
    }
    let reference = commits::keep(world, &working.run, commit)?;
    reporter.event(&Event::Kept { reference });
    Ok(())
}
