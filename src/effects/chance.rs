//! What no two runs have in common: the time, and randomness.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::time::Duration;

/// Tells a zone when somebody asks: to know that of a machine, hundreds of files are looked at.
pub type Zone = fn() -> TimeZone;

/// The time.
pub trait Clock {
    /// Now.
    fn now(&self) -> Timestamp;

    /// How long this process has been there, which no setting of the clock changes; none by a clock
    /// that is set by hand.
    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }

    /// The zone that programs of this machine tell the time in.
    fn zone(&self) -> Zone {
        || TimeZone::UTC
    }
}

/// Randomness.
pub trait Ids {
    /// Random bits.
    fn random(&self) -> u128;
}
