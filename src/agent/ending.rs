//! How a process ended, as a failure: what every agent has in common, whatever it printed.
//!
//! Invariant: an ending that orch brought about is never taken for the agent's own failure.

use super::failure::{Failure, FailureKind, Remedy};
use super::words;
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

/// The limit that a program said last that it met, before it ended badly. What some say of a quota that comes back
/// is what others say of an account without money: of a program that nothing is known about, it is the former. What
/// it printed may be that of the tests that it ran, which say the same of what they are about.
#[must_use]
pub(super) fn limit(finished: &Finished) -> Option<Failure> {
    let ended = matches!(finished.ended, Ended::Exited(code) if code != 0);
    let said = lines(&finished.stderr).into_iter().rev().filter(|line| ended && !words::is_of_a_test(line));
    let limit = |kind| if kind == FailureKind::Billing { FailureKind::UsageLimit } else { kind };
    said.filter_map(|line| Some(Failure::new(limit(words::class(&line)?), &line)))
        .find(|failure| failure.kind.remedy() == Remedy::CoolDown)
}

/// The last line that is not empty.
#[must_use]
pub(super) fn last_line(bytes: &[u8]) -> Option<String> {
    lines(bytes).pop()
}

/// The first line that says a failure of this class, else the last one.
#[must_use]
pub(super) fn telling_line(bytes: &[u8], kind: FailureKind) -> Option<String> {
    let mut lines = lines(bytes);
    let at = lines.iter().position(|line| words::class_of_stderr(line) == Some(kind));
    at.map(|at| lines.swap_remove(at)).or_else(|| lines.pop())
}

/// The lines that are not empty, of the end of what was printed, without their colours.
fn lines(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(8 << 10)..]);
    text.lines().map(|line| plain(line).trim().to_owned()).filter(|line| !line.is_empty()).collect()
}

fn plain(line: &str) -> String {
    let mut pieces = line.split("\u{1b}[");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |text, piece| {
        text + piece.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';').get(1..).unwrap_or_default()
    })
}

/// Whether orch ended it for a reason of its own, so that what it leaves undone is no failure.
#[must_use]
pub(super) fn was_stopped(ended: &Ended) -> bool {
    match ended {
        Ended::Stopped(_) | Ended::Interrupted => true,
        Ended::Exited(_)
        | Ended::Signalled(_)
        | Ended::TimedOut
        | Ended::Silent
        | Ended::Flooded
        | Ended::Dismissed
        | Ended::NotStarted(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_test_about_a_limit_is_no_limit_that_was_met() {
        let met = |stderr: &str| {
            let stderr = format!("{stderr}\n1 failed\n").into_bytes();
            let ended = Ended::Exited(1);
            let finished = Finished { ended, stdout: Vec::new(), stderr, duration_ms: 1, survivors: 0 };
            limit(&finished).map(|failure| failure.kind)
        };
        for line in [
            "AssertionError: 429 != 200",
            "E       assert 200 == 429",
            "expected status code 429, got 200",
            "Expected HTTP 429 but was HTTP 200",
            "error: 429 tests failed",
            "FAILED tests/test_rate_limit.py::test_burst",
            "--- FAIL: TestRateLimit (0.00s)",
            "test limits::rate_limit ... FAILED",
            "AssertionError: 'Too Many Requests' not found",
        ] {
            assert_eq!(met(line), None, "{line}");
        }
        for line in ["unexpected status 429 Too Many Requests", "HTTP 429", "Error code: 429 - {'error': {}}"]
        {
            assert_eq!(met(line), Some(FailureKind::RateLimit), "{line}");
        }
        assert_eq!(met("You have hit your usage limit."), Some(FailureKind::UsageLimit));
    }

    #[test]
    fn the_line_that_tells_is_found_among_others() {
        let stderr = b"\x1b[31mwarning\x1b[0m\nerror: unknown option '--x'\n\nsee --help\n";
        assert_eq!(last_line(stderr).as_deref(), Some("see --help"));
        let told = telling_line(stderr, FailureKind::WrongVersion);
        assert_eq!(told.as_deref(), Some("error: unknown option '--x'"));
        assert_eq!(lines(stderr)[0], "warning");
    }
}
