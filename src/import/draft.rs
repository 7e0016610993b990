//! What every reader produces: drafts of tasks, notes, and losses.
//!
//! A draft speaks the foreign tool's names: its `key` is what edges call it. `assemble` makes tasks
//! of drafts.

use super::fields::{Record, says_something};
use super::text::one_line;
use super::{Loss, LossKind, words};
use crate::state::note::Note;
use crate::state::status::Status;
use crate::state::task::{Estimate, Kind, PRIORITY_DEFAULT};
use jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;

/// A task in the words of the tool that it comes from.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Draft {
    /// Its name there, unique if the files are sound; edges use it.
    pub(super) key: String,
    /// The id that it would like to have here.
    pub(super) id: String,
    /// Where it was found: `path:line` or `path`.
    pub(super) place: String,
    /// Any text.
    pub(super) title: String,
    /// What sort of work it is.
    pub(super) kind: Kind,
    /// Where it stands.
    pub(super) status: Status,
    /// Why.
    pub(super) reason: Option<String>,
    /// Whether it is told that it is open again.
    pub(super) is_reopened: bool,
    /// 0..=4.
    pub(super) priority: u8,
    /// 1..=10.
    pub(super) complexity: Option<u8>,
    /// When it was written down.
    pub(super) created: Option<Timestamp>,
    /// A key.
    pub(super) parent: Option<String>,
    /// Keys.
    pub(super) depends_on: Vec<String>,
    /// Any texts.
    pub(super) labels: Vec<String>,
    /// Globs.
    pub(super) files: Vec<String>,
    /// Any texts.
    pub(super) acceptance: Vec<String>,
    /// Any text.
    pub(super) description: String,
    /// How big it is said to be.
    pub(super) estimate: Option<Estimate>,
}

impl Draft {
    /// A draft with defaults everywhere else.
    pub(super) fn new(key: String, place: String) -> Self {
        Self {
            id: key.clone(),
            key,
            place,
            title: String::new(),
            kind: Kind::Feature,
            status: Status::Pending,
            reason: None,
            is_reopened: false,
            priority: PRIORITY_DEFAULT,
            complexity: None,
            created: None,
            parent: None,
            depends_on: Vec::new(),
            labels: Vec::new(),
            files: Vec::new(),
            acceptance: Vec::new(),
            description: String::new(),
            estimate: None,
        }
    }
}

/// Losses: some told one by one, some counted.
#[derive(Debug, Default)]
pub struct Losses {
    told: Vec<Loss>,
    counted: BTreeMap<(LossKind, String, String), usize>,
}

impl Losses {
    /// Tells one loss.
    pub fn tell(&mut self, what: LossKind, item: &str, detail: impl Into<String>) {
        let detail = one_line(&detail.into(), 400);
        self.told.push(Loss { what, item: one_line(item, 200), detail, count: 1 });
    }

    /// Counts one of many losses that are alike.
    pub fn count(&mut self, what: LossKind, item: &str, detail: &str) {
        let key = (what, one_line(item, 80), one_line(detail, 400));
        *self.counted.entry(key).or_default() += 1;
    }

    /// All of them: in the order of their kinds, counted ones before told ones.
    pub fn into_list(self) -> Vec<Loss> {
        let counted =
            self.counted.into_iter().map(|((what, item, detail), count)| Loss { what, item, detail, count });
        let mut losses: Vec<Loss> = counted.chain(self.told).collect();
        losses.sort_by_key(|loss| loss.what);
        losses
    }
}

/// What a reader found.
#[derive(Debug, Default)]
pub(super) struct Harvest {
    /// Tasks, in the order of the files.
    pub(super) drafts: Vec<Draft>,
    /// Notes with their wanted ids.
    pub(super) notes: Vec<(String, Note)>,
    /// What got lost.
    pub(super) losses: Losses,
    /// Edges that were added because the order says so.
    chained: usize,
}

impl Harvest {
    /// Sets a draft's status from a foreign word; an unknown one means pending.
    pub(super) fn set_status(&mut self, draft: &mut Draft, word: &str) {
        let word = word.trim();
        let plain = words::plain(word);
        if plain.is_empty() {
            return;
        }
        if let Some((status, reason)) = words::status(word) {
            draft.status = status;
            draft.reason = reason.map(str::to_owned);
            if words::is_under_way(&plain) {
                self.losses.count(LossKind::Mapped, &format!("status `{word}`"), "read as `pending`");
            }
        } else {
            self.losses.count(LossKind::Mapped, &format!("status `{word}`"), "not known, read as `pending`");
        }
    }

    /// Sets a draft's kind from a foreign word; an unknown one means feature.
    pub(super) fn set_kind(&mut self, draft: &mut Draft, word: &str) {
        if word.trim().is_empty() {
            return;
        }
        draft.kind = words::kind(word).unwrap_or_else(|| {
            let item = format!("type `{}`", word.trim());
            self.losses.count(LossKind::Mapped, &item, "not known, read as `feature`");
            Kind::Feature
        });
    }

    /// Sets a draft's priority from a foreign word; an unknown one means normal.
    pub(super) fn set_priority(&mut self, draft: &mut Draft, word: &str) {
        if word.trim().is_empty() {
            return;
        }
        draft.priority = words::priority(word).unwrap_or_else(|| {
            let clamped = word.trim().parse::<i64>().ok().map(|number| number.clamp(0, 4));
            let priority = clamped.and_then(|number| u8::try_from(number).ok()).unwrap_or(PRIORITY_DEFAULT);
            let item = format!("priority `{}`", word.trim());
            self.losses.count(LossKind::Mapped, &item, &format!("read as {priority}"));
            priority
        });
    }

    /// Sets a draft's complexity from a number, into 1..=10, or from a word.
    pub(super) fn set_complexity(&mut self, draft: &mut Draft, value: Option<&Value>) {
        let Some(word) = value.and_then(super::fields::scalar).filter(|word| !word.trim().is_empty()) else {
            return;
        };
        draft.complexity = words::complexity(&word);
        let number = word.trim().parse::<f64>().unwrap_or(f64::NAN);
        if let Some(read) = draft.complexity.filter(|&read| (f64::from(read) - number).abs() > 0.5) {
            let item = format!("complexity `{}`", word.trim());
            self.losses.count(LossKind::Mapped, &item, &format!("read as {read}"));
        }
    }

    /// Counts the fields of a record that say something and that nobody reads.
    pub(super) fn count_unread(&mut self, record: &Record, read: &[&str]) {
        for (key, _) in
            record.iter().filter(|(key, value)| !read.contains(&key.as_str()) && says_something(value))
        {
            self.losses.count(LossKind::Dropped, &format!("field `{key}`"), "has no place in a task");
        }
    }

    /// Makes every one of `later` depend on every one of `earlier`, unless that would be too much.
    pub(super) fn chain(&mut self, later: &[usize], earlier: &[String], place: &str) {
        const MOST: usize = 100_000;
        let edges = later.len().saturating_mul(earlier.len());
        if self.chained.saturating_add(edges) > MOST {
            let fact =
                format!("{edges} edges that follow from the order here were left out, they are too many");
            self.losses.tell(LossKind::Dropped, place, fact);
            return;
        }
        self.chained += edges;
        for &index in later {
            self.drafts[index].depends_on.extend_from_slice(earlier);
        }
    }
}
