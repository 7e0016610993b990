//! Reading all notes, most of them from a cache.
//!
//! In: a [`Source`]. Out: [`Notes`], as they were written or as prompts use them. Invariant: an entry of the
//! cache counts only for the very file (or, as a whole, the very tree) that it was made from; a cache that
//! is damaged or of another version is as good as none. Safe to delete.

use super::cache::{SUM, StampShape, opened, position, sealed};
use super::file::note::read;
use super::id::{NoteId, TaskId};
use super::layout::{self, FileKind};
use super::news::StateFile;
use super::note::{Gist, Note, NoteKind, NoteStatus, Numbers};
use super::problem::Problem;
use super::store::{FEW, Source, is_settled};
use super::words;
use crate::effects::{EffectError, Oid, World};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// The layout of the cache; a change here, or of what words are, makes all older ones void.
const VERSION: [u8; 2] = [2, words::VERSION];
/// Version and checksum.
const HEAD: usize = VERSION.len() + SUM;

type Result<T> = std::result::Result<T, EffectError>;

/// All notes of a source.
#[derive(Debug, Clone, Default)]
pub struct Notes {
    /// What [`Kept`] is written as, with its head.
    bytes: Vec<u8>,
}

impl Notes {
    /// What prompts need of each, in the order of paths.
    #[must_use]
    pub fn gists(&self) -> Vec<Gist<'_>> {
        self.entries(Shape::gist)
    }

    /// All of each, in the order of paths.
    #[must_use]
    pub fn all(&self) -> Vec<Note> {
        self.entries(Shape::note)
    }

    fn entries<'n, T>(&'n self, entry: impl Fn(Shape<'n>) -> Option<T>) -> Vec<T> {
        // These bytes were checked, or written here.
        let kept = Kept::of(self.bytes.get(HEAD..).unwrap_or_default()).unwrap_or_default();
        let mut entries = Vec::with_capacity(kept.count());
        entries.extend(kept.shapes().filter_map(entry));
        entries
    }
}

/// All notes, with what is wrong with the files that hold none.
///
/// # Errors
/// When the source cannot be read.
pub fn load(world: World<'_>, source: &Source) -> Result<(Notes, Vec<Problem>)> {
    let (name, tree) = match source {
        Source::Tree(tree) => match world.git.subtree(*tree, layout::NOTES)? {
            Some(notes) => ("cache/notes", Some(notes)),
            None => return Ok((Notes::default(), Vec::new())),
        },
        Source::Work(_) => ("cache/notes-work", None),
    };
    // One that cannot be read is as good as none.
    let bytes = world.files.read(name).ok().flatten().unwrap_or_default();
    let kept = Kept::decode(&bytes).unwrap_or_default();
    if tree.is_some() && kept.tree == tree.as_ref().map(Oid::as_bytes) {
        return Ok((Notes { bytes }, Vec::new()));
    }
    let mut files = source.list(world, layout::NOTES)?;
    files.retain(|file| layout::kind_of(&file.path) == FileKind::Note);
    let mut read = Refreshed::default();
    let now = world.clock.now().as_nanosecond();
    read.refresh(world, source, files, &kept, now)?;
    let whole = tree.filter(|_| read.problems.is_empty());
    if read.changed > FEW || (whole.is_some() && kept.tree.is_none()) {
        let lasting = read.entries.iter().filter(|entry| entry.lasts(now));
        // A cache that cannot be written (a full or read-only disk) only costs time.
        let _ = world.files.write(name, &encode(whole, lasting), false);
    }
    Ok((Notes { bytes: encode(None, read.entries.iter()) }, read.problems))
}

/// A note that was read: where it lies, and whether there was a problem, which is to be told again the next
/// time.
struct Entry {
    note: Note,
    file: StateFile,
    is_odd: bool,
}

impl Entry {
    /// Whether the next cache has it.
    fn lasts(&self, now: i128) -> bool {
        !self.is_odd && is_settled(now, &self.file.stamp)
    }
}

/// What came of reading files with the help of a cache.
#[derive(Default)]
struct Refreshed {
    entries: Vec<Entry>,
    problems: Vec<Problem>,
    /// How many entries the next cache would have that this one has not, or the other way round.
    changed: usize,
}

