//! Reading many run records, or few of many.
//!
//! In: a [`Source`]. Out: [`Digest`]s of a stretch of time, the runs of one task, or one run.
//! Invariant: bounded. Only the months in question are listed, at most [`RUNS_MAX`] records are
//! read, and what was read before comes from a cache that counts only for the very same file.

use super::cache::Stamp;
use super::file::run::read;
use super::id::{RunId, TaskId};
use super::layout::{self, FileKind};
use super::problem::Problem;
use super::run::{OutcomeKind, Run, Tokens};
use super::store::{Source, StateFile};
use crate::effects::{EffectError, World};
use jiff::{Timestamp, ToSpan as _};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// The most records that one question reads.
pub const RUNS_MAX: usize = 5_000;

const CACHE: &str = "cache/runs";
/// The layout of the cache; a change here makes all older ones void.
const VERSION: u8 = 1;

type Result<T> = std::result::Result<T, EffectError>;

/// What trends and totals need of a run record.
#[derive(Debug, Clone, PartialEq)]
pub struct Digest {
    /// The run.
    pub id: RunId,
    /// The task that it worked on.
    pub task: TaskId,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Timestamp,
    /// The judgement.
    pub outcome: OutcomeKind,
    /// Why, in one line.
    pub reason: String,
    /// Agent sessions.
    pub attempts: u32,
    /// Cost in USD, where it is known.
    pub cost_usd: Option<f64>,
    /// What all sessions used together.
    pub tokens: Tokens,
}

impl Digest {
    /// What is needed of a record.
    #[must_use]
    pub fn of(run: &Run) -> Self {
        Self {
            id: run.id.clone(),
            task: run.task.clone(),
            started: run.started,
            finished: run.finished,
            outcome: run.outcome,
            reason: run.reason.clone(),
            attempts: u32::try_from(run.attempts.len()).unwrap_or(u32::MAX),
            cost_usd: run.cost_usd,
            tokens: run.tokens(),
        }
    }
}

/// The time that a run's id holds; none if it is no ULID.
#[must_use]
pub fn began(run: &str) -> Option<Timestamp> {
    if run.len() != 26 {
        return None;
    }
    let millis = run.bytes().take(10).try_fold(0_i64, |sum, byte| {
        let lower = byte.to_ascii_lowercase();
        let digit = super::id::CROCKFORD.iter().position(|each| *each == lower)?;
        Some((sum << 5) | i64::try_from(digit).ok()?)
    })?;
    Timestamp::from_millisecond(millis).ok()
}

/// Runs that began at or after a time, the newest first; where there is none, the newest of all.
///
/// # Errors
/// When the source cannot be read. Bad records are in the problems.
pub fn since(
    world: World<'_>,
    source: &Source,
    from: Timestamp,
    now: Timestamp,
) -> Result<(Vec<Digest>, Vec<Problem>)> {
    let mut files = Vec::new();
    for month in months(from, now) {
        files.extend(source.list(world, &format!("{}/{month}", layout::RUNS))?);
    }
    files.retain(|file| {
        layout::kind_of(&file.path) == FileKind::Run && began(layout::stem(&file.path)) >= Some(from)
    });
    if files.is_empty() {
        files = all(world, source)?;
        files.truncate(1);
    }
    newest_first(&mut files);
    files.truncate(RUNS_MAX);
    digest(world, source, files)
}

/// Folders of the months from one time to another, and one more: another machine's clock may be ahead.
fn months(from: Timestamp, to: Timestamp) -> Vec<String> {
    let day = |time: Timestamp| time.to_zoned(jiff::tz::TimeZone::UTC).date().first_of_month();
    let Ok(end) = day(to).checked_add(1.month()) else { return Vec::new() };
    let mut months = Vec::new();
    let mut at = day(from);
    while at <= end && months.len() < 240 {
        months.push(at.strftime("%Y-%m").to_string());
        match at.checked_add(1.month()) {
            Ok(next) => at = next,
            Err(_) => break,
        }
    }
    months
}

fn newest_first(files: &mut [StateFile]) {
    files.sort_by(|a, b| layout::stem(&b.path).cmp(layout::stem(&a.path)));
}

/// The files of all run records, the newest first.
fn all(world: World<'_>, source: &Source) -> Result<Vec<StateFile>> {
    let mut files = source.list(world, layout::RUNS)?;
    files.retain(|file| layout::kind_of(&file.path) == FileKind::Run);
    newest_first(&mut files);
    Ok(files)
}

