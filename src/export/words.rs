//! Words that several other tools share.

use crate::state::status::Status;
use crate::state::task::Kind;

/// A kind for tools that know bugs, features, chores, epics and mere tasks.
pub(super) fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Epic => "epic",
        Kind::Feature => "feature",
        Kind::Bug => "bug",
        Kind::Chore => "chore",
        Kind::Refactor | Kind::Test | Kind::Docs | Kind::Research | Kind::Review => "task",
    }
}

/// A priority for tools that know three.
pub(super) fn priority(priority: u8) -> &'static str {
    match priority {
        0 | 1 => "high",
        2 => "medium",
        _ => "low",
    }
}

/// A status for tools that know what is open, under way and closed: what nobody is to take yet is
/// not open.
pub(super) fn three(status: Status) -> &'static str {
    match status {
        Status::Pending | Status::NeedsImprovement => "open",
        Status::Proposed | Status::Blocked | Status::NeedsReview => "in_progress",
        Status::Done | Status::Cancelled => "closed",
    }
}

/// Whether work is to be done or done: what is not to be worked on now would be, by tools that know nothing else.
pub(super) fn is_to_do_or_done(status: Status) -> bool {
    match status {
        Status::Pending | Status::NeedsImprovement | Status::Done => true,
        Status::Proposed | Status::NeedsReview | Status::Blocked | Status::Cancelled => false,
    }
}

/// Globs as other tools write them: everything in a folder is the folder.
pub(super) fn paths(globs: &[String]) -> Vec<&str> {
    let paths = globs.iter().map(|glob| match glob.strip_suffix("**") {
        Some(folder) if folder.ends_with('/') => folder,
        _ => glob,
    });
    paths.collect()
}
