//! Is it good: checks of a candidate, each with its answer and its evidence.
//!
//! In: what the agent changed, and what the checks of the base commit say. Out: [`Verdict`]s.
//! Invariant: definitions come from the base commit; a gate that could not run is not a pass; what
//! an agent says is never evidence.

pub mod protect;
pub mod change;
pub mod finding;
pub mod content;
pub mod tamper;
pub mod called;
pub mod claims;
pub mod builtin;
pub mod command;
pub mod queue;
pub mod test_file;
pub mod touched;
pub mod measure;
pub mod ask;
pub mod red_green;
pub mod known;

use crate::state::run::{GateRecord, VerdictKind};

/// The answer of one gate.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// The gate's name.
    pub name: String,
    /// Its answer.
    pub kind: VerdictKind,
    /// Whether the outcome depends on it.
    pub required: bool,
    /// How long it took.
    pub duration_ms: u64,
    /// What it measured.
    pub metric: Option<(String, f64)>,
    /// Why it did not pass, or what it found and only reports.
    pub evidence: String,
    /// How many tests it ran, where it says so.
    pub tests: Option<u64>,
    /// The share of lines that it ran, in per cent, where it says so.
    pub coverage: Option<f64>,
    /// How often it ran: more than once where it did not pass at first.
    pub tries: u32,
    /// Whether it did not run, because it has passed exactly this before.
    pub cached: bool,
}

impl Verdict {
    /// A pass of a built-in gate.
    #[must_use]
    pub fn pass(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            kind: VerdictKind::Pass,
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

    /// A rejection by a built-in gate.
    #[must_use]
    pub fn fail(name: &str, evidence: impl Into<String>) -> Self {
        Self { kind: VerdictKind::Fail, evidence: evidence.into(), ..Self::pass(name) }
    }

    /// Whether the work cannot be accepted because of it.
    #[must_use]
    pub fn rejects(&self) -> bool {
        self.required && self.kind != VerdictKind::Pass
    }

    /// Adds a line to the evidence.
    pub fn add(&mut self, line: &str) {
        if !self.evidence.is_empty() {
            self.evidence.push('\n');
        }
        self.evidence.push_str(line);
    }

    /// As it is recorded.
    #[must_use]
    pub fn record(&self) -> GateRecord {
        GateRecord {
            name: self.name.clone(),
            verdict: self.kind,
            required: self.required,
            duration_ms: self.duration_ms,
            metric: self.metric.clone(),
            evidence: self.evidence.clone(),
            tests: self.tests,
            coverage: self.coverage,
            tries: self.tries,
            cached: self.cached,
        }
    }
}

impl From<GateRecord> for Verdict {
    fn from(record: GateRecord) -> Self {
        Self {
            name: record.name,
            kind: record.verdict,
            required: record.required,
            duration_ms: record.duration_ms,
            metric: record.metric,
            evidence: record.evidence,
            tests: record.tests,
            coverage: record.coverage,
            tries: record.tries,
            cached: record.cached,
        }
    }
}

/// The first gate that rejects, if one does.
#[must_use]
pub fn first_rejection(verdicts: &[Verdict]) -> Option<&Verdict> {
    verdicts.iter().find(|verdict| verdict.rejects())
}
