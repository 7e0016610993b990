//! Notes one a line.
//!
//! In: notes and a [`Filter`]. Out: for people a table, for programs a document; the newest first.

use super::table::{Cell, Table};
use crate::state::id::{NoteId, TaskId};
use crate::state::note::{Note, NoteKind, NoteStatus};
use anstyle::{AnsiColor, Style};
use jiff::civil::Date;
use serde_json::{Value, json};

/// Which notes are wanted.
#[derive(Debug, Clone, Default)]
pub struct Filter<'f> {
    /// Of this kind.
    pub kind: Option<NoteKind>,
    /// About this, ignoring case.
    pub topic: Option<&'f str>,
    /// That name this task.
    pub task: Option<&'f str>,
    /// Also those that no longer count.
    pub all: bool,
}

impl Filter<'_> {
    /// The notes that are wanted, the newest first.
    #[must_use]
    pub fn of<'n>(&self, notes: &'n [Note], today: Date) -> Vec<&'n Note> {
        let wanted = |note: &&Note| {
            (self.all || note.status == NoteStatus::Proposed || note.counts_on(today))
                && self.kind.is_none_or(|kind| note.kind == kind)
                && self
                    .task
                    .is_none_or(|id| note.tasks.iter().any(|task| task.as_str().eq_ignore_ascii_case(id)))
                && self.topic.is_none_or(|topic| {
                    note.topic.as_deref().is_some_and(|own| own.to_lowercase() == topic.to_lowercase())
                })
        };
        let mut found: Vec<&Note> = notes.iter().filter(wanted).collect();
        found.sort_by(|a, b| b.created.cmp(&a.created).then_with(|| a.id.cmp(&b.id)));
        found
    }
}

/// Where a note stands: its status, or that its time is over.
#[must_use]
pub fn standing(note: &Note, today: Date) -> &'static str {
    let over = note.status == NoteStatus::InForce && !note.counts_on(today);
    if over { "expired" } else { note.status.as_str() }
}

/// For people.
#[must_use]
pub fn human(notes: &[&Note], today: Date, width: Option<usize>, colour: bool) -> String {
    let mut table = Table::with_head(&["ID", "KIND", "STANDS", "TOPIC", "TEXT"]);
    for note in notes {
        let stands = standing(note, today);
        let style = match note.status {
            NoteStatus::Proposed => AnsiColor::Yellow.on_default(),
            NoteStatus::InForce | NoteStatus::Confirmed if stands != "expired" => Style::new(),
            NoteStatus::InForce
            | NoteStatus::Confirmed
            | NoteStatus::Superseded
            | NoteStatus::Retired
            | NoteStatus::Refuted => Style::new().dimmed(),
        };
        let because = note.because.as_ref().map_or(String::new(), |because| format!(" (because {because})"));
        let text = format!("{}{because}", note.text.split_whitespace().collect::<Vec<_>>().join(" "));
        table.row([
            Cell::new(note.id.as_str()).styled(style),
            Cell::new(note.kind.as_str()).styled(style),
            Cell::new(stands).styled(style),
            Cell::new(note.topic.as_deref().unwrap_or_default()).styled(style),
            Cell::new(text).styled(style),
        ]);
    }
    table.render(width, colour)
}

/// A note, for programs.
#[must_use]
pub fn shape(note: &Note, today: Date) -> Value {
    json!({
        "id": note.id.as_str(), "kind": note.kind.as_str(), "topic": note.topic, "text": note.text,
        "because": note.because, "tasks": note.tasks.iter().map(TaskId::as_str).collect::<Vec<_>>(),
        "supersedes": note.supersedes.as_ref().map(NoteId::as_str), "status": note.status.as_str(),
        "expired": standing(note, today) == "expired", "author": note.author,
        "created": note.created.map(|time| time.to_string()), "expires": note.expires.map(|day| day.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(id: &str, kind: NoteKind, status: NoteStatus) -> Note {
        Note {
            id: NoteId::new(id).unwrap(),
            kind,
            topic: Some("Storage".to_owned()),
            text: format!("what {id} says\nin two lines"),
            because: None,
            tasks: vec![TaskId::new("T-1").unwrap()],
            supersedes: None,
            status,
            author: None,
            created: format!("2026-11-0{}T00:00:00Z", &id[2..]).parse().ok(),
            expires: None,
        }
    }

    fn some() -> Vec<Note> {
        let mut old = note("n-1", NoteKind::Learning, NoteStatus::InForce);
        old.expires = "2026-11-20".parse().ok();
        let mut why = note("n-2", NoteKind::Decision, NoteStatus::InForce);
        why.because = Some("it is so".to_owned());
        why.topic = None;
        vec![
            old,
            why,
            note("n-3", NoteKind::Constraint, NoteStatus::Proposed),
            note("n-4", NoteKind::Hypothesis, NoteStatus::Refuted),
        ]
    }

    #[test]
    fn what_counts_is_shown_and_what_waits_for_a_person() {
        let notes = some();
        let ids = |filter: &Filter<'_>, day: &str| -> Vec<String> {
            filter.of(&notes, day.parse().unwrap()).iter().map(|note| note.id.to_string()).collect()
        };
        let all = Filter { all: true, ..Filter::default() };
        assert_eq!(ids(&Filter::default(), "2026-11-19"), ["n-3", "n-2", "n-1"]);
        assert_eq!(ids(&Filter::default(), "2026-11-20"), ["n-3", "n-2"]);
        assert_eq!(ids(&all, "2026-11-20"), ["n-4", "n-3", "n-2", "n-1"]);
        assert_eq!(ids(&Filter { kind: Some(NoteKind::Decision), ..all.clone() }, "2026-11-20"), ["n-2"]);
        assert_eq!(
            ids(&Filter { topic: Some("storage"), ..all.clone() }, "2026-11-20"),
            ["n-4", "n-3", "n-1"]
        );
        assert_eq!(ids(&Filter { task: Some("t-1"), ..Filter::default() }, "2026-11-20"), ["n-3", "n-2"]);
        assert_eq!(ids(&Filter { task: Some("t-2"), ..all }, "2026-11-20"), Vec::<String>::new());
    }

    #[test]
    fn the_whole_table() {
        let notes = some();
        let today = "2026-11-20".parse().unwrap();
        let found = Filter { all: true, ..Filter::default() }.of(&notes, today);
        insta::assert_snapshot!(human(&found, today, Some(80), false), @r"
        ID   KIND        STANDS    TOPIC    TEXT
        n-4  hypothesis  refuted   Storage  what n-4 says in two lines
        n-3  constraint  proposed  Storage  what n-3 says in two lines
        n-2  decision    in_force           what n-2 says in two lines (because it is s…
        n-1  learning    expired   Storage  what n-1 says in two lines
        ");
    }
}
