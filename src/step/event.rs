//! What happens in a step, as it happens: the only thing that a reporter gets to see.

use crate::agent::sandbox::Level;
use crate::gate::Verdict;
use crate::state::run::Tokens;
use jiff::Timestamp;
use std::time::Duration;

/// How an agent that is at work gets on.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Progress {
    /// What it has used.
    pub tokens: Tokens,
    /// What that costs, where it is known.
    pub cost_usd: Option<f64>,
    /// The share of its context window that is in use, where that is known.
    pub context: Option<f64>,
    /// The last tool that it used.
    pub tool: Option<String>,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A step that was interrupted earlier was cleaned up.
    Recovered {
        /// What was done about it.
        what: String,
    },
    /// A task was chosen.
    Selected {
        /// Its id.
        task: String,
        /// Its title.
        title: String,
        /// Why it and no other.
        because: String,
    },
    /// The prompt is ready.
    Prompted {
        /// Its size, estimated.
        tokens: u64,
        /// The most that it may have.
        budget_tokens: u64,
        /// Names of its sections.
        sections: Vec<String>,
        /// How many did not fit.
        omitted: usize,
    },
    /// The place where the agent works is ready.
    Prepared {
        /// Where.
        dir: String,
    },
    /// It was chosen how far the agent is confined.
    Confined {
        /// How far.
        level: Level,
    },
    /// An agent was started.
    AgentStarted {
        /// The profile.
        agent: String,
        /// From 1.
        attempt: u32,
        /// The most there can be.
        max_attempts: u32,
    },
    /// How an agent that is at work gets on.
    Progress {
        /// The profile.
        agent: String,
        /// How long it has been at work.
        elapsed: Duration,
        /// How long nothing was heard of it.
        silent: Duration,
        /// What is known.
        progress: Progress,
    },
    /// What becomes of an agent's session, other than that it goes on.
    Turned {
        /// `compacted`, `rotated`, `retried`, `rested`, `waits` or `fell_back`.
        how: &'static str,
        /// Why, and what is done.
        text: String,
    },
    /// The agent ended.
    AgentFinished {
        /// Its profile.
        agent: String,
        /// What it was for, such as `review`; none where it did the work.
        role: Option<String>,
        /// How.
        ended: String,
        /// How long it took.
        duration_ms: u64,
        /// What it used.
        tokens: Tokens,
        /// Files that it changed.
        files_changed: usize,
        /// Processes that it left and that were ended.
        survivors: u32,
    },
    /// A gate was started.
    GateStarted {
        /// Its name.
        gate: String,
    },
    /// A gate answered.
    GateFinished {
        /// Its answer.
        verdict: Verdict,
    },
    /// A hook of the repository ran.
    HookFinished {
        /// Its name.
        hook: String,
        /// Whether it agreed.
        passed: bool,
        /// Why not.
        said: String,
    },
    /// The branch moved meanwhile, and the step's commit goes on top.
    Replayed {
        /// Whether gates ran again.
        regated: bool,
    },
    /// The step's commit is on the remote.
    Pushed {
        /// The remote.
        remote: String,
        /// The branch there.
        branch: String,
        /// The commit.
        commit: String,
    },
    /// The outcome is recorded.
    Landed {
        /// The outcome's word.
        outcome: String,
        /// Why.
        reason: String,
        /// The commit.
        commit: String,
        /// The branch.
        branch: String,
    },
    /// Work waits on a branch of its own to be merged.
    Offered {
        /// That branch.
        branch: String,
        /// Where it is to be merged.
        target: String,
        /// Its commit.
        commit: String,
    },
    /// Work that is not on the branch was kept.
    Kept {
        /// The ref that holds it.
        reference: String,
    },
    /// A run waits.
    Waiting {
        /// For what.
        text: String,
        /// Until when, if that was told.
        until: Option<Timestamp>,
    },
    /// Something a person should know.
    Warning {
        /// What.
        text: String,
    },
}

/// Who is told.
pub trait Reporter {
    /// Tells one thing.
    fn event(&self, event: &Event);
}

/// Nobody.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Reporter for Silent {
    fn event(&self, _: &Event) {}
}
