//! What was spent: by run records, and by steps of this clone that have not landed.
//!
//! In: the records at the base, and one small file for each such step below `.git/orch/ledger/`, written
//! while its agent is at work, so that spending outlives a kill. Out: sums for a task, a day and a month
//! (UTC). Invariant: a run counts once, however often it is noted.

use super::id::{RunId, TaskId};
use super::layout;
use super::problem::Problem;
use super::run::{Tokens, plain_usd};
use super::runs;
use super::store::Source;
use crate::effects::{EffectError, Files, World};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// The folder below `.git/orch/`.
const DIR: &str = "ledger";

type Result<T> = std::result::Result<T, EffectError>;

/// What a step has spent so far.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The run.
    pub run: String,
    /// The task that it works on.
    pub task: String,
    /// When it began.
    pub started: Timestamp,
    /// What it used, all kinds together.
    pub tokens: u64,
    /// What it cost, in USD.
    pub usd: f64,
    /// Whether its task was blocked because such steps never came to their end: it counts for that once.
    pub told: bool,
}

#[derive(Serialize, Deserialize)]
struct Shape {
    task: String,
    started: Timestamp,
    tokens: u64,
    usd: f64,
    #[serde(default)]
    told: bool,
}

/// A sum.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Sum {
    /// In USD, as far as it is known.
    pub usd: f64,
    /// Tokens, all kinds together.
    pub tokens: u64,
}

impl Sum {
    /// Adds a run.
    pub fn add(&mut self, usd: Option<f64>, tokens: u64) {
        self.usd = plain_usd(self.usd + usd.unwrap_or_default());
        self.tokens = self.tokens.saturating_add(tokens);
    }
}

/// What was spent before a step.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Spending {
    /// On its task, ever.
    pub task: Sum,
    /// In the day that it begins in.
    pub day: Sum,
    /// In the month that it begins in.
    pub month: Sum,
}

/// Notes what a step has spent so far.
///
/// # Errors
/// When it cannot be written.
pub fn save(files: &dyn Files, entry: &Entry) -> Result<()> {
    let Entry { run: _, task, started, tokens, usd, told } = entry.clone();
    let shape = Shape { task, started, tokens, usd, told };
    let bytes = serde_json::to_vec(&shape).unwrap_or_default();
    files.write(&format!("{DIR}/{}", entry.run), &bytes, false)
}

/// Forgets a step whose record is on the branch.
///
/// # Errors
/// When the note cannot be removed.
pub fn forget(files: &dyn Files, run: &str) -> Result<()> {
    files.remove(&format!("{DIR}/{run}"))
}

/// Notes that a step came to nothing, as nobody could work: of one that spent nothing, nothing is left.
///
/// # Errors
/// When the notes cannot be read or written.
pub fn void(files: &dyn Files, run: &str) -> Result<()> {
    match load(files)?.into_iter().find(|entry| entry.run == run) {
        Some(entry) if entry.tokens > 0 || entry.usd > 0.0 => save(files, &Entry { told: true, ..entry }),
        Some(_) => forget(files, run),
        None => Ok(()),
    }
}

/// What every step has spent that is noted.
///
/// # Errors
/// When the notes cannot be read.
pub fn load(files: &dyn Files) -> Result<Vec<Entry>> {
    let mut all = Vec::new();
    for run in files.list(DIR)? {
        let Some(bytes) = files.read(&format!("{DIR}/{run}"))? else { continue };
        // A file that was cut short by a loss of power says nothing.
        let Ok(Shape { task, started, tokens, usd, told }) = serde_json::from_slice(&bytes) else { continue };
        if usd.is_finite() && usd >= 0.0 {
            all.push(Entry { run, task, started, tokens, usd, told });
        }
    }
    Ok(all)
}

/// Those of the noted steps on a task that never came to an end here since its last record: they were killed, or
/// could not land. Those for which it was blocked before are left out.
#[must_use]
pub fn cut_off<'e>(noted: &'e [Entry], task: &TaskId, last: Option<&RunId>) -> Vec<&'e Entry> {
    let is_newer = |entry: &Entry| last.is_none_or(|last| entry.run.as_str() > last.as_str());
    let is_it = |entry: &&Entry| entry.task == task.as_str() && !entry.told && is_newer(entry);
    noted.iter().filter(is_it).collect()
}

/// Notes that a person was told of steps that never came to an end, or that there is nothing to tell.
///
/// # Errors
/// When the notes cannot be read or written.
pub fn settle(files: &dyn Files, mut which: impl FnMut(&Entry) -> bool) -> Result<()> {
    load(files)?.into_iter().filter(|entry| which(entry)).try_for_each(|entry| {
        let told = Entry { told: true, ..entry };
        save(files, &told)
    })
}

/// When the day and the month end that a time lies in (UTC).
#[must_use]
pub fn ends(now: Timestamp) -> (Timestamp, Timestamp) {
    let today = now.to_zoned(TimeZone::UTC).date();
    let begin = |date: Option<jiff::civil::Date>| {
        date.and_then(|date| date.to_zoned(TimeZone::UTC).ok()).map_or(now, |zoned| zoned.timestamp())
    };
    let month = today.first_of_month().checked_add(1.month()).ok();
    (begin(today.tomorrow().ok()), begin(month))
}

/// When the day and the month began that a time lies in (UTC).
#[must_use]
pub fn begins(now: Timestamp) -> (Timestamp, Timestamp) {
    let today = now.to_zoned(TimeZone::UTC).date();
    let begin = |date: jiff::civil::Date| date.to_zoned(TimeZone::UTC).map_or(now, |zoned| zoned.timestamp());
    (begin(today), begin(today.first_of_month()))
}

