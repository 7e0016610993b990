//! The message of a commit, and the repository's `commit-msg` hook, which accepted work never gets round.

use super::event::{Event, Reporter};
use crate::commit::{read_trailers, trailer};
use crate::effects::HookRun;
use crate::gate::Verdict;
use crate::gate::builtin::last_lines;

/// The hook that sees a message.
pub const HOOK: &str = "commit-msg";

/// Takes what the hook made of a message; the verdict where it refuses it. It may add to it; what it may not do is
/// touch the trailers.
///
/// # Errors
/// The verdict of a hook that does not pass the message.
pub fn hooked(message: String, hook: HookRun, reporter: &dyn Reporter) -> Result<String, Box<Verdict>> {
    let refused = match hook {
        HookRun::Absent => return Ok(message),
        HookRun::Refused(said) => Verdict::fail(HOOK, last_lines(said.as_bytes(), 20)),
        HookRun::Passed(left) => {
            let (ours, theirs) = (read_trailers(&message), read_trailers(&left));
            if ours.iter().all(|(name, value)| trailer(&theirs, name) == Some(value)) {
                let hook = HOOK.to_owned();
                reporter.event(&Event::HookFinished { hook, passed: true, said: String::new() });
                return Ok(left);
            }
            Verdict::fail(HOOK, "the hook changed the trailers that orch wrote")
        }
    };
    let said = refused.evidence.clone();
    reporter.event(&Event::HookFinished { hook: HOOK.to_owned(), passed: false, said });
    Err(Box::new(refused))
}
