//! The words of other tools for status, kind and priority, and what orch says instead.

use crate::state::status::Status;
use crate::state::task::Kind;

/// The reasons that an import writes itself, so that the next import knows them again.
pub(super) const REASONS: [&str; 6] =
    ["deferred", "blocked", "pinned", "failed", "archived", super::forge::NEEDS_DETAILS];

/// A word in one spelling: lower case, words joined by `_`, no apostrophes.
pub(super) fn plain(word: &str) -> String {
    let mut plain = String::new();
    for c in word.trim().chars().take(64) {
        match c {
            '\'' | '\u{2019}' | '"' => {}
            c if c.is_alphanumeric() => plain.extend(c.to_lowercase()),
            _ if plain.ends_with('_') => {}
            _ => plain.push('_'),
        }
    }
    plain
}

/// Where a task stands, by another tool's word; with the reason if that has to be told.
pub(super) fn status(word: &str) -> Option<(Status, Option<&'static str>)> {
    let found = match plain(word).as_str() {
        "pending" | "open" | "todo" | "to_do" | "new" | "ready" | "backlog" | "not_started" | "planned"
        | "approved" => (Status::Pending, None),
        word if is_under_way(word) => (Status::Pending, None),
        "done" | "closed" | "completed" | "complete" | "finished" | "resolved" | "merged" | "shipped"
        | "passed" => (Status::Done, None),
        "cancelled" | "canceled" => (Status::Cancelled, Some("cancelled")),
        "skipped" | "skip" => (Status::Cancelled, Some("skipped")),
        "wont_do" | "wont_fix" | "wontfix" => (Status::Cancelled, Some("won't do")),
        "scrapped" | "abandoned" | "obsolete" | "rejected" | "dropped" => {
            (Status::Cancelled, Some("abandoned"))
        }
        "duplicate" => (Status::Cancelled, Some("duplicate")),
        "archived" => (Status::Cancelled, Some("archived")),
        "blocked" | "waiting" => (Status::Blocked, Some("blocked")),
        "deferred" | "on_hold" | "paused" | "postponed" | "someday" | "later" => {
            (Status::Blocked, Some("deferred"))
        }
        "pinned" => (Status::Blocked, Some("pinned")),
        "review" | "in_review" | "needs_review" | "ready_for_review" => (Status::NeedsReview, None),
        "needs_improvement" | "changes_requested" | "rework" => (Status::NeedsImprovement, None),
        "failed" => (Status::NeedsImprovement, Some("failed")),
        "draft" | "proposed" | "idea" | "triage" => (Status::Proposed, None),
        _ => return None,
    };
    Some(found)
}

/// How complex something is, 1..=10, by a word or a number; a number outside is the nearest.
pub(super) fn complexity(word: &str) -> Option<u8> {
    match plain(word).as_str() {
        "trivial" | "low" | "small" | "simple" | "easy" | "xs" | "s" => return Some(2),
        "medium" | "moderate" | "normal" | "m" => return Some(5),
        "high" | "large" | "complex" | "hard" | "difficult" | "l" | "xl" => return Some(8),
        _ => {}
    }
    let number = word.trim().parse::<f64>().ok().filter(|number| number.is_finite())?;
    format!("{:.0}", number.round().clamp(1.0, 10.0)).parse().ok()
}

/// Whether a word, in its plain spelling, says that somebody is at it: orch does not store that.
pub(super) fn is_under_way(plain: &str) -> bool {
    matches!(
        plain,
        "in_progress"
            | "inprogress"
            | "doing"
            | "started"
            | "active"
            | "wip"
            | "hooked"
            | "claimed"
            | "assigned"
    )
}

/// What sort of work it is, by another tool's word.
pub(super) fn kind(word: &str) -> Option<Kind> {
    let kind = match plain(word).as_str() {
        "epic" | "milestone" | "initiative" | "phase" => Kind::Epic,
        "feature" | "feat" | "enhancement" | "task" | "story" | "user_story" | "improvement" | "subtask" => {
            Kind::Feature
        }
        "bug" | "fix" | "defect" | "bugfix" => Kind::Bug,
        "refactor" | "refactoring" | "perf" | "performance" | "cleanup" => Kind::Refactor,
        "test" | "tests" | "testing" => Kind::Test,
        "docs" | "doc" | "documentation" => Kind::Docs,
        "chore" | "maintenance" | "ci" | "build" | "ops" => Kind::Chore,
        "research" | "spike" | "investigation" | "decision" | "question" => Kind::Research,
        "review" | "code_review" | "merge_request" => Kind::Review,
        _ => return None,
    };
    Some(kind)
}

/// A priority of 0..=4 from a word such as `high`, `P1` or `2`.
#[must_use]
pub fn priority(word: &str) -> Option<u8> {
    let plain = plain(word);
    match plain.as_str() {
        "critical" | "urgent" | "highest" | "blocker" => Some(0),
        "high" => Some(1),
        "medium" | "normal" | "moderate" => Some(2),
        "low" => Some(3),
        "lowest" | "someday" | "trivial" => Some(4),
        other => other.strip_prefix('p').unwrap_or(other).parse::<u8>().ok().filter(|number| *number <= 4),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_that_was_seen_is_understood() {
        for (word, expected) in [
            ("To do", Status::Pending),
            ("In-Progress", Status::Pending),
            ("\"Done\"", Status::Done),
            ("Completed", Status::Done),
            ("Won't Do", Status::Cancelled),
            ("Won\u{2019}t Do", Status::Cancelled),
            ("Skipped", Status::Cancelled),
            ("review", Status::NeedsReview),
            ("deferred", Status::Blocked),
            ("Draft", Status::Proposed),
        ] {
            assert_eq!(status(word).map(|found| found.0), Some(expected), "{word}");
        }
        assert_eq!(status("frobnicating"), None);
    }

    #[test]
    fn every_status_of_our_own_is_itself() {
        for status_of_ours in Status::ALL {
            assert_eq!(status(status_of_ours.as_str()).map(|found| found.0), Some(status_of_ours));
        }
        for kind_of_ours in Kind::ALL {
            assert_eq!(kind(kind_of_ours.as_str()), Some(kind_of_ours));
        }
    }

    #[test]
    fn a_held_task_has_a_reason_that_the_next_import_knows() {
        for word in ["blocked", "on hold", "deferred", "pinned", "failed"] {
            let reason = status(word).and_then(|found| found.1).unwrap_or("none");
            assert!(REASONS.contains(&reason), "{word}: {reason}");
        }
    }

    #[test]
    fn priorities_are_words_numbers_or_both() {
        assert_eq!(
            ["critical", "High", "medium", "low", "P1", "3", "9", "x"].map(priority),
            [Some(0), Some(1), Some(2), Some(3), Some(1), Some(3), None, None]
        );
    }
}