fn digest(world: World<'_>, source: &Source, files: Vec<StateFile>) -> Result<(Vec<Digest>, Vec<Problem>)> {
    let mut known = world.files.read(CACHE)?.and_then(|bytes| decode(&bytes)).unwrap_or_default();
    let before = known.len();
    let (mut kept, mut problems, mut parsed) = (Vec::with_capacity(files.len()), Vec::new(), 0);
    for file in files {
        if let Some((_, digest)) = known.remove(&file.path).filter(|(stamp, _)| *stamp == file.stamp) {
            kept.push((file, digest));
            continue;
        }
        let read = read(&file.path, &source.read(world, &file)?);
        problems.extend(read.problems);
        if let Some(run) = read.value {
            parsed += 1;
            kept.push((file, Digest::of(&run)));
        }
    }
    if parsed > 0 || kept.len() != before {
        // A cache that cannot be written (a full or read-only disk) only costs time.
        let _ = world.files.write(CACHE, &encode(&kept), false);
    }
    Ok((kept.into_iter().map(|(_, digest)| digest).collect(), problems))
}

/// The runs of a task, the newest first; `expected` is how many it is known to have.
///
/// # Errors
/// When the source cannot be read. Bad records are in the problems.
pub fn of_task(
    world: World<'_>,
    source: &Source,
    task: &TaskId,
    expected: u32,
) -> Result<(Vec<Run>, Vec<Problem>)> {
    let (mut runs, mut problems, mut counted) = (Vec::new(), Vec::new(), 0);
    for file in all(world, source)?.into_iter().take(RUNS_MAX) {
        let content = source.read(world, &file)?;
        // Most records are of other tasks, and searching costs less than parsing.
        if bstr::ByteSlice::find(content.as_slice(), task.as_str()).is_none() {
            continue;
        }
        let read = read(&file.path, &content);
        let Some(run) = read.value.filter(|run| run.task == *task) else { continue };
        problems.extend(read.problems);
        counted += u32::from(run.outcome != OutcomeKind::Deferred);
        runs.push(run);
        if counted >= expected.max(1) {
            break;
        }
    }
    Ok((runs, problems))
}

/// One run record; none if it is not there.
///
/// # Errors
/// When the source cannot be read.
pub fn one(world: World<'_>, source: &Source, id: &str) -> Result<Option<(Option<Run>, Vec<Problem>)>> {
    let id = id.to_ascii_uppercase();
    let (Some(time), Ok(run)) = (began(&id), RunId::new(id.as_str())) else { return Ok(None) };
    let path = layout::run(&run, time);
    if let Some(content) = source.read_path(world, &path)? {
        let read = read(&path, &content);
        return Ok(Some((read.value, read.problems)));
    }
    let Some(file) = all(world, source)?.into_iter().find(|file| layout::stem(&file.path) == id) else {
        return Ok(None);
    };
    let read = read(&file.path, &source.read(world, &file)?);
    Ok(Some((read.value, read.problems)))
}

#[derive(Serialize, Deserialize)]
struct Shape<'a> {
    stamp: Stamp,
    path: &'a str,
    task: &'a str,
    started: i128,
    finished: i128,
    outcome: u8,
    reason: &'a str,
    attempts: u32,
    cost_usd: Option<f64>,
    tokens: [u64; 3],
}

fn encode(kept: &[(StateFile, Digest)]) -> Vec<u8> {
    let shapes: Vec<Shape<'_>> = kept.iter().map(|(file, digest)| Shape::of(file, digest)).collect();
    let Ok(body) = postcard::to_stdvec(&shapes) else { return Vec::new() };
    let mut bytes = vec![VERSION];
    bytes.extend_from_slice(&crc32fast::hash(&body).to_le_bytes());
    bytes.extend_from_slice(&body);
    bytes
}

fn decode(bytes: &[u8]) -> Option<HashMap<String, (Stamp, Digest)>> {
    let (head, body) = bytes.split_at_checked(5)?;
    if head[0] != VERSION || crc32fast::hash(body).to_le_bytes() != head[1..] {
        return None;
    }
    let shapes: Vec<Shape<'_>> = postcard::from_bytes(body).ok()?;
    shapes.into_iter().map(Shape::into_entry).collect()
}

