//! Settings, with where each came from.
//!
//! In: `config.toml` at the base commit, the user's own file, the compiled-in `default.toml`.
//! Out: a [`Config`]. Invariant: the user's file may add agents and tighten, never loosen.

pub mod word;
pub mod facts;
pub mod models;
pub mod duration;
pub mod shell;
mod check;
mod section;
mod entry;
mod tighten;
mod ask;
pub mod read;
pub mod trust;
mod counted;
mod node;
mod folders;
pub mod detect;
pub mod homes;
pub mod render;

pub use ask::{PlanConfig, PlanLanding, ReviewRule};

use std::collections::BTreeMap;
use std::time::Duration;

/// Everything that can be set.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// `[project]`.
    pub project: Project,
    /// `[prompt]`.
    pub prompt: PromptConfig,
    /// `[policy]`.
    pub policy: Policy,
    /// `[budget]`.
    pub budget: Budget,
    /// `[context]`.
    pub context: ContextConfig,
    /// `[workspace]`.
    pub workspace: WorkspaceConfig,
    /// `[[agent]]`, in the order of the file; the built-in `shell` profile comes last.
    pub agents: Vec<Profile>,
    /// `[[gate]]`, in the order of the file.
    pub gates: Vec<GateConfig>,
    /// `[[review]]`.
    pub reviews: Vec<ReviewRule>,
    /// `[plan]`.
    pub plan: PlanConfig,
    /// Where each value came from: dotted key to source (`default`, a path with its line).
    pub provenance: BTreeMap<String, String>,
}

/// `[project]`: what the work is for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Project {
    /// The target branch, without `refs/heads/`; none means the current one.
    pub branch: Option<String>,
    /// Who commits; none means git's identity.
    pub author: Option<Author>,
    /// Globs of the files that hold tests; none means the names that are usual in each language.
    pub tests: Vec<String>,
}

/// A name and an address, as git writes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// The name.
    pub name: String,
    /// The address.
    pub email: String,
}

/// `[prompt]`: how prompts are built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptConfig {
    /// The most that a prompt may have, in estimated tokens.
    pub budget_tokens: u64,
    /// The same for a reviewer, who reads the change.
    pub review_tokens: u64,
    /// The same for a planner, who reads what is there.
    pub plan_tokens: u64,
}

/// `policy.mode`: how work is scheduled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModePolicy {
    /// Chosen from the last runs.
    Auto,
    /// New work and repairs in turn.
    Balance,
    /// Repairs before new work.
    Stabilize,
    /// New work first.
    Accelerate,
}

/// `policy.review`: who looks at work that passed the gates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReviewPolicy {
    /// Nobody.
    None,
    /// An agent of another profile.
    Agent,
    /// A person.
    Human,
}

/// `policy.integration`: how work reaches the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Integration {
    /// On the branch itself.
    Branch,
    /// By a pull request.
    PullRequest,
}

/// `policy.regate`: when gates run again because the branch moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Regate {
    /// Whenever code moved.
    Always,
    /// When both changes touch a common file or folder.
    Overlap,
    /// Not at all.
    Never,
}

/// `[policy]`: what is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Agent sessions in one step, the first included.
    pub max_attempts: u32,
    /// Steps on one task before it is blocked with a diagnosis.
    pub max_steps_per_task: u32,
    /// How work is scheduled.
    pub mode: ModePolicy,
    /// Who looks at it.
    pub review: ReviewPolicy,
    /// How it reaches the target.
    pub integration: Integration,
    /// When gates run again.
    pub regate: Regate,
    /// Globs that no agent may change, beside the built-in ones.
    pub protect: Vec<String>,
    /// What built-in gates only report, by name.
    pub allow: Vec<String>,
    /// What rejects though built-in gates would only report it, by name.
    pub deny: Vec<String>,
    /// Gates that run at one time.
    pub gate_jobs: usize,
}

/// `[budget]`, in USD and in tokens; none means no limit.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Budget {
    /// For one step.
    pub step_usd: Option<f64>,
    /// For all steps of one task.
    pub task_usd: Option<f64>,
    /// For one day (UTC).
    pub day_usd: Option<f64>,
    /// For one month (UTC).
    pub month_usd: Option<f64>,
    /// For one step: input, cached input and output together.
    pub step_tokens: Option<u64>,
    /// For all steps of one task.
    pub task_tokens: Option<u64>,
    /// For one day (UTC).
    pub day_tokens: Option<u64>,
    /// For one month (UTC).
    pub month_tokens: Option<u64>,
}

impl Budget {
    /// The key of the first limit in USD, if there is one.
    #[must_use]
    pub fn in_usd(&self) -> Option<&'static str> {
        let all = [
            ("budget.step_usd", self.step_usd),
            ("budget.task_usd", self.task_usd),
            ("budget.day_usd", self.day_usd),
            ("budget.month_usd", self.month_usd),
        ];
        all.into_iter().find(|(_, limit)| limit.is_some()).map(|(key, _)| key)
    }
}

