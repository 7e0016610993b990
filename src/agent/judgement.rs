//! What a reviewer says of somebody else's work: no more of it than can be shown.

use super::reply::MAX_ITEMS;
use crate::state::task::one_line;
use serde::Deserialize;

/// A reviewer's judgement on one criterion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Criterion {
    /// Whether it is met.
    pub met: bool,
    /// What the reviewer saw.
    pub why: String,
}

/// Something that a reviewer found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file.
    pub file: Option<String>,
    /// The line, from 1.
    pub line: Option<u64>,
    /// What is wrong.
    pub problem: String,
}

/// A reviewer's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// Whether it would have the change on the branch.
    pub approves: bool,
    /// One judgement a criterion, in their order.
    pub criteria: Vec<Criterion>,
    /// What is wrong.
    pub findings: Vec<Finding>,
}

/// The same, as it is written.
#[derive(Deserialize)]
pub(super) struct ReviewShape {
    verdict: String,
    #[serde(default)]
    criteria: Vec<CriterionShape>,
    #[serde(default)]
    findings: Vec<FindingShape>,
}

#[derive(Deserialize)]
struct CriterionShape {
    met: bool,
    #[serde(default)]
    why: String,
}

#[derive(Deserialize)]
struct FindingShape {
    #[serde(default)]
    file: Option<String>,
    #[serde(default)]
    line: Option<u64>,
    problem: String,
}

impl ReviewShape {
    pub(super) fn into_review(self) -> Review {
        let criteria = self.criteria.into_iter().take(MAX_ITEMS * 40);
        let findings = self.findings.into_iter().take(MAX_ITEMS);
        Review {
            // Any word but this one is no approval.
            approves: self.verdict.trim() == "approve",
            criteria: criteria.map(|of| Criterion { met: of.met, why: one_line(&of.why, 500) }).collect(),
            findings: findings
                .map(|of| Finding {
                    file: of.file.map(|file| one_line(&file, 200)).filter(|file| !file.is_empty()),
                    line: of.line,
                    problem: one_line(&of.problem, 500),
                })
                .collect(),
        }
    }
}
