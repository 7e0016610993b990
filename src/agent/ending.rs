//! How a process ended, as a failure: what every agent has in common, whatever it printed.
//!
//! Invariant: an ending that orch brought about is never taken for the agent's own failure.

use super::failure::{Failure, FailureKind};
use crate::effects::{Ended, Finished};

/// What a process's end says by itself, where its output said nothing of a failure.
#[must_use]
pub(super) fn failure(finished: &Finished) -> Option<Failure> {
    let said = last_line(&finished.stderr).unwrap_or_else(|| finished.ended.to_string());
    let kind = match &finished.ended {
        Ended::Exited(0) | Ended::Interrupted | Ended::Stopped(_) | Ended::Dismissed => return None,
        Ended::Exited(_) => FailureKind::Crash,
        Ended::Signalled(_) => return Some(Failure::new(FailureKind::Crash, &finished.ended.to_string())),
        Ended::TimedOut => return Some(Failure::new(FailureKind::TimeLimit, &finished.ended.to_string())),
        Ended::Silent => return Some(Failure::new(FailureKind::Hang, &finished.ended.to_string())),
        Ended::Flooded => return Some(Failure::new(FailureKind::Garbage, &finished.ended.to_string())),
        Ended::NotStarted(why) => return Some(Failure::new(FailureKind::Missing, why)),
    };
    Some(Failure::new(kind, &said))
}

/// The last line that is not empty.
#[must_use]
pub(super) fn last_line(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(8 << 10)..]);
    text.lines().rev().map(str::trim).find(|line| !line.is_empty()).map(ToOwned::to_owned)
}
