//! Doing the work: from a prompt to an invocation, from what a program did to a reply.
//!
//! Pure: one file per adapter, none of which starts anything. Invariant: a reply is what the agent
//! says; nothing here is evidence.

pub mod failure;
pub mod stream;
pub mod lines;
pub mod watch;
pub mod todo;
mod ending;
mod words;
mod reset;
mod wire;
mod account;
mod claude;
mod codex;
mod gemini;
mod opencode;
mod copilot;
mod aider;
mod acp;
pub mod keys;
pub mod redact;
mod folders;
pub mod sandbox;
pub mod walls;
mod command;
mod shell;
pub mod probe;
mod complaint;
mod figures;
mod judgement;
mod reply;
#[cfg(test)]
mod asked;
#[cfg(test)]
mod recorded;

pub use crate::config::facts::{FACTS, Facts, facts};
pub use judgement::{Criterion, Finding, Review};
pub use reply::{
    FollowUp, MAX_OUTCOME_BYTES, NewNote, PROPOSALS, Reply, add_proposals, read_proposal, read_reply,
};

use crate::config::{Adapter, Profile};
use crate::effects::{Input, Invocation, Zone};
use crate::state::task::Task;
use jiff::Timestamp;
use std::path::PathBuf;
use stream::{Listener, Session, Spent};
use thiserror::Error;

/// The most that an agent may print, in bytes.
const OUTPUT_LIMIT: u64 = 256 << 20;

/// What an attempt is about.
#[derive(Debug, Clone)]
pub struct Brief<'b> {
    /// The task.
    pub task: &'b Task,
    /// The run's id.
    pub run: &'b str,
    /// From 1.
    pub attempt: u32,
    /// What the agent reads.
    pub prompt: &'b str,
    /// The directory that it works in.
    pub dir: PathBuf,
    /// How far it is confined by orch, so that it need not confine itself.
    pub confined: sandbox::Level,
    /// A file that holds the prompt.
    pub prompt_file: PathBuf,
    /// Where it may leave an outcome.
    pub outcome_file: PathBuf,
    /// The variables that every program of orch's may see.
    pub base_env: Vec<(String, String)>,
    /// The variables that its profile names and that are set.
    pub profile_env: Vec<(String, String)>,
    /// Which conversation goes on.
    pub session: Session,
    /// What this process may cost, in USD.
    pub budget_usd: Option<f64>,
}

/// What a listener cannot hear.
#[derive(Debug, Clone)]
pub struct Known {
    /// The conversation that the process takes up.
    pub session: Session,
    /// What the agent reads, where it is told while it runs.
    pub prompt: String,
    /// The directory that it works in, without links.
    pub dir: PathBuf,
    /// What earlier processes of this conversation used: some agents count them again.
    pub earlier: Spent,
    /// When the process starts.
    pub now: Timestamp,
    /// Where it runs: some agents tell the time of a reset without a zone.
    pub zone: Zone,
}

/// Why a profile cannot do a task.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AgentError {
    /// The built-in shell was given a task without a command.
    #[error("task `{0}` has no `run` command, which the built-in `shell` agent needs")]
    NoRun(String),
}

/// The word for an adapter.
#[must_use]
pub fn adapter_word(adapter: Adapter) -> &'static str {
    match adapter {
        Adapter::Claude => "claude",
        Adapter::Codex => "codex",
        Adapter::Gemini => "gemini",
        Adapter::Opencode => "opencode",
        Adapter::Copilot => "copilot",
        Adapter::Aider => "aider",
        Adapter::Acp => "acp",
        Adapter::Command => "command",
        Adapter::Shell => "shell",
    }
}

/// The program that a profile runs: its adapter's, or the first word of its command; nothing where it is
/// orch's own.
#[must_use]
pub fn program(profile: &Profile) -> &str {
    match facts(profile.adapter).program {
        "" => profile.command.first().map_or("", String::as_str),
        known => known,
    }
}

/// Whether a second attempt could go otherwise than the first.
#[must_use]
pub fn can_continue(adapter: Adapter) -> bool {
    adapter != Adapter::Shell
}

/// Whether what its process prints is understood, and not only how it ends.
#[must_use]
pub fn is_understood(adapter: Adapter) -> bool {
    !matches!(adapter, Adapter::Command | Adapter::Shell)
}

