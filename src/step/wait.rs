//! A run that waits, where there is nothing to take now that will be there later.
//!
//! In: how a step ended, in words and with the time that was told. Out: until when to wait, or that this is the
//! end. Invariants: pauses for others grow and are never two alike; no wait goes on when the run is over.

use super::event::{Event, Reporter};
use crate::effects::{World, Zone};
use crate::landing;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::time::Duration;

/// How long nobody is heard who says that it is over.
const PIECE: Duration = Duration::from_millis(200);
/// The spread of those that were told the same time.
const SPREAD: u32 = 5;
/// What git says of remotes that stay away until a person has acted.
const FOR_A_PERSON: [&str; 10] = [
    "Authentication failed",
    "Permission denied",
    "could not read Username",
    "could not read Password",
    "terminal prompts disabled",
    "Host key verification failed",
    "certificate",
    "does not appear to be a git repository",
    "not found",
    "requested URL returned error: 403",
];

/// What there is to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Others hold what could be taken, or landed first.
    Others,
    /// A remote does not answer.
    Remote,
    /// Agents, or a budget, rest until then.
    Told(Timestamp),
}

/// Whether a remote of which git says so may be there again by itself: it is away, and did not say no.
#[must_use]
pub fn comes_back(words: &str) -> bool {
    !FOR_A_PERSON.iter().any(|no| words.contains(no))
}

/// How long a run waits.
#[derive(Debug, Default)]
pub struct Patience {
    /// When it begins no step any more.
    end: Option<Timestamp>,
    pauses: u32,
    told: String,
}

impl Patience {
    /// That of a run which may last so long.
    #[must_use]
    pub fn new(began: Timestamp, period: Option<Duration>) -> Self {
        Self { end: period.and_then(|period| began.checked_add(period).ok()), ..Self::default() }
    }

    /// Something was done: the next pause is a short one again.
    pub fn worked(&mut self) {
        self.pauses = 0;
        self.told.clear();
    }

    /// Until when to wait; none where the run is over by the time that was told.
    pub fn until(&mut self, cause: Cause, now: Timestamp, random: u128) -> Option<Timestamp> {
        let later = |from: Timestamp, pause| from.checked_add(pause).unwrap_or(Timestamp::MAX);
        let until = match cause {
            Cause::Told(time) if self.end.is_some_and(|end| time >= end) => return None,
            Cause::Told(time) => later(time.max(now), landing::pause(SPREAD, random)),
            Cause::Others | Cause::Remote => {
                self.pauses += 1;
                later(now, landing::rest(self.pauses, random))
            }
        };
        Some(self.end.map_or(until, |end| until.min(end)))
    }

    /// Waits until it is worth another look, which is told, or it is over; whether there was anything to wait for.
    pub fn wait(
        &mut self,
        world: World<'_>,
        (cause, why): (Cause, &str),
        reporter: &dyn Reporter,
        is_over: &dyn Fn() -> bool,
    ) -> bool {
        let now = world.clock.now();
        let Some(until) = self.until(cause, now, world.ids.random()) else { return false };
        if let Some(event) = self.tell(cause, why, now, world.clock.zone()) {
            reporter.event(&event);
        }
        pass(until, &|| world.clock.now(), &|piece| world.process.wait(piece), is_over);
        true
    }

    /// What is told about a wait; none where the same was told last.
    pub fn tell(&mut self, cause: Cause, why: &str, now: Timestamp, zone: Zone) -> Option<Event> {
        let (text, until) = match cause {
            Cause::Others | Cause::Remote => (format!("waits: {why}"), None),
            Cause::Told(time) => (format!("waits until {}: {why}", spell(time, now, &zone())), Some(time)),
        };
        let new = self.told != text;
        self.told.clone_from(&text);
        new.then_some(Event::Waiting { text, until })
    }
}

/// A time as people read it: of today without the day.
fn spell(time: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let (time, now) = (time.to_zoned(zone.clone()), now.to_zoned(zone.clone()));
    let format = if time.date() == now.date() { "%H:%M" } else { "%Y-%m-%d %H:%M" };
    time.strftime(format).to_string()
}

