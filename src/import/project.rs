//! Which project the tasks of an import are of, where their keys do not say it.
//!
//! Tools that count call the first task of every project `1`, so two files may use one key for two tasks. The tasks
//! of the first project that is imported have their keys as they are in `source`; those of another have `@` and
//! a name behind them, made of what its file said when it was first read. Which project a file is of, the tasks
//! that are here decide, wherever it lies now: it is the one with which it agrees about most of the keys that both have.
//!
//! Two records with one key are the same where title, text or time of creation are; a lone record of which only
//! the title is known is a change.

use super::draft::Losses;
use super::said::{Field, Said};
use super::{Format, Loss, LossKind, text};
use crate::state::id;
use crate::state::task::Task;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::cmp::Reverse;
use std::collections::HashMap;

/// Characters of a project's name: 30 bits.
const NAME: usize = 6;

/// Names the project of imported tasks in their sources, where the tasks that are here are of another one.
#[must_use]
pub fn place(existing: &[Task], imported: &mut [Task]) -> Vec<Loss> {
    let format = imported.iter().find_map(|task| of(task)).and_then(|(format, _)| Format::parse(format));
    let Some(format) = format.filter(|format| !format.has_projects_in_keys()) else { return Vec::new() };
    let mut losses = Losses::default();
    let here = Here::new(existing);
    let mut tallies: HashMap<Option<&str>, Tally> = HashMap::new();
    for (name, old, new) in imported.iter().flat_map(|new| here.with_key_of(new)) {
        tallies.entry(name).or_default().add(likeness(old, new));
    }
    let agreeing = tallies.iter().filter(|(_, tally)| tally.agrees());
    let best = agreeing.max_by_key(|(name, tally)| (tally.same, Reverse(**name))).map(|(name, _)| *name);
    match best {
        Some(name) => tell_others(name, &here, imported, &mut losses),
        None if tallies.contains_key(&None) => {}
        None => return Vec::new(),
    }
    let name = best.map_or_else(|| Some(new_name(imported)), |name| name.map(str::to_owned));
    let Some(name) = name else { return losses.into_list() };
    if best.is_none() {
        let fact = format!("another project than the one that is here: its tasks have `@{name}` in `source`");
        losses.tell(LossKind::Mapped, format.as_str(), fact);
    }
    for source in imported.iter_mut().filter_map(|task| task.source.as_mut()) {
        source.push('@');
        source.push_str(&name);
    }
    losses.into_list()
}

/// The format that a task came from, and the name of its project where it has one.
pub(super) fn of(task: &Task) -> Option<(&str, Option<&str>)> {
    let source = task.source.as_deref()?;
    let (format, _) = source.split_once(':')?;
    Some((format, named(source).map(|(_, name)| name)))
}

/// A source in two: the key as the file has it, and the name of the project.
fn named(source: &str) -> Option<(&str, &str)> {
    let (key, name) = source.rsplit_once('@')?;
    let is_name = name.len() == NAME && name.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    is_name.then_some((key, name))
}

/// A name for a project that is read for the first time.
fn new_name(imported: &[Task]) -> String {
    let said = |task: &Task| format!("{} {}", task.source.as_deref().unwrap_or_default(), task.title);
    let said: Vec<String> = imported.iter().map(said).collect();
    id::short(text::hash(&said.iter().map(String::as_str).collect::<Vec<_>>()), NAME)
}

/// The tasks that are here, by the sources that they had without a project's name.
struct Here<'e>(HashMap<&'e str, Vec<(Option<&'e str>, &'e Task)>>);

impl<'e> Here<'e> {
    fn new(existing: &'e [Task]) -> Self {
        let mut by_key: HashMap<&str, Vec<(Option<&str>, &Task)>> = HashMap::new();
        for task in existing {
            let Some(source) = task.source.as_deref() else { continue };
            by_key.entry(source).or_default().push((None, task));
            if let Some((key, name)) = named(source) {
                by_key.entry(key).or_default().push((Some(name), task));
            }
        }
        Self(by_key)
    }