/// What to run for an attempt.
///
/// # Errors
/// When the profile cannot do the task.
pub fn invocation(profile: &Profile, brief: &Brief<'_>) -> Result<Invocation, AgentError> {
    match profile.adapter {
        Adapter::Command => Ok(command::invocation(profile, brief)),
        Adapter::Shell => shell::invocation(profile, brief),
        Adapter::Claude => Ok(claude::invocation(profile, brief)),
        Adapter::Codex => Ok(codex::invocation(profile, brief)),
        Adapter::Gemini => Ok(gemini::invocation(profile, brief)),
        Adapter::Opencode => Ok(opencode::invocation(profile, brief)),
        Adapter::Copilot => Ok(copilot::invocation(profile, brief)),
        Adapter::Aider => Ok(aider::invocation(profile, brief)),
        Adapter::Acp => Ok(acp::invocation(profile, brief)),
    }
}

/// A file that a program needs beside its outcome file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beside {
    /// The variable that names it to the program.
    pub variable: &'static str,
    /// Its name.
    pub file: &'static str,
    /// What it says.
    pub content: &'static str,
}

/// The file that a profile's program needs, if any.
#[must_use]
pub fn beside(profile: &Profile, brief: &Brief<'_>) -> Option<Beside> {
    let is_driven = matches!(profile.adapter, Adapter::Gemini | Adapter::Acp);
    if is_driven && sandbox::program_name(profile) == "gemini" { gemini::settings(brief) } else { None }
}

/// Who understands what a profile's process prints.
#[must_use]
pub fn listener(profile: &Profile, known: &Known) -> Box<dyn Listener> {
    match profile.adapter {
        Adapter::Claude => Box::new(claude::listener(profile, known)),
        Adapter::Codex => Box::new(codex::listener(profile, known)),
        Adapter::Gemini => Box::new(gemini::listener(known)),
        Adapter::Opencode => Box::new(opencode::listener(profile, known)),
        Adapter::Copilot => Box::new(copilot::listener(profile, known)),
        Adapter::Aider => Box::new(aider::listener(known)),
        Adapter::Acp => Box::new(acp::listener(profile, known)),
        Adapter::Command => Box::new(command::listener(known)),
        Adapter::Shell => Box::new(shell::Mute),
    }
}

/// The environment: what the adapter wants, unless the profile says otherwise, and what every
/// program of orch's sees.
fn environment(brief: &Brief<'_>, wanted: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut env: Vec<(String, String)> = wanted
        .iter()
        .filter(|(name, _)| brief.profile_env.iter().all(|(set, _)| set != name))
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    env.extend(brief.base_env.iter().cloned());
    env.extend(brief.profile_env.iter().cloned());
    let path = |path: &PathBuf| path.to_string_lossy().into_owned();
    env.extend([
        ("ORCH_TASK".to_owned(), brief.task.id.to_string()),
        ("ORCH_RUN".to_owned(), brief.run.to_owned()),
        ("ORCH_ATTEMPT".to_owned(), brief.attempt.to_string()),
        ("ORCH_PROMPT_FILE".to_owned(), path(&brief.prompt_file)),
        ("ORCH_OUTCOME".to_owned(), path(&brief.outcome_file)),
    ]);
    env
}

fn invoke(profile: &Profile, brief: &Brief<'_>, argv: Vec<String>, stdin: Vec<u8>) -> Invocation {
    invoke_with(profile, brief, argv, stdin, &[])
}

fn invoke_with(
    profile: &Profile,
    brief: &Brief<'_>,
    argv: Vec<String>,
    stdin: Vec<u8>,
    wanted: &[(&str, &str)],
) -> Invocation {
    let mut env = environment(brief, wanted);
    if let Some((beside, folder)) = beside(profile, brief).zip(brief.outcome_file.parent()) {
        env.push((beside.variable.to_owned(), folder.join(beside.file).to_string_lossy().into_owned()));
    }
    Invocation {
        argv,
        dir: brief.dir.clone(),
        env,
        stdin: Input::Text(stdin),
        timeout: profile.timeout,
        idle_timeout: profile.idle_timeout,
        output_limit: OUTPUT_LIMIT,
        stop: facts(profile.adapter).stop,
    }
}