impl Refreshed {
    fn refresh(
        &mut self,
        world: World<'_>,
        source: &Source,
        files: Vec<StateFile>,
        kept: &Kept<'_>,
        now: i128,
    ) -> Result<()> {
        let mut known = kept.shapes().peekable();
        for file in files {
            // Both are in the order of paths.
            while known.next_if(|shape| shape.path < file.path.as_str()).is_some() {
                self.changed += 1;
            }
            let same = known.next_if(|shape| shape.path == file.path && shape.stamp.stamp() == file.stamp);
            if let Some(note) = same.and_then(Shape::note) {
                self.entries.push(Entry { note, file, is_odd: false });
                continue;
            }
            let read = source.entity(world, &file, read)?;
            let is_odd = !read.problems.is_empty();
            let entry = read.value.map(|note| Entry { note, file, is_odd });
            self.changed += usize::from(entry.as_ref().is_some_and(|entry| entry.lasts(now)));
            self.entries.extend(entry);
            self.problems.extend(read.problems);
        }
        self.changed += known.count();
        Ok(())
    }
}

/// Notes as bytes. `tree` is the one that they are all of.
fn encode<'e>(tree: Option<Oid>, entries: impl Iterator<Item = &'e Entry> + Clone) -> Vec<u8> {
    let numbers: Vec<Vec<u8>> = entries.clone().map(|entry| numbers(&entry.note)).collect();
    let head = (tree.as_ref().map(Oid::as_bytes), u32::try_from(numbers.len()).unwrap_or(u32::MAX));
    let Ok(mut body) = postcard::to_stdvec(&head) else { return Vec::new() };
    for (entry, words) in entries.zip(&numbers) {
        // Bytes in memory can always be written.
        body = postcard::to_extend(&Shape::of(&entry.file, &entry.note, words), body).unwrap_or_default();
    }
    sealed(&VERSION, &body)
}

fn numbers(note: &Note) -> Vec<u8> {
    let parts = [note.topic.as_deref(), Some(&note.text), note.because.as_deref()];
    parts.into_iter().flatten().flat_map(words::numbers).flat_map(u32::to_le_bytes).collect()
}

/// Notes that were read before.
#[derive(Default)]
struct Kept<'a> {
    /// The tree that these are all notes of, if they are of one.
    tree: Option<&'a [u8]>,
    count: u32,
    /// So many shapes, in the order of their paths.
    rest: &'a [u8],
}

impl<'a> Kept<'a> {
    fn decode(bytes: &'a [u8]) -> Option<Self> {
        Self::of(opened(&VERSION, bytes)?)
    }

    fn of(body: &'a [u8]) -> Option<Self> {
        let ((tree, count), rest) = postcard::take_from_bytes(body).ok()?;
        Some(Self { tree, count, rest })
    }

    /// How many there are; the number is that of a checked file, and yet no reason to ask for all memory.
    fn count(&self) -> usize {
        self.count.min(100_000) as usize
    }

    fn shapes(&self) -> impl Iterator<Item = Shape<'a>> + use<'a> {
        let mut rest = self.rest;
        (0..self.count).map_while(move |_| {
            let shape;
            (shape, rest) = postcard::take_from_bytes(rest).ok()?;
            Some(shape)
        })
    }
}

/// A note as the cache has it.
#[derive(Serialize, Deserialize)]
struct Shape<'a> {
    path: &'a str,
    #[serde(borrow)]
    stamp: StampShape<'a>,
    id: &'a str,
    kind: u8,
    topic: Option<&'a str>,
    text: &'a str,
    because: Option<&'a str>,
    tasks: Vec<&'a str>,
    supersedes: Option<&'a str>,
    status: u8,
    author: Option<&'a str>,
    /// Seconds, and nanoseconds beyond them.
    created: Option<(i64, i32)>,
    expires: Option<(i16, i8, i8)>,
    words: &'a [u8],
    paths: Vec<&'a str>,
}

impl<'a> Shape<'a> {
    fn of(file: &'a StateFile, note: &'a Note, words: &'a [u8]) -> Self {
        Self {
            path: &file.path,
            stamp: StampShape::of(&file.stamp),
            id: note.id.as_str(),
            kind: position(&NoteKind::ALL, &note.kind),
            topic: note.topic.as_deref(),
            text: &note.text,
            because: note.because.as_deref(),
            tasks: note.tasks.iter().map(TaskId::as_str).collect(),
            supersedes: note.supersedes.as_ref().map(NoteId::as_str),
            status: position(&NoteStatus::ALL, &note.status),
            author: note.author.as_deref(),
            created: note.created.map(|time| (time.as_second(), time.subsec_nanosecond())),
            expires: note.expires.map(|date| (date.year(), date.month(), date.day())),
            words,
            paths: words::paths(&note.text).collect(),
        }
    }