impl<'a> Shape<'a> {
    fn of(file: &'a StateFile, digest: &'a Digest) -> Self {
        let outcome = OutcomeKind::ALL.iter().position(|each| *each == digest.outcome).unwrap_or_default();
        let Tokens { input, cached, output } = digest.tokens;
        Self {
            stamp: file.stamp,
            path: &file.path,
            task: digest.task.as_str(),
            started: digest.started.as_nanosecond(),
            finished: digest.finished.as_nanosecond(),
            outcome: u8::try_from(outcome).unwrap_or_default(),
            reason: &digest.reason,
            attempts: digest.attempts,
            cost_usd: digest.cost_usd,
            tokens: [input, cached, output],
        }
    }

    fn into_entry(self) -> Option<(String, (Stamp, Digest))> {
        let [input, cached, output] = self.tokens;
        let digest = Digest {
            id: RunId::new(layout::stem(self.path)).ok()?,
            task: TaskId::new(self.task).ok()?,
            started: Timestamp::from_nanosecond(self.started).ok()?,
            finished: Timestamp::from_nanosecond(self.finished).ok()?,
            outcome: *OutcomeKind::ALL.get(usize::from(self.outcome))?,
            reason: self.reason.to_owned(),
            attempts: self.attempts,
            cost_usd: self.cost_usd,
            tokens: Tokens { input, cached, output },
        };
        Some((self.path.to_owned(), (self.stamp, digest)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::id::ulid;
    use super::*;
    use proptest::prelude::*;

    fn digest_of(id: &str, cost_usd: Option<f64>) -> Digest {
        Digest {
            id: RunId::new(id).unwrap(),
            task: TaskId::new("t-1").unwrap(),
            started: "2026-11-20T10:00:00.5Z".parse().unwrap(),
            finished: "2026-11-20T10:02:00Z".parse().unwrap(),
            outcome: OutcomeKind::Blocked,
            reason: "it says so".to_owned(),
            attempts: 2,
            cost_usd,
            tokens: Tokens { input: 1, cached: 2, output: 3 },
        }
    }

    #[test]
    fn the_id_of_a_run_tells_when_it_began() {
        let time: Timestamp = "2026-11-20T10:00:00.123Z".parse().unwrap();
        let id = ulid(u64::try_from(time.as_millisecond()).unwrap(), u128::MAX);
        assert_eq!(began(&id), Some(time));
        assert_eq!(began(&id.to_ascii_lowercase()), Some(time));
        for other in ["", "t-1", "01JD", "!!!!!!!!!!!!!!!!!!!!!!!!!!", "ÄÄÄÄÄÄÄÄÄÄÄÄÄ"] {
            assert_eq!(began(other), None, "{other}");
        }
    }

    #[test]
    fn the_months_of_a_stretch_of_time_and_one_more() {
        let time = |text: &str| format!("{text}T23:59:59Z").parse().unwrap();
        assert_eq!(months(time("2026-12-31"), time("2027-01-01")), ["2026-12", "2027-01", "2027-02"]);
        assert_eq!(months(time("2026-11-30"), time("2026-11-30")), ["2026-11", "2026-12"]);
        assert_eq!(months(time("2027-11-30"), time("2026-11-30")), Vec::<String>::new());
        assert_eq!(months(Timestamp::MIN, Timestamp::MAX).len(), 0);
        assert_eq!(months(Timestamp::MIN, time("2026-11-30")).len(), 240);
    }

    #[test]
    fn a_cache_holds_what_was_put_in() {
        let path = ".orchestrator/runs/2026-11/01JD0000000000000000000000.toml";
        let file = StateFile { path: path.to_owned(), stamp: Stamp::Stat([1, 2, 3, 4]) };
        for cost_usd in [None, Some(0.25)] {
            let digest = digest_of("01JD0000000000000000000000", cost_usd);
            let known = decode(&encode(&[(file.clone(), digest.clone())])).unwrap();
            assert_eq!(known.get(path), Some(&(file.stamp, digest)));
        }
    }

    proptest! {
        #[test]
        fn a_damaged_cache_is_as_good_as_none(at in 0_usize..100, bit in 0_u8..8) {
            let path = ".orchestrator/runs/2026-11/01JD0000000000000000000000.toml";
            let file = StateFile { path: path.to_owned(), stamp: Stamp::Stat([7; 4]) };
            let mut bytes = encode(&[(file, digest_of("01JD0000000000000000000000", None))]);
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
            prop_assert!(decode(&bytes).is_none());
            prop_assert!(decode(&bytes[..at]).is_none());
        }

        #[test]
        fn any_text_may_be_asked_for(text in ".{0,40}") {
            let _ = began(&text);
        }
    }
}