    /// What has the key of an imported task in each project.
    fn with_key_of<'t>(&self, new: &'t Task) -> impl Iterator<Item = (Option<&'e str>, &'e Task, &'t Task)> {
        let found = new.source.as_deref().and_then(|source| self.0.get(source)).cloned().unwrap_or_default();
        found.into_iter().map(move |(name, old)| (name, old, new))
    }
}

/// Tells which records of a project were made anew under an old key, or may have been.
fn tell_others(name: Option<&str>, here: &Here<'_>, imported: &[Task], losses: &mut Losses) {
    let all = imported.iter().flat_map(|new| here.with_key_of(new)).filter(|(of, ..)| *of == name);
    for (_, old, new) in all {
        let was = Field::Title.shown(old);
        let fact = match (likeness(old, new), Age::of(old, new)) {
            (Likeness::Other, Age::Other) => {
                format!("its record was made anew there; it was {was}, and gave way to what is there")
            }
            (Likeness::Other, _) => format!("it was {was}, and gave way to what is there"),
            (Likeness::Unclear, _) => {
                format!("whether its record is still of the same task cannot be told; it was {was}")
            }
            (Likeness::Identical | Likeness::Same, _) => continue,
        };
        losses.tell(LossKind::Conflict, old.id.as_str(), fact);
    }
}

/// How a record compares with the task that has its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Likeness {
    /// In its title, and in its text or its time.
    Identical,
    Same,
    Other,
    Unclear,
}

fn likeness(old: &Task, new: &Task) -> Likeness {
    let then = old.source_digest.as_deref().map_or_else(|| Said::of(old), Said::parse);
    let now = Said::of(new);
    let has_title = then.agrees(&now, Field::Title);
    let said = |text: &Field| then.says(*text) && now.says(*text);
    let texts: Vec<Field> = [Field::Description, Field::Acceptance].into_iter().filter(said).collect();
    let has_text = texts.iter().any(|text| then.agrees(&now, *text));
    let has_other_text = !has_text && !texts.is_empty();
    match (has_title, Age::of(old, new)) {
        (true, Age::Other) if has_other_text => Likeness::Unclear,
        (true, Age::Same) => Likeness::Identical,
        (true, _) if has_text => Likeness::Identical,
        (true, _) | (false, Age::Same) => Likeness::Same,
        (false, Age::Other) => Likeness::Other,
        (false, Age::SameDay | Age::Unknown) if has_text => Likeness::Same,
        (false, Age::Unknown) if has_other_text => Likeness::Other,
        (false, Age::SameDay | Age::Unknown) => Likeness::Unclear,
    }
}

/// How the times compare at which a record and the task with its key were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Age {
    Same,
    /// One of them is known to the day.
    SameDay,
    Other,
    Unknown,
}

impl Age {
    fn of(old: &Task, new: &Task) -> Self {
        let (Some(old), Some(new)) = (old.created, new.created) else { return Self::Unknown };
        let day = |at: Timestamp| at.to_zoned(TimeZone::UTC).date();
        let is_day = |at: Timestamp| at.as_second().rem_euclid(86_400) == 0;
        if day(old) == day(new) && (is_day(old) || is_day(new)) {
            Self::SameDay
        } else if old == new {
            Self::Same
        } else {
            Self::Other
        }
    }
}

/// How many of the keys that a file and a project both have are the same tasks.
#[derive(Debug, Default)]
struct Tally {
    /// Those among the same that are identical.
    identical: usize,
    same: usize,
    other: usize,
    unclear: usize,
}

impl Tally {
    fn add(&mut self, likeness: Likeness) {
        self.identical += usize::from(likeness == Likeness::Identical);
        *match likeness {
            Likeness::Identical | Likeness::Same => &mut self.same,
            Likeness::Other => &mut self.other,
            Likeness::Unclear => &mut self.unclear,
        } += 1;
    }

    /// Most of them are the same; or so many to the letter that the others were written anew; or nothing plainly speaks
    /// against it.
    fn agrees(&self) -> bool {
        let all = self.same + self.other + self.unclear;
        2 * self.same > all
            || self.identical > 0 && 3 * self.identical >= all
            || self.other == 0 && (2 * self.same == all || all == 1)
    }
}
