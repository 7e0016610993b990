//! The built-in agent: runs the task's own `run` command. It needs no account and no network of
//! its own: dependency bumps, codemods, formatting, code generation.

use super::stream::{Listener, Signal};
use super::{AgentError, Brief, ending, invoke};
use crate::config::Profile;
use crate::effects::{Finished, Invocation};

/// The task's command, by `sh -c`.
pub(super) fn invocation(profile: &Profile, brief: &Brief<'_>) -> Result<Invocation, AgentError> {
    let Some(run) = &brief.task.run else { return Err(AgentError::NoRun(brief.task.id.to_string())) };
    let argv = vec!["sh".to_owned(), "-c".to_owned(), run.clone()];
    Ok(invoke(profile, brief, argv, Vec::new()))
}

/// A command is no agent: how it ends is all that it says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mute;

impl Listener for Mute {
    fn line(&mut self, _: &[u8], _: &mut dyn FnMut(Signal)) {}

    fn end(&mut self, finished: &Finished, signal: &mut dyn FnMut(Signal)) {
        if let Some(failure) = ending::failure(finished) {
            signal(Signal::Failed(failure));
        }
    }
}
