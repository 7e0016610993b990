//! Leases: who may work on what, across processes and machines.
//!
//! In: what a lease's commit says, when this clone first saw that very value, the time. Out: whether
//! the lease still counts. A lease spares double work and is nothing that correctness rests on: the
//! landing looks at the task again. Invariant: no two leases are the same value, by the run's id and
//! the number of the renewal, so that a compare-and-swap has one winner. Not here: refs, and taking one.

use crate::commit::{read_trailers, trailer};
use crate::state::id::{RunId, TaskId};
use crate::state::task::one_line;
use jiff::{SignedDuration, Timestamp};
use std::fmt;
use std::time::Duration;
use thiserror::Error;

/// Where leases lie, one ref a task.
pub const REFS: &str = "refs/orch/leases/";
/// How long a lease counts; it is renewed while the work goes on.
pub const LENGTH: SignedDuration = SignedDuration::from_mins(15);
/// A lease is renewed when so much of it has passed.
pub const RENEWED_AFTER: Duration = Duration::from_secs(300);
/// How far two clocks may be apart.
pub const SKEW: SignedDuration = SignedDuration::from_mins(20);
/// How late a renewal may come, by one and the same clock.
const LATE: SignedDuration = SignedDuration::from_mins(2);
/// No lease counts longer, whatever it says.
const LONGEST: SignedDuration = SignedDuration::from_hours(24);

/// A claim on a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The task.
    pub task: TaskId,
    /// The run that works on it.
    pub run: RunId,
    /// The profile.
    pub agent: String,
    /// The machine.
    pub holder: String,
    /// How often it was renewed: with the run's id, what no other value has.
    pub renewals: u32,
    /// When it was taken, or last renewed, by the holder's clock.
    pub taken: Timestamp,
    /// When it ends, by the holder's clock.
    pub until: Timestamp,
    /// Why it could be taken although another one was there.
    pub took_over: Option<String>,
    /// Whether it is of a planner, which changes no file of the task's.
    pub plans: bool,
}

/// Why a text is no lease.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LeaseError {
    /// A trailer is missing, or there twice.
    #[error("the lease has no `{0}`, or more than one")]
    Missing(&'static str),
    /// A trailer's value is none.
    #[error("the lease's `{0}` cannot be read")]
    Unreadable(&'static str),
}

const TASK: &str = "Orch-Task";
const RUN: &str = "Orch-Run";
const AGENT: &str = "Orch-Agent";
const HOLDER: &str = "Orch-Holder";
const RENEWALS: &str = "Orch-Renewals";
const TAKEN: &str = "Orch-Taken";
const UNTIL: &str = "Orch-Until";
const TOOK_OVER: &str = "Orch-Took-Over";
const PLANS: &str = "Orch-Plans";

impl Lease {
    /// A lease that begins now.
    #[must_use]
    pub fn new((task, run): (TaskId, RunId), (agent, host): (&str, &str), now: Timestamp) -> Self {
        Self {
            task,
            run,
            agent: plain(agent),
            holder: plain(host),
            renewals: 0,
            taken: now,
            until: after(now, LENGTH),
            took_over: None,
            plans: false,
        }
    }

    /// The same claim from now on.
    #[must_use]
    pub fn renewed(&self, now: Timestamp) -> Self {
        let renewals = self.renewals.saturating_add(1);
        Self { renewals, taken: now, until: after(now, LENGTH), ..self.clone() }
    }

    /// The message of its commit.
    #[must_use]
    pub fn write(&self) -> String {
        let took_over = self.took_over.as_ref();
        let took_over =
            took_over.map_or(String::new(), |why| format!("{TOOK_OVER}: {}\n", one_line(why, 300)));
        let plans = if self.plans { format!("{PLANS}: yes\n") } else { String::new() };
        format!(
            "orch({}): taken by {}\n\n{TASK}: {}\n{RUN}: {}\n{AGENT}: {}\n{HOLDER}: {}\n{RENEWALS}: {}\n{TAKEN}: {}\n{UNTIL}: {}\n{plans}{took_over}",
            self.task,
            self.holder,
            self.task,
            self.run,
            self.agent,
            self.holder,
            self.renewals,
            self.taken,
            self.until,
        )
    }

    /// What the message of a commit says.
    ///
    /// # Errors
    /// When it is no lease.
    pub fn read(message: &str) -> Result<Self, LeaseError> {
        let trailers = read_trailers(message);
        let text = |name: &'static str| trailer(&trailers, name).ok_or(LeaseError::Missing(name));
        let time = |name: &'static str| text(name)?.parse().map_err(|_| LeaseError::Unreadable(name));
        Ok(Self {
            task: TaskId::new(text(TASK)?).map_err(|_| LeaseError::Unreadable(TASK))?,
            run: RunId::new(text(RUN)?).map_err(|_| LeaseError::Unreadable(RUN))?,
            agent: plain(text(AGENT)?),
            holder: plain(text(HOLDER)?),
            renewals: text(RENEWALS)?.parse().map_err(|_| LeaseError::Unreadable(RENEWALS))?,
            taken: time(TAKEN)?,
            until: time(UNTIL)?,
            took_over: trailer(&trailers, TOOK_OVER).map(|why| one_line(why, 300)),
            plans: trailer(&trailers, PLANS) == Some("yes"),
        })
    }

    /// How long it counts, by its own words and within reason.
    fn length(&self) -> SignedDuration {
        self.until.duration_since(self.taken).clamp(SignedDuration::ZERO, LONGEST)
    }
}

impl fmt::Display for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {} (run {})", self.agent, self.holder, self.run)
    }
}

/// Whether a lease counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It does.
    Live,
    /// It does not; why.
    Stale(String),
}

