//! What a merge left of state files: which a look at their fields decides, and which a person has to.
//!
//! In: the index, the work tree and the commits that were merged. Out: each file with what is to
//! become of it. Invariant: what a person did to a file beside its markers is kept.

use crate::effects::{EffectError, Head, MODE_FILE, Oid, Undecided, World};
use crate::state::checkpoint::Checkpoint;
use crate::state::file::checkpoint;
use crate::state::file::marks::{self, Sides};
use crate::state::file::merge::{Before, Clash, Unmerged, merge};
use crate::state::layout::{self, FileKind};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A state file that a merge left undecided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// Where it lies.
    pub path: String,
    /// How it stands.
    pub what: What,
}

/// How a file stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Its fields say what it becomes: these files, the first of which it is.
    Decided(Vec<(String, String)>),
    /// Both sides changed these fields to different values.
    Clashes(Vec<Clash>),
    /// A person has to look, because of this.
    Person(String),
    /// One side removed it, the other one changed it.
    Removed,
    /// Only one side has it, as a new file: the other one may have moved it elsewhere.
    Alone,
    /// Neither side has it here any more.
    Gone,
    /// It has no markers any more, and git was not told.
    NotAdded,
}

/// Looks at all state files of a work tree.
///
/// # Errors
/// When the index or a file cannot be read.
pub fn find(world: World<'_>, root: &Path) -> Result<Vec<Leftover>, EffectError> {
    // An index that cannot be read says nothing; the markers are there all the same.
    let staged = world.git.undecided(layout::ROOT).unwrap_or_default();
    let mut undecided: BTreeMap<String, Undecided> =
        staged.into_iter().map(|each| (each.path.to_string(), each)).collect();
    let mut found = Vec::new();
    let mut files = world.files.work_files(root, layout::ROOT)?;
    let mut taken: BTreeSet<String> = files.iter().map(|file| file.path.clone()).collect();
    // Checkpoints in the order of their numbers, so that a later one gets a higher one.
    files.sort_by(|a, b| (a.path.len(), &a.path).cmp(&(b.path.len(), &b.path)));
    for file in files {
        let staged = undecided.remove(&file.path);
        // What is no ordinary file has no markers, and is told of as such.
        let plain = file.mode == Some(MODE_FILE);
        let text = if plain { world.files.read_work(root, &file.path)? } else { None }.unwrap_or_default();
        let what = match &staged {
            _ if marks::are_in(&text) => {
                decide((world, root), &file.path, (&text, staged.as_ref()), &mut taken)?
            }
            Some(Undecided { ours: Some(_), theirs: Some(_), .. }) => What::NotAdded,
            Some(staged) => parted(staged),
            None => continue,
        };
        found.push(Leftover { path: file.path, what });
    }
    found.extend(undecided.into_iter().map(|(path, staged)| Leftover { path, what: parted(&staged) }));
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

/// How a file stands that not all have.
fn parted(staged: &Undecided) -> What {
    match staged {
        Undecided { ours: None, theirs: None, .. } => What::Gone,
        Undecided { before: None, .. } => What::Alone,
        Undecided { .. } => What::Removed,
    }
}

/// What a file with markers becomes, with the paths that files have.
fn decide(
    (world, root): (World<'_>, &Path),
    path: &str,
    (text, staged): (&[u8], Option<&Undecided>),
    taken: &mut BTreeSet<String>,
) -> Result<What, EffectError> {
    let unclear = || What::Person("its conflict markers do not say which line is whose".to_owned());
    let Some(sides) = std::str::from_utf8(text).ok().and_then(marks::sides) else { return Ok(unclear()) };
    let before = match staged {
        Some(Undecided { before: Some(id), .. }) => Some(world.git.blob(*id)?),
        Some(_) => None,
        None => merged_from(world, path)?,
    };
    let before = before.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let Sides { ours, before: shown, theirs } = sides;
    let before = match (&before, &shown) {
        (Some(text), _) => Before::Text(text),
        (None, _) if staged.is_some() => Before::Nothing,
        (None, Some(text)) => Before::Text(text),
        (None, None) => Before::Unknown,
    };
    if layout::kind_of(path) == FileKind::Checkpoint
        && !matches!(before, Before::Text(_))
        && let Some(both) = both((world, root), path, [&ours, &theirs], taken)?
    {
        return Ok(both);
    }
    Ok(match merge(path, before, &ours, &theirs) {
        Ok(text) => What::Decided(vec![(path.to_owned(), text)]),
        Err(Unmerged::Clashes(clashes)) => What::Clashes(clashes),
        Err(Unmerged::Unknown) => {
            What::Person("both sides changed its comments, or keys that orch does not know".to_owned())
        }
        Err(Unmerged::Invalid(why)) => What::Person(why),
        Err(Unmerged::NotByFields) => What::Person(by_hand(path).to_owned()),
    })
}

/// The checkpoints of two runs that got one number on two sides: the later one is the next that has none, unless that
/// would put it above one of a run that is later still. None where they are not of two runs.
fn both(
    (world, root): (World<'_>, &Path),
    path: &str,
    sides: [&str; 2],
    taken: &mut BTreeSet<String>,
) -> Result<Option<What>, EffectError> {
    let read = |text: &str| {
        let checkpoint = checkpoint::read(path, text.as_bytes()).value?;
        Some((checkpoint, text.to_owned()))
    };
    let [Some(ours), Some(theirs)] = sides.map(read) else { return Ok(None) };
    if ours.0.run == theirs.0.run {
        // One of the two was edited.
        return Ok(None);
    }
    let (first, later) = if ours.0.run < theirs.0.run { (ours, theirs) } else { (theirs, ours) };
    let mut number = later.0.number;
    let at = loop {
        let at = layout::checkpoint(&later.0.task, number);
        if !taken.contains(&at) {
            break at;
        }
        let there = world.files.read_work(root, &at)?.unwrap_or_default();
        if checkpoint::read(&at, &there).value.is_some_and(|there| there.run > later.0.run) {
            return Ok(Some(What::Person(format!(
                "it is of two runs, and `{at}` of a later one than both: renumber those above it first"
            ))));
        }
        let Some(next) = number.checked_add(1) else { return Ok(None) };
        number = next;
    };
    taken.insert(at.clone());
    let text = checkpoint::write(&Checkpoint { number, ..later.0 });
    Ok(Some(What::Decided(vec![(path.to_owned(), first.1), (at, text)])))
}

/// Why a file of another kind is not merged.
fn by_hand(path: &str) -> &'static str {
    match layout::kind_of(path) {
        FileKind::Run => "run records are never edited, so two sides cannot differ: one of them was",
        FileKind::Config => "settings are a person's to merge",
        FileKind::Checkpoint => "checkpoints are never edited, so two sides cannot differ: one of them was",
        FileKind::Task | FileKind::Note | FileKind::Readme | FileKind::Unknown => "it is text, not fields",
    }
}

/// A file as it was where the sides parted that are being merged, or that the last commit merged.
fn merged_from(world: World<'_>, path: &str) -> Result<Option<Vec<u8>>, EffectError> {
    let tip = match world.git.head()? {
        Head::Branch(_, Some(tip)) | Head::Detached(tip) => tip,
        Head::Branch(_, None) => return Ok(None),
    };
    let sides: Option<(Oid, Oid)> = match (world.git.resolve("MERGE_HEAD")?, &*world.git.commit(tip)?.parents)
    {
        (Some(theirs), _) => Some((tip, theirs)),
        (None, [ours, theirs]) => Some((*ours, *theirs)),
        (None, _) => None,
    };
    let Some((ours, theirs)) = sides else { return Ok(None) };
    let Some(parted) = world.git.merge_base(ours, theirs)? else { return Ok(None) };
    let tree = world.git.commit(parted)?.tree;
    let Some((_, id)) = world.git.entry(tree, path)? else { return Ok(None) };
    world.git.blob(id).map(Some)
}
