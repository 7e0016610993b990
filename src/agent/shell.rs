//! The built-in agent: runs the task's own `run` command. It needs no account and no network of
//! its own: dependency bumps, codemods, formatting, code generation.

use super::{AgentError, Brief, invoke};
use crate::config::Profile;
use crate::effects::Invocation;

/// The task's command, by `sh -c`.
pub(super) fn invocation(profile: &Profile, brief: &Brief<'_>) -> Result<Invocation, AgentError> {
    let Some(run) = &brief.task.run else { return Err(AgentError::NoRun(brief.task.id.to_string())) };
    let argv = vec!["sh".to_owned(), "-c".to_owned(), run.clone()];
    Ok(invoke(profile, brief, argv, Vec::new()))
}