/// Judges a lease that this clone first saw at `seen`; none is one that cannot be read.
///
/// Neither clock is trusted alone: the holder's times count only as far as clocks that are apart by as much
/// as [`SKEW`] would agree, so that its end has to have passed for long, and its beginning cannot be ahead by
/// that and a whole length (it may have been taken while this clone's question was under way); and whatever
/// the holder's clock says, a value that did not change for its whole length, by this clone's own clock, was
/// not renewed.
#[must_use]
pub fn judge(lease: Option<&Lease>, seen: Timestamp, now: Timestamp) -> Standing {
    let length = lease.map_or(LENGTH, Lease::length);
    if now > after(seen, length + LATE) {
        return Standing::Stale(format!("it was not renewed since {seen:.0}"));
    }
    match lease {
        Some(lease) if now > after(lease.until, SKEW) => {
            Standing::Stale(format!("it ran out at {:.0}", lease.until))
        }
        Some(lease) if lease.taken > after(after(now, SKEW), length) => Standing::Stale(format!(
            "no clock can have told its time, which is still to come: {:.0}",
            lease.taken
        )),
        Some(_) | None => Standing::Live,
    }
}

/// A time after another; the end of time where there is none.
fn after(time: Timestamp, duration: SignedDuration) -> Timestamp {
    time.checked_add(duration).unwrap_or(Timestamp::MAX)
}

/// A name that can be a trailer's value.
fn plain(text: &str) -> String {
    let clean: String = one_line(text, 60).chars().filter(|c| !c.is_whitespace()).collect();
    if clean.is_empty() { "unknown".to_owned() } else { clean }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + minutes * 60).unwrap()
    }

    fn lease() -> Lease {
        let ids = (TaskId::new("t-1").unwrap(), RunId::new("01JD").unwrap());
        Lease::new(ids, ("sonnet", "build-7"), at(0))
    }

    #[test]
    fn what_is_written_comes_back() {
        let mut lease = lease();
        assert_eq!(Lease::read(&lease.write()).unwrap(), lease);
        lease.plans = true;
        assert_eq!(Lease::read(&lease.write()).unwrap(), lease);
        lease.took_over = Some("run 01JC: it ran out\nOrch-Task: forged".to_owned());
        let read = Lease::read(&lease.write()).unwrap();
        assert_eq!(read.task, lease.task);
        assert!(!read.took_over.unwrap().contains('\n'));
    }

    #[test]
    fn no_name_becomes_a_trailer() {
        let ids = (TaskId::new("t-1").unwrap(), RunId::new("01JD").unwrap());
        let lease = Lease::new(ids, ("a\nOrch-Until: never", "\u{1b}[31m\n\n"), at(0));
        assert_eq!(Lease::read(&lease.write()).unwrap(), lease);
        assert!(!lease.write().contains('\u{1b}'));
    }

    #[test]
    fn a_renewed_lease_is_another_value() {
        let first = lease();
        assert_ne!(first.write(), first.renewed(at(0)).write());
    }

    #[test]
    fn a_lease_is_stale_when_no_clock_can_be_right_that_says_otherwise() {
        let lease = lease();
        let stale = |seen, now| judge(Some(&lease), at(seen), at(now)) != Standing::Live;
        // By the holder's own end.
        assert!(!stale(30, 35) && stale(30, 36));
        // By its beginning, which was not yet.
        assert!(!stale(-35, -35) && stale(-36, -36));
        // By what this clone saw, though the holder's clock goes ahead.
        assert!(!stale(-20, -3) && stale(-20, -2));
    }

    #[test]
    fn a_lease_that_cannot_be_read_ends_as_well() {
        assert_eq!(judge(None, at(0), at(17)), Standing::Live);
        assert!(matches!(judge(None, at(0), at(18)), Standing::Stale(_)));
        assert_eq!(Lease::read("x\n\nOrch-Task: t-1\n"), Err(LeaseError::Missing(RUN)));
        assert_eq!(Lease::read(&lease().write().replace("t-1", "-")), Err(LeaseError::Unreadable(TASK)));
    }

    #[test]
    fn a_lease_that_promises_itself_for_ever_does_not_last() {
        let greedy = Lease { until: Timestamp::MAX, ..lease() };
        assert!(matches!(judge(Some(&greedy), at(0), at(24 * 60 + 3)), Standing::Stale(_)));
        let backwards = Lease { until: Timestamp::MIN, ..lease() };
        assert!(matches!(judge(Some(&backwards), at(0), at(0)), Standing::Stale(_)));
    }

    proptest! {
        #[test]
        fn nothing_that_is_read_panics(text in "\\PC*", seen: i32, now: i32) {
            let (seen, now) = (at(seen.into()), at(now.into()));
            let lease = Lease::read(&text).ok();
            let _ = judge(lease.as_ref(), seen, now);
            let trailers = format!("x\n\nOrch-Renewals: 3\nOrch-Task: t\nOrch-Run: r\nOrch-Agent: {text}\nOrch-Holder: {text}\nOrch-Taken: {now}\nOrch-Until: {seen}\n");
            if let Ok(lease) = Lease::read(&trailers) {
                prop_assert_eq!(Lease::read(&lease.write()).unwrap(), lease);
            }
        }

        #[test]
        fn with_clocks_ten_minutes_off_a_renewed_lease_is_never_stale(
            mine in -10_i64..=10, theirs in -10_i64..=10, since in 0_i64..=6,
        ) {
            // The holder renews every five minutes, and is at most a minute late.
            let lease = Lease { taken: at(theirs), until: after(at(theirs), LENGTH), ..lease() };
            prop_assert_eq!(judge(Some(&lease), at(mine), at(mine + since)), Standing::Live);
        }
    }
}
