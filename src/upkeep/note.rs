//! Notes that people write down, and what becomes of them.
//!
//! In: state at the tip, and what a person wants. Out: the files of one commit. Invariant: what takes
//! another note's place and that other note change in the same commit.

use crate::effects::World;
use crate::state::file;
use crate::state::id::{NoteId, short};
use crate::state::layout;
use crate::state::note::{Note, NoteKind, NoteMove, NoteStatus, after, fades};
use crate::state::notes;
use crate::state::problem::nearest;
use crate::state::task::{LINE_CHARS, TooLong, whole_line, whole_lines};
use crate::step::land::FileEdit;
use crate::step::{Base, StepError};
use jiff::civil::Date;

/// The longest text of a note, in characters.
const TEXT_MAX: usize = 2_000;

/// Until when a note is to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Expiry {
    /// As its kind has it: learnings fade, all else stays.
    #[default]
    OfItsKind,
    /// Always.
    Never,
    /// Until this day.
    On(Date),
    /// For so many days.
    Days(i64),
}

/// A note as a person wants it.
#[derive(Debug, Clone, Default)]
pub struct Wanted<'w> {
    /// What it is about.
    pub topic: Option<&'w str>,
    /// The knowledge itself.
    pub text: &'w str,
    /// Why it is so.
    pub because: Option<&'w str>,
    /// Tasks that it concerns.
    pub tasks: &'w [String],
    /// The note whose place it takes.
    pub supersedes: Option<&'w str>,
    /// Until when it counts.
    pub expiry: Expiry,
    /// Who writes it.
    pub author: Option<String>,
}

/// Why a note cannot be written or moved.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum NoteError {
    /// There is nothing in it.
    #[error("a note needs a text")]
    NoText,
    /// A text does not fit.
    #[error(transparent)]
    TooLong(#[from] TooLong),
    /// Constraints hold until a person ends them.
    #[error("a constraint does not expire")]
    Lasting,
    /// No note has this id.
    #[error("there is no note `{id}`")]
    Unknown {
        /// What was asked for.
        id: String,
        /// The most similar id.
        meant: Option<String>,
    },
    /// A note cannot be moved so.
    #[error("note `{id}` is a {kind} that is `{status}`, so it cannot be {past}")]
    Illegal {
        /// The note.
        id: String,
        /// Its kind.
        kind: &'static str,
        /// Where it stands.
        status: &'static str,
        /// What was to be done.
        past: &'static str,
    },
    /// The state cannot be read or written.
    #[error(transparent)]
    Step(#[from] StepError),
}

/// The note to write, and the files of its commit.
///
/// # Errors
/// When it cannot be written.
pub fn add(
    world: World<'_>,
    base: &Base,
    kind: NoteKind,
    wanted: &Wanted<'_>,
) -> Result<(Note, Vec<FileEdit>), NoteError> {
    let now = world.clock.now();
    let text = whole_lines("text", wanted.text, TEXT_MAX)?;
    if text.is_empty() {
        return Err(NoteError::NoText);
    }
    if kind == NoteKind::Constraint && !matches!(wanted.expiry, Expiry::OfItsKind | Expiry::Never) {
        return Err(NoteError::Lasting);
    }
    let mut tasks = Vec::with_capacity(wanted.tasks.len());
    for id in wanted.tasks {
        tasks.push(base.snapshot.graph.nodes()[base.find(id)?].id.clone());
    }
    tasks.sort();
    tasks.dedup();
    let mut files = Vec::new();
    let mut supersedes = None;
    if let Some(old) = wanted.supersedes {
        let (note, edit) = moved(world, base, old, NoteMove::Supersede)?;
        supersedes = Some(note.id);
        files.push(edit);
    }
    let filled = |what, text: Option<&str>, max| -> Result<Option<String>, TooLong> {
        let line = text.map(|text| whole_line(what, text, max)).transpose()?;
        Ok(line.filter(|line| !line.is_empty()))
    };
    let today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
    let note = Note {
        id: new_id(world, base)?,
        kind,
        topic: filled("topic", wanted.topic, 60)?,
        text,
        because: filled("reason", wanted.because, LINE_CHARS)?,
        tasks,
        supersedes,
        status: NoteStatus::InForce,
        author: wanted.author.clone(),
        created: jiff::Timestamp::from_second(now.as_second()).ok(),
        expires: match wanted.expiry {
            Expiry::OfItsKind => fades(kind, now),
            Expiry::Never => None,
            Expiry::On(date) => Some(date),
            Expiry::Days(days) => today.checked_add(jiff::Span::new().days(days)).ok(),
        },
    };
    files.push((layout::note(&note.id), Some(file::note::write(&note).into_bytes())));
    Ok((note, files))
}

/// A note after a move, and its file.
///
/// # Errors
/// When there is no such note, or the move is not legal.
pub fn moved(
    world: World<'_>,
    base: &Base,
    id: &str,
    action: NoteMove,
) -> Result<(Note, FileEdit), NoteError> {
    let notes = notes::load(world, &base.snapshot.source).map_err(StepError::from)?.0.all();
    let found = notes.iter().find(|note| note.id.as_str().eq_ignore_ascii_case(id));
    let Some(mut note) = found.cloned() else {
        let meant = nearest(id, notes.iter().map(|note| note.id.as_str())).map(str::to_owned);
        return Err(NoteError::Unknown { id: id.to_owned(), meant });
    };
    note.status = after(note.kind, note.status, action).ok_or_else(|| NoteError::Illegal {
        id: note.id.to_string(),
        kind: note.kind.as_str(),
        status: note.status.as_str(),
        past: action.past(),
    })?;
    let path = layout::note(&note.id);
    let content = base.snapshot.source.read_path(world, &path).map_err(StepError::from)?.unwrap_or_default();
    let old = String::from_utf8_lossy(&content);
    let text = file::note::rewrite(&path, &old, &note).map_err(|why| StepError::Invalid(vec![why]))?;
    Ok((note, (path, Some(text.into_bytes()))))
}

/// A new short id that no note has.
fn new_id(world: World<'_>, base: &Base) -> Result<NoteId, NoteError> {
    let mut length = 5;
    loop {
        let bits = u64::try_from(world.ids.random() & u128::from(u64::MAX)).unwrap_or_default();
        let id = NoteId::new(format!("n-{}", short(bits, length)));
        let id = id.map_err(|error| StepError::NoAgent(error.to_string()))?;
        let there = base.snapshot.source.read_path(world, &layout::note(&id)).map_err(StepError::from)?;
        if there.is_none() {
            return Ok(id);
        }
        length = (length + 1).min(12);
    }
}