/// `[context]`: shares of a context window, 0..1.
#[derive(Debug, Clone, PartialEq)]
pub struct ContextConfig {
    /// From here a session is compacted.
    pub compact_at: f64,
    /// From here a fresh session takes over.
    pub rotate_at: f64,
    /// The most of a window that one task may be expected to need.
    pub task_share: f64,
}

/// `[workspace]`: where agents work.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WorkspaceConfig {
    /// Run once, by `sh -c`, in a new workspace; again when what the project needs changed.
    pub setup: Option<String>,
    /// The directory of all workspaces; none means the user's state directory.
    pub root: Option<String>,
    /// What gates may find again of what gates before them left: paths, or names at any depth.
    pub keep: Vec<String>,
}

/// Which kind of agent a profile is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Adapter {
    /// Claude Code.
    Claude,
    /// Codex.
    Codex,
    /// Gemini CLI.
    Gemini,
    /// opencode.
    Opencode,
    /// GitHub Copilot CLI.
    Copilot,
    /// aider.
    Aider,
    /// Any agent that speaks the Agent Client Protocol.
    Acp,
    /// Any program.
    Command,
    /// The task's own `run` command.
    Shell,
}

/// How a `command` agent is given its prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PromptBy {
    /// On standard input.
    #[default]
    Stdin,
    /// As the last argument.
    Arg,
    /// As a file whose path is the last argument.
    File,
}

/// USD per million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Price {
    /// Input that is not cached.
    pub input: f64,
    /// Cached input.
    pub cached: f64,
    /// Output, reasoning included.
    pub output: f64,
}

/// `[[agent]]`: a named agent.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// How it is driven.
    pub adapter: Adapter,
    /// Program and arguments of a `command` agent.
    pub command: Vec<String>,
    /// How a `command` agent is given its prompt.
    pub prompt: PromptBy,
    /// The model.
    pub model: Option<String>,
    /// `low`, `medium` or `high`.
    pub effort: Option<String>,
    /// The highest complexity that it is trusted with, 1..=10.
    pub capability: u8,
    /// Tokens.
    pub context_window: Option<u64>,
    /// What it costs.
    pub price: Option<Price>,
    /// Sessions at one time.
    pub max_parallel: u32,
    /// The longest that a session may take.
    pub timeout: Duration,
    /// The longest that it may be silent.
    pub idle_timeout: Option<Duration>,
    /// Variables that it may see beside `PATH`, `HOME`, `LANG`, `TERM`, `TMPDIR`.
    pub env: Vec<String>,
    /// `auto`, `none`, `bwrap` or `landlock`.
    pub sandbox: String,
    /// Folders that a confined one may write beside its workspace and its own: absolute, or below `~/`.
    pub writable: Vec<String>,
    /// Whether a confined one may use the network.
    pub network: bool,
}

/// What a gate's output is measured by.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricConfig {
    /// Its name.
    pub name: String,
    /// A regular expression whose first group is the number.
    pub regex: String,
    /// The least that passes.
    pub min: Option<f64>,
    /// The most that passes.
    pub max: Option<f64>,
}

/// What a gate's report of covered lines has to say.
#[derive(Debug, Clone, PartialEq)]
pub struct CoverageConfig {
    /// The file that the gate writes.
    pub file: String,
    /// The least share of all lines, in per cent.
    pub min: Option<f64>,
    /// The least share of the lines that the change adds or edits, in per cent.
    pub changed_min: Option<f64>,
    /// The most that the share of all lines may be below that of the base, in per cent.
    pub max_drop: Option<f64>,
}

/// `[[gate]]`: a command that judges a candidate.
#[derive(Debug, Clone, PartialEq)]
pub struct GateConfig {
    /// Its name.
    pub name: String,
    /// Run by `sh -c` in the candidate tree.
    pub run: String,
    /// The longest that it may take.
    pub timeout: Duration,
    /// Whether the outcome depends on it.
    pub required: bool,
    /// Gates that have to pass before it runs.
    pub needs: Vec<String>,
    /// What it measures.
    pub metric: Option<MetricConfig>,
    /// Variables that it may see beside `PATH`, `HOME`, `LANG`, `TERM`, `TMPDIR`.
    pub env: Vec<String>,
    /// How often it may run again where it did not pass.
    pub retries: u32,
    /// Whether it gets a checkout in which nothing was kept.
    pub clean: bool,
    /// Whether it need not run again on a tree that it passed.
    pub cache: bool,
    /// Whether the tests of a change have to fail without it.
    pub red_green: bool,
    /// The JUnit XML files that it writes: a path whose last name may have a `*`.
    pub junit: Option<String>,
    /// Its report of covered lines.
    pub coverage: Option<CoverageConfig>,
}

/// The dotted key of an entry of a list in [`Config::provenance`], such as `agent.sonnet`; a name
/// that has dots itself is quoted, so that no other key is spelt the same.
#[must_use]
pub fn entry_key(list: &str, name: &str) -> String {
    if name.contains('.') { format!("{list}.\"{name}\"") } else { format!("{list}.{name}") }
}
