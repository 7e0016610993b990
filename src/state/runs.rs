//! Reading many run records, or few of many.
//!
//! In: a [`Source`]. Out: [`Digest`]s of a stretch of time, the runs of one task, or one run.
//! Invariant: bounded. Only the months in question are listed, at most [`RUNS_MAX`] records are
//! read, of a task its own alone once it is known whose each is, and what was read before comes from a cache that
//! counts only for the very same file (or tree).

use super::digest::{Digest, Kept, decode, encode};
use super::file::run::read;
use super::id::{RunId, TaskId};
use super::layout::{self, FileKind};
use super::news::StateFile;
use super::problem::Problem;
use super::run::{OutcomeKind, Run};
use super::store::Source;
use super::whose::{Whose, task_of};
use crate::effects::{EffectError, World};
use jiff::{Timestamp, ToSpan as _};
use std::collections::HashMap;

/// The most records that one question reads.
pub const RUNS_MAX: usize = 5_000;

/// The most records that decisions are made from: the newest.
pub const RECENT_MAX: usize = 200;

/// The caches of [`since`], for a tree and for the work tree: each tells by other stamps that a record is the same.
const SINCE: [&str; 2] = ["cache/runs", "cache/runs-work"];
/// The caches of [`recent`], likewise.
const RECENT: [&str; 2] = ["cache/recent", "cache/recent-work"];
/// The caches of [`of_task`], likewise.
const WHOSE: [&str; 2] = ["cache/whose", "cache/whose-work"];
/// How many months back recent records are looked for.
const RECENT_MONTHS: i64 = 24;

type Result<T> = std::result::Result<T, EffectError>;

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
    let cache = of_source(SINCE, source);
    digest(world, source, files, (cache, kept(world, cache), None))
}

/// The newest runs, the newest first: what decisions are made from. A tree that was asked for before
/// is answered without a look at its records.
///
/// # Errors
/// When the source cannot be read. Bad records are in the problems.
pub fn recent(world: World<'_>, source: &Source, now: Timestamp) -> Result<(Vec<Digest>, Vec<Problem>)> {
    let tree = match source {
        Source::Tree(tree) => match world.git.subtree(*tree, layout::RUNS)? {
            Some(runs) => Some(runs.as_bytes().to_vec()),
            None => return Ok((Vec::new(), Vec::new())),
        },
        Source::Work(_) => None,
    };
    let cache = of_source(RECENT, source);
    let mut known = kept(world, cache);
    if tree.is_some() && known.tree == tree {
        let digests = known.order.iter().filter_map(|path| known.by_path.remove(path));
        return Ok((digests.map(|(_, digest)| digest).collect(), Vec::new()));
    }
    let mut files: Vec<StateFile> = Vec::new();
    let from = now.to_zoned(jiff::tz::TimeZone::UTC).checked_sub(RECENT_MONTHS.months());
    for month in months(from.map_or(now, |from| from.timestamp()), now).iter().rev() {
        let mut more = source.list(world, &format!("{}/{month}", layout::RUNS))?;
        more.retain(|file| layout::kind_of(&file.path) == FileKind::Run);
        files.append(&mut more);
        if files.len() >= RECENT_MAX {
            break;
        }
    }
    newest_first(&mut files);
    files.truncate(RECENT_MAX);
    digest(world, source, files, (cache, known, tree))
}

fn of_source([tree, work]: [&'static str; 2], source: &Source) -> &'static str {
    match source {
        Source::Tree(_) => tree,
        Source::Work(_) => work,
    }
}

fn kept(world: World<'_>, cache: &str) -> Kept {
    // One that cannot be read is as good as none.
    let bytes = world.files.read(cache).ok().flatten();
    bytes.and_then(|bytes| decode(&bytes)).unwrap_or_default()
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

/// Digests of some files, from a cache as far as it has them; the name of the cache, what it had, and
/// the tree that these are the newest records of.
fn digest(
    world: World<'_>,
    source: &Source,
    files: Vec<StateFile>,
    (cache, known, tree): (&str, Kept, Option<Vec<u8>>),
) -> Result<(Vec<Digest>, Vec<Problem>)> {
    let mut by_path = known.by_path;
    let before = by_path.len();
    let (mut kept, mut problems, mut parsed) = (Vec::with_capacity(files.len()), Vec::new(), 0);
    for file in files {
        if let Some((_, digest)) = by_path.remove(&file.path).filter(|(stamp, _)| *stamp == file.stamp) {
            kept.push((file, digest));
            continue;
        }
        let read = source.entity(world, &file, read)?;
        problems.extend(read.problems);
        if let Some(run) = read.value {
            parsed += 1;
            kept.push((file, Digest::of(&run)));
        }
    }
    // What is wrong with a record is to be told again the next time.
    let tree = tree.filter(|_| problems.is_empty());
    if parsed > 0 || kept.len() != before || tree != known.tree {
        // A cache that cannot be written (a full or read-only disk) only costs time.
        let _ = world.files.write(cache, &encode(tree.as_deref(), &kept), false);
    }
    Ok((kept.into_iter().map(|(_, digest)| digest).collect(), problems))
}

/// The runs of a task, the newest first, until so many are found that were not put off.
///
/// # Errors
/// When the source cannot be read. Bad records are in the problems.
pub fn of_task(
    world: World<'_>,
    source: &Source,
    task: &TaskId,
    most: u32,
) -> Result<(Vec<Run>, Vec<Problem>)> {
    let (mut runs, mut problems, mut counted) = (Vec::new(), Vec::new(), 0);
    let cache = of_source(WHOSE, source);
    let bytes = world.files.read(cache).ok().flatten().unwrap_or_default();
    let (whose, mut learnt) = (Whose::decode(&bytes), HashMap::new());
    let files = all(world, source)?;
    for (at, file) in files.iter().enumerate() {
        // Most records are of other tasks.
        let known = whose.task(file);
        if known.is_some_and(|other| other != task.as_str()) {
            continue;
        }
        if let Some(problem) = file.odd() {
            problems.push(problem);
            continue;
        }
        let content = source.read(world, file)?;
        if known.is_none() {
            let found = task_of(&file.path, &content);
            let is_other = found.as_ref().is_some_and(|found| found != task);
            learnt.extend(found.map(|found| (at, found)));
            if is_other {
                continue;
            }
        }
        let read = read(&file.path, &content);
        if read.value.as_ref().is_some_and(|run| run.task != *task) {
            continue;
        }
        // Whose a damaged record is may not be known: it may be of this task.
        problems.extend(read.problems);
        let Some(run) = read.value else { continue };
        counted += u32::from(run.outcome != OutcomeKind::Deferred);
        runs.push(run);
        if counted >= most {
            break;
        }
    }
    if !learnt.is_empty() {
        // A cache that cannot be written only costs time.
        let _ = world.files.write(cache, &whose.encode(&files, &learnt), false);
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
    let read = source.entity(world, &file, read)?;
    Ok(Some((read.value, read.problems)))
}

#[cfg(test)]
mod tests {
    use super::super::id::ulid;
    use super::*;
    use proptest::prelude::*;

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

    proptest! {
        #[test]
        fn any_text_may_be_asked_for(text in ".{0,40}") {
            let _ = began(&text);
        }
    }
}
