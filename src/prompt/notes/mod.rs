//! Which notes an agent should read: by their words, how near their tasks are, files, age and outcome.
//!
//! In: [`Material`]. Out: a section for each note that is in force and no constraint, with its score.
//! A note has to have something to do with the task: age alone puts none in, but for what was learned
//! within a day.

use super::area::overlap;
use super::sections::{one_paragraph, query, section};
use super::{Material, Section, relevance};
use crate::state::note::{Note, NoteKind, NoteStatus};
use std::fmt::Write as _;

/// What words can be worth at most, and the BM25 score that is worth half of it: so that many words in
/// common weigh about as much as a task next to this one, and never as much as the task itself.
const WORDS: f64 = 4.0;
const WORDS_HALF: f64 = 4.0;
/// A note that names the task itself.
const NAMED: f64 = 4.0;
/// A note that names a task next to it, and one that is two steps away.
const NEAR: [f64; 2] = [2.5, 1.0];
/// A note that names a file of the task's.
const FILE: f64 = 2.0;
/// What was learned within a day.
const FRESH: f64 = 1.0;
/// What a note's age takes away of its words at most, and after how many days half of that is gone.
const AGED: f64 = 0.3;
const HALF_DAYS: f64 = 60.0;
/// A belief that was confirmed counts so much more, one that nobody has tried so much less.
const CONFIRMED: f64 = 1.2;
const UNTRIED: f64 = 0.8;

/// The notes that compete for what is left of the budget.
pub(super) fn sections(material: &Material<'_>) -> Vec<Section> {
    let notes: Vec<&Note> = in_force(material).filter(|note| note.kind != NoteKind::Constraint).collect();
    let scores = scores(material, &notes);
    notes
        .into_iter()
        .zip(scores)
        .map(|(note, score)| {
            let mut text = format!("- {}: {}", note.kind.as_str(), one_paragraph(&note.text));
            if let Some(because) = &note.because {
                let _ = write!(text, " (because {})", one_paragraph(because));
            }
            text.push('\n');
            section(format!("note {}", note.id), text, false, score)
        })
        .collect()
}

/// Notes that count at the time of the base.
pub(super) fn in_force<'m>(material: &'m Material<'_>) -> impl Iterator<Item = &'m Note> {
    let today = material.now.to_zoned(jiff::tz::TimeZone::UTC).date();
    material.notes.iter().filter(move |note| note.counts_on(today))
}

/// How much each note has to do with the task.
fn scores(material: &Material<'_>, notes: &[&Note]) -> Vec<f64> {
    let texts: Vec<String> = notes
        .iter()
        .map(|note| {
            let topic = note.topic.as_deref().unwrap_or_default();
            format!("{topic} {} {}", note.text, note.because.as_deref().unwrap_or_default())
        })
        .collect();
    let words = relevance::scores(&query(material), &texts);
    notes.iter().zip(words).map(|(note, words)| score(material, note, words)).collect()
}

fn score(material: &Material<'_>, note: &Note, words: f64) -> f64 {
    let days = note
        .created
        .map_or(f64::MAX, |created| (material.now.duration_since(created).as_secs_f64() / 86_400.0).max(0.0));
    let age = 1.0 - AGED * (1.0 - 0.5_f64.powf(days / HALF_DAYS));
    let belief = match (note.kind, note.status) {
        (_, NoteStatus::Confirmed) => CONFIRMED,
        (NoteKind::Hypothesis, _) => UNTRIED,
        (NoteKind::Decision | NoteKind::Constraint | NoteKind::Learning, _) => 1.0,
    };
    let place = if note.tasks.contains(&material.task.id) {
        NAMED
    } else {
        let steps = note.tasks.iter().filter_map(|id| material.near.get(id)).min();
        steps.and_then(|steps| NEAR.get(usize::from(*steps).saturating_sub(1))).copied().unwrap_or_default()
    };
    let file = if names_a_file(material, note) { FILE } else { 0.0 };
    let fresh = if note.kind == NoteKind::Learning && days <= 1.0 { FRESH } else { 0.0 };
    WORDS * words / (words + WORDS_HALF) * age * belief + place + file + fresh
}

/// Whether a note names a file that the task is expected to change.
fn names_a_file(material: &Material<'_>, note: &Note) -> bool {
    if material.task.files.is_empty() || !note.text.contains(['/', '.']) {
        return false;
    }
    let trim = |c: char| !c.is_alphanumeric() && !matches!(c, '/' | '*');
    let is_path =
        |word: &&str| word.contains('/') || word.rsplit_once('.').is_some_and(|(stem, _)| !stem.is_empty());
    let paths: Vec<String> = note
        .text
        .split_whitespace()
        .map(|word| word.trim_matches(trim))
        .filter(is_path)
        .map(str::to_owned)
        .collect();
    overlap(&material.task.files, &paths)
}

#[cfg(test)]
mod cases;
