//! Landing on a branch that others land on as well: what follows from what a remote said.
//!
//! In: a reply to a push, a second look at the branch, how often that was tried. Out: what to do next.
//! Invariant: a task is only ever decided about on a tip where it stands as it did when the work
//! began, and that is looked at for the very tip that the push names. So whatever is lost, late or
//! repeated, no task lands twice; and nothing is called landed that is not on the branch. Not here:
//! any push.

use crate::state::status::Status;
use std::time::Duration;

/// How often one and the same commit is pushed.
pub const PUSHES: u32 = 4;
/// How often a change is put on top of a branch that keeps moving.
pub const REPLAYS: u32 = 60;
/// The shortest pause before another try.
const PAUSE: Duration = Duration::from_millis(50);
/// The longest.
const PAUSE_MAX: Duration = Duration::from_secs(4);
/// The shortest rest, before it is cut by lot.
const REST: Duration = Duration::from_secs(1);
/// The longest rest, where others are at work on all that is left.
const REST_MAX: Duration = Duration::from_secs(60);

/// What a remote said to a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// The branch has moved to the commit.
    Done,
    /// Some ref was not what was expected.
    Moved,
    /// The server refuses, in these words.
    Refused(String),
    /// It is not known what became of it; why.
    Unknown(String),
}

/// What another look at the branch shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// It holds the commit.
    Landed,
    /// It is where it was.
    Same,
    /// It has moved elsewhere.
    Moved,
    /// It cannot be seen.
    Unseen,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Nothing: it has landed.
    Landed,
    /// Put the change on top of what the branch has become.
    Replay,
    /// Push the very same commit again.
    Again,
    /// Give up: the server does not take it.
    Refused(String),
    /// Give up: nobody answers. The commit may have landed, or still land.
    Unknown(String),
}

/// What follows from a reply, after so many pushes of this commit. What was said counts for less than
/// what is there: a push that was cut off may have happened.
#[must_use]
pub fn next(reply: Reply, look: Look, pushes: u32) -> Next {
    match (look, reply) {
        (_, Reply::Done) | (Look::Landed, _) => Next::Landed,
        // On top of another tip the first push can no longer land: it named the old one.
        (Look::Moved, _) => Next::Replay,
        (Look::Same, Reply::Refused(words)) if pushes >= PUSHES => Next::Refused(words),
        (Look::Same | Look::Unseen, Reply::Moved) if pushes >= PUSHES => {
            Next::Unknown("refs keep moving there".to_owned())
        }
        (Look::Unseen, Reply::Refused(words)) if pushes >= PUSHES => Next::Refused(words),
        (Look::Same | Look::Unseen, Reply::Unknown(why)) if pushes >= PUSHES => Next::Unknown(why),
        (Look::Same | Look::Unseen, _) => Next::Again,
    }
}

/// Why a step may not decide about a task any more, if it may not: how the task stood when the work
/// began, and how it stands now (none: it is gone, or cannot be read).
#[must_use]
pub fn no_longer_ours(id: &str, began: Status, now: Option<Status>) -> Option<String> {
    match now {
        Some(now) if now == began => None,
        Some(now) => Some(format!("task `{id}` is now `{}`", now.as_str())),
        None => Some(format!("task `{id}` is gone from it, or cannot be read any more")),
    }
}

/// How long to wait before another try, so that those who collided do not collide again.
#[must_use]
pub fn pause(tries: u32, random: u128) -> Duration {
    PAUSE + share_of(PAUSE.saturating_mul(1_u32 << tries.min(10)).min(PAUSE_MAX), random)
}

/// How long to rest before another look, so that those who wait for the same do not all come at once. Rests grow
/// by a quarter, so that nobody sleeps on for much of the time that was waited.
#[must_use]
pub fn rest(looks: u32, random: u128) -> Duration {
    let longest = (0..looks.min(32)).fold(REST, |rest, _| (rest * 5 / 4).min(REST_MAX));
    PAUSE + share_of(longest, random)
}

fn share_of(longest: Duration, random: u128) -> Duration {
    longest * u32::try_from(random % 1_000).unwrap_or_default() / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unknown() -> Reply {
        Reply::Unknown("no answer".to_owned())
    }

    #[test]
    fn what_is_there_counts_for_more_than_what_was_said() {
        for reply in [Reply::Moved, Reply::Refused("no".to_owned()), unknown()] {
            assert_eq!(next(reply.clone(), Look::Landed, 1), Next::Landed);
            assert_eq!(next(reply.clone(), Look::Moved, 9), Next::Replay);
            assert_eq!(next(reply, Look::Same, 1), Next::Again);
        }
        assert_eq!(next(Reply::Done, Look::Unseen, 1), Next::Landed);
    }

    #[test]
    fn nobody_tries_for_ever() {
        assert_eq!(next(Reply::Refused("no".to_owned()), Look::Same, PUSHES), Next::Refused("no".to_owned()));
        assert_eq!(next(unknown(), Look::Unseen, PUSHES), Next::Unknown("no answer".to_owned()));
        assert!(matches!(next(Reply::Moved, Look::Same, PUSHES), Next::Unknown(_)));
    }

    #[test]
    fn a_task_that_stands_otherwise_is_left_to_whoever_moved_it() {
        for began in Status::ALL {
            for now in Status::ALL {
                assert_eq!(no_longer_ours("t", began, Some(now)).is_none(), began == now);
            }
            assert!(no_longer_ours("t", began, None).is_some());
        }
    }

    #[test]
    fn pauses_grow_and_end() {
        assert!(pause(0, 999) < pause(5, 999));
        assert!(pause(u32::MAX, 999) <= PAUSE + PAUSE_MAX);
        assert!(pause(3, 0) >= PAUSE);
    }
}
