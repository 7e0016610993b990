//! Notes of an import: legal ids, bounded texts.

use super::assemble::{line, made_id};
use super::draft::Losses;
use super::text;
use super::{Format, LossKind};
use crate::state::id::NoteId;
use crate::state::note::Note;
use std::collections::HashSet;

/// Characters in a topic.
const MAX_TOPIC: usize = 100;
/// Bytes in a note.
const MAX_NOTE: usize = 64 << 10;

/// Gives notes their ids; each comes with the one that it would like to have.
pub(super) fn finish(format: Format, notes: Vec<(String, Note)>, losses: &mut Losses) -> Vec<Note> {
    let mut taken = HashSet::new();
    let mut finished = Vec::with_capacity(notes.len());
    for (number, (wish, mut note)) in notes.into_iter().enumerate() {
        let legal = NoteId::new(wish.as_str()).ok().filter(|id| taken.insert(id.folded()));
        let mut made = || made_id(&wish, &[format.as_str(), "note", &wish, &number.to_string()], &mut taken);
        let Some(id) = legal.or_else(|| made().and_then(|id| NoteId::new(id.as_str()).ok())) else {
            continue;
        };
        if id.as_str() != wish {
            losses.tell(LossKind::Renamed, &wish, format!("the note is `{id}` here"));
        }
        note.id = id;
        let topic = note.topic.map(|topic| line(&topic, MAX_TOPIC, "topic", note.id.as_str(), losses));
        note.topic = topic.filter(|topic| !topic.is_empty());
        note.text = text::lines(&note.text);
        note.because =
            note.because.map(|because| text::lines(&because)).filter(|because| !because.is_empty());
        let cut = text::cut(&mut note.text, MAX_NOTE)
            | note.because.as_mut().is_some_and(|b| text::cut(b, MAX_NOTE));
        if cut {
            losses.tell(
                LossKind::Truncated,
                note.id.as_str(),
                format!("its text was cut to {} KiB", MAX_NOTE >> 10),
            );
        }
        finished.push(note);
    }
    finished.sort_by(|a, b| a.id.cmp(&b.id));
    finished
}
