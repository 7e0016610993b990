//! Profiles that rest, because their provider said so or kept failing, or that cannot work before a person has acted.
//!
//! In: what a profile's failure said of the time, and the rest before it. Out: one small file for each
//! profile below `.git/orch/cooldowns/`, which outlives the process. Invariant: who rests, rests for a
//! bounded time; a file that cannot be read makes nobody rest.

use crate::effects::{Files, Result};
use jiff::{Timestamp, ToSpan as _};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::time::Duration;

/// The folder below `.git/orch/`.
const DIR: &str = "cooldowns";
/// The first rest where nobody says how long it is to be; each one after it is twice as long.
const FIRST: Duration = Duration::from_secs(60);
/// The longest rest where nobody says how long it is to be.
const LONGEST: Duration = Duration::from_secs(60 * 60);
/// How long it is believed that a person has to act first.
const PERSON: Duration = Duration::from_secs(60 * 60);
/// The longest rest that is believed.
const BELIEVED: Duration = Duration::from_secs(35 * 24 * 60 * 60);

/// A profile that rests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cooldown {
    /// The profile's name.
    pub profile: String,
    /// Since when.
    pub since: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// Why, in one line.
    pub why: String,
    /// How many rests followed each other without a session that went well.
    pub times: u32,
    /// What a person has to do first; none where time is enough.
    pub todo: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Shape {
    profile: String,
    /// None in a note of an older version, which counts as of any time.
    since: Option<Timestamp>,
    until: Timestamp,
    why: String,
    times: u32,
    #[serde(default)]
    todo: Option<String>,
}

impl Cooldown {
    /// The rest after a failure: until the time that was told, else for the time that was told, else for
    /// twice as long as the one before. `dice` spreads those who were turned away together.
    #[must_use]
    pub fn after(
        earlier: Option<&Self>,
        profile: &str,
        why: &str,
        told: (Option<Timestamp>, Option<Duration>),
        now: Timestamp,
        dice: u128,
    ) -> Self {
        let times = earlier.map_or(0, |earlier| earlier.times).saturating_add(1);
        let after = |wait: Duration| {
            // Whoever comes back within the last second comes too early.
            let whole = wait.min(BELIEVED).saturating_add(Duration::from_nanos(999_999_999)).as_secs();
            let seconds = i64::try_from(whole).unwrap_or_default().max(1);
            now.checked_add(seconds.seconds()).unwrap_or(now)
        };
        let (until, wait) = told;
        let until = match (until.filter(|until| *until > now), wait.filter(|wait| !wait.is_zero())) {
            (Some(until), _) => until.min(after(BELIEVED)),
            (None, Some(wait)) => after(wait),
            (None, None) => after(backoff(FIRST, LONGEST, times - 1, dice)),
        };
        let why = super::task::one_line(why, 300);
        Self { profile: profile.to_owned(), since: now, until, why, times, todo: None }
    }

    /// A profile that cannot work before a person has done something. Nobody tells orch when they have, so that it is
    /// not believed for long.
    #[must_use]
    pub fn until_somebody_acts(profile: &str, why: &str, todo: String, now: Timestamp) -> Self {
        let rest = Self::after(None, profile, why, (None, Some(PERSON)), now, 0);
        Self { todo: Some(todo), ..rest }
    }

    /// Whether it is not over yet. What began after now never did: a clock that was ahead wrote it.
    #[must_use]
    pub fn lasts(&self, now: Timestamp) -> bool {
        self.since <= now && self.until > now
    }
}

/// A wait that doubles with each time, and is up to a quarter longer by chance; where that were longer than the
/// longest one, up to a quarter shorter.
#[must_use]
pub fn backoff(first: Duration, longest: Duration, times: u32, dice: u128) -> Duration {
    let wait = first.saturating_mul(2_u32.saturating_pow(times)).min(longest);
    let share = u32::try_from(dice % 256).unwrap_or_default();
    let chance = wait * share / 1024;
    if wait + chance <= longest { wait + chance } else { longest.saturating_sub(chance) }
}