/// What was spent before a step begins, by records and by what is noted of others; `whole_task` asks for what all of
/// the task's runs spent.
///
/// # Errors
/// When the records cannot be listed. Those that cannot be read, and would have counted, are in the problems.
pub fn spending(
    world: World<'_>,
    source: &Source,
    (task, whole_task): (&TaskId, bool),
    noted: &[Entry],
    now: Timestamp,
) -> Result<(Spending, Vec<Problem>)> {
    let (day, month) = begins(now);
    let mut spending = Spending::default();
    let mut known = HashSet::new();
    let (digests, mut problems) = runs::since(world, source, month, now)?;
    problems.retain(|problem| runs::began(layout::stem(&problem.path)) >= Some(month));
    for digest in digests.iter().filter(|digest| digest.started >= month) {
        known.insert(digest.id.to_string());
        spending.month.add(digest.cost_usd, digest.tokens.total());
        if digest.started >= day {
            spending.day.add(digest.cost_usd, digest.tokens.total());
        }
    }
    if whole_task {
        let (all, more) = runs::of_task(world, source, task, u32::MAX)?;
        problems.extend(more);
        for run in all {
            spending.task.add(run.cost_usd, run.tokens().total());
            known.insert(run.id.to_string());
        }
    }
    for entry in noted.iter().filter(|entry| !known.contains(&entry.run)) {
        let of = |sum: &mut Sum| sum.add(Some(entry.usd), entry.tokens);
        if entry.task == task.as_str() {
            of(&mut spending.task);
        }
        if entry.started >= day {
            of(&mut spending.day);
        }
        if entry.started >= month {
            of(&mut spending.month);
        }
    }
    Ok((spending, problems))
}

/// What a number of tokens costs by a price list in USD per million: input, cached input, output.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "counts of tokens are far below 2^52")]
pub fn price(tokens: Tokens, [input, cached, output]: [f64; 3]) -> f64 {
    let cost = |count: u64, price: f64| count as f64 * price / 1e6;
    cost(tokens.input, input) + cost(tokens.cached, cached) + cost(tokens.output, output)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effects::os::files::OsFiles;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn days_and_months_end_at_midnight_in_utc() {
        let (day, month) = ends(time("2026-12-31T23:59:59Z"));
        assert_eq!((day, month), (time("2027-01-01T00:00:00Z"), time("2027-01-01T00:00:00Z")));
        let (day, month) = begins(time("2026-11-20T10:00:00Z"));
        assert_eq!((day, month), (time("2026-11-20T00:00:00Z"), time("2026-11-01T00:00:00Z")));
    }

    #[test]
    fn what_is_noted_outlives_the_process_and_damage_says_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let files = OsFiles::new(dir.path());
        let entry = Entry {
            run: "01JD".to_owned(),
            task: "t-1".to_owned(),
            started: time("2026-11-20T10:00:00Z"),
            tokens: 7,
            usd: 0.5,
            told: false,
        };
        save(&files, &entry).unwrap();
        files.write("ledger/01JE", b"{\"task\": 1", false).unwrap();
        assert_eq!(load(&OsFiles::new(dir.path())).unwrap(), [entry]);
        forget(&files, "01JD").unwrap();
        assert_eq!(load(&files).unwrap(), []);
    }

    #[test]
    fn steps_that_never_ended_count_from_the_last_record_on_and_once() {
        let dir = tempfile::tempdir().unwrap();
        let files = OsFiles::new(dir.path());
        let entry = |run: &str, task: &str, told| Entry {
            run: run.to_owned(),
            task: task.to_owned(),
            started: time("2026-11-20T10:00:00Z"),
            tokens: 0,
            usd: 0.0,
            told,
        };
        for entry in [entry("01JA", "a", false), entry("01JB", "a", true), entry("01JC", "a", false)] {
            save(&files, &entry).unwrap();
        }
        save(&files, &entry("01JD", "b", false)).unwrap();
        let runs = |last: Option<&str>| {
            let last = last.map(|run| RunId::new(run.to_owned()).unwrap());
            let noted = load(&files).unwrap();
            let all = cut_off(&noted, &TaskId::new("a".to_owned()).unwrap(), last.as_ref());
            all.into_iter().map(|entry| entry.run.clone()).collect::<Vec<_>>()
        };
        assert_eq!(runs(None), ["01JA", "01JC"]);
        assert_eq!(runs(Some("01JA")), ["01JC"]);
        assert_eq!(runs(Some("01JC")), [""; 0]);
        settle(&files, |entry| entry.task == "a").unwrap();
        assert_eq!((runs(None).len(), load(&files).unwrap().len()), (0, 4), "what was spent still counts");
        save(&files, &Entry { usd: 0.5, ..entry("01JE", "a", false) }).unwrap();
        save(&files, &entry("01JF", "a", false)).unwrap();
        for run in ["01JE", "01JF", "01JG"] {
            void(&files, run).unwrap();
        }
        assert_eq!(runs(None), [""; 0]);
        assert_eq!(load(&files).unwrap().len(), 5, "of what spent nothing, nothing is left");
    }

    #[test]
    fn a_price_is_for_a_million_tokens() {
        let tokens = Tokens { input: 500_000, cached: 2_000_000, output: 100_000, reasoning: 50_000 };
        assert!((price(tokens, [2.0, 0.1, 10.0]) - 2.2).abs() < 1e-9);
    }
}
