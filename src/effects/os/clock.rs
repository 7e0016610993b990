//! Time and randomness of the machine.

use crate::effects::{Clock, Ids, Zone};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use std::cell::Cell;
use std::time::{Duration, Instant};

/// The machine's clock; or, for tests, one that starts at a given time and ticks a second a look, or
/// one that is so many seconds ahead.
#[derive(Debug)]
pub struct OsClock {
    fixed: Cell<Option<Timestamp>>,
    began: Instant,
    ahead: SignedDuration,
}

impl Default for OsClock {
    fn default() -> Self {
        Self { fixed: Cell::default(), began: Instant::now(), ahead: SignedDuration::ZERO }
    }
}

impl OsClock {
    /// The clock, fixed when `ORCH_TEST_CLOCK` holds an RFC 3339 time, ahead when `ORCH_TEST_SKEW` holds
    /// a number of seconds.
    #[must_use]
    pub fn from_env() -> Self {
        let fixed = std::env::var("ORCH_TEST_CLOCK").ok().and_then(|text| text.parse().ok());
        let ahead = std::env::var("ORCH_TEST_SKEW").ok().and_then(|text| text.parse().ok());
        let ahead = ahead.map_or(SignedDuration::ZERO, SignedDuration::from_secs);
        Self { fixed: Cell::new(fixed), ahead, ..Self::default() }
    }
}

impl Clock for OsClock {
    fn now(&self) -> Timestamp {
        let Some(now) = self.fixed.get() else {
            return Timestamp::now().saturating_add(self.ahead).unwrap_or(Timestamp::MAX);
        };
        self.fixed.set(now.checked_add(1.second()).ok());
        now
    }

    fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    fn zone(&self) -> Zone {
        if self.fixed.get().is_some() { || TimeZone::UTC } else { TimeZone::system }
    }
}

/// Random bits from the system; or, for tests, from a seed.
#[derive(Debug, Default)]
pub struct OsIds {
    seed: Cell<Option<u64>>,
}

impl OsIds {
    /// Random bits, reproducible when `ORCH_TEST_SEED` holds a number.
    #[must_use]
    pub fn from_env() -> Self {
        let seed = std::env::var("ORCH_TEST_SEED").ok().and_then(|text| text.parse().ok());
        Self { seed: Cell::new(seed) }
    }

    /// The SplitMix64 sequence.
    fn next(&self, seed: u64) -> u64 {
        let state = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.seed.set(Some(state));
        let mut bits = state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }
}

impl Ids for OsIds {
    fn random(&self) -> u128 {
        if let Some(seed) = self.seed.get() {
            let high = self.next(seed);
            let low = self.seed.get().map_or(0, |seed| self.next(seed));
            return (u128::from(high) << 64) | u128::from(low);
        }
        let mut bytes = [0_u8; 16];
        // A kernel that has no randomness left to give is not one that git would run on either;
        // the fallback still differs between processes and instants.
        if getrandom::fill(&mut bytes).is_err() {
            let now = Timestamp::now().as_nanosecond();
            return now.unsigned_abs() ^ (u128::from(std::process::id()) << 96);
        }
        u128::from_le_bytes(bytes)
    }
}