/// Lets time pass until then, or until it is over.
pub fn pass(
    until: Timestamp,
    now: &dyn Fn() -> Timestamp,
    wait: &dyn Fn(Duration),
    is_over: &dyn Fn() -> bool,
) {
    while !is_over() {
        let left = until.duration_since(now());
        if !left.is_positive() {
            return;
        }
        wait(PIECE.min(left.unsigned_abs()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    const HOUR: Duration = Duration::from_secs(3600);

    fn at(text: &str) -> Timestamp {
        format!("2026-11-20T{text}Z").parse().unwrap()
    }

    /// How long a wait is.
    fn length(patience: &mut Patience, cause: Cause, random: u128) -> Option<Duration> {
        let now = at("10:00:00");
        patience.until(cause, now, random).map(|until| until.duration_since(now).unsigned_abs())
    }

    #[test]
    fn pauses_for_others_grow_to_a_minute_and_begin_anew_after_work() {
        let mut patience = Patience::new(at("10:00:00"), None);
        let mut pauses = || length(&mut patience, Cause::Others, 999).unwrap();
        let (first, second) = (pauses(), pauses());
        assert!(first < second && second < Duration::from_secs(5));
        let longest = (0..20).map(|_| pauses()).max().unwrap();
        assert!(longest > Duration::from_secs(55) && longest <= Duration::from_secs(61), "{longest:?}");
        patience.worked();
        assert_eq!(length(&mut patience, Cause::Others, 999), Some(first));
        patience.worked();
        assert!(length(&mut patience, Cause::Others, 1).unwrap() < first, "no two are alike");
    }

    #[test]
    fn a_told_time_is_waited_for_unless_the_run_is_over_by_then() {
        let told = Cause::Told(at("11:00:00"));
        let waits = |period| length(&mut Patience::new(at("10:00:00"), period), told, 0);
        let waited = waits(None).unwrap();
        assert!(waited >= HOUR && waited < HOUR + Duration::from_secs(4), "{waited:?}");
        assert_eq!(waits(Some(HOUR)), None);
        assert_eq!(waits(Some(HOUR + Duration::from_millis(1))), Some(HOUR + Duration::from_millis(1)));
        // What is past is no reason to ask again and again without a pause.
        let past = Cause::Told(at("09:00:00"));
        assert!(length(&mut Patience::default(), past, 0).unwrap() > Duration::ZERO);
        let mut short = Patience::new(at("10:00:00"), Some(Duration::from_millis(10)));
        assert_eq!(length(&mut short, Cause::Others, 999), Some(Duration::from_millis(10)));
    }

    #[test]
    fn the_same_reason_is_told_once_until_something_was_done() {
        let mut patience = Patience::default();
        let now = at("10:00:00");
        let tell = |patience: &mut Patience, cause| patience.tell(cause, "why", now, || TimeZone::UTC);
        let told = Cause::Told(at("15:04:10"));
        let text = "waits until 15:04: why".to_owned();
        assert_eq!(
            tell(&mut patience, told),
            Some(Event::Waiting { text: text.clone(), until: Some(at("15:04:10")) })
        );
        assert_eq!(tell(&mut patience, told), None);
        assert!(tell(&mut patience, Cause::Others).is_some());
        assert!(tell(&mut patience, told).is_some());
        patience.worked();
        assert!(tell(&mut patience, told).is_some());
        let tomorrow = Cause::Told("2026-11-21T00:00:00Z".parse().unwrap());
        let Some(Event::Waiting { text, .. }) = tell(&mut patience, tomorrow) else { panic!("it is new") };
        assert_eq!(text, "waits until 2026-11-21 00:00: why");
    }

    #[test]
    fn a_wait_ends_with_its_time_and_at_once_when_it_is_over() {
        let clock = Cell::new(at("10:00:00"));
        let (now, wait) = (|| clock.get(), |piece| clock.set(clock.get().checked_add(piece).unwrap()));
        pass(at("10:00:01"), &now, &wait, &|| false);
        assert_eq!(clock.get(), at("10:00:01"));
        pass(at("10:00:00"), &now, &wait, &|| false);
        assert_eq!(clock.get(), at("10:00:01"), "what is past is not waited for");
        pass(at("23:00:00"), &now, &wait, &|| clock.get() > at("10:00:02"));
        assert!(clock.get() < at("10:00:03"), "nobody waits for the rest");
    }
}
