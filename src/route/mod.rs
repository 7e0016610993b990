//! Who does it: what a task needs, what each profile would cost, and which one is chosen.
//!
//! In: a task, the profiles, what past runs say. Out: a [`Route`] with every candidate
//! and its reasons, and a [`Prediction`] of size. Invariant: the same facts give
//! the same answer, and every number is from the run records or a stated prior.

pub mod predict;
pub mod window;
pub mod need;
pub mod past;
pub mod choose;

pub use choose::{NoRoute, Offer, Query, Refusal, Route, choose};
pub use need::{Facts, Need, need};
pub use past::Past;
pub use predict::{Prediction, Sample};

/// From here on a profile is a strategist, and a task one's work.
pub const STRATEGIST: u8 = 8;

/// How the reason begins for which a task is blocked that no profile can hold.
const OVERSIZED: &str = "it is too large: about ";

/// Whether a task that is blocked for this reason is one that no profile can hold.
#[must_use]
pub fn is_oversized(reason: &str) -> bool {
    reason.starts_with(OVERSIZED)
}

/// A count as a number to reckon with.
#[must_use]
pub fn count(n: usize) -> f64 {
    f64::from(u32::try_from(n).unwrap_or(u32::MAX))
}

/// A number of tokens as one to reckon with.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "tokens of a task are far below 2^52")]
pub fn tokens(n: u64) -> f64 {
    n as f64
}