fn name(profile: &str) -> String {
    let digest = Sha256::digest(profile.as_bytes());
    let hash: String = digest[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{DIR}/{hash}.json")
}

/// Every rest that is noted, over or not, in the order of the profiles' names.
///
/// # Errors
/// When the folder cannot be read.
pub fn load(files: &dyn Files) -> Result<Vec<Cooldown>> {
    let mut all = Vec::new();
    for file in files.list(DIR)?.iter().filter(|file| file.ends_with(".json")) {
        let Some(bytes) = files.read(&format!("{DIR}/{file}"))? else { continue };
        let Ok(Shape { profile, since, until, why, times, todo }) = serde_json::from_slice(&bytes) else {
            continue;
        };
        let (since, why) = (since.unwrap_or(Timestamp::MIN), super::task::one_line(&why, 300));
        let todo = todo.map(|todo| super::task::one_line(&todo, 300));
        all.push(Cooldown { profile, since, until, why, times, todo });
    }
    all.sort_by(|a, b| a.profile.cmp(&b.profile));
    Ok(all)
}

/// Notes a rest.
///
/// # Errors
/// When it cannot be written.
pub fn save(files: &dyn Files, cooldown: &Cooldown) -> Result<()> {
    let Cooldown { profile, since, until, why, times, todo } = cooldown.clone();
    let shape = Shape { profile, since: Some(since), until, why, times, todo };
    let bytes = serde_json::to_vec(&shape).unwrap_or_default();
    files.write(&name(&cooldown.profile), &bytes, false)
}

/// Forgets a profile's rests: a session of it went well.
///
/// # Errors
/// When the note cannot be removed.
pub fn forget(files: &dyn Files, profile: &str) -> Result<()> {
    files.remove(&name(profile))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effects::os::files::OsFiles;

    fn now() -> Timestamp {
        "2026-11-20T10:00:00Z".parse().unwrap()
    }

    fn rest(earlier: Option<&Cooldown>, until: Option<&str>, wait: Option<u64>, dice: u128) -> Cooldown {
        let told = (until.map(|time| time.parse().unwrap()), wait.map(Duration::from_secs));
        Cooldown::after(earlier, "a", "because", told, now(), dice)
    }

    #[test]
    fn a_told_time_is_kept_and_an_absurd_one_is_not_believed() {
        let told = rest(None, Some("2026-11-20T12:30:00Z"), Some(5), 0);
        assert_eq!(told.until.to_string(), "2026-11-20T12:30:00Z");
        assert_eq!(rest(None, None, Some(600), 9).until.to_string(), "2026-11-20T10:10:00Z");
        assert_eq!(
            rest(None, Some("9999-01-01T00:00:00Z"), None, 0).until.to_string(),
            "2026-12-25T10:00:00Z"
        );
        assert_eq!(
            rest(None, Some("2026-11-20T09:00:00Z"), None, 0).until.to_string(),
            "2026-11-20T10:01:00Z"
        );
    }

    #[test]
    fn without_a_told_time_each_rest_is_twice_as_long_up_to_an_hour() {
        let mut earlier: Option<Cooldown> = None;
        let mut minutes = Vec::new();
        for _ in 0..8 {
            let next = rest(earlier.as_ref(), None, None, 0);
            minutes.push(next.until.duration_since(now()).as_secs() / 60);
            earlier = Some(next);
        }
        assert_eq!(minutes, [1, 2, 4, 8, 16, 32, 60, 60]);
        let seconds = |dice| rest(None, None, None, dice).until.duration_since(now()).as_secs();
        assert_eq!((seconds(0), seconds(128), seconds(255)), (60, 68, 75), "chance spreads them");
        let worn = |dice| backoff(FIRST, LONGEST, 9, dice).as_secs();
        assert_eq!((worn(0), worn(128), worn(255)), (3600, 3150, 2703), "an hour is the most");
        assert_eq!(rest(None, None, Some(90), 7).until.to_string(), "2026-11-20T10:01:30Z");
        let told = (None, Some(Duration::from_millis(1_500)));
        let short = Cooldown::after(None, "a", "because", told, now(), 0);
        assert_eq!(short.until.to_string(), "2026-11-20T10:00:02Z", "not before it is over");
    }

    #[test]
    fn a_rest_outlives_the_process_and_damage_makes_nobody_rest() {
        let dir = tempfile::tempdir().unwrap();
        let files = OsFiles::new(dir.path());
        assert_eq!(load(&files).unwrap(), []);
        let (a, b) = (
            rest(None, None, None, 0),
            Cooldown { profile: "../b\n".to_owned(), ..rest(None, None, None, 0) },
        );
        save(&files, &a).unwrap();
        save(&files, &b).unwrap();
        files.write("cooldowns/x.json", b"{", false).unwrap();
        assert_eq!(load(&OsFiles::new(dir.path())).unwrap(), [b, a.clone()]);
        assert!(a.lasts(now()) && !a.lasts(a.until));
        assert!(!a.lasts(now() - 1.second()), "a clock that was ahead makes nobody rest");
        forget(&files, "a").unwrap();
        forget(&files, "a").unwrap();
        assert_eq!(load(&files).unwrap().len(), 1);
    }
}
