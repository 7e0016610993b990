//! What no two runs have in common: the time, and randomness.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The time.
pub trait Clock {
    /// Now.
    fn now(&self) -> Timestamp;

    /// The zone that programs of this machine tell the time in.
    fn zone(&self) -> TimeZone {
        TimeZone::UTC
    }
}

/// Randomness.
pub trait Ids {
    /// Random bits.
    fn random(&self) -> u128;
}
