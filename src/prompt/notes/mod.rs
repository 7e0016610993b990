//! Which notes an agent should read: by their words, how near their tasks are, files, age and outcome.
//!
//! In: [`Material`]. Out: a section for each note that is in force and no constraint, with its score.
//! A note has to have something to do with the task: age alone puts none in, but for what was learned
//! within a day.

use super::area::overlap;
use super::sections::{one_paragraph, query, section};
use super::{Material, Section, relevance};
use crate::state::note::{Gist, NoteKind, NoteStatus};
use std::collections::HashMap;
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

/// How many notes compete: those that have most to do with the task.
const COMPETING_MAX: usize = 200;

/// The notes that compete for what is left of the budget, and the ids of those that do not.
pub(super) fn sections(material: &Material<'_>) -> (Vec<Section>, Vec<String>) {
    let notes: Vec<&Gist<'_>> = in_force(material).filter(|note| note.kind != NoteKind::Constraint).collect();
    let scores = scores(material, &notes);
    let (mut related, unrelated): (Vec<_>, Vec<_>) =
        notes.into_iter().zip(scores).partition(|(_, score)| *score > 0.0);
    related.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.id.cmp(b.0.id)));
    let beyond = related.split_off(related.len().min(COMPETING_MAX));
    let passed_over = beyond.iter().chain(&unrelated).map(|(note, _)| note.id.to_owned()).collect();
    let sections = related
        .into_iter()
        .map(|(note, score)| section(format!("note {}", note.id), text(note), false, score))
        .collect();
    (sections, passed_over)
}

fn text(note: &Gist<'_>) -> String {
    // A heading of its own, or it would be read as one of the list above it, such as the constraints.
    let heading = match note.kind {
        NoteKind::Decision => "Decision",
        NoteKind::Constraint => "Constraint",
        NoteKind::Hypothesis => "Hypothesis",
        NoteKind::Learning => "Learning",
    };
    let mut text = format!("## {heading}\n\n{}", one_paragraph(note.text));
    if let Some(because) = note.because {
        let _ = write!(text, " (because {})", one_paragraph(because));
    }
    text.push('\n');
    text
}

/// Notes that count at the time of the base.
pub(super) fn in_force<'m>(material: &'m Material<'_>) -> impl Iterator<Item = &'m Gist<'m>> {
    let today = material.now.to_zoned(jiff::tz::TimeZone::UTC).date();
    material.notes.iter().filter(move |note| note.counts_on(today))
}

/// How much each note has to do with the task.
fn scores(material: &Material<'_>, notes: &[&Gist<'_>]) -> Vec<f64> {
    let words = relevance::scores(&query(material), notes.iter().map(|note| note.words.iter()));
    let near: HashMap<&str, u8> = material.near.iter().map(|(id, steps)| (id.as_str(), *steps)).collect();
    notes.iter().zip(words).map(|(note, words)| score(material, &near, note, words)).collect()
}

fn score(material: &Material<'_>, near: &HashMap<&str, u8>, note: &Gist<'_>, words: f64) -> f64 {
    let days = note
        .created
        .map_or(f64::MAX, |created| (material.now.duration_since(created).as_secs_f64() / 86_400.0).max(0.0));
    let age = 1.0 - AGED * (1.0 - 0.5_f64.powf(days / HALF_DAYS));
    let belief = match (note.kind, note.status) {
        (_, NoteStatus::Confirmed) => CONFIRMED,
        (NoteKind::Hypothesis, _) => UNTRIED,
        (NoteKind::Decision | NoteKind::Constraint | NoteKind::Learning, _) => 1.0,
    };
    let place = if note.tasks.contains(&material.task.id.as_str()) {
        NAMED
    } else {
        let steps = note.tasks.iter().filter_map(|id| near.get(id)).min();
        steps.and_then(|steps| NEAR.get(usize::from(*steps).saturating_sub(1))).copied().unwrap_or_default()
    };
    let file = if overlap(&material.task.files, &note.paths) { FILE } else { 0.0 };
    let fresh = if note.kind == NoteKind::Learning && days <= 1.0 { FRESH } else { 0.0 };
    WORDS * words / (words + WORDS_HALF) * age * belief + place + file + fresh
}

#[cfg(test)]
mod cases;
