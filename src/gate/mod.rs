//! Is it good: checks of a candidate, each with its answer and its evidence.
//!
//! In: what the agent changed, and what the checks of the base commit say. Out: [`Verdict`]s.
//! Invariant: definitions come from the base commit; a gate that could not run is not a pass; what
//! an agent says is never evidence.

pub mod protect;
pub mod change;
pub mod finding;
pub mod content;
pub mod builtin;
pub mod command;

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
        }
    }
}

/// The first gate that rejects, if one does.
#[must_use]
pub fn first_rejection(verdicts: &[Verdict]) -> Option<&Verdict> {
    verdicts.iter().find(|verdict| verdict.rejects())
}
