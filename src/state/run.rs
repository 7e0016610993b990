//! A run record: what one step did, written once and never edited.

use super::id::{RunId, TaskId};
use jiff::Timestamp;

/// The judgement on a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OutcomeKind {
    /// The work is on the branch.
    Accepted,
    /// A gate rejected it, or the agent failed; the work is kept aside.
    Rejected,
    /// The gates passed; a person has to look.
    NeedsReview,
    /// The agent or the policy says that somebody must act first.
    Blocked,
    /// Put off; the task stands where it stood.
    Deferred,
}

impl OutcomeKind {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Accepted, Self::Rejected, Self::NeedsReview, Self::Blocked, Self::Deferred];

    /// The word in files, trailers and output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::NeedsReview => "needs_review",
            Self::Blocked => "blocked",
            Self::Deferred => "deferred",
        }
    }

    /// The outcome that a word names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == word)
    }
}

/// Tokens of one attempt or of a whole run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tokens {
    /// Read by the model, not from its cache.
    pub input: u64,
    /// Read by the model from its cache.
    pub cached: u64,
    /// Written by the model.
    pub output: u64,
    /// Of what was written, the part that was only thought, where it is told.
    pub reasoning: u64,
}

impl Tokens {
    /// Everything that was read and written.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.input.saturating_add(self.cached).saturating_add(self.output)
    }
}

impl std::ops::Add for Tokens {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            input: self.input.saturating_add(other.input),
            cached: self.cached.saturating_add(other.cached),
            output: self.output.saturating_add(other.output),
            reasoning: self.reasoning.saturating_add(other.reasoning),
        }
    }
}

impl std::ops::Sub for Tokens {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            input: self.input.saturating_sub(other.input),
            cached: self.cached.saturating_sub(other.cached),
            output: self.output.saturating_sub(other.output),
            reasoning: self.reasoning.saturating_sub(other.reasoning),
        }
    }
}

/// The answer of a gate, as it is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VerdictKind {
    /// The result is good.
    Pass,
    /// The result is not good.
    Fail,
    /// The gate could not run; never a pass.
    Error,
    /// The gate did not apply, or was not reached.
    Skipped,
}

impl VerdictKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Pass, Self::Fail, Self::Error, Self::Skipped];

    /// The word in files, trailers and output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Error => "error",
            Self::Skipped => "skipped",
        }
    }

    /// The verdict that a word names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.as_str() == word)
    }
}

/// The verdict of one gate, as it is recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct GateRecord {
    /// The gate's name.
    pub name: String,
    /// Its answer.
    pub verdict: VerdictKind,
    /// Whether the outcome depended on it.
    pub required: bool,
    /// How long it took.
    pub duration_ms: u64,
    /// What it measured: name and value.
    pub metric: Option<(String, f64)>,
    /// The last lines of what it said where it did not pass, or what it only reports.
    pub evidence: String,
    /// How many tests it ran, where it says so.
    pub tests: Option<u64>,
    /// The share of lines that it ran, in per cent, where it says so.
    pub coverage: Option<f64>,
    /// How often it ran: a pass after more than one try is flaky.
    pub tries: u32,
    /// Whether it did not run, because it had passed exactly this before.
    pub cached: bool,
}

impl GateRecord {
    /// The answer of a required gate that ran once and said nothing else.
    #[must_use]
    pub fn new(name: impl Into<String>, verdict: VerdictKind) -> Self {
        Self {
            name: name.into(),
            verdict,
            required: true,
            duration_ms: 0,
            metric: None,
            evidence: String::new(),
            tests: None,
            coverage: None,
            tries: 1,
            cached: false,
        }
    }

    /// Whether it passed, but not at first.
    #[must_use]
    pub fn is_flaky(&self) -> bool {
        self.verdict == VerdictKind::Pass && self.tries > 1
    }

    /// How the answer came about, where that is not by one run.
    #[must_use]
    pub fn how(&self) -> Option<String> {
        match self.tries {
            _ if self.cached => Some("cached".to_owned()),
            0 | 1 => None,
            tries if self.is_flaky() => Some(format!("flaky, {tries} tries")),
            tries => Some(format!("{tries} tries")),
        }
    }
}