    fn gist(self) -> Option<Gist<'a>> {
        Some(Gist {
            id: self.id,
            kind: *NoteKind::ALL.get(usize::from(self.kind))?,
            status: *NoteStatus::ALL.get(usize::from(self.status))?,
            created: self.created(),
            expires: self.expires(),
            text: self.text,
            because: self.because,
            tasks: self.tasks,
            words: Numbers(self.words),
            paths: self.paths,
        })
    }

    fn note(self) -> Option<Note> {
        let text = |text: Option<&str>| text.map(str::to_owned);
        Some(Note {
            id: NoteId::known(self.id.into()),
            kind: *NoteKind::ALL.get(usize::from(self.kind))?,
            status: *NoteStatus::ALL.get(usize::from(self.status))?,
            created: self.created(),
            expires: self.expires(),
            topic: text(self.topic),
            text: self.text.to_owned(),
            because: text(self.because),
            tasks: self.tasks.iter().map(|id| TaskId::known((*id).into())).collect(),
            supersedes: self.supersedes.map(|id| NoteId::known(id.into())),
            author: text(self.author),
        })
    }

    fn created(&self) -> Option<Timestamp> {
        self.created.and_then(|(second, nanosecond)| Timestamp::new(second, nanosecond).ok())
    }

    fn expires(&self) -> Option<Date> {
        self.expires.and_then(|(year, month, day)| Date::new(year, month, day).ok())
    }
}

#[cfg(test)]
impl Notes {
    /// These notes, as if they had been read.
    pub(crate) fn of(notes: &[Note]) -> Self {
        let entry = |note: &Note| Entry {
            note: note.clone(),
            file: StateFile {
                path: format!("{}.yaml", note.id),
                mode: Some(crate::effects::MODE_FILE),
                stamp: super::cache::Stamp::Stat([0; 4]),
            },
            is_odd: false,
        };
        let entries: Vec<Entry> = notes.iter().map(entry).collect();
        Self { bytes: encode(None, entries.iter()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::cache::Stamp;
    use crate::state::file::samples;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]

        #[test]
        fn what_is_kept_comes_back(notes in proptest::collection::vec(samples::note(), 0..5), of_a_tree: bool) {
            let stamp = |n: usize| match n % 2 {
                0 => Stamp::Blob(Oid::from_bytes(&[7; 20])),
                _ => Stamp::Stat([1, u64::MAX, n as u64, 0]),
            };
            let entries: Vec<Entry> = notes
                .iter()
                .enumerate()
                .map(|(n, note)| Entry {
                    note: note.clone(),
                    file: StateFile { path: format!("{n}.yaml"), mode: Some(crate::effects::MODE_FILE), stamp: stamp(n) },
                    is_odd: false,
                })
                .collect();
            let tree = of_a_tree.then(|| Oid::from_bytes(&[9; 20]));
            let bytes = encode(tree, entries.iter());
            let kept = Kept::decode(&bytes).unwrap();
            prop_assert_eq!(kept.tree, tree.as_ref().map(Oid::as_bytes));
            prop_assert_eq!(kept.shapes().count(), entries.len());
            for (shape, entry) in kept.shapes().zip(&entries) {
                prop_assert_eq!(shape.path, &entry.file.path);
                prop_assert_eq!(shape.stamp.stamp(), entry.file.stamp);
            }
            for end in 0..bytes.len() {
                prop_assert!(Kept::decode(&bytes[..end]).is_none());
            }
            let read = Notes { bytes };
            prop_assert_eq!(read.all(), notes.clone());
            for (gist, note) in read.gists().iter().zip(&notes) {
                prop_assert_eq!((gist.id, gist.text, gist.created), (note.id.as_str(), note.text.as_str(), note.created));
                let numbers: Vec<u32> = [note.topic.as_deref(), Some(&*note.text), note.because.as_deref()]
                    .into_iter().flatten().flat_map(words::numbers).collect();
                prop_assert_eq!(gist.words.iter().collect::<Vec<_>>(), numbers);
            }
        }

        #[test]
        fn no_bytes_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let bytes = sealed(&VERSION, &body);
            if Kept::decode(&bytes).is_some() {
                let notes = Notes { bytes };
                let _ = (notes.all(), notes.gists());
            }
        }
    }
}