/// One agent session inside a step, as it is recorded.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AttemptRecord {
    /// How the agent ended, such as `exit 0`, `signal 9`, `timed out`.
    pub ended: String,
    /// How long it ran.
    pub duration_ms: u64,
    /// What it used.
    pub tokens: Tokens,
    /// The first gate that rejected it, if one did.
    pub rejected_by: Option<String>,
    /// The profile, where it is not the one that the run names.
    pub agent: Option<String>,
    /// The id by which the agent's conversation can be taken up again.
    pub session: Option<String>,
    /// The class of its failure, such as `rate_limit`.
    pub failure: Option<String>,
    /// What it was for, such as `review`; none where it did the work.
    pub role: Option<String>,
    /// Cost in USD, where it is known.
    pub cost_usd: Option<f64>,
    /// How much of its budget it had left at least when it said that it was done and a gate said otherwise, in
    /// percent.
    pub early: Option<u32>,
}

/// How many paths of changed files a record has at the most.
pub const FILES_MAX: usize = 100;

/// An amount of money without the dust that sums of binary fractions leave: billionths of a dollar.
#[must_use]
pub fn plain_usd(usd: f64) -> f64 {
    (usd * 1e9).round() / 1e9
}

/// An amount of money: cents, and more digits only where there would be nothing but zeros.
#[must_use]
pub fn spell_usd(usd: f64) -> String {
    // The sum of nothing is a zero below zero.
    let usd = usd + 0.0;
    if usd > 0.0 && usd < 0.1 { format!("${usd:.4}") } else { format!("${usd:.2}") }
}

/// What one step did.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Its id: the stem of its file.
    pub id: RunId,
    /// The task that it worked on.
    pub task: TaskId,
    /// The run whose work it decides on, where it is an approval or a review of work that waited.
    pub decides: Option<RunId>,
    /// The commit that it started from, in hexadecimal.
    pub base: String,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Timestamp,
    /// The judgement.
    pub outcome: OutcomeKind,
    /// Why, in one line.
    pub reason: String,
    /// The class of the failure that it ended with, such as `hang`.
    pub failure: Option<String>,
    /// The profile's name.
    pub agent: String,
    /// Its adapter.
    pub adapter: String,
    /// Its model, if it has one.
    pub model: Option<String>,
    /// Why this profile was chosen.
    pub chosen_because: String,
    /// How far it was confined, where that was recorded: `none`, `landlock` or `bwrap`.
    pub sandbox: Option<String>,
    /// Whose claim on the task it took over, and why it could.
    pub took_over: Option<String>,
    /// The scheduling policy that was in force, and why.
    pub mode: Option<String>,
    /// SHA-256 of the first prompt's bytes, in hexadecimal.
    pub prompt_sha256: String,
    /// SHA-256 of what the task gave to it, whatever earlier steps left, in hexadecimal.
    pub input_sha256: Option<String>,
    /// Its size, estimated.
    pub prompt_tokens: u64,
    /// Names of its sections.
    pub sections: Vec<String>,
    /// What did not fit, the most relevant first.
    pub omitted: Vec<String>,
    /// How much more was left out than is named.
    pub omitted_more: u32,
    /// Every agent session, in order.
    pub attempts: Vec<AttemptRecord>,
    /// The largest share of the context window that was used, 0..1.
    pub context_peak: Option<f64>,
    /// Compactions.
    pub compactions: u32,
    /// Rotations.
    pub rotations: u32,
    /// What the agent claimed, and what speaks against it.
    pub claims: Vec<String>,
    /// Cost in USD, where it is known.
    pub cost_usd: Option<f64>,
    /// Verdicts on the last candidate.
    pub gates: Vec<GateRecord>,
    /// The tree that was judged, outside `.orchestrator/`, in hexadecimal.
    pub tree: Option<String>,
    /// How many files the candidate changes.
    pub files_changed: u32,
    /// Their paths, in order, at most [`FILES_MAX`].
    pub files: Vec<String>,
    /// Lines added.
    pub insertions: u32,
    /// Lines removed.
    pub deletions: u32,
    /// Tokens predicted when the step began.
    pub estimated_tokens: Option<u64>,
    /// The version of orch.
    pub orch: String,
}

impl Run {
    /// Sessions that did the work; those that were asked about it are not among them.
    #[must_use]
    pub fn at_work(&self) -> usize {
        self.attempts.iter().filter(|attempt| attempt.role.is_none()).count()
    }

    /// The gates that passed, but not at first.
    pub fn flaky_gates(&self) -> impl Iterator<Item = &GateRecord> {
        self.gates.iter().filter(|gate| gate.is_flaky())
    }

    /// What all attempts used together.
    #[must_use]
    pub fn tokens(&self) -> Tokens {
        self.attempts.iter().fold(Tokens::default(), |sum, attempt| sum + attempt.tokens)
    }
}
